/* talk_compare.c - see talk_compare.h. Of a session that is not in memory the index knows figures alone: a comparison rests on what it
 * changed and what that earned, which stands in its session.json. */
#include "pgd/app/talk_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise_input.h"
#include "pgd/workspace/store.h"

enum { COMPARED_AT_ONCE = 2, SESSION_FILE_MAX = 4 * 1024 * 1024 };

static struct req req_of(const struct model *m, int i)
{
    return (struct req){OWNER_TALK, m->talk.generation, (uint32_t)(TALK_COMPARED + i)};
}

static bool named(const char *text, const char *name)
{
    return name[0] && strstr(text, name);
}

/* The rows that the text names, by their own names first, then by their strategies; the newest first. */
static int rows_of(const struct model *m, int out[COMPARED_AT_ONCE])
{
    const struct workspace *w = &m->workspace;
    const char *text = m->talk.now.text;
    int n = 0;

    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < w->nsessions && n < COMPARED_AT_ONCE; i++) {
            const struct session_row *r = &w->sessions[i];
            bool again = n > 0 && out[0] == i;
            if (!again && named(text, pass == 0 ? r->name : r->strategy))
                out[n++] = i;
        }
    return n;
}

bool talk_compare_begin(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;
    char path[1400];
    int rows[COMPARED_AT_ONCE];
    int n = rows_of(m, rows);

    t->generation++;
    t->n = t->at = 0;
    for (int i = 0; i < n; i++) {
        const char *name = m->workspace.sessions[rows[i]].name;
        if (strcmp(name, m->session.name) == 0)
            continue;
        snprintf(path, sizeof path, "%s/sessions/%s/session.json", m->workspace.dir, name);
        fx_file(fx, req_of(m, t->n++), FILE_READ, path)->u.file.max_bytes = SESSION_FILE_MAX;
    }
    t->now.told = xcalloc(COMPARED_AT_ONCE, sizeof *t->now.told);
    return t->n == 0;
}

bool talk_compare_event(struct model *m, const struct event *ev)
{
    struct talk *t = &m->talk;
    struct session *s;
    struct err e = {0};

    if (t->state != TALK_READ || ev->req.generation != t->generation ||
        ev->req.id < TALK_COMPARED || ev->req.id >= (uint32_t)(TALK_COMPARED + t->n))
        return false;
    s = xcalloc(1, sizeof *s);
    if (ev->err.code != ERR_NONE)
        e = ev->err;
    else if (store_session_parse(ev->text ? ev->text : "", ev->len, s, &e))
        advise_tell_session(s, &t->now.told[t->now.ntold++]);
    if (e.code != ERR_NONE)
        model_say(m, CHAT_WARN, "of a session only the list's figures are compared: %s", e.msg);
    session_reset(s);
    free(s);
    return ++t->at == t->n;
}
