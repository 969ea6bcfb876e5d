#!/usr/bin/env python3
"""pg_diagnose watch without a screen: a line a second that shows what runs, valid by its schema; it ends by itself, by a signal,
and when there is no server; nothing of it is kept."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import schema
import tunetest as t


def watch(server, home, *more, **how):
    return subprocess.Popen([t.PROGRAM, "watch", "-H", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres", *more],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, PG_DIAGNOSE_HOME=home), **how)


def main():
    server = t.Server(t.pg_bin(15), rows=100)
    home = server.home()
    try:
        load = subprocess.Popen(["psql", "-X", "-q", "-h", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres", "-c",
                                 "SELECT pg_sleep(60)"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        out, err = watch(server, home, "--json", "--duration", "4").communicate(timeout=60)
        lines = [e for e in map(json.loads, out.splitlines()) if e["event"] != "host"]
        t.check(len(lines) == 4, "%d lines, not 4: %s" % (len(lines), err))
        known = schema.Schemas(t.SOURCE)
        for line in lines:
            problems = known.check("sample", line, "watch")
            t.check(not problems, "not valid: %s" % problems)
            t.check(line["event"] == "sample" and line["active"] == 1, "the sleeping session is not seen: %s" % line)
        t.check(any(w["event"] == "Timeout:PgSleep" for w in lines[-1]["waits"]), "its wait is not seen: %s" % lines[-1]["waits"])
        stamps = [line["at"] for line in lines]
        t.check(len(set(stamps)) == 4, "not a line a second: %s" % stamps)
        plain = watch(server, home)
        first = plain.stdout.readline()
        t.check(" active=1" in first and "tps=" in first, "the plain line: " + first)
        plain.send_signal(signal.SIGINT)
        t.check(plain.wait(20) in (0, 1), "the signal does not end it")
        left = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(home, "workspaces")) for f in files]
        t.check(not left, "something was kept: %s" % left)
        load.kill()
        gone = subprocess.run([t.PROGRAM, "watch", "-H", "/nowhere", "--json"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        t.check(gone.returncode == 3, "no server: exit %d" % gone.returncode)
        time.sleep(0.2)
        t.check(not server.strangers(), "a session was left: %s" % server.strangers())
    finally:
        server.destroy()
    print("ok watch")


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print(why)
        sys.exit(77)
