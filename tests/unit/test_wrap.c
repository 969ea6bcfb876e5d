/* Wrapped text, scrolling and frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/ui/list.h"

static void wraps(const char *text, int width, const char *expected)
{
    struct wrap w = {.text = text, .width = width};
    const char *line = NULL;
    size_t len = 0;
    struct buf out = {0};
    while (wrap_next(&w, &line, &len)) {
        buf_append(&out, line, len);
        buf_putc(&out, '|');
    }
    assert_string_equal(buf_text(&out), expected);
    buf_clear(&out);
}

static void text_breaks_at_words(void **state)
{
    (void)state;
    wraps("the disk has room", 8, "the disk|has room|");
    wraps("the disk has room", 9, "the disk|has room|");
    wraps("the disk has room", 7, "the|disk|has|room|");
    wraps("max_wal_size is it", 5, "max_w|al_si|ze is|it|");
    wraps("a\n\nb", 5, "a||b|");
    wraps("ab   \ncd", 2, "ab|cd|");
    wraps("", 5, "|");
    wraps("日本語の", 5, "日本|語の|");
    wraps("日", 1, "日|");
    wraps("x", 0, "");
    assert_int_equal(wrap_count("one two three", 5), 3);
}

static void drawn_text_can_be_scrolled(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(3, 10);
    assert_int_equal(wrap_draw(c, (struct rect){0, 1, 2, 5}, STYLE_AI, "one two three four", 1), 4);
    assert_true(canvas_row_has(c, 0, " two"));
    assert_true(canvas_row_has(c, 1, " three"));
    assert_false(canvas_has(c, "four"));
    assert_int_equal(canvas_style_at(c, 0, 1), STYLE_AI);
    canvas_free(c);
}

static void the_cursor_stays_in_view(void **state)
{
    (void)state;
    assert_int_equal(list_scroll(0, 5, 5, 20), 1);
    assert_int_equal(list_scroll(10, 5, 5, 20), 5);
    assert_int_equal(list_scroll(18, -1, 5, 20), 15);
    assert_int_equal(list_scroll(-3, -1, 5, 20), 0);
    assert_int_equal(list_scroll(4, -1, 5, 3), 0);
}

static void the_keys_of_a_list_move_its_cursor(void **state)
{
    static const struct {
        struct key key;
        int from, to;
    } moves[] = {
        {{KEYN_UP, 0}, 5, 4},       {{KEYN_NONE, 'k'}, 0, 0}, {{KEYN_DOWN, 0}, 5, 6},
        {{KEYN_NONE, 'j'}, 29, 29}, {{KEYN_PGUP, 0}, 12, 2},  {{KEYN_PGDN, 0}, 25, 29},
        {{KEYN_HOME, 0}, 9, 0},     {{KEYN_NONE, 'g'}, 9, 0}, {{KEYN_END, 0}, 9, 29},
        {{KEYN_NONE, 'G'}, 9, 29},
    };
    int cursor = 40;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
        int at = moves[i].from;
        assert_true(list_move(&at, moves[i].key, 30));
        assert_int_equal(at, moves[i].to);
    }
    assert_false(list_move(&cursor, (struct key){KEYN_ENTER, 0}, 30));
    assert_int_equal(cursor, 29);
    assert_false(list_move(&cursor, (struct key){KEYN_CTRL, 'k'}, 30));
    assert_int_equal(cursor, 29);
    assert_true(list_move(&cursor, (struct key){KEYN_END, 0}, 0));
    assert_int_equal(cursor, 0);
}

static void dialogs_are_framed_and_cut_to_the_screen(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(5, 20);
    canvas_fill(c, canvas_area(c), STYLE_BAD);
    struct rect in = list_dialog(c, canvas_area(c), 99, 3, "Quit",
                                 "y yes  n no  Esc stay here please");
    assert_int_equal(in.h, 1);
    assert_int_equal(in.w, 18);
    assert_true(canvas_row_has(c, 1, "┌ Quit ────────────┐"));
    assert_true(canvas_row_has(c, 3, "└ y yes  n no ─────┘"));
    assert_int_equal(canvas_style_at(c, 3, 2), STYLE_KEY);
    assert_int_equal(canvas_style_at(c, 3, 4), STYLE_NORMAL);
    assert_int_equal(canvas_style_at(c, 2, 5), STYLE_NORMAL);
    canvas_free(c);
}

static void hidden_rows_are_counted(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(2, 20);
    list_more(c, canvas_area(c), 0, 2);
    assert_false(canvas_has(c, "more"));
    list_more(c, canvas_area(c), 0, 7);
    assert_true(canvas_row_has(c, 1, "▾ 5 more"));
    canvas_clear(c);
    list_more(c, canvas_area(c), 5, 7);
    assert_true(canvas_row_has(c, 1, "▴ 5 above"));
    canvas_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_breaks_at_words),
        cmocka_unit_test(drawn_text_can_be_scrolled),
        cmocka_unit_test(the_cursor_stays_in_view),
        cmocka_unit_test(the_keys_of_a_list_move_its_cursor),
        cmocka_unit_test(dialogs_are_framed_and_cut_to_the_screen),
        cmocka_unit_test(hidden_rows_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
