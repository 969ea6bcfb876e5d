#!/usr/bin/env python3
"""A server that goes away in each state of the loop: the session ends or pauses cleanly, what stands on the server is
accounted for by the journal, and once the server is back the next run finishes the session."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

server = None
AWAY = 3  # seconds


def crash():
    subprocess.run([t.PG, "stop", server.dir, "immediate"], capture_output=True, check=True)


def start():
    subprocess.run([t.PG, "up", server.dir], capture_output=True, check=True)


def run(home, *flags):
    return t.Run(server, home, server.script(t.STEADY), "--duration", "1", "--rounds", "1", "--accept", "safe", *flags, **t.forced())


def accounted(r, stock):
    """Every entry in postgresql.auto.conf is explained by the journal, and nothing of ours still runs."""
    if r.summary["session"]:
        ledger = t.Ledger(r.journal())
        wrong = ledger.explain(server.entries(), stock)
        t.check(not wrong, "not accounted for: %s" % wrong)
    else:
        t.check(server.entries() == stock, "%s" % server.entries())
    t.wait_for("pgbench to end", 10, lambda: not server.pgbenches())
    t.wait_for("our backends to end", 10, lambda: server.strangers() == "")


def settle(r, home, stock, to_the_end):
    """What was not finished is finished by the next run, when there is time for that."""
    accounted(r, stock)
    state = r.summary["state"]
    t.check(state in ("PAUSED", "FAILED", "ARCHIVED", None), "%s" % r.summary)
    t.check(r.code in (0, 1, 3, 4, 5), "exit %d\n%s" % (r.code, r.said))
    t.check(state != "ARCHIVED" or r.code == 0, "ARCHIVED with exit %d" % r.code)
    if state == "PAUSED" and to_the_end:
        again = run(home)
        again.end()
        t.check(again.summary["session"] == r.summary["session"], "another session was begun: %s" % again.summary)
        t.check(again.summary["state"] in ("ARCHIVED", "FAILED"), "%s\n%s" % (again.summary, again.said))
        accounted(again, stock)
        r = again
    if r.summary["state"] == "FAILED":
        t.check(server.entries() == stock, "FAILED, but %s" % server.entries())
    as_it_was()


def as_it_was():
    server.sql("ALTER SYSTEM RESET ALL")
    server.sql("SELECT pg_reload_conf()")


def away_in(what, probe, to_the_end=False):
    """Crashes the server as soon as the probe of the run is true, brings it back, and looks at how it goes on: to the
    end, or until it measures again and is stopped there."""
    home, stock = server.home(), server.entries()
    r = run(home)
    try:
        r.until(what, lambda: probe(r), 200)
        crash()
        seen = len(r.events("bench"))
        time.sleep(AWAY)
        start()
        if not to_the_end:
            t.wait_for("it to measure again", 60,
                       lambda: r.process.poll() is not None or len(r.events("bench")) > seen)
            if r.process.poll() is None:
                r.process.send_signal(signal.SIGTERM)
        r.end(200)
        settle(r, home, stock, to_the_end)
    finally:
        if r.process.poll() is None:
            r.process.kill()
            r.process.wait()
        if server.try_sql("SELECT 1") is None:
            start()
    print("   ended %s with exit %d" % (r.summary["state"], r.code))
    return r


def in_discovery():
    away_in("a connection", lambda r: "pg_diagnose" in (server.try_sql(
        "SELECT string_agg(application_name, ',') FROM pg_stat_activity") or ""))


def before_the_baseline():
    away_in("the strategy", lambda r: r.events("strategy"))


def in_the_baseline():
    away_in("the first run", lambda r: r.events("bench"), to_the_end=True)


def while_a_change_is_applied():
    away_in("the change", lambda r: server.entries() != {})


def in_a_round():
    away_in("a run of the round", lambda r: r.events("apply") and len(r.events("bench")) > len(
        [e for e in r.events("bench") if e["arm"] == r.events("bench")[0]["arm"]]))


def in_the_confirmation():
    def confirms(r):
        events = r.events()
        begun = [i for i, e in enumerate(events) if e["event"] == "checkpoint" and e["what"] == "confirmation"]
        return begun and any(e["event"] == "bench" for e in events[begun[0]:])
    away_in("a run of the confirmation", confirms)


def for_good():
    """It does not come back: the run ends, and says so, and the next one undoes what was left."""
    home, stock = server.home(), server.entries()
    r = run(home)
    r.until("the change", lambda: r.events("apply") and server.entries() != stock, 200)
    crash()
    r.end(200)
    t.check(r.code in (1, 3, 4, 5), "exit %d\n%s" % (r.code, r.said))
    t.check(r.summary["state"] in ("PAUSED", "FAILED"), "%s" % r.summary)
    start()
    again = run(home)
    again.end()
    t.check(again.summary["state"] in ("ARCHIVED", "FAILED"), "%s\n%s" % (again.summary, again.said))
    accounted(again, stock)
    as_it_was()


if __name__ == "__main__":
    try:
        server = t.Server(t.pg_bin(15))
    except t.Skip as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        # for_good waits for minutes on end: it is soak's
        cases = (in_discovery, before_the_baseline, in_the_baseline, while_a_change_is_applied, in_a_round,
                 in_the_confirmation) + ((for_good,) if os.environ.get("PGD_SOAK") else ())
        t.main({f.__name__: f for f in cases})
    finally:
        server.destroy()
