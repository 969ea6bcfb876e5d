"""A private server on which configurations of a workload are measured in turn, without any of the program's own machinery."""
import json
import math
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

BIN = os.environ.get("PGBIN", "/usr/lib/postgresql/15/bin")
DATABASE, TEMPLATE = "work", "pristine"
STEMS = ("fsync", "full_page_writes", "synchronous_commit", "wal_level", "wal_sync_method", "autovacuum", "commit_delay",
         "commit_siblings", "synchronous_standby_names", "zero_damaged_pages", "data_sync_retry", "wal_skip_threshold",
         "track_counts", "ignore_checksum_failure")


class Broken(Exception):
    """A configuration with which the server does not start, or a workload that fails."""


class Workload:
    def __init__(self, folder):
        with open(os.path.join(folder, "workload.json"), encoding="utf-8") as f:
            data = json.load(f)
        self.folder, self.name, self.kind, self.wrong = folder, data["name"], data["set"], data["wrong"]
        self.clients, self.writes, self.seconds = data["clients"], data["writes"], data.get("seconds")
        self.scripts = [(os.path.join(folder, s["file"]), s["weight"]) for s in data["scripts"]]
        with open(os.path.join(folder, "start.conf"), encoding="utf-8") as f:
            self.start = dict(re.findall(r"^(\w+) *= *(.+?) *$", f.read(), re.M))

    def work(self):
        """The files that make the work: data and scripts."""
        return [os.path.join(self.folder, "schema.sql")] + [path for path, _ in self.scripts]

    def scripts_weighed(self):
        return [(os.path.basename(path), weight) for path, weight in self.scripts] + [self.clients]


class Arena:
    """A stock cluster with one workload's data. The configuration in force is start.conf's or an arm's, in a file that
    postgresql.conf includes; ALTER SYSTEM's file is emptied by each switch."""

    def __init__(self, workload, cpus=None):
        self.w = workload
        self.base = tempfile.mkdtemp(prefix="pgd-arena.", dir=os.environ.get("PGD_ARENA_DIR", "/var/tmp"))
        os.chmod(self.base, 0o755)
        self.data = os.path.join(self.base, "data")
        self.owner = []
        if os.geteuid() == 0:  # initdb refuses root
            self.owner = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
            shutil.chown(self.base, "postgres")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PG") or k.startswith("PGD_")}
        self.env.update(PGHOST=self.base, PGPORT="5432", PGUSER="postgres", PGDATABASE=DATABASE)
        self.arm = None
        self.idle_checkpoint = 0.0
        self.log = os.path.join(self.base, "log")
        self.run([BIN + "/initdb", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", self.data], owner=True)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as f:
            f.write("listen_addresses = ''\nunix_socket_directories = '%s'\nport = 5432\ninclude = 'arm.conf'\n" % self.base)
        self.write_arm({})
        self.ctl("start")

    def run(self, argv, owner=False, timeout=600, **more):
        out = subprocess.run((self.owner if owner else []) + argv, capture_output=True, text=True, timeout=timeout, cwd="/",
                             env=self.env, **more)
        if out.returncode != 0:
            raise Broken("%s: %s" % (os.path.basename(argv[0]), (out.stderr or out.stdout).strip()[-2000:]))
        return out.stdout

    def ctl(self, what):
        """pg_ctl; its server keeps no pipe of ours open."""
        with open(os.path.join(self.base, "ctl.log"), "w") as out:
            done = subprocess.run(self.owner + [BIN + "/pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "120", "-m", "fast", what],
                                  stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", env=self.env)
        if done.returncode != 0:
            with open(self.log, errors="replace") as f:
                raise Broken("%s: %s" % (what, f.read()[-600:]))

    def sql(self, text, database=DATABASE, timeout=600):
        return self.run([BIN + "/psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text], timeout=timeout).strip()

    def load(self):
        """The data, kept as a template as well. Returns seconds."""
        began = time.monotonic()
        self.sql("CREATE DATABASE " + TEMPLATE, "postgres")
        self.run([BIN + "/psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", TEMPLATE, "-f", os.path.join(self.w.folder, "schema.sql")])
        self.loaded = time.monotonic() - began
        self.bytes = int(self.sql("SELECT pg_database_size('%s')" % TEMPLATE, "postgres"))
        return self.loaded

    def fresh(self):
        """The database as it was loaded: no bloat of what was measured before."""
        self.sql("DROP DATABASE IF EXISTS %s WITH (FORCE)" % DATABASE, "postgres")
        self.sql("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy" % (DATABASE, TEMPLATE), "postgres")

    def write_arm(self, settings):
        path = os.path.join(self.data, "arm.conf")
        with open(path, "w") as f:
            f.writelines("%s = '%s'\n" % (n, v.strip("'")) for n, v in settings.items())
        auto = os.path.join(self.data, "postgresql.auto.conf")
        with open(auto, "w") as f:
            f.write("# Do not edit this file manually!\n# It will be overwritten by the ALTER SYSTEM command.\n")
        if os.geteuid() == 0:
            shutil.chown(path, "postgres")

    def switch(self, settings):
        """Puts exactly these settings in force, the rest at their defaults, by a restart."""
        self.write_arm(settings)
        try:
            self.ctl("restart")
        except Broken:
            self.write_arm({})
            self.ctl("start")
            self.arm = None
            raise
        wrong = self.sql("SELECT string_agg(name || ': ' || error, '; ') FROM pg_file_settings WHERE error IS NOT NULL", "postgres")
        if wrong:
            raise Broken(wrong)
        self.arm = settings

    def entries(self):
        """What ALTER SYSTEM has left behind."""
        with open(os.path.join(self.data, "postgresql.auto.conf"), encoding="utf-8") as f:
            return {n: v.replace("''", "'") for n, v in re.findall(r"^(\w[\w.]*) *= *'(.*)'$", f.read(), re.M)}

    def durability(self):
        rows = self.sql("SELECT name || '=' || setting FROM pg_settings WHERE name IN ('%s') ORDER BY name" % "','".join(STEMS))
        return rows.splitlines()

    def checkpoint(self):
        began = time.monotonic()
        self.sql("CHECKPOINT", "postgres")
        return time.monotonic() - began

    def server_cpu(self):
        """Seconds of CPU that the server's ended processes have used: what others do on the machine hardly changes it."""
        try:
            for _ in range(100):
                if self.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'" % DATABASE, "postgres") == "0":
                    break
                time.sleep(0.05)
            time.sleep(0.3)  # until the postmaster has reaped them
            with open(os.path.join(self.data, "postmaster.pid")) as f:
                pid = f.readline().strip()
            with open("/proc/%s/stat" % pid) as f:
                v = f.read().rsplit(")", 1)[1].split()
            return (int(v[13]) + int(v[14])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return 0.0

    def pgbench(self, seconds, seed):
        argv = [BIN + "/pgbench", "-n", "-M", "simple", "-c", str(self.w.clients), "-j", str(min(2, self.w.clients)), "-T", str(seconds),
                "--random-seed=%d" % seed]
        for path, weight in self.w.scripts:
            argv += ["-f", "%s@%d" % (path, weight)]
        out = subprocess.run(argv, capture_output=True, text=True, timeout=seconds * 10 + 300, env=self.env, cwd="/")
        number = dict((k, float(v)) for k, v in re.findall(r"^(tps|latency average|number of failed transactions|number of "
                                                            r"transactions actually processed)(?: =|:) ([0-9.]+)", out.stdout, re.M))
        if out.returncode != 0 or "tps" not in number:
            raise Broken("pgbench: " + (out.stderr or out.stdout)[-600:])
        return number

    def visit(self, settings, seconds, warmup, seed):
        """One measured run of a configuration: restart, warm-up, CHECKPOINT, run, CHECKPOINT, whose time is charged to the run."""
        self.switch(settings)
        if self.w.writes:
            self.sql("VACUUM")
        if warmup:
            self.pgbench(warmup, seed + 1000003)
        self.checkpoint()
        idle = self.checkpoint()
        busy0, own0 = cpu_busy(), self.server_cpu()
        began = time.monotonic()
        got = self.pgbench(seconds, seed)
        took = time.monotonic() - began
        busy1 = cpu_busy()
        done = got["number of transactions actually processed"]
        closing = max(0.0, self.checkpoint() - idle)
        return {"tps": got["tps"] * seconds / (seconds + closing), "tps_pgbench": got["tps"], "checkpoint_s": round(closing, 3),
                "transactions": done, "ms": got["latency average"],
                "failed": got.get("number of failed transactions", 0), "took": round(took, 2),
                "server_ms": round((self.server_cpu() - own0) * 1000 / max(1, done), 4),
                "load": os.getloadavg()[0], "cpu_busy": round((busy1 - busy0) / took, 2)}

    def destroy(self):
        try:
            if os.path.exists(os.path.join(self.data, "postmaster.pid")):
                subprocess.run(self.owner + [BIN + "/pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop"], capture_output=True,
                               stdin=subprocess.DEVNULL, cwd="/")
        finally:
            shutil.rmtree(self.base, ignore_errors=True)


def cpu_busy():
    """Seconds that the machine's CPUs have worked, for everybody."""
    try:
        with open("/proc/stat") as f:
            v = [int(x) for x in f.readline().split()[1:]]
        return (sum(v[:8]) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


T975 = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120]


def ratio(numerators, denominators):
    """Geometric mean of the ratios of runs of the same round, with its 95 % interval by Student's t over the rounds."""
    logs = [math.log(a / b) for a, b in zip(numerators, denominators)]
    n = len(logs)
    mean = sum(logs) / n
    if n < 2:
        return math.exp(mean), math.nan, math.nan
    half = T975[min(n - 1, 16)] * math.sqrt(sum((x - mean) ** 2 for x in logs) / (n - 1) / n)
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def stop_on_signals():
    def end(number, _):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
