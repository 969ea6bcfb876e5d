#!/usr/bin/env python3
"""Whole sessions of --observe, which take minutes: observe.py [improves] [restless] [versions].

  improves   a server under a steady load from outside, with a work_mem that makes its sorts spill: the session improves it,
             by measurement from outside, too
  restless   a load whose mix changes all the time: nothing is claimed for that, and nothing is given up
  versions   the baseline on each of PostgreSQL 12 to 18 that can be had, with and without pg_stat_statements"""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import observetest as o
import tunetest as t

POINTS = "\\set a random(1, 40000)\nSELECT k FROM sorted WHERE id = :a;\n"
VERSIONS = (12, 13, 14, 15, 16, 17, 18)


def mean_ms(server, seconds, like):
    """The average of the statements like that over some seconds, by pg_stat_statements itself."""
    sql = "SELECT sum(calls), sum(total_exec_time) FROM pg_stat_statements WHERE query LIKE '%s'" % like
    first = [float(x) for x in server.sql(sql).split("|")]
    time.sleep(seconds)
    last = [float(x) for x in server.sql(sql).split("|")]
    return (last[1] - first[1]) / (last[0] - first[0])


def improves():
    server = o.server_with(15, *t.SMALL)
    try:
        reset = o.resets(server)
        with o.Load(server, 15, t.SORTS):
            time.sleep(2)
            before = mean_ms(server, 15, "%sorted%")
            run = o.Observed(server, server.home(), "--accept", "safe", "--duration", "10", "--rounds", "3", "--budget", "20").end(1500)
            after = mean_ms(server, 15, "%sorted%")
        t.check(run.code == 0 and run.summary["state"] == "ARCHIVED" and run.summary["verdict"] == "improved", o.dump(run))
        t.check(1 < run.summary["ci95"][0] <= run.summary["effect"], "%s" % run.summary)
        t.check("work_mem" in server.entries(), "%s" % server.entries())
        told = [e for e in run.events("by_statement") if e["phase"] == "confirmation"]
        t.check(told and any(s["class"] == "faster" and "sorted" in s["name"] for s in told[-1]["statements"]), "%s" % told)
        t.check(before / after > 1.2, "from outside: %.1f ms, then %.1f ms\n%s" % (before, after, run.said))
        o.untouched(run, reset, o.resets(server))
        t.check(not server.sql("SELECT name FROM pg_settings WHERE pending_restart"), "a restart is owed")
        print("   %.1f ms a statement, then %.1f ms by the server's own counters (%.2f); claimed %.2f (%.2f to %.2f); %d runs, %.0f s"
              % (before, after, before / after, run.summary["effect"], *run.summary["ci95"], len(run.events("bench")), run.seconds))
    finally:
        server.destroy()


class Waves:
    """Cheap statements at a rate that goes up and down while dear ones go on: the plain average of a statement moves by much."""

    def __init__(self, server):
        self.server, self.stop = server, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        rates = [20, 200]
        while not self.stop.is_set():
            rates.reverse()
            subprocess.run([self.server.bin + "/pgbench", "-n", "-h", self.server.host, "-p", self.server.port, "-U", "postgres",
                            "-c", "2", "-T", "7", "-R", str(rates[0]), "-f", self.server.script(POINTS), "postgres"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def restless():
    server = o.server_with(15, "max_parallel_workers_per_gather = 0", "work_mem = 64MB", "jit = off")
    try:
        with o.Load(server, 10, t.SORTS), Waves(server):
            run = o.Observed(server, server.home(), "--accept", "safe", "--duration", "8", "--rounds", "1", "--budget", "8",
                             program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": "!autovacuum_naptime=61s"}).end(900)
        t.check(run.summary["verdict"] != "improved" and run.summary["changes"] == [], o.dump(run))
        t.check(not run.events("abandoned"), "%s" % run.events("abandoned"))
        figures = [e["latency_ms"] for e in run.events("bench") if e["valid"]]
        rates = [e["tps"] for e in run.events("bench") if e["valid"]]
        print("   rates of %.0f to %.0f TPS, %.1f to %.1f ms a statement, noise %.1f %%, %s" %
              (min(rates), max(rates), min(figures), max(figures), 100 * run.events("baseline")[0]["floor"], run.summary["verdict"]))
    finally:
        server.destroy()


def version(number):
    """By pg_stat_statements, then without it: from 14 on by pg_stat_database, before with the statement that would help."""
    server = o.server_with(number)
    try:
        with o.Load(server, 100, POINTS):
            run = o.Observed(server, server.home(), "--accept", "none", "--duration", "2", "--budget", "3").end()
            t.check(run.code in (0, 1) and "by pg_stat_statements" in run.said, o.dump(run))
            runs = run.events("bench")
            t.check(len(runs) >= 4 and all(e["valid"] and 0 < e["latency_ms"] < 20 and 60 < e["tps"] < 130 and e["p95_ms"] > 0
                                           for e in runs), "%s" % runs)
            t.check(not server.sql("SELECT query FROM pg_stat_statements WHERE query LIKE '%pg_stat_get_activity%'"), "ours are counted")
            server.sql("DROP EXTENSION pg_stat_statements")
            run = o.Observed(server, server.home(), "--accept", "none", "--duration", "2", "--budget", "3").end()
            runs = run.events("bench")
            if number >= 14:
                t.check(len(runs) >= 4 and all(e["valid"] and e["latency_ms"] > 0 for e in runs), o.dump(run))
            else:
                t.check(run.code == 2 and not runs and "cannot be measured" in run.said and
                        "CREATE EXTENSION pg_stat_statements;" in run.said, o.dump(run))
        print("   %d: fine" % number, flush=True)
    finally:
        server.destroy()


def versions():
    missing = []
    for number in VERSIONS:
        try:
            version(number)
        except t.Skip as e:
            missing.append(str(e))
    if len(missing) == len(VERSIONS):
        raise t.Skip("; ".join(missing))
    for text in missing:
        print("   left out: " + text)


if __name__ == "__main__":
    t.main({f.__name__: f for f in (improves, restless, versions)})
