/* text.h - UTF-8 at the border: decoding, width, cleaning, bounded copies, and a few formats.
 *
 * Text from databases, logs, files and children may hold anything. text_copy() leaves only printable
 * characters: C0 and C1 controls, bidirectional and zero-width characters and invalid bytes become
 * U+FFFD (or a space for tab and newline). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character of at most n bytes; returns the bytes used (>= 1 when n > 0). An invalid
 * byte gives U+FFFD and 1. */
size_t text_decode(const char *s, size_t n, uint32_t *rune);
size_t text_encode(uint32_t rune, char out[4]);
/* Columns of one character: 0 combining, 1, or 2 (East Asian wide); independent of the locale.
 * An unsafe one counts as 1, for U+FFFD is what gets drawn. */
int text_rune_width(uint32_t rune);
bool text_rune_safe(uint32_t rune);
int text_width(const char *s);
/* Copies src into dst (size bytes with the NUL), cleaned, cut at a character. Returns false if
 * cut. */
bool text_copy(char *dst, size_t size, const char *src);
/* The same without cleaning (for values that go to the server, never to the screen). */
bool text_copy_raw(char *dst, size_t size, const char *src);
/* The value of a line NAME=VALUE of text, cleaned; "" when there is none. */
void text_field(const char *text, const char *name, char *dst, size_t size);
/* The bytes of s that fill at most width columns. */
size_t text_fit(const char *s, int width);
bool text_eq_nocase(const char *a, const char *b);
bool text_is_ident(const char *s); /* [a-z_][a-z0-9_$.]* and at most 63 bytes: a setting's name */

/* "128 MB", "9.8 GB": binary units as PostgreSQL writes them. */
void text_bytes(char *dst, size_t size, double bytes);
/* "4 502": thin separators are a space; for tables. */
void text_grouped(char *dst, size_t size, double value);
/* "+17.2 %" from 1.172. */
void text_percent(char *dst, size_t size, double ratio);
/* "-95 % to -91 %" from 0.05 and 0.09, with so many decimals: the two ends of an interval of ratios; "-" for an end that is not
 * known. */
void text_interval(char *dst, size_t size, double lo, double hi, int decimals);
/* "2 h", "41 s", "3 d". */
void text_age(char *dst, size_t size, double seconds);
/* Strict: the whole string is a number; no locale. */
bool text_double(const char *s, double *out);
bool text_int64(const char *s, int64_t *out);
