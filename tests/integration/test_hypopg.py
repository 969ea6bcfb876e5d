#!/usr/bin/env python3
"""HypoPG, where it is: an index that seems to be missing is tried with it before it is advised, at first sight and for the plans of a
workload. Nothing is built or executed, what the planner would not use is not advised, another role's statement is not planned, nor
what a superuser has run, since it may call what others have replaced, and functions that are not the extension's own are never called."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

SCHEMA = '"Hy ""P"'
PLANTED = """
CREATE TABLE events AS SELECT i AS id, i % 30000 AS device, repeat('x', 60) AS pad FROM generate_series(1, 120000) i;
CREATE TABLE visits AS SELECT i AS id, i % 30000 AS page, repeat('x', 60) AS pad FROM generate_series(1, 120000) i;
CREATE ROLE web LOGIN; GRANT SELECT ON visits TO web;
CREATE ROLE looker LOGIN; GRANT pg_monitor TO looker; GRANT SELECT ON events, visits TO looker;
CREATE FUNCTION device() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 77'; ALTER FUNCTION device() OWNER TO web;
CREATE EXTENSION pg_stat_statements;
"""
OURS = "SELECT count(pad) FROM events WHERE device = %d; "
THEIRS = "SELECT count(pad) FROM visits WHERE page = %d; "


def plant(server):
    server.sql(PLANTED)
    server.sql("VACUUM ANALYZE")
    server.sql("SET SESSION AUTHORIZATION looker; " + "".join(OURS % i for i in range(15)))
    server.sql("SET SESSION AUTHORIZATION web; " + "".join(THEIRS % i for i in range(15)))
    server.sql("SELECT pg_stat_force_next_flush()")


def objects(server):
    return server.sql("SELECT count(*) || ' ' || coalesce(max(oid), 0) FROM pg_class WHERE oid >= 16384")


def missing(server, role="looker"):
    """What is advised at first sight, by its table."""
    run = t.Run(server, server.home(), None, "--readonly", "-U", role)
    run.process.wait(60 * t.SCALE)
    found = [a for a in run.events("advice") if a["kind"] == "missing index"]
    t.check(run.events("first_sight"), "%s %s" % (run.text(), t.read(run.err.name)))
    return {"events" if ".events " in a["object"] else "visits": a for a in found}, run


def first_sight(server):
    found, _ = missing(server)
    t.check(set(found) == {"events", "visits"}, "%s" % found)
    for a in found.values():
        t.check(a["tested"].startswith("not tested: HypoPG") and a["cost_before"] is None, "%s" % a)
    guessed = found["events"]["bytes"]

    server.sql("CREATE SCHEMA %s; CREATE EXTENSION hypopg SCHEMA %s; GRANT USAGE ON SCHEMA %s TO PUBLIC" % ((SCHEMA,) * 3))
    before = objects(server)
    found, _ = missing(server)
    ours, theirs = found["events"], found["visits"]
    t.check("the planner would use it" in ours["tested"], "%s" % ours)
    t.check(ours["cost_before"] > 1000 > 100 > ours["cost_after"] > 0, "%s" % ours)
    t.check("another role's" in theirs["tested"] and theirs["cost_after"] is None, "%s" % theirs)
    t.check(objects(server) == before and not server.strangers(), "%s, %s" % (objects(server), server.strangers()))
    server.sql(ours["statement"].replace("CONCURRENTLY ", "") + " WITH (deduplicate_items = off)")  # HypoPG counts each entry
    real = float(server.sql("SELECT pg_relation_size('events_device_pgd')"))
    t.check(0.6 * real < ours["bytes"] < 1.6 * real, "HypoPG says %s, it has %s" % (ours["bytes"], real))
    server.sql(ours["undo"])

    server.sql("ALTER DATABASE postgres SET random_page_cost = 100000")  # no index is worth it
    found, run = missing(server)
    t.check(set(found) == {"visits"}, "%s" % found)
    t.check("would not be used by the planner" in run.text() + t.read(run.err.name), t.read(run.err.name))
    server.sql("ALTER DATABASE postgres RESET random_page_cost")

    # a function that is not the extension's any more is not called
    server.sql("ALTER EXTENSION hypopg DROP FUNCTION %s.hypopg_relation_size(oid)" % SCHEMA)
    found, _ = missing(server)
    t.check(found["events"]["tested"].startswith("not tested with HypoPG: "), "%s" % found["events"])
    t.check("not the extension's" in found["events"]["tested"] or "invalid input" in found["events"]["tested"], "%s" % found["events"])
    server.sql("ALTER EXTENSION hypopg ADD FUNCTION %s.hypopg_relation_size(oid)" % SCHEMA)
    as_a_superuser(server)
    print("cost %.0f to %.1f; the index has %.1f MB, by HypoPG %.1f MB, by rule %.1f MB" %
          (ours["cost_before"], ours["cost_after"], real / 2**20, ours["bytes"] / 2**20, guessed / 2**20))


def as_a_superuser(server):
    """It has run what calls a function of web's, who has another body for it now, and waits for the superuser's rights."""
    proof = os.path.join(server.data, "planned")
    statement = "SELECT count(pad), public.device() FROM public.events WHERE device = %d; "
    server.sql("SELECT pg_stat_statements_reset()")
    server.sql("".join(statement % i for i in range(15)))
    server.sql("CREATE FUNCTION harm() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN COPY (SELECT 1) TO '%s'; END $f$; "
               "CREATE OR REPLACE FUNCTION device() RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
               "$f$ BEGIN PERFORM public.harm(); RETURN 77; END $f$" % proof)
    for role in ("postgres", "climber"):
        if role == "climber":  # no superuser, but what it runs can become one
            server.sql("CREATE ROLE climber LOGIN; GRANT pg_monitor, postgres TO climber; GRANT SELECT ON events TO climber; "
                       "SELECT pg_stat_statements_reset()")
            server.sql("SET SESSION AUTHORIZATION climber; " + "".join(OURS % i for i in range(15)))
        found, _ = missing(server, role)
        t.check(not os.path.exists(proof), "planning ran the code of another role")
        t.check("events" in found and "planned as a superuser" in found["events"]["tested"], "%s: %s" % (role, found))
    server.sql("SET default_transaction_read_only = on; EXPLAIN " + statement % 1)
    t.check(os.path.exists(proof), "the trap does not work")


def of_a_workload(server):
    """By the plan of a script, which is our own whoever's statements the server has counted; after it nothing of it is left."""
    server.sql("CREATE SCHEMA %s; CREATE EXTENSION hypopg SCHEMA %s" % (SCHEMA, SCHEMA))
    server.sql("SELECT pg_stat_statements_reset()")
    before = objects(server)
    run = t.Run(server, server.home(), server.script(t.STEADY + THEIRS % 77 + "\n"), "--duration", "1", "--rounds", "1", "--budget", "3",
                "--accept", "safe", "--restart", "never", **t.forced())
    run.end()
    last = [a for a in run.events("advice") if a["when"] == "end" and a["kind"] == "missing index"]
    t.check(len(last) == 1 and "EXPLAIN ANALYZE" in last[0]["source"], "%s %s" % (last, run.text()[-3000:]))
    t.check("the planner would use it" in last[0]["tested"] and last[0]["cost_after"] < last[0]["cost_before"] / 10, "%s" % last[0])
    t.check(objects(server) == before, "something was built")


def with_planted(case):
    bin_dir = t.pg_bin(15)
    server = t.Server(bin_dir, conf=t.SMALL + ("shared_preload_libraries = 'pg_stat_statements'", "autovacuum = off"), rows=100)
    try:
        if server.sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'") == "0":
            raise t.Skip("postgresql-15-hypopg is not installed")
        plant(server)
        case(server)
    finally:
        server.destroy()


if __name__ == "__main__":
    quick = {"sight": lambda: with_planted(first_sight)}
    long = {"workload": lambda: with_planted(of_a_workload)}  # a part of the soak
    t.main({**quick, **long} if sys.argv[1:] else quick)
