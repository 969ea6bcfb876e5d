/* http_transfer.c - see http_transfer.h.
 *
 * HTTP/1.1 alone: one request at a time gains nothing from HTTP/2, whose compression of headers would keep the key in tables
 * that cannot be wiped. */
#include "pgd/io/http_transfer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pgd/base/text.h"
#include "pgd/io/http.h"
#include "pgd/io/http_error.h"

/* -- before anything is sent ---------------------------------------------------------------------- */

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

/* What libcurl itself never asks a name service about, or an address of this machine. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* A part of the address, "" if it has none; the caller frees it with curl_free(). */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool check_parts(struct transfer *t, const char *scheme, const char *host, struct err *e)
{
    if (!scheme || !host || !*host)
        return err_set(e, ERR_REFUSED, "the address of the model names no host");
    t->plain = strcasecmp(scheme, "http") == 0;
    if (!t->plain && strcasecmp(scheme, "https") != 0)
        err_set(e, ERR_REFUSED, "%s is asked by https, not by %s", host, scheme);
    else if (t->plain && !is_loopback(host))
        err_set(e, ERR_REFUSED, "%s is not asked over an unencrypted connection", host);
    else
        return true;
    err_detail(e, "Nothing was sent.");
    return err_hint(e, "Use an address that begins with https://; http:// is for 127.0.0.1, ::1 "
                       "and localhost.");
}

/* Libcurl gets the address as it was parsed here, so that what is checked is what is used. */
static bool check_url(struct transfer *t, const char *text, struct err *e)
{
    t->url = curl_url();
    if (!t->url)
        die("out of memory (an address)");
    if (!text || has_control(text) || curl_url_set(t->url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        err_set(e, ERR_REFUSED, "the address of the model cannot be read");
        return err_hint(e, "It looks like https://host/path.");
    }
    char *scheme = part_of(t->url, CURLUPART_SCHEME), *host = part_of(t->url, CURLUPART_HOST);
    char *port = part_of(t->url, CURLUPART_PORT), *user = part_of(t->url, CURLUPART_USER);
    char *password = part_of(t->url, CURLUPART_PASSWORD);
    bool ok = check_parts(t, scheme, host, e);
    if (ok) {
        char where[sizeof t->host];
        snprintf(where, sizeof where, "%.200s%s%s", host, port ? ":" : "", port ? port : "");
        text_copy(t->host, sizeof t->host, where);
    }
    if (ok && (user || password)) {
        ok = err_set(e, ERR_REFUSED, "the address of %s holds a name or a password", t->host);
        err_hint(e, "A key goes into its variable, never into an address.");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_free(password);
    return ok;
}

static bool check_headers(struct transfer *t, struct err *e)
{
    for (char **line = t->headers; line && *line; line++) {
        if (!has_control(*line))
            continue;
        err_set(e, ERR_REFUSED, "the header %.*s holds a line break or a control character",
                (int)strcspn(*line, ":\r\n"), *line);
        return err_detail(e, "Nothing was sent to %s.", t->host);
    }
    return true;
}

static bool check_key(struct transfer *t, const struct effect *fx, struct err *e)
{
    const char *before = fx->u.http.key_header;
    if (!before)
        return true;
    const char *key = secret_get(fx->u.http.key);
    if (*key && !has_control(key) && !has_control(before)) {
        const size_t n = strlen(before), m = strlen(key);
        t->key_line = xmalloc(n + m + 1);
        memcpy(t->key_line, before, n);
        memcpy(t->key_line + n, key, m + 1);
        return true;
    }
    err_set(e, ERR_REFUSED,
            *key ? "the key for %s holds a line break or a control character"
                 : "there is no key for %s",
            t->host);
    err_detail(e, "Nothing was sent.");
    return err_hint(e, "Set the variable to the key alone, as a single line without spaces.");
}

struct transfer *transfer_new(struct effect *fx, uv_mutex_t *lock, struct err *e)
{
    struct transfer *t = xcalloc(1, sizeof *t);
    t->req = fx->req;
    t->lock = lock;
    t->refs = 1;
    t->headers = fx->u.http.headers;
    fx->u.http.headers = NULL;
    t->body = fx->text;
    t->body_size = fx->len;
    fx->text = NULL;
    t->body_max = fx->u.http.max_bytes ? fx->u.http.max_bytes : HTTP_BODY_MAX;
    t->stall_s = fx->u.http.stall_s > 0 ? fx->u.http.stall_s : HTTP_STALL_S;
    t->connect_ms = fx->ms > 0 ? fx->ms : HTTP_CONNECT_MS;
    if (check_url(t, fx->u.http.url, e) && check_headers(t, e) && check_key(t, fx, e))
        return t;
    transfer_drop(t);
    return NULL;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

void transfer_drop(struct transfer *t)
{
    if (--t->refs > 0)
        return;
    curl_url_cleanup(t->url);
    for (char **line = t->headers; line && *line; line++)
        free(*line);
    free(t->headers);
    wipe(t->key_line);
    free(t->key_line);
    free(t->body);
    buf_clear(&t->header);
    buf_clear(&t->news.header);
    buf_clear(&t->news.body);
    free(t);
}

/* -- libcurl's callbacks, in the courier's thread -------------------------------------------------- */

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= one;
    if (n > t->body_max - t->body_got) {
        t->body_too_big = true;
        return CURL_WRITEFUNC_ERROR;
    }
    t->body_got += n;
    uv_mutex_lock(t->lock);
    const bool go_on = !t->cancelled;
    if (go_on)
        buf_append(&t->news.body, data, n);
    uv_mutex_unlock(t->lock);
    if (!go_on)
        return CURL_WRITEFUNC_ERROR;
    t->tell(t->tell_arg);
    return n;
}

/* The header is whole. What a server says before its answer (1xx) is not it. */
static void end_header(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return;
    t->header_done = true;
    uv_mutex_lock(t->lock);
    t->news.head = true;
    t->news.status = (int)status;
    t->news.header = t->header;
    uv_mutex_unlock(t->lock);
    t->header = (struct buf){0};
    t->tell(t->tell_arg);
}

static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= one;
    t->header_size += n;
    if (t->header_size > HTTP_HEADER_MAX) {
        t->header_too_big = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (t->header_done)
        return n; /* trailers */
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
        buf_clear(&t->header);
    if (n == 0 || line[0] == '\r' || line[0] == '\n')
        end_header(t);
    else if (t->header.len + n <= HTTP_HEADER_KEPT)
        buf_append(&t->header, line, n);
    return n;
}

/* A child of ours that lives on must not hold the connection open. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)arg;
    (void)purpose;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* -- options ---------------------------------------------------------------------------------------- */

#define SET(option, value) ok = ok && curl_easy_setopt(c, option, value) == CURLE_OK

static bool set_connection(const struct transfer *t)
{
    CURL *c = t->easy;
    bool ok = true;
    SET(CURLOPT_CURLU, t->url);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, t->plain ? "http" : "https");
#else
    SET(CURLOPT_PROTOCOLS, t->plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS);
#endif
    if (t->plain)
        SET(CURLOPT_PROXY, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name look-up that hangs is not waited for */
#endif
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    return ok;
}

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* These variables are read by curl(1), not by the library. */
static bool set_trust(CURL *c)
{
    const char *file = set_variable("CURL_CA_BUNDLE"), *folder = NULL;
    bool ok = true;
    if (!file) {
        file = set_variable("SSL_CERT_FILE");
        folder = set_variable("SSL_CERT_DIR");
    }
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (file) {
        SET(CURLOPT_CAINFO, file);
        SET(CURLOPT_PROXY_CAINFO, file);
    }
    if (folder) {
        SET(CURLOPT_CAPATH, folder);
        SET(CURLOPT_PROXY_CAPATH, folder);
    }
    return ok;
}

static bool add_line(struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->lines, line);
    if (longer)
        t->lines = longer;
    return longer != NULL;
}

static bool set_request(struct transfer *t)
{
    CURL *c = t->easy;
    bool ok = add_line(t, "Expect:"); /* a long body is not announced first */
    for (char **line = t->headers; line && *line; line++)
        ok = ok && add_line(t, *line);
    if (t->key_line) {
        ok = ok && add_line(t, t->key_line);
        wipe(t->key_line);
    }
    SET(CURLOPT_HTTPHEADER, t->lines);
    SET(CURLOPT_USERAGENT, "pg_diagnose");
    if (t->body) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body_size);
        SET(CURLOPT_POSTFIELDS, t->body);
    }
    return ok;
}

bool transfer_open(struct transfer *t, struct err *e)
{
    CURL *c = t->easy = curl_easy_init();
    bool ok = c != NULL;
    SET(CURLOPT_ERRORBUFFER, t->said);
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    ok = ok && set_connection(t) && set_trust(c) && set_request(t);
    return ok || err_set(e, ERR_INTERNAL, "no request to %s can be made", t->host);
}

void transfer_close(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    for (struct curl_slist *l = t->lines; l; l = l->next)
        wipe(l->data);
    curl_slist_free_all(t->lines);
    t->lines = NULL;
}

/* -- the end ----------------------------------------------------------------------------------------- */

void transfer_end_err(struct transfer *t, const struct err *e, bool temporary)
{
    uv_mutex_lock(t->lock);
    t->news.ended = true;
    t->news.err = *e;
    t->news.temporary = temporary;
    uv_mutex_unlock(t->lock);
    t->tell(t->tell_arg);
}

static bool request_is_out(const struct transfer *t)
{
    curl_off_t us = 0;
    return curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &us) == CURLE_OK && us > 0;
}

void transfer_end(struct transfer *t, CURLcode code)
{
    struct err e = {0};
    bool temporary = false;
    if (code != CURLE_OK) {
        struct http_failure f = {.code = (int)code,
                                 .host = t->host,
                                 .said = t->said,
                                 .sent = request_is_out(t),
                                 .body_too_big = t->body_too_big,
                                 .header_too_big = t->header_too_big,
                                 .connect_ms = t->connect_ms,
                                 .max_bytes = t->body_max};
        curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &f.proxy_status);
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &f.os_errno);
        curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &f.verify);
        temporary = http_failure_text(&f, &e);
    }
    transfer_end_err(t, &e, temporary);
}

/* The clock starts anew with every byte in either direction. Libcurl's own LOW_SPEED_TIME looks at an average of seconds. */
int64_t transfer_patience_ms(struct transfer *t, int64_t now_us)
{
    curl_off_t up = 0;
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    const curl_off_t moved = up + (curl_off_t)t->header_size + (curl_off_t)t->body_got;
    if (moved != t->moved || t->moved_us == 0 || !request_is_out(t)) {
        t->moved = moved;
        t->moved_us = now_us;
    }
    const int64_t left_us = t->moved_us + (int64_t)t->stall_s * 1000000 - now_us;
    return left_us > 0 ? left_us / 1000 + 1 : 0;
}

void transfer_end_stalled(struct transfer *t)
{
    struct err e = {0};
    http_stall_text(t->host, t->stall_s, &e);
    transfer_end_err(t, &e, true);
}
