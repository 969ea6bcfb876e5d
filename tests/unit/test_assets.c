/* The table of embedded files: order, look-up, terminator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/assets.h"

static void test_every_asset_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; asset_at(i) != NULL; i++) {
        const struct asset *a = asset_at(i);
        assert_ptr_equal(asset_find(a->name), a);
        assert_int_equal(a->data[a->size], 0);
        if (i > 0)
            assert_true(strcmp(asset_at(i - 1)->name, a->name) < 0);
    }
    assert_ptr_equal(asset_at(asset_count), NULL);
}

static void test_unknown_names(void **state)
{
    (void)state;
    assert_null(asset_find(""));
    assert_null(asset_find("zzz/none"));
    assert_null(asset_find("sql"));
}

static void test_comments_at_the_head_are_not_sent(void **state)
{
    (void)state;
    assert_string_equal(asset_body("-- what\n-- why\nSELECT 1 -- one\n-- end\n"),
                        "SELECT 1 -- one\n-- end\n");
    assert_string_equal(asset_body("-- nothing else"), "");
    assert_memory_not_equal(asset_sql("sql/watch.sql"), "--", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_asset_is_found),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_comments_at_the_head_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
