/* advise_keep.c - what is kept of the advisor's work in files: requests that were sent, answers that may serve once more, what was spent;
 * see advise.h. */
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/ask_cache.h"
#include "pgd/agent/audit.h"
#include "pgd/app/advise.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

/* The workspace is ours to write to. */
static bool ours(const struct model *m)
{
    return m->workspace.open && !m->workspace.readonly && !m->opt.readonly;
}

/* Takes text. */
static void append(const char *dir, const char *name, struct buf *text, struct effects *fx)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", dir, name);
    struct effect *e = fx_file(fx, flow_store_req(), FILE_APPEND, buf_text(&path));
    e->u.file.spare = true;
    e->len = text->len;
    e->text = buf_take(text);
    buf_clear(&path);
}

/* ---- what was sent ---- */

/* Where nothing may be written beside the server's files, and while another program holds the workspace, the trace goes to the program's
 * home: no request leaves without one. */
static const char *audit_dir(const struct model *m)
{
    if (m->workspace.readonly || m->opt.readonly || !m->workspace.dir[0])
        return m->opt.home;
    return model_run_active(m) && m->session.dir[0] ? m->session.dir : m->workspace.dir;
}

void advise_audit(struct model *m, const struct ask *a, size_t from, struct effects *fx)
{
    struct buf text = {0};

    for (size_t i = from; i < fx->n; i++) {
        const struct effect *e = &fx->items[i];
        if (e->kind != FX_HTTP || e->req.owner != OWNER_ASK || !e->text)
            continue;
        audit_line(&(struct audit_note){.wall_us = m->wall_us,
                                        .op = a->op,
                                        .model = m->partner.endpoint.model,
                                        .url = e->u.http.url,
                                        .level = a->stricter ? PRIVACY_STRICT : m->partner.privacy,
                                        .mask = partner_mask(&m->partner),
                                        .body = e->text,
                                        .len = e->len},
                   &text);
    }
    if (text.len > 0)
        append(audit_dir(m), "requests.jsonl", &text, fx);
    buf_clear(&text);
}

/* ---- answers that may serve once more ---- */

void advise_keep(struct model *m, const struct ask *a, struct effects *fx)
{
    struct buf line = {0};

    if (!ours(m))
        return;
    if (a->attempt > 0 || a->answer->cached)
        flow_save_workspace(m, fx);
    if (a->kept)
        ask_cache_line(&m->partner, a->key, &line);
    if (line.len > 0 && m->advising.answers_bytes + line.len <= CACHE_FILE_MAX) {
        m->advising.answers_bytes += line.len;
        append(m->workspace.dir, "answers.jsonl", &line, fx);
    }
    buf_clear(&line);
}

void advise_opened(struct model *m, const char *text, size_t len, struct effects *fx)
{
    struct buf path = {0};
    struct spent before;

    store_workspace_spent(text, len, &before);
    m->partner.workspace = m->partner.session;
    partner_spent_add(&m->partner.workspace, &before);
    if (m->partner.kind == PARTNER_BUILTIN && !m->opt.env.gemini_key && !m->opt.env.openai_key &&
        !m->opt.env.openai_base[0])
        return; /* nobody will be asked */
    buf_printf(&path, "%s/answers.jsonl", m->workspace.dir);
    fx_file(fx, (struct req){OWNER_ASK, ASK_NO_QUESTION, ADVISE_ANSWERS}, FILE_READ,
            buf_text(&path))
        ->u.file.max_bytes = CACHE_FILE_MAX;
    buf_clear(&path);
}

void advise_answers_known(struct model *m, const struct event *ev, struct effects *fx)
{
    struct buf path = {0}, text = {0};
    int old = 0, bad;

    if (ev->err.code != ERR_NONE && !ev->u.file.missing)
        model_say(m, CHAT_WARN, "earlier answers cannot be read: %s", ev->err.msg);
    if (ev->err.code != ERR_NONE || !ev->text)
        return;
    bad = ask_cache_read(&m->partner, ev->text, ev->len, m->wall_us, &old);
    m->advising.answers_bytes = ev->len;
    if (bad > 0)
        model_say(m, CHAT_WARN, "answers.jsonl: %d line%s make no sense and are left out", bad,
                  bad == 1 ? "" : "s");
    if ((bad == 0 && old == 0) || m->workspace.readonly || m->opt.readonly)
        return;
    ask_cache_file(&m->partner, m->wall_us, &text);
    m->advising.answers_bytes = text.len;
    buf_printf(&path, "%s/answers.jsonl", m->workspace.dir);
    struct effect *e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}
