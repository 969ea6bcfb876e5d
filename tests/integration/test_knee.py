#!/usr/bin/env python3
"""--knee on a real server: a workload of which four can go on at once is swept beyond that, and the figures stand in the report's
event. Nothing improved, so the comparison that was asked for is left out aloud."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

WORK = "\\set lane random(1, 4)\nBEGIN;\nSELECT pg_advisory_xact_lock(:lane);\nSELECT pg_sleep(0.005);\nCOMMIT;\n"


def sweep():
    server = t.Server(t.pg_bin(15), rows=100)
    try:
        server.sql("ALTER SYSTEM SET work_mem = '8MB'")
        server.sql("SELECT pg_reload_conf()")
        before = server.entries()
        run = t.Run(server, server.home(), server.script(WORK), "--duration", "1", "--rounds", "1", "--budget", "3", "--accept",
                    "safe", "--restart", "never", "--compare", "--knee").expect(1, "FAILED")
        compared = run.events("comparison")
        t.check(len(compared) == 1 and compared[0]["arms"] == [] and compared[0]["skipped"], "%s" % compared)
        knee = run.events("knee")
        t.check(len(knee) == 1, "%s" % knee)
        points = {p["clients"]: p for p in knee[0]["points"]}
        t.check(list(points)[:3] == [1, 2, 4], "%s" % points)
        t.check(points[2]["tps"] > 1.2 * points[1]["tps"] and points[1]["p99_ms"] > 5, "%s" % points)
        t.check(max(p["tps"] for p in points.values()) < 4 / 0.005, "%s" % points)
        t.check(knee[0]["peak_clients"] in points and knee[0]["knee_clients"] >= 2 and knee[0]["proposal"], "%s" % knee)
        t.check(knee[0]["open"] or knee[0]["pool"] == knee[0]["knee_clients"], "%s" % knee)
        t.check(server.entries() == before, "entries %s, before %s" % (server.entries(), before))
        print(knee[0]["proposal"])
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"sweep": sweep})
