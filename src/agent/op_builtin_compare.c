/* The builtin comparison of sessions: what each tried and reached against its own baseline, and which to go on with. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

enum { TOLD = 6 };

static bool holds(const char *text, const char *word)
{
    return text && word[0] && strstr(text, word);
}

static bool is_named(const struct op_input *in, const struct session_told *s)
{
    return holds(in->question, s->name) || holds(in->question, s->strategy);
}

/* The sessions that the question names, all of them when it names fewer than two; the newest TOLD. */
static int choose(const struct op_input *in, const struct session_told **out)
{
    int named = 0, n = 0;
    for (int i = 0; i < in->nsessions; i++)
        named += is_named(in, &in->sessions[i]);
    for (int i = in->nsessions - 1; i >= 0 && n < TOLD; i--)
        if (named < 2 || is_named(in, &in->sessions[i]))
            out[n++] = &in->sessions[i];
    return n;
}

static void tell_changes(struct teller *t, const struct session_told *s)
{
    char list[400] = "";
    for (int i = 0; i < s->nchanges; i++) {
        size_t len = strlen(list);
        say(list + len, sizeof list - len, "%s%s = %s", len ? ", " : "", s->changes[i].name,
            s->changes[i].value);
    }
    tell(t, list[0] ? "It left %s." : "It left no change%s.", list);
}

static void tell_session(struct teller *t, const struct session_told *s)
{
    char effect[24], lo[24], hi[24], name[64];
    tell_line(t, "%s (%s, %s): %d round%s.", s->name, s->strategy, s->state, s->rounds,
              s->rounds == 1 ? "" : "s");
    if (isfinite(s->effect) && isfinite(s->ci_lo) && isfinite(s->ci_hi)) {
        text_percent(effect, sizeof effect, s->effect);
        text_percent(lo, sizeof lo, s->ci_lo);
        text_percent(hi, sizeof hi, s->ci_hi);
        tell(t, "%.1f to %.1f TPS, confirmed as %s (95 %% interval %s to %s).", s->baseline_tps,
             s->best_tps, effect, lo, hi);
    } else if (s->baseline_tps > 0 && s->best_tps > 0) {
        text_percent(effect, sizeof effect, s->best_tps / s->baseline_tps);
        tell(t, "%.1f to %.1f TPS, not confirmed.", s->baseline_tps, s->best_tps);
    } else {
        tell(t, "Nothing was measured in it.");
        return;
    }
    SAY(name, "%.50s", s->name);
    tell_figure(t, name, "%.1f to %.1f TPS", s->baseline_tps, s->best_tps);
    tell_changes(t, s);
    if (s->end_reason[0])
        tell(t, "It ended: %s.", s->end_reason);
}

/* The one with the highest lower end, when it lies above the upper end of all others. */
static void tell_choice(struct teller *t, const struct session_told *const *all, int n)
{
    const struct session_told *best = NULL;
    bool clear = true;
    for (int i = 0; i < n; i++)
        if (isfinite(all[i]->ci_lo) && (!best || all[i]->ci_lo > best->ci_lo))
            best = all[i];
    if (!best) {
        tell_line(t, "None of them was confirmed: a longer session decides.");
        return;
    }
    for (int i = 0; i < n; i++)
        clear = clear &&
                (all[i] == best || !isfinite(all[i]->ci_hi) || all[i]->ci_hi < best->ci_lo);
    if (!(best->ci_lo > 1))
        tell_line(t, "None has shown a gain.");
    else if (n == 1)
        tell_line(t, "There is no other session to set it against.");
    else
        tell_line(t, "%s is the one to go on with: it gained %+.1f %% at least%s.", best->name,
                  (best->ci_lo - 1) * 100,
                  clear ? ", more than any other" : ", though the intervals overlap");
    if (n > 1)
        tell(t, "The figures of different workloads or machines are not set against each other.");
}

static void tell_offers(struct teller *t, const struct first_sight *sight)
{
    tell_line(t, "No session has ended here yet; the strategies on offer:");
    for (int i = 0; sight && i < sight->nstrategies; i++)
        tell_line(t, "%s: %s Expected: %s", sight->strategies[i].name, sight->strategies[i].why,
                  sight->strategies[i].expects);
}

void op_builtin_compare(const struct op_input *in, struct prose *out)
{
    const struct session_told *all[TOLD];
    static struct first_sight const none;
    struct first_sight sight = none;
    struct teller t;
    struct sense s;
    teller_init(&t, out);
    sense_init(&s, in->e);
    int n = choose(in, all);
    tell_server(&t, &s);
    for (int i = n - 1; i >= 0; i--)
        tell_session(&t, all[i]);
    if (n > 0) {
        tell_choice(&t, all, n);
    } else {
        if (!in->sight)
            builtin_first_sight(in->e, &sight);
        tell_offers(&t, in->sight ? in->sight : &sight);
    }
    tell_bottleneck(&t, &s);
}
