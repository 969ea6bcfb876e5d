#!/usr/bin/env python3
"""SIGTERM and SIGINT in the middle of a run: the half-applied step is undone, the session is PAUSED, the summary is the last
line, no pgbench is left; the next `tune` goes on where it stopped."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "safe", "--restart", "auto")


def stop(server, run, signo):
    run.process.send_signal(signo)
    run.end(30)
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "exit %d: %s" % (run.code, run.summary))
    t.wait_for("pgbench to be gone", 5, lambda: not server.pgbenches())
    t.wait_for("our sessions to be gone", 5, lambda: not server.strangers())
    t.check(run.session()["state"] == "PAUSED", "session.json says " + run.session()["state"])
    ledger = t.Ledger(run.journal())
    t.check(ledger.open is None, "a switch is left open")
    t.check(not ledger.explain(server.entries(), {}), "; ".join(ledger.explain(server.entries(), {})))
    t.check(server.entries() == {}, "the step under way was not undone: %s" % server.entries())
    return run.summary["session"]


def paused_and_resumed():
    server = t.Server(t.pg_bin(15))
    try:
        home, script = server.home(), server.script(t.STEADY)
        # in the baseline, while pgbench runs
        run = t.Run(server, home, script, *FLAGS, **t.forced())
        run.until("the first run", lambda: server.pgbenches() and run.events("bench"))
        session = stop(server, run, signal.SIGTERM)
        # in the round, with the candidate's settings on the server
        run = t.Run(server, home, script, *FLAGS, **t.forced())
        run.until("the candidate", lambda: run.events("apply"))
        baseline = run.events("baseline")
        t.check(len(baseline) == 1, "the baseline was measured %d times" % len(baseline))
        t.check(stop(server, run, signal.SIGINT) == session, "another session was begun")
        # to the end; what was measured before is not measured again
        run = t.Run(server, home, script, *FLAGS, **t.forced()).end()
        t.check(run.summary["session"] == session, "another session was begun")
        t.check(run.summary["state"] in ("ARCHIVED", "FAILED"), "%s" % run.summary)
        t.check(not run.events("baseline"), "the baseline was measured again")
        kept = run.summary["state"] == "ARCHIVED"  # on a noisy machine it may stay undecided
        t.check(run.code == (0 if kept else 1) and ("work_mem" in server.entries()) == kept, "%s" % run.summary)
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"paused_and_resumed": paused_and_resumed})
