/* builtin_world.h - constructed evidence for the tests of the built-in advisor: a stock server that
 * wants for nothing, to which a test adds one cause at a time. */
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "pgd/agent/advisor.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)

/* name, value, unit, context, vartype: a stock PostgreSQL 15. */
static const char *const stock[][5] = {
    {"autovacuum", "on", "", "sighup", "bool"},
    {"autovacuum_vacuum_cost_limit", "-1", "", "sighup", "integer"},
    {"autovacuum_vacuum_scale_factor", "0.2", "", "sighup", "real"},
    {"bgwriter_lru_maxpages", "100", "", "sighup", "integer"},
    {"checkpoint_completion_target", "0.9", "", "sighup", "real"},
    {"checkpoint_timeout", "300", "s", "sighup", "integer"},
    {"cpu_index_tuple_cost", "0.005", "", "user", "real"},
    {"cpu_operator_cost", "0.0025", "", "user", "real"},
    {"cpu_tuple_cost", "0.01", "", "user", "real"},
    {"effective_cache_size", "524288", "8kB", "user", "integer"},
    {"effective_io_concurrency", "1", "", "user", "integer"},
    {"enable_hashjoin", "on", "", "user", "bool"},
    {"enable_seqscan", "on", "", "user", "bool"},
    {"fsync", "on", "", "sighup", "bool"},
    {"full_page_writes", "on", "", "sighup", "bool"},
    {"hash_mem_multiplier", "2", "", "user", "real"},
    {"jit", "on", "", "user", "bool"},
    {"jit_above_cost", "100000", "", "user", "real"},
    {"max_parallel_workers", "8", "", "user", "integer"},
    {"max_parallel_workers_per_gather", "2", "", "user", "integer"},
    {"max_wal_size", "1024", "MB", "sighup", "integer"},
    {"random_page_cost", "4", "", "user", "real"},
    {"seq_page_cost", "1", "", "user", "real"},
    {"shared_buffers", "16384", "8kB", "postmaster", "integer"},
    {"synchronous_commit", "on", "", "user", "enum"},
    {"vacuum_cost_limit", "200", "", "user", "integer"},
    {"wal_buffers", "512", "8kB", "postmaster", "integer"},
    {"wal_compression", "off", "", "superuser", "enum"},
    {"work_mem", "4096", "kB", "user", "integer"},
};

struct world {
    struct server_facts f;
    struct window base, best;
    struct plan_facts plans[4];
    struct sdl plan;
    struct round_history history[8];
    struct rejected_change rejected[4];
    struct arm arm;
    struct evidence e;
};

static inline void window_quiet(struct window *w)
{
    memset(w, 0, sizeof *w);
    w->valid = true;
    w->secs = 30;
    w->commits = 12000;
    w->tps = 400;
    w->blks_hit = 3e6;
    w->blks_read = 300;
    w->hit_ratio = 0.9999;
    w->tup_returned = w->tup_fetched = 1e6;
    w->ckpt_req = 0; /* our own are not counted */
    w->buffers_ckpt = 500;
    w->wal_bytes = 3 * MB;
    w->wal_fpi = 100;
    w->wal_records = 20000;
    w->active_avg = 3.5;
    w->active_peak = 4;
    w->nwaits = 1;
    snprintf(w->waits[0].event, sizeof w->waits[0].event, "CPU");
    w->waits[0].share = 1;
    w->cpu_user = 0.5;
    w->cpu_idle = 0.4;
    w->mem_available_min = 10 * GB;
}

/* A stock server of 2 CPUs and 16 GB with a database of 300 MB, and a workload that wants for
 * nothing. */
static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    server_facts_clear(&w->f);
    w->f.settings.n = (int)(sizeof stock / sizeof stock[0]);
    w->f.settings.items = calloc((size_t)w->f.settings.n, sizeof *w->f.settings.items);
    for (int i = 0; i < w->f.settings.n; i++) {
        struct setting *s = &w->f.settings.items[i];
        snprintf(s->name, sizeof s->name, "%s", stock[i][0]);
        snprintf(s->value, sizeof s->value, "%s", stock[i][1]);
        snprintf(s->shown, sizeof s->shown, "%s", stock[i][1]);
        snprintf(s->unit, sizeof s->unit, "%s", stock[i][2]);
        snprintf(s->context, sizeof s->context, "%s", stock[i][3]);
        snprintf(s->vartype, sizeof s->vartype, "%s", stock[i][4]);
        snprintf(s->boot, sizeof s->boot, "%s", stock[i][1]);
        snprintf(s->source, sizeof s->source, "default");
        if (strcmp(s->name, "wal_compression") == 0)
            snprintf(s->enumvals, sizeof s->enumvals, "{pglz,lz4,on,off}");
        if (strcmp(s->name, "synchronous_commit") == 0)
            snprintf(s->enumvals, sizeof s->enumvals, "{local,remote_write,remote_apply,on,off}");
    }
    w->f.id.version_num = 150018;
    snprintf(w->f.id.version, sizeof w->f.id.version, "15.18");
    snprintf(w->f.id.database, sizeof w->f.id.database, "app");
    w->f.rights.alter_system = true;
    w->f.host.known = true;
    w->f.host.cpus = 2;
    w->f.host.mem_total = 16 * GB;
    w->f.host.data.free_bytes = w->f.host.wal.free_bytes = 100 * GB;
    w->f.ndatabases = 1;
    snprintf(w->f.databases[0].name, sizeof w->f.databases[0].name, "app");
    w->f.databases[0].bytes = 300 * MB;
    w->f.runtime.max_connections = 100;
    w->f.runtime.stats_age_s = 86400;
    w->f.runtime.blks_hit = 1e8;
    w->f.runtime.blks_read = 1e5;
    w->f.runtime.temp_files = w->f.runtime.temp_bytes = 0;
    w->f.runtime.ckpt_timed = 100;
    w->f.runtime.ckpt_req = 2;
    window_quiet(&w->base);
    window_quiet(&w->best);
    snprintf(w->plan.strategy, sizeof w->plan.strategy, "Balanced");
    snprintf(w->plan.database, sizeof w->plan.database, "app");
    w->plan.clients = 4;
    w->plan.duration_s = 10;
    for (int i = 0; i < 4; i++)
        w->plans[i].hash_batches = w->plans[i].worst_misestimate = 1;
    w->e = (struct evidence){.server = &w->f,
                             .plan = &w->plan,
                             .base = &w->base,
                             .plans = w->plans,
                             .baseline_tps = 400,
                             .best_tps = 400,
                             .baseline_p95_ms = 20,
                             .floor = 0.02,
                             .client_cpu = 0.1,
                             .history = w->history,
                             .rejected = w->rejected,
                             .restart_allowed = true,
                             .seconds_left = 600};
    return w;
}

static inline void world_free(struct world *w)
{
    settings_clear(&w->f.settings);
    free(w);
}

static inline void set(struct world *w, const char *name, const char *value)
{
    struct setting *s = NULL;
    for (int i = 0; i < w->f.settings.n; i++)
        if (strcmp(w->f.settings.items[i].name, name) == 0)
            s = &w->f.settings.items[i];
    assert_non_null(s);
    snprintf(s->value, sizeof s->value, "%s", value);
    snprintf(s->shown, sizeof s->shown, "%s", value);
    snprintf(s->source, sizeof s->source, "configuration file");
}

static inline void wait_is(struct window *w, const char *event, double share)
{
    w->nwaits = 2;
    snprintf(w->waits[0].event, sizeof w->waits[0].event, "%s", event);
    w->waits[0].share = share;
    snprintf(w->waits[1].event, sizeof w->waits[1].event, "CPU");
    w->waits[1].share = 1 - share;
}

static inline void spilling(struct window *w)
{
    w->temp_files = 300;
    w->temp_bytes = 3000 * MB;
}

/* A plan of the workload, valid, of that time; more is filled in by the test. */
static inline struct plan_facts *plan(struct world *w, double exec_ms)
{
    struct plan_facts *p = &w->plans[w->e.nplans++];
    p->valid = true;
    p->exec_ms = exec_ms;
    p->total_cost = 5000;
    return p;
}

/* A line that a measured cause speaks for; not defaults, rules of thumb, experience, or a step along what paid. */
static inline bool is_supported(const struct setting_change *c)
{
    static const char *const other[] = {"rule_of_thumb", "back_to_default", "experience",
                                        "further_up", "further_down"};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (strcmp(c->rule, other[i]) == 0)
            return false;
    return true;
}

static inline int supported(const struct proposal *p)
{
    int n = 0;
    for (int i = 0; i < p->n; i++)
        n += is_supported(&p->changes[i]);
    return n;
}

static inline const struct setting_change *find(const struct proposal *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (is_supported(&p->changes[i]) && strcmp(p->changes[i].name, name) == 0)
            return &p->changes[i];
    return NULL;
}

static inline const char *value_of(const struct proposal *p, const char *name)
{
    const struct setting_change *c = find(p, name);
    return c ? c->value : "";
}

/* What holds of every proposal: reasons with figures, who proposed it, no setting twice in an alternative, values that the
 * guard reads. */
static inline void check_proposal(const struct world *w, const struct proposal *p)
{
    assert_string_equal(p->advisor.text, "builtin");
    assert_true(p->summary[0] != '\0');
    assert_int_equal(p->nothing_left, p->n == 0);
    assert_true(p->nsets == 0 || (p->nsets > 1 && p->nsets <= SETS_MAX));
    for (int i = 0; i < p->n; i++) {
        const struct setting_change *c = &p->changes[i];
        const struct setting *s = settings_find(&w->f.settings, c->name);
        double number;
        char shown[SETTING_VALUE_MAX];
        struct err e;
        assert_true(c->why[0] != '\0');
        assert_non_null(strpbrk(c->evidence, "0123456789"));
        assert_null(strstr(c->evidence, "nan"));
        assert_null(strstr(c->why, "nan"));
        assert_false(c->reset);
        assert_non_null(s);
        assert_true(guard_value(s, c->value, &number, shown, sizeof shown, &e));
        assert_true(c->rule[0] != '\0');
        assert_true(p->nsets == 0 ? c->sets == 0 : c->sets != 0 && c->sets < 1u << p->nsets);
        for (int j = 0; j < i; j++)
            if (p->nsets == 0 || (p->changes[j].sets & c->sets))
                assert_string_not_equal(p->changes[j].name, c->name);
        if (!isnan(c->expect_hi))
            assert_true(c->expect_lo <= c->expect_hi);
    }
}

static inline struct proposal round1(const struct world *w)
{
    struct proposal p;
    builtin_round1(&w->e, &p);
    check_proposal(w, &p);
    return p;
}

static inline struct proposal next_round(const struct world *w)
{
    struct proposal p;
    builtin_next_round(&w->e, &p);
    check_proposal(w, &p);
    return p;
}

/* Round 1 proposes this value for the setting, "" for none; the world is freed. */
static inline void expect(struct world *w, const char *name, const char *value)
{
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, name), value);
    world_free(w);
}

static inline void misses(struct world *w)
{
    w->base.hit_ratio = 0.9;
    w->base.blks_read = 300000;
}

static inline struct plan_facts *discarding(struct world *w)
{
    struct plan_facts *p = plan(w, 40);
    p->seq_scan_rows = 200;
    p->seq_scan_rows_removed = 99800;
    snprintf(p->seq_scan_rel, sizeof p->seq_scan_rel, "orders");
    p->shared_hit = 2000;
    return p;
}
