/* The built-in advisor around the rules: what rounds teach, conclusions, First Sight and
 * strategies. */
#include "builtin_world.h"

#include "pgd/agent/advisor.h"

/* ---- what the rounds teach ---- */

/* A round in which of several alternatives the first gained in the screening and became the candidate; all of them were
 * without gain when none gained. */
static struct round_history *round_of(struct world *w, const struct proposal *p, bool kept)
{
    struct round_history *r = &w->history[w->e.nhistory++];
    r->number = w->e.nhistory;
    r->n = p->n;
    memcpy(r->changes, p->changes, sizeof r->changes);
    r->kept = kept;
    r->nsets = p->nsets;
    for (int i = 0; i < p->nsets; i++)
        r->sets[i] = (struct race_result){
            kept && i == 0 ? 1.2 : 1, 0.99, 1.01, 2, false, kept && i == 0};
    r->verdict.kind = kept ? VERDICT_IMPROVED : VERDICT_INCONCLUSIVE;
    r->verdict.ratio = kept ? 1.2 : p->nsets ? NAN : 1;
    for (int i = 0; i < p->n; i++) {
        bool in = p->nsets == 0 || (p->changes[i].sets & 1);
        if (p->nsets == 0 || (kept && in))
            r->measured |= 1u << i;
        if (kept && in)
            arm_set(&w->arm, p->changes[i].name, true, p->changes[i].value);
    }
    if (kept) {
        w->e.best_arm = &w->arm;
        w->e.best = &w->best;
    }
    return r;
}

/* Does any alternative hold this value? */
static bool offers_value(const struct proposal *p, const char *name, const char *value)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->changes[i].name, name) == 0 && strcmp(p->changes[i].value, value) == 0)
            return true;
    return false;
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

static void test_no_further_cause(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    p = next_round(w);
    assert_int_equal(supported(&p), 0);
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
    assert_string_equal(value_of(&p, "shared_buffers"), "384MB");
    world_free(w);
}

/* All of a set was without gain: each of its lines comes again, by itself, once. */
static void test_split_a_set_that_did_not_pay(void **state)
{
    (void)state;
    struct world *w = world_new();
    static const char *const names[] = {"work_mem", "shared_buffers", "random_page_cost"};
    bool seen[3] = {false};
    spilling(&w->base);
    misses(w);
    discarding(w);
    struct proposal p = round1(w);
    assert_int_equal(supported(&p), 3);
    round_of(w, &p, false);
    while (!(p = next_round(w)).nothing_left) {
        assert_true(w->e.nhistory < 5);
        for (int i = 0; i < 3; i++) {
            const struct setting_change *c = find(&p, names[i]);
            if (!c)
                continue;
            assert_false(seen[i]);
            seen[i] = true;
            for (int j = 0; j < p.n; j++) /* nothing else in its alternative */
                assert_true(&p.changes[j] == c || !(p.changes[j].sets & c->sets));
        }
        round_of(w, &p, false);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_non_null(strstr(p.summary, "Nothing is left"));
    world_free(w);
}

/* A start whose values are not PostgreSQL's: they stand against its defaults and against pgtune's values, and what the
 * figures speak for is in all of them. */
static void test_whole_configurations_first(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    plan(w, 200)->sorts = 1;
    set(w, "work_mem", "1024");
    set(w, "cpu_operator_cost", "0.004");
    w->base.blks_read = 1500; /* some, not enough for a rule */
    struct proposal p = round1(w);
    assert_int_equal(p.nsets, 3);
    assert_int_equal(find(&p, "work_mem")->sets, 7);
    int defaults = 0, thumb = 0;
    for (int i = 0; i < p.n; i++) {
        const struct setting_change *c = &p.changes[i];
        defaults += strcmp(c->name, "cpu_operator_cost") == 0 && c->sets == 6;
        thumb += strcmp(c->name, "shared_buffers") == 0 && strcmp(c->value, "4GB") == 0 &&
                 c->sets == 4;
    }
    assert_int_equal(defaults, 1);
    assert_int_equal(thumb, 1);
    assert_non_null(strstr(p.summary, "pgtune"));
    w->e.restart_allowed = false;
    p = round1(w);
    for (int i = 0; i < p.n; i++)
        assert_string_not_equal(p.changes[i].name, "shared_buffers");
    world_free(w);
}

/* Costs: what the figures speak for and PostgreSQL's default are measured against each other. */
static void test_both_ways_of_a_cost(void **state)
{
    (void)state;
    struct world *w = world_new();
    discarding(w);
    set(w, "random_page_cost", "40");
    struct proposal p = round1(w);
    assert_true(p.nsets >= 2);
    unsigned low = 0, otherwise = 0;
    for (int i = 0; i < p.n; i++) {
        if (strcmp(p.changes[i].name, "random_page_cost") != 0)
            continue;
        if (strcmp(p.changes[i].value, "1.1") == 0)
            low = p.changes[i].sets;
        if (strcmp(p.changes[i].value, "4") == 0)
            otherwise = p.changes[i].sets;
    }
    assert_true(low && otherwise && !(low & otherwise));
    world_free(w);
}

static void test_single_steps_later(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    plan(w, 200)->sorts = 1;
    w->plans[0].hashes = 1;
    w->plans[0].seq_scan_rows = 50000;
    struct proposal p = round1(w);
    round_of(w, &p, true); /* work_mem = 64MB */
    p = next_round(w);
    assert_true(p.nsets > 1 && p.nsets <= 5);
    for (int i = 0; i < p.nsets; i++) {
        int lines = 0;
        for (int j = 0; j < p.n; j++)
            lines += (int)(p.changes[j].sets >> i & 1);
        assert_int_equal(lines, 1);
    }
    assert_true(offers_value(&p, "work_mem", "128MB"));       /* what paid, further */
    assert_false(offers_value(&p, "wal_compression", "lz4")); /* nothing is written */
    round_of(w, &p, false);
    struct proposal again = next_round(w);
    for (int i = 0; i < again.n; i++)
        assert_false(offers_value(&p, again.changes[i].name, again.changes[i].value));
    world_free(w);
}

/* Two rungs further first, then the one between. */
static void test_ladder(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *q = plan(w, 200);
    q->sorts = 1;
    spilling(&w->base);
    spilling(&w->best);
    w->f.host.mem_total = 64 * GB;
    set(w, "work_mem", "1024");
    struct proposal p = round1(w);
    round_of(w, &p, true);
    w->arm.n = 0;
    arm_set(&w->arm, "work_mem", true, "4MB");
    w->best.temp_bytes = 100 * MB; /* files of 340 kB: the rule asks for 16 MB */
    struct proposal widen = next_round(w);
    assert_true(offers_value(&widen, "work_mem", "16MB"));
    round_of(w, &widen, false);
    p = next_round(w);
    assert_false(offers_value(&p, "work_mem", "16MB"));
    assert_true(offers_value(&p, "work_mem", "8MB"));
    world_free(w);
}

/* What failed alone is tried again once something that it interacts with has changed, and not before. */
static void test_interaction(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *q = plan(w, 200);
    q->hashes = q->sorts = 1;
    w->f.host.mem_total = 64 * GB;
    q->sort_mem_kb = 100;
    struct proposal p = {0};
    p.n = 1;
    snprintf(p.changes[0].name, sizeof p.changes[0].name, "hash_mem_multiplier");
    snprintf(p.changes[0].value, sizeof p.changes[0].value, "4");
    round_of(w, &p, false);
    assert_false(offers_value((p = next_round(w), &p), "hash_mem_multiplier", "4"));
    p.n = 1;
    p.nsets = 0;
    snprintf(p.changes[0].name, sizeof p.changes[0].name, "work_mem");
    snprintf(p.changes[0].value, sizeof p.changes[0].value, "64MB");
    round_of(w, &p, true);
    bool found = false;
    for (int i = 0; i < 3 && !found; i++) {
        p = next_round(w);
        found = offers_value(&p, "hash_mem_multiplier", "4");
        round_of(w, &p, false);
    }
    assert_true(found);
    world_free(w);
}

/* A workload of point reads has no plan to improve: one look at whole configurations, and that is it. */
static void test_no_headroom_ends_soon(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct conclusion c;
    plan(w, 0.05)->index_scans = 1;
    w->base.cpu_idle = 0.02;
    struct proposal p = round1(w);
    round_of(w, &p, false);
    p = next_round(w);
    assert_true(p.nothing_left);
    builtin_analyze(&w->e, &w->history[0].verdict, &c);
    assert_non_null(strstr(c.bottleneck, "CPU-bound"));
    world_free(w);
}

/* Screened out beside another that won: not asked again; what was never measured stays open. */
static void test_results_of_the_screening(void **state)
{
    (void)state;
    struct world *w = world_new();
    plan(w, 200)->sorts = 1;
    w->plans[0].hashes = 1;
    w->plans[0].seq_scan_rows = 50000;
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    p = next_round(w);
    assert_true(p.nsets >= 3);
    struct round_history *r = round_of(w, &p, false);
    r->sets[2].ratio = NAN; /* there was no time for the third */
    r->sets[2].runs = 0;
    struct proposal next = next_round(w);
    for (int i = 0; i < p.n; i++)
        if (!(p.changes[i].sets & 4))
            assert_false(offers_value(&next, p.changes[i].name, p.changes[i].value));
        else
            assert_true(offers_value(&next, p.changes[i].name, p.changes[i].value));
    world_free(w);
}

static void test_earlier_sessions(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct remembered all[8];
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    int n = builtin_remember(&w->e, all, 8);
    assert_int_equal(n, 1);
    assert_string_equal(all[0].name, "work_mem");
    assert_string_equal(all[0].rule, "spills");
    assert_true(all[0].earned);
    world_free(w);
    w = world_new(); /* the figures say nothing, but it has earned then */
    w->e.nremembered = n;
    w->e.remembered = all;
    p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "64MB");
    assert_non_null(strstr(find(&p, "work_mem")->evidence, "20.0 %"));
    struct conclusion c;
    struct round_history *r = round_of(w, &p, true);
    builtin_analyze(&w->e, &r->verdict, &c);
    assert_non_null(strstr(c.text, "Last time work_mem = 64MB earned +20.0 %."));
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

/* Of a session that ended before its baseline: no figure is told that nobody has. */
static void test_nothing_was_measured(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct next_strategies n;
    w->e.base = w->e.best = w->e.now = NULL;
    builtin_next_strategies(&w->e, &n);
    assert_non_null(strstr(n.text, "Nothing was measured"));
    assert_null(strstr(n.text, "nan"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widen_what_paid),
        cmocka_unit_test(test_no_further_cause),
        cmocka_unit_test(test_whole_configurations_first),
        cmocka_unit_test(test_both_ways_of_a_cost),
        cmocka_unit_test(test_single_steps_later),
        cmocka_unit_test(test_ladder),
        cmocka_unit_test(test_interaction),
        cmocka_unit_test(test_no_headroom_ends_soon),
        cmocka_unit_test(test_results_of_the_screening),
        cmocka_unit_test(test_earlier_sessions),
        cmocka_unit_test(test_next_suspect_under_the_best),
        cmocka_unit_test(test_split_a_set_that_did_not_pay),
        cmocka_unit_test(test_rejected_is_not_asked_again),
        cmocka_unit_test(test_analyze_says_what_moved),
        cmocka_unit_test(test_first_sight_quiet),
        cmocka_unit_test(test_first_sight_by_pressure),
        cmocka_unit_test(test_strategy_fills_what_is_open),
        cmocka_unit_test(test_next_strategies),
        cmocka_unit_test(test_nothing_was_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
