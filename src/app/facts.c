/* facts.c - see facts.h. One look-up after the other over a connection of their own, so that neither a run nor the flow's own
 * look-ups wait for them. Its session is read-only and has its time limits from the first statement on; each statement is sent by
 * the extended protocol, which takes one statement and no second. */
#include "pgd/app/facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/links.h"
#include "pgd/base/quote.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"
#include "pgd/discovery/plan.h"

enum { LOOK_UP_MS = 3000, ALL_MS = 12000, ROWS_MAX = 20, STATEMENT_MAX = 4000 };

enum step {
    STEP_NAME,      /* the next name */
    STEP_LINK,      /* CONN_FACTS is being opened */
    STEP_LIMITS,    /* … and its session is made read-only */
    STEP_ANSWER,    /* the answer is the fact */
    STEP_SCHEMA,    /* in which schema is pg_stat_statements? */
    STEP_STATEMENT, /* the text of the statement that is to be explained */
    STEP_PATH,      /* names in it mean what they mean to our role */
    STEP_PLAN       /* its plan is the fact; the session ends with it */
};

/* ---- what becomes of a name ---- */

static void keep(struct model *m, const char *text, bool missing)
{
    struct talk *t = &m->talk;
    struct asked_fact *f;

    if (t->nfacts < FACTS_MAX) {
        f = &t->facts[t->nfacts++];
        memset(f, 0, sizeof *f);
        text_copy(f->name, sizeof f->name, t->wants[t->at]);
        f->missing = missing;
        f->text = xcalloc(1, FACT_TEXT_MAX + 1);
        text_copy_raw(f->text, FACT_TEXT_MAX + 1, text);
        secret_redact(f->text);
    }
    t->at++;
    t->step = STEP_NAME;
}

/* The values of these may be secrets, or hold some. */
static bool is_secret(const char *name)
{
    return strstr(name, "conninfo") || strstr(name, "passphrase") || strstr(name, "_command") ||
           strstr(name, "password");
}

/* A row a paragraph, "column: value" a line. */
static void rows_lines(const struct rows *r, struct buf *out)
{
    for (int i = 0; r && i < r->nrows && i < ROWS_MAX && out->len < FACT_TEXT_MAX; i++) {
        for (int c = 0; c < r->ncols; c++) {
            const char *cell = r->cells[i * r->ncols + c];
            if (cell && *cell)
                buf_printf(out, "%s: %s\n", r->names[c], cell);
        }
        if (i + 1 < r->nrows)
            buf_putc(out, '\n');
    }
}

/* ---- facts without SQL ---- */

/* "10m", "90s", "2h" or seconds; 0 = none of them. */
static int window_seconds(const char *arg)
{
    char *end = NULL;
    long n = strtol(arg, &end, 10);

    if (end == arg || n < 1 || n > 100000)
        return 0;
    n *= *end == 'h' ? 3600 : *end == 'm' ? 60 : 1;
    return n > SERIES_MINUTES * 60 ? SERIES_MINUTES * 60 : (int)n;
}

struct stretch {
    double min, max, sum, newest;
    int n;
};

static void stretch_add(struct stretch *s, double low, double mean, double high)
{
    if (!isfinite(mean))
        return;
    s->min = s->n == 0 || low < s->min ? low : s->min;
    s->max = s->n == 0 || high > s->max ? high : s->max;
    s->sum += mean;
    s->newest = mean;
    s->n++;
}

/* The last seconds by the second, or, where that is too far back, by the minute. */
static void stretch_of(const struct series *s, int seconds, struct stretch *out)
{
    double values[SERIES_SECONDS];
    int n;

    memset(out, 0, sizeof *out);
    if (seconds <= SERIES_SECONDS) {
        n = series_last(s, seconds, values);
        for (int i = 0; i < n; i++)
            stretch_add(out, values[i], values[i], values[i]);
        return;
    }
    n = seconds / 60 < s->minute_count ? seconds / 60 : s->minute_count;
    for (int i = 0; i < n; i++) {
        const struct rollup *r =
            &s->minute[(s->minute_head - n + i + SERIES_MINUTES) % SERIES_MINUTES];
        stretch_add(out, (double)r->min, (double)r->mean, (double)r->max);
    }
}

static void telemetry(struct model *m, const char *arg)
{
    struct buf out = {0};
    int seconds = window_seconds(arg);

    if (!seconds) {
        keep(m, "the window is a number of seconds, or of minutes or hours: 10m", true);
        return;
    }
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric *info = metric_info((enum metric_id)id);
        struct stretch s;
        stretch_of(&m->collect.series[id], seconds, &s);
        if (s.n > 0)
            buf_printf(&out, "%s: mean %.4g%s, least %.4g, most %.4g, newest %.4g (%d values)\n",
                       info->name, s.sum / s.n, info->unit, s.min, s.max, s.newest, s.n);
    }
    for (int i = 0; i < m->collect.nrecent_waits; i++)
        buf_printf(&out, "wait %s: %.0f %% of the active sessions\n",
                   m->collect.recent_waits[i].event, m->collect.recent_waits[i].share * 100);
    keep(m, out.len ? buf_text(&out) : "nothing has been sampled yet", out.len == 0);
    buf_clear(&out);
}

static void past_round(struct model *m, const char *arg)
{
    const struct session *s = &m->session;
    struct buf out = {0};
    int64_t number = 0;

    for (int i = 0; text_int64(arg, &number) && i < s->nhistory; i++) {
        const struct round_history *h = &s->history[i];
        if (h->number != number)
            continue;
        buf_printf(&out, "round %d: %s\n", h->number,
                   h->failed ? "could not be applied" : verdict_name(h->verdict.kind));
        if (isfinite(h->verdict.ratio))
            buf_printf(&out, "effect: %+.1f %% (95 %% interval %+.1f to %+.1f), %d and %d runs\n",
                       (h->verdict.ratio - 1) * 100, (h->verdict.ci_lo - 1) * 100,
                       (h->verdict.ci_hi - 1) * 100, h->verdict.runs_a, h->verdict.runs_b);
        if (isfinite(h->verdict.tps_b))
            buf_printf(&out, "TPS: %.1f with, %.1f without\n", h->verdict.tps_b, h->verdict.tps_a);
        buf_printf(&out, "kept: %s\n", h->kept ? "yes" : "no");
        for (int c = 0; c < h->n; c++)
            buf_printf(&out, "change: %s = %s (%s)\n", h->changes[c].name,
                       h->changes[c].reset ? "reset" : h->changes[c].value, h->changes[c].evidence);
        buf_printf(&out, "said of it: %s\n", s->said[i].text);
    }
    keep(m, out.len ? buf_text(&out) : "there is no such round in this session", out.len == 0);
    buf_clear(&out);
}

/* A statement of the workload, by its script: what EXPLAIN said when the session began. False: none of that name. */
static bool known_plan(struct model *m, const char *arg)
{
    struct buf out = {0};

    for (int i = 0; i < m->session.nplans; i++) {
        const struct plan_facts *p = &m->session.plans[i];
        if (!p->valid || strcmp(p->script, arg) != 0)
            continue;
        buf_printf(&out,
                   "statement: %s\ncost: %.0f, executed in %.2f ms, planned in %.2f ms\n"
                   "sequential scans: %.0f (most rows thrown away: %.0f, of %s %s)\n"
                   "index scans: %.0f, sorts: %.0f (on disk %.0f kB), hashes: %.0f (batches %.0f)\n"
                   "estimate off by a factor of %.1f; blocks read %.0f, hit %.0f, temp %.0f\n\n",
                   p->query, p->total_cost, p->exec_ms, p->plan_ms, p->seq_scans,
                   p->seq_scan_rows_removed, p->seq_scan_rel, p->seq_scan_filter, p->index_scans,
                   p->sorts, p->sort_disk_kb, p->hashes, p->hash_batches, p->worst_misestimate,
                   p->shared_read, p->shared_hit, p->temp_written);
    }
    bool known = out.len > 0;
    if (known)
        keep(m, buf_text(&out), false);
    buf_clear(&out);
    return known;
}

/* ---- facts by SQL ---- */

static void send(struct model *m, enum step step, const char *sql, struct effects *fx)
{
    struct talk *t = &m->talk;

    t->step = (int)step;
    fx_sql(fx, (struct req){OWNER_TALK, t->generation, ++t->waiting}, CONN_FACTS, sql, LOOK_UP_MS);
}

static void ask_setting(struct model *m, const char *arg, struct effects *fx)
{
    struct buf sql = {0};

    if (!settings_find(&m->server.settings, arg)) {
        keep(m, "this server has no setting of that name", true);
        return;
    }
    buf_printf(&sql,
               "SELECT name, %s AS value, unit, %s AS shown, context, vartype, min_val, max_val, "
               "enumvals::text, boot_val, source, pending_restart, short_desc "
               "FROM pg_catalog.pg_settings WHERE name = ",
               is_secret(arg) ? "CASE WHEN setting = '' THEN '' ELSE '(set)' END" : "setting",
               is_secret(arg) ? "NULL" : "pg_catalog.current_setting(name)");
    quote_literal(&sql, arg);
    send(m, STEP_ANSWER, buf_text(&sql), fx);
    buf_clear(&sql);
}

static void ask_table(struct model *m, const char *arg, struct effects *fx)
{
    char schema[64] = "", name[64];
    const char *dot = strchr(arg, '.');
    struct buf sql = {0};

    if (dot)
        snprintf(schema, sizeof schema, "%.*s", (int)(dot - arg < 63 ? dot - arg : 63), arg);
    text_copy_raw(name, sizeof name, dot ? dot + 1 : arg);
    buf_puts(
        &sql,
        "SELECT n.nspname AS schema, c.relname AS table, c.reltuples::bigint AS rows_estimated, "
        "pg_catalog.pg_relation_size(c.oid) AS bytes, "
        "pg_catalog.pg_total_relation_size(c.oid) AS bytes_with_indexes, c.reloptions::text AS "
        "options, s.seq_scan, s.seq_tup_read, s.idx_scan, s.n_tup_ins, s.n_tup_upd, "
        "s.n_tup_hot_upd, s.n_tup_del, s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze, "
        "extract(epoch FROM pg_catalog.now() - greatest(s.last_vacuum, "
        "s.last_autovacuum))::bigint AS vacuumed_s_ago, "
        "extract(epoch FROM pg_catalog.now() - greatest(s.last_analyze, "
        "s.last_autoanalyze))::bigint AS analyzed_s_ago, "
        "(SELECT pg_catalog.string_agg(a.attname || ' ' || "
        "pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) "
        "FROM (SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum LIMIT 60) a) AS columns, "
        "(SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid), '; ') "
        "FROM (SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = c.oid LIMIT 20) i) "
        "AS indexes "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid "
        "WHERE c.relkind IN ('r', 'p', 'm') AND c.relname = ");
    quote_literal(&sql, name);
    if (schema[0]) {
        buf_puts(&sql, " AND n.nspname = ");
        quote_literal(&sql, schema);
    } else {
        buf_puts(&sql, " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')");
    }
    buf_puts(&sql, " ORDER BY c.relpages DESC LIMIT 2");
    send(m, STEP_ANSWER, buf_text(&sql), fx);
    buf_clear(&sql);
}

static void ask_schema(struct model *m, struct effects *fx)
{
    struct buf sql = {0};

    extension_schema_sql("pg_stat_statements", m->links[CONN_CONTROL].pooled, &sql);
    send(m, STEP_SCHEMA, buf_text(&sql), fx);
    buf_clear(&sql);
}

static void send_steps(struct model *m, enum step step, const char *schema, const struct buf *sql,
                       struct effects *fx)
{
    struct buf steps = {0};

    if (m->links[CONN_CONTROL].pooled) {
        send(m, step, buf_text(sql), fx);
        return;
    }
    extension_call_sql(schema, false, buf_text(sql), &steps);
    send(m, step, buf_text(&steps), fx);
    fx_several(fx);
    buf_clear(&steps);
}

/* "statement ID", "plan ID": first where the extension is. */
static void ask_statement(struct model *m, const char *arg, struct effects *fx)
{
    int64_t id = 0;

    if (!text_int64(arg, &id))
        keep(m, "a statement is named by its queryid, a number", true);
    else
        ask_schema(m, fx);
}

/* Splits "plan 4711"; the argument's blanks are cut off. */
static void split(const char *want, char *word, size_t word_size, char *arg, size_t arg_size)
{
    size_t n = strcspn(want, " ");

    snprintf(word, word_size, "%.*s", (int)(n < word_size ? n : word_size - 1), want);
    text_copy_raw(arg, arg_size, want + n + strspn(want + n, " "));
    for (size_t len = strlen(arg); len > 0 && arg[len - 1] == ' '; len--)
        arg[len - 1] = '\0';
}

static void schema_known(struct model *m, const struct rows *r, struct effects *fx)
{
    struct talk *t = &m->talk;
    const char *schema = r ? rows_text(r, 0, "schema") : NULL;
    char word[16], arg[FACT_NAME_MAX];
    struct buf sql = {0};
    int64_t id = 0;

    split(t->wants[t->at], word, sizeof word, arg, sizeof arg);
    if (!schema || !text_int64(arg, &id)) {
        keep(m, "pg_stat_statements has no extension in this database", true);
        return;
    }
    const char *time = m->server.id.version_num >= 130000 ? "exec_time" : "time";
    if (strcmp(word, "plan") == 0) {
        /* Planning may call what is declared immutable: only what our own role has run is explained. */
        buf_puts(&sql, "SELECT query FROM ");
        quote_ident(&sql, schema);
        buf_printf(&sql,
                   ".pg_stat_statements(true) WHERE queryid = %lld AND dbid = (SELECT oid FROM "
                   "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AND "
                   "userid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) "
                   "LIMIT 1",
                   (long long)id);
        send_steps(m, STEP_STATEMENT, schema, &sql, fx);
    } else {
        buf_printf(&sql,
                   "SELECT queryid, sum(calls) AS calls, round(sum(total_%s)::numeric, 1) AS "
                   "total_ms, round((sum(total_%s) / greatest(sum(calls), 1))::numeric, 3) AS "
                   "mean_ms, sum(rows) AS rows, sum(shared_blks_hit) AS blocks_hit, "
                   "sum(shared_blks_read) AS blocks_read, sum(shared_blks_dirtied) AS "
                   "blocks_dirtied, sum(temp_blks_written) AS temp_blocks_written, "
                   "pg_catalog.left(min(query), 2000) AS statement FROM ",
                   time, time);
        quote_ident(&sql, schema);
        buf_printf(&sql, ".pg_stat_statements(true) WHERE queryid = %lld GROUP BY queryid",
                   (long long)id);
        send_steps(m, STEP_ANSWER, schema, &sql, fx);
    }
    buf_clear(&sql);
}

static void explain(struct model *m, const struct rows *r, struct effects *fx)
{
    const char *text = r ? rows_text(r, 0, "query") : NULL;
    bool parameters = text && strchr(text, '$');
    struct talk *t = &m->talk;

    if (!text || !plan_possible(text) || strlen(text) > STATEMENT_MAX) {
        keep(m, "no statement of this number that our role has run, or none with a plan", true);
    } else if (parameters && m->server.id.version_num < 160000) {
        keep(m, "its literals are parameters: their plan can be had from PostgreSQL 16 on", true);
    } else {
        t->statement.len = 0;
        buf_printf(&t->statement, "EXPLAIN (COSTS%s) %s", parameters ? ", GENERIC_PLAN" : "", text);
        send(m, STEP_PATH, "RESET search_path", fx);
    }
}

/* ---- the machine ---- */

static void open_link(struct model *m, struct effects *fx)
{
    const struct session *s = &m->session;
    bool bench = model_run_active(m) && s->plan.database[0] && m->flow != FLOW_PREPARE;

    m->talk.step = STEP_LINK;
    links_open(m, CONN_FACTS, bench ? s->plan.database : m->links[CONN_CONTROL].dbname, fx);
}

static void limits(struct model *m, struct effects *fx)
{
    send(m, STEP_LIMITS,
         "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false), "
         "pg_catalog.set_config('statement_timeout', '2500', false), "
         "pg_catalog.set_config('lock_timeout', '500', false)",
         fx);
}

/* Starts the look-up of the name that is next. True: there is none left. */
static bool next(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;

    while (t->step == STEP_NAME && t->at < t->n) {
        char word[16], arg[FACT_NAME_MAX];
        bool plan, sql;
        split(t->wants[t->at], word, sizeof word, arg, sizeof arg);
        plan = strcmp(word, "plan") == 0;
        sql = plan || strcmp(word, "setting") == 0 || strcmp(word, "table") == 0 ||
              strcmp(word, "statement") == 0;
        if (strcmp(word, "telemetry") == 0)
            telemetry(m, arg);
        else if (strcmp(word, "round") == 0)
            past_round(m, arg);
        else if (!sql)
            keep(m, "facts are: setting, table, statement, plan, telemetry, round", true);
        else if (plan && known_plan(m, arg))
            continue;
        else if (m->links[CONN_CONTROL].state != LINK_UP)
            keep(m, "the server does not answer now", true);
        else if (m->links[CONN_CONTROL].pooled)
            keep(m, "a pooler stands before the server: no session can be made read-only", true);
        else if (m->links[CONN_FACTS].state != LINK_UP)
            open_link(m, fx);
        else if (strcmp(word, "setting") == 0)
            ask_setting(m, arg, fx);
        else if (strcmp(word, "table") == 0)
            ask_table(m, arg, fx);
        else
            ask_statement(m, arg, fx);
    }
    if (t->step == STEP_NAME && t->at >= t->n) {
        facts_drop(m, fx);
        return true;
    }
    return false;
}

bool facts_begin(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;

    t->generation++;
    t->at = 0;
    t->step = STEP_NAME;
    t->until_us = m->now_us + (int64_t)ALL_MS * 1000;
    return next(m, fx);
}

static void give_up(struct model *m, const char *why)
{
    while (m->talk.at < m->talk.n)
        keep(m, why, true);
}

static bool take(struct model *m, const struct event *ev, struct effects *fx)
{
    struct talk *t = &m->talk;
    struct buf out = {0};
    enum step step = (enum step)t->step;

    if (step == STEP_PLAN || ev->err.code != ERR_NONE)
        links_close(m, CONN_FACTS, fx);
    if (ev->err.code != ERR_NONE) {
        buf_printf(&out, "it could not be looked up: %s", ev->err.msg);
        keep(m, buf_text(&out), true);
    } else if (step == STEP_PATH) {
        send(m, STEP_PLAN, buf_text(&t->statement), fx);
    } else if (step == STEP_LIMITS) {
        t->step = STEP_NAME;
    } else if (step == STEP_SCHEMA) {
        schema_known(m, ev->rows, fx);
    } else if (step == STEP_STATEMENT) {
        explain(m, ev->rows, fx);
    } else {
        rows_lines(ev->rows, &out);
        keep(m, out.len ? buf_text(&out) : "there is nothing of that name", out.len == 0);
    }
    buf_clear(&out);
    return next(m, fx);
}

bool facts_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct talk *t = &m->talk;

    if (t->state != TALK_GATHER)
        return false;
    if (ev->kind == EV_PG_UP && t->step == STEP_LINK) {
        limits(m, fx);
        return false;
    }
    if (ev->kind == EV_PG_DOWN) { /* whatever it was: none of the rest can be had either */
        give_up(m, "the server let no further session in");
        return next(m, fx);
    }
    if (ev->kind != EV_PG_RESULT || ev->req.generation != t->generation || ev->req.id != t->waiting)
        return false;
    return take(m, ev, fx);
}

bool facts_tick(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;

    if (t->state != TALK_GATHER || m->now_us < t->until_us)
        return false;
    give_up(m, "it took too long to look it up");
    return next(m, fx);
}

void facts_drop(struct model *m, struct effects *fx)
{
    m->talk.generation++;
    links_close(m, CONN_FACTS, fx);
}
