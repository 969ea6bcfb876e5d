#!/usr/bin/env python3
"""A session works on the server that it began with, and alone: a standby is refused, so is the other node of a host list after
a failover, and so is a second program while one tunes."""
import os
import subprocess
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


class Standby:
    """A streaming standby of a test server, on a port of its own in the same socket folder."""

    def __init__(self, primary):
        self.primary, self.host, self.work = primary, primary.host, primary.work
        self.data = os.path.join(primary.dir, "standby")
        self.port = str(int(primary.port) + 1)
        self.run("pg_basebackup", "-h", primary.host, "-p", primary.port, "-U", "postgres", "-D", self.data, "-R", "-c", "fast")
        self.up()
        t.wait_for("the standby to follow", 30, lambda: self.sql("SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() "
                                                                 "IS NOT NULL") == "t")

    def run(self, program, *args):
        done = subprocess.run([t.PG, "as", os.path.join(self.primary.bin, program)] + list(args), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        t.check(done.returncode == 0, "%s: %s" % (program, done.stderr))

    def up(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.primary.dir, "standby.log"), "-o",
                 "-p " + self.port, "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def promote(self):
        self.run("pg_ctl", "-D", self.data, "-w", "promote")

    def sql(self, text):
        out = subprocess.run([os.path.join(t.pg_bin(15), "psql"), "-XqAt", "-h", self.host, "-p", self.port, "-U",
                              "postgres", "-c", text, "postgres"], capture_output=True, text=True)
        return out.stdout.strip()

    def entries(self):
        return t.Server.entries(self)


def either(first, second):
    return types.SimpleNamespace(host=first.host + "," + second.host, port=first.port + "," + second.port, work=first.work)


def stderr_of(run):
    return t.read(run.err.name, "")


def one_server():
    a = t.Server(t.pg_bin(15), rows=25000)
    b = None
    try:
        a.sql("CREATE DATABASE other")
        b = Standby(a)
        clean_a, clean_b = a.entries(), b.entries()

        # A standby has the same system identifier and takes ALTER SYSTEM: it is refused before anything is measured.
        run = t.Run(b, a.home(), a.script(t.SORTS), "--duration", "1", "--accept", "safe").end(30)
        t.check(run.code == 2 and "standby" in run.said, "exit %d: %s" % (run.code, run.said))
        t.check(not run.events("bench") and b.entries() == clean_b, "something was done to the standby")
        standby_space = run.summary["workspace"]

        # The primary of a host list goes away before anything was changed, and the standby takes over.
        first = t.Run(either(a, b), a.home(), a.script(t.SORTS), "--duration", "1", "--accept", "safe")
        first.until("the baseline", lambda: first.events("bench"))

        # Meanwhile somebody else, with another home and in another database.
        pid = a.sql("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 1634168431")
        t.check(pid, "the session holds no lock")
        second = t.Run(a, a.home(), a.script(t.SORTS), "-d", "other", "--duration", "1", "--accept", "safe").end(30)
        refused = second.events("error")[0]
        t.check(second.code == 1 and "another pg_diagnose tunes this server: backend " + pid in refused["message"],
                "exit %d: %s" % (second.code, refused))
        t.check("pg_diagnose of role postgres in database postgres" in refused["detail"], "%s" % refused)
        t.check("another pg_diagnose tunes" in second.said.split(refused["message"])[0], "not told before: " + second.said)

        b.promote()
        subprocess.run([t.PG, "stop", a.dir, "immediate"], check=True)
        first.end(60)
        t.check("the timeline was 1 and is 2" in first.said, "exit %d: %s" % (first.code, first.said))
        t.check(first.code == 2 and first.summary["state"] == "PAUSED", "exit %d: %s" % (first.code, first.summary))
        t.check(b.entries() == clean_b, "the other node has %s" % b.entries())
        t.check(first.summary["workspace"] != standby_space, "two ports, one workspace: %s" % standby_space)
        subprocess.run([t.PG, "up", a.dir], check=True)
        t.check(a.entries() == clean_a, "the first node has %s" % a.entries())

        # The same with a change in force: it cannot be undone from here, so the DBA gets the statements.
        last = t.Run(either(b, a), a.home(), a.script(t.SORTS), "--duration", "1", "--accept", "safe")
        last.until("a change", lambda: last.events("apply"))
        b.stop()
        last.end(60)
        t.check(last.code == 5 and "the timeline was 2 and is 1" in last.said, "exit %d: %s" % (last.code, last.said))
        t.check("ALTER SYSTEM RESET" in last.said and b.port in last.said, "no statements: " + last.said)
        t.check(a.entries() == clean_a, "the node that answers now has %s" % a.entries())
        b.up()
        t.check(set(b.entries()) - set(clean_b), "nothing was in force: the test has come too early")
        t.check(b.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0", "the lock is still there")
    finally:
        if b:
            subprocess.run([t.PG, "as", os.path.join(a.bin, "pg_ctl"), "-D", b.data, "-m", "immediate", "stop"],
                           capture_output=True)
        a.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (one_server,)})
