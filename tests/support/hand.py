"""A program at a terminal as a person has it: what it shows (by libvterm), the places that can be reached without a model, and the way
back from each of them."""
import ctypes
import ctypes.util
import os
import re
import subprocess
import time

import probe
import tunetest as t

UP, DOWN, LEFT, RIGHT = b"\x1b[A", b"\x1b[B", b"\x1b[D", b"\x1b[C"
ESC, TAB, ENTER = b"\x1b", b"\t", b"\r"


class Rect(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("start_row", "end_row", "start_col", "end_col")]


class Terminal:
    """What a person would see: libvterm fed with what the program writes."""

    def __init__(self, rows, cols):
        name = ctypes.util.find_library("vterm") or "libvterm.so.0"
        self.lib = lib = ctypes.CDLL(name)
        for f in ("vterm_new", "vterm_obtain_screen"):
            getattr(lib, f).restype = ctypes.c_void_p
        lib.vterm_screen_get_text.restype = ctypes.c_size_t
        lib.vterm_screen_get_text.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, Rect]
        lib.vterm_input_write.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        lib.vterm_set_size.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        self.rows, self.cols = rows, cols
        self.vt = ctypes.c_void_p(lib.vterm_new(rows, cols))
        lib.vterm_set_utf8(self.vt, 1)
        self.screen = ctypes.c_void_p(lib.vterm_obtain_screen(self.vt))
        lib.vterm_screen_enable_altscreen(self.screen, 1)
        lib.vterm_screen_reset(self.screen, 1)

    def feed(self, data):
        self.lib.vterm_input_write(self.vt, data, len(data))

    def size(self, rows, cols):
        self.rows, self.cols = rows, cols
        self.lib.vterm_set_size(self.vt, rows, cols)

    def text(self):
        room = ctypes.create_string_buffer(self.cols * 4 + 1)
        lines = []
        for row in range(self.rows):
            n = self.lib.vterm_screen_get_text(self.screen, room, self.cols * 4, Rect(row, row + 1, 0, self.cols))
            lines.append(room.raw[:n].decode("utf-8", "replace"))
        return "\n".join(lines)


class Hand(probe.Screen):
    """A program on a pty with a terminal behind it."""

    def __init__(self, argv, env, rows=45, cols=160):
        self.terminal = Terminal(rows, cols)
        self.bytes, self.came = 0, 0.0
        super().__init__(argv, env)

    def size(self, rows, cols):
        self.terminal.size(rows, cols)
        super().size(rows, cols)

    def pump(self, timeout):
        before = len(self.raw)
        got = super().pump(timeout)
        self.came = time.monotonic()
        if len(self.raw) > before:
            self.terminal.feed(self.raw[before:])
            self.bytes += len(self.raw) - before
            self.raw = self.raw[-4096:]
        return got

    def press(self, key, wait=0.05):
        os.write(self.master, key)
        self.drain(wait)

    def sees(self, pattern, timeout):
        end = time.monotonic() + timeout
        while True:
            if re.search(pattern, self.terminal.text()):
                return True
            if time.monotonic() > end or self.process.poll() is not None:
                return False
            self.pump(0.05)

    def cpu(self):
        """CPU time of the whole process so far, seconds: clock_getcpuclockid(3) by its number."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def timed(self, key, pattern, timeout=5):
        """Seconds from the key to the arrival of the bytes that complete its answer."""
        self.drain(0.02)
        began = time.monotonic()
        os.write(self.master, key)
        while time.monotonic() - began < timeout:
            if self.pump(timeout) and re.search(pattern, self.terminal.text()):
                return self.came - began
        return None

    def to_panes(self):
        """Back to the panes, whatever is open. A question is answered with no."""
        for _ in range(8):
            screen = self.terminal.text()
            if "n stay" in screen:
                self.press(b"n")
            if "q close" in screen.splitlines()[-1]:
                self.press(b"q")
            self.press(ESC, 0.08)
        if self.process.poll() is not None:
            raise t.Failure("the program has ended: %s\n%s" % (self.process.returncode, self.terminal.text()))


def views():
    """Name and title of each live view, as the program's table has them."""
    table = t.read(os.path.join(t.SOURCE, "src/telemetry/tableview_list.c"))
    found = re.findall(r'\.name = "(\w+)",\s*\.title = "([^"]+)"', table)
    t.check(found, "no live view is known")
    return found


def places():
    """Name, keys to get there, what is on the screen then, keys to leave; "|" between keys that go one after the other."""
    panes = [("pane %d" % i, b"%d" % i, title, b"") for i, title in
             ((1, "1 Sessions"), (2, "2 Benchmark"), (3, "3 Telemetry"), (4, "4 AI"), (5, "5 Rounds"))]
    zoomed = [(name + " zoomed", keys + b"z", title, b"z") for name, keys, title, _ in panes]
    live = [("view " + name, b"/view %s\r" % name.encode(), title, ESC) for name, title in views()]
    return panes + zoomed + live + [
        ("help", b"?", "Keyboard help", ESC),
        ("status", b"/status\r", r"Status\b", ESC),
        ("commands", b"\x10", "Commands", ESC),
        ("themes", b"/theme\r", "Themes", ESC),
        ("cost", b"/cost\r", "Cost", ESC),
        ("health", b"/health\r", "Health", ESC),
        ("what would be sent", b"w", "byte by byte", ESC),
        ("sessions", b"/sessions\r", "Sessions of", ESC),
        ("record of a session", b"/sessions\r", "Sessions of", ENTER),
        ("the record itself", b"", r"\(read-only\)", ESC + b"|" + ESC),
        ("statements sent", b"/sql-log\r", "Statements that were sent", ESC),
        ("live views", b"0", "Live views", ESC),
        ("ending a session", b"/view activity\r|C", "Type the pid", ESC + b"|" + ESC),
        ("strategies", b"t", "pick a strategy", ENTER),
        ("plan", b"", "Plan of", DOWN * 13 + b"|e"),
        ("script", b"", "Ctrl-D take", ESC + b"|" + ESC + b"|" + ESC),
        ("a row of a view", b"/view activity\r|\r", ": one row", ESC + b"|" + ESC),
        ("replay", b"/replay\r", r"\[replay", b" |" + RIGHT + b"|+|]|.|q"),
    ]


def ended_session(bench):
    """A session that has ended, by the role and database of the screen, so that records, lists and replays have something to show."""
    s = bench.server
    script = s.script(t.STEADY)
    os.makedirs(bench.env()["PG_DIAGNOSE_HOME"], mode=0o700, exist_ok=True)
    run = subprocess.run([bench.args.program, "tune", "-H", s.host, "-p", s.port, "-U", "postgres", "-d", "postgres", "--script", script,
                          "--clients", "2", "--duration", "1", "--rounds", "1", "--json"],
                         capture_output=True, text=True, env=bench.env(), stdin=subprocess.DEVNULL, timeout=600)
    print("   a session to look at: exit %d, %s" % (run.returncode, (run.stdout.splitlines() or [""])[-1][:120]), flush=True)
