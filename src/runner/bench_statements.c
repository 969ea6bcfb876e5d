/* The statements of a run: what pg_stat_statements counted before it, and after it. Nothing is reset: the counters are
 * everybody's. Where the view cannot be read, the run goes without, and the first look says why. */
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"
#include "pgd/runner/bench_parts.h"

enum { STATEMENTS_MS = 2000 };

enum { ASK_NOTHING, ASK_PROBE, ASK_BEFORE, ASK_AFTER, ASK_NAMES };

void bench_statements_forget(struct bench *b)
{
    free(b->before);
    b->before = NULL;
    b->nbefore = 0;
    b->asking = ASK_NOTHING;
}

static void ask(struct bench *b, int what, const char *sql, struct req req, struct effects *fx)
{
    fx_sql(fx, req, CONN_CONTROL, sql, STATEMENTS_MS);
    b->asking = what;
}

static void ask_steps(struct bench *b, int what, const struct buf *sql, struct req req,
                      struct effects *fx)
{
    struct buf steps = {0};
    extension_call_sql(b->statements.schema, false, buf_text(sql), &steps);
    ask(b, what, buf_text(&steps), req, fx);
    fx_several(fx);
    buf_clear(&steps);
}

static void ask_snapshot(struct bench *b, int what, struct req req, struct effects *fx)
{
    struct buf sql = {0};
    statements_sql(&b->statements, &sql);
    ask_steps(b, what, &sql, req, fx);
    buf_clear(&sql);
}

bool bench_statements_ask(struct bench *b, struct req req, struct effects *fx)
{
    const struct asset *probe = asset_find("sql/observe_probe.sql");
    int last = b->asking;
    b->asking = ASK_NOTHING;
    if (b->run.warmup || last == ASK_BEFORE || !probe)
        return false;
    if (strcmp(b->statements.database, b->plan.database) != 0) {
        ask(b, ASK_PROBE, (const char *)probe->data, req, fx);
        return true;
    }
    if (b->statements.form == 0)
        return false;
    ask_snapshot(b, ASK_BEFORE, req, fx);
    return true;
}

void bench_statements_before(struct bench *b, const struct event *ev)
{
    bool ok = ev->err.code == ERR_NONE && ev->rows;
    if (b->asking == ASK_PROBE) {
        statements_probe(ok ? ev->rows : NULL, b->plan.database, &b->statements, b->statements_note,
                         sizeof b->statements_note);
        b->nnames = 0;
    } else if (b->asking == ASK_BEFORE && ok) {
        b->before = statements_read(ev->rows, &b->nbefore);
    }
}

/* Which of the run's statements have no name yet. */
static int unnamed(const struct bench *b, int64_t *ids)
{
    int n = 0;
    for (int i = 0; i < b->run.nstatements; i++) {
        int at = 0;
        while (at < b->nnames && b->names[at].id != b->run.statements[i].id)
            at++;
        if (at == b->nnames)
            ids[n++] = b->run.statements[i].id;
    }
    return b->nnames + n <= STATEMENT_NAMES_MAX ? n : 0;
}

bool bench_statements_ask_after(struct bench *b, struct req req, struct effects *fx)
{
    int last = b->asking;
    int64_t ids[STATEMENTS_KEPT];
    struct buf sql = {0};
    b->asking = ASK_NOTHING;
    if (b->before) {
        ask_snapshot(b, ASK_AFTER, req, fx);
        return true;
    }
    int n = last == ASK_AFTER ? unnamed(b, ids) : 0;
    if (n == 0)
        return false;
    statements_names_sql(&b->statements, ids, n, &sql);
    ask_steps(b, ASK_NAMES, &sql, req, fx);
    buf_clear(&sql);
    return true;
}

static void take_after(struct bench *b, const struct rows *rows)
{
    int n = 0;
    struct statement_run *after = statements_read(rows, &n);
    free(b->run.statements);
    b->run.statements = statements_diff(b->before, b->nbefore, after, n, &b->run.nstatements);
    free(after);
}

void bench_statements_after(struct bench *b, const struct event *ev)
{
    bool ok = ev->err.code == ERR_NONE && ev->rows;
    int what = b->asking;
    if (what == ASK_AFTER && ok)
        take_after(b, ev->rows);
    else if (what == ASK_NAMES && ok)
        statements_names_read(ev->rows, b->names, &b->nnames, STATEMENT_NAMES_MAX);
    bench_statements_forget(b);
    b->asking = what;
}
