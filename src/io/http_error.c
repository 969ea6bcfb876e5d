/* http_error.c - libcurl's codes as errors that a DBA can act on. The texts name the host and never hold anything of the
 * request. */
#include "pgd/io/http_error.h"

#include <curl/curl.h>
#include <string.h>

enum { VERIFY_NOT_YET_VALID = 9, VERIFY_EXPIRED = 10 }; /* of X509_V_ERR_ in OpenSSL */

/* libcurl's words as a sentence of their own. */
static void detail_said(const struct http_failure *f, struct err *e)
{
    const char *said = f->said && f->said[0] ? f->said : curl_easy_strerror((CURLcode)f->code);
    const size_t n = strlen(said);
    err_detail(e, "libcurl says: %s%s", said, n && said[n - 1] == '.' ? "" : ".");
}

static bool fill_name(const struct http_failure *f, struct err *e)
{
    const bool proxy = f->code == CURLE_COULDNT_RESOLVE_PROXY;
    err_set(e, ERR_CONNECT, "%s %s cannot be resolved",
            proxy ? "the proxy on the way to" : "the name", f->host);
    detail_said(f, e);
    err_hint(e, proxy ? "Check the variable https_proxy, and whether its name is known here."
                      : "Check the address and this machine's name service; behind a proxy set the "
                        "variable https_proxy.");
    return true;
}

static bool fill_connect(const struct http_failure *f, struct err *e)
{
    if (f->os_errno)
        err_set(e, ERR_CONNECT, "cannot connect to %s: %s", f->host, strerror((int)f->os_errno));
    else
        err_set(e, ERR_CONNECT, "cannot connect to %s", f->host);
    detail_said(f, e);
    err_hint(e, "Check that something listens there and that no firewall is in between; behind a "
                "proxy set the variable https_proxy.");
    return true;
}

static bool fill_timeout(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_TIMEOUT, "no connection to %s within %g s", f->host, f->connect_ms / 1000.0);
    detail_said(f, e);
    err_hint(e, "Check the network and the firewall; behind a proxy set the variable https_proxy.");
    return true;
}

static bool fill_tls(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_CONNECT, "no encrypted connection to %s", f->host);
    detail_said(f, e);
    err_hint(e, "Check that the address speaks TLS, and that nothing on the way breaks it off.");
    return true;
}

/* A certificate that is not trusted now will not be in six seconds. */
static bool fill_certificate(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_CONNECT, "the certificate of %s is not trusted", f->host);
    detail_said(f, e);
    if (f->verify == VERIFY_NOT_YET_VALID || f->verify == VERIFY_EXPIRED)
        err_hint(e, "Check this machine's clock and the dates of the certificate.");
    else
        err_hint(e, "Where a company's own authority signs, name its certificates in the variable "
                    "CURL_CA_BUNDLE; verification cannot be turned off.");
    return false;
}

static bool fill_proxy(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_CONNECT, "the proxy does not let us through to %s (HTTP %ld)", f->host,
            f->proxy_status);
    detail_said(f, e);
    if (f->proxy_status == 407)
        err_hint(
            e,
            "The proxy wants a name and a password: https_proxy=http://NAME:PASSWORD@HOST:PORT.");
    else
        err_hint(e, "Ask who runs the proxy of https_proxy to let this address through.");
    return f->proxy_status >= 500;
}

static bool fill_broken(const struct http_failure *f, struct err *e)
{
    if (f->code == CURLE_GOT_NOTHING)
        err_set(e, ERR_LOST, "%s closed the connection without an answer", f->host);
    else if (f->code == CURLE_PARTIAL_FILE)
        err_set(e, ERR_LOST, "the answer of %s broke off", f->host);
    else
        err_set(e, ERR_LOST, "the connection to %s was lost", f->host);
    detail_said(f, e);
    err_hint(e, "The network or the server gave up; a second try may succeed.");
    return true;
}

static bool fill_too_big(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_FORMAT, "the answer of %s is too long", f->host);
    if (f->header_too_big)
        err_detail(e, "Its header does not end.");
    else
        err_detail(e, "More than %zu bytes came, and the rest was not read.", f->max_bytes);
    err_hint(e, "Check that the address is that of a model.");
    return false;
}

static bool fill_no_http(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_FORMAT, "%s does not answer in HTTP", f->host);
    detail_said(f, e);
    err_hint(e, "Check the address and the port.");
    return false;
}

static bool fill_other(const struct http_failure *f, struct err *e)
{
    err_set(e, ERR_INTERNAL, "the request to %s failed", f->host);
    detail_said(f, e);
    err_hint(e, "The log has more; when it happens again, the built-in advisor works without.");
    return false;
}

bool http_failure_text(const struct http_failure *f, struct err *e)
{
    if (f->body_too_big || f->header_too_big)
        return fill_too_big(f, e);
    if (f->proxy_status >= 300)
        return fill_proxy(f, e);
    switch ((CURLcode)f->code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
        return fill_name(f, e);
    case CURLE_COULDNT_CONNECT:
        return fill_connect(f, e);
    case CURLE_OPERATION_TIMEDOUT:
        return f->sent ? fill_broken(f, e) : fill_timeout(f, e);
    case CURLE_SSL_CONNECT_ERROR:
        return fill_tls(f, e);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return fill_certificate(f, e);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return fill_broken(f, e);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return fill_no_http(f, e);
    default:
        return fill_other(f, e);
    }
}

void http_stall_text(const char *host, int stall_s, struct err *e)
{
    err_set(e, ERR_TIMEOUT, "%s has sent nothing for %d s", host, stall_s);
    err_detail(e, "The connection stood, and not a byte came.");
    err_hint(e, "The model may be overloaded; a second try may succeed.");
}
