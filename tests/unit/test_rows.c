/* Rows of text cells: tolerant reading, and the small notation that tests and replays use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/rows.h"

static void parses(void **state)
{
    (void)state;
    struct rows *r = rows_parse("a|b\n1|2\n\\N|x\n");
    assert_int_equal(r->nrows, 2);
    assert_int_equal(r->ncols, 2);
    assert_string_equal(r->tag, "SELECT 2");
    assert_string_equal(rows_text(r, 0, "a"), "1");
    assert_string_equal(rows_text(r, 0, "b"), "2");
    assert_null(rows_text(r, 1, "a"));
    assert_string_equal(rows_text(r, 1, "b"), "x");
    assert_int_equal(rows_col(r, "b"), 1);
    assert_int_equal(rows_col(r, "c"), -1);
    rows_free(r);
}

static void parses_the_odd(void **state)
{
    (void)state;
    struct rows *r = rows_parse("");
    assert_int_equal(r->nrows, 0);
    assert_int_equal(r->ncols, 0);
    rows_free(r);
    r = rows_parse("only");
    assert_int_equal(r->nrows, 0);
    assert_int_equal(r->ncols, 1);
    rows_free(r);
    /* No newline at the end, an empty cell, a missing cell, a cell too many, escapes. */
    r = rows_parse("a|b\n|\n1\n1|2|3\n\\Nx|x\\|y\\n\\\\\\d\nlast|\\N");
    assert_int_equal(r->nrows, 5);
    assert_string_equal(rows_text(r, 0, "a"), "");
    assert_string_equal(rows_text(r, 0, "b"), "");
    assert_string_equal(rows_text(r, 1, "a"), "1");
    assert_null(rows_text(r, 1, "b"));
    assert_string_equal(rows_text(r, 2, "b"), "2");
    assert_string_equal(rows_text(r, 3, "a"), "\\Nx");
    assert_string_equal(rows_text(r, 3, "b"), "x|y\n\\\\d");
    assert_string_equal(rows_text(r, 4, "a"), "last");
    assert_null(rows_text(r, 4, "b"));
    rows_free(r);
}

static void reads_values(void **state)
{
    (void)state;
    struct rows *r = rows_parse("i|d|t|f|bad|null\n-42|1.5e2|t|false|4x|\\N\n");
    assert_int_equal(rows_int64(r, 0, "i", 7), -42);
    assert_true(rows_double(r, 0, "d", 7) == 150);
    assert_true(rows_double(r, 0, "i", 7) == -42);
    assert_true(rows_bool(r, 0, "t", false));
    assert_false(rows_bool(r, 0, "f", true));
    assert_int_equal(rows_int64(r, 0, "bad", 7), 7);
    assert_int_equal(rows_int64(r, 0, "null", 7), 7);
    assert_int_equal(rows_int64(r, 0, "none", 7), 7);
    assert_int_equal(rows_int64(r, 1, "i", 7), 7);
    assert_int_equal(rows_int64(r, -1, "i", 7), 7);
    assert_true(rows_double(r, 0, "bad", 0.5) == 0.5);
    assert_true(rows_bool(r, 0, "bad", true));
    assert_null(rows_text(NULL, 0, "i"));
    rows_free(r);
}

static void sets_again(void **state)
{
    (void)state;
    struct rows *r = rows_new(1, 1);
    assert_int_equal(rows_col(r, "x"), -1);
    rows_set_name(r, 0, "x");
    rows_set_name(r, 0, "y");
    assert_null(rows_text(r, 0, "y"));
    rows_set(r, 0, 0, "one");
    rows_set(r, 0, 0, "two");
    assert_string_equal(rows_text(r, 0, "y"), "two");
    rows_set(r, 0, 0, NULL);
    assert_null(rows_text(r, 0, "y"));
    rows_free(r);
    rows_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(parses_the_odd),
        cmocka_unit_test(reads_values),
        cmocka_unit_test(sets_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
