/* store_advised.c - what settings cannot mend, as a member of session.json. A damaged item is left out: nothing rests on it but a
 * report. */
#include <math.h>
#include <string.h>

#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store_parts.h"

enum { KINDS = ADVICE_DATABASE + 1, MARKS = ADVICE_REJECTED + 1 };

json_t *store_advised_json(const struct advised *a)
{
    json_t *list;

    if (!a->known)
        return json_null();
    list = json_array();
    for (int i = 0; i < a->n; i++) {
        const struct advice *x = &a->items[i];
        json_t *j = json_object();
        json_object_set_new(j, "kind", js_text(advice_kind_name(x->kind)));
        json_object_set_new(j, "mark", js_text(advice_mark_name(x->mark)));
        json_object_set_new(j, "object", js_text(x->object));
        json_object_set_new(j, "statement", js_text(x->statement));
        json_object_set_new(j, "follow", js_text(x->follow));
        json_object_set_new(j, "undo", js_text(x->undo));
        json_object_set_new(j, "why", js_text(x->why));
        json_object_set_new(j, "evidence", js_text(x->evidence));
        json_object_set_new(j, "source", js_text(x->source));
        json_object_set_new(j, "expected", js_text(x->prediction));
        json_object_set_new(j, "lock", js_text(x->lock));
        json_object_set_new(j, "price", js_text(x->price));
        json_object_set_new(j, "tested", js_text(x->tested));
        json_object_set_new(j, "cost_before", js_num(x->cost_before));
        json_object_set_new(j, "cost_after", js_num(x->cost_after));
        json_object_set_new(j, "bytes", js_num(x->bytes));
        json_object_set_new(j, "seconds", js_num(x->seconds));
        json_object_set_new(j, "in_transaction", json_boolean(!x->alone));
        json_array_append_new(list, j);
    }
    return list;
}

static bool read_one(const json_t *j, struct advice *x)
{
    char kind[40] = "", mark[20] = "";
    int k = 0, v = 0;

    memset(x, 0, sizeof *x);
    js_get_text(j, "kind", kind, sizeof kind);
    js_get_text(j, "mark", mark, sizeof mark);
    while (k < KINDS && strcmp(kind, advice_kind_name((enum advice_kind)k)) != 0)
        k++;
    while (v < MARKS && strcmp(mark, advice_mark_name((enum advice_mark)v)) != 0)
        v++;
    if (k == KINDS || v == MARKS ||
        !js_get_text(j, "statement", x->statement, sizeof x->statement) ||
        !js_get_text(j, "undo", x->undo, sizeof x->undo))
        return false;
    x->kind = (enum advice_kind)k;
    x->mark = (enum advice_mark)v;
    js_get_text(j, "object", x->object, sizeof x->object);
    js_get_text(j, "follow", x->follow, sizeof x->follow);
    js_get_text(j, "why", x->why, sizeof x->why);
    js_get_text(j, "evidence", x->evidence, sizeof x->evidence);
    js_get_text(j, "source", x->source, sizeof x->source);
    js_get_text(j, "expected", x->prediction, sizeof x->prediction);
    js_get_text(j, "lock", x->lock, sizeof x->lock);
    js_get_text(j, "price", x->price, sizeof x->price);
    js_get_text(j, "tested", x->tested, sizeof x->tested);
    x->cost_before = js_get_num(j, "cost_before", NAN);
    x->cost_after = js_get_num(j, "cost_after", NAN);
    x->bytes = js_get_num(j, "bytes", NAN);
    x->seconds = js_get_num(j, "seconds", NAN);
    x->alone = !js_get_bool(j, "in_transaction", true);
    return x->statement[0] && x->undo[0];
}

void store_advised_read(const json_t *j, struct advised *a)
{
    const json_t *item;
    size_t i;

    memset(a, 0, sizeof *a);
    if (!json_is_array(j))
        return;
    a->known = true;
    json_array_foreach(j, i, item)
    {
        if (a->n < ADVICE_MAX && read_one(item, &a->items[a->n]))
            a->n++;
    }
}
