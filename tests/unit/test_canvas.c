/* The cell grid: clipping, wide characters, cleaning, joined lines, 7-bit output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/ui/canvas.h"
#include "pgd/ui/palette.h"

static void shows(const struct canvas *c, const char *expected)
{
    struct buf b = {0};
    canvas_text(c, &b);
    assert_string_equal(buf_text(&b), expected);
    buf_clear(&b);
}

static void text_is_cut_at_its_width(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(3, 10);
    assert_int_equal(canvas_put(c, 0, 2, -1, STYLE_GOOD, "shared_buffers"), 8);
    assert_int_equal(canvas_put_cut(c, 1, 0, 6, STYLE_NORMAL, "work_mem"), 6);
    assert_int_equal(canvas_put_right(c, 2, 0, 8, STYLE_NORMAL, "41 MB"), 8);
    shows(c, "  shared_b\nwork_…\n   41 MB\n");
    assert_int_equal(canvas_style_at(c, 0, 2), STYLE_GOOD);
    assert_int_equal(canvas_style_at(c, 0, 1), STYLE_NORMAL);
    assert_int_equal(canvas_put(c, 9, 0, -1, STYLE_NORMAL, "below"), 0);
    assert_int_equal(canvas_put(c, -1, 0, -1, STYLE_NORMAL, "above"), 0);
    canvas_put(c, 1, -3, -1, STYLE_NORMAL, "abcdefghijklmnop");
    assert_true(canvas_row_has(c, 1, "defghijklm"));
    assert_false(canvas_row_has(c, 1, "c"));
    canvas_free(c);
}

static void wide_characters_are_kept_whole(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(1, 5);
    assert_int_equal(canvas_put(c, 0, 0, 5, STYLE_NORMAL, "日本語"), 4);
    assert_int_equal(canvas_at(c, 0, 0)->width, 2);
    assert_int_equal(canvas_at(c, 0, 1)->width, 0);
    shows(c, "日本\n");
    canvas_put(c, 0, 1, 1, STYLE_NORMAL, "x");
    shows(c, " x本\n");
    canvas_put(c, 0, 2, 1, STYLE_NORMAL, "y");
    shows(c, " xy\n");
    canvas_put(c, 0, 0, -1, STYLE_NORMAL, "e\xcc\x81t");
    assert_int_equal(canvas_at(c, 0, 0)->mark, 0x301);
    shows(c, "e\xcc\x81ty\n");
    canvas_free(c);
}

static void nothing_drives_the_terminal(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(1, 40);
    canvas_put(c, 0, 0, -1, STYLE_NORMAL,
               "a\033[2Jb\tc\nd\x7f\xc2\x9b"
               "e\xe2\x80\xae"
               "f\xff"
               "g");
    shows(c, "a�[2Jb c d��e�f�g\n");
    canvas_clear(c);
    canvas_rune(c, 0, 0, STYLE_NORMAL, 0x1b);
    shows(c, "�\n");
    canvas_free(c);
}

static void clips_nest(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(3, 8);
    struct rect all = canvas_clip(c, (struct rect){1, 2, 1, 4});
    struct rect pane = canvas_clip(c, (struct rect){0, 0, 3, 4});
    canvas_put(c, 0, 0, -1, STYLE_NORMAL, "xxxxxxxx");
    canvas_put(c, 1, 0, -1, STYLE_NORMAL, "abcdefgh");
    canvas_unclip(c, pane);
    canvas_put(c, 1, 4, -1, STYLE_NORMAL, "日日");
    canvas_unclip(c, all);
    canvas_put(c, 2, 0, -1, STYLE_NORMAL, "open");
    shows(c, "\n  cd日\nopen\n");
    canvas_fill(c, (struct rect){-5, -5, 100, 100}, STYLE_STATUS);
    shows(c, "\n\n\n");
    assert_int_equal(canvas_style_at(c, 2, 7), STYLE_STATUS);
    canvas_free(c);
}

static void lines_join(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(4, 12);
    canvas_box(c, (struct rect){0, 0, 4, 12}, STYLE_BORDER, "AI", STYLE_TITLE);
    canvas_vline(c, 0, 8, 4, STYLE_BORDER);
    canvas_hline(c, 2, 0, 9, STYLE_BORDER);
    shows(c, "┌ AI ───┬──┐\n│       │  │\n├───────┤  │\n└───────┴──┘\n");
    assert_int_equal(canvas_style_at(c, 0, 2), STYLE_TITLE);
    c->ascii = true;
    shows(c, "+ AI ---+--+\n|       |  |\n+-------+  |\n+-------+--+\n");
    canvas_free(c);
}

static void seven_bit_output_has_look_alikes(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(1, 20);
    c->ascii = true;
    canvas_put(c, 0, 0, -1, STYLE_NORMAL, "▸ ● 4 … 日本 é e\xcc\x81");
    shows(c, "> * 4 . ? ?  ? e\n");
    canvas_free(c);
}

static void the_cursor_stays_inside(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(2, 4);
    canvas_cursor(c, 1, 3);
    assert_int_equal(c->cursor_x, 3);
    canvas_cursor(c, 1, 4);
    assert_int_equal(c->cursor_x, -1);
    canvas_resize(c, 0, 999999);
    assert_int_equal(c->rows, 1);
    assert_int_equal(c->cols, 1000);
    canvas_free(c);
}

static void every_role_has_a_look_in_every_theme(void **state)
{
    (void)state;
    int themes = 0;
    for (const struct theme *t; (t = theme_at(themes)) != NULL; themes++) {
        assert_ptr_equal(theme_find(t->name), t);
        for (int s = 0; s < STYLE_COUNT; s++) {
            assert_in_range(t->looks[s].fg + 1, 0, 256);
            assert_in_range(t->looks[s].bg + 1, 0, 256);
            assert_in_range(t->looks[s].fg8 + 1, 0, 8);
        }
        /* What must be seen without colour differs from plain text by an attribute. */
        assert_true(t->looks[STYLE_SELECTED].mono != 0);
        assert_true(t->looks[STYLE_BAD].mono != 0);
        assert_true(t->looks[STYLE_STATUS_ALERT].mono != t->looks[STYLE_STATUS].mono);
    }
    assert_int_equal(themes, 5);
    assert_null(theme_find("rainbow"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_at_its_width),
        cmocka_unit_test(wide_characters_are_kept_whole),
        cmocka_unit_test(nothing_drives_the_terminal),
        cmocka_unit_test(clips_nest),
        cmocka_unit_test(lines_join),
        cmocka_unit_test(seven_bit_output_has_look_alikes),
        cmocka_unit_test(the_cursor_stays_inside),
        cmocka_unit_test(every_role_has_a_look_in_every_theme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
