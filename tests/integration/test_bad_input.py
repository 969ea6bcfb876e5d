#!/usr/bin/env python3
"""What people get wrong, and what goes wrong around the program: each must end with a clear error and lose nothing."""
import glob
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

server = None


def program(*args, home=None, env=None, timeout=60, wrap=(), **more):
    """Runs the program; returns (exit code, stdout, stderr)."""
    more.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(list(wrap) + [t.PROGRAM] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout * t.SCALE,
                          env=dict(os.environ, PG_DIAGNOSE_HOME=home or server.home(), **(env or {})), **more)
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    t.check("Sanitizer" not in err, err)
    return done.returncode, out, err


def target(**change):
    where = dict(host=server.host, port=server.port, user="postgres", database="postgres")
    where.update(change)
    return ["-H", where["host"], "-p", where["port"], "-U", where["user"], "-d", where["database"]]


def summary_of(out):
    lines = out.splitlines()
    t.check(lines, "nothing on stdout")
    for line in lines:
        json.loads(line)
    last = json.loads(lines[-1])
    t.check(last["event"] == "summary" and list(last) == t.SUMMARY_FIELDS, "the last line is " + lines[-1])
    return last


def refused(code, got, *words):
    """Exit code, a summary line without figures, and words in the error."""
    exit_code, out, err = got
    t.check(exit_code == code, "exit %d, not %d: %s %s" % (exit_code, code, out, err))
    last = summary_of(out)
    t.check(last["verdict"] is None and last["changes"] == [], "the summary claims something: %s" % last)
    for word in words:
        t.check(word in err, "%r is not in the error: %s" % (word, err))
    return last


def unchanged(before):
    t.check(server.entries() == before, "postgresql.auto.conf changed: %s" % server.entries())
    t.check(not server.pgbenches(), "pgbench was left behind")


# ---- the command line ----

def unknown_flags():
    for args, word in ((["--no-such-flag"], "--no-such-flag"), (["-Q"], "-Q"), (["--clients", "many"], "many"),
                       (["--clients"], "--clients"), (["--duration", "0"], "--duration"), (["--budget", "-1"], "--budget"),
                       (["--restart", "maybe"], "maybe"), (["--restart", "cmd:relative"], "cmd:relative"),
                       (["--accept", "all"], "all"), (["--graph", "fancy"], "fancy"), (["--script", ""], "--script"),
                       (["--json=1"], "--json"), (["nonsense"], "nonsense"), (["--strategy", "../up"], "../up")):
        refused(2, program("tune", *target(), *args, "--json"), word)
        code, out, err = program("tune", *target(), *args)
        t.check(code == 2 and word in err and out == "", "%s: %d %r %r" % (args, code, out, err))
    code, out, err = program("--no-such-flag")
    t.check(code == 2 and "HINT" in err, err)
    code, out, err = program("export")
    t.check(code == 2 and "workspace" in err, err)
    code, out, err = program("export", "../../etc")
    t.check(code == 2, "%d %s" % (code, err))
    code, out, err = program("export", "no_such_workspace")
    t.check(code in (1, 2) and "no_such_workspace" in err, "%d %s" % (code, err))


# ---- the server ----

def wrong_host():
    refused(3, program("tune", *target(host="no-such-host.invalid"), "--json"), "no-such-host.invalid")
    refused(3, program("tune", *target(host="/nonexistent"), "--json"), "/nonexistent")


def wrong_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    refused(3, program("tune", *target(host="127.0.0.1", port=port), "--json"), port)
    got = program("tune", *target(port="70000"), "--json")
    t.check(got[0] in (2, 3) and "70000" in got[2], "%s" % (got,))
    summary_of(got[1])


def wrong_database():
    refused(3, program("tune", *target(database="no_such_database"), "--json"), "no_such_database")


def wrong_role():
    refused(3, program("tune", *target(user="no_such_role"), "--json"), "no_such_role")


def wrong_password():
    server.sql("CREATE ROLE guarded LOGIN PASSWORD 'the right one'")
    hba = os.path.join(server.data, "pg_hba.conf")
    text = t.read(hba)
    with open(hba, "w") as f:
        f.write("local all guarded scram-sha-256\n" + text)
    server.sql("SELECT pg_reload_conf()")
    time.sleep(0.5)
    env = {"PGPASSFILE": "/nonexistent"}
    got = program("tune", *target(user="guarded"), "--json", env=dict(env, PGPASSWORD="the wrong one"))
    refused(3, got, "guarded")
    t.check("the wrong one" not in got[1] + got[2], "the password is shown")
    refused(3, program("tune", *target(user="guarded"), "--json", env=env), "password")
    code, out, err = program("tune", *target(user="guarded"), "--json", "--script", "/nonexistent.sql",
                             env=dict(env, PGPASSWORD="the right one"))
    t.check('"event":"discovery"' in out and "the right one" not in out + err, out + err)


# ---- pgbench and scripts ----

def in_namespace(script):
    """A wrapper that runs the shell lines in a mount namespace of its own, then the program."""
    wrap = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    if subprocess.run(wrap + ["true"], capture_output=True).returncode != 0:
        raise t.Skip("mount namespaces are not allowed here")
    return wrap + ["sh", "-ec", script + '\nexec "$@"', "sh"]


def no_pgbench():
    before = server.entries()
    hide = "for f in /usr/bin/pgbench /usr/local/bin/pgbench /usr/lib/postgresql/*/bin/pgbench; do\n" \
           "  if [ -e $f ]; then mount --bind /dev/null $f; fi\ndone"
    got = program("tune", *target(), "--script", server.script(t.SORTS), "--json", wrap=in_namespace(hide))
    t.check(got[0] == 1, "exit %d %s" % (got[0], got[2]))
    t.check("pgbench was not found" in got[2] and "install" in got[2].lower(), got[2])
    summary_of(got[1])
    unchanged(before)


def bad_script(text, *words, name="bad.sql"):
    before = server.entries()
    path = os.path.join(server.work, name)
    if text is not None:
        with open(path, "w") as f:
            f.write(text)
    code, out, err = program("tune", *target(), "--script", path, "--duration", "1", "--accept", "safe", "--json")
    t.check(code in (1, 2), "exit %d: %s" % (code, err))
    last = summary_of(out)
    t.check(last["state"] != "ARCHIVED" and last["changes"] == [], "%s" % last)
    for word in words:
        t.check(word in err, "%r is not in: %s" % (word, err))
    unchanged(before)


def script_with_a_syntax_error():
    bad_script("\\set a randum(1, 10\nSELECT :a;\n", "bad.sql")
    bad_script("SELEC 1;\n", "syntax error")
    bad_script("\\nosuchcommand 1\nSELECT 1;\n", "nosuchcommand")


def script_with_shell():
    trap = os.path.join(server.work, "trap")
    bad_script("\\shell touch %s\nSELECT 1;\n" % trap, "shell")
    bad_script("\\setshell a touch %s\nSELECT :a;\n" % trap, "setshell")
    t.check(not os.path.exists(trap), "the command was run")


def script_that_always_fails():
    bad_script("SELECT * FROM no_such_table;\n", "no_such_table")
    bad_script("SELECT 1/0;\n", "division by zero")


def script_that_is_missing():
    bad_script(None, "missing.sql", name="missing.sql")
    bad_script("", "empty.sql", name="empty.sql")
    os.mkdir(os.path.join(server.work, "folder.sql"))
    bad_script(None, "folder.sql", name="folder.sql")


# ---- the disk ----

def full_disk_at_the_start():
    before = server.entries()
    home = server.home()
    fill = "mount -t tmpfs -o size=1m,mode=0700 none %s\n" \
           "cat /dev/zero >%s/ballast 2>/dev/null || true" % (home, home)
    code, out, err = program("tune", *target(), "--script", server.script(t.SORTS), "--duration", "1", "--accept", "safe",
                             "--json", home=home, wrap=in_namespace(fill))
    t.check(code in (1, 2), "exit %d %s" % (code, err))
    t.check("No space left" in err or "space" in err or "full" in err, err)
    summary_of(out)
    unchanged(before)


def full_disk_in_a_session():
    """The disk fills up after the baseline: the session is paused with the server as it was, whatever was in force."""
    before = server.entries()
    home = server.home()
    flag = os.path.join(server.work, "fill")
    fill = "mount -t tmpfs -o size=4m,mode=0700 none %s\n" \
           "(while [ ! -e %s ]; do sleep 0.1; done; cat /dev/zero >%s/ballast || true) >/dev/null 2>&1 &" % (home, flag, home)
    wrapped = os.path.join(server.work, "on_a_full_disk")
    with open(wrapped, "w") as f:
        f.write("#!/bin/sh\nexec %s \"$@\"\n" % shlex.join(in_namespace(fill) + [t.PROGRAM]))
    os.chmod(wrapped, 0o755)
    run = t.Run(server, home, server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept", "safe",
                program=wrapped)
    try:
        run.until("the baseline", lambda: run.events("baseline"))
        open(flag, "w").close()
        run.end(120)
    finally:
        open(flag, "w").close()
        if run.process.poll() is None:
            run.process.kill()
    t.check(run.code == 1, "exit %d: %s" % (run.code, run.said))
    t.check("space" in run.said.lower() and "the disk is full" in run.said, run.said)
    t.check(run.summary["changes"] == [] and run.summary["state"] == "PAUSED", "%s" % run.summary)
    unchanged(before)


def readonly_home():
    before = server.entries()
    home = server.home()
    code, out, err = program("tune", *target(), "--script", server.script(t.SORTS), "--json", home=home,
                             wrap=in_namespace("mount -t tmpfs -o ro,size=1m none " + home))
    t.check(code in (1, 2), "exit %d %s" % (code, err))
    t.check(home in err or "read-only" in err.lower(), err)
    summary_of(out)
    unchanged(before)


# ---- damaged files ----

paused_home = None


def paused():
    """A copy of a home with one paused session; returns (home, workspace folder, session folder)."""
    global paused_home
    if paused_home is None:
        run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "none")
        run.expect(0, "PAUSED")
        paused_home = run
    copy = server.home()
    shutil.rmtree(copy)
    shutil.copytree(paused_home.home, copy)
    workspace = os.path.join(copy, "workspaces", paused_home.summary["workspace"])
    return copy, workspace, os.path.join(workspace, "sessions", paused_home.summary["session"])


def damage(path, how):
    with open(path, "rb") as f:
        data = f.read()
    if how == "truncated":
        data = data[:len(data) // 2]
    elif how == "garbage":
        data = b"\x00\xff\x1b[2J{{{" + data[7:]
    elif how == "empty":
        data = b""
    elif how == "future":
        data = re.sub(rb'"format":\s*1', b'"format":99', data, count=1)
    elif how == "deep":
        data = b"[" * 200000
    with open(path, "wb") as f:
        f.write(data)
    return data


def look(home, *more):
    """A run that opens the workspace and stops there: its script is not there."""
    return program("tune", *target(), "--script", "/nonexistent.sql", "--duration", "1", "--accept", "safe", "--json",
                   *more, home=home)


def damaged_session():
    before = server.entries()
    for how in ("truncated", "garbage", "empty", "future", "deep"):
        home, workspace, session = paused()
        path = os.path.join(session, "session.json")
        left = damage(path, how)
        code, out, err = look(home)
        t.check(code in (1, 2), "%s: exit %d %s" % (how, code, err))
        summary_of(out)
        t.check(os.path.basename(session) in err or "session" in err, "%s: %s" % (how, err))
        t.check(open(path, "rb").read() == left, "%s: session.json was overwritten" % how)
        code, out, err = program("export", os.path.basename(workspace), home=home)
        t.check(code in (0, 1, 2), "%s: export ended with %d" % (how, code))
        t.check(open(path, "rb").read() == left, "%s: session.json was overwritten by export" % how)
        code, out, err = program("workspaces", "--json", home=home)
        t.check(code == 0, "%s: workspaces ended with %d" % (how, code))
        unchanged(before)


def damaged_journal():
    before = server.entries()
    for how in ("garbage", "future"):
        home, workspace, session = paused()
        path = os.path.join(session, "journal.jsonl")
        if how == "future":
            with open(path, "ab") as f:
                f.write(b'{"event":"intent","format":1,"no":99}\n')
        left = damage(path, how)
        code, out, err = look(home)
        t.check(code in (1, 2, 5), "%s: exit %d %s" % (how, code, err))
        summary_of(out)
        t.check("journal" in err, "%s: %s" % (how, err))
        t.check(open(path, "rb").read().startswith(left), "%s: the journal was overwritten" % how)
        unchanged(before)
    # a torn last line is what a power cut leaves: the rest counts
    home, workspace, session = paused()
    path = os.path.join(session, "journal.jsonl")
    with open(path, "ab") as f:
        f.write(b'{"event":"checkp')
    code, out, err = look(home)
    t.check("damaged" not in err, "a torn line is taken for damage: " + err)
    t.check(b'{"event":"checkp{' not in open(path, "rb").read(), "the torn line was not cut")


def damaged_index():
    for how in ("truncated", "garbage", "empty", "future"):
        home, workspace, session = paused()
        path = os.path.join(workspace, "index.json")
        left = damage(path, how)
        code, out, err = look(home)
        t.check("index.json" in err, "%s: %s" % (how, err))
        summary_of(out)
        if how == "future":
            t.check(code == 2 and "newer version" in err, "%d %s" % (code, err))
            t.check(open(path, "rb").read() == left, "an index of a newer format was overwritten")
            continue
        t.check(os.path.basename(session) in open(path).read(), "%s: the index was not made again" % how)
        t.check(os.path.basename(session) in err, "%s: the paused session was not found: %s" % (how, err))
    home, workspace, session = paused()
    os.unlink(os.path.join(workspace, "index.json"))
    code, out, err = look(home)
    t.check(os.path.basename(session) in err, "without an index the paused session was not found: " + err)


def damaged_workspace():
    for how in ("truncated", "garbage", "future"):
        home, workspace, session = paused()
        path = os.path.join(workspace, "workspace.json")
        left = damage(path, how)
        code, out, err = look(home)
        t.check("workspace.json" in err, "%s: %s" % (how, err))
        summary_of(out)
        if how == "future":
            t.check(open(path, "rb").read() == left, "workspace.json of a newer format was overwritten")


# ---- others ----

def two_programs():
    before = server.entries()
    home = server.home()
    first = t.Run(server, home, server.script(t.SORTS), "--duration", "5", "--accept", "none")
    first.until("the first run", lambda: first.events("strategy"))
    code, out, err = program("tune", *target(), "--script", server.script(t.SORTS), "--json", home=home)
    t.check(code in (1, 2), "exit %d" % code)
    summary_of(out)
    t.check("process %d" % first.process.pid in err, "it is not said who holds it: " + err)
    first.expect(0, "PAUSED")
    unchanged(before)


def closed_descriptors():
    """Whatever is opened first must not be taken for stdin, stdout or stderr."""
    code, out, err = program("tune", *target(database="no_such_database"), "--json",
                             wrap=["sh", "-c", 'exec "$@" <&-', "sh"])
    refused(3, (code, out, err), "no_such_database")
    code, out, err = program("tune", *target(database="no_such_database"), "--json",
                             wrap=["sh", "-c", 'exec "$@" <&- 2>&-', "sh"])
    t.check(code == 3, "exit %d" % code)
    summary_of(out)
    code, out, err = program("tune", *target(database="no_such_database"), "--json",
                             wrap=["sh", "-c", 'exec "$@" <&- >&-', "sh"])
    t.check(code == 3 and "no_such_database" in err, "exit %d %s" % (code, err))
    code, out, err = program(*target(), wrap=["sh", "-c", 'exec "$@" <&-', "sh"])
    t.check(code == 2 and "terminal" in err and "HINT" in err, "exit %d %s" % (code, err))
    code, out, err = program(*target(), "--json")
    t.check(code == 2 and "terminal" in err, "exit %d %s" % (code, err))
    summary_of(out)


def closed_pipe():
    """Who reads the lines may go away: the session still ends cleanly."""
    home = server.home()
    args = [t.PROGRAM, "tune"] + target() + ["--script", server.script(t.SORTS), "--duration", "1", "--accept", "none", "--json"]
    p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, PG_DIAGNOSE_HOME=home))
    p.stdout.readline()
    p.stdout.close()
    err = p.stderr.read().decode("utf-8", "replace")
    code = p.wait(120 * t.SCALE)
    t.check(code >= 0, "killed by signal %d" % -code)
    t.check("Sanitizer" not in err, err)
    for path in glob.glob(home + "/workspaces/*/sessions/*/session.json"):
        t.check(json.loads(t.read(path))["state"] != "ACTIVE", "the session was left ACTIVE")


NASTY = ["quote\"d", "back\\slash", "new\nline", "esc\x1b[2J\x1b]0;owned\x07", "bidi\u202egnp.exe\u2066x", "tab\there",
         "a'; DROP TABLE x; --", "\u0301combining", "wide\u6f22\u5b57", "del\x7f", "csi\u009b31m"]


def nasty_names():
    """Names of tables and databases travel as data: valid JSON, no raw control bytes for the terminal."""
    for name in NASTY:
        quoted = '"' + name.replace('"', '""') + '"'
        server.sql("CREATE TABLE %s AS SELECT generate_series(1, 20000) AS %s" % (quoted, quoted))
    for name in ('da"ta\nba\x1b[31mse', "../../up"):
        server.sql('CREATE DATABASE "%s"' % name.replace('"', '""'))
        home = server.home()
        code, out, err = program("tune", *target(database=name), "--script", "/nonexistent.sql", "--json", home=home)
        t.check(code in (1, 2), "exit %d %s" % (code, err))
        last = summary_of(out)
        t.check(json.loads(out.splitlines()[0])["database"] == name, out.splitlines()[0])
        folder = last["workspace"]
        t.check(re.fullmatch(r"[A-Za-z0-9.%_-]+", folder) and not folder.startswith("."), folder)
        t.check(os.listdir(os.path.join(home, "workspaces")) == [folder], "%s" % os.listdir(home + "/workspaces"))
        for text in (out, err):
            t.check(not re.search("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]", text), repr(text))


CASES = (unknown_flags, wrong_host, wrong_port, wrong_database, wrong_role, wrong_password, no_pgbench,
         script_with_a_syntax_error, script_with_shell, script_that_always_fails, script_that_is_missing,
         full_disk_at_the_start, full_disk_in_a_session, readonly_home, damaged_session, damaged_journal, damaged_index,
         damaged_workspace, two_programs, closed_descriptors, closed_pipe, nasty_names)

if __name__ == "__main__":
    try:
        server = t.Server(t.pg_bin(15), rows=100000)
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in CASES})
    finally:
        server.destroy()
