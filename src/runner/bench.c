/* One run: of pgbench, or a window of the server's own traffic (observe.c). The machine sends a CHECKPOINT, starts the program, follows its progress,
 * reads the summary, and has the transaction log digested and removed. It decides nothing about
 * what is run next; a run that ends in any other way than well is reported with its reason and
 * never compared. */
#include "pgd/runner/bench_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/runner/observe.h"
#include "pgd/runner/script.h"

enum {
    CHECKPOINT_MS = 60 * 1000,
    CLOSING_MS = 600 * 1000, /* the CHECKPOINT that is charged: as long as it takes */
    DEBT_MS = 2000,
    GRACE_S = 120,           /* connecting many clients, and the end of long transactions */
    LOGGED_MAX = 200 * 1000, /* transactions in the log; more are sampled */
    OUTPUT_MAX = 64 * 1024   /* of the summary */
};

void bench_run_clear(struct bench_run *r)
{
    free(r->series);
    free(r->series_lat);
    free(r->statements);
    memset(r, 0, sizeof *r);
}

static float *copy_series(const float *from, int n)
{
    if (from == NULL || n <= 0)
        return NULL;
    float *to = xmalloc((size_t)n * sizeof *to);
    memcpy(to, from, (size_t)n * sizeof *to);
    return to;
}

void bench_run_copy(struct bench_run *to, const struct bench_run *from)
{
    *to = *from;
    to->series = copy_series(from->series, from->nseries);
    to->series_lat = copy_series(from->series_lat, from->nseries);
    if (from->statements) {
        size_t size = (size_t)from->nstatements * sizeof *to->statements;
        to->statements = xmalloc(size + 1);
        memcpy(to->statements, from->statements, size);
    }
}

struct req bench_ask(struct bench *b)
{
    return (struct req){OWNER_BENCH, b->generation, ++b->ids};
}

void bench_finish(struct bench *b)
{
    bench_log_forget(b);
    buf_clear(&b->out);
    b->waiting = 0;
    b->run.valid = b->run.err.code == ERR_NONE;
    b->state = b->run.valid ? BENCH_DONE : BENCH_FAILED;
}

/* ---- the command ---- */

struct args {
    char *v[64]; /* owned; NULL-terminated */
    int n;
};

static void arg(struct args *a, const char *s)
{
    if (a->n + 1 < (int)ARRAY_LEN(a->v))
        a->v[a->n++] = xstrdup(s);
}

static void arg_int(struct args *a, const char *option, long long value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", value);
    arg(a, option);
    arg(a, digits);
}

/* Transactions are due at given times then, and a latency counts from when one was due: a server that stalls cannot hide it
 * by being asked less. */
static void arg_rate(struct args *a, double per_second)
{
    char text[40];
    snprintf(text, sizeof text, "--rate=%.6g", per_second);
    arg(a, text);
}

/* The session's copy, not the DBA's own file, which may be edited while the session lasts. */
static void arg_script(struct args *a, const struct bench *b, const struct sdl *plan, int i)
{
    struct buf path = {0};
    char name[300];
    script_file(plan, i, name, sizeof name);
    /* the weight is always given: the path may hold an @ of its own */
    buf_printf(&path, "%s/%s@%d", b->target.far ? "." : b->script_dir, name,
               plan->scripts[i].weight);
    arg(a, "-f");
    arg(a, buf_text(&path));
    buf_clear(&path);
}

static void arg_log(struct args *a, struct bench *b)
{
    struct buf s = {0};
    arg(a, "-l");
    buf_printf(&s, "--log-prefix=%s/run", b->target.far ? "." : b->dir);
    arg(a, buf_text(&s));
    buf_clear(&s);
    double expected = b->tps_expected * b->duration_s;
    b->log_sampled = expected > LOGGED_MAX;
    if (!b->log_sampled)
        return;
    int parts = (int)ceil(LOGGED_MAX / expected * 10000); /* pgbench wants 0 < rate <= 1 */
    buf_printf(&s, "--sampling-rate=0.%04d", parts > 9999 ? 9999 : parts < 1 ? 1 : parts);
    arg(a, buf_text(&s));
    buf_clear(&s);
}

static const char *protocol(const struct sdl *plan)
{
    if (strcmp(plan->protocol, "prepared") == 0 || strcmp(plan->protocol, "extended") == 0)
        return plan->protocol;
    return "simple";
}

static void env_if(struct effect *e, const char *name, const char *value)
{
    if (value[0])
        fx_child_env(e, name, value);
}

static void env_way(struct effect *e, const char *lines)
{
    while (*lines) {
        const char *eq = strchr(lines, '=');
        size_t n = strcspn(lines, "\n");
        if (eq && eq < lines + n) {
            char *name = xstrndup(lines, (size_t)(eq - lines));
            char *value = xstrndup(eq + 1, (size_t)(lines + n - eq - 1));
            fx_child_env(e, name, value);
            free(name);
            free(value);
        }
        lines += n + (lines[n] == '\n');
    }
}

/* A database's name that looks like a connection string would be taken for one. */
static void env_database(struct effect *e, const char *dbname)
{
    struct buf s = {0};
    if (strchr(dbname, '=') || strstr(dbname, "://")) {
        buf_puts(&s, "dbname=");
        quote_conninfo(&s, dbname);
    } else {
        buf_puts(&s, dbname);
    }
    env_if(e, "PGDATABASE", buf_text(&s));
    buf_clear(&s);
}

void bench_env(struct effect *e, const struct bench_target *t)
{
    e->u.child.pgpass = t->pgpass;
    env_if(e, "PGHOST", t->host);
    env_if(e, "PGPORT", t->port);
    env_if(e, "PGUSER", t->user);
    env_database(e, t->dbname);
    env_way(e, t->way);
    fx_child_env(e, "PGSERVICE", NULL); /* its database and host would win over ours */
    fx_child_env(e, "PGAPPNAME", "pg_diagnose_bench");
}

static void start_child(struct bench *b, struct effects *fx)
{
    struct args a = {.n = 0};
    const struct sdl *plan = &b->plan;
    int clients = plan->clients > 0 ? plan->clients : 1;
    int threads = plan->threads > 0 ? plan->threads : 1;
    arg(&a, b->target.pgbench[0] ? b->target.pgbench : "pgbench");
    arg(&a, "-n");
    arg(&a, "-M");
    arg(&a, protocol(plan));
    arg_int(&a, "-c", clients);
    arg_int(&a, "-j", threads < clients ? threads : clients);
    arg_int(&a, "-T", b->duration_s);
    arg_int(&a, "-P", 1);
    if (plan->rate > 0)
        arg_rate(&a, plan->rate);
    for (int i = 0; i < plan->nscripts && i < SCRIPTS_MAX; i++)
        arg_script(&a, b, plan, i);
    char seed[48];
    snprintf(seed, sizeof seed, "--random-seed=%lld", (long long)(b->seed & 0x7fffffffffffffff));
    arg(&a, seed);
    b->log_sampled = false;
    if (b->want_log && !b->run.warmup && b->dir[0])
        arg_log(&a, b);

    struct req req = bench_ask(b);
    if (b->target.far) {
        a.v[a.n] = NULL;
        bench_far_start(b, a.v, req, fx);
    } else {
        const char *argv[ARRAY_LEN(a.v)];
        for (int i = 0; i <= a.n; i++)
            argv[i] = a.v[i];
        struct effect *e = fx_child(fx, req, argv, CHILD_DIES_WITH_US);
        e->changes_server = true;
        bench_env(e, &b->target);
    }
    for (int i = 0; i < a.n; i++)
        free(a.v[i]);
    b->child_id = b->waiting = req.id;
    b->state = BENCH_RUNNING;
    req = bench_ask(b);
    b->timer_id = req.id;
    fx_timer(fx, req, (b->duration_s + (b->grace_s > 0 ? b->grace_s : GRACE_S)) * 1000);
}

static void checkpoint_or_child(struct bench *b, struct effects *fx)
{
    if (!b->want_checkpoint || b->checkpoint_refused || b->run.warmup) {
        start_child(b, fx);
        return;
    }
    struct req req = bench_ask(b);
    struct effect *e = fx_sql(fx, req, CONN_CONTROL, "CHECKPOINT", CHECKPOINT_MS);
    e->changes_server = true;
    b->waiting = req.id;
    b->state = BENCH_CHECKPOINT;
}

/* The statements so far, where they can be told, then the CHECKPOINT. */
static void before_run(struct bench *b, struct effects *fx)
{
    struct req req = bench_ask(b);
    if (!bench_statements_ask(b, req, fx)) {
        checkpoint_or_child(b, fx);
        return;
    }
    b->waiting = req.id;
    b->state = BENCH_CHECKPOINT;
}

void bench_start(struct bench *b, const struct sdl *plan, const struct bench_target *t,
                 int duration_s, bool warmup, int64_t seed, struct effects *fx)
{
    bench_log_forget(b);
    bench_run_clear(&b->run);
    buf_clear(&b->out);
    b->generation++;
    b->ids = b->waiting = b->child_id = b->timer_id = 0;
    b->plan = *plan;
    b->target = *t;
    b->duration_s = duration_s > 0 ? duration_s : 1;
    b->seed = seed;
    b->cancel_asked = b->timed_out = b->warmed = false;
    b->started_at_us = 0;
    b->child_pid = 0;
    b->progress_n = 0;
    b->tps_now = b->lat_now = NAN;
    b->first_error[0] = '\0';
    b->run.warmup = warmup;
    b->run.tps = b->run.lat_avg_ms = b->run.lat_sd_ms = NAN;
    b->run.p50_ms = b->run.p95_ms = b->run.p99_ms = NAN;
    b->run.client_cpu = NAN;
    b->run.warm_s = !warmup && b->warm_s > 0 ? b->warm_s : (double)NAN;
    b->warm_s = warmup ? b->warm_s : 0;
    b->run.tps_pgbench = b->run.checkpoint_s = b->run.redo_bytes = b->run.dead_tuples = NAN;
    b->run.live_tuples = b->run.db_bytes = NAN;
    b->run.others_active = b->run.others_tps = b->run.slower = NAN;
    if (plan->observe && b->observe) {
        b->state = BENCH_RUNNING;
        observe_start(b->observe, &b->observe->order, b->generation, &b->run, fx);
        return;
    }
    if (plan->nscripts < 1) {
        err_set(&b->run.err, ERR_USAGE, "the workload has no script");
        bench_finish(b);
        return;
    }
    bench_statements_forget(b);
    before_run(b, fx);
}

/* ---- while it runs ---- */

static void add_progress(struct bench *b, const struct progress *p)
{
    struct bench_run *r = &b->run;
    b->progress_n++;
    b->tps_now = p->tps;
    b->lat_now = p->lat_ms;
    if (r->nseries >= RUN_SECONDS_MAX)
        return;
    if ((r->nseries & (r->nseries - 1)) == 0) { /* room for twice as many at every power of two */
        size_t room = r->nseries > 0 ? (size_t)r->nseries * 2 : 1;
        r->series = xrealloc(r->series, room * sizeof *r->series);
        r->series_lat = xrealloc(r->series_lat, room * sizeof *r->series_lat);
    }
    r->series[r->nseries] = (float)p->tps;
    r->series_lat[r->nseries] = (float)p->lat_ms;
    r->nseries++;
}

static const double agree = 0.05; /* windows of a warm-up, from their mean */
enum { WARM_WINDOWS = 3, WARM_TPS = 10, WARM_LAT_MS = 500 };

bool bench_warmed(const float *series, const float *lat_ms, int n)
{
    double mean = 0;
    if (n < WARM_WINDOWS)
        return false;
    for (int i = n - WARM_WINDOWS; i < n; i++)
        mean += series[i] / (double)WARM_WINDOWS;
    for (int i = n - WARM_WINDOWS; i < n; i++)
        if (!(series[i] >= WARM_TPS && lat_ms[i] < WARM_LAT_MS) ||
            fabs(series[i] - mean) > agree * mean)
            return false;
    return true;
}

/* At a given rate the throughput agrees from the first second on, whatever the caches hold: there the whole bound is run. */
static void end_warmup(struct bench *b, struct effects *fx)
{
    const struct bench_run *r = &b->run;
    if (!r->warmup || b->warmed || b->plan.rate > 0 || b->cancel_asked || b->timed_out ||
        !bench_warmed(r->series, r->series_lat, r->nseries))
        return;
    b->warmed = true;
    effects_add(fx, FX_CHILD_KILL, (struct req){OWNER_BENCH, b->generation, b->child_id});
}

static bool tells_of_error(const char *line)
{
    static const char *const signs[] = {
        "ERROR:", "FATAL:", "PANIC:", "error:", "fatal:", "aborted in command"};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strstr(line, signs[i]))
            return true;
    return false;
}

static void add_stderr(struct bench *b, const char *line)
{
    struct progress p;
    if (bench_parse_progress(line, &p)) {
        add_progress(b, &p);
        return;
    }
    char clean[sizeof b->first_error];
    text_copy(clean, sizeof clean, line);
    if (b->first_error[0] == '\0' && tells_of_error(clean))
        text_copy(b->first_error, sizeof b->first_error, clean);
    char *tail = b->run.stderr_tail;
    size_t room = sizeof b->run.stderr_tail - 1;
    size_t have = strlen(tail);
    size_t want = strlen(clean) + 1;
    while (have > 0 && have + want > room) { /* whole lines go first */
        const char *eol = memchr(tail, '\n', have);
        size_t cut = eol ? (size_t)(eol - tail) + 1 : have;
        memmove(tail, tail + cut, have - cut);
        have -= cut;
    }
    snprintf(tail + have, room + 1 - have, "%s\n", clean);
}

static void on_line(struct bench *b, const struct event *ev)
{
    const char *line = ev->text ? ev->text : "";
    if (ev->u.child.stream == STREAM_ERR) {
        add_stderr(b, line);
    } else if (b->target.far && bench_far_line(b, line)) {
        return;
    } else if (b->out.len + strlen(line) < OUTPUT_MAX) {
        buf_puts(&b->out, line);
        buf_putc(&b->out, '\n');
    }
}

/* ---- how it ended ---- */

static const char *without_program(const char *line)
{
    static const char *const starts[] = {"pgbench: error: ", "pgbench: fatal: ", "pgbench: "};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0)
            return line + strlen(starts[i]);
    return line;
}

static void explain_missing(struct bench *b, const char *detail)
{
    struct err *e = &b->run.err;
    err_set(e, ERR_CHILD, "pgbench could not be started");
    err_detail(e, "%s", detail);
    err_hint(
        e, "It comes with the package postgresql-NN (Debian, Ubuntu), postgresql-contrib (Fedora, "
           "RHEL) or postgresql (Arch, Homebrew).");
}

/* Says what the exit status alone does not: which script, which statement, or that there was no
 * connection. */
static void explain_status(struct bench *b, int status)
{
    struct err *e = &b->run.err;
    const char *line = without_program(b->first_error);
    if (strstr(line, "connection to server") || strstr(line, "could not connect") ||
        strstr(line, "FATAL:") || strstr(line, "could not create connection")) {
        err_set(e, ERR_CONNECT, "pgbench could not connect to the server");
        err_hint(e, "It uses the same host, port and role as this program; each client needs a "
                    "connection.");
    } else if (strstr(line, "server closed the connection") ||
               strstr(line, "terminating connection") || strstr(line, "perhaps the backend died")) {
        err_set(e, ERR_LOST, "the server closed pgbench's connections");
    } else if (strstr(line, "aborted in command") || strstr(line, "ERROR:")) {
        err_set(e, ERR_CHILD, "a statement of the workload failed");
        err_hint(
            e,
            "Try the script with psql in the same database: each of its statements must succeed.");
    } else if (line[0]) {
        err_set(e, ERR_CHILD, "pgbench refused to run");
        err_hint(e, "Look at the script or option that it names.");
    } else {
        err_set(e, ERR_CHILD, "pgbench ended with status %d", status);
    }
    if (line[0])
        err_detail(e, "%s", line);
    else
        err_detail(e, "%s", b->run.stderr_tail);
}

static void explain_exit(struct bench *b, const struct event *ev)
{
    struct bench_run *r = &b->run;
    if (b->cancel_asked) {
        r->cancelled = true;
        err_set(&r->err, ERR_CANCELLED, "the run was cancelled");
    } else if (b->timed_out) {
        err_set(&r->err, ERR_TIMEOUT, "pgbench did not end");
        err_detail(&r->err, "It was asked to run for %d s and was stopped %d s later.",
                   b->duration_s, GRACE_S);
        err_hint(&r->err, "Look for a statement that waits for a lock, or a server that hangs.");
    } else if (b->warmed) {
        r->tps = b->tps_now; /* there is no summary of a run that was told to end */
    } else if (ev->err.code == ERR_REFUSED || ev->err.code == ERR_LOST) {
        r->err = ev->err; /* a policy, such as --readonly; a link to another machine that is gone */
    } else if (ev->err.code != ERR_NONE) {
        explain_missing(b, ev->err.detail[0] ? ev->err.detail : ev->err.msg);
    } else if (ev->u.child.status == 127) {
        explain_missing(b, r->stderr_tail);
    } else if (ev->u.child.signal != 0) {
        err_set(&r->err, ERR_CHILD, "pgbench was ended by signal %d", ev->u.child.signal);
    } else if (ev->u.child.status != 0) {
        explain_status(b, ev->u.child.status);
        struct err ignored;
        bench_parse_summary(buf_text(&b->out), r, &ignored); /* for the record; it stays invalid */
    } else {
        bench_parse_summary(buf_text(&b->out), r, &r->err);
    }
}

/* ---- what the run has left for later ---- */

enum { CLOSING_STATEMENTS, CLOSING_DEBT, CLOSING_CHECKPOINT, CLOSING_IDLE };
enum { IDLE_CHECKPOINTS = 4 };

static void closing_sql(struct bench *b, int step, const char *sql, int ms, int64_t at_us,
                        struct effects *fx)
{
    struct req req = bench_ask(b);
    fx_sql(fx, req, CONN_CONTROL, sql, ms)->changes_server = step > CLOSING_DEBT;
    b->waiting = req.id;
    b->closing = step;
    b->closing_at_us = at_us;
    b->state = BENCH_CLOSING;
}

/* Debt and CHECKPOINT, where they are wanted. */
static void closing_pay(struct bench *b, int64_t at_us, struct effects *fx)
{
    if (!b->want_checkpoint || b->checkpoint_refused) {
        bench_log_begin(b, fx);
        return;
    }
    static const char redo[] = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), "
                               "redo_lsn) AS redo_bytes, d.* "
                               "FROM pg_catalog.pg_control_checkpoint(), (%s) d";
    static const char left[] =
        "SELECT sum(n_dead_tup) AS dead_tuples, sum(n_live_tup) AS live_tuples, "
        "pg_catalog.pg_database_size(pg_catalog.current_database()) AS db_bytes "
        "FROM pg_catalog.pg_stat_user_tables";
    struct buf sql = {0}, size = {0};
    buf_puts(&size, "SELECT NULL AS dead_tuples, NULL AS live_tuples, ");
    /* rows are counted in each database alone, its size is known everywhere */
    if (b->plan.builtin_db) {
        buf_puts(&size, "pg_catalog.pg_database_size(");
        quote_literal(&size, b->target.dbname);
        buf_puts(&size, ") AS db_bytes");
    } else {
        buf_puts(&size, "NULL AS db_bytes");
    }
    buf_printf(&sql, redo, b->count_dead ? left : buf_text(&size));
    buf_clear(&size);
    closing_sql(b, CLOSING_DEBT, buf_text(&sql), DEBT_MS, at_us, fx);
    buf_clear(&sql);
}

/* The CHECKPOINT belongs to the run as if pgbench had waited for it. */
static void charge(struct bench *b, double checkpoint_s)
{
    struct bench_run *r = &b->run;
    r->checkpoint_s = fmax(0, checkpoint_s - b->idle_checkpoint_s);
    double secs = r->transactions / r->tps_pgbench;
    if (isfinite(secs) && secs > 0)
        r->tps = r->tps_pgbench * secs / (secs + r->checkpoint_s);
}

/* Before anything else of ours runs there. */
static void closing_begin(struct bench *b, int64_t at_us, struct effects *fx)
{
    struct req req = bench_ask(b);
    if (!bench_statements_ask_after(b, req, fx)) {
        closing_pay(b, at_us, fx);
        return;
    }
    b->waiting = req.id;
    b->closing = CLOSING_STATEMENTS;
    b->state = BENCH_CLOSING;
}

/* Of one CPU for each of its threads: near 1 it is pgbench that cannot go faster. */
static double client_share(const struct bench *b, const struct event *ev)
{
    int threads = b->plan.threads < b->plan.clients ? b->plan.threads : b->plan.clients;
    double secs = (double)(ev->at_us - b->started_at_us) / 1e6;

    if (b->started_at_us <= 0 || secs <= 0 || ev->u.child.cpu_s <= 0)
        return NAN;
    return fmin(ev->u.child.cpu_s / secs / (threads > 0 ? threads : 1), 1);
}

static void on_exit_of_child(struct bench *b, const struct event *ev, struct effects *fx)
{
    b->run.client_cpu = client_share(b, ev);
    effects_add(fx, FX_TIMER_STOP, (struct req){OWNER_BENCH, b->generation, b->timer_id});
    b->run.end_wall_us = ev->wall_us;
    explain_exit(b, ev);
    if (b->run.warmup && b->started_at_us > 0)
        b->warm_s += (double)(ev->at_us - b->started_at_us) / 1e6;
    if (b->run.tps > 0)
        b->tps_expected = b->run.tps_pgbench = b->run.tps;
    if (b->run.warmup || b->run.err.code != ERR_NONE)
        bench_log_begin(b, fx);
    else
        closing_begin(b, ev->at_us, fx);
}

static void step_closing(struct bench *b, const struct event *ev, struct effects *fx)
{
    double secs = (double)(ev->at_us - b->closing_at_us) / 1e6;
    bool done = ev->err.code == ERR_NONE;
    if (ev->kind != EV_PG_RESULT || ev->req.id != b->waiting)
        return;
    if (b->cancel_asked) {
        bench_log_begin(b, fx);
        return;
    }
    switch (b->closing) {
    case CLOSING_STATEMENTS:
        bench_statements_after(b, ev);
        closing_begin(b, ev->at_us, fx);
        return;
    case CLOSING_DEBT:
        if (done && ev->rows && ev->rows->nrows == 1) {
            b->run.redo_bytes = rows_double(ev->rows, 0, "redo_bytes", NAN);
            b->run.dead_tuples = rows_double(ev->rows, 0, "dead_tuples", NAN);
            b->run.live_tuples = rows_double(ev->rows, 0, "live_tuples", NAN);
            b->run.db_bytes = rows_double(ev->rows, 0, "db_bytes", NAN);
        }
        closing_sql(b, CLOSING_CHECKPOINT, "CHECKPOINT", CLOSING_MS, ev->at_us, fx);
        return;
    case CLOSING_CHECKPOINT:
        b->checkpoints += done;
        if (!done) { /* the link is away: what it took nobody knows */
            bench_log_begin(b, fx);
            return;
        }
        b->run.checkpoint_s = secs;
        if (b->idle_checkpoints >= IDLE_CHECKPOINTS) {
            charge(b, secs);
            bench_log_begin(b, fx);
        } else {
            closing_sql(b, CLOSING_IDLE, "CHECKPOINT", CHECKPOINT_MS, ev->at_us, fx);
        }
        return;
    default:
        b->checkpoints += done;
        b->idle_checkpoints++;
        if (done)
            b->idle_checkpoint_s = fmax(b->idle_checkpoint_s, secs);
        charge(b, b->run.checkpoint_s);
        bench_log_begin(b, fx);
        return;
    }
}

/* ---- the machine ---- */

static void step_checkpoint(struct bench *b, const struct event *ev, struct effects *fx)
{
    if (ev->kind != EV_PG_RESULT || ev->req.id != b->waiting)
        return;
    if (b->cancel_asked) {
        b->run.cancelled = true;
        err_set(&b->run.err, ERR_CANCELLED, "the run was cancelled");
        bench_finish(b);
        return;
    }
    if (b->asking) {
        bench_statements_before(b, ev);
        before_run(b, fx);
        return;
    }
    if (ev->err.code == ERR_SQL && strcmp(ev->err.sqlstate, "42501") == 0)
        b->checkpoint_refused = true;
    b->checkpoints += ev->err.code == ERR_NONE;
    start_child(b, fx);
}

static void step_running(struct bench *b, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_TIMER && ev->req.id == b->timer_id) {
        b->timed_out = true;
        effects_add(fx, FX_CHILD_KILL, (struct req){OWNER_BENCH, b->generation, b->child_id});
        return;
    }
    if (ev->req.id != b->child_id)
        return;
    if (ev->kind == EV_CHILD_UP) {
        b->started_at_us = ev->at_us;
        b->child_pid = ev->u.child.pid;
        b->run.start_wall_us = ev->wall_us;
    } else if (ev->kind == EV_CHILD_LINE) {
        on_line(b, ev);
        end_warmup(b, fx);
        if (b->target.far && b->far.over && b->far.holds) {
            struct event over;
            bench_far_event(b, ev, &over);
            on_exit_of_child(b, &over, fx);
        }
    } else if (ev->kind == EV_CHILD_EXIT && b->target.far && b->far.over &&
               ev->err.code == ERR_NONE) {
        struct event over; /* the shell there ends as pgbench did, and knows what it took */
        bench_far_event(b, ev, &over);
        on_exit_of_child(b, &over, fx);
    } else if (ev->kind == EV_CHILD_EXIT) {
        on_exit_of_child(b, ev, fx);
    }
}

/* A window ends, and is shown while it runs, like a run of pgbench. */
static void follow(struct bench *b)
{
    const struct observe *o = b->observe;
    b->started_at_us = o->started_at_us;
    b->duration_s = o->total_s;
    b->tps_now = o->tps_now;
    b->lat_now = o->lat_now;
    if (o->state == OBSERVE_DONE)
        b->state = BENCH_DONE;
    else if (o->state == OBSERVE_FAILED)
        b->state = BENCH_FAILED;
}

static bool observes(const struct bench *b)
{
    return b->plan.observe && b->observe && b->state == BENCH_RUNNING;
}

void bench_step(struct bench *b, const struct event *ev, struct effects *fx)
{
    if (ev->req.owner != OWNER_BENCH || ev->req.generation != b->generation)
        return;
    if (observes(b)) {
        observe_step(b->observe, ev, fx);
        follow(b);
        return;
    }
    if (ev->kind == EV_CHILD_EXIT && b->far.holds && ev->req.id == b->child_id)
        b->far.holds = false; /* its folder is gone with it */
    switch (b->state) {
    case BENCH_CHECKPOINT:
        step_checkpoint(b, ev, fx);
        break;
    case BENCH_RUNNING:
        step_running(b, ev, fx);
        break;
    case BENCH_CLOSING:
        step_closing(b, ev, fx);
        break;
    case BENCH_DIGEST:
        bench_log_step(b, ev, fx);
        break;
    case BENCH_IDLE:
    case BENCH_DONE:
    case BENCH_FAILED:
        break;
    }
}

void bench_cancel(struct bench *b, struct effects *fx)
{
    if (b->cancel_asked)
        return;
    if (observes(b)) {
        b->cancel_asked = true;
        observe_cancel(b->observe, fx);
        follow(b);
        return;
    }
    if (b->state == BENCH_CHECKPOINT || b->state == BENCH_CLOSING) {
        struct effect *e = effects_add(fx, FX_PG_CANCEL,
                                       (struct req){OWNER_BENCH, b->generation, b->waiting});
        e->u.pg.conn = CONN_CONTROL;
        b->cancel_asked = true;
        if (b->state == BENCH_CLOSING) {
            b->run.cancelled = true;
            err_set(&b->run.err, ERR_CANCELLED, "the run was cancelled");
        }
    } else if (b->state == BENCH_RUNNING) {
        effects_add(fx, FX_CHILD_KILL, (struct req){OWNER_BENCH, b->generation, b->child_id});
        b->cancel_asked = true;
    } else if (b->state == BENCH_DIGEST) { /* ends with the answer that is under way */
        b->cancel_asked = true;
        if (b->run.err.code == ERR_NONE) {
            b->run.cancelled = true;
            err_set(&b->run.err, ERR_CANCELLED, "the run was cancelled");
        }
    }
}

void bench_clear(struct bench *b)
{
    bench_log_forget(b);
    bench_run_clear(&b->run);
    buf_clear(&b->out);
    bench_observe(b, NULL);
    bench_statements_forget(b);
    b->state = BENCH_IDLE;
}

void bench_observe(struct bench *b, const struct observed_source *source)
{
    if (b->observe)
        observe_clear(b->observe);
    if (source && !b->observe)
        b->observe = xcalloc(1, sizeof *b->observe);
    if (source) {
        observe_init(b->observe, source);
    } else {
        free(b->observe);
        b->observe = NULL;
    }
}
