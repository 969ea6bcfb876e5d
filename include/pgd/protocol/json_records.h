/* json_records.h - the records as JSON, both ways: session files, events, and the answers of
 * models. Reading is strict about types and bounds and cleans text; an error names the field.
 *
 * Keys are the names of the fields of records.h; lists are "scripts", "changes", "findings",
 * "strategies"; risk, restart, protocol and a verdict's kind are words ("low", "ask", "simple",
 * "improved"); an unknown number is null. */
#pragma once

#include <jansson.h>

#include "pgd/base/err.h"
#include "pgd/protocol/records.h"

/* One helper per kind, so that no value can make jansson return NULL: non-finite numbers become
 * null, invalid UTF-8 is cleaned. */
const char *js_library(void); /* the version of the JSON library: "2.14" */
json_t *js_num(double v);
json_t *js_text(const char *s);
double js_get_num(const json_t *obj, const char *key, double otherwise);
int64_t js_get_int(const json_t *obj, const char *key, int64_t otherwise);
bool js_get_bool(const json_t *obj, const char *key, bool otherwise);
/* Copies a cleaned, bounded text; false (and "") when it is missing or no string. */
bool js_get_text(const json_t *obj, const char *key, char *dst, size_t size);
/* Parses a text as one JSON value: duplicates rejected, depth and size bounded. NULL and *e on
 * error. */
json_t *js_parse(const char *text, size_t len, struct err *e);

json_t *json_from_sdl(const struct sdl *s);
bool json_to_sdl(const json_t *j, struct sdl *s, struct err *e);
json_t *json_from_proposal(const struct proposal *p);
bool json_to_proposal(const json_t *j, struct proposal *p, struct err *e);
json_t *json_from_first_sight(const struct first_sight *f);
bool json_to_first_sight(const json_t *j, struct first_sight *f, struct err *e);
json_t *json_from_verdict(const struct verdict *v);
bool json_to_verdict(const json_t *j, struct verdict *v, struct err *e);
json_t *json_from_target(const struct target *t);
bool json_to_target(const json_t *j, struct target *t, struct err *e);
json_t *json_from_conclusion(const struct conclusion *c);
bool json_to_conclusion(const json_t *j, struct conclusion *c, struct err *e);
