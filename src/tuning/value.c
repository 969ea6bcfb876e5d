/* Values as PostgreSQL reads and prints them: guard_value().
 *
 * The rules are those of the server's guc.c (15): a number may have a fraction and an exponent; a unit's amount is
 * rounded to the next smaller unit, then, for integers, to the setting's own unit; SHOW prints the largest unit that
 * divides exactly. What the server takes but people misread is refused: hexadecimal, octal, NaN, infinity. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"

struct unit {
    const char *name;
    double size; /* in bytes, or in microseconds: whole numbers, so that a ratio is exact */
};

static const struct unit memory_units[] = {
    {"TB", 1099511627776.0}, {"GB", 1073741824.0}, {"MB", 1048576.0},
    {"kB", 1024.0},          {"B", 1.0},           {NULL, 0}};
static const struct unit time_units[] = {{"d", 86400e6}, {"h", 3600e6}, {"min", 60e6}, {"s", 1e6},
                                         {"ms", 1e3},    {"us", 1.0},   {NULL, 0}};

/* What a setting is measured in: "8kB" is 8192 bytes. units is NULL for a plain number. */
struct measure {
    const struct unit *units;
    double base;
    double scale; /* from the base unit to that of settings_number(): bytes or ms */
};

static const struct unit *unit_find(const struct unit *units, const char *name)
{
    for (const struct unit *u = units; u && u->name; u++)
        if (strcmp(u->name, name) == 0)
            return u;
    return NULL;
}

static struct measure measure_of(const struct setting *s)
{
    struct measure m = {NULL, 1, 1};
    size_t digits = strspn(s->unit, "0123456789");
    double count = 1;
    char number[sizeof s->unit];
    snprintf(number, sizeof number, "%.*s", (int)digits, s->unit);
    if (digits > 0 && !text_double(number, &count))
        return m;
    const struct unit *u = unit_find(memory_units, s->unit + digits);
    if (u) {
        m = (struct measure){memory_units, count * u->size, count * u->size};
    } else if ((u = unit_find(time_units, s->unit + digits))) {
        m = (struct measure){time_units, count * u->size, count * u->size / 1000};
    }
    return m;
}

/* SHOW's text of a value in the setting's own unit. */
static void show_number(const struct measure *m, bool integer, double value, char *dst, size_t size)
{
    const char *unit = "";
    if (m->units && value > 0) {
        for (const struct unit *u = m->units; u->name; u++) {
            double multiplier = u->size / m->base;
            double amount = value / multiplier;
            unit = u->name;
            bool fits = integer ? multiplier <= 1 || fmod(value, multiplier) == 0
                                : fabs(rint(amount) / amount - 1) <= 1e-8;
            if (fits || !u[1].name) {
                value = integer ? rint(amount) : amount;
                break;
            }
        }
    }
    if (integer)
        snprintf(dst, size, "%.0f%s", value, unit);
    else
        snprintf(dst, size, "%g%s", value, unit);
}

static bool fail_unit(const struct setting *s, const struct measure *m, const char *unit,
                      struct err *e)
{
    if (!m->units) {
        err_set(e, ERR_REFUSED, "%s takes a plain number, without \"%s\"", s->name, unit);
        return false;
    }
    err_set(e, ERR_REFUSED, "\"%s\" is not a unit of %s", unit, s->name);
    for (const struct unit *u = m->units; u->name; u++)
        if (text_eq_nocase(u->name, unit))
            return err_hint(e, "Units are case-sensitive: write \"%s\".", u->name);
    err_hint(e, m->units == memory_units ? "Valid units are B, kB, MB, GB and TB."
                                         : "Valid units are us, ms, s, min, h and d.");
    return false;
}

/* Splits "1.5 GB" into its number and its unit; the number must be one that people and server read alike. */
static bool split(const struct setting *s, const char *text, double *number, char unit[8],
                  struct err *e)
{
    const char *p = text + (*text == '+' || *text == '-');
    const char *start = p;
    size_t whole = strspn(p, "0123456789");
    p += whole;
    size_t fraction = 0;
    if (*p == '.') {
        fraction = strspn(p + 1, "0123456789");
        p += 1 + fraction;
    }
    bool read = whole + fraction > 0;
    bool plain = *start != '0' || whole < 2;
    if (read && (*p == 'e' || *p == 'E')) {
        const char *x = p + 1 + (p[1] == '+' || p[1] == '-');
        size_t exponent = strspn(x, "0123456789");
        if (exponent > 0)
            p = x + exponent;
    }
    char digits[64];
    int len = (int)(p - text);
    if (!read || !plain || *p == 'x' || *p == 'X' || len >= (int)sizeof digits)
        return err_set(e, ERR_REFUSED, "\"%.40s\" is not a number for %s", text, s->name);
    snprintf(digits, sizeof digits, "%.*s", len, text);
    if (!text_double(digits, number))
        return err_set(e, ERR_REFUSED, "\"%.40s\" is not a number for %s", text, s->name);
    p += strspn(p, " ");
    if (snprintf(unit, 8, "%s", p) >= 8)
        return err_set(e, ERR_REFUSED, "\"%.40s\" is not a unit of %s", p, s->name);
    return true;
}

/* The range as the server keeps it, in the words of SHOW. */
static bool in_range(const struct setting *s, const struct measure *m, bool integer, double value,
                     const char *text, struct err *e)
{
    double lo = -HUGE_VAL;
    double hi = HUGE_VAL;
    text_double(s->min, &lo);
    text_double(s->max, &hi);
    if (integer) {
        lo = fmax(lo, INT_MIN);
        hi = fmin(hi, INT_MAX);
    }
    if (value >= lo && value <= hi)
        return true;
    char from[48];
    char to[48];
    show_number(m, integer, lo, from, sizeof from);
    show_number(m, integer, hi, to, sizeof to);
    err_set(e, ERR_REFUSED, "%s = %.40s is outside of the server's range, %s to %s", s->name, text,
            from, to);
    if (m->units && strspn(text, "0123456789") == strlen(text))
        err_hint(e, "A number without a unit counts in %s.", s->unit);
    return false;
}

static bool value_number(const struct setting *s, bool integer, const char *text, double *number,
                         char *shown, size_t size, struct err *e)
{
    struct measure m = measure_of(s);
    double value;
    char unit[8];
    if (!split(s, text, &value, unit, e))
        return false;
    if (*unit) {
        const struct unit *u = unit_find(m.units, unit);
        if (!u)
            return fail_unit(s, &m, unit, e);
        value *= u->size / m.base;
        if (u[1].name) {
            double next = u[1].size / m.base;
            value = rint(value / next) * next;
        }
    }
    if (integer)
        value = rint(value);
    if (value == 0)
        value = 0; /* no minus zero */
    if (!isfinite(value) || !in_range(s, &m, integer, value, text, e))
        return isfinite(value)
                   ? false
                   : err_set(e, ERR_REFUSED, "\"%.40s\" is not a number for %s", text, s->name);
    show_number(&m, integer, value, shown, size);
    *number = value < 0 ? value
                        : value * m.scale; /* below zero it is a word ("auto"), not an amount */
    return true;
}

/* The words of parse_bool(): prefixes of true, false, yes and no; on, off (from "of"); 1, 0. */
static bool parse_bool(const char *text, bool *value)
{
    static const struct {
        const char *word;
        size_t least;
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    size_t n = strlen(text);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char head[8];
        if (n < words[i].least || n > strlen(words[i].word))
            continue;
        snprintf(head, sizeof head, "%.*s", (int)n, words[i].word);
        if (text_eq_nocase(head, text)) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

/* Takes the next label of "{on,off,\"a b\"}"; false at the end. */
static bool next_label(const char **at, char *label, size_t size)
{
    const char *p = *at;
    while (*p == '{' || *p == ',')
        p++;
    if (*p == '\0' || *p == '}')
        return false;
    bool quoted = *p == '"';
    p += quoted;
    size_t n = 0;
    for (; *p && (quoted ? *p != '"' : *p != ',' && *p != '}'); p++) {
        if (*p == '\\' && p[1])
            p++;
        if (n + 1 < size)
            label[n++] = *p;
    }
    label[n] = '\0';
    *at = p + (quoted && *p == '"');
    return true;
}

static bool enum_has(const struct setting *s, const char *word, char *label, size_t size)
{
    const char *at = s->enumvals;
    while (next_label(&at, label, size))
        if (text_eq_nocase(label, word))
            return true;
    return false;
}

static bool value_enum(const struct setting *s, const char *text, char *shown, size_t size,
                       struct err *e)
{
    /* The server's hidden spellings of on and off, whole words only. */
    static const char *const yes[] = {"true", "yes", "1"};
    static const char *const no[] = {"false", "no", "0"};
    char label[64];
    bool found = enum_has(s, text, label, sizeof label);
    for (size_t i = 0; i < ARRAY_LEN(yes) && !found; i++) {
        if (text_eq_nocase(text, yes[i]))
            found = enum_has(s, "on", label, sizeof label);
        else if (text_eq_nocase(text, no[i]))
            found = enum_has(s, "off", label, sizeof label);
    }
    if (!found) {
        err_set(e, ERR_REFUSED, "\"%.40s\" is not a value of %s", text, s->name);
        return err_hint(e, "Valid values are %.200s.", s->enumvals);
    }
    /* There "on" is another name of pglz, and SHOW knows only the first name of a value. */
    char first[64];
    if (strcmp(s->name, "wal_compression") == 0 && strcmp(label, "on") == 0 &&
        enum_has(s, "pglz", first, sizeof first))
        text_copy_raw(shown, size, first);
    else
        text_copy_raw(shown, size, label);
    return true;
}

/* Cuts blanks off both ends; false when what remains is empty, too long or not printable ASCII without quotes. */
static bool trim(const char *text, char *out, size_t size)
{
    text += strspn(text, " ");
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    if (n == 0 || n >= size)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c > 0x7e || c == '\'' || c == '"' || c == '\\' || c == ';')
            return false;
        out[i] = text[i];
    }
    out[n] = '\0';
    return true;
}

bool guard_value(const struct setting *s, const char *text, double *number, char *shown,
                 size_t shown_size, struct err *e)
{
    char word[SETTING_VALUE_MAX];
    double ignored;
    if (!number)
        number = &ignored;
    *number = NAN;
    if (text[strspn(text, " ")] == '\0')
        return err_set(e, ERR_REFUSED, "%s needs a value", s->name);
    if (!trim(text, word, sizeof word))
        return err_set(e, ERR_REFUSED, "the value of %s holds characters that no value needs",
                       s->name);
    if (strcmp(s->vartype, "bool") == 0) {
        bool on;
        if (!parse_bool(word, &on))
            return err_set(e, ERR_REFUSED, "%s is on or off, not \"%.40s\"", s->name, word);
        *number = on ? 1 : 0;
        text_copy_raw(shown, shown_size, on ? "on" : "off");
        return true;
    }
    if (strcmp(s->vartype, "integer") == 0)
        return value_number(s, true, word, number, shown, shown_size, e);
    if (strcmp(s->vartype, "real") == 0)
        return value_number(s, false, word, number, shown, shown_size, e);
    if (strcmp(s->vartype, "enum") == 0)
        return value_enum(s, word, shown, shown_size, e);
    text_copy_raw(shown, shown_size, word);
    return true;
}
