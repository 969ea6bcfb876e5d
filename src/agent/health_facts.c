/* health_facts.c - checks over what discovery has found: settings, counters, the host. A figure that is not known is no
 * finding; where that leaves the question open the answer is HEALTH_UNKNOWN with the reason. */
#include "pgd/agent/health_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/bill.h"

#define MB (1024.0 * 1024)
#define GB (1024.0 * 1024 * 1024)
#define SAY(field, ...) snprintf(out->field, sizeof out->field, __VA_ARGS__)

static enum health_grade when(bool found, enum health_grade g)
{
    return found ? g : HEALTH_OK;
}

static bool off(const struct server_facts *f, const char *name)
{
    return !settings_bool(&f->settings, name, true);
}

static enum health_grade no_host(struct health_look *out)
{
    SAY(figure, "the server's host cannot be looked at from here: --ssh-host");
    return HEALTH_UNKNOWN;
}

/* -- settings --------------------------------------------------------------------------------------------- */

enum health_grade health_fsync(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return when(off(f, "fsync"), HEALTH_CRITICAL);
}

enum health_grade health_full_page_writes(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return when(off(f, "full_page_writes"), HEALTH_CRITICAL);
}

enum health_grade health_autovacuum(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return when(off(f, "autovacuum"), HEALTH_CRITICAL);
}

enum health_grade health_track_counts(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return when(off(f, "track_counts"), HEALTH_CRITICAL);
}

enum health_grade health_checksums(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return when(settings_find(&f->settings, "data_checksums") && off(f, "data_checksums"),
                HEALTH_NOTE);
}

enum health_grade health_pending(const struct server_facts *f, struct health_look *out)
{
    struct buf names = {0};
    int n = 0;

    for (int i = 0; i < f->settings.n; i++)
        if (f->settings.items[i].pending_restart)
            buf_printf(&names, "%s%s", n++ ? ", " : "", f->settings.items[i].name);
    text_copy(out->object, sizeof out->object, buf_text(&names));
    buf_clear(&names);
    return when(n > 0, HEALTH_NOTE);
}

enum health_grade health_overrides(const struct server_facts *f, struct health_look *out)
{
    if (f->noverrides == 0)
        return HEALTH_OK;
    const struct override *o = &f->overrides[0];
    SAY(figure, "%d, the first: %.60s = %.60s for %.60s%s%.60s", f->noverrides, o->name, o->value,
        o->role[0] ? o->role : "every role", o->database[0] ? " in " : "", o->database);
    return HEALTH_NOTE;
}

enum health_grade health_password(const struct server_facts *f, struct health_look *out)
{
    const struct setting *s = settings_find(&f->settings, "password_encryption");

    (void)out;
    return when(s && (strcmp(s->value, "md5") == 0 || strcmp(s->value, "on") == 0), HEALTH_NOTE);
}

/* The last release of each major version: the project's Versioning Policy. Beyond the table nothing is claimed. */
enum health_grade health_version(const struct server_facts *f, struct health_look *out)
{
    static const struct {
        int major;
        const char *end;
    } ended[] = {{9, "November 2021"},
                 {10, "November 2022"},
                 {11, "November 2023"},
                 {12, "November 2024"},
                 {13, "November 2025"}};
    int major = f->id.version_num / 10000;

    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        if (ended[i].major == major) {
            SAY(figure, "PostgreSQL %d had its last release in %s", major, ended[i].end);
            return HEALTH_WARN;
        }
    return HEALTH_OK;
}

enum health_grade health_statements(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return when(!f->runtime.statements, HEALTH_NOTE);
}

/* -- memory ----------------------------------------------------------------------------------------------- */

enum health_grade health_memory(const struct server_facts *f, struct health_look *out)
{
    struct bill_terms t;
    char worst[32], have[32];
    double memory = bill_memory(f);

    if (!isfinite(memory))
        return no_host(out);
    bill_terms_read(&t, f);
    /* nobody has all of it at once: up to twice the memory is worth knowing, beyond it is a danger */
    if (!(bill_worst(&t) > memory))
        return HEALTH_OK;
    text_bytes(worst, sizeof worst, bill_worst(&t));
    text_bytes(have, sizeof have, memory);
    SAY(figure, "%s if each of %.0f sessions takes its work_mem, of %s", worst, t.max_connections,
        have);
    return bill_worst(&t) > 2 * memory ? HEALTH_WARN : HEALTH_NOTE;
}

enum health_grade health_shared_buffers(const struct server_facts *f, struct health_look *out)
{
    double memory = bill_memory(f), size = settings_number(&f->settings, "shared_buffers");
    char is[32], have[32];

    if (!isfinite(memory))
        return no_host(out);
    if (!(memory >= 4 * GB) || !(size < memory / 16))
        return HEALTH_OK;
    text_bytes(is, sizeof is, size);
    text_bytes(have, sizeof have, memory);
    SAY(figure, "%s of %s of memory", is, have);
    /* what initdb gives is a place to begin at; less than that nobody was given */
    return size < 128 << 20 ? HEALTH_WARN : HEALTH_NOTE;
}

enum health_grade health_huge_pages(const struct server_facts *f, struct health_look *out)
{
    char figure[200];

    /* with less the page tables are no matter; huge_pages = try is the default */
    if (!(settings_number(&f->settings, "shared_buffers") >= GB) ||
        !huge_pages_missed(f, out->figure, sizeof out->figure, figure, sizeof figure))
        return HEALTH_OK;
    return HEALTH_NOTE;
}

/* Of what is counted: a server that has just begun to count is taken to have done so for a while. */
static double days(const struct server_facts *f, double least_s)
{
    return fmax(f->runtime.stats_age_s, least_s) / 86400;
}

/* Behind a figure of which our own runs' share is not counted. */
static void leave_out(double ours, const char *what, struct health_look *out)
{
    size_t used = strlen(out->figure);

    if (ours >= 1)
        snprintf(out->figure + used, sizeof out->figure - used,
                 "; %.0f %s while pg_diagnose's own runs went on are left out", ours, what);
}

enum health_grade health_temp_files(const struct server_facts *f, struct health_look *out)
{
    double all = f->runtime.temp_bytes, a_day = all / days(f, 3600);
    bool much = all >= GB && a_day >= 10 * GB;
    char amount[32], daily[32];

    /* an index that was built is a few large files, and no habit */
    if (!much &&
        (!(all >= 20 * MB) || !(f->runtime.temp_files >= 20) || !(all / days(f, 600) >= 2 * GB)))
        return HEALTH_OK;
    text_bytes(amount, sizeof amount, all);
    text_bytes(daily, sizeof daily, all / days(f, 600));
    SAY(figure, "%s in %.0f files since the statistics began, %s a day", amount,
        f->runtime.temp_files, daily);
    leave_out(f->runtime.own.temp_files, "files", out);
    return much ? HEALTH_WARN : HEALTH_NOTE;
}

enum health_grade health_hit_ratio(const struct server_facts *f, struct health_look *out)
{
    double hit = f->runtime.blks_hit, read = f->runtime.blks_read, ratio = hit / (hit + read);

    if (!(read >= 1e6) || !(ratio < 0.9))
        return HEALTH_OK;
    SAY(figure, "%.1f %% of the pages were there, %.0f million were read", ratio * 100, read / 1e6);
    return HEALTH_NOTE;
}

/* -- checkpoints, planner --------------------------------------------------------------------------------- */

enum health_grade health_checkpoints(const struct server_facts *f, struct health_look *out)
{
    double timed = f->runtime.ckpt_timed, req = f->runtime.ckpt_req;
    /* one is requested when about half of max_wal_size has been written since the last */
    double by_wal = f->runtime.wal_bytes / (settings_number(&f->settings, "max_wal_size") / 2);

    if (!(req >= 5) || !(req > timed))
        return HEALTH_OK;
    SAY(figure, "%.0f of %.0f checkpoints were requested", req, req + timed);
    leave_out(f->runtime.own.ckpt_req, "requested", out);
    if (!(by_wal < req / 2))
        return HEALTH_WARN;
    SAY(figure,
        "%.0f of %.0f checkpoints were requested, no more than %.0f of them for the WAL: the "
        "others by "
        "CHECKPOINT, a backup or CREATE DATABASE",
        req, req + timed, ceil(by_wal));
    leave_out(f->runtime.own.ckpt_req, "requested", out);
    SAY(fix, "look who asks for them: log_checkpoints names the reason");
    return HEALTH_NOTE;
}

enum health_grade health_random_page_cost(const struct server_facts *f, struct health_look *out)
{
    double cost = settings_number(&f->settings, "random_page_cost");
    bool fast = strcmp(f->host.data.kind, "ssd") == 0 || strcmp(f->host.data.kind, "nvme") == 0;

    if (!f->host.known)
        return no_host(out);
    if (!fast || !(cost >= 4))
        return HEALTH_OK;
    SAY(figure, "random_page_cost = %g, the data lies on %s", cost, f->host.data.kind);
    return HEALTH_NOTE;
}

/* -- sessions --------------------------------------------------------------------------------------------- */

enum health_grade health_connections(const struct server_facts *f, struct health_look *out)
{
    double kept = settings_number(&f->settings, "superuser_reserved_connections");
    double most = f->runtime.max_connections - (kept > 0 ? kept : 0), n = f->runtime.sessions;

    if (!(n >= 0.8 * most))
        return HEALTH_OK;
    SAY(figure, "%.0f of %.0f are taken, those for superusers left out", n, most);
    return n > 0.95 * most ? HEALTH_CRITICAL : HEALTH_WARN;
}

enum health_grade health_deadlocks(const struct server_facts *f, struct health_look *out)
{
    if (!(f->runtime.deadlocks >= 1) || !(f->runtime.deadlocks / days(f, 3600) >= 1))
        return HEALTH_OK;
    SAY(figure, "%.0f since the statistics began", f->runtime.deadlocks);
    leave_out(f->runtime.own.deadlocks, "deadlocks", out);
    return HEALTH_NOTE;
}

enum health_grade health_rollbacks(const struct server_facts *f, struct health_look *out)
{
    double back = f->runtime.xact_rollback, all = back + f->runtime.xact_commit;

    if (!(all >= 1000) || !(back > 0.1 * all))
        return HEALTH_OK;
    SAY(figure, "%.1f %% of %.0f", back / all * 100, all);
    leave_out(f->runtime.own.xact_rollback, "rollbacks", out);
    return HEALTH_NOTE;
}

/* -- host ------------------------------------------------------------------------------------------------- */

static enum health_grade room(const struct disk_facts *d, const char *what, struct health_look *out)
{
    char left[32];

    if (!(d->total_bytes > 0) || !(d->free_bytes < 0.1 * d->total_bytes))
        return HEALTH_OK;
    text_bytes(left, sizeof left, d->free_bytes);
    SAY(object, "%.100s (%s)", d->mount, what);
    SAY(figure, "%s left, %.1f %%", left, d->free_bytes / d->total_bytes * 100);
    return d->free_bytes < 0.03 * d->total_bytes ? HEALTH_CRITICAL : HEALTH_WARN;
}

enum health_grade health_disk(const struct server_facts *f, struct health_look *out)
{
    enum health_grade g;

    if (!f->host.known)
        return no_host(out);
    g = room(&f->host.data, "data", out);
    return g != HEALTH_OK ? g : room(&f->host.wal, "WAL", out);
}

enum health_grade health_swap(const struct server_facts *f, struct health_look *out)
{
    double have = f->host.mem_available, all = f->host.mem_total;
    char left[32];

    if (!f->host.known)
        return no_host(out);
    if (!(all > 0) || !(have < 0.03 * all))
        return HEALTH_OK;
    text_bytes(left, sizeof left, have);
    SAY(figure, "%s available, %.1f %%", left, have / all * 100);
    return HEALTH_WARN;
}

enum health_grade health_thp(const struct server_facts *f, struct health_look *out)
{
    if (!f->host.known)
        return no_host(out);
    return when(strcmp(f->host.thp, "always") == 0, HEALTH_NOTE);
}

enum health_grade health_overcommit(const struct server_facts *f, struct health_look *out)
{
    if (!f->host.known)
        return no_host(out);
    if (f->host.overcommit != 1)
        return HEALTH_OK;
    SAY(figure, "vm.overcommit_memory = 1: always");
    return HEALTH_NOTE;
}
