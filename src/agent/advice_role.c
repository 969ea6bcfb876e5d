/* advice_role.c - settings that one workload of several wants: of a role in a database, of a database, or of a role, by what
 * pg_stat_statements has counted for each.
 *
 * A row of the table is a setting: what of the counters speaks for it, and which value. It is advised only where nearly all of that
 * comes from one of them and the others do as much work without it: with a value for the whole server they would pay for it, too. */
#include "pgd/agent/advice_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"

#define MB (1024.0 * 1024)

/* The loads that one statement would reach. */
struct reach {
    const char *role, *database; /* "" = any */
    int n;                       /* pairs of role and database in it */
    double ms, bad, calls,
        call; /* time; what speaks for the setting, in how many calls, at most in one of them */
    double all_ms, all_bad; /* of the whole server */
};

struct wish {
    const char *setting;
    /* What speaks for it in this load, in how many calls, and in one call at most; NAN = it is not counted here. */
    double (*bad)(const struct role_load *x, double *calls, double *call);
    /* The value that is wanted instead of `now`; false = it is well as it is. */
    bool (*value)(const struct sense *s, const struct reach *r, const char *now, char *dst,
                  size_t size);
    void (*say)(struct advice *a, const struct reach *r, const char *who, const char *value);
};

/* ---- memory for sorts and hashes ---- */

static double spilled(const struct role_load *x, double *calls, double *call)
{
    *calls = x->temp_calls;
    *call = x->temp_call;
    return x->temp_bytes;
}

static bool more_memory(const struct sense *s, const struct reach *r, const char *now, char *dst,
                        size_t size)
{
    double have = sense_value(s, "work_mem", now);
    /* a sort in memory takes about twice what it writes to disk */
    double want = fmin(power_above(2 * r->call), power_below(sense_memory_budget(s)));

    if (!(r->bad > 100 * MB) || !(r->calls >= 10) || !(have > 0) || !(want > 1.5 * have))
        return false;
    memory_value(dst, size, want);
    return true;
}

static void say_memory(struct advice *a, const struct reach *r, const char *who, const char *value)
{
    SAY(a->why, "One workload of several sorts and hashes on disk. With a value for the whole "
                "server every session of the others might take as much, too.");
    SAY(a->evidence,
        "%.140s wrote %s to temporary files in %s calls, up to %s a call; all others together "
        "wrote less than a tenth of it",
        who, size_figure(r->bad).text, count_figure(r->calls).text, size_figure(r->call).text);
    SAY(a->price, "each sort or hash there may take %s of memory", value);
    SAY(a->prediction, "its sorts stay in memory; estimated by rule from the size of the files");
}

/* ---- compiling of expressions ---- */

static double compiled(const struct role_load *x, double *calls, double *call)
{
    *calls = x->jit_calls;
    *call = NAN;
    return x->jit_ms;
}

static bool no_jit(const struct sense *s, const struct reach *r, const char *now, char *dst,
                   size_t size)
{
    /* compiled code would have to be half as fast again to earn that back */
    enum { LEAST_MS = 10000, LEAST_CALLS = 10 };

    (void)s;
    if (!(r->bad > 0.3 * r->ms) || !(r->bad > LEAST_MS) || !(r->calls >= LEAST_CALLS) ||
        text_eq_nocase(now, "off"))
        return false;
    text_copy(dst, size, "off");
    return true;
}

static void say_jit(struct advice *a, const struct reach *r, const char *who, const char *value)
{
    (void)value;
    SAY(a->why, "One workload of several spends its time compiling expressions (jit) rather than "
                "running them. Others, whose statements are long, may gain by it: they keep it.");
    SAY(a->evidence,
        "%.140s spent %.1f of %.1f s compiling (%s), in statements of %s calls; all others "
        "together less than a tenth of that",
        who, r->bad / 1000, r->ms / 1000, share_figure(r->bad / r->ms).text,
        count_figure(r->calls).text);
    SAY(a->price, "long scans and aggregates there run without compiled expressions");
    SAY(a->prediction, "up to %s of the time of its statements, estimated by rule",
        share_figure(r->bad / r->ms).text);
}

static const struct wish wishes[] = {
    {"work_mem", spilled, more_memory, say_memory},
    {"jit", compiled, no_jit, say_jit},
};

/* ---- whose it is ---- */

/* The program's own benchmark is none of the server's workloads. */
static bool is_ours(const struct role_load *x)
{
    return strcmp(x->database, "pg_diagnose_bench") == 0;
}

static bool within(const struct reach *r, const struct role_load *x)
{
    return (!*r->role || strcmp(r->role, x->role) == 0) &&
           (!*r->database || strcmp(r->database, x->database) == 0);
}

/* False: something of it is not counted here. */
static bool add_up(const struct server_facts *f, const struct wish *w, struct reach *r)
{
    for (int i = 0; i < f->nloads; i++) {
        const struct role_load *x = &f->loads[i];
        double calls, call, bad = w->bad(x, &calls, &call);
        if (is_ours(x))
            continue;
        if (!isfinite(bad) || !isfinite(x->total_ms))
            return false;
        r->all_ms += x->total_ms;
        r->all_bad += bad;
        if (!within(r, x))
            continue;
        r->n++;
        r->ms += x->total_ms;
        r->bad += bad;
        r->calls += calls;
        r->call = isfinite(call) ? fmax(r->call, call) : r->call;
    }
    return true;
}

/* Nearly all of it is from there, and the others do work, too. */
static bool stands_out(const struct reach *r)
{
    return r->bad > 0.9 * r->all_bad && r->all_ms - r->ms > 0.1 * r->all_ms;
}

/* The narrowest that stands out; of the wider ones only those that are several pairs. */
static bool find_reach(const struct server_facts *f, const struct wish *w, struct reach *r)
{
    enum { PAIR, DATABASE, ROLE, REACHES };

    for (int kind = PAIR; kind < REACHES; kind++)
        for (int i = 0; i < f->nloads; i++) {
            const struct role_load *x = &f->loads[i];
            *r = (struct reach){.role = kind == DATABASE ? "" : x->role,
                                .database = kind == ROLE ? "" : x->database};
            if (is_ours(x))
                continue;
            if (!add_up(f, w, r))
                return false;
            if (stands_out(r) && (kind == PAIR || r->n > 1))
                return true;
        }
    return false;
}

/* ---- what they have there already ---- */

static int rank(const char *role, const char *database)
{
    return *role && *database ? 3 : *role ? 2 : *database ? 1 : 0;
}

/* Would the value reach that load of its own accord? As ALTER ROLE … IN DATABASE, ALTER ROLE and ALTER DATABASE hide each other. */
static bool applies(const struct override *o, const struct role_load *x)
{
    return (!*o->role || strcmp(o->role, x->role) == 0) &&
           (!*o->database || strcmp(o->database, x->database) == 0);
}

/* The value that ours would take the place of: of just that reach in *same, else of a wider one; NULL = the server's. False: one that is
 * narrower hides ours from some of it. */
static bool in_force(const struct server_facts *f, const char *setting, const struct reach *r,
                     const struct override **same, const struct override **wider)
{
    int ours = rank(r->role, r->database);

    *same = *wider = NULL;
    for (int i = 0; i < f->noverrides; i++) {
        const struct override *o = &f->overrides[i];
        int theirs = rank(o->role, o->database);
        bool reaches = false;
        for (int k = 0; k < f->nloads && !reaches; k++)
            reaches = within(r, &f->loads[k]) && applies(o, &f->loads[k]);
        if (strcmp(o->name, setting) != 0 || !reaches)
            continue;
        if (strcmp(o->role, r->role) == 0 && strcmp(o->database, r->database) == 0)
            *same = o;
        else if (theirs > ours)
            return false;
        else if (!*wider || theirs > rank((*wider)->role, (*wider)->database))
            *wider = o;
    }
    return true;
}

/* "ALTER ROLE r IN DATABASE d", "ALTER DATABASE d", "ALTER ROLE r"; who: the same for a reader. */
static bool head_of(const struct reach *r, char *dst, size_t size, char *who, size_t who_size)
{
    char role[140] = "", database[140] = "";

    if ((*r->role && !advice_ident(role, sizeof role, r->role)) ||
        (*r->database && !advice_ident(database, sizeof database, r->database)))
        return false;
    if (*role && *database) {
        snprintf(dst, size, "ALTER ROLE %s IN DATABASE %s", role, database);
        snprintf(who, who_size, "%s in %s", role, database);
    } else {
        snprintf(dst, size, *role ? "ALTER ROLE %s" : "ALTER DATABASE %s", *role ? role : database);
        snprintf(who, who_size, *role ? "role %s" : "database %s", *role ? role : database);
    }
    return true;
}

static void fulfil(struct advice_list *l, const struct wish *w)
{
    const struct sense *s = l->s;
    const struct override *same, *wider;
    struct reach r;
    char head[320], who[300], now[128], value[32], statement[640];
    struct advice *a;

    if (!find_reach(s->f, w, &r) || !in_force(s->f, w->setting, &r, &same, &wider) ||
        !head_of(&r, head, sizeof head, who, sizeof who))
        return;
    if (same || wider)
        text_copy(now, sizeof now, same ? same->value : wider->value);
    else
        sense_shown(s, w->setting, now, sizeof now);
    if (!w->value(s, &r, now, value, sizeof value))
        return;
    SAY(statement, "%s SET %s = '%s'", head, w->setting, value);
    a = advice_add(l, *r.role ? ADVICE_ROLE : ADVICE_DATABASE, statement);
    if (!a)
        return;
    SAY(a->object, "%s", who);
    if (same) {
        struct buf old = {0};
        quote_literal(&old, same->value);
        SAY(a->undo, "%s SET %s = %s", head, w->setting, buf_text(&old));
        buf_clear(&old);
    } else {
        SAY(a->undo, "%s RESET %s", head, w->setting);
    }
    w->say(a, &r, who, value);
    SAY(a->source, "pg_stat_statements by role and database");
    SAY(a->lock, "none on tables; sessions that begin from then on have it");
    a->risk = RISK_MEDIUM;
}

void advice_roles(struct advice_list *l)
{
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        fulfil(l, &wishes[i]);
}
