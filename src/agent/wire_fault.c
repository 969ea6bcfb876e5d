/* Why a call gave no answer: from a status, from google.rpc.Status or OpenAI's error objects, from what proxies make of them, or from
 * what we saw ourselves.
 *
 * Everything quoted here was written by a server: secrets are taken out before it is cut, then it is cleaned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/agent/wire_dialect.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

enum { WRAPS_MAX = 4, QUOTED_MAX = 8192, DELAY_MAX_MS = 1000 * 1000 * 1000 };

/* ---- what each fault says ---- */

struct fault_words {
    const char *msg, *hint;
    bool again;
};

static const struct fault_words words[] = {
    [FAULT_NONE] = {"", "", false},
    [FAULT_REQUEST] = {"the model's server refused the request",
                       "Another model (/model) may take it; its own words tell why.", false},
    [FAULT_KEY] = {"the key was refused", "Set another key in %s and start again.", false},
    [FAULT_REGION] = {"the model may not be used from here, or not without billing",
                      "See the account of the key, or choose another model with /model.", false},
    [FAULT_MODEL] = {"there is no such model at this address",
                     "/model shows those that there are; %s sets the address.", false},
    [FAULT_QUOTA_DAY] = {"the quota of the key is used up for today",
                         "Choose another model with /model, or go on with the built-in advisor.",
                         false},
    [FAULT_RATE] = {"too many requests for the key at the moment",
                    "The next try waits as long as the server asks for.", true},
    [FAULT_SERVER] = {"the model's server is overloaded or has failed",
                      "It is tried again by itself; /model chooses another model.", true},
    [FAULT_NETWORK] = {"the model's server does not answer",
                       "See the network and %s; the built-in advisor works without it.", true},
    [FAULT_TRUNCATED] = {"the answer broke off before its end", "It is asked for again by itself.",
                         true},
    [FAULT_ANSWER] = {"what came is no answer of a model", "See %s; /model chooses another model.",
                      false},
    [FAULT_BLOCKED] = {"the model refused to answer",
                       "A stricter level of /privacy sends less that it may object to.", false},
    [FAULT_LENGTH] = {"the answer was cut at the limit of tokens",
                      "A model with a larger output may finish it: /model.", false},
    [FAULT_CANCELLED] = {"the question was stopped", "", false},
};

/* The words of a fault, with the name of a variable where the hint has room for one. */
static void words_of(enum wire_fault fault, const struct wire_dialect *d, struct wire_failure *f)
{
    const struct fault_words *w = &words[fault];
    f->fault = fault;
    f->again = w->again;
    err_set(&f->err, fault == FAULT_CANCELLED ? ERR_CANCELLED : ERR_MODEL, "%s", w->msg);
    const char *gap = strstr(w->hint, "%s");
    const char *name = fault == FAULT_KEY ? d->key_env : d->base_env;
    if (gap)
        err_hint(&f->err, "%.*s%s%s", (int)(gap - w->hint), w->hint, name, gap + 2);
    else
        err_hint(&f->err, "%s", w->hint);
}

void wire_fault_own(const struct wire *w, enum wire_fault fault, struct wire_failure *f,
                    const char *detail, ...)
{
    words_of(fault, wire_dialect_of(w->dialect), f);
    struct buf text = {0};
    va_list ap;
    va_start(ap, detail);
    buf_vprintf(&text, detail, ap);
    va_end(ap);
    wire_fault_quote(&f->err, "", buf_text(&text), text.len);
    buf_clear(&text);
}

void wire_fault_quote(struct err *e, const char *lead, const char *said, size_t len)
{
    /* A key that the cut would halve must be seen whole, so the redaction comes first. */
    char *copy = xstrndup(said, len);
    secret_redact(copy);
    size_t n = strlen(copy);
    if (n > QUOTED_MAX)
        copy[QUOTED_MAX] = '\0';
    size_t from = strspn(copy, " \t\r\n");
    err_detail(e, "%s%s", copy[from] ? lead : "", copy + from);
    free(copy);
}

/* ---- pages ---- */

bool wire_fault_is_page(const char *text, size_t len)
{
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    return text[strspn(text, " \t\r\n")] == '<';
}

/* The title of a page, else its first words. */
static void quote_page(const struct wire *w, struct wire_failure *f)
{
    const char *text = buf_text(&w->raw);
    const char *title = strcasestr(text, "<title>");
    const char *end = title ? strcasestr(title, "</title>") : NULL;
    if (title && end)
        wire_fault_quote(&f->err, "A page came: ", title + 7, (size_t)(end - title) - 7);
    else
        wire_fault_quote(&f->err, "It begins: ", text, w->raw.len < 160 ? w->raw.len : 160);
}

void wire_fault_page(const struct wire *w, struct wire_failure *f)
{
    words_of(FAULT_ANSWER, wire_dialect_of(w->dialect), f);
    quote_page(w, f);
    if (wire_fault_is_page(buf_text(&w->raw), w->raw.len) || w->status == 407)
        err_hint(&f->err,
                 "A page of a proxy or a portal came instead: see https_proxy, no_proxy "
                 "and %s.",
                 wire_dialect_of(w->dialect)->base_env);
    else
        f->again = true; /* bytes that went wrong once may come right */
}

/* ---- durations and dates ---- */

static const char *unit_of(const char *s, double *ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1},     {"us", 0.001}, {"ns", 0.000001},
                 {"h", 3600e3}, {"m", 60e3},   {"s", 1000}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].name);
        if (strncmp(s, units[i].name, n) == 0) {
            *ms = units[i].ms;
            return s + n;
        }
    }
    *ms = 1000;
    return s;
}

/* Digits with a fraction; no sign, no exponent, no locale. */
static const char *number(const char *s, double *v)
{
    const char *begin = s;
    double scale = 1;
    *v = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        *v = *v * 10 + (*s - '0');
    if (s > begin && *s == '.' && s[1] >= '0' && s[1] <= '9')
        for (s++; *s >= '0' && *s <= '9'; s++)
            *v += (*s - '0') * (scale /= 10);
    return s == begin ? NULL : s;
}

int wire_fault_duration(const char *s, const char **end)
{
    double total = 0, v, ms;
    const char *p = s;
    for (const char *next; (next = number(p, &v)); p = next) {
        const char *unit = next;
        next = unit_of(unit, &ms);
        total += v * ms;
        if (next == unit) {
            p = next;
            break; /* a number without a unit ends it: seconds */
        }
    }
    if (end)
        *end = p;
    if (p == s)
        return -1;
    /* Rounded up, but for what the arithmetic adds behind the ninth decimal. */
    double up = (double)(int64_t)(total < DELAY_MAX_MS ? total : DELAY_MAX_MS);
    return (int)(total - up > 1e-6 && up < DELAY_MAX_MS ? up + 1 : up);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, as Howard Hinnant's days_from_civil. */
static int64_t days(int y, int m, int d)
{
    y -= m <= 2;
    int64_t era = y / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT": seconds since 1970; false for anything else. */
static bool http_date(const char *s, int64_t *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4];
    int d, y, hh, mm, ss;
    if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &d, month, &y, &hh, &mm,
               &ss) != 6)
        return false;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (!at || (at - months) % 3 != 0 || d < 1 || d > 31 || y < 1970 || hh < 0 || mm < 0 || ss < 0)
        return false;
    *out = days(y, (int)(at - months) / 3 + 1, d) * 86400 + hh * 3600 + mm * 60 + ss;
    return true;
}

/* The value of a header line; "" when there is none. */
static void header_value(const char *header, const char *name, char *dst, size_t size)
{
    size_t n = strlen(name);
    dst[0] = '\0';
    for (const char *line = header; *line;) {
        size_t len = strcspn(line, "\r\n");
        if (len > n && strncasecmp(line, name, n) == 0 && line[n] == ':') {
            const char *v = line + n + 1, *end = line + len;
            v += strspn(v, " \t");
            snprintf(dst, size, "%.*s", v < end ? (int)(end - v) : 0, v);
        }
        line += len;
        line += strspn(line, "\r\n");
    }
}

int wire_fault_retry_after(const char *header)
{
    char value[64], sent[64];
    const char *end;
    header_value(header, "retry-after-ms", value, sizeof value);
    double ms;
    if (value[0] && number(value, &ms))
        return ms < DELAY_MAX_MS ? (int)ms : DELAY_MAX_MS;
    header_value(header, "retry-after", value, sizeof value);
    int delay = wire_fault_duration(value, &end);
    if (delay >= 0 && end[strspn(end, " \t")] == '\0')
        return delay;
    header_value(header, "date", sent, sizeof sent);
    int64_t now, then;
    if (!http_date(value, &then) || !http_date(sent, &now))
        return -1;
    int64_t wait = then > now ? then - now : 0;
    return wait < DELAY_MAX_MS / 1000 ? (int)wait * 1000 : DELAY_MAX_MS;
}

/* ---- an error's object ---- */

static bool is_error_value(const json_t *v)
{
    return json_is_object(v) || (json_is_string(v) && json_string_length(v) > 0);
}

/* The JSON that a text holds, when it is an object or a list; the caller owns it. */
static json_t *within(const json_t *text)
{
    const char *s = json_string_value(text);
    if (!s)
        return NULL;
    size_t from = strspn(s, " \t\r\n");
    return s[from] == '{' || s[from] == '[' ? wire_json(s + from, strlen(s + from)) : NULL;
}

static json_t *unwrap(const json_t *obj, int depth)
{
    if (depth > WRAPS_MAX)
        return NULL;
    if (json_is_array(obj)) {
        size_t i;
        const json_t *item;
        json_array_foreach(obj, i, item)
        {
            json_t *found = json_is_object(item) ? unwrap(item, depth + 1) : NULL;
            if (found)
                return found;
        }
        return NULL;
    }
    if (json_is_string(obj)) {
        json_t *inner = within(obj);
        json_t *found = inner ? unwrap(inner, depth + 1) : NULL;
        json_decref(inner);
        return found;
    }
    json_t *error = json_object_get(obj, "error");
    if (!is_error_value(error))
        return NULL;
    /* A gateway puts the whole body of the server behind it into the message. */
    json_t *inner = unwrap(json_is_string(error) ? error : json_object_get(error, "message"),
                           depth + 1);
    if (inner)
        return inner;
    return json_is_object(error) ? json_incref(error) : json_pack("{s:O}", "message", error);
}

json_t *wire_fault_error(const json_t *obj)
{
    return obj ? unwrap(obj, 0) : NULL;
}

/* ---- what an error means ---- */

/* An error in the few words that the verdict rests on. */
struct said {
    int http;        /* of the answer; within a stream, of the error itself */
    char status[64]; /* "RESOURCE_EXHAUSTED"; of OpenAI its type */
    char code[64];   /* of OpenAI, when it is a word: "insufficient_quota" */
    char reason[64]; /* of google.rpc.ErrorInfo: "API_KEY_INVALID" */
    char param[64];
    const char *message; /* borrowed from the object */
    int delay_ms;
    bool by_day, zero;
};

static bool contains(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

/* "limit: 0" and not "limit: 0.5" or "limit: 05". */
static bool zero_limit(const char *text)
{
    for (const char *p = text; (p = strcasestr(p, "limit: 0")); p++) {
        const char *next = p + strlen("limit: 0");
        bool more = (*next >= '0' && *next <= '9') ||
                    (*next == '.' && next[1] >= '0' && next[1] <= '9');
        if (!more)
            return true;
    }
    return false;
}

static bool daily(const char *id)
{
    return id && (contains(id, "PerDay") || contains(id, "Daily") || contains(id, "per_day"));
}

static void read_quota(const json_t *detail, struct said *s)
{
    size_t i;
    const json_t *v;
    json_array_foreach(json_object_get(detail, "violations"), i, v)
    {
        const char *value = json_string_value(json_object_get(v, "quotaValue"));
        s->by_day = s->by_day || daily(json_string_value(json_object_get(v, "quotaId"))) ||
                    daily(json_string_value(json_object_get(v, "quotaMetric")));
        s->zero = s->zero || (value && strcmp(value, "0") == 0);
    }
    const json_t *meta = json_object_get(detail, "metadata");
    const char *value = json_string_value(json_object_get(meta, "quota_limit_value"));
    s->by_day = s->by_day || daily(json_string_value(json_object_get(meta, "quota_limit")));
    s->zero = s->zero || (value && strcmp(value, "0") == 0);
}

static void read_details(const json_t *error, struct said *s)
{
    size_t i;
    const json_t *d;
    json_array_foreach(json_object_get(error, "details"), i, d)
    {
        const char *delay = json_string_value(json_object_get(d, "retryDelay"));
        if (delay)
            s->delay_ms = wire_fault_duration(delay, NULL);
        if (!s->reason[0])
            js_get_text(d, "reason", s->reason, sizeof s->reason);
        read_quota(d, s);
    }
}

static int delay_of_words(const char *message)
{
    static const char *const leads[] = {"retry in ", "try again in ", "retry after "};
    for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
        const char *p = strcasestr(message, leads[i]);
        int ms = p ? wire_fault_duration(p + strlen(leads[i]), NULL) : -1;
        if (ms >= 0)
            return ms;
    }
    return -1;
}

/* The status that a word stands for: of google.rpc.Code, and the types and codes of OpenAI and its like. */
static int http_of(const char *word)
{
    static const struct {
        const char *word;
        int http;
    } rows[] = {
        {"INVALID_ARGUMENT", 400},
        {"FAILED_PRECONDITION", 400},
        {"OUT_OF_RANGE", 400},
        {"invalid_request_error", 400},
        {"exceed_context_size_error", 400},
        {"UNAUTHENTICATED", 401},
        {"authentication_error", 401},
        {"invalid_api_key", 401},
        {"PERMISSION_DENIED", 403},
        {"permission_error", 403},
        {"NOT_FOUND", 404},
        {"not_found_error", 404},
        {"model_not_found", 404},
        {"RESOURCE_EXHAUSTED", 429},
        {"rate_limit_error", 429},
        {"rate_limit_exceeded", 429},
        {"insufficient_quota", 429},
        {"CANCELLED", 499},
        {"INTERNAL", 500},
        {"UNKNOWN", 500},
        {"server_error", 500},
        {"UNIMPLEMENTED", 501},
        {"UNAVAILABLE", 503},
        {"overloaded_error", 503},
        {"DEADLINE_EXCEEDED", 504},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (text_eq_nocase(rows[i].word, word))
            return rows[i].http;
    return 0;
}

static void read_error(const struct wire *w, const json_t *error, struct said *s)
{
    *s = (struct said){.http = w->status, .delay_ms = -1, .message = ""};
    if (!js_get_text(error, "status", s->status, sizeof s->status))
        js_get_text(error, "type", s->status, sizeof s->status);
    js_get_text(error, "code", s->code, sizeof s->code);
    js_get_text(error, "param", s->param, sizeof s->param);
    const char *message = json_string_value(json_object_get(error, "message"));
    s->message = message ? message : "";
    read_details(error, s);
    s->by_day = s->by_day || contains(s->message, "per day");
    s->zero = s->zero || zero_limit(s->message);
    if (w->retry_after_ms >= 0)
        s->delay_ms = w->retry_after_ms;
    else if (s->delay_ms < 0)
        s->delay_ms = delay_of_words(s->message);
    if (s->http >= 400)
        return;
    int own = wire_count(error, "code");
    s->http = own >= 400 && own < 600 ? own : http_of(s->code);
    if (!s->http)
        s->http = http_of(s->status);
    if (!s->http)
        s->http = 500; /* a stream that was broken off by an error of unknown kind */
}

static enum wire_fault fault_400(const struct said *s)
{
    bool key = contains(s->reason, "API_KEY") || contains(s->code, "api_key") ||
               contains(s->message, "api key not valid") ||
               contains(s->message, "api key expired") || contains(s->message, "api key not found");
    if (key)
        return FAULT_KEY;
    if (text_eq_nocase(s->status, "FAILED_PRECONDITION"))
        return FAULT_REGION;
    if (text_eq_nocase(s->code, "model_not_found") || text_eq_nocase(s->param, "model"))
        return FAULT_MODEL;
    return FAULT_REQUEST;
}

static enum wire_fault fault_of(const struct said *s)
{
    switch (s->http) {
    case 400:
        return fault_400(s);
    case 401:
        return FAULT_KEY;
    case 402:
        return FAULT_REGION;
    case 403:
        return contains(s->code, "unsupported_country") ? FAULT_REGION : FAULT_KEY;
    case 404:
        return FAULT_MODEL;
    case 408:
    case 425:
        return FAULT_SERVER;
    case 429:
        break;
    case 499:
        return FAULT_CANCELLED;
    case 501:
    case 505:
        return FAULT_REQUEST;
    default:
        return s->http >= 500 ? FAULT_SERVER : FAULT_REQUEST;
    }
    bool spent = text_eq_nocase(s->code, "insufficient_quota") ||
                 text_eq_nocase(s->status, "insufficient_quota");
    return s->by_day || s->zero || spent ? FAULT_QUOTA_DAY : FAULT_RATE;
}

/* What the general words of a fault leave out. */
static void refine(const struct said *s, const struct wire_dialect *d, struct wire_failure *f)
{
    if (f->fault == FAULT_QUOTA_DAY && s->zero) {
        err_set(&f->err, ERR_MODEL, "the key has no quota for this model");
        err_hint(&f->err, "Choose another model with /model, or set up billing for the key.");
    } else if (f->fault == FAULT_QUOTA_DAY && !s->by_day) {
        err_set(&f->err, ERR_MODEL, "the account of the key has nothing left");
        err_hint(&f->err, "See its plan and billing, or go on with the built-in advisor.");
    } else if (f->fault == FAULT_REQUEST) {
        bool format = contains(s->message, "response_format") ||
                      contains(s->message, "json_schema") ||
                      contains(s->message, "responseJsonSchema") ||
                      contains(s->message, "response_json_schema") ||
                      contains(s->param, "response_format");
        bool size = contains(s->code, "context_length") || contains(s->status, "exceed_context") ||
                    contains(s->message, "context length") ||
                    contains(s->message, "context size") || contains(s->message, "token count") ||
                    s->http == 413;
        f->no_schema = format;
        f->again = format;
        if (size)
            err_hint(&f->err, "The request is too long for this model: choose a larger one with "
                              "/model, or give it a larger context on its server.");
    } else if (s->http == 504) {
        err_hint(&f->err, "It ran out of time; it is tried again, and a smaller model is faster.");
    } else if (f->fault == FAULT_KEY && s->http == 403) {
        err_hint(&f->err,
                 "The key in %s is blocked or restricted: see its permissions, or set another.",
                 d->key_env);
    }
    if (f->delay_ms > RETRY_TERMINAL_MS && f->again) {
        f->again = false;
        err_hint(&f->err,
                 "The server wants %d minutes: choose another model with /model, or go on "
                 "with the built-in advisor.",
                 f->delay_ms / 60000 + 1);
    }
}

static void name_status(const struct said *s, struct wire_failure *f)
{
    char msg[sizeof f->err.msg];
    struct err keep = f->err;
    memcpy(msg, f->err.msg, sizeof msg);
    char status[sizeof s->status];
    memcpy(status, s->status, sizeof status);
    secret_redact(status);
    err_set(&f->err, keep.code, "%.150s (HTTP %d%s%s)", msg, s->http, status[0] ? " " : "", status);
    memcpy(f->err.detail, keep.detail, sizeof keep.detail);
    memcpy(f->err.hint, keep.hint, sizeof keep.hint);
}

/* The error of the body, or the words that stand in its place. The caller owns it. */
static json_t *error_of(const struct wire *w)
{
    if (w->failed)
        return wire_json(buf_text(&w->error), w->error.len);
    json_t *j = wire_json(buf_text(&w->raw), w->raw.len);
    json_t *error = wire_fault_error(j);
    if (!error && json_is_object(j)) {
        /* {"message": …} of older servers, {"detail": …} of FastAPI */
        const json_t *detail = json_object_get(j, "detail");
        error = json_incref(j);
        if (json_is_string(detail) && !json_object_get(j, "message"))
            json_object_set(j, "message", (json_t *)(uintptr_t)detail);
    }
    json_decref(j);
    return error;
}

void wire_fault_said(const struct wire *w, struct wire_failure *f)
{
    const struct wire_dialect *d = wire_dialect_of(w->dialect);
    json_t *error = error_of(w);
    struct said s;
    read_error(w, error, &s);
    bool page = !error && wire_fault_is_page(buf_text(&w->raw), w->raw.len);
    if (w->status >= 300 && w->status < 400) {
        wire_fault_own(w, FAULT_ANSWER, f,
                       "The address sends us elsewhere (HTTP %d), where the key may not go.",
                       w->status);
        err_hint(&f->err, "Set %s to the address that is meant.", d->base_env);
    } else if (s.http == 407 || (page && s.http < 500)) {
        wire_fault_page(w, f);
        name_status(&s, f);
    } else {
        words_of(fault_of(&s), d, f);
        f->delay_ms = s.delay_ms;
        refine(&s, d, f);
        if (s.message[0])
            wire_fault_quote(&f->err, "It says: ", s.message, strlen(s.message));
        else
            wire_fault_quote(&f->err, "It says: ", buf_text(&w->raw), w->raw.len);
        if (page)
            quote_page(w, f);
        name_status(&s, f);
    }
    json_decref(error);
}
