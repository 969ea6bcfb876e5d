#!/usr/bin/env python3
"""A whole headless session against PostgreSQL 18: improved, kept, read back."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def improved(version=18):
    server = t.Server(t.pg_bin(version))
    try:
        run = t.improved(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept",
                         "safe", "--restart", "auto")
        t.check(run.events("discovery")[0]["version_num"] // 10000 == version, "another server answered")
        for change in run.summary["changes"]:
            t.check(server.sql("SHOW " + change["name"]) == change["to"], "%s was not left" % change)
        t.check("work_mem" in server.entries(), "nothing was left on the server")
        t.check(not t.Ledger(run.journal()).explain(server.entries(), {}), "settings that nobody accounts for")
        t.check(not run.events("error"), "errors: %s" % run.events("error"))
    finally:
        server.destroy()


if __name__ == "__main__":
    # another major version may be named, for the long tests
    if len(sys.argv) == 3 and sys.argv[1] == "version":
        major = int(sys.argv[2])
        sys.argv = sys.argv[:1]
        t.main({"improved_%d" % major: lambda: improved(major)})
    else:
        t.main({"improved": improved})
