#!/usr/bin/env python3
"""The built-in tuner against its rivals, on the workloads of tests/workloads.

tuner.py [--workloads a,b] [--trials 40] [--seed N] [--budget 15] [--rounds 8] [--seconds 10] [--visits 6] [--warmup 5]
         [--by tps|cpu] [--out DIR] [--no-tool] [--no-search] [--table] [--quick]

For each workload a private server is made that starts with the workload's bad configuration. Then

  search    a random search over the settings that the program may change, seeded, with as many trials as are given; one short run a
            trial; the five best are measured three times more in turn, and the best of these by its mean is the search's answer
  tool      `tune --json --accept safe --restart auto` from the bad configuration, with so many rounds and minutes
  final     start, PostgreSQL's defaults, pgtune over the defaults, the search's answer and the tool's, in turn, there and back,
            each visit with a restart, a warm-up, and the CHECKPOINT at its end charged to it

The database is made anew from a template before each of the three. What was measured is kept in DIR, one file a workload, and used
again while the workload's files, the seed and the lengths are the same; the tool's part also while the program is. So a run that
was broken off goes on where it was. Ratios are of runs of the same round, with Student's interval over the rounds.
Exit 1 if a bar is missed.
"""
import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import arena
import rivals

ARMS = ["start", "defaults", "pgtune", "search", "tool"]
LABEL = {"headroom": "with headroom", "none": "without headroom", "unseen": "others"}
UNITS = {"tps": "transactions a second", "cpu": "transactions a second of the server's CPU time"}
KEEP_BEST, REMEASURED = 5, 3
BAR_RULES, BAR_SEARCH, BAR_PGTUNE = 0.97, 0.95, 1.1


def say(text):
    print("%s %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr, flush=True)


def digest(paths, *more):
    h = hashlib.sha256(repr(more).encode())
    for path in paths:
        with open(path, "rb") as f:
            h.update(f.read())
    return h.hexdigest()[:16]


def machine():
    with open("/proc/meminfo") as f:
        ram_kb = int(f.readline().split()[1])
    return ram_kb, os.cpu_count()


class Bench:
    def __init__(self, args, workload):
        self.args, self.w = args, workload
        self.path = os.path.join(args.out, workload.name + ".json")
        self.seconds = workload.seconds or args.seconds
        self.arena = None
        self.result = {}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as f:
                self.result = json.load(f)

    def keep(self):
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            json.dump(self.result, f, indent=1)
        os.replace(self.path + ".new", self.path)

    def server(self):
        if not self.arena:
            self.arena = arena.Arena(self.w)
            self.arena.load()
            self.result.update(loaded_s=round(self.arena.loaded, 1), bytes=self.arena.bytes)
            say("%s: %d MB loaded in %.0f s" % (self.w.name, self.arena.bytes >> 20, self.arena.loaded))
        return self.arena

    def begin(self, phase, key):
        """True when this phase must be measured; an unfinished one with the same key goes on."""
        have = self.result.get(phase, {})
        if have.get("key") == key:
            return not have.get("done")
        self.result[phase] = {"key": key}
        return True

    # ---- random search

    def search(self):
        names = [n for n in rivals.allowlist(SOURCE, 150000) if n in rivals.SPACE]
        seed = "%d %s" % (self.args.seed, self.w.name)
        short = max(2, round(self.seconds * 0.6))
        # Not by start.conf, on which it does not depend, and by the ranges, not their file: another comment is the same search.
        key = digest(self.w.work(), self.w.scripts_weighed(), sorted((n, rivals.SPACE[n]) for n in names), seed, self.args.trials,
                     short, self.args.warmup, self.args.by)
        if not self.begin("search", key):
            return
        part = self.result["search"]
        trials = part.setdefault("trials", [])
        candidates = rivals.samples(seed, self.args.trials, names)
        if len(trials) < len(candidates) or "again" not in part:
            self.server().fresh()
        for i in range(len(trials), len(candidates)):
            trials.append(self.try_one(candidates[i], short, i))
            self.keep()
            say("%s: trial %d of %d: %s" % (self.w.name, i + 1, len(candidates), trials[-1].get("tps") or trials[-1]["error"]))
        ran = [i for i in range(len(trials)) if "tps" in trials[i]]
        order = sorted(ran, key=lambda i: -score(trials[i], self.args.by))[:KEEP_BEST]
        again = {i: [] for i in order}
        for r in range(REMEASURED):
            for i in order if r % 2 == 0 else reversed(order):
                again[i].append(score(self.arena.visit(candidates[i], short, self.args.warmup, 500 + r), self.args.by))
        means = {i: math.exp(sum(map(math.log, again[i])) / len(again[i])) for i in order}
        best = max(order, key=lambda i: means[i])
        part.update(again={str(i): v for i, v in again.items()}, best=best, settings=candidates[best], done=True)
        self.keep()
        say("%s: the search's best is trial %d: %.1f" % (self.w.name, best + 1, means[best]))

    def try_one(self, settings, seconds, i):
        try:
            got = self.arena.visit(settings, seconds, self.args.warmup, 100 + i)
            return {"tps": round(got["tps"], 2), "server_ms": got["server_ms"], "load": got["load"]}
        except (arena.Broken, subprocess.TimeoutExpired) as e:
            return {"error": str(e)[-300:]}

    # ---- the program

    def tool(self):
        key = digest(self.w.work() + [self.args.program], self.w.start, self.w.scripts_weighed(), self.args.budget, self.args.rounds, self.seconds, self.args.seed)
        if not self.begin("tool", key):
            return
        a = self.server()
        a.fresh()
        a.switch(self.w.start)
        home = os.path.join(a.base, "home")
        subprocess.run(["rm", "-rf", home], check=True)
        os.makedirs(home, mode=0o700)
        durable = a.durability()
        argv = [self.args.program, "tune", "-H", a.base, "-p", "5432", "-U", "postgres", "-d", arena.DATABASE, "--json", "--accept",
                "safe", "--restart", "auto", "--rounds", str(self.args.rounds), "--budget", str(self.args.budget), "--clients",
                str(self.w.clients), "--duration", str(self.seconds)]
        for path, weight in self.w.scripts:
            argv += ["--script", "%s@%d" % (path, weight)]
        say("%s: tuning, at most %g minutes" % (self.w.name, self.args.budget))
        began = time.monotonic()
        done = subprocess.run(argv, capture_output=True, text=True, env=dict(a.env, PG_DIAGNOSE_HOME=home),
                              stdin=subprocess.DEVNULL, timeout=self.args.budget * 60 * 2 + 600)
        took = time.monotonic() - began
        events = [json.loads(line) for line in done.stdout.splitlines()]
        summary = events[-1] if events else {}
        entries = a.entries()
        foreign = sorted(set(entries) - set(rivals.allowlist(SOURCE, 150000)))
        part = self.result["tool"]
        part.update(exit=done.returncode, seconds=round(took), summary=summary, entries=entries, events=events,
                    said=done.stderr[-20000:], durability_untouched=a.durability() == durable, outside_allowlist=foreign,
                    settings=dict(self.w.start, **entries), done=bool(events) and summary.get("event") == "summary")
        self.keep()
        say("%s: %s, %s in %.0f s: %s" % (self.w.name, summary.get("state"), summary.get("verdict"), took, entries))

    # ---- all arms in turn

    def final(self):
        arms = {"start": self.w.start, "defaults": {}, "pgtune": rivals.pgtune(*machine())}
        for name in ("search", "tool"):
            if self.result.get(name, {}).get("done"):
                arms[name] = self.result[name]["settings"]
        key = digest(self.w.work(), self.w.scripts_weighed(), arms, self.args.visits, self.seconds, self.args.warmup)
        if not self.begin("final", key):
            return
        part = self.result["final"]
        runs = part.setdefault("runs", {n: [] for n in arms})
        part["arms"] = arms
        self.server().fresh()
        names = [n for n in ARMS if n in arms]
        while min(len(v) for v in runs.values()) < self.args.visits:
            r = min(len(v) for v in runs.values())
            turned = names[r % len(names):] + names[:r % len(names)]  # nobody always comes first
            for name in turned if r % 2 == 0 else turned[::-1]:
                if len(runs[name]) > r:
                    continue
                runs[name].append(self.arena.visit(arms[name], self.seconds, self.args.warmup, 900 + r))
                self.keep()
                say("%s: visit %d of %s: %.1f TPS" % (self.w.name, r + 1, name, runs[name][-1]["tps"]))
        part["done"] = True
        self.keep()

    def go(self):
        try:
            self.result.update(name=self.w.name, set=self.w.kind, wrong=self.w.wrong, seconds=self.seconds, clients=self.w.clients)
            if not self.args.no_search:
                self.search()
            if not self.args.no_tool:
                self.tool()
            self.final()
        finally:
            if self.arena:
                self.arena.destroy()
            self.arena = None


# ---------------------------------------------------------------------------------------------------------------------
# The table and the bars

def score(run, by):
    """More is better: TPS with the closing CHECKPOINT, or transactions a second of the server's CPU time."""
    return run["tps"] if by == "tps" else 1000.0 / max(run["server_ms"], 1e-4)


def figures(result, by):
    """Ratios of the arms of a workload whose final comparison has at least two rounds."""
    runs = result.get("final", {}).get("runs", {})
    n = min((len(v) for v in runs.values()), default=0)
    if n < 1:
        return None
    tps = {name: [score(r, by) for r in v[:n]] for name, v in runs.items()}
    out = {"n": n, "tps": {k: math.exp(sum(map(math.log, v)) / n) for k, v in tps.items()},
           "transactions": min(r["transactions"] for v in runs.values() for r in v),
           "load": sum(r["load"] for v in runs.values() for r in v[:n]) / (n * len(runs))}
    base = "tool" if "tool" in tps else None
    for other in tps:
        if base and other != base:
            out["tool/" + other] = arena.ratio(tps[base], tps[other])
    for over in ("start", "pgtune", "search"):
        for under in ("start", "defaults", "pgtune"):
            if over in tps and over != under:
                out["%s/%s" % (over, under)] = arena.ratio(tps[over], tps[under])
    return out


def text_of(r):
    return "%.2f" % r[0] if math.isnan(r[1]) else "%.2f (%.2f-%.2f)" % r


def geometric(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def table(results, by):
    lines, bars = [], []
    for kind in ("headroom", "none", "unseen"):
        rows = [(r, figures(r, by)) for r in results if r.get("set") == kind]
        rows = [(r, f) for r, f in rows if f]
        if not rows:
            continue
        lines.append("\nWorkloads %s; %s" % (LABEL[kind], UNITS[by]))
        head = ["workload", "start", "defaults", "pgtune", "search", "tool", "tool/start", "tool/defaults", "tool/pgtune",
                "tool/search", "search/pgtune", "min", "changes", "n", "load"]
        body = [head]
        for r, f in rows:
            t = r.get("tool", {})
            body.append([r["name"]] + ["%.4g" % f["tps"][a] if a in f["tps"] else "-" for a in ARMS] +
                        [text_of(f["tool/" + a]) if "tool/" + a in f else "-" for a in ARMS[:4]] +
                        [text_of(f["search/pgtune"]) if "search/pgtune" in f else "-",
                         "%.1f" % (t["seconds"] / 60) if "seconds" in t else "-",
                         str(len(t["entries"])) if "entries" in t else "-", str(f["n"]), "%.1f" % f["load"]])
        widths = [max(len(row[i]) for row in body) for i in range(len(head))]
        lines += ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))) for row in body]
        bars += judge(kind, rows)
    lines.append("")
    lines += ["%-6s %s" % ("met" if ok else "MISSED", text) for ok, text in bars]
    return "\n".join(lines), all(ok for ok, _ in bars)


def judge(kind, rows):
    bars = []
    with_tool = [(r, f) for r, f in rows if "tool" in f["tps"]]
    for r, f in with_tool:
        better = max("defaults", "pgtune", key=lambda a: f["tps"][a])
        x = f["tool/" + better]
        bars.append((x[0] >= BAR_RULES, "%s: %s of the better of defaults and pgtune (%s), at least %.2f" %
                     (r["name"], text_of(x), better, BAR_RULES)))
        t = r["tool"]
        if not t["durability_untouched"] or t["outside_allowlist"]:
            bars.append((False, "%s: durability or a setting outside the list was changed: %s" % (r["name"], t["outside_allowlist"])))
        if kind == "none":
            bars.append((t["summary"].get("verdict") != "improved", "%s: no claim where nothing can be gained (%s)" %
                         (r["name"], t["summary"].get("verdict"))))
    if kind == "headroom":
        for other, bar in (("search", BAR_SEARCH), ("pgtune", BAR_PGTUNE)):
            have = [f["tool/" + other][0] for _, f in with_tool if "tool/" + other in f]
            if have:
                bars.append((geometric(have) >= bar, "geometric mean over %d workloads of tool/%s: %.3f, at least %.2f" %
                             (len(have), other, geometric(have), bar)))
    return bars


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", default="")
    parser.add_argument("--folder", default=os.path.join(SOURCE, "tests/workloads"))
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--visits", type=int, default=6)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--program", default=os.environ.get("PGD_PROGRAM", os.path.join(SOURCE, "build/pg_diagnose")))
    parser.add_argument("--out", default=os.path.join(SOURCE, "build/bench/tuner"))
    parser.add_argument("--by", choices=sorted(UNITS), default="tps", help="cpu: where others load the machine, as an approximation")
    parser.add_argument("--no-tool", action="store_true")
    parser.add_argument("--no-search", action="store_true")
    parser.add_argument("--table", action="store_true", help="print the table of what is there, measure nothing")
    parser.add_argument("--quick", action="store_true", help="a smoke: two trials, runs of two seconds, a budget of one minute")
    args = parser.parse_args()
    rivals.check_pgtune()
    names = [n for n in args.workloads.split(",") if n] or sorted(os.listdir(args.folder))
    if args.quick:
        args.trials, args.seconds, args.budget, args.visits, args.warmup, args.rounds = 2, 2, 1, 2, 1, 1
        names = names if args.workloads else ["lookup"]
        args.out += "-quick"
    os.makedirs(args.out, exist_ok=True)
    missing = sorted(set(rivals.allowlist(SOURCE, 150000)) - set(rivals.SPACE))
    if missing:
        say("the random search has no range for %s" % ", ".join(missing))
    arena.stop_on_signals()
    benches = [Bench(args, arena.Workload(os.path.join(args.folder, n))) for n in names]
    if not args.table:
        for b in benches:
            b.go()
    text, good = table([b.result for b in benches], args.by)
    print(text)
    with open(os.path.join(args.out, "table.txt"), "w", encoding="utf-8") as f:
        f.write(text + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
