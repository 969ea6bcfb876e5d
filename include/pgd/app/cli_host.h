/* cli_host.h - a host as the DBA names it on the command line: HOST, USER@HOST, HOST:PORT, [ADDRESS]:PORT. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pgd/base/err.h"
#include "pgd/workspace/model.h"

/* One name taken apart; "" = not given. */
struct cli_host {
    char host[256], user[64], port[8];
};

/* Takes the value of --flag apart. What could mean something to a shell (libssh hands names to the shell of a ProxyCommand), or be
 * taken for a flag, is refused: false with *e (USAGE). */
PGD_MUST_CHECK bool cli_host_parse(const char *flag, const char *text, struct cli_host *out,
                                   struct err *e);
/* A user's name for --flag, by the same rule. */
PGD_MUST_CHECK bool cli_host_user(const char *flag, const char *text, char *dst, size_t size,
                                  struct err *e);
/* Once all flags are read: takes ssh_host and bench_host apart in place, and refuses what contradicts itself. user_home is $HOME, or
 * NULL. When nothing names the database's host (server_named: the environment does), it is the ssh host. */
PGD_MUST_CHECK bool cli_host_finish(struct options *o, const char *user_home, bool server_named,
                                    struct err *e);
