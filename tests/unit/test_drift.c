/* What has changed under a workspace: version, machine, and settings that the sessions had proved. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/workspace/drift.h"

static struct workspace *w;

static int setup(void **state)
{
    (void)state;
    w = xcalloc(1, sizeof *w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(w);
    return 0;
}

static struct server_facts *facts(int version_num, const char *version, int cpus, double memory)
{
    struct server_facts *f = xcalloc(1, sizeof *f);

    f->id.version_num = version_num;
    snprintf(f->id.version, sizeof f->id.version, "%s", version);
    f->host.known = cpus > 0;
    f->host.cpus = cpus;
    f->host.mem_total = memory;
    return f;
}

static void another_version_and_machine_are_named(void **state)
{
    (void)state;
    struct server_facts *a = facts(150003, "15.3", 4, 8e9), *b = facts(160001, "16.1", 8, 16e9);
    struct server_facts *same = facts(150003, "15.3", 4, 8.1e9), *none = facts(0, "", 0, NAN);

    drift_machine(w, a, same); /* a kernel that takes a little less is no other machine */
    drift_machine(w, none, b); /* what was not known has not changed */
    drift_machine(w, a, none);
    assert_int_equal(w->nchanged, 0);
    drift_machine(w, a, b);
    assert_int_equal(w->nchanged, 3);
    assert_non_null(strstr(w->changed[0], "PostgreSQL was 15.3 last time and is 16.1"));
    assert_non_null(strstr(w->changed[1], "had 4 CPUs last time and has 8"));
    assert_non_null(strstr(w->changed[2], "had 7.5 GB of memory last time and has 14.9 GB"));
    free(a);
    free(b);
    free(same);
    free(none);
}

static void section(struct buf *b, const char *session, const char *state, const char *after)
{
    buf_printf(b,
               "==> /h/sessions/%s/session.json\n{\"format\":1,\"state\":\"%s\",\"after\":%s}\n\n",
               session, state, after);
}

static void put(struct setting *s, const char *name, const char *shown)
{
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->shown, sizeof s->shown, "%s", shown);
}

static void what_the_newest_session_left_counts(void **state)
{
    (void)state;
    struct buf b = {0};
    struct setting items[3] = {0};
    struct settings now = {3, items};
    struct ledger *ours = xcalloc(1, sizeof *ours);

    put(&items[0], "jit", "on");
    put(&items[1], "random_page_cost", "1.1");
    put(&items[2], "work_mem", "4MB");
    section(&b, "New", "ARCHIVED", "{\"work_mem\":\"32MB\",\"random_page_cost\":\"1.1\"}");
    section(&b, "Undone", "FAILED", "{\"jit\":\"off\"}");
    buf_puts(&b, "==> /h/sessions/Torn/session.json\n{\"format\":1,\n\n");
    section(&b, "Odd", "ARCHIVED", "{\"jit\":7,\"gone\":\"1\"}");
    section(&b, "Old", "ARCHIVED", "{\"work_mem\":\"64MB\",\"jit\":\"off\"}");
    struct proved_list *p = drift_digest(buf_text(&b), b.len, NULL);
    assert_int_equal(p->n, 4);
    drift_settings(w, p, &now, NULL);
    assert_int_equal(w->nchanged, 2);
    assert_string_equal(w->changed[0], "work_mem is 4MB, and New had left 32MB");
    assert_string_equal(w->changed[1], "jit is on, and Old had left off");
    /* what an open session has changed itself is no drift */
    w->nchanged = 0;
    ours->n = 1;
    snprintf(ours->rows[0].current.name, sizeof ours->rows[0].current.name, "work_mem");
    drift_settings(w, p, &now, ours);
    assert_int_equal(w->nchanged, 1);
    free(ours);
    free(p);
    buf_clear(&b);
}

static void many_are_cut_short(void **state)
{
    (void)state;
    struct buf b = {0};
    struct setting items[30] = {0};
    struct settings now = {30, items};

    buf_puts(&b,
             "==> /h/sessions/S/session.json\n{\"format\":1,\"state\":\"ARCHIVED\",\"after\":{");
    for (int i = 0; i < 30; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%02d", i);
        put(&items[i], name, "1");
        buf_printf(&b, "%s\"%s\":\"2\"", i ? "," : "", name);
    }
    buf_puts(&b, "}}\n");
    struct proved_list *p = drift_digest(buf_text(&b), b.len, NULL);
    drift_settings(w, p, &now, NULL);
    assert_int_equal(w->nchanged, CHANGED_MAX);
    assert_non_null(strstr(w->changed[CHANGED_MAX - 1], "more settings"));
    free(p);
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_version_and_machine_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_newest_session_left_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_cut_short, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
