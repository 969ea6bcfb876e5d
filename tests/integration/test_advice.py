#!/usr/bin/env python3
"""What settings cannot mend, on a server where it was planted: each is told with its undo and its figures, in events, report, ticket
and files; it never holds a setting of the server, none of it was run, and each statement works and is taken back when it is."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

DAYS = 40 * 86400
PLANTED = """
CREATE SCHEMA "Odd ""S";
CREATE TABLE "Odd ""S".events AS SELECT i AS id, i % 30000 AS device, i % 3 AS "Kind", repeat('x', 60) AS pad
  FROM generate_series(1, 120000) i;
CREATE INDEX events_id ON "Odd ""S".events (id);
CREATE INDEX "events id""again" ON "Odd ""S".events (id);
CREATE INDEX events_pad ON "Odd ""S".events (pad, id);
CREATE TABLE indexed AS SELECT i AS id, i % 30000 AS device, repeat('x', 60) AS pad, (i % 30000)::text::char(8) AS code
  FROM generate_series(1, 120000) i;
CREATE INDEX indexed_device ON indexed (device);
CREATE ROLE web LOGIN; CREATE ROLE "Re""port" LOGIN;
GRANT USAGE ON SCHEMA "Odd ""S" TO web, "Re""port"; GRANT SELECT ON ALL TABLES IN SCHEMA "Odd ""S", public TO web, "Re""port";
"""
LOOKS_UP = 'SELECT count(pad) FROM "Odd ""S".events WHERE device = 77;\n'


def clock(work):
    """The server's clock, ahead by weeks: its counters are old."""
    library, file = os.path.join(work, "clock_ahead.so"), os.path.join(work, "ahead")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library,
                    os.path.join(t.SOURCE, "tests/support/clock_ahead.c")], check=True)
    with open(file, "w") as f:
        f.write("%010d\n" % 0)
    os.chmod(file, 0o644)
    return dict(LD_PRELOAD=library, PGD_CLOCK_AHEAD=file), file


def ahead(file, seconds):
    fd = os.open(file, os.O_WRONLY)
    os.pwrite(fd, b"%010d\n" % seconds, 0)
    os.close(fd)


def plant(server):
    server.sql(PLANTED)
    server.sql("VACUUM ANALYZE")
    server.sql('SET enable_indexscan = off; SET enable_bitmapscan = off; UPDATE "Odd ""S".events SET device = device WHERE id <= 2000')
    server.sql("CREATE EXTENSION pg_stat_statements")
    server.sql("SET ROLE web; " + "".join(LOOKS_UP.replace("77", str(i)) for i in range(15)))
    server.sql("SET ROLE web; SET enable_indexscan = off; SET enable_bitmapscan = off; " +
               "".join("SELECT count(pad) FROM indexed WHERE device = %d; " % i for i in range(15)))
    server.sql("".join("SELECT count(pad) FROM indexed WHERE code::text = '%d'; " % i for i in range(12)))  # no index serves that cast
    server.sql('SET ROLE "Re""port"; ' + 12 *
               'SELECT count(*) FROM (SELECT pad, id FROM "Odd ""S".events ORDER BY pad, id DESC OFFSET 0) s; ')
    server.sql("SELECT pg_stat_force_next_flush()")


def of(advice, kind):
    return {a["object"]: a for a in advice if a["kind"] == kind}


def only(advice, kind):
    found = of(advice, kind)
    t.check(len(found) == 1, "%s: %s" % (kind, found))
    return list(found.values())[0]


def general(advice):
    for a in advice:
        for field in ("statement", "undo", "why", "evidence", "source", "expected", "lock"):
            t.check(a[field] and "nan" not in a[field].split(), "%s: %s" % (field, a))
        t.check("ALTER SYSTEM" not in a["statement"] and a["mark"] == "open", "%s" % a)
        t.check(a["in_transaction"] == ("CONCURRENTLY" not in a["statement"]), "%s" % a)


def seen(server):
    return server.sql("SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ',' ORDER BY indexrelid::regclass::text) FROM pg_index "
                      "WHERE indexrelid >= 16384")


def at_first_sight(server):
    run = t.Run(server, server.home(), None, "--readonly")
    run.process.wait(60 * t.SCALE)
    advice = run.events("advice")
    general(advice)
    t.check({a["when"] for a in advice} == {"first_sight"}, "%s %s" % (run.text(), t.read(run.err.name)))
    missing = only(advice, "missing index")
    t.check(missing["statement"] == 'CREATE INDEX CONCURRENTLY events_device_pgd ON "Odd ""S".events (device)', "%s" % missing)
    t.check("pg_stat_statements" in missing["source"] and "15 calls" in missing["evidence"], "%s" % missing)
    t.check(missing["bytes"] > 1e6 and missing["seconds"] > 0, "%s" % missing)
    twice = only(advice, "duplicate index")
    t.check(twice["statement"] == 'DROP INDEX CONCURRENTLY "Odd ""S"."events id""again"', "%s" % twice)
    unused = of(advice, "unused index")
    t.check('"Odd ""S".events_pad' in unused and '"Odd ""S".events_id' not in unused, "one of equals stays: %s" % unused)
    role = only(advice, "role setting")
    t.check(role["statement"].startswith('ALTER ROLE "Re""port" IN DATABASE postgres SET work_mem ='), "%s" % role)
    return advice


def each_works_and_goes_back(server, advice):
    """What a DBA would do with it."""
    before = seen(server)
    for a in advice:
        for statement in (a["statement"], a["follow"], a["undo"], a["follow"]):
            if statement:
                server.sql(statement)
    t.check(seen(server) == before, "%s, not %s" % (seen(server), before))
    t.check(server.sql("SELECT count(*) FROM pg_db_role_setting") == "0", "a role has a setting still")


def in_a_session(server):
    home = server.home()
    before = seen(server)
    run = t.Run(server, home, server.script(t.STEADY + LOOKS_UP), "--duration", "1", "--rounds", "1", "--budget", "3", "--accept", "safe",
                "--restart", "never", program=t.TEST_PROGRAM,
                env={"PGD_TEST_FORCE_CHANGE": t.STEADY_CHANGE, "PGD_TEST_ONLY_FORCED": "1"})
    run.end()
    t.check(seen(server) == before, "something of it was run")
    last = [a for a in run.events("advice") if a["when"] == "end"]
    general(last)
    missing = only(last, "missing index")
    t.check("EXPLAIN ANALYZE" in missing["source"] and "of 120 000 rows" in missing["evidence"], "%s" % missing)
    t.check("INDEX" not in str(run.summary["changes"]), "%s" % run.summary)
    work = os.path.join(home, "workspaces", run.summary["workspace"], "exports")
    script, undo = t.read(os.path.join(work, "advice.sql")), t.read(os.path.join(work, "undo_advice.sql"))
    t.check("-- %s;" % missing["statement"] in script and "-- %s;" % missing["undo"] in undo, script)
    for text in (script, undo):  # nobody has accepted anything
        said = [line for line in text.splitlines() if line and not line.startswith("--")]
        t.check(said == ["\\set ON_ERROR_STOP on", "SET lock_timeout = '5s';"], "%s" % said)
    for name in ("workspace_report.md", "change_ticket.md", "workspace_report.html"):
        text = t.read(os.path.join(work, name))
        t.check("What settings cannot mend" in text and "events_device_pgd" in text, "%s: %s" % (name, text[-1500:]))
    for name in ("apply_tuning.sql", "postgresql.conf", "apply_tuning.yml"):
        t.check("events_device" not in t.read(os.path.join(work, name)), "%s has advice in it" % name)


def with_planted(case):
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        env, file = clock(work)
        os.environ.update(env)
        try:
            server = t.Server(t.pg_bin(15), conf=t.SMALL + ("shared_preload_libraries = 'pg_stat_statements'", "autovacuum = off"),
                              rows=100)
        finally:
            for name in env:
                del os.environ[name]
        try:
            plant(server)
            ahead(file, DAYS)
            case(server)
        finally:
            server.destroy()


def sight(server):
    advice = at_first_sight(server)
    each_works_and_goes_back(server, advice)
    print("advised: %s" % ", ".join(sorted("%s %s" % (a["kind"], a["object"]) for a in advice)))


if __name__ == "__main__":
    quick = {"sight": lambda: with_planted(sight)}
    long = {"session": lambda: with_planted(in_a_session)}  # a part of the soak
    t.main({**quick, **long} if sys.argv[1:] else quick)
