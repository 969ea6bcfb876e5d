"""One version of PostgreSQL seen by one role: what discovery and telemetry tell, a session as far as the role may go, and the
full screen; and that none of it leaves an error in the server's log."""
import csv
import glob
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import tunetest as t

ROLES = {"superuser": "postgres", "pg_monitor": "mon", "ordinary": "joe"}
# Figures that a role without pg_read_all_stats does not get: the discovery names the right that is missing.
HIDDEN = {"active": "what the sessions of others do", "waiting": "what the sessions of others do"}
# Needs a request to the disk, or something to swap, in that second: may be empty on an idle machine.
MAY_REST = {"disk_await"}


def start(version):
    """A server of that version with a role of each kind. Others' sessions are there, so that there is something to hide."""
    server = t.Server(t.pg_bin(version), conf=t.SMALL + ("log_min_error_statement = info",))
    server.version = version
    server.sql("CREATE ROLE mon LOGIN IN ROLE pg_monitor")
    server.sql("CREATE ROLE joe LOGIN")
    server.sql("GRANT SELECT ON sorted TO mon, joe")
    return server


# The end of a session, and a statement that a loaded machine does not end before our deadline.
NO_COMPLAINT = re.compile("terminating connection due to administrator command|connection to client lost|"
                          "canceling statement due to user request")


def complaints(server, seen):
    """Lines of the server's log from byte seen on that tell of an error, and who asked for it."""
    with open(os.path.join(server.dir, "log"), "rb") as f:
        f.seek(seen)
        text = f.read().decode("utf-8", "replace")
    return [line for line in text.splitlines() if re.search(r"\b(ERROR|FATAL|PANIC):", line)
            and not NO_COMPLAINT.search(line)]


def log_size(server):
    return os.path.getsize(os.path.join(server.dir, "log"))


def quiet(server, seen):
    lines = complaints(server, seen)
    t.check(not lines, "we caused errors in the server's log:\n" + "\n".join(lines[:20]))


def check_discovery(server, role, run):
    found = run.events("discovery")
    t.check(len(found) == 1, "discovery events: %s\n%s" % (found, run.said))
    d = found[0]
    t.check(d["version_num"] // 10000 == server.version, "another version: %s" % d)
    t.check(d["system_identifier"] and d["role"] == ROLES[role] and d["superuser"] == (role == "superuser"), "%s" % d)
    t.check(d["settings"] > 250 and d["databases"] >= 1 and d["relations"] >= 1, "%s" % d)
    t.check(d["local"] or role == "ordinary", "this machine's own server is not known as such: %s" % d)
    t.check((d["missing"] > 0) == (role != "superuser") or server.version < 14, "missing: %s\n%s" % (d, run.said))
    sight = run.events("first_sight")
    t.check(len(sight) == 1 and sight[0]["headline"] and sight[0]["strategies"] > 0, "first sight: %s" % sight)
    if role != "superuser":
        for right in ("ALTER SYSTEM", "reload", "CHECKPOINT"):
            t.check(re.search(r"^%s: .*(GRANT|superusers)" % right, run.said, re.M),
                    "%s is missing and not named: %s" % (right, run.said))
    if role == "ordinary":
        t.check("what the sessions of others do: GRANT pg_read_all_stats" in run.said, run.said)


def check_telemetry(role, run):
    """Every column of the measured runs has figures, or the right to see them is named."""
    paths = sorted(glob.glob(os.path.join(run.session_dir(), "telemetry", "run*.csv")))
    t.check(paths, "no telemetry was kept in " + run.session_dir())
    figures = {}
    for path in paths:
        for row in csv.DictReader(open(path, encoding="utf-8")):
            for name, value in row.items():
                figures[name] = figures.get(name, 0) + (value not in ("", None))
    t.check(len(figures) > 20, "columns: %s" % figures)
    for name, n in figures.items():
        if n == 0 and name not in MAY_REST:
            why = HIDDEN.get(name)
            t.check(why and role == "ordinary" and why + ": GRANT" in run.said,
                    "no figure of %s in %d files, and no reason" % (name, len(paths)))
    return len(figures)


def whole_session(server):
    """A superuser's: it is measured to its end and what it leaves is in force."""
    seen = log_size(server)
    run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--budget", "3",
                "--accept", "safe", "--restart", "never").end(240)
    t.check(run.code in (0, 1) and run.summary["state"] in ("ARCHIVED", "FAILED"),
            "exit %d: %s\n%s" % (run.code, run.summary, run.said))
    check_discovery(server, "superuser", run)
    check_telemetry("superuser", run)
    for kind in ("baseline", "proposal", "guard", "apply", "verify", "verdict"):
        t.check(run.events(kind), "no event %s\n%s" % (kind, run.said))
    t.check(not [e for e in run.events("guard") if e["restart"] and not e["refused"]], "a restart was proposed")
    for change in run.summary["changes"]:
        t.check(server.sql("SHOW " + change["name"]) == change["to"], "%s was not left" % change)
    wrong = t.Ledger(run.journal()).explain(server.entries(), {})
    t.check(not wrong, "; ".join(wrong))
    quiet(server, seen)
    server.sql("ALTER SYSTEM RESET ALL")
    server.sql("SELECT pg_reload_conf()")
    return run


def looked_at(server, role):
    """A role that may not change anything: everything is measured and proposed, nothing is tried in vain."""
    seen = log_size(server)
    run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--budget", "3",
                "--accept", "none", "-U", ROLES[role]).end(120)
    t.check(run.code == 0 and run.summary["state"] == "PAUSED", "exit %d: %s\n%s" % (run.code, run.summary, run.said))
    check_discovery(server, role, run)
    check_telemetry(role, run)
    t.check(run.events("proposal"), "nothing was proposed")
    t.check(server.entries() == {}, "something was changed: %s" % server.entries())
    quiet(server, seen)
    return run


def may_not(server, role):
    """--accept safe of a role that may not: refused or left to the DBA in plain words, before anything is sent."""
    seen = log_size(server)
    run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--budget", "3",
                "--accept", "safe", "-U", ROLES[role]).end(120)
    t.check(run.code in (1, 2, 5), "exit %d: %s\n%s" % (run.code, run.summary, run.said))
    t.check("ALTER SYSTEM" in run.said, "what is missing is not said: " + run.said)
    t.check(server.entries() == {} and run.summary["changes"] == [], "%s %s" % (server.entries(), run.summary))
    quiet(server, seen)
    return run


class Screen:
    """The full screen in a tmux of its own."""

    def __init__(self, args, home, rows=50, cols=180):
        self.dir = tempfile.mkdtemp(prefix="pgd-tmux.")
        self.socket = os.path.join(self.dir, "s")
        self.err = os.path.join(self.dir, "err")
        line = " ".join("'%s'" % a.replace("'", "'\\''") for a in [t.PROGRAM] + args)
        self.tmux("new-session", "-d", "-x", str(cols), "-y", str(rows), "-s", "s",
                  "PG_DIAGNOSE_HOME='%s' %s 2>'%s'; echo ended with $?; sleep 600" % (home, line, self.err))

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null"] + list(args), capture_output=True, text=True,
                              env=dict(os.environ, TERM="xterm-256color"))

    def text(self):
        return self.tmux("capture-pane", "-p", "-t", "s").stdout

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "s", *keys)

    def expect(self, pattern, timeout=20):
        try:
            return t.wait_for(pattern, timeout, lambda: re.search(pattern, self.text(), re.M), 0.2)
        except t.Failure as e:
            t.fail("%s, but this is on the screen:\n%s\n%s" % (e, self.text(), t.read(self.err, "")))

    def close(self):
        self.tmux("kill-server")
        subprocess.run(["rm", "-rf", self.dir])


# What must be seen of the server in the telemetry pane; for an ordinary role the counts of other sessions' states are
# hidden, which it must say.
PANE = [r"load +xacts +.*\d/s", r"cpu +us .*\d %", r"wal .*\d (B|kB|MB)/s", r"forced", r"backend .*\d", r"cache +hit .*\d",
        r"rows +read .*\d", r"memory free .*(MB|GB)", r"temp .*\d"]


def live_views(screen):
    """Each view is answered, or says in words of its own what it lacks."""
    titles = re.findall(r'\.title = "([^"]+)"', t.read(os.path.join(t.SOURCE, "src/telemetry/tableview_list.c")))
    screen.keys("6")
    for title in titles:
        screen.expect(r"^\S (\S )?%s " % re.escape(title))
        screen.expect(r"\d rows?( |,)|active sessions, |the extension \w+ is not in|does not tell it|No sample in this time")
        shown = screen.text()
        bad = re.search(r"(?i)^.*(permission denied|ERROR:|syntax error|does not exist|the answer has other columns|missed: ).*$",
                        shown, re.M)
        t.check(not bad, "an error is in the view %s: %s\n%s" % (title, bad and bad.group(0), shown))
        screen.keys("Tab")
    screen.keys("q")


def on_the_screen(server, role):
    seen = log_size(server)
    noise = subprocess.Popen([t.PG, "psql", server.dir, "postgres",
                              "SELECT count(pad) FROM sorted a; SELECT pg_sleep(8)"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    screen = Screen(["-H", server.host, "-p", server.port, "-U", ROLES[role], "-d", "postgres"], server.home())
    try:
        screen.expect(r"\d+ sessions")
        screen.expect(r"\d+ xact/s")
        for line in PANE:
            screen.expect(line)
        screen.expect(r"active +hidden" if role == "ordinary" else r"active .*\d")
        shown = screen.text()
        bad = re.search(r"(?i)^.*(permission denied|ERROR:|syntax error|does not exist|must be superuser).*$", shown, re.M)
        t.check(not bad, "an error is on the screen: %s\n%s" % (bad and bad.group(0), shown))
        screen.keys("s")
        screen.expect(r"control link")
        if role != "superuser":
            screen.expect(r"not to be seen +")
        screen.keys("Escape")
        time.sleep(0.3)
        live_views(screen)
        time.sleep(0.3)
        screen.keys("q")
        screen.expect(r"ended with 0")
        t.check("Sanitizer" not in t.read(screen.err, ""), t.read(screen.err, ""))
        quiet(server, seen)
    finally:
        screen.close()
        os.killpg(noise.pid, signal.SIGKILL)
        noise.wait()


def one(server, role):
    """Everything of one role; returns a line for people."""
    started = time.monotonic()
    if role == "superuser":
        run = whole_session(server)
        what = "%s, %d change(s)" % (run.summary["verdict"], len(run.summary["changes"]))
    else:
        looked_at(server, role)
        run = may_not(server, role)
        what = "refused with exit %d" % run.code
    on_the_screen(server, role)
    return "%d as %s: %s, %d missing (%.0f s)" % (server.version, role, what, run.events("discovery")[0]["missing"],
                                                  time.monotonic() - started)
