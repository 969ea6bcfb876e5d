/* The evidence of a question as lines of text: every figure that an answer may quote. */
#include <math.h>

#include "pgd/agent/bottleneck.h"
#include "pgd/agent/gain.h"
#include "pgd/agent/op_parts.h"
#include "pgd/agent/score.h"

static void num(struct buf *out, const char *name, double v, const char *unit)
{
    if (isfinite(v))
        buf_printf(out, "%s %.15g%s\n", name, v, unit);
}

static void ratio(struct buf *out, const char *name, double v)
{
    if (!isfinite(v))
        return;
    buf_printf(out, "%s %.15g, %+.15g %%", name, v, (v - 1) * 100);
    buf_printf(out, ", 1/%.15g\n", v != 0 ? 1 / v : 0);
}

static void put_settings(const struct server_facts *f, struct buf *out)
{
    for (int i = 0; i < f->settings.n; i++) {
        const struct setting *s = &f->settings.items[i];
        buf_printf(out, "%s = %s (%s%s; default %s; from %s; %s)\n", s->name, s->shown, s->value,
                   s->unit, s->boot, s->source, s->context);
        num(out, s->name, settings_number(&f->settings, s->name), "");
    }
}

static void put_host(const struct host_facts *h, struct buf *out)
{
    if (!h->known)
        return;
    buf_printf(out, "host %s %s %s cpus %d thp %s\n", h->kernel, h->os, h->cpu_model, h->cpus,
               h->thp);
    num(out, "memory", h->mem_total, "");
    num(out, "available", h->mem_available, "");
    num(out, "swap", h->swap_total, "");
    num(out, "cgroup", h->cgroup_mem_limit, "");
    num(out, "cgroup cpus", h->cgroup_cpus, "");
    num(out, "huge pages", (double)h->hugepages_total, "");
    num(out, "free huge pages", (double)h->hugepages_free, "");
    num(out, "swappiness", h->swappiness, "");
    num(out, "overcommit", h->overcommit, "");
    for (int i = 0; i < 2; i++) {
        const struct disk_facts *d = i ? &h->wal : &h->data;
        buf_printf(out, "disk %s %s %s\n", d->kind, d->fs, d->scheduler);
        num(out, "size", d->total_bytes, "");
        num(out, "free", d->free_bytes, "");
        num(out, "used", d->total_bytes - d->free_bytes, "");
    }
}

static void put_runtime(const struct runtime_facts *r, struct buf *out)
{
    const double all[] = {
        r->xact_commit,
        r->xact_rollback,
        r->blks_hit,
        r->blks_read,
        r->tup_returned,
        r->tup_fetched,
        r->temp_files,
        r->temp_bytes,
        r->deadlocks,
        r->conflicts,
        r->sessions,
        r->sessions_active,
        r->sessions_idle_tx,
        r->sessions_waiting,
        r->max_connections,
        r->ckpt_timed,
        r->ckpt_req,
        r->ckpt_write_ms,
        r->ckpt_sync_ms,
        r->buffers_ckpt,
        r->buffers_clean,
        r->buffers_backend,
        r->wal_bytes,
        r->wal_fpi,
        r->wal_records,
        r->wal_buffers_full,
        r->wal_sync_ms,
        r->replicas,
        r->replica_lag_s,
        r->slots_inactive,
        r->archive_failed,
        r->locks_waiting,
        r->longest_xact_s,
        r->prepared_xacts,
        r->indexes_invalid,
        r->dead_tuples,
        r->live_tuples,
        r->ckpt_req + r->ckpt_timed,
        r->dead_tuples + r->live_tuples,
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        num(out, "counter", all[i], "");
    num(out, "statistics since", r->stats_age_s, " s");
    num(out, "statistics since", r->stats_age_s / 86400, " d");
    num(out, "hit ratio", r->blks_hit / (r->blks_hit + r->blks_read), "");
    num(out, "missed", r->blks_read / (r->blks_hit + r->blks_read), "");
    num(out, "requested", r->ckpt_req / (r->ckpt_req + r->ckpt_timed), "");
    num(out, "dead", r->dead_tuples / (r->dead_tuples + r->live_tuples), "");
    num(out, "temporary file", r->temp_bytes / r->temp_files, "");
    num(out, "of connections", r->sessions / r->max_connections, "");
    num(out, "page images", r->wal_fpi * 8192 / r->wal_bytes, "");
}

static void put_server(const struct server_facts *f, struct buf *out)
{
    double sum = 0;
    if (!f)
        return;
    buf_printf(out, "PostgreSQL %s %d %d\n", f->id.version, f->id.version_num,
               f->id.version_num / 10000);
    put_settings(f, out);
    put_host(&f->host, out);
    put_runtime(&f->runtime, out);
    num(out, "databases", f->ndatabases, "");
    for (int i = 0; i < f->ndatabases; i++) {
        num(out, f->databases[i].name, f->databases[i].bytes, "");
        sum += f->databases[i].bytes > 0 ? f->databases[i].bytes : 0;
    }
    num(out, "all databases", sum, "");
    for (int i = 0; i < f->nrelations; i++) {
        num(out, f->relations[i].name, f->relations[i].bytes, "");
        num(out, f->relations[i].name, f->relations[i].tuples, "");
    }
    for (int i = 0; i < f->nindexes; i++) {
        const struct index_facts *x = &f->indexes[i];
        buf_printf(out, "%s on %s: %.15g, %.15g scans, %.15g writes\n", x->name, x->table, x->bytes,
                   x->scans, x->writes);
    }
    for (int i = 0; i < f->ntables; i++) {
        const struct table_facts *t = &f->tables[i];
        buf_printf(out,
                   "%s: %.15g, %.15g updated, %.15g hot, %.15g live, %.15g dead, %.15g, %.15g %s\n",
                   t->name, t->bytes, t->updated, t->hot, t->live, t->dead, t->vacuums, t->indexes,
                   t->options);
        num(out, "hot", t->hot / t->updated, "");
        num(out, "dead", t->dead / (t->live + t->dead), "");
    }
}

static void put_window(const char *name, const struct window *w, struct buf *out)
{
    if (!w || !w->valid)
        return;
    const double all[] = {
        w->commits,
        w->rollbacks,
        w->tps,
        w->blks_hit,
        w->blks_read,
        w->hit_ratio,
        1 - w->hit_ratio,
        w->tup_returned,
        w->tup_fetched,
        w->tup_written,
        w->temp_files,
        w->temp_bytes,
        w->deadlocks,
        w->ckpt_timed,
        w->ckpt_req,
        w->buffers_backend,
        w->buffers_ckpt,
        w->buffers_clean,
        w->wal_bytes,
        w->wal_fpi,
        w->wal_records,
        w->wal_buffers_full,
        w->active_avg,
        w->active_peak,
        w->lock_wait_share,
        w->cpu_user,
        w->cpu_sys,
        w->cpu_iowait,
        w->cpu_idle,
        1 - w->cpu_idle,
        w->cpu_steal,
        w->run_queue,
        w->mem_available_min,
        w->disk_read_bps,
        w->disk_write_bps,
        w->disk_util,
        w->psi_cpu,
        w->psi_io,
        w->psi_mem,
        w->swap_in,
        w->swap_out,
        w->net_bps,
        w->wal_fpi * 8192 / w->wal_bytes,
        w->wal_bytes / w->commits,
        w->temp_bytes / w->temp_files,
        fmin(1, w->wal_fpi * 8192 / w->wal_bytes),
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        num(out, name, all[i], "");
    const double rates[] = {w->temp_bytes, w->wal_bytes, w->blks_read, w->blks_hit,
                            w->temp_files, w->commits,   w->wal_fpi,   w->wal_records};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++)
        num(out, "a second", rates[i] / w->secs, "");
    num(out, name, w->secs, " s");
    num(out, name, w->disk_await_ms, " ms");
    for (int i = 0; i < w->nwaits && i < WAITS_MAX; i++)
        num(out, w->waits[i].event, w->waits[i].share, "");
    num(out, "WAL waits", window_wait(w, "IO:WAL") + window_wait(w, "LWLock:WAL"), "");
}

static void put_plan_facts(const struct plan_facts *p, struct buf *out)
{
    const double all[] = {p->total_cost,
                          p->sort_disk_kb * 1024,
                          p->sort_mem_kb * 1024,
                          p->hash_batches,
                          p->hash_mem_kb * 1024,
                          p->hash_disk_kb * 1024,
                          p->workers_planned,
                          p->workers_launched,
                          p->seq_scan_rows_removed,
                          p->seq_scan_rows,
                          p->seq_scan_rows + p->seq_scan_rows_removed,
                          p->seq_scans,
                          p->index_scans,
                          p->nested_loops,
                          p->sorts,
                          p->hashes,
                          p->index_rows,
                          p->worst_misestimate,
                          p->shared_read,
                          p->shared_hit,
                          p->temp_read,
                          p->temp_written,
                          p->shared_read * 8192,
                          p->shared_hit * 8192,
                          p->temp_written * 8192};
    if (!p->valid)
        return;
    buf_printf(out, "plan of %s %s on %s %s\n", p->script, p->query, p->seq_scan_rel, p->index_rel);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        num(out, "plan", all[i], "");
    num(out, "execution", p->exec_ms, " ms");
    num(out, "planning", p->plan_ms, " ms");
    num(out, "jit", p->jit_ms, " ms");
    num(out, "jit", p->jit_ms / p->exec_ms, "");
}

static void put_verdict(const struct verdict *v, struct buf *out)
{
    if (!v)
        return;
    ratio(out, "effect", v->ratio);
    ratio(out, "from", v->ci_lo);
    ratio(out, "to", v->ci_hi);
    num(out, "noise", v->floor, "");
    num(out, "detectable", v->detectable, "");
    buf_printf(out, "runs %d and %d: %s %s\n", v->runs_a, v->runs_b, verdict_name(v->kind),
               v->note);
    num(out, "before", v->tps_a, " TPS");
    num(out, "after", v->tps_b, " TPS");
    num(out, "p95 before", v->p95_a, " ms");
    num(out, "p95 after", v->p95_b, " ms");
}

static void put_change(const struct setting_change *c, struct buf *out)
{
    buf_printf(out, "%s = %s: %s; %s\n", c->name, c->value, c->why, c->evidence);
    if (isfinite(c->expect_lo) && isfinite(c->expect_hi))
        buf_printf(out, "expected %+.15g to %+.15g %%\n", c->expect_lo, c->expect_hi);
}

static void put_history(const struct evidence *e, struct buf *out)
{
    char score[320];
    num(out, "rounds", e->nhistory, "");
    int kept = 0;
    for (int i = 0; i < e->nhistory; i++) {
        const struct round_history *r = &e->history[i];
        buf_printf(out, "round %d %s\n", r->number, r->kept ? "kept" : r->failed ? "failed" : "");
        kept += r->kept;
        for (int k = 0; k < r->n; k++)
            put_change(&r->changes[k], out);
        for (int k = 0; k < r->nsets && k < SETS_MAX; k++) {
            ratio(out, "screened", r->sets[k].ratio);
            ratio(out, "from", r->sets[k].lo);
            ratio(out, "to", r->sets[k].hi);
        }
        put_verdict(&r->verdict, out);
        put_window("round", &r->window, out);
    }
    num(out, "kept", kept, "");
    score_text(e, score, sizeof score);
    buf_printf(out, "%s\n", score);
}

static void put_session(const struct evidence *e, struct buf *out)
{
    const struct sdl *p = e->plan;
    struct gain_basis b;
    struct gain g;
    gain_basis(e, &b);
    gain_of_best(&b, &g);
    num(out, "baseline", e->baseline_tps, " TPS");
    num(out, "best", e->best_tps, " TPS");
    ratio(out, "best", e->best_tps / e->baseline_tps);
    num(out, "start", g.tps_before, " TPS");
    num(out, "best", g.tps_after, " TPS");
    ratio(out, "gain", g.ratio);
    ratio(out, "from", g.lo);
    ratio(out, "to", g.hi);
    num(out, "p95", e->baseline_p95_ms, " ms");
    num(out, "noise", e->floor, "");
    num(out, "client", e->client_cpu, "");
    num(out, "left", e->seconds_left, " s");
    if (p) {
        buf_printf(out, "%s %s %s %s %s\n", p->strategy, p->hypothesis, p->workload, p->protocol,
                   p->success);
        buf_printf(out, "%d clients %d threads %d s %d s %d %d runs %d rounds %d s\n", p->clients,
                   p->threads, p->duration_s, p->warmup_s, p->min_runs, p->max_runs, p->rounds,
                   p->budget_s);
        num(out, "target", p->target_tps, " TPS");
        num(out, "rate", p->rate, " TPS");
    }
    for (int i = 0; i < e->nplans; i++)
        put_plan_facts(&e->plans[i], out);
    put_history(e, out);
    for (int i = 0; i < e->nrejected; i++)
        buf_printf(out, "rejected %s = %s\n", e->rejected[i].name, e->rejected[i].value);
    for (int i = 0; i < e->nremembered; i++) {
        buf_printf(out, "earlier %s = %s\n", e->remembered[i].name, e->remembered[i].value);
        ratio(out, "earlier", e->remembered[i].ratio);
    }
    for (int i = 0; e->best_arm && i < e->best_arm->n; i++)
        buf_printf(out, "in force %s = %s\n", e->best_arm->entries[i].name,
                   e->best_arm->entries[i].value);
}

/* What the rules reckon from it: a model is told the same. */
static void put_sense(const struct evidence *e, struct buf *out)
{
    struct sense s;
    char text[300];
    sense_init(&s, e);
    num(out, "memory", s.ram, "");
    num(out, "cpus", s.cpus, "");
    num(out, "database", s.database, "");
    num(out, "of memory", s.shared_buffers / s.ram, "");
    num(out, "of the database", s.shared_buffers / s.database, "");
    num(out, "of memory", s.database / s.ram, "");
    num(out, "budget of a sort", sense_memory_budget(&s), "");
    num(out, "locks", fmax(s.w.lock_wait_share, sense_wait(&s, "Lock:")), "");
    num(out, "reads", sense_wait(&s, "IO:DataFileRead"), "");
    num(out, "work_mem of all", s.work_mem * s.f->runtime.max_connections, "");
    num(out, "clients", s.clients, "");
    bottleneck_text(&s, text, sizeof text);
    buf_printf(out, "%s\n", text);
}

static void put_told(const struct session_told *t, struct buf *out)
{
    buf_printf(out, "session %s %s %s: %s %s\n", t->name, t->strategy, t->state, t->hypothesis,
               t->end_reason);
    num(out, "baseline", t->baseline_tps, " TPS");
    num(out, "best", t->best_tps, " TPS");
    ratio(out, "best", t->best_tps / t->baseline_tps);
    ratio(out, "effect", t->effect);
    ratio(out, "from", t->ci_lo);
    ratio(out, "to", t->ci_hi);
    num(out, "rounds", t->rounds, "");
    num(out, "changes", t->nchanges, "");
    num(out, "without gain", t->nfailed, "");
    for (int i = 0; i < t->nchanges + t->nfailed; i++) {
        const struct told_change *c = i < t->nchanges ? &t->changes[i]
                                                      : &t->failed[i - t->nchanges];
        buf_printf(out, "%s = %s: %s\n", c->name, c->value, c->evidence);
        ratio(out, "earned", c->earned);
    }
}

static void put_text(const char *s, struct buf *out)
{
    if (s)
        buf_printf(out, "%.20000s\n", s);
}

static void put_sight(const struct first_sight *s, struct buf *out)
{
    if (!s)
        return;
    buf_printf(out, "%s\n%s\n", s->headline, s->summary);
    for (int i = 0; i < s->nfindings; i++)
        buf_printf(out, "%s: %s (%s)\n", s->findings[i].area, s->findings[i].text,
                   s->findings[i].figure);
}

void op_facts(const struct op_input *in, struct buf *out)
{
    if (in->e) {
        put_server(in->e->server, out);
        put_window("now", in->e->now, out);
        put_window("baseline", in->e->base, out);
        put_window("best", in->e->best, out);
        put_session(in->e, out);
        put_sense(in->e, out);
    }
    put_verdict(in->verdict, out);
    put_sight(in->sight, out);
    put_text(in->question, out);
    put_text(in->on_screen, out);
    put_text(in->log, out);
    put_text(in->paused_in, out);
    put_text(in->next_step, out);
    if (in->err)
        buf_printf(out, "%s %s %s %s\n", in->err->sqlstate, in->err->msg, in->err->detail,
                   in->err->hint);
    for (int i = 0; i < in->nfacts; i++) {
        put_text(in->facts[i].name, out);
        put_text(in->facts[i].text, out);
    }
    if (in->anomaly) {
        const struct anomaly *a = in->anomaly;
        buf_printf(out, "%s %s %.15g %s, usual %.15g %s, %s\n", a->metric, a->label, a->seen,
                   a->unit, a->usual, a->unit, a->beside);
        num(out, "score", a->score, "");
        ratio(out, "against", a->seen / a->usual);
        num(out, "for", (double)(a->until_us - a->from_us) / 1e6, " s");
    }
    for (int i = 0; i < in->nsessions; i++)
        put_told(&in->sessions[i], out);
    num(out, "sessions", in->nsessions, "");
    if (in->npredictions)
        buf_printf(out, "%d of %d predictions met by the measured interval\n",
                   in->npredictions_held, in->npredictions);
    if (in->wishes)
        put_text(in->wishes->text, out);
}
