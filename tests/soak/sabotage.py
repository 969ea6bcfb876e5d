#!/usr/bin/env python3
"""Breaks the program in one place at a time and sees that the named test notices.

sabotage.py [NAME...]: those of the table, all without a name. Works on a copy of the tree, built once; the checkout is not
touched. A row is a text that stands exactly once in a file, what stands there instead, and the test that must fail. Three
ways to fail here: the text is not there any more (the row has to be looked at), the test passes all the same (it proves
nothing), or the test fails without any sabotage.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.environ.get("PGD_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# name: file, what stands there, what stands there instead, the test (its name in ctest) that must turn red
ROWS = {
    "a guard row is dropped": (
        "src/tuning/dangers.c",
        '    {.pattern = "archive_command", .why = REFUSE_COMMAND},\n', "", "test_knobs"),
    "the second look before sending is dropped": (
        "src/tuning/apply.c",
        "    return guard_send(e->name, e->value, err);", "    (void)err;\n    return true;", "test_apply"),
    "the memory bill forgets the cgroup": (
        "src/tuning/bill.c", "f->host.cgroup_mem_limit", "(double)NAN", "test_guard"),
    "an override is not looked for": (
        "src/tuning/guard.c", "check_value(c, e) && check_overrides(c) &&", "check_value(c, e) &&", "test_guard"),
    "a standby's settings are raised": (
        "src/tuning/guard.c",
        "if (strcmp(name, replayed[i]) == 0 && raises && c->f->runtime.replicas > 0)",
        "if (strcmp(name, replayed[i]) == 0 && raises && c->f->runtime.replicas > 99)", "test_guard"),
    "the fsync of a saved file is skipped": (
        "src/io/disk.c", "bool ok = write_all(fd, data, len) && sync_fd(fd) == 0;",
        "bool ok = write_all(fd, data, len);", "test_durable"),
    "the fsync of the journal is skipped": (
        "src/io/disk.c", "if (write_all(fd, data, len) && sync_fd(fd) == 0)", "if (write_all(fd, data, len))",
        "test_durable"),
    "an effect does not wait for its journal entry": (
        "src/app/gate.c", "e->after_journal > g->saved", "e->after_journal > g->saved + 1000", "test_update"),
    "readonly is not enforced": (
        "src/app/gate.c", "if (g->readonly && !readonly_allows(e))", "if (g->readonly && false)", "test_update"),
    "a reply of an old generation is accepted": (
        "src/tuning/apply.c", "ev->req.generation != a->generation || id == 0", "id == 0", "test_apply"),
    "the identity of the server is not compared": (
        "src/tuning/apply.c", "if (!identity_same(&a->env.facts->id, &a->now, why, sizeof why))",
        "if (false && !identity_same(&a->env.facts->id, &a->now, why, sizeof why))", "test_apply"),
    "a rollback does nothing": (
        "src/tuning/apply.c", "if (a->undone < a->undo_n) {", "if (a->undone < a->undo_n && !a->undoing) {",
        "test_apply"),
    "an undo writes values instead of lines": (
        "src/tuning/ledger.c", 'buf_puts(out, e->present ? "ALTER SYSTEM SET " : "ALTER SYSTEM RESET ");',
        'buf_puts(out, "ALTER SYSTEM SET ");', "test_ledger"),
    "a verify does not mind what hides a value": (
        "src/tuning/verify.c", "    if (hidden) {\n", "    if (hidden && false) {\n", "test_apply"),
    "a verify does not mind a pending restart": (
        "src/tuning/verify.c", "if (listed && !s.pending_restart && apply_value_same(&s, want->value))",
        "if (listed)", "test_apply"),
    "any setting of the operating system may be set": (
        "src/tuning/os.c", "    if (!row)\n        return err_set(err, ERR_REFUSED, \"refused to set: this program",
        "    if (!row)\n        return true;\n    if (!row)\n        return err_set(err, ERR_REFUSED, \"refused to set: this program",
        "test_os"),
    "the operating system is not put back": (
        "src/tuning/apply_os.c", "if (!a->os.sent || a->os.undone ||", "if (a->os.sent || a->os.undone ||",
        "integration_test_apply_os"),
    "the operating system is not read back": (
        "src/tuning/apply_os.c", "        if (entry_same(&now, want)) {\n", "        if (true) {\n", "integration_test_apply_os"),
    "a change of the operating system is accepted along with others": (
        "src/tuning/guard.c", "!review_is_trade(line) && !review_is_os(line)", "!review_is_trade(line)", "test_os"),
    "the arms are swapped": (
        "src/runner/experiment.c", "return other ? ARM_A + ARM_B - x->first : x->first;",
        "return other ? x->first : ARM_A + ARM_B - x->first;", "test_experiment"),
    "the noise of the machine does not count": (
        "src/runner/experiment.c", "return fmax(claim_min, noise_now(x, i));", "(void)x;\n    (void)i;\n    return claim_min;",
        "test_experiment"),
    "the interval is too narrow": (
        "src/runner/stats.c", "double half = stats_t975(df) * pooled", "double half = 1.96 * pooled", "test_stats"),
    "a round that lost is kept": (
        "src/tuning/round.c", "} else if (r->verdict.kind == VERDICT_IMPROVED && !r->veto[0]) {",
        "} else if (r->verdict.kind != VERDICT_REGRESSED) {", "test_round"),
    "a quote in a value is not doubled": (
        "src/base/quote.c", "quoted(out, value, '\\'', \"'\\\\\", 0);", "quoted(out, value, '\\'', \"\\\\\", 0);",
        "test_quote"),
    "a torn line of the journal is not cut": (
        "src/io/disk.c", "bool ok = cut_torn_line(fd, path, o) &&", "bool ok =", "test_files"),
    "a lock is given twice": (
        "src/io/disk.c", "flock(fd, LOCK_EX | LOCK_NB) != 0", "flock(fd, LOCK_SH | LOCK_NB) != 0", "test_files"),
    "the saved configuration is not put back": (
        "assets/restart/restart.sh", 'elif put "$before" "$auto"; then', "elif true; then", "integration_test_apply_pg"),
    "pgbench outlives the program": (
        "src/io/launch.c", "(fx->u.child.flags & CHILD_DIES_WITH_US) != 0);", "false);", "integration_test_child"),
}


def run(*command, **kwargs):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)


class Copy:
    """The files of the checkout as they are now, without what git ignores, and a build of them: in a folder of its own, or in `top`,
    where both may be there already (`built`)."""

    def __init__(self, top=None, built=False):
        self.top = top or tempfile.mkdtemp(prefix="pgd-sabotage.")
        self.source, self.build = self.top + "/source", self.top + "/build"
        if built:
            return
        os.makedirs(self.top, exist_ok=True)
        os.chmod(self.top, 0o755)
        names = run("git", "-C", TOP, "ls-files", "-coz", "--exclude-standard").stdout.split("\0")
        for name in filter(None, names):
            if os.path.lexists(os.path.join(TOP, name)):
                target = os.path.join(self.source, name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy2(os.path.join(TOP, name), target, follow_symlinks=False)
        made = run("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug")
        if made.returncode != 0:
            sys.exit("sabotage: cmake: " + made.stdout[-2000:])

    def make(self, targets):
        """Builds these, or ends."""
        made = run("ninja", "-C", self.build, *targets)
        if made.returncode != 0:
            sys.exit("it does not compile: " + made.stdout[-3000:])

    def test(self, name):
        """Builds what the test needs; None if that fails, else whether it passed, and the tail of what it said."""
        whole = name.startswith(("integration_", "screen_", "layers"))
        built = run("ninja", "-C", self.build, *([] if whole else [name]))
        if built.returncode != 0:
            return None, built.stdout[-1500:]
        ran = run("ctest", "--test-dir", self.build, "-R", "^%s$" % name, "--output-on-failure", "--no-tests=error")
        return ran.returncode == 0, ran.stdout[-1500:]

    def close(self):
        shutil.rmtree(self.top, ignore_errors=True)


def one(copy, name):
    """Why the row failed; empty if the sabotage was noticed."""
    file, old, new, test = ROWS[name]
    path = os.path.join(copy.source, file)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        return "the text stands %d times in %s" % (text.count(old), file)
    stat = os.stat(path)
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        passed, said = copy.test(test)
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.utime(path, (time.time() + 2, stat.st_mtime + 2))
        os.utime(path)
    if passed is None:
        return "it does not compile: " + said
    return "%s passes all the same" % test if passed else ""


def main():
    names = sys.argv[1:] or list(ROWS)
    unknown = [n for n in names if n not in ROWS]
    if unknown:
        sys.exit("sabotage: there is no row named %s" % unknown[0])
    copy = Copy()
    failures = 0
    try:
        for test in sorted({ROWS[n][3] for n in names}):
            passed, said = copy.test(test)
            if not passed:
                sys.exit("sabotage: %s fails without any sabotage:\n%s" % (test, said))
        for name in names:
            started = time.monotonic()
            why = one(copy, name)
            failures += bool(why)
            print("%-50s %-28s %s (%.0f s)" % (name, ROWS[name][3], why or "red", time.monotonic() - started), flush=True)
    finally:
        copy.close()
    print("sabotage: %d of %d red" % (len(names) - failures, len(names)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
