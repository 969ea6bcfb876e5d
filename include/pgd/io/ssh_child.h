/* ssh_child.h - one program on the other machine: its channel, its output, its end. In the link's thread. Private to the files
 * ssh*.c. */
#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "pgd/io/ssh_host.h"

enum ssh_child_state {
    /* The channel is being opened. → ASKING */
    SSH_CHILD_OPENING,
    /* The request to run the command is out. Granted → RUNNING, with EV_CHILD_UP */
    SSH_CHILD_ASKING,
    /* Its input goes out, its output comes in. At the end of both and of the program, or when it does not end within 2 s of a kill
     * → OVER, with EV_CHILD_EXIT */
    SSH_CHILD_RUNNING,
    SSH_CHILD_OVER
};

struct ssh_child {
    struct ssh_child *next;
    struct ssh_host *host;   /* borrowed */
    struct ssh_order *order; /* owned: what is run, and its stdin */
    enum ssh_child_state state;
    ssh_channel ssh;
    struct ssh_channel_callbacks_struct calls;
    struct buf in; /* not yet written */
    bool in_ended;
    bool marked;            /* the login shell's noise is over */
    struct buf out, errors; /* before the mark: the noise; then what is no whole line yet */
    bool skipping[2];       /* the rest of a line that was too long */
    struct buf collected;
    char tail[480]; /* of stderr, with CHILD_COLLECT */
    bool has_status;
    int status, signal;
    int64_t kill_until_us; /* 0 = it is not being ended */
};

/* Takes the order. */
struct ssh_child *ssh_child_new(struct ssh_host *h, ssh_session s, struct ssh_order *o);
/* Does what can be done without waiting; true when something moved. When `reads` is false nothing is read. */
bool ssh_child_step(struct ssh_child *c, bool reads, int64_t now_us);
/* More for its stdin. */
void ssh_child_input(struct ssh_child *c, const char *text, size_t len);
void ssh_child_kill(struct ssh_child *c, int64_t now_us);
/* The link is gone: tells its end with that error, unless it was told. */
void ssh_child_lose(struct ssh_child *c, const struct err *why);
/* An answer of the host is due. */
bool ssh_child_waits(const struct ssh_child *c);
void ssh_child_free(struct ssh_child *c);
