/* The health check's machine, and the checks that need no statement: each finds its fault and is silent beside a near miss. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/health_parts.h"
#include "pgd/app/flow_host.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/sample.h"

static struct server_facts *facts;
static struct health *health;

static void setting(const char *name, const char *value, const char *unit)
{
    struct settings *s = &facts->settings;

    s->items = realloc(s->items, (size_t)(s->n + 1) * sizeof *s->items);
    assert_non_null(s->items);
    memset(&s->items[s->n], 0, sizeof *s->items);
    text_copy(s->items[s->n].name, sizeof s->items[0].name, name);
    text_copy(s->items[s->n].value, sizeof s->items[0].value, value);
    text_copy(s->items[s->n].unit, sizeof s->items[0].unit, unit);
    text_copy(s->items[s->n].vartype, sizeof s->items[0].vartype, "string");
    s->n++;
}

static int setup(void **st)
{
    (void)st;
    facts = xcalloc(1, sizeof *facts);
    server_facts_clear(facts);
    health = xcalloc(1, sizeof *health);
    return 0;
}

static int teardown(void **st)
{
    (void)st;
    server_facts_clear(facts);
    free(facts);
    free(health);
    return 0;
}

typedef enum health_grade (*look_fn)(const struct server_facts *f, struct health_look *out);

static void is(look_fn look, enum health_grade want)
{
    struct health_look said = {0};

    assert_int_equal(look(facts, &said), want);
    if (want == HEALTH_UNKNOWN)
        assert_true(said.figure[0]);
}

static void memory_and_disk(void **st)
{
    (void)st;
    struct host_facts *h = &facts->host;

    is(health_disk, HEALTH_UNKNOWN);
    is(health_shared_buffers, HEALTH_UNKNOWN);
    h->known = true;
    h->mem_total = 64e9;
    h->mem_available = 30e9;
    h->data.total_bytes = h->wal.total_bytes = 1e12;
    h->data.free_bytes = 11e10;
    h->wal.free_bytes = 5e11;
    is(health_disk, HEALTH_OK);
    h->data.free_bytes = 9e10;
    is(health_disk, HEALTH_WARN);
    h->data.free_bytes = 2e10;
    is(health_disk, HEALTH_CRITICAL);
    h->data.free_bytes = 5e11;
    h->wal.free_bytes = 5e10;
    is(health_disk, HEALTH_WARN);
    is(health_swap, HEALTH_OK);
    h->mem_available = 1e9;
    is(health_swap, HEALTH_WARN);
    text_copy(h->thp, sizeof h->thp, "madvise");
    is(health_thp, HEALTH_OK);
    text_copy(h->thp, sizeof h->thp, "always");
    is(health_thp, HEALTH_NOTE);
    h->overcommit = 2;
    is(health_overcommit, HEALTH_OK);
    h->overcommit = 1;
    is(health_overcommit, HEALTH_NOTE);
}

static void settings_that_do_not_fit(void **st)
{
    (void)st;
    facts->host.known = true;
    facts->host.mem_total = 64e9;
    setting("max_connections", "100", "");
    setting("random_page_cost", "4", "");
    setting("shared_buffers", "16384", "8kB");
    setting("work_mem", "4096", "kB");
    is(health_shared_buffers, HEALTH_NOTE); /* what initdb gives */
    text_copy(facts->settings.items[2].value, sizeof facts->settings.items[2].value, "2048");
    is(health_shared_buffers, HEALTH_WARN);
    is(health_memory, HEALTH_OK);
    text_copy(facts->settings.items[3].value, sizeof facts->settings.items[3].value, "4194304");
    is(health_memory, HEALTH_WARN);
    text_copy(facts->settings.items[2].value, sizeof facts->settings.items[2].value, "1048576");
    is(health_shared_buffers, HEALTH_OK);
    text_copy(facts->host.data.kind, sizeof facts->host.data.kind, "hdd");
    is(health_random_page_cost, HEALTH_OK);
    text_copy(facts->host.data.kind, sizeof facts->host.data.kind, "ssd");
    is(health_random_page_cost, HEALTH_NOTE);
}

static void counters(void **st)
{
    (void)st;
    struct runtime_facts *r = &facts->runtime;

    r->stats_age_s = 86400;
    is(health_checkpoints, HEALTH_OK); /* not known */
    r->ckpt_req = 4;
    r->ckpt_timed = 0;
    is(health_checkpoints, HEALTH_OK);
    r->ckpt_req = 9;
    is(health_checkpoints, HEALTH_WARN);
    setting("max_wal_size", "1024", "MB"); /* the WAL explains one or two of the nine */
    r->wal_bytes = 1e9;
    is(health_checkpoints, HEALTH_NOTE);
    r->wal_bytes = 9e9;
    is(health_checkpoints, HEALTH_WARN);
    r->ckpt_timed = 9;
    is(health_checkpoints, HEALTH_OK);
    r->temp_bytes = 9e9;
    is(health_temp_files, HEALTH_OK);
    r->temp_bytes = 20e9;
    is(health_temp_files, HEALTH_WARN);
    r->blks_hit = 5e6;
    r->blks_read = 9e5;
    is(health_hit_ratio, HEALTH_OK);
    r->blks_read = 2e6;
    is(health_hit_ratio, HEALTH_NOTE);
    r->max_connections = 100;
    r->sessions = 79;
    is(health_connections, HEALTH_OK);
    r->sessions = 90;
    is(health_connections, HEALTH_WARN);
    r->sessions = 99;
    is(health_connections, HEALTH_CRITICAL);
    r->xact_commit = 95000;
    r->xact_rollback = 5000;
    is(health_rollbacks, HEALTH_OK);
    r->xact_rollback = 50000;
    is(health_rollbacks, HEALTH_NOTE);
    facts->id.version_num = 120022;
    is(health_version, HEALTH_WARN);
    facts->id.version_num = 150018;
    is(health_version, HEALTH_OK);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct setting *)a)->name, ((const struct setting *)b)->name);
}

static struct setting *named(const char *name)
{
    for (int i = 0; i < facts->settings.n; i++)
        if (strcmp(facts->settings.items[i].name, name) == 0)
            return &facts->settings.items[i];
    fail();
    return NULL;
}

/* They are sorted, as the server sends them. */
static void set(const char *name, const char *value, const char *unit, const char *boot)
{
    setting(name, value, unit);
    text_copy(named(name)->boot, sizeof named(name)->boot, boot);
    text_copy(named(name)->shown, sizeof named(name)->shown, value);
    qsort(facts->settings.items, (size_t)facts->settings.n, sizeof *facts->settings.items, by_name);
}

static void figures_far_off(void **st)
{
    (void)st;
    struct health_look said = {0};

    set("checkpoint_timeout", "60", "s", "300");
    set("default_statistics_target", "10", "", "10"); /* compiled in: nobody has set it */
    is(health_values, HEALTH_OK);
    set("work_mem", "64", "kB", "4096");
    set("autovacuum_naptime", "3600", "s", "60");
    assert_int_equal(health_values(facts, &said), HEALTH_NOTE);
    assert_string_equal(said.object, "autovacuum_naptime = 3600, work_mem = 64");
    is(health_session_defaults, HEALTH_OK);
    set("session_replication_role", "replica", "", "origin");
    is(health_session_defaults, HEALTH_WARN);
    set("listen_addresses", "localhost", "", "localhost");
    set("ssl", "off", "", "off");
    is(health_clear_text, HEALTH_OK);
    text_copy(named("listen_addresses")->value, sizeof named("ssl")->value, "*");
    is(health_clear_text, HEALTH_NOTE);
}

static void temp_files(void **st)
{
    (void)st;
    struct runtime_facts *r = &facts->runtime;

    r->stats_age_s = 120;
    r->temp_bytes = 19.0 * (1 << 20);
    r->temp_files = 40;
    is(health_temp_files, HEALTH_OK);
    r->temp_bytes = 60.0 * (1 << 20);
    is(health_temp_files, HEALTH_NOTE);
    r->temp_files = 3; /* an index was built */
    is(health_temp_files, HEALTH_OK);
    r->temp_bytes = 20.0 * (1 << 30);
    is(health_temp_files, HEALTH_WARN);
}

/* A session may be open for hours, while the DBA reads a proposal: what the server counts then is its own. */
static void only_what_we_load_is_ours(void **st)
{
    (void)st;
    struct model *m = calloc(1, sizeof *m);
    struct pg_sample *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);

    model_init(m);
    m->collect.pg_before = a;
    m->collect.pg_now = b;
    b->at_us = 1000000;
    b->v[PG_DEADLOCKS] = 3;
    a->began_at = b->began_at = NAN;
    m->wall_us = 9000000;
    m->session.state = SESSION_ACTIVE;
    m->flow = FLOW_ROUND;
    m->fl.decision = DECIDE_REVIEW;
    m->collect.samples = 2;
    flow_host_own(m);
    m->collect.samples = 3;
    flow_host_own(m);
    assert_true(m->workspace.own.until_us == 0);
    m->fl.now.running = true;
    m->collect.samples = 4;
    flow_host_own(m);
    assert_true(m->workspace.own.deadlocks == 3);
    m->fl.now.running = false; /* it ended since the last sample */
    m->collect.samples = 5;
    flow_host_own(m);
    assert_true(m->workspace.own.deadlocks == 6);
    m->collect.samples = 6;
    flow_host_own(m);
    assert_true(m->workspace.own.deadlocks == 6);
    model_clear(m);
    free(m);
}

/* What our own runs have made the server count is no habit of it; and is told where the rest is one. */
static void our_own_runs(void **st)
{
    (void)st;
    struct runtime_facts *r = &facts->runtime;
    struct own_totals own = {.since_us = 1000000000, .until_us = 2000000000, .seconds = 1000};
    struct health_look said = {0};

    r->stats_age_s = 86400;
    r->ckpt_timed = 2;
    r->ckpt_req = 30;
    r->temp_files = 4000;
    r->temp_bytes = 20e9;
    own.ckpt_req = 29;
    own.temp_files = 3990;
    own.temp_bytes = 19.99e9;
    is(health_checkpoints, HEALTH_WARN);
    is(health_temp_files, HEALTH_WARN);
    struct runtime_facts before = *r;
    runtime_facts_leave_out(r, &own, INT64_C(90000000000)); /* counted since 3600 s: after it */
    assert_true(r->ckpt_req == 30 && r->own.until_us == 0);
    runtime_facts_leave_out(r, &own, INT64_C(80000000000));
    assert_true(r->ckpt_req == 1 && r->ckpt_timed == 2 && r->stats_age_s == 85400);
    is(health_checkpoints, HEALTH_OK);
    is(health_temp_files, HEALTH_OK);
    runtime_facts_leave_out(r, &own, INT64_C(80000000000)); /* once */
    assert_true(r->temp_files == 10);
    *r = before;
    own.ckpt_req = 9;
    own.temp_bytes = 1e18; /* a database was dropped since */
    runtime_facts_leave_out(r, &own, INT64_C(80000000000));
    assert_int_equal(health_checkpoints(facts, &said), HEALTH_WARN);
    assert_string_equal(said.figure,
                        "21 of 23 checkpoints were requested; 9 requested while pg_diagnose's own "
                        "runs went on are left out");
    is(health_temp_files, HEALTH_OK);
}

static struct event answer(const char *rows)
{
    return (struct event){.kind = EV_PG_RESULT,
                          .req = {OWNER_HEALTH, health->generation, health->waiting},
                          .rows = rows ? rows_parse(rows) : NULL};
}

static void feed(const char *rows, enum err_code code, struct effects *fx)
{
    struct event ev = answer(rows);

    ev.err.code = code;
    if (code)
        text_copy(ev.err.msg, sizeof ev.err.msg, "permission denied for view x");
    health_step(health, facts, &ev, fx);
    event_clear(&ev);
    assert_true(health->state != HEALTH_ASKING || fx->n > 0);
}

/* Every statement is asked once; what is refused is said; the worst stands first. */
static void the_machine_goes_through(void **st)
{
    (void)st;
    struct effects fx = {0};
    int asked = 0, refused = 0, locked = 0;
    char text[200];

    facts->rights.read_stats = facts->rights.hba_rules = facts->rights.file_settings = true;
    health_start(health, facts, false, &fx);
    while (health->state == HEALTH_ASKING) {
        const struct health_check *c = health_check_at(health->at);
        assert_true(asked++ < 100);
        assert_int_equal(fx.items[fx.n - 1].kind, FX_PG_QUERY);
        assert_null(strstr(fx.items[fx.n - 1].text, "came"));
        if (health->at < 0) {
            assert_non_null(
                strstr(fx.items[fx.n - 1].text, health->at == -2 ? "lock_timeout" : "jit"));
            feed(NULL, ERR_NONE, &fx);
        } else if (strcmp(c->id, "sequences") == 0) /* no answer is a statement */
            feed("ask\nSELECT what; came\n", ERR_NONE, &fx);
        else if (strcmp(c->id, "slots") == 0)
            feed("object|figure|fix\na\\|b|keeps 9 GB|SELECT 1;\n", ERR_NONE, &fx);
        else if (strcmp(c->id, "wraparound") == 0)
            feed("object|figure|fix|grade\npostgres|old|VACUUM|critical\n", ERR_NONE, &fx);
        else if (strcmp(c->id, "partition-end") == 0 && locked++ == 0) { /* is asked once more */
            struct event ev = answer(NULL);
            err_set(&ev.err, ERR_SQL, "canceling statement due to lock timeout");
            text_copy(ev.err.sqlstate, sizeof ev.err.sqlstate, "55P03");
            health_step(health, facts, &ev, &fx);
            assert_string_equal(health_check_at(health->at)->id, "partition-end");
        } else if (strcmp(c->id, "hba-trust") == 0 && ++refused)
            feed(NULL, ERR_SQL, &fx);
        else
            feed("object|figure|fix\n", ERR_NONE, &fx);
    }
    assert_int_equal(health->state, HEALTH_DONE);
    assert_non_null(strstr(fx.items[fx.n - 1].text, "lock_timeout")); /* and back */
    assert_string_equal(fx.items[fx.n - 2].text, "RESET jit");
    assert_true(asked > 20);
    assert_int_equal(refused, 1);
    assert_int_equal(locked, 2);
    assert_string_equal(health->found[0].check->id, "wraparound");
    assert_int_equal(health->found[0].grade, HEALTH_CRITICAL);
    bool slot = false, trust = false;
    for (int i = 0; i < health->n; i++) {
        slot = slot || strcmp(health->found[i].said.object, "a|b") == 0;
        trust = trust || (health->found[i].grade == HEALTH_UNKNOWN &&
                          strstr(health->found[i].said.figure, "permission denied"));
    }
    assert_true(slot && trust);
    health_summary(health, text, sizeof text);
    assert_non_null(strstr(text, "1 critical, 2 warnings"));
    effects_clear(&fx);
}

static void a_lost_link_ends_it(void **st)
{
    (void)st;
    struct effects fx = {0};

    health_start(health, facts, false, &fx);
    uint32_t before = health->waiting;
    struct event late = {.kind = EV_PG_RESULT,
                         .req = {OWNER_HEALTH, health->generation + 1, before}};
    health_step(health, facts, &late, &fx);
    assert_int_equal(health->waiting, before); /* of an older generation */
    feed(NULL, ERR_LOST, &fx);
    assert_int_equal(health->state, HEALTH_FAILED);
    effects_clear(&fx);
}

static void no_more_than_fit(void **st)
{
    (void)st;
    struct effects fx = {0};
    struct buf rows = {0};

    buf_puts(&rows, "object|figure|fix\n");
    for (int i = 0; i < 20; i++)
        buf_printf(&rows, "t%d|x|y\n", i);
    health_start(health, facts, false, &fx);
    while (health->state == HEALTH_ASKING)
        feed(buf_text(&rows), ERR_NONE, &fx);
    assert_int_equal(health->state, HEALTH_DONE);
    assert_true(health->n <= HEALTH_FOUND_MAX);
    assert_int_equal(health->left_out > 0, health->n == HEALTH_FOUND_MAX);
    buf_clear(&rows);
    effects_clear(&fx);
}

static void every_row_has_its_words(void **st)
{
    (void)st;
    const struct health_check *c;

    for (int i = 0; (c = health_check_at(i)); i++) {
        assert_true(c->id && c->area && c->title && c->why && c->source);
        assert_true((c->asset != NULL) != (c->look != NULL));
        assert_true(c->asset || c->fix);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(c->id, health_check_at(k)->id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_and_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_that_do_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(counters, setup, teardown),
        cmocka_unit_test_setup_teardown(figures_far_off, setup, teardown),
        cmocka_unit_test_setup_teardown(temp_files, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_runs, setup, teardown),
        cmocka_unit_test(only_what_we_load_is_ours),
        cmocka_unit_test_setup_teardown(the_machine_goes_through, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_link_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_than_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(every_row_has_its_words, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
