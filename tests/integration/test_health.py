#!/usr/bin/env python3
"""pg_diagnose health: a server with faults planted, each beside a near miss that must stay silent; a healthy server; an ordinary
role; what it prints and how it exits. With PGD_SOAK each of PostgreSQL 12 to 18, and the faults that take a minute to ripen."""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

SOAK = bool(os.environ.get("PGD_SOAK"))
QUIET = ("autovacuum_naptime = 1d", "max_prepared_transactions = 5", "max_replication_slots = 5", "wal_level = replica",
         "max_connections = 40", "password_encryption = 'scram-sha-256'")


def health(server, *more, user="postgres", code=None):
    with tempfile.TemporaryDirectory() as home:
        out = subprocess.run([t.PROGRAM, "health", "-H", server.host, "-p", server.port, "-U", user, "-d", "postgres", "--json",
                              *more], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
                             env=dict(os.environ, PG_DIAGNOSE_HOME=home))
    t.check("Sanitizer" not in out.stderr, out.stderr)
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    t.check(lines and lines[-1]["event"] == "health", "no end: %s %s" % (out.stdout[-500:], out.stderr[-500:]))
    t.check(code is None or out.returncode == code, "exit %s, not %s: %s" % (out.returncode, code, out.stdout))
    return [line for line in lines if line["event"] == "finding"], lines[-1]


def found(findings, check):
    return {f["object"]: f for f in findings if f["check"] == check}


PLANTED = """
CREATE TABLE big AS SELECT i AS id, i % 97 AS k, repeat('x', 60) AS pad FROM generate_series(1, 40000) i;
ALTER TABLE big ADD PRIMARY KEY (id);
CREATE INDEX big_unused ON big (pad, id);
CREATE INDEX big_k ON big (k);
CREATE INDEX big_k_again ON big (k);
CREATE INDEX big_k_part ON big (k) WHERE id > 10;
CREATE TABLE child AS SELECT i AS id, (i % 40000) + 1 AS big_id, (i % 40000) + 1 AS other_id FROM generate_series(1, 5000) i;
ALTER TABLE child ADD PRIMARY KEY (id), ADD CONSTRAINT no_index FOREIGN KEY (big_id) REFERENCES big,
    ADD CONSTRAINT has_index FOREIGN KEY (other_id) REFERENCES big;
CREATE INDEX ON child (other_id);
CREATE TABLE keyless AS SELECT i FROM generate_series(1, 2000) i;
CREATE TABLE keyless_small AS SELECT i FROM generate_series(1, 20) i;
CREATE TABLE dead (i int PRIMARY KEY);
INSERT INTO dead SELECT generate_series(1, 60000);
CREATE TABLE dead_few (i int PRIMARY KEY);
INSERT INTO dead_few SELECT generate_series(1, 60000);
CREATE TABLE bloated (i int PRIMARY KEY, pad text);
INSERT INTO bloated SELECT i, repeat('y', 200) FROM generate_series(1, 40000) i;
CREATE TABLE lean (i int PRIMARY KEY, pad text);
INSERT INTO lean SELECT i, repeat('y', 200) FROM generate_series(1, 40000) i;
CREATE TABLE unseen (i int PRIMARY KEY);
INSERT INTO unseen SELECT generate_series(1, 5000);
CREATE TABLE stale (i int PRIMARY KEY, k int);
INSERT INTO stale SELECT i, 1 FROM generate_series(1, 5000) i;
CREATE TABLE fresh (i int PRIMARY KEY, k int);
INSERT INTO fresh SELECT i, 1 FROM generate_series(1, 5000) i;
CREATE TABLE left_alone (i int PRIMARY KEY) WITH (autovacuum_enabled = off);
INSERT INTO left_alone SELECT generate_series(1, 5000);
CREATE TABLE checked (i int PRIMARY KEY, CONSTRAINT good CHECK (i > 0));
ALTER TABLE checked ADD CONSTRAINT later CHECK (i < 100) NOT VALID;
CREATE TABLE parts (i int) PARTITION BY RANGE (i);
CREATE TABLE parts_one PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT generate_series(1, 3000);
CREATE TABLE numbered (id serial PRIMARY KEY);
SELECT setval('numbered_id_seq', 2000000000);
CREATE TABLE numbered_big (id bigserial PRIMARY KEY);
SELECT setval('numbered_big_id_seq', 2000000000);
CREATE SEQUENCE short MAXVALUE 1000;
SELECT setval('short', 999);
CREATE SEQUENCE round MAXVALUE 1000 CYCLE;
SELECT setval('round', 999);
-- next session
ANALYZE big; ANALYZE child; ANALYZE keyless; ANALYZE keyless_small; ANALYZE parts; ANALYZE stale; ANALYZE fresh; ANALYZE dead;
ANALYZE dead_few; ANALYZE left_alone; ANALYZE numbered;
-- next session
DELETE FROM dead WHERE i % 2 = 0;
DELETE FROM dead_few WHERE i % 20 = 0;
DELETE FROM bloated WHERE i % 5 > 0;
UPDATE stale SET k = 2;
UPDATE fresh SET k = 2 WHERE i < 500;
UPDATE big SET pad = 'z' WHERE id <= 1500;
VACUUM ANALYZE bloated;
VACUUM ANALYZE lean;
SELECT pg_create_physical_replication_slot('forgotten', true);
SELECT pg_create_physical_replication_slot('never_used');
CREATE ROLE hurried;
ALTER ROLE hurried SET work_mem = '1GB';
ALTER SYSTEM SET max_connections = 41;
ALTER SYSTEM SET full_page_writes = off;
"""

# check → objects that must be among its findings, and objects that must not
EXPECTED = {
    "index-unused": (["public.big_unused"], ["public.big_pkey", "public.big_k_part"]),
    "index-duplicate": (["public.big_k_again"], ["public.big_k", "public.big_k_part"]),
    "index-invalid": (["public.twice"], []),
    "foreign-key": (["public.child (no_index)"], ["public.child (has_index)"]),
    "no-key": (["public.keyless"], ["public.keyless_small", "public.big"]),
    "dead-rows": (["public.dead"], ["public.dead_few"]),
    "bloat": (["public.bloated"], ["public.lean"]),
    "stats-missing": (["public.unseen"], ["public.stale"]),
    "stats-stale": (["public.stale"], ["public.fresh"]),
    "autovacuum-table": (["public.left_alone"], ["public.fresh"]),
    "constraints": (["public.checked (later)"], ["public.checked (good)"]),
    "partitions": (["public.parts_rest"], ["public.parts_one"]),
    "sequences": (["public.numbered_id_seq", "public.short"], ["public.numbered_big_id_seq", "public.round"]),
    "slots": (["forgotten"], ["never_used"]),
    "overrides": ([""], []),
    "full-page-writes": ([""], []),
    "pending-restart": (["max_connections"], []),
    "checkpoints": ([""], []),
    "deadlocks": ([""], []),
    "blocked": (None, []),
    "hba-trust": (None, []),
    "config-errors": (None, []),
}


def psql_file(server, text, code=0):
    out = subprocess.run(["psql", "-X", "-q", "-h", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres", "-f", "-"],
                         input=text, capture_output=True, text=True, timeout=120, env=dict(os.environ, PGOPTIONS=""))
    t.check(out.returncode == code and (code or "ERROR" not in out.stderr), out.stderr)


def waiting(server, *statements):
    return subprocess.Popen(["psql", "-X", "-q", "-h", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres"] +
                            [w for s in statements for w in ("-c", s)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def deadlock(server):
    server.sql("CREATE TABLE two (i int PRIMARY KEY, k int)")
    server.sql("INSERT INTO two VALUES (1, 0), (2, 0)")
    a = waiting(server, "BEGIN; UPDATE two SET k = 1 WHERE i = 1; SELECT pg_sleep(0.7); UPDATE two SET k = 1 WHERE i = 2; COMMIT")
    b = waiting(server, "BEGIN; UPDATE two SET k = 2 WHERE i = 2; SELECT pg_sleep(0.7); UPDATE two SET k = 2 WHERE i = 1; COMMIT")
    a.wait(30)
    b.wait(30)


def plant(server):
    for part in PLANTED.split("-- next session\n"):  # a session's counters arrive at its end at the latest
        psql_file(server, part)
    server.try_sql("CREATE UNIQUE INDEX CONCURRENTLY twice ON big (k)")
    for _ in range(6):
        server.sql("INSERT INTO keyless VALUES (0)")
        server.sql("CHECKPOINT")
    deadlock(server)
    with open(os.path.join(server.data, "pg_hba.conf"), "a") as f:
        f.write("host all all 10.0.0.0/8 trust\nhost all all 127.0.0.1/32 trust\n")
    server.sql("SELECT pg_reload_conf()")
    with open(os.path.join(server.data, "postgresql.conf"), "a") as f:
        f.write("work_mem = 'much'\n")  # never reloaded: a line for the next start to stumble over


def faults_are_found(server):
    plant(server)
    holder = waiting(server, "BEGIN; LOCK TABLE two; SELECT pg_sleep(30)")
    time.sleep(0.3)
    waiter = waiting(server, "UPDATE two SET k = 3")
    time.sleep(5.5)
    findings, end = health(server, code=1)
    holder.kill()
    waiter.kill()
    server.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> pg_backend_pid()")
    wrong = []
    for check, (there, absent) in EXPECTED.items():
        got = found(findings, check)
        if there is None and not got:
            wrong.append("%s found nothing" % check)
        wrong += ["%s does not name %s: %s" % (check, o, list(got)) for o in there or [] if o not in got]
        wrong += ["%s names %s" % (check, o) for o in absent if o in got]
    t.check(not wrong, "\n   ".join(wrong))
    for f in findings:
        if f["grade"] != "unknown":
            t.check(f["why"] and f["fix"] and f["source"], "a finding without words: %s" % f)
    ranks = ["critical", "warning", "note", "unknown"]
    grades = [ranks.index(f["grade"]) for f in findings]
    t.check(grades == sorted(grades), "the worst does not stand first")
    t.check(end["critical"] + end["warnings"] + end["notes"] + end["unknown"] == len(findings), "the count is wrong: %s" % end)
    t.check(not [f for f in findings if f["grade"] == "unknown" and "ssh-host" not in f["figure"]],
            "a superuser's check was not possible: %s" % findings)
    print("   %d faults found, %d near misses silent" % (len(EXPECTED), sum(len(a) for _, a in EXPECTED.values())))


def ordinary(server):
    server.sql("CREATE ROLE plain LOGIN")
    findings, end = health(server, user="plain")
    lacks = [f for f in findings if f["grade"] == "unknown"]
    t.check(found(lacks, "hba-trust") and found(lacks, "config-errors") and found(lacks, "blocked"),
            "an ordinary role is not told what it lacks: %s" % lacks)
    t.check(all(f["figure"] for f in lacks), "a check was not possible and says no reason")
    t.check(found(findings, "index-duplicate"), "what it may see is not shown")


def healthy(version):
    server = t.Server(t.pg_bin(version), conf=QUIET, rows=100)
    try:
        findings, end = health(server)
        bad = [f for f in findings if f["grade"] in ("warning", "critical") and f["area"] not in ("host", "disk", "memory")
               and f["check"] != "version"]
        t.check(not bad, "a healthy server has findings: %s" % bad)
        out = subprocess.run([t.PROGRAM, "health", "-H", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        t.check("checks found nothing" in out.stdout.splitlines()[-1], "no summary: " + out.stdout)
    finally:
        server.destroy()


def refused():
    out = subprocess.run([t.PROGRAM, "health", "-H", "/nowhere", "--json"], capture_output=True, text=True, timeout=60,
                         stdin=subprocess.DEVNULL)
    t.check(out.returncode == 3 and "nowhere" in out.stderr, "no server: %d %s" % (out.returncode, out.stderr))


def one(version):
    server = t.Server(t.pg_bin(version), conf=QUIET, rows=100)
    try:
        faults_are_found(server)
        ordinary(server)
    finally:
        server.destroy()


def main():
    for version in range(12, 19) if SOAK else (15,):
        try:
            print("-- PostgreSQL %d" % version, flush=True)
            one(version)
            healthy(version)
        except t.Skip as why:
            print("   left out: %s" % why)
            if not SOAK:
                raise
    refused()
    print("ok health")


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print(why)
        sys.exit(77)
