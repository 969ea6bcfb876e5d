#!/usr/bin/env python3
"""What the screen shows of the server's host and its log, over a real sshd on a second host (tests/support/second_host.sh) and on
this machine: figures, processes, clock, gaps, and lines of the log. Figures by figures: tests/unit/test_hostloop.c.

figures    the host's own figures, not ours, and the server's busiest processes, behind a link with a delay; its clock is told
gap        the link is cut: a gap and its reason; it is back: figures again, with what was there before the gap still there
log        what the server writes: a temporary file, a configuration error, FATAL, a crash and its recovery
readonly   --readonly sees the same, as the server's own user
local      the log of a server on this machine
"""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import probe
import sshtest
import tunetest as t

AHEAD_S = 7.3
DELAY_MS = 150
CONF = t.SMALL + ("log_temp_files = 0",)
host = relay = screen = None


def open_screen(server, *flags, env=None):
    home = server.home()
    whole = {k: v for k, v in os.environ.items() if k not in ("TMUX", "STY")}
    whole.update(PG_DIAGNOSE_HOME=home, TERM="xterm-256color", LC_ALL="C.UTF-8", TZ="UTC", **(env or {}))
    s = probe.Screen([t.PROGRAM, "-H", server.host, "-p", str(server.port), "-U", "postgres", "-d", "postgres", *flags], whole)
    s.until(r"[0-9]+ sessions", 15 * t.SCALE)
    return s


def repaint(s):
    """The whole screen, anew: what changes a little is painted a little."""
    s.raw = b""
    os.write(s.master, b"\x0c")
    s.drain(0.4)
    return s.text()


def expect(s, pattern, seconds):
    """That pattern on the screen, within so many seconds; the match."""
    end = time.monotonic() + seconds * t.SCALE
    while True:
        found = re.search(pattern, repaint(s))
        if found:
            return found
        if time.monotonic() > end or s.process.poll() is not None:
            t.fail("%s was never shown: %s" % (pattern, s.text()[-5000:]))


def pane(s, key):
    """That pane alone."""
    os.write(s.master, key)
    if "(zoom)" not in repaint(s):
        os.write(s.master, b"z")


def wrong_clock():
    """date(1) there is ahead, as if its clock were."""
    host.exec("cp", "/usr/bin/date", "/var/tmp/date.real")
    host.exec("sh", "-c", "printf '#!/bin/sh\\nexec /var/tmp/date.real -d \"%s seconds\" \"$@\"\\n' >/var/tmp/date.wrong; "
              "chmod 755 /var/tmp/date.wrong; mount --bind /var/tmp/date.wrong /usr/bin/date" % AHEAD_S)


def figures():
    global relay, screen
    wrong_clock()
    relay = host.relay()
    relay.delay(DELAY_MS)
    screen = open_screen(host, *host.ssh_flags("dba", relay), env=host.env())
    pane(screen, b"3")
    found = expect(screen, r"host +via ssh, answers in ([0-9]+) ms, its clock is ([0-9.]+) s ahead of ours, within ([0-9.]+) s", 20)
    delay, ahead, error = int(found.group(1)), float(found.group(2)), float(found.group(3))
    t.check(2 * DELAY_MS <= delay < 2 * DELAY_MS + 400, "answers in %d ms" % delay)
    t.check(abs(ahead - AHEAD_S) <= error <= delay / 2000 + 0.05, "%s s ahead, within %s s" % (ahead, error))
    found = expect(screen, r"free[^0-9]*([0-9.]+) (MB|GB)", 5)
    here, there = t.read("/proc/meminfo"), host.exec("cat", "/proc/meminfo")
    ours, theirs = (int(re.search(r"MemAvailable: +([0-9]+)", x).group(1)) / 1024 for x in (here, there))
    shown = float(found.group(1)) * (1024 if found.group(2) == "GB" else 1)
    t.check(abs(shown - theirs) < abs(shown - ours), "%s MB free: there %d, here %d" % (shown, theirs, ours))
    session = subprocess.Popen([os.path.join(t.pg_bin(15), "psql"), "-Xq", "-h", host.address, "-p", host.port, "-U", "postgres",
                                "-c", "SELECT count(*) FROM generate_series(1, 100000000)"], stdout=subprocess.DEVNULL)
    try:
        found = expect(screen, r"busy +[0-9]+ +([0-9]+) % cpu +r [0-9.]+ w [0-9.]+ MB/s +[0-9.]+ .?B *postgres postgres \S+ SELECT", 15)
    finally:
        session.kill()
        session.wait()
    print("   answers in %d ms, its clock %.3f s ahead within %.3f s, busiest %s %%" % (delay, ahead, error, found.group(1)))


def gap():
    relay.cut()
    expect(screen, r"no figures for [0-9]+ s: the ssh link is down", 12)
    t.check("% cpu" not in screen.text(), "processes of a host that is gone")
    relay.resume()
    relay.delay(0)
    expect(screen, r"host +via ssh, answers in", 45)


def refused(server, name):
    try:
        server.sql("SELECT 1", database=name)
    except t.Failure:
        pass


def log():
    pane(screen, b"4")
    # it says what is off in that clock, and that is all: the log is dated by the kernel's, which both have
    expect(screen, r"the clock of the server's host is 7.[23] s ahead of ours", 5)
    sorts = "PERFORM count(*) FROM (SELECT j FROM generate_series(1, 30000) j ORDER BY j DESC) s;"
    host.sql("DO $$ BEGIN %s END $$" % sorts)
    expect(screen, r"server log [0-9:]+ LOG: temporary file of [0-9.]+ kB", 10)
    host.exec("sh", "-c", "echo 'no_such_setting = 1' >>%s/postgresql.conf" % host.data_there)
    host.sql("SELECT pg_reload_conf()")
    expect(screen, r"LOG: unrecognized configuration parameter \"no_such_setting\"", 10)
    host.exec("sh", "-c", "sed -i '/no_such_setting/d' %s/postgresql.conf" % host.data_there)
    refused(host, "nowhere")
    expect(screen, r"FATAL: database \"nowhere\" does not exist", 10)
    host.exec("sh", "-c", "kill -9 $(pgrep -f '[c]heckpointer')")
    expect(screen, r"was terminated by signal 9", 10)
    expect(screen, r"ready to accept connections", 20)
    screen.end()


def readonly():
    s = open_screen(host, *host.ssh_flags("postgres"), "--readonly", env=host.env())
    expect(s, r"host +via ssh", 15)
    pane(s, b"4")
    s.drain(2)
    refused(host, "elsewhere")
    expect(s, r"FATAL: database \"elsewhere\" does not exist", 12)
    s.end()
    t.wait_for("the end of what it ran there", 2, lambda: not host.guests())


def local():
    server = t.Server(t.pg_bin(15), conf=t.SMALL)
    try:
        s = open_screen(server)
        pane(s, b"4")
        of_log = lambda pid: pid.isdigit() and all(w in t.read("/proc/%s/cmdline" % pid, "") for w in ("pg_diagnose-log", server.data))
        t.wait_for("what follows the log", 20, lambda: any(of_log(pid) for pid in os.listdir("/proc")))
        s.drain(2)  # it begins at the log's end
        refused(server, "nowhere")
        expect(s, r"server log [0-9:]+ FATAL: database \"nowhere\" does not exist", 12)
        left = [pid for pid in os.listdir("/proc") if of_log(pid)]
        t.check(len(left) == 1, "scripts that follow the log: %s" % left)
        s.end()
        t.wait_for("its end", 2, lambda: not of_log(left[0]))
    finally:
        server.destroy()


def main():
    global host
    try:
        host = sshtest.SecondHost(conf=CONF)
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (figures, gap, log, readonly, local)})
    finally:
        if screen and screen.process.poll() is None:
            screen.end()
        host.destroy()


if __name__ == "__main__":
    main()
