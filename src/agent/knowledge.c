/* The knowledge of settings, read from JSON with every name, unit and bound checked: what the search walks along must not
 * hold a setting that the guard would refuse. */
#include "pgd/agent/knowledge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/tuning/os.h"

#define MB 1048576.0
#define GB (1024.0 * MB)

static const char asset[] = "knowledge/settings.json";
static const char *const kinds[LOAD_KINDS] = {"cpu", "read", "write", "spill"};
static const char *const units[] = {"memory", "time", "number", "switch", "choice"};

const char *load_name(enum load_kind k)
{
    return (unsigned)k < LOAD_KINDS ? kinds[k] : "";
}

/* ---- reading ---- */

static bool wrong(struct err *e, const char *name, const char *key, const char *what)
{
    err_set(e, ERR_FORMAT, "the knowledge of %s is not valid", name);
    err_detail(e, "%s: %s.", key, what);
    return false;
}

static bool take_text(const json_t *v, char *dst, size_t size)
{
    const char *s = json_string_value(v);
    return s && *s && text_copy(dst, size, s);
}

static bool take_list(const json_t *v, struct known_list *list)
{
    if (!json_is_array(v) || json_array_size(v) > KNOWN_LIST_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!take_text(json_array_get(v, i), list->items[list->n++], sizeof list->items[0]))
            return false;
    return true;
}

static bool take_worth(const json_t *v, double *worth)
{
    const char *key;
    json_t *value;
    if (!json_is_object(v))
        return false;
    json_object_foreach((json_t *)(size_t)v, key, value)
    {
        int kind = 0;
        while (kind < LOAD_KINDS && strcmp(kinds[kind], key) != 0)
            kind++;
        if (kind == LOAD_KINDS || !json_is_number(value) || json_number_value(value) < 0 ||
            json_number_value(value) > 100)
            return false;
        worth[kind] = json_number_value(value);
    }
    return true;
}

static bool take_unit(const json_t *v, enum known_unit *unit)
{
    const char *s = json_string_value(v);
    for (size_t i = 0; s && i < ARRAY_LEN(units); i++)
        if (strcmp(units[i], s) == 0) {
            *unit = (enum known_unit)i;
            return true;
        }
    return false;
}

static bool take_change(const json_t *v, bool *restart)
{
    const char *s = json_string_value(v);
    *restart = s && strcmp(s, "restart") == 0;
    return s && (*restart || strcmp(s, "reload") == 0);
}

static bool take_since(const json_t *v, int *since)
{
    *since = (int)json_integer_value(v);
    return json_is_integer(v) && *since >= 90000 && *since < 1000000;
}

static bool take_member(struct known_setting *s, const char *key, const json_t *v)
{
    if (strcmp(key, "meaning") == 0)
        return take_text(v, s->meaning, sizeof s->meaning);
    if (strcmp(key, "unit") == 0)
        return take_unit(v, &s->unit);
    if (strcmp(key, "change") == 0)
        return take_change(v, &s->restart);
    if (strcmp(key, "default") == 0)
        return take_text(v, s->otherwise, sizeof s->otherwise);
    if (strcmp(key, "since") == 0)
        return take_since(v, &s->since);
    if (strcmp(key, "versions") == 0)
        return take_text(v, s->versions, sizeof s->versions);
    if (strcmp(key, "interacts") == 0)
        return take_list(v, &s->interacts);
    if (strcmp(key, "for") == 0)
        return take_list(v, &s->speaks_for);
    if (strcmp(key, "against") == 0)
        return take_list(v, &s->speaks_against);
    if (strcmp(key, "ladder") == 0)
        return take_list(v, &s->ladder);
    if (strcmp(key, "explore") == 0)
        return take_list(v, &s->explore);
    if (strcmp(key, "worth") == 0)
        return take_worth(v, s->worth);
    if (strcmp(key, "source") == 0)
        return take_text(v, s->source, sizeof s->source);
    return false;
}

/* A row of the operating system's settings, by the name in its table. */
static bool of_the_system(const char *name)
{
    for (int i = 0; os_is(name) && !os_is_boot(name) && os_at(i); i++)
        if (strcmp(os_at(i)->name, name + strlen(OS_PREFIX)) == 0)
            return true;
    return false;
}

static bool take_setting(struct knowledge *k, const char *name, const json_t *v, struct err *e)
{
    static const char *const needed[] = {"meaning", "unit", "change", "default", "source"};
    const char *key;
    json_t *value;
    if (k->n == KNOWN_MAX || !(knob_find(name) || of_the_system(name)) || !json_is_object(v))
        return wrong(e, name, "name", "it is not a setting of the allowlist, or no object");
    struct known_setting *s = &k->items[k->n++];
    text_copy(s->name, sizeof s->name, name);
    json_object_foreach((json_t *)(size_t)v, key, value)
    {
        if (!take_member(s, key, value))
            return wrong(e, name, key, "unknown, or not of its type and length");
    }
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!json_object_get(v, needed[i]))
            return wrong(e, name, needed[i], "missing");
    return true;
}

static bool names_exist(const struct knowledge *k, struct err *e)
{
    for (int i = 0; i < k->n; i++)
        for (int j = 0; j < k->items[i].interacts.n; j++)
            if (!knowledge_find(k, k->items[i].interacts.items[j]))
                return wrong(e, k->items[i].name, "interacts", "a setting without an entry");
    return true;
}

struct knowledge *knowledge_parse(const char *text, size_t len, struct err *e)
{
    const char *name;
    json_t *value;
    json_t *root = js_parse(text, len, e);
    if (!root)
        return NULL;
    struct knowledge *k = xcalloc(1, sizeof *k);
    json_t *all = json_object_get(root, "settings");
    bool good = json_is_object(all) && js_get_int(root, "format", 0) == 1;
    if (!good)
        err_set(e, ERR_FORMAT, "not a text of format 1 with settings");
    json_object_foreach(all, name, value)
    {
        good = good && take_setting(k, name, value, e);
    }
    good = good && names_exist(k, e);
    json_decref(root);
    if (good)
        return k;
    free(k);
    return NULL;
}

struct knowledge *knowledge_load(void)
{
    struct err e = {0};
    const struct asset *a = asset_find(asset);
    struct knowledge *k = a ? knowledge_parse((const char *)a->data, a->size, &e) : NULL;
    if (!k)
        die("%s: %s %s", asset, e.msg, e.detail);
    return k;
}

const struct known_setting *knowledge_find(const struct knowledge *k, const char *name)
{
    const struct os_row *row = os_find(name);
    char pattern[SETTING_NAME_MAX];
    if (row) { /* of a disk: what is known of all of them */
        snprintf(pattern, sizeof pattern, OS_PREFIX "%.50s", row->name);
        name = pattern;
    }
    for (int i = 0; i < k->n; i++)
        if (strcmp(k->items[i].name, name) == 0)
            return &k->items[i];
    return NULL;
}

/* ---- relative values ---- */

/* As a DBA would write it: steps of 64 MB, of 1 GB where it is large. */
static void nice_memory(double bytes, char *dst, size_t size)
{
    double step = bytes >= 8 * GB ? GB : bytes >= 128 * MB ? 64 * MB : MB;
    double nice = fmax(step, floor(bytes / step + 1e-9) * step);
    if (fmod(nice, GB) == 0)
        snprintf(dst, size, "%.0fGB", nice / GB);
    else
        snprintf(dst, size, "%.0fMB", nice / MB);
}

/* "ram/4", "database*1.2", "cpus": the base and what follows it. */
static bool relative(const char *text, const struct known_scale *scale, double *value)
{
    static const char *const bases[] = {"ram", "database", "cpus"};
    const double base_values[] = {scale->ram, scale->database, scale->cpus};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        size_t len = strlen(bases[i]);
        double factor = 1;
        if (strncmp(text, bases[i], len) != 0)
            continue;
        if (text[len] && (!text_double(text + len + 1, &factor) || !(factor > 0)))
            return false;
        *value = base_values[i] * (text[len] == '/' ? 1 / factor : factor);
        return text[len] == '\0' || text[len] == '/' || text[len] == '*';
    }
    return false;
}

bool known_value(const struct known_setting *s, const char *text, const struct known_scale *scale,
                 char *dst, size_t size)
{
    double value = NAN;
    bool letter = (*text >= 'a' && *text <= 'z') && s->unit != KNOWN_SWITCH &&
                  s->unit != KNOWN_CHOICE;
    dst[0] = '\0';
    if (!letter)
        return text_copy_raw(dst, size, text);
    if (!relative(text, scale, &value) || !isfinite(value) || !(value >= 1))
        return false;
    if (s->unit == KNOWN_MEMORY)
        nice_memory(value, dst, size);
    else
        snprintf(dst, size, "%.0f", floor(value));
    return true;
}
