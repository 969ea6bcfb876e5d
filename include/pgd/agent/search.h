/* search.h - what the built-in advisor tries next: a pool of ideas from several sources, less what the rounds have already
 * decided, as alternatives to be screened against each other.
 *
 * Sources, in the order in which one that names the same value comes first: the rules (a measured cause), what earned or
 * failed in earlier sessions, a step further or back on the ladder of what paid, PostgreSQL's own defaults where this
 * server's values differ, pgtune's values for this machine, and at last the settings that most often matter for a load of
 * this kind. */
#pragma once

#include "pgd/agent/knowledge.h"
#include "pgd/agent/rules.h"

enum idea_from {
    FROM_RULE,
    FROM_MEMORY,
    FROM_LADDER,
    FROM_DEFAULT,
    FROM_THUMB,
    FROM_PRIOR,
    FROM_SYSTEM /* a rule about the operating system: by itself, never part of a whole configuration */
};

struct idea {
    struct setting_change change;
    enum idea_from from;
    double worth; /* percent, for the order alone */
    bool restart;
};

enum { IDEAS_MAX = 96 };

struct pool {
    const struct sense *s; /* borrowed */
    struct knowledge *known;
    struct known_scale scale;
    double load[LOAD_KINDS]; /* 0..1: how much of the workload is of this kind */
    struct candidates all;   /* of the rules */
    int n;
    struct idea *ideas; /* owned, IDEAS_MAX */
};

void pool_init(struct pool *p, const struct sense *s);
void pool_clear(struct pool *p);
/* What the load is like, as a bit of text: "reads from memory, writes". */
void pool_load_text(const struct pool *p, char *dst, size_t size);
/* Is a change of this setting, from what is in force to this value, able to matter for what was measured? */
bool pool_relevant(const struct pool *p, const char *name, const char *value);

/* What the rounds have taught of a value. */
enum past {
    PAST_NEW,
    PAST_SUSPECT, /* part of a set without gain: others may have dragged it down */
    PAST_AGAIN,   /* measured alone without gain, but what it interacts with has changed since */
    PAST_DONE     /* measured alone, kept, or rejected */
};
enum past past_of(const struct pool *p, const struct setting_change *c);
/* Was this line of the round in the configuration that its verdict is of? */
bool past_measured(const struct round_history *r, int line);
/* Did a round that was kept have this setting among its changes? ratio: that round's gain, which as many lines share. */
bool past_earned(const struct sense *s, const char *name, double *ratio, int *lines);
/* Was anything but repairs tried yet? */
bool past_began(const struct sense *s);
/* Rounds without a gain at the end of the history. */
int past_misses(const struct sense *s);

/* Fills changes, alternatives and names; false when nothing is left. first: whole configurations, else single steps. */
bool search_propose(const struct pool *p, struct proposal *out);
