#!/usr/bin/env python3
"""A percentile of the latency, at a given rate, as the goal of a session."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

RATE = 60


def p95_at_a_rate(server):
    """Sorts that spill at a rate that the server can do: the transactions a second stay, their p95 falls."""
    run = t.improved(server, server.home(), server.script(t.SORTS), "--goal", "p95", "--rate", str(RATE), "--duration", "2",
                     "--rounds", "1", "--budget", "4", "--accept", "safe")
    print("   %.0f s, effect %.2f" % (run.seconds, run.summary["effect"]))
    plan = run.events("strategy")[0]
    t.check(plan["goal"] == "p95" and plan["rate"] == RATE, "the plan says %s at %s" % (plan["goal"], plan["rate"]))
    final = [v for v in run.events("verdict") if v["phase"] == "confirmation"][-1]
    t.check(final["p95_after"] < final["p95_before"], "p95 %s, before %s" % (final["p95_after"], final["p95_before"]))
    t.check(run.summary["effect"] > 1.05, "old over new: %s" % run.summary)
    t.check(abs(final["tps_after"] / final["tps_before"] - 1) < 0.2, "the rate was not kept: %s" % final)
    t.check("work_mem" in server.entries(), "kept: %s" % server.entries())


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
