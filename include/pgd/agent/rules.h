/* rules.h - the built-in advisor's rules: from a measured cause to one change of a setting.
 *
 * A rule is a row. Adding one: a function that returns false unless the cause was measured, and
 * otherwise fills value, why, evidence (with the figure), expectation and risk; then a row in the
 * table of its topic. What is in force already, unknown to this server, or needs a restart that is
 * not allowed is dropped by rules_collect(). */
#pragma once

#include "pgd/agent/sense.h"

typedef bool (*rule_fn)(const struct sense *s, struct setting_change *c);

struct rule {
    const char *id; /* its predictions are scored under this name */
    const char *setting;
    const char *area; /* as in struct finding */
    rule_fn fire;
};

struct rule_group {
    const struct rule *rules;
    int n;
};

extern const struct rule_group rules_memory, rules_planner, rules_parallel, rules_write;

/* A change of a setting of the server's host (rules_os.c) that the figures speak for and the guard would let through. */
bool rules_os_fire(const struct sense *s, const struct setting *now, struct setting_change *c,
                   const char **area);

struct candidates {
    int n;
    struct setting_change changes[CHANGES_MAX];
    const char *areas[CHANGES_MAX];
    bool repairs[CHANGES_MAX];  /* an inherited danger: first, and not for speed */
    int withheld;               /* would need a restart, which is not allowed */
    struct setting_change held; /* the strongest of those */
};

/* All that the evidence supports: repairs first, then by what is expected of them. Whether a value
 * was measured or rejected before is not looked at. */
void rules_collect(const struct sense *s, struct candidates *out);
/* Does this value of the setting stand already? */
bool rules_in_force(const struct sense *s, const char *name, const char *value);
/* Whether two texts mean the same value of a setting (within 1 %). */
bool rules_same_value(const struct sense *s, const char *name, const char *a, const char *b);

/* Settings that endanger data, service or plans and that the server came with; -1 at the end. Fills
 * one finding for each. */
int rules_inherited(const struct sense *s, int from, struct setting_change *c, struct finding *f);

/* What several files ask of the evidence. */
bool spills_measured(const struct sense *s);
bool plan_spills(const struct sense *s, const struct plan_facts *p);
bool plan_discards(const struct sense *s,
                   const struct plan_facts *p); /* a large sequential scan for few rows */
bool plan_parallel(const struct sense *s, const struct plan_facts *p);
bool plan_jits(const struct sense *s, const struct plan_facts *p);
double jit_share(const struct sense *s); /* of the execution time of all plans */
bool cpu_saturated(const struct sense *s);
/* Requested checkpoints beyond the one that precedes each measured run; NAN if not counted. */
double checkpoints_forced(const struct sense *s);
double wal_fill_seconds(
    const struct sense *s); /* until max_wal_size asks for a checkpoint; NAN if unknown */
bool checkpoint_pressure(const struct sense *s);
