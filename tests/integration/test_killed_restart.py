#!/usr/bin/env python3
"""kill -9 in the blackout of a restart, and the next tune at once: with the restart script still at work, and with the
script killed too, so that nobody but the next tune can bring the server up again. And in a lock-out: the server runs and
lets nobody in."""
import glob
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tunetest as t  # noqa: E402


def killed(script_too):
    server = t.Server(t.pg_bin(15))
    try:
        stock = server.sql("SHOW shared_buffers")
        home, script = server.home(), server.script(t.STEADY)
        flags = ["--duration", "1", "--rounds", "1", "--accept", "safe", "--restart", "auto"]
        run = t.Run(server, home, script, *flags, **t.forced("shared_buffers=160MB"))
        report = os.path.join(server.data, "pg_diagnose.report")
        run.until("the restart", lambda: "state=stopping" in t.read(report, ""))
        run.process.kill()
        if script_too:
            os.kill(int(t.read(os.path.join(server.data, "pg_diagnose.lock", "pid"))), signal.SIGKILL)
            t.wait_for("the end of the server", 60,
                       lambda: not os.path.exists(os.path.join(server.data, "postmaster.pid")))
        run.process.wait()
        again = t.Run(server, home, script, *flags, **t.forced()).end()
        t.check(again.code in (0, 1), "exit %d: %s" % (again.code, again.said[-2000:]))
        t.check(again.summary["state"] in ("ARCHIVED", "FAILED"), "%s" % again.summary)
        t.check(not script_too or "it is up again" in again.said, "nobody told of the rescue: " + again.said[:2000])
        t.check(server.sql("SHOW shared_buffers") == stock, "the forced change is still in force")
        t.check(server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0", "a restart is pending")
        left = t.Ledger(again.journal()).explain(server.entries(), {})
        t.check(not left, "%s" % left)
    finally:
        server.destroy()


def program():
    killed(False)


def program_and_script():
    killed(True)


def stopped_since():
    """Our script had it up again, and the DBA has stopped it since: it stays down, and so it does where restarts are not ours."""
    server = t.Server(t.pg_bin(15))
    try:
        home, script = server.home(), server.script(t.SLEEPS)
        flags = ["--duration", "1", "--budget", "3", "--accept", "safe"]
        run = t.Run(server, home, script, *flags, "--restart", "auto", program=t.TEST_PROGRAM,
                    env={"PGD_TEST_FORCE_CHANGE": "shared_buffers=160MB"})
        report = os.path.join(server.data, "pg_diagnose.report")
        run.until("the restart", lambda: "state=" in t.read(report, ""))
        run.process.send_signal(signal.SIGSTOP)
        t.wait_for("the server", 30, lambda: "state=up" in t.read(report, ""))
        run.process.kill()
        run.process.wait()
        t.subprocess.run([t.PG, "stop", server.dir], check=True, capture_output=True)
        stands = t.read(os.path.join(server.data, "postgresql.auto.conf"))
        t.check("160MB" in stands, stands)
        again = t.Run(server, home, script, *flags, "--restart", "auto").end()
        t.check(again.code == 3 and "shut down since: not ours to start" in again.said, "exit %d: %s" % (again.code, again.said))
        t.check(not os.path.exists(os.path.join(server.data, "postmaster.pid")), "it was started")
        t.check(t.read(os.path.join(server.data, "postgresql.auto.conf")) == stands, "its settings were touched")
        os.remove(report)
        again = t.Run(server, home, script, *flags, "--restart", "never").end()
        t.check(again.code == 3 and "to start it is yours" in again.said, "exit %d: %s" % (again.code, again.said))
        t.check(not os.path.exists(os.path.join(server.data, "postmaster.pid")), "it was started, with --restart never")
        t.check("160MB" not in t.read(os.path.join(server.data, "postgresql.auto.conf")), "the old settings are not back")
    finally:
        server.destroy()


def journals(home):
    return glob.glob(home + "/workspaces/*/sessions/*/journal.jsonl")


def locked_out(change, restart):
    """The server runs and lets nobody in, and whoever has done that is dead."""
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        server.sql("ALTER SYSTEM SET log_temp_files = 77")
        server.sql("SELECT pg_reload_conf()")
        home, script = server.home(), server.script(t.SLEEPS)
        flags = ["--duration", "1", "--budget", "3", "--accept", "safe", "--restart", "auto"]
        env = {"PGD_TEST_FORCE_CHANGE": change, "PGD_TEST_NO_GUARD": "1"}
        if not restart:
            env["PGD_TEST_KILL_AT"] = "reload"
        run = t.Run(server, home, script, *flags, program=t.TEST_PROGRAM, env=env)
        report = os.path.join(server.data, "pg_diagnose.report")
        if restart:
            run.until("the restart", lambda: "state=up" in t.read(report, ""))
            run.process.kill()
        run.process.wait()
        t.check(server.try_sql("SELECT 1") is None, "it lets people in")
        if not restart:  # an edit of somebody else's in the same file is not ours to take back
            auto = os.path.join(server.data, "postgresql.auto.conf")
            stands = t.read(auto)
            with open(auto, "a") as f:
                f.write("log_temp_files = '78'\n")
            again = t.Run(server, home, script, *flags).end()
            t.check(again.code == 3 and "others have changed postgresql.auto.conf" in again.said, "exit %d: %s" % (again.code, again.said))
            t.check("pg_diagnose.auto.conf.before in the place of" in again.said, "not told: " + again.said)
            t.check("ALTER SYSTEM RESET " + change.split("=")[0] + ";" in again.said, "not told: " + again.said)
            t.check(t.read(auto) == stands + "log_temp_files = '78'\n", "touched: " + t.read(auto))
            with open(auto, "w") as f:
                f.write(stands)
        started = time.monotonic()
        again = t.Run(server, home, script, *flags)
        again.until("somebody to be let in", lambda: server.try_sql("SELECT 1"))
        print("   in again after %.1f s" % (time.monotonic() - started))
        again.until("the session to go on", lambda: [r for p in journals(home) for r in t.parse_journal(p)
                                                     if r["event"] in ("applied", "undone")])
        again.process.terminate()
        again.end()
        t.check(again.code == 1 and again.summary["state"] == "PAUSED", "exit %d: %s" % (again.code, again.said[-2000:]))
        t.check("postgresql.auto.conf was put back" in again.said, "nobody told of the rescue: " + again.said[:2000])
        t.check(server.entries() == {"log_temp_files": "77"}, "%s" % server.entries())
        t.check(server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0", "a restart is pending")
        left = t.Ledger(again.journal()).explain(server.entries(), {"log_temp_files": "77"})
        t.check(not left, "%s" % left)
    finally:
        server.destroy()


def locked_out_by_a_reload():
    locked_out("session_preload_libraries=no_such", False)


def locked_out_by_a_restart():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        free = s.getsockname()[1]
    locked_out("port=%d" % free, True)


def restart_script(server, mode, *words):
    """The lines that restart.sh prints, run as the server's owner."""
    owner = os.stat(server.data).st_uid
    out = t.subprocess.run(["sh", "-c", t.read(os.path.join(t.SOURCE, "assets/restart/restart.sh")), "pg_diagnose-restart", mode,
                            "data=" + server.data, "bin=" + t.pg_bin(15), *words], capture_output=True, text=True, cwd="/",
                           user=owner if os.getuid() == 0 else None, extra_groups=[] if os.getuid() == 0 else None)
    return dict(line.split("=", 1) for line in out.stdout.splitlines() if "=" in line)


def clients_inside():
    """Where others have sessions it is about us alone: no restart, and nothing is touched."""
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        t.check(restart_script(server, "save")["state"] == "saved", "no copy")
        server.sql("ALTER SYSTEM SET work_mem = '5MB'")
        started = server.sql("SELECT pg_postmaster_start_time()")
        session = t.subprocess.Popen([t.PG, "psql", server.dir, "postgres", "SELECT pg_sleep(60)"], stdout=t.subprocess.DEVNULL,
                                     stderr=t.subprocess.DEVNULL)
        t.wait_for("the session", 20, lambda: server.sql("SELECT 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'"))
        told = restart_script(server, "unlock", "names=work_mem", "again=1")
        t.check(told["state"] == "down" and "clients have sessions" in told["note"], "%s" % told)
        t.check(server.entries() == {"work_mem": "5MB"}, "%s" % server.entries())
        told = restart_script(server, "revive")
        t.check(told["state"] == "up" and server.entries() == {"work_mem": "5MB"}, "%s" % told)
        t.check(server.sql("SELECT pg_postmaster_start_time()") == started, "it was restarted")
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'")
        session.wait()
        told = restart_script(server, "unlock", "names=work_mem", "again=1")
        t.check(told["state"] == "restored", "%s" % told)
        t.check(server.sql("SELECT pg_postmaster_start_time()") != started and not server.entries(), "it was not restarted")
    finally:
        server.destroy()


def nothing_of_ours():
    """Without a killed restart a server that is down is told at once."""
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        t.subprocess.run([t.PG, "stop", server.dir], check=True, capture_output=True)
        started = time.monotonic()
        run = t.Run(server, server.home(), server.script(t.SLEEPS)).end()
        t.check(run.code == 3 and time.monotonic() - started < 5 * t.SCALE, "exit %d" % run.code)
        t.check(not os.path.exists(os.path.join(server.data, "postmaster.pid")), "it was started")
    finally:
        server.destroy()


t.main({f.__name__: f for f in (nothing_of_ours, clients_inside, stopped_since, locked_out_by_a_reload, locked_out_by_a_restart, program,
                                    program_and_script)})
