/* ssh_proxy.c - the way to a host through others. libssh makes a ProxyCommand of it, which it starts by fork() in the link's thread:
 *
 * - ProxyJump becomes a command line of ssh, in which the order of several hosts is wrong, and which would ask for what it lacks. It is
 *   made anew, with BatchMode, and with the configuration that this link has read.
 * - Whatever is started could still talk to the DBA over /dev/tty, which is our screen: each child of such a thread gets a session of its
 *   own, without a terminal. */
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "pgd/base/buf.h"
#include "pgd/base/quote.h"
#include "pgd/io/ssh_auth.h"

static _Thread_local bool of_a_link;

static void in_child(void)
{
    if (of_a_link)
        (void)setsid();
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, in_child);
}

/* libssh 0.10 writes: ssh[ -l USER][ -p PORT][ -J NEXT,…] -W '[%h]:%p' FIRST */
struct jump {
    char user[128], port[16], next[512], first[256];
};

/* Takes " -x VALUE" from *at when it stands there. */
static void take_option(const char **at, const char *option, char *dst, size_t size)
{
    size_t n = strlen(option), len;

    if (strncmp(*at, option, n) != 0)
        return;
    len = strcspn(*at + n, " ");
    if (len < size) {
        memcpy(dst, *at + n, len);
        dst[len] = '\0';
    }
    *at += n + len;
}

/* Nothing that a shell would take for more than a name. */
static bool plain(const char *s)
{
    return s[0] != '-' && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789.-_+@:,[]%/")] == '\0';
}

static bool read_jump(const char *command, struct jump *j)
{
    static const char through[] = " -W '[%h]:%p' ";
    const char *at = command + 3;

    memset(j, 0, sizeof *j);
    if (strncmp(command, "ssh", 3) != 0)
        return false;
    take_option(&at, " -l ", j->user, sizeof j->user);
    take_option(&at, " -p ", j->port, sizeof j->port);
    take_option(&at, " -J ", j->next, sizeof j->next);
    if (strncmp(at, through, sizeof through - 1) != 0)
        return false;
    at += sizeof through - 1;
    return snprintf(j->first, sizeof j->first, "%s", at) < (int)sizeof j->first && *at &&
           plain(j->first) && plain(j->user) && plain(j->port) && plain(j->next);
}

/* Where ssh would not look by itself: it knows no $HOME. */
static bool is_elsewhere(const char *dir)
{
    struct passwd pw, *found = NULL;
    char room[4096], home[1024];

    if (getpwuid_r(getuid(), &pw, room, sizeof room, &found) != 0 || !found)
        return true;
    snprintf(home, sizeof home, "%s/.ssh", pw.pw_dir);
    return strcmp(home, dir) != 0;
}

static void put_config(struct buf *out, const char *dir)
{
    struct buf path = {0};

    buf_printf(&path, "%s/config", dir ? dir : "");
    if (dir && is_elsewhere(dir) && !strchr(dir, '%') && access(buf_text(&path), R_OK) == 0) {
        buf_puts(out, " -F ");
        quote_shell(out, buf_text(&path));
    }
    buf_clear(&path);
}

/* FIRST with what belongs to it, then the others: the last of them is whom ssh talks to, through the rest. */
static void put_jump(struct buf *out, const struct jump *j, const char *dir)
{
    struct buf hops = {0};
    char *last;

    buf_puts(out, "ssh -o BatchMode=yes");
    put_config(out, dir);
    if (!j->next[0]) {
        if (j->user[0])
            buf_printf(out, " -l %s", j->user);
        if (j->port[0])
            buf_printf(out, " -p %s", j->port);
        buf_printf(out, " -W '[%%h]:%%p' %s", j->first);
        return;
    }
    buf_printf(&hops, "%s%s%s%s%s,%s", j->user, j->user[0] ? "@" : "", j->first,
               j->port[0] ? ":" : "", j->port, j->next);
    last = strrchr(hops.data, ',');
    *last++ = '\0';
    buf_printf(out, " -J %s -W '[%%h]:%%p' ssh://%s", buf_text(&hops), last);
    buf_clear(&hops);
}

bool ssh_proxy_command(const char *command, const char *dir, struct buf *out)
{
    struct jump j;

    if (!read_jump(command, &j))
        return false;
    put_jump(out, &j, dir);
    return true;
}

void ssh_proxy_prepare(ssh_session s, const char *dir)
{
    static uv_once_t once = UV_ONCE_INIT;
    struct buf ours = {0};
    char *command = NULL;

    uv_once(&once, watch_forks);
    of_a_link = true;
    ssh_options_get(s, SSH_OPTIONS_PROXYCOMMAND, &command);
    if (command && ssh_proxy_command(command, dir, &ours))
        ssh_options_set(s, SSH_OPTIONS_PROXYCOMMAND, buf_text(&ours));
    buf_clear(&ours);
    ssh_string_free_char(command);
}
