/* The bottleneck of a measured window: rows in the order in which one excludes the next. The first whose signs are there
 * answers, and says what class of change can help, or that none can and what hardware would. */
#include "pgd/agent/bottleneck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"

typedef bool (*sign_fn)(const struct sense *s, struct bottleneck *b);

static bool sleeping(const struct sense *s, struct bottleneck *b)
{
    if (sense_blocked(s) != BLOCK_SLEEP)
        return false;
    SAY(b->figure, "%s of the samples sleep in the statement itself",
        share_figure(sense_wait(s, "Timeout:PgSleep")).text);
    return true;
}

static bool client(const struct sense *s, struct bottleneck *b)
{
    if (sense_blocked(s) != BLOCK_CLIENT)
        return false;
    SAY(b->figure, "pgbench's threads use %s of a CPU each", share_figure(s->e->client_cpu).text);
    return true;
}

static bool locks(const struct sense *s, struct bottleneck *b)
{
    double share = fmax(s->w.lock_wait_share, sense_wait(s, "Lock:"));
    if (sense_blocked(s) != BLOCK_LOCKS && !(share > 0.3))
        return false;
    SAY(b->figure, "%s of the samples wait for locks of other sessions", share_figure(share).text);
    return true;
}

static bool thinking(const struct sense *s, struct bottleneck *b)
{
    if (sense_blocked(s) != BLOCK_THINK)
        return false;
    SAY(b->figure, "%.1f of %.0f sessions active, the time goes by in the client", s->w.active_avg,
        s->clients);
    return true;
}

static bool swapping(const struct sense *s, struct bottleneck *b)
{
    if (!(s->w.swap_in > 10))
        return false;
    SAY(b->figure, "%.0f pages a second come back from swap", s->w.swap_in);
    return true;
}

static bool committing(const struct sense *s, struct bottleneck *b)
{
    double share = sense_wait(s, "IO:WALSync") + sense_wait(s, "LWLock:WALWrite") +
                   sense_wait(s, "IO:WALWrite");
    if (!(share > 0.4))
        return false;
    SAY(b->figure, "%s of the samples wait for the WAL to reach the disk",
        share_figure(share).text);
    return true;
}

static bool spilling(const struct sense *s, struct bottleneck *b)
{
    double wait = sense_wait(s, "IO:BufFile"), plans = sense_time_share(s, plan_spills);
    if (!(wait > 0.2) && !(spills_measured(s) && plans > 0.3))
        return false;
    if (isfinite(wait))
        SAY(b->figure,
            "%s of the samples in temporary files, %s/s; %s of the time in plans that spill",
            share_figure(wait).text, size_figure(s->temp_rate).text, share_figure(plans).text);
    else /* a session of which no samples are kept */
        SAY(b->figure, "%s of the time in plans that spill", share_figure(plans).text);
    return true;
}

static bool checkpointing(const struct sense *s, struct bottleneck *b)
{
    double images = s->w.wal_fpi * 8192 / s->w.wal_bytes;
    if (!(s->w.ckpt_req >= 1) || !(s->wal_rate > 1048576))
        return false;
    SAY(b->figure, "%.0f checkpoints requested in %.0f s, %s/s of WAL, %s of it page images",
        s->w.ckpt_req, s->w.secs, size_figure(s->wal_rate).text,
        share_figure(fmin(1, images)).text);
    return true;
}

static bool reading(const struct sense *s, struct bottleneck *b)
{
    double read = sense_wait(s, "IO:DataFileRead");
    if (!(read > 0.3) && !(s->w.cpu_iowait > 0.3))
        return false;
    SAY(b->figure, "%s of the samples wait for data files, %s of CPU time for I/O",
        share_figure(read).text, share_figure(s->w.cpu_iowait).text);
    return true;
}

static bool writing_out(const struct sense *s, struct bottleneck *b)
{
    double share = sense_wait(s, "IO:DataFileWrite") + sense_wait(s, "IO:DataFileFlush") +
                   sense_wait(s, "IO:DataFileExtend");
    if (!(share > 0.25))
        return false;
    SAY(b->figure, "%s of the samples write data files", share_figure(share).text);
    return true;
}

static bool sending(const struct sense *s, struct bottleneck *b)
{
    double share = sense_wait(s, "Client:ClientWrite");
    if (!(share > 0.3))
        return false;
    SAY(b->figure, "%s of the samples send results that the client is slow to take",
        share_figure(share).text);
    return true;
}

static bool contending(const struct sense *s, struct bottleneck *b)
{
    double share = sense_wait(s, "LWLock:");
    if (!(share > 0.3))
        return false;
    SAY(b->figure, "%s of the samples wait for the server's internal locks",
        share_figure(share).text);
    return true;
}

static bool compiling(const struct sense *s, struct bottleneck *b)
{
    if (!cpu_saturated(s) || !(jit_share(s) > 0.25))
        return false;
    SAY(b->figure, "%s of the statements' time is compiling", share_figure(jit_share(s)).text);
    return true;
}

static bool discarding(const struct sense *s, struct bottleneck *b)
{
    double share = sense_time_share(s, plan_discards);
    if (!cpu_saturated(s) || !(share > 0.3))
        return false;
    SAY(b->figure, "%s of the time in scans that throw almost all rows away",
        share_figure(share).text);
    return true;
}

static bool computing(const struct sense *s, struct bottleneck *b)
{
    if (!cpu_saturated(s))
        return false;
    SAY(b->figure, "%s busy on %.4g CPUs%s", share_figure(1 - s->w.cpu_idle).text, s->cpus,
        s->w.cpu_steal > 0.05 ? ", some of it stolen by other machines of the host" : "");
    return true;
}

static bool pressed(const struct sense *s, struct bottleneck *b)
{
    if (!(s->w.psi_io > 0.3))
        return false;
    SAY(b->figure, "tasks stalled for %s of the time", share_figure(s->w.psi_io).text);
    return true;
}

static bool single(const struct sense *s, struct bottleneck *b)
{
    if (!(s->w.active_avg < 0.7 * s->cpus) || !(s->w.cpu_idle > 0.3))
        return false;
    SAY(b->figure, "%.1f sessions active on %.4g CPUs, %s idle", s->w.active_avg, s->cpus,
        share_figure(s->w.cpu_idle).text);
    return true;
}

static bool mixed(const struct sense *s, struct bottleneck *b)
{
    if (s->w.nwaits <= 0)
        return false;
    SAY(b->figure, "most samples are %s (%s)", s->w.waits[0].event,
        share_figure(s->w.waits[0].share).text);
    return true;
}

static const struct {
    const char *kind;
    sign_fn sign;
    enum remedy remedy;
    const char *helps;
} rows[] = {
    {"sleep", sleeping, REMEDY_WORKLOAD, "nothing to tune"},
    {"client-bound", client, REMEDY_WORKLOAD, "more threads, or another machine for the client"},
    {"lock-bound", locks, REMEDY_WORKLOAD, "the application, not settings"},
    {"client-bound", thinking, REMEDY_WORKLOAD, "not the server"},
    {"memory-bound", swapping, REMEDY_SETTINGS, "smaller memory settings, or more memory"},
    {"commit-bound", committing, REMEDY_HARDWARE, "faster storage, or more work per commit"},
    {"spill-bound", spilling, REMEDY_SETTINGS, "memory settings"},
    {"checkpoint-bound", checkpointing, REMEDY_SETTINGS, "WAL and checkpoint settings"},
    {"read-bound", reading, REMEDY_SETTINGS, "cache and read-ahead settings, else more memory"},
    {"write-bound", writing_out, REMEDY_SETTINGS,
     "background writer and checkpoint settings, else storage"},
    {"client-bound", sending, REMEDY_WORKLOAD, "smaller results, or a faster client"},
    {"contention", contending, REMEDY_WORKLOAD, "fewer sessions at a time, a pooler"},
    {"CPU-bound in compiling", compiling, REMEDY_SETTINGS, "JIT settings"},
    {"CPU-bound in scans", discarding, REMEDY_SETTINGS, "planner costs, else an index"},
    {"CPU-bound", computing, REMEDY_HARDWARE, "cheaper plans, else hardware"},
    {"I/O pressure", pressed, REMEDY_HARDWARE, "faster storage"},
    {"one statement at a time", single, REMEDY_SETTINGS, "parallel workers, else a faster CPU"},
    {"no single bottleneck", mixed, REMEDY_UNKNOWN, ""},
};

void bottleneck_find(const struct sense *s, struct bottleneck *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].sign(s, out))
            continue;
        SAY(out->kind, "%s", rows[i].kind);
        SAY(out->helps, "%s", rows[i].helps);
        out->remedy = rows[i].remedy;
        return;
    }
    SAY(out->kind, "not known");
    SAY(out->figure, "neither waits nor CPU could be seen");
    out->remedy = REMEDY_UNKNOWN;
}

void bottleneck_text(const struct sense *s, char *dst, size_t size)
{
    struct bottleneck b;
    bottleneck_find(s, &b);
    say(dst, size, "%s: %s%s%s", b.kind, b.figure, b.helps[0] ? "; " : "", b.helps);
}
