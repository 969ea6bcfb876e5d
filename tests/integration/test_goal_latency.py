#!/usr/bin/env python3
"""A percentile of the latency, at a given rate, as the goal of a session."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

RATE = 80


def p95_at_a_rate(server):
    """Work at a rate that the server can do: the transactions a second stay as offered, and the effect is of the
    latency. That it is called improved is for a machine with nothing else to do: with PGD_SOAK."""
    flags = ("--goal", "p95", "--rate", str(RATE), "--duration", "2", "--rounds", "1", "--budget", "4", "--accept", "safe")
    if os.environ.get("PGD_SOAK"):
        run = t.improved(server, server.home(), server.script(t.SORTS), *flags)
        t.check("work_mem" in server.entries(), "kept: %s" % server.entries())
    else:
        run = t.Run(server, server.home(), server.script(t.STEADY), *flags, **t.forced()).end()
        t.check(run.code in (0, 1), "exit %d: %s" % (run.code, run.said))
    plan = run.events("strategy")[0]
    t.check(plan["goal"] == "p95" and plan["rate"] == RATE, "the plan says %s at %s" % (plan["goal"], plan["rate"]))
    runs = [r for r in run.events("bench") if r["valid"]]
    t.check(runs and max(r["tps"] for r in runs) < 1.5 * RATE, "more than was offered: %s" % [r["tps"] for r in runs])
    for v in run.events("verdict"):
        if v["phase"] in ("round", "confirmation") and v["effect"] and v["runs_after"]:
            faster = v["p95_before"] / v["p95_after"]
            t.check((v["effect"] > 1) == (faster > 1) or 0.8 < faster < 1.25, "effect %s, latency %s" % (v["effect"], faster))
    print("   %.0f s, %s, effect %s" % (run.seconds, run.summary["verdict"], run.summary["effect"]))


def without_a_rate(server):
    """A latency without a rate is throughput in other words: refused before anything is touched."""
    run = t.Run(server, server.home(), server.script(t.SORTS), "--goal", "p99").end()
    t.check(run.code == 2, "exit %d" % run.code)
    t.check("--rate" in run.said, run.said)
    run = t.Run(server, server.home(), server.script(t.SORTS), "--goal", "speed").end()
    t.check(run.code == 2 and "p95" in run.said, run.said)


def goals():
    server = t.Server(t.pg_bin(15))
    try:
        without_a_rate(server)
        p95_at_a_rate(server)
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"goals": goals})
