"""What tests of a server's host over ssh share: the second host of second_host.sh as a server of tunetest, the program's flags for
it, a relay between the two, and the same program run on that host itself, to compare with.

    host = sshtest.SecondHost("layout=debian", conf=["work_mem = 256kB"])
    run = t.Run(host, host.home(), script, *host.ssh_flags("dba"), "--accept", "safe", env=host.env())
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile

import tunetest as t
from relay import Relay

SCRIPT = os.path.join(t.SOURCE, "tests/support/second_host.sh")
HOST_SH = os.path.join(t.SOURCE, "assets/remote/host.sh")
USERS = ("dba", "plain", "asks", "pgonly", "postgres", "noisy", "csh", "busybox", "closed")


def word_of(user):
    return "words of " + user


class SecondHost(t.Server):
    """Another machine with sshd and PostgreSQL (see second_host.sh for the options). Skips the test where none can be had."""

    def __init__(self, *options, conf=t.SMALL, rows=0):
        self.work = tempfile.mkdtemp(prefix="pgd-second.")
        os.chmod(self.work, 0o755)
        self.homes = 0
        self.relays = []
        lines = os.path.join(self.work, "conf")
        with open(lines, "w") as f:
            f.write("\n".join(conf) + "\n")
        env = dict(os.environ, SECOND_HOST_OWNER=str(os.getpid()))
        made = subprocess.run([SCRIPT, "start", os.path.join(self.work, "host"), "conf=" + lines, *options],
                              capture_output=True, text=True, env=env)
        if made.returncode != 0:
            shutil.rmtree(self.work, ignore_errors=True)
            if made.returncode == 77:
                raise t.Skip(made.stderr.strip())
            t.fail("no second host: " + made.stderr)
        self._describe(made.stdout)
        self.host, self.user = self.address, "postgres"
        if rows:
            self.sql("CREATE TABLE sorted AS SELECT i AS id, (i * 7919::bigint) %% 1000003 AS k, repeat('x', 1000) AS pad "
                     "FROM generate_series(1, %d) i" % rows)
            self.sql("CREATE INDEX ON sorted (id)")
            self.sql("VACUUM ANALYZE sorted")
        if self.layout != "none":
            self.sql(t.TAKES)

    def _describe(self, text):
        for line in text.splitlines():
            name, value = line.split("=", 1)
            setattr(self, {"port": "ssh_port", "pgport": "port", "data": "data_there", "home": "user_home"}.get(name, name), value)
        # What lies there, as a path here: for looking, and for the files of programs that run there.
        self.disk = os.path.join(self.dir, "disk")
        self.data = self.here_path(self.data_there) if self.data_there else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()

    def destroy(self):
        for relay in self.relays:
            relay.close()
        subprocess.run([SCRIPT, "stop", self.dir], capture_output=True)
        shutil.rmtree(self.work, ignore_errors=True)

    def here_path(self, path):
        """Of a file on that host's disk."""
        for place in ("var/lib/postgresql", "var/log", "var/tmp", "tmp", "srv", "home", "root", "etc"):
            if path.startswith("/%s/" % place):
                return os.path.join(self.disk, place.replace("/", "_"), path[len(place) + 2:])
        raise ValueError(path + " is not on the second host's own disk")

    # -- what runs there

    def exec(self, *command, user=None, check=True, text=None, timeout=60):
        """As root, or as that user; what it printed."""
        how = ["as", self.dir, user] if user else ["exec", self.dir]
        out = subprocess.run([SCRIPT, *how, *command], capture_output=True, text=True, timeout=timeout * t.SCALE, input=text)
        t.check(not check or out.returncode == 0, "%s: %d %s" % (" ".join(command), out.returncode, out.stderr))
        return out.stdout

    def sql(self, text, database="postgres"):
        """By its own address: no relay and no link of the program is in the way."""
        out = subprocess.run([os.path.join(t.pg_bin(15), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.address,
                              "-p", self.port, "-U", "postgres", "-d", database, "-c", text],
                             capture_output=True, text=True, timeout=60 * t.SCALE)
        t.check(out.returncode == 0, "psql: " + out.stderr)
        return out.stdout.strip()

    def pids(self):
        out = subprocess.run([SCRIPT, "pids", self.dir], capture_output=True, text=True)
        return [int(pid) for pid in out.stdout.split()]

    def processes(self, *words):
        """Those whose command line has one of the words (all of them without words): (number on this machine, command line)."""
        found = []
        for pid in self.pids():
            line = t.read("/proc/%d/cmdline" % pid, "").replace("\0", " ").strip()
            if line and (not words or any(w in line for w in words)):
                found.append((pid, line))
        return found

    def guests(self):
        """What an ssh session has started there: everything below sshd that is not sshd."""
        parents = {}
        for pid in self.pids():
            stat = t.read("/proc/%d/stat" % pid, "")
            if stat:
                parents[pid] = (int(stat.rsplit(") ", 1)[1].split()[1]), stat[stat.index("(") + 1:stat.rindex(")")])

        def below_sshd(pid):
            while pid in parents:
                pid, name = parents[pid]
                if parents.get(pid, (0, ""))[1] == "sshd":
                    return True
            return False

        return [(pid, t.read("/proc/%d/cmdline" % pid, "").replace("\0", " ").strip()) for pid, (_, name) in parents.items()
                if name != "sshd" and below_sshd(pid)]

    def postmaster(self):
        """Its number there."""
        return int(t.read(os.path.join(self.data, "postmaster.pid")).split("\n")[0])

    def freeze(self, everything=False):
        """sshd and all it has started stand still, or the whole machine does."""
        frozen = self.pids() if everything else [pid for pid, _ in self.processes("sshd")] + [pid for pid, _ in self.guests()]
        self.frozen = frozen
        for pid in frozen:
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                pass

    def thaw(self):
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def power_off(self):
        subprocess.run([SCRIPT, "off", self.dir], check=True)

    def power_on(self):
        out = subprocess.run([SCRIPT, "on", self.dir], capture_output=True, text=True)
        t.check(out.returncode == 0, out.stderr)

    def reboot(self):
        """As after a power cut."""
        self.power_off()
        self.power_on()

    def hide_processes(self, how):
        """Of others, from those who are not root ("hidepid"); all of /proc ("gone"); nothing ("")."""
        if how == "gone":
            self.exec("mount", "-t", "tmpfs", "-o", "size=4k", "none", "/proc")
        else:
            while "none /proc tmpfs" in self.exec("sh", "-c", "cat /proc/mounts 2>/dev/null || echo none /proc tmpfs"):
                self.exec("umount", "/proc")
            self.exec("mount", "-o", "remount,hidepid=%d" % (2 if how else 0), "proc", "/proc")

    def full_tmp(self, full=True):
        """/tmp takes no more bytes."""
        if full:
            self.exec("mount", "-t", "tmpfs", "-o", "size=4k,mode=1777", "full", "/tmp")
            self.exec("sh", "-c", "head -c 4096 /dev/zero >/tmp/fill; true")
        else:
            self.exec("umount", "/tmp")

    def fill_data(self, full=True):
        """The disk of the data directory takes no more bytes. For a host with data=SIZE."""
        file = os.path.join(self.data_there, "fill")
        if full:
            self.exec("sh", "-c", "cat /dev/zero >%s 2>/dev/null; true" % file)
        else:
            self.exec("rm", file)

    # -- how the program gets there

    def env(self, **more):
        """HOME, and nothing of an agent of whoever runs the tests."""
        return dict({"HOME": self.user_home, "SSH_AUTH_SOCK": ""}, **more)

    def relay(self, port=None):
        """A link of the test's own to sshd, or to another port there. See relay.py."""
        relay = Relay(self.address, port or self.ssh_port)
        self.relays.append(relay)
        if not port:
            self.know("[127.0.0.1]:%d" % relay.port)
        return relay

    def know(self, name, key=None):
        """known_hosts holds a key for that name: this host's, or the given one."""
        key = key or " ".join(t.read(os.path.join(self.disk, "etc/ssh/ssh_host_ed25519_key.pub")).split()[:2])
        with open(os.path.join(self.user_home, ".ssh/known_hosts"), "a") as f:
            f.write("%s %s\n" % (name, key))

    def ssh_flags(self, user="dba", relay=None, key="id_ed25519"):
        flags = ["--ssh-host", "127.0.0.1" if relay else self.address, "--ssh-port", str(relay.port if relay else self.ssh_port)]
        if user:
            flags += ["--ssh-user", user]
        if key:
            flags += ["--ssh-key", os.path.join(self.user_home, ".ssh", key)]
        return flags

    def config(self, text):
        """The user's own .ssh/config."""
        with open(os.path.join(self.user_home, ".ssh/config"), "w") as f:
            f.write(text)

    # -- the same, seen by whoever is there

    def there(self, program=None):
        """For t.Run in place of this host: the program runs on the second host itself, as its root, beside the server."""
        return There(self, program or t.PROGRAM)

    def facts_by_local_discovery(self, user=None, sudo=False):
        """What host.sh says when it is run there: a dict."""
        start = self.sql("SELECT floor(extract(epoch FROM pg_postmaster_start_time()))")
        session = subprocess.Popen([os.path.join(t.pg_bin(15), "psql"), "-XqAt", "-h", self.address, "-p", self.port, "-U", "postgres",
                                    "postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write("SELECT pg_backend_pid();\n")
            session.stdin.flush()
            backend = session.stdout.readline().strip()
            with open(HOST_SH) as f:
                said = self.exec("sh", "-s", "--", self.data_there, self.port, start, backend, *(["sudo"] if sudo else []),
                                 user=user, text=f.read())
        finally:
            session.stdin.close()
            session.wait()
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


class There:
    """A server of t.Run whose runs are on the second host."""

    def __init__(self, host, program):
        self.second = host
        self.host, self.port, self.work = "/run/postgresql", host.port, host.work
        self.name = "there%d" % host.homes
        shutil.copy(program, os.path.join(host.disk, "var_tmp", self.name))
        self.program = os.path.join(host.work, self.name + ".sh")
        with open(self.program, "w") as f:
            f.write('#!/bin/sh\nexport PG_DIAGNOSE_HOME="/var/tmp/$(basename "$PG_DIAGNOSE_HOME")"\nexec "%s" exec "%s" "/var/tmp/%s" "$@"\n' %
                    (SCRIPT, host.dir, self.name))
        os.chmod(self.program, 0o755)

    def home(self):
        self.second.homes += 1
        path = os.path.join(self.second.disk, "var_tmp/home%d" % self.second.homes)
        os.makedirs(path, mode=0o700)
        return path

    def script(self, text):
        """Both sides call it the same."""
        path = os.path.join(self.second.disk, "var_tmp/script%d.sql" % len(text))
        with open(path, "w") as f:
            f.write(text)
        return "/var/tmp/script%d.sql" % len(text)

    def run(self, script, *flags, **how):
        run = t.Run(self, self.home(), self.script(script), *flags, program=self.program, **how)
        run.stop = self.stop
        return run

    def stop(self):
        """SIGTERM for the program itself: what has brought it there passes no signal on."""
        for pid, line in self.second.processes("/var/tmp/" + self.name + " tune"):
            os.kill(pid, signal.SIGTERM)


def workspace_of(run):
    """What a run has written down of its server and the host."""
    path = os.path.join(run.home, "workspaces", run.summary["workspace"], "workspace.json")
    return json.loads(t.read(path))
