/* packet_parts.h - what the files of the packet share: packet.c (order, budget, fences), packet_json.c (its JSON text), packet_server.c
 * (what the server is), packet_session.c (what the session has found out), audit.c (packet_masked). Nobody else includes it.
 *
 * A packet is written as text at once: its lists run to thousands of values, of which the budget lets a part pass, and the loop
 * thread waits. So the size of each row is known as it is written, and rows are taken back by cutting the text. */
#pragma once

#include <jansson.h>

#include "pgd/agent/packet.h"
#include "pgd/base/buf.h"

enum { QUERY_SENT_MAX = 2048, PROSE_SENT_MAX = 8192, SECTIONS_MAX = 32 };

/* What of a section is let into the packet next, in this order. */
enum part {
    PART_WHOLE, /* all but its rows */
    PART_FIRST, /* the rows that say most */
    PART_REST,
    PART_NONE
};

/* One member of a fence's object. Where there is no room, rows are taken from the end of its list, then the whole of it. */
struct section {
    const char *name;
    struct buf json;  /* owned; empty = nothing to say */
    const char *rows; /* "smaller tables": what is left out, in words; NULL = it has no list */
    size_t *ends;     /* owned: where in json each row ends; those that matter most come first */
    size_t nrows, cap;
    size_t first, tail; /* where in json the list's brackets stand: after '[', before ']' */
    int keep;           /* the higher, the longer it stays */
    bool fixed;         /* does not change in a session */
    enum part next;
    bool in;        /* the budget lets it in, with */
    size_t rows_in; /* of its rows */
    int left_out;   /* rows; -1 = all of it */
};

struct packing {
    enum op op;
    const struct op_input *in;
    struct mask *mask;
    size_t room[2]; /* bytes that a section has at the most: of the second fence, of the first */
    int n;          /* finished sections */
    struct section items[SECTIONS_MAX + 1]; /* items[n] is being written */
};

/* ---- sections: begin, members or rows, end. One that says nothing is left out. ---- */

/* An object; its members go to what is returned, until packing_end(). */
struct buf *packing_begin(struct packing *p, const char *name, int keep, bool fixed);
/* A section that is a list and no object. `rows`: what is left out, in words. */
void packing_list(struct packing *p, const char *name, const char *rows, int keep, bool fixed);
/* The list within the object that was begun, as its member `key`; after the rows packing_rows_end(). */
void packing_rows(struct packing *p, const char *key, const char *rows);
void packing_rows_end(struct packing *p);
/* The next row, an object, to be filled and ended; NULL: the list has had its share of the budget, and the row counts as left out. */
struct buf *packing_row(struct packing *p);
void packing_row_end(struct packing *p);
void packing_end(struct packing *p);

/* ---- JSON as text. No '<' and no '>' stands in it. key NULL: an item of a list ---- */

/* '{' or '['; returns what pack_close_filled() wants. */
size_t pack_open(struct buf *o, const char *key, char bracket);
void pack_close(struct buf *o, char bracket);
/* Closes, or takes back what holds nothing. */
void pack_close_filled(struct buf *o, size_t mark, char bracket);
void pack_json(struct buf *o, const char *key, const struct buf *json); /* written before */
/* Values, masked. A text that comes to nothing is left out, as a figure that is not known. */
void pack_num(struct buf *o, const char *key, double value);
void pack_int(struct buf *o, const char *key, int64_t value); /* negative: not known */
void pack_bool(struct buf *o, const char *key, bool value);
void pack_word(struct buf *o, const char *key, const char *ours); /* a word of our own: as it is */
void pack_prose(struct packing *p, struct buf *o, const char *key, const char *text);
void pack_sql(struct packing *p, struct buf *o, const char *key, const char *sql);
void pack_name(struct packing *p, struct buf *o, const char *key, enum alias_kind kind,
               const char *name);
/* schema.name as one value */
void pack_place(struct packing *p, struct buf *o, const char *key, enum alias_kind kind,
                const char *schema, const char *name);
/* The value of a setting: numbers, switches and choices as they are; a free text only where it is prose to be masked. */
void pack_value(struct packing *p, struct buf *o, const char *key, const struct setting *s,
                const char *value);
/* Data of the outside, masked value by value and by the names of its keys; a text that is no JSON, as prose. */
void pack_data(struct packing *p, struct buf *o, const char *key, const char *text);
void packet_masked(struct mask *mask, const json_t *j, struct buf *out); /* appends it as JSON */

void packet_know(struct packing *p); /* tells the mask the names of the server */
void packet_server(struct packing *p);
void packet_plan(struct packing *p); /* the last that does not change */
void packet_session(struct packing *p);
void packet_asked(struct packing *p);
