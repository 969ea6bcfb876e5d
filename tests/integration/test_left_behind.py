#!/usr/bin/env python3
"""Files of an interrupted restart in the data directory, whose home is lost: they are kept in the workspace, told and removed;
young ones, which somebody may be using, are left alone."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tunetest as t  # noqa: E402

SECRETS = "primary_conninfo = 'user=r password=''se \\\\''cret'' host=h'\nrestore_command = 'get postgres://me:se:cret@there/db %p'\n"
LEFT = {"auto.conf.before": "work_mem = '3MB'\n" + SECRETS, "report": "id=7.1.0\nstate=restored\nnote=it\n", "opts": "x\n", "mark": ""}


def leave(server, age_s):
    for name, text in LEFT.items():
        path = os.path.join(server.data, "pg_diagnose." + name)
        with open(path, "w") as f:
            f.write(text)
        os.utime(path, (time.time() - age_s,) * 2)
        if os.geteuid() == 0:
            subprocess.run(["chown", server.osuser, path], check=True)


def here(server):
    return sorted(n for n in os.listdir(server.data) if n.startswith("pg_diagnose."))


def look(server, home):
    """A session that finds no workload: it opens the workspace and ends."""
    return t.Run(server, home, os.path.join(server.work, "missing.sql")).end()


def left_behind():
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        leave(server, 60)
        run = look(server, server.home())
        t.check(len(here(server)) == 4, "young files were removed: %s" % here(server))
        t.check("younger than 15 minutes" in run.said, run.said)
        leave(server, 3600)
        home = server.home()
        run = look(server, home)
        t.check(here(server) == [], "still there: %s" % here(server))
        t.check("differs from what stands there now" in run.said, run.said)
        kept = [os.path.join(d, f) for d, _, files in os.walk(home) for f in files if f.startswith("found-")]
        t.check(len(kept) == 1 and kept[0] in run.said, "%s: %s" % (kept, run.said))
        text = t.read(kept[0])
        t.check("work_mem = '3MB'" in text and "state=restored" in text, text)
        t.check("user=r password=***" in text and "postgres://me:***@there/db" in text and "cret" not in text, text)
        t.check(os.stat(kept[0]).st_mode & 0o777 == 0o600, "mode")
        t.check("found in the data directory" not in look(server, home).said, "found again")
    finally:
        server.destroy()


def cannot_be_stopped():
    """A stop command that fails at once, with a server that goes on: refused, not waited for; and a stale lock is no hindrance."""
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        folder = os.path.join(server.work, "bin")
        os.mkdir(folder, 0o755)
        with open(os.path.join(folder, "pg_ctl"), "w") as f:
            f.write("#!/bin/sh\nexit 1\n")
        os.chmod(f.name, 0o755)
        lock = os.path.join(server.data, "pg_diagnose.lock")
        subprocess.run([t.PG, "as", "mkdir", lock], check=True)
        script = t.read(os.path.join(t.SOURCE, "assets/restart/restart.sh"))
        subprocess.run([t.PG, "as", "sh", "-c", script, "pg_diagnose-restart", "restart", "data=" + server.data, "bin=" + folder,
                        "id=1", "wait=5"], timeout=20 * t.SCALE, stdin=subprocess.DEVNULL)
        report = t.read(os.path.join(server.data, "pg_diagnose.report"))
        t.check("state=refused" in report and "the server does not stop" in report, report)
        t.check(server.sql("SELECT 1") == "1", "it is gone")
        t.check(not [n for n in os.listdir(server.data) if n.startswith("pg_diagnose.lock")], "the lock is left")
    finally:
        server.destroy()


def environment(server):
    """PATH and HOME of the postmaster, of which an archive_command lives."""
    pid = t.read(os.path.join(server.data, "postmaster.pid")).split()[0]
    with open("/proc/%s/environ" % pid) as f:
        return pid, sorted(v for v in f.read().split("\0") if v.startswith(("PATH=", "HOME=")))


def same_environment():
    """A restart by pg_ctl begins the server with the PATH and HOME that it had, not with ours."""
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        old, before = environment(server)
        script = t.read(os.path.join(t.SOURCE, "assets/restart/restart.sh"))
        subprocess.run([t.PG, "as", "env", "HOME=/", "PATH=/usr/bin:/bin", "sh", "-c", script, "pg_diagnose-restart", "restart",
                        "data=" + server.data, "bin=" + server.bin, "id=1", "wait=30"], timeout=60, stdin=subprocess.DEVNULL)
        new, after = environment(server)
        t.check(new != old and len(before) == 2 and after == before, "%s: %s, %s: %s" % (old, before, new, after))
    finally:
        server.destroy()


t.main({f.__name__: f for f in (left_behind, same_environment, cannot_be_stopped)})
