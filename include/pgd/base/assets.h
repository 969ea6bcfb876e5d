#pragma once
/*
 * The files below assets/, embedded in the program at build time: SQL, scripts, prompts, schemas, themes. A name is the
 * path below assets/, such as "sql/activity.sql".
 */
#include <stddef.h>

struct asset {
    const char *name;
    const unsigned char *data; /* followed by one NUL that `size` does not count */
    size_t size;
};

/* The table itself: written by the build, sorted by name, closed by a row of zeros. */
extern const struct asset asset_table[];
extern const size_t asset_count;

/* The asset of that exact name, or NULL. The data lives as long as the program. */
const struct asset *asset_find(const char *name);

/* An SQL text behind the comment lines at its head, which need not be sent. */
const char *asset_body(const char *text);

/* The body of an asset that the program cannot be without: it ends where there is none of that name. */
const char *asset_sql(const char *name);

/* The i-th asset in the order of names, or NULL past the end: to walk a folder of assets by its prefix. */
const struct asset *asset_at(size_t i);
