/* The line editor and the prompt built on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/keys.h"
#include "pgd/ui/prompt.h"

static char text[64];
static int len, at;

static struct editor fresh(const char *start, bool area)
{
    struct editor ed = {
        .text = text, .size = sizeof(text), .len = &len, .at = &at, .is_area = area};
    editor_set(&ed, start);
    return ed;
}

/* Types the characters; "^X" is Ctrl-X, "<" ">" "{" "}" are Left, Right, word left and word right. */
static enum editor_did type(struct editor *ed, const char *s)
{
    enum editor_did did = EDITOR_IGNORED;
    for (; *s; s++) {
        struct key k = {.rune = (unsigned char)*s};
        if (*s == '^')
            k = (struct key){KEYN_CTRL, (uint32_t)(*++s | 0x20)};
        else if (strchr("<>{}", *s))
            k = (struct key){*s == '<' || *s == '{' ? KEYN_LEFT : KEYN_RIGHT,
                             *s == '{' || *s == '}' ? KEY_MOD_CTRL : 0};
        did = editor_key(ed, k);
    }
    return did;
}

static void edits_like_a_shell(void **state)
{
    (void)state;
    struct editor ed = fresh("", false);
    assert_int_equal(type(&ed, "work_mem 4MB"), EDITOR_CHANGED);
    type(&ed, "^aset ");
    assert_string_equal(text, "set work_mem 4MB");
    type(&ed, "}^d^d=");
    assert_string_equal(text, "set work_mem=MB");
    type(&ed, "^k64MB");
    assert_string_equal(text, "set work_mem=64MB");
    type(&ed, "{{^w");
    assert_string_equal(text, "work_mem=64MB");
    type(&ed, "^e^w");
    assert_string_equal(text, "work_mem=");
    type(&ed, "<^u");
    assert_string_equal(text, "=");
    assert_int_equal(at, 0);
    assert_int_equal(type(&ed, "^c"), EDITOR_IGNORED);
    assert_int_equal(editor_key(&ed, (struct key){.name = KEYN_ENTER}), EDITOR_SUBMIT);
    assert_int_equal(editor_key(&ed, (struct key){.name = KEYN_ESC}), EDITOR_CANCEL);
}

static void characters_stay_whole(void **state)
{
    (void)state;
    struct editor ed = fresh("日é", false);
    assert_int_equal(len, 5);
    editor_key(&ed, (struct key){.name = KEYN_LEFT});
    assert_int_equal(at, 3);
    editor_key(&ed, (struct key){.name = KEYN_BACKSPACE});
    assert_string_equal(text, "é");
    editor_key(&ed, (struct key){.rune = 0x672c});
    assert_string_equal(text, "本é");
    editor_key(&ed, (struct key){.name = KEYN_DELETE});
    assert_string_equal(text, "本");
}

static void length_is_bounded(void **state)
{
    (void)state;
    struct editor ed = fresh("", false);
    for (int i = 0; i < 100; i++)
        editor_key(&ed, (struct key){.rune = 0x65e5});
    assert_int_equal(len, 63);
    assert_int_equal(strlen(text), 63);
    assert_false(editor_insert(&ed, "x", 1));
    assert_int_equal(type(&ed, "x"), EDITOR_MOVED);
}

static void pastes_keep_lines_and_nothing_else(void **state)
{
    (void)state;
    struct editor ed = fresh("", false);
    assert_true(editor_insert(&ed, "a\nb\tc\033[2J\xff\0d", 12));
    assert_string_equal(text, "a\nb c[2Jd");
    struct canvas *c = canvas_new(1, 20);
    int x = 0;
    editor_draw(&ed, c, 0, 2, 18, STYLE_NORMAL, &x);
    assert_true(canvas_row_has(c, 0, "  a↵b c[2Jd"));
    assert_int_equal(x, 11);
    canvas_clear(c);
    editor_draw(&ed, c, 0, 0, 4, STYLE_NORMAL, &x);
    assert_int_equal(x, 3);
    assert_true(canvas_row_has(c, 0, "2Jd"));
    canvas_free(c);
}

static void areas_move_by_lines(void **state)
{
    (void)state;
    struct editor ed = fresh("select 1;\nab\nselect 2;", true);
    assert_int_equal(editor_key(&ed, (struct key){.name = KEYN_UP}), EDITOR_MOVED);
    assert_int_equal(at, 12); /* the shorter line's end */
    editor_key(&ed, (struct key){.name = KEYN_UP});
    assert_int_equal(at, 2);
    assert_int_equal(editor_key(&ed, (struct key){.name = KEYN_UP}), EDITOR_IGNORED);
    editor_key(&ed, (struct key){.name = KEYN_ENTER});
    assert_string_equal(text, "se\nlect 1;\nab\nselect 2;");
    assert_int_equal(type(&ed, "^d"), EDITOR_SUBMIT);
    struct canvas *c = canvas_new(4, 10);
    int y = 0, x = 0;
    editor_draw_area(&ed, c, (struct rect){1, 1, 2, 8}, STYLE_CODE, &y, &x);
    assert_true(canvas_row_has(c, 1, " se"));
    assert_true(canvas_row_has(c, 2, " lect 1;"));
    assert_false(canvas_has(c, "ab"));
    assert_int_equal(y, 2);
    assert_int_equal(x, 1);
    canvas_free(c);
}

static int complete(const void *arg, const char *typed, char out[][64], int max)
{
    static const char *const all[] = {"/resume ", "/restart ", "/help "};
    int n = 0;
    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(all) && n < max; i++)
        if (strncmp(all[i], typed, strlen(typed)) == 0)
            text_copy(out[n++], 64, all[i]);
    return n;
}

static enum prompt_did press(struct prompt *p, enum key_name name)
{
    return prompt_key(p, (struct key){.name = name}, complete, NULL);
}

static void say(struct prompt *p, const char *s)
{
    for (; *s; s++)
        prompt_key(p, (struct key){.rune = (unsigned char)*s}, complete, NULL);
}

static void history_is_searched_by_what_was_typed(void **state)
{
    (void)state;
    struct prompt *p = xcalloc(1, sizeof(*p));
    p->history_at = -1;
    prompt_remember(p, "/status");
    prompt_remember(p, "why 16 GB?");
    prompt_remember(p, "/resume");
    prompt_remember(p, "/resume");
    assert_int_equal(p->nhistory, 3);
    say(p, "/");
    press(p, KEYN_UP);
    assert_string_equal(p->text, "/resume");
    press(p, KEYN_UP);
    assert_string_equal(p->text, "/status");
    press(p, KEYN_UP);
    assert_string_equal(p->text, "/status");
    press(p, KEYN_DOWN);
    press(p, KEYN_DOWN);
    assert_string_equal(p->text, "/");
    assert_int_equal(press(p, KEYN_ENTER), PROMPT_SUBMIT);
    prompt_take(p);
    assert_int_equal(p->len, 0);
    assert_int_equal(p->nhistory, 4);
    for (int i = 0; i < HISTORY_LINES + 20; i++) {
        char line[16];
        snprintf(line, sizeof(line), "line %d", i);
        prompt_remember(p, line);
    }
    assert_int_equal(p->nhistory, HISTORY_LINES);
    for (int i = 0; i < p->nhistory; i++)
        free(p->history[i]);
    free(p);
}

static void tab_completes(void **state)
{
    (void)state;
    struct prompt *p = xcalloc(1, sizeof(*p));
    p->history_at = -1;
    say(p, "/r");
    assert_int_equal(p->ncompletion, 2);
    press(p, KEYN_TAB);
    assert_string_equal(p->text, "/res");
    press(p, KEYN_TAB);
    assert_string_equal(p->text, "/resume ");
    press(p, KEYN_TAB);
    assert_string_equal(p->text, "/restart ");
    press(p, KEYN_BACKTAB);
    assert_string_equal(p->text, "/resume ");
    assert_int_equal(press(p, KEYN_ESC), PROMPT_HANDLED);
    assert_int_equal(p->len, 0);
    assert_int_equal(press(p, KEYN_ESC), PROMPT_CANCEL);
    say(p, "plain");
    assert_int_equal(press(p, KEYN_TAB), PROMPT_IGNORED);
    prompt_paste(p, " a\nb", 4);
    assert_string_equal(p->text, "plain a\nb");
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_like_a_shell),
        cmocka_unit_test(characters_stay_whole),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(pastes_keep_lines_and_nothing_else),
        cmocka_unit_test(areas_move_by_lines),
        cmocka_unit_test(history_is_searched_by_what_was_typed),
        cmocka_unit_test(tab_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
