/* sqllog.c - see sqllog.h. The list is bounded, and so is each statement. */
#include "pgd/app/sqllog.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/app/readonly.h"
#include "pgd/base/clock.h"
#include "pgd/base/secret.h"

static void take(struct sql_log *l, const struct effect *e, int64_t wall_us)
{
    struct sql_sent *row;
    size_t n = strlen(e->text);

    if (l->n == SQL_LOG_MAX) {
        free(l->rows[0].text);
        memmove(l->rows, l->rows + 1, (SQL_LOG_MAX - 1) * sizeof l->rows[0]);
        l->n--;
    }
    row = &l->rows[l->n++];
    row->wall_us = wall_us;
    row->conn = e->u.pg.conn;
    row->text = xstrdup(e->text);
    secret_redact(row->text); /* of the whole: a secret that is cut in two is not seen as one */
    if (n > SQL_TEXT_MAX)
        row->text[SQL_TEXT_MAX] = '\0';
}

void sqllog_note(struct model *m, const struct effects *fx)
{
    for (size_t i = 0; i < fx->n; i++) {
        const struct effect *e = &fx->items[i];
        if (e->kind == FX_PG_QUERY && e->text && e->req.owner != OWNER_TELEMETRY &&
            (e->req.owner != OWNER_VIEWS || e->changes_server || e->u.pg.conn == CONN_PLAN) &&
            (!m->opt.readonly || readonly_allows(e) || (m->opt.ends && readonly_ends(e))))
            take(&m->sql_log, e, m->wall_us);
    }
}

void sqllog_page(const struct model *m, int n, struct buf *out)
{
    static const char *const links[] = {
        [CONN_CONTROL] = "control", [CONN_TELEMETRY] = "telemetry", [CONN_QUESTIONS] = "questions",
        [CONN_BENCH] = "benchmark", [CONN_FACTS] = "facts",         [CONN_VIEWS] = "views",
        [CONN_PLAN] = "plan"};
    const struct sql_log *l = &m->sql_log;

    buf_puts(out, l->n ? "The newest first; the ticks of telemetry and views are left out.\n"
                       : "Nothing was sent yet but the ticks of telemetry and views.\n");
    for (int i = l->n - 1; i >= 0 && i >= l->n - n; i--) {
        const struct sql_sent *s = &l->rows[i];
        char when[40];
        clock_iso(s->wall_us, when, sizeof when);
        buf_printf(out, "\n# %s  %s\n%s\n", when, links[s->conn], s->text);
    }
}
