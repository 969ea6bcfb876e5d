/* The growing buffer: always NUL-terminated, whatever is appended, consumed or taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/buf.h"

static void empty_is_text(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_string_equal(buf_text(&b), "");
    buf_consume(&b, 10);
    assert_int_equal(b.len, 0);
    buf_append(&b, NULL, 0);
    assert_string_equal(b.data, "");
    buf_clear(&b);
    assert_null(b.data);
    char *text = buf_take(&b);
    assert_string_equal(text, "");
    free(text);
}

static void grows_and_stays_terminated(void **state)
{
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < 5000; i++) {
        buf_putc(&b, (char)('a' + i % 26));
        assert_int_equal(b.len, i + 1);
        assert_int_equal(b.data[b.len], 0);
        assert_true(b.cap > b.len);
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    buf_clear(&b);
}

static void appends_bytes_with_nul(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_append(&b, "a\0b", 3);
    buf_puts(&b, "c");
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "a\0bc", 5);
    buf_clear(&b);
}

static void prints_at_every_border(void **state)
{
    (void)state;
    char word[200];
    for (int n = 0; n < 190; n++) {
        memset(word, 'x', sizeof word);
        word[n] = '\0';
        struct buf b = {0};
        buf_printf(&b, "<%s|%d>", word, n);
        char expect[256];
        snprintf(expect, sizeof expect, "<%s|%d>", word, n);
        assert_string_equal(buf_text(&b), expect);
        assert_int_equal(b.len, strlen(expect));
        buf_printf(&b, "%s", "");
        assert_string_equal(buf_text(&b), expect);
        buf_clear(&b);
    }
}

static void consumes_and_takes(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_puts(&b, "one two");
    buf_consume(&b, 4);
    assert_string_equal(buf_text(&b), "two");
    char *text = buf_take(&b);
    assert_string_equal(text, "two");
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
    free(text);
    buf_puts(&b, "again");
    buf_consume(&b, 99);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

static void grow_counts_items(void **state)
{
    (void)state;
    size_t cap = 0;
    uint64_t *items = xgrow(NULL, &cap, 1, sizeof *items);
    assert_true(cap >= 1);
    for (uint64_t i = 0; i < 100; i++) {
        items = xgrow(items, &cap, (size_t)i + 1, sizeof *items);
        items[i] = i;
    }
    assert_true(cap >= 100);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(items[i], i);
    free(items);
    char *s = xstrndup("abcdef", 3);
    assert_string_equal(s, "abc");
    free(s);
    s = xstrndup("ab", 30);
    assert_string_equal(s, "ab");
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_text),          cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(appends_bytes_with_nul), cmocka_unit_test(prints_at_every_border),
        cmocka_unit_test(consumes_and_takes),     cmocka_unit_test(grow_counts_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
