/* What sessions waited for, second by second: types, gaps, means, events, and its picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/keys.h"
#include "pgd/telemetry/wait_history.h"

#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-6)

static void test_types(void **state)
{
    (void)state;
    assert_int_equal(wait_type_of("CPU"), WAIT_CPU);
    assert_int_equal(wait_type_of("IO:WALSync"), WAIT_IO);
    assert_int_equal(wait_type_of("Lock:tuple"), WAIT_LOCK);
    assert_int_equal(wait_type_of("LWLock:WALWrite"), WAIT_LWLOCK);
    assert_int_equal(wait_type_of("BufferPin:BufferPin"), WAIT_BUFFERPIN);
    assert_int_equal(wait_type_of("Buffer:Shared"), WAIT_BUFFERPIN); /* of later versions */
    assert_int_equal(wait_type_of("I"), WAIT_OTHER);
    assert_int_equal(wait_type_of(""), WAIT_OTHER);
    for (int a = 0; a < WAIT_TYPES; a++)
        for (int b = 0; b < a; b++)
            assert_int_not_equal(wait_type_letter((enum wait_type)a),
                                 wait_type_letter((enum wait_type)b));
}

static void test_means_and_gaps(void **state)
{
    struct wait_history *h = calloc(1, sizeof *h);
    double mean[WAIT_TYPES];
    struct wait_share events[WAITS_MAX];

    (void)state;
    assert_false(wait_history_mean(h, 0, 1000, mean));
    wait_history_add(h, 1000, "CPU=2\nIO:WALSync=1\nIO:DataFileRead=3\nnonsense\n=4\nLock:tuple=x");
    wait_history_add(h, 1001, NULL); /* nobody is active: no gap */
    wait_history_add(h, 1003, "CPU=4");
    assert_true(wait_history_mean(h, 1000, 1003, mean));
    near(mean[WAIT_CPU], 2);
    near(mean[WAIT_IO], 4.0 / 3);
    near(mean[WAIT_LOCK], 0);
    assert_false(wait_history_mean(h, 1002, 1002, mean)); /* a gap */
    assert_int_equal(wait_history_events(h, 1000, 1003, events), 3);
    assert_string_equal(events[0].event, "CPU");
    near(events[0].share, 0.6);
    /* what is older than the history is gone */
    wait_history_add(h, 1000 + WAIT_HISTORY_S, "CPU=1");
    assert_false(wait_history_mean(h, 1000, 1000, mean));
    assert_true(wait_history_mean(h, 0, 1000 + WAIT_HISTORY_S, mean));
    near(mean[WAIT_CPU], 5.0 / 3);
    wait_history_add(h, 0, "CPU=9");
    wait_history_add(h, -5, "CPU=9");
    free(h);
}

static void test_its_picture(void **state)
{
    static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}};
    struct model *m = calloc(1, sizeof *m);
    struct canvas *c = canvas_new(36, 120);
    struct view_cursor cursor;

    (void)state;
    model_init(m);
    m->live.at = tableview_find("waits");
    m->now_us = 2000LL * 1000000;
    view_paint(c, m, keys_tables(), &cursor);
    assert_true(canvas_has(c, "No sample in this time yet"));
    for (int64_t s = 1950; s <= 2000; s++)
        wait_history_add(m->collect.wait_history, s, "CPU=1\nLock:tuple=3");
    for (size_t i = 0; i < 3; i++)
        for (int mode = 0; mode < 4; mode++) {
            struct tableview_state *st = &m->live.of[tableview_index(m->live.at)];
            st->reverse = mode & 1;
            m->screen.ascii = mode & 2;
            st->left = mode;
            canvas_resize(c, sizes[i][1], sizes[i][0]);
            view_paint(c, m, keys_tables(), &cursor);
            assert_true(canvas_has(c, "L Lock 75 %"));
            assert_true(canvas_has(c, "c CPU 25 %"));
            assert_true(canvas_has(c, "Lock:tuple"));
            assert_true(canvas_has(c, mode & 1 ? "100 %" : "active sessions"));
            /* the newest column: CPU at the foot, locks above it, to the top */
            int bottom = sizes[i][1] - 1, x = 8;
            while (bottom > 0 && !canvas_row_has(c, bottom, "now"))
                bottom--;
            bottom--;
            while (x < sizes[i][0] - 1 && canvas_at(c, bottom, x)->rune != 'c')
                x++;
            assert_int_equal(canvas_at(c, bottom, x)->rune, 'c');
            int y = bottom;
            while (canvas_at(c, y, x)->rune == 'c')
                y--;
            assert_int_equal(canvas_at(c, y, x)->rune, 'L');
            if (getenv("PGD_SHOW")) {
                struct buf b = {0};
                canvas_text(c, &b);
                printf("%s\n", buf_text(&b));
                buf_clear(&b);
            }
        }
    m->collect.activity.active = -1;
    view_paint(c, m, keys_tables(), &cursor);
    assert_true(canvas_has(c, "pg_read_all_stats"));
    canvas_free(c);
    model_clear(m);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_means_and_gaps),
        cmocka_unit_test(test_its_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
