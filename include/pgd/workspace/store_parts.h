/* store_parts.h - what the files of the store share with each other; nobody else includes it.
 *
 * The readers take a member that is missing or null for unknown; one of another type or outside its range is an error
 * that names it. */
#pragma once

#include <jansson.h>

#include "pgd/workspace/store.h"

enum { STORE_FORMAT = 1 };

/* store.c */
/* A file of ours: an object with a format that is known. NULL and *e otherwise; one of a newer version is REFUSED. */
json_t *store_open(const char *text, size_t len, const char *name, struct err *e);
void store_dump(json_t *j, struct buf *out); /* frees j */
bool store_safe_name(const char *s);         /* a folder name from a file: never a path */
bool store_state_read(const json_t *j, enum session_state *state);
json_t *store_origin_json(const struct origin *o); /* null when it has none */
bool store_origin_read(const json_t *up, struct origin *o);
json_t *store_arm_json(const struct arm *a);
bool store_arm_read(const json_t *j, struct arm *a, const char *what, struct err *e);
json_t *store_window_json(const struct window *w);
bool store_window_read(const json_t *up, const char *key, struct window *w, struct err *e);
json_t *store_changes_json(const struct setting_change *c, int n);
bool store_change_read(const json_t *j, struct setting_change *c, struct err *e);

/* store_seen.c: the member "baseline_seen" of session.json */
json_t *store_seen_json(const struct session *s);
bool store_seen_read(const json_t *up, struct session *s, struct err *e);

/* store_advised.c: the member "advised" of session.json; what of it cannot be read is left out */
json_t *store_advised_json(const struct advised *a);
void store_advised_read(const json_t *j, struct advised *a);

/* kept.c: the member "review" of session.json; what of it cannot be read is left out */
json_t *store_kept_json(const struct kept_review *k);
void store_kept_read(const json_t *up, struct session *s);

/* pending.c: the members "by_hand" and "pending" of session.json, after everything else was read */
json_t *store_pending_json(const struct session *s);
bool store_pending_read(const json_t *j, struct session *s, struct err *e);
