/* advice_notes.c - see advice_notes.h. */
#include "pgd/workspace/advice_notes.h"

#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

static int place_of(const struct workspace *w, const char *statement)
{
    for (int i = 0; i < w->nadvice; i++)
        if (strcmp(w->advice[i].statement, statement) == 0)
            return i;
    return -1;
}

static void forget(struct workspace *w, int at)
{
    memmove(&w->advice[at], &w->advice[at + 1],
            (size_t)(w->nadvice - at - 1) * sizeof w->advice[0]);
    w->nadvice--;
}

static int oldest(const struct workspace *w)
{
    int at = 0;

    for (int i = 1; i < w->nadvice; i++)
        if (w->advice[i].wall_us < w->advice[at].wall_us)
            at = i;
    return at;
}

void advice_notes_put(struct workspace *w, const char *statement, enum advice_mark mark,
                      int64_t wall_us)
{
    struct advice_note *n;
    int at = place_of(w, statement);

    if (at >= 0)
        forget(w, at);
    if (mark == ADVICE_OPEN)
        return;
    if (w->nadvice == ADVICE_NOTES_MAX)
        forget(w, oldest(w));
    n = &w->advice[w->nadvice++];
    *n = (struct advice_note){.mark = mark, .wall_us = wall_us};
    text_copy_raw(n->statement, sizeof n->statement, statement);
}

void advice_notes_give(const struct workspace *w, struct advised *a)
{
    for (int i = 0; i < a->n; i++) {
        int at = place_of(w, a->items[i].statement);
        a->items[i].mark = at >= 0 ? w->advice[at].mark : ADVICE_OPEN;
    }
}

json_t *advice_notes_json(const struct workspace *w)
{
    json_t *list = json_array();

    for (int i = 0; i < w->nadvice; i++) {
        const struct advice_note *n = &w->advice[i];
        json_t *j = json_object();
        json_object_set_new(j, "statement", js_text(n->statement));
        json_object_set_new(j, "mark", js_text(advice_mark_name(n->mark)));
        json_object_set_new(j, "when_us", json_integer(n->wall_us));
        json_array_append_new(list, j);
    }
    return list;
}

void advice_notes_read(const json_t *list, struct workspace *w)
{
    const json_t *one;
    size_t i;

    w->nadvice = 0;
    json_array_foreach(list, i, one)
    {
        struct advice_note n = {.wall_us = js_get_int(one, "when_us", 0)};
        char mark[20] = "";
        js_get_text(one, "statement", n.statement, sizeof n.statement);
        js_get_text(one, "mark", mark, sizeof mark);
        n.mark = strcmp(mark, advice_mark_name(ADVICE_ACCEPTED)) == 0   ? ADVICE_ACCEPTED
                 : strcmp(mark, advice_mark_name(ADVICE_REJECTED)) == 0 ? ADVICE_REJECTED
                                                                        : ADVICE_OPEN;
        if (n.statement[0] && n.mark != ADVICE_OPEN && w->nadvice < ADVICE_NOTES_MAX &&
            place_of(w, n.statement) < 0)
            w->advice[w->nadvice++] = n;
    }
}
