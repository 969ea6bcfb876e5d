#!/usr/bin/env python3
"""Settings of the operating system on a real kernel: applied, read back, undone, written for the machine's start and taken out
again; as root and as a user with sudo, in dash and busybox. A setting that cannot be written where this runs is a visible
skip of that row alone. Files in /etc are those of a mount namespace of its own.

script     assets/remote/os.sh: each setting there and back, what is refused leaves no trace
start      our own files: what they hold is what the machine's start makes of them; they go with the last line
sudo       the same as an ordinary user, by sudo -n with a rule and without one
resumed    without --accept-os a killed session's changes are taken back and not set again, also those it thinks best
session    a headless session with --accept-os: a change is proposed, applied, measured, and undone at a signal
whole      (by name, as what follows; tests/soak) the same to its verdict
declined   without --accept-os the line is proposed, left, and said so
killed     kill -9 while a change is in force: the next start takes it back
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import tunetest as t

SCRIPT = t.read(os.path.join(t.SOURCE, "assets/remote/os.sh"))
SHELLS = [["dash"]] + ([["busybox", "sh"]] if os.path.exists("/bin/busybox") or os.path.exists("/usr/bin/busybox") else [])
SYSCTLS = "/etc/sysctl.d/90-pg_diagnose.conf"
TMPFILES = "/etc/tmpfiles.d/pg_diagnose.conf"
NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]


def parse(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def ask(mode, *words, shell=("dash",), unit="", inside=(), env=None):
    """The script's lines as a dict; *inside* is what starts the shell."""
    out = subprocess.run([*inside, *shell, "-s", "--", mode, unit, *words], input=SCRIPT, capture_output=True, text=True, timeout=60,
                         env=dict(os.environ, **(env or {})))
    t.check(out.returncode == 0, "%s %s: exit %d %s" % (mode, words, out.returncode, out.stderr))
    t.check(not out.stderr.strip(), "it complains: " + out.stderr)
    return parse(out.stdout)


def candidates():
    """A value for each setting of this machine that is not the one it has."""
    disk = sorted(d for d in os.listdir("/sys/block") if os.path.exists("/sys/block/%s/queue/scheduler" % d))[:1]
    rows = {"os:vm.swappiness": "11", "os:vm.dirty_bytes": "268435456", "os:vm.dirty_background_bytes": "67108864",
            "os:vm.overcommit_ratio": "61", "os:vm.overcommit_memory": "1", "os:vm.nr_hugepages": "3", "os:thp.enabled": "never",
            "os:kernel.numa_balancing": "1", "os:kernel.sched_autogroup_enabled": "0", "os:cpu.governor": "performance"}
    for d in disk:
        rows["os:io.%s.scheduler" % d] = "none"
        rows["os:io.%s.read_ahead_kb" % d] = "512"
    return rows


def may_write(name, value):
    """Whether this machine lets root change it at all."""
    before = ask("read", name).get(name)
    if before is None:
        return None, "this kernel has none"
    if before == value:
        value = {"never": "madvise", "none": "mq-deadline", "1": "0", "0": "1", "512": "256"}.get(value, value)
    path = {"os:thp.enabled": "/sys/kernel/mm/transparent_hugepage/enabled"}.get(name)
    if name.startswith("os:vm.") or name.startswith("os:kernel."):
        path = "/proc/sys/" + name[3:].replace(".", "/")
    elif name.startswith("os:io."):
        path = "/sys/block/%s/queue/%s" % (name.split(".")[1], name.split(".")[2])
    elif name == "os:cpu.governor":
        path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    try:
        with open(path, "a"):
            pass
    except OSError as e:
        return None, str(e)
    return value, before


def there_and_back(shell, inside=()):
    written = 0
    for name, value in candidates().items():
        value, before = may_write(name, value)
        if value is None:
            print("   skipped: %s: %s" % (name, before), flush=True)
            continue
        try:
            got = ask("set", name, value, shell=shell, inside=inside)
            t.check(got == {"state": "ok", name: value}, "%s: %s" % (name, got))
            t.check(ask("read", name) == {name: value}, "%s is not %s" % (name, value))
        finally:
            got = ask("restore", name, before, shell=shell, inside=inside)
        t.check(got == {"state": "ok", name: before} and ask("read", name) == {name: before}, "%s is not back at %s: %s" %
                (name, before, got))
        written += 1
    return written


def refused(words, name, why, shell=("dash",), inside=(), env=None):
    names = list(candidates())
    before = ask("read", *names)
    got = ask("set", *words, shell=shell, inside=inside, env=env)
    t.check(got.get("state") == "refused" and got.get("name") == name and why in got.get("why", ""), "%s: %s" % (words, got))
    t.check(ask("read", *names) == before, "it left a trace: %s is not %s" % (ask("read", *names), before))


def script():
    if os.geteuid() != 0:
        raise t.Skip("root is needed")
    for shell in SHELLS:
        written = there_and_back(shell)
        print("   %s: %d settings there and back" % (" ".join(shell), written), flush=True)
        t.check(ask("read", "os:kernel.core_pattern", "os:vm.laptop_mode", "vm.swappiness", "os:../../../etc/passwd",
                    "os:io.../../x.scheduler", "os:io.$(id).scheduler", "os:limit.nofile", shell=shell) == {}, "it reads what it may not")
        refused(["os:kernel.core_pattern", "|/bin/true"], "os:kernel.core_pattern", "not one that this program changes", shell)
        refused(["os:vm.swappiness", "17", "os:thp.enabled", "sometimes"], "os:thp.enabled", "no value of it", shell)
        refused(["os:vm.swappiness", "201"], "os:vm.swappiness", "outside of 0 to 200", shell)
        refused(["os:vm.swappiness", "1 2"], "os:vm.swappiness", "no value", shell)
        refused(["os:vm.swappiness", "$(reboot)"], "os:vm.swappiness", "no value", shell)
        refused(["os:vm.swappiness", "17", "os:vm.nr_hugepages", "99999999"], "os:vm.nr_hugepages", "too much", shell)
        refused(["os:limit.nofile", "65536"], "os:limit.nofile", "does not have it", shell)


def kept_apart(*words, user=()):
    """In a mount namespace whose folders in /etc are empty, and whose sudoers file is given by SUDOERS."""
    program = ("for d in sysctl.d tmpfiles.d; do mkdir -p /etc/$d; mount -t tmpfs -o mode=755 none /etc/$d || exit 99; done; "
               "[ -z \"$SUDOERS\" ] || mount --bind \"$SUDOERS\" /etc/sudoers || exit 99; exec \"$@\"")
    return ["unshare", "-m", "sh", "-c", program, "sh", *words, *user]


STEPS = r"""
run() { mode=$1; shift; dash -s -- "$mode" "" "$@" <"$OS_SH"; }
show() { for f in /etc/sysctl.d/* /etc/tmpfiles.d/*; do [ -f "$f" ] && echo "file $f" && cat "$f"; done; echo "--"; }
"""


def steps(text):
    """Runs shell lines in one such namespace; *run* is the script, *show* prints our files. What they print, in parts."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as f:
        f.write(SCRIPT)
        f.flush()
        out = subprocess.run(kept_apart("sh", "-c", STEPS + text), capture_output=True, text=True, timeout=60,
                             env=dict(os.environ, OS_SH=f.name))
    if out.returncode == 99:
        raise t.Skip("no mount namespace here: " + out.stderr)
    t.check(out.returncode == 0, "exit %d: %s%s" % (out.returncode, out.stdout, out.stderr))
    return out.stdout.split("--\n")


def start():
    if os.geteuid() != 0:
        raise t.Skip("root is needed")
    names = ["os:vm.swappiness", "os:vm.dirty_bytes", "os:thp.enabled"]
    before = ask("read", *names)
    if any(may_write(n, "1")[0] is None for n in names):
        raise t.Skip("the kernel's settings cannot be written here")
    back = [w for n in names for w in (n, before[n])]
    try:
        parts = steps("""
run set boot:vm.swappiness 12 boot:vm.dirty_bytes 301989888 boot:thp.enabled never; show
run read boot:vm.swappiness boot:vm.dirty_bytes boot:thp.enabled; echo --
sysctl -q -p /etc/sysctl.d/90-pg_diagnose.conf && systemd-tmpfiles --create /etc/tmpfiles.d/pg_diagnose.conf
run read os:vm.swappiness os:vm.dirty_bytes os:thp.enabled; echo --
run set boot:vm.swappiness 13; run restore boot:vm.dirty_bytes -; show
run restore boot:vm.swappiness - boot:thp.enabled -; show
run set boot:vm.swappiness 20%; run set boot:thp.enabled sometimes; show
""")
    finally:
        ask("restore", *back)
    want = {"boot:vm.swappiness": "12", "boot:vm.dirty_bytes": "301989888", "boot:thp.enabled": "never"}
    t.check(parse(parts[0])["state"] == "ok" and "vm.swappiness = 12\nvm.dirty_bytes = 301989888\n" in parts[0] and
            "w /sys/kernel/mm/transparent_hugepage/enabled - - - - never\n" in parts[0], parts[0])
    t.check(parts[0].count("file /etc") == 2 and parts[0].count("takes it away again") == 2, "the files: " + parts[0])
    t.check(parse(parts[1]) == want, parts[1])
    t.check(parse(parts[2]) == {"os:" + k[5:]: v for k, v in want.items()}, "the start of the machine makes of it: " + parts[2])
    t.check("vm.swappiness = 13\n" in parts[3] and "dirty" not in parts[3].split("file /etc", 1)[1], parts[3])
    t.check("file /etc" not in parts[4], "a file is left: " + parts[4])
    t.check(parts[5].count("state=refused") == 2 and "file /etc" not in parts[5], parts[5])


def sudo():
    if os.geteuid() != 0 or not os.path.exists("/usr/bin/sudo"):
        raise t.Skip("root and sudo are needed")
    if may_write("os:vm.swappiness", "11")[0] is None:
        raise t.Skip("the kernel's settings cannot be written here")
    with tempfile.NamedTemporaryFile("w", prefix="pgd-sudoers.", delete=False) as f:
        f.write("nobody ALL=(root) NOPASSWD: ALL\n")
    os.chmod(f.name, 0o440)
    try:
        user = kept_apart(*NOBODY)
        written = there_and_back(["dash"], inside=["env", "SUDOERS=" + f.name, *user])
        print("   by sudo: %d settings there and back" % written, flush=True)
        refused(["os:vm.swappiness", "17"], "os:vm.swappiness", "sudo:", inside=["env", "SUDOERS=/dev/null", *user])
    finally:
        os.unlink(f.name)


def swappiness():
    return t.read("/proc/sys/vm/swappiness").strip()


def other():
    return "23" if swappiness() != "23" else "24"


def kernel_needed():
    value, why = may_write("os:vm.swappiness", other())
    if value is None or os.geteuid() != 0:
        raise t.Skip("vm.swappiness cannot be written here: %s" % why)


def begin(server, change, *flags, seconds="1"):
    how = t.forced(change)
    return t.Run(server, server.home(), server.script(t.STEADY), "--duration", seconds, "--rounds", "1", "--accept", "safe", *flags, **how)


def measured(run):
    return [e for e in run.events("bench") if e["arm"] == "round 1" and e["valid"]]


def session(server, to_the_end=False):
    kernel_needed()
    before, new = swappiness(), other()
    run = begin(server, "os:vm.swappiness=%s" % new, "--accept-os")
    run.until("the change", lambda: swappiness() == new)
    if to_the_end:
        run.end()
        t.check(run.events("verdict"), "no verdict")
    else:
        run.until("a run with it", lambda: measured(run))
        run.process.terminate()
        run.expect(1, "PAUSED")
    t.check(swappiness() == before, "vm.swappiness is %s, not %s" % (swappiness(), before))
    line = next(e for e in run.events("guard") if e["name"] == "os:vm.swappiness")
    t.check(line["from"] == before and line["to"] == new and line["refused"] is None, "%s" % line)
    t.check(line["sql"] == "sysctl -w vm.swappiness=" + new and line["undo"] == "sysctl -w vm.swappiness=" + before, "%s" % line)
    t.check("whole machine" in line["reach"] and line["price"], "%s" % line)
    t.check(measured(run), "it was not measured")
    intents = [r for r in run.journal() if r["event"] == "intent" and r["items"][0]["name"] == "os:vm.swappiness"]
    t.check(intents[0]["undo"] == ["-- on the server's host, as root: sysctl -w vm.swappiness=" + before], "%s" % intents[0])
    t.check(intents[-1]["items"][0]["to"] == {"present": True, "value": before}, "%s" % intents[-1])
    t.check(server.entries() == {}, "postgresql.auto.conf has %s" % server.entries())


def whole(server):
    session(server, to_the_end=True)


def declined(server):
    kernel_needed()
    before, new = swappiness(), other()
    run = begin(server, "os:vm.swappiness=%s" % new).end()
    t.check(swappiness() == before, "it was changed")
    t.check(any(e["name"] == "os:vm.swappiness" and e["refused"] is None for e in run.events("guard")), "not proposed")
    t.check("--accept-os" in run.said, "nothing is said: " + run.said[-2000:])
    t.check(not [r for r in run.journal() if r["event"] == "intent"], "something was sent")


def killed(server):
    kernel_needed()
    before, new = swappiness(), other()
    run = begin(server, "os:vm.swappiness=%s" % new, "--accept-os", seconds="5")
    try:
        run.until("the change", lambda: swappiness() == new)
        run.process.kill()
        run.process.wait()
        t.check(swappiness() == new, "it is not in force any more")
        again = t.Run(server, run.home, server.script(t.STEADY), "--duration", "1", "--rounds", "1", "--accept", "none").end()
        t.check(swappiness() == before, "vm.swappiness is %s, not %s\n%s" % (swappiness(), before, again.said[-2000:]))
    finally:
        if swappiness() != before:
            ask("restore", "os:vm.swappiness", before)


def left_alone(run, path, journalled, value):
    """That run has not gone on with the session at path, whose journal had so many intents."""
    run.until("the warning", lambda: "--accept-os goes on with it" in t.read(run.err.name))
    run.until("the next session", lambda: run.events("plan") or run.events("bench"))
    run.process.terminate()
    run.process.wait()
    t.check(json.loads(t.read(os.path.join(path, "session.json")))["state"] == "PAUSED", "it is not paused")
    t.check(swappiness() == value, "vm.swappiness is %s, not %s" % (swappiness(), value))
    intents = [r for r in t.parse_journal(os.path.join(path, "journal.jsonl")) if r["event"] == "intent"]
    t.check(len(intents) == journalled, "%s" % intents)


def changed_by(path, before, new):
    """What a session that was killed with a change in force, which it thinks best, leaves; the change itself is made here."""
    with open(os.path.join(path, "session.json")) as f:
        text = json.load(f)
    text["best"]["entries"].append({"name": "os:vm.swappiness", "present": True, "value": new})
    with open(os.path.join(path, "session.json"), "w") as f:
        json.dump(text, f)
    item = {"name": "os:vm.swappiness", "before": {"present": True, "value": before}, "to": {"present": True, "value": new}}
    with open(os.path.join(path, "journal.jsonl"), "a") as f:
        for r in [dict(event="intent", arm="round 1", restart=False, by_hand=None, items=[item], undo=[], at=None, no=1001),
                  dict(event="applied", intent=1001, restarted=False, no=1002)]:
            f.write(json.dumps(r) + "\n")
    ask("set", "os:vm.swappiness", new)


def resumed(server):
    kernel_needed()
    before, new, script = swappiness(), other(), server.script(t.STEADY)
    run = t.Run(server, server.home(), script, "--duration", "1", "--rounds", "1", "--accept", "safe", "--accept-os")
    run.until("a run", lambda: run.events("bench"))
    run.process.kill()
    run.process.wait()
    path, = (p for p, _, files in os.walk(run.home) if "session.json" in files)
    try:
        changed_by(path, before, new)
        again = t.Run(server, run.home, script, "--duration", "1", "--rounds", "1", "--accept", "safe")
        left_alone(again, path, 2, before)
    finally:
        ask("restore", "os:vm.swappiness", before)


def with_server(case):
    def run():
        server = t.Server(t.pg_bin(15), rows=100)
        try:
            case(server)
        finally:
            server.destroy()
    return run


if __name__ == "__main__":
    quick = {"script": script, "start": start, "sudo": sudo, "session": with_server(session),
             "resumed": with_server(resumed)}
    long = {"whole": with_server(whole), "declined": with_server(declined), "killed": with_server(killed)}  # a part of the soak
    t.main({**quick, **long} if sys.argv[1:] else quick)
