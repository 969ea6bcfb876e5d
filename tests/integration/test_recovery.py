#!/usr/bin/env python3
"""What a resume finds changed: the DBA's script, session.json, the list of sessions, files half written; and a server that is
lost while the program looks around."""
import json
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import killed  # noqa: E402
import tunetest as t  # noqa: E402

FLAGS = ["--duration", "1", "--rounds", "1", "--accept", "safe", "--budget", "3"]
WORDS = "pg_settings"  # of a statement in the middle of discovery
ground = waiting = None


def run(script, steps="", program=None, **env):
    env = dict(env, PGD_TEST_KILL_AT=steps)
    return t.Run(ground.server, ground.home, script, *FLAGS, program=program or t.TEST_PROGRAM, env=env)


def dies(r):
    t.wait_for("the kill", 90, lambda: r.process.poll() is not None)
    t.check(killed.was_killed(r), "it ended with %d: %s" % (r.process.returncode, t.read(r.err.name)[-2000:]))
    return r


def stops(r):
    t.wait_for("the stop", 60, lambda: r.process.poll() is not None or killed.state_of(r.process.pid) in "Tt")
    t.check(r.process.returncode is None, "it ended with %s: %s" % (r.process.returncode, t.read(r.err.name)[-2000:]))
    return r


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def new_home():
    ground.home = ground.server.home()


def script_edited():
    """A killed session is resumed with the script that it began with, and says that the file is another one now."""
    new_home()
    script = os.path.join(ground.server.work, "mine.sql")
    write(script, t.SLEEPS)
    dies(run(script, "bench-end"))
    path = ground.open_session()
    copy = os.path.join(path, "scripts", "1-mine.sql")
    t.check(t.read(copy) == t.SLEEPS, "the copy is not the script")
    write(script, "SELECT 1/0;\n")
    again = dies(run(script, "bench-end:3"))  # the warm-up and a measured run
    t.check(ground.open_session() == path, "another session")
    t.check("mine.sql has changed since the session began" in t.read(again.err.name), "nobody says that it changed")
    runs = again.events("bench")
    t.check(runs and all(e["valid"] for e in runs), "the edited script was run: %s" % t.read(again.err.name))
    t.check(t.read(copy) == t.SLEEPS, "the copy has changed")
    os.remove(script)
    dies(run(script, "bench-end"))  # not even the file is needed


def leftovers(path):
    """Half-written files of a killed program, and others that are none."""
    top = os.path.join(ground.home, "workspaces", os.listdir(os.path.join(ground.home, "workspaces"))[0])
    ours = [os.path.join(top, ".index.json.4711.tmp"), os.path.join(path, ".session.json.4711.tmp"),
            os.path.join(path, "bench", ".run001.csv.12.tmp")]
    others = [os.path.join(path, ".notes.tmp"), os.path.join(path, "a.1.tmp"), os.path.join(top, ".x.12.tmp.txt")]
    for name in ours + others:
        write(name, "x")
    return ours, others


def killed_in_switch(script):
    """A home as a kill in a switch leaves it, with the server as that switch left it. Made once."""
    saved = os.path.join(ground.server.work, "in-switch")
    if not os.path.exists(saved):
        new_home()
        dies(run(script, "verify", PGD_TEST_FORCE_CHANGE="random_page_cost=2.5"))
        t.shutil.copytree(ground.home, saved)
        return
    new_home()
    t.shutil.copytree(saved, ground.home, dirs_exist_ok=True)
    ground.server.sql("ALTER SYSTEM SET random_page_cost = '2.5'")
    ground.server.sql("SELECT pg_reload_conf()")


def unreadable(damage, listed):
    """session.json is damaged after a kill in a switch: its settings are undone by the journal alone, the file stays as it
    is, and the next session begins on a clean server."""
    script = ground.server.script(t.SLEEPS)
    killed_in_switch(script)
    path = ground.open_session()
    t.check(ground.server.entries().get("random_page_cost") == "2.5", "nothing was applied: %s" % ground.server.entries())
    damage(os.path.join(path, "session.json"))
    before = t.read(os.path.join(path, "session.json"), "")
    index = os.path.join(os.path.dirname(os.path.dirname(path)), "index.json")
    if not listed:
        os.remove(index)
    ours, others = leftovers(path)
    again = stops(run(script, "settled=stop,bench-start"))
    ground.undone("with an unreadable session.json")
    t.check(t.read(os.path.join(path, "session.json"), "") == before, "the damaged file was touched")
    t.check(t.Ledger(ground.journal(path)).open is None, "the switch is left open")
    t.check("cannot be resumed" in t.read(again.err.name), "nobody says why: " + t.read(again.err.name))
    t.check(not [p for p in ours if os.path.exists(p)], "half-written files are left")
    t.check(all(os.path.exists(p) for p in others), "somebody else's file is gone")
    again.process.send_signal(signal.SIGCONT)
    dies(again)
    rows = {r["name"]: r["state"] for r in json.loads(t.read(index))["sessions"]}
    t.check(rows[os.path.basename(path)] == "FAILED", "the list says %s" % rows)
    last = dies(run(script, "bench-start"))
    t.check("cannot be resumed" not in t.read(last.err.name), "it is looked at again")


def unreadable_listed():
    unreadable(lambda path: write(path, '{"format": 1, "name": "x"'), True)


def unreadable_not_listed():
    unreadable(lambda path: write(path, "\0\0\0\0"), False)


class Relay:
    """A way to the server that breaks when a statement with the given words passes: for good, or once."""

    def __init__(self, server, words, for_good):
        self.server, self.words, self.for_good, self.broken = server, words.encode(), for_good, False
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = str(self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", int(self.server.port)))
            self.pairs.append((client, server))
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source, target, looks):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if looks and not self.broken and self.words in data:
                    self.cut()
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        self.broken = True
        if self.for_good:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for pair in self.pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def lost_in_discovery(for_good):
    relay = Relay(ground.server, WORDS, for_good)
    new_home()
    args = [t.TEST_PROGRAM, "tune", "-H", "127.0.0.1", "-p", relay.port, "-U", "postgres", "-d", "postgres", "--json",
            "--script", ground.server.script(t.SLEEPS), "--clients", "2"] + FLAGS
    env = dict(os.environ, PG_DIAGNOSE_HOME=ground.home, PGD_TEST_KILL_AT="settled")
    return relay, t.subprocess.Popen(args, stdin=t.subprocess.DEVNULL, stdout=t.subprocess.PIPE, stderr=t.subprocess.PIPE,
                                     text=True, env=env)


def lost_once():
    """The connection breaks in the middle of discovery and comes back: it begins anew."""
    relay, p = lost_in_discovery(False)
    out, err = p.communicate(timeout=30 * t.SCALE)
    t.check(relay.broken, "the connection was not broken")
    t.check(p.returncode == -signal.SIGKILL, "exit %s, not at the session's first step: %s" % (p.returncode, err))
    t.check('"event":"discovery"' in out, "discovery did not end: " + out)


def lost_for_good():
    """It breaks and does not come back: cannot connect, exit 3. It is waited for meanwhile, so it was begun first of all."""
    relay, p = waiting or lost_in_discovery(True)
    out, err = p.communicate(timeout=60 * t.SCALE)
    t.check(relay.broken, "the connection was not broken")
    t.check(p.returncode == 3, "exit %d: %s" % (p.returncode, err))
    t.check(json.loads(out.splitlines()[-1])["event"] == "summary", "the last line is no summary: " + out)


def main():
    global ground, waiting
    ground = killed.Ground(15)
    try:
        if len(sys.argv) == 1:
            waiting = lost_in_discovery(True)
        t.main({f.__name__: f for f in (script_edited, unreadable_listed, unreadable_not_listed, lost_once, lost_for_good)})
    finally:
        ground.destroy()


if __name__ == "__main__":
    main()
