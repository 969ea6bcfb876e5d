#!/usr/bin/env python3
"""A server that came with fsync and hash joins switched off: First Sight says so, the first round repairs that and nothing else, it
stays though it is no gain, what follows is measured against it, and an undo takes back even that, entry by entry."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

REPAIRED = {"fsync": "on", "enable_hashjoin": "on"}


def repair():
    server = t.Server(t.pg_bin(15), conf=t.SMALL + ("fsync = off", "enable_hashjoin = off"), rows=25000)
    try:
        before = server.entries()
        home, script = server.home(), server.script(t.SORTS)
        run = t.Run(server, home, script, "--duration", "1", "--rounds", "1", "--accept", "safe").end()
        t.check("fsync is off" in run.said and "proposed before anything else" in run.said, run.said)
        t.check({e["name"]: e["to"] for e in run.events("guard")} == REPAIRED, "proposed: %s" % run.events("guard"))
        t.check(all(e["refused"] is None for e in run.events("guard")), "%s" % run.events("guard"))
        t.check(run.summary["state"] == "ARCHIVED" and run.code == 1, "exit %d: %s" % (run.code, run.summary))
        t.check(server.entries() == dict(before, **REPAIRED), "entries %s" % server.entries())
        t.check(server.sql("SHOW fsync") == "on", "fsync is " + server.sql("SHOW fsync"))
        t.check({c["name"] for c in run.summary["changes"]} == set(REPAIRED), "%s" % run.summary)
        verdict = run.events("verdict")[0]
        t.check(abs(run.summary["baseline_tps"] - verdict["tps_after"]) < 0.01, "the baseline is not that after the repair: %s"
                % run.summary)

        # The next session finds nothing to repair and tunes.
        run = t.Run(server, home, script, "--duration", "1", "--accept", "safe")
        run.until("the proposal", lambda: run.events("guard"))
        t.check(not {e["name"] for e in run.events("guard")} & set(REPAIRED), "proposed again: %s" % run.events("guard"))
        run.process.send_signal(signal.SIGTERM)
        run.expect(1, "PAUSED")
        t.check(server.entries() == dict(before, **REPAIRED), "entries %s" % server.entries())
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (repair,)})
