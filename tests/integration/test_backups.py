#!/usr/bin/env python3
"""A restart is refused while a base backup runs, also one that no view shows: an exclusive one, up to PostgreSQL 14, and one
that an ordinary session has started and holds open, as pgBackRest and Barman do."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tunetest as t  # noqa: E402


def refused(server, *words):
    start = server.sql("SELECT pg_postmaster_start_time()")
    run = t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "1", "--rounds", "1", "--accept", "safe",
                "--restart", "auto", program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": "shared_buffers=144MB"}).end()
    t.check(run.events("verify"), "nothing was tried, exit %d\n%s" % (run.code, run.said))
    errors = [e["error"] or "none: it was applied" for e in run.events("verify")]
    t.check(all(w in e for e in errors for w in words), "%s\n%s" % (errors, run.said))
    t.check(server.entries() == {}, "%s" % server.entries())
    t.check(server.sql("SELECT pg_postmaster_start_time()") == start, "it was restarted")


def in_a_session(server, statement):
    session = subprocess.Popen([server.bin + "/psql", "-X", "-q", "-h", server.host, "-p", server.port, "-U", "postgres", "-d",
                                "postgres"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        session.stdin.write("SELECT %s;\n" % statement)
        session.stdin.flush()
        t.wait_for("the backup", 20, lambda: server.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE "
                                                        "'%start%' AND pid <> pg_backend_pid()") == "1")
        refused(server, "seems to be running: psql of postgres")
    finally:
        session.stdin.close()
        session.wait()


def through(version, *parts):
    server = t.Server(t.pg_bin(version), conf=t.SMALL + ("wal_level = replica",), rows=10)
    try:
        for part in parts:
            part(server)
    finally:
        server.destroy()


def exclusive(server):
    server.sql("SELECT pg_start_backup('test', true)")
    refused(server, "a base backup is running")
    server.sql("SELECT pg_stop_backup()")


def exclusive_ones():
    through(14, exclusive)


def held_by_a_session():
    through(15, lambda s: in_a_session(s, "pg_catalog.pg_backup_start('test', true)"))


t.main({f.__name__: f for f in (held_by_a_session, exclusive_ones)})
