/* start.c - see start.h. The pages share one dialog; which is shown stands in m->start.page. */
#include "pgd/app/start.h"

#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"

void start_screen_open(struct model *m, struct effects *fx)
{
    struct start_screen *s = &m->start;
    const char *host = cli_connect_get(&m->opt.connect, "host");
    const char *port = cli_connect_get(&m->opt.connect, "port");

    dialogs_open(m, DIALOG_START);
    s->page = START_LIST;
    if (m->opt.server_only) {
        text_copy(s->server, sizeof s->server, host ? host : "");
        text_copy(s->server_port, sizeof s->server_port, port ? port : "");
    }
    start_list_read(m, fx);
}

void start_go(struct model *m, struct effects *fx)
{
    dialogs_close(m);
    m->screen.dialog.kind = DIALOG_NONE;
    m->opt.has_target = true;
    flow_begin(m, fx);
}

void start_screen_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->req.generation != m->start.no)
        return;
    m->dirty = true;
    if (ev->req.id == UI_START_DATABASES)
        start_databases_answer(m, ev, fx);
    else
        start_list_answer(m, ev, fx);
}

bool start_screen_key(struct model *m, struct key k, struct effects *fx)
{
    switch (m->start.page) {
    case START_SERVER:
        return start_server_key(m, k, fx);
    case START_DATABASES:
        return start_databases_key(m, k, fx);
    case START_LIST:
        break;
    }
    return start_list_key(m, k, fx);
}
