/* ssh_thread.c - the life of a link, in its thread. */
#include "pgd/io/ssh_host.h"

void ssh_thread(void *arg)
{
    struct ssh_host *h = arg;
    struct event ev = {.kind = EV_SSH_DOWN, .req = h->req};

    ev.u.ssh.conn = h->conn;
    err_set(&ev.err, ERR_CONNECT, "no link can be made");
    ssh_host_post(h, &ev);
    ssh_host_drop(h);
}
