/* demo.c - see demo.h. assets/demo/server.sh does the work; its lines are shown as progress, and its last
 * line says where the server listens. */
#include "pgd/app/demo.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/base/assets.h"
#include "pgd/base/text.h"

static void run_script(struct model *m, const char *mode, struct effects *fx)
{
    const struct asset *script = asset_find("demo/server.sh"),
                       *tuned = asset_find("demo/tuned.conf");
    const char *argv[] = {
        "sh", "-s", "--", mode, m->opt.home, m->opt.demo_tuned ? "tuned" : "stock", NULL};
    struct req req = {OWNER_DEMO, ++m->demo.generation, 1};
    struct effect *e = fx_child(fx, req, argv, 0);

    e->u.child.stdin_text = xstrdup(script ? (const char *)script->data : "exit 1\n");
    if (tuned)
        fx_child_env(e, "PGD_DEMO_TUNED", (const char *)tuned->data);
}

void demo_start(struct model *m, struct effects *fx)
{
    m->demo.state = DEMO_STARTING;
    text_copy(m->demo.note, sizeof m->demo.note, "starting a private PostgreSQL");
    run_script(m, "start", fx);
}

bool demo_leaves(const struct model *m)
{
    (void)m;
    return true;
}

/* A session that can be resumed needs this server, known here already or not. */
static bool still_needed(const struct model *m)
{
    bool needed = m->demo.state == DEMO_STARTING || (m->demo.resumed && !m->workspace.open) ||
                  m->session.state == SESSION_ACTIVE || m->session.state == SESSION_PAUSED;

    for (int i = 0; i < m->workspace.nsessions; i++)
        needed = needed || m->workspace.sessions[i].state == SESSION_ACTIVE ||
                 m->workspace.sessions[i].state == SESSION_PAUSED;
    return needed;
}

void demo_stop(struct model *m, struct effects *fx)
{
    const char *mode = still_needed(m) ? "stop" : "destroy";

    if (m->demo.state == DEMO_STARTING)
        effects_add(fx, FX_CHILD_KILL, (struct req){OWNER_DEMO, m->demo.generation, 1});
    m->demo.state = DEMO_STOPPING;
    run_script(m, mode, fx);
}

/* "up SOCKET_DIR PORT USER new|again" */
static bool up(struct model *m, const char *text)
{
    char dir[512], port[16], user[64], how[16];

    if (sscanf(text, "up %511s %15s %63s %15s", dir, port, user, how) != 4)
        return false;
    text_copy_raw(m->demo.socket_dir, sizeof m->demo.socket_dir, dir);
    text_copy_raw(m->demo.port, sizeof m->demo.port, port);
    m->demo.resumed = strcmp(how, "again") == 0;
    m->opt.connect.n = 0;
    cli_connect_set(&m->opt.connect, "host", dir);
    cli_connect_set(&m->opt.connect, "port", port);
    cli_connect_set(&m->opt.connect, "user", user);
    cli_connect_set(&m->opt.connect, "dbname", "postgres");
    return true;
}

static bool ended(struct model *m, const struct event *ev, struct effects *fx)
{
    if (m->demo.state == DEMO_STOPPING) {
        m->demo.state = DEMO_OFF;
        effects_add(fx, FX_QUIT, ev->req)->exit_code = m->exit_code;
        return false;
    }
    if (ev->err.code == ERR_NONE && ev->u.child.status == 0 && m->demo.socket_dir[0]) {
        m->demo.state = DEMO_UP;
        return true;
    }
    m->demo.state = DEMO_FAILED;
    m->demo.err = ev->err;
    if (ev->err.code == ERR_NONE) {
        err_set(&m->demo.err, ERR_CHILD, "the private PostgreSQL could not be started");
        err_detail(&m->demo.err, "%s.", m->demo.note);
        err_hint(&m->demo.err, "cmake/bootstrap demo installs what is missing.");
    }
    return true;
}

bool demo_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->req.generation != m->demo.generation)
        return false;
    m->dirty = true;
    if (ev->kind == EV_CHILD_LINE && ev->text) {
        if (!up(m, ev->text)) {
            text_copy(m->demo.note, sizeof m->demo.note, ev->text);
            if (m->demo.state == DEMO_STARTING)
                model_say(m, CHAT_EVENT, "%s", m->demo.note);
        }
        return false;
    }
    return ev->kind == EV_CHILD_EXIT && ended(m, ev, fx);
}
