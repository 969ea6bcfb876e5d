/* The built-in advisor's plan, target and proposals. What is tried next comes from the search; here it is put into words, and
 * what a server has inherited is mended before all else. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/search.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

/* Why nothing is proposed, in words. */
static void say_nothing(const struct pool *p, char *dst, size_t size)
{
    const struct sense *s = p->s;
    const struct candidates *all = &p->all;
    switch (sense_blocked(s)) {
    case BLOCK_SLEEP:
        say(dst, size,
            "The statements sleep on the server (%s of the samples): no setting makes them faster.",
            share_figure(sense_wait(s, "Timeout:PgSleep")).text);
        return;
    case BLOCK_THINK:
        say(dst, size,
            "On average %.1f of %.0f sessions were active: the time goes by between the "
            "statements, in the client.",
            s->w.active_avg, s->clients);
        return;
    case BLOCK_CLIENT:
        say(dst, size,
            "pgbench itself is at its limit (%s of a CPU for each of its threads): the server "
            "waits for it.",
            share_figure(s->e->client_cpu).text);
        return;
    case BLOCK_LOCKS:
        say(dst, size,
            "Sessions wait for each other's locks (%s of the samples): that is for the "
            "application, not settings.",
            share_figure(fmax(s->w.lock_wait_share, sense_wait(s, "Lock:"))).text);
        return;
    case BLOCK_NONE:
        break;
    }
    char load[160];
    pool_load_text(p, load, sizeof load);
    if (all->withheld > 0)
        say(dst, size, "What is left needs a restart, which is not allowed: %s = %s (%s).",
            all->held.name, all->held.value, all->held.evidence);
    else if (s->e->nhistory > 0)
        say(dst, size,
            "Nothing is left that could matter here: what the figures speak for and what "
            "experience adds for %s was "
            "measured, and the rest does not touch this workload.",
            load);
    else if (!s->w.valid)
        say(dst, size, "Nothing was measured, so nothing speaks for another value of any setting.");
    else
        say(dst, size,
            "Nothing measured here speaks for another value of any setting: %.0f "
            "transactions/s on the server, hit ratio %s, temporary files %s/s, CPUs %s idle.",
            s->w.tps, share_figure(s->w.hit_ratio).text, size_figure(s->temp_rate).text,
            share_figure(s->w.cpu_idle).text);
}

static void open_proposal(struct proposal *out)
{
    memset(out, 0, sizeof *out);
    SAY(out->advisor.text, "builtin");
}

static void say_summary(const struct candidates *all, const char *lead, struct proposal *out)
{
    char strongest[300], sets[400] = "";
    const struct setting_change *c = &out->changes[0];
    SAY(strongest, "%s (%s)", c->name, c->evidence);
    for (int i = 0; i < out->nsets; i++) {
        size_t len = strlen(sets);
        say(sets + len, sizeof sets - len, "%s%s",
            i ? "; " : " Screened against each other: ", out->set_names[i]);
    }
    SAY(out->summary, "%s %d change%s%s%s.%s%s%s%s", lead, out->n, out->n == 1 ? "" : "s",
        out->n == 1 ? ": " : "; the first is ", strongest,
        out->repair
            ? " Repairs are for safety, not for speed: they stay, and what follows is measured "
              "against them."
            : "",
        sets, out->nsets ? "." : "", all->withheld ? " A further one would need a restart." : "");
}

/* A server's inherited dangers come first of all and by themselves: what is tuned is then measured against a sound start. */
static bool propose_repairs(const struct pool *p, struct proposal *out)
{
    const struct candidates *all = &p->all;
    for (int i = 0; i < all->n && all->repairs[i]; i++)
        if (past_of(p, &all->changes[i]) == PAST_NEW)
            out->changes[out->n++] = all->changes[i];
    out->repair = out->n > 0;
    if (out->repair)
        say_summary(all, "Before anything is tuned, a repair of what this server came with:", out);
    return out->repair;
}

static const char *lead_of(const struct evidence *e, const struct pool *p)
{
    const struct round_history *last = e->nhistory > 0 ? &e->history[e->nhistory - 1] : NULL;
    if (!last || !past_began(p->s))
        return "The baseline shows causes for";
    if (last->kept)
        return "The last round paid. From there on, worth a run are";
    return last->n > 1 ? "The last set did not pay together. By themselves, worth a run are"
                       : "The last change did not pay. What is left is";
}

static void propose(const struct evidence *e, struct proposal *out)
{
    struct sense s;
    struct pool p;
    open_proposal(out);
    sense_init(&s, e);
    pool_init(&p, &s);
    if (!propose_repairs(&p, out)) {
        out->nothing_left = !search_propose(&p, out);
        if (out->nothing_left)
            say_nothing(&p, out->summary, sizeof out->summary);
        else
            say_summary(&p.all, lead_of(e, &p), out);
    }
    pool_clear(&p);
}

void builtin_round1(const struct evidence *e, struct proposal *out)
{
    propose(e, out);
}

void builtin_next_round(const struct evidence *e, struct proposal *out)
{
    propose(e, out);
}

int builtin_remember(const struct evidence *e, struct remembered *out, int max)
{
    int n = 0;
    for (int i = e->nhistory - 1; i >= 0; i--) {
        const struct round_history *r = &e->history[i];
        int lines = 0;
        for (int j = 0; j < r->n; j++)
            lines += past_measured(r, j);
        for (int j = 0; j < r->n && n < max; j++) {
            if (r->failed || r->changes[j].reset || !past_measured(r, j) ||
                !isfinite(r->verdict.ratio) || (!r->kept && lines > 1))
                continue;
            struct remembered *to = &out[n++];
            memset(to, 0, sizeof *to);
            text_copy_raw(to->name, sizeof to->name, r->changes[j].name);
            text_copy_raw(to->value, sizeof to->value, r->changes[j].value);
            text_copy_raw(to->rule, sizeof to->rule, r->changes[j].rule);
            to->earned = r->kept;
            to->ratio = r->verdict.ratio;
        }
    }
    return n;
}

/* Three significant digits: 1234.5 -> 1230, 98.76 -> 98.8. */
static double round_tps(double tps)
{
    double unit = pow(10, floor(log10(tps)) - 2);
    return rint(tps / unit) * unit;
}

void builtin_target(const struct evidence *e, struct target *out)
{
    struct sense s;
    struct candidates all;
    memset(out, 0, sizeof *out);
    SAY(out->advisor.text, "builtin");
    sense_init(&s, e);
    rules_collect(&s, &all);
    double factor = 1;
    char parts[200] = "";
    size_t len = 0;
    for (int i = 0; i < all.n; i++) {
        const struct setting_change *c = &all.changes[i];
        if (os_is(c->name)) /* who may accept it is not known yet */
            continue;
        /* Near what each may earn at most, since whole configurations are tried; less, for the same second is not saved twice. */
        double high = 0.3 * c->expect_lo + 0.7 * c->expect_hi;
        if (isnan(high))
            continue;
        factor *= 1 + 0.9 * high / 100;
        if (len < sizeof parts)
            say(parts + len, sizeof parts - len, "%s%s %.0f to %.0f %%", len ? ", " : "", c->name,
                c->expect_lo, c->expect_hi);
        len = strlen(parts);
    }
    if (!(e->baseline_tps > 0)) {
        SAY(out->why, "There is no baseline yet, so there is nothing to measure a target by.");
        return;
    }
    factor = fmin(fmax(factor, 1.02), 4);
    out->tps = round_tps(e->baseline_tps * factor);
    if (len == 0)
        SAY(out->why,
            "The baseline of %.0f TPS shows no headroom that a setting could free; 2 %% more is "
            "the least that "
            "would be called a gain.",
            e->baseline_tps);
    else
        SAY(out->why,
            "From %.0f TPS, by what was measured, taken together with a discount for overlap: %s.",
            e->baseline_tps, parts);
}

void builtin_folder_name(char *dst, size_t size, const char *name)
{
    size_t n = 0;
    for (; name && *name && n + 1 < size; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
        if (letter || (*name >= '0' && *name <= '9') || *name == '-')
            dst[n++] = *name;
    }
    dst[n] = '\0';
    if (n == 0)
        say(dst, size, "Balanced");
}

static void set_default(int *field, double value)
{
    if (*field <= 0)
        *field = (int)value;
}

void builtin_strategy(const struct evidence *e, const char *name, struct sdl *out)
{
    struct sense s;
    struct first_sight sight;
    sense_init(&s, e);
    builtin_first_sight(e, &sight);
    builtin_folder_name(out->strategy, sizeof out->strategy, name);
    double cpus = isnan(s.cpus) ? 2 : fmax(1, floor(s.cpus));
    set_default(&out->clients, fmin(64, 2 * cpus));
    set_default(&out->threads, fmin(out->clients, cpus));
    set_default(&out->duration_s, 10);
    set_default(&out->warmup_s, 5);
    set_default(&out->min_runs, 3);
    set_default(&out->max_runs, fmax(6, out->min_runs));
    set_default(&out->rounds, 8);
    set_default(&out->budget_s, 720);
    if (!out->protocol[0])
        SAY(out->protocol, "simple");
    if (!out->success[0])
        SAY(out->success, "The 95 %% interval of the ratio lies above 1, and the gain above 2 %% "
                          "and this machine's noise.");
    const struct strategy_offer *offer = NULL;
    for (int i = 0; i < sight.nstrategies; i++)
        if (strcmp(sight.strategies[i].name, out->strategy) == 0)
            offer = &sight.strategies[i];
    if (!out->hypothesis[0] && offer)
        SAY(out->hypothesis,
            "%s The baseline with %d clients decides which of it is worth a change.", offer->why,
            out->clients);
    else if (!out->hypothesis[0])
        SAY(out->hypothesis,
            "The baseline with %d clients shows what holds this server back; only what it measures "
            "is changed.",
            out->clients);
}
