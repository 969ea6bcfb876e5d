/* privacy.h - what leaves the machine: masking of text before a model sees it, and back.
 *
 * STRICT sends figures, setting names and words of our own; no identifier, no query text. REDACTED (the default) keeps the names
 * of tables, columns and indexes; literals, comments, hosts, users, database names, addresses, e-mail and secrets become stable aliases
 * (host1, user2), the same in every request of a program run, put back in the answers. FULL masks secrets alone. */
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
    ALIAS_NAME,
    ALIAS_KINDS
};

struct mask; /* the aliases, in the order in which they were met; bounded */

struct mask *mask_new(enum privacy level);
void mask_free(struct mask *m);
enum privacy mask_level(const struct mask *m);
void mask_set_level(struct mask *m, enum privacy level); /* aliases stay */
/* A name that is known to be one (the server's host, the role, a database): from now on it is masked wherever it stands as a
 * word. */
void mask_know(struct mask *m, enum alias_kind kind, const char *name);
/* Each appends the masked form of a text to out. Prose: messages, log lines, the DBA's own words. SQL: literals become ?, comments go,
 * password clauses go, identifiers stay (not at STRICT: "" then). Ident: a table, column, index, role … by its name. */
void mask_prose(struct mask *m, const char *text, struct buf *out);
void mask_sql(struct mask *m, const char *sql, struct buf *out);
void mask_ident(struct mask *m, enum alias_kind kind, const char *name, struct buf *out);
/* A model's words with the aliases put back. */
void mask_reverse(const struct mask *m, const char *text, struct buf *out);
