#!/usr/bin/env python3
"""Measures the full screen while a model's answer streams into it: key to paint, own CPU, and Esc to stopped.

ai_probe.py [--quick] [--program PATH] [--only NAME,...] [--json FILE]

aimock streams an answer of one token (four bytes) an event, 200 events a second, to a question typed at the prompt, while
pgbench runs against the server. Keys are measured as in screen_probe.py, against the floor program of the same run. Between
program and mock stands a relay of ours, a process of its own, that notes when events pass and when the program's side of the
connection is gone. Esc counts from its write to the terminal, the time in which it could become a sequence included. Exit 1 if
a bar is missed, 77 without the mock.
"""
import multiprocessing
import os
import re
import select
import signal
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import llmtest
import probe
import tunetest as t
from probe import ms, p95

TOKENS_S = 200
TIMER = 1.2  # what is asked of the mock over what is wanted: its timer rounds and is late
STREAM_S = 120
KEY_GAP_S = 0.037
ESC_BAR_S = 0.05


def relay(listener, to, notes):
    """One connection after the other, byte for byte. To *notes*: ("event", when, how many) and ("closed", when)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up = socket.create_connection(("127.0.0.1", to))
        up.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ours = False
        try:
            while not ours:
                for s in select.select([client, up], [], [])[0]:
                    data = s.recv(65536)
                    if s is client and not data:
                        raise ConnectionError
                    if s is up:
                        notes.send(("event", time.monotonic(), data.count(b"data: ")))
                    ours = not data
                    (client if s is up else up).sendall(data)
        except OSError:
            notes.send(("closed", time.monotonic(), 0))
        client.close()
        up.close()


class Bench(probe.Bench):
    def __init__(self, args):
        super().__init__(args)
        word = "The sorts do not fit into work_mem of 4MB and go to disk; "
        answer = dict(llmtest.answers()["answer_question"], text=word * (TOKENS_S * STREAM_S * 4 // len(word)))
        fixtures = llmtest.fixtures(llmtest.answers(answer_question=answer))
        for f in fixtures:
            if f["match"]["userMessage"] == "[op=answer_question]":
                f.update(chunkSize=4, streamingProfile={"ttft": 100, "tps": TOKENS_S * TIMER})
        self.mock = llmtest.Aimock(fixtures)
        listener = socket.create_server(("127.0.0.1", 0))
        self.notes, notes = multiprocessing.Pipe(False)
        self.url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        self.relay = multiprocessing.Process(target=relay, args=(listener, self.mock.port, notes), daemon=True)
        self.relay.start()
        listener.close()
        self.asked = 0

    def env(self):
        env = super().env()
        for name in ("GOOGLE_API_KEY", "GEMINI_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
            env.pop(name, None)
        env.update(GEMINI_API_KEY=llmtest.KEY, GOOGLE_GEMINI_BASE_URL=self.url)
        return {k: v for k, v in env.items() if not k.lower().endswith("_proxy")}

    def advised(self):
        screen = self.open(ready="at.?most|have.?agreed", settle=0.3)
        if re.search("at.?most", screen.text()):  # the first of this home
            screen.key(b"y", "advises from here on")
        screen.drain(1)
        return screen

    def heard(self, kind):
        """What the relay has noted since the last look."""
        found = []
        while self.notes.poll(0):
            note = self.notes.recv()
            found += [note] if note[0] == kind else []
        return found

    def ask(self, screen):
        """A question at the prompt; back when its answer has begun to come."""
        self.asked += 1
        self.heard("")
        screen.raw = b""
        os.write(screen.master, b":why is it slow, %d\r" % self.asked)
        if screen.until("answers, [0-9]+ s", 20) is None:
            raise t.Failure("no answer comes: " + screen.text()[-400:])

    # ---- the measurements ----

    def keys(self):
        self.key_row("streaming", self.stream_samples)
        self.row("events a second", "%d" % TOKENS_S, "%.0f" % self.rate, self.rate >= TOKENS_S, "while keys were measured")
        self.row("own CPU, streaming", "", "%.1f %%" % (100 * self.cpu), None)
        self.facts["streaming"].update(rate=self.rate, cpu=self.cpu)

    def stream_samples(self):
        ours, floor = self.advised(), self.open(self.floor_argv, "floor ready")
        self.busy("-c", "2")
        self.ask(ours)
        ours.drain(1)
        began, cpu = time.monotonic(), ours.stat()
        ours.drain(5 if self.args.quick else 10)
        self.cpu = (ours.stat() - cpu) / (time.monotonic() - began)
        self.heard("")
        began = time.monotonic()
        got = self.keys_in_turn(ours, floor, 20 if self.args.quick else 50)
        self.rate = sum(count for _, _, count in self.heard("event")) / (time.monotonic() - began)
        ours.drain(0.5)
        going_on = self.heard("event")
        self.quiet()
        ours.end()
        floor.end()
        if not going_on:
            raise t.Failure("the answer ended before the keys did")
        return got

    def escape(self):
        n = 8 if self.args.quick else 20
        s = self.advised()
        self.busy("-c", "2")
        painted, closed = [], []
        for i in range(n):
            self.ask(s)
            s.drain(0.3 + KEY_GAP_S * (i % 9))
            self.heard("")
            got = s.key(b"\x1b", r"\[interrupted\]")
            wrote = time.monotonic() - (got or 0)
            painted.append(got if got is not None else 9)
            s.drain(0.2)
            gone = [when for _, when, _ in self.heard("closed")]
            closed.append(gone[0] - wrote if gone else 9)
        self.quiet()
        s.end()
        for what, times in (("Esc to painted", painted), ("Esc to connection closed", closed)):
            self.row("%s, worst of %d" % (what, n), "%d ms" % ms(ESC_BAR_S), "%.1f ms" % ms(max(times)),
                     max(times) <= ESC_BAR_S, "median %.1f ms, p95 %.1f ms" % (ms(statistics.median(times)), ms(p95(times))))
        self.facts["escape"] = dict(painted=painted, closed=closed)

    def close(self):
        self.relay.terminate()
        self.mock.kill()
        super().close()


if __name__ == "__main__":
    try:
        llmtest.folder()
    except llmtest.Absent as e:
        print(e, file=sys.stderr)
        sys.exit(77)
    sys.exit(probe.main(Bench, __doc__, ("keys", "escape")))
