/* UTF-8 at the border: what a terminal could be driven with never gets through, and the formats. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/err.h"
#include "pgd/base/key.h"
#include "pgd/base/text.h"

#define FFFD "\xef\xbf\xbd"

static void decodes_what_it_encodes(void **state)
{
    (void)state;
    for (uint32_t rune = 0; rune <= 0x10ffff; rune++) {
        char bytes[4];
        size_t n = text_encode(rune, bytes);
        uint32_t back = 0;
        assert_int_equal(text_decode(bytes, n, &back), n);
        bool surrogate = rune >= 0xd800 && rune <= 0xdfff;
        assert_int_equal(back, surrogate ? 0xfffd : rune);
    }
}

static void decode_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",
        "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xc3",         "\xe2\x82",         "\xf0\x9f\x98",     "\xc3(",
        "\xe2\x28\xa1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t rune = 0;
        assert_int_equal(text_decode(bad[i], strlen(bad[i]), &rune), 1);
        assert_int_equal(rune, 0xfffd);
    }
    uint32_t rune = 7;
    assert_int_equal(text_decode("a", 0, &rune), 0);
    assert_int_equal(text_decode("\xe2\x82\xac", 3, &rune), 3);
    assert_int_equal(rune, 0x20ac);
    assert_int_equal(text_decode("\xe2\x82\xac", 2, &rune), 1);
    assert_int_equal(rune, 0xfffd);
}

static void unsafe_runes(void **state)
{
    (void)state;
    static const uint32_t unsafe[][2] = {
        {0, 0x1f},
        {0x7f, 0x9f},
        {0x200b, 0x200f},
        {0x202a, 0x202e},
        {0x2060, 0x2069},
        {0xfeff, 0xfeff},
        {0xfff9, 0xfffb},
        {0xe0000, 0xe007f},
        {0xd800, 0xdfff},
        {0xfdd0, 0xfdef},
        {0xfffe, 0xffff},
        {0x1fffe, 0x1ffff},
        {0x10fffe, 0x10ffff},
        {0x110000, 0x110010},
    };
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
        for (uint32_t rune = unsafe[i][0]; rune <= unsafe[i][1]; rune++)
            assert_false(text_rune_safe(rune));
    static const uint32_t safe[] = {0x20,   0x7e,   0xa0,    0xe9,    0x2010,
                                    0x20ac, 0x2500, 0x28ff,  0x4e00,  0xfdcf,
                                    0xfdf0, 0xfffd, 0x1f600, 0xe0100, 0x10fffd};
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        assert_true(text_rune_safe(safe[i]));
}

static void widths(void **state)
{
    (void)state;
    static const struct {
        uint32_t rune;
        int width;
    } rows[] = {
        {'a', 1},     {0xe9, 1},    {0x301, 0},   {0x20dd, 0},   {0x1100, 2},     {0x1161, 0},
        {0x11a8, 0},  {0x231a, 2},  {0x2500, 1},  {0x2588, 1},   {0x28ff, 1},     {0x3000, 2},
        {0x3042, 2},  {0x4e2d, 2},  {0x9fff, 2},  {0xac00, 2},   {0xd7a3, 2},     {0xfe0f, 0},
        {0xff01, 2},  {0xff61, 1},  {0xffe0, 2},  {0xfffd, 1},   {0x1f600, 2},    {0x1f680, 2},
        {0x1fae8, 2}, {0x20000, 2}, {0x3fffd, 2}, {0xe0100, 0},  {0x25cf, 1},     {0x25b2, 1},
        {0x2714, 1},  {0x2705, 2},  {0x1b, 1},    {0x200b, 1},   {0x378, 1},      {0x0e31, 0},
        {0x2fffe, 1}, {0x303f, 1},  {0x1f1e6, 1}, {0x10ffff, 1}, {0xffffffff, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (text_rune_width(rows[i].rune) != rows[i].width)
            fail_msg("U+%04X: %d", rows[i].rune, text_rune_width(rows[i].rune));
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("e\xcc\x81"), 1);
    assert_int_equal(text_width("\xe4\xb8\xad\xe6\x96\x87 ok"), 7);
    assert_int_equal(text_width("\xff\xfe"), 2);
}

static void fits(void **state)
{
    (void)state;
    assert_int_equal(text_fit("abc", 0), 0);
    assert_int_equal(text_fit("abc", -5), 0);
    assert_int_equal(text_fit("abc", 2), 2);
    assert_int_equal(text_fit("abc", 9), 3);
    assert_int_equal(text_fit("\xe4\xb8\xad\xe6\x96\x87", 3), 3);
    /* A mark stays with the letter before it. */
    assert_int_equal(text_fit("ae\xcc\x81x", 2), 4);
}

static void copies_clean(void **state)
{
    (void)state;
    char dst[64];
    assert_true(text_copy(dst, sizeof dst, "a\tb\nc"));
    assert_string_equal(dst, "a b c");
    assert_true(text_copy(dst, sizeof dst, "\x1b[31mred\x07\x7f\xc2\x9b"));
    assert_string_equal(dst, FFFD "[31mred" FFFD FFFD FFFD);
    assert_true(text_copy(dst, sizeof dst, "x\xe2\x80\xaey\xff"));
    assert_string_equal(dst, "x" FFFD "y" FFFD);
}

static void cuts_at_a_character(void **state)
{
    (void)state;
    char dst[8];
    assert_false(text_copy(dst, 6, "abcd\xc3\xa9"));
    assert_string_equal(dst, "abcd");
    assert_true(text_copy(dst, 7, "abcd\xc3\xa9"));
    assert_string_equal(dst, "abcd\xc3\xa9");
    assert_false(text_copy(dst, 1, "a"));
    assert_string_equal(dst, "");
    dst[0] = 'k';
    assert_false(text_copy(dst, 0, "a"));
    assert_int_equal(dst[0], 'k');

    assert_false(text_copy_raw(dst, 6, "abcd\xc3\xa9"));
    assert_string_equal(dst, "abcd");
    assert_true(text_copy_raw(dst, 7, "abcd\xc3\xa9"));
    assert_string_equal(dst, "abcd\xc3\xa9");
    assert_true(text_copy_raw(dst, sizeof dst, "a\x1b\tb"));
    assert_string_equal(dst, "a\x1b\tb");
}

static void compares_and_names(void **state)
{
    (void)state;
    assert_true(text_eq_nocase("On", "oN"));
    assert_false(text_eq_nocase("on", "ono"));
    assert_false(text_eq_nocase("ono", "on"));
    assert_false(text_eq_nocase("[", "{"));
    assert_true(text_is_ident("work_mem"));
    assert_true(text_is_ident("pg_stat_statements.max"));
    assert_true(text_is_ident("_a$1"));
    static const char *const bad[] = {"",    "1a",       "Work", "a b", "a;b",
                                      "a'b", "\xc3\xa9", ".a",   "a-b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_is_ident(bad[i]));
    char name[65];
    memset(name, 'a', 64);
    name[63] = '\0';
    assert_true(text_is_ident(name));
    name[63] = 'a';
    name[64] = '\0';
    assert_false(text_is_ident(name));
}

typedef void (*format_fn)(char *dst, size_t size, double value);

static void expect(format_fn fn, double value, const char *text)
{
    char dst[64];
    fn(dst, sizeof dst, value);
    assert_string_equal(dst, text);
    char cut[4];
    fn(cut, sizeof cut, value);
    assert_true(strlen(cut) < sizeof cut);
}

static void formats(void **state)
{
    (void)state;
    expect(text_bytes, 0, "0 B");
    expect(text_bytes, 1023, "1023 B");
    expect(text_bytes, 1024, "1 kB");
    expect(text_bytes, 128.0 * 1024 * 1024, "128 MB");
    expect(text_bytes, 9.8 * 1024 * 1024 * 1024, "9.8 GB");
    expect(text_bytes, 1024.0 * 1024 * 1024 - 1, "1 GB");
    expect(text_bytes, 1.5 * 1024 * 1024 * 1024 * 1024, "1.5 TB");
    expect(text_bytes, -2048, "-2 kB");
    expect(text_bytes, (double)NAN, "-");
    expect(text_grouped, 4502, "4 502");
    expect(text_grouped, 999, "999");
    expect(text_grouped, 999.6, "1 000");
    expect(text_grouped, 1234567, "1 234 567");
    expect(text_grouped, -1234567, "-1 234 567");
    expect(text_grouped, -123, "-123");
    expect(text_grouped, 2.25, "2.3");
    expect(text_grouped, 0, "0");
    expect(text_grouped, -0.01, "0");
    expect(text_grouped, 1e300, "> 1e15");
    expect(text_percent, 1.172, "+17.2 %");
    expect(text_percent, 0.9, "-10.0 %");
    expect(text_percent, 1, "+0.0 %");
    expect(text_percent, 0.99999, "+0.0 %");
    expect(text_age, 41.9, "41 s");
    expect(text_age, 60, "1 min");
    expect(text_age, 7300, "2 h");
    expect(text_age, 3 * 86400.0 + 5, "3 d");
    expect(text_age, -4, "0 s");
}

static void intervals_have_two_ends(void **state)
{
    (void)state;
    char text[80];

    text_interval(text, sizeof text, 0.05, 0.09, 0);
    assert_string_equal(text, "-95 % to -91 %");
    text_interval(text, sizeof text, 0.9951, 1.0304, 1);
    assert_string_equal(text, "-0.5 % to +3.0 %");
    text_interval(text, sizeof text, 0.99999, 1, 1); /* no "-0.0 %" */
    assert_string_equal(text, "+0.0 % to +0.0 %");
    text_interval(text, sizeof text, NAN, INFINITY, 1);
    assert_string_equal(text, "- to -");
}

static void numbers_are_strict(void **state)
{
    (void)state;
    double d = 0;
    assert_true(text_double("1.5e3", &d) && d == 1500);
    assert_true(text_double("-.5", &d) && d == -0.5);
    assert_true(text_double("+7.", &d) && d == 7);
    int64_t i = 0;
    assert_true(text_int64("-9223372036854775808", &i) && i == INT64_MIN);
    assert_true(text_int64("+12", &i) && i == 12);
    static const char *const bad[] = {"",         " 1",   "1 ",  "1x",  "nan",  "inf",
                                      "Infinity", "0x10", "1,5", ".",   "e3",   "1e",
                                      "1e+",      "+",    "-",   "--1", "1e999"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        d = 42;
        assert_false(text_double(bad[k], &d));
        assert_true(d == 42);
        i = 42;
        assert_false(text_int64(bad[k], &i));
        assert_int_equal(i, 42);
    }
    assert_false(text_int64("9223372036854775808", &i));
    assert_false(text_int64("1.0", &i));
}

static void errors_fill_and_cut(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(err_set(&e, ERR_FILE, "no %s", "space"));
    err_detail(&e, "Detail %d.", 1);
    err_hint(&e, "Hint.");
    assert_int_equal(e.code, ERR_FILE);
    assert_string_equal(e.msg, "no space");
    assert_string_equal(e.detail, "Detail 1.");
    assert_false(err_set(&e, ERR_FILE, "cannot save: %s", e.msg));
    assert_string_equal(e.msg, "cannot save: no space");
    assert_string_equal(e.detail, "");
    assert_string_equal(e.hint, "");
    char longer[600];
    for (size_t i = 0; i + 2 < sizeof longer; i += 2)
        memcpy(longer + i, "\xc3\xa9", 3);
    err_set(&e, ERR_SQL, "x%s", longer);
    assert_int_equal(strlen(e.msg), 255);
    err_set(&e, ERR_SQL, "%s", longer);
    assert_int_equal(strlen(e.msg), 254);
    assert_false(err_set(NULL, ERR_SQL, "x"));
    err_clear(&e);
    assert_int_equal(e.code, ERR_NONE);
    assert_string_equal(err_code_name(ERR_VERIFY), "verify");
}

static void keys_have_names(void **state)
{
    (void)state;
    char dst[16];
    key_text((struct key){KEYN_CTRL, 'c'}, dst, sizeof dst);
    assert_string_equal(dst, "Ctrl-C");
    key_text((struct key){KEYN_NONE, 'a'}, dst, sizeof dst);
    assert_string_equal(dst, "a");
    key_text((struct key){KEYN_NONE, ' '}, dst, sizeof dst);
    assert_string_equal(dst, "Space");
    key_text((struct key){KEYN_NONE, 0x20ac}, dst, sizeof dst);
    assert_string_equal(dst, "\xe2\x82\xac");
    key_text((struct key){KEYN_NONE, 0x1b}, dst, sizeof dst);
    assert_string_equal(dst, FFFD);
    key_text((struct key){KEYN_F1, 0}, dst, sizeof dst);
    assert_string_equal(dst, "F1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_it_encodes),
        cmocka_unit_test(decode_is_strict),
        cmocka_unit_test(unsafe_runes),
        cmocka_unit_test(widths),
        cmocka_unit_test(fits),
        cmocka_unit_test(copies_clean),
        cmocka_unit_test(cuts_at_a_character),
        cmocka_unit_test(compares_and_names),
        cmocka_unit_test(formats),
        cmocka_unit_test(intervals_have_two_ends),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(errors_fill_and_cut),
        cmocka_unit_test(keys_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
