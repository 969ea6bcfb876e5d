/* ssh_host.h - one link as its thread and the loop share it. Private to the files ssh*.c.
 *
 * The loop gives orders (a queue under the mutex, and a byte in `wake`); the thread answers by events through the inbox. Whoever drops
 * the last hold frees it: the thread may outlast the loop, and the loop may let a thread go that hangs in a look-up. */
#pragma once

#include <stdatomic.h>

#include "pgd/base/buf.h"
#include "pgd/io/loop.h"

enum ssh_order_kind { ORDER_EXEC, ORDER_INPUT, ORDER_KILL, ORDER_ANSWER, ORDER_CLOSE };

struct ssh_order {
    enum ssh_order_kind kind;
    struct req req;
    char *text; /* owned, wiped: what goes to stdin; the word of an answer */
    size_t len;
    char *name; /* owned: argv[0], for messages */
    char mark[40];
    unsigned flags;
    bool yes;
    struct ssh_order *next;
};

struct ssh_host {
    atomic_int holds;
    atomic_bool abandoned; /* the loop has no interest any more */
    atomic_int posted; /* events on their way to the loop: the thread waits when there are many */
    struct inbox *inbox;
    struct loop *loop; /* for the loop's thread alone */
    uv_mutex_t mutex;
    uv_cond_t given; /* an order was given */
    int wake[2];     /* a byte for each order: for poll() */
    struct ssh_order *first, *last;
    bool deaf; /* under the mutex: the thread takes no more orders */
    /* fixed */
    enum ssh_conn conn;
    struct req req;
    char *host, *user, *port, *key_file, *dir; /* owned; NULL = not given */
};

/* In the thread. */
void ssh_host_post(struct ssh_host *h, struct event *ev); /* takes the event */
/* The next order, NULL if there is none; with wait: until there is one, or the link is let go (NULL). */
struct ssh_order *ssh_host_next(struct ssh_host *h, bool wait);
/* Takes no more orders; what is given from now on is answered by the loop's side. */
void ssh_host_deafen(struct ssh_host *h);
void ssh_order_free(struct ssh_order *o);
void ssh_host_drop(struct ssh_host *h);
/* Enough is on its way to the loop: nothing more is read. */
bool ssh_host_is_full(struct ssh_host *h);

void ssh_thread(void *arg); /* a struct ssh_host, held */
/* Before the descriptor of a lost link is closed: what it has not delivered dies with it, so that no command is run there
 * after it was given up, when the way is open again. */
void ssh_thread_cut(int fd);
