/* left.c - see left.h. */
#include "pgd/workspace/left.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/workspace/kept.h"

/* ---- the step that is under way ---- */

static int valid_runs(const struct experiment *x)
{
    int n = 0;

    for (int i = 0; i < x->n; i++)
        n += x->runs[i].valid;
    return n;
}

static int race_runs(const struct race *r)
{
    int n = 0;

    for (int i = 0; i < r->n; i++)
        n += r->arms[i].n;
    return n;
}

static void of_experiment(const struct experiment *x, struct left_step *l)
{
    l->runs = valid_runs(x);
    l->needs = x->kind == EXPERIMENT_AA ? x->min_runs : 2 * x->min_runs;
}

static void of_round(const struct round *r, struct left_step *l)
{
    l->round = r->number;
    text_copy(l->arm, sizeof l->arm,
              r->arm_in_force >= 0 ? round_arm(r, r->arm_in_force)->label : "");
    if (r->state <= ROUND_REVIEW) {
        l->phase = r->state == ROUND_REVIEW ? LEFT_REVIEW : LEFT_PROPOSAL;
    } else if (r->screening) {
        l->phase = LEFT_SCREENING;
        l->runs = race_runs(&r->race);
        l->needs = r->race.n * r->race.min_visits;
    } else if (r->judged || r->state >= ROUND_CHECKPOINT) {
        l->phase = LEFT_VERDICT;
    } else {
        l->phase = LEFT_ROUND;
        of_experiment(&r->experiment, l);
    }
}

static void of_confirmation(const struct model *m, struct left_step *l)
{
    const struct session *s = &m->session;

    l->phase = m->fl.now.reducing ? LEFT_SMALLER : LEFT_CONFIRM;
    of_experiment(&s->confirm, l);
    text_copy(l->arm, sizeof l->arm,
              s->confirm.arm == ARM_A ? s->start.label
              : m->fl.now.reducing    ? s->reduced.label
                                      : s->best.label);
}

void left_of(const struct model *m, struct left_step *l)
{
    const struct session *s = &m->session;

    memset(l, 0, sizeof *l);
    switch (m->flow) {
    case FLOW_PREPARE: /* the folder of a new one is still being made */
        l->phase = s->loaded ? LEFT_PREPARE : LEFT_UNKNOWN;
        break;
    case FLOW_BASELINE:
        l->phase = LEFT_BASELINE;
        of_experiment(&s->baseline, l);
        text_copy(l->arm, sizeof l->arm, s->start.label);
        break;
    case FLOW_TARGET:
        l->phase = LEFT_TARGET;
        break;
    case FLOW_ROUND:
        of_round(&s->round, l);
        break;
    case FLOW_CONFIRM:
        of_confirmation(m, l);
        break;
    case FLOW_ABLATE:
        l->phase = LEFT_ABLATION;
        l->runs = s->ablation.n_runs;
        text_copy(l->arm, sizeof l->arm, s->trial.label);
        break;
    case FLOW_COMPARE:
        l->phase = LEFT_BESIDE;
        l->runs = race_runs(&m->fl.now.compare);
        break;
    case FLOW_TRADE:
        l->phase = LEFT_TRADE;
        l->runs = valid_runs(&s->trading);
        break;
    case FLOW_KNEE:
        l->phase = LEFT_KNEE;
        break;
    default:
        return;
    }
    if (m->fl.now.running)
        l->doing = m->fl.now.run_warmup ? LEFT_WARMS : LEFT_RUNS;
}

/* ---- in words ---- */

static void phase_words(const struct left_step *l, struct buf *out)
{
    static const char *const plain[] = {
        [LEFT_UNKNOWN] = "",
        [LEFT_PREPARE] = "the preparation of the runs",
        [LEFT_BASELINE] = "the baseline",
        [LEFT_TARGET] = "the question for the target",
        [LEFT_CONFIRM] = "the confirmation",
        [LEFT_ABLATION] = "the measurement of what each change earns",
        [LEFT_SMALLER] = "the confirmation of the smaller set",
        [LEFT_BESIDE] = "the comparison with PostgreSQL's defaults and pgtune",
        [LEFT_TRADE] = "the measurement of durability trades",
        [LEFT_KNEE] = "the sweep of clients",
    };
    static const char *const of_round[] = {
        [LEFT_PROPOSAL] = "the search for a proposal for",
        [LEFT_REVIEW] = "the review of",
        [LEFT_SCREENING] = "the screening of",
        [LEFT_ROUND] = "the comparison of",
        [LEFT_VERDICT] = "the question after",
    };
    const char *words = (size_t)l->phase < ARRAY_LEN(of_round) ? of_round[l->phase] : NULL;

    if (words)
        buf_printf(out, "%s round %d", words, l->round);
    else if ((size_t)l->phase < ARRAY_LEN(plain) && plain[l->phase])
        buf_puts(out, plain[l->phase]);
}

static void take(struct buf *b, char *dst, size_t size)
{
    text_copy(dst, size, buf_text(b));
    buf_clear(b);
}

static bool is_measured_step(const struct left_step *l)
{
    return l->phase == LEFT_BASELINE || l->phase == LEFT_SCREENING || l->phase == LEFT_ROUND ||
           l->phase >= LEFT_CONFIRM;
}

void left_step_words(const struct left_step *l, char *dst, size_t size)
{
    struct buf out = {0};

    if (l->phase != LEFT_UNKNOWN) {
        buf_puts(&out, l->phase == LEFT_TARGET || l->phase == LEFT_VERDICT ? "at " : "in ");
        phase_words(l, &out);
    }
    if (is_measured_step(l) && l->needs > 0)
        buf_printf(&out, ", %d of at least %d runs measured", l->runs, l->needs);
    else if (is_measured_step(l))
        buf_printf(&out, ", %d run%s measured", l->runs, l->runs == 1 ? "" : "s");
    if (l->doing != LEFT_RESTS && is_measured_step(l))
        buf_printf(&out, "; %s%s%s was under way", l->doing == LEFT_WARMS ? "a warm-up" : "a run",
                   l->arm[0] ? " of " : "", l->arm);
    take(&out, dst, size);
}

static const char *comma(const struct buf *b)
{
    return b->len ? ", " : "";
}

/* The confirmation of before stands, and only what comes after it is still to be measured. */
static bool claimed(const struct model *m)
{
    return m->session.final.kind == VERDICT_IMPROVED && !m->fl.now.stale[0];
}

static bool offers_again(const struct session *s)
{
    return s->kept.round == s->rounds_done + 1 && s->kept.n > 0;
}

static void tell_kept(const struct model *m, struct left_told *t)
{
    const struct session *s = &m->session;
    struct buf out = {0};
    char percent[24];

    if (isfinite(s->baseline_tps) && !m->fl.now.stale[0])
        buf_printf(&out, "the baseline (%.0f TPS)", s->baseline_tps);
    if (s->rounds_done == 1)
        buf_printf(&out, "%sround 1", comma(&out));
    else if (s->rounds_done > 1)
        buf_printf(&out, "%srounds 1 to %d", comma(&out), s->rounds_done);
    if (claimed(m)) {
        text_percent(percent, sizeof percent, s->final.ratio);
        buf_printf(&out, "%sthe confirmation (%s)", comma(&out), percent);
    } else if (offers_again(s) && s->origin.reverts) {
        buf_printf(&out, "%syour answers to %d of %d lines", comma(&out), kept_answers(&s->kept),
                   s->kept.n);
    } else if (offers_again(s) && s->pending.phase == PENDING_NOTHING) {
        buf_printf(&out, "%s%syour answers to %d of %d lines of round %d", comma(&out),
                   s->kept.proposal.n > 0 && !m->fl.now.stale[0] ? "the proposal and " : "",
                   kept_answers(&s->kept), s->kept.n, s->kept.round);
    }
    take(&out, t->kept, sizeof t->kept);
}

static void tell_again(const struct model *m, struct left_told *t)
{
    const struct left_step *l = &m->fl.now.left;
    const struct session *s = &m->session;
    struct buf out = {0};

    if (m->fl.now.stale[0])
        buf_printf(&out, "the baseline (%.0f TPS before), because %s", s->baseline_tps,
                   m->fl.now.stale);
    if (s->pending.phase == PENDING_NOTHING && is_measured_step(l) &&
        !(l->phase == LEFT_BASELINE && out.len)) {
        buf_puts(&out, out.len ? "; " : "");
        buf_puts(&out, l->phase == LEFT_SMALLER ? "what each change earns, and " : "");
        phase_words(l, &out);
        buf_puts(&out, l->phase == LEFT_BASELINE || l->phase == LEFT_KNEE
                           ? ", which was not finished"
                           : " from its first run, because only runs made in turn are compared");
    }
    take(&out, t->again, sizeof t->again);
}

/* Nothing is left to be tried; as the rounds themselves will find. */
static bool rounds_are_over(const struct model *m)
{
    const struct session *s = &m->session;
    bool reached = s->target.tps > 0 && !arm_same(&s->best, &s->start) &&
                   s->best_tps >= s->target.tps && (s->plan.target_tps > 0 || !m->opt.headless);

    return reached || s->misses >= 3 || s->rounds_done >= s->plan.rounds;
}

static void tell_next(const struct model *m, struct left_told *t)
{
    const struct session *s = &m->session;
    struct buf out = {0};
    bool measured = isfinite(s->baseline_tps) && !m->fl.now.stale[0];

    if (m->fl.now.unfinished && s->pending.phase == PENDING_NOTHING)
        buf_puts(&out, "the switch that was under way is undone, then ");
    if (s->pending.phase != PENDING_NOTHING)
        buf_puts(&out, "the switch that waits for you");
    else if (s->origin.reverts)
        buf_printf(&out, "the review of what goes back%s",
                   offers_again(s) ? ", with your answers" : "");
    else if (!measured)
        buf_puts(&out, "the baseline");
    else if (claimed(m))
        buf_puts(&out, "what is left to measure at the end, then the end of the session");
    else if (!(s->target.tps > 0) && !s->plan.observe)
        buf_puts(&out, "the target");
    else if (rounds_are_over(m))
        buf_puts(&out, arm_same(&s->best, &s->start) ? "the end of the session"
                                                     : "the confirmation of the best state");
    else if (offers_again(s))
        buf_printf(&out, "the review of round %d with your answers%s", s->kept.round,
                   s->kept.decided ? " (g takes them as they are)" : "");
    else
        buf_printf(&out, "a proposal for round %d", s->rounds_done + 1);
    take(&out, t->next, sizeof t->next);
}

void left_tell(const struct model *m, struct left_told *t)
{
    memset(t, 0, sizeof *t);
    left_step_words(&m->fl.now.left, t->step, sizeof t->step);
    tell_kept(m, t);
    tell_again(m, t);
    tell_next(m, t);
}
