/* A look-up of figures in the evidence: is this number one that was measured?
 *
 * A figure may be written in other units and rounded: "128 MB" is 16384 pages of 8 kB, "+17 %" a ratio of 1.172. So each number
 * of the evidence counts as it stands and in the base unit (bytes, milliseconds, shares), and a claim holds when one of them
 * lies within its own rounding, or within 1 %. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/op_parts.h"

/* ---- numbers in texts ---- */

struct token {
    double raw;    /* as it stands */
    double base;   /* in the base unit; raw without a unit */
    double slack;  /* of base: half of the last digit that is written out */
    double rslack; /* … of raw */
    bool sign, percent, point, rate, size;
    size_t from, to;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const struct {
    const char *name;
    double factor;
    bool size, percent, rate;
} units[] = {
    {"kB", 1024, true, false, false},
    {"KB", 1024, true, false, false},
    {"MB", 1048576, true, false, false},
    {"GB", 1073741824, true, false, false},
    {"TB", 1099511627776, true, false, false},
    {"KiB", 1024, true, false, false},
    {"MiB", 1048576, true, false, false},
    {"GiB", 1073741824, true, false, false},
    {"%", 0.01, false, true, false},
    {"percent", 0.01, false, true, false},
    {"TPS", 1, false, false, true},
    {"tps", 1, false, false, true},
    {"us", 0.001, false, false, false},
    {"ms", 1, false, false, false},
    {"s", 1000, false, false, false},
    {"seconds", 1000, false, false, false},
    {"min", 60000, false, false, false},
    {"minutes", 60000, false, false, false},
    {"h", 3600000, false, false, false},
    {"hours", 3600000, false, false, false},
    {"d", 86400000, false, false, false},
    {"days", 86400000, false, false, false},
};

static void take_unit(const char *s, size_t len, struct token *t)
{
    size_t at = t->to + (t->to < len && s[t->to] == ' ');
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].name);
        if (at + n > len || memcmp(s + at, units[i].name, n) != 0 ||
            (at + n < len && s[at] != '%' && (is_letter(s[at + n]) || is_digit(s[at + n]))))
            continue;
        t->base = t->raw * units[i].factor;
        t->slack = t->rslack * units[i].factor;
        t->size = units[i].size;
        t->percent = units[i].percent;
        t->rate = units[i].rate;
        t->to = at + n;
        return;
    }
}

/* Three digits and no fourth behind a blank or a comma: the next group of a number such as 4 502. */
static bool is_group(const char *s, size_t len, size_t at)
{
    return at + 3 < len && (s[at] == ' ' || s[at] == ',') && is_digit(s[at + 1]) &&
           is_digit(s[at + 2]) && is_digit(s[at + 3]) && (at + 4 >= len || !is_digit(s[at + 4]));
}

static size_t take_digits(const char *s, size_t len, size_t at, double *x)
{
    size_t from = at;
    for (; at < len && is_digit(s[at]); at++)
        *x = *x * 10 + (s[at] - '0');
    bool groups = at - from <= 3;
    for (; groups && is_group(s, len, at); at += 4)
        for (size_t i = 1; i <= 3; i++)
            *x = *x * 10 + (s[at + i] - '0');
    return at;
}

static size_t take_fraction(const char *s, size_t len, size_t at, struct token *t)
{
    if (at + 1 >= len || s[at] != '.' || !is_digit(s[at + 1]))
        return at;
    t->point = true;
    for (at++; at < len && is_digit(s[at]); at++) {
        t->rslack /= 10;
        t->raw += (s[at] - '0') * 2 * t->rslack;
    }
    return at;
}

/* e+20, as large figures are printed. */
static size_t take_exponent(const char *s, size_t len, size_t at, struct token *t)
{
    if (at + 2 >= len || s[at] != 'e' || (s[at + 1] != '+' && s[at + 1] != '-') ||
        !is_digit(s[at + 2]))
        return at;
    int power = 0;
    bool minus = s[at + 1] == '-';
    for (at += 2; at < len && is_digit(s[at]); at++)
        power = power < 400 ? power * 10 + (s[at] - '0') : power;
    t->raw *= pow(10, minus ? -power : power);
    t->rslack *= pow(10, minus ? -power : power);
    return at;
}

/* The next number of the text that is no part of a word (p95, round1). */
static bool next_token(const char *s, size_t len, size_t at, struct token *t)
{
    for (; at < len; at++) {
        if (is_letter(s[at])) {
            while (at + 1 < len && (is_letter(s[at + 1]) || is_digit(s[at + 1])))
                at++;
            continue;
        }
        if (!is_digit(s[at]))
            continue;
        *t = (struct token){.from = at, .rslack = 0.5};
        bool minus = at > 0 && s[at - 1] == '-';
        t->sign = at > 0 && (s[at - 1] == '+' || s[at - 1] == '-') &&
                  (at < 2 || !(is_digit(s[at - 2]) || is_letter(s[at - 2])));
        t->to = take_digits(s, len, at, &t->raw);
        t->to = take_fraction(s, len, t->to, t);
        t->to = take_exponent(s, len, t->to, t);
        if (minus && t->sign)
            t->raw = -t->raw;
        t->base = t->raw;
        t->slack = t->rslack;
        take_unit(s, len, t);
        return true;
    }
    return false;
}

/* ---- the index ---- */

static void add_number(struct fact_index *x, size_t *cap, double v)
{
    if (!isfinite(v))
        return;
    x->numbers = xgrow(x->numbers, cap, x->n + 1, sizeof *x->numbers);
    x->numbers[x->n++] = v;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void fact_index_init(struct fact_index *x, const struct op_input *in)
{
    struct token t;
    size_t cap = 0;
    memset(x, 0, sizeof *x);
    op_facts(in, &x->text);
    const char *s = buf_text(&x->text);
    for (size_t at = 0; next_token(s, x->text.len, at, &t); at = t.to) {
        add_number(x, &cap, t.raw);
        if (t.base != t.raw)
            add_number(x, &cap, t.base);
    }
    if (x->n)
        qsort(x->numbers, x->n, sizeof *x->numbers, by_value);
}

void fact_index_clear(struct fact_index *x)
{
    buf_clear(&x->text);
    free(x->numbers);
    memset(x, 0, sizeof *x);
}

/* Is there a number within the slack, or 1 % of it? */
static bool near(const struct fact_index *x, double v, double slack)
{
    double by = fmax(slack, 0.01 * fabs(v)) * (1 + 1e-9);
    size_t lo = 0, hi = x->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (x->numbers[mid] < v - by)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->n && x->numbers[lo] <= v + by;
}

/* The sign of a number may be told in words: "3 % less". */
static bool known(const struct fact_index *x, const struct token *t)
{
    return near(x, t->raw, t->rslack) || near(x, t->base, t->slack) ||
           (!t->sign && (near(x, -t->raw, t->rslack) || near(x, -t->base, t->slack)));
}

static void say_missing(const char *text, const struct token *t, char *missing, size_t size)
{
    size_t from = t->from - t->sign, n = t->to - from;
    if (missing)
        say(missing, size, "%.*s", (int)(n < 60 ? n : 60), text + from);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* As a word, in any case. */
static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; n && *at; at++) {
        size_t i = 0;
        while (i < n && lower(at[i]) == lower(word[i]))
            i++;
        bool begins = at == text || !(is_letter(at[-1]) || is_digit(at[-1]));
        if (i == n && begins && !is_letter(at[n]) && !is_digit(at[n]))
            return true;
    }
    return false;
}

bool fact_holds(const struct fact_index *x, const char *text, char *missing, size_t size)
{
    struct token t;
    size_t len = strlen(text), n = 0;
    for (size_t at = 0; next_token(text, len, at, &t); at = t.to, n++) {
        if (!known(x, &t)) {
            say_missing(text, &t, missing, size);
            return false;
        }
    }
    if (n > 0 || has_word(buf_text(&x->text), text))
        return true;
    if (missing)
        say(missing, size, "%.60s", text);
    return false;
}

bool fact_claims_hold(const struct fact_index *x, const char *text, enum fact_claims which,
                      char *missing, size_t size)
{
    struct token t;
    size_t len = strlen(text);
    for (size_t at = 0; next_token(text, len, at, &t); at = t.to) {
        bool claim = which == CLAIMS_EFFECTS
                         ? t.sign && t.percent
                         : t.sign || t.percent || t.point || t.rate || t.size || fabs(t.raw) > 99;
        if (claim && !known(x, &t)) {
            say_missing(text, &t, missing, size);
            return false;
        }
    }
    return true;
}
