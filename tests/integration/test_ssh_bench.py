#!/usr/bin/env python3
"""pgbench on another machine, over a real sshd of a second host: where it runs and why, and that nothing of it is left there.

asked     --bench-host: its figures; the password is in no list of processes and no file name; after kill -9 of the program in
          the middle of a run nothing is left within two seconds
slow      the way to the server is slow, the ssh host's is not: it runs there, with the address that is true there; the link is
          cut in the middle of a run: pgbench dies, the run is void and repeated
missing   there is no pgbench on this machine
refused   a --bench-host without pgbench, or that cannot reach the server: said, and nothing is run here instead
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import sshtest
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "none")
WORD = "hunter:two\\ 'x'"
second = None


class Way:
    """How the program is to reach the server."""

    def __init__(self, host, port):
        self.host, self.port, self.work = host, str(port), second.work


def bench_flags(relay=None, user="dba"):
    flags = second.ssh_flags(user, relay=relay)
    return ["--bench-host", "%s:%s" % (flags[1], flags[3]), "--ssh-user", user, "--ssh-key", flags[-1]]


def begin(flags, *more, server=None, program=None, script=t.STEADY, **env):
    run = t.Run(server or second, second.home(), second.script(script), *flags, *FLAGS, *more, program=program, env=second.env(**env))
    return run


def stop(run):
    run.process.terminate()
    return run.end(30)


def plan_of(run):
    return run.until("the plan", lambda: run.events("strategy"), 30)[0]


def valid(run, n=1):
    """The first n runs that count."""
    return run.until("%d runs" % n, lambda: [e for e in run.events("bench") if e["valid"]][n - 1:] and run.events("bench")[:n], 60)


def pgbench():
    """Those of runs: not the one that a statement was timed with."""
    return [p for p in second.processes("/pgbench") if " -T " in p[1]]


def folders():
    return [n for n in os.listdir(os.path.join(second.disk, "tmp")) if n.startswith("pg_diagnose.")]


def nothing_left(within=2):
    t.wait_for("the end of pgbench there", within, lambda: not pgbench() and not folders())


def asked():
    second.sql("CREATE ROLE careful LOGIN PASSWORD '%s' IN ROLE pg_monitor" % WORD.replace("'", "''"))
    hba = os.path.join(second.data, "pg_hba.conf")
    lines = t.read(hba)
    with open(hba, "w") as f:
        f.write("host all careful all scram-sha-256\n" + lines)
    second.sql("SELECT pg_reload_conf()")
    try:
        run = begin(bench_flags(), "-U", "careful", PGPASSWORD=WORD)
        t.wait_for("pgbench there", 30, pgbench)
        seen = []
        for pid in second.pids():
            seen += [t.read("/proc/%d/cmdline" % pid, "")]
        pid, line = [p for p in pgbench() if p[1].startswith("/")][0]
        own = t.read("/proc/%d/environ" % pid, "").split("\0")
        folder = os.path.join(second.disk, "tmp", folders()[0])
        mode = os.stat(folder).st_mode & 0o777, os.stat(os.path.join(folder, "pgpass")).st_mode & 0o777
        names = os.listdir(folder)
        runs = valid(run)
        t.wait_for("the next run", 20, pgbench)
        run.process.kill()
        run.process.wait()
        at = time.monotonic()
        nothing_left()
        gone = time.monotonic() - at
    finally:
        with open(hba, "w") as f:
            f.write(lines)
        second.sql("SELECT pg_reload_conf()")
        second.sql("DROP ROLE careful")
    t.check(mode == (0o700, 0o600), "folder and password file: %o, %o" % mode)
    secret = "hunter"
    t.check(not any(secret in text for text in seen + names + own), "the password: %s %s %s" % (line, names, own))
    t.check(any(v.startswith("PGPASSFILE=/tmp/pg_diagnose.") for v in own), "%s" % own)
    plan = plan_of(run)
    t.check(plan["bench_at"] == second.address and "--bench-host" in plan["bench_why"], "%s" % plan)
    t.check(all(r["tps"] > 10 and r["p95_ms"] > r["latency_ms"] * 0.8 for r in runs), "%s" % runs)
    said = t.read(run.err.name)
    t.check("pgbench runs on %s: --bench-host" % second.address in said, said)
    logs = [n for d, _, files in os.walk(run.home) for n in files if n.startswith("run.")]
    t.check(not logs, "left here: %s" % logs)
    print("   gone %.2f s after kill -9" % gone)


def slow():
    way = second.relay(second.port)
    way.delay(15)
    relay = second.relay()
    run = begin(second.ssh_flags("dba", relay=relay), "--duration", "2", server=Way("127.0.0.1", way.port))
    plan = plan_of(run)
    t.check(plan["bench_at"] == "127.0.0.1" and "ms from here and" in plan["bench_why"], "%s" % plan)
    t.wait_for("pgbench there", 30, pgbench)
    time.sleep(0.5)
    relay.cut()
    at = time.monotonic()
    nothing_left()
    gone = time.monotonic() - at
    relay.resume()
    shown = valid(run)[0]
    stop(run)
    t.check("is void and repeated" in run.said, run.said)
    t.check(shown["latency_ms"] < 25 and shown["p95_ms"] > 0, "a round trip of 30 ms is in %s" % shown)
    nothing_left()
    print("   pgbench was gone %.2f s after the cut; %s" % (gone, plan["bench_why"]))


def missing():
    program = os.path.join(second.work, "without.sh")
    with open(program, "w") as f:
        f.write("#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none /usr/lib/postgresql && exec \"$0\" \"$@\"' \"%s\" \"$@\"\n" % t.PROGRAM)
    os.chmod(program, 0o755)
    run = begin(second.ssh_flags("dba"), program=program)
    plan = plan_of(run)
    t.check(plan["bench_at"] == second.address and plan["bench_why"] == "there is no pgbench here", "%s" % plan)
    stop(run)
    nothing_left()


def refused():
    """It was asked for: nothing is run anywhere else."""
    second.exec("sh", "-c", "mkdir -p /srv/away && mount --bind /srv/away /usr/lib/postgresql")
    try:
        run = begin(bench_flags()).end(60)
    finally:
        second.exec("umount", "/usr/lib/postgresql")
    t.check(run.code == 1 and "pgbench cannot run on %s" % second.address in run.said, run.said)
    t.check("There is no pgbench on that machine" in run.said and not run.events("bench"), run.said)
    hba = os.path.join(second.data, "pg_hba.conf")
    lines = t.read(hba)
    with open(hba, "w") as f:  # the second host may not come to the server by its own address
        f.write("host all all %s/32 reject\n" % second.address + lines)
    second.sql("SELECT pg_reload_conf()")
    try:
        run = begin(bench_flags()).end(60)
    finally:
        with open(hba, "w") as f:
            f.write(lines)
        second.sql("SELECT pg_reload_conf()")
    t.check(run.code == 1 and "pg_hba.conf rejects" in run.said and not run.events("bench"), run.said)
    nothing_left()


def main():
    global second
    try:
        second = sshtest.SecondHost()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (asked, slow, missing, refused)})
    finally:
        second.destroy()


if __name__ == "__main__":
    main()
