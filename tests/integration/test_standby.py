#!/usr/bin/env python3
"""A primary with a real streaming standby: what would pause its replay is refused in the review and once more before
sending, a restart is refused while a base backup or a prepared transaction would suffer, and a whole session ends improved
with the standby alive and its replay never paused."""
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

primary = None
standby = None


class Standby:
    """Made by pg_basebackup, with a slot of its own, beside the primary."""

    def __init__(self):
        self.dir = os.path.join(primary.work, "standby")
        self.data = self.dir + "/data"
        self.port = str(random.randint(20000, 32000))
        os.makedirs(self.dir)
        if os.geteuid() == 0:
            subprocess.run(["chown", primary.osuser, self.dir], check=True)
        self.run("pg_basebackup", "-D", self.data, "-h", primary.host, "-p", primary.port, "-U", "postgres", "-R", "-C", "-S",
                 "standby", "-c", "fast")
        self.start()

    def start(self):
        self.run("pg_ctl", "start", "-w", "-s", "-D", self.data, "-l", self.dir + "/log", "-o",
                 "-p %s -c unix_socket_directories=%s -c listen_addresses=" % (self.port, primary.host))

    def run(self, program, *args, check=True):
        done = subprocess.run([t.PG, "as", primary.bin + "/" + program, *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        t.check(not check or done.returncode == 0, "%s: %s" % (program, done.stderr))

    def sql(self, text):
        out = subprocess.run([t.PG, "as", "/usr/lib/postgresql/15/bin/psql", "-X", "-A", "-t", "-h", primary.host, "-p", self.port,
                              "-U", "postgres", "-d", "postgres", "-c", text], capture_output=True, text=True, timeout=60)
        return out.stdout.strip() if out.returncode == 0 else "down: " + out.stderr.strip()

    def stop(self):
        self.run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", "-s", check=False)


class Sampler(threading.Thread):
    """Asks the standby for the state of its replay until it is told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over = [], threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            self.seen.append(standby.sql("SELECT pg_is_in_recovery() || ' ' || pg_get_wal_replay_pause_state()"))

    def end(self):
        self.over.set()
        self.join()
        return self.seen


def forced(change, *flags, env=None):
    return t.Run(primary, primary.home(), primary.script(t.SLEEPS), "--duration", "1", "--rounds", "1", "--accept", "safe",
                 "--restart", "auto", *flags, program=t.TEST_PROGRAM, env=dict({"PGD_TEST_FORCE_CHANGE": change}, **(env or {})))


def untouched(start):
    t.check(primary.entries() == {}, "%s" % primary.entries())
    t.check(primary.sql("SELECT pg_postmaster_start_time()") == start, "the primary was restarted")
    t.check(standby.sql("SELECT pg_get_wal_replay_pause_state()") == "not paused", "replay is paused")


def streams():
    return primary.sql("SELECT state FROM pg_stat_replication") == "streaming"


def raising():
    """Each of the five that a standby must have too: refused, with the standby as the reason."""
    start = primary.sql("SELECT pg_postmaster_start_time()")
    names = ["max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction"]
    run = forced(";".join("%s=%d" % (n, int(primary.sql("SHOW " + n)) + 8) for n in names)).end()
    lines = {e["name"]: e for e in run.events("guard")}
    for name in names:
        t.check(lines[name]["refused"] and lines[name]["sql"] is None, "%s: %s" % (name, lines[name]))
    t.check("replay" in lines["max_worker_processes"]["reason"], "%s" % lines["max_worker_processes"])
    t.check(not run.events("apply"), "%s" % run.events("apply"))
    t.check([e["replicas"] for e in run.events("consent")][0] in (1, None), "%s" % run.events("consent"))
    untouched(start)


def raising_past_the_guard():
    """With the guard switched off the preflight refuses it, and nothing was touched."""
    start = primary.sql("SELECT pg_postmaster_start_time()")
    run = forced("max_locks_per_transaction=128", env={"PGD_TEST_NO_GUARD": "guard"}).end()
    errors = [e["error"] for e in run.events("verify")]
    t.check(errors and all("has risen on the standbys" in e for e in errors), "%s\n%s" % (errors, run.said))
    untouched(start)


def prepared_transaction():
    """A restart is refused while a prepared transaction waits; what needs none goes on."""
    start = primary.sql("SELECT pg_postmaster_start_time()")
    primary.sql("BEGIN; CREATE TABLE waits (a int); PREPARE TRANSACTION 'waits'")
    try:
        run = forced("shared_buffers=144MB").end()
        errors = [e["error"] for e in run.events("verify")]
        t.check(errors and all("prepared transactions" in e for e in errors), "%s\n%s" % (errors, run.said))
        untouched(start)
    finally:
        primary.sql("ROLLBACK PREPARED 'waits'")


def base_backup():
    """… and while a base backup runs: a slow one, of pg_basebackup."""
    start = primary.sql("SELECT pg_postmaster_start_time()")
    copy = os.path.join(standby.dir, "copy")
    backup = subprocess.Popen([t.PG, "as", primary.bin + "/pg_basebackup", "-D", copy, "-h", primary.host, "-p", primary.port, "-U",
                               "postgres", "-r", "1M", "-c", "fast"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        t.wait_for("the backup", 20, lambda: primary.sql("SELECT count(*) FROM pg_stat_progress_basebackup") == "1")
        run = forced("shared_buffers=144MB").end()
        errors = [e["error"] for e in run.events("verify")]
        t.check(errors and all("base backup" in e for e in errors), "%s\n%s" % (errors, run.said))
        t.check(primary.sql("SELECT count(*) FROM pg_stat_progress_basebackup") == "1", "the backup was broken off")
        untouched(start)
    finally:
        primary.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_basebackup")
        backup.wait()


def whole_session():
    """It ends improved, nobody restarts anything, replay never pauses, and the standby follows to the end."""
    start, standbys = primary.sql("SELECT pg_postmaster_start_time()"), standby.sql("SELECT pg_postmaster_start_time()")
    sampler = Sampler()
    sampler.start()
    run = t.improved(primary, primary.home(), primary.script(t.STEADY), "--duration", "1", "--rounds", "1", "--accept", "safe",
                     **t.forced())
    seen = sampler.end()
    t.check(len(seen) > 20 and set(seen) == {"true not paused"}, "replay: %s" % sorted(set(seen)))
    t.check(run.events("consent")[-1]["replicas"] == 1, "%s" % run.events("consent")[-1])
    t.check(run.summary["changes"], "%s" % run.summary)
    t.check(primary.sql("SELECT pg_postmaster_start_time()") == start, "the primary was restarted")
    t.check(standby.sql("SELECT pg_postmaster_start_time()") == standbys, "the standby was restarted")
    t.wait_for("the standby to stream", 15, streams)
    primary.sql("CREATE TABLE arrives AS SELECT 42 AS a")
    t.wait_for("the row to arrive", 15, lambda: standby.sql("SELECT a FROM arrives") == "42")
    t.check(not run.events("watchdog"), "%s" % run.events("watchdog"))
    primary.sql("ALTER SYSTEM RESET ALL")
    primary.sql("SELECT pg_reload_conf()")


def standby_falls_behind():
    """Replay stands still while runs write: the session stops because of the lag."""
    run = t.Run(primary, primary.home(), primary.script("INSERT INTO filler SELECT repeat(md5(random()::text), 32) "
                                                        "FROM generate_series(1, 500);\n"),
                "--duration", "15", "--accept", "none", program=t.TEST_PROGRAM, env={"PGD_TEST_BOUNDS": "lag_bytes=20000000"})
    run.until("a run", lambda: primary.pgbenches())
    standby.sql("SELECT pg_wal_replay_pause()")
    try:
        run.end(40)
    finally:
        standby.sql("SELECT pg_wal_replay_resume()")
    lines = run.events("watchdog")
    t.check(len(lines) == 1 and lines[0]["condition"] == "standby lag" and "MB" in lines[0]["figure"], "%s\n%s" % (lines, run.said))
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "%s" % run.summary)
    t.wait_for("pgbench to end", 5, lambda: not primary.pgbenches())
    print("   %s; bound: %s" % (lines[0]["figure"], lines[0]["bound"]))


def standby_goes():
    """It is stopped while a run is under way: the session ends, after a few looks here instead of a minute of them."""
    run = t.Run(primary, primary.home(), primary.script(t.SLEEPS), "--duration", "15", "--accept", "none", program=t.TEST_PROGRAM,
                env={"PGD_TEST_BOUNDS": "samples=3"})
    run.until("a run", lambda: primary.pgbenches())
    standby.stop()
    try:
        run.end(40)
    finally:
        standby.start()
    lines = run.events("watchdog")
    t.check(len(lines) == 1 and lines[0]["condition"] == "standby gone", "%s\n%s" % (lines, run.said))
    t.check(lines[0]["figure"] == "0 of 1 standbys are connected" and lines[0]["running"], "%s" % lines)
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "%s" % run.summary)
    t.wait_for("the standby to stream", 20, streams)


if __name__ == "__main__":
    try:
        primary = t.Server(t.pg_bin(15), conf=t.SMALL + ("wal_level = replica", "max_prepared_transactions = 4", "hot_standby = on"))
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        primary.sql("CREATE TABLE filler (pad text)")
        standby = Standby()
        t.wait_for("the standby to stream", 20, streams)
        t.main({f.__name__: f for f in (raising, raising_past_the_guard, prepared_transaction, base_backup, standby_falls_behind,
                                        standby_goes, whole_session)})
    finally:
        if standby:
            standby.stop()
        primary.destroy()
