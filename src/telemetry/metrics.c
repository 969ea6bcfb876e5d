/* The rows of the metrics and the rings that hold their values. */
#include "pgd/telemetry/metrics.h"

#include <math.h>

#include "pgd/base/mem.h"

static const struct metric rows[METRIC_COUNT] = {
    [METRIC_TPS] = {"tps", "xacts", "/s",
                    "Transactions that ended in all databases, ours left out, per second."},
    [METRIC_SESSIONS] = {"sessions", "sessions", "", "Client sessions, ours left out."},
    [METRIC_ACTIVE] = {"active", "active", "", "Client sessions that execute a statement."},
    [METRIC_WAITING] = {"waiting", "lock waits", "",
                        "Active sessions that wait for a lock of another session."},
    [METRIC_HIT_RATIO] = {"hit_ratio", "hit", "%",
                          "Share of the block reads that shared_buffers answered."},
    [METRIC_BLKS_READ] = {"blks_read", "reads", "/s",
                          "Blocks that were not in shared_buffers, per second."},
    [METRIC_TUP_READ] = {"tup_read", "rows read", "/s",
                         "Rows that scans read, sequential and by index, per second."},
    [METRIC_TUP_WRITTEN] = {"tup_written", "rows written", "/s",
                            "Rows inserted, updated or deleted, per second."},
    [METRIC_TEMP_BYTES] = {"temp_bytes", "temp", "MB/s",
                           "Written to temporary files: sorts and hashes beyond work_mem."},
    [METRIC_WAL_BYTES] = {"wal_bytes", "wal", "MB/s", "Write-ahead log generated."},
    [METRIC_CKPT_REQ] = {"ckpt_req", "ckpt req", "",
                         "Checkpoints that were requested, as a rule because max_wal_size was "
                         "reached."},
    [METRIC_CKPT_TIMED] = {"ckpt_timed", "ckpt timed", "",
                           "Checkpoints that checkpoint_timeout started."},
    [METRIC_BUFFERS_BACKEND] = {"buffers_backend", "backend writes", "/s",
                                "Buffers that sessions had to write themselves, per second."},
    [METRIC_CPU_USER] = {"cpu_user", "us", "%", "CPU time of programs, of all CPUs."},
    [METRIC_CPU_SYS] = {"cpu_sys", "sy", "%", "CPU time of the kernel, of all CPUs."},
    [METRIC_CPU_IOWAIT] = {"cpu_iowait", "io", "%", "CPU time idle while a disk was waited for."},
    [METRIC_RUN_QUEUE] = {"run_queue", "run", "", "Processes that run or are ready to run."},
    [METRIC_MEM_AVAILABLE] = {"mem_available", "mem free", "MB",
                              "Memory that can be had without swapping."},
    [METRIC_SWAP] = {"swap", "swap", "/s", "Pages swapped in and out, per second."},
    [METRIC_DISK_READ] = {"disk_read", "disk r", "MB/s", "Read from the disk."},
    [METRIC_DISK_WRITE] = {"disk_write", "disk w", "MB/s", "Written to the disk."},
    [METRIC_DISK_AWAIT] = {"disk_await", "await", "ms", "Mean time of one request to the disk."},
    [METRIC_DISK_UTIL] = {"disk_util", "util", "%", "Time in which the disk was busy."},
    [METRIC_PSI_CPU] = {"psi_cpu", "psi cpu", "%", "Time in which some task waited for a CPU."},
    [METRIC_PSI_IO] = {"psi_io", "psi io", "%", "Time in which some task waited for a disk."},
    [METRIC_PSI_MEM] = {"psi_mem", "psi mem", "%", "Time in which some task waited for memory."},
    [METRIC_NET] = {"net", "net", "MB/s", "Received and sent, without the loopback."},
};

const struct metric *metric_info(enum metric_id id)
{
    if ((int)id < 0 || id >= METRIC_COUNT)
        die("no metric %d", (int)id);
    return &rows[id];
}

static void close_minute(struct series *s)
{
    struct rollup *m = &s->minute[s->minute_head];
    if (s->acc_n > 0)
        *m = (struct rollup){s->acc_min, s->acc_max, (float)(s->acc_sum / s->acc_n)};
    else
        *m = (struct rollup){NAN, NAN, NAN};
    s->minute_head = (s->minute_head + 1) % SERIES_MINUTES;
    if (s->minute_count < SERIES_MINUTES)
        s->minute_count++;
    s->acc_n = 0;
    s->acc_sum = 0;
}

static void accumulate(struct series *s, float v)
{
    if (isnan(v))
        return;
    s->acc_min = s->acc_n == 0 || v < s->acc_min ? v : s->acc_min;
    s->acc_max = s->acc_n == 0 || v > s->acc_max ? v : s->acc_max;
    s->acc_sum += (double)v;
    s->acc_n++;
}

void series_fill(struct series *s, int ago, double value)
{
    if (ago < 0 || ago >= s->count)
        return;
    float *at = &s->second[(s->head - 1 - ago + 2 * SERIES_SECONDS) % SERIES_SECONDS];
    if (!isnan(*at))
        return;
    *at = (float)value;
    if (ago < s->head % 60) /* of the minute that is not over */
        accumulate(s, *at);
}

void series_add(struct series *s, double value)
{
    float v = (float)value;
    s->second[s->head] = v;
    s->head = (s->head + 1) % SERIES_SECONDS;
    if (s->count < SERIES_SECONDS)
        s->count++;
    accumulate(s, v);
    /* The ring is a whole number of minutes long, so its head tells when one is full. */
    if (s->head % 60 == 0)
        close_minute(s);
}

int series_last(const struct series *s, int n, double *out)
{
    if (n > s->count)
        n = s->count;
    for (int i = 0; i < n; i++)
        out[i] = (double)s->second[(s->head - n + i + SERIES_SECONDS) % SERIES_SECONDS];
    return n < 0 ? 0 : n;
}

double series_newest(const struct series *s)
{
    if (s->count == 0)
        return NAN;
    return (double)s->second[(s->head + SERIES_SECONDS - 1) % SERIES_SECONDS];
}
