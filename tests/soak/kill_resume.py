#!/usr/bin/env python3
"""Random kill -9 of headless runs, each followed by a resume, which may be killed again or go to its end.

kill_resume.py [COUNT [SEED]]: COUNT kills, 40 if not given. After each: the server is up within 30 s, no pgbench and no
session of ours is left, the journal parses and accounts for every line of postgresql.auto.conf, no checkpoint is lost. The
sessions take turns: sorts that a setting helps (they end ARCHIVED), sleeps that none helps (they end FAILED, and then
everything is as before); each with and without a change that needs a restart, so that kills fall into stop and start.
"""
import collections
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "safe", "--restart", "auto", "--budget", "6")
KINDS = [("sorts", t.SORTS, "shared_buffers=160MB"), ("sleeps", t.SLEEPS, "shared_buffers=160MB"),
         ("sleeps", t.SLEEPS, "random_page_cost=2.5"), ("sorts", t.SORTS, None)]
KILLS_A_SESSION = 6  # then it is let go to its end


class Soak:
    def __init__(self, kills, seed):
        self.random = random.Random(seed)
        self.server = t.Server(t.pg_bin(15))
        self.server.sql("ALTER SYSTEM SET effective_io_concurrency = 3")  # somebody else's
        self.stock = self.server.entries()
        self.home = self.server.home()
        self.kills_left = kills
        self.counts = collections.Counter()
        self.slowest = 0.0  # seconds until the server was up after a kill
        self.length = 30.0  # of a whole session, as last seen

    def sessions(self):
        """Folder and session.json of every session that has one."""
        found = {}
        top = os.path.join(self.home, "workspaces")
        for path, _, files in os.walk(top):
            if "session.json" in files:
                found[path] = json.loads(t.read(os.path.join(path, "session.json")))
        return found

    def open_session(self):
        found = [p for p, s in self.sessions().items() if s["state"] in ("ACTIVE", "PAUSED")]
        t.check(len(found) <= 1, "two sessions are open: %s" % found)
        return found[0] if found else None

    def accounted(self, path):
        """What is wrong with the file, by the journal of the session at path; an earlier session's end is stock."""
        journal = t.parse_journal(os.path.join(path, "journal.jsonl")) if path else []
        return t.Ledger(journal).explain(self.server.entries(), self.stock)

    def after_kill(self):
        server = self.server
        started = time.monotonic()
        if server.try_sql("SELECT 1") is None:
            self.counts["kills with the server down"] += 1
        t.wait_for("the server after a kill", 30, lambda: server.try_sql("SELECT 1") == "1")
        self.slowest = max(self.slowest, time.monotonic() - started)
        t.wait_for("pgbench to be gone after a kill", 5, lambda: not server.pgbenches())
        t.wait_for("our sessions to be gone after a kill", 10, lambda: server.try_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pg_diagnose%'") == "0")
        path = self.open_session()
        wrong = []

        def settled():
            wrong[:] = self.accounted(path)
            return not wrong
        try:
            t.wait_for("the settings", 10, settled)
        except t.Failure:
            t.fail("not accounted for: " + "; ".join(wrong))
        journal = t.parse_journal(os.path.join(path, "journal.jsonl")) if path else []
        if t.Ledger(journal).open:
            self.counts["kills in a switch"] += 1
        else:
            self.counts["kills elsewhere"] += 1

    def intents(self):
        path = self.open_session()
        return t.read(os.path.join(path, "journal.jsonl"), "").count('"event":"intent"') if path else 0

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

    def one_session(self, kind, script, forced):
        env = {"PGD_TEST_FORCE_CHANGE": forced} if forced else {}
        program = t.TEST_PROGRAM if forced else t.PROGRAM
        path, saved = self.open_session(), None
        begun = time.monotonic()
        killed = 0
        while True:
            if path:
                saved = self.sessions()[path]
            run = t.Run(self.server, self.home, self.server.script(script), *FLAGS, program=program, env=env)
            self.wait_to_kill(run, killed < KILLS_A_SESSION)
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
                self.kills_left -= 1
                killed += 1
                self.counts["kills"] += 1
                print("   kill after %.2f s of %s %s" % (time.monotonic() - run.started, kind, forced or ""), flush=True)
                self.after_kill()
            else:
                run.end()
            now = self.open_session() if run.process.returncode < 0 else os.path.join(
                self.home, "workspaces", run.summary["workspace"], "sessions", run.summary["session"])
            if saved:
                t.check(now == path, "the session %s was not resumed, but %s" % (path, now))
            if saved and now:
                later = self.sessions()[now]
                t.check(saved["baseline_tps"] is None or later["baseline_tps"] == saved["baseline_tps"],
                        "the baseline was %s and is %s" % (saved["baseline_tps"], later["baseline_tps"]))
                t.check(saved["baseline_tps"] is None or not run.events("baseline"), "the baseline was measured again")
                t.check(later["rounds_done"] >= saved["rounds_done"], "a finished round is lost")
            path = now
            if run.process.returncode >= 0:
                break
        if killed == 0:
            self.length = time.monotonic() - begun
        self.ended(kind, run)

    def ended(self, kind, run):
        s = run.summary
        self.counts["sessions that ended " + s["state"]] += 1
        t.check(s["state"] in ("ARCHIVED", "FAILED"), "state %s, exit %d\n%s" % (s["state"], run.code, run.said[-3000:]))
        t.check(kind == "sorts" or s["state"] == "FAILED", "a claim on sleeps: %s" % s)
        t.check(run.code == (0 if s["state"] == "ARCHIVED" else 1), "exit %d: %s\n%s" % (run.code, s, run.said[-3000:]))
        ledger = t.Ledger(run.journal())
        t.check(ledger.open is None, "a switch is left open")
        wrong = ledger.explain(self.server.entries(), self.stock)
        t.check(not wrong, "; ".join(wrong))
        if s["state"] == "FAILED":
            t.check(self.server.entries() == self.stock, "after the undo %s" % self.server.entries())
            t.check(self.server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0", "a restart is pending")
        for name in self.server.entries():
            if name not in self.stock:
                self.server.sql("ALTER SYSTEM RESET " + name)
        t.check(self.server.entries() == self.stock, "a foreign entry is gone: %s" % self.server.entries())
        t.subprocess.run([t.PG, "restart", self.server.dir], capture_output=True)

    def go(self):
        n = 0
        while self.kills_left > 0:
            kind = KINDS[n % len(KINDS)]
            self.one_session(*kind)
            n += 1
        print("the server was up at most %.1f s after a kill" % self.slowest)
        print("counts: " + ", ".join("%d %s" % (v, k) for k, v in sorted(self.counts.items())))


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(3), "big")
    print("kill_resume: %d kills, seed %d" % (kills, seed), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soak = Soak(kills, seed)
    try:
        soak.go()
    except Exception:
        keep = os.path.join("/tmp", "pgd-kill-resume-%d" % seed)
        t.shutil.copytree(soak.home, keep, dirs_exist_ok=True)
        print("FAILED; the program's home is kept in %s" % keep)
        raise
    finally:
        soak.server.destroy()
    print("ok: every one of %d kills lost nothing" % kills)


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
