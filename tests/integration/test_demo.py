#!/usr/bin/env python3
"""The demo off a terminal: a stock server of its own ends improved, a tuned one ends without a claim, and a killed one
goes on with the next start. Runs are shorter than the demo's own, so that the test fits."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def demo(home, *flags, kill_after=None):
    """Exit code, the JSON lines and stderr of one run; kill_after: event after which it is killed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG") or k.startswith("PGD_")}
    env["PG_DIAGNOSE_HOME"] = home
    p = subprocess.Popen([t.PROGRAM, "demo", *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, env=env)
    lines = []
    if kill_after:
        for text in p.stdout:
            lines.append(json.loads(text))
            if lines[-1]["event"] == kill_after:
                time.sleep(1)
                os.kill(p.pid, signal.SIGKILL)
                break
        p.wait()
        return p.returncode, lines, ""
    out, err = p.communicate(timeout=900)
    return p.returncode, [json.loads(x) for x in out.splitlines()], err


def servers(home):
    """Processes of the demo's own server: its folder carries a checksum of the home, or lies below it."""
    name = subprocess.run("printf %s '" + home + "' | cksum | cut -d' ' -f1", shell=True, capture_output=True,
                          text=True).stdout.strip()
    found = subprocess.run(["pgrep", "-f", "pg_diagnose-demo-%s|%s/demo" % (name, home)], capture_output=True, text=True)
    return found.stdout.split()


def with_home(fn):
    home = tempfile.mkdtemp(prefix="pgd-demo-")
    try:
        fn(home)
        t.check(not servers(home), "the demo's server is still there")
    finally:
        for pid in servers(home):
            try:
                os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
        shutil.rmtree(home, ignore_errors=True)


def stock_improves():
    """Killed in the baseline, started again: it goes on with the same server and session, and ends improved."""

    def run(home):
        code, lines, _ = demo(home, "--duration", "2", "--rounds", "1", "--budget", "3", kill_after="bench")
        t.check(lines[0]["event"] == "discovery", "first line %s" % lines[0])
        session = os.listdir(os.path.join(home, "workspaces", "postgres_local_54320", "sessions"))
        code, lines, err = demo(home, "--duration", "2", "--rounds", "1", "--budget", "3")
        s = lines[-1]
        t.check(s["event"] == "summary" and s["verdict"] == "improved", "%s\n%s" % (s, err[-3000:]))
        t.check(code == 0 and s["state"] == "ARCHIVED", "exit %d: %s" % (code, s))
        t.check([s["session"]] == session, "%s is not the interrupted session %s" % (s["session"], session))
        t.check(s["ci95"][0] > 1.02 and s["changes"], "%s" % s)
        conf = t.read(s["exports"]["conf"])
        t.check(all(c["name"] in conf for c in s["changes"]), conf)
        t.check("port" not in conf.split(), conf)

    with_home(run)


def tuned_claims_nothing():
    def run(home):
        code, lines, err = demo(home, "--tuned", "--duration", "2", "--rounds", "1", "--budget", "3")
        s = lines[-1]
        t.check(code == 1 and s["state"] == "FAILED", "exit %d: %s\n%s" % (code, s, err[-3000:]))
        t.check(s["verdict"] == "inconclusive" and not s["changes"], "%s" % s)

    with_home(run)


if __name__ == "__main__":
    t.main({f.__name__: f for f in (stock_improves, tuned_claims_nothing)})
