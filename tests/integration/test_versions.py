#!/usr/bin/env python3
"""Some of the pairs of version and role that tests/soak/versions.py goes through: the oldest and a newer version as an
ordinary role, the newest as a member of pg_monitor."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t
import versiontest as v


def with_server(version, *checks):
    server = v.start(version)
    try:
        for check, role in checks:
            check(server, role)
    finally:
        server.destroy()


def oldest():
    with_server(12, (v.looked_at, "ordinary"), (v.on_the_screen, "pg_monitor"))


def ordinary():
    with_server(17, (v.may_not, "ordinary"), (v.on_the_screen, "ordinary"))


def newest():
    with_server(18, (v.looked_at, "pg_monitor"), (v.on_the_screen, "superuser"))


if __name__ == "__main__":
    t.main({f.__name__: f for f in (oldest, ordinary, newest)})
