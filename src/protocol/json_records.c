/* The records as JSON. The keys are the names of the fields; enumerations are words, an unknown
 * number is null.
 *
 * What is read may come from a damaged file or from a model, so nothing about it is believed:
 * every member has a type and bounds, prose is cut at its field's size, names and values that do
 * not fit are an error. A member that is missing keeps the record's neutral value unless the
 * record makes no sense without it. Unknown members are ignored: later versions add some. */
#include "pgd/protocol/json_records.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"

enum { JSON_BYTES_MAX = 32 * 1024 * 1024, JSON_DEPTH_MAX = 64 };

/* ---- single values ---- */

const char *js_library(void)
{
    return jansson_version_str();
}

json_t *js_num(double v)
{
    if (!isfinite(v))
        return json_null();
    if (fabs(v) < 9007199254740992.0 && v == nearbyint(v))
        return json_integer((json_int_t)v); /* "10", not "10.0" */
    return json_real(v);
}

json_t *js_text(const char *s)
{
    if (s == NULL)
        return json_null();
    json_t *plain = json_string(s);
    if (plain)
        return plain;
    struct buf clean = {0};
    size_t left = strlen(s);
    while (left > 0) {
        uint32_t rune = 0;
        char utf8[4];
        size_t used = text_decode(s, left, &rune);
        buf_append(&clean, utf8, text_encode(rune, utf8));
        s += used;
        left -= used;
    }
    json_t *j = json_string(buf_text(&clean));
    buf_clear(&clean);
    return j ? j : json_null();
}

double js_get_num(const json_t *obj, const char *key, double otherwise)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

int64_t js_get_int(const json_t *obj, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(obj, key);
    if (json_is_integer(v))
        return json_integer_value(v);
    if (json_is_real(v)) {
        double d = json_real_value(v);
        if (d == nearbyint(d) && fabs(d) < 9007199254740992.0)
            return (int64_t)d;
    }
    return otherwise;
}

bool js_get_bool(const json_t *obj, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

bool js_get_text(const json_t *obj, const char *key, char *dst, size_t size)
{
    const char *s = json_string_value(json_object_get(obj, key));
    dst[0] = '\0';
    if (s == NULL)
        return false;
    text_copy(dst, size, s);
    return true;
}

/* jansson recurses; a hostile text of brackets alone is refused before it starts. */
static bool shallow(const char *text, size_t len)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_DEPTH_MAX)
                return false;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return true;
}

json_t *js_parse(const char *text, size_t len, struct err *e)
{
    if (len > JSON_BYTES_MAX) {
        err_set(e, ERR_FORMAT, "the JSON text is too long");
        err_detail(e, "It has %zu bytes; %d are the limit.", len, JSON_BYTES_MAX);
        return NULL;
    }
    if (!shallow(text, len)) {
        err_set(e, ERR_FORMAT, "the JSON text is nested too deeply");
        err_detail(e, "More than %d levels are not read.", JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t why;
    json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (j == NULL) {
        char clean[JSON_ERROR_TEXT_LENGTH];
        text_copy(clean, sizeof clean, why.text);
        err_set(e, ERR_FORMAT, "not a valid JSON text");
        err_detail(e, "Line %d, column %d: %s.", why.line, why.column, clean);
    }
    return j;
}

/* ---- reading a record, member by member ---- */

enum presence { MAY_MISS, MUST_HAVE };

/* Goes over one object. The first member that is wrong sets the error; the rest is then passed
 * over. */
struct reader {
    const json_t *obj;
    char what[96]; /* "proposal.changes[3]": stands before the name of the member */
    struct err *e;
    bool ok;
};

static bool reader_fail(struct reader *r, const char *key, const char *wanted)
{
    if (r->ok)
        err_set(r->e, ERR_FORMAT, "%s%s%s %s", r->what, key[0] ? "." : "", key, wanted);
    r->ok = false;
    return false;
}

static struct reader reader_open(const json_t *obj, const char *what, struct err *e)
{
    struct reader r = {.obj = obj, .e = e, .ok = true};
    snprintf(r.what, sizeof r.what, "%s", what);
    if (!json_is_object(obj))
        reader_fail(&r, "", "must be an object");
    return r;
}

/* The reader of one item of a list of the record. */
static struct reader reader_item(const struct reader *up, const json_t *item, const char *key,
                                 size_t i)
{
    char what[96];
    snprintf(what, sizeof what, "%.40s.%s[%zu]", up->what, key, i);
    return reader_open(item, what, up->e);
}

/* NULL when there is nothing to read: missing, null, or an earlier error. */
static const json_t *member(struct reader *r, const char *key, enum presence p)
{
    if (!r->ok)
        return NULL;
    const json_t *v = json_object_get(r->obj, key);
    if (v && !json_is_null(v))
        return v;
    if (p == MUST_HAVE)
        reader_fail(r, key, "is missing");
    return NULL;
}

/* Prose: cleaned, and cut at a character where it is too long. */
static void read_prose(struct reader *r, const char *key, char *dst, size_t size, enum presence p)
{
    const json_t *v = member(r, key, p);
    dst[0] = '\0';
    if (v == NULL)
        return;
    if (!json_is_string(v))
        reader_fail(r, key, "must be a text");
    else
        text_copy(dst, size, json_string_value(v));
}

static bool plain_text(const char *s)
{
    size_t left = strlen(s);
    while (left > 0) {
        uint32_t rune = 0;
        size_t used = text_decode(s, left, &rune);
        if (!text_rune_safe(rune) || rune == 0xfffd)
            return false;
        s += used;
        left -= used;
    }
    return true;
}

/* A name, a path or a value: a cut or cleaned one would mean something else, so it must fit as
 * it is. */
static void copy_exact(struct reader *r, const char *key, char *dst, size_t size, const char *s)
{
    if (strlen(s) >= size)
        reader_fail(r, key, "is too long");
    else if (!plain_text(s))
        reader_fail(r, key, "holds characters that cannot be shown");
    else
        memcpy(dst, s, strlen(s) + 1);
}

static void read_exact(struct reader *r, const char *key, char *dst, size_t size, enum presence p)
{
    const json_t *v = member(r, key, p);
    dst[0] = '\0';
    if (v == NULL)
        return;
    if (!json_is_string(v))
        reader_fail(r, key, "must be a text");
    else if (p == MUST_HAVE && json_string_length(v) == 0)
        reader_fail(r, key, "must not be empty");
    else
        copy_exact(r, key, dst, size, json_string_value(v));
}

/* A setting's value: models also write 64, 1.1 and true. */
static void read_value(struct reader *r, const char *key, char *dst, size_t size, enum presence p)
{
    const json_t *v = member(r, key, p);
    dst[0] = '\0';
    if (v == NULL)
        return;
    if (json_is_string(v)) {
        copy_exact(r, key, dst, size, json_string_value(v));
    } else if (json_is_boolean(v)) {
        copy_exact(r, key, dst, size, json_is_true(v) ? "on" : "off");
    } else if (json_is_number(v)) {
        char digits[64];
        size_t n = json_dumpb(v, digits, sizeof digits - 1,
                              JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        digits[n < sizeof digits ? n : 0] = '\0';
        copy_exact(r, key, dst, size, digits);
    } else {
        reader_fail(r, key, "must be a text, a number or a truth value");
    }
}

static double read_num(struct reader *r, const char *key, double min, double max, double otherwise)
{
    const json_t *v = member(r, key, MAY_MISS);
    if (v == NULL)
        return otherwise;
    double d = json_is_number(v) ? json_number_value(v) : NAN;
    if (d >= min && d <= max)
        return d;
    char wanted[96];
    snprintf(wanted, sizeof wanted, "must be a number from %.15g to %.15g", min, max);
    reader_fail(r, key, wanted);
    return otherwise;
}

static int read_int(struct reader *r, const char *key, int min, int max, int otherwise)
{
    const json_t *v = member(r, key, MAY_MISS);
    if (v == NULL)
        return otherwise;
    int64_t n = js_get_int(r->obj, key, INT64_MIN);
    if (n >= min && n <= max)
        return (int)n;
    char wanted[96];
    snprintf(wanted, sizeof wanted, "must be a whole number from %d to %d", min, max);
    reader_fail(r, key, wanted);
    return otherwise;
}

static bool read_bool(struct reader *r, const char *key)
{
    const json_t *v = member(r, key, MAY_MISS);
    if (v && !json_is_boolean(v))
        reader_fail(r, key, "must be true or false");
    return v && json_is_true(v);
}

/* One of the words, as its index; the first when it is missing. */
static int read_word(struct reader *r, const char *key, const char *const *words, int n)
{
    const json_t *v = member(r, key, MAY_MISS);
    if (v == NULL)
        return 0;
    const char *s = json_string_value(v);
    for (int i = 0; s && i < n; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    struct buf wanted = {0};
    buf_puts(&wanted, "must be one of");
    for (int i = 0; i < n; i++)
        buf_printf(&wanted, "%s \"%s\"", i > 0 ? "," : "", words[i]);
    reader_fail(r, key, buf_text(&wanted));
    buf_clear(&wanted);
    return 0;
}

/* The list of that name and how many items it has, of at most max. NULL when it is missing. */
static const json_t *read_list(struct reader *r, const char *key, int max, int *n)
{
    *n = 0;
    const json_t *v = member(r, key, MAY_MISS);
    if (v == NULL)
        return NULL;
    if (!json_is_array(v)) {
        reader_fail(r, key, "must be a list");
        return NULL;
    }
    if (json_array_size(v) > (size_t)max) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "must not have more than %d items", max);
        reader_fail(r, key, wanted);
        return NULL;
    }
    *n = (int)json_array_size(v);
    return v;
}

/* One item of a list into a record, which is the caller's. */
typedef bool (*item_fn)(const struct reader *up, const json_t *item, size_t i, void *record);

/* Every item of a list into an array of records of that size, at most `most`; how many there are. */
static int read_each(struct reader *r, const char *key, void *records, size_t size, size_t most,
                     item_fn read)
{
    int n = 0;
    const json_t *list = read_list(r, key, (int)most, &n);
    for (size_t i = 0; r->ok && i < (size_t)n; i++)
        r->ok = read(r, json_array_get(list, i), i, (char *)records + i * size);
    return n;
}

static void read_advisor(struct reader *r, struct advisor_name *a)
{
    read_prose(r, "advisor", a->text, sizeof a->text, MAY_MISS);
}

static void put(json_t *obj, const char *key, json_t *value)
{
    json_object_set_new(obj, key, value);
}

/* ---- the plan of a session ---- */

static const char *const restart_words[] = {"ask", "auto", "never", "command", "manual"};
static const char *const protocol_words[] = {"simple", "extended", "prepared"};

static const char *const traffic_words[] = {"go on", "wait", "refuse"};
static const char *const goal_words[] = {"tps", "p95", "p99", "runtime"};

json_t *json_from_sdl(const struct sdl *s)
{
    json_t *j = json_object();
    json_t *scripts = json_array();
    for (int i = 0; i < s->nscripts && i < SCRIPTS_MAX; i++) {
        json_t *o = json_object();
        put(o, "path", js_text(s->scripts[i].path));
        put(o, "weight", json_integer(s->scripts[i].weight));
        put(o, "name", js_text(s->scripts[i].name));
        json_array_append_new(scripts, o);
    }
    put(j, "strategy", js_text(s->strategy));
    put(j, "hypothesis", js_text(s->hypothesis));
    put(j, "workload", js_text(s->workload));
    put(j, "builtin_db", json_boolean(s->builtin_db));
    put(j, "database", js_text(s->database));
    put(j, "scripts", scripts);
    put(j, "protocol", js_text(s->protocol[0] ? s->protocol : "simple"));
    put(j, "clients", json_integer(s->clients));
    put(j, "threads", json_integer(s->threads));
    put(j, "duration_s", json_integer(s->duration_s));
    put(j, "asked_s", json_integer(s->asked_s));
    put(j, "warmup_s", json_integer(s->warmup_s));
    put(j, "min_runs", json_integer(s->min_runs));
    put(j, "max_runs", json_integer(s->max_runs));
    put(j, "rounds", json_integer(s->rounds));
    put(j, "budget_s", json_integer(s->budget_s));
    put(j, "goal", js_text(goal_words[s->goal]));
    put(j, "rate", js_num(s->rate));
    put(j, "observe", json_boolean(s->observe));
    put(j, "arm_defaults", json_boolean(s->arm_defaults));
    put(j, "arm_pgtune", json_boolean(s->arm_pgtune));
    put(j, "restart", js_text(restart_words[s->restart]));
    put(j, "restart_command", js_text(s->restart_command));
    put(j, "target_tps", js_num(s->target_tps));
    put(j, "success", js_text(s->success));
    char window[DAYTIME_TEXT_MAX];
    daytime_text(&s->window, window, sizeof window);
    put(j, "window", s->window.given ? js_text(window) : json_null());
    put(j, "traffic", js_text(traffic_words[s->traffic]));
    return j;
}

static bool read_script(const struct reader *up, const json_t *item, size_t i, void *record)
{
    struct script *s = record;
    struct reader r = reader_item(up, item, "scripts", i);
    read_exact(&r, "path", s->path, sizeof s->path, MUST_HAVE);
    s->weight = read_int(&r, "weight", 0, 1000000, 1);
    read_prose(&r, "name", s->name, sizeof s->name, MAY_MISS);
    return r.ok;
}

bool json_to_sdl(const json_t *j, struct sdl *s, struct err *e)
{
    memset(s, 0, sizeof *s);
    struct reader r = reader_open(j, "sdl", e);
    read_exact(&r, "strategy", s->strategy, sizeof s->strategy, MAY_MISS);
    read_prose(&r, "hypothesis", s->hypothesis, sizeof s->hypothesis, MAY_MISS);
    read_exact(&r, "workload", s->workload, sizeof s->workload, MAY_MISS);
    s->builtin_db = read_bool(&r, "builtin_db");
    read_exact(&r, "database", s->database, sizeof s->database, MAY_MISS);
    s->nscripts = read_each(&r, "scripts", s->scripts, sizeof s->scripts[0], ARRAY_LEN(s->scripts),
                            read_script);
    int protocol = read_word(&r, "protocol", protocol_words, (int)ARRAY_LEN(protocol_words));
    snprintf(s->protocol, sizeof s->protocol, "%s", protocol_words[protocol]);
    s->clients = read_int(&r, "clients", 0, 100000, 0);
    s->threads = read_int(&r, "threads", 0, 10000, 0);
    s->duration_s = read_int(&r, "duration_s", 0, 86400, 0);
    s->asked_s = read_int(&r, "asked_s", 0, 86400, 0);
    s->warmup_s = read_int(&r, "warmup_s", 0, 86400, 0);
    s->min_runs = read_int(&r, "min_runs", 0, 1000, 0);
    s->max_runs = read_int(&r, "max_runs", 0, 1000, 0);
    s->rounds = read_int(&r, "rounds", 0, 1000, 0);
    s->budget_s = read_int(&r, "budget_s", 0, 31 * 86400, 0);
    s->goal = (enum goal_kind)read_word(&r, "goal", goal_words, (int)ARRAY_LEN(goal_words));
    s->rate = read_num(&r, "rate", 0, 1e9, 0);
    s->observe = read_bool(&r, "observe");
    s->arm_defaults = read_bool(&r, "arm_defaults");
    s->arm_pgtune = read_bool(&r, "arm_pgtune");
    s->restart = (enum restart_policy)read_word(&r, "restart", restart_words,
                                                (int)ARRAY_LEN(restart_words));
    read_exact(&r, "restart_command", s->restart_command, sizeof s->restart_command, MAY_MISS);
    s->target_tps = read_num(&r, "target_tps", 0, 1e12, 0);
    read_prose(&r, "success", s->success, sizeof s->success, MAY_MISS);
    char window[DAYTIME_TEXT_MAX];
    read_exact(&r, "window", window, sizeof window, MAY_MISS);
    if (r.ok && window[0])
        r.ok = daytime_parse(window, &s->window, e);
    s->traffic = (enum traffic_policy)read_word(&r, "traffic", traffic_words,
                                                (int)ARRAY_LEN(traffic_words));
    return r.ok;
}

/* ---- a proposal ---- */

static const char *const risk_words[] = {"low", "medium", "high"};

static json_t *from_change(const struct setting_change *c)
{
    json_t *o = json_object();
    put(o, "name", js_text(c->name));
    put(o, "value", js_text(c->value));
    put(o, "reset", json_boolean(c->reset));
    put(o, "why", js_text(c->why));
    put(o, "evidence", js_text(c->evidence));
    put(o, "expect_lo", js_num(c->expect_lo));
    put(o, "expect_hi", js_num(c->expect_hi));
    put(o, "risk", js_text(risk_words[c->risk]));
    put(o, "sets", json_integer(c->sets));
    put(o, "rule", js_text(c->rule));
    return o;
}

json_t *json_from_proposal(const struct proposal *p)
{
    json_t *j = json_object();
    json_t *changes = json_array();
    json_t *names = json_array();
    for (int i = 0; i < p->nsets && i < SETS_MAX; i++)
        json_array_append_new(names, js_text(p->set_names[i]));
    for (int i = 0; i < p->n && i < CHANGES_MAX; i++)
        json_array_append_new(changes, from_change(&p->changes[i]));
    put(j, "advisor", js_text(p->advisor.text));
    put(j, "summary", js_text(p->summary));
    put(j, "changes", changes);
    put(j, "set_names", names);
    put(j, "nothing_left", json_boolean(p->nothing_left));
    return j;
}

static bool read_change(const struct reader *up, const json_t *item, size_t i, void *record)
{
    struct setting_change *c = record;
    struct reader r = reader_item(up, item, "changes", i);
    read_exact(&r, "name", c->name, sizeof c->name, MUST_HAVE);
    c->reset = read_bool(&r, "reset");
    read_value(&r, "value", c->value, sizeof c->value, c->reset ? MAY_MISS : MUST_HAVE);
    read_prose(&r, "why", c->why, sizeof c->why, MAY_MISS);
    read_prose(&r, "evidence", c->evidence, sizeof c->evidence, MAY_MISS);
    c->expect_lo = read_num(&r, "expect_lo", -1000, 100000, NAN);
    c->expect_hi = read_num(&r, "expect_hi", -1000, 100000, NAN);
    c->risk = (enum risk)read_word(&r, "risk", risk_words, (int)ARRAY_LEN(risk_words));
    c->sets = (unsigned)read_int(&r, "sets", 0, (1 << SETS_MAX) - 1, 0);
    read_prose(&r, "rule", c->rule, sizeof c->rule, MAY_MISS);
    return r.ok;
}

/* The alternatives by their names; how many lines name one decides nothing. */
static void read_set_names(struct reader *r, struct proposal *p)
{
    const json_t *list = read_list(r, "set_names", SETS_MAX, &p->nsets);
    for (int i = 0; i < p->nsets; i++) {
        const json_t *name = json_array_get(list, (size_t)i);
        if (json_is_string(name))
            text_copy(p->set_names[i], sizeof p->set_names[i], json_string_value(name));
        else
            reader_fail(r, "set_names", "must be a list of texts");
    }
}

bool json_to_proposal(const json_t *j, struct proposal *p, struct err *e)
{
    memset(p, 0, sizeof *p);
    struct reader r = reader_open(j, "proposal", e);
    read_advisor(&r, &p->advisor);
    read_prose(&r, "summary", p->summary, sizeof p->summary, MAY_MISS);
    p->n = read_each(&r, "changes", p->changes, sizeof p->changes[0], ARRAY_LEN(p->changes),
                     read_change);
    read_set_names(&r, p);
    p->nothing_left = read_bool(&r, "nothing_left");
    return r.ok;
}

/* ---- first sight ---- */

json_t *json_from_first_sight(const struct first_sight *f)
{
    json_t *j = json_object();
    json_t *findings = json_array();
    for (int i = 0; i < f->nfindings && i < (int)ARRAY_LEN(f->findings); i++) {
        json_t *o = json_object();
        put(o, "area", js_text(f->findings[i].area));
        put(o, "text", js_text(f->findings[i].text));
        put(o, "figure", js_text(f->findings[i].figure));
        put(o, "severity", json_integer(f->findings[i].severity));
        json_array_append_new(findings, o);
    }
    json_t *strategies = json_array();
    for (int i = 0; i < f->nstrategies && i < (int)ARRAY_LEN(f->strategies); i++) {
        json_t *o = json_object();
        put(o, "name", js_text(f->strategies[i].name));
        put(o, "title", js_text(f->strategies[i].title));
        put(o, "why", js_text(f->strategies[i].why));
        put(o, "expects", js_text(f->strategies[i].expects));
        json_array_append_new(strategies, o);
    }
    put(j, "advisor", js_text(f->advisor.text));
    put(j, "headline", js_text(f->headline));
    put(j, "summary", js_text(f->summary));
    put(j, "findings", findings);
    put(j, "strategies", strategies);
    return j;
}

static bool read_finding(const struct reader *up, const json_t *item, size_t i, void *record)
{
    struct finding *f = record;
    struct reader r = reader_item(up, item, "findings", i);
    read_prose(&r, "area", f->area, sizeof f->area, MAY_MISS);
    read_prose(&r, "text", f->text, sizeof f->text, MUST_HAVE);
    read_prose(&r, "figure", f->figure, sizeof f->figure, MAY_MISS);
    f->severity = read_int(&r, "severity", 0, 3, 0);
    return r.ok;
}

/* A strategy's name becomes a part of a folder's name. */
static bool folder_safe(const char *s)
{
    return s[0] != '\0' && s[0] != '.' && s[0] != '-' &&
           s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")] ==
               '\0';
}

static bool read_strategy(const struct reader *up, const json_t *item, size_t i, void *record)
{
    struct strategy_offer *s = record;
    struct reader r = reader_item(up, item, "strategies", i);
    read_exact(&r, "name", s->name, sizeof s->name, MUST_HAVE);
    if (r.ok && !folder_safe(s->name))
        reader_fail(&r, "name", "must be letters, digits, '.', '-' and '_' only");
    read_prose(&r, "title", s->title, sizeof s->title, MAY_MISS);
    read_prose(&r, "why", s->why, sizeof s->why, MAY_MISS);
    read_prose(&r, "expects", s->expects, sizeof s->expects, MAY_MISS);
    return r.ok;
}

bool json_to_first_sight(const json_t *j, struct first_sight *f, struct err *e)
{
    memset(f, 0, sizeof *f);
    struct reader r = reader_open(j, "first_sight", e);
    read_advisor(&r, &f->advisor);
    read_prose(&r, "headline", f->headline, sizeof f->headline, MAY_MISS);
    read_prose(&r, "summary", f->summary, sizeof f->summary, MAY_MISS);
    f->nfindings = read_each(&r, "findings", f->findings, sizeof f->findings[0],
                             ARRAY_LEN(f->findings), read_finding);
    f->nstrategies = read_each(&r, "strategies", f->strategies, sizeof f->strategies[0],
                               ARRAY_LEN(f->strategies), read_strategy);
    return r.ok;
}

/* ---- verdict, target, conclusion ---- */

static const char *const verdict_words[] = {"", "improved", "regressed", "inconclusive"};

json_t *json_from_verdict(const struct verdict *v)
{
    json_t *j = json_object();
    put(j, "kind", js_text(verdict_words[v->kind]));
    put(j, "ratio", js_num(v->ratio));
    put(j, "ci_lo", js_num(v->ci_lo));
    put(j, "ci_hi", js_num(v->ci_hi));
    put(j, "floor", js_num(v->floor));
    put(j, "runs_a", json_integer(v->runs_a));
    put(j, "runs_b", json_integer(v->runs_b));
    put(j, "tps_a", js_num(v->tps_a));
    put(j, "tps_b", js_num(v->tps_b));
    put(j, "p95_a", js_num(v->p95_a));
    put(j, "p95_b", js_num(v->p95_b));
    put(j, "sd_a", js_num(v->sd_a));
    put(j, "sd_b", js_num(v->sd_b));
    put(j, "detectable", js_num(v->detectable));
    put(j, "note", js_text(v->note));
    return j;
}

bool json_to_verdict(const json_t *j, struct verdict *v, struct err *e)
{
    memset(v, 0, sizeof *v);
    struct reader r = reader_open(j, "verdict", e);
    v->kind = (enum verdict_kind)read_word(&r, "kind", verdict_words,
                                           (int)ARRAY_LEN(verdict_words));
    v->ratio = read_num(&r, "ratio", 0, 1e12, NAN);
    v->ci_lo = read_num(&r, "ci_lo", 0, 1e300, NAN);
    v->ci_hi = read_num(&r, "ci_hi", 0, 1e300, NAN);
    v->floor = read_num(&r, "floor", 0, 1e12, NAN);
    v->runs_a = read_int(&r, "runs_a", 0, 100000, 0);
    v->runs_b = read_int(&r, "runs_b", 0, 100000, 0);
    v->tps_a = read_num(&r, "tps_a", 0, 1e12, NAN);
    v->tps_b = read_num(&r, "tps_b", 0, 1e12, NAN);
    v->p95_a = read_num(&r, "p95_a", 0, 1e12, NAN);
    v->p95_b = read_num(&r, "p95_b", 0, 1e12, NAN);
    v->sd_a = read_num(&r, "sd_a", 0, 1e12, NAN);
    v->sd_b = read_num(&r, "sd_b", 0, 1e12, NAN);
    v->detectable = read_num(&r, "detectable", 0, 1e12, NAN);
    read_prose(&r, "note", v->note, sizeof v->note, MAY_MISS);
    return r.ok;
}

json_t *json_from_target(const struct target *t)
{
    json_t *j = json_object();
    put(j, "advisor", js_text(t->advisor.text));
    put(j, "tps", js_num(t->tps));
    put(j, "why", js_text(t->why));
    return j;
}

bool json_to_target(const json_t *j, struct target *t, struct err *e)
{
    memset(t, 0, sizeof *t);
    struct reader r = reader_open(j, "target", e);
    read_advisor(&r, &t->advisor);
    t->tps = read_num(&r, "tps", 0, 1e12, 0);
    read_prose(&r, "why", t->why, sizeof t->why, MAY_MISS);
    return r.ok;
}

json_t *json_from_conclusion(const struct conclusion *c)
{
    json_t *j = json_object();
    put(j, "advisor", js_text(c->advisor.text));
    put(j, "text", js_text(c->text));
    put(j, "bottleneck", js_text(c->bottleneck));
    put(j, "stop", json_boolean(c->stop));
    return j;
}

bool json_to_conclusion(const json_t *j, struct conclusion *c, struct err *e)
{
    memset(c, 0, sizeof *c);
    struct reader r = reader_open(j, "conclusion", e);
    read_advisor(&r, &c->advisor);
    read_prose(&r, "text", c->text, sizeof c->text, MUST_HAVE);
    read_prose(&r, "bottleneck", c->bottleneck, sizeof c->bottleneck, MAY_MISS);
    c->stop = read_bool(&r, "stop");
    return r.ok;
}
