"""A Patroni cluster of two nodes with an etcd of its own, on loopback ports, all of it below one folder and stopped with it.

Debian's packages patroni and etcd-server are needed, and root or a user of one's own that may run PostgreSQL.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import tunetest as t

NODE = """
scope: pgdtest
name: {name}
log: {{level: INFO, dir: {dir}/log}}
restapi: {{listen: 127.0.0.1:{api}, connect_address: 127.0.0.1:{api}}}
etcd3: {{host: 127.0.0.1:{etcd}}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 3
    maximum_lag_on_failover: 1048576
    postgresql:
      use_pg_rewind: false
      parameters: {parameters}
  initdb: [{{encoding: UTF8}}, {{locale: C}}]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {dir}/data
  bin_dir: {bin}
  pgpass: {dir}/pgpass
  authentication:
    superuser: {{username: postgres, password: of-the-test}}
    replication: {{username: repl, password: of-the-test}}
  parameters: {{unix_socket_directories: {dir}}}
  pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust']
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unprivileged(args):
    if os.getuid() != 0:
        return args
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--pdeathsig", "TERM"] + args


class Node:
    def __init__(self, cluster, name, parameters):
        self.name, self.api, self.port = name, free_port(), str(free_port())
        self.dir = os.path.join(cluster.work, name)
        os.makedirs(os.path.join(self.dir, "log"))
        conf = os.path.join(self.dir, "patroni.yml")
        with open(conf, "w") as f:
            f.write(NODE.format(name=name, dir=self.dir, api=self.api, etcd=cluster.etcd_port, port=self.port, bin=cluster.bin,
                                parameters=json.dumps(parameters)))
        cluster.own(self.dir)
        self.process = cluster.spawn(["patroni", conf], os.path.join(self.dir, "patroni.out"))

    def ask(self, method, path, body=None):
        """Status and decoded answer of the REST API; 0 while nobody answers."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.api, path), data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text, status = answer.read().decode(), answer.status
        except urllib.error.HTTPError as e:
            text, status = e.read().decode(), e.code
        except OSError:
            return 0, None
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def sql(self, text, database="postgres"):
        out = subprocess.run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U",
                              "postgres", "-d", database, "-c", text], capture_output=True, text=True, timeout=120)
        t.check(out.returncode == 0, "psql: " + out.stderr)
        return out.stdout.strip()

    def try_sql(self, text):
        try:
            return self.sql(text)
        except (t.Failure, subprocess.TimeoutExpired):
            return None


class Cluster:
    def __init__(self, bin_dir, parameters):
        for program in ("patroni", "etcd", "setpriv"):
            if not shutil.which(program):
                raise t.Skip("%s is not installed here" % program)
        self.bin = bin_dir
        self.work = tempfile.mkdtemp(prefix="pgd-patroni.", dir="/var/tmp")
        os.chmod(self.work, 0o755)
        self.children = []
        self.etcd_port, peer = free_port(), free_port()
        etcd = os.path.join(self.work, "etcd")
        os.makedirs(etcd)
        self.own(etcd)
        url, peer_url = "http://127.0.0.1:%d" % self.etcd_port, "http://127.0.0.1:%d" % peer
        self.spawn(["etcd", "--name", "e", "--data-dir", os.path.join(etcd, "data"), "--listen-client-urls", url,
                    "--advertise-client-urls", url, "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
                    "--initial-cluster", "e=" + peer_url], os.path.join(etcd, "out"))
        self.nodes = [Node(self, name, parameters) for name in ("n1", "n2")]
        t.wait_for("a leader and a streaming replica", 120, self.whole, step=0.5)

    def own(self, path):
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "postgres:postgres", path], check=True)

    def spawn(self, args, out):
        with open(out, "w") as f:
            child = subprocess.Popen(unprivileged(args), stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True,
                                     cwd="/", env=dict(os.environ, HOME="/nonexistent", PATH=os.environ["PATH"] + ":" + self.bin))
        self.children.append(child)
        return child

    def members(self):
        for node in self.nodes:
            status, answer = node.ask("GET", "/cluster")
            if status == 200:
                return {m["name"]: m for m in answer["members"]}
        return {}

    def role(self, wanted):
        members = self.members()
        for node in self.nodes:
            if members.get(node.name, {}).get("role") in wanted:
                return node
        return None

    def leader(self):
        return self.role(("leader",))

    def replica(self):
        return self.role(("replica", "sync_standby"))

    def whole(self):
        members = self.members()
        leader = self.leader()
        up = [m for m in members.values() if m["state"] in ("running", "streaming")]
        return bool(leader) and len(up) == 2 and \
            leader.try_sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1"

    def entries(self):
        """Lines of postgresql.auto.conf on either node: nobody but ALTER SYSTEM writes there."""
        found = []
        for node in self.nodes:
            path = os.path.join(node.dir, "data", "postgresql.auto.conf")
            found += [line for line in t.read(path, "").splitlines() if line.strip() and not line.startswith("#")]
        return found

    def destroy(self):
        for child in reversed(self.children):  # the nodes first, each with its server; etcd last
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(60)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        for node in self.nodes if hasattr(self, "nodes") else []:
            subprocess.run(unprivileged([os.path.join(self.bin, "pg_ctl"), "-D", os.path.join(node.dir, "data"), "-m",
                                         "immediate", "-w", "stop"]), capture_output=True)
        time.sleep(0.2)
        shutil.rmtree(self.work, ignore_errors=True)
