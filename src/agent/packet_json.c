/* The JSON text of a packet: members and items, each text masked. What a mask has made of a text is remembered as JSON already. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/packet_parts.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

/* ---- text ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>';
}

static void escape_byte(struct buf *o, unsigned char c)
{
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";

    for (const char *l = letters; *l; l += 2)
        if ((unsigned char)*l == c) {
            buf_putc(o, '\\');
            buf_putc(o, l[1]);
            return;
        }
    buf_printf(o, "\\u%04x", c);
}

/* A text between its quotes; bytes that are no UTF-8 become U+FFFD. */
static void escape(struct buf *o, const char *s)
{
    size_t left = strlen(s);

    while (left > 0) {
        size_t n = 0;
        while (n < left && is_plain((unsigned char)s[n]))
            n++;
        buf_append(o, s, n);
        s += n;
        left -= n;
        if (left == 0)
            return;
        n = 1;
        if ((unsigned char)*s < 0x80) {
            escape_byte(o, (unsigned char)*s);
        } else {
            uint32_t rune = 0;
            char utf8[4];
            n = text_decode(s, left, &rune);
            buf_append(o, utf8, text_encode(rune, utf8));
        }
        s += n;
        left -= n;
    }
}

/* What stands before a value: every value ends in none of the three. */
static void begin_value(struct buf *o, const char *key)
{
    char last = '[';

    if (o->len)
        last = o->data[o->len - 1];
    if (last != '{' && last != '[' && last != ':')
        buf_putc(o, ',');
    if (!key)
        return;
    buf_putc(o, '"');
    escape(o, key);
    buf_append(o, "\":", 2);
}

static void put_escaped(struct buf *o, const char *key, const char *escaped)
{
    begin_value(o, key);
    buf_putc(o, '"');
    buf_puts(o, escaped);
    buf_putc(o, '"');
}

size_t pack_open(struct buf *o, const char *key, char bracket)
{
    size_t mark = o->len;

    begin_value(o, key);
    buf_putc(o, bracket);
    return mark;
}

void pack_close(struct buf *o, char bracket)
{
    buf_putc(o, bracket);
}

void pack_close_filled(struct buf *o, size_t mark, char bracket)
{
    char last = o->data[o->len - 1];

    if (last != '{' && last != '[') {
        buf_putc(o, bracket);
        return;
    }
    o->len = mark;
    o->data[mark] = '\0';
}

void pack_json(struct buf *o, const char *key, const struct buf *json)
{
    begin_value(o, key);
    buf_append(o, json->data, json->len);
}

/* ---- figures ---- */

static void put_int(struct buf *o, int64_t value)
{
    char text[24];
    char *at = text + sizeof text;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        *--at = '-';
    buf_append(o, at, (size_t)(text + sizeof text - at));
}

/* "10", not "10.0". */
static void put_num(struct buf *o, double value)
{
    if (fabs(value) < 9007199254740992.0 && value == nearbyint(value))
        put_int(o, (int64_t)value);
    else
        buf_printf(o, "%.10g", value);
}

/* Four digits say enough of what was measured, and whole numbers stay whole. */
void pack_num(struct buf *o, const char *key, double value)
{
    double unit = 1;

    if (!isfinite(value))
        return;
    if (fabs(value) < 1000 && value != nearbyint(value))
        unit = pow(10, 3 - floor(log10(fabs(value))));
    double rounded = nearbyint(value * unit) / unit;
    begin_value(o, key);
    put_num(o, isfinite(rounded) ? rounded : 0);
}

void pack_int(struct buf *o, const char *key, int64_t value)
{
    if (value < 0)
        return;
    begin_value(o, key);
    put_int(o, value);
}

void pack_bool(struct buf *o, const char *key, bool value)
{
    begin_value(o, key);
    buf_puts(o, value ? "true" : "false");
}

/* ---- texts ---- */

void pack_word(struct buf *o, const char *key, const char *ours)
{
    if (!ours || !*ours)
        return;
    begin_value(o, key);
    buf_putc(o, '"');
    escape(o, ours);
    buf_putc(o, '"');
}

enum {
    MEMO_PROSE,
    MEMO_SQL,
    MEMO_KEY,  /* of an object, and as it is: not as JSON */
    MEMO_DATA, /* a JSON text as a whole */
    MEMO_NAME,
    MEMO_PLACE = MEMO_NAME + ALIAS_KINDS
};

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

/* What `masked` has become of `text`; it is remembered. Takes masked. */
static void set_text(struct packing *p, struct buf *o, const char *key, int kind, const char *text,
                     struct buf *masked, size_t most)
{
    struct buf escaped = {0};

    cut(masked, most);
    if (masked->len)
        secret_redact(masked->data);
    escape(&escaped, buf_text(masked));
    mask_remember(p->mask, kind, text, buf_text(&escaped));
    if (escaped.len)
        put_escaped(o, key, escaped.data);
    buf_clear(&escaped);
    buf_clear(masked);
}

/* It was masked before. */
static bool set_before(struct packing *p, struct buf *o, const char *key, int kind,
                       const char *text)
{
    const char *escaped = mask_remembered(p->mask, kind, text);

    if (escaped && *escaped)
        put_escaped(o, key, escaped);
    return escaped != NULL;
}

void pack_prose(struct packing *p, struct buf *o, const char *key, const char *text)
{
    struct buf out = {0};

    if (!text || !*text || set_before(p, o, key, MEMO_PROSE, text))
        return;
    mask_prose(p->mask, text, &out);
    set_text(p, o, key, MEMO_PROSE, text, &out, PROSE_SENT_MAX);
}

void pack_sql(struct packing *p, struct buf *o, const char *key, const char *sql)
{
    struct buf out = {0};

    if (!sql || !*sql || set_before(p, o, key, MEMO_SQL, sql))
        return;
    mask_sql(p->mask, sql, &out);
    set_text(p, o, key, MEMO_SQL, sql, &out, QUERY_SENT_MAX);
}

void pack_name(struct packing *p, struct buf *o, const char *key, enum alias_kind kind,
               const char *name)
{
    struct buf out = {0};

    if (!name || !*name || set_before(p, o, key, MEMO_NAME + (int)kind, name))
        return;
    mask_ident(p->mask, kind, name, &out);
    set_text(p, o, key, MEMO_NAME + (int)kind, name, &out, QUERY_SENT_MAX);
}

void pack_place(struct packing *p, struct buf *o, const char *key, enum alias_kind kind,
                const char *schema, const char *name)
{
    struct buf out = {0}, both = {0};

    buf_puts(&both, schema);
    buf_putc(&both, '\n'); /* a name may hold a dot */
    buf_puts(&both, name);
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

void pack_value(struct packing *p, struct buf *o, const char *key, const struct setting *s,
                const char *value)
{
    if (!s || strcmp(s->vartype, "string") != 0)
        pack_word(o, key, value);
    else if (mask_level(p->mask) == PRIVACY_STRICT || strlen(value) > 64)
        pack_word(o, key, *value ? "(a text, not shown)" : "");
    else
        pack_prose(p, o, key, value);
}

/* ---- data of the outside ---- */

static bool key_of_sql(const char *key)
{
    return strstr(key, "query") || strstr(key, "sql") || strstr(key, "definition") ||
           strstr(key, "filter");
}

static void put_null(struct buf *o, const char *key)
{
    begin_value(o, key);
    buf_puts(o, "null");
}

/* A text, a figure, a truth value. `named`: the key by which it goes, unmasked. */
static void put_scalar(struct packing *p, struct buf *o, const char *key, const char *named,
                       const json_t *j)
{
    size_t before = o->len;

    if (json_is_string(j)) {
        if (key_of_sql(named))
            pack_sql(p, o, key, json_string_value(j));
        else
            pack_prose(p, o, key, json_string_value(j));
        if (o->len == before)
            put_null(o, key);
    } else if (json_is_number(j)) {
        begin_value(o, key);
        if (json_is_integer(j))
            put_int(o, json_integer_value(j));
        else
            put_num(o, json_real_value(j));
    } else if (json_is_boolean(j)) {
        pack_bool(o, key, json_is_true(j));
    } else {
        put_null(o, key);
    }
}

/* At STRICT keys pass only when they are words of ours. */
static void mask_key(struct packing *p, const char *key, struct buf *out)
{
    const char *before = mask_remembered(p->mask, MEMO_KEY, key);

    if (before) {
        buf_puts(out, before);
        return;
    }
    mask_prose(p->mask, key, out);
    mask_remember(p->mask, MEMO_KEY, key, buf_text(out));
}

/* `named`: the key by which it goes, or by which the list goes that it is in, unmasked. */
static void put_masked(struct packing *p, struct buf *o, const char *key, const char *named,
                       const json_t *j, int depth)
{
    if (depth > 8) {
        put_null(o, key);
    } else if (json_is_array(j)) {
        size_t i;
        json_t *item;
        pack_open(o, key, '[');
        json_array_foreach(j, i, item) put_masked(p, o, NULL, named, item, depth + 1);
        pack_close(o, ']');
    } else if (json_is_object(j)) {
        void *at;
        pack_open(o, key, '{');
        for (at = json_object_iter((json_t *)j); at; at = json_object_iter_next((json_t *)j, at)) {
            struct buf name = {0};
            const char *plain = json_object_iter_key(at);
            mask_key(p, plain, &name);
            put_masked(p, o, buf_text(&name), plain, json_object_iter_value(at), depth + 1);
            buf_clear(&name);
        }
        pack_close(o, '}');
    } else {
        put_scalar(p, o, key, named, j);
    }
}

void pack_data(struct packing *p, struct buf *o, const char *key, const char *text)
{
    const char *before;
    struct buf masked = {0};

    if (!text || (*text != '{' && *text != '[')) {
        pack_prose(p, o, key, text);
        return;
    }
    if ((before = mask_remembered(p->mask, MEMO_DATA, text))) {
        begin_value(o, key);
        buf_puts(o, before);
        return;
    }
    json_t *j = js_parse(text, strlen(text), NULL);
    if (!j) {
        pack_prose(p, o, key, text);
        return;
    }
    int known = mask_known(p->mask);
    put_masked(p, &masked, NULL, "", j, 0);
    pack_json(o, key, &masked);
    if (mask_known(p->mask) == known)
        mask_remember(p->mask, MEMO_DATA, text, buf_text(&masked));
    buf_clear(&masked);
    json_decref(j);
}

void packet_masked(struct mask *mask, const json_t *j, struct buf *out)
{
    struct packing p = {.mask = mask};
    struct buf text = {0};

    put_masked(&p, &text, NULL, "", j, 0);
    buf_puts(out, buf_text(&text));
    buf_clear(&text);
}
