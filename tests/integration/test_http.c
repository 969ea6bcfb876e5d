/* Requests against a server that sends whatever it is told: each fault of the transport, certificates, proxies, cancelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/io/http.h"

static const char test_key[] = "AQ.test-key-0123456789";

static char folder[64]; /* of certificates and logs; removed at the end */
static int scale = 1;

/* -- the servers ---------------------------------------------------------------------------------- */

struct server {
    const char *cert; /* "self": FOLDER/self.pem; NULL: no TLS */
    const char *routes;
    pid_t pid;
    int stdin_fd; /* it ends when this is closed */
    int port;
    char log[96];
};

static struct server plain, tls, other_name, expired, refusing, proxy;
static struct server
    silent; /* takes connections and reads nothing: a socket of ours that nobody accepts from */

static void exec_server(const struct server *s, int in, int out)
{
    char *argv[16], cert[128], key[128], script[512], raw[512], routes[128];
    size_t n = 0;
    const char *source = getenv("PGD_SOURCE_DIR");
    snprintf(script, sizeof(script), "%s/tests/support/raw_http.py", source);
    snprintf(raw, sizeof(raw), "%s/tests/support/raw", source);
    argv[n++] = script;
    argv[n++] = "--tied";
    argv[n++] = "--log";
    argv[n++] = (char *)s->log;
    if (s->cert) {
        snprintf(cert, sizeof(cert), "%s/%s.pem", folder, s->cert);
        snprintf(key, sizeof(key), "%s/key.pem", folder);
        argv[n++] = "--tls";
        argv[n++] = cert;
        argv[n++] = key;
    }
    if (s->routes) {
        snprintf(routes, sizeof(routes), "%s/%s", folder, s->routes);
        argv[n++] = "--routes";
        argv[n++] = routes;
    }
    argv[n++] = raw;
    argv[n] = NULL;
    dup2(in, 0);
    dup2(out, 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(script, argv);
    _exit(127);
}

static bool start(struct server *s, const char *name)
{
    int in[2], out[2];
    char line[64] = "";
    snprintf(s->log, sizeof(s->log), "%s/%s.log", folder, name);
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return false;
    s->pid = fork();
    if (s->pid == 0)
        exec_server(s, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    s->stdin_fd = in[1];
    FILE *f = fdopen(out[0], "r");
    const bool ok = f && fgets(line, sizeof(line), f) && sscanf(line, "PORT %d", &s->port) == 1;
    if (f)
        fclose(f);
    return ok;
}

static bool be_silent(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return false;
    silent.port = ntohs(a.sin_port);
    return true;
}

static void stop(struct server *s)
{
    if (s->pid <= 0)
        return;
    close(s->stdin_fd);
    waitpid(s->pid, NULL, 0);
}

static size_t lines_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* What the server noted, once that is so many lines; the caller frees it. */
static char *read_log(const struct server *s, size_t lines)
{
    struct buf b = {0};
    for (int tries = 0; tries < 300; tries++) {
        char piece[4096];
        FILE *f = fopen(s->log, "r");
        buf_clear(&b);
        for (size_t n; f && (n = fread(piece, 1, sizeof(piece), f)) > 0;)
            buf_append(&b, piece, n);
        if (f)
            fclose(f);
        if (lines_of(buf_text(&b)) >= lines)
            break;
        usleep(10000);
    }
    return buf_take(&b);
}

static void forget_log(const struct server *s)
{
    unlink(s->log);
}

/* -- requests --------------------------------------------------------------------------------------- */

static struct req req(uint32_t id)
{
    return (struct req){OWNER_ASK, 1, id};
}

static struct effect *get(struct effects *fx, uint32_t id, const char *scheme,
                          const struct server *s, const char *script)
{
    char url[160];
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d/v1beta/%s", scheme, s->port, script);
    return fx_http(fx, req(id), url, NULL, 0);
}

static void quit_after_ends(struct iotest *t, const struct event *ev, int ends)
{
    if (ev->kind == EV_HTTP_END && ++t->step == ends)
        iotest_quit(t, 0);
}

/* All of the body that came for a request; the caller frees it. */
static char *body_of(struct iotest *t, uint32_t id)
{
    struct buf b = {0};
    for (int i = 0; iotest_find(t, EV_HTTP_DATA, id, i); i++) {
        const struct event *ev = iotest_find(t, EV_HTTP_DATA, id, i);
        buf_append(&b, ev->text, ev->len);
    }
    return buf_take(&b);
}

static void assert_body(struct iotest *t, uint32_t id, const char *want)
{
    char *body = body_of(t, id);
    assert_string_equal(body, want);
    free(body);
}

static const struct event *end_of(struct iotest *t, uint32_t id)
{
    assert_int_equal(iotest_count(t, EV_HTTP_END, id), 1);
    return iotest_find(t, EV_HTTP_END, id, 0);
}

static void assert_whole(struct iotest *t, uint32_t id, int status)
{
    const struct event *end = end_of(t, id);
    if (end->err.code != ERR_NONE)
        print_error("%u: %s %s\n", (unsigned)id, end->err.msg, end->err.detail);
    assert_int_equal(end->err.code, ERR_NONE);
    assert_int_equal(end->u.http.status, status);
    assert_false(end->u.http.temporary);
    assert_int_equal(iotest_count(t, EV_HTTP_HEAD, id), 1);
    assert_int_equal(iotest_find(t, EV_HTTP_HEAD, id, 0)->u.http.status, status);
}

/* It failed in three sentences that name the host and hold no key. */
static void assert_failed(struct iotest *t, uint32_t id, enum err_code code, bool temporary,
                          const char *part)
{
    const struct event *end = end_of(t, id);
    if (end->err.code != code || !strstr(end->err.msg, part) || end->u.http.temporary != temporary)
        print_error("%u: %s: %s | %s | %s\n", (unsigned)id, err_code_name(end->err.code),
                    end->err.msg, end->err.detail, end->err.hint);
    assert_int_equal(end->err.code, code);
    assert_non_null(strstr(end->err.msg, part));
    assert_int_equal(end->u.http.temporary, temporary);
    assert_true(end->err.detail[0] && end->err.hint[0]);
    assert_null(strstr(end->err.msg, test_key));
    assert_null(strstr(end->err.detail, test_key));
}

static void assert_clean(struct iotest *t)
{
    assert_false(t->timed_out);
    assert_int_equal(t->exit_code, 0);
    assert_int_equal(t->leaked, 0);
}

/* -- answers ------------------------------------------------------------------------------------------ */

static void answers_script(struct iotest *t, struct event *ev)
{
    static const char *const scripts[] = {"whole", "stream", "bytes",    "early",
                                          "html",  "slow",   "notfound", "limited"};
    struct effects fx = {0};
    if (ev->kind == EV_START)
        for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
            get(&fx, (uint32_t)i + 1, "http", &plain, scripts[i])->u.http.stall_s = 1 * scale;
    iotest_run(t, &fx);
    quit_after_ends(t, ev, ARRAY_LEN(scripts));
}

static void answers_come_whole(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, answers_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 200);
    assert_body(&t, 1, "{\"answer\": 42}\n");
    assert_string_equal(iotest_find(&t, EV_HTTP_HEAD, 1, 0)->text,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                        "15\r\nX-Request-Id: abc\r\n");
    assert_whole(&t, 2, 200);
    assert_body(&t, 2, "data: {\"n\": 1}\n\ndata: {\"n\": 2}\n\ndata: {\"n\": 3}\n\n");
    assert_true(iotest_count(&t, EV_HTTP_DATA, 2) >= 2); /* the first came before the end */
    assert_whole(&t, 3, 200);
    assert_body(&t, 3, "data: {\"text\": \"µs\"}\r\n\r\ndata: {\"text\": \"é 表\"}\r\n\r\n");
    /* what comes before the answer, and after it, is not its header */
    assert_whole(&t, 4, 200);
    assert_body(&t, 4, "body");
    const char *head = iotest_find(&t, EV_HTTP_HEAD, 4, 0)->text;
    assert_non_null(strstr(head, "X-Real: yes"));
    assert_null(strstr(head, "Early"));
    assert_null(strstr(head, "X-Late: "));
    assert_whole(&t, 5, 200);
    assert_whole(&t, 6, 200); /* longer in all than a stall, never silent for so long */
    assert_body(&t, 6, "12345678");
    assert_whole(&t, 7, 404);
    assert_body(&t, 7, "{\"error\":{\"code\":404,\"message\":\"gone\"}}");
    assert_whole(&t, 8, 429);
    assert_non_null(strstr(iotest_find(&t, EV_HTTP_HEAD, 8, 0)->text, "Retry-After: 3\r\n"));
    iotest_clear(&t);
}

/* -- what is sent -------------------------------------------------------------------------------------- */

static void sends_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        char url[128];
        snprintf(url, sizeof(url), "http://127.0.0.1:%d/whole", plain.port);
        struct buf body = {0};
        for (int i = 0; i < 100000; i++)
            buf_printf(&body, "%d,", i);
        struct effect *e = fx_http(&fx, req(1), url, body.data, body.len);
        fx_http_header(e, "Content-Type", "application/json");
        e->u.http.key_header = xstrdup("x-goog-api-key: ");
        e->u.http.key = secret_put(test_key, strlen(test_key));
        buf_clear(&body);
        forget_log(&plain);
    }
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 1);
}

static size_t times_in(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void the_key_goes_into_one_header(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, sends_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 200);
    char *log = read_log(&plain, 1);
    assert_int_equal(lines_of(log), 1);
    assert_int_equal(times_in(log, test_key), 1);
    assert_non_null(strstr(log, "[\"x-goog-api-key\", \"AQ.test-key-0123456789\"]"));
    assert_non_null(strstr(log, "\"method\": \"POST\""));
    assert_non_null(strstr(log, "[\"Content-Type\", \"application/json\"]"));
    assert_non_null(strstr(log, "99998,99999,\""));
    assert_null(strstr(log, "Expect"));
    assert_null(strstr(log, "Accept-Encoding"));
    free(log);
    iotest_clear(&t);
}

/* -- faults --------------------------------------------------------------------------------------------- */

static void faults_script(struct iotest *t, struct event *ev)
{
    static const char *const scripts[] = {"cut_length", "cut_chunk",     "cut_reset", "empty",
                                          "reset",      "never",         "stall",     "other",
                                          "huge",       "endless_header"};
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
            struct effect *e = get(&fx, (uint32_t)i + 1, "http", &plain, scripts[i]);
            e->u.http.stall_s = 1 * scale;
            e->u.http.max_bytes = 1000;
        }
        struct server nobody = {.port = 1};
        get(&fx, 11, "http", &nobody, "whole");
        get(&fx, 12, "https", &plain, "whole"); /* no TLS there */
        fx_http(&fx, req(13), "https://no-such-host.invalid/", NULL, 0)->ms = 3000;
        get(&fx, 14, "https", &silent, "whole")->ms = 700;
    }
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 14);
}

static void faults_are_told_apart(void **state)
{
    struct iotest t;
    char host[32];
    (void)state;
    iotest_loop(&t, faults_script, 20 * scale);
    assert_clean(&t);
    snprintf(host, sizeof(host), "127.0.0.1:%d", plain.port);
    assert_failed(&t, 1, ERR_LOST, true, "broke off");
    assert_failed(&t, 1, ERR_LOST, true, host);
    assert_body(&t, 1, "half"); /* what came is kept */
    assert_failed(&t, 2, ERR_LOST, true, host);
    assert_body(&t, 2, "data: {\"n\": 1}\n\ndata: {\"n\": 2}\n\n");
    assert_failed(&t, 3, ERR_LOST, true, "was lost");
    assert_body(&t, 3, "data: {\"n\": 1}\n\n");
    assert_failed(&t, 4, ERR_LOST, true, "without an answer");
    assert_failed(&t, 5, ERR_LOST, true, host);
    assert_failed(&t, 6, ERR_TIMEOUT, true, "has sent nothing for");
    assert_int_equal(end_of(&t, 6)->u.http.status, 0);
    assert_failed(&t, 7, ERR_TIMEOUT, true, "has sent nothing for");
    assert_body(&t, 7, "data: {\"n\": 1}\n\n");
    const int64_t waited_us = end_of(&t, 6)->at_us - iotest_find(&t, EV_START, 0, 0)->at_us;
    assert_in_range(waited_us, 900000, (uint64_t)(2500000 * scale));
    assert_failed(&t, 8, ERR_FORMAT, false, "does not answer in HTTP");
    assert_failed(&t, 9, ERR_FORMAT, false, "too long");
    assert_failed(&t, 10, ERR_FORMAT, false, "too long");
    assert_failed(&t, 11, ERR_CONNECT, true, "127.0.0.1:1: Connection refused");
    assert_failed(&t, 12, ERR_CONNECT, true, "no encrypted connection");
    assert_true(end_of(&t, 13)->u.http.temporary);
    assert_non_null(strstr(end_of(&t, 13)->err.msg, "no-such-host.invalid"));
    assert_failed(&t, 14, ERR_TIMEOUT, true, "within 0.7 s");
    iotest_clear(&t);
}

/* -- refused before anything is sent ---------------------------------------------------------------------- */

static const char *const refused_urls[] = {"http://192.0.2.1/",
                                           "http://example.com/",
                                           "http://localhost.example.com/",
                                           "http://127.0.0.1.example.com/",
                                           "ftp://127.0.0.1/",
                                           "file:///etc/passwd",
                                           "https://",
                                           "https://user:secret@127.0.0.1/",
                                           "http://[::2]/",
                                           "https://a\r\nHost: b/",
                                           ""};

static void refusals_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        const uint32_t n = ARRAY_LEN(refused_urls);
        for (uint32_t i = 0; i < n; i++)
            fx_http(&fx, req(i + 1), refused_urls[i], "x", 1);
        struct effect *e = get(&fx, n + 1, "http", &plain, "whole");
        fx_http_header(e, "X-Thing", "a\r\nX-Other: b");
        const char *const keys[] = {"AQ.abc\nX-Other: b", "AQ.abc\r", ""};
        for (uint32_t i = 0; i < ARRAY_LEN(keys); i++) {
            e = get(&fx, n + 2 + i, "http", &plain, "whole");
            e->u.http.key_header = xstrdup("x-goog-api-key: ");
            e->u.http.key = secret_put(keys[i], strlen(keys[i]));
        }
        forget_log(&plain);
    }
    iotest_run(t, &fx);
    quit_after_ends(t, ev, ARRAY_LEN(refused_urls) + 4);
}

static void what_must_not_go_out_does_not(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, refusals_script, 20);
    assert_clean(&t);
    const uint32_t n = ARRAY_LEN(refused_urls);
    for (uint32_t i = 1; i <= n + 4; i++) {
        if (end_of(&t, i)->err.code != ERR_REFUSED)
            print_error("%u: %s\n", (unsigned)i, end_of(&t, i)->err.msg);
        assert_int_equal(end_of(&t, i)->err.code, ERR_REFUSED);
        assert_false(end_of(&t, i)->u.http.temporary);
        assert_null(strstr(end_of(&t, i)->err.msg, "AQ.abc"));
        assert_null(strstr(end_of(&t, i)->err.msg, "secret"));
    }
    assert_non_null(strstr(end_of(&t, n + 1)->err.msg, "header X-Thing"));
    assert_non_null(strstr(end_of(&t, n + 2)->err.msg, "the key"));
    /* a line is written when its request has ended: the one that stalled before may only come now */
    char *log = read_log(&plain, 0);
    for (const char *line = log; *line; line += strcspn(line, "\n") + 1)
        assert_non_null(strstr(line, "\"target\": \"/v1beta/stall\""));
    free(log);
    iotest_clear(&t);
}

/* -- redirects, proxies ------------------------------------------------------------------------------------- */

static void redirect_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        struct effect *e = get(&fx, 1, "http", &plain, "redirect");
        e->u.http.key_header = xstrdup("Authorization: Bearer ");
        e->u.http.key = secret_put(test_key, strlen(test_key));
        forget_log(&plain);
    }
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 1);
}

static void a_redirect_is_not_followed(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, redirect_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 302);
    /* a line of an earlier test's request may come late: what counts is that nobody went where it pointed */
    char *log = read_log(&plain, 1);
    bool asked = strstr(log, "/redirect"), followed = strstr(log, "/whole");
    free(log);
    iotest_clear(&t);
    assert_true(asked);
    assert_false(followed);
}

static void one_tls_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        get(&fx, 1, "https", &tls, "whole");
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 1);
}

static void one_plain_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        get(&fx, 1, "http", &plain, "whole");
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 1);
}

static void use_proxy(const char *variable, const struct server *s)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", s->port);
    setenv(variable, url, 1);
}

static void trust(const char *cert)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s.pem", folder, cert);
    setenv("CURL_CA_BUNDLE", path, 1);
}

static void proxies_are_used_and_their_no_is_told(void **state)
{
    struct iotest t;
    (void)state;
    trust("self");
    use_proxy("https_proxy", &refusing);
    iotest_loop(&t, one_tls_script, 20);
    assert_clean(&t);
    assert_failed(&t, 1, ERR_CONNECT, false, "(HTTP 407)");
    iotest_clear(&t);

    use_proxy("https_proxy", &proxy);
    iotest_loop(&t, one_tls_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 200);
    assert_null(strstr(iotest_find(&t, EV_HTTP_HEAD, 1, 0)->text, "established"));
    iotest_clear(&t);
    char *log = read_log(&proxy, 1);
    assert_non_null(strstr(log, "CONNECT"));
    free(log);

    /* unencrypted, and so not through a third party */
    use_proxy("http_proxy", &refusing);
    use_proxy("all_proxy", &refusing);
    iotest_loop(&t, one_plain_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 200);
    iotest_clear(&t);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("https_proxy");
    unsetenv("CURL_CA_BUNDLE");
}

/* -- certificates ---------------------------------------------------------------------------------------------- */

static void certificates_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        struct effect *e = get(&fx, 1, "https", &tls, "whole");
        e->u.http.key_header = xstrdup("x-goog-api-key: ");
        e->u.http.key = secret_put(test_key, strlen(test_key));
        get(&fx, 2, "https", &other_name, "whole");
        get(&fx, 3, "https", &expired, "whole");
    }
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 3);
}

static void certificates_are_verified(void **state)
{
    struct iotest t;
    (void)state;
    forget_log(&tls);
    iotest_loop(&t, certificates_script, 20);
    assert_clean(&t);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_failed(&t, i, ERR_CONNECT, false, "is not trusted");
        assert_int_equal(iotest_count(&t, EV_HTTP_HEAD, i), 0);
    }
    assert_non_null(strstr(end_of(&t, 1)->err.hint, "CURL_CA_BUNDLE"));
#ifndef PGD_SANITIZED
    /* that file of certificates takes 30 ms to read: the loop does not wait for it */
    assert_true(t.stats.longest_ms < IO_STALL_MS);
#endif
    iotest_clear(&t);
    char *log = read_log(&tls, 0);
    assert_string_equal(log, "");
    free(log);

    trust("all");
    iotest_loop(&t, certificates_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 200);
    assert_failed(&t, 2, ERR_CONNECT, false, "is not trusted");
    assert_failed(&t, 3, ERR_CONNECT, false, "is not trusted");
    assert_non_null(strstr(end_of(&t, 3)->err.hint, "clock"));
    iotest_clear(&t);

    char path[128];
    unsetenv("CURL_CA_BUNDLE");
    snprintf(path, sizeof(path), "%s/self.pem", folder);
    setenv("SSL_CERT_FILE", path, 1);
    iotest_loop(&t, one_tls_script, 20);
    assert_whole(&t, 1, 200);
    iotest_clear(&t);
    unsetenv("SSL_CERT_FILE");

    setenv("CURL_CA_BUNDLE", "/nowhere/ca.pem", 1);
    iotest_loop(&t, one_tls_script, 20);
    assert_failed(&t, 1, ERR_CONNECT, false, "is not trusted");
    iotest_clear(&t);
    unsetenv("CURL_CA_BUNDLE");
}

/* -- stopping -------------------------------------------------------------------------------------------------- */

static void cancel(struct effects *fx, uint32_t id)
{
    effects_add(fx, FX_HTTP_CANCEL, req(id));
}

/* 1 in its stream, 2 before its first byte, 3 in the handshake, 4 at once, 5 that never was. */
static void cancel_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        forget_log(&plain);
        get(&fx, 1, "http", &plain, "stall");
        get(&fx, 2, "http", &plain, "never");
        get(&fx, 3, "https", &silent, "never");
        get(&fx, 4, "http", &plain, "whole");
        cancel(&fx, 4);
        cancel(&fx, 5);
    }
    if (ev->kind == EV_HTTP_DATA && ev->req.id == 1)
        fx_timer(&fx, req(90), 200);
    if (ev->kind == EV_TIMER && ev->req.id == 90)
        for (uint32_t id = 1; id <= 3; id++) {
            cancel(&fx, id);
            cancel(&fx, id);
        }
    iotest_run(t, &fx);
    if (ev->kind == EV_HTTP_END && ++t->step == 4) {
        fx_timer(&fx, req(91), 500 * scale); /* what comes late would come now */
        iotest_run(t, &fx);
    }
    if (ev->kind == EV_TIMER && ev->req.id == 91)
        iotest_quit(t, 0);
}

static void a_cancelled_one_ends_at_once(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, cancel_script, 20);
    assert_clean(&t);
    const int64_t asked_us = iotest_find(&t, EV_TIMER, 90, 0)->at_us;
    for (uint32_t id = 1; id <= 4; id++) {
        assert_int_equal(end_of(&t, id)->err.code, ERR_CANCELLED);
        if (id < 4)
            assert_in_range(end_of(&t, id)->at_us - asked_us, 0, 50000);
    }
    assert_int_equal(iotest_count(&t, EV_HTTP_END, 5), 0);
    /* nothing after the end, and the server has seen us go */
    assert_int_equal(iotest_count(&t, EV_HTTP_DATA, 1), 1);
    char *log = read_log(&plain, 2);
    assert_non_null(strstr(log, "\"script\": \"stall\", \"closed_ms\": 2"));
    free(log);
    iotest_clear(&t);
}

static void leaving_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        const char *const argv[] = {"sh", "-c", "ls /proc/$$/fd; :", NULL};
        get(&fx, 1, "http", &plain, "stall");
        get(&fx, 2, "https", &silent, "never");
        fx_http(&fx, req(3), "https://no-such-host.invalid/", NULL, 0);
        fx_child(&fx, (struct req){OWNER_BENCH, 1, 9}, argv, CHILD_COLLECT);
    }
    if (ev->kind == EV_HTTP_DATA)
        t->step |= 1;
    if (ev->kind == EV_CHILD_EXIT)
        t->step |= 2;
    iotest_run(t, &fx);
    if (t->step == 3) {
        t->step = 4;
        iotest_quit(t, 0);
        t->beat_us = io_now_us();
    }
}

static void leaving_waits_for_no_answer(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, leaving_script, 20);
    const int64_t took_us = io_now_us() - t.beat_us;
    assert_clean(&t);
    assert_in_range(took_us, 0, (uint64_t)(1000000 * scale));
    assert_int_equal(iotest_count(&t, EV_HTTP_END, 1), 0);
    /* a child inherits no connection */
    assert_string_equal(iotest_find(&t, EV_CHILD_EXIT, 9, 0)->text, "0\n1\n2\n");
    iotest_clear(&t);
}

/* -- much ------------------------------------------------------------------------------------------------------- */

static void big_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        for (uint32_t i = 1; i <= 20; i++)
            get(&fx, i, "http", &plain, "stream");
        get(&fx, 21, "http", &plain, "huge")->u.http.max_bytes = 16 * 1024 * 1024;
        get(&fx, 22, "http", &plain, "huge"); /* more than is taken unless asked for */
    }
    iotest_run(t, &fx);
    quit_after_ends(t, ev, 22);
}

static void much_comes_in_pieces(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, big_script, 30 * scale);
    assert_clean(&t);
    for (uint32_t i = 1; i <= 20; i++)
        assert_whole(&t, i, 200);
    assert_whole(&t, 21, 200);
    char *body = body_of(&t, 21);
    assert_int_equal(strlen(body), 12000000);
    assert_string_equal(body + 12000000 - 8, "xyz\nxyz\n");
    free(body);
    for (int i = 0; iotest_find(&t, EV_HTTP_DATA, 21, i); i++)
        assert_true(iotest_find(&t, EV_HTTP_DATA, 21, i)->len <= HTTP_PIECE_MAX);
    assert_failed(&t, 22, ERR_FORMAT, false, "too long");
    iotest_clear(&t);
}

/* -- the key in memory ----------------------------------------------------------------------------------------------- */

/* Not with a sanitizer: what that maps cannot be read through. */
#ifndef PGD_SANITIZED
/* How often the text stands in what can be written of our own memory. It is built here, so that no copy is made. */
static int in_memory(const unsigned char *hidden, size_t n)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], mode[8];
    unsigned long from, to;
    int found = 0;
    while (maps && fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' ||
            mode[1] != 'w' || strstr(line, "[v"))
            continue;
        const volatile unsigned char *p = (const volatile unsigned char *)from;
        for (size_t i = 0; i + n <= to - from; i++) {
            size_t k = 0;
            while (k < n && p[i + k] == (unsigned char)(hidden[k] ^ 0x55))
                k++;
            found += k == n;
        }
    }
    if (maps)
        fclose(maps);
    return found;
}

static const unsigned char hidden_key[] = {'k' ^ 0x55, 'Q' ^ 0x55, '7' ^ 0x55, 'z' ^ 0x55,
                                           'w' ^ 0x55, '4' ^ 0x55, 'M' ^ 0x55, 'p' ^ 0x55,
                                           'L' ^ 0x55, '9' ^ 0x55, 'v' ^ 0x55, 'T' ^ 0x55};
static secret_id memory_key;
static int seen_before;

static void memory_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        char key[sizeof(hidden_key)];
        for (size_t i = 0; i < sizeof(key); i++)
            key[i] = (char)(hidden_key[i] ^ 0x55);
        memory_key = secret_put(key, sizeof(key));
        explicit_bzero(key, sizeof(key));
        seen_before = in_memory(hidden_key, sizeof(hidden_key));
        struct effect *e = get(&fx, 1, "http", &plain, "notfound");
        e->u.http.key_header = xstrdup("x-goog-api-key: ");
        e->u.http.key = memory_key;
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_HTTP_END)
        iotest_quit(t, 0);
}

static void the_key_is_wiped(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, memory_script, 20);
    assert_clean(&t);
    assert_whole(&t, 1, 404);
    assert_int_equal(seen_before, 1);
    assert_int_equal(in_memory(hidden_key, sizeof(hidden_key)), 1); /* the table's own */
    secret_release(memory_key);
    assert_int_equal(in_memory(hidden_key, sizeof(hidden_key)), 0);
    iotest_clear(&t);
}
#endif

/* -- life ----------------------------------------------------------------------------------------------------------- */

static bool shell(const char *command)
{
    char line[2048];
    snprintf(line, sizeof(line), "cd %s && { %s; } >out 2>&1 || { cat out >&2; exit 1; }", folder,
             command);
    return system(line) == 0;
}

/* Certificates of our own, all with one key: the right one, one for another name, one of last year. */
static bool make_certificates(void)
{
    return shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out self.pem -days 30 "
                 "-subj /CN=ours -addext subjectAltName=IP:127.0.0.1") &&
           shell("openssl req -x509 -key key.pem -out name.pem -days 30 -subj /CN=other "
                 "-addext subjectAltName=DNS:other.example") &&
           shell(
               "openssl req -new -key key.pem -out old.csr -subj /CN=old "
               "-addext subjectAltName=IP:127.0.0.1 && : >index && echo 01 >serial && "
               "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\n"
               "new_certs_dir=.\\npolicy=p\\ncopy_extensions=copy\\n[p]\\ncommonName=supplied\\n' "
               ">ca.cnf && openssl ca -batch -config ca.cnf -selfsign -keyfile key.pem -md sha256 "
               "-startdate 20200101000000Z -enddate 20210101000000Z -in old.csr -out old.pem "
               "-notext") &&
           shell("cat self.pem name.pem old.pem >all.pem; printf 'CONNECT\\tproxy407\\n' >refuse");
}

static int set_up(void **state)
{
    (void)state;
    scale = getenv("PGD_TIME_SCALE") ? atoi(getenv("PGD_TIME_SCALE")) : 1;
    static const char *const names[] = {
        "http_proxy", "https_proxy", "HTTPS_PROXY",    "all_proxy",     "ALL_PROXY",
        "no_proxy",   "NO_PROXY",    "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    text_copy(folder, sizeof(folder), "/tmp/pgd-http-XXXXXX");
    if (!mkdtemp(folder) || !make_certificates())
        return -1;
    tls.cert = "self";
    other_name.cert = "name";
    expired.cert = "old";
    refusing.routes = "refuse";
    return be_silent() && start(&plain, "plain") && start(&tls, "tls") &&
                   start(&other_name, "name") && start(&expired, "expired") &&
                   start(&refusing, "refusing") && start(&proxy, "proxy")
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    char command[128];
    struct server *all[] = {&plain, &tls, &other_name, &expired, &refusing, &proxy};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        stop(all[i]);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_whole),
        cmocka_unit_test(the_key_goes_into_one_header),
        cmocka_unit_test(faults_are_told_apart),
        cmocka_unit_test(what_must_not_go_out_does_not),
        cmocka_unit_test(a_redirect_is_not_followed),
        cmocka_unit_test(proxies_are_used_and_their_no_is_told),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(a_cancelled_one_ends_at_once),
        cmocka_unit_test(leaving_waits_for_no_answer),
        cmocka_unit_test(much_comes_in_pieces),
#ifndef PGD_SANITIZED
        cmocka_unit_test(the_key_is_wiped),
#endif
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
