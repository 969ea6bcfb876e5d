/* outside.c - see outside.h. One step after the other, each an effect whose answer begins the next: enum outside_step. */
#include "pgd/app/outside.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/ui/prompt.h"

enum { FILE_MOST = 64 * 1024 };

static struct req req_of(const struct model *m)
{
    return (struct req){OWNER_UI, m->screen.outside.generation, UI_FILE_OUTSIDE};
}

static struct effect *file(struct model *m, enum file_op op, const char *name, struct effects *fx)
{
    char path[840];

    snprintf(path, sizeof path, "%s%s", m->screen.outside.dir, name);
    struct effect *e = fx_file(fx, req_of(m), op, path);
    e->u.file.max_bytes = FILE_MOST;
    e->u.file.spare = true;
    return e;
}

bool outside_edits(const struct model *m)
{
    return m->screen.outside.step == OUTSIDE_EDITS;
}

void outside_begin(struct model *m, struct effects *fx)
{
    struct outside *o = &m->screen.outside;

    if (o->step != OUTSIDE_NOT)
        return;
    m->screen.prompt.focus = true;
    o->generation++;
    o->step = OUTSIDE_FOLDER;
    o->failed[0] = '\0';
    snprintf(o->dir, sizeof o->dir, "%s/edit-%d-%lld-%u", m->opt.home, m->opt.pid,
             (long long)(m->wall_us / 1000000), o->generation); /* one that was kept stays */
    file(m, FILE_MKDIR, "", fx);
}

/* The shell knows how $VISUAL is meant, arguments and all; the file is its own word. */
static void start_editor(struct model *m, struct effects *fx)
{
    static const char script[] = "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"";
    char path[840];
    const char *argv[] = {"/bin/sh", "-c", script, "pg_diagnose", path, NULL};

    snprintf(path, sizeof path, "%s/prompt.md", m->screen.outside.dir);
    struct effect *e = fx_child(fx, req_of(m), argv, CHILD_TERMINAL);
    fx_child_env(e, "PGPASSWORD", NULL);
}

/* kept: what was edited is nowhere else. */
static void end(struct model *m, const char *why, bool kept, struct effects *fx)
{
    struct outside *o = &m->screen.outside;

    if (why && *why)
        model_say(m, CHAT_WARN, "the editor: %s; the text is as it was", why);
    if (kept) {
        model_say(m, CHAT_WARN, "what it left is in %s/prompt.md: yours to take or remove", o->dir);
    } else if (o->step != OUTSIDE_FOLDER) {
        struct effect *e = file(m, FILE_REMOVE_TREE, "", fx);
        e->req.id = UI_FILE_KEPT;
    }
    o->step = OUTSIDE_NOT;
    m->dirty = m->dirty_key = true;
}

/* The line end that an editor puts behind the last line is its own. */
static size_t length(const struct event *ev)
{
    size_t n = ev->text ? ev->len : 0;

    while (n > 0 && (ev->text[n - 1] == '\n' || ev->text[n - 1] == '\r'))
        n--;
    return n;
}

/* False: the prompt has not room for all of it. */
static bool take(struct model *m, const struct event *ev)
{
    struct prompt *p = &m->screen.prompt;
    size_t n = length(ev);
    bool whole;

    prompt_set(p, "");
    whole = n == 0 || prompt_paste(p, ev->text, n);
    if (!whole)
        model_say(m, CHAT_WARN, "the text was cut at %d bytes", PROMPT_MAX - 1);
    p->focus = true;
    return whole;
}

/* An editor that was not there, or was left in anger, has changed nothing: then nothing is kept. */
static void finish(struct model *m, const struct event *ev, struct effects *fx)
{
    const struct outside *o = &m->screen.outside;
    const struct prompt *p = &m->screen.prompt;
    size_t n = length(ev), had = (size_t)p->len;

    while (had > 0 && p->text[had - 1] == '\n')
        had--;
    if (ev->err.code != ERR_NONE)
        end(m, o->failed[0] ? o->failed : ev->err.msg, !ev->u.file.missing, fx);
    else if (o->failed[0])
        end(m, o->failed, n != had || (n > 0 && memcmp(ev->text, p->text, n) != 0), fx);
    else
        end(m, NULL, !take(m, ev), fx);
}

/* Well or not: the file says whether there is something to lose. */
static void editor_ended(struct model *m, const struct event *ev, struct effects *fx)
{
    struct outside *o = &m->screen.outside;
    int status = ev->u.child.status, signal = ev->u.child.signal;

    if (ev->err.code != ERR_NONE)
        text_copy(o->failed, sizeof o->failed, ev->err.msg);
    else if (status != 0 || signal != 0)
        snprintf(o->failed, sizeof o->failed, "it ended with %s %d",
                 signal ? "signal" : "exit code", signal ? signal : status);
    o->step = OUTSIDE_READ;
    file(m, FILE_READ, "/prompt.md", fx);
}

void outside_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct outside *o = &m->screen.outside;
    const struct prompt *p = &m->screen.prompt;

    if (ev->req.generation != o->generation || o->step == OUTSIDE_NOT ||
        (o->step == OUTSIDE_EDITS) != (ev->kind == EV_CHILD_EXIT))
        return;
    if (ev->err.code != ERR_NONE && (o->step == OUTSIDE_FOLDER || o->step == OUTSIDE_SAVE)) {
        end(m, ev->err.msg, false, fx);
        return;
    }
    switch (o->step) {
    case OUTSIDE_FOLDER:
        o->step = OUTSIDE_SAVE;
        struct effect *e = file(m, FILE_SAVE, "/prompt.md", fx);
        struct buf text = {0};
        buf_printf(&text, "%s%s", p->text, p->len > 0 ? "\n" : "");
        e->len = text.len;
        e->text = text.data ? buf_take(&text) : xstrdup("");
        break;
    case OUTSIDE_SAVE:
        o->step = OUTSIDE_EDITS;
        start_editor(m, fx);
        break;
    case OUTSIDE_EDITS:
        editor_ended(m, ev, fx);
        break;
    case OUTSIDE_READ:
        finish(m, ev, fx);
        break;
    case OUTSIDE_NOT:
        break;
    }
}
