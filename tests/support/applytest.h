/* applytest.h - switches of arms on a real server, for tests in C: the machine with the real io below it, and what a test looks
 * at afterwards. One world at a time; the test makes it, with the facts that the program would have. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/io/io.h"
#include "pgd/tuning/apply.h"
#include "pgtest.h"

enum { RETRY_MS = 100, LIMIT_S = 120 };

/* One server with what the program would know of it. */
struct world {
    struct pgtest *pg;
    struct server_facts facts;
    struct ledger ledger;
    uint64_t journal_no;
    char dir[256], journal[300];
    char role[64], command[700];
    enum restart_way way;
    bool canary, preflight_disabled;
    int link_ms, host_ms;
    /* The server's host by ssh, where host is given: the link is opened first, and again when it is lost. */
    struct {
        char host[64], port[16], user[64], key[300], dir[300];
    } ssh;
    void (*before)(const struct effect *e); /* an effect is carried out; NULL = nobody looks */
    void (*after)(const struct effect *e);
    /* of one switch */
    bool control_up, ssh_up;
    struct io *io;
    struct apply *apply;
    uint32_t connects;
    int64_t began_us;
    uint64_t answered; /* newest journal number that is on the disk */
    bool too_early; /* something that changes the server left before its journal entry was there */
    bool cut_at_reload, cut; /* the program is killed when it wants to reload */
    int alters;
    char notes[2048]; /* what was said on the way, each once */
    struct buf trace;
};

static struct world *w;

static inline char *const *words(const char *a, const char *b, const char *c, const char *d)
{
    char **list = calloc(5, sizeof *list);
    const char *given[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        list[i] = strdup(given[i]);
    return list;
}

static inline struct effect connect_effect(const char *role)
{
    struct effect e = {.kind = FX_PG_CONNECT, .ms = 5000};
    e.u.pg.conn = CONN_BENCH;
    e.u.pg.keys = (char **)(uintptr_t)words("host", "port", "user", "dbname");
    e.u.pg.values = (char **)(uintptr_t)words(w->pg->host, w->pg->port, role, "postgres");
    return e;
}

static inline void connect_control(void)
{
    struct effect e = connect_effect(w->pg->user);
    e.req = (struct req){.owner = OWNER_LINKS, .generation = 1, .id = ++w->connects};
    e.u.pg.conn = CONN_CONTROL;
    io_run(w->io, &e);
}

static inline void open_ssh(void)
{
    struct effect e = {.kind = FX_SSH_OPEN};
    e.req = (struct req){.owner = OWNER_HOSTS, .generation = 1, .id = ++w->connects};
    e.u.ssh.host = strdup(w->ssh.host);
    e.u.ssh.port = strdup(w->ssh.port);
    e.u.ssh.user = strdup(w->ssh.user);
    e.u.ssh.key_file = strdup(w->ssh.key);
    e.u.ssh.dir = strdup(w->ssh.dir);
    io_run(w->io, &e);
}

static inline void later(enum owner owner)
{
    struct effect e = {.kind = FX_TIMER, .ms = RETRY_MS};
    e.req = (struct req){.owner = owner, .generation = 1, .id = 1000000};
    io_run(w->io, &e);
}

static inline void quit(void)
{
    struct effect e = {.kind = FX_QUIT};
    io_run(w->io, &e);
}

static inline void carry_out(struct effects *fx)
{
    for (size_t i = 0; i < fx->n; i++) {
        struct effect *e = &fx->items[i];
        struct buf line = {0};
        effect_text(e, &line);
        buf_printf(&w->trace, "%.300s\n", buf_text(&line));
        buf_clear(&line);
        if (e->kind == FX_PG_QUERY && strncmp(e->text, "ALTER SYSTEM", 12) == 0) {
            w->alters++;
            w->too_early |= !e->changes_server || e->after_journal == 0;
        }
        w->too_early |= e->after_journal > w->answered;
        if (w->cut_at_reload && e->kind == FX_PG_QUERY && strstr(e->text, "pg_reload_conf")) {
            w->cut = true;
            quit();
        }
        struct effect copy = effect_copy(e);
        if (w->before)
            w->before(&copy);
        if (!w->cut)
            io_run(w->io, e);
        if (w->after)
            w->after(&copy);
        effect_clear(&copy);
    }
    effects_clear(fx);
}

static inline void start_switch(const struct arm *goal, const struct effect *session, int64_t at_us)
{
    struct effects fx = {0};
    struct apply_env env = {
        .facts = &w->facts,
        .ledger = &w->ledger,
        .journal_path = w->journal,
        .journal_no = &w->journal_no,
        .work_dir = w->dir,
        .way = w->way,
        .restart_command = w->command,
        .canary = w->canary,
        .guard_disabled = w->preflight_disabled,
        .preflight_disabled = w->preflight_disabled,
        .verify_ms = 4000,
        .link_ms = w->link_ms,
        .host_ms = w->host_ms,
        .connect = session,
    };
    w->began_us = at_us;
    apply_start(w->apply, &env, goal, at_us, &fx);
    carry_out(&fx);
}

static inline void keep_note(const char *note)
{
    size_t n = strlen(w->notes);
    if (note[0] && !strstr(w->notes, note))
        snprintf(w->notes + n, sizeof w->notes - n, "%s\n", note);
}

static const struct arm *current_goal;
static struct effect current_session;

static inline void on_event(void *arg, struct event *ev)
{
    struct effects fx = {0};
    (void)arg;
    bool control = (ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN) &&
                   ev->u.pg.conn == CONN_CONTROL;
    if (ev->kind == EV_FILE && ev->u.file.journal_no && ev->err.code == ERR_NONE)
        w->answered = ev->u.file.journal_no;
    bool ssh = ev->kind == EV_SSH_UP || ev->kind == EV_SSH_DOWN;
    if (control)
        w->control_up = ev->kind == EV_PG_UP;
    if (ssh)
        w->ssh_up = ev->kind == EV_SSH_UP;
    if (ev->kind == EV_START) {
        connect_control();
        if (w->ssh.host[0])
            open_ssh();
    } else if ((control || ssh) && w->apply->state == APPLY_IDLE) {
        if (w->control_up && (w->ssh_up || !w->ssh.host[0]))
            start_switch(current_goal, &current_session, ev->at_us);
        else if (ev->kind == EV_SSH_DOWN)
            quit();
    } else if (ev->kind == EV_SSH_DOWN) {
        later(OWNER_HOSTS);
    } else if (ev->kind == EV_TIMER && ev->req.owner == OWNER_HOSTS) {
        open_ssh();
    } else if (ev->kind == EV_TIMER && ev->req.owner == OWNER_LINKS) {
        connect_control();
    } else if (ev->req.owner == OWNER_APPLY || control) {
        apply_step(w->apply, ev, &fx);
        keep_note(w->apply->note);
        carry_out(&fx);
        if (control && ev->kind == EV_PG_DOWN && !apply_finished(w->apply))
            later(OWNER_LINKS);
    }
    if (apply_finished(w->apply) || ev->at_us - w->began_us > LIMIT_S * 1000000LL)
        quit();
}

static inline void on_idle(void *arg)
{
    (void)arg;
}

/* One switch from beginning to end. */
static inline enum apply_state switch_to(const struct arm *goal)
{
    if (!w->apply)
        w->apply = calloc(1, sizeof *w->apply);
    apply_clear(w->apply);
    w->began_us = io_now_us();
    w->answered = w->journal_no;
    w->too_early = w->cut = w->control_up = w->ssh_up = false;
    w->alters = 0;
    w->notes[0] = '\0';
    buf_clear(&w->trace);
    current_goal = goal;
    current_session = connect_effect(w->role);
    w->io = io_new(on_event, on_idle, NULL);
    struct event start = {.kind = EV_START};
    io_post(w->io, &start);
    io_loop(w->io);
    io_free(w->io);
    effect_clear(&current_session);
    print_message("    %s: %s in %.2f s (away %.2f s)%s%s%s%s\n", goal->label,
                  apply_state_name(w->apply->state),
                  (double)(w->apply->now_us - w->apply->started_at_us) / 1e6, w->apply->restart_s,
                  w->apply->err.msg[0] ? ": " : "", w->apply->err.msg,
                  w->apply->log_line[0] ? " | " : "", w->apply->log_line);
    if (getenv("PGD_TRACE"))
        print_message("%s", buf_text(&w->trace));
    assert_false(w->too_early);
    return w->apply->state;
}

static inline struct arm arm_of(const char *label, const char *name, const char *value)
{
    struct arm a = {0};
    text_copy(a.label, sizeof a.label, label);
    if (name)
        assert_true(arm_set(&a, name, true, value));
    return a;
}

static inline const char *sql(const char *text)
{
    return pgtest_psql(w->pg, "postgres", text);
}

static inline const char *show(const char *name)
{
    char text[200];
    snprintf(text, sizeof text, "SHOW %s", name);
    return sql(text);
}

static inline const char *auto_conf(void)
{
    return pgtest_sh("grep -v '^#' '%s/postgresql.auto.conf' || true", w->pg->data);
}

static inline const char *journal(void)
{
    return pgtest_sh("cat '%s'", w->journal);
}

static inline const char *leftovers(void)
{
    return pgtest_sh("cd '%s' && ls -d pg_diagnose* 2>/dev/null | grep -v server.log || true",
                     w->pg->data);
}

/* Scratch clusters of ours that were not removed. */
static inline const char *canaries(void)
{
    return pgtest_sh("ls -d '%s'/pgd-canary.* 2>/dev/null | wc -l", w->pg->dir);
}

/* The restart command of the DBA: a program of these lines of sh, at a path that no shell would take for one word. */
static inline void PGD_PRINTF(1, 2) command_of(const char *format, ...)
{
    char lines[1200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(lines, sizeof lines, format, ap);
    va_end(ap);
    snprintf(w->command, sizeof w->command, "%.200s/restart it; now", w->dir);
    FILE *f = fopen(w->command, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n[ $# -eq 0 ] || exit 1\n%s\n", lines);
    assert_int_equal(fclose(f), 0);
    pgtest_sh("chmod 755 '%s'", w->command);
}

/* A world for a server that runs; the facts are what the program finds out, apart from the host's. */
static inline void world_of(struct pgtest *pg)
{
    w = calloc(1, sizeof *w);
    w->pg = pg;
    setenv("TMPDIR", pg->dir, 1); /* where the canary goes: a place of our own */
    struct identity *id = &w->facts.id;
    text_copy_raw(id->data_directory, sizeof id->data_directory, show("data_directory"));
    text_copy_raw(id->config_file, sizeof id->config_file, show("config_file"));
    text_copy_raw(id->owner, sizeof id->owner, pg->osuser);
    text_copy_raw(id->bindir, sizeof id->bindir, pg->bindir);
    text_copy_raw(id->system_identifier, sizeof id->system_identifier,
                  sql("SELECT system_identifier FROM pg_control_system()"));
    id->server_port = atoi(pg->port);
    id->version_num = atoi(sql("SHOW server_version_num"));
    id->reached = true;
    w->facts.rights.superuser = true;
    text_copy_raw(w->dir, sizeof w->dir, pgtest_sh("mktemp -d /tmp/pgd-apply.XXXXXX"));
    snprintf(w->journal, sizeof w->journal, "%s/journal.jsonl", w->dir);
    text_copy_raw(w->role, sizeof w->role, pg->user);
    w->way = RESTART_WAY_PG_CTL;
}

static inline void world_end(void)
{
    unsetenv("TMPDIR");
    pgtest_sh("rm -rf '%s'", w->dir);
    pgtest_destroy(w->pg);
    if (w->apply)
        apply_clear(w->apply);
    free(w->apply);
    buf_clear(&w->trace);
    free(w);
}
