/* ssh_command.h - what is run on the other machine for FX_CHILD with CHILD_REMOTE. Private to io.
 *
 * The request is one fixed command that any login shell understands; it starts a POSIX sh that reads one line from its stdin, decodes
 * and evaluates it. So neither the DBA's login shell nor its quoting matters, nothing is written there, and no argument is in the
 * list of processes twice. What is printed before the mark is the login shell's noise. */
#pragma once

#include "pgd/base/effect.h"

/* For the request. */
const char *ssh_command_request(void);
/* The line, then the child's own stdin. env and cwd are set there; run_as is reached as root or by sudo -n. */
void ssh_command_script(const struct effect *e, const char *mark, struct buf *out);
