/* The ablation against worlds in which it is known what each change does: how often whole ablations keep exactly what
 * matters, at a deviation of 3 % from run to run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/runner/ablation.h"

static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979 * uniform());
}

static struct sdl plan_of(void)
{
    return (struct sdl){.duration_s = 10, .warmup_s = 5, .min_runs = 3, .max_runs = 6};
}

/* What a set does to the logarithm of the throughput. */
typedef double (*world_fn)(uint32_t set);

static bool has(uint32_t set, int i)
{
    return set >> i & 1;
}

/* Ten changes: 1 and 4 matter, 2 and 7 work only together, 5 does harm, which the others outweigh, the rest is idle. */
static double planted(uint32_t set)
{
    double log_tps = 0;
    log_tps += has(set, 1) ? log(1.15) : 0;
    log_tps += has(set, 4) ? log(1.10) : 0;
    log_tps += has(set, 2) && has(set, 7) ? log(1.12) : 0;
    log_tps -= has(set, 5) ? log(1.08) : 0;
    return log_tps;
}

enum { PLANTED = 1 << 1 | 1 << 4 | 1 << 2 | 1 << 7, HARMFUL = 1 << 5 };

/* Either of the first two would do. */
static double either(uint32_t set)
{
    return has(set, 0) || has(set, 1) ? log(1.15) : 0;
}

static double nothing(uint32_t set)
{
    (void)set;
    return 0;
}

/* Each of ten earns 2 %: none of them shows, all of them are missed. */
static double many_small(uint32_t set)
{
    return log(1.02) * __builtin_popcount(set);
}

/* As planner costs and compilation do: either of the first two takes the great loss away, the third earns, the fourth does not. */
static double one_great(uint32_t set)
{
    return (has(set, 0) || has(set, 1) ? log(2.5) : 0) + (has(set, 2) ? log(1.2) : 0);
}

/* What a shared machine does meanwhile: 8 % up and down, half forgotten after 40 seconds. */
static struct {
    double sd, seconds, now, at;
} machine;

static double machine_at(double seconds)
{
    double keeps = machine.sd > 0 ? exp((machine.at - seconds) / machine.seconds) : 0;

    machine.now = machine.now * keeps + machine.sd * sqrt(1 - keeps * keeps) * normal();
    machine.at = seconds;
    return machine.now;
}

struct outcome {
    uint32_t kept;
    double spent;
    int runs, switches, restarts;
};

static struct outcome play(struct ablation *a, world_fn world, double sd, double drift,
                           double seconds)
{
    struct outcome o = {0};
    for (int step = 0; step < 1000; step++) {
        struct ablation_next n = ablation_next(a, seconds - o.spent);
        if (n.want == EXPERIMENT_FINISHED) {
            o.kept = ablation_kept(a);
            o.runs = a->n_runs;
            o.switches = a->switches;
            return o;
        }
        if (n.want == EXPERIMENT_SWITCH) {
            bool restart = ((n.set ^ a->in_force) & a->restarts) != 0;
            ablation_switched(a, n.set, restart);
            o.restarts += restart;
            o.spent += restart ? 8 : 2;
        } else if (n.want == EXPERIMENT_WARMUP) {
            ablation_warmed(a);
            o.spent += n.seconds;
        } else {
            assert_int_equal(n.set, a->in_force);
            struct bench_run r = {.valid = true, .transactions = 1000};
            r.tps = 1000 * exp(world(n.set) + sd * normal() + drift * o.spent +
                               (machine.sd > 0 ? machine_at(o.spent) : 0));
            o.spent += n.seconds + 2;
            ablation_add(a, &r);
        }
    }
    fail_msg("the ablation does not end");
    return o;
}

struct tally {
    int exact, harm_gone, kept_all, sessions;
    double lost; /* mean loss of what is kept against the best of the world, in percent */
    double seconds, runs;
};

static double percent(int n, struct tally t)
{
    return 100.0 * n / t.sessions;
}

static struct tally sessions_of(int changes, world_fn world, uint32_t right, uint32_t matters,
                                double sd, double drift, double seconds, int n)
{
    struct tally t = {.sessions = n};
    struct sdl plan = plan_of();
    for (int i = 0; i < n; i++) {
        struct ablation a;
        double aa[4], sum = 0, squares = 0;
        for (int k = 0; k < 4; k++) /* the floor, as a session finds it */
            sum += aa[k] = sd * normal();
        for (int k = 0; k < 4; k++)
            squares += (aa[k] - sum / 4) * (aa[k] - sum / 4);
        double apart = fabs(aa[0] + aa[2] - aa[1] - aa[3]) / 2;
        double floor = exp(fmax(sqrt(squares / 3), apart)) - 1;
        ablation_init(&a, changes, NULL, &plan, floor, (UINT32_C(1) << changes) - 1);
        machine.now = machine.sd > 0 ? machine.sd * normal() : 0;
        machine.at = 0;
        struct outcome o = play(&a, world, sd, drift, seconds);
        t.exact += o.kept == right;
        t.harm_gone += (o.kept & HARMFUL) == 0;
        t.kept_all += (o.kept & matters) == matters;
        t.lost += 100 * (world(right) - world(o.kept)) / n;
        t.seconds += o.spent / n;
        t.runs += (double)o.runs / n;
        assert_true(o.spent <= seconds);
    }
    return t;
}

static struct tally sessions(world_fn world, uint32_t right, uint32_t matters, double sd,
                             double drift, double seconds, int n)
{
    return sessions_of(10, world, right, matters, sd, drift, seconds, n);
}

static void test_planted(void **s)
{
    (void)s;
    static const struct {
        int seconds;
        double sd;
        int bar; /* percent that must be exactly right */
        int sessions;
    } cases[] = {
        {240, 0.03, 30, 150}, {360, 0.03, 78, 500}, {540, 0.03, 84, 150}, {360, 0.015, 80, 150}};
    state = 4711;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tally t = sessions(planted, PLANTED, PLANTED, cases[i].sd, -1e-4, cases[i].seconds,
                                  cases[i].sessions);
        print_message("%.1f %%, %d s: exactly right %.1f %%, the four kept %.1f %%, the harmful "
                      "gone %.1f %%, lost %.2f %% of TPS; %.0f runs in %.0f s\n",
                      100 * cases[i].sd, cases[i].seconds, percent(t.exact, t),
                      percent(t.kept_all, t), percent(t.harm_gone, t), t.lost, t.runs, t.seconds);
        assert_true(t.exact * 100 >= t.sessions * cases[i].bar);
        assert_true(t.kept_all * 100 >= t.sessions * 95);
        assert_true(t.harm_gone * 100 >= t.sessions * 96);
    }
}

/* What goes one by one for too little must not be missed in sum, nor where either of two would have done. */
static void test_sums(void **s)
{
    (void)s;
    state = 4712;
    struct tally t = sessions(many_small, 0x3ff, 0x3ff, 0.03, 0, 400, 100);
    print_message("ten of 2 %% each: lost %.2f %%\n", t.lost);
    assert_true(t.lost < 3);
    t = sessions(either, 1, 0, 0.03, 0, 400, 100);
    print_message("either of two would do: lost %.2f %%\n", t.lost);
    assert_true(t.lost < 0.5);
    t = sessions(nothing, 0, 0, 0.03, 0, 400, 100);
    print_message("nothing earns: all gone %.1f %%\n", percent(t.exact, t));
    assert_true(t.exact * 100 >= t.sessions * 70);
}

/* A machine whose speed wanders, and a great effect that hides lesser ones: what earns is not lost. */
static void test_shared_machine(void **s)
{
    (void)s;
    state = 4713;
    struct tally t = sessions_of(4, one_great, 0, 1 << 2, 0.02, 0, 240, 150);
    print_message("one great effect: kept %.1f %%\n", percent(t.kept_all, t));
    assert_true(t.kept_all * 100 >= t.sessions * 94);
    machine.sd = 0.08;
    machine.seconds = 60;
    t = sessions_of(4, one_great, 0, 1 << 2, 0.015, 0, 240, 150);
    print_message("the same, the machine wanders: kept %.1f %%\n", percent(t.kept_all, t));
    assert_true(t.kept_all * 100 >= t.sessions * 94);
    t = sessions(planted, PLANTED, PLANTED, 0.015, 0, 360, 150);
    print_message(
        "ten changes, the machine wanders: exactly right %.1f %%, the four kept %.1f %%\n",
        percent(t.exact, t), percent(t.kept_all, t));
    assert_true(t.kept_all * 100 >= t.sessions * 90);
    assert_true(t.exact * 100 >= t.sessions * 52);
    machine.sd = 0;
}

static void test_restarts(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct ablation a;
    state = 1;
    ablation_init(&a, 10, NULL, &plan, 0.01, 0x3ff);
    a.restarts = 1 << 1 | 1 << 8; /* one that matters, one that does not */
    struct outcome o = play(&a, planted, 0.01, 0, 600);
    assert_int_equal(o.kept, PLANTED);
    print_message("%d runs, %d switches, %d of them restarts\n", o.runs, o.switches, o.restarts);
    assert_true(o.restarts * 2 <= o.switches); /* dear switches are made less often */
}

static void test_shares(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct ablation a;
    state = 2;
    ablation_init(&a, 10, NULL, &plan, 0.01, 0x3ff);
    assert_true(isnan(a.shares[1].ratio) && !a.shares[1].tested && a.shares[1].kept);
    play(&a, planted, 0.01, 0, 600);
    assert_true(a.shares[1].kept && a.shares[1].tested);
    assert_true(fabs(a.shares[1].ratio - 1.15) < 0.04);
    assert_true(a.shares[1].lo < 1.16 && a.shares[1].hi > 1.14);
    assert_true(a.shares[5].ratio < 0.96 && !a.shares[5].kept);
    assert_true(a.shares[2].ratio > 1.03 && a.shares[7].ratio > 1.03);
    assert_false(a.shares[0].kept);
}

static void test_ends(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct ablation a;
    state = 3;
    for (double seconds = 0; seconds < 300; seconds += 9) { /* never beyond its time */
        ablation_init(&a, 10, NULL, &plan, 0.03, 0x3ff);
        struct outcome o = play(&a, planted, 0.03, 0, seconds);
        assert_true(o.spent <= seconds);
        if (seconds < 60)
            assert_int_equal(o.kept, 0x3ff); /* what was not tested stays */
    }
    ablation_init(&a, 1, NULL, &plan, 0.03, 1); /* nothing to choose */
    assert_int_equal(ablation_next(&a, 1000).want, EXPERIMENT_FINISHED);
    ablation_init(&a, 4, NULL, &plan, 0.03, 0xf);
    for (int i = 0; i < 3; i++) { /* failed runs */
        struct bench_run bad = {.valid = false};
        ablation_add(&a, &bad);
    }
    assert_int_equal(ablation_next(&a, 1000).want, EXPERIMENT_FINISHED);
    assert_int_equal(ablation_kept(&a), 0xf);
    double cost = ablation_cost(&plan, 10, false);
    assert_true(cost > 150 && cost < 400);
    assert_true(ablation_cost(&plan, 10, true) > cost);
}

/* A set that cannot be put in force is not asked for again; another one is. */
static void test_failed_set(void **s)
{
    (void)s;
    struct sdl plan = plan_of();
    struct ablation a;
    state = 4;
    ablation_init(&a, 4, NULL, &plan, 0.01, 0xf);
    ablation_warmed(&a);
    struct bench_run r = {.valid = true, .tps = 1000};
    ablation_add(&a, &r);
    struct ablation_next n = ablation_next(&a, 1000);
    assert_int_equal(n.want, EXPERIMENT_SWITCH);
    ablation_failed(&a, n.set);
    struct ablation_next other = ablation_next(&a, 1000);
    assert_true(other.want != EXPERIMENT_SWITCH || other.set != n.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_shared_machine), cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_shares),         cmocka_unit_test(test_ends),
        cmocka_unit_test(test_failed_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
