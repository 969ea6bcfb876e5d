#!/usr/bin/env python3
"""--compare and --knee: after the confirmation start, best, PostgreSQL's defaults and pgtune are measured in turn, and the server
ends with the best; then clients are swept until throughput falls. What does not fit into the budget is said."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

# Faster with a setting that the start has otherwise; and not more than four at once, so that there is a knee.
SETUP = ("CREATE FUNCTION taken(ms_before float, ms_after float) RETURNS text LANGUAGE sql AS $$ SELECT pg_sleep((CASE "
         "current_setting('seq_page_cost') WHEN '3' THEN ms_after ELSE ms_before END) / 1000)::text $$")
WORK = "\\set lane random(1, 4)\nBEGIN;\nSELECT pg_advisory_xact_lock(:lane);\nSELECT taken(8, 4);\nCOMMIT;\n"
CHANGE = "seq_page_cost=3"


def both():
    server = t.Server(t.pg_bin(15), conf=t.SMALL + ("max_connections = 40",), rows=1000)
    try:
        server.sql(SETUP)
        run = t.Run(server, server.home(), server.script(WORK), "--duration", "1", "--rounds", "1", "--budget", "4", "--accept",
                    "safe", "--restart", "never", "--compare", "--knee", program=t.TEST_PROGRAM,
                    env={"PGD_TEST_FORCE_CHANGE": CHANGE, "PGD_TEST_ONLY_FORCED": "1"})
        run.expect(0, "ARCHIVED")
        lines = run.events("comparison")
        t.check(len(lines) == 1, "%s" % lines)
        arms = {a["arm"]: a for a in lines[0]["arms"]}
        t.check(list(arms) == ["start", "best", "defaults", "pgtune"], "%s" % lines)
        t.check(all(a["runs"] >= 2 and a["tps"] > 0 for a in arms.values()), "%s" % arms)
        t.check(arms["best"]["effect"] > 1.2 and arms["best"]["ci95"][0] > 1, "%s" % arms["best"])
        t.check(arms["defaults"]["effect"] < 1.15 and arms["pgtune"]["effect"] < 1.15, "%s" % arms)
        t.check("a restart" in arms["pgtune"]["left_out"], "%s" % arms["pgtune"])
        t.check(server.entries().get("seq_page_cost") == "3", "the best is not in force: %s" % server.entries())
        t.check(set(server.entries()) <= {c["name"] for c in run.summary["changes"]}, "%s" % server.entries())
        knee = run.events("knee")
        t.check(len(knee) == 1 and [p["clients"] for p in knee[0]["points"]][:3] == [1, 2, 4], "%s" % knee)
        t.check(knee[0]["points"][1]["tps"] > 1.2 * knee[0]["points"][0]["tps"], "%s" % knee)
        t.check(knee[0]["proposal"], "%s" % knee)
        report = t.read(run.summary["exports"]["report"])
        for heading in ("### Compared with", "### How many clients", "### By statement"):
            t.check(heading in report, "%s is not in the report" % heading)
        print(knee[0]["proposal"])
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"both": both})
