#!/usr/bin/env python3
"""A whole session against a Patroni cluster of two: recognised, every change left to the DBA, whom the test plays with the REST
API and with nothing but what the program printed. It ends improved; no ALTER SYSTEM, no restart behind Patroni's back, and
replay on the standby never paused. Then a switchover while the program waits: it changes nothing on the wrong node."""
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import patronitest
import tunetest as t

SCRIPT = ("\\set a random(1, 25000)\n"
          "SELECT count(pad) FROM (SELECT k, pad FROM sorted WHERE id BETWEEN :a AND :a + 12000 ORDER BY k) s;\n")
FLAGS = ("--accept", "safe", "--duration", "2", "--rounds", "1", "--budget", "60", "--restart", "manual")
STOCK = {"work_mem": "256kB", "max_parallel_workers_per_gather": "0", "shared_buffers": "16MB"}


class Run(t.Run):
    def __init__(self, cluster, node, home, script):
        node.host, node.work = "127.0.0.1", cluster.work
        super().__init__(node, home, script, *FLAGS)


def new_cluster():
    cluster = patronitest.Cluster(t.pg_bin(15), STOCK)
    leader = cluster.leader()
    leader.sql("CREATE TABLE sorted AS SELECT i AS id, (i * 7919::bigint) % 1000003 AS k, repeat('x', 1000) AS pad "
               "FROM generate_series(1, 40000) i; CREATE INDEX ON sorted (id); ")
    leader.sql("VACUUM ANALYZE sorted")
    script = os.path.join(cluster.work, "sorts.sql")
    with open(script, "w") as f:
        f.write(SCRIPT)
    home = os.path.join(cluster.work, "home")
    os.makedirs(home, mode=0o700)
    return cluster, script, home


class Watch(threading.Thread):
    """Looks at the standby all the time: is its replay paused?"""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.paused, self.looks, self.over = cluster, 0, 0, False

    def run(self):
        while not self.over:
            for node in self.cluster.nodes:
                got = node.try_sql("SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END")
                self.looks += bool(got)
                self.paused += got not in (None, "", "not paused")
            time.sleep(0.5)


def patch(cluster, event):
    """PATCH /config with the body that was printed; then, where it is asked for, the restarts by Patroni itself."""
    body = next(json.loads(line) for line in event["text"].splitlines() if line.startswith("{"))
    leader = cluster.leader()
    status, answer = leader.ask("PATCH", "/config", body)
    t.check(status == 200, "PATCH /config: %s %s" % (status, answer))
    if event["restart"]:
        for node in (cluster.replica(), leader):
            t.wait_for("pending_restart on " + node.name, 60, lambda: node.ask("GET", "/patroni")[1].get("pending_restart"), 0.5)
            status, answer = node.ask("POST", "/restart", {})
            t.check(status == 200, "POST /restart of %s: %s %s" % (node.name, status, answer))
        t.wait_for("the cluster after the restarts", 120, cluster.whole, 0.5)
        return 1
    parameters = body["postgresql"]["parameters"]
    for name, value in parameters.items():
        if value is not None:
            t.wait_for(name + " on the leader", 60, lambda: leader.try_sql("SHOW " + name) == value, 0.3)
    return 0


def session():
    cluster, script, home = new_cluster()
    watch = Watch(cluster)
    try:
        watch.start()
        questions, restarts, run = 0, 0, None
        leader = cluster.leader()
        system = leader.sql("SELECT system_identifier FROM pg_control_system()")
        while questions < 14:
            started = leader.sql("SELECT pg_postmaster_start_time()")
            run = Run(cluster, leader, home, script).end()
            t.check(leader.sql("SELECT pg_postmaster_start_time()") == started, "restarted behind Patroni's back")
            t.check(cluster.entries() == [], "ALTER SYSTEM was sent: %s" % cluster.entries())
            seen = run.events("discovery")[0]
            t.check(seen["way"] == "manual" and seen["platform"] == "Patroni", "not recognised: %s" % seen)
            if run.code != 5:
                break
            event = run.events("manual")[-1]
            t.check(event["form"] == "patroni" and event["what"] == "change", "%s" % event)
            questions += 1
            restarts += patch(cluster, event)
            print("   %d: %s%s" % (questions, event["arm"], ", with a restart" if event["restart"] else ""), flush=True)
        run.expect(0, "ARCHIVED", "improved")
        t.check(leader.sql("SELECT system_identifier FROM pg_control_system()") == system, "another cluster")
        for change in run.summary["changes"]:
            t.check(leader.sql("SHOW " + change["name"]) == change["to"] != change["from"], "%s is not left" % change)
        watch.over = True
        watch.join(10)
        t.check(watch.looks > 10 and watch.paused == 0, "replay was paused %d of %d times" % (watch.paused, watch.looks))
        print("   %d questions, %d with a restart by Patroni; replay looked at %d times, never paused; effect %s" %
              (questions, restarts, watch.looks, run.summary["effect"]), flush=True)
    finally:
        watch.over = True
        cluster.destroy()


def switchover():
    """While it waits the cluster fails over: the next start finds a standby there, says so, and asks nothing of it."""
    cluster, script, home = new_cluster()
    try:
        leader, replica = cluster.leader(), cluster.replica()
        run = Run(cluster, leader, home, script).end()
        t.check(run.code == 5 and run.events("manual"), "exit %d: %s" % (run.code, run.said[-2000:]))
        status, answer = leader.ask("POST", "/switchover", {"leader": leader.name, "candidate": replica.name})
        t.check(status == 200, "switchover: %s %s" % (status, answer))
        t.wait_for("the new leader", 120, lambda: cluster.leader() is replica and cluster.whole(), 0.5)
        again = Run(cluster, leader, home, script).end()
        t.check(again.code not in (0, 5), "it went on upon a standby: exit %d" % again.code)
        t.check(not again.events("manual") and not again.events("bench"), "something was asked of a standby")
        t.check("standby" in again.said, "it does not say why: " + again.said[-2000:])
        t.check(cluster.entries() == [], "ALTER SYSTEM was sent")
    finally:
        cluster.destroy()


if __name__ == "__main__":
    t.main({"session": session, "switchover": switchover})
