/* kill_at.h - the boundaries of a round at which a test build can be killed or stopped, by name.
 *
 * PGD_TEST_KILL_AT=NAME[:N][=stop][,…] is a list of steps: the boundary NAME, met for the N-th time since the step before
 * it, raises SIGKILL, or with =stop SIGSTOP, so that a test can look around and then kill or continue. In ordinary builds
 * these functions do nothing. tests/soak/kill_boundaries.py goes through the table. */
#pragma once

#include "pgd/base/effect.h"

/* The effect is about to be carried out. */
void kill_at_effect(const struct effect *e);
/* The effect that was looked at last has been handed to io. */
void kill_at_sent(void);
/* An event has arrived; nobody has looked at it yet. */
void kill_at_event(const struct event *ev);
