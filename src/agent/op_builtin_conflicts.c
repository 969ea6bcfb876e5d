/* The builtin merged report: what the archived sessions of a workspace lead to together. A setting that several have changed gets
 * the value of a confirmed session before that of another, then the one that was measured to earn clearly more, then the newest. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

/* Two measured gains that are closer than this are alike: a ratio. */
static const double clearly = 0.02;

struct claim {
    const struct session_told *session;
    const struct told_change *change;
};

static bool confirmed(const struct session_told *t)
{
    return t->ci_lo > 1;
}

/* Does the newer claim replace the older one? */
static bool wins(const struct claim *newer, const struct claim *older, char *why, size_t size)
{
    bool a = confirmed(newer->session), b = confirmed(older->session);
    double gain = newer->change->earned - older->change->earned;
    char more[24], less[24];
    if (a != b) {
        const struct claim *one = a ? newer : older, *other = a ? older : newer;
        say(why, size, "Confirmed in %s (at least %+.1f %%); %s = %s of %s was not confirmed.",
            one->session->name, (one->session->ci_lo - 1) * 100, other->change->name,
            other->change->value, other->session->name);
        return a;
    }
    if (fabs(gain) > clearly) {
        const struct claim *one = gain > 0 ? newer : older, *other = gain > 0 ? older : newer;
        text_percent(more, sizeof more, one->change->earned);
        text_percent(less, sizeof less, other->change->earned);
        say(why, size, "It earned %s in %s, more than the %s of %s = %s in %s.", more,
            one->session->name, less, other->change->name, other->change->value,
            other->session->name);
        return gain > 0;
    }
    say(why, size, "The newer session %s decides over %s = %s of %s: neither earned clearly more.",
        newer->session->name, older->change->name, older->change->value, older->session->name);
    return true;
}

/* A newer session that has tried the value without gain. */
static const struct told_change *failed_later(const struct op_input *in, const struct claim *c,
                                              const struct session_told **where)
{
    for (const struct session_told *t = c->session + 1; t < in->sessions + in->nsessions; t++)
        for (int i = 0; i < t->nfailed; i++)
            if (strcmp(t->failed[i].name, c->change->name) == 0 &&
                strcmp(t->failed[i].value, c->change->value) == 0) {
                *where = t;
                return &t->failed[i];
            }
    return NULL;
}

static void alone(const struct claim *c, char *why, size_t size)
{
    char earned[24];
    if (isfinite(c->change->earned)) {
        text_percent(earned, sizeof earned, c->change->earned);
        say(why, size, "It earned %s in %s. %s", earned, c->session->name, c->change->evidence);
    } else {
        say(why, size, "%s left it; what it earns alone was not measured. %s", c->session->name,
            c->change->evidence);
    }
}

void op_merge(const struct op_input *in, const char *name, struct merged_setting *out)
{
    struct claim best = {0};
    const struct session_told *where;
    char why[sizeof out->why] = "";
    memset(out, 0, sizeof *out);
    for (int i = 0; i < in->nsessions; i++)
        for (int k = 0; k < in->sessions[i].nchanges; k++) {
            struct claim c = {&in->sessions[i], &in->sessions[i].changes[k]};
            if (strcmp(c.change->name, name) != 0)
                continue;
            bool differs = best.change && strcmp(best.change->value, c.change->value) != 0;
            out->conflict = out->conflict || differs;
            if (!best.change || !differs || wins(&c, &best, why, sizeof why))
                best = c;
        }
    if (!why[0])
        alone(&best, why, sizeof why);
    size_t len = strlen(why);
    if (failed_later(in, &best, &where))
        say(why + len, sizeof why - len, " %s measured it without gain.", where->name);
    SAY(out->name, "%s", best.change->name);
    SAY(out->value, "%s", best.change->value);
    SAY(out->session, "%s", best.session->name);
    SAY(out->why, "%s", why);
}

static bool listed(const struct merged_report *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->settings[i].name, name) == 0)
            return true;
    return false;
}

static void say_best(const struct op_input *in, char *dst, size_t size)
{
    const struct session_told *best = NULL;
    char effect[24];
    dst[0] = '\0';
    for (int i = 0; i < in->nsessions; i++)
        if (isfinite(in->sessions[i].effect) && (!best || in->sessions[i].effect > best->effect))
            best = &in->sessions[i];
    if (!best)
        return;
    text_percent(effect, sizeof effect, best->effect);
    say(dst, size, " The largest effect is that of %s: %s, %.0f to %.0f TPS under its workload.",
        best->name, effect, best->baseline_tps, best->best_tps);
}

void op_builtin_conflicts(const struct op_input *in, struct merged_report *out)
{
    char best[300];
    int conflicts = 0;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < in->nsessions; i++)
        for (int k = 0; k < in->sessions[i].nchanges && out->n < CONFLICTS_MAX; k++)
            if (!listed(out, in->sessions[i].changes[k].name))
                op_merge(in, in->sessions[i].changes[k].name, &out->settings[out->n++]);
    for (int i = 0; i < out->n; i++)
        conflicts += out->settings[i].conflict;
    say_best(in, best, sizeof best);
    if (in->nsessions == 0) {
        SAY(out->text, "No session of this workspace has come to its end yet.");
        return;
    }
    if (out->n == 0) {
        SAY(out->text, "%d session%s ended, and none left a setting changed.%s", in->nsessions,
            in->nsessions == 1 ? "" : "s", best);
        return;
    }
    SAY(out->text, "%d session%s lead%s to %d setting%s. %s%s %s", in->nsessions,
        in->nsessions == 1 ? "" : "s", in->nsessions == 1 ? "s" : "", out->n,
        out->n == 1 ? "" : "s",
        conflicts            ? "Where they disagree the reason stands with the setting."
        : in->nsessions == 1 ? "It measured them together."
                             : "They agree.",
        best,
        in->nsessions == 1
            ? "What each earns alone is told where it was measured."
            : "The set as a whole was not measured: each value is from its own session.");
    for (int i = 0; i < out->n; i++) {
        const struct merged_setting *s = &out->settings[i];
        size_t len = strlen(out->text);
        if (s->conflict && len + 400 < sizeof out->text)
            say(out->text + len, sizeof out->text - len, " %s = %s: %s", s->name, s->value, s->why);
    }
}
