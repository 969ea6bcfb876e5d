/* The builtin answer to a question in the DBA's own words: the words choose which facts are told. What it cannot tell it says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/advice.h"
#include "pgd/agent/gain.h"
#include "pgd/agent/op_question.h"
#include "pgd/agent/rules.h"
#include "pgd/base/text.h"
#include "pgd/tuning/bill.h"

static void on_speed(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    struct gain_basis b;
    struct gain g;
    char said[200];
    if (!(e->baseline_tps > 0)) {
        tell_line(q->t, "No baseline was measured yet, so there is no figure of its speed.");
        if (q->s->w.valid && isfinite(q->s->w.tps)) {
            tell(q->t, "What goes on by itself: %.1f xact/s.", q->s->w.tps);
            tell_figure(q->t, "now", "%.1f xact/s", q->s->w.tps);
        }
        return;
    }
    tell_line(q->t, "The baseline is %.1f TPS.", e->baseline_tps);
    tell_figure(q->t, "baseline", "%.1f TPS", e->baseline_tps);
    gain_basis(e, &b);
    gain_of_best(&b, &g);
    gain_said(&g, said, sizeof said);
    if (g.by >= GAIN_ROUND && isfinite(g.tps_before))
        tell(q->t, "The best so far is %.1f TPS against %.1f TPS of the start: %s.", g.tps_after,
             g.tps_before, said);
    else if (g.by != GAIN_UNKNOWN)
        tell(q->t, "The best so far is %.1f TPS: %s.", g.tps_after, said);
    if (g.by != GAIN_UNKNOWN)
        tell_figure(q->t, "best", "%.1f TPS", g.tps_after);
    if (e->baseline_p95_ms > 0) {
        tell(q->t, "At the baseline 95 %% of the transactions took at most %.1f ms.",
             e->baseline_p95_ms);
        tell_figure(q->t, "p95", "%.1f ms", e->baseline_p95_ms);
    }
    if (e->floor > 0)
        tell(q->t, "Differences below %s are this machine's noise.", share_figure(e->floor).text);
}

void asked_setting(const struct asked *q, const char *name)
{
    char shown[96];
    sense_shown(q->s, name, shown, sizeof shown);
    if (!shown[0])
        return;
    tell(q->t, "%s = %s.", name, shown);
    tell_figure(q->t, name, "%s", shown);
}

int asked_candidates(const struct asked *q, bool (*of)(const char *name), int most)
{
    struct candidates *all = xcalloc(1, sizeof *all);
    char now[96];
    int n = 0;
    rules_collect(q->s, all);
    for (int i = 0; i < all->n && n < most; i++) {
        const struct setting_change *c = &all->changes[i];
        if (of && !of(c->name))
            continue;
        sense_shown(q->s, c->name, now, sizeof now);
        tell_line(q->t, "%s: %s%s instead of %s (%s). %s", c->name, c->reset ? "the default" : "",
                  c->reset ? "" : c->value, now[0] ? now : "what it is", c->evidence, c->why);
        if (strpbrk(c->evidence, "0123456789"))
            tell_figure(q->t, c->name, "%.90s", c->evidence);
        n++;
    }
    free(all);
    return n;
}

static bool is_memory(const char *name)
{
    return strstr(name, "_mem") || strstr(name, "_buffers") || strstr(name, "cache_size") ||
           strcmp(name, "huge_pages") == 0;
}

/* Was anything measured that a rule could have spoken by? */
static bool was_seen(const struct asked *q)
{
    return q->s->w.valid || q->in->e->nplans > 0;
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
    asked_setting(q, "shared_buffers");
    asked_setting(q, "work_mem");
    asked_setting(q, "effective_cache_size");
    if (isfinite(q->s->w.hit_ratio)) {
        tell(q->t, "%s of the block requests were answered from shared_buffers.",
             share_figure(q->s->w.hit_ratio).text);
        tell_figure(q->t, "hit ratio", "%s", share_figure(q->s->w.hit_ratio).text);
    }
    if (q->s->temp_rate > 0)
        tell(q->t, "%s/s go to temporary files.", size_figure(q->s->temp_rate).text);
    if (asked_candidates(q, is_memory, 4) > 0)
        tell_line(q->t, "A session (t) would measure what that brings.");
    else if (was_seen(q))
        tell_line(q->t,
                  "Nothing that was seen here speaks for other values of the memory settings.");
}

/* The bill that the guard shows beside a proposal, of the settings as they are now. */
static void on_worst_case(const struct asked *q)
{
    struct bill_terms b;
    bill_terms_read(&b, q->s->f);
    if (q->s->work_mem > 0)
        b.work_mem = q->s->work_mem;
    double worst = bill_worst(&b);
    tell_line(q->t,
              "In the worst case, all %.0f connections sorting at once with work_mem %s and every "
              "worker busy, the server would take %s.",
              b.max_connections, size_figure(b.work_mem).text, size_figure(worst).text);
    if (isfinite(q->s->ram))
        tell(q->t, "The memory is %s: that is %s.", size_figure(q->s->ram).text,
             worst > q->s->ram ? "more than there is, should it ever come to that"
                               : "enough for it");
}

static void on_checkpoints(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    tell_line(q->t,
              "%.0f checkpoints came by time and %.0f were requested since the statistics began.",
              r->ckpt_timed, r->ckpt_req);
    tell_figure(q->t, "requested checkpoints", "%.0f", r->ckpt_req);
    asked_setting(q, "max_wal_size");
    asked_setting(q, "checkpoint_timeout");
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
    tell_line(q->t, "7 shows who blocks whom at this moment, as a tree.");
}

static void on_sessions(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    if (r->sessions >= 0)
        tell_line(q->t, "%.0f of %.0f connections are taken%s%s%s.", r->sessions,
                  r->max_connections, r->sessions_active >= 0 ? ", " : "",
                  r->sessions_active >= 0 ? count_figure(r->sessions_active).text : "",
                  r->sessions_active >= 0 ? " of them active" : "");
    else
        tell_line(q->t,
                  "How many of the %.0f connections are taken was not read yet; 6 shows them.",
                  r->max_connections);
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
    asked_setting(q, "autovacuum");
    asked_setting(q, "autovacuum_vacuum_scale_factor");
}

/* What to change first: by the rounds once there is a baseline, else what the figures so far speak for. */
static void on_next(const struct asked *q)
{
    struct proposal *p = xcalloc(1, sizeof *p);
    if (q->in->e->baseline_tps > 0) {
        struct fact_index facts;
        fact_index_init(&facts, q->in);
        builtin_next_round(q->in->e, p);
        tell_line(q->t, "%s", p->summary);
        for (int i = 0; i < p->n && i < 3; i++) {
            tell_line(q->t, "%s = %s: %s", p->changes[i].name, p->changes[i].value,
                      p->changes[i].why);
            if (fact_holds(&facts, p->changes[i].evidence, NULL, 0)) /* experience is no figure */
                tell_figure(q->t, p->changes[i].name, "%.90s", p->changes[i].evidence);
        }
        fact_index_clear(&facts);
    } else if (asked_candidates(q, NULL, 3) > 0) {
        tell_line(q->t,
                  "That is what the figures so far speak for, the strongest first; whether it "
                  "helps your workload a session (t) measures, from a baseline on.");
    } else {
        tell_line(q->t, "%s Next is a baseline (t): only what it measures is changed.",
                  was_seen(q) ? "Nothing that was seen so far speaks for another value."
                              : "No load has been seen yet.");
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

static void on_sight(const struct asked *q);

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
    if (e->nhistory == 0)
        on_sight(q);
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

/* What settings cannot mend, of the kinds that are asked for; how many. */
static int tell_advice(const struct asked *q, bool indexes, int most)
{
    struct advice *all = xcalloc(ADVICE_MAX, sizeof *all);
    int n = advice_collect(q->in->e, all, ADVICE_MAX), told = 0;
    for (int i = 0; i < n && told < most; i++) {
        if (indexes && all[i].kind > ADVICE_INDEX_DUPLICATE)
            continue;
        tell_line(q->t, "%s: %s (%s)", advice_kind_name(all[i].kind), all[i].statement,
                  all[i].evidence);
        told++;
    }
    free(all);
    return told;
}

static void on_indexes(const struct asked *q)
{
    const struct evidence *e = q->in->e;
    if (tell_advice(q, true, 5) > 0)
        tell_line(q->t, "/advice has each with its undo, to be accepted one by one.");
    else if (e->nplans > 0)
        tell_line(
            q->t,
            "No index is missing, unused or there twice as far as %d plan%s of the workload and "
            "the server's counters tell.",
            e->nplans, e->nplans == 1 ? "" : "s");
    else
        tell_line(q->t,
                  "No index that is missing, unused or there twice is known. Missing ones are "
                  "found in the plans of a workload, and none has been explained yet: a "
                  "session (t) does that. /health looks at the indexes that are there.");
}

static void on_queries(const struct asked *q)
{
    const struct evidence *e = q->in->e;
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
    if (e->nplans == 0 && q->s->f->nstatements > 0)
        tell(q->t, "8 shows the statements that take the server's time.");
    tell_advice(q, false, 3);
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

static void on_disk(const struct asked *q)
{
    const struct host_facts *h = &q->s->f->host;
    const struct disk_facts *disks[] = {&h->data, &h->wal};
    for (int i = 0; i < 2; i++)
        if (h->known && disks[i]->total_bytes > 0 && isfinite(disks[i]->free_bytes)) {
            tell_line(q->t, "The disk of the %s (%s) has %s, %s of it free.", i ? "WAL" : "data",
                      disks[i]->mount, size_figure(disks[i]->total_bytes).text,
                      size_figure(disks[i]->free_bytes).text);
            tell_figure(q->t, i ? "free for WAL" : "free for data", "%s",
                        size_figure(disks[i]->free_bytes).text);
        }
    if (h->known && q->t->len == 0)
        tell_line(q->t, "How full its disks are could not be read.");
    if (!h->known)
        tell_line(q->t, "The server's machine is not seen, so its disks are not: --ssh-host leads "
                        "there.");
    if (q->s->w.valid && isfinite(q->s->read_rate))
        tell_line(q->t, "%s blocks/s are read into shared_buffers.",
                  count_figure(q->s->read_rate).text);
    if (isfinite(q->s->wal_rate))
        tell(q->t, "%s/s of WAL are written.", size_figure(q->s->wal_rate).text);
}

static void on_replication(const struct asked *q)
{
    const struct runtime_facts *r = &q->s->f->runtime;
    if (q->s->f->id.standby)
        tell_line(q->t, "This server is a standby itself.");
    tell_line(q->t, "%.0f standbys are connected.", r->replicas > 0 ? r->replicas : 0);
    if (r->replicas > 0 && r->replica_lag_s >= 0) {
        tell(q->t, "The one furthest behind is %.0f s late.", r->replica_lag_s);
        tell_figure(q->t, "lag", "%.0f s", r->replica_lag_s);
    }
    if (r->slots_inactive > 0)
        tell(q->t, "%.0f slots are inactive and hold WAL back.", r->slots_inactive);
    if (r->archive_failed > 0)
        tell(q->t, "Archiving has failed %s times.", count_figure(r->archive_failed).text);
    tell_line(q->t, "/view replication shows each.");
}

/* Each row: recognised words, and who answers. "|" parts alternatives, "+" words that must all be there, each the beginning of words of
 * the question; with "=" the whole word. The alternative with the most words wins; of equals the first row, and where one word alone was recognised, the second
 * one answers, too. */
static const struct {
    const char *words;
    void (*fn)(const struct asked *q);
} routes[] = {
    {"worst case|memory+bill|most+memory", on_worst_case},
    {"undo|revert|roll+back|rollback|go back|take+back|taken+back|put+back|back out", asked_undo},
    {"export|playbook|ansible|report|write+file", asked_export},
    {"how long|how much time|take+long|be+done|be+finished|be+ready|duration|budget|minutes|how "
     "many rounds",
     asked_duration},
    {"restart|safe+restart|need+restart|downtime|blackout|reboot|pending", asked_restart},
    {"safe|danger|risk|harm|lose+data|loss|break+something|production", asked_safety},
    {"you+change|you+changed|you+change+what|what+changed|in force|what+done|have you done|did you "
     "do",
     asked_changes},
    {"what happens|happens+next|what now|what are you doing|waiting+for me|where am i|stuck|what "
     "next|next+step",
     asked_happens},
    {"verdict|inconclusive|improved|regressed|noise|interval|significan|floor", asked_verdict},
    {"target|goal", asked_target},
    {"workload|benchmark|pgbench|script", asked_workload},
    {"model|gemini|openai|gpt|claude|llm|ai=|who are you|are "
     "you|token|cost+model|cost+money|cost+cent",
     asked_model},
    {"pause|resume|continue|stop|abort|quit|leave|exit", asked_pause},
    {"which file|what file|config+file|postgresql conf|auto "
     "conf|where+written|where+stored|where+setting",
     asked_files},
    {"hardware|machine|upgrade+hardware|buy|faster disk|ssd|more cpu|cpus|cpu|processor|cores",
     on_hardware},
    {"checkpoint|wal=", on_checkpoints},
    {"replic|standby|standbys|lag|slot|archiv", on_replication},
    {"lock|block|deadlock|who+block|what+block", on_locks},
    {"index|indices|missing+index|unused+index|which+index|add+index|should+index|should+add+index",
     on_indexes},
    {"memory|ram=|cache|buffer|spill|temp|oom|hit+ratio|cache+hit|hit+rate", on_memory},
    {"vacuum|bloat|dead|wraparound|autovacuum", on_vacuum},
    {"connection|session|client|pool", on_sessions},
    {"query|queries|statement|plan|slow+query|slow+statement|slowest|worst", on_queries},
    {"wait|bottleneck|limit|time+go|time+spent|client+wait|session+wait", on_waits},
    {"change+first|first|should+change|should+i|next|should|recommend|improve|tune|suggest|advice|"
     "advise|optimi",
     on_next},
    {"disk|space|storage|i/o", on_disk},
    {"tps|throughput|fast|speed|latency|p95|p99|baseline|gain|best", on_speed},
    {"round|tried|changed|change|history|rejected|so far", on_rounds},
    {"size|big|large|database|table", on_size},
    {"why+slow|why|slow|reason|sluggish|hang", on_why},
    {"server|health|wrong|problem|status|summary|version|healthy", on_sight},
    {"help|key=|keys|command|shortcut|use this|how=+use", asked_keys},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does a word of the question begin with these n bytes, or is it these where they end in "="? */
static bool begins(const char *question, const char *part, size_t n)
{
    bool whole = part[n - 1] == '=';
    n -= whole;
    for (const char *at = question; *at; at++)
        if ((at == question || !is_word(at[-1])) && strncmp(at, part, n) == 0 &&
            (!whole || !is_word(at[n])))
            return true;
    return false;
}

/* How many words of the question the best of these alternatives has recognised; 0 = none. */
static int recognised(const char *question, const char *words)
{
    int best = 0;
    for (const char *w = words; *w;) {
        size_t n = strcspn(w, "|");
        int score = 0;
        for (size_t at = 0; at < n && score >= 0;) {
            size_t part = strcspn(w + at, "+|");
            score = begins(question, w + at, part) ? score + 1 : -1;
            for (size_t i = at; score > 0 && i < at + part; i++)
                score += w[i] == ' ';
            at += part + 1;
        }
        best = score > best ? score : best;
        w += n + (w[n] == '|');
    }
    return best;
}

static void explain(const struct asked *q, const char *name)
{
    struct op_input one = *q->in;
    struct prose *p = xcalloc(1, sizeof *p);
    one.question = name;
    op_builtin_parameter(&one, p);
    tell(q->t, "%s", p->text);
    for (int i = 0; i < p->nfigures; i++)
        tell_figure(q->t, p->figures[i].name, "%s", p->figures[i].value);
    free(p);
}

/* The longest setting that begins at this word, with blanks where its name has underscores: "shared buffers". A single word without an
 * underscore is a name only where it stands for itself: "port" is one, and "how is jit set" asks for it. Its length in *len. */
static const struct setting *setting_at(const struct asked *q, const char *at, size_t *len)
{
    const struct setting *found = NULL;
    char word[64];
    size_t n = 0;
    while (at[n] && n + 1 < sizeof word) {
        word[n] = at[n] == ' ' ? '_' : at[n];
        n++;
        word[n] = '\0';
        const struct setting *x = is_word(at[n]) ? NULL : settings_find(&q->s->f->settings, word);
        if (x) {
            found = x;
            *len = n;
        }
        if (!is_word(at[n]) && at[n] != ' ')
            break;
    }
    return found;
}

/* Settings by name: where yes or no is asked each is judged, else each is explained, the first in full. How many. */
static int on_names(const struct asked *q, const char *question)
{
    int n = 0;
    for (const char *at = question; *at;) {
        size_t len = 0;
        bool starts = is_word(*at) && (at == question || !is_word(at[-1]));
        const struct setting *x = starts ? setting_at(q, at, &len) : NULL;
        bool judged = x && n < 4 && asked_enough_setting(q, question, x->name);
        if (x && n++ == 0 && !judged)
            explain(q, x->name);
        else if (x && n <= 4 && !judged)
            asked_setting(q, x->name);
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

/* The row that has recognised most, and of rows with a single word the second best, too. How many have answered. */
static int on_words(const struct asked *q, const char *question, int answered)
{
    int best = 0, n = answered;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        int score = recognised(question, routes[i].words);
        best = score > best ? score : best;
    }
    /* beside a name that was explained only what was asked in several words */
    int most = best > 1 ? answered + 1 + (strstr(question, ", and ") != NULL) : 2;
    if (best == 0 || (answered > 0 && best == 1))
        return n;
    for (size_t i = 0; i < ARRAY_LEN(routes) && n < most; i++)
        if (recognised(question, routes[i].words) == best) {
            routes[i].fn(q);
            n++;
        }
    return n;
}

static void say_what_can_be_asked(struct teller *t)
{
    tell(t, "The built-in advisor knows no answer to that: it goes by rules, not by understanding. "
            "It does answer these, and what is like them:");
    tell_line(
        t, "why is it slow? \xc2\xb7 what should I change first? \xc2\xb7 is my memory set right? "
           "\xc2\xb7 what is shared_buffers? (any setting or table by its name)");
    tell_line(
        t, "what does it wait for? \xc2\xb7 what blocks? \xc2\xb7 which index is missing? \xc2\xb7 "
           "which query is the worst? \xc2\xb7 is vacuum keeping up? \xc2\xb7 how big is it?");
    tell_line(t, "what did you change? \xc2\xb7 how do I undo? \xc2\xb7 what happens next? "
                 "\xc2\xb7 how long "
                 "will it take? \xc2\xb7 is it safe to restart? \xc2\xb7 how do I export?");
    tell_line(t, "A model would answer freely: /model picks one.");
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
    int n = on_names(&q, question);
    bool judged = n == 0 && asked_enough_topic(&q, question);
    n += on_tables(&q, question);
    n = on_words(&q, question, n) + judged;
    if (n > 0) {
        if (out->nfigures == 0 || t.len < 120) {
            tell_line(&t, "The server:");
            tell_server(&t, &s);
        }
        return;
    }
    say_what_can_be_asked(&t);
    tell_server(&t, &s);
    tell_bottleneck(&t, &s);
}
