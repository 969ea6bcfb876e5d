/* Statements of pg_stat_statements in tokens. The scanner takes less than the server does: whatever the two might read
 * differently (backslashes, dollar quotes, a second statement) is not taken at all. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/text.h"
#include "pgd/runner/derive_parts.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_sign(char c)
{
    return c && strchr("+-*/<>=~!@#%^&|`?:", c);
}

static bool refuse(char why[160], const char *text)
{
    text_copy(why, 160, text);
    return false;
}

bool scan_is(const struct scan *s, int i, const char *w)
{
    if (i < 0 || i >= s->n)
        return false;
    const struct token *t = &s->t[i];
    return t->kind != TOKEN_QUOTED && t->kind != TOKEN_STRING && strlen(w) == t->len &&
           strncasecmp(t->s, w, t->len) == 0;
}

/* ---- tokens ---- */

/* The end of a comment, which may hold others; 0 when it has none. */
static size_t comment_end(const char *s)
{
    size_t i = 2;

    for (int depth = 1; depth > 0;) {
        if (!s[i])
            return 0;
        if (s[i] == '/' && s[i + 1] == '*') {
            depth++;
            i += 2;
        } else if (s[i] == '*' && s[i + 1] == '/') {
            depth--;
            i += 2;
        } else {
            i++;
        }
    }
    return i;
}

/* A piece in quotes, doubled ones included; 0 when it does not end. */
static size_t quoted_end(const char *s)
{
    for (size_t i = 1; s[i]; i++) {
        if (s[i] == s[0] && s[i + 1] == s[0])
            i++;
        else if (s[i] == s[0])
            return i + 1;
    }
    return 0;
}

static size_t word_end(const char *s)
{
    size_t n = 0;

    while (is_letter(s[n]) || is_digit(s[n]) || s[n] == '$')
        n++;
    return n;
}

static size_t number_end(const char *s)
{
    size_t n = strspn(s, "0123456789.");

    if ((s[n] == 'e' || s[n] == 'E') && (is_digit(s[n + 1]) || (s[n + 1] && is_digit(s[n + 2]))))
        n += 2 + strspn(s + n + 2, "0123456789");
    return n;
}

/* Operator characters up to where a comment begins. Colons stand alone, two of them are a cast. */
static size_t sign_end(const char *s)
{
    size_t n = 0;

    if (s[0] == ':')
        return s[1] == ':' || s[1] == '=' ? 2 : 1;
    while (is_sign(s[n]) && s[n] != ':' && !(s[n] == '-' && s[n + 1] == '-') &&
           !(s[n] == '/' && s[n + 1] == '*'))
        n++;
    /* as the server does it: a sign behind an operator of plain characters is the number's */
    while (n > 1 && (s[n - 1] == '-' || s[n - 1] == '+')) {
        bool special = false;
        for (size_t i = 0; i < n - 1; i++)
            special = special || strchr("~!@#%^&|`?", s[i]);
        if (special)
            break;
        n--;
    }
    return n;
}

/* The token at s; its length, or 0 with why. */
static size_t token_at(const char *s, struct token *t, char why[160])
{
    size_t n = 0;

    t->s = s;
    t->match = -1;
    if (*s == '\'') {
        t->kind = TOKEN_STRING;
        n = quoted_end(s);
    } else if (*s == '"') {
        t->kind = TOKEN_QUOTED;
        n = quoted_end(s);
    } else if (*s == '$' && is_digit(s[1])) {
        t->kind = TOKEN_PARAM;
        n = 1 + strspn(s + 1, "0123456789");
        if (n > 4) {
            refuse(why, "has more parameters than can be given");
            return 0;
        }
        t->number = atoi(s + 1);
    } else if (is_letter(*s)) {
        t->kind = TOKEN_WORD;
        n = word_end(s);
        if (s[n] == '\'' || (n == 1 && (*s == 'U' || *s == 'u') && s[1] == '&')) {
            refuse(why, "has a string of a special form");
            return 0;
        }
    } else if (is_digit(*s) || (*s == '.' && is_digit(s[1]))) {
        t->kind = TOKEN_NUMBER;
        n = number_end(s);
    } else if (strchr("()[],.;", *s)) {
        t->kind = TOKEN_PUNCT;
        n = 1;
    } else if (is_sign(*s)) {
        t->kind = TOKEN_OP;
        n = sign_end(s);
    }
    if (n == 0 && !why[0])
        refuse(why, *s == '$'                 ? "has a string in dollar quotes"
                    : *s == '\'' || *s == '"' ? "has quotes that do not end"
                                              : "has a character that is not understood");
    return n;
}

/* Brackets and their partners. */
static bool pair_up(struct scan *s, char why[160])
{
    int open[200], n = 0;

    for (int i = 0; i < s->n; i++) {
        bool closes = scan_is(s, i, ")") || scan_is(s, i, "]");
        if (scan_is(s, i, "(") || scan_is(s, i, "[")) {
            if (n == (int)ARRAY_LEN(open))
                return refuse(why, "is nested too deep");
            open[n++] = i;
        } else if (closes && (n == 0 || (*s->t[open[n - 1]].s == '(') != (*s->t[i].s == ')'))) {
            return refuse(why, "has brackets that do not match");
        } else if (closes) {
            s->t[i].match = open[--n];
            s->t[open[n]].match = i;
        }
    }
    return n == 0 || refuse(why, "has brackets that do not match");
}

static bool names_fit(const struct token *t, char why[160])
{
    for (size_t i = 0; t->kind == TOKEN_QUOTED && i + 1 < t->len; i++)
        if (t->s[i] == ':')
            return refuse(why, "has a name with a colon, which pgbench would take for a variable");
    return true;
}

static bool tokens(const char *text, struct scan *s, char why[160])
{
    char before = 0;

    for (const char *p = text; *p;) {
        size_t n;
        if (is_space(*p)) {
            before = *p == '\n' || before == '\n' ? '\n' : ' ';
            p++;
            continue;
        }
        if (p[0] == '-' && p[1] == '-') {
            p += strcspn(p, "\n");
            continue;
        }
        if (p[0] == '/' && p[1] == '*') {
            n = comment_end(p);
            if (n == 0)
                return refuse(why, "has a comment that does not end");
            if (n >= 10 && strncmp(p, "/*, ... */", 10) == 0 && s->n > 0 &&
                s->t[s->n - 1].kind == TOKEN_PARAM)
                s->t[s->n - 1].list = true;
            before = before == '\n' ? '\n' : ' ';
            p += n;
            continue;
        }
        if (s->n == TOKENS_MAX)
            return refuse(why, "is too long");
        struct token *t = &s->t[s->n];
        memset(t, 0, sizeof *t);
        n = token_at(p, t, why);
        if (n == 0)
            return false;
        t->len = n;
        t->before = before;
        if (!before && scan_is(s, s->n - 1, ":")) /* a slice: pgbench would see a variable */
            t->before = ' ';
        before = 0;
        p += n;
        s->n++;
        if (!names_fit(t, why))
            return false;
    }
    return true;
}

bool scan_read(const char *text, struct scan *s, char why[160])
{
    memset(s, 0, sizeof *s);
    why[0] = '\0';
    if (strlen(text) > DERIVE_TEXT_MAX)
        return refuse(why, "is too long");
    if (strchr(text, '\\'))
        return refuse(why, "has a backslash");
    s->t = xcalloc(TOKENS_MAX, sizeof *s->t);
    if (!tokens(text, s, why))
        return false;
    while (scan_is(s, s->n - 1, ";"))
        s->n--;
    for (int i = 0; i < s->n; i++)
        if (scan_is(s, i, ";"))
            return refuse(why, "is more than one statement");
    if (s->n == 0)
        return refuse(why, "is empty");
    s->t[0].before = 0;
    return pair_up(s, why);
}

void scan_clear(struct scan *s)
{
    free(s->t);
    memset(s, 0, sizeof *s);
}

int scan_match(const struct scan *s, int i)
{
    return i >= 0 && i < s->n ? s->t[i].match : -1;
}

int scan_open(const struct scan *s, int i)
{
    for (i--; i >= 0; i--) {
        int m = scan_match(s, i);
        if (m > i)
            return i;
        if (m >= 0)
            i = m;
    }
    return -1;
}

/* Words that no name can be, or behind which an expression begins. */
static const char *const reserved[] = {
    "all",     "and",       "any",       "array",   "as",          "asc",     "between", "both",
    "by",      "case",      "cast",      "collate", "cross",       "default", "desc",    "distinct",
    "else",    "end",       "escape",    "except",  "exists",      "false",   "fetch",   "filter",
    "first",   "for",       "from",      "full",    "group",       "having",  "ilike",   "in",
    "inner",   "intersect", "into",      "is",      "isnull",      "join",    "last",    "lateral",
    "leading", "left",      "like",      "limit",   "natural",     "next",    "not",     "notnull",
    "null",    "nulls",     "offset",    "on",      "only",        "or",      "order",   "outer",
    "over",    "overlaps",  "partition", "range",   "right",       "row",     "rows",    "select",
    "similar", "some",      "symmetric", "table",   "tablesample", "then",    "to",      "trailing",
    "true",    "union",     "unique",    "using",   "values",      "when",    "where",   "window",
    "with",    "within",    "without",
};

static int by_word(const void *key, const void *item)
{
    const struct token *t = key;
    const char *word = *(const char *const *)item;
    int order = strncasecmp(t->s, word, t->len);

    return order ? order : -(word[t->len] != '\0');
}

bool scan_reserved(const struct token *t)
{
    return t->kind == TOKEN_WORD &&
           bsearch(t, reserved, ARRAY_LEN(reserved), sizeof reserved[0], by_word) != NULL;
}

bool scan_name(const struct scan *s, int i)
{
    if (i < 0 || i >= s->n)
        return false;
    const struct token *t = &s->t[i];
    if (t->kind == TOKEN_QUOTED)
        return true;
    return t->kind == TOKEN_WORD && (!scan_reserved(t) || scan_is(s, i - 1, "."));
}

/* In a string that is left, a colon before a letter would be a variable of pgbench. */
static void put_string(const struct token *t, struct buf *out)
{
    struct buf value = {0};

    for (size_t i = 1; i + 1 < t->len; i++) {
        buf_putc(&value, t->s[i]);
        if (t->s[i] == '\'')
            i++;
    }
    derive_literal(out, buf_text(&value));
    buf_clear(&value);
}

void scan_put(const struct scan *s, int from, int to, struct buf *out)
{
    for (int i = from; i <= to && i < s->n; i++) {
        const struct token *t = &s->t[i];
        if (i > from && t->before)
            buf_putc(out, t->before);
        if (t->kind == TOKEN_PARAM)
            buf_printf(out, "$%d", t->number);
        else if (t->kind == TOKEN_STRING)
            put_string(t, out);
        else
            buf_append(out, t->s, t->len);
    }
}

/* ---- what normalization has spoilt ---- */

static struct token constant(enum token_kind kind, const char *s, char before)
{
    return (struct token){.kind = kind, .s = s, .len = strlen(s), .before = before, .match = -1};
}

/* Replaces `old` tokens at i by n others; the brackets are paired anew. */
static bool replace(struct scan *s, int i, int old, const struct token *with, int n)
{
    char ignored[160];

    if (s->n - old + n > TOKENS_MAX)
        return false;
    memmove(s->t + i + n, s->t + i + old, (size_t)(s->n - i - old) * sizeof *s->t);
    memcpy(s->t + i, with, (size_t)n * sizeof *s->t);
    s->n += n - old;
    (void)pair_up(s, ignored);
    return true;
}

/* date_trunc($1, …) and EXTRACT($1 FROM …): the unit was a constant, too, and nothing else may stand there. */
static bool units(struct scan *s, int i)
{
    bool called = s->t[i].kind == TOKEN_PARAM && scan_is(s, i - 1, "(");

    if (called && scan_is(s, i - 2, "extract") && scan_is(s, i + 1, "from")) {
        s->t[i] = constant(TOKEN_WORD, "day", s->t[i].before);
        return true;
    }
    if (called && (scan_is(s, i - 2, "date_trunc") || scan_is(s, i - 2, "date_part"))) {
        s->t[i] = constant(TOKEN_STRING, "'day'", s->t[i].before);
        return true;
    }
    return false;
}

/* The first token of the type's name that ends at i, as in "timestamp with time zone $1"; i + 1 when it is none. */
static int type_begin(const struct scan *s, int i)
{
    if (i < 0 || s->t[i].kind != TOKEN_WORD || scan_is(s, i - 1, "::"))
        return i + 1;
    if (scan_is(s, i, "zone")) {
        bool named = scan_is(s, i - 1, "time") &&
                     (scan_is(s, i - 2, "with") || scan_is(s, i - 2, "without")) &&
                     (scan_is(s, i - 3, "timestamp") || scan_is(s, i - 3, "time"));
        return named ? i - 3 : i + 1;
    }
    if (scan_reserved(&s->t[i]) || scan_is(s, i, "escape"))
        return i + 1;
    if (scan_is(s, i, "precision") || scan_is(s, i, "varying"))
        i--;
    while (scan_is(s, i - 1, ".") && scan_name(s, i - 2))
        i -= 2;
    return i;
}

/* date $1 → $1::date */
static bool typed_constant(struct scan *s, int i)
{
    struct token with[8];
    int begin = type_begin(s, i - 1), n = 0;

    if (s->t[i].kind != TOKEN_PARAM || begin >= i || i - begin > 5)
        return false;
    with[n] = s->t[i];
    with[n++].before = s->t[begin].before;
    with[n++] = constant(TOKEN_OP, "::", 0);
    for (int k = begin; k < i && n < 8; k++) {
        with[n] = s->t[k];
        with[n++].before = k > begin ? ' ' : 0;
    }
    return replace(s, begin, i - begin + 1, with, n); /* what follows an interval stays behind it */
}

/* Version 18 writes one parameter for a whole list of constants: it becomes a list of a few again. */
static void lists(struct scan *s)
{
    enum { MEMBERS = 5 };
    int most = 0;

    for (int i = 0; i < s->n; i++)
        if (s->t[i].kind == TOKEN_PARAM && s->t[i].number > most)
            most = s->t[i].number;
    for (int i = 0; i < s->n; i++) {
        struct token with[2 * MEMBERS];
        int n = 0;
        if (!s->t[i].list)
            continue;
        with[n] = s->t[i];
        with[n++].list = false;
        for (int k = 1; k < MEMBERS; k++) {
            with[n++] = constant(TOKEN_PUNCT, ",", 0);
            with[n] = constant(TOKEN_PARAM, "$", ' ');
            with[n++].number = ++most;
        }
        replace(s, i, 1, with, n);
    }
}

static bool is_constant(const struct token *t)
{
    return t->kind == TOKEN_STRING || t->kind == TOKEN_NUMBER || t->kind == TOKEN_PARAM;
}

static bool same_token(const struct token *a, const struct token *b)
{
    if ((a->kind == TOKEN_PARAM && is_constant(b)) || (b->kind == TOKEN_PARAM && is_constant(a)))
        return true;
    return a->kind == b->kind && a->len == b->len &&
           (a->kind == TOKEN_QUOTED || a->kind == TOKEN_STRING
                ? memcmp(a->s, b->s, a->len) == 0
                : strncasecmp(a->s, b->s, a->len) == 0);
}

/* The expression from `from` to `to` stands earlier, too, with other parameters: it was the same one, so its constants were
 * the same. One of the two may still have them. */
static void unify(struct scan *s, int from, int to)
{
    int len = to - from + 1;

    for (int p = 0; p + len <= from; p++) {
        int k = 0;
        while (k < len && same_token(&s->t[p + k], &s->t[from + k]))
            k++;
        if (k < len)
            continue;
        for (k = 0; k < len; k++) {
            struct token *a = &s->t[p + k], *b = &s->t[from + k];
            struct token *to_be = b->kind == TOKEN_PARAM ? b : a;
            const struct token *is = to_be == b ? a : b;
            char before = to_be->before;
            if (!is_constant(a))
                continue;
            *to_be = *is;
            to_be->before = before;
        }
        return;
    }
}

/* GROUP BY and ORDER BY repeat expressions of the list of results. */
static void groups(struct scan *s)
{
    for (int i = 1; i < s->n; i++) {
        if (!scan_is(s, i, "by") || !(scan_is(s, i - 1, "group") || scan_is(s, i - 1, "order")))
            continue;
        int from = i + 1, at = i + 1;
        bool constants = false;
        for (bool ended = false; !ended; at++) {
            ended = at >= s->n || scan_is(s, at, ")") || scan_is(s, at, "limit") ||
                    scan_is(s, at, "having") || scan_is(s, at, "order") ||
                    scan_is(s, at, "union") || scan_is(s, at, "offset") ||
                    scan_is(s, at, "fetch") || scan_is(s, at, "window");
            if (ended || scan_is(s, at, ",")) {
                int to = at - 1;
                while (scan_is(s, to, "desc") || scan_is(s, to, "asc") || scan_is(s, to, "nulls") ||
                       scan_is(s, to, "last") || scan_is(s, to, "first"))
                    to--;
                if (constants && to > from + 1)
                    unify(s, from, to);
                from = at + 1;
                constants = false;
                continue;
            }
            int m = scan_match(s, at);
            for (int k = at; k <= (m > at ? m : at); k++)
                constants = constants || is_constant(&s->t[k]);
            if (m > at)
                at = m;
        }
    }
}

/* From 1 on in the order in which they stand. */
static void renumber(struct scan *s)
{
    int now[1000] = {0}, n = 0;

    for (int i = 0; i < s->n; i++) {
        struct token *t = &s->t[i];
        if (t->kind != TOKEN_PARAM || t->number <= 0 || t->number >= (int)ARRAY_LEN(now))
            continue;
        if (!now[t->number])
            now[t->number] = ++n;
        t->number = now[t->number];
    }
}

void scan_rewrite(struct scan *s)
{
    lists(s);
    groups(s); /* before what follows: the unit of a date_trunc() may still stand there */
    for (int i = 0; i < s->n; i++)
        if (!units(s, i))
            typed_constant(s, i);
    renumber(s);
}

int derive_readable(const char *text, struct buf *out, char why[160])
{
    struct scan s;
    int most = 0;
    bool read = scan_read(text, &s, why);

    if (read) {
        scan_rewrite(&s);
        for (int i = 0; i < s.n; i++)
            if (s.t[i].kind == TOKEN_PARAM && s.t[i].number > most)
                most = s.t[i].number;
        scan_put(&s, 0, s.n - 1, out);
    }
    scan_clear(&s);
    return read ? most : -1;
}

/* Words that a statement with such locks has somewhere, outside of strings and comments. */
static const char *const locking[] = {"insert", "update", "delete", "merge", "share"};

static bool has_locking_word(const char *text)
{
    for (const char *p = text; *p;) {
        size_t n = is_letter(*p) ? word_end(p) : 0;
        for (size_t i = 0; i < ARRAY_LEN(locking); i++)
            if (n == strlen(locking[i]) && strncasecmp(p, locking[i], n) == 0)
                return true;
        p += n ? n : 1;
    }
    return false;
}

bool derive_may_lock(const char *text)
{
    struct scan s;
    char why[160];
    bool may = false;

    if (!has_locking_word(text))
        return false;
    bool read = scan_read(text, &s, why);
    for (int i = 0; read && i < s.n && !may; i++) {
        if (s.t[i].kind != TOKEN_WORD || scan_is(&s, i - 1, "."))
            continue;
        may = (scan_is(&s, i, "insert") && scan_is(&s, i + 1, "into")) ||
              (scan_is(&s, i, "merge") && scan_is(&s, i + 1, "into")) ||
              (scan_is(&s, i, "delete") && scan_is(&s, i + 1, "from")) ||
              scan_is(&s, i, "update") ||
              (scan_is(&s, i, "share") && (scan_is(&s, i - 1, "for") || scan_is(&s, i - 1, "key")));
    }
    scan_clear(&s);
    return may || !read;
}
