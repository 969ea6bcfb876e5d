/* The pgbench script of a statement: its parameters replaced by values that a \set chooses among. pgbench's variables are
 * numbers, so values of other types stand in an array constant and the variable is the place in it; the planner folds that
 * before it plans, so the statement is planned as if the value stood there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/runner/derive_parts.h"

enum { VALUE_BYTES_MAX = 300, LINE_BYTES = 90 };

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* A colon before a name would be a variable, in whatever quotes it stands; \072 is one, too, for the server alone. Digits
 * make no name for pgbench as it is today, but did in the extended protocol of older ones. Nor is there any backslash before
 * a letter, so that nothing looks like a command. */
static bool in_octal(const char *p)
{
    return (*p == ':' && name_byte(p[1])) || (unsigned char)*p < 0x20 || *p == '\\';
}

static bool needs_octal(const char *value)
{
    for (const char *p = value; *p; p++)
        if (in_octal(p))
            return true;
    return false;
}

/* Inside of E'…' or, where nothing needs it, of '…'. */
static void put_inside(struct buf *out, const char *value)
{
    for (const char *p = value; *p; p++) {
        if (in_octal(p))
            buf_printf(out, "\\%03o", (unsigned)(unsigned char)*p);
        else
            buf_printf(out, *p == '\'' ? "'%c" : "%c", *p);
    }
}

void derive_literal(struct buf *out, const char *value)
{
    buf_puts(out, needs_octal(value) ? "E'" : "'");
    put_inside(out, value);
    buf_putc(out, '\'');
}

/* ---- arrays ---- */

static void put_member(struct buf *out, const char *value)
{
    bool plain = *value && !text_eq_nocase(value, "null");

    for (const char *p = value; *p; p++)
        plain = plain && (name_byte(*p) || strchr("-+.", *p)) && (unsigned char)*p < 0x80;
    if (plain) {
        buf_puts(out, value);
        return;
    }
    buf_putc(out, '"');
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *p);
    }
    buf_putc(out, '"');
}

struct values {
    int n;
    const char *v[DERIVE_ROWS_MAX]; /* borrowed; NULL = an SQL NULL */
};

/* '{…}' as the text of an array, in lines that can be read. */
static void put_array(const struct values *v, struct buf *out)
{
    bool octal = false;
    size_t line = out->len;

    for (int i = 0; i < v->n; i++)
        octal = octal || (v->v[i] && (needs_octal(v->v[i]) || strchr(v->v[i], '"')));
    buf_puts(out, octal ? "E'{" : "'{");
    for (int i = 0; i < v->n; i++) {
        struct buf member = {0};
        if (v->v[i])
            put_member(&member, v->v[i]);
        else
            buf_puts(&member, "NULL");
        if (i)
            buf_putc(out, ',');
        if (out->len + member.len - line > LINE_BYTES) {
            buf_putc(out, '\n');
            line = out->len;
        }
        put_inside(out, buf_text(&member));
        buf_clear(&member);
    }
    buf_puts(out, "}'");
}

static bool is_array(const char *type)
{
    size_t n = strlen(type);

    return n > 2 && strcmp(type + n - 2, "[]") == 0;
}

/* One of the values, at the place that the variable says. */
static void put_one(const struct values *v, const char *type, const char *variable, struct buf *out)
{
    bool through_text = is_array(type); /* there is no array of arrays */

    if (v->n == 1) {
        buf_putc(out, '(');
        derive_literal(out, v->v[0] ? v->v[0] : "");
        buf_printf(out, "::%s)", type);
        return;
    }
    buf_puts(out, through_text ? "((" : "(");
    put_array(v, out);
    buf_printf(out, "::%s[])[:%s]", through_text ? "text" : type, variable);
    if (through_text)
        buf_printf(out, ")::%s", type);
}

/* ---- one parameter ---- */

struct writer {
    const struct derived *d;
    int level, cap;
    struct buf sets; /* \set lines */
    bool rows_set[DERIVE_TABLES_MAX];
    bool expr_used[DERIVE_PARAMS_MAX];
};

/* Values of p that fit, the first `cap` of them. */
static void collect(const struct derive_param *p, int cap, char *const *from, struct values *out)
{
    out->n = 0;
    for (int i = 0; i < p->nvalues && out->n < cap && out->n < DERIVE_ROWS_MAX; i++)
        if (strlen(from[i]) <= VALUE_BYTES_MAX)
            out->v[out->n++] = from[i];
}

/* As many of the key that the level takes; keys are in the order in which they are to be tried. */
static const char *collect_key(const struct writer *w, const struct derive_param *p,
                               struct values *out)
{
    const char *keys[DERIVE_LEVELS];
    int nkeys = 0;

    out->n = 0;
    for (int i = 0; p->extra && i < p->nvalues; i++)
        if (nkeys < DERIVE_LEVELS && (nkeys == 0 || strcmp(keys[nkeys - 1], p->extra[i]) != 0))
            keys[nkeys++] = p->extra[i];
    if (nkeys == 0)
        return NULL;
    /* the middle level, which is tried first, has the first key */
    const char *key = keys[(w->level + DERIVE_LEVELS - 2) % DERIVE_LEVELS % nkeys];
    for (int i = 0; i < p->nvalues && out->n < w->cap; i++)
        if (strcmp(p->extra[i], key) == 0 && strlen(p->values[i]) <= VALUE_BYTES_MAX)
            out->v[out->n++] = p->values[i];
    return key;
}

/* A plain value of a type, where nothing tells which ones the application gives. */
static void put_plain(const struct writer *w, const struct derive_param *p, struct buf *out)
{
    static const char *const spans[DERIVE_LEVELS] = {"1 minute", "1 hour",  "1 day",
                                                     "7 days",   "30 days", "1 year"};
    static const struct {
        const char *type, *value;
    } rows[] = {
        {"smallint", "'1'"},
        {"integer", "'1'"},
        {"bigint", "'1'"},
        {"numeric", "'1'"},
        {"real", "'1'"},
        {"double precision", "'1'"},
        {"boolean", "'true'"},
        {"text", "'a'"},
        {"character varying", "'a'"},
        {"jsonb", "'{}'"},
        {"json", "'{}'"},
        {"date", "'today'"},
        {"timestamp with time zone", "'now'"},
        {"timestamp without time zone", "'now'"},
        {"uuid", "'00000000-0000-0000-0000-000000000000'"},
    };

    buf_putc(out, '(');
    if (strcmp(p->type, "interval") == 0) {
        buf_printf(out, "'%s'::interval)", spans[w->level]);
        return;
    }
    const char *value = is_array(p->type) ? "'{}'" : "NULL";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].type, p->type) == 0)
            value = rows[i].value;
    buf_printf(out, "%s::%s)", value, p->type);
}

static void put_whole(const struct derive_param *p, long long value, struct buf *out)
{
    buf_printf(out, "(%lld::%s)", value, p->type[0] ? p->type : "bigint");
}

/* Which row of its table's sample, or a row of its own where another parameter is the same x: members of a list differ. */
static const char *row_variable(struct writer *w, int i, int n, char name[24])
{
    const struct derive_param *p = &w->d->params[i];
    bool again = false;

    for (int k = 0; k < i; k++)
        again = again || (w->expr_used[k] && w->d->params[k].table == p->table &&
                          strcmp(w->d->params[k].expr, p->expr) == 0);
    w->expr_used[i] = true;
    if (again || p->table < 0) {
        snprintf(name, 24, "p%d", i + 1);
        buf_printf(&w->sets, "\\set p%d random(1, %d)\n", i + 1, n);
        return name;
    }
    snprintf(name, 24, "row%d", p->table + 1);
    if (!w->rows_set[p->table])
        buf_printf(&w->sets, "\\set row%d random(1, %d)\n", p->table + 1, n);
    w->rows_set[p->table] = true;
    return name;
}

/* The rows that fit in every column that is drawn with this one: the places have to mean the same in all. */
static void collect_rows(const struct writer *w, const struct derive_param *p, struct values *out)
{
    out->n = 0;
    for (int i = 0; i < p->nvalues && out->n < w->cap; i++) {
        bool fits = true;
        for (int k = 0; k < w->d->nparams; k++) {
            const struct derive_param *o = &w->d->params[k];
            bool together = o->table == p->table && o->nvalues == p->nvalues && !o->extra;
            fits = fits && !(together && strlen(o->values[i]) > VALUE_BYTES_MAX);
        }
        if (fits)
            out->v[out->n++] = p->values[i];
    }
}

static void put_value(struct writer *w, int i, struct buf *out)
{
    const struct derive_param *p = &w->d->params[i];
    struct values v;
    char name[24];

    if (p->nvalues == 0 && p->span) {
        buf_printf(&w->sets, "\\set p%d random(%lld, %lld)\n", i + 1, (long long)p->lo,
                   (long long)p->hi);
        /* not a constant alone, or the server would take it for the application's own statement */
        buf_printf(out, "(:p%d::%s + 0)", i + 1, p->type);
        return;
    }
    collect_rows(w, p, &v);
    if (p->role == DERIVE_SAME && p->null_frac > 0)
        for (int n = (int)lround(p->null_frac * v.n); n > 0 && v.n - n > 0; n--)
            v.v[v.n - n] = NULL;
    if (v.n == 0)
        put_plain(w, p, out);
    else
        put_one(&v, p->type, v.n > 1 ? row_variable(w, i, v.n, name) : "", out);
}

/* So many places of a sample of n are between the ends of a range; -1 = a tenth of one. */
static int range_width(int level, int n)
{
    static const int places[DERIVE_LEVELS] = {0, -1, 1, 4, 16, DERIVE_ROWS_MAX};

    return places[level] >= n ? n - 1 : places[level];
}

static void put_range(struct writer *w, int i, struct buf *out)
{
    const struct derive_param *p = &w->d->params[i];
    bool low = p->role == DERIVE_LOW;
    const struct derive_param *of = !low && p->partner >= 0 ? &w->d->params[p->partner] : p;
    struct values v, more;
    char name[32];

    collect(of, w->cap, of->values, &v);
    collect(of, w->cap, of->extra ? of->extra : of->values, &more);
    if (v.n < 2 || v.n != more.n) {
        put_plain(w, p, out);
        return;
    }
    int width = range_width(w->level, v.n), places = width < 0 ? 0 : width;
    int first = p->partner >= 0 ? (low ? i : p->partner) : i;
    if (p->partner >= 0 && low) {
        buf_printf(&w->sets, "\\set p%d random(1, %d)\n", first + 1, v.n - places);
    } else if (p->partner < 0) { /* an open end: what lies behind it is as much as the level says */
        int at = low ? v.n - places : 1 + places;
        if (width < 0 && low)
            at = v.n - 1;
        buf_printf(&w->sets, "\\set p%d %d\n", first + 1, at);
    }
    if (p->partner >= 0 && !low && places > 0) {
        buf_printf(&w->sets, "\\set p%d :p%d + %d\n", i + 1, first + 1, places);
        first = i;
    }
    snprintf(name, sizeof name, "p%d", first + 1);
    bool between = width < 0 && (!low || p->partner < 0);
    put_one(between ? &more : &v, p->type, name, out);
}

static void put_several(struct writer *w, int i, struct buf *out)
{
    static const int many[DERIVE_LEVELS] = {1, 3, 5, 10, 20, 50};
    static const int few[DERIVE_LEVELS] = {1, 1, 2, 2, 3, 3};
    const struct derive_param *p = &w->d->params[i];
    struct values v;

    collect(p, w->cap, p->values, &v);
    int n = p->role == DERIVE_ARRAY ? many[w->level] : few[w->level];
    if (p->nvalues == 0 && p->span && p->role == DERIVE_ARRAY) {
        buf_puts(out, "(ARRAY[");
        for (int k = 0; k < n; k++) {
            buf_printf(&w->sets, "\\set p%d_%d random(%lld, %lld)\n", i + 1, k + 1,
                       (long long)p->lo, (long long)p->hi);
            buf_printf(out, "%s:p%d_%d", k ? ", " : "", i + 1, k + 1);
        }
        buf_printf(out, "]::%s)", p->type);
        return;
    }
    if (v.n == 0 || !is_array(p->type)) {
        put_plain(w, p, out);
        return;
    }
    if (n > v.n)
        n = v.n;
    buf_printf(&w->sets, "\\set p%d random(1, %d)\n\\set p%d_end :p%d + %d\n", i + 1, v.n - n + 1,
               i + 1, i + 1, n - 1);
    buf_putc(out, '(');
    put_array(&v, out);
    buf_printf(out, "::%s)[:p%d : :p%d_end]", p->type, i + 1, i + 1);
}

static void put_key(struct writer *w, int i, struct buf *out)
{
    const struct derive_param *p = &w->d->params[i];
    const struct derive_param *of = p;
    struct values v;

    for (int k = 0; k < w->d->nparams;
         k++) /* who compares the value at the key decides which one */
        if (w->d->params[k].role == DERIVE_JSON_VALUE && w->d->params[k].partner == i)
            of = &w->d->params[k];
    const char *key = collect_key(w, of, &v);
    if (!key || strlen(key) > VALUE_BYTES_MAX) {
        put_plain(w, p, out);
        return;
    }
    struct values one = {.n = 1, .v = {key}};
    buf_putc(out, '(');
    if (is_array(p->type))
        put_array(&one, out);
    else
        derive_literal(out, key);
    buf_printf(out, "::%s)", p->type);
}

static void put_keyed(struct writer *w, int i, struct buf *out)
{
    const struct derive_param *p = &w->d->params[i];
    struct values v;
    char name[24];

    (void)collect_key(w, p, &v);
    if (v.n == 0) {
        put_plain(w, p, out);
        return;
    }
    snprintf(name, sizeof name, "p%d", i + 1);
    if (v.n > 1)
        buf_printf(&w->sets, "\\set p%d random(1, %d)\n", i + 1, v.n);
    put_one(&v, p->type, name, out);
}

/* A piece of each value between two signs: "abc%", or "%bcd%". */
static void put_pattern(struct writer *w, int i, struct buf *out)
{
    static const int lengths[DERIVE_LEVELS] = {8, 5, 4, 3, 2, 1};
    const struct derive_param *p = &w->d->params[i];
    char made[DERIVE_ROWS_MAX][64];
    struct values v = {.n = 0};
    char name[24];

    for (int k = 0; k < p->nvalues && v.n < w->cap; k++) {
        const char *s = p->values[k];
        size_t most = (size_t)lengths[w->level], n = 0, from = 0;
        if (p->infix && strlen(s) > most)
            from = (strlen(s) - most) / 2;
        while (n < most && name_byte(s[from + n]) && s[from + n] != '_' && !(s[from + n] & 0x80))
            n++;
        char *dst = made[v.n];
        snprintf(dst, sizeof made[0], "%s%.*s%%", p->infix ? "%" : "", (int)n, s + from);
        v.v[v.n++] = dst;
    }
    if (v.n == 0)
        put_plain(w, p, out);
    else
        put_one(&v, p->type, v.n > 1 ? row_variable(w, i, v.n, name) : "", out);
}

static void put_param(struct writer *w, int i, struct buf *out)
{
    static const int skipped[DERIVE_LEVELS] = {0, 20, 100, 500, 2000, 10000};
    const struct derive_param *p = &w->d->params[i];
    double rows = w->d->rows_per_call;

    switch (p->role) {
    case DERIVE_VALUE:
    case DERIVE_SAME:
        put_value(w, i, out);
        return;
    case DERIVE_LOW:
    case DERIVE_HIGH:
        put_range(w, i, out);
        return;
    case DERIVE_PATTERN:
        put_pattern(w, i, out);
        return;
    case DERIVE_LIMIT:
        put_whole(p, rows >= 0.5 && rows < 1e6 ? llround(rows) : 10, out);
        return;
    case DERIVE_OFFSET:
        put_whole(p, skipped[w->level], out);
        return;
    case DERIVE_JSON_KEY:
        put_key(w, i, out);
        return;
    case DERIVE_JSON_VALUE:
        put_keyed(w, i, out);
        return;
    case DERIVE_ELEMENT:
        put_value(w, i, out);
        return;
    case DERIVE_ARRAY:
        put_several(w, i, out);
        return;
    case DERIVE_ELEMENTS:
        if (p->extra)
            put_keyed(w, i, out);
        else
            put_several(w, i, out);
        return;
    case DERIVE_FREE:
        put_plain(w, p, out);
        return;
    }
}

/* ---- the script ---- */

/* The end of the quoted piece at s, which may be an E'…'. */
static size_t quoted_end(const char *s)
{
    bool escapes = *s == 'E';
    size_t i = escapes ? 2 : 1;
    char quote = escapes ? '\'' : *s;

    for (; s[i]; i++) {
        if (escapes && s[i] == '\\' && s[i + 1])
            i++;
        else if (s[i] == quote && s[i + 1] == quote)
            i++;
        else if (s[i] == quote)
            return i + 1;
    }
    return i;
}

/* Bytes since the last end of a line. */
static size_t this_line(const struct buf *b)
{
    const char *end = b->len ? memrchr(b->data, '\n', b->len) : NULL;

    return end ? b->len - (size_t)(end - b->data) - 1 : b->len;
}

/* Appends the text, long lines broken where wrap is set; put writes what stands for parameter i. */
static void fill(const struct derived *d, bool wrap, void (*put)(void *arg, int i, struct buf *out),
                 void *arg, struct buf *out)
{
    const char *s = d->text;
    char last = ' ';

    while (*s) {
        bool quoted = *s == '\'' || *s == '"' || (*s == 'E' && s[1] == '\'' && !name_byte(last));
        size_t n = quoted ? quoted_end(s) : 1;
        int number = *s == '$' && !name_byte(last) ? atoi(s + 1) : 0;

        if (number > 0 && number <= d->nparams) {
            if (last == ':') /* a slice */
                buf_putc(out, ' ');
            put(arg, number - 1, out);
            n = 1 + strspn(s + 1, "0123456789");
        } else {
            buf_append(out, wrap && *s == ' ' && this_line(out) > LINE_BYTES ? "\n" : s, n);
        }
        last = s[n - 1];
        s += n;
    }
}

static void put_for_script(void *arg, int i, struct buf *out)
{
    put_param(arg, i, out);
}

struct typing {
    const struct derived *d;
    void (*type)(const struct derive_param *p, struct buf *out);
};

static void put_number(void *arg, int i, struct buf *out)
{
    const struct typing *t = arg;

    buf_printf(out, "$%d", i + 1);
    if (t->type)
        t->type(&t->d->params[i], out);
}

void derive_fill(const struct derived *d,
                 void (*type)(const struct derive_param *p, struct buf *out), struct buf *out)
{
    struct typing t = {d, type};

    fill(d, false, put_number, &t, out);
}

bool derive_script(const struct derived *d, const char *title, int number, int level,
                   struct buf *out)
{
    for (int cap = d->mean_ms < 1 ? DERIVE_ROWS_MAX / 2 : DERIVE_ROWS_MAX; cap >= 2; cap /= 2) {
        struct writer w = {.d = d, .level = level, .cap = cap};
        struct buf statement = {0}, all = {0};
        fill(d, true, put_for_script, &w, &statement);
        buf_puts(&all, title);
        buf_append(&all, w.sets.data, w.sets.len);
        /* inside the statement: version 18 keeps no comment that stands in front of it */
        const char *text = buf_text(&statement);
        size_t first = *text == '(' ? 1 : strcspn(text, " \n(");
        buf_append(&all, text, first);
        buf_printf(&all, " /* pg_diagnose %d */%s%s;\n", number,
                   text[first] == ' ' || text[first] == '\n' ? "" : " ", text + first);
        bool fits = all.len <= DERIVE_SCRIPT_MAX;
        if (fits)
            buf_append(out, all.data, all.len);
        buf_clear(&w.sets);
        buf_clear(&statement);
        buf_clear(&all);
        if (fits)
            return true;
    }
    return false;
}

bool derive_has_levels(const struct derived *d)
{
    for (int i = 0; i < d->nparams; i++) {
        const struct derive_param *p = &d->params[i];
        switch (p->role) {
        case DERIVE_LOW:
        case DERIVE_HIGH:
        case DERIVE_ARRAY:
        case DERIVE_ELEMENTS:
        case DERIVE_PATTERN:
        case DERIVE_OFFSET:
        case DERIVE_JSON_KEY:
        case DERIVE_JSON_VALUE:
            return true;
        case DERIVE_FREE:
            if (strcmp(p->type, "interval") == 0)
                return true;
            break;
        case DERIVE_VALUE:
        case DERIVE_SAME:
        case DERIVE_ELEMENT:
        case DERIVE_LIMIT:
            break;
        }
    }
    return false;
}
