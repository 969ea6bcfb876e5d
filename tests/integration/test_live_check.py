#!/usr/bin/env python3
"""live-check against servers of our own: it says what it saw and what was not as expected, and never shows the key."""
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["PGD_SOURCE_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "tests/support"))
from raw_http import RawServer  # noqa: E402

KEY = "AQ.secret-of-the-test"
SCRIPTS = {
    "models": '{"models": [{"name": "models/gemini-3.8-flash", "thinking": true}]}',
    "count": '{"totalTokens": 12}',
    "whole": '{"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "{}"}]}}], "modelVersion": "m"}',
}


def write(folder, name, text):
    with open(os.path.join(folder, name + ".http"), "w", encoding="utf-8") as f:
        f.write(text)


def prepare(folder):
    for name, body in SCRIPTS.items():
        write(folder, name, f"line HTTP/1.1 200 OK\nline X-Gemini-Service-Tier: standard\nline Content-Length: {len(body)}\nline\nsend {body}\n")
    write(folder, "stream", "line HTTP/1.1 200 OK\nline Transfer-Encoding: chunked\nline\neol crlf\n"
          'event {"candidates": [{"content": {}}]}\nevent {"candidates": [{"finishReason": "STOP"}]}\nchunk \n')
    body = '{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"@type": "x", "reason": "API_KEY_INVALID"}]}}'
    write(folder, "wrong", f"line HTTP/1.1 400 Bad Request\nline Content-Length: {len(body)}\nline\nsend {body}\n")


def run(env):
    plain = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and not k.startswith(("OPENAI_", "GEMINI_", "GOOGLE_"))}
    r = subprocess.run([os.path.join(SOURCE, "tests/live/live_check.py")], env=dict(plain, **env), capture_output=True, text=True,
                       timeout=60)
    assert KEY not in r.stdout + r.stderr, "the key is shown"
    return r


def main():
    r = run({})
    assert r.returncode == 77 and "skipped" in r.stdout, r
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        routes = [("not-a-key", ["wrong"]), ("countTokens", ["count"]), ("stream", ["stream"]), ("generateContent", ["whole"]),
                  ("GET /v1beta/models?", ["models"])]
        server = RawServer(folder, routes).start()
        env = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{server.port}"}
        r = run(env)
        assert r.returncode == 0, r
        for part in ("gemini-3.8-flash: listed", "totalTokens: int", "events: 2, ended by CRLF", "no [DONE]", "API_KEY_INVALID",
                     "x-gemini-service-tier", "finishReason: STOP"):
            assert part in r.stdout, (part, r.stdout)
        assert len(server.log) == 5 and all(KEY not in q["target"] + q["body"] for q in server.log)
        routes[0] = ("not-a-key", ["whole"])  # a wrong key is taken: that is not as expected
        assert run(env).returncode == 1
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
