/* A session that is left and goes on, beside the simulated server (tests/support/sim.h): what was under way is named, what the DBA has
 * answered is offered again, what has to be measured again says why, t and the tree's keys never keep quiet. */
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
#include "pgd/app/advise_input.h"
#include "pgd/app/cli.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/keys.h"
#include "pgd/app/tree_keys.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"
#include "pgd/tuning/guard.h"
#include "pgd/ui/view.h"
#include "pgd/workspace/left.h"

enum { STEPS_MAX = 60000 };

struct world {
    struct model *m;
    struct sim *s;
    struct options opt;
    const struct proposal *proposal; /* the advisor's place is taken by it, once */
    bool proposed;
    int tunes;
};

/* ---- what the changes do ---- */

static bool is_set(const struct sim *s, const char *name)
{
    return s->file[sim_setting(name)].present;
}

/* A run deviates by up to 1 % to either side, the same in each play. */
static double deviation(const struct sim *s)
{
    return 1 + 0.01 * ((double)((unsigned)s->pids * 2654435761u >> 16 & 1023) / 512 - 1);
}

static double planted(const struct sim *s)
{
    double tps = deviation(s);
    if (is_set(s, "work_mem"))
        tps *= 1.15;
    if (is_set(s, "random_page_cost"))
        tps *= 1.12;
    return is_set(s, "checkpoint_timeout") ? 0.92 * tps : tps;
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

static struct proposal two_changes(void)
{
    struct proposal p;
    memset(&p, 0, sizeof p);
    line(&p, "work_mem", "32MB", 0);
    line(&p, "random_page_cost", "1.1", 0);
    return p;
}

/* One that does nothing, and goes when it is known what each earns. */
static struct proposal one_idle(void)
{
    struct proposal p = two_changes();
    line(&p, "jit", "off", 0);
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

#define SETUP(w, p)                     \
    static struct proposal proposal_;   \
    proposal_ = (p);                    \
    struct world w = begin(&proposal_); \
    w.s->arg = &w;                      \
    start(&w)

static bool ask_is(const struct world *w, enum decision d)
{
    return w->m->fl.decision == d && model_dialog(w->m) != DIALOG_NONE;
}

typedef bool (*moment_fn)(const struct model *m);

static bool reach(struct world *w, moment_fn there)
{
    for (int i = 0; i < STEPS_MAX && !(ended(w) && w->tunes == 0); i++) {
        if (there(w->m))
            return true;
        step(w);
    }
    return false;
}

static bool in_comparison(const struct model *m)
{
    return m->flow == FLOW_ROUND && m->session.round.state == ROUND_MEASURE &&
           m->session.round.experiment.n == 3 && m->fl.now.running;
}

static bool in_warmup(const struct model *m)
{
    return m->flow == FLOW_ROUND && m->session.round.experiment.n == 1 && m->fl.now.running &&
           m->fl.now.run_warmup;
}

static bool in_screening(const struct model *m)
{
    return m->flow == FLOW_ROUND && m->session.round.screening &&
           m->session.round.race.arms[1].n > 0 && m->fl.now.running;
}

static bool in_confirmation(const struct model *m)
{
    return m->flow == FLOW_CONFIRM && m->session.confirm.n == 2 && m->fl.now.running;
}

static bool in_smaller(const struct model *m)
{
    return in_confirmation(m) && m->fl.now.reducing;
}

static bool in_compare(const struct model *m)
{
    return m->flow == FLOW_COMPARE && m->fl.now.compare.arms[0].n > 0 && m->fl.now.running;
}

static bool in_baseline(const struct model *m)
{
    return m->flow == FLOW_BASELINE && m->fl.now.running && m->session.baseline.n > 0;
}

static bool at_review(const struct model *m)
{
    return m->fl.decision == DECIDE_REVIEW && model_dialog(m) == DIALOG_REVIEW;
}

static bool said(const struct world *w, const char *text)
{
    for (int i = 0; i < w->m->nchat; i++)
        if (strstr(w->m->chat[i].text, text))
            return true;
    return false;
}

static void for_seconds(struct world *w, int s)
{
    int64_t until = w->s->now + s * (int64_t)SIM_SECOND;
    while (w->s->now < until)
        sim_next(w->s, true);
}

/* Ctrl-C, and `answer` to what becomes of the best state; until the session stands, or goes on to its end. */
static void stop_with(struct world *w, char answer)
{
    press(w, KEYN_CTRL, 'c');
    for (int i = 0; i < STEPS_MAX && w->m->flow != FLOW_PAUSED; i++) {
        if (ask_is(w, DECIDE_PAUSE)) {
            press(w, KEYN_NONE, answer);
            if (answer == 's' || answer == 'S')
                return;
        } else {
            sim_next(w->s, true);
        }
    }
    assert_int_equal(w->m->flow, FLOW_PAUSED);
}

/* kill -9 or the end of the program, and a start that comes to the question about the session. */
static void start_again(struct world *w)
{
    for_seconds(w, 1); /* what is written down has come to the disk */
    sim_kill(w->s, 0);
    stop(w);
    w->tunes = 0;
    start(w);
    for (int i = 0; i < STEPS_MAX && !ask_is(w, DECIDE_RECOVER); i++)
        sim_next(w->s, true);
    assert_true(ask_is(w, DECIDE_RECOVER));
}

static struct left_told told(const struct world *w)
{
    struct left_told t;
    left_tell(w->m, &t);
    return t;
}

#define HAS(text, part)                                      \
    do {                                                     \
        if (!strstr(text, part))                             \
            fail_msg("\"%s\" is not in \"%s\"", part, text); \
    } while (0)

/* The screen of that size, wrapped lines put together; the DBA may have to scroll in a dialog, but not for this. */
static void shows(struct world *w, int cols, int rows, const char *const *parts)
{
    struct canvas *c = canvas_new(rows, cols);
    struct buf text = {0}, plain = {0};
    struct view_cursor cursor;
    bool blank = true;
    w->m->screen.cols = cols;
    w->m->screen.rows = rows;
    view_paint(c, w->m, keys_tables(), &cursor);
    canvas_text(c, &text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char b = (unsigned char)text.data[i];
        bool gap = b <= ' ' || b >= 0x80; /* borders, and the panes beside it */
        if (!gap || !blank)
            buf_putc(&plain, gap ? ' ' : (char)b);
        blank = gap;
    }
    if (getenv("SHOW"))
        fprintf(stderr, "%s\n", buf_text(&text));
    for (; *parts; parts++)
        if (!strstr(buf_text(&plain), *parts))
            fail_msg("%dx%d does not show \"%s\":\n%s", cols, rows, *parts, buf_text(&text));
    buf_clear(&text);
    buf_clear(&plain);
    canvas_free(c);
}

/* ---- what was under way ---- */

static void a_pause_names_the_comparison(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_comparison));
    stop_with(&w, 'k');
    assert_true(
        said(&w, "measured again when it goes on: the comparison of round 1 from its first"));
    assert_true(said(&w, "then comes the review of round 1 with your answers"));
    start_again(&w);
    struct left_told t = told(&w);
    HAS(t.step, "in the comparison of round 1, 3 of at least 6 runs measured");
    HAS(t.kept, "the baseline (");
    HAS(t.kept, "the proposal and your answers to 2 of 2 lines of round 1");
    HAS(t.again, "the comparison of round 1 from its first run, because");
    HAS(t.next, "the review of round 1 with your answers (g takes them as they are)");
    assert_true(said(&w, "was paused in the comparison of round 1"));
    HAS(w.m->advising.paused_in, "3 of at least 6 runs measured");
    HAS(buf_text(&w.m->advising.restored), "Next: the review of round 1 with your answers");
    static const char *const parts[] = {
        "was paused in the comparison of round 1, 3 of at least 6 runs",
        "Kept: the baseline",
        "Measured again: the comparison of round 1 from its first run",
        "Next: the review of round 1 with your answers",
        "r resume u undo",
        NULL};
    shows(&w, 80, 24, parts);
    shows(&w, 120, 36, parts);
    end(&w);
}

static void a_kill_in_a_warm_up_is_named(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_warmup));
    start_again(&w);
    struct left_told t = told(&w);
    HAS(t.step, "in the comparison of round 1, 1 of at least 6 runs measured; a warm-up of round 1 "
                "was under way");
    assert_true(said(&w, "was interrupted in the comparison of round 1"));
    assert_null(strstr(w.m->advising.paused_in, "no step"));
    end(&w);
}

static bool in_preparation(const struct model *m)
{
    return m->flow == FLOW_PREPARE && m->fl.waiting > 0;
}

/* Stopped again before anything is measured: the comparison of before is not under way any more. */
static void a_second_pause_is_told_too(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_comparison));
    stop_with(&w, 'k');
    start_again(&w);
    press(&w, KEYN_NONE, 'r');
    assert_true(reach(&w, in_preparation));
    stop_with(&w, 'k');
    start_again(&w);
    struct left_told t = told(&w);
    assert_string_equal(t.step, "in the preparation of the runs");
    assert_string_equal(t.again, "");
    HAS(t.kept, "your answers to 2 of 2 lines of round 1");
    HAS(t.next, "the review of round 1 with your answers");
    end(&w);
}

static void a_screening_is_measured_anew(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    assert_true(reach(&w, in_screening));
    start_again(&w);
    struct left_told t = told(&w);
    HAS(t.step, "in the screening of round 1, ");
    HAS(t.again, "the screening of round 1 from its first run, because");
    assert_true(said(&w, "measured again: the screening of round 1"));
    end(&w);
}

/* ---- what the DBA has answered ---- */

static void answers_outlive_a_kill(void **state)
{
    (void)state;
    SETUP(w, three_sets());
    assert_true(reach(&w, at_review));
    struct round *r = &w.m->session.round;
    struct guard_policy g = {.clients = 4, .peak_active = NAN};
    guard_review(w.proposal, &w.m->server, &g, &r->review);
    char names[3][SETTING_NAME_MAX];
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "%s", r->review.lines[i].change.name);
    press(&w, KEYN_NONE, 'a');
    press(&w, KEYN_NONE, 'r');
    for_seconds(&w, 1); /* they are written once a second */
    start_again(&w);
    HAS(told(&w).step, "in the review of round 1");
    HAS(told(&w).kept, "your answers to 2 of 3 lines of round 1");
    HAS(told(&w).next, "the review of round 1 with your answers");
    press(&w, KEYN_NONE, 'r');
    for (int i = 0; i < STEPS_MAX && !at_review(w.m); i++)
        sim_next(w.s, true);
    struct review *again = &w.m->session.round.review;
    assert_int_equal(again->n, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(again->lines[i].change.name, names[i]);
    assert_int_equal(again->lines[0].answer, ANSWER_ACCEPT);
    assert_int_equal(again->lines[1].answer, ANSWER_REJECT);
    assert_int_equal(again->lines[2].answer, ANSWER_NONE);
    assert_true(said(&w, "round 1: its proposal is offered again, with your 2 answers"));
    end(&w);
}

static void type(struct world *w, const char *text)
{
    for (; *text; text++)
        press(w, KEYN_NONE, *text);
}

/* A value of the DBA's own, and a proposal that is made anew because the baseline is: the answers go by name and value. */
static void an_edited_value_outlives_a_pause(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, at_review));
    struct round *r = &w.m->session.round;
    struct guard_policy g = {.clients = 4, .peak_active = NAN};
    guard_review(w.proposal, &w.m->server, &g, &r->review);
    press(&w, KEYN_NONE, 'e');
    for (int i = 0; i < 8; i++)
        press(&w, KEYN_BACKSPACE, 0);
    type(&w, "24MB");
    press(&w, KEYN_ENTER, 0);
    assert_string_equal(r->review.lines[0].change.value, "24MB");
    stop_with(&w, 'k');
    start_again(&w);
    press(&w, KEYN_NONE, 'r');
    for (int i = 0; i < STEPS_MAX && !at_review(w.m); i++)
        sim_next(w.s, true);
    const struct review_line *l = &w.m->session.round.review.lines[0];
    assert_string_equal(l->change.name, "work_mem");
    assert_string_equal(l->change.value, "24MB");
    assert_true(l->edited);
    assert_int_equal(l->answer, ANSWER_ACCEPT);
    end(&w);
}

/* ---- what has to be measured again ---- */

static void an_old_baseline_says_why(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_comparison));
    stop_with(&w, 'k');
    w.s->wall += 2 * 86400 * SIM_SECOND;
    start_again(&w);
    HAS(told(&w).again, "the baseline (");
    HAS(told(&w).again, " TPS before), because it is ");
    HAS(told(&w).again, "; the comparison of round 1");
    HAS(told(&w).next, "the baseline");
    assert_null(strstr(told(&w).kept, "baseline"));
    press(&w, KEYN_NONE, 'r');
    assert_true(reach(&w, in_baseline));
    assert_true(said(&w, "does not count any more, because it is "));
    assert_int_equal(w.m->session.kept.proposal.n, 0);
    assert_int_equal(w.m->session.kept.n, 2);
    end(&w);
}

/* A kill cuts off a restart of ours before it is noted, and another one comes after that was put right: the baseline counts. */
static void our_own_restart_makes_no_baseline_old(void **state)
{
    (void)state;
    struct model *m = xcalloc(1, sizeof *m);
    char why[160];

    m->wall_us = INT64_C(1795485061175781);
    m->session.created_wall_us = m->wall_us - 60 * INT64_C(1000000);
    m->session.baseline_tps = 158;
    m->session.seen.server_start_us = 1000;
    m->server.id.postmaster_start_us = 2000;
    assert_true(flow_baseline_stale(m, why, sizeof why));
    m->fl.now.unfinished_restart = true;
    flow_baseline_check(m);
    m->fl.now.unfinished_restart = false; /* it was put right; the next program starts */
    assert_false(flow_baseline_stale(m, why, sizeof why));
    m->server.id.postmaster_start_us = 3000; /* that one was not ours */
    assert_true(flow_baseline_stale(m, why, sizeof why));
    free(m);
}

static void told_the_start(const struct world *w)
{
    struct advise_input *x = xcalloc(1, sizeof *x);
    advise_input_fill(w->m, OP_PARAMETER, x);
    const struct setting *s = settings_find(&x->e.server->settings, "work_mem");
    assert_string_equal(s->shown, "4MB");
    assert_true(settings_number(&x->e.server->settings, "work_mem") == 4.0 * 1024 * 1024);
    assert_null(x->e.best_arm);
    advise_input_clear(x);
    free(x);
}

/* While the baseline runs again the start is in force, whatever the server had when it was looked at. */
static void a_question_is_told_what_runs_now(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_confirmation));
    stop_with(&w, 'k');
    w.s->wall += 2 * 86400 * SIM_SECOND;
    start_again(&w);
    press(&w, KEYN_NONE, 'r');
    assert_true(reach(&w, in_baseline));
    assert_false(is_set(w.s, "work_mem"));
    told_the_start(&w);
    end(&w);
}

static void a_question_in_a_pause_is_told_the_same(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_confirmation));
    stop_with(&w, 'b');
    assert_false(is_set(w.s, "work_mem"));
    assert_true(w.m->session.best.n > 0);
    told_the_start(&w);
    end(&w);
}

/* The confirmation was made before the pause: it counts, and the comparison with pgtune alone is made again. */
static void a_confirmation_is_not_made_twice(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    w.m->opt.compare = w.opt.compare = true;
    assert_true(reach(&w, in_compare));
    stop_with(&w, 'k');
    start_again(&w);
    HAS(told(&w).step, "in the comparison with PostgreSQL's defaults and pgtune, ");
    HAS(told(&w).kept, "the confirmation (+");
    HAS(told(&w).next, "what is left to measure at the end");
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.m->session.confirm.n, 0);
    assert_int_equal(w.m->session.final.kind, VERDICT_IMPROVED);
    assert_true(w.m->session.beside.comparison.n > 1);
    assert_true(said(&w, "the confirmation from before counts: +"));
    file_is_best(&w);
    end(&w);
}

/* Nor is it lost where only the smaller set was being confirmed. */
static void the_smaller_set_is_told_apart(void **state)
{
    (void)state;
    SETUP(w, one_idle());
    assert_true(reach(&w, in_smaller));
    stop_with(&w, 'k');
    start_again(&w);
    HAS(told(&w).step, "in the confirmation of the smaller set, 2 of at least 8 runs measured");
    HAS(told(&w).kept, "the confirmation (+");
    HAS(told(&w).again, "what each change earns, and the confirmation of the smaller set");
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.m->session.final.kind, VERDICT_IMPROVED);
    assert_false(is_set(w.s, "jit"));
    file_is_best(&w);
    end(&w);
}

/* ---- the question of the pause, and t after it ---- */

static void the_question_of_a_pause_names_all_ways(void **state)
{
    static const char *const parts[] = {"k keep b back to the start s confirm, end S end now",
                                        "Or end the session with what was won: s confirms",
                                        "S keeps it at once and claims nothing", NULL};
    static const char *const again[] = {"A session is paused", "r goes on with it, after telling",
                                        "r resume it n new session Esc back", NULL};
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_confirmation));
    press(&w, KEYN_CTRL, 'c');
    for (int i = 0; i < STEPS_MAX && !ask_is(&w, DECIDE_PAUSE); i++)
        sim_next(w.s, true);
    shows(&w, 80, 24, parts);
    shows(&w, 120, 36, parts);
    press(&w, KEYN_NONE, 'k');
    for_seconds(&w, 2);
    press(&w, KEYN_NONE, 't');
    shows(&w, 80, 24, again);
    end(&w);
}

static void a_pause_may_end_the_session(void **state)
{
    (void)state;
    static const char keys[] = {'S', 's'};
    for (int i = 0; i < 2; i++) {
        SETUP(w, two_changes());
        assert_true(reach(&w, in_confirmation));
        stop_with(&w, keys[i]);
        play(&w);
        struct session *s = &w.m->session;
        assert_int_equal(w.m->flow, FLOW_SUMMARY);
        assert_int_equal(s->state, SESSION_ARCHIVED);
        assert_int_equal(s->final.kind, i ? VERDICT_IMPROVED : VERDICT_NONE);
        assert_int_equal(s->rounds_done, 1);
        assert_string_equal(s->end_reason,
                            i ? "stopped by the DBA" : "ended by the DBA without a confirmation");
        assert_int_equal(s->nfinal, 2);
        assert_true(is_set(w.s, "work_mem"));
        assert_int_equal(model_dialog(w.m), DIALOG_SUMMARY);
        file_is_best(&w);
        end(&w);
    }
}

/* What is confirmed already is kept with its claim, and nothing is measured for it. */
static void a_confirmed_session_ends_with_its_claim(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    w.m->opt.compare = w.opt.compare = true;
    assert_true(reach(&w, in_compare));
    int runs = w.m->session.run_number;
    stop_with(&w, 's');
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.m->session.final.kind, VERDICT_IMPROVED);
    assert_int_equal(w.m->session.run_number, runs);
    assert_string_equal(w.m->session.end_reason, "ended by the DBA");
    file_is_best(&w);
    end(&w);
}

static void t_offers_the_paused_session(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_comparison));
    stop_with(&w, 'k');
    char name[128];
    snprintf(name, sizeof name, "%s", w.m->session.name);
    press(&w, KEYN_NONE, 't');
    assert_int_equal(model_dialog(w.m), DIALOG_AGAIN);
    press(&w, KEYN_ESC, 0);
    assert_int_equal(model_dialog(w.m), DIALOG_NONE);
    assert_int_equal(w.m->flow, FLOW_PAUSED);
    press(&w, KEYN_NONE, 't');
    press(&w, KEYN_NONE, 'n');
    for (int i = 0; i < STEPS_MAX && !ask_is(&w, DECIDE_STRATEGY); i++)
        sim_next(w.s, true);
    assert_true(ask_is(&w, DECIDE_STRATEGY));
    press(&w, KEYN_ESC, 0);
    press(&w, KEYN_NONE, 't'); /* nothing was begun: it is still paused */
    assert_int_equal(model_dialog(w.m), DIALOG_AGAIN);
    end(&w);
}

static void t_and_r_go_on_with_it(void **state)
{
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_comparison));
    stop_with(&w, 'k');
    char name[128];
    snprintf(name, sizeof name, "%s", w.m->session.name);
    press(&w, KEYN_NONE, 't');
    press(&w, KEYN_NONE, 'r');
    for (int i = 0; i < STEPS_MAX && !ask_is(&w, DECIDE_RECOVER); i++)
        sim_next(w.s, true);
    assert_true(ask_is(&w, DECIDE_RECOVER));
    assert_string_equal(w.m->session.name, name);
    HAS(told(&w).step, "in the comparison of round 1, 3 of at least 6 runs measured");
    end(&w);
}

/* ---- the tree's keys ---- */

static void on_row(struct world *w, int row)
{
    w->m->screen.dialog.kind = DIALOG_NONE;
    w->m->screen.focus = PANE_TREE;
    tree_move_to(w->m, row);
    w->m->screen.flash[0] = '\0';
}

static void every_key_of_the_tree_answers(void **state)
{
    static const struct {
        char key;
        const char *on_workspace, *on_session;
    } keys[] = {{'c', "comparing: the cursor is on the workspace", NULL},
                {'b', "a branch: the cursor is on the workspace", "a branch: it begins a session"},
                {'v', "going back: the cursor is on", "going back: it begins a session"},
                {'r', "a title: the cursor is on the workspace", NULL},
                {'a', "archiving: the cursor is on the workspace", NULL},
                {'D', "deleting: the cursor is on", "is the session at hand: it is not deleted"}};
    (void)state;
    SETUP(w, two_changes());
    assert_true(reach(&w, in_comparison));
    int row = tree_row_of(w.m, w.m->session.name, TREE_SESSION);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        on_row(&w, 0);
        press(&w, KEYN_NONE, keys[i].key);
        HAS(w.m->screen.flash, keys[i].on_workspace);
        assert_true(said(&w, keys[i].on_workspace));
        if (!keys[i].on_session)
            continue;
        on_row(&w, row);
        press(&w, KEYN_NONE, keys[i].key);
        HAS(w.m->screen.flash, keys[i].on_session);
        assert_true(w.m->screen.flash_until_us > w.m->now_us);
    }
    assert_true(model_run_active(w.m) && !w.m->fl.now.cancel && !w.m->fl.now.stop_and_keep);
    end(&w);
}

/* ---- First Sight ---- */

static void an_old_first_sight_is_made_anew(void **state)
{
    (void)state;
    for (int wait = 10; wait <= 90; wait += 80) {
        SETUP(w, two_changes());
        w.tunes = 0;
        for (int i = 0; i < STEPS_MAX && !(w.m->flow == FLOW_WATCH && w.m->sight_known); i++)
            sim_next(w.s, true);
        for_seconds(&w, wait);
        press(&w, KEYN_NONE, 't');
        assert_int_equal(w.m->discover.state == DISCOVER_SQL, wait > 60);
        for (int i = 0; i < STEPS_MAX && !ask_is(&w, DECIDE_STRATEGY); i++)
            sim_next(w.s, true);
        press(&w, KEYN_ESC, 0);
        for_seconds(&w, wait);
        press(&w, KEYN_NONE, 't');
        assert_int_equal(w.m->discover.state == DISCOVER_SQL, wait > 60);
        for (int i = 0; i < STEPS_MAX && !ask_is(&w, DECIDE_STRATEGY); i++)
            sim_next(w.s, true);
        assert_int_equal(model_dialog(w.m), DIALOG_STRATEGY);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_names_the_comparison),
        cmocka_unit_test(a_kill_in_a_warm_up_is_named),
        cmocka_unit_test(a_second_pause_is_told_too),
        cmocka_unit_test(a_screening_is_measured_anew),
        cmocka_unit_test(answers_outlive_a_kill),
        cmocka_unit_test(an_edited_value_outlives_a_pause),
        cmocka_unit_test(an_old_baseline_says_why),
        cmocka_unit_test(our_own_restart_makes_no_baseline_old),
        cmocka_unit_test(a_question_is_told_what_runs_now),
        cmocka_unit_test(a_question_in_a_pause_is_told_the_same),
        cmocka_unit_test(a_confirmation_is_not_made_twice),
        cmocka_unit_test(the_smaller_set_is_told_apart),
        cmocka_unit_test(the_question_of_a_pause_names_all_ways),
        cmocka_unit_test(a_pause_may_end_the_session),
        cmocka_unit_test(a_confirmed_session_ends_with_its_claim),
        cmocka_unit_test(t_offers_the_paused_session),
        cmocka_unit_test(t_and_r_go_on_with_it),
        cmocka_unit_test(every_key_of_the_tree_answers),
        cmocka_unit_test(an_old_first_sight_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
