/* view_state.c - see view_state.h. */
#include "pgd/app/view_state.h"

#include <string.h>

#include "pgd/app/keep.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"

enum { LINE_MOST = 200, FILE_MOST = 16384 };

/* ---- the text ---- */

static void take_sort(const struct tableview *v, const char *column, struct tableview_state *s)
{
    int at = tableview_column_of(v, column);

    if (at >= 0 && !v->columns[at].unsorted && v->form != TABLEVIEW_TREE)
        s->sort = at + 1;
}

/* "VIEW WHAT [WORDS]", where the view's name is written out. */
static void take_line(char *line, struct tableview_state out[TABLEVIEW_MAX])
{
    char *what = strchr(line, ' ');
    struct tableview_state *s;
    const struct tableview *v;

    if (!what)
        return;
    *what++ = '\0';
    char *words = strchr(what, ' ');
    if (words)
        *words++ = '\0';
    v = tableview_find(line);
    if (!v || strcmp(v->name, line) != 0)
        return;
    s = &out[tableview_index(v)];
    if (strcmp(what, "sort") == 0 && words)
        take_sort(v, words, s);
    else if (strcmp(what, "reverse") == 0)
        s->reverse = true;
    else if (strcmp(what, "all") == 0)
        s->loud = true;
    else if (strcmp(what, "filter") == 0 && words)
        text_copy(s->filter, sizeof s->filter, words);
}

void view_state_parse(const char *text, size_t len, struct tableview_state out[TABLEVIEW_MAX])
{
    char line[LINE_MOST + 1];

    memset(out, 0, TABLEVIEW_MAX * sizeof out[0]);
    for (size_t at = 0; at < len;) {
        const char *stop = memchr(text + at, '\n', len - at);
        size_t n = stop ? (size_t)(stop - text) - at : len - at;
        if (n <= LINE_MOST && !memchr(text + at, '\0', n)) {
            memcpy(line, text + at, n);
            line[n] = '\0';
            take_line(line, out);
        }
        at += n + 1;
    }
}

void view_state_text(const struct tableview_state of[TABLEVIEW_MAX], struct buf *out)
{
    for (int i = 0; i < tableview_count; i++) {
        const struct tableview *v = &tableview_list[i];
        const struct tableview_state *s = &of[i];
        if (s->sort > 0 && s->sort <= tableview_columns(v))
            buf_printf(out, "%s sort %s\n", v->name, v->columns[s->sort - 1].name);
        if (s->reverse)
            buf_printf(out, "%s reverse\n", v->name);
        if (s->loud)
            buf_printf(out, "%s all\n", v->name);
        if (s->filter[0] && keep_may(s->filter))
            buf_printf(out, "%s filter %s\n", v->name, s->filter);
    }
}

/* ---- the file ---- */

static struct effect *ask(struct model *m, enum ui_file id, enum file_op op, struct effects *fx)
{
    struct buf path = {0};

    buf_printf(&path, "%s/views", m->opt.home);
    struct effect *e = fx_file(fx, (struct req){OWNER_UI, 1, id}, op, buf_text(&path));
    e->u.file.max_bytes = FILE_MOST;
    e->u.file.spare = true;
    buf_clear(&path);
    return e;
}

void view_state_start(struct model *m, struct effects *fx)
{
    ask(m, UI_FILE_VIEWS, FILE_READ, fx);
}

static bool same(const struct tableview_state *a, const struct tableview_state *b)
{
    return a->sort == b->sort && a->reverse == b->reverse && a->loud == b->loud &&
           strcmp(a->filter, b->filter) == 0;
}

/* A view that was changed before the answer came stays as the DBA has made it. */
static void take(struct live *l, const struct tableview_state kept[TABLEVIEW_MAX])
{
    static const struct tableview_state fresh;

    for (int i = 0; i < tableview_count; i++) {
        struct tableview_state *s = &l->of[i];
        l->kept[i] = kept[i];
        if (!same(s, &fresh))
            continue;
        s->sort = kept[i].sort;
        s->reverse = kept[i].reverse;
        s->loud = kept[i].loud;
        memcpy(s->filter, kept[i].filter, sizeof s->filter);
    }
}

static void was_read(struct model *m, const struct event *ev)
{
    struct live *l = &m->live;
    struct tableview_state kept[TABLEVIEW_MAX] = {0};

    l->may_keep = ev->err.code == ERR_NONE || ev->u.file.missing;
    if (!l->may_keep) {
        model_say(m, CHAT_WARN, "order and filter of the views are as they begin: %s", ev->err.msg);
        model_say(m, CHAT_EVENT,
                  "What is changed now is not kept: nothing is written over that file.");
        return;
    }
    if (ev->text)
        view_state_parse(ev->text, ev->len, kept);
    take(l, kept);
    m->dirty = true;
}

void view_state_answer(struct model *m, const struct event *ev)
{
    if (ev->req.id == UI_FILE_VIEWS)
        was_read(m, ev);
    else if (ev->err.code != ERR_NONE)
        model_say(m, CHAT_WARN, "order and filter of the views are not kept: %s", ev->err.msg);
}

void view_state_leave(struct model *m, struct effects *fx)
{
    struct live *l = &m->live;
    struct buf text = {0};
    bool changed = false;

    for (int i = 0; i < tableview_count; i++)
        changed = changed || !same(&l->of[i], &l->kept[i]);
    if (!changed || !l->may_keep)
        return;
    memcpy(l->kept, l->of, sizeof l->kept);
    view_state_text(l->of, &text);
    struct effect *e = ask(m, UI_FILE_VIEWS_KEPT, FILE_SAVE, fx);
    e->len = text.len;
    e->text = buf_take(&text);
}

void view_state_tick(struct model *m, struct effects *fx)
{
    if (!m->live.typing)
        view_state_leave(m, fx);
}
