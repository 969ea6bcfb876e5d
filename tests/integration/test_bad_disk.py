#!/usr/bin/env python3
"""What may stand where a file of the workspace should be: links, pipes, folders, devices, files of other users, files without
rights, files cut short. The program says which file it is, never waits for it, reads and writes nothing through a link, leaves
it as it is, and the rest of the workspaces stays usable."""
import glob
import json
import os
import shutil
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

server = None
paused = None  # a run that ended PAUSED: its home is copied for each case
FILES = ("workspace.json", "index.json", "session.json", "journal.jsonl")
ROOT = os.getuid() == 0
AS_POSTGRES = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]


class Home:
    """A copy of the home with the paused session, and beside it an intact workspace called other_local."""

    def __init__(self):
        self.path = server.home()
        shutil.rmtree(self.path)
        shutil.copytree(paused.home, self.path)
        self.workspaces = os.path.join(self.path, "workspaces")
        self.name = paused.summary["workspace"]
        self.workspace = os.path.join(self.workspaces, self.name)
        self.session = os.path.join(self.workspace, "sessions", paused.summary["session"])
        shutil.copytree(self.workspace, os.path.join(self.workspaces, "other_local"))
        self.outside = os.path.join(server.work, "outside-" + os.path.basename(self.path))
        shutil.copytree(self.workspace, self.outside)

    def file(self, name, below=None):
        below = below or self.workspace
        if name in ("session.json", "journal.jsonl"):
            below = os.path.join(below, "sessions", paused.summary["session"])
        return os.path.join(below, name)


def contents(folder):
    """Every regular file below a folder, with what it holds."""
    found = {}
    for path in glob.glob(folder + "/**", recursive=True):
        if stat.S_ISREG(os.lstat(path).st_mode):
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = f.read()
    return found


def program(home, *args, wrap=()):
    """(exit code, stdout, stderr); a program that waits for a pipe fails the test."""
    began = time.monotonic()
    done = subprocess.run(list(wrap) + [t.PROGRAM] + list(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=30 * t.SCALE, env=dict(os.environ, PG_DIAGNOSE_HOME=home.path))
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    t.check("Sanitizer" not in err, err)
    t.check(time.monotonic() - began < 20 * t.SCALE, "%s took too long" % (args,))
    return done.returncode, out, err


def look(home, wrap=()):
    """A run that opens the workspace and what was interrupted there, and has nothing to measure."""
    code, out, err = program(home, "tune", "-H", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres",
                             "--script", "/nonexistent.sql", "--duration", "1", "--accept", "safe", "--json", wrap=wrap)
    t.check(json.loads(out.splitlines()[-1])["event"] == "summary", out)
    return code, out, err


def others_usable(home, case, wrap=()):
    """The list and the other workspace's export do not mind."""
    code, out, err = program(home, "workspaces", "--json", wrap=wrap)
    names = [json.loads(line)["name"] for line in out.splitlines()]
    t.check(code == 0 and "other_local" in names, "%s: workspaces: %d %s %s" % (case, code, out, err))
    code, out, err = program(home, "export", "other_local", wrap=wrap)
    t.check(code == 1 and not out and "It has 1 PAUSED." in err, "%s: export: %d %s %s" % (case, code, out, err))
    exports = os.path.join(home.workspaces, "other_local", "exports")
    t.check(os.listdir(exports) == [], "%s: written without an archived session: %s" % (case, os.listdir(exports)))


# ---- what stands there instead ----

def link_outside(path, home):
    os.unlink(path)
    os.symlink(os.path.join(home.outside, os.path.relpath(path, home.workspace)), path)


def pipe(path, home):
    os.unlink(path)
    os.mkfifo(path, 0o600)


def folder(path, home):
    os.unlink(path)
    os.mkdir(path, 0o700)


def endless(path, home):
    os.unlink(path)
    os.symlink("/dev/zero", path)


def of_another_user(path, home):
    os.chown(path, 65534, 65534)


KINDS = (link_outside, pipe, folder, endless) + ((of_another_user,) if ROOT else ())


def instead_of(name):
    """Each kind in the place of one file."""
    before = server.entries()
    for kind in KINDS:
        case = "%s: %s" % (name, kind.__name__)
        home = Home()
        path = home.file(name)
        kind(path, home)
        there, outside = os.lstat(path), contents(home.outside)
        code, out, err = look(home)
        t.check(code in (1, 2, 5), "%s: exit %d %s" % (case, code, err))
        t.check(name in err, "%s: the file is not named: %s" % (case, err))
        now = os.lstat(path)
        t.check((now.st_mode, now.st_ino) == (there.st_mode, there.st_ino), "%s: it was replaced" % case)
        t.check(contents(home.outside) == outside, "%s: something was written outside of the home" % case)
        others_usable(home, case)
        if name == "index.json":
            code, out, err = program(home, "export", home.name)
            t.check(code == 2 and name in err, "%s: export of it: %d %s" % (case, code, err))
    t.check(server.entries() == before, "postgresql.auto.conf changed: %s" % server.entries())


def a_workspace_file():
    instead_of("workspace.json")


def an_index():
    instead_of("index.json")


def a_session():
    instead_of("session.json")


def a_journal():
    instead_of("journal.jsonl")


# ---- folders ----

def linked_folders():
    """No folder on the way is a link, wherever it leads."""
    for part in ("workspaces", "workspace", "sessions", "session"):
        home = Home()
        way = {"workspaces": home.workspaces, "workspace": home.workspace,
               "sessions": os.path.join(home.workspace, "sessions"), "session": home.session}[part]
        moved = home.outside + "." + part
        os.rename(way, moved)
        os.symlink(moved, way)
        left = contents(moved)
        code, out, err = look(home)
        t.check(code in (1, 2, 5), "%s: exit %d %s" % (part, code, err))
        t.check("symbolic link" in err, "%s: %s" % (part, err))
        t.check(contents(moved) == left, "%s: something was written through the link" % part)
        t.check(os.path.islink(way), "%s: the link was replaced" % part)


# ---- rights, hard links ----

def without_rights():
    """A file that may not be read is not taken for one that is not there."""
    wrap = AS_POSTGRES if ROOT else []
    for name in FILES:
        home = Home()
        path = home.file(name)
        os.chmod(path, 0)
        if ROOT:
            subprocess.run(["chown", "-R", "postgres:postgres", home.path], check=True)
        code, out, err = look(home, wrap)
        t.check(code in (1, 2, 5), "%s: exit %d %s" % (name, code, err))
        t.check(name in err, "%s: the file is not named: %s" % (name, err))
        if name != "index.json":  # the list is made again from the folders
            t.check(stat.S_IMODE(os.lstat(path).st_mode) == 0, "%s was replaced" % name)
        others_usable(home, name, wrap)


def hard_links():
    """What is saved is a new file: its other name keeps the old text."""
    home = Home()
    others = {}
    for name in ("index.json", "workspace.json", "session.json"):
        other = os.path.join(home.outside, "other-" + name)
        os.link(home.file(name), other)
        others[other] = t.read(other)
    code, out, err = look(home)
    t.check(code in (1, 2, 5), "exit %d %s" % (code, err))
    for other, text in others.items():
        t.check(t.read(other) == text, "%s was written to" % other)


# ---- cut short ----

def cut_short():
    """Wherever it is cut: named, left as it is (but for the list, which is made again), nothing changed on the server."""
    before = server.entries()
    for name in ("workspace.json", "session.json"):
        for part in (0, 1, 0.5, -2):
            home = Home()
            path = home.file(name)
            with open(path, "rb") as f:
                data = f.read()
            left = data[:int(len(data) * part)] if 0 <= part < 1 else data[:part]
            with open(path, "wb") as f:
                f.write(left)
            code, out, err = look(home)
            t.check(code in (1, 2, 5), "%s cut at %s: exit %d %s" % (name, part, code, err))
            t.check(name in err, "%s cut at %s is not named: %s" % (name, part, err))
            with open(path, "rb") as f:
                t.check(f.read() == left, "%s cut at %s was written over" % (name, part))
            others_usable(home, name)
    t.check(server.entries() == before, "postgresql.auto.conf changed: %s" % server.entries())


CASES = (a_workspace_file, an_index, a_session, a_journal, linked_folders, without_rights, hard_links, cut_short)

if __name__ == "__main__":
    try:
        server = t.Server(t.pg_bin(15), rows=2000)
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        paused = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "none")
        paused.expect(0, "PAUSED")
        t.main({f.__name__: f for f in CASES})
    finally:
        server.destroy()
