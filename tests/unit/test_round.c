/* The machine of a round: its path, a cancel and a failure at every step of it, and random messages against a model of
 * the server. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/mem.h"
#include "pgd/tuning/round.h"

enum { STEPS_MAX = 200 };

/* The owner of a round, and the server behind it. */
struct owner_model {
    struct round r;
    int server_arm;           /* the truth; -1 after a stuck switch */
    int switching_to;         /* a switch under way; -1 none */
    bool running;             /* a run under way */
    double tps[2];            /* of the arms */
    int nsets;                /* the proposal has so many alternatives */
    double effects[SETS_MAX]; /* what each does: a factor of tps[ARM_A] */
    double seconds_left;
    double noise;
    const double *uneven; /* of arm B, run by run, instead of tps[ARM_B] */
    int uneven_at;
    int runs, switches, warmups;
    char trail[1024]; /* states in their order */
    /* faults, by the number of the step at which they happen; -1 = never */
    int cancel_at;
    int switch_fault_at; /* number of the switch from 1 */
    int switch_faults;   /* how many switches in a row fail */
    enum apply_state fault;
    bool runs_fail;
};

static struct owner_model m;

static const struct sdl plan = {.duration_s = 10, .warmup_s = 2, .min_runs = 3, .max_runs = 4};

static void note_state(void)
{
    const char *name = round_state_name(m.r.state);
    size_t n = strlen(m.trail);
    const char *last = strrchr(m.trail, ' ');
    if (strcmp(last ? last + 1 : m.trail, name) != 0)
        snprintf(m.trail + n, sizeof m.trail - n, "%s%s", n ? " " : "", name);
}

static bool over(void)
{
    return m.r.state >= ROUND_DONE;
}

/* What holds after each message, whatever it was. */
static void check_invariants(void)
{
    const struct round *r = &m.r;
    assert_int_equal(r->want == ROUND_WANT_END, over());
    /* the trial arm that won is the candidate from then on */
    if (m.server_arm >= ROUND_TRIAL && r->arm_in_force == ARM_B) {
        assert_true(arm_same(round_arm(r, m.server_arm), &r->candidate));
        m.server_arm = ARM_B;
    }
    if (m.switching_to >= 0 || m.running)
        assert_true(r->want == ROUND_WANT_NOTHING || r->want == ROUND_WANT_END);
    if (r->want == ROUND_WANT_SWITCH) {
        assert_true(r->want_arm >= ARM_A && r->want_arm < ROUND_TRIAL + r->ntrials);
        assert_true(r->want_arm < ROUND_TRIAL || r->screening);
        assert_int_not_equal(r->want_arm, m.server_arm);
    }
    if (r->want == ROUND_WANT_RUN) {
        assert_true(r->run_seconds > 0);
        if (r->screening) {
            int arm = m.server_arm >= ROUND_TRIAL ? m.server_arm - ROUND_TRIAL + 1 : ARM_A;
            assert_int_equal(r->race.arm, arm);
            assert_int_equal(r->state, ROUND_SCREEN);
        } else {
            assert_int_equal(r->experiment.arm, m.server_arm);
            assert_int_equal(r->run_warmup, r->state == ROUND_WARMUP);
        }
    }
    if (m.switching_to < 0 && r->state != ROUND_STUCK)
        assert_int_equal(r->arm_in_force, m.server_arm);
    switch (r->state) {
    case ROUND_DONE:
        assert_int_equal(m.server_arm, r->kept ? ARM_B : ARM_A);
        assert_true(r->judged);
        assert_int_equal(r->kept, r->verdict.kind == VERDICT_IMPROVED && !r->veto[0]);
        break;
    case ROUND_EMPTY:
    case ROUND_FAILED:
    case ROUND_CANCELLED:
        assert_int_equal(m.server_arm, ARM_A);
        assert_false(r->kept);
        break;
    default:
        break;
    }
    if (r->state == ROUND_FAILED || r->state == ROUND_STUCK)
        assert_int_not_equal(r->err.code, ERR_NONE);
    if (r->state == ROUND_CANCELLED)
        assert_true(r->cancelled);
}

static void send(struct round_msg msg)
{
    msg.seconds_left = m.seconds_left;
    round_step(&m.r, &msg);
    note_state();
    check_invariants();
}

static void begin(double tps_a, double tps_b)
{
    round_clear(&m.r);
    memset(&m, 0, sizeof m);
    m.switching_to = m.cancel_at = m.switch_fault_at = -1;
    m.switch_faults = 1;
    m.fault = APPLY_ROLLED_BACK;
    m.tps[ARM_A] = tps_a;
    m.tps[ARM_B] = tps_b;
    m.seconds_left = 3600;
    struct arm best = {.label = "start"};
    arm_set(&best, "jit", true, "off");
    round_init(&m.r, 3, &best, &plan, 0.01);
    note_state();
}

static void fill_line(struct review *v, const char *name, const char *value, unsigned sets)
{
    struct review_line *l = &v->lines[v->n++];
    snprintf(l->change.name, SETTING_NAME_MAX, "%s", name);
    snprintf(l->send, SETTING_VALUE_MAX, "%s", value);
    l->change.sets = sets;
}

/* Alternatives of a line each, and one for all of them. */
static void fill_sets(struct review *v)
{
    static const char *const names[] = {"work_mem", "seq_page_cost", "random_page_cost"};
    v->proposal.nsets = m.nsets;
    fill_line(v, "effective_cache_size", "8GB", 0);
    for (int i = 0; i < m.nsets; i++) {
        snprintf(v->proposal.set_names[i], sizeof v->proposal.set_names[i], "%s", names[i]);
        fill_line(v, names[i], "2", 1u << i);
    }
}

/* One accepted line, one rejected and one refused. */
static void fill_review(struct review *v)
{
    memset(v, 0, sizeof *v);
    if (m.nsets > 0) {
        fill_sets(v);
        return;
    }
    v->n = 3;
    snprintf(v->lines[0].change.name, SETTING_NAME_MAX, "work_mem");
    snprintf(v->lines[0].send, SETTING_VALUE_MAX, "64MB");
    snprintf(v->lines[1].change.name, SETTING_NAME_MAX, "seq_page_cost");
    snprintf(v->lines[1].send, SETTING_VALUE_MAX, "2");
    snprintf(v->lines[2].change.name, SETTING_NAME_MAX, "fsync");
    v->lines[2].refusal = REFUSE_DATA;
}

static void answer_switch(enum apply_state end)
{
    struct err e;
    err_clear(&e);
    if (end != APPLY_DONE)
        err_set(&e, ERR_VERIFY, "switch %d failed", m.switches);
    if (end == APPLY_DONE)
        m.server_arm = m.switching_to;
    else if (end == APPLY_STUCK)
        m.server_arm = -1;
    m.switching_to = -1;
    send((struct round_msg){.kind = ROUND_MSG_SWITCHED, .apply_state = end, .err = &e});
}

/* What the configuration in force does. */
static double tps_now(void)
{
    unsigned sets = m.server_arm >= ROUND_TRIAL ? m.r.trials[m.server_arm - ROUND_TRIAL].sets
                    : m.server_arm == ARM_B     ? m.r.candidate_sets
                                                : 0;
    double tps = m.tps[ARM_A];
    if (m.nsets == 0)
        return m.tps[m.server_arm == ARM_B];
    for (int i = 0; i < m.nsets; i++)
        tps *= sets >> i & 1 ? m.effects[i] : 1;
    return tps;
}

static void answer_run(bool valid, bool cancelled)
{
    struct bench_run run;
    memset(&run, 0, sizeof run);
    run.valid = valid;
    run.cancelled = cancelled;
    run.tps = tps_now() * (m.runs % 2 ? 1 + m.noise : 1);
    if (m.uneven && m.server_arm == ARM_B && !m.r.run_warmup)
        run.tps = m.uneven[m.uneven_at++];
    run.p50_ms = run.p95_ms = run.p99_ms = NAN;
    run.transactions = 1000;
    run.nseries = 4;
    run.series = xcalloc(4, sizeof(float)); /* a leak would be seen */
    if (!valid)
        err_set(&run.err, ERR_CHILD, "pgbench failed");
    m.running = false;
    m.runs++;
    send((struct round_msg){.kind = ROUND_MSG_RAN, .run = &run});
    assert_null(run.series);
}

/* Carries out one wish. */
static void serve(enum round_want want)
{
    switch (want) {
    case ROUND_WANT_PROPOSAL:
        fill_review(&m.r.review);
        send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
        break;
    case ROUND_WANT_REVIEW:
        for (int i = 0; i < m.r.review.n; i++)
            m.r.review.lines[i].answer = m.nsets == 0 && i == 1 ? ANSWER_REJECT : ANSWER_ACCEPT;
        send((struct round_msg){.kind = ROUND_MSG_REVIEWED});
        break;
    case ROUND_WANT_SWITCH:
        m.switching_to = m.r.want_arm;
        m.switches++;
        break;
    case ROUND_WANT_RUN:
        m.running = true;
        m.warmups += m.r.run_warmup;
        break;
    case ROUND_WANT_SAVE:
        send((struct round_msg){.kind = ROUND_MSG_SAVED});
        break;
    case ROUND_WANT_NOTHING:
    case ROUND_WANT_END:
        break;
    }
}

/* Goes on until the end; a step is one wish or one result. */
static int drive(void)
{
    static const enum apply_state way[] = {APPLY_IDENTITY, APPLY_READ,   APPLY_JOURNAL,
                                           APPLY_ALTER,    APPLY_RELOAD, APPLY_VERIFY};
    enum round_want want = ROUND_WANT_NOTHING;
    int step = 0;
    send((struct round_msg){.kind = ROUND_MSG_START});
    for (; step < STEPS_MAX && !over(); step++) {
        want = m.r.want;
        if (step == m.cancel_at) {
            send((struct round_msg){.kind = ROUND_MSG_CANCEL});
            if (over())
                break;
            want = m.r.want != ROUND_WANT_NOTHING ? m.r.want : want;
        }
        if (m.switching_to >= 0) {
            for (size_t i = 0; i < ARRAY_LEN(way); i++)
                send((struct round_msg){.kind = ROUND_MSG_APPLY_STATE, .apply_state = way[i]});
            bool fails = m.switch_fault_at > 0 && m.switches >= m.switch_fault_at &&
                         m.switches < m.switch_fault_at + m.switch_faults;
            answer_switch(fails ? m.fault : APPLY_DONE);
        } else if (m.running) {
            answer_run(!m.runs_fail && !m.r.cancelled, m.r.cancelled);
        } else {
            assert_int_not_equal(want, ROUND_WANT_NOTHING); /* or it would hang */
            serve(want);
        }
    }
    assert_true(over());
    return step;
}

static void an_improvement_is_kept(void **state)
{
    (void)state;
    begin(1000, 1200);
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_true(m.r.kept);
    assert_int_equal(m.server_arm, ARM_B);
    assert_string_equal(m.r.candidate.label, "round 3");
    assert_string_equal(arm_find(&m.r.candidate, "work_mem")->value, "64MB");
    assert_non_null(arm_find(&m.r.candidate, "jit")); /* on top of the best */
    assert_null(arm_find(&m.r.candidate, "seq_page_cost"));
    assert_null(arm_find(&m.r.best, "work_mem"));
    assert_true(m.warmups > 0 && m.r.ran_warmup);
    assert_non_null(strstr(m.trail, "IDLE PROPOSE REVIEW"));
    assert_non_null(strstr(m.trail, "JOURNAL APPLY ACTIVATE VERIFY"));
    assert_non_null(strstr(m.trail, "WARMUP MEASURE"));
    assert_non_null(strstr(m.trail, "CHECKPOINT DONE"));
    assert_int_equal(m.r.err.code, ERR_NONE);
}

static void no_improvement_is_rolled_back(void **state)
{
    (void)state;
    begin(1000, 1001);
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_false(m.r.kept);
    assert_int_equal(m.r.verdict.kind, VERDICT_INCONCLUSIVE);
    assert_int_equal(m.server_arm, ARM_A);
}

static void a_bad_candidate_is_screened_out(void **state)
{
    (void)state;
    begin(1000, 500);
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_false(m.r.kept);
    assert_true(m.r.experiment.stopped_early);
    assert_true(m.runs - m.warmups <= 3);
    assert_int_equal(m.server_arm, ARM_A);
    assert_non_null(strstr(m.trail, "ROLLBACK CHECKPOINT DONE"));
}

static void keep_switches_when_it_must(void **state)
{
    (void)state;
    /* A B B A A B is undecided; the pair B A after it decides, and leaves the best arm in force. */
    static const double uneven[] = {1020, 1060, 1110, 1070};
    begin(1000, 0);
    m.uneven = uneven;
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_int_equal(m.r.verdict.runs_b, 4);
    assert_true(m.r.kept);
    assert_int_equal(m.server_arm, ARM_B);
    assert_non_null(strstr(m.trail, "MEASURE KEEP CHECKPOINT DONE"));
    /* The same with a cancel, or a failure, at that last switch. */
    int switches = m.switches;
    begin(1000, 0);
    m.uneven = uneven;
    m.switch_fault_at = switches;
    drive();
    assert_int_equal(m.r.state, ROUND_FAILED);
    assert_int_equal(m.r.verdict.kind, VERDICT_IMPROVED);
    assert_false(m.r.kept);
}

static void nothing_to_do_is_empty(void **state)
{
    (void)state;
    begin(1000, 1000);
    send((struct round_msg){.kind = ROUND_MSG_START});
    send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
    assert_int_equal(m.r.state, ROUND_EMPTY);

    begin(1000, 1000);
    send((struct round_msg){.kind = ROUND_MSG_START});
    fill_review(&m.r.review);
    m.r.review.proposal.nothing_left = true;
    send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
    assert_int_equal(m.r.state, ROUND_EMPTY);

    begin(1000, 1000);
    send((struct round_msg){.kind = ROUND_MSG_START});
    fill_review(&m.r.review);
    send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
    m.r.review.lines[2].answer = ANSWER_ACCEPT; /* a refused line cannot be accepted */
    send((struct round_msg){.kind = ROUND_MSG_REVIEWED});
    assert_int_equal(m.r.state, ROUND_EMPTY);
    assert_int_equal(m.r.review.lines[0].answer, ANSWER_REJECT); /* no answer is a no */

    begin(1000, 1000);
    send((struct round_msg){.kind = ROUND_MSG_START});
    fill_review(&m.r.review);
    snprintf(m.r.review.lines[0].change.name, SETTING_NAME_MAX, "jit");
    snprintf(m.r.review.lines[0].send, SETTING_VALUE_MAX, "off");
    m.r.review.lines[0].answer = ANSWER_ACCEPT;
    send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
    send((struct round_msg){.kind = ROUND_MSG_REVIEWED});
    assert_int_equal(m.r.state, ROUND_EMPTY); /* the best arm has it already */
    assert_int_equal(m.switches, 0);
}

static void no_budget_means_no_switch(void **state)
{
    (void)state;
    begin(1000, 1200);
    m.seconds_left = 1;
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_false(m.r.kept);
    assert_int_equal(m.switches, 0);
}

/* The path of an undisturbed round, in steps. */
static int steps_of(double tps_a, double tps_b)
{
    begin(tps_a, tps_b);
    return drive();
}

static void cancel_at_every_step(void **state)
{
    (void)state;
    static const double tps_b[] = {1200, 1001, 500};
    for (size_t c = 0; c < ARRAY_LEN(tps_b); c++) {
        int steps = steps_of(1000, tps_b[c]);
        int cancelled = 0;
        for (int at = 0; at < steps; at++) {
            begin(1000, tps_b[c]);
            m.cancel_at = at;
            drive();
            if (m.r.state == ROUND_CANCELLED) {
                cancelled++;
                assert_int_equal(m.r.err.code, ERR_NONE);
                continue;
            }
            /* Too late: it was judged, and goes to its own end. */
            assert_int_equal(m.r.state, ROUND_DONE);
            assert_true(m.r.judged);
            assert_true(at >= steps - 4);
        }
        assert_true(cancelled >= steps - 4);
    }
}

static void cancel_while_a_switch_fails(void **state)
{
    (void)state;
    static const enum apply_state faults[] = {APPLY_FAILED, APPLY_ROLLED_BACK};
    for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
        begin(1000, 1200);
        send((struct round_msg){.kind = ROUND_MSG_START});
        while (m.switching_to < 0) {
            if (m.running)
                answer_run(true, false);
            else
                serve(m.r.want);
        }
        send((struct round_msg){.kind = ROUND_MSG_CANCEL});
        assert_int_equal(m.r.want, ROUND_WANT_NOTHING);
        send((struct round_msg){.kind = ROUND_MSG_CANCEL});
        answer_switch(faults[f]);
        assert_int_equal(m.r.state, ROUND_CANCELLED);
    }
}

static void cancel_in_keep_goes_back(void **state)
{
    (void)state;
    begin(1000, 1200);
    m.r.state = ROUND_KEEP; /* as after a verdict with the best arm in force */
    m.r.judged = true;
    m.r.want_arm = m.switching_to = ARM_B;
    send((struct round_msg){.kind = ROUND_MSG_CANCEL});
    assert_int_equal(m.r.state, ROUND_KEEP);
    answer_switch(APPLY_DONE);
    assert_int_equal(m.r.state, ROUND_ROLLBACK);
    assert_int_equal(m.r.want_arm, ARM_A);
    serve(m.r.want);
    answer_switch(APPLY_DONE);
    assert_int_equal(m.r.state, ROUND_CANCELLED);
}

static void keep_that_fails_is_no_keep(void **state)
{
    (void)state;
    begin(1000, 1200);
    m.r.state = ROUND_KEEP;
    m.r.judged = true;
    m.r.want_arm = m.switching_to = ARM_B;
    answer_switch(APPLY_ROLLED_BACK);
    assert_int_equal(m.r.state, ROUND_FAILED);
    assert_false(m.r.kept);
}

static void every_switch_may_fail(void **state)
{
    (void)state;
    static const enum apply_state faults[] = {APPLY_FAILED, APPLY_ROLLED_BACK, APPLY_STUCK};
    static const double tps_b[] = {1200, 1001, 500};
    for (size_t c = 0; c < ARRAY_LEN(tps_b); c++) {
        steps_of(1000, tps_b[c]);
        int switches = m.switches;
        assert_true(switches >= 2);
        for (int at = 1; at <= switches; at++) {
            for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
                begin(1000, tps_b[c]);
                m.switch_fault_at = at;
                m.fault = faults[f];
                drive();
                assert_int_equal(m.r.state, faults[f] == APPLY_STUCK ? ROUND_STUCK : ROUND_FAILED);
                assert_non_null(strstr(m.r.err.msg, "failed"));
            }
        }
    }
}

static void twice_no_way_back_is_stuck(void **state)
{
    (void)state;
    begin(1000, 1001);
    m.switch_fault_at = 2; /* the first switch back to A, and all after it */
    m.switch_faults = 99;
    drive();
    assert_int_equal(m.r.state, ROUND_STUCK);
    assert_int_equal(m.server_arm, ARM_B);
    assert_int_equal(m.switches, 3);
    assert_string_equal(m.r.err.msg, "switch 3 failed");
}

static void runs_that_fail_end_the_round(void **state)
{
    (void)state;
    begin(1000, 1200);
    m.runs_fail = true;
    drive();
    assert_int_equal(m.r.state, ROUND_FAILED);
    assert_string_equal(m.r.err.msg, "pgbench failed");
    assert_int_equal(m.server_arm, ARM_A);
}

static void a_run_without_a_result_counts_as_failed(void **state)
{
    (void)state;
    begin(1000, 1200);
    send((struct round_msg){.kind = ROUND_MSG_START});
    while (m.r.state != ROUND_MEASURE) {
        if (m.running)
            answer_run(true, false);
        else
            serve(m.r.want);
    }
    for (int i = 0; i < 10 && !over(); i++) {
        if (m.r.state == ROUND_MEASURE || m.r.state == ROUND_WARMUP)
            send((struct round_msg){.kind = ROUND_MSG_RAN});
    }
    assert_int_equal(m.r.state, ROUND_FAILED);
}

static void progress_is_shown_and_nothing_more(void **state)
{
    (void)state;
    static const struct {
        enum apply_state apply;
        enum round_state shown;
    } rows[] = {{APPLY_IDENTITY, ROUND_JOURNAL},    {APPLY_READ, ROUND_JOURNAL},
                {APPLY_PREFLIGHT, ROUND_PREFLIGHT}, {APPLY_JOURNAL, ROUND_JOURNAL},
                {APPLY_ALTER, ROUND_APPLY},         {APPLY_RELOAD, ROUND_ACTIVATE},
                {APPLY_RESTART, ROUND_ACTIVATE},    {APPLY_RECONNECT, ROUND_ACTIVATE},
                {APPLY_VERIFY, ROUND_VERIFY},       {APPLY_JOURNAL_RESULT, ROUND_VERIFY},
                {APPLY_UNDO, ROUND_VERIFY}};
    begin(1000, 1200);
    send((struct round_msg){.kind = ROUND_MSG_START});
    while (m.switching_to < 0) {
        if (m.running)
            answer_run(true, false);
        else
            serve(m.r.want);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send((struct round_msg){.kind = ROUND_MSG_APPLY_STATE, .apply_state = rows[i].apply});
        assert_int_equal(m.r.state, rows[i].shown);
        /* A state on the way is no result. */
        send((struct round_msg){.kind = ROUND_MSG_SWITCHED, .apply_state = rows[i].apply});
        assert_int_equal(m.r.arm_in_force, ARM_A);
    }
}

/* ---- the screening ---- */

static void begin_sets(double a, double b, double c)
{
    begin(1000, 0);
    m.nsets = 3;
    m.effects[0] = a;
    m.effects[1] = b;
    m.effects[2] = c;
}

static void what_gains_is_joined(void **state)
{
    (void)state;
    begin_sets(1.1, 0.9, 1.2);
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_true(m.r.kept);
    assert_int_equal(m.r.nscreened, 3);
    assert_int_equal(m.r.candidate_sets, 5);
    assert_true(m.r.screened[0].gained && !m.r.screened[1].gained && m.r.screened[2].gained);
    assert_true(m.r.screened[2].ratio > 1.19 && m.r.screened[1].ratio < 0.91);
    assert_true(m.r.verdict.ratio > 1.31); /* of both */
    assert_non_null(arm_find(&m.r.candidate, "work_mem"));
    assert_null(arm_find(&m.r.candidate, "seq_page_cost"));
    assert_non_null(arm_find(&m.r.candidate, "effective_cache_size"));
    static const bool measured[] = {true, true, false, true};
    for (int i = 0; i < m.r.review.n; i++)
        assert_int_equal(round_measured(&m.r, i), measured[i]);
    assert_non_null(strstr(m.trail, "REVIEW"));
    assert_non_null(strstr(m.trail, "VERIFY SCREEN"));
    assert_string_equal(round_arm(&m.r, ARM_B)->label, "round 3");
}

/* The winner alone is in force when its experiment begins: no switch is made for it. */
static void a_single_winner_goes_on_at_once(void **state)
{
    (void)state;
    begin_sets(1, 1, 1.2);
    drive();
    assert_true(m.r.kept);
    assert_int_equal(m.r.candidate_sets, 4);
    assert_true(m.r.experiment.first == ARM_B || m.r.experiment.first == ARM_A);
}

static void what_does_not_fit_together_is_not_joined(void **state)
{
    (void)state;
    begin_sets(1.1, 1.05, 1.2);
    m.r.joins = UINT64_MAX & ~(UINT64_C(1) << 5) & ~(UINT64_C(1) << 7); /* 0 and 2 */
    drive();
    assert_int_equal(m.r.candidate_sets, 6);
    /* Two values of one setting. */
    begin_sets(1.1, 1.05, 1.2);
    send((struct round_msg){.kind = ROUND_MSG_START});
    fill_review(&m.r.review);
    snprintf(m.r.review.lines[1].change.name, SETTING_NAME_MAX, "random_page_cost");
    snprintf(m.r.review.lines[1].send, SETTING_VALUE_MAX, "1.1");
    send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
    while (!over()) {
        if (m.switching_to >= 0)
            answer_switch(APPLY_DONE);
        else if (m.running)
            answer_run(true, false);
        else
            serve(m.r.want);
    }
    assert_int_equal(m.r.candidate_sets, 6);
    assert_string_equal(arm_find(&m.r.candidate, "random_page_cost")->value, "2");
}

/* One is the other with something more: whichever is the better one stands, alone of the two. */
static void variants_are_not_joined(void **state)
{
    (void)state;
    begin_sets(1.1, 1.05, 1.2);
    send((struct round_msg){.kind = ROUND_MSG_START});
    fill_review(&m.r.review);
    m.r.review.lines[1].change.sets = 5; /* of the first alternative, now of the third as well */
    send((struct round_msg){.kind = ROUND_MSG_PROPOSED});
    while (!over()) {
        if (m.switching_to >= 0)
            answer_switch(APPLY_DONE);
        else if (m.running)
            answer_run(true, false);
        else
            serve(m.r.want);
    }
    assert_int_equal(m.r.candidate_sets, 6);
}

static void nothing_gained_claims_nothing(void **state)
{
    (void)state;
    begin_sets(1, 0.8, 0.97);
    drive();
    assert_int_equal(m.r.state, ROUND_DONE);
    assert_true(m.r.judged);
    assert_false(m.r.kept);
    assert_int_equal(m.r.verdict.kind, VERDICT_INCONCLUSIVE);
    assert_int_equal(m.r.verdict.runs_b, 0);
    assert_non_null(strstr(m.r.verdict.note, "screening: no alternative gained"));
    assert_int_equal(m.r.experiment.n, 0);
    for (int i = 0; i < m.r.review.n; i++)
        assert_false(round_measured(&m.r, i));
}

static void without_a_choice_nothing_is_screened(void **state)
{
    (void)state;
    begin_sets(1.2, 1.1, 1.3);
    m.r.experiment.blocks = true; /* a person makes the switches: the first one alone */
    drive();
    assert_int_equal(m.r.nscreened, 0);
    assert_int_equal(m.r.candidate_sets, 1);
    begin_sets(1.2, 1.1, 1.3);
    m.seconds_left = experiment_cost(&plan, EXPERIMENT_ROUND, false) + 20; /* no time */
    drive();
    assert_int_equal(m.r.nscreened, 0);
    assert_int_equal(m.r.candidate_sets, 1);
    assert_true(m.r.screen_needs > 0);
    begin_sets(1.2, 1.1, 1.3);
    m.nsets = 1; /* one alternative is none */
    drive();
    assert_int_equal(m.r.nscreened, 0);
    assert_true(m.r.kept);
}

static void cancel_at_every_step_of_a_screening(void **state)
{
    (void)state;
    begin_sets(1.1, 0.95, 1.2);
    int steps = drive();
    for (int at = 0; at < steps; at++) {
        begin_sets(1.1, 0.95, 1.2);
        m.cancel_at = at;
        drive();
        assert_true(m.r.state == ROUND_CANCELLED || (m.r.state == ROUND_DONE && m.r.judged));
        assert_true(m.r.state == ROUND_CANCELLED || at >= steps - 4);
    }
}

static void a_trial_that_fails_drops_out(void **state)
{
    (void)state;
    static const enum apply_state faults[] = {APPLY_FAILED, APPLY_ROLLED_BACK, APPLY_STUCK};
    begin_sets(1.1, 0.95, 1.2);
    drive();
    int switches = m.switches;
    for (int at = 1; at <= switches; at++)
        for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
            begin_sets(1.1, 0.95, 1.2);
            m.switch_fault_at = at;
            m.fault = faults[f];
            drive();
            bool dropped = false;
            for (int i = 0; i < m.r.ntrials; i++)
                dropped = dropped || m.r.trials[i].failed;
            if (faults[f] == APPLY_STUCK)
                assert_int_equal(m.r.state, ROUND_STUCK);
            else if (dropped)
                assert_int_equal(m.r.state, ROUND_DONE);
            else
                assert_int_equal(m.r.state, ROUND_FAILED);
            assert_true(!dropped || m.r.kept);
        }
    /* All of them: then nothing is left to measure. */
    begin_sets(1.1, 0.95, 1.2);
    m.switch_fault_at = 1;
    m.switch_faults = 99;
    drive();
    assert_int_equal(m.r.state, ROUND_FAILED);
    assert_int_equal(m.switches, 3);
    assert_int_equal(m.server_arm, ARM_A);
}

static void runs_that_fail_end_the_screening(void **state)
{
    (void)state;
    begin_sets(1.1, 0.95, 1.2);
    m.runs_fail = true;
    drive();
    assert_int_equal(m.r.state, ROUND_FAILED);
    assert_string_equal(m.r.err.msg, "pgbench failed");
    assert_int_equal(m.server_arm, ARM_A);
}

static void a_veto_holds_an_improvement_back(void **state)
{
    (void)state;
    static const char why[] = "statement 3 is 14 % slower";
    for (int veto = 0; veto < 2; veto++) {
        begin(1000, 1200);
        send((struct round_msg){.kind = ROUND_MSG_START});
        while (!over()) {
            if (m.switching_to >= 0) {
                answer_switch(APPLY_DONE);
            } else if (m.running) {
                struct bench_run run = {.valid = true, .tps = tps_now(), .transactions = 1000};
                run.p95_ms = NAN;
                m.running = false;
                send((struct round_msg){
                    .kind = ROUND_MSG_RAN, .run = &run, .veto = veto ? why : NULL});
            } else {
                serve(m.r.want);
            }
        }
        assert_int_equal(m.r.verdict.kind, VERDICT_IMPROVED);
        assert_int_equal(m.r.kept, !veto);
        assert_string_equal(m.r.veto, veto ? why : "");
    }
}

static void names_of_states(void **state)
{
    (void)state;
    assert_string_equal(round_state_name(ROUND_PROPOSE), "PROPOSE");
    assert_string_equal(round_state_name(ROUND_STUCK), "STUCK");
    for (int s = ROUND_IDLE; s <= ROUND_STUCK; s++)
        assert_true(strlen(round_state_name((enum round_state)s)) > 3);
    assert_string_equal(round_state_name((enum round_state)99), "");
}

static uint64_t seed;

static unsigned roll(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* An owner that is now right, now early, late or wrong; only about switches it tells the truth. */
static void random_step(void)
{
    unsigned what = roll(40);
    if (what == 0) {
        send((struct round_msg){.kind = ROUND_MSG_CANCEL});
    } else if (what < 6) {
        static const enum round_msg_kind stray[] = {ROUND_MSG_START, ROUND_MSG_SAVED,
                                                    ROUND_MSG_APPLY_STATE};
        enum round_msg_kind kind = stray[roll(3)];
        if (kind != ROUND_MSG_START || m.r.state != ROUND_IDLE)
            send((struct round_msg){.kind = kind,
                                    .apply_state = (enum apply_state)roll(APPLY_FAILED + 1)});
    } else if (m.switching_to >= 0) {
        unsigned luck = roll(30);
        answer_switch(luck == 0   ? APPLY_STUCK
                      : luck == 1 ? APPLY_FAILED
                      : luck == 2 ? APPLY_ROLLED_BACK
                                  : APPLY_DONE);
    } else if (m.running) {
        answer_run(roll(12) != 0 && !m.r.cancelled, m.r.cancelled);
    }
    m.seconds_left -= roll(20);
}

static void random_messages(void **state)
{
    (void)state;
    int ends[ROUND_STUCK + 1] = {0};
    for (int i = 0; i < 4000; i++) {
        seed = (uint64_t)i + 1;
        begin(1000, 700 + roll(700));
        m.nsets = i % 2 ? 3 : 0;
        for (int k = 0; k < 3; k++)
            m.effects[k] = 0.8 + roll(50) * 0.01;
        m.noise = roll(3) * 0.004;
        m.seconds_left = 100 + roll(2000);
        send((struct round_msg){.kind = ROUND_MSG_START});
        enum round_want due = m.r.want;
        for (int step = 0; step < 2000 && !over(); step++) {
            /* A wish is said once: the owner keeps it until it has carried it out. */
            if (due != ROUND_WANT_NOTHING && roll(3) == 0) {
                enum round_want now = due;
                due = ROUND_WANT_NOTHING;
                serve(now);
            } else {
                random_step();
            }
            if (m.r.want != ROUND_WANT_NOTHING)
                due = m.r.want;
        }
        assert_true(over());
        ends[m.r.state]++;
        enum round_state end = m.r.state;
        send((struct round_msg){.kind = ROUND_MSG_CANCEL});
        send((struct round_msg){.kind = ROUND_MSG_SAVED});
        send((struct round_msg){.kind = ROUND_MSG_START});
        assert_int_equal(m.r.state, end); /* the end stays the end */
    }
    assert_true(ends[ROUND_DONE] > 100);
    assert_true(ends[ROUND_CANCELLED] > 100);
    assert_true(ends[ROUND_FAILED] > 100);
    assert_true(ends[ROUND_STUCK] > 10);
}

static int teardown(void **state)
{
    (void)state;
    round_clear(&m.r);
    return 0;
}

#define CASE(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_improvement_is_kept),
        CASE(no_improvement_is_rolled_back),
        CASE(a_bad_candidate_is_screened_out),
        CASE(keep_switches_when_it_must),
        CASE(nothing_to_do_is_empty),
        CASE(no_budget_means_no_switch),
        CASE(cancel_at_every_step),
        CASE(cancel_while_a_switch_fails),
        CASE(cancel_in_keep_goes_back),
        CASE(keep_that_fails_is_no_keep),
        CASE(every_switch_may_fail),
        CASE(twice_no_way_back_is_stuck),
        CASE(runs_that_fail_end_the_round),
        CASE(a_run_without_a_result_counts_as_failed),
        CASE(progress_is_shown_and_nothing_more),
        CASE(what_gains_is_joined),
        CASE(a_single_winner_goes_on_at_once),
        CASE(what_does_not_fit_together_is_not_joined),
        cmocka_unit_test(variants_are_not_joined),
        CASE(nothing_gained_claims_nothing),
        CASE(without_a_choice_nothing_is_screened),
        CASE(cancel_at_every_step_of_a_screening),
        CASE(a_trial_that_fails_drops_out),
        CASE(runs_that_fail_end_the_screening),
        CASE(a_veto_holds_an_improvement_back),
        CASE(names_of_states),
        CASE(random_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
