/* http.c - the courier: a thread of its own that drives libcurl's multi interface, and the loop's side of it.
 *
 * Not on the loop: to read the machine's certificates takes OpenSSL some 30 ms of CPU at the first encrypted connection, a
 * handshake some more, and keys must be painted meanwhile. What arrives is gathered under a lock and taken by the loop in one
 * piece a turn, so that a fast stream costs few events. A cancelled transfer is over for the loop at once; the courier closes it
 * when it sees that. */
#include "pgd/io/http.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/log.h"
#include "pgd/io/http_transfer.h"

/* IDLE_MS: between two looks at the connections that are kept when nothing is under way. */
enum { IDLE_MS = 60000, STOP_WAIT_S = 2, AGAIN_MS = 1000 };

/* Outlives the loop as long as the thread runs. */
struct courier {
    uv_mutex_t lock;
    uv_cond_t gone_cond;
    int refs;
    bool closing; /* the thread shall end */
    bool gone;    /* it has */
    bool told;    /* the loop is on its way to look at the news */
    CURLM *multi; /* the thread's; others may only wake it */
    struct inbox *inbox;
    struct transfer *given; /* new, not yet seen by the thread */
    struct https *https;    /* the loop's alone; NULL once it is freed */
};

struct https {
    struct loop *loop;
    struct transfer *first;
    struct courier *courier; /* NULL before the first request */
};

/* -- memory ------------------------------------------------------------------------------------------ */

/* The request goes through buffers of libcurl's own, and the key is in it: what libcurl frees is wiped. */
static void wiping_free(void *p)
{
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *wiping_realloc(void *p, size_t size)
{
    if (!p)
        return malloc(size);
    const size_t had = malloc_usable_size(p);
    void *fresh = malloc(size);
    if (!fresh)
        return NULL;
    memcpy(fresh, p, had < size ? had : size);
    wiping_free(p);
    return fresh;
}

/* -- the courier's thread ----------------------------------------------------------------------------- */

static void courier_drop(struct courier *c)
{
    uv_mutex_lock(&c->lock);
    const int left = --c->refs;
    uv_mutex_unlock(&c->lock);
    if (left > 0)
        return;
    uv_cond_destroy(&c->gone_cond);
    uv_mutex_destroy(&c->lock);
    inbox_drop(c->inbox);
    free(c);
}

static void on_news(void *arg);

/* From either thread: has the loop look at the news, once. */
static void tell(void *arg)
{
    struct courier *c = arg;
    uv_mutex_lock(&c->lock);
    const bool first = !c->told;
    c->told = true;
    c->refs += first;
    uv_mutex_unlock(&c->lock);
    if (first && !inbox_call(c->inbox, on_news, c))
        courier_drop(c);
}

/* Out of the thread's list and of the multi. */
static void let_go(struct courier *c, struct transfer **at)
{
    struct transfer *t = *at;
    *at = t->next_out;
    if (t->easy)
        curl_multi_remove_handle(c->multi, t->easy);
    transfer_close(t);
    uv_mutex_lock(&c->lock);
    transfer_drop(t);
    uv_mutex_unlock(&c->lock);
}

static void begin(struct courier *c, struct transfer *t, struct transfer **out)
{
    struct err e = {0};
    t->next_out = *out;
    *out = t;
    if (transfer_open(t, &e) && curl_multi_add_handle(c->multi, t->easy) == CURLM_OK)
        return;
    if (e.code == ERR_NONE)
        err_set(&e, ERR_INTERNAL, "no request to %s can be made", t->host);
    transfer_end_err(t, &e, false);
    let_go(c, out);
}

/* Takes what is new, lets go of what nobody waits for. False: the end. */
static bool take_orders(struct courier *c, struct transfer **out)
{
    uv_mutex_lock(&c->lock);
    struct transfer *given = c->given;
    c->given = NULL;
    const bool closing = c->closing;
    uv_mutex_unlock(&c->lock);
    while (given) {
        struct transfer *t = given;
        given = t->next_out;
        begin(c, t, out);
    }
    for (struct transfer **at = out; *at;) {
        uv_mutex_lock(&c->lock);
        const bool unwanted = closing || (*at)->cancelled;
        uv_mutex_unlock(&c->lock);
        if (unwanted)
            let_go(c, at);
        else
            at = &(*at)->next_out;
    }
    return !closing;
}

static void reap(struct courier *c, struct transfer **out)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        char *owner = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner);
        struct transfer **at = out;
        while (*at && (void *)*at != (void *)owner)
            at = &(*at)->next_out;
        if (!*at)
            continue;
        transfer_end(*at, m->data.result);
        let_go(c, at); /* m is no longer valid */
    }
}

/* Ends what has stalled; how long nothing else can, in ms. */
static int end_stalled(struct courier *c, struct transfer **out)
{
    int64_t soonest = IDLE_MS;
    for (struct transfer **at = out; *at;) {
        const int64_t ms = transfer_patience_ms(*at, io_now_us());
        if (ms == 0) {
            transfer_end_stalled(*at);
            let_go(c, at);
            continue;
        }
        if (ms < soonest)
            soonest = ms;
        at = &(*at)->next_out;
    }
    return (int)soonest;
}

static void courier_main(void *arg)
{
    struct courier *c = arg;
    struct transfer *out = NULL;
    int running;

    while (take_orders(c, &out)) {
        const CURLMcode code = curl_multi_perform(c->multi, &running);
        if (code != CURLM_OK)
            log_line(LOG_ERROR, "curl_multi_perform: %s", curl_multi_strerror(code));
        reap(c, &out);
        int wait = end_stalled(c, &out);
        if (code != CURLM_OK && wait > AGAIN_MS)
            wait = AGAIN_MS;
        if (curl_multi_poll(c->multi, NULL, 0, wait, NULL) != CURLM_OK)
            uv_sleep(AGAIN_MS); /* no memory or no descriptor is left: do not spin */
    }
    uv_mutex_lock(&c->lock);
    CURLM *multi = c->multi;
    c->multi = NULL;
    uv_mutex_unlock(&c->lock);
    curl_multi_cleanup(multi);
    uv_mutex_lock(&c->lock);
    c->gone = true;
    uv_cond_signal(&c->gone_cond);
    uv_mutex_unlock(&c->lock);
    courier_drop(c);
}

/* -- the loop's side ---------------------------------------------------------------------------------- */

static void post(struct https *h, const struct transfer *t, enum event_kind kind, struct event *ev)
{
    ev->kind = kind;
    ev->req = t->req;
    loop_post(h->loop, ev);
}

static void post_head(struct https *h, const struct transfer *t, struct http_news *n)
{
    struct event ev = {.u.http.status = n->status};
    ev.len = n->header.len;
    ev.text = buf_take(&n->header);
    post(h, t, EV_HTTP_HEAD, &ev);
}

/* At most HTTP_PIECE_MAX of the body, so that no single event takes long. */
static void post_body(struct https *h, const struct transfer *t, struct buf *body, int status)
{
    struct event ev = {.u.http.status = status};
    if (body->len <= HTTP_PIECE_MAX) {
        ev.len = body->len;
        ev.text = buf_take(body);
    } else {
        ev.len = HTTP_PIECE_MAX;
        ev.text = xstrndup(body->data, HTTP_PIECE_MAX);
        buf_consume(body, HTTP_PIECE_MAX);
    }
    post(h, t, EV_HTTP_DATA, &ev);
}

static void post_end(struct https *h, const struct transfer *t, const struct err *e, int status,
                     bool temporary)
{
    struct event ev = {.u.http.status = status};
    if (e)
        ev.err = *e;
    ev.u.http.temporary = temporary;
    post(h, t, EV_HTTP_END, &ev);
}

static void forget(struct https *h, struct transfer *t)
{
    struct transfer **at = &h->first;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    transfer_drop(t);
}

/* Under the lock. True: there is more for the next turn. */
static bool take_news(struct https *h, struct transfer *t)
{
    struct http_news *n = &t->news;
    if (n->head)
        post_head(h, t, n);
    n->head = false;
    if (n->body.len > 0)
        post_body(h, t, &n->body, n->status);
    if (n->body.len > 0)
        return true;
    if (!n->ended)
        return false;
    post_end(h, t, &n->err, n->status, n->temporary);
    forget(h, t);
    return false;
}

static void on_news(void *arg)
{
    struct courier *c = arg;
    bool more = false;
    uv_mutex_lock(&c->lock);
    c->told = false;
    struct https *h = c->https;
    for (struct transfer *t = h ? h->first : NULL, *next; t; t = next) {
        next = t->next;
        if (take_news(h, t))
            more = true;
    }
    uv_mutex_unlock(&c->lock);
    if (more)
        tell(c);
    courier_drop(c);
}

/* Under the lock. */
static void wake(struct courier *c)
{
    if (c->multi)
        curl_multi_wakeup(c->multi);
}

/* Once in the life of the program; no thread of ours uses libcurl before. */
static bool load_libcurl(void)
{
    static bool loaded;
    if (!loaded)
        loaded = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_realloc,
                                      strdup, calloc) == CURLE_OK;
    return loaded;
}

static struct courier *courier_new(struct https *h)
{
    CURLM *multi = load_libcurl() ? curl_multi_init() : NULL;
    if (!multi)
        return NULL;
    struct courier *c = xcalloc(1, sizeof *c);
    uv_mutex_init(&c->lock);
    uv_cond_init(&c->gone_cond);
    c->refs = 2;
    c->multi = multi;
    c->inbox = inbox_hold(h->loop->inbox);
    c->https = h;
    if (loop_thread(courier_main, c))
        return c;
    curl_multi_cleanup(multi);
    c->refs = 1;
    courier_drop(c);
    return NULL;
}

struct https *https_new(struct loop *l)
{
    struct https *h = xcalloc(1, sizeof *h);
    h->loop = l;
    return h;
}

static void refuse(struct https *h, struct req req, const struct err *e)
{
    struct event ev = {.kind = EV_HTTP_END, .req = req, .err = *e};
    loop_post(h->loop, &ev);
}

void https_run(struct https *h, struct effect *e)
{
    struct err why = {0};
    if (!h->courier)
        h->courier = courier_new(h);
    struct courier *c = h->courier;
    if (!c) {
        err_set(&why, ERR_INTERNAL, "no request can be made");
        err_detail(&why, "libcurl or its thread did not start.");
        refuse(h, e->req, &why);
        return;
    }
    struct transfer *t = transfer_new(e, &c->lock, &why);
    if (!t) {
        refuse(h, e->req, &why);
        return;
    }
    t->tell = tell;
    t->tell_arg = c;
    t->next = h->first;
    h->first = t;
    uv_mutex_lock(&c->lock);
    t->refs++;
    t->next_out = c->given;
    c->given = t;
    wake(c);
    uv_mutex_unlock(&c->lock);
}

void https_cancel(struct https *h, struct req req)
{
    struct transfer *t = h->first;
    while (t && !req_same(t->req, req))
        t = t->next;
    if (!t)
        return;
    struct err e = {0};
    err_set(&e, ERR_CANCELLED, "the request to %s was stopped", t->host);
    uv_mutex_lock(t->lock);
    t->cancelled = true;
    post_end(h, t, &e, t->news.status, false);
    forget(h, t);
    wake(h->courier);
    uv_mutex_unlock(&h->courier->lock);
}

size_t https_alive(const struct https *h)
{
    size_t n = 0;
    for (const struct transfer *t = h->first; t; t = t->next)
        n++;
    return n;
}

void https_stop(struct https *h)
{
    struct courier *c = h->courier;
    if (!c)
        return;
    uv_mutex_lock(&c->lock);
    while (h->first) {
        h->first->cancelled = true;
        forget(h, h->first);
    }
    c->closing = true;
    wake(c);
    uv_mutex_unlock(&c->lock);
}

/* The thread has nothing to wait for; should libcurl hang all the same, it is left alone. */
void https_free(struct https *h)
{
    struct courier *c = h->courier;
    if (c) {
        const uint64_t until = uv_hrtime() + (uint64_t)STOP_WAIT_S * 1000000000u;
        https_stop(h);
        uv_mutex_lock(&c->lock);
        c->https = NULL;
        while (!c->gone && uv_hrtime() < until)
            uv_cond_timedwait(&c->gone_cond, &c->lock, until - uv_hrtime());
        if (!c->gone)
            log_line(LOG_WARN, "the thread for requests did not end in time");
        uv_mutex_unlock(&c->lock);
        courier_drop(c);
    }
    free(h);
}
