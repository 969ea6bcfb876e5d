/* cli_host.c - see cli_host.h. */
#include "pgd/app/cli_host.h"

#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool invalid(const char *flag, const char *text, const char *why, struct err *e)
{
    err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --%s", text, flag);
    err_detail(e, "%s", why);
    return err_hint(e, "Give HOST, USER@HOST or USER@HOST:PORT; what else the way there needs "
                       "stands in ~/.ssh/config.");
}

/* A piece of text of those characters alone that no program takes for a flag. */
static bool plain(const char *s, size_t len, const char *allowed, char *dst, size_t size)
{
    if (len == 0 || len >= size || s[0] == '-')
        return false;
    memcpy(dst, s, len);
    dst[len] = '\0';
    return dst[strspn(dst, allowed)] == '\0';
}

static bool port_fits(const char *s, char *dst, size_t size)
{
    int64_t port;

    return s[strspn(s, "0123456789")] == '\0' && text_int64(s, &port) && port >= 1 &&
           port <= 65535 && text_copy(dst, size, s);
}

bool cli_host_parse(const char *flag, const char *text, struct cli_host *out, struct err *e)
{
    const char *at = strrchr(text, '@'), *host = at ? at + 1 : text, *port = NULL, *end;
    bool is_address = false;

    memset(out, 0, sizeof *out);
    if (at && !plain(text, (size_t)(at - text), LETTERS ".-_+@", out->user, sizeof out->user))
        return invalid(flag, text,
                       "A user's name has letters, digits and . - _ + only, and does "
                       "not begin with -.",
                       e);
    end = host + strlen(host);
    if (*host == '[') { /* [address] or [address]:port */
        const char *close = strchr(++host, ']');
        if (!close || (close[1] && close[1] != ':'))
            return invalid(flag, text, "After [ an address, ] and perhaps :PORT are expected.", e);
        port = close[1] ? close + 2 : NULL;
        end = close;
        is_address = true;
    } else if (strchr(host, ':') && strchr(host, ':') == strrchr(host, ':')) {
        end = strchr(host, ':');
        port = end + 1;
    } else {
        is_address = strchr(host, ':') != NULL;
    }
    if (!plain(host, (size_t)(end - host), is_address ? LETTERS ".-_:%" : LETTERS ".-_", out->host,
               sizeof out->host))
        return invalid(flag, text,
                       "A host's name has letters, digits and . - _ only, and does not "
                       "begin with -; an IPv6 address with a port stands in brackets.",
                       e);
    if (port && !port_fits(port, out->port, sizeof out->port))
        return invalid(flag, text, "A port is a number from 1 to 65535.", e);
    return true;
}

bool cli_host_user(const char *flag, const char *text, char *dst, size_t size, struct err *e)
{
    if (plain(text, strlen(text), LETTERS ".-_+@", dst, size))
        return true;
    err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --%s", text, flag);
    err_detail(e, "A user's name has letters, digits and . - _ + @ only, and does not begin with "
                  "-.");
    return err_hint(e, "Give the user's name on that host, or leave it to ~/.ssh/config.");
}

/* A flag and the same thing within --ssh-host. */
static bool agree(char *flag_value, size_t size, const char *within, const char *flag,
                  struct err *e)
{
    if (!within[0])
        return true;
    if (flag_value[0] && strcmp(flag_value, within) != 0) {
        err_set(e, ERR_USAGE, "--ssh-host and --%s contradict each other", flag);
        err_detail(e, "The one says %.80s and the other %.80s.", within, flag_value);
        return err_hint(e, "Leave one of them out.");
    }
    return text_copy(flag_value, size, within);
}

/* Who names no database server means the one on that host. A connection string is taken as it is. */
static void take_server_host(struct options *o)
{
    struct connect_params *c = &o->connect;

    for (int i = 0; i < c->n; i++)
        if (strcmp(c->keys[i], "host") == 0 ||
            (strcmp(c->keys[i], "dbname") == 0 &&
             (strchr(c->values[i], '=') || strstr(c->values[i], "://"))))
            return;
    if (c->n == CONNINFO_MAX)
        return;
    text_copy_raw(c->keys[c->n], sizeof c->keys[0], "host");
    text_copy_raw(c->values[c->n], sizeof c->values[0], o->ssh_host);
    c->n++;
    o->has_target = o->host_from_ssh = true;
}

bool cli_host_finish(struct options *o, const char *user_home, bool server_named, struct err *e)
{
    struct cli_host h;
    const char *alone = o->ssh_user[0]   ? "ssh-user"
                        : o->ssh_port[0] ? "ssh-port"
                        : o->ssh_key[0]  ? "ssh-key"
                                         : NULL;

    if (alone && !o->ssh_host[0] && !o->bench_host[0]) {
        err_set(e, ERR_USAGE, "--%s needs --ssh-host", alone);
        err_detail(e, "It says how to reach the server's host, and no host is named.");
        return err_hint(e, "Add --ssh-host HOST.");
    }
    if (user_home && *user_home) {
        struct buf dir = {0};
        buf_printf(&dir, "%s/.ssh", user_home);
        text_copy_raw(o->ssh_dir, sizeof o->ssh_dir, buf_text(&dir));
        buf_clear(&dir);
    }
    if (o->bench_host[0]) {
        if (!cli_host_parse("bench-host", o->bench_host, &h, e))
            return false;
        text_copy_raw(o->bench_host, sizeof o->bench_host, h.host);
        text_copy_raw(o->bench_user, sizeof o->bench_user, h.user);
        text_copy_raw(o->bench_port, sizeof o->bench_port, h.port);
    }
    if (!o->ssh_host[0])
        return true;
    if (!cli_host_parse("ssh-host", o->ssh_host, &h, e) ||
        !agree(o->ssh_user, sizeof o->ssh_user, h.user, "ssh-user", e) ||
        !agree(o->ssh_port, sizeof o->ssh_port, h.port, "ssh-port", e))
        return false;
    text_copy_raw(o->ssh_host, sizeof o->ssh_host, h.host);
    if (!server_named)
        take_server_host(o);
    return true;
}
