/* flow_prepare.c - everything between consent and the first run: the session's folder (checkpoint 1), the
 * scripts, pgbench, the benchmark database, and EXPLAIN of the workload's statements. A resumed session
 * walks the same path; what is there already is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/bench_place.h"
#include "pgd/app/flow_branch.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/hypo.h"
#include "pgd/app/links.h"
#include "pgd/base/assets.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/runner/script.h"
#include "pgd/tuning/knobs.h"
#include "pgd/workspace/store.h"

enum prepare_step {
    PREP_DIR_BENCH, /* three folders of the session, one after the other */
    PREP_DIR_SERIES,
    PREP_DIR_SCRIPTS,
    PREP_SAVE, /* session.json, checkpoint 1; index.json and workspace.json follow by themselves */
    /* script number `at`: a resumed session's own copy is read; the DBA's file is read, to be copied or only to see
     * whether it is still the same; the copy is written */
    PREP_SCRIPT_COPY,
    PREP_SCRIPT_READ,
    PREP_SCRIPT_LOOK,
    PREP_SCRIPT_SAVE,
    PREP_OBSERVE,   /* of a session without a benchmark: how the traffic can be measured */
    PREP_PGBENCH,   /* which pgbench, and how old */
    PREP_DB_EXISTS, /* is there a benchmark database? */
    PREP_DB_CREATE,
    PREP_DB_CONNECT,      /* CONN_BENCH into the workload's database */
    PREP_DB_MARK,         /* does it carry our mark, and is it this workload? */
    PREP_DB_MARKED,       /* the mark's content was read */
    PREP_DB_LOAD,         /* one statement of schema.sql and load.sql after the other */
    PREP_REFRESH,         /* identity and settings again, before the next proposal */
    PREP_EXPLAIN_CONNECT, /* CONN_QUESTIONS into the workload's database, then read-only */
    PREP_SHOWN, /* before the baseline: what the workload's session shows for each setting */
    PREP_EXPLAIN_SET,
    PREP_EXPLAIN, /* statement nplan_at of script nplan_script */
    PREP_HYPO,    /* indexes that the plans miss are tried with HypoPG, where it is there */
    PREP_GATE /* what an earlier benchmark has left at work ends; the others are quiet, if the plan wants that */
};

enum { SQL_MS = 30000, LOAD_MS = 600000, EXPLAIN_MS = 20000 };
/* All of EXPLAIN ANALYZE together: this part of the budget, between these seconds. */
enum { EXPLAIN_SHARE = 20, EXPLAIN_LEAST_S = 5, EXPLAIN_MOST_S = 60 };

static void next_script(struct model *m, struct effects *fx);
static void find_pgbench(struct model *m, struct effects *fx);
static void explain_connect(struct model *m, struct effects *fx);

static void fail(struct model *m, const struct err *e, const char *what, struct effects *fx)
{
    m->session.state = m->session.rounds_done || !isnan(m->session.baseline_tps) ? SESSION_PAUSED
                                                                                 : SESSION_FAILED;
    text_copy(m->session.end_reason, sizeof m->session.end_reason, e->msg);
    if (m->session.dir[0])
        flow_save(m, false, fx);
    links_close(m, CONN_BENCH, fx);
    links_close(m, CONN_QUESTIONS, fx);
    flow_fail(m, e, what, fx);
}

static void mkdir_step(struct model *m, enum prepare_step step, const char *sub, struct effects *fx)
{
    struct buf path = {0};

    m->fl.step = (int)step;
    buf_printf(&path, "%s/%s", m->session.dir, sub);
    fx_file(fx, flow_req(m), FILE_MKDIR, buf_text(&path));
    buf_clear(&path);
}

static bool name_taken(void *arg, const char *name)
{
    const struct model *m = arg;

    for (int i = 0; i < m->workspace.nsessions; i++)
        if (strcmp(m->workspace.sessions[i].name, name) == 0)
            return true;
    return false;
}

void flow_prepare_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct buf dir = {0};

    flow_enter(m, FLOW_PREPARE);
    flow_watch_begin(m);
    m->screen.dialog.kind = DIALOG_NONE;
    s->state = SESSION_ACTIVE;
    if (s->journal_no < m->fl.journal_high)
        s->journal_no = m->fl.journal_high;
    if (!s->loaded) {
        store_session_name(s->plan.strategy, m->wall_us, name_taken, m, s->name, sizeof s->name);
        buf_printf(&dir, "%s/sessions/%s", m->workspace.dir, s->name);
        text_copy_raw(s->dir, sizeof s->dir, buf_text(&dir));
        buf_clear(&dir);
        model_say(m, CHAT_EVENT, "session %s", s->name);
        flow_save_index(
            m, fx); /* before the folder: no session may be on the disk and not in the list */
    }
    mkdir_step(m, PREP_DIR_BENCH, "bench", fx);
}

static void explain_begin(struct model *m, struct effects *fx);

/* ---- scripts ----
 *
 * What is measured is the session's copy, so that an edit of the DBA's file in the middle of a session, or between a kill
 * and its resume, does not change the workload under the baseline. */

static void copy_path(const struct model *m, struct buf *out)
{
    char name[300];

    script_file(&m->session.plan, m->fl.at, name, sizeof name);
    buf_printf(out, "%s/scripts/%s", m->session.dir, name);
}

static bool starts(const char *path, const char *with)
{
    return strncmp(path, with, strlen(with)) == 0;
}

static bool keep_script(struct model *m, const char *text, size_t len, struct effects *fx)
{
    struct script *s = &m->session.plan.scripts[m->fl.at];
    struct err e = {0};

    if (!script_check(s->name, text, len, &e)) {
        fail(m, &e, "checking the scripts", fx);
        return false;
    }
    text_copy_raw(m->fl.script_text[m->fl.at], sizeof m->fl.script_text[0], text);
    bench_script(&m->bench, m->fl.at, text, len);
    return true;
}

static void read_script(struct model *m, enum prepare_step step, const char *path,
                        struct effects *fx)
{
    m->fl.step = (int)step;
    fx_file(fx, flow_req(m), FILE_READ, path)->u.file.max_bytes = SCRIPT_BYTES_MAX;
}

static void copy_script(struct model *m, const char *text, size_t len, struct effects *fx)
{
    struct buf path = {0};

    if (!keep_script(m, text, len, fx))
        return;
    m->fl.step = PREP_SCRIPT_SAVE;
    copy_path(m, &path);
    struct effect *e = fx_file(fx, flow_req(m), FILE_SAVE, buf_text(&path));
    e->text = xstrndup(text, len);
    e->len = len;
    buf_clear(&path);
}

/* The script as it is outside the session: built in, typed in the plan, or a file of the DBA. */
static void original_script(struct model *m, enum prepare_step step, struct effects *fx)
{
    const char *path = m->session.plan.scripts[m->fl.at].path;
    const struct asset *a = starts(path, "asset:") ? asset_find(path + 6) : NULL;

    if (starts(path, "text:"))
        copy_script(m, m->fl.script_text[m->fl.at], strlen(m->fl.script_text[m->fl.at]), fx);
    else if (a)
        copy_script(m, (const char *)a->data, a->size, fx);
    else
        read_script(m, step, path, fx);
}

static void next_script(struct model *m, struct effects *fx)
{
    struct buf path = {0};

    if (m->fl.at == m->session.plan.nscripts) {
        find_pgbench(m, fx);
    } else if (m->session.loaded) {
        copy_path(m, &path);
        read_script(m, PREP_SCRIPT_COPY, buf_text(&path), fx);
        buf_clear(&path);
    } else {
        original_script(m, PREP_SCRIPT_READ, fx);
    }
}

static void script_done(struct model *m, struct effects *fx)
{
    buf_clear(&m->fl.pending);
    m->fl.at++;
    next_script(m, fx);
}

static void script_unreadable(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = ev->err;

    if (!e.hint[0])
        err_hint(&e, "Check the path given with --script: %.150s",
                 m->session.plan.scripts[m->fl.at].path);
    fail(m, &e, "reading the scripts", fx);
}

/* A resumed session goes on with what it began with; without a copy it begins with what is there. */
static void copy_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    const struct script *s = &m->session.plan.scripts[m->fl.at];

    if (ev->u.file.missing) {
        original_script(m, PREP_SCRIPT_READ, fx);
        return;
    }
    if (ev->err.code != ERR_NONE) {
        script_unreadable(m, ev, fx);
        return;
    }
    if (!keep_script(m, ev->text ? ev->text : "", ev->text ? ev->len : 0, fx))
        return;
    if (starts(s->path, "asset:") || starts(s->path, "text:")) {
        script_done(m, fx);
    } else {
        buf_append(&m->fl.pending, ev->text, ev->len);
        read_script(m, PREP_SCRIPT_LOOK, s->path, fx);
    }
}

static void look_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    const char *path = m->session.plan.scripts[m->fl.at].path;
    const struct buf *own = &m->fl.pending;

    if (ev->err.code != ERR_NONE)
        model_say(m, CHAT_WARN, "%.200s cannot be read any more: the session has its own copy",
                  path);
    else if (ev->len != own->len || memcmp(ev->text ? ev->text : "", buf_text(own), own->len) != 0)
        model_say(m, CHAT_WARN,
                  "%.200s has changed since the session began: it goes on with its own copy", path);
    script_done(m, fx);
}

static void script_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    switch ((enum prepare_step)m->fl.step) {
    case PREP_SCRIPT_COPY:
        copy_answer(m, ev, fx);
        break;
    case PREP_SCRIPT_READ:
        if (ev->err.code != ERR_NONE)
            script_unreadable(m, ev, fx);
        else
            copy_script(m, ev->text ? ev->text : "", ev->text ? ev->len : 0, fx);
        break;
    case PREP_SCRIPT_LOOK:
        look_answer(m, ev, fx);
        break;
    default:
        if (ev->err.code != ERR_NONE)
            fail(m, &ev->err, "copying the scripts", fx);
        else
            script_done(m, fx);
        break;
    }
}

/* ---- pgbench ---- */

static void pgbench_chosen(struct model *m, int version, struct effects *fx);

/* Where there is another machine, it is known, or will be, which of the two it is. */
static void find_pgbench(struct model *m, struct effects *fx)
{
    struct bench_target here = {.far = false};

    m->fl.step = PREP_PGBENCH;
    bench_place_begin(m, fx);
    if (m->place.state == PLACE_NONE)
        bench_far_find(&here, m->server.id.over_ssh ? "" : m->server.id.bindir, flow_req(m), fx);
}

/* The look that find_pgbench() waits for has ended. */
static void place_known(struct model *m, struct effects *fx)
{
    const struct bench_place *p = &m->place;

    if (p->err.code != ERR_NONE) {
        fail(m, &p->err, "looking for pgbench", fx);
        return;
    }
    text_copy_raw(m->program_pgbench, sizeof m->program_pgbench, p->far ? p->there : p->here);
    pgbench_chosen(m, p->far ? p->version : p->here_version, fx);
}

/* A line of a password file that fits whatever pgbench connects to; colons and backslashes are escaped there. */
static secret_id pgpass_line(secret_id password)
{
    struct buf line = {0};
    secret_id id;

    buf_puts(&line, "*:*:*:*:");
    for (const char *p = secret_get(password); *p; p++)
        buf_printf(&line, *p == ':' || *p == '\\' ? "\\%c" : "%c", *p);
    id = secret_put(buf_text(&line), line.len);
    explicit_bzero(line.data, line.len);
    buf_clear(&line);
    return id;
}

/* Statements of the server's own are taken because they read; should one of them write after all, the server refuses. */
static void only_reads(char *way, size_t size)
{
    static const char option[] = "-c default_transaction_read_only=on";
    struct buf lines = {0};
    const char *at = strstr(way, "PGOPTIONS=");
    const char *end = at ? at + strcspn(at, "\n") : way + strlen(way);

    buf_append(&lines, way, (size_t)(end - way));
    buf_printf(&lines, "%s%s", at ? " " : "PGOPTIONS=", option);
    buf_puts(&lines, at ? end : "\n");
    if (lines.len < size)
        text_copy_raw(way, size, buf_text(&lines));
    buf_clear(&lines);
}

void flow_bench_target(const struct model *m, struct bench_target *t)
{
    const struct link *l = &m->links[CONN_CONTROL];

    memset(t, 0, sizeof *t);
    text_copy_raw(t->host, sizeof t->host, l->host);
    text_copy_raw(t->port, sizeof t->port, l->port);
    text_copy_raw(t->user, sizeof t->user, l->user);
    text_copy_raw(t->dbname, sizeof t->dbname, m->session.plan.database);
    text_copy_raw(t->pgbench, sizeof t->pgbench, m->program_pgbench);
    text_copy_raw(t->way, sizeof t->way, l->way);
    if (m->session.plan.builtin_db)
        links_own_options(m, t->dbname, t->way, sizeof t->way);
    if (strcmp(m->session.plan.workload, "statements") == 0 && !l->pooled)
        only_reads(t->way, sizeof t->way);
    if (l->password)
        t->pgpass = pgpass_line(l->password);
}

static void fill_target(struct model *m)
{
    struct bench_target *t = &m->bench_target;

    if (t->pgpass)
        secret_release(t->pgpass);
    if (m->place.state == PLACE_KNOWN && m->place.far)
        flow_bench_target_there(m, t);
    else
        flow_bench_target(m, t);
}

static void control_sql(struct model *m, enum prepare_step step, const char *sql, bool changes,
                        struct effects *fx)
{
    m->fl.step = (int)step;
    fx_sql(fx, flow_req(m), CONN_CONTROL, sql, changes ? LOAD_MS : SQL_MS)->changes_server =
        changes;
}

static void bench_sql(struct model *m, enum prepare_step step, const char *sql, bool changes,
                      struct effects *fx)
{
    m->fl.step = (int)step;
    fx_sql(fx, flow_req(m), CONN_BENCH, sql, LOAD_MS)->changes_server = changes;
}

static void pgbench_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    pgbench_chosen(
        m, bench_choose(ev->text ? ev->text : "", m->program_pgbench, sizeof m->program_pgbench),
        fx);
}

static void pgbench_chosen(struct model *m, int version, struct effects *fx)
{
    if (version == 0) {
        struct err e = {0};
        err_set(&e, ERR_CHILD, "pgbench was not found on this machine");
        err_detail(&e, "Looked in the server's own folder, pg_config's, the usual ones, and PATH.");
        err_hint(
            &e,
            "Install the package that has it: postgresql-contrib, postgresql-NN or libpq's tools.");
        fail(m, &e, "looking for pgbench", fx);
        return;
    }
    if (version / 10000 < m->server.id.version_num / 10000)
        model_say(m, CHAT_WARN,
                  "pgbench %d is older than the server (%d): it works, with fewer figures",
                  version / 10000, m->server.id.version_num / 10000);
    bench_place_keep(m);
    fill_target(m);
    if (!m->session.plan.builtin_db) {
        explain_begin(m, fx);
        return;
    }
    struct buf q = {0};
    buf_puts(&q, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = ");
    quote_literal(&q, m->session.plan.database);
    control_sql(m, PREP_DB_EXISTS, buf_text(&q), false, fx);
    buf_clear(&q);
}

/* ---- the benchmark database ---- */

static void bench_connect(struct model *m, struct effects *fx)
{
    m->fl.step = PREP_DB_CONNECT;
    m->fl.waiting++; /* the answer is the link's event, not ours */
    links_open(m, CONN_BENCH, m->session.plan.database, fx);
}

static void db_exists_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct buf q = {0};

    if (ev->rows && ev->rows->nrows > 0) {
        bench_connect(m, fx);
        return;
    }
    model_say(m, CHAT_EVENT, "creating the benchmark database %s", m->session.plan.database);
    buf_puts(&q, "CREATE DATABASE ");
    quote_ident(&q, m->session.plan.database);
    m->fl.now.loaded_now = true;
    control_sql(m, PREP_DB_CREATE, buf_text(&q), true, fx);
    buf_clear(&q);
}

static void load_begin(struct model *m, bool fresh, struct effects *fx);

static void db_mark_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    bool marked = ev->rows && rows_text(ev->rows, 0, "mark") != NULL;
    int64_t tables = ev->rows ? rows_int64(ev->rows, 0, "tables", 0) : 0;

    if (marked) {
        bench_sql(m, PREP_DB_MARKED, flow_bloat_mark_sql, false, fx);
    } else if (tables > 0) {
        struct err e = {0};
        err_set(&e, ERR_REFUSED, "database %s exists and was not made by this program",
                m->session.plan.database);
        err_detail(&e, "It has %lld tables and no mark of ours; nothing was written to it.",
                   (long long)tables);
        err_hint(&e, "Rename or drop it, or give scripts of your own with --script.");
        fail(m, &e, "the benchmark database", fx);
    } else {
        load_begin(m, true, fx);
    }
}

/* Takes the next statement of a load file: text up to a line that ends in ';', without comments. */
static bool next_statement(struct buf *pending, struct buf *out)
{
    while (pending->len > 0) {
        const char *text = buf_text(pending);
        size_t n = strcspn(text, "\n");
        size_t end = n;

        while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\r'))
            end--;
        bool comment = strncmp(text, "--", 2) == 0 || end == 0;
        bool last = end > 0 && text[end - 1] == ';';
        if (!comment) {
            buf_append(out, text, last ? end - 1 : end);
            buf_putc(out, '\n');
        }
        buf_consume(pending, n + (text[n] == '\n'));
        if (!comment && last)
            return true;
    }
    return out->len > 0;
}

static void load_next(struct model *m, struct effects *fx)
{
    struct buf stmt = {0};

    m->fl.at++;
    if (next_statement(&m->fl.pending, &stmt)) {
        bench_sql(m, PREP_DB_LOAD, buf_text(&stmt), true, fx);
    } else {
        buf_clear(&m->fl.pending);
        links_close(m, CONN_BENCH, fx);
        model_say(m, CHAT_EVENT, "the workload's tables are loaded");
        m->fl.step = PREP_REFRESH;
        if (flow_bloat_loaded(m, fx)) /* as it was before */
            discover_refresh(&m->discover, &m->server, fx);
        else /* the new database's size counts */
            discover_start(&m->discover, &m->server, fx);
    }
    buf_clear(&stmt);
}

/* At no moment the tables are there without a mark: a load that was cut off is known for ours, and begun anew. */
static const char mark_sql[] = BLOAT_MARK_SQL ";\n";
static const char place_sql[] = "SET search_path = public;\nSET default_tablespace = '';\n";

/* fresh: it has no tables yet; else ours are dropped. */
static void load_begin(struct model *m, bool fresh, struct effects *fx)
{
    const struct asset *schema = asset_find("demo/schema.sql"), *load = asset_find("demo/load.sql");

    model_say(m, CHAT_EVENT, "loading the tables of the built-in workload");
    m->fl.now.loaded_now = true;
    m->fl.at = 0;
    flow_bloat_load_begins(m);
    buf_clear(&m->fl.pending);
    buf_puts(&m->fl.pending, fresh ? mark_sql : flow_bloat_drop_sql);
    buf_puts(&m->fl.pending, place_sql);
    if (schema)
        buf_append(&m->fl.pending, schema->data, schema->size);
    buf_putc(&m->fl.pending, '\n');
    if (load)
        buf_append(&m->fl.pending, load->data, load->size);
    buf_puts(&m->fl.pending, flow_bloat_loaded_sql);
    load_next(m, fx);
}

void flow_prepare_renew(struct model *m, struct effects *fx)
{
    load_begin(m, false, fx);
}

/* ---- EXPLAIN ---- */

static void explain_connect(struct model *m, struct effects *fx)
{
    m->session.nplans = 0;
    m->fl.now.nplan_script = m->fl.now.nplan_at = 0;
    double share = m->session.plan.budget_s / EXPLAIN_SHARE;
    m->fl.now.explain_until_us =
        m->now_us + (int64_t)(fmax(EXPLAIN_LEAST_S, fmin(share, EXPLAIN_MOST_S)) * 1e6);
    m->fl.step = PREP_EXPLAIN_CONNECT;
    m->fl.waiting++;
    links_open(m, CONN_QUESTIONS, m->session.plan.database, fx);
}

void flow_explain(struct model *m, struct effects *fx)
{
    flow_enter(m, FLOW_PREPARE);
    m->fl.step = PREP_REFRESH;
    discover_refresh(&m->discover, &m->server, fx);
}

/* What was in force when an interrupted session was looked at is not any more: the best state is, since it was resumed. */
static void explain_begin(struct model *m, struct effects *fx)
{
    if (m->session.loaded)
        flow_explain(m, fx);
    else
        explain_connect(m, fx);
}

static bool at_the_gate(struct model *m, struct effects *fx);

bool flow_prepare_pump(struct model *m, struct effects *fx)
{
    if (m->flow == FLOW_PREPARE && m->fl.step == PREP_HYPO && !hypo_busy(m))
        m->fl.step = PREP_GATE;
    if (m->flow == FLOW_PREPARE && m->fl.step == PREP_GATE)
        return at_the_gate(m, fx);
    if (m->flow == FLOW_PREPARE && m->fl.step == PREP_PGBENCH && m->place.state == PLACE_KNOWN) {
        if (m->fl.now.cancel)
            flow_settle(m, &m->session.best, fx);
        else
            place_known(m, fx);
        return true;
    }
    if (m->flow != FLOW_PREPARE || m->fl.step != PREP_REFRESH ||
        (m->discover.state != DISCOVER_DONE && m->discover.state != DISCOVER_FAILED))
        return false;
    flow_keep_identity(m);
    if (m->fl.now.cancel)
        flow_settle(m, &m->session.best, fx);
    else if (m->session.origin.reverts)
        flow_revert_review(m, fx);
    else
        explain_connect(m, fx);
    return true;
}

static void prepared(struct model *m, struct effects *fx)
{
    links_close(m, CONN_QUESTIONS, fx);
    m->fl.step = hypo_begin(m, fx) ? PREP_HYPO : PREP_GATE; /* flow_prepare_pump() goes on */
}

static bool at_the_gate(struct model *m, struct effects *fx)
{
    struct err e = {0};
    enum watch_gate gate = flow_watch_gate(m, &e);

    if (m->fl.now.cancel) {
        flow_settle(m, &m->session.best, fx);
        return true;
    }
    if (gate == WATCH_GATE_WAIT)
        return false;
    if (gate == WATCH_GATE_SHUT) {
        fail(m, &e, "the first run", fx);
        return true;
    }
    if (flow_manual_go_on(m, fx))
        return true;
    if (isnan(m->session.baseline_tps))
        flow_baseline_begin(m, fx);
    else if (!(m->session.target.tps > 0)) /* interrupted before it was set */
        flow_target_ask(m, fx);
    else if (!flow_confirmed_before(m, fx))
        flow_rounds(m, fx);
    return true;
}

static void explain_next(struct model *m, struct effects *fx)
{
    struct buf q = {0};
    int64_t left_ms = (m->fl.now.explain_until_us - m->now_us) / 1000;

    buf_puts(&q, "EXPLAIN (ANALYZE, BUFFERS) ");
    while (left_ms > 0 && m->fl.now.nplan_script < m->session.plan.nscripts &&
           m->session.nplans < PLANS_MAX) {
        if (script_select(m->fl.script_text[m->fl.now.nplan_script], m->fl.now.nplan_at, 1, &q)) {
            m->fl.now.nplan_at++;
            m->fl.step = PREP_EXPLAIN;
            fx_sql(fx, flow_req(m), CONN_QUESTIONS, buf_text(&q),
                   left_ms < EXPLAIN_MS ? (int)left_ms : EXPLAIN_MS);
            buf_clear(&q);
            return;
        }
        m->fl.now.nplan_script++;
        m->fl.now.nplan_at = 0;
    }
    buf_clear(&q);
    prepared(m, fx);
}

static void explain_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct plan_facts *p = &m->session.plans[m->session.nplans];
    struct buf text = {0};

    if (ev->rows && ev->rows->ncols == 1) {
        for (int i = 0; i < ev->rows->nrows; i++) {
            const char *line = ev->rows->cells[i];
            buf_puts(&text, line ? line : "");
            buf_putc(&text, '\n');
        }
        memset(p, 0, sizeof *p);
        plan_parse(buf_text(&text), p);
        text_copy(p->script, sizeof p->script,
                  m->session.plan.scripts[m->fl.now.nplan_script].name);
        p->at = m->fl.now.nplan_at - 1;
        if (p->valid)
            m->session.nplans++;
        buf_clear(&text);
    }
    explain_next(m, fx);
}

/* ---- dispatch ---- */

static void explain_set(struct model *m, struct effects *fx)
{
    m->fl.step = PREP_EXPLAIN_SET;
    fx_sql(fx, flow_req(m), CONN_QUESTIONS, "SET default_transaction_read_only = on", SQL_MS);
}

static void ask_shown(struct model *m, struct effects *fx)
{
    m->fl.step = PREP_SHOWN;
    fx_sql(fx, flow_req(m), CONN_QUESTIONS,
           "SELECT name, pg_catalog.current_setting(name) AS shown FROM pg_catalog.pg_settings "
           "WHERE context <> 'internal'",
           SQL_MS);
}

/* The role or the database of the workload may have values of its own, or lack those of our session: what differs is what
 * the summary calls "from". Before the baseline nothing of ours is in force. */
static void shown_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    for (int i = 0; ev->rows && i < ev->rows->nrows; i++) {
        const char *name = rows_text(ev->rows, i, "name"), *shown = rows_text(ev->rows, i, "shown");
        const struct setting *v = name ? settings_find(&m->server.settings, name) : NULL;
        if (v && shown && strcmp(shown, v->shown) != 0 && knob_find(name))
            session_remember_first(&m->session, name, shown);
    }
    explain_set(m, fx);
}

static void link_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    bool up = ev->kind == EV_PG_UP;

    if (m->fl.step == PREP_DB_CONNECT && ev->u.pg.conn == CONN_BENCH) {
        if (up) {
            bench_sql(
                m, PREP_DB_MARK,
                "SELECT pg_catalog.to_regclass('public.pg_diagnose_meta')::text AS mark, "
                "(SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
                "n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public') AS tables",
                false, fx);
        } else {
            fail(m, &ev->err, "connecting to the benchmark database", fx);
        }
    } else if (m->fl.step == PREP_EXPLAIN_CONNECT && ev->u.pg.conn == CONN_QUESTIONS) {
        if (up) {
            if (isnan(m->session.baseline_tps))
                ask_shown(m, fx);
            else
                explain_set(m, fx);
        } else { /* plans are a help, not a need */
            prepared(m, fx);
        }
    }
}

static void observe_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = {0};

    if (flow_observe_probed(m, ev, &e))
        explain_begin(m, fx);
    else
        fail(m, &e, "observing the server", fx);
}

static bool step_failed(const struct event *ev)
{
    return ev->err.code != ERR_NONE;
}

static void load_failed(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = ev->err;

    buf_clear(&m->fl.pending);
    switch (flow_bloat_load_failed(m, &e, m->fl.at == 1, fx)) {
    case BLOAT_FAILED_TAKEN:
        break;
    case BLOAT_FAILED_SOFT:
        links_close(m, CONN_BENCH, fx);
        explain_begin(m, fx);
        break;
    case BLOAT_FAILED_HARD:
        if (!e.hint[0])
            err_hint(&e, "Its tables are not whole: the next session loads them anew. Where that "
                         "fails again, drop the database; it is then made anew.");
        fail(m, &e, "the benchmark database", fx);
        break;
    }
}

void flow_prepare_event(struct model *m, const struct event *ev, struct effects *fx)
{
    bool link = ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN;

    if (flow_bloat_event(m, ev, fx))
        return;
    if (link && !m->fl.now.cancel) {
        link_answer(m, ev, fx);
        return;
    }
    if ((!link && !flow_waits(m, ev)) || ev->kind == EV_CHILD_UP)
        return;
    if (m->fl.now.cancel) {
        buf_clear(&m->fl.pending);
        links_close(m, CONN_BENCH, fx);
        links_close(m, CONN_QUESTIONS, fx);
        flow_settle(m, &m->session.best, fx);
        return;
    }
    enum prepare_step step = (enum prepare_step)m->fl.step;
    bool tolerant = (step >= PREP_SCRIPT_COPY && step <= PREP_PGBENCH) || step >= PREP_SHOWN;
    if (step_failed(ev) && step == PREP_DB_LOAD) {
        load_failed(m, ev, fx);
        return;
    }
    if (step_failed(ev) && !tolerant) {
        fail(m, &ev->err, step < PREP_SCRIPT_COPY ? "saving the session" : "the benchmark database",
             fx);
        return;
    }
    switch (step) {
    case PREP_DIR_BENCH:
        mkdir_step(m, PREP_DIR_SERIES, "telemetry", fx);
        break;
    case PREP_DIR_SERIES:
        mkdir_step(m, PREP_DIR_SCRIPTS, "scripts", fx);
        break;
    case PREP_DIR_SCRIPTS:
        m->fl.step = PREP_SAVE;
        flow_save(m, true, fx);
        break;
    case PREP_SAVE:
        m->fl.at = 0;
        if (m->session.origin.reverts) {
            m->fl.step = PREP_REFRESH;
            discover_refresh(&m->discover, &m->server, fx);
        } else if (m->session.plan.observe) {
            m->fl.step = PREP_OBSERVE;
            flow_observe_probe(m, fx);
        } else {
            next_script(m, fx);
        }
        break;
    case PREP_OBSERVE:
        observe_answer(m, ev, fx);
        break;
    case PREP_SCRIPT_COPY:
    case PREP_SCRIPT_READ:
    case PREP_SCRIPT_LOOK:
    case PREP_SCRIPT_SAVE:
        script_answer(m, ev, fx);
        break;
    case PREP_PGBENCH:
        pgbench_answer(m, ev, fx);
        break;
    case PREP_DB_EXISTS:
        db_exists_answer(m, ev, fx);
        break;
    case PREP_DB_CREATE:
        bench_connect(m, fx);
        break;
    case PREP_DB_MARK:
        db_mark_answer(m, ev, fx);
        break;
    case PREP_DB_MARKED: {
        const char *w = ev->rows ? rows_text(ev->rows, 0, "workload") : NULL;
        if (w && strcmp(w, "shop-1") == 0 && !flow_bloat_marked(m, ev->rows, fx)) {
            links_close(m, CONN_BENCH, fx);
            explain_begin(m, fx);
        } else {
            load_begin(m, false, fx);
        }
        break;
    }
    case PREP_DB_LOAD:
        load_next(m, fx);
        break;
    case PREP_SHOWN:
        shown_answer(m, ev, fx);
        break;
    case PREP_EXPLAIN_SET:
        explain_next(m, fx);
        break;
    case PREP_EXPLAIN:
        explain_answer(m, ev, fx);
        break;
    case PREP_REFRESH:
    case PREP_DB_CONNECT:
    case PREP_EXPLAIN_CONNECT:
    case PREP_HYPO:
    case PREP_GATE:
        break; /* answered by link events */
    }
}
