/* guard_value() against what a server of version 15 answered: its range checks, its rounding, its SHOW. The table was
 * read from one, with SET or ALTER SYSTEM, SHOW and pg_settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/tuning/guard.h"

/* clang-format off */
static const struct setting settings[] = {
    {.name = "work_mem", .unit = "kB", .vartype = "integer", .min = "64", .max = "2147483647", .enumvals = ""},
    {.name = "effective_cache_size", .unit = "8kB", .vartype = "integer", .min = "1", .max = "2147483647", .enumvals = ""},
    {.name = "temp_buffers", .unit = "8kB", .vartype = "integer", .min = "100", .max = "1073741823", .enumvals = ""},
    {.name = "statement_timeout", .unit = "ms", .vartype = "integer", .min = "0", .max = "2147483647", .enumvals = ""},
    {.name = "log_parameter_max_length", .unit = "B", .vartype = "integer", .min = "-1", .max = "1073741823", .enumvals = ""},
    {.name = "random_page_cost", .unit = "", .vartype = "real", .min = "0", .max = "1.79769e+308", .enumvals = ""},
    {.name = "vacuum_cost_delay", .unit = "ms", .vartype = "real", .min = "0", .max = "100", .enumvals = ""},
    {.name = "hash_mem_multiplier", .unit = "", .vartype = "real", .min = "1", .max = "1000", .enumvals = ""},
    {.name = "jit", .unit = "", .vartype = "bool", .min = "", .max = "", .enumvals = ""},
    {.name = "synchronous_commit", .unit = "", .vartype = "enum", .min = "", .max = "", .enumvals = "{local,remote_write,remote_apply,on,off}"},
    {.name = "wal_compression", .unit = "", .vartype = "enum", .min = "", .max = "", .enumvals = "{pglz,lz4,zstd,on,off}"},
    {.name = "default_statistics_target", .unit = "", .vartype = "integer", .min = "1", .max = "10000", .enumvals = ""},
    {.name = "effective_io_concurrency", .unit = "", .vartype = "integer", .min = "0", .max = "1000", .enumvals = ""},
    {.name = "compute_query_id", .unit = "", .vartype = "enum", .min = "", .max = "", .enumvals = "{auto,regress,on,off}"},
    {.name = "plan_cache_mode", .unit = "", .vartype = "enum", .min = "", .max = "", .enumvals = "{auto,force_generic_plan,force_custom_plan}"},
    {.name = "max_wal_size", .unit = "MB", .vartype = "integer", .min = "2", .max = "2147483647", .enumvals = ""},
    {.name = "checkpoint_timeout", .unit = "s", .vartype = "integer", .min = "30", .max = "86400", .enumvals = ""},
    {.name = "log_rotation_age", .unit = "min", .vartype = "integer", .min = "0", .max = "35791394", .enumvals = ""},
    {.name = "autovacuum_vacuum_cost_delay", .unit = "ms", .vartype = "real", .min = "-1", .max = "100", .enumvals = ""},
    {.name = "autovacuum_work_mem", .unit = "kB", .vartype = "integer", .min = "-1", .max = "2147483647", .enumvals = ""},
    {.name = "wal_writer_delay", .unit = "ms", .vartype = "integer", .min = "1", .max = "10000", .enumvals = ""},
};

/* shown NULL: the server refuses the value. base is the value in the setting's own unit, as pg_settings has it. */
static const struct {
    const char *name, *text, *shown, *base;
} answers[] = {
    {"work_mem", "64MB", "64MB", "65536"},
    {"work_mem", "65536kB", "64MB", "65536"},
    {"work_mem", "65536", "64MB", "65536"},
    {"work_mem", "1.5GB", "1536MB", "1572864"},
    {"work_mem", "1 GB", "1GB", "1048576"},
    {"work_mem", "  2MB ", "2MB", "2048"},
    {"work_mem", "64mb", NULL, NULL},
    {"work_mem", "64 M", NULL, NULL},
    {"work_mem", "1e2MB", "100MB", "102400"},
    {"work_mem", "0.1kB", NULL, NULL},
    {"work_mem", "63", NULL, NULL},
    {"work_mem", "64", "64kB", "64"},
    {"work_mem", "64.4kB", "64kB", "64"},
    {"work_mem", "65kB", "65kB", "65"},
    {"work_mem", "1TB", "1TB", "1073741824"},
    {"work_mem", "2TB", NULL, NULL},
    {"work_mem", "3TB", NULL, NULL},
    {"work_mem", "010", NULL, NULL},
    {"work_mem", "1e", NULL, NULL},
    {"work_mem", "+128", "128kB", "128"},
    {"work_mem", "-1", NULL, NULL},
    {"work_mem", ".5MB", "512kB", "512"},
    {"work_mem", "1.", NULL, NULL},
    {"work_mem", "30.1GB", "30822MB", "31561728"},
    {"work_mem", "1048577B", "1MB", "1024"},
    {"work_mem", "70000B", "68kB", "68"},
    {"work_mem", "66MBx", NULL, NULL},
    {"work_mem", "100us", NULL, NULL},
    {"work_mem", "NaN", NULL, NULL},
    {"work_mem", "inf", NULL, NULL},
    {"work_mem", "1e400", NULL, NULL},
    {"work_mem", "0064", NULL, NULL},
    {"work_mem", "64 kB", "64kB", "64"},
    {"work_mem", "65.5", "66kB", "66"},
    {"work_mem", "66.5", "66kB", "66"},
    {"effective_cache_size", "64MB", "64MB", "8192"},
    {"effective_cache_size", "9kB", "8kB", "1"},
    {"effective_cache_size", "12kB", "16kB", "2"},
    {"effective_cache_size", "4kB", NULL, NULL},
    {"effective_cache_size", "4097B", "8kB", "1"},
    {"effective_cache_size", "12288", "96MB", "12288"},
    {"effective_cache_size", "1GB", "1GB", "131072"},
    {"effective_cache_size", "1.00001GB", "1GB", "131072"},
    {"effective_cache_size", "8TB", "8TB", "1073741824"},
    {"effective_cache_size", "20TB", NULL, NULL},
    {"effective_cache_size", "3kB", NULL, NULL},
    {"effective_cache_size", "8191B", "8kB", "1"},
    {"effective_cache_size", "12.5kB", "16kB", "2"},
    {"temp_buffers", "100", "800kB", "100"},
    {"temp_buffers", "8MB", "8MB", "1024"},
    {"temp_buffers", "799kB", "800kB", "100"},
    {"temp_buffers", "800kB", "800kB", "100"},
    {"temp_buffers", "804kB", "800kB", "100"},
    {"temp_buffers", "2.5MB", "2560kB", "320"},
    {"statement_timeout", "1min", "1min", "60000"},
    {"statement_timeout", "1.5min", "90s", "90000"},
    {"statement_timeout", "90s", "90s", "90000"},
    {"statement_timeout", "2h", "2h", "7200000"},
    {"statement_timeout", "1d", "1d", "86400000"},
    {"statement_timeout", "250us", "0", "0"},
    {"statement_timeout", "1500us", "2ms", "2"},
    {"statement_timeout", "0", "0", "0"},
    {"statement_timeout", "-1", NULL, NULL},
    {"statement_timeout", "25d", NULL, NULL},
    {"statement_timeout", "24d", "24d", "2073600000"},
    {"statement_timeout", "100", "100ms", "100"},
    {"statement_timeout", "1000", "1s", "1000"},
    {"statement_timeout", "60000", "1min", "60000"},
    {"statement_timeout", "0.5ms", "0", "0"},
    {"statement_timeout", "1.5ms", "2ms", "2"},
    {"statement_timeout", "2.5s", "2500ms", "2500"},
    {"statement_timeout", "3M", NULL, NULL},
    {"statement_timeout", "1MIN", NULL, NULL},
    {"statement_timeout", "10 min", "10min", "600000"},
    {"log_parameter_max_length", "1kB", "1kB", "1024"},
    {"log_parameter_max_length", "1.5kB", "1536B", "1536"},
    {"log_parameter_max_length", "1024", "1kB", "1024"},
    {"log_parameter_max_length", "0.3B", "0", "0"},
    {"log_parameter_max_length", "2MB", "2MB", "2097152"},
    {"log_parameter_max_length", "-1", "-1", "-1"},
    {"log_parameter_max_length", "0.0005kB", "1B", "1"},
    {"random_page_cost", "1.1", "1.1", "1.1"},
    {"random_page_cost", "4", "4", "4"},
    {"random_page_cost", "1e0", "1", "1"},
    {"random_page_cost", ".5", "0.5", "0.5"},
    {"random_page_cost", "-1", NULL, NULL},
    {"random_page_cost", "1.23456789", "1.23457", "1.23457"},
    {"random_page_cost", "1MB", NULL, NULL},
    {"random_page_cost", "infinity", NULL, NULL},
    {"random_page_cost", "nan", NULL, NULL},
    {"random_page_cost", "1e300", "1e+300", "1e+300"},
    {"random_page_cost", "1e309", NULL, NULL},
    {"random_page_cost", "100000", "100000", "100000"},
    {"random_page_cost", "1000000", "1e+06", "1e+06"},
    {"random_page_cost", "1234567", "1.23457e+06", "1.23457e+06"},
    {"vacuum_cost_delay", "2", "2ms", "2"},
    {"vacuum_cost_delay", "2ms", "2ms", "2"},
    {"vacuum_cost_delay", "0.5", "500us", "0.5"},
    {"vacuum_cost_delay", "500us", "500us", "0.5"},
    {"vacuum_cost_delay", "1s", NULL, NULL},
    {"vacuum_cost_delay", "0.1s", "100ms", "100"},
    {"vacuum_cost_delay", "20.123456", "20123.5us", "20.1235"},
    {"vacuum_cost_delay", "0", "0", "0"},
    {"vacuum_cost_delay", "-1", NULL, NULL},
    {"vacuum_cost_delay", "150us", "150us", "0.15"},
    {"vacuum_cost_delay", "0.0001s", "0", "0"},
    {"hash_mem_multiplier", "2", "2", "2"},
    {"hash_mem_multiplier", "1.5", "1.5", "1.5"},
    {"hash_mem_multiplier", "0.5", NULL, NULL},
    {"hash_mem_multiplier", "1001", NULL, NULL},
    {"jit", "on", "on", "on"},
    {"jit", "off", "off", "off"},
    {"jit", "ON", "on", "on"},
    {"jit", "tr", "on", "on"},
    {"jit", "t", "on", "on"},
    {"jit", "f", "off", "off"},
    {"jit", "y", "on", "on"},
    {"jit", "ye", "on", "on"},
    {"jit", "n", "off", "off"},
    {"jit", "no", "off", "off"},
    {"jit", "o", NULL, NULL},
    {"jit", "of", "off", "off"},
    {"jit", "onn", NULL, NULL},
    {"jit", "1", "on", "on"},
    {"jit", "0", "off", "off"},
    {"jit", "2", NULL, NULL},
    {"jit", "01", NULL, NULL},
    {"jit", "yes", "on", "on"},
    {"jit", "truee", NULL, NULL},
    {"synchronous_commit", "on", "on", "on"},
    {"synchronous_commit", "off", "off", "off"},
    {"synchronous_commit", "ON", "on", "on"},
    {"synchronous_commit", "remote_apply", "remote_apply", "remote_apply"},
    {"synchronous_commit", "local", "local", "local"},
    {"synchronous_commit", "true", "on", "on"},
    {"synchronous_commit", "t", NULL, NULL},
    {"synchronous_commit", "yes", "on", "on"},
    {"synchronous_commit", "0", "off", "off"},
    {"synchronous_commit", "1", "on", "on"},
    {"synchronous_commit", "remote", NULL, NULL},
    {"synchronous_commit", "Remote_Write", "remote_write", "remote_write"},
    {"wal_compression", "on", "pglz", "pglz"},
    {"wal_compression", "off", "off", "off"},
    {"wal_compression", "lz4", "lz4", "lz4"},
    {"wal_compression", "PGLZ", "pglz", "pglz"},
    {"wal_compression", "zstd", "zstd", "zstd"},
    {"wal_compression", "true", "pglz", "pglz"},
    {"wal_compression", "yes", "pglz", "pglz"},
    {"wal_compression", "false", "off", "off"},
    {"wal_compression", "no", "off", "off"},
    {"wal_compression", "1", "pglz", "pglz"},
    {"wal_compression", "0", "off", "off"},
    {"wal_compression", "snappy", NULL, NULL},
    {"default_statistics_target", "100", "100", "100"},
    {"default_statistics_target", "1e2", "100", "100"},
    {"default_statistics_target", "100.4", "100", "100"},
    {"default_statistics_target", "100.5", "100", "100"},
    {"default_statistics_target", "100.6", "101", "101"},
    {"default_statistics_target", "101.5", "102", "102"},
    {"default_statistics_target", "100kB", NULL, NULL},
    {"default_statistics_target", "0", NULL, NULL},
    {"default_statistics_target", "10001", NULL, NULL},
    {"default_statistics_target", "-5", NULL, NULL},
    {"effective_io_concurrency", "200", "200", "200"},
    {"effective_io_concurrency", "1001", NULL, NULL},
    {"effective_io_concurrency", "0", "0", "0"},
    {"compute_query_id", "auto", "auto", "auto"},
    {"compute_query_id", "on", "on", "on"},
    {"compute_query_id", "true", "on", "on"},
    {"compute_query_id", "regress", "regress", "regress"},
    {"plan_cache_mode", "auto", "auto", "auto"},
    {"plan_cache_mode", "FORCE_generic_plan", "force_generic_plan", "force_generic_plan"},
    {"max_wal_size", "1GB", "1GB", "1024"},
    {"max_wal_size", "1.5GB", "1536MB", "1536"},
    {"max_wal_size", "100MB", "100MB", "100"},
    {"max_wal_size", "16TB", "16TB", "16777216"},
    {"max_wal_size", "1023MB", "1023MB", "1023"},
    {"max_wal_size", "1", NULL, NULL},
    {"max_wal_size", "32MB", "32MB", "32"},
    {"max_wal_size", "2.0005GB", "2049MB", "2049"},
    {"max_wal_size", "1536000kB", "1500MB", "1500"},
    {"max_wal_size", "3PB", NULL, NULL},
    {"checkpoint_timeout", "5min", "5min", "300"},
    {"checkpoint_timeout", "90s", "90s", "90"},
    {"checkpoint_timeout", "1h", "1h", "3600"},
    {"checkpoint_timeout", "1d", "1d", "86400"},
    {"checkpoint_timeout", "300", "5min", "300"},
    {"checkpoint_timeout", "30000ms", "30s", "30"},
    {"checkpoint_timeout", "29s", NULL, NULL},
    {"checkpoint_timeout", "2d", NULL, NULL},
    {"checkpoint_timeout", "0.5h", "30min", "1800"},
    {"checkpoint_timeout", "1500ms", NULL, NULL},
    {"checkpoint_timeout", "30.5s", "30s", "30"},
    {"checkpoint_timeout", "31.5s", "32s", "32"},
    {"log_rotation_age", "1d", "1d", "1440"},
    {"log_rotation_age", "1h", "1h", "60"},
    {"log_rotation_age", "90", "90min", "90"},
    {"log_rotation_age", "1440", "1d", "1440"},
    {"log_rotation_age", "90s", "2min", "2"},
    {"log_rotation_age", "30s", "0", "0"},
    {"log_rotation_age", "150s", "2min", "2"},
    {"log_rotation_age", "0.5h", "30min", "30"},
    {"autovacuum_vacuum_cost_delay", "2ms", "2ms", "2"},
    {"autovacuum_vacuum_cost_delay", "-1", "-1", "-1"},
    {"autovacuum_vacuum_cost_delay", "0.5", "500us", "0.5"},
    {"autovacuum_vacuum_cost_delay", "1.5ms", "1500us", "1.5"},
    {"autovacuum_work_mem", "-1", "-1", "-1"},
    {"autovacuum_work_mem", "1GB", "1GB", "1048576"},
    {"autovacuum_work_mem", "1536MB", "1536MB", "1572864"},
    {"wal_writer_delay", "200ms", "200ms", "200"},
    {"wal_writer_delay", "1s", "1s", "1000"},
    {"wal_writer_delay", "0", NULL, NULL},
    {"wal_writer_delay", "1.5s", "1500ms", "1500"},
};
/* clang-format on */

static const struct setting *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    fail_msg("no setting %s in the table", name);
    return NULL;
}

/* Bytes or milliseconds in one base unit. */
static double scale_of(const char *unit)
{
    static const struct {
        const char *unit;
        double scale;
    } scales[] = {{"", 1},   {"B", 1},    {"kB", 1024},   {"8kB", 8192},
                  {"ms", 1}, {"s", 1000}, {"min", 60000}, {"MB", 1048576}};
    for (size_t i = 0; i < ARRAY_LEN(scales); i++)
        if (strcmp(scales[i].unit, unit) == 0)
            return scales[i].scale;
    fail_msg("no unit %s in the table", unit);
    return 0;
}

static void reads_and_shows_as_the_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct setting *s = find(answers[i].name);
        char shown[SETTING_VALUE_MAX] = "untouched";
        double number = -77;
        struct err e;
        err_clear(&e);
        bool ok = guard_value(s, answers[i].text, &number, shown, sizeof shown, &e);
        if (ok != (answers[i].shown != NULL))
            fail_msg("%s = \"%s\": %s", s->name, answers[i].text, ok ? shown : e.msg);
        if (!ok) {
            assert_int_equal(e.code, ERR_REFUSED);
            assert_true(strlen(e.msg) > 0);
            continue;
        }
        assert_string_equal(shown, answers[i].shown);
        if (strcmp(s->vartype, "bool") == 0) {
            assert_true(number == (strcmp(shown, "on") == 0));
        } else if (strcmp(s->vartype, "enum") == 0) {
            assert_true(isnan(number));
        } else {
            double base = atof(answers[i].base);
            double want = base < 0 ? base : base * scale_of(s->unit);
            /* pg_settings prints six digits of a real. */
            if (fabs(number - want) > 1e-5 * fabs(want))
                fail_msg("%s = \"%s\": %g, not %g", s->name, answers[i].text, number, want);
        }
    }
}

static void shown_text_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct setting *s = find(answers[i].name);
        if (!answers[i].shown)
            continue;
        char again[SETTING_VALUE_MAX];
        double number;
        assert_true(guard_value(s, answers[i].shown, &number, again, sizeof again, NULL));
        assert_string_equal(again, answers[i].shown);
    }
}

static void refused(const char *name, const char *text)
{
    char shown[SETTING_VALUE_MAX];
    double number;
    struct err e;
    err_clear(&e);
    if (guard_value(find(name), text, &number, shown, sizeof shown, &e))
        fail_msg("%s = \"%s\" was taken as %s", name, text, shown);
    assert_int_equal(e.code, ERR_REFUSED);
}

/* What the server takes and people misread, and what could end a statement. */
static void refuses_surprises(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0x40",     "0X40",     "0x1p4",    "0100",     "00",           "",
        " ",        "64MB\n",   "\n64MB",   "64\tMB",   "64MB'",        "'64MB'",
        "\"64MB\"", "64MB;",    "64MB--x;", "64\\MB",   "64\xc2\xa0MB", "\xef\xbc\x96MB",
        "64MB\x01", "64MB\x7f", "64,5MB",   "- 5",      "5e",           "e5",
        ".",        "+",        "--64MB",   "1e999",    "64MBMB",       "64 MB MB",
        "64MBs",    "nan",      "-inf",     "infinity", "1_000",        "64M",
        "64mB",     "64GiB",    "64 gb",    "64 Gb"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        refused("work_mem", texts[i]);
    refused("random_page_cost", "0x2");
    refused("random_page_cost", "1,1");
    refused("jit", "on; DROP TABLE x");
    refused("synchronous_commit", "o");
    char text[2 * SETTING_VALUE_MAX];
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refused("work_mem", text);
    refused("random_page_cost", text);
    memset(text, ' ', sizeof text - 1);
    refused("work_mem", text);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    char shown[SETTING_VALUE_MAX];
    double number;
    struct err e;
    err_clear(&e);
    assert_false(guard_value(find("work_mem"), "64mb", &number, shown, sizeof shown, &e));
    assert_string_equal(e.msg, "\"mb\" is not a unit of work_mem");
    assert_string_equal(e.hint, "Units are case-sensitive: write \"MB\".");
    err_clear(&e);
    assert_false(guard_value(find("work_mem"), "64 parsec", &number, shown, sizeof shown, &e));
    assert_string_equal(e.hint, "Valid units are B, kB, MB, GB and TB.");
    err_clear(&e);
    assert_false(guard_value(find("work_mem"), "4", &number, shown, sizeof shown, &e));
    assert_string_equal(e.msg,
                        "work_mem = 4 is outside of the server's range, 64kB to 2147483647kB");
    assert_string_equal(e.hint, "A number without a unit counts in kB.");
    err_clear(&e);
    assert_false(
        guard_value(find("default_statistics_target"), "100kB", &number, shown, sizeof shown, &e));
    assert_string_equal(e.msg, "default_statistics_target takes a plain number, without \"kB\"");
    err_clear(&e);
    assert_false(guard_value(find("wal_compression"), "snappy", &number, shown, sizeof shown, &e));
    assert_string_equal(e.hint, "Valid values are {pglz,lz4,zstd,on,off}.");
    err_clear(&e);
    assert_false(guard_value(find("jit"), "maybe", &number, shown, sizeof shown, &e));
    assert_string_equal(e.msg, "jit is on or off, not \"maybe\"");
}

static void quoted_labels_and_other_block_sizes(void **state)
{
    (void)state;
    struct setting level = {.name = "default_transaction_isolation",
                            .vartype = "enum",
                            .enumvals = "{serializable,\"repeatable read\",\"read committed\"}"};
    struct setting buffers = {.name = "shared_buffers",
                              .vartype = "integer",
                              .unit = "16kB",
                              .min = "16",
                              .max = "1073741823"};
    char shown[SETTING_VALUE_MAX];
    double number;
    assert_true(guard_value(&level, "REPEATABLE READ", &number, shown, sizeof shown, NULL));
    assert_string_equal(shown, "repeatable read");
    assert_true(guard_value(&level, "read committed", &number, shown, sizeof shown, NULL));
    assert_false(guard_value(&level, "read", &number, shown, sizeof shown, NULL));
    assert_true(guard_value(&buffers, "128MB", &number, shown, sizeof shown, NULL));
    assert_true(number == 134217728.0);
    assert_true(guard_value(&buffers, "24", NULL, shown, sizeof shown, NULL));
    assert_string_equal(shown, "384kB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_shows_as_the_server),
        cmocka_unit_test(shown_text_reads_back),
        cmocka_unit_test(refuses_surprises),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(quoted_labels_and_other_block_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
