/* model.c - the few functions that every part needs of the root model: set-up, messages, derived
 * figures. Nothing here decides anything. */
#include "pgd/workspace/model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/workspace/lessons.h"
#include "pgd/workspace/playback.h"
#include "pgd/workspace/session_rows.h"

const char *flow_state_name(enum flow_state s)
{
    static const char *const names[] = {
        [FLOW_WATCH] = "watching",
        [FLOW_DISCOVER] = "discovery",
        [FLOW_WORKSPACE] = "workspace",
        [FLOW_RECOVER] = "recovery",
        [FLOW_SIGHT] = "first sight",
        [FLOW_STRATEGY] = "strategy",
        [FLOW_PLAN] = "plan",
        [FLOW_PREPARE] = "preparing",
        [FLOW_BASELINE] = "baseline",
        [FLOW_TARGET] = "target",
        [FLOW_ROUND] = "round",
        [FLOW_CONFIRM] = "confirmation",
        [FLOW_ABLATE] = "ablation",
        [FLOW_COMPARE] = "comparison",
        [FLOW_TRADE] = "durability trades",
        [FLOW_KNEE] = "sweep of clients",
        [FLOW_SETTLE] = "settling",
        [FLOW_SUMMARY] = "summary",
        [FLOW_PAUSING] = "pausing",
        [FLOW_PAUSED] = "paused",
        [FLOW_STUCK] = "stuck",
        [FLOW_ERROR] = "error",
    };
    return names[s];
}

const char *session_state_name(enum session_state s)
{
    static const char *const names[] = {"", "ACTIVE", "PAUSED", "ARCHIVED", "FAILED"};
    return names[s];
}

void session_reset(struct session *s)
{
    round_clear(&s->round);
    experiment_clear(&s->baseline);
    experiment_clear(&s->confirm);
    experiment_clear(&s->trading);
    mem_zero(s, sizeof *s);
    s->baseline_tps = s->best_tps = s->baseline_p95_ms = s->floor = s->client_cpu = NAN;
    s->final.ratio = s->final.ci_lo = s->final.ci_hi = NAN;
    text_copy(s->start.label, sizeof s->start.label, "start");
    text_copy(s->best.label, sizeof s->best.label, "start");
}

const char *session_first(const struct session *s, const char *name)
{
    for (int i = 0; i < s->nfirst; i++)
        if (strcmp(s->first[i].name, name) == 0)
            return s->first[i].shown;
    return "";
}

void session_remember_first(struct session *s, const char *name, const char *shown)
{
    for (int i = 0; i < s->nfirst; i++)
        if (strcmp(s->first[i].name, name) == 0)
            return;
    if (s->nfirst == LEDGER_MAX)
        return;
    struct first_value *v = &s->first[s->nfirst++];
    text_copy_raw(v->name, sizeof v->name, name);
    text_copy(v->shown, sizeof v->shown, shown);
}

void model_init(struct model *m)
{
    mem_zero(m, sizeof *m);
    collect_init(&m->collect);
    session_reset(&m->session);
    m->bench.tps_now = m->bench.lat_now = NAN;
    m->screen.cols = 80;
    m->screen.rows = 24;
    m->screen.focus = PANE_BENCH;
    m->screen.prompt.history_at = -1;
    m->workspace.restart_s = NAN;
    m->discover.own = &m->workspace.own;
    for (int i = 0; i < ASK_SLOTS; i++)
        m->asks[i].slot = (enum ask_slot)i;
    m->dirty = true;
}

void hypo_test_clear(struct hypo_test *h)
{
    for (int i = 0; i < h->n; i++)
        free(h->queue[i].text);
    h->n = h->at = 0;
}

void model_clear(struct model *m)
{
    for (int i = 0; i < ASK_SLOTS; i++)
        ask_reset(&m->asks[i]);
    partner_clear(&m->partner);
    buf_clear(&m->advising.list);
    buf_clear(&m->advising.said);
    buf_clear(&m->advising.restored);
    free(m->advising.merged);
    collect_clear(&m->collect);
    tableview_clear(&m->live.now);
    tableview_clear(&m->live.before);
    hypo_test_clear(&m->hypo);
    buf_clear(&m->live_text.text);
    buf_clear(&m->live_text.told);
    buf_clear(&m->advised_files.old);
    bench_clear(&m->bench);
    bench_forget_scripts(&m->bench);
    apply_clear(&m->apply);
    session_reset(&m->session);
    server_facts_clear(&m->server);
    buf_clear(&m->fl.pending);
    session_rows_clear(&m->workspace);
    buf_clear(&m->start.names);
    free(m->start.proved);
    free(m->start.recent.rows);
    buf_clear(&m->fl.down_names);
    buf_clear(&m->fl.down_undo);
    effect_clear(&m->fl.fresh_session);
    if (m->fl.derivation) {
        derivation_clear(m->fl.derivation);
        free(m->fl.derivation);
        m->fl.derivation = NULL;
    }
    for (int i = 0; i < m->fl.narchived; i++) {
        session_reset(m->fl.archived[i]);
        free(m->fl.archived[i]);
    }
    for (int i = 0; i < m->nchat; i++)
        free(m->chat[i].text);
    talk_clear(&m->talk);
    tree_clear(&m->tree);
    playback_free(m->playback);
    replay_load_free(m->replay_load);
    buf_clear(&m->recorder.lines);
    buf_clear(&m->verifying.names);
    buf_clear(&m->verifying.changed);
    buf_clear(&m->verifying.left_out);
    if (m->verifying.before)
        server_facts_clear(m->verifying.before);
    free(m->verifying.before);
    buf_clear(&m->page.text);
    for (int i = 0; i < m->sql_log.n; i++)
        free(m->sql_log.rows[i].text);
    for (int i = 0; i < m->screen.prompt.nhistory; i++)
        free(m->screen.prompt.history[i]);
}

void model_say(struct model *m, enum chat_kind kind, const char *fmt, ...)
{
    char raw[2048], clean[2048];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    text_copy(clean, sizeof clean, raw);
    if (m->nchat == CHAT_MAX) {
        free(m->chat[0].text);
        memmove(m->chat, m->chat + 1, (CHAT_MAX - 1) * sizeof m->chat[0]);
        m->nchat--;
    }
    m->chat[m->nchat++] = (struct chat_line){
        .kind = kind, .wall_us = m->wall_us, .text = xstrdup(clean)};
    m->chat_total++;
    m->dirty = true;
}

void model_tell(struct model *m, enum chat_kind kind, const char *text)
{
    enum { LINE_MAX_BYTES = 4096 };
    struct buf out = {0};
    char *line = xmalloc(LINE_MAX_BYTES), *clean = xmalloc(LINE_MAX_BYTES);

    while (*text && out.len < 4 * LINE_MAX_BYTES) {
        size_t n = strcspn(text, "\n"), cut = n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES - 1;
        memcpy(line, text, cut);
        line[cut] = '\0';
        text_copy(clean, LINE_MAX_BYTES, line);
        buf_printf(&out, "%s%s", out.len ? "\n" : "", clean);
        text += n + (text[n] == '\n');
    }
    free(line);
    free(clean);
    model_say(m, kind, "%s", "");
    free(m->chat[m->nchat - 1].text);
    m->chat[m->nchat - 1].text = buf_take(&out);
}

bool model_may_end(const struct model *m)
{
    return (!m->opt.readonly || m->opt.ends) && !m->workspace.readonly;
}

enum dialog_kind model_dialog(const struct model *m)
{
    return m->screen.dialog.waits ? DIALOG_NONE : m->screen.dialog.kind;
}

bool model_best_stands(const struct model *m)
{
    return m->session.best.n > 0 && m->session.state != SESSION_FAILED;
}

double model_tps(const struct model *m)
{
    const struct session *s = &m->session;
    struct gain g;

    if (m->bench.state == BENCH_RUNNING && !isnan(m->bench.tps_now))
        return m->bench.tps_now;
    if (s->state == SESSION_NONE)
        return NAN;
    session_gain(s, &g);
    return !model_best_stands(m)   ? s->baseline_tps
           : isfinite(g.tps_after) ? g.tps_after
           : isfinite(s->best_tps) ? s->best_tps
                                   : s->baseline_tps;
}

double model_xacts(const struct model *m)
{
    return series_newest(&m->collect.series[METRIC_TPS]);
}

static void basis(const struct session *s, struct gain_basis *b)
{
    *b = (struct gain_basis){.start = &s->start,
                             .nhistory = s->nhistory,
                             .history = s->history,
                             .confirmed = s->final.kind != VERDICT_NONE ? &s->final : NULL,
                             .baseline_tps = s->baseline_tps,
                             .best_tps = s->best_tps,
                             .goal = s->plan.goal};
}

void session_gain(const struct session *s, struct gain *g)
{
    struct gain_basis b;

    basis(s, &b);
    gain_of_best(&b, g);
}

void session_round_gain(const struct session *s, int i, struct gain *g)
{
    struct gain_basis b;

    basis(s, &b);
    gain_of_round(&b, i, g);
}

void session_best_changed(struct session *s)
{
    memset(&s->final, 0, sizeof s->final);
    s->final.ratio = s->final.ci_lo = s->final.ci_hi = NAN;
}

bool session_without_round(const struct session *s)
{
    return s->state == SESSION_FAILED && s->rounds_done == 0 && isfinite(s->baseline_tps);
}

double model_seconds_left(const struct model *m)
{
    if (m->session.deadline_us == 0)
        return 1e9;
    return (double)(m->session.deadline_us - (m->fl.asked_us ? m->fl.asked_us : m->now_us)) / 1e6;
}

bool model_shows_time(const struct model *m)
{
    bool counts = model_run_active(m) || m->demo.state == DEMO_STARTING;

    for (int i = 0; i < CONN_COUNT; i++)
        counts |= m->links[i].state == LINK_WAITING;
    for (int i = 0; i < SSH_CONN_COUNT; i++)
        counts |= m->hosts[i].state == HOST_WAITING;
    return counts;
}

bool model_run_active(const struct model *m)
{
    return m->flow >= FLOW_PREPARE && m->flow <= FLOW_KNEE;
}

void model_restart(const struct model *m, struct restart_choice *out)
{
    const struct sdl *p = &m->session.plan;
    bool planned = p->strategy[0] != '\0';

    if (m->session.by_hand) {
        memset(out, 0, sizeof *out);
        text_copy(out->why_not, sizeof out->why_not, "every change is left to you here");
        return;
    }
    restart_choose(&m->server.id, planned ? p->restart : m->opt.restart,
                   planned ? p->restart_command : m->opt.restart_command, out);
}

void model_evidence(const struct model *m, struct evidence *e)
{
    const struct session *s = &m->session;

    memset(e, 0, sizeof *e);
    e->server = &m->server;
    e->plan = s->plan.strategy[0] ? &s->plan : NULL;
    e->base = s->base_window.valid ? &s->base_window : NULL;
    e->best = s->best_window.valid ? &s->best_window : e->base;
    e->nplans = s->nplans;
    e->plans = s->plans;
    e->baseline_tps = s->baseline_tps;
    e->best_tps = s->best_tps;
    e->baseline_p95_ms = s->baseline_p95_ms;
    e->floor = s->floor;
    e->client_cpu = s->client_cpu;
    e->nhistory = s->nhistory;
    if (s->baseline_tps > 0) { /* by now the scripts are read */
        char key[LESSONS_KEY_MAX];
        lessons_key(m, key);
        const struct lessons *known = lessons_find(&m->workspace, key);
        e->remembered = known ? known->items : NULL;
        e->nremembered = known ? known->n : 0;
    }
    e->hypo = &m->hypo.results;
    e->history = s->history;
    e->nrejected = s->nrejected;
    e->rejected = s->rejected;
    e->best_arm = s->best.n > 0 ? &s->best : NULL;
    e->start_arm = &s->start;
    e->confirmed = s->final.kind != VERDICT_NONE ? &s->final : NULL;
    e->os_open = !m->opt.headless || m->opt.accept_os;
    e->restart_allowed = s->plan.strategy[0] ? s->plan.restart != RESTART_NEVER
                                             : m->opt.restart != RESTART_NEVER;
    e->seconds_left = m->session.deadline_us ? model_seconds_left(m) : NAN;
}
