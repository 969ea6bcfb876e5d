#!/usr/bin/env python3
"""A whole tuning session with a model as the advisor, over aimock and through the contract of the real ones; and with the
endpoint gone half-way: it ends with the built-in advisor and loses nothing."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ["PGD_SOURCE_DIR"], "tests/support"))
import llmtest  # noqa: E402
from llmtest import MODEL, Provider, answers, fixtures  # noqa: E402
from tunetest import Run, Server, Skip, check, main, pg_bin, read  # noqa: E402

FLAGS = ("--advisor", "gemini", "--workload", "shop", "--bench-db", "--accept", "safe", "--duration", "1", "--rounds", "1",
         "--budget", "3")


def proposal():
    change = {"name": "random_page_cost", "value": "1.1", "why": "The disk is fast.", "evidence": "random_page_cost is 4",
              "expect_lo": 1, "expect_hi": 8, "risk": "low"}
    return dict(answers()["get_round1_config"], changes=[change])


def provider(**how):
    try:
        return Provider(fixtures(answers(get_round1_config=proposal())), **how)
    except llmtest.Absent as e:
        raise Skip(str(e))


def env_of(p):
    got = p.env()
    for name in got:
        if got[name] is None:
            os.environ.pop(name, None)
    return {k: v for k, v in got.items() if v is not None}


def whole(server):
    p = provider()
    run = Run(server, os.path.join(server.work, "home-whole"), None, *FLAGS, env=env_of(p)).end()
    check(run.summary["state"] in ("ARCHIVED", "FAILED"), run.said)
    check(not p.wrong(), p.wrong())
    asked = run.events("ask")
    check([e["op"] for e in asked][:4] == ["first_sight_analysis", "generate_strategy", "suggest_target", "get_round1_config"],
          asked)
    check(not any(e["by_rules"] for e in asked), asked)
    check(run.events("proposal")[0]["advisor"] == MODEL, run.events("proposal"))
    check(any(e["op"] == "analyze_results" for e in asked), asked)
    check(any(e["op"] == "get_next_strategies" for e in asked), asked)
    lines = read(os.path.join(run.session_dir(), "requests.jsonl"))
    check("[op=get_round1_config]" in lines and llmtest.KEY not in lines, lines[:2000])


def dies(server):
    p = provider()
    run = Run(server, os.path.join(server.work, "home-dies"), None, *FLAGS, env=env_of(p))
    run.until("the first verdict", lambda: run.events("verdict"))
    p.die()
    run.end()
    check(run.summary["state"] in ("ARCHIVED", "FAILED"), run.said)
    check(run.summary["rounds"] >= 1, run.summary)
    asked = run.events("ask")
    check(not asked[0]["by_rules"] and asked[-1]["by_rules"] and asked[-1]["why"], asked)
    check("the builtin advisor takes its place" in run.said, run.said)


def with_server(test):
    def run():
        server = Server(pg_bin(15))
        try:
            test(server)
        finally:
            server.destroy()
    return run


if __name__ == "__main__":
    main({"whole": with_server(whole), "dies": with_server(dies)})
