/* The settings of the operating system: which names there are, which values, what is refused and why, how a change reads as a
 * command. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/os.h"

#define GB 1073741824.0

/* A server of 16 GB on its own host, with everything that can be tuned there. */
static struct server_facts facts;

static void add_fact(const char *name, const char *value, const char *choices)
{
    struct os_fact *f = &facts.host.os_facts[facts.host.nos_facts++];
    memset(f, 0, sizeof *f);
    text_copy(f->name, sizeof f->name, name);
    text_copy(f->value, sizeof f->value, value);
    text_copy(f->choices, sizeof f->choices, choices);
    f->writable = true;
}

static void add_setting(const char *name, const char *value)
{
    struct settings *s = &facts.settings;
    s->items = xrealloc(s->items, (size_t)(s->n + 1) * sizeof *s->items);
    memset(&s->items[s->n], 0, sizeof *s->items);
    text_copy(s->items[s->n].name, sizeof s->items[0].name, name);
    text_copy(s->items[s->n].value, sizeof s->items[0].value, value);
    s->n++;
}

static int setup(void **state)
{
    (void)state;
    server_facts_clear(&facts);
    add_setting("work_mem", "4096");
    add_setting("huge_pages", "try");
    facts.id.reached = facts.host.known = true;
    text_copy(facts.id.manager, sizeof facts.id.manager, "root");
    text_copy(facts.host.hostname, sizeof facts.host.hostname, "db1");
    facts.host.mem_total = 16 * GB;
    facts.host.mem_available = 8 * GB;
    facts.host.swap_total = 0;
    facts.host.hugepage_bytes = 2097152;
    facts.host.hugepages_total = 0;
    facts.host.hugepages_used = 0;
    facts.host.commit_limit = 8 * GB;
    facts.host.committed = 4 * GB;
    facts.host.overcommit = 0;
    add_fact("vm.swappiness", "60", "");
    add_fact("vm.dirty_ratio", "20", "");
    add_fact("vm.dirty_bytes", "0", "");
    add_fact("vm.overcommit_memory", "0", "");
    add_fact("vm.overcommit_ratio", "50", "");
    add_fact("vm.nr_hugepages", "0", "");
    add_fact("thp.enabled", "always", "always madvise never");
    add_fact("io.sda.scheduler", "none", "none mq-deadline");
    add_fact("limit.nofile", "1024", "");
    os_settings(&facts);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_facts_clear(&facts);
    return 0;
}

static struct review_line look(const char *name, const char *value)
{
    static const struct guard_policy policy = {.restart_possible = true, .clients = 4};
    struct review_line line = {0};
    text_copy(line.change.name, sizeof line.change.name, name);
    text_copy(line.change.value, sizeof line.change.value, value);
    guard_line(&line, &facts, &policy);
    return line;
}

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "os:vm.swappiness",         "boot:vm.swappiness",      "os:io.sda.scheduler",
        "os:io.dm-0.read_ahead_kb", "os:io.nvme0n1.scheduler", "os:thp.enabled",
        "os:kernel.numa_balancing", "os:limit.nofile",         "os:cpu.governor"};
    static const char *const bad[] = {"vm.swappiness",           "os:",
                                      "os:vm.swappiness ",       "os:vm.laptop_mode",
                                      "os:kernel.core_pattern",  "os:io..scheduler",
                                      "os:io.../../x.scheduler", "os:io.sda/../x.scheduler",
                                      "os:io.sda;id.scheduler",  "os:io.-x.scheduler",
                                      "os:io.scheduler",         "OS:vm.swappiness",
                                      "boot:os:vm.swappiness"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!os_find(good[i]) || !os_or_setting(good[i]))
            fail_msg("%s is not known", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (os_find(bad[i]))
            fail_msg("%s is taken", bad[i]);
    assert_true(os_or_setting("work_mem"));
    assert_false(os_or_setting("os:work_mem"));
}

static void check_value(const char *name, const char *text, const char *want)
{
    char got[64] = "";
    double number;
    struct err e = {0};
    bool ok = os_value(os_find(name), text, &number, got, sizeof got, &e);
    if (ok != (want != NULL) || (want && strcmp(got, want) != 0))
        fail_msg("%s = \"%s\" is \"%s\" (%s)", name, text, ok ? got : "refused", e.msg);
}

static void values(void **state)
{
    (void)state;
    check_value("os:vm.swappiness", "10", "10");
    check_value("os:vm.swappiness", "010", "10");
    check_value("os:vm.swappiness", "ten", NULL);
    check_value("os:vm.swappiness", "-1", NULL);
    check_value("os:vm.swappiness", "10; reboot", NULL);
    check_value("os:vm.swappiness", "", NULL);
    check_value("os:vm.dirty_bytes", "512MB", "536870912");
    check_value("os:vm.dirty_bytes", "536870912", "536870912");
    check_value("os:vm.dirty_bytes", "20%", "20%");
    check_value("os:vm.dirty_bytes", "2000%", NULL);
    check_value("os:vm.dirty_bytes", "%", NULL);
    check_value("os:vm.dirty_bytes", "9999999999999GB", NULL);
    check_value("os:vm.overcommit_ratio", "4096kB", "4096kB");
    check_value("os:vm.nr_hugepages", "20%", NULL);
    check_value("os:thp.enabled", "never", "never");
    check_value("os:thp.enabled", "never\nalways", NULL);
    check_value("os:thp.enabled", "$(id)", NULL);
    check_value("os:limit.nofile", "infinity", "infinity");
    check_value("os:limit.memlock", "1GB", "1073741824");
}

static void among_the_settings(void **state)
{
    (void)state;
    const struct setting *s = settings_find(&facts.settings, "os:vm.swappiness");
    assert_non_null(s);
    assert_string_equal(s->shown, "60");
    assert_string_equal(settings_find(&facts.settings, "os:vm.dirty_bytes")->shown, "20%");
    assert_null(settings_find(&facts.settings, "os:vm.dirty_ratio"));
    assert_string_equal(settings_find(&facts.settings, "os:vm.nr_hugepages")->context,
                        "postmaster");
    assert_non_null(settings_find(&facts.settings, "work_mem"));
    int n = facts.settings.n;
    os_settings(&facts); /* again: none twice */
    assert_int_equal(facts.settings.n, n);
    os_now(&facts, "os:vm.swappiness", "10");
    assert_string_equal(settings_find(&facts.settings, "os:vm.swappiness")->shown, "10");
    os_settings(&facts);
    assert_string_equal(settings_find(&facts.settings, "os:vm.swappiness")->shown, "10");
}

static void a_line(void **state)
{
    (void)state;
    struct review_line l = look("os:vm.swappiness", "10");
    assert_int_equal(l.refusal, REFUSE_NONE);
    assert_string_equal(l.from, "60");
    assert_string_equal(l.sql, "sysctl -w vm.swappiness=10");
    assert_string_equal(l.undo, "sysctl -w vm.swappiness=60");
    assert_non_null(strstr(l.reach, "whole machine db1"));
    assert_true(l.price[0] != '\0');
    assert_false(l.restart);
    assert_int_equal(l.takes, TAKES_NOW);
    l = look("os:vm.dirty_bytes", "512MB");
    assert_int_equal(l.refusal, REFUSE_NONE);
    assert_string_equal(l.send, "536870912");
    assert_string_equal(l.undo, "sysctl -w vm.dirty_ratio=20");
    l = look("os:thp.enabled", "never");
    assert_string_equal(l.sql, "echo never | tee /sys/kernel/mm/transparent_hugepage/enabled");
    l = look("os:io.sda.scheduler", "mq-deadline");
    assert_string_equal(l.sql, "echo mq-deadline | tee /sys/block/sda/queue/scheduler");
    l = look("os:vm.nr_hugepages", "1100");
    assert_int_equal(l.refusal, REFUSE_NONE);
    assert_true(l.restart);
}

static void check_refused(const char *name, const char *value, enum refusal why)
{
    struct review_line l = look(name, value);
    if (l.refusal != why)
        fail_msg("%s = %s: \"%s\", %s", name, value, refusal_name(l.refusal), l.reason);
    if (l.sql[0] || l.undo[0])
        fail_msg("%s: a command of what is refused: %s", name, l.sql);
}

static void refused(void **state)
{
    (void)state;
    check_refused("os:vm.swappiness", "60", REFUSE_NO_CHANGE);
    check_refused("os:vm.swappiness", "0", REFUSE_VALUE);
    check_refused("os:vm.swappiness", "150", REFUSE_VALUE);
    check_refused("os:vm.swappiness", "$(reboot)", REFUSE_VALUE);
    check_refused("os:vm.dirty_bytes", "30%", REFUSE_VALUE);
    check_refused("os:vm.dirty_bytes", "4096", REFUSE_VALUE);
    check_refused("os:vm.panic_on_oom", "1", REFUSE_UNKNOWN);
    check_refused("os:kernel.core_pattern", "|/bin/sh", REFUSE_UNKNOWN);
    check_refused("os:vm.dirty_background_bytes", "64MB", REFUSE_UNKNOWN); /* not on that host */
    check_refused("boot:vm.swappiness", "10", REFUSE_UNKNOWN);
    check_refused("os:io.sda.scheduler", "bfq", REFUSE_VALUE); /* that kernel has no bfq */
    check_refused("os:vm.overcommit_memory", "1", REFUSE_VALUE);
    check_refused("os:limit.nofile", "65536", REFUSE_RIGHT); /* no unit */
    text_copy(facts.id.supervisor, sizeof facts.id.supervisor, "systemd:pg@15.service");
    assert_string_equal(look("os:limit.nofile", "65536").sql,
                        "# /run/systemd/system/pg@15.service.d/zz-pg_diagnose.conf: "
                        "LimitNOFILE=65536, then systemctl daemon-reload");
    check_refused("os:vm.nr_hugepages", "6000", REFUSE_MEMORY); /* 11.7 of 16 GB */
    check_refused("os:vm.nr_hugepages", "4000", REFUSE_MEMORY); /* 7.8 of 8 GB that are free */
    facts.host.hugepages_total = 1000;
    facts.host.hugepages_used = 1;
    check_refused("os:vm.nr_hugepages", "900", REFUSE_MEMORY);
}

static void refused_by_circumstance(void **state)
{
    (void)state;
    struct guard_policy g = {.restart_possible = false};
    struct review_line l = {0};
    assert_int_equal(look("os:vm.overcommit_memory", "2").refusal, REFUSE_NONE);
    facts.host.committed = 7 * GB; /* of a limit of 8 */
    check_refused("os:vm.overcommit_memory", "2", REFUSE_MEMORY);
    text_copy(l.change.name, sizeof l.change.name, "os:vm.nr_hugepages");
    text_copy(l.change.value, sizeof l.change.value, "1100");
    guard_line(&l, &facts, &g);
    assert_int_equal(l.refusal, REFUSE_RESTART);
    text_copy(l.change.name, sizeof l.change.name, "os:vm.swappiness");
    text_copy(l.change.value, sizeof l.change.value, "10");
    g.os_refused = "the configuration is the DBA's";
    guard_line(&l, &facts, &g);
    assert_int_equal(l.refusal, REFUSE_RIGHT);
    assert_string_equal(l.reason, g.os_refused);
    static const char never[][SETTING_NAME_MAX] = {"os:vm.*"};
    g = (struct guard_policy){.never = never, .nnever = 1};
    guard_line(&l, &facts, &g);
    assert_int_equal(l.refusal, REFUSE_WISH);
    facts.host.os_facts[0].writable = false;
    os_settings(&facts);
    check_refused("os:vm.swappiness", "10", REFUSE_RIGHT);
    facts.id.reached = false;
    check_refused("os:thp.enabled", "never", REFUSE_RIGHT);
}

/* Huge pages are no part of what is promised where overcommit_memory is 2: 16 GB, half of them promised, 4 GB in use. */
static void commit_limit(void **state)
{
    (void)state;
    assert_int_equal(look("os:vm.nr_hugepages", "3500").refusal, REFUSE_NONE);
    os_now(&facts, "os:vm.overcommit_memory", "2");
    assert_int_equal(look("os:vm.nr_hugepages", "2900").refusal, REFUSE_NONE);
    check_refused("os:vm.nr_hugepages", "3500", REFUSE_MEMORY); /* 4.6 GB are left */
    check_refused("os:vm.overcommit_ratio", "30", REFUSE_VALUE);
    facts.host.committed = 7 * GB;
    os_now(&facts, "os:vm.overcommit_ratio", "80");
    check_refused("os:vm.overcommit_ratio", "50", REFUSE_MEMORY);
    facts.host.committed = 4 * GB;
    os_now(&facts, "os:vm.overcommit_ratio", "0"); /* an amount is set: pages change nothing */
    assert_int_equal(look("os:vm.nr_hugepages", "3500").refusal, REFUSE_NONE);
}

/* Each fits by itself, and not both. */
static void commit_limit_together(void **state)
{
    (void)state;
    static const struct guard_policy policy = {.restart_possible = true, .clients = 4};
    struct proposal p = {.n = 2};
    struct review r = {0};
    text_copy(p.changes[0].name, SETTING_NAME_MAX, "os:vm.overcommit_memory");
    text_copy(p.changes[0].value, sizeof p.changes[0].value, "2");
    text_copy(p.changes[1].name, SETTING_NAME_MAX, "os:vm.nr_hugepages");
    text_copy(p.changes[1].value, sizeof p.changes[1].value, "3500");
    guard_review(&p, &facts, &policy, &r);
    assert_int_equal(r.lines[0].refusal, REFUSE_NONE);
    assert_int_equal(r.lines[1].refusal, REFUSE_MEMORY);
    r.lines[0].answer = ANSWER_REJECT;
    guard_bill(&r, &facts, &policy);
    assert_int_equal(r.lines[1].refusal, REFUSE_NONE);
    r.lines[1].answer = ANSWER_ACCEPT;
    r.lines[0].answer = ANSWER_NONE;
    guard_bill(&r, &facts, &policy);
    assert_int_equal(r.lines[0].refusal, REFUSE_MEMORY);
    assert_int_equal(r.lines[1].answer, ANSWER_ACCEPT);

    /* Of two alternatives each fits, and both at once do not. */
    p.nsets = 2;
    p.changes[0].sets = 1;
    p.changes[1].sets = 2;
    guard_review(&p, &facts, &policy, &r);
    assert_int_equal(r.lines[1].refusal, REFUSE_NONE);
    r.lines[0].answer = r.lines[1].answer = ANSWER_ACCEPT;
    assert_int_equal(guard_joins(&r, &facts, &policy) & 15, 1 | 2 | 4);
}

static void answers_of_their_own(void **state)
{
    (void)state;
    struct review r = {.n = 2};
    text_copy(r.lines[0].change.name, SETTING_NAME_MAX, "work_mem");
    text_copy(r.lines[1].change.name, SETTING_NAME_MAX, "os:vm.swappiness");
    review_accept_safe(&r, true);
    assert_int_equal(r.lines[0].answer, ANSWER_ACCEPT);
    assert_int_equal(r.lines[1].answer, ANSWER_NONE);
    review_accept_os(&r, false);
    assert_int_equal(r.lines[1].answer, ANSWER_ACCEPT);
}

static bool sends(const char *name, const char *value)
{
    struct entry e = {.present = value != NULL};
    struct err err = {0};
    text_copy_raw(e.name, sizeof e.name, name);
    text_copy_raw(e.value, sizeof e.value, value ? value : "");
    return os_send(&e, &err);
}

static void second_look(void **state)
{
    (void)state;
    assert_true(sends("os:vm.swappiness", "10"));
    assert_true(sends("boot:vm.swappiness", "10"));
    assert_true(sends("boot:vm.swappiness", NULL));
    assert_true(sends("os:limit.nofile", NULL));
    assert_false(sends("os:vm.swappiness", NULL));
    assert_false(sends("os:vm.swappiness", "200"));
    assert_false(sends("os:vm.swappiness", "10 "));
    assert_false(sends("os:vm.dirty_bytes", "20%"));
    assert_false(sends("os:thp.enabled", "maybe"));
    assert_false(sends("os:kernel.modprobe", "/tmp/x"));
    assert_false(sends("work_mem", "64MB"));
}

static void check_text(const char *name, const char *value, const char *want)
{
    struct entry e = {.present = value != NULL};
    struct buf out = {0};
    text_copy_raw(e.name, sizeof e.name, name);
    text_copy_raw(e.value, sizeof e.value, value ? value : "");
    os_command(&e, &out);
    assert_string_equal(buf_text(&out), want);
    buf_clear(&out);
}

static void commands(void **state)
{
    (void)state;
    check_text("os:vm.overcommit_ratio", "4096kB", "sysctl -w vm.overcommit_kbytes=4096");
    check_text("os:vm.dirty_background_bytes", "10%", "sysctl -w vm.dirty_background_ratio=10");
    check_text("os:cpu.governor", "performance",
               "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    check_text("boot:vm.swappiness", "10",
               "# /etc/sysctl.d/90-pg_diagnose.conf: vm.swappiness = 10");
    check_text("boot:vm.swappiness", NULL,
               "# take out of /etc/sysctl.d/90-pg_diagnose.conf: vm.swappiness");
    check_text("boot:thp.enabled", "never",
               "# /etc/tmpfiles.d/pg_diagnose.conf: w /sys/kernel/mm/transparent_hugepage/enabled "
               "- - - - never");
    check_text("os:reboot", "1", "# unknown");
    struct entry e = {.name = "os:vm.swappiness", .present = true, .value = "60"};
    struct buf out = {0};
    entry_sql(&e, &out);
    assert_string_equal(buf_text(&out),
                        "-- on the server's host, as root: sysctl -w vm.swappiness=60");
    buf_clear(&out);
}

static void unit_is_named(void **state)
{
    (void)state;
    struct identity id = {0};
    struct entry e = {.name = "os:limit.nofile"};
    struct buf out = {0};
    entry_sql(&e, &out);
    buf_puts(&out, "; ");
    entry_sql(&e, &out);
    os_name_unit(&id, &out);
    assert_non_null(strstr(buf_text(&out), "/UNIT.d/"));
    text_copy(id.supervisor, sizeof id.supervisor, "systemd:pg.service");
    os_name_unit(&id, &out);
    assert_null(strstr(buf_text(&out), "UNIT"));
    assert_non_null(strstr(buf_text(&out), "; -- on the server's host, as root: # take LimitNOFILE "
                                           "out of /run/systemd/system/pg.service.d/zz-pg"));
    buf_clear(&out);
}

/* Each row says what a DBA has to know. */
static void rows_are_complete(void **state)
{
    (void)state;
    for (int i = 0; os_at(i); i++) {
        const struct os_row *row = os_at(i);
        if (!row->meaning || !row->danger || (row->kind == OS_CHOICE) != (row->words != NULL))
            fail_msg("%s lacks something", row->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(values),
        cmocka_unit_test_setup_teardown(among_the_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_by_circumstance, setup, teardown),
        cmocka_unit_test_setup_teardown(commit_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(commit_limit_together, setup, teardown),
        cmocka_unit_test(answers_of_their_own),
        cmocka_unit_test(second_look),
        cmocka_unit_test(commands),
        cmocka_unit_test(unit_is_named),
        cmocka_unit_test(rows_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
