/* secret.h - passwords live in one table and travel as handles, so that an effect can be printed,
 * compared and traced without showing one. Wiped when released and at exit. */
#pragma once

#include <stddef.h>

typedef int secret_id; /* 0 = none */

secret_id secret_put(const char *text, size_t len);
const char *secret_get(secret_id id); /* "" for none; borrowed until released */
void secret_release(secret_id id);
secret_id secret_newest(
    void); /* of those ever put: another one than before means that there is more to hide */
void secret_wipe_all(void);
/* Replaces each known secret of 3 bytes and more in text (in place, same length, by asterisks),
 * and what stands for a password in a connection string, a URI, SQL or JSON, known or not. */
void secret_redact(char *text);
