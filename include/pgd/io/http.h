/* http.h - FX_HTTP and FX_HTTP_CANCEL: requests over libcurl's multi interface. Private to io.
 *
 * EV_HTTP_HEAD comes with the end of the header, EV_HTTP_DATA with what arrived of the body, EV_HTTP_END last and exactly once.
 * An END without err means that the body came whole; its status may still be an error's. What is refused before anything is sent
 * (no https and no loopback, a line break in a header or key) ends with ERR_REFUSED. Proxies and certificate authorities are taken
 * from the environment as curl(1) does; http:// to loopback never goes through a proxy. */
#pragma once

#include "pgd/io/loop.h"

enum { HTTP_CONNECT_MS = 10000, HTTP_STALL_S = 90, HTTP_BODY_MAX = 8 * 1024 * 1024 };
/* Of one answer: what is kept of its header, and how much of one is read at all. */
enum { HTTP_HEADER_KEPT = 16 * 1024, HTTP_HEADER_MAX = 256 * 1024 };
/* The bytes of one EV_HTTP_DATA: what has arrived since the last, up to this. */
enum { HTTP_PIECE_MAX = 64 * 1024 };

struct https;

/* Cheap: nothing is loaded or started before the first request. */
struct https *https_new(struct loop *l);
/* Takes the contents of the effect. */
void https_run(struct https *h, struct effect *e);
/* The transfer ends now: its END is posted, nothing of it comes later. */
void https_cancel(struct https *h, struct req req);
size_t https_alive(const struct https *h);
/* Ends all transfers without a word; before the loop closes. */
void https_stop(struct https *h);
void https_free(struct https *h); /* after the loop */
