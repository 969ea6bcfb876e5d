"""Servers that are at work already: a steady load from outside, and runs of `tune --observe` beside it."""
import json
import os
import subprocess
import tempfile
import time

import tunetest as t

STATEMENTS = ("shared_preload_libraries = 'pg_stat_statements'",)


def server_with(version, *conf, extension=True):
    server = t.Server(t.pg_bin(version), conf=STATEMENTS + conf)
    if extension:
        server.sql("CREATE EXTENSION pg_stat_statements")
    return server


class Load:
    """pgbench at a fixed rate, until the end of the block."""

    def __init__(self, server, rate, script, clients=3, database="postgres"):
        # pgbench of an older server may be the one beside it; any drives any
        bench = os.path.join(server.bin, "pgbench")
        if not os.access(bench, os.X_OK):
            bench = os.path.join(t.pg_bin(15), "pgbench")
        self.log = open(os.path.join(server.work, "load.log"), "w")
        self.process = subprocess.Popen([bench, "-n", "-h", server.host, "-p", server.port, "-U", "postgres", "-c", str(clients),
                                         "-T", "1800", "-R", str(rate), "-f", server.script(script), database],
                                        stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        broken = self.process.poll() is not None
        self.process.kill()
        self.process.wait()
        self.log.close()
        if broken:
            t.fail("the load ended by itself: " + t.read(self.log.name))


class Observed(t.Run):
    """One run of `tune --observe --json`."""

    def __init__(self, server, home, *flags, database="postgres", user="postgres", program=None, env=None):
        self.home = home
        self.args = [program or t.PROGRAM, "tune", "-H", server.host, "-p", server.port, "-U", user, "-d", database,
                     "--observe", "--json"] + list(flags)
        self.json_lines = True
        self.out = tempfile.NamedTemporaryFile(dir=server.work, prefix="out", delete=False)
        self.err = tempfile.NamedTemporaryFile(dir=server.work, prefix="err", delete=False)
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                                        env=dict(os.environ, PG_DIAGNOSE_HOME=home, **(env or {})))


def in_force(server, run, names):
    """While the run lasts: for how many seconds each setting was another one than at first, as seen from outside, by SHOW in a
    session of its own. Setting: list of seconds, in the order of time."""
    shown = "SELECT " + ", ".join("current_setting('%s')" % n for n in names)
    first = server.sql(shown).split("|")
    since, found = {}, {n: [] for n in names}
    while run.process.poll() is None:
        now = server.sql(shown).split("|")
        for name, was, is_now in zip(names, first, now):
            if is_now != was:
                since.setdefault(name, time.monotonic())
            elif name in since:
                found[name].append(time.monotonic() - since.pop(name))
        time.sleep(0.05)
    t.check(not since, "left in force: %s" % since)
    return found


def untouched(run, before, after):
    """No statistics were reset, and none of our statements are among those of the DBA."""
    t.check(before == after, "the statistics were reset: %s, now %s" % (before, after))
    t.check(not [e for e in run.events("bench") if e["checkpoint_s"] is not None], "a CHECKPOINT of ours: %s" % run.events("bench"))


def resets(server):
    return server.sql("SELECT (SELECT stats_reset FROM pg_stat_statements_info), stats_reset FROM pg_stat_database "
                      "WHERE datname = 'postgres'")


def dump(run):
    return "\n".join(json.dumps(e) for e in run.events()) + "\n" + t.read(run.err.name)
