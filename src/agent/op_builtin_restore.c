/* The builtin answer to "where were we": a paused session's plan, rounds, what is in force and what comes next. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/gain.h"
#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

enum { ROUNDS_TOLD = 5 };

static void tell_start(struct teller *t, const struct op_input *in)
{
    const struct sdl *p = in->e->plan;
    const struct session_told *s = in->nsessions > 0 ? &in->sessions[0] : NULL;
    const char *strategy = p && p->strategy[0] ? p->strategy : s ? s->strategy : "";
    const char *hypothesis = p && p->hypothesis[0] ? p->hypothesis : s ? s->hypothesis : "";
    if (s && s->name[0])
        tell(t, "This is session %s%s%s.", s->name, strategy[0] ? ", strategy " : "", strategy);
    else if (strategy[0])
        tell(t, "This session follows the strategy %s.", strategy);
    if (hypothesis[0])
        tell(t, "Its hypothesis: %s", hypothesis);
}

static void tell_reached(struct teller *t, const struct op_input *in)
{
    const struct evidence *e = in->e;
    const struct session_told *s = in->nsessions > 0 ? &in->sessions[0] : NULL;
    double base = e->baseline_tps > 0 ? e->baseline_tps : s ? s->baseline_tps : NAN;
    double best = e->best_tps > 0 ? e->best_tps : s ? s->best_tps : NAN;
    struct gain_basis b;
    struct gain g;
    char said[200];
    if (!(base > 0)) {
        tell(t, "No baseline was measured yet.");
        return;
    }
    tell_figure(t, "baseline", "%.1f TPS", base);
    if (!(best > 0) || fabs(best / base - 1) < 1e-6) {
        tell(t, "The baseline is %.1f TPS and nothing has beaten it so far.", base);
        return;
    }
    gain_basis(e, &b);
    b.baseline_tps = base;
    b.best_tps = best;
    gain_of_best(&b, &g);
    gain_said(&g, said, sizeof said);
    if (isfinite(g.tps_before) && isfinite(g.tps_after))
        tell(t, "The best so far is %.1f TPS against %.1f TPS: %s.", g.tps_after, g.tps_before,
             said);
    else
        tell(t, "The best so far is %.1f TPS: %s.", isfinite(g.tps_after) ? g.tps_after : best,
             said);
    tell_figure(t, "best so far", "%.1f TPS", isfinite(g.tps_after) ? g.tps_after : best);
}

static void tell_rounds(struct teller *t, const struct evidence *e)
{
    int from = e->nhistory > ROUNDS_TOLD ? e->nhistory - ROUNDS_TOLD : 0;
    if (e->nhistory == 0)
        tell_line(t, "No round has been measured.");
    else if (from > 0)
        tell_line(t, "%d rounds were measured; the newest:", e->nhistory);
    for (int i = from; i < e->nhistory; i++)
        tell_round(t, &e->history[i]);
}

static void tell_in_force(struct teller *t, const struct op_input *in)
{
    const struct arm *arm = in->e->best_arm;
    char list[600] = "";
    for (int i = 0; arm && i < arm->n; i++) {
        size_t len = strlen(list);
        const struct entry *x = &arm->entries[i];
        say(list + len, sizeof list - len, "%s%s = %s", len ? ", " : "", x->name,
            x->present ? x->value : "(no entry)");
    }
    if (list[0])
        tell_line(t, "Of ours the best state has: %s.", list);
    else
        tell_line(t, "No setting of ours belongs to the best state.");
    if (in->paused_in && in->paused_in[0])
        tell(t, "It was left: %s.", in->paused_in);
}

static void tell_next(struct teller *t, const struct op_input *in)
{
    const struct evidence *e = in->e;
    struct proposal *p = xcalloc(1, sizeof *p);
    if (in->next_step && in->next_step[0]) {
        tell_line(t, "Next: %s.", in->next_step);
    } else if (!(e->baseline_tps > 0)) {
        tell_line(t, "Next: the baseline.");
    } else {
        builtin_next_round(e, p);
        if (p->n > 0)
            tell_line(t, "Next: %s = %s%s, because %s.", p->changes[0].name, p->changes[0].value,
                      p->n > 1 ? " among others" : "", p->changes[0].evidence);
        else
            tell_line(t, "Next: the confirmation. %s", p->summary);
    }
    if (e->seconds_left > 0)
        tell(t, "%.0f minutes of its budget are left.", e->seconds_left / 60);
    free(p);
}

void op_builtin_restore(const struct op_input *in, struct prose *out)
{
    struct teller t;
    struct sense s;
    teller_init(&t, out);
    sense_init(&s, in->e);
    tell_start(&t, in);
    tell_reached(&t, in);
    tell_rounds(&t, in->e);
    tell_in_force(&t, in);
    tell_line(&t, "The server:");
    tell_server(&t, &s);
    tell_bottleneck(&t, &s);
    tell_next(&t, in);
}
