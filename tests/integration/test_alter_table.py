#!/usr/bin/env python3
"""Values that ALTER SYSTEM lets through and a server does not survive, or that lock people out of it.

guard    all of them, proposed to the real program: each is refused with its reason and none reaches the server.
slips    past guard and preflight (test build): the server is up at the end with its old entries.
cgroup   the memory bill of a server with a limit of its own.
canary   past the guard alone: what a scratch cluster can find out is found out there, and the server is not touched.
ssh      (by name; tests/soak) what does not start or lets nobody in, past guard and preflight, on a second host: it is undone
         there by ssh in less than 30 s.

Without a name a few values of the last two are tried; `all` tries every one and prints the table (tests/soak)."""
import os
import re
import sys
import threading
import time
from datetime import datetime, timezone

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import sshtest
import tunetest as t

# What becomes of the server, and whether the canary has to know before anything is touched when the guard is off; None where
# that depends on the machine. With POLICY it runs on and work goes on: nothing but the guard stops those, and what is seen
# here is that they are taken back.
STOPS, LOCKS, LOST, LIVES, POLICY = "does not start", "lets nobody in", "is somewhere else", "starts", "works"
TABLE = [
    ("shared_buffers", "4TB", STOPS, True),
    ("min_dynamic_shared_memory", "1TB", STOPS, True),
    ("max_locks_per_transaction", "2147483647", STOPS, True),
    ("huge_pages", "on", STOPS, True),
    ("shared_preload_libraries", "no_such_library", STOPS, True),
    ("session_preload_libraries", "no_such", LOCKS, True),
    ("local_preload_libraries", "no_such", LOCKS, True),
    ("max_connections", "3", STOPS, True),
    ("superuser_reserved_connections", "150", STOPS, True),
    ("wal_level", "minimal", STOPS, True),
    ("max_prepared_transactions", "262143", LIVES, None),  # with 12 GB of memory to spare it starts
    ("ssl", "on", LIVES, True),  # a reload keeps the server without it; the next start would fail
    ("hba_file", "/nonexistent", STOPS, True),
    ("unix_socket_group", "nosuch", STOPS, True),
    ("unix_socket_directories", "/nonexistent", STOPS, True),
    ("listen_addresses", "999.1.1.1", STOPS, True),
    ("port", "1", STOPS, False),
    ("port", "29", STOPS, False),
    ("port", "29871", LOST, False),
    ("unix_socket_directories", "/tmp", LOST, False),
    ("statement_timeout", "1ms", LIVES, True),
    ("default_transaction_read_only", "on", LIVES, True),
    ("search_path", "evil", LIVES, True),
    ("synchronous_standby_names", "ghost", LIVES, False),
    ("work_mem", "1TB", POLICY, False),
    ("autovacuum", "off", POLICY, False),
    ("fsync", "off", POLICY, False),
    ("full_page_writes", "off", POLICY, False),
    ("zero_damaged_pages", "on", POLICY, False),
    ("archive_command", "touch /tmp/pgd-no-such", POLICY, False),
    ("recovery_target_time", "2020-01-01 00:00:00", POLICY, False),
    # these ALTER SYSTEM refuses by itself; they do not get that far
    ("data_directory", "/nonexistent", None, None),
    ("config_file", "/nonexistent", None, None),
    ("max_worker_processes", "262143", None, None),
    ("work_mem", "1XB", None, None),
    ("random_page_cost", "-5", None, None),
    ("max_stack_depth", "1GB", None, None),
]
FEW_SLIPS = [("session_preload_libraries", "no_such"), ("synchronous_standby_names", "ghost")]
FEW_CANARY = [("local_preload_libraries", "no_such"), ("hba_file", "/nonexistent"), ("search_path", "evil")]
# Each waits for a commit, so that a standby that is not there is missed. The other one is slower with any change.
WRITES = "INSERT INTO sorted (id) VALUES (0);\nSELECT pg_sleep(0.02);\n"
SLOWER = ("SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM pg_settings WHERE sourcefile LIKE '%auto.conf') THEN 0.06 ELSE 0.03 "
          "END);\n")
FLAGS = ("--duration", "1", "--accept", "safe", "--restart", "auto")


def row_of(name, value):
    return next(r for r in TABLE if r[:2] == (name, value))


def guard():
    """As many values as one proposal holds, through the real program with its guard: refused, with a reason, and unknown to
    the server. Beside them one that may pass, so that the log shows what is sent. All others: tests/unit/test_guard.c."""
    server = t.Server(t.pg_bin(15), conf=("log_statement = all", "log_min_duration_statement = 0"), rows=1000)
    try:
        values = list({r[0]: r[:2] for r in TABLE if r[2]}.values())[:22]
        run = t.Run(server, server.home(), server.script(WRITES), "--rounds", "1", *FLAGS,
                    program=t.TEST_PROGRAM,
                    env={"PGD_TEST_FORCE_CHANGE": ";".join("%s=%s" % v for v in values + [("random_page_cost", "1.1")])}).end()
        t.check(run.code in (0, 1), "exit %d: %s" % (run.code, run.said[-2000:]))
        lines = run.events("guard")
        sent = re.findall(r"ALTER SYSTEM SET (\S+) = '([^']*)'", t.read(os.path.join(server.dir, "log")))
        t.check(("random_page_cost", "1.1") in sent, "the log of the server does not show what is sent: %s" % sent)
        for name, value in values:
            of = [e for e in lines if e["name"] == name and e["refused"] and e["to"] == value]
            t.check(of and of[0]["reason"] and of[0]["sql"] is None,
                    "%s = %s is not refused: %s" % (name, value, [e for e in lines if e["name"] == name]))
            t.check((name, value) not in sent, "%s = %s has reached the server" % (name, value))
        t.check(not set(server.entries()) & {v[0] for v in values}, "entries %s" % server.entries())
        print("   %d of %d refused" % (len(values), len(values)))
    finally:
        server.destroy()


def memory_cgroup(limit):
    """A cgroup of our own with that limit: its folder. Where none can be made the test is skipped."""
    v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    path = "/sys/fs/cgroup/%spgd-test-%d" % ("" if v2 else "memory/", os.getpid())
    try:
        os.mkdir(path)
    except OSError as e:
        raise t.Skip("no cgroup can be made: %s" % e)
    try:
        with open(os.path.join(path, "memory.max" if v2 else "memory.limit_in_bytes"), "w") as f:
            f.write(str(limit))
    except OSError as e:
        os.rmdir(path)
        raise t.Skip("a cgroup takes no limit here: %s" % e)
    return path


def cgroup():
    """The postmaster runs in a cgroup of 1 GB on a larger machine: what fits the machine and not the cgroup is refused, with
    the cgroup's figure, and the advisor's own proposal stays within it."""
    group = memory_cgroup(1 << 30)
    server = t.Server(t.pg_bin(15), rows=1000)
    try:
        with open(os.path.join(group, "cgroup.procs"), "w") as f:
            f.write(t.read(os.path.join(server.data, "postmaster.pid")).split("\n")[0])
        forced = "shared_buffers=700MB;effective_cache_size=2GB;work_mem=400MB;maintenance_work_mem=128MB"
        run = t.Run(server, server.home(), server.script(WRITES), "--duration", "1", "--accept", "none", "--restart", "auto",
                    program=t.TEST_PROGRAM, env={"PGD_TEST_FORCE_CHANGE": forced}).end()
        t.check(run.code == 0, "exit %d: %s" % (run.code, run.said[-2000:]))
        said = {(e["name"], e["to"]): e for e in run.events("guard")}
        for line in ("shared_buffers", "700MB"), ("effective_cache_size", "2GB"), ("work_mem", "400MB"):
            e = said[line]
            t.check(e["refused"] and re.search(r"\b1(\.0)? GB", e["reason"]), "%s: %s" % (line, e))
        t.check(not said["maintenance_work_mem", "128MB"]["refused"], "%s" % said["maintenance_work_mem", "128MB"])
    finally:
        server.destroy()
        for _ in range(50):
            try:
                os.rmdir(group)
                break
            except OSError:
                time.sleep(0.1)


class Watch(threading.Thread):
    """Asks for a new session several times a second, as the programs of a site would: since when it is refused, and until
    when."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.gaps, self.over = server, [], threading.Event()
        self.start()

    def run(self):
        since = None
        while not self.over.is_set():
            now = time.time()
            up = self.server.try_sql("SELECT 1") == "1"
            if not up and since is None:
                since = now
            elif up and since is not None:
                self.gaps.append((since, time.time()))
                since = None
            time.sleep(0.1)
        if since is not None:
            self.gaps.append((since, time.time()))

    def longest(self, begin, end):
        return max([b - a for a, b in self.gaps if b >= begin and a <= end] or [0.0])

    def stop(self):
        self.over.set()
        self.join()
        return self.gaps


def caught_by(events, name):
    """Which of the nets held, from the events of one round."""
    verify = [e for e in events if e["event"] == "verify"]
    broken = [e for e in verify if e["error"]]
    rolled = [e for e in events if e["event"] == "rollback"]
    if any(e["event"] == "watchdog" for e in events):
        return "the watchdog"
    if not broken:
        return "the verdict" if any(e["event"] == "verdict" for e in events) else "the benchmark"
    text = broken[0]["error"]
    if broken[0]["state"] == "failed":
        return "canary" if "would not start" in text else "preflight"
    t.check(rolled and broken[0]["state"] == "rolled back", "%s: %s" % (name, broken))
    return "rescue" if "did not start" in text or "nobody can connect" in text else "undo"


def by_round(run):
    """The events of each round: they begin with its proposal."""
    rounds = []
    for e in run.events():
        if e["event"] == "proposal":
            rounds.append([])
        if rounds:
            rounds[-1].append(e)
    return rounds


def session(server, values, switch):
    """One session whose rounds try one value each. Returns rows: name, value, caught by, the longest time that nobody could
    connect, seconds from its ALTER SYSTEM to the one that takes it back (0 where the file was put back)."""
    before = server.entries()
    shown = {n: server.sql("SHOW " + n) for n, _ in values}
    log_path = getattr(server, "log", os.path.join(server.dir, "log"))
    log_from = len(t.read(log_path))
    watch = Watch(server)
    policy = row_of(*values[0])[2] == POLICY
    run = t.Run(server, server.home(), server.script(SLOWER if policy else WRITES), "--rounds", str(len(values)), *FLAGS,
                *getattr(server, "flags", ()), program=t.TEST_PROGRAM,
                env=dict(getattr(server, "variables", {}), PGD_TEST_NO_GUARD=switch,
                         PGD_TEST_FORCE_CHANGE="\n".join("%s=%s" % v for v in values) + "\n")).end(600)
    ended = time.time()
    t.wait_for("the server to be up", 30, lambda: server.try_sql("SELECT 1") == "1")
    watch.stop()
    t.check(run.code in (0, 1, 4), "exit %d: %s\n%s" % (run.code, run.summary, run.said[-3000:]))
    log = t.read(log_path)[log_from:]
    rounds = by_round(run)
    t.check(len(rounds) == len(values), "%d rounds for %s\n%s" % (len(rounds), values, run.said[-3000:]))
    t.check(server.entries() == before, "entries %s after %s\n%s" % (server.entries(), values, run.said[-3000:]))
    ledger = t.Ledger(run.journal())
    t.check(ledger.open is None and not ledger.explain(server.entries(), before), "the journal does not add up: %s" % values)
    t.wait_for("the program's sessions to end", 10, lambda: not server.strangers())
    rows = []
    for (name, value), events in zip(values, rounds):
        t.check(any(e["event"] == "guard" and e["name"] == name and e["to"] == value and not e["refused"] for e in events),
                "%s = %s was not tried: %s" % (name, value, events))
        t.check(server.sql("SHOW " + name) == shown[name], "%s is %s" % (name, server.sql("SHOW " + name)))
        net = caught_by(events, "%s = %s" % (name, value))
        sent = alters(log, name, value)
        t.check(bool(sent) != (net in ("canary", "preflight")), "%s = %s: caught by %s, sent %s" % (name, value, net, sent))
        begin = sent[0] if sent else None
        gap = watch.longest(begin, next_begin(log, sent, ended)) if begin else 0.0
        back = [x for x in stamps(log, "ALTER SYSTEM RESET %s" % re.escape(name)) if sent and x >= sent[0]]
        rows.append((name, value, net, gap, back[0] - sent[0] if back else 0.0))
    return rows


def stamps(log, statement):
    """When the server heard of a statement, by its log."""
    found = re.findall(r"(?m)^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC .*" + statement, log)
    return [datetime.strptime(f, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc).timestamp() for f in found]


def alters(log, name, value):
    return stamps(log, "ALTER SYSTEM SET %s = '%s'" % (re.escape(name), re.escape(value)))


def next_begin(log, sent, otherwise):
    """When the next round's statements came."""
    return min([x for x in stamps(log, "ALTER SYSTEM SET ") if x > sent[-1] + 0.01] or [otherwise])


def sessions(values):
    """Three values each: three rounds without success end a session, and so does the watchdog."""
    groups = [[]]
    for v in values:
        if len(groups[-1]) == 3 or any(name == "synchronous_standby_names" for name, _ in groups[-1]):
            groups.append([])
        groups[-1].append(v)
    return groups


def private():
    return t.Server(t.pg_bin(15), conf=("log_statement = ddl", "log_timezone = UTC"), rows=1000)


def far():
    """A server on a second host. Its log is written by the server itself, so that it is one file whoever starts it."""
    host = sshtest.SecondHost(conf=("log_statement = ddl", "log_timezone = UTC", "logging_collector = on",
                                    "log_directory = '/var/log/postgresql'", "log_filename = 'server.log'"), rows=1000)
    host.log = host.here_path("/var/log/postgresql/server.log")
    host.flags, host.variables = host.ssh_flags("dba"), host.env()
    return host


def nets(values, switch, where=private):
    """Tries all of values, and says what caught each of them."""
    server = where()
    rows = []
    try:
        for some in sessions(values):
            for row in session(server, some, switch):
                rows.append(row)
                print("   %-32s %-22s %-14s nobody in for %4.1f s, taken back after %4.1f s" % row, flush=True)
    finally:
        server.destroy()
    return rows


def slips():
    """A few values past guard and preflight."""
    for name, value, net, gap, _ in nets(FEW_SLIPS, "1"):
        due = {LOCKS: "undo", LOST: "rescue", LIVES: "the watchdog"}[row_of(name, value)[2]]
        t.check(net == due, "%s = %s was caught by %s" % (name, value, net))
        t.check(gap < 45 * t.SCALE, "nobody could connect for %.1f s" % gap)


def canary():
    """A few values past the guard alone: nothing is sent."""
    for name, value, net, gap, _ in nets(FEW_CANARY, "guard"):
        t.check(net == "canary" and gap == 0, "%s = %s was caught by %s" % (name, value, net))


def ssh():
    """Each value that prevents a start or a session. A rescue puts the file back on the host, an undo is sent by SQL."""
    values = [r[:2] for r in TABLE if r[2] in (STOPS, LOCKS)] + [("port", "29871")]
    wrong = []
    for name, value, net, gap, _ in nets(values, "1", far):
        due = "undo" if row_of(name, value)[2] == LOCKS else "rescue"
        if net != due or gap >= 30 * t.SCALE:
            wrong.append("%s = %s was caught by %s, nobody in for %.1f s" % (name, value, net, gap))
    print("   %d values on a host that is reached by ssh" % len(values))
    t.check(not wrong, "; ".join(wrong))


def all_values():
    """The whole table, both ways, as tests/soak prints it."""
    values = [r[:2] for r in TABLE if r[2] not in (None, POLICY)]
    policy = [r[:2] for r in TABLE if r[2] == POLICY]
    wrong, count = [], {}
    for switch, title in (("1", "guard and preflight off"), ("guard", "guard off")):
        print("   -- %s" % title, flush=True)
        for name, value, net, _, _ in nets(values, switch) + nets(policy, switch):
            count[title, net] = count.get((title, net), 0) + 1
            kind, known = row_of(name, value)[2:]
            if switch == "guard" and known is not None and (net == "canary") != known:
                wrong.append("%s = %s was caught by %s, with a canary" % (name, value, net))
            if switch == "1" and kind in (STOPS, LOST) and net != "rescue":
                wrong.append("%s = %s was caught by %s" % (name, value, net))
    for (title, net), n in sorted(count.items()):
        print("   %s: %d by %s" % (title, n, net))
    print("   %d values, each with its server up and its entries as before" % len(values + policy))
    t.check(not wrong, "; ".join(wrong))


if __name__ == "__main__":
    if sys.argv[1:] == ["all"]:
        t.main({"all": all_values})
    elif sys.argv[1:] == ["ssh"]:
        t.main({"ssh": ssh})
    else:
        t.main({f.__name__: f for f in (guard, cgroup, slips, canary)})
