#!/usr/bin/env python3
"""A headless session with a workload that no setting can help: it must end without a claim and leave the server as it was."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def sleeping():
    """The same program on scripts of pg_sleep: nothing is claimed, and somebody else's entry stays."""
    server = t.Server(t.pg_bin(15), rows=1000)
    try:
        server.sql("ALTER SYSTEM SET random_page_cost = 3")
        server.sql("SELECT pg_reload_conf()")
        before = server.entries()
        run = t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "1", "--accept", "safe", "--restart",
                    "auto").expect(1, "FAILED")
        t.check(run.summary["verdict"] != "improved", "a claim: %s" % run.summary)
        t.check(run.summary["changes"] == [] and run.summary["exports"] is None, "%s" % run.summary)
        t.check(server.entries() == before, "entries %s, before %s" % (server.entries(), before))
        t.check(server.sql("SHOW work_mem") == "256kB", "work_mem was left changed")
        t.check(server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0", "a restart is pending")
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"sleeping": sleeping})
