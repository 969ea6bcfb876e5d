#!/usr/bin/env python3
"""The link to the server's host fails at each state of a round.

ssh_cut.py [--ways cut,drop,silent,both,reboot] [--states NAME,…]

The server is on a second host. The program stops itself at a boundary of kill_at.c, or is stopped when the restart's own report
says so; then its way to the host fails in one of these ways, and it goes on:
  cut      ssh is reset and refused for 4 seconds
  drop     ssh is reset, and welcome at once
  silent   nothing passes for 20 seconds and nobody is told: longer than the program waits for an answer
  both     like cut, and the connections of PostgreSQL share it
  reboot   the power of the host is cut and comes back (at some states)
Then the link returns, and the session goes to its end; one that has paused is started again. In the end the server must be up
with every setting accounted for by the journal, and nothing of ours may be left: no process, no file, no open step. Prints a
table: state, way, what became of the round, how long nobody could connect by the server's own address.
"""
import argparse
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import killed
import sshtest
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "safe", "--restart", "auto", "--budget", "4")
RELOAD = "random_page_cost=2.5"
RESTART = "random_page_cost=2.5;shared_buffers=160MB"
BREAKS = "hba_file=/nonexistent"
CUT_S, SILENT_S = 4, 20
WAYS = ("cut", "drop", "silent", "both", "reboot")


class State:
    """at: a boundary of kill_at.c, or with report what the restart's report must say. meeting: at which of them in turn."""

    def __init__(self, name, at, change=RESTART, report=False, meeting=1, reboot=False):
        self.name, self.at, self.change, self.report, self.meeting, self.reboot = name, at, change, report, meeting, reboot


STATES = [
    State("baseline under way", "bench-start", reboot=True),
    State("intent written", "journal"),
    State("canary at work", "canary"),
    State("ALTER SYSTEM sent", "alter"),
    State("before the restart", "reply", reboot=True),  # between ALTER SYSTEM and restart: the values stand, none is in force
    State("restart sent", "restart"),
    State("server stopping", "stopping", report=True),
    State("server starting", "starting", report=True, reboot=True),
    State("failed start", "starting", change=BREAKS, report=True),
    State("in force", "verify"),
    State("result written", "result"),
    State("candidate under way", "bench-start", meeting=5, reboot=True),
    State("run measured", "bench-end", meeting=5),
    State("undo under way", "alter", meeting=3),
    State("undo restarts", "restart", meeting=2),
    State("round saved", "saved", meeting=2),
    State("reload sent", "reload", change=RELOAD),
]


class By:
    """The second host as a server of t.Run, at an address of the test's choice."""

    def __init__(self, host, address, port):
        self.host, self.port, self.work = address, str(port), host.work


class Gap(threading.Thread):
    """The longest time that nobody could connect to the server by its own address."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.second, self.longest, self.over = host, 0.0, threading.Event()
        self.start()

    def run(self):
        last = time.monotonic()
        while not self.over.is_set():
            if self.second.try_sql("SELECT 1") == "1":
                last = time.monotonic()
            self.longest = max(self.longest, time.monotonic() - last)
            time.sleep(0.1)


class Ground:
    """The host, its two relays, and one session at a time in a home of its own."""

    def __init__(self):
        self.host = sshtest.SecondHost(conf=())
        self.host.sql("ALTER SYSTEM SET effective_io_concurrency = 3")  # somebody else's
        self.stock = self.host.entries()
        self.ssh, self.pg = self.host.relay(), self.host.relay(self.host.port)
        self.script = self.host.script(t.SLEEPS)
        self.last_words = ""

    def report(self):
        text = t.read(os.path.join(self.host.data, "pg_diagnose.report"), "")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def run(self, state, way, home, again=False):
        where = self.pg if way in ("both", "reboot") else None
        env = self.host.env(PGD_TEST_FORCE_CHANGE=state.change, PGD_TEST_ONLY_FORCED="1")
        if state.change == BREAKS:
            env["PGD_TEST_NO_GUARD"] = "1"
        if not state.report and not again:
            env["PGD_TEST_KILL_AT"] = "%s:%d=stop" % (state.at, state.meeting)
        server = By(self.host, "127.0.0.1", where.port) if where else self.host
        return t.Run(server, home, self.script, *self.host.ssh_flags("dba", self.ssh), *FLAGS, program=t.TEST_PROGRAM, env=env)

    def met(self, state, run):
        """The program stands still at the state; False when it ended before."""
        end = time.monotonic() + 90 * t.SCALE
        while run.process.poll() is None:
            t.check(time.monotonic() < end, "the state is never met")
            if state.report:
                if self.report().get("state") == state.at:
                    run.process.send_signal(signal.SIGSTOP)
                    return True
            elif killed.state_of(run.process.pid) in "Tt":
                return True
            time.sleep(0.005)
        return False

    def fail(self, way):
        if way == "reboot":
            self.host.power_off()
            return 0
        for relay in [self.ssh] + ([self.pg] if way == "both" else []):
            {"cut": relay.cut, "both": relay.cut, "drop": relay.drop, "silent": relay.stall}[way]()
        return {"cut": CUT_S, "both": CUT_S, "drop": 0, "silent": SILENT_S}[way]

    def mend(self, way):
        if way == "reboot":
            self.host.power_on()
        self.ssh.resume()
        self.pg.resume()

    def settled(self, run, what):
        """All that must be true once a session has come to rest."""
        host = self.host
        t.wait_for("the server to be up", 30, lambda: host.try_sql("SELECT 1") == "1")
        ledger = t.Ledger(run.journal())
        wrong = ledger.explain(host.entries(), self.stock)
        t.check(ledger.open is None and not wrong, "%s: open %s, %s" % (what, ledger.open, wrong))
        for what, look in (("the program's sessions", host.strangers), ("what it ran there", host.guests)):
            try:
                t.wait_for(what, 10, lambda: not look())
            except t.Failure:
                t.fail("%s: still there: %s" % (what, look()))
        left = [name for name in os.listdir(host.data) if name.startswith("pg_diagnose.") and name != "pg_diagnose.server.log"]
        left += [name for name in os.listdir(os.path.join(host.disk, "tmp")) if name.startswith("pgd-")]
        t.check(not left, "left on the host: %s" % left)
        t.check(run.summary["state"] != "FAILED" or host.entries() == self.stock, "entries %s" % host.entries())
        t.check(run.summary["verdict"] != "improved", "a claim on sleeps: %s" % run.summary)
        pending = host.sql("SELECT string_agg(name, ' ') FROM pg_settings WHERE pending_restart")
        t.check(not pending, "%s waits for a restart" % pending)

    def one(self, state, way):
        home = self.host.home()
        run = self.run(state, way, home)
        gap = None
        try:
            t.check(self.met(state, run), "it ended before: exit %s\n%s" % (run.process.returncode, t.read(run.err.name)[-2000:]))
            gap = Gap(self.host)
            since = time.monotonic()
            hold = self.fail(way)
            run.process.send_signal(signal.SIGCONT)
            time.sleep(hold)
            self.mend(way)
            run.end(180)
            became = "%s, %s" % (run.summary["state"].lower(), run.summary["verdict"])
            runs = 1
            while run.summary["state"] == "PAUSED":
                t.check(runs < 3, "it only pauses\n%s" % run.said[-2000:])
                self.settled_paused(run)
                run = self.run(state, way, home, again=True)
                run.end(180)
                runs += 1
                became += "; started again: %s, %s" % (run.summary["state"].lower(), run.summary["verdict"])
            t.check(run.code in (0, 1, 4), "exit %d: %s\n%s" % (run.code, run.summary, run.said[-2000:]))
            gap.over.set()
            self.settled(run, "%s, %s" % (state.name, way))
            failed = [e["error"] for e in run.events("verify") if e["error"]]
            if failed:
                became += " (%s)" % failed[0][:60]
            return became, gap.longest, time.monotonic() - since
        except Exception:
            self.last_words = t.read(run.err.name)
            raise
        finally:
            if gap:
                gap.over.set()
                gap.join()
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
            self.mend_all()

    def settled_paused(self, run):
        """Paused is at rest as well: the server is up and every value is one that the journal knows."""
        t.wait_for("the server to be up", 30, lambda: self.host.try_sql("SELECT 1") == "1")
        wrong = t.Ledger(run.journal()).explain(self.host.entries(), self.stock)
        t.check(not wrong, "paused: %s" % wrong)

    def mend_all(self):
        """Whatever a failed state has left does not spoil the next one."""
        self.ssh.resume()
        self.pg.resume()
        if not self.host.pids():
            self.host.power_on()
        if self.host.try_sql("SELECT 1") != "1":
            self.host.reboot()
        for name in set(self.host.entries()) - set(self.stock):
            self.host.sql("ALTER SYSTEM RESET " + name)
        if self.host.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") != "0" or \
                self.host.sql("SHOW shared_buffers") != "128MB":
            self.host.reboot()


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--ways", default=",".join(WAYS))
    ask.add_argument("--states", default="")
    given = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    ground = Ground()
    bad = 0
    try:
        print("%-22s %-7s %-70s %s" % ("state", "way", "what became of it", "nobody in, back to rest"))
        for state in STATES:
            if given.states and state.name not in given.states.split(","):
                continue
            for way in given.ways.split(","):
                if way == "reboot" and not state.reboot:
                    continue
                try:
                    became, nobody, took = ground.one(state, way)
                    print("%-22s %-7s %-70s %4.1f s %5.1f s" % (state.name, way, became, nobody, took), flush=True)
                except Exception as why:
                    bad += 1
                    print("%-22s %-7s FAILED: %s\n%s" % (state.name, way, why, ground.last_words[-4000:]), flush=True)
    finally:
        ground.host.destroy()
    t.check(not bad, "%d failed" % bad)
    print("ok: in %.0f s" % (time.monotonic() - began))


if __name__ == "__main__":
    try:
        main()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
    except t.Failure as why:
        print("FAILED: %s" % why)
        sys.exit(1)
