/* keep.c - see keep.h. A line of the prompt may have several lines of text: a line end is kept as \n, a backslash as two. */
#include "pgd/app/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/privacy.h"
#include "pgd/app/config.h"
#include "pgd/app/keys.h"
#include "pgd/app/ui_files.h"
#include "pgd/app/view_state.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/ui/prompt.h"

enum { LINE_MOST = 1000, FILE_MOST = 8 << 20 };

static struct effect *ask(struct model *m, enum ui_file id, enum file_op op, const char *name,
                          struct effects *fx)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", m->opt.home, name);
    struct effect *e = fx_file(fx, (struct req){OWNER_UI, 1, id}, op, buf_text(&path));
    e->u.file.max_bytes = FILE_MOST;
    e->u.file.spare = true;
    buf_clear(&path);
    return e;
}

/* Takes text. */
static struct effect *write_text(struct model *m, enum file_op op, const char *name,
                                 struct buf *text, struct effects *fx)
{
    struct effect *e = ask(m, UI_FILE_KEPT, op, name, fx);

    e->len = text->len;
    e->text = buf_take(text);
    return e;
}

/* The command line wins. */
static void by_flags(struct model *m)
{
    struct choices *c = &m->screen.choices;

    c->plain |= m->opt.plain;
    c->reduced_motion |= m->opt.reduced_motion;
    c->no_clipboard |= m->opt.no_clipboard;
}

void keep_start(struct model *m, struct effects *fx)
{
    by_flags(m);
    ask(m, UI_FILE_HISTORY, FILE_READ, "history", fx);
    ask(m, UI_FILE_CONFIG, FILE_READ, "config", fx);
    view_state_start(m, fx);
}

/* ---- lines of the prompt ---- */

bool keep_may(const char *line)
{
    size_t n = strlen(line);
    struct mask *mask;
    struct buf masked = {0};
    char *copy;
    bool may;

    if (n == 0 || n > LINE_MOST)
        return false;
    copy = xstrdup(line);
    secret_redact(copy);
    mask = mask_new(PRIVACY_FULL); /* masks secrets alone */
    mask_prose(mask, line, &masked);
    may = strcmp(copy, line) == 0 && strcmp(buf_text(&masked), line) == 0;
    mask_free(mask);
    buf_clear(&masked);
    explicit_bzero(copy, n);
    free(copy);
    return may;
}

static void put_line(struct buf *out, const char *line)
{
    for (; *line; line++) {
        if (*line == '\n')
            buf_puts(out, "\\n");
        else if (*line == '\\')
            buf_puts(out, "\\\\");
        else
            buf_putc(out, *line);
    }
    buf_putc(out, '\n');
}

void keep_line(struct model *m, const char *line, struct effects *fx)
{
    const struct prompt *p = &m->screen.prompt;
    struct buf text = {0};

    if (!keep_may(line) || (p->nhistory > 0 && strcmp(p->history[p->nhistory - 1], line) == 0))
        return;
    put_line(&text, line);
    write_text(m, FILE_APPEND, "history", &text, fx);
}

static void take_line(struct prompt *p, const char *line, size_t n)
{
    char raw[LINE_MOST + 1], clean[LINE_MOST + 1];
    size_t at = 0;

    if (n > LINE_MOST)
        return;
    for (size_t i = 0; i < n; i++) {
        bool escape = line[i] == '\\' && i + 1 < n;
        i += escape;
        raw[at++] = escape && line[i] == 'n' ? '\n' : line[i];
    }
    raw[at] = '\0';
    if (strchr(raw, '\n'))
        text_copy_raw(clean, sizeof clean, raw); /* the editor cleans what it takes */
    else
        text_copy(clean, sizeof clean, raw);
    prompt_remember(p, clean);
}

/* Behind what was typed before the file came nothing older may stand: then it is left for the next run. */
static void history_read(struct model *m, const struct event *ev, struct effects *fx)
{
    struct prompt *p = &m->screen.prompt;
    const char *at = ev->text ? ev->text : "", *end = at + ev->len;
    struct buf text = {0};
    int lines = 0;

    if (ev->err.code != ERR_NONE || p->nhistory > 0)
        return;
    for (; at < end; lines++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = stop ? (size_t)(stop - at) : (size_t)(end - at);
        if (!memchr(at, '\0', n))
            take_line(p, at, n);
        at += n + 1;
    }
    if (lines <= HISTORY_LINES)
        return;
    for (int i = 0; i < p->nhistory; i++)
        put_line(&text, p->history[i]);
    write_text(m, FILE_SAVE, "history", &text, fx);
}

/* ---- choices ---- */

/* The file is the DBA's: it is read again, and one line of it changes. */
void keep_choice(struct model *m, const char *name, const char *value, struct effects *fx)
{
    struct screen *s = &m->screen;
    struct choice_change *c = NULL;

    for (int i = 0; i < s->npending; i++)
        if (strcmp(s->pending[i].name, name) == 0)
            c = &s->pending[i];
    if (!c && s->npending < CHOICES_PENDING)
        c = &s->pending[s->npending++];
    if (!c)
        return;
    text_copy(c->name, sizeof c->name, name);
    text_copy(c->value, sizeof c->value, value);
    ask(m, UI_FILE_CHOICES, FILE_READ, "config", fx);
}

static void complain(void *arg, const struct err *e)
{
    struct model *m = arg;

    model_say(m, CHAT_BAD, "%s", e->msg);
    if (e->detail[0])
        model_say(m, CHAT_WARN, "%s", e->detail);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
}

/* There is a file, and it cannot be read. */
static void complain_of_file(struct model *m, const struct err *why, const char *what)
{
    struct err e = *why;

    err_detail(&e, "%s", what);
    if (!e.hint[0])
        err_hint(&e, "Put a file of your own at %s/config and start again.", m->opt.home);
    complain(m, &e);
}

static void choices_read(struct model *m, const struct event *ev, struct effects *fx)
{
    struct screen *s = &m->screen;
    struct buf text = {0};

    if (s->npending == 0)
        return;
    if (ev->err.code != ERR_NONE && !ev->u.file.missing) {
        struct buf what = {0};
        for (int i = 0; i < s->npending; i++)
            buf_printf(&what, "%s%s = %s", i > 0 ? ", " : "", s->pending[i].name,
                       s->pending[i].value);
        buf_puts(&what, " is not kept for later runs: nothing is written over that file.");
        s->npending = 0;
        complain_of_file(m, &ev->err, buf_text(&what));
        buf_clear(&what);
        return;
    }
    if (ev->err.code == ERR_NONE && ev->text)
        buf_append(&text, ev->text, ev->len);
    for (int i = 0; i < s->npending; i++) {
        struct buf next = {0};
        config_set(text.data ? text.data : "", text.len, s->pending[i].name, s->pending[i].value,
                   &next);
        buf_clear(&text);
        text = next;
    }
    s->npending = 0;
    write_text(m, FILE_SAVE, "config", &text, fx)->req.id = UI_FILE_CHOSEN;
}

static void config_read(struct model *m, const struct event *ev)
{
    struct buf path = {0};

    if (ev->err.code != ERR_NONE && !ev->u.file.missing)
        complain_of_file(m, &ev->err,
                         "All choices and keys are the defaults; what is chosen now is not kept.");
    if (ev->err.code != ERR_NONE || !ev->text)
        return;
    buf_printf(&path, "%s/config", m->opt.home);
    config_parse(ev->text, ev->len, buf_text(&path), keys_tables(), &m->screen.choices, complain,
                 m);
    buf_clear(&path);
    by_flags(m);
    text_copy(m->screen.theme, sizeof m->screen.theme, m->screen.choices.theme);
    m->dirty = true;
}

void keep_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->req.id == UI_FILE_VIEWS || ev->req.id == UI_FILE_VIEWS_KEPT)
        view_state_answer(m, ev);
    else if (ev->req.id == UI_FILE_HISTORY)
        history_read(m, ev, fx);
    else if (ev->req.id == UI_FILE_CONFIG)
        config_read(m, ev);
    else if (ev->req.id == UI_FILE_CHOICES)
        choices_read(m, ev, fx);
    else if (ev->req.id == UI_FILE_CHOSEN && ev->err.code != ERR_NONE)
        complain_of_file(m, &ev->err, "The choice holds for this run and is not kept.");
}
