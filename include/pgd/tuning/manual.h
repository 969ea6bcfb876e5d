/* manual.h - the part of a switch that the DBA makes: what is asked for, and what is seen of it so far.
 *
 * For the screen and for headless runs; the machine itself is tuning/apply. */
#pragma once

#include "pgd/tuning/apply.h"

/* The switch waits for the DBA now. */
bool apply_waits(const struct apply *a);
/* What it waits for is being taken back: the entries from before. */
bool apply_waits_for_undo(const struct apply *a);
/* The DBA says that it is done: looked at at once. */
void apply_look_now(struct apply *a, struct effects *fx);
/* The DBA cannot or will not. Nothing applied → FAILED (ERR_CANCELLED); something applied → its undo is asked for in the
 * same way; an undo that is refused → STUCK. */
void apply_decline(struct apply *a, struct effects *fx);

/* The question stays as it is, for the next start of the program: ends as ASKED. */
void apply_asked(struct apply *a, struct effects *fx);

enum manual_seen {
    MANUAL_UNSEEN, /* not looked at yet */
    MANUAL_WAITING,
    MANUAL_RESTART, /* in the configuration; waits for a restart */
    MANUAL_HIDDEN,  /* a role, database or command line hides it from the workload */
    MANUAL_IN_FORCE
};
const char *manual_seen_name(enum manual_seen s); /* "waiting", "in force" … */
