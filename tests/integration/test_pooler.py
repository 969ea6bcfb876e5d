#!/usr/bin/env python3
"""PgBouncer in transaction mode before the server: the dashboard looks and leaves nothing behind in the sessions of others, a tuning
session is refused and told the way to the server, and startup options that PgBouncer refuses are explained."""
import os
import shutil
import signal
import subprocess
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

CONF = """[databases]
postgres = host=127.0.0.1 port={port} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {mine}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
logfile = {work}/pgbouncer.log
pidfile = {work}/pgbouncer.pid
"""


class Bouncer:
    """One server connection for everybody: whatever is set in it would be seen by the next client."""

    def __init__(self, server):
        found = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
        if not found:
            raise t.Skip("pgbouncer is not installed")
        self.pidfile = os.path.join(server.dir, "pgbouncer.pid")
        self.host, self.port, self.work = "127.0.0.1", str(int(server.port) + 1), server.work
        conf = os.path.join(server.dir, "pgbouncer.ini")
        with open(conf, "w") as f:
            f.write(CONF.format(port=server.port, mine=self.port, work=server.dir))
        os.chmod(conf, 0o644)
        self.process = subprocess.Popen([t.PG, "as", found, "-q", conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        t.wait_for("pgbouncer", 10, lambda: self.sql("SELECT 1") == "1")

    def sql(self, text):
        out = subprocess.run([os.path.join(t.pg_bin(15), "psql"), "-XqAt", "-h", self.host, "-p", self.port, "-U", "postgres",
                              "-c", text, "postgres"], capture_output=True, text=True)
        return out.stdout.strip()

    def stop(self):
        """By its own number: the process that was started here is the shell that has changed the user."""
        os.kill(int(t.read(self.pidfile)), signal.SIGTERM)
        self.process.wait(20)


WATCHED = "SELECT string_agg(name || '=' || setting || ' ' || source, ', ' ORDER BY name) FROM pg_settings WHERE name IN " \
          "('lock_timeout', 'statement_timeout', 'search_path', 'jit', 'default_transaction_read_only', 'row_security', " \
          "'extra_float_digits', 'idle_in_transaction_session_timeout')"


def pooled():
    server = t.Server(t.pg_bin(15), rows=1000)
    bouncer = None
    try:
        bouncer = Bouncer(server)
        clean = bouncer.sql(WATCHED)
        t.check(" session" not in clean, clean)

        # A session is refused, in three sentences, before anything is measured; with --readonly it looks.
        run = t.Run(bouncer, server.home(), server.script(t.SLEEPS), "--duration", "1", "--accept", "safe").end(30)
        t.check(run.code == 3, "exit %d: %s" % (run.code, run.said))
        e = run.events("error")[0]
        t.check("pooler" in e["message"] and e["detail"] and server.port in e["hint"], "%s" % e)
        t.check(run.events("discovery")[0]["path"] == "pooler" and run.events("first_sight"), "%s" % run.events())
        t.check(not run.events("bench") and not server.entries(), "something was done")
        t.check(bouncer.sql(WATCHED) == clean, "left behind: " + bouncer.sql(WATCHED))
        look = t.Run(bouncer, server.home(), server.script(t.SLEEPS), "--readonly").end(30)
        t.check(look.code == 2 and look.events("first_sight"), "exit %d: %s" % (look.code, look.said))
        t.check(bouncer.sql(WATCHED) == clean, "left behind: " + bouncer.sql(WATCHED))
        t.check(bouncer.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0", "a lock was left behind")

        # What PgBouncer does not take at the start is an error with a reason.
        home = server.home()
        bad = subprocess.run([t.PROGRAM, "tune", "host=127.0.0.1 port=%s user=postgres dbname=postgres options='-c jit=off'"
                              % bouncer.port, "--script", server.script(t.SLEEPS), "--json"], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, env=dict(os.environ, PG_DIAGNOSE_HOME=home), timeout=60 * t.SCALE)
        t.check(bad.returncode == 3 and "PgBouncer" in bad.stderr, "exit %d: %s" % (bad.returncode, bad.stderr))

        # The way that was named is the server, and says so.
        direct = t.Run(types.SimpleNamespace(host="127.0.0.1", port=server.port, work=server.work), server.home(),
                       server.script(t.SLEEPS), "--readonly").end(30)
        t.check(direct.events("discovery")[0]["path"] == "direct", direct.said)
    finally:
        if bouncer:
            bouncer.stop()
        server.destroy()


if __name__ == "__main__":
    t.main({f.__name__: f for f in (pooled,)})
