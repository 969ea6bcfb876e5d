/* ssh.h - links to other machines by libssh, and the programs that run there. Private to io.
 *
 * A link lives in a thread of its own from its name's look-up to its end: no libssh function is ever called by the loop's thread, so
 * that neither a name service, a key's passphrase nor a stalled network can hold it up. The two talk by orders and by events.
 *
 * Children with CHILD_REMOTE are told of by the same events as those of this machine (child.h), in the same order; when the link goes,
 * each of them ends with ERR_LOST before EV_SSH_DOWN comes. */
#pragma once

#include "pgd/io/loop.h"

enum {
    SSH_CONNECT_S = 10, /* for the connection and each answer while it is set up */
    SSH_STALL_S = 15,   /* an answer is due for so long: the link counts as lost */
    SSH_LINE_MAX = 8 * 1024,
    SSH_COLLECT_MAX = 4 * 1024 * 1024,
    SSH_WORDS_MAX = 3 /* passwords that may be tried */
};

struct sshes;

struct sshes *sshes_new(struct loop *l);
/* FX_SSH_OPEN, FX_SSH_ANSWER, FX_SSH_CLOSE; takes the contents of the effect. */
void sshes_run(struct sshes *all, struct effect *e);
/* FX_CHILD with CHILD_REMOTE. */
void sshes_child(struct sshes *all, struct effect *e);
void sshes_input(struct sshes *all, struct effect *e);
void sshes_kill(struct sshes *all, struct req req);
/* Shutting down: lets all links go without a word. */
void sshes_stop(struct sshes *all);
void sshes_free(struct sshes *all); /* after the loop */
