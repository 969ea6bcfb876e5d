/* What a packet says of the session: the plan, what was measured, what the DBA wishes and has rejected, and what is asked. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/gain.h"
#include "pgd/agent/packet_parts.h"
#include "pgd/agent/score.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* `rows`: it is the section itself, and its scripts are what can be left out. */
static void put_plan(struct packing *p, struct buf *o, const struct sdl *s, bool rows)
{
    pack_prose(p, o, "strategy", s->strategy);
    pack_prose(p, o, "hypothesis", s->hypothesis);
    pack_word(o, "workload", s->workload);
    pack_name(p, o, "database", ALIAS_DATABASE, s->database);
    if (rows)
        packing_rows(p, "scripts", "scripts");
    else
        pack_open(o, "scripts", '[');
    for (int i = 0; i < s->nscripts; i++) {
        if (rows && !packing_row(p))
            continue;
        if (!rows)
            pack_open(o, NULL, '{');
        pack_name(p, o, "script", ALIAS_NAME, base_name(s->scripts[i].path));
        pack_num(o, "weight", s->scripts[i].weight);
        if (p->in->scripts && p->in->e && s == p->in->e->plan)
            pack_sql(p, o, "text_sql", p->in->scripts[i]);
        if (rows)
            packing_row_end(p);
        else
            pack_close(o, '}');
    }
    if (rows)
        packing_rows_end(p);
    else
        pack_close(o, ']');
    pack_word(o, "protocol", s->protocol);
    pack_num(o, "clients", s->clients);
    pack_num(o, "threads", s->threads);
    pack_num(o, "duration_s", s->duration_s);
    pack_num(o, "warmup_s", s->warmup_s);
    pack_num(o, "rounds", s->rounds);
    pack_num(o, "budget_s", s->budget_s);
    pack_word(o, "goal", goal_name(s->goal));
    if (s->rate > 0)
        pack_num(o, "rate_tps", s->rate);
    if (s->target_tps > 0)
        pack_num(o, "target_tps", s->target_tps);
    pack_bool(o, "servers_own_traffic", s->observe);
    pack_prose(p, o, "success", s->success);
}

/* The type of a wait event is PostgreSQL's; its name may be an extension's own: those are told as one. */
static void put_waits(struct buf *o, const struct window *w)
{
    double extensions = 0;
    size_t mark = pack_open(o, "waits", '{');

    for (int i = 0; i < w->nwaits; i++) {
        if (strncmp(w->waits[i].event, "Extension", 9) == 0)
            extensions += w->waits[i].share;
        else
            pack_num(o, w->waits[i].event, w->waits[i].share);
    }
    if (extensions > 0)
        pack_num(o, "Extension", extensions);
    pack_close_filled(o, mark, '}');
}

static void put_window(struct buf *o, const struct window *w)
{
    if (!w || !w->valid)
        return;
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"seconds", w->secs},
        {"tps", w->tps},
        {"rollbacks", w->rollbacks},
        {"hit_ratio", w->hit_ratio},
        {"blocks_read", w->blks_read},
        {"rows_returned", w->tup_returned},
        {"rows_written", w->tup_written},
        {"temp_files", w->temp_files},
        {"temp_bytes", w->temp_bytes},
        {"deadlocks", w->deadlocks},
        {"checkpoints_timed", w->ckpt_timed},
        {"checkpoints_requested", w->ckpt_req},
        {"buffers_backend", w->buffers_backend},
        {"buffers_checkpoint", w->buffers_ckpt},
        {"wal_bytes", w->wal_bytes},
        {"wal_full_page_images", w->wal_fpi},
        {"wal_buffers_full", w->wal_buffers_full},
        {"active_average", w->active_avg},
        {"active_peak", w->active_peak},
        {"lock_wait_share", w->lock_wait_share},
        {"cpu_user", w->cpu_user},
        {"cpu_system", w->cpu_sys},
        {"cpu_iowait", w->cpu_iowait},
        {"cpu_idle", w->cpu_idle},
        {"cpu_steal", w->cpu_steal},
        {"run_queue", w->run_queue},
        {"memory_available_least", w->mem_available_min},
        {"disk_read_bytes_s", w->disk_read_bps},
        {"disk_write_bytes_s", w->disk_write_bps},
        {"disk_await_ms", w->disk_await_ms},
        {"disk_busy", w->disk_util},
        {"pressure_cpu", w->psi_cpu},
        {"pressure_io", w->psi_io},
        {"pressure_memory", w->psi_mem},
        {"swap_in", w->swap_in},
        {"swap_out", w->swap_out},
    };
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        pack_num(o, figures[i].key, figures[i].value);
    put_waits(o, w);
}

static void put_verdict(struct packing *p, struct buf *o, const struct verdict *v)
{
    pack_word(o, "verdict", verdict_name(v->kind));
    pack_num(o, "effect", v->ratio);
    pack_num(o, "ci95_low", v->ci_lo);
    pack_num(o, "ci95_high", v->ci_hi);
    pack_num(o, "noise", v->floor);
    pack_num(o, "tps_before", v->tps_a);
    pack_num(o, "tps_after", v->tps_b);
    pack_num(o, "p95_ms_before", v->p95_a);
    pack_num(o, "p95_ms_after", v->p95_b);
    pack_num(o, "runs_before", v->runs_a);
    pack_num(o, "runs_after", v->runs_b);
    pack_num(o, "smallest_gain_that_would_show", v->detectable);
    pack_prose(p, o, "note", v->note);
}

static void put_change(struct packing *p, struct buf *o, const struct setting_change *c)
{
    pack_prose(p, o, "name", c->name);
    if (c->reset)
        pack_word(o, "value", "reset");
    else
        pack_prose(p, o, "value", c->value);
    pack_prose(p, o, "why", c->why);
    pack_prose(p, o, "evidence", c->evidence);
    pack_num(o, "expected_percent_low", c->expect_lo);
    pack_num(o, "expected_percent_high", c->expect_hi);
}

static void put_round(struct packing *p, struct buf *o, const struct round_history *r)
{
    pack_num(o, "round", r->number);
    pack_open(o, "changes", '[');
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++) {
        pack_open(o, NULL, '{');
        put_change(p, o, &r->changes[i]);
        pack_bool(o, "measured", r->measured >> i & 1);
        pack_close(o, '}');
    }
    pack_close(o, ']');
    size_t mark = pack_open(o, "result", '{');
    put_verdict(p, o, &r->verdict);
    pack_close_filled(o, mark, '}');
    pack_bool(o, "kept", r->kept);
    if (r->failed)
        pack_bool(o, "could_not_be_applied", true);
    mark = pack_open(o, "during", '{');
    put_window(o, &r->window);
    pack_close_filled(o, mark, '}');
}

static void add_history(struct packing *p, const struct evidence *e)
{
    packing_list(p, "rounds_newest_first", "older rounds", 75, false);
    for (int i = e->nhistory - 1; i >= 0; i--) {
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        put_round(p, o, &e->history[i]);
        packing_row_end(p);
    }
    packing_end(p);
    packing_list(p, "rejected_by_the_dba", "rejected changes", 84, false);
    for (int i = 0; i < e->nrejected; i++) {
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_prose(p, o, "name", e->rejected[i].name);
        pack_prose(p, o, "value", e->rejected[i].value);
        packing_row_end(p);
    }
    packing_end(p);
    packing_list(p, "of_earlier_sessions", "findings of earlier sessions", 45, false);
    for (int i = 0; i < e->nremembered; i++) {
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_prose(p, o, "name", e->remembered[i].name);
        pack_prose(p, o, "value", e->remembered[i].value);
        pack_bool(o, "earned", e->remembered[i].earned);
        pack_num(o, "effect", e->remembered[i].ratio);
        packing_row_end(p);
    }
    packing_end(p);
}

static void add_statements(struct packing *p, const struct evidence *e)
{
    packing_list(p, "statements_of_the_workload", "statements", 65, false);
    for (int i = 0; i < e->nplans; i++) {
        const struct plan_facts *x = &e->plans[i];
        struct buf *o = x->valid ? packing_row(p) : NULL;
        if (!o)
            continue;
        pack_name(p, o, "script", ALIAS_NAME, base_name(x->script));
        pack_sql(p, o, "query", x->query);
        pack_num(o, "ms", x->exec_ms);
        pack_num(o, "planning_ms", x->plan_ms);
        pack_num(o, "jit_ms", x->jit_ms);
        pack_num(o, "cost", x->total_cost);
        pack_num(o, "sort_disk_kb", x->sort_disk_kb);
        pack_num(o, "sort_memory_kb", x->sort_mem_kb);
        pack_num(o, "hash_batches", x->hash_batches);
        pack_num(o, "workers_planned", x->workers_planned);
        pack_num(o, "workers_launched", x->workers_launched);
        pack_name(p, o, "seq_scan_of", ALIAS_TABLE, x->seq_scan_rel);
        pack_num(o, "seq_scan_rows", x->seq_scan_rows);
        pack_num(o, "seq_scan_rows_thrown_away", x->seq_scan_rows_removed);
        pack_sql(p, o, "seq_scan_filter", x->seq_scan_filter);
        pack_num(o, "index_rows", x->index_rows);
        pack_name(p, o, "index_scan_of", ALIAS_TABLE, x->index_rel);
        pack_num(o, "worst_misestimate", x->worst_misestimate);
        pack_num(o, "blocks_read", x->shared_read);
        pack_num(o, "blocks_hit", x->shared_hit);
        pack_num(o, "temp_blocks_written", x->temp_written);
        packing_row_end(p);
    }
    packing_end(p);
}

static void add_window(struct packing *p, const char *name, const struct window *w, int keep)
{
    put_window(packing_begin(p, name, keep, false), w);
    packing_end(p);
}

/* The session's result by the one rule that the screens have, too, so that both speak of the same figure. */
static void put_gain(struct buf *o, const struct evidence *e)
{
    struct gain_basis b;
    struct gain g;
    char said[200];
    gain_basis(e, &b);
    gain_of_best(&b, &g);
    if (g.by == GAIN_UNKNOWN)
        return;
    gain_said(&g, said, sizeof said);
    pack_num(o, "gain", g.ratio);
    pack_word(o, "gain_is", said);
    pack_num(o, "gain_start_tps", g.tps_before);
    pack_num(o, "gain_best_tps", g.tps_after);
}

static void add_measured(struct packing *p, const struct evidence *e)
{
    struct buf *o = packing_begin(p, "measured", 89, false);
    pack_num(o, "baseline_tps", e->baseline_tps);
    pack_num(o, "best_tps", e->best_tps);
    put_gain(o, e);
    pack_num(o, "baseline_p95_ms", e->baseline_p95_ms);
    pack_num(o, "noise", e->floor);
    pack_num(o, "benchmarks_own_cpu", e->client_cpu);
    pack_num(o, "seconds_left", e->seconds_left);
    pack_bool(o, "restart_allowed", e->restart_allowed);
    size_t mark = pack_open(o, "our_settings_in_force", '{');
    for (int i = 0; e->best_arm && i < e->best_arm->n; i++)
        if (e->best_arm->entries[i].present)
            pack_prose(p, o, e->best_arm->entries[i].name, e->best_arm->entries[i].value);
    pack_close_filled(o, mark, '}');
    if (p->in->npredictions) {
        pack_num(o, "predictions", p->in->npredictions);
        pack_num(o, "predictions_that_held", p->in->npredictions_held);
    }
    packing_end(p);
    add_window(p, "window_now", e->now, 70);
    add_window(p, "window_of_baseline", e->base, 72);
    add_window(p, "window_of_best", e->best, 74);
}

static void add_predictions(struct packing *p, const struct evidence *e)
{
    struct prediction made[SCORES_MAX];
    int n = e->nhistory ? score_predictions(e, made, SCORES_MAX) : 0;
    packing_list(p, "predictions_newest_first", "older predictions", 55, false);
    for (int i = n - 1; i >= 0; i--) {
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_num(o, "round", made[i].round);
        pack_prose(p, o, "setting", made[i].setting);
        pack_num(o, "predicted_percent_low", made[i].lo);
        pack_num(o, "predicted_percent_high", made[i].hi);
        pack_num(o, "measured_percent", made[i].measured);
        pack_bool(o, "held", made[i].held);
        packing_row_end(p);
    }
    packing_end(p);
}

static void add_wishes(struct packing *p, const struct wishes *w)
{
    struct buf *o = packing_begin(p, "wishes", 86, false);
    pack_prose(p, o, "notes_of_the_dba", w->text);
    pack_open(o, "settings_never_to_be_touched", '[');
    for (int i = 0; i < w->nnever; i++) {
        pack_open(o, NULL, '{');
        pack_prose(p, o, "name", w->never[i]);
        pack_close(o, '}');
    }
    pack_close(o, ']');
    packing_rows(p, "said_newest_last", "earlier words of the DBA");
    for (int i = 0; i < w->nsaid; i++) {
        if (!packing_row(p))
            continue;
        pack_prose(p, o, "text", w->said[i]);
        packing_row_end(p);
    }
    packing_rows_end(p);
    packing_end(p);
}

void packet_plan(struct packing *p)
{
    const struct evidence *e = p->in->e;
    if (!e || !e->plan)
        return;
    put_plan(p, packing_begin(p, "plan", 87, true), e->plan, true);
    packing_end(p);
}

void packet_session(struct packing *p)
{
    const struct evidence *e = p->in->e;
    if (e) {
        add_measured(p, e);
        add_statements(p, e);
        add_history(p, e);
        add_predictions(p, e);
    }
    if (p->in->wishes)
        add_wishes(p, p->in->wishes);
}

/* ---- what is asked ---- */

static void add_facts(struct packing *p, const struct op_input *in)
{
    packing_list(p, "facts_gathered", "facts", 91, false);
    for (int i = in->nfacts - 1; i >= 0; i--) {
        const struct asked_fact *f = &in->facts[i];
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_prose(p, o, "fact", f->name);
        if (f->missing)
            pack_bool(o, "missing", true);
        pack_data(p, o, "is", f->text);
        packing_row_end(p);
    }
    packing_end(p);
}

static void put_told(struct packing *p, struct buf *o, const char *key, const struct told_change *c,
                     int n)
{
    pack_open(o, key, '[');
    for (int i = 0; i < n && i < CHANGES_MAX; i++) {
        pack_open(o, NULL, '{');
        pack_prose(p, o, "name", c[i].name);
        pack_prose(p, o, "value", c[i].value);
        pack_prose(p, o, "evidence", c[i].evidence);
        pack_num(o, "earned", c[i].earned);
        pack_close(o, '}');
    }
    pack_close(o, ']');
}

static void add_sessions(struct packing *p, const struct op_input *in)
{
    packing_list(p, "sessions_newest_first", "older sessions", 82, false);
    for (int i = in->nsessions - 1; i >= 0; i--) {
        const struct session_told *s = &in->sessions[i];
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        /* The name is strategy and time, ours; it must come back as it is. */
        pack_word(o, "session", s->name);
        pack_prose(p, o, "strategy", s->strategy);
        pack_word(o, "state", s->state);
        pack_prose(p, o, "hypothesis", s->hypothesis);
        pack_num(o, "baseline_tps", s->baseline_tps);
        pack_num(o, "best_tps", s->best_tps);
        pack_num(o, "effect", s->effect);
        pack_num(o, "ci95_low", s->ci_lo);
        pack_num(o, "ci95_high", s->ci_hi);
        pack_num(o, "rounds", s->rounds);
        pack_prose(p, o, "ended", s->end_reason);
        put_told(p, o, "changes", s->changes, s->nchanges);
        put_told(p, o, "without_gain", s->failed, s->nfailed);
        packing_row_end(p);
    }
    packing_end(p);
}

static void add_failure(struct packing *p, const struct op_input *in)
{
    struct buf *o = packing_begin(p, "failure", 95, false);
    pack_word(o, "what_failed", in->what);
    if (in->err) {
        pack_word(o, "kind", err_code_name(in->err->code));
        pack_word(o, "sqlstate", in->err->sqlstate);
        /* A server's message is not ours: at STRICT its words stay here. */
        pack_prose(p, o, "message", in->err->msg);
        if (mask_level(p->mask) != PRIVACY_STRICT) {
            pack_prose(p, o, "detail", in->err->detail);
            pack_prose(p, o, "hint", in->err->hint);
        }
    }
    if (mask_level(p->mask) != PRIVACY_STRICT)
        pack_prose(p, o, "log_lines", in->log);
    packing_end(p);
}

static void add_anomaly(struct packing *p, const struct anomaly *a)
{
    struct buf *o = packing_begin(p, "anomaly", 95, false);
    pack_word(o, "series", a->label);
    pack_word(o, "unit", a->unit);
    pack_num(o, "usual", a->usual);
    pack_num(o, "seen", a->seen);
    pack_num(o, "score", a->score);
    pack_bool(o, "change_of_level", a->shift);
    if (a->until_us > a->from_us)
        pack_num(o, "lasted_s", (double)(a->until_us - a->from_us) / 1e6);
    pack_prose(p, o, "beside_it", a->beside);
    packing_end(p);
}

static void add_question(struct packing *p, const struct op_input *in)
{
    struct buf *o = packing_begin(p, "question", 99, false);
    pack_prose(p, o, "asked", in->question);
    pack_prose(p, o, "asked_at", in->where);
    if (in->question)
        pack_num(o, "times_that_facts_were_gathered", in->facts_rounds);
    packing_end(p);
    o = packing_begin(p, "on_screen", 58, false);
    if (mask_level(p->mask) != PRIVACY_STRICT)
        pack_prose(p, o, "text", in->on_screen);
    packing_end(p);
}

static void add_sight(struct packing *p, const struct first_sight *s)
{
    struct buf *o = packing_begin(p, "first_sight", 62, false);
    pack_prose(p, o, "headline", s->headline);
    packing_rows(p, "findings", "findings");
    for (int i = 0; i < s->nfindings; i++) {
        if (!packing_row(p))
            continue;
        pack_prose(p, o, "area", s->findings[i].area);
        pack_prose(p, o, "text", s->findings[i].text);
        pack_prose(p, o, "figure", s->findings[i].figure);
        packing_row_end(p);
    }
    packing_rows_end(p);
    packing_end(p);
}

void packet_asked(struct packing *p)
{
    const struct op_input *in = p->in;
    struct buf *o = packing_begin(p, "strategy_picked", 94, false);
    pack_prose(p, o, "strategy", in->strategy);
    if (in->offer) {
        pack_prose(p, o, "title", in->offer->title);
        pack_prose(p, o, "why", in->offer->why);
        pack_prose(p, o, "expects", in->offer->expects);
    }
    if (in->plan) {
        pack_open(o, "set_by_the_dba", '{');
        put_plan(p, o, in->plan, false);
        pack_close(o, '}');
    }
    packing_end(p);
    if (in->verdict) {
        put_verdict(p, packing_begin(p, "newest_round", 93, false), in->verdict);
        packing_end(p);
    }
    if (in->sight)
        add_sight(p, in->sight);
    add_question(p, in);
    if (in->nfacts)
        add_facts(p, in);
    if (in->what || in->err || in->log)
        add_failure(p, in);
    if (in->anomaly)
        add_anomaly(p, in->anomaly);
    if (in->nsessions)
        add_sessions(p, in);
    o = packing_begin(p, "paused", 92, false);
    pack_prose(p, o, "left_in", in->paused_in);
    pack_prose(p, o, "next_step", in->next_step);
    packing_end(p);
}
