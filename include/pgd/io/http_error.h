/* http_error.h - why a transfer failed, in three sentences. Private to io. */
#pragma once

#include <stdbool.h>

#include "pgd/base/err.h"

/* What is known about a transfer when libcurl gives up on it. */
struct http_failure {
    int code;            /* CURLcode */
    const char *host;    /* "generativelanguage.googleapis.com", as the request names it */
    const char *said;    /* libcurl's own words; "" = none */
    long proxy_status;   /* that a proxy answered to CONNECT; 0 = there was none */
    long os_errno;       /* of the last connect; 0 = none */
    long verify;         /* OpenSSL's result for the certificate; 0 = it was not the certificate */
    bool sent;           /* the request was on its way */
    bool body_too_big;   /* the answer's body is longer than max_bytes */
    bool header_too_big; /* its header is longer than HTTP_HEADER_MAX */
    int connect_ms;
    size_t max_bytes;
};

/* Fills *e; returns whether a second try may help: a network's failure. */
bool http_failure_text(const struct http_failure *f, struct err *e);
/* The other side has sent nothing for stall_s seconds. */
void http_stall_text(const char *host, int stall_s, struct err *e);
