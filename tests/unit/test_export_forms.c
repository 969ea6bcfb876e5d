/* The exports besides report and configuration: each is what its reader parses, holds what was kept and nothing else, and
 * text from outside stays text. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "full_session.h"
#include "pgd/base/text.h"
#include "pgd/workspace/export_parts.h"

static struct model *model;
static struct session *session;
static const struct session *list[1];

static int setup(void **st)
{
    (void)st;
    model = xcalloc(1, sizeof *model);
    model_init(model);
    model->wall_us = INT64_C(1767331110000000);
    PUT(model->workspace.name, "postgres_10-0-0-230");
    PUT(model->server.id.version, "15.18 (Debian)");
    session = full_session();
    list[0] = session;
    return 0;
}

static int teardown(void **st)
{
    (void)st;
    full_session_free(session);
    model_clear(model);
    free(model);
    return 0;
}

static const char *text_of(const char *name, struct buf *b)
{
    const struct export_kind *k;

    for (int i = 0; (k = export_kind_at(i)); i++)
        if (strcmp(k->name, name) == 0) {
            b->len = 0;
            k->write(model, list, 1, b);
            return buf_text(b);
        }
    fail_msg("there is no export %s", name);
    return "";
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    if (at)
        fail_msg("\"%s\" is in: %.200s", part, at);
}

static void each_kind_writes_what_was_kept(void **st)
{
    (void)st;
    struct buf b = {0};
    const struct export_kind *k;
    int n = 0;

    for (int i = 0; (k = export_kind_at(i)); i++, n++) {
        const char *text = text_of(k->name, &b);
        has(text, "max_wal_size");
        has_not(text, "nan");
        assert_true(k->help[0] && k->file[0]);
        /* proposed and dropped: only those that tell the whole story name it */
        if (i != EXPORT_REPORT && strcmp(k->name, "html") != 0)
            has_not(text, "work_mem = ");
    }
    assert_int_equal(n, 12);
    buf_clear(&b);
}

static void sql_goes_there_and_back(void **st)
{
    (void)st;
    struct buf b = {0};
    const char *text = text_of("sql", &b);

    has(text, "ALTER SYSTEM SET max_wal_size = '16GB';\n");
    has(text, "ALTER SYSTEM SET shared_buffers = '6GB'; -- needs a restart\n");
    has(text, "SELECT pg_reload_conf();\n-- then restart the server");
    text = text_of("undo", &b);
    has(text, "ALTER SYSTEM SET max_wal_size = '2GB';\n");
    has(text, "ALTER SYSTEM RESET shared_buffers; -- needs a restart\n");
    buf_clear(&b);
}

static void programs_read_it(void **st)
{
    (void)st;
    struct buf b = {0};
    json_error_t e;
    json_t *all = json_loads(text_of("json", &b), 0, &e);

    assert_non_null(all);
    json_t *first = json_array_get(json_object_get(all, "settings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "max_wal_size");
    assert_string_equal(json_string_value(json_object_get(first, "from")), "2GB");
    assert_string_equal(json_string_value(json_object_get(first, "undo")), "2GB");
    assert_int_equal(json_integer_value(json_object_get(first, "round")), 1);
    json_t *by = json_array_get(json_object_get(all, "sessions"), 0);
    json_t *confirmed = json_object_get(by, "confirmed");
    assert_true(json_number_value(json_object_get(confirmed, "ratio")) > 1.17);
    assert_string_equal(json_string_value(json_object_get(confirmed, "kind")), "improved");
    json_decref(all);

    json_t *rds = json_loads(text_of("rds", &b), 0, &e);
    assert_non_null(rds);
    assert_int_equal(json_array_size(rds), 2);
    /* pg_settings counts max_wal_size in MB and shared_buffers in pages of 8 kB */
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(rds, 0), "ParameterValue")), "16384");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(rds, 1), "ParameterValue")), "786432");
    assert_string_equal(json_string_value(json_object_get(json_array_get(rds, 1), "ApplyMethod")),
                        "pending-reboot");
    json_decref(rds);
    buf_clear(&b);
}

static void clusters_and_containers(void **st)
{
    (void)st;
    struct buf b = {0};

    has(text_of("patroni", &b), "postgresql:\n  parameters:\n    max_wal_size: \"16GB\"\n"
                                "    shared_buffers: \"6GB\"  # needs a restart\n");
    has(text_of("cnpg", &b),
        "spec:\n  postgresql:\n    parameters:\n      max_wal_size: \"16GB\"\n");
    has(text_of("docker", &b), "-c 'max_wal_size=16GB' \\\n-c 'shared_buffers=6GB'\n");
    buf_clear(&b);
}

static void a_playbook_has_both_ways(void **st)
{
    (void)st;
    struct buf b = {0};
    const char *text = text_of("ansible", &b);

    has(text, "      - name: max_wal_size\n        value: \"16GB\"\n        before: \"2GB\"\n"
              "        set: \"ALTER SYSTEM SET max_wal_size = '16GB'\"\n"
              "        undo: \"ALTER SYSTEM SET max_wal_size = '2GB'\"\n");
    has(text, "        before: null\n");
    for (const char *p = text; (p = strstr(p, "\n      ansible.")); p++)
        assert_memory_equal(p, "\n      ansible.builtin.", 23);
    buf_clear(&b);
}

static void leave(const char *name, const char *before, const char *value)
{
    struct entry was = {.present = true};

    text_copy_raw(was.name, sizeof was.name, name);
    text_copy_raw(was.value, sizeof was.value, before);
    assert_true(ledger_touch(&session->ledger, &was));
    assert_true(arm_set(&session->best, name, true, value));
}

/* Their commands are in the playbook and the report; no file of the server's configuration has them. */
static void the_operating_system(void **st)
{
    (void)st;
    static const char *const files[] = {"conf", "sql", "patroni", "cnpg", "rds", "docker"};
    struct buf b = {0};

    leave("os:vm.swappiness", "60", "10");
    leave("os:vm.dirty_bytes", "20%", "536870912");
    leave("os:thp.enabled", "always", "never");
    leave("boot:vm.swappiness", "5", "10");
    leave("os:vm.panic_on_oom", "0", "1");
    leave("os:vm.overcommit_ratio", "50", "60; reboot");
    const char *text = text_of("ansible", &b);
    has(text,
        "      - name: \"os:vm.swappiness\"\n        value: \"10\"\n        before: \"60\"\n"
        "        read: \"sysctl -n vm.swappiness\"\n        set: \"sysctl -w vm.swappiness=10\"\n"
        "        undo: \"sysctl -w vm.swappiness=60\"\n");
    has(text, "        before: \"0\"\n        read: \"sysctl -n vm.dirty_bytes\"\n");
    has(text, "        undo: \"sysctl -w vm.dirty_ratio=20\"\n");
    has(text, "        read: \"cat /sys/kernel/mm/transparent_hugepage/enabled\"\n");
    has(text, "      - path: \"/etc/sysctl.d/91-pg_diagnose-ansible.conf\"\n        text: \"# "
              "written by the "
              "playbook of pg_diagnose\\nvm.swappiness = 10\\nvm.dirty_bytes = 536870912\\n\"\n");
    has(text, "w /sys/kernel/mm/transparent_hugepage/enabled - - - - never");
    has_not(text, "panic_on_oom");
    has_not(text, "reboot");
    has_not(text, "boot:vm");
    has_not(strstr(text, "pg_settings:"), "os:");
    for (const char *p = text; (p = strstr(p, "\n      ansible.")); p++)
        assert_memory_equal(p, "\n      ansible.builtin.", 23);
    const char *out = getenv("PGD_TEST_KEEP"); /* to be given to ansible-playbook */
    FILE *f = out ? fopen(out, "w") : NULL;
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        has_not(text_of(files[i], &b), "os:vm");
    text = text_of("report", &b);
    has(text, "## The operating system\n");
    has(text, "sysctl -w vm.swappiness=10\n");
    has(text, "sysctl -w vm.swappiness=60\n");
    buf_clear(&b);
}

/* A session file may have been edited by anybody. */
static void text_stays_text(void **st)
{
    (void)st;
    struct buf b = {0};

    PUT(session->history[0].changes[0].evidence, "<script>alert(1)</script>\n# {{ evil }}");
    PUT(session->plan.hypothesis, "\"><img src=x onerror=alert(1)>");
    PUT(session->best.entries[0].value, "16GB\"\n{{ lookup('pipe', 'id') }}");
    const char *text = text_of("html", &b);
    has_not(text, "<script");
    has_not(text, "<img");
    has(text, "&lt;script&gt;");
    text = text_of("ansible", &b);
    has(text, "value: !unsafe \"16GB\\\"\\n{{ lookup");
    has(text_of("sql", &b), "{{ lookup(''pipe'', ''id'') }}';");
    has_not(text_of("patroni", &b), "\n{{");
    buf_clear(&b);
}

static void plots_show_the_series(void **st)
{
    (void)st;
    struct buf b = {0};
    struct bench_run *r = &session->confirm.runs[0];

    session->confirm.n = 2;
    for (int i = 0; i < 2; i++) {
        r[i].valid = true;
        r[i].arm = i;
        r[i].tps = 100 + 50 * i;
        free(r[i].series);
        r[i].series = xcalloc(3, sizeof(float));
        r[i].nseries = 3;
        for (int k = 0; k < 3; k++)
            r[i].series[k] = (float)(100 + 50 * i + k);
    }
    const char *text = text_of("html", &b);
    has(text, "<title>Runs of the confirmation</title>");
    has(text, "<polyline class=\"a\"");
    has(text, "<polyline class=\"b\"");
    has(text, "Effect of each round with its 95 % interval");
    has(text, "With the change over without it");
    buf_clear(&b);
}

static void for_an_older_version(void **st)
{
    (void)st;
    struct buf b = {0};

    PUT(session->best.entries[0].name, "maintenance_io_concurrency");
    PUT(session->best.entries[0].value, "50");
    PUT(session->best.entries[1].name, "wal_compression");
    PUT(session->best.entries[1].value, "lz4");
    model->opt.for_version = 12;
    const char *text = text_of("conf", &b);
    has(text, "# PostgreSQL 12 has no such setting, it came with 13\n"
              "#maintenance_io_concurrency = '50'\n");
    has(text, "\nwal_compression = 'on'\n");
    model->opt.for_version = 15;
    text = text_of("conf", &b);
    has(text, "\nmaintenance_io_concurrency = '50'\n");
    has(text, "\nwal_compression = 'lz4'\n");
    model->opt.for_version = 0;
    buf_clear(&b);
}

static void a_ticket_says_what_it_takes(void **st)
{
    (void)st;
    struct buf b = {0};

    model->server.runtime.replicas = 2;
    const char *text = text_of("ticket", &b);
    has(text, "2 settings, with one restart.");
    has(text, "1. Apply to the 2 standby servers first");
    has(text, "| `shared_buffers` | `128MB` | `6GB` | at the next restart |");
    has(text, "3. Restart the server. It is away for about ");
    has(text, "## Rollback");
    has(text, "ALTER SYSTEM RESET shared_buffers;");
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_writes_what_was_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(sql_goes_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(programs_read_it, setup, teardown),
        cmocka_unit_test_setup_teardown(clusters_and_containers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_playbook_has_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(the_operating_system, setup, teardown),
        cmocka_unit_test_setup_teardown(text_stays_text, setup, teardown),
        cmocka_unit_test_setup_teardown(plots_show_the_series, setup, teardown),
        cmocka_unit_test_setup_teardown(for_an_older_version, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ticket_says_what_it_takes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
