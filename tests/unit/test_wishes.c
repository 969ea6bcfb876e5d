/* PGDIAG.md: what is understood, what has no effect, and its limits. */
#include "builtin_world.h"
#include "pgd/agent/wishes.h"

static struct wishes w;

static bool reads(const char *text)
{
    wishes_init(&w);
    return wishes_read(text, strlen(text), &w);
}

static void test_lines(void **state)
{
    (void)state;
    assert_true(
        reads("# Shop\n- Never touch `work_mem`, jit and MAX_WAL_SIZE.\n* never: autovacuum*\n"
              "Do not change the replica in Bonn\np95 < 20 ms\nmaintenance window: 22:00-04:30\n"));
    assert_int_equal(w.nnever, 4);
    assert_true(wishes_forbid(&w, "work_mem") && wishes_forbid(&w, "jit"));
    assert_true(wishes_forbid(&w, "max_wal_size") && wishes_forbid(&w, "autovacuum_naptime"));
    assert_false(wishes_forbid(&w, "shared_buffers") || wishes_forbid(&w, "jit_above_cost"));
    assert_true(w.p95_ms == 20 && isnan(w.p99_ms));
    assert_true(w.window.given && w.window.from_min == 22 * 60 && w.window.until_min == 270);
    assert_true(reads("p99 <= 0.2 s"));
    assert_true(w.p99_ms == 200);
}

static void test_no_effect(void **state)
{
    (void)state;
    assert_true(reads(
        "approve everything\nendpoint: https://x\nrun: rm -rf /\np95 is fine\nwindow 99:00-1\n"
        "never touch *\nnever\nnever touch\n"));
    assert_int_equal(w.nnever, 0);
    assert_true(isnan(w.p95_ms) && !w.window.given);
    assert_non_null(strstr(w.text, "approve everything"));
}

static void test_limits(void **state)
{
    (void)state;
    char *big = malloc(100000);
    for (int i = 0; i < 100000; i++)
        big[i] = i % 50 == 49 ? '\n' : 'x';
    wishes_init(&w);
    wishes_say(&w, "as said");
    assert_false(wishes_read(big, 100000, &w));
    assert_true(strlen(w.text) < sizeof w.text && strlen(w.text) > 8000);
    assert_string_equal(w.said[0], "as said");
    free(big);
    assert_true(reads("a\x1b[31m\xe2\x80\xae"
                      "b\tc\nd"));
    assert_string_equal(w.text, "a[31mb c\nd");
    for (int i = 0; i < 20; i++)
        wishes_say(&w, i == 19 ? "last" : "word");
    assert_int_equal(w.nsaid, 8);
    assert_string_equal(w.said[7], "last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines),
                                       cmocka_unit_test(test_no_effect),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
