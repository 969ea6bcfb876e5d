/* Settings by name and unit, and whether two identities are one server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/discovery/facts.h"

static struct setting items[] = {
    {.name = "autovacuum_work_mem", .value = "-1", .unit = "kB"},
    {.name = "checkpoint_timeout", .value = "300", .unit = "s"},
    {.name = "DateStyle", .value = "ISO, MDY"},
    {.name = "fsync", .value = "on"},
    {.name = "jit", .value = "off"},
    {.name = "log_rotation_age", .value = "1440", .unit = "min"},
    {.name = "max_wal_size", .value = "1024", .unit = "MB"},
    {.name = "random_page_cost", .value = "1.1"},
    {.name = "shared_buffers", .value = "16384", .unit = "8kB"},
    {.name = "statement_timeout", .value = "2000", .unit = "ms"},
    {.name = "work_mem", .value = "4096", .unit = "kB"},
    {.name = "zero_damaged_pages", .value = "maybe", .unit = "furlong"},
};
static const struct settings all = {(int)ARRAY_LEN(items), items};

static void settings_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        assert_ptr_equal(settings_find(&all, items[i].name), &items[i]);
    assert_ptr_equal(settings_find(&all, "datestyle"), &items[2]);
    assert_null(settings_find(&all, "work"));
    assert_null(settings_find(&all, ""));
    assert_null(settings_find(&(struct settings){0}, "work_mem"));
}

static void numbers_have_units(void **state)
{
    (void)state;
    assert_true(settings_number(&all, "shared_buffers") == 128.0 * 1048576);
    assert_true(settings_number(&all, "work_mem") == 4.0 * 1048576);
    assert_true(settings_number(&all, "max_wal_size") == 1073741824.0);
    assert_true(settings_number(&all, "checkpoint_timeout") == 300000);
    assert_true(settings_number(&all, "statement_timeout") == 2000);
    assert_true(settings_number(&all, "log_rotation_age") == 86400000);
    assert_true(settings_number(&all, "random_page_cost") == 1.1);
    assert_true(settings_number(&all, "autovacuum_work_mem") == -1);
    assert_true(isnan(settings_number(&all, "fsync")));
    assert_true(isnan(settings_number(&all, "missing")));
    assert_true(settings_bool(&all, "fsync", false));
    assert_false(settings_bool(&all, "jit", true));
    assert_true(settings_bool(&all, "zero_damaged_pages", true));
    assert_false(settings_bool(&all, "missing", false));
}

static const struct identity pinned = {
    .system_identifier = "7300000000000000001",
    .server_addr = "10.0.0.230",
    .server_port = 5432,
    .data_directory = "/srv/pg",
    .postmaster_start_us = 1000,
};

static void differs(struct identity other, const char *why_holds)
{
    char why[200] = "";
    assert_false(identity_same(&pinned, &other, why, sizeof why));
    assert_non_null(strstr(why, why_holds));
}

static void one_server_or_two(void **state)
{
    (void)state;
    char why[200];
    struct identity b = pinned;
    b.postmaster_start_us = 2000;
    snprintf(b.version, sizeof b.version, "15.21");
    assert_true(identity_same(&pinned, &b, why, sizeof why));
    assert_string_equal(why, "");

    b = pinned;
    snprintf(b.system_identifier, sizeof b.system_identifier, "7300000000000000002");
    differs(b, "system identifier");
    b = pinned;
    b.system_identifier[0] = '\0';
    assert_true(identity_same(&pinned, &b, why, sizeof why));
    b = pinned;
    b.standby = true;
    differs(b, "standby");
    /* A virtual address has moved to a standby that was promoted: nothing else differs. */
    struct identity before = pinned;
    before.timeline = 1;
    b = before;
    b.timeline = 2;
    assert_false(identity_same(&before, &b, why, sizeof why));
    assert_non_null(strstr(why, "timeline was 1 and is 2"));
    b.timeline = 0;
    assert_true(identity_same(&before, &b, why, sizeof why));
    b = pinned;
    b.server_port = 5433;
    differs(b, "5433");
    b = pinned;
    b.postmaster_start_us = 2000;
    snprintf(b.server_addr, sizeof b.server_addr, "10.0.0.231");
    differs(b, "10.0.0.231");
    /* The same start of the same postmaster by another way. */
    b.postmaster_start_us = pinned.postmaster_start_us;
    assert_true(identity_same(&pinned, &b, why, sizeof why));
    b.server_addr[0] = '\0';
    assert_true(identity_same(&pinned, &b, why, sizeof why));
    b.postmaster_start_us = 2000;
    differs(b, "a socket");
    b = pinned;
    snprintf(b.data_directory, sizeof b.data_directory, "/srv/other");
    differs(b, "/srv/other");
    b.data_directory[0] = '\0';
    assert_true(identity_same(&pinned, &b, why, sizeof why));
}

static void cleared_facts_are_unknown(void **state)
{
    (void)state;
    struct server_facts f = {0};
    f.settings.items = xcalloc(2, sizeof *f.settings.items);
    f.settings.n = 2;
    f.nmissing = 3;
    server_facts_clear(&f);
    assert_null(f.settings.items);
    assert_int_equal(f.settings.n, 0);
    assert_int_equal(f.nmissing, 0);
    assert_true(isnan(f.runtime.wal_bytes));
    assert_true(isnan(f.runtime.live_tuples));
    assert_true(isnan(f.host.mem_total));
    assert_int_equal(f.host.overcommit, -1);
    assert_false(f.host.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_by_name),
        cmocka_unit_test(numbers_have_units),
        cmocka_unit_test(one_server_or_two),
        cmocka_unit_test(cleared_facts_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
