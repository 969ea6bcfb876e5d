/* The rules' driver: repairs of inherited dangers, then every row of every topic, filtered by what
 * this server can take. */
#include "pgd/agent/rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

/* What a server should not have been given. Repairing it is proposed whether or not it costs speed.
 */
static const struct inherited {
    const char *setting;
    const char *safe;
    const char *area;
    const char *what;
    int severity;
    bool plans; /* changes plans, so speed may be gained */
} inherited[] = {
    {"fsync", "on", "durability", "a crash of the machine can destroy the whole cluster", 3, false},
    {"full_page_writes", "on", "durability", "a crash can leave torn pages that nothing repairs", 3,
     false},
    {"zero_damaged_pages", "off", "durability", "damaged pages are silently emptied", 3, false},
    {"ignore_checksum_failure", "off", "durability", "damaged pages are used as if they were sound",
     3, false},
    {"autovacuum", "on", "vacuum", "dead rows are never removed and transaction numbers run out", 3,
     false},
    {"track_counts", "on", "vacuum", "autovacuum works blind without counts", 3, false},
    {"enable_hashjoin", "on", "planner", "the planner may not use hash joins", 2, true},
    {"enable_mergejoin", "on", "planner", "the planner may not use merge joins", 2, true},
    {"enable_nestloop", "on", "planner", "the planner may not use nested loops", 2, true},
    {"enable_indexscan", "on", "planner", "the planner may not use index scans", 2, true},
    {"enable_indexonlyscan", "on", "planner", "the planner may not use index-only scans", 2, true},
    {"enable_bitmapscan", "on", "planner", "the planner may not use bitmap scans", 2, true},
    {"enable_hashagg", "on", "planner", "the planner may not aggregate by hash", 2, true},
    {"enable_sort", "on", "planner", "the planner avoids sorting", 2, true},
    {"enable_seqscan", "on", "planner", "the planner avoids sequential scans where they are best",
     2, true},
    {"enable_material", "on", "planner", "the planner may not keep intermediate results", 2, true},
    {"enable_memoize", "on", "planner", "the planner may not remember inner rows", 1, true},
    {"enable_incremental_sort", "on", "planner", "the planner may not finish partly sorted rows", 1,
     true},
};

int rules_inherited(const struct sense *s, int from, struct setting_change *c, struct finding *f)
{
    char now[32];
    for (int i = from; i < (int)ARRAY_LEN(inherited); i++) {
        const struct inherited *in = &inherited[i];
        sense_shown(s, in->setting, now, sizeof now);
        if (!now[0] || rules_in_force(s, in->setting, in->safe))
            continue;
        memset(c, 0, sizeof *c);
        memset(f, 0, sizeof *f);
        SAY(c->name, "%s", in->setting);
        SAY(c->value, "%s", in->safe);
        SAY(c->rule, "inherited");
        SAY(c->why, "A repair: with %s = %s %s.", in->setting, now, in->what);
        if (in->plans && s->plan_ms > 0)
            SAY(c->evidence, "%s is %s; the workload's %d plans were made so and ran %.1f ms",
                in->setting, now, s->e->nplans, s->plan_ms);
        else
            SAY(c->evidence,
                "%s is %s on this server, 1 of %d inherited values that are looked for",
                in->setting, now, (int)ARRAY_LEN(inherited));
        c->expect_lo = in->plans ? 0 : NAN;
        c->expect_hi = in->plans ? 40 : NAN;
        c->risk = RISK_LOW;
        SAY(f->area, "%s", in->area);
        SAY(f->text, "%s is %s: %s. Setting it %s is proposed before anything else.", in->setting,
            now, in->what, in->safe);
        SAY(f->figure, "%s = %s", in->setting, now);
        f->severity = in->severity;
        return i + 1;
    }
    return -1;
}

bool rules_same_value(const struct sense *s, const char *name, const char *a, const char *b)
{
    double x = sense_value(s, name, a);
    double y = sense_value(s, name, b);
    if (isfinite(x) && isfinite(y))
        return fabs(x - y) <= 0.01 * fmax(fabs(x), fabs(y));
    return text_eq_nocase(a, b);
}

bool rules_in_force(const struct sense *s, const char *name, const char *value)
{
    char now[SETTING_VALUE_MAX];
    double have = sense_number(s, name);
    double want = sense_value(s, name, value);
    if (isfinite(have) && isfinite(want))
        return fabs(have - want) <= 0.01 * fmax(fabs(have), fabs(want));
    return rules_same_value(s, name, sense_shown(s, name, now, sizeof now), value);
}

/* Is the setting one that this server has, and that may be proposed? */
static bool offered(const struct sense *s, const char *name)
{
    const struct knob *k = knob_find(name);
    int version = s->f->id.version_num;
    if (k && k->min_version > version && version > 0)
        return false;
    const struct setting *one = settings_find(&s->f->settings, name);
    return s->f->settings.n == 0 || (one && !settings_denied(s->f, one));
}

static bool restarts(const struct sense *s, const char *name)
{
    const struct setting *one = settings_find(&s->f->settings, name);
    return one && strcmp(one->context, "postmaster") == 0;
}

static bool present(const struct candidates *out, const char *name)
{
    for (int i = 0; i < out->n; i++)
        if (strcmp(out->changes[i].name, name) == 0)
            return true;
    return false;
}

static void add(struct candidates *out, const struct setting_change *c, const char *area,
                bool repair)
{
    int at = out->n;
    if (at == CHANGES_MAX)
        return;
    /* Repairs stand first in the order of their table, the rest by expectation. */
    while (!repair && at > 0 && !out->repairs[at - 1] &&
           out->changes[at - 1].expect_hi < c->expect_hi) {
        out->changes[at] = out->changes[at - 1];
        out->areas[at] = out->areas[at - 1];
        at--;
    }
    out->changes[at] = *c;
    out->areas[at] = area;
    out->repairs[at] = repair; /* repairs are never moved: all come before the rest */
    out->n++;
}

static void withhold(struct candidates *out, const struct setting_change *c)
{
    if (out->withheld++ == 0 || c->expect_hi > out->held.expect_hi)
        out->held = *c;
}

static void collect_group(const struct sense *s, const struct rule_group *g, struct candidates *out)
{
    for (int i = 0; i < g->n; i++) {
        const struct rule *r = &g->rules[i];
        struct setting_change c = {.expect_lo = NAN, .expect_hi = NAN, .risk = RISK_LOW};
        SAY(c.name, "%s", r->setting);
        SAY(c.rule, "%s", r->id);
        if (present(out, r->setting) || !offered(s, r->setting) || !r->fire(s, &c))
            continue;
        if (rules_in_force(s, r->setting, c.value))
            continue;
        if (restarts(s, r->setting) && !s->e->restart_allowed)
            withhold(out, &c);
        else
            add(out, &c, r->area, false);
    }
}

/* What is in force on the host is no entry of ours until it was sent: then that value counts. */
static void collect_os(const struct sense *s, struct candidates *out)
{
    for (int i = 0; i < s->f->settings.n; i++) {
        const struct setting *now = &s->f->settings.items[i];
        struct setting_change c;
        const char *area;
        if (os_is(now->name) && !sense_ours(s, now->name) && rules_os_fire(s, now, &c, &area))
            add(out, &c, area, false);
    }
}

void rules_collect(const struct sense *s, struct candidates *out)
{
    struct setting_change c;
    struct finding f;
    memset(out, 0, sizeof *out);
    for (int at = 0; (at = rules_inherited(s, at, &c, &f)) >= 0;)
        add(out, &c, inherited[at - 1].area, true);
    if (sense_blocked(s) != BLOCK_NONE)
        return;
    collect_group(s, &rules_memory, out);
    collect_group(s, &rules_planner, out);
    collect_group(s, &rules_parallel, out);
    collect_group(s, &rules_write, out);
    collect_os(s, out);
}
