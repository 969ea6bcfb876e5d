#!/usr/bin/env python3
"""A/A sessions through the whole program: both sides of every comparison run the same configuration in all that matters.

usage: aa_sessions.py [SESSIONS [SECONDS]]     (20 sessions, runs of 4 s; about a minute and a half each)

A private server with good settings; three workloads in turn. The test program proposes, in place of its advisor, one setting
that none of them can feel. Each session then measures a round and, only if that was called improved, a confirmation. What is
counted: rounds called improved or regressed, and sessions that claim a gain. Exit 1 when more than one session in twenty
claims something.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
import tunetest as t

GOOD = ("shared_buffers = 512MB", "max_wal_size = 8GB", "checkpoint_timeout = 30min", "work_mem = 64MB", "jit = off",
        "random_page_cost = 1.1", "max_parallel_workers_per_gather = 0", "autovacuum_naptime = 1h")
WORKLOADS = {
    "look-ups": "\\set a random(1, 40000)\nSELECT k FROM sorted WHERE id = :a;\n",
    "sorts": t.SORTS,
    "writes": "\\set a random(1, 40000)\nUPDATE kept SET n = n + 1 WHERE id = :a;\n",
}
# Nothing here builds an index or vacuums by hand: the value is never looked at.
IDLE = ["maintenance_work_mem=%dMB" % (65 + i) for i in range(3)]


def one(server, number, seconds):
    name = list(WORKLOADS)[number % len(WORKLOADS)]
    env = {"PGD_TEST_FORCE_CHANGE": "\n".join(IDLE), "PGD_TEST_ONLY_FORCED": "1"}
    run = t.Run(server, server.home(), server.script(WORKLOADS[name]), "--duration", str(seconds), "--rounds", "2", "--budget", "4",
                "--accept", "safe", program=t.TEST_PROGRAM, env=env).end()
    rounds = [v for v in run.events("verdict") if v["phase"] == "round"]
    base = (run.events("baseline") or [{}])[0]
    print("%2d %-8s floor %4.1f %%  rounds %s  session %s%s, %.0f s" % (
        number + 1, name, 100 * (base.get("floor") or 0),
        " ".join("%s %+.1f %%" % (v["verdict"], 100 * (v["effect"] - 1)) for v in rounds if v["effect"]),
        run.summary["state"], " CLAIMS " + str(run.summary["effect"]) if run.summary["verdict"] == "improved" else "", run.seconds),
        flush=True)
    return rounds, run.summary["verdict"] == "improved"


def main():
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    server = t.Server(t.pg_bin(15), conf=GOOD)
    try:
        server.sql("CREATE TABLE kept AS SELECT i AS id, 0 AS n FROM generate_series(1, 40000) i")
        server.sql("ALTER TABLE kept ADD PRIMARY KEY (id), SET (fillfactor = 50)")
        done = [one(server, i, seconds) for i in range(sessions)]
    finally:
        server.destroy()
    rounds = [v for found, _ in done for v in found]
    called = [v for v in rounds if v["verdict"] in ("improved", "regressed")]
    claims = sum(claim for _, claim in done)
    print("%d rounds, %d of them called improved or regressed; %d sessions, %d of them claim a gain" %
          (len(rounds), len(called), len(done), claims))
    return 1 if claims > max(1, len(done) // 20) else 0


if __name__ == "__main__":
    sys.exit(main())
