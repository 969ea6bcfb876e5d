/* privacy.h - what leaves the machine: masking of text before a model sees it, and back.
 *
 * STRICT sends figures, setting names and words of our own; no identifier, no query text. REDACTED (the default) keeps the names
 * of tables, columns and indexes; literals and comments go, hosts, users, database names, addresses and e-mail become stable
 * aliases (host1, user2), the same in every request of a program run, put back in the answers. FULL masks secrets alone: keys,
 * passwords, tokens are *** at every level. docs/privacy.md says it for the DBA. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/err.h"

enum privacy { PRIVACY_STRICT, PRIVACY_REDACTED, PRIVACY_FULL };
const char *privacy_name(enum privacy p); /* "strict", "redacted", "full" */

/* What kind of thing an alias stands for. */
enum alias_kind {
    ALIAS_HOST,
    ALIAS_USER,
    ALIAS_DATABASE,
    ALIAS_EMAIL,
    ALIAS_ADDRESS,
    ALIAS_NAME, /* a schema, a column, a word of which nothing is known */
    ALIAS_TABLE,
    ALIAS_INDEX,
    ALIAS_KINDS
};

struct mask; /* the aliases, in the order in which they were met; bounded */

struct mask *mask_new(enum privacy level);
void mask_free(struct mask *m);
enum privacy mask_level(const struct mask *m);
void mask_set_level(struct mask *m, enum privacy level); /* aliases stay */
/* A name that is known to be one (the server's host, the role, a database, a table): from now on it is masked wherever it stands
 * as a word. NAME, TABLE and INDEX are so at STRICT; at REDACTED they are known to be no literals. */
void mask_know(struct mask *m, enum alias_kind kind, const char *name);
/* A word that says nothing about anybody (a setting's name): it passes at STRICT. */
void mask_allow(struct mask *m, const char *word);
/* Each appends the masked form of a text to out; control, zero-width and bidirectional characters are taken out. Prose: messages,
 * log lines, plans, the DBA's own words. SQL: literals become ?, comments go, password clauses go, identifiers stay (not at STRICT:
 * nothing then). Ident: a table, column, index, role … by its name, at most 63 bytes (a host: 255). */
void mask_prose(struct mask *m, const char *text, struct buf *out);
void mask_sql(struct mask *m, const char *sql, struct buf *out);
void mask_ident(struct mask *m, enum alias_kind kind, const char *name, struct buf *out);
/* Words of our own about what a model said, with its aliases put back: names alone are masked. Quotes and numbers stay, for there is
 * no literal in them: the model has been told none. */
void mask_names(struct mask *m, const char *text, struct buf *out);
/* A model's words with the aliases put back; whole words alone. */
void mask_reverse(const struct mask *m, const char *text, struct buf *out);
/* What was made of the text when it was masked as `kind` (a number of the caller's) before; NULL = nothing that still holds: whatever
 * the mask learns since, also a secret, empties it. Borrowed until the next call with this mask. */
const char *mask_remembered(struct mask *m, int kind, const char *text);
void mask_remember(struct mask *m, int kind, const char *text, const char *masked);
/* Names that are masked wherever they stand: it grows when a text has shown what one of its words is. */
int mask_known(const struct mask *m);
