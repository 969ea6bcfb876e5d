/* ssh_auth.h - from a name to a session that is logged in: configuration, connection, host key, authentication. In the link's
 * thread; every call may block, and waits for the DBA's words where they are needed. Private to the files ssh*.c. */
#pragma once

#include <libssh/libssh.h>

#include "pgd/io/ssh_host.h"

/* A session that is logged in, the caller's to end; NULL with *e filled (ERR_CANCELLED: the loop has let the link go). banner is
 * filled with what the host says to those who log in. */
ssh_session ssh_auth_login(struct ssh_host *h, struct buf *banner, struct err *e);
/* After the configuration was read, before the connection: a way through other hosts (ProxyJump, ProxyCommand) may ask nobody anything.
 * dir is the .ssh folder, or NULL. */
void ssh_proxy_prepare(ssh_session s, const char *dir);
/* The value that ~/.ssh/config gives a keyword of this host, as OpenSSH finds it (the first that fits); "" when there is none. For what
 * libssh reads and does not tell. dir is the .ssh folder. */
void ssh_auth_config(const char *dir, const char *host, const char *keyword, char *dst,
                     size_t size);
/* The same of that file's text. */
void ssh_config_value(const char *text, const char *host, const char *keyword, char *dst,
                      size_t size);
/* What is run in place of a command line that libssh has made of ProxyJump; false: it is none. Appended. */
bool ssh_proxy_command(const char *command, const char *dir, struct buf *out);
