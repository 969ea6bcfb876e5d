/* Effects and events as plain data: built, printed without secrets, freed without a leak (ASan). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/effect.h"

static const struct req asked = {OWNER_BENCH, 2, 7};

static void expect(const struct effect *e, const char *text)
{
    struct buf b = {0};
    effect_text(e, &b);
    assert_string_equal(buf_text(&b), text);
    buf_clear(&b);
}

static void sql(void **state)
{
    (void)state;
    struct effects fx = {0};
    struct effect *e = fx_sql(&fx, asked, CONN_CONTROL, "SELECT\n1", 5000);
    assert_int_equal(e->len, 8);
    expect(e, "pg_query bench/2/7 5000 ms control: SELECT 1");
    e->changes_server = true;
    e->after_journal = 12;
    e->ms = 0;
    expect(e, "pg_query bench/2/7 changes_server after_journal=12 control: SELECT 1");
    e = fx_sql(&fx, asked, CONN_CONTROL, "ALTER ROLE x PASSWORD 'hidden'; SELECT '\x1b[2J'", 0);
    expect(e, "pg_query bench/2/7 control: ALTER ROLE x PASSWORD '******'; "
              "SELECT '\xef\xbf\xbd[2J'");
    effects_clear(&fx);
    assert_int_equal(fx.n, 0);
    assert_null(fx.items);
}

static char **list(const char *a, const char *b, const char *c)
{
    char **out = xcalloc(4, sizeof *out);
    out[0] = xstrdup(a);
    out[1] = b ? xstrdup(b) : NULL;
    out[2] = c ? xstrdup(c) : NULL;
    return out;
}

static void connect_hides_passwords(void **state)
{
    (void)state;
    struct effects fx = {0};
    struct effect *e = effects_add(&fx, FX_PG_CONNECT, asked);
    e->u.pg.conn = CONN_TELEMETRY;
    e->u.pg.keys = list("host", "password", "dbname");
    e->u.pg.values = list("/tmp", "pw", "postgresql://u:pw@h/d");
    e->u.pg.password = 3;
    expect(e, "pg_connect bench/2/7 telemetry host='/tmp' password='***' "
              "dbname='postgresql://u:**@h/d' password=***");
    effects_clear(&fx);

    e = effects_add(&fx, FX_PG_CONNECT, asked);
    e->u.pg.keys = list("host", "user", NULL);
    e->u.pg.values = list("h", NULL, NULL);
    expect(e, "pg_connect bench/2/7 control host='h'");
    effects_clear(&fx);
}

static void child(void **state)
{
    (void)state;
    struct effects fx = {0};
    const char *const argv[] = {"pgbench", "-c", "4", "it's", "", NULL};
    struct effect *e = fx_child(&fx, asked, argv, CHILD_COLLECT | CHILD_DIES_WITH_US);
    fx_child_env(e, "PGHOST", "/tmp/a b");
    fx_child_env(e, "PGPASSWORD", "pw");
    fx_child_env(e, "GEMINI_API_KEY", "abc");
    assert_null(e->u.child.env[3]);
    e->u.child.run_as = xstrdup("postgres");
    e->u.child.cwd = xstrdup("/tmp");
    e->u.child.stdin_text = xstrdup("12345");
    e->u.child.pgpass = 1;
    expect(e, "child bench/2/7 'PGHOST=/tmp/a b' PGPASSWORD=*** GEMINI_API_KEY=*** "
              "pgbench -c 4 'it'\\''s' '' (as postgres) (in /tmp) (stdin 5 bytes) (collect) "
              "(dies with us) (pgpass ***)");
    effects_clear(&fx);
}

static void file_shows_size_only(void **state)
{
    (void)state;
    struct effects fx = {0};
    struct effect *e = fx_file(&fx, asked, FILE_SAVE, "/w/session.json");
    e->text = xstrdup("content");
    e->len = 7;
    expect(e, "file bench/2/7 save /w/session.json 7 bytes");
    e = fx_file(&fx, asked, FILE_APPEND, "/w/journal.jsonl");
    e->u.file.journal_no = 4;
    e->u.file.digest_arg = xstrdup("arg");
    expect(e, "file bench/2/7 append /w/journal.jsonl 0 bytes journal=4 arg");
    e = fx_file(&fx, asked, FILE_READ_MANY, "/a\n/b");
    e->u.file.max_bytes = 10;
    expect(e, "file bench/2/7 read_many '/a /b' at most 10 bytes");
    effects_clear(&fx);
}

static void small_ones(void **state)
{
    (void)state;
    struct effects fx = {0};
    expect(fx_timer(&fx, asked, 250), "timer bench/2/7 250 ms");
    expect(fx_line(&fx, FX_STDOUT, "{\"a\":1}"), "stdout none/0/0: {\"a\":1}");
    struct effect *e = effects_add(&fx, FX_QUIT, (struct req){0});
    e->exit_code = 3;
    expect(e, "quit none/0/0 exit 3");
    for (int i = 0; i < 100; i++)
        fx_timer(&fx, asked, i);
    assert_int_equal(fx.n, 103);
    assert_int_equal(fx.items[102].ms, 99);
    effects_clear(&fx);
    for (int kind = FX_NONE; kind <= FX_QUIT; kind++)
        assert_string_not_equal(effect_kind_name((enum effect_kind)kind), "unknown");
    assert_string_equal(effect_kind_name((enum effect_kind)999), "unknown");
}

static int freed;

static void count_free(void *p)
{
    freed++;
    free(p);
}

static void events_own_their_payload(void **state)
{
    (void)state;
    struct event ev = {.kind = EV_FILE, .req = asked, .text = xstrdup("t"), .len = 1};
    ev.rows = rows_parse("a\n1\n");
    ev.digest = xmalloc(1);
    ev.digest_free = count_free;
    event_clear(&ev);
    assert_int_equal(freed, 1);
    struct event zero = {0};
    assert_memory_equal(&ev, &zero, sizeof ev);
    event_clear(&ev);
    assert_int_equal(freed, 1);
    for (int kind = EV_NONE; kind <= EV_STALL; kind++)
        assert_string_not_equal(event_kind_name((enum event_kind)kind), "unknown");
    for (int o = OWNER_NONE; o < OWNER_COUNT; o++)
        assert_string_not_equal(owner_name((enum owner)o), "unknown");
    assert_string_equal(owner_name(OWNER_COUNT), "unknown");
    assert_true(req_same(asked, (struct req){OWNER_BENCH, 2, 7}));
    assert_false(req_same(asked, (struct req){OWNER_BENCH, 3, 7}));
    assert_false(req_same(asked, (struct req){OWNER_BENCH, 2, 8}));
    assert_false(req_same(asked, (struct req){OWNER_APPLY, 2, 7}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sql),        cmocka_unit_test(connect_hides_passwords),
        cmocka_unit_test(child),      cmocka_unit_test(file_shows_size_only),
        cmocka_unit_test(small_ones), cmocka_unit_test(events_own_their_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
