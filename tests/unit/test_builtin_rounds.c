/* The built-in advisor around the rules: what rounds teach, conclusions, First Sight and
 * strategies. */
#include "builtin_world.h"

#include "pgd/agent/advisor.h"

/* ---- what the rounds teach ---- */

static struct round_history *round_of(struct world *w, const struct proposal *p, bool kept)
{
    struct round_history *r = &w->history[w->e.nhistory++];
    r->number = w->e.nhistory;
    r->n = p->n;
    memcpy(r->changes, p->changes, sizeof r->changes);
    r->kept = kept;
    r->verdict.kind = kept ? VERDICT_IMPROVED : VERDICT_INCONCLUSIVE;
    if (kept) {
        for (int i = 0; i < p->n; i++)
            arm_set(&w->arm, p->changes[i].name, true, p->changes[i].value);
        w->e.best_arm = &w->arm;
        w->e.best = &w->best;
    }
    return r;
}

static void test_widen_what_paid(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    spilling(&w->best); /* still */
    struct proposal p = round1(w);
    round_of(w, &p, true);
    p = next_round(w);
    assert_string_equal(value_of(&p, "work_mem"), "128MB");
    world_free(w);
}

static void test_stop_when_the_cause_is_gone(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    p = next_round(w);
    assert_true(p.nothing_left);
    world_free(w);
}

static void test_next_suspect_under_the_best(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    w->best.hit_ratio = 0.9;
    w->best.blks_read = 300000;
    p = next_round(w);
    assert_int_equal(p.n, 1);
    assert_string_equal(value_of(&p, "shared_buffers"), "384MB");
    world_free(w);
}

static void test_split_a_set_that_did_not_pay(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    misses(w);
    discarding(w);
    struct proposal first = round1(w);
    assert_int_equal(first.n, 3);
    round_of(w, &first, false);
    char seen[3][64];
    for (int i = 0; i < 3; i++) {
        struct proposal p = next_round(w);
        assert_int_equal(p.n, 1);
        snprintf(seen[i], sizeof seen[i], "%s", p.changes[0].name);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
        round_of(w, &p, false);
    }
    struct proposal last = next_round(w);
    assert_true(last.nothing_left);
    assert_non_null(strstr(last.summary, "without gain"));
    world_free(w);
}

static void test_rejected_is_not_asked_again(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    snprintf(w->rejected[0].name, sizeof w->rejected[0].name, "work_mem");
    snprintf(w->rejected[0].value, sizeof w->rejected[0].value,
             "65536kB"); /* 64MB in other words */
    w->e.nrejected = 1;
    struct proposal p = round1(w);
    assert_null(find(&p, "work_mem"));
    world_free(w);
}

static void test_analyze_says_what_moved(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct conclusion c;
    spilling(&w->base);
    w->best.cpu_idle = 0.02;
    struct proposal p = round1(w);
    struct round_history *r = round_of(w, &p, true);
    r->window = w->best;
    r->verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                  .ratio = 1.172,
                                  .ci_lo = 1.11,
                                  .ci_hi = 1.24,
                                  .floor = 0.02,
                                  .runs_a = 3,
                                  .runs_b = 3,
                                  .tps_a = 400,
                                  .tps_b = 469};
    builtin_analyze(&w->e, &r->verdict, &c);
    assert_non_null(strstr(c.text, "+17.2 %"));
    assert_non_null(strstr(c.text, "+11.0 % to +24.0 %"));
    assert_non_null(strstr(c.text, "temporary files 100 MB/s to 0 B/s"));
    assert_non_null(strstr(c.bottleneck, "CPU-bound: 98 %"));
    assert_true(c.stop);
    world_free(w);
}

/* ---- before the first benchmark ---- */

static bool offers(const struct first_sight *s, const char *name)
{
    for (int i = 0; i < s->nstrategies; i++)
        if (strcmp(s->strategies[i].name, name) == 0)
            return true;
    return false;
}

static void test_first_sight_quiet(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct first_sight s;
    w->e.base = NULL;
    w->e.plan = NULL;
    set(w, "random_page_cost", "1.1");
    w->f.host.mem_total = 2 * GB;
    builtin_first_sight(&w->e, &s);
    assert_string_equal(s.strategies[0].name, "Balanced");
    assert_int_equal(s.nstrategies, 1);
    assert_non_null(strstr(s.strategies[0].why, "No pressure"));
    world_free(w);
}

static void test_first_sight_by_pressure(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct first_sight memory, writing;
    w->e.base = NULL;
    w->f.runtime.temp_files = 4000;
    w->f.runtime.temp_bytes = 80 * GB;
    builtin_first_sight(&w->e, &memory);
    assert_string_equal(memory.strategies[0].name, "MemoryTuning");
    assert_non_null(strstr(memory.findings[0].figure, "4 000 temporary files"));
    assert_true(offers(&memory, "Balanced"));
    w->f.runtime.temp_files = w->f.runtime.temp_bytes = 0;
    w->f.runtime.ckpt_req = 90;
    builtin_first_sight(&w->e, &writing);
    assert_string_equal(writing.strategies[0].name, "WriteOptimize");
    assert_non_null(strstr(writing.findings[0].figure, "90 of 190"));
    assert_string_not_equal(memory.headline, writing.headline);
    world_free(w);
}

static void test_strategy_fills_what_is_open(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sdl a = {0};
    struct sdl b = {.clients = 10, .duration_s = 60, .rounds = 2};
    builtin_strategy(&w->e, "../Memory Tuning", &a);
    assert_string_equal(a.strategy, "MemoryTuning");
    assert_int_equal(a.clients, 4);
    assert_int_equal(a.threads, 2);
    assert_int_equal(a.duration_s, 10);
    assert_int_equal(a.warmup_s, 5);
    assert_int_equal(a.min_runs, 3);
    assert_int_equal(a.max_runs, 6);
    assert_int_equal(a.rounds, 8);
    assert_int_equal(a.budget_s, 720);
    assert_string_equal(a.protocol, "simple");
    assert_true(a.hypothesis[0] != '\0');
    builtin_strategy(&w->e, "Balanced", &b);
    assert_int_equal(b.clients, 10);
    assert_int_equal(b.duration_s, 60);
    assert_int_equal(b.rounds, 2);
    world_free(w);
}

static void test_next_strategies(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct next_strategies n;
    misses(w);
    w->e.restart_allowed = false;
    plan(w, 50)->worst_misestimate = 400;
    builtin_next_strategies(&w->e, &n);
    bool restart = false, statistics = false;
    for (int i = 0; i < n.n; i++) {
        restart |= strcmp(n.offers[i].name, "WithRestart") == 0;
        statistics |= strcmp(n.offers[i].name, "Statistics") == 0;
        assert_string_not_equal(n.offers[i].name, w->plan.strategy);
    }
    assert_true(restart && statistics);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widen_what_paid),
        cmocka_unit_test(test_stop_when_the_cause_is_gone),
        cmocka_unit_test(test_next_suspect_under_the_best),
        cmocka_unit_test(test_split_a_set_that_did_not_pay),
        cmocka_unit_test(test_rejected_is_not_asked_again),
        cmocka_unit_test(test_analyze_says_what_moved),
        cmocka_unit_test(test_first_sight_quiet),
        cmocka_unit_test(test_first_sight_by_pressure),
        cmocka_unit_test(test_strategy_fills_what_is_open),
        cmocka_unit_test(test_next_strategies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
