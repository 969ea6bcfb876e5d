/* The builtin answer to a question that wants yes or no: is that too small, too large, enough, right? The answer comes first, in one of
 * three forms, then the figure it rests on and why. "Cannot be told yet" says what is needed to tell. What is no such question, or about
 * nothing that is judged here, is left to the other answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/op_question.h"
#include "pgd/agent/rules.h"
#include "pgd/tuning/bill.h"

enum sized { SIZED_NOT, SIZED_SMALL, SIZED_LARGE, SIZED_ENOUGH, SIZED_RIGHT };

static const struct {
    const char *word;
    enum sized sized;
} forms[] = {
    {"too small", SIZED_SMALL},    {"too low", SIZED_SMALL},   {"too little", SIZED_SMALL},
    {"too few", SIZED_SMALL},      {"too short", SIZED_SMALL}, {"too often", SIZED_SMALL},
    {"too frequent", SIZED_SMALL}, {"too large", SIZED_LARGE}, {"too big", SIZED_LARGE},
    {"too high", SIZED_LARGE},     {"too much", SIZED_LARGE},  {"too many", SIZED_LARGE},
    {"too long", SIZED_LARGE},     {"enough", SIZED_ENOUGH},   {"sufficient", SIZED_ENOUGH},
    {"adequate", SIZED_ENOUGH},    {"keep up", SIZED_ENOUGH},  {"keeping up", SIZED_ENOUGH},
    {"right", SIZED_RIGHT},        {"correct", SIZED_RIGHT},   {"ok", SIZED_RIGHT},
    {"okay", SIZED_RIGHT},         {"fine", SIZED_RIGHT},      {"reasonable", SIZED_RIGHT},
};

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool has(const char *question, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = strstr(question, word); at; at = strstr(at + 1, word))
        if ((at == question || !in_word(at[-1])) && !in_word(at[n]))
            return true;
    return false;
}

/* A question for a reason or a number is no question for yes or no, whatever its words. */
static enum sized form_of(const char *question)
{
    static const char *const others[] = {"what", "which", "why", "how", "when", "where", "who"};

    question += strspn(question, " ");
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strncmp(question, others[i], strlen(others[i])) == 0)
            return SIZED_NOT;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (has(question, forms[i].word))
            return forms[i].sized;
    return SIZED_NOT;
}

/* "Yes" where the thing is as asked: wanting says that there should be more of it, or another value. */
static const char *answer(enum sized asked, bool wanting)
{
    return (asked == SIZED_SMALL || asked == SIZED_LARGE) == wanting ? "Yes" : "No";
}

/* Has anything been seen that a rule could have spoken by? A server at rest tells nothing of what a load wants. */
static bool load_seen(const struct asked *q)
{
    enum { LEAST_TPS = 10 };

    return q->s->measured || q->in->e->nplans > 0 || (q->s->w.valid && q->s->w.tps >= LEAST_TPS);
}

static void cannot_tell(const struct asked *q, const char *needs)
{
    tell_line(q->t, "Cannot be told yet: needs %s.", needs);
}

static const char a_load[] = "a load, and none has been seen so far: a session (t) measures one";

/* ---- settings ---- */

static bool has_rule(const char *name)
{
    const struct rule_group *const groups[] = {&rules_memory, &rules_planner, &rules_parallel,
                                               &rules_write};

    for (size_t g = 0; g < ARRAY_LEN(groups); g++)
        for (int i = 0; i < groups[g]->n; i++)
            if (strcmp(groups[g]->rules[i].setting, name) == 0)
                return true;
    return false;
}

/* The change that the figures speak for, also one that takes a restart. */
static bool change_of(const struct asked *q, const char *name, struct setting_change *c)
{
    struct candidates *all = xcalloc(1, sizeof *all);
    struct evidence *e = xcalloc(1, sizeof *e);
    struct sense s;
    bool found = false;

    *e = *q->in->e;
    e->restart_allowed = true; /* what is asked is whether it fits, not whether it may be changed */
    sense_init(&s, e);
    rules_collect(&s, all);
    for (int i = 0; i < all->n && !found; i++)
        if (strcmp(all->changes[i].name, name) == 0) {
            *c = all->changes[i];
            found = true;
        }
    free(all);
    free(e);
    return found;
}

/* What was seen of it, where no rule speaks. */
static void tell_seen(const struct asked *q, const char *name)
{
    const struct runtime_facts *r = &q->s->f->runtime;

    if (strcmp(name, "shared_buffers") == 0 && isfinite(q->s->w.hit_ratio)) {
        tell(q->t, "%s of the block requests were answered from it, %s blocks/s were read past it.",
             share_figure(q->s->w.hit_ratio).text, count_figure(fmax(0, q->s->read_rate)).text);
        tell_figure(q->t, "hit ratio", "%s", share_figure(q->s->w.hit_ratio).text);
    } else if (strstr(name, "_mem") && q->s->temp_rate > 0) {
        tell(q->t, "%s/s go to temporary files.", size_figure(q->s->temp_rate).text);
    } else if (strstr(name, "_mem") && q->s->w.valid) {
        tell(q->t, "No temporary file was written.");
    } else if (strstr(name, "wal_size") || strstr(name, "checkpoint")) {
        if (r->ckpt_req >= 0 && r->ckpt_timed >= 0)
            tell(q->t, "%.0f checkpoints were requested and %.0f came by time.", r->ckpt_req,
                 r->ckpt_timed);
    }
}

static void on_one(const struct asked *q, const char *name, enum sized asked)
{
    struct setting_change c;
    char now[96];

    sense_shown(q->s, name, now, sizeof now);
    tell_figure(q->t, name, "%s", now);
    if (change_of(q, name, &c)) {
        double have = sense_number(q->s, name), want = sense_value(q->s, name, c.value);
        bool more = want > have, less = want < have;
        bool wanting = (more && asked != SIZED_LARGE) || (less && asked == SIZED_LARGE) ||
                       asked == SIZED_RIGHT;
        tell_line(q->t, "%s: %s = %s is %s. %s: %s. %s", answer(asked, wanting), name, now,
                  more   ? "too small"
                  : less ? "too large"
                         : "not what the figures speak for",
                  c.reset ? "The default would suit" : c.value, c.evidence, c.why);
        if (strpbrk(c.evidence, "0123456789"))
            tell_figure(q->t, "evidence", "%.90s", c.evidence);
    } else if (!has_rule(name)) {
        tell_line(q->t,
                  "Cannot be told: no rule of the built-in advisor judges %s (= %s), so that only "
                  "a measurement would.",
                  name, now);
    } else if (!load_seen(q)) {
        cannot_tell(q, a_load);
        tell(q->t, "%s is %s now.", name, now);
        tell_seen(q, name);
    } else if (sense_blocked(q->s) != BLOCK_NONE) {
        tell_line(q->t, "%s, as the load is: another value than %s = %s would change nothing.",
                  answer(asked, false), name, now);
        tell_bottleneck(q->t, q->s);
    } else {
        tell_line(q->t, "%s%s: nothing that was measured speaks for another value than %s = %s.",
                  answer(asked, false),
                  q->s->measured ? "" : ", as far as what goes on by itself shows", name, now);
        tell_seen(q, name);
    }
}

static void on_connections(const struct asked *q, enum sized asked, bool setting)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    double taken = r->sessions / r->max_connections;

    if (!(r->sessions >= 0) || !(r->max_connections > 0)) {
        cannot_tell(q, "the number of sessions, which was not read");
        return;
    }
    /* "too many connections" asks for the sessions, "max_connections too large" for the setting */
    if (asked != SIZED_LARGE || !setting) {
        bool wanting = taken > 0.8;
        tell_line(q->t, "%s: %.0f of %.0f connections are taken%s.", answer(asked, wanting),
                  r->sessions, r->max_connections,
                  wanting ? ", and the next ones will be refused" : "");
        tell_figure(q->t, "max_connections", "%.0f", r->max_connections);
        return;
    }
    struct bill_terms b;
    bill_terms_read(&b, q->s->f);
    double worst = bill_worst(&b);
    if (!isfinite(q->s->ram) || !isfinite(worst)) {
        cannot_tell(q, "the size of the memory, which is not seen");
        return;
    }
    tell_line(q->t, "%s: were all %.0f to work at once, the server would take %s of %s of memory.",
              answer(asked, worst > q->s->ram), r->max_connections, size_figure(worst).text,
              size_figure(q->s->ram).text);
    tell_figure(q->t, "max_connections", "%.0f", r->max_connections);
}

bool asked_enough_setting(const struct asked *q, const char *question, const char *name)
{
    enum sized asked = form_of(question);

    if (asked == SIZED_NOT)
        return false;
    if (strcmp(name, "max_connections") == 0)
        on_connections(q, asked, true);
    else
        on_one(q, name, asked);
    return true;
}

/* ---- what is no setting ---- */

static void on_disk(const struct asked *q, enum sized asked)
{
    const struct disk_facts *d = &q->s->f->host.data;

    if (!q->s->f->host.known || !isfinite(d->free_bytes) || !(d->total_bytes > 0)) {
        cannot_tell(q, "sight of the server's disks");
        return;
    }
    bool wanting = d->free_bytes < 0.1 * d->total_bytes;
    tell_line(q->t, "%s: %s of %s are free on the disk of the data (%s).", answer(asked, wanting),
              size_figure(d->free_bytes).text, size_figure(d->total_bytes).text, d->mount);
    tell_figure(q->t, "free for data", "%s", size_figure(d->free_bytes).text);
}

static void on_memory(const struct asked *q, enum sized asked)
{
    const struct sense *s = q->s;
    bool swaps = s->w.swap_in > 0, reads = s->w.disk_read_bps > 1e6;

    if (isnan(s->ram)) {
        cannot_tell(q, "the size of the memory, which is not seen");
        return;
    }
    tell_figure(q->t, "memory", "%s", size_figure(s->ram).text);
    if (swaps)
        tell_line(q->t, "%s: the machine swaps, %s pages/s come back.", answer(asked, true),
                  count_figure(s->w.swap_in).text);
    else if (s->database < 0.75 * s->ram)
        tell_line(q->t, "%s: the database (%s) fits into the memory (%s).", answer(asked, false),
                  size_figure(s->database).text, size_figure(s->ram).text);
    else if (!load_seen(q) || isnan(s->w.disk_read_bps))
        cannot_tell(q,
                    load_seen(q) ? "the reads of the server's disks, which are not seen" : a_load);
    else
        tell_line(q->t, "%s: %s/s are read from the disk under this load, with %s of memory.",
                  answer(asked, reads), size_figure(s->w.disk_read_bps).text,
                  size_figure(s->ram).text);
}

/* All settings of memory at once. */
static void on_memory_settings(const struct asked *q)
{
    static const char *const names[] = {"shared_buffers",       "work_mem",
                                        "hash_mem_multiplier",  "maintenance_work_mem",
                                        "effective_cache_size", "huge_pages"};
    struct setting_change c;
    int n = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        n += change_of(q, names[i], &c);
    if (n > 0)
        tell_line(q->t, "No: the figures speak for other values of %d of its settings.", n);
    else if (!load_seen(q))
        cannot_tell(q, a_load);
    else
        tell_line(q->t, "Yes, as far as this load shows.");
}

static void on_vacuum(const struct asked *q, enum sized asked)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    double dead = r->dead_tuples / (r->dead_tuples + r->live_tuples);

    if (!(r->dead_tuples >= 0) || !(r->live_tuples > 0)) {
        cannot_tell(q, "the counts of live and dead rows, which were not read");
        return;
    }
    tell_line(q->t, "%s: %s of %s rows are dead.", answer(asked, dead > 0.2),
              count_figure(r->dead_tuples).text,
              count_figure(r->dead_tuples + r->live_tuples).text);
    tell_figure(q->t, "dead rows", "%s", count_figure(r->dead_tuples).text);
}

static void on_cpus(const struct asked *q, enum sized asked)
{
    double busy = 1 - q->s->w.cpu_idle;

    if (!load_seen(q) || !isfinite(busy)) {
        cannot_tell(q, load_seen(q) ? "sight of the server's CPUs" : a_load);
        return;
    }
    tell_line(q->t, "%s: under this load they are busy %s of the time.",
              answer(asked, cpu_saturated(q->s)), share_figure(busy).text);
    tell_figure(q->t, "CPUs", "%.0f", q->s->cpus);
}

bool asked_enough_topic(const struct asked *q, const char *question)
{
    enum sized asked = form_of(question);
    bool set = asked == SIZED_RIGHT || has(question, "set") || has(question, "settings");
    bool more = asked == SIZED_SMALL || asked == SIZED_ENOUGH;

    if (asked == SIZED_NOT || has(question, "fast") || has(question, "slow"))
        return false;
    if (has(question, "connections") || has(question, "sessions") || has(question, "clients"))
        on_connections(q, asked, false);
    else if (has(question, "checkpoints") || has(question, "wal"))
        on_one(q, "max_wal_size", asked);
    else if (has(question, "vacuum") || has(question, "autovacuum") || has(question, "dead rows"))
        on_vacuum(q, asked);
    else if (has(question, "cache") || has(question, "buffers") || has(question, "hit ratio"))
        on_one(q, "shared_buffers", asked);
    else if ((has(question, "memory") || has(question, "ram")) && set)
        on_memory_settings(q);
    else if ((has(question, "memory") || has(question, "ram")) && more)
        on_memory(q, asked);
    else if ((has(question, "disk") || has(question, "space") || has(question, "storage")) && more)
        on_disk(q, asked);
    else if ((has(question, "cpu") || has(question, "cpus") || has(question, "cores")) && more)
        on_cpus(q, asked);
    else
        return false;
    return true;
}
