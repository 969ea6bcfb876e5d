/* The machine of telemetry: one statement and one read of /proc a second, their differences as series,
 * and the window between a mark and now. */
#include "pgd/telemetry/collect.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/procparse.h"
#include "pgd/telemetry/sample.h"
#include "pgd/telemetry/wait_history.h"

enum {
    SAMPLE_DEADLINE_MS = 5000,
    PROC_FILE_MAX = 256 * 1024,
    HOST_FILL_S = 5 /* a longer silence of the host stays a gap */
};
static const double megabyte = 1048576;

/* The metrics up to here come from the server, the others from the host. */
static const int first_host_metric = METRIC_CPU_USER;

void collect_init(struct collect *c)
{
    mem_zero(c, sizeof *c);
    c->waits = xcalloc(1, sizeof *c->waits);
    c->wait_history = xcalloc(1, sizeof *c->wait_history);
    c->mem_min = c->wal_total = c->wal_free = c->load_from = NAN;
    c->backends = xcalloc(1, sizeof *c->backends);
    hostloop_init(&c->loop);
    logtail_init(&c->log);
}

void collect_clear(struct collect *c)
{
    free(c->pg_now);
    free(c->pg_before);
    free(c->pg_mark);
    free(c->host_now);
    free(c->host_before);
    free(c->host_mark);
    free(c->waits);
    free(c->wait_history);
    free(c->backends);
    hostloop_clear(&c->loop);
    mem_zero(c, sizeof *c);
}

void collect_link_up(struct collect *c, int server_version)
{
    c->generation++;
    c->server_version = server_version;
    c->pg_in_flight = c->host_in_flight = c->watch_in_flight = c->space_in_flight = false;
    c->watch.at_us = 0;
    c->limits_set = false;
    c->samples = 0;
    free(c->pg_before);
    c->pg_before = NULL;
    err_clear(&c->err);
}

static struct req next_req(struct collect *c, uint32_t *waiting)
{
    *waiting = ++c->next_id;
    return (struct req){OWNER_TELEMETRY, c->generation, c->next_id};
}

static void add_gaps(struct collect *c, int from, int to)
{
    for (int i = from; i < to; i++)
        series_add(&c->series[i], NAN);
}

/* Each second has one value in each series: what did not come is a gap. */
static void close_second(struct collect *c)
{
    if (c->ticked && !c->pg_added)
        add_gaps(c, 0, first_host_metric);
    if (c->ticked && !c->host_added)
        add_gaps(c, first_host_metric, METRIC_COUNT);
    c->ticked = true;
    c->pg_added = c->host_added = false;
}

static void send_pg(struct collect *c, struct effects *fx)
{
    struct buf sql = {0};
    sample_sql(c->server_version, !c->limits_set && !c->pooled, &sql);
    fx_sql(fx, next_req(c, &c->waiting_pg), CONN_TELEMETRY, buf_text(&sql), SAMPLE_DEADLINE_MS);
    buf_clear(&sql);
    c->sent++;
    c->pg_in_flight = true;
}

static bool remote(const struct collect *c)
{
    return c->host && c->host->over_ssh;
}

static int postmaster_of(const struct collect *c)
{
    return c->host ? c->host->postmaster_pid : 0;
}

static void send_local(struct collect *c, struct effects *fx)
{
    struct req req = next_req(c, &c->waiting_host);
    struct buf paths = {0};

    buf_puts(&paths, procparse_paths);
    if (postmaster_of(c) > 0)
        backends_paths(c->backends, postmaster_of(c), &paths);
    fx_file(fx, req, FILE_READ_MANY, buf_text(&paths))->u.file.max_bytes = PROC_FILE_MAX;
    buf_clear(&paths);
    c->host_in_flight = true;
}

/* The figures that come next begin anew: what passed meanwhile is not the load of one second. */
static void forget_host(struct collect *c)
{
    free(c->host_now);
    free(c->host_before);
    c->host_now = c->host_before = NULL;
    backends_clear(c->backends);
}

static void ask_remote(struct collect *c, struct effects *fx)
{
    int pids[BACKENDS_TOP], n = 0;
    struct req req = {OWNER_TELEMETRY, c->generation, c->next_id + 1};
    uint32_t id;

    if (!c->host_link)
        return;
    if (c->loop.state == HOSTLOOP_OFF) {
        forget_host(c);
        req = next_req(c, &id);
    }
    for (; n < c->backends->ntop; n++)
        pids[n] = c->backends->top[n].pid;
    if (!hostloop_tick(&c->loop, c->host, c->wal_path, pids, n, req, c->now_us, c->wall_us, fx))
        c->host_missed++;
}

static void follow_log(struct collect *c, struct effects *fx)
{
    struct req req = {OWNER_TELEMETRY, c->generation, c->next_id + 1};
    uint32_t id;

    if (!c->host || (remote(c) && !c->host_link))
        return;
    if (c->log.state == LOGTAIL_OFF)
        req = next_req(c, &id);
    c->log.offset_us = remote(c) && c->loop.clock.known ? c->loop.clock.offset_us : 0;
    logtail_tick(&c->log, c->host, c->log_dir, req, c->now_us, c->wall_us, fx);
}

static void send_host(struct collect *c, struct effects *fx)
{
    if (remote(c))
        ask_remote(c, fx);
    else if (c->host_in_flight)
        c->host_missed++;
    else
        send_local(c, fx);
}

static void send_watch(struct collect *c, struct effects *fx)
{
    struct buf sql = {0};
    watch_sql(c->watch_database, &sql);
    fx_sql(fx, next_req(c, &c->waiting_watch), CONN_TELEMETRY, buf_text(&sql), SAMPLE_DEADLINE_MS);
    buf_clear(&sql);
    c->sent++;
    c->watch_in_flight = true;
    if (c->host_on && !remote(c) && c->wal_path[0] && !c->space_in_flight) {
        fx_file(fx, next_req(c, &c->waiting_space), FILE_SPACE, c->wal_path);
        c->space_in_flight = true;
    }
}

void collect_watch(struct collect *c, const char *database)
{
    c->watch_on = true;
    if (strcmp(c->watch_database, database) == 0)
        return;
    snprintf(c->watch_database, sizeof c->watch_database, "%s", database);
    c->load_from = NAN; /* another sum */
}

void collect_tick(struct collect *c, struct effects *fx, bool link_up)
{
    close_second(c);
    c->tick_us = c->now_us;
    if (link_up && c->pg_in_flight)
        c->missed++;
    else if (link_up)
        send_pg(c, fx);
    if (link_up && c->watch_on && !c->watch_in_flight)
        send_watch(c, fx);
    if (c->host_on)
        send_host(c, fx);
    if (c->log_on)
        follow_log(c, fx);
}

static void *copy_of(const void *what, size_t size)
{
    return what ? memcpy(xmalloc(size), what, size) : NULL;
}

static void put(struct collect *c, enum metric_id id, double value)
{
    series_add(&c->series[id], value);
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static void put_pg(struct collect *c)
{
    const struct pg_sample *a = c->pg_before, *b = c->pg_now;
    bool states = c->activity.active >= 0;

    put(c, METRIC_SESSIONS, c->activity.sessions);
    put(c, METRIC_ACTIVE, states ? (double)c->activity.active : (double)NAN);
    put(c, METRIC_WAITING, states ? (double)c->activity.waiting : (double)NAN);
    if (!a || pg_sample_broken(a, b)) {
        put(c, METRIC_TPS, NAN);
        add_gaps(c, METRIC_HIT_RATIO, first_host_metric);
        return;
    }
    double secs = pg_sample_seconds(a, b);
    double hit = pg_sample_diff(a, b, PG_BLKS_HIT), read = pg_sample_diff(a, b, PG_BLKS_READ);
    put(c, METRIC_TPS, ratio(pg_sample_transactions(a, b), secs));
    put(c, METRIC_HIT_RATIO, 100 * ratio(hit, hit + read));
    put(c, METRIC_BLKS_READ, ratio(read, secs));
    put(c, METRIC_TUP_READ, ratio(pg_sample_diff(a, b, PG_TUP_RETURNED), secs));
    put(c, METRIC_TUP_WRITTEN, ratio(pg_sample_diff(a, b, PG_TUP_WRITTEN), secs));
    put(c, METRIC_TEMP_BYTES, ratio(pg_sample_diff(a, b, PG_TEMP_BYTES) / megabyte, secs));
    put(c, METRIC_WAL_BYTES, ratio(pg_sample_diff(a, b, PG_WAL_BYTES) / megabyte, secs));
    put(c, METRIC_CKPT_REQ, pg_sample_diff(a, b, PG_CKPT_REQ));
    put(c, METRIC_CKPT_TIMED, pg_sample_diff(a, b, PG_CKPT_TIMED));
    put(c, METRIC_BUFFERS_BACKEND, ratio(pg_sample_diff(a, b, PG_BUFFERS_BACKEND), secs));
}

/* Counts are small; what the server says beyond an int is not believed. */
static int count_of(const struct rows *r, const char *name)
{
    double n = rows_double(r, 0, name, 0);
    return n >= 0 && n < 1e9 ? (int)n : 0;
}

/* A backend that its pgbench has left writes its last line when its statement ends, and that line is read later still: so a pid is
 * kept for a while, and no longer, as it comes to others in time. */
static void take_bench(struct collect *c, const char *pids)
{
    enum { KEPT_S = 60 };
    int kept = 0;

    for (int i = 0; i < c->nbench; i++)
        if (c->now_us - c->bench[i].seen_us < KEPT_S * 1000000LL)
            c->bench[kept++] = c->bench[i];
    c->nbench = kept;
    for (const char *p = pids; p && *p;) {
        char *end;
        long pid = strtol(p, &end, 10);
        int at = 0;
        if (end == p || pid < 1 || pid > INT_MAX)
            return;
        while (at < c->nbench && c->bench[at].pid != (int)pid)
            at++;
        if (at == BENCH_PIDS)
            return;
        c->nbench += at == c->nbench;
        c->bench[at] = (struct bench_pid){.pid = (int)pid, .seen_us = c->now_us};
        p = end;
    }
}

bool collect_is_bench(const struct collect *c, int pid)
{
    for (int i = 0; i < c->nbench; i++)
        if (c->bench[i].pid == pid)
            return true;
    return false;
}

static void take_activity(struct collect *c, const struct rows *r)
{
    struct activity_counts *a = &c->activity;
    a->sessions = count_of(r, "sessions");
    a->hidden = count_of(r, "hidden");
    a->active = count_of(r, "active");
    a->idle = count_of(r, "idle");
    a->idle_tx = count_of(r, "idle_tx");
    a->waiting = count_of(r, "waiting");
    take_bench(c, rows_text(r, 0, "bench_pids"));
    wait_tally_add(c->waits, rows_text(r, 0, "waits"));
    wait_history_add(c->wait_history, c->tick_us / 1000000, rows_text(r, 0, "waits"));
    c->nrecent_waits = wait_tally_recent(c->waits, c->recent_waits);
    if (a->hidden > 0 && a->hidden == a->sessions) {
        a->active = a->idle = a->idle_tx = a->waiting = -1;
        return;
    }
    c->active_sum += a->active;
    c->active_n++;
    if (a->active > c->active_peak)
        c->active_peak = a->active;
}

static bool take_pg(struct collect *c, const struct event *ev)
{
    struct pg_sample *s;
    c->pg_in_flight = false;
    c->err = ev->err;
    if (ev->err.code != ERR_NONE)
        return false;
    s = xcalloc(1, sizeof *s);
    if (!pg_sample_read(ev->rows, s)) {
        free(s);
        err_set(&c->err, ERR_FORMAT, "the sample of the server has no row");
        return false;
    }
    s->at_us = ev->at_us;
    s->own = c->sent;
    s->own_checkpoints = c->own_checkpoints;
    free(c->pg_before);
    c->pg_before = c->samples > 0 ? c->pg_now : NULL;
    if (c->samples == 0)
        free(c->pg_now);
    c->pg_now = s;
    c->last_pg_at_us = ev->at_us;
    c->limits_set = true;
    c->samples++;
    if (c->mark_wanted)
        collect_mark(c);
    take_activity(c, ev->rows);
    if (!c->pg_added)
        put_pg(c);
    c->pg_added = true;
    return true;
}

/* The second of a value, counted back from the one that is not over yet: 0 is that one. */
static int seconds_ago(const struct collect *c, int64_t at_us)
{
    return at_us >= c->tick_us ? 0 : (int)((c->tick_us - at_us + 999999) / 1000000);
}

/* Into the second in which it was taken, and those before it that have no value and that it tells of as well. */
static void put_host_metric(struct collect *c, enum metric_id id, double value, int from, int to)
{
    for (int ago = from; ago > 0 && ago >= to; ago--)
        series_fill(&c->series[id], ago - 1, value);
    if (to == 0 && !c->host_added)
        put(c, id, value);
}

static void put_host(struct collect *c)
{
    struct host_rates r;
    int to = seconds_ago(c, c->host_now->at_us), from = to;
    procparse_rates(c->host_before, c->host_now, &r);
    if (c->host_before)
        from = seconds_ago(c, c->host_before->at_us) - 1;
    if (from > to + HOST_FILL_S || from < to)
        from = to;
    const struct {
        enum metric_id id;
        double value;
    } all[] = {
        {METRIC_CPU_USER, 100 * r.cpu_user},
        {METRIC_CPU_SYS, 100 * r.cpu_sys},
        {METRIC_CPU_IOWAIT, 100 * r.cpu_iowait},
        {METRIC_RUN_QUEUE, c->host_now->run_queue},
        {METRIC_MEM_AVAILABLE, c->host_now->mem_available / megabyte},
        {METRIC_SWAP, r.swap_in + r.swap_out},
        {METRIC_DISK_READ, r.disk_read / megabyte},
        {METRIC_DISK_WRITE, r.disk_write / megabyte},
        {METRIC_DISK_AWAIT, r.disk_await_ms},
        {METRIC_DISK_UTIL, 100 * r.disk_util},
        {METRIC_PSI_CPU, 100 * r.psi_cpu},
        {METRIC_PSI_IO, 100 * r.psi_io},
        {METRIC_PSI_MEM, 100 * r.psi_mem},
        {METRIC_NET, r.net / megabyte},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        put_host_metric(c, all[i].id, all[i].value, from, to);
    c->host_added |= to == 0;
}

static void count_kills(struct collect *c)
{
    double more = c->host_before ? c->host_now->oom_kills - c->host_before->oom_kills : NAN;
    if (!(more > 0 && more < 1e6))
        return;
    c->oom_seen += more;
    logtail_look_up_kills(&c->log, (int)more);
}

static bool take_sample(struct collect *c, const char *text, size_t len, int64_t at_us)
{
    struct host_sample *s = xcalloc(1, sizeof *s);
    if (!procparse(text, len, c->data_device, s)) {
        free(s);
        return false;
    }
    s->at_us = at_us;
    free(c->host_before);
    c->host_before = c->host_now;
    c->host_now = s;
    c->last_host_us = at_us;
    if (!c->host_mark && (c->pg_mark || c->mark_wanted))
        c->host_mark = copy_of(s, sizeof *s);
    if (isnan(c->mem_min) || s->mem_available < c->mem_min)
        c->mem_min = s->mem_available;
    if (!isnan(s->run_queue)) {
        c->run_sum += s->run_queue;
        c->run_n++;
    }
    put_host(c);
    count_kills(c);
    if (postmaster_of(c) > 0)
        backends_read(c->backends, text, len, postmaster_of(c), at_us);
    return true;
}

static bool take_host(struct collect *c, const struct event *ev)
{
    c->host_in_flight = false;
    return ev->err.code == ERR_NONE && ev->text && take_sample(c, ev->text, ev->len, ev->at_us);
}

static bool take_remote(struct collect *c, const struct event *ev)
{
    int64_t at_us;
    if (!hostloop_event(&c->loop, ev, &at_us))
        return ev->kind == EV_CHILD_EXIT && req_same(ev->req, c->loop.child);
    c->backends->page_bytes = c->loop.page_bytes;
    if (!isnan(c->loop.space)) {
        c->wal_free = c->loop.space;
        c->wal_total = c->loop.space_total;
    }
    return take_sample(c, buf_text(&c->loop.text), c->loop.text.len, at_us);
}

static bool take_watch(struct collect *c, const struct event *ev)
{
    struct watch_sample w;
    c->watch_in_flight = false;
    if (ev->err.code != ERR_NONE || !watch_read(ev->rows, &w))
        return false;
    w.at_us = ev->at_us;
    c->watch = w;
    c->watch_n++;
    if (isnan(c->load_from)) {
        c->load_from = w.elsewhere;
        c->load_from_us = w.at_us;
    }
    if (!isnan(w.others_active)) {
        c->load_active += w.others_active;
        c->load_busy += w.others_busy;
        c->load_n++;
    }
    return true;
}

static bool take_space(struct collect *c, const struct event *ev)
{
    double total, room;
    c->space_in_flight = false;
    if (ev->err.code != ERR_NONE || !ev->text || sscanf(ev->text, "%lf %lf", &total, &room) != 2)
        return false;
    c->wal_total = total;
    c->wal_free = room;
    return true;
}

void collect_load(const struct collect *c, struct watch_load *l)
{
    double secs = (double)(c->watch.at_us - c->load_from_us) / 1e6;
    double own = 2 * secs;
    l->n = c->load_n;
    l->active = c->load_n > 0 ? c->load_active / c->load_n : NAN;
    l->busy = c->load_n > 0 ? c->load_busy / c->load_n : NAN;
    /* Our own two statements a second may count there; nobody notices that much. */
    l->tps = secs > 0.5 ? fmax(0, c->watch.elsewhere - c->load_from - own) / secs : NAN;
}

bool collect_step(struct collect *c, const struct event *ev)
{
    if (ev->req.owner != OWNER_TELEMETRY)
        return false;
    if (ev->kind == EV_CHILD_UP || ev->kind == EV_CHILD_LINE || ev->kind == EV_CHILD_EXIT)
        return take_remote(c, ev) || logtail_event(&c->log, ev); /* they outlive the connection */
    if (ev->req.generation != c->generation)
        return false;
    if (ev->kind == EV_PG_RESULT && c->pg_in_flight && ev->req.id == c->waiting_pg)
        return take_pg(c, ev);
    if (ev->kind == EV_PG_RESULT && c->watch_in_flight && ev->req.id == c->waiting_watch)
        return take_watch(c, ev);
    if (ev->kind == EV_FILE && c->space_in_flight && ev->req.id == c->waiting_space)
        return take_space(c, ev);
    if (ev->kind == EV_FILE && c->host_in_flight && ev->req.id == c->waiting_host)
        return take_host(c, ev);
    return false;
}

void collect_mark(struct collect *c)
{
    free(c->pg_mark);
    free(c->host_mark);
    c->pg_mark = copy_of(c->pg_now, sizeof *c->pg_now);
    c->host_mark = copy_of(c->host_now, sizeof *c->host_now);
    c->mark_wanted = c->pg_mark == NULL;
    c->active_sum = c->active_peak = 0;
    c->active_n = c->run_n = 0;
    c->run_sum = 0;
    c->load_active = c->load_busy = 0;
    c->load_n = 0;
    c->load_from = c->watch.at_us ? c->watch.elsewhere : (double)NAN;
    c->load_from_us = c->watch.at_us;
    c->mem_min = c->host_now ? c->host_now->mem_available : NAN;
    wait_tally_restart(c->waits);
}

static void forget(struct window *w)
{
    *w = (struct window){
        .secs = NAN,
        .commits = NAN,
        .rollbacks = NAN,
        .tps = NAN,
        .blks_hit = NAN,
        .blks_read = NAN,
        .hit_ratio = NAN,
        .tup_returned = NAN,
        .tup_fetched = NAN,
        .tup_written = NAN,
        .temp_files = NAN,
        .temp_bytes = NAN,
        .deadlocks = NAN,
        .ckpt_timed = NAN,
        .ckpt_req = NAN,
        .buffers_backend = NAN,
        .buffers_ckpt = NAN,
        .buffers_clean = NAN,
        .wal_bytes = NAN,
        .wal_fpi = NAN,
        .wal_records = NAN,
        .wal_buffers_full = NAN,
        .active_avg = NAN,
        .active_peak = NAN,
        .lock_wait_share = NAN,
        .cpu_user = NAN,
        .cpu_sys = NAN,
        .cpu_iowait = NAN,
        .cpu_idle = NAN,
        .cpu_steal = NAN,
        .run_queue = NAN,
        .mem_available_min = NAN,
        .disk_read_bps = NAN,
        .disk_write_bps = NAN,
        .disk_await_ms = NAN,
        .disk_util = NAN,
        .psi_cpu = NAN,
        .psi_io = NAN,
        .psi_mem = NAN,
        .swap_in = NAN,
        .swap_out = NAN,
        .net_bps = NAN,
    };
}

static void window_pg(const struct collect *c, struct window *w)
{
    const struct pg_sample *a = c->pg_mark, *b = c->pg_now;
    double commits = pg_sample_diff(a, b, PG_XACT_COMMIT) - (b->own - a->own);
    w->secs = pg_sample_seconds(a, b);
    w->commits = commits < 0 ? 0 : commits;
    w->rollbacks = pg_sample_diff(a, b, PG_XACT_ROLLBACK);
    w->tps = ratio(pg_sample_transactions(a, b), w->secs);
    w->blks_hit = pg_sample_diff(a, b, PG_BLKS_HIT);
    w->blks_read = pg_sample_diff(a, b, PG_BLKS_READ);
    w->hit_ratio = ratio(w->blks_hit, w->blks_hit + w->blks_read);
    w->tup_returned = pg_sample_diff(a, b, PG_TUP_RETURNED);
    w->tup_fetched = pg_sample_diff(a, b, PG_TUP_FETCHED);
    w->tup_written = pg_sample_diff(a, b, PG_TUP_WRITTEN);
    w->temp_files = pg_sample_diff(a, b, PG_TEMP_FILES);
    w->temp_bytes = pg_sample_diff(a, b, PG_TEMP_BYTES);
    w->deadlocks = pg_sample_diff(a, b, PG_DEADLOCKS);
    w->ckpt_timed = pg_sample_diff(a, b, PG_CKPT_TIMED);
    double requested = pg_sample_diff(a, b, PG_CKPT_REQ) -
                       (b->own_checkpoints - a->own_checkpoints);
    w->ckpt_req = requested < 0 ? 0 : requested;
    w->buffers_ckpt = pg_sample_diff(a, b, PG_BUFFERS_CKPT);
    w->buffers_clean = pg_sample_diff(a, b, PG_BUFFERS_CLEAN);
    w->buffers_backend = pg_sample_diff(a, b, PG_BUFFERS_BACKEND);
    w->wal_bytes = pg_sample_diff(a, b, PG_WAL_BYTES);
    w->wal_fpi = pg_sample_diff(a, b, PG_WAL_FPI);
    w->wal_records = pg_sample_diff(a, b, PG_WAL_RECORDS);
    w->wal_buffers_full = pg_sample_diff(a, b, PG_WAL_BUFFERS_FULL);
    if (c->active_n > 0) {
        w->active_avg = c->active_sum / c->active_n;
        w->active_peak = c->active_peak;
        w->lock_wait_share = wait_tally_lock_share(c->waits);
    }
    w->nwaits = wait_tally_shares(c->waits, w->waits);
}

static void window_host(const struct collect *c, struct window *w)
{
    struct host_rates r;
    if (!c->host_mark || !c->host_now)
        return;
    procparse_rates(c->host_mark, c->host_now, &r);
    w->mem_available_min = c->mem_min;
    w->run_queue = c->run_n > 0 ? c->run_sum / c->run_n : NAN;
    w->cpu_user = r.cpu_user;
    w->cpu_sys = r.cpu_sys;
    w->cpu_iowait = r.cpu_iowait;
    w->cpu_idle = r.cpu_idle;
    w->cpu_steal = r.cpu_steal;
    w->disk_read_bps = r.disk_read;
    w->disk_write_bps = r.disk_write;
    w->disk_await_ms = r.disk_await_ms;
    w->disk_util = r.disk_util;
    w->psi_cpu = r.psi_cpu;
    w->psi_io = r.psi_io;
    w->psi_mem = r.psi_mem;
    w->swap_in = r.swap_in;
    w->swap_out = r.swap_out;
    w->net_bps = r.net;
}

void collect_own(const struct collect *c, int64_t wall_us, struct own_totals *sum)
{
    const struct pg_sample *a = c->pg_before, *b = c->pg_now;
    const struct {
        double *to;
        enum pg_figure figure;
    } sums[] = {{&sum->xact_commit, PG_XACT_COMMIT}, {&sum->xact_rollback, PG_XACT_ROLLBACK},
                {&sum->blks_hit, PG_BLKS_HIT},       {&sum->blks_read, PG_BLKS_READ},
                {&sum->temp_files, PG_TEMP_FILES},   {&sum->temp_bytes, PG_TEMP_BYTES},
                {&sum->deadlocks, PG_DEADLOCKS},     {&sum->ckpt_timed, PG_CKPT_TIMED},
                {&sum->ckpt_req, PG_CKPT_REQ},       {&sum->wal_bytes, PG_WAL_BYTES}};

    if (!a || !b)
        return;
    if (pg_sample_broken(a, b)) {
        memset(sum, 0, sizeof *sum);
        return;
    }
    /* a reset while nobody looked: what was summed up is in no counter any more */
    double age_s = b->server_s - b->began_at;
    if (!isnan(age_s) && !own_totals_within(sum, age_s, wall_us))
        memset(sum, 0, sizeof *sum);
    double secs = pg_sample_seconds(a, b);
    if (sum->until_us == 0)
        sum->since_us = wall_us - (int64_t)(secs * 1e6);
    sum->until_us = wall_us;
    sum->seconds += secs;
    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        *sums[i].to += fmax(0, pg_sample_diff(a, b, sums[i].figure));
}

void collect_window(const struct collect *c, struct window *w)
{
    forget(w);
    if (!c->pg_mark || !c->pg_now || c->pg_now->at_us <= c->pg_mark->at_us ||
        pg_sample_broken(c->pg_mark, c->pg_now))
        return;
    window_pg(c, w);
    window_host(c, w);
    w->valid = w->secs > 0 && !isnan(w->commits);
}
