/* prompt.c - keys of the prompt. Up looks among the lines that begin with what is typed, Ctrl-R among those that hold what is
 * sought; Tab completes. What Ctrl-K and its like take out is kept for Ctrl-Y. */
#include "pgd/ui/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/editor.h"

static struct editor editor_of(struct prompt *p)
{
    return (struct editor){.text = p->text, .size = PROMPT_MAX, .len = &p->len, .at = &p->at};
}

void prompt_set(struct prompt *p, const char *text)
{
    struct editor ed = editor_of(p);
    editor_set(&ed, text);
    p->ncompletion = 0;
    p->completion_at = -1;
}

static void offer(struct prompt *p, prompt_complete_fn complete, const void *arg)
{
    p->ncompletion = 0;
    p->completion_at = -1;
    if (complete && p->text[0] == '/')
        p->ncompletion = complete(arg, p->text, p->completion, (int)ARRAY_LEN(p->completion));
}

/* The next older (way -1) or newer line that starts with the draft. */
static enum prompt_did history_move(struct prompt *p, int way)
{
    if (p->history_at < 0) {
        if (way > 0)
            return PROMPT_IGNORED;
        text_copy_raw(p->draft, sizeof(p->draft), p->text);
    }
    int at = p->history_at < 0 ? p->nhistory : p->history_at;
    for (at += way; at >= 0 && at < p->nhistory; at += way) {
        if (strncmp(p->history[at], p->draft, strlen(p->draft)) == 0 &&
            strcmp(p->history[at], p->text) != 0) {
            prompt_set(p, p->history[at]);
            p->history_at = at;
            return PROMPT_HANDLED;
        }
    }
    if (way > 0) {
        prompt_set(p, p->draft);
        p->history_at = -1;
    }
    return PROMPT_HANDLED;
}

/* Tab: first what all offers share, then one offer after the other. */
static enum prompt_did complete_key(struct prompt *p, int way)
{
    if (p->ncompletion == 0)
        return PROMPT_IGNORED;
    size_t common = strlen(p->completion[0]);
    for (int i = 1; i < p->ncompletion; i++)
        while (strncmp(p->completion[0], p->completion[i], common) != 0)
            common--;
    struct editor ed = editor_of(p);
    if (p->completion_at < 0 && common > (size_t)p->len) {
        char text[64];
        memcpy(text, p->completion[0], common);
        text[common] = '\0';
        editor_set(&ed, text);
    } else {
        int n = p->ncompletion;
        p->completion_at = p->completion_at < 0 && way < 0 ? n - 1
                                                           : (p->completion_at + way + n) % n;
        editor_set(&ed, p->completion[p->completion_at]);
    }
    return PROMPT_HANDLED;
}

/* ---- Ctrl-R ---- */

/* The newest line older than `before` that holds what is sought; the one shown stays where there is none. */
static void seek(struct prompt *p, int before)
{
    for (int at = before - 1; at >= 0 && p->sought[0]; at--) {
        if (!strcasestr(p->history[at], p->sought) || strcmp(p->history[at], p->text) == 0)
            continue;
        prompt_set(p, p->history[at]);
        p->history_at = at;
        return;
    }
}

static void search_begin(struct prompt *p)
{
    text_copy_raw(p->draft, sizeof(p->draft), p->text);
    p->searching = true;
    p->sought[0] = '\0';
    p->history_at = -1;
    p->ncompletion = 0;
}

/* What is typed is sought; Ctrl-R goes on, Esc or Ctrl-G gives back what stood there. False: the key ends the search, and does
 * what it does. */
static bool search_key(struct prompt *p, struct key k)
{
    int len = (int)strlen(p->sought), at = len;
    struct editor ed = {.text = p->sought, .size = (int)sizeof(p->sought), .len = &len, .at = &at};
    bool ctrl = k.name == KEYN_CTRL;

    if (ctrl && k.rune == 'r') {
        seek(p, p->history_at < 0 ? p->nhistory : p->history_at);
        return true;
    }
    if (k.name == KEYN_ESC || (ctrl && k.rune == 'g')) {
        p->searching = false;
        p->history_at = -1;
        prompt_set(p, p->draft);
        return true;
    }
    if (k.name == KEYN_NONE || k.name == KEYN_BACKSPACE) {
        (void)editor_key(&ed, k);
        seek(p, p->nhistory);
        return true;
    }
    p->searching = false;
    return k.name == KEYN_TAB || k.name == KEYN_BACKTAB;
}

/* ---- what was taken out ---- */

/* Compares the text with what it was: one piece is missing, from the cursor on. */
static void keep_killed(struct prompt *p, const char *before)
{
    size_t gone = strlen(before) - (size_t)p->len;

    memcpy(p->killed, before + p->at, gone);
    p->killed[gone] = '\0';
}

static bool kills(struct key k)
{
    return (k.name == KEYN_CTRL && (k.rune == 'k' || k.rune == 'u' || k.rune == 'w')) ||
           (k.name == KEYN_ALT && k.rune == 'd');
}

/* A backslash before Enter: the line goes on. */
static bool continued(struct prompt *p, struct key k)
{
    if (k.name != KEYN_ENTER || k.rune || p->len == 0 || p->at != p->len ||
        p->text[p->len - 1] != '\\')
        return false;
    p->text[p->len - 1] = '\n';
    return true;
}

enum prompt_did prompt_key(struct prompt *p, struct key k, prompt_complete_fn complete,
                           const void *arg)
{
    char before[PROMPT_MAX];

    if (p->searching && search_key(p, k))
        return PROMPT_HANDLED;
    if (k.name == KEYN_CTRL && k.rune == 'r') {
        search_begin(p);
        return PROMPT_HANDLED;
    }
    if (k.name == KEYN_CTRL && k.rune == 'y') {
        (void)prompt_paste(p, p->killed, strlen(p->killed));
        return PROMPT_HANDLED;
    }
    if (k.name == KEYN_TAB || k.name == KEYN_BACKTAB)
        return complete_key(p, k.name == KEYN_TAB ? 1 : -1);
    if (continued(p, k))
        return PROMPT_HANDLED;
    struct editor ed = editor_of(p);
    text_copy_raw(before, sizeof before, p->text);
    enum editor_did did = editor_key(&ed, k);
    if (did == EDITOR_CHANGED && kills(k))
        keep_killed(p, before);
    switch (did) {
    case EDITOR_SUBMIT:
        return PROMPT_SUBMIT;
    case EDITOR_CANCEL:
        if (p->len == 0)
            return PROMPT_CANCEL;
        prompt_set(p, "");
        p->history_at = -1;
        return PROMPT_HANDLED;
    case EDITOR_CHANGED:
        p->history_at = -1;
        offer(p, complete, arg);
        return PROMPT_HANDLED;
    case EDITOR_MOVED:
        return PROMPT_HANDLED;
    case EDITOR_IGNORED:
        break;
    }
    if (k.name == KEYN_CTRL && k.rune == 'n')
        return history_move(p, 1);
    if (k.name == KEYN_UP || k.name == KEYN_DOWN)
        return history_move(p, k.name == KEYN_UP ? -1 : 1);
    return PROMPT_IGNORED;
}

bool prompt_paste(struct prompt *p, const char *text, size_t n)
{
    struct editor ed = editor_of(p);
    bool whole = editor_insert(&ed, text, n);
    p->history_at = -1;
    p->ncompletion = 0;
    p->completion_at = -1;
    p->searching = false;
    return whole;
}

void prompt_remember(struct prompt *p, const char *line)
{
    if (!*line || (p->nhistory && strcmp(p->history[p->nhistory - 1], line) == 0))
        return;
    if (p->nhistory == HISTORY_LINES) {
        free(p->history[0]);
        memmove(p->history, p->history + 1, (HISTORY_LINES - 1) * sizeof(p->history[0]));
        p->nhistory--;
    }
    p->history[p->nhistory++] = xstrdup(line);
}

void prompt_take(struct prompt *p)
{
    p->searching = false;
    prompt_remember(p, p->text);
    prompt_set(p, "");
    p->history_at = -1;
}
