/* condition.c - see condition.h. */
#include "pgd/agent/condition.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

/* ---- tokens, the same for both texts ---- */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NAME, TOKEN_VALUE, TOKEN_SIGN, TOKEN_BAD };

struct token {
    enum token_kind kind; /* WORD: bare, in small letters; NAME: was in quotes */
    char text[64];        /* of a sign at most two characters */
};

struct reader {
    const char *at;
    struct token now;
};

static void skip_blanks(struct reader *r)
{
    for (;;) {
        r->at += strspn(r->at, " \t\r\n\f\v");
        if (r->at[0] == '-' && r->at[1] == '-') {
            r->at += strcspn(r->at, "\n");
        } else if (r->at[0] == '/' && r->at[1] == '*') {
            const char *end = strstr(r->at + 2, "*/");
            r->at = end ? end + 2 : r->at + strlen(r->at);
        } else {
            return;
        }
    }
}

/* Between two equal quotes; a doubled one is one of it. False: it has no end, or is longer than size. */
static bool quoted(struct reader *r, char quote, char *dst, size_t size)
{
    size_t n = 0;

    for (r->at++; *r->at; r->at++) {
        if (*r->at == quote && r->at[1] != quote) {
            r->at++;
            dst[n] = '\0';
            return true;
        }
        r->at += *r->at == quote;
        if (n + 1 >= size)
            return false;
        dst[n++] = *r->at;
    }
    return false;
}

/* A text constant: what it says does not matter, only where it ends. */
static bool skip_text(struct reader *r)
{
    for (r->at++; *r->at; r->at++) {
        if (*r->at == '\\') /* an escape, or a character: it cannot be told apart here */
            return false;
        if (*r->at != '\'')
            continue;
        if (r->at[1] != '\'') {
            r->at++;
            return true;
        }
        r->at++;
    }
    return false;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

static void take_word(struct reader *r, struct token *t)
{
    size_t n = 0;

    for (; in_word(*r->at); r->at++) {
        if (n + 1 >= sizeof t->text) {
            t->kind = TOKEN_BAD;
            return;
        }
        t->text[n++] = (char)(*r->at >= 'A' && *r->at <= 'Z' ? *r->at + 32 : *r->at);
    }
    t->text[n] = '\0';
    t->kind = TOKEN_WORD;
}

static void take_sign(struct reader *r, struct token *t)
{
    static const char *const two[] = {"::", "<>", "<=", ">=", "!="};

    t->kind = TOKEN_SIGN;
    for (size_t i = 0; i < ARRAY_LEN(two); i++)
        if (strncmp(r->at, two[i], 2) == 0) {
            memcpy(t->text, two[i], 3);
            r->at += 2;
            return;
        }
    t->text[0] = *r->at++;
    t->text[1] = '\0';
}

static void next(struct reader *r)
{
    struct token *t = &r->now;

    skip_blanks(r);
    t->text[0] = '\0';
    if (*r->at == '\0') {
        t->kind = TOKEN_END;
    } else if (*r->at == '"') {
        t->kind = quoted(r, '"', t->text, sizeof t->text) ? TOKEN_NAME : TOKEN_BAD;
    } else if (*r->at == '\'') {
        t->kind = skip_text(r) ? TOKEN_VALUE : TOKEN_BAD;
    } else if (isdigit((unsigned char)*r->at) || *r->at == '$' ||
               (*r->at == '-' && isdigit((unsigned char)r->at[1]))) {
        t->kind = TOKEN_VALUE;
        r->at++;
        r->at += strspn(r->at, "0123456789.");
        if (in_word(*r->at)) /* 1e5, $tag$ … */
            t->kind = TOKEN_BAD;
    } else if (in_word(*r->at)) {
        take_word(r, t);
    } else {
        take_sign(r, t);
    }
}

static bool word(const struct reader *r, const char *w)
{
    return r->now.kind == TOKEN_WORD && strcmp(r->now.text, w) == 0;
}

static bool sign(const struct reader *r, const char *s)
{
    return r->now.kind == TOKEN_SIGN && strcmp(r->now.text, s) == 0;
}

static bool passed(struct reader *r, bool here)
{
    if (here)
        next(r);
    return here;
}

/* ---- comparisons ---- */

static const char *const reserved[] = {
    "select", "from",  "where", "and",     "or",   "not",   "in",     "is",    "null",     "like",
    "ilike",  "any",   "all",   "between", "case", "cast",  "exists", "order", "group",    "limit",
    "offset", "fetch", "for",   "having",  "join", "union", "on",     "using", "distinct", "true",
    "false",  "inner", "left",  "right",   "full", "cross", "natural"};

static bool is_name(const struct reader *r)
{
    if (r->now.kind == TOKEN_NAME)
        return r->now.text[0] != '\0';
    if (r->now.kind != TOKEN_WORD)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (strcmp(r->now.text, reserved[i]) == 0)
            return false;
    return true;
}

/* NAME, or ALIAS.NAME: the last part. */
static bool column(struct reader *r, char *dst, size_t size)
{
    do {
        if (!is_name(r))
            return false;
        text_copy_raw(dst, size, r->now.text);
        next(r);
    } while (passed(r, sign(r, ".")));
    return true;
}

/* "::character varying(20)[]": types have no sign of their own but brackets. */
static bool casts(struct reader *r)
{
    while (passed(r, sign(r, "::"))) {
        if (!is_name(r))
            return false;
        while (is_name(r) || sign(r, "."))
            next(r);
        if (passed(r, sign(r, "("))) {
            while (r->now.kind == TOKEN_VALUE || sign(r, ","))
                next(r);
            if (!passed(r, sign(r, ")")))
                return false;
            while (is_name(r)) /* timestamp(3) with time zone */
                next(r);
        }
        while (passed(r, sign(r, "[")))
            if (!passed(r, sign(r, "]")))
                return false;
    }
    return true;
}

/* An index of a column does not serve what is compared after a cast of it, but for those of texts to text, which change nothing. */
static bool column_cast(struct reader *r, struct condition_column *c)
{
    c->as_text = passed(r, sign(r, "::"));
    if (c->as_text && !passed(r, word(r, "text")))
        return false;
    return !sign(r, "::") && !sign(r, "[");
}

/* A number, a text, a parameter, true or false; each perhaps in brackets and with a cast. */
static bool value(struct reader *r)
{
    bool wrapped = passed(r, sign(r, "("));

    if (r->now.kind != TOKEN_VALUE && !word(r, "true") && !word(r, "false"))
        return false;
    next(r);
    return casts(r) && (!wrapped || passed(r, sign(r, ")"))) && casts(r);
}

/* "($1, $2)" behind IN. */
static bool values(struct reader *r)
{
    if (!passed(r, sign(r, "(")))
        return false;
    do {
        if (!value(r))
            return false;
    } while (passed(r, sign(r, ",")));
    return passed(r, sign(r, ")"));
}

/* One comparison of a column with a value. */
static bool comparison(struct reader *r, struct condition_column *c)
{
    bool wrapped = passed(r, sign(r, "("));

    if (!column(r, c->name, sizeof c->name) || (wrapped && !passed(r, sign(r, ")"))) ||
        !column_cast(r, c))
        return false;
    c->equal = true;
    if (passed(r, word(r, "in")))
        return values(r);
    if (passed(r, word(r, "between"))) {
        c->equal = false;
        return value(r) && passed(r, word(r, "and")) && value(r);
    }
    c->equal = sign(r, "=");
    if (!c->equal && !sign(r, "<") && !sign(r, ">") && !sign(r, "<=") && !sign(r, ">="))
        return false;
    next(r);
    return value(r);
}

static bool add(struct condition *out, const struct condition_column *c)
{
    if (out->n < CONDITION_MAX)
        out->columns[out->n++] = *c;
    return true;
}

bool condition_of_filter(const char *filter, struct condition *out)
{
    struct reader r = {.at = filter};
    struct condition_column c;
    bool one;

    memset(out, 0, sizeof *out);
    next(&r);
    if (!passed(&r, sign(&r, "(")))
        return false;
    /* "(a = 5)" or "((a)::text = 'x'::text)"; several have a bracket more around each */
    struct reader single = r;
    one = comparison(&single, &c) && passed(&single, sign(&single, ")")) &&
          single.now.kind == TOKEN_END;
    if (one)
        return add(out, &c);
    do {
        if (!passed(&r, sign(&r, "(")) || !comparison(&r, &c) || !passed(&r, sign(&r, ")")))
            return false;
        add(out, &c);
    } while (passed(&r, word(&r, "and")));
    return passed(&r, sign(&r, ")")) && r.now.kind == TOKEN_END;
}

/* ---- a statement ---- */

/* To the FROM that is in no bracket. */
static bool find_from(struct reader *r)
{
    int depth = 0;

    for (next(r); r->now.kind != TOKEN_END && r->now.kind != TOKEN_BAD; next(r)) {
        depth += sign(r, "(") ? 1 : sign(r, ")") ? -1 : 0;
        if (depth > 0 && word(r, "select"))
            return false;
        if (depth == 0 && word(r, "from"))
            return true;
    }
    return false;
}

static bool table(struct reader *r, struct condition *out)
{
    passed(r, word(r, "only"));
    if (!is_name(r))
        return false;
    text_copy_raw(out->table, sizeof out->table, r->now.text);
    next(r);
    if (passed(r, sign(r, "."))) {
        if (!is_name(r))
            return false;
        text_copy_raw(out->schema, sizeof out->schema, out->table);
        text_copy_raw(out->table, sizeof out->table, r->now.text);
        next(r);
    }
    passed(r, word(r, "as"));
    if (is_name(r))
        next(r);
    return true;
}

static bool ends(const struct reader *r)
{
    return r->now.kind == TOKEN_END || sign(r, ";") || word(r, "order") || word(r, "group") ||
           word(r, "limit") || word(r, "offset") || word(r, "fetch") || word(r, "for");
}

bool condition_of_statement(const char *text, struct condition *out)
{
    struct reader r = {.at = text};
    struct condition_column c;

    memset(out, 0, sizeof *out);
    next(&r);
    if (!word(&r, "select") || !find_from(&r))
        return false;
    next(&r);
    if (!table(&r, out) || !passed(&r, word(&r, "where")))
        return false;
    do {
        bool wrapped = passed(&r, sign(&r, "("));
        if (!comparison(&r, &c) || (wrapped && !passed(&r, sign(&r, ")"))))
            return false;
        add(out, &c);
    } while (passed(&r, word(&r, "and")));
    if (!ends(&r))
        return false;
    for (; r.now.kind != TOKEN_END; next(&r)) /* another SELECT may still follow */
        if (r.now.kind == TOKEN_BAD || word(&r, "select") || word(&r, "union"))
            return false;
    return true;
}

void condition_sort(struct condition *c)
{
    struct condition sorted = *c;
    int ranges = 0;

    sorted.n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < c->n; i++) {
            bool there = c->columns[i].equal != (pass == 0);
            for (int k = 0; k < sorted.n; k++)
                there = there || strcmp(sorted.columns[k].name, c->columns[i].name) == 0;
            if (!there && !(pass == 1 && ranges++ > 0))
                sorted.columns[sorted.n++] = c->columns[i];
        }
    *c = sorted;
}
