/* flow_bloat.c - what the runs so far have done to the database that they ran in, looked at before the next comparison: between
 * them, so that both arms of each one read the same data.
 *
 * Our own benchmark database is vacuumed when many of its rows are dead, and loaded anew, by the steps that made it, when it has
 * grown by half (bloat.h has the bounds). The size that it is held against stands in its mark: that of the day it was loaded. A
 * comparison needs no new baseline for that, since both of its arms are measured in it; figures from before the remedy are of
 * other data than those after it, and that is said. The DBA's own database is never touched: there it is said, once for each remedy
 * that it would call for.
 *
 * What cannot be looked at, or has no time left, is left as it is: the comparison is sound all the same. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/text.h"
#include "pgd/runner/bloat.h"

enum { LOOK_MS = 10000, VACUUM_MOST_S = 600, VACUUM_LEAST_S = 10, LOAD_GUESS_S = 60 };

/* What the loading makes. Only where nothing else stands in the database is it ours to vacuum and to load anew: a table, a
 * view or a function that somebody has put there, an extension, an index or a trigger on our tables makes it the DBA's. */
#define OF(what) "'pg_catalog." what "'::pg_catalog.regclass"
#define OUR_TABLES                                                                              \
    "(SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = " \
    "c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname IN "           \
    "('pg_diagnose_meta', 'categories', 'products', 'customers', 'orders', 'order_items', "     \
    "'page_views') AND c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE "         \
    "r.rolname = current_user))"
#define OUR_INDEXES                                                                              \
    "('categories_pkey', 'products_pkey', 'customers_pkey', 'orders_pkey', 'order_items_pkey', " \
    "'products_category', 'customers_email', 'customers_city', 'orders_customer', "              \
    "'orders_time', 'order_items_product', 'page_views_time', 'page_views_customer', "           \
    "'page_views_product')"
/* Their identity columns' sequences stand in the schema as well. */
#define OUR_SEQUENCES                                                                            \
    "(SELECT i.objid FROM pg_catalog.pg_depend AS i WHERE i.classid = " OF(                      \
        "pg_class") " AND i.refclassid = " OF("pg_class") " AND i.deptype = 'i' AND i.refobjid " \
                                                          "IN " OUR_TABLES ")"
/* The first thing that is not ours, NULL = there is none: everything but tables' parts depends on its schema. */
#define NOT_OURS                                                                                                                                                                    \
    "(SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) FROM "                                                                                                   \
    "pg_catalog.pg_depend AS d WHERE (d.refclassid = " OF(                                                                                                                          \
        "pg_namespace") " AND d.refobjid IN (SELECT n.oid FROM pg_catalog.pg_namespace AS n "                                                                                       \
                        "WHERE n.nspname "                                                                                                                                          \
                        "!~ '^pg_' AND n.nspname <> 'information_schema') AND NOT (d.classid "                                                                                      \
                        "= " OF(                                                                                                                                                    \
                            "pg_class") " AND (d.objid IN " OUR_TABLES                                                                                                              \
                                        " OR d.objid IN " OUR_SEQUENCES                                                                                                             \
                                        "))) OR (d.refclassid = " OF(                                                                                                               \
                                            "pg_class") " AND d.refobjid IN " OUR_TABLES                                                                                            \
                                                        " AND (d.classid IN (" OF("pg_rewrite") ", " OF("pg_trigger") ", " OF(                                                      \
                                                            "pg_policy") ", " OF("pg_publication_"                                                                                  \
                                                                                 "rel") ") OR "                                                                                     \
                                                                                        "(d."                                                                                       \
                                                                                        "classid "                                                                                  \
                                                                                        "= " OF(                                                                                    \
                                                                                            "pg_"                                                                                   \
                                                                                            "clas"                                                                                  \
                                                                                            "s") " AND d.objid IN (SELECT x.oid FROM "                                              \
                                                                                                 "pg_catalog.pg_class AS x WHERE x.relkind = 'i' AND x.relname NOT IN " OUR_INDEXES \
                                                                                                 ")))) ORDER BY 1 LIMIT 1)"
#define OUR_BYTES \
    "(SELECT sum(pg_catalog.pg_total_relation_size(o.oid))::float8 FROM " OUR_TABLES " AS o)"
#define LOADED_BYTES \
    "(pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.->>) 'loaded_bytes')::float8 AS loaded_bytes"

const char flow_bloat_mark_sql[] = "SELECT m.workload, " LOADED_BYTES ", " OUR_BYTES
                                   " AS db_bytes, " NOT_OURS
                                   " AS not_ours FROM public.pg_diagnose_meta AS m";

/* The mark says that it is ours and whole. An older one has no size. */
static const char look_sql[] =
    "SELECT " LOADED_BYTES ", " OUR_BYTES " AS db_bytes, " NOT_OURS
    " AS not_ours, t.dead_tuples, t.live_tuples FROM public.pg_diagnose_meta AS m, (SELECT "
    "sum(n_dead_tup) AS dead_tuples, sum(n_live_tup) AS live_tuples FROM "
    "pg_catalog.pg_stat_user_tables) AS t WHERE m.workload = 'shop-1'";

/* In one transaction, with the look at what is ours: a lock that does not come, or a refusal, leaves everything as it was. Without
 * CASCADE: what depends on our tables keeps them. */
const char flow_bloat_drop_sql[] =
    "DO $$ BEGIN PERFORM pg_catalog.set_config('lock_timeout', '5s', true); IF " NOT_OURS
    " IS NOT NULL THEN RAISE EXCEPTION 'it holds what this program has not made: %', " NOT_OURS
    "; END IF; DROP TABLE IF EXISTS public.pg_diagnose_meta, public.order_items, public.orders, "
    "public.page_views, public.customers, public.products, public.categories; " BLOAT_MARK_SQL
    "; END $$;\n";

const char flow_bloat_loaded_sql[] = "\nUPDATE public.pg_diagnose_meta SET workload = 'shop-1', "
                                     "loaded_bytes = " OUR_BYTES ";\n";

static const char *before(const struct model *m)
{
    return isnan(m->session.baseline_tps) ? "baseline"
           : m->fl.now.bloat.confirms     ? "confirmation"
                                          : "round";
}

/* seconds: NAN = nothing was done. */
static void emit(struct model *m, enum bloat_remedy remedy, bool done, double seconds,
                 const char *note, struct effects *fx)
{
    const struct bloat_now *b = &m->fl.now.bloat;
    struct line *l = line_new("bloat");

    line_text(l, "before", before(m));
    line_int(l, "round",
             isnan(m->session.baseline_tps) ? 0 : m->session.rounds_done + !b->confirms);
    line_text(l, "database", m->session.plan.database);
    line_bool(l, "own", m->session.plan.builtin_db);
    line_num(l, "dead_share", b->dead_share);
    line_num(l, "growth", b->growth);
    line_num(l, "bytes", b->bytes);
    line_text(l, "found", b->found);
    line_text(l, "remedy", bloat_remedy_name(remedy));
    line_bool(l, "done", done);
    line_num(l, "seconds", seconds);
    line_text(l, "note", note && *note ? note : NULL);
    flow_emit(m, l, fx);
}

/* ---- the DBA's own database ---- */

static const struct bench_run *valid_run(const struct experiment *x, bool last)
{
    const struct bench_run *found = NULL;

    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && x->runs[i].db_bytes > 0 && (last || !found))
            found = &x->runs[i];
    return found;
}

static void figures(struct bloat_now *b, const struct bench_run *first,
                    const struct bench_run *last)
{
    b->dead_share = bloat_dead_share(last);
    b->growth = bloat_growth(first, last);
    b->bytes = last->db_bytes;
    bloat_text(first, last, b->found, sizeof b->found);
}

static const char left_alone[] = "it is the DBA's own: it is left as it is";

/* what: that is not ours in a database that we have made; NULL = the whole database is another's. */
static void tell_left(struct model *m, enum bloat_remedy remedy, const char *what,
                      struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    char note[200];

    if (!b->found[0] || strcmp(bloat_remedy_name(remedy), b->told) == 0)
        return;
    text_copy(b->told, sizeof b->told, bloat_remedy_name(remedy));
    if (what)
        snprintf(note, sizeof note, "%s (%.100s stands in it)", left_alone, what);
    else
        snprintf(note, sizeof note, "%s", left_alone);
    model_say(m, CHAT_WARN,
              "database %s: %s since %s. %s; what follows is measured on other data than what came "
              "before",
              m->session.plan.database, b->found, what ? "it was loaded" : "the baseline", note);
    emit(m, remedy, false, NAN, note, fx);
}

static void look_at_others(struct model *m, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    const struct session *s = &m->session;
    const struct bench_run *first = valid_run(&s->baseline, false);
    const struct bench_run *last = valid_run(&s->round.experiment, true);

    last = last ? last : valid_run(&s->baseline, true);
    if (!first || !last)
        return;
    figures(b, first, last);
    tell_left(m, bloat_remedy(first, last), NULL, fx);
}

/* ---- our own ---- */

/* The comparison follows, whatever became of this; the report of a round that failed stays on the screen. */
static void over(struct model *m, struct effects *fx)
{
    m->fl.now.bloat.step = BLOAT_NOTHING;
    links_close(m, CONN_BENCH, fx);
    flow_rounds_looked(m, fx);
}

bool flow_bloat_begin(struct model *m, bool no_round, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    const struct session *s = &m->session;
    int number = s->rounds_done + 1;
    bool confirms = s->best.n > 0 && !arm_same(&s->best, &s->start) && !m->fl.now.keep_now;
    double needs = no_round ? flow_confirm_cost(m)
                            : flow_ablate_reserve(m) +
                                  experiment_round_needs(&s->plan, flow_restart_possible(m));

    /* Before a switch that has failed is made good, what was undone may be in force: first the next comparison's own one. */
    if (m->fl.now.arm_unknown)
        return false;
    if (s->plan.observe || m->fl.now.cancel || b->looked == number || (no_round && !confirms))
        return false;
    b->looked = number;
    b->confirms = no_round;
    b->spare_s = flow_seconds_left(m) - needs;
    if (!m->session.plan.builtin_db) {
        look_at_others(m, fx);
        return false;
    }
    flow_enter(m, FLOW_PREPARE);
    b->step = BLOAT_LINK;
    m->fl.waiting++; /* the answer is the link's event */
    links_open(m, CONN_BENCH, m->session.plan.database, fx);
    return true;
}

static void done(struct model *m, enum bloat_remedy remedy, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    double seconds = (double)(m->now_us - b->since_us) / 1e6;
    const char *what = remedy == BLOAT_RENEW ? "loaded anew" : "vacuumed";

    snprintf(b->done, sizeof b->done, "the database was %s before these runs: %.100s", what,
             b->found);
    b->done_before = b->looked;
    model_say(m, CHAT_GOOD, "database %s was %s in %.0f s", m->session.plan.database, what,
              seconds);
    if (isfinite(m->session.baseline_tps))
        model_say(m, CHAT_EVENT,
                  "what was measured before that (baseline %.0f TPS) is of other data; each "
                  "comparison measures both of its sides on what is there now",
                  m->session.baseline_tps);
    emit(m, remedy, true, seconds, "", fx);
    flow_journal(m, "checkpoint", "what", remedy == BLOAT_RENEW ? "renewed" : "vacuumed", fx);
}

static void not_done(struct model *m, enum bloat_remedy remedy, const char *why, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;

    model_say(m, CHAT_WARN, "database %s: %s. %s: %s", m->session.plan.database, b->found,
              remedy == BLOAT_RENEW ? "It is not loaded anew" : "It is not vacuumed", why);
    emit(m, remedy, false, NAN, why, fx);
}

static void vacuum(struct model *m, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    double most = fmin(b->spare_s, VACUUM_MOST_S);

    b->step = BLOAT_VACUUMS;
    model_say(m, CHAT_EVENT, "database %s: %s; it is vacuumed before the next comparison",
              m->session.plan.database, b->found);
    fx_sql(fx, flow_req(m), CONN_BENCH, "VACUUM (ANALYZE)", (int)(most * 1000))->changes_server =
        true;
}

static void renew(struct model *m, struct effects *fx)
{
    m->fl.now.bloat.step = BLOAT_LOAD;
    model_say(m, CHAT_EVENT, "database %s: %s; it is loaded anew before the next comparison",
              m->session.plan.database, m->fl.now.bloat.found);
    flow_prepare_renew(m, fx);
}

static void looked(struct model *m, const struct event *ev, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    const struct bench_run *early = valid_run(&m->session.baseline, false);
    struct bench_run first = {0}, last = {0};
    char why[120];

    if (ev->err.code != ERR_NONE || !ev->rows || ev->rows->nrows != 1) {
        over(m, fx);
        return;
    }
    last.db_bytes = rows_double(ev->rows, 0, "db_bytes", NAN);
    last.dead_tuples = rows_double(ev->rows, 0, "dead_tuples", NAN);
    last.live_tuples = rows_double(ev->rows, 0, "live_tuples", NAN);
    first.db_bytes = rows_double(ev->rows, 0, "loaded_bytes", NAN);
    if (!(first.db_bytes > 0) && !(b->loaded_bytes > 0))
        b->loaded_bytes = early ? early->db_bytes : last.db_bytes;
    if (!(first.db_bytes > 0))
        first.db_bytes = b->loaded_bytes;
    figures(b, &first, &last);
    enum bloat_remedy remedy = bloat_remedy(&first, &last);
    double needs = remedy == BLOAT_VACUUM ? VACUUM_LEAST_S
                   : b->load_s > 0        ? 1.5 * b->load_s
                                          : LOAD_GUESS_S;
    const char *other = rows_text(ev->rows, 0, "not_ours");
    b->since_us = m->now_us;
    if (remedy != BLOAT_FINE && other) {
        tell_left(m, remedy, other, fx);
        over(m, fx);
    } else if (remedy != BLOAT_FINE && b->spare_s < needs) {
        snprintf(why, sizeof why, "that needs %.0f s, and the budget has %.0f s for it", needs,
                 fmax(b->spare_s, 0));
        not_done(m, remedy, why, fx);
        over(m, fx);
    } else if (remedy == BLOAT_RENEW) {
        renew(m, fx);
    } else if (remedy == BLOAT_VACUUM) {
        vacuum(m, fx);
    } else {
        if (b->found[0])
            emit(m, remedy, false, NAN, "", fx);
        over(m, fx);
    }
}

bool flow_bloat_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    bool link = ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN;

    if (b->step == BLOAT_NOTHING || b->step == BLOAT_LOAD)
        return false;
    if (link ? ev->u.pg.conn != CONN_BENCH : !flow_waits(m, ev))
        return true;
    if (m->fl.now.cancel) {
        b->step = BLOAT_NOTHING;
        links_close(m, CONN_BENCH, fx);
        flow_settle(m, &m->session.best, fx);
    } else if (link && ev->kind == EV_PG_DOWN) {
        over(m, fx);
    } else if (link) {
        b->step = BLOAT_LOOK;
        fx_sql(fx, flow_req(m), CONN_BENCH, look_sql, LOOK_MS);
    } else if (b->step == BLOAT_LOOK) {
        looked(m, ev, fx);
    } else {
        if (ev->err.code == ERR_NONE)
            done(m, BLOAT_VACUUM, fx);
        else
            not_done(m, BLOAT_VACUUM, ev->err.msg, fx);
        over(m, fx);
    }
    return true;
}

/* ---- the steps that make it ---- */

bool flow_bloat_marked(struct model *m, const struct rows *r, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    struct bench_run first = {.db_bytes = rows_double(r, 0, "loaded_bytes", NAN)};
    struct bench_run last = {
        .db_bytes = rows_double(r, 0, "db_bytes", NAN), .dead_tuples = NAN, .live_tuples = NAN};
    const char *other = rows_text(r, 0, "not_ours");
    char why[120];

    if (!isnan(m->session.baseline_tps) || bloat_remedy(&first, &last) != BLOAT_RENEW)
        return false;
    figures(b, &first, &last);
    b->confirms = false;
    b->looked = 0;
    b->spare_s = flow_seconds_left(m) -
                 experiment_least_budget(&m->session.plan, flow_restart_possible(m));
    if (other) {
        tell_left(m, BLOAT_RENEW, other, fx);
        return false;
    }
    if (b->spare_s < LOAD_GUESS_S) {
        snprintf(why, sizeof why, "that needs %d s, and the budget has %.0f s for it", LOAD_GUESS_S,
                 fmax(b->spare_s, 0));
        not_done(m, BLOAT_RENEW, why, fx);
        return false;
    }
    b->step = BLOAT_LOAD;
    model_say(m, CHAT_EVENT, "database %s: %s since it was loaded; it is loaded anew",
              m->session.plan.database, b->found);
    return true;
}

enum bloat_failed flow_bloat_load_failed(struct model *m, const struct err *e, bool dropping,
                                         struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    bool before_baseline = isnan(m->session.baseline_tps);
    char why[200];

    if (b->step != BLOAT_LOAD)
        return BLOAT_FAILED_HARD;
    b->step = BLOAT_NOTHING;
    if (dropping && e->sqlstate[0]) { /* the server has said so: everything stands as it did */
        bool lock = strcmp(e->sqlstate, "55P03") == 0;
        snprintf(why, sizeof why, "not done: %.160s",
                 lock ? "another session holds its tables locked" : e->msg);
        not_done(m, BLOAT_RENEW, why, fx);
        if (before_baseline)
            return BLOAT_FAILED_SOFT;
        over(m, fx);
        return BLOAT_FAILED_TAKEN;
    }
    if (before_baseline)
        return BLOAT_FAILED_HARD;
    not_done(m, BLOAT_RENEW, e->msg, fx);
    snprintf(m->session.end_reason, sizeof m->session.end_reason,
             "the benchmark database could not be loaded anew");
    model_say(m, CHAT_BAD, "no further round: %s", m->session.end_reason);
    model_say(m, CHAT_WARN, "its tables are not whole: the next session loads them anew");
    links_close(m, CONN_BENCH, fx);
    flow_settle(m, &m->session.best, fx);
    return BLOAT_FAILED_TAKEN;
}

void flow_bloat_load_begins(struct model *m)
{
    m->fl.now.bloat.since_us = m->now_us;
}

bool flow_bloat_loaded(struct model *m, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    bool again = b->step == BLOAT_LOAD;

    b->load_s = (double)(m->now_us - b->since_us) / 1e6;
    b->step = BLOAT_NOTHING;
    b->loaded_bytes = 0; /* the mark has it */
    if (again)
        done(m, BLOAT_RENEW, fx);
    return again && isfinite(m->session.baseline_tps);
}

void flow_bloat_note(const struct model *m, int number, struct verdict *v)
{
    const struct bloat_now *b = &m->fl.now.bloat;
    size_t have = strlen(v->note);

    if (b->done_before != number || number == 0)
        return;
    snprintf(v->note + have, sizeof v->note - have, "%s%s", have > 0 ? "; " : "", b->done);
}
