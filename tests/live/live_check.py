#!/usr/bin/env python3
"""Asks a real model a handful of questions and prints the shapes of what comes back: names and types of fields, names of headers, how
the lines of a stream end. Never a key, never a value that could hold one. For a person with a key: the tests use servers of their own.

    cmake/bootstrap live-check         by GEMINI_API_KEY or GOOGLE_API_KEY (GEMINI_MODEL, GOOGLE_GEMINI_BASE_URL), and by
                                       OPENAI_API_KEY or OPENAI_BASE_URL (OPENAI_MODEL)

Five calls to each: the list of models, countTokens (Gemini alone), one answer whole, one as a stream, one with a wrong key. They
cost less than a cent. Exit 0: all went as the program expects; 1: something did not; 77: there is no key.
"""
import http.client
import json
import os
import ssl
import sys
import urllib.parse

SCHEMA = {"type": "object", "properties": {"setting": {"type": "string"}, "megabytes": {"type": "integer"}},
          "required": ["setting", "megabytes"]}
QUESTION = "[op=answer_question]\nWhich PostgreSQL setting sizes the buffer cache, and what is its default in megabytes?"
WRONG_KEY = "not-a-key"
TIMEOUT_S = 120


def shape(value, depth=0):
    """The names and types of a JSON value."""
    if isinstance(value, dict):
        if depth > 6:
            return "{...}"
        return "{" + ", ".join(f"{k}: {shape(v, depth + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{shape(value[0], depth + 1)} x {len(value)}]" if value else "[]"
    return "null" if value is None else type(value).__name__


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def call(base, path, headers, body=None):
    url = urllib.parse.urlsplit(base.rstrip("/") + path)
    if url.scheme == "https":
        file = os.environ.get("CURL_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
        link = http.client.HTTPSConnection(url.hostname, url.port, timeout=TIMEOUT_S,
                                           context=ssl.create_default_context(cafile=file))
    elif url.hostname in ("localhost", "127.0.0.1", "::1"):
        link = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
    else:
        raise OSError("http:// is for loopback only")
    data = None if body is None else json.dumps(body).encode()
    link.request("GET" if data is None else "POST", url.path + ("?" + url.query if url.query else ""), data,
                 dict(headers, **{"Content-Type": "application/json"}))
    r = link.getresponse()
    answer = Answer(r.status, [name for name, _ in r.getheaders()], r.read())
    link.close()
    return answer


class Check:
    def __init__(self, name):
        self.name, self.failures = name, 0

    def show(self, what, answer, good):
        ok = good(answer)
        self.failures += not ok
        print(f"\n{self.name}: {what}: HTTP {answer.status}{'' if ok else '   <- not as expected'}")
        print("  headers:", ", ".join(sorted(set(h.lower() for h in answer.headers))))
        value = answer.json()
        if value is not None:
            print("  body:", shape(value))
        return value

    def show_error(self, value):
        error = value[0] if isinstance(value, list) and value else value
        error = error.get("error", {}) if isinstance(error, dict) else {}
        if not isinstance(error, dict):
            return
        print("  status:", error.get("status"), "  code:", error.get("code"), "  type:", error.get("type"))
        for detail in error.get("details", []):
            print("  detail:", detail.get("@type"), "  reason:", detail.get("reason"))

    def show_stream(self, answer):
        ends = [name for name, end in (("CRLF", b"\r\n\r\n"), ("LF", b"\n\n"), ("CR", b"\r\r")) if end in answer.body]
        text = answer.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("utf-8", "replace")
        events = [e[5:].strip() for e in text.split("\n") if e.startswith("data:")]
        print(f"  events: {len(events)}, ended by {' and '.join(ends) or 'nothing known'};",
              "the last is [DONE]" if events and events[-1] == "[DONE]" else "no [DONE]")
        shapes = []
        for e in events:
            s = shape(json.loads(e)) if e != "[DONE]" else None
            if s and s not in shapes:
                shapes.append(s)
        for s in shapes:
            print("  event:", s)
        print("  other lines:", sorted({x.split(":")[0] for x in text.split("\n") if x and not x.startswith("data:")}) or "none")
        return events


def gemini(key):
    base = os.environ.get("GOOGLE_GEMINI_BASE_URL") or "https://generativelanguage.googleapis.com"
    model = os.environ.get("GEMINI_MODEL") or "gemini-3.8-flash"
    c = Check("gemini")
    h = {"x-goog-api-key": key}
    contents = [{"role": "user", "parts": [{"text": QUESTION}]}]
    body = {"systemInstruction": {"parts": [{"text": "Answer as JSON."}]}, "contents": contents,
            "generationConfig": {"maxOutputTokens": 8192, "responseMimeType": "application/json",
                                 "responseJsonSchema": SCHEMA,
                                 "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": False}}}
    at = f"/v1beta/models/{urllib.parse.quote(model, safe='')}"
    value = c.show("models", call(base, "/v1beta/models?pageSize=50", h), lambda a: a.status == 200)
    names = [m.get("name", "") for m in (value or {}).get("models", [])]
    print("  models:", ", ".join(n.removeprefix("models/") for n in names) or "none")
    print(f"  {model}:", "listed" if f"models/{model}" in names else "NOT in the list")
    c.show("countTokens", call(base, at + ":countTokens", h, {"contents": contents}),
           lambda a: a.status == 200 and "totalTokens" in (a.json() or {}))
    value = c.show("one answer", call(base, at + ":generateContent", h, body),
                   lambda a: a.status == 200 and "candidates" in (a.json() or {}))
    if value and value.get("candidates"):
        print("  finishReason:", value["candidates"][0].get("finishReason"), "  modelVersion:", value.get("modelVersion"))
    answer = call(base, at + ":streamGenerateContent?alt=sse", h, body)
    c.show("a stream", answer, lambda a: a.status == 200 and b"finishReason" in a.body)
    c.show_stream(answer)
    value = c.show("a wrong key", call(base, at + ":generateContent", {"x-goog-api-key": WRONG_KEY}, body),
                   lambda a: a.status in (400, 401, 403))
    c.show_error(value)
    return c.failures


def openai(key):
    base = os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    c = Check("openai")
    h = {"Authorization": f"Bearer {key}"} if key else {}
    value = c.show("models", call(base, "/models", h), lambda a: a.status == 200)
    names = [m.get("id", "") for m in (value or {}).get("data", [])]
    model = os.environ.get("OPENAI_MODEL") or (names[0] if names else "")
    print("  models:", ", ".join(names[:50]) or "none", f"\n  asked: {model or 'none: set OPENAI_MODEL'}")
    body = {"model": model, "max_tokens": 8192,
            "messages": [{"role": "system", "content": "Answer as JSON."}, {"role": "user", "content": QUESTION}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}}
    c.show("one answer", call(base, "/chat/completions", h, body),
           lambda a: a.status == 200 and "choices" in (a.json() or {}))
    answer = call(base, "/chat/completions", h, dict(body, stream=True, stream_options={"include_usage": True}))
    c.show("a stream", answer, lambda a: a.status == 200 and b"finish_reason" in a.body)
    c.show_stream(answer)
    if key:
        value = c.show("a wrong key", call(base, "/chat/completions", {"Authorization": f"Bearer {WRONG_KEY}"}, body),
                       lambda a: a.status in (400, 401, 403))
        c.show_error(value)
    return c.failures


def main():
    key = os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY")
    other = os.environ.get("OPENAI_API_KEY")
    failures, asked = 0, False
    try:
        if key:
            asked = True
            failures += gemini(key)
        if other or os.environ.get("OPENAI_BASE_URL"):
            asked = True
            failures += openai(other)
    except (OSError, http.client.HTTPException, ValueError) as e:
        print(f"live-check: a call broke off: {type(e).__name__}: {e if isinstance(e, OSError) else 'no detail is shown'}",
              file=sys.stderr)
        return 1
    if not asked:
        print("live-check: skipped: set GEMINI_API_KEY, or OPENAI_API_KEY, or OPENAI_BASE_URL of a local model")
        return 77
    print(f"\nlive-check: {'all as expected' if not failures else f'{failures} calls were not as expected'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
