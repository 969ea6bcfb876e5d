#!/usr/bin/env python3
"""What a session is agreed to by: the figures of the consent before the first run and again once they are measured, and
the DBA's maintenance window, which no restart of ours leaves."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

server = None


def clock(minutes):
    """The local time of day, that many minutes from now."""
    return time.strftime("%H:%M", time.localtime(time.time() + 60 * minutes))


def forced(*flags, home=None):
    """A session of one round with one more change, of the test's own: one that needs a restart."""
    return t.Run(server, home or server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept", "safe",
                 "--restart", "auto", *flags, program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": "shared_buffers=144MB"})


def stop(run):
    run.process.terminate()
    run.end()
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "exit %d: %s\n%s" % (run.code, run.summary, run.said))
    t.check(server.entries() == {}, "%s" % server.entries())


def bad_windows():
    """A window that is none is an error of usage that says what one looks like."""
    for value in ("", "22", "22:00", "22:00-24:00", "22:60-23:00", "22:00-22:00", "7:00-08:00", "22:00-04:30 ", "aa:bb-cc:dd"):
        run = t.Run(server, server.home(), server.script(t.SORTS), "--window", value).end()
        t.check(run.code == 2 and run.summary["state"] is None, "%r: exit %d" % (value, run.code))
        t.check("--window" in run.said or "window" in run.said, "%r: %s" % (value, run.said))


def window_shut():
    """Outside the window a change that needs a restart is refused with the window as the reason; the others go on, and
    the server is not restarted. The consent says so before, and has the figures."""
    start = server.sql("SELECT pg_postmaster_start_time()")
    window = "%s-%s" % (clock(120), clock(180))
    run = forced("--window", window)
    run.until("the proposal", lambda: [e for e in run.events("apply")])
    stop(run)
    first = run.events("consent")[0]
    t.check(first["when"] == "plan" and first["window"] == window, "%s" % first)
    t.check("closed" in (first["window_refuses"] or ""), "%s" % first)
    t.check(not first["written_measured"] and first["written_bytes"] is None, "measured before any run: %s" % first)
    t.check(0 < first["runs_least"] <= first["runs_most"] and first["arms"] == 8 and first["asks_most"] == 0, "%s" % first)
    t.check(first["blackout_s"] > 0 and not first["blackout_measured"], "%s" % first)
    t.check(first["data_free_bytes"] > 0 and first["wal_free_bytes"] > 0 and first["database_bytes"] > 0, "%s" % first)
    t.check(first["replicas"] == 0 and first["archiving"] is False, "%s" % first)
    order = [e["event"] for e in run.events()]
    t.check(order.index("consent") < order.index("bench"), "the consent comes after the first run")
    again = [e for e in run.events("consent") if e["when"] == "baseline"]
    t.check(len(again) == 1 and again[0]["written_measured"] and again[0]["written_bytes"] >= 0, "%s" % again)
    lines = [e for e in run.events("guard") if e["name"] == "shared_buffers"]
    t.check(lines and lines[0]["refused"] and "window %s is closed" % window in lines[0]["reason"], "%s" % lines)
    t.check(server.sql("SELECT pg_postmaster_start_time()") == start, "the server was restarted")
    t.check("shared_buffers" not in [e["name"] for e in run.events("apply")], "applied outside the window")


def half_built_index():
    """An index that CREATE INDEX CONCURRENTLY has left behind is a finding; the program makes and mends none itself."""
    server.sql("CREATE TABLE twice AS SELECT 1 AS a FROM generate_series(1, 2)")
    t.check(server.try_sql("CREATE UNIQUE INDEX CONCURRENTLY half_built ON twice (a)") is None, "it was built")
    run = t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "1")
    run.until("the plan", lambda: run.events("consent"))
    stop(run)
    t.check("public.half_built is not valid" in run.said, run.said)
    server.sql("DROP TABLE twice")


def nothing_is_reset():
    """Of all statements of the sessions before, as the server has logged them: no statistics were reset, no index made."""
    log = t.read(os.path.join(server.dir, "log"))
    ours = [line for line in log.splitlines() if " pg_diagnose" in line]
    t.check(len(ours) > 100, "%d lines of ours in the log" % len(ours))
    t.check(any(re.search(r": ALTER SYSTEM SET ", line) for line in ours), "the log does not have what was done")
    for pattern in (r"pg_stat_reset", r"(statement|execute [^:]*): *(CREATE|REINDEX|DROP|VACUUM|ANALYZE)\b"):
        found = [line for line in ours if re.search(pattern, line)]
        t.check(not found, "%s: %s" % (pattern, found[:3]))


def window_open():
    """Inside it the restart is made, told a second time before, and what it took is the next session's figure."""
    home = server.home()
    start = server.sql("SELECT pg_postmaster_start_time()")
    run = forced("--window", "%s-%s" % (clock(-30), clock(120)), home=home)
    run.until("a restart", lambda: [e for e in run.events("apply") if e["restarted"]])
    t.check(run.events("consent")[-1]["when"] == "restart", "not told again: %s" % run.events("consent"))
    t.check(run.events("consent")[-1]["restarts_most"] > 0, "%s" % run.events("consent")[-1])
    t.check(server.sql("SELECT pg_postmaster_start_time()") != start, "the server was not restarted")
    stop(run)
    again = t.Run(server, home, server.script(t.SORTS), "--strategy", "Balanced", "--duration", "1", "--rounds", "1",
                  "--restart", "auto")
    again.until("the consent", lambda: again.events("consent"))
    stop(again)
    plan = again.events("consent")[0]
    t.check(plan["blackout_measured"] and 0 < plan["blackout_s"] < 60, "%s" % plan)


if __name__ == "__main__":
    try:
        server = t.Server(t.pg_bin(15), conf=t.SMALL + ("log_statement = all",))
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (bad_windows, half_built_index, window_shut, window_open, nothing_is_reset)})
    finally:
        server.destroy()
