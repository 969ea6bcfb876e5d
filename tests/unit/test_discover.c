/* The machine of discovery, driven by hand: the order of its statements, refusals, the host script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/discovery/queries.h"

struct fixture {
    struct discover d;
    struct server_facts f;
    struct effects fx;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;
    effects_clear(&x->fx);
    server_facts_clear(&x->f);
    free(x);
    return 0;
}

static const char *identity_rows(int version, const char *addr)
{
    static char text[400];
    snprintf(text, sizeof text,
             "version_num|version|standby|server_addr|client_addr|server_port|postmaster_start_us|"
             "backend_pid|database|role|data_directory\n"
             "%d|x.y|f|%s|10.0.0.9|5432|1700000000000000|321|shop|Joe|/srv/pg\n",
             version, addr);
    return text;
}

static const char rights_of_nobody[] =
    "superuser|pg_monitor|read_settings|read_stats|alter_system|allow_alter_system|reload|"
    "file_settings|checkpoint|create_db\nf|f|f|f|f|t|f|f|f|f\n";
static const char settings_rows[] =
    "name|setting|shown|unit|context|vartype|boot_val|reset_val|source|pending_restart\n"
    "work_mem|4096|4MB|kB|user|integer|4096|4096|default|f\n"
    "max_connections|100|100|\\N|postmaster|integer|100|100|configuration file|t\n"
    "lock_timeout|100|100ms|ms|user|integer|0|0|session|f\n"
    "statement_timeout|2000|2s|ms|user|integer|0|30000|session|f\n";

static const char *answer_for(const struct discover_query *q, int version, const char *addr)
{
    if (strcmp(q->name, "identity") == 0)
        return identity_rows(version, addr);
    if (strcmp(q->name, "control") == 0)
        return "system_identifier\n7300000000000000001\n";
    if (strcmp(q->name, "rights") == 0)
        return rights_of_nobody;
    if (strcmp(q->name, "settings") == 0)
        return settings_rows;
    if (strcmp(q->name, "databases") == 0)
        return "name\nshop\npostgres\n";
    if (strcmp(q->name, "database_size") == 0)
        return "name|bytes\nshop|8000\n";
    if (strcmp(q->name, "replication") == 0)
        return "replicas|replica_lag_s|slots_inactive|archive_failed\n2|0|1|0\n";
    if (strcmp(q->name, "activity") == 0)
        return "sessions|active|idle_tx|waiting|hidden\n7|1|0|0|6\n";
    return "x\n";
}

static struct effect *only(struct fixture *x, enum effect_kind kind)
{
    assert_int_equal(x->fx.n, 1);
    assert_int_equal(x->fx.items[0].kind, kind);
    return &x->fx.items[0];
}

static void step(struct fixture *x, struct event *ev)
{
    effects_clear(&x->fx);
    discover_step(&x->d, &x->f, ev, &x->fx);
    event_clear(ev);
}

static void answer(struct fixture *x, const char *rows, enum err_code code)
{
    struct event ev = {.kind = EV_PG_RESULT, .req = only(x, FX_PG_QUERY)->req};
    if (code != ERR_NONE)
        err_set(&ev.err, code, "permission denied");
    else
        ev.rows = rows_parse(rows);
    step(x, &ev);
}

/* Answers statement after statement; `refuse` names one that the server refuses. */
static int run(struct fixture *x, int version, const char *addr, const char *refuse)
{
    int n = 0;
    while (x->d.state == DISCOVER_SQL) {
        const struct discover_query *q = &discover_queries[x->d.at];
        assert_true(n++ < 50);
        if (refuse && strcmp(q->name, refuse) == 0)
            answer(x, "", ERR_SQL);
        else
            answer(x, answer_for(q, version, addr), ERR_NONE);
    }
    return n;
}

static bool is_missing(const struct fixture *x, const char *what)
{
    for (int i = 0; i < x->f.nmissing; i++)
        if (strncmp(x->f.missing[i], what, strlen(what)) == 0)
            return true;
    return false;
}

static void a_remote_server(void **state)
{
    struct fixture *x = *state;
    discover_start(&x->d, &x->f, &x->fx);
    struct effect *e = only(x, FX_PG_QUERY);
    assert_int_equal(e->u.pg.conn, CONN_CONTROL);
    assert_non_null(strstr(e->text, "lock_timeout"));
    assert_true(e->ms > 0);
    run(x, 150018, "10.0.0.230", "tables");
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_int_equal(x->fx.n, 0);
    assert_int_equal(x->f.id.version_num, 150018);
    assert_string_equal(x->f.id.system_identifier, "7300000000000000001");
    assert_string_equal(x->f.id.role, "Joe");
    assert_int_equal(x->f.settings.n, 4);
    assert_true(settings_number(&x->f.settings, "work_mem") == 4194304);
    assert_true(settings_find(&x->f.settings, "max_connections")->pending_restart);
    assert_true(x->f.runtime.max_connections == 100);
    assert_true(x->f.ndatabases == 2 && x->f.databases[0].bytes == 8000);
    assert_true(isnan(x->f.databases[1].bytes));
    assert_true(x->f.runtime.slots_inactive == 1);
    /* What the role cannot see is unknown, not zero. */
    assert_true(x->f.runtime.sessions == 7 && isnan(x->f.runtime.sessions_active));
    assert_true(isnan(x->f.runtime.replica_lag_s));
    assert_true(is_missing(x, "live and dead rows: permission denied"));
    assert_true(is_missing(x, "host: the server runs on another machine"));
    assert_true(is_missing(x, "CHECKPOINT: GRANT pg_checkpoint TO \"Joe\""));
    assert_true(is_missing(x, "reload: GRANT EXECUTE ON FUNCTION pg_reload_conf() TO \"Joe\""));
    assert_true(is_missing(x, "ALTER SYSTEM: for each setting"));
    assert_false(x->f.id.reached);
}

static void our_own_limits_are_not_the_servers(void **state)
{
    struct fixture *x = *state;
    discover_start(&x->d, &x->f, &x->fx);
    run(x, 150018, "10.0.0.230", NULL);
    const struct setting *s = settings_find(&x->f.settings, "lock_timeout");
    assert_string_equal(s->value, "0");
    assert_string_equal(s->shown, "0");
    assert_string_equal(s->source, "default");
    s = settings_find(&x->f.settings, "statement_timeout");
    assert_string_equal(s->value, "30000");
    assert_string_equal(s->shown, "30000ms");
    assert_string_equal(s->source, "configuration file");
}

static void each_version_has_its_statements(void **state)
{
    struct fixture *x = *state;
    static const int versions[] = {120000, 130000, 140000, 150000, 160000, 170000, 180000, 190000};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        const char *seen[50];
        int n = 0;
        x->f.id.version_num = versions[i];
        for (int at = discover_query_next(0, &x->f, false, false); at < discover_query_count;
             at = discover_query_next(at + 1, &x->f, false, false)) {
            for (int k = 0; k < n; k++)
                assert_string_not_equal(seen[k], discover_queries[at].name);
            seen[n++] = discover_queries[at].name;
        }
        assert_int_equal(n, versions[i] >= 180000 ? 29 : 28);
        effects_clear(&x->fx);
        discover_start(&x->d, &x->f, &x->fx);
        assert_int_equal(run(x, versions[i], "10.0.0.230", NULL), n);
        assert_int_equal(x->d.state, DISCOVER_DONE);
    }
}

static void identity_is_needed(void **state)
{
    struct fixture *x = *state;
    discover_start(&x->d, &x->f, &x->fx);
    run(x, 150018, "10.0.0.230", "identity");
    assert_int_equal(x->d.state, DISCOVER_FAILED);
    assert_int_equal(x->d.err.code, ERR_SQL);
    assert_int_equal(x->fx.n, 0);

    discover_start(&x->d, &x->f, &x->fx);
    run(x, 110000, "10.0.0.230", NULL);
    assert_int_equal(x->d.state, DISCOVER_FAILED);
    assert_int_equal(x->d.err.code, ERR_REFUSED);
}

static void a_lost_link_ends_it(void **state)
{
    struct fixture *x = *state;
    discover_start(&x->d, &x->f, &x->fx);
    answer(x, "x\n", ERR_NONE);
    answer(x, identity_rows(150018, "10.0.0.230"), ERR_NONE);
    answer(x, "", ERR_LOST);
    assert_int_equal(x->d.state, DISCOVER_FAILED);
    assert_int_equal(x->d.err.code, ERR_LOST);
}

static void late_answers_are_dropped(void **state)
{
    struct fixture *x = *state;
    discover_start(&x->d, &x->f, &x->fx);
    struct req old = only(x, FX_PG_QUERY)->req;
    effects_clear(&x->fx);
    discover_start(&x->d, &x->f, &x->fx);
    struct event ev = {.kind = EV_PG_RESULT, .req = old, .rows = rows_parse("x\n")};
    step(x, &ev);
    assert_int_equal(x->fx.n, 0);
    assert_int_equal(x->d.at, 0);
    assert_int_equal(x->d.state, DISCOVER_SQL);
}

static void local_server(struct fixture *x)
{
    effects_clear(&x->fx);
    discover_start(&x->d, &x->f, &x->fx);
    run(x, 150018, "127.0.0.1", NULL);
    assert_int_equal(x->d.state, DISCOVER_HOST);
    assert_int_equal(x->fx.n, 2);
    assert_int_equal(x->fx.items[0].kind, FX_CHILD);
    assert_int_equal(x->fx.items[1].kind, FX_TIMER);
}

static void the_host_of_a_local_server(void **state)
{
    struct fixture *x = *state;
    local_server(x);
    const struct effect *child = &x->fx.items[0];
    static const char *const argv[] = {"sh",   "-s",         "--",  "/srv/pg",
                                       "5432", "1700000000", "321", ""};
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(child->u.child.argv[i], argv[i]);
    assert_null(child->u.child.argv[8]);
    assert_true(child->u.child.flags & CHILD_COLLECT);
    assert_non_null(strstr(child->u.child.stdin_text, "postmaster.pid"));
    struct event ev = {.kind = EV_CHILD_EXIT, .req = child->req};
    ev.text = strdup("match=pidfile\npostmaster_pid=4\ndata_readable=1\ncpus=3\nmem_total=5\n");
    const uint32_t timer = x->fx.items[1].req.id;
    step(x, &ev);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_int_equal(only(x, FX_TIMER_STOP)->req.id, timer);
    assert_true(x->f.host.known && x->f.id.reached);
    assert_int_equal(x->f.host.cpus, 3);
    assert_false(is_missing(x, "host"));

    /* A refresh looks at the host again only after a new start of the server. */
    effects_clear(&x->fx);
    discover_refresh(&x->d, &x->f, &x->fx);
    int n = run(x, 150018, "127.0.0.1", "overrides");
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_true(n < 12);
    assert_true(is_missing(x, "role and database settings"));
    assert_true(x->f.host.known && x->f.id.reached);
    assert_int_equal(x->f.ndatabases, 2);
    effects_clear(&x->fx);
    x->d.known_start_us--;
    discover_refresh(&x->d, &x->f, &x->fx);
    run(x, 150018, "127.0.0.1", NULL);
    assert_int_equal(x->d.state, DISCOVER_HOST);
    assert_false(is_missing(x, "role and database settings"));
}

static void a_script_that_hangs(void **state)
{
    struct fixture *x = *state;
    local_server(x);
    struct req child = x->fx.items[0].req;
    struct event ev = {.kind = EV_TIMER, .req = x->fx.items[1].req};
    step(x, &ev);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_true(req_same(only(x, FX_CHILD_KILL)->req, child));
    assert_true(is_missing(x, "host"));
    struct event late = {.kind = EV_CHILD_EXIT, .req = child, .text = strdup("match=pidfile\n")};
    step(x, &late);
    assert_false(x->f.host.known);
}

static void a_script_that_does_not_start(void **state)
{
    struct fixture *x = *state;
    local_server(x);
    struct event ev = {.kind = EV_CHILD_EXIT, .req = x->fx.items[0].req};
    err_set(&ev.err, ERR_CHILD, "cannot start sh");
    step(x, &ev);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_true(is_missing(x, "host: cannot start sh"));
}

/* -- by ssh ---------------------------------------------------------------------------------------- */

static void look(struct fixture *x, enum discover_where where, const char *why)
{
    effects_clear(&x->fx);
    discover_host(&x->d, &x->f, where, why, &x->fx);
}

static const struct effect *far_script(struct fixture *x)
{
    assert_int_equal(x->d.state, DISCOVER_HOST);
    const struct effect *child = &x->fx.items[x->fx.n - 2];
    assert_int_equal(child->kind, FX_CHILD);
    assert_int_equal(child[1].kind, FX_TIMER);
    assert_int_equal(child->u.child.flags, CHILD_COLLECT | CHILD_REMOTE);
    assert_int_equal(child->u.child.ssh, SSH_SERVER);
    assert_non_null(strstr(child->u.child.stdin_text, "postmaster.pid"));
    return child;
}

static void far_answer(struct fixture *x, struct req req, const char *text)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = req};
    if (text)
        ev.text = strdup(text);
    else
        err_set(&ev.err, ERR_LOST, "the link is lost");
    step(x, &ev);
}

static const char ours[] = "match=pidfile\npostmaster_pid=4\ndata_readable=1\ncpus=3\n"
                           "system_identifier=7300000000000000001\n";

/* What is on the way to the server does not count: an address of another machine, or the loopback of a tunnel. */
static void a_host_by_ssh(void **state)
{
    static const char *const addrs[] = {"10.0.0.230", "127.0.0.1"};
    struct fixture *x = *state;
    for (size_t i = 0; i < 2; i++) {
        look(x, LOOK_UNDECIDED, "");
        discover_start(&x->d, &x->f, &x->fx);
        run(x, 150018, addrs[i], NULL);
        assert_int_equal(x->d.state, DISCOVER_UNDECIDED);
        assert_int_equal(x->fx.n, 0);
        int looks = x->d.looks;
        look(x, LOOK_UNDECIDED, "");
        assert_int_equal(x->d.state, DISCOVER_UNDECIDED);
        look(x, LOOK_BY_SSH, "");
        far_answer(x, far_script(x)->req, ours);
        assert_int_equal(x->d.state, DISCOVER_DONE);
        assert_int_equal(x->d.looks, looks + 1);
        assert_int_equal(only(x, FX_TIMER_STOP)->kind, FX_TIMER_STOP);
        assert_true(x->f.host.known && x->f.id.reached && x->f.id.over_ssh);
        assert_int_equal(x->f.host.cpus, 3);
        assert_false(is_missing(x, "host"));
        effects_clear(&x->fx);
    }
}

static void a_link_that_does_not_come_up(void **state)
{
    struct fixture *x = *state;
    look(x, LOOK_UNDECIDED, "");
    discover_start(&x->d, &x->f, &x->fx);
    run(x, 150018, "127.0.0.1", NULL);
    look(x, LOOK_NOWHERE, "no route");
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_int_equal(x->d.looks, 1);
    assert_int_equal(x->fx.n, 0); /* what runs here may be another server */
    assert_true(is_missing(x, "host: no route"));
    assert_false(x->f.host.known || x->f.id.reached);
    /* It comes up after all, long after discovery has ended. */
    look(x, LOOK_BY_SSH, "");
    far_answer(x, far_script(x)->req, ours);
    assert_true(x->f.id.reached && x->f.id.over_ssh);
    assert_false(is_missing(x, "host"));
    assert_int_equal(x->d.looks, 2);
    /* A refresh does not look again; a new start of the server does. */
    effects_clear(&x->fx);
    discover_refresh(&x->d, &x->f, &x->fx);
    run(x, 150018, "127.0.0.1", NULL);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    x->d.known_start_us--;
    effects_clear(&x->fx);
    discover_refresh(&x->d, &x->f, &x->fx);
    run(x, 150018, "127.0.0.1", NULL);
    far_answer(x, far_script(x)->req, ours);
    assert_int_equal(x->d.looks, 3);
}

static void found_by_ssh(struct fixture *x)
{
    look(x, LOOK_BY_SSH, "");
    effects_clear(&x->fx);
    discover_start(&x->d, &x->f, &x->fx);
    run(x, 150018, "10.0.0.230", NULL);
    far_answer(x, far_script(x)->req, ours);
    assert_true(x->f.id.reached);
}

static void each_reconnect_is_looked_at(void **state)
{
    struct fixture *x = *state;
    found_by_ssh(x);
    /* Nothing is forgotten because the link is down. */
    look(x, LOOK_NOWHERE, "the link is lost");
    assert_int_equal(x->fx.n, 0);
    assert_true(x->f.host.known && x->f.id.reached);
    /* It is lost again while the script runs: the same. */
    look(x, LOOK_BY_SSH, "");
    far_answer(x, far_script(x)->req, NULL);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_true(x->f.host.known && x->f.id.reached);
    assert_true(is_missing(x, "host: the link is lost"));
    /* It comes back before the script of the former link is known to be gone. */
    look(x, LOOK_BY_SSH, "");
    struct req old = far_script(x)->req;
    look(x, LOOK_BY_SSH, "");
    struct req now = far_script(x)->req;
    assert_int_equal(x->fx.items[0].kind, FX_TIMER_STOP);
    assert_int_equal(x->fx.items[0].req.id, old.id + 1);
    assert_int_not_equal(old.id, now.id);
    struct event late = {.kind = EV_TIMER, .req = x->fx.items[0].req};
    step(x, &late);
    assert_int_equal(x->d.state, DISCOVER_HOST);
    far_answer(x, old, NULL);
    assert_int_equal(x->d.state, DISCOVER_HOST);
    far_answer(x, now, ours);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_false(is_missing(x, "host"));
}

static void a_link_that_comes_up_early_or_late(void **state)
{
    struct fixture *x = *state;
    /* While the statements of a refresh run, of which none would have looked at the host. */
    found_by_ssh(x);
    effects_clear(&x->fx);
    discover_refresh(&x->d, &x->f, &x->fx);
    discover_host(&x->d, &x->f, LOOK_BY_SSH, "", &x->fx);
    assert_int_equal(x->d.state, DISCOVER_SQL);
    run(x, 150018, "10.0.0.230", NULL);
    far_answer(x, far_script(x)->req, ours);
    assert_int_equal(x->d.looks, 2);
}

/* Another machine answers: it is not worked on, whatever was there before. */
static void it_is_another_machine(void **state)
{
    static const char *const texts[] = {
        "match=no\nwhy=no process 321 of the server runs there\nother=1\n",
        "match=pidfile\npostmaster_pid=4\ndata_readable=1\nsystem_identifier=7300000000000000002\n",
        "nothing of use\n", ""};
    struct fixture *x = *state;
    for (size_t i = 0; i < 4; i++) {
        found_by_ssh(x);
        look(x, LOOK_BY_SSH, "");
        far_answer(x, far_script(x)->req, texts[i]);
        assert_false(x->f.id.reached || x->f.id.over_ssh || x->f.host.known);
        assert_int_equal(x->f.host.other, i < 2);
        assert_true(is_missing(x, "host"));
    }
    found_by_ssh(x);
    look(x, LOOK_BY_SSH, "");
    far_script(x);
    struct event late = {.kind = EV_TIMER, .req = x->fx.items[x->fx.n - 1].req};
    step(x, &late);
    assert_int_equal(x->d.state, DISCOVER_DONE);
    assert_false(x->f.id.reached);
}

static void notes_are_bounded(void **state)
{
    struct fixture *x = *state;
    char what[40];
    for (int i = 0; i < 40; i++) {
        snprintf(what, sizeof what, "thing %d", i);
        facts_missing(&x->f, what, "no reason");
    }
    assert_int_equal(x->f.nmissing, MISSING_MAX);
    facts_missing(&x->f, "thing 3", "another reason");
    assert_int_equal(x->f.nmissing, MISSING_MAX);
    facts_not_missing(&x->f, "thing");
    assert_int_equal(x->f.nmissing, MISSING_MAX);
    facts_not_missing(&x->f, "thing 5");
    assert_int_equal(x->f.nmissing, MISSING_MAX - 1);
    assert_false(is_missing(x, "thing 5:"));
    assert_true(is_missing(x, "thing 3: another reason"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_remote_server),
        TEST(our_own_limits_are_not_the_servers),
        TEST(each_version_has_its_statements),
        TEST(identity_is_needed),
        TEST(a_lost_link_ends_it),
        TEST(late_answers_are_dropped),
        TEST(the_host_of_a_local_server),
        TEST(a_script_that_hangs),
        TEST(a_script_that_does_not_start),
        TEST(a_host_by_ssh),
        TEST(a_link_that_does_not_come_up),
        TEST(each_reconnect_is_looked_at),
        TEST(a_link_that_comes_up_early_or_late),
        TEST(it_is_another_machine),
        TEST(notes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
