/* The link to a real server: connects, answers each statement once, survives what servers do, and never
 * blocks the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "iotest.h"
#include "pgtest.h"

static struct pgtest *pg;
static const struct req connect_req = {OWNER_LINKS, 1, 1000};

static struct req req(uint32_t id)
{
    return (struct req){OWNER_DISCOVERY, 1, id};
}

/* key, value, …, NULL over host, port, user and dbname of the server. */
static struct effect *dial(struct effects *fx, int ms, const char *const *extra)
{
    const char *base[] = {"host",   pg->host, "port",     pg->port, "user",
                          pg->user, "dbname", "postgres", NULL};
    struct effect *e = effects_add(fx, FX_PG_CONNECT, connect_req);
    size_t n = 0;
    e->ms = ms;
    e->u.pg.keys = xcalloc(20, sizeof(char *));
    e->u.pg.values = xcalloc(20, sizeof(char *));
    for (size_t i = 0; base[i]; i += 2, n++) {
        e->u.pg.keys[n] = xstrdup(base[i]);
        e->u.pg.values[n] = xstrdup(base[i + 1]);
    }
    for (size_t i = 0; extra && extra[i]; i += 2, n++) {
        e->u.pg.keys[n] = xstrdup(extra[i]);
        e->u.pg.values[n] = xstrdup(extra[i + 1]);
    }
    return e;
}

static void sql(struct effects *fx, uint32_t id, const char *text, int ms)
{
    fx_sql(fx, req(id), CONN_CONTROL, text, ms);
}

static void plain(struct effects *fx, enum effect_kind kind)
{
    effects_add(fx, kind, connect_req)->u.pg.conn = CONN_CONTROL;
}

static void assert_clean(struct iotest *t)
{
    assert_false(t->timed_out);
    assert_int_equal(t->leaked, 0);
    assert_in_range(t->longest_gap_us, 0, 400000); /* a loaded machine, but no blocking call */
}

static const struct event *result(struct iotest *t, uint32_t id)
{
    assert_int_equal(iotest_count(t, EV_PG_RESULT, id), 1);
    return iotest_find(t, EV_PG_RESULT, id, 0);
}

static void assert_fails(struct iotest *t, uint32_t id, enum err_code code, const char *state)
{
    const struct event *ev = result(t, id);
    if (ev->err.code != code || strcmp(ev->err.sqlstate, state) != 0)
        print_message("statement %u: %s / %s / %s\n", id, ev->err.sqlstate, ev->err.msg,
                      ev->err.detail);
    assert_string_equal(err_code_name(ev->err.code), err_code_name(code));
    assert_string_equal(ev->err.sqlstate, state);
    assert_null(ev->rows);
}

/* -- statements -------------------------------------------------------------------------------- */

static void statements_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        sql(&fx, 1, "SELECT 1", 1000); /* nothing is up yet */
        dial(&fx, 5000, NULL);
    }
    if (ev->kind == EV_PG_UP) {
        sql(&fx, 2, "SELECT 1 AS one, NULL AS nothing, 'ä' AS text UNION ALL SELECT 2, 'x', ''", 0);
        sql(&fx, 3, "SELECT * FROM no_such_table", 1000);
        sql(&fx, 4, "ALTER SYSTEM SET work_mem = '5MB'", 1000);
        sql(&fx, 5, "SELECT 1; SELECT 2", 1000);
        sql(&fx, 6, "DO $$ BEGIN RAISE WARNING 'look out'; END $$", 1000);
        sql(&fx, 7,
            "SELECT current_setting('application_name') AS app, "
            "current_setting('client_encoding') AS enc",
            1000);
        sql(&fx, 8, "", 1000);
        sql(&fx, 9, "SELECT 1 WHERE false", 1000);
        sql(&fx, 11, "SELECT 1 AS a, 2 AS b; SET LOCAL work_mem = '6MB'; SELECT 3 AS c; RESET jit",
            1000);
        fx_several(&fx);
        sql(&fx, 12, "SELECT 1 AS a; SELECT 1 / 0; SELECT 2", 1000);
        fx_several(&fx);
        sql(&fx, 10, "COPY (SELECT 1) TO STDOUT", 1000);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_PG_DOWN)
        iotest_quit(t, 0);
}

static void each_statement_is_answered_once(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, statements_script, 20);
    assert_clean(&t);
    const struct event *up = iotest_find(&t, EV_PG_UP, 0, 0);
    assert_true(req_same(up->req, connect_req));
    assert_true(up->u.pg.server_version >= 100000);
    assert_true(up->u.pg.backend_pid > 0);
    assert_string_equal(up->u.pg.host, pg->host);
    assert_string_equal(up->u.pg.port, pg->port);
    assert_string_equal(up->u.pg.user, pg->user);
    assert_string_equal(up->u.pg.dbname, "postgres");
    assert_fails(&t, 1, ERR_LOST, "");
    const struct rows *r = result(&t, 2)->rows;
    assert_int_equal(r->nrows, 2);
    assert_int_equal(r->ncols, 3);
    assert_string_equal(r->tag, "SELECT 2");
    assert_string_equal(rows_text(r, 0, "one"), "1");
    assert_null(rows_text(r, 0, "nothing"));
    assert_string_equal(rows_text(r, 0, "text"), "ä");
    assert_string_equal(rows_text(r, 1, "text"), "");
    assert_fails(&t, 3, ERR_SQL, "42P01");
    assert_non_null(strstr(result(&t, 3)->err.msg, "no_such_table"));
    assert_string_equal(result(&t, 4)->rows->tag, "ALTER SYSTEM");
    assert_fails(&t, 5, ERR_SQL, "42601"); /* one statement at a time */
    assert_string_equal(result(&t, 6)->rows->tag, "DO");
    const struct event *notice = iotest_find(&t, EV_PG_NOTICE, 6, 0);
    assert_non_null(notice);
    assert_string_equal(notice->text, "WARNING: look out");
    assert_string_equal(rows_text(result(&t, 7)->rows, 0, "app"), "pg_diagnose");
    assert_string_equal(rows_text(result(&t, 7)->rows, 0, "enc"), "UTF8");
    assert_int_equal(result(&t, 8)->rows->nrows, 0);
    assert_int_equal(result(&t, 9)->rows->nrows, 0);
    assert_int_equal(result(&t, 9)->rows->ncols, 1);
    r = result(&t, 11)->rows; /* of several statements the last one with rows answers */
    assert_int_equal(r->nrows, 1);
    assert_int_equal(r->ncols, 1);
    assert_string_equal(rows_text(r, 0, "c"), "3");
    assert_fails(&t, 12, ERR_SQL, "22012");
    assert_fails(&t, 10, ERR_FORMAT, "");
    iotest_clear(&t);
}

static void big_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, 5000, NULL);
    if (ev->kind == EV_PG_UP) {
        sql(&fx, 1, "SELECT i, i * 2 AS twice FROM generate_series(1, 60000) i", 30000);
        sql(&fx, 2, "SELECT i FROM generate_series(1, 50000000) i", 30000);
        sql(&fx, 3, "SELECT repeat('x', 1000000) FROM generate_series(1, 50)", 30000);
        sql(&fx, 4, "SELECT 'still up' AS word", 5000);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_PG_RESULT && ev->req.id == 4)
        iotest_quit(t, 0);
}

static void answers_are_bounded(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, big_script, 60);
    assert_clean(&t);
    const struct rows *r = result(&t, 1)->rows;
    assert_int_equal(r->nrows, 60000);
    assert_string_equal(rows_text(r, 59999, "twice"), "120000");
    assert_int_equal(result(&t, 2)->err.code, ERR_FORMAT);
    assert_int_equal(result(&t, 3)->err.code, ERR_FORMAT);
    assert_string_equal(rows_text(result(&t, 4)->rows, 0, "word"), "still up");
    iotest_clear(&t);
}

/* -- deadlines and cancels ----------------------------------------------------------------------- */

static void deadline_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, 5000, NULL);
    if (ev->kind == EV_PG_UP) {
        sql(&fx, 1, "SELECT pg_sleep(30)", 300);
        sql(&fx, 2, "SELECT pg_sleep(0.2)", 5000); /* not hit by the cancel before it */
        sql(&fx, 3, "SELECT pg_sleep(31)", 0);
    }
    if (ev->kind == EV_PG_RESULT && ev->req.id == 2)
        fx_timer(&fx, req(50), 100);
    if (ev->kind == EV_TIMER && ev->req.id == 50)
        plain(&fx, FX_PG_CANCEL);
    if (ev->kind == EV_PG_RESULT && ev->req.id == 3) {
        sql(&fx, 4, "SELECT pg_sleep(32)", 0);
        plain(&fx, FX_PG_CANCEL); /* before it is sent */
    }
    if (ev->kind == EV_PG_RESULT && ev->req.id == 4)
        fx_timer(&fx, req(51), 300);
    if (ev->kind == EV_TIMER && ev->req.id == 51) {
        sql(&fx, 5, "SELECT pg_sleep(33)", 0);
        plain(&fx, FX_PG_CANCEL); /* it may be there before the statement */
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_PG_RESULT && ev->req.id == 5)
        iotest_quit(t, 0);
}

static void a_late_statement_is_cancelled(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, deadline_script, 20);
    assert_clean(&t);
    assert_fails(&t, 1, ERR_TIMEOUT, "57014");
    assert_int_equal(result(&t, 2)->err.code, ERR_NONE);
    assert_fails(&t, 3, ERR_CANCELLED, "57014");
    assert_int_equal(result(&t, 4)->err.code, ERR_CANCELLED);
    assert_fails(&t, 5, ERR_CANCELLED, "57014");
    assert_int_equal(iotest_count(&t, EV_PG_DOWN, 0), 0);
    iotest_clear(&t);
}

static int backend_pid, postmaster_pid;

static void stopped_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, 5000, NULL);
    if (ev->kind == EV_PG_UP) {
        backend_pid = ev->u.pg.backend_pid;
        kill(backend_pid, SIGSTOP);
        sql(&fx, 1, "SELECT 1", 300);
        sql(&fx, 2, "SELECT 2", 300);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_PG_DOWN)
        iotest_quit(t, 0);
}

static void a_stopped_backend_does_not_block(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, stopped_script, 20);
    kill(backend_pid, SIGCONT);
    assert_clean(&t);
    assert_fails(&t, 1, ERR_TIMEOUT, "");
    assert_fails(&t, 2, ERR_LOST, "");
    assert_int_equal(iotest_count(&t, EV_PG_DOWN, 0), 1);
    assert_int_equal(iotest_find(&t, EV_PG_DOWN, 0, 0)->err.code, ERR_LOST);
    iotest_clear(&t);
}

/* Even PQcancel hangs now: the postmaster does not take the request. */
static void stopped_server_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, 5000, NULL);
    if (ev->kind == EV_PG_UP) {
        kill(postmaster_pid, SIGSTOP);
        sql(&fx, 1, "SELECT pg_sleep(2.5)", 300);
    }
    if (ev->kind == EV_PG_DOWN && t->step++ == 0)
        dial(&fx, 700, NULL);
    else if (ev->kind == EV_PG_DOWN)
        iotest_quit(t, 0);
    iotest_run(t, &fx);
}

static void a_stopped_server_does_not_block(void **state)
{
    struct iotest t;
    (void)state;
    postmaster_pid = (int)pgtest_pid(pg);
    iotest_loop(&t, stopped_server_script, 20);
    kill(postmaster_pid, SIGCONT);
    assert_clean(&t);
    assert_fails(&t, 1, ERR_TIMEOUT, "");
    assert_int_equal(iotest_count(&t, EV_PG_DOWN, 0), 2);
    const struct event *second = iotest_find(&t, EV_PG_DOWN, 0, 1);
    assert_int_equal(second->err.code, ERR_CONNECT);
    assert_non_null(strstr(second->err.msg, "within 0.7 s"));
    iotest_clear(&t);
}

/* -- connects that fail --------------------------------------------------------------------------- */

static const char *const *failing;
static int failing_ms;

static void failing_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, failing_ms, failing);
    iotest_run(t, &fx);
    if (ev->kind == EV_PG_DOWN || ev->kind == EV_PG_UP)
        iotest_quit(t, 0);
}

static void expect_down(const char *const *extra, int ms, enum err_code code, const char *msg,
                        const char *hint)
{
    struct iotest t;
    failing = extra;
    failing_ms = ms;
    iotest_loop(&t, failing_script, 20);
    assert_clean(&t);
    assert_int_equal(iotest_count(&t, EV_PG_UP, 0), 0);
    assert_int_equal(iotest_count(&t, EV_PG_DOWN, 0), 1);
    const struct event *ev = iotest_find(&t, EV_PG_DOWN, 0, 0);
    assert_true(req_same(ev->req, connect_req));
    assert_string_equal(err_code_name(ev->err.code), err_code_name(code));
    if (!strstr(ev->err.msg, msg) || !strstr(ev->err.hint, hint))
        fail_msg("msg '%s' hint '%s'", ev->err.msg, ev->err.hint);
    assert_null(strchr(ev->err.msg, '\n'));
    assert_int_equal(ev->u.pg.needs_password, code == ERR_PASSWORD && !strstr(msg, "failed"));
    iotest_clear(&t);
}

static void a_failed_connect_says_why(void **state)
{
    (void)state;
    const char *const port[] = {"host", "127.0.0.1", "port", "1", NULL};
    expect_down(port, 5000, ERR_CONNECT, "Connection refused", "127.0.0.1 port 1");
    const char *const socket_dir[] = {"host", "/nowhere", NULL};
    expect_down(socket_dir, 5000, ERR_CONNECT, "No such file", "socket");
    const char *const db[] = {"dbname", "nowhere", NULL};
    expect_down(db, 5000, ERR_CONNECT, "\"nowhere\" does not exist", "-d");
    const char *const role[] = {"user", "nobody_here", NULL};
    expect_down(role, 5000, ERR_CONNECT, "\"nobody_here\" does not exist", "-U");
    const char *const bad[] = {"no_such_option", "1", NULL};
    expect_down(bad, 5000, ERR_CONNECT, "no_such_option", "");
    const char *const service[] = {"service", "no_such_service", NULL};
    expect_down(service, 5000, ERR_CONNECT, "no_such_service", "service file");
}

/* Two hosts in the list: the first takes the connection and says nothing. */
static int silent_port(int *listener)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(a);
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(*listener, 5), 0);
    assert_int_equal(getsockname(*listener, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

static void a_silent_host_ends_by_its_timeout(void **state)
{
    int listener;
    char port[16];
    (void)state;
    snprintf(port, sizeof(port), "%d", silent_port(&listener));
    const char *const late[] = {"host", "127.0.0.1", "port", port, NULL};
    expect_down(late, 500, ERR_CONNECT, "within 0.5 s", "firewall");
    const char *const own[] = {"host", "127.0.0.1", "port", port, "connect_timeout", "2", NULL};
    expect_down(own, 20000, ERR_CONNECT, "", "");
    close(listener);
}

static void password_is_asked_for(void **state)
{
    char was[4096];
    (void)state;
    pgtest_psql(pg, "postgres", "CREATE ROLE secretive LOGIN PASSWORD 'right'");
    pgtest_sh("cp -p '%s/pg_hba.conf' '%s/hba.was' && echo 'local all secretive scram-sha-256\n"
              "local all all trust' > '%s/pg_hba.conf'",
              pg->data, pg->data, pg->data);
    snprintf(was, sizeof(was), "mv '%s/hba.was' '%s/pg_hba.conf'", pg->data, pg->data);
    pgtest_psql(pg, "postgres", "SELECT pg_reload_conf()");
    pgtest_sh("sleep 0.5");
    setenv("PGPASSFILE", "/no/such/pgpass", 1);
    const char *const none[] = {"user", "secretive", NULL};
    expect_down(none, 5000, ERR_PASSWORD, "no password supplied", "password");
    const char *const wrong[] = {"user", "secretive", "password", "wrong", NULL};
    expect_down(wrong, 5000, ERR_PASSWORD, "authentication failed", "wrong");
    pgtest_sh("%s", was);
    pgtest_psql(pg, "postgres", "SELECT pg_reload_conf()");
}

/* -- coming and going ------------------------------------------------------------------------------ */

static void race_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        static const char *const first[] = {"application_name", "first", NULL};
        static const char *const second[] = {"application_name", "second", NULL};
        dial(&fx, 5000, first);
        dial(&fx, 5000, second); /* replaces it in silence */
    }
    if (ev->kind == EV_PG_UP)
        sql(&fx, 1, "SELECT current_setting('application_name') AS app", 1000);
    if (ev->kind == EV_PG_RESULT && ev->req.id == 1) {
        sql(&fx, 2, "SELECT pg_sleep(20)", 0);
        sql(&fx, 3, "SELECT 3", 0);
        fx_timer(&fx, req(49), 200);
    }
    if (ev->kind == EV_TIMER && ev->req.id == 49) {
        plain(&fx, FX_PG_CLOSE);
        dial(&fx, 5000, NULL);
        plain(&fx, FX_PG_CLOSE); /* while a thread connects */
        fx_timer(&fx, req(50), 500);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_TIMER && ev->req.id == 50)
        iotest_quit(t, 0);
}

static void the_newest_connect_counts(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, race_script, 20);
    assert_clean(&t);
    assert_int_equal(iotest_count(&t, EV_PG_UP, 0), 1);
    assert_int_equal(iotest_count(&t, EV_PG_DOWN, 0), 0);
    assert_string_equal(rows_text(result(&t, 1)->rows, 0, "app"), "second");
    assert_fails(&t, 2, ERR_LOST, "");
    assert_fails(&t, 3, ERR_LOST, "");
    assert_string_equal(pgtest_psql(pg, "postgres",
                                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
                                    "'SELECT pg_sleep(20)%'"),
                        "0"); /* closing does not leave the statement running */
    iotest_clear(&t);
}

static void killed_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, 5000, NULL);
    if (ev->kind == EV_PG_UP && t->step++ == 0) {
        backend_pid = ev->u.pg.backend_pid;
        sql(&fx, 1, "SELECT pg_sleep(20)", 0);
        sql(&fx, 2, "SELECT 2", 0);
        fx_timer(&fx, req(50), 200);
    } else if (ev->kind == EV_PG_UP) {
        sql(&fx, 3, "SELECT pg_terminate_backend(pg_backend_pid())", 1000);
    }
    if (ev->kind == EV_TIMER)
        kill(backend_pid, SIGTERM); /* what pg_terminate_backend() does */
    if (ev->kind == EV_PG_DOWN && t->step < 2)
        dial(&fx, 5000, NULL);
    else if (ev->kind == EV_PG_DOWN)
        iotest_quit(t, 0);
    iotest_run(t, &fx);
}

static void a_killed_session_is_told_and_comes_back(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, killed_script, 20);
    assert_clean(&t);
    assert_fails(&t, 1, ERR_LOST, "57P01");
    assert_fails(&t, 2, ERR_LOST, "57P01");
    assert_fails(&t, 3, ERR_LOST, "57P01");
    assert_int_equal(iotest_count(&t, EV_PG_UP, 0), 2);
    const struct event *down = iotest_find(&t, EV_PG_DOWN, 0, 0);
    assert_int_equal(down->err.code, ERR_LOST);
    assert_non_null(strstr(down->err.detail, "terminating connection"));
    iotest_clear(&t);
}

static void restart_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, 5000, NULL);
    if (ev->kind == EV_PG_UP && t->step == 0) {
        sql(&fx, 1, "SELECT pg_sleep(20)", 0);
        char stop[1024];
        snprintf(stop, sizeof(stop), "%s/pg_ctl", pg->bindir);
        const char *const argv[] = {stop, "stop", "-w", "-m", "fast", "-D", pg->data, NULL};
        fx_child(&fx, req(60), argv, CHILD_COLLECT)->u.child.run_as = xstrdup(pg->osuser);
    } else if (ev->kind == EV_PG_UP) {
        sql(&fx, 3, "SELECT 3 AS three", 1000);
    }
    if (ev->kind == EV_CHILD_EXIT && ev->req.id == 60) {
        t->step = 1;
        dial(&fx, 5000, NULL); /* refused: it is down */
    } else if (ev->kind == EV_PG_DOWN && t->step == 1) {
        t->step = 2;
        char start[1024], log[512];
        snprintf(start, sizeof(start), "%s/pg_ctl", pg->bindir);
        snprintf(log, sizeof(log), "%s/restart.log", pg->data);
        const char *const argv[] = {start, "start", "-w", "-D", pg->data, "-l", log, NULL};
        fx_child(&fx, req(61), argv, CHILD_DETACHED)->u.child.run_as = xstrdup(pg->osuser);
    } else if (ev->kind == EV_CHILD_EXIT && ev->req.id == 61) {
        dial(&fx, 5000, NULL);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_PG_RESULT && ev->req.id == 3)
        iotest_quit(t, 0);
}

static void a_restart_is_survived(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, restart_script, 60);
    assert_clean(&t);
    assert_int_equal(result(&t, 1)->err.code, ERR_LOST);
    assert_int_equal(iotest_count(&t, EV_PG_DOWN, 0), 2);
    assert_int_equal(iotest_find(&t, EV_PG_DOWN, 0, 0)->err.code, ERR_LOST);
    assert_int_equal(iotest_find(&t, EV_PG_DOWN, 0, 1)->err.code, ERR_CONNECT);
    assert_int_equal(iotest_count(&t, EV_PG_UP, 0), 2);
    assert_string_equal(rows_text(result(&t, 3)->rows, 0, "three"), "3");
    iotest_clear(&t);
}

static int set_up(void **state)
{
    (void)state;
    pg = pgtest_start(pgtest_any_bindir(), "");
    return pg ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pgtest_destroy(pg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_statement_is_answered_once),
        cmocka_unit_test(answers_are_bounded),
        cmocka_unit_test(a_late_statement_is_cancelled),
        cmocka_unit_test(a_stopped_backend_does_not_block),
        cmocka_unit_test(a_stopped_server_does_not_block),
        cmocka_unit_test(a_failed_connect_says_why),
        cmocka_unit_test(a_silent_host_ends_by_its_timeout),
        cmocka_unit_test(password_is_asked_for),
        cmocka_unit_test(the_newest_connect_counts),
        cmocka_unit_test(a_killed_session_is_told_and_comes_back),
        cmocka_unit_test(a_restart_is_survived),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
