/* The sweep of clients: when it ends, where its knee lies, and how often noise moves it. */
#include "pgd/runner/knee.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t state = 7;

static double uniform(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

/* A server with so many places: throughput grows up to them, then falls by `worse` with every doubling. */
static void sweep(struct knee *k, int places, double worse, double sd)
{
    int clients;

    while ((clients = knee_next(k)) > 0) {
        double busy = clients < places ? clients : places;
        double tps = 1000 * busy *
                     pow(1 - worse, clients > places ? log2((double)clients / places) : 0) *
                     exp(sd * normal());
        double latency = 1000.0 * clients / tps;
        struct knee_point p = {.clients = clients,
                               .tps = tps,
                               .p95_ms = 2 * latency,
                               .p99_ms = 3 * latency * (clients > 2 * places ? 4 : 1),
                               .valid = true};
        knee_add(k, &p);
    }
}

static void test_knee(void **arg)
{
    (void)arg;
    struct knee k;
    struct knee_result r;
    char text[400];

    knee_init(&k, 4, 90, 0.02);
    sweep(&k, 8, 0.05, 0);
    knee_result(&k, 10, &r);
    assert_true(r.known);
    assert_false(r.open);
    assert_int_equal(k.points[r.at].clients, 8);
    assert_int_equal(r.pool, 8);
    assert_int_equal(r.max_connections, 25);
    assert_int_equal(k.points[r.breaks].clients, 32);
    knee_text(&k, &r, 100, text, sizeof text);
    assert_non_null(strstr(text, "8 clients reach 8000 TPS"));
    assert_non_null(strstr(text, "From 32 clients on p99"));
    assert_non_null(
        strstr(text, "a pool of 8 connections; max_connections = 25 would do (now 100)"));
    knee_text(&k, &r, 20, text, sizeof text);
    assert_non_null(strstr(text, "max_connections can stay"));
    assert_int_equal(k.points[k.n - 1].clients, 32); /* two points behind the peak: no more */
}

/* No more clients than there is room for, the last step cut to it; a collapse ends the sweep at once. */
static void test_limits(void **arg)
{
    (void)arg;
    struct knee k;
    struct knee_result r;
    char text[400];

    knee_init(&k, 64, 12, 0.02);
    sweep(&k, 100, 0.1, 0);
    assert_int_equal(k.n, 5);
    assert_int_equal(k.points[4].clients, 12);
    knee_result(&k, 0, &r);
    assert_true(r.open);
    knee_text(&k, &r, 100, text, sizeof text);
    assert_non_null(strstr(text, "still grew at 12 clients"));
    knee_init(&k, 2, 100, 0);
    assert_int_equal(k.limit, 16);
    sweep(&k, 2, 0.5, 0);
    assert_int_equal(k.points[k.n - 1].clients, 4);
    knee_init(&k, 2, 0, 0);
    assert_int_equal(knee_next(&k), 0);
    knee_init(&k, 64, 500, 0); /* room enough: two points behind the peak end it */
    sweep(&k, 8, 0.05, 0);
    assert_int_equal(k.points[k.n - 1].clients, 32);
}

/* Runs that fail: twice in a row ends it, and nothing is proposed from next to nothing. */
static void test_failed(void **arg)
{
    (void)arg;
    struct knee k;
    struct knee_result r;
    char text[400];
    struct knee_point bad = {.clients = 1, .tps = NAN, .valid = true};

    knee_init(&k, 2, 100, 0);
    knee_add(&k, &bad);
    assert_int_equal(knee_next(&k), 2);
    bad.clients = 2;
    knee_add(&k, &bad);
    assert_int_equal(knee_next(&k), 0);
    knee_result(&k, 0, &r);
    assert_false(r.known);
    assert_int_equal(r.at, -1);
    knee_text(&k, &r, 100, text, sizeof text);
    assert_non_null(strstr(text, "too short"));
}

/* With noise: how often the knee is found, within one doubling of the truth. */
static void test_noise(void **arg)
{
    (void)arg;
    enum { TIMES = 2000 };
    int exact = 0, near = 0;

    for (int t = 0; t < TIMES; t++) {
        struct knee k;
        struct knee_result r;
        knee_init(&k, 8, 200, 0.03);
        sweep(&k, 16, 0.05, 0.03);
        knee_result(&k, 0, &r);
        int clients = r.at >= 0 ? k.points[r.at].clients : 0;
        exact += clients == 16;
        near += clients == 8 || clients == 16 || clients == 32;
    }
    printf("knee at 16, noise 3 %%: found in %.1f %%, within a doubling in %.1f %%\n",
           100.0 * exact / TIMES, 100.0 * near / TIMES);
    assert_true(exact > 0.9 * TIMES);
    assert_true(near > 0.99 * TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knee),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
