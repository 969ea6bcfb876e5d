#!/usr/bin/env python3
"""Bad input from the server's side: limits and habits of roles and databases, connections that run out, bytes of other
encodings, answers that come late or never, another server in the place of the first. Each must work all the same, or end
with an error that says what is the matter; nothing is changed where it must not be."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t
import versiontest as v

server = None

# Everything by which a role can be given another idea of time, text and truth.
ODD = ("lock_timeout = '1ms'", "idle_session_timeout = '300ms'", "idle_in_transaction_session_timeout = '1ms'",
       "DateStyle = 'German, DMY'", "IntervalStyle = 'sql_standard'", "bytea_output = 'escape'", "extra_float_digits = -15",
       "standard_conforming_strings = off", "row_security = off", "transform_null_equals = on", "lc_monetary = 'C'",
       "default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on", "client_min_messages = 'debug1'",
       "default_transaction_read_only = on", "search_path = evil, pg_catalog, public")

# A schema that stands before the system's own, as far as names go.
EVIL = ["CREATE SCHEMA evil",
        "CREATE FUNCTION evil.trap() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trap was taken'; END $$"]
for name in ("now", "clock_timestamp", "version", "pg_backend_pid", "pg_is_in_recovery", "inet_server_addr",
             "pg_postmaster_start_time", "pg_control_system", "pg_reload_conf", "current_database"):
    EVIL.append("CREATE FUNCTION evil.%s() RETURNS text LANGUAGE sql AS 'SELECT evil.trap()'" % name)
for name, args in (("current_setting", "text"), ("current_setting", "text, boolean"), ("count", "bigint"),
                   ("set_config", "text, text, boolean"), ("has_function_privilege", "text, text"), ("host", "inet"),
                   ("pg_database_size", "name"), ("split_part", "text, text, integer"), ("lower", "text")):
    EVIL.append("CREATE FUNCTION evil.%s(%s) RETURNS text LANGUAGE sql AS 'SELECT evil.trap()'" % (name, args))
for name in ("pg_settings", "pg_stat_database", "pg_stat_bgwriter", "pg_stat_activity", "pg_database", "pg_roles",
             "pg_file_settings", "pg_class", "pg_stat_wal", "pg_prepared_xacts", "pg_locks"):
    EVIL.append("CREATE VIEW evil.%s AS SELECT evil.trap() AS name, evil.trap() AS setting" % name)
for op, left, right in (("=", "text", "text"), ("=", "name", "text"), ("||", "text", "text"), ("<>", "name", "name"),
                        ("-", "timestamptz", "timestamptz"), (">", "bigint", "integer")):
    EVIL.append("CREATE FUNCTION evil.op_%d(%s, %s) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap() IS NULL'"
                % (len(EVIL), left, right))
    EVIL.append("CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.op_%d)"
                % (op, left, right, len(EVIL) - 1))


def look(*more, host=None, port=None, user="postgres", database="postgres", timeout=60):
    """A run that discovers and then stops, since its script is not there: (exit code, events, stderr)."""
    done = subprocess.run([t.PROGRAM, "tune", "-H", host or server.host, "-p", str(port or server.port), "-U", user, "-d",
                           database, "--script", "/nonexistent.sql", "--json"] + list(more),
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout * t.SCALE,
                          env=dict(os.environ, PG_DIAGNOSE_HOME=server.home()))
    said = done.stderr.decode("utf-8")  # whatever the server sends, ours is UTF-8
    events = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    t.check("Sanitizer" not in said, said)
    t.check(events and events[-1]["event"] == "summary", "no summary: %s\n%s" % (events, said))
    return done.returncode, events, said


def discovered(got, database="postgres"):
    """The run came as far as First Sight, and missed nothing on the way."""
    code, events, said = got
    kinds = [e["event"] for e in events]
    t.check("discovery" in kinds and "first_sight" in kinds, "exit %d, %s\n%s" % (code, kinds, said))
    found = events[kinds.index("discovery")]
    t.check(found["missing"] == 0 and found["database"] == database and found["settings"] > 250 and
            found["system_identifier"], "%s\n%s" % (found, said))
    return found


def refused(got, code, *words):
    """That exit code, and an error of three parts with these words."""
    t.check(got[0] == code, "exit %d, not %d\n%s" % (got[0], code, got[2]))
    errors = [e for e in got[1] if e["event"] == "error"]
    t.check(errors and errors[-1]["message"] and errors[-1]["hint"], "no error with a hint: %s\n%s" % (errors, got[2]))
    text = json.dumps(errors[-1])
    for word in words:
        t.check(word in text, "%r is not in %s" % (word, text))
    return errors[-1]


def changed_and_stopped(run):
    """Lets the run go on until a change of its own is in force and read back, then stops it."""
    try:
        run.until("a verified change", lambda: [e for e in run.events("verify") if e["state"] == "done" and e["settings"]])
        run.process.send_signal(signal.SIGTERM)
        run.end(60)
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def begin():
    global server
    server = v.start(15)
    roles = ["CREATE ROLE %s LOGIN SUPERUSER" % role for role in ("odd", "hasty", "frozen")]
    server.sql("; ".join(EVIL + roles + ["ALTER ROLE odd SET " + line for line in ODD]))
    server.sql("ALTER ROLE hasty SET statement_timeout = '1ms'")


# ---- limits and habits ----

def odd_role():
    """It discovers, measures a script that reads, changes and verifies, with nothing in the server's log, traps included."""
    seen = v.log_size(server)
    discovered(look(user="odd"))
    run = t.Run(server, server.home(), server.script(t.SORTS.replace("sorted", "public.sorted")), "--duration", "1",
                "--rounds", "1", "--accept", "safe", "-U", "odd")
    changed_and_stopped(run)
    t.check(run.code == 1 and run.summary["state"] == "PAUSED", "%s\n%s" % (run.summary, run.said))
    t.check(server.entries() == {}, "the step under way was not undone: %s" % server.entries())
    v.quiet(server, seen)


def hasty_role():
    """1 ms for a statement: ours set it aside; the DBA's script cannot, and that is said."""
    discovered(look(user="hasty"))
    run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--rounds", "1", "--accept", "safe", "-U",
                "hasty").end(60)
    t.check(run.code == 1 and "statement timeout" in run.said, "exit %d: %s" % (run.code, run.said))
    t.check(server.entries() == {} and run.summary["verdict"] is None, "%s" % run.summary)


def habits_of_a_database():
    server.sql("CREATE DATABASE nervous CONNECTION LIMIT 10")
    server.sql("ALTER DATABASE nervous SET statement_timeout = '1ms'")
    server.sql("ALTER DATABASE nervous SET default_transaction_read_only = on")
    server.sql("ALTER DATABASE nervous SET search_path = evil, pg_catalog")
    seen = v.log_size(server)
    discovered(look(database="nervous"), "nervous")
    v.quiet(server, seen)


# ---- connections that run out ----

def no_connection_left():
    server.sql("CREATE ROLE none_left LOGIN CONNECTION LIMIT 0")
    refused(look(user="none_left"), 3, "too many connections for role")
    server.sql("CREATE DATABASE full_up CONNECTION LIMIT 0")
    refused(look(user="joe", database="full_up"), 3, "too many connections for database")


def few_connections():
    """One connection is enough to look, not to measure."""
    server.sql("CREATE ROLE single LOGIN CONNECTION LIMIT 1")
    for grant in ("SELECT ON sorted", "SELECT ON pg_file_settings", "EXECUTE ON FUNCTION pg_show_all_file_settings()"):
        server.sql("GRANT %s TO single" % grant)
    seen = v.log_size(server)
    code, events, said = look(user="single")
    t.check("first_sight" in [e["event"] for e in events], "exit %d\n%s" % (code, said))
    run = t.Run(server, server.home(), server.script(t.SORTS), "--duration", "1", "--accept", "none", "-U", "single").end(60)
    t.check(run.code in (1, 2, 3) and "too many connections" in run.said, "exit %d: %s" % (run.code, run.said))
    t.check(server.entries() == {} and run.summary["verdict"] is None, "%s" % run.summary)
    failed = [line for line in v.complaints(server, seen) if "too many connections for role" in line]
    t.check(len(failed) < 30, "%d lines in the server's log" % len(failed))


def all_slots_taken():
    server.sql("ALTER SYSTEM SET max_connections = 12")
    subprocess.run([t.PG, "restart", server.dir], capture_output=True, check=True)
    held = []
    try:
        for _ in range(9):
            held.append(subprocess.Popen([t.PG, "psql", server.dir, "postgres", "SET application_name = 'held'; "
                                          "SELECT pg_sleep(60)"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        t.wait_for("the slots to be taken", 20, lambda: server.try_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'held'") == "9")
        refused(look(user="joe"), 3, "remaining connection slots", "taken")
        discovered(look())  # from the superuser's reserve
    finally:
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'held'")
        for process in held:
            process.wait()
        server.sql("ALTER SYSTEM RESET max_connections")
        subprocess.run([t.PG, "restart", server.dir], capture_output=True, check=True)


# ---- bytes ----

def other_encodings():
    """What is no UTF-8 does not get through, and keeps nobody from working."""
    for name, encoding in (("ascii_db", "SQL_ASCII"), ("latin_db", "LATIN1")):
        server.sql("CREATE DATABASE %s ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0" % (name, encoding))
        raw = b'CREATE TABLE "k\xe9se\x85\x9b2J" (a int); CREATE TABLE "\xff\xfe\xc3" (b int);'
        raw += b"COMMENT ON DATABASE %s IS 'caf\xe9'; ALTER ROLE odd IN DATABASE %s SET application_name = 'x\xfcy';" % (
            name.encode(), name.encode())
        raw += b"INSERT INTO \"\xff\xfe\xc3\" SELECT generate_series(1, 5000); ANALYZE;"
        path = os.path.join(server.work, name + ".sql")
        with open(path, "wb") as f:
            f.write(raw)
        psql = subprocess.run([t.PG, "psql", server.dir, name, ""], capture_output=True)
        done = subprocess.run(["psql", "-X", "-q", "-h", server.host, "-p", server.port, "-U", "postgres", "-d", name, "-f",
                               path], capture_output=True, env=dict(os.environ, PGCLIENTENCODING=encoding))
        t.check(done.returncode == 0 and psql.returncode == 0 and b"ERROR" not in done.stderr, "%s" % done.stderr)
        for user in ("postgres", "odd"):
            code, events, said = look(user=user, database=name)
            found = discovered((code, events, said), name)
            t.check(found["relations"] >= 2, "%s" % found)
            t.check("\x9b" not in said and "\x85" not in said, "control characters: %r" % said)
    screen = v.Screen(["-H", server.host, "-p", server.port, "-U", "postgres", "-d", "ascii_db"], server.home())
    try:
        screen.expect(r"\d+ xact/s")
        screen.keys("q")
        screen.expect("ended with 0")
    finally:
        screen.close()


# ---- late, never, another ----

class Relay:
    """Between the program and the server, on a port of its own: passes on, later, or not at all."""

    def __init__(self, target):
        self.target = target
        self.delay = 0.0
        self.swallow = False
        self.pairs = []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", int(self.target)))
            except OSError:
                client.close()
                continue
            self.pairs.append((client, there))
            for a, b in ((client, there), (there, client)):
                threading.Thread(target=self.carry, args=(a, b), daemon=True).start()

    def carry(self, a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                time.sleep(self.delay)
                while self.swallow:
                    time.sleep(0.05)
                b.sendall(data)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.swallow = False
        self.delay = 0.0
        self.listener.close()
        self.cut()


def together(*parts):
    """Runs them side by side: most of their time is waiting."""
    failures = []

    def run(part):
        try:
            part()
        except Exception as e:
            failures.append("%s: %s" % (part.__name__, e))
    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    t.check(not failures, "\n".join(failures))


def slow_answers():
    relay = Relay(server.port)
    relay.delay = 0.15
    try:
        discovered(look(host="127.0.0.1", port=relay.port))
    finally:
        relay.close()


def no_greeting():
    """A server that takes the connection and says nothing."""
    relay = Relay(server.port)
    relay.swallow = True
    try:
        refused(look(host="127.0.0.1", port=relay.port), 3, "no connection to 127.0.0.1 within")
    finally:
        relay.close()


def silent_on_the_screen():
    """It stops to answer: that is said, keys work, and the figures come again with the server."""
    relay = Relay(server.port)
    screen = v.Screen(["-H", "127.0.0.1", "-p", str(relay.port), "-U", "postgres", "-d", "postgres"], server.home())
    try:
        screen.expect(r"\d+ xact/s")
        relay.swallow = True
        screen.expect(r"no answer for \d+ s", 30)
        screen.keys("?")
        screen.expect("Keyboard help", 5)
        screen.keys("Escape")
        relay.swallow = False
        relay.cut()
        screen.expect(r"\d+ xact/s", 30)
        screen.keys("q")
        screen.expect("ended with 0")
    finally:
        screen.close()
        relay.close()


def frozen_backend():
    """The session's own server process is stopped while it discovers: an error in time."""
    relay = Relay(server.port)
    relay.delay = 0.2
    done = {}

    def go():
        done["got"] = look(host="127.0.0.1", port=relay.port, user="frozen")
    runner = threading.Thread(target=go)
    pids = []
    try:
        runner.start()
        found = t.wait_for("a session of ours", 20, lambda: server.sql(
            "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE usename = 'frozen'"), 0.01)
        pids = [int(pid) for pid in found.split(",")]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        runner.join(60 * t.SCALE)
        t.check("got" in done, "no end")
        code, events, said = done["got"]
        t.check(code in (1, 3) and ("no answer" in said or "no connection" in said or "not answer" in said),
                "exit %d: %s" % (code, said))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        relay.close()
        runner.join()


def late_or_never():
    together(slow_answers, no_greeting, silent_on_the_screen, frozen_backend)


def another_server():
    """In the middle of a session the port leads to another server: nothing is sent to that one, and the session goes on when
    its own is back."""
    other = t.Server(t.pg_bin(15))
    relay = Relay(server.port)
    try:
        home = server.home()
        flags = ("--duration", "1", "--rounds", "1", "--accept", "safe", "-H", "127.0.0.1", "-p", str(relay.port))
        run = t.Run(server, home, server.script(t.SORTS), *flags)
        try:
            run.until("the candidate on the server", lambda: run.events("apply") and server.entries(), 120)
            relay.target = other.port
            relay.cut()
            run.end(150)
        finally:
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
        t.check(run.code in (1, 4, 5), "exit %d: %s\n%s" % (run.code, run.summary, run.said))
        t.check("another" in run.said or "not the server" in run.said or "identif" in run.said, run.said)
        t.check(other.entries() == {}, "the other server was changed: %s" % other.entries())
        wrong = t.Ledger(run.journal()).explain(server.entries(), {})
        t.check(not wrong, "; ".join(wrong))
        relay.target = server.port
        relay.cut()
        again = t.Run(server, home, server.script(t.SORTS), *flags)
        again.until("it to go on", lambda: again.events("bench") or again.process.poll() is not None, 60)
        if again.process.poll() is None:
            again.process.send_signal(signal.SIGTERM)
        again.end(60)
        t.check(again.summary["session"] == run.summary["session"], "another session: %s\n%s" % (again.summary, again.said))
        t.check(server.entries() == {}, "the half-applied step was left: %s" % server.entries())
    finally:
        relay.close()
        other.destroy()
        server.sql("ALTER SYSTEM RESET ALL")


if __name__ == "__main__":
    try:
        begin()
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (odd_role, hasty_role, habits_of_a_database, no_connection_left,
                                        few_connections, other_encodings, late_or_never, another_server,
                                        all_slots_taken)})
    finally:
        server.destroy()
