/* The rows of the start screen: what is made of whole, old, damaged and missing files, their order and their words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/workspace/recent.h"

enum { DAY = 86400 };

static const int64_t now_us = 1794000000000000; /* November 2026 */

static void add(struct buf *b, const char *name, const char *file, const char *text)
{
    buf_printf(b, "==> /home/workspaces/%s/%s\n%s\n", name, file, text);
}

static struct recent_list *digest(struct buf *b, const char *names)
{
    struct recent_list *l = recent_digest(buf_text(b), b->len, names);
    buf_clear(b);
    return l;
}

static void add_workspace(struct buf *b, const char *name, const char *host, const char *port,
                          int64_t used_us)
{
    char text[600];
    snprintf(text, sizeof text,
             "{\"format\":1,\"used_us\":%lld,\"server\":{\"version\":\"15.3\"},\"connection\":{"
             "\"host\":\"%s\",\"port\":\"%s\",\"user\":\"ann\",\"dbname\":\"shop\"}}",
             (long long)used_us, host, port);
    add(b, name, "workspace.json", text);
}

static const char sessions[] =
    "{\"format\":1,\"sessions\":["
    "{\"name\":\"B_1\",\"strategy\":\"Memory\",\"state\":\"PAUSED\",\"rounds\":2,\"effect\":null,"
    "\"changed_us\":5},"
    "{\"name\":\"A_1\",\"strategy\":\"Write\",\"state\":\"ACTIVE\",\"rounds\":1,\"changed_us\":4},"
    "{\"name\":\"C_1\",\"strategy\":\"Read\",\"state\":\"ARCHIVED\",\"rounds\":3,\"effect\":1.31,"
    "\"changed_us\":3},"
    "{\"name\":\"D_1\",\"strategy\":\"Read\",\"state\":\"ARCHIVED\",\"rounds\":3,\"effect\":1.08,"
    "\"changed_us\":2},"
    "{\"name\":\"E_1\",\"strategy\":\"Read\",\"state\":\"FAILED\",\"rounds\":3,\"effect\":9,"
    "\"changed_us\":1}]}";

/* The newest one had no time for a round: it is not counted as failed, and what would help stands where it is opened. */
static void without_a_round_nothing_is_called_failed(void **state)
{
    (void)state;
    struct buf b = {0};
    char text[200];

    add_workspace(&b, "a", "db1", "5432", 77);
    add(&b, "a", "index.json",
        "{\"format\":1,\"sessions\":["
        "{\"name\":\"B_1\",\"strategy\":\"Memory\",\"state\":\"FAILED\",\"rounds\":0,"
        "\"baseline_tps\":247,\"reason\":\"the budget is too short for a round\"},"
        "{\"name\":\"A_1\",\"strategy\":\"Write\",\"state\":\"FAILED\",\"rounds\":0,"
        "\"baseline_tps\":null},"
        "{\"name\":\"C_1\",\"strategy\":\"Read\",\"state\":\"FAILED\",\"rounds\":2,"
        "\"baseline_tps\":247}]}");
    struct recent_list *l = digest(&b, "a\n");
    struct recent *r = &l->rows[0];
    recent_sessions(r, text, sizeof text);
    assert_string_equal(text, "3 (2 failed, 1 no round)");
    recent_note(r, text, sizeof text);
    assert_string_equal(text, "Memory: no round was made, the budget is too short for a round; a "
                              "longer budget holds one");
    text_copy(r->shown[0].reason, sizeof r->shown[0].reason, "no proposal was accepted");
    recent_note(r, text, sizeof text);
    assert_string_equal(text, "Memory: no round was made, no proposal was accepted");
    recent_list_free(l);
}

static void a_row_is_made_of_both_files(void **state)
{
    (void)state;
    struct buf b = {0};
    char text[200];

    add_workspace(&b, "shop_db1", "db1", "5433", 77);
    add(&b, "shop_db1", "index.json", sessions);
    add(&b, "shop_db1", "lock", "process 4711, pg_diagnose since 2026");
    struct recent_list *l = digest(&b, "shop_db1\n");
    assert_int_equal(l->n, 1);
    struct recent *r = &l->rows[0];
    assert_true(r->known);
    assert_string_equal(r->damage, "");
    assert_int_equal(r->nsessions, 5);
    assert_true(r->best > 1.309 && r->best < 1.311); /* what failed earns nothing */
    assert_int_equal(r->used_us, 77);
    assert_string_equal(r->holder, "4711");
    recent_title(r, text, sizeof text);
    assert_string_equal(text, "shop @ db1:5433");
    recent_note(r, text, sizeof text);
    assert_string_equal(text, "in use by process 4711: opens read-only");
    recent_sessions(r, text, sizeof text);
    assert_string_equal(text, "5 (1 runs, 1 paused, 1 failed)");
    r->holder[0] = '\0'; /* the one that was killed comes before the one that is paused */
    recent_note(r, text, sizeof text);
    assert_string_equal(text, "Write R2 was interrupted: resume, or undo");
    recent_sessions(r, text, sizeof text);
    assert_string_equal(text, "5 (1 interrupted, 1 paused, 1 failed)");
    assert_true(recent_is_of(r, "DB1", "5433") && recent_is_of(r, "db1", ""));
    assert_false(recent_is_of(r, "db1", "5432") || recent_is_of(r, "db", ""));
    recent_list_free(l);
}

static void what_is_damaged_says_so_and_the_rest_is_used(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"format\":1}",
                                      "\xff\xfe",
                                      "null",
                                      "{\"format\":1,\"connection\":7,\"sessions\":7}"};
    char text[200];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = {0};
        add_workspace(&b, "a", "db1", "5432", 1);
        add(&b, "a", "index.json", bad[i]);
        add(&b, "b", "workspace.json", bad[i]);
        add(&b, "b", "index.json", sessions);
        struct recent_list *l = digest(&b, "a\nb\nc\n");
        assert_int_equal(l->n, 3);
        assert_string_equal(l->rows[0].damage, "index.json is damaged");
        recent_title(&l->rows[0], text, sizeof text);
        assert_string_equal(text, "shop @ db1");
        assert_string_equal(l->rows[1].damage, "workspace.json is damaged");
        assert_int_equal(l->rows[1].nsessions, 5);
        recent_title(&l->rows[1], text, sizeof text);
        assert_string_equal(text, "b");
        assert_string_equal(l->rows[2].damage, "workspace.json is missing");
        recent_list_free(l);
    }
    struct buf b = {0};
    add(&b, "a", "workspace.json", "{\"format\":99,\"connection\":{}}");
    struct recent_list *l = digest(&b, "a\n");
    assert_string_equal(l->rows[0].damage, "workspace.json is of a newer version");
    recent_list_free(l);
    add_workspace(&b, "a", "db1", "5432", 1);
    add(&b, "a", "index.json",
        "{\"format\":1,\"sessions\":[{\"name\":\"x\"},{\"name\":\"C\",\"strategy\":\"R\",\"state\":"
        "\"ARCHIVED\",\"effect\":1.5,\"rounds\":-4,\"changed_us\":-1}]}");
    l = digest(&b, "a\n");
    assert_string_equal(l->rows[0].damage, "a row of index.json is damaged");
    assert_int_equal(l->rows[0].nsessions, 1);
    assert_int_equal(l->rows[0].shown[0].rounds, 0);
    recent_list_free(l);
}

static void the_one_that_was_used_last_comes_first(void **state)
{
    (void)state;
    struct recent_list all = {0};

    for (int i = 0; i < 3; i++) {
        struct buf b = {0};
        char name[8];
        snprintf(name, sizeof name, "w%d", i);
        add_workspace(&b, name, "h", "5432", i == 1 ? 30 : 10 * i + 1);
        struct recent_list *l = digest(&b, name);
        recent_add(&all, l);
        recent_list_free(l);
    }
    assert_int_equal(all.n, 3);
    assert_string_equal(all.rows[0].name, "w1");
    assert_string_equal(all.rows[1].name, "w2");
    assert_string_equal(all.rows[2].name, "w0");
    struct start_screen *s = calloc(1, sizeof *s);
    int session = 7;
    s->recent = all;
    assert_int_equal(recent_count(s), 3);
    assert_string_equal(recent_shown(s, 2, &session)->name, "w0");
    assert_int_equal(session, -1);
    assert_null(recent_shown(s, 3, &session));
    snprintf(s->filter, sizeof s->filter, "W2");
    assert_int_equal(recent_count(s), 1);
    s->filter[0] = '\0';
    snprintf(s->server, sizeof s->server, "other");
    assert_int_equal(recent_count(s), 0);
    free(s->recent.rows);
    free(s);
}

static void check_when(int64_t age_s, const char *wanted)
{
    char text[40];

    recent_when(text, sizeof text, now_us - age_s * 1000000, now_us);
    assert_string_equal(text, wanted);
}

static void times_are_as_people_say_them(void **state)
{
    (void)state;
    char text[40];

    setenv("TZ", "UTC", 1);
    check_when(0, "just now");
    check_when(-500, "just now"); /* a clock that was set back */
    check_when(59, "just now");
    check_when(300, "5 min ago");
    check_when(7200, "2 h ago");
    check_when(6 * DAY, "6 d ago");
    check_when(8 * DAY, "29 Oct");
    check_when(400 * DAY, "2 Oct 2025");
    recent_when(text, sizeof text, 0, now_us);
    assert_string_equal(text, "-");
}

static void a_connection_string_may_name_a_database(void **state)
{
    (void)state;
    static const char *const with[] = {
        "dbname=x",
        "host=a dbname = x",
        "postgres://h/x",
        "postgresql:///x",
        "postgresql://u:p@h:5/x?sslmode=require",
        "postgres://h?dbname=x",
        "postgres://%2Ftmp/x",
        "user='a b' dbname='c d'",
    };
    static const char *const without[] = {
        "",
        "host=a",
        "host='dbname=x'",
        "postgres://h",
        "postgres://h/",
        "dbname=",
        "host=a dbname=''",
        "postgres://h/?sslmode=require",
        "host=\\",
        "host='x",
        "xdbname=x",
        "postgres://h?xdbname=x&dbname=",
    };

    for (size_t i = 0; i < sizeof with / sizeof *with; i++)
        if (!recent_names_database(with[i]))
            fail_msg("%s names one", with[i]);
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (recent_names_database(without[i]))
            fail_msg("%s names none", without[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_made_of_both_files),
        cmocka_unit_test(without_a_round_nothing_is_called_failed),
        cmocka_unit_test(what_is_damaged_says_so_and_the_rest_is_used),
        cmocka_unit_test(the_one_that_was_used_last_comes_first),
        cmocka_unit_test(times_are_as_people_say_them),
        cmocka_unit_test(a_connection_string_may_name_a_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
