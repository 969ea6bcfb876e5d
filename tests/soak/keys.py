#!/usr/bin/env python3
"""Half an hour at the keyboard: every view and every dialog that can be reached without a model, at each size, and random keys in
between, on the real program beside a pgbench that runs.

keys.py [--minutes N] [--seed N] [--program PATH] [--pace SECONDS]    minutes: SOAK_KEYS_MINUTES, or 30

Each second the program's memory is read: after the first minute, and after each place was seen once, it has to stay within 1 MB. Each key of a sample is timed to the
paint of its answer beside the smallest program of its kind (bench/floor.c). The program's own stall meter writes to its log what
held its loop: nothing may. Keys that would destroy are left out, or answered with no. At the end stands which titles were seen;
one of the list that was not is a failure. A sanitizer build is driven the same way; its memory and its times are not judged."""
import argparse
import itertools
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import probe
import tunetest as t
from hand import DOWN, ESC, LEFT, RIGHT, TAB, UP, Hand, ended_session, places
from probe import ms, p95
from rawpg import Session

SIZES = [(45, 160), (36, 120), (24, 80), (40, 200), (24, 132)]
LARGEST = (60, 200)
TOO_SMALL = [(10, 40), (6, 30), (3, 10)]
# What a hand may press anywhere. Not q, Ctrl-C, Ctrl-Z (they leave), not t, g, Enter and the letters that accept or keep.
HARMLESS = [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"0", TAB, b"\x1b[Z", UP, DOWN, LEFT, RIGHT, b"\x1b[5~", b"\x1b[6~",
            b"\x1b[H", b"\x1b[F", b"j", b"k", b"G", b"z", b" ", b"s", b"?", b"\x1bOP", b"<", b">", b"i", b"f", b"w", b"/", b":",
            b"\x10", b"\x0c", b"h", b"l", b"n", b"p", b"+", b"-", b"[", b"]", b".", b",", b"x", b"\x7f", b"\xc3\xa9", b"\x1b[200~paste\x1b[201~",
            b"\x1b[<64;20;10M", b"\x1b[I", b"\x1b[O", b"\x1b[99;99~"]


class Memory(threading.Thread):
    """RssAnon, RSS and PSS each second, and what each place has kept of RssAnon and went up to meanwhile."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.began, self.samples, self.stop = pid, time.monotonic(), [], False
        self.place, self.last, self.most = "start", 0.0, 0.0
        self.since = 60  # seconds after the start; until the first cycle has ended
        self.kept, self.peak = {}, {}

    def anon(self):
        found = re.search(r"RssAnon:\s+(\d+)", t.read("/proc/%d/status" % self.pid, ""))
        return int(found.group(1)) / 1024 if found else 0.0

    def run(self):
        for i in itertools.count():
            anon = self.anon()
            if self.stop or anon == 0:
                return
            self.most = max(self.most, anon)
            if i % 20 == 0:
                roll = t.read("/proc/%d/smaps_rollup" % self.pid, "")
                rss, pss = (re.search(r"^%s:\s+(\d+)" % what, roll, re.M) for what in ("Rss", "Pss"))
                if rss and pss:
                    self.samples.append((time.monotonic() - self.began, anon, int(rss.group(1)) / 1024,
                                         int(pss.group(1)) / 1024, self.place))
            time.sleep(0.05)

    def enter(self, place):
        """What comes from here on belongs to that place; the first minute to none."""
        now = self.anon()
        if time.monotonic() - self.began > self.since:
            self.kept[self.place] = self.kept.get(self.place, 0.0) + now - self.last
            self.peak[self.place] = max(self.peak.get(self.place, 0.0), self.most - self.last)
        self.place, self.last, self.most = place, now, now

    def dearest(self):
        """The places that kept most, and those that went up most, MB."""
        kept = sorted(self.kept.items(), key=lambda p: -p[1])[:8]
        peak = sorted(self.peak.items(), key=lambda p: -p[1])[:5]
        return ", ".join("%s %+.2f" % p for p in kept), ", ".join("%s %+.2f" % p for p in peak)

    def spread(self, which):
        later = [s[which] for s in self.samples if s[0] >= self.since]
        return (later[0], min(later), max(later), later[-1]) if later else (0, 0, 0, 0)


class Walk(probe.Bench):
    def argv(self):
        s = self.server
        return [self.args.program, "-H", s.host, "-p", s.port, "-U", "postgres", "-d", "postgres"]

    def start(self, argv):
        hand = Hand(argv, self.env())
        if not hand.sees("[0-9]+ sessions", 30):
            raise t.Failure("the program does not come up:\n" + hand.terminal.text())
        return hand

    def visit(self, hand, name, keys, title, leave, seen):
        for part in keys.split(b"|"):
            for key in [part] if part.startswith((b"/", ESC)) or len(part) < 2 else [part[i:i + 1] for i in range(len(part))]:
                hand.press(key, self.args.pace)
        if hand.sees(title, 6):
            seen[name] = seen.get(name, 0) + 1
        else:
            self.missed.setdefault(name, hand.terminal.text())
            if name in ("record of a session", "strategies", "plan"):
                return
        for key in (UP, DOWN, b"\x1b[6~", b"\x1b[5~", b"j", b"k"):
            if name not in ("record of a session", "strategies", "plan", "script", "ending a session"):
                hand.press(key, self.args.pace / 2)
        for part in leave.split(b"|"):
            for key in ([DOWN] * (len(part) // len(DOWN)) if part.startswith(DOWN) else [part]):
                hand.press(key, self.args.pace)

    def scripted(self, hand, seen):
        inner = ("the record itself", "plan", "script")
        for name, keys, title, leave in places():
            if name not in inner:
                hand.to_panes()
            self.memory.enter(name)
            self.visit(hand, name, keys, title, leave, seen)
        hand.to_panes()

    def randomly(self, hand, n):
        for _ in range(n):
            screen = hand.terminal.text()
            typing = re.search(r"Enter (send|take|do it|ask|connect)", screen)
            key = self.dice.choice(HARMLESS)
            if "n stay" in screen or "y keep" in screen:
                key = b"n"
            elif typing and self.dice.random() < 0.3:
                key = ESC
            elif self.dice.random() < 0.15:
                key = ESC
            hand.press(key, self.dice.random() * self.args.pace)
            if hand.process.poll() is not None:
                raise t.Failure("the program has ended after %r: %s\n%s" % (key, hand.process.returncode, screen))
        hand.to_panes()

    def sample(self, hand, floor, n):
        hand.to_panes()
        for i in range(n):
            for who, h, title in (("floor", floor, "floor help"), ("program", hand, "Keyboard help")):
                got = h.timed(b"?", title)
                if got is None:
                    self.unanswered[who] += 1
                else:
                    self.times[who].append(got)
                h.press(ESC if who == "program" else b"x", 0.1)

    def too_small(self, hand):
        for rows, cols in TOO_SMALL:
            hand.size(rows, cols)
            self.randomly_small(hand)
        hand.size(*SIZES[0])
        hand.drain(0.3)

    def randomly_small(self, hand):
        for key in (b"?", ESC, TAB, b"z", b"z", b"6", ESC, b"s", ESC):
            hand.press(key, 0.03)

    def resize_storm(self, hand):
        for i in range(40):
            hand.size(20 + self.dice.randrange(LARGEST[0] - 20), 60 + self.dice.randrange(LARGEST[1] - 60))
            hand.drain(0.01)

    def stalls(self):
        """What the program's own meter has said, without what came before the first paint: by how long and in what."""
        found = []
        for line in t.read(os.path.join(self.env()["PG_DIAGNOSE_HOME"], "pg_diagnose.log"), "").splitlines():
            m = re.search(r"loop stall: ([0-9.]+) ms in (.*?)[\"}]*$", line)
            found += [(float(m.group(1)), m.group(2))] if m else []
        return sorted(found, reverse=True)

    def start_screen(self, seen):
        hand = Hand([self.args.program], self.env())
        for name, keys, title in (("start", b"", "Recent workspaces"), ("another server", b"n", "Another server")):
            hand.press(keys, 0.3)
            if hand.sees(title, 5):
                seen[name] = seen.get(name, 0) + 1
            else:
                self.missed.setdefault(name, hand.terminal.text())
        left = hand.end()
        return left

    def main_loop(self):
        args = self.args
        self.dice = random.Random(args.seed)
        self.missed, self.times, self.unanswered = {}, {"floor": [], "program": []}, {"floor": 0, "program": 0}
        self.sanitized = bool(re.search(r"__asan|__ubsan", subprocess.run(["nm", "-D", args.program], capture_output=True,
                                                                         text=True).stdout)) or "asan" in args.program
        ended_session(self)
        seen = {}
        self.start_screen(seen)
        before = len(self.stalls())
        self.busy("-c", "2", "-R", "200")
        sleeper = Session(self.server, "sleeper")
        sleeper.send("SELECT pg_sleep(100000)")  # a row that the activity shows
        hand, floor = self.start(self.argv()), Hand(self.floor_argv, self.env())
        floor.sees("floor ready", 10)
        memory = self.memory = Memory(hand.process.pid)
        memory.start()
        began, cycles, keys = time.monotonic(), 0, 0
        cpu = hand.stat()
        self.resize_storm(hand)  # a window that is dragged belongs to the first minute, as each place does
        hand.size(*LARGEST)      # a larger screen is larger in memory
        hand.drain(0.5)
        while time.monotonic() - began < args.minutes * 60 or cycles < 1:
            rows, cols = SIZES[cycles % len(SIZES)]
            hand.size(rows, cols)
            hand.drain(0.2)
            self.scripted(hand, seen)
            memory.enter("random keys")
            self.randomly(hand, 250)
            memory.enter("samples")
            self.sample(hand, floor, 4)
            memory.enter("sizes")
            if cycles % 3 == 1:
                self.too_small(hand)
            if cycles % 3 == 2:
                self.resize_storm(hand)
            hand.to_panes()
            cycles += 1
            if cycles == 1:
                memory.since = max(60, time.monotonic() - memory.began)
        took = time.monotonic() - began
        cpu = hand.stat() - cpu
        memory.stop = True
        self.last = hand.terminal.text()
        if "(zoom)" in self.last:  # q would take back the zoom
            hand.press(b"z")
        hand.press(b"q", 2)
        if hand.process.poll() is None:
            self.last = hand.terminal.text()
            hand.press(b"y", 5)
        left = hand.end()
        floor.end()
        self.quiet()
        sleeper.close()
        self.report(seen, memory, took, cycles, cpu, self.stalls()[: None if not before else len(self.stalls()) - before], left, hand)

    def report(self, seen, memory, took, cycles, cpu, stalls, left, hand):
        names = [p[0] for p in places()] + ["start", "another server"]
        print("seen, and how often: " + ", ".join("%s %d" % (n, seen.get(n, 0)) for n in names))
        never = [n for n in names if not seen.get(n)]
        for n in never:
            print("---- never seen: %s\n%s" % (n, self.missed.get(n, "")))
        self.row("views and dialogs", "all of %d" % len(names), "%d" % (len(names) - len(never)), not never, ", ".join(never))
        for which, label in ((1, "RssAnon"), (2, "RSS"), (3, "PSS")):
            first, low, high, last = memory.spread(which)
            # what is shared is counted by halves, and others that share it come and go
            judged = not self.sanitized and took > memory.since + 30 and label != "PSS"
            self.row(label + " after the first minute", "within 1 MB", "%.2f MB" % max(high - first, first - low),
                     max(high - first, first - low) <= 1 if judged else None,
                     "%.2f at %.0f s, %.2f to %.2f, %.2f at the end of %.0f s" % (first, memory.since, low, high, last, took))
        floor, ours = self.times["floor"], self.times["program"]
        if floor and ours:
            quiet = p95(floor) < 0.005
            self.row("key to paint p95, all sizes", "floor + 3 ms", "%.1f ms" % ms(p95(ours)),
                     p95(ours) <= p95(floor) + 0.003 if quiet and not self.sanitized else None,
                     "floor %.1f; median %.1f (floor %.1f), worst %.1f (floor %.1f), %d keys%s" % (
                         ms(p95(floor)), ms(statistics.median(ours)), ms(statistics.median(floor)), ms(max(ours)), ms(max(floor)),
                         len(ours), "" if quiet else "; the machine was too busy to judge"))
        self.row("keys without an answer", "0", str(self.unanswered["program"]), self.unanswered["program"] == 0)
        self.row("stalls of the loop, its own CPU time", "none of 8 ms", str(len(stalls)), not stalls if not self.sanitized else None,
                 "; ".join("%.1f ms in %s" % s for s in stalls[:6]))
        self.row("own CPU", "", "%.2f %%" % (100 * cpu / took), None, "%d cycles, %.0f bytes/s" % (cycles, hand.bytes / took))
        self.row("end by q", "exit 0, terminal as before", "%s" % hand.process.returncode, hand.process.returncode == 0 and not left,
                 ", ".join(left))
        if hand.process.returncode:
            print("---- the screen before q\n" + self.last)
        for i in range(0, len(memory.samples), 30):
            print("   %4.0f s  RssAnon %.2f MB  RSS %.2f MB  PSS %.2f MB  %s" % memory.samples[i])
        print("   kept most, MB in all: %s\n   went up most, MB at a time: %s" % memory.dearest())
        said = b"Sanitizer" in hand.raw
        self.row("sanitizers", "silent", "silent" if not said else "NOT", not said)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_KEYS_MINUTES", "30")))
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--pace", type=float, default=0.1, help="most seconds between two keys")
    p.add_argument("--program", default=t.PROGRAM)
    args = p.parse_args()
    print("keys: seed %d, %g minutes" % (args.seed, args.minutes), flush=True)
    walk = Walk(args)
    try:
        walk.main_loop()
    finally:
        walk.close()
    missed = [r[0] for r in walk.rows if r[3] is False]
    print("keys: %s" % ("failed: " + "; ".join(missed) if missed else "all bars met"))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
