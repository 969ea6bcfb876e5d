/* The pool of ideas: each source adds what it has, with a reason, a figure and an expectation. What the server does not have,
 * may not be changed, is in force already or would be refused anyway never enters it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/search.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

#define KB 1024.0

/* ---- what the load is like ---- */

static double load_cpu(const struct sense *s)
{
    double longest = 0;
    for (int i = 0; i < s->e->nplans; i++)
        if (s->e->plans[i].valid)
            longest = fmax(longest, s->e->plans[i].exec_ms);
    double plans = s->e->nplans == 0 ? 0.7 : longest >= 1 ? 1 : longest >= 0.3 ? 0.3 : 0.1;
    return plans * (s->w.cpu_idle > 0.6 ? 0.7 : 1);
}

static double load_read(const struct sense *s)
{
    double wait = fmax(sense_wait(s, "IO:DataFileRead"), s->w.cpu_iowait);
    double some = s->read_rate > 1000 ? 0.3 : s->read_rate > 100 ? 0.1 : 0;
    return fmin(1, fmax(some, isnan(wait) ? 0 : 2 * wait));
}

static double load_write(const struct sense *s)
{
    bool writes = s->wal_rate > 256 * KB || s->w.tup_written > 0.05 * s->w.commits;
    double wait = sense_wait(s, "IO:WAL") + sense_wait(s, "LWLock:WAL") +
                  sense_wait(s, "IO:DataFileWrite");
    if (!writes)
        return 0;
    return wait > 0.1 || s->w.ckpt_req >= 1 || s->wal_rate > 4 * KB * KB ? 1 : 0.6;
}

void pool_load_text(const struct pool *p, char *dst, size_t size)
{
    static const char *const words[LOAD_KINDS] = {[LOAD_CPU] = "statements that keep the CPUs busy",
                                                  [LOAD_READ] = "reads past the shared cache",
                                                  [LOAD_WRITE] = "writes",
                                                  [LOAD_SPILL] = "temporary files"};
    dst[0] = '\0';
    for (int k = 0; k < LOAD_KINDS; k++) {
        size_t len = strlen(dst);
        if (p->load[k] >= 0.3)
            say(dst + len, size - len, "%s%s", len ? ", " : "", words[k]);
    }
    if (!dst[0])
        say(dst, size, "short statements");
}

/* ---- adding ---- */

static double worth_of(const struct pool *p, const char *name)
{
    const struct known_setting *k = knowledge_find(p->known, name);
    double worth = 0;
    for (int i = 0; k && i < LOAD_KINDS; i++)
        worth = fmax(worth, k->worth[i] * p->load[i]);
    return worth;
}

static bool takes_value(const struct pool *p, const char *name, const char *value)
{
    const struct knob *k = knob_find(name);
    const struct setting *one = settings_find(&p->s->f->settings, name);
    char shown[SETTING_VALUE_MAX];
    double number = NAN;
    if (!k || !one || (k->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY)) ||
        settings_denied(p->s->f, one) ||
        !guard_value(one, value, &number, shown, sizeof shown, NULL))
        return false;
    bool special = number < 0 && (k->flags & KNOB_MINUS_ONE);
    return special || (!(number < k->floor) && !(number > k->ceiling));
}

/* A value's idea, to be filled in by the caller; NULL when there is no place or no sense in it. */
static struct idea *add(struct pool *p, enum idea_from from, const char *name, const char *value)
{
    const struct known_setting *known = knowledge_find(p->known, name);
    const struct setting *one = settings_find(&p->s->f->settings, name);
    bool restart = one && strcmp(one->context, "postmaster") == 0;
    if (p->n == IDEAS_MAX || !known || !takes_value(p, name, value) ||
        rules_in_force(p->s, name, value) || (restart && !p->s->e->restart_allowed))
        return NULL;
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->ideas[i].change.name, name) == 0 &&
            rules_same_value(p->s, name, p->ideas[i].change.value, value))
            return NULL;
    struct idea *idea = &p->ideas[p->n++];
    memset(idea, 0, sizeof *idea);
    idea->from = from;
    idea->restart = restart;
    idea->worth = worth_of(p, name);
    SAY(idea->change.name, "%s", name);
    SAY(idea->change.value, "%s", value);
    idea->change.expect_lo = 0;
    idea->change.expect_hi = fmax(2, idea->worth);
    idea->change.risk = restart ? RISK_MEDIUM : RISK_LOW;
    return idea;
}

/* What the workload did with the value in force, as a figure. */
static void say_use(const struct pool *p, const char *name, char *dst, size_t size)
{
    const struct sense *s = p->s;
    const struct knob *k = knob_find(name);
    bool writes = k && (k->group == KNOB_WAL || k->group == KNOB_BGWRITER ||
                        k->group == KNOB_AUTOVACUUM);
    if (writes && s->w.valid)
        say(dst, size, "%s of WAL in %.0f s, %.0f checkpoints asked for",
            size_figure(s->w.wal_bytes).text, s->w.secs, isnan(s->w.ckpt_req) ? 0 : s->w.ckpt_req);
    else if (s->plan_ms > 0)
        say(dst, size, "the workload's %d plans were made with it and ran %.1f ms", s->e->nplans,
            s->plan_ms);
    else if (s->w.valid)
        say(dst, size, "%.0f transactions/s, CPUs %s idle, hit ratio %s", s->w.tps,
            share_figure(s->w.cpu_idle).text, share_figure(s->w.hit_ratio).text);
    else
        say(dst, size, "1 value of %d that differ", p->s->f->settings.n);
}

/* Where nobody may accept it, it stands behind everything else: it is told, and costs no run. */
static void add_system(struct pool *p, const struct setting_change *c)
{
    const struct setting *one = settings_find(&p->s->f->settings, c->name);
    double middle = (c->expect_lo + c->expect_hi) / 2;
    if (p->n == IDEAS_MAX || !one)
        return;
    struct idea *idea = &p->ideas[p->n++];
    *idea = (struct idea){.change = *c, .from = FROM_SYSTEM};
    idea->restart = strcmp(one->context, "postmaster") == 0;
    idea->worth = p->s->e->os_open ? fmax(1.3, middle) : 1.25;
}

static void from_rules(struct pool *p)
{
    for (int i = 0; i < p->all.n; i++) {
        const struct setting_change *c = &p->all.changes[i];
        if (os_is(c->name)) {
            add_system(p, c);
            continue;
        }
        struct idea *idea = p->all.repairs[i] ? NULL : add(p, FROM_RULE, c->name, c->value);
        if (!idea)
            continue;
        idea->change = *c;
        double middle = (c->expect_lo + c->expect_hi) / 2;
        idea->worth = isnan(middle) ? 4 : fmax(4, middle);
    }
}

static void from_memory(struct pool *p)
{
    const struct evidence *e = p->s->e;
    for (int i = 0; i < e->nremembered; i++) {
        const struct remembered *r = &e->remembered[i];
        struct idea *idea = r->earned ? add(p, FROM_MEMORY, r->name, r->value) : NULL;
        if (!idea)
            continue;
        SAY(idea->change.rule, "earned_before");
        SAY(idea->change.why,
            "An earlier session of this workspace measured it under the same workload.");
        SAY(idea->change.evidence, "it earned %.1f %% then", (r->ratio - 1) * 100);
        idea->change.expect_hi = fmax(1, (r->ratio - 1) * 100);
        idea->worth = fmax(4, (r->ratio - 1) * 50);
    }
}

/* ---- PostgreSQL's defaults ---- */

static bool default_text(const struct pool *p, const char *name, char *dst, size_t size)
{
    const struct known_setting *k = knowledge_find(p->known, name);
    const struct setting *one = settings_find(&p->s->f->settings, name);
    double number;
    /* initdb writes a size of its own into postgresql.conf. */
    bool by_initdb = strcmp(name, "shared_buffers") == 0;
    if (!k || !one)
        return false;
    if (!by_initdb && one->boot[0] && guard_value(one, one->boot, &number, dst, size, NULL))
        return true;
    return guard_value(one, k->otherwise, &number, dst, size, NULL);
}

/* Of those that a running workload feels. */
static bool felt(const struct pool *p, const char *name)
{
    const struct knob *k = knob_find(name);
    if (!k || k->group == KNOB_OBSERVE || (k->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY)))
        return false;
    if (k->group == KNOB_AUTOVACUUM || k->group == KNOB_WAL || k->group == KNOB_BGWRITER)
        return p->load[LOAD_WRITE] > 0;
    return !strstr(name, "maintenance") && strcmp(name, "autovacuum_work_mem") != 0 &&
           strcmp(name, "default_statistics_target") != 0 && strcmp(name, "huge_pages") != 0;
}

/* How far from the default, in doublings, as a weight from 1 to 3. */
static double distance(const struct pool *p, const char *name, const char *value)
{
    double now = sense_number(p->s, name), to = sense_value(p->s, name, value);
    if (!(now > 0) || !(to > 0))
        return 2;
    return fmin(3, fmax(1, fabs(log2(now / to))));
}

static void from_defaults(struct pool *p)
{
    char value[SETTING_VALUE_MAX], now[SETTING_VALUE_MAX], use[120];
    for (int i = 0; i < p->known->n; i++) {
        const char *name = p->known->items[i].name;
        const struct setting *one = settings_find(&p->s->f->settings, name);
        if (!one || !felt(p, name) || sense_ours(p->s, name) ||
            strcmp(one->source, "default") == 0 || strcmp(one->source, "override") == 0 ||
            !default_text(p, name, value, sizeof value))
            continue;
        struct idea *idea = add(p, FROM_DEFAULT, name, value);
        if (!idea)
            continue;
        say_use(p, name, use, sizeof use);
        SAY(idea->change.rule, "back_to_default");
        SAY(idea->change.evidence, "%s is %s, PostgreSQL's default is %s; %s", name,
            sense_shown(p->s, name, now, sizeof now), value, use);
        SAY(idea->change.why,
            "Nothing measured here speaks for the value that this server was given.");
        idea->worth = fmax(2, idea->worth) * distance(p, name, value);
        idea->change.expect_hi = ceil(2 * idea->worth);
    }
}

/* ---- pgtune ---- */

/* Compressing takes CPU, and here it is the CPUs that are short and not the WAL. */
static bool contradicted(const struct pool *p, const char *name)
{
    double wait = sense_wait(p->s, "IO:WAL") + sense_wait(p->s, "LWLock:WAL");
    return strcmp(name, "wal_compression") == 0 && cpu_saturated(p->s) && !(wait > 0.1);
}

static void from_thumb(struct pool *p)
{
    char now[SETTING_VALUE_MAX];
    struct arm *arm = xcalloc(1, sizeof *arm);
    pgtune_arm(p->s->f, "mixed", arm);
    for (int i = 0; i < arm->n; i++) {
        const struct entry *e = &arm->entries[i];
        bool may = felt(p, e->name) && !sense_ours(p->s, e->name) &&
                   pool_relevant(p, e->name, e->value) && !contradicted(p, e->name);
        struct idea *idea = may ? add(p, FROM_THUMB, e->name, e->value) : NULL;
        if (!idea)
            continue;
        SAY(idea->change.rule, "rule_of_thumb");
        SAY(idea->change.evidence, "pgtune gives %s for %s and %.4g CPUs; here it is %s", e->value,
            size_figure(p->s->ram).text, p->s->cpus, sense_shown(p->s, e->name, now, sizeof now));
        SAY(idea->change.why, "A rule of thumb for a machine of this size, to be measured here.");
    }
    free(arm);
}

/* ---- a step further, or back, on the ladder of what paid ---- */

enum { LADDER_MAX = KNOWN_LIST_MAX };

/* The ladder's values as numbers, rising, with their texts. */
static int ladder(const struct pool *p, const struct known_setting *k, double *at,
                  char (*text)[SETTING_VALUE_MAX])
{
    int n = 0;
    for (int i = 0; i < k->ladder.n; i++) {
        char value[SETTING_VALUE_MAX];
        if (!known_value(k, k->ladder.items[i], &p->scale, value, sizeof value))
            continue;
        double x = sense_value(p->s, k->name, value);
        int place = n;
        if (!isfinite(x))
            continue;
        while (place > 0 && at[place - 1] > x)
            place--;
        memmove(at + place + 1, at + place, (size_t)(n - place) * sizeof *at);
        memmove(text + place + 1, text + place, (size_t)(n - place) * sizeof *text);
        at[place] = x;
        text_copy_raw(text[place], SETTING_VALUE_MAX, value);
        n++;
    }
    return n;
}

/* Two rungs away at first; where that was measured without gain, the one between. A round's gain is shared by all that it
 * changed: who earned it is not known yet, and eight changes are no eight reasons to go further. */
static void step_to(struct pool *p, const struct known_setting *k, bool up, double ratio, int lines)
{
    double at[LADDER_MAX + 1];
    char text[LADDER_MAX + 1][SETTING_VALUE_MAX], now[SETTING_VALUE_MAX];
    double have = sense_number(p->s, k->name);
    int rungs[2], found = 0;
    int n = ladder(p, k, at, text);
    for (int i = up ? 0 : n - 1; i >= 0 && i < n && found < 2; i += up ? 1 : -1)
        if (up ? at[i] > 1.01 * have : at[i] < 0.99 * have)
            rungs[found++] = i;
    for (int i = found - 1; i >= 0; i--) {
        struct setting_change c = {0};
        SAY(c.name, "%s", k->name);
        SAY(c.value, "%s", text[rungs[i]]);
        enum past past = past_of(p, &c);
        if (past == PAST_DONE || !pool_relevant(p, k->name, c.value))
            continue;
        struct idea *idea = add(p, FROM_LADDER, k->name, c.value);
        if (!idea)
            return;
        double gain = (ratio - 1) * 100;
        double otherwise = sense_value(p->s, k->name, k->otherwise);
        bool back = isfinite(otherwise) && (have > otherwise) != up;
        SAY(idea->change.rule, up ? "further_up" : "further_down");
        SAY(idea->change.evidence, "%s = %s was part of a round that gained %.1f %%", k->name,
            sense_shown(p->s, k->name, now, sizeof now), gain);
        SAY(idea->change.why, "What paid is followed along: the next value %s that is worth a run.",
            up ? "up" : "down");
        double share = (pow(ratio, 1.0 / lines) - 1) * 100;
        idea->worth = (fmax(idea->worth, 2) + fmin(8, 0.1 * share)) * (back ? 0.5 : 1);
        idea->change.expect_hi = ceil(idea->worth);
        return;
    }
}

static void from_ladder(struct pool *p)
{
    for (int i = 0; i < p->known->n; i++) {
        const struct known_setting *k = &p->known->items[i];
        double ratio;
        int lines;
        if (k->ladder.n < 2 || !past_earned(p->s, k->name, &ratio, &lines) ||
            worth_of(p, k->name) <= 0)
            continue;
        step_to(p, k, true, ratio, lines);
        step_to(p, k, false, ratio, lines);
    }
}

/* What came along with a rule of thumb may have cost something that the rest hid: without it. */
static void from_doubts(struct pool *p)
{
    const struct evidence *e = p->s->e;
    char value[SETTING_VALUE_MAX], use[120];
    for (int i = 0; i < e->nhistory; i++)
        for (int j = 0; e->history[i].kept && j < e->history[i].n; j++) {
            const struct setting_change *c = &e->history[i].changes[j];
            if (!past_measured(&e->history[i], j) || strcmp(c->rule, "rule_of_thumb") != 0 ||
                !default_text(p, c->name, value, sizeof value) || !pool_relevant(p, c->name, value))
                continue;
            struct idea *idea = add(p, FROM_LADDER, c->name, value);
            if (!idea)
                continue;
            say_use(p, c->name, use, sizeof use);
            SAY(idea->change.rule, "further_down");
            SAY(idea->change.evidence,
                "%s = %s came along in round %d without a figure of its own; %s", c->name, c->value,
                e->history[i].number, use);
            SAY(idea->change.why,
                "A rule of thumb that gained nothing by itself may have cost something.");
            idea->worth = fmax(1.5, 0.5 * idea->worth);
        }
}

/* ---- experience ---- */

static void from_prior(struct pool *p)
{
    char value[SETTING_VALUE_MAX], now[SETTING_VALUE_MAX], use[120], load[160];
    pool_load_text(p, load, sizeof load);
    for (int i = 0; i < p->known->n; i++) {
        const struct known_setting *k = &p->known->items[i];
        for (int j = 0; j < k->explore.n && !sense_ours(p->s, k->name); j++) {
            if (!known_value(k, k->explore.items[j], &p->scale, value, sizeof value) ||
                worth_of(p, k->name) < 1 || !pool_relevant(p, k->name, value))
                continue;
            struct idea *idea = add(p, FROM_PRIOR, k->name, value);
            if (!idea)
                continue;
            say_use(p, k->name, use, sizeof use);
            SAY(idea->change.rule, "experience");
            SAY(idea->change.evidence, "%s is %s; %s", k->name,
                sense_shown(p->s, k->name, now, sizeof now), use);
            SAY(idea->change.why,
                "No figure decides it, but for %s this setting often matters: a short run tells.",
                load);
            idea->worth *= pow(0.7, j);
            idea->change.expect_hi = ceil(fmax(2, idea->worth));
        }
    }
}

void pool_init(struct pool *p, const struct sense *s)
{
    memset(p, 0, sizeof *p);
    p->s = s;
    p->known = knowledge_load();
    p->ideas = xcalloc(IDEAS_MAX, sizeof *p->ideas);
    p->scale = (struct known_scale){s->ram, s->database, s->cpus};
    p->load[LOAD_CPU] = load_cpu(s);
    p->load[LOAD_READ] = load_read(s);
    p->load[LOAD_WRITE] = load_write(s);
    p->load[LOAD_SPILL] = spills_measured(s) ? 1 : 0;
    rules_collect(s, &p->all);
    if (sense_blocked(s) != BLOCK_NONE)
        return;
    from_rules(p);
    from_memory(p);
    if (!s->measured)
        return; /* what is not measured is left to its rules */
    from_ladder(p);
    from_doubts(p);
    from_defaults(p);
    from_thumb(p);
    from_prior(p);
}

void pool_clear(struct pool *p)
{
    free(p->known);
    free(p->ideas);
    p->known = NULL;
    p->ideas = NULL;
    p->n = 0;
}
