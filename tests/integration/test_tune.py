#!/usr/bin/env python3
"""Whole headless sessions against PostgreSQL 15 with a work_mem that is far too small for its sorts: they end improved, the
server is left with the best state that was measured, and the journal shows every switch with its undo."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def archived(server, run):
    """What an improved session leaves: settings in force and read back, files, exports, a journal that adds up."""
    s = run.summary
    t.check(s["changes"] and s["best_tps"] > s["baseline_tps"] > 0, "nothing was gained: %s" % s)
    t.check(abs(s["best_tps"] / s["baseline_tps"] - s["effect"]) < 0.01 * s["effect"], "the figures are not of one measurement: %s" % s)
    t.check(1 < s["ci95"][0] <= s["effect"] <= s["ci95"][1], "effect outside its interval: %s" % s)
    for change in s["changes"]:
        shown = server.sql("SHOW " + change["name"])
        t.check(shown == change["to"] != change["from"], "%s is %s, not %s" % (change["name"], shown, change["to"]))
    t.check(set(c["name"] for c in s["changes"]) == set(server.entries()),
            "changes %s, postgresql.auto.conf %s" % (s["changes"], server.entries()))
    t.check("work_mem" in server.entries(), "the sorts' own setting was not found: %s" % s["changes"])
    pending = server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart")
    t.check(pending == "0", "settings wait for a restart")
    report, conf = s["exports"]["report"], s["exports"]["conf"]
    t.check(os.path.isabs(report) and os.path.isabs(conf), "relative paths: %s" % s["exports"])
    t.check("work_mem" in t.read(report) and "work_mem" in t.read(conf), "the exports do not hold what was found")
    t.check(not any(word in t.read(conf) for word in ("\nport", "\nlisten_addresses", "\ndata_directory")),
            "the export holds what is not tuning")
    session = run.session()
    t.check(session["state"] == "ARCHIVED" and session["format"] == 1, "session.json says %s" % session["state"])
    for path, _, files in os.walk(run.home):
        for name in files:
            mode = os.stat(os.path.join(path, name)).st_mode & 0o777
            t.check(mode == 0o600, "%s/%s has mode %o" % (path, name, mode))
    t.check(not server.pgbenches(), "pgbench is left")


def interleaved(journal, entries):
    """Both arms run in turn; between two runs of different arms stands a switch, closed, with its undo."""
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
    t.check(len(set(arms)) == 2 and min(arms.count(a) for a in set(arms)) >= 3, "arms of the round: %s" % arms)
    t.check(sum(a != b for a, b in zip(arms, arms[1:])) >= 2, "the arms are not interleaved: %s" % arms)
    t.check(len(switched) >= sum(a != b for a, b in zip(arms, arms[1:])), "switches: %s" % switched)


def restart_auto():
    server = t.Server(t.pg_bin(15))
    try:
        run = t.improved(server, server.home(), server.script(t.SORTS), "--duration", "2", "--rounds", "2", "--accept",
                         "safe", "--restart", "auto")
        archived(server, run)
        interleaved(run.journal(), server.entries())
        kinds = [e["event"] for e in run.events()]
        for kind in ("discovery", "first_sight", "strategy", "baseline", "target", "proposal", "guard", "apply", "verify",
                     "bench", "verdict", "checkpoint"):
            t.check(kind in kinds, "no event " + kind)
    finally:
        server.destroy()


def never_and_out_of_reach():
    """No restart is made; the goal is missed, so exit 1; what improved is kept all the same."""
    server = t.Server(t.pg_bin(15))
    try:
        started = server.sql("SELECT pg_postmaster_start_time()")
        run = t.improved(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept",
                         "safe", "--restart", "never", "--target-tps", "10000000", code=1)
        t.check(run.summary["target_tps"] == 10000000, "the target is %s" % run.summary["target_tps"])
        t.check(server.sql("SELECT pg_postmaster_start_time()") == started, "the server was restarted")
        t.check(not [e for e in run.events("guard") if e["restart"] and not e["refused"]], "a restart was proposed")
        archived(server, run)
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (restart_auto, never_and_out_of_reach)})
