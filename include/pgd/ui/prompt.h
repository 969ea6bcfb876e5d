/* prompt.h - the prompt line's behaviour: editing, history, completion, search. Its state is the model's. */
#pragma once

#include "pgd/workspace/model.h"

enum prompt_did {
    PROMPT_IGNORED,
    PROMPT_HANDLED,
    PROMPT_SUBMIT, /* the text is in p->text; the caller acts on it and calls prompt_take() */
    PROMPT_CANCEL  /* Esc on an empty line; Esc first clears the text */
};

/* Offers completions of the text: at most max whole lines ("/resume "). Returns how many. */
typedef int (*prompt_complete_fn)(const void *arg, const char *text, char out[][64], int max);

/* complete may be NULL. */
enum prompt_did prompt_key(struct prompt *p, struct key k, prompt_complete_fn complete,
                           const void *arg);
/* False: it was cut at the bound. */
bool prompt_paste(struct prompt *p, const char *text, size_t n);
/* Empties the line and remembers what stood there (unless empty or the same as the newest). */
void prompt_take(struct prompt *p);
void prompt_remember(struct prompt *p, const char *line);
void prompt_set(struct prompt *p, const char *text);
