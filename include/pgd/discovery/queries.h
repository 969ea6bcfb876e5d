/* queries.h - the statements of discovery, one row each: which versions, which text, what the rows
 * mean and what is lost without them. */
#pragma once

#include "pgd/discovery/discover.h"

struct discover_query {
    const char *name;
    const char *asset; /* the text below assets/, or NULL: sql */
    const char *sql;
    int from, before; /* versions as in server_version_num; before = 0: no end */
    bool refresh;     /* part of discover_refresh(), too */
    bool sets;        /* sets something in the session */
    bool size;        /* counts the files of databases: it takes time where there are many */
    bool
        statements; /* asks pg_stat_statements, by the steps of extension.h: only where it can be read, and not
                        behind a pooler. @…@ in its text is filled in (traffic.h) */
    bool needed;      /* nothing is possible without it */
    const char *lost; /* what is missing when it fails; NULL = nothing that anyone would miss */
    void (*fill)(struct discover *d, struct server_facts *f,
                 const struct rows *r); /* may be NULL */
};

/* What a session of looking begins and ends with: no statement of it waits long for a lock, or for anything. */
extern const char discover_limits_set[], discover_limits_reset[];
/* The same, once settings have been read: no plan is compiled. */
extern const char discover_plans_set[], discover_plans_reset[];

extern const struct discover_query discover_queries[];
extern const int discover_query_count;

/* The index of the first row at or after `at` for this server; discover_query_count at the end. */
int discover_query_next(int at, const struct server_facts *f, bool refresh, bool pooled);

/* Notes in f->missing that `what` could not be seen and why; replaces an older note on `what`. */
void facts_missing(struct server_facts *f, const char *what, const char *why);
void facts_not_missing(struct server_facts *f, const char *what);
