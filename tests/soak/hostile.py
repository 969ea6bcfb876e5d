#!/usr/bin/env python3
"""Every case of what a hostile or broken model says (tests/support/llm/hostile.json) as a round of a session on a real server:
hostile.py [--cases N] [--only WORD]. A session has six rounds; each has one case and one legitimate change, by which the workload
becomes faster, so that the session goes on. Nothing hostile may be in force or in postgresql.auto.conf, then or at the end; every
legitimate change is applied and measured. The texts that tell a model what to do are planted in the server as well."""
import argparse
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import llmtest
import tunetest as t

ROUNDS = 6
KNOB = "random_page_cost"  # no case tries it
STEPS = ("3.5", "3", "2.5", "2", "1.5", "1.1")
# The same work at each price, and less waiting the lower it is: by a quarter with every step.
WORK = ("CREATE OR REPLACE FUNCTION takes() RETURNS void LANGUAGE sql AS $$ SELECT pg_sleep(0.03 * "
        "power(0.75, (4 - current_setting('random_page_cost')::float8) * 2)) $$")
OURS = ("name NOT IN ('%s', 'transaction_read_only', 'application_name')" % KNOB)
OP = {True: "get_round1_config", False: "analyze_results"}


def plant(server, cases):
    """Returns a process whose session carries the planted names, if any."""
    said, query, name = [], "SELECT pg_sleep(3600)", "psql"
    for case in cases:
        texts = case.get("planted", {})
        if "comment" in texts:
            said.append(texts["comment"])
        if "log" in texts:
            server.try_sql("DO $x$ BEGIN RAISE WARNING %s; END $x$" % ("'%s'" % texts["log"].replace("'", "''")))
        query = texts.get("query", query).replace("SELECT 1", "SELECT pg_sleep(3600)")
        name = texts.get("application_name", name)
    server.sql("COMMENT ON TABLE sorted IS '%s'" % " ".join(said).replace("'", "''"))
    return subprocess.Popen(["psql", "-X", "-h", server.host, "-p", server.port, "-U", "postgres", "-d", "postgres", "-c", query],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env=dict(os.environ, PGAPPNAME=name))


class Says:
    """Round after round a case; what it must mend, it mends."""

    def __init__(self, cases):
        self.cases, self.round, self.repaired = cases, -1, []

    def __call__(self, r):
        first = self.round < 0
        if r.op not in OP.values() or (r.op == OP[True]) != first and not self.repairs(r):
            return json.dumps(llmtest.answers()[r.op])
        again = self.repairs(r)
        if not again:
            self.round += 1
        else:
            self.repaired.append(self.cases[self.round]["name"])
        if self.round >= len(self.cases):
            return json.dumps(dict(llmtest.answers()["analyze_results"], changes=[], stop=True))
        good = llmtest.change(KNOB, STEPS[self.round], expect=(1, 60))
        return llmtest.hostile_answer(self.cases[self.round], r.op, good, again)

    @staticmethod
    def repairs(r):
        return len(llmtest.texts_of(r.body)) > 1


def settings(server):
    return server.sql("SELECT string_agg(name || '=' || setting, E'\n' ORDER BY name) FROM pg_settings WHERE " + OURS)


def judge(server, run, says, cases, before, provider):
    wrong = []
    guards = [g for g in run.events("guard") if g["refused"] is None]
    for g in guards:
        # what passes beside the legitimate one is an allowed setting within its bounds: one of two spellings of the same
        if g["name"] != KNOB and not any(g["name"] in c["tries"] and "note" in c for c in cases):
            wrong.append("%s = %s passed" % (g["name"], g["to"]))
    sent = {i["name"] for r in run.journal() if r["event"] == "intent" for i in r["items"]}
    wrong += ["sent to the server: " + n for n in sent
              if n != KNOB and not any(n in c["tries"] and "note" in c for c in cases)]
    measured = {v["round"] for v in run.events("verdict") if v["phase"] == "round"}
    applied = {g["round"]: g["to"] for g in guards if g["name"] == KNOB}
    for i, case in enumerate(cases):
        if i + 1 not in measured or applied.get(i + 1) is None:
            wrong.append("%s: the legitimate change was not applied and measured" % case["name"])
    after = settings(server)
    for line in set(after.split("\n")) - set(before.split("\n")):
        if not (line.startswith("work_mem=") and any("note" in c for c in cases)):
            wrong.append("in force: " + line)
    wrong += ["postgresql.auto.conf has " + n for n in server.entries()
              if n != KNOB and not (n == "work_mem" and any("note" in c for c in cases))]
    if any(e["by_rules"] for e in run.events("ask")):
        wrong.append("by rules: %s" % [(e["op"], e["why"]) for e in run.events("ask") if e["by_rules"]])
    wrong += provider.wrong()
    if llmtest.KEY in run.said + run.text() and not any("@KEY@" in json.dumps(c) for c in cases):
        wrong.append("the key is shown")
    return wrong


def session(cases, told):
    server = t.Server(t.pg_bin(15), rows=10)
    says = Says(cases)
    provider = llmtest.Provider(answer=says)
    other = None
    try:
        server.sql(WORK)
        other = plant(server, cases)
        before = settings(server)
        env = {k: v or "" for k, v in provider.env().items()}
        run = t.Run(server, server.home(), server.script(t.STEADY), "--advisor", "gemini", "--accept", "safe", "--duration", "1",
                    "--rounds", str(len(cases)), "--budget", "10", env=env).end(900)
        wrong = judge(server, run, says, cases, before, provider)
        if run.code not in (0, 1):
            wrong.append("exit %d: %s" % (run.code, run.said[-1500:]))
        told.append((len(cases), len([v for v in run.events("verdict") if v["phase"] == "round"]),
                     len([g for g in run.events("guard") if g["refused"]]), wrong))
        print("%s: %s, %d refused, %d repaired, %.0f s%s" % (
            cases[0]["name"], run.summary["state"], told[-1][2], len(says.repaired), run.seconds,
            "".join("\n   " + w for w in wrong)), flush=True)
    finally:
        if other:
            other.kill()
            other.wait()
        provider.stop()
        server.destroy()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--cases", type=int, default=0)
    parse.add_argument("--only", default="")
    parse.add_argument("--beside", type=int, default=3, help="sessions side by side")
    how = parse.parse_args()
    try:
        llmtest.folder()
    except llmtest.Absent as e:
        print("skipped: %s" % e)
        return 77
    cases = [c for c in llmtest.hostile() if how.only in c["name"]]
    cases = cases[:how.cases or len(cases)]
    groups = [cases[i:i + ROUNDS] for i in range(0, len(cases), ROUNDS)]
    told, lock, lost = [], threading.Lock(), []

    def work():
        while True:
            with lock:
                if not groups:
                    return
                mine = groups.pop(0)
            try:
                session(mine, told)
            except BaseException as e:
                lost.append("%s: %r" % (mine[0]["name"], e))
                print(lost[-1], flush=True)
    threads = [threading.Thread(target=work) for _ in range(how.beside)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bad = [w for entry in told for w in entry[3]]
    print("hostile: %d cases in %d sessions, %d legitimate changes measured, %d lines refused, %d faults" % (
        len(cases), len(told), sum(e[1] for e in told), sum(e[2] for e in told), len(bad) + len(lost)))
    return 1 if bad or lost or sum(e[0] for e in told) != len(cases) else 0


if __name__ == "__main__":
    sys.exit(main())
