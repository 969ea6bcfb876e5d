#!/usr/bin/env python3
"""A workload made of the server's own statements. Two databases are put to work with statements whose constants are of many
types; what pg_stat_statements then has is all that the program gets. Its scripts are run by pgbench, and the statements must
come out in the same order by the time that they take (Spearman's rank correlation of at least 0.8). Nothing that writes,
locks, acts or holds a secret may be in a script."""
import glob
import json
import os
import random
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

CONF = ("shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.max = 2000", "fsync = off",
        "autovacuum = off", "max_parallel_workers_per_gather = 0", "jit = off")
SECRET = "hunter2-Zq81"

SHOP = """
CREATE TABLE customers (id uuid PRIMARY KEY, ref int, email text NOT NULL, name text, country text, created_at timestamptz,
    tags text[], profile jsonb, deleted_at timestamptz);
INSERT INTO customers SELECT md5(i::text)::uuid, i, 'user' || i || '@example.org', initcap(substr(md5(i::text), 1, 6)),
    (ARRAY['DE','FR','US','US','US','PL'])[1 + i % 6], now() - i * interval '7 minutes',
    ARRAY[(ARRAY['vip','new','b2b','press'])[1 + i % 4], 't' || i % 50],
    jsonb_build_object('plan', (ARRAY['free','free','gold','pro'])[1 + i % 4], 'visits', i % 1000, 'note', md5(i::text)),
    CASE WHEN i % 20 = 0 THEN now() END FROM generate_series(1, 10000) i;
CREATE UNIQUE INDEX ON customers (email);
CREATE TABLE products (id int PRIMARY KEY, sku text, price numeric(10,2), category text, attrs jsonb);
INSERT INTO products SELECT i, 'sku-' || i, (i % 500) + 0.99, 'cat: ' || i % 20,
    jsonb_build_object('color', (ARRAY['red','green','blue'])[1 + i % 3], 'size', i % 7, 'it''s', 'a\\b"c:d')
    FROM generate_series(1, 2000) i;
CREATE INDEX ON products USING gin (attrs);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id uuid, status text, placed_at timestamptz, total numeric(12,2),
    coupon text);
INSERT INTO orders SELECT i, md5((1 + (i * 7919) % 10000)::text)::uuid, (ARRAY['paid','paid','paid','open','void'])[1 + i % 5],
    now() - i * interval '3 minutes', (i * 31) % 1000, CASE WHEN i % 3 = 0 THEN 'SAVE' || i % 5 END
    FROM generate_series(1, 30000) i;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (placed_at);
CREATE TABLE items (order_id bigint, product_id int, qty smallint, price numeric(10,2), PRIMARY KEY (order_id, product_id));
INSERT INTO items SELECT 1 + i / 2, 1 + (i * 13) % 2000, 1 + i % 4, i % 300 FROM generate_series(1, 59998) i;
CREATE SEQUENCE numbers;
CREATE FUNCTION tick(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1 + 1';
VACUUM ANALYZE;
"""

PLANT = """
CREATE TYPE alarm AS ENUM ('low', 'mid', 'high');
CREATE DOMAIN percent AS real CHECK (VALUE BETWEEN 0 AND 100);
CREATE SCHEMA "Plant";
CREATE TABLE "Plant".tenants (id smallint PRIMARY KEY, name varchar(40), settings json);
INSERT INTO "Plant".tenants SELECT i, 'tenant ' || i, '{"zone": "z"}' FROM generate_series(1, 40) i;
CREATE TABLE "Plant".devices (id int PRIMARY KEY, tenant_id smallint, serial uuid UNIQUE, labels jsonb, ip inet, active boolean,
    "Made On" date, load percent);
INSERT INTO "Plant".devices SELECT i, 1 + (i * i) % 40, md5('d' || i)::uuid, jsonb_build_object('site', 's' || i % 25, 'fw',
    i % 5), ('10.' || i % 200 || '.' || i % 250 || '.7')::inet, i % 9 > 0, date '2020-01-01' + i % 1500, i % 100
    FROM generate_series(1, 3000) i;
CREATE INDEX ON "Plant".devices ((labels ->> 'site'));
CREATE TABLE readings (device_id int, at timestamptz, value double precision, quality smallint, raw jsonb, PRIMARY KEY (device_id, at));
INSERT INTO readings SELECT 1 + i % 3000, '2024-01-01 00:00:00+00'::timestamptz + (i / 3000) * interval '1 hour', random() * 100,
    i % 4, CASE WHEN i % 10 = 0 THEN jsonb_build_object('v', i % 50) END FROM generate_series(0, 59999) i;
CREATE INDEX ON readings (at);
CREATE TABLE alerts (id bigint PRIMARY KEY, device_id int, level alarm, raised_at timestamptz, cleared_at timestamptz, note text,
    codes int[]);
INSERT INTO alerts SELECT i, 1 + (i * 17) % 3000, (ARRAY['low','low','mid','high'])[1 + i % 4]::alarm,
    '2024-01-01 00:00:00+00'::timestamptz + i * interval '3 minutes', CASE WHEN i % 3 > 0 THEN now() END,
    CASE WHEN i % 2 = 0 THEN 'O''Brien said: "' || i || '"' END, ARRAY[i % 30, i % 7] FROM generate_series(1, 12000) i;
CREATE INDEX ON alerts (device_id);
ALTER DATABASE plant SET search_path = "$user", public, "Plant";
VACUUM ANALYZE;
"""


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def day(r, days=60):
    return "now() - interval '%d hours'" % r.randrange(1, days * 24)


def shop_statements(v, r):
    """(calls, a function that writes one statement with constants)"""
    c = lambda: quoted(r.choice(v["customers"]))
    ts = lambda: quoted(r.choice(v["placed"]))
    return [
        (400, lambda: "SELECT * FROM customers WHERE id = %s" % c()),
        (300, lambda: "SELECT id, name FROM customers WHERE email = 'user%d@example.org' AND deleted_at IS NULL" % r.randint(1, 10000)),
        (150, lambda: "SELECT o.id, o.total, i.product_id, i.qty FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer_id = %s "
         "ORDER BY o.placed_at DESC LIMIT 20" % c()),
        (90, lambda: "SELECT count(*), sum(total) FROM orders WHERE placed_at >= %s::timestamptz AND placed_at < %s::timestamptz + interval '1 day'"
         % ((lambda x: (x, x))(ts()))),
        (60, lambda: "SELECT status, count(*) FROM orders WHERE placed_at > now() - interval '14 days' GROUP BY status ORDER BY 2 DESC"),
        (200, lambda: "SELECT * FROM products WHERE id IN (%s)" % ", ".join(str(r.randint(1, 2000)) for _ in range(5))),
        (120, lambda: "SELECT sku, price FROM products WHERE id = ANY ('{%s}'::int[])" % ",".join(str(r.randint(1, 2000)) for _ in range(10))),
        (120, lambda: "SELECT count(*) FROM products WHERE attrs @> '{\"color\": \"%s\"}'" % r.choice(["red", "green", "blue"])),
        (30, lambda: "SELECT count(*) FROM customers WHERE profile ->> 'plan' = %s AND ref < %d" % (quoted(r.choice(["gold", "pro"])), r.randint(3000, 9000))),
        (40, lambda: "SELECT id FROM customers WHERE tags && ARRAY[%s, 'vip'] LIMIT 100" % quoted("t%d" % r.randrange(50))),
        (35, lambda: "SELECT count(*) FROM customers c WHERE %s = ANY (c.tags) AND c.country = %s" % (quoted("t%d" % r.randrange(50)), quoted(r.choice(["DE", "US"])))),
        (12, lambda: "SELECT date_trunc('day', placed_at) AS d, count(*), sum(total) FROM orders WHERE status = 'paid' "
         "GROUP BY date_trunc('day', placed_at) ORDER BY 1"),
        (12, lambda: "SELECT p.category, sum(i.qty * i.price) FROM items i JOIN products p ON p.id = i.product_id JOIN orders o ON o.id = "
         "i.order_id WHERE o.status = %s AND p.category IN ('cat: 3', 'cat: %d') GROUP BY p.category" % (quoted(r.choice(["paid", "open"])), r.randrange(20))),
        (45, lambda: "SELECT count(*) FROM orders WHERE coupon IS NOT DISTINCT FROM %s" % r.choice(["NULL", "'SAVE1'", "'SAVE3'"])),
        (25, lambda: "SELECT id, name FROM customers WHERE name LIKE '%s%%' ORDER BY name LIMIT 10" % v["names"][r.randrange(100)][:3]),
        (80, lambda: "SELECT id, total FROM orders WHERE (placed_at, id) < (%s, %d) ORDER BY placed_at DESC, id DESC LIMIT 50"
         % (ts(), r.randint(1, 30000))),
        (14, lambda: "SELECT c.country, count(*) FROM customers AS c WHERE c.country = %s AND EXISTS (SELECT 1 FROM orders o WHERE "
         "o.customer_id = c.id AND o.total > %d) GROUP BY c.country" % (quoted(r.choice(["FR", "PL"])), r.randint(900, 990))),
        (12, lambda: "WITH best AS (SELECT customer_id, sum(total) AS t FROM orders WHERE placed_at >= %s GROUP BY customer_id ORDER BY t DESC "
         "LIMIT 10) SELECT c.email, best.t FROM best JOIN customers c ON c.id = best.customer_id /* the :best */" % quoted(v["placed"][len(v["placed"]) // 2])),
    ]


def plant_statements(v, r):
    serial = lambda: quoted(r.choice(v["serials"]))
    return [
        (400, lambda: "SELECT id, ip, active FROM devices WHERE serial = %s" % serial()),
        (250, lambda: "SELECT value, quality FROM readings WHERE device_id = %d AND at >= '2024-01-01 %02d:00:00+00' ORDER BY at LIMIT 10"
         % (r.randint(1, 3000), r.randrange(12))),
        (70, lambda: "SELECT avg(value), max(value) FROM readings WHERE at BETWEEN '2024-01-01 %02d:00+00' AND '2024-01-01 %02d:30+00'"
         % ((lambda h: (h, h + 1))(r.randrange(18)))),
        (14, lambda: "SELECT d.tenant_id, avg(x.value) FROM devices d JOIN readings x ON x.device_id = d.id WHERE d.tenant_id IN (%d, %d, %d) "
         "AND x.quality <> %d GROUP BY d.tenant_id" % (r.randint(1, 40), r.randint(1, 40), r.randint(1, 40), r.randrange(4))),
        (100, lambda: "SELECT count(*) FROM devices WHERE labels ->> 'site' = 's%d'" % r.randrange(25)),
        (40, lambda: "SELECT count(*) FROM devices WHERE labels @> '{\"fw\": %d}' AND active" % r.randrange(5)),
        (60, lambda: "SELECT id FROM devices WHERE ip = '10.%d.%d.7'" % ((lambda i: (i % 200, i % 250))(r.randint(1, 3000)))),
        (30, lambda: "SELECT level, count(*) FROM alerts WHERE level = '%s' AND cleared_at IS NULL GROUP BY level" % r.choice(["mid", "high"])),
        (180, lambda: "SELECT * FROM alerts WHERE device_id = %d ORDER BY raised_at DESC LIMIT 5" % r.randint(1, 3000)),
        (25, lambda: "SELECT id, note FROM alerts WHERE codes @> ARRAY[%d] ORDER BY id LIMIT 20" % r.randrange(7)),
        (20, lambda: "SELECT count(*) FROM alerts WHERE note ILIKE '%%brien said: \"%d%%'" % r.randint(1, 99)),
        (15, lambda: "SELECT coalesce(note, 'none'), count(*) FROM alerts WHERE raised_at < date '2024-01-%02d' GROUP BY coalesce(note, 'none') "
         "ORDER BY 2 DESC LIMIT 3" % r.randint(10, 20)),
        (22, lambda: "SELECT \"Made On\", count(*) FROM \"Plant\".devices WHERE \"Made On\" > DATE '2021-%02d-01' GROUP BY \"Made On\" LIMIT 7" % r.randint(1, 12)),
        (100, lambda: "SELECT t.name, d.id FROM tenants t JOIN devices d ON d.tenant_id = t.id WHERE t.id = %d AND d.load > %d" % (r.randint(1, 40), r.randint(10, 90))),
        (12, lambda: "SELECT d.id, s.n FROM devices d, LATERAL (SELECT count(*) AS n FROM readings x WHERE x.device_id = d.id AND x.value > %d) s "
         "WHERE d.active = %s AND d.tenant_id = %d ORDER BY s.n DESC LIMIT 10" % (r.randint(10, 90), r.choice(["true", "true", "false"]), r.randint(1, 40))),
        (90, lambda: "SELECT raw -> 'v' FROM readings WHERE device_id = ANY (ARRAY[%d, %d, %d]) AND raw IS NOT NULL" % tuple(r.randint(1, 3000) for _ in range(3))),
        (12, lambda: "SELECT extract(hour FROM at) AS h, avg(value) FROM readings WHERE quality IN (1, %d) GROUP BY 1 ORDER BY 1" % r.choice([2, 3])),
    ]


OTHERS = {
    "shop": ["UPDATE orders SET total = total + 1 WHERE id = %d" % i for i in range(1, 60)] + [
        "SELECT total FROM orders WHERE id = 7 FOR UPDATE", "SELECT nextval('numbers')", "SELECT tick(5) FROM products LIMIT 3",
        "WITH gone AS (DELETE FROM items WHERE order_id = 5 RETURNING 1) SELECT count(*) FROM gone",
        "CREATE ROLE clerk PASSWORD '%s'" % SECRET, "ALTER ROLE clerk PASSWORD '%s'" % SECRET,
        "SELECT count(*) FROM pg_class WHERE relname = '%s'" % SECRET],
    "plant": ["INSERT INTO alerts (id, level) VALUES (900001, 'low')", "DELETE FROM alerts WHERE id = 900001"],
}


def spent(server):
    return "total_exec_time" if int(server.sql("SHOW server_version_num")) >= 130000 else "total_time"


def psql(server, database, text):
    path = os.path.join(server.work, "load.sql")
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)
    done = subprocess.run([os.path.join(t.pg_bin(15), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-h", server.host, "-p",
                           server.port, "-U", "postgres", "-f", path, database], capture_output=True, text=True)
    t.check(done.returncode == 0, "psql: " + done.stderr[-2000:])


def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    result = [0] * len(values)
    for place, i in enumerate(order):
        result[i] = place
    return result


def spearman(a, b):
    x, y = ranks(a), ranks(b)
    n = len(a)
    return 1 - 6 * sum((p - q) ** 2 for p, q in zip(x, y)) / (n * (n * n - 1))


def source(server, database, statements, r):
    """Puts the database to work and returns what pg_stat_statements has of the statements: queryid -> total time."""
    server.sql("SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()", database)
    texts = [write() for calls, write in statements for _ in range(calls)]
    r.shuffle(texts)
    psql(server, database, ";\n".join(texts + OTHERS[database]) + ";\n")
    rows = server.sql("SELECT queryid, %s, calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = "
                      "current_database() AND query ~ '^(SELECT|WITH)' ORDER BY 2 DESC" % spent(server), database)
    return {row.split("|")[0]: float(row.split("|")[1]) for row in rows.splitlines()}


def derive(server, database):
    home = server.home()
    run = t.Run(server, home, None, "-d", database, "--workload", "statements", "--duration", "1", "--accept", "none")
    run.until("the first run", lambda: "run 1, start" in t.read(run.err.name))
    run.process.send_signal(signal.SIGTERM)
    run.end()
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "exit %d\n%s" % (run.code, run.said[-3000:]))
    said = run.events("statements")
    t.check(len(said) == 1, "no event statements")
    return run, said[0]


def measure(server, database, run, runs):
    """One pgbench with the scripts and weights of the session; total time by the number in the statements' comment."""
    plan = run.session()["strategy"]
    t.check(plan["workload"] == "statements" and plan["database"] == database, "the plan is %s" % plan)
    args, texts = [], {}
    for i, script in enumerate(plan["scripts"]):
        path = glob.glob(os.path.join(run.session_dir(), "scripts", "%d-*" % (i + 1)))[0]
        texts[i] = t.read(path)
        args += ["-f", "%s@%d" % (path, script["weight"])]
    server.sql("SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()", database)
    done = subprocess.run([os.path.join(t.pg_bin(15), "pgbench"), "-n", "-c", "1", "-t", str(runs), "--random-seed=7", "-h", server.host, "-p", server.port,
                           "-U", "postgres"] + args + [database], capture_output=True, text=True,
                          env=dict(os.environ, PGOPTIONS="-c default_transaction_read_only=on"))
    t.check(done.returncode == 0 and "ERROR" not in done.stderr, "pgbench: " + done.stderr[-2000:])
    rows = server.sql("SELECT (regexp_match(query, '/[*] pg_diagnose (\\d+)'))[1], sum(%s), sum(calls) FROM pg_stat_statements "
                      "WHERE query LIKE '%%/* pg_diagnose %%' GROUP BY 1" % spent(server), database)
    return texts, {int(row.split("|")[0]): float(row.split("|")[1]) for row in rows.splitlines() if row.split("|")[0]}


def whole(server, database, schema, statements, values, least):
    r = random.Random(7)
    server.sql("CREATE DATABASE " + database)
    psql(server, database, "CREATE EXTENSION pg_stat_statements;" + schema)
    had = source(server, database, statements(values(server, database), r), r)
    run, said = derive(server, database)
    texts, ours = measure(server, database, run, 2000)
    t.check(len(texts) == said["taken"] >= least, "%d of %d taken, at least %d were expected: %s" %
            (said["taken"], len(had), least, json.dumps(said["left_out"], indent=1)))
    t.check(said["share"] > 0.5, "they are %.2f of the time" % said["share"])
    calls = [int(text.split(" time: ")[1].split(" calls")[0]) for text in texts.values()]
    weights = [s["weight"] for s in run.session()["strategy"]["scripts"]]
    t.check(all(abs(w / max(weights) - c / max(calls)) < 0.02 for w, c in zip(weights, calls)), "weights %s, calls %s" % (weights, calls))
    pairs = []
    for text in texts.values():
        queryid = text.split("(query ")[1].split(")")[0]
        number = int(text.split("/* pg_diagnose ")[1].split(" ")[0])
        t.check(number in ours, "statement %d was never run" % number)
        pairs.append((had[queryid], ours[number], number))
    rho = spearman([p[0] for p in pairs], [p[1] for p in pairs])
    total = sum(p[0] for p in pairs), sum(p[1] for p in pairs)
    for a, b, number in sorted(pairs, reverse=True):
        print("   %2d  %5.1f %%  %5.1f %%" % (number, 100 * a / total[0], 100 * b / total[1]))
    print("   %s: %d statements, %.1f %% of the time, rank correlation %.3f" % (database, len(pairs), 100 * said["share"], rho), flush=True)
    t.check(rho >= 0.8, "the rank correlation is %.3f" % rho)
    return run, said, texts


def column(server, database, sql):
    return server.sql(sql, database).splitlines()


def shop(server):
    values = lambda s, d: {"customers": column(s, d, "SELECT id FROM customers ORDER BY id LIMIT 3000"),
                           "placed": column(s, d, "SELECT placed_at FROM orders ORDER BY placed_at"),
                           "names": column(s, d, "SELECT name FROM customers LIMIT 100")}
    run, said, texts = whole(server, "shop", SHOP, shop_statements, values, 17)
    everything = "\n".join(texts.values())
    for word in ("UPDATE", "DELETE", "nextval", "tick(", SECRET, "pg_class"):
        t.check(word not in everything, "%s is in a script" % word)
    why = " / ".join(x["why"] for x in said["left_out"])
    for reason in ("locks rows", "writes", "calls nextval(), which may write", "calls tick(), which may write"):
        t.check(reason in why, "nothing was left out because it %s: %s" % (reason, why))
    for path, _, files in os.walk(run.home):
        for name in files:
            t.check(SECRET not in t.read(os.path.join(path, name)), "the secret is in %s" % name)
    t.check(SECRET not in run.text() + run.said, "the secret was printed")
    t.check(server.sql("SELECT count(*) FROM items WHERE order_id = 5", "shop") == "0" and
            server.sql("SELECT last_value FROM numbers", "shop") == "1", "a script has written")


def plant(server):
    values = lambda s, d: {"serials": column(s, d, "SELECT serial FROM devices")}
    whole(server, "plant", PLANT, plant_statements, values, 16)


def both(version=15):
    server = t.Server(t.pg_bin(version), conf=CONF, rows=10)
    try:
        shop(server)
        plant(server)
    finally:
        server.destroy()


if __name__ == "__main__":
    tests = {"both": both}
    if len(sys.argv) > 1:  # by hand: version_12 to version_18
        tests.update({"version_%d" % v: lambda v=v: both(v) for v in range(12, 19)})
    t.main(tests)
