/* What a packet says of the server: what it is, what it runs on, which settings may be proposed, its tables, its counters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/packet_parts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/knobs.h"
#include "pgd/tuning/os.h"

static const struct server_facts *facts_of(const struct packing *p)
{
    return p->in->e ? p->in->e->server : NULL;
}

void packet_know(struct packing *p)
{
    const struct server_facts *f = facts_of(p);
    struct mask *m = p->mask;
    if (!f)
        return;
    mask_know(m, ALIAS_HOST, f->host.hostname);
    mask_know(m, ALIAS_ADDRESS, f->id.server_addr);
    mask_know(m, ALIAS_USER, f->id.role);
    mask_know(m, ALIAS_USER, f->id.owner);
    mask_know(m, ALIAS_HOST, f->id.cluster_name);
    mask_know(m, ALIAS_DATABASE, f->id.database);
    for (int i = 0; i < f->ndatabases; i++)
        mask_know(m, ALIAS_DATABASE, f->databases[i].name);
    for (int i = 0; i < f->noverrides; i++) {
        mask_know(m, ALIAS_USER, f->overrides[i].role);
        mask_know(m, ALIAS_DATABASE, f->overrides[i].database);
    }
    for (int i = 0; i < f->nrelations; i++) {
        mask_know(m, ALIAS_NAME, f->relations[i].schema);
        mask_know(m, f->relations[i].kind == 'i' ? ALIAS_INDEX : ALIAS_TABLE, f->relations[i].name);
    }
    for (int i = 0; i < f->ntables; i++)
        mask_know(m, ALIAS_TABLE, f->tables[i].name);
    for (int i = 0; i < f->nindexes; i++) {
        mask_know(m, ALIAS_TABLE, f->indexes[i].table);
        mask_know(m, ALIAS_INDEX, f->indexes[i].name);
    }
    /* Names of settings are PostgreSQL's own; those with a dot are of extensions, or anybody's. */
    for (int i = 0; i < f->settings.n; i++)
        if (!strchr(f->settings.items[i].name, '.') || os_is(f->settings.items[i].name))
            mask_allow(m, f->settings.items[i].name);
}

static void add_rights(struct buf *o, const struct rights *r)
{
    pack_open(o, "rights", '{');
    pack_bool(o, "superuser", r->superuser);
    pack_bool(o, "alter_system", r->alter_system && !r->switched_off);
    pack_bool(o, "reload", r->reload);
    pack_bool(o, "read_stats", r->read_stats);
    pack_close(o, '}');
}

/* "15.20 (Debian …)": the number is enough. */
static void put_version(struct buf *o, const struct identity *id)
{
    char number[32];
    if (id->version_num <= 0)
        return;
    snprintf(number, sizeof number, "%d.%d", id->version_num / 10000, id->version_num % 10000);
    pack_word(o, "version", number);
}

static void put_size(struct buf *o, const char *key, double bytes)
{
    char text[32];
    if (!isfinite(bytes) || bytes < 0)
        return;
    text_bytes(text, sizeof text, bytes);
    pack_word(o, key, text);
}

static void add_disk(struct packing *p, struct buf *o, const char *key, const struct disk_facts *d)
{
    pack_open(o, key, '{');
    if (d->total_bytes > 0) {
        pack_word(o, "kind", d->kind);
        pack_prose(p, o, "file_system", d->fs);
        put_size(o, "total", d->total_bytes);
        put_size(o, "free", d->free_bytes);
    }
    pack_close(o, '}');
}

static void add_server(struct packing *p, const struct server_facts *f)
{
    struct buf *o = packing_begin(p, "server", 90, true);
    put_version(o, &f->id);
    pack_bool(o, "standby", f->id.standby);
    pack_name(p, o, "database", ALIAS_DATABASE, f->id.database);
    pack_name(p, o, "role", ALIAS_USER, f->id.role);
    add_rights(o, &f->rights);
    char supervisor[32];
    snprintf(supervisor, sizeof supervisor, "%.*s", (int)strcspn(f->id.supervisor, ":"),
             f->id.supervisor);
    pack_prose(p, o, "started_by", supervisor);
    packing_end(p);
    const struct host_facts *h = &f->host;
    if (!h->known)
        return;
    o = packing_begin(p, "host", 88, true);
    pack_num(o, "cpus", h->cpus);
    pack_num(o, "cpus_of_cgroup", h->cgroup_cpus);
    put_size(o, "memory", h->mem_total);
    put_size(o, "memory_of_cgroup", h->cgroup_mem_limit);
    put_size(o, "swap", h->swap_total);
    pack_prose(p, o, "transparent_huge_pages", h->thp);
    pack_int(o, "huge_pages", h->hugepages_total);
    pack_int(o, "swappiness", h->swappiness);
    pack_int(o, "overcommit", h->overcommit);
    add_disk(p, o, "data_disk", &h->data);
    add_disk(p, o, "wal_disk", &h->wal);
    packing_end(p);
}

/* The knobs that an advisor may turn, with the limits of the guard. */
static void add_allowed(struct packing *p, const struct server_facts *f)
{
    packing_list(p, "may_be_proposed", "settings that may be proposed", 85, true);
    const struct knob *k;
    for (int i = 0; (k = knob_at(i)); i++) {
        const struct setting *s = settings_find(&f->settings, k->name);
        if (!s || (k->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY)))
            continue;
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_word(o, "name", k->name);
        pack_word(o, "unit", s->unit);
        pack_num(o, "least", k->floor);
        pack_num(o, "most", k->ceiling);
        if (strcmp(s->vartype, "enum") == 0)
            pack_word(o, "values", s->enumvals);
        if (strcmp(s->context, "postmaster") == 0)
            pack_bool(o, "restart", true);
        pack_word(o, "default", strcmp(s->vartype, "string") == 0 ? "" : s->boot);
        packing_row_end(p);
    }
    packing_end(p);
}

static void add_schema(struct packing *p, const struct server_facts *f)
{
    packing_list(p, "relations", "smaller tables and indexes", 40, true);
    for (int i = 0; i < f->nrelations; i++) {
        const struct relation_facts *r = &f->relations[i];
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        bool index = r->kind == 'i' || r->kind == 'I';
        pack_place(p, o, index ? "index" : "table", index ? ALIAS_INDEX : ALIAS_TABLE, r->schema,
                   r->name);
        put_size(o, "size", r->bytes);
        if (r->tuples >= 0)
            pack_num(o, "rows", r->tuples);
        packing_row_end(p);
    }
    packing_end(p);
    packing_list(p, "indexes_hardly_used", "indexes", 20, true);
    for (int i = 0; i < f->nindexes; i++) {
        const struct index_facts *x = &f->indexes[i];
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_place(p, o, "index", ALIAS_INDEX, x->schema, x->name);
        pack_name(p, o, "table", ALIAS_TABLE, x->table);
        put_size(o, "size", x->bytes);
        pack_num(o, "scans", x->scans);
        pack_num(o, "writes", x->writes);
        pack_sql(p, o, "definition", x->definition);
        pack_name(p, o, "same_as", ALIAS_INDEX, x->same_as);
        packing_row_end(p);
    }
    packing_end(p);
    packing_list(p, "tables_that_change", "tables that change less", 30, true);
    for (int i = 0; i < f->ntables; i++) {
        const struct table_facts *t = &f->tables[i];
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_place(p, o, "table", ALIAS_TABLE, t->schema, t->name);
        put_size(o, "size", t->bytes);
        pack_num(o, "updated", t->updated);
        pack_num(o, "hot", t->hot);
        pack_num(o, "live", t->live);
        pack_num(o, "dead", t->dead);
        pack_num(o, "vacuums", t->vacuums);
        pack_num(o, "indexes", t->indexes);
        if (mask_level(p->mask) != PRIVACY_STRICT)
            pack_prose(p, o, "options", t->options);
        packing_row_end(p);
    }
    packing_end(p);
    packing_list(p, "databases", "databases", 15, true);
    for (int i = 0; i < f->ndatabases; i++) {
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        pack_name(p, o, "database", ALIAS_DATABASE, f->databases[i].name);
        put_size(o, "size", f->databases[i].bytes);
        packing_row_end(p);
    }
    packing_end(p);
}

/* What is in force: all that may be proposed, and what else somebody has set. */
static void add_settings(struct packing *p, const struct server_facts *f)
{
    packing_list(p, "settings", "settings", 80, false);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < f->settings.n; i++) {
            const struct setting *s = &f->settings.items[i];
            bool knob = knob_find(s->name) != NULL || os_is(s->name);
            bool set = strcmp(s->source, "default") != 0 && strcmp(s->value, s->boot) != 0;
            if (pass == 0 ? !knob : knob || !set || strchr(s->name, '.'))
                continue;
            struct buf *o = packing_row(p);
            if (!o)
                continue;
            pack_word(o, "name", s->name);
            pack_value(p, o, "value", s, *s->shown ? s->shown : s->value);
            pack_word(o, "source", s->source);
            if (s->pending_restart)
                pack_bool(o, "pending_restart", true);
            if (s->denied)
                pack_bool(o, "denied", true);
            packing_row_end(p);
        }
    packing_end(p);
    packing_list(p, "own_values_of_roles_and_databases", "such values", 35, false);
    for (int i = 0; i < f->noverrides; i++) {
        const struct override *v = &f->overrides[i];
        const struct setting *s = settings_find(&f->settings, v->name);
        struct buf *o = packing_row(p);
        if (!o)
            continue;
        if (!s || strchr(v->name, '.'))
            pack_word(o, "name", "(another setting)");
        else
            pack_word(o, "name", v->name);
        if (s)
            pack_value(p, o, "value", s, v->value);
        pack_name(p, o, "role", ALIAS_USER, v->role);
        pack_name(p, o, "database", ALIAS_DATABASE, v->database);
        packing_row_end(p);
    }
    packing_end(p);
}

static void add_runtime(struct packing *p, const struct server_facts *f)
{
    const struct runtime_facts *r = &f->runtime;
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"seconds", r->stats_age_s},
        {"commits", r->xact_commit},
        {"rollbacks", r->xact_rollback},
        {"blocks_hit", r->blks_hit},
        {"blocks_read", r->blks_read},
        {"temp_files", r->temp_files},
        {"temp_bytes", r->temp_bytes},
        {"deadlocks", r->deadlocks},
        {"sessions", r->sessions},
        {"sessions_active", r->sessions_active},
        {"sessions_idle_in_transaction", r->sessions_idle_tx},
        {"max_connections", r->max_connections},
        {"checkpoints_timed", r->ckpt_timed},
        {"checkpoints_requested", r->ckpt_req},
        {"buffers_checkpoint", r->buffers_ckpt},
        {"buffers_cleaner", r->buffers_clean},
        {"buffers_backend", r->buffers_backend},
        {"wal_bytes", r->wal_bytes},
        {"wal_full_page_images", r->wal_fpi},
        {"wal_buffers_full", r->wal_buffers_full},
        {"replicas", r->replicas},
        {"replica_lag_s", r->replica_lag_s},
        {"inactive_slots", r->slots_inactive},
        {"failed_archivings", r->archive_failed},
        {"locks_waiting", r->locks_waiting},
        {"longest_transaction_s", r->longest_xact_s},
        {"prepared_transactions", r->prepared_xacts},
        {"invalid_indexes", r->indexes_invalid},
        {"dead_tuples", r->dead_tuples},
        {"live_tuples", r->live_tuples},
    };
    struct buf *o = packing_begin(p, "since_statistics_began", 60, false);
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        pack_num(o, figures[i].key, figures[i].value);
    packing_end(p);
    packing_list(p, "cannot_be_seen", "things that cannot be seen", 50, false);
    for (int i = 0; i < f->nmissing; i++) {
        struct buf *row = packing_row(p);
        if (!row)
            continue;
        pack_prose(p, row, "what", f->missing[i]);
        packing_row_end(p);
    }
    packing_end(p);
}

void packet_server(struct packing *p)
{
    const struct server_facts *f = facts_of(p);
    if (!f)
        return;
    add_server(p, f);
    if (f->settings.n)
        add_allowed(p, f);
    add_schema(p, f);
    add_settings(p, f);
    if (f->id.version_num > 0)
        add_runtime(p, f);
}
