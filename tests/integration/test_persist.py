#!/usr/bin/env python3
"""/persist: an archived session's settings of the operating system go to a file that sets them when the host starts, and out of it
again. On the screen, in tmux, with the real kernel and an /etc of its own; the session is one of accept none that is made an
archived one afterwards, with its journal."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tunetest as t  # noqa: E402

FILE = "/etc/sysctl.d/90-pg_diagnose.conf"
SWAPPINESS = "/proc/sys/vm/swappiness"


class Screen:
    def __init__(self, server, home, *files):
        """Files: pairs of a path below the empty /etc/sysctl.d and its text, in the way of printf."""
        self.socket = os.path.join(server.work, "tmux")
        program = "exec env PG_DIAGNOSE_HOME=%s %s -H %s -p %s -U postgres -d postgres" % (
            home, t.PROGRAM, server.host, server.port)
        made = "".join("printf '%s' >/etc/sysctl.d/%s && " % (text, path) for path, text in files)
        apart = "mount -t tmpfs -o mode=755 none /etc/sysctl.d && " + made + "exec \"$@\""
        made = subprocess.run(["unshare", "-m", "sh", "-c", apart, "sh", "tmux", "-S", self.socket, "-f", "/dev/null", "new-session",
                               "-d", "-x", "180", "-y", "50", program], capture_output=True, text=True)
        if made.returncode != 0:
            raise t.Skip("no mount namespace, or no tmux: " + made.stderr)
        self.expect("Press t to start")
        self.pid = self.tmux("display-message", "-p", "#{pane_pid}").strip()

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket] + list(args), capture_output=True, text=True).stdout

    def text(self):
        """What the pane of the advisor says, its rows joined."""
        rows = [row.split("\u2502") for row in self.tmux("capture-pane", "-p").splitlines()]
        return " ".join(" ".join(cells[-2].split()) for cells in rows if len(cells) > 2)

    def expect(self, text):
        t.wait_for("%r in: %s" % (text, self.text()), 20, lambda: text in self.text())

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        t.wait_for("the prompt", 20, lambda: "> " + line in self.tmux("capture-pane", "-p"))
        self.tmux("send-keys", "Enter")

    def file(self):
        """Our file as the program sees it; None = there is none."""
        return t.read("/proc/%s/root%s" % (self.pid, FILE), "") or None

    def close(self):
        self.tmux("kill-server")


def record(path, no, **fields):
    with open(path, "a") as f:
        f.write(json.dumps(dict(fields, no=no)) + "\n")


def archived(server, home, before, now):
    """An archived session that has changed vm.swappiness, on the disk."""
    run = t.Run(server, home, server.script("SELECT 1;\n"), "--duration", "1").end()
    state = '"%s"' % run.summary["state"]
    folder = run.session_dir()
    for path in (os.path.join(folder, "session.json"), os.path.join(folder, "../../index.json")):
        text = t.read(path)
        t.check(state in text, text[:300])
        with open(path, "w") as f:
            f.write(text.replace(state, '"ARCHIVED"'))
    journal = os.path.join(folder, "journal.jsonl")
    item = {"name": "os:vm.swappiness", "before": {"present": True, "value": before}, "to": {"present": True, "value": now}}
    record(journal, 1, event="intent", arm="round 1", restart=False, by_hand=None, items=[item],
           undo=["-- on the server's host, as root: sysctl -w vm.swappiness=" + before], at=None)
    record(journal, 2, event="applied", intent=1, restarted=False)
    return journal


def there_and_back():
    if os.geteuid() != 0 or not os.access(SWAPPINESS, os.W_OK):
        raise t.Skip("vm.swappiness cannot be written here")
    before = t.read(SWAPPINESS).strip()
    now = "27" if before != "27" else "28"
    server = t.Server(t.pg_bin(15), rows=10)
    screen = None
    try:
        home = server.home()
        journal = archived(server, home, before, now)
        with open(SWAPPINESS, "w") as f:
            f.write(now)
        screen = Screen(server, home)
        screen.type("/persist")
        screen.expect("# %s: vm.swappiness = %s" % (FILE, now))
        t.check(screen.file() is None, "it was written: %s" % screen.file())
        screen.type("/persist go")
        screen.expect("1 setting of the operating system will be set when the server's host starts")
        t.check(screen.file() == "# pg_diagnose wrote this file and takes it away again\nvm.swappiness = %s\n" % now,
                "the file: %s" % screen.file())
        screen.type("/persist undo")
        screen.expect("nothing of ours is set any more when the server's host starts")
        t.check(screen.file() is None, "it is still there: %s" % screen.file())
        t.check(t.read(SWAPPINESS).strip() == now, "the value in force was changed, too")
        intents = [r for r in t.parse_journal(journal) if r["event"] == "intent"]
        t.check([i["items"][0]["name"] for i in intents[1:]] == ["boot:vm.swappiness"] * 2, "%s" % intents)
        t.check(not os.path.exists(FILE), "the real /etc was written to")
    finally:
        with open(SWAPPINESS, "w") as f:
            f.write(before)
        if screen:
            screen.close()
        server.destroy()


def of_another_session():
    """A line that an earlier session of ours has written is seen, and taken out."""
    if os.geteuid() != 0 or not os.access(SWAPPINESS, os.W_OK):
        raise t.Skip("vm.swappiness cannot be written here")
    before = t.read(SWAPPINESS).strip()
    server = t.Server(t.pg_bin(15), rows=10)
    screen = None
    try:
        home = server.home()
        archived(server, home, before, before)
        screen = Screen(server, home, ("90-pg_diagnose.conf",
                                       "# pg_diagnose wrote this file and takes it away again\\nvm.dirty_bytes = 301989888\\n"))
        screen.type("/persist")
        screen.expect("lines of ours stand there, and /persist undo takes them out")
        screen.type("/persist undo")
        screen.expect("nothing of ours is set any more when the server's host starts")
        t.check(screen.file() is None, "it is still there: %s" % screen.file())
    finally:
        if screen:
            screen.close()
        server.destroy()


if __name__ == "__main__":
    t.main({"there_and_back": there_and_back, "of_another_session": of_another_session})
