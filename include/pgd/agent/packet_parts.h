/* packet_parts.h - what the files of the packet share: packet.c (order, budget, fences), packet_server.c (what the server is),
 * packet_session.c (what the session has found out), audit.c (packet_masked). Nobody else includes it. */
#pragma once

#include <jansson.h>

#include "pgd/agent/packet.h"

enum { QUERY_SENT_MAX = 2048, PROSE_SENT_MAX = 8192, SECTIONS_MAX = 32 };

/* One member of a fence's object. Where there is no room, rows are taken from the end of its list, then the whole of it. */
struct section {
    const char *name;
    json_t *json; /* owned; NULL = nothing to say */
    json_t *list; /* within json: the rows, those that matter most first; borrowed; NULL = none */
    const char *rows; /* "smaller tables": what is left out, in words */
    int keep;         /* the higher, the longer it stays */
    bool fixed;       /* does not change in a session */
    size_t size;      /* bytes of json, once packed */
    int left_out;
};

struct packing {
    enum op op;
    const struct op_input *in;
    struct mask *mask;
    int n;
    struct section items[SECTIONS_MAX];
};

/* Takes json. */
void packing_add(struct packing *p, const char *name, json_t *json, json_t *list, const char *rows,
                 int keep, bool fixed);
/* Values, masked. A text that comes to nothing is left out, as a figure that is not known. */
void pack_num(json_t *o, const char *key, double value);
void pack_int(json_t *o, const char *key, int64_t value);     /* negative: not known */
void pack_word(json_t *o, const char *key, const char *ours); /* a word of our own: as it is */
void pack_prose(struct packing *p, json_t *o, const char *key, const char *text);
void pack_sql(struct packing *p, json_t *o, const char *key, const char *sql);
void pack_name(struct packing *p, json_t *o, const char *key, enum alias_kind kind,
               const char *name);
/* schema.name as one value */
void pack_place(struct packing *p, json_t *o, const char *key, enum alias_kind kind,
                const char *schema, const char *name);
/* The value of a setting: numbers, switches and choices as they are; a free text only where it is prose to be masked. */
void pack_value(struct packing *p, json_t *o, const char *key, const struct setting *s,
                const char *value);

void packet_know(struct packing *p); /* tells the mask the names of the server */
void packet_server(struct packing *p);
void packet_session(struct packing *p);
void packet_asked(struct packing *p);
/* A copy of data of the outside, masked value by value and by the names of its keys. */
json_t *packet_masked(struct mask *mask, const json_t *j);
