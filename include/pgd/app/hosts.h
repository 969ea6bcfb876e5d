/* hosts.h - the links to other machines by ssh: who is wanted, who is up, when the next try is due.
 *
 * enum host_state (workspace/model.h) specifies the states. A lost link is tried again at once, then with back-off (1 s
 * doubled up to 30 s, shown as a countdown), for as long as it takes; what a refusal of the host or of the DBA ended is not
 * tried again by itself. Nobody else sends FX_SSH_OPEN, FX_SSH_ANSWER or FX_SSH_CLOSE. */
#pragma once

#include "pgd/workspace/model.h"

/* At the program's begin: opens the links that the command line wants. */
void hosts_begin(struct model *m, struct effects *fx);
/* Wants the link; the host is that of the options. */
void hosts_open(struct model *m, enum ssh_conn conn, struct effects *fx);
void hosts_close(struct model *m, enum ssh_conn conn, struct effects *fx);
/* EV_SSH_* and timers of OWNER_HOSTS. */
void hosts_event(struct model *m, const struct event *ev, struct effects *fx);
/* The DBA has answered: yes to a host key, or a word (0 = none is given); the word is taken. */
void hosts_answer(struct model *m, enum ssh_conn conn, bool yes, secret_id word,
                  struct effects *fx);
/* Tries again now what waits, was refused or was closed. */
void hosts_retry(struct model *m, enum ssh_conn conn, struct effects *fx);
bool hosts_wanted(const struct model *m, enum ssh_conn conn);
bool hosts_up(const struct model *m, enum ssh_conn conn);
/* It is not known yet whether the link will stand: the first try is under way, or the DBA is being asked. */
bool hosts_undecided(const struct model *m, enum ssh_conn conn);
/* Wipes what was typed so far. */
void hosts_forget_word(struct host_link *h);
/* hosts_screen.c: after each event. A question of a host comes up when no other dialog is open, and comes up again over one that has
 * taken its place while the DBA was typing, so that no letter of a password answers anything else; it goes when the host has gone. */
void hosts_dialogs(struct model *m, struct effects *fx);
/* Opens DIALOG_HOSTS. */
void hosts_show(struct model *m);
/* The keys of DIALOG_HOST_KEY, DIALOG_HOST_WORD and DIALOG_HOSTS. */
bool hosts_key(struct model *m, struct key k, struct effects *fx);
void hosts_paste(struct model *m, const char *text, size_t len);
/* "up", "waiting" …: for lines and the screen. */
const char *host_state_name(enum host_state s);
