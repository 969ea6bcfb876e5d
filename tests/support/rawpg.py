"""A session with a PostgreSQL server by the bytes of its protocol: cheap enough to open dozens of them, and one of them may be a
standby that says of itself what the test wants it to say."""
import socket
import struct
import time


class Session:
    """Logs in without a password. A statement may be left running: send() does not wait, query() does."""

    def __init__(self, server, name="test", user="postgres", database="postgres", replication=False):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(60)
        self.s.connect("%s/.s.PGSQL.%s" % (server.host, server.port))
        fields = dict(user=user, database=database, application_name=name, **(dict(replication="true") if replication else {}))
        body = struct.pack("!i", 196608) + b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in fields.items()) + b"\0"
        self.s.sendall(struct.pack("!i", len(body) + 4) + body)
        self.data, self.pid = b"", 0
        self.until(b"Z")

    def message(self):
        while len(self.data) < 5 or len(self.data) < 1 + struct.unpack("!i", self.data[1:5])[0]:
            got = self.s.recv(1 << 16)
            if not got:
                raise EOFError("the server has closed the connection")
            self.data += got
        size = 1 + struct.unpack("!i", self.data[1:5])[0]
        kind, body, self.data = self.data[:1], self.data[5:size], self.data[size:]
        if kind == b"K":
            self.pid = struct.unpack("!i", body[:4])[0]
        return kind, body

    def until(self, kind):
        """The values of the first column up to the message of that kind, or the text of the error before it."""
        rows, error = [], None
        while True:
            got, body = self.message()
            if got == b"E":
                error = body.replace(b"\0", b" ").decode(errors="replace")
                if kind != b"Z":
                    raise RuntimeError(error)
            if got == b"D":
                size = struct.unpack("!i", body[2:6])[0]
                rows.append(body[6:6 + size].decode() if size >= 0 else None)
            if got == kind:
                if error:
                    raise RuntimeError(error)
                return rows

    def send(self, sql):
        body = sql.encode() + b"\0"
        self.s.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)

    def query(self, sql):
        self.send(sql)
        return self.until(b"Z")

    def close(self):
        self.s.close()


class Standby(Session):
    """Streams from where the server stands, throws the WAL away, and tells how far it is as report() says."""

    def __init__(self, server, name):
        super().__init__(server, name, replication=True)
        self.send("IDENTIFY_SYSTEM")
        self.until(b"Z")
        self.at = server.sql("SELECT pg_current_wal_flush_lsn()")
        self.send("START_REPLICATION PHYSICAL %s" % self.at)
        self.until(b"W")

    def drain(self):
        """Takes what has come, for the server sends no more once the socket is full. Always true."""
        self.s.setblocking(False)
        try:
            while self.s.recv(1 << 16):
                pass
        except BlockingIOError:
            pass
        self.s.settimeout(60)
        return True

    def report(self, lsn):
        high, low = (int(part, 16) for part in lsn.split("/"))
        at = (high << 32) + low
        body = b"r" + struct.pack("!QQQqB", at, at, at, int((time.time() - 946684800) * 1e6), 0)
        self.s.sendall(b"d" + struct.pack("!i", len(body) + 4) + body)
