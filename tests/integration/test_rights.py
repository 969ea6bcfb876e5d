#!/usr/bin/env python3
"""Rights are finer than superuser or not: what each role lacks is said as GRANTs, the GRANTs suffice, a proposal holds only what
the role may set; --readonly changes nothing; and a locked table keeps nobody waiting. One server for all."""
import os
import re
import signal
import subprocess
import sys
import time
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

ROLES = """CREATE ROLE ordinary LOGIN;
CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher;
CREATE ROLE half LOGIN; GRANT ALTER SYSTEM ON PARAMETER work_mem TO half;
GRANT SELECT ON sorted TO half, ordinary"""


def look(server, role, *flags):
    """What --readonly says to a role: discovery, First Sight, and then that it goes no further."""
    run = t.Run(server, server.home(), server.script(t.SLEEPS), "-U", role, "--readonly", *flags).end(30)
    t.check(run.code == 2 and "--readonly" in run.said, "exit %d: %s" % (run.code, run.said))
    t.check(run.events("first_sight"), "no First Sight: " + run.said)
    return run


def rights():
    server = t.Server(t.pg_bin(15), conf=t.SMALL + ("log_statement = all",), rows=25000)
    try:
        for statement in ROLES.split(";"):
            server.sql(statement)
        before = server.entries()
        said = {role: look(server, role).events("discovery")[0] for role in ("postgres", "watcher", "half", "ordinary")}

        t.check(said["postgres"]["grants"] is None, "a superuser lacks %s" % said["postgres"]["grants"])
        t.check("pg_monitor" in said["ordinary"]["grants"] and "pg_monitor" not in said["watcher"]["grants"],
                "pg_monitor: %s" % said)
        t.check([said[r]["alter_system"] for r in ("postgres", "watcher", "half", "ordinary")] == [True, False, True, False],
                "ALTER SYSTEM: %s" % said)
        half = said["half"]["grants"]
        t.check(not said["half"]["reload"] and "pg_reload_conf" in half and "pg_file_settings" in half, "half lacks " + half)
        names = re.search(r"ON PARAMETER ([^;]*) TO half", half).group(1).split(", ")
        t.check("work_mem" not in names and "random_page_cost" in names and "archive_command" not in names, str(names))
        t.check(all(line.startswith(("-- without it: ", "GRANT ")) and len(line) > 20 for line in half.splitlines()), half)

        # All but the settings: then it may change the one that was granted, and that is all that is proposed.
        for line in half.splitlines():
            if line.startswith("GRANT") and "PARAMETER" not in line:
                server.sql(line)
        run = t.Run(server, server.home(), server.script(t.SORTS), "-U", "half", "--duration", "1", "--accept", "safe")
        run.until("the change", lambda: run.events("verify"))
        t.check(set(server.entries()) == {"work_mem"}, "entries %s" % server.entries())
        run.process.send_signal(signal.SIGTERM)
        run.expect(1, "PAUSED")
        t.check({e["name"] for e in run.events("guard")} == {"work_mem"}, "proposed: %s" % run.events("guard"))
        t.check(run.events("verify")[0]["state"] == "done", "%s" % run.events("verify"))

        # The whole script leaves nothing to ask for.
        for line in said["ordinary"]["grants"].splitlines():
            if line.startswith("GRANT"):
                server.sql(line)
        t.check(look(server, "ordinary").events("discovery")[0]["grants"] is None, "the script does not suffice")

        readonly(server)
        locked(server)
        t.check(server.entries() == before, "entries %s" % server.entries())
    finally:
        server.destroy()


def readonly(server):
    """Every statement of ours in the log only looks."""
    log = os.path.join(server.dir, "log")
    size = os.path.getsize(log)
    look(server, "postgres", "--accept", "safe", "--restart", "auto", "--bench-db")
    with open(log) as f:
        f.seek(size)
        text = f.read()
    ours = re.findall(r"^.*\] pg_diagnose LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", text, re.M)
    t.check(len(ours) > 15, "only %d statements are in the log:\n%s" % (len(ours), text[:2000]))
    for statement in ours:
        bare = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", statement)
        t.check(re.match(r"\s*(SELECT|WITH|SET|RESET|SHOW|BEGIN|COMMIT|ROLLBACK)\b", bare), "not a look: " + statement)
        t.check(not re.search(r"\b(ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|CHECKPOINT|COPY|ANALYZE|VACUUM)\b(?!,)|pg_reload_conf"
                              r"|advisory_lock", bare), "not a look: " + statement)
    t.check("pg_diagnose_bench" not in server.sql("SELECT string_agg(datname, ' ') FROM pg_database"), "a database was made")


def locked(server):
    """ACCESS EXCLUSIVE on the largest table, and on a catalog index's table no less: First Sight comes all the same."""
    psql = subprocess.Popen([os.path.join(t.pg_bin(15), "psql"), "-XqAt", "-h", server.host, "-p", server.port, "-U", "postgres",
                             "postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    psql.stdin.write("BEGIN; LOCK TABLE sorted IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
    psql.stdin.flush()
    t.check(psql.stdout.readline().strip() == "held", "the lock was not granted")
    free = time.monotonic()
    run = t.Run(server, server.home(), server.script(t.SLEEPS), "--readonly")
    run.until("First Sight", lambda: run.events("first_sight"), 10)
    seconds = time.monotonic() - free
    run.end(20)
    psql.stdin.write("ROLLBACK;\n")
    psql.stdin.close()
    psql.wait()
    t.check(seconds < 3 * t.SCALE, "First Sight came after %.1f s" % seconds)
    print("   First Sight beside a locked table after %.2f s" % seconds)


if __name__ == "__main__":
    t.main({f.__name__: f for f in (rights,)})
