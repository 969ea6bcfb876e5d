#!/usr/bin/env python3
"""A change that makes the total faster and one of three scripts a third slower: it is vetoed, with the statement and the plans
that flipped by name; pg_stat_statements says so, too, and nothing in it is reset."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

# What a statement takes hangs on a setting, so that the effect is there on any machine. It is one that moves plans as well.
CHANGE = "seq_page_cost=3.5"


def prepare(conf=()):
    server = t.Server(t.pg_bin(15), conf=t.SMALL + tuple(conf), rows=4000)
    server.sql("CREATE FUNCTION taken(ms_before float, ms_after float) RETURNS text LANGUAGE sql AS $$ SELECT "
               "pg_sleep((CASE current_setting('seq_page_cost') WHEN '1' THEN ms_before ELSE ms_after END) / 1000)::text $$")
    server.sql("CREATE INDEX ON sorted (k)")
    server.sql("ANALYZE sorted")
    names = []
    for name, text in (("quicker.sql", "SELECT taken(40, 4) AS quicker;\n"),
                       ("dearer.sql", "SELECT taken(12, 16.5) AS dearer;\n"),
                       ("plan.sql", "SELECT count(pad) FROM sorted WHERE k < 300000;\n")):
        path = os.path.join(server.work, name)
        with open(path, "w") as f:
            f.write(text)
        names.append(path)
    return server, names


def session(server, names, *flags):
    more = []
    for name in names[1:]:
        more += ["--script", name]
    return t.Run(server, server.home(), names[0], *more, "--duration", "1", "--rounds", "1", "--budget", "3", "--accept",
                 "safe", "--restart", "never", *flags, program=t.TEST_PROGRAM,
                 env={"PGD_TEST_FORCE_CHANGE": CHANGE, "PGD_TEST_ONLY_FORCED": "1"})


def veto():
    server, names = prepare(("shared_preload_libraries = 'pg_stat_statements'", "compute_query_id = on"))
    try:
        server.sql("CREATE EXTENSION pg_stat_statements")
        server.sql("SELECT 'counted before'")
        run = session(server, names)
        run.end()
        verdict = [e for e in run.events("verdict") if e["phase"] == "round"][0]
        lines = [e for e in run.events("by_statement") if e["phase"] == "round"]
        t.check(len(lines) == 1, "by_statement: %s\n%s" % (lines, t.read(run.err.name)))
        by = {(s["source"], s["name"]): s for s in lines[0]["statements"]}
        t.check(verdict["verdict"] == "improved" and verdict["effect"] > 1.1, "%s" % verdict)
        t.check(verdict["veto"] and "dearer" in verdict["veto"] and verdict["kept"] is False, "%s" % verdict)
        dear = by[("script", "dearer.sql")]
        t.check(dear["class"] == "slower" and dear["veto"] and 1.15 < dear["ratio"] < 1.6, "%s" % dear)
        quick = by[("script", "quicker.sql")]
        t.check(quick["class"] == "faster" and not quick["veto"] and quick["ratio"] < 0.3, "%s" % quick)
        found = [s for (source, name), s in by.items() if source == "pg_stat_statements" and "dearer" in name]
        t.check(len(found) == 1 and found[0]["class"] == "slower" and found[0]["veto"], "%s" % by)
        t.check(lines[0]["note"] is None, "%s" % lines[0]["note"])
        flips = {p["of"]: p["change"] for p in lines[0]["plans"]}
        t.check("plan.sql" in flips and "Seq Scan on sorted" in flips["plan.sql"], "%s" % flips)
        t.check(server.entries() == {}, "entries are left: %s" % server.entries())
        t.check(server.sql("SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%$1%counted%' OR query LIKE "
                           "'SELECT $1'") != "0", "statistics were reset")
        print("round: %s; veto: %s; plan: %s" % (verdict["effect"], verdict["veto"], flips["plan.sql"]))
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"veto": veto})
