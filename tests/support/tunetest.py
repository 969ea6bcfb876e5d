"""What the tests of whole headless sessions share: a private server, runs of the program, its files, and checks.

A test is a function without arguments that takes what it needs from here and calls fail(); main() runs all of them, or
those named on the command line, and exits 77 with a reason where something is missing.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.environ.get("PGD_SOURCE_DIR") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("PGD_PROGRAM", os.path.join(SOURCE, "build/pg_diagnose"))
TEST_PROGRAM = os.environ.get("PGD_TEST_PROGRAM", PROGRAM + "_test")
SCALE = int(os.environ.get("PGD_TIME_SCALE", "1"))
PG = os.path.join(SOURCE, "tests/support/pg.sh")

# Wide rows make the files large and the comparisons cheap: in memory such a sort takes less than half the time.
SORTS = ("\\set a random(1, 25000)\n"
         "SELECT count(pad) FROM (SELECT k, pad FROM sorted WHERE id BETWEEN :a AND :a + 3000 ORDER BY k) s;\n")
SMALL = ("work_mem = 256kB", "max_parallel_workers_per_gather = 0")
SLEEPS = "SELECT pg_sleep(0.01);\n"  # a run of a second holds enough of them
# Slow by a small work_mem and by nothing else, on any machine and beside any load: for what is not about the advisor's finds.
STEADY = "SELECT takes();\n"
TAKES = ("CREATE FUNCTION takes() RETURNS void LANGUAGE sql AS $$ SELECT pg_sleep(CASE WHEN "
         "pg_size_bytes(current_setting('work_mem')) < 1048576 THEN 0.012 ELSE 0.005 END) $$")
STEADY_CHANGE = "work_mem=64MB"
SUMMARY_FIELDS = ["event", "workspace", "session", "state", "strategy", "baseline_tps", "best_tps", "target_tps",
                  "verdict", "effect", "ci95", "rounds", "changes", "exports"]


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def fail(text):
    raise Failure(text)


def check(condition, text):
    if not condition:
        fail(text)


def wait_for(what, timeout, probe, step=0.05):
    """Calls probe until it returns something true; *timeout* in seconds, stretched in instrumented builds."""
    end = time.monotonic() + timeout * SCALE
    while True:
        got = probe()
        if got:
            return got
        if time.monotonic() > end:
            fail("waited %d s for %s" % (timeout * SCALE, what))
        time.sleep(step)


def read(path, default=None):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        if default is None:
            raise
        return default


def pg_bin(version):
    found = subprocess.run([PG, "bin", str(version)], capture_output=True, text=True)
    if found.returncode == 0:
        return found.stdout.strip()
    fetched = subprocess.run([os.path.join(SOURCE, "tests/support/fetch_pg.sh"), str(version)], capture_output=True,
                             text=True)
    if fetched.returncode == 0:
        return fetched.stdout.strip()
    raise Skip((fetched if fetched.returncode == 77 else found).stderr.strip())


class Server:
    """A stock cluster with the given lines of configuration, filled with the table of the sorts."""

    def __init__(self, bin_dir, conf=SMALL, rows=40000):
        self.work = tempfile.mkdtemp(prefix="pgd-tune.")
        os.chmod(self.work, 0o755)
        path = os.path.join(self.work, "conf")
        with open(path, "w") as f:
            f.write("\n".join(conf) + "\nlog_line_prefix = '%m [%p] %a '\n")
        env = dict(os.environ, PGTEST_OWNER=str(os.getpid()))
        made = subprocess.run([PG, "start", bin_dir, path], capture_output=True, text=True, env=env)
        check(made.returncode == 0, "the server does not start: " + made.stderr)
        for line in made.stdout.splitlines():
            name, value = line.split("=", 1)
            setattr(self, name, value)
        self.sql("CREATE TABLE sorted AS SELECT i AS id, (i * 7919::bigint) %% 1000003 AS k, repeat('x', 1000) AS pad "
                 "FROM generate_series(1, %d) i" % rows)
        self.sql("CREATE INDEX ON sorted (id)")
        self.sql("VACUUM ANALYZE sorted")
        self.sql(TAKES)
        self.homes = 0

    def sql(self, text, database="postgres"):
        out = subprocess.run([PG, "psql", self.dir, database, text], capture_output=True, text=True, timeout=60)
        check(out.returncode == 0, "psql: " + out.stderr)
        return out.stdout.strip()

    def try_sql(self, text):
        try:
            return self.sql(text)
        except (Failure, subprocess.TimeoutExpired):
            return None

    def entries(self):
        """The settings of postgresql.auto.conf; the last of a name counts."""
        found = {}
        for line in read(os.path.join(self.data, "postgresql.auto.conf")).splitlines():
            m = re.match(r"\s*([A-Za-z_][\w.]*)\s*=?\s*(.*?)\s*$", line)
            if m and not line.lstrip().startswith("#"):
                value = m.group(2)
                if value.startswith("'"):
                    value = value[1:-1].replace("''", "'")
                found[m.group(1).lower()] = value
        return found

    def home(self):
        self.homes += 1
        path = os.path.join(self.work, "home%d" % self.homes)
        os.makedirs(path, mode=0o700)
        return path

    def script(self, text):
        path = os.path.join(self.work, "script%d.sql" % len(text))
        with open(path, "w") as f:
            f.write(text)
        return path

    def strangers(self):
        """Backends of the program that are there now."""
        return self.sql("SELECT string_agg(application_name || ' ' || pid, ', ') FROM pg_stat_activity "
                        "WHERE application_name LIKE 'pg_diagnose%' OR application_name LIKE 'pgbench%'")

    def pgbenches(self):
        """pgbench processes that work on this server, by their environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if os.path.basename(read("/proc/%s/cmdline" % pid, "").split("\0")[0]) == "pgbench" and \
                    "PGPORT=" + self.port in read("/proc/%s/environ" % pid, "").split("\0"):
                found.append(int(pid))
        return found

    def destroy(self):
        subprocess.run([PG, "destroy", self.dir], capture_output=True)
        shutil.rmtree(self.work, ignore_errors=True)


class Run:
    """One run of `tune`, without a script on the workload of its own. Its lines are parsed when it has ended."""

    def __init__(self, server, home, script, *flags, json_lines=True, program=None, env=None):
        self.home = home
        self.args = [program or PROGRAM, "tune", "-H", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres",
                     *(["--script", script] if script else []), "--clients", "2"] + list(flags)
        if json_lines:
            self.args.append("--json")
        self.json_lines = json_lines
        self.out = tempfile.NamedTemporaryFile(dir=server.work, prefix="out", delete=False)
        self.err = tempfile.NamedTemporaryFile(dir=server.work, prefix="err", delete=False)
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                                        env=dict(os.environ, PG_DIAGNOSE_HOME=home, **(env or {})))

    def text(self):
        return read(self.out.name)

    def events(self, kind=None):
        """Whole lines so far; the last one may still be on its way."""
        found = []
        for line in self.text().split("\n")[:-1]:
            event = json.loads(line)
            if kind in (None, event["event"]):
                found.append(event)
        return found

    def until(self, what, probe, timeout=120):
        def look():
            found = probe()
            if not found and self.process.poll() is not None:
                fail("the program ended with %d before %s\n%s\n%s" %
                     (self.process.returncode, what, self.text(), read(self.err.name)))
            return found
        return wait_for(what, timeout, look)

    def end(self, timeout=300):
        try:
            self.code = self.process.wait(timeout * SCALE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            fail("no end after %d s: %s" % (timeout * SCALE, self.text()[-2000:]))
        self.seconds = time.monotonic() - self.started
        self.said = read(self.err.name)
        check("Sanitizer" not in self.said, self.said)
        if self.json_lines:
            events = self.events()
            check(self.text().endswith("\n") and events, "no whole lines: " + self.said)
            self.summary = events[-1]
            check([e["event"] for e in events].count("summary") == 1, "not one summary")
            check(list(self.summary) == SUMMARY_FIELDS, "the summary's fields are %s" % list(self.summary))
        return self

    def expect(self, code, state, verdict="any"):
        self.end()
        s = self.summary
        check(self.code == code, "exit %d, not %d: %s\n%s" % (self.code, code, json.dumps(s), self.said[-3000:]))
        check(s["state"] == state, "state %s, not %s\n%s" % (s["state"], state, self.said[-3000:]))
        check(verdict == "any" or s["verdict"] == verdict, "verdict %s, not %s" % (s["verdict"], verdict))
        return self

    def session_dir(self):
        return os.path.join(self.home, "workspaces", self.summary["workspace"], "sessions", self.summary["session"])

    def session(self):
        return json.loads(read(os.path.join(self.session_dir(), "session.json")))

    def journal(self):
        return parse_journal(os.path.join(self.session_dir(), "journal.jsonl"))


def forced(change=STEADY_CHANGE):
    """For Run: the proposal is the test's alone, not the advisor's."""
    return {"program": TEST_PROGRAM, "env": {"PGD_TEST_FORCE_CHANGE": change, "PGD_TEST_ONLY_FORCED": "1"}}


def improved(server, home, script, *flags, code=0, **how):
    """A session that must end improved. Where the machine is so noisy that the program says itself that it cannot tell, it
    gets another try, three in all."""
    for attempt in range(3):
        run = Run(server, home, script, *flags, **how).end()
        floors = [e["floor"] for e in run.events("baseline")]
        if run.summary["verdict"] == "improved" or attempt == 2 or not floors or floors[0] < 0.05:
            break
        print("   inconclusive with noise of %.0f %%: once more" % (100 * floors[0]), flush=True)
    return run.expect(code, "ARCHIVED", "improved")


def archived(server, run):
    """What an improved session leaves: settings in force and read back, files, exports, a journal that adds up."""
    s = run.summary
    check(s["changes"] and s["best_tps"] > s["baseline_tps"] > 0, "nothing was gained: %s" % s)
    check(abs(s["best_tps"] / s["baseline_tps"] - s["effect"]) < 0.01 * s["effect"], "the figures are not of one measurement: %s" % s)
    check(1 < s["ci95"][0] <= s["effect"] <= s["ci95"][1], "effect outside its interval: %s" % s)
    for change in s["changes"]:
        shown = server.sql("SHOW " + change["name"])
        check(shown == change["to"] != change["from"], "%s is %s, not %s" % (change["name"], shown, change["to"]))
    check(set(c["name"] for c in s["changes"]) == set(server.entries()),
            "changes %s, postgresql.auto.conf %s" % (s["changes"], server.entries()))
    check("work_mem" in server.entries(), "the sorts' own setting was not found: %s" % s["changes"])
    pending = server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart")
    check(pending == "0", "settings wait for a restart")
    report, conf = s["exports"]["report"], s["exports"]["conf"]
    check(os.path.isabs(report) and os.path.isabs(conf), "relative paths: %s" % s["exports"])
    check("work_mem" in read(report) and "work_mem" in read(conf), "the exports do not hold what was found")
    check(not any(word in read(conf) for word in ("\nport", "\nlisten_addresses", "\ndata_directory")),
            "the export holds what is not tuning")
    session = run.session()
    check(session["state"] == "ARCHIVED" and session["format"] == 1, "session.json says %s" % session["state"])
    for path, _, files in os.walk(run.home):
        for name in files:
            mode = os.stat(os.path.join(path, name)).st_mode & 0o777
            check(mode == 0o600, "%s/%s has mode %o" % (path, name, mode))
    check(not server.pgbenches(), "pgbench is left")


def parse_journal(path):
    """Every whole line; a torn last one was never acknowledged."""
    lines = read(path, "").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def entry_of(item):
    return item["value"] if item["present"] else None


class Ledger:
    """The journal played back: what each setting was before the session, is now, and may be on its way to."""

    def __init__(self, journal):
        self.original, self.now, self.open = {}, {}, None
        numbers = [r["no"] for r in journal if "no" in r]
        check(numbers == sorted(set(numbers)), "the numbers of the journal do not rise: %s" % numbers)
        for r in journal:
            if r["event"] == "intent":
                check(self.open is None or not self.open["closed"], "unreachable")
                self.open = {"no": r["no"], "closed": False,
                             "items": {i["name"]: (entry_of(i["before"]), entry_of(i["to"])) for i in r["items"]}}
                check(len(r["undo"]) == len(r["items"]) > 0, "an intent without its undo: %s" % r)
                for item, undo in zip(r["items"], r["undo"]):
                    name, before = item["name"], entry_of(item["before"])
                    wanted = ("ALTER SYSTEM RESET %s" % name if before is None else
                              "ALTER SYSTEM SET %s = '%s'" % (name, before.replace("'", "''")))
                    if name.startswith("os:"):  # of the operating system: a command
                        wanted = "-- on the server's host, as root: " + undo.rpartition(": ")[2]
                    check(undo == wanted, "the undo %r is not %r" % (undo, wanted))
                    self.original.setdefault(name, before)
                    self.now.setdefault(name, before)
            elif r["event"] in ("applied", "undone"):
                check(self.open is not None and r["intent"] == self.open["no"], "%s closes no open intent" % r)
                for name, (before, to) in self.open["items"].items():
                    self.now[name] = to if r["event"] == "applied" else before
                self.open = None

    def possible(self, name):
        values = {self.now[name]}
        if self.open and name in self.open["items"]:
            values |= set(self.open["items"][name])
        return values

    def explain(self, entries, stock):
        """What stands in the file that neither we nor the stock file account for; empty = all is accounted for."""
        wrong = []
        for name in sorted(n for n in set(entries) | set(stock) | set(self.now) if not n.startswith("os:")):
            have = entries.get(name)
            allowed = self.possible(name) if name in self.now else {stock.get(name)}
            if have not in allowed:
                wrong.append("%s is %r, the journal says %s" % (name, have, sorted(map(str, allowed))))
        return wrong


def main(tests):
    names = sys.argv[1:] or list(tests)
    failed, skipped = 0, []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in names:
        started = time.monotonic()
        try:
            tests[name]()
            print("ok %s (%.0f s)" % (name, time.monotonic() - started), flush=True)
        except Skip as e:
            skipped.append(str(e))
            print("skipped %s: %s" % (name, e), flush=True)
        except Exception:
            failed += 1
            print("FAILED %s (%.0f s)" % (name, time.monotonic() - started))
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
    if failed:
        sys.exit(1)
    if skipped and len(skipped) == len(names):
        print("skipped: " + skipped[-1])
        sys.exit(77)
