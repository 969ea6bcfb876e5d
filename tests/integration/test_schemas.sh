#!/bin/sh
# A short headless session on a private server: each line that it prints, each record of its journal and each of its files
# is valid by its schema; so are the lines of the errors and of `workspaces`.
set -eu

source=${PGD_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
program=${PGD_PROGRAM:?}
pg=$source/tests/support/pg.sh
[ -x "$program" ] || { echo "$program was not built"; exit 77; }
bin=$("$pg" bin 15) || { echo "PostgreSQL 15 is not installed"; exit 77; }

work=$(mktemp -d)
chmod 0755 "$work"
echo "work_mem = '256kB'" >"$work/conf"
PGTEST_OWNER=$$ "$pg" start "$bin" "$work/conf" >"$work/info"
dir=$(sed -n 's/^dir=//p' "$work/info")
host=$(sed -n 's/^host=//p' "$work/info")
port=$(sed -n 's/^port=//p' "$work/info")
trap '"$pg" destroy "$dir"; rm -rf "$work"' EXIT

echo 'SELECT count(*) FROM (SELECT g, md5(g::text) AS m FROM generate_series(1, 20000) g ORDER BY m) s;' >"$work/sort.sql"
export PG_DIAGNOSE_HOME="$work/home"
run() { # NAME ARGS…
    name=$1
    shift
    code=0
    timeout 300 "$program" "$@" --json >"$work/$name.out" 2>"$work/$name.err" </dev/null || code=$?
    echo "$name: exit $code, $(wc -l <"$work/$name.out") lines"
}
run tune tune -H "$host" -p "$port" -U postgres -d postgres --script "$work/sort.sql" --accept safe --restart never \
    --clients 2 --duration 1 --rounds 1 --budget 3
run none tune -H "$host" -p "$port" -U postgres -d postgres --script "$work/sort.sql" --accept none --restart never \
    --clients 2 --duration 1 --rounds 1 --budget 3
run noserver tune -H "$work" -p 1 -d postgres --script "$work/sort.sql"
run usage tune --no-such-flag
run workspaces workspaces

python3 - "$source" "$work" <<'PY'
import glob, json, os, sys

source, work = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(source, "tests", "support"))
import schema

schemas = schema.Schemas(source)
problems, seen = [], set()


def lines(path, prefix):
    for n, line in enumerate(open(path, encoding="utf-8"), 1):
        where = f"{os.path.basename(path)}:{n}"
        try:
            value = json.loads(line)
        except ValueError as e:
            problems.append(f"{where}: {e}: {line[:200]}")
            continue
        name = prefix + str(value.get("event"))
        seen.add(name)
        problems.extend(schemas.check(name, value, where))


for path in glob.glob(work + "/*.out"):
    lines(path, "")
    last = open(path, encoding="utf-8").read().splitlines()[-1:]
    if "workspaces" not in path and (not last or json.loads(last[0])["event"] != "summary"):
        problems.append(f"{os.path.basename(path)} does not end with a summary")
folders = glob.glob(work + "/home/workspaces/*")
for folder in folders:
    for path in glob.glob(folder + "/sessions/*/journal.jsonl"):
        lines(path, "journal-")
    files = {"index": "index.json", "workspace": "workspace.json", "session": "sessions/*/session.json"}
    for name, pattern in files.items():
        for path in glob.glob(os.path.join(folder, pattern)):
            seen.add("file-" + name)
            problems += schemas.check("file-" + name, json.load(open(path, encoding="utf-8")), os.path.basename(path))

expected = {"discovery", "first_sight", "strategy", "baseline", "target", "proposal", "guard", "apply", "verify", "bench",
            "verdict", "checkpoint", "error", "summary", "workspace", "journal-intent", "journal-applied",
            "journal-bench", "journal-checkpoint", "file-index", "file-workspace", "file-session"}
problems += [f"no {name} was seen" for name in sorted(expected - seen)]
for p in problems[:40]:
    print(p)
print(f"{len(seen)} kinds seen, {len(problems)} problems")
if problems:
    for path in sorted(glob.glob(work + "/*.err")):
        print(f"-- {os.path.basename(path)}")
        print("".join(open(path, encoding="utf-8").readlines()[-20:]))
sys.exit(1 if problems else 0)
PY
