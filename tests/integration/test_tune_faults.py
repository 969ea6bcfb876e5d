#!/usr/bin/env python3
"""Faults that only the test build of the program has: a disk that syncs slowly, and no guard before a setting with which
the server cannot start."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def slow_disk():
    """With fsync delayed by 5 s no ALTER is sent before its journal line is on the disk: the file changes at least that
    much later than the line was written."""
    server = t.Server(t.pg_bin(15), conf=t.SMALL + ("log_statement = ddl",))
    try:
        run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "safe",
                    program=t.TEST_PROGRAM, env={"PGD_TEST_FSYNC_DELAY_MS": "5000", "PGD_TEST_FSYNC_DELAY_FILE": "journal.jsonl"})
        log = os.path.join(server.dir, "log")
        seen = {}

        def journal():
            for path, _, files in os.walk(run.home):
                if "journal.jsonl" in files:
                    return t.read(os.path.join(path, "journal.jsonl"), "")
            return ""

        def look():
            if "intent" not in seen and '"event":"intent"' in journal():
                seen["intent"] = time.monotonic()
            if "alter" not in seen and "ALTER SYSTEM" in t.read(log):
                seen["alter"] = time.monotonic()
            return "alter" in seen
        run.until("the first ALTER SYSTEM", look, 400)
        t.check("intent" in seen, "an ALTER was sent before the journal had its line")
        waited = seen["alter"] - seen["intent"]
        t.check(waited > 4.5, "the ALTER came %.2f s after the line was written, so before it was on the disk" % waited)
        t.check("work_mem" in journal().split('"event":"intent"')[1], "the intent does not name the setting")
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    finally:
        server.destroy()


def impossible_setting():
    """shared_buffers = 4TB, forced past guard and preflight: the server is up again in seconds with its old settings, and
    the line of its log that explains it is in the events and on stderr."""
    server = t.Server(t.pg_bin(15))
    try:
        before = server.entries()
        shown = server.sql("SHOW shared_buffers")
        run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept", "safe",
                    "--restart", "auto", program=t.TEST_PROGRAM,
                    env={"PGD_TEST_NO_GUARD": "1", "PGD_TEST_FORCE_CHANGE": "shared_buffers=4TB"})
        run.until("the server to go down", lambda: server.try_sql("SELECT 1") is None)
        down = time.monotonic()
        t.wait_for("the server to be up again", 15, lambda: server.try_sql("SELECT 1") == "1")
        seconds = time.monotonic() - down
        run.end(60)
        t.check(run.code == 4, "exit %d: %s\n%s" % (run.code, run.summary, run.said))
        t.check(run.summary["state"] == "FAILED", "%s" % run.summary)
        t.check(server.sql("SHOW shared_buffers") == shown, "shared_buffers is " + server.sql("SHOW shared_buffers"))
        t.check(server.entries() == before, "entries %s" % server.entries())
        logs = [e["log"] for e in run.events("verify") if e["log"]]
        t.check(any("FATAL" in line or "could not" in line for line in logs), "the reason is not in the events: %s" % logs)
        t.check("FATAL" in run.said or "could not" in run.said, "the reason is not said: " + run.said)
        ledger = t.Ledger(run.journal())
        t.check(ledger.open is None and not ledger.explain(server.entries(), {}), "the journal does not add up")
        print("   up again after %.1f s: %s" % (seconds, logs[0]))
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (slow_disk, impossible_setting)})
