#!/usr/bin/env python3
"""PostgreSQL 12 to 18, each as superuser, as a member of pg_monitor and as an ordinary role: discovery, telemetry, a whole
session as far as the role may go, the full screen, and a server's log without an error of ours.

versions.py [VERSION…]: those that cannot be had here are named as skipped."""
import os
import sys
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t
import versiontest as v


def main():
    failed, skipped = [], []
    for version in map(int, sys.argv[1:] or range(12, 19)):
        try:
            server = v.start(version)
        except t.Skip as why:
            skipped.append("%d: %s" % (version, why))
            continue
        try:
            for role in v.ROLES:
                try:
                    print(v.one(server, role), flush=True)
                except t.Failure:
                    failed.append("%d as %s" % (version, role))
                    print("FAILED %s" % failed[-1])
                    traceback.print_exc(file=sys.stdout)
                    sys.stdout.flush()
        finally:
            server.destroy()
    for why in skipped:
        print("skipped %s" % why)
    print("failed: %s" % ", ".join(failed) if failed else "versions: all as expected")
    sys.exit(1 if failed else 0)


main()
