#!/usr/bin/env python3
"""Random kill -9 of headless runs, each followed by a resume, which may be killed again or go to its end.

kill_resume.py [COUNT [SEED [VERSION]]]: COUNT kills (40 if not given) on PostgreSQL VERSION (15); SEED - takes any. After
each: the server is up within 30 s, no pgbench and no session of ours is left, the journal parses and accounts for every line
of postgresql.auto.conf, no checkpoint is lost. The sessions take turns: sorts that a setting helps (they end ARCHIVED),
sleeps that none helps (they end FAILED, and then everything is as before); each with and without a change that needs a
restart, so that kills fall into stop and start. Up to ten kills fall into sessions whose change is the test's own.
"""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import killed
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "safe", "--restart", "auto", "--budget", "6")
KINDS = [("sorts", t.SORTS, "shared_buffers=160MB"), ("sleeps", t.SLEEPS, "shared_buffers=160MB"),
         ("sleeps", t.SLEEPS, "random_page_cost=2.5"), ("sorts", t.SORTS, None)]
# For a few kills: sessions that take long only where they are killed.
SHORT = [("steady", t.STEADY, t.STEADY_CHANGE + ";shared_buffers=160MB"), ("sleeps", t.SLEEPS, "random_page_cost=2.5")]
FEW = 10
KILLS_A_SESSION = 6  # then it is let go to its end


class Soak(killed.Ground):
    def __init__(self, kills, seed, version):
        super().__init__(version)
        self.random = random.Random(seed)
        self.kills_left = kills
        self.kinds = KINDS if kills > FEW else SHORT
        self.length = 30.0  # of a whole session, as last seen

    def wait_to_kill(self, run, wanted):
        """Any moment of the run, or one soon after the next switch of settings or restart has begun."""
        if self.kills_left == 0 or not wanted:
            run.process.wait(600)
            return
        way = self.random.random()
        if way < 0.3:  # inside a restart: the server's process is gone, or just back
            pid = os.path.join(self.server.data, "postmaster.pid")
            while run.process.poll() is None and os.path.exists(pid):
                time.sleep(0.002)
            until = time.monotonic() + self.random.uniform(0, 0.4)
        elif way < 0.6:
            until = time.monotonic() + self.random.uniform(0.05, self.length)
        else:
            seen = self.intents()
            while run.process.poll() is None and self.intents() == seen:
                time.sleep(0.01)
            until = time.monotonic() + self.random.uniform(0, 2)
        while run.process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)

    def one_run(self, path, kind, script, forced, wanted):
        """A run that begins a session or goes on with the one at path; returns it and the session's folder."""
        saved = self.sessions()[path] if path else None
        run = t.Run(self.server, self.home, self.server.script(script), *FLAGS,
                    program=t.TEST_PROGRAM if forced else t.PROGRAM,
                    env=dict({"PGD_TEST_FORCE_CHANGE": forced} if forced else {},
                             **({"PGD_TEST_ONLY_FORCED": "1"} if kind == "steady" else {})))
        self.wait_to_kill(run, wanted)
        if run.process.poll() is None:
            killed.kill(run)
            self.kills_left -= 1
            self.counts["kills"] += 1
            print("   kill after %.2f s of %s %s" % (time.monotonic() - run.started, kind, forced or ""), flush=True)
            self.after_kill()
            now = self.open_session()
        else:
            run.end()
            now = run.session_dir()
        t.check(not path or now == path, "the session %s was not resumed, but %s" % (path, now))
        if saved:
            self.checkpoints(now, saved, run)
        return run, now

    def one_session(self, kind, script, forced):
        path, kills, begun = self.open_session(), 0, time.monotonic()
        while True:
            run, path = self.one_run(path, kind, script, forced, kills < KILLS_A_SESSION)
            if not killed.was_killed(run):
                break
            kills += 1
        if kills == 0:
            self.length = time.monotonic() - begun
        self.ended(run, claims=kind != "sleeps")

    def go(self):
        n = 0
        while self.kills_left > 0:
            self.one_session(*self.kinds[n % len(self.kinds)])
            n += 1
        print("the server was up at most %.1f s after a kill" % self.slowest)
        print("counts: " + ", ".join("%d %s" % (v, k) for k, v in sorted(self.counts.items())))


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seed = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] != "-" else int.from_bytes(os.urandom(3), "big")
    version = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    print("kill_resume: %d kills on PostgreSQL %d, seed %d" % (kills, version, seed), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soak = Soak(kills, seed, version)
    try:
        soak.go()
    except Exception:
        print("FAILED; the program's home is kept in %s" % soak.keep("pgd-kill-resume-%d" % seed))
        raise
    finally:
        soak.destroy()
    print("ok: every one of %d kills lost nothing" % kills)


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
