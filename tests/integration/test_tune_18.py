#!/usr/bin/env python3
"""A whole headless session against PostgreSQL 18: improved, kept, read back."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def improved():
    server = t.Server(t.pg_bin(18))
    try:
        run = t.improved(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept",
                         "safe", "--restart", "auto")
        t.check(run.events("discovery")[0]["version_num"] // 10000 == 18, "another server answered")
        for change in run.summary["changes"]:
            t.check(server.sql("SHOW " + change["name"]) == change["to"], "%s was not left" % change)
        t.check("work_mem" in server.entries(), "nothing was left on the server")
        t.check(not t.Ledger(run.journal()).explain(server.entries(), {}), "settings that nobody accounts for")
        t.check(not run.events("error"), "errors: %s" % run.events("error"))
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"improved": improved})
