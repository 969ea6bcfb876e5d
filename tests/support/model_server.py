#!/usr/bin/env python3
"""A model for whoever looks at a screen: a Provider (llmtest.py) whose answer to a question depends on a word in it, so that keys
alone decide what happens. Everything else is answered by aimock.

model_server.py [gemini | openai]     prints its address, then one line for each request (its operation); on its standard input:
                                      "die" takes it away from one moment to the next, the end of the input ends it.
Exit 77 where its packages from npm cannot be had.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import llmtest
from llmtest import answers, google_error, said

RPC = "type.googleapis.com/google.rpc."
SENTENCE = "The sorts of this workload do not fit into work_mem and go to temporary files. "
CJK = "\u6392\u5e8f\u64cd\u4f5c\u8d85\u51fa\u4e86\u5185\u5b58\uff0c\u56e0\u6b64\u5199\u5165\u4e34\u65f6\u6587\u4ef6\u3002"
# A title, a cleared screen, colours, a carriage return, an overridden direction, a zero-width joiner.
ESCAPES = "before \x1b]0;owned\x07\x1b[2J\x1b[31mred\r\u202ebidi\u202c\u200d\x9b5m after"


def answer(text, **more):
    return json.dumps(dict(answers()["answer_question"], text=text, **more))


def counted(lines):
    return "\n".join("line %d of the answer." % i for i in range(1, lines + 1))


class Advisor(llmtest.Provider):
    def __init__(self, dialect):
        change = llmtest.change("work_mem", "64MB", "Sorts stay in memory.", (5, 150))
        made = answers()
        made["get_round1_config"].update(changes=[dict(change, evidence="Temporary files were written.")])
        super().__init__(llmtest.fixtures(made), answer=self.by_word, need_key=dialect == "gemini")
        self.limited, self.gone = 0, set()

    def by_word(self, r):
        """The words stand in the question, which is in the request as it was typed."""
        print(r.op, flush=True)
        name = r.path.rsplit("/", 1)[-1].split(":")[0] if r.dialect == "gemini" else r.body.get("model", "")
        if "vanishes" in r.user:
            self.gone.add(name)
        if name in self.gone:
            return google_error(404, "NOT_FOUND", "models/%s is not found" % name)
        if r.op != "answer_question":
            return None
        if "slowly" in r.user:  # a text of ten words a second, for half a minute
            return self.words(r, answer(counted(100)), 0.1)
        if "at length" in r.user:
            return answer(counted(400) + "\n" + "unbroken" * 50)
        if "escapes" in r.user:
            return answer(ESCAPES)
        if "Chinese" in r.user:
            return answer(CJK * 12)
        if "figures" in r.user:
            found = re.search(r'"work_mem","value":"([^"]+)"', r.user)
            return answer(SENTENCE, figures=[{"name": "work_mem", "value": found.group(1) if found else "64kB"}])
        if "limited" in r.user:
            self.limited += 1
            if self.limited == 1:
                return google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).",
                                    [{"@type": RPC + "RetryInfo", "retryDelay": "3s"}])
        if "day is over" in r.user:
            return google_error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [
                {"@type": RPC + "QuotaFailure", "violations": [
                    {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}]}])
        return None

    @staticmethod
    def words(r, text, pause):
        parts = text.split(" ")
        return said(text, r.dialect, r.streams, pieces=len(parts), pause=pause)


def main():
    dialect = sys.argv[1] if len(sys.argv) > 1 else "gemini"
    try:
        advisor = Advisor(dialect)
    except llmtest.Absent as e:
        print(e, file=sys.stderr)
        return 77
    print(advisor.url(dialect), flush=True)
    for line in sys.stdin:
        if line.strip() == "die":
            advisor.die()
            print("dead", flush=True)
    if advisor.aimock:
        advisor.die()
    wrong = advisor.wrong()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
