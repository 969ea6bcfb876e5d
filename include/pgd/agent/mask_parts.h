/* mask_parts.h - what the files of the mask share: privacy.c (aliases), mask_sql.c, mask_prose.c, mask_place.c, mask_secret.c.
 * Nobody else includes it. */
#pragma once

#include <stdint.h>

#include "pgd/agent/privacy.h"

enum {
    MASK_ALIASES_MAX = 4096,
    MASK_NAME_MAX = 255,        /* bytes of a host or an address that is put back */
    MASK_IDENT_MAX = 63,        /* bytes of PostgreSQL's names */
    MASK_TEXT_MAX = 256 * 1024, /* of one text; what comes behind is not looked at and not sent */
    MASK_BUCKETS = 4096,
    MASK_ODD_MAX = 64
};

struct alias {
    enum alias_kind kind;
    int number;
    char *name;      /* owned */
    bool everywhere; /* masked wherever it stands as a word */
    int next;        /* in its bucket; -1 = the last */
};

struct mask {
    enum privacy level;
    int n;
    size_t cap;
    struct alias *items; /* owned */
    int count[ALIAS_KINDS];
    int nknown;                /* of them, those that are masked everywhere */
    int buckets[MASK_BUCKETS]; /* of names, whatever their case; -1 = empty */
    uint16_t by_number[ALIAS_KINDS][MASK_ALIASES_MAX + 1]; /* place in items + 1; 0 = none */
    int nodd;
    int odd[MASK_ODD_MAX]; /* known names that are more than one word: "my shop", "db-1" */
    /* Words that say nothing about anybody: assets/privacy/words.txt and mask_allow(). */
    size_t nwords, words_cap;
    char **words;      /* owned texts, hashed with open addressing; words_cap is a power of two */
    struct memo *memo; /* owned; mask_memo.c alone */
};

void mask_forget(struct mask *m); /* frees what is remembered */
/* Bytes of the word that begins here: letters (of any alphabet), digits, '_', and '$' within; 0 = none. */
size_t mask_word(const char *s, size_t n);
bool mask_is_word_before(const char *s, size_t at); /* does a word end right before s[at]? */
/* Takes out what is not printable; '\n' stays. quotes: typographic ones become MARK_*, dashes and blanks plain ones. */
enum { MARK_OPEN = 2, MARK_CLOSE = 3, MARK_DOUBLE = 4 };
void mask_clean(const char *text, bool quotes, struct buf *out);
/* Keys, passwords and tokens in a clean text become ***. */
void mask_secrets(const struct mask *m, const char *text, struct buf *out);
bool mask_allowed(const struct mask *m, const char *word, size_t len);
/* Looks like an alias: it then gets one of its own, so that putting back is never ambiguous. */
bool mask_looks_alias(const char *word, size_t len);
/* The alias of a name, given out if need be. */
void mask_put(struct mask *m, enum alias_kind kind, const char *name, size_t len, struct buf *out);
/* What is known of a word; NULL = nothing. */
const struct alias *mask_find(const struct mask *m, const char *word, size_t len);
bool mask_private(enum alias_kind k); /* masked at REDACTED, too */
/* Says nothing about anybody although it is a name: "postgres", "localhost", "public". */
bool mask_generic(const char *word, size_t len);
/* A word of prose or an identifier of SQL, by what is known of it and by the level. */
void mask_put_word(struct mask *m, const char *word, size_t len, struct buf *out);
/* The known name of more than one word that stands at s; NULL = none. */
const struct alias *mask_odd_at(const struct mask *m, const char *s, size_t n);
/* An e-mail, an address or a host that begins at s[at]: appended masked; bytes taken, 0 = none. */
size_t mask_place(struct mask *m, const char *s, size_t n, size_t at, struct buf *out);
/* One line of prose without its end. */
void mask_line(struct mask *m, const char *s, size_t n, struct buf *out);
