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

/* The mark says that it is ours and whole. An older one has no size. */
static const char look_sql[] =
    "SELECT (pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.->>) 'loaded_bytes')::float8 AS "
    "loaded_bytes, pg_catalog.pg_database_size(pg_catalog.current_database()) AS db_bytes, "
    "t.dead_tuples, t.live_tuples FROM public.pg_diagnose_meta AS m, (SELECT sum(n_dead_tup) AS "
    "dead_tuples, sum(n_live_tup) AS live_tuples FROM pg_catalog.pg_stat_user_tables) AS t WHERE "
    "m.workload = 'shop-1'";

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

static void look_at_others(struct model *m, struct effects *fx)
{
    struct bloat_now *b = &m->fl.now.bloat;
    const struct session *s = &m->session;
    const struct bench_run *first = valid_run(&s->baseline, false);
    const struct bench_run *last = valid_run(&s->round.experiment, true);
    static const char note[] = "it is the DBA's own: it is left as it is";

    last = last ? last : valid_run(&s->baseline, true);
    if (!first || !last)
        return;
    figures(b, first, last);
    enum bloat_remedy remedy = bloat_remedy(first, last);
    if (!b->found[0] || strcmp(bloat_remedy_name(remedy), b->told) == 0)
        return;
    text_copy(b->told, sizeof b->told, bloat_remedy_name(remedy));
    model_say(m, CHAT_WARN,
              "database %s: %s since the baseline. %s; what follows is measured on other data than "
              "what came before",
              s->plan.database, b->found, note);
    emit(m, remedy, false, NAN, note, fx);
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
    b->since_us = m->now_us;
    if (remedy != BLOAT_FINE && b->spare_s < needs) {
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

bool flow_bloat_marked(struct model *m, const struct rows *r)
{
    struct bloat_now *b = &m->fl.now.bloat;
    struct bench_run first = {.db_bytes = rows_double(r, 0, "loaded_bytes", NAN)};
    struct bench_run last = {
        .db_bytes = rows_double(r, 0, "db_bytes", NAN), .dead_tuples = NAN, .live_tuples = NAN};

    if (!isnan(m->session.baseline_tps) || bloat_remedy(&first, &last) != BLOAT_RENEW)
        return false;
    figures(b, &first, &last);
    b->confirms = false;
    b->looked = 0;
    b->step = BLOAT_LOAD;
    model_say(m, CHAT_EVENT, "database %s: %s since it was loaded; it is loaded anew",
              m->session.plan.database, b->found);
    return true;
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
