/* The program without the outside world: events go into the reducer, the effects that come out are compared as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/cli.h"
#include "pgd/app/flow.h"
#include "pgd/app/gate.h"
#include "pgd/app/keys.h"
#include "pgd/app/links.h"
#include "pgd/app/ui_files.h"
#include "pgd/app/update.h"
#include "pgd/base/secret.h"
#include "pgd/ui/view.h"
#include "pgd/workspace/session_rows.h"
#include "pgd/workspace/store_index.h"

enum { SECOND = 1000000 };

struct world {
    struct model *m;
    int64_t at, wall;
    struct effects fx; /* of the last event */
    struct buf text;   /* the same, a line each */
};

static struct world begin(bool target)
{
    struct world w = {.m = xcalloc(1, sizeof(struct model)), .at = 5 * SECOND};

    w.wall = 1700000000LL * SECOND;
    model_init(w.m);
    w.m->screen.rows = 24;
    w.m->screen.cols = 80;
    snprintf(w.m->opt.home, sizeof w.m->opt.home, "/home/of/it");
    if (target) {
        w.m->opt.has_target = true;
        cli_connect_set(&w.m->opt.connect, "host", "/sock");
        cli_connect_set(&w.m->opt.connect, "dbname", "shop");
    }
    return w;
}

static void end(struct world *w)
{
    effects_clear(&w->fx);
    buf_clear(&w->text);
    model_clear(w->m);
    free(w->m);
}

/* Feeds one event; its effects are in w->fx and, as lines, in w->text. */
static const char *play(struct world *w, struct event ev)
{
    effects_clear(&w->fx);
    buf_clear(&w->text);
    ev.at_us = w->at;
    ev.wall_us = w->wall;
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
    for (size_t i = 0; i < w->fx.n; i++) {
        effect_text(&w->fx.items[i], &w->text);
        buf_putc(&w->text, '\n');
    }
    return buf_text(&w->text);
}

static const char *play_kind(struct world *w, enum event_kind kind)
{
    return play(w, (struct event){.kind = kind});
}

static const char *press(struct world *w, enum key_name name, uint32_t rune)
{
    return play(w, (struct event){.kind = EV_KEY, .u.key = {.name = name, .rune = rune}});
}

static void type(struct world *w, const char *text)
{
    for (; *text; text++)
        press(w, KEYN_NONE, (uint32_t)(unsigned char)*text);
}

static struct req link_req(const struct world *w, enum pg_conn conn)
{
    return (struct req){OWNER_LINKS, w->m->links[conn].generation, (uint32_t)conn + 1};
}

static struct event link_event(const struct world *w, enum event_kind kind, enum pg_conn conn)
{
    struct event ev = {.kind = kind, .req = link_req(w, conn), .u.pg = {.conn = conn}};

    if (kind == EV_PG_UP) {
        ev.u.pg.server_version = 150018;
        snprintf(ev.u.pg.host, sizeof ev.u.pg.host, "/sock");
        snprintf(ev.u.pg.port, sizeof ev.u.pg.port, "5432");
        snprintf(ev.u.pg.user, sizeof ev.u.pg.user, "dba");
        snprintf(ev.u.pg.dbname, sizeof ev.u.pg.dbname, "shop");
    } else {
        err_set(&ev.err, ERR_CONNECT, "connection refused");
    }
    return ev;
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        n++;
    return n;
}

#define assert_has(text, what)                                 \
    do {                                                       \
        if (!strstr((text), (what)))                           \
            fail_msg("\"%s\" is not in:\n%s", (what), (text)); \
    } while (0)

/* ---- connecting ---- */

static void a_start_connects(void **state)
{
    (void)state;
    struct world w = begin(true);
    static const char control[] =
        "pg_connect links/1/1 10000 ms control host='/sock' dbname='shop' "
        "application_name='pg_diagnose': SET statement_timeout = 0; ";
    const char *wanted = play_kind(&w, EV_START);
    assert_int_equal(strncmp(wanted, control, sizeof control - 1), 0);
    assert_non_null(strstr(wanted,
                           "\npg_connect links/1/2 10000 ms telemetry host='/sock' dbname='shop' "
                           "application_name='pg_diagnose': SET statement_timeout = 0; "));
    /* what a role is used to must not change what our statements mean */
    assert_non_null(strstr(wanted, "set_config('search_path', 'pg_catalog', false)"));
    assert_non_null(strstr(wanted, "set_config('default_transaction_read_only', 'off', false)"));
    assert_int_equal(w.m->flow, FLOW_DISCOVER);
    end(&w);
}

/* The sessions can be seen while the server is still looked at; what may be done with them waits for the lock. */
static void the_list_is_there_before_the_server_is_known(void **state)
{
    (void)state;
    static const char index[] =
        "{\"format\":1,\"sessions\":[{\"name\":\"S_1\",\"state\":\"PAUSED\"}]}";
    struct world w = begin(true);
    play_kind(&w, EV_START);
    assert_has(play(&w, link_event(&w, EV_PG_UP, CONN_CONTROL)), "shop_local/index.json");
    assert_int_equal(w.m->flow, FLOW_DISCOVER);
    struct event ev = {.kind = EV_FILE, .req = {OWNER_UI, 1, UI_FILE_ROWS}};
    ev.digest = store_index_digest(index, sizeof index - 1, "");
    ev.digest_free = store_index_digest_free;
    play(&w, ev);
    assert_int_equal(w.m->workspace.nsessions, 1);
    assert_false(w.m->workspace.open);
    flow_resume(w.m, "S_1", &w.fx);
    assert_int_equal(w.m->flow, FLOW_DISCOVER);
    /* an answer that comes when the workspace has been read under its lock says nothing new */
    w.m->flow = FLOW_WORKSPACE;
    session_rows_clear(&w.m->workspace);
    ev.digest = store_index_digest(index, sizeof index - 1, "");
    play(&w, ev);
    assert_int_equal(w.m->workspace.nsessions, 0);
    end(&w);
}

static struct event start_answer(uint32_t id, const char *text)
{
    return (struct event){.kind = EV_FILE,
                          .req = {OWNER_UI, 1, id},
                          .text = text ? xstrdup(text) : NULL,
                          .len = text ? strlen(text) : 0};
}

static void a_start_without_a_server_lists_workspaces(void **state)
{
    (void)state;
    struct world w = begin(false);
    assert_has(play_kind(&w, EV_START), "list /home/of/it/workspaces");
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_START);
    const char *text = play(
        &w, start_answer(UI_FILE_START, "shop_10-0-0-7_5433/\nnot-a-folder\na%0Ab_local/\n"));
    assert_has(text, "read_many");
    assert_has(text, "/home/of/it/workspaces/shop_10-0-0-7_5433/workspace.json");
    assert_null(strstr(text, "not-a-folder"));
    struct event ev = start_answer(UI_START_ROWS, NULL);
    ev.req.generation = 2;
    ev.digest = w.fx.items[0].u.file.digest("", 0, w.fx.items[0].u.file.digest_arg);
    ev.digest_free = w.fx.items[0].u.file.digest_free;
    play(&w, ev);
    assert_int_equal(w.m->start.recent.n, 2);
    assert_false(w.m->start.reading);
    assert_has(press(&w, KEYN_NONE, '1'), "a%0Ab_local/workspace.json");
    ev = start_answer(UI_START_PICKED, NULL);
    ev.req.generation = w.m->start.no;
    ev.u.file.missing = true;
    err_set(&ev.err, ERR_FILE, "it is not there");
    play(&w, ev); /* a name with an escape cannot be turned back */
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_START);
    assert_true(w.m->screen.dialog.error[0]);
    press(&w, KEYN_NONE, '2');
    ev = start_answer(UI_START_PICKED, NULL);
    ev.req.generation = w.m->start.no;
    ev.u.file.missing = true;
    err_set(&ev.err, ERR_FILE, "it is not there");
    text = play(&w, ev);
    assert_has(text, "pg_connect links/1/1 10000 ms control dbname='shop' host='10.0.0.7' "
                     "port='5433'");
    end(&w);
}

/* The way that workspace.json keeps, and what the command line has said besides. */
static void a_picked_workspace_is_reached_as_before(void **state)
{
    (void)state;
    struct world w = begin(false);
    static const char json[] =
        "{\"format\":1,\"server\":{},\"connection\":{\"host\":\"db1\",\"port\":\"6000\","
        "\"user\":\"ann\",\"dbname\":\"shop\",\"ssh_host\":\"db1.example\",\"ssh_user\":\"-evil\","
        "\"libpq\":{\"sslmode\":\"verify-full\",\"password\":\"x\"}}}";
    cli_connect_set(&w.m->opt.connect, "user", "bob");
    play_kind(&w, EV_START);
    play(&w, start_answer(UI_FILE_START, "shop_db1_6000/\n"));
    struct event ev = start_answer(UI_START_ROWS, NULL);
    ev.req.generation = 2;
    ev.digest = w.fx.items[0].u.file.digest("", 0, w.fx.items[0].u.file.digest_arg);
    ev.digest_free = w.fx.items[0].u.file.digest_free;
    play(&w, ev);
    press(&w, KEYN_ENTER, 0);
    ev = start_answer(UI_START_PICKED, json);
    ev.req.generation = w.m->start.no;
    const char *text = play(&w, ev);
    assert_has(text, "control host='db1' port='6000' user='bob' dbname='shop' "
                     "sslmode='verify-full' application_name");
    assert_string_equal(w.m->opt.ssh_host, "db1.example");
    assert_string_equal(w.m->opt.ssh_user, "");
    end(&w);
}

/* n: the form keeps what was typed when the server does not answer, and lists its databases when it does. */
static void another_server_is_asked_for_its_databases(void **state)
{
    (void)state;
    struct world w = begin(false);
    play_kind(&w, EV_START);
    play(&w, start_answer(UI_FILE_START, ""));
    press(&w, KEYN_NONE, 'n');
    type(&w, "db9");
    press(&w, KEYN_TAB, 0);
    type(&w, "5439");
    const char *text = press(&w, KEYN_ENTER, 0);
    assert_has(text, "pg_connect links/1/3 10000 ms questions host='db9' port='5439' "
                     "dbname='postgres'");
    struct event down = link_event(&w, EV_PG_DOWN, CONN_QUESTIONS);
    play(&w, down);
    assert_false(w.m->start.asking);
    assert_int_equal(w.m->links[CONN_QUESTIONS].state, LINK_OFF);
    assert_true(w.m->start.err.msg[0]);
    assert_string_equal(w.m->start.fields[START_HOST], "db9");
    assert_string_equal(w.m->screen.dialog.input, "5439");
    press(&w, KEYN_ENTER, 0); /* there is no database "postgres" */
    down = link_event(&w, EV_PG_DOWN, CONN_QUESTIONS);
    snprintf(down.err.sqlstate, sizeof down.err.sqlstate, "3D000");
    text = play(&w, down);
    assert_has(text, "questions host='db9' port='5439' application_name");
    text = play(&w, link_event(&w, EV_PG_UP, CONN_QUESTIONS));
    assert_has(text, "SET statement_timeout");
    struct event ev = start_answer(UI_START_DATABASES, NULL);
    ev.kind = EV_PG_RESULT;
    ev.req.generation = w.m->start.no;
    assert_has(play(&w, ev), "pg_database d");
    assert_int_equal(w.m->flow, FLOW_WATCH);
    press(&w, KEYN_ESC, 0);
    assert_int_equal(w.m->links[CONN_QUESTIONS].state, LINK_OFF);
    end(&w);
}

static void a_first_answer_starts_discovery_and_telemetry(void **state)
{
    (void)state;
    struct world w = begin(true);
    play_kind(&w, EV_START);
    const char *text = play(&w, link_event(&w, EV_PG_UP, CONN_CONTROL));
    assert_has(text, "pg_query discovery/");
    assert_has(text, " control: ");
    assert_null(strstr(text, "changes_server"));
    assert_null(strstr(text, "telemetry/"));
    text = play(&w, link_event(&w, EV_PG_UP, CONN_TELEMETRY));
    assert_has(text, "pg_query telemetry/");
    assert_true(count(text, "pg_query") <= 2); /* at most two statements a tick */
    w.at += SECOND;
    assert_int_equal(count(play_kind(&w, EV_TICK), "pg_query"), 0); /* still in flight */
    end(&w);
}

static void late_answers_are_dropped_by_number(void **state)
{
    (void)state;
    struct world w = begin(true);
    play_kind(&w, EV_START);
    struct event late = link_event(&w, EV_PG_UP, CONN_CONTROL); /* of the first attempt */
    play(&w, link_event(&w, EV_PG_DOWN, CONN_CONTROL));
    assert_int_equal(w.m->links[CONN_CONTROL].state, LINK_WAITING);
    w.at += SECOND;
    assert_has(play(&w, (struct event){.kind = EV_TIMER, .req = link_req(&w, CONN_CONTROL)}),
               "pg_connect links/2/1 ");
    assert_string_equal(play(&w, late), "");
    assert_int_equal(w.m->links[CONN_CONTROL].state, LINK_CONNECTING);
    struct event stale = {.kind = EV_TIMER, .req = {OWNER_LINKS, 1, 1}};
    assert_string_equal(play(&w, stale), "");
    play(&w, link_event(&w, EV_PG_UP, CONN_CONTROL));
    assert_int_equal(w.m->links[CONN_CONTROL].state, LINK_UP);
    /* answers of a discovery, a file or a program that nobody waits for */
    static const enum owner owners[] = {OWNER_DISCOVERY, OWNER_TELEMETRY, OWNER_BENCH, OWNER_APPLY,
                                        OWNER_FLOW,      OWNER_STORE,     OWNER_DEMO};
    static const enum event_kind kinds[] = {EV_PG_RESULT, EV_CHILD_EXIT, EV_FILE, EV_TIMER};
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
            assert_string_equal(
                play(&w, (struct event){.kind = kinds[k], .req = {owners[i], 4711, 4711}}), "");
    assert_int_equal(w.m->flow, FLOW_DISCOVER);
    end(&w);
}

static void retries_back_off_and_start_over(void **state)
{
    (void)state;
    struct world w = begin(true);
    int last = 0, longest = 0;
    play_kind(&w, EV_START);
    for (int i = 0; i < 20; i++) {
        play(&w, link_event(&w, EV_PG_DOWN, CONN_CONTROL));
        assert_int_equal(count(buf_text(&w.text), "timer links/"), 1);
        assert_int_equal(w.fx.items[0].kind, FX_TIMER);
        int ms = w.fx.items[0].ms;
        assert_true(ms >= last && ms <= 1000); /* back within a second */
        assert_int_equal(w.m->links[CONN_CONTROL].retry_at_us, w.at + (int64_t)ms * 1000);
        last = ms;
        longest = ms > longest ? ms : longest;
        w.at += (int64_t)ms * 1000;
        play(&w, (struct event){.kind = EV_TIMER, .req = link_req(&w, CONN_CONTROL)});
    }
    assert_true(longest > 100);
    play(&w, link_event(&w, EV_PG_UP, CONN_CONTROL));
    play(&w, link_event(&w, EV_PG_DOWN, CONN_CONTROL)); /* lost: tried again at once */
    assert_has(buf_text(&w.text), "timer links/");
    assert_true(w.m->links[CONN_CONTROL].retry_at_us <= w.at + 100000);
    /* where no connection is left for us it is not asked for every second */
    int64_t full_at = w.at;
    for (int i = 0; i < 3; i++) {
        struct event full = link_event(&w, EV_PG_DOWN, CONN_TELEMETRY);
        memcpy(full.err.sqlstate, "53300", 6);
        play(&w, full);
        w.at = w.m->links[CONN_TELEMETRY].retry_at_us;
        play(&w, (struct event){.kind = EV_TIMER, .req = link_req(&w, CONN_TELEMETRY)});
        last = (int)(w.at - full_at);
        full_at = w.at;
    }
    assert_int_equal(last, 5000000);
    end(&w);
}

static void a_database_of_ours_has_no_limits(void **state)
{
    (void)state;
    static const char *const set[][4] = {
        {"statement_timeout", "1ms", "joe", ""}, {"work_mem", "1GB", "joe", ""},
        {"lock_timeout", "1ms", "jim", ""},      {"search_path", "evil", "", "pg_diagnose_bench"},
        {"lock_timeout", "2ms", "joe", "shop"},  {"datestyle", "German", "", ""}};
    struct world w = begin(true);
    char way[200] = "PGSSLMODE=disable\n", full[40] = "PGSSLMODE=disable\n";
    for (size_t i = 0; i < ARRAY_LEN(set); i++) {
        struct override *o = &w.m->server.overrides[w.m->server.noverrides++];
        snprintf(o->name, sizeof o->name, "%s", set[i][0]);
        snprintf(o->value, sizeof o->value, "%s", set[i][1]);
        snprintf(o->role, sizeof o->role, "%s", set[i][2]);
        snprintf(o->database, sizeof o->database, "%s", set[i][3]);
    }
    snprintf(w.m->server.id.role, sizeof w.m->server.id.role, "joe");
    links_own_options(w.m, "pg_diagnose_bench", way, sizeof way);
    assert_string_equal(way,
                        "PGSSLMODE=disable\nPGOPTIONS=-c statement_timeout=0 -c search_path=public "
                        "-c datestyle=ISO,\\ MDY\n");
    links_own_options(w.m, "pg_diagnose_bench", full, sizeof full); /* never half a word */
    assert_string_equal(full, "PGSSLMODE=disable\n");
    snprintf(way, sizeof way, "PGOPTIONS=-c jit=off\n");
    links_own_options(w.m, "pg_diagnose_bench", way, sizeof way);
    assert_string_equal(way, "PGOPTIONS=-c jit=off\n");
    end(&w);
}

/* ---- passwords ---- */

static void a_password_is_asked_for_and_never_shown(void **state)
{
    (void)state;
    struct world w = begin(true);
    play_kind(&w, EV_START);
    struct event ev = link_event(&w, EV_PG_DOWN, CONN_CONTROL);
    ev.u.pg.needs_password = true;
    play(&w, ev);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_PASSWORD);
    type(&w, "qs3cretX?");
    press(&w, KEYN_BACKSPACE, 0);
    assert_int_equal(w.m->screen.dialog.secret_len, 8);
    assert_string_equal(secret_get(w.m->screen.dialog.secret), "qs3cretX");
    assert_null(strstr(w.m->screen.dialog.input, "s3cret"));

    struct canvas *c = canvas_new(24, 80);
    struct view_cursor cursor;
    view_paint(c, w.m, keys_tables(), &cursor);
    char row[81] = "";
    for (int y = 0; y < 24; y++) {
        for (int x = 0; x < 80; x++) {
            uint32_t rune = canvas_at(c, y, x)->rune;
            row[x] = rune < 128 ? (char)rune : '#';
        }
        assert_null(strstr(row, "s3cret"));
    }
    canvas_free(c);

    const char *text = press(&w, KEYN_ENTER, 0);
    assert_has(text, "pg_connect links/2/1 ");
    assert_null(strstr(text, "s3cret"));
    assert_int_not_equal(w.fx.items[0].u.pg.password, 0);
    assert_string_equal(secret_get(w.fx.items[0].u.pg.password), "qs3cretX");
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_NONE);
    for (int i = 0; i < w.m->nchat; i++)
        assert_null(strstr(w.m->chat[i].text, "s3cret"));
    end(&w);
}

/* ---- the gate ---- */

struct passed {
    struct buf text;
    struct buf answers;
};

static void pass(void *arg, struct effect *e)
{
    struct passed *p = arg;
    effect_text(e, &p->text);
    buf_putc(&p->text, '\n');
    effect_clear(e);
}

static void answer(void *arg, struct event *ev)
{
    struct passed *p = arg;
    buf_printf(&p->answers, "%s %s/%u %s\n", event_kind_name(ev->kind), owner_name(ev->req.owner),
               (unsigned)ev->req.id, err_code_name(ev->err.code));
    event_clear(ev);
}

static struct req apply_req(uint32_t id)
{
    return (struct req){OWNER_APPLY, 1, id};
}

static struct effect *alter(struct effects *fx, uint32_t id, uint64_t journal, const char *sql)
{
    struct effect *e = fx_sql(fx, apply_req(id), CONN_CONTROL, sql, 0);
    e->changes_server = true;
    e->after_journal = journal;
    return e;
}

static void clear(struct passed *p)
{
    buf_clear(&p->text);
    buf_clear(&p->answers);
}

static struct event saved(uint64_t no, enum err_code code)
{
    struct event ev = {.kind = EV_FILE, .req = apply_req(99)};
    ev.u.file.journal_no = no;
    if (code != ERR_NONE)
        err_set(&ev.err, code, "no space left on device");
    return ev;
}

static void readonly_lets_nothing_change_the_server(void **state)
{
    (void)state;
    struct gate g = {.readonly = true};
    struct effects fx = {0};
    struct passed p = {0};
    static const char *const pgbench[] = {"pgbench", "-T", "5", NULL};
    alter(&fx, 1, 0, "ALTER SYSTEM SET work_mem = '1GB'");
    fx_child(&fx, (struct req){OWNER_BENCH, 1, 2}, pgbench, 0)->changes_server = true;
    fx_sql(&fx, apply_req(3), CONN_CONTROL, "SHOW work_mem", 0);
    gate_run(&g, &fx, pass, answer, &p);
    assert_int_equal(fx.n, 0);
    assert_string_equal(buf_text(&p.text), "pg_query apply/1/3 control: SHOW work_mem\n");
    assert_string_equal(buf_text(&p.answers), "pg_result apply/1 refused\n"
                                              "child_exit bench/2 refused\n");
    clear(&p);
    gate_clear(&g);
}

static void an_alter_waits_for_its_journal_entry(void **state)
{
    (void)state;
    struct gate g = {0};
    struct effects fx = {0};
    struct passed p = {0};
    alter(&fx, 1, 7, "ALTER SYSTEM SET work_mem = '8MB'");
    fx_sql(&fx, apply_req(2), CONN_CONTROL, "SELECT 1", 0);
    alter(&fx, 3, 8, "ALTER SYSTEM SET jit = off");
    gate_run(&g, &fx, pass, answer, &p);
    assert_string_equal(buf_text(&p.text), "pg_query apply/1/2 control: SELECT 1\n");
    buf_clear(&p.text);
    struct event ev = {.kind = EV_FILE, .req = apply_req(99)}; /* another file was saved */
    gate_event(&g, &ev, pass, answer, &p);
    ev = saved(6, ERR_NONE); /* an older entry */
    gate_event(&g, &ev, pass, answer, &p);
    assert_string_equal(buf_text(&p.text), "");
    ev = saved(7, ERR_NONE);
    gate_event(&g, &ev, pass, answer, &p);
    assert_string_equal(buf_text(&p.text),
                        "pg_query apply/1/1 changes_server after_journal=7 control: ALTER SYSTEM "
                        "SET work_mem = '8MB'\n");
    buf_clear(&p.text);
    ev = saved(8, ERR_NONE);
    gate_event(&g, &ev, pass, answer, &p);
    assert_has(buf_text(&p.text), "jit = off");
    buf_clear(&p.text);
    alter(&fx, 4, 8, "ALTER SYSTEM RESET jit"); /* its entry is on the disk already */
    gate_run(&g, &fx, pass, answer, &p);
    assert_has(buf_text(&p.text), "RESET jit");
    assert_string_equal(buf_text(&p.answers), "");
    clear(&p);
    gate_clear(&g);
}

static void an_alter_without_a_journal_is_refused(void **state)
{
    (void)state;
    struct gate g = {0};
    struct effects fx = {0};
    struct passed p = {0};
    alter(&fx, 1, 7, "ALTER SYSTEM SET work_mem = '8MB'");
    gate_run(&g, &fx, pass, answer, &p);
    struct event ev = saved(7, ERR_FILE);
    gate_event(&g, &ev, pass, answer, &p);
    assert_string_equal(buf_text(&p.text), "");
    assert_string_equal(buf_text(&p.answers), "pg_result apply/1 file\n");
    ev = saved(7, ERR_NONE); /* nothing of it is left that could pass later */
    gate_event(&g, &ev, pass, answer, &p);
    assert_string_equal(buf_text(&p.text), "");
    clear(&p);
    gate_clear(&g);
}

/* ---- the end ---- */

static void every_way_out_closes_and_quits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct event ev;
        int code;
    } ways[] = {
        {"q", {.kind = EV_KEY, .u.key = {.name = KEYN_NONE, .rune = 'q'}}, 0},
        {"Ctrl-C", {.kind = EV_KEY, .u.key = {.name = KEYN_CTRL, .rune = 'c'}}, 0},
        {"SIGTERM", {.kind = EV_SIGNAL, .u.signo = 15}, 0},
        {"lost terminal", {.kind = EV_TTY_LOST}, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct world w = begin(true);
        play_kind(&w, EV_START);
        play(&w, link_event(&w, EV_PG_UP, CONN_CONTROL));
        const char *text = play(&w, ways[i].ev);
        assert_has(text, "pg_close links/");
        assert_int_equal(count(text, "quit"), 1);
        assert_int_equal(w.fx.items[w.fx.n - 1].kind, FX_QUIT);
        if (w.fx.items[w.fx.n - 1].exit_code != ways[i].code)
            fail_msg("%s ends with %d", ways[i].name, w.fx.items[w.fx.n - 1].exit_code);
        assert_string_equal(play(&w, ways[i].ev), ""); /* once */
        end(&w);
    }
}

static void headless_reports_a_server_that_is_not_there(void **state)
{
    (void)state;
    struct world w = begin(true);
    w.m->opt.headless = w.m->opt.json = true;
    play_kind(&w, EV_START);
    const char *text = play(&w, link_event(&w, EV_PG_DOWN, CONN_CONTROL));
    if (strstr(text, "index.json")) { /* did a killed run leave the server down? There was none */
        struct event ev = {.kind = EV_FILE, .req = w.fx.items[w.fx.n - 1].req};
        ev.u.file.missing = true;
        err_set(&ev.err, ERR_FILE, "no such file");
        text = play(&w, ev);
    }
    assert_has(text, "\"event\":\"error\"");
    assert_has(text, "connection refused");
    assert_has(text, "{\"event\":\"summary\"");
    assert_int_equal(w.fx.items[w.fx.n - 1].kind, FX_QUIT);
    assert_int_equal(w.fx.items[w.fx.n - 1].exit_code, 3);
    end(&w);
}

/* ---- time ---- */

static void a_clock_that_jumps_moves_nothing(void **state)
{
    (void)state;
    static const int64_t jumps[] = {0, 3600, -7200, 315360000, -1700000000, 86400};
    struct world w = begin(true);
    play_kind(&w, EV_START);
    play(&w, link_event(&w, EV_PG_DOWN, CONN_CONTROL));
    int64_t retry = w.m->links[CONN_CONTROL].retry_at_us;
    w.m->session.deadline_us = w.at + 600 * (int64_t)SECOND;
    for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
        w.at += SECOND;
        w.wall += jumps[i] * SECOND;
        assert_null(strstr(play_kind(&w, EV_TICK), "quit"));
        assert_int_equal(w.m->links[CONN_CONTROL].state, LINK_WAITING);
        assert_int_equal(w.m->links[CONN_CONTROL].retry_at_us, retry);
        double left = model_seconds_left(w.m);
        assert_true(left > 600.0 - (double)(i + 1) - 0.5 && left < 600.0 - (double)i);
        press(&w, KEYN_NONE, '?'); /* lines of the chat are stamped by the wall */
        model_say(w.m, CHAT_EVENT, "line %zu", i);
        struct canvas *c = canvas_new(45, 160);
        struct view_cursor cursor;
        view_paint(c, w.m, keys_tables(), &cursor);
        canvas_free(c);
    }
    end(&w);
}

/* ---- whatever comes ---- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct event any_event(uint32_t *seed)
{
    struct event ev = {.kind = (enum event_kind)(next_random(seed) % (EV_STALL + 1))};

    ev.req = (struct req){(enum owner)(next_random(seed) % OWNER_COUNT), next_random(seed) % 4,
                          next_random(seed) % 6};
    if (next_random(seed) % 3 == 0)
        err_set(&ev.err, (enum err_code)(1 + next_random(seed) % ERR_INTERNAL), "something else");
    if (next_random(seed) % 2 == 0) {
        char text[64];
        for (size_t i = 0; i < sizeof text - 1; i++)
            text[i] = (char)(1 + next_random(seed) % 255);
        text[sizeof text - 1] = 0;
        ev.text = xstrdup(text);
        ev.len = strlen(text);
    }
    switch (ev.kind) {
    case EV_START: /* comes once */
        ev.kind = EV_TICK;
        break;
    case EV_KEY:
        ev.u.key.name = (enum key_name)(next_random(seed) % (KEYN_CTRL + 1));
        ev.u.key.rune = 32 + next_random(seed) % 96;
        break;
    case EV_RESIZE:
        ev.u.size.cols = (int)(next_random(seed) % 300) + 1;
        ev.u.size.rows = (int)(next_random(seed) % 90) + 1;
        break;
    case EV_PG_UP:
    case EV_PG_DOWN:
    case EV_PG_RESULT:
        ev.u.pg.conn = (enum pg_conn)(next_random(seed) % CONN_COUNT);
        if (ev.kind != EV_PG_RESULT)
            ev.req = (struct req){OWNER_LINKS, next_random(seed) % 4, (uint32_t)ev.u.pg.conn + 1};
        ev.u.pg.needs_password = next_random(seed) % 7 == 0;
        break;
    default:
        break;
    }
    return ev;
}

/* No order of answers, however odd, breaks the program or lets a change of the server out. */
static void odd_orders_of_events_do_no_harm(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        uint32_t s = seed;
        struct world w = begin(seed % 2 == 0);
        struct canvas *c = canvas_new(24, 80);
        play_kind(&w, EV_START);
        for (int i = 0; i < 500; i++) {
            struct view_cursor cursor;
            w.at += next_random(&s) % (2 * SECOND);
            assert_null(strstr(play(&w, any_event(&s)), "changes_server"));
            if (c->rows != w.m->screen.rows || c->cols != w.m->screen.cols)
                canvas_resize(c, w.m->screen.rows, w.m->screen.cols);
            view_paint(c, w.m, keys_tables(), &cursor);
        }
        canvas_free(c);
        end(&w);
    }
}

/* The reducer routes and decides nothing: it stays small. */
static void the_reducer_is_small(void **state)
{
    (void)state;
    char path[4096];
    const char *source = getenv("PGD_SOURCE_DIR");
    int lines = 0, ch;
    if (!source)
        skip();
    snprintf(path, sizeof path, "%s/src/app/update.c", source);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while ((ch = fgetc(f)) != EOF)
        lines += ch == '\n';
    fclose(f);
    assert_in_range(lines, 1, 199);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_connects),
        cmocka_unit_test(the_list_is_there_before_the_server_is_known),
        cmocka_unit_test(a_start_without_a_server_lists_workspaces),
        cmocka_unit_test(a_picked_workspace_is_reached_as_before),
        cmocka_unit_test(another_server_is_asked_for_its_databases),
        cmocka_unit_test(a_first_answer_starts_discovery_and_telemetry),
        cmocka_unit_test(late_answers_are_dropped_by_number),
        cmocka_unit_test(retries_back_off_and_start_over),
        cmocka_unit_test(a_database_of_ours_has_no_limits),
        cmocka_unit_test(a_password_is_asked_for_and_never_shown),
        cmocka_unit_test(readonly_lets_nothing_change_the_server),
        cmocka_unit_test(an_alter_waits_for_its_journal_entry),
        cmocka_unit_test(an_alter_without_a_journal_is_refused),
        cmocka_unit_test(every_way_out_closes_and_quits),
        cmocka_unit_test(headless_reports_a_server_that_is_not_there),
        cmocka_unit_test(a_clock_that_jumps_moves_nothing),
        cmocka_unit_test(odd_orders_of_events_do_no_harm),
        cmocka_unit_test(the_reducer_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
