/* derive.h - a pgbench script from one entry of pg_stat_statements.
 *
 * What the server keeps of a statement is its text with every constant replaced by $1, $2, …. To run it again, each of
 * them needs a value like those that the application gives. derive_read() finds what a parameter is compared with,
 * derive_script() writes the statement with values that were drawn from there. All of it is text: the server is asked by
 * the caller, with the statements that derive_ask_*() compose. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

enum {
    DERIVE_TEXT_MAX = 6000,   /* bytes of a statement */
    DERIVE_SCRIPT_MAX = 8000, /* bytes of a script */
    DERIVE_PARAMS_MAX = 60,
    DERIVE_TABLES_MAX = 16,
    DERIVE_FUNCTIONS_MAX = 32,
    DERIVE_ROWS_MAX = 64, /* values that a script draws from */
    DERIVE_LEVELS = 6     /* how much a range, a list, an interval covers: from nothing to all */
};

/* What a parameter is for. */
enum derive_role {
    DERIVE_FREE,       /* compared with nothing that is known: a plain value of its type */
    DERIVE_VALUE,      /* x = $1, also x IN ($1, …): one of the values of x */
    DERIVE_LOW,        /* x > $1, x BETWEEN $1 AND …: the low end of a range of x */
    DERIVE_HIGH,       /* x < $1: its high end */
    DERIVE_ARRAY,      /* x = ANY ($1): several values of x */
    DERIVE_PATTERN,    /* x LIKE $1 */
    DERIVE_LIMIT,      /* LIMIT $1 */
    DERIVE_OFFSET,     /* OFFSET $1 */
    DERIVE_ELEMENT,    /* $1 = ANY (x), x @> ARRAY[$1]: an element of the array x */
    DERIVE_ELEMENTS,   /* x && $1, x @> $1: an array of such elements; of a jsonb: a part of it */
    DERIVE_JSON_KEY,   /* x ->> $1 */
    DERIVE_JSON_VALUE, /* x ->> $1 = $2: the value at the key `partner` */
    DERIVE_SAME        /* x IS NOT DISTINCT FROM $1: one of the values of x, NULL where x has it */
};

struct derive_param {
    enum derive_role role;
    int table;         /* of derived.tables; -1 = none */
    char column[64];   /* the column that x is, or is made of; "" = none */
    char expr[240];    /* x as SQL text with the statement's own alias; of JSON: the column alone */
    bool column_alone; /* x is a column and nothing else */
    bool one_column;   /* x has no other */
    bool names_local;  /* nothing in x is named with a schema */
    bool foreign_type; /* the column's type is somebody else's: neither a superuser's nor ours */
    int partner;       /* the other end of the range, the parameter of the key; -1 = none */
    bool infix;        /* of a pattern: without regard to case, so that nobody expects a prefix */
    char type[80];     /* told by derive_types() */
    char column_type[80]; /* told by derive_tables() */
    double null_frac;     /* of the column; 0 unknown */
    bool span;            /* whole numbers almost without gaps: lo to hi */
    int64_t lo, hi;
    /* Drawn from the table; owned. Parameters of one table belong together by the place of their values; those of a range
     * are in order. */
    int nvalues;
    char **values;
    char *
        *extra; /* of a range: a little more than the value; of JSON: the key; NULL = none; owned */
};

struct derive_table {
    char name[140]; /* as it is written: schema.name, quoted where it was */
    char alias[70]; /* as written; "" = none, then the name's last part */
    int depth;      /* of parentheses, for names that are given twice */
    bool known;     /* the server has it */
    bool catalog;   /* in pg_catalog or information_schema */
    char kind;      /* pg_class.relkind */
    double pages;   /* relpages */
    /* told by derive_tables() */
    char relation
        [300]; /* schema and name of what values are drawn from, quoted: itself or a part of it; "" = nothing is */
    bool only;          /* … without its children */
    char version[200];  /* of the rows that give that name its meaning */
    bool foreign_types; /* a column has a type that is somebody else's */
    bool asked;         /* its values have been asked for */
};

struct derived {
    char *
        text; /* owned: one statement without comments, parameters from $1 on without gaps; NULL = not usable */
    char why[160]; /* why it is not usable: a clause without a subject */
    int ntables, nparams, nfunctions;
    struct derive_table tables[DERIVE_TABLES_MAX];
    struct derive_param params[DERIVE_PARAMS_MAX]; /* [0] is $1 */
    char functions[DERIVE_FUNCTIONS_MAX]
                  [64];   /* names that are called, lower case where not quoted */
    double rows_per_call; /* set by the owner */
    double mean_ms;       /* set by the owner */
};

/* Reads a statement of pg_stat_statements; false, with d->why, when it is none that reads and nothing else, or has what a
 * pgbench script cannot hold. d is overwritten; derived_clear() frees it in either case. */
bool derive_read(const char *text, struct derived *d);
void derived_clear(struct derived *d);

/* Appends the statement as the server reads it: what pg_stat_statements has made unreadable (INTERVAL $1, lists of PostgreSQL 18) is written
 * anew. The highest number of a parameter; -1, with why, where the text cannot be taken apart: nothing is appended then. */
int derive_readable(const char *text, struct buf *out, char why[160]);
/* Whether the statement may write or lock rows (INSERT, UPDATE, DELETE, MERGE, FOR UPDATE, FOR SHARE, also inside of WITH), so that its plan
 * already takes locks above ACCESS SHARE. What cannot be taken apart may, if such a word is anywhere in it. A view that locks rows is not
 * looked into. */
bool derive_may_lock(const char *text);
/* Appends the statement to be prepared. typed: with the columns' types at its parameters, for a server that finds none by
 * itself or the wrong ones. */
void derive_prepare(const struct derived *d, bool typed, struct buf *out);
/* The types of $1 … as one row each (column "type"); false = another number than the statement has. */
bool derive_types(struct derived *d, const struct rows *r);

/* Which tables and columns are they? Appends nothing, and returns false, when there are no tables. */
bool derive_ask_tables(const struct derived *d, struct buf *out);
void derive_tables(struct derived *d, const struct rows *r);
/* Why the statement would run somebody else's functions with our rights, a clause without a subject; NULL = it would not. */
const char *derive_strange(const struct rows *r);

/* The next question for values, in order: *at counts, from 0. It is a message of several statements (fx_several()). False: there
 * are no more. */
bool derive_ask_values(struct derived *d, int *at, struct buf *out);
/* Its answer; NULL = it failed, and plainer values are used. */
void derive_values(struct derived *d, int at, const struct rows *r);

/* Appends the script. title: comment lines for people, each ending with a newline; number marks the statement for those who
 * look at the server's statistics later. level: 0 to DERIVE_LEVELS - 1. False: it would be too long. */
bool derive_script(const struct derived *d, const char *title, int number, int level,
                   struct buf *out);
/* Does the level change the script? */
bool derive_has_levels(const struct derived *d);

/* Weights in proportion to calls, whole numbers of at least 1 and at most DERIVE_WEIGHT_MAX. */
enum { DERIVE_WEIGHT_MAX = 100000 };
void derive_weights(const double *calls, int n, int *weights);
