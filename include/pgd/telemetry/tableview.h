/* tableview.h - the live views that are tables: what each asks the server, what its columns are, and its rows as they were read.
 *
 * A view is a row of tableview_list.c and one text of SQL; everything else (asking, differences, order, filter, drawing) is the same
 * for all of them. Pure: rows come in, cells go out. Figures that only grow are shown as their difference from the sample before, by
 * the second; a row is the same row when its key columns are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

/* Between the parts of a row's key: a character that cleaning leaves as it is (U+241F). */
#define TABLEVIEW_SEPARATOR "\xe2\x90\x9f"

struct collect;
struct tableview_rows;

enum {
    TABLEVIEW_ROWS = 500, /* more are not kept, and that is said */
    TABLEVIEW_MS = 500,   /* the server's own limit for a statement */
    TABLEVIEW_COLS = 24,
    TABLEVIEW_TEXT = 4000,     /* bytes of one cell */
    TABLEVIEW_TEXTS = 2 << 20, /* … of all cells of a sample */
    TABLEVIEW_KEY = 160,       /* bytes of a row's key */
    TABLEVIEW_FILTER = 64,     /* bytes */
    TABLEVIEW_KEYS = 4,        /* columns that a key is made of */
    TABLEVIEW_VERSIONS = 5,    /* texts of SQL */
    TABLEVIEW_MAX = 16         /* views */
};

enum tableview_kind {
    TV_TEXT,     /* left-aligned; the others are right-aligned */
    TV_INT,      /* a count */
    TV_FLOAT,    /* a figure with one or two decimals */
    TV_BYTES,    /* "128 MB" */
    TV_MS,       /* milliseconds, with their unit */
    TV_DURATION, /* seconds: "3.2 s", "12:41", "3 d 4 h" */
    TV_PERCENT,  /* 0..100 */
    TV_BOOL      /* "yes" or nothing */
};

struct tableview_column {
    const char *name; /* of the column in the SQL */
    const char *header;
    enum tableview_kind kind;
    int width; /* columns on the screen; 0 = what is left (one of a view, its last) */
    int rank;  /* where there is no room for all: 0 first. Right and Left show the others */
    bool rate; /* counted since the server's start: shown by the second */
    bool unsorted;
};

enum tableview_form {
    TABLEVIEW_TABLE,
    TABLEVIEW_TREE,  /* who waits for whom: columns "pid" and "blockers" (tableview_tree.c) */
    TABLEVIEW_SHARES /* wait events in time; no SQL, its figures are the telemetry's */
};

struct tableview {
    const char *name;  /* of /view NAME */
    const char *title; /* of the frame */
    const char *help;  /* one sentence for the menu */
    char key;          /* that opens it; 0 = the menu alone */
    enum tableview_form form;
    struct {
        int from;          /* server_version_num */
        const char *asset; /* "sql/view/NAME.sql" */
    } sql
        [TABLEVIEW_VERSIONS]; /* rising; the last that fits is sent. Nothing fits: `lacks` is said */
    const char *
        extension; /* what must be installed in the database: "@schema@" in the SQL becomes its schema */
    const char *key_columns[TABLEVIEW_KEYS];
    const char *sort;  /* the column that it is sorted by first */
    bool down;         /* … the largest first */
    const char *lacks; /* what is missing when the server refuses it: a sentence */
    const char *empty; /* what it means that there are no rows */
    struct {
        const char *column, *value; /* rows with it are hidden until `i` is pressed … */
        const char *what;           /* … and called that: "idle" */
    } quiet;
    bool of_database; /* the rows are of the connected database, which its frame names */
    int every_s;      /* seconds between two questions; 0 = 1 */
    bool acts;        /* a row is a session: C and T work on it (columns pid, backend_start) */
    bool all;         /* every session that was once among its rows is there as long as it lives */
    int limit_ms;     /* of its statement; 0 = TABLEVIEW_MS */
    /* Cells that do not come from the server: called with each new sample. NULL = none. */
    void (*fill)(const struct tableview *v, const struct collect *c, struct tableview_rows *rows);
    /* Instead of SQL: the rows, of what the program has in memory. The caller frees; NULL, with why, when there is nothing. */
    struct rows *(*make)(const struct collect *c, char why[240]);
    struct tableview_column columns[TABLEVIEW_COLS + 1]; /* closed by a row without a name */
};

extern const struct tableview tableview_list[];
extern const int tableview_count;

/* By name or by the beginning of one; NULL = there is none. */
const struct tableview *tableview_find(const char *name);
const struct tableview *tableview_by_key(uint32_t key);
int tableview_index(const struct tableview *v); /* in tableview_list */
/* The asset to send to this version; NULL = it lacks what the view shows. */
const char *tableview_asset(const struct tableview *v, int version);
/* The SQL of a text for a server of this version (server_version_num), appended: without the comment at its head, with @schema@
 * filled in (quoted here), and without the lines that are of other versions: one that ends in " --@13.." is of 13 and later,
 * " --@..12" of 12 and earlier, " --@13..16" of these. */
void tableview_resolve(const char *text, int version, const char *schema, struct buf *out);
/* The same of an asset. False: there is no such asset. */
bool tableview_sql(const char *asset, int version, const char *schema, struct buf *out);
int tableview_columns(const struct tableview *v);
int tableview_column_of(const struct tableview *v, const char *name); /* -1 = none */

struct tableview_cell {
    double raw;    /* as the server counts; NAN = none */
    double value;  /* as shown: of a rate the difference by the second; NAN = not known */
    uint32_t text; /* TV_TEXT: where its text begins in `texts`; 0 = SQL NULL */
};

/* One sample. Zero-initialised it is empty. */
struct tableview_rows {
    int64_t at_us; /* of its arrival; 0 = there is none */
    int n, ncols;
    bool more;                    /* the server had more than TABLEVIEW_ROWS */
    struct tableview_cell *cells; /* n * ncols, owned */
    uint32_t *keys;               /* n, owned: offsets in texts */
    unsigned char *depth;         /* n, owned: of a tree */
    struct buf texts;             /* owned; each closed by a NUL, cleaned */
    uint32_t absent; /* bits of columns that nothing is known of here: they are not shown */
    char note[240];  /* of the column "note": what is lacking, what is left out */
};

/* What the DBA has made of a view; kept while the program runs. Zero-initialised it is as the table says. */
struct tableview_state {
    int sort;     /* 1 + column; 0 = as the view says */
    bool reverse; /* against the order that the column begins with */
    bool loud;    /* quiet rows are shown, too */
    int left;     /* columns that are scrolled away */
    int scroll;
    int row;                    /* the cursor's place when its row was seen last */
    char cursor[TABLEVIEW_KEY]; /* key of its row; "" = the first */
    char filter[TABLEVIEW_FILTER];
};

/* Which rows are shown, in which order. */
struct tableview_order {
    int n;
    int rows[TABLEVIEW_ROWS]; /* indices into the sample */
    int hidden;               /* quiet ones */
};

/* Reads the answer. before: the sample for the differences; NULL or empty = none yet. What out held is freed. False: not the columns
 * of this view. */
bool tableview_read(const struct tableview *v, const struct rows *r, int64_t at_us,
                    const struct tableview_rows *before, struct tableview_rows *out);
void tableview_clear(struct tableview_rows *t);
const struct tableview_cell *tableview_at(const struct tableview_rows *t, int row, int col);
/* The text of a TV_TEXT cell; "" for NULL. Borrowed. */
const char *tableview_text(const struct tableview_rows *t, int row, int col);
const char *tableview_key(const struct tableview_rows *t, int row);
/* A cell as it is shown, with its unit. */
void tableview_show(const struct tableview *v, const struct tableview_rows *t, int row, int col,
                    char *dst, size_t size);
void tableview_duration(char *dst, size_t size, double seconds);

/* Filters and sorts; the cursor stays on its row, or on its place when that row is gone. Words of the filter must all be found;
 * "user:app" looks in one column, "!word" excludes. Rows of a tree keep their order. */
void tableview_arrange(const struct tableview *v, const struct tableview_rows *t,
                       struct tableview_state *s, struct tableview_order *o);
void tableview_move(const struct tableview_rows *t, const struct tableview_order *o, int by,
                    struct tableview_state *s);
/* The row under the cursor, as an index into the sample; -1 = there is none. */
int tableview_cursor(const struct tableview_order *o, const struct tableview_state *s);
int tableview_sorted_by(const struct tableview *v, const struct tableview_state *s); /* -1 = none */
bool tableview_sorted_down(const struct tableview *v, const struct tableview_state *s);
/* The next (1) or former (-1) column that can be sorted by. */
void tableview_sort_next(const struct tableview *v, int way, struct tableview_state *s);

/* tableview_fill.c: "cpu", "memory", "disk_read" and "disk_write" of the process with the row's pid, where its machine is seen. */
void tableview_fill_processes(const struct tableview *v, const struct collect *c,
                              struct tableview_rows *t);
/* tableview_tree.c: puts the rows into the order of a tree, roots first, and fills depth and the column "behind". */
void tableview_tree(const struct tableview *v, struct tableview_rows *t);
