#!/usr/bin/env python3
"""Measures the full screen beside a floor program and its peers, each on a pseudo terminal of ours, in one run.

screen_probe.py [--quick] [--program PATH] [--only NAME,...] [--json FILE]

The floor is the smallest ncurses program linked to the same six libraries (floor.c). Times run from the write of a key, the
change of the size or the exec to the arrival of the bytes that show the answer; key samples of program and floor alternate,
so that whatever else the machine does meets both. Exit 1 if a bar is missed.
"""
import argparse
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
import tunetest as t

ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78cDEHMNOZ])")
HZ = os.sysconf("SC_CLK_TCK")
ROWS, COLS = 45, 160


def ms(seconds):
    return round(seconds * 1000, 2)


def p95(values):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


class Screen:
    """A program on a pty of its own. What it writes is kept without its escape sequences."""

    def __init__(self, argv, env):
        self.master, self.slave = pty.openpty()
        self.size(ROWS, COLS)
        self.modes_before = termios.tcgetattr(self.slave)
        self.raw = b""
        name = os.ttyname(self.slave)

        def child():
            os.setsid()
            fd = os.open(name, os.O_RDWR)  # becomes the controlling terminal
            for i in (0, 1, 2):
                os.dup2(fd, i)
        self.began = time.monotonic()
        self.process = subprocess.Popen(argv, stdin=self.slave, stdout=self.slave, stderr=self.slave, preexec_fn=child,
                                        env=env, close_fds=True)

    def size(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def pump(self, timeout):
        """True when something came within timeout seconds."""
        if not select.select([self.master], [], [], max(0, timeout))[0]:
            return False
        try:
            self.raw += os.read(self.master, 1 << 16)
        except OSError:
            return False
        return True

    def drain(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.pump(end - time.monotonic()) and self.process.poll() is not None:
                return

    def text(self):
        return ESCAPES.sub(b"", self.raw).decode("utf-8", "replace")

    def until(self, pattern, timeout=10):
        """Seconds since the epoch of the clock when the pattern had been painted; None if it never was."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if re.search(pattern, self.text()):
                return time.monotonic()
            if not self.pump(end - time.monotonic()) and self.process.poll() is not None:
                return None
        return None

    def key(self, key, pattern, timeout=3):
        self.drain(0.002)
        self.raw = b""
        began = time.monotonic()
        os.write(self.master, key)
        seen = self.until(pattern, timeout)
        return None if seen is None else seen - began

    def stat(self):
        fields = t.read("/proc/%d/stat" % self.process.pid).rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / HZ

    def memory(self):
        anon = re.search(r"RssAnon:\s+(\d+)", t.read("/proc/%d/status" % self.process.pid))
        pss = re.search(r"^Pss:\s+(\d+)", t.read("/proc/%d/smaps_rollup" % self.process.pid), re.M)
        return int(anon.group(1)) / 1024, int(pss.group(1)) / 1024

    def end(self, signo=signal.SIGKILL):
        """Ends the program and says whether the terminal is as it was before."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signo)
        end = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < end:
            self.pump(0.02)
        gone = self.process.poll() is not None
        if not gone:
            self.process.kill()
            self.process.wait()
        while self.pump(0.05):
            pass
        left = []
        if not gone:
            left.append("did not end")
        if termios.tcgetattr(self.slave) != self.modes_before:
            left.append("stty")
        for mode in (b"1049", b"25", b"1000", b"1002", b"1003", b"1006", b"2004", b"2026", b"1"):
            found = re.findall(rb"\x1b\[\?" + mode + rb"([hl])", self.raw_all())
            on_at_start = mode == b"25"
            if found and (found[-1] == b"h") != on_at_start:
                left.append("mode " + mode.decode())
        os.close(self.master)
        os.close(self.slave)
        return left

    def raw_all(self):
        return self.raw


class Bench:
    def __init__(self, args):
        self.args = args
        self.home = tempfile.mkdtemp(prefix="pgd-screen.")
        self.rows = []
        self.facts = {}
        self.floor_argv = [self.build_floor()]
        self.server = t.Server(t.pg_bin(15), rows=1000, conf=(
            "shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.track = all",
            "pg_stat_statements.track_utility = on", "track_io_timing = on", "shared_buffers = 256MB"))
        s = self.server
        s.sql("CREATE EXTENSION pg_stat_statements")
        s.sql("CREATE ROLE watcher SUPERUSER LOGIN")
        bin_dir = "/usr/lib/postgresql/15/bin" if os.path.exists("/usr/lib/postgresql/15/bin/pgbench") else s.bin
        self.pgbench = os.path.join(bin_dir, "pgbench")
        self.where = ["-h", s.host, "-p", s.port, "-U", "postgres"]
        subprocess.run([self.pgbench, "-i", "-q", "-s", "2"] + self.where + ["postgres"], check=True, capture_output=True)
        self.load = []

    def build_floor(self):
        out = os.path.join(self.home, "floor")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", out, os.path.join(HERE, "floor.c"), "-lncursesw",
                        "-Wl,--no-as-needed", "-lpq", "-lcurl", "-ljansson", "-lssh", "-luv"], check=True)
        return out

    def env(self):
        env = {k: v for k, v in os.environ.items() if k not in ("TMUX", "STY")}
        env.update(HOME=self.home, PG_DIAGNOSE_HOME=os.path.join(self.home, "state"), TERM="xterm-256color",
                   LC_ALL="C.UTF-8")
        return env

    def argv(self):
        s = self.server
        return [self.args.program, "-H", s.host, "-p", s.port, "-U", "watcher", "-d", "postgres"]

    def open(self, argv=None, ready="[0-9]+ sessions", settle=2.0):
        screen = Screen(argv or self.argv(), self.env())
        if screen.until(ready) is None:
            raise t.Failure("%s never showed %s: %s" % (screen.process.args[0], ready, screen.text()[-300:]))
        screen.drain(settle)
        return screen

    def busy(self, *flags):
        self.load.append(subprocess.Popen([self.pgbench, "-n", "-S", "-T", "600"] + list(flags) + self.where + ["postgres"],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def quiet(self):
        for p in self.load:
            p.kill()
            p.wait()
        self.load = []

    def row(self, what, bar, got, met, note=""):
        self.rows.append((what, bar, got, met, note))
        print("  %-34s %-18s %-14s %s %s" % (what, bar, got, {True: "pass", False: "MISS", None: "-"}[met], note), flush=True)

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
        n = 20 if self.args.quick else 50
        for name, begin, after in conditions:
            for attempt in range(3):
                samples, missed = self.key_samples(n, begin, after)
                a, b = p95(samples["floor"] or [9]), p95(samples["program"] or [9])
                if (b <= a + 0.003 and not missed) or a < 0.005:
                    break  # the floor's own figure says whether the machine was quiet enough to measure
            median = ms(statistics.median(samples["program"] or [9]))
            self.facts["key_" + name] = dict(floor=ms(a), program=ms(b), median=median, missed=missed)
            self.row("key to paint p95, " + name, "floor + 3 ms", "%.1f ms" % ms(b), b <= a + 0.003 and not missed,
                     "floor %.1f ms, median %.1f ms%s%s" % (ms(a), median, ", %d missed" % missed if missed else "",
                                                            ", attempt %d" % (attempt + 1) if attempt else ""))

    def key_samples(self, n, begin, after):
        ours, floor = self.open(), self.open(self.floor_argv, "floor ready")
        if begin:
            begin(ours)
            ours.drain(2)
        samples = {"floor": [], "program": []}
        missed = 0
        for i in range(n):
            for who, s, pattern in (("floor", floor, "floor help"), ("program", ours, "Keyboard help")):
                s.drain(0.05 + 0.037 * (i % 9))
                got = s.key(b"?", pattern)
                missed += got is None and who == "program"
                samples[who] += [got] if got is not None else []
                os.write(s.master, b"\x1b" if who == "program" else b"x")
                s.drain(0.08)
        if after:
            after(ours)
        ours.end()
        floor.end()
        return samples, missed

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

    def close(self):
        self.quiet()
        self.server.destroy()
        shutil.rmtree(self.home, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--program", default=t.PROGRAM)
    p.add_argument("--only", default="start,keys,resize,idle_cost,reconnect,signals,peers")
    p.add_argument("--json", default="")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    b = Bench(args)
    try:
        print("  %-34s %-18s %-14s" % ("what", "bar", "measured"), flush=True)
        for name in args.only.split(","):
            getattr(b, name)()
    finally:
        b.close()
    missed = [r[0] for r in b.rows if r[3] is False]
    print("%d bars met, %d missed%s (load of the machine %.1f)" % (
        sum(r[3] is True for r in b.rows), len(missed), ": " + "; ".join(missed) if missed else "", os.getloadavg()[0]))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(dict(rows=b.rows, facts=b.facts), f, indent=1)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
