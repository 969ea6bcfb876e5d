/* start_list.c - the recent workspaces: their folders are listed, then read a few at a time, so that the newest figures are on the
 * screen soon and no file is held longer than its row takes. Picking one reads how it was connected to. */
#include "pgd/app/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/app/cli_host.h"
#include "pgd/app/demo.h"
#include "pgd/app/flow.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/workspace/recent.h"
#include "pgd/workspace/store.h"

/* Three files of each folder; an index of ten thousand sessions has some 3 MB. */
enum { AT_ONCE = 64, EACH_MAX = 4 << 20, ONE_MAX = 1 << 20, NAMES_MAX = 4 << 20 };

static struct req next_req(struct model *m, enum ui_file id)
{
    return (struct req){OWNER_UI, ++m->start.no, id};
}

void start_list_read(struct model *m, struct effects *fx)
{
    struct buf path = {0};

    m->start.reading = true;
    m->start.recent.n = 0;
    buf_printf(&path, "%s/workspaces", m->opt.home);
    fx_file(fx, next_req(m, UI_FILE_START), FILE_LIST, buf_text(&path));
    buf_clear(&path);
}

/* ---- reading ---- */

/* Who holds a workspace may be gone: a note in the lock's file outlives its program. */
static void ask_alive(struct model *m, struct effects *fx)
{
    struct buf paths = {0};

    for (int i = 0; i < m->start.recent.n; i++)
        if (m->start.recent.rows[i].holder[0])
            buf_printf(&paths, "/proc/%s/comm\n", m->start.recent.rows[i].holder);
    m->start.reading = paths.len > 0;
    if (paths.len)
        fx_file(fx, next_req(m, UI_START_ALIVE), FILE_READ_MANY, buf_text(&paths))
            ->u.file.max_bytes = 64;
    buf_clear(&paths);
}

static void alive_known(struct model *m, const char *text)
{
    char section[64];

    m->start.reading = false;
    for (int i = 0; i < m->start.recent.n; i++) {
        struct recent *r = &m->start.recent.rows[i];
        if (!r->holder[0])
            continue;
        snprintf(section, sizeof section, "==> /proc/%s/comm\npg_diagnose", r->holder);
        if (!strstr(text, section))
            r->holder[0] = '\0';
    }
}

static void read_some(struct model *m, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct buf paths = {0}, names = {0}, lists = {0};
    const char *p = buf_text(&s->names);

    for (int n = 0; *p && n < AT_ONCE && s->recent.n + n < RECENT_MAX;) {
        size_t len = strcspn(p, "\n");
        if (len > 1 && len <= sizeof s->recent.rows->name && p[len - 1] == '/') {
            int name = (int)len - 1;
            buf_printf(&paths, "%s/workspaces/%.*s/workspace.json\n", m->opt.home, name, p);
            buf_printf(&paths, "%s/workspaces/%.*s/lock\n", m->opt.home, name, p);
            buf_printf(&lists, "%s/workspaces/%.*s/index.json\n", m->opt.home, name, p);
            buf_printf(&names, "%.*s\n", (int)len - 1, p);
            n++;
        }
        p += len + (p[len] == '\n');
    }
    buf_consume(&s->names, (size_t)(p - buf_text(&s->names)));
    buf_append(&paths, buf_text(&lists), lists.len); /* the large ones last */
    buf_clear(&lists);
    if (names.len == 0) {
        buf_clear(&s->names);
        ask_alive(m, fx);
    } else {
        struct effect *e = fx_file(fx, next_req(m, UI_START_ROWS), FILE_READ_MANY,
                                   buf_text(&paths));
        e->u.file.max_bytes = EACH_MAX;
        e->u.file.digest = recent_digest;
        e->u.file.digest_free = recent_list_free;
        e->u.file.digest_arg = buf_take(&names);
    }
    buf_clear(&paths);
    buf_clear(&names);
}

/* Rows come in any order: what the cursor stands on stays under it once the DBA has moved it. */
static void take_rows(struct model *m, const struct recent_list *rows)
{
    struct start_screen *s = &m->start;
    struct dialog *d = &m->screen.dialog;
    char name[160] = "";
    int session = -1, was = -1;
    const struct recent *r = recent_shown(s, d->cursor, &was);

    if (s->moved && r)
        text_copy_raw(name, sizeof name, r->name);
    recent_add(&s->recent, rows);
    for (int i = 0; name[0] && (r = recent_shown(s, i, &session)) != NULL; i++)
        if (session == was && strcmp(r->name, name) == 0) {
            d->cursor = i;
            break;
        }
}

/* ---- opening ---- */

/* DATABASE_HOST[_PORT] of a workspace whose workspace.json says nothing, back to what libpq wants: escaped bytes and
 * addresses are read as store_workspace_name() writes them. False when the name cannot be turned back. */
static bool connect_from_name(struct connect_params *c, const char *name)
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
    c->n = 0;
    cli_connect_set(c, "dbname", text);
    if (strcmp(host, "local") != 0) {
        bool address = strspn(host, "0123456789-") == strlen(host);
        for (char *p = host; address && *p; p++)
            if (*p == '-')
                *p = '.';
        cli_connect_set(c, "host", host);
    }
    if (port && strspn(port, "0123456789") == strlen(port))
        cli_connect_set(c, "port", port);
    return true;
}

/* What the command line has named counts more than what was noted: another role, another way to the host. */
static void use_way(struct model *m, const struct workspace_way *w)
{
    struct options *o = &m->opt;
    struct connect_params given = o->connect;
    struct cli_host h;
    struct err ignored = {0};

    o->connect = w->connect;
    o->connect.password = given.password;
    for (int i = 0; i < given.n; i++)
        cli_connect_set(&o->connect, given.keys[i], given.values[i]);
    if (o->ssh_host[0] || !w->ssh.host[0] || !cli_host_parse("ssh-host", w->ssh.host, &h, &ignored))
        return;
    text_copy_raw(o->ssh_host, sizeof o->ssh_host, h.host);
    if (!o->ssh_user[0] && (!w->ssh.user[0] || !cli_host_user("ssh-user", w->ssh.user, o->ssh_user,
                                                              sizeof o->ssh_user, &ignored)))
        o->ssh_user[0] = '\0';
    if (!o->ssh_port[0])
        text_copy_raw(o->ssh_port, sizeof o->ssh_port, w->ssh.port);
    if (!o->ssh_key[0])
        text_copy_raw(o->ssh_key, sizeof o->ssh_key, w->ssh_key);
}

static void begin_demo(struct model *m, struct effects *fx)
{
    m->screen.dialog = (struct dialog){.kind = DIALOG_NONE};
    m->opt.demo = true;
    if (!m->opt.budget_given)
        m->opt.budget_s = 0;
    demo_start(m, fx);
}

static void picked(struct model *m, const struct event *ev, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct dialog *d = &m->screen.dialog;
    struct workspace_way *w = xcalloc(1, sizeof *w);
    struct err e = ev->err;
    bool known = e.code == ERR_NONE &&
                 store_workspace_way(ev->text ? ev->text : "", ev->len, w, &e);

    if (!known && e.code != ERR_REFUSED)
        known = connect_from_name(&w->connect, s->wanted);
    if (!known) {
        snprintf(d->error, sizeof d->error, "%.150s: n asks for its host", e.msg);
        s->wanted[0] = '\0';
    } else if (w->demo) {
        begin_demo(m, fx);
    } else {
        use_way(m, w);
        start_go(m, fx);
    }
    free(w);
}

static void pick(struct model *m, int row, struct effects *fx)
{
    struct start_screen *s = &m->start;
    int session = -1;
    const struct recent *r = recent_shown(s, row, &session);
    struct buf path = {0};

    if (!r)
        return;
    text_copy_raw(s->wanted, sizeof s->wanted, r->name);
    text_copy_raw(s->session, sizeof s->session, session < 0 ? "" : r->shown[session].name);
    buf_clear(&s->names); /* what is not read yet is of no interest any more */
    s->reading = false;
    buf_printf(&path, "%s/workspaces/%s/workspace.json", m->opt.home, r->name);
    fx_file(fx, next_req(m, UI_START_PICKED), FILE_READ, buf_text(&path))->u.file.max_bytes =
        ONE_MAX;
    buf_clear(&path);
}

/* With -H of a server that nothing is known of: what databases does it have? */
static void nothing_known(struct model *m, struct effects *fx)
{
    if (m->start.server[0] && recent_count(&m->start) == 0) {
        start_server_open(m);
        start_server_connect(m, fx);
    }
}

void start_list_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct start_screen *s = &m->start;

    if (m->screen.dialog.kind != DIALOG_START || s->page != START_LIST)
        return;
    switch (ev->req.id) {
    case UI_FILE_START:
        buf_clear(&s->names);
        if (ev->err.code == ERR_NONE && ev->text)
            buf_append(&s->names, ev->text, ev->len < NAMES_MAX ? ev->len : NAMES_MAX);
        else if (ev->err.code != ERR_NONE && !ev->u.file.missing)
            text_copy(m->screen.dialog.error, sizeof m->screen.dialog.error, ev->err.msg);
        read_some(m, fx);
        break;
    case UI_START_ROWS:
        if (ev->digest)
            take_rows(m, ev->digest);
        read_some(m, fx);
        break;
    case UI_START_ALIVE:
        alive_known(m, ev->text ? ev->text : "");
        break;
    case UI_START_PICKED:
        picked(m, ev, fx);
        return;
    default:
        return;
    }
    if (!s->reading)
        nothing_known(m, fx);
}

/* ---- keys ---- */

static bool filter_key(struct model *m, struct key k)
{
    struct start_screen *s = &m->start;
    struct dialog *d = &m->screen.dialog;
    struct editor ed = {d->input, (int)sizeof s->filter, &d->input_len, &d->input_at, false};
    enum editor_did did = editor_key(&ed, k);

    if (did == EDITOR_CANCEL) {
        s->filter[0] = '\0';
        d->editing = false;
    } else if (did == EDITOR_SUBMIT) {
        d->editing = false;
    } else {
        text_copy_raw(s->filter, sizeof s->filter, d->input);
    }
    d->cursor = 0;
    return true;
}

static void open_filter(struct model *m)
{
    struct dialog *d = &m->screen.dialog;
    struct editor ed = {d->input, (int)sizeof m->start.filter, &d->input_len, &d->input_at, false};

    d->editing = true;
    editor_set(&ed, m->start.filter);
}

/* The row of the workspace that has this number on the screen; -1 = none has. */
static int numbered(const struct start_screen *s, int number)
{
    int session, n = 0;

    for (int i = 0; recent_shown(s, i, &session); i++)
        if (session < 0 && ++n == number)
            return i;
    return -1;
}

bool start_list_key(struct model *m, struct key k, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct dialog *d = &m->screen.dialog;

    if (d->editing)
        return filter_key(m, k);
    if (list_move(&d->cursor, k, recent_count(s))) {
        s->moved = true;
        return true;
    }
    d->error[0] = '\0';
    if (k.name == KEYN_ENTER) {
        pick(m, d->cursor, fx);
    } else if (k.name == KEYN_NONE && k.rune >= '1' && k.rune <= '9') {
        pick(m, numbered(s, (int)(k.rune - '0')), fx);
    } else if (key_is(k, 'n')) {
        start_server_open(m);
    } else if (key_is(k, '/')) {
        open_filter(m);
    } else if (key_is(k, 'd')) {
        begin_demo(m, fx);
    } else if (k.name == KEYN_ESC && s->filter[0]) {
        s->filter[0] = '\0';
        d->cursor = 0;
    } else if (k.name == KEYN_ESC || key_is(k, 'q')) {
        flow_stop(m, true, 0, fx);
    } else {
        return !key_is(k, '?');
    }
    return true;
}
