/* The planner: order of the arms, warm-ups, screening, the end by time, and what it claims. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/mem.h"
#include "pgd/runner/experiment.h"

static struct sdl plan_of(void)
{
    struct sdl p = {.duration_s = 10, .warmup_s = 5, .min_runs = 3, .max_runs = 6};
    return p;
}

static struct bench_run run_of(double tps)
{
    return (struct bench_run){.valid = true, .tps = tps, .p95_ms = 10, .transactions = tps * 10};
}

static void add(struct experiment *x, double tps)
{
    struct bench_run r = run_of(tps);
    experiment_add(x, &r);
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.6f is not %.6f", got, want);
}

/* Plays an experiment with the throughput of each arm given by a function; writes what it did:
 * "wA sB wB …", S for a switch, w for a warm-up, r for a run. Returns the seconds spent. */
typedef double (*world_fn)(int arm, int run);

static double play(struct experiment *x, world_fn world, bool restarts, double seconds,
                   struct buf *trace)
{
    double spent = 0;
    for (int step = 0; step < 400; step++) {
        struct experiment_next n = experiment_next(x, seconds - spent);
        char arm = n.arm == ARM_A ? 'A' : 'B';
        if (n.want == EXPERIMENT_FINISHED)
            return spent;
        if (n.want == EXPERIMENT_SWITCH) {
            assert_int_not_equal(n.arm, x->arm);
            experiment_switched(x, n.arm, restarts);
            buf_printf(trace, "S%c ", arm);
            spent += restarts ? 6 : 1;
        } else if (n.want == EXPERIMENT_WARMUP) {
            assert_int_equal(n.arm, x->arm);
            experiment_warmed(x);
            buf_printf(trace, "w%d ", n.seconds);
            spent += n.seconds;
        } else {
            assert_int_equal(n.arm, x->arm);
            assert_int_equal(n.seconds, x->duration_s);
            add(x, world(n.arm, x->n));
            buf_printf(trace, "r%c ", arm);
            spent += n.seconds + 1;
        }
    }
    fail_msg("the experiment does not end");
    return spent;
}

static double better(int arm, int run)
{
    return (arm == ARM_B ? 1200 : 1000) + run % 3;
}

static double worse(int arm, int run)
{
    return (arm == ARM_B ? 700 : 1000) + run % 3;
}

static double a_bit_worse(int arm, int run)
{
    return (arm == ARM_B ? 900 : 1000) + run % 3;
}

static double same(int arm, int run)
{
    (void)arm;
    static const double tps[] = {1000, 1004, 998, 1001, 996, 1003};
    return tps[run % 6];
}

/* Noisy enough that 3 against 3 cannot tell. */
static double unclear(int arm, int run)
{
    static const double noise[] = {1.00, 0.94, 1.07, 1.03, 0.95, 1.02, 0.98, 1.06};
    return (arm == ARM_B ? 1060 : 1000) * noise[run % 8];
}

/* One figure tells nothing of the noise, which is not to be taken for none. */
static void test_aa_of_one_run(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict v;
    struct bench_run run = {.valid = true, .tps = 1000, .p95_ms = 3};
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    experiment_warmed(&x);
    experiment_add(&x, &run);
    experiment_verdict(&x, &v);
    near(v.tps_a, 1000, 0.1);
    assert_true(isnan(v.floor));
    experiment_clear(&x);
    experiment_init(&x, EXPERIMENT_ROUND, &plan, v.floor, ARM_A);
    near(x.floor, 0.05, 1e-9);
    experiment_clear(&x);
}

static void test_aa(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    play(&x, same, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA rA rA rA ");
    struct verdict v;
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_NONE);
    assert_int_equal(v.runs_a, 4);
    near(v.tps_a, 1000.7, 0.1);
    assert_true(v.floor > 0.002 && v.floor < 0.01);
    assert_true(isnan(v.ratio));
    buf_clear(&trace);
    experiment_clear(&x);
}

static void test_aa_alternation_counts(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    add(&x, 1000);
    add(&x, 1100);
    add(&x, 1000);
    add(&x, 1100);
    struct verdict v;
    experiment_verdict(&x, &v);
    near(v.floor, 0.1, 1e-6); /* the deviation alone would say 5.7 % */
    experiment_clear(&x);
}

static void test_order_by_reload(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    play(&x, better, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA SB w2 rB rB SA w2 rA rA SB w2 rB ");
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    near(v.ratio, 1.2, 0.002);
    assert_true(v.ci_lo > 1.16 && v.ci_hi < 1.24); /* runs never repeat better than 1 % */
    assert_true(v.detectable > 0.03 && v.detectable < 0.05);
    assert_int_equal(v.runs_a, 3);
    assert_int_equal(v.runs_b, 3);
    assert_string_equal(v.note, "");
    buf_clear(&trace);
    experiment_clear(&x);
}

static void test_order_by_restart_unknown_arm(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, -1);
    play(&x, better, true, 1000, &trace);
    assert_string_equal(buf_text(&trace), "SA w10 rA SB w10 rB rB SA w10 rA rA SB w10 rB ");
    buf_clear(&trace);
    experiment_clear(&x);
}

/* A person makes each switch: one in a round, two in a confirmation, and the note says what that is worth. */
static void test_blocks(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    x.blocks = true;
    play(&x, better, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA rA rA rA SB w2 rB rB rB rB ");
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    assert_non_null(strstr(v.note, "two blocks"));
    experiment_clear(&x);
    buf_clear(&trace);

    experiment_init(&x, EXPERIMENT_CONFIRM, &plan, 0.01, ARM_B);
    x.blocks = true;
    play(&x, better, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rB rB rB SA w2 rA rA rA rA rA SB w2 rB rB ");
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    assert_non_null(strstr(v.note, "there and back"));
    experiment_clear(&x);
    buf_clear(&trace);

    /* undecided: the last block grows, and no further switch is made */
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    x.blocks = true;
    play(&x, unclear, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA rA rA rA SB w2 rB rB rB rB rB rB ");
    experiment_clear(&x);
    buf_clear(&trace);

    /* clearly worse: the rest of its block is not worth the time */
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    x.blocks = true;
    play(&x, worse, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA rA rA rA SB w2 rB rB ");
    assert_true(x.stopped_early);
    experiment_clear(&x);
    buf_clear(&trace);
}

/* A machine that slows down all the time: the confirmation's arms suffer alike, those of a round do not. */
static double slowing(int arm, int run)
{
    (void)arm;
    return 1000 * (1 - 0.01 * run) + run % 2;
}

static void test_blocks_and_drift(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    struct verdict v;
    plan.min_runs = 3; /* four an arm in the confirmation with its own least of four: five */
    experiment_init(&x, EXPERIMENT_CONFIRM, &plan, 0.01, ARM_B);
    x.blocks = true;
    play(&x, slowing, false, 1000, &trace);
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    near(v.ratio, 1.0, 0.02);
    experiment_clear(&x);
    buf_clear(&trace);
}

static void test_confirm_starts_where_it_is(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    experiment_init(&x, EXPERIMENT_CONFIRM, &plan, 0.01, ARM_B);
    play(&x, better, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rB SA w2 rA rA SB w2 rB rB SA w2 rA rA SB w2 rB ");
    buf_clear(&trace);
    experiment_clear(&x);
}

static void test_confirm_with_little_time(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    struct verdict v;
    experiment_init(&x, EXPERIMENT_CONFIRM, &plan, 0.01, ARM_A);
    double spent = play(&x, better, false, 90, &trace);
    assert_true(spent <= 90);
    assert_string_equal(buf_text(&trace), "w5 rA SB w2 rB rB SA w2 rA rA SB w2 rB ");
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    buf_clear(&trace);
    experiment_clear(&x);

    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01,
                    ARM_A); /* one run an arm: only what each says of itself */
    for (int arm = ARM_A; arm <= ARM_B; arm++) {
        struct bench_run r = run_of(1000);
        r.series = xcalloc(10, sizeof *r.series);
        r.nseries = 10;
        for (int i = 0; i < 10; i++)
            r.series[i] = 1000 + (float)(i % 3);
        experiment_switched(&x, arm, false);
        experiment_add(&x, &r);
    }
    experiment_verdict(&x, &v);
    assert_non_null(
        strstr(v.note, "the one run of the base: 1000 TPS, 1000 to 1002 within that run"));
    assert_non_null(strstr(v.note, "the one run of the candidate: "));
    assert_true(isnan(v.ci_lo));
    experiment_clear(&x);

    struct buf shorter = {0};
    experiment_init(&x, EXPERIMENT_CONFIRM, &plan, 0.01, ARM_A);
    play(&x, better, false, 60, &shorter);
    experiment_verdict(&x, &v); /* 20 % faster, and still no claim */
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(v.note, "fewer than 3"));
    buf_clear(&shorter);
    experiment_clear(&x);
}

static void test_screening(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    play(&x, worse, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA SB w2 rB ");
    assert_true(x.stopped_early);
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(v.note, "screened out"));
    buf_clear(&trace);
    experiment_clear(&x);

    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    play(&x, a_bit_worse, false, 1000, &trace);
    assert_string_equal(buf_text(&trace), "w10 rA SB w2 rB rB SA w2 rA ");
    buf_clear(&trace);
    experiment_clear(&x);

    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.08, ARM_A); /* noise could do that */
    play(&x, a_bit_worse, false, 1000, &trace);
    assert_false(x.stopped_early);
    buf_clear(&trace);
    experiment_clear(&x);

    experiment_init(&x, EXPERIMENT_CONFIRM, &plan, 0.01,
                    ARM_A); /* not screened: it ends with a claim */
    play(&x, worse, false, 1000, &trace);
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_REGRESSED);
    near(v.ratio, 0.7, 0.002);
    buf_clear(&trace);
    experiment_clear(&x);
}

static void test_more_runs_while_unclear(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct buf trace = {0};
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.02, ARM_A);
    play(&x, unclear, false, 10000, &trace);
    assert_true(x.n > 6 && x.n <= 12);
    buf_clear(&trace);
    experiment_clear(&x);

    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.02,
                    ARM_A); /* no gain of 2 % is possible: it stops */
    play(&x, same, false, 10000, &trace);
    assert_int_equal(x.n, 6);
    struct verdict v;
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    buf_clear(&trace);
    experiment_clear(&x);
}

static struct verdict verdict_of(double floor, const double *a, const double *b, int n)
{
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, &plan, floor, ARM_A);
    for (int i = 0; i < n; i++) {
        experiment_switched(&x, ARM_A, false);
        add(&x, a[i % 4]);
        experiment_switched(&x, ARM_B, false);
        add(&x, b[i % 4]);
    }
    experiment_verdict(&x, &v);
    experiment_clear(&x);
    return v;
}

static void test_claims(void **s)
{
    (void)s;
    const double a[] = {1000, 1001, 999, 1000};
    const double small[] = {1015, 1016, 1014, 1015};
    const double mid[] = {1050, 1051, 1049, 1050};
    const double down[] = {950, 951, 949, 950};
    struct verdict v = verdict_of(0.005, a, small, 12);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_true(v.ci_lo > 1);
    assert_string_equal(v.note, "the difference is below 2 %");
    v = verdict_of(0.005, a, mid, 4);
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    v = verdict_of(0.08, a, mid, 4);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_string_equal(v.note, "the difference is within this machine's noise");
    v = verdict_of(0.005, a, down, 4);
    assert_int_equal(v.kind, VERDICT_REGRESSED);
    v = verdict_of(0.005, a, mid, 2);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(v.note, "fewer than 3"));
}

static void test_failures_and_latency(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.005, ARM_A);
    for (int i = 0; i < 3; i++) {
        struct bench_run a = run_of(1000 + i);
        struct bench_run b = run_of(1300 + i);
        b.failed = 400;
        b.p95_ms = 13;
        experiment_switched(&x, ARM_A, false);
        experiment_add(&x, &a);
        experiment_switched(&x, ARM_B, false);
        experiment_add(&x, &b);
    }
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(v.note, "3.0 % failed"));
    assert_non_null(strstr(v.note, "p95 latency 30 % worse"));
    near(v.p95_b, 13, 1e-9);
    for (int i = 0; i < x.n; i++)
        x.runs[i].failed = 400; /* A fails just as often, even a bit more: no charge */
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    experiment_clear(&x);
}

static void test_invalid_runs(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.005, ARM_A);
    experiment_warmed(&x);
    struct bench_run warm = run_of(5000);
    warm.warmup = true;
    experiment_add(&x, &warm);
    assert_int_equal(x.n, 0);
    struct bench_run cold = {.warmup = true}; /* a warm-up that failed is a failed run */
    experiment_add(&x, &cold);
    assert_int_equal(x.errors, 1);
    add(&x, 1000);
    assert_int_equal(x.errors, 0);
    experiment_switched(&x, ARM_B, false);
    experiment_warmed(&x);
    for (int i = 0; i < 3; i++) {
        struct experiment_next n = experiment_next(&x, 1000);
        assert_int_equal(n.want, EXPERIMENT_RUN); /* the same arm again */
        assert_int_equal(n.arm, ARM_B);
        struct bench_run r = run_of(1000);
        r.valid = false;
        r.series = xcalloc(4, sizeof *r.series);
        r.nseries = 4;
        experiment_add(&x, &r);
        assert_null(r.series);
    }
    assert_int_equal(experiment_next(&x, 1000).want, EXPERIMENT_FINISHED);
    experiment_verdict(&x, &v);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_int_equal(v.runs_b, 0);
    assert_non_null(strstr(v.note, "runs failed"));
    assert_true(isnan(v.tps_b) && isnan(v.ci_lo));
    experiment_clear(&x);
}

static void test_cost(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    for (int kind = EXPERIMENT_AA; kind <= EXPERIMENT_CONFIRM; kind++)
        for (int restarts = 0; restarts < 2; restarts++) {
            struct buf trace = {0};
            double cost = experiment_cost(&plan, (enum experiment_kind)kind, restarts);
            experiment_init(&x, (enum experiment_kind)kind, &plan, 0.01, ARM_A);
            double spent = play(&x, better, restarts, cost, &trace);
            assert_true(spent <= cost && spent > cost * 0.7);
            assert_int_equal(x.n, kind == EXPERIMENT_AA ? 4 : kind == EXPERIMENT_ROUND ? 6 : 8);
            buf_clear(&trace);
            experiment_clear(&x);
        }
}

/* How often whole experiments, with all their looks at the figures, claim a gain that is not
 * there: the floor is measured first, as in a session. */
static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double noisy(int arm, int run)
{
    (void)arm;
    (void)run;
    return 1000 * exp(0.03 * sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979 * uniform()));
}

static double effect; /* of arm B, logarithm */

static double noisy_b(int arm, int run)
{
    return noisy(arm, run) * (arm == ARM_B ? exp(effect) : 1);
}

struct rates {
    double improved, regressed, covered, runs; /* percent, percent, percent, mean of an arm */
};

/* Whole experiments, with all their looks at the figures, each after a baseline of its own as in a session. */
static struct rates rates_of(enum experiment_kind kind, int max_runs, bool prior)
{
    const int trials = 2000;
    struct rates r = {0};
    struct sdl plan = plan_of();
    plan.max_runs = max_runs;
    for (int t = 0; t < trials; t++) {
        struct experiment x;
        struct verdict v;
        struct buf trace = {0};
        experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
        play(&x, noisy, false, 1e6, &trace);
        experiment_verdict(&x, &v);
        struct looks_prior known = experiment_noise(&x);
        assert_true(known.df == 3);
        experiment_clear(&x);
        experiment_init(&x, kind, &plan, v.floor, ARM_A);
        if (prior)
            x.prior = known;
        play(&x, noisy_b, false, 1e6, &trace);
        experiment_verdict(&x, &v);
        r.improved += 100.0 * (v.kind == VERDICT_IMPROVED) / trials;
        r.regressed += 100.0 * (v.kind == VERDICT_REGRESSED) / trials;
        bool judged = v.runs_a >= 3;
        r.covered += 100.0 * (!judged || (v.ci_lo <= exp(effect) && exp(effect) <= v.ci_hi)) /
                     trials;
        r.runs += (v.runs_a + v.runs_b) / 2.0 / trials;
        experiment_clear(&x);
        buf_clear(&trace);
    }
    return r;
}

static void test_error_rates(void **s)
{
    (void)s;
    state = 4711;
    for (int prior = 0; prior < 2; prior++)
        for (int kind = EXPERIMENT_ROUND; kind <= EXPERIMENT_CONFIRM; kind++)
            for (int most = 3; most <= 6; most += 3) {
                if (!prior && (kind == EXPERIMENT_CONFIRM || most == 3))
                    continue;
                effect = 0;
                struct rates aa = rates_of((enum experiment_kind)kind, most, prior);
                effect = log(1.05);
                struct rates five = rates_of((enum experiment_kind)kind, most, prior);
                effect = log(1.10);
                struct rates ten = rates_of((enum experiment_kind)kind, most, prior);
                print_message("%s, at most %d an arm, %s: A/A improved %.1f %% regressed %.1f %% "
                              "covered %.1f %% (%.1f runs); +5 %%: %.1f %% covered %.1f %% (%.1f); "
                              "+10 %%: %.1f %% covered %.1f %% (%.1f)\n",
                              kind == EXPERIMENT_ROUND ? "round" : "confirmation", most,
                              prior ? "baseline pooled" : "alone", aa.improved, aa.regressed,
                              aa.covered, aa.runs, five.improved, five.covered, five.runs,
                              ten.improved, ten.covered, ten.runs);
                assert_true(aa.improved + aa.regressed <= 5);
                assert_true(aa.covered >= 94 && five.covered >= 94 && ten.covered >= 94);
                assert_true(ten.improved >= (most == 6 ? 95 : 75));
                assert_true(five.improved >= (most == 6 ? 55 : 25));
            }
}

/* A run that holds too few transactions is not compared; the next ones are longer, within bounds. */
static void test_enough_transactions(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict v;
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    experiment_warmed(&x);
    struct bench_run r = run_of(4);
    r.transactions = 40;
    experiment_add(&x, &r);
    assert_int_equal(x.errors, 0);
    assert_false(x.runs[0].valid);
    assert_int_equal(experiment_next(&x, 1000).seconds, 30);
    r = run_of(4);
    r.transactions = 120;
    experiment_add(&x, &r);
    assert_true(x.runs[1].valid);
    experiment_clear(&x);

    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    for (int i = 0; i < 8; i++) { /* statements of several seconds: never enough */
        r = run_of(0.5);
        r.secs = i < 2 ? 10 : 60;
        r.transactions = 0.5 * r.secs;
        experiment_switched(&x, i % 2, false);
        experiment_warmed(&x);
        if (i == 2)
            assert_int_equal(experiment_next(&x, 1000).seconds, 60);
        experiment_add(&x, &r);
    }
    experiment_verdict(&x, &v);
    assert_int_equal(v.runs_a + v.runs_b, 6);
    assert_non_null(strstr(v.note, "fewer than 100 transactions"));
    experiment_clear(&x);
}

static void add_cold(struct experiment *x, double tps, double hits, double iowait)
{
    struct bench_run r = run_of(tps);
    r.window.valid = true;
    r.window.hit_ratio = hits;
    r.window.cpu_iowait = iowait;
    experiment_add(x, &r);
}

/* What a baseline measured while the caches filled is no noise of the machine. */
static void test_cold_runs(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict v;
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    experiment_warmed(&x);
    add_cold(&x, 81, 0.48, 0);
    add_cold(&x, 86, 0.92, 0);
    assert_false(x.runs[0].valid);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(experiment_next(&x, 1000).want, EXPERIMENT_RUN);
        add_cold(&x, 139 + i % 2, 0.999, 0);
    }
    assert_int_equal(x.cold, 2);
    assert_int_equal(x.errors, 0);
    assert_non_null(strstr(x.runs[1].err.detail, "92 %"));
    assert_int_equal(experiment_next(&x, 1000).want, EXPERIMENT_FINISHED);
    experiment_verdict(&x, &v);
    assert_true(v.floor < 0.02);
    experiment_clear(&x);

    /* a slower run with the same hits is noise, and an early one with fewer hits but as fast is no harm */
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    experiment_warmed(&x);
    add_cold(&x, 120, 0.99, 0.01);
    add_cold(&x, 139, 0.90, 0.01);
    add_cold(&x, 140, 0.99, 0.02);
    assert_int_equal(x.cold, 0);
    add_cold(&x, 100, 0.99, 0.30);
    assert_true(x.runs[3].valid);
    add_cold(&x, 140, 0.99, 0.01); /* the disk of the run before was slow, the hits the same */
    assert_int_equal(x.cold, 1);
    experiment_clear(&x);
}

/* A slow start makes its own runs long, and not those of a candidate that is quicker. */
static void test_each_arm_its_seconds(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    plan.asked_s = plan.duration_s;
    plan.duration_s = 30; /* by the baseline */
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.01, ARM_A);
    experiment_warmed(&x);
    assert_int_equal(experiment_next(&x, 1000).seconds, 30);
    struct bench_run r = run_of(4);
    r.secs = 30;
    r.transactions = 120;
    experiment_add(&x, &r);
    experiment_switched(&x, ARM_B, false);
    experiment_warmed(&x);
    assert_int_equal(experiment_next(&x, 1000).seconds, 10);
    r = run_of(8);
    r.secs = 10;
    r.transactions = 80;
    experiment_add(&x, &r);
    assert_int_equal(experiment_next(&x, 1000).seconds, 15);
    experiment_clear(&x);
}

static struct bench_run run_with(double tps, double p95, double p99)
{
    struct bench_run r = run_of(tps);
    r.p95_ms = p95;
    r.p99_ms = p99;
    return r;
}

static struct verdict compared(struct sdl *plan, struct bench_run a, struct bench_run b)
{
    struct experiment x;
    struct verdict v;
    experiment_init(&x, EXPERIMENT_ROUND, plan, 0.005, ARM_A);
    for (int i = 0; i < 6; i++) {
        struct bench_run r = i % 2 ? b : a;
        experiment_switched(&x, i % 2, false);
        experiment_add(&x, &r);
    }
    experiment_verdict(&x, &v);
    experiment_clear(&x);
    return v;
}

static void test_goals_and_trades(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct verdict v = compared(&plan, run_with(1000, 10, 20), run_with(1200, 10, 30));
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    assert_string_equal(v.note, "p99 latency 50 % worse");
    v = compared(&plan, run_with(1000, 10, 30), run_with(950, 10, 20));
    assert_int_equal(v.kind, VERDICT_REGRESSED);
    assert_non_null(strstr(v.note, "p99 latency 33 % better"));

    plan.goal = GOAL_P99; /* old over new */
    v = compared(&plan, run_with(1000, 10, 30), run_with(800, 10, 20));
    assert_int_equal(v.kind, VERDICT_IMPROVED);
    near(v.ratio, 1.5, 1e-9);
    near(v.tps_a, 1000, 1e-6);
    assert_string_equal(v.note, "TPS 20 % lower");
    plan.goal = GOAL_P95;
    v = compared(&plan, run_with(1000, 10, 30), run_with(1200, 20, 20));
    assert_int_equal(v.kind, VERDICT_REGRESSED);
    near(v.ratio, 0.5, 1e-9);
    plan.goal = GOAL_P95;
    v = compared(&plan, run_with(1000, NAN, NAN), run_with(1200, 20, 20)); /* no log of A */
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_true(isnan(v.ratio) && v.runs_a == 0);

    plan.rate = 1000; /* faster for those it serves, yet it cannot serve all of them */
    v = compared(&plan, run_with(1000, 20, 30), run_with(900, 10, 20));
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(v.note, "falls behind the given rate: 900 TPS of 1000"));
    struct bench_run skips = run_with(1000, 10, 20);
    skips.skipped = 300;
    v = compared(&plan, run_with(1000, 20, 30), skips);
    assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(v.note, "2.9 % failed"));
}

/* A prior narrows the interval of few runs, and does not hide that the machine has become restless. */
static void test_prior(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct experiment x;
    struct verdict alone, quiet, loud;
    const double tps[] = {1000, 1060, 1070, 990, 1010, 1080};
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0.005, ARM_A);
    for (int i = 0; i < 6; i++) {
        experiment_switched(&x, (i + 1) / 2 % 2, false);
        add(&x, tps[i]);
    }
    experiment_verdict(&x, &alone);
    x.prior = (struct looks_prior){0.01, 5};
    experiment_verdict(&x, &quiet);
    assert_true(quiet.ci_hi - quiet.ci_lo < alone.ci_hi - alone.ci_lo);
    x.prior = (struct looks_prior){0.08, 5};
    experiment_verdict(&x, &loud);
    assert_true(loud.ci_lo < alone.ci_lo);
    near(loud.floor, 0.07, 0.02); /* what is known of the noise now */
    struct looks_prior all = experiment_noise(&x);
    near(all.df, 9, 1e-9);
    assert_true(all.sd < 0.08 && all.sd > 0.01);
    experiment_clear(&x);
}

/* The plan's warning and the end of the rounds are the same sum. */
static void the_least_budget_holds_a_round(void **unused)
{
    (void)unused;
    struct sdl plan = {.duration_s = 10, .warmup_s = 5, .min_runs = 3, .max_runs = 6, .clients = 4};
    double aa = experiment_cost(&plan, EXPERIMENT_AA, false);
    assert_true(experiment_least_budget(&plan, false) - aa == experiment_round_needs(&plan, false));
    assert_true(experiment_round_needs(&plan, true) > experiment_round_needs(&plan, false));
    assert_true(experiment_least_budget(&plan, true) > 240); /* 4 minutes hold none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_budget_holds_a_round),
        cmocka_unit_test(test_aa),
        cmocka_unit_test(test_aa_of_one_run),
        cmocka_unit_test(test_aa_alternation_counts),
        cmocka_unit_test(test_order_by_reload),
        cmocka_unit_test(test_order_by_restart_unknown_arm),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_blocks_and_drift),
        cmocka_unit_test(test_confirm_starts_where_it_is),
        cmocka_unit_test(test_confirm_with_little_time),
        cmocka_unit_test(test_screening),
        cmocka_unit_test(test_more_runs_while_unclear),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_failures_and_latency),
        cmocka_unit_test(test_invalid_runs),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_error_rates),
        cmocka_unit_test(test_enough_transactions),
        cmocka_unit_test(test_cold_runs),
        cmocka_unit_test(test_each_arm_its_seconds),
        cmocka_unit_test(test_goals_and_trades),
        cmocka_unit_test(test_prior),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
