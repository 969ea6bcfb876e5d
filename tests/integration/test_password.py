#!/usr/bin/env python3
"""Every way by which a password comes to libpq also reaches pgbench: by a file in memory, never by an argument or an
environment. So do the other words of a connection string; a service's database does not replace the one that is measured."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tunetest as t  # noqa: E402

PASSWORD = "se:c'r\\et 1"
STATE = {}


def start():
    os.environ["PGTEST_INITDB"] = "--auth-host=scram-sha-256"
    STATE["server"] = s = t.Server(t.pg_bin(15), rows=10)
    s.sql("ALTER ROLE postgres PASSWORD '%s'" % PASSWORD.replace("'", "''"))
    with open(os.path.join(s.work, "passfile"), "w") as f:
        f.write("127.0.0.1:*:*:*:%s\n" % PASSWORD.replace("\\", "\\\\").replace(":", "\\:"))
    with open(os.path.join(s.work, "services"), "w") as f:
        f.write("[here]\nhost=127.0.0.1\nport=%s\nuser=postgres\ndbname=template1\n" % s.port)
    os.chmod(f.name, 0o600)
    os.chmod(os.path.join(s.work, "passfile"), 0o600)
    return s


def measures(words, env):
    """A run that measures its baseline; the program's own environment is what the test gives."""
    s = STATE.get("server") or start()
    home = s.home()
    out = tempfile.NamedTemporaryFile(dir=s.work, delete=False)
    err = tempfile.NamedTemporaryFile(dir=s.work, delete=False)
    process = subprocess.Popen([t.PROGRAM, "tune"] + words + ["--script", s.script("SELECT 1;\n"), "--duration", "2",
                                                            "--clients", "2", "--json"],
                               stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                               env=dict(os.environ, PG_DIAGNOSE_HOME=home, **env))
    try:
        pid = t.wait_for("pgbench", 40, lambda: (s.pgbenches() or [0] * (process.poll() is not None) or [None])[0])
        t.check(pid, "no pgbench ran: " + t.read(err.name))
        seen = t.read("/proc/%d/environ" % pid, "") + t.read("/proc/%d/cmdline" % pid, "")
        t.check(PASSWORD not in seen, "pgbench shows the password: " + seen.replace("\0", " "))
        variables = seen.split("\0")
        t.check("PGDATABASE=postgres" in variables, "pgbench works elsewhere: %s" % variables)
        t.check(not [v for v in variables if v.startswith("PGSERVICE=")], "the service would win: %s" % variables)
        code = process.wait(60 * t.SCALE)
    finally:
        process.kill()
        process.wait()
    t.check(code in (0, 1) and '"baseline"' in t.read(out.name), "exit %d: %s" % (code, t.read(err.name)))
    kept = subprocess.run(["grep", "-rlF", PASSWORD, home], capture_output=True, text=True).stdout
    t.check(not kept, "the password was written to " + kept)
    return variables


def address():
    s = STATE.get("server") or start()
    return ["-H", "127.0.0.1", "-p", s.port, "-U", "postgres", "-d", "postgres"]


def connection_string():
    s = STATE.get("server") or start()
    quoted = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    variables = measures(["-d", "host=127.0.0.1 port=%s user=postgres dbname=postgres password='%s' sslmode=disable"
                          % (s.port, quoted)], {})
    t.check("PGSSLMODE=disable" in variables, "sslmode does not reach pgbench: %s" % variables)


def uri():
    s = STATE.get("server") or start()
    measures(["postgresql://postgres:se%%3Ac%%27r%%5Cet%%201@127.0.0.1:%s/postgres" % s.port], {})


def environment():
    measures(address(), {"PGPASSWORD": PASSWORD})


def password_file():
    s = STATE.get("server") or start()
    measures(address(), {"PGPASSFILE": os.path.join(s.work, "passfile")})


def service():
    s = STATE.get("server") or start()
    measures(["-d", "postgres"], {"PGSERVICEFILE": os.path.join(s.work, "services"), "PGSERVICE": "here",
                                  "PGPASSFILE": os.path.join(s.work, "passfile")})


try:
    t.main({f.__name__: f for f in (connection_string, uri, environment, password_file, service)})
finally:
    if "server" in STATE:
        STATE["server"].destroy()
