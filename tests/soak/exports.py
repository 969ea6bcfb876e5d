#!/usr/bin/env python3
"""What a session exports, given to those who read it: ansible-playbook brings a scratch server there, finds nothing to do the
second time, says in check mode what it would do, and goes back; each of PostgreSQL 12 to 18 starts with the configuration that
was exported for it; a browser opens the page and draws its plots. Needs ansible-core and Chromium; what is not installed is
said and left out."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t


def exported(server):
    """The exports/ of a session that kept something."""
    home = server.home()
    run = t.improved(server, home, server.script("SELECT takes();\n"), "--duration", "4", "--rounds", "1", "--budget", "5",
                     "--accept", "safe", **t.forced(t.STEADY_CHANGE))
    return home, run.summary["workspace"], os.path.dirname(run.summary["exports"]["report"])


def play(server, book, *more):
    env = dict(os.environ, ANSIBLE_LOCALHOST_WARNING="false", ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8",
               HOME=server.work, ANSIBLE_LOCAL_TEMP=os.path.join(server.work, "ansible"))
    words = ["ansible-playbook", "-i", "localhost,", "-c", "local", book, "-e",
             json.dumps({"pg_connection": "host=%s port=%s user=postgres dbname=postgres" % (server.host, server.port)})]
    out = subprocess.run(words + list(more), capture_output=True, text=True, timeout=300, env=env)
    recap = re.search(r"ok=(\d+) +changed=(\d+) .*failed=(\d+)", out.stdout)
    t.check(out.returncode == 0 and recap and recap.group(3) == "0", "the playbook failed:\n%s\n%s" % (out.stdout, out.stderr))
    return int(recap.group(2)), out.stdout


def ansible(exports, wanted):
    if not shutil.which("ansible-playbook"):
        print("   ansible-playbook is not installed: its part is left out")
        return
    book = os.path.join(exports, "apply_tuning.yml")
    name, value = wanted
    scratch = t.Server(t.pg_bin(15))
    try:
        scratch.sql("ALTER SYSTEM SET log_min_messages = 'warning'")
        before = scratch.entries()
        changed, said = play(scratch, book, "--check")
        t.check(changed == 1 and "ALTER SYSTEM SET" in said, "check mode does not say what it would send: " + said)
        t.check(scratch.entries() == before, "check mode changed something: %s" % scratch.entries())
        changed, said = play(scratch, book)
        t.check(changed >= 1 and scratch.entries().get(name) == value, "not applied: %s\n%s" % (scratch.entries(), said))
        t.check(scratch.sql("SHOW " + name) == value, "not in force: " + scratch.sql("SHOW " + name))
        changed, said = play(scratch, book)
        t.check(changed == 0, "the second run changed something: " + said)
        changed, said = play(scratch, book, "-e", "pg_state=absent")
        t.check(changed >= 1 and scratch.entries() == before, "not rolled back: %s" % scratch.entries())
        changed, said = play(scratch, book, "-e", "pg_state=absent")
        t.check(changed == 0, "the second rollback changed something: " + said)
        print("   ansible: checked, applied, idempotent, rolled back")
    finally:
        scratch.destroy()


def versions(home, workspace, exports):
    started = []
    for version in range(12, 19):
        try:
            bin_dir = t.pg_bin(version)
        except t.Skip as why:
            print("   PostgreSQL %d: %s" % (version, why))
            continue
        out = subprocess.run([t.PROGRAM, "export", workspace, "--for", str(version)], capture_output=True, text=True,
                             env=dict(os.environ, PG_DIAGNOSE_HOME=home))
        t.check(out.returncode == 0, "export --for %d: %s" % (version, out.stderr))
        conf = t.read(os.path.join(exports, "postgresql.conf"))
        server = t.Server(bin_dir, conf=conf.splitlines(), rows=10)
        try:
            for line in conf.splitlines():
                if line and not line.startswith("#"):
                    name, value = re.match(r"(\w+) = '(.*)'", line).groups()
                    t.check(server.sql("SHOW " + name).lower() == value.lower(), "%d: %s" % (version, line))
            started.append(version)
        finally:
            server.destroy()
    t.check(started, "no version could be tried")
    print("   postgresql.conf starts %s" % ", ".join(map(str, started)))


def page(exports):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        print("   Chromium is not installed: its part is left out")
        return
    path = os.path.join(exports, "workspace_report.html")
    os.chmod(path, 0o644)
    out = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
                          "--virtual-time-budget=3000", "--dump-dom", "file://" + path], capture_output=True, text=True,
                         timeout=120)
    errors = [line for line in out.stderr.splitlines() if "CONSOLE" in line or "ERROR:file" in line]
    t.check(out.returncode == 0 and not errors, "the browser has objections: %s" % errors)
    t.check("</svg>" in out.stdout and "polyline" in out.stdout, "the page has no plots")
    series = re.findall(r'<polyline class="[ab]"[^>]*points="([^"]*)"', out.stdout)
    points = sum(len(s.split()) for s in series)
    t.check(len(series) >= 6 and points >= 2 * len(series), "the plots show %d points of %d runs" % (points, len(series)))
    print("   the page opens, %d series in its plots" % len(series))


def exports_are_read(server):
    home, workspace, exports = exported(server)
    name, value = t.STEADY_CHANGE.split("=")
    for file in ("apply_tuning.sql", "undo_tuning.sql", "tuning.json", "patroni.yml", "cloudnativepg.yaml", "change_ticket.md",
                 "rds_parameters.json", "docker_arguments.txt"):
        t.check(name in t.read(os.path.join(exports, file), ""), "%s does not name %s" % (file, name))
    ansible(exports, (name, value))
    page(exports)
    versions(home, workspace, exports)


def main():
    server = t.Server(t.pg_bin(15))
    try:
        exports_are_read(server)
    finally:
        server.destroy()
    print("ok exports")


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print(why)
        sys.exit(77)
