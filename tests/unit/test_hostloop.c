/* The script on the server's host as the program sees it: what it is asked, what its answers become, what its loss does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/collect.h"
#include "pgd/telemetry/procparse.h"

#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-3)

static const int64_t wall_us = 1700000000000000;

struct fixture {
    struct collect c;
    struct identity id;
    struct effects fx;
    int64_t now_us;
    struct req child;
    unsigned number;   /* of the newest question */
    double up_s, user; /* of the host: seconds since boot, ticks of its programs */
    int64_t ahead_us;  /* its calendar */
    const char *more;  /* of its /proc */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    collect_init(&f->c);
    collect_link_up(&f->c, 150018);
    f->id.over_ssh = f->id.reached = true;
    f->id.postmaster_pid = 700;
    strcpy(f->id.owner, "postgres");
    strcpy(f->id.access, "sudo");
    strcpy(f->c.wal_path, "/srv/wal");
    f->c.host = &f->id;
    f->c.host_on = f->c.host_link = true;
    f->up_s = 5000;
    f->now_us = 1000000000;
    f->more = "";
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    effects_clear(&f->fx);
    collect_clear(&f->c);
    free(f);
    return 0;
}

static struct effect *asked(struct fixture *f, enum effect_kind kind)
{
    for (size_t i = f->fx.n; i > 0; i--)
        if (f->fx.items[i - 1].kind == kind)
            return &f->fx.items[i - 1];
    return NULL;
}

static void tick(struct fixture *f)
{
    effects_clear(&f->fx);
    f->now_us += 1000000;
    f->c.now_us = f->now_us;
    f->c.wall_us = wall_us + f->now_us;
    collect_tick(&f->c, &f->fx, false);
    struct effect *e = asked(f, FX_CHILD);
    if (e)
        f->child = e->req;
    e = asked(f, FX_CHILD_INPUT);
    if (e)
        assert_int_equal(sscanf(e->text, "%*c %u", &f->number), 1);
}

static bool event(struct fixture *f, enum event_kind kind, const char *text, int64_t at_us)
{
    struct event ev = {.kind = kind, .req = f->child, .at_us = at_us, .wall_us = wall_us + at_us};
    if (text) {
        ev.text = xstrdup(text);
        ev.len = strlen(text);
    }
    bool changed = collect_step(&f->c, &ev);
    event_clear(&ev);
    return changed;
}

/* The whole answer to the newest question, which the host read after `there` and which came after `back` more. */
static bool answer(struct fixture *f, int64_t there_us, int64_t back_us)
{
    struct buf text = {0};
    bool changed = false;
    int64_t host_us = wall_us + f->now_us + there_us + f->ahead_us;
    double up = f->up_s + (double)(f->now_us + there_us - 1000000000) / 1e6;
    buf_printf(&text,
               "==> begin %u\n==> clock\n%lld.%09lld\n==> space\nFilesystem 1024-blocks Used "
               "Available Capacity Mounted on\n/dev/vdb 2000 500 1500 25%% /srv/wal\n"
               "==> /proc/stat <==\ncpu  %.0f 0 0 5000 0 0 0 0 0 0\nprocs_running 3\n\n"
               "==> /proc/uptime <==\n%.2f 9000.00\n\n%s\n==> end %u\n",
               f->number, (long long)(host_us / 1000000), (long long)(host_us % 1000000 * 1000),
               f->user, floor(up * 100) / 100, f->more, f->number);
    for (char *line = text.data, *nl; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
        *nl = '\0';
        changed = event(f, EV_CHILD_LINE, line, f->now_us + there_us + back_us);
    }
    buf_clear(&text);
    return changed;
}

static void begin(struct fixture *f)
{
    tick(f);
    event(f, EV_CHILD_UP, NULL, f->now_us);
    event(f, EV_CHILD_LINE, "==> page 16384", f->now_us);
}

static double at(struct fixture *f, enum metric_id id, int ago)
{
    double v[60];
    int n = series_last(&f->c.series[id], 60, v);
    return ago < n ? v[n - 1 - ago] : NAN;
}

static void starts_as_the_owner_and_asks(void **state)
{
    struct fixture *f = *state;
    tick(f);
    struct effect *e = asked(f, FX_CHILD);
    assert_non_null(e);
    assert_int_equal(e->u.child.flags, CHILD_REMOTE | CHILD_MORE);
    assert_string_equal(e->u.child.argv[0], "sudo");
    assert_string_equal(e->u.child.argv[3], "postgres");
    assert_string_equal(e->u.child.argv[5], "sh");
    assert_non_null(strstr(e->u.child.argv[7], "==> begin"));
    assert_string_equal(e->u.child.argv[9], "/srv/wal");
    assert_null(e->u.child.run_as);
    assert_false(e->changes_server);
    tick(f); /* it has not begun yet */
    assert_null(asked(f, FX_CHILD));
    assert_null(asked(f, FX_CHILD_INPUT));
    event(f, EV_CHILD_UP, NULL, f->now_us);
    tick(f);
    assert_string_equal(asked(f, FX_CHILD_INPUT)->text, "s 1 700\n");
    assert_true(answer(f, 1000, 1000));
    near(f->c.host_now->run_queue, 2);
    near(f->c.wal_free, 1500 * 1024);
    near(f->c.wal_total, 2000 * 1024);
    /* The clock is asked often first, then seldom. */
    int clocks = 0;
    for (int i = 0; i < 30; i++) {
        tick(f);
        clocks += asked(f, FX_CHILD_INPUT)->text[0] == 's';
        answer(f, 1000, 1000);
    }
    assert_in_range(clocks, 8, 12);
}

static void late_answers_stand_in_their_second(void **state)
{
    struct fixture *f = *state;
    begin(f);
    tick(f);
    answer(f, 100000, 100000);
    tick(f);
    f->user = 5000; /* half of all */
    answer(f, 100000, 100000);
    near(series_newest(&f->c.series[METRIC_CPU_USER]), 100);
    /* The next one is on its way for two seconds and a half, but was taken at once. */
    tick(f);
    int64_t asked_us = f->now_us;
    tick(f);
    assert_null(asked(f, FX_CHILD_INPUT));
    tick(f);
    assert_int_equal(f->c.host_missed, 2);
    f->user = 5000;
    f->now_us = asked_us;
    answer(f, 100000, 2400000);
    near(at(f, METRIC_CPU_USER, 2), 100);
    assert_true(isnan(at(f, METRIC_CPU_USER, 0)));
    near(at(f, METRIC_RUN_QUEUE, 1), 2);
}

static void the_loss_of_the_link_is_a_gap(void **state)
{
    struct fixture *f = *state;
    begin(f);
    for (int i = 0; i < 5; i++) {
        tick(f);
        answer(f, 1000, 1000);
    }
    double before = f->c.series[METRIC_CPU_USER].count;
    struct event ev = {.kind = EV_CHILD_EXIT, .req = f->child, .at_us = f->now_us};
    err_set(&ev.err, ERR_LOST, "the link was lost");
    assert_true(collect_step(&f->c, &ev));
    f->c.host_link = false;
    for (int i = 0; i < 10; i++) {
        tick(f);
        assert_int_equal(f->fx.n, 0);
    }
    tick(f);
    assert_true(isnan(series_newest(&f->c.series[METRIC_RUN_QUEUE])));
    /* It is back: the script starts at once, and the load of the gap is nobody's. */
    f->c.host_link = true;
    uint32_t old = f->child.id;
    begin(f);
    assert_true(f->child.id != old);
    f->user += 50000;
    tick(f);
    answer(f, 1000, 1000);
    assert_true(isnan(series_newest(&f->c.series[METRIC_CPU_USER])));
    near(series_newest(&f->c.series[METRIC_RUN_QUEUE]), 2);
    tick(f);
    f->user += 100;
    answer(f, 1000, 1000);
    near(series_newest(&f->c.series[METRIC_CPU_USER]), 100);
    assert_true(f->c.series[METRIC_CPU_USER].count > (int)before + 10);
}

static void a_booted_host_gives_no_rates(void **state)
{
    struct fixture *f = *state;
    begin(f);
    f->user = 1000;
    tick(f);
    answer(f, 1000, 1000);
    f->user = 2000; /* more than before, and yet another count */
    f->up_s -= 4000;
    tick(f);
    answer(f, 1000, 1000);
    assert_true(isnan(series_newest(&f->c.series[METRIC_DISK_READ])));
    struct host_sample a = {.at_us = 0, .uptime_s = 5000, .swap_in = 1, .net_bytes = 10};
    struct host_sample b = {.at_us = 9000000, .uptime_s = 20, .swap_in = 5, .net_bytes = 99};
    struct host_rates r;
    procparse_rates(&a, &b, &r);
    assert_true(isnan(r.swap_in) && isnan(r.net) && isnan(r.cpu_user) && isnan(r.disk_util));
    b.uptime_s = 5002; /* by the host's own clock, however long the answer was on its way */
    procparse_rates(&a, &b, &r);
    near(r.swap_in, 2);
}

static void a_script_that_ends_is_tried_less_and_less(void **state)
{
    struct fixture *f = *state;
    int starts = 0;
    for (int i = 0; i < 200; i++) {
        tick(f);
        if (!asked(f, FX_CHILD))
            continue;
        starts++;
        event(f, EV_CHILD_UP, NULL, f->now_us);
        struct event ev = {.kind = EV_CHILD_LINE, .req = f->child, .at_us = f->now_us};
        ev.text = xstrdup("sh: head: not found");
        ev.u.child.stream = STREAM_ERR;
        collect_step(&f->c, &ev);
        event_clear(&ev);
        event(f, EV_CHILD_EXIT, NULL, f->now_us);
    }
    assert_in_range(starts, 7, 10);
    assert_string_equal(f->c.loop.why, "sh: head: not found");
}

static void silence_ends_it(void **state)
{
    struct fixture *f = *state;
    int kills = 0;
    begin(f);
    tick(f);
    for (int i = 0; i < 40; i++) {
        tick(f);
        kills += asked(f, FX_CHILD_KILL) != NULL;
    }
    assert_int_equal(kills, 1);
    assert_int_equal(f->c.host_missed, 40);
    event(f, EV_CHILD_EXIT, NULL, f->now_us);
    tick(f);
    assert_non_null(asked(f, FX_CHILD));
}

static void the_clock_is_measured(void **state)
{
    struct fixture *f = *state;
    f->ahead_us = -7300000;
    begin(f);
    for (int i = 0; i < 20; i++) {
        tick(f);
        answer(f, 20000 * (i % 5) + 3000, 5000);
    }
    assert_true(f->c.loop.clock.known);
    assert_in_range(llabs(f->c.loop.clock.offset_us + 7300000), 0, 4000 + 5000);
    /* A date(1) that knows no fractions. */
    f->c.loop.clock = (struct hostclock){0};
    tick(f);
    while (asked(f, FX_CHILD_INPUT)->text[0] != 's') {
        answer(f, 1000, 1000);
        tick(f);
    }
    char line[64];
    snprintf(line, sizeof line, "==> begin %u", f->number);
    event(f, EV_CHILD_LINE, line, f->now_us);
    event(f, EV_CHILD_LINE, "==> clock", f->now_us);
    snprintf(line, sizeof line, "%lld.%%N", (long long)(wall_us + f->now_us) / 1000000);
    event(f, EV_CHILD_LINE, line, f->now_us);
    snprintf(line, sizeof line, "==> end %u", f->number);
    event(f, EV_CHILD_LINE, line, f->now_us);
    assert_in_range(f->c.loop.clock.error_us, 490000, 510000);
}

static void what_is_no_answer_is_dropped(void **state)
{
    struct fixture *f = *state;
    begin(f);
    tick(f);
    event(f, EV_CHILD_LINE, "==> begin 77", f->now_us);
    event(f, EV_CHILD_LINE, "==> /proc/stat <==", f->now_us);
    event(f, EV_CHILD_LINE, "==> end 77", f->now_us);
    event(f, EV_CHILD_LINE, "==> end 1", f->now_us);
    assert_null(f->c.host_now);
    /* An answer without an end takes no room. */
    event(f, EV_CHILD_LINE, "==> begin 1", f->now_us);
    char *line = xcalloc(1, 8001);
    memset(line, 'x', 8000);
    for (int i = 0; i < 500; i++)
        event(f, EV_CHILD_LINE, line, f->now_us);
    free(line);
    assert_in_range(f->c.loop.text.len, 1, HOSTLOOP_ANSWER_MAX + 8192);
    event(f, EV_CHILD_LINE, "==> end 1", f->now_us);
    assert_null(f->c.host_now);
    assert_false(f->c.loop.awaited);
    tick(f);
    assert_true(answer(f, 1000, 1000));
}

static void the_busiest_processes(void **state)
{
    struct fixture *f = *state;
    begin(f);
    tick(f);
    f->more =
        "==> /proc/701/stat <==\n701 (postgres) S 700 701 701 0 -1 4194304 9 0 0 0 100 20 0 0 "
        "20 0 1 0 9000 200000 50 18446744073709551615\n"
        "==> /proc/702/stat <==\n702 (a) b (c) R 700 702 702 0 -1 4194304 9 0 0 0 100 20 0 0 "
        "20 0 1 0 9001 200000 60 18446744073709551615\n"
        "==> /proc/703/stat <==\n703 (psql) R 1 703 703 0 -1 4194304 9 0 0 0 100 20 0 0 20 0 "
        "1 0 9001 200000 60 18446744073709551615\n";
    answer(f, 0, 1000);
    assert_int_equal(f->c.backends->n, 2);
    assert_int_equal(f->c.backends->ntop, 0);
    tick(f);
    f->more =
        "==> /proc/701/stat <==\n701 (postgres) S 700 701 701 0 -1 4194304 9 0 0 0 125 20 0 0 "
        "20 0 1 0 9000 200000 50 18446744073709551615\n"
        "==> /proc/702/stat <==\n702 (postgres) R 700 702 702 0 -1 4194304 9 0 0 0 150 40 0 0 "
        "20 0 1 0 9001 200000 60 18446744073709551615\n";
    answer(f, 0, 1000);
    assert_int_equal(f->c.backends->ntop, 2);
    assert_int_equal(f->c.backends->top[0].pid, 702);
    assert_true(fabs(f->c.backends->top[0].cpu - 0.7) < 0.02);
    near(f->c.backends->top[0].rss_bytes, 60 * 16384);
    assert_true(isnan(f->c.backends->top[0].written_bps));
    /* More is asked of them. */
    tick(f);
    assert_non_null(strstr(asked(f, FX_CHILD_INPUT)->text, " 700 702 701\n"));
    f->more =
        "==> /proc/702/stat <==\n702 (postgres) R 700 702 702 0 -1 4194304 9 0 0 0 200 40 0 0 "
        "20 0 1 0 9001 200000 60 1\n==> /proc/702/io <==\nrchar: 1\nread_bytes: 4096\n"
        "write_bytes: 100000\n==> /proc/702/cmdline <==\npostgres: app shop [local] UPDATE  \n";
    answer(f, 0, 1000);
    assert_string_equal(f->c.backends->top[0].title, "postgres: app shop [local] UPDATE");
    tick(f);
    f->more =
        "==> /proc/702/stat <==\n702 (postgres) R 700 702 702 0 -1 4194304 9 0 0 0 250 40 0 0 "
        "20 0 1 0 9001 200000 60 1\n==> /proc/702/io <==\nread_bytes: 4096\n"
        "write_bytes: 300000\n";
    answer(f, 0, 1000);
    assert_true(fabs(f->c.backends->top[0].written_bps / 200000 - 1) < 0.02);
    near(f->c.backends->top[0].read_bps, 0);
    assert_string_equal(f->c.backends->top[0].title, "postgres: app shop [local] UPDATE");
    /* Another process with that number has no past. */
    tick(f);
    f->more =
        "==> /proc/702/stat <==\n702 (postgres) R 700 702 702 0 -1 4194304 9 0 0 0 900 40 0 0 "
        "20 0 1 0 9900 200000 60 1\n";
    answer(f, 0, 1000);
    assert_int_equal(f->c.backends->ntop, 0);
}

static void killed_for_want_of_memory(void **state)
{
    struct fixture *f = *state;
    begin(f);
    f->more = "==> /proc/vmstat <==\npswpin 1\npswpout 1\noom_kill 4\n";
    tick(f);
    answer(f, 0, 1000);
    near(f->c.oom_seen, 0);
    f->more = "==> /proc/vmstat <==\npswpin 1\npswpout 1\noom_kill 6\n";
    tick(f);
    answer(f, 0, 1000);
    near(f->c.oom_seen, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(starts_as_the_owner_and_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late_answers_stand_in_their_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loss_of_the_link_is_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_booted_host_gives_no_rates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_script_that_ends_is_tried_less_and_less, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(silence_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_clock_is_measured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_answer_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_busiest_processes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_for_want_of_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
