/* bench_place.c - see bench_place.h. Each step is one question, here or there; the answers are weighed at the end. */
#include "pgd/app/bench_place.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/hosts.h"
#include "pgd/base/text.h"

enum { ASK_MS = 30000, TRIES = 5 };
static const double slow_ms =
    1; /* a statement from here: below that the way costs a benchmark little */

static struct req ask(struct model *m)
{
    return (struct req){OWNER_PLACE, m->place.generation, ++m->place.waiting};
}

/* The machine that may run it instead of this one: --bench-host, else the server's. */
static enum ssh_conn other(const struct model *m)
{
    return hosts_wanted(m, SSH_BENCH) ? SSH_BENCH : SSH_SERVER;
}

static const char *name_of(const struct model *m, enum ssh_conn conn)
{
    return conn == SSH_BENCH ? m->opt.bench_host : m->opt.ssh_host;
}

bool bench_place_busy(const struct model *m)
{
    return m->place.state != PLACE_NONE && m->place.state != PLACE_KNOWN;
}

const char *bench_place_name(const struct model *m)
{
    if (m->place.state != PLACE_KNOWN)
        return m->place.state == PLACE_NONE ? "here" : "";
    return m->place.far ? name_of(m, m->place.ssh) : "here";
}

/* Of a resumed session: where it was measured from; "" = nowhere yet, or it is a new one. */
static const char *before(const struct model *m)
{
    return m->session.loaded ? m->session.bench_at : "";
}

static bool was_there(const struct model *m)
{
    return *before(m) && strcmp(before(m), name_of(m, m->place.ssh)) == 0;
}

static bool was_here(const struct model *m)
{
    return strcmp(before(m), "here") == 0;
}

/* What was found out holds for this session, too. */
static bool still_known(const struct model *m)
{
    const struct bench_place *p = &m->place;

    return p->state == PLACE_KNOWN && p->err.code == ERR_NONE &&
           (*before(m) ? strcmp(before(m), bench_place_name(m)) == 0 : !p->as_before);
}

static void known(struct model *m, bool far)
{
    struct bench_place *p = &m->place;

    secret_release(p->pgpass);
    p->pgpass = 0;
    p->state = PLACE_KNOWN;
    p->far = far;
    m->dirty = true;
    if (p->err.code == ERR_NONE)
        model_say(m, CHAT_EVENT, "pgbench runs %s%s: %s", far ? "on " : "", bench_place_name(m),
                  p->why);
}

/* --bench-host was asked for: it or nothing. */
static void refuse(struct model *m, const char *why)
{
    struct bench_place *p = &m->place;

    err_set(&p->err, ERR_CHILD, "pgbench cannot run on %.200s", m->opt.bench_host);
    err_detail(&p->err, "%s.", why);
    err_hint(&p->err, "Look at that machine, or leave --bench-host away.");
    text_copy(p->why, sizeof p->why, why);
    p->ssh = SSH_BENCH;
    known(m, true);
}

/* As the server is seen from there: a tunnel of ours, or a socket of this machine, leads nowhere there. */
static void target_there(const struct model *m, struct bench_target *t)
{
    const struct link *l = &m->links[CONN_CONTROL];
    const struct identity *id = &m->server.id;
    bool near = l->host[0] == '/' || l->host[0] == '\0' || strcmp(l->host, "localhost") == 0 ||
                strncmp(l->host, "127.", 4) == 0 || strcmp(l->host, "::1") == 0;

    flow_bench_target(m, t);
    t->far = true;
    t->ssh = m->place.ssh;
    text_copy_raw(t->machine, sizeof t->machine, name_of(m, t->ssh));
    text_copy_raw(t->pgbench, sizeof t->pgbench, m->place.there);
    if (!near)
        return;
    if (t->ssh == SSH_SERVER && id->over_ssh)
        text_copy_raw(t->host, sizeof t->host, "localhost");
    else
        text_copy_raw(t->host, sizeof t->host, id->server_addr);
    if (id->server_port > 0)
        snprintf(t->port, sizeof t->port, "%d", id->server_port);
}

void flow_bench_target_there(const struct model *m, struct bench_target *t)
{
    target_there(m, t);
}

static void find_there(struct model *m, struct effects *fx)
{
    struct bench_target t = {.far = true, .ssh = m->place.ssh};
    bool same = t.ssh == SSH_SERVER && m->server.id.over_ssh;

    m->place.state = PLACE_THERE;
    bench_far_find(&t, same ? m->server.id.bindir : "", ask(m), fx);
}

static void ask_delay(struct model *m, struct effects *fx)
{
    m->place.state = PLACE_DELAY;
    m->place.sent_us = m->now_us;
    fx_sql(fx, ask(m), CONN_CONTROL, "SELECT 1", ASK_MS);
}

static void find_here(struct model *m, struct effects *fx)
{
    struct bench_target t = {.far = false};

    m->place.state = PLACE_HERE;
    bench_far_find(&t, m->server.id.over_ssh ? "" : m->server.id.bindir, ask(m), fx);
}

void bench_place_begin(struct model *m, struct effects *fx)
{
    struct bench_place *p = &m->place;
    bool wanted = hosts_wanted(m, SSH_BENCH) || hosts_wanted(m, SSH_SERVER);

    if (!wanted || m->opt.demo || m->opt.readonly || m->session.plan.observe ||
        bench_place_busy(m) || still_known(m))
        return;
    uint32_t generation = p->generation + 1;
    memset(p, 0, sizeof *p);
    p->generation = generation;
    p->here_ms = p->there_ms = NAN;
    p->ssh = other(m);
    p->state = PLACE_LINK;
    bench_place_pump(m, fx);
}

bool bench_place_pump(struct model *m, struct effects *fx)
{
    struct bench_place *p = &m->place;
    bool up = hosts_up(m, p->ssh);

    if (p->state != PLACE_LINK || hosts_undecided(m, p->ssh))
        return false;
    if (p->ssh == SSH_BENCH && !up)
        refuse(m, "There is no link to it by ssh");
    else if (p->ssh == SSH_BENCH)
        find_there(m, fx);
    else
        find_here(m, fx);
    return true;
}

/* Nothing stands against this machine, or nothing speaks for the other one. */
static void stay(struct model *m, const char *why)
{
    text_copy(m->place.why, sizeof m->place.why, why);
    known(m, false);
}

static void stay_unless_bench(struct model *m, const char *why)
{
    if (m->place.ssh == SSH_BENCH)
        refuse(m, why);
    else
        stay(m, why);
}

static void here_found(struct model *m, const struct event *ev, struct effects *fx)
{
    struct bench_place *p = &m->place;

    p->here_version = bench_choose(ev->text ? ev->text : "", p->here, sizeof p->here);
    ask_delay(m, fx);
}

static void delay_known(struct model *m, const struct event *ev, struct effects *fx)
{
    struct bench_place *p = &m->place;
    double ms = (double)(ev->at_us - p->sent_us) / 1000;
    char why[160];

    if (ev->err.code == ERR_NONE && !(ms >= p->here_ms)) /* the first one too */
        p->here_ms = ms;
    if (ev->err.code == ERR_NONE && ++p->tries < TRIES) {
        ask_delay(m, fx);
        return;
    }
    bool slow = isfinite(p->here_ms) && p->here_ms > slow_ms;
    bool worth = p->here_version == 0 || was_there(m) || (slow && !was_here(m));
    if (p->here_version && was_here(m)) {
        p->as_before = true;
        stay(m, "as before");
        return;
    }
    if (worth && hosts_up(m, SSH_SERVER) && !m->server.host.other) {
        find_there(m, fx);
        return;
    }
    snprintf(why, sizeof why, "a statement takes %.2g ms from here", p->here_ms);
    stay(m, worth ? "there is no link to another machine that could run it" : why);
}

static void there_found(struct model *m, const struct event *ev, struct effects *fx)
{
    struct bench_place *p = &m->place;
    struct bench_target t;

    p->version = bench_choose(ev->text ? ev->text : "", p->there, sizeof p->there);
    if (ev->err.code != ERR_NONE) {
        stay_unless_bench(m, ev->err.msg);
    } else if (p->version == 0) {
        stay_unless_bench(m, "There is no pgbench on that machine");
    } else {
        target_there(m, &t);
        p->pgpass = t.pgpass;
        p->state = PLACE_DELAY_THERE;
        bench_far_delay(&t, ask(m), fx);
    }
}

static void weigh(struct model *m, const struct event *ev)
{
    struct bench_place *p = &m->place;
    char why[200];

    p->there_ms = bench_far_delay_read(ev->text ? ev->text : "", why, sizeof why);
    if (ev->err.code != ERR_NONE || isnan(p->there_ms)) {
        stay_unless_bench(m, ev->err.code != ERR_NONE ? ev->err.msg : why);
        return;
    }
    bool far = true;
    if (p->ssh == SSH_BENCH) {
        snprintf(p->why, sizeof p->why, "--bench-host; a statement takes %.2g ms from there",
                 p->there_ms);
    } else if (p->here_version == 0) {
        snprintf(p->why, sizeof p->why, "there is no pgbench here");
    } else if (was_there(m)) {
        p->as_before = true;
        snprintf(p->why, sizeof p->why, "as before");
    } else {
        far = p->there_ms < p->here_ms / 2;
        snprintf(p->why, sizeof p->why,
                 "a statement takes %.2g ms from here and %.2g ms from %.100s", p->here_ms,
                 p->there_ms, m->opt.ssh_host);
    }
    known(m, far);
}

void bench_place_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct bench_place *p = &m->place;

    if (ev->req.generation != p->generation || ev->req.id != p->waiting ||
        (ev->kind != EV_CHILD_EXIT && ev->kind != EV_PG_RESULT))
        return;
    switch (p->state) {
    case PLACE_HERE:
        here_found(m, ev, fx);
        break;
    case PLACE_DELAY:
        delay_known(m, ev, fx);
        break;
    case PLACE_THERE:
        there_found(m, ev, fx);
        break;
    case PLACE_DELAY_THERE:
        weigh(m, ev);
        break;
    case PLACE_NONE:
    case PLACE_LINK:
    case PLACE_KNOWN:
        break;
    }
}

static void drop_runs(struct experiment *x)
{
    for (int i = 0; i < x->n; i++)
        bench_run_clear(&x->runs[i]);
    x->n = x->errors = 0;
    x->stopped_early = false;
}

void bench_place_void(struct session *s)
{
    drop_runs(&s->round.experiment);
    drop_runs(&s->confirm);
    s->baseline_tps = s->baseline_p95_ms = s->best_tps = NAN;
    memset(&s->base_window, 0, sizeof s->base_window);
    memset(&s->best_window, 0, sizeof s->best_window);
    memset(&s->final, 0, sizeof s->final);
    s->final.ratio = s->final.ci_lo = s->final.ci_hi = NAN;
    s->kept.proposal.n =
        0; /* it stood on that baseline; the answers count where it is made again */
}

void bench_place_keep(struct model *m)
{
    struct session *s = &m->session;
    const char *now = bench_place_name(m);
    bool moved = *before(m) && strcmp(before(m), now) != 0;

    if (moved && isfinite(s->baseline_tps))
        model_say(m, CHAT_WARN,
                  "pgbench ran %s%s before and runs %s%s now: what was measured there is void, and "
                  "%s",
                  was_here(m) ? "" : "on ", before(m), strcmp(now, "here") == 0 ? "" : "on ", now,
                  m->fl.now.goes_on ? "the runs under way are made again"
                                    : "the baseline is measured anew");
    text_copy_raw(s->bench_at, sizeof s->bench_at, now);
    if (!moved)
        return;
    if (!m->fl.now.goes_on) {
        bench_place_void(s);
        return;
    }
    drop_runs(&s->round.experiment); /* which measures start and candidate anew by itself */
    drop_runs(&s->confirm);
}
