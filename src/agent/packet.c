/* Order, budget and fences of a packet; what stands in it is built by packet_server.c and packet_session.c.
 *
 * There are two fences. The first holds what does not change in a session; its id is the digest of what it holds, so that the same
 * facts give the same bytes (a provider's cache can serve them) and no text within can know it. The second holds the rest under the
 * caller's nonce. Within both no '<' stands, so that no text can close a fence. */
#include "pgd/agent/packet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/packet_parts.h"
#include "pgd/base/assets.h"
#include "pgd/base/secret.h"
#include "pgd/base/sha256.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

/* Of the budget, for what does not change: cut by itself, so that it stays the same whatever the rest needs. */
#define FIXED_SHARE 0.6

static const char *asset_text(const char *name)
{
    const struct asset *a = asset_find(name);
    if (!a)
        die("assets/%s is missing", name);
    return (const char *)a->data;
}

/* ---- values ---- */

/* Four digits say enough of what was measured, and whole numbers stay whole. */
void pack_num(json_t *o, const char *key, double value)
{
    if (!isfinite(value))
        return;
    double unit = 1;
    if (value != 0 && fabs(value) < 1000)
        unit = pow(10, 3 - floor(log10(fabs(value))));
    json_object_set_new(o, key, js_num(nearbyint(value * unit) / unit));
}

void pack_int(json_t *o, const char *key, int64_t value)
{
    if (value >= 0)
        json_object_set_new(o, key, json_integer(value));
}

void pack_word(json_t *o, const char *key, const char *ours)
{
    if (ours && *ours)
        json_object_set_new(o, key, js_text(ours));
}

enum { MEMO_PROSE, MEMO_SQL, MEMO_NAME, MEMO_PLACE = MEMO_NAME + ALIAS_KINDS };

/* Cut at a character, with a sign that something is missing. */
static void cut(struct buf *text, size_t most)
{
    size_t len = most;

    if (text->len <= most)
        return;
    while (len > 0 && ((unsigned char)text->data[len] & 0xc0u) == 0x80)
        len--;
    text->data[len] = '\0';
    text->len = len;
    buf_puts(text, " [cut]");
}

static void set_word(json_t *o, const char *key, const char *masked)
{
    if (*masked)
        json_object_set_new(o, key, js_text(masked));
}

/* What `masked` has become of `text`; it is remembered. Takes masked. */
static void set_text(struct packing *p, json_t *o, const char *key, int kind, const char *text,
                     struct buf *masked, size_t most)
{
    cut(masked, most);
    if (masked->len)
        secret_redact(masked->data);
    mask_remember(p->mask, kind, text, buf_text(masked));
    set_word(o, key, buf_text(masked));
    buf_clear(masked);
}

/* It was masked before. */
static bool set_before(struct packing *p, json_t *o, const char *key, int kind, const char *text)
{
    const char *masked = mask_remembered(p->mask, kind, text);

    if (masked)
        set_word(o, key, masked);
    return masked != NULL;
}

void pack_prose(struct packing *p, json_t *o, const char *key, const char *text)
{
    struct buf out = {0};

    if (!text || !*text || set_before(p, o, key, MEMO_PROSE, text))
        return;
    mask_prose(p->mask, text, &out);
    set_text(p, o, key, MEMO_PROSE, text, &out, PROSE_SENT_MAX);
}

void pack_sql(struct packing *p, json_t *o, const char *key, const char *sql)
{
    struct buf out = {0};

    if (!sql || !*sql || set_before(p, o, key, MEMO_SQL, sql))
        return;
    mask_sql(p->mask, sql, &out);
    set_text(p, o, key, MEMO_SQL, sql, &out, QUERY_SENT_MAX);
}

void pack_name(struct packing *p, json_t *o, const char *key, enum alias_kind kind,
               const char *name)
{
    struct buf out = {0};

    if (!name || !*name || set_before(p, o, key, MEMO_NAME + (int)kind, name))
        return;
    mask_ident(p->mask, kind, name, &out);
    set_text(p, o, key, MEMO_NAME + (int)kind, name, &out, QUERY_SENT_MAX);
}

void pack_place(struct packing *p, json_t *o, const char *key, enum alias_kind kind,
                const char *schema, const char *name)
{
    struct buf out = {0}, both = {0};

    buf_printf(&both, "%s\n%s", schema, name); /* a name may hold a dot */
    if (!set_before(p, o, key, MEMO_PLACE + (int)kind, buf_text(&both))) {
        if (*schema) {
            mask_ident(p->mask, ALIAS_NAME, schema, &out);
            buf_putc(&out, '.');
        }
        mask_ident(p->mask, kind, name, &out);
        set_text(p, o, key, MEMO_PLACE + (int)kind, buf_text(&both), &out, QUERY_SENT_MAX);
    }
    buf_clear(&both);
}

void pack_value(struct packing *p, json_t *o, const char *key, const struct setting *s,
                const char *value)
{
    if (!s || strcmp(s->vartype, "string") != 0)
        pack_word(o, key, value);
    else if (mask_level(p->mask) == PRIVACY_STRICT || strlen(value) > 64)
        pack_word(o, key, *value ? "(a text, not shown)" : "");
    else
        pack_prose(p, o, key, value);
}

void packing_add(struct packing *p, const char *name, json_t *json, json_t *list, const char *rows,
                 int keep, bool fixed)
{
    bool empty = !json ||
                 (json_is_object(json) ? json_object_size(json) == 0 : json_array_size(json) == 0);
    if (empty || p->n == SECTIONS_MAX) {
        json_decref(json);
        return;
    }
    p->items[p->n++] = (struct section){
        .name = name, .json = json, .list = list, .rows = rows, .keep = keep, .fixed = fixed};
}

/* ---- budget ---- */

static size_t size_of(const json_t *j)
{
    return json_dumpb(j, NULL, 0, JSON_COMPACT | JSON_REAL_PRECISION(10)) + 32;
}

static size_t size_all(const struct packing *p, bool fixed)
{
    size_t sum = 0;
    for (int i = 0; i < p->n; i++)
        if (p->items[i].json && p->items[i].fixed == fixed)
            sum += p->items[i].size;
    return sum;
}

/* The section that is missed least; NULL when nothing is left. */
static struct section *least(struct packing *p, bool fixed)
{
    struct section *found = NULL;
    for (int i = 0; i < p->n; i++) {
        struct section *s = &p->items[i];
        if (s->json && s->fixed == fixed && (!found || s->keep < found->keep))
            found = s;
    }
    return found;
}

static void shrink(struct section *s)
{
    size_t rows = s->list ? json_array_size(s->list) : 0;
    if (rows <= 4) {
        json_decref(s->json);
        s->json = s->list = NULL;
        s->left_out = -1;
        s->size = 0;
        return;
    }
    size_t keep = rows / 2 > 4 ? rows / 2 : 4;
    for (; rows > keep; rows--) {
        json_array_remove(s->list, rows - 1);
        s->left_out++;
    }
    /* The first rows of a list say most of what it has to say. */
    if (rows == 4)
        s->keep += 40;
    s->size = size_of(s->json);
}

static void fit(struct packing *p, bool fixed, size_t room)
{
    struct section *s;
    for (int i = 0; i < p->n; i++)
        if (p->items[i].json && p->items[i].fixed == fixed)
            p->items[i].size = size_of(p->items[i].json);
    while (size_all(p, fixed) > room && (s = least(p, fixed)))
        shrink(s);
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

/* The sections as one object, without '<' and '>'. */
static char *render(const struct packing *p, bool fixed)
{
    json_t *all = json_object();
    for (int i = 0; i < p->n; i++)
        if (p->items[i].json && p->items[i].fixed == fixed)
            json_object_set(all, p->items[i].name, p->items[i].json);
    struct buf missing = {0};
    tell_left_out(p, fixed, &missing);
    if (missing.len)
        pack_word(all, "left_out", buf_text(&missing));
    buf_clear(&missing);
    char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(10));
    struct buf out = {0};
    for (const char *c = text ? text : "{}"; *c;) {
        size_t plain = strcspn(c, "<>");
        buf_append(&out, c, plain);
        c += plain;
        if (*c)
            buf_puts(&out, *c++ == '<' ? "\\u003c" : "\\u003e");
    }
    free(text);
    json_decref(all);
    return buf_take(&out);
}

static void fence(struct buf *out, const char *title, const char *id, const char *json)
{
    buf_printf(out, "\n%s\n<data id=%s>\n%s\n</data id=%s>\n", title, id, json, id);
}

static void clear(struct packing *p)
{
    for (int i = 0; i < p->n; i++)
        json_decref(p->items[i].json);
    p->n = 0;
}

static void collect(struct packing *p)
{
    packet_server(p);
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
        collect(&p);
    } while (mask_known(o->mask) > before && ++tries < 3);

    fit(&p, true, (size_t)((double)room * FIXED_SHARE));
    size_t fixed = size_all(&p, true);
    fit(&p, false, room > fixed ? room - fixed : 0);
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
