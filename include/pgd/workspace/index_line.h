/* index_line.h - a row of index.json as this program writes it, read without building a JSON tree: a list of ten thousand rows takes a
 * tenth of the time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <stdint.h>

struct session_row;

#define INDEX_ROUNDS_MAX INT64_C(1000000)
#define INDEX_CHANGED_MAX (INT64_C(1) << 53) /* microseconds since 1970 */

/* Reads one object into an empty row. False = it is not of the plain kind (other characters than printable ASCII, an escape, an
 * object in it, a key or a form of number that we do not write): the row is as before, and whoever reads JSON has to look. */
bool index_line_read(const char *text, size_t len, struct session_row *r);
