/* The builtin answer to a question in the DBA's own words: the words choose which facts are told. What it cannot tell it says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/advice.h"
#include "pgd/agent/op_parts.h"
#include "pgd/agent/rules.h"
#include "pgd/base/text.h"

struct asked {
    const struct op_input *in;
    const struct sense *s;
    struct teller *t;
};

static void on_speed(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    char effect[24];
    if (!(e->baseline_tps > 0)) {
        tell_line(q->t, "No baseline was measured yet, so there is no figure of its speed.");
        return;
    }
    tell_line(q->t, "The baseline is %.1f TPS", e->baseline_tps);
    tell_figure(q->t, "baseline", "%.1f TPS", e->baseline_tps);
    if (e->best_tps > 0) {
        text_percent(effect, sizeof effect, e->best_tps / e->baseline_tps);
        tell(q->t, "and the best so far %.1f TPS (%s).", e->best_tps, effect);
        tell_figure(q->t, "best", "%.1f TPS", e->best_tps);
    }
    if (e->baseline_p95_ms > 0) {
        tell(q->t, "At the baseline 95 %% of the transactions took at most %.1f ms.",
             e->baseline_p95_ms);
        tell_figure(q->t, "p95", "%.1f ms", e->baseline_p95_ms);
    }
    if (e->floor > 0)
        tell(q->t, "Differences below %s are this machine's noise.", share_figure(e->floor).text);
}

static void on_setting(const struct asked *q, const char *name)
{
    char shown[96];
    sense_shown(q->s, name, shown, sizeof shown);
    if (!shown[0])
        return;
    tell(q->t, "%s = %s.", name, shown);
    tell_figure(q->t, name, "%s", shown);
}

static void on_memory(const struct asked *q)
{
    if (isfinite(q->s->ram)) {
        tell_line(q->t, "The server may use %s.", size_figure(q->s->ram).text);
        tell_figure(q->t, "memory", "%s", size_figure(q->s->ram).text);
    }
    if (isfinite(q->s->database)) {
        tell(q->t, "The database holds %s.", size_figure(q->s->database).text);
        tell_figure(q->t, "database", "%s", size_figure(q->s->database).text);
    }
    on_setting(q, "shared_buffers");
    on_setting(q, "work_mem");
    on_setting(q, "effective_cache_size");
    if (isfinite(q->s->w.hit_ratio)) {
        tell(q->t, "%s of the block requests were answered from shared_buffers.",
             share_figure(q->s->w.hit_ratio).text);
        tell_figure(q->t, "hit ratio", "%s", share_figure(q->s->w.hit_ratio).text);
    }
    if (q->s->temp_rate > 0)
        tell(q->t, "%s/s go to temporary files.", size_figure(q->s->temp_rate).text);
}

static void on_checkpoints(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    tell_line(q->t,
              "%.0f checkpoints came by time and %.0f were requested since the statistics began.",
              r->ckpt_timed, r->ckpt_req);
    tell_figure(q->t, "requested checkpoints", "%.0f", r->ckpt_req);
    on_setting(q, "max_wal_size");
    on_setting(q, "checkpoint_timeout");
    if (isfinite(q->s->wal_rate))
        tell(q->t, "The workload writes %s/s of WAL.", size_figure(q->s->wal_rate).text);
}

static void on_waits(const struct asked *q)
{
    tell_bottleneck(q->t, q->s);
    if (q->s->w.nwaits <= 0) {
        tell(q->t, "Waits were not sampled yet.");
        return;
    }
    for (int i = 0; i < q->s->w.nwaits && i < 4; i++) {
        const struct wait_share *w = &q->s->w.waits[i];
        tell(q->t, "%s %s.", w->event, share_figure(w->share).text);
        tell_figure(q->t, w->event, "%s", share_figure(w->share).text);
    }
}

static void on_locks(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    tell_line(
        q->t, "%.0f sessions wait for a lock; the longest transaction is %.0f s old; %s deadlocks.",
        r->locks_waiting > 0 ? r->locks_waiting : 0, r->longest_xact_s > 0 ? r->longest_xact_s : 0,
        count_figure(r->deadlocks > 0 ? r->deadlocks : 0).text);
    double share = fmax(q->s->w.lock_wait_share, sense_wait(q->s, "Lock:"));
    if (isfinite(share)) {
        tell(q->t, "%s of the samples wait for locks of others.", share_figure(share).text);
        tell_figure(q->t, "lock waits", "%s", share_figure(share).text);
    }
}

static void on_sessions(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    tell_line(q->t, "%.0f of %.0f connections are taken, %.0f of them active.",
              r->sessions > 0 ? r->sessions : 0, r->max_connections,
              r->sessions_active > 0 ? r->sessions_active : 0);
    tell_figure(q->t, "max_connections", "%.0f", r->max_connections);
    if (isfinite(q->s->clients))
        tell(q->t, "The benchmark runs with %.0f clients.", q->s->clients);
}

static void on_vacuum(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    if (r->dead_tuples >= 0 && r->live_tuples > 0) {
        tell_line(q->t, "%s of %s rows are dead.", count_figure(r->dead_tuples).text,
                  count_figure(r->dead_tuples + r->live_tuples).text);
        tell_figure(q->t, "dead rows", "%s", count_figure(r->dead_tuples).text);
    }
    on_setting(q, "autovacuum");
    on_setting(q, "autovacuum_vacuum_scale_factor");
}

static void on_next(const struct asked *q)
{
    struct proposal *p = xcalloc(1, sizeof *p);
    if (!(q->in->e->baseline_tps > 0)) {
        tell_line(q->t, "Next is a baseline: only what it measures is changed.");
    } else {
        builtin_next_round(q->in->e, p);
        tell_line(q->t, "%s", p->summary);
        if (p->n > 0)
            tell_figure(q->t, p->changes[0].name, "%.90s", p->changes[0].evidence);
    }
    free(p);
}

static void on_rounds(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    if (e->nhistory == 0)
        tell_line(q->t, "No round has been measured yet.");
    for (int i = e->nhistory > 6 ? e->nhistory - 6 : 0; i < e->nhistory; i++)
        tell_round(q->t, &e->history[i]);
    for (int i = 0; i < e->nrejected && i < 6; i++)
        tell(q->t, "%s = %s was turned down.", e->rejected[i].name, e->rejected[i].value);
}

static void on_why(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    struct conclusion c;
    if (e->nhistory > 0) {
        builtin_analyze(e, &e->history[e->nhistory - 1].verdict, &c);
        tell_round(q->t, &e->history[e->nhistory - 1]);
        tell(q->t, "%s", c.text);
    }
    on_waits(q);
}

static void on_hardware(const struct asked *q)
{
    struct prose *p = xcalloc(1, sizeof *p);
    op_builtin_hardware(q->in, p);
    tell_line(q->t, "%s", p->text);
    for (int i = 0; i < p->nfigures; i++)
        tell_figure(q->t, p->figures[i].name, "%s", p->figures[i].value);
    free(p);
}

static void on_queries(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    struct advice *all = xcalloc(ADVICE_MAX, sizeof *all);
    int n = advice_collect(e, all, ADVICE_MAX);
    for (int i = 0; i < e->nplans && i < 4; i++) {
        const struct plan_facts *p = &e->plans[i];
        if (!p->valid)
            continue;
        tell_line(q->t, "%s: %.1f ms%s%s.", p->query[0] ? p->query : p->script, p->exec_ms,
                  p->sort_disk_kb > 0 ? ", it sorts on disk" : "",
                  p->seq_scan_rel[0] ? ", it reads a whole table" : "");
        tell_figure(q->t, p->query[0] ? p->query : "plan", "%.1f ms", p->exec_ms);
    }
    if (e->nplans == 0)
        tell_line(q->t, "No statement of a workload has been explained yet.");
    for (int i = 0; i < n && i < 3; i++)
        tell_line(q->t, "%s: %s (%s)", advice_kind_name(all[i].kind), all[i].statement,
                  all[i].evidence);
    free(all);
}

static void on_size(const struct asked *q)
{
    const struct server_facts *f = q->s->f;
    for (int i = 0; i < f->ndatabases && i < 5; i++)
        if (isfinite(f->databases[i].bytes)) {
            tell_line(q->t, "Database %s holds %s.", f->databases[i].name,
                      size_figure(f->databases[i].bytes).text);
            tell_figure(q->t, f->databases[i].name, "%s", size_figure(f->databases[i].bytes).text);
        }
    for (int i = 0; i < f->nrelations && i < 5; i++)
        tell(q->t, "%s: %s.", f->relations[i].name, size_figure(f->relations[i].bytes).text);
}

static void on_sight(const struct asked *q)
{
    struct first_sight *s = xcalloc(1, sizeof *s);
    if (q->in->sight)
        *s = *q->in->sight;
    else
        builtin_first_sight(q->in->e, s);
    tell_line(q->t, "%s", s->summary);
    for (int i = 0; i < s->nfindings && i < 4; i++) {
        tell_line(q->t, "%s (%s)", s->findings[i].text, s->findings[i].figure);
        tell_figure(q->t, s->findings[i].area, "%.90s", s->findings[i].figure);
    }
    free(s);
}

/* Each row: words, the beginning of one in the question chooses it. The first two rows that fit answer. */
static const struct {
    const char *words;
    void (*fn)(const struct asked *q);
} routes[] = {
    {"hardware|machine|upgrade|buy|faster disk|ssd|more cpu|cpus|processor", on_hardware},
    {"checkpoint|wal", on_checkpoints},
    {"lock|block|deadlock", on_locks},
    {"memory|ram|cache|buffer|spill|temp", on_memory},
    {"vacuum|bloat|dead", on_vacuum},
    {"connection|session|client|pool", on_sessions},
    {"query|queries|statement|plan|index", on_queries},
    {"wait|bottleneck|limit|where does the time", on_waits},
    {"tps|throughput|fast|speed|latency|p95|p99|baseline|gain|best", on_speed},
    {"round|tried|changed|change|history|rejected|so far", on_rounds},
    {"next|should|recommend|what now|improve|tune|suggest", on_next},
    {"size|big|large|database|table", on_size},
    {"why|slow|reason", on_why},
    {"server|health|wrong|problem|status|summary|version", on_sight},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does a word of the question begin with one of the words between the bars? */
static bool mentions(const char *question, const char *words)
{
    for (const char *w = words; *w;) {
        size_t n = strcspn(w, "|");
        for (const char *at = question; *at; at++)
            if ((at == question || !is_word(at[-1])) && strncmp(at, w, n) == 0)
                return true;
        w += n + (w[n] == '|');
    }
    return false;
}

/* Settings by name: each is explained, the first in full. How many. */
static int on_names(const struct asked *q, const char *question)
{
    int n = 0;
    for (const char *at = question; *at;) {
        char word[64];
        size_t len = 0;
        while (is_word(at[len]))
            len++;
        if (len > 0 && len < sizeof word) {
            snprintf(word, sizeof word, "%.*s", (int)len, at);
            const struct setting *x = settings_find(&q->s->f->settings, word);
            if (x && n++ == 0) {
                struct op_input one = *q->in;
                struct prose *p = xcalloc(1, sizeof *p);
                one.question = word;
                op_builtin_parameter(&one, p);
                tell(q->t, "%s", p->text);
                for (int i = 0; i < p->nfigures; i++)
                    tell_figure(q->t, p->figures[i].name, "%s", p->figures[i].value);
                free(p);
            } else if (x && n <= 4) {
                on_setting(q, x->name);
            }
        }
        at += len ? len : 1;
    }
    return n;
}

/* Tables by name: what discovery knows of them. */
static int on_tables(const struct asked *q, const char *question)
{
    const struct server_facts *f = q->s->f;
    int n = 0;
    for (int i = 0; i < f->nrelations && n < 3; i++) {
        const struct relation_facts *r = &f->relations[i];
        const char *at = strstr(question, r->name);
        if (!r->name[0] || !at || (at > question && is_word(at[-1])) ||
            is_word(at[strlen(r->name)]))
            continue;
        n++;
        tell_line(q->t, "%s.%s takes %s with some %s rows.", r->schema, r->name,
                  size_figure(r->bytes).text, count_figure(r->tuples > 0 ? r->tuples : 0).text);
        tell_figure(q->t, r->name, "%s", size_figure(r->bytes).text);
        for (int k = 0; k < f->ntables; k++)
            if (strcmp(f->tables[k].name, r->name) == 0)
                tell(q->t, "%s updates, %s of them on their page; %s dead rows.",
                     count_figure(f->tables[k].updated).text,
                     share_figure(f->tables[k].hot / f->tables[k].updated).text,
                     count_figure(f->tables[k].dead).text);
    }
    return n;
}

void op_builtin_question(const struct op_input *in, struct prose *out)
{
    char question[1024];
    struct teller t;
    struct sense s;
    teller_init(&t, out);
    sense_init(&s, in->e);
    struct asked q = {in, &s, &t};
    text_copy(question, sizeof question, in->question ? in->question : "");
    for (char *c = question; *c; c++)
        *c = lower(*c);
    int n = on_names(&q, question) + on_tables(&q, question);
    for (size_t i = 0; i < ARRAY_LEN(routes) && n < 2; i++)
        if (mentions(question, routes[i].words)) {
            routes[i].fn(&q);
            n++;
        }
    if (n > 0) {
        if (out->nfigures == 0 || t.len < 120)
            tell_server(&t, &s);
        return;
    }
    tell(&t,
         "The built-in advisor knows no answer to that. It can tell of: a setting or a table by "
         "its name, speed, memory, checkpoints, waits, locks, connections, vacuum, statements and "
         "plans, sizes, rounds so far, what comes next, why the newest round went as it did, "
         "hardware.");
    tell_server(&t, &s);
    tell_bottleneck(&t, &s);
}
