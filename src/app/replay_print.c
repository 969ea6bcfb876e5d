/* replay_print.c - a recording without a screen: its events in their order, as JSON lines or as text, then the summary. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/replay.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/protocol/summary.h"

enum { BLOCK = 256 * 1024 };

static const char *phase_name(const struct recording *r, const struct recorded *e)
{
    return r->of_session ? flow_state_name(e->phase) : NULL;
}

static const struct recorded_run *run_of(const struct recording *r, const struct recorded *e)
{
    bool of_run = e->kind == RECORDED_RUN || e->kind == RECORDED_SECOND || e->kind == RECORDED_RAN;

    return of_run ? &r->runs[e->at] : NULL;
}

static const struct verdict *verdict_of(const struct recording *r, const struct recorded *e)
{
    if (e->kind == RECORDED_VERDICT)
        return &r->session->history[e->at].verdict;
    return e->kind == RECORDED_END && r->session && r->session->final.kind ? &r->session->final
                                                                           : NULL;
}

/* {"tps":12,"sessions":null, …} */
static void put_figures(const struct recorded *e, struct buf *out)
{
    for (int i = 0; e->figures && i < METRIC_COUNT; i++) {
        buf_printf(out, "%s\"%s\":", i ? "," : "{", metric_info((enum metric_id)i)->name);
        if (isfinite(e->figures[i]))
            buf_printf(out, "%.4f", (double)e->figures[i]);
        else
            buf_puts(out, "null");
    }
    buf_puts(out, e->figures ? "}" : "null");
}

static void put_waits(const struct recorded *e, struct buf *out)
{
    buf_putc(out, '[');
    for (int i = 0; i < e->nwaits; i++) {
        buf_printf(out, "%s{\"event\":", i ? "," : "");
        line_quote(out, e->waits[i].event);
        buf_printf(out, ",\"share\":%.4f}", e->waits[i].share);
    }
    buf_putc(out, ']');
}

static void put_json(const struct recording *r, const struct recorded *e, struct buf *out)
{
    const struct recorded_run *run = run_of(r, e);
    const struct verdict *v = verdict_of(r, e);
    struct line *l = line_new("recorded");
    struct buf figures = {0}, waits = {0};
    char at[40];

    clock_iso(e->at_us, at, sizeof at);
    line_text(l, "at", at);
    line_int(l, "at_us", e->at_us);
    line_text(l, "what", recorded_kind_name(e->kind));
    line_text(l, "phase", phase_name(r, e));
    line_int(l, "round", e->round);
    line_int(l, "run", e->run);
    line_text(l, "arm", run ? run->arm : NULL);
    line_num(l, "tps", e->tps);
    line_num(l, "latency_ms", e->latency_ms);
    line_num(l, "p95_ms", run && e->kind == RECORDED_RAN ? run->p95_ms : (double)NAN);
    line_text(l, "verdict", v ? verdict_name(v->kind) : NULL);
    line_num(l, "effect", v ? v->ratio : (double)NAN);
    put_figures(e, &figures);
    put_waits(e, &waits);
    line_raw(l, "figures", buf_text(&figures));
    line_raw(l, "waits", buf_text(&waits));
    line_text(l, "text", e->text);
    line_finish(l, out);
    buf_clear(&figures);
    buf_clear(&waits);
}

static void put_sample_text(const struct recorded *e, struct buf *out)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (isfinite(e->figures[i]))
            buf_printf(out, " %s=%.4g", metric_info((enum metric_id)i)->name,
                       (double)e->figures[i]);
}

static void put_text(const struct recording *r, const struct recorded *e, struct buf *out)
{
    const struct recorded_run *run = run_of(r, e);
    const struct verdict *v = verdict_of(r, e);
    char at[40], effect[24] = "";

    clock_iso(e->at_us, at, sizeof at);
    buf_printf(out, "%s %s", at, recorded_kind_name(e->kind));
    if (e->round)
        buf_printf(out, " R%d", e->round);
    if (run)
        buf_printf(out, " %d (%s)", e->run, run->arm);
    if (v && isfinite(v->ratio))
        text_percent(effect, sizeof effect, v->ratio);
    if (v)
        buf_printf(out, " %s %s", verdict_name(v->kind), effect);
    if (e->kind == RECORDED_PHASE)
        buf_printf(out, " %s", phase_name(r, e));
    if (e->figures)
        put_sample_text(e, out);
    else if (isfinite(e->tps))
        buf_printf(out, " %.0f TPS", e->tps);
    if (isfinite(e->latency_ms))
        buf_printf(out, " %.1f ms", e->latency_ms);
    if (e->text)
        buf_printf(out, " %s", e->text);
}

static void print_problem(const struct model *m, const struct err *e, struct effects *fx)
{
    struct buf text = {0};

    buf_printf(&text, "pg_diagnose: %s", e->msg);
    fx_line(fx, FX_STDERR, buf_text(&text));
    if (e->detail[0]) {
        buf_clear(&text);
        buf_printf(&text, "DETAIL:  %s", e->detail);
        fx_line(fx, FX_STDERR, buf_text(&text));
    }
    if (e->hint[0]) {
        buf_clear(&text);
        buf_printf(&text, "HINT:  %s", e->hint);
        fx_line(fx, FX_STDERR, buf_text(&text));
    }
    buf_clear(&text);
    if (!m->opt.json)
        return;
    line_finish(line_error("the recording", e), &text);
    fx_line(fx, FX_STDOUT, buf_text(&text));
    buf_clear(&text);
}

static void fill_changes(const struct session *s, struct summary *sum)
{
    for (int i = 0; s->state == SESSION_ARCHIVED && i < s->nfinal &&
                    sum->nchanges < (int)ARRAY_LEN(sum->changes);
         i++) {
        struct summary_change *c = &sum->changes[sum->nchanges++];
        text_copy(c->name, sizeof c->name, s->final_values[i].name);
        text_copy(c->from, sizeof c->from, session_first(s, c->name));
        text_copy(c->to, sizeof c->to, s->final_values[i].shown);
    }
}

static void print_summary(const struct recording *r, struct effects *fx)
{
    const struct session *s = r->session;
    struct summary *sum = xcalloc(1, sizeof *sum);
    struct buf text = {0};

    summary_init(sum);
    text_copy(sum->workspace, sizeof sum->workspace, r->workspace);
    if (s && s->state != SESSION_NONE) {
        text_copy(sum->session, sizeof sum->session, s->name);
        text_copy(sum->state, sizeof sum->state, session_state_name(s->state));
        text_copy(sum->strategy, sizeof sum->strategy, s->plan.strategy);
        sum->baseline_tps = s->final.kind && isfinite(s->final.tps_a) ? s->final.tps_a
                                                                      : s->baseline_tps;
        sum->best_tps = s->final.kind && isfinite(s->final.tps_b) ? s->final.tps_b : s->best_tps;
        sum->target_tps = s->target.tps > 0 ? s->target.tps : (double)NAN;
        sum->verdict = s->final.kind;
        if (s->final.kind) {
            sum->effect = s->final.ratio;
            sum->ci_lo = s->final.ci_lo;
            sum->ci_hi = s->final.ci_hi;
        }
        sum->rounds = s->rounds_done;
        fill_changes(s, sum);
    }
    summary_json(sum, &text);
    fx_line(fx, FX_STDOUT, buf_text(&text));
    buf_clear(&text);
    free(sum);
}

void replay_print(struct model *m, const struct recording *r, struct effects *fx)
{
    struct buf out = {0};
    int code = r->nproblems > 0 ? 1 : 0;

    for (int i = 0; i < r->n; i++) {
        if (out.len)
            buf_putc(&out, '\n');
        if (m->opt.json)
            put_json(r, &r->events[i], &out);
        else
            put_text(r, &r->events[i], &out);
        if (out.len > BLOCK || i + 1 == r->n) {
            fx_line(fx, FX_STDOUT, buf_text(&out));
            buf_clear(&out);
        }
    }
    for (int i = 0; i < r->nproblems && i < RECORDING_PROBLEMS; i++)
        print_problem(m, &r->problems[i], fx);
    if (r->torn)
        fx_line(fx, FX_STDERR, "the last line was cut short and is left out");
    if (m->opt.json)
        print_summary(r, fx);
    if (r->n == 0 && r->nproblems && r->problems[0].code == ERR_USAGE)
        code = 2;
    m->quitting = true;
    m->exit_code = code;
    effects_add(fx, FX_QUIT, (struct req){OWNER_STORE, 0, 0})->exit_code = code;
}
