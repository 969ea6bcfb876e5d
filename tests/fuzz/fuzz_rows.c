/*
 * Rows of a server that may be anything: the same table is read as the answer to every statement of discovery, to the
 * sample of telemetry, and to the questions of a switch. Whatever it says, text is ended, counts are within their bounds,
 * and a refusal has its reason.
 */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/agent/advisor.h"
#include "pgd/discovery/queries.h"
#include "pgd/telemetry/collect.h"
#include "pgd/tuning/apply_parts.h"

static void advise(const struct server_facts *f)
{
    static struct first_sight sight;
    static struct proposal p;
    static struct arm arm;
    struct evidence e = {.server = f,
                         .baseline_tps = NAN,
                         .best_tps = NAN,
                         .baseline_p95_ms = NAN,
                         .client_cpu = NAN,
                         .seconds_left = 600};

    builtin_first_sight(&e, &sight);
    REQUIRE(sight.headline[0] && sight.nstrategies >= 0);
    builtin_round1(&e, &p);
    REQUIRE(p.n >= 0 && p.n <= CHANGES_MAX);
    pgtune_arm(f, "mixed", &arm);
    REQUIRE(arm.n >= 0 && arm.n <= LEDGER_MAX);
}

static void discovery(const struct rows *r)
{
    static struct server_facts f;
    struct discover d = {0};

    server_facts_clear(&f);
    for (int i = 0; i < discover_query_count; i++)
        if (discover_queries[i].fill)
            discover_queries[i].fill(&d, &f, r);
    REQUIRE(f.noverrides >= 0 && f.noverrides <= OVERRIDES_MAX && f.ndatabases >= 0 &&
            f.ndatabases <= DATABASES_MAX && f.nrelations >= 0 && f.nrelations <= RELATIONS_MAX &&
            f.nmissing >= 0 && f.nmissing <= MISSING_MAX && f.settings.n <= r->nrows);
    for (int i = 0; i < f.settings.n; i++) {
        const struct setting *s = &f.settings.items[i];
        REQUIRE(memchr(s->name, 0, sizeof s->name) && memchr(s->enumvals, 0, sizeof s->enumvals));
        (void)settings_number(&f.settings, s->name);
        (void)settings_bool(&f.settings, s->name, false);
    }
    advise(&f);
    server_facts_clear(&f);
}

static void sample(const char *text)
{
    static struct collect c;
    struct effects fx = {0};
    struct window w;

    collect_init(&c);
    collect_link_up(&c, 150018);
    for (int i = 0; i < 3; i++) {
        collect_tick(&c, &fx, true);
        struct event ev = {.kind = EV_PG_RESULT,
                           .req = {OWNER_TELEMETRY, c.generation, c.waiting_pg},
                           .at_us = (i + 1) * 1000000LL};
        ev.rows = rows_parse(text);
        collect_step(&c, &ev);
        event_clear(&ev);
        if (i == 0)
            collect_mark(&c);
    }
    collect_window(&c, &w);
    REQUIRE(w.nwaits >= 0 && w.nwaits <= WAITS_MAX && c.nrecent_waits <= WAITS_MAX);
    REQUIRE(!w.valid || (w.secs > 0 && w.commits >= 0));
    for (int i = 0; i < w.nwaits; i++)
        REQUIRE(w.waits[i].share >= 0 && w.waits[i].share <= 1.000001);
    effects_clear(&fx);
    collect_clear(&c);
}

static void names_of(const struct rows *r, struct arm *goal)
{
    static const char *const columns[] = {"name", "file_name"};

    for (size_t c = 0; c < 2; c++)
        for (int i = 0; i < r->nrows && i < 4; i++) {
            const char *name = rows_text(r, i, columns[c]), *v = rows_text(r, i, "file_value");
            if (name)
                arm_set(goal, name, i % 2 == 0, v ? v : "1");
        }
}

static void switch_rows(const struct rows *r)
{
    static struct apply a;
    static struct server_facts f;
    static struct ledger l;
    struct err e = {0};

    memset(&a, 0, sizeof a);
    memset(&l, 0, sizeof l);
    server_facts_clear(&f);
    a.env.facts = &f;
    a.env.ledger = &l;
    names_of(r, &a.goal);
    if (a.goal.n > 1) {
        ledger_touch(&l, &a.goal.entries[0]);
        a.goal.n--;
    }
    if (apply_plan(&a, r, &e))
        REQUIRE(a.n >= 0 && a.n <= LEDGER_MAX);
    else
        REQUIRE(e.code != ERR_NONE && e.msg[0]);
    REQUIRE(memchr(a.others, 0, sizeof a.others) != NULL);
    a.sent = a.n;
    apply_plan_undo(&a, r);
    REQUIRE(a.undo_n >= 0 && a.undo_n <= a.n);
    if (!apply_read_preflight(&a, r, &e))
        REQUIRE(e.code != ERR_NONE && e.msg[0]);
    server_facts_clear(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char field[64];

    if (size > 16384)
        return 0;
    char *text = xstrndup((const char *)data, size);
    struct rows *r = rows_parse(text);
    discovery(r);
    sample(text);
    switch_rows(r);
    apply_report_field(text, "state", field, sizeof field);
    apply_report_field(text, "log", field, sizeof field);
    rows_free(r);
    free(text);
    return 0;
}
