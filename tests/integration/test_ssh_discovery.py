#!/usr/bin/env python3
"""What discovery says of a host that it reaches by ssh (event "host"), on a second host with a real sshd.

same      field by field what it says when the program runs on the host itself, and not what is true of this machine
rights    users with sudo, with a password for it, with sudo to the owner alone, with nothing, and root
unseen    processes of others are hidden; there is no /proc at all
other     the ssh host is not the server's host: said, on the screen and as JSON, and nothing there is ours
again     the link is cut, the machine is started anew meanwhile: it is looked at once more
nothing   of all that nothing is left on the host
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import sshtest
import tunetest as t

FLAGS = ("--duration", "1", "--rounds", "1", "--accept", "none")
BOOT_ID = "/proc/sys/kernel/random/boot_id"
second = None


def begin(server, user, *flags, relay=None):
    return t.Run(server, second.home(), second.script(t.STEADY), *second.ssh_flags(user, relay=relay), *FLAGS, *flags,
                 env=second.env())


def end(run):
    getattr(run, "stop", run.process.terminate)()
    run.end(30)


def host_of(run, which=0):
    """The event, once it is there."""
    found = run.until("a look at the host", lambda: run.events("host")[which:], 30)
    return found[0]


def seen_by(user, server=None):
    run = begin(server or second, user)
    host = host_of(run)
    end(run)
    return host, run


def same():
    far, _ = seen_by("root")
    there = second.there()
    run = there.run(t.STEADY, *FLAGS, "--restart", "auto")
    near = host_of(run)
    end(run)
    t.check(far["via"] == "ssh" and near["via"] == "here", "%s, %s" % (far["via"], near["via"]))
    t.check(far["ssh_host"] == second.address and near["ssh_host"] is None, "ssh_host %s" % far["ssh_host"])
    moving = {"via", "ssh_host", "clock", "committed", "memory_available", "data_free", "wal_free"}
    for field in far:
        t.check(field in moving or far[field] == near[field], "%s: %r by ssh, %r there" % (field, far[field], near[field]))
    t.check(abs(far["clock"] - near["clock"]) < 60 and abs(far["data_free"] - near["data_free"]) < 1 << 30, "%s\n%s" % (far, near))
    for field, value in (("reached", True), ("hostname", second.hostname), ("postmaster_pid", second.postmaster()),
                         ("data_directory", second.data_there), ("owner", "postgres"), ("root", "root"), ("access", "root"),
                         ("proc", True), ("other", False), ("why", None), ("auto_conf", True)):
        t.check(far[field] == value, "%s is %r, not %r" % (field, far[field], value))
    t.check(os.path.realpath(far["bindir"]) == os.path.realpath(second.bin), far["bindir"])
    t.check(far["boot_id"] == second.exec("cat", BOOT_ID).strip(), far["boot_id"])
    # This machine is another one, and says so.
    with open(sshtest.HOST_SH) as f:
        here = subprocess.run(["sh", "-s", "--", "", "0", "0", "0"], stdin=f, capture_output=True, text=True).stdout
    here = dict(line.split("=", 1) for line in here.splitlines() if "=" in line)
    for ours, theirs in (("hostname", "hostname"), ("os", "os"), ("boot_id", "boot_id"), ("cpu_model", "cpu_model")):
        t.check(here[ours] != far[theirs], "%s is %s on both" % (ours, here[ours]))
    t.check(int(here["mem_total"]) != far["memory_bytes"] and int(here["cpus"]) != far["cpus"], "memory or cpus of this machine")
    settings = {s["name"]: s for s in far["settings"]}
    for name in ("vm.swappiness", "thp.enabled"):
        t.check(settings[name]["value"] != here["os." + name], "%s is %s on both" % (name, settings[name]["value"]))
    for name, path in (("vm.swappiness", "/proc/sys/vm/swappiness"), ("vm.dirty_ratio", "/proc/sys/vm/dirty_ratio"),
                       ("vm.overcommit_ratio", "/proc/sys/vm/overcommit_ratio")):
        t.check(settings[name]["value"] == second.exec("cat", path).strip(), "%s: %s" % (name, settings[name]))
    t.check(settings["vm.swappiness"]["writable"] and not settings["thp.defrag"]["writable"],
            "/proc/sys can be written there, /sys cannot: %s" % far["settings"])
    t.check("limit.nofile" in settings and "limit.memlock_hard" in settings, "%s" % list(settings))
    print("   %d fields and %d settings are the same" % (len(far) - len(moving), len(settings)))


def rights():
    full = {f for f, v in seen_by("dba")[0].items() if v is not None}
    for user, root, access, note in (("dba", "sudo", "sudo", None), ("pgonly", None, "sudo", "sudo"), ("postgres", None, "owner", "sudo"),
                                     ("asks", None, None, "password"), ("plain", None, None, "sudo"), ("noisy", "sudo", "sudo", None)):
        host, run = seen_by(user)
        t.check(host["known"] and host["user"] == user and host["hostname"] == second.hostname, "%s: %s" % (user, host))
        t.check((host["root"], host["access"]) == (root, access), "%s: root %s, access %s" % (user, host["root"], host["access"]))
        t.check(host["reached"] == (access is not None), "%s: reached is %s" % (user, host["reached"]))
        t.check(note is None or note in (host["root_note"] or ""), "%s: note %s" % (user, host["root_note"]))
        writable = [s["name"] for s in host["settings"] if s["writable"]]
        t.check(("vm.swappiness" in writable) == (root is not None), "%s may write %s" % (user, writable))
        t.check(user != "noisy" or full == {f for f, v in host.items() if v is not None}, "noise takes something away: %s" % host)
        t.check(access or "data directory: our operating-system user may not read it" in run.said, "%s: %s" % (user, run.said))
    # Nothing of the server but the words of its command line.
    host, _ = seen_by("plain")
    t.check(host["postmaster_pid"] == 0 and host["data_bytes"] is None, "plain: %s" % host)


def unseen():
    second.hide_processes("hidepid")
    try:
        host, _ = seen_by("plain")
        t.check(not host["known"] and not host["other"] and "can be seen there" in host["why"], "hidepid: %s" % host)
        host, _ = seen_by("dba")  # sudo lends the owner's eyes
        t.check(host["reached"] and host["postmaster_pid"] == second.postmaster() and host["bindir"], "hidepid with sudo: %s" % host)
    finally:
        second.hide_processes("")
    second.hide_processes("gone")
    try:
        host, run = seen_by("root")
        t.check(host["reached"] and not host["proc"] and host["memory_bytes"] is None, "no /proc: %s" % host)
        t.check(host["hostname"] == second.hostname and host["data_bytes"] > 0, "no /proc: %s" % host)
        t.check("it has no /proc" in run.said, run.said)
    finally:
        second.hide_processes("")


def other():
    local = t.Server(t.pg_bin(15))
    try:
        host, run = seen_by("root", local)
    finally:
        local.destroy()
    t.check(not host["known"] and host["other"] and not host["reached"], "%s" % host)
    t.check("runs there" in host["why"] and host["hostname"] is None and host["settings"] == [], "%s" % host)
    t.check("%s is not the server's host" % second.address in run.said, run.said)
    t.check("nothing is changed on it" in run.said, run.said)


def again():
    relay = second.relay()
    run = begin(second, "dba", "--duration", "20", relay=relay)
    first = host_of(run)
    t.check(not first["rebooted"], "%s" % first)
    relay.cut()
    run.until("the loss to be said", lambda: [e for e in run.events("ssh") if e["state"] != "up"], 30)
    relay.resume()
    later = host_of(run, 1)
    t.check(later["reached"] and not later["rebooted"] and later["boot_id"] == first["boot_id"], "after a cut: %s" % later)
    relay.cut()
    second.exec("sh", "-c", "echo 0b0b >/tmp/boot && mount --bind /tmp/boot " + BOOT_ID)
    try:
        relay.resume()
        last = host_of(run, 2)
    finally:
        second.exec("sh", "-c", "umount %s; rm /tmp/boot" % BOOT_ID)
    t.check(last["reached"] and last["rebooted"] and last["boot_id"] == "0b0b", "after a new start: %s" % last)
    end(run)
    t.check("was started anew" in run.said, run.said)


def nothing():
    t.wait_for("what it ran there to end", 3, lambda: not second.guests())
    for path in ("tmp", "var_tmp", "root", "home/dba", "home/plain"):
        path = os.path.join(second.disk, path)
        left = [name for name in os.listdir(path) if os.path.isdir(path) and not name.startswith(("there", "home", "script"))]
        t.check(not left, "%s: %s" % (path, left))
    t.check(not [n for n in os.listdir(second.data) if n.startswith("pg_diagnose")], "in the data directory")


def main():
    global second
    try:
        second = sshtest.SecondHost()
    except t.Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
    try:
        t.main({f.__name__: f for f in (same, rights, unseen, other, again, nothing)})
    finally:
        second.destroy()


if __name__ == "__main__":
    main()
