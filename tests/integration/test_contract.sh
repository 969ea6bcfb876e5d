#!/bin/sh
# Every event that the sources print has a schema and a section of docs/contract.md, field by field, and the other way
# round: no schema and no section for what does not exist. Needs no server.
set -eu

exec python3 - "${PGD_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}" <<'PY'
import glob, os, re, sys

source = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(source, "tests", "support"))
import schema

schemas = schema.Schemas(source)
problems = []
emitted = {"summary": {}}  # built by hand in protocol/summary.c; its schema is checked against real lines elsewhere

for path in sorted(glob.glob(os.path.join(source, "src", "app", "*.c"))):
    for names, keys in schema.lines_of(path):
        for name in names:
            emitted.setdefault(name, {})
            known = schemas.by_name.get(name)
            if known is None:
                problems.append(f"{os.path.basename(path)}: event {name} has no schema")
                continue
            for key, kinds in keys.items():
                emitted[name].setdefault(key, set()).update(kinds)
                if key not in known["properties"]:
                    problems.append(f"event {name}: {key} is not in its schema")
                    continue
                types = schema.types_of(known["properties"][key])
                for kind, nullable in kinds:
                    if kind and kind not in types and not (kind == "integer" and "number" in types):
                        problems.append(f"event {name}: {key} is written as {kind}, not {types}")
                    if nullable and "null" not in types:
                        problems.append(f"event {name}: {key} may be null")
            for key in known["required"]:
                if key != "event" and key not in keys:
                    problems.append(f"event {name}: {key} is required and a line lacks it")
    text = open(path, encoding="utf-8").read()
    for name, key in re.findall(r'flow_journal\(m, "([a-z_]+)", "([a-z_]+)"', text):
        emitted.setdefault(name, {}).setdefault(key, set())
        emitted[name].setdefault("session", set())
        for s in (name, "journal-" + name):
            if key not in schemas.by_name.get(s, {}).get("properties", {}):
                problems.append(f"{s} has no schema with {key}")

# The keys of a sample are the metrics, a row of their table each.
table = open(os.path.join(source, "src", "telemetry", "metrics.c"), encoding="utf-8").read()
for key in re.findall(r'\[METRIC_\w+\] = \{"(\w+)"', table):
    emitted["sample"].setdefault(key, set()).add(("number", True))

for pattern in ("src/tuning/*.c", "src/workspace/*.c"):
    for path in sorted(glob.glob(os.path.join(source, pattern))):
        for names, keys in schema.lines_of(path):
            for name in names:
                known = schemas.by_name.get("journal-" + name, {}).get("properties", {})
                problems += [f"journal record {name}: {k} is in no schema" for k in keys if k not in known]

contract = open(os.path.join(source, "docs", "contract.md"), encoding="utf-8").read()
sections = dict(re.findall(r"^### ([a-z_]+)\n(.*?)(?=^##|\Z)", contract, flags=re.M | re.S))
for name, keys in emitted.items():
    known = schemas.by_name.get(name, {}).get("properties", {})
    if name not in sections:
        problems.append(f"docs/contract.md has no section for event {name}")
        continue
    told = set(re.findall(r"^\| `([a-z0-9_]+)` \|", sections[name], flags=re.M))
    for key in sorted(set(known) - {"event"} - told):
        problems.append(f"docs/contract.md does not tell of {name}.{key}")
    for key in sorted(told - set(known)):
        problems.append(f"docs/contract.md tells of {name}.{key}, which no schema has")
    if name != "summary":
        for key in sorted(set(known) - {"event"} - set(keys)):
            problems.append(f"{name}.schema.json has {key}, which nobody writes")
for name in sections:
    if name not in emitted:
        problems.append(f"docs/contract.md has a section for {name}, which nobody prints")
for name in schemas.by_name:
    if not name.startswith(("journal-", "file-", "answer-")) and name not in emitted:
        problems.append(f"{name}.schema.json is of an event that nobody prints")

if len(emitted) < 10:
    problems.append("the sources were not understood")
for p in problems:
    print(p)
print(f"{len(emitted)} events, {len(schemas.by_name)} schemas, {len(problems)} problems")
sys.exit(1 if problems else 0)
PY
