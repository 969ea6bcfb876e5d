/* derive_parts.h - what the files of derive share with each other; nobody else includes it. */
#pragma once

#include "pgd/runner/derive.h"

enum { TOKENS_MAX = 3000 };

enum token_kind {
    TOKEN_WORD,   /* a keyword or a name without quotes */
    TOKEN_QUOTED, /* a name in quotes */
    TOKEN_STRING, /* a constant in quotes that was left in the text */
    TOKEN_NUMBER,
    TOKEN_PARAM,
    TOKEN_OP,   /* one or more operator characters; also :: and : */
    TOKEN_PUNCT /* one of ( ) [ ] , . ; */
};

struct token {
    enum token_kind kind;
    const char *s; /* borrowed from the text, or a constant */
    size_t len;
    int number;  /* of a parameter */
    bool list;   /* … that stands for a list, as version 18 writes it */
    char before; /* white space in front: 0, ' ' or '\n' */
    int match;   /* of a bracket: the other one; -1 = none */
};

struct scan {
    struct token *t; /* owned */
    int n;
};

/* derive_scan.c */
/* The tokens of text, which has to outlive them; false, with why, when it is not a statement that can be taken. */
bool scan_read(const char *text, struct scan *s, char why[160]);
void scan_clear(struct scan *s);
/* Writes what the server's normalization has made unreadable in a way that it reads, and numbers the parameters anew. */
void scan_rewrite(struct scan *s);
bool scan_is(const struct scan *s, int i, const char *word_or_sign);
/* The bracket at i and its partner; -1. */
int scan_match(const struct scan *s, int i);
/* The bracket that encloses token i; -1. */
int scan_open(const struct scan *s, int i);
bool scan_name(const struct scan *s, int i); /* a name that is not reserved */
/* Appends tokens from to to, inclusive; parameters as $n. */
void scan_put(const struct scan *s, int from, int to, struct buf *out);
bool scan_reserved(const struct token *t);

/* derive_tables.c */
/* Appends the message that draws values from t: `select` reads t->relation and nothing else, see there. */
void derive_draw(const struct derive_table *t, const char *select, struct buf *out);

/* derive_write.c */
/* Appends the text with $1 …, each with what `type` appends for it; type may be NULL. */
void derive_fill(const struct derived *d,
                 void (*type)(const struct derive_param *p, struct buf *out), struct buf *out);
/* A value as an SQL literal in which pgbench finds no variable. */
void derive_literal(struct buf *out, const char *value);
