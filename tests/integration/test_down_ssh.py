#!/usr/bin/env python3
"""kill -9 of the program and of its restart script, with the server on a second host left down: the next tune has it up again by
ssh. Without the flags for ssh it says which ones; with a link that breaks while it looks after the server it looks again."""
import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import sshtest
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "safe", "--restart", "auto")


def forced(host, *change):
    how = t.forced(*change)
    return dict(how, env=host.env(**how["env"]))


def down(host):
    """A session that was killed in the blackout of a restart, with nobody left to end it. Its home and its script."""
    home, script = host.home(), host.script(t.STEADY)
    run = t.Run(host, home, script, *host.ssh_flags("dba"), *FLAGS, **forced(host, "shared_buffers=160MB"))
    report = os.path.join(host.data, "pg_diagnose.report")
    run.until("the restart", lambda: "state=stopping" in t.read(report, ""))
    run.process.kill()
    host.exec("kill", "-KILL", t.read(os.path.join(host.data, "pg_diagnose.lock", "pid")).strip())
    t.wait_for("the end of the server", 60, lambda: not os.path.exists(os.path.join(host.data, "postmaster.pid")))
    run.process.wait()
    t.check("160MB" in t.read(os.path.join(host.data, "postgresql.auto.conf")), "nothing was killed in the middle")
    return home, script


def killed_restart():
    with sshtest.SecondHost() as host:
        stock = host.sql("SHOW shared_buffers")
        home, script = down(host)
        if os.environ.get("PGD_SOAK"):  # a server whose host is out of reach is waited for
            again = t.Run(host, home, script, *FLAGS, env=host.env()).end()
            t.check(again.code == 3 and "start again with --ssh-host=%s --ssh-user=dba --ssh-port=2222" % host.address in again.said,
                    "exit %d: %s" % (again.code, again.said))
            t.check(not os.path.exists(os.path.join(host.data, "postmaster.pid")), "somebody has started it")
        relay = host.relay()
        started = time.monotonic()
        again = t.Run(host, home, script, *host.ssh_flags("dba", relay), *FLAGS, **forced(host))
        again.until("looking after it", lambda: host.processes("pg_diagnose-restart") or host.try_sql("SELECT 1") == "1")
        relay.drop()  # on a busy machine it has been quicker than this look
        again.until("the server", lambda: host.try_sql("SELECT 1") == "1")
        print("   up again after %.1f s" % (time.monotonic() - started))
        again.until("its switch to be closed", lambda: [r for p in glob.glob(home + "/workspaces/*/sessions/*/journal.jsonl")
                                                        for r in t.parse_journal(p) if r["event"] in ("applied", "undone")])
        again.process.terminate()
        again.end()
        t.check(again.summary["state"] == "PAUSED", "%s" % again.summary)
        t.check("it is up again" in again.said or "the server runs" in again.said, "nobody told of the rescue: " + again.said[:2000])
        t.check(host.sql("SHOW shared_buffers") == stock, "the forced change is still in force")
        left = t.Ledger(again.journal()).explain(host.entries(), {})
        t.check(not left, "%s" % left)
        t.wait_for("nothing to be left behind", 10, lambda: not [
            n for n in os.listdir(host.data) if n.startswith("pg_diagnose.") and n != "pg_diagnose.server.log"])


t.main({"killed_restart": killed_restart})
