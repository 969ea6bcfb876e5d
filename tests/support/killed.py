"""What the tests that kill the program share: a server of some version, one workspace of the program on it, and all that must
be true after a kill and after the resume that follows."""
import collections
import json
import os
import signal
import time

import tunetest as t

UP_S = 30  # of a server, after a kill


class Ground:
    """A private server with an entry of somebody else in postgresql.auto.conf, and the program's home."""

    def __init__(self, version):
        self.version = version
        self.server = t.Server(t.pg_bin(version))
        self.server.sql("ALTER SYSTEM SET effective_io_concurrency = 3")  # somebody else's
        self.stock = self.server.entries()
        self.home = self.server.home()
        self.counts = collections.Counter()
        self.slowest = 0.0  # seconds until the server was up after a kill

    # -- files ------------------------------------------------------------------------------------

    def sessions(self):
        """Folder and session.json of every session that has one."""
        found = {}
        for path, _, files in os.walk(os.path.join(self.home, "workspaces")):
            if "session.json" in files:
                found[path] = json.loads(t.read(os.path.join(path, "session.json")))
        return found

    def open_session(self):
        found = [p for p, s in self.sessions().items() if s["state"] in ("ACTIVE", "PAUSED")]
        t.check(len(found) <= 1, "two sessions are open: %s" % found)
        return found[0] if found else None

    def journal(self, path):
        return t.parse_journal(os.path.join(path, "journal.jsonl")) if path else []

    def intents(self):
        return sum(r["event"] == "intent" for r in self.journal(self.open_session()))

    def accounted(self, path):
        """What is wrong with the file, by the journal of the session at path; an earlier session's end is stock."""
        return t.Ledger(self.journal(path)).explain(self.server.entries(), self.stock)

    def report(self):
        """What the restart script says: its fields, none without a report."""
        text = t.read(os.path.join(self.server.data, "pg_diagnose.report"), "")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def script_pid(self):
        return int(t.read(os.path.join(self.server.data, "pg_diagnose.lock", "pid"), "0") or 0)

    # -- what must be true ------------------------------------------------------------------------

    def wait_up(self, since):
        t.wait_for("the server after a kill", UP_S, lambda: self.server.try_sql("SELECT 1") == "1")
        self.slowest = max(self.slowest, time.monotonic() - since)
        return time.monotonic() - since

    def after_kill(self, comes_up=True):
        """The server is up by itself (comes_up), nobody of ours works on it, every setting is accounted for. Returns the
        seconds until the server was up."""
        server, since, took = self.server, time.monotonic(), 0.0
        t.wait_for("pgbench to be gone after a kill", 5, lambda: not server.pgbenches())
        if server.try_sql("SELECT 1") is None:
            self.counts["kills with the server down"] += 1
        if comes_up:
            took = self.wait_up(since)
            t.wait_for("our sessions to be gone after a kill", 10, lambda: server.try_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pg_diagnose%'") == "0")
        path = self.open_session()
        wrong = []

        def settled():
            wrong[:] = self.accounted(path)
            return not wrong
        try:
            t.wait_for("the settings", 10, settled)
        except t.Failure:
            t.fail("not accounted for: " + "; ".join(wrong))
        inside = t.Ledger(self.journal(path)).open
        self.counts["kills in a switch" if inside else "kills elsewhere"] += 1
        return took

    def checkpoints(self, path, before, run):
        """session.json as it is now has all that it had, and the run did not do it again."""
        later = self.sessions()[path]
        if before["baseline_tps"] is not None:
            t.check(later["baseline_tps"] == before["baseline_tps"],
                    "the baseline was %s and is %s" % (before["baseline_tps"], later["baseline_tps"]))
            t.check(not run.events("baseline"), "the baseline was measured again")
        t.check(later["rounds_done"] >= before["rounds_done"], "a finished round is lost")
        return later

    def undone(self, what):
        """Everything of ours is gone from the server."""
        t.check(self.server.entries() == self.stock, "%s: %s, not %s" % (what, self.server.entries(), self.stock))
        t.check(self.server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0",
                what + ": a restart is pending")

    def ended(self, run, claims):
        """A run that went to its end: *claims* says whether something may have improved."""
        s = run.summary
        self.counts["sessions that ended " + s["state"]] += 1
        t.check(s["state"] in ("ARCHIVED", "FAILED"), "state %s, exit %d\n%s" % (s["state"], run.code, run.said[-3000:]))
        t.check(claims or s["state"] == "FAILED", "a claim on sleeps: %s" % s)
        t.check(run.code == (0 if s["state"] == "ARCHIVED" else 1), "exit %d: %s\n%s" % (run.code, s, run.said[-3000:]))
        ledger = t.Ledger(run.journal())
        t.check(ledger.open is None, "a switch is left open")
        wrong = ledger.explain(self.server.entries(), self.stock)
        t.check(not wrong, "; ".join(wrong))
        if s["state"] == "FAILED":
            self.undone("after the end")
        for name, value in self.server.entries().items():
            if name not in self.stock:
                self.server.sql("ALTER SYSTEM RESET " + name)
            elif value != self.stock[name] and name in ledger.now:  # improved, and written down so
                self.server.sql("ALTER SYSTEM SET %s = '%s'" % (name, self.stock[name]))
        t.check(self.server.entries() == self.stock, "a foreign entry is gone: %s" % self.server.entries())
        leftovers = [name for name in os.listdir(self.server.data) if name.startswith("pg_diagnose.")
                     and name != "pg_diagnose.server.log"]
        t.check(not leftovers, "left in the data directory: %s" % leftovers)
        t.subprocess.run([t.PG, "restart", self.server.dir], capture_output=True)

    def keep(self, name):
        """The program's home is copied where somebody can look at it."""
        place = os.path.join("/tmp", name)
        t.shutil.copytree(self.home, place, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        return place

    def destroy(self):
        self.server.destroy()


def children(parent, name):
    """Processes of that name which another one has started."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        stat = t.read("/proc/%s/stat" % pid, "")
        if "(%s)" % name in stat and stat.rsplit(")", 1)[1].split()[1] == str(parent):
            found.append(int(pid))
    return found


def state_of(pid):
    """R, S, T …: of a process; Z also for one that is gone."""
    stat = t.read("/proc/%d/stat" % pid, "")
    return stat.rsplit(")", 1)[1].split()[0] if ")" in stat else "Z"


def kill(run):
    run.process.kill()
    run.process.wait()


def was_killed(run):
    return run.process.returncode == -signal.SIGKILL
