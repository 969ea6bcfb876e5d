#!/usr/bin/env python3
"""--observe on a real server with a load of its own, driven from outside: configurations that do harm are left within 5 s of
taking effect, without pg_stat_statements the counters of the database are used, and what makes no sense is refused. The
sessions that improve a server are in tests/soak/observe.py."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import observetest as o
import tunetest as t

server = None

# Points of an index, cheap until they are compiled; and a statement that hangs while a setting has a certain value.
POINTS = ("\\set a random(1, 40000)\nSELECT k, CASE current_setting('work_mem') WHEN '3MB' THEN pg_sleep(15) END "
          "FROM sorted WHERE id = :a;\n")
BACK_WITHIN = 5


def backs_off():
    """Two planted configurations: one makes each statement many times slower, the other one lets none come to its end."""
    reset = o.resets(server)
    with o.Load(server, 60, POINTS):
        run = o.Observed(server, server.home(), "--accept", "safe", "--duration", "2", "--rounds", "2", "--budget", "5",
                         program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": "!jit_above_cost=0\n!work_mem=3MB"})
        seconds = o.in_force(server, run, ["jit_above_cost", "work_mem"])
        run.end()
    for name, found in seconds.items():
        t.check(len(found) == 1 and found[0] < BACK_WITHIN * t.SCALE, "%s was in force for %s\n%s" % (name, found, o.dump(run)))
        print("   %s: back after %.1f s" % (name, found[0]))
    given_up = run.events("abandoned")
    t.check([e["round"] for e in given_up] == [1, 2], "%s\n%s" % (given_up, run.said))
    t.check(given_up[0]["slower"] > 2 and "times as long" in given_up[0]["figure"], "%s" % given_up[0])
    t.check(given_up[1]["slower"] is None and "at work, the oldest for" in given_up[1]["figure"], "%s" % given_up[1])
    verdicts = [v for v in run.events("verdict") if v["phase"] == "round"]
    t.check([v["verdict"] for v in verdicts] == ["regressed", "regressed"], "%s" % verdicts)
    t.check(all(g["figure"] in v["note"] for g, v in zip(given_up, verdicts)), "%s" % verdicts)
    t.check(run.summary["state"] == "FAILED" and run.summary["changes"] == [], "%s" % run.summary)
    t.check(server.entries() == {}, "left behind: %s" % server.entries())
    o.untouched(run, reset, o.resets(server))
    plan = run.events("strategy")[0]
    t.check(plan["observe"] and plan["goal"] == "runtime" and not plan["restart"], "%s" % plan)
    t.check(not server.sql("SELECT query FROM pg_stat_statements WHERE query LIKE '%pg_stat_get_activity%' "
                           "OR query LIKE '%pg_stat_statements(%'"), "our own statements are counted")


def plans_flip():
    """A change under which a statement of the traffic has another plan: it is told, with the plan before and after. What is another
    role's is not planned, nor what would lock rows, and nothing is executed."""
    server.sql("CREATE TABLE IF NOT EXISTS few AS SELECT i AS id, i AS k FROM generate_series(1, 1000) i")
    server.sql("CREATE INDEX ON few (id)")
    server.sql("ANALYZE few")
    server.sql("CREATE ROLE app LOGIN; GRANT SELECT ON few TO app; CREATE FUNCTION trap() RETURNS int IMMUTABLE LANGUAGE plpgsql "
               "AS $$BEGIN RAISE LOG 'planned by %', current_setting('application_name'); RETURN 1; END$$")
    script = ("\\set a random(1, 1000)\nSELECT k, pg_sleep(0.004) FROM few WHERE id = :a;\n"
              "SELECT k FROM few WHERE id = :a FOR UPDATE;\nSET ROLE app;\nSELECT max(k) + trap() FROM few;\nRESET ROLE;\n")
    reset = o.resets(server)
    with o.Load(server, 60, script):
        run = o.Observed(server, server.home(), "--accept", "safe", "--duration", "1", "--rounds", "1", "--budget", "2",
                         program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": "!random_page_cost=10", "PGD_TEST_ONLY_FORCED": "1"})
        run.end()
    told = run.events("by_statement")
    t.check(len(told) == 1, "%s\n%s" % (told, run.said))
    slept = [s for s in told[0]["statements"] if "pg_sleep" in s["name"]]
    t.check(len(slept) == 1 and slept[0]["source"] == "pg_stat_statements" and slept[0]["share"] > 0.5 and
            4 < slept[0]["ms_before"] < 50 and 4 < slept[0]["ms_after"] < 50, "%s" % told[0]["statements"])
    t.check(all(s["source"] == "pg_stat_statements" for s in told[0]["statements"]), "%s" % told[0]["statements"])
    plans = told[0]["plans"]
    t.check(len(plans) == 1 and "pg_sleep" in plans[0]["of"], "%s" % plans)
    t.check("Index Scan" in plans[0]["change"].split("\u2192")[0] and "Seq Scan on few" in plans[0]["change"].split("\u2192")[1], "%s" % plans)
    t.check("for 1 statement of the traffic; 2 of other roles are not planned" in run.said, run.said)
    o.untouched(run, reset, o.resets(server))
    t.check(server.entries() == {}, "left behind: %s" % server.entries())
    log = t.read(os.path.join(server.dir, "log"))
    t.check("planned by pgbench" in log and "planned by pg_diagnose" not in log, "a stranger's code was run by planning his statement")


def by_database():
    """A database without the extension: its own counters are used, and the limit of that is said."""
    server.sql("CREATE DATABASE plain")
    server.sql("CREATE TABLE sorted AS SELECT i AS id, i AS k FROM generate_series(1, 40000) i", "plain")
    server.sql("CREATE INDEX ON sorted (id)", "plain")
    with o.Load(server, 60, POINTS, database="plain"):
        run = o.Observed(server, server.home(), "--accept", "none", "--duration", "2", "--budget", "3", database="plain").end()
    t.check("by pg_stat_database" in run.said and "CREATE EXTENSION pg_stat_statements" in run.said, run.said)
    runs = run.events("bench")
    t.check(len(runs) >= 4 and all(e["valid"] and e["latency_ms"] > 0 for e in runs), "%s" % runs)
    t.check(all(40 < e["tps"] < 80 for e in runs), "the rate is 60: %s" % [e["tps"] for e in runs])


def refused():
    """Flags that make no sense beside it."""
    for flags in (["--script", "/dev/null"], ["--bench-db"], ["--clients", "4"], ["--goal", "p95"], ["--target-tps", "9"]):
        run = subprocess.run([t.PROGRAM, "tune", "-d", "postgres", "--observe"] + flags, capture_output=True, text=True)
        t.check(run.returncode == 2 and "exclude each other" in run.stderr, "%s: %d %s" % (flags, run.returncode, run.stderr))


if __name__ == "__main__":
    try:
        server = o.server_with(15, "max_parallel_workers_per_gather = 0")
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (backs_off, plans_flip, by_database, refused)})
    finally:
        server.destroy()
