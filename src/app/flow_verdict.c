/* flow_verdict.c - what a comparison has shown, as it is told: the event, the lines of the log, and what the screening of a round's
 * alternatives has left. */
#include <math.h>
#include <stdio.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

/* What is compared: of a screening the alternative, of an ablation the change; kept: -1 = not decided here. */
struct compared {
    const char *phase;
    int round;
    const char *set, *change, *veto;
    int kept;
};

static void emit_verdict(struct model *m, const struct compared *c, const struct verdict *v,
                         struct effects *fx)
{
    struct line *l = line_new("verdict");
    struct buf ci = {0};

    line_text(l, "phase", c->phase);
    line_int(l, "round", c->round);
    line_text(l, "set", c->set ? c->set : NULL);
    line_text(l, "change", c->change ? c->change : NULL);
    line_raw(l, "kept", c->kept < 0 ? "null" : c->kept ? "true" : "false");
    line_text(l, "verdict", verdict_name(v->kind));
    line_num(l, "effect", v->ratio);
    if (isfinite(v->ci_lo) && isfinite(v->ci_hi)) {
        buf_printf(&ci, "[%.4f,%.4f]", v->ci_lo, v->ci_hi);
        line_raw(l, "ci95", buf_text(&ci));
        buf_clear(&ci);
    } else {
        line_text(l, "ci95", NULL);
    }
    line_num(l, "floor", v->floor);
    line_num(l, "tps_before", v->tps_a);
    line_num(l, "tps_after", v->tps_b);
    line_num(l, "p95_before", v->p95_a);
    line_num(l, "p95_after", v->p95_b);
    line_int(l, "runs_before", v->runs_a);
    line_int(l, "runs_after", v->runs_b);
    line_num(l, "detectable", v->detectable);
    line_text(l, "veto", c->veto && c->veto[0] ? c->veto : NULL);
    line_text(l, "note", v->note[0] ? v->note : NULL);
    flow_emit(m, l, fx);
}

void flow_emit_part(struct model *m, const char *phase, int round, const char *set,
                    const char *change, bool kept, const struct race_result *r, struct effects *fx)
{
    struct verdict v = {.kind = isfinite(r->ratio) ? VERDICT_INCONCLUSIVE : VERDICT_NONE,
                        .ratio = r->ratio,
                        .ci_lo = r->lo,
                        .ci_hi = r->hi,
                        .floor = m->session.floor,
                        .runs_b = r->runs,
                        .tps_a = NAN,
                        .tps_b = NAN,
                        .p95_a = NAN,
                        .p95_b = NAN,
                        .detectable = NAN};
    emit_verdict(m,
                 &(struct compared){
                     .phase = phase, .round = round, .set = set, .change = change, .kept = kept},
                 &v, fx);
}

void flow_emit_verdict(struct model *m, const char *phase, int round, const struct verdict *v,
                       struct effects *fx)
{
    const struct round *r = &m->session.round;
    bool of_round = m->flow == FLOW_ROUND;
    char ends[64];

    text_interval(ends, sizeof ends, v->ci_lo, v->ci_hi, 1);

    emit_verdict(m,
                 &(struct compared){.phase = phase,
                                    .round = round,
                                    .veto = of_round ? r->veto : NULL,
                                    .kept = of_round ? r->kept : -1},
                 v, fx);
    if (isfinite(v->ratio) && !isfinite(v->ci_lo))
        model_say(m, CHAT_WARN, "%s: %s, %+.1f %%; %s", phase, verdict_name(v->kind),
                  (v->ratio - 1) * 100, v->note);
    else if (isfinite(v->ratio))
        model_say(m, v->kind == VERDICT_IMPROVED ? CHAT_GOOD : CHAT_WARN,
                  "%s: %s, %+.1f %% (95 %% interval %s), %d against %d runs%s%s", phase,
                  verdict_name(v->kind), (v->ratio - 1) * 100, ends, v->runs_b, v->runs_a,
                  v->note[0] ? "; " : "", v->note);
    else if (v->note[0])
        model_say(m, CHAT_WARN, "%s: %s, %s", phase, verdict_name(v->kind), v->note);
    if (isfinite(v->detectable) && v->detectable > 0 && v->kind == VERDICT_INCONCLUSIVE &&
        isfinite(v->ratio))
        model_say(m, CHAT_EVENT, "%s: these runs could have shown a gain of %.1f %% or more", phase,
                  v->detectable * 100);
    if (of_round && r->veto[0])
        model_say(m, CHAT_BAD, "not kept: %s", r->veto);
    flow_statements_tell(m, phase, round, fx);
}

/* What the short runs have shown of each alternative, once. */
void flow_tell_screening(struct model *m, struct effects *fx)
{
    struct round *r = &m->session.round;

    if (r->screen_needs > 0 && !m->fl.now.screen_told && r->state > ROUND_REVIEW) {
        model_say(
            m, CHAT_WARN,
            "not measured: screening (needs %.0f s, %.0f s left for it); the first alternative "
            "is measured alone",
            r->screen_needs, fmax(r->screen_had, 0));
        m->fl.now.screen_told = true;
    }
    if (r->nscreened == 0 || r->screening || m->fl.now.screen_told || r->cancelled)
        return;
    m->fl.now.screen_told = true;
    for (int i = 0; i < r->nscreened; i++) {
        const struct race_result *s = &r->screened[i];
        const char *name = r->review.proposal.set_names[i];
        bool in = r->candidate_sets >> i & 1;
        flow_emit_part(m, "screening", r->number, name, NULL, in, s, fx);
        if (isfinite(s->ratio))
            model_say(m, in ? CHAT_GOOD : CHAT_EVENT, "screening: %s %+.1f %% in %d short run%s%s",
                      name, (s->ratio - 1) * 100, s->runs, s->runs == 1 ? "" : "s",
                      in          ? ", goes on"
                      : s->out    ? ", dropped"
                      : s->gained ? ", gained, but does not go with the better ones"
                                  : ", no gain");
        else
            model_say(m, CHAT_EVENT, "screening: %s was %s", name,
                      review_set_rejected(&r->review, i) ? "rejected" : "not measured");
    }
}
