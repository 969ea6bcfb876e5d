/* start.c - the screen when no server was named: recent workspaces from their folders, n for another
 * server, d for the demo. */
#include <stdio.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/app/demo.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow.h"
#include "pgd/base/text.h"
#include "pgd/ui/editor.h"

void start_screen_open(struct model *m, struct effects *fx)
{
    struct buf path = {0};

    dialogs_open(m, DIALOG_START);
    buf_printf(&path, "%s/workspaces", m->opt.home);
    fx_file(fx, (struct req){OWNER_UI, 1, 1}, FILE_LIST, buf_text(&path));
    buf_clear(&path);
}

void start_screen_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    const char *p = ev->text ? ev->text : "";

    (void)fx;
    m->nrecent = 0;
    m->dirty = true;
    if (ev->kind != EV_FILE || ev->err.code != ERR_NONE)
        return;
    while (*p && m->nrecent < RECENT_MAX) {
        size_t n = strcspn(p, "\n");
        if (n > 1 && n < sizeof m->recent[0] && p[n - 1] == '/')
            snprintf(m->recent[m->nrecent++], sizeof m->recent[0], "%.*s", (int)(n - 1), p);
        p += n + (p[n] == '\n');
    }
}

/* DATABASE_HOST[_PORT] back to what libpq wants; escaped bytes and addresses are read as written by
 * store_workspace_name(). False when the name cannot be turned back. */
static bool connect_from_name(struct model *m, const char *name)
{
    char text[160];
    char *host, *port;

    text_copy_raw(text, sizeof text, name);
    host = strchr(text, '_');
    if (!host || strchr(text, '%'))
        return false;
    *host++ = 0;
    port = strchr(host, '_');
    if (port)
        *port++ = 0;
    m->opt.connect.n = 0;
    cli_connect_set(&m->opt.connect, "dbname", text);
    if (strcmp(host, "local") != 0) {
        bool address = strspn(host, "0123456789-") == strlen(host);
        for (char *c = host; address && *c; c++)
            if (*c == '-')
                *c = '.';
        cli_connect_set(&m->opt.connect, "host", host);
    }
    if (port && strspn(port, "0123456789") == strlen(port))
        cli_connect_set(&m->opt.connect, "port", port);
    return true;
}

static void go(struct model *m, struct effects *fx)
{
    dialogs_close(m);
    m->opt.has_target = true;
    flow_begin(m, fx);
}

/* Host or connection string typed after n. */
static bool typed_server(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct editor ed = {d->input, (int)sizeof d->input, &d->input_len, &d->input_at, false};
    enum editor_did did = editor_key(&ed, k);

    if (did == EDITOR_CANCEL)
        d->editing = false;
    if (did != EDITOR_SUBMIT)
        return true;
    m->opt.connect.n = 0;
    bool string = strchr(d->input, '=') || strstr(d->input, "://");
    if (d->input_len > 0)
        cli_connect_set(&m->opt.connect, string ? "dbname" : "host", d->input);
    go(m, fx);
    return true;
}

bool start_screen_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    int pick = -1;

    if (d->editing)
        return typed_server(m, k, fx);
    if (k.name == KEYN_UP && d->cursor > 0)
        d->cursor--;
    if (k.name == KEYN_DOWN && d->cursor < m->nrecent - 1)
        d->cursor++;
    if (k.name == KEYN_ENTER)
        pick = d->cursor;
    if (k.name == KEYN_NONE && k.rune >= '1' && k.rune <= '9')
        pick = (int)(k.rune - '1');
    if (pick >= 0 && pick < m->nrecent) {
        if (connect_from_name(m, m->recent[pick]))
            go(m, fx);
        else
            text_copy(d->error, sizeof d->error,
                      "type its host after n: the name cannot be turned back");
        return true;
    }
    if (k.name == KEYN_NONE && k.rune == 'n') {
        d->editing = true;
        d->error[0] = 0;
        return true;
    }
    if (k.name == KEYN_NONE && k.rune == 'd') {
        dialogs_close(m);
        m->opt.demo = true;
        if (!m->opt.budget_given)
            m->opt.budget_s = 0;
        demo_start(m, fx);
        return true;
    }
    if (k.name == KEYN_ESC || (k.name == KEYN_NONE && k.rune == 'q')) {
        flow_stop(m, true, 0, fx);
        return true;
    }
    return !(k.name == KEYN_NONE && k.rune == '?');
}
