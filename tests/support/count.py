#!/usr/bin/env python3
"""Prints how many tests of each floor the last ctest run of a build folder ran, and names what was skipped and why.

count.py BUILD_DIR [--none-skipped]: with the flag a skipped test is a failure.
"""
import collections
import json
import os
import re
import sys

FLOORS = ["unit", "flow", "screen", "integration", "fuzz", "layers", "format"]


def labels_of(build):
    """What `ctest --show-only=json-v1` said before the run: afterwards it would overwrite the log."""
    with open(os.path.join(build, "tests.json"), encoding="utf-8") as shown:
        tests = json.load(shown)["tests"]
    labels = {}
    for test in tests:
        for prop in test.get("properties", []):
            if prop["name"] == "LABELS":
                labels[test["name"]] = prop["value"][0]
    return labels


def main():
    build = sys.argv[1]
    strict = "--none-skipped" in sys.argv[2:]
    labels = labels_of(build)
    programs, cases, skipped = collections.Counter(), collections.Counter(), []
    with open(os.path.join(build, "Testing/Temporary/LastTest.log"), encoding="utf-8", errors="replace") as log:
        blocks = re.split(r"^\d+/\d+ Testing: ", log.read(), flags=re.M)[1:]
    for block in blocks:
        name = block.split("\n", 1)[0].strip()
        floor = labels.get(name, "?")
        programs[floor] += 1
        ran = len(re.findall(r"^\[ +(?:OK|FAILED) +\] (?!\d+ test)\S+$", block, flags=re.M))
        gone = set(re.findall(r"^\[ +SKIPPED +\] (?!\d+ test)(\S+)$", block, flags=re.M))
        cases[floor] += max(ran, 0 if gone else 1)
        reasons = re.findall(r"^skipped: (.*)$", block, flags=re.M) or ["no reason given"]
        if re.search(r"^Test Skipped", block, flags=re.M) or "***Skipped" in block:
            skipped.append((name, reasons[-1]))
        for i, case in enumerate(sorted(gone)):
            skipped.append((name + "." + case, reasons[min(i, len(reasons) - 1)]))
    for floor in FLOORS + sorted(set(programs) - set(FLOORS)):
        if programs[floor]:
            print("%-12s %4d tests in %3d programs" % (floor, cases[floor], programs[floor]))
    for name, why in skipped:
        print("skipped      %s: %s" % (name, why))
    if strict and skipped:
        print("nothing may be skipped here")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
