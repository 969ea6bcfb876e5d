/* The ways to restart a server. A row says which servers it is for and whether we have the rights; the first row that fits
 * decides, also when its answer is no: another way would go behind the back of whoever starts that server. */
#include "pgd/tuning/restart.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/place.h"

enum {
    START_WAIT_S = 3600, /* a server that replays much WAL takes its time */
    WORDS_MAX = 24
};

/* -- what the table's rows ask ------------------------------------------------------------------------ */

static bool has_unit(const struct identity *id)
{
    return strncmp(id->supervisor, "systemd:", 8) == 0;
}

static bool has_supervisor(const struct identity *id)
{
    return id->supervisor[0] && !has_unit(id);
}

static bool unit_allowed(const struct identity *id)
{
    return id->manager[0] != '\0';
}

static void unit_name(const struct identity *id, char *dst, size_t size)
{
    static const char tail[] = ".service";
    size_t n, m = sizeof tail - 1;
    text_copy(dst, size, id->supervisor + strlen("systemd:"));
    n = strlen(dst);
    if (n > m && strcmp(dst + n - m, tail) == 0)
        dst[n - m] = '\0';
}

static void unit_text(const struct identity *id, struct buf *out)
{
    char unit[sizeof id->supervisor];
    unit_name(id, unit, sizeof unit);
    buf_printf(out, "systemctl restart %s", unit);
    if (strcmp(id->manager, "sudo") == 0)
        buf_puts(out, " (sudo)");
}

static void unit_refused(const struct identity *id, struct buf *out)
{
    char unit[sizeof id->supervisor];
    unit_name(id, unit, sizeof unit);
    buf_printf(out, "systemctl restart %s needs root%s%s", unit, id->sudo_note[0] ? ", and " : "",
               id->sudo_note);
}

/* VERSION and NAME of /etc/postgresql/VERSION/NAME/postgresql.conf; false: not that layout. */
static bool debian_cluster(const struct identity *id, char *dst, size_t size)
{
    static const char root[] = "/etc/postgresql/", file[] = "/postgresql.conf";
    const char *at = id->config_file;
    if (!id->pg_ctlcluster || strncmp(at, root, sizeof root - 1) != 0)
        return false;
    at += sizeof root - 1;
    size_t n = strlen(at), m = sizeof file - 1, version = strspn(at, "0123456789.");
    if (n <= m || strcmp(at + n - m, file) != 0)
        return false;
    n -= m;
    /* what pg_ctlcluster takes for a name, and one level of folders */
    size_t name = strcspn(at + version + (at[version] == '/'), "/'\" \t\n");
    return version > 0 && at[version] == '/' && name > 0 && version + 1 + name == n &&
           snprintf(dst, size, "%.*s", (int)n, at) < (int)size;
}

static bool has_cluster(const struct identity *id)
{
    char cluster[128];
    return debian_cluster(id, cluster, sizeof cluster);
}

static const char *by_sudo(const struct identity *id)
{
    return strcmp(id->access, "sudo") == 0 ? " (sudo)" : "";
}

static void cluster_text(const struct identity *id, struct buf *out)
{
    char cluster[128] = "";
    debian_cluster(id, cluster, sizeof cluster);
    char *slash = strchr(cluster, '/');
    if (slash)
        *slash = ' ';
    buf_printf(out, "pg_ctlcluster %s restart%s", cluster, by_sudo(id));
}

static void pg_ctl_text(const struct identity *id, struct buf *out)
{
    buf_printf(out, "pg_ctl restart, as %s%s", id->owner, by_sudo(id));
}

static bool everyone(const struct identity *id)
{
    (void)id;
    return true;
}

static bool nobody(const struct identity *id)
{
    (void)id;
    return false;
}

static bool out_of_reach(const struct identity *id)
{
    return !restart_script_possible(id);
}

static void unreachable(const struct identity *id, struct buf *out)
{
    if (id->sudo_note[0])
        buf_printf(out, "the data directory belongs to somebody else, and %s", id->sudo_note);
    else if (id->over_ssh)
        buf_puts(out, "the data directory on its host is closed to our ssh user");
    else
        buf_puts(out, "the server does not run on this machine, or its data directory is closed "
                      "to us");
}

/* A server that is started in a session of ours lives as long as that. */
static bool ends_at_logout(const struct identity *id)
{
    return id->over_ssh && id->logout_kills;
}

static void at_logout(const struct identity *id, struct buf *out)
{
    (void)id;
    buf_puts(out, "logind there ends what our ssh user has started when he logs out "
                  "(KillUserProcesses), and so the server");
}

static void supervised(const struct identity *id, struct buf *out)
{
    const char *who = id->supervisor, *colon = strchr(who, ':');
    if (strcmp(who, "container") == 0)
        buf_puts(out, "the server is the first process of its container");
    else if (colon)
        buf_printf(out, "the service %s looks after it", colon + 1);
    else
        buf_printf(out, "%s looks after it, and must do that itself", who);
}

/* In order; the first whose `fits` is true decides. */
static const struct restart_row {
    enum restart_way way;
    bool (*fits)(const struct identity *id);
    bool (*allowed)(const struct identity *id);
    void (*text)(const struct identity *id, struct buf *out);
    void (*refused)(const struct identity *id, struct buf *out);
} rows[] = {
    {RESTART_WAY_NONE, has_supervisor, nobody, NULL, supervised},
    /* never without a copy of postgresql.auto.conf to go back to */
    {RESTART_WAY_NONE, out_of_reach, nobody, NULL, unreachable},
    {RESTART_WAY_SYSTEMCTL, has_unit, unit_allowed, unit_text, unit_refused},
    {RESTART_WAY_NONE, ends_at_logout, nobody, NULL, at_logout},
    {RESTART_WAY_PG_CTLCLUSTER, has_cluster, everyone, cluster_text, NULL},
    {RESTART_WAY_PG_CTL, everyone, everyone, pg_ctl_text, NULL},
};

/* -- the choice ------------------------------------------------------------------------------------------ */

bool restart_script_possible(const struct identity *id)
{
    return id->reached && id->data_directory[0] && id->bindir[0] && id->owner[0];
}

bool restart_by_script(enum restart_way way)
{
    return way != RESTART_WAY_NONE && way != RESTART_WAY_COMMAND;
}

void restart_choose(const struct identity *id, enum restart_policy policy, const char *command,
                    struct restart_choice *out)
{
    struct buf text = {0};
    memset(out, 0, sizeof *out);
    if (policy == RESTART_NEVER || policy == RESTART_MANUAL)
        return;
    if (policy == RESTART_COMMAND) {
        out->way = RESTART_WAY_COMMAND;
        snprintf(out->text, sizeof out->text, "%.180s%s", command,
                 id->over_ssh ? ", on this machine" : "");
        return; /* the DBA's own, and run here, wherever the server's host is */
    }
    const struct restart_row *row = rows;
    while (!row->fits(id))
        row++;
    if (row->allowed(id)) {
        out->way = row->way;
        row->text(id, &text);
        buf_puts(&text, id->over_ssh ? " over ssh" : "");
        text_copy(out->text, sizeof out->text, buf_text(&text));
    } else {
        row->refused(id, &text);
        text_copy(out->why_not, sizeof out->why_not, buf_text(&text));
    }
    buf_clear(&text);
}

void restart_by_hand(const struct identity *id, const char *verb, struct buf *out)
{
    char cluster[128], unit[sizeof id->supervisor];

    if (has_unit(id)) {
        unit_name(id, unit, sizeof unit);
        buf_printf(out, "systemctl %s %s   (as root)", verb, unit);
    } else if (debian_cluster(id, cluster, sizeof cluster)) {
        char *slash = strchr(cluster, '/');
        if (slash)
            *slash = ' ';
        buf_printf(out, "pg_ctlcluster %s %s", cluster, verb);
    } else {
        buf_printf(out, "%s/pg_ctl -D %s %s", id->bindir, id->data_directory, verb);
    }
}

/* -- the script ------------------------------------------------------------------------------------------ */

int restart_as_owner(const struct identity *id, const char **first)
{
    return place_as_owner(id, first);
}

static const char *script(const char *name)
{
    const struct asset *found = asset_find(name);
    if (!found)
        die("asset %s is missing", name);
    return (const char *)found->data;
}

/* A list of words, those with a value among them owned. */
struct words {
    const char *list[WORDS_MAX];
    int n;
    struct buf own[WORDS_MAX];
    int nown;
};

static void word(struct words *w, const char *s)
{
    w->list[w->n++] = s;
}

static void pair(struct words *w, const char *name, const char *value)
{
    struct buf *b = &w->own[w->nown++];
    buf_printf(b, "%s=%s", name, value);
    word(w, buf_text(b));
}

/* What is done in the data directory. */
static void script_words(struct words *w, const struct identity *id, enum restart_way way,
                         const char *token)
{
    char number[16], cluster[128];
    snprintf(number, sizeof number, "%d", (int)START_WAIT_S);
    pair(w, "data", id->data_directory);
    pair(w, "config", id->config_file);
    pair(w, "bin", id->bindir);
    pair(w, "id", token);
    pair(w, "wait", number);
    if (id->system_identifier[0])
        pair(w, "system", id->system_identifier);
    if (id->over_ssh && id->machine[0])
        pair(w, "machine", id->machine);
    if (way == RESTART_WAY_PG_CTLCLUSTER && debian_cluster(id, cluster, sizeof cluster))
        pair(w, "cluster", cluster);
    if (way == RESTART_WAY_SYSTEMCTL)
        pair(w, "unit", id->supervisor + strlen("systemd:"));
}

/* The script in the data directory below a parent that calls the service manager for it. */
static void service_words(struct words *w, const struct identity *id, const char *mode)
{
    word(w, "sh");
    word(w, "-c");
    word(w, script("restart/service.sh"));
    word(w, "pg_diagnose-service");
    pair(w, "unit", id->supervisor + strlen("systemd:"));
    pair(w, "manager", id->manager);
    pair(w, "access", id->access);
    pair(w, "owner", id->owner);
    word(w, script("restart/restart.sh"));
    word(w, mode);
}

/* names: of the switch that is taken back, for "unlock"; else NULL. */
static struct effect *run(const struct identity *id, enum restart_way way, const char *mode,
                          const char *token, const char *names, unsigned flags, struct req req,
                          struct effects *fx)
{
    struct words w = {0};
    bool starts = strcmp(mode, "restart") == 0 || strcmp(mode, "recover") == 0 || names;
    bool service = way == RESTART_WAY_SYSTEMCTL && starts;
    bool argument = service || (flags & CHILD_DETACHED); /* who is detached has no input */
    if (service) {
        service_words(&w, id, mode);
    } else {
        w.n = restart_as_owner(id, w.list);
        word(&w, "sh");
        word(&w, argument ? "-c" : "-s");
        word(&w, argument ? script("restart/restart.sh") : "--");
        word(&w, argument ? "pg_diagnose-restart" : mode);
        word(&w, argument ? mode : "by=pg_diagnose-restart");
    }
    script_words(&w, id, way, token);
    if (names)
        pair(&w, "names", names);
    if (names && way != RESTART_WAY_NONE)
        pair(&w, "again", "1");
    struct effect *e = fx_child(fx, req, w.list, flags);
    if (!argument)
        e->u.child.stdin_text = xstrdup(script("restart/restart.sh"));
    if (!service)
        e->u.child.run_as = xstrdup(id->owner);
    e->u.child.cwd = xstrdup("/");
    place_child(id, e);
    for (int i = 0; i < w.nown; i++)
        buf_clear(&w.own[i]);
    return e;
}

struct effect *restart_script(const struct identity *id, enum restart_way way, const char *mode,
                              const char *token, unsigned flags, struct req req, struct effects *fx)
{
    return run(id, way, mode, token, NULL, flags, req, fx);
}

void restart_unlock(const struct identity *id, enum restart_way way, const char *names,
                    struct req req, struct effects *fx)
{
    run(id, way, "unlock", "unlock", names, CHILD_COLLECT, req, fx)->changes_server = true;
}
