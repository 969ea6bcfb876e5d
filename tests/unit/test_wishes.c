/* PGDIAG.md: what is understood, what has no effect, and its limits. */
#include "builtin_world.h"
#include "pgd/agent/wishes.h"
#include "pgd/base/buf.h"

static struct wishes w;

static bool reads(const char *text)
{
    wishes_init(&w);
    return wishes_read(text, strlen(text), &w) == WISHES_WHOLE;
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
    assert_int_equal(wishes_read(big, 60000, &w), WISHES_TEXT_CUT);
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

/* Nothing that is forbidden is lost, wherever it stands; what cannot be kept is said. */
static void test_nothing_forbidden_is_lost(void **state)
{
    (void)state;
    struct buf b = {0};

    for (int i = 0; i < 300; i++) /* more names than a line of it used to hold, in one line */
        buf_printf(&b, "%s s%d_x", i ? "," : "Never touch", i);
    buf_puts(&b, "\n");
    for (int i = 0; i < 300; i++) /* and some behind what an advisor is told */
        buf_puts(&b, "Some words about the shop and its customers, of no use here.\n");
    buf_puts(&b, "never: wal_level\n");
    wishes_init(&w);
    assert_int_equal(wishes_read(buf_text(&b), b.len, &w), WISHES_TEXT_CUT);
    assert_int_equal(w.nnever, 301);
    assert_true(wishes_forbid(&w, "s299_x") && wishes_forbid(&w, "wal_level"));
    assert_null(strstr(w.text, "wal_level"));

    for (int i = 0; i < 200; i++) /* names for which there is no room */
        buf_printf(&b, "never touch t%d_x\n", i);
    wishes_init(&w);
    assert_int_equal(wishes_read(buf_text(&b), b.len, &w), WISHES_NEVER_LOST);

    b.len = 0; /* a file of which nobody has read the end */
    while (b.len <= WISHES_FILE_MAX)
        buf_puts(&b, "Some words about the shop and its customers.\n");
    wishes_init(&w);
    assert_int_equal(wishes_read(buf_text(&b), WISHES_FILE_MAX + 1, &w), WISHES_NEVER_LOST);
    assert_int_equal(wishes_read(buf_text(&b), WISHES_FILE_MAX, &w), WISHES_TEXT_CUT);
    buf_clear(&b);
}

static void test_words_around_it(void **state)
{
    (void)state;
    assert_true(reads("Please never touch `work_mem` (ticket 12) or fsync on Fridays.\n"
                      "We must never change the wal_level.\n"));
    assert_true(wishes_forbid(&w, "work_mem") && wishes_forbid(&w, "fsync"));
    assert_true(wishes_forbid(&w, "wal_level"));
    assert_int_equal(w.nnever, 3);
    assert_int_equal(w.nodd, 0);
    assert_true(reads("Never touch the replica\nnever on a Sunday\nIt never changes much\n"));
    assert_int_equal(w.nnever, 0);
    assert_int_equal(w.nodd, 2);
    assert_string_equal(w.odd, "Never touch the replica");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_no_effect),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_nothing_forbidden_is_lost),
        cmocka_unit_test(test_words_around_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
