#pragma once
/*
 * A model without a server and without a screen, and what its keys ask for: what the unit tests of src/app share. A test fills the model,
 * presses keys, and looks at the effects, the lines of the chat and the picture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/keys.h"
#include "pgd/app/update.h"
#include "pgd/ui/view.h"

struct world {
    struct model *m;
    struct effects fx; /* of the last key, or all since they were cleared */
};

/* A screen of 36 rows and 120 columns, with nothing on it yet. */
static inline struct world *world_new(void)
{
    struct world *w = xcalloc(1, sizeof *w);

    w->m = xcalloc(1, sizeof *w->m);
    model_init(w->m);
    w->m->screen.rows = 36;
    w->m->screen.cols = 120;
    return w;
}

static inline int world_teardown(void **state)
{
    struct world *w = *state;

    effects_clear(&w->fx);
    model_clear(w->m);
    free(w->m);
    free(w);
    return 0;
}

/* A key as an event, with all that follows an event. */
static inline void world_key(struct world *w, enum key_name name, char c)
{
    struct event ev = {.kind = EV_KEY, .at_us = 100000000, .wall_us = 1700000000000000};

    ev.u.key = (struct key){name, (uint32_t)c};
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
}

/* Letters to the keys alone; what they ask for is added. A newline is Enter. */
static inline void world_type(struct world *w, const char *text)
{
    for (; *text; text++)
        keys_key(w->m,
                 *text == '\n' ? (struct key){KEYN_ENTER, 0}
                               : (struct key){KEYN_NONE, (uint32_t)*text},
                 &w->fx);
}

/* Does a line of the chat hold it? */
static inline bool world_said(const struct world *w, const char *part)
{
    for (int i = 0; i < w->m->nchat; i++)
        if (strstr(w->m->chat[i].text, part))
            return true;
    return false;
}

/* Where the text stands in the picture, in bytes from its first cell; -1: nowhere. With PGD_SHOW what lacks it is printed. */
static inline long world_at(const struct world *w, const char *text)
{
    struct canvas *c = canvas_new(w->m->screen.rows, w->m->screen.cols);
    struct view_cursor cursor;
    struct buf b = {0};

    view_paint(c, w->m, keys_tables(), &cursor);
    canvas_text(c, &b);
    const char *p = strstr(buf_text(&b), text);
    long found = p ? p - buf_text(&b) : -1;
    if (!p && getenv("PGD_SHOW"))
        printf("%s\n", buf_text(&b));
    buf_clear(&b);
    canvas_free(c);
    return found;
}

static inline bool world_shows(const struct world *w, const char *text)
{
    return world_at(w, text) >= 0;
}

/* The newest effect of this kind; NULL: there is none. */
static inline const struct effect *world_sent(const struct world *w, enum effect_kind kind)
{
    for (size_t i = w->fx.n; i > 0; i--)
        if (w->fx.items[i - 1].kind == kind)
            return &w->fx.items[i - 1];
    return NULL;
}
