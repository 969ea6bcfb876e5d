#!/usr/bin/env python3
"""Measures the full screen beside a floor program and its peers, each on a pseudo terminal of ours, in one run.

screen_probe.py [--quick] [--program PATH] [--only NAME,...] [--json FILE]

The floor is the smallest ncurses program linked to the same six libraries (floor.c). Times run from the write of a key, the
change of the size or the exec to the arrival of the bytes that show the answer; key samples of program and floor alternate,
so that whatever else the machine does meets both. Exit 1 if a bar is missed.
"""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import probe
import tunetest as t
from hand import DOWN, ENTER, ESC, UP, Hand, ended_session, places
from probe import Screen, ms, p95
from rawpg import Session


class Bench(probe.Bench):
    # ---- the measurements ----

    def start(self):
        n = 7 if self.args.quick else 15
        first = {"floor": [], "program": []}
        figure = []
        for _ in range(n):
            for name, argv in (("floor", self.floor_argv), ("program", self.argv())):
                s = Screen(argv, self.env())
                while len(s.text().strip()) < 10 and time.monotonic() - s.began < 5:
                    s.pump(0.5)
                first[name].append(time.monotonic() - s.began)
                if name == "program":
                    seen = s.until("[0-9]+ sessions")
                    figure += [seen - s.began] if seen else []
                s.end()
        floor, ours = statistics.median(first["floor"]), statistics.median(first["program"])
        self.facts["first_frame_ms"] = dict(floor=ms(floor), program=ms(ours))
        self.row("first frame", "floor + 9 ms", "%.1f ms" % ms(ours), ours <= floor + 0.009, "floor %.1f ms" % ms(floor))
        got = statistics.median(figure) if figure else 9
        self.row("first server figure", "100 ms", "%.1f ms" % ms(got), got <= 0.1)

    def keys(self):
        conditions = [("idle", None, None)]
        conditions.append(("pgbench running", lambda s: self.busy("-c", "2"), lambda s: self.quiet()))
        conditions.append(("server stopped (SIGSTOP)", lambda s: self.freeze(s, signal.SIGSTOP),
                           lambda s: self.freeze(s, signal.SIGCONT)))
        conditions.append(("server down", lambda s: subprocess.run([t.PG, "stop", self.server.dir]),
                           lambda s: subprocess.run([t.PG, "up", self.server.dir])))
        for name, begin, after in conditions:
            self.key_row(name, lambda: self.key_samples(begin, after))

    def key_samples(self, begin, after):
        ours, floor = self.open(), self.open(self.floor_argv, "floor ready")
        if begin:
            begin(ours)
            ours.drain(2)
        got = self.keys_in_turn(ours, floor, 20 if self.args.quick else 50)
        if after:
            after(ours)
        ours.end()
        floor.end()
        return got

    def backends(self):
        out = self.server.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'watcher'")
        return [int(pid) for pid in out.split()]

    def freeze(self, _, signo):
        if signo == signal.SIGSTOP:
            self.frozen = self.backends()
        for pid in self.frozen:
            try:
                os.kill(pid, signo)
            except ProcessLookupError:
                pass

    def resize(self):
        s = self.open()
        times = []
        for i, (rows, cols) in enumerate([(24, 80), (45, 160), (36, 120), (45, 160)] * (2 if self.args.quick else 5)):
            s.drain(0.9)
            while s.pump(0.15):  # not in the middle of a refresh
                pass
            s.raw = b""
            began = time.monotonic()
            s.size(rows, cols)
            if s.pump(2):
                times.append(time.monotonic() - began)
        s.end()
        got = statistics.median(times) if times else 9
        self.row("resize to repaint", "5 ms", "%.1f ms" % ms(got), got <= 0.005, "p95 %.1f ms" % ms(p95(times or [9])))

    def idle_cost(self):
        seconds = 20 if self.args.quick else 60
        self.busy("-c", "2", "-R", "50")
        s = self.open(settle=5)
        self.server.sql("SELECT pg_stat_statements_reset()")
        began, cpu = time.monotonic(), s.stat()
        s.drain(seconds)
        took, cpu = time.monotonic() - began, s.stat() - cpu
        anon, pss = s.memory()
        spent, calls = self.server.sql(
            "SELECT sum(total_exec_time), sum(calls) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid "
            "WHERE toplevel AND rolname = 'watcher'").split("|")
        s.end()
        self.quiet()
        self.row("own CPU, moving graphs, %d s" % seconds, "0.5 %", "%.2f %%" % (100 * cpu / took), cpu / took <= 0.005)
        self.row("RssAnon", "8 MB", "%.1f MB" % anon, anon <= 8)
        self.row("PSS", "15 MB", "%.1f MB" % pss, pss <= 15)
        self.row("load on the server", "0.5 ms/s", "%.2f ms/s" % (float(spent) / took), float(spent) / took <= 0.5,
                 "%.2f statements/s" % (float(calls) / took))

    def reconnect(self):
        s = self.open()
        subprocess.run([t.PG, "stop", self.server.dir, "immediate"])
        s.raw = b""
        s.drain(3)
        counted = re.search(r"\b[0-9]+(?:\.[0-9])? s\b", s.text()) is not None
        starting = subprocess.Popen([t.PG, "up", self.server.dir])
        up = None
        seen = None
        end = time.monotonic() + 30
        while time.monotonic() < end and seen is None:
            s.pump(0.02)
            if self.server.try_sql("SELECT 1") == "1":
                up = up or time.monotonic()
                if self.server.try_sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'watcher'") == "t":
                    seen = time.monotonic()
        starting.wait()
        s.end()
        got = seen - up if seen else 99
        self.row("reconnect after the server is up", "1 s", "%.2f s" % got, got <= 1 and counted,
                 "countdown shown" if counted else "no countdown seen")

    def signals(self):
        for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV):
            s = Screen(self.argv(), self.env())
            s.until("[0-9]+ sessions")
            s.drain(0.3)
            left = s.end(signo)
            self.row("terminal after " + signo.name, "as before", "restored" if not left else ", ".join(left), not left)

    # ---- each view by itself ----

    def views(self):
        """Every view and dialog at a large and a small screen, beside pgbench: keys, resizes, CPU, memory and bytes in each."""
        ended_session(self)
        self.busy("-c", "2", "-R", "200")
        sleeper = Session(self.server, "sleeper")
        sleeper.send("SELECT pg_sleep(100000)")  # a row that the activity shows
        self.floor_hand = Hand(self.floor_argv, self.env())
        self.floor_hand.sees("floor ready", 10)
        wanted = [p for p in places() if p[0] not in ("ending a session", "script") and "zoomed" not in p[0]]
        self.views_of(wanted, ["-H", self.server.host, "-p", self.server.port, "-U", "postgres", "-d", "postgres"])
        self.views_of([("start list", b"", "Recent workspaces", b"")], [])
        self.review()
        self.floor_hand.end()
        sleeper.close()
        self.quiet()

    def views_of(self, wanted, flags):
        for rows, cols in ((45, 160), (24, 80)):
            hand = Hand([self.args.program] + flags, self.env(), rows, cols)
            hand.size(rows, cols)
            hand.sees("[0-9]+ sessions" if flags else "Recent", 15)
            hand.drain(2)
            for name, keys, title, leave in wanted:
                if name not in ("the record itself", "plan") and flags:
                    hand.to_panes()
                self.walk(hand, keys)
                if not hand.sees(title, 6):
                    self.row("%s %dx%d" % (name, cols, rows), "", "never seen", False)
                    continue
                if name == "replay":
                    hand.press(b" ", 0.3)  # held: else it is time that moves, not the DBA
                if name not in ("strategies", "record of a session"):
                    self.view_row("%s %dx%d" % (name, cols, rows), hand, rows, cols)
                self.walk(hand, leave if name in ("strategies", "record of a session") else b"")
            hand.end()

    def walk(self, hand, keys):
        for part in filter(None, keys.split(b"|")):
            for key in [part] if part.startswith((b"/", ESC)) else [part[i:i + 1] for i in range(len(part))]:
                hand.press(key, 0.15)

    def view_row(self, what, hand, rows, cols):
        """Three attempts: of so few keys the slowest one is the machine's on most days."""
        for _ in range(3):
            keys, floor, size = self.answers(hand, rows, cols)
            a, b, c = p95(floor or [9]), p95(keys or [9]), statistics.median(size or [9])
            ok = b <= a + 0.003 and c <= a + 0.005
            if ok:
                break
        hand.drain(1)
        seconds = 3 if self.args.quick else 10
        sent, cpu, began = hand.bytes, hand.cpu(), time.monotonic()
        hand.drain(seconds)
        took = time.monotonic() - began
        cpu, sent = (hand.cpu() - cpu) / took, (hand.bytes - sent) / took
        anon, pss = hand.memory()
        self.facts[what] = dict(key=ms(b), floor=ms(a), resize=ms(c), cpu=cpu, bytes_s=sent, anon=anon, pss=pss)
        self.row(what, "+3 +5 ms .5% 8 MB", "%.1f %.1f ms" % (ms(b), ms(c)), ok and cpu <= 0.005 and anon <= 8 and pss <= 15,
                 "(floor %.1f) CPU %.2f %%, %.1f MB, PSS %.1f MB, %.0f bytes/s, %.0f bytes a key" % (
                     ms(a), 100 * cpu, anon, pss, sent, hand.last_bytes))

    def answers(self, hand, rows, cols):
        """Key to paint here and of the floor in turn, and size to paint; seconds. A key is one that changes what is shown."""
        floor, keys, size, grew = self.floor_hand, [], [], 0
        help_here = "Keyboard help" in hand.terminal.text()
        n = 6 if self.args.quick else 15
        for i in range(n):
            floor.drain(0.03 + 0.037 * (i % 5))
            self.samples_of(floor, b"?", "floor help", b"x")
            hand.drain(0.02)
            grew = hand.bytes
            if help_here:
                got = self.moves(hand, (DOWN, UP)[i % 2])
            else:
                got = hand.timed(b"?", "Keyboard help", 1)
                hand.last_bytes = hand.bytes - grew
                hand.press(ESC, 0.1)
            keys += [got] if got is not None else []
        got_floor = self.floor_times[-n:]
        for k in range(4):
            hand.size(*((rows - 2, cols - 6), (rows, cols))[k % 2])
            got = self.moves(hand, None)
            size += [got] if got is not None else []
            hand.drain(0.3)
        return keys, got_floor, size

    floor_times = []

    def samples_of(self, floor, key, answer, back):
        got = floor.timed(key, answer, 1)
        self.floor_times = self.floor_times + ([got] if got is not None else [])
        floor.press(back, 0.05)

    def moves(self, hand, key):
        """Seconds until anything is painted after the key, or after the change of the size."""
        began, before = time.monotonic(), hand.bytes
        if key:
            os.write(hand.master, key)
        if not hand.pump(1):
            return None
        came = hand.came
        hand.drain(0.1)
        hand.last_bytes = hand.bytes - before
        return came - began

    def review(self):
        s = self.server
        flags = ["-H", s.host, "-p", s.port, "-U", "postgres", "-d", "postgres", "--script", s.script(t.STEADY), "--clients", "2",
                 "--duration", "1", "--rounds", "1"]
        hand = Hand([self.args.program] + flags, self.env())
        hand.sees("Press t", 15)
        for key, title in ((b"t", "pick a strategy"), (ENTER, "Plan of"), (b"g", "Target"), (ENTER, r"g go")):
            hand.press(key, 0.3)
            if not hand.sees(title, 90):
                self.row("review", "", "never seen", False, title)
                hand.end()
                return
        for rows, cols in ((45, 160), (24, 80)):
            hand.size(rows, cols)
            hand.drain(0.5)
            self.view_row("review %dx%d" % (cols, rows), hand, rows, cols)
        hand.end()

    def peers(self):
        s = self.server
        where = ["-h", s.host, "-p", s.port, "-U", "postgres"]
        table = [("pg_activity", ["pg_activity"] + where + ["-d", "postgres"], "(?i)sessions|running queries", b"h", "(?i)press any key"),
                 ("pg_top", ["pg_top"] + where + ["-d", "postgres"], "(?i)last pid|load avg", b"h", "(?i)help|commands"),
                 ("btop", ["btop", "--utf-force"], "(?i)cpu", b"h", "(?i)menu|help")]
        self.busy("-c", "2", "-R", "50")
        for name, argv, ready, key, answer in table:
            if not shutil.which(argv[0]):
                self.row(name, "", "not installed", None)
                continue
            first, figure, keys = [], [], []
            for _ in range(3):
                p = Screen(argv, self.env())
                while len(p.text().strip()) < 10 and p.process.poll() is None and time.monotonic() - p.began < 5:
                    p.pump(0.5)
                first.append(time.monotonic() - p.began)
                seen = p.until(ready, 8)
                figure += [seen - p.began] if seen else []
                p.end()
            p = Screen(argv, self.env())
            p.until(ready, 8)
            p.drain(3)
            if p.process.poll() is not None:
                self.row(name, "", "ended by itself", None, " ".join(p.text().split())[-100:])
                p.end()
                continue
            cpu, began = p.stat(), time.monotonic()
            p.drain(6 if self.args.quick else 20)
            cpu = (p.stat() - cpu) / (time.monotonic() - began)
            memory = p.memory()
            for i in range(10):
                p.drain(0.3 + 0.07 * i)
                got = p.key(key, answer)
                keys += [got] if got is not None else []
                os.write(p.master, b"\x1b" if name == "btop" else b"q" if name == "pg_activity" else b" ")
            p.end()
            self.row(name, "", "%.0f ms" % ms(statistics.median(first)), None,
                     "first figure %s, key p95 %s, CPU %.2f %%, RssAnon %.1f MB, PSS %.1f MB" % (
                         "%.0f ms" % ms(statistics.median(figure)) if figure else "-",
                         "%.1f ms" % ms(p95(keys)) if keys else "-", 100 * cpu, memory[0], memory[1]))
        self.quiet()


if __name__ == "__main__":
    sys.exit(probe.main(Bench, __doc__, ("start", "keys", "views", "resize", "idle_cost", "reconnect", "signals", "peers")))
