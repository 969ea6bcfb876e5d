/* Layout: at every size each pane is on the screen, and what is shown follows the size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/ui/layout.h"

static struct layout at(int cols, int rows, enum pane focus, bool zoom)
{
    struct layout l;
    layout_compute(cols, rows, focus, zoom, &l);
    return l;
}

static void large_screens_show_everything(void **state)
{
    (void)state;
    static const int sizes[][2] = {{160, 45}, {120, 36}, {110, 28}, {400, 100}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct layout l = at(sizes[i][0], sizes[i][1], PANE_TREE, false);
        assert_int_equal(l.kind, LAYOUT_COLUMNS);
        struct rect tree = l.panes[PANE_TREE], bench = l.panes[PANE_BENCH];
        struct rect tele = l.panes[PANE_TELEMETRY], ai = l.panes[PANE_AI];
        /* Neighbours share one column or row; together they fill the body. */
        assert_int_equal(tree.x + tree.w - 1, bench.x);
        assert_int_equal(bench.x + bench.w - 1, ai.x);
        assert_int_equal(ai.x + ai.w, l.body.w);
        assert_int_equal(bench.y + bench.h - 1, tele.y);
        assert_int_equal(tele.y + tele.h, l.body.y + l.body.h);
        struct rect rounds = l.panes[PANE_ROUNDS];
        assert_int_equal(rounds.h ? rounds.y + rounds.h : tree.y + tree.h, l.body.y + l.body.h);
        assert_true(!rounds.h || rounds.y == tree.y + tree.h - 1);
        assert_true(bench.w >= 45 && bench.h >= 11 && tele.h >= 12 && ai.w >= 30);
    }
}

static void rounds_take_the_tree_s_place_where_it_is_low(void **state)
{
    (void)state;
    struct layout l = at(120, 30, PANE_ROUNDS, false);
    assert_true(layout_shows(&l, PANE_ROUNDS) && !layout_shows(&l, PANE_TREE));
    l = at(120, 30, PANE_AI, false);
    assert_true(layout_shows(&l, PANE_TREE) && !layout_shows(&l, PANE_ROUNDS));
    l = at(120, 36, PANE_AI, false);
    assert_true(layout_shows(&l, PANE_TREE) && layout_shows(&l, PANE_ROUNDS));
}

static void small_screens_show_the_focused_pane(void **state)
{
    (void)state;
    struct layout l = at(80, 24, PANE_AI, false);
    assert_int_equal(l.kind, LAYOUT_ONE);
    assert_true(layout_shows(&l, PANE_AI));
    assert_false(layout_shows(&l, PANE_BENCH));
    assert_int_equal(layout_inside(&l, PANE_AI).h, 19);
    assert_int_equal(layout_inside(&l, PANE_AI).w, 78);
    assert_int_equal(l.keys.y, 23);
    l = at(160, 45, PANE_TELEMETRY, true);
    assert_int_equal(l.kind, LAYOUT_ONE);
    assert_int_equal(l.panes[PANE_TELEMETRY].w, 160);
}

static void tiny_screens_say_so(void **state)
{
    (void)state;
    assert_int_equal(at(40, 10, PANE_TREE, false).kind, LAYOUT_ONE);
    assert_int_equal(at(39, 10, PANE_TREE, false).kind, LAYOUT_LINES);
    assert_int_equal(at(40, 9, PANE_TREE, false).kind, LAYOUT_LINES);
    assert_int_equal(at(20, 5, PANE_TREE, true).kind, LAYOUT_LINES);
    assert_int_equal(at(19, 5, PANE_TREE, false).kind, LAYOUT_ENLARGE);
    assert_int_equal(at(10, 3, PANE_TREE, false).kind, LAYOUT_ENLARGE);
}

static void nothing_lies_outside_the_screen(void **state)
{
    (void)state;
    for (int cols = 1; cols < 200; cols++) {
        for (int rows = 1; rows < 60; rows++) {
            struct layout l = at(cols, rows, (enum pane)(cols % PANE_COUNT), rows % 7 == 0);
            struct rect all[PANE_COUNT + 3] = {l.status, l.prompt, l.keys};
            for (int p = 0; p < PANE_COUNT; p++)
                all[3 + p] = l.panes[p];
            for (size_t i = 0; i < ARRAY_LEN(all); i++) {
                struct rect met = rect_meet(all[i], l.screen);
                assert_true(all[i].h == 0 || (met.h == all[i].h && met.w == all[i].w));
            }
        }
    }
}

static void tab_goes_round(void **state)
{
    (void)state;
    enum pane p = PANE_TREE;
    for (int i = 0; i < PANE_COUNT; i++)
        p = layout_next(p, 1);
    assert_int_equal(p, PANE_TREE);
    assert_int_equal(layout_next(PANE_TREE, -1), PANE_ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_screens_show_everything),
        cmocka_unit_test(rounds_take_the_tree_s_place_where_it_is_low),
        cmocka_unit_test(small_screens_show_the_focused_pane),
        cmocka_unit_test(tiny_screens_say_so),
        cmocka_unit_test(nothing_lies_outside_the_screen),
        cmocka_unit_test(tab_goes_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
