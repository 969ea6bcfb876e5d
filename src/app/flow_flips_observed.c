/* flow_flips_observed.c - which statements of observed traffic are explained under both arms of a round, and how; flow_flips.c asks.
 *
 * Planning runs code: that of functions and operators that the statement names, with the rights of who plans. So the rule of
 * view_plan.c holds without anybody to ask: a statement is planned only where it is the session user's own, that is, where that role
 * runs the same code anyway, and where its plan takes no lock above ACCESS SHARE. The others are counted and said. Nothing is
 * executed: EXPLAIN for any values of the parameters (GENERIC_PLAN, before PostgreSQL 16 a prepared statement with a forced generic
 * plan), in a read-only session with short limits. */
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/view_plan.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/discovery/plan.h"
#include "pgd/runner/derive.h"
#include "pgd/runner/observe.h"

enum { IDS_MAX = 2 * FLIP_STATEMENTS_MAX };

bool flow_flips_observed_sql(const struct model *m, struct buf *out)
{
    const struct observe *o = m->bench.observe;

    if (!o || o->source.form == 0 || o->nwatched == 0)
        return false;
    buf_puts(
        out,
        "SELECT DISTINCT ON (w.at) w.id AS id, s.query AS query, s.userid = me.oid AS own FROM ");
    quote_ident(out, o->source.schema);
    buf_puts(out, ".pg_stat_statements(true) AS s JOIN pg_catalog.pg_roles AS me ON me.rolname = "
                  "session_user JOIN unnest(ARRAY[");
    for (int i = 0; i < o->nwatched && i < IDS_MAX; i++)
        buf_printf(out, "%s%lld", i ? "," : "", (long long)o->watched[i]);
    buf_puts(out, "]::bigint[]) WITH ORDINALITY AS w(id, at) ON w.id = s.queryid WHERE s.dbid = "
                  "(SELECT oid FROM pg_catalog.pg_database WHERE datname = ");
    quote_literal(out, m->session.plan.database);
    buf_puts(out, ") ORDER BY w.at, own DESC");
    return true;
}

/* One that may be planned, as the server reads it. */
static bool take(const char *query, struct flip_sources *s)
{
    struct buf readable = {0};
    char why[160];
    bool fits = false;

    if (plan_possible(query) && !derive_may_lock(query)) {
        int parameters = derive_readable(query, &readable, why);
        fits = parameters >= 0 && readable.len > 0 && readable.len < FLIP_TEXT_MAX;
        if (fits) {
            text_copy_raw(s->text[s->n], sizeof s->text[0], buf_text(&readable));
            s->parameters[s->n++] = parameters;
        }
    }
    buf_clear(&readable);
    return fits;
}

void flow_flips_observed_read(const struct rows *r, struct flip_sources *s)
{
    memset(s, 0, sizeof *s);
    s->asked = true;
    for (int i = 0; r && i < r->nrows && s->n < FLIP_STATEMENTS_MAX; i++) {
        const char *query = rows_text(r, i, "query");
        if (!rows_bool(r, i, "own", false))
            s->others++;
        else if (!query || !take(query, s))
            s->left_out++;
    }
}

void flow_flips_observed_name(const struct flip_sources *s, int i, char *dst, size_t size)
{
    char text[72];

    text_copy(text, sizeof text, s->text[i]);
    snprintf(dst, size, "%s%s", text, strlen(s->text[i]) >= sizeof text ? "\xe2\x80\xa6" : "");
}

void flow_flips_observed_say(struct model *m)
{
    const struct flip_sources *s = &m->fl.now.flip_sources;

    if (s->others > 0)
        model_say(m, CHAT_EVENT,
                  "plans are compared for %d statement%s of the traffic; %d of other roles %s not "
                  "planned, since planning can run their code",
                  s->n, s->n == 1 ? "" : "s", s->others, s->others == 1 ? "is" : "are");
    else if (s->n > 0)
        model_say(m, CHAT_EVENT, "plans are compared for %d statement%s of the traffic", s->n,
                  s->n == 1 ? "" : "s");
}
