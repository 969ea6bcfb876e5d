/* flow_down.c - the server does not answer when the program begins. Where the list of its workspace tells of a
 * session that was killed in a restart, that is the reason: the restart script is waited for, and a server that
 * it did not bring up gets its old postgresql.auto.conf back and is started. Anything else is not our business. */
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

enum { PATIENCE_S = 15 }; /* for the connection, once the server should be up */

static void read_of_workspace(struct model *m, enum down_state state, const char *name,
                              struct effects *fx)
{
    struct buf path = {0};

    m->fl.down = state;
    buf_printf(&path, "%s/workspaces/%s/%s", m->opt.home, m->workspace.name, name);
    fx_file(fx, flow_req(m), FILE_READ, buf_text(&path))->u.file.max_bytes = 16u << 20;
    buf_clear(&path);
}

void flow_down_look(struct model *m, const struct event *ev, struct effects *fx)
{
    if (m->flow != FLOW_DISCOVER || m->fl.down != DOWN_UNKNOWN || m->opt.demo || m->opt.readonly ||
        m->links[CONN_CONTROL].was_up || ev->err.code != ERR_CONNECT)
        return;
    text_copy_raw(m->fl.down_host, sizeof m->fl.down_host, ev->u.pg.host);
    store_workspace_name(ev->u.pg.dbname, ev->u.pg.host, ev->u.pg.port, m->workspace.name,
                         sizeof m->workspace.name);
    read_of_workspace(m, DOWN_INDEX, "index.json", fx);
}

bool flow_down_busy(const struct model *m)
{
    return m->fl.down == DOWN_INDEX || m->fl.down == DOWN_SESSION || m->fl.down == DOWN_JOURNAL ||
           m->fl.down == DOWN_IDENTITY || m->fl.down == DOWN_RECOVER ||
           (m->fl.down == DOWN_WAIT && m->now_us < m->fl.down_until_us);
}

/* Its name; false = there is none. */
static bool killed_session(const struct event *ev, char *name, size_t size)
{
    struct workspace *w = xcalloc(1, sizeof *w);
    struct err e = {0};

    if (ev->err.code == ERR_NONE && store_index_parse(ev->text ? ev->text : "", ev->len, w, &e))
        for (int i = 0; i < w->nsessions && !*name; i++)
            if (w->sessions[i].state == SESSION_ACTIVE)
                text_copy_raw(name, size, w->sessions[i].name);
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

/* Only a restart of ours that has no result explains the silence. */
static bool killed_in_restart(const struct event *ev)
{
    struct journal_state *j = xcalloc(1, sizeof *j);
    struct err e = {0};
    bool ours = ev->err.code == ERR_NONE &&
                store_journal_replay(ev->text ? ev->text : "", ev->len, j, &e) && j->unfinished &&
                j->unfinished_restart && !j->unfinished_by_hand;

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
    m->fl.down = DOWN_WAIT;
    m->fl.down_until_us = m->now_us + PATIENCE_S * 1000000LL;
}

/* Who has kept restarts to himself, by the command line or by the plan of that session, starts the server himself. */
static bool may_start(const struct model *m)
{
    enum restart_policy given = m->opt.restart, planned = m->fl.down_policy;

    return (given == RESTART_AUTO || given == RESTART_ASK) &&
           (planned == RESTART_AUTO || planned == RESTART_ASK);
}

static void recover(struct model *m, const struct event *ev, struct effects *fx)
{
    struct identity id;
    struct err e = {0};

    model_say(m, CHAT_WARN, "a restart of ours was interrupted here: looking after the server");
    if (ev->err.code != ERR_NONE ||
        !store_workspace_parse(ev->text ? ev->text : "", ev->len, &id, &e) ||
        !this_machine(m->fl.down_host) || !id.data_directory[0] || !id.bindir[0] || !id.owner[0]) {
        wait_for_link(m);
        return;
    }
    m->fl.down = DOWN_RECOVER;
    id.local = true; /* the name of its host says so */
    if (may_start(m)) {
        apply_recover(&id, flow_req(m), fx);
        return;
    }
    model_say(m, CHAT_WARN, "it gets its old settings back; to start it is yours");
    restart_script(&id, RESTART_WAY_NONE, "rescue", "recover", CHILD_COLLECT, flow_req(m), fx)
        ->changes_server = true;
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

    text_field(text, "state", state, sizeof state);
    text_field(text, "note", said, sizeof said);
    if (said[0])
        model_say(m, CHAT_EVENT, "%s", said);
    if (strcmp(state, "down") == 0)
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
        if (killed_in_restart(ev))
            read_of_workspace(m, DOWN_IDENTITY, "workspace.json", fx);
        else
            not_ours(m, fx);
    } else if (m->fl.down == DOWN_IDENTITY && ev->kind == EV_FILE) {
        recover(m, ev, fx);
    } else if (m->fl.down == DOWN_RECOVER && ev->kind == EV_CHILD_EXIT) {
        recovered(m, ev, fx);
    }
}
