#!/usr/bin/env python3
"""A whole headless session against PostgreSQL 18, without restarts and with a target that is out of reach: what improved is
kept and read back all the same."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def never_and_out_of_reach():
    """No restart is made; the goal is missed, so exit 1; what improved is kept all the same."""
    server = t.Server(t.pg_bin(18))
    try:
        started = server.sql("SELECT pg_postmaster_start_time()")
        run = t.improved(server, server.home(), server.script(t.STEADY), "--duration", "1", "--rounds", "1", "--accept",
                         "safe", "--restart", "never", "--target-tps", "10000000", code=1,
                         **t.forced(t.STEADY_CHANGE + ";shared_buffers=160MB"))
        t.check(run.events("discovery")[0]["version_num"] // 10000 == 18, "another server answered")
        t.check(run.summary["target_tps"] == 10000000, "the target is %s" % run.summary["target_tps"])
        t.check(server.sql("SELECT pg_postmaster_start_time()") == started, "the server was restarted")
        refused = {e["name"]: e["refused"] for e in run.events("guard")}
        t.check(refused == {"work_mem": None, "shared_buffers": "needs a restart that is not possible"}, "guard: %s" % refused)
        t.check(not any(e["restarted"] for e in run.events("apply")), "%s" % run.events("apply"))
        t.archived(server, run)
        t.check(not t.Ledger(run.journal()).explain(server.entries(), {}), "settings that nobody accounts for")
        t.check(not run.events("error"), "errors: %s" % run.events("error"))
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"never_and_out_of_reach": never_and_out_of_reach})
