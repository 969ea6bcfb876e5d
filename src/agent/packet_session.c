/* What a packet says of the session: the plan, what was measured, what the DBA wishes and has rejected, and what is asked. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/packet_parts.h"
#include "pgd/agent/score.h"
#include "pgd/protocol/json_records.h"

static void set_object(json_t *o, const char *key, json_t *value)
{
    if (value && json_object_size(value))
        json_object_set_new(o, key, value);
    else
        json_decref(value);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static json_t *plan_json(struct packing *p, const struct sdl *s)
{
    json_t *o = json_object();
    json_t *scripts = json_array();
    pack_prose(p, o, "strategy", s->strategy);
    pack_prose(p, o, "hypothesis", s->hypothesis);
    pack_word(o, "workload", s->workload);
    pack_name(p, o, "database", ALIAS_DATABASE, s->database);
    for (int i = 0; i < s->nscripts; i++) {
        json_t *x = json_object();
        pack_name(p, x, "script", ALIAS_NAME, base_name(s->scripts[i].path));
        pack_num(x, "weight", s->scripts[i].weight);
        if (p->in->scripts && p->in->e && s == p->in->e->plan)
            pack_sql(p, x, "text_sql", p->in->scripts[i]);
        json_array_append_new(scripts, x);
    }
    json_object_set_new(o, "scripts", scripts);
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
    json_object_set_new(o, "servers_own_traffic", json_boolean(s->observe));
    pack_prose(p, o, "success", s->success);
    return o;
}

/* The type of a wait event is PostgreSQL's; its name may be an extension's own. */
static void put_waits(struct packing *p, json_t *o, const struct window *w)
{
    json_t *waits = json_object();
    for (int i = 0; i < w->nwaits; i++)
        pack_num(waits,
                 strncmp(w->waits[i].event, "Extension", 9) == 0 ? "Extension" : w->waits[i].event,
                 w->waits[i].share);
    (void)p;
    set_object(o, "waits", waits);
}

static json_t *window_json(struct packing *p, const struct window *w)
{
    if (!w || !w->valid)
        return NULL;
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
    json_t *o = json_object();
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        pack_num(o, figures[i].key, figures[i].value);
    put_waits(p, o, w);
    return o;
}

static json_t *verdict_json(struct packing *p, const struct verdict *v)
{
    json_t *o = json_object();
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
    return o;
}

static json_t *change_json(struct packing *p, const struct setting_change *c)
{
    json_t *o = json_object();
    pack_prose(p, o, "name", c->name);
    if (c->reset)
        pack_word(o, "value", "reset");
    else
        pack_prose(p, o, "value", c->value);
    pack_prose(p, o, "why", c->why);
    pack_prose(p, o, "evidence", c->evidence);
    pack_num(o, "expected_percent_low", c->expect_lo);
    pack_num(o, "expected_percent_high", c->expect_hi);
    return o;
}

static json_t *round_json(struct packing *p, const struct round_history *r)
{
    json_t *o = json_object();
    json_t *changes = json_array();
    pack_num(o, "round", r->number);
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++) {
        json_t *c = change_json(p, &r->changes[i]);
        json_object_set_new(c, "measured", json_boolean(r->measured >> i & 1));
        json_array_append_new(changes, c);
    }
    json_object_set_new(o, "changes", changes);
    set_object(o, "result", verdict_json(p, &r->verdict));
    json_object_set_new(o, "kept", json_boolean(r->kept));
    if (r->failed)
        json_object_set_new(o, "could_not_be_applied", json_true());
    set_object(o, "during", window_json(p, &r->window));
    return o;
}

static void add_history(struct packing *p, const struct evidence *e)
{
    json_t *list = json_array();
    for (int i = e->nhistory - 1; i >= 0; i--)
        json_array_append_new(list, round_json(p, &e->history[i]));
    packing_add(p, "rounds_newest_first", list, list, "older rounds", 75, false);
    list = json_array();
    for (int i = 0; i < e->nrejected; i++) {
        json_t *o = json_object();
        pack_prose(p, o, "name", e->rejected[i].name);
        pack_prose(p, o, "value", e->rejected[i].value);
        json_array_append_new(list, o);
    }
    packing_add(p, "rejected_by_the_dba", list, list, "rejected changes", 84, false);
    list = json_array();
    for (int i = 0; i < e->nremembered; i++) {
        json_t *o = json_object();
        pack_prose(p, o, "name", e->remembered[i].name);
        pack_prose(p, o, "value", e->remembered[i].value);
        json_object_set_new(o, "earned", json_boolean(e->remembered[i].earned));
        pack_num(o, "effect", e->remembered[i].ratio);
        json_array_append_new(list, o);
    }
    packing_add(p, "of_earlier_sessions", list, list, "findings of earlier sessions", 45, false);
}

static void add_statements(struct packing *p, const struct evidence *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->nplans; i++) {
        const struct plan_facts *x = &e->plans[i];
        json_t *o = json_object();
        if (!x->valid)
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
        json_array_append_new(list, o);
    }
    packing_add(p, "statements_of_the_workload", list, list, "statements", 65, false);
}

static void add_measured(struct packing *p, const struct evidence *e)
{
    json_t *o = json_object();
    pack_num(o, "baseline_tps", e->baseline_tps);
    pack_num(o, "best_tps", e->best_tps);
    pack_num(o, "baseline_p95_ms", e->baseline_p95_ms);
    pack_num(o, "noise", e->floor);
    pack_num(o, "benchmarks_own_cpu", e->client_cpu);
    pack_num(o, "seconds_left", e->seconds_left);
    json_object_set_new(o, "restart_allowed", json_boolean(e->restart_allowed));
    json_t *ours = json_object();
    for (int i = 0; e->best_arm && i < e->best_arm->n; i++)
        if (e->best_arm->entries[i].present)
            pack_prose(p, ours, e->best_arm->entries[i].name, e->best_arm->entries[i].value);
    set_object(o, "our_settings_in_force", ours);
    if (p->in->npredictions) {
        pack_num(o, "predictions", p->in->npredictions);
        pack_num(o, "predictions_that_held", p->in->npredictions_held);
    }
    packing_add(p, "measured", o, NULL, NULL, 89, false);
    packing_add(p, "window_now", window_json(p, e->now), NULL, NULL, 70, false);
    packing_add(p, "window_of_baseline", window_json(p, e->base), NULL, NULL, 72, false);
    packing_add(p, "window_of_best", window_json(p, e->best), NULL, NULL, 74, false);
}

static void add_predictions(struct packing *p, const struct evidence *e)
{
    struct prediction made[SCORES_MAX];
    int n = e->nhistory ? score_predictions(e, made, SCORES_MAX) : 0;
    json_t *list = json_array();
    for (int i = n - 1; i >= 0; i--) {
        json_t *o = json_object();
        pack_num(o, "round", made[i].round);
        pack_prose(p, o, "setting", made[i].setting);
        pack_num(o, "predicted_percent_low", made[i].lo);
        pack_num(o, "predicted_percent_high", made[i].hi);
        pack_num(o, "measured_percent", made[i].measured);
        json_object_set_new(o, "held", json_boolean(made[i].held));
        json_array_append_new(list, o);
    }
    packing_add(p, "predictions_newest_first", list, list, "older predictions", 55, false);
}

static void add_wishes(struct packing *p, const struct wishes *w)
{
    json_t *o = json_object();
    json_t *never = json_array();
    json_t *said = json_array();
    for (int i = 0; i < w->nnever; i++) {
        json_t *row = json_object();
        pack_prose(p, row, "name", w->never[i]);
        json_array_append_new(never, row);
    }
    for (int i = 0; i < w->nsaid; i++) {
        json_t *row = json_object();
        pack_prose(p, row, "text", w->said[i]);
        json_array_append_new(said, row);
    }
    pack_prose(p, o, "notes_of_the_dba", w->text);
    json_object_set_new(o, "settings_never_to_be_touched", never);
    json_object_set_new(o, "said_newest_last", said);
    packing_add(p, "wishes", o, said, "earlier words of the DBA", 86, false);
}

void packet_session(struct packing *p)
{
    const struct evidence *e = p->in->e;
    if (e && e->plan)
        packing_add(p, "plan", plan_json(p, e->plan), NULL, NULL, 87, true);
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

static bool key_of_sql(const char *key)
{
    return strstr(key, "query") || strstr(key, "sql") || strstr(key, "definition") ||
           strstr(key, "filter");
}

/* At STRICT keys pass only when they are words of ours. */
static json_t *masked(struct packing *p, const json_t *j, const char *key, int depth)
{
    json_t *out = json_object();
    if (depth > 8) {
        json_decref(out);
        return json_null();
    }
    if (json_is_string(j)) {
        if (key_of_sql(key))
            pack_sql(p, out, "v", json_string_value(j));
        else
            pack_prose(p, out, "v", json_string_value(j));
        json_t *v = json_incref(json_object_get(out, "v"));
        json_decref(out);
        return v ? v : json_null();
    }
    if (json_is_array(j)) {
        json_decref(out);
        out = json_array();
        size_t i;
        json_t *item;
        json_array_foreach(j, i, item) json_array_append_new(out, masked(p, item, key, depth + 1));
        return out;
    }
    if (!json_is_object(j)) {
        json_decref(out);
        return json_deep_copy(j);
    }
    void *at;
    for (at = json_object_iter((json_t *)j); at; at = json_object_iter_next((json_t *)j, at)) {
        struct buf name = {0};
        mask_prose(p->mask, json_object_iter_key(at), &name);
        json_object_set_new(
            out, buf_text(&name),
            masked(p, json_object_iter_value(at), json_object_iter_key(at), depth + 1));
        buf_clear(&name);
    }
    return out;
}

json_t *packet_masked(struct mask *mask, const json_t *j)
{
    struct packing p = {.mask = mask};
    return masked(&p, j, "", 0);
}

static void add_facts(struct packing *p, const struct op_input *in)
{
    json_t *list = json_array();
    for (int i = in->nfacts - 1; i >= 0; i--) {
        const struct asked_fact *f = &in->facts[i];
        json_t *o = json_object();
        pack_prose(p, o, "fact", f->name);
        if (f->missing)
            json_object_set_new(o, "missing", json_true());
        json_t *j = f->text && (*f->text == '{' || *f->text == '[')
                        ? js_parse(f->text, strlen(f->text), NULL)
                        : NULL;
        if (j)
            json_object_set_new(o, "is", masked(p, j, "", 0));
        else
            pack_prose(p, o, "is", f->text);
        json_decref(j);
        json_array_append_new(list, o);
    }
    packing_add(p, "facts_gathered", list, list, "facts", 91, false);
}

static json_t *told_changes(struct packing *p, const struct told_change *c, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n && i < CHANGES_MAX; i++) {
        json_t *o = json_object();
        pack_prose(p, o, "name", c[i].name);
        pack_prose(p, o, "value", c[i].value);
        pack_prose(p, o, "evidence", c[i].evidence);
        pack_num(o, "earned", c[i].earned);
        json_array_append_new(list, o);
    }
    return list;
}

static void add_sessions(struct packing *p, const struct op_input *in)
{
    json_t *list = json_array();
    for (int i = in->nsessions - 1; i >= 0; i--) {
        const struct session_told *s = &in->sessions[i];
        json_t *o = json_object();
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
        json_object_set_new(o, "changes", told_changes(p, s->changes, s->nchanges));
        json_object_set_new(o, "without_gain", told_changes(p, s->failed, s->nfailed));
        json_array_append_new(list, o);
    }
    packing_add(p, "sessions_newest_first", list, list, "older sessions", 82, false);
}

static void add_failure(struct packing *p, const struct op_input *in)
{
    json_t *o = json_object();
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
    packing_add(p, "failure", o, NULL, NULL, 95, false);
}

static void add_anomaly(struct packing *p, const struct anomaly *a)
{
    json_t *o = json_object();
    pack_word(o, "series", a->label);
    pack_word(o, "unit", a->unit);
    pack_num(o, "usual", a->usual);
    pack_num(o, "seen", a->seen);
    pack_num(o, "score", a->score);
    json_object_set_new(o, "change_of_level", json_boolean(a->shift));
    if (a->until_us > a->from_us)
        pack_num(o, "lasted_s", (double)(a->until_us - a->from_us) / 1e6);
    pack_prose(p, o, "beside_it", a->beside);
    packing_add(p, "anomaly", o, NULL, NULL, 95, false);
}

static void add_question(struct packing *p, const struct op_input *in)
{
    json_t *o = json_object();
    pack_prose(p, o, "asked", in->question);
    pack_prose(p, o, "asked_at", in->where);
    if (in->question)
        pack_num(o, "times_that_facts_were_gathered", in->facts_rounds);
    packing_add(p, "question", o, NULL, NULL, 99, false);
    o = json_object();
    if (mask_level(p->mask) != PRIVACY_STRICT)
        pack_prose(p, o, "text", in->on_screen);
    packing_add(p, "on_screen", o, NULL, NULL, 58, false);
}

static void add_sight(struct packing *p, const struct first_sight *s)
{
    json_t *o = json_object();
    json_t *list = json_array();
    pack_prose(p, o, "headline", s->headline);
    for (int i = 0; i < s->nfindings; i++) {
        json_t *row = json_object();
        pack_prose(p, row, "area", s->findings[i].area);
        pack_prose(p, row, "text", s->findings[i].text);
        pack_prose(p, row, "figure", s->findings[i].figure);
        json_array_append_new(list, row);
    }
    json_object_set_new(o, "findings", list);
    packing_add(p, "first_sight", o, list, "findings", 62, false);
}

void packet_asked(struct packing *p)
{
    const struct op_input *in = p->in;
    json_t *o = json_object();
    pack_prose(p, o, "strategy", in->strategy);
    if (in->offer) {
        pack_prose(p, o, "title", in->offer->title);
        pack_prose(p, o, "why", in->offer->why);
        pack_prose(p, o, "expects", in->offer->expects);
    }
    if (in->plan)
        set_object(o, "set_by_the_dba", plan_json(p, in->plan));
    packing_add(p, "strategy_picked", o, NULL, NULL, 94, false);
    if (in->verdict)
        packing_add(p, "newest_round", verdict_json(p, in->verdict), NULL, NULL, 93, false);
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
    o = json_object();
    pack_prose(p, o, "left_in", in->paused_in);
    packing_add(p, "paused", o, NULL, NULL, 92, false);
}
