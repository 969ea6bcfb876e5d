#!/usr/bin/env python3
"""pg_diagnose health on a catalog of 100,000 relations: how long it takes, what it locks, and for what it waits.

health_catalog.py [RELATIONS]: the statements' own time is pg_stat_statements', as an ordinary
role's, for a superuser's leave themselves out, locks are looked at every few milliseconds, and a
second look finds a tenth of the tables and the sequences locked by somebody else."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t
from rawpg import Session

MOST_S, MOST_WAIT_MS = 2.0, 100
MODES = {"AccessShareLock", "nextval"}  # nextval: that of nextval(), ROW EXCLUSIVE, on a sequence
FIVE = """
DO $$ BEGIN
    FOR i IN %d..%d LOOP
        EXECUTE format('CREATE TABLE t%%s (id serial PRIMARY KEY, other int, at date)', i);
        EXECUTE format('CREATE INDEX t%%s_other ON t%%s (other)', i, i);
        EXECUTE format('CREATE INDEX t%%s_part ON t%%s (at) WHERE other > 0', i, i);
    END LOOP;
END $$"""


def fill(server, relations):
    """Tables of five relations each; some with rows, foreign keys, partitions."""
    made, step = 0, 400
    while made < relations // 5:
        server.sql(FIVE % (made, made + step - 1))
        made += step
    for i in range(200):
        server.sql("INSERT INTO t%d (other) SELECT i FROM generate_series(1, 2000) i; ALTER TABLE t%d ADD FOREIGN KEY (other) "
                   "REFERENCES t%d NOT VALID; ANALYZE t%d" % (i, i, i + 1, i))
    server.sql("CREATE TABLE p (at date) PARTITION BY RANGE (at)")
    server.sql("DO $$ BEGIN FOR i IN 0..999 LOOP EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%L) TO (%L)', i, "
               "date '2020-01-01' + i, date '2020-01-02' + i); END LOOP; END $$")
    server.sql("VACUUM ANALYZE pg_catalog.pg_class")
    server.sql("VACUUM")
    server.sql("CHECKPOINT")


class Watch(threading.Thread):
    """Every mode in which a session of ours held or awaited a lock, and how long the longest wait was seen."""

    def __init__(self, server):
        super().__init__()
        self.server, self.stop, self.modes, self.wait, self.since, self.looks, self.above, self.cpu = server, False, set(), 0, {}, 0, set(), {}

    def run(self):
        s = Session(self.server, "watch")
        while not self.stop:
            rows = s.query("SELECT l.pid || ' ' || CASE WHEN l.mode = 'RowExclusiveLock' AND "
                           "(SELECT relkind FROM pg_class AS c WHERE c.oid = l.relation) = 'S' THEN 'nextval' ELSE l.mode END "
                           "|| ' ' || l.granted || ' ' || coalesce(l.relation::regclass::text, '') "
                           "FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
                           "WHERE a.application_name LIKE 'pg_diagnose%' AND l.locktype <> 'virtualxid'")
            now, waits = time.monotonic(), set()
            for pid in {row.split(" ")[0] for row in rows}:
                with contextlib.suppress(OSError):
                    fields = t.read("/proc/%s/stat" % pid).rsplit(")", 1)[1].split()
                    self.cpu[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            for row in rows:
                pid, mode, granted = row.split(" ")[:3]
                self.modes.add(mode)
                if mode not in MODES:
                    self.above.add(row.split(" ", 1)[1])
                if granted == "false":
                    waits.add(row)
                    self.since.setdefault(row, now)
                    self.wait = max(self.wait, now - self.since[row])
            self.since = {k: v for k, v in self.since.items() if k in waits}
            self.looks += 1
            time.sleep(0.003)
        s.close()


def look(server):
    server.sql("SELECT pg_stat_statements_reset()")
    watch = Watch(server)
    watch.start()
    with tempfile.TemporaryDirectory() as home:
        began = time.monotonic()
        out = subprocess.run([t.PROGRAM, "health", "-H", server.host, "-p", server.port, "-U", "watcher", "-d", "postgres", "--json"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
                             env=dict(os.environ, PG_DIAGNOSE_HOME=home))
        took = time.monotonic() - began
    watch.stop = True
    watch.join()
    t.check(out.returncode in (0, 1), "exit %d: %s" % (out.returncode, out.stderr))
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    spent = server.sql("SELECT round(sum(total_exec_time)::numeric, 1) FROM pg_stat_statements AS s JOIN pg_roles AS r "
                       "ON r.oid = s.userid WHERE rolname = 'watcher'")
    worst = server.sql("SELECT string_agg(w, E'\\n') FROM (SELECT format('     %s ms  %s', round(max_exec_time::numeric, 1), "
                       "left(regexp_replace(query, '\\s+', ' ', 'g'), 100)) AS w FROM pg_stat_statements AS s JOIN pg_roles AS r "
                       "ON r.oid = s.userid WHERE rolname = 'watcher' ORDER BY max_exec_time DESC LIMIT 8) AS x")
    return took, float(spent), worst, watch, lines


def main():
    relations = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    failed = []
    server = t.Server(t.pg_bin(15), rows=10, conf=(
        "fsync = off", "autovacuum = off", "shared_buffers = 512MB", "max_wal_size = 8GB", "max_locks_per_transaction = 2000",
        "shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.track_utility = on"))
    try:
        server.sql("CREATE EXTENSION pg_stat_statements")
        server.sql("CREATE ROLE watcher LOGIN IN ROLE pg_monitor, pg_read_all_data")
        fill(server, relations)
        server.sql("GRANT EXECUTE ON FUNCTION pg_hba_file_rules(), pg_show_all_file_settings() TO watcher")
        server.sql("GRANT SELECT ON pg_hba_file_rules, pg_file_settings TO watcher")
        n = server.sql("SELECT count(*) FROM pg_class")
        look(server)  # the catalog comes into the cache, as on a server that is used
        for what in ("at rest", "with locks held by others"):
            holder = None
            if what != "at rest":
                holder = Session(server)
                holder.query("BEGIN")
                holder.query("DO $$ BEGIN FOR i IN 0..1999 LOOP EXECUTE format('LOCK TABLE t%s IN ACCESS EXCLUSIVE MODE', i); "
                             "EXECUTE format('ALTER SEQUENCE t%s_id_seq OWNED BY NONE', i); END LOOP; END $$")
            took, spent, worst, watch, lines = look(server)
            if holder:
                holder.close()
            unknown = [f for f in lines if f["event"] == "finding" and f["grade"] == "unknown" and "ssh-host" not in f["figure"]]
            print("%s relations, %s: %.2f s in all, statements %.0f ms, CPU of our backends %.2f s, locks %s in %d looks, longest wait %.0f ms, not looked at: %s"
                  % (n, what, took, spent, sum(watch.cpu.values()), sorted(watch.modes), watch.looks, 1000 * watch.wait,
                     "; ".join("%s: %s" % (f["check"], f["figure"]) for f in unknown) or "nothing"))
            print(worst, flush=True)
            if sum(watch.cpu.values()) > MOST_S or (holder is None and unknown and any(f["check"] not in ("sequences", "md5-roles") for f in unknown)):
                failed.append("%s: %.2f s of CPU" % (what, sum(watch.cpu.values())))
            if watch.modes - MODES:
                failed.append("%s: locks %s" % (what, sorted(watch.above)[:5]))
            if 1000 * watch.wait > 2 * MOST_WAIT_MS:  # the looks themselves are some milliseconds apart
                failed.append("%s: waited %.0f ms" % (what, 1000 * watch.wait))
    finally:
        server.destroy()
    print("failed: " + "; ".join(failed) if failed else "ok: bounded")
    sys.exit(1 if failed else 0)


main()
