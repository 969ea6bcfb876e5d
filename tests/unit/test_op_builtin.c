/* The builtin answers of the operations outside the loop: each has a figure of the evidence, differs for two servers that differ,
 * and passes the check that a model's answer has to pass. */
#include "builtin_world.h"

#include "pgd/agent/op_parts.h"

static struct op_answer one, two;
static struct err err;

/* The figures of an answer are the evidence's, and so is what the check says. */
static void check_prose(enum op op, const struct op_input *in, struct op_answer *a)
{
    struct fact_index facts;
    char missing[64] = "";
    op_builtin(op, in, a);
    assert_string_equal(a->advisor.text, "builtin");
    assert_true(strlen(a->u.prose.text) > 60);
    assert_null(strstr(a->u.prose.text, "nan"));
    assert_true(a->u.prose.nfigures > 0);
    fact_index_init(&facts, in);
    bool digits = false;
    for (int i = 0; i < a->u.prose.nfigures; i++) {
        const struct figure *f = &a->u.prose.figures[i];
        assert_null(strstr(f->value, "nan"));
        digits = digits || strpbrk(f->value, "0123456789");
        if (!fact_holds(&facts, f->value, missing, sizeof missing))
            fail_msg("%s %s: %s is not in the evidence", op_row(op)->name, f->value, missing);
    }
    assert_true(digits);
    fact_index_clear(&facts);
    assert_true(op_row(op)->check(in, a, &err));
    assert_string_equal(a->dropped, "");
}

static struct world *spilling_world(void)
{
    struct world *w = world_new();
    struct plan_facts *p = plan(w, 40);
    set(w, "work_mem", "1024");
    spilling(&w->base);
    wait_is(&w->base, "IO:BufFileWrite", 0.6);
    p->sort_disk_kb = 9000;
    p->sorts = 1;
    snprintf(p->query, sizeof p->query, "SELECT * FROM orders ORDER BY day");
    return w;
}

static struct world *committing_world(void)
{
    struct world *w = world_new();
    w->f.host.cpus = 8;
    w->f.host.mem_total = 64 * GB;
    w->f.databases[0].bytes = 5 * GB;
    wait_is(&w->base, "IO:WALSync", 0.7);
    w->base.wal_bytes = 3000 * MB;
    w->e.baseline_tps = 1234;
    w->e.best_tps = 1500;
    w->e.nhistory = 1;
    struct round_history *r = &w->history[0];
    r->number = 1;
    r->n = 1;
    snprintf(r->changes[0].name, sizeof r->changes[0].name, "wal_buffers");
    snprintf(r->changes[0].value, sizeof r->changes[0].value, "64MB");
    r->changes[0].expect_lo = 1;
    r->changes[0].expect_hi = 9;
    r->measured = 1;
    r->kept = true;
    r->verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                  .ratio = 1.2155,
                                  .ci_lo = 1.11,
                                  .ci_hi = 1.33,
                                  .floor = 0.02,
                                  .runs_a = 4,
                                  .runs_b = 4,
                                  .tps_a = 1234,
                                  .tps_b = 1500,
                                  .p95_a = NAN,
                                  .p95_b = NAN,
                                  .detectable = NAN};
    return w;
}

static void differ(enum op op, struct op_input in)
{
    struct world *a = spilling_world(), *b = committing_world();
    in.e = &a->e;
    check_prose(op, &in, &one);
    in.e = &b->e;
    check_prose(op, &in, &two);
    assert_string_not_equal(one.u.prose.text, two.u.prose.text);
    world_free(a);
    world_free(b);
}

static void test_all_differ(void **st)
{
    (void)st;
    struct anomaly odd = {.metric = "wal_bytes",
                          .label = "wal",
                          .unit = "MB/s",
                          .from_us = 1000000,
                          .until_us = 31000000,
                          .usual = 3.1,
                          .seen = 41,
                          .score = 12.5,
                          .beside = "waits WALSync 2 -> 61 %"};
    differ(OP_RESTORE, (struct op_input){.paused_in = "paused in round 2"});
    differ(OP_QUESTION, (struct op_input){.question = "why is it slow?"});
    differ(OP_PARAMETER, (struct op_input){.question = "work_mem"});
    differ(OP_ANOMALY, (struct op_input){.anomaly = &odd});
    differ(OP_COMPARE, (struct op_input){.question = "A B"});
    differ(OP_HARDWARE, (struct op_input){.question = NULL});
}

static void test_questions(void **st)
{
    (void)st;
    static const struct {
        const char *question, *says;
    } rows[] = {
        {"What is work_mem set to?", "work_mem: "},
        {"how much memory is there", "16 GB"},
        {"are checkpoints a problem?", "requested"},
        {"what does it wait for?", "IO:BufFileWrite"},
        {"is anything locked?", "wait for a lock"},
        {"How fast is it?", "400.0 TPS"},
        {"what should I do next?", "work_mem"},
        {"which query is the worst", "ORDER BY day"},
        {"do I need a bigger machine?", "CPUs"},
        {"how big is the database?", "300 MB"},
        {"what was tried so far?", "No round"},
        {"is vacuum keeping up", "autovacuum"},
        {"max connections?", "of 100 connections"},
        {"how much memory can work_mem use in the worst case?", "In the worst case, all 100"},
        {"which indexes should I add?", "No index is missing"},
        {"why is the cache hit ratio low, and what are the clients waiting for?",
         "answered from shared_buffers"},
        {"why is the cache hit ratio low, and what are the clients waiting for?",
         "IO:BufFileWrite"},
        {"what is wrong with this server", "finding"},
        {"tell me about orders", "orders takes"},
        {"sing a song", "knows no answer"},
        {"", "knows no answer"},
    };
    struct world *w = spilling_world();
    snprintf(w->f.relations[0].schema, sizeof w->f.relations[0].schema, "public");
    snprintf(w->f.relations[0].name, sizeof w->f.relations[0].name, "orders");
    w->f.relations[0].bytes = 123 * MB;
    w->f.relations[0].tuples = 100000;
    w->f.nrelations = 1;
    w->f.runtime.sessions = 7;
    w->f.runtime.dead_tuples = 20;
    w->f.runtime.live_tuples = 1000;
    struct op_input in = {.e = &w->e};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        in.question = rows[i].question;
        check_prose(OP_QUESTION, &in, &one);
        if (!strstr(one.u.prose.text, rows[i].says))
            fail_msg("%s -> %s", rows[i].question, one.u.prose.text);
    }
    world_free(w);
}

/* What a DBA asks of a program that tunes: each question has an answer of its own, with and without a session behind it, and each
 * figure in it is the evidence's. */
static void test_what_is_asked(void **st)
{
    (void)st;
    static const struct {
        const char *question, *before, *after; /* what the answer says at rest, and in a session */
    } rows[] = {
        {"Why is it slow?", "Where the time goes", "Round 1"},
        {"what should I change first?", "work_mem: 64MB instead of", "work_mem"},
        {"what is shared_buffers?", "shared_buffers: ", "shared_buffers: "},
        {"what are shared buffers", "shared_buffers: ", "shared_buffers: "},
        {"is my memory set right?", "work_mem: 64MB instead of", "Nothing that was seen here"},
        {"what did you change?", "has changed nothing", "In force by this session: wal_buffers"},
        {"what have you changed so far?", "has changed nothing", "Round 1"},
        {"how do I undo?", "nothing in force", "takes back what the round kept"},
        {"how can I go back?", "nothing in force", "In force by this session"},
        {"what happens next?", "t begins a session", "Next: "},
        {"what now?", "t begins a session", "Next: "},
        {"is it safe to restart?", "would drop 7 sessions", "without an answer of yours"},
        {"does it need a restart?", "wal_buffers has another value", "marked RESTART"},
        {"which index is missing?", "No index", "No index"},
        {"what blocks?", "wait for a lock", "7 shows who blocks whom"},
        {"who is blocking whom", "wait for a lock", "as a tree"},
        {"how long will it take?", "No session runs", "budget of 30 min"},
        {"how many rounds are there", "No session runs", "at most 5 rounds"},
        {"how do I export?", "ARCHIVED sessions alone", "/export writes"},
        {"can I get an ansible playbook?", "ARCHIVED sessions alone", "1 round so far"},
        {"is this dangerous for production?", "before you accept its line", "ALTER SYSTEM"},
        {"what does inconclusive mean?", "everything else", "noise"},
        {"what is the target?", "No target was set", "The target is 2000 TPS"},
        {"which workload do you run?", "No workload is chosen", "8 clients"},
        {"are you an AI?", "built-in advisor: rules", "/model"},
        {"how do I pause", "/resume goes on", "/resume goes on"},
        {"in which file is that written?", "postgresql.auto.conf", "postgresql.auto.conf"},
        {"is there enough disk space", "disk", "disk"},
        {"is replication lagging?", "standbys are connected", "standbys are connected"},
        {"what keys are there", "The bottom line names the keys", "Ctrl-P"},
        {"how fast is it", "400.0 xact/s", "1234.0 TPS"},
    };
    struct world *w = spilling_world(), *c = committing_world();
    w->e.baseline_tps = w->e.best_tps = NAN;
    w->e.plan = NULL;
    w->f.runtime.sessions = 7;
    struct setting *most = (struct setting *)(uintptr_t)settings_find(&w->f.settings,
                                                                      "wal_buffers");
    most->pending_restart = true;
    static struct arm best = {.label = "best", .n = 1};
    best.entries[0].present = true;
    snprintf(best.entries[0].name, sizeof best.entries[0].name, "wal_buffers");
    snprintf(best.entries[0].value, sizeof best.entries[0].value, "64MB");
    c->e.best_arm = &best;
    c->e.plan = &c->plan;
    c->e.floor = 0.02;
    c->plan.budget_s = 1800;
    c->plan.duration_s = 30;
    c->plan.rounds = 5;
    c->plan.target_tps = 2000;
    c->plan.clients = 8;
    snprintf(c->plan.workload, sizeof c->plan.workload, "oltp");
    static struct first_sight sights[2]; /* as told when the server was opened */
    builtin_first_sight(&w->e, &sights[0]);
    builtin_first_sight(&c->e, &sights[1]);
    struct op_input in = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int session = 0; session < 2; session++) {
            const char *says = session ? rows[i].after : rows[i].before;
            in.e = session ? &c->e : &w->e;
            in.sight = &sights[session];
            in.question = rows[i].question;
            check_prose(OP_QUESTION, &in, &one);
            if (!strstr(one.u.prose.text, says) || strstr(one.u.prose.text, "knows no answer"))
                fail_msg("%s (%d, %s) -> %s", rows[i].question, session, says, one.u.prose.text);
        }
    }
    world_free(w);
    world_free(c);
}

/* An answer tells a gain by the runs that the screens tell it by, and never by the session's baseline beside them. */
static void test_one_figure_for_a_gain(void **st)
{
    (void)st;
    static const struct verdict confirmed = {.kind = VERDICT_IMPROVED,
                                             .ratio = 910 / 367.0,
                                             .ci_lo = 2.3,
                                             .ci_hi = 2.6,
                                             .runs_a = 3,
                                             .runs_b = 3,
                                             .tps_a = 367,
                                             .tps_b = 910};
    struct world *c = committing_world();
    struct verdict *v = &c->history[0].verdict;
    struct op_input in = {.e = &c->e};

    v->tps_a = 386;
    v->tps_b = 929;
    v->ratio = 929 / 386.0;
    c->e.baseline_tps = 400;
    c->e.best_tps = 929;
    for (int i = 0; i < 4; i++) {
        in.question = i & 1 ? "how fast is it" : NULL;
        in.paused_in = i & 1 ? NULL : "paused in round 2";
        c->e.confirmed = i > 1 ? &confirmed : NULL;
        check_prose(i & 1 ? OP_QUESTION : OP_RESTORE, &in, &one);
        const char *text = one.u.prose.text;
        assert_non_null(strstr(text, i > 1
                                         ? "+148.0 % over the start, by fresh runs of both in turn"
                                         : "+140.7 % over the start, by the runs of round 1"));
        assert_non_null(
            strstr(text, i > 1 ? "910.0 TPS against 367.0 TPS" : "929.0 TPS against 386.0"));
        assert_null(strstr(text, "+132.2 %")); /* 929 over 400 */
    }
    world_free(c);
}

/* Yes, no, or what is missing to tell stands first, whichever way it is asked; of a server that has no load nothing is claimed. */
static void test_yes_or_no_comes_first(void **st)
{
    (void)st;
    enum { IDLE, SPILLS, MISSES, RECENT, WORLDS };
    static const struct {
        int world;
        const char *question, *begins;
    } rows[] = {
        {IDLE, "is shared_buffers too small on this server?", "Cannot be told yet: needs a load"},
        {SPILLS, "is shared_buffers too small?", "No: nothing that was measured speaks for"},
        {MISSES, "is shared_buffers too small?", "Yes: shared_buffers = "},
        {MISSES, "are shared buffers large enough?", "No: shared_buffers = "},
        {MISSES, "is the cache too large?", "No: shared_buffers = "},
        {SPILLS, "is work_mem enough?", "No: work_mem = "},
        {SPILLS, "Is work_mem too small?", "Yes: work_mem = "},
        {SPILLS, "work_mem too large?", "No: work_mem = "},
        {SPILLS, "is my memory set right?", "No: the figures speak for other values of 1"},
        {IDLE, "is my memory set right?", "Cannot be told yet: needs a load"},
        {IDLE, "is the memory enough?", "Yes: the database (300 MB) fits into the memory (16 GB)"},
        {IDLE, "are there too many connections?", "No: 7 of 100 connections are taken"},
        {IDLE, "is there enough disk space?", "No: 1 GB of 100 GB are free"},
        {SPILLS, "do we have enough cpus", "Yes: under this load they are busy 60 %"},
        {SPILLS, "is vacuum keeping up?", "Yes: 20 of 1 020 rows are dead"},
        {RECENT, "is shared_buffers too small?", "No, as far as what goes on by itself shows: "},
        {SPILLS, "is bgwriter_flush_after too high?", "Cannot be told: no rule"},
        {SPILLS, "why is work_mem too small?", "work_mem: "},
        {SPILLS, "how much memory is enough?", "The server may use 16 GB"},
    };
    struct world *w[WORLDS] = {world_new(), spilling_world(), world_new(), world_new()};
    struct setting *other = (struct setting *)(uintptr_t)settings_find(&w[SPILLS]->f.settings,
                                                                       "bgwriter_lru_maxpages");
    snprintf(other->name, sizeof other->name, "bgwriter_flush_after");
    w[IDLE]->base.valid = false;
    w[IDLE]->e.nplans = 0;
    w[IDLE]->e.base = NULL;
    w[RECENT]->e.base = NULL; /* traffic of others, no run of ours */
    w[RECENT]->e.now = &w[RECENT]->base;
    w[RECENT]->e.nplans = 0;
    w[MISSES]->base.blks_read = 1e6;
    w[MISSES]->base.hit_ratio = 0.75;
    for (int i = 0; i < WORLDS; i++) {
        struct disk_facts *d = &w[i]->f.host.data;
        w[i]->f.runtime.sessions = 7;
        w[i]->f.runtime.max_connections = 100;
        w[i]->f.runtime.dead_tuples = 20;
        w[i]->f.runtime.live_tuples = 1000;
        w[i]->e.restart_allowed = false; /* whether it may be changed is another question */
        snprintf(d->mount, sizeof d->mount, "/data");
        d->total_bytes = 100 * GB;
        d->free_bytes = 1 * GB;
    }
    struct op_input in = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        in.e = &w[rows[i].world]->e;
        in.question = rows[i].question;
        check_prose(OP_QUESTION, &in, &one);
        if (strncmp(one.u.prose.text, rows[i].begins, strlen(rows[i].begins)) != 0)
            fail_msg("%s -> %s", rows[i].question, one.u.prose.text);
    }
    for (int i = 0; i < WORLDS; i++)
        world_free(w[i]);
}

/* What it says it can be asked it can. */
static void test_the_examples_are_answered(void **st)
{
    (void)st;
    struct world *w = spilling_world();
    struct op_input in = {.e = &w->e, .question = "sing a song"};
    check_prose(OP_QUESTION, &in, &two);
    int asked = 0;
    for (const char *p = two.u.prose.text, *end; (end = strchr(p, '?')); p = end + 1) {
        char question[120];
        const char *from = end;
        while (from > p && from[-1] != '\n' && (unsigned char)from[-1] != 0xb7)
            from--;
        snprintf(question, sizeof question, "%.*s", (int)(end - from + 1), from);
        in.question = question;
        check_prose(OP_QUESTION, &in, &one);
        if (strstr(one.u.prose.text, "knows no answer"))
            fail_msg("not answered: %s", question);
        asked++;
    }
    assert_int_equal(asked, 16);
    assert_non_null(strstr(two.u.prose.text, "/model"));
    world_free(w);
}

static void test_parameter(void **st)
{
    (void)st;
    struct world *w = spilling_world(), *c = committing_world();
    struct op_input in = {.e = &w->e, .question = "work_mem"};
    check_prose(OP_PARAMETER, &in, &one);
    assert_non_null(strstr(one.u.prose.text, "The figures speak for"));
    assert_non_null(strstr(one.u.prose.text, "configuration file"));
    in.question = "No_Such";
    check_prose(OP_PARAMETER, &in, &one);
    assert_non_null(strstr(one.u.prose.text, "has no setting"));
    in.e = &c->e;
    in.question = "wal_buffers";
    check_prose(OP_PARAMETER, &in, &one);
    assert_non_null(strstr(one.u.prose.text, "Round 1"));
    assert_non_null(strstr(one.u.prose.text, "restart"));
    in.question = "fsync";
    check_prose(OP_PARAMETER, &in, &one);
    assert_non_null(strstr(one.u.prose.text, "It is not proposed"));
    world_free(w);
    world_free(c);
}

static void test_compare(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct session_told *s = calloc(2, sizeof *s);
    for (int i = 0; i < 2; i++) {
        snprintf(s[i].name, sizeof s[i].name, "S%d", i + 1);
        snprintf(s[i].strategy, sizeof s[i].strategy, "Balanced");
        snprintf(s[i].state, sizeof s[i].state, "archived");
        s[i].baseline_tps = 400;
        s[i].best_tps = i ? 600 : 440;
        s[i].effect = i ? 1.5 : 1.1;
        s[i].ci_lo = i ? 1.4 : 1.05;
        s[i].ci_hi = i ? 1.6 : 1.15;
        s[i].rounds = 3;
    }
    struct op_input in = {.e = &w->e, .nsessions = 2, .sessions = s, .question = "S1 S2"};
    check_prose(OP_COMPARE, &in, &one);
    assert_non_null(strstr(one.u.prose.text, "S2 is the one to go on with"));
    assert_non_null(strstr(one.u.prose.text, "more than any other"));
    s[0].ci_hi = 1.45;
    check_prose(OP_COMPARE, &in, &one);
    assert_non_null(strstr(one.u.prose.text, "overlap"));
    free(s);
    world_free(w);
}

/* The loop's operations answer as the builtin advisor does, also when nothing is known. */
static void test_loop(void **st)
{
    (void)st;
    struct world *w = spilling_world();
    struct verdict v = {.kind = VERDICT_IMPROVED, .ratio = 1.1};
    struct sdl plan = {.clients = 3};
    struct op_input in = {.e = &w->e, .verdict = &v, .plan = &plan, .strategy = "Balanced"};
    struct proposal p;
    builtin_round1(&w->e, &p);
    op_builtin(OP_ROUND1, &in, &one);
    assert_memory_equal(&one.u.proposal, &p, sizeof p);
    op_builtin(OP_ANALYZE, &in, &one);
    assert_true(one.u.analysis.has_next && one.u.analysis.conclusion.text[0]);
    op_builtin(OP_STRATEGY, &in, &one);
    assert_int_equal(one.u.plan.clients, 3);
    assert_int_equal(one.u.plan.duration_s, 10);
    struct op_input nothing = {.e = NULL};
    for (int op = 0; op < OP_COUNT; op++)
        op_builtin((enum op)op, &nothing, &one);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_differ),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_one_figure_for_a_gain),
        cmocka_unit_test(test_yes_or_no_comes_first),
        cmocka_unit_test(test_the_examples_are_answered),
        cmocka_unit_test(test_parameter),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
