#!/usr/bin/env python3
"""When a change takes effect, seen on real servers: a prepared statement keeps its generic plan after the new value is in force,
as the review line says; a new statistics target gets its ANALYZE in the program's own database, there and back; and where
allow_alter_system is off every change is left to the DBA, in the form of a file."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


class Session:
    """One session of somebody else's, that stays."""

    def __init__(self, server):
        self.psql = subprocess.Popen([server.bin + "/psql", "-XqAt", "-h", server.host, "-p", server.port, "-U", "postgres",
                                      "postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, sql):
        self.psql.stdin.write(sql + ";\n\\echo end\n")
        self.psql.stdin.flush()
        lines = []
        while (line := self.psql.stdout.readline()) and line != "end\n":
            lines.append(line.rstrip("\n"))
        return "\n".join(lines)

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


def forced(server, change, *flags):
    return t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "1", "--rounds", "1", "--accept", "safe", *flags,
                 program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": change})


def paused(run, server):
    run.process.send_signal(signal.SIGTERM)
    run.expect(1, "PAUSED")
    t.check(server.entries() == {}, "entries %s" % server.entries())


def generic_plan(server):
    """A plan without parallel workers, which were not allowed when it was made, until somebody plans anew."""
    query = "SELECT count(*) FROM sorted WHERE k = $1 OR " + " OR ".join("md5(pad) = 'x%d'" % i for i in range(80))
    session = Session(server)
    try:
        session.ask("SET plan_cache_mode = force_generic_plan; PREPARE mine(int) AS " + query + "; EXECUTE mine(7)")
        before = session.ask("EXPLAIN EXECUTE mine(7)")
        run = forced(server, "max_parallel_workers_per_gather=2")
        run.until("the change", lambda: run.events("verify"))
        t.check(session.ask("SHOW max_parallel_workers_per_gather") == "2", "the session does not see the value")
        t.check(session.ask("EXPLAIN EXECUTE mine(7)") == before, "it was planned anew:\n" + before)
        now = session.ask("PREPARE another(int) AS " + query + "; EXPLAIN EXECUTE another(7)")
        t.check("Gather" in now and "Gather" not in before, "the value does not decide the plan\n%s\n%s" % (before, now))
        line = next(e for e in run.events("guard") if e["name"] == "max_parallel_workers_per_gather")
        t.check("prepared statements keep their plan until replanned" in line["reach"], "%s" % line)
        paused(run, server)
    finally:
        session.close()


def histogram(server):
    return server.sql("SELECT max(array_length(histogram_bounds::text::text[], 1)) FROM pg_stats WHERE schemaname = 'public'",
                      "pg_diagnose_bench")


def bench_database(server):
    """What the program would make itself, with fewer rows."""
    server.sql("CREATE DATABASE pg_diagnose_bench")
    demo = os.path.join(t.SOURCE, "assets/demo")
    load = t.read(demo + "/load.sql").replace("(1, 150000)", "(1, 15000)").replace("(1, 450000)", "(1, 20000)")
    path = os.path.join(server.work, "load.sql")
    with open(path, "w") as f:
        f.write(t.read(demo + "/schema.sql") + load + "CREATE TABLE pg_diagnose_meta AS SELECT 'shop-1'::text AS workload;\n")
    subprocess.run([server.bin + "/psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-h", server.host, "-p", server.port, "-U", "postgres", "-f",
                    path, "pg_diagnose_bench"], check=True, stdout=subprocess.DEVNULL)


def statistics_target(server):
    """In force is what ANALYZE has collected with it: histograms of the new size, and after the undo of the old one."""
    bench_database(server)
    run = t.Run(server, server.home(), None, "--duration", "1", "--rounds", "1", "--accept", "safe", "--bench-db",
                program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": "default_statistics_target=150"})
    run.until("the first run", lambda: run.events("bench"))
    t.check(histogram(server) == "101", "%s bounds before" % histogram(server))
    run.until("the change", lambda: run.events("verify"))
    t.check(run.events("verify")[0]["state"] == "done", "%s" % run.events("verify"))
    t.check(histogram(server) == "151", "%s bounds with the new target" % histogram(server))
    line = next(e for e in run.events("guard") if e["name"] == "default_statistics_target")
    t.check(line["takes_effect"] == "at the next ANALYZE of each table", "%s" % line)
    paused(run, server)
    t.check(histogram(server) == "101", "%s bounds after the undo" % histogram(server))


def through(version, conf, *parts):
    server = t.Server(t.pg_bin(version), conf=t.SMALL + conf, rows=25000)
    try:
        for part in parts:
            part(server)
    finally:
        server.destroy()


def takes_effect():
    through(15, (), generic_plan, statistics_target)


def no_alter_system(server):
    """Asked for in the form of a file; the DBA writes it there, and the same command verifies that and goes on."""
    home = server.home()
    flags = ("--duration", "1", "--rounds", "1", "--budget", "30", "--accept", "safe")
    run = t.Run(server, home, server.script(t.SORTS), *flags).end()
    t.check(run.code == 5 and run.summary["state"] == "PAUSED", "exit %d: %s\n%s" % (run.code, run.summary, run.said))
    d = run.events("discovery")[0]
    t.check(d["way"] == "manual" and "allow_alter_system" in d["way_why"], "%s" % d)
    asked = run.events("manual")[0]
    t.check(asked["form"] == "file" and asked["what"] == "change" and "ALTER SYSTEM" not in asked["text"], "%s" % asked)
    with open(os.path.join(server.data, "postgresql.conf"), "a") as f:
        f.write("".join(line + "\n" for line in asked["text"].splitlines() if " = " in line))
    server.sql("SELECT pg_reload_conf()")
    again = t.Run(server, home, server.script(t.SORTS), *flags)
    again.until("a run with it", lambda: [e for e in again.events("bench") if e["arm"] == asked["arm"]])
    again.process.terminate()
    again.end()
    for s in asked["settings"]:
        t.check(server.sql("SHOW " + s["name"]) == s["to"], "%s is %s" % (s["name"], server.sql("SHOW " + s["name"])))
    t.check(server.entries() == {}, "%s" % server.entries())
    sent = [line for line in t.read(os.path.join(server.dir, "log")).splitlines() if "ALTER SYSTEM" in line]
    t.check(not sent, "it was tried: %s" % sent)


def switched_off():
    through(17, ("allow_alter_system = off", "log_statement = ddl"), no_alter_system)


if __name__ == "__main__":
    t.main({f.__name__: f for f in (takes_effect, switched_off)})
