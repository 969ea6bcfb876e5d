/* SQL without what it says about anybody: a lexer after src/backend/parser/scan.l of PostgreSQL, as far as literals, comments and
 * names go.
 *
 * Where the text cannot be told for sure (no end of a literal, a backslash before the closing quote, which depends on a setting
 * of the session), everything that follows is taken as a literal: too much goes, never too little. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pgd/agent/mask_parts.h"
#include "pgd/base/text.h"

struct sql {
    struct mask *m;
    const char *s;
    size_t n, at;
    struct buf *out;
    bool full;           /* everything stays but secrets */
    bool blank;          /* a space is due */
    bool names_roles;    /* the statement is one that names roles and databases */
    bool in_roles;       /* a list of roles: GRANT … TO a, b */
    bool from, stdin_;   /* COPY … FROM STDIN: data follow the statement */
    bool after_password; /* the next literal is one */
    char word[24];       /* the word before, lower case; "" behind anything else */
    char first[24];      /* of the statement */
};

static char low(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct sql *q, size_t ahead)
{
    return q->at + ahead < q->n ? q->s[q->at + ahead] : '\0';
}

static void put(struct sql *q, const char *text, size_t len)
{
    if (q->blank && q->out->len)
        buf_putc(q->out, ' ');
    q->blank = false;
    buf_append(q->out, text, len);
}

/* A literal that reached up to `end`. */
static void literal(struct sql *q, size_t end)
{
    size_t len = end - q->at;
    if (!q->full)
        put(q, "?", 1);
    else if (q->after_password)
        put(q, "'***'", 5);
    else
        put(q, q->s + q->at, len);
    q->at = end;
    q->after_password = false;
    q->word[0] = '\0';
}

/* The end of the quoted literal whose quote is at s[at]. */
static size_t string_end(const struct sql *q, size_t at, bool escapes)
{
    for (at++; at < q->n; at++) {
        if (q->s[at] == '\\' && escapes) {
            at++;
        } else if (q->s[at] == '\'') {
            if (at + 1 < q->n && q->s[at + 1] == '\'')
                at++;
            else if (q->s[at - 1] == '\\' && !escapes)
                return q->n; /* its end depends on standard_conforming_strings */
            else
                return at + 1;
        }
    }
    return q->n;
}

/* $tag$ … $tag$: its end; 0 = none begins here. */
static size_t dollar_end(const struct sql *q)
{
    size_t tag = q->at + 1;
    if (tag < q->n && digit(q->s[tag]))
        return 0;
    while (tag < q->n &&
           (q->s[tag] == '_' || digit(q->s[tag]) || (unsigned char)q->s[tag] >= 0x80 ||
            (low(q->s[tag]) >= 'a' && low(q->s[tag]) <= 'z')))
        tag++;
    if (tag >= q->n || q->s[tag] != '$')
        return 0;
    size_t len = tag + 1 - q->at;
    const char *end = memmem(q->s + tag + 1, q->n - tag - 1, q->s + q->at, len);
    return end ? (size_t)(end - q->s) + len : q->n;
}

static void block_comment(struct sql *q)
{
    int depth = 0;
    size_t from = q->at;
    do {
        if (peek(q, 0) == '/' && peek(q, 1) == '*') {
            depth++;
            q->at += 2;
        } else if (peek(q, 0) == '*' && peek(q, 1) == '/') {
            depth--;
            q->at += 2;
        } else {
            q->at++;
        }
    } while (depth > 0 && q->at < q->n);
    q->at = q->at > q->n ? q->n : q->at;
    if (q->full)
        put(q, q->s + from, q->at - from);
    q->blank = true;
}

static void line_comment(struct sql *q)
{
    size_t from = q->at;
    while (q->at < q->n && q->s[q->at] != '\n')
        q->at++;
    if (q->full)
        put(q, q->s + from, q->at - from);
    q->blank = true;
}

static bool in_list(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static void statement_ends(struct sql *q)
{
    /* The data of COPY … FROM STDIN. */
    if (q->from && q->stdin_)
        q->n = q->at;
    q->first[0] = q->word[0] = '\0';
    q->names_roles = q->in_roles = q->from = q->stdin_ = false;
}

static const char *const role_statements[] = {"create",   "alter", "drop",     "grant",   "revoke",
                                              "reassign", "set",   "security", "comment", "reset",
                                              "import",   "begin", NULL};
static const char *const no_role[] = {
    "if",      "exists", "not", "with",    "by",     "set",          "to",
    "in",      "from",   "all", "mapping", "for",    "current_user", "session_user",
    "public",  "none",   "on",  "as",      "only",   "role",         "current_role",
    "default", "group",  "is",  "user",    "system", "cascade",      NULL};

/* What the word at hand names, by the words before it; ALIAS_KINDS = nothing of the sort. */
static enum alias_kind named(struct sql *q, const char *word)
{
    static const char *const leads[] = {"role", "user", "authorization", "group", "owner", NULL};
    if (!q->names_roles || in_list(word, no_role)) {
        q->in_roles = q->in_roles && !in_list(word, no_role);
        bool list = strcmp(word, "to") == 0 || strcmp(word, "from") == 0 || strcmp(word, "by") == 0;
        bool grants = strcmp(q->first, "grant") == 0 || strcmp(q->first, "revoke") == 0 ||
                      strcmp(q->first, "reassign") == 0;
        if (q->names_roles && list && (grants || strcmp(q->word, "owner") == 0))
            q->in_roles = true;
        return ALIAS_KINDS;
    }
    if (strcmp(q->word, "database") == 0 || strcmp(q->word, "dbname") == 0)
        return ALIAS_DATABASE;
    if (in_list(q->word, leads) || q->in_roles)
        return ALIAS_USER;
    return ALIAS_KINDS;
}

static void remember(struct sql *q, const char *word)
{
    text_copy_raw(q->word, sizeof q->word, word);
    if (!*q->first) {
        text_copy_raw(q->first, sizeof q->first, word);
        q->names_roles = in_list(word, role_statements);
    }
    q->from = q->from || (strcmp(word, "from") == 0 && strcmp(q->first, "copy") == 0);
    q->stdin_ = q->stdin_ || strcmp(word, "stdin") == 0;
    if (strcmp(word, "password") == 0)
        q->after_password = true;
}

static void name(struct sql *q, size_t len, bool quotes)
{
    const char *s = q->s + q->at + (quotes ? 1 : 0);
    size_t n = len - (quotes ? 2 : 0);
    char word[64] = "";
    struct buf text = {0};
    for (size_t i = 0; !quotes && i < n && i < sizeof word - 1; i++)
        word[i] = low(s[i]);
    enum alias_kind kind = named(q, word);
    buf_append(&text, s, n);
    if (q->full) {
        put(q, q->s + q->at, len);
    } else {
        put(q, "", 0);
        if (quotes)
            buf_putc(q->out, '"');
        if (quotes && n > 2 * MASK_IDENT_MAX)
            buf_putc(q->out, '?'); /* no name is so long */
        else if (kind != ALIAS_KINDS) {
            mask_know(q->m, kind, buf_text(&text));
            mask_put(q->m, kind, buf_text(&text), n, q->out);
        } else if (quotes)
            mask_ident(q->m, ALIAS_NAME, buf_text(&text), q->out);
        else
            mask_put_word(q->m, s, n, q->out);
        if (quotes)
            buf_putc(q->out, '"');
    }
    buf_clear(&text);
    q->at += len;
    remember(q, quotes ? "\"" : word);
}

/* Bytes of the quoted name at s[at], its quotes included; without an end all of the rest. */
static size_t quoted_len(const struct sql *q)
{
    size_t at = q->at + 1;
    while (at < q->n) {
        if (q->s[at] != '"')
            at++;
        else if (at + 1 < q->n && q->s[at + 1] == '"')
            at += 2;
        else
            return at + 1 - q->at;
    }
    return 0;
}

static bool literal_prefix(struct sql *q)
{
    char c = low(peek(q, 0));
    bool unicode = c == 'u' && peek(q, 1) == '&' && peek(q, 2) == '\'';
    if (unicode)
        literal(q, string_end(q, q->at + 2, false));
    else if (peek(q, 1) == '\'' && (c == 'e' || c == 'b' || c == 'x' || c == 'n'))
        literal(q, string_end(q, q->at + 1, c == 'e'));
    else
        return false;
    return true;
}

/* What psql and pgbench run outside of the server. */
static bool meta_command(struct sql *q)
{
    static const char *const shells[] = {"\\!",  "\\setshell", "\\shell", "\\connect",
                                         "\\c ", "\\copy",     "\\i",     "\\o"};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++)
        if (q->n - q->at >= strlen(shells[i]) &&
            strncasecmp(q->s + q->at, shells[i], strlen(shells[i])) == 0) {
            line_comment(q);
            return true;
        }
    return false;
}

static void number(struct sql *q)
{
    size_t end = q->at;
    while (end < q->n) {
        size_t word = mask_word(q->s + end, q->n - end);
        bool sign = end > q->at && (q->s[end] == '+' || q->s[end] == '-') &&
                    low(q->s[end - 1]) == 'e' && end + 1 < q->n && digit(q->s[end + 1]);
        bool dot = q->s[end] == '.' && !(end + 1 < q->n && q->s[end + 1] == '.');
        if (!word && !sign && !dot)
            break;
        end += word ? word : 1;
    }
    literal(q, end);
}

static void step(struct sql *q)
{
    char c = peek(q, 0);
    size_t end;
    if (c == ' ' || c == '\n') {
        q->at++;
        q->blank = true;
    } else if (c == '-' && peek(q, 1) == '-') {
        line_comment(q);
    } else if (c == '/' && peek(q, 1) == '*') {
        block_comment(q);
    } else if (c == '\'') {
        literal(q, string_end(q, q->at, false));
    } else if (c == '$' && (end = dollar_end(q))) {
        literal(q, end);
    } else if (c == '"') {
        size_t len = quoted_len(q);
        if (len)
            name(q, len, true);
        else
            literal(q, q->n);
    } else if (digit(c) || (c == '.' && digit(peek(q, 1)))) {
        number(q);
    } else if (c == '\\' && meta_command(q)) {
        return;
    } else if (mask_word(q->s + q->at, q->n - q->at)) {
        if (!literal_prefix(q))
            name(q, mask_word(q->s + q->at, q->n - q->at), false);
    } else if (c == '$' && digit(peek(q, 1))) {
        /* a parameter: $1 */
        for (end = 1; digit(peek(q, end));)
            end++;
        put(q, q->s + q->at, end);
        q->at += end;
    } else {
        put(q, &c, 1);
        q->at++;
        if (c == ';')
            statement_ends(q);
        else if (c != ',' && c != '=')
            q->in_roles = false;
    }
}

void mask_sql(struct mask *m, const char *sql, struct buf *out)
{
    if (m->level == PRIVACY_STRICT)
        return;
    struct buf clean = {0};
    struct buf lexed = {0};
    mask_clean(sql, false, &clean);
    struct sql q = {.m = m,
                    .s = buf_text(&clean),
                    .n = clean.len,
                    .out = &lexed,
                    .full = m->level == PRIVACY_FULL};
    while (q.at < q.n)
        step(&q);
    /* A key outside of any literal is no SQL, but it may stand there. */
    mask_secrets(m, buf_text(&lexed), out);
    buf_clear(&lexed);
    buf_clear(&clean);
}
