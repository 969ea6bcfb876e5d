#!/usr/bin/env python3
"""Sessions in which a person makes the changes: a role as managed services give it (no ALTER SYSTEM), and --restart manual on
a server of one's own. Headless they are a loop: tune, exit 5, the DBA acts, tune again, … until exit 0. The test plays the
DBA, with nothing but what the program has printed."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

SWITCHES_MAX = 12  # a session that needs more goes round in circles
COMMON = ("--accept", "safe", "--duration", "1", "--rounds", "1", "--budget", "30")


class Role(t.Run):
    """A run as another role, in another database."""

    def __init__(self, server, home, script, *flags, role="postgres", database="postgres", **how):
        super().__init__(server, home, script, *flags, "-U", role, "-d", database, **how)


def managed(server):
    """What a managed service hands out: a role that may look at everything and change nothing but its own database."""
    server.sql("CREATE ROLE app LOGIN; GRANT pg_monitor TO app")
    server.sql("CREATE DATABASE app OWNER app")
    server.sql("SET ROLE app; CREATE TABLE sorted AS SELECT i AS id, (i * 7919::bigint) % 1000003 AS k, "
               "repeat('x', 1000) AS pad FROM generate_series(1, 1000) i; CREATE INDEX ON sorted (id)", "app")
    server.sql("VACUUM ANALYZE sorted", "app")
    server.sql(t.TAKES, "app")


def run_text(server, text, restart):
    """The DBA runs what was printed, line by line."""
    for line in text.splitlines():
        if line and not line.startswith("--"):
            server.sql(line)
    if restart:
        restarted = subprocess.run([t.PG, "restart", server.dir], capture_output=True, text=True)
        t.check(restarted.returncode == 0, "restart: " + restarted.stderr)


def asked(run):
    """The one question that a run of exit 5 ends with."""
    t.check(run.code == 5, "exit %d, not 5: %s\n%s" % (run.code, run.summary, run.said[-3000:]))
    t.check(run.summary["state"] == "PAUSED", "state %s" % run.summary["state"])
    events = run.events("manual")
    t.check(len(events) == 1 and run.events()[-1]["event"] == "summary", "%d questions" % len(events))
    e = events[0]
    t.check(e["settings"] and e["text"] and t.read(e["file"]) == e["text"], "the file is not the text: %s" % e)
    return e


def loop(server, start, act, before_act=None):
    """Runs until the end of the session; the questions that were asked on the way."""
    questions = []
    while True:
        run = start().end()
        print("   %.1f s, exit %d" % (run.seconds, run.code), flush=True)
        if run.code != 5:
            return run, questions
        e = asked(run)
        t.check(len(questions) < SWITCHES_MAX, "it never ends: %s" % [q["arm"] for q in questions])
        if before_act:
            before_act(e, len(questions))
        questions.append(e)
        act(e)


def ends_improved(server, once):
    """As tunetest.improved(): a machine that is too noisy to tell gets another try."""
    for attempt in range(3):
        run, questions = once()
        if run.summary["verdict"] == "improved" or attempt == 2:
            break
        print("   %s: once more\n%s" % (run.summary["verdict"], run.said[-1500:]), flush=True)
    run.expect(0, "ARCHIVED", "improved")
    return run, questions


def ordinary_role():
    how = t.forced("!" + t.STEADY_CHANGE + ";random_page_cost=2.5")  # two, so that one can be a part of it
    server = t.Server(t.pg_bin(15), rows=1000)
    try:
        managed(server)
        script = server.script(t.STEADY)
        started = server.sql("SELECT pg_postmaster_start_time()")

        def once():
            home = server.home()
            server.sql("ALTER SYSTEM RESET ALL")
            server.sql("SELECT pg_reload_conf()")

            def start():
                return Role(server, home, script, *COMMON, role="app", database="app", **how)

            def look_again(e, n):
                """Asked again without anything done: the same question, nothing measured, nothing sent."""
                if n:
                    return
                t.check(server.entries() == {}, "something was sent: %s" % server.entries())
                again = start().end()
                second = asked(again)
                t.check([s["name"] for s in second["settings"]] == [s["name"] for s in e["settings"]], "another question")
                t.check(not again.events("bench"), "runs without the change")
                half = [line for line in e["text"].splitlines() if line.startswith("ALTER")][:1]
                if len(e["settings"]) > 1:  # a part of it is not it
                    run_text(server, "\n".join(half + ["SELECT pg_reload_conf();"]), False)
                    t.check(asked(start().end())["arm"] == e["arm"], "a part was taken for the whole")

            return loop(server, start, lambda e: run_text(server, e["text"], e["restart"]), look_again)

        run, questions = ends_improved(server, once)
        t.check(all(q["what"] == "change" and not q["restart"] for q in questions), "restarts: %s" % questions)
        for told in run.events("consent"):  # the last run may have had none left to tell
            t.check(len(questions) <= told["asks_most"] <= 4 and told["restarts_most"] == 0, "%s" % told)
        t.check([q["arm"] for q in questions] == ["round 1", "start", "round 1"], "switches: %s" % [q["arm"] for q in questions])
        verdicts = [r for r in run.journal() if r["event"] == "bench"]
        arms = [r["arm"] for r in verdicts]
        t.check(sum(a != b for a, b in zip(arms, arms[1:])) == 3, "not in blocks: %s" % arms)
        note = run.events("verdict")[-1]["note"]
        t.check("blocks" in note, "the verdict does not say how it was measured: %s" % note)
        for change in run.summary["changes"]:
            shown = server.sql("SHOW " + change["name"], "app")
            t.check(shown == change["to"] != change["from"], "%s is %s" % (change["name"], shown))
        t.check(run.summary["changes"], "nothing is left: %s" % run.summary)
        t.check(server.sql("SELECT pg_postmaster_start_time()") == started, "the server was restarted")
        intents = [r for r in run.journal() if r["event"] == "intent"]
        t.check(intents and all(r["by_hand"] == "change" for r in intents), "the journal does not say who: %s" % intents)
        sent = [line for line in t.read(os.path.join(server.dir, "log"), "").splitlines()
                if "STATEMENT:" in line and ("ALTER SYSTEM" in line or "pg_reload_conf" in line)]
        t.check(not sent, "something was sent that the role may not do: %s" % sent)
    finally:
        server.destroy()


def restart_by_hand():
    """A server of one's own: ALTER SYSTEM is sent, the restart is the DBA's, and what needs none is not asked for. What is
    proposed is the test's: the advisor begins with what a reload does."""
    how = {"program": t.TEST_PROGRAM, "env": {"PGD_TEST_FORCE_CHANGE": "!work_mem=64MB;shared_buffers=64MB"}}
    server = t.Server(t.pg_bin(15), conf=t.SMALL + ("shared_buffers = 1MB",))
    try:
        script = server.script("\\set a random(1, 40000)\nSELECT sum(length(pad)) FROM sorted WHERE id BETWEEN :a AND :a + 300;\n"
                               + t.SORTS)
        flags = COMMON + ("--restart", "manual")
        starts = []

        def once():
            home = server.home()
            for name in server.entries():
                server.sql("ALTER SYSTEM RESET " + name)
            subprocess.run([t.PG, "restart", server.dir], capture_output=True)
            starts.append(server.sql("SELECT pg_postmaster_start_time()"))

            def act(e):
                t.check(server.sql("SELECT pg_postmaster_start_time()") == starts[-1], "somebody else has restarted it")
                t.check(e["what"] == "restart" and e["restart"], "not a restart: %s" % e)
                for s in e["settings"]:
                    t.check(server.entries().get(s["name"]) == s["to"], "%s was not sent" % s["name"])
                subprocess.run([t.PG, "restart", server.dir], capture_output=True)
                starts.append(server.sql("SELECT pg_postmaster_start_time()"))

            return loop(server, lambda: Role(server, home, script, *flags, **how), act)

        run, questions = ends_improved(server, once)
        t.check(1 <= len(questions) <= 4, "%d restarts were asked for" % len(questions))
        names = [c["name"] for c in run.summary["changes"]]
        t.check("shared_buffers" in names, "nothing that needs a restart: %s" % names)
        t.check(server.sql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0", "settings wait for a restart")
        t.check(server.sql("SELECT pg_postmaster_start_time()") == starts[-1], "it was restarted by us")
    finally:
        server.destroy()


if __name__ == "__main__":
    tests = {"ordinary_role": ordinary_role}
    if os.environ.get("PGD_SOAK") or "restart_by_hand" in sys.argv:
        tests["restart_by_hand"] = restart_by_hand
    t.main(tests)
