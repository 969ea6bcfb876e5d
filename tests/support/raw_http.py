#!/usr/bin/env python3
"""An HTTP server that sends exactly the bytes of a script: what a correct server cannot be made to send.

    raw_http.py [--port N] [--tls CERT KEY] [--log FILE] [--routes FILE] [--tied] FOLDER

Listens on 127.0.0.1 and prints "PORT N"; with --tied it ends when its standard input does. A request is answered by a script
FOLDER/NAME.http: NAME is the last part of the path, up to a colon or question mark. With --routes the file's lines decide instead;
the first whose text is found in the request (its first line, header or body) wins:

    TEXT<tab>NAME [NAME ...]       the first request gets the first script, the next one the second; the last stays

A CONNECT that no route matches is carried out, to 127.0.0.1 alone: the server is a proxy then. Each request becomes a line of JSON in
FILE: {"n", "method", "target", "headers": [[name, value]], "body", "script", "closed_ms"}; closed_ms is when the client went away,
from the request's end, and null when the server was the first to close.

A script is a list of steps, one a line; \\r \\n \\t \\\\ and \\xNN in TEXT are what they look like:

    # anything              a comment
    line TEXT               TEXT and CRLF
    send TEXT               TEXT
    file PATH               a file beside the script
    repeat N TEXT           TEXT, N times
    chunk TEXT              TEXT as a chunk of a chunked body; without TEXT the last chunk
    event TEXT              a chunk with one event of a stream: "data: TEXT" and an empty line
    eol lf | crlf | cr      how the lines of events end from here on (lf)
    split N MS              from here on pieces of N bytes, MS milliseconds apart; 0 0 ends that
    sleep MS
    hang                    waits until the client goes away, one minute at most
    reset                   ends the connection by RST
    close                   ends it in order; so does the end of the script

It is a library too: RawServer(folder, routes=[(text, [names])]).start(), .port, .log, .stop().
"""
import argparse
import codecs
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time

HANG_S = 60
EOL = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


def unescape(text):
    return codecs.escape_decode(text.encode("utf-8"))[0]


class Gone(Exception):
    """The script has ended the connection, or the client has."""


class Player:
    """Plays one script on one connection."""

    def __init__(self, sock, folder):
        self.sock, self.folder = sock, folder
        self.size, self.pause, self.eol = 0, 0.0, b"\n"
        self.client_left = False

    def send(self, data):
        step = self.size or len(data) or 1
        for at in range(0, len(data), step):
            try:
                self.sock.sendall(data[at:at + step])
            except OSError:
                self.client_left = True
                raise Gone() from None
            if self.pause:
                time.sleep(self.pause)

    def chunk(self, data):
        self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def hang(self):
        self.sock.settimeout(HANG_S)
        try:
            while self.sock.recv(4096):
                pass
            self.client_left = True
        except socket.timeout:
            pass
        except OSError:
            self.client_left = True
        raise Gone()

    def step(self, word, rest):
        if word == "line":
            self.send(unescape(rest) + b"\r\n")
        elif word == "send":
            self.send(unescape(rest))
        elif word == "file":
            with open(os.path.join(self.folder, rest), "rb") as f:
                self.send(f.read())
        elif word == "repeat":
            count, _, text = rest.partition(" ")
            self.send(unescape(text) * int(count))
        elif word == "chunk":
            self.chunk(unescape(rest))
        elif word == "event":
            self.chunk(b"data: " + unescape(rest) + self.eol * 2)
        elif word == "eol":
            self.eol = EOL[rest]
        elif word == "split":
            size, ms = rest.split()
            self.size, self.pause = int(size), int(ms) / 1000
        elif word == "sleep":
            time.sleep(int(rest) / 1000)
        elif word == "hang":
            self.hang()
        elif word == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone()
        elif word == "close":
            raise Gone()
        else:
            raise ValueError(f"no step is named {word}")

    def play(self, path):
        try:
            with open(path, encoding="utf-8", newline="\n") as f:
                for line in f.read().split("\n"):
                    if line.strip() and not line.startswith("#"):
                        word, _, rest = line.partition(" ")
                        self.step(word, rest)
        except Gone:
            pass


def read_request(sock):
    """First line, header and body; None when the client sends nothing more."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None
        data += more
        if data[0] == 0x16:  # a greeting of TLS, where none is spoken: what real servers answer then
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [[name.strip(), value.strip()] for name, _, value in (x.partition(":") for x in lines[1:])]
    size = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
    while len(body) < size:
        more = sock.recv(65536)
        if not more:
            break
        body += more
    method, target = (lines[0].split(" ") + ["", ""])[:2]
    return {"method": method, "target": target, "headers": headers, "body": body.decode("utf-8", "replace")}


def relay(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class RawServer:
    def __init__(self, folder, routes=None, tls=None, port=0, log_path=None):
        self.folder, self.routes, self.log_path = folder, routes, log_path
        self.used = {}
        self.log = []
        self.lock = threading.Lock()
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]

    def script_for(self, request):
        if self.routes is None:
            name = request["target"].split("?")[0].rstrip("/").split("/")[-1].split(":")[0]
            return None if request["method"] == "CONNECT" else name
        head = f"{request['method']} {request['target']}\n" + "".join(f"{n}: {v}\n" for n, v in request["headers"])
        for text, names in self.routes:
            if text in head or text in request["body"]:
                with self.lock:
                    at = self.used.get(text, 0)
                    self.used[text] = at + 1
                return names[min(at, len(names) - 1)]
        return None

    def note(self, request):
        with self.lock:
            request["n"] = len(self.log) + 1
            self.log.append(request)
            if self.log_path:
                with open(self.log_path, "a", encoding="utf-8") as f:
                    f.write(json.dumps(request) + "\n")

    def tunnel(self, sock, target):
        port = int(target.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as other:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(other, sock), daemon=True)
            back.start()
            relay(sock, other)
            back.join()

    def answer(self, sock):
        request = read_request(sock)
        if request is None:
            return
        request["script"] = name = self.script_for(request)
        if name is None and request["method"] == "CONNECT":
            self.note(dict(request, closed_ms=None))
            self.tunnel(sock, request["target"])
            return
        since = time.monotonic()
        path = os.path.join(self.folder, f"{name}.http")
        player = Player(sock, self.folder)
        if os.path.exists(path):
            player.play(path)
        else:
            player.send(b"HTTP/1.1 500 no such script\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        request["closed_ms"] = round((time.monotonic() - since) * 1000) if player.client_left else None
        self.note(request)

    def serve(self, sock):
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.answer(sock)
        except (OSError, Gone):
            pass
        finally:
            sock.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def stop(self):
        self.listener.close()


def read_routes(path):
    routes = []
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            text, tab, names = line.partition("\t")
            if tab:
                routes.append((text, names.split()))
    return routes


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--log")
    parser.add_argument("--routes")
    parser.add_argument("--tied", action="store_true")
    parser.add_argument("folder")
    o = parser.parse_args()
    routes = read_routes(o.routes) if o.routes else None
    server = RawServer(o.folder, routes, o.tls, o.port, o.log).start()
    print(f"PORT {server.port}", flush=True)
    if o.tied:
        sys.stdin.read()
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main()
