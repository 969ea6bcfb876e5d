"""What the tests with a model share: a provider of our own making, in both dialects, that a program asks.

A Provider listens on loopback and looks at every request first, as strictly as the real ones (llm/contract.py), keeps it, and
then answers: with what the test's own `answer` function gives, else with what aimock, an independent mock, has for it.
"""
import functools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "llm"))
import contract  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "test-key"
MODEL = "gemini-3.8-flash"
MODELS = (MODEL, "gemini-3.5-flash-lite")
OPS = ("first_sight_analysis", "generate_strategy", "suggest_target", "get_round1_config", "analyze_results",
       "get_next_strategies", "resolve_conflicts", "restore_context", "diagnose_error", "answer_question",
       "explain_parameter", "explain_anomaly", "compare_strategies", "recommend_hardware")


class Absent(Exception):
    """What comes from npm cannot be had; the text says why."""


def folder():
    got = subprocess.run([os.path.join(HERE, "fetch_npm.sh")], capture_output=True, text=True)
    if got.returncode == 77:
        raise Absent(got.stderr.strip())
    if got.returncode != 0:
        raise RuntimeError(got.stderr)
    return got.stdout.strip()


def texts_of(body):
    """The user's texts of a request, in either dialect."""
    if "contents" in body:
        return ["".join(p.get("text", "") for p in c.get("parts", [])) for c in body["contents"] if c.get("role") == "user"]
    return [m["content"] for m in body.get("messages", []) if m.get("role") == "user"]


def op_of(body):
    """Each of the user's texts begins with the same operation, a repair's as well: mocks look at the last one."""
    found = set()
    for text in texts_of(body):
        m = re.match(r"\[op=(\w+)\]\n", text)
        found.add(m.group(1) if m else "")
    return found.pop() if len(found) == 1 else ""


class Aimock:
    """aimock with these fixtures: a list as in its files."""

    def __init__(self, fixtures, where=None):
        self.where = where or folder()
        self.file = tempfile.NamedTemporaryFile("w", prefix="pgd-fixtures.", suffix=".json")
        json.dump({"fixtures": fixtures}, self.file)
        self.file.flush()
        self.process = subprocess.Popen(
            ["node", os.path.join(self.where, "node_modules/@copilotkit/aimock/dist/cli.js"), "-p", "0", "-h", "127.0.0.1",
             "-f", self.file.name, "--strict", "--validate-on-load", "--log-level", "info"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(os.environ, AIMOCK_API_KEYS=KEY), preexec_fn=dies_with_us)
        said = []
        for line in self.process.stdout:
            said.append(line)
            m = re.search(r"listening on http://127.0.0.1:(\d+)", line)
            if m:
                self.port = int(m.group(1))
                break
        else:
            raise RuntimeError("aimock does not start: " + "".join(said))
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        for _ in self.process.stdout:
            pass

    def get(self, path, method="GET", body=None):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"content-type": "application/json", "x-goog-api-key": KEY,
                                                  "authorization": "Bearer " + KEY})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def journal(self):
        return self.get("/__aimock/journal?limit=10000")

    def rewind(self):
        """The counters of sequenceIndex begin anew."""
        self.get("/__aimock/reset/journal", "POST", {})

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.file.close()


def dies_with_us():
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Raw:
    """An answer byte by byte: pieces are sent one by one with *pause* seconds between them; then the connection is closed, or
    reset when *cut*."""

    def __init__(self, head, *pieces, pause=0.0, cut=False, length=True):
        body = b"".join(pieces)
        if length and b"content-length" not in head.lower():
            head += b"\r\nContent-Length: %d" % len(body)
        self.pieces, self.pause, self.cut = (head + b"\r\nConnection: close\r\n\r\n",) + pieces, pause, cut


class Status(Raw):
    """An answer whole: a status and a body, which is JSON unless it is bytes."""

    def __init__(self, status, body, *headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = b"text/html" if data.startswith(b"<") else b"application/json; charset=UTF-8"
        super().__init__(b"\r\n".join([b"HTTP/1.1 %d Said" % status, b"Content-Type: " + kind] +
                                      [h.encode() for h in headers]), data)


def google_error(code, status, message, details=()):
    return Status(code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}})


def gemini_event(text, finish=None, usage=None):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    event = {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r-1"}
    if usage or finish:
        event["usageMetadata"] = usage or {"promptTokenCount": 900, "candidatesTokenCount": max(1, len(text) // 4),
                                           "thoughtsTokenCount": 31, "totalTokenCount": 931 + max(1, len(text) // 4)}
    return event


def stream(events, newline=b"\n"):
    return [b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + newline + newline for e in events]


def stream_head(*more):
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Type: text/event-stream") + more)


def said(text, dialect, streams, pieces=5, **how):
    """A model's text as that dialect's whole answer."""
    usage = {"prompt_tokens": 900, "completion_tokens": max(1, len(text) // 4), "total_tokens": 900 + max(1, len(text) // 4)}
    if not streams:
        if dialect == "gemini":
            return Status(200, gemini_event(text, "STOP"))
        return Status(200, {"id": "c-1", "object": "chat.completion", "model": MODEL, "usage": usage, "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]})
    size = max(1, -(-len(text) // pieces))
    parts = [text[i:i + size] for i in range(0, len(text), size)] or [""]
    if dialect == "gemini":
        events = [gemini_event(p, "STOP" if i == len(parts) - 1 else None) for i, p in enumerate(parts)]
    else:
        events = [{"id": "c-1", "object": "chat.completion.chunk", "model": MODEL, "choices": [
            {"index": 0, "delta": {"content": p}, "finish_reason": None}]} for p in parts]
        events.append({"id": "c-1", "object": "chat.completion.chunk", "model": MODEL, "choices": [
            {"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({"id": "c-1", "object": "chat.completion.chunk", "model": MODEL, "choices": [], "usage": usage})
        events.append(b"[DONE]")
    return Raw(stream_head(), *stream(events), length=False, **how)


class Request:
    def __init__(self, handler, body, number):
        self.at, self.number = time.monotonic(), number
        self.method, self.path = handler.command, handler.path
        self.headers = [(k.lower(), v) for k, v in handler.headers.items()]
        self.raw = body
        try:
            self.body = json.loads(body) if body else None
        except ValueError:
            self.body = None
        self.dialect = "gemini" if re.search(r":(stream)?[gG]enerateContent", self.path) else "openai"
        self.streams = "stream" in self.path or bool(isinstance(self.body, dict) and self.body.get("stream"))
        self.op = op_of(self.body) if isinstance(self.body, dict) else ""
        self.user = "\n".join(texts_of(self.body)) if isinstance(self.body, dict) else ""
        self.errors = []

    def header(self, name):
        return [v for k, v in self.headers if k == name]


@functools.lru_cache(maxsize=1)
def gemini_contract(where):
    return contract.Gemini(where)


class Provider:
    """answer(request) returns a text of the model, a Raw, or None for aimock's answer. Every request is in `requests`."""

    def __init__(self, fixtures=None, answer=None, need_key=True, key=KEY):
        where = folder()
        self.contract = gemini_contract(where)
        self.aimock = Aimock(fixtures, where) if fixtures is not None else None
        self.answer, self.need_key, self.key, self.requests = answer, need_key, key, []
        self.lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                provider.serve(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that goes away is no news
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, dialect="gemini"):
        return "http://127.0.0.1:%d%s" % (self.port, "" if dialect == "gemini" else "/v1")

    def env(self, dialect="gemini", with_key=True):
        """What a program is started with that asks here. Nobody else's address or key is left in it."""
        key = self.key if with_key else None
        mine = {name: None for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GEMINI_MODEL", "GOOGLE_GEMINI_BASE_URL",
                                        "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "http_proxy", "https_proxy",
                                        "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
        if dialect == "gemini":
            mine.update(GOOGLE_GEMINI_BASE_URL=self.url(), GEMINI_API_KEY=key)
        else:
            mine.update(OPENAI_BASE_URL=self.url("openai"), OPENAI_API_KEY=key, OPENAI_MODEL=MODEL)
        return mine

    def check(self, r):
        """As the real ones look at a request: status and answer when it is refused."""
        if r.dialect == "gemini":
            keys = r.header("x-goog-api-key")
            if "key=" in r.path or r.header("authorization"):
                r.errors.append("a key where none belongs")
            if self.need_key and keys != [self.key]:
                return google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
                    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
                     "domain": "googleapis.com"}])
            if r.streams != r.path.endswith("?alt=sse"):
                r.errors.append("the address is " + r.path)
        else:
            if r.header("x-goog-api-key") or "key=" in r.path:
                r.errors.append("a key where none belongs")
            if self.need_key and r.header("authorization") != ["Bearer " + self.key]:
                return Status(401, {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error",
                                              "code": "invalid_api_key"}})
        if r.header("content-type") != ["application/json"]:
            r.errors.append("content-type is %s" % r.header("content-type"))
        if r.header("expect"):
            r.errors.append("an Expect header was sent")
        if not isinstance(r.body, dict):
            r.errors.append("Invalid JSON payload received.")
        else:
            r.errors += self.contract.errors(r.body) if r.dialect == "gemini" else contract.openai_errors(r.body)
            if r.op not in OPS:
                r.errors.append("the text begins with %r, not with an operation" % r.user[:40])
        if not r.errors:
            return None
        message = "Invalid JSON payload received. " + "\n".join(r.errors)
        return (google_error(400, "INVALID_ARGUMENT", message) if r.dialect == "gemini" else
                Status(400, {"error": {"message": message, "type": "invalid_request_error", "code": None}}))

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        handler.close_connection = True
        with self.lock:
            r = Request(handler, body, len(self.requests))
            self.requests.append(r)
        if r.method == "GET":
            answer = self.models(r)
        else:
            answer = self.check(r)
            if answer is None and self.answer:
                answer = self.answer(r)
            if isinstance(answer, str):
                answer = said(answer, r.dialect, r.streams)
        if answer is None and self.aimock:
            return self.relay(handler, r)
        return self.send(handler, answer or Status(503, {"error": {"code": 503, "message": "nothing to say", "status":
                                                                   "UNAVAILABLE", "type": "unavailable"}}))

    @staticmethod
    def models(r):
        if r.path.startswith("/v1beta"):
            return Status(200, {"models": [{"name": "models/" + m, "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
                                            "supportedGenerationMethods": ["generateContent", "countTokens"]}
                                           for m in MODELS]})
        return Status(200, {"object": "list", "data": [{"id": m, "object": "model", "owned_by": "tests"} for m in MODELS]})

    @staticmethod
    def send(handler, raw):
        link = handler.connection
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in raw.pieces:
                link.sendall(piece)
                if raw.pause:
                    time.sleep(raw.pause)
            if raw.cut:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                link.close()
        except OSError:
            pass

    def relay(self, handler, r):
        """aimock's answer as it comes, its breaks as well. The key is the one that aimock knows."""
        up = socket.create_connection(("127.0.0.1", self.aimock.port))
        head = ["%s %s HTTP/1.1" % (r.method, r.path), "Host: 127.0.0.1", "Connection: close",
                "Content-Type: application/json", "Content-Length: %d" % len(r.raw),
                "x-goog-api-key: " + KEY if r.dialect == "gemini" else "Authorization: Bearer " + KEY]
        up.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + r.raw)
        link, head = handler.connection, b""
        try:
            while True:
                piece = up.recv(65536)
                if not piece:
                    link.sendall(head or b"")
                    break
                if head is not None:
                    head += piece
                    if b"\r\n\r\n" not in head:
                        continue
                    # each connection carries one request: nobody is to wait on it for another
                    piece, head = re.sub(rb"(?i)\r\nConnection: keep-alive", b"\r\nConnection: close", head, count=1), None
                link.sendall(piece)
        except OSError:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()
        finally:
            up.close()

    def asked(self, op=None):
        with self.lock:
            return [r for r in self.requests if r.method == "POST" and op in (None, r.op)]

    def wrong(self):
        """What the contract had against the requests so far."""
        return ["%s: %s" % (r.op or r.path, "; ".join(r.errors)) for r in self.asked() if r.errors]

    def die(self):
        """Gone from one moment to the next: from here on connections are refused."""
        self.server.shutdown()
        self.server.server_close()
        if self.aimock:
            self.aimock.kill()
            self.aimock = None

    def stop(self):
        if self.server.socket.fileno() >= 0:
            self.die()


def environment(given):
    """The environment of a child: *given* over ours, without the names whose value is None."""
    env = dict(os.environ)
    for name, value in given.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


def answers(**instead):
    """The sensible answers of llm/answers.json as objects, some of them replaced."""
    with open(os.path.join(HERE, "llm/answers.json")) as f:
        return dict(json.load(f), **instead)


def fixtures(of=None, chunk=24):
    """aimock's fixtures for those answers; a list of answers is given one after the other, the last one for good."""
    made = []
    for op, one in (of or answers()).items():
        many = one if isinstance(one, list) else [one]
        for i, answer in enumerate(many):
            match = {"userMessage": "[op=%s]" % op}
            if i < len(many) - 1:
                match["sequenceIndex"] = i
            text = answer if isinstance(answer, str) else json.dumps(answer)
            made.append({"match": match, "chunkSize": chunk,
                         "response": {"content": text, "usage": {"promptTokenCount": 900, "candidatesTokenCount": len(text) // 4,
                                                                 "totalTokenCount": 900 + len(text) // 4}}})
    return made


def hostile():
    """What a hostile or broken model says: llm/hostile.json."""
    with open(os.path.join(HERE, "llm/hostile.json")) as f:
        return json.load(f)["cases"]


def change(name, value, why="The measured cause.", expect=(2, 20)):
    return {"evidence": "300 temporary files", "name": name, "value": value, "why": why, "expect_lo": expect[0],
            "expect_hi": expect[1], "risk": "low"}


def hostile_answer(case, op, good, repaired=False):
    """The text that the model says in that case, with the legitimate change beside what it tries. Asked to repair what is no
    answer at all, it gives the legitimate one."""
    shape = {"get_round1_config": {"nothing_left": False},
             "analyze_results": {"verdict": "none", "bottleneck": "sorts", "stop": False, "summary": "More."}}[op]
    if "answer" in case and not repaired:
        text = case["answer"]
        if op == "analyze_results":  # the schema of the other operation, where the case says nothing of it
            text = text.replace('"nothing_left":false', '"verdict":"none","bottleneck":"sorts","stop":false,"summary":"More."')
        many = ",".join(json.dumps(change("setting_%d" % i, "on")) for i in range(400))
        for mark, made in (("@GOOD@", json.dumps(good)), ("@MANY@", many), ("@HUGE@", "abcdefg " * (5 << 17)),
                           ("@LONG@", "abcdefg " * 1250), ("@KEY@", KEY)):
            text = text.replace(mark, made)
        return text
    tried = [] if repaired else [change(*c) for c in case.get("changes", [])]
    says = case.get("says", "More memory for sorts.").replace("@KEY@", KEY)
    return json.dumps(dict(shape, changes=tried + [good], text=says, confidence=60))


def together(*parts):
    """Each in a thread of its own; the first failure is told."""
    import tunetest
    failed = []

    def one(part):
        try:
            part()
        except BaseException:
            failed.append("%s:\n%s" % (part.__name__, traceback.format_exc()))

    def all_of_them():
        try:
            folder()
        except Absent as e:
            raise tunetest.Skip(str(e))
        threads = [threading.Thread(target=one, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tunetest.check(not failed, "\n".join(failed))
    return all_of_them


def serve():
    """For tests that are no Python: prints where it listens, then answers commands on stdin until that ends.
    `log` prints the requests so far as a JSON list; `forget` drops them."""
    try:
        provider = Provider(fixtures())
    except Absent as e:
        print("absent " + str(e), flush=True)
        return
    print("gemini %s\nopenai %s\nready" % (provider.url(), provider.url("openai")), flush=True)
    for line in sys.stdin:
        if line.strip() == "forget":
            provider.requests.clear()
            continue
        print(json.dumps([{"op": r.op, "dialect": r.dialect, "streams": r.streams, "errors": r.errors,
                           "bytes": len(r.raw)} for r in provider.asked()]), flush=True)
    provider.stop()


if __name__ == "__main__":
    serve()
