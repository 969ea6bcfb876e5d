#!/usr/bin/env python3
"""Whatever goes wrong between the program and a model: the question is asked again where that may help, its outcome is told in
the "ask" event, and the built-in advisor answers where it does not; the session goes on and ends as it would without a model."""
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import llmtest
import tunetest as t
from llmtest import Raw, Status, answers, gemini_event, google_error, said, stream, stream_head

RPC = "type.googleapis.com/google.rpc."
SIGHT = json.dumps(answers()["first_sight_analysis"])
TRY_SOON = {"@type": RPC + "RetryInfo", "retryDelay": "0.2s"}
BY_DAY = {"@type": RPC + "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                                                         "quotaValue": "20"}]}
SCHEMA = {"error": {"message": "response_format of type json_schema is not supported", "type": "invalid_request_error",
                    "param": "response_format", "code": None}}
GOOD, RULES = False, True


def cut(text=SIGHT, **how):
    """A stream that ends without its end."""
    return Raw(stream_head(), *stream([gemini_event(text[:200])]), length=False, **how)


def ended(reason, text=""):
    return Raw(stream_head(), *stream([gemini_event(text, reason)]), length=False)


def nothing():
    """The connection is reset without a byte."""
    answer = Raw(b"", cut=True)
    answer.pieces = ()
    return answer


def key_invalid():
    return google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                        [{"@type": RPC + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}])


# What is answered in turn (the last one for good; None = a whole good answer), by rules or not, requests of which the
# last was answered or not, and a word of the reason.
ROWS = {
    "key not valid": ((key_invalid(),), RULES, 1, "key"),
    "key blocked": ((google_error(403, "PERMISSION_DENIED", "Your API key was reported as leaked."),), RULES, 1, "key"),
    "unauthenticated": ((google_error(401, "UNAUTHENTICATED", "Request had invalid credentials."),), RULES, 1, "key"),
    "wrong region": ((google_error(400, "FAILED_PRECONDITION", "User location is not supported."),), RULES, 1, ""),
    "bad request": ((google_error(400, "INVALID_ARGUMENT", "Unknown name \"x\""),), RULES, 1, ""),
    "model gone": ((google_error(404, "NOT_FOUND", "models/gemini-3.8-flash is not found"),), RULES, 1, ""),
    "quota of the day": ((google_error(429, "RESOURCE_EXHAUSTED", "Please retry in 1s.", [BY_DAY, TRY_SOON]),), RULES, 1, ""),
    "no quota at all": ((google_error(429, "RESOURCE_EXHAUSTED", "limit: 0, model: x", [TRY_SOON]),), RULES, 1, "quota"),
    "an hour to wait": ((google_error(429, "RESOURCE_EXHAUSTED", "slow", [dict(TRY_SOON, retryDelay="3600s")]),), RULES, 1, ""),
    "moved": ((Status(302, b"", "Location: http://127.0.0.1:1/elsewhere"),), RULES, 1, ""),
    "a web page": ((Status(200, b"<html><body>Log in to the guest network</body></html>"),), RULES, None, ""),
    "rate": ((google_error(429, "RESOURCE_EXHAUSTED", "slow down", [TRY_SOON]), None), GOOD, 2, None),
    "overloaded": ((google_error(503, "UNAVAILABLE", "overloaded", [TRY_SOON]),
                    google_error(500, "INTERNAL", "internal", [TRY_SOON]), None), GOOD, 3, None),
    "no RetryInfo": ((Status(503, b"busy"), None), GOOD, 2, None),
    "cut": ((cut(), None), GOOD, 2, None),
    "reset": ((cut(cut=True), None), GOOD, 2, None),
    "dropped": ((nothing(), None), GOOD, 2, None),
    "error within": ((Raw(stream_head(), *stream([gemini_event(SIGHT[:100]), {"error": {
        "code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}]), length=False), None), GOOD, 2, None),
    "blocked": ((ended("SAFETY"), None), GOOD, None, None),
    "prompt blocked": ((Raw(stream_head(), *stream([{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}]),
                            length=False), None), GOOD, None, None),
    "blocked for good": ((ended("PROHIBITED_CONTENT"),), RULES, None, ""),
    "too long": ((ended("MAX_TOKENS", SIGHT[:60]), None), GOOD, None, None),
    "no JSON": (("I would raise work_mem.", None), GOOD, 1, None),
    "no JSON twice": (("I would raise work_mem.",), RULES, 1, "could not be used"),
    "another object": (('{"hello": 1}', None), GOOD, 1, None),
    "CRLF": ((Raw(stream_head(), *stream([gemini_event(SIGHT, "STOP")], b"\r\n"), length=False),), GOOD, 1, None),
    "byte by byte": ((Raw(stream_head(), *[bytes([b]) for b in b"".join(stream([gemini_event(SIGHT, "STOP")]))],
                          length=False),), GOOD, 1, None),
}


class Turns:
    """Answers one after the other."""

    def __init__(self, turns):
        self.turns, self.at = turns, 0

    def __call__(self, r):
        turn = self.turns[min(self.at, len(self.turns) - 1)]
        self.at += 1
        return turn or json.dumps(answers()[r.op])


def first_sight(server, provider, *flags, dialect="gemini", **env):
    """The first question alone, for a session that may only look ends behind it: exit 2."""
    env = dict({k: v or "" for k, v in provider.env(dialect).items()}, **env)
    return t.Run(server, server.home(), server.script(t.STEADY), "--advisor", dialect, "--readonly", "--accept", "none",
                 *flags, env=env)


def judge(name, run, provider, rules, attempts, why):
    run.end()
    told = run.events("ask")
    t.check(len(told) == 1 and run.code == 2, "%s: exit %d, %s\n%s" % (name, run.code, told, run.said))
    e = told[0]
    t.check(e["by_rules"] == rules, "%s: %s" % (name, e))
    t.check(attempts in (None, e["attempts"]), "%s: attempts %s" % (name, e))
    t.check((why is None) == (e["why"] is None) and (why or "") in (e["why"] or ""), "%s: %s" % (name, e))
    sight = run.events("first_sight")
    t.check(len(sight) == 1 and sight[0]["findings"] > 0 and (sight[0]["advisor"] == "builtin") == rules, "%s: %s" % (name, sight))
    t.check(not rules or "the builtin advisor takes its place" in run.said, "%s: %s" % (name, run.said))
    t.check(not provider.wrong(), "%s: %s" % (name, provider.wrong()))
    t.check(llmtest.KEY not in run.text() + run.said, "%s: the key is shown" % name)


def each(server, names):
    wrong = []

    def one(name):
        turns, rules, attempts, why = ROWS[name]
        provider = llmtest.Provider(answer=Turns(turns))
        try:
            judge(name, first_sight(server, provider), provider, rules, attempts, why)
        except t.Failure as e:
            wrong.append(str(e))
        finally:
            provider.stop()
    with ThreadPoolExecutor(4) as some:
        list(some.map(one, names))
    t.check(not wrong, "\n".join(wrong))


def other_cases(server):
    """A key that is none is an error of usage; a server that knows no schemas is asked in words."""
    provider = llmtest.Provider(answer=Turns((Status(400, SCHEMA), None)))
    try:
        judge("no schemas", first_sight(server, provider, dialect="openai"), provider, GOOD, 2, None)
        asked = provider.asked()
        t.check("response_format" in asked[0].body and "json_schema" not in json.dumps(asked[1].body.get("response_format")),
                "the schema was sent again")
        provider.requests.clear()
        run = first_sight(server, provider, GEMINI_API_KEY="two\nlines").end()
        t.check(run.code == 2 and "key" in run.said and "lines" not in run.said and not provider.asked(), run.said)
        run = first_sight(server, provider, GOOGLE_GEMINI_BASE_URL="http://203.0.113.9").end()
        t.check(run.code in (1, 2, 4) and "not encrypted" in run.said and not run.events("first_sight"), run.said)
    finally:
        provider.stop()


def goes_on(server):
    """Every question of a session fails in a way of its own: PAUSED with the built-in advisor's proposal, exit 0."""
    ways = {"first_sight_analysis": Status(200, b"<html>"), "generate_strategy": "no JSON", "suggest_target": ended("SAFETY"),
            "get_round1_config": key_invalid()}
    provider = llmtest.Provider(answer=lambda r: ways[r.op])
    try:
        how = t.forced()
        env = dict({k: v or "" for k, v in provider.env().items()}, **how.pop("env"))
        run = t.Run(server, server.home(), server.script(t.STEADY), "--advisor", "gemini", "--accept", "none", "--duration", "1",
                    env=env, **how).expect(0, "PAUSED")
        t.check([(e["op"], e["by_rules"]) for e in run.events("ask")] == [(op, True) for op in ways], run.events("ask"))
        t.check([e["advisor"] for e in run.events("proposal")] == ["builtin"] and server.entries() == {}, run.said)
        t.check("the builtin advisor answers" in run.said.lower(), run.said)
    finally:
        provider.stop()


def faults():
    try:
        llmtest.folder()
    except llmtest.Absent as e:
        raise t.Skip(str(e))
    server = t.Server(t.pg_bin(15), rows=10)
    try:
        each(server, list(ROWS))
        other_cases(server)
        goes_on(server)
    finally:
        server.destroy()


if __name__ == "__main__":
    t.main({"faults": faults})
