/* Look-ups in the facts of a server, and the question whether two identities are one server. */
#include "pgd/discovery/facts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

static int compare_name(const void *key, const void *item)
{
    return strcasecmp(key, ((const struct setting *)item)->name);
}

const struct setting *settings_find(const struct settings *s, const char *name)
{
    if (s->n == 0)
        return NULL;
    return bsearch(name, s->items, (size_t)s->n, sizeof *s->items, compare_name);
}

/* The units that pg_settings uses, alone or behind a factor ("8kB"): bytes for memory, milliseconds
 * for time. */
static bool unit_factor(const char *unit, double *factor)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {
        {"B", 1},        {"kB", 1024}, {"MB", 1048576}, {"GB", 1073741824}, {"TB", 1099511627776.0},
        {"us", 1e-3},    {"ms", 1},    {"s", 1000},     {"min", 60000},     {"h", 3600000},
        {"d", 86400000},
    };
    char *name = NULL;
    long count = strtol(unit, &name, 10);
    if (name == unit)
        count = 1;
    if (*name == '\0' || count <= 0) {
        *factor = 1;
        return *unit == '\0';
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(units[i].name, name) == 0) {
            *factor = (double)count * units[i].factor;
            return true;
        }
    }
    return false;
}

double settings_number(const struct settings *s, const char *name)
{
    const struct setting *one = settings_find(s, name);
    double value, factor;
    if (!one || !text_double(one->value, &value) || !unit_factor(one->unit, &factor))
        return NAN;
    /* A negative value is a special meaning ("as another setting", "off"), not an amount. */
    return value < 0 ? value : value * factor;
}

bool settings_bool(const struct settings *s, const char *name, bool otherwise)
{
    const struct setting *one = settings_find(s, name);
    if (!one)
        return otherwise;
    if (strcasecmp(one->value, "on") == 0 || strcasecmp(one->value, "true") == 0 ||
        strcasecmp(one->value, "yes") == 0 || strcmp(one->value, "1") == 0)
        return true;
    if (strcasecmp(one->value, "off") == 0 || strcasecmp(one->value, "false") == 0 ||
        strcasecmp(one->value, "no") == 0 || strcmp(one->value, "0") == 0)
        return false;
    return otherwise;
}

bool settings_denied(const struct server_facts *f, const struct setting *s)
{
    const struct rights *r = &f->rights;

    return s->denied && r->alter_system && r->reload && r->file_settings;
}

void settings_clear(struct settings *s)
{
    free(s->items);
    s->items = NULL;
    s->n = 0;
}

static void forget_disk(struct disk_facts *d)
{
    *d = (struct disk_facts){.total_bytes = NAN, .free_bytes = NAN};
}

void host_facts_forget(struct host_facts *h)
{
    *h = (struct host_facts){
        .mem_total = NAN,
        .mem_available = NAN,
        .swap_total = NAN,
        .cgroup_mem_limit = NAN,
        .cgroup_cpus = NAN,
        .hugepages_total = -1,
        .hugepages_free = -1,
        .hugepages_used = -1,
        .hugepage_bytes = NAN,
        .overcommit = -1,
        .swappiness = -1,
        .commit_limit = NAN,
        .committed = NAN,
        .dirty_bytes = NAN,
        .dirty_background_bytes = NAN,
        .dirty_ratio = NAN,
        .dirty_background_ratio = NAN,
        .clock_s = NAN,
    };
    forget_disk(&h->data);
    forget_disk(&h->wal);
}

const struct os_fact *host_os(const struct host_facts *h, const char *name)
{
    for (int i = 0; i < h->nos_facts; i++)
        if (strcmp(h->os_facts[i].name, name) == 0)
            return &h->os_facts[i];
    return NULL;
}

void runtime_facts_forget(struct runtime_facts *r)
{
    *r = (struct runtime_facts){
        .stats_age_s = NAN,
        .xact_commit = NAN,
        .xact_rollback = NAN,
        .blks_hit = NAN,
        .blks_read = NAN,
        .tup_returned = NAN,
        .tup_fetched = NAN,
        .temp_files = NAN,
        .temp_bytes = NAN,
        .deadlocks = NAN,
        .conflicts = NAN,
        .sessions = NAN,
        .sessions_active = NAN,
        .sessions_idle_tx = NAN,
        .sessions_waiting = NAN,
        .max_connections = NAN,
        .ckpt_timed = NAN,
        .ckpt_req = NAN,
        .ckpt_write_ms = NAN,
        .ckpt_sync_ms = NAN,
        .buffers_ckpt = NAN,
        .buffers_clean = NAN,
        .buffers_backend = NAN,
        .wal_bytes = NAN,
        .wal_fpi = NAN,
        .wal_records = NAN,
        .wal_buffers_full = NAN,
        .wal_sync_ms = NAN,
        .indexes_invalid = NAN,
        .replicas = NAN,
        .replica_lag_s = NAN,
        .slots_inactive = NAN,
        .archive_failed = NAN,
        .locks_waiting = NAN,
        .longest_xact_s = NAN,
        .prepared_xacts = NAN,
        .dead_tuples = NAN,
        .live_tuples = NAN,
    };
}

static void take(double *total, double ours)
{
    if (ours > 0)
        *total = fmax(*total - ours, 0) + (isnan(*total) ? NAN : 0);
}

bool own_totals_within(const struct own_totals *own, double stats_age_s, int64_t wall_us)
{
    enum { SLACK_US = 5000000 };

    return (double)wall_us - stats_age_s * 1e6 < (double)own->since_us + SLACK_US;
}

void runtime_facts_leave_out(struct runtime_facts *r, const struct own_totals *own, int64_t wall_us)
{
    if (own->until_us == 0 || r->own.until_us != 0 ||
        !own_totals_within(own, r->stats_age_s, wall_us))
        return;
    take(&r->stats_age_s, own->seconds);
    take(&r->xact_commit, own->xact_commit);
    take(&r->xact_rollback, own->xact_rollback);
    take(&r->blks_hit, own->blks_hit);
    take(&r->blks_read, own->blks_read);
    take(&r->temp_files, own->temp_files);
    take(&r->temp_bytes, own->temp_bytes);
    take(&r->deadlocks, own->deadlocks);
    take(&r->ckpt_timed, own->ckpt_timed);
    take(&r->ckpt_req, own->ckpt_req);
    take(&r->wal_bytes, own->wal_bytes);
    r->own = *own;
}

void server_facts_clear(struct server_facts *f)
{
    settings_clear(&f->settings);
    memset(f, 0, sizeof *f);
    host_facts_forget(&f->host);
    runtime_facts_forget(&f->runtime);
}

#define RAW(dst, name) \
    text_copy_raw(dst, sizeof(dst), rows_text(r, 0, name) ? rows_text(r, 0, name) : "")

void identity_read(const struct rows *r, struct identity *id)
{
    id->version_num = (int)rows_int64(r, 0, "version_num", 0);
    text_copy(id->version, sizeof id->version,
              rows_text(r, 0, "version") ? rows_text(r, 0, "version") : "");
    id->standby = rows_bool(r, 0, "standby", false);
    RAW(id->server_addr, "server_addr");
    id->server_port = (int)rows_int64(r, 0, "server_port", 0);
    RAW(id->cluster_name, "cluster_name");
    id->postmaster_start_us = rows_int64(r, 0, "postmaster_start_us", 0);
    RAW(id->database, "database");
    RAW(id->role, "role");
    if (rows_text(r, 0, "data_directory") || !id->reached)
        RAW(id->data_directory, "data_directory");
    RAW(id->config_file, "config_file");
    RAW(id->hba_file, "hba_file");
}

void identity_read_control(const struct rows *r, struct identity *id)
{
    bool known = r && rows_text(r, 0, "system_identifier");

    text_copy_raw(id->system_identifier, sizeof id->system_identifier,
                  known ? rows_text(r, 0, "system_identifier") : "");
    id->timeline = known ? rows_int64(r, 0, "timeline", 0) : 0;
}

#undef RAW

static const char *value_of(const struct server_facts *f, const char *name)
{
    const struct setting *s = settings_find(&f->settings, name);
    return s ? s->value : "";
}

bool huge_pages_missed(const struct server_facts *f, char *text, size_t text_size, char *figure,
                       size_t figure_size)
{
    const char *asked = value_of(f, "huge_pages"), *status = value_of(f, "huge_pages_status");
    const struct host_facts *h = &f->host;
    double needed = settings_number(&f->settings, "shared_memory_size_in_huge_pages");
    char how_many[40] = "";
    bool missed = strcmp(status, "off") == 0 ||
                  (strcmp(status, "on") != 0 && h->known && h->hugepages_used == 0);
    if (!missed || (strcmp(asked, "try") != 0 && strcmp(asked, "on") != 0))
        return false;
    if (needed > 0)
        snprintf(how_many, sizeof how_many, "; the server needs %.0f", needed);
    if (h->known && h->hugepages_total >= 0) {
        snprintf(figure, figure_size, "none used, %" PRId64 " reserved", h->hugepages_total);
        snprintf(text, text_size,
                 "huge_pages = %s, but the shared memory lies in ordinary pages: the system has "
                 "reserved %" PRId64 " huge pages (%" PRId64 " free)%s.",
                 asked, h->hugepages_total, h->hugepages_free, how_many);
    } else {
        snprintf(figure, figure_size, "huge_pages_status = off");
        snprintf(text, text_size,
                 "huge_pages = %s, but the shared memory lies in ordinary pages: the system gave "
                 "no huge ones%s.",
                 asked, how_many);
    }
    return true;
}

/* Both known and different. */
static bool differ(const char *a, const char *b)
{
    return a[0] && b[0] && strcmp(a, b) != 0;
}

bool identity_same(const struct identity *a, const struct identity *b, char *why, size_t size)
{
    bool known = a->system_identifier[0] && b->system_identifier[0];
    /* One start of one postmaster is one server by whatever way it is reached; two servers that
     * started in the same microsecond still differ in the rest. */
    bool same_start = a->postmaster_start_us != 0 &&
                      a->postmaster_start_us == b->postmaster_start_us;
    const char *from = a->server_addr[0] ? a->server_addr : "a socket";
    const char *to = b->server_addr[0] ? b->server_addr : "a socket";

    if (size > 0)
        why[0] = '\0';
    if (known && strcmp(a->system_identifier, b->system_identifier) != 0)
        snprintf(why, size, "the system identifier was %s and is %s", a->system_identifier,
                 b->system_identifier);
    else if (a->standby != b->standby)
        snprintf(why, size, "the server was a %s and is a %s", a->standby ? "standby" : "primary",
                 b->standby ? "standby" : "primary");
    else if (a->timeline > 0 && b->timeline > 0 && a->timeline != b->timeline)
        snprintf(why, size,
                 "the timeline was %" PRId64 " and is %" PRId64 ": a standby was promoted",
                 a->timeline, b->timeline);
    else if (a->server_port != b->server_port)
        snprintf(why, size, "the port was %d and is %d", a->server_port, b->server_port);
    else if (strcmp(a->server_addr, b->server_addr) != 0 && !same_start)
        snprintf(why, size, "the address was %s and is %s", from, to);
    else if (differ(a->data_directory, b->data_directory))
        snprintf(why, size, "the data directory was %s and is %s", a->data_directory,
                 b->data_directory);
    else if (differ(a->machine, b->machine))
        snprintf(why, size, "its host's machine-id was %s and is %s", a->machine, b->machine);
    else
        return true;
    return false;
}
