"""Whom the tuner is measured against: pgtune's rules for a machine, and random search over the settings that the program may change.

Both are independent of the program's own code: pgtune's formulas are written down here a second time, from le0pard/pgtune
(commit bf2870b), and `python3 rivals.py` checks them against known answers.
"""
import math
import os
import random
import re
import sys

KB, MB, GB = 1, 1024, 1024 * 1024  # in kB, as pgtune counts

PGTUNE = {  # connections, shared_buffers = RAM/x, effective_cache_size = RAM*a/b, maintenance = RAM/x, WAL in MB, work_mem/x
    "web": dict(conns=200, shared=4, cache=(3, 4), maint=16, wal=(1024, 4096), stats=100, work=1, jit="off"),
    "oltp": dict(conns=300, shared=4, cache=(3, 4), maint=16, wal=(2048, 8192), stats=100, work=1, jit="off"),
    "dw": dict(conns=40, shared=4, cache=(3, 4), maint=8, wal=(4096, 16384), stats=500, work=2, jit=None),
    "desktop": dict(conns=20, shared=16, cache=(1, 4), maint=16, wal=(100, 2048), stats=100, work=6, jit=None),
    "mixed": dict(conns=100, shared=4, cache=(3, 4), maint=16, wal=(1024, 4096), stats=100, work=2, jit="off"),
}


def kb_text(kb):
    if kb % GB == 0:
        return "%dGB" % (kb // GB)
    return "%dMB" % (kb // MB) if kb % MB == 0 else "%dkB" % kb


def pgtune(ram_kb, cpus, kind="mixed", disk="ssd", conns=None, version=15):
    """pgtune's settings for a Linux machine, of a database of which it is told nothing ("mid")."""
    k = PGTUNE[kind]
    conns = conns or k["conns"]
    shared = ram_kb // k["shared"]
    maint = min(ram_kb // k["maint"], 8 * GB)
    out = {"max_connections": str(conns), "shared_buffers": kb_text(shared),
           "effective_cache_size": kb_text(ram_kb * k["cache"][0] // k["cache"][1]), "maintenance_work_mem": kb_text(maint)}
    wal_buffers = min(3 * shared // 100, 16 * MB)
    if 14 * MB < wal_buffers < 16 * MB:
        wal_buffers = 16 * MB
    out["wal_buffers"] = kb_text(max(wal_buffers, 32))
    out["checkpoint_completion_target"] = "0.9"
    out["min_wal_size"], out["max_wal_size"] = (kb_text(mb * MB) for mb in k["wal"])
    out["default_statistics_target"] = str(k["stats"])
    out["random_page_cost"] = "4" if disk == "hdd" or kind == "dw" else "1.1"
    out["effective_io_concurrency"] = {"hdd": "2", "ssd": "200", "san": "300", "nvme": "1000"}[disk]
    out["huge_pages"] = "try" if shared >= 2 * GB else "off"
    processes = cpus if cpus >= 4 else 8
    work = (ram_kb - shared) / ((conns + processes) * 3)
    out["work_mem"] = kb_text(max(int(work / k["work"]), 4 * MB))
    if cpus >= 4:
        per_gather = math.ceil(cpus / 2)
        out["max_worker_processes"] = out["max_parallel_workers"] = str(cpus)
        out["max_parallel_workers_per_gather"] = str(per_gather if kind == "dw" else min(4, per_gather))
        out["max_parallel_maintenance_workers"] = str(min(4, per_gather))
    if k["jit"]:
        out["jit"] = k["jit"]
    out["wal_compression"] = "lz4" if version >= 15 else "on"
    if maint >= 2 * GB:
        out["autovacuum_work_mem"] = "2GB"
    if cpus >= 16:
        out["autovacuum_max_workers"] = "5" if cpus >= 32 else "4"
    return out


def check_pgtune():
    known = [
        ((16 * GB, 4, "oltp", "ssd", 300), "shared_buffers 4GB effective_cache_size 12GB maintenance_work_mem 1GB wal_buffers 16MB "
         "work_mem 13797kB max_worker_processes 4 max_parallel_workers_per_gather 2 max_parallel_workers 4 "
         "max_parallel_maintenance_workers 2 random_page_cost 1.1 effective_io_concurrency 200 huge_pages try min_wal_size 2GB "
         "max_wal_size 8GB jit off wal_compression lz4"),
        ((32 * GB, 8, "oltp", "ssd", 300), "work_mem 27235kB max_worker_processes 8 max_parallel_workers_per_gather 4 "
         "autovacuum_work_mem 2GB"),
        ((8 * GB, 2, "web"), "shared_buffers 2GB work_mem 10082kB"),
        ((64 * GB, 16, "dw", "nvme", 40), "work_mem 149796kB maintenance_work_mem 8GB max_parallel_workers_per_gather 8 "
         "random_page_cost 4 effective_io_concurrency 1000 default_statistics_target 500 autovacuum_max_workers 4"),
    ]
    for args, text in known:
        have, words = pgtune(*args), text.split()
        for name, value in zip(words[::2], words[1::2]):
            assert have[name] == value, "pgtune%s: %s is %s, not %s" % (args, name, have[name], value)
    assert "max_parallel_workers" not in pgtune(8 * GB, 2, "web")


# ---------------------------------------------------------------------------------------------------------------------
# Random search: of each setting the range in which a careful DBA would look, by the logarithm of the value.
# (lowest, highest, unit), or a list of choices. A whole number unless the unit is "".

SPACE = {
    "shared_buffers": (64, 8192, "MB"), "work_mem": (1024, 524288, "kB"), "maintenance_work_mem": (65536, 2097152, "kB"),
    "autovacuum_work_mem": ["-1"], "effective_cache_size": (1024, 20480, "MB"), "hash_mem_multiplier": (1.0, 4.0, ""),
    "temp_buffers": (8192, 262144, "kB"), "huge_pages": ["try", "off"], "wal_buffers": (4096, 65536, "kB"),
    "max_wal_size": (1024, 16384, "MB"), "min_wal_size": (80, 1024, "MB"), "checkpoint_timeout": (300, 1800, "s"),
    "checkpoint_completion_target": (0.5, 0.9, ""), "checkpoint_flush_after": ["0", "128kB", "256kB", "1MB"],
    "wal_compression": ["off", "pglz", "lz4", "zstd"], "wal_writer_delay": (10, 1000, "ms"),
    "wal_writer_flush_after": (128, 8192, "kB"), "bgwriter_delay": (10, 500, "ms"), "bgwriter_lru_maxpages": (50, 1000, "n"),
    "bgwriter_lru_multiplier": (1.0, 8.0, ""), "bgwriter_flush_after": ["0", "512kB", "2MB"],
    "backend_flush_after": ["0", "0", "512kB", "2MB"], "random_page_cost": (1.0, 4.0, ""), "seq_page_cost": (0.5, 1.0, ""),
    "cpu_tuple_cost": (0.005, 0.02, ""), "cpu_index_tuple_cost": (0.0025, 0.01, ""), "cpu_operator_cost": (0.00125, 0.005, ""),
    "default_statistics_target": (100, 500, "n"), "jit": ["on", "off"], "jit_above_cost": (50000, 2000000, "n"),
    "jit_inline_above_cost": (200000, 5000000, "n"), "jit_optimize_above_cost": (200000, 5000000, "n"),
    "effective_io_concurrency": ["0", "1", "2", "16", "64", "200"], "maintenance_io_concurrency": ["0", "10", "100"],
    "max_worker_processes": ["4", "8", "16"], "max_parallel_workers": ["0", "1", "2", "4", "8"],
    "max_parallel_workers_per_gather": ["0", "1", "2", "4"], "max_parallel_maintenance_workers": ["0", "1", "2", "4"],
    "autovacuum_naptime": (10, 120, "s"), "autovacuum_max_workers": ["2", "3", "4"],
    "autovacuum_vacuum_cost_limit": (200, 4000, "n"), "autovacuum_vacuum_cost_delay": (0.5, 10.0, "ms"),
    "autovacuum_vacuum_scale_factor": (0.02, 0.3, ""), "autovacuum_analyze_scale_factor": (0.02, 0.2, ""),
    "autovacuum_vacuum_insert_scale_factor": (0.05, 0.4, ""), "autovacuum_vacuum_threshold": (50, 1000, "n"),
    "autovacuum_analyze_threshold": (50, 1000, "n"), "autovacuum_vacuum_insert_threshold": (500, 10000, "n"),
    "track_io_timing": ["off", "off", "on"], "log_checkpoints": ["on"], "log_temp_files": ["-1"], "compute_query_id": ["auto", "off"],
}


def allowlist(source_dir, version_num):
    """The settings that the program may propose to anybody, from its own table: without the DBA's own and the durability trades."""
    with open(os.path.join(source_dir, "src/tuning/knobs.c"), encoding="utf-8") as f:
        rows = re.findall(r"\{\.name = \"(\w+)\"(.*?)\.meaning", f.read(), re.S)
    names = []
    for name, rest in rows:
        least = re.search(r"\.min_version = (\d+)", rest)
        if not re.search("KNOB_DURABILITY|KNOB_DBA_ONLY", rest) and (not least or int(least.group(1)) <= version_num):
            names.append(name)
    return names


def sample(rng, names):
    """One random configuration: every setting of *names* that the search knows a range of."""
    out = {}
    for name in names:
        space = SPACE.get(name)
        if not space:
            continue
        if isinstance(space, list):
            out[name] = rng.choice(space)
            continue
        lo, hi, unit = space
        value = math.exp(rng.uniform(math.log(lo), math.log(hi)))
        if isinstance(lo, float):
            out[name] = "%.4g%s" % (value, unit)
        else:
            out[name] = "%d%s" % (round(value), "" if unit == "n" else unit)
    return out


def samples(seed, count, names):
    rng = random.Random(seed)
    return [sample(rng, names) for _ in range(count)]


if __name__ == "__main__":
    check_pgtune()
    here = os.path.dirname(os.path.abspath(__file__))
    listed = allowlist(os.path.join(here, "../.."), 150000)
    unknown = sorted(set(listed) - set(SPACE))
    print("pgtune's known answers: right; %d settings in the random search, without a range: %s" %
          (len(listed) - len(unknown), ", ".join(unknown) or "none"))
    sys.exit(1 if unknown else 0)
