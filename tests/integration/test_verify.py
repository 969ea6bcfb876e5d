#!/usr/bin/env python3
"""pg_diagnose verify, months later: everything as it was proven; a value that drifted, with the file and line that it comes from; one that
waits for a restart; one that a role or a database overrides; another server; no server; no workspace. Nothing is changed by it, and
every line is valid by its schema. The workspace is a recorded one, made to belong to the test's server."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import schema
import tunetest as t

NAME = "Balanced_11232026-072900"
PROVEN = {"random_page_cost": "1.1", "jit": "off", "work_mem": "64MB", "max_parallel_workers_per_gather": "0"}


def edit(path, change):
    data = json.loads(t.read(path))
    change(data)
    with open(path, "w") as f:
        json.dump(data, f)


def make_workspace(server, home):
    """The recorded workspace, of this server: as if its session had been made here. work_mem was 256kB before it."""
    folder = os.path.join(home, "workspaces", "shop_db1")
    os.makedirs(os.path.dirname(folder), mode=0o700)
    shutil.copytree(os.path.join(t.SOURCE, "tests/support/session/shop_db1"), folder)
    session = os.path.join(folder, "sessions", NAME)
    system = server.sql("SELECT system_identifier FROM pg_control_system()")
    version = int(server.sql("SHOW server_version_num"))

    def place(w):
        w["server"].update(system_identifier=system, version_num=version, version=server.sql("SHOW server_version"), database="postgres",
                           role="postgres", server_port=int(server.port), data_directory=server.data)
        w["system"] = {}
        w["connection"] = {"host": server.host, "port": server.port, "user": "postgres", "dbname": "postgres", "tls": False}

    def plan(s):
        s["strategy"].update(builtin_db=False, workload="scripts", database="postgres", clients=2, threads=1, duration_s=1, budget_s=180,
                             min_runs=3, max_runs=3, warmup_s=1, scripts=[{"path": "/nowhere/steady.sql", "weight": 1, "name": "steady.sql"}])
        s["strategy"]["restart"] = "never"
        s["before"]["work_mem"] = "256kB"

    edit(os.path.join(folder, "workspace.json"), place)
    edit(os.path.join(session, "session.json"), plan)
    os.mkdir(os.path.join(session, "scripts"))
    with open(os.path.join(session, "scripts", "1-steady.sql"), "w") as f:
        f.write("SELECT pg_sleep(CASE WHEN current_setting('random_page_cost')::float > 2 THEN 0.012 ELSE 0.005 END);\n")
    with open(os.path.join(folder, "index.json"), "w") as f:
        json.dump({"format": 1, "sessions": [{"name": NAME, "strategy": "Balanced", "state": "ARCHIVED", "rounds": 2,
                                              "changed_us": 1795419158439432}]}, f)
    subprocess.run(["chmod", "-R", "go=", home], check=True)
    return folder


def put(server, values):
    for name, value in values.items():
        server.sql("ALTER SYSTEM SET %s = '%s'" % (name, value))
    server.sql("SELECT pg_reload_conf()")
    t.wait_for("the reload", 10, lambda: all(server.sql("SHOW " + n) == v for n, v in values.items() if n in PROVEN))


def verify(home, *args):
    run = subprocess.run([t.PROGRAM, "verify", "shop_db1", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=240 * t.SCALE, env=dict(os.environ, PG_DIAGNOSE_HOME=home))
    if "--json" not in args:
        return run.returncode, run.stdout, run.stderr
    events = [json.loads(line) for line in run.stdout.splitlines()]
    known = schema.Schemas(t.SOURCE)
    for e in events:
        problems = known.check(e["event"], e, "verify")
        t.check(not problems, "not valid: %s" % problems)
    return run.returncode, events, run.stderr


def proven(events):
    return {e["name"]: e for e in events if e["event"] == "proven"}


def all_is_well(server, home):
    stock = server.entries()
    code, events, said = verify(home, "--json")
    end = events[-1]
    t.check(code == 0, "exit %d: %s" % (code, said))
    t.check({n: e["state"] for n, e in proven(events).items()} == dict.fromkeys(PROVEN, "in force"), "states: %s" % proven(events))
    t.check(end["event"] == "verification" and end["findings"] == 0 and end["in_force"] == 4 and end["same_server"], "end: %s" % end)
    t.check(end["earning"] is None and "--measure" in end["not_measured"], "it says how to measure: %s" % end)
    t.check(all(e["file"] and "postgresql.auto.conf:" in e["file"] for e in proven(events).values()), "files: %s" % proven(events))
    code, text, _ = verify(home)
    t.check(code == 0 and "work_mem 64MB: in force" in text and "4 of 4 settings are in force" in text, "the text: " + text)
    t.check(server.entries() == stock and not server.strangers(), "something was changed or left")


def findings(server, home, folder):
    with open(os.path.join(server.data, "postgresql.conf"), "a") as f:
        f.write("work_mem = 8MB\n")
    last = len(t.read(os.path.join(server.data, "postgresql.conf")).splitlines())
    server.sql("ALTER SYSTEM RESET work_mem")
    server.sql("ALTER DATABASE postgres SET jit = on")
    server.sql("ALTER ROLE postgres IN DATABASE postgres SET random_page_cost = 3")
    edit(os.path.join(folder, "sessions", NAME, "session.json"), lambda s: (
        s["after"].update(max_connections="333"), s["before"].update(max_connections="100"),
        s["best"]["entries"].append({"name": "max_connections", "present": True, "value": "333"}),
        s["ledger"].append({"original": {"name": "max_connections", "present": False, "value": None},
                            "current": {"name": "max_connections", "present": True, "value": "333"}})))
    server.sql("ALTER SYSTEM SET max_connections = 333")
    server.sql("SELECT pg_reload_conf()")
    t.wait_for("the reload", 10, lambda: server.sql("SHOW work_mem") == "8MB")
    edit(os.path.join(folder, "workspace.json"), lambda w: w["server"].update(version_num=140009, version="14.9"))
    code, events, said = verify(home, "--json")
    found = proven(events)
    t.check(code == 1, "exit %d" % code)
    t.check(found["work_mem"]["state"] == "differs" and found["work_mem"]["now"] == "8MB", "drifted: %s" % found["work_mem"])
    t.check(found["work_mem"]["file"].endswith("postgresql.conf:%d" % last), "from %s, not line %d" % (found["work_mem"]["file"], last))
    t.check(found["jit"]["state"] == "overridden" and found["jit"]["by"] == "database postgres" and found["jit"]["by_value"] == "on",
            "by the database: %s" % found["jit"])
    t.check(found["random_page_cost"]["by"] == "role postgres, database postgres", "by the role: %s" % found["random_page_cost"])
    t.check(found["max_connections"]["state"] == "pending restart" and found["max_connections"]["now"] == "100",
            "pending: %s" % found["max_connections"])
    t.check(found["max_parallel_workers_per_gather"]["state"] == "in force", "the one that is well")
    t.check(not events[-1]["same_server"] and "14.9" in events[-1]["changed"] and events[-1]["findings"] == 5, "end: %s" % events[-1])


def where_there_is_nothing(server, home):
    run = lambda *a: subprocess.run([t.PROGRAM, "verify", *a], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                    env=dict(os.environ, PG_DIAGNOSE_HOME=home))
    none = run("nobody")
    t.check(none.returncode == 2 and "no workspace nobody" in none.stdout + none.stderr, "no workspace: %s" % none)
    t.check(run().returncode == 2, "no name")
    away = run("shop_db1", "-H", "/nowhere", "-d", "postgres", "--json")
    t.check(away.returncode == 3, "no server: exit %d\n%s" % (away.returncode, away.stderr))


def still_earned(server, home):
    """What was proven against what stood there before, by the recorded script; the server ends as it was found."""
    stock = server.entries()
    code, events, said = verify(home, "--json", "--measure")
    end = events[-1]
    t.check(end["event"] == "verification" and end["earning"] == "yes" and end["effect"] > 1.2, "end: %s\n%s" % (end, said[-2000:]))
    t.check(end["ci95"][0] > 1 and code == 0, "exit %d, %s" % (code, end))
    t.check(end["sessions"] == 1 and end["left_out"] == "work_mem", "256kB is refused, and that is told: %s" % end)
    t.check(server.entries() == stock, "not as it was found: %s, %s" % (stock, server.entries()))
    rolled = [e for e in events if e["event"] == "verdict"]
    t.check(len(rolled) == 1 and rolled[0]["kept"] is False, "kept: %s" % rolled)


def main():
    only = sys.argv[1:]
    server = t.Server(t.pg_bin(15), rows=100)
    home = server.home()
    try:
        folder = make_workspace(server, home)
        put(server, PROVEN)
        if not only or "well" in only:
            all_is_well(server, home)
        if "measure" in only:
            still_earned(server, home)
        if not only:
            findings(server, home, folder)
            where_there_is_nothing(server, home)
    finally:
        server.destroy()
    print("ok verify")


if __name__ == "__main__":
    try:
        main()
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
