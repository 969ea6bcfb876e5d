/* recent.c - see recent.h. What is read here was written by this program, or by somebody else: nothing of it is believed
 * beyond its bounds, and a row is never lost for a field. */
#include "pgd/workspace/recent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store_parts.h"

/* ---- the files, as FILE_READ_MANY brings them ---- */

static const char header[] = "==> /";

/* The next line that begins with the header; NULL = there is none. */
static const char *find_header(const char *at, const char *end)
{
    while (at < end) {
        size_t left = (size_t)(end - at);
        const char *nl;
        if (left >= sizeof header - 1 && memcmp(at, header, sizeof header - 1) == 0)
            return at;
        nl = memchr(at, '\n', left);
        at = nl ? nl + 1 : end;
    }
    return NULL;
}

/* "…/NAME/FILE" */
static bool split_path(const char *path, size_t len, struct recent_file *out)
{
    const char *slash = memrchr(path, '/', len), *name;
    size_t n, m;

    if (!slash)
        return false;
    m = len - (size_t)(slash - path) - 1;
    name = memrchr(path, '/', (size_t)(slash - path));
    if (!name || m == 0 || m >= sizeof out->file)
        return false;
    n = (size_t)(slash - name) - 1;
    if (n == 0 || n >= sizeof out->name)
        return false;
    memcpy(out->name, name + 1, n);
    out->name[n] = '\0';
    memcpy(out->file, slash + 1, m);
    out->file[m] = '\0';
    return strlen(out->name) == n && strlen(out->file) == m;
}

bool recent_next_file(const char **at, const char *end, struct recent_file *out)
{
    const char *from = find_header(*at, end);

    while (from) {
        const char *path = from + sizeof header - 2;
        const char *nl = memchr(path, '\n', (size_t)(end - path)), *next;
        if (!nl)
            break;
        next = find_header(nl + 1, end);
        *at = next ? next : end;
        if (split_path(path, (size_t)(nl - path), out)) {
            out->text = nl + 1;
            out->len = (size_t)(*at - out->text);
            if (out->len > 0) /* the newline that ends each section */
                out->len--;
            return true;
        }
        from = next;
    }
    *at = end;
    return false;
}

/* ---- one workspace ---- */

static void damaged(struct recent *r, const char *what, const struct err *e)
{
    struct buf b = {0};

    if (r->damage[0])
        return;
    buf_printf(&b, "%s %s", what, e->code == ERR_REFUSED ? "is of a newer version" : "is damaged");
    text_copy(r->damage, sizeof r->damage, buf_text(&b));
    buf_clear(&b);
}

/* FILE_READ_MANY ends where it has this much: the indexes, which come last, are then not all there. */
enum { ALL_MAX = 16 << 20 };

static void take_workspace(struct recent *r, const char *text, size_t len)
{
    struct err e = {0};
    json_t *j = store_open(text, len, "workspace.json", &e);
    const json_t *c = json_object_get(j, "connection"), *s = json_object_get(j, "server");
    int64_t used;

    if (!json_is_object(c)) {
        damaged(r, "workspace.json", &e);
        json_decref(j);
        return;
    }
    r->known = true;
    js_get_text(c, "host", r->host, sizeof r->host);
    js_get_text(c, "port", r->port, sizeof r->port);
    js_get_text(c, "user", r->user, sizeof r->user);
    js_get_text(c, "dbname", r->database, sizeof r->database);
    js_get_text(c, "ssh_host", r->ssh_host, sizeof r->ssh_host);
    r->demo = js_get_bool(c, "demo", false);
    js_get_text(s, "version", r->version, sizeof r->version);
    used = js_get_int(j, "used_us", 0);
    if (used > r->used_us && used < INT64_C(1) << 53)
        r->used_us = used;
    json_decref(j);
}

static bool read_session(const json_t *j, struct recent_session *s)
{
    static const enum session_state states[] = {SESSION_ACTIVE, SESSION_PAUSED, SESSION_ARCHIVED,
                                                SESSION_FAILED};
    char state[24];

    memset(s, 0, sizeof *s);
    if (!js_get_text(j, "name", s->name, sizeof s->name) || !s->name[0] ||
        !js_get_text(j, "state", state, sizeof state))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(state, session_state_name(states[i])) == 0)
            s->state = states[i];
    js_get_text(j, "strategy", s->strategy, sizeof s->strategy);
    s->effect = js_get_num(j, "effect", NAN);
    s->rounds = (int)js_get_int(j, "rounds", 0);
    s->measured = js_get_num(j, "baseline_tps", NAN) > 0;
    js_get_text(j, "reason", s->reason, sizeof s->reason);
    s->changed_us = js_get_int(j, "changed_us", 0);
    if (!(s->effect > 0 && s->effect < 1e6))
        s->effect = NAN;
    if (s->rounds < 0 || s->rounds > 10000)
        s->rounds = 0;
    if (s->changed_us < 0 || s->changed_us >= INT64_C(1) << 53)
        s->changed_us = 0;
    return s->state != SESSION_NONE;
}

bool recent_without_round(const struct recent_session *s)
{
    return s->state == SESSION_FAILED && s->rounds == 0 && s->measured;
}

static void take_session(struct recent *r, const struct recent_session *s)
{
    bool open = s->state == SESSION_ACTIVE || s->state == SESSION_PAUSED;
    bool killed = s->state == SESSION_ACTIVE && r->open.state == SESSION_PAUSED;

    r->nsessions++;
    r->paused += s->state == SESSION_PAUSED;
    if (recent_without_round(s))
        r->without_round++;
    else
        r->failed += s->state == SESSION_FAILED;
    if (s->state == SESSION_ARCHIVED && !(s->effect <= r->best))
        r->best = s->effect;
    if (s->changed_us > r->used_us)
        r->used_us = s->changed_us;
    if (r->nshown < RECENT_SESSIONS)
        r->shown[r->nshown++] = *s;
    if (open && (!r->open.name[0] || killed))
        r->open = *s;
}

static void take_index(struct recent *r, const char *text, size_t len)
{
    struct err e = {0};
    json_t *j = store_open(text, len, "index.json", &e), *one;
    const json_t *list = json_object_get(j, "sessions");
    size_t i;

    r->listed = true;
    if (!json_is_array(list))
        damaged(r, "index.json", &e);
    json_array_foreach(list, i, one)
    {
        struct recent_session s;
        if (read_session(one, &s))
            take_session(r, &s);
        else
            damaged(r, "a row of index.json", &e);
    }
    json_decref(j);
}

/* "process 4711, pg_diagnose since …" */
static void take_lock(struct recent *r, const char *text, size_t len)
{
    static const char begin[] = "process ";
    size_t n = 0;

    if (len < sizeof begin - 1 || memcmp(text, begin, sizeof begin - 1) != 0)
        return;
    text += sizeof begin - 1;
    len -= sizeof begin - 1;
    while (n < len && n < 10 && text[n] >= '0' && text[n] <= '9')
        n++;
    snprintf(r->holder, sizeof r->holder, "%.*s", (int)n, text);
}

static struct recent *row_of(struct recent_list *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->rows[i].name, name) == 0)
            return &l->rows[i];
    return NULL;
}

void *recent_digest(const char *data, size_t len, const char *arg)
{
    struct recent_list *l = xcalloc(1, sizeof *l);
    const char *end = data + len;
    const bool cut = len > ALL_MAX;
    struct recent_file f;

    for (const char *p = arg ? arg : ""; *p && l->n < RECENT_MAX;) {
        size_t n = strcspn(p, "\n");
        l->rows = xgrow(l->rows, &l->cap, (size_t)l->n + 1, sizeof *l->rows);
        memset(&l->rows[l->n], 0, sizeof *l->rows);
        l->rows[l->n].best = NAN;
        if (n > 0 && n < sizeof l->rows[0].name)
            memcpy(l->rows[l->n++].name, p, n);
        p += n + (p[n] == '\n');
    }
    while (recent_next_file(&data, end, &f)) {
        struct recent *r = row_of(l, f.name);
        if (!r)
            continue;
        if (strcmp(f.file, "workspace.json") == 0)
            take_workspace(r, f.text, f.len);
        else if (strcmp(f.file, "index.json") == 0)
            take_index(r, f.text, f.len);
        else if (strcmp(f.file, "lock") == 0)
            take_lock(r, f.text, f.len);
    }
    for (int i = 0; cut && i < l->n; i++)
        if (!l->rows[i].listed && !l->rows[i].damage[0])
            text_copy(l->rows[i].damage, sizeof l->rows[i].damage,
                      "too many sessions around it to be counted here");
    for (int i = 0; i < l->n; i++)
        if (!l->rows[i].known && !l->rows[i].damage[0])
            text_copy(l->rows[i].damage, sizeof l->rows[i].damage, "workspace.json is missing");
    return l;
}

void recent_list_free(void *list)
{
    struct recent_list *l = list;

    if (l)
        free(l->rows);
    free(l);
}

static int newest_first(const void *a, const void *b)
{
    const struct recent *x = a, *y = b;

    if (x->used_us != y->used_us)
        return x->used_us > y->used_us ? -1 : 1;
    return strcmp(x->name, y->name);
}

void recent_add(struct recent_list *to, const struct recent_list *from)
{
    for (int i = 0; i < from->n && to->n < RECENT_MAX; i++) {
        to->rows = xgrow(to->rows, &to->cap, (size_t)to->n + 1, sizeof *to->rows);
        to->rows[to->n++] = from->rows[i];
    }
    if (to->n > 1)
        qsort(to->rows, (size_t)to->n, sizeof *to->rows, newest_first);
}

/* ---- words ---- */

void recent_when(char *dst, size_t size, int64_t then_us, int64_t now_us)
{
    double age_s = ((double)now_us - (double)then_us) / 1e6;
    char age[24], now[24];

    if (then_us <= 0) {
        text_copy_raw(dst, size, "-");
    } else if (age_s < 60) {
        text_copy_raw(dst, size, "just now");
    } else if (age_s < 7 * 86400) {
        text_age(age, sizeof age, age_s);
        snprintf(dst, size, "%s ago", age);
    } else {
        clock_day(then_us, age, sizeof age);
        clock_day(now_us, now, sizeof now);
        /* the year is of interest only where it is another one */
        bool same = strlen(age) > 5 && strlen(now) > 5 &&
                    strcmp(age + strlen(age) - 4, now + strlen(now) - 4) == 0;
        snprintf(dst, size, "%.*s", (int)(strlen(age) - (same ? 5 : 0)), age);
    }
}

void recent_sessions(const struct recent *r, char *dst, size_t size)
{
    struct buf b = {0};
    bool killed = r->open.name[0] && r->open.state == SESSION_ACTIVE;
    const char *sep = " (";

    buf_printf(&b, "%d", r->nsessions);
    if (killed) {
        buf_printf(&b, "%s%s", sep, r->holder[0] ? "1 runs" : "1 interrupted");
        sep = ", ";
    }
    if (r->paused) {
        buf_printf(&b, "%s%d paused", sep, r->paused);
        sep = ", ";
    }
    if (r->failed) {
        buf_printf(&b, "%s%d failed", sep, r->failed);
        sep = ", ";
    }
    if (r->without_round) {
        buf_printf(&b, "%s%d no round", sep, r->without_round);
        sep = ", ";
    }
    if (*sep == ',')
        buf_putc(&b, ')');
    text_copy(dst, size, buf_text(&b));
    buf_clear(&b);
}

void recent_why(const struct recent_session *s, char *dst, size_t size)
{
    bool time = strncmp(s->reason, "the budget", 10) == 0;

    snprintf(dst, size, "no round was made%s%s%s", s->reason[0] ? ", " : "", s->reason,
             time ? "; a longer budget holds one" : "");
}

void recent_note(const struct recent *r, char *dst, size_t size)
{
    char why[160];
    struct buf b = {0};
    const struct recent_session *s = &r->open;

    if (r->holder[0]) {
        buf_printf(&b, "in use by process %s: opens read-only", r->holder);
    } else if (s->name[0]) {
        buf_printf(&b, "%s R%d %s: resume, or undo", s->strategy[0] ? s->strategy : s->name,
                   s->rounds + 1, s->state == SESSION_PAUSED ? "is paused" : "was interrupted");
    } else if (r->nshown > 0 && recent_without_round(&r->shown[0])) {
        recent_why(&r->shown[0], why, sizeof why);
        buf_printf(&b, "%s: %s", r->shown[0].strategy, why);
    }
    if (r->damage[0])
        buf_printf(&b, "%s%s", b.len ? "; " : "", r->damage);
    text_copy(dst, size, buf_text(&b));
    buf_clear(&b);
}

void recent_title(const struct recent *r, char *dst, size_t size)
{
    struct buf b = {0};

    if (!r->known && !r->database[0]) {
        text_copy(dst, size, r->name);
        return;
    }
    buf_printf(&b, "%s @ %s", r->database[0] ? r->database : "?",
               r->demo                                                 ? "demo"
               : !r->host[0] || r->host[0] == '/' || r->host[0] == '@' ? "this machine"
                                                                       : r->host);
    if (!r->demo && r->port[0] && strcmp(r->port, "5432") != 0)
        buf_printf(&b, ":%s", r->port);
    text_copy(dst, size, buf_text(&b));
    buf_clear(&b);
}

bool recent_is_of(const struct recent *r, const char *host, const char *port)
{
    return text_eq_nocase(r->host, host) && (!*port || strcmp(r->port, port) == 0);
}

static bool passes(const struct start_screen *s, const struct recent *r)
{
    char title[400];

    if (s->server[0] && !recent_is_of(r, s->server, s->server_port))
        return false;
    recent_title(r, title, sizeof title);
    return !s->filter[0] || strcasestr(title, s->filter) || strcasestr(r->name, s->filter);
}

const struct recent *recent_shown(const struct start_screen *s, int i, int *session)
{
    for (int n = 0; n < s->recent.n && i >= 0; n++) {
        const struct recent *r = &s->recent.rows[n];
        int rows = 1 + (s->server[0] ? r->nshown : 0);
        if (!passes(s, r))
            continue;
        if (i < rows) {
            *session = i - 1;
            return r;
        }
        i -= rows;
    }
    return NULL;
}

int recent_count(const struct start_screen *s)
{
    int rows = 0;

    for (int n = 0; n < s->recent.n; n++)
        if (passes(s, &s->recent.rows[n]))
            rows += 1 + (s->server[0] ? s->recent.rows[n].nshown : 0);
    return rows;
}

/* ---- connection strings ---- */

/* postgresql://[user[:password]@][hosts][/database][?parameters] */
static bool uri_names(const char *s)
{
    const char *p = strstr(s, "://") + 3;
    const char *slash = p + strcspn(p, "/?"); /* a socket directory is written %2F */

    if (*slash == '/' && slash[1] && slash[1] != '?')
        return true;
    for (const char *param = strchr(p, '?'); param; param = strchr(param + 1, '&'))
        if (strncmp(param + 1, "dbname=", 7) == 0 && param[8] && param[8] != '&')
            return true;
    return false;
}

/* The value of conninfo text at p, quoted or not; p ends behind it. True when it is not empty. */
static bool conninfo_value(const char **p)
{
    bool quoted = **p == '\'', any = false;

    *p += quoted;
    while (**p && (quoted ? **p != '\'' : **p != ' ')) {
        *p += **p == '\\' && (*p)[1] ? 2 : 1;
        any = true;
    }
    *p += quoted && **p == '\'';
    return any;
}

bool recent_names_database(const char *s)
{
    bool named = false;

    if (strncmp(s, "postgres://", 11) == 0 || strncmp(s, "postgresql://", 13) == 0)
        return uri_names(s);
    while (*s) {
        s += strspn(s, " \t\r\n");
        size_t n = strcspn(s, "= \t\r\n");
        bool dbname = n == 6 && strncmp(s, "dbname", 6) == 0;
        s += n;
        s += strspn(s, " \t\r\n");
        if (*s != '=')
            continue;
        s++;
        s += strspn(s, " \t\r\n");
        bool value = conninfo_value(&s);
        named = dbname ? value : named;
    }
    return named;
}
