#!/usr/bin/env python3
"""Empties the function of each row of the tables in docs/workflow.md, one at a time: the row's test must fail.

emptied.py [WORD...]      the rows whose function or text holds one of the words; all of them without a word
emptied.py --check        only whether every row names a function and a test case that exist (so does docs/asks.md), and whether
                          no command is left out
emptied.py --against DIR  builds nothing: DIR holds the build of an earlier run with --keep
emptied.py --keep DIR     builds there, and leaves it

EMPTIED_JOBS: how many tests run at once (1); EMPTIED_PATIENCE: what the tests' timeouts are multiplied by (0.25).

All rows share one build of a copy of the tree: at the beginning of each function a line is added that returns at once, with nothing
(0, NULL, false), where the environment says so (PGD_EMPTIED). A row must pass in that build as long as nothing is emptied, and fail
when its function is. A row with several functions is as many rows.
"""
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sabotage import TOP, Copy

PAGE, ASKS = "docs/workflow.md", "docs/asks.md"
FUNCTION = re.compile(r"`([a-z]+/[a-z0-9_]+\.c):([a-z0-9_]+)`")
CASE = re.compile(r"`((?:screen|integration)_test_[a-z0-9_]+)(?::([a-z0-9_]+))?`")
# A definition as clang-format writes it: the type and the name begin a line, the brace stands alone.
DEFINITION = r"^((?:[a-z_][\w ]*?[ *]+|[a-z_][\w ]*\n))%s\((?:[^;{}]|\n)*?\)\n\{\n"
# What a failure waits for is not worth the patience that a slow machine needs.
PATIENCE = os.environ.get("EMPTIED_PATIENCE", "0.25")


def read(path, top=TOP):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


class Row:
    def __init__(self, text, file, function, test, case):
        self.text, self.file, self.function, self.test, self.case = text, file, function, test, case
        self.key = "%s:%s" % (file, function)

    def __str__(self):
        return "%-44s %s:%s" % (self.key, self.test, self.case or "*")


def rows():
    """The rows of every table that names a function and a test."""
    found = []
    for line in read(PAGE).splitlines():
        functions, cases = FUNCTION.findall(line), CASE.findall(line)
        if not line.startswith("|") or not functions or not cases:
            continue
        text = line.split("|")[1].strip()
        for file, function in functions:
            test, case = cases[0]
            found.append(Row(text, "src/" + file, function, test, case))
    return found


def source_of(test):
    kind, name = test.split("_", 1)
    for end in (".c", ".py", ".sh"):
        path = "tests/%s/%s%s" % (kind, name, end)
        if os.path.exists(os.path.join(TOP, path)):
            return path
    return None


def lines_of(page):
    return [line for line in read(page).splitlines() if line.startswith("|")]


def wrong():
    """What the page says and the tree does not have."""
    said = []
    all_rows = rows()
    if len(all_rows) < 40:
        said.append("%s has %d rows" % (PAGE, len(all_rows)))
    for r in all_rows:
        if not os.path.exists(os.path.join(TOP, r.file)):
            said.append("%s: no such file" % r.file)
        elif not re.search(DEFINITION % re.escape(r.function), read(r.file), re.M):
            said.append("%s: no function %s" % (r.file, r.function))
    asks = [line for line in lines_of(ASKS) if re.match(r"\| \d+ \|", line)]
    if len(asks) != 28 or sum("| yes |" in line for line in asks) < 24:
        said.append("%s: %d asks, %d yes" % (ASKS, len(asks), sum("| yes |" in line for line in asks)))
    said += ["%s: no test: %s" % (ASKS, line) for line in asks if "| yes |" in line and not CASE.search(line)]
    for line in lines_of(PAGE) + asks:
        for test, case in CASE.findall(line):
            path = source_of(test)
            if path is None:
                said.append("%s: no such test" % test)
            elif case and not re.search(r"\b%s\b" % case, read(path)):
                said.append("%s: no case %s" % (path, case))
    commands = re.findall(r'^    X\("([a-z-]+)", \w+, "([^"]*)"', read("src/app/commands.c"), re.M)
    named = set(re.findall(r"`/([a-z?-]+)", "\n".join(line.split("|")[1] for line in lines_of(PAGE))))
    for name, aliases in commands:
        for word in [name] + aliases.split():
            if word not in named:
                said.append("%s: /%s is in no row" % (PAGE, word))
    return sorted(set(said))


def emptied(text, row):
    """The text of a file in which the row's function can be emptied."""
    found = re.search(DEFINITION % re.escape(row.function), text, re.M)
    kind = re.sub(r"\b(static|inline|extern)\b", "", found.group(1)).strip()
    kind = re.sub(r"__attribute__\(\(.*?\)\)", "", kind).strip()
    nothing = "" if kind == "void" else " (%s){0}" % kind
    at = found.end()
    return "%s    if (pgd_emptied(\"%s\"))\n        return%s;\n%s" % (text[:at], row.key, nothing, text[at:])


SWITCH = """
#include <stdlib.h>
int pgd_emptied(const char *name);
int pgd_emptied(const char *name)
{
    const char *wanted = getenv("PGD_EMPTIED");
    return wanted && strcmp(wanted, name) == 0;
}
"""


def prepare(copy, all_rows):
    texts = {}
    for r in {r.key: r for r in all_rows}.values():
        texts[r.file] = emptied(texts.get(r.file) or read(r.file, copy.source), r)
    for file, text in texts.items():
        texts[file] = "int pgd_emptied(const char *name);\n" + text
    mem = "src/base/mem.c"
    texts[mem] = texts.get(mem, read(mem, copy.source)) + SWITCH
    for file, text in texts.items():
        with open(os.path.join(copy.source, file), "w", encoding="utf-8") as f:
            f.write(text)


def tested(copy, row, empty, case):
    env = dict(os.environ, PGD_TEST_CASE=case, PGD_EMPTIED=row.key if empty else "")
    if empty:
        env["PGD_TIME_SCALE"] = PATIENCE
    ran = subprocess.run(["ctest", "--test-dir", copy.build, "-R", "^%s$" % row.test, "--output-on-failure", "--no-tests=error"],
                         env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ran.returncode == 0, ran.stdout


def main():
    words = sys.argv[1:]
    if words == ["--check"]:
        said = wrong()
        print("\n".join(said) or "%s: %d rows" % (PAGE, len(rows())))
        return 1 if said else 0
    kept = words[1] if words and words[0] in ("--keep", "--against") else None
    built = words[:1] == ["--against"]
    words = words[2:] if kept else words
    said = wrong()
    if said:
        sys.exit("emptied: " + "\n".join(said))
    all_rows = rows()
    wanted = [r for r in all_rows if not words or any(w in r.text or w in r.key or w in r.test + ":" + r.case for w in words)]
    wanted = list({str(r): r for r in wanted}.values())
    copy = Copy(kept, built)
    green, whole = {}, set()

    def judge(r):
        started = time.monotonic()
        passes, text = green[r.test, r.case]
        if not passes:
            why = "fails with nothing emptied:\n" + text[-3000:]
        else:
            passes, text = tested(copy, r, True, "" if (r.test, r.case) in whole else r.case)
            why = "passes all the same" if passes else ""
        missed = re.search(r"expected .*", text) or re.search(r"\[  ERROR   \] --- .*", text)
        print("%-100s %s (%.0f s)" % (r, why or "red: " + (missed.group(0) if missed else "?"), time.monotonic() - started), flush=True)
        return bool(why)

    try:
        if not built:
            prepare(copy, all_rows)
            copy.make(["pg_diagnose", "pg_diagnose_test"] + sorted({r.test for r in all_rows if source_of(r.test).endswith(".c")}))
        for r in wanted:
            if (r.test, r.case) not in green:
                green[r.test, r.case] = tested(copy, r, False, r.case)
                if not green[r.test, r.case][0] and r.case:  # it lives on what an earlier case has made
                    whole.add((r.test, r.case))
                    green[r.test, r.case] = tested(copy, r, False, "")
        with ThreadPoolExecutor(int(os.environ.get("EMPTIED_JOBS", "1"))) as pool:
            failures = sum(pool.map(judge, wanted))
    finally:
        if not kept:
            copy.close()
    print("emptied: %d of %d red" % (len(wanted) - failures, len(wanted)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
