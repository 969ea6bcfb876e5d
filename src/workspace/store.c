/* store.c - names and session.json; see store.h. The journal is in journal.c, index.json in store_index.c.
 *
 * Reading is strict: a field of the wrong type, a name outside its alphabet or a number outside its
 * range is an error that names the field, and nothing of the file is used. */
#include "pgd/workspace/store.h"
#include "pgd/workspace/store_parts.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/tuning/os.h"

/* ---- names ---- */

static void put_escaped(struct buf *b, const char *s, bool dots_to_dashes)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || *p == '.' || *p == '_' || *p == '-';
        if (*p == '.' && dots_to_dashes)
            buf_putc(b, '-');
        else if (plain)
            buf_putc(b, (char)*p);
        else
            buf_printf(b, "%%%02X", *p);
    }
}

/* The beginning of a folder's name: no hidden folder, no way up. */
static void put_first(struct buf *b, const char *s)
{
    if (*s == '.')
        buf_puts(b, "%2E");
    put_escaped(b, *s == '.' ? s + 1 : s, false);
}

/* A name that does not fit is cut, and told apart from its neighbours by a hash of the whole (FNV-1a). */
static void take_name(struct buf *b, char *dst, size_t size)
{
    uint64_t hash = 14695981039346656037u;

    if (b->len >= size) {
        for (size_t i = 0; i < b->len; i++)
            hash = (hash ^ (unsigned char)b->data[i]) * 1099511628211u;
        b->len = size - sizeof "-0123456789abcdef";
        buf_printf(b, "-%016llx", (unsigned long long)hash);
    }
    text_copy_raw(dst, size, buf_text(b));
    buf_clear(b);
}

void store_workspace_name(const char *database, const char *host, const char *port, char *dst,
                          size_t size)
{
    struct buf b = {0};
    bool address = *host && strspn(host, "0123456789.") == strlen(host);

    put_first(&b, *database ? database : "postgres");
    buf_putc(&b, '_');
    if (!*host || *host == '/' || *host == '@')
        buf_puts(&b, "local");
    else
        put_escaped(&b, host, address);
    if (*port && strcmp(port, "5432") != 0) {
        buf_putc(&b, '_');
        put_escaped(&b, port, false);
    }
    take_name(&b, dst, size);
}

void store_session_name(const char *strategy, int64_t wall_us, bool (*taken)(void *, const char *),
                        void *arg, char *dst, size_t size)
{
    char stamp[32], plain[80];
    struct buf b = {0}, name = {0};

    clock_session_stamp(wall_us, stamp, sizeof stamp);
    put_first(&name, strategy);
    take_name(&name, plain, sizeof plain);
    buf_printf(&b, "%s_%s", plain, stamp);
    for (int i = 2; taken(arg, buf_text(&b)) && i < 1000; i++) {
        buf_clear(&b);
        buf_printf(&b, "%s_%s-%d", plain, stamp, i);
    }
    text_copy_raw(dst, size, buf_text(&b));
    buf_clear(&b);
}

bool store_safe_name(const char *s)
{
    return *s && *s != '.' &&
           s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%")] == 0;
}

/* ---- small parts ---- */

void store_dump(json_t *j, struct buf *out)
{
    char *text = json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(12));

    buf_puts(out, text ? text : "{}");
    buf_putc(out, '\n');
    free(text);
    json_decref(j);
}

static void put(json_t *j, const char *key, json_t *value)
{
    json_object_set_new(j, key, value);
}

/* The readers below take a member that is missing or null for unknown; one of another type or outside its
 * range is an error that names it. */
static bool wrong(const char *key, const char *wanted, struct err *e)
{
    return err_set(e, ERR_FORMAT, "field \"%s\" must be %s", key, wanted);
}

static const json_t *member(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    return json_is_null(v) ? NULL : v;
}

static bool read_num(const json_t *j, const char *key, double lo, double hi, double *out,
                     struct err *e)
{
    const json_t *v = member(j, key);

    *out = v ? json_number_value(v) : NAN;
    if (v && !(json_is_number(v) && *out >= lo && *out <= hi)) {
        char range[80];
        snprintf(range, sizeof range, "a number from %g to %g", lo, hi);
        return wrong(key, range, e);
    }
    return true;
}

static bool read_whole(const json_t *j, const char *key, int64_t hi, int64_t *out, struct err *e)
{
    const json_t *v = member(j, key);

    *out = v ? js_get_int(j, key, -1) : 0;
    return (*out >= 0 && *out <= hi) || wrong(key, "a whole number that is not negative", e);
}

static bool read_count(const json_t *j, const char *key, int *out, struct err *e)
{
    int64_t n;

    if (!read_whole(j, key, 1000000, &n, e))
        return false;
    *out = (int)n;
    return true;
}

static bool read_text(const json_t *j, const char *key, char *dst, size_t size, struct err *e)
{
    const json_t *v = member(j, key);

    dst[0] = 0;
    if (v && !json_is_string(v))
        return wrong(key, "a text", e);
    if (v)
        text_copy(dst, size, json_string_value(v));
    return true;
}

static bool read_list(const json_t *j, const char *key, size_t max, const json_t **out,
                      struct err *e)
{
    *out = member(j, key);
    return !*out || (json_is_array(*out) && json_array_size(*out) <= max) ||
           wrong(key, "a list of that length", e);
}

static json_t *json_from_entry(const struct entry *e)
{
    json_t *j = json_object();

    put(j, "name", js_text(e->name));
    put(j, "present", json_boolean(e->present));
    put(j, "value", e->present ? js_text(e->value) : json_null());
    return j;
}

/* The value byte by byte: it goes back to the server as it was, and only canvas and exports clean it. */
static bool json_to_entry(const json_t *j, struct entry *e)
{
    const char *value = json_string_value(json_object_get(j, "value"));

    memset(e, 0, sizeof *e);
    e->present = js_get_bool(j, "present", false);
    if (e->present && (!value || !text_copy_raw(e->value, sizeof e->value, value)))
        return false;
    return js_get_text(j, "name", e->name, sizeof e->name) && os_entry_ok(e);
}

json_t *store_arm_json(const struct arm *a)
{
    json_t *j = json_object(), *list = json_array();

    put(j, "label", js_text(a->label));
    for (int i = 0; i < a->n; i++)
        json_array_append_new(list, json_from_entry(&a->entries[i]));
    put(j, "entries", list);
    return j;
}

bool store_arm_read(const json_t *j, struct arm *a, const char *what, struct err *e)
{
    const json_t *list = json_object_get(j, "entries");
    size_t i;
    json_t *item;

    memset(a, 0, sizeof *a);
    js_get_text(j, "label", a->label, sizeof a->label);
    if (!json_is_array(list) || json_array_size(list) > LEDGER_MAX)
        return err_set(e, ERR_FORMAT, "field \"%s\" is not an arm", what);
    json_array_foreach(list, i, item)
    {
        if (!json_to_entry(item, &a->entries[a->n++]))
            return err_set(e, ERR_FORMAT, "field \"%s\" has a damaged entry", what);
    }
    return true;
}

static const struct {
    const char *name;
    size_t at;
} window_fields[] = {
#define F(x)                           \
    {                                  \
#x, offsetof(struct window, x) \
    }
    F(secs),
    F(commits),
    F(rollbacks),
    F(tps),
    F(blks_hit),
    F(blks_read),
    F(hit_ratio),
    F(temp_files),
    F(temp_bytes),
    F(tup_returned),
    F(tup_fetched),
    F(tup_written),
    F(ckpt_timed),
    F(ckpt_req),
    F(wal_bytes),
    F(wal_fpi),
    F(wal_records),
    F(wal_buffers_full),
    F(active_avg),
    F(active_peak),
    F(cpu_user),
    F(cpu_sys),
    F(cpu_iowait),
    F(cpu_idle),
    F(disk_read_bps),
    F(disk_write_bps),
    F(disk_await_ms),
    F(disk_util),
    F(lock_wait_share),
    F(buffers_backend),
    F(buffers_ckpt),
    F(buffers_clean),
    F(deadlocks),
    F(run_queue),
    F(mem_available_min),
    F(cpu_steal),
    F(psi_cpu),
    F(psi_io),
    F(psi_mem),
    F(swap_in),
    F(swap_out),
    F(net_bps),
#undef F
};

json_t *store_window_json(const struct window *w)
{
    json_t *j, *waits;

    if (!w->valid)
        return json_null();
    j = json_object();
    for (size_t i = 0; i < ARRAY_LEN(window_fields); i++)
        put(j, window_fields[i].name,
            js_num(*(const double *)(const void *)((const char *)w + window_fields[i].at)));
    waits = json_object();
    for (int i = 0; i < w->nwaits; i++)
        put(waits, w->waits[i].event, js_num(w->waits[i].share));
    put(j, "waits", waits);
    return j;
}

bool store_window_read(const json_t *up, const char *key, struct window *w, struct err *e)
{
    const json_t *j = member(up, key);
    const char *event;
    json_t *share;

    memset(w, 0, sizeof *w);
    if (!j)
        return true;
    if (!json_is_object(j))
        return wrong(key, "an object", e);
    w->valid = true;
    for (size_t i = 0; i < ARRAY_LEN(window_fields); i++) {
        void *at = (char *)w + window_fields[i].at;
        if (!read_num(j, window_fields[i].name, -1e300, 1e300, at, e))
            return false;
    }
    json_object_foreach(json_object_get(j, "waits"), event, share)
    {
        if (w->nwaits == WAITS_MAX || !json_is_number(share))
            return wrong("waits", "shares by event", e);
        text_copy(w->waits[w->nwaits].event, sizeof w->waits[0].event, event);
        w->waits[w->nwaits++].share = json_number_value(share);
    }
    return true;
}

static const char *const risk_words[] = {"low", "medium", "high"};

json_t *store_changes_json(const struct setting_change *c, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++) {
        json_t *j = json_object();
        put(j, "name", js_text(c[i].name));
        put(j, "value", js_text(c[i].value));
        put(j, "reset", json_boolean(c[i].reset));
        put(j, "why", js_text(c[i].why));
        put(j, "evidence", js_text(c[i].evidence));
        put(j, "expect_lo", js_num(c[i].expect_lo));
        put(j, "expect_hi", js_num(c[i].expect_hi));
        put(j, "risk", js_text(risk_words[c[i].risk]));
        put(j, "sets", json_integer(c[i].sets));
        put(j, "rule", js_text(c[i].rule));
        json_array_append_new(list, j);
    }
    return list;
}

bool store_change_read(const json_t *j, struct setting_change *c, struct err *e)
{
    char risk[16];
    int64_t sets;

    if (!js_get_text(j, "name", c->name, sizeof c->name) || !os_or_setting(c->name))
        return wrong("changes.name", "the name of a setting", e);
    c->reset = js_get_bool(j, "reset", false);
    if (!read_text(j, "value", c->value, sizeof c->value, e) ||
        !read_text(j, "why", c->why, sizeof c->why, e) ||
        !read_text(j, "evidence", c->evidence, sizeof c->evidence, e) ||
        !read_num(j, "expect_lo", -1000, 100000, &c->expect_lo, e) ||
        !read_num(j, "expect_hi", -1000, 100000, &c->expect_hi, e) ||
        !read_text(j, "risk", risk, sizeof risk, e) ||
        !read_text(j, "rule", c->rule, sizeof c->rule, e) ||
        !read_whole(j, "sets", (1 << SETS_MAX) - 1, &sets, e))
        return false;
    c->sets = (unsigned)sets;
    for (int i = RISK_LOW; i <= RISK_HIGH; i++)
        if (strcmp(risk, risk_words[i]) == 0) {
            c->risk = (enum risk)i;
            return true;
        }
    return wrong("risk", "low, medium or high", e);
}

static bool json_to_changes(const json_t *j, struct round_history *h, struct err *e)
{
    const json_t *list;

    if (!read_list(j, "changes", CHANGES_MAX, &list, e))
        return false;
    for (; h->n < (int)json_array_size(list); h->n++)
        if (!store_change_read(json_array_get(list, (size_t)h->n), &h->changes[h->n], e))
            return false;
    return true;
}

static json_t *json_from_results(const struct round_history *h)
{
    json_t *list = json_array();

    for (int i = 0; i < h->nsets; i++) {
        const struct race_result *r = &h->sets[i];
        json_t *j = json_object();
        put(j, "ratio", js_num(r->ratio));
        put(j, "lo", js_num(r->lo));
        put(j, "hi", js_num(r->hi));
        put(j, "runs", json_integer(r->runs));
        put(j, "out", json_boolean(r->out));
        put(j, "gained", json_boolean(r->gained));
        json_array_append_new(list, j);
    }
    return list;
}

static bool json_to_results(const json_t *j, struct round_history *h, struct err *e)
{
    const json_t *list;

    if (!read_list(j, "sets", SETS_MAX, &list, e))
        return false;
    for (; h->nsets < (int)json_array_size(list); h->nsets++) {
        const json_t *one = json_array_get(list, (size_t)h->nsets);
        struct race_result *r = &h->sets[h->nsets];
        if (!json_is_object(one))
            return wrong("sets", "a list of objects", e);
        r->out = js_get_bool(one, "out", false);
        r->gained = js_get_bool(one, "gained", false);
        if (!read_num(one, "ratio", 0, 1e12, &r->ratio, e) ||
            !read_num(one, "lo", 0, 1e300, &r->lo, e) ||
            !read_num(one, "hi", 0, 1e300, &r->hi, e) || !read_count(one, "runs", &r->runs, e))
            return false;
    }
    return true;
}

/* Which of the changes the verdict is of. Rounds without alternatives, and files from before there were any: all. */
static bool read_measured(const json_t *j, struct round_history *h, struct err *e)
{
    uint32_t all = h->n < 32 ? (UINT32_C(1) << h->n) - 1 : UINT32_MAX;
    int64_t bits = all;

    if (member(j, "measured") && !read_whole(j, "measured", UINT32_MAX, &bits, e))
        return false;
    h->measured = (uint32_t)bits & all;
    return true;
}

/* ---- session.json ---- */

static json_t *json_from_history(const struct round_history *h, const struct conclusion *said)
{
    json_t *j = json_object();

    put(j, "round", json_integer(h->number));
    put(j, "changes", store_changes_json(h->changes, h->n));
    put(j, "measured", json_integer(h->measured));
    put(j, "sets", json_from_results(h));
    put(j, "verdict", json_from_verdict(&h->verdict));
    put(j, "kept", json_boolean(h->kept));
    put(j, "failed", json_boolean(h->failed));
    put(j, "window", store_window_json(&h->window));
    put(j, "conclusion", said->text[0] ? json_from_conclusion(said) : json_null());
    return j;
}

static json_t *json_from_ledger(const struct ledger *l)
{
    json_t *list = json_array();

    for (int i = 0; i < l->n; i++) {
        json_t *j = json_object();
        put(j, "original", json_from_entry(&l->rows[i].original));
        put(j, "current", json_from_entry(&l->rows[i].current));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *json_from_values(const struct first_value *v, int n)
{
    json_t *j = json_object();

    for (int i = 0; i < n; i++)
        put(j, v[i].name, js_text(v[i].shown));
    return j;
}

static json_t *json_from_rejected(const struct session *s)
{
    json_t *list = json_array();

    for (int i = 0; i < s->nrejected; i++) {
        json_t *j = json_object();
        put(j, "name", js_text(s->rejected[i].name));
        put(j, "value", js_text(s->rejected[i].value));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *json_from_earned(const struct session *s)
{
    json_t *list = json_array();

    for (int i = 0; i < s->nearned; i++) {
        const struct earned *e = &s->earned[i];
        json_t *j = json_object();
        put(j, "name", js_text(e->name));
        put(j, "value", js_text(e->value));
        put(j, "tested", json_boolean(e->tested));
        put(j, "idle", json_boolean(e->idle));
        put(j, "taken_out", json_boolean(e->taken_out));
        put(j, "ratio", js_num(e->ratio));
        put(j, "lo", js_num(e->lo));
        put(j, "hi", js_num(e->hi));
        json_array_append_new(list, j);
    }
    return list;
}

static bool read_earned(const json_t *j, struct session *s, struct err *e)
{
    const json_t *list;

    if (!read_list(j, "earned", CHANGES_MAX, &list, e))
        return false;
    for (; s->nearned < (int)json_array_size(list); s->nearned++) {
        const json_t *one = json_array_get(list, (size_t)s->nearned);
        struct earned *c = &s->earned[s->nearned];
        if (!js_get_text(one, "name", c->name, sizeof c->name) || !os_or_setting(c->name))
            return wrong("earned.name", "the name of a setting", e);
        c->tested = js_get_bool(one, "tested", false);
        c->idle = js_get_bool(one, "idle", false);
        c->taken_out = js_get_bool(one, "taken_out", false);
        if (!read_text(one, "value", c->value, sizeof c->value, e) ||
            !read_num(one, "ratio", 0, 1e12, &c->ratio, e) ||
            !read_num(one, "lo", 0, 1e300, &c->lo, e) || !read_num(one, "hi", 0, 1e300, &c->hi, e))
            return false;
    }
    return true;
}

void store_session_json(const struct session *s, struct buf *out)
{
    json_t *j = json_object(), *rounds = json_array();
    char when[40];

    put(j, "format", json_integer(STORE_FORMAT));
    put(j, "name", js_text(s->name));
    put(j, "title", s->title[0] ? js_text(s->title) : json_null());
    put(j, "origin", store_origin_json(&s->origin));
    put(j, "state", js_text(session_state_name(s->state)));
    clock_iso(s->created_wall_us, when, sizeof when);
    put(j, "created", js_text(when));
    put(j, "created_us", json_integer(s->created_wall_us));
    put(j, "ended_us", json_integer(s->ended_wall_us));
    put(j, "spent_s", js_num(s->spent_s));
    put(j, "strategy", json_from_sdl(&s->plan));
    put(j, "first_sight", json_from_first_sight(&s->sight));
    put(j, "baseline_tps", js_num(s->baseline_tps));
    put(j, "baseline_p95_ms", js_num(s->baseline_p95_ms));
    put(j, "floor", js_num(s->floor));
    put(j, "best_tps", js_num(s->best_tps));
    put(j, "base_window", store_window_json(&s->base_window));
    put(j, "best_window", store_window_json(&s->best_window));
    put(j, "target", json_from_target(&s->target));
    put(j, "best", store_arm_json(&s->best));
    if (s->start.n > 0)
        put(j, "start", store_arm_json(&s->start));
    put(j, "ledger", json_from_ledger(&s->ledger));
    for (int i = 0; i < s->nhistory; i++)
        json_array_append_new(rounds, json_from_history(&s->history[i], &s->said[i]));
    put(j, "rounds", rounds);
    put(j, "rounds_done", json_integer(s->rounds_done));
    put(j, "misses", json_integer(s->misses));
    put(j, "rejected", json_from_rejected(s));
    put(j, "next_round", json_integer(s->next_round));
    put(j, "next", s->next_round ? json_from_proposal(&s->next) : json_null());
    put(j, "review", store_kept_json(&s->kept));
    put(j, "before", json_from_values(s->first, s->nfirst));
    put(j, "after", json_from_values(s->final_values, s->nfinal));
    put(j, "verdict", json_from_verdict(&s->final));
    put(j, "earned", json_from_earned(s));
    put(j, "end_reason", js_text(s->end_reason));
    put(j, "journal_no", json_integer((json_int_t)s->journal_no));
    put(j, "run_number", json_integer(s->run_number));
    put(j, "by_hand", json_boolean(s->by_hand));
    put(j, "pending", store_pending_json(s));
    put(j, "baseline_seen", store_seen_json(s));
    put(j, "bench_at", s->bench_at[0] ? js_text(s->bench_at) : json_null());
    put(j, "beside", beside_json(&s->beside));
    put(j, "advised", store_advised_json(&s->advised));
    store_dump(j, out);
}

/* The head that every file of ours has: an object with a format that we know. One of a newer version is REFUSED:
 * unlike a damaged one it may not be made again. */
json_t *store_open(const char *text, size_t len, const char *name, struct err *e)
{
    json_t *j = js_parse(text, len, e);

    if (!j) {
        char msg[200];
        text_copy(msg, sizeof msg, e->msg);
        err_set(e, ERR_FORMAT, "%s is damaged", name);
        err_detail(e, "It cannot be read as JSON: %s.", msg);
        err_hint(e, "The file is left as it is; the rest of the workspace can be used.");
        return NULL;
    }
    int64_t format = js_get_int(j, "format", -1);
    if (format != STORE_FORMAT) {
        err_set(e, format > STORE_FORMAT ? ERR_REFUSED : ERR_FORMAT,
                format > STORE_FORMAT ? "%s was written by a newer version"
                                      : "%s has no known format",
                name);
        err_detail(e, "Its format is %lld; this version knows format %d.", (long long)format,
                   STORE_FORMAT);
        err_hint(e, "The file is left as it is. Use the version that wrote it.");
        json_decref(j);
        return NULL;
    }
    return j;
}

static bool read_ledger(const json_t *list, struct ledger *l)
{
    size_t i;
    json_t *j;

    if (!json_is_array(list) || json_array_size(list) > LEDGER_MAX)
        return false;
    json_array_foreach(list, i, j)
    {
        struct ledger_row *r = &l->rows[l->n++];
        if (!json_to_entry(json_object_get(j, "original"), &r->original) ||
            !json_to_entry(json_object_get(j, "current"), &r->current))
            return false;
    }
    return true;
}

static bool read_round(const json_t *j, struct round_history *h, struct conclusion *said,
                       struct err *e)
{
    const json_t *verdict = member(j, "verdict"), *conclusion = member(j, "conclusion");

    if (!json_is_object(j))
        return wrong("rounds", "a list of objects", e);
    h->kept = js_get_bool(j, "kept", false);
    h->failed = js_get_bool(j, "failed", false);
    return read_count(j, "round", &h->number, e) && json_to_changes(j, h, e) &&
           read_measured(j, h, e) && json_to_results(j, h, e) &&
           (!verdict || json_to_verdict(verdict, &h->verdict, e)) &&
           (!conclusion || json_to_conclusion(conclusion, said, e)) &&
           store_window_read(j, "window", &h->window, e);
}

static bool read_rounds(const json_t *j, struct session *s, struct err *e)
{
    const json_t *list;

    if (!read_list(j, "rounds", HISTORY_MAX, &list, e))
        return false;
    for (; s->nhistory < (int)json_array_size(list); s->nhistory++) {
        int i = s->nhistory;
        if (!read_round(json_array_get(list, (size_t)i), &s->history[i], &s->said[i], e))
            return false;
    }
    return true;
}

static bool read_values(const json_t *j, const char *key, struct first_value *v, int *n,
                        struct err *e)
{
    const json_t *obj = member(j, key);
    const char *name;
    json_t *value;

    if (obj && !json_is_object(obj))
        return wrong(key, "an object", e);
    json_object_foreach((json_t *)obj, name, value)
    {
        if (*n == LEDGER_MAX || !json_is_string(value) || !os_or_setting(name))
            return wrong(key, "texts by the names of settings", e);
        text_copy_raw(v[*n].name, sizeof v[0].name, name);
        text_copy(v[(*n)++].shown, sizeof v[0].shown, json_string_value(value));
    }
    return true;
}

bool store_state_read(const json_t *j, enum session_state *state)
{
    char text[16];

    js_get_text(j, "state", text, sizeof text);
    for (int i = SESSION_ACTIVE; i <= SESSION_FAILED; i++)
        if (strcmp(text, session_state_name((enum session_state)i)) == 0) {
            *state = (enum session_state)i;
            return true;
        }
    return false;
}

static bool read_rejected(const json_t *j, struct session *s, struct err *e)
{
    const json_t *list;
    size_t i;
    json_t *item;

    if (!read_list(j, "rejected", ARRAY_LEN(s->rejected), &list, e))
        return false;
    json_array_foreach(list, i, item)
    {
        struct rejected_change *r = &s->rejected[s->nrejected++];
        if (!json_is_object(item))
            return wrong("rejected", "a list of objects", e);
        if (!read_text(item, "name", r->name, sizeof r->name, e) ||
            !read_text(item, "value", r->value, sizeof r->value, e))
            return false;
    }
    return true;
}

/* What a model has said of the next round. One that cannot be read is asked for anew. */
static void read_next(const json_t *j, struct session *s)
{
    const json_t *next = member(j, "next");
    struct err ignored = {0};

    s->next_round = (int)js_get_int(j, "next_round", 0);
    if (!next || s->next_round != s->rounds_done + 1 || !json_to_proposal(next, &s->next, &ignored))
        s->next_round = 0;
}

static bool read_records(const json_t *j, struct session *s, struct err *e)
{
    const json_t *sight = member(j, "first_sight"), *target = member(j, "target"),
                 *verdict = member(j, "verdict");

    if (!json_to_sdl(json_object_get(j, "strategy"), &s->plan, e) ||
        !store_arm_read(json_object_get(j, "best"), &s->best, "best", e) ||
        (json_object_get(j, "start") &&
         !store_arm_read(json_object_get(j, "start"), &s->start, "start", e)))
        return false;
    if (!read_ledger(json_object_get(j, "ledger"), &s->ledger))
        return err_set(e, ERR_FORMAT, "field \"ledger\" is damaged");
    return (!sight || json_to_first_sight(sight, &s->sight, e)) &&
           (!target || json_to_target(target, &s->target, e)) &&
           (!verdict || json_to_verdict(verdict, &s->final, e)) &&
           store_window_read(j, "base_window", &s->base_window, e) &&
           store_window_read(j, "best_window", &s->best_window, e);
}

static bool read_figures(const json_t *j, struct session *s, struct err *e)
{
    const int64_t whole = INT64_C(1) << 53;
    int64_t no = 0;
    bool ok = read_whole(j, "created_us", whole, &s->created_wall_us, e) &&
              read_whole(j, "ended_us", whole, &s->ended_wall_us, e) &&
              read_num(j, "spent_s", 0, 1e9, &s->spent_s, e) &&
              read_num(j, "baseline_tps", 0, 1e12, &s->baseline_tps, e) &&
              read_num(j, "baseline_p95_ms", 0, 1e12, &s->baseline_p95_ms, e) &&
              read_num(j, "floor", 0, 1e12, &s->floor, e) &&
              read_num(j, "best_tps", 0, 1e12, &s->best_tps, e) &&
              read_count(j, "rounds_done", &s->rounds_done, e) &&
              read_count(j, "misses", &s->misses, e) &&
              read_whole(j, "journal_no", whole, &no, e) &&
              read_count(j, "run_number", &s->run_number, e);

    if (isnan(s->spent_s))
        s->spent_s = 0;
    s->journal_no = (uint64_t)no;
    return ok;
}

/* Cut, it would be the name of another host. */
static bool read_host(const json_t *j, struct session *s, struct err *e)
{
    const char *host = json_string_value(json_object_get(j, "bench_at"));

    if (host && strlen(host) >= sizeof s->bench_at)
        return wrong("bench_at", "the name of a host", e);
    return read_text(j, "bench_at", s->bench_at, sizeof s->bench_at, e);
}

static bool read_session(const json_t *j, struct session *s, struct err *e)
{
    if (!js_get_text(j, "name", s->name, sizeof s->name) || !store_safe_name(s->name))
        return err_set(e, ERR_FORMAT, "field \"name\" is not a session's name");
    if (!store_state_read(j, &s->state))
        return err_set(e, ERR_FORMAT, "field \"state\" is not a state");
    if (!store_origin_read(j, &s->origin))
        return wrong("origin", "a session and one of its states", e);
    return read_text(j, "title", s->title, sizeof s->title, e) && read_records(j, s, e) &&
           read_figures(j, s, e) && read_rounds(j, s, e) && read_rejected(j, s, e) &&
           read_earned(j, s, e) && read_values(j, "before", s->first, &s->nfirst, e) &&
           read_values(j, "after", s->final_values, &s->nfinal, e) &&
           read_text(j, "end_reason", s->end_reason, sizeof s->end_reason, e) &&
           read_host(j, s, e) && store_seen_read(j, s, e) && store_pending_read(j, s, e);
}

bool store_session_parse(const char *text, size_t len, struct session *s, struct err *e)
{
    json_t *j = store_open(text, len, "session.json", e);
    bool ok;

    session_reset(s);
    if (!j)
        return false;
    ok = read_session(j, s, e);
    if (ok)
        read_next(j, s);
    if (ok)
        store_kept_read(j, s);
    beside_read(json_object_get(j, "beside"), &s->beside);
    store_advised_read(json_object_get(j, "advised"), &s->advised);
    json_decref(j);
    if (!ok) {
        session_reset(s);
        if (!e->detail[0])
            err_detail(e, "The file is session.json of a session folder.");
        if (!e->hint[0])
            err_hint(e, "The file is left as it is; the rest of the workspace can be used.");
    }
    return ok;
}

void store_session_row(const struct session *s, struct session_row *row)
{
    struct gain g;

    session_rows_changed(row);
    row->origin = s->origin;
    text_copy_raw(row->title, sizeof row->title, s->title);
    text_copy_raw(row->name, sizeof row->name, s->name);
    text_copy(row->strategy, sizeof row->strategy, s->plan.strategy);
    row->state = s->state;
    row->baseline_tps = s->baseline_tps;
    row->best_tps = s->best_tps;
    row->effect = s->final.kind != VERDICT_NONE ? s->final.ratio : NAN;
    session_gain(s, &g);
    row->tps_before = g.tps_before;
    row->tps_after = g.tps_after;
    text_copy(row->reason, sizeof row->reason, s->end_reason);
    row->rounds = s->rounds_done;
    row->changed_wall_us = s->ended_wall_us ? s->ended_wall_us : s->created_wall_us;
    row->interrupted = s->state == SESSION_ACTIVE || s->state == SESSION_PAUSED;
}
