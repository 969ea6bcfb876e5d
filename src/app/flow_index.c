/* flow_index.c - see flow_index.h. Files are read and understood by the worker; in the loop's thread the list only grows a row
 * at a time, so that a workspace of ten thousand folders without index.json does not hold up the screen either. */
#include "pgd/app/flow_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

enum index_step { INDEX_READ, INDEX_LIST, INDEX_REBUILD };
enum { TOLD_MAX = 3 }; /* sessions that cannot be read: more are only counted */
enum { INDEX_MAX = 16 << 20 };

static struct effect *ask(struct model *m, enum index_step step, enum file_op op, const char *rel,
                          struct effects *fx)
{
    struct buf path = {0};

    m->fl.at = (int)step;
    buf_printf(&path, "%s/%s", m->workspace.dir, rel);
    struct effect *e = fx_file(fx, flow_req(m), op, buf_text(&path));
    e->u.file.max_bytes = INDEX_MAX;
    buf_clear(&path);
    return e;
}

void flow_index_early(struct model *m, struct effects *fx)
{
    struct buf path = {0};

    if (m->opt.headless || m->opt.watch || m->opt.health || m->opt.verify || m->opt.demo ||
        m->flow != FLOW_DISCOVER || m->workspace.open || m->workspace.nsessions > 0)
        return;
    flow_name_workspace(m);
    buf_printf(&path, "%s/index.json", m->workspace.dir);
    struct effect *e = fx_file(fx, (struct req){OWNER_UI, 1, UI_FILE_ROWS}, FILE_READ,
                               buf_text(&path));
    e->u.file.max_bytes = INDEX_MAX;
    e->u.file.digest = store_index_digest;
    e->u.file.digest_free = store_index_digest_free;
    buf_clear(&path);
}

void flow_index_early_answer(struct model *m, const struct event *ev)
{
    struct err ignored = {0}; /* told when the workspace is opened */

    if (m->flow != FLOW_DISCOVER || ev->err.code != ERR_NONE || !ev->digest)
        return;
    if (store_index_take(&m->workspace, ev->digest, &ignored))
        m->dirty = true;
}

void flow_index_begin(struct model *m, struct effects *fx)
{
    struct effect *e = ask(m, INDEX_READ, FILE_READ, "index.json", fx);

    m->fl.index_made = m->fl.index_unread = 0;
    e->u.file.digest = store_index_digest;
    e->u.file.digest_free = store_index_digest_free;
}

static void list_folders(struct model *m, struct effects *fx)
{
    struct effect *e = ask(m, INDEX_LIST, FILE_LIST, "sessions", fx);

    e->u.file.digest = store_folders_digest;
    e->u.file.digest_free = store_folders_digest_free;
}

static bool index_read(struct model *m, const struct event *ev, struct err *e)
{
    struct err why = ev->err;

    if (why.code == ERR_NONE && !ev->digest)
        err_set(&why, ERR_FORMAT, "it is empty");
    if (why.code == ERR_NONE && store_index_take(&m->workspace, ev->digest, &why))
        return true;
    session_rows_clear(&m->workspace);
    if (why.code == ERR_REFUSED) {
        *e = why;
        return false;
    }
    if (!ev->u.file.missing)
        model_say(m, CHAT_WARN, "index.json is made again from the session folders: %s", why.msg);
    return true;
}

/* Asks for the next folder that the list lacks; false = there is none. */
static bool rebuild_next(struct model *m, struct effects *fx)
{
    const char *names = buf_text(&m->fl.pending) + m->fl.index_at;
    size_t n = strcspn(names, "\n");
    struct buf rel = {0};

    if (n == 0 || m->workspace.nsessions >= SESSION_ROWS_MAX)
        return false;
    m->fl.index_at += n + 1;
    buf_printf(&rel, "sessions/%.*s/session.json", (int)n, names);
    struct effect *e = ask(m, INDEX_REBUILD, FILE_READ, buf_text(&rel), fx);
    e->u.file.digest = store_row_digest;
    e->u.file.digest_free = store_row_digest_free;
    e->u.file.digest_arg = xstrndup(names, n);
    buf_clear(&rel);
    return true;
}

/* A session that cannot be read may have settings of its own in force: its journal is asked as if it had been killed. */
static void unread(struct model *m, const struct err *e, const char *name, size_t len)
{
    struct session_row *r;

    if (m->fl.index_unread++ < TOLD_MAX) {
        model_say(m, CHAT_WARN, "a session was left out: %s", e->msg);
        if (e->detail[0])
            model_say(m, CHAT_WARN, "%s", e->detail);
    }
    if (e->code == ERR_REFUSED) /* of a newer version, which will look after it */
        return;
    r = session_rows_add(&m->workspace, m->workspace.nsessions);
    if (!r)
        return;
    text_copy_raw(r->name, len + 1 < sizeof r->name ? len + 1 : sizeof r->name, name);
    text_copy(r->strategy, sizeof r->strategy, "unknown");
    r->state = SESSION_ACTIVE;
    r->interrupted = true;
}

/* The folder whose answer this is: the line before the one that is next. */
static const char *asked_name(const struct model *m, size_t *len)
{
    const char *text = buf_text(&m->fl.pending), *end = text + m->fl.index_at - 1, *p = end;

    while (p > text && p[-1] != '\n')
        p--;
    *len = (size_t)(end - p);
    return p;
}

static void rebuilt(struct model *m, const struct event *ev)
{
    struct row_read *read = ev->digest;
    const struct err *e = ev->err.code != ERR_NONE || !read ? &ev->err : &read->err;
    struct session_row *r;
    size_t len;
    const char *name = asked_name(m, &len);

    if (ev->u.file.missing)
        return;
    m->fl.index_made++;
    if (e->code != ERR_NONE || !read) {
        unread(m, e, name, len);
        return;
    }
    r = session_rows_add(&m->workspace, m->workspace.nsessions);
    if (!r)
        return;
    *r = read->row;
    read->row.line = NULL;
}

static void known(struct model *m, int gone, struct effects *fx)
{
    struct workspace *w = &m->workspace;
    bool cut = m->fl.index_at < m->fl.pending.len;

    buf_clear(&m->fl.pending);
    if (m->fl.index_unread > TOLD_MAX)
        model_say(m, CHAT_WARN, "%d more sessions cannot be read", m->fl.index_unread - TOLD_MAX);
    if (cut)
        model_say(m, CHAT_WARN, "%d sessions are listed; the workspace has more folders than that",
                  SESSION_ROWS_MAX);
    if (m->fl.index_made == 0 && gone == 0)
        return;
    session_rows_sort(w);
    if (!w->readonly)
        flow_save(m, false, fx);
}

enum index_end flow_index_event(struct model *m, const struct event *ev, struct err *e,
                                struct effects *fx)
{
    int gone = 0;

    switch ((enum index_step)m->fl.at) {
    case INDEX_READ:
        if (!index_read(m, ev, e))
            return INDEX_REFUSED;
        list_folders(m, fx);
        return INDEX_GOES_ON;
    case INDEX_LIST:
        buf_clear(&m->fl.pending);
        m->fl.index_at = 0;
        if (ev->err.code == ERR_NONE && ev->digest)
            gone = store_index_check(&m->workspace, ev->digest, &m->fl.pending);
        break;
    case INDEX_REBUILD:
        rebuilt(m, ev);
        break;
    }
    m->dirty = true;
    if (rebuild_next(m, fx))
        return INDEX_GOES_ON;
    known(m, gone, fx);
    return INDEX_KNOWN;
}
