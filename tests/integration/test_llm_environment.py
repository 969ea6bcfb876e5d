#!/usr/bin/env python3
"""A key of a model in the running program's environment: it goes out in one header of each request and is nowhere else, neither
in /proc of the program and its children, nor in a file, nor in what is printed. What is wrong with it is told without it."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t
from raw_http import RawServer

KEY = "AQ.key-of-the-environment"
OTHER = "sk-key-of-another"
NAMES = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GEMINI_MODEL", "GOOGLE_GEMINI_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL",
         "OPENAI_MODEL", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
for name in NAMES:
    os.environ.pop(name, None)
STATE = {}


def server():
    if "server" not in STATE:
        STATE["server"] = t.Server(t.pg_bin(15), rows=10)
    return STATE["server"]


def event(dialect, text):
    if dialect == "gemini":
        return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18}}
    return {"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [
        {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}


def provider(dialect):
    """Answers each operation with what tests/support/llm/answers.json holds for it."""
    folder = tempfile.mkdtemp(dir=server().work)
    with open(os.path.join(t.SOURCE, "tests/support/llm/answers.json")) as f:
        answers = json.load(f)
    for op, answer in answers.items():
        with open(os.path.join(folder, op + ".event"), "wb") as f:
            data = b"data: " + json.dumps(event(dialect, json.dumps(answer))).encode() + b"\n\n"
            f.write(data + (b"data: [DONE]\n\n" if dialect == "openai" else b""))
        with open(os.path.join(folder, op + ".http"), "w") as f:
            f.write("line HTTP/1.1 200 OK\nline Content-Type: text/event-stream\nline Connection: close\nline\nfile %s.event\n" % op)
    return RawServer(folder, [("[op=%s]" % op, [op]) for op in answers]).start()


def family(pid):
    """The process and all that it has begun."""
    found = [pid]
    for p in found:
        try:
            tasks = os.listdir("/proc/%d/task" % p)
        except OSError:  # it has ended
            continue
        for task in tasks:
            found += [int(c) for c in t.read("/proc/%d/task/%s/children" % (p, task), "").split()]
    return found


def look(pid, seen):
    """Adds what /proc tells of the family's arguments and environments; each is read as often as it is met."""
    for p in family(pid):
        try:
            line = t.read("/proc/%d/cmdline" % p, "")
            if line:
                seen[p] = seen.get(p, "") + line + t.read("/proc/%d/environ" % p, "")
        except OSError:  # gone between the two, or no longer ours to look at
            pass


def tune(advisor, at, env):
    """A run that proposes and stops. Its requests, and what could be seen of its processes."""
    s = server()
    run = t.Run(s, s.home(), s.script("SELECT 1;\n"), "--advisor", advisor, "--accept", "none", "--duration", "1", env=env)
    seen = {}

    def ended():
        if at.log:  # its threads run: the environment is what it stays
            look(run.process.pid, seen)
        return run.process.poll() is not None
    t.wait_for("the end", 60, ended, step=0.02)
    run.end()
    t.check(run.code == 0, "exit %d: %s" % (run.code, run.said))
    t.check(at.log, "nobody was asked: " + run.said)
    t.check(any("pgbench" in text for text in seen.values()), "no child was seen: %d processes" % len(seen))
    return run, seen


def nowhere(key, run, seen, at):
    for text in seen.values():
        t.check(key not in text, "/proc shows the key: " + text.replace("\0", " "))
    t.check(key not in run.text() + run.said, "the key is printed")
    kept = subprocess.run(["grep", "-rlaF", key, run.home], capture_output=True, text=True).stdout
    t.check(not kept, "the key was written to " + kept)
    t.check(os.listdir(run.home), "there is no file that could have shown it")
    for r in at.log:
        t.check(key not in r["target"] + r["body"], "the key is in the request: " + r["target"])


def key_in_one_header():
    at = provider("gemini")
    run, seen = tune("gemini", at, {"GEMINI_API_KEY": KEY, "OPENAI_API_KEY": OTHER,
                                    "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:%d" % at.port})
    at.stop()
    for r in at.log:
        carriers = [name.lower() for name, value in r["headers"] if KEY in value]
        t.check(carriers == ["x-goog-api-key"], "headers with the key: %s" % carriers)
        t.check(not any(OTHER in value for _, value in r["headers"]), "another provider's key is sent")
    for key in (KEY, OTHER):
        nowhere(key, run, seen, at)
    own = seen[run.process.pid]
    t.check("PG_DIAGNOSE_HOME=" in own and "GOOGLE_GEMINI_BASE_URL=" in own, "the environment cannot be read")


def openai_without_key():
    at = provider("openai")
    run, seen = tune("openai", at, {"OPENAI_BASE_URL": "http://127.0.0.1:%d/v1" % at.port, "OPENAI_MODEL": "local",
                                    "GEMINI_API_KEY": KEY})
    at.stop()
    for r in at.log:
        t.check(r["target"] == "/v1/chat/completions" and json.loads(r["body"])["model"] == "local", r["target"])
        t.check(not any(n.lower() in ("authorization", "x-goog-api-key") for n, _ in r["headers"]), "a key: %s" % r["headers"])
    nowhere(KEY, run, seen, at)


def refused(env, *parts, hidden=None):
    s = server()
    home = s.home()
    out = subprocess.run([t.PROGRAM, "tune", "-H", s.host, "-p", s.port, "-U", "postgres", "-d", "postgres", "--advisor",
                          "gemini", "--accept", "none", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=30 * t.SCALE, env=dict(os.environ, PG_DIAGNOSE_HOME=home, **env))
    t.check(out.returncode == 2, "exit %d: %s" % (out.returncode, out.stderr))
    said = out.stderr.splitlines()
    heads = [line.split(":")[0] for line in said]
    t.check(heads == ["pg_diagnose", "DETAIL", "HINT"], "not three sentences: %s" % said)
    for part in parts:
        t.check(part in out.stderr, "%s is not named: %s" % (part, out.stderr))
    if hidden:
        kept = subprocess.run(["grep", "-rlaF", hidden, home], capture_output=True, text=True).stdout
        t.check(hidden not in out.stdout + out.stderr and not kept, "the key is shown: " + out.stdout + out.stderr + kept)


def without_key():
    refused({}, "GEMINI_API_KEY", "generativelanguage.googleapis.com")
    refused({"GEMINI_API_KEY": ""}, "GEMINI_API_KEY")


def key_with_newline():
    refused({"GEMINI_API_KEY": KEY + "\n"}, "GEMINI_API_KEY", hidden=KEY)
    refused({"GEMINI_API_KEY": KEY + "\r\nX-Other: 1"}, "GEMINI_API_KEY", hidden=KEY)
    refused({"GOOGLE_API_KEY": " " + KEY}, "GOOGLE_API_KEY", hidden=KEY)
    refused({"GEMINI_API_KEY": KEY * 200}, "GEMINI_API_KEY", hidden=KEY)


if __name__ == "__main__":
    t.main({f.__name__: f for f in (key_in_one_header, openai_without_key, without_key, key_with_newline)})
