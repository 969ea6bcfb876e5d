#!/usr/bin/env python3
"""/handover: a session's settings go from postgresql.auto.conf to a managed file of the server's include_dir, or stay where they
are. On the screen, in tmux; the session is one of accept none that is made an archived one afterwards, with its journal."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tunetest as t  # noqa: E402


# Boundaries of src/app/kill_at.c, those that a hand-over meets.
VERSION = int(os.environ.get("PGD_TEST_VERSION", "15"))
KILLS = ("handover", "managed", "alter", "reload", "result")


class Screen:
    all = []

    def __init__(self, server, home, kill_at=None, path=None):
        Screen.all.append(self)
        self.socket = os.path.join(server.work, "tmux%d" % len(Screen.all))
        command = "exec env PG_DIAGNOSE_HOME=%s PATH=%s PGD_TEST_KILL_AT=%s %s -H %s -p %s -U postgres -d postgres" % (
            home, path or os.environ["PATH"], kill_at or "", t.TEST_PROGRAM if kill_at else t.PROGRAM, server.host, server.port)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "180", "-y", "50", command)
        self.expect("Press t to start")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket] + list(args), capture_output=True, text=True).stdout

    def text(self):
        """What the pane of the advisor says, its rows joined."""
        rows = [row.split("\u2502") for row in self.tmux("capture-pane", "-p").splitlines()]
        return " ".join(" ".join(cells[-2].split()) for cells in rows if len(cells) > 2)

    def expect(self, text, timeout=20):
        t.wait_for("%r in: %s" % (text, self.text()), timeout, lambda: text in self.text())

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        t.wait_for("the prompt", 20, lambda: "> " + line in self.tmux("capture-pane", "-p"))
        self.tmux("send-keys", "Enter")

    def gone(self):
        """The program has ended, and with it its terminal."""
        t.wait_for("the end of the program", 20, lambda: not self.tmux("list-panes"))

    def close(self):
        self.tmux("kill-server")


class World:
    """A server with conf.d, and a home with one archived session."""

    def __init__(self):
        self.server = t.Server(t.pg_bin(VERSION), conf=t.SMALL, rows=10)
        self.folder = os.path.join(self.server.data, "conf.d")
        os.mkdir(self.folder)
        shutil.copystat(self.server.data, self.folder)
        if os.geteuid() == 0:
            subprocess.run(["chown", self.server.osuser, self.folder], check=True)
        self.conf("include_dir = 'conf.d'")
        self.file = os.path.join(self.folder, "zz-pg_diagnose.conf")
        self.home = self.server.home()
        script = self.server.script("SELECT 1;\n")
        run = t.Run(self.server, self.home, script, "--duration", "1").end()
        state = '"%s"' % run.summary["state"]
        self.dir = run.session_dir()
        for path in (os.path.join(self.dir, "session.json"), os.path.join(self.dir, "../../index.json")):
            text = t.read(path)
            t.check(state in text, text[:300])
            with open(path, "w") as f:
                f.write(text.replace(state, '"ARCHIVED"'))

    def conf(self, line):
        with open(os.path.join(self.server.data, "postgresql.conf"), "a") as f:
            f.write(line + "\n")
        self.server.sql("SELECT pg_reload_conf()")

    def without_folder(self):
        path = os.path.join(self.server.data, "postgresql.conf")
        text = t.read(path).replace("include_dir = 'conf.d'\n", "").replace("work_mem = '2MB'\n", "")
        with open(path, "w") as f:
            f.write(text)
        self.server.sql("SELECT pg_reload_conf()")

    def journal(self):
        return t.parse_journal(os.path.join(self.dir, "journal.jsonl"))

    def ours(self, **settings):
        """What the session has left: entries by ALTER SYSTEM, as its journal says."""
        no = max([r.get("no", 0) for r in self.journal()] + [0])
        items = []
        for name, value in settings.items():
            self.server.sql("ALTER SYSTEM SET %s = '%s'" % (name, value))
            items.append({"name": name, "before": {"present": False, "value": None}, "to": {"present": True, "value": value}})
        self.server.sql("SELECT pg_reload_conf()")
        with open(os.path.join(self.dir, "journal.jsonl"), "a") as f:
            f.write(json.dumps({"event": "intent", "no": no + 1, "arm": "best", "restart": False, "items": items, "undo":
                                ["ALTER SYSTEM RESET " + i["name"] for i in items], "at": None}) + "\n")
            f.write(json.dumps({"event": "applied", "no": no + 2, "intent": no + 1, "restarted": False}) + "\n")

    def phases(self):
        return [r["phase"] for r in self.journal() if r["event"] == "handover"]

    def source(self, name):
        return self.server.sql("SELECT setting || ' ' || coalesce(sourcefile, '') FROM pg_settings WHERE name = '%s'" % name)

    def close(self):
        self.server.destroy()


def to_the_managed_file(w):
    """What stands there for other settings stays; the same values come from there now."""
    with open(w.file, "w") as f:
        f.write("# ours\nwork_mem = '1MB'\nlog_temp_files = 77\n")
    w.ours(work_mem="7MB", random_page_cost="1.1")
    s = Screen(w.server, w.home)
    s.type("/handover")
    s.expect("handover go writes 2 settings")
    t.check(w.phases() == [], "it was done without the wish: %s" % w.phases())
    s.type("/handover go")
    s.expect("handed over: 2 settings")
    t.check(w.phases() == ["begin", "done"], "%s" % w.phases())
    t.check(w.server.entries() == {}, "left: %s" % w.server.entries())
    t.check(w.source("work_mem") == "7168 " + w.file, w.source("work_mem"))
    t.check(w.source("random_page_cost") == "1.1 " + w.file, w.source("random_page_cost"))
    text = t.read(w.file)
    t.check("log_temp_files = 77\n" in text and "'1MB'" not in text, text)
    t.check(sorted(os.listdir(w.folder)) == ["zz-pg_diagnose.conf"], "%s" % os.listdir(w.folder))
    t.check(not t.Ledger([r for r in w.journal() if r["event"] != "handover"]).explain(w.server.entries(), {}), "journal")
    s.type("/handover")
    s.expect("has left nothing")
    s.close()


def killed_on_the_way(w):
    """Whatever was done, the server has the same values, and the next one finishes it."""
    for number, at in enumerate(KILLS):
        value = 10 + number
        w.ours(work_mem="%dMB" % value)
        s = Screen(w.server, w.home, kill_at=at)
        s.type("/handover go")
        s.gone()
        shown = w.server.sql("SHOW work_mem")
        t.check(shown == "%dMB" % value, "killed at %s: %s" % (at, shown))
        s = Screen(w.server, w.home)
        s.type("/handover go")
        t.wait_for("the end after " + at, 20, lambda: "handed over: 1 settings" in s.text() or "left nothing" in s.text())
        t.check(w.server.entries() == {}, "killed at %s: %s" % (at, w.server.entries()))
        t.check(w.source("work_mem") == "%d %s" % (value * 1024, w.file), "killed at %s: %s" % (at, w.source("work_mem")))
        s.close()


def a_later_line(w):
    """A line that is read later would win: nothing changes hands."""
    w.ours(work_mem="5MB")
    w.conf("work_mem = '2MB'")
    before = t.read(w.file)
    s = Screen(w.server, w.home)
    s.type("/handover go")
    s.expect("which is read later")
    t.wait_for("the end", 20, lambda: w.phases()[-1] == "undone")
    t.check(w.server.entries() == {"work_mem": "5MB"} and w.server.sql("SHOW work_mem") == "5MB", "%s" % w.server.entries())
    t.check(t.read(w.file) == before, t.read(w.file))
    s.close()


def a_folder_of_root(w):
    """Root does not write where the server's owner must not."""
    if os.geteuid() != 0:
        return
    w.ours(work_mem="6MB")
    before, done, there = t.read(w.file), len(w.phases()), os.listdir(w.folder)
    os.chmod(w.folder, 0o755)
    os.chown(w.folder, 0, 0)
    s = Screen(w.server, w.home)
    s.type("/handover go")
    s.expect("conf.d cannot be written to")
    t.check(w.server.entries() == {"work_mem": "6MB"} and len(w.phases()) == done, "%s" % w.phases())
    t.check(t.read(w.file) == before and os.listdir(w.folder) == there, "%s" % os.listdir(w.folder))
    s.close()
    shutil.chown(w.folder, w.server.osuser)


class Meddler:
    """Somebody who edits the managed file while we work: a sync(1) in front of the real one that does so when it is told to sync
    what matches the pattern, the first time."""

    def __init__(self, w, pattern, edit):
        self.dir = os.path.join(w.server.work, "meddler%d" % len(Screen.all))
        os.mkdir(self.dir, 0o755)
        self.done = self.dir + "/done"
        with open(self.dir + "/sync", "w") as f:
            f.write("#!/bin/sh\ncase $1 in\n%s) [ -e %s ] || { : >%s; %s; } ;;\nesac\nexec %s \"$@\"\n" %
                    (pattern, self.done, self.done, edit, shutil.which("sync")))
        os.chmod(self.dir + "/sync", 0o755)
        os.chmod(self.dir, 0o777)
        self.path = self.dir + ":" + os.environ["PATH"]


def ends_undone(w, s, words, value, before):
    """The check finds what somebody else has done meanwhile: our entry stands as before, and so does the file."""
    s.expect("the settings stay where they were", 40)
    t.check(words in s.text(), s.text())
    t.wait_for("the end", 20, lambda: w.phases()[-1] == "undone")
    t.check(w.server.entries() == {"work_mem": value} and w.server.sql("SHOW work_mem") == value, "%s" % w.server.entries())
    t.check(w.source("work_mem").endswith("postgresql.auto.conf"), w.source("work_mem"))
    t.check(t.read(w.file) == before and os.listdir(w.folder) == ["zz-pg_diagnose.conf"], "%s" % os.listdir(w.folder))
    t.wait_for("the lock", 5, lambda: w.server.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0")
    s.close()


def broken_meanwhile(w):
    """Between our write and our check: nothing has left postgresql.auto.conf yet."""
    w.ours(work_mem="9MB")
    before, log = t.read(w.file), len(t.read(os.path.join(w.server.dir, "log")))
    meddler = Meddler(w, w.folder, "echo 'jit = perhaps' >>%s; sed -i s/9MB/9XB/ %s" % (w.file, w.file))
    s = Screen(w.server, w.home, path=meddler.path)
    s.type("/handover go")
    ends_undone(w, s, "work_mem is 9XB", "9MB", before)
    t.check(os.path.exists(meddler.done), "nobody has edited it")
    t.check("RESET" not in t.read(os.path.join(w.server.dir, "log"))[log:], "our entry was away for a while")


def changed_meanwhile(w):
    """Between our check and our RESET: the value would be another one then."""
    w.ours(work_mem="11MB")
    before = t.read(w.file)
    records = len(w.journal())
    s = Screen(w.server, w.home, kill_at="journal:99", path=os.environ["PATH"] + " PGD_TEST_FSYNC_DELAY_MS=1500 "
               "PGD_TEST_FSYNC_DELAY_FILE=journal.jsonl")
    s.type("/handover go")
    t.wait_for("the intent to RESET", 20, lambda: any(r["event"] == "intent" for r in w.journal()[records:]))
    text = t.read(w.file)
    t.check("'11MB'" in text and w.server.entries() == {"work_mem": "11MB"}, "too late: " + text)
    with open(w.file, "w") as f:
        f.write(text.replace("11MB", "12MB"))
    ends_undone(w, s, "work_mem", "11MB", before)


def holds_the_lock(w):
    """As long as it works nobody else begins to tune, and afterwards anybody may."""
    w.ours(work_mem="13MB")
    seen = w.server.work + "/seen"
    look = "%s/psql -XqAt -h %s -p %s -U postgres -d postgres -c \"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND " \
           "classid = 1885824105\" >>%s" % (w.server.bin, w.server.host, w.server.port, seen)
    open(seen, "w").close()
    os.chmod(seen, 0o666)
    s = Screen(w.server, w.home, path=Meddler(w, w.folder, look).path)
    s.type("/handover go")
    s.expect("handed over: 1 settings")
    t.check(t.read(seen).strip() == "1", "%r locks while it works" % t.read(seen))
    t.wait_for("the lock", 5, lambda: w.server.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0")
    s.close()


def another_one_tunes(w):
    """Whoever holds the lock of a tuning session is not worked against."""
    w.ours(work_mem="8MB")
    done = len(w.phases())
    other = subprocess.Popen([w.server.bin + "/psql", "-X", "-q", "-h", w.server.host, "-p", w.server.port, "-U", "postgres", "-d",
                              "postgres"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        other.stdin.write("SELECT pg_advisory_lock(1885824105, 1634168431);\n")
        other.stdin.flush()
        t.wait_for("the lock", 20, lambda: w.server.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "1")
        s = Screen(w.server, w.home)
        s.type("/handover go")
        s.expect("a session of postgres tunes this server")
        t.check(w.server.entries() == {"work_mem": "8MB"} and len(w.phases()) == done, "%s" % w.phases())
        s.close()
    finally:
        other.stdin.close()
        other.wait()


def by_the_dba(w):
    """Without a folder of ours to write to, the DBA moves the values, and only then ours go."""
    w.without_folder()
    w.ours(work_mem="7MB")
    done = len(w.phases())
    s = Screen(w.server, w.home)
    s.type("/handover go")
    s.expect("has no include_dir")
    t.check(w.server.entries() == {"work_mem": "7MB"} and len(w.phases()) == done, "%s" % w.phases())
    w.conf("work_mem = 7168kB")
    s.type("/handover go")
    s.expect("handed over: 1 settings")
    t.check(w.server.entries() == {} and w.source("work_mem").startswith("7168 "), w.source("work_mem"))
    s.close()


def through(*parts):
    w = World()
    try:
        for part in parts:
            part(w)
    finally:
        for s in Screen.all:
            s.close()
        w.close()


def handover():
    through(to_the_managed_file, killed_on_the_way, holds_the_lock, broken_meanwhile, changed_meanwhile, a_folder_of_root,
            another_one_tunes, a_later_line, by_the_dba)


def kills():
    """The kills alone, for tests/soak/kill_boundaries.py."""
    through(killed_on_the_way)
    print("kills: %d" % len(KILLS))


t.main({f.__name__: f for f in ((kills,) if os.environ.get("PGD_SOAK") else (handover,))})
