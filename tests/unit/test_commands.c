/* Slash commands: finding one, what Tab offers, the list of sessions and their records, one kind of export alone, read-only, the
 * statements that were sent; what is kept from run to run; what the prompt says in each state. */
#include <errno.h>
#include <math.h>

#include "pgd/app/commands.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/gate.h"
#include "pgd/app/keep.h"
#include "pgd/app/offers.h"
#include "pgd/app/sessions.h"
#include "pgd/app/sqllog.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/io/disk_error.h"
#include "pgd/ui/dialog.h"
#include "pgd/workspace/session_rows.h"
#include "pgd/workspace/store.h"
#include "world.h"

static void session_row(struct model *m, const char *strategy, const char *stamp,
                        enum session_state state)
{
    struct session_row *r = session_rows_add(&m->workspace, m->workspace.nsessions);
    snprintf(r->name, sizeof r->name, "%s_%s", strategy, stamp);
    text_copy(r->strategy, sizeof r->strategy, strategy);
    r->state = state;
    r->baseline_tps = 4502;
    r->best_tps = 5892;
    r->tps_before = 4502;
    r->tps_after = 5892;
    r->effect = state == SESSION_ARCHIVED ? 1.31 : NAN;
    r->rounds = 2;
    r->changed_wall_us = 1700000000000000 - 7200000000LL * m->workspace.nsessions;
}

static int setup(void **state)
{
    struct world *w = world_new();

    w->m->now_us = 100000000;
    w->m->wall_us = 1700000000000000;
    w->m->flow = FLOW_WATCH;
    text_copy(w->m->workspace.name, 40, "postgres_10-0-0-230");
    text_copy(w->m->workspace.dir, 40, "/home/w");
    w->m->workspace.open = true;
    session_row(w->m, "WriteOptimize", "11232026-101500", SESSION_PAUSED);
    session_row(w->m, "MemoryTuning", "11222026-101500", SESSION_ARCHIVED);
    session_row(w->m, "MemoryTuning", "11212026-090000", SESSION_FAILED);
    *state = w;
    return 0;
}

static const struct effect *file_effect(const struct world *w, enum file_op op)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == FX_FILE && w->fx.items[i].u.file.op == op)
            return &w->fx.items[i];
    return NULL;
}

static void each_row_has_its_function(void **state)
{
    struct world *w = *state;
    int n;
    const struct command_row *rows = commands_table(&n);
    for (int i = 0; i < n; i++) {
        assert_ptr_equal(commands_row(rows[i].name), &rows[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(rows[i].name, rows[j].name);
        assert_true(rows[i].help[strlen(rows[i].help) - 1] == '.');
    }
    commands_run(w->m, "s", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_STATUS);
    commands_run(w->m, "?", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HELP);
    commands_run(w->m, "cost", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_COST);
}

static char *document(const char *name)
{
    const char *source = getenv("PGD_SOURCE_DIR");
    char path[600];
    char *text = calloc(1, 1 << 20);
    if (!source)
        skip();
    snprintf(path, sizeof path, "%s/docs/%s", source, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

/* "/sql-log [count]" with a backslash before each dash, as the man page has it. */
static void for_man(const struct command_row *row, char *dst, size_t size)
{
    struct buf b = {0}, escaped = {0};
    buf_printf(&b, ".B /%s", row->name);
    for (const char *a = row->alias; *a;) {
        size_t n = strcspn(a, " ");
        buf_printf(&b, ", /%.*s", (int)n, a);
        a += n + (a[n] == ' ');
    }
    buf_printf(&b, "%s%s", row->args[0] ? " " : "", row->args);
    for (const char *p = buf_text(&b); *p; p++)
        buf_printf(&escaped, "%s%c", *p == '-' ? "\\" : "", *p);
    snprintf(dst, size, "%s\n%s\n", buf_text(&escaped), row->help);
    buf_clear(&b);
    buf_clear(&escaped);
}

/* The man page has each row of the table and no other, the guide names each. */
static void the_documents_have_the_table(void **state)
{
    (void)state;
    char *man = document("pg_diagnose.1"), *guide = document("guide.md");
    char *section = strstr(man, "\n.SH SLASH COMMANDS\n");
    const char *end;
    int n, lines = 0;
    const struct command_row *rows = commands_table(&n);
    assert_non_null(section);
    end = strstr(section + 1, "\n.SH ");
    for (const char *p = section; (p = strstr(p, "\n.B /")) && (!end || p < end); p++)
        lines++;
    assert_int_equal(lines, n);
    for (int i = 0; i < n; i++) {
        char line[400], row[80];
        for_man(&rows[i], line, sizeof line);
        if (!strstr(section, line))
            fail_msg("docs/pg_diagnose.1 lacks, in its section SLASH COMMANDS:\n.TP\n%s", line);
        snprintf(row, sizeof row, "\n| /%s", rows[i].name);
        if (!strstr(guide, row))
            fail_msg("docs/guide.md has no row for /%s", rows[i].name);
    }
    free(man);
    free(guide);
}

static void the_nearest_is_suggested(void **state)
{
    struct world *w = *state;
    static const char *const typed[][2] = {{"exprot", "mean /export?"},
                                           {"sesions", "mean /sessions?"},
                                           {"stats", "mean /status?"},
                                           {"hndvr", "mean /handover?"},
                                           {"", "did you mean"}};
    for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
        commands_run(w->m, typed[i][0], &w->fx);
        assert_true(world_said(w, typed[i][1]));
    }
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
}

static bool offered(const struct model *m, const char *text, const char *line)
{
    char out[8][64];
    int n = offers_complete(m, text, out, 8);
    for (int i = 0; i < n; i++)
        if (strcmp(out[i], line) == 0)
            return true;
    return false;
}

static void tab_offers_what_the_row_takes(void **state)
{
    struct world *w = *state;
    char out[8][64];
    int n = offers_complete(w->m, "/ex", out, 8);
    assert_true(n >= 2);
    assert_string_equal(out[0], "/export "); /* what begins so stands first */
    n = offers_complete(w->m, "/st", out, 8);
    assert_true(n >= 2);
    assert_string_equal(out[0], "/status");
    assert_true(offered(w->m, "/st", "/persist "));
    assert_true(offered(w->m, "/hnd", "/handover "));
    assert_false(offered(w->m, "/hnd", "/hardware"));
    assert_true(offered(w->m, "/export ", "/export workspace"));
    assert_true(offered(w->m, "/export ans", "/export ansible"));
    assert_false(offered(w->m, "/export ans", "/export conf"));
    assert_true(offered(w->m, "/export sbl", "/export ansible"));
    assert_true(offered(w->m, "/resume ", "/resume WriteOptimize_11232026-101500"));
    assert_false(offered(w->m, "/resume ", "/resume MemoryTuning_11222026-101500"));
    assert_true(offered(w->m, "/compare MemoryTuning_11222026-101500 Wri",
                        "/compare MemoryTuning_11222026-101500 WriteOptimize_11232026-101500") ||
                strlen("/compare MemoryTuning_11222026-101500 WriteOptimize_11232026-101500") > 63);
    assert_true(offered(w->m, "/compare Mem", "/compare MemoryTuning_11222026-101500"));
    assert_true(offered(w->m, "/privacy s", "/privacy strict"));
    assert_true(offered(w->m, "/model g", "/model gemini"));
    assert_true(offered(w->m, "/ssh ", "/ssh retry"));
    assert_true(offered(w->m, "/persist u", "/persist undo"));
    assert_true(offered(w->m, "/help exp", "/help export"));
    assert_int_equal(offers_complete(w->m, "/nosuch a", out, 8), 0);
    assert_int_equal(offers_complete(w->m, "why /ex", out, 8), 0);
}

static void an_offer_is_shown_whole(void **state)
{
    struct world *w = *state;
    for (const char *p = ":/resume W"; *p; p++)
        world_key(w, KEYN_NONE, *p);
    assert_true(world_shows(w, " /resume WriteOptimize_11232026-101500 "));
    world_key(w, KEYN_TAB, 0);
    assert_string_equal(w->m->screen.prompt.text, "/resume WriteOptimize_11232026-101500");
    world_key(w, KEYN_CTRL, 'u');
    for (const char *p = "/res"; *p; p++)
        world_key(w, KEYN_NONE, *p);
    assert_true(world_shows(w, "Go on with a paused session"));
}

static void help_of_one_command(void **state)
{
    struct world *w = *state;
    commands_run(w->m, "help /export", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_true(world_shows(w, "apply_tuning.yml"));
    world_key(w, KEYN_ESC, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    commands_run(w->m, "help nosuch", &w->fx);
    assert_true(world_said(w, "no command /nosuch"));
}

static void the_list_and_a_record(void **state)
{
    struct world *w = *state;
    commands_run(w->m, "ls", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SESSIONS);
    for (int i = 0; i < 2; i++) {
        w->m->screen.cols = i ? 80 : 120;
        w->m->screen.rows = i ? 24 : 36;
        assert_true(world_shows(w, "Sessions of postgres_10-0-0-230"));
        assert_true(world_shows(w, "4502 \xe2\x86\x92 5892"));
        assert_true(world_shows(w, "+31"));
        assert_true(world_shows(w, "PAUSED"));
        assert_true(
            world_shows(w, "WriteOptimize_11232026-101500")); /* of the row with the cursor */
    }
    world_key(w, KEYN_DOWN, 0);
    world_key(w, KEYN_DOWN, 0);
    world_key(w, KEYN_DOWN, 0);
    world_key(w, KEYN_UP, 0);
    assert_int_equal(w->m->screen.dialog.cursor, 1);
    world_key(w, KEYN_ENTER, 0);
    const struct effect *e = file_effect(w, FILE_READ);
    assert_non_null(e);
    assert_string_equal(e->u.file.path,
                        "/home/w/sessions/MemoryTuning_11222026-101500/session.json");

    struct session *s = calloc(1, sizeof *s);
    struct buf json = {0};
    session_reset(s);
    text_copy(s->name, 60, "MemoryTuning_11222026-101500");
    s->state = SESSION_ARCHIVED;
    text_copy(s->plan.strategy, 40, "MemoryTuning");
    s->baseline_tps = 4502;
    s->nhistory = 1;
    s->history[0].number = 1;
    s->history[0].n = 1;
    s->history[0].measured = 1;
    s->history[0].kept = true;
    s->history[0].verdict.kind = VERDICT_IMPROVED;
    s->history[0].verdict.ratio = 1.17;
    s->history[0].verdict.ci_lo = 1.14;
    s->history[0].verdict.ci_hi = 1.2;
    text_copy(s->history[0].changes[0].name, 40, "work_mem");
    text_copy(s->history[0].changes[0].value, 40, "64MB");
    session_remember_first(s, "work_mem", "4MB");
    s->nfinal = 1;
    text_copy(s->final_values[0].name, 40, "work_mem");
    text_copy(s->final_values[0].shown, 40, "64MB");
    store_session_json(s, &json);
    struct event ev = {.kind = EV_FILE, .at_us = 100000001, .wall_us = 1700000000000000};
    ev.req = e->req;
    ev.len = json.len;
    ev.text = buf_take(&json);
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
    session_reset(s);
    free(s);
    w->m->screen.cols = 120;
    w->m->screen.rows = 36;
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_true(world_shows(w, "MemoryTuning_11222026-101500 (read-only)"));
    assert_true(world_shows(w, "work_mem 4MB \xe2\x86\x92 64MB"));
    assert_true(world_shows(w, "R1: improved, +17"));
    assert_true(world_shows(w, "baseline 4502 TPS"));
    world_key(w, KEYN_ESC, 0); /* back to the list, where it was */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SESSIONS);
    assert_int_equal(w->m->screen.dialog.cursor, 1);
}

static void another_session(void **state)
{
    struct world *w = *state;
    commands_run(w->m, "switch MemoryTuning_11222", &w->fx);
    assert_true(world_said(w, "has ended (ARCHIVED)"));
    commands_run(w->m, "switch 2026-", &w->fx);
    assert_true(world_said(w, "3 sessions have"));
    commands_run(w->m, "resume nosuch", &w->fx);
    assert_true(world_said(w, "no session is named nosuch"));
    assert_null(file_effect(w, FILE_READ));

    /* one runs: it is asked first, and no is no */
    w->m->flow = FLOW_ROUND;
    w->m->session.state = SESSION_ACTIVE;
    text_copy(w->m->session.name, 40, "Other_11232026-120000");
    commands_run(w->m, "switch WriteOptimize", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SWITCH);
    assert_true(world_shows(w, "Other_11232026-120000 runs"));
    world_key(w, KEYN_NONE, 'n');
    assert_false(w->m->fl.now.cancel);
    commands_run(w->m, "switch WriteOptimize", &w->fx);
    world_key(w, KEYN_NONE, 'y');
    assert_true(w->m->fl.now.cancel);
    assert_null(file_effect(w, FILE_READ)); /* not before it is paused */
    w->m->flow = FLOW_PAUSED;
    w->m->fl.now.cancel = false;
    effects_clear(&w->fx);
    sessions_pump(w->m, &w->fx);
    const struct effect *e = file_effect(w, FILE_READ);
    assert_non_null(e);
    assert_non_null(strstr(e->u.file.path, "WriteOptimize_11232026-101500/session.json"));
    assert_string_equal(w->m->sessions_view.next, "");
}

static void one_export_alone(void **state)
{
    struct world *w = *state;
    session_rows_clear(&w->m->workspace);
    commands_run(w->m, "export nosuch", &w->fx);
    assert_true(world_said(w, "no export is named nosuch"));
    assert_int_equal(w->m->flow, FLOW_WATCH);
    w->m->session.state = SESSION_ARCHIVED;
    commands_run(w->m, "export conf", &w->fx);
    assert_int_equal(w->m->flow, FLOW_SUMMARY);
    assert_int_equal(w->m->fl.export_one, 2);
    const struct effect *e = file_effect(w, FILE_READ); /* what was said in the session */
    assert_non_null(e);
    struct event ev = {.kind = EV_FILE, .at_us = 100000001, .wall_us = 1700000000000000};
    ev.req = e->req;
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
    e = file_effect(w, FILE_SAVE);
    assert_non_null(e);
    assert_non_null(strstr(e->u.file.path, "exports/postgresql.conf"));
    ev.req = e->req;
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
    assert_null(file_effect(w, FILE_SAVE)); /* that one and no other */
    assert_true(world_said(w, "exported: /home/w/exports/postgresql.conf"));
    commands_run(w->m, "export workspace", &w->fx);
    assert_int_equal(w->m->fl.export_one, 0);
}

/* No file without a session behind it: what there is instead is said. */
static void nothing_is_exported(void **state)
{
    struct world *w = *state;
    static const char *const typed[] = {"export", "export html"};
    session_rows_clear(&w->m->workspace);
    for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
        commands_run(w->m, typed[i], &w->fx);
        assert_null(file_effect(w, FILE_SAVE));
        assert_int_equal(w->m->flow, FLOW_WATCH);
        assert_true(world_said(w, "nothing to export yet"));
        assert_true(world_said(w, "It has no session at all."));
    }
    session_row(w->m, "Left", "1", SESSION_PAUSED);
    session_row(w->m, "Lost", "1", SESSION_FAILED);
    session_row(w->m, "Back", "1", SESSION_ARCHIVED);
    w->m->workspace.sessions[2].origin.reverts = true;
    commands_run(w->m, "export", &w->fx);
    assert_true(world_said(w, "It has 1 PAUSED, 1 FAILED, 1 that only brought the server back."));
    assert_true(world_said(w, "resume Left_1 and bring it to its end"));
    assert_null(file_effect(w, FILE_SAVE));
    assert_false(world_said(w, "exported"));
    /* the index knows one whose file is gone */
    session_row(w->m, "Gone", "1", SESSION_ARCHIVED);
    commands_run(w->m, "export", &w->fx);
    const struct effect *e = file_effect(w, FILE_READ);
    assert_non_null(e);
    struct event ev = {.kind = EV_FILE, .at_us = 100000001, .wall_us = 1700000000000000};
    ev.req = e->req;
    err_set(&ev.err, ERR_FILE, "no such file");
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
    assert_null(file_effect(w, FILE_SAVE));
    assert_true(world_said(w, "a session was left out of the export: no such file"));
    assert_true(world_said(w, "no ARCHIVED session can be read"));
    assert_true(flow_export_finished(w->m));
}

/* ---- read-only, the statements, the theme ---- */

static int ran, refused;

static void run_effect(void *arg, struct effect *e)
{
    (void)arg;
    ran++;
    effect_clear(e);
}

static void refuse_effect(void *arg, struct event *ev)
{
    (void)arg;
    refused += ev->err.code == ERR_REFUSED;
}

static void read_only_is_one_way(void **state)
{
    struct world *w = *state;
    struct gate g = {0};
    struct req req = {OWNER_FLOW, 1, 1};
    w->m->flow = FLOW_ROUND;
    commands_run(w->m, "readonly", &w->fx);
    assert_false(w->m->opt.readonly); /* a session could not be undone any more */
    assert_true(world_said(w, "a session is under way"));
    w->m->flow = FLOW_WATCH;
    fx_sql(&w->fx, req, CONN_CONTROL, "ALTER SYSTEM SET work_mem = '8MB'", 1000)->after_journal = 7;
    gate_run(&g, &w->fx, run_effect, refuse_effect, NULL);
    assert_int_equal(g.held.n, 1); /* waits for its journal entry: refused all the same */
    commands_run(w->m, "readonly", &w->fx);
    assert_true(w->m->opt.readonly);
    gate_shut(&g);
    struct event saved = {.kind = EV_FILE};
    saved.u.file.journal_no = 7;
    gate_event(&g, &saved, run_effect, refuse_effect, NULL);
    fx_sql(&w->fx, req, CONN_CONTROL, "ALTER SYSTEM RESET ALL", 1000);
    fx_sql(&w->fx, req, CONN_CONTROL, "SELECT 1", 1000);
    gate_run(&g, &w->fx, run_effect, refuse_effect, NULL);
    assert_int_equal(ran, 1);
    assert_int_equal(refused, 2);
    gate_clear(&g);
    commands_run(w->m, "readonly", &w->fx);
    assert_true(world_said(w, "read-only already"));
}

static void the_statements_that_were_sent(void **state)
{
    struct world *w = *state;
    struct req req = {OWNER_FLOW, 1, 1}, tick = {OWNER_TELEMETRY, 1, 1};
    secret_id id = secret_put("s3cretword", 10);
    fx_sql(&w->fx, req, CONN_CONTROL, "SELECT 'the first'", 1000);
    fx_sql(&w->fx, tick, CONN_TELEMETRY, "SELECT 'a tick'", 1000);
    fx_sql(&w->fx, req, CONN_QUESTIONS, "ALTER ROLE a PASSWORD 's3cretword'", 1000);
    sqllog_note(w->m, &w->fx);
    commands_run(w->m, "sql-log", &w->fx);
    assert_true(world_shows(w, "SELECT 'the first'"));
    assert_true(world_shows(w, "questions"));
    assert_false(world_shows(w, "a tick"));
    assert_false(world_shows(w, "s3cretword"));
    commands_run(w->m, "sql-log 1", &w->fx);
    assert_false(world_shows(w, "the first"));
    commands_run(w->m, "sql-log many", &w->fx);
    assert_true(world_said(w, "how many statements"));
    for (int i = 0; i < SQL_LOG_MAX; i++)
        sqllog_note(w->m, &w->fx);
    assert_int_equal(w->m->sql_log.n, SQL_LOG_MAX);
    secret_release(id);
}

static void a_theme_is_kept(void **state)
{
    struct world *w = *state;
    text_copy(w->m->opt.home, 40, "/home/h");
    commands_run(w->m, "theme nosuch", &w->fx);
    assert_true(world_said(w, "no theme named nosuch"));
    assert_true(world_shows(w, "high-contrast"));
    assert_null(file_effect(w, FILE_READ));
    commands_run(w->m, "theme light", &w->fx);
    assert_string_equal(w->m->screen.theme, "light");
    assert_non_null(file_effect(w, FILE_READ));
    struct event none = {.kind = EV_FILE, .err = {.code = ERR_FILE}, .u.file.missing = true};
    none.req = (struct req){OWNER_UI, 1, UI_FILE_CHOICES};
    keep_answer(w->m, &none, &w->fx);
    const struct effect *e = file_effect(w, FILE_SAVE);
    assert_string_equal(e->u.file.path, "/home/h/config");
    struct event ev = {.kind = EV_FILE, .text = e->text, .len = e->len};
    ev.req = (struct req){OWNER_UI, 1, UI_FILE_CONFIG};
    w->m->screen.theme[0] = '\0';
    keep_answer(w->m, &ev, &w->fx);
    assert_string_equal(w->m->screen.theme, "light");
}

/* A file that is there and cannot be read is told, and nothing is written over it. */
static void choices_that_cannot_be_read_are_told(void **state)
{
    struct world *w = *state;
    struct event ev = {.kind = EV_FILE, .req = {OWNER_UI, 1, UI_FILE_CONFIG}};

    text_copy(w->m->opt.home, 40, "/home/h");
    ev.err.code = ERR_FILE;
    ev.u.file.missing = true;
    keep_answer(w->m, &ev, &w->fx);
    assert_int_equal(w->m->nchat, 0);
    ev.u.file.missing = false;
    disk_error(&ev.err, "read", "/home/h/config", ELOOP);
    keep_answer(w->m, &ev, &w->fx);
    assert_int_equal(w->m->nchat, 3);
    assert_non_null(strstr(w->m->chat[0].text, "cannot read /home/h/config"));
    assert_non_null(strstr(w->m->chat[1].text, "defaults"));
    assert_non_null(strstr(w->m->chat[2].text, "would take the link's place"));
    disk_error(&ev.err, "read", "/home/h/config", EISDIR); /* has no hint of its own */
    keep_answer(w->m, &ev, &w->fx);
    assert_int_equal(w->m->nchat, 6);
    commands_run(w->m, "theme light", &w->fx);
    assert_string_equal(w->m->screen.theme, "light"); /* for this run */
    ev.req.id = UI_FILE_CHOICES;
    keep_answer(w->m, &ev, &w->fx);
    assert_null(file_effect(w, FILE_SAVE));
    assert_true(world_said(w, "theme = light is not kept"));
    assert_int_equal(w->m->screen.npending, 0);
    /* one that is read and may not be written: a link */
    ev.req.id = UI_FILE_CHOSEN;
    disk_error(&ev.err, "replace", "/home/h/config", ELOOP);
    keep_answer(w->m, &ev, &w->fx);
    assert_true(world_said(w, "cannot replace /home/h/config"));
    assert_true(world_said(w, "holds for this run and is not kept"));
}

/* ---- history ---- */

static void history_comes_back_without_secrets(void **state)
{
    struct world *w = *state;
    static const char *const kept[] = {"/explain work_mem", "why so\nslow \\ at noon?"};
    static const char *const secret[] = {"password=hunter22", "postgres://me:hunter22@db1/shop",
                                         "is AKIAIOSFODNN7EXAMPLE mine?",
                                         "ALTER ROLE a PASSWORD 'hunter22'"};
    struct buf file = {0};
    text_copy(w->m->opt.home, 40, "/home/h");
    for (size_t i = 0; i < ARRAY_LEN(secret); i++) {
        if (keep_may(secret[i]))
            fail_msg("%s", secret[i]);
        keep_line(w->m, secret[i], &w->fx);
    }
    secret_id id = secret_put("opensesame", 10); /* the password of the connection */
    assert_false(keep_may("is it opensesame?"));
    secret_release(id);
    assert_true(keep_may("is it opensesame?"));
    assert_null(file_effect(w, FILE_APPEND));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        effects_clear(&w->fx);
        keep_line(w->m, kept[i], &w->fx);
        const struct effect *e = file_effect(w, FILE_APPEND);
        assert_non_null(e);
        assert_string_equal(e->u.file.path, "/home/h/history");
        buf_append(&file, e->text, e->len);
    }
    struct event ev = {.kind = EV_FILE, .text = file.data, .len = file.len};
    ev.req = (struct req){OWNER_UI, 1, UI_FILE_HISTORY};
    effects_clear(&w->fx);
    keep_answer(w->m, &ev, &w->fx);
    const struct prompt *p = &w->m->screen.prompt;
    assert_int_equal(p->nhistory, 2);
    assert_string_equal(p->history[0], kept[0]);
    assert_string_equal(p->history[1], kept[1]);
    assert_null(file_effect(w, FILE_SAVE));
    buf_clear(&file);
}

static void history_is_bounded(void **state)
{
    struct world *w = *state;
    struct buf file = {0};
    for (int i = 0; i < HISTORY_LINES + 50; i++)
        buf_printf(&file, "line %d\n", i);
    struct event ev = {.kind = EV_FILE, .text = file.data, .len = file.len};
    ev.req = (struct req){OWNER_UI, 1, UI_FILE_HISTORY};
    keep_answer(w->m, &ev, &w->fx);
    assert_int_equal(w->m->screen.prompt.nhistory, HISTORY_LINES);
    assert_string_equal(w->m->screen.prompt.history[0], "line 50");
    const struct effect *e = file_effect(w, FILE_SAVE);
    assert_non_null(e);
    assert_memory_equal(e->text, "line 50\n", 8);
    buf_clear(&file);
}

/* ---- the prompt is true ---- */

static void the_prompt_in_every_state(void **state)
{
    struct world *w = *state;
    struct model *m = w->m;
    struct link *l = &m->links[CONN_CONTROL];
    static const struct {
        enum link_state state;
        bool was_up;
        const char *shown;
    } cases[] = {
        {LINK_CONNECTING, false, "[postgres@10.0.0.230 | connecting] >"},
        {LINK_WAITING, false, "[postgres@10.0.0.230 | no connection] >"},
        {LINK_WAITING, true, "[postgres@10.0.0.230 | connection lost] >"},
        {LINK_PASSWORD, false, "[postgres@10.0.0.230 | wants a password] >"},
        {LINK_UP, true, "[postgres@10.0.0.230 | 5892 xact/s] >"},
    };
    assert_true(world_shows(w, "[no server] >"));
    m->opt.has_target = true;
    text_copy(l->user, 32, "postgres");
    text_copy(l->host, 32, "10.0.0.230");
    series_add(&m->collect.series[METRIC_TPS], 5892);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        l->state = cases[i].state;
        l->was_up = cases[i].was_up;
        if (!world_shows(w, cases[i].shown))
            fail_msg("%s", cases[i].shown);
    }
    m->collect.last_pg_at_us = m->now_us - 5000000;
    assert_true(world_shows(w, "[postgres@10.0.0.230 | no answer] >"));
    m->collect.last_pg_at_us = m->now_us;
    m->screen.cols = 80;
    m->screen.rows = 24;
    text_copy(m->session.plan.strategy, 40, "WriteOptimize");
    m->session.state = SESSION_PAUSED;
    m->session.baseline_tps = 4502;
    assert_true(world_shows(w, "[10.0.0.230 | WriteOptimize paused | 4502 TPS] >"));
    text_copy(l->host, 80, "a-server-with-a-rather-long-name.of.some.example.com");
    assert_true(world_shows(w, "[WriteOptimize paused | 4502 TPS] >"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_row_has_its_function),
        TEST(the_documents_have_the_table),
        TEST(the_nearest_is_suggested),
        TEST(tab_offers_what_the_row_takes),
        TEST(an_offer_is_shown_whole),
        TEST(help_of_one_command),
        TEST(the_list_and_a_record),
        TEST(another_session),
        TEST(one_export_alone),
        TEST(nothing_is_exported),
        TEST(read_only_is_one_way),
        TEST(the_statements_that_were_sent),
        TEST(a_theme_is_kept),
        TEST(choices_that_cannot_be_read_are_told),
        TEST(history_comes_back_without_secrets),
        TEST(history_is_bounded),
        TEST(the_prompt_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
