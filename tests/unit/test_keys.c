/* Terminal input: every way a key, a paste or a terminal's answer can arrive, in any pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/ui/keys.h"

/* The keys of the bytes as text: "Up a Ctrl-C <pasted>", with a pause (idle) at the end. */
static void reads_in(const char *bytes, size_t n, size_t piece, const char *expected)
{
    struct keys k = {0};
    struct buf out = {0}, paste = {0};
    struct key key;
    for (size_t at = 0;;) {
        bool idle = at >= n;
        if (!idle) {
            size_t take = n - at < piece ? n - at : piece;
            assert_int_equal(keys_feed(&k, bytes + at, take), take);
            at += take;
        }
        for (enum keys_got got; (got = keys_next(&k, idle, &key, &paste)) != KEYS_NOTHING;) {
            char name[32];
            key_text(key, name, sizeof(name));
            if (out.len)
                buf_putc(&out, ' ');
            if (got == KEYS_PASTE)
                buf_printf(&out, "<%s>", buf_text(&paste));
            else if (key.name != KEYN_NONE && key.name != KEYN_CTRL && key.rune)
                buf_printf(&out, "%u+%s", key.rune, name);
            else
                buf_puts(&out, name);
            buf_clear(&paste);
        }
        if (idle)
            break;
    }
    assert_false(keys_waiting(&k));
    assert_string_equal(buf_text(&out), expected);
    buf_clear(&out);
    keys_clear(&k);
}

static void reads(const char *bytes, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(bytes); piece++)
        reads_in(bytes, strlen(bytes), piece, expected);
}

static void plain_keys(void **state)
{
    (void)state;
    reads("aé日 \x03\x1a\r\t\x7f\b\n",
          "a é 日 Space Ctrl-C Ctrl-Z Enter Tab Backspace Backspace Ctrl-J");
    reads_in("\0", 1, 1, "Ctrl- ");
    reads("\x1d", "Ctrl-]");
}

static void named_keys(void **state)
{
    (void)state;
    reads("\033[A\033[B\033[C\033[D\033OA\033OH\033OF", "Up Down Right Left Up Home End");
    reads("\033[1~\033[4~\033[7~\033[8~\033[2~\033[3~\033[5~\033[6~",
          "Home End Home End Insert Delete PgUp PgDn");
    reads("\033OP\033[11~\033[[A\033[Z", "F1 F1 F1 Shift-Tab");
    reads("\033[1;5C\033[1;5D\033[1;2A", "4+Right 4+Left 1+Up");
    reads("\033OQ\033OR\033OS\033[12~\033[15~\033[17~\033[21~\033[24~\033[16~",
          "F2 F3 F4 F2 F5 F6 F10 F12");
    reads("\033b\033f\033d\033\r\033[13;2u", "98+Alt-b 102+Alt-f 100+Alt-d 2+Enter 1+Enter");
}

static void the_mouse(void **state)
{
    (void)state;
    reads("\033[<0;1;1M\033[<0;1;1m\033[<64;3;2M\033[<65;3;2M\033[<2;3;2M\033[<32;3;2Mx",
          "Click 65538+WheelUp 65538+WheelDown x");
    reads("\033[<80;3;2M\033[<;;M\033[<0;0;0M\033[<0M\033[<99999999;1;1Mx", "65538+WheelUp x");
}

static void a_lone_escape_waits_for_the_delay(void **state)
{
    (void)state;
    struct keys k = {0};
    struct key key;
    struct buf paste = {0};
    keys_feed(&k, "\033", 1);
    assert_int_equal(keys_next(&k, false, &key, &paste), KEYS_NOTHING);
    assert_true(keys_waiting(&k));
    assert_int_equal(keys_next(&k, true, &key, &paste), KEYS_KEY);
    assert_int_equal(key.name, KEYN_ESC);
    keys_clear(&k);
    reads_in("\033q", 2, 2, "Esc q");
    reads_in("\033\033", 2, 1, "Esc Esc");
    reads_in("\033[", 2, 2, "Esc [");
}

static void unknown_sequences_leave_no_letters(void **state)
{
    (void)state;
    reads("\033[15~a\033[1;5Rb\033[I\033[Oc\033[?2026;1$yd\033[<35;10;20Mx", "F5 a b c d x");
    reads("\033]52;c;YWFh\007a\033]11;rgb:00/00/00\033\\b\033P1$r0m\033\\c", "a b c");
    reads_in("\033[12;3", 6, 6, ""); /* cut short by a slow line: dropped */
    reads("\xff\xfe"
          "a\xc2\x9bz",
          "a z");
}

static void pastes_are_verbatim(void **state)
{
    (void)state;
    reads("x\033[200~select 1;\r\n-- \033[A é\rq\033[201~y", "x <select 1;\n-- \033[A é\nq> y");
    reads("\033[200~\033[201~", "<>");
    /* A paste whose end never comes is given after the delay, and keys are keys again. */
    reads_in("\033[200~lost", 10, 10, "<lost>");
}

static void long_pastes_are_cut(void **state)
{
    (void)state;
    struct keys k = {0};
    struct key key;
    struct buf paste = {0};
    char block[1000];
    memset(block, 'p', sizeof(block));
    keys_feed(&k, "\033[200~", 6);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(keys_next(&k, false, &key, &paste), KEYS_NOTHING);
        assert_int_equal(keys_feed(&k, block, sizeof(block)), sizeof(block));
    }
    keys_next(&k, false, &key, &paste);
    keys_feed(&k, "\033[201~z", 7);
    assert_int_equal(keys_next(&k, false, &key, &paste), KEYS_PASTE);
    assert_int_equal(paste.len, KEYS_PASTE_MAX);
    assert_int_equal(keys_next(&k, false, &key, &paste), KEYS_KEY);
    assert_int_equal(key.rune, 'z');
    buf_clear(&paste);
    keys_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_keys),
        cmocka_unit_test(named_keys),
        cmocka_unit_test(the_mouse),
        cmocka_unit_test(a_lone_escape_waits_for_the_delay),
        cmocka_unit_test(unknown_sequences_leave_no_letters),
        cmocka_unit_test(pastes_are_verbatim),
        cmocka_unit_test(long_pastes_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
