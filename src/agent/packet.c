/* Order, budget and fences of a packet; what stands in it is written by packet_server.c and packet_session.c, as packet_json.c does it.
 *
 * There are two fences. The first holds what does not change in a session; its id is the digest of what it holds, so that the same
 * facts give the same bytes (a provider's cache can serve them) and no text within can know it. The second holds the rest under the
 * caller's nonce. Within both no '<' stands, so that no text can close a fence. */
#include "pgd/agent/packet.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/agent/packet_parts.h"
#include "pgd/base/assets.h"
#include "pgd/base/sha256.h"
#include "pgd/base/text.h"

/* Of the budget, for what does not change: cut by itself, so that it stays the same whatever the rest needs. */
#define FIXED_SHARE 0.6

/* Of a list: these say most. */
enum { ROWS_FIRST = 4 };

static const char *asset_text(const char *name)
{
    const struct asset *a = asset_find(name);
    if (!a)
        die("assets/%s is missing", name);
    return (const char *)a->data;
}

/* ---- sections ---- */

struct buf *packing_begin(struct packing *p, const char *name, int keep, bool fixed)
{
    struct section *s = &p->items[p->n];

    *s = (struct section){.name = name, .keep = keep, .fixed = fixed};
    pack_open(&s->json, NULL, '{');
    return &s->json;
}

void packing_list(struct packing *p, const char *name, const char *rows, int keep, bool fixed)
{
    struct section *s = &p->items[p->n];

    *s = (struct section){.name = name, .keep = keep, .fixed = fixed};
    packing_rows(p, NULL, rows);
}

void packing_rows(struct packing *p, const char *key, const char *rows)
{
    struct section *s = &p->items[p->n];

    pack_open(&s->json, key, '[');
    s->rows = rows;
    s->first = s->json.len;
}

void packing_rows_end(struct packing *p)
{
    struct section *s = &p->items[p->n];

    s->tail = s->json.len;
    pack_close(&s->json, ']');
}

struct buf *packing_row(struct packing *p)
{
    struct section *s = &p->items[p->n];

    if (s->left_out || s->json.len > p->room[s->fixed]) {
        s->left_out++;
        return NULL;
    }
    pack_open(&s->json, NULL, '{');
    return &s->json;
}

void packing_row_end(struct packing *p)
{
    struct section *s = &p->items[p->n];

    pack_close(&s->json, '}');
    s->ends = xgrow(s->ends, &s->cap, s->nrows + 1, sizeof *s->ends);
    s->ends[s->nrows++] = s->json.len;
}

static void drop(struct section *s)
{
    buf_clear(&s->json);
    free(s->ends);
    s->ends = NULL;
}

void packing_end(struct packing *p)
{
    struct section *s = &p->items[p->n];

    if (s->rows && !s->tail)
        packing_rows_end(p);
    if (s->json.data[0] == '{')
        pack_close(&s->json, '}');
    if (s->json.len == 2 || p->n == SECTIONS_MAX)
        drop(s);
    else
        p->n++;
}

/* ---- budget ---- */

static size_t size_of(const struct section *s)
{
    return s->json.len ? s->json.len + 32 : 0;
}

static size_t size_all(const struct packing *p, bool fixed)
{
    size_t sum = 0;
    for (int i = 0; i < p->n; i++)
        if (p->items[i].fixed == fixed)
            sum += size_of(&p->items[i]);
    return sum;
}

static bool is_list(const struct section *s)
{
    return s->json.data[0] == '[';
}

/* What the part is worth that would be let in next. The first rows of a list say most of what it has to say and are worth more than the
 * rest of them, yet never more than what is asked; rows within an object are worth less than a list of its own. */
static int worth(const struct section *s)
{
    int keep = is_list(s) ? s->keep : s->keep - 30;
    int first = 600 + keep * 3;
    if (s->next == PART_REST)
        return keep * 10 - 100;
    if (s->next == PART_WHOLE && !is_list(s))
        return s->keep * 10;
    return first > keep * 10 ? first : keep * 10;
}

/* The section whose next part is worth most; NULL when all have been asked. */
static struct section *most(struct packing *p, bool fixed)
{
    struct section *found = NULL;
    for (int i = 0; i < p->n; i++) {
        struct section *s = &p->items[i];
        if (s->next != PART_NONE && s->fixed == fixed && (!found || worth(s) > worth(found)))
            found = s;
    }
    return found;
}

/* Rows up to number `until`, as far as there is room. */
static void let_rows_in(struct section *s, size_t until, size_t *room)
{
    enum part after = s->next == PART_FIRST ? PART_REST : PART_NONE;

    while (s->rows_in < s->nrows && s->rows_in < until) {
        size_t from = s->rows_in ? s->ends[s->rows_in - 1] : s->first;
        size_t size = s->ends[s->rows_in] - from;
        if (size > *room) {
            s->next = PART_NONE;
            return;
        }
        *room -= size;
        s->rows_in++;
    }
    s->next = after;
}

static void let_in(struct section *s, size_t *room)
{
    size_t size = size_of(s) - (s->tail - s->first);

    if (s->next == PART_FIRST) {
        let_rows_in(s, ROWS_FIRST, room);
    } else if (s->next == PART_REST) {
        let_rows_in(s, s->nrows, room);
    } else if (size > *room) {
        s->next = PART_NONE;
    } else {
        *room -= size;
        s->in = true;
        s->next = s->nrows ? PART_FIRST : PART_NONE;
    }
}

/* Takes away what was not let in. */
static void cut_rows(struct section *s)
{
    size_t end = s->rows_in ? s->ends[s->rows_in - 1] : s->first;

    if (!s->in || (is_list(s) && !s->rows_in)) {
        drop(s);
        s->left_out = -1;
        return;
    }
    memmove(s->json.data + end, s->json.data + s->tail, s->json.len + 1 - s->tail);
    s->json.len -= s->tail - end;
    s->left_out += (int)(s->nrows - s->rows_in);
}

/* What is worth most comes in first, and what has no room any more leaves it to what is smaller. */
static void fit(struct packing *p, bool fixed)
{
    struct section *s;
    size_t room = p->room[fixed];
    while ((s = most(p, fixed)))
        let_in(s, &room);
    for (int i = 0; i < p->n; i++)
        if (p->items[i].fixed == fixed)
            cut_rows(&p->items[i]);
}

static void tell_left_out(const struct packing *p, bool fixed, struct buf *out)
{
    for (int i = 0; i < p->n; i++) {
        const struct section *s = &p->items[i];
        if (s->left_out == 0 || s->fixed != fixed)
            continue;
        buf_puts(out, out->len ? ", " : "");
        if (s->left_out < 0)
            buf_printf(out, "all of %s", s->name);
        else
            buf_printf(out, "%d %s", s->left_out, s->rows ? s->rows : s->name);
    }
}

/* ---- fences ---- */

/* The sections as one object. */
static char *render(const struct packing *p, bool fixed)
{
    struct buf out = {0}, missing = {0};

    pack_open(&out, NULL, '{');
    for (int i = 0; i < p->n; i++)
        if (p->items[i].json.len && p->items[i].fixed == fixed)
            pack_json(&out, p->items[i].name, &p->items[i].json);
    tell_left_out(p, fixed, &missing);
    pack_word(&out, "left_out", buf_text(&missing));
    buf_clear(&missing);
    pack_close(&out, '}');
    return buf_take(&out);
}

static void fence(struct buf *out, const char *title, const char *id, const char *json)
{
    buf_printf(out, "\n%s\n<data id=%s>\n%s\n</data id=%s>\n", title, id, json, id);
}

static void clear(struct packing *p)
{
    for (int i = 0; i < p->n; i++)
        drop(&p->items[i]);
    p->n = 0;
}

/* What does not change first: how much it takes says where the lists of the rest can stop. */
static void collect(struct packing *p, size_t room)
{
    p->room[true] = (size_t)((double)room * FIXED_SHARE);
    p->room[false] = room;
    packet_server(p);
    packet_plan(p);
    fit(p, true);
    size_t fixed = size_all(p, true);
    p->room[false] = room > fixed ? room - fixed : 0;
    packet_session(p);
    packet_asked(p);
}

static void note_left_out(const struct packing *p, struct packet *out)
{
    struct buf text = {0};
    tell_left_out(p, true, &text);
    tell_left_out(p, false, &text);
    text_copy(out->left_out, sizeof out->left_out, buf_text(&text));
    buf_clear(&text);
}

void packet_build(enum op op, const struct op_input *in, const struct packet_options *o,
                  struct packet *out)
{
    const struct op_row *row = op_row(op);
    const char *system = asset_text("prompts/system.md");
    const char *prompt = asset_text(row->prompt);
    struct packing p = {.op = op, .in = in, .mask = o->mask};
    memset(out, 0, sizeof *out);
    out->schema = asset_text(row->schema);
    size_t budget = o->budget ? o->budget : PACKET_BUDGET;
    size_t said = strlen(system) + strlen(prompt) + strlen(out->schema) + 512;
    size_t room = budget > said ? budget - said : 0;

    /* A name may be met as one after it has stood somewhere as a plain word: then once more, with it known. */
    int before;
    int tries = 0;
    packet_know(&p);
    do {
        clear(&p);
        before = mask_known(o->mask);
        collect(&p, room);
    } while (mask_known(o->mask) > before && ++tries < 3);

    fit(&p, false);
    char *first = render(&p, true);
    char *second = render(&p, false);
    char digest[65];
    sha256_text(first, strlen(first), digest);
    digest[16] = '\0';
    struct buf user = {0};
    buf_printf(&user, "[op=%s]\n%s", row->name, prompt);
    fence(&user, "What does not change in this session:", digest, first);
    fence(&user, "What is known now:", o->nonce, second);
    note_left_out(&p, out);
    out->system = xstrdup(system);
    out->user = buf_take(&user);
    free(first);
    free(second);
    clear(&p);
}

void packet_clear(struct packet *p)
{
    free(p->system);
    free(p->user);
    memset(p, 0, sizeof *p);
}
