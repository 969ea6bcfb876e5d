/* http.c - see http.h. */
#include "pgd/io/http.h"

#include <stdlib.h>

struct https {
    struct loop *loop;
};

struct https *https_new(struct loop *l)
{
    struct https *h = xcalloc(1, sizeof *h);
    h->loop = l;
    return h;
}

void https_run(struct https *h, struct effect *e)
{
    struct event ev = {.kind = EV_HTTP_END, .req = e->req};
    err_set(&ev.err, ERR_INTERNAL, "no request can be made");
    loop_post(h->loop, &ev);
}

void https_cancel(struct https *h, struct req req)
{
    (void)h;
    (void)req;
}

void https_free(struct https *h)
{
    free(h);
}

size_t https_alive(const struct https *h)
{
    (void)h;
    return 0;
}

void https_stop(struct https *h)
{
    (void)h;
}
