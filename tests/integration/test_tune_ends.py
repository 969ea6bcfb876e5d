#!/usr/bin/env python3
"""Headless sessions that end early and leave the server as it was: --accept none, a script that fails, bad flags."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def accept_none():
    """Proposed, nothing applied: PAUSED, exit 0; the journal has no intent."""
    server = t.Server(t.pg_bin(15))
    try:
        run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept",
                    "none").expect(0, "PAUSED")
        t.check(run.events("proposal"), "nothing was proposed")
        t.check(not run.events("apply") and server.entries() == {}, "something was applied")
        t.check(not [r for r in run.journal() if r["event"] == "intent"], "an intent in the journal")
        t.check(run.session()["state"] == "PAUSED", "session.json says %s" % run.session()["state"])
    finally:
        server.destroy()


def plain_text():
    """Without --json stdout is text for people, and its last line the summary."""
    server = t.Server(t.pg_bin(15))
    try:
        run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "none",
                    json_lines=False).end()
        text = run.text()
        t.check(run.code == 0, "exit %d: %s" % (run.code, text))
        last = text.strip().splitlines()[-1]
        t.check(last.startswith("summary: state PAUSED"), "the last line is " + last)
        t.check('{"event"' not in text and "baseline" in text, "not plain text: " + text[:300])
    finally:
        server.destroy()


def refused():
    """Errors of usage and of the connection still end with the summary line."""
    home = "/nonexistent"
    for flags, code in ((["--no-such-flag"], 2), (["--duration", "-1"], 2),
                        (["-H", "127.0.0.1", "-p", "1", "-d", "x"], 3)):
        env = dict(os.environ, PG_DIAGNOSE_HOME=home)
        out = subprocess.run([t.PROGRAM, "tune", "--json"] + flags, capture_output=True, text=True, env=env, timeout=60)
        t.check(out.returncode == code, "%s: exit %d\n%s" % (flags, out.returncode, out.stderr))
        last = json.loads(out.stdout.splitlines()[-1])
        t.check(list(last) == t.SUMMARY_FIELDS and out.stderr, "%s: %s" % (flags, last))


def failing_script():
    server = t.Server(t.pg_bin(15), rows=1000)
    try:
        run = t.Run(server, server.home(), server.script("SELECT nothing_of_the_kind;\n"), "--duration", "1", "--accept",
                    "safe").end()
        t.check(run.code in (1, 2), "exit %d" % run.code)
        t.check("nothing_of_the_kind" in run.said, "the server's message is not shown: " + run.said)
        t.check(run.summary["verdict"] is None and server.entries() == {}, "%s" % run.summary)
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (accept_none, plain_text, refused, failing_script)})
