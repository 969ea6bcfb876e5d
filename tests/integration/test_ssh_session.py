#!/usr/bin/env python3
"""Whole sessions whose server is on a second host (tests/support/second_host.sh), over a real sshd. What discovery says of such
a host: test_ssh_discovery.py.

session    settings of the server, with the restart made there, and of its operating system, put in force; then a signal, and
           everything is taken back. It is looked at on that host.
killed     kill -9 of the program: within two seconds nothing of it runs on the host.
shells     users whose shell is not sh, with nothing but busybox, and without a shell.
whole      (by name; tests/soak) a session that improves, with its confirmation, on a cluster of Debian's tools.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import sshtest
import tunetest as t

FORCED = "work_mem=64MB;shared_buffers=160MB;os:vm.swappiness=11"
FLAGS = ("--duration", "1", "--rounds", "1")
host = None


def over_ssh(user, *flags, **how):
    return t.Run(host, host.home(), host.script(t.STEADY), *host.ssh_flags(user), *FLAGS, *flags, env=host.env(), **how)


def swappiness():
    return host.exec("cat", "/proc/sys/vm/swappiness").strip()


def nothing_left():
    t.wait_for("what it ran there to end", 3, lambda: not host.guests())
    left = os.listdir(os.path.join(host.disk, "tmp")) + os.listdir(os.path.join(host.disk, "etc/sysctl.d"))
    left += [name for name in os.listdir(host.data) if name.startswith("pg_diagnose.") and name != "pg_diagnose.server.log"]
    t.check(not left, "left on the host: %s" % left)


def forced(*flags):
    return t.Run(host, host.home(), host.script(t.STEADY), *host.ssh_flags("dba"), *FLAGS, "--accept", "safe", "--restart", "auto",
                 "--accept-os", *flags, program=t.TEST_PROGRAM,
                 env=host.env(PGD_TEST_FORCE_CHANGE=FORCED, PGD_TEST_ONLY_FORCED="1"))


def state():
    """Of everything that the session changes: in force, and in files."""
    return (host.sql("SHOW work_mem"), host.sql("SHOW shared_buffers"), swappiness(), host.entries())


def session():
    before, started, old = state(), host.sql("SELECT pg_postmaster_start_time()"), host.postmaster()
    run = forced()
    run.until("a run with the changes", lambda: [e for e in run.events("bench") if e["arm"] == "round 1"], 60)
    run.process.terminate()
    during, restarted = state(), host.sql("SELECT pg_postmaster_start_time()")
    run.expect(1, "PAUSED")
    t.check(during == ("64MB", "160MB", "11", {"work_mem": "64MB", "shared_buffers": "160MB"}), "in force: %s" % (during,))
    t.check(started < restarted < host.sql("SELECT pg_postmaster_start_time()"), "not two restarts since %s: %s" % (started, restarted))
    t.check(state() == before, "%s, not %s" % (state(), before))
    t.check(host.postmaster() != old and t.Ledger(run.journal()).open is None, "a step is open")
    plan = run.events("strategy")[0]
    t.check(plan["restart"] and "over ssh" in plan["restart_by"], "restart by %s" % plan["restart_by"])
    t.check(run.events("ssh")[0]["state"] == "up", "%s" % run.events("ssh"))
    nothing_left()
    print("   %.1f s, restarts by %s" % (run.seconds, plan["restart_by"]))


def whole():
    global host
    host.destroy()
    host = sshtest.SecondHost("layout=debian")
    before = state()
    run = forced().expect(0, "ARCHIVED", "improved")
    # work_mem alone makes this workload faster: an ablation may have found that and taken the others out
    wanted = dict(change.split("=") for change in FORCED.split(";"))
    kept = {c["name"]: c["to"] for c in run.summary["changes"]}
    t.check(kept.get("work_mem") == "64MB" and kept.items() <= wanted.items(), "changes %s" % run.summary["changes"])
    t.check(state()[:3] == ("64MB", kept.get("shared_buffers", before[1]), kept.get("os:vm.swappiness", before[2])),
            "%s is in force, not %s" % (state(), kept))
    tried = {item["name"] for record in run.journal() if record["event"] == "intent" for item in record["items"]}
    t.check(tried == set(wanted), "switched: %s" % tried)
    t.check("pg_ctlcluster" in run.events("strategy")[0]["restart_by"], run.events("strategy")[0]["restart_by"])
    t.check(len(run.events("host")) == 1, "the host was told of %d times" % len(run.events("host")))
    nothing_left()
    print("   %.1f s: %s" % (run.seconds, run.summary["changes"]))


def killed():
    run = over_ssh("dba", "--accept", "safe", "--restart", "auto")
    run.until("a run", lambda: run.events("bench"), 30)
    t.wait_for("its remote loop", 10, lambda: host.guests())
    run.process.kill()
    at = time.monotonic()
    run.process.wait()
    t.wait_for("the end of what it ran there", 2, lambda: not host.guests())
    print("   gone after %.2f s" % (time.monotonic() - at))


def shells():
    users = ["closed"] + ["csh"] * os.path.exists("/bin/tcsh") + ["busybox"] * os.path.exists("/bin/busybox")
    for user in users:
        run = over_ssh(user, "--accept", "none", "--restart", "auto")
        plan = run.until("the plan", lambda: run.events("strategy"), 30)[0]
        run.process.terminate()
        run.end(30)
        found = run.events("host")[0]
        if user == "closed":
            t.check(not found["known"] and found["why"] and not plan["restart"], "%s: %s" % (user, found))
            continue
        t.check(found["hostname"] == host.hostname and found["cpus"] == int(host.exec("grep", "-c", "^processor", "/proc/cpuinfo")),
                "%s: %s" % (user, found))
        t.check(found["access"] == "sudo" and found["root"] == "sudo" and plan["restart"], "%s: %s\n%s" % (user, found, plan))
    nothing_left()


def main():
    global host
    try:
        host = sshtest.SecondHost()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
    try:
        few = (session, killed, shells)
        t.main({f.__name__: f for f in (few + (whole,) if sys.argv[1:] else few)})
    finally:
        host.destroy()


if __name__ == "__main__":
    main()
