/* place.h - where programs of the server's host are run: on this machine, or there by ssh.
 *
 * Whoever starts a program that must run beside the server (discovery, restart, canary, settings of the operating system)
 * makes its effect as if that host were this machine and then says so here; nothing else tells the two apart. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"

/* Sends a FX_CHILD to the host of that server. Over ssh, who gets the owner's rights by sudo in argv is not changed to that
 * owner once more. */
void place_child(const struct identity *id, struct effect *e);
/* The words before a program that is to run there as the owner of the data directory; returns how many there are. */
enum { PLACE_PREFIX = 5 };
int place_as_owner(const struct identity *id, const char **first);
