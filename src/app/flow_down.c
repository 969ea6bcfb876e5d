/* flow_down.c - the server does not answer when the program begins. Where the list of its workspace tells of a
 * session that was killed in a restart, that is the reason: the restart script is waited for, and a server that
 * it did not bring up gets its old postgresql.auto.conf back and is started. A server that runs and lets nobody in
 * after a session was killed in any switch gets the old file back, too. Anything else is not our business. */
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/hosts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/store.h"

/* For the connection, once the server should be up; or where no restart is on its way. */
enum { PATIENCE_S = 8, PATIENCE_RUNNING_S = 3 };

static void read_of_workspace(struct model *m, enum down_state state, const char *name,
                              struct effects *fx)
{
    struct buf path = {0};

    m->fl.down = state;
    buf_printf(&path, "%s/workspaces/%s/%s", m->opt.home, m->workspace.name, name);
    fx_file(fx, flow_req(m), FILE_READ, buf_text(&path))->u.file.max_bytes = 16u << 20;
    buf_clear(&path);
}

/* Nobody is let in, or only we are not? A role, a database, a password or a rule of pg_hba.conf is about us; and where all
 * places are taken there is somebody inside. */
static bool about_us(const struct err *e)
{
    static const char *const texts[] = {"role \"",  "database \"",
                                        "password", "authentication",
                                        "pg_hba",   "too many connections for",
                                        "SSL",      "certificate",
                                        "GSS",      "service",
                                        "startup",  "could not translate"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strstr(e->msg, texts[i]))
            return true;
    return apply_full(e);
}

/* What the DBA can do where we cannot, or must not. */
static void say_by_hand(struct model *m)
{
    const char *line = buf_text(&m->fl.down_undo);

    if (!m->fl.down_id.data_directory[0])
        model_say(m, CHAT_WARN, "what takes the switch back, once somebody is let in:");
    else
        model_say(m, CHAT_WARN,
                  "to take the switch back, put %s/pg_diagnose.auto.conf.before in the place of "
                  "postgresql.auto.conf and %s the server; or, once somebody is let in:",
                  m->fl.down_id.data_directory, m->fl.down_restart ? "restart" : "reload");
    while (*line) {
        size_t n = strcspn(line, "\n");
        model_say(m, CHAT_WARN, "  %.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
    model_say(m, CHAT_WARN, "  %s",
              m->fl.down_restart ? "and restart it" : "SELECT pg_reload_conf();");
}

/* Who has kept restarts to himself, by the command line or by the plan of that session, starts the server himself. */
static bool may_start(const struct model *m)
{
    enum restart_policy given = m->opt.restart, planned = m->fl.down_policy;

    return (given == RESTART_AUTO || given == RESTART_ASK) &&
           (planned == RESTART_AUTO || planned == RESTART_ASK);
}

/* A server that runs: without a screen nobody is asked. */
static bool may_restart(const struct model *m)
{
    return may_start(m) && (!m->opt.headless || m->opt.restart == RESTART_AUTO);
}

static void unlock(struct model *m, const struct event *ev, struct effects *fx)
{
    struct restart_choice by = {0};

    m->fl.down = DOWN_NOT_OURS;
    if (!m->fl.down_names.len || m->fl.down_unlocked || about_us(&ev->err)) {
        if (m->fl.down_names.len)
            say_by_hand(m);
        return;
    }
    m->fl.down_unlocked = true;
    model_say(m, CHAT_WARN, "we are not let in, and a switch of session %s has no result",
              m->fl.down_session);
    /* On another machine it may take sessions all the same, when the way to it is cut for us alone. */
    if (!m->fl.down_id.reached || (m->fl.down_id.over_ssh && !apply_server_spoke(&ev->err))) {
        say_by_hand(m);
        return;
    }
    if (m->fl.down_restart && may_restart(m))
        restart_choose(&m->fl.down_id, RESTART_AUTO, "", &by);
    if (m->fl.down_restart && by.way == RESTART_WAY_NONE)
        model_say(m, CHAT_WARN, "it gets its old settings back; to restart it is yours%s%s",
                  by.why_not[0] ? ": " : "", by.why_not);
    m->fl.down = DOWN_UNLOCK;
    m->fl.down_way = by.way;
    restart_unlock(&m->fl.down_id, by.way, buf_text(&m->fl.down_names), flow_req(m), fx);
}

void flow_down_look(struct model *m, const struct event *ev, struct effects *fx)
{
    if (m->flow != FLOW_DISCOVER || m->opt.demo || m->opt.readonly ||
        m->links[CONN_CONTROL].was_up || ev->err.code != ERR_CONNECT)
        return;
    if (m->fl.down == DOWN_WAIT && m->now_us >= m->fl.down_until_us)
        unlock(m, ev, fx);
    if (m->fl.down != DOWN_UNKNOWN)
        return;
    text_copy_raw(m->fl.down_host, sizeof m->fl.down_host, ev->u.pg.host);
    store_workspace_name(ev->u.pg.dbname, ev->u.pg.host, ev->u.pg.port, m->workspace.name,
                         sizeof m->workspace.name);
    read_of_workspace(m, DOWN_INDEX, "index.json", fx);
    struct effect *e = &fx->items[fx->n - 1];
    e->u.file.digest = store_index_digest;
    e->u.file.digest_free = store_index_digest_free;
}

bool flow_down_busy(const struct model *m)
{
    return m->fl.down == DOWN_INDEX || m->fl.down == DOWN_HOST || m->fl.down == DOWN_SESSION ||
           m->fl.down == DOWN_JOURNAL || m->fl.down == DOWN_IDENTITY ||
           m->fl.down == DOWN_RECOVER || m->fl.down == DOWN_UNLOCK ||
           (m->fl.down == DOWN_WAIT && m->now_us < m->fl.down_until_us);
}

/* Its name; false = there is none. */
static bool killed_session(const struct event *ev, char *name, size_t size)
{
    struct workspace *w = xcalloc(1, sizeof *w);
    struct err e = {0};

    if (ev->err.code == ERR_NONE && ev->digest && store_index_take(w, ev->digest, &e))
        for (int i = 0; i < w->nsessions && !*name; i++)
            if (w->sessions[i].state == SESSION_ACTIVE)
                text_copy_raw(name, size, w->sessions[i].name);
    session_rows_clear(w);
    free(w);
    return *name != '\0';
}

static void read_of_session(struct model *m, enum down_state state, const char *file,
                            struct effects *fx)
{
    struct buf name = {0};

    buf_printf(&name, "sessions/%s/%s", m->fl.down_session, file);
    read_of_workspace(m, state, buf_text(&name), fx);
    buf_clear(&name);
}

/* Who restarts, by the plan of the killed session. */
static enum restart_policy planned_policy(const struct event *ev)
{
    struct session *s = xcalloc(1, sizeof *s);
    enum restart_policy policy = RESTART_ASK;
    struct err e = {0};

    if (ev->err.code == ERR_NONE && store_session_parse(ev->text ? ev->text : "", ev->len, s, &e))
        policy = s->plan.restart;
    session_reset(s);
    free(s);
    return policy;
}

/* Only a switch of ours that has no result explains the silence. What it was about is kept. */
static bool killed_in_switch(struct model *m, const struct event *ev)
{
    struct journal_state *j = xcalloc(1, sizeof *j);
    struct err e = {0};
    bool ours = ev->err.code == ERR_NONE &&
                store_journal_replay(ev->text ? ev->text : "", ev->len, j, &e) && j->unfinished &&
                !j->unfinished_by_hand;

    buf_clear(&m->fl.down_names);
    buf_clear(&m->fl.down_undo);
    m->fl.down_restart = ours && j->unfinished_restart;
    for (int i = 0; ours && i < j->ledger.n; i++) {
        const struct ledger_row *row = &j->ledger.rows[i];
        if (!row->unsure)
            continue;
        bool in_file = !os_is(row->current.name);
        buf_puts(&m->fl.down_names, in_file && m->fl.down_names.len ? " " : "");
        for (const char *p = row->current.name; in_file && *p; p++)
            buf_putc(&m->fl.down_names, *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p);
        entry_sql(&row->current, &m->fl.down_undo);
        buf_puts(&m->fl.down_undo, ";\n");
    }
    os_name_unit(&m->fl.down_id, &m->fl.down_undo);
    free(j);
    return ours;
}

static bool this_machine(const char *host)
{
    return !*host || *host == '/' || *host == '@' || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void wait_for_link(struct model *m)
{
    int s = m->fl.down_restart ? PATIENCE_S : PATIENCE_RUNNING_S;

    m->fl.down_until_us = m->now_us + s * 1000000LL;
    m->fl.down = DOWN_WAIT;
}

/* Is its host in reach, as far as it was known and by what the command line says now? */
static void place(struct model *m, const struct ssh_way *was)
{
    struct identity *id = &m->fl.down_id;
    bool by_ssh = m->opt.ssh_host[0] != '\0';

    if (id->over_ssh && !by_ssh && was->host[0])
        model_say(m, CHAT_WARN,
                  "its host was reached by ssh: start again with --ssh-host=%s%s%s%s%s to have it "
                  "looked after",
                  was->host, was->user[0] ? " --ssh-user=" : "", was->user,
                  was->port[0] ? " --ssh-port=" : "", was->port);
    /* Another user there has other rights: who we are is seen there. */
    if (by_ssh && (!id->over_ssh || strcmp(was->user, m->opt.ssh_user) != 0)) {
        text_copy(id->access, sizeof id->access, "root");
        id->manager[0] = '\0';
    }
    if (!id->over_ssh)
        id->machine[0] = '\0'; /* of the machine where we were then */
    /* without ssh the name of its host says whether it is this machine */
    id->reached = by_ssh || (!id->over_ssh && this_machine(m->fl.down_host));
    id->over_ssh = by_ssh;
    id->reached = restart_script_possible(id);
}

static void look_after(struct model *m, struct effects *fx)
{
    const struct identity *id = &m->fl.down_id;

    if (!id->reached || !m->fl.down_restart) {
        wait_for_link(m);
        return;
    }
    m->fl.down = DOWN_RECOVER;
    if (may_start(m)) {
        apply_recover(id, flow_req(m), fx);
        return;
    }
    model_say(m, CHAT_WARN, "it gets its old settings back; to start it is yours");
    restart_script(id, RESTART_WAY_NONE, "rescue", "recover", CHILD_COLLECT, flow_req(m), fx)
        ->changes_server = true;
}

/* Without the link nothing is in reach; a host that refuses us is none. */
static void go_on_there(struct model *m, struct effects *fx)
{
    enum down_state next = m->fl.down_next;

    if (!hosts_up(m, SSH_SERVER))
        m->fl.down_id.reached = false;
    if (next == DOWN_UNLOCK && m->fl.down_id.reached) {
        m->fl.down = DOWN_UNLOCK;
        restart_unlock(&m->fl.down_id, m->fl.down_way, buf_text(&m->fl.down_names), flow_req(m),
                       fx);
    } else if (next == DOWN_UNLOCK) {
        say_by_hand(m);
        m->fl.down = DOWN_NOT_OURS;
    } else {
        look_after(m, fx);
    }
}

static void await_host(struct model *m, enum down_state next, struct effects *fx)
{
    m->fl.down = DOWN_HOST;
    m->fl.down_next = next;
    flow_down_host(m, fx);
    if (m->fl.down == DOWN_HOST)
        model_say(m, CHAT_WARN, "waiting for ssh to %s, to look after the server there",
                  m->opt.ssh_host);
}

void flow_down_host(struct model *m, struct effects *fx)
{
    enum host_state state = m->hosts[SSH_SERVER].state;

    if (m->flow == FLOW_DISCOVER && m->fl.down == DOWN_HOST &&
        (state == HOST_UP || state == HOST_REFUSED || state == HOST_OFF))
        go_on_there(m, fx);
}

static void recover(struct model *m, const struct event *ev, struct effects *fx)
{
    const char *text = ev->text ? ev->text : "";
    struct identity *id = &m->fl.down_id;
    struct ssh_way was = {0};
    struct err e = {0};

    if (ev->err.code == ERR_NONE)
        store_workspace_ssh(text, ev->len, &was);
    if (ev->err.code != ERR_NONE || !store_workspace_parse(text, ev->len, id, &e))
        memset(id, 0, sizeof *id);
    if (m->fl.down_restart)
        model_say(m, CHAT_WARN, "a restart of ours was interrupted here: looking after the server");
    place(m, &was);
    if (id->reached && id->over_ssh)
        await_host(m, DOWN_UNKNOWN, fx);
    else
        look_after(m, fx);
}

static void not_ours(struct model *m, struct effects *fx)
{
    struct err e = m->links[CONN_CONTROL].err;

    m->fl.down = DOWN_NOT_OURS;
    if (m->opt.headless)
        flow_connect_failed(m, &e, fx);
}

static void recovered(struct model *m, const struct event *ev, struct effects *fx)
{
    const char *text = ev->text ? ev->text : "";
    char state[32], said[300];

    /* Both can be done twice. */
    if (m->fl.down_id.over_ssh && ev->err.code != ERR_NONE && ev->err.code != ERR_CHILD &&
        ev->err.code != ERR_REFUSED) {
        await_host(m, m->fl.down == DOWN_UNLOCK ? DOWN_UNLOCK : DOWN_UNKNOWN, fx);
        return;
    }
    text_field(text, "state", state, sizeof state);
    text_field(text, "note", said, sizeof said);
    if (said[0])
        model_say(m, CHAT_EVENT, "%s", said);
    bool unlocked = m->fl.down != DOWN_UNLOCK || strcmp(state, "restored") == 0 ||
                    strcmp(state, "starting") == 0;
    if (!unlocked)
        say_by_hand(m);
    if (strcmp(state, "down") == 0 || !unlocked)
        not_ours(m, fx);
    else
        wait_for_link(m);
}

void flow_down_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (!flow_waits(m, ev))
        return;

    if (m->fl.down == DOWN_INDEX && ev->kind == EV_FILE) {
        m->fl.down_session[0] = '\0';
        if (killed_session(ev, m->fl.down_session, sizeof m->fl.down_session))
            read_of_session(m, DOWN_SESSION, "session.json", fx);
        else
            not_ours(m, fx);
    } else if (m->fl.down == DOWN_SESSION && ev->kind == EV_FILE) {
        m->fl.down_policy = planned_policy(ev);
        read_of_session(m, DOWN_JOURNAL, "journal.jsonl", fx);
    } else if (m->fl.down == DOWN_JOURNAL && ev->kind == EV_FILE) {
        if (killed_in_switch(m, ev))
            read_of_workspace(m, DOWN_IDENTITY, "workspace.json", fx);
        else
            not_ours(m, fx);
    } else if (m->fl.down == DOWN_IDENTITY && ev->kind == EV_FILE) {
        recover(m, ev, fx);
    } else if ((m->fl.down == DOWN_RECOVER || m->fl.down == DOWN_UNLOCK) &&
               ev->kind == EV_CHILD_EXIT) {
        recovered(m, ev, fx);
    }
}
