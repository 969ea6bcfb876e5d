/* First Sight: what a server's own counters, settings and host say before any benchmark, and which
 * strategies that suggests.
 *
 * Each row looks for one thing and fills a finding with its figure; the findings' severity decides
 * the order of the offers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"
#include "pgd/base/text.h"

#define MB 1048576.0
#define GB (1024.0 * MB)
#define DAY 86400.0

typedef bool (*sight_fn)(const struct sense *s, struct finding *f);

static double databases_bytes(const struct sense *s)
{
    double sum = 0;
    for (int i = 0; i < s->f->ndatabases; i++)
        if (s->f->databases[i].bytes > 0)
            sum += s->f->databases[i].bytes;
    return sum;
}

static double hit_ratio(const struct runtime_facts *r)
{
    return r->blks_hit / (r->blks_hit + r->blks_read);
}

static bool see_temp_files(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    double days = fmax(r->stats_age_s, 60) / DAY;
    if (!(r->temp_files >= 5) || !(r->temp_bytes > MB))
        return false;
    SAY(f->area, "memory");
    SAY(f->figure, "%s temporary files, %s since the statistics began",
        count_figure(r->temp_files).text, size_figure(r->temp_bytes).text);
    SAY(f->text, "Sorts and hashes went to disk: %s files of %s on average, at work_mem %s.",
        count_figure(r->temp_files).text, size_figure(r->temp_bytes / r->temp_files).text,
        size_figure(s->work_mem).text);
    f->severity = r->temp_bytes / days > 10 * GB ? 3 : r->temp_bytes / days > 100 * MB ? 2 : 1;
    return true;
}

static bool see_hit_ratio(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    double hit = hit_ratio(r);
    if (!(hit < 0.97) || !(r->blks_read > 100000))
        return false;
    SAY(f->area, "io");
    SAY(f->figure, "hit ratio %s, %s blocks read", share_figure(hit).text,
        count_figure(r->blks_read).text);
    SAY(f->text,
        "%s of block requests were not answered from shared_buffers (%s); the databases hold %s.",
        share_figure(1 - hit).text, size_figure(s->shared_buffers).text,
        size_figure(databases_bytes(s)).text);
    f->severity = hit < 0.9 ? 3 : 2;
    return true;
}

static bool see_requested(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    double all = r->ckpt_req + r->ckpt_timed;
    if (!(r->ckpt_req >= 5) || !(r->ckpt_req > 0.3 * all))
        return false;
    SAY(f->area, "checkpoints");
    SAY(f->figure, "%.0f of %.0f checkpoints were requested", r->ckpt_req, all);
    SAY(f->text,
        "%s of all checkpoints came before their time, as a rule because max_wal_size (%s) was "
        "full.",
        share_figure(r->ckpt_req / all).text, size_figure(sense_number(s, "max_wal_size")).text);
    f->severity = r->ckpt_req > 0.6 * all ? 3 : 2;
    return true;
}

static bool see_full_pages(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    double share = r->wal_fpi * 8192 / r->wal_bytes;
    if (!(share > 0.6) || !(r->wal_bytes > 10 * GB))
        return false;
    SAY(f->area, "checkpoints");
    SAY(f->figure, "%s full page images in %s of WAL", count_figure(r->wal_fpi).text,
        size_figure(r->wal_bytes).text);
    SAY(f->text, "About %s of the WAL are full page images, written anew after every checkpoint.",
        share_figure(fmin(share, 1)).text);
    f->severity = 1;
    return true;
}

static bool see_backend_writes(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    double all = r->buffers_backend + r->buffers_clean + r->buffers_ckpt;
    if (!(r->buffers_backend > 0.5 * all) || !(r->buffers_backend / fmax(r->stats_age_s, 60) > 100))
        return false;
    SAY(f->area, "io");
    SAY(f->figure, "%s of %s pages written by sessions",
        share_figure(r->buffers_backend / all).text, count_figure(all).text);
    SAY(f->text, "Sessions write most pages themselves: the background writer wrote %s.",
        count_figure(r->buffers_clean).text);
    f->severity = 1;
    return true;
}

static bool see_wal_buffers(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    if (!(r->wal_buffers_full / fmax(r->stats_age_s, 60) > 0.1))
        return false;
    SAY(f->area, "checkpoints");
    SAY(f->figure, "wal_buffers full %s times", count_figure(r->wal_buffers_full).text);
    SAY(f->text, "Sessions had to write WAL themselves because wal_buffers (%s) was full.",
        size_figure(sense_number(s, "wal_buffers")).text);
    f->severity = 1;
    return true;
}

static bool see_small_cache(const struct sense *s, struct finding *f)
{
    double all = databases_bytes(s);
    if (!(s->shared_buffers < 0.05 * s->ram) || !(all > s->shared_buffers))
        return false;
    SAY(f->area, "memory");
    SAY(f->figure, "shared_buffers %s of %s RAM", size_figure(s->shared_buffers).text,
        size_figure(s->ram).text);
    SAY(f->text, "The server's own cache is %s of the memory and smaller than the databases (%s).",
        share_figure(s->shared_buffers / s->ram).text, size_figure(all).text);
    f->severity = 1;
    return true;
}

static bool see_work_mem(const struct sense *s, struct finding *f)
{
    double worst = s->work_mem * s->f->runtime.max_connections;
    SAY(f->area, "memory");
    if (worst > s->ram) {
        SAY(f->figure, "%.0f connections x %s = %s of %s RAM", s->f->runtime.max_connections,
            size_figure(s->work_mem).text, size_figure(worst).text, size_figure(s->ram).text);
        SAY(f->text, "If every connection sorted at once, work_mem alone would take %s.",
            size_figure(worst).text);
        f->severity = 2;
        return true;
    }
    if (!(s->work_mem < 2 * MB))
        return false;
    SAY(f->figure, "work_mem %s", size_figure(s->work_mem).text);
    SAY(f->text,
        "work_mem is below the server's default of 4 MB: sorts of more than %s go to disk.",
        size_figure(s->work_mem).text);
    f->severity = 2;
    return true;
}

static bool see_connections(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    if (!(r->sessions > 0.8 * r->max_connections) || !(r->max_connections > 0))
        return false;
    SAY(f->area, "client");
    SAY(f->figure, "%.0f of %.0f connections", r->sessions, r->max_connections);
    SAY(f->text,
        "%s of max_connections are taken, %.0f of them active: a pooler would serve better than a "
        "larger number.",
        share_figure(r->sessions / r->max_connections).text, r->sessions_active);
    f->severity = 2;
    return true;
}

static bool see_dead_rows(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    double all = r->dead_tuples + r->live_tuples;
    if (!(r->dead_tuples > 100000) || !(r->dead_tuples > 0.2 * all))
        return false;
    SAY(f->area, "vacuum");
    SAY(f->figure, "%s dead of %s rows", count_figure(r->dead_tuples).text, count_figure(all).text);
    SAY(f->text,
        "%s of all rows are dead: autovacuum does not keep up, or an old transaction holds them.",
        share_figure(r->dead_tuples / all).text);
    f->severity = 2;
    return true;
}

static bool see_page_cost(const struct sense *s, struct finding *f)
{
    const char *kind = s->f->host.known ? s->f->host.data.kind : "";
    double now = sense_number(s, "random_page_cost");
    bool flash = strcmp(kind, "ssd") == 0 || strcmp(kind, "nvme") == 0;
    bool cached = hit_ratio(&s->f->runtime) > 0.97 && s->f->runtime.blks_hit > 1e6;
    if (!(now > 8) && !(now > 2 && (flash || cached)))
        return false;
    SAY(f->area, "planner");
    SAY(f->figure, "random_page_cost %.3g", now);
    SAY(f->text,
        "random_page_cost is %.3g %s%s: the planner may avoid indexes that would be faster. The "
        "plans will show it.",
        now,
        flash    ? "on "
        : cached ? "with a hit ratio of "
                 : "",
        flash    ? kind
        : cached ? share_figure(hit_ratio(&s->f->runtime)).text
                 : "whatever the disk");
    f->severity = now > 8 ? 2 : 1;
    return true;
}

static bool see_cache_size(const struct sense *s, struct finding *f)
{
    double now = sense_number(s, "effective_cache_size");
    if (!(now < 0.1 * s->ram))
        return false;
    SAY(f->area, "planner");
    SAY(f->figure, "effective_cache_size %s of %s RAM", size_figure(now).text,
        size_figure(s->ram).text);
    SAY(f->text, "The planner assumes %s of cache on a machine with %s.", size_figure(now).text,
        size_figure(s->ram).text);
    f->severity = 1;
    return true;
}

static bool see_locks(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    if (!(r->locks_waiting > 0) && !(r->longest_xact_s > 3600) && !(r->deadlocks > 100))
        return false;
    SAY(f->area, "locks");
    SAY(f->figure, "%.0f waiting, longest transaction %.0f s, %s deadlocks", r->locks_waiting,
        r->longest_xact_s, count_figure(r->deadlocks).text);
    SAY(f->text,
        "Sessions hold each other up (%.0f wait for a lock; the oldest transaction is %.0f s old): "
        "that is for the "
        "application, settings do not help.",
        r->locks_waiting, r->longest_xact_s);
    f->severity = r->locks_waiting > 5 ? 2 : 1;
    return true;
}

static bool see_replication(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    if (!(r->slots_inactive > 0) && !(r->archive_failed > 0))
        return false;
    SAY(f->area, "durability");
    SAY(f->figure, "%.0f inactive slots, %.0f failed archivings", r->slots_inactive,
        r->archive_failed);
    SAY(f->text,
        "WAL may be held back on the disk: %.0f replication slots are inactive, archiving failed "
        "%.0f times.",
        r->slots_inactive, r->archive_failed);
    f->severity = 2;
    return true;
}

/* There is no CREATE INDEX in this program: what others have left half built is told, not mended. */
static bool see_invalid_index(const struct sense *s, struct finding *f)
{
    const struct runtime_facts *r = &s->f->runtime;
    if (!(r->indexes_invalid > 0))
        return false;
    SAY(f->area, "indexes");
    SAY(f->figure, "%.0f not valid", r->indexes_invalid);
    SAY(f->text,
        "%s%s: a CREATE INDEX CONCURRENTLY or REINDEX has failed there. No plan uses such an "
        "index, "
        "and every write keeps it up to date: drop it, or REINDEX INDEX CONCURRENTLY.",
        r->index_invalid, r->indexes_invalid > 1 ? " and more are not valid" : " is not valid");
    f->severity = 2;
    return true;
}

static bool see_prepared(const struct sense *s, struct finding *f)
{
    if (!(s->f->runtime.prepared_xacts > 0))
        return false;
    SAY(f->area, "locks");
    SAY(f->figure, "%.0f prepared transactions", s->f->runtime.prepared_xacts);
    SAY(f->text,
        "%.0f prepared transactions are open: they hold locks and dead rows, and a restart is "
        "refused while they are.",
        s->f->runtime.prepared_xacts);
    f->severity = 1;
    return true;
}

static bool see_sync_commit(const struct sense *s, struct finding *f)
{
    char now[32];
    sense_shown(s, "synchronous_commit", now, sizeof now);
    if (strcmp(now, "off") != 0)
        return false;
    SAY(f->area, "durability");
    SAY(f->figure, "synchronous_commit = off");
    SAY(f->text, "Commits are confirmed before they are on the disk: up to 3 x wal_writer_delay of "
                 "them can be lost. It is left "
                 "as it is, being a choice.");
    f->severity = 1;
    return true;
}

static bool see_cgroup(const struct sense *s, struct finding *f)
{
    const struct host_facts *h = &s->f->host;
    if (!h->known || !(h->cgroup_mem_limit > 0) || !(h->cgroup_mem_limit < 0.9 * h->mem_total))
        return false;
    SAY(f->area, "memory");
    SAY(f->figure, "cgroup limit %s of %s RAM", size_figure(h->cgroup_mem_limit).text,
        size_figure(h->mem_total).text);
    SAY(f->text,
        "The server may use %s, not the machine's %s: all sizes are reckoned by the limit.",
        size_figure(h->cgroup_mem_limit).text, size_figure(h->mem_total).text);
    return true;
}

/* The default asks for them; that none were reserved matters from a size on, or where somebody has meant it. */
static bool see_huge_pages(const struct sense *s, struct finding *f)
{
    const struct setting *asked = settings_find(&s->f->settings, "huge_pages");
    double buffers = settings_number(&s->f->settings, "shared_buffers");
    if (!huge_pages_missed(s->f, f->text, sizeof f->text, f->figure, sizeof f->figure))
        return false;
    bool meant = strcmp(asked->source, "default") != 0 || s->f->host.hugepages_total > 0;
    if (!meant && !(buffers >= 2147483648.0))
        return false;
    SAY(f->area, "memory");
    f->severity = meant ? 2 : 1;
    return true;
}

static bool see_missing(const struct sense *s, struct finding *f)
{
    if (s->f->nmissing <= 0)
        return false;
    SAY(f->area, "client");
    SAY(f->figure, "%d things could not be seen", s->f->nmissing);
    SAY(f->text, "Not visible to this role: %s%s", s->f->missing[0],
        s->f->nmissing > 1 ? "; and more, see the discovery." : "");
    f->severity = s->f->rights.alter_system ? 0 : 2;
    return true;
}

static struct amount age_figure(double seconds)
{
    struct amount f;
    text_age(f.text, sizeof f.text, seconds);
    return f;
}

static bool see_young(const struct sense *s, struct finding *f)
{
    double age = s->f->runtime.stats_age_s;
    if (!(age >= 0) || age > 600 || !s->f->settings.n)
        return false;
    SAY(f->area, "statistics");
    SAY(f->figure, "they began %s ago", age_figure(age).text);
    SAY(f->text, "The server's counters say little yet: the baseline will tell.");
    return true;
}

static const sight_fn sights[] = {
    see_temp_files,    see_hit_ratio,   see_requested, see_full_pages,  see_backend_writes,
    see_wal_buffers,   see_small_cache, see_work_mem,  see_connections, see_dead_rows,
    see_page_cost,     see_cache_size,  see_locks,     see_replication, see_prepared,
    see_invalid_index, see_sync_commit, see_cgroup,    see_missing,     see_young,
    see_huge_pages,
};

/* The worst first, otherwise in the order of the table. */
static void add(struct first_sight *out, const struct finding *f)
{
    int at = out->nfindings;
    int max = (int)ARRAY_LEN(out->findings);
    if (at == max && f->severity <= out->findings[max - 1].severity)
        return;
    if (at == max)
        at--;
    else
        out->nfindings++;
    for (; at > 0 && out->findings[at - 1].severity < f->severity; at--)
        out->findings[at] = out->findings[at - 1];
    out->findings[at] = *f;
}

/* A strategy gathers areas; it sets what is said first, not what is looked at. */
static const struct focus {
    const char *name, *title, *areas, *expects;
} focuses[] = {
    {"MemoryTuning", "Memory: sorts, hashes and the shared cache", " memory ",
     "Statements that spill run in memory; small ones stay as they are."},
    {"WriteOptimize", "Writing: checkpoints, WAL and vacuum", " checkpoints vacuum ",
     "Steadier writes, less WAL; recovery after a crash takes longer."},
    {"ReadLatency", "Reading: cache and disk", " io ",
     "Fewer reads past the cache; the most after a restart."},
    {"PlannerCosts", "Plans: page costs, compilation, parallel workers", " planner jit parallel ",
     "Other plans for the slow statements; no memory or disk is needed."},
};

static bool in_focus(const struct focus *fo, const struct finding *f)
{
    char word[32];
    SAY(word, " %s ", f->area);
    return strstr(fo->areas, word) != NULL;
}

static int score(const struct first_sight *out, const struct focus *fo, const struct finding **top)
{
    int sum = 0;
    *top = NULL;
    for (int i = 0; i < out->nfindings; i++) {
        if (!in_focus(fo, &out->findings[i]) || out->findings[i].severity == 0)
            continue;
        sum += out->findings[i].severity;
        if (!*top)
            *top = &out->findings[i];
    }
    return sum;
}

static void offer_balanced(const struct sense *s, struct first_sight *out)
{
    struct strategy_offer *o = &out->strategies[out->nstrategies++];
    SAY(o->name, "Balanced");
    SAY(o->title, "Measure first, then change what the baseline shows");
    if (out->nstrategies == 1)
        SAY(o->why,
            "No pressure was seen in the counters of the last %s (hit ratio %s, %s temporary "
            "files).",
            age_figure(s->f->runtime.stats_age_s).text,
            share_figure(hit_ratio(&s->f->runtime)).text,
            count_figure(s->f->runtime.temp_files).text);
    else
        SAY(o->why, "Looks at all areas alike; %d findings so far.", out->nfindings);
    SAY(o->expects, "Whatever the workload measures; an honest \"nothing to gain\" is possible.");
}

static void offer(const struct sense *s, struct first_sight *out)
{
    int scores[ARRAY_LEN(focuses)];
    const struct finding *tops[ARRAY_LEN(focuses)];
    for (size_t i = 0; i < ARRAY_LEN(focuses); i++)
        scores[i] = score(out, &focuses[i], &tops[i]);
    while (out->nstrategies < 3) {
        size_t best = 0;
        for (size_t i = 1; i < ARRAY_LEN(focuses); i++)
            if (scores[i] > scores[best])
                best = i;
        if (scores[best] <= 0)
            break;
        struct strategy_offer *o = &out->strategies[out->nstrategies++];
        SAY(o->name, "%s", focuses[best].name);
        SAY(o->title, "%s", focuses[best].title);
        SAY(o->why, "%s", tops[best]->text);
        SAY(o->expects, "%s", focuses[best].expects);
        scores[best] = 0;
    }
    offer_balanced(s, out);
}

static void summarize(const struct sense *s, struct first_sight *out)
{
    const struct server_facts *f = s->f;
    struct amount ram = size_figure(s->ram);
    char host[96] = "a host that cannot be seen";
    int serious = 0;
    if (f->host.known)
        SAY(host, "%.4g CPUs, %s of memory", s->cpus, ram.text);
    for (int i = 0; i < out->nfindings; i++)
        serious += out->findings[i].severity >= 2;
    SAY(out->headline, "PostgreSQL %s, %s, %d database%s of %s: %s",
        f->id.version[0] ? f->id.version : "of unknown version", host, f->ndatabases,
        f->ndatabases == 1 ? "" : "s", size_figure(databases_bytes(s)).text,
        out->nfindings && out->findings[0].severity > 0 ? out->findings[0].figure
                                                        : "no pressure seen");
    char count[80] = "The counters show no pressure.";
    if (serious)
        SAY(count, "%d finding%s, %d of them serious.", out->nfindings,
            out->nfindings == 1 ? "" : "s", serious);
    else if (out->nfindings)
        SAY(count, "%d finding%s, nothing serious.", out->nfindings,
            out->nfindings == 1 ? "" : "s");
    SAY(out->summary, "%s%s", count,
        f->id.standby ? " This is a standby: it cannot take a write workload." : "");
}

void builtin_first_sight(const struct evidence *e, struct first_sight *out)
{
    struct sense s;
    struct setting_change c;
    struct finding f;
    memset(out, 0, sizeof *out);
    SAY(out->advisor.text, "builtin");
    sense_init(&s, e);
    for (int at = 0; (at = rules_inherited(&s, at, &c, &f)) >= 0;)
        add(out, &f);
    for (size_t i = 0; i < ARRAY_LEN(sights); i++) {
        memset(&f, 0, sizeof f);
        if (sights[i](&s, &f))
            add(out, &f);
    }
    offer(&s, out);
    summarize(&s, out);
}
