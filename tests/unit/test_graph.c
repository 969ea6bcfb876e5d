/* Graphs: scales that hold still, and golden pictures in each of the three alphabets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/ui/graph.h"

static void shows(const struct canvas *c, const char *expected)
{
    struct buf b = {0};
    canvas_text(c, &b);
    assert_string_equal(buf_text(&b), expected);
    buf_clear(&b);
}

static void scales_are_round_and_hold_still(void **state)
{
    (void)state;
    struct graph_scale s = {0};
    graph_scale(&s, 0, 5892);
    assert_true(fabs(s.high - 6000) < 1e-6);
    assert_true(fabs(s.step - 2000) < 1e-6);
    graph_scale(&s, 0, 3000);
    assert_true(fabs(s.high - 6000) < 1e-6); /* still more than 0.4 of it: kept */
    graph_scale(&s, 0, 2000);
    assert_true(fabs(s.high - 2000) < 1e-6);
    graph_scale(&s, 0, 2001);
    assert_true(fabs(s.high - 3000) < 1e-6);
    s = (struct graph_scale){0};
    graph_scale(&s, 0, 0);
    assert_true(s.high > s.low && s.step > 0);
    s = (struct graph_scale){0};
    graph_scale(&s, NAN, INFINITY);
    assert_true(s.high > s.low && s.step > 0);
    s = (struct graph_scale){0};
    graph_scale(&s, 0, 0.0037);
    assert_true(fabs(s.high - 0.004) < 1e-9);
}

static void label_is(double value, double step, const char *expected)
{
    char label[32];
    graph_label(label, sizeof(label), value, step);
    assert_string_equal(label, expected);
}

static void labels_are_short(void **state)
{
    (void)state;
    label_is(0, 2000, "0");
    label_is(6000, 2000, "6k");
    label_is(2500, 500, "2.5k");
    label_is(0.75, 0.25, "0.75");
    label_is(12e6, 2e6, "12M");
    label_is(500, 500, "500");
}

static const double wave[] = {1, 2, 3, 4, NAN, 2, 2, 8, 8, 1};

static void draw(enum graph_kind kind, const char *expected)
{
    struct graph_series series = {wave, ARRAY_LEN(wave), STYLE_GRAPH1};
    struct graph_line lines[] = {{4, GRAPH_DOTTED, STYLE_REFERENCE},
                                 {8, GRAPH_DASHED, STYLE_REFERENCE},
                                 {NAN, GRAPH_SOLID, STYLE_REFERENCE}};
    struct graph g = {
        .kind = kind, .series = &series, .n = 1, .lines = lines, .n_lines = 3, .title = "ms"};
    struct canvas *c = canvas_new(5, 18);
    c->ascii = kind == GRAPH_ASCII;
    canvas_rune(c, 4, 17, STYLE_NORMAL, '.');
    graph_draw(c, (struct rect){0, 0, 4, 18}, &g);
    shows(c, expected);
    canvas_free(c);
}

static void braille_picture(void **state)
{
    (void)state;
    draw(GRAPH_BRAILLE, "ms 8 ┤⠉⠉  ⠉⠉  ⠉⠉⢸⡇\n"
                        "     │⡀ ⡀ ⡀ ⡀ ⣀ ⡸⢇\n"
                        "     │       ⢀⠎⢀⡇⢸\n"
                        "   0 ┤       ⠊   ⠘\n"
                        "                 .\n");
}

static void block_picture(void **state)
{
    (void)state;
    draw(GRAPH_BLOCK, "ms 8 ┤╌╌╌╌╌╌╌╌╌██╌\n"
                      "     │·····▁···██·\n"
                      "     │   ▁▅█ ▁▁██\n"
                      "   0 ┤  ▅███ ████▅\n"
                      "                 .\n");
}

static void ascii_picture(void **state)
{
    (void)state;
    draw(GRAPH_ASCII, "ms 8 +- - - - -**\n"
                      "     |. . .*. . .\n"
                      "     |   **  **\n"
                      "   0 +  *        *\n"
                      "                 .\n");
}

static void styles_tell_series_from_references(void **state)
{
    (void)state;
    struct graph_series series = {wave, ARRAY_LEN(wave), STYLE_GRAPH2};
    struct graph_line line = {8, GRAPH_SOLID, STYLE_REFERENCE};
    struct graph g = {.kind = GRAPH_BLOCK, .series = &series, .n = 1, .lines = &line, .n_lines = 1};
    struct canvas *c = canvas_new(4, 14);
    graph_draw(c, (struct rect){0, 0, 4, 14}, &g);
    assert_int_equal(canvas_style_at(c, 0, 5), STYLE_REFERENCE);
    assert_int_equal(canvas_style_at(c, 3, 13), STYLE_GRAPH2);
    canvas_free(c);
}

static void rows(void **state)
{
    (void)state;
    static const double v[] = {0, 1, NAN, 4, 8};
    struct graph_scale axis = {0, 20, 5};
    struct canvas *c = canvas_new(7, 21);
    graph_spark(c, 0, 0, 8, GRAPH_BRAILLE, STYLE_GRAPH1, v, 5, 0);
    graph_spark(c, 1, 0, 4, GRAPH_ASCII, STYLE_GRAPH1, v, 5, 8);
    graph_bar(c, 2, 0, 8, GRAPH_BLOCK, STYLE_GRAPH1, 0.55);
    graph_bar(c, 3, 0, 8, GRAPH_ASCII, STYLE_GRAPH1, 7);
    graph_interval(c, 4, 0, 21, GRAPH_BRAILLE, STYLE_GOOD, &axis, 5, 8, 11);
    graph_interval(c, 5, 0, 21, GRAPH_ASCII, STYLE_GOOD, &axis, 15, 19, 99);
    graph_interval(c, 6, 0, 21, GRAPH_BRAILLE, STYLE_GOOD, &axis, NAN, 2, NAN);
    graph_mark(c, 6, 0, 21, STYLE_REFERENCE, &axis, 20);
    shows(c, "   ▁▁ ▄█\n. =#\n████▍···\n########\n     ├──■──┤\n               |---#|\n  ■"
             "                 ┆\n");
    canvas_free(c);
}

static void no_size_and_no_value_breaks_it(void **state)
{
    (void)state;
    static const double odd[] = {INFINITY, -INFINITY, NAN, 1e308, -1e308, 0, 5e-324};
    struct canvas *c = canvas_new(6, 12);
    for (int k = GRAPH_BRAILLE; k <= GRAPH_ASCII; k++) {
        for (size_t n = 0; n <= ARRAY_LEN(odd); n++) {
            for (int size = -1; size < 14; size++) {
                struct graph_series s = {odd, n, STYLE_GRAPH1};
                struct graph g = {.kind = (enum graph_kind)k, .series = &s, .n = 1, .title = "TPS"};
                graph_draw(c, (struct rect){0, 0, size, size}, &g);
                graph_spark(c, 1, 1, size, (enum graph_kind)k, STYLE_GRAPH1, odd, n, 0);
                graph_bar(c, 1, 1, size, (enum graph_kind)k, STYLE_GRAPH1, n ? odd[n - 1] : 0);
            }
        }
    }
    assert_int_equal(canvas_at(c, 5, 11)->width, 1);
    canvas_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_are_round_and_hold_still),
        cmocka_unit_test(labels_are_short),
        cmocka_unit_test(braille_picture),
        cmocka_unit_test(block_picture),
        cmocka_unit_test(ascii_picture),
        cmocka_unit_test(styles_tell_series_from_references),
        cmocka_unit_test(rows),
        cmocka_unit_test(no_size_and_no_value_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
