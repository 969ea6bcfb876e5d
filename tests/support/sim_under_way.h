#pragma once
/*
 * What is under way in the simulation (sim.h): events go out, effects come in and wait for their answer. Here is looked at
 * what holds of every effect and after every event.
 */
#include "sim_server.h"

/* ---- events ------------------------------------------------------------------------------------------- */

static inline void sim_forbid(const char *text)
{
    if (text)
        REQUIRE(!strstr(text, "s3cretPW"));
}

/* What holds of every effect. */
static inline void sim_check_effect(const struct sim *s, const struct effect *e)
{
    struct buf line = {0};
    if (s->trace || s->sent % 16 == 0) { /* it takes longer than the effect's own work */
        effect_text(e, &line);
        REQUIRE(line.len > 0);
        REQUIRE(!memchr(line.data, '\n', line.len));
        if (s->trace)
            fprintf(stderr, "      -> %.300s\n", buf_text(&line));
        sim_forbid(buf_text(&line));
        buf_clear(&line);
    }
    sim_forbid(e->text);
    if (e->kind == FX_PG_CONNECT)
        for (int i = 0; e->u.pg.keys && e->u.pg.keys[i]; i++)
            sim_forbid(e->u.pg.values[i]);
    if (e->kind == FX_CHILD) {
        for (int i = 0; e->u.child.argv && e->u.child.argv[i]; i++)
            sim_forbid(e->u.child.argv[i]);
        for (int i = 0; e->u.child.env && e->u.child.env[i]; i++)
            sim_forbid(e->u.child.env[i]);
        sim_forbid(e->u.child.stdin_text);
    }
    if (e->kind == FX_PG_QUERY && strncmp(e->text, "ALTER SYSTEM", 12) == 0)
        REQUIRE(e->changes_server && e->after_journal > 0 && e->req.owner == OWNER_APPLY);
}

static inline void sim_carry_out(void *arg, struct effect *e);

static inline void sim_refused(void *arg, struct event *ev);

static inline void sim_deliver(struct sim *s, struct event *ev)
{
    struct effects fx = {0};
    ev->at_us = s->now;
    ev->wall_us = s->wall + s->now;
    s->events++;
    if (s->trace)
        fprintf(stderr, "%8.3f %s %s/%u/%u%s%s\n", (double)s->now / 1e6, event_kind_name(ev->kind),
                owner_name(ev->req.owner), ev->req.generation, ev->req.id, ev->err.code ? " " : "",
                ev->err.code ? ev->err.msg : "");
    gate_event(&s->gate, ev, sim_carry_out, sim_refused, s);
    s->deliver(s->arg, ev, &fx);
    event_clear(ev);
    for (size_t i = 0; i < fx.n; i++)
        sim_check_effect(s, &fx.items[i]);
    REQUIRE(fx.n < 600 && s->gate.held.n < 50);
    gate_run(&s->gate, &fx, sim_carry_out, sim_refused, s);
    sim_check_truth(s);
}

static inline void sim_answer(struct sim *s, struct effect *e, enum event_kind kind,
                              enum err_code code, const char *sqlstate, struct rows *rows)
{
    struct event ev = {.kind = kind, .req = e->req, .rows = rows};
    if (kind == EV_PG_RESULT || kind == EV_PG_UP || kind == EV_PG_DOWN)
        ev.u.pg.conn = e->u.pg.conn;
    if (code != ERR_NONE) {
        err_set(&ev.err, code, "simulated: %s", err_code_name(code));
        snprintf(ev.err.sqlstate, sizeof ev.err.sqlstate, "%s", sqlstate);
    }
    sim_deliver(s, &ev);
}

/* Takes entry i out of the list; the caller owns the effect. */
static inline struct sim_pending sim_take(struct sim *s, int i)
{
    struct sim_pending p = s->list[i];
    memmove(s->list + i, s->list + i + 1, (size_t)(s->n - i - 1) * sizeof p);
    s->n--;
    return p;
}

static inline int sim_first_on(const struct sim *s, enum pg_conn conn)
{
    for (int i = 0; i < s->n; i++)
        if (s->list[i].e.kind == FX_PG_QUERY && s->list[i].e.u.pg.conn == conn)
            return i;
    return -1;
}

static inline void sim_answer_all_lost(struct sim *s, enum pg_conn conn)
{
    for (int i; (i = sim_first_on(s, conn)) >= 0;) {
        struct sim_pending p = sim_take(s, i);
        sim_answer(s, &p.e, EV_PG_RESULT, ERR_LOST, "", NULL);
        effect_clear(&p.e);
    }
}

/* The server or the network ends a connection: first the statements, then the connection. */
static inline void sim_drop(struct sim *s, enum pg_conn conn)
{
    struct sim_conn *c = &s->conns[conn];
    if (!c->up)
        return;
    struct effect e = {.kind = FX_PG_CONNECT, .req = c->req, .u.pg.conn = conn};
    c->up = false;
    sim_answer_all_lost(s, conn);
    sim_answer(s, &e, EV_PG_DOWN, ERR_LOST, "", NULL);
}

static inline void sim_drop_all(struct sim *s)
{
    for (int c = 0; c < CONN_COUNT; c++)
        sim_drop(s, (enum pg_conn)c);
}

static inline void sim_restart(struct sim *s, int outcome, const char *token)
{
    struct buf report = {0};
    const char *state = "up";
    if (outcome == SIM_R_REFUSED || !s->up) {
        state = "refused";
    } else {
        s->up = false;
        sim_drop_all(s);
        if (outcome == SIM_R_RESTORED && s->has_saved) {
            memcpy(s->file, s->saved, sizeof s->file);
            state = "restored";
        }
        if (outcome == SIM_R_DOWN)
            state = "down";
        if (outcome != SIM_R_DOWN && outcome != SIM_R_SILENT_DOWN) {
            s->up = true;
            s->start_us += 10 * SIM_SECOND;
            sim_load(s, true);
        }
    }
    buf_printf(&report, "id=%s\nstate=%s\nnote=simulated\nlog=FATAL:  simulated\n", token, state);
    if (outcome != SIM_R_SILENT && outcome != SIM_R_SILENT_DOWN)
        sim_write(s, "/data/pg_diagnose.report", report.data, report.len, false);
    buf_clear(&report);
    sim_check_truth(s);
}

static inline void sim_add(struct sim *s, struct effect *e, int64_t after)
{
    if (s->n == SIM_PENDING_MAX) {
        effect_clear(e);
        fuzz_broken(__FILE__, __LINE__, "too much is under way");
        return;
    }
    s->list[s->n++] = (struct sim_pending){.e = *e, .due = s->now + after, .pid = 4000 + s->pids++};
    memset(e, 0, sizeof *e);
}

static inline int sim_find_req(const struct sim *s, enum effect_kind kind, struct req req)
{
    for (int i = 0; i < s->n; i++)
        if (s->list[i].e.kind == kind && req_same(s->list[i].e.req, req))
            return i;
    return -1;
}

static inline void sim_forget(struct sim *s, int i)
{
    if (i < 0)
        return;
    struct sim_pending p = sim_take(s, i);
    effect_clear(&p.e);
}

/* A connection is closed by us: its statements come back, it says nothing more. */
static inline void sim_close(struct sim *s, enum pg_conn conn)
{
    s->conns[conn].up = s->conns[conn].connecting = false;
    for (int i = 0; i < s->n; i++)
        if (s->list[i].e.kind == FX_PG_CONNECT && s->list[i].e.u.pg.conn == conn)
            sim_forget(s, i--);
    for (int i = 0; i < s->n; i++) /* answered at their turn */
        if (s->list[i].e.kind == FX_PG_QUERY && s->list[i].e.u.pg.conn == conn)
            s->list[i].stage = SIM_DONE;
}

/* The port of the gate: what gets here is under way. */
static inline void sim_carry_out(void *arg, struct effect *e)
{
    struct sim *s = arg;
    s->sent++;
    REQUIRE(e->after_journal <= s->journal_no);
    REQUIRE(!(s->gate.readonly && e->changes_server));
    switch (e->kind) {
    case FX_PG_CONNECT:
        sim_close(s, e->u.pg.conn);
        s->conns[e->u.pg.conn].connecting = true;
        s->conns[e->u.pg.conn].req = e->req;
        sim_add(s, e, 2000);
        return;
    case FX_PG_QUERY:
        sim_add(s, e, 1000);
        if (!s->conns[s->list[s->n - 1].e.u.pg.conn].up)
            s->list[s->n - 1].stage = SIM_DONE;
        return;
    case FX_PG_CANCEL:
        for (int i = sim_first_on(s, e->u.pg.conn); i >= 0; i = -1)
            s->list[i].stage = 1; /* is cancelled at its turn */
        break;
    case FX_PG_CLOSE:
        sim_close(s, e->u.pg.conn);
        break;
    case FX_CHILD:
        sim_add(s, e, 3000);
        return;
    case FX_FILE:
        sim_add(s, e, 500);
        return;
    case FX_TIMER:
        sim_forget(s, sim_find_req(s, FX_TIMER, e->req));
        sim_add(s, e, e->ms * 1000LL);
        return;
    case FX_TIMER_STOP:
        sim_forget(s, sim_find_req(s, FX_TIMER, e->req));
        break;
    case FX_CHILD_KILL:
        for (int i = sim_find_req(s, FX_CHILD, e->req); i >= 0; i = -1) {
            s->list[i].stage = SIM_DONE;
            if (e->req.owner == OWNER_TELEMETRY) /* it would have gone on for ever */
                s->list[i].due = s->now;
        }
        break;
    case FX_QUIT:
        s->quit = true;
        s->exit_code = e->exit_code;
        break;
    case FX_STDOUT:
        snprintf(s->last_line, sizeof s->last_line, "%s", e->text);
        break;
    default:
        break;
    }
    effect_clear(e);
}

static inline void sim_refused(void *arg, struct event *ev)
{
    struct sim *s = arg;
    /* The answer of the gate is an event of its own turn. */
    struct effect e = {.kind = FX_NONE, .req = ev->req, .ms = (int)ev->kind};
    e.exit_code = (int)ev->err.code;
    e.u.pg.conn = ev->kind == EV_PG_RESULT ? ev->u.pg.conn : CONN_CONTROL;
    event_clear(ev);
    sim_add(s, &e, 0);
}
