/* What a statement reads, and what each of its parameters is compared with. Nothing here knows SQL as a whole: it looks at
 * the tokens next to a parameter and at those that enclose it. What it does not understand stays DERIVE_FREE, and the
 * server has the last word: the finished statement is run once before it is offered. */
#include "pgd/runner/derive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/runner/derive_parts.h"

static bool refuse(struct derived *d, const char *why)
{
    text_copy(d->why, sizeof d->why, why);
    return false;
}

static void token_text(const struct token *t, char *dst, size_t size)
{
    char *copy = xstrndup(t->s, t->len);

    text_copy_raw(dst, size, copy);
    free(copy);
}

/* A name as the server knows it: without quotes, small letters where it had none. */
static void plain_name(const struct token *t, char *dst, size_t size)
{
    size_t n = 0;
    bool quoted = t->kind == TOKEN_QUOTED;

    for (size_t i = quoted; i + quoted < t->len && n + 1 < size; i++) {
        char c = t->s[i];
        dst[n++] = !quoted && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (quoted && c == '"')
            i++;
    }
    dst[n] = '\0';
}

/* ---- does it read and nothing else? ---- */

static bool reads_only(const struct scan *s, struct derived *d)
{
    static const char *const writing[] = {"insert", "update", "delete",  "merge",
                                          "into",   "lock",   "truncate"};
    int first = 0;

    while (scan_is(s, first, "("))
        first++;
    if (!scan_is(s, first, "select") && !scan_is(s, first, "with") &&
        !scan_is(s, first, "values") && !scan_is(s, first, "table"))
        return refuse(d, "does not begin as a statement that reads");
    for (int i = 0; i < s->n; i++) {
        bool named = scan_is(s, i - 1, ".") || scan_is(s, i - 1, "as") || scan_is(s, i + 1, ".");
        if (named || s->t[i].kind != TOKEN_WORD)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(writing); k++)
            if (scan_is(s, i, writing[k]))
                return refuse(d, "writes");
        if (scan_is(s, i, "for") && (scan_is(s, i + 1, "update") || scan_is(s, i + 1, "share") ||
                                     scan_is(s, i + 1, "no") || scan_is(s, i + 1, "key")))
            return refuse(d, "locks rows");
    }
    return true;
}

/* ---- tables and functions ---- */

/* Words behind a table's name that are no alias. */
static bool no_alias(const struct scan *s, int i)
{
    return !scan_name(s, i) || scan_is(s, i, "set");
}

static void add_table(struct scan *s, int i, int depth, struct derived *d)
{
    struct derive_table t = {.depth = depth};
    struct buf name = {0};
    int end;

    while (scan_is(s, i, "only") || scan_is(s, i, "lateral"))
        i++;
    if (!scan_name(s, i) || d->ntables == DERIVE_TABLES_MAX)
        return;
    end = i;
    while (scan_is(s, end + 1, ".") && scan_name(s, end + 2))
        end += 2;
    if (scan_is(s, end + 1, "(")) /* a function */
        return;
    for (int k = i; k <= end; k++)
        buf_append(&name, s->t[k].s, s->t[k].len);
    if (scan_is(s, end + 1, "*"))
        end++;
    int alias = scan_is(s, end + 1, "as") ? end + 2 : end + 1;
    if (!no_alias(s, alias) && !scan_is(s, alias + 1, "."))
        token_text(&s->t[alias], t.alias, sizeof t.alias);
    if (text_copy_raw(t.name, sizeof t.name, buf_text(&name)))
        d->tables[d->ntables++] = t;
    buf_clear(&name);
}

/* EXTRACT (… FROM …), IS DISTINCT FROM and the like are no list of tables. */
static bool lists_tables(const struct scan *s, int i)
{
    static const char *const functions[] = {"extract", "substring", "trim", "overlay", "position"};
    int open = scan_open(s, i);

    if (scan_is(s, i - 1, "distinct") && scan_is(s, i - 2, "is"))
        return false;
    if (scan_is(s, i - 1, "distinct") && scan_is(s, i - 2, "not") && scan_is(s, i - 3, "is"))
        return false;
    for (size_t k = 0; open >= 0 && k < ARRAY_LEN(functions); k++)
        if (scan_is(s, open - 1, functions[k]))
            return false;
    return true;
}

static void find_tables(struct scan *s, struct derived *d)
{
    enum { DEEP = 64 };
    static const char *const ends[] = {"where",  "group", "order",  "having",
                                       "limit",  "union", "window", "select",
                                       "offset", "fetch", "except", "intersect"};
    bool in_from[DEEP] = {false};
    int depth = 0;

    for (int i = 0; i < s->n; i++) {
        if (scan_is(s, i, "(") && depth + 1 < DEEP)
            in_from[++depth] = false;
        else if (scan_is(s, i, ")") && depth > 0)
            depth--;
        else if (scan_is(s, i, "from") && lists_tables(s, i))
            add_table(s, i + 1, depth, d), in_from[depth] = true;
        else if (scan_is(s, i, "join") || (scan_is(s, i, ",") && in_from[depth]))
            add_table(s, i + 1, depth, d);
        for (size_t k = 0; k < ARRAY_LEN(ends); k++)
            if (scan_is(s, i, ends[k]) && !scan_is(s, i - 1, "."))
                in_from[depth] = false;
    }
}

static void find_functions(const struct scan *s, struct derived *d)
{
    for (int i = 0; i + 1 < s->n; i++) {
        char name[64];
        bool seen = false;
        if (!scan_is(s, i + 1, "(") || !scan_name(s, i))
            continue;
        plain_name(&s->t[i], name, sizeof name);
        for (int k = 0; k < d->nfunctions; k++)
            seen = seen || strcmp(d->functions[k], name) == 0;
        if (!seen && d->nfunctions < DERIVE_FUNCTIONS_MAX)
            text_copy_raw(d->functions[d->nfunctions++], sizeof d->functions[0], name);
    }
}

/* ---- operands ---- */

struct operand {
    int from, to; /* its tokens; from > to = none */
    int column;   /* the token of the column's name; -1 = none */
    int key;      /* the parameter that is a key of JSON in it; 0 = none */
    int key_column;
    bool element; /* ANY (column) */
};

static bool json_arrow(const struct scan *s, int i)
{
    return scan_is(s, i, "->") || scan_is(s, i, "->>") || scan_is(s, i, "#>") ||
           scan_is(s, i, "#>>");
}

/* The first column's name between two tokens: neither a function nor a table's alias. */
static int first_column(const struct scan *s, int from, int to)
{
    for (int i = from; i <= to; i++)
        if (scan_name(s, i) && !scan_is(s, i + 1, "(") && !scan_is(s, i + 1, ".") &&
            !scan_is(s, i - 1, "::") && !scan_is(s, i + 1, "from"))
            return i;
    return -1;
}

static void look_inside(const struct scan *s, struct operand *o)
{
    o->column = first_column(s, o->from, o->to);
    for (int i = o->from; i <= o->to; i++)
        if (s->t[i].kind == TOKEN_PARAM && json_arrow(s, i - 1)) {
            o->key = s->t[i].number;
            o->key_column = o->column;
        }
}

/* The first token of the name, the call or the brackets that end at i. */
static int primary_begin(const struct scan *s, int i)
{
    if (scan_is(s, i, ")") || scan_is(s, i, "]"))
        i = scan_match(s, i);
    else
        i++; /* the name itself is taken below */
    if (scan_is(s, i, "(") && scan_is(s, i - 1, "cast"))
        return i - 1;
    while (i > 0 && scan_name(s, i - 1)) {
        i--;
        if (!scan_is(s, i - 1, "."))
            break;
        i--;
    }
    return i;
}

/* Steps over a cast that ends at i: the token before its "::". */
static int before_cast(const struct scan *s, int i)
{
    int k = i;

    if (scan_is(s, k, "]") && scan_is(s, k - 1, "["))
        k -= 2;
    if (scan_is(s, k, ")") && scan_match(s, k) == k - 2)
        k -= 3;
    for (; k > 0 && s->t[k].kind == TOKEN_WORD; k--) {
        if (scan_is(s, k - 1, "::"))
            return k - 2;
        bool goes_on = scan_is(s, k, "precision") || scan_is(s, k, "varying") ||
                       scan_is(s, k, "zone") || scan_is(s, k, "time") || scan_is(s, k, "with") ||
                       scan_is(s, k, "without");
        if (!goes_on)
            break;
    }
    return i;
}

/* The operand that ends with token i. */
static struct operand operand_before(const struct scan *s, int i)
{
    struct operand o = {.from = i + 1, .to = i, .column = -1};
    int at = i;

    for (int guard = 0; guard < 12 && at >= 0; guard++) {
        int no_cast = before_cast(s, at);
        if (no_cast != at) {
            at = no_cast;
            continue;
        }
        if (scan_is(s, at, "]") && scan_match(s, at) > 0 &&
            !scan_is(s, scan_match(s, at) - 1, "array")) {
            at = scan_match(s, at) - 1;
            continue;
        }
        bool right_of_arrow = json_arrow(s, at - 1) &&
                              (s->t[at].kind == TOKEN_PARAM || s->t[at].kind == TOKEN_STRING);
        if (right_of_arrow) {
            at -= 2;
            continue;
        }
        int begin = primary_begin(s, at);
        if (begin <= at && begin >= 0)
            o.from = begin;
        break;
    }
    if (o.from <= o.to)
        look_inside(s, &o);
    return o;
}

/* The operand that begins with token i. */
static struct operand operand_after(const struct scan *s, int i)
{
    struct operand o = {.from = i, .to = i - 1, .column = -1};
    int at = i;

    if ((scan_is(s, i, "any") || scan_is(s, i, "all") || scan_is(s, i, "some")) &&
        scan_is(s, i + 1, "(")) {
        o.from = i + 2;
        o.to = scan_match(s, i + 1) - 1;
        o.element = true;
        look_inside(s, &o);
        return o;
    }
    while (scan_name(s, at) && scan_is(s, at + 1, ".") && scan_name(s, at + 2))
        at += 2;
    if (scan_name(s, at) && scan_is(s, at + 1, "("))
        at++;
    if (scan_is(s, at, "("))
        at = scan_match(s, at);
    else if (!scan_name(s, at))
        return o;
    while (json_arrow(s, at + 1) && at + 2 < s->n)
        at += 2;
    o.to = at;
    look_inside(s, &o);
    return o;
}

/* ---- parameters ---- */

static struct derive_param *param_of(struct derived *d, const struct scan *s, int i)
{
    int number = i >= 0 && i < s->n && s->t[i].kind == TOKEN_PARAM ? s->t[i].number : 0;

    return number > 0 && number <= d->nparams ? &d->params[number - 1] : NULL;
}

static bool same_name(const struct derive_table *t, const struct token *alias)
{
    char want[70], have[140];
    const char *last = strrchr(t->name, '.');
    const char *shown = t->alias[0] ? t->alias : last ? last + 1 : t->name;
    struct token own = {
        .kind = *shown == '"' ? TOKEN_QUOTED : TOKEN_WORD, .s = shown, .len = strlen(shown)};

    plain_name(alias, want, sizeof want);
    plain_name(&own, have, sizeof have);
    return strcmp(want, have) == 0;
}

/* Which table a column's name belongs to: by its alias, else the only one; else the server is asked. */
static int table_of(const struct scan *s, int column, const struct derived *d)
{
    if (scan_is(s, column - 1, ".")) {
        for (int i = 0; i < d->ntables; i++)
            if (same_name(&d->tables[i], &s->t[column - 2]))
                return i;
        return -1;
    }
    return d->ntables == 1 ? 0 : -1;
}

/* Does the name at i stand where only a column can: no function, type or operator of a schema? */
static bool column_here(const struct scan *s, int first, int last, int from, int to)
{
    const struct token *before = first > from ? &s->t[first - 1] : NULL;
    const struct token *after = last < to ? &s->t[last + 1] : NULL;
    bool begins = !before ||
                  (before->kind == TOKEN_OP && !scan_is(s, first - 1, "::") &&
                   !scan_is(s, first - 1, ":")) ||
                  scan_is(s, first - 1, "(") || scan_is(s, first - 1, "[") ||
                  scan_is(s, first - 1, ",");
    bool ends = !after || after->kind == TOKEN_OP || scan_is(s, last + 1, ")") ||
                scan_is(s, last + 1, "]") || scan_is(s, last + 1, "[") || scan_is(s, last + 1, ",");

    return begins && ends;
}

/* What the tokens name: a column alone, or an expression in which only columns are named with dots. */
static void look_at_names(const struct scan *s, int from, int to, struct derive_param *p)
{
    char name[64];

    p->column_alone = p->names_local = p->one_column = true;
    for (int i = from; i <= to; i++) {
        bool dot = scan_is(s, i, ".");
        bool called = i < to && (scan_is(s, i + 1, "(") || scan_is(s, i + 1, "."));
        plain_name(&s->t[i], name, sizeof name);
        if (scan_name(s, i) && !called && !scan_is(s, i - 1, "::") && strcmp(name, p->column) != 0)
            p->one_column = false;
        p->column_alone = p->column_alone && (dot || scan_name(s, i));
        if (dot && (i == from || i == to || !scan_name(s, i - 1) || !scan_name(s, i + 1) ||
                    scan_is(s, i + 2, ".") || !column_here(s, i - 1, i + 1, from, to)))
            p->names_local = p->column_alone = false;
    }
    p->column_alone = p->column_alone &&
                      (to == from || (to - from == 2 && scan_is(s, from + 1, ".")));
}

static void take(struct derived *d, const struct scan *s, struct derive_param *p,
                 enum derive_role role, const struct operand *o)
{
    struct buf expr = {0};
    bool has_params = false;

    p->role = role;
    if (o->from > o->to || o->column < 0)
        return;
    plain_name(&s->t[o->column], p->column, sizeof p->column);
    p->table = table_of(s, o->column, d);
    for (int i = o->from; i <= o->to; i++)
        has_params = has_params || s->t[i].kind == TOKEN_PARAM || scan_is(s, i, "select");
    int from = has_params ? o->column : o->from, to = has_params ? o->column : o->to;
    while (has_params && scan_is(s, from - 1, "."))
        from -= 2;
    look_at_names(s, from, to, p);
    scan_put(s, from, to, &expr);
    if (!text_copy_raw(p->expr, sizeof p->expr, buf_text(&expr)))
        p->expr[0] = '\0';
    buf_clear(&expr);
    if (o->key) {
        p->role = DERIVE_JSON_VALUE;
        p->partner = o->key - 1;
    }
}

static bool compares(const struct scan *s, int i)
{
    static const char *const signs[] = {"=", "<>", "!=", "<", ">", "<=", ">="};

    for (size_t k = 0; k < ARRAY_LEN(signs); k++)
        if (scan_is(s, i, signs[k]))
            return true;
    return false;
}

/* The role of a parameter on the right side of a comparison; on the left one it is the other way round. */
static enum derive_role role_of_sign(const struct scan *s, int i, bool right)
{
    bool less = scan_is(s, i, "<") || scan_is(s, i, "<=");
    bool more = scan_is(s, i, ">") || scan_is(s, i, ">=");

    if (less || more)
        return less == right ? DERIVE_HIGH : DERIVE_LOW;
    return DERIVE_VALUE;
}

static bool pattern_sign(const struct scan *s, int i)
{
    return scan_is(s, i, "~~") || scan_is(s, i, "~~*") || scan_is(s, i, "~") ||
           scan_is(s, i, "~*") || scan_is(s, i, "!~~") || scan_is(s, i, "!~");
}

static bool holds_sign(const struct scan *s, int i)
{
    return scan_is(s, i, "@>") || scan_is(s, i, "<@") || scan_is(s, i, "&&");
}

static int without_not(const struct scan *s, int i)
{
    return scan_is(s, i, "not") ? i - 1 : i;
}

/* What is being looked at: an expression around a parameter. */
struct around {
    int from, to;
    bool in_array; /* ARRAY[…] was passed on the way out */
};

/* The end of a cast behind token i. */
static int cast_end(const struct scan *s, int i)
{
    while (scan_is(s, i + 1, "::")) {
        i += 2;
        while (scan_is(s, i + 1, ".") || scan_is(s, i + 1, "precision") ||
               scan_is(s, i + 1, "varying") ||
               ((scan_is(s, i + 1, "with") || scan_is(s, i + 1, "without")) &&
                scan_is(s, i + 2, "time")) ||
               (scan_is(s, i, "with") || scan_is(s, i, "without")) ||
               (scan_is(s, i, "time") && scan_is(s, i + 1, "zone")) || scan_is(s, i, "."))
            i++;
        if (scan_is(s, i + 1, "(") && scan_match(s, i + 1) <= i + 5)
            i = scan_match(s, i + 1);
        while (scan_is(s, i + 1, "[") && scan_is(s, i + 2, "]"))
            i += 2;
    }
    return i;
}

/* BETWEEN low AND high: the low end's token range ends before `and`. */
static void between(struct derived *d, struct scan *s, struct derive_param *low, int word, int from)
{
    struct operand o = operand_before(s, without_not(s, word - 1));
    int at = from;

    take(d, s, low, DERIVE_LOW, &o);
    while (at < s->n && !scan_is(s, at, "and")) {
        int m = scan_match(s, at);
        at = m > at ? m + 1 : at + 1;
    }
    struct derive_param *high = NULL;
    for (int k = at + 1; k < s->n && k < at + 5 && !high; k++)
        high = param_of(d, s, k);
    if (!high || high == low || scan_is(s, at + 1, "and"))
        return;
    take(d, s, high, DERIVE_HIGH, &o);
    if (low->role == DERIVE_LOW && high->role == DERIVE_HIGH) {
        low->partner = (int)(high - d->params);
        high->partner = (int)(low - d->params);
    }
}

/* (a, b) > ($1, $2): the element of the left list at the same place. */
static bool in_row(struct derived *d, struct scan *s, struct derive_param *p, int open, int at)
{
    int sign = open - 1, close = open - 2, place = 0;

    if (!compares(s, sign) || !scan_is(s, close, ")"))
        return false;
    for (int i = open + 1; i < at; i++) {
        int m = scan_match(s, i);
        if (m > i && m < at)
            i = m;
        place += scan_is(s, i, ",");
    }
    int from = scan_match(s, close) + 1;
    for (int i = from; i <= close; i++) {
        int m = scan_match(s, i);
        if (m > i)
            i = m;
        if (!scan_is(s, i, ",") && i < close)
            continue;
        if (place-- == 0) {
            struct operand o = {.from = from, .to = i - 1, .column = -1};
            look_inside(s, &o);
            take(d, s, p, role_of_sign(s, sign, true), &o);
            return true;
        }
        from = i + 1;
    }
    return false;
}

enum verdict_of_step { STEP_DONE, STEP_OUT };

static enum verdict_of_step on_the_left(struct derived *d, struct scan *s, struct derive_param *p,
                                        struct around *a)
{
    int left = a->from - 1;
    struct operand o;

    if (scan_is(s, left, "limit") || scan_is(s, left, "offset")) {
        p->role = scan_is(s, left, "limit") ? DERIVE_LIMIT : DERIVE_OFFSET;
        return STEP_DONE;
    }
    if (scan_is(s, left - 1, "fetch")) {
        p->role = DERIVE_LIMIT;
        return STEP_DONE;
    }
    if (json_arrow(s, left) || scan_is(s, left, "?") || scan_is(s, left, "?|") ||
        scan_is(s, left, "?&")) {
        o = operand_before(s, left - 1);
        o.key = 0;
        take(d, s, p, DERIVE_JSON_KEY, &o);
        return STEP_DONE;
    }
    if (compares(s, left)) {
        o = operand_before(s, left - 1);
        take(d, s, p, role_of_sign(s, left, true), &o);
        return STEP_DONE;
    }
    if (scan_is(s, left, "from") && scan_is(s, left - 1, "distinct")) {
        int is = scan_is(s, left - 2, "not") ? left - 3 : left - 2;
        o = operand_before(s, is - 1);
        take(d, s, p, DERIVE_SAME, &o);
        return STEP_DONE;
    }
    if (pattern_sign(s, left) || scan_is(s, left, "like") || scan_is(s, left, "ilike")) {
        o = operand_before(s, without_not(s, left - 1));
        p->infix = scan_is(s, left, "ilike") || scan_is(s, left, "~~*") || scan_is(s, left, "~*");
        take(d, s, p, DERIVE_PATTERN, &o);
        return STEP_DONE;
    }
    if (holds_sign(s, left)) {
        o = operand_before(s, left - 1);
        take(d, s, p, a->in_array ? DERIVE_ELEMENT : DERIVE_ELEMENTS, &o);
        return STEP_DONE;
    }
    if (scan_is(s, left, "between") || scan_is(s, left, "symmetric")) {
        between(d, s, p, scan_is(s, left, "between") ? left : left - 1, a->to + 1);
        return STEP_DONE;
    }
    return STEP_OUT;
}

static enum verdict_of_step on_the_right(struct derived *d, struct scan *s, struct derive_param *p,
                                         const struct around *a)
{
    int right = a->to + 1;

    if (compares(s, right)) {
        struct operand o = operand_after(s, right + 1);
        take(d, s, p, o.element ? DERIVE_ELEMENT : role_of_sign(s, right, false), &o);
        return STEP_DONE;
    }
    if (holds_sign(s, right)) {
        struct operand o = operand_after(s, right + 1);
        take(d, s, p, a->in_array ? DERIVE_ELEMENT : DERIVE_ELEMENTS, &o);
        return STEP_DONE;
    }
    return STEP_OUT;
}

/* The parameter is one of several in brackets, or alone in them. */
static enum verdict_of_step enclosed(struct derived *d, struct scan *s, struct derive_param *p,
                                     struct around *a)
{
    static const char *const choose[] = {"coalesce", "nullif", "greatest", "least"};
    int open = scan_open(s, a->from);
    struct operand o;

    if (open < 0)
        return STEP_DONE;
    if (scan_is(s, open, "[") && scan_is(s, open - 1, "array")) {
        *a = (struct around){open - 1, cast_end(s, scan_match(s, open)), true};
        return STEP_OUT;
    }
    if (scan_is(s, open - 1, "in")) {
        o = operand_before(s, without_not(s, open - 2));
        take(d, s, p, DERIVE_VALUE, &o);
        return STEP_DONE;
    }
    if ((scan_is(s, open - 1, "any") || scan_is(s, open - 1, "all") ||
         scan_is(s, open - 1, "some")) &&
        compares(s, open - 2)) {
        o = operand_before(s, open - 3);
        take(d, s, p, a->in_array ? DERIVE_VALUE : DERIVE_ARRAY, &o);
        return STEP_DONE;
    }
    if (in_row(d, s, p, open, a->from))
        return STEP_DONE;
    for (size_t i = 0; i < ARRAY_LEN(choose); i++)
        if (scan_is(s, open - 1, choose[i])) {
            o = operand_after(s, open + 1);
            if (o.column >= 0 && o.to < a->from) {
                take(d, s, p, DERIVE_VALUE, &o);
                return STEP_DONE;
            }
        }
    bool alone = scan_is(s, a->from - 1, "(") && scan_is(s, a->to + 1, ")");
    bool cast = scan_is(s, open - 1, "cast");
    if (!alone && !cast && !scan_name(s, open - 1))
        return STEP_DONE;
    int from = cast ? open - 1 : open;
    while (scan_name(s, from - 1)) {
        from--;
        if (!scan_is(s, from - 1, "."))
            break;
        from--;
    }
    a->from = from;
    a->to = cast_end(s, scan_match(s, open));
    return STEP_OUT;
}

static void find_role(struct derived *d, struct scan *s, int i)
{
    struct derive_param *p = param_of(d, s, i);
    struct around a = {i, cast_end(s, i), false};

    if (!p || p->role != DERIVE_FREE)
        return;
    for (int guard = 0; guard < 6; guard++) {
        if (on_the_left(d, s, p, &a) == STEP_DONE || on_the_right(d, s, p, &a) == STEP_DONE)
            return;
        bool in_brackets = scan_is(s, a.from - 1, "(") || scan_is(s, a.from - 1, ",") ||
                           scan_is(s, a.from - 1, "[");
        if (!in_brackets || enclosed(d, s, p, &a) == STEP_DONE)
            return;
    }
}

/* x >= $1 AND x < $2 is a range, too. */
static void pair_ranges(struct derived *d)
{
    for (int i = 0; i < d->nparams; i++)
        for (int k = 0; k < d->nparams; k++) {
            struct derive_param *low = &d->params[i], *high = &d->params[k];
            if (low->role == DERIVE_LOW && high->role == DERIVE_HIGH && low->partner < 0 &&
                high->partner < 0 && low->expr[0] && strcmp(low->expr, high->expr) == 0) {
                low->partner = k;
                high->partner = i;
            }
        }
}

static bool read_scan(struct scan *s, struct derived *d)
{
    struct buf text = {0};

    if (!reads_only(s, d))
        return false;
    scan_rewrite(s);
    for (int i = 0; i < s->n; i++)
        if (s->t[i].kind == TOKEN_PARAM && s->t[i].number > d->nparams)
            d->nparams = s->t[i].number;
    if (d->nparams > DERIVE_PARAMS_MAX)
        return refuse(d, "has more parameters than can be given");
    for (int i = 0; i < d->nparams; i++)
        d->params[i].table = d->params[i].partner = -1;
    find_tables(s, d);
    find_functions(s, d);
    for (int i = 0; i < s->n; i++)
        if (s->t[i].kind == TOKEN_PARAM)
            find_role(d, s, i);
    pair_ranges(d);
    scan_put(s, 0, s->n - 1, &text);
    d->text = buf_take(&text);
    return true;
}

bool derive_read(const char *text, struct derived *d)
{
    struct scan s;

    memset(d, 0, sizeof *d);
    d->rows_per_call = d->mean_ms = NAN;
    bool ok = scan_read(text, &s, d->why) && read_scan(&s, d);
    scan_clear(&s);
    return ok;
}

void derived_clear(struct derived *d)
{
    for (int i = 0; i < d->nparams && i < DERIVE_PARAMS_MAX; i++) {
        struct derive_param *p = &d->params[i];
        for (int k = 0; k < p->nvalues; k++) {
            free(p->values[k]);
            if (p->extra)
                free(p->extra[k]);
        }
        free(p->values);
        free(p->extra);
    }
    free(d->text);
    memset(d, 0, sizeof *d);
}

void derive_weights(const double *calls, int n, int *weights)
{
    double least = INFINITY, most = 0, scale;

    for (int i = 0; i < n; i++) {
        least = fmin(least, fmax(1, calls[i]));
        most = fmax(most, calls[i]);
    }
    scale = fmin(100 / least, DERIVE_WEIGHT_MAX / fmax(most, 1)); /* two digits for the rarest */
    for (int i = 0; i < n; i++) {
        double w = round(fmax(1, calls[i]) * scale);
        weights[i] = w < 1 ? 1 : w > DERIVE_WEIGHT_MAX ? DERIVE_WEIGHT_MAX : (int)w;
    }
}
