/* launch.h - what exactly is started for FX_CHILD: argv with the programs that drop rights and tie the
 * child's life to ours, the environment, the password file. Private to io. */
#pragma once

#include <stdbool.h>

#include "pgd/base/effect.h"

struct launch {
    char **argv; /* owned, NULL-terminated */
    char **env;  /* owned, NULL-terminated */
    char *cwd;   /* owned; NULL = where we are */
    int pgpass;  /* descriptor to inherit as number 3; -1 = none */
    bool change_user;
    unsigned uid, gid; /* with change_user: there is no setpriv, the spawn must do it */
};

enum { LAUNCH_PGPASS_FD = 3 };

/* The program's path by $PATH (owned by the caller), NULL if there is none. */
char *launch_find(const char *name, const char *path);
/* False with *e filled: no such program, user, or no memory file. setpriv: its path, NULL if missing. */
bool launch_prepare(struct launch *x, const struct effect *fx, const char *setpriv, struct err *e);
void launch_clear(struct launch *x);
