/* Prose: messages of the server, its log, plans, what the DBA types. Line by line: what a line of the log is for decides first
 * (STATEMENT is SQL, DETAIL goes), then each place in it: quotes, addresses, assignments, long numbers, words.
 *
 * Of a log line's prefix the time alone is kept: it may hold user, database, host and application_name in any order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/agent/mask_parts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/knobs.h"

enum {
    PLAIN_DIGITS = 6
}; /* a longer number may be somebody's: a card, a telephone, a person's own */

struct line {
    struct mask *m;
    const char *s;
    size_t n, at;
    struct buf *out;
    const char *word; /* the word before; len 0 = none */
    size_t len;
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool word_is(const char *s, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

static bool word_in(const char *s, size_t len, const char *const *list)
{
    for (; *list; list++)
        if (word_is(s, len, *list))
            return true;
    return false;
}

/* What a quoted name behind this word is; ALIAS_KINDS = nobody knows. */
static enum alias_kind kind_behind(const char *s, size_t len)
{
    static const char *const users[] = {"user", "role", "owner", "member", "username", "usr", NULL};
    static const char *const databases[] = {"database", "db", "dbname", "datname", NULL};
    static const char *const hosts[] = {"host",     "server", "at",   "hostname", "name",
                                        "hostaddr", "client", "addr", NULL};
    static const char *const names[] = {
        "relation", "table",      "column",      "index",        "constraint", "schema",
        "function", "sequence",   "type",        "view",         "trigger",    "extension",
        "operator", "tablespace", "procedure",   "partition",    "policy",     "parameter",
        "setting",  "key",        "publication", "rule",         "language",   "collation",
        "domain",   "aggregate",  "cursor",      "subscription", NULL};
    if (word_in(s, len, users))
        return ALIAS_USER;
    if (word_in(s, len, databases))
        return ALIAS_DATABASE;
    if (word_in(s, len, hosts))
        return ALIAS_HOST;
    return word_in(s, len, names) ? ALIAS_NAME : ALIAS_KINDS;
}

/* Learnt from a message: sought from now on, unless it is a word that everybody uses. */
static void learn(struct mask *m, enum alias_kind kind, const char *name, size_t len)
{
    char text[MASK_NAME_MAX + 1];
    if (len < 3 || len > MASK_NAME_MAX || mask_allowed(m, name, len) || digit(*name))
        return;
    memcpy(text, name, len);
    text[len] = '\0';
    mask_know(m, kind, text);
}

static void put_name(struct line *l, enum alias_kind kind, const char *name, size_t len)
{
    char text[MASK_NAME_MAX + 1];
    if (kind == ALIAS_HOST && (mask_place(l->m, name, len, 0, l->out) || mask_generic(name, len)))
        return;
    if (mask_private(kind))
        learn(l->m, kind, name, len);
    len = len > MASK_NAME_MAX ? MASK_NAME_MAX : len;
    memcpy(text, name, len);
    text[len] = '\0';
    mask_ident(l->m, kind, text, l->out);
}

/* "…" in a message names something, or quotes what somebody entered: which, only the word before and what is known can tell. */
static void put_quoted(struct line *l, const char *text, size_t len)
{
    char name[MASK_IDENT_MAX + 1] = "";
    enum alias_kind kind = kind_behind(l->word, l->len);
    if (len <= MASK_IDENT_MAX)
        memcpy(name, text, len);
    const struct alias *a = mask_find(l->m, text, len);
    buf_putc(l->out, '"');
    if (*name && knob_find(name))
        buf_puts(l->out, name);
    else if (kind != ALIAS_KINDS && len <= MASK_NAME_MAX)
        put_name(l, kind, text, len);
    else if (a)
        mask_put_word(l->m, text, len, l->out);
    else
        buf_putc(l->out, '?');
    buf_putc(l->out, '"');
    l->len = 0;
}

static bool contraction(const char *s, size_t n)
{
    static const char *const tails[] = {"s", "t", "d", "m", "re", "ve", "ll", "em", NULL};
    return word_in(s, mask_word(s, n), tails);
}

/* Is the quote at `at` one within a word (don't, the servers' …) and not the beginning of a literal? */
static bool apostrophe(const struct line *l)
{
    const char *s = l->s;
    size_t at = l->at;
    size_t next = at + 1;
    if (!mask_is_word_before(s, at))
        return false;
    bool prefix = strchr("eEbBxXnN", s[at - 1]) && !mask_is_word_before(s, at - 1);
    if (prefix)
        return false;
    if (next < l->n && mask_word(s + next, l->n - next))
        return contraction(s + next, l->n - next);
    return (s[at - 1] | 32) == 's';
}

/* A literal in single quotes: where it ends. A quote with a letter behind it is within. */
static size_t literal_end(const struct line *l, char close)
{
    for (size_t i = l->at + 1; i < l->n; i++) {
        if (l->s[i] != close)
            continue;
        if (i + 1 < l->n && (l->s[i + 1] == close || mask_word(l->s + i + 1, l->n - i - 1)))
            i += l->s[i + 1] == close;
        else
            return i + 1;
    }
    return l->n;
}

static bool quotes(struct line *l)
{
    char c = l->s[l->at];
    if (c == '"' || c == MARK_DOUBLE) {
        const char *from = l->s + l->at + 1;
        const char *end = memchr(from, c, l->n - l->at - 1);
        size_t len = end ? (size_t)(end - from) : l->n - l->at - 1;
        put_quoted(l, from, len);
        l->at += len + 1 + (end != NULL);
        return true;
    }
    if (c == MARK_CLOSE || (c == '\'' && apostrophe(l))) {
        buf_putc(l->out, '\'');
        l->at++;
        return true;
    }
    if (c != '\'' && c != MARK_OPEN)
        return false;
    buf_putc(l->out, '?');
    l->at = literal_end(l, c == MARK_OPEN ? MARK_CLOSE : c);
    l->len = 0;
    return true;
}

/* host=, user=, dbname=, application_name= of connection strings and log prefixes. */
static bool assignment(struct line *l, size_t word)
{
    static const char *const others[] = {"app",         "application_name", "service",
                                         "passfile",    "sslkey",           "sslcert",
                                         "sslrootcert", "options",          NULL};
    const char *s = l->s;
    size_t at = l->at + word;
    if (at + 1 >= l->n || s[at] != '=' || s[at + 1] == ' ')
        return false;
    enum alias_kind kind = kind_behind(s + l->at, word);
    bool other = word_in(s + l->at, word, others);
    if (!other && (kind == ALIAS_KINDS || kind == ALIAS_NAME))
        return false;
    size_t from = at + 1;
    size_t end = from;
    if (s[from] == '\'' || s[from] == '"') {
        const char *close = memchr(s + from + 1, s[from], l->n - from - 1);
        end = close ? (size_t)(close - s) + 1 : l->n;
    } else {
        while (end < l->n && !strchr(" ,;)'\"", s[end]))
            end++;
    }
    buf_append(l->out, s + l->at, from - l->at);
    bool quoted = end > from + 1 && (s[from] == '\'' || s[from] == '"');
    size_t len = quoted ? end - from - 2 : end - from;
    if (other)
        buf_putc(l->out, '?');
    else if (len && s[from + quoted] == '/')
        buf_puts(l->out, "local");
    else if (len)
        put_name(l, kind, s + from + quoted, len);
    l->at = end;
    l->len = 0;
    return true;
}

/* "Key (email)=(a@b)": what was entered stands behind the sign. */
static bool entered(struct line *l)
{
    if (l->at < 1 || l->s[l->at] != '(' || l->s[l->at - 1] != '=')
        return false;
    const char *end = memrchr(l->s + l->at, ')', l->n - l->at);
    buf_puts(l->out, "(?)");
    l->at = end ? (size_t)(end - l->s) + 1 : l->n;
    return true;
}

static bool unit(const char *s, size_t len)
{
    static const char *const units[] = {
        "b",      "kb",     "mb",           "gb",          "tb",         "pb",    "ms",
        "s",      "us",     "min",          "h",           "d",          "x",     "k",
        "m",      "st",     "nd",           "rd",          "th",         "tps",   "mib",
        "gib",    "kib",    "bytes",        "byte",        "rows",       "pages", "buffers",
        "blocks", "kbytes", "transactions", "connections", "statements", NULL};
    return word_in(s, len, units);
}

/* Numbers are figures, unless they are long and nothing says of what. */
static void number(struct line *l)
{
    static const char *const sizes[] = {"size",    "pid",         "process", "oid",  "statement",
                                        "queryid", "transaction", "cost",    "rows", NULL};
    size_t end = l->at;
    size_t digits = 0;
    while (end < l->n &&
           (digit(l->s[end]) || (l->s[end] == '.' && end + 1 < l->n && digit(l->s[end + 1])) ||
            /* 4111 1111 1111 1111 */
            ((l->s[end] == ' ' || l->s[end] == '-') && end + 4 < l->n && end > l->at + 3 &&
             strspn(l->s + end + 1, "0123456789") == 4 && digit(l->s[end - 4]) &&
             digit(l->s[end - 3]) && digit(l->s[end - 2]) && digit(l->s[end - 1])))) {
        digits += digit(l->s[end]) && !memchr(l->s + l->at, '.', end - l->at);
        end++;
    }
    size_t tail = mask_word(l->s + end, l->n - end);
    size_t gap = end < l->n && l->s[end] == ' ';
    size_t next = tail ? tail : gap ? mask_word(l->s + end + 1, l->n - end - 1) : 0;
    bool known = next && unit(l->s + end + (tail ? 0 : gap), next);
    bool groups = memchr(l->s + l->at, ' ', end - l->at) || memchr(l->s + l->at, '-', end - l->at);
    bool figure = digits <= PLAIN_DIGITS || (known && !groups) || word_in(l->word, l->len, sizes);
    if (figure)
        buf_append(l->out, l->s + l->at, end - l->at);
    else
        buf_putc(l->out, '?');
    l->at = end;
    if (tail && !known) {
        /* "1st_customer", "4711abc" */
        if (l->m->level != PRIVACY_STRICT && figure)
            buf_append(l->out, l->s + end, tail);
        l->at += tail;
    }
    l->len = 0;
}

static void word(struct line *l)
{
    static const char *const waits[] = {"IO",  "LWLock",  "Lock",     "BufferPin", "Client",
                                        "IPC", "Timeout", "Activity", NULL};
    const char *s = l->s + l->at;
    size_t left = l->n - l->at;
    size_t len = mask_word(s, left);
    const struct alias *odd = l->m->nodd ? mask_odd_at(l->m, s, left) : NULL;
    if (odd) {
        len = strlen(odd->name);
        mask_put(l->m, odd->kind, odd->name, len, l->out);
    } else if (word_in(s, len, waits) && len + 1 < left && s[len] == ':' &&
               mask_word(s + len + 1, left - len - 1)) {
        /* The names of wait events are PostgreSQL's. */
        len += 1 + mask_word(s + len + 1, left - len - 1);
        buf_append(l->out, s, len);
    } else if (len >= 5 && l->at >= 1 && l->s[l->at - 1] == '/' && l->at >= 5 &&
               strncmp(s - 5, "home/", 5) == 0) {
        mask_put(l->m, ALIAS_USER, s, len, l->out);
    } else {
        mask_put_word(l->m, s, len, l->out);
    }
    l->word = s;
    l->len = len;
    l->at += len;
}

void mask_line(struct mask *m, const char *s, size_t n, struct buf *out)
{
    struct line l = {.m = m, .s = s, .n = n, .out = out};
    while (l.at < n) {
        bool begins = !mask_is_word_before(s, l.at);
        size_t taken = begins && !strchr(" \"',;()", s[l.at]) ? mask_place(m, s, n, l.at, out) : 0;
        size_t len = mask_word(s + l.at, n - l.at);
        if (taken) {
            l.at += taken;
            l.len = 0;
        } else if (quotes(&l) || entered(&l) || (begins && len && assignment(&l, len))) {
            continue;
        } else if (digit(s[l.at]) && begins) {
            number(&l);
        } else if (len) {
            word(&l);
        } else {
            if (s[l.at] != ' ' && s[l.at] != ':' && s[l.at] != '=')
                l.len = 0;
            buf_putc(out, s[l.at++]);
        }
    }
}

void mask_names(struct mask *m, const char *text, struct buf *out)
{
    struct buf clean = {0}, safe = {0};
    mask_clean(text, false, &clean);
    mask_secrets(m, buf_text(&clean), &safe);
    struct line l = {.m = m, .s = buf_text(&safe), .n = safe.len, .out = out};
    while (l.at < l.n) {
        size_t left = l.n - l.at;
        bool begins = !mask_is_word_before(l.s, l.at);
        size_t place = begins && !strchr(" \"',;()", l.s[l.at]) && m->level != PRIVACY_FULL
                           ? mask_place(m, l.s, l.n, l.at, out)
                           : 0;
        size_t len = place ? 0 : mask_word(l.s + l.at, left);
        if (place)
            l.at += place;
        else if (len && (!digit(l.s[l.at]) || mask_find(m, l.s + l.at, len) ||
                         mask_odd_at(m, l.s + l.at, left)))
            word(&l);
        else { /* a figure, or no word */
            buf_append(out, l.s + l.at, len ? len : 1);
            l.at += len ? len : 1;
        }
    }
    buf_clear(&safe);
    buf_clear(&clean);
}

/* ---- lines of the log ---- */

enum tag { TAG_NONE, TAG_PROSE, TAG_SQL, TAG_DROP };

/* Finds "ERROR:  " and the like; where it begins, and what follows it. Within a line it is followed by two blanks. */
static enum tag find_tag(const char *s, size_t n, size_t *from, size_t *to)
{
    static const struct {
        const char *word;
        enum tag tag;
    } tags[] = {{"ERROR:", TAG_PROSE},
                {"FATAL:", TAG_PROSE},
                {"PANIC:", TAG_PROSE},
                {"WARNING:", TAG_PROSE},
                {"NOTICE:", TAG_PROSE},
                {"LOG:", TAG_PROSE},
                {"INFO:", TAG_PROSE},
                {"HINT:", TAG_PROSE},
                {"CONTEXT:", TAG_PROSE},
                {"STATEMENT:", TAG_SQL},
                {"QUERY:", TAG_SQL},
                {"DETAIL:", TAG_DROP},
                {"BACKTRACE:", TAG_DROP},
                {"DEBUG:", TAG_DROP},
                {"Query Text:", TAG_SQL},
                {"parameters:", TAG_DROP},
                {"Query Parameters:", TAG_DROP}};
    for (size_t i = 0; i < n; i++) {
        if (!strchr("BCDEFHILNPQSWp", s[i]) || mask_is_word_before(s, i))
            continue;
        for (size_t t = 0; t < ARRAY_LEN(tags); t++) {
            size_t len = strlen(tags[t].word);
            if (n - i < len || strncmp(s + i, tags[t].word, len) != 0)
                continue;
            if (strspn(s, " ") < i && strncmp(s + i + len, "  ", 2) != 0)
                continue;
            *from = i;
            *to = i + len;
            return tags[t].tag;
        }
    }
    return TAG_NONE;
}

/* "2026-11-23 09:12:01.123": its bytes at the beginning of a line. */
static size_t stamp(const char *s, size_t n)
{
    static const char form[] = "0000-00-00 00:00:00";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (i >= n || (form[i] == '0' ? !digit(s[i]) : s[i] != form[i]))
            return 0;
    size_t len = sizeof form - 1;
    if (len < n && s[len] == '.')
        len += 1 + strspn(s + len + 1, "0123456789");
    return len > n ? n : len;
}

/* Where a statement begins in "duration: 3 ms  statement: …" or "execute <unnamed>: …"; n = nowhere. */
static size_t logged_sql(const char *s, size_t n)
{
    static const char *const leads[] = {"statement: ", "execute ", "parse ", "bind "};
    for (size_t i = 0; i < n; i++) {
        if (!strchr("sepb", s[i]) || mask_is_word_before(s, i))
            continue;
        for (size_t k = 0; k < ARRAY_LEN(leads); k++) {
            size_t len = strlen(leads[k]);
            if (n - i <= len || strncmp(s + i, leads[k], len) != 0)
                continue;
            const char *colon = k ? memmem(s + i, n - i, ": ", 2) : s + i + len - 2;
            if (colon)
                return (size_t)(colon - s) + 2;
        }
    }
    return n;
}

/* "  Filter: (status = 'x')" of EXPLAIN: where its expression begins; 0 = it is no such line. */
static size_t plan_expression(const char *s, size_t n)
{
    static const char *const keys[] = {
        "Filter:",        "Index Cond:",      "Recheck Cond:",    "Join Filter:",
        "Hash Cond:",     "Merge Cond:",      "Sort Key:",        "Group Key:",
        "Output:",        "One-Time Filter:", "TID Cond:",        "Order By:",
        "Function Call:", "Remote SQL:",      "Cache Key:",       "Presorted Key:",
        "Run Condition:", "Settings:",        "Conflict Filter:", "Hash Key:",
        "Partition Key:", "Query Identifier:"};
    size_t at = strspn(s, " ");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (n - at > strlen(keys[i]) && strncmp(s + at, keys[i], strlen(keys[i])) == 0)
            return at + strlen(keys[i]);
    return 0;
}

struct prose {
    struct mask *m;
    struct buf *out;
    struct buf sql; /* of a statement that goes over several lines */
    enum tag tag;   /* of the line that goes on; TAG_NONE, TAG_SQL, TAG_DROP */
};

static void end_sql(struct prose *p)
{
    if (p->tag == TAG_SQL) {
        mask_sql(p->m, buf_text(&p->sql), p->out);
        buf_putc(p->out, '\n');
    }
    buf_clear(&p->sql);
    p->tag = TAG_NONE;
}

static void sql_begins(struct prose *p, const char *s, size_t n)
{
    p->tag = TAG_SQL;
    buf_append(&p->sql, s, n);
    buf_putc(&p->sql, '\n');
}

static void plain_line(struct prose *p, const char *s, size_t n)
{
    size_t sql = plan_expression(s, n);
    if (!sql) {
        mask_line(p->m, s, n, p->out);
    } else if (p->m->level != PRIVACY_STRICT) {
        char *text = xstrndup(s + sql, n - sql);
        buf_append(p->out, s, sql);
        buf_putc(p->out, ' ');
        mask_sql(p->m, text, p->out);
        free(text);
    }
    buf_putc(p->out, '\n');
}

static void one_line(struct prose *p, const char *s, size_t n)
{
    size_t from = 0;
    size_t to = 0;
    enum tag tag = find_tag(s, n, &from, &to);
    size_t time = stamp(s, n);
    if (tag == TAG_NONE && !time && p->tag != TAG_NONE) {
        if (p->tag == TAG_SQL)
            sql_begins(p, s, n);
        return;
    }
    end_sql(p);
    size_t line = strspn(s, " ");
    if (n - line > 5 && strncmp(s + line, "LINE ", 5) == 0 && digit(s[line + 5]))
        return; /* may begin within a literal */
    if (tag == TAG_DROP) {
        p->tag = TAG_DROP;
        return;
    }
    if (tag == TAG_NONE) {
        plain_line(p, s, n);
        return;
    }
    /* Of libpq's message the way to the server belongs to it. */
    if (!time && n > 14 && strncmp(s, "connection to ", 14) == 0)
        mask_line(p->m, s, from, p->out);
    buf_append(p->out, s, time);
    buf_puts(p->out, time ? " " : "");
    buf_append(p->out, s + from, to - from);
    buf_putc(p->out, ' ');
    to += strspn(s + to, " ");
    to = to > n ? n : to;
    size_t sql = tag == TAG_SQL ? to : to + logged_sql(s + to, n - to);
    mask_line(p->m, s + to, sql - to, p->out);
    if (sql < n)
        sql_begins(p, s + sql, n - sql);
    else
        buf_putc(p->out, '\n');
}

void mask_prose(struct mask *m, const char *text, struct buf *out)
{
    struct buf clean = {0};
    struct buf safe = {0};
    mask_clean(text, m->level != PRIVACY_FULL, &clean);
    mask_secrets(m, buf_text(&clean), m->level == PRIVACY_FULL ? out : &safe);
    size_t before = out->len;
    struct prose p = {.m = m, .out = out};
    const char *s = buf_text(&safe);
    while (m->level != PRIVACY_FULL && *s) {
        size_t n = strcspn(s, "\n");
        one_line(&p, s, n);
        s += n + (s[n] == '\n');
    }
    end_sql(&p);
    /* Every line got an end; the last has one only when the text had. */
    size_t len = clean.len;
    if (m->level != PRIVACY_FULL && out->len > before && out->data[out->len - 1] == '\n' &&
        !(len && clean.data[len - 1] == '\n'))
        out->data[--out->len] = '\0';
    buf_clear(&safe);
    buf_clear(&clean);
}
