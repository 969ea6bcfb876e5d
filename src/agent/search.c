/* Which alternatives the next round screens.
 *
 * The first time whole configurations stand against each other: what the figures speak for, that with PostgreSQL's defaults
 * for whatever else differs from them, that with pgtune's values. So no session ends below the better of the two for want of
 * having tried. Later rounds vary the best by single steps, the most promising first; those that gain are joined. Where whole
 * configurations are few, single steps fill up the first round as well. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/search.h"

enum {
    SINGLES_MAX = 5,
    GROUP_MAX = 2,  /* of them from one group of settings, as long as there are others */
    WHOLES_MIN = 3, /* below so many whole configurations single steps join them */
    PRIOR_MISSES =
        2 /* rounds without a gain, after which experience alone is no reason for another */
};

/* A restart for less is left to the alternatives that restart anyway: without it the first one is switched to at once. */
static const double worth_a_restart = 15;
/* Below this an idea is not worth its run. */
static const double least_worth = 1.2;

static bool same_line(const struct sense *s, const struct setting_change *a,
                      const struct setting_change *b)
{
    return strcmp(a->name, b->name) == 0 && rules_same_value(s, a->name, a->value, b->value);
}

/* Puts a line into alternative `set`. False when there is no room. */
static bool put(const struct pool *p, struct proposal *out, int set, const struct setting_change *c)
{
    for (int i = 0; i < out->n; i++)
        if (same_line(p->s, &out->changes[i], c)) {
            out->changes[i].sets |= 1u << set;
            return true;
        }
    if (out->n == CHANGES_MAX)
        return false;
    out->changes[out->n] = *c;
    out->changes[out->n++].sets = 1u << set;
    return true;
}

static bool names(const struct proposal *out, int set, const char *name)
{
    for (int i = 0; i < out->n; i++)
        if ((out->changes[i].sets >> set & 1) && strcmp(out->changes[i].name, name) == 0)
            return true;
    return false;
}

/* The ideas of a source that are not decided and whose setting the alternative does not name yet. */
static int put_all(const struct pool *p, struct proposal *out, int set, enum idea_from from,
                   bool weak_restarts)
{
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        const struct idea *idea = &p->ideas[i];
        bool weak = idea->restart && !(idea->change.expect_hi >= worth_a_restart);
        if (idea->from != from || names(out, set, idea->change.name) ||
            past_of(p, &idea->change) == PAST_DONE || (weak && !weak_restarts))
            continue;
        n += put(p, out, set, &idea->change);
    }
    return n;
}

/* ---- whole configurations ---- */

static void add_evidence(const struct pool *p, struct proposal *out, int set, bool weak_restarts)
{
    put_all(p, out, set, FROM_RULE, weak_restarts);
    put_all(p, out, set, FROM_MEMORY, weak_restarts);
}

static unsigned lines_in(const struct proposal *out, int set)
{
    unsigned lines = 0;
    for (int i = 0; i < out->n; i++)
        if (out->changes[i].sets >> set & 1)
            lines |= 1u << i;
    return lines;
}

/* Takes the newest alternative back when it is empty or the same as another. */
static void close_set(struct proposal *out, const char *name)
{
    unsigned lines = lines_in(out, out->nsets);
    bool fresh = lines != 0;
    for (int i = 0; i < out->nsets; i++)
        fresh = fresh && lines_in(out, i) != lines;
    if (fresh) {
        SAY(out->set_names[out->nsets], "%s", name);
        out->nsets++;
        return;
    }
    for (int i = 0; i < out->n; i++)
        out->changes[i].sets &= ~(1u << out->nsets);
}

/* For the planner's costs the defaults stand against what the figures speak for: both ways are measured. */
static int put_default_costs(const struct pool *p, struct proposal *out, int set)
{
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        const struct idea *idea = &p->ideas[i];
        const struct knob *k = knob_find(idea->change.name);
        if (idea->from == FROM_DEFAULT && k && k->group == KNOB_PLANNER &&
            past_of(p, &idea->change) != PAST_DONE)
            n += put(p, out, set, &idea->change);
    }
    return n;
}

static void propose_wholes(const struct pool *p, struct proposal *out)
{
    add_evidence(p, out, 0, false);
    close_set(out, "what the figures speak for");
    int set = out->nsets;
    int defaults = put_default_costs(p, out, set);
    add_evidence(p, out, set, true);
    if (put_all(p, out, set, FROM_DEFAULT, true) + defaults > 0)
        close_set(out, set > 0 ? "that, else PostgreSQL's defaults" : "PostgreSQL's defaults");
    else
        close_set(out, set > 0 ? "that, with a restart" : "what the figures speak for");
    set = out->nsets;
    add_evidence(p, out, set, true);
    int thumb = put_all(p, out, set, FROM_THUMB, true);
    put_all(p, out, set, FROM_DEFAULT, true);
    close_set(out, thumb > 0 && set > 0 ? "that, else pgtune's values" : "pgtune's values");
}

/* ---- single steps ---- */

struct pick {
    const struct idea *idea;
    double worth;
};

static int by_worth(const void *a, const void *b)
{
    double x = ((const struct pick *)a)->worth, y = ((const struct pick *)b)->worth;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Was a value of the same setting, on the same side of what is in force, measured alone without gain? Then less is to be
 * expected of another. */
static bool neighbour_failed(const struct pool *p, const struct idea *idea)
{
    const struct sense *s = p->s;
    double now = sense_number(s, idea->change.name);
    double to = sense_value(s, idea->change.name, idea->change.value);
    for (int i = 0; i < p->n; i++) {
        const struct setting_change *c = &p->ideas[i].change;
        double other = sense_value(s, c->name, c->value);
        if (&p->ideas[i] != idea && strcmp(c->name, idea->change.name) == 0 &&
            (other > now) == (to > now) && past_of(p, c) == PAST_DONE)
            return true;
    }
    return false;
}

/* What is open, the most promising first. */
static int open_ideas(const struct pool *p, struct pick *picks)
{
    int n = 0;
    bool tired = past_misses(p->s) >= PRIOR_MISSES;
    for (int i = 0; i < p->n; i++) {
        const struct idea *idea = &p->ideas[i];
        enum past past = past_of(p, &idea->change);
        bool measured = idea->from == FROM_RULE || idea->from == FROM_MEMORY ||
                        idea->from == FROM_SYSTEM;
        double worth = idea->worth * (past == PAST_SUSPECT ? 0.9 : past == PAST_AGAIN ? 0.8 : 1);
        if (!measured && idea->from != FROM_LADDER && neighbour_failed(p, idea))
            worth *= 0.4;
        if (past == PAST_DONE || worth < least_worth || (tired && !measured) ||
            (!measured && !pool_relevant(p, idea->change.name, idea->change.value)))
            continue;
        picks[n].idea = idea;
        picks[n++].worth = worth - 1e-6 * i; /* a stable order */
    }
    qsort(picks, (size_t)n, sizeof *picks, by_worth);
    return n;
}

static bool of_parallelism(const char *name)
{
    const struct knob *k = knob_find(name);
    return k && k->group == KNOB_PARALLEL;
}

/* What does nothing without the other goes along: workers without a pool of them. */
static void put_companions(const struct pool *p, struct proposal *out, int set,
                           const struct idea *idea)
{
    for (int i = 0; of_parallelism(idea->change.name) && i < p->n; i++) {
        const struct idea *other = &p->ideas[i];
        if (other->from <= FROM_DEFAULT && other->from != FROM_LADDER &&
            of_parallelism(other->change.name) && !names(out, set, other->change.name) &&
            past_of(p, &other->change) != PAST_DONE)
            put(p, out, set, &other->change);
    }
}

static int alternatives_naming(const struct proposal *out, const char *name)
{
    int n = 0;
    for (int set = 0; set < out->nsets; set++)
        n += names(out, set, name);
    return n;
}

/* Alternatives so far that begin with a setting of the same group. */
static int alternatives_of_group(const struct proposal *out, const char *name)
{
    const struct knob *k = knob_find(name);
    int n = 0;
    for (int set = 0; set < out->nsets; set++)
        for (int i = 0; i < out->n; i++)
            if (out->changes[i].sets >> set & 1) {
                const struct knob *other = knob_find(out->changes[i].name);
                n += k && other && k->group == other->group;
                break;
            }
    return n;
}

/* One pass over what is open, the most promising first. No more than so many of a group: the planner's prices are five
 * settings that say nearly the same, and would leave no run to anything else. */
static void add_singles(const struct pool *p, struct proposal *out, int most, int of_group,
                        const struct pick *picks, int n, int *restart_set)
{
    for (int i = 0; i < n && out->nsets < most; i++) {
        const struct setting_change *c = &picks[i].idea->change;
        if (alternatives_naming(out, c->name) >= 2 ||
            alternatives_of_group(out, c->name) >= of_group)
            continue;
        if (picks[i].idea->restart && *restart_set >= 0) {
            if (!names(out, *restart_set, c->name))
                put(p, out, *restart_set, c);
            continue;
        }
        char name[80];
        int set = out->nsets;
        SAY(name, "%s = %s", c->name, c->value);
        put(p, out, set, c);
        put_companions(p, out, set, picks[i].idea);
        close_set(out, name);
        if (out->nsets > set && picks[i].idea->restart)
            *restart_set = set;
    }
}

/* All that needs a restart goes into one alternative: each restart costs as much as two short runs. */
static void propose_singles(const struct pool *p, struct proposal *out, int most)
{
    struct pick *picks = xcalloc(IDEAS_MAX, sizeof *picks);
    int n = open_ideas(p, picks), restart_set = -1;
    add_singles(p, out, most, GROUP_MAX, picks, n, &restart_set);
    add_singles(p, out, most, most, picks, n, &restart_set);
    free(picks);
}

/* ---- both ---- */

/* Lines that came to belong to nothing go; a single alternative is none. */
static void tidy(struct proposal *out)
{
    int n = 0;
    for (int i = 0; i < out->n; i++)
        if (out->changes[i].sets)
            out->changes[n++] = out->changes[i];
    out->n = n;
    if (out->nsets > 1)
        return;
    for (int i = 0; i < out->n; i++)
        out->changes[i].sets = 0;
    out->nsets = 0;
    out->set_names[0][0] = '\0';
}

bool search_propose(const struct pool *p, struct proposal *out)
{
    bool first = !past_began(p->s) && p->s->measured;
    if (first) {
        propose_wholes(p, out);
        if (out->nsets < WHOLES_MIN)
            propose_singles(p, out, SINGLES_MAX);
    } else if (!p->s->measured) {
        add_evidence(p, out, 0, true);
        close_set(out, "");
    } else {
        propose_singles(p, out, SINGLES_MAX);
    }
    tidy(out);
    return out->n > 0;
}
