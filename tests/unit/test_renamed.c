/* The advisor knows a workload by what it does. Whatever its scripts, tables, database and statements are
 * called, the same evidence gives the same proposals, round after round. */
#include "builtin_world.h"

#include "pgd/agent/sense.h"
#include "pgd/base/text.h"

enum { ROUNDS = 5 };

/* One name of everything, once as the workloads of tests/workloads call it, once as nobody does. */
struct names {
    const char *folder, *script, *table, *query, *database, *workload;
};

static const struct names ours[] = {
    {"/src/tests/workloads/reports", "repeats.sql", "sales", "SELECT note FROM sales", "work",
     "scripts"},
    {"/src/tests/workloads/intake", "report.sql", "devices", "UPDATE devices SET value = 1", "work",
     "scripts"},
    {"/src/tests/workloads/orders", "account.sql", "lines", "SELECT name FROM lines", "work",
     "scripts"},
    {"/src/tests/workloads/dashboard", "calls.sql", "calls", "SELECT day FROM calls", "work",
     "scripts"},
    {"/src/tests/workloads/nightly", "loyal.sql", "visits", "SELECT agent FROM visits", "work",
     "scripts"},
    {"/src/tests/workloads/lookup", "word.sql", "words", "SELECT word FROM words", "work",
     "scripts"},
};
static const struct names nobodys = {"/q/x/zz9", "qj7.txt",    "xq_19", "SELECT aa FROM xq_19",
                                     "vbn",      "other thing"};

static void call(struct world *w, const struct names *n)
{
    w->plan.nscripts = 1;
    SAY(w->plan.scripts[0].path, "%s/%s", n->folder, n->script);
    SAY(w->plan.scripts[0].name, "%s", n->script);
    w->plan.scripts[0].weight = 1;
    SAY(w->plan.workload, "%s", n->workload);
    SAY(w->plan.database, "%s", n->database);
    SAY(w->f.id.database, "%s", n->database);
    SAY(w->f.databases[0].name, "%s", n->database);
    for (int i = 0; i < 4; i++) {
        SAY(w->plans[i].script, "%s", n->script);
        SAY(w->plans[i].query, "%s", n->query);
        SAY(w->plans[i].seq_scan_rel, "%s", n->table);
    }
}

/* Causes of several kinds at a time, chosen by the bits of *mix*. */
static struct world *mixed(unsigned mix)
{
    struct world *w = world_new();
    struct plan_facts *p = plan(w, 40);
    if (mix & 1) {
        spilling(&w->base);
        p->sort_disk_kb = 30000;
    }
    if (mix & 2) {
        p->seq_scan_rows = 200;
        p->seq_scan_rows_removed = 99800;
        p->shared_hit = 2000;
    }
    if (mix & 4) {
        w->base.ckpt_req = 4;
        w->base.wal_bytes = 3000 * MB;
    }
    if (mix & 8) {
        struct plan_facts *q = plan(w, 30);
        q->jit = true;
        q->jit_ms = 20;
    }
    if (mix & 16) {
        p->workers_planned = p->workers_launched = 2;
        w->base.cpu_idle = 0.02;
    }
    if (mix & 32)
        misses(w);
    w->best = w->base;
    return w;
}

static void same(const struct proposal *a, const struct proposal *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->repair, b->repair);
    assert_int_equal(a->nothing_left, b->nothing_left);
    for (int i = 0; i < a->n; i++) {
        assert_string_equal(a->changes[i].name, b->changes[i].name);
        assert_string_equal(a->changes[i].value, b->changes[i].value);
        assert_int_equal(a->changes[i].sets, b->changes[i].sets);
        assert_memory_equal(&a->changes[i].expect_lo, &b->changes[i].expect_lo, sizeof(double));
        assert_memory_equal(&a->changes[i].expect_hi, &b->changes[i].expect_hi, sizeof(double));
    }
}

/* As the program would note it: every second round is kept. */
static void finish(struct world *w, const struct proposal *p, int round)
{
    struct round_history *r = &w->history[w->e.nhistory++];
    bool kept = round % 2 == 1;
    r->number = round;
    r->n = p->n;
    memcpy(r->changes, p->changes, sizeof r->changes);
    r->measured = UINT32_MAX;
    r->kept = kept;
    r->verdict.kind = kept ? VERDICT_IMPROVED : VERDICT_INCONCLUSIVE;
    r->verdict.ratio = kept ? 1.2 : 1.0;
    r->window = w->base;
    for (int i = 0; kept && i < p->n; i++)
        arm_set(&w->arm, p->changes[i].name, true, p->changes[i].value);
    w->e.best_arm = w->arm.n > 0 ? &w->arm : NULL;
    w->e.best = &w->best;
}

static void test_names_change_nothing(void **state)
{
    (void)state;
    int proposed = 0;
    for (unsigned mix = 0; mix < 64; mix++) {
        struct world *a = mixed(mix);
        struct world *b = mixed(mix);
        call(a, &ours[(mix + mix / 6) % ARRAY_LEN(ours)]); /* each with odd and even causes */
        call(b, &nobodys);
        for (int round = 1; round <= ROUNDS; round++) {
            struct proposal p, q;
            if (round == 1) {
                builtin_round1(&a->e, &p);
                builtin_round1(&b->e, &q);
            } else {
                builtin_next_round(&a->e, &p);
                builtin_next_round(&b->e, &q);
            }
            same(&p, &q);
            proposed += p.n;
            finish(a, &p, round);
            finish(b, &q, round);
        }
        world_free(a);
        world_free(b);
    }
    assert_true(proposed > 64); /* else nothing was compared */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
