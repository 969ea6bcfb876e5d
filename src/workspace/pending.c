/* The switch that a session waits for when the DBA makes it, with what has been measured so far: a round or a confirmation
 * goes on where it was, in another run of the program, days later. */
#include <math.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store_parts.h"

static const char *const phases[] = {
    [PENDING_NOTHING] = "nothing",
    [PENDING_ROUND] = "round",
    [PENDING_CONFIRM] = "confirmation",
    [PENDING_SETTLE] = "settling",
};

/* The states of a round in which a switch can be under way, as they are written. */
static const struct {
    enum round_state state;
    const char *word;
} states[] = {{ROUND_JOURNAL, "switch"}, {ROUND_KEEP, "keep"}, {ROUND_ROLLBACK, "back"}};

static void put(json_t *j, const char *key, json_t *value)
{
    json_object_set_new(j, key, value);
}

/* -- one run, one experiment ------------------------------------------------------------------------------- */

static json_t *json_from_run(const struct bench_run *r)
{
    json_t *j = json_object();
    put(j, "arm", json_integer(r->arm));
    put(j, "number", json_integer(r->number));
    put(j, "valid", json_boolean(r->valid));
    put(j, "secs", js_num(r->secs));
    put(j, "tps", js_num(r->tps));
    put(j, "latency_ms", js_num(r->lat_avg_ms));
    put(j, "p50_ms", js_num(r->p50_ms));
    put(j, "p95_ms", js_num(r->p95_ms));
    put(j, "p99_ms", js_num(r->p99_ms));
    put(j, "transactions", js_num(r->transactions));
    put(j, "failed", js_num(r->failed));
    put(j, "tps_pgbench", js_num(r->tps_pgbench));
    put(j, "checkpoint_s", js_num(r->checkpoint_s));
    put(j, "redo_bytes", js_num(r->redo_bytes));
    put(j, "dead_tuples", js_num(r->dead_tuples));
    put(j, "live_tuples", js_num(r->live_tuples));
    put(j, "db_bytes", js_num(r->db_bytes));
    put(j, "contaminated", json_boolean(r->contaminated));
    put(j, "others_active", js_num(r->others_active));
    put(j, "others_tps", js_num(r->others_tps));
    put(j, "error", r->valid ? json_null() : js_text(r->err.msg));
    put(j, "window", store_window_json(&r->window));
    return j;
}

static double figure(const json_t *j, const char *key)
{
    double v = js_get_num(j, key, NAN);
    return v >= 0 && v <= 1e12 ? v : NAN;
}

static bool json_to_run(const json_t *j, struct bench_run *r, struct err *e)
{
    char why[200];
    memset(r, 0, sizeof *r);
    r->arm = (int)js_get_int(j, "arm", -1);
    r->number = (int)js_get_int(j, "number", 0);
    r->valid = js_get_bool(j, "valid", false);
    r->secs = figure(j, "secs");
    r->tps = figure(j, "tps");
    r->lat_avg_ms = figure(j, "latency_ms");
    r->lat_sd_ms = r->client_cpu = r->warm_s = NAN;
    r->p50_ms = figure(j, "p50_ms");
    r->p95_ms = figure(j, "p95_ms");
    r->p99_ms = figure(j, "p99_ms");
    r->transactions = figure(j, "transactions");
    r->failed = figure(j, "failed");
    r->tps_pgbench = figure(j, "tps_pgbench");
    r->checkpoint_s = figure(j, "checkpoint_s");
    r->redo_bytes = figure(j, "redo_bytes");
    r->dead_tuples = figure(j, "dead_tuples");
    r->live_tuples = figure(j, "live_tuples");
    r->db_bytes = js_get_num(j, "db_bytes", NAN);
    r->contaminated = js_get_bool(j, "contaminated", false);
    r->others_active = figure(j, "others_active");
    r->others_tps = figure(j, "others_tps");
    if (r->arm != ARM_A && r->arm != ARM_B)
        return err_set(e, ERR_FORMAT, "field \"pending.runs\" has a run of no arm");
    r->valid = r->valid && r->tps > 0 && r->transactions >= 0 && r->failed >= 0;
    if (!r->valid && js_get_text(j, "error", why, sizeof why))
        err_set(&r->err, ERR_CHILD, "%s", why);
    return store_window_read(j, "window", &r->window, e);
}

static json_t *json_from_experiment(const struct experiment *x)
{
    json_t *j = json_object(), *runs = json_array();
    put(j, "arm", json_integer(x->arm));
    put(j, "first", json_integer(x->first));
    put(j, "min_runs", json_integer(x->min_runs));
    put(j, "max_runs", json_integer(x->max_runs));
    put(j, "duration_s", json_integer(x->duration_s));
    put(j, "warmup_s", json_integer(x->warmup_s));
    put(j, "switches", json_integer(x->switches));
    put(j, "floor", js_num(x->floor));
    put(j, "goal", json_integer(x->goal));
    put(j, "rate", js_num(x->rate));
    put(j, "base_s", json_integer(x->base_s));
    put(j, "longest_s", json_integer(x->longest_s));
    put(j, "prior_sd", js_num(x->prior.sd));
    put(j, "prior_df", js_num(x->prior.df));
    put(j, "blocks", json_boolean(x->blocks));
    put(j, "stopped_early", json_boolean(x->stopped_early));
    for (int i = 0; i < x->n; i++)
        json_array_append_new(runs, json_from_run(&x->runs[i]));
    put(j, "runs", runs);
    return j;
}

static int whole(const json_t *j, const char *key, int lo, int hi, bool *ok)
{
    int64_t v = js_get_int(j, key, (int64_t)lo - 1);
    *ok = *ok && v >= lo && v <= hi;
    return (int)v;
}

static bool json_to_experiment(const json_t *j, enum experiment_kind kind, struct experiment *x,
                               struct err *e)
{
    const json_t *runs = json_object_get(j, "runs");
    bool ok = json_is_array(runs) && json_array_size(runs) <= EXPERIMENT_RUNS_MAX;
    memset(x, 0, sizeof *x);
    x->kind = kind;
    x->arm = whole(j, "arm", -1, ARM_B, &ok);
    x->first = whole(j, "first", ARM_A, ARM_B, &ok);
    x->min_runs = whole(j, "min_runs", 1, EXPERIMENT_RUNS_MAX / 2, &ok);
    x->max_runs = whole(j, "max_runs", 1, EXPERIMENT_RUNS_MAX / 2, &ok);
    x->duration_s = whole(j, "duration_s", 1, 86400, &ok);
    x->warmup_s = whole(j, "warmup_s", 0, 86400, &ok);
    x->switches = whole(j, "switches", 0, 1000, &ok);
    x->floor = js_get_num(j, "floor", 0);
    x->goal = (enum goal_kind)js_get_int(j, "goal", GOAL_TPS); /* older files have none of these */
    x->rate = fmax(0, js_get_num(j, "rate", 0));
    x->base_s = (int)js_get_int(j, "base_s", x->duration_s);
    x->longest_s = (int)js_get_int(j, "longest_s", x->duration_s);
    x->prior.sd = js_get_num(j, "prior_sd", 0);
    x->prior.df = js_get_num(j, "prior_df", 0);
    ok = ok && x->goal >= GOAL_TPS && x->goal <= GOAL_RUNTIME && x->longest_s >= x->duration_s &&
         x->base_s >= 1 && x->base_s <= x->duration_s && x->longest_s <= 86400 &&
         x->prior.sd >= 0 && x->prior.sd < 1e3 && x->prior.df >= 0 && x->prior.df < 1e6;
    x->blocks = js_get_bool(j, "blocks", false);
    x->stopped_early = js_get_bool(j, "stopped_early", false);
    x->restarted = true; /* whatever happened meanwhile: a whole warm-up */
    if (!ok || !(x->floor >= 0 && x->floor < 1e6) || x->max_runs < x->min_runs) {
        memset(x, 0, sizeof *x);
        return err_set(e, ERR_FORMAT, "field \"pending.experiment\" is damaged");
    }
    for (; x->n < (int)json_array_size(runs); x->n++) {
        struct bench_run *r = &x->runs[x->n];
        if (!json_to_run(json_array_get(runs, (size_t)x->n), r, e))
            return false;
        x->errors = r->valid ? 0 : x->errors + 1;
    }
    return true;
}

/* -- the round ---------------------------------------------------------------------------------------------- */

/* Only what was accepted is kept: the rest stands in `rejected`. */
static json_t *json_from_accepted(const struct review *r)
{
    struct setting_change list[CHANGES_MAX];
    json_t *changes, *lines;
    int n = 0;
    for (int i = 0; i < r->n; i++)
        if (r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_ACCEPT)
            list[n++] = r->lines[i].change;
    changes = store_changes_json(list, n);
    lines = json_array();
    n = 0;
    for (int i = 0; i < r->n; i++) {
        const struct review_line *l = &r->lines[i];
        if (l->refusal != REFUSE_NONE || l->answer != ANSWER_ACCEPT)
            continue;
        json_t *line = json_object();
        put(line, "from", js_text(l->from));
        put(line, "to", js_text(l->to));
        put(line, "restart", json_boolean(l->restart));
        put(line, "change", json_incref(json_array_get(changes, (size_t)n++)));
        json_array_append_new(lines, line);
    }
    json_decref(changes);
    return lines;
}

static bool json_to_accepted(const json_t *list, struct review *r, struct err *e)
{
    if (!json_is_array(list) || json_array_size(list) > CHANGES_MAX)
        return err_set(e, ERR_FORMAT, "field \"pending.accepted\" must be a list");
    for (; r->n < (int)json_array_size(list); r->n++) {
        const json_t *j = json_array_get(list, (size_t)r->n);
        struct review_line *l = &r->lines[r->n];
        js_get_text(j, "from", l->from, sizeof l->from);
        js_get_text(j, "to", l->to, sizeof l->to);
        text_copy_raw(l->send, sizeof l->send, l->to);
        l->restart = js_get_bool(j, "restart", false);
        l->answer = ANSWER_ACCEPT;
        if (!store_change_read(json_object_get(j, "change"), &l->change, e))
            return false;
    }
    r->done = true;
    return true;
}

static const char *state_word(const struct round *r)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (states[i].state == r->state)
            return states[i].word;
    return states[0].word; /* any of the states of one switch */
}

static void put_round(json_t *j, const struct round *r)
{
    put(j, "round", json_integer(r->number));
    put(j, "state", js_text(state_word(r)));
    put(j, "arm_in_force", json_integer(r->arm_in_force));
    put(j, "judged", json_boolean(r->judged));
    put(j, "candidate", store_arm_json(&r->candidate));
    put(j, "alternatives", json_integer(review_nsets(&r->review)));
    put(j, "measured", json_integer(r->candidate_sets & ((1u << SETS_MAX) - 1)));
    put(j, "verdict", json_from_verdict(&r->verdict));
    put(j, "accepted", json_from_accepted(&r->review));
    put(j, "experiment", json_from_experiment(&r->experiment));
}

static bool read_state(const json_t *j, struct round *r)
{
    char word[16];
    js_get_text(j, "state", word, sizeof word);
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(states[i].word, word) == 0) {
            r->state = states[i].state;
            return true;
        }
    return false;
}

static bool read_round(const json_t *j, struct session *s, struct err *e)
{
    struct round *r = &s->round;
    const json_t *verdict = json_object_get(j, "verdict");
    bool ok = true;
    round_clear(r);
    r->number = whole(j, "round", 1, 1000, &ok);
    r->arm_in_force = whole(j, "arm_in_force", -1, ARM_B, &ok);
    if (!ok || !read_state(j, r))
        return err_set(e, ERR_FORMAT, "field \"pending\" is not a round's switch");
    r->joins = UINT64_MAX;
    r->candidate_sets = json_object_get(j, "measured")
                            ? (unsigned)whole(j, "measured", 0, (1 << SETS_MAX) - 1, &ok)
                            : ~0u;
    r->review.proposal.nsets = json_object_get(j, "alternatives")
                                   ? whole(j, "alternatives", 1, SETS_MAX, &ok)
                                   : 1;
    if (!ok)
        return err_set(e, ERR_FORMAT, "field \"pending\" has no such alternatives");
    r->judged = js_get_bool(j, "judged", false);
    r->best = s->best;
    r->want = ROUND_WANT_SWITCH;
    r->want_arm = s->pending.want_arm;
    r->review.round = r->number;
    return store_arm_read(json_object_get(j, "candidate"), &r->candidate, "candidate", e) &&
           (!json_is_object(verdict) || json_to_verdict(verdict, &r->verdict, e)) &&
           json_to_accepted(json_object_get(j, "accepted"), &r->review, e) &&
           json_to_experiment(json_object_get(j, "experiment"), EXPERIMENT_ROUND, &r->experiment,
                              e);
}

/* -- the member ---------------------------------------------------------------------------------------------- */

json_t *store_pending_json(const struct session *s)
{
    const struct pending_switch *p = &s->pending;
    json_t *j;
    if (p->phase == PENDING_NOTHING)
        return json_null();
    j = json_object();
    put(j, "phase", js_text(phases[p->phase]));
    put(j, "arm", store_arm_json(&p->arm));
    put(j, "want_arm", json_integer(p->want_arm));
    put(j, "restart", json_boolean(p->restart));
    put(j, "settle_failed", json_boolean(p->settle_failed));
    put(j, "change_failed", json_boolean(p->change_failed));
    if (p->phase == PENDING_ROUND)
        put_round(j, &s->round);
    else if (p->phase == PENDING_CONFIRM)
        put(j, "experiment", json_from_experiment(&s->confirm));
    return j;
}

bool store_pending_read(const json_t *up, struct session *s, struct err *e)
{
    const json_t *j = json_object_get(up, "pending");
    struct pending_switch *p = &s->pending;
    char phase[16];
    bool ok = true;
    s->by_hand = js_get_bool(up, "by_hand", false);
    if (!j || json_is_null(j))
        return true;
    js_get_text(j, "phase", phase, sizeof phase);
    for (size_t i = PENDING_ROUND; i < ARRAY_LEN(phases); i++)
        if (strcmp(phases[i], phase) == 0)
            p->phase = (enum pending_phase)i;
    p->want_arm = whole(j, "want_arm", ARM_A, ARM_B, &ok);
    p->restart = js_get_bool(j, "restart", false);
    p->settle_failed = js_get_bool(j, "settle_failed", false);
    p->change_failed = js_get_bool(j, "change_failed", false);
    if (!json_is_object(j) || p->phase == PENDING_NOTHING || !ok)
        return err_set(e, ERR_FORMAT, "field \"pending\" is not a switch");
    if (!store_arm_read(json_object_get(j, "arm"), &p->arm, "pending.arm", e))
        return false;
    if (p->phase == PENDING_ROUND)
        return read_round(j, s, e);
    if (p->phase == PENDING_CONFIRM)
        return json_to_experiment(json_object_get(j, "experiment"), EXPERIMENT_CONFIRM, &s->confirm,
                                  e);
    return true;
}
