/* The live views as data: what is read, differences, order, filter, the cursor that stays on its row, the tree of blockers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/readonly.h"
#include "pgd/base/mem.h"
#include "pgd/telemetry/tableview.h"

static const struct tableview sample = {
    .name = "sample",
    .title = "Sample",
    .key_columns = {"id", "place"},
    .sort = "calls",
    .down = true,
    .quiet = {"state", "idle", "idle"},
    .columns = {{"id", "id", TV_INT, 5, 0, false, false},
                {"name", "name", TV_TEXT, 10, 0, false, false},
                {"state", "state", TV_TEXT, 10, 0, false, false},
                {"calls", "calls", TV_INT, 10, 0, true, false},
                {"size", "size", TV_BYTES, 10, 1, false, false},
                {"age", "age", TV_DURATION, 10, 1, false, true}},
};

#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-9)

struct fixture {
    struct tableview_rows now, before;
    struct tableview_state s;
    struct tableview_order o;
    int64_t at_us;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tableview_clear(&f->now);
    tableview_clear(&f->before);
    free(f);
    return 0;
}

static bool take(struct fixture *f, const struct tableview *v, const char *text, double secs)
{
    struct rows *r = rows_parse(text);
    struct tableview_rows next = {0};

    f->at_us += (int64_t)(secs * 1e6);
    bool read = tableview_read(v, r, f->at_us, &f->now, &next);
    rows_free(r);
    if (!read)
        return false;
    tableview_clear(&f->before);
    f->before = f->now;
    f->now = next;
    tableview_arrange(v, &f->now, &f->s, &f->o);
    return true;
}

static const char *shown(struct fixture *f, const struct tableview *v, int row, const char *column)
{
    static char text[200];
    tableview_show(v, &f->now, row, tableview_column_of(v, column), text, sizeof text);
    return text;
}

/* The ids in the order that they are shown: "3 1 2". */
static const char *order_of(struct fixture *f)
{
    static char text[400];
    int at = 0;

    text[0] = '\0';
    for (int i = 0; i < f->o.n; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%.0f", i ? " " : "",
                       tableview_at(&f->now, f->o.rows[i], 0)->raw);
    return text;
}

#define HEAD "id|place|name|state|calls|size|age|note\n"

static void test_reads_and_shows(void **state)
{
    struct fixture *f = *state;

    assert_true(take(f, &sample,
                     HEAD "1|a|one\\n\\t\x1b[2J|active|100|1048576|12.3|rights lack\n"
                          "2|b|\\N|idle|x|\\N|90061|other\n",
                     1));
    assert_int_equal(f->now.n, 2);
    assert_string_equal(f->now.note, "rights lack");
    assert_null(strchr(shown(f, &sample, 0, "name"), '\x1b'));
    assert_string_equal(shown(f, &sample, 0, "size"), "1 MB");
    assert_string_equal(shown(f, &sample, 0, "age"), "12 s");
    assert_string_equal(shown(f, &sample, 0, "calls"), "-"); /* one sample has no rate */
    assert_string_equal(shown(f, &sample, 1, "name"), "");
    assert_string_equal(shown(f, &sample, 1, "size"), "");
    assert_string_equal(shown(f, &sample, 1, "age"), "1 d 1 h");
    assert_string_equal(order_of(f), "1");
    assert_int_equal(f->o.hidden, 1);
    f->s.loud = true;
    tableview_arrange(&sample, &f->now, &f->s, &f->o);
    assert_string_equal(order_of(f), "1 2");
    assert_false(take(f, &sample, "other|columns\n1|2\n", 1));
    assert_int_equal(f->now.n, 2); /* what there was stays */
}

static void test_rates_are_differences_by_key(void **state)
{
    struct fixture *f = *state;

    take(f, &sample, HEAD "1|a|x|on|100|1|1|\n1|b|y|on|1000|1|1|\n3|c|z|on|70|1|1|\n", 1);
    take(f, &sample,
         HEAD "1|b|y|on|1500|1|1|\n4|d|n|on|9|1|1|\n1|a|x|on|110|1|1|\n3|c|z|on|10|1|1|\n", 2);
    assert_string_equal(shown(f, &sample, 0, "calls"), "250/s"); /* place is part of the key */
    assert_string_equal(shown(f, &sample, 1, "calls"), "-");     /* it was not there before */
    assert_string_equal(shown(f, &sample, 2, "calls"), "5.0/s");
    assert_string_equal(shown(f, &sample, 3, "calls"), "-"); /* reset: not known */
    assert_string_equal(order_of(f), "1 1 3 4");             /* unknown comes last */
    take(f, &sample, HEAD "1|b|y|on|9000|1|1|\n", 3600);
    assert_string_equal(shown(f, &sample, 0, "calls"),
                        "-"); /* an hour ago is not the load of now */
}

static void test_sorts(void **state)
{
    struct fixture *f = *state;

    take(f, &sample, HEAD "1|a|beta|on|1|30|1|\n2|b|Alpha|on|1|9|1|\n3|c|\\N|on|1|\\N|1|\n", 1);
    f->s.sort = 1 + tableview_column_of(&sample, "name");
    tableview_arrange(&sample, &f->now, &f->s, &f->o);
    assert_string_equal(order_of(f), "2 1 3");
    f->s.reverse = true;
    tableview_arrange(&sample, &f->now, &f->s, &f->o);
    assert_string_equal(order_of(f), "1 2 3"); /* nothing stays last */
    f->s.reverse = false;
    tableview_sort_next(&sample, 1, &f->s);
    tableview_sort_next(&sample, 1, &f->s);
    tableview_sort_next(&sample, 1, &f->s);
    tableview_arrange(&sample, &f->now, &f->s, &f->o);
    assert_int_equal(tableview_sorted_by(&sample, &f->s), tableview_column_of(&sample, "size"));
    assert_string_equal(order_of(f), "1 2 3");
    tableview_sort_next(&sample, 1, &f->s); /* "age" cannot be sorted by */
    assert_int_equal(tableview_sorted_by(&sample, &f->s), 0);
    tableview_sort_next(&sample, -1, &f->s);
    assert_int_equal(tableview_sorted_by(&sample, &f->s), tableview_column_of(&sample, "size"));
}

static void filtered(struct fixture *f, const char *filter, const char *want)
{
    snprintf(f->s.filter, sizeof f->s.filter, "%s", filter);
    tableview_arrange(&sample, &f->now, &f->s, &f->o);
    assert_string_equal(order_of(f), want);
}

static void test_filters(void **state)
{
    struct fixture *f = *state;

    take(f, &sample,
         HEAD "1|a|Shop app|on|1|30|1|\n2|b|batch|app|1|9|1|\n3|c|shop web|off|1|2|1|\n", 1);
    filtered(f, "APP", "1 2");
    filtered(f, "shop app", "1");
    filtered(f, "state:app", "2");
    filtered(f, "!shop", "2");
    filtered(f, "shop !web", "1");
    filtered(f, "nowhere:app", "");
    filtered(f, "!", "");
    filtered(f, "  ", "1 2 3");
    filtered(f, "name:", "1 2 3");
}

static void test_the_cursor_stays_on_its_row(void **state)
{
    struct fixture *f = *state;

    take(f, &sample, HEAD "1|a|x|on|1|30|1|\n2|b|y|on|1|20|1|\n3|c|z|on|1|10|1|\n", 1);
    f->s.sort = 1 + tableview_column_of(&sample, "size");
    tableview_arrange(&sample, &f->now, &f->s, &f->o);
    tableview_move(&f->now, &f->o, 1, &f->s);
    assert_int_equal((int)tableview_at(&f->now, tableview_cursor(&f->o, &f->s), 0)->raw, 2);
    take(f, &sample, HEAD "4|d|n|on|1|99|1|\n1|a|x|on|1|5|1|\n2|b|y|on|1|1|1|\n3|c|z|on|1|10|1|\n",
         1);
    assert_string_equal(order_of(f), "4 3 1 2");
    assert_int_equal((int)tableview_at(&f->now, tableview_cursor(&f->o, &f->s), 0)->raw, 2);
    assert_int_equal(f->s.row, 3);
    /* it is gone: the place stays */
    take(f, &sample, HEAD "4|d|n|on|1|99|1|\n1|a|x|on|1|5|1|\n", 1);
    assert_int_equal((int)tableview_at(&f->now, tableview_cursor(&f->o, &f->s), 0)->raw, 1);
    take(f, &sample, HEAD, 1);
    assert_int_equal(tableview_cursor(&f->o, &f->s), -1);
    tableview_move(&f->now, &f->o, 1, &f->s);
    tableview_move(&f->now, &f->o, -1000, &f->s);
    take(f, &sample, HEAD "1|a|x|on|1|5|1|\n", 1);
    assert_int_equal(tableview_cursor(&f->o, &f->s), 0);
}

static void test_more_rows_than_are_kept(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};

    buf_puts(&text, HEAD);
    for (int i = 0; i < TABLEVIEW_ROWS + 20; i++)
        buf_printf(&text, "%d|a|x|on|%d|1|1|\n", i, i * 2);
    take(f, &sample, buf_text(&text), 1);
    take(f, &sample, buf_text(&text), 1);
    buf_clear(&text);
    assert_int_equal(f->now.n, TABLEVIEW_ROWS);
    assert_true(f->now.more);
    assert_int_equal(f->o.n, TABLEVIEW_ROWS);
    assert_string_equal(shown(f, &sample, 499, "calls"), "0/s");
}

static void test_the_tree(void **state)
{
    struct fixture *f = *state;
    const struct tableview *v = tableview_find("blocking");
    int depths[8];

    /* 10 blocks 11 and 12; 12 waits for 11, too; 13 waits behind 12; 20 and 21 wait for each other; 30 for a session not seen */
    assert_true(take(f, v,
                     "pid|backend_start|blockers|behind|query\n"
                     "13|t|12||q\n12|t|11, 10||q\n20|t|21||q\n11|t|10||q\n10|t|\\N||q\n21|t|20||q\n"
                     "30|t|99||q\n",
                     1));
    assert_string_equal(order_of(f), "10 12 13 11 30 20 21");
    for (int i = 0; i < f->now.n; i++)
        depths[i] = f->now.depth[i];
    assert_int_equal(depths[0], 0);
    assert_int_equal(depths[1], 1);
    assert_int_equal(depths[2], 2);
    assert_int_equal(depths[3], 1);
    assert_int_equal(depths[4], 0);
    assert_int_equal(depths[5], 0);
    assert_int_equal(depths[6], 1);
    assert_string_equal(shown(f, v, 0, "behind"), "3");
    assert_string_equal(shown(f, v, 3, "behind"), "2"); /* 12 waits for 11, and 13 for 12 */
    assert_string_equal(shown(f, v, 5, "behind"), "1");
    assert_string_equal(shown(f, v, 4, "behind"), "0");
}

/* A queue, in no order: each waits for the one before it. */
static void test_a_long_queue(void **state)
{
    struct fixture *f = *state;
    const struct tableview *v = tableview_find("blocking");
    struct buf text = {0};
    enum { LONG = 97 };

    buf_puts(&text, "pid|backend_start|blockers|behind|query\n");
    for (int i = 0; i < LONG; i++) {
        int pid = i * 31 % LONG; /* each number once */
        if (pid > 0)
            buf_printf(&text, "%d|t|%d||q\n", 1000 + pid, 1000 + pid - 1);
        else
            buf_printf(&text, "1000|t|||q\n");
    }
    assert_true(take(f, v, buf_text(&text), 1));
    buf_clear(&text);
    for (int i = 0; i < LONG; i++) {
        assert_int_equal((int)tableview_at(&f->now, i, 0)->raw, 1000 + i);
        near(tableview_at(&f->now, i, 1)->value, LONG - 1 - i);
    }
}

/* What is sent looks and nothing else, on every version, and each view can be found. */
static void test_every_view_only_looks(void **state)
{
    static const int versions[] = {120000, 130000, 140000, 150018, 160000, 170000, 180000};

    (void)state;
    for (int i = 0; i < tableview_count; i++) {
        const struct tableview *v = &tableview_list[i];
        assert_ptr_equal(tableview_find(v->name), v);
        if (v->key)
            assert_ptr_equal(tableview_by_key((uint32_t)v->key), v);
        if (v->form == TABLEVIEW_SHARES)
            continue;
        assert_true(tableview_columns(v) > 0);
        assert_true(!v->sort || tableview_column_of(v, v->sort) >= 0);
        assert_true(!v->quiet.column || tableview_column_of(v, v->quiet.column) >= 0);
        assert_non_null(v->lacks);
        for (size_t k = 0; k < ARRAY_LEN(versions); k++) {
            struct buf sql = {0};
            const char *asset = tableview_asset(v, versions[k]);
            if (asset)
                assert_true(tableview_sql(asset, versions[k], "public", &sql));
            if (asset && !readonly_sql(buf_text(&sql)))
                fail_msg("%s is more than a look", asset);
            assert_null(strstr(buf_text(&sql), "@schema@"));
            assert_null(strstr(buf_text(&sql), "--@"));
            buf_clear(&sql);
        }
    }
    assert_null(tableview_find("nothing"));
    assert_null(tableview_find(""));
    assert_ptr_equal(tableview_find("act"), tableview_find("activity"));
    assert_null(tableview_by_key('x'));
    assert_null(tableview_asset(tableview_find("activity"), 90600));
}

static void lines_of_other_versions_are_left_out(void **state)
{
    static const char text[] = "-- What it is.\n"
                               "SELECT a,\n"
                               "       old, --@..12\n"
                               "       mid, --@13..16\n"
                               "       new, --@17..\n"
                               "       '--@', b --@1x..\n"
                               "  FROM @schema@.t --@12..18\n"
                               " WHERE x --@19..\n";
    static const struct {
        int version;
        const char *line;
    } all[] = {{120022, "old"}, {130000, "mid"}, {169999, "mid"}, {170000, "new"}, {180003, "new"}};
    char want[120];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct buf sql = {0};
        tableview_resolve(text, all[i].version, "s", &sql);
        snprintf(want, sizeof want, "SELECT a,\n       %s,\n       '--@', b --@1x..\n  FROM s.t",
                 all[i].line);
        assert_string_equal(buf_text(&sql), want);
        buf_clear(&sql);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_reads_and_shows),
        CASE(test_rates_are_differences_by_key),
        CASE(test_sorts),
        CASE(test_filters),
        CASE(test_the_cursor_stays_on_its_row),
        CASE(test_more_rows_than_are_kept),
        CASE(test_the_tree),
        CASE(test_a_long_queue),
        CASE(test_every_view_only_looks),
        CASE(lines_of_other_versions_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
