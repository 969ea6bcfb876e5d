#!/usr/bin/env python3
"""Records runs of one and the same configuration, as the program makes them, for the simulations of docs/evidence.md.

usage: record_runs.py OUT.csv SECONDS RUNS

A private PostgreSQL is made for it (PGBIN: where its programs are). RUNS runs of SECONDS each of three workloads: point
reads, small writing transactions, an aggregate with a sort. As the program does, each run begins after a CHECKPOINT and is
charged with the CHECKPOINT at its end.

One line a run: workload, run, begin (s), TPS of pgbench, TPS with its closing CHECKPOINT charged, p50, p95, p99 (ms), and the TPS of each second.
"""
import csv, glob, os, re, shutil, subprocess, sys, tempfile, time

BIN = os.environ.get("PGBIN", "/usr/lib/postgresql/15/bin") + "/"
AS = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] if os.getuid() == 0 else []
SCRIPTS = {
    "select": "\\set a random(1, 1000000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :a;\n",
    "write": None,  # pgbench's own tpcb-like
    "sort": "\\set a random(1, 900000)\nSELECT aid % 97, count(*), sum(abalance) FROM pgbench_accounts "
            "WHERE aid BETWEEN :a AND :a + 20000 GROUP BY 1 ORDER BY 3 DESC LIMIT 5;\n",
}


def main():
    out_path, seconds, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    home = tempfile.mkdtemp(prefix="record-", dir="/var/tmp")
    os.chmod(home, 0o777)
    data = home + "/data"
    subprocess.run(AS + [BIN + "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N"], check=True, stdout=subprocess.DEVNULL)
    with open(data + "/postgresql.conf", "a") as f:
        f.write("listen_addresses=''\nunix_socket_directories='%s'\nport=5999\nshared_buffers=256MB\nmax_wal_size=1GB\n" % home)
    subprocess.run(AS + [BIN + "pg_ctl", "-D", data, "-w", "-l", home + "/log", "start"], check=True, stdout=subprocess.DEVNULL)
    env = dict(os.environ, PGHOST=home, PGPORT="5999", PGUSER="postgres", PGDATABASE="postgres")
    try:
        subprocess.run([BIN + "pgbench", "-i", "-q", "-s", "10"], env=env, check=True, stderr=subprocess.DEVNULL)
        with open(out_path, "w", newline="") as out:
            write = csv.writer(out)
            write.writerow(["workload", "run", "begin_s", "tps_pgbench", "tps", "p50_ms", "p95_ms", "p99_ms", "seconds"])
            begin = time.time()
            for name, text in SCRIPTS.items():
                one(home, env, name, text, 0, begin, seconds)
                for run in range(1, runs + 1):
                    write.writerow(one(home, env, name, text, run, begin, seconds))
                    out.flush()
    finally:
        subprocess.run(AS + [BIN + "pg_ctl", "-D", data, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)


def checkpoint(env):
    at = time.time()
    subprocess.run([BIN + "psql", "-Xqc", "CHECKPOINT"], env=env, check=True)
    return time.time() - at


def one(home, env, name, text, run, begin, seconds):
    argv = [BIN + "pgbench", "-n", "-M", "prepared", "-c", "4", "-j", "2", "-T", str(seconds), "-P", "1", "--random-seed=%d" % (run + 1)]
    logs = home + "/l"
    argv += ["-l", "--log-prefix=" + logs, "--sampling-rate=%s" % (0.05 if name == "select" else 1)]
    if text is None:
        argv += ["-b", "tpcb-like"]
    else:
        path = "%s/%s.sql" % (home, name)
        with open(path, "w") as f:
            f.write(text)
        argv += ["-f", path]
    checkpoint(env)
    at = time.time() - begin
    ran = subprocess.run(argv, env=env, check=True, capture_output=True, text=True)
    idle = checkpoint(env)
    none = checkpoint(env)
    tps = float(re.search(r"tps = ([0-9.]+) \(without", ran.stdout).group(1))
    n = int(re.search(r"actually processed: (\d+)", ran.stdout).group(1))
    charged = n / (n / tps + max(0, idle - none))
    lat = []
    for path in glob.glob(logs + ".*"):
        with open(path) as f:
            lat += [int(l.split()[2]) for l in f]
        os.unlink(path)
    lat.sort()
    q = [("%.3f" % (lat[min(len(lat) - 1, int(len(lat) * p))] / 1000)) if lat else "" for p in (0.5, 0.95, 0.99)]
    secs = " ".join("%.0f" % float(x) for x in re.findall(r"^progress: [0-9.]+ s, ([0-9.]+) tps", ran.stderr, re.M))
    return [name, run, "%.1f" % at, "%.1f" % tps, "%.1f" % charged] + q + [secs]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main()
