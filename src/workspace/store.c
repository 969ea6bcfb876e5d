/* store.c - names, session.json, workspace.json and index.json; see store.h. The journal is in journal.c.
 *
 * Reading is strict: a field of the wrong type, a name outside its alphabet or a number outside its
 * range is an error that names the field, and nothing of the file is used. */
#include "pgd/workspace/store.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

enum { FORMAT = 1 };

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

void store_workspace_name(const char *database, const char *host, const char *port, char *dst,
                          size_t size)
{
    struct buf b = {0};
    bool address = *host && strspn(host, "0123456789.") == strlen(host);

    put_escaped(&b, *database ? database : "postgres", false);
    if (buf_text(&b)[0] == '.') { /* no hidden folder, no way up */
        struct buf c = {0};
        buf_printf(&c, "%%2E%s", buf_text(&b) + 1);
        buf_clear(&b);
        b = c;
    }
    buf_putc(&b, '_');
    if (!*host || *host == '/' || *host == '@')
        buf_puts(&b, "local");
    else
        put_escaped(&b, host, address);
    if (*port && strcmp(port, "5432") != 0)
        buf_printf(&b, "_%s", port);
    text_copy_raw(dst, size, buf_text(&b));
    buf_clear(&b);
}

void store_session_name(const char *strategy, int64_t wall_us, bool (*taken)(void *, const char *),
                        void *arg, char *dst, size_t size)
{
    char stamp[32];
    struct buf b = {0}, name = {0};

    clock_session_stamp(wall_us, stamp, sizeof stamp);
    put_escaped(&name, strategy, false);
    buf_printf(&b, "%s_%s", buf_text(&name), stamp);
    for (int i = 2; taken(arg, buf_text(&b)) && i < 1000; i++) {
        buf_clear(&b);
        buf_printf(&b, "%s_%s-%d", buf_text(&name), stamp, i);
    }
    text_copy_raw(dst, size, buf_text(&b));
    buf_clear(&b);
    buf_clear(&name);
}

/* A folder name from a file: never a path. */
static bool safe_name(const char *s)
{
    return *s && *s != '.' &&
           s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%")] == 0;
}

/* ---- small parts ---- */

static void dump(json_t *j, struct buf *out)
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

static json_t *json_from_entry(const struct entry *e)
{
    json_t *j = json_object();

    put(j, "name", js_text(e->name));
    put(j, "present", json_boolean(e->present));
    put(j, "value", js_text(e->value));
    return j;
}

static bool json_to_entry(const json_t *j, struct entry *e)
{
    memset(e, 0, sizeof *e);
    e->present = js_get_bool(j, "present", false);
    return js_get_text(j, "name", e->name, sizeof e->name) && text_is_ident(e->name) &&
           (js_get_text(j, "value", e->value, sizeof e->value) || !e->present);
}

static json_t *json_from_arm(const struct arm *a)
{
    json_t *j = json_object(), *list = json_array();

    put(j, "label", js_text(a->label));
    for (int i = 0; i < a->n; i++)
        json_array_append_new(list, json_from_entry(&a->entries[i]));
    put(j, "entries", list);
    return j;
}

static bool json_to_arm(const json_t *j, struct arm *a, const char *what, struct err *e)
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

static json_t *json_from_window(const struct window *w)
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

static void json_to_window(const json_t *j, struct window *w)
{
    const char *event;
    json_t *share;

    memset(w, 0, sizeof *w);
    if (!json_is_object(j))
        return;
    w->valid = true;
    for (size_t i = 0; i < ARRAY_LEN(window_fields); i++)
        *(double *)(void *)((char *)w + window_fields[i].at) = js_get_num(j, window_fields[i].name,
                                                                          NAN);
    json_object_foreach(json_object_get(j, "waits"), event, share)
    {
        if (w->nwaits == WAITS_MAX || !json_is_number(share))
            continue;
        text_copy(w->waits[w->nwaits].event, sizeof w->waits[0].event, event);
        w->waits[w->nwaits++].share = json_number_value(share);
    }
}

static json_t *json_from_changes(const struct setting_change *c, int n)
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
        put(j, "risk", json_integer(c[i].risk));
        json_array_append_new(list, j);
    }
    return list;
}

static int json_to_changes(const json_t *list, struct setting_change *c, int max)
{
    int n = 0;
    size_t i;
    json_t *j;

    json_array_foreach(list, i, j)
    {
        if (n == max || !js_get_text(j, "name", c[n].name, sizeof c[n].name))
            continue;
        js_get_text(j, "value", c[n].value, sizeof c[n].value);
        c[n].reset = js_get_bool(j, "reset", false);
        js_get_text(j, "why", c[n].why, sizeof c[n].why);
        js_get_text(j, "evidence", c[n].evidence, sizeof c[n].evidence);
        c[n].expect_lo = js_get_num(j, "expect_lo", NAN);
        c[n].expect_hi = js_get_num(j, "expect_hi", NAN);
        int64_t risk = js_get_int(j, "risk", RISK_LOW);
        c[n].risk = risk >= RISK_LOW && risk <= RISK_HIGH ? (enum risk)risk : RISK_HIGH;
        n++;
    }
    return n;
}

/* ---- session.json ---- */

static json_t *json_from_history(const struct round_history *h)
{
    json_t *j = json_object();

    put(j, "round", json_integer(h->number));
    put(j, "changes", json_from_changes(h->changes, h->n));
    put(j, "verdict", json_from_verdict(&h->verdict));
    put(j, "kept", json_boolean(h->kept));
    put(j, "failed", json_boolean(h->failed));
    put(j, "window", json_from_window(&h->window));
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

void store_session_json(const struct session *s, struct buf *out)
{
    json_t *j = json_object(), *rounds = json_array();
    char when[40];

    put(j, "format", json_integer(FORMAT));
    put(j, "name", js_text(s->name));
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
    put(j, "base_window", json_from_window(&s->base_window));
    put(j, "best_window", json_from_window(&s->best_window));
    put(j, "target", json_from_target(&s->target));
    put(j, "best", json_from_arm(&s->best));
    put(j, "ledger", json_from_ledger(&s->ledger));
    for (int i = 0; i < s->nhistory; i++)
        json_array_append_new(rounds, json_from_history(&s->history[i]));
    put(j, "rounds", rounds);
    put(j, "rounds_done", json_integer(s->rounds_done));
    put(j, "misses", json_integer(s->misses));
    put(j, "rejected", json_from_rejected(s));
    put(j, "before", json_from_values(s->first, s->nfirst));
    put(j, "after", json_from_values(s->final_values, s->nfinal));
    put(j, "verdict", json_from_verdict(&s->final));
    put(j, "end_reason", js_text(s->end_reason));
    put(j, "journal_no", json_integer((json_int_t)s->journal_no));
    put(j, "run_number", json_integer(s->run_number));
    dump(j, out);
}

/* The head that every file of ours has: an object with a format that we know. */
static json_t *open_file(const char *text, size_t len, const char *name, struct err *e)
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
    if (format != FORMAT) {
        err_set(e, ERR_FORMAT,
                format > FORMAT ? "%s was written by a newer version" : "%s has no known format",
                name);
        err_detail(e, "Its format is %lld; this version knows format %d.", (long long)format,
                   FORMAT);
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

static void read_history(const json_t *list, struct session *s)
{
    size_t i;
    json_t *j;
    struct err ignored;

    json_array_foreach(list, i, j)
    {
        if (s->nhistory == HISTORY_MAX)
            break;
        struct round_history *h = &s->history[s->nhistory++];
        h->number = (int)js_get_int(j, "round", s->nhistory);
        h->n = json_to_changes(json_object_get(j, "changes"), h->changes, CHANGES_MAX);
        if (!json_to_verdict(json_object_get(j, "verdict"), &h->verdict, &ignored))
            memset(&h->verdict, 0, sizeof h->verdict);
        h->kept = js_get_bool(j, "kept", false);
        h->failed = js_get_bool(j, "failed", false);
        json_to_window(json_object_get(j, "window"), &h->window);
    }
}

static int read_values(const json_t *obj, struct first_value *v)
{
    const char *name;
    json_t *value;
    int n = 0;

    json_object_foreach((json_t *)obj, name, value)
    {
        if (n == LEDGER_MAX || !json_is_string(value) || !text_is_ident(name))
            continue;
        text_copy_raw(v[n].name, sizeof v[n].name, name);
        text_copy(v[n++].shown, sizeof v[0].shown, json_string_value(value));
    }
    return n;
}

static bool read_state(const json_t *j, enum session_state *state)
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

static void read_rejected(const json_t *list, struct session *s)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (s->nrejected == (int)ARRAY_LEN(s->rejected))
            return;
        struct rejected_change *r = &s->rejected[s->nrejected++];
        js_get_text(item, "name", r->name, sizeof r->name);
        js_get_text(item, "value", r->value, sizeof r->value);
    }
}

static bool read_session(const json_t *j, struct session *s, struct err *e)
{
    struct err ignored;

    if (!js_get_text(j, "name", s->name, sizeof s->name) || !safe_name(s->name))
        return err_set(e, ERR_FORMAT, "field \"name\" is not a session's name");
    if (!read_state(j, &s->state))
        return err_set(e, ERR_FORMAT, "field \"state\" is not a state");
    if (!json_to_sdl(json_object_get(j, "strategy"), &s->plan, e))
        return false;
    if (!json_to_arm(json_object_get(j, "best"), &s->best, "best", e))
        return false;
    if (!read_ledger(json_object_get(j, "ledger"), &s->ledger))
        return err_set(e, ERR_FORMAT, "field \"ledger\" is damaged");
    s->created_wall_us = js_get_int(j, "created_us", 0);
    s->ended_wall_us = js_get_int(j, "ended_us", 0);
    s->spent_s = js_get_num(j, "spent_s", 0);
    if (!(s->spent_s >= 0 && s->spent_s < 1e9))
        s->spent_s = 0;
    if (!json_to_first_sight(json_object_get(j, "first_sight"), &s->sight, &ignored))
        memset(&s->sight, 0, sizeof s->sight);
    if (!json_to_target(json_object_get(j, "target"), &s->target, &ignored))
        memset(&s->target, 0, sizeof s->target);
    if (!json_to_verdict(json_object_get(j, "verdict"), &s->final, &ignored))
        memset(&s->final, 0, sizeof s->final);
    s->baseline_tps = js_get_num(j, "baseline_tps", NAN);
    s->baseline_p95_ms = js_get_num(j, "baseline_p95_ms", NAN);
    s->floor = js_get_num(j, "floor", NAN);
    s->best_tps = js_get_num(j, "best_tps", NAN);
    json_to_window(json_object_get(j, "base_window"), &s->base_window);
    json_to_window(json_object_get(j, "best_window"), &s->best_window);
    read_history(json_object_get(j, "rounds"), s);
    s->rounds_done = (int)js_get_int(j, "rounds_done", 0);
    s->misses = (int)js_get_int(j, "misses", 0);
    read_rejected(json_object_get(j, "rejected"), s);
    s->nfirst = read_values(json_object_get(j, "before"), s->first);
    s->nfinal = read_values(json_object_get(j, "after"), s->final_values);
    js_get_text(j, "end_reason", s->end_reason, sizeof s->end_reason);
    s->journal_no = (uint64_t)js_get_int(j, "journal_no", 0);
    s->run_number = (int)js_get_int(j, "run_number", 0);
    return true;
}

bool store_session_parse(const char *text, size_t len, struct session *s, struct err *e)
{
    json_t *j = open_file(text, len, "session.json", e);
    bool ok;

    if (!j)
        return false;
    session_reset(s);
    ok = read_session(j, s, e);
    json_decref(j);
    if (!ok) {
        if (!e->detail[0])
            err_detail(e, "The file is session.json of a session folder.");
        if (!e->hint[0])
            err_hint(e, "The file is left as it is; the rest of the workspace can be used.");
    }
    return ok;
}

void store_session_row(const struct session *s, struct session_row *row)
{
    text_copy_raw(row->name, sizeof row->name, s->name);
    text_copy(row->strategy, sizeof row->strategy, s->plan.strategy);
    row->state = s->state;
    row->baseline_tps = s->baseline_tps;
    row->best_tps = s->best_tps;
    row->effect = s->final.kind != VERDICT_NONE ? s->final.ratio : NAN;
    row->rounds = s->rounds_done;
    row->changed_wall_us = s->ended_wall_us ? s->ended_wall_us : s->created_wall_us;
    row->interrupted = s->state == SESSION_ACTIVE || s->state == SESSION_PAUSED;
}

/* ---- index.json ---- */

void store_index_json(const struct workspace *w, struct buf *out)
{
    json_t *j = json_object(), *list = json_array();

    put(j, "format", json_integer(FORMAT));
    for (int i = 0; i < w->nsessions; i++) {
        const struct session_row *r = &w->sessions[i];
        json_t *row = json_object();
        put(row, "name", js_text(r->name));
        put(row, "strategy", js_text(r->strategy));
        put(row, "state", js_text(session_state_name(r->state)));
        put(row, "baseline_tps", js_num(r->baseline_tps));
        put(row, "best_tps", js_num(r->best_tps));
        put(row, "effect", js_num(r->effect));
        put(row, "rounds", json_integer(r->rounds));
        put(row, "changed_us", json_integer(r->changed_wall_us));
        json_array_append_new(list, row);
    }
    put(j, "sessions", list);
    dump(j, out);
}

bool store_index_parse(const char *text, size_t len, struct workspace *w, struct err *e)
{
    json_t *j = open_file(text, len, "index.json", e), *row;
    size_t i;

    w->nsessions = 0;
    if (!j)
        return false;
    json_array_foreach(json_object_get(j, "sessions"), i, row)
    {
        struct session_row *r = &w->sessions[w->nsessions];
        if (w->nsessions == SESSION_ROWS_MAX)
            break;
        memset(r, 0, sizeof *r);
        if (!js_get_text(row, "name", r->name, sizeof r->name) || !safe_name(r->name) ||
            !read_state(row, &r->state)) {
            json_decref(j);
            w->nsessions = 0;
            return err_set(e, ERR_FORMAT, "index.json has a damaged row");
        }
        js_get_text(row, "strategy", r->strategy, sizeof r->strategy);
        r->baseline_tps = js_get_num(row, "baseline_tps", NAN);
        r->best_tps = js_get_num(row, "best_tps", NAN);
        r->effect = js_get_num(row, "effect", NAN);
        r->rounds = (int)js_get_int(row, "rounds", 0);
        r->changed_wall_us = js_get_int(row, "changed_us", 0);
        r->interrupted = r->state == SESSION_ACTIVE || r->state == SESSION_PAUSED;
        w->nsessions++;
    }
    json_decref(j);
    return true;
}

/* ---- workspace.json ---- */

static json_t *json_from_identity(const struct identity *id)
{
    json_t *j = json_object();

    put(j, "version_num", json_integer(id->version_num));
    put(j, "version", js_text(id->version));
    put(j, "system_identifier", js_text(id->system_identifier));
    put(j, "standby", json_boolean(id->standby));
    put(j, "server_addr", js_text(id->server_addr));
    put(j, "server_port", json_integer(id->server_port));
    put(j, "data_directory", js_text(id->data_directory));
    put(j, "config_file", js_text(id->config_file));
    put(j, "database", js_text(id->database));
    put(j, "role", js_text(id->role));
    put(j, "bindir", js_text(id->bindir));
    put(j, "owner", js_text(id->owner));
    return j;
}

void store_workspace_json(const struct model *m, struct buf *out)
{
    const struct server_facts *f = &m->server;
    const struct link *l = &m->links[CONN_CONTROL];
    json_t *j = json_object(), *system = json_object(), *connection = json_object();

    put(j, "format", json_integer(FORMAT));
    put(j, "name", js_text(m->workspace.name));
    put(j, "server", json_from_identity(&f->id));
    put(system, "hostname", js_text(f->host.hostname));
    put(system, "kernel", js_text(f->host.kernel));
    put(system, "cpus", json_integer(f->host.cpus));
    put(system, "mem_total", js_num(f->host.known ? f->host.mem_total : NAN));
    put(system, "data_disk", js_text(f->host.data.kind));
    put(system, "data_free", js_num(f->host.known ? f->host.data.free_bytes : NAN));
    put(j, "system", system);
    put(connection, "host", js_text(l->host));
    put(connection, "port", js_text(l->port));
    put(connection, "user", js_text(l->user));
    put(connection, "dbname", js_text(l->dbname));
    put(connection, "tls", json_boolean(l->tls));
    put(j, "connection", connection);
    dump(j, out);
}

bool store_workspace_parse(const char *text, size_t len, struct identity *id, struct err *e)
{
    json_t *j = open_file(text, len, "workspace.json", e);
    const json_t *s;

    memset(id, 0, sizeof *id);
    if (!j)
        return false;
    s = json_object_get(j, "server");
    id->version_num = (int)js_get_int(s, "version_num", 0);
    id->standby = js_get_bool(s, "standby", false);
    id->server_port = (int)js_get_int(s, "server_port", 0);
    js_get_text(s, "version", id->version, sizeof id->version);
    js_get_text(s, "system_identifier", id->system_identifier, sizeof id->system_identifier);
    js_get_text(s, "server_addr", id->server_addr, sizeof id->server_addr);
    js_get_text(s, "data_directory", id->data_directory, sizeof id->data_directory);
    js_get_text(s, "database", id->database, sizeof id->database);
    js_get_text(s, "role", id->role, sizeof id->role);
    js_get_text(s, "bindir", id->bindir, sizeof id->bindir);
    js_get_text(s, "owner", id->owner, sizeof id->owner);
    json_decref(j);
    return true;
}

/* ---- workloads ---- */

bool store_workload(const char *name, struct sdl *plan, struct err *e)
{
    struct buf path = {0};
    const struct asset *a;
    json_t *j, *item;
    size_t i;

    buf_printf(&path, "workloads/%s.json", name);
    a = asset_find(buf_text(&path));
    buf_clear(&path);
    if (!a)
        return err_set(e, ERR_INTERNAL, "there is no built-in workload \"%s\"", name);
    j = js_parse((const char *)a->data, a->size, e);
    if (!j)
        return false;
    plan->nscripts = 0;
    plan->builtin_db = true;
    text_copy(plan->workload, sizeof plan->workload, name);
    json_array_foreach(json_object_get(j, "scripts"), i, item)
    {
        struct script *s = &plan->scripts[plan->nscripts];
        char file[200];
        if (plan->nscripts == SCRIPTS_MAX || !js_get_text(item, "file", file, sizeof file))
            continue;
        memset(s, 0, sizeof *s);
        snprintf(s->path, sizeof s->path, "asset:%s", file);
        const char *base = strrchr(file, '/');
        text_copy(s->name, sizeof s->name, base ? base + 1 : file);
        s->weight = (int)js_get_int(item, "weight", 1);
        plan->nscripts++;
    }
    json_decref(j);
    return plan->nscripts > 0 || err_set(e, ERR_INTERNAL, "workload \"%s\" has no scripts", name);
}
