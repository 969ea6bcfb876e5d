/* store_workspace.c - workspace.json: the server and the machine as they were seen last, how they were reached, and what was
 * learnt about measuring there; see store.h. */
#include "pgd/workspace/store_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/advice_notes.h"
#include "pgd/workspace/lessons.h"

static void put(json_t *j, const char *key, json_t *value)
{
    json_object_set_new(j, key, value);
}

static json_t *json_from_identity(const struct identity *id)
{
    json_t *j = json_object();

    put(j, "version_num", json_integer(id->version_num));
    put(j, "version", js_text(id->version));
    put(j, "system_identifier", js_text(id->system_identifier));
    put(j, "standby", json_boolean(id->standby));
    put(j, "server_addr", js_text(id->server_addr));
    put(j, "server_port", json_integer(id->server_port));
    put(j, "data_directory", js_text(id->data_directory));
    put(j, "config_file", js_text(id->config_file));
    put(j, "database", js_text(id->database));
    put(j, "role", js_text(id->role));
    put(j, "bindir", js_text(id->bindir));
    put(j, "owner", js_text(id->owner));
    put(j, "supervisor", js_text(id->supervisor));
    put(j, "access", js_text(id->access));
    put(j, "manager", js_text(id->manager));
    put(j, "pg_ctlcluster", json_boolean(id->pg_ctlcluster));
    put(j, "over_ssh", json_boolean(id->over_ssh));
    put(j, "logout_kills", json_boolean(id->logout_kills));
    put(j, "machine", js_text(id->machine));
    return j;
}

static json_t *json_from_floors(const struct workspace *w)
{
    json_t *list = json_array();

    for (int i = 0; i < w->nfloors; i++) {
        const struct floor_note *f = &w->floors[i];
        json_t *j = json_object();
        put(j, "workload", js_text(f->workload));
        put(j, "clients", json_integer(f->clients));
        put(j, "floor", js_num(f->floor));
        put(j, "runs", json_integer(f->runs));
        put(j, "when_us", json_integer(f->wall_us));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *json_from_spent(const struct spent *s)
{
    json_t *j = json_object();

    put(j, "calls", json_integer(s->calls));
    put(j, "cached_calls", json_integer(s->cached_calls));
    put(j, "tokens_in", json_integer(s->in));
    put(j, "tokens_cached", json_integer(s->cached));
    put(j, "tokens_thinking", json_integer(s->thinking));
    put(j, "tokens_out", json_integer(s->out));
    put(j, "usd", js_num(s->usd));
    put(j, "unpriced", json_integer(s->unpriced));
    put(j, "estimated", json_integer(s->estimated));
    put(j, "seconds", js_num(s->seconds));
    return j;
}

static const struct {
    const char *key;
    size_t at;
} own_sums[] = {
    {"seconds", offsetof(struct own_totals, seconds)},
    {"xact_commit", offsetof(struct own_totals, xact_commit)},
    {"xact_rollback", offsetof(struct own_totals, xact_rollback)},
    {"blks_hit", offsetof(struct own_totals, blks_hit)},
    {"blks_read", offsetof(struct own_totals, blks_read)},
    {"temp_files", offsetof(struct own_totals, temp_files)},
    {"temp_bytes", offsetof(struct own_totals, temp_bytes)},
    {"deadlocks", offsetof(struct own_totals, deadlocks)},
    {"ckpt_timed", offsetof(struct own_totals, ckpt_timed)},
    {"ckpt_req", offsetof(struct own_totals, ckpt_req)},
    {"wal_bytes", offsetof(struct own_totals, wal_bytes)},
};

static json_t *json_from_own(const struct own_totals *own)
{
    json_t *j = json_object();

    put(j, "since_us", json_integer(own->since_us));
    put(j, "until_us", json_integer(own->until_us));
    for (size_t i = 0; i < ARRAY_LEN(own_sums); i++) {
        double v;
        memcpy(&v, (const char *)own + own_sums[i].at, sizeof v);
        put(j, own_sums[i].key, js_num(v));
    }
    return j;
}

/* Of what libpq took besides address and names: what belongs to the way, and holds no secret. */
static const char *const ways[][2] = {
    {"PGSSLMODE", "sslmode"},
    {"PGSSLROOTCERT", "sslrootcert"},
    {"PGSSLCERT", "sslcert"},
    {"PGSSLKEY", "sslkey"},
    {"PGSSLCRL", "sslcrl"},
    {"PGSSLSNI", "sslsni"},
    {"PGSSLNEGOTIATION", "sslnegotiation"},
    {"PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"},
    {"PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"},
    {"PGREQUIREAUTH", "require_auth"},
    {"PGREQUIREPEER", "requirepeer"},
    {"PGCHANNELBINDING", "channel_binding"},
    {"PGGSSENCMODE", "gssencmode"},
    {"PGKRBSRVNAME", "krbsrvname"},
    {"PGTARGETSESSIONATTRS", "target_session_attrs"},
    {"PGCONNECT_TIMEOUT", "connect_timeout"},
};

static json_t *json_from_way(const char *lines)
{
    json_t *j = json_object();

    while (*lines) {
        size_t n = strcspn(lines, "\n"), name = strcspn(lines, "=\n");
        for (size_t i = 0; name < n && i < ARRAY_LEN(ways); i++)
            if (strlen(ways[i][0]) == name && memcmp(lines, ways[i][0], name) == 0) {
                char *value = xstrndup(lines + name + 1, n - name - 1);
                put(j, ways[i][1], js_text(value));
                free(value);
            }
        lines += n + (lines[n] == '\n');
    }
    return j;
}

static json_t *json_from_connection(const struct model *m)
{
    const struct link *l = &m->links[CONN_CONTROL];
    json_t *c = json_object();

    put(c, "host", js_text(l->host));
    put(c, "port", js_text(l->port));
    put(c, "user", js_text(l->user));
    put(c, "dbname", js_text(l->dbname));
    put(c, "tls", json_boolean(l->tls));
    put(c, "ssh_host", js_text(m->opt.ssh_host));
    put(c, "ssh_user", js_text(m->opt.ssh_user));
    put(c, "ssh_port", js_text(m->opt.ssh_port));
    put(c, "ssh_key", js_text(m->opt.ssh_key));
    put(c, "demo", json_boolean(m->opt.demo));
    put(c, "libpq", json_from_way(l->way));
    return c;
}

void store_workspace_json(const struct model *m, struct buf *out)
{
    const struct server_facts *f = &m->server;
    json_t *j = json_object(), *system = json_object();

    put(j, "format", json_integer(STORE_FORMAT));
    put(j, "name", js_text(m->workspace.name));
    put(j, "used_us", json_integer(m->wall_us));
    put(j, "server", json_from_identity(&f->id));
    put(system, "hostname", js_text(f->host.hostname));
    put(system, "kernel", js_text(f->host.kernel));
    put(system, "os", js_text(f->host.os));
    put(system, "cpu_model", js_text(f->host.cpu_model));
    put(system, "cpus", json_integer(f->host.known ? f->host.cpus : 0));
    put(system, "mem_total", js_num(f->host.known ? f->host.mem_total : NAN));
    put(system, "data_disk", js_text(f->host.data.kind));
    put(system, "data_free", js_num(f->host.known ? f->host.data.free_bytes : NAN));
    put(j, "restart_s", js_num(m->workspace.restart_s));
    put(j, "floors", json_from_floors(&m->workspace));
    put(j, "lessons", lessons_of_workspace(&m->workspace));
    put(j, "advice", advice_notes_json(&m->workspace));
    put(j, "advice_server", js_text(m->server.id.system_identifier));
    if (m->workspace.own.until_us)
        put(j, "own_totals", json_from_own(&m->workspace.own));
    put(j, "trusted_wishes", js_text(m->advising.trusted_hash));
    put(j, "advisor_spent", json_from_spent(&m->partner.workspace));
    put(j, "system", system);
    put(j, "connection", json_from_connection(m));
    store_dump(j, out);
}

static void read_identity(const json_t *s, struct identity *id)
{
    memset(id, 0, sizeof *id);
    id->version_num = (int)js_get_int(s, "version_num", 0);
    id->standby = js_get_bool(s, "standby", false);
    id->server_port = (int)js_get_int(s, "server_port", 0);
    js_get_text(s, "version", id->version, sizeof id->version);
    js_get_text(s, "system_identifier", id->system_identifier, sizeof id->system_identifier);
    js_get_text(s, "server_addr", id->server_addr, sizeof id->server_addr);
    js_get_text(s, "data_directory", id->data_directory, sizeof id->data_directory);
    js_get_text(s, "config_file", id->config_file, sizeof id->config_file);
    js_get_text(s, "database", id->database, sizeof id->database);
    js_get_text(s, "role", id->role, sizeof id->role);
    js_get_text(s, "bindir", id->bindir, sizeof id->bindir);
    js_get_text(s, "owner", id->owner, sizeof id->owner);
    js_get_text(s, "supervisor", id->supervisor, sizeof id->supervisor);
    js_get_text(s, "access", id->access, sizeof id->access);
    js_get_text(s, "manager", id->manager, sizeof id->manager);
    js_get_text(s, "machine", id->machine, sizeof id->machine);
    id->pg_ctlcluster = js_get_bool(s, "pg_ctlcluster", false);
    id->logout_kills = js_get_bool(s, "logout_kills", false);
    id->over_ssh = js_get_bool(s, "over_ssh", false);
}

bool store_workspace_parse(const char *text, size_t len, struct identity *id, struct err *e)
{
    json_t *j = store_open(text, len, "workspace.json", e);

    memset(id, 0, sizeof *id);
    if (!j)
        return false;
    read_identity(json_object_get(j, "server"), id);
    json_decref(j);
    return true;
}

static void add_keyword(struct connect_params *c, const char *key, const char *value)
{
    if (!*value || c->n == CONNINFO_MAX)
        return;
    text_copy_raw(c->keys[c->n], sizeof c->keys[0], key);
    text_copy_raw(c->values[c->n++], sizeof c->values[0], value);
}

bool store_workspace_way(const char *text, size_t len, struct workspace_way *way, struct err *e)
{
    static const char *const names[] = {"host", "port", "user", "dbname"};
    json_t *j = store_open(text, len, "workspace.json", e);
    const json_t *c = json_object_get(j, "connection");
    char value[512];

    memset(way, 0, sizeof *way);
    if (!json_is_object(c)) {
        json_decref(j);
        return j ? err_set(e, ERR_FORMAT, "workspace.json does not say how to connect") : false;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (js_get_text(c, names[i], value, sizeof value))
            add_keyword(&way->connect, names[i], value);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (js_get_text(json_object_get(c, "libpq"), ways[i][1], value, sizeof value))
            add_keyword(&way->connect, ways[i][1], value);
    js_get_text(c, "ssh_host", way->ssh.host, sizeof way->ssh.host);
    js_get_text(c, "ssh_user", way->ssh.user, sizeof way->ssh.user);
    js_get_text(c, "ssh_port", way->ssh.port, sizeof way->ssh.port);
    js_get_text(c, "ssh_key", way->ssh_key, sizeof way->ssh_key);
    way->demo = js_get_bool(c, "demo", false);
    json_decref(j);
    return true;
}

void store_workspace_ssh(const char *text, size_t len, struct ssh_way *way)
{
    struct err ignored = {0};
    json_t *j = store_open(text, len, "workspace.json", &ignored);
    const json_t *c = json_object_get(j, "connection");

    memset(way, 0, sizeof *way);
    js_get_text(c, "ssh_host", way->host, sizeof way->host);
    js_get_text(c, "ssh_user", way->user, sizeof way->user);
    js_get_text(c, "ssh_port", way->port, sizeof way->port);
    json_decref(j);
}

double store_workspace_restart_s(const char *text, size_t len)
{
    struct err ignored = {0};
    json_t *j = store_open(text, len, "workspace.json", &ignored);
    double s = j ? js_get_num(j, "restart_s", NAN) : (double)NAN;

    json_decref(j);
    return s > 0 && s < 86400 ? s : (double)NAN;
}

void store_workspace_trusted(const char *text, size_t len, char *dst, size_t size)
{
    struct err ignored = {0};
    json_t *j = store_open(text, len, "workspace.json", &ignored);

    js_get_text(j, "trusted_wishes", dst, size);
    json_decref(j);
}

static int64_t count(const json_t *j, const char *key, int64_t most)
{
    int64_t n = js_get_int(j, key, 0);

    return n < 0 ? 0 : n > most ? most : n;
}

static double amount(const json_t *j, const char *key)
{
    double v = js_get_num(j, key, 0);

    return v > 0 && v < 1e9 ? v : 0;
}

void store_workspace_spent(const char *text, size_t len, struct spent *s)
{
    const int64_t tokens = INT64_C(1) << 50;
    struct err ignored = {0};
    json_t *all = store_open(text, len, "workspace.json", &ignored);
    const json_t *j = json_object_get(all, "advisor_spent");

    *s = (struct spent){.calls = (int)count(j, "calls", INT32_MAX / 2),
                        .cached_calls = (int)count(j, "cached_calls", INT32_MAX / 2),
                        .in = count(j, "tokens_in", tokens),
                        .cached = count(j, "tokens_cached", tokens),
                        .thinking = count(j, "tokens_thinking", tokens),
                        .out = count(j, "tokens_out", tokens),
                        .usd = amount(j, "usd"),
                        .unpriced = (int)count(j, "unpriced", INT32_MAX / 2),
                        .estimated = (int)count(j, "estimated", INT32_MAX / 2),
                        .seconds = amount(j, "seconds")};
    json_decref(all);
}

void store_workspace_own(const char *text, size_t len, struct own_totals *own)
{
    struct err ignored = {0};
    json_t *all = store_open(text, len, "workspace.json", &ignored);
    const json_t *j = json_object_get(all, "own_totals");
    bool sane = true;

    memset(own, 0, sizeof *own);
    own->since_us = js_get_int(j, "since_us", 0);
    own->until_us = js_get_int(j, "until_us", 0);
    for (size_t i = 0; i < ARRAY_LEN(own_sums); i++) {
        double v = js_get_num(j, own_sums[i].key, 0);
        sane = sane && v >= 0 && v < 1e18;
        memcpy((char *)own + own_sums[i].at, &v, sizeof v);
    }
    if (!sane || own->since_us <= 0 || own->since_us > own->until_us)
        memset(own, 0, sizeof *own);
    json_decref(all);
}

void store_workspace_floors(const char *text, size_t len, struct workspace *w)
{
    struct err ignored = {0};
    json_t *j = store_open(text, len, "workspace.json", &ignored), *one;
    size_t i;

    w->nfloors = 0;
    json_array_foreach(json_object_get(j, "floors"), i, one)
    {
        struct floor_note f = {.clients = (int)js_get_int(one, "clients", -1),
                               .floor = js_get_num(one, "floor", NAN),
                               .runs = (int)js_get_int(one, "runs", 0),
                               .wall_us = js_get_int(one, "when_us", 0)};
        js_get_text(one, "workload", f.workload, sizeof f.workload);
        if (f.clients >= 0 && f.floor >= 0 && f.floor < 100 && w->nfloors < FLOORS_MAX)
            w->floors[w->nfloors++] = f;
    }
    json_decref(j);
}

void store_workspace_lessons(const char *text, size_t len, struct workspace *w)
{
    struct err ignored = {0};
    json_t *j = store_open(text, len, "workspace.json", &ignored);

    lessons_read(json_object_get(j, "lessons"), w);
    json_decref(j);
}

int store_workspace_advice(const char *text, size_t len, const struct identity *now,
                           struct workspace *w)
{
    struct err ignored = {0};
    json_t *j = store_open(text, len, "workspace.json", &ignored);
    struct identity before = {0};
    char why[200];
    int dropped = 0;

    read_identity(json_object_get(j, "server"), &before);
    if (json_object_get(j, "advice_server"))
        js_get_text(j, "advice_server", before.system_identifier, sizeof before.system_identifier);
    advice_notes_read(json_object_get(j, "advice"), w);
    if (strcmp(before.system_identifier, now->system_identifier) != 0 ||
        !identity_same(&before, now, why, sizeof why)) {
        dropped = w->nadvice;
        w->nadvice = 0;
    }
    json_decref(j);
    return dropped;
}

bool store_workspace_facts(const char *text, size_t len, struct server_facts *f, struct err *e)
{
    json_t *j = store_open(text, len, "workspace.json", e);
    const json_t *system;
    struct host_facts *h = &f->host;

    server_facts_clear(f);
    if (!j)
        return false;
    read_identity(json_object_get(j, "server"), &f->id);
    system = json_object_get(j, "system");
    js_get_text(system, "hostname", h->hostname, sizeof h->hostname);
    js_get_text(system, "kernel", h->kernel, sizeof h->kernel);
    js_get_text(system, "os", h->os, sizeof h->os);
    js_get_text(system, "cpu_model", h->cpu_model, sizeof h->cpu_model);
    js_get_text(system, "data_disk", h->data.kind, sizeof h->data.kind);
    h->cpus = (int)js_get_int(system, "cpus", 0);
    h->mem_total = js_get_num(system, "mem_total", NAN);
    h->data.free_bytes = js_get_num(system, "data_free", NAN);
    h->known = h->cpus > 0;
    json_decref(j);
    return true;
}
