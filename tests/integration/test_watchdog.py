#!/usr/bin/env python3
"""Conditions in which a benchmark has to stop at once, each made on a real server: the run ends, the switch is undone, the
session is PAUSED and says which condition with its figures. And the work of others, which spoils a run without ending the
session. The bounds are those of the test build, since nobody fills gigabytes for a test."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

server = None


def watched(bounds, *flags, script=t.SLEEPS):
    return t.Run(server, server.home(), server.script(script), "--duration", "8", "--accept", "none", *flags,
                 program=t.TEST_PROGRAM, env={"PGD_TEST_BOUNDS": bounds})


def stopped(run, condition, *words):
    """The session ended by itself because of that condition, at rest."""
    started = time.monotonic()
    run.end(30)
    lines = run.events("watchdog")
    t.check(len(lines) == 1 and lines[0]["condition"] == condition, "%s\n%s" % (lines, run.said))
    t.check(all(w in lines[0]["figure"] + lines[0]["bound"] for w in words), "%s" % lines)
    t.check(lines[0]["figure"] in run.said, "not said: " + run.said)
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "exit %d: %s" % (run.code, run.summary))
    t.check(run.session()["end_reason"] == lines[0]["figure"], "%s" % run.session()["end_reason"])
    t.wait_for("pgbench to end", 5, lambda: not server.pgbenches())
    t.check(server.entries() == {}, "%s" % server.entries())
    print("   %s; bound: %s (%.1f s)" % (lines[0]["figure"], lines[0]["bound"], time.monotonic() - started))


def running(run):
    run.until("a run", lambda: server.pgbenches())


def wal(megabytes):
    server.sql("CREATE TABLE IF NOT EXISTS filler (pad text)")
    server.sql("INSERT INTO filler SELECT repeat(md5(i::text), 32) FROM generate_series(1, %d) i" % (megabytes * 1000))


def inactive_slot():
    """One that stands there with its WAL is not ours to mind; one whose WAL grows beyond the bound is, and of two the one that
    holds more is named."""
    server.sql("SELECT pg_create_physical_replication_slot('left_behind', true)")
    wal(8)
    server.sql("SELECT pg_create_physical_replication_slot('a_younger_one', true)")
    try:
        run = watched("slot_bytes=20000000")
        running(run)
        time.sleep(1.5)
        t.check(not run.events("watchdog"), "stopped for what was there before: %s" % run.events("watchdog"))
        wal(30)
        stopped(run, "inactive slot", "left_behind", "MB")
    finally:
        server.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def archiver():
    """archive_command fails while a run is under way."""
    server.sql("ALTER SYSTEM SET archive_command = 'true'")
    server.sql("SELECT pg_reload_conf()")
    try:
        run = t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "8", "--accept", "none")
        running(run)
        server.sql("ALTER SYSTEM SET archive_command = 'false'")
        server.sql("SELECT pg_reload_conf()")
        server.sql("SELECT pg_switch_wal()")
        run.until("the watchdog", lambda: run.events("watchdog"))
        server.sql("ALTER SYSTEM RESET archive_command")
        server.sql("SELECT pg_reload_conf()")
        stopped(run, "archiver", "0000000")
    finally:
        server.sql("ALTER SYSTEM RESET archive_command")
        server.sql("SELECT pg_reload_conf()")


def connections():
    """Others take what is left of the connections."""
    run = watched("slots=5")
    running(run)
    most = int(server.sql("SHOW max_connections")) - 3
    have = int(server.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    n = most - have - 3
    other = subprocess.Popen([server.bin + "/pgbench", "-n", "-h", server.host, "-p", server.port, "-U", "postgres", "-c", str(n),
                              "-T", "30", "-f", server.script("SELECT pg_sleep(60);\n"), "postgres"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run.until("the watchdog", lambda: run.events("watchdog"), 20)
    finally:
        other.kill()
        other.wait()
        server.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgbench'")
    stopped(run, "connections", "of %d connections" % most)


def wal_disk():
    """The file system of pg_wal has less than the bound left. A small one of its own where that can be mounted."""
    small = os.path.join(server.work, "wal")
    os.makedirs(small, mode=0o755)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", small], capture_output=True).returncode == 0
    bounds = "wal_share=0.3" if mounted else "wal_free=1e15 wal_share=1"
    try:
        if mounted:
            pg_wal = os.path.join(server.data, "pg_wal")
            subprocess.run([t.PG, "stop", server.dir], capture_output=True, check=True)
            subprocess.run(["cp", "-a", pg_wal, small + "/pg_wal"], check=True)
            subprocess.run(["mv", pg_wal, pg_wal + ".was"], check=True)
            os.symlink(small + "/pg_wal", pg_wal)
            subprocess.run([t.PG, "up", server.dir], capture_output=True, check=True)
        run = watched(bounds)
        if mounted:
            running(run)
            time.sleep(1.5)
            t.check(not run.events("watchdog"), "stopped before it was full: %s" % run.events("watchdog"))
            with open(small + "/something_else", "wb") as f:
                f.write(bytes(250 << 20))
        stopped(run, "wal disk", "free", "400 MB" if mounted else "")
    finally:
        if mounted:
            subprocess.run([t.PG, "stop", server.dir, "immediate"], capture_output=True)
            subprocess.run(["rm", "-f", pg_wal, small + "/something_else"])
            subprocess.run(["cp", "-a", small + "/pg_wal", pg_wal])
            subprocess.run(["umount", small], check=True)
            subprocess.run([t.PG, "up", server.dir], capture_output=True)


def memory():
    """More memory in use than the bound allows: any machine uses more than nothing."""
    stopped(watched("memory_share=0.0001"), "memory", "memory are left")


def others_at_work():
    """Another client works while runs are measured: they are marked, left out and made again, and the verdict's record
    keeps them. Afterwards the same without it has no mark."""
    load = subprocess.Popen([server.bin + "/pgbench", "-n", "-h", server.host, "-p", server.port, "-U", "postgres", "-c", "2",
                             "-T", "60", "-f", server.script("SELECT sum(i) FROM generate_series(1, 3000000) i;\n"), "postgres"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = t.Run(server, server.home(), server.script(t.SLEEPS), "--duration", "2", "--accept", "none")
    try:
        run.until("a marked run", lambda: [e for e in run.events("bench") if e["contaminated"]], 60)
    finally:
        load.kill()
        load.wait()
    run.end()
    bench = run.events("bench")
    marked = [e for e in bench if e["contaminated"]]
    t.check(marked and not marked[0]["valid"] and marked[0]["others_active"] > 0.5, "%s" % bench)
    t.check(not bench[-1]["contaminated"] and bench[-1]["valid"], "%s" % bench[-1])
    good = [e for e in bench if e["valid"]]
    t.check(len(good) == 4 and len(bench) > 4, "%d of %d runs counted" % (len(good), len(bench)))
    kept = [r for r in run.journal() if r["event"] == "bench"]
    t.check([r["contaminated"] for r in kept] == [e["contaminated"] for e in bench], "the record differs: %s" % kept)
    t.check("others used the server" in run.said, run.said)
    t.check(run.summary["baseline_tps"] > 0 and not run.events("watchdog"), "%s" % run.summary)


def leftover_load():
    """A benchmark of a killed run that still works is waited for."""
    left = subprocess.Popen([server.bin + "/pgbench", "-n", "-h", server.host, "-p", server.port, "-U", "postgres", "-c", "1",
                             "-T", "6", "-f", server.script(t.SLEEPS), "postgres"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=dict(os.environ, PGAPPNAME="pg_diagnose_bench"))
    run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "none")
    try:
        run.until("the plan", lambda: run.events("consent"))
        began = time.monotonic()
        while left.poll() is None:
            t.check(not server.pgbenches(), "a run beside the leftover load")
            time.sleep(0.05)
        t.check(time.monotonic() - began > 1, "it had ended before anything was to be seen")
        run.until("a run", lambda: run.events("bench"), 30)
        t.check(not run.events("bench")[0]["contaminated"], "%s" % run.events("bench"))
    finally:
        left.kill()
        left.wait()
        run.process.terminate()
        run.end()


if __name__ == "__main__":
    try:
        server = t.Server(t.pg_bin(15), conf=t.SMALL + ("archive_mode = on", "archive_command = 'true'", "max_connections = 40",
                                                        "min_wal_size = 32MB", "max_wal_size = 64MB"))
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (inactive_slot, archiver, connections, memory, others_at_work, leftover_load, wal_disk)})
    finally:
        server.destroy()
