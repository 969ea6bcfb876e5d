/* Whole sessions of the built-in advisor against servers that are formulas: how near it comes to the best that there is, in how
 * many rounds, and that it ends where there is nothing. Screening and rounds are played as the program makes them, without
 * noise: a gain of 1 % is seen, what gained is joined unless it names a setting twice. */
#include "builtin_world.h"

enum { ROUNDS_MAX = 4 };

/* The configuration in force: the server's settings, then what the session has set. */
struct server {
    struct world *w;
    double (*speed)(const struct server *s); /* transactions a second, over those of the start */
    void (*observe)(struct world *w, const struct server *s);
    struct arm arm;
};

static double has(const struct server *s, const char *name)
{
    struct arm a = s->arm;
    const struct entry *e = arm_find(&a, name);
    const struct setting *one = settings_find(&s->w->f.settings, name);
    double number = NAN;
    char shown[SETTING_VALUE_MAX];
    if (!one)
        return NAN;
    if (e && e->present && guard_value(one, e->value, &number, shown, sizeof shown, NULL) &&
        isfinite(number))
        return number;
    return settings_number(&s->w->f.settings, name);
}

static bool is(const struct server *s, const char *name, const char *value)
{
    struct arm a = s->arm;
    const struct entry *e = arm_find(&a, name);
    const struct setting *one = settings_find(&s->w->f.settings, name);
    return strcmp(e && e->present ? e->value : one ? one->shown : "", value) == 0;
}

/* ---- the servers ---- */

/* Sorts that spill: the best is work_mem of 64 MB, with a larger cache. */
static double spill_speed(const struct server *s)
{
    double work = has(s, "work_mem"), x = work < 8 * MB ? 1 : work < 60 * MB ? 1.4 : 2.2;
    return x * (has(s, "shared_buffers") >= 300 * MB ? 1.1 : 1) * (work > 512 * MB ? 0.9 : 1);
}

static void spill_seen(struct world *w, const struct server *s)
{
    struct plan_facts *p = &w->plans[0];
    bool fits = has(s, "work_mem") >= 60 * MB;
    p->sorts = 1;
    p->sort_disk_kb = fits ? 0 : 10000;
    p->sort_mem_kb = fits ? 30000 : 0;
    w->best.temp_files = fits ? 0 : 300;
    w->best.temp_bytes = fits ? 0 : 3000 * MB;
    w->best.hit_ratio = 0.95;
    w->best.blks_read = 150000;
}

/* Costs that keep indexes away; two of them must be mended together. */
static double cost_speed(const struct server *s)
{
    double pages = has(s, "random_page_cost") / has(s, "seq_page_cost");
    bool entries = has(s, "cpu_index_tuple_cost") <= 0.01;
    if (pages > 8)
        return 1;
    return entries ? pages > 2 ? 3 : 3.3 : 1.1;
}

static void cost_seen(struct world *w, const struct server *s)
{
    struct plan_facts *p = &w->plans[0];
    bool scans = cost_speed(s) < 2;
    w->best.cpu_idle = 0.02;
    p->seq_scans = scans;
    p->index_scans = !scans;
    p->seq_scan_rows = scans ? 200 : 0;
    p->seq_scan_rows_removed = scans ? 99800 : 0;
    p->index_rows = scans ? 0 : 200;
    p->shared_hit = 2000;
    p->exec_ms = scans ? 40 : 12;
    snprintf(p->seq_scan_rel, sizeof p->seq_scan_rel, "t");
}

/* Idle CPUs: workers want a pool of workers. */
static double worker_speed(const struct server *s)
{
    double each = fmin(has(s, "max_parallel_workers_per_gather"), has(s, "max_parallel_workers"));
    return each >= 2 ? 1.55 : each >= 1 ? 1.6 : 1;
}

static void worker_seen(struct world *w, const struct server *s)
{
    struct plan_facts *p = &w->plans[0];
    double each = fmin(has(s, "max_parallel_workers_per_gather"), has(s, "max_parallel_workers"));
    w->best.active_avg = 1;
    w->best.cpu_idle = each >= 1 ? 0.05 : 0.49;
    p->exec_ms = 300 / worker_speed(s);
    p->seq_scan_rows = 2e6;
    p->workers_planned = p->workers_launched = each;
}

/* Checkpoints all the time, and next to no WAL buffers. */
static double write_speed(const struct server *s)
{
    double wal = has(s, "max_wal_size"), x = wal < 200 * MB ? 1 : wal < GB ? 1.4 : 1.8;
    return x * (has(s, "wal_buffers") < 0 || has(s, "wal_buffers") >= 2 * MB ? 1.15 : 1) *
           (is(s, "wal_compression", "off") ? 1 : 0.9) *
           (has(s, "checkpoint_timeout") >= 200e3 ? 1.05 : 1);
}

static void write_seen(struct world *w, const struct server *s)
{
    bool storm = has(s, "max_wal_size") < GB;
    w->e.nplans = 0;
    w->best.tup_written = 50000;
    w->best.wal_bytes = 30 * 6 * MB;
    w->best.wal_fpi = storm ? 15000 : 4000;
    w->best.ckpt_req = storm ? 5 : 0;
    w->best.cpu_idle = 0.05;
}

/* Rules of thumb lose, and experience alone finds what there is to gain. */
static double thumb_speed(const struct server *s)
{
    double x = has(s, "random_page_cost") < 2 ? 0.6 : 1;
    x *= has(s, "effective_io_concurrency") > 100 ? 0.9 : 1;
    return x * (has(s, "hash_mem_multiplier") >= 4 ? 1.25 : 1);
}

static void thumb_seen(struct world *w, const struct server *s)
{
    struct plan_facts *p = &w->plans[0];
    (void)s;
    p->hashes = 2;
    p->hash_mem_kb = 3000;
    p->seq_scan_rows = 50000;
    w->best.cpu_idle = 0.02;
}

/* One cause hides another: prices that keep all indexes away, and behind them workers that cost more than they give. Eight
 * changes share the first gain, and no step further along any of them gains anything. */
static double behind_speed(const struct server *s)
{
    double pages = has(s, "random_page_cost") / has(s, "seq_page_cost");
    double x = pages > 8 ? 1 : 20;
    return x * (pages <= 8 && has(s, "max_parallel_workers_per_gather") < 1 ? 1.25 : 1);
}

static void behind_seen(struct world *w, const struct server *s)
{
    cost_seen(w, s);
    w->best.cpu_idle = 0.25; /* not short of CPUs by this figure */
    w->plans[0].sorts = w->plans[0].hashes = 1;
    w->plans[0].exec_ms = behind_speed(s) > 2 ? 30 : 600;
    w->plans[0].workers_planned = w->plans[0].workers_launched = 1;
    w->plans[0].seq_scan_rows = 60000;
    w->plans[0].index_rows = 60000;
}

static double same_speed(const struct server *s)
{
    (void)s;
    return 1;
}

static void point_seen(struct world *w, const struct server *s)
{
    (void)s;
    w->plans[0].exec_ms = 0.05;
    w->plans[0].index_scans = 1;
    w->best.cpu_idle = 0.02;
}

/* ---- a session ---- */

static void look(struct server *s)
{
    struct world *w = s->w;
    window_quiet(&w->best);
    w->e.nplans = 1;
    w->plans[0].exec_ms = 100;
    w->plans[0].valid = true;
    s->observe(w, s);
    w->e.best = &w->best;
    w->e.best_arm = s->arm.n > 0 ? &s->arm : NULL;
    if (w->e.nhistory == 0)
        w->base = w->best;
}

static void take(struct arm *to, const struct proposal *p, unsigned sets)
{
    for (int i = 0; i < p->n; i++)
        if (p->nsets == 0 || (p->changes[i].sets & sets))
            assert_true(arm_set(to, p->changes[i].name, true, p->changes[i].value));
}

static double with(const struct server *s, const struct proposal *p, unsigned sets)
{
    struct server other = *s;
    take(&other.arm, p, sets);
    return s->speed(&other) / s->speed(s);
}

/* Two values of a setting, or variants of each other: they share a line. */
static bool clash(const struct proposal *p, unsigned a, unsigned b)
{
    for (int i = 0; i < p->n; i++)
        for (int j = 0; j < p->n; j++)
            if ((p->changes[i].sets & a) && (p->changes[j].sets & b) &&
                strcmp(p->changes[i].name, p->changes[j].name) == 0)
                return true;
    return false;
}

/* The winner joined with what else gained. */
static unsigned screen(const struct server *s, const struct proposal *p, struct round_history *r)
{
    unsigned sets = 0, left = (1u << p->nsets) - 1;
    for (int i = 0; i < p->nsets; i++) {
        double x = with(s, p, 1u << i);
        r->sets[i] = (struct race_result){x, x - 0.005, x + 0.005, 3, x < 0.98, x >= 1.01};
    }
    while (left) {
        int best = -1;
        for (int i = 0; i < p->nsets; i++)
            if ((left >> i & 1) && (best < 0 || r->sets[i].ratio > r->sets[best].ratio))
                best = i;
        left &= ~(1u << best);
        if (r->sets[best].gained && !clash(p, sets, 1u << best))
            sets |= 1u << best;
    }
    return sets;
}

/* One round; false when nothing was proposed. */
static bool play(struct server *s)
{
    struct world *w = s->w;
    struct proposal p;
    look(s);
    builtin_next_round(&w->e, &p);
    check_proposal(w, &p);
    if (p.nothing_left)
        return false;
    struct round_history *r = &w->history[w->e.nhistory];
    r->number = w->e.nhistory + 1;
    r->n = p.n;
    memcpy(r->changes, p.changes, sizeof r->changes);
    r->nsets = p.nsets;
    unsigned sets = p.nsets ? screen(s, &p, r) : 1;
    double x = sets ? with(s, &p, sets) : NAN;
    for (int i = 0; i < p.n; i++)
        if (p.nsets == 0 || (p.changes[i].sets & sets))
            r->measured |= 1u << i;
    r->kept = x > 1.02;
    r->verdict = (struct verdict){.kind = r->kept ? VERDICT_IMPROVED : VERDICT_INCONCLUSIVE,
                                  .ratio = x,
                                  .ci_lo = x - 0.01,
                                  .ci_hi = x + 0.01};
    if (r->kept)
        take(&s->arm, &p, sets);
    w->e.nhistory++;
    return true;
}

static int session(struct server *s)
{
    int rounds = 0;
    while (rounds < ROUNDS_MAX && play(s))
        rounds++;
    return rounds;
}

static void reaches(struct server *s, double best)
{
    session(s);
    double x = s->speed(s);
    if (x < 0.95 * best)
        fail_msg("%.3f of the best %.3f", x / best, best);
    world_free(s->w);
}

static void test_spilling_sorts(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = spill_speed, .observe = spill_seen};
    set(s.w, "work_mem", "1024");
    reaches(&s, 2.2 * 1.1);
}

static void test_costs_that_need_each_other(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = cost_speed, .observe = cost_seen};
    set(s.w, "random_page_cost", "40");
    set(s.w, "seq_page_cost", "0.4");
    set(s.w, "cpu_index_tuple_cost", "0.05");
    reaches(&s, 3.3);
}

static void test_workers_and_their_pool(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = worker_speed, .observe = worker_seen};
    s.w->plan.clients = 1;
    set(s.w, "max_parallel_workers_per_gather", "0");
    set(s.w, "max_parallel_workers", "0");
    reaches(&s, 1.6);
}

static void test_checkpoint_storm(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = write_speed, .observe = write_seen};
    set(s.w, "max_wal_size", "32");
    set(s.w, "checkpoint_timeout", "30");
    set(s.w, "wal_buffers", "8");
    reaches(&s, 1.8 * 1.15 * 1.05);
}

static void test_rules_of_thumb_that_lose(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = thumb_speed, .observe = thumb_seen};
    reaches(&s, 1.25);
}

static void test_one_cause_behind_another(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = behind_speed, .observe = behind_seen};
    set(s.w, "random_page_cost", "40");
    set(s.w, "seq_page_cost", "0.2");
    set(s.w, "cpu_tuple_cost", "0.002");
    set(s.w, "cpu_index_tuple_cost", "0.05");
    set(s.w, "effective_cache_size", "1024");
    set(s.w, "work_mem", "4096");
    reaches(&s, 25);
}

/* Nothing gains: the session ends by itself, and soon where no plan could be better. */
static void test_nothing_to_gain(void **state)
{
    (void)state;
    struct server s = {.w = world_new(), .speed = same_speed, .observe = point_seen};
    assert_true(session(&s) <= 2);
    assert_int_equal(s.arm.n, 0);
    world_free(s.w);
    s = (struct server){.w = world_new(), .speed = same_speed, .observe = thumb_seen};
    assert_true(session(&s) <= 3);
    assert_int_equal(s.arm.n, 0);
    world_free(s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spilling_sorts),
        cmocka_unit_test(test_costs_that_need_each_other),
        cmocka_unit_test(test_workers_and_their_pool),
        cmocka_unit_test(test_checkpoint_storm),
        cmocka_unit_test(test_rules_of_thumb_that_lose),
        cmocka_unit_test(test_one_cause_behind_another),
        cmocka_unit_test(test_nothing_to_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
