#!/usr/bin/env python3
"""Google's official client understands what the tests' provider says: each answer whole and as a stream, the same text both
times, with its end and its usage. What we read from it, others read as well."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import llmtest
import tunetest as t


def official_client():
    try:
        where = llmtest.folder()
    except llmtest.Absent as e:
        raise t.Skip(str(e))
    provider = llmtest.Provider(llmtest.fixtures())
    try:
        texts = ["[op=%s]\nwhat do you say?" % op for op in llmtest.OPS]
        run = subprocess.run(["node", os.path.join(llmtest.HERE, "llm/second_opinion.mjs"), where, provider.url()] + texts,
                             capture_output=True, text=True, timeout=60 * t.SCALE)
        t.check(run.returncode == 0, run.stderr)
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        t.check(len(lines) == len(llmtest.OPS), run.stdout)
        for op, line in zip(llmtest.OPS, lines):
            t.check("error" not in line, "%s: %s" % (op, line))
            t.check(json.loads(line["whole"]) == llmtest.answers()[op], "%s whole: %s" % (op, line["whole"]))
            t.check(line["whole"] == line["streamed"] and line["pieces"] > 1, "%s streamed: %s" % (op, line))
            t.check(line["finish"] == "STOP" and line["usage"]["promptTokenCount"] == 900, "%s: %s" % (op, line))
        t.check(not provider.wrong(), "; ".join(provider.wrong()))
        provider.answer = lambda r: json.dumps(llmtest.answers()[r.op])  # our own answers, without aimock
        run = subprocess.run(["node", os.path.join(llmtest.HERE, "llm/second_opinion.mjs"), where, provider.url(), texts[0]],
                             capture_output=True, text=True, timeout=60 * t.SCALE)
        line = json.loads(run.stdout)
        t.check(line.get("whole") == line.get("streamed") == json.dumps(llmtest.answers()[llmtest.OPS[0]]), run.stdout)
    finally:
        provider.stop()


if __name__ == "__main__":
    t.main({"official_client": official_client})
