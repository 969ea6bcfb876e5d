/* dialog.c - the table of dialogs and what they share. */
#include "pgd/ui/dialog.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane_view.h"

#define MOVE "\xe2\x86\x91\xe2\x86\x93 move  "
#define SCROLL "\xe2\x86\x91\xe2\x86\x93 scroll  "

static const struct dialog_row rows[] = {
    [DIALOG_NONE] = {NULL, 0, NULL},
    [DIALOG_HELP] = {dialog_help, KEY_IN_DIALOG, SCROLL "/ search  Esc close"},
    [DIALOG_STRATEGY] = {dialog_strategy, KEY_IN_DIALOG, MOVE "Enter pick  : ask  Esc not now"},
    [DIALOG_PLAN] = {dialog_plan, KEY_IN_PLAN, NULL},
    [DIALOG_TARGET] = {dialog_target, KEY_IN_DIALOG, "Enter go on  e edit  : ask  Esc later"},
    [DIALOG_REVIEW] = {dialog_review, KEY_IN_REVIEW, NULL},
    [DIALOG_VERDICT] = {dialog_verdict, KEY_IN_VERDICT, NULL},
    [DIALOG_SUMMARY] = {dialog_summary, KEY_IN_DIALOG,
                        "t next session  : ask  Enter close  q quit"},
    [DIALOG_RECOVER] = {dialog_recover, KEY_IN_DIALOG, "r resume  u undo  : ask  Esc later"},
    [DIALOG_PASSWORD] = {dialog_password, KEY_IN_DIALOG, "Enter connect  Esc not now"},
    [DIALOG_STATUS] = {dialog_status, KEY_IN_DIALOG, SCROLL ": ask  Esc close"},
    [DIALOG_STUCK] = {dialog_stuck, KEY_IN_DIALOG, SCROLL ": ask  Esc close"},
    [DIALOG_ERROR] = {dialog_error, KEY_IN_DIALOG, SCROLL ": ask  Esc close"},
    [DIALOG_QUIT] = {dialog_quit, KEY_IN_DIALOG, "y leave  n stay"},
    [DIALOG_PAUSE] = {dialog_pause, KEY_IN_DIALOG,
                      "k keep  b back to the start  s confirm, end  S end now  : ask"},
    [DIALOG_START] = {dialog_start, KEY_IN_DIALOG, NULL},
    [DIALOG_MANUAL] = {dialog_manual, KEY_IN_DIALOG,
                       "Enter I have made it  r cannot  : ask  " SCROLL "Esc later"},
    [DIALOG_SCRIPTS] = {dialog_scripts, KEY_IN_DIALOG, "Ctrl-D take  Esc drop the edit"},
    [DIALOG_NOTICE] = {dialog_notice, KEY_IN_DIALOG, "y send  n builtin  w look  " SCROLL},
    [DIALOG_MODEL] = {dialog_model, KEY_IN_DIALOG, MOVE "Enter take  e type a name  Esc close"},
    [DIALOG_COST] = {dialog_cost, KEY_IN_DIALOG, SCROLL "Esc close"},
    [DIALOG_HEALTH] = {dialog_health, KEY_IN_DIALOG,
                       MOVE "Enter why and fix  y copy the fix  r look again  Esc close"},
    [DIALOG_ADVICE] = {dialog_advice, KEY_IN_DIALOG,
                       MOVE "Enter SQL  a accept  r reject  y copy  e export  Esc close"},
    [DIALOG_PREVIEW] = {dialog_preview, KEY_IN_DIALOG, SCROLL "Esc close"},
    [DIALOG_HOST_KEY] = {dialog_host_key, KEY_IN_DIALOG, "y keep the key  n refuse  " SCROLL},
    [DIALOG_HOST_WORD] = {dialog_host_word, KEY_IN_DIALOG,
                          "Enter send  Ctrl-U clear  Esc go without"},
    [DIALOG_HOSTS] = {dialog_hosts, KEY_IN_DIALOG, "r try again  " SCROLL "Esc close"},
    [DIALOG_TRUST] = {dialog_trust, KEY_IN_DIALOG, "y mine  n limits only  " SCROLL},
    [DIALOG_SESSIONS] = {dialog_sessions, KEY_IN_DIALOG,
                         MOVE "Enter record  r go on with it  Esc close"},
    [DIALOG_PAGE] = {dialog_page_of, KEY_IN_DIALOG, SCROLL "y copy  Esc close"},
    [DIALOG_SIGNAL] = {dialog_signal, KEY_IN_DIALOG,
                       "Enter do it, with the pid typed  Esc do nothing"},
    [DIALOG_VIEWS] = {dialog_views, KEY_IN_DIALOG, MOVE "Enter open  Esc close"},
    [DIALOG_RENAME] = {dialog_rename, KEY_IN_DIALOG, "Enter take it  Esc leave it"},
    [DIALOG_DELETE] = {dialog_delete, KEY_IN_DIALOG, "Enter delete  Esc keep it"},
    [DIALOG_SWITCH] = {dialog_switch, KEY_IN_DIALOG, "y pause it  n stay"},
    [DIALOG_AGAIN] = {dialog_again, KEY_IN_DIALOG, "r resume it  n new session  Esc back"},
    [DIALOG_COMMANDS] = {dialog_finder, KEY_IN_DIALOG, MOVE "Enter do it  Esc close"},
    [DIALOG_THEME] = {dialog_theme, KEY_IN_DIALOG, MOVE "Enter keep it  Esc as before"},
};

const struct dialog_row *dialog_find(enum dialog_kind kind)
{
    return (size_t)kind < ARRAY_LEN(rows) ? &rows[kind] : &rows[DIALOG_NONE];
}

static unsigned keys_where(const struct model *m, enum dialog_kind kind)
{
    const struct dialog_row *d = dialog_find(kind);

    if (kind == DIALOG_VERDICT && m->session.round.veto[0])
        return d->where | KEY_IN_VETO;
    if (d->draw)
        return d->where;
    if (m->screen.prompt.focus)
        return KEY_IN_PROMPT;
    if (m->replay_note[0])
        return KEY_IN_REPLAY;
    if (m->live.at)
        return pane_view_keys(m);
    unsigned tree = m->screen.focus == PANE_TREE ? KEY_IN_TREE : 0;
    return tree | KEY_IN_MAIN | (model_run_active(m) ? KEY_IN_RUN : 0);
}

/* The rows of the table that work there. */
static void table_keys(const struct model *m, const struct view_tables *t, unsigned where,
                       struct buf *out)
{
    char shown[48];

    for (int i = 0; t && i < t->nkeys; i++) {
        const struct key_row *k = &t->keys[i];
        if ((k->where & KEY_IN_RUN) && !(where & KEY_IN_RUN)) /* its word is about the run */
            continue;
        if ((k->where & KEY_IN_VETO) && !(where & KEY_IN_VETO))
            continue;
        if (!(k->where & where) || !k->in_line || !*k->what || !view_key_there(m, k))
            continue;
        view_key_shown(m, k, shown, sizeof shown);
        bool back = (where & (KEY_IN_MAIN | KEY_IN_REPLAY)) && k->key.name == KEYN_NONE &&
                    k->key.rune == 'q' && view_zoomed(m);
        bool last = (k->where & KEY_IN_VERDICT) && k->key.name == KEYN_ENTER &&
                    m->fl.now.no_further;
        const char *ends = m->fl.now.confirm_s > 0 ? "confirm" : "end";
        buf_printf(out, "%s %s  ", shown, last ? ends : back ? "back" : k->what);
    }
}

void dialog_keys_of(const struct model *m, const struct view_tables *t, enum dialog_kind kind,
                    struct buf *out)
{
    const struct dialog_row *d = dialog_find(kind);
    unsigned where = keys_where(m, kind);

    if (kind == DIALOG_SUMMARY && m->fl.decision == DECIDE_KEEP)
        buf_puts(out, "k keep  r roll back  : ask  Esc later");
    else if (kind == DIALOG_PAUSE && m->session.final.kind == VERDICT_IMPROVED)
        buf_puts(out, "k keep  b back to the start  s end it here  : ask");
    else if (kind == DIALOG_RECOVER && m->fl.now.undo_only)
        buf_puts(out, "u undo  : ask  Esc later");
    else if (kind == DIALOG_HOSTS && !dialog_hosts_can_retry(m))
        buf_puts(out, SCROLL "Esc close");
    else if (kind == DIALOG_QUIT && dialog_can_go_back(m))
        buf_puts(out, "y leave, keep them  b leave, back to the start  n stay");
    else if (kind == DIALOG_ADVICE && m->opt.readonly) /* nothing is accepted there */
        buf_puts(out, MOVE "Enter SQL  y copy  Esc close");
    else if (kind == DIALOG_PLAN && m->fl.edits.choosing && !m->fl.derivation)
        buf_puts(out, "e next  Enter take it  Esc as it was");
    else if (kind == DIALOG_START)
        buf_puts(out, dialog_start_keys(m));
    else if (d->keys)
        buf_puts(out, d->keys);
    else {
        if (d->draw && !(where & KEY_IN_VERDICT))
            buf_puts(out, MOVE);
        table_keys(m, t, where, out);
    }
}

/* Signs that are drawn, as words that can be read out. */
static void say_arrows(struct buf *out)
{
    static const char arrows[] = "\xe2\x86\x91\xe2\x86\x93";
    struct buf said = {0};
    const char *p = buf_text(out);

    for (const char *at; (at = strstr(p, arrows)); p = at + sizeof arrows - 1)
        buf_printf(&said, "%.*sUp/Down", (int)(at - p), p);
    buf_puts(&said, p);
    buf_clear(out);
    *out = said;
}

const char *dialog_subject(enum dialog_kind kind)
{
    static const char *const subjects[] = {
        [DIALOG_STRATEGY] = "the choice of a strategy",
        [DIALOG_PLAN] = "the plan",
        [DIALOG_TARGET] = "the target",
        [DIALOG_REVIEW] = "the proposal",
        [DIALOG_VERDICT] = "the verdict",
        [DIALOG_SUMMARY] = "the result",
        [DIALOG_RECOVER] = "the interrupted session",
        [DIALOG_PASSWORD] = "the question for a password",
        [DIALOG_STUCK] = "what you must do",
        [DIALOG_ERROR] = "an error",
        [DIALOG_MANUAL] = "the change that is yours to make",
        [DIALOG_NOTICE] = "the question what may be sent",
        [DIALOG_MODEL] = "the choice of a model",
        [DIALOG_HOST_KEY] = "the key of the host",
        [DIALOG_HOST_WORD] = "the question of the host",
        [DIALOG_HOSTS] = "news of the host",
        [DIALOG_TRUST] = "the question about PGDIAG.md",
        [DIALOG_PAUSE] = "the question of the pause",
    };
    const char *s = (size_t)kind < ARRAY_LEN(subjects) ? subjects[kind] : NULL;

    return s ? s : "a question";
}

enum dialog_kind dialog_of_decision(enum decision d)
{
    static const enum dialog_kind of[] = {
        [DECIDE_STRATEGY] = DIALOG_STRATEGY, [DECIDE_PLAN] = DIALOG_PLAN,
        [DECIDE_TARGET] = DIALOG_TARGET,     [DECIDE_REVIEW] = DIALOG_REVIEW,
        [DECIDE_RECOVER] = DIALOG_RECOVER,   [DECIDE_KEEP] = DIALOG_SUMMARY,
        [DECIDE_VERDICT] = DIALOG_VERDICT,   [DECIDE_MANUAL] = DIALOG_MANUAL,
        [DECIDE_PAUSE] = DIALOG_PAUSE,
    };

    return (size_t)d < ARRAY_LEN(of) ? of[d] : DIALOG_NONE;
}

enum dialog_kind dialog_waiting(const struct model *m)
{
    if (model_dialog(m) != DIALOG_NONE || m->opt.headless)
        return DIALOG_NONE;
    if (m->screen.dialog.kind != DIALOG_NONE)
        return m->screen.dialog.kind;
    if (m->flow == FLOW_STUCK && m->fl.decision == DECIDE_NOTHING)
        return DIALOG_STUCK;
    if (m->fl.decision == DECIDE_NOTHING && m->links[CONN_CONTROL].state == LINK_PASSWORD)
        return DIALOG_PASSWORD;
    return dialog_of_decision(m->fl.decision);
}

void dialog_keys(const struct model *m, const struct view_tables *t, struct buf *out)
{
    const struct dialog *d = &m->screen.dialog;
    enum dialog_kind kind = model_dialog(m);
    bool dialog = kind != DIALOG_NONE;

    if (m->screen.prompt.focus && m->screen.prompt.searching)
        buf_printf(out, "search the history for: %s_  Ctrl-R older  Enter send  Esc as before",
                   m->screen.prompt.sought);
    else if (dialog && m->screen.prompt.focus)
        buf_puts(out, "Enter ask  PgUp PgDn scroll the answer  Esc back to the dialog");
    else if (dialog && d->editing && d->kind != DIALOG_SCRIPTS && d->kind != DIALOG_START)
        buf_puts(out,
                 d->kind == DIALOG_SIGNAL   ? "Enter do it, when the pid is typed  Esc do nothing"
                 : d->kind == DIALOG_DELETE ? "Enter delete it, when the name is typed  Esc keep it"
                 : d->kind == DIALOG_HELP   ? "Enter take  Esc all of it"
                                            : "Enter take  Esc drop the edit");
    else if (!dialog && !m->screen.prompt.focus && m->live.at && m->live.typing)
        buf_puts(out, "Enter keep the filter  Esc clear it  Ctrl-U empty");
    else
        dialog_keys_of(m, t, kind, out);
    if (m->screen.choices.plain)
        say_arrows(out);
}

struct rect dialog_open(struct canvas *c, struct rect screen, int w, int h, const char *title,
                        const struct model *m, const struct view_tables *t)
{
    struct buf keys = {0};
    dialog_keys(m, t, &keys);
    struct rect in = list_dialog(c, screen, w, h, title, buf_text(&keys));
    buf_clear(&keys);
    return rect_inset((struct rect){in.y - 1, in.x, in.h + 2, in.w}, 1);
}

void dialog_input(struct canvas *c, int y, int x, int width, const struct dialog *d,
                  struct view_cursor *cursor)
{
    char text[sizeof(d->input)];
    int len = d->input_len, at = d->input_at;
    memcpy(text, d->input, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    if (len < 0 || len >= (int)sizeof(text))
        len = (int)strlen(text);
    if (at < 0 || at > len)
        at = len;
    struct editor ed = {.text = text, .size = (int)sizeof(text), .len = &len, .at = &at};
    canvas_fill(c, (struct rect){y, x, 1, width}, STYLE_SELECTED);
    editor_draw(&ed, c, y, x, width, STYLE_SELECTED, &cursor->x);
    cursor->y = y;
    cursor->visible = true;
}

static void say_text(struct dialog_text *d, unsigned style, const char *text)
{
    int from = d->line - d->skip, skip = from < 0 ? -from : 0;
    int y = d->r.y + (from < 0 ? 0 : from);
    struct rect r = {y, d->r.x, d->r.y + d->r.h - y, d->r.w};
    d->line += wrap_draw(d->c, r, style, text, skip);
}

void dialog_say(struct dialog_text *d, unsigned style, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    say_text(d, style, buf_text(&text));
    buf_clear(&text);
}

void dialog_row_cut(struct dialog_text *d, unsigned style, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    int y = d->line++ - d->skip;
    if (y >= 0 && y < d->r.h)
        canvas_put_cut(d->c, d->r.y + y, d->r.x, d->r.w, style, buf_text(&text));
    buf_clear(&text);
}

void dialog_gap(struct dialog_text *d)
{
    d->line++;
}

void dialog_pair(struct dialog_text *d, const char *label, unsigned style, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    int y = d->line++ - d->skip;
    if (y >= 0 && y < d->r.h)
        list_field(d->c, d->r.y + y, d->r.x, d->r.w, 20, label, style, buf_text(&text));
    buf_clear(&text);
}

int dialog_measure(struct canvas *c, int width, const struct model *m, dialog_page_fn say)
{
    struct dialog_text measure = {.c = c, .r = {0, 0, 0, width}};
    say(&measure, m);
    return measure.line;
}

void dialog_texts(struct canvas *c, struct rect r, const struct model *m, dialog_page_fn say,
                  int lines, struct view_cursor *cursor)
{
    cursor->scroll = list_scroll(m->screen.dialog.scroll, -1, r.h, lines);
    struct dialog_text text = {.c = c, .r = r, .skip = cursor->scroll};
    say(&text, m);
    if (lines > r.h)
        list_more(c, r, cursor->scroll, lines);
}

void dialog_page(struct canvas *c, struct rect screen, int w, const char *title,
                 const struct model *m, const struct view_tables *t, dialog_page_fn say,
                 struct view_cursor *cursor)
{
    int lines = dialog_measure(c, (w < screen.w ? w : screen.w) - 4, m, say);
    struct rect in = dialog_open(c, screen, w, lines + 2, title, m, t);
    dialog_texts(c, in, m, say, lines, cursor);
}
