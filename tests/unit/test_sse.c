/* Events from bytes: every line end, cut at every place and byte by byte, with the same result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/sse.h"

static bool collect(void *arg, const char *data, size_t len)
{
    struct buf *out = arg;
    assert_int_equal(data[len], '\0');
    buf_printf(out, "[%s]", data);
    return true;
}

/* The events of a stream that comes in pieces of `piece` bytes, the first one of `first`. */
static char *events(const char *text, size_t len, size_t first, size_t piece)
{
    struct sse s = {0};
    struct buf out = {0};
    sse_feed(&s, text, first, collect, &out);
    for (size_t i = first; i < len; i += piece)
        sse_feed(&s, text + i, len - i < piece ? len - i : piece, collect, &out);
    if (sse_leftover(&s))
        buf_puts(&out, "...");
    sse_clear(&s);
    return buf_take(&out);
}

static const struct {
    const char *text, *events;
} rows[] = {
    {"data: a\n\ndata: b\n\n", "[a][b]"},
    {"data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
    {"data: a\r\rdata: b\r\r", "[a][b]"},
    {"data:a\n\r\ndata:  b\r\n\n", "[a][ b]"},
    {"\xef\xbb\xbf"
     "data: a\n\n",
     "[a]"},
    {"data: \xef\xbb\xbf\n\n", "[\xef\xbb\xbf]"},
    {"data: {\ndata: }\n\n", "[{\n}]"},
    {"data: {\r\ndata: }\r\n\r\n", "[{\n}]"},
    {": a comment\nevent: x\nid: 7\nretry: 5\ndata: a\n\n", "[a]"},
    {"database: no\ndat: no\ndata: a\n\n", "[a]"},
    {"data\n\n", "[]"},
    {"data:\ndata:\n\n", "[\n]"},
    {"\n\n\r\n\n", ""},
    {"data: \xe2\x82\xac \xf0\x9f\x90\x98\n\n", "[\xe2\x82\xac \xf0\x9f\x90\x98]"},
    {"data: a\n\ndata: b", "[a]..."},
    {"data: a\n\ndata: b\n", "[a]..."},
    {"data: a\n\n: keep-ali", "[a]"},
};

static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].text);
        for (size_t first = 0; first <= len; first++) {
            char *whole = events(rows[i].text, len, first, len + 1);
            assert_string_equal(whole, rows[i].events);
            free(whole);
            char *bytes = events(rows[i].text, len, first, 1);
            assert_string_equal(bytes, rows[i].events);
            free(bytes);
        }
    }
}

static bool never(void *arg, const char *data, size_t len)
{
    (void)arg;
    (void)data;
    fail_msg("an event of %zu bytes came", len);
    return true;
}

static void test_too_long(void **state)
{
    (void)state;
    char *chunk = malloc(65536);
    memset(chunk, 'x', 65536);
    struct sse line = {0};
    sse_feed(&line, "data: ", 6, never, NULL);
    for (size_t n = 0; n <= SSE_EVENT_MAX; n += 65536)
        sse_feed(&line, chunk, 65536, never, NULL);
    assert_true(line.broken);
    assert_true(line.line.cap < 3u * SSE_EVENT_MAX);
    sse_feed(&line, "\n\ndata: a\n\n", 11, never, NULL);

    struct sse many = {0};
    for (size_t n = 0; n <= SSE_EVENT_MAX; n += 65536) {
        sse_feed(&many, "data: ", 6, never, NULL);
        sse_feed(&many, chunk, 65536, never, NULL);
        sse_feed(&many, "\n", 1, never, NULL);
    }
    assert_true(many.broken);
    sse_feed(&many, "\n", 1, never, NULL);
    sse_clear(&line);
    sse_clear(&many);
    free(chunk);
}

static bool first_only(void *arg, const char *data, size_t len)
{
    (void)data;
    *(size_t *)arg += len;
    return false;
}

static void test_stops_when_told(void **state)
{
    (void)state;
    struct sse s = {0};
    size_t n = 0;
    sse_feed(&s, "data: abc\n\ndata: de\n\n", 21, first_only, &n);
    assert_int_equal(n, 3);
    sse_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
