/* The report and the configuration fragment: what stands in them, what stays out, and that text from outside
 * cannot become markup, a second line or a setting. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "full_session.h"
#include "pgd/workspace/export_parts.h"
#include "pgd/workspace/store.h"

static struct model *model;

static int setup(void **st)
{
    (void)st;
    model = xcalloc(1, sizeof *model);
    model_init(model);
    model->wall_us = INT64_C(1767331110000000);
    PUT(model->workspace.name, "postgres_10-0-0-230");
    PUT(model->server.id.version, "15.18 (Debian)");
    PUT(model->server.id.database, "postgres");
    PUT(model->server.id.role, "dba");
    model->server.host.known = true;
    model->server.host.cpus = 8;
    model->server.host.mem_total = 32.0 * 1024 * 1024 * 1024;
    PUT(model->server.host.hostname, "db1");
    return 0;
}

static int teardown(void **st)
{
    (void)st;
    model_clear(model);
    free(model);
    return 0;
}

static void has(const struct buf *b, const char *part)
{
    if (!strstr(buf_text(b), part))
        fail_msg("\"%s\" is not in:\n%s", part, buf_text(b));
}

static void has_not(const struct buf *b, const char *part)
{
    const char *at = strstr(buf_text(b), part);
    if (at)
        fail_msg("\"%s\" is in: %.200s", part, at);
}

static void test_report(void **st)
{
    (void)st;
    struct session *s = full_session();
    const struct session *list[] = {s};
    struct buf b = {0};

    export_report(model, list, 1, &b);
    has(&b, "# pg_diagnose report: postgres_10-0-0-230\n");
    has(&b, "| Server | PostgreSQL 15.18 (Debian), database postgres, role dba |");
    has(&b, "| Machine | db1: 8 CPUs, 32 GB of memory |");
    has(&b, "| WriteOptimize_01022026-050830 | WriteOptimize | 4 502 \xe2\x86\x92 5 276 TPS | "
            "+17.2 % (95 % "
            "interval +14.2 % \xe2\x80\xa6 +20.2 %) | 3 |");
    has(&b, "| `max_wal_size` | `2GB` | `16GB` | WriteOptimize_01022026-050830, round 1: +14.0 %");
    has(&b, "9 of 11 checkpoints were requested |");
    has(&b, "| `shared_buffers` | `128MB` | `6GB` | WriteOptimize_01022026-050830, round 2");
    has(&b, "hit ratio 91 % (needs a restart) |");
    has(&b, "| Hypothesis | Checkpoints are requested by WAL volume. |");
    has(&b, "| Scripts | order.sql, weight 7; report.sql, weight 1 |");
    has(&b, "| Clients | 8 |");
    has(&b,
        "- **checkpoints** (important): Checkpoints are requested, not timed. Measured: 9 of 11");
    has(&b, "4 502 TPS, 95 % of the transactions within 3.12 ms");
    has(&b, "\xc2\xb1"
            "3.1 %");
    has(&b, "#### Round 1: improved, kept");
    has(&b, "- **Prediction:** +8.0 \xe2\x80\xa6 +15.0 %; measured +14.0 %, as predicted.");
    has(&b, "- **Prediction:** +8.0 \xe2\x80\xa6 +15.0 %; measured +5.0 %, less than predicted.");
    has(&b, "- `work_mem` = `16MB`: -2.0 % in 3 runs, dropped");
    has(&b, "- `shared_buffers` = `6GB`: +4.0 % in 1 run, gained");
    has(&b,
        "- **Accepted, and not compared:**\n    - `work_mem` = `16MB`: lost in screening (-2.0 %");
    has(&b, "- `work_mem` = `16MB`, round 2: accepted, and not compared: lost in screening (-2.0 % "
            "in 3 short "
            "runs)");
    has(&b, "| `max_wal_size` | `16GB` | +12.0 % (95 % interval +8.0 % to +16.0 %) | yes |");
    has(&b, "| `jit` | `off` | not measured by itself | no, taken out |");
    has(&b, "The confirmation above is of the set that stays.");
    has(&b, "LWLock:WALWrite 61 %, CPU 39 %");
    has(&b, "- **Bottleneck:** CPU-bound: 96 % busy");
    has(&b, "#### Round 3: inconclusive, undone");
    has(&b, "- `work_mem` = `64MB`, round 3: -0.3 %");
    has(&b, "- `random_page_cost` = `1.1`: proposed, refused or not accepted");
    has(&b, "Start against best, fresh and in turn: improved.");
    has(&b, "ALTER SYSTEM SET max_wal_size = '16GB';\nALTER SYSTEM SET shared_buffers = '6GB';\n"
            "SELECT pg_reload_conf();\n-- then restart the server\n");
    has(&b, "ALTER SYSTEM SET max_wal_size = '2GB';\nALTER SYSTEM RESET shared_buffers;\n");
    has_not(&b, "nan");
    has_not(&b, "inf ");
    buf_clear(&b);
    full_session_free(s);
}

static void test_nothing_archived(void **st)
{
    (void)st;
    struct buf b = {0};

    model->server.host.known = false;
    export_report(model, NULL, 0, &b);
    has(&b, "No session of this workspace has been archived.");
    has(&b, "| Machine | not visible from here |");
    has_not(&b, "ALTER SYSTEM");
    b.len = 0;
    export_conf(model, NULL, 0, &b);
    has(&b, "# No archived session has a setting to give.");
    buf_clear(&b);
}

/* Every line that is not a comment, one setting each. */
static int settings_in(const struct buf *b)
{
    int n = 0;

    for (const char *p = buf_text(b); *p;) {
        size_t len = strcspn(p, "\n");
        n += len > 0 && *p != '#';
        p += len + (p[len] == '\n');
    }
    return n;
}

static void test_conf(void **st)
{
    (void)st;
    struct session *s = full_session();
    const struct session *list[] = {s};
    struct buf b = {0};

    export_conf(model, list, 1, &b);
    has(&b, "# 2 settings from 1 archived session;");
    has(&b, "include 'pg_diagnose.conf'");
    has(&b,
        "# ---- session WriteOptimize_01022026-050830\n# as a whole: 4502 to 5276 TPS, +17.2 %");
    has(&b,
        "\n# was: 2GB\n# why: why max_wal_size\n# evidence: 9 of 11 checkpoints were requested\n"
        "# measured: round 1: +14.0 % (95 % interval +11.0 % \xe2\x80\xa6 +17.0 %)\n"
        "max_wal_size = '16GB'\n");
    has(&b, "# needs a restart\nshared_buffers = '6GB'\n");
    has_not(&b, "work_mem =");
    assert_int_equal(settings_in(&b), 2);
    buf_clear(&b);
    full_session_free(s);
}

static void test_conf_quotes(void **st)
{
    (void)st;
    struct session *s = full_session();
    const struct session *list[] = {s};
    struct buf b = {0};

    PUT(s->best.entries[0].value, "a'b\\c\nport = 1");
    PUT(s->history[0].changes[0].why, "first\nport = 2");
    PUT(s->history[0].changes[0].evidence, "x\r\nport = 3");
    PUT(s->first[0].shown, "\nport = 4");
    PUT(model->server.id.version, "15\nport = 5");
    export_conf(model, list, 1, &b);
    has(&b, "max_wal_size = 'a''b\\\\c\\012port = 1'\n");
    has_not(&b, "\nport");
    assert_int_equal(settings_in(&b), 2);
    buf_clear(&b);
    full_session_free(s);
}

/* A session file that somebody edited cannot put a command, a path or a port into the fragment. */
static void test_conf_tuned_only(void **st)
{
    (void)st;
    struct session *s = full_session();
    const struct session *list[] = {s};
    struct buf b = {0};
    static const char *const never[] = {"port",           "listen_addresses", "archive_command",
                                        "data_directory", "ssl_cert_file",    "fsync"};

    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        arm_set(&s->best, never[i], true, "off");
    export_conf(model, list, 1, &b);
    assert_int_equal(settings_in(&b), 2);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        has_not(&b, never[i]);
    buf_clear(&b);
    full_session_free(s);
}

static struct session *later(const char *name, const char *setting, const char *was,
                             const char *value)
{
    struct session *s = full_session();

    s->best.n = s->nfinal = s->nfirst = s->nhistory = 0;
    memset(s->history, 0, sizeof s->history);
    PUT(s->name, "%s", name);
    s->ledger.n = 0;
    arm_set(&s->best, setting, value != NULL, value ? value : "");
    session_remember_first(s, setting, was);
    struct entry had = {.present = true};
    PUT(had.name, "%s", setting);
    PUT(had.value, "%s", was);
    ledger_touch(&s->ledger, &had);
    s->nhistory = 1;
    s->history[0].number = 1;
    s->history[0].kept = true;
    s->history[0].verdict = full_verdict(VERDICT_IMPROVED, 1.1);
    full_change(&s->history[0], setting, value ? value : "", "later evidence");
    return s;
}

static void test_later_sessions_win(void **st)
{
    (void)st;
    struct session *one = full_session(),
                   *two = later("Later_02022026-050830", "max_wal_size", "16GB", "32GB");
    const struct session *list[] = {one, two};
    struct buf b = {0};

    export_conf(model, list, 2, &b);
    has(&b, "# ---- session Later_02022026-050830\n");
    has(&b, "# was: 2GB\n# why: why max_wal_size\n# evidence: later evidence\n");
    has(&b, "max_wal_size = '32GB'\n");
    has_not(&b, "'16GB'");
    assert_int_equal(settings_in(&b), 2);
    b.len = 0;
    export_report(model, list, 2, &b);
    has(&b, "| `max_wal_size` | `2GB` | `32GB` | Later_02022026-050830, round 1: +10.0 %");
    has(&b, "ALTER SYSTEM SET max_wal_size = '2GB';\n"); /* the undo: before the first session */
    buf_clear(&b);
    full_session_free(one);
    full_session_free(two);
}

static void test_reset_later_is_left_out(void **st)
{
    (void)st;
    struct session *one = full_session(),
                   *two = later("Later_02022026-050830", "max_wal_size", "16GB", NULL);
    const struct session *list[] = {one, two};
    struct buf b = {0};

    export_conf(model, list, 2, &b);
    has_not(&b, "max_wal_size =");
    assert_int_equal(settings_in(&b), 1);
    two->best.n = 0;
    two->history[0].changes[0].reset = true;
    b.len = 0;
    export_conf(model, list, 2, &b);
    assert_int_equal(settings_in(&b), 1);
    two->history[0].kept = false;
    b.len = 0;
    export_conf(model, list, 2, &b);
    assert_int_equal(settings_in(&b), 2);
    buf_clear(&b);
    full_session_free(one);
    full_session_free(two);
}

static void markdown_is(const char *text, const char *want)
{
    struct buf b = {0};

    export_markdown(&b, text);
    assert_string_equal(buf_text(&b), want);
    buf_clear(&b);
}

static void test_markdown(void **st)
{
    (void)st;
    markdown_is("plain work_mem 9 of 11", "plain work_mem 9 of 11");
    markdown_is("a|b", "a\\|b");
    markdown_is("<script>&", "&lt;script&gt;&amp;");
    markdown_is("[x](javascript:y)", "\\[x\\](javascript:y)");
    markdown_is("http://h/x www.h.com a@b", "http&#58;//h/x www&#46;h.com a&#64;b");
    markdown_is("**b** `c` _d_ ~~e~~ \\", "\\*\\*b\\*\\* \\`c\\` \\_d\\_ \\~\\~e\\~\\~ \\\\");
    markdown_is("# head", "\\# head");
    markdown_is("a\nb\tc", "a b c");
    markdown_is("\xe2\x80\xae\x1b", "\xef\xbf\xbd\xef\xbf\xbd");
    markdown_is("\xff", "\xef\xbf\xbd");
    markdown_is("", "");
}

static void test_report_escapes(void **st)
{
    (void)st;
    struct session *s = full_session();
    const struct session *list[] = {s};
    struct buf b = {0};
    static const char bad[] = "<img src=x>|\n\n## Fake [a](http://e)";

    PUT(s->plan.hypothesis, "%s", bad);
    PUT(s->sight.findings[0].text, "%s", bad);
    PUT(s->history[0].changes[0].evidence, "%s", bad);
    PUT(s->history[0].changes[0].value, "%s", bad);
    PUT(s->said[0].text, "%s", bad);
    PUT(s->end_reason, "%s", bad);
    PUT(s->plan.scripts[0].name, "%s", bad);
    PUT(model->server.host.hostname, "%s", bad);
    PUT(s->best.entries[0].value, "`````\n## Fake");
    export_report(model, list, 1, &b);
    has_not(&b, "<img");
    has_not(&b, "http:/");
    has_not(&b, "[a](");
    has(&b, "\\[a\\](http&#58;//e)");
    /* the SQL block is fenced by more backticks than its text has, so it cannot end early */
    has(&b, "\n``````sql\n");
    const char *fake = strstr(buf_text(&b), "\n## Fake");
    assert_non_null(fake);
    assert_null(strstr(fake + 1, "\n## Fake"));
    buf_clear(&b);
    full_session_free(s);
}

static void test_unmeasured_session(void **st)
{
    (void)st;
    struct session *s = full_session();
    const struct session *list[] = {s};
    struct buf b = {0};

    session_reset(s);
    s->state = SESSION_ARCHIVED;
    PUT(s->name, "Empty_01022026-050830");
    export_report(model, list, 1, &b);
    has(&b, "No round was measured.");
    has(&b, "No confirmation was measured.");
    has(&b, "None differs from what stood there before.");
    has_not(&b, "nan");
    buf_clear(&b);
    full_session_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_report, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_archived, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conf_quotes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conf_tuned_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_sessions_win, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_later_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_markdown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report_escapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmeasured_session, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
