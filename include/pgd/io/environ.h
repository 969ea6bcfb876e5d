/* environ.h - our own environment: keys are taken out of it for good, at the start and before any thread. */
#pragma once

#include <stdbool.h>

#include "pgd/base/err.h"
#include "pgd/base/secret.h"

enum { ENVIRON_KEY_MAX = 4096 };

/* NAME_API_KEY: no child of ours gets it. The length is that of the name alone. */
bool environ_is_key(const char *name, size_t len);
/* The first of the names (NULL-terminated) that is set and not empty, as a secret; 0 = none is. False with *e: it is too long. */
bool environ_key(const char *const *names, secret_id *out, struct err *e);
/* The value of a variable, "" when it is not set. False with *e, naming it, when it does not fit or holds a space or control
 * character: half an address would be another one. */
bool environ_word(const char *name, char *dst, size_t size, struct err *e);
/* Overwrites all keys where they stand, so that /proc/PID/environ shows none, and takes them out. */
void environ_wipe_keys(void);
