/* pgbench's \set in the small: numbers, variables, + - * / %, parentheses, and the functions
 * that workloads use. What is not known makes the whole expression unknown; nothing is guessed
 * but the random draws, which are taken at their middle. */
#include "pgd/runner/script_expr.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

enum { VARS_MAX = 128, NAME_MAX_LEN = 63, DEPTH_MAX = 40, ARGS_MAX = 8 };

struct value {
    bool known;
    bool whole;
    int64_t i;
    double d; /* the same as a double when whole */
};

struct var {
    char name[NAME_MAX_LEN + 1];
    struct value value;
};

struct script_vars {
    int n;
    struct var vars[VARS_MAX];
};

static struct value whole(int64_t i)
{
    return (struct value){.known = true, .whole = true, .i = i, .d = (double)i};
}

static struct value broken(double d)
{
    return (struct value){.known = isfinite(d), .whole = false, .d = d};
}

static const struct value unknown = {.known = false};

/* ---- the table ---- */

static struct var *find(const struct script_vars *v, const char *name, size_t len)
{
    for (int i = 0; i < v->n; i++)
        if (strlen(v->vars[i].name) == len && memcmp(v->vars[i].name, name, len) == 0)
            return (struct var *)&v->vars[i];
    return NULL;
}

static void store(struct script_vars *v, const char *name, size_t len, struct value value)
{
    struct var *var = find(v, name, len);
    if (var == NULL) {
        if (v->n == VARS_MAX || len > NAME_MAX_LEN)
            return;
        var = &v->vars[v->n++];
        memcpy(var->name, name, len);
        var->name[len] = '\0';
    }
    var->value = value;
}

/* ---- recursive descent ---- */

struct parser {
    const char *at;
    const struct script_vars *vars;
    int depth;
    bool failed;
};

static struct value sum(struct parser *p);

static struct value fail(struct parser *p)
{
    p->failed = true;
    return unknown;
}

static bool take(struct parser *p, char c)
{
    p->at += strspn(p->at, " \t\r\n\f\v");
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static size_t name_length(const char *s)
{
    size_t n = 0;
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' ||
           (s[n] >= '0' && s[n] <= '9') || (unsigned char)s[n] >= 0x80)
        n++;
    return n;
}

static struct value to_whole(struct value v)
{
    if (!v.known || v.whole)
        return v;
    return fabs(v.d) < 9e18 ? whole((int64_t)v.d) : unknown;
}

/* A draw between two bounds, `share` of the way. */
static struct value draw(struct value lo, struct value hi, double share)
{
    lo = to_whole(lo);
    hi = to_whole(hi);
    if (!lo.known || !hi.known || lo.i > hi.i)
        return unknown;
    double d = lo.d + floor((hi.d - lo.d) * share);
    return fabs(d) < 9e18 ? whole((int64_t)d) : unknown;
}

static struct value call(const char *name, size_t len, const struct value *a, int n)
{
    char f[24] = "";
    if (len >= sizeof f)
        return unknown;
    memcpy(f, name, len);
    f[len] = '\0';
    for (int i = 0; i < n; i++)
        if (!a[i].known)
            return unknown;
    if (text_eq_nocase(f, "random") && n == 2)
        return draw(a[0], a[1], 0.5);
    if (text_eq_nocase(f, "random_gaussian") && n == 3)
        return draw(a[0], a[1], 0.5);
    if ((text_eq_nocase(f, "random_exponential") || text_eq_nocase(f, "random_zipfian")) && n == 3)
        return draw(a[0], a[1], 0.1); /* both prefer the low end */
    if (text_eq_nocase(f, "pi") && n == 0)
        return broken(3.14159265358979);
    if (n == 1) {
        if (text_eq_nocase(f, "abs"))
            return a[0].whole && a[0].i != INT64_MIN ? whole(llabs(a[0].i)) : broken(fabs(a[0].d));
        if (text_eq_nocase(f, "int"))
            return to_whole(a[0]);
        if (text_eq_nocase(f, "double"))
            return broken(a[0].d);
        if (text_eq_nocase(f, "debug"))
            return a[0];
        if (text_eq_nocase(f, "sqrt"))
            return broken(sqrt(a[0].d));
        if (text_eq_nocase(f, "ln"))
            return broken(log(a[0].d));
        if (text_eq_nocase(f, "exp"))
            return broken(exp(a[0].d));
    }
    if ((text_eq_nocase(f, "power") || text_eq_nocase(f, "pow")) && n == 2)
        return broken(pow(a[0].d, a[1].d));
    if (text_eq_nocase(f, "mod") && n == 2 && a[0].whole && a[1].whole && a[1].i > 0)
        return whole(a[0].i % a[1].i);
    bool least = text_eq_nocase(f, "least");
    if ((least || text_eq_nocase(f, "greatest")) && n > 0) {
        struct value best = a[0];
        for (int i = 1; i < n; i++)
            if (least ? a[i].d < best.d : a[i].d > best.d)
                best = a[i];
        return best;
    }
    return unknown;
}

static struct value function(struct parser *p, const char *name, size_t len)
{
    struct value args[ARGS_MAX];
    int n = 0;
    if (!take(p, ')')) {
        do {
            if (n == ARGS_MAX)
                return fail(p);
            args[n++] = sum(p);
        } while (take(p, ','));
        if (!take(p, ')'))
            return fail(p);
    }
    return call(name, len, args, n);
}

static struct value number(struct parser *p)
{
    size_t n = strspn(p->at, "0123456789.");
    if ((p->at[n] == 'e' || p->at[n] == 'E') && n > 0) {
        size_t sign = strspn(p->at + n + 1, "+-");
        size_t digits = strspn(p->at + n + 1 + sign, "0123456789");
        if (digits > 0 && sign < 2)
            n += 1 + sign + digits;
    }
    char digits[64];
    if (n == 0 || n >= sizeof digits)
        return fail(p);
    memcpy(digits, p->at, n);
    digits[n] = '\0';
    p->at += n;
    int64_t i;
    double d;
    if (text_int64(digits, &i))
        return whole(i);
    return text_double(digits, &d) ? broken(d) : fail(p);
}

static struct value atom(struct parser *p)
{
    if (p->failed || p->depth > DEPTH_MAX)
        return fail(p);
    if (take(p, '(')) {
        struct value v = sum(p);
        return take(p, ')') ? v : fail(p);
    }
    if (take(p, '-')) {
        p->depth++;
        struct value v = atom(p);
        p->depth--;
        if (v.known && v.whole)
            return v.i != INT64_MIN ? whole(-v.i) : unknown;
        return v.known ? broken(-v.d) : unknown;
    }
    if (take(p, '+'))
        return number(p);
    if (take(p, ':')) {
        size_t len = name_length(p->at);
        const struct var *var = find(p->vars, p->at, len);
        p->at += len;
        return var ? var->value : unknown;
    }
    size_t len = name_length(p->at);
    if (len > 0 && (*p->at < '0' || *p->at > '9')) {
        const char *name = p->at;
        p->at += len;
        return take(p, '(') ? function(p, name, len) : fail(p);
    }
    return number(p);
}

static struct value combine(char op, struct value a, struct value b)
{
    if (!a.known || !b.known)
        return unknown;
    if (a.whole && b.whole) {
        int64_t r;
        if (op == '+')
            return __builtin_add_overflow(a.i, b.i, &r) ? unknown : whole(r);
        if (op == '-')
            return __builtin_sub_overflow(a.i, b.i, &r) ? unknown : whole(r);
        if (op == '*')
            return __builtin_mul_overflow(a.i, b.i, &r) ? unknown : whole(r);
        if (b.i == 0 || (a.i == INT64_MIN && b.i == -1))
            return unknown;
        return whole(op == '/' ? a.i / b.i : a.i % b.i);
    }
    switch (op) {
    case '+':
        return broken(a.d + b.d);
    case '-':
        return broken(a.d - b.d);
    case '*':
        return broken(a.d * b.d);
    case '/':
        return b.d == 0 ? unknown : broken(a.d / b.d);
    default:
        return unknown;
    }
}

static struct value product(struct parser *p)
{
    struct value v = atom(p);
    for (;;) {
        char op = take(p, '*') ? '*' : take(p, '/') ? '/' : take(p, '%') ? '%' : '\0';
        if (op == '\0' || p->failed)
            return v;
        v = combine(op, v, atom(p));
    }
}

static struct value sum(struct parser *p)
{
    if (++p->depth > DEPTH_MAX)
        return fail(p);
    struct value v = product(p);
    for (;;) {
        char op = take(p, '+') ? '+' : take(p, '-') ? '-' : '\0';
        if (op == '\0' || p->failed)
            break;
        v = combine(op, v, product(p));
    }
    p->depth--;
    return v;
}

/* ---- for the script ---- */

struct script_vars *script_vars_new(double scale)
{
    struct script_vars *v = xcalloc(1, sizeof *v);
    store(v, "scale", 5,
          fabs(scale) < 9e15 && scale == floor(scale) ? whole((int64_t)scale) : broken(scale));
    store(v, "client_id", 9, whole(1));
    return v;
}

void script_vars_free(struct script_vars *v)
{
    free(v);
}

void script_vars_set(struct script_vars *v, const char *name, size_t len, const char *expression)
{
    struct parser p = {.at = expression, .vars = v};
    struct value value = sum(&p);
    p.at += strspn(p.at, " \t\r\n\f\v");
    if (p.failed || *p.at != '\0')
        value = unknown;
    store(v, name, len, value);
}

bool script_vars_put(const struct script_vars *v, const char *name, size_t len, struct buf *out)
{
    const struct var *var = find(v, name, len);
    if (var == NULL || !var->value.known)
        return false;
    if (var->value.whole) {
        buf_printf(out, "%lld", (long long)var->value.i);
        return true;
    }
    char digits[40];
    snprintf(digits, sizeof digits, "%.15g", var->value.d);
    digits[strcspn(digits, ",")] = strchr(digits, ',') ? '.' : '\0'; /* a locale's comma */
    buf_puts(out, digits);
    return true;
}
