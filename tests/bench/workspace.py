#!/usr/bin/env python3
"""Measures how a workspace of many sessions opens: from exec to a tree that can be used; and the list of 200 workspaces.

workspace.py [--sessions N] [--program PATH]

The folders are made here, each with a session.json of three rounds; index.json is made by the program, from the folders. The floor
is the same program with a workspace of one session, and `ls` of the folders. Exit 1 if a bar is missed.
"""
import argparse
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import probe
import tunetest as t
from probe import Screen, ms

OPEN_BAR_S = 0.1
RUNS = 9
SESSION = "WriteOptimize|MemoryTuning|ReadHeavy"


def session(name, us):
    arm = {"name": "work_mem", "present": True, "value": "16MB"}
    rounds = [{"round": n, "kept": n < 3, "failed": False, "measured": 1,
               "changes": [{"name": "work_mem", "value": "%dMB" % (8 * n), "why": "sorts spill", "evidence": "9 files",
                            "risk": "low"}],
               "verdict": {"kind": "improved" if n < 3 else "inconclusive", "ratio": 1.1, "ci_lo": 1.05, "ci_hi": 1.15}}
              for n in (1, 2, 3)]
    return {"format": 1, "name": name, "state": "ARCHIVED", "created_us": us, "ended_us": us + 600000000,
            "strategy": {"strategy": name.split("_")[0], "hypothesis": "Sorts spill.", "workload": "shop",
                         "builtin_db": True, "database": "pg_diagnose_bench",
                         "scripts": [{"path": "asset:workloads/shop/order.sql", "weight": 1, "name": "order.sql"}],
                         "protocol": "prepared", "clients": 4, "threads": 1, "duration_s": 10, "warmup_s": 2, "min_runs": 3,
                         "max_runs": 6, "rounds": 3, "budget_s": 600, "restart": "never", "success": "a gain"},
            "baseline_tps": 1000.5, "floor": 0.02, "best_tps": 1200.25, "rounds_done": 3,
            "best": {"label": "round 2", "entries": [arm]},
            "ledger": [{"original": {"name": "work_mem", "present": False, "value": None}, "current": arm}],
            "rounds": rounds, "before": {"work_mem": "4MB"}, "after": {"work_mem": "16MB"},
            "verdict": {"kind": "improved", "ratio": 1.2, "ci_lo": 1.15, "ci_hi": 1.25}, "end_reason": "all rounds are spent"}


class Workspace:
    def __init__(self, args):
        self.args = args
        self.home = tempfile.mkdtemp(prefix="pgd-workspace.")
        self.server = t.Server(t.pg_bin(15), rows=100)
        self.missed = 0

    def env(self, state):
        return dict({k: v for k, v in os.environ.items() if k not in ("TMUX", "STY")}, HOME=self.home,
                    PG_DIAGNOSE_HOME=os.path.join(self.home, state), TERM="xterm-256color", LC_ALL="C.UTF-8")

    def open(self, state, pattern, timeout=10):
        """Exec to the pattern on the screen, seconds; and the screen."""
        s = self.server
        screen = Screen([self.args.program, "-H", s.host, "-p", s.port, "-U", "postgres", "-d", "postgres", "--advisor",
                         "builtin"], self.env(state))
        seen = screen.until(pattern, timeout)
        if seen is None:
            raise t.Failure("never on the screen: %s: %s" % (pattern, screen.text()[-400:]))
        return seen - screen.began, screen

    def row(self, what, bar, seconds, met, note=""):
        self.missed += met is False
        print("  %-44s %-16s %9.1f ms  %s %s" % (what, bar, ms(seconds), {True: "pass", False: "MISS", None: "-"}[met], note),
              flush=True)

    def folders(self, state, n):
        """Fills the workspace that the program has made."""
        _, screen = self.open(state, "t to start|Press t")
        screen.end()
        found = glob.glob(os.path.join(self.home, state, "workspaces", "*"))
        base = os.path.join(found[0], "sessions")
        for i in range(n):
            name = "%s_%02d%02d2026-%06d" % (("WriteOptimize", "MemoryTuning", "ReadHeavy")[i % 3], i // 280 % 12 + 1,
                                             i % 28 + 1, i)
            os.makedirs(os.path.join(base, name))
            with open(os.path.join(base, name, "session.json"), "w") as f:
                json.dump(session(name, 1760000000000000 + i * 1000000), f)
        return found[0]

    def made(self, state, n):
        """Exec to index.json with so many sessions, seconds."""
        path = glob.glob(os.path.join(self.home, state, "workspaces", "*"))[0] + "/index.json"
        took, screen = self.open(state, "Sessions")
        while time.monotonic() - screen.began < 300:
            screen.drain(0.05)
            if os.path.exists(path) and open(path).read().count('"name"') >= n:
                break
        took = time.monotonic() - screen.began
        screen.end()
        return took

    def opened(self, state):
        """Median and worst of some runs, seconds, until the tree shows its sessions."""
        times = []
        for _ in range(RUNS):
            took, screen = self.open(state, SESSION)
            times.append(took)
            screen.end()
        return statistics.median(times), max(times)

    def start_list(self, n):
        """Median and worst, seconds, from exec without arguments to a list of n workspaces whose cursor has moved."""
        made = glob.glob(os.path.join(self.home, "small", "workspaces", "*"))[0]
        state, times = "list%d" % n, []
        for i in range(n):
            top = os.path.join(self.home, state, "workspaces", "db%03d_host%03d" % (i, i))
            os.makedirs(os.path.join(top, "sessions"), mode=0o700)
            for name in ("workspace.json", "index.json", "lock"):
                shutil.copy(os.path.join(made, name), os.path.join(top, name))
        for _ in range(RUNS):
            screen = Screen([self.args.program], self.env(state))
            if screen.until(r"1  \w+ @", 10) is None:
                raise t.Failure("the list never came: " + screen.text()[-400:])
            screen.raw = b""
            os.write(screen.master, b"\x1b[B")
            screen.pump(2)
            times.append(time.monotonic() - screen.began)
            screen.end()
        return statistics.median(times), max(times)

    def stalls(self, state):
        worst = (0.0, "")
        for path in glob.glob(os.path.join(self.home, state, "**", "*.log"), recursive=True):
            with open(path, errors="replace") as f:
                worst = max([worst] + [(float(v), what) for v, what in re.findall(r"loop stall: ([\d.]+) ms in (.*?)[\"}]*$",
                                                                                 f.read(), re.M)])
        return worst

    def run(self):
        n = self.args.sessions
        self.folders("small", 1)
        top = self.folders("large", n)
        began = time.monotonic()
        subprocess.run(["ls", os.path.join(top, "sessions")], stdout=subprocess.DEVNULL, check=True)
        self.row("ls of %d folders" % n, "(floor)", time.monotonic() - began, None)
        self.made("small", 1)
        if os.path.exists(os.path.join(top, "index.json")):
            os.unlink(os.path.join(top, "index.json"))
        took = self.made("large", n)
        self.row("index.json made again from %d folders" % n, "-", took, None, "%.0f kB" % (
            os.path.getsize(os.path.join(top, "index.json")) / 1000))
        small, _ = self.opened("small")
        large, worst = self.opened("large")
        self.row("exec to the tree, 1 session", "(floor)", small, None, "median of %d" % RUNS)
        self.row("exec to the tree, %d sessions" % n, "%d ms" % ms(OPEN_BAR_S), large, large <= OPEN_BAR_S,
                 "worst %.1f ms" % ms(worst))
        self.row("… of it for the list", "-", large - small, None)
        one, _ = self.start_list(1)
        self.row("exec to a choice, 1 workspace", "(floor)", one, None)
        many, worst = self.start_list(200)
        self.row("exec to a choice, 200 workspaces", "%d ms" % ms(OPEN_BAR_S), many, many <= OPEN_BAR_S, "worst %.1f ms" % ms(worst))
        for name in sorted(os.listdir(os.path.join(top, "sessions")))[:3]:
            shutil.rmtree(os.path.join(top, "sessions", name))
        took, screen = self.open("large", SESSION)
        screen.end()
        stall, what = self.stalls("large")
        self.row("longest stall of the loop", "8 ms", stall / 1000, stall <= 8, what)
        return 1 if self.missed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--program", default=os.environ.get("PGD_PROGRAM", "pg_diagnose"))
    bench = Workspace(parser.parse_args())
    try:
        return bench.run()
    finally:
        bench.server.destroy()
        shutil.rmtree(bench.home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
