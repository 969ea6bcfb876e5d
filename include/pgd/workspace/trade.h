/* trade.h - durability trades as they were measured: what each would gain, and what can be lost with it. Plain data, its words,
 * its JSON. None of them is part of a best state, and no export sets one. */
#pragma once

#include <jansson.h>

#include "pgd/base/buf.h"
#include "pgd/discovery/facts.h"
#include "pgd/protocol/records.h"

enum { TRADES_MAX = 2 };

struct trade {
    char name[SETTING_NAME_MAX];
    char value[SETTING_VALUE_MAX];
    char lost[400];     /* what a crash can take, or what it costs */
    char skipped[200];  /* why it was not measured; "" = it was */
    struct verdict got; /* without it against with it; kind NONE = not measured */
};

/* The trade of that number with what can be lost on this server; false = there is none of that number. tps: of the best state,
 * NAN unknown. */
bool trade_at(int i, const struct server_facts *f, double tps, struct trade *out);
/* One line for people: "synchronous_commit = off: +12.1 % (95 % interval +9.0 % … +15.3 %); …". */
void trade_text(const struct trade *t, struct buf *out);
/* A JSON list, as session.json and tuning.json hold it. */
json_t *trade_list_json(const struct trade *list, int n);
/* Tolerant: what makes no sense is left out. Returns how many were read into list[TRADES_MAX]. */
int trade_read(const json_t *j, struct trade *list);
/* Comment lines with the mark in front: for files that set none of it. */
void trade_comment(const struct trade *list, int n, const char *mark, struct buf *out);
