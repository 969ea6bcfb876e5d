/* Whole sessions beside the simulated server (tests/support/sim.h), where it is known what each change does: what the
 * screening picks, what the ablation leaves, and that neither can be left at a bad moment. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/sim.h"
#include "pgd/app/cli.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"
#include "pgd/tuning/guard.h"

enum { STEPS_MAX = 60000 };

struct world {
    struct model *m;
    struct sim *s;
    struct options opt;
    const struct proposal *proposal; /* the advisor's place is taken by it, once */
    bool proposed;
    int tunes;
    char ends; /* the key that answers the first verdict; 0 = Enter */
};

/* ---- what the changes do ---- */

static bool is_set(const struct sim *s, const char *name)
{
    return s->file[sim_setting(name)].present;
}

static int chance; /* which sequence of deviations */

/* A run deviates by up to 1 % to either side, the same in each play, whatever else the program asks for between two runs. */
static double deviation(const struct sim *s)
{
    return 1 +
           0.01 *
               ((double)((unsigned)(s->runs + 1000 * chance) * 2654435761u >> 16 & 1023) / 512 - 1);
}

/* Two that matter, a pair that works only together, one that harms; all else does nothing. */
static double planted(const struct sim *s)
{
    double tps = deviation(s);
    if (is_set(s, "work_mem"))
        tps *= 1.15;
    if (is_set(s, "random_page_cost"))
        tps *= 1.12;
    if (is_set(s, "jit") && is_set(s, "max_parallel_workers_per_gather"))
        tps *= 1.12;
    if (is_set(s, "checkpoint_timeout"))
        tps *= 0.92;
    return tps;
}

static void line(struct proposal *p, const char *name, const char *value, unsigned sets)
{
    struct setting_change *c = &p->changes[p->n++];
    memset(c, 0, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->value, sizeof c->value, "%s", value);
    snprintf(c->evidence, sizeof c->evidence, "measured: %s", name);
    c->expect_lo = 2;
    c->expect_hi = 8;
    c->sets = sets;
}

static struct proposal ten_changes(void)
{
    struct proposal p;
    memset(&p, 0, sizeof p);
    line(&p, "effective_cache_size", "8GB", 0);
    line(&p, "work_mem", "32MB", 0);
    line(&p, "checkpoint_timeout", "1h", 0);
    line(&p, "jit", "off", 0);
    line(&p, "checkpoint_completion_target", "0.7", 0);
    line(&p, "random_page_cost", "1.1", 0);
    line(&p, "maintenance_work_mem", "128MB", 0);
    line(&p, "max_parallel_workers_per_gather", "0", 0);
    line(&p, "min_wal_size", "160MB", 0);
    line(&p, "wal_compression", "on", 0);
    return p;
}

static struct proposal three_sets(void)
{
    struct proposal p;
    memset(&p, 0, sizeof p);
    p.nsets = 3;
    snprintf(p.set_names[0], sizeof p.set_names[0], "checkpoint_timeout = 1h");
    snprintf(p.set_names[1], sizeof p.set_names[1], "work_mem = 32MB");
    snprintf(p.set_names[2], sizeof p.set_names[2], "random_page_cost = 1.1");
    line(&p, "random_page_cost", "1.1", 4);
    line(&p, "work_mem", "32MB", 2);
    line(&p, "checkpoint_timeout", "1h", 1);
    return p;
}

/* ---- the world ---- */

static void deliver(void *arg, struct event *ev, struct effects *fx)
{
    struct world *w = arg;
    app_update(w->m, ev, fx);
}

static void quiet(enum log_level level, const char *text)
{
    (void)level;
    (void)text;
}

static void start(struct world *w)
{
    struct event ev = {.kind = EV_START};
    w->m = xcalloc(1, sizeof *w->m);
    model_init(w->m);
    w->m->opt = w->opt;
    sim_deliver(w->s, &ev);
}

static void stop(struct world *w)
{
    model_clear(w->m);
    free(w->m);
}

static struct world begin(const struct proposal *p)
{
    struct world w = {.s = sim_new(deliver, NULL), .proposal = p, .tunes = 1};
    struct options *o = &w.opt;
    log_sink(quiet);
    w.s->speed = planted;
    o->restart = RESTART_NEVER;
    o->rounds = 3;
    o->duration_s = 3;
    o->budget_given = true;
    o->budget_s = 3600;
    o->bench_db = o->has_target = true;
    o->pid = 4711;
    snprintf(o->home, sizeof o->home, "/home/of/it");
    cli_connect_set(&o->connect, "host", "/sock");
    cli_connect_set(&o->connect, "dbname", "shop");
    return w;
}

static void end(struct world *w)
{
    stop(w);
    sim_free(w->s);
}

static void press(struct world *w, enum key_name name, char c)
{
    struct event ev = {.kind = EV_KEY, .u.key = {.name = name, .rune = (uint32_t)(unsigned char)c}};
    sim_deliver(w->s, &ev);
}

/* The planted proposal takes the place of the advisor's; what comes after it is turned down. */
static void answer_review(struct world *w)
{
    struct round *r = &w->m->session.round;
    struct guard_policy g = {.clients = 4, .peak_active = NAN};
    if (w->proposed || !w->proposal) {
        press(w, KEYN_NONE, 'R');
        press(w, KEYN_NONE, 'g');
        return;
    }
    w->proposed = true;
    guard_review(w->proposal, &w->m->server, &g, &r->review);
    r->review.round = r->number;
    for (int i = 0; i < r->review.n; i++) {
        const struct review_line *l = &r->review.lines[i];
        assert_int_equal(l->refusal, REFUSE_NONE);
        session_remember_first(&w->m->session, l->change.name, l->from);
    }
    press(w, KEYN_NONE, 'A');
    press(w, KEYN_NONE, 'g');
}

static void decide(struct world *w)
{
    switch (w->m->fl.decision) {
    case DECIDE_REVIEW:
        answer_review(w);
        break;
    case DECIDE_PLAN:
        press(w, KEYN_NONE, 'g');
        break;
    case DECIDE_KEEP:
        press(w, KEYN_NONE, 'k');
        break;
    case DECIDE_VERDICT:
        if (w->ends) { /* he was told how long s would take */
            assert_true(w->m->fl.now.confirm_s > 60 && w->m->fl.now.ablate_s > 60);
            press(w, KEYN_NONE, w->ends);
            break;
        }
        press(w, KEYN_ENTER, 0);
        break;
    default:
        press(w, KEYN_ENTER, 0);
        break;
    }
}

static bool ended(const struct world *w)
{
    const struct model *m = w->m;
    return m->flow == FLOW_STUCK || m->flow == FLOW_ERROR || m->flow == FLOW_PAUSED ||
           (m->flow == FLOW_SUMMARY && m->fl.decision == DECIDE_NOTHING && w->s->n == 0);
}

static void step(struct world *w)
{
    struct model *m = w->m;
    if (m->fl.decision != DECIDE_NOTHING && model_dialog(m) != DIALOG_NONE) {
        decide(w);
    } else if (m->flow == FLOW_WATCH && w->tunes > 0 && m->sight_known) {
        w->tunes--;
        press(w, KEYN_NONE, 't');
    } else {
        sim_next(w->s, true);
    }
}

static void play(struct world *w)
{
    int i = 0;
    for (; i < STEPS_MAX && !(ended(w) && w->tunes == 0); i++)
        step(w);
    if (i == STEPS_MAX)
        fprintf(stderr, "in %s, apply %s, decision %d, dialog %d\n", flow_state_name(w->m->flow),
                apply_state_name(w->m->apply.state), (int)w->m->fl.decision,
                (int)model_dialog(w->m));
    if (i == STEPS_MAX || w->m->flow != FLOW_SUMMARY)
        for (int k = 0; k < w->m->nchat; k++)
            fprintf(stderr, "%s\n", w->m->chat[k].text);
    assert_true(i < STEPS_MAX);
}

/* What stands in the file is the best state, and nothing else. */
static void file_is_best(struct world *w)
{
    struct session *s = &w->m->session;
    for (int i = 0; i < SIM_SETTINGS; i++) {
        const struct entry *e = arm_find(&s->best, sim_stock[i][0]);
        assert_int_equal(w->s->file[i].present, e && e->present);
        if (e && e->present)
            assert_string_equal(w->s->file[i].value, e->value);
    }
    assert_false(w->s->intent_open);
}

static void best_is(struct world *w, const char *const *names, int n)
{
    struct session *s = &w->m->session;
    for (int i = 0; i < n; i++)
        if (!arm_find(&s->best, names[i]))
            fail_msg("%s is not in the best state", names[i]);
    for (int i = 0; i < s->best.n; i++) {
        bool wanted = false;
        for (int k = 0; k < n; k++)
            wanted = wanted || strcmp(s->best.entries[i].name, names[k]) == 0;
        if (!wanted)
            fail_msg("%s is in the best state", s->best.entries[i].name);
    }
}

#define SETUP(w, p)                     \
    static struct proposal proposal_;   \
    proposal_ = (p);                    \
    struct world w = begin(&proposal_); \
    w.s->arg = &w;                      \
    start(&w)

static const char *const right_four[] = {"work_mem", "random_page_cost", "jit",
                                         "max_parallel_workers_per_gather"};

/* How many decoys chance has kept beside the four, which are always there; what harms never is. */
static int four_of_ten(void)
{
    SETUP(w, ten_changes());
    play(&w);
    struct session *s = &w.m->session;
    int decoys = s->best.n - 4;
    assert_int_equal(w.m->flow, FLOW_SUMMARY);
    assert_int_equal(s->state, SESSION_ARCHIVED);
    assert_int_equal(s->nearned, 10);
    for (int i = 0; i < 4; i++)
        assert_non_null(arm_find(&s->best, right_four[i]));
    assert_null(arm_find(&s->best, "checkpoint_timeout"));
    if (decoys == 0)
        best_is(&w, right_four, 4);
    file_is_best(&w);
    assert_int_equal(s->final.kind, VERDICT_IMPROVED);
    assert_true(s->final.ratio > 1.35); /* of the smaller set: without what harmed */
    for (int i = 0; i < s->nearned; i++)
        assert_int_equal(s->earned[i].taken_out, !arm_find(&s->best, s->earned[i].name));
    assert_int_equal(s->nfinal, 4 + decoys);
    end(&w);
    return decoys;
}

static void ten_changes_become_four(void **state)
{
    (void)state;
    int decoys = 0;
    for (chance = 0; chance < 10; chance++)
        decoys += four_of_ten();
    chance = 0;
    print_message("decoys kept by chance: %d of 50\n", decoys);
    assert_true(decoys <= 5);
}

/* S: at once, with what the round has kept, no run more, and nothing is claimed. */
static void kept_at_once_claims_nothing(void **state)
{
    (void)state;
    SETUP(w, ten_changes());
    w.ends = 'S';
    play(&w);
    struct session *s = &w.m->session;
    assert_int_equal(w.m->flow, FLOW_SUMMARY);
    assert_int_equal(s->state, SESSION_ARCHIVED);
    assert_int_equal(s->confirm.n, 0);
    assert_int_equal(s->nearned, 0);
    assert_int_equal(s->final.kind, VERDICT_NONE);
    assert_true(s->best.n > 0);
    file_is_best(&w);
    assert_string_equal(s->end_reason, "ended by the DBA without a confirmation");
    end(&w);
}

static void the_screening_picks_what_gains(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    play(&w);
    struct session *s = &w.m->session;
    static const char *const two[] = {"work_mem", "random_page_cost"};
    assert_int_equal(s->state, SESSION_ARCHIVED);
    best_is(&w, two, 2);
    file_is_best(&w);
    const struct round_history *h = &s->history[0];
    assert_int_equal(h->nsets, 3);
    assert_true(h->kept);
    assert_false(h->sets[0].gained);
    assert_true(h->sets[1].gained && h->sets[2].gained);
    assert_true(h->sets[0].ratio < 0.95 && h->sets[1].ratio > 1.1 && h->sets[2].ratio > 1.08);
    for (int i = 0; i < h->n; i++)
        assert_int_equal(h->measured >> i & 1,
                         strcmp(h->changes[i].name, "checkpoint_timeout") != 0);
    end(&w);
}

/* ---- at a bad moment ---- */

static bool at_screen(const struct model *m)
{
    return m->flow == FLOW_ROUND && m->session.round.screening;
}

static bool at_ablate(const struct model *m)
{
    return m->flow == FLOW_ABLATE;
}

static bool at_reduced(const struct model *m)
{
    return m->flow == FLOW_CONFIRM && m->fl.now.reducing;
}

typedef bool (*moment_fn)(const struct model *m);

/* Goes on to the n-th step in which the session is there; false: it does not last that long. */
static bool reach(struct world *w, moment_fn there, int n)
{
    for (int i = 0; i < STEPS_MAX && !(ended(w) && w->tunes == 0); i++) {
        if (there(w->m) && n-- == 0)
            return true;
        step(w);
    }
    return false;
}

/* Nothing of the session stands in the file. */
static void file_is_stock(struct world *w)
{
    for (int i = 0; i < SIM_SETTINGS; i++)
        assert_false(w->s->file[i].present);
    assert_false(w->s->intent_open);
}

/* Ctrl-C: whatever runs ends, and the session is paused. With a best state in force it is asked what becomes of it: `answer` k
 * or b. */
static bool pause_now(struct world *w, char answer)
{
    bool asked = false;
    press(w, KEYN_CTRL, 'c');
    for (int i = 0; i < STEPS_MAX && w->m->flow != FLOW_PAUSED; i++) {
        if (w->m->fl.decision == DECIDE_PAUSE) {
            asked = true;
            assert_int_equal(model_dialog(w->m), DIALOG_PAUSE);
            press(w, KEYN_NONE, answer);
        } else {
            sim_next(w->s, true);
        }
    }
    assert_int_equal(w->m->flow, FLOW_PAUSED);
    assert_int_equal(w->m->session.state, SESSION_PAUSED);
    return asked;
}

/* The best state so far is in force, whatever was under way. */
static int cancel_everywhere(struct proposal p, moment_fn there, int stride)
{
    int n = 0;
    for (;; n += stride) {
        SETUP(w, p);
        if (!reach(&w, there, n)) {
            end(&w);
            return n;
        }
        struct arm best = w.m->session.best;
        assert_int_equal(pause_now(&w, 'k'), best.n > 0);
        assert_true(arm_same(&best, &w.m->session.best));
        file_is_best(&w);
        end(&w);
    }
}

static void a_cancel_leaves_the_best_state(void **state)
{
    (void)state;
    assert_true(cancel_everywhere(three_sets(), at_screen, 19) > 100);
    assert_true(cancel_everywhere(ten_changes(), at_ablate, 181) > 300);
    assert_true(cancel_everywhere(ten_changes(), at_reduced, 47) > 50);
}

/* kill -9, and a start that goes on with the session: it ends as an undisturbed one, or finds less, but what stands in the
 * file is what it says. */
static int kill_everywhere(struct proposal p, moment_fn there, int stride)
{
    int n = 0;
    for (;; n += stride) {
        SETUP(w, p);
        if (!reach(&w, there, n)) {
            end(&w);
            return n;
        }
        bool best_known = w.m->session.best.n > 0;
        sim_kill(w.s, n % 5 - 1);
        stop(&w);
        w.tunes = 0;
        w.proposed = best_known; /* before it had one, the round begins anew */
        start(&w);
        play(&w);
        assert_int_equal(w.m->flow, FLOW_SUMMARY);
        assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
        assert_int_equal(w.m->session.final.kind, VERDICT_IMPROVED);
        assert_non_null(arm_find(&w.m->session.best, "work_mem"));
        file_is_best(&w);
        end(&w);
    }
}

static void a_kill_loses_nothing(void **state)
{
    (void)state;
    assert_true(kill_everywhere(three_sets(), at_screen, 41) > 100);
    assert_true(kill_everywhere(ten_changes(), at_ablate, 263) > 300);
    assert_true(kill_everywhere(ten_changes(), at_reduced, 97) > 50);
}

/* As if pgbench had run on another host, which cannot be had now. */
static void move_bench(struct sim *s)
{
    static const char here[] = "\"bench_at\": \"here\"";
    int n = 0;
    for (int i = 0; i < s->nfiles; i++) {
        char *at = s->files[i].text ? strstr(s->files[i].text, here) : NULL;
        if (!at)
            continue;
        memcpy(at, "\"bench_at\": \"db_9\"", sizeof here - 1);
        n++;
    }
    assert_int_equal(n, 1);
}

static bool at_confirm(const struct model *m)
{
    return m->flow == FLOW_CONFIRM;
}

/* What was kept stays, and it is confirmed against a start that was measured from the same place. */
static void a_resume_from_another_place_measures_anew(void **state)
{
    (void)state;
    for (int n = 0; n < 60; n += 15) {
        SETUP(w, three_sets());
        assert_true(reach(&w, at_confirm, n));
        sim_kill(w.s, 0);
        stop(&w);
        move_bench(w.s);
        w.tunes = 0;
        start(&w);
        play(&w);
        struct session *s = &w.m->session;
        assert_int_equal(s->state, SESSION_ARCHIVED);
        assert_string_equal(s->bench_at, "here");
        assert_true(s->baseline.n > 0 && s->baseline_tps < 1.03 * s->final.tps_a);
        assert_int_equal(s->final.kind, VERDICT_IMPROVED);
        for (int i = 0; i < s->confirm.n; i++) /* the state that a run is of was in force in it */
            assert_int_equal(s->confirm.runs[i].tps > 1.1 * s->final.tps_a,
                             s->confirm.runs[i].arm == ARM_B);
        file_is_best(&w);
        end(&w);
    }
}

/* A pause that takes everything back: the next start brings the best state back, and nothing is measured twice. */
static void a_pause_may_take_everything_back(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    assert_true(reach(&w, at_confirm, 5));
    struct arm best = w.m->session.best;
    assert_true(pause_now(&w, 'b'));
    assert_true(arm_same(&best, &w.m->session.best));
    assert_true(ledger_clean(&w.m->session.ledger));
    file_is_stock(&w);
    sim_kill(w.s, 0);
    stop(&w);
    w.tunes = 0;
    start(&w);
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.m->session.baseline.n, 0);
    assert_non_null(arm_find(&w.m->session.best, "work_mem"));
    file_is_best(&w);
    end(&w);
}

/* Ctrl-C once more keeps what is in force. */
static void to_stop_while_it_is_asked_keeps_the_best_state(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    assert_true(reach(&w, at_confirm, 5));
    press(&w, KEYN_CTRL, 'c');
    for (int i = 0; i < STEPS_MAX && w.m->fl.decision != DECIDE_PAUSE; i++)
        sim_next(w.s, true);
    press(&w, KEYN_CTRL, 'c');
    assert_int_equal(w.m->flow, FLOW_PAUSED);
    assert_int_equal(w.m->session.state, SESSION_PAUSED);
    file_is_best(&w);
    end(&w);
}

/* Where a session goes on depends on how old its baseline is: 0 the same hour, 1 two days later, 2 on another version of the
 * server, 3 after a restart that was not ours. */
static void an_old_baseline_is_measured_again(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        SETUP(w, three_sets());
        assert_true(reach(&w, at_confirm, 5));
        pause_now(&w, 'k');
        sim_kill(w.s, 0);
        stop(&w);
        w.tunes = 0;
        if (how == 1)
            w.s->wall += 2 * 86400 * SIM_SECOND;
        if (how == 2)
            w.s->version += 1;
        if (how == 3)
            w.s->start_us += SIM_SECOND;
        start(&w);
        play(&w);
        struct session *s = &w.m->session;
        assert_int_equal(s->state, SESSION_ARCHIVED);
        if ((s->baseline.n > 0) != (how > 0))
            fail_msg("%d runs of the baseline, for reason %d", s->baseline.n, how);
        assert_int_equal(s->final.kind, VERDICT_IMPROVED);
        file_is_best(&w);
        end(&w);
    }
}

/* A trial arm that the server refuses drops out, and the others go on. */
static void a_refused_alternative_drops_out(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->override = sim_setting("work_mem"); /* verified in vain: hidden by the role's own */
    play(&w);
    struct session *s = &w.m->session;
    static const char *const one[] = {"random_page_cost"};
    assert_int_equal(s->state, SESSION_ARCHIVED);
    assert_true(s->history[0].sets[1].out);
    assert_int_equal(s->history[0].sets[1].runs, 0);
    best_is(&w, one, 1);
    file_is_best(&w);
    end(&w);
}

/* Each costs more than the deviation can hide: by chance alone a change without effect is found to have gained now and then. */
static double useless(const struct sim *s)
{
    return (is_set(s, "checkpoint_timeout") ? 0.9 : 1) * (is_set(s, "work_mem") ? 0.96 : 1) *
           (is_set(s, "random_page_cost") ? 0.96 : 1) * deviation(s);
}

static void nothing_gained_is_a_miss(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->speed = useless;
    play(&w);
    struct session *s = &w.m->session;
    assert_int_equal(s->state, SESSION_FAILED);
    assert_int_equal(s->nhistory, 1);
    assert_int_equal(s->history[0].verdict.kind, VERDICT_INCONCLUSIVE);
    assert_int_equal(s->history[0].measured, 0);
    assert_int_equal(s->history[0].verdict.runs_b, 0);
    assert_non_null(strstr(s->history[0].verdict.note, "no alternative gained"));
    assert_int_equal(s->misses, 1);
    assert_int_equal(s->best.n, 0);
    file_is_best(&w);
    end(&w);
}

/* ---- what the runs do to their database ---- */

/* How often the database had been mended at each run, by where it was made: FLOW_* and the number of the round. */
static struct {
    const struct world *w;
    int n, where[400], mended[400];
} seen;

static double noted(const struct sim *s)
{
    const struct model *m = seen.w->m;
    int round = m->flow == FLOW_ROUND ? m->session.round.number : 0;
    assert_true(seen.n < (int)ARRAY_LEN(seen.where));
    seen.where[seen.n] = (int)m->flow * 100 + round;
    seen.mended[seen.n++] = s->loads + s->vacuums;
    return planted(s);
}

/* No comparison has runs on both sides of a remedy. */
static void each_comparison_has_one_database(void)
{
    for (int i = 1; i < seen.n; i++)
        if (seen.where[i] == seen.where[i - 1])
            assert_int_equal(seen.mended[i], seen.mended[i - 1]);
}

static int times_said(const struct world *w, const char *text)
{
    int n = 0;
    for (int i = 0; i < w->m->nchat; i++)
        n += strstr(w->m->chat[i].text, text) != NULL;
    return n;
}

static bool was_said(const struct world *w, const char *text)
{
    return times_said(w, text) > 0;
}

static bool journalled(const struct world *w, const char *text)
{
    for (int i = 0; i < w->s->nfiles; i++)
        if (strstr(w->s->files[i].path, "journal.jsonl") && w->s->files[i].text &&
            strstr(w->s->files[i].text, text))
            return true;
    return false;
}

static void watch_runs(struct world *w)
{
    memset(&seen, 0, sizeof seen);
    seen.w = w;
    w->s->speed = noted;
}

static void a_database_that_grew_is_loaded_anew(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    watch_runs(&w);
    w.s->run_mb = 16;
    play(&w);
    struct session *s = &w.m->session;
    assert_int_equal(s->state, SESSION_ARCHIVED);
    assert_true(w.s->loads >= 1);
    assert_int_equal(w.s->vacuums, 0);
    each_comparison_has_one_database();
    assert_non_null(strstr(s->final.note, "the database was loaded anew before these runs: "));
    assert_true(was_said(&w, "is of other data"));
    assert_true(journalled(&w, "\"what\":\"renewed\""));
    file_is_best(&w);
    end(&w);
}

static void dead_rows_are_vacuumed(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    watch_runs(&w);
    w.s->run_dead = 60000;
    play(&w);
    struct session *s = &w.m->session;
    assert_int_equal(s->state, SESSION_ARCHIVED);
    assert_true(w.s->vacuums >= 1);
    assert_int_equal(w.s->loads, 0);
    each_comparison_has_one_database();
    assert_non_null(strstr(s->history[0].verdict.note, "the database was vacuumed before"));
    assert_true(journalled(&w, "\"what\":\"vacuumed\""));
    end(&w);
}

/* What stays small is left alone. */
static void a_sound_database_is_left_alone(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->run_mb = 1;
    w.s->run_dead = 500;
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.s->loads + w.s->vacuums, 0);
    assert_false(was_said(&w, "the database has grown"));
    assert_null(strstr(w.m->session.final.note, "before these runs"));
    end(&w);
}

/* One that an earlier session has left large is loaded anew before the baseline. */
static void what_an_earlier_session_left_is_mended_first(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    watch_runs(&w);
    w.s->db_mb = 600;
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.s->loads, 1);
    assert_int_equal(seen.mended[0], 1);
    end(&w);
}

/* The DBA's own: it is said, and nothing is done. */
static int said_of_own(double run_mb, double run_dead)
{
    SETUP(w, three_sets());
    static const char script[] = "SELECT 1 FROM orders;\n";
    struct options *o = &w.m->opt;
    sim_write(w.s, "/w/own.sql", script, strlen(script), false);
    o->nscripts = 1;
    o->scripts[0].weight = 1;
    snprintf(o->scripts[0].name, sizeof o->scripts[0].name, "own");
    snprintf(o->scripts[0].path, sizeof o->scripts[0].path, "/w/own.sql");
    w.s->run_mb = run_mb;
    w.s->run_dead = run_dead;
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_false(w.m->session.plan.builtin_db);
    assert_int_equal(w.s->loads + w.s->vacuums, 0);
    int n = times_said(&w, "it is the DBA's own: it is left as it is");
    end(&w);
    return n;
}

static void a_database_of_the_dba_is_never_touched(void **state)
{
    (void)state;
    assert_int_equal(said_of_own(1, 0), 0);
    assert_int_equal(said_of_own(300, 0), 1);    /* it calls for the same all the time */
    assert_int_equal(said_of_own(20, 60000), 2); /* for VACUUM, and later for more */
}

/* Where a remedy would leave no time for the comparison. */
static void without_time_it_is_only_said(void **state)
{
    (void)state;
    bool said = false;
    for (int budget = 60; budget <= 300 && !said; budget += 20) {
        SETUP(w, three_sets());
        w.m->opt.budget_s = budget;
        w.s->run_mb = 40;
        play(&w);
        said = was_said(&w, "It is not loaded anew: that needs 60 s, and the budget has") &&
               w.s->loads == 0 && w.m->session.nhistory + w.m->session.confirm.n > 0;
        end(&w);
    }
    assert_true(said);
}

/* Ours by its mark, and somebody else's table stands in it: neither vacuumed nor loaded anew, and said once. */
static void what_is_not_ours_keeps_the_database(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->not_ours = "table public.mine";
    w.s->run_mb = 60;
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.s->loads + w.s->vacuums, 0);
    assert_true(w.s->marked);
    assert_int_equal(times_said(&w, "it is the DBA's own: it is left as it is (table public.mine"),
                     1);
    end(&w);
}

static void what_is_not_ours_keeps_it_before_the_baseline(void **state)
{
    (void)state;
    SETUP(v, three_sets());
    v.s->not_ours = "table public.mine";
    v.s->db_mb = 600; /* before the baseline as well */
    play(&v);
    assert_int_equal(v.s->loads, 0);
    assert_int_equal(times_said(&v, "it is the DBA's own: it is left as it is (table public.mine"),
                     1);
    end(&v);
}

static const char dropping[] = "DO $$ BEGIN PERFORM", third[] = "SET default_tablespace";

/* The old tables stand: the session goes on with them. */
static void a_refused_renewal_is_only_said(void **state)
{
    (void)state;
    static const char *const states[] = {"42501", "55P03"};
    static const char *const words[] = {
        "It is not loaded anew: not done: simulated",
        "It is not loaded anew: not done: another session holds its tables locked"};
    for (int i = 0; i < 4; i++) {
        SETUP(w, three_sets());
        w.s->load_fails = states[i % 2];
        w.s->load_fails_at = dropping;
        w.s->run_mb = i < 2 ? 16 : 0;
        w.s->db_mb = i < 2 ? w.s->db_mb : 600; /* found so before the baseline */
        play(&w);
        assert_true(w.s->load_failures > 0);
        assert_true(was_said(&w, words[i % 2]));
        assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
        assert_int_equal(w.m->session.final.kind, VERDICT_IMPROVED);
        assert_int_equal(w.s->loads, 0);
        assert_true(w.s->marked);
        file_is_best(&w);
        end(&w);
    }
}

/* The tables are gone: it ends with its best state, not with whatever is in force. */
static void a_renewal_that_breaks_ends_with_the_best(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->load_fails = "53100";
    w.s->load_fails_at = third;
    w.s->run_mb = 16;
    play(&w);
    assert_int_equal(w.s->load_failures, 1);
    assert_false(w.s->marked);
    assert_int_equal(w.m->flow, FLOW_SUMMARY);
    assert_int_equal(w.m->fl.now.bloat.step, BLOAT_NOTHING);
    assert_string_equal(w.m->session.end_reason, "the benchmark database could not be loaded anew");
    assert_true(was_said(&w, "the next session loads them anew"));
    file_is_best(&w);
    end(&w);
}

static void one_that_breaks_before_the_baseline_is_an_error(void **state)
{
    (void)state;
    SETUP(v, three_sets());
    v.s->load_fails = "53100";
    v.s->load_fails_at = third;
    v.s->db_mb = 600;
    for (int i = 0; i < STEPS_MAX && v.m->flow != FLOW_ERROR; i++)
        step(&v);
    assert_int_equal(v.m->flow, FLOW_ERROR); /* nothing is in force yet */
    assert_non_null(strstr(v.m->fl.err.hint, "loads them anew"));
    end(&v);
}

/* Before the baseline it takes its time from the budget, too. */
static void a_renewal_before_the_baseline_leaves_a_round(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.m->opt.budget_s = 90;
    w.s->db_mb = 600;
    play(&w);
    assert_int_equal(w.s->loads, 0);
    assert_true(was_said(&w, "It is not loaded anew: that needs 60 s, and the budget has"));
    end(&w);
}

/* Nobody vacuums under what the DBA has just undone: while it is not known what is in force nothing is looked at. */
static void an_arm_unknown_is_switched_first(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    struct effects fx = {0};
    w.s->run_mb = 16;
    for (int i = 0; i < STEPS_MAX && w.m->flow != FLOW_ROUND; i++)
        step(&w);
    w.m->fl.now.bloat.looked = 0;
    w.m->fl.now.arm_unknown = true;
    assert_false(flow_bloat_begin(w.m, false, &fx));
    assert_int_equal(w.m->fl.now.bloat.looked, 0);
    w.m->fl.now.arm_unknown = false;
    assert_true(flow_bloat_begin(w.m, false, &fx));
    effects_clear(&fx);
    end(&w);
}

static bool loading(const struct world *w)
{
    return w->m->fl.now.bloat.step == BLOAT_LOAD && !w->s->marked;
}

/* kill -9 in the middle: the next start finds a mark that says so, and makes it whole before anything is measured. */
static void a_kill_while_it_is_loaded_is_made_good(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->run_mb = 16;
    for (int i = 0; i < STEPS_MAX && !loading(&w); i++)
        step(&w);
    assert_true(loading(&w));
    bool best_known = w.m->session.best.n > 0;
    sim_kill(w.s, 0);
    stop(&w);
    w.tunes = 0;
    w.proposed = best_known;
    watch_runs(&w);
    start(&w);
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_true(w.s->marked);
    assert_true(w.s->loads >= 1 && seen.n > 0 && seen.mended[0] >= 1);
    assert_int_equal(w.m->session.final.kind, VERDICT_IMPROVED);
    file_is_best(&w);
    end(&w);
}

/* Stopped in the middle: the session is paused with its best state, and the server is asked to leave off. */
static void a_cancel_while_it_is_loaded_pauses(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    w.s->run_mb = 16;
    for (int i = 0; i < STEPS_MAX && !loading(&w); i++)
        step(&w);
    assert_true(loading(&w));
    pause_now(&w, 'k');
    file_is_best(&w);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_that_grew_is_loaded_anew),
        cmocka_unit_test(dead_rows_are_vacuumed),
        cmocka_unit_test(a_sound_database_is_left_alone),
        cmocka_unit_test(what_an_earlier_session_left_is_mended_first),
        cmocka_unit_test(a_database_of_the_dba_is_never_touched),
        cmocka_unit_test(without_time_it_is_only_said),
        cmocka_unit_test(what_is_not_ours_keeps_the_database),
        cmocka_unit_test(what_is_not_ours_keeps_it_before_the_baseline),
        cmocka_unit_test(one_that_breaks_before_the_baseline_is_an_error),
        cmocka_unit_test(a_refused_renewal_is_only_said),
        cmocka_unit_test(a_renewal_that_breaks_ends_with_the_best),
        cmocka_unit_test(a_renewal_before_the_baseline_leaves_a_round),
        cmocka_unit_test(an_arm_unknown_is_switched_first),
        cmocka_unit_test(a_kill_while_it_is_loaded_is_made_good),
        cmocka_unit_test(a_cancel_while_it_is_loaded_pauses),
        cmocka_unit_test(ten_changes_become_four),
        cmocka_unit_test(the_screening_picks_what_gains),
        cmocka_unit_test(a_refused_alternative_drops_out),
        cmocka_unit_test(nothing_gained_is_a_miss),
        cmocka_unit_test(kept_at_once_claims_nothing),
        cmocka_unit_test(a_cancel_leaves_the_best_state),
        cmocka_unit_test(a_kill_loses_nothing),
        cmocka_unit_test(a_resume_from_another_place_measures_anew),
        cmocka_unit_test(a_pause_may_take_everything_back),
        cmocka_unit_test(to_stop_while_it_is_asked_keeps_the_best_state),
        cmocka_unit_test(an_old_baseline_is_measured_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
