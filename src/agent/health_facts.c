/* health_facts.c - checks over what discovery has found: settings, counters, the host. A figure that is not known is no
 * finding; where that leaves the question open the answer is HEALTH_UNKNOWN with the reason. */
#include "pgd/agent/health_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/bill.h"

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
    if (!(bill_worst(&t) > 2 * memory))
        return HEALTH_OK;
    text_bytes(worst, sizeof worst, bill_worst(&t));
    text_bytes(have, sizeof have, memory);
    SAY(figure, "%s if each of %.0f sessions takes its work_mem, of %s", worst, t.max_connections,
        have);
    return HEALTH_WARN;
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
    return HEALTH_WARN;
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

/* A day's worth, or what there was when the statistics are younger. */
static double days(const struct server_facts *f)
{
    return fmax(f->runtime.stats_age_s, 3600) / 86400;
}

enum health_grade health_temp_files(const struct server_facts *f, struct health_look *out)
{
    double a_day = f->runtime.temp_bytes / days(f);
    char amount[32];

    if (!(f->runtime.temp_bytes >= GB) || !(a_day >= 10 * GB))
        return HEALTH_OK;
    text_bytes(amount, sizeof amount, a_day);
    SAY(figure, "%s a day in %.0f files since the statistics began", amount, f->runtime.temp_files);
    return HEALTH_WARN;
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

    if (!(req >= 5) || !(req > timed))
        return HEALTH_OK;
    SAY(figure, "%.0f of %.0f checkpoints were requested", req, req + timed);
    return HEALTH_WARN;
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
    double n = f->runtime.sessions, most = f->runtime.max_connections;

    if (!(n > 0.85 * most))
        return HEALTH_OK;
    SAY(figure, "%.0f of %.0f are taken", n, most);
    return n > 0.95 * most ? HEALTH_CRITICAL : HEALTH_WARN;
}

enum health_grade health_deadlocks(const struct server_facts *f, struct health_look *out)
{
    if (!(f->runtime.deadlocks >= 1) || !(f->runtime.deadlocks / days(f) >= 1))
        return HEALTH_OK;
    SAY(figure, "%.0f since the statistics began", f->runtime.deadlocks);
    return HEALTH_NOTE;
}

enum health_grade health_rollbacks(const struct server_facts *f, struct health_look *out)
{
    double back = f->runtime.xact_rollback, all = back + f->runtime.xact_commit;

    if (!(all >= 10000) || !(back > 0.1 * all))
        return HEALTH_OK;
    SAY(figure, "%.1f %% of %.0f", back / all * 100, all);
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
