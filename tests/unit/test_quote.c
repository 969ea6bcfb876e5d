/* Quoting. What the server itself says is compared in tests/integration/test_quote_pg.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/quote.h"

typedef void (*quote_fn)(struct buf *out, const char *value);

static void expect(quote_fn fn, const char *value, const char *text)
{
    struct buf b = {0};
    fn(&b, value);
    assert_string_equal(buf_text(&b), text);
    buf_clear(&b);
}

static void idents(void **state)
{
    (void)state;
    expect(quote_ident, "work_mem", "work_mem");
    expect(quote_ident, "_a1", "_a1");
    expect(quote_ident, "", "\"\"");
    expect(quote_ident, "1a", "\"1a\"");
    expect(quote_ident, "Name", "\"Name\"");
    expect(quote_ident, "a$b", "\"a$b\"");
    expect(quote_ident, "a.b", "\"a.b\"");
    expect(quote_ident, "say \"hi\"", "\"say \"\"hi\"\"\"");
    expect(quote_ident, "\xc3\xa9", "\"\xc3\xa9\"");
    expect(quote_ident, "x;drop table y", "\"x;drop table y\"");
    static const char *const words[] = {"all",      "user",       "select", "table",
                                        "xmltable", "json_table", "order",  "int"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct buf b = {0};
        buf_printf(&b, "\"%s\"", words[i]);
        expect(quote_ident, words[i], buf_text(&b));
        buf_clear(&b);
    }
    expect(quote_ident, "users", "users");
    expect(quote_ident, "abort", "abort");
}

static void literals(void **state)
{
    (void)state;
    expect(quote_literal, "", "''");
    expect(quote_literal, "it's", "'it''s'");
    expect(quote_literal, "a\\b", "E'a\\\\b'");
    expect(quote_literal, "\\'; drop", "E'\\\\''; drop'");
    expect(quote_literal, "x\ny\"", "'x\ny\"'");
}

static void conninfo_and_shell(void **state)
{
    (void)state;
    expect(quote_conninfo, "", "''");
    expect(quote_conninfo, "it's a\\b", "'it\\'s a\\\\b'");
    expect(quote_conf, "it's a\\b\n", "'it''s a\\\\b\\012'");
    expect(quote_shell, "", "''");
    expect(quote_shell, "it's $(x) `y` \\", "'it'\\''s $(x) `y` \\'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idents),
        cmocka_unit_test(literals),
        cmocka_unit_test(conninfo_and_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
