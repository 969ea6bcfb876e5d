#!/usr/bin/env python3
"""pg_diagnose health: a server with faults planted, each beside a near miss that must stay silent; a healthy server; an ordinary
role; what it prints and how it exits. With PGD_SOAK each of PostgreSQL 12 to 18.

The server's clock can be moved ahead (support/clock_ahead.c): what has to be old to be a fault is old at once. Three looks at one
server: near misses alone; the faults, beside their near misses where both can be there; and what shuts out the second look."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t
from rawpg import Session, Standby

SOAK = bool(os.environ.get("PGD_SOAK"))
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
with contextlib.suppress(OSError, ValueError):
    MEMORY = min(MEMORY, int(t.read("/sys/fs/cgroup/memory.max")))
QUIET = ("autovacuum_naptime = 1d", "max_prepared_transactions = 5", "max_replication_slots = 5", "max_wal_senders = 5",
         "wal_level = replica", "max_connections = 40", "password_encryption = 'scram-sha-256'", "wal_sender_timeout = 0",
         "shared_preload_libraries = 'pg_stat_statements'", "archive_mode = on", "archive_command = '/bin/true'",
         "max_wal_size = 32MB", "min_wal_size = 32MB", "random_page_cost = 3.9", "timezone = UTC")
# Values that are only nearly a fault. The first look must be silent about each of the checks they stand at.
NEAR = ("work_mem = 64kB", "log_min_messages = error", "log_min_error_statement = error", "log_statement = ddl",
        "log_min_duration_statement = 10s", "synchronous_commit = remote_write", "enable_partitionwise_join = off",
        "track_io_timing = off", "commit_delay = 10", "wal_compression = on", "autovacuum = on")
AGES = ("autovacuum_freeze_max_age = 100000", "autovacuum_multixact_freeze_max_age = 10000")


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
CREATE INDEX big_used ON big (pad, k);
CREATE INDEX big_k ON big (k);
CREATE INDEX big_k_again ON big (k);
CREATE INDEX big_k_part ON big (k) WHERE id > 10;
CREATE INDEX big_k_part_again ON big (k) WHERE  id  > 10;
CREATE TABLE child AS SELECT i AS id, (i % 40000) + 1 AS big_id, (i % 40000) + 1 AS other_id FROM generate_series(1, 5000) i;
ALTER TABLE child ADD PRIMARY KEY (id), ADD CONSTRAINT no_index FOREIGN KEY (big_id) REFERENCES big,
    ADD CONSTRAINT has_index FOREIGN KEY (other_id) REFERENCES big;
CREATE INDEX ON child (other_id);
CREATE TABLE wide AS SELECT i AS a, i AS b FROM generate_series(1, 2000) i;
CREATE INDEX wide_a ON wide (a);
CREATE INDEX wide_a_b ON wide (a, b);
CREATE INDEX wide_desc ON wide (a DESC);
CREATE UNIQUE INDEX wide_b ON wide (b);
CREATE INDEX wide_b_a ON wide (b, a);
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
CREATE TABLE hollow (i int PRIMARY KEY);
INSERT INTO hollow SELECT generate_series(1, 200000);
CREATE TABLE solid (i int PRIMARY KEY);
INSERT INTO solid SELECT generate_series(1, 200000);
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
CREATE TABLE timed (at date) PARTITION BY RANGE (at);
CREATE TABLE timed_20 PARTITION OF timed FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE timed_far (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE timed_far_20 PARTITION OF timed_far FOR VALUES FROM ('2020-01-01') TO ('2120-01-01');
CREATE TABLE timed_open (at date) PARTITION BY RANGE (at);
CREATE TABLE timed_open_20 PARTITION OF timed_open FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE timed_rest (at date) PARTITION BY RANGE (at);
CREATE TABLE timed_rest_20 PARTITION OF timed_rest FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE timed_rest_d PARTITION OF timed_rest DEFAULT;
CREATE TABLE timed_closed (at date) PARTITION BY RANGE (at);
CREATE TABLE timed_closed_20 PARTITION OF timed_closed FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO timed VALUES ('2020-05-05');
INSERT INTO timed_far VALUES ('2020-05-05');
INSERT INTO timed_open VALUES ('2020-05-05');
INSERT INTO timed_rest VALUES ('2020-05-05');
CREATE TABLE numbered (id serial PRIMARY KEY);
SELECT setval('numbered_id_seq', 2000000000);
CREATE TABLE numbered_big (id bigserial PRIMARY KEY);
SELECT setval('numbered_big_id_seq', 2000000000);
CREATE SEQUENCE short MAXVALUE 1000;
SELECT setval('short', 999);
CREATE SEQUENCE round MAXVALUE 1000 CYCLE;
SELECT setval('round', 999);
CREATE TABLE keyed (id int PRIMARY KEY);
INSERT INTO keyed SELECT generate_series(1800000001, 1800002000);
CREATE TABLE keyed_low (id int PRIMARY KEY);
INSERT INTO keyed_low SELECT generate_series(1400000001, 1400002000);
CREATE TABLE keyed_big (id bigint PRIMARY KEY);
INSERT INTO keyed_big SELECT generate_series(1800000001, 1800002000);
CREATE UNLOGGED TABLE forgetful (i int PRIMARY KEY);
CREATE TABLE unwatched (i int PRIMARY KEY REFERENCES big);
ALTER TABLE unwatched DISABLE TRIGGER ALL;
CREATE TABLE watched (i int PRIMARY KEY REFERENCES big);
CREATE TABLE narrow (id int PRIMARY KEY, wide_id int);
CREATE TABLE wide_keys (id bigint PRIMARY KEY);
ALTER TABLE narrow ADD CONSTRAINT mixed FOREIGN KEY (wide_id) REFERENCES wide_keys, ADD CONSTRAINT same FOREIGN KEY (id) REFERENCES big;
CREATE ROLE second_root SUPERUSER LOGIN;
CREATE ROLE third SUPERUSER NOLOGIN;
SET password_encryption = 'md5';
CREATE ROLE old_hash LOGIN PASSWORD 'a';
SET password_encryption = 'scram-sha-256';
CREATE ROLE new_hash LOGIN PASSWORD 'a';
CREATE DATABASE half;
UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half';
CREATE TABLE twice_unique (i int PRIMARY KEY);
ALTER TABLE twice_unique ADD CONSTRAINT again UNIQUE (i);
CREATE UNIQUE INDEX twice_unique_third ON twice_unique (i);
CREATE TABLE now_and_later (i int, CONSTRAINT at_once UNIQUE (i), CONSTRAINT at_the_end UNIQUE (i) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE tiny (i int PRIMARY KEY, k int);
INSERT INTO tiny SELECT i, i FROM generate_series(1, 3000) i;
CREATE TABLE tiny_few (i int PRIMARY KEY, k int);
INSERT INTO tiny_few SELECT i, i FROM generate_series(1, 3000) i;
CREATE TABLE unindexed (i int PRIMARY KEY, k int);
INSERT INTO unindexed SELECT i, i FROM generate_series(1, 12000) i;
DO $$ DECLARE n bigint; BEGIN FOR x IN 1..60 LOOP SELECT count(*) INTO n FROM unindexed WHERE k = x; END LOOP; END $$;
CREATE PUBLICATION told FOR TABLE keyless, big;
CREATE SUBSCRIPTION idle CONNECTION 'host=/nowhere' PUBLICATION told WITH (connect = false, slot_name = NONE, enabled = false);
DO $$ DECLARE now date := current_date; BEGIN
    CREATE TABLE timed_now (at date) PARTITION BY RANGE (at);
    CREATE TABLE timed_next (at date) PARTITION BY RANGE (at);
    EXECUTE format('CREATE TABLE timed_now_1 PARTITION OF timed_now FOR VALUES FROM (%L) TO (%L)', now - 10, now + 20);
    EXECUTE format('CREATE TABLE timed_next_1 PARTITION OF timed_next FOR VALUES FROM (%L) TO (%L)', now - 10, now + 2);
    EXECUTE format('CREATE TABLE timed_next_2 PARTITION OF timed_next FOR VALUES FROM (%L) TO (%L)', now + 2, now + 32);
END $$;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION citext;
UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'citext';
-- next session
ANALYZE big; ANALYZE child; ANALYZE keyless; ANALYZE keyless_small; ANALYZE parts; ANALYZE stale; ANALYZE fresh; ANALYZE dead;
ANALYZE dead_few; ANALYZE left_alone; ANALYZE numbered; ANALYZE wide; ANALYZE keyed; ANALYZE keyed_low; ANALYZE keyed_big;
ANALYZE timed;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM big WHERE pad = 'a' AND k = 1;
-- next session
DELETE FROM tiny WHERE i % 2 = 0;
DELETE FROM tiny_few WHERE i % 10 = 0;
DELETE FROM dead WHERE i % 2 = 0;
DELETE FROM dead_few WHERE i % 20 = 0;
DELETE FROM bloated WHERE i % 5 > 0;
DELETE FROM hollow WHERE i % 5 > 0;
DELETE FROM solid WHERE i % 5 = 0;
UPDATE stale SET k = 2;
UPDATE fresh SET k = 2 WHERE i < 500;
UPDATE big SET pad = 'z' WHERE id <= 1500;
VACUUM ANALYZE bloated;
VACUUM ANALYZE lean;
VACUUM ANALYZE hollow;
VACUUM ANALYZE solid;
SELECT pg_create_physical_replication_slot('forgotten', true);
SELECT pg_create_physical_replication_slot('never_used');
CREATE ROLE hurried;
ALTER ROLE hurried SET work_mem = '1GB';
"""

# check → objects that must be among its findings (None: whatever it names), and the near misses that must not. Those without
# any stood alone before the faults were planted: the first look was silent about them.
FAULTS = {
    "index-unused": (["public.big_unused"], ["public.big_used", "public.big_pkey"]),
    "index-duplicate": (["public.big_k_again", "public.big_k_part_again", "public.again", "public.twice_unique_third"],
                        ["public.big_k", "public.big_k_part", "public.twice_unique_pkey", "public.at_once", "public.at_the_end"]),
    "index-prefix": (["public.wide_a"], ["public.wide_desc", "public.wide_b", "public.wide_a_b"]),
    "index-invalid": (["public.twice"], ["public.once"]),
    "index-bloat": (["public.hollow_pkey"], ["public.solid_pkey"]),
    "foreign-key": (["public.child (no_index)"], ["public.child (has_index)"]),
    "no-key": (["public.keyless"], ["public.keyless_small", "public.wide"]),
    "dead-rows": (["public.dead", "public.tiny"], ["public.dead_few", "public.tiny_few"]),
    "bloat": (["public.bloated"], ["public.lean"]),
    "stats-missing": (["public.unseen"], ["public.stale"]),
    "stats-stale": (["public.stale"], ["public.fresh"]),
    "autovacuum-table": (["public.left_alone"], ["public.fresh"]),
    "constraints": (["public.checked (later)"], ["public.checked (good)"]),
    "partitions": (["public.parts_rest"], ["public.parts_one"]),
    "partition-end": (["public.timed", "public.timed_now"], ["public.timed_next", "public.timed_far", "public.timed_open", "public.timed_rest", "public.timed_closed"]),
    "unlogged": (["public.forgetful"], ["public.big"]),
    "triggers": (["public.unwatched"], ["public.watched"]),
    "key-types": (["public.narrow (mixed)"], ["public.narrow (same)"]),
    "superusers": (["second_root"], ["third", "postgres"]),
    "md5-roles": (["old_hash"], ["new_hash"]),
    "database-invalid": (["half"], ["young"]),
    "seq-scans": (["public.unindexed"], ["public.tiny"]),
    "replica-identity": (["public.keyless"], ["public.big"]),
    "subscriptions": (["idle"], []),
    "hba-errors": (["broken"], ["scram"]),
    "sequences": (["public.numbered_id_seq", "public.short"], ["public.numbered_big_id_seq", "public.round"]),
    "int-keys": (["public.keyed (id)"], ["public.keyed_low (id)", "public.keyed_big (id)"]),
    "extensions": (["citext"], ["pg_stat_statements"]),
    "slots": (["forgotten"], ["never_used"]),
    "slots-lost": (["lost"], ["forgotten", "never_used"]),
    "standbys": (["far_behind", "slow"], ["near_by"]),
    "prepared": (["old"], ["new"]),
    "idle-transactions": (["old"], ["new"]),
    "long-transactions": (["old"], ["new"]),
    "blocked": (["old"], ["new"]),
    "wraparound": (["postgres"], ["young"]),
    "multixacts": (["postgres"], ["young"]),
    "collations": (["public.other"], ["public.same"]),
    "hba-trust": (["trust"], ["local", "scram"]),
    "hba-password": (["password"], ["scram"]),
    "config-errors": (["much"], ["some"]),
    "overrides": ([""], []),
    "checksum-failures": (["postgres"], ["young"]),
    "full-page-writes": ([""], []),
    "fsync": ([""], []),
    "track-counts": ([""], []),
    "damage-hidden": (["zero_damaged_pages = on"], []),
    "synchronous-commit": ([""], []),
    "planner-switches": (["enable_nestloop = off"], []),
    "log-lost": (["log_min_messages = fatal"], []),
    "log-all": (["log_statement = all"], []),
    "password": ([""], []),
    "pending-restart": (["max_connections"], []),
    "checkpoints": ([""], []),
    "deadlocks": ([""], []),
    "rollbacks": ([""], []),
    "archiver": (["archive_command"], []),
    "memory-bill": ([""], []),
}
RIPENING = ("blocked", "prepared", "idle-transactions", "long-transactions")
LATE = ("autovacuum", "track-activities", "sync-standby", "archive-empty", "connections", "statements", "huge-pages")


class Clock:
    """Seconds by which the server's clock runs ahead; servers started within it obey."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="pgd-clock.")
        os.chmod(self.dir, 0o755)
        self.file, library = os.path.join(self.dir, "ahead"), os.path.join(self.dir, "clock_ahead.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library,
                        os.path.join(t.SOURCE, "tests/support/clock_ahead.c")], check=True)
        self.ahead(0)
        os.chmod(self.file, 0o644)
        self.env = dict(LD_PRELOAD=library, PGD_CLOCK_AHEAD=self.file)

    def ahead(self, seconds):
        """In place: a file cut short under a mapping ends the process that reads it."""
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, b"%010d\n" % seconds, 0)
        os.close(fd)

    @contextlib.contextmanager
    def around(self, **more):
        with_these = dict(self.env, **more)
        before = {name: os.environ.get(name) for name in with_these}
        os.environ.update(with_these)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def psql_file(server, text):
    out = subprocess.run(["psql", "-X", "-q", "-h", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres", "-f", "-"],
                         input=text, capture_output=True, text=True, timeout=120, env=dict(os.environ, PGOPTIONS=""))
    t.check(out.returncode == 0 and "ERROR" not in out.stderr, out.stderr)


def settings(server, *values):
    """ALTER SYSTEM and a reload; the server has read them when this returns."""
    for value in values:
        server.sql("ALTER SYSTEM SET " + value)
    loaded = server.sql("SELECT pg_conf_load_time()")
    server.sql("SELECT pg_reload_conf()")
    t.wait_for("the reload", 20, lambda: server.sql("SELECT pg_conf_load_time()") != loaded)


def deadlock(server):
    server.sql("CREATE TABLE two (i int PRIMARY KEY, k int)")
    server.sql("INSERT INTO two VALUES (1, 0), (2, 0)")
    server.sql("ALTER SYSTEM SET deadlock_timeout = '50ms'")
    server.sql("SELECT pg_reload_conf()")
    a, b = Session(server), Session(server)
    a.query("BEGIN; UPDATE two SET k = 1 WHERE i = 1")
    b.query("BEGIN; UPDATE two SET k = 2 WHERE i = 2")
    a.send("UPDATE two SET k = 1 WHERE i = 2")
    b.send("UPDATE two SET k = 2 WHERE i = 1")
    lost = 0
    for s in (a, b):
        try:
            s.until(b"Z")
            s.query("ROLLBACK")
        except RuntimeError:
            lost += 1
        s.close()
    t.check(lost == 1, "no deadlock")


def damage(server, clock):
    """A page of a table that no longer matches its checksum, and a restart in between, for what is cached is not read."""
    server.sql("CREATE TABLE broken AS SELECT repeat('q', 100) FROM generate_series(1, 100)")
    server.sql("CHECKPOINT")
    path = os.path.join(server.data, server.sql("SELECT pg_relation_filepath('broken')"))
    subprocess.run([t.PG, "stop", server.dir], check=True)
    with open(path, "r+b") as f:
        f.seek(5000)
        f.write(b"damaged")
    with clock.around():
        subprocess.run([t.PG, "up", server.dir], check=True)
    t.check(server.try_sql("SELECT count(*) FROM broken") is None, "the damage is not seen")


def many_transactions(server):
    """Ids and multixacts burnt until the databases' oldest ones are past the age at which autovacuum freezes; one of them is
    frozen, and young."""
    server.sql("CREATE DATABASE young")
    server.sql("CREATE TABLE burnt (i int PRIMARY KEY)", "young")
    server.sql("INSERT INTO burnt VALUES (1)", "young")
    with contextlib.closing(Session(server, database="young")) as one, contextlib.closing(Session(server, database="young")) as two:
        two.query("SET synchronous_commit = off")
        two.query("DO $$ BEGIN FOR i IN 1..121000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
        one.query("BEGIN; SELECT * FROM burnt FOR KEY SHARE")
        two.query("DO $$ BEGIN FOR i IN 1..12100 LOOP PERFORM * FROM burnt FOR SHARE; COMMIT; END LOOP; END $$")
        one.query("COMMIT")
    server.sql("VACUUM (FREEZE)", "young")


def rolled_back(server, n):
    server.sql("DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM 1; ROLLBACK; END LOOP; END $$" % n)


def lose_a_slot(server):
    server.sql("SELECT pg_create_physical_replication_slot('lost', true)")
    settings(server, "max_slot_wal_keep_size = '16MB'")
    for _ in range(4):
        server.sql("SELECT pg_logical_emit_message(false, 'x', 'y')")
        server.sql("SELECT pg_switch_wal()")
    server.sql("CHECKPOINT")
    settings(server, "max_slot_wal_keep_size = -1")


def collations(server):
    """False where this build sorts without ICU, and versions are unknown."""
    for name, locale in (("other", "de"), ("same", "fr")):
        if server.try_sql("CREATE COLLATION %s (provider = icu, locale = '%s')" % (name, locale)) is None:
            return False
    return server.sql("UPDATE pg_collation SET collversion = '0.1' WHERE collname = 'other' AND collversion IS NOT NULL "
                      "RETURNING 1") == "1"


def append(path, *lines):
    """The numbers under which these lines stand in the file now."""
    before = t.read(path).count("\n")
    with open(path, "a") as f:
        f.write("".join(line + "\n" for line in lines))
    return [before + 1 + i for i in range(len(lines))]


def plant(server, clock, version, names):
    server.sql("SELECT 1")
    if version >= 13:
        lose_a_slot(server)
    damage(server, clock)
    for part in PLANTED.split("-- next session\n"):  # a session's counters arrive at its end at the latest
        psql_file(server, part)
    server.try_sql("CREATE UNIQUE INDEX CONCURRENTLY twice ON big (k)")
    server.sql("CREATE INDEX CONCURRENTLY once ON big (id, k)")
    names["other"] = collations(server)
    for _ in range(6):
        server.sql("INSERT INTO keyless VALUES (0)")
        server.sql("CHECKPOINT")
    deadlock(server)
    many_transactions(server)
    rolled_back(server, 20000)  # of the transactions of all databases
    hba = append(os.path.join(server.data, "pg_hba.conf"), "host all all 10.0.0.0/8 trust", "host all all 127.0.0.1/32 trust",
                 "host all all 10.1.0.0/16 password", "host all all 10.2.0.0/16 scram-sha-256", "host all all 10.3.0.0/16 skram")
    names.update(zip(("trust", "local", "password", "scram", "broken"), ("pg_hba.conf:%d" % n for n in hba)))
    settings(server, "archive_command = 'false'", "max_connections = 41", "fsync = off", "full_page_writes = off",
             "track_counts = off", "zero_damaged_pages = on", "synchronous_commit = off", "enable_nestloop = off",
             "log_min_messages = fatal", "log_statement = 'all'", "password_encryption = md5",
             "work_mem = '%dkB'" % min(MEMORY / 1024 / 4, 2147483647))
    server.sql("SELECT pg_switch_wal()")
    t.wait_for("the archiver", 30, lambda: server.sql("SELECT failed_count FROM pg_stat_archiver") != "0")
    conf = append(os.path.join(server.data, "postgresql.conf"), "effective_cache_size = '1GB'", "effective_cache_size = 'much'")
    names.update(zip(("some", "much"), ("postgresql.conf:%d" % n for n in conf)))  # never read: for the next start to stumble over


class World:
    """Sessions and standbys: the old ones are there when the clock moves, the new ones come after it."""

    def __init__(self, server, clock, names):
        self.server, self.names, self.open = server, names, []
        self.keep(Standby(server, "far_behind"))
        self.open[0].report(self.open[0].at)
        for _ in range(4):
            server.sql("SELECT pg_logical_emit_message(false, 'x', 'y')")
            server.sql("SELECT pg_switch_wal()")
        slow = self.keep(Standby(server, "slow"))
        self.sessions("old")
        server.sql("SELECT pg_logical_emit_message(false, 'x', 'y')")
        at = server.sql("SELECT pg_current_wal_flush_lsn()")
        t.wait_for("the WAL at the slow standby", 20, lambda: slow.drain() and server.sql(
            "SELECT sent_lsn >= '%s' FROM pg_stat_replication WHERE application_name = 'slow'" % at) == "t")
        clock.ahead(7200)
        slow.report(at)  # two hours after it was sent
        t.wait_for("its lag", 20, lambda: server.sql(
            "SELECT replay_lag > '1 minute' FROM pg_stat_replication WHERE application_name = 'slow'") == "t")
        self.keep(Standby(server, "near_by")).report(server.sql("SELECT pg_current_wal_flush_lsn()"))
        self.began = time.monotonic()
        self.sessions("new")

    def keep(self, session):
        self.open.append(session)
        return session

    def sessions(self, age):
        name = self.names.setdefault
        prepare = self.keep(Session(self.server))
        prepare.query("BEGIN; INSERT INTO keyless VALUES (1); PREPARE TRANSACTION '%s'" % age)
        holder = self.keep(Session(self.server))
        holder.query("BEGIN; UPDATE two SET k = 3 WHERE i = %d" % (1 if age == "old" else 2))
        name("idle-transactions " + age, "session %d of postgres" % holder.pid)
        waiter = self.keep(Session(self.server))
        waiter.send("UPDATE two SET k = 4 WHERE i = %d" % (1 if age == "old" else 2))
        name("blocked " + age, "session %d of postgres" % waiter.pid)
        busy = self.keep(Session(self.server))
        busy.send("BEGIN; SELECT txid_current(); SELECT pg_sleep(100)")
        name("long-transactions " + age, "session %d of postgres" % busy.pid)

    def close(self):
        for s in self.open:
            s.close()
        self.server.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'test'")
        t.wait_for("the sessions' end", 20, lambda: self.server.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test'") == "0")


def near_misses(server):
    """Silent about every fault that has no near miss of its own beside it. All sessions but a few are taken."""
    server.sql("CREATE EXTENSION pg_stat_statements")
    rolled_back(server, 800)
    server.sql("DO $$ BEGIN FOR i IN 1..11000 LOOP PERFORM 1; COMMIT; END LOOP; END $$")
    settings(server, "synchronous_standby_names = 'near_by'", "max_slot_wal_keep_size = -1" if server.version >= 13 else
             "maintenance_work_mem = '65MB'")
    near = Standby(server, "near_by")
    near.report(server.sql("SELECT pg_current_wal_flush_lsn()"))
    crowd = [Session(server) for _ in range(28)]
    t.wait_for("the standby", 20, lambda: server.sql("SELECT sync_state FROM pg_stat_replication") == "sync")
    findings, _ = health(server)
    settings(server, "synchronous_standby_names = ''")
    for s in crowd + [near]:
        s.close()
    server.sql("DROP EXTENSION pg_stat_statements")
    silent = [c for c, (_, absent) in FAULTS.items() if not absent] + [c for c in LATE if c != "huge-pages"]
    loud = [f for f in findings if f["check"] in silent]
    t.check(not loud, "a near miss is taken for a fault: %s" % loud)
    return len(silent)


def the_faults(server, clock, version):
    names = {}
    plant(server, clock, version, names)
    world = World(server, clock, names)
    findings, end = health(server, code=1)
    faults, wrong, n, twins = dict(FAULTS), [], 0, 0
    if time.monotonic() - world.began > 4:  # after 5 s it has to be looked at: the near miss has ripened meanwhile
        print("   left out, the machine is too slow for it: blocked new")
        faults["blocked"] = (["old"], [])
    for check, (there, absent) in faults.items():
        if (check == "slots-lost" and version < 13) or (check == "collations" and not names["other"]) or \
                (check == "memory-bill" and any(f["check"] == check and f["grade"] == "unknown" for f in findings)):
            print("   left out here: %s" % check)
            continue
        def named(o, check=check):
            return names.get("%s %s" % (check, o)) or (names.get(o) if isinstance(names.get(o), str) else None) or o
        got = found(findings, check)
        if check in RIPENING:  # a note is no more than a look at what is young
            absent = [o for o in absent if got.get(named(o), {}).get("grade") != "note"]
        wrong += ["%s does not name %s: %s" % (check, named(o), [(o, f["figure"]) for o, f in got.items()]) for o in there if named(o) not in got]
        wrong += ["%s names %s" % (check, named(o)) for o in absent if named(o) in got]
        n, twins = n + len(there), twins + max(len(absent), 1)
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
    ordinary(server)
    world.close()
    return n, twins


def ordinary(server):
    """What a role without rights cannot see is said, with what it lacks; what it may see is shown."""
    server.sql("CREATE ROLE plain LOGIN")
    findings, _ = health(server, user="plain")
    lacks = [f for f in findings if f["grade"] == "unknown"]
    wanted = {"hba-trust": "pg_hba_file_rules", "hba-password": "pg_hba_file_rules", "hba-errors": "pg_hba_file_rules", "md5-roles": "pg_authid", "config-errors": "pg_file_settings",
              "blocked": "pg_read_all_stats", "idle-transactions": "pg_read_all_stats", "long-transactions": "pg_read_all_stats",
              "standbys": "pg_read_all_stats", "sync-standby": "pg_read_all_stats", "bloat": "pg_read_all_data",
              "index-bloat": "pg_read_all_data", "int-keys": "pg_read_all_data", "sequences": "may not read"}
    for check, words in wanted.items():
        said = [f["figure"] for f in lacks if f["check"] == check]
        t.check(len(said) == 1 and words in said[0], "%s does not say what it lacks: %s" % (check, said))
    t.check(set(f["check"] for f in lacks) <= set(wanted) or not [f for f in lacks if f["check"] not in wanted and
                                                                 "ssh-host" not in f["figure"]], "more is lacking: %s" % lacks)
    for check in ("index-duplicate", "constraints", "slots", "wraparound", "prepared", "fsync"):
        t.check(found(findings, check), "what it may see is not shown: " + check)


def swapped(server):
    """A sequence whose owner puts a view in its place while we look: none of its functions may run with our rights."""
    taken = os.path.join(server.data, "taken")
    server.sql("CREATE ROLE sly LOGIN")
    server.sql("CREATE SCHEMA sly AUTHORIZATION sly")
    sly = Session(server, user="sly")
    sly.query("CREATE FUNCTION sly.run() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN COPY (SELECT 1) TO '%s'; RETURN 1; END $$" % taken)
    sly.query("CREATE SEQUENCE sly.it")
    # Who has found the sequence by its name and waits for its lock goes on with the view.
    sly.send("DO $$ BEGIN WHILE to_regclass('sly.stop') IS NULL LOOP "
             "DROP SEQUENCE sly.it; CREATE VIEW sly.it AS SELECT sly.run() AS last_value; PERFORM pg_sleep(0.05); COMMIT; "
             "DROP VIEW sly.it; CREATE SEQUENCE sly.it; COMMIT; END LOOP; END $$")
    health(server)
    server.sql("CREATE TABLE sly.stop ()")
    sly.until(b"Z")
    sly.close()
    t.check(not os.path.exists(taken), "another user's code has run with the rights of a superuser")
    server.sql("SELECT sly.run()")
    t.check(os.path.exists(taken), "the code would not have been noticed")
    server.sql("DROP SCHEMA sly CASCADE")


def waits_for_nobody(server):
    """Each statement over tables and indexes ends at once while others hold some whole: of health, First Sight and the views."""
    sql = os.path.join(t.SOURCE, "assets/sql")
    files = [os.path.join(sql, f) for f in ("index_use.sql", "table_use.sql", "relations.sql", "tables.sql", "indexes.sql",
                                            "view/tables.sql", "view/indexes.sql", "view/sizes.sql")]
    files += [os.path.join(sql, "health", f) for f in sorted(os.listdir(os.path.join(sql, "health")))]
    server.sql("CREATE TABLE long_texts AS SELECT repeat(md5(i::text), 200) AS pad FROM generate_series(1, 2000) i")
    server.sql("ANALYZE long_texts")
    toast = server.sql("SELECT indexrelid::regclass FROM pg_index AS i, pg_class AS c WHERE c.relname = 'long_texts' "
                       "AND i.indrelid = c.reltoastrelid")
    holders = [Session(server) for _ in range(2)]
    holders[0].query("BEGIN; LOCK TABLE big, timed_20, wide IN ACCESS EXCLUSIVE MODE")
    holders[1].query("BEGIN; REINDEX INDEX %s" % toast)
    text = "SET search_path = pg_catalog;\nSET lock_timeout = '100ms';\n" + "".join("\\echo %s\n%s;\n" % (
        os.path.basename(f), re.sub(r".*--@1[6-8].*\n", "", t.read(f))) for f in files)
    began = time.monotonic()
    psql_file(server, text)
    took = time.monotonic() - began
    locked = server.sql(t.read(files[0]))
    for s in holders:
        s.close()
    free = server.sql(t.read(files[0]))
    t.check("big_unused" in locked and "CREATE INDEX" not in locked and "CREATE INDEX big_unused" in free,
            "definitions: %s\n%s" % (locked, free))
    t.check(took < 15 * t.SCALE, "%d statements took %.1f s" % (len(files), took))


def locked(server):
    """What somebody has locked is left out, and said; the rest is looked at, and nothing is concluded from half of it."""
    holder = Session(server)
    holder.query("BEGIN; LOCK TABLE timed_20 IN ACCESS EXCLUSIVE MODE; ALTER SEQUENCE numbered_id_seq OWNED BY NONE")
    findings, _ = health(server)
    holder.close()
    ends, stands = found(findings, "partition-end"), found(findings, "sequences")
    t.check(set(ends) == {"", "public.timed_now"} and ends[""]["grade"] == "unknown" and ends[""]["figure"].startswith("1 partitioned tables were not"),
            "a locked partition: %s" % ends)
    t.check("public.short" in stands and "public.numbered_id_seq" not in stands and stands[""]["grade"] == "unknown" and
            stands[""]["figure"] == "1 sequences were not looked at: somebody has locked them", "a locked sequence: %s" % stands)


def late_faults(server):
    """What would have hidden others: no session says what it does, no commit ends, nobody else gets in."""
    server.sql("ALTER SYSTEM SET synchronous_commit = on")
    settings(server, "archive_command = ''", "track_activities = off", "autovacuum = off", "synchronous_standby_names = 'ghost'")
    crowd = [Session(server) for _ in range(35)]
    findings, _ = health(server, code=1)
    for s in crowd:
        s.close()
    missing = [c for c in LATE if not found(findings, c) or all(f["grade"] == "unknown" for f in found(findings, c).values())]
    if [f for f in findings if f["check"] == "huge-pages" and f["grade"] == "unknown"]:
        missing.remove("huge-pages")
    t.check(not missing, "not found: %s" % missing)
    return len(LATE)


def one(version):
    clock = Clock()
    with clock.around(PGTEST_INITDB="-k"):
        server = t.Server(t.pg_bin(version), conf=QUIET + NEAR + AGES + ("shared_buffers = 1GB", "huge_pages = try"), rows=100)
    server.version = version
    began = time.monotonic()
    try:
        near = near_misses(server)
        faults, twins = the_faults(server, clock, version)
        swapped(server)
        waits_for_nobody(server)
        locked(server)
        server.try_sql("DROP EXTENSION pg_stat_statements")
        late = late_faults(server)
        print("   %d faults found, %d near misses silent, %d of them before (%.0f s)" % (
            faults + late, twins + len(LATE) - 1, near, time.monotonic() - began))
    finally:
        server.destroy()


def healthy(version):
    """Of a server that is well nothing is said that anybody would have to act on; nor of huge pages that nobody asked for."""
    memory = "shared_buffers = '%dkB'" % min(MEMORY / 1024 / 8, 8 << 20)
    server = t.Server(t.pg_bin(version), conf=QUIET + NEAR + (memory, "huge_pages = off"), rows=100)
    try:
        server.sql("CREATE EXTENSION pg_stat_statements")
        findings, _ = health(server)
        bad = [f for f in findings if f["check"] not in ("version", "checksums", "random-page-cost", "thp", "overcommit", "swap", "values",
                                                         "disk") and f["grade"] != "unknown"]
        t.check(not bad, "a healthy server has findings: %s" % bad)
        t.check(bool(found(findings, "checksums")) == (version < 18), "checksums: %s" % findings)
        out = subprocess.run([t.PROGRAM, "health", "-H", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        t.check("checks found nothing" in out.stdout.splitlines()[-1], "no summary: " + out.stdout)
    finally:
        server.destroy()
    small = t.Server(t.pg_bin(version), conf=QUIET + NEAR, rows=100) if MEMORY >= 4 << 30 and SOAK else None
    if small:
        try:
            t.check(found(health(small)[0], "shared-buffers"), "128MB of %d are not noticed" % MEMORY)
        finally:
            small.destroy()


def refused():
    out = subprocess.run([t.PROGRAM, "health", "-H", "/nowhere", "--json"], capture_output=True, text=True, timeout=60,
                         stdin=subprocess.DEVNULL)
    t.check(out.returncode == 3 and "nowhere" in out.stderr, "no server: %d %s" % (out.returncode, out.stderr))


def main():
    for version in (map(int, sys.argv[1:]) if len(sys.argv) > 1 else range(12, 19) if SOAK else (15,)):
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
