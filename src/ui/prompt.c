/* prompt.c - keys of the prompt. History is searched by what was typed before Up; Tab completes. */
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

enum prompt_did prompt_key(struct prompt *p, struct key k, prompt_complete_fn complete,
                           const void *arg)
{
    if (k.name == KEYN_TAB || k.name == KEYN_BACKTAB)
        return complete_key(p, k.name == KEYN_TAB ? 1 : -1);
    struct editor ed = editor_of(p);
    switch (editor_key(&ed, k)) {
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
    if (k.name == KEYN_UP || k.name == KEYN_DOWN)
        return history_move(p, k.name == KEYN_UP ? -1 : 1);
    return PROMPT_IGNORED;
}

void prompt_paste(struct prompt *p, const char *text, size_t n)
{
    struct editor ed = editor_of(p);
    editor_insert(&ed, text, n);
    p->history_at = -1;
    p->ncompletion = 0;
    p->completion_at = -1;
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
    prompt_remember(p, p->text);
    prompt_set(p, "");
    p->history_at = -1;
}
