#!/usr/bin/env python3
"""kill -9 at each boundary of a round, each followed by a resume.

kill_boundaries.py [--versions 12,15,18] [--times 3] [--rows NAME,NAME…] [--one-by-one]

The boundaries are those of a switch, of a run and of a checkpoint: the program raises SIGKILL on itself at the ones that it
meets (src/app/kill_at.c), and is killed from here at those of the server and of the restart script. A killed session is
resumed by the next run. That one is stopped when its recovery is over, and everything of the session must then be gone from
the server; each third time it is killed again inside the recovery instead. Sessions measure sleeps, which no setting helps, so
that nothing may remain in the end. Prints a table, boundary by version, with the kills and the slowest way back. The versions
run side by side.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import killed
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "8", "--accept", "safe", "--restart", "auto", "--budget", "6")
RELOAD = "random_page_cost=2.5;cpu_tuple_cost=0.02"
RESTART = "random_page_cost=2.5;shared_buffers=160MB"

# How the moment of the kill is found.
SELF, RENAMED, REPORT = "by itself", "file", "report"


class Row:
    """name: as printed. at: the boundary of kill_at.c, or the state that the restart's report must have. meetings: at which of
    them, in turn. script: the restart script is killed, too. recovers: a recovery meets this boundary as well. down: it is
    met where the server was left down."""

    def __init__(self, name, at, how=SELF, change=RELOAD, meetings=(1,), script=False, recovers=False, down=False):
        self.down = down
        self.name, self.at, self.how, self.change = name, at, how, change
        self.meetings, self.script, self.recovers = meetings, script, recovers


ROWS = [
    Row("bench start", "bench-start"),
    Row("bench end", "bench-end"),
    Row("journal written", "journal", recovers=True, meetings=(1, 2)),
    Row("ALTER sent", "alter", recovers=True, meetings=(1, 2)),
    Row("auto.conf renamed", "alter", how=RENAMED, recovers=True, meetings=(2, 1)),
    Row("reply", "reply", recovers=True, meetings=(1, 2)),
    Row("reload sent", "reload", recovers=True),
    Row("verify", "verify", recovers=True),
    Row("result written", "result", recovers=True, meetings=(1, 2)),
    Row("canary", "canary", change=RESTART),
    Row("stop", "stopping", how=REPORT, change=RESTART, recovers=True),
    Row("start", "starting", how=REPORT, change=RESTART, recovers=True),
    Row("stop and script", "stopping", how=REPORT, change=RESTART, script=True),
    Row("start and script", "starting", how=REPORT, change=RESTART, script=True),
    Row("rescue of the server", "rescue", change=RESTART, down=True),
    Row("save", "save", meetings=(1, 2)),
    Row("saved", "saved", meetings=(2, 1)),
    Row("verdict", "verdict"),
]


HAND_OVER = "hand-over"
LEAVES_DOWN = next(r for r in ROWS if r.name == "stop and script")


def auto_file(path):
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns


class Version:
    """The rows on one version of the server. A session goes on from kill to kill until it ends by itself."""

    def __init__(self, version):
        self.ground = killed.Ground(version)
        self.script = self.ground.server.script(t.SLEEPS)
        self.met = collections.Counter()       # kills, by row
        self.slowest = collections.Counter()   # seconds of the way back, by row
        self.down = False                      # the server waits for the next run to be started
        self.verified = 0                      # recoveries that were looked at
        self.half = False                      # the last kill left a switch half done

    def start(self, row, meeting, in_recovery):
        steps = [] if in_recovery else ["settled=stop"]  # meetings are counted from there on
        if row.how != REPORT:
            steps.append("%s:%d%s" % (row.at, meeting, "=stop" if row.how == RENAMED else ""))
        env = {"PGD_TEST_FORCE_CHANGE": row.change, "PGD_TEST_KILL_AT": ",".join(steps), "TMPDIR": self.ground.server.dir}
        ground = self.ground
        return t.Run(ground.server, ground.home, self.script, *FLAGS, program=t.TEST_PROGRAM, env=env)

    def until_stopped(self, run, timeout=60):
        """True when it is stopped, False when it has ended or was killed."""
        t.wait_for("the program to stop", timeout, step=0.01, probe=lambda: run.process.poll() is not None or
                   killed.state_of(run.process.pid) in "Tt")
        return run.process.returncode is None

    def settled(self, run, since):
        """The recovery is over: nothing of ours is left."""
        self.slowest_now = time.monotonic() - since
        self.ground.undone("after the recovery")
        t.check(not self.ground.server.pgbenches(), "a pgbench runs")
        t.wait_for("the end of a canary", 20, lambda: not self.canaries())
        self.verified += 1

    def canaries(self):
        """Scratch clusters that somebody has left behind; a canary whose program is killed cleans up by itself."""
        return [name for name in os.listdir(self.ground.server.dir) if name.startswith("pgd-canary")]

    def end_of(self, run, watch):
        """Lets it go on until it is dead, by its own hand or, where watch() says so, by ours."""
        until = time.monotonic() + 120 * t.SCALE
        while run.process.poll() is None:
            t.check(time.monotonic() < until, "the boundary is never met, and the program does not end")
            if watch and watch():
                killed.kill(run)
                return
            time.sleep(0.002)

    def moment(self, row, run, in_recovery):
        """What to watch for the boundaries outside the program; None for its own."""
        ground = self.ground
        auto = os.path.join(ground.server.data, "postgresql.auto.conf")
        if row.how == REPORT:
            old = ground.report().get("id")

            def seen():
                now = ground.report()
                return now.get("state") == row.at and now.get("id") != old
            return seen
        if row.how == RENAMED:  # the number of a file that is gone may come again: its time does not
            old = self.file_before if in_recovery else auto_file(auto)
            return lambda: killed.state_of(run.process.pid) in "Tt" and auto_file(auto) != old
        return None

    def kill_once(self, row, time_no):
        """One kill at the row's boundary. False when the session ended before it was met."""
        ground = self.ground
        path = ground.open_session()
        before = ground.sessions()[path] if path else None
        if row.down and ground.server.try_sql("SELECT 1"):
            return self.kill_once(LEAVES_DOWN, time_no) and self.kill_once(row, time_no)
        in_recovery = row.down or (row.recovers and time_no % 3 == 1 and self.half)
        meeting = 1 if in_recovery else row.meetings[time_no % len(row.meetings)]
        since = time.monotonic()
        self.file_before = auto_file(os.path.join(ground.server.data, "postgresql.auto.conf"))
        run = self.start(row, meeting, in_recovery)
        if self.down and not row.down:
            try:
                took = ground.wait_up(since)
            except t.Failure as why:
                t.fail("%s\n%s" % (why, t.read(run.err.name)))
            self.slowest[self.down] = max(self.slowest[self.down], took)
            self.down = None
        if not in_recovery:
            t.check(self.until_stopped(run), "no recovery: exit %s\n%s" % (run.process.returncode, t.read(run.err.name)))
            self.settled(run, since)
        watch = self.moment(row, run, in_recovery)
        if not in_recovery:
            os.kill(run.process.pid, signal.SIGCONT)
        self.end_of(run, watch)
        if not killed.was_killed(run):
            ground.ended(run.end(), claims=False)
            return False
        if row.script:
            self.kill_script(row)
        took = ground.after_kill(comes_up=not row.script)
        if row.script:
            self.down = row.name
        self.met[row.name] += 1
        ground.counts["kills inside a recovery"] += in_recovery
        self.slowest[row.name] = max(self.slowest[row.name], took)
        now = ground.open_session()
        t.check(now is not None, "the session is gone")
        self.down = None if row.down else self.down
        t.check(not path or now == path, "the session %s was not resumed, but %s" % (path, now))
        if before:
            later = ground.checkpoints(path, before, run)
            if row.at == "saved" and meeting == 2 and before["baseline_tps"] is not None:
                t.check(later["rounds_done"] == before["rounds_done"] + 1, "the saved round is not there")
        self.half = t.Ledger(ground.journal(now)).open is not None
        return True

    def kill_script(self, row):
        pid = self.ground.script_pid()
        t.check(pid > 0, "there is no restart script to kill")
        if row.at == "stopping":  # it says so before it does so
            t.wait_for("the stop to be under way", 10, lambda: killed.children(pid, "pg_ctl"))
        os.kill(pid, signal.SIGKILL)
        if row.at == "stopping":  # it was under way, and nobody is left who would start it again
            t.wait_for("the end of the server", 60, lambda: not os.path.exists(
                os.path.join(self.ground.server.data, "postmaster.pid")))

    def row(self, row, times):
        for time_no in range(times):
            for _ in range(4):
                if self.kill_once(row, time_no):
                    break
            else:
                t.fail("%s is never met" % row.name)
        print("   PostgreSQL %d: %-22s %d kills, back within %.1f s" %
              (self.ground.version, row.name, self.met[row.name], self.slowest[row.name]), flush=True)

    def hand_over(self):
        """Kills on the way of a hand-over; tests/integration/test_handover.py looks at what each leaves, and finishes it."""
        env = dict(os.environ, PGD_SOAK="1", PGD_TEST_VERSION=str(self.ground.version))
        done = subprocess.run([os.path.join(t.SOURCE, "tests/integration/test_handover.py")], env=env, capture_output=True,
                              text=True)
        t.check(done.returncode == 0, "the hand-over: " + done.stdout[-3000:])
        self.met[HAND_OVER] += int(re.search(r"kills: (\d+)", done.stdout).group(1))

    def last(self):
        """The last kill's resume goes to its end."""
        ground = self.ground
        if ground.open_session():
            run = t.Run(ground.server, ground.home, self.script, *FLAGS, program=t.PROGRAM)
            ground.ended(run.end(), claims=False)
        temporary = [os.path.join(p, f) for p, _, files in os.walk(ground.home) for f in files if f.endswith(".tmp")]
        t.check(not temporary, "temporary files are left: %s" % temporary)


def table(rows, done):
    print("%-24s" % "boundary" + "".join("%18s" % ("PostgreSQL %d" % v.ground.version) for v in done))
    for row in rows:
        print("%-24s" % row.name + "".join("%10d %5.1f s " % (v.met[row.name], v.slowest[row.name]) for v in done))
    print("%-24s" % HAND_OVER + "".join("%10d         " % v.met[HAND_OVER] for v in done))


def one_version(number, wanted, times, hand_over):
    version = Version(number)
    try:
        for row in wanted:
            version.row(row, times)
        version.last()
        if hand_over:
            version.hand_over()
        return version
    except Exception:
        print("FAILED; the program's home is kept in %s" % version.ground.keep("pgd-kill-boundaries-%d" % number), flush=True)
        raise
    finally:
        version.ground.destroy()


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--versions", default="12,15,18")
    ask.add_argument("--times", type=int, default=3)
    ask.add_argument("--rows", default="")
    ask.add_argument("--one-by-one", action="store_true")
    given = ask.parse_args()
    wanted = [r for r in ROWS if not given.rows or r.name in given.rows.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    numbers = [int(n) for n in given.versions.split(",")]
    with concurrent.futures.ThreadPoolExecutor(1 if given.one_by_one else len(numbers)) as pool:
        done = list(pool.map(lambda n: one_version(n, wanted, given.times, not given.rows or HAND_OVER in given.rows), numbers))
    table(wanted, done)
    total = collections.Counter()
    for version in done:
        total.update(version.ground.counts)
        total["recoveries that left nothing behind"] += version.verified
    print("counts: " + ", ".join("%d %s" % (n, what) for what, n in sorted(total.items())))
    print("ok: %d kills in %.0f s, the server up at most %.1f s after one" %
          (sum(sum(v.met.values()) for v in done), time.monotonic() - started, max(v.ground.slowest for v in done)))


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
