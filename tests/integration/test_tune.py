#!/usr/bin/env python3
"""A whole headless session against PostgreSQL 15 with a work_mem that is far too small for its sorts: it ends improved, the
server is left with the best state that was measured, and the journal shows every switch with its undo."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def interleaved(journal, entries):
    """Both arms run in turn; between two runs of different arms stands a switch, closed, with its undo. The runs that screen
    alternatives ("round 1: work_mem = 64MB") come before and are none of the experiment's."""
    ledger = t.Ledger(journal)
    t.check(ledger.open is None, "a switch is left open")
    t.check(not ledger.explain(entries, {}), "; ".join(ledger.explain(entries, {})))
    at = next(i for i, r in enumerate(journal) if r["event"] == "checkpoint" and r["what"] == "baseline")
    end = next(i for i, r in enumerate(journal) if r["event"] == "checkpoint" and r["what"] == "round")
    arm, arms, switched = None, [], []
    for r in journal[at:end]:
        if r["event"] == "intent":
            switched.append(r["arm"])
        elif r["event"] == "bench":
            if arm not in (None, r["arm"]):
                t.check(switched and switched[-1] == r["arm"], "run %d of %s without a switch to it" % (r["run"], r["arm"]))
            arm = r["arm"]
            arms.append(arm)
    screened = max((i + 1 for i, a in enumerate(arms) if ": " in a), default=0)
    arms = arms[screened:]
    t.check(len(set(arms)) == 2 and min(arms.count(a) for a in set(arms)) >= 3, "arms of the round: %s" % arms)
    t.check(sum(a != b for a, b in zip(arms, arms[1:])) >= 2, "the arms are not interleaved: %s" % arms)
    t.check(len(switched) >= sum(a != b for a, b in zip(arms, arms[1:])), "switches: %s" % switched)


def restart_auto():
    server = t.Server(t.pg_bin(15))
    try:
        run = t.improved(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--budget", "4",
                         "--accept", "safe", "--restart", "auto")
        t.archived(server, run)
        interleaved(run.journal(), server.entries())
        kinds = [e["event"] for e in run.events()]
        for kind in ("discovery", "first_sight", "strategy", "baseline", "target", "proposal", "guard", "apply", "verify",
                     "bench", "verdict", "checkpoint"):
            t.check(kind in kinds, "no event " + kind)
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"restart_auto": restart_auto})
