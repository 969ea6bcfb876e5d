/* The price list: read, overlaid with the DBA's, looked up. Read strictly, for a slip in a file of prices is a wrong figure on the
 * screen for months: what is not understood is an error that names the row, and then the program's own list alone counts. */
#include "pgd/agent/prices.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

enum { FORMAT = 1, CONTEXT_MAX = 100 * 1000 * 1000 };
static const double price_max = 100000; /* USD for a million tokens */

/* "2026-12-31" */
static bool is_day(const char *s)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof form; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (form[i] == 'd' ? !digit : s[i] != form[i])
            return false;
    }
    int month = (s[5] - '0') * 10 + s[6] - '0', day = (s[8] - '0') * 10 + s[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool read_day(const json_t *obj, const char *key, char dst[12])
{
    const json_t *v = json_object_get(obj, key);
    const char *s = json_string_value(v);
    dst[0] = '\0';
    if (!v || json_is_null(v))
        return true;
    return s && is_day(s) && text_copy(dst, 12, s);
}

/* A price: a number from 0 on, or null for unknown. */
static bool read_price(const json_t *obj, const char *key, double *out)
{
    const json_t *v = json_object_get(obj, key);
    *out = NAN;
    if (!v || json_is_null(v))
        return true;
    *out = json_number_value(v);
    return json_is_number(v) && *out >= 0 && *out <= price_max;
}

/* A name as models have them: whole, not cut, without what text_copy() would change. Empty when it is missing. */
static bool read_name(const json_t *obj, const char *key, char *dst, size_t size)
{
    const json_t *v = json_object_get(obj, key);
    const char *s = json_string_value(v);
    dst[0] = '\0';
    if (!v)
        return true;
    return s && text_copy(dst, size, s) && strcmp(dst, s) == 0;
}

static bool read_row(const json_t *row, struct model_price *m, size_t i, struct err *e)
{
    *m = (struct model_price){0};
    if (!read_name(row, "id", m->id, sizeof m->id) || !m->id[0])
        return err_set(e, ERR_FORMAT, "models[%zu] of the prices has no usable id", i);
    if (!read_name(row, "provider", m->provider, sizeof m->provider))
        return err_set(e, ERR_FORMAT, "the provider of %s is no usable name", m->id);
    if (!read_price(row, "in", &m->in) || !read_price(row, "out", &m->out) ||
        !read_price(row, "cached", &m->cached)) {
        err_set(e, ERR_FORMAT, "a price of %s is no number from 0 to %.0f", m->id, price_max);
        return err_hint(e, "Prices are USD for a million tokens; null says that one is not known.");
    }
    if (!read_day(row, "until", m->until))
        return err_set(e, ERR_FORMAT, "until of %s is no day like 2026-12-31", m->id);
    int64_t context = js_get_int(row, "context", 0);
    m->context = context > 0 && context <= CONTEXT_MAX ? (int)context : 0;
    js_get_text(row, "note", m->note, sizeof m->note);
    return true;
}

static bool read_rows(const json_t *list, struct prices *p, struct err *e)
{
    size_t i;
    const json_t *row;
    if (list && !json_is_array(list))
        return err_set(e, ERR_FORMAT, "models of the prices is no list");
    if (json_array_size(list) > PRICES_MAX)
        return err_set(e, ERR_FORMAT, "the prices have more than %d rows", PRICES_MAX);
    json_array_foreach(list, i, row)
    {
        if (!read_row(row, &p->items[p->n], i, e))
            return false;
        p->n++;
    }
    return true;
}

static bool read_list(const char *text, size_t len, struct prices *p, struct err *e)
{
    *p = (struct prices){0};
    json_t *j = js_parse(text, len, e);
    if (!j)
        return false;
    const json_t *defaults = json_object_get(j, "default");
    bool ok = true;
    if (!json_is_object(j))
        ok = err_set(e, ERR_FORMAT, "the prices are no object");
    else if (js_get_int(j, "format", FORMAT) != FORMAT)
        ok = err_set(e, ERR_FORMAT, "the prices have a format that this version does not know");
    else if (!read_day(j, "as_of", p->as_of))
        ok = err_set(e, ERR_FORMAT, "as_of of the prices is no day like 2026-12-31");
    else if (!read_name(defaults, "gemini", p->gemini_default, sizeof p->gemini_default) ||
             !read_name(defaults, "openai", p->openai_default, sizeof p->openai_default))
        ok = err_set(e, ERR_FORMAT, "a default of the prices is no usable name");
    ok = ok && read_rows(json_object_get(j, "models"), p, e);
    json_decref(j);
    return ok;
}

static bool has(const struct prices *p, const char *id)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->items[i].id, id) == 0)
            return true;
    return false;
}

/* The DBA's rows first; of the program's those whose id they do not name. What no longer fits is lost from the end. */
static void overlay(struct prices *p, const struct prices *own)
{
    struct prices base = *p;
    memcpy(p->items, own->items, (size_t)own->n * sizeof own->items[0]);
    p->n = own->n;
    for (int i = 0; i < base.n && p->n < PRICES_MAX; i++)
        if (!has(own, base.items[i].id))
            p->items[p->n++] = base.items[i];
    if (own->as_of[0])
        memcpy(p->as_of, own->as_of, sizeof p->as_of);
    if (own->gemini_default[0])
        memcpy(p->gemini_default, own->gemini_default, sizeof p->gemini_default);
    if (own->openai_default[0])
        memcpy(p->openai_default, own->openai_default, sizeof p->openai_default);
}

bool prices_load(struct prices *p, const char *own, size_t len, struct err *e)
{
    const struct asset *a = asset_find("prices/models.json");
    struct err broken = {0};
    if (!a || !read_list((const char *)a->data, a->size, p, &broken))
        die("the program's own prices cannot be read: %s", broken.msg);
    if (!own)
        return true;
    struct prices theirs;
    if (!read_list(own, len, &theirs, e)) {
        if (e && !e->hint[0])
            err_hint(e, "prices.json is passed over; the program's own prices count.");
        return false;
    }
    overlay(p, &theirs);
    return true;
}

/* The first row of the id that still holds; the last one of all when none does, for an old price tells more than none. */
static const struct model_price *row_of(const struct prices *p, const char *id, size_t n,
                                        const char *day)
{
    const struct model_price *last = NULL;
    for (int i = 0; i < p->n; i++) {
        const struct model_price *m = &p->items[i];
        if (strlen(m->id) != n || memcmp(m->id, id, n) != 0)
            continue;
        last = m;
        if (!m->until[0] || strcmp(day, m->until) <= 0)
            return m;
    }
    return last;
}

/* A day's number as "2026-11-22", after Howard Hinnant's civil_from_days. */
static void day_of(int64_t wall_us, char dst[12])
{
    int64_t z = wall_us / 1000000 / 86400 + 719468;
    if (wall_us < 0 || z > 3000000)
        z = 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    unsigned day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    unsigned year = (unsigned)(yoe + era * 400 + (month <= 2));
    snprintf(dst, 12, "%04u-%02u-%02u", year % 10000, month % 100, day % 100);
}

const struct model_price *prices_find(const struct prices *p, const char *model, int64_t wall_us)
{
    static const char collection[] = "models/";
    char day[12];
    day_of(wall_us, day);
    if (strncmp(model, collection, sizeof collection - 1) == 0)
        model += sizeof collection - 1;
    size_t n = strlen(model);
    const struct model_price *m = row_of(p, model, n, day);
    /* A version or a date behind a name costs what the name does: gpt-5-mini-2025-08-07, gemini-3.8-flash-002. */
    while (!m && n > 0) {
        size_t digits = n;
        while (digits > 0 && model[digits - 1] >= '0' && model[digits - 1] <= '9')
            digits--;
        if (digits == n || digits < 2 || model[digits - 1] != '-' || n - digits < 2)
            break;
        n = digits - 1;
        m = row_of(p, model, n, day);
    }
    return m;
}

double prices_cost(const struct model_price *p, const struct usage *u)
{
    if (!p || !isfinite(p->in) || !isfinite(p->out))
        return NAN;
    /* Without a price of its own a cached token is counted like any other: rather too much than too little. */
    double cached = isfinite(p->cached) ? p->cached : p->in;
    return ((double)(u->in - u->cached) * p->in + (double)u->cached * cached +
            ((double)u->out + (double)u->thinking) * p->out) /
           1e6;
}
