#!/usr/bin/env python3
"""What others have done to the configuration: a broken line stops a session before anything is measured, a pending change is told
before the consent, a role's, a database's and a command line's own values are refused with the statement that takes them away,
and the undo leaves the entries of postgresql.auto.conf as they were. One server for all."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

FORCED = "cpu_tuple_cost=0.02;cpu_index_tuple_cost=0.006;seq_page_cost=1.2;work_mem=8MB"


def append(path, text):
    with open(path, "a") as f:
        f.write(text)


def broken(server, name, line, names_it):
    """A line that nobody can use, in a file that nobody has loaded yet."""
    path = os.path.join(server.data, name)
    before = t.read(path)
    loaded = server.sql("SELECT pg_conf_load_time()")
    append(path, line + "\n")
    at = before.count("\n") + 1
    run = t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "1", "--accept", "safe").end(30)
    with open(path, "w") as f:
        f.write(before)
    error = run.events("error")[0]["message"]
    t.check(run.code == 1 and not run.events("bench"), "exit %d: %s" % (run.code, run.said))
    t.check("%s line %d" % (name, at) in error and names_it in error, "not named: " + error)
    t.check(server.sql("SELECT pg_conf_load_time()") == loaded, "the configuration was reloaded")


def edits():
    server = t.Server(t.pg_bin(15), conf=t.SMALL + ("wal_buffers = 1MB",), rows=25000)
    conf = os.path.join(server.data, "postgresql.conf")
    try:
        subprocess.run([t.PG, "as", os.path.join(server.bin, "pg_ctl"), "-D", server.data, "-w", "-l",
                        os.path.join(server.dir, "log"), "-o", "-c seq_page_cost=1.5", "-m", "fast", "restart"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Entries of the DBA's own: an odd spelling, one that we shall change, and one that we shall not.
        server.sql("ALTER SYSTEM SET work_mem = '300kB'")
        server.sql("ALTER SYSTEM SET \"DateStyle\" = 'ISO, DMY'")
        server.sql("ALTER SYSTEM SET log_autovacuum_min_duration = '1min'")
        server.sql("SELECT pg_reload_conf()")
        before = server.entries()

        broken(server, "postgresql.conf", "jit = perhaps", "")
        broken(server, "pg_hba.conf", "local all all nonsense", "nonsense")
        t.check(server.entries() == before, "entries %s" % server.entries())

        server.sql("ALTER ROLE postgres SET cpu_tuple_cost = 0.015")
        server.sql("ALTER DATABASE postgres SET cpu_index_tuple_cost = 0.007")
        # A line that is taken out is not broken: it waits for a restart, and the server says so without naming a file.
        without = t.read(conf).replace("wal_buffers = 1MB\n", "")
        with open(conf, "w") as f:
            f.write(without + "maintenance_work_mem = 99MB\nmax_connections = 90\n")
        t.check(server.sql("SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL AND sourcefile IS NULL") == "1", "no such row")
        run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "safe",
                    program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": FORCED})
        run.until("the change", lambda: run.events("verify"))
        t.check(server.sql("SHOW maintenance_work_mem") == "99MB", "the reload did not reach the change of others")
        t.check(server.entries() != before, "nothing was changed")
        run.process.send_signal(signal.SIGTERM)
        run.expect(1, "PAUSED")

        others = run.events("proposal")[0]["others"]
        t.check("maintenance_work_mem" in others and "99MB (at a reload)" in others, others)
        t.check("max_connections" in others and "90 (at a restart)" in others, others)
        kinds = [e["event"] for e in run.events()]
        t.check(kinds.index("proposal") < kinds.index("apply"), "told after the change")
        t.check("Others have changed" in run.said, run.said)

        guard = {e["name"]: e for e in run.events("guard")}
        for name, words in {"cpu_tuple_cost": "ALTER ROLE postgres RESET cpu_tuple_cost",
                            "cpu_index_tuple_cost": "ALTER DATABASE postgres RESET cpu_index_tuple_cost",
                            "seq_page_cost": "command line"}.items():
            t.check(guard[name]["refused"] and words in guard[name]["reason"], "%s: %s" % (name, guard[name]))
        t.check(server.sql("SELECT rolconfig FROM pg_roles WHERE rolname = 'postgres'") == "{cpu_tuple_cost=0.015}",
                "the role's own value was touched")

        # Undone: the entries, with their text as it was, and nothing of the files' own in them.
        t.check(server.entries() == before, "entries %s, not %s" % (server.entries(), before))
        undo = [r["undo"] for r in run.journal() if r["event"] == "intent"]
        t.check(any("ALTER SYSTEM SET work_mem = '300kB'" in u for u in undo), "%s" % undo)
        t.check(server.sql("SHOW work_mem") == "300kB", "work_mem is " + server.sql("SHOW work_mem"))
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (edits,)})
