#pragma once
/*
 * A PostgreSQL server, a disk and a few programs as plain data: what a machine asks for by its effects is done here and
 * answered by events, in simulated time. Nothing goes wrong by itself; the test says what does, one word at a time.
 */
#include "sim_under_way.h"

/* ---- answering one effect ------------------------------------------------------------------------- */

static inline void sim_answer_connect(struct sim *s, struct effect *e, enum sim_fault fault)
{
    struct sim_conn *c = &s->conns[e->u.pg.conn];
    struct event ev = {.kind = EV_PG_UP, .req = e->req, .u.pg = {.conn = e->u.pg.conn}};
    c->connecting = false;
    if (!s->up || fault == SIM_ERROR || fault == SIM_TIMEOUT || fault == SIM_LOST) {
        ev.kind = EV_PG_DOWN;
        err_set(&ev.err, ERR_CONNECT, "simulated: connection refused");
        ev.u.pg.needs_password = false;
        snprintf(ev.u.pg.host, sizeof ev.u.pg.host, "/sock");
        snprintf(ev.u.pg.port, sizeof ev.u.pg.port, "5432");
        snprintf(ev.u.pg.dbname, sizeof ev.u.pg.dbname, "shop");
        sim_deliver(s, &ev);
        return;
    }
    if (fault == SIM_ODD) {
        ev.kind = EV_PG_DOWN;
        err_set(&ev.err, ERR_PASSWORD, "simulated: password needed");
        ev.u.pg.needs_password = true;
        sim_deliver(s, &ev);
        return;
    }
    c->up = true;
    c->req = e->req;
    ev.u.pg.server_version = s->version;
    ev.u.pg.backend_pid = 77;
    ev.u.pg.password = secret_put(SIM_PASSWORD, strlen(SIM_PASSWORD));
    snprintf(ev.u.pg.host, sizeof ev.u.pg.host, "/sock");
    snprintf(ev.u.pg.port, sizeof ev.u.pg.port, "5432");
    snprintf(ev.u.pg.user, sizeof ev.u.pg.user, "dba");
    snprintf(ev.u.pg.dbname, sizeof ev.u.pg.dbname, "shop");
    sim_deliver(s, &ev);
}

static inline void sim_answer_query(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    struct effect *e = &p->e;
    enum pg_conn conn = e->u.pg.conn;
    struct rows *r = NULL;
    if (p->stage == SIM_DONE) {
        sim_answer(s, e, EV_PG_RESULT, ERR_LOST, "", NULL);
        return;
    }
    if (p->stage == 1) {
        sim_answer(s, e, EV_PG_RESULT, ERR_CANCELLED, "57014", NULL);
        return;
    }
    if (s->load_fails && conn == CONN_BENCH &&
        strncmp(e->text, s->load_fails_at, strlen(s->load_fails_at)) == 0) {
        s->load_failures++;
        sim_answer(s, e, EV_PG_RESULT, ERR_SQL, s->load_fails, NULL);
        return;
    }
    if (fault == SIM_WELL || fault == SIM_ERROR_DONE || fault == SIM_LOST_DONE ||
        fault == SIM_TIMEOUT)
        r = sim_run_sql(s, conn, e->text);
    switch (fault) {
    case SIM_WELL:
        sim_answer(s, e, EV_PG_RESULT, ERR_NONE, "", r);
        return;
    case SIM_ERROR:
        sim_answer(s, e, EV_PG_RESULT, ERR_SQL, s->counter++ % 2 ? "42501" : "58P01", NULL);
        return;
    case SIM_ODD: /* what it says makes no sense; what it was told it does */
        rows_free(sim_run_sql(s, conn, e->text));
        sim_answer(s, e, EV_PG_RESULT, ERR_NONE, "", sim_text("what|is\nthis|\\N\n"));
        return;
    case SIM_TIMEOUT:
    case SIM_ERROR_DONE:
        rows_free(r);
        sim_answer(s, e, EV_PG_RESULT, ERR_TIMEOUT, "57014", NULL);
        return;
    case SIM_LOST:
    case SIM_LOST_DONE:
        rows_free(r);
        sim_answer(s, e, EV_PG_RESULT, ERR_LOST, "", NULL);
        sim_drop(s, conn);
        return;
    }
}

static inline void sim_answer_file(struct sim *s, struct effect *e, enum sim_fault fault)
{
    struct event ev = {.kind = EV_FILE, .req = e->req};
    struct buf text = {0};
    const struct sim_file *f = NULL;
    bool writes = e->u.file.op == FILE_SAVE || e->u.file.op == FILE_APPEND;
    bool failed = fault == SIM_ERROR || fault == SIM_ERROR_DONE || fault == SIM_TIMEOUT;
    ev.u.file.journal_no = e->u.file.journal_no;
    if (failed) {
        /* An append that failed leaves a part of the line at most; what is saved appears whole or not at all. */
        size_t len = 0;
        if (fault == SIM_ERROR_DONE && e->u.file.op == FILE_SAVE)
            len = e->len;
        else if (fault == SIM_TIMEOUT && e->u.file.op == FILE_APPEND)
            len = e->len / 2;
        if (writes)
            sim_do_file(s, e, len);
        s->disk_lied = s->disk_lied || writes;
        err_set(&ev.err, e->u.file.op == FILE_LOCK ? ERR_BUSY : ERR_FILE, "simulated: no space");
        sim_deliver(s, &ev);
        return;
    }
    sim_do_file(s, e, e->len);
    switch (e->u.file.op) {
    case FILE_READ:
        f = sim_find(s, e->u.file.path);
        if (!f && strncmp(e->u.file.path, "/data/", 6) != 0)
            ev.u.file.missing = true;
        if (!f)
            err_set(&ev.err, ERR_FILE, "simulated: no such file");
        else if (fault == SIM_ODD)
            buf_puts(&text, "{\"odd\":");
        else
            buf_append(&text, f->text, f->len);
        break;
    case FILE_LIST:
        sim_list(s, e->u.file.path, &text);
        break;
    case FILE_SPACE:
        buf_puts(&text, "100000000000 90000000000");
        break;
    case FILE_READ_MANY:
        buf_puts(&text, "==> /proc/stat\ncpu  100 0 50 1000 5 0 0 0\n\n");
        break;
    default:
        break;
    }
    ev.len = text.len;
    ev.u.file.size = (int64_t)text.len;
    if (e->u.file.digest && ev.err.code == ERR_NONE) {
        ev.digest = e->u.file.digest(buf_text(&text), text.len, e->u.file.digest_arg);
        ev.digest_free = e->u.file.digest_free;
        buf_clear(&text);
    } else if (ev.err.code == ERR_NONE) {
        ev.text = text.data ? buf_take(&text) : xstrdup("");
    }
    sim_deliver(s, &ev);
}

/* -- programs -- */

static inline void sim_child_line(struct sim *s, const struct effect *e, enum child_stream stream,
                                  const char *fmt, ...) PGD_PRINTF(4, 5);
static inline void sim_child_line(struct sim *s, const struct effect *e, enum child_stream stream,
                                  const char *fmt, ...)
{
    struct event ev = {.kind = EV_CHILD_LINE, .req = e->req};
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    ev.len = b.len;
    ev.text = buf_take(&b);
    ev.u.child.stream = stream;
    sim_deliver(s, &ev);
}

static inline void sim_exit(struct sim *s, const struct effect *e, int status, int signal,
                            const char *out)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = e->req};
    ev.u.child.status = status;
    ev.u.child.signal = signal;
    ev.text = xstrdup(out);
    ev.len = strlen(out);
    sim_deliver(s, &ev);
}

static inline const char *sim_arg(const struct effect *e, int i)
{
    for (int k = 0; k <= i; k++)
        if (!e->u.child.argv[k])
            return "";
    return e->u.child.argv[i];
}

static inline const char *sim_arg_value(const struct effect *e, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; e->u.child.argv[i]; i++)
        if (strncmp(e->u.child.argv[i], name, n) == 0)
            return e->u.child.argv[i] + n;
    return "";
}

static inline bool sim_has(const char *text, const char *what)
{
    return text && strstr(text, what) != NULL;
}

static inline void sim_pgbench_ends(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    struct effect *e = &p->e;
    const char *prefix = sim_arg_value(e, "--log-prefix=");
    s->runs++; /* ended by pgbench so far, this one included */
    double tps = 1000 *
                 (s->speed       ? s->speed(s)
                  : sim_tuned(s) ? s->gain
                                 : 1) *
                 (1 + 0.002 * (double)(s->pids % 5));
    if (fault != SIM_WELL) {
        sim_child_line(s, e, STREAM_ERR,
                       "pgbench: error: client 0 aborted in command 1: simulated");
        sim_exit(s, e, fault == SIM_ODD ? 0 : 2, 0, "");
        return;
    }
    sim_child_line(s, e, STREAM_OUT, "transaction type: multiple scripts");
    sim_child_line(s, e, STREAM_OUT, "number of transactions actually processed: %.0f", tps);
    sim_child_line(s, e, STREAM_OUT, "number of failed transactions: 0 (0.000%%)");
    sim_child_line(s, e, STREAM_OUT, "latency average = %.3f ms", 4000 / tps);
    sim_child_line(s, e, STREAM_OUT, "latency stddev = 0.500 ms");
    sim_child_line(s, e, STREAM_OUT, "initial connection time = 5.000 ms");
    sim_child_line(s, e, STREAM_OUT, "tps = %.6f (without initial connection time)", tps);
    if (*prefix) {
        struct buf path = {0};
        buf_printf(&path, "%s.%d", prefix, p->pid);
        sim_write(s, buf_text(&path), "0 1 1500 0 1700000000 1500\n", 27, false);
        buf_clear(&path);
    }
    s->db_mb += s->run_mb;
    s->dead += s->run_dead;
    sim_exit(s, e, 0, 0, "");
}

static inline void sim_script_mode(struct sim *s, struct effect *e, enum sim_fault fault)
{
    const char *mode = sim_arg(e, 3);
    if (fault != SIM_WELL) {
        sim_exit(s, e, 1, 0, fault == SIM_ODD ? "" : "id=\nstate=refused\nnote=simulated\nlog=\n");
        return;
    }
    if (strcmp(mode, "save") == 0) {
        memcpy(s->saved, s->file, sizeof s->saved);
        s->has_saved = true;
        sim_remove(s, "/data/pg_diagnose.report");
        sim_exit(s, e, 0, 0, "id=\nstate=saved\nnote=\nlog=\n");
    } else if (strcmp(mode, "clean") == 0) {
        s->has_saved = false;
        sim_exit(s, e, 0, 0, "id=\nstate=cleaned\nnote=\nlog=\n");
    } else if (strcmp(mode, "unlock") == 0 && s->up && s->has_saved) {
        memcpy(s->file, s->saved, sizeof s->file);
        sim_load(s, false);
        sim_exit(s, e, 0, 0, "id=\nstate=restored\nnote=put back\nlog=\n");
    } else if (s->up) {
        sim_exit(s, e, 0, 0, "id=\nstate=up\nnote=the server runs\nlog=\n");
    } else if (!s->has_saved) {
        sim_exit(s, e, 0, 0, "id=\nstate=down\nnote=no copy\nlog=\n");
    } else {
        memcpy(s->file, s->saved, sizeof s->file);
        if (strcmp(mode, "recover") == 0) {
            s->up = true;
            s->start_us += SIM_SECOND;
            sim_load(s, true);
        }
        sim_exit(s, e, 0, 0, "id=\nstate=restored\nnote=put back\nlog=\n");
    }
}

static inline void sim_collected(struct sim *s, struct effect *e, enum sim_fault fault)
{
    const char *script = e->u.child.stdin_text;
    if (sim_has(script, "mode_rescue")) {
        sim_script_mode(s, e, fault);
    } else if (sim_has(script, "data_readable")) {
        if (fault != SIM_WELL || !s->reached)
            sim_exit(s, e, fault == SIM_WELL ? 0 : 1, 0, "hostname=h\ncpus=2\n");
        else
            sim_exit(s, e, 0, 0,
                     "hostname=h\ncpus=2\nmem_total=17179869184\nmem_available=9179869184\n"
                     "data_free=107374182400\nwal_free=107374182400\nmatch=pidfile\n"
                     "data_directory=/data\npostmaster_pid=70\nowner=postgres\nbindir=/bin15\n"
                     "auto_conf=rw\nsupervisor=\ndata_readable=1\n");
    } else if (sim_has(script, "pgd_bench")) { /* where it is */
        sim_exit(s, e, 0, 0,
                 fault == SIM_WELL ? "/bin15/pgbench|pgbench (PostgreSQL) 15.18\n" : "");
    } else if (strcmp(sim_arg(e, 1), "-c") == 0) { /* the DBA's restart command */
        if (fault != SIM_ERROR)
            sim_restart(s, s->restart_outcome, "");
        sim_exit(s, e, fault == SIM_ERROR || fault == SIM_ERROR_DONE, 0, "");
    } else { /* the canary */
        sim_exit(s, e,
                 fault == SIM_WELL    ? 0
                 : fault == SIM_ERROR ? 1
                                      : 2,
                 0, fault == SIM_WELL ? "" : "FATAL:  simulated\n");
    }
}

/* A program that waits for its input has nothing to tell, until it is ended. */
static inline bool sim_step_asked(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    p->due = s->now + 3600 * SIM_SECOND;
    if (fault != SIM_WELL)
        sim_exit(s, &p->e, 1, 0, "");
    return fault == SIM_WELL;
}

/* One step of a program; false: it has ended. */
static inline bool sim_step_child(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    struct effect *e = &p->e;
    bool detached = e->u.child.flags & CHILD_DETACHED;
    bool pgbench = sim_has(sim_arg(e, 0), "pgbench");
    if (p->stage == SIM_DONE) {
        sim_exit(s, e, 0, 15, "");
        return false;
    }
    if (p->stage == 0) {
        struct event ev = {.kind = EV_CHILD_UP, .req = e->req};
        if (fault == SIM_ERROR) { /* it cannot be started */
            ev.kind = EV_CHILD_EXIT;
            err_set(&ev.err, ERR_CHILD, "simulated: no such program");
            sim_deliver(s, &ev);
            return false;
        }
        p->stage = 1;
        p->due = s->now + (pgbench || detached ? SIM_SECOND : 20000);
        ev.u.child.pid = p->pid;
        sim_deliver(s, &ev);
        return true;
    }
    if (e->u.child.flags & CHILD_MORE)
        return sim_step_asked(s, p, fault);
    if (pgbench && p->stage == 1) {
        p->stage = 2;
        p->due = s->now + 10000;
        sim_child_line(s, e, STREAM_ERR, "progress: 1.0 s, 1000.0 tps, lat 4.000 ms stddev 0.500");
        return true;
    }
    if (pgbench) {
        sim_pgbench_ends(s, p, fault);
    } else if (detached) {
        sim_restart(s, fault == SIM_WELL ? s->restart_outcome : SIM_R_SILENT,
                    sim_arg_value(e, "id="));
        sim_exit(s, e, fault == SIM_ERROR, 0, "");
    } else {
        sim_collected(s, e, fault);
    }
    return false;
}

/* Answers, or moves on, entry i of what is under way. Statements of one connection keep their order. */
static inline void sim_step(struct sim *s, int i, enum sim_fault fault)
{
    if (s->list[i].e.kind == FX_PG_QUERY)
        i = sim_first_on(s, s->list[i].e.u.pg.conn);
    if (s->list[i].due > s->now)
        s->now = s->list[i].due;
    struct sim_pending p = sim_take(s, i);
    switch (p.e.kind) {
    case FX_PG_CONNECT:
        sim_answer_connect(s, &p.e, fault);
        break;
    case FX_PG_QUERY:
        sim_answer_query(s, &p, fault);
        break;
    case FX_FILE:
        sim_answer_file(s, &p.e, fault);
        break;
    case FX_TIMER:
        sim_answer(s, &p.e, EV_TIMER, ERR_NONE, "", NULL);
        break;
    case FX_CHILD: {
        struct req req = p.e.req;
        int64_t due = p.due;
        /* What is told of it may lead to its end: it stays in the list meanwhile. */
        s->list[s->n++] = p;
        int stage = p.stage;
        if (!sim_step_child(s, &p, fault)) {
            i = sim_find_req(s, FX_CHILD, req);
            if (i >= 0) {
                struct sim_pending gone = sim_take(s, i);
                if (gone.e.u.child.argv != p.e.u.child.argv)
                    effect_clear(&gone.e);
            }
            break;
        }
        i = sim_find_req(s, FX_CHILD, req);
        if (i >= 0 && s->list[i].stage == stage && p.due != due) {
            s->list[i].stage = p.stage;
            s->list[i].due = p.due;
        }
        memset(&p.e, 0, sizeof p.e); /* the list's own */
        break;
    }
    case FX_NONE: /* refused by the gate */
        sim_answer(s, &p.e, (enum event_kind)p.e.ms, (enum err_code)p.e.exit_code, "", NULL);
        break;
    default:
        break;
    }
    effect_clear(&p.e);
}

/* The next thing in time: an answer, a timer, or the second's tick. */
static inline void sim_next(struct sim *s, bool ticks)
{
    int first = -1;
    for (int i = 0; i < s->n; i++)
        if (first < 0 || s->list[i].due < s->list[first].due)
            first = i;
    if (ticks && (first < 0 || s->next_tick <= s->list[first].due)) {
        struct event ev = {.kind = EV_TICK};
        s->now = s->next_tick > s->now ? s->next_tick : s->now;
        s->next_tick = s->now + SIM_SECOND;
        sim_deliver(s, &ev);
    } else if (first >= 0) {
        sim_step(s, first, SIM_WELL);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------- */

static inline struct sim *sim_new(void (*deliver)(void *, struct event *, struct effects *),
                                  void *arg)
{
    struct sim *s = xcalloc(1, sizeof *s);
    s->deliver = deliver;
    s->arg = arg;
    s->now = 100 * SIM_SECOND;
    s->next_tick = s->now + SIM_SECOND;
    s->wall = 1700000000LL * SIM_SECOND;
    s->up = s->reached = s->superuser = s->may_alter = true;
    s->version = 150018;
    s->start_us = 1600000000LL * SIM_SECOND;
    s->override = -1;
    s->gain = 1.2;
    s->marked = true;
    s->db_mb = 300;
    sim_load(s, true);
    return s;
}

/* Somebody had entries of their own before us. */
static inline void sim_given(struct sim *s, const char *name, const char *value)
{
    int i = sim_setting(name);
    s->file[i].present = s->original[i].present = true;
    snprintf(s->file[i].value, sizeof s->file[i].value, "%s", value);
    s->original[i] = s->file[i];
    sim_load(s, true);
}

/* The process is killed: what it had under way is gone, but for what was on its way to the disk (the first `written` of
 * it, and of the next one a part) and for a restart script. */
static inline void sim_kill(struct sim *s, int written)
{
    for (int i = 0; i < s->n; i++) {
        struct effect *e = &s->list[i].e;
        if (e->kind == FX_FILE && written >= 0) {
            sim_do_file(s, e, written > 0 ? e->len : e->len / 3);
            written--;
        }
        if (e->kind == FX_PG_QUERY && s->list[i].stage == 0 && written % 2 && s->up)
            rows_free(sim_run_sql(s, e->u.pg.conn, e->text));
    }
    for (int c = 0; c < CONN_COUNT; c++)
        s->conns[c].up = s->conns[c].connecting = false;
    for (int i = 0; i < s->n; i++) {
        struct effect *e = &s->list[i].e;
        if (e->kind == FX_CHILD && (e->u.child.flags & CHILD_DETACHED) && s->list[i].stage == 1)
            sim_restart(s, s->restart_outcome, sim_arg_value(e, "id="));
        effect_clear(e);
    }
    s->n = 0;
    gate_clear(&s->gate);
    s->gate.saved = 0;
    s->journal_no = 0;
    s->intent_open = s->quit = false;
    sim_check_truth(s);
}

static inline void sim_free(struct sim *s)
{
    for (int i = 0; i < s->n; i++)
        effect_clear(&s->list[i].e);
    for (int i = 0; i < s->nfiles; i++) {
        free(s->files[i].path);
        free(s->files[i].text);
    }
    gate_clear(&s->gate);
    free(s);
}
