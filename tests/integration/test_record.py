#!/usr/bin/env python3
"""What watch writes down, and what replay prints of it: every line valid by its schema, the same figures again; nothing is written over; a
full disk ends the recording alone; a session with damaged files is played as far as it goes, without a server."""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import schema
import tunetest as t

NAME = "Balanced_11232026-072900"


def run(home, *args, **how):
    env = dict(os.environ, PG_DIAGNOSE_HOME=home, PGHOST="/nowhere")
    return subprocess.run([t.PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * t.SCALE, env=env,
                          **how)


def watch(server, home, *args, **how):
    return run(home, "watch", "-H", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres", "--json", *args, **how)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def valid(events):
    known = schema.Schemas(t.SOURCE)
    for e in events:
        problems = known.check(e["event"], e, "line")
        t.check(not problems, "not valid: %s" % problems)


def recorded_and_played(server, home):
    path = os.path.join(server.work, "night.jsonl")
    seen = watch(server, home, "--duration", "4", "--record", path)
    t.check(seen.returncode == 0, seen.stderr)
    t.check("replay '%s'" % path in seen.stderr, "where it is, and how it is played: %s" % seen.stderr)
    t.check(os.stat(path).st_mode & 0o777 == 0o600, "the recording can be read by others")
    kept = lines(t.read(path))
    valid(kept)
    t.check(kept[0]["event"] == "recording" and kept[0]["format"] == 1, "the first line: %s" % kept[0])
    figures = {e["at_us"]: e["tps"] for e in kept if e["event"] == "sample"}
    t.check(len(figures) >= 3, "samples kept: %s" % figures)
    shown = {e["at_us"]: e["tps"] for e in lines(seen.stdout) if e["event"] == "sample"}
    t.check(all(shown[at] == tps for at, tps in figures.items()), "%s is not what was shown: %s" % (figures, shown))

    with open(path, "a") as f:
        f.write('{"event":"sample","at_us":17')
    played = run(home, "replay", path, "--json")
    t.check(played.returncode == 0 and "cut short" in played.stderr, "exit %d: %s" % (played.returncode, played.stderr))
    events = lines(played.stdout)
    valid(events)
    again = {e["at_us"]: e["figures"]["tps"] for e in events if e.get("what") == "sample"}
    t.check(again == figures, "played %s, recorded %s" % (again, figures))
    t.check(events[-1]["event"] == "summary", "the last line: %s" % events[-1])

    before = t.read(path)
    refused = watch(server, home, "--duration", "1", "--record", path)
    t.check(refused.returncode == 2 and "there already" in refused.stderr, refused.stderr)
    t.check(t.read(path) == before, "an older recording was touched")


def a_full_disk_ends_it_alone(server, home):
    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

    folder = os.path.join(server.work, "small")
    os.mkdir(folder)
    seen = watch(server, home, "--duration", "8", "--record", folder, preexec_fn=no_room)
    said = [line for line in seen.stderr.splitlines() if "recording" in line and "ends" in line]
    t.check(len(said) == 1 and folder in said[0], "not told: %s" % seen.stderr)
    t.check(seen.returncode == 0 and len(lines(seen.stdout)) >= 8, "more than the recording ended: exit %d" % seen.returncode)


def sessions_are_played_without_a_server(work):
    home = os.path.join(work, "played")
    folder = os.path.join(home, "workspaces", "shop_db1")
    os.makedirs(os.path.dirname(folder), mode=0o700)
    shutil.copytree(os.path.join(t.SOURCE, "tests/support/session/shop_db1"), folder)
    subprocess.run(["chmod", "-R", "go=", home], check=True)
    done = run(home, "replay", NAME, "--json")
    events = lines(done.stdout)
    valid(events)
    t.check(done.returncode == 0 and done.stderr == "", "exit %d: %s" % (done.returncode, done.stderr))
    t.check([e["run"] for e in events if e.get("what") == "ran"] == list(range(1, 25)), "not every run, in order")
    t.check([e["verdict"] for e in events if e.get("what") == "verdict"] == ["improved", "inconclusive"], "verdicts")
    t.check(events[-1]["verdict"] == "improved" and events[-1]["state"] == "ARCHIVED", "summary: %s" % events[-1])

    session = os.path.join(folder, "sessions", NAME)
    os.remove(os.path.join(session, "bench/run003.csv"))
    with open(os.path.join(session, "telemetry/run005.csv"), "r+") as f:
        f.truncate(700)
    with open(os.path.join(session, "journal.jsonl"), "r+") as f:
        f.write("x")
    hurt = run(home, "replay", "shop_db1/" + NAME, "--json")
    events = lines(hurt.stdout)
    valid(events)
    errors = " ".join(e["message"] for e in events if e["event"] == "error")
    for name in ("bench/run003.csv", "telemetry/run005.csv", "line 1 of journal.jsonl"):
        t.check(name in errors and name in hurt.stderr, "%s is not named: %s" % (name, errors))
    ran = [e["run"] for e in events if e.get("what") == "ran"]
    t.check(hurt.returncode == 1 and len(ran) == 24, "exit %d, runs %s" % (hurt.returncode, ran))

    plain = run(home, "replay", NAME)
    t.check("round 1" in plain.stdout and "+113.3 %" in plain.stdout, "the text: " + plain.stdout[:500])
    shutil.copytree(folder, os.path.join(home, "workspaces", "shop_db2"))
    two = run(home, "replay", NAME, "--json")
    t.check(two.returncode == 2 and "shop_db2/" + NAME in two.stderr, "two of a name: %s" % two.stderr)
    t.check(lines(two.stdout)[-1]["event"] == "summary", "no summary: " + two.stdout)
    with open(os.path.join(session, "session.json"), "w") as f:
        f.write("{")
    bad = run(home, "replay", session)
    t.check(bad.returncode == 1 and "session.json" in bad.stderr, "a damaged session: %s" % bad.stderr)


def main():
    server = t.Server(t.pg_bin(15), rows=100)
    try:
        recorded_and_played(server, server.home())
        a_full_disk_ends_it_alone(server, server.home())
        sessions_are_played_without_a_server(server.work)
    finally:
        server.destroy()
    print("ok record")


if __name__ == "__main__":
    try:
        main()
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
