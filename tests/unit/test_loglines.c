/* Lines of a server's log: what they are, when they were written, and how much of them is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/telemetry/logtail.h"

#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-6)

/* 2026-11-23 13:00:05 UTC */
static const int64_t noon_us = 1795438805000000;

static struct logline parse(enum log_format format, const char *line)
{
    struct logline l;
    assert_true(logline_parse(format, line, strlen(line), &l));
    return l;
}

static bool parses(enum log_format format, const char *line)
{
    struct logline l;
    return logline_parse(format, line, strlen(line), &l);
}

/* As PostgreSQL 15 writes them, with its own and with other prefixes. */
static const struct {
    const char *line;
    enum logline_kind kind;
    enum log_severity severity;
    const char *text;
} samples[] = {
    {"2026-11-23 13:00:05.123 UTC [4711] LOG:  checkpoint complete: wrote 16012 buffers (97.7%); 0 "
     "WAL "
     "file(s) added, 0 removed, 33 recycled; write=269.912 s, sync=0.004 s, total=270.021 s; sync "
     "files=12, longest=0.003 s, average=0.001 s; distance=541220 kB, estimate=541220 kB",
     LOGLINE_CHECKPOINT, LOG_SEVERITY_LOG, "checkpoint complete: wrote 16012 buffers"},
    {"2026-11-23 13:00:05 UTC [4711] LOG:  checkpoints are occurring too frequently (9 seconds "
     "apart)",
     LOGLINE_CHECKPOINTS_OFTEN, LOG_SEVERITY_LOG, "checkpoints are"},
    {"2026-11-23 13:00:05.001 UTC [12] app@shop ERROR:  deadlock detected", LOGLINE_DEADLOCK,
     LOG_SEVERITY_ERROR, "deadlock detected"},
    {"< 2026-11-23 13:00:05.001 UTC >LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp7.0\", "
     "size "
     "209715200",
     LOGLINE_TEMP_FILE, LOG_SEVERITY_LOG, "temporary file: path"},
    {"1795438805.001 [7] ERROR:  canceling autovacuum task", LOGLINE_AUTOVACUUM_CANCEL,
     LOG_SEVERITY_ERROR, "canceling"},
    {"LOG:  invalid value for parameter \"work_mem\": \"x\"", LOGLINE_CONFIG, LOG_SEVERITY_LOG,
     "invalid value"},
    {"2026-11-23 13:00:05 UTC [1] LOG:  configuration file \"/a/postgresql.conf\" contains errors; "
     "unaffected changes were applied",
     LOGLINE_CONFIG, LOG_SEVERITY_LOG, "configuration file"},
    {"[1] FATAL:  could not map anonymous shared memory: Cannot allocate memory", LOGLINE_MEMORY,
     LOG_SEVERITY_FATAL, "could not map"},
    {"[1] PANIC:  could not write to file \"pg_wal/xlogtemp.9\": No space left on device",
     LOGLINE_DISK, LOG_SEVERITY_PANIC, "could not write"},
    {"[1] LOG:  server process (PID 4712) was terminated by signal 9: Killed", LOGLINE_CRASH,
     LOG_SEVERITY_LOG, "server process"},
    {"[1] LOG:  database system was not properly shut down; automatic recovery in progress",
     LOGLINE_RECOVERY, LOG_SEVERITY_LOG, "database system"},
    {"[1] LOG:  database system is ready to accept connections", LOGLINE_UP, LOG_SEVERITY_LOG,
     "database"},
    {"[1] LOG:  received fast shutdown request", LOGLINE_DOWN, LOG_SEVERITY_LOG, "received"},
    {"[1] FATAL:  sorry, too many clients already", LOGLINE_FATAL, LOG_SEVERITY_FATAL, "sorry"},
    {"[1] PANIC:  something", LOGLINE_PANIC, LOG_SEVERITY_PANIC, "something"},
    {"[1] FATAL:  terminating connection due to administrator command", LOGLINE_OTHER,
     LOG_SEVERITY_FATAL, "terminating"},
    {"[1] ERROR:  duplicate key value violates unique constraint \"x\"", LOGLINE_OTHER,
     LOG_SEVERITY_ERROR, "duplicate"},
    {"[1] DEBUG3:  a\x1b[31m\x07", LOGLINE_OTHER, LOG_SEVERITY_LOG, "a"},
};

static void what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct logline l = parse(LOG_FORMAT_STDERR, samples[i].line);
        if (l.kind != samples[i].kind)
            fail_msg("%s: kind %d", samples[i].line, (int)l.kind);
        assert_int_equal(l.severity, samples[i].severity);
        assert_int_equal(strncmp(l.text, samples[i].text, strlen(samples[i].text)), 0);
        assert_null(strpbrk(l.text, "\x1b\x07"));
    }
    struct logline l = parse(LOG_FORMAT_STDERR, samples[0].line);
    near(l.buffers, 16012);
    near(l.seconds, 270.021);
    l = parse(LOG_FORMAT_STDERR, samples[3].line);
    near(l.bytes, 209715200);
    l = parse(LOG_FORMAT_STDERR, samples[1].line);
    near(l.seconds, 9);
}

static void what_is_no_message(void **state)
{
    (void)state;
    assert_false(parses(LOG_FORMAT_STDERR, ""));
    assert_false(parses(LOG_FORMAT_STDERR, "\tUPDATE t SET a = 'FATAL: x'"));
    assert_false(parses(LOG_FORMAT_STDERR,
                        "2026-11-23 13:00:05 UTC [1] DETAIL:  Process 1 waits: ERROR:  deadlock"));
    assert_false(parses(LOG_FORMAT_STDERR, "2026-11-23 13:00:05 UTC [1] STATEMENT:  SELECT 1"));
    assert_false(parses(LOG_FORMAT_STDERR, "psql: FATAL: one blank is no tag"));
    assert_false(parses(LOG_FORMAT_STDERR, "  CATALOG:  x"));
    assert_false(parses(LOG_FORMAT_CSV, "2026,LOG,deadlock detected"));
    assert_false(parses(LOG_FORMAT_CSV, ""));
    assert_false(parses(LOG_FORMAT_JSON, "{\"error_severity\":\"LOUD\",\"message\":\"x\"}"));
    assert_false(parses(LOG_FORMAT_JSON, "{\"error_severity\""));
    assert_false(parses(LOG_FORMAT_JOURNAL, "-- No entries --"));
    assert_false(parses(LOG_FORMAT_KERNEL, "[1.0] usb 1-1: new device"));
    assert_false(parses(LOG_FORMAT_NONE, "[1] FATAL:  x"));
}

static void when_they_were_written(void **state)
{
    (void)state;
    static const struct {
        enum log_format format;
        const char *line;
        int64_t at_us;
    } cases[] = {
        {LOG_FORMAT_STDERR, "2026-11-23 13:00:05 UTC [1] LOG:  x", noon_us},
        {LOG_FORMAT_STDERR, "2026-11-23 13:00:05.25 GMT [1] LOG:  x", noon_us + 250000},
        {LOG_FORMAT_STDERR, "db=a 2026-11-23 14:30:05.5 +0130 [1] LOG:  x", noon_us + 500000},
        {LOG_FORMAT_STDERR, "2026-11-23 08:00:05 -05 [1] LOG:  x", noon_us},
        {LOG_FORMAT_STDERR, "1795438805.250 [1] LOG:  x", noon_us + 250000},
        {LOG_FORMAT_STDERR, "2026-11-23 13:00:05 CET [1] LOG:  x", 0},
        {LOG_FORMAT_STDERR, "LOG:  x", 0},
        {LOG_FORMAT_STDERR, "2026-13-23 13:00:05 UTC LOG:  x", 0},
        {LOG_FORMAT_JOURNAL,
         "2026-11-23T14:00:05.250000+0100 db1 postgres[77]: [3-1] 2026-11-23 12:00:00 CET [77] "
         "LOG:  x",
         noon_us + 250000},
        {LOG_FORMAT_CSV,
         "2026-11-23 13:00:05.250 UTC,\"app\",\"shop\",77,\"[local]\",6a.4d,1,\"idle\",2026-11-23 "
         "12:00:00 UTC,3/7,0,LOG,00000,\"x\",,,,,,,,,\"psql\",\"client backend\",,0",
         noon_us + 250000},
        {LOG_FORMAT_JSON,
         "{\"timestamp\":\"2026-11-23 13:00:05.250 UTC\",\"pid\":77,\"error_severity\":\"LOG\","
         "\"message\":\"x\"}",
         noon_us + 250000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct logline l = parse(cases[i].format, cases[i].line);
        if (l.at_us != cases[i].at_us)
            fail_msg("%s: %lld", cases[i].line, (long long)l.at_us);
        assert_string_equal(l.text, "x");
    }
}

static void states_tell_what_words_do_not(void **state)
{
    (void)state;
    struct logline l = parse(
        LOG_FORMAT_CSV,
        "2026-11-23 13:00:05.250 UTC,\"a\"\"b,c\",\"shop\",77,\"[local]\",6a.4d,1,"
        "\"UPDATE\",2026-11-23 12:00:00 UTC,3/7,0,ERROR,40P01,\"Verklemmung, \"\"a\"\"");
    assert_int_equal(l.kind, LOGLINE_DEADLOCK);
    assert_int_equal(strncmp(l.text, "Verklemmung, ", 13), 0);
    l = parse(LOG_FORMAT_JSON,
              "{\"timestamp\":\"2026-11-23 13:00:05 UTC\",\"user\":\"a\\\"b\",\"error_severity\":"
              "\"FATAL\",\"state_code\":\"53100\",\"message\":\"Platz \\u00fc \\\"x\\\"\\nweg\"}");
    assert_int_equal(l.kind, LOGLINE_DISK);
    assert_string_equal(l.text, "Platz ? \"x\" weg");
    /* A line that was cut. */
    l = parse(LOG_FORMAT_JSON, "{\"error_severity\":\"PANIC\",\"message\":\"half of i");
    assert_int_equal(l.kind, LOGLINE_PANIC);
    l = parse(LOG_FORMAT_KERNEL,
              "[12345.678901] Out of memory: Killed process 4712 (postgres) total-vm:9000000kB, "
              "anon-rss:4000000kB, file-rss:0kB, shmem-rss:100kB, UID:26 pgtables:1kB");
    assert_int_equal(l.kind, LOGLINE_OOM_KILL);
    assert_int_equal(l.pid, 4712);
    near(l.bytes, 4000000.0 * 1024);
    l = parse(LOG_FORMAT_KERNEL, "Nov 23 13:00:05 db1 kernel: Memory cgroup out of memory: Killed "
                                 "process 99 (postgres) total-vm:1kB, anon-rss:2kB");
    assert_int_equal(l.pid, 99);
}

/* -- the tail ------------------------------------------------------------------------------------------ */

struct fixture {
    struct logtail t;
    struct identity id;
    struct effects fx;
    struct req child;
    int64_t now_us;
    unsigned number;
    char letter;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    logtail_init(&f->t);
    strcpy(f->id.data_directory, "/srv/pg");
    strcpy(f->id.supervisor, "systemd:postgresql@15-main.service");
    f->now_us = 1000000;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    effects_clear(&f->fx);
    free(f);
    return 0;
}

static bool asked(struct fixture *f)
{
    return f->fx.n == 1 && f->fx.items[0].kind == FX_CHILD_INPUT;
}

static void tick(struct fixture *f)
{
    effects_clear(&f->fx);
    f->now_us += 1000000;
    logtail_tick(&f->t, &f->id, "/var/log/pg", (struct req){OWNER_TELEMETRY, 1, f->child.id + 1},
                 f->now_us, noon_us + f->now_us, &f->fx);
    if (f->fx.n == 1 && f->fx.items[0].kind == FX_CHILD)
        f->child = f->fx.items[0].req;
    if (asked(f))
        assert_int_equal(sscanf(f->fx.items[0].text, "%c %u", &f->letter, &f->number), 2);
}

static bool event(struct fixture *f, enum event_kind kind, const char *text)
{
    struct event ev = {
        .kind = kind, .req = f->child, .at_us = f->now_us, .wall_us = noon_us + f->now_us};
    if (text) {
        ev.text = xstrdup(text);
        ev.len = strlen(text);
    }
    bool told = logtail_event(&f->t, &ev);
    event_clear(&ev);
    return told;
}

static void end(struct fixture *f)
{
    char text[32];
    snprintf(text, sizeof text, "#end %u", f->number);
    event(f, EV_CHILD_LINE, text);
}

static void begin(struct fixture *f, const char *source)
{
    tick(f);
    event(f, EV_CHILD_UP, NULL);
    tick(f);
    event(f, EV_CHILD_LINE, source);
    end(f);
}

static void is_asked_now_and_then(void **state)
{
    struct fixture *f = *state;
    int n = 0;
    tick(f);
    struct effect *e = &f->fx.items[0];
    assert_int_equal(e->kind, FX_CHILD);
    assert_int_equal(e->u.child.flags, CHILD_MORE);
    assert_false(e->changes_server);
    const struct asset *script = asset_find("remote/log.sh");
    assert_string_equal(e->u.child.argv[2], (const char *)script->data);
    assert_string_equal(e->u.child.argv[4], "/srv/pg");
    assert_string_equal(e->u.child.argv[5], "/var/log/pg");
    assert_string_equal(e->u.child.argv[6], "postgresql@15-main.service");
    tick(f);
    assert_int_equal(f->fx.n, 0);
    event(f, EV_CHILD_UP, NULL);
    for (int i = 0; i < 20; i++) {
        tick(f);
        n += asked(f);
        if (asked(f))
            end(f);
    }
    assert_in_range(n, 10, 11);
    event(f, EV_CHILD_LINE, "#source journal postgresql.service");
    n = 0;
    for (int i = 0; i < 20; i++) {
        tick(f);
        n += asked(f);
        if (asked(f))
            end(f);
    }
    assert_int_equal(n, 2);
    /* Without an answer it is not asked again, and ended in the end. */
    for (int i = 0; i < 11; i++)
        tick(f);
    n = 0;
    for (int i = 0; i < 100; i++) {
        tick(f);
        assert_false(asked(f));
        n += f->fx.n == 1 && f->fx.items[0].kind == FX_CHILD_KILL;
    }
    assert_int_equal(n, 1);
    event(f, EV_CHILD_EXIT, NULL);
    tick(f);
    assert_int_equal(f->fx.items[0].kind, FX_CHILD);
}

static void one_is_told_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct logtail_told one;
    f->t.offset_us = 7000000; /* the host is ahead of us */
    begin(f, "#source stderr /srv/pg/log/a.log");
    assert_string_equal(f->t.source, "/srv/pg/log/a.log");
    assert_false(event(f, EV_CHILD_LINE, "-2026-11-23 13:00:05 UTC [1] ERROR:  deadlock detected"));
    assert_false(event(f, EV_CHILD_LINE, "|2026-11-23 13:00:05 UTC [1] LOG:  listening on x"));
    assert_false(event(f, EV_CHILD_LINE, "|\tSELECT 'deadlock detected'"));
    assert_false(event(f, EV_CHILD_LINE, "!Out of memory: Killed process 1 (x)"));
    assert_true(event(f, EV_CHILD_LINE, "|2026-11-23 13:00:15 UTC [1] ERROR:  deadlock detected"));
    assert_true(logtail_next(&f->t, &one));
    assert_int_equal(one.kind, LOGLINE_DEADLOCK);
    assert_int_equal(one.at_us, noon_us + 3000000);
    assert_string_equal(one.text, "deadlock detected");
    assert_true(event(f, EV_CHILD_LINE, "|x LOG:  temporary file: path \"a\", size 3221225472"));
    assert_true(logtail_next(&f->t, &one));
    assert_int_equal(one.at_us, noon_us + f->now_us);
    assert_non_null(strstr(one.text, "of 3 GB:"));
    assert_false(logtail_next(&f->t, &one));
}

static void a_flood_is_summed_up(void **state)
{
    struct fixture *f = *state;
    struct logtail_told one;
    int lines = 0, sums = 0, last = 0;
    begin(f, "#source stderr /srv/pg/log/a.log");
    for (int s = 0; s < 100; s++) {
        tick(f);
        for (int i = 0; i < 1000; i++)
            event(f, EV_CHILD_LINE, "|x LOG:  temporary file: path \"a\", size 1048576");
        event(f, EV_CHILD_LINE, "#more 500");
        end(f);
        while (logtail_next(&f->t, &one)) {
            if (strstr(one.text, "more temporary files")) {
                sums++;
                last = atoi(one.text);
                assert_non_null(strstr(one.text, "B)"));
            } else if (strstr(one.text, "other lines")) {
                assert_in_range(atoi(one.text), 500, 6000);
            } else {
                lines++;
            }
        }
    }
    /* The first ones, then one in twenty seconds, and a sum each ten. */
    assert_in_range(lines, LOGTAIL_BURST, LOGTAIL_BURST + 6);
    assert_in_range(sums, 9, 11);
    assert_in_range(last, 9000, 10100);
    /* What is rare is told beside it. */
    assert_true(event(f, EV_CHILD_LINE, "|x PANIC:  something"));
    /* Nobody takes them: the oldest go. */
    for (int i = 0; i < 1000; i++) {
        tick(f);
        event(f, EV_CHILD_LINE, "|x PANIC:  something");
        event(f, EV_CHILD_LINE, "|x ERROR:  deadlock detected");
    }
    assert_int_equal(f->t.ntold, LOGTAIL_TOLD);
}

static void what_explains_a_failure(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    begin(f, "#source stderr /srv/pg/log/a.log");
    event(f, EV_CHILD_LINE, "-2026-11-23 11:00:05 UTC [1] FATAL:  an hour ago");
    event(f, EV_CHILD_LINE, "-2026-11-23 13:00:05 UTC [1] FATAL:  could not bind");
    event(f, EV_CHILD_LINE,
          "|2026-11-23 13:00:06 UTC [1] LOG:  checkpoint complete: wrote 1 buffers");
    event(f, EV_CHILD_LINE, "|2026-11-23 13:00:06 UTC [1] ERROR:  relation \"x\" does not exist");
    logtail_recent(&f->t, noon_us - 60000000, &text);
    assert_string_equal(buf_text(&text),
                        "FATAL: could not bind\nERROR: relation \"x\" does not exist");
    buf_clear(&text);
}

static void the_kernels_kills_are_looked_up(void **state)
{
    struct fixture *f = *state;
    struct logtail_told one;
    begin(f, "#source stderr /srv/pg/log/a.log");
    logtail_look_up_kills(&f->t, 2);
    tick(f);
    assert_int_equal(f->letter, 'k');
    for (int i = 1; i <= 7; i++) {
        char line[120];
        snprintf(line, sizeof line,
                 "![1.0] Out of memory: Killed process %d (postgres) anon-rss:9kB", i);
        event(f, EV_CHILD_LINE, line);
    }
    end(f);
    assert_true(logtail_next(&f->t, &one));
    assert_non_null(strstr(one.text, "process 6 "));
    assert_true(logtail_next(&f->t, &one));
    assert_non_null(strstr(one.text, "process 7 "));
    assert_false(logtail_next(&f->t, &one));
    tick(f);
    tick(f);
    assert_int_equal(f->letter, 't');
    end(f);
    logtail_look_up_kills(&f->t, 1);
    tick(f);
    event(f, EV_CHILD_LINE, "#nokernel");
    end(f);
    assert_true(f->t.kernel_closed);
}

static void without_a_log_it_is_tried_less_and_less(void **state)
{
    struct fixture *f = *state;
    int n = 0;
    for (int i = 0; i < 1000; i++) {
        tick(f);
        if (f->fx.n == 0)
            continue;
        n++;
        event(f, EV_CHILD_UP, NULL);
        event(f, EV_CHILD_EXIT, NULL);
    }
    assert_in_range(n, 8, 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_are),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(when_they_were_written),
        cmocka_unit_test(states_tell_what_words_do_not),
        cmocka_unit_test_setup_teardown(is_asked_now_and_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_is_told_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_summed_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_explains_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_kernels_kills_are_looked_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_log_it_is_tried_less_and_less, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
