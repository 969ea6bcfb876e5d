"""What the measurements on a screen share: a program on a pseudo terminal of its own, the smallest program of its kind beside it
(bench/floor.c), a server, load, and the table of what was measured against which bar."""
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

import tunetest as t

HERE = os.path.dirname(os.path.abspath(__file__))
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


def build_floor(folder):
    """The program whose times are the floor of every bar, built in that folder."""
    out = os.path.join(folder, "floor")
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", out, os.path.join(HERE, "../bench/floor.c"), "-lncursesw",
                    "-Wl,--no-as-needed", "-lpq", "-lcurl", "-ljansson", "-lssh", "-luv"], check=True)
    return out


class Bench:
    def __init__(self, args):
        self.args = args
        self.home = tempfile.mkdtemp(prefix="pgd-screen.")
        self.rows = []
        self.facts = {}
        self.floor_argv = [build_floor(self.home)]
        self.server = t.Server(t.pg_bin(15), rows=1000, conf=(
            "shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.track = all",
            "pg_stat_statements.track_utility = on", "track_io_timing = on", "shared_buffers = 256MB"))
        s = self.server
        s.sql("CREATE EXTENSION pg_stat_statements")
        # no superuser: the program's statements are left out of pg_stat_statements where it may do that
        s.sql("CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
        bin_dir = "/usr/lib/postgresql/15/bin" if os.path.exists("/usr/lib/postgresql/15/bin/pgbench") else s.bin
        self.pgbench = os.path.join(bin_dir, "pgbench")
        self.where = ["-h", s.host, "-p", s.port, "-U", "postgres"]
        subprocess.run([self.pgbench, "-i", "-q", "-s", "2"] + self.where + ["postgres"], check=True, capture_output=True)
        self.load = []

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

    def keys_in_turn(self, ours, floor, n):
        """Key to paint of both, in turn: their seconds, and how many keys of ours had no answer."""
        samples, missed = {"floor": [], "program": []}, 0
        for i in range(n):
            for who, s, pattern in (("floor", floor, "floor help"), ("program", ours, "Keyboard help")):
                s.drain(0.05 + 0.037 * (i % 9))
                got = s.key(b"?", pattern)
                missed += got is None and who == "program"
                samples[who] += [got] if got is not None else []
                os.write(s.master, b"\x1b" if who == "program" else b"x")
                s.drain(0.08)
        return samples, missed

    def key_row(self, what, measure):
        """A row of the table from measure(), which returns what keys_in_turn() does. It gets three attempts: the floor's own figure
        says whether the machine was quiet enough to measure."""
        for attempt in range(3):
            samples, missed = measure()
            a, b = p95(samples["floor"] or [9]), p95(samples["program"] or [9])
            if (b <= a + 0.003 and not missed) or a < 0.005:
                break
        median = {who: ms(statistics.median(samples[who] or [9])) for who in samples}
        self.facts[what] = dict(floor=ms(a), program=ms(b), median=median["program"], missed=missed)
        self.row("key to paint p95, " + what, "floor + 3 ms", "%.1f ms" % ms(b), b <= a + 0.003 and not missed,
                 "floor %.1f ms, median %.1f ms (floor %.1f)%s%s" % (
                     ms(a), median["program"], median["floor"], ", %d missed" % missed if missed else "",
                     ", attempt %d" % (attempt + 1) if attempt else ""))

    def close(self):
        self.quiet()
        self.server.destroy()
        shutil.rmtree(self.home, ignore_errors=True)


def main(bench, doc, parts):
    """Runs the named methods of that Bench, or those of --only, and says which bars were missed; 1 then."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--program", default=t.PROGRAM)
    p.add_argument("--only", default=",".join(parts))
    p.add_argument("--json", default="")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    b = bench(args)
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
