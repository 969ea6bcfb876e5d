/* http_transfer.h - one request and what comes of it: checks before anything is sent, libcurl's options, its callbacks.
 * Private to io.
 *
 * A transfer belongs to two threads. The loop's thread makes it and takes its news; the courier's thread (http.c) opens, drives
 * and closes its handle. What both touch is under the lock; each holds a reference. */
#pragma once

#include <uv.h>

#include <curl/curl.h>

#include "pgd/base/buf.h"
#include "pgd/base/effect.h"

/* What has arrived since the loop last looked. */
struct http_news {
    bool head;         /* the header is whole */
    int status;        /* of the answer; kept */
    struct buf header; /* its lines */
    struct buf body;
    bool ended;
    struct err err;
    bool temporary;
};

struct transfer {
    struct transfer *next; /* in the loop's list */
    struct req req;

    /* Given at the start; then the courier's alone. */
    struct transfer *next_out; /* in the courier's list */
    CURLU *url;
    char host[256];
    bool plain;     /* http:// to loopback */
    char **headers; /* owned, NULL-terminated */
    char *key_line; /* owned: the header with the key, wiped once libcurl has it; NULL = none */
    char *body;     /* owned; NULL = GET */
    size_t body_size;
    size_t body_max;
    int stall_s, connect_ms;

    /* The courier's. */
    CURL *easy;
    struct curl_slist *lines; /* what is sent as the header, the key among it */
    char said[CURL_ERROR_SIZE];
    struct buf header;
    size_t header_size; /* with what was not kept */
    size_t body_got;
    bool header_done, body_too_big, header_too_big;
    curl_off_t moved; /* bytes in both directions when it was last looked at */
    int64_t moved_us;

    /* Under the lock. */
    uv_mutex_t *lock;
    struct http_news news;
    bool cancelled; /* nobody waits for it any more */
    int refs;

    void (*tell)(void *arg); /* there is news; called by the courier without the lock */
    void *tell_arg;
};

/* Takes what it needs from the effect. NULL with *e when the request must not be made. The caller has the one reference. */
struct transfer *transfer_new(struct effect *fx, uv_mutex_t *lock, struct err *e);
/* Under the lock. */
void transfer_drop(struct transfer *t);

/* The courier's: makes the handle. False with *e: libcurl refused an option. */
bool transfer_open(struct transfer *t, struct err *e);
/* Tells how it ended: CURLE_OK, or why not. */
void transfer_end(struct transfer *t, CURLcode code);
/* Milliseconds until it counts as stalled, 0 when it does now; the time to connect is not counted. */
int64_t transfer_patience_ms(struct transfer *t, int64_t now_us);
void transfer_end_stalled(struct transfer *t);
void transfer_end_err(struct transfer *t, const struct err *e, bool temporary);
/* Frees the handle, which is in no multi any more, and wipes the key. */
void transfer_close(struct transfer *t);
