/* flow_watch.c - the eye on everything beside the measurement: conditions in which a benchmark must stop at once, and the
 * work of others that spoils a run.
 *
 * Once a second, with each sample of telemetry/watch.h, every row of `conditions` is asked. One that holds for as many
 * samples as its row says ends the session like an interrupt does: pgbench is stopped, the switch under way is undone, the
 * session is PAUSED. The first sample of a session is kept, so that what was there before us is not laid at our door. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

#define MB 1048576.0

/* Beyond these a session ends. They are meant to be far away from a server in good health. */
struct bounds {
    double lag_bytes, lag_s; /* of a standby, beyond what it was behind before */
    double slot_bytes;       /* more WAL held by inactive slots than before */
    double wal_free,
        wal_share; /* the WAL's disk keeps that many bytes or that share free, the lower of both */
    double slots;  /* connections that stay free for others */
    double memory_share; /* of the machine's memory in use */
    double samples;      /* in a row, at the most, before a condition counts */
};
static const struct bounds usual = {.lag_bytes = 512 * MB,
                                    .lag_s = 30,
                                    .slot_bytes = 512 * MB,
                                    .wal_free = 2048 * MB,
                                    .wal_share = 0.1,
                                    .slots = 3,
                                    .memory_share = 0.9,
                                    .samples = 1e9};

/* Work of others that a run can bear, beyond what was there when the plan was agreed to. */
static const double bear_active = 0.5, bear_busy = 4, bear_tps = 20, bear_factor = 1.5;
enum { THROWN_MAX = 4 };
/* How long the first run waits for what an earlier, killed run has left behind, and for the first sample. */
enum { LEFTOVER_WAIT_S = 60, SAMPLE_WAIT_S = 3 };

static struct bounds bounds_now(void)
{
    struct bounds b = usual;
#ifdef PGD_TEST_BUILD
    const struct {
        const char *name;
        double *at;
    } rows[] = {{"lag_bytes=", &b.lag_bytes},       {"lag_s=", &b.lag_s},
                {"slot_bytes=", &b.slot_bytes},     {"wal_free=", &b.wal_free},
                {"wal_share=", &b.wal_share},       {"slots=", &b.slots},
                {"memory_share=", &b.memory_share}, {"samples=", &b.samples}};
    const char *text = getenv("PGD_TEST_BOUNDS");
    for (size_t i = 0; text && i < ARRAY_LEN(rows); i++) {
        const char *at = strstr(text, rows[i].name);
        if (at)
            *rows[i].at = strtod(at + strlen(rows[i].name), NULL);
    }
#endif
    return b;
}

struct finding_text {
    char figure[160]; /* what was seen */
    char bound[80];   /* what would have been allowed */
};

static void PGD_PRINTF(3, 4) say(char *dst, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(dst, size, fmt, ap);
    va_end(ap);
}
#define SAID(field, ...) say(f->field, sizeof f->field, __VA_ARGS__)

struct size_text {
    char text[32];
};

static struct size_text bytes_text(double bytes)
{
    struct size_text t;
    text_bytes(t.text, sizeof t.text, bytes);
    return t;
}

/* What a condition may look at. */
struct look {
    const struct model *m;
    const struct watch_sample *now, *first;
    struct bounds b;
};
typedef bool (*condition_fn)(const struct look *l, struct finding_text *f);

static bool standby_behind(const struct look *l, struct finding_text *f)
{
    double bytes = l->b.lag_bytes + fmax(0, l->first->lag_bytes);
    double secs = l->b.lag_s + fmax(0, l->first->lag_s);

    if (!(l->now->lag_bytes > bytes) && !(l->now->lag_s > secs && l->now->lag_bytes > 16 * MB))
        return false;
    SAID(figure, "a standby is %s and %.0f s behind", bytes_text(l->now->lag_bytes).text,
         fmax(0, l->now->lag_s));
    SAID(bound, "%s, or %.0f s", bytes_text(bytes).text, secs);
    return true;
}

static bool standby_gone(const struct look *l, struct finding_text *f)
{
    if (!(l->now->replicas < l->first->replicas))
        return false;
    SAID(figure, "%.0f of %.0f standbys are connected", l->now->replicas, l->first->replicas);
    SAID(bound, "as many as before");
    return true;
}

/* synchronous_standby_names asks for a standby that does not answer: nobody's commit comes back. */
static bool commits_held(const struct look *l, struct finding_text *f)
{
    if (!(l->now->commits_held > 0))
        return false;
    SAID(figure, "%.0f commit%s wait%s for a standby that does not answer", l->now->commits_held,
         l->now->commits_held == 1 ? "" : "s", l->now->commits_held == 1 ? "s" : "");
    SAID(bound, "none for longer than 3 s");
    return true;
}

static bool archiver_fails(const struct look *l, struct finding_text *f)
{
    if (!l->now->archive_failing)
        return false;
    SAID(figure, "the archiver fails at %s, %.0f attempts so far", l->now->archive_file,
         l->now->archive_failed);
    SAID(bound, "none that fails");
    return true;
}

static bool slot_holds(const struct look *l, struct finding_text *f)
{
    double bytes = l->b.slot_bytes + fmax(0, l->first->slot_bytes);

    if (!(l->now->slots_inactive > 0) || !(l->now->slot_bytes > bytes))
        return false;
    SAID(figure, "the inactive slot %s holds %s of WAL, and it grows", l->now->slot_name,
         bytes_text(l->now->slot_bytes).text);
    SAID(bound, "%s", bytes_text(bytes).text);
    return true;
}

static bool disk_fills(const struct look *l, struct finding_text *f)
{
    const struct collect *c = &l->m->collect;
    double need = fmin(l->b.wal_free, l->b.wal_share * c->wal_total);

    if (!(c->wal_free < need))
        return false;
    SAID(figure, "the disk of the WAL has %s of %s free", bytes_text(c->wal_free).text,
         bytes_text(c->wal_total).text);
    SAID(bound, "%s stay free", bytes_text(need).text);
    return true;
}

static bool slots_run_out(const struct look *l, struct finding_text *f)
{
    double left = l->now->slots - l->now->clients;

    if (!(left < l->b.slots))
        return false;
    SAID(figure, "%.0f of %.0f connections are taken", l->now->clients, l->now->slots);
    SAID(bound, "%.0f stay free", l->b.slots);
    return true;
}

static bool memory_full(const struct look *l, struct finding_text *f)
{
    const struct host_facts *h = &l->m->server.host;
    double left = series_newest(&l->m->collect.series[METRIC_MEM_AVAILABLE]) * MB;

    /* Of a server in a cgroup the machine's figure says nothing. */
    if (!h->known || h->cgroup_mem_limit > 0 || !(left < (1 - l->b.memory_share) * h->mem_total))
        return false;
    SAID(figure, "%s of %s memory are left", bytes_text(left).text, bytes_text(h->mem_total).text);
    SAID(bound, "%.0f %% in use", l->b.memory_share * 100);
    return true;
}

static const struct {
    const char *name; /* of the event and of the report */
    condition_fn holds;
    int samples; /* in a row before it counts: a standby needs a moment after a restart of ours */
    const char *hint;
} conditions[] = {
    {"standby lag", standby_behind, 2,
     "Look at the standby and at the network between; then resume the session."},
    {"standby gone", standby_gone, 60, "Look at the standby; then resume the session."},
    {"commits", commits_held, 3,
     "Look at synchronous_standby_names and the standbys (pg_stat_replication); then resume."},
    {"archiver", archiver_fails, 2, "Mend archive_command (pg_stat_archiver); then resume."},
    {"inactive slot", slot_holds, 1,
     "Drop the slot or start its reader (pg_replication_slots); then resume."},
    {"wal disk", disk_fills, 1, "Make room on the disk of pg_wal; then resume the session."},
    {"connections", slots_run_out, 2,
     "Take fewer clients for the benchmark, or let the others have their peak first."},
    {"memory", memory_full, 3, "Find out what takes the memory; then resume the session."},
};
_Static_assert(ARRAY_LEN(conditions) <= WATCH_CONDITIONS, "a streak for each condition");

/* ---- the conditions in which a session ends ---- */

static bool asks_now(const struct model *m)
{
    return m->flow == FLOW_PREPARE || m->flow == FLOW_BASELINE || m->flow == FLOW_TARGET ||
           m->flow == FLOW_ROUND || (m->flow >= FLOW_CONFIRM && m->flow <= FLOW_TRADE) ||
           m->flow == FLOW_KNEE;
}

static void tell(struct model *m, const char *name, const struct finding_text *f,
                 struct effects *fx)
{
    struct line *l = line_new("watchdog");

    line_text(l, "condition", name);
    line_text(l, "figure", f->figure);
    line_text(l, "bound", f->bound);
    line_bool(l, "running", m->fl.now.running);
    flow_emit(m, l, fx);
    model_say(m, CHAT_BAD, "stopped for the server's sake: %s (bound: %s)", f->figure, f->bound);
}

static bool ask_all(struct model *m, struct effects *fx)
{
    struct look l = {m, &m->collect.watch, &m->fl.now.watch.first, bounds_now()};

    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        struct finding_text f = {{0}, {0}};
        if (!conditions[i].holds(&l, &f)) {
            m->fl.now.watch.streak[i] = 0;
            continue;
        }
        if (++m->fl.now.watch.streak[i] < fmin(conditions[i].samples, l.b.samples))
            continue;
        tell(m, conditions[i].name, &f, fx);
        model_say(m, CHAT_WARN, "%s", conditions[i].hint);
        text_copy(m->session.end_reason, sizeof m->session.end_reason, f.figure);
        return true;
    }
    return false;
}

bool flow_watch_pump(struct model *m, struct effects *fx)
{
    struct watch_state *w = &m->fl.now.watch;

    if (!asks_now(m) || m->fl.now.cancel || w->seen == m->collect.watch_n ||
        !m->collect.watch.at_us)
        return false;
    w->seen = m->collect.watch_n;
    if (!w->known) {
        w->first = m->collect.watch;
        w->known = true;
    }
    if (!ask_all(m, fx))
        return false;
    w->tripped = true;
    flow_stop(m, m->opt.headless, 1, fx);
    return true;
}

void flow_watch_begin(struct model *m)
{
    struct watch_load before;

    collect_load(&m->collect, &before);
    memset(&m->fl.now.watch, 0, sizeof m->fl.now.watch);
    m->fl.now.watch.before = before;
    m->fl.now.watch.seen = m->collect.watch_n - (m->collect.watch.at_us ? 1 : 0);
    collect_watch(&m->collect, m->session.plan.database);
}

/* ---- the work of others ---- */

static bool beyond(double now, double before, double bear)
{
    return now > bear + bear_factor * fmax(0, before);
}

static bool is_busy(const struct watch_load *l, const struct watch_load *before)
{
    return beyond(l->active, before->active, bear_active) ||
           beyond(l->busy, before->busy, bear_busy) || beyond(l->tps, before->tps, bear_tps);
}

void flow_watch_run(struct model *m, struct bench_run *run)
{
    static const struct watch_load quiet = {0, 0, 0, 0};
    struct watch_state *w = &m->fl.now.watch;
    struct watch_load load;

    if (m->session.plan.observe) /* the others are the workload */
        return;
    collect_load(&m->collect, &load);
    run->others_active = load.active;
    run->others_tps = load.tps;
    /* without a screen nobody has agreed to anything: what disturbs is marked */
    run->contaminated = is_busy(&load, m->opt.headless ? &quiet : &w->before);
    if (!run->contaminated || run->warmup || !run->valid)
        return;
    double again = 4.0 * (m->session.plan.duration_s + 3);
    bool affordable = model_seconds_left(m) > again && w->thrown < THROWN_MAX;
    model_say(
        m, CHAT_WARN,
        "others used the server during this run (%.1f sessions at work, %.0f xact/s elsewhere): "
        "%s",
        fmax(0, load.active), fmax(0, load.tps),
        affordable ? "it is made again" : "it is marked and counts");
    if (!affordable)
        return;
    w->thrown++;
    run->valid = false;
    err_set(&run->err, ERR_BUSY, "others used the server during this run");
}

/* ---- before the first run ---- */

static bool waits_for_quiet(struct model *m, struct err *e)
{
    static const struct watch_load quiet = {0, 0, 0, 0};
    const struct watch_sample *s = &m->collect.watch;
    struct watch_load now = {1, s->others_active, s->others_busy, NAN};

    if (m->session.plan.observe || m->session.plan.traffic == TRAFFIC_GO_ON ||
        !is_busy(&now, &quiet))
        return false;
    if (m->session.plan.traffic == TRAFFIC_REFUSE || model_seconds_left(m) < 30) {
        err_set(e, ERR_BUSY, "others use the server: %.0f sessions at work", s->others_active);
        err_detail(e, "The plan says that the benchmark does not begin then.");
    }
    return true;
}

enum watch_gate flow_watch_gate(struct model *m, struct err *e)
{
    struct watch_state *w = &m->fl.now.watch;
    const struct watch_sample *s = &m->collect.watch;

    if (!w->wait_us)
        w->wait_us = m->now_us;
    double waited = (double)(m->now_us - w->wait_us) / 1e6;
    if (!s->at_us) /* no sample yet, or the role may not see one */
        return waited < SAMPLE_WAIT_S && m->links[CONN_TELEMETRY].state == LINK_UP
                   ? WATCH_GATE_WAIT
                   : WATCH_GATE_OPEN;
    if (s->bench_sessions > 0) {
        if (waited > LEFTOVER_WAIT_S) {
            err_set(e, ERR_BUSY, "%.0f sessions of an earlier benchmark are still at work",
                    s->bench_sessions);
            err_hint(e, "End them (pg_stat_activity, application_name pg_diagnose_bench), then try "
                        "again.");
            return WATCH_GATE_SHUT;
        }
        return WATCH_GATE_WAIT;
    }
    if (waits_for_quiet(m, e))
        return e->code != ERR_NONE ? WATCH_GATE_SHUT : WATCH_GATE_WAIT;
    w->wait_us = 0;
    return WATCH_GATE_OPEN;
}
