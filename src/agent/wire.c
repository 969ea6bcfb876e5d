/* What both dialects share: the checks of an address, requests as effects, and the way from bytes to one text.
 *
 * The verdict over an answer falls once, in wire_end(). Until then everything is only noted, so that how the bytes were cut cannot
 * change what is made of them. */
#include "pgd/agent/wire.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/wire_dialect.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

enum {
    CONNECT_MS = 10000,
    STALL_S = 90,
    /* A model on this machine reads a long request for minutes before its first word, and says nothing meanwhile. */
    STALL_LOCAL_S = 300,
    BODY_MAX = 8 * 1024 * 1024,
    BLANKS_MAX = 64 * 1024, /* before the first byte that tells what a body is */
    QUOTE_MAX = 512,        /* kept of a stream's beginning */
    SAID_MAX = 32 * 1024,   /* of an answer that is to be repaired */
    KEY_MAX = 4096
};

static const struct wire_dialect *const dialects[DIALECT_COUNT] = {
    [DIALECT_GEMINI] = &wire_gemini,
    [DIALECT_OPENAI] = &wire_openai,
};

const struct wire_dialect *wire_dialect_of(enum dialect d)
{
    return dialects[(size_t)d < DIALECT_COUNT ? d : DIALECT_OPENAI];
}

/* ---- the address ---- */

/* The parts of a base; false when it is no address. */
struct address {
    bool https;
    char host[256];
    const char *rest; /* from the path on */
};

static bool loopback_host(const char *host)
{
    if (text_eq_nocase(host, "localhost") || strcmp(host, "[::1]") == 0)
        return true;
    int part = 0, digits = 0, value = 0;
    for (const char *p = host;; p++) {
        if (*p >= '0' && *p <= '9' && digits < 3) {
            value = value * 10 + (*p - '0');
            digits++;
        } else if ((*p == '.' || *p == '\0') && digits > 0 && value < 256) {
            if (part == 0 && value != 127)
                return false;
            part++;
            digits = value = 0;
            if (*p == '\0')
                return part == 4;
        } else {
            return false;
        }
    }
}

static bool host_read(const char *s, size_t n, struct address *a)
{
    size_t host = n;
    if (n > 0 && s[0] == '[') {
        const char *close = memchr(s, ']', n);
        if (!close)
            return false;
        host = (size_t)(close - s) + 1;
    } else {
        const char *colon = memchr(s, ':', n);
        if (colon)
            host = (size_t)(colon - s);
    }
    if (host == 0 || host >= sizeof a->host)
        return false;
    for (size_t i = 0; i < host; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("-._:[]", s[i]))
            return false;
    memcpy(a->host, s, host);
    a->host[host] = '\0';
    if (host == n)
        return true;
    long port = 0;
    size_t digits = n - host - 1;
    for (size_t i = host + 1; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || digits > 5)
            return false;
        port = port * 10 + (s[i] - '0');
    }
    return s[host] == ':' && digits > 0 && port > 0 && port < 65536;
}

static bool address_read(const char *base, struct address *a)
{
    *a = (struct address){0};
    for (const char *p = base; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '\\')
            return false;
    const char *s = strstr(base, "://");
    if (!s)
        return false;
    a->https = s - base == 5 && strncasecmp(base, "https", 5) == 0;
    if (!a->https && !(s - base == 4 && strncasecmp(base, "http", 4) == 0))
        return false;
    s += 3;
    size_t n = strcspn(s, "/?#");
    a->rest = s + n;
    return host_read(s, n, a) && !strpbrk(a->rest, "?#");
}

bool endpoint_loopback(const struct endpoint *p)
{
    struct address a;
    return address_read(p->base, &a) && loopback_host(a.host);
}

static bool key_clean(const char *key)
{
    size_t n = 0;
    for (; key[n]; n++)
        if ((unsigned char)key[n] <= ' ' || (unsigned char)key[n] >= 0x7f)
            return false;
    return n > 0 && n <= KEY_MAX;
}

bool endpoint_check(const struct endpoint *p, struct err *e)
{
    const struct wire_dialect *d = wire_dialect_of(p->dialect);
    struct address a;
    const char *scheme = strstr(p->base, "://");
    const char *authority = scheme ? scheme + 3 : p->base;
    if (memchr(authority, '@', strcspn(authority, "/?#"))) {
        err_set(e, ERR_USAGE, "the address of the model holds a user or a password");
        return err_hint(e, "Set %s without it, and the key in %s.", d->base_env, d->key_env);
    }
    if (!address_read(p->base, &a)) {
        int shown = (int)strcspn(p->base, "?#"); /* a query may hold a key */
        err_set(e, ERR_USAGE, "\"%.*s\" is no address of a model", shown < 120 ? shown : 120,
                p->base);
        return err_hint(e, "Set %s to https://HOST[:PORT][/PATH], without a query.", d->base_env);
    }
    if (!a.https && !loopback_host(a.host)) {
        err_set(e, ERR_REFUSED, "the address of the model is not encrypted: %.120s", p->base);
        err_detail(e, "http is used for this machine itself alone; \"%.80s\" is another.", a.host);
        return err_hint(e, "Set %s to an https address.", d->base_env);
    }
    if (p->key == 0) {
        if (loopback_host(a.host))
            return true;
        err_set(e, ERR_USAGE, "there is no key for the model at %.120s", a.host);
        err_detail(e, "%s is not set; without a key a model is asked on this machine alone.",
                   d->key_env);
        return err_hint(e, "Set %s in the environment, or use the built-in advisor.", d->key_env);
    }
    if (!key_clean(secret_get(p->key))) {
        err_set(e, ERR_USAGE, "the key holds a line break, a blank or another odd character");
        err_detail(e, "It goes into a header of each request, where it would end or change that.");
        return err_hint(e, "Set %s%s%s to the key alone, without quotes or a newline.", d->key_env,
                        d->key_env_else ? " or " : "", d->key_env_else ? d->key_env_else : "");
    }
    for (const char *c = p->model; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            err_set(e, ERR_USAGE, "the name of the model holds a control character");
            return err_hint(e, "Set %s to a name, or choose one with /model.", d->model_env);
        }
    return true;
}

/* ---- requests ---- */

void wire_base(const struct endpoint *p, struct buf *out)
{
    size_t n = strlen(p->base);
    while (n > 0 && p->base[n - 1] == '/')
        n--;
    buf_append(out, p->base, n);
}

json_t *wire_schema(const char *text)
{
    return js_parse(text, strlen(text), NULL);
}

void wire_repair_text(const struct wire_repair *r, struct buf *said, struct buf *wrong)
{
    size_t n = strlen(r->said);
    buf_append(said, r->said, n < SAID_MAX ? n : SAID_MAX);
    if (n == 0)
        buf_puts(said, "(nothing)");
    buf_printf(wrong,
               "Your answer cannot be used: %.2000s\nAnswer again with JSON of the schema only.",
               r->wrong);
}

static void common(struct effect *e, const struct endpoint *p)
{
    const struct wire_dialect *d = wire_dialect_of(p->dialect);
    e->ms = CONNECT_MS;
    e->u.http.max_bytes = BODY_MAX;
    e->u.http.stall_s = STALL_S;
    if (p->key) {
        e->u.http.key_header = xstrdup(d->key_header);
        e->u.http.key = p->key;
    }
}

struct effect *wire_request(struct effects *fx, struct req req, const struct endpoint *p,
                            const struct packet *packet, int max_tokens, bool stream,
                            const struct wire_repair *repair)
{
    const struct wire_dialect *d = wire_dialect_of(p->dialect);
    struct buf url = {0};
    d->url(p, stream, &url);
    json_t *body = d->body(p, packet, max_tokens, stream, repair);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    struct effect *e = fx_http(fx, req, buf_text(&url), text, strlen(text));
    fx_http_header(e, "Content-Type", "application/json");
    fx_http_header(e, "Accept", stream ? "text/event-stream" : "application/json");
    common(e, p);
    if (p->dialect == DIALECT_OPENAI && endpoint_loopback(p))
        e->u.http.stall_s = STALL_LOCAL_S;
    free(text);
    buf_clear(&url);
    return e;
}

struct effect *wire_models(struct effects *fx, struct req req, const struct endpoint *p)
{
    struct buf url = {0};
    wire_dialect_of(p->dialect)->models_url(p, &url);
    struct effect *e = fx_http(fx, req, buf_text(&url), NULL, 0);
    fx_http_header(e, "Accept", "application/json");
    common(e, p);
    buf_clear(&url);
    return e;
}

/* ---- bytes ---- */

void wire_begin(struct wire *w, enum dialect d, bool stream)
{
    *w = (struct wire){.dialect = d, .stream = stream, .retry_after_ms = -1};
}

void wire_clear(struct wire *w)
{
    sse_clear(&w->sse);
    buf_clear(&w->raw);
    buf_clear(&w->lead);
    buf_clear(&w->text);
    buf_clear(&w->error);
    *w = (struct wire){.dialect = w->dialect, .stream = w->stream, .retry_after_ms = -1};
}

void wire_head(struct wire *w, int status, const char *header)
{
    w->status = status;
    w->retry_after_ms = header ? wire_fault_retry_after(header) : -1;
}

void wire_append(struct wire *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t run = strnlen(text + i, len - i);
        size_t room = WIRE_TEXT_MAX - w->text.len;
        if (run > room) {
            w->too_much = true;
            while (room > 0 && ((unsigned char)text[i + room] & 0xc0u) == 0x80)
                room--;
            buf_append(&w->text, text + i, room);
            return;
        }
        buf_append(&w->text, text + i, run);
        i += run + 1;
    }
    if (w->text.len > 0)
        w->thinks = false;
}

void wire_append_json(struct wire *w, const json_t *string)
{
    if (json_is_string(string) && !w->too_much)
        wire_append(w, json_string_value(string), json_string_length(string));
}

void wire_finished(struct wire *w, enum wire_finish finish, const char *reason)
{
    w->finish = finish;
    text_copy(w->reason, sizeof w->reason, reason);
}

int wire_count(const json_t *obj, const char *key)
{
    double v = json_number_value(json_object_get(obj, key));
    return v > 0 && v < 1e8 ? (int)v : 0;
}

void wire_use(struct wire *w, const struct usage *u)
{
    if (u->in + u->thinking + u->out == 0)
        return;
    w->usage = *u;
    w->usage.cached = u->cached < u->in ? u->cached : u->in;
    w->usage_known = true;
}

/* At p stands \uD?xx whose second digit is one of `digits`. */
static bool escape_of(const char *p, const char *end, const char *digits)
{
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' && (p[2] == 'd' || p[2] == 'D') &&
           p[3] != '\0' && strchr(digits, p[3]);
}

/* The half of a pair that stands alone at p: \ud83d without \ude00 behind it. */
static bool lone_surrogate(const char *p, const char *end)
{
    if (escape_of(p, end, "cdefCDEF"))
        return true;
    return escape_of(p, end, "89abAB") && !escape_of(p + 6, end, "cdefCDEF");
}

static void mend(const char *text, size_t len, struct buf *out)
{
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        if (*p == '\\' && lone_surrogate(p, end)) {
            buf_puts(out, "\\ufffd");
            p += 6;
        } else if (*p == '\\' && end - p >= 2) {
            /* The first half of a whole pair takes the other along, which would look alone. */
            size_t n = escape_of(p, end, "89abAB") ? 12 : 2;
            buf_append(out, p, n);
            p += n;
        } else {
            uint32_t rune;
            char bytes[4];
            p += text_decode(p, (size_t)(end - p), &rune);
            buf_append(out, bytes, text_encode(rune, bytes));
        }
    }
}

json_t *wire_json(const char *text, size_t len)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    json_error_t why;
    json_t *j = json_loadb(text, len, flags, &why);
    if (j)
        return j;
    struct buf mended = {0};
    mend(text, len, &mended);
    j = json_loadb(buf_text(&mended), mended.len, flags, &why);
    buf_clear(&mended);
    return j;
}

/* One object, or an array of them: what a stream gives that was asked for without alt=sse. */
static void take(struct wire *w, const json_t *j)
{
    json_t *error = wire_fault_error(j);
    if (error) {
        char *text = json_dumps(error, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_clear(&w->error);
        buf_puts(&w->error, text ? text : "{}");
        free(text);
        json_decref(error);
        w->failed = true;
        return;
    }
    w->events++;
    if (json_is_object(j)) {
        wire_dialect_of(w->dialect)->take(w, j);
        return;
    }
    size_t i;
    const json_t *item;
    json_array_foreach(j, i, item)
    {
        if (json_is_object(item))
            wire_dialect_of(w->dialect)->take(w, item);
    }
    if (!json_is_array(j))
        w->broken = true;
}

static bool event(void *arg, const char *data, size_t len)
{
    struct wire *w = arg;
    size_t from = strspn(data, " \t\n");
    if (from == len)
        return true;
    if (len - from == 6 && memcmp(data + from, "[DONE]", 6) == 0) {
        w->done = true;
        return w->dialect == DIALECT_GEMINI;
    }
    json_t *j = wire_json(data, len);
    if (!j) {
        w->broken = true;
        return false;
    }
    take(w, j);
    json_decref(j);
    return !w->failed && !w->broken && !w->too_much;
}

static bool over(const struct wire *w)
{
    return w->failed || w->broken || w->too_much || (w->done && w->dialect != DIALECT_GEMINI);
}

static void feed_events(struct wire *w, const char *data, size_t len)
{
    if (over(w))
        return;
    sse_feed(&w->sse, data, len, event, w);
    w->too_much = w->too_much || w->sse.broken;
}

/* What the first bytes are. Blanks, and a byte order mark, say nothing; raw holds all bytes so far. */
static enum wire_body tell(const struct buf *raw)
{
    const char *s = buf_text(raw);
    size_t n = raw->len < BLANKS_MAX ? raw->len : BLANKS_MAX;
    for (size_t i = 0; i < n; i++)
        if (!memchr(" \t\r\n\xef\xbb\xbf", s[i], 7))
            return s[i] != '\0' && strchr("{[\"<", s[i]) ? BODY_WHOLE : BODY_EVENTS;
    return raw->len < BLANKS_MAX ? BODY_UNKNOWN : BODY_EVENTS;
}

void wire_data(struct wire *w, const char *data, size_t len)
{
    if (w->body == BODY_EVENTS) {
        size_t room = w->raw.len < QUOTE_MAX ? QUOTE_MAX - w->raw.len : 0;
        buf_append(&w->raw, data, len < room ? len : room);
        feed_events(w, data, len);
        return;
    }
    size_t room = w->raw.len < BODY_MAX ? BODY_MAX - w->raw.len : 0;
    w->too_much = w->too_much || len > room;
    buf_append(&w->raw, data, len < room ? len : room);
    if (w->body != BODY_UNKNOWN)
        return;
    w->body = w->status < 300 ? tell(&w->raw) : BODY_WHOLE;
    if (w->body == BODY_EVENTS) {
        feed_events(w, w->raw.data, w->raw.len);
        if (w->raw.len > QUOTE_MAX)
            w->raw.data[w->raw.len = QUOTE_MAX] = '\0';
    }
}

/* ---- the end ---- */

static bool blank(const struct buf *b)
{
    const char *s = buf_text(b);
    return s[strspn(s, " \t\r\n")] == '\0' && strlen(s) == b->len;
}

/* What was held back as a possible thought and is none. */
static void flush_lead(struct wire *w)
{
    if (!w->led && w->lead.len > 0 && !w->thinks)
        wire_append(w, w->lead.data, w->lead.len);
    buf_clear(&w->lead);
    w->led = true;
}

/* A body that came as one text. One whole object need not say why it ends: nothing of it was cut. */
static bool end_whole(struct wire *w, struct wire_failure *f)
{
    json_t *j = wire_json(buf_text(&w->raw), w->raw.len);
    if (j)
        take(w, j);
    bool object = json_is_object(j);
    json_decref(j);
    flush_lead(w);
    if (w->failed) {
        wire_fault_said(w, f);
        return false;
    }
    if (!j || w->broken) {
        wire_fault_page(w, f);
        return false;
    }
    if (object && w->finish == WIRE_OPEN && w->text.len > 0)
        wire_finished(w, WIRE_STOP, "");
    if (!object && w->finish == WIRE_OPEN)
        wire_fault_own(w, FAULT_TRUNCATED, f, "%s", "The list of its pieces has no last one.");
    return object || w->finish != WIRE_OPEN;
}

static bool end_events(struct wire *w, struct wire_failure *f)
{
    const struct buf *line = &w->sse.line;
    bool begun = w->sse.has_data || (line->len >= 5 && memcmp(line->data, "data:", 5) == 0);
    if (w->broken || (w->events == 0 && !w->done && !begun && !blank(&w->raw))) {
        wire_fault_page(w, f);
        return false;
    }
    bool cut = wire_dialect_of(w->dialect)->leftover_cuts && sse_leftover(&w->sse);
    if (cut || w->finish == WIRE_OPEN) {
        wire_fault_own(w, FAULT_TRUNCATED, f, "%s",
                       w->text.len ? "What came of it so far is not used as an answer."
                                   : "Nothing of it had come.");
        return false;
    }
    return true;
}

static bool end_finish(struct wire *w, struct wire_failure *f)
{
    switch (w->finish) {
    case WIRE_BLOCKED:
        wire_fault_own(w, FAULT_BLOCKED, f, "It gave as its reason: %s.", w->reason);
        return false;
    case WIRE_LENGTH:
        wire_fault_own(w, FAULT_LENGTH, f, "It ended with %s after %zu bytes.", w->reason,
                       w->text.len);
        return false;
    case WIRE_OTHER:
        wire_fault_own(w, FAULT_ANSWER, f, "It ended with %s.", w->reason);
        f->again = strncmp(w->reason, "MALFORMED", 9) == 0;
        return false;
    case WIRE_OPEN:
    case WIRE_STOP:
        break;
    }
    if (!blank(&w->text))
        return true;
    wire_fault_own(w, FAULT_ANSWER, f, "The answer was empty.");
    f->again = true;
    return false;
}

static void network(const struct wire *w, const struct err *err, bool temporary,
                    struct wire_failure *f)
{
    wire_fault_own(w, FAULT_NETWORK, f, "%s", "");
    char msg[sizeof err->msg];
    memcpy(msg, err->msg, sizeof msg);
    secret_redact(msg);
    err_set(&f->err, ERR_MODEL, "%s", msg[0] ? msg : "the model's server does not answer");
    wire_fault_quote(&f->err, "", err->detail, strnlen(err->detail, sizeof err->detail));
    if (err->hint[0])
        err_hint(&f->err, "%s", err->hint);
    f->again = temporary;
}

bool wire_end(struct wire *w, const struct err *err, bool temporary, struct wire_failure *f)
{
    *f = (struct wire_failure){.delay_ms = -1};
    bool failed = err && err->code != ERR_NONE;
    if (failed && err->code == ERR_CANCELLED) {
        wire_fault_own(w, FAULT_CANCELLED, f, "%s", "");
        return false;
    }
    if (w->failed || w->status >= 300) {
        wire_fault_said(w, f);
        return false;
    }
    if (w->body != BODY_WHOLE)
        flush_lead(w);
    bool complete = w->done && w->dialect != DIALECT_GEMINI;
    if (complete && w->finish == WIRE_OPEN && !w->broken)
        wire_finished(w, WIRE_STOP, "");
    if (failed && !complete && !w->too_much) {
        network(w, err, temporary, f);
        return false;
    }
    bool read = w->body == BODY_WHOLE ? end_whole(w, f) : end_events(w, f);
    if (!w->too_much)
        return read && end_finish(w, f);
    *f = (struct wire_failure){.delay_ms = -1};
    wire_fault_own(w, FAULT_ANSWER, f, "It is longer than %d bytes.", WIRE_TEXT_MAX);
    return false;
}

/* ---- the list of models ---- */

struct listed {
    const char *name; /* borrowed */
    double created;
    size_t at;
};

/* The newest first where a date is said, else by name backwards: a higher version stands before a lower. */
static int by_age(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    if (x->created != y->created)
        return x->created > y->created ? -1 : 1;
    int order = strverscmp(y->name, x->name);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool name_fits(const char *name)
{
    char clean[MODEL_NAME_MAX];
    return name[0] && text_copy(clean, sizeof clean, name) && strcmp(clean, name) == 0;
}

static int list_models(const struct wire_dialect *d, const json_t *list, char out[][MODEL_NAME_MAX],
                       int max)
{
    size_t n = 0, i;
    const json_t *item;
    struct listed *found = xcalloc(json_array_size(list) + 1, sizeof *found);
    json_array_foreach(list, i, item)
    {
        const char *name = d->model(item);
        if (name && name_fits(name))
            found[n++] = (struct listed){name, json_number_value(json_object_get(item, "created")),
                                         i};
    }
    qsort(found, n, sizeof *found, by_age);
    int count = 0;
    for (i = 0; i < n && count < max; i++) {
        bool known = false;
        for (int k = 0; k < count; k++)
            known = known || strcmp(out[k], found[i].name) == 0;
        if (!known)
            text_copy(out[count++], MODEL_NAME_MAX, found[i].name);
    }
    free(found);
    return count;
}

int wire_read_models(enum dialect d, const char *text, size_t len, char out[][MODEL_NAME_MAX],
                     int max, struct err *e)
{
    const struct wire_dialect *row = wire_dialect_of(d);
    json_t *j = wire_json(text, len);
    json_t *error = wire_fault_error(j);
    const json_t *list = json_object_get(j, row->list);
    int n = 0;
    if (error) {
        const char *said = json_string_value(json_object_get(error, "message"));
        err_set(e, ERR_MODEL, "the list of models was refused");
        if (e)
            wire_fault_quote(e, "It says: ", said ? said : "", said ? strlen(said) : 0);
    } else if (!json_is_array(list)) {
        err_set(e, ERR_MODEL, "what came is no list of models");
        err_hint(e, "See %s; a name may be typed without a list.", row->base_env);
    } else if ((n = list_models(row, list, out, max)) == 0) {
        err_set(e, ERR_MODEL, "the list of models holds none that writes text");
        err_hint(e, "See what the server at %s has, or the account of the key.", row->base_env);
    }
    json_decref(error);
    json_decref(j);
    return n;
}
