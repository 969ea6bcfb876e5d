/* mem.h: what sets memory to 0 without taking it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/mem.h"

/* Pages of ours in memory, kB. */
static long anonymous(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    long kb = -1;

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kb = strtol(line + 8, NULL, 10);
    fclose(f);
    return kb;
}

static void zeroes_each_byte_and_no_other(void **state)
{
    (void)state;
    enum { SIZE = 3 * 4096 + 100 };
    unsigned char *p = xmalloc(SIZE);

    for (size_t from = 0; from < 9000; from += 1021)
        for (size_t n = 0; from + n < SIZE; n += 977) {
            memset(p, 0, SIZE);
            for (size_t i = 0; i < SIZE; i += i % 7 + 1) /* some bytes of a page, not all */
                p[i] = 7;
            p[from] = p[from + n] = 7;
            unsigned char before = from > 0 ? p[from - 1] : 0;
            mem_zero(p + from, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[from + i], 0);
            assert_int_equal(p[from + n], 7);
            if (from > 0)
                assert_int_equal(p[from - 1], before);
        }
    free(p);
}

static void takes_no_page_that_was_never_used(void **state)
{
    (void)state;
    const size_t size = (size_t)32 << 20;
    unsigned char *p = xcalloc(1, size);

    p[size / 2] = 1;
    long before = anonymous();
    mem_zero(p, size);
    long after = anonymous();
    assert_int_equal(p[size / 2], 0);
    assert_true(after - before < 4096);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroes_each_byte_and_no_other),
        cmocka_unit_test(takes_no_page_that_was_never_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
