/* flow_host.c - see flow_host.h. */
#include "pgd/app/flow_host.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/health.h"
#include "pgd/app/hosts.h"
#include "pgd/app/logwatch.h"
#include "pgd/base/text.h"
#include "pgd/tuning/manual.h"
#include "pgd/tuning/os.h"

static struct line *machine_line(const struct model *m)
{
    const struct host_facts *h = &m->server.host;
    struct line *l = line_new("host");

    line_text(l, "via", m->discover.by_ssh ? "ssh" : "here");
    line_text(l, "ssh_host", m->opt.ssh_host[0] ? m->opt.ssh_host : NULL);
    line_bool(l, "known", h->known);
    line_bool(l, "other", h->other);
    line_bool(l, "reached", m->server.id.reached);
    line_text(l, "why", m->fl.host_why[0] ? m->fl.host_why : NULL);
    line_text(l, "hostname", h->hostname[0] ? h->hostname : NULL);
    line_text(l, "os", h->os[0] ? h->os : NULL);
    line_text(l, "kernel", h->kernel[0] ? h->kernel : NULL);
    line_text(l, "boot_id", h->boot_id[0] ? h->boot_id : NULL);
    line_bool(l, "rebooted", m->fl.host_rebooted);
    line_num(l, "clock", h->clock_s);
    line_text(l, "container", h->container[0] ? h->container : NULL);
    line_bool(l, "proc", h->known && !h->no_proc);
    line_int(l, "cpus", h->known && h->cpus > 0 ? h->cpus : -1);
    line_text(l, "cpu_model", h->cpu_model[0] ? h->cpu_model : NULL);
    line_num(l, "memory_bytes", h->mem_total);
    line_num(l, "memory_available", h->mem_available);
    line_num(l, "swap_bytes", h->swap_total);
    line_num(l, "cgroup_memory", h->cgroup_mem_limit);
    line_num(l, "cgroup_cpus", h->cgroup_cpus);
    line_int(l, "huge_pages", (long long)h->hugepages_total);
    line_int(l, "huge_pages_free", (long long)h->hugepages_free);
    line_int(l, "huge_pages_used", h->hugepages_used);
    line_num(l, "huge_page_bytes", h->hugepage_bytes);
    line_num(l, "commit_limit", h->commit_limit);
    line_num(l, "committed", h->committed);
    return l;
}

static void put_server(const struct identity *id, const struct host_facts *h, struct line *l)
{
    line_text(l, "user", h->user[0] ? h->user : NULL);
    line_text(l, "root", h->root[0] ? h->root : NULL);
    line_text(l, "root_note", h->root_note[0] ? h->root_note : NULL);
    line_text(l, "access", id->access[0] ? id->access : NULL);
    line_text(l, "sudo_note", id->sudo_note[0] ? id->sudo_note : NULL);
    line_int(l, "postmaster_pid", id->postmaster_pid);
    line_text(l, "data_directory", id->data_directory[0] ? id->data_directory : NULL);
    line_text(l, "bindir", id->bindir[0] ? id->bindir : NULL);
    line_text(l, "owner", id->owner[0] ? id->owner : NULL);
    line_text(l, "supervisor", id->supervisor[0] ? id->supervisor : NULL);
    line_text(l, "manager", id->manager[0] ? id->manager : NULL);
    line_bool(l, "pg_ctlcluster", id->pg_ctlcluster);
    line_bool(l, "auto_conf", id->auto_conf_ok);
}

static void put_disks(const struct host_facts *h, struct line *l)
{
    line_text(l, "data_mount", h->data.mount[0] ? h->data.mount : NULL);
    line_text(l, "data_device", h->data.device[0] ? h->data.device : NULL);
    line_text(l, "data_fs", h->data.fs[0] ? h->data.fs : NULL);
    line_text(l, "data_kind", h->data.kind[0] ? h->data.kind : NULL);
    line_num(l, "data_bytes", h->data.total_bytes);
    line_num(l, "data_free", h->data.free_bytes);
    line_text(l, "wal_mount", h->wal.mount[0] ? h->wal.mount : NULL);
    line_text(l, "wal_device", h->wal.device[0] ? h->wal.device : NULL);
    line_text(l, "wal_fs", h->wal.fs[0] ? h->wal.fs : NULL);
    line_text(l, "wal_kind", h->wal.kind[0] ? h->wal.kind : NULL);
    line_num(l, "wal_bytes", h->wal.total_bytes);
    line_num(l, "wal_free", h->wal.free_bytes);
}

static void os_json(const struct host_facts *h, struct buf *out)
{
    buf_putc(out, '[');
    for (int i = 0; i < h->nos_facts; i++) {
        const struct os_fact *f = &h->os_facts[i];
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        line_quote(out, f->name);
        buf_puts(out, ",\"value\":");
        line_quote(out, f->value);
        buf_puts(out, ",\"choices\":");
        line_quote(out, f->choices);
        buf_printf(out, ",\"writable\":%s}", f->writable ? "true" : "false");
    }
    buf_putc(out, ']');
}

static void emit_host(struct model *m, struct effects *fx)
{
    struct line *l = machine_line(m);
    struct buf settings = {0};

    put_server(&m->server.id, &m->server.host, l);
    put_disks(&m->server.host, l);
    os_json(&m->server.host, &settings);
    line_raw(l, "settings", buf_text(&settings));
    buf_clear(&settings);
    flow_emit(m, l, fx);
}

/* What the DBA is told besides: only what a connection without a link by ssh does not show. */
static void say_host(struct model *m)
{
    const struct host_facts *h = &m->server.host;
    char memory[24];

    if (h->other) {
        model_say(m, CHAT_BAD, "%s is not the server's host: %s", m->opt.ssh_host, h->why_not);
        model_say(m, CHAT_WARN,
                  "nothing is changed on it: no restart and no setting of the operating system");
        return;
    }
    if (!h->known) {
        if (m->opt.ssh_host[0] && m->flow != FLOW_DISCOVER && m->flow != FLOW_WORKSPACE)
            model_say(m, CHAT_WARN, "the server's host: %s", m->fl.host_why);
        return;
    }
    if (m->fl.host_rebooted)
        model_say(m, CHAT_WARN, "the server's host was started anew since it was last looked at");
    if (!m->server.id.over_ssh)
        return;
    text_bytes(memory, sizeof memory, h->mem_total);
    model_say(m, CHAT_EVENT, "the server's host by ssh: %s, %s, %d CPUs, %s", h->hostname,
              h->os[0] ? h->os : h->kernel, h->cpus, memory);
}

static const char *why_not(const struct model *m)
{
    static const char unknown[] = "the machine could not be looked at";

    if (m->server.host.known)
        return "";
    if (m->server.host.why_not[0])
        return m->server.host.why_not;
    for (int i = 0; i < m->server.nmissing; i++)
        if (strncmp(m->server.missing[i], "host: ", 6) == 0)
            return m->server.missing[i] + 6;
    return unknown;
}

void flow_host_telemetry(struct model *m)
{
    const struct host_facts *h = &m->server.host;

    m->collect.host_on = h->known;
    text_copy_raw(m->collect.data_device, sizeof m->collect.data_device, h->data.device);
    text_copy_raw(m->collect.wal_path, sizeof m->collect.wal_path, h->wal.mount);
    logwatch_begin(m);
}

void flow_host_discovery(struct model *m, const struct event *ev, struct effects *fx)
{
    discover_step(&m->discover, &m->server, ev, fx);
    if (m->discover.state == DISCOVER_DONE)
        os_settings(&m->server);
    health_discovered(m, fx);
    m->dirty = true;
}

static void looked(struct model *m, struct effects *fx)
{
    const struct host_facts *h = &m->server.host;
    bool was_known = m->fl.host_looks > 0 && !m->fl.host_why[0];
    char why[200];

    m->fl.host_looks = m->discover.looks;
    text_copy(m->fl.host_why, sizeof m->fl.host_why, why_not(m));
    m->fl.host_rebooted = h->boot_id[0] && m->fl.host_boot[0] &&
                          strcmp(h->boot_id, m->fl.host_boot) != 0;
    if (h->boot_id[0])
        text_copy(m->fl.host_boot, sizeof m->fl.host_boot, h->boot_id);
    if (identity_same(&m->pinned, &m->server.id, why, sizeof why))
        m->pinned = m->server.id; /* what was learnt of it counts from now on */
    flow_host_telemetry(m);
    m->dirty = true;
    if (!h->known && !m->opt.ssh_host[0])
        return;
    /* the end of a session and /health look at everything once more: the same machine is no news */
    if ((m->flow == FLOW_SUMMARY || m->health.state == HEALTH_ASKING) && was_known && h->known &&
        !m->fl.host_rebooted)
        return;
    say_host(m);
    emit_host(m, fx);
}

/* Where discovery is to look, as the link stands. */
static enum discover_where where_now(const struct model *m)
{
    if (m->opt.demo || !hosts_wanted(m, SSH_SERVER))
        return LOOK_HERE;
    if (hosts_up(m, SSH_SERVER))
        return LOOK_BY_SSH;
    return hosts_undecided(m, SSH_SERVER) ? LOOK_UNDECIDED : LOOK_NOWHERE;
}

/* A link that is back shows the server that runs there, and it is known by its start: that may be another one by now. While a
 * switch of ours is under way it is about to become one, and the switch knows by itself whom it has before it. */
static bool may_look_again(const struct model *m)
{
    bool switching = m->apply.state != APPLY_IDLE && !apply_finished(&m->apply) &&
                     !apply_waits(&m->apply);

    return m->links[CONN_CONTROL].state == LINK_UP && !switching;
}

void flow_host_own(struct model *m)
{
    /* Where its own traffic is measured the load is the server's; so it is while the DBA thinks, or a model does. */
    bool load = !m->session.plan.observe &&
                (m->fl.now.running || m->fl.now.switching || m->flow == FLOW_PREPARE);

    if (m->collect.samples == m->fl.own_samples)
        return;
    m->fl.own_samples = m->collect.samples;
    if (load || m->fl.own_load)
        collect_own(&m->collect, m->wall_us, &m->workspace.own);
    m->fl.own_load = load;
}

void flow_host_pump(struct model *m, struct effects *fx)
{
    const struct host_link *h = &m->hosts[SSH_SERVER];
    enum discover_where where = where_now(m);
    bool again = where == LOOK_BY_SSH && m->discover.state == DISCOVER_DONE;
    char why[200] = "";

    if (where != m->discover.where && (!again || may_look_again(m))) {
        /* between two links there is always none */
        if (again)
            discover_refresh(&m->discover, &m->server, fx);
        if (where == LOOK_NOWHERE)
            snprintf(why, sizeof why, "not reached by ssh%s%.150s", h->err.code ? ": " : "",
                     h->err.code ? h->err.msg : "");
        discover_host(&m->discover, &m->server, where, why, fx);
    }
    if (m->server_known && m->discover.looks != m->fl.host_looks)
        looked(m, fx);
}
