/* Reads what assets/remote/host.sh prints. The text comes from a machine that may be anything, so a
 * line that is not understood is dropped, and every figure is checked. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/discover.h"

enum { LINE_MAX_BYTES = 600 };

enum host_kind {
    TEXT, /* cleaned: for people */
    RAW,  /* as it is: a path or a name that is used again */
    AMOUNT,
    COUNT,
    WIDE
};

struct host_key {
    const char *name;
    enum host_kind kind;
    size_t at, size;
};

#define HOST(n, k, member)                                                                  \
    {                                                                                       \
        n, k, offsetof(struct host_facts, member), sizeof(((struct host_facts *)0)->member) \
    }

static const struct host_key host_keys[] = {
    HOST("hostname", TEXT, hostname),
    HOST("kernel", TEXT, kernel),
    HOST("os", TEXT, os),
    HOST("cpus", COUNT, cpus),
    HOST("cpu_model", TEXT, cpu_model),
    HOST("mem_total", AMOUNT, mem_total),
    HOST("mem_available", AMOUNT, mem_available),
    HOST("swap_total", AMOUNT, swap_total),
    HOST("cgroup_mem_limit", AMOUNT, cgroup_mem_limit),
    HOST("cgroup_cpus", AMOUNT, cgroup_cpus),
    HOST("thp", TEXT, thp),
    HOST("hugepages_total", WIDE, hugepages_total),
    HOST("hugepages_free", WIDE, hugepages_free),
    HOST("hugepage_bytes", AMOUNT, hugepage_bytes),
    HOST("hugepages_used", COUNT, hugepages_used),
    HOST("overcommit", COUNT, overcommit),
    HOST("swappiness", COUNT, swappiness),
    HOST("commit_limit", AMOUNT, commit_limit),
    HOST("committed", AMOUNT, committed),
    HOST("dirty_bytes", AMOUNT, dirty_bytes),
    HOST("dirty_background_bytes", AMOUNT, dirty_background_bytes),
    HOST("dirty_ratio", AMOUNT, dirty_ratio),
    HOST("dirty_background_ratio", AMOUNT, dirty_background_ratio),
    HOST("data_mount", TEXT, data.mount),
    HOST("data_device", TEXT, data.device),
    HOST("data_fs", TEXT, data.fs),
    HOST("data_kind", TEXT, data.kind),
    HOST("data_scheduler", TEXT, data.scheduler),
    HOST("data_total", AMOUNT, data.total_bytes),
    HOST("data_free", AMOUNT, data.free_bytes),
    HOST("wal_mount", TEXT, wal.mount),
    HOST("wal_device", TEXT, wal.device),
    HOST("wal_fs", TEXT, wal.fs),
    HOST("wal_kind", TEXT, wal.kind),
    HOST("wal_scheduler", TEXT, wal.scheduler),
    HOST("wal_total", AMOUNT, wal.total_bytes),
    HOST("wal_free", AMOUNT, wal.free_bytes),
    HOST("boot_id", TEXT, boot_id),
    HOST("clock", AMOUNT, clock_s),
    HOST("container", TEXT, container),
    HOST("user", RAW, user),
    HOST("root", RAW, root),
    HOST("root_note", TEXT, root_note),
};

/* What the script says of the server, apart from its machine. */
struct server_lines {
    char match[16];
    char data_directory[512];
    int postmaster_pid;
    char owner[64];
    char bindir[512];
    char auto_conf[8];
    char supervisor[128];
    char access[8], manager[8], sudo_note[64], leftovers[160];
    int pg_ctlcluster, logout_kills;
    int data_readable;
    int other, no_proc;
    char why_not[200];
    char system_identifier[24];
    char machine[33];
};

#define SERVER(n, k, member)                                                                    \
    {                                                                                           \
        n, k, offsetof(struct server_lines, member), sizeof(((struct server_lines *)0)->member) \
    }

static const struct host_key server_keys[] = {
    SERVER("match", RAW, match),
    SERVER("data_directory", RAW, data_directory),
    SERVER("postmaster_pid", COUNT, postmaster_pid),
    SERVER("owner", RAW, owner),
    SERVER("bindir", RAW, bindir),
    SERVER("auto_conf", RAW, auto_conf),
    SERVER("supervisor", TEXT, supervisor),
    SERVER("access", RAW, access),
    SERVER("manager", RAW, manager),
    SERVER("sudo_note", TEXT, sudo_note),
    SERVER("leftovers", TEXT, leftovers),
    SERVER("pg_ctlcluster", COUNT, pg_ctlcluster),
    SERVER("logout_kills", COUNT, logout_kills),
    SERVER("data_readable", COUNT, data_readable),
    SERVER("other", COUNT, other),
    SERVER("why", TEXT, why_not),
    SERVER("no_proc", COUNT, no_proc),
    SERVER("system_identifier", RAW, system_identifier),
    SERVER("machine_id", RAW, machine),
};

static void set_number(const struct host_key *k, void *field, const char *value)
{
    int64_t whole;
    double amount;
    if (k->kind == AMOUNT) {
        if (text_double(value, &amount) && amount >= 0 && amount < 1e18)
            *(double *)field = amount;
        return;
    }
    if (!text_int64(value, &whole) || whole < 0)
        return;
    if (k->kind == WIDE)
        *(int64_t *)field = whole;
    else if (whole <= 1000000000)
        *(int *)field = (int)whole;
}

static void set_key(const struct host_key *keys, size_t n, void *base, const char *name,
                    const char *value)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        char *field = (char *)base + keys[i].at;
        if (keys[i].kind == TEXT)
            text_copy(field, keys[i].size, value);
        else if (keys[i].kind != RAW)
            set_number(&keys[i], field, value);
        else if (!text_copy_raw(field, keys[i].size, value))
            field[0] = '\0'; /* half a path names something else */
        return;
    }
}

/* Names go into commands: letters, digits, and what names of devices have besides. */
static bool os_name(const char *s)
{
    return s[0] && strlen(s) < sizeof((struct os_fact *)0)->name && !strstr(s, "..") &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-!")] ==
               '\0';
}

/* os.NAME=VALUE comes first; what is said of a name that did not come is dropped. */
static void set_os(struct host_facts *h, const char *key, const char *value)
{
    const char *name = strchr(key, '.');
    struct os_fact *f = NULL;

    if (!name || strncmp(key, "os", 2) != 0 || !os_name(++name))
        return;
    for (int i = 0; i < h->nos_facts && !f; i++)
        if (strcmp(h->os_facts[i].name, name) == 0)
            f = &h->os_facts[i];
    if (strncmp(key, "os.", 3) == 0 && !f && h->nos_facts < OS_FACTS_MAX) {
        f = &h->os_facts[h->nos_facts++];
        memset(f, 0, sizeof *f);
        text_copy(f->name, sizeof f->name, name);
        text_copy(f->value, sizeof f->value, value);
    } else if (f && strncmp(key, "os_choices.", 11) == 0) {
        text_copy(f->choices, sizeof f->choices, value);
    } else if (f && strncmp(key, "os_writable.", 12) == 0) {
        f->writable = strcmp(value, "1") == 0;
    }
}

/* A container's share is the machine, as far as the server can use it. */
static void apply_limits(struct host_facts *h)
{
    if (isnan(h->cgroup_mem_limit))
        return;
    if (h->cgroup_mem_limit >= h->mem_total) {
        h->cgroup_mem_limit = NAN;
        return;
    }
    h->mem_total = h->cgroup_mem_limit;
    if (h->mem_available > h->mem_total)
        h->mem_available = h->mem_total;
}

static void take_server(const struct server_lines *s, struct identity *id)
{
    bool seen = strcmp(s->match, "pidfile") == 0 && s->data_readable == 1;
    id->reached = seen && s->postmaster_pid > 0;
    id->postmaster_pid = id->reached ? s->postmaster_pid : 0;
    id->auto_conf_ok = id->reached && strcmp(s->auto_conf, "rw") == 0;
    text_copy_raw(id->owner, sizeof id->owner, id->reached ? s->owner : "");
    text_copy_raw(id->bindir, sizeof id->bindir, id->reached ? s->bindir : "");
    text_copy_raw(id->supervisor, sizeof id->supervisor, s->supervisor);
    text_copy_raw(id->access, sizeof id->access, id->reached ? s->access : "");
    text_copy_raw(id->manager, sizeof id->manager, s->manager);
    text_copy(id->sudo_note, sizeof id->sudo_note, s->sudo_note);
    if (s->machine[0])
        text_copy_raw(id->machine, sizeof id->machine, s->machine);
    text_copy(id->leftovers, sizeof id->leftovers, s->leftovers);
    id->pg_ctlcluster = s->pg_ctlcluster == 1;
    id->logout_kills = s->logout_kills == 1;
    if (id->reached && !id->data_directory[0] && s->data_directory[0] == '/')
        text_copy_raw(id->data_directory, sizeof id->data_directory, s->data_directory);
}

/* The same data directory, port and time, and yet another cluster: a copy of it, on a twin of the machine. */
static bool other_cluster(const struct server_lines *s, const struct identity *id, char *why,
                          size_t size)
{
    if (!s->system_identifier[0] || !id->system_identifier[0] ||
        strcmp(s->system_identifier, id->system_identifier) == 0)
        return false;
    snprintf(why, size, "the system identifier of its data directory is %s, the server's is %s",
             s->system_identifier, id->system_identifier);
    return true;
}

/* A name that led to one machine leads to another one now; what runs there is not the server that we know. */
static bool other_machine(struct server_lines *s, const struct identity *id, char *why, size_t size)
{
    if (strlen(s->machine) != 32 || s->machine[strspn(s->machine, "0123456789abcdef")])
        s->machine[0] = '\0';
    if (!s->machine[0] || !id->machine[0] || strcmp(s->machine, id->machine) == 0)
        return false;
    snprintf(why, size, "its machine-id is %s, and it was %s before", s->machine, id->machine);
    return true;
}

static void read_lines(const char *text, struct host_facts *h, struct server_lines *server)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        size_t name_len = strcspn(text, "=\n");
        char line[LINE_MAX_BYTES];
        if (name_len < len && len < sizeof line) {
            memcpy(line, text, len);
            line[len] = '\0';
            line[name_len] = '\0';
            set_key(host_keys, ARRAY_LEN(host_keys), h, line, line + name_len + 1);
            set_key(server_keys, ARRAY_LEN(server_keys), server, line, line + name_len + 1);
            set_os(h, line, line + name_len + 1);
        }
        text += len + (text[len] == '\n');
    }
}

void host_facts_parse(const char *text, struct host_facts *h, struct identity *id)
{
    struct server_lines server = {0};
    char why[sizeof h->why_not];

    host_facts_forget(h);
    read_lines(text, h, &server);
    bool here = strcmp(server.match, "pidfile") == 0 || strcmp(server.match, "process") == 0;
    bool other = !here && server.other == 1;
    text_copy(why, sizeof why, here ? "" : server.why_not);
    if (here && (other_cluster(&server, id, why, sizeof why) ||
                 other_machine(&server, id, why, sizeof why)))
        here = !(other = true);
    if (here) {
        h->known = true;
        h->no_proc = server.no_proc == 1;
        apply_limits(h);
    } else {
        /* Another machine's figures would be worse than none. */
        host_facts_forget(h);
        memset(&server, 0, sizeof server);
        h->other = other;
        text_copy(h->why_not, sizeof h->why_not, why);
    }
    take_server(&server, id);
}
