/* ssh_auth.c - see ssh_auth.h. */
#include "pgd/io/ssh_auth.h"

#include <libssh/callbacks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/io/ssh.h"

/* A login under way: what the callback for passphrases needs. */
struct login {
    struct ssh_host *host;
    ssh_session session;
    struct ssh_callbacks_struct calls;
    bool cancelled; /* the loop has let the link go, or the DBA gave no word */
    int passphrases;
    bool no_passphrase; /* the DBA gives none: its keys are left aside */
    int denied;         /* words of the DBA that the host did not take, of this factor */
};

/* -- questions ------------------------------------------------------------------------------------ */

/* No command can be run before the link stands. */
static void refuse_order(struct ssh_host *h, const struct ssh_order *o)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = o->req};

    if (o->kind != ORDER_EXEC)
        return;
    err_set(&ev.err, ERR_LOST, "the link to %s does not stand yet", h->host);
    ssh_host_post(h, &ev);
}

/* Waits for the DBA's answer; NULL when there will be none. The caller frees the order. */
static struct ssh_order *ask(struct login *l, enum ssh_ask what, const char *text, bool echo)
{
    struct event ev = {.kind = EV_SSH_ASK, .req = l->host->req, .text = xstrdup(text)};
    struct ssh_order *o;

    ev.len = strlen(text);
    ev.u.ssh.conn = l->host->conn;
    ev.u.ssh.ask = what;
    ev.u.ssh.echo = echo;
    ssh_host_post(l->host, &ev);
    while ((o = ssh_host_next(l->host, true)) != NULL) {
        if (o->kind == ORDER_ANSWER)
            return o;
        bool over = o->kind == ORDER_CLOSE;
        refuse_order(l->host, o);
        ssh_order_free(o);
        if (over)
            break;
    }
    l->cancelled = true;
    return NULL;
}

/* libssh wants the passphrase of a key. */
static int on_passphrase(const char *prompt, char *buf, size_t len, int echo, int verify, void *arg)
{
    struct login *l = arg;
    struct ssh_order *o;
    char *file = NULL, text[600];
    int rc = -1;

    (void)echo;
    (void)verify;
    if (l->cancelled || l->no_passphrase || l->passphrases++ >= SSH_WORDS_MAX)
        return -1;
    ssh_userauth_publickey_auto_get_current_identity(l->session, &file);
    snprintf(text, sizeof text, "%s%.500s", file ? "Passphrase of " : "",
             file     ? file
             : prompt ? prompt
                      : "");
    ssh_string_free_char(file);
    o = ask(l, SSH_ASK_PASSPHRASE, text, false);
    l->no_passphrase = o && !o->text;
    if (o && o->text && o->len < len) {
        memcpy(buf, o->text, o->len + 1);
        rc = 0;
    }
    if (o)
        ssh_order_free(o);
    return rc;
}

/* -- connection ----------------------------------------------------------------------------------- */

/* The name reaches a ProxyCommand's shell: nothing in it may mean something there. */
static bool is_plain(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                ".-_:%[]@+";
    return name[0] && name[0] != '-' && strlen(name) < 256 && name[strspn(name, plain)] == '\0';
}

static bool set_options(struct login *l, struct err *e)
{
    const struct ssh_host *h = l->host;
    long seconds = SSH_CONNECT_S;
    int at_once = 1;

    if (!is_plain(h->host) || (h->user && !is_plain(h->user))) {
        err_set(e, ERR_USAGE, "\"%.80s%s%.80s\" is no name of a host", h->user ? h->user : "",
                h->user ? "@" : "", h->host);
        return err_hint(e, "Letters, digits and . - _ : are allowed.");
    }
    if (h->dir)
        ssh_options_set(l->session, SSH_OPTIONS_SSH_DIR, h->dir);
    ssh_options_set(l->session, SSH_OPTIONS_HOST, h->host);
    if (h->user) /* Match lines look at it */
        ssh_options_set(l->session, SSH_OPTIONS_USER, h->user);
    if (ssh_options_parse_config(l->session, NULL) != 0) {
        err_set(e, ERR_USAGE, "the configuration of ssh cannot be read");
        err_detail(e, "%s", ssh_get_error(l->session));
        return err_hint(e, "Look at %.150s/config.", h->dir ? h->dir : "~/.ssh");
    }
    /* what the command line says goes before that file, which has just set its own */
    if (h->user)
        ssh_options_set(l->session, SSH_OPTIONS_USER, h->user);
    if (h->port && ssh_options_set(l->session, SSH_OPTIONS_PORT_STR, h->port) != SSH_OK) {
        err_set(e, ERR_USAGE, "\"%.20s\" is no port", h->port);
        return err_hint(e, "Give a number from 1 to 65535 with --ssh-port.");
    }
    if (h->key_file)
        ssh_options_set(l->session, SSH_OPTIONS_ADD_IDENTITY, h->key_file);
    ssh_options_set(l->session, SSH_OPTIONS_TIMEOUT, &seconds);
    ssh_options_set(l->session, SSH_OPTIONS_NODELAY, &at_once);
    ssh_proxy_prepare(l->session, h->dir);
    l->calls.auth_function = on_passphrase;
    l->calls.userdata = l;
    ssh_callbacks_init(&l->calls);
    ssh_set_callbacks(l->session, &l->calls);
    return true;
}

static bool connect_host(struct login *l, struct err *e)
{
    char *proxy = NULL;

    if (ssh_connect(l->session) == SSH_OK)
        return true;
    err_set(e, ERR_CONNECT, "cannot connect to %.180s by ssh", l->host->host);
    ssh_options_get(l->session, SSH_OPTIONS_PROXYCOMMAND, &proxy);
    if (proxy) {
        err_detail(e, "%.100s. It goes through: %.300s.", ssh_get_error(l->session),
                   strncmp(proxy, "exec ", 5) == 0 ? proxy + 5 : proxy);
        ssh_string_free_char(proxy);
        return err_hint(e,
                        "Nobody is asked anything on that way: \"ssh -o BatchMode=yes %.100s "
                        "true\" must work.",
                        l->host->host);
    }
    err_detail(e, "%s.", ssh_get_error(l->session));
    return err_hint(
        e, "Check --ssh-host and --ssh-port, that sshd runs there, and that \"ssh %.100s\" works.",
        l->host->host);
}

/* -- the host's key ------------------------------------------------------------------------------- */

/* The first line of known_hosts that names this host; 0 = none was found. */
static int known_line(const char *path, const char *host)
{
    char line[8192];
    int number = 0, found = 0;
    FILE *f = fopen(path, "re");

    while (f && !found && fgets(line, sizeof line, f)) {
        struct ssh_knownhosts_entry *entry = NULL;
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] && line[0] != '#' && ssh_known_hosts_parse_line(host, line, &entry) == SSH_OK)
            found = number;
        if (entry)
            ssh_knownhosts_entry_free(entry);
    }
    if (f)
        fclose(f);
    return found;
}

/* As known_hosts names it. */
static void known_name(struct login *l, char *dst, size_t size)
{
    char *host = NULL;
    unsigned port = 22;

    ssh_options_get(l->session, SSH_OPTIONS_HOST, &host);
    ssh_options_get_port(l->session, &port);
    snprintf(dst, size, port == 22 ? "%.250s" : "[%.250s]:%u", host ? host : l->host->host, port);
    ssh_string_free_char(host);
}

static bool refuse_changed(struct login *l, const char *fingerprint, struct err *e)
{
    char *path = NULL, name[300];
    int line = 0;

    ssh_options_get(l->session, SSH_OPTIONS_KNOWNHOSTS, &path);
    known_name(l, name, sizeof name);
    if (path)
        line = known_line(path, name);
    err_set(e, ERR_REFUSED, "the key of host %.180s has changed", l->host->host);
    err_detail(e,
               "It shows %.100s, and another one is known (%.200s, line %d). Somebody may stand "
               "between, or the host was "
               "set up anew.",
               fingerprint, path ? path : "known_hosts", line);
    err_hint(e,
             "Ask who runs the host; if it is right, remove the old line: ssh-keygen -R '%.150s'",
             name);
    ssh_string_free_char(path);
    return false;
}

static bool refuse_unknown(struct login *l, const char *fingerprint, bool strict, struct err *e)
{
    char *path = NULL, *host = NULL;
    unsigned port = 22;

    ssh_options_get(l->session, SSH_OPTIONS_KNOWNHOSTS, &path);
    ssh_options_get(l->session, SSH_OPTIONS_HOST, &host);
    ssh_options_get_port(l->session, &port);
    err_set(e, l->cancelled ? ERR_CANCELLED : ERR_REFUSED,
            strict ? "the key of host %.180s is not known"
                   : "the key of host %.180s was not accepted",
            l->host->host);
    err_detail(e, "It shows %.120s, and %.250s has no key of it%s.", fingerprint,
               path ? path : "known_hosts", strict ? " (StrictHostKeyChecking is yes)" : "");
    err_hint(e,
             "If that is its key: ssh-keyscan -p %u %.80s >>%.100s, or log in there once with ssh.",
             port, host ? host : l->host->host, path ? path : "~/.ssh/known_hosts");
    ssh_string_free_char(path);
    ssh_string_free_char(host);
    return false;
}

static bool ask_host_key(struct login *l, const char *fingerprint, struct err *e)
{
    char strict[16];
    struct ssh_order *o;
    bool yes;

    ssh_auth_config(l->host->dir, l->host->host, "StrictHostKeyChecking", strict, sizeof strict);
    if (strcasecmp(strict, "yes") == 0)
        return refuse_unknown(l, fingerprint, true, e);
    yes = strcasecmp(strict, "no") == 0 || strcasecmp(strict, "accept-new") == 0;
    if (!yes) {
        o = ask(l, SSH_ASK_HOST_KEY, fingerprint, true);
        yes = o && o->yes;
        if (o)
            ssh_order_free(o);
    }
    if (!yes)
        return refuse_unknown(l, fingerprint, false, e);
    if (ssh_session_update_known_hosts(l->session) != SSH_OK)
        log_line(LOG_WARN, "the key of host %s was not kept: %s", l->host->host,
                 ssh_get_error(l->session));
    return true;
}

/* "ssh-ed25519 SHA256:…" */
static bool fingerprint_of(ssh_session s, char *dst, size_t size)
{
    ssh_key key = NULL;
    unsigned char *hash = NULL;
    size_t len = 0;
    char *text;
    bool done = false;

    if (ssh_get_server_publickey(s, &key) != SSH_OK)
        return false;
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == 0) {
        text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
        snprintf(dst, size, "%s %s", ssh_key_type_to_char(ssh_key_type(key)), text ? text : "");
        ssh_string_free_char(text);
        ssh_clean_pubkey_hash(&hash);
        done = true;
    }
    ssh_key_free(key);
    return done;
}

static bool check_host_key(struct login *l, struct err *e)
{
    char fingerprint[160] = "";

    if (!fingerprint_of(l->session, fingerprint, sizeof fingerprint)) {
        err_set(e, ERR_CONNECT, "host %.180s shows no key", l->host->host);
        return err_detail(e, "%s.", ssh_get_error(l->session));
    }
    switch (ssh_session_is_known_server(l->session)) {
    case SSH_KNOWN_HOSTS_OK:
        return true;
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
        return refuse_changed(l, fingerprint, e);
    case SSH_KNOWN_HOSTS_NOT_FOUND:
    case SSH_KNOWN_HOSTS_UNKNOWN:
        return ask_host_key(l, fingerprint, e);
    case SSH_KNOWN_HOSTS_ERROR:
        break;
    }
    err_set(e, ERR_CONNECT, "known_hosts cannot be read");
    err_detail(e, "%s.", ssh_get_error(l->session));
    return err_hint(e, "Look at %.150s/known_hosts.", l->host->dir ? l->host->dir : "~/.ssh");
}

/* -- authentication ------------------------------------------------------------------------------- */

static int by_password(struct login *l)
{
    char prompt[300];
    int rc = SSH_AUTH_DENIED;

    snprintf(prompt, sizeof prompt, "%.200s", l->host->host);
    while (l->denied < SSH_WORDS_MAX && rc == SSH_AUTH_DENIED && !l->cancelled) {
        struct ssh_order *o = ask(l, SSH_ASK_PASSWORD, prompt, false);
        if (!o || !o->text)
            l->cancelled = true;
        else
            rc = ssh_userauth_password(l->session, NULL, o->text);
        l->denied += rc == SSH_AUTH_DENIED;
        if (o)
            ssh_order_free(o);
    }
    return rc;
}

/* One round of questions of the host; each is asked as it is put. Returns how many there were. */
static int answer_prompts(struct login *l)
{
    int n = ssh_userauth_kbdint_getnprompts(l->session);

    for (int i = 0; i < n && !l->cancelled; i++) {
        char echo = 0, text[512];
        const char *name = ssh_userauth_kbdint_getname(l->session);
        const char *prompt = ssh_userauth_kbdint_getprompt(l->session, (unsigned)i, &echo);
        struct ssh_order *o;
        snprintf(text, sizeof text, "%.200s%s%.250s", name ? name : "", name && *name ? ": " : "",
                 prompt ? prompt : "");
        o = ask(l, SSH_ASK_PROMPT, text, echo != 0);
        if (!o || !o->text)
            l->cancelled = true;
        else
            ssh_userauth_kbdint_setanswer(l->session, (unsigned)i, o->text);
        if (o)
            ssh_order_free(o);
    }
    return n > 0 ? n : 0;
}

static int by_prompts(struct login *l)
{
    int rc = SSH_AUTH_DENIED;

    while (l->denied < SSH_WORDS_MAX && rc == SSH_AUTH_DENIED && !l->cancelled) {
        int asked = 0;
        rc = ssh_userauth_kbdint(l->session, NULL, NULL);
        for (int rounds = 0; rc == SSH_AUTH_INFO && rounds < 10 && !l->cancelled; rounds++) {
            asked += answer_prompts(l);
            if (!l->cancelled)
                rc = ssh_userauth_kbdint(l->session, NULL, NULL);
        }
        if (asked == 0)
            break; /* it only says that it could */
        l->denied += rc == SSH_AUTH_DENIED;
    }
    return rc;
}

/* The agent's keys first. A wrong passphrase makes libssh leave the key aside: the DBA may try again. */
static int by_key(struct login *l)
{
    int rc, asked;

    do {
        asked = l->passphrases;
        rc = ssh_userauth_publickey_auto(l->session, NULL, NULL);
    } while (rc == SSH_AUTH_DENIED && l->passphrases > asked && l->passphrases < SSH_WORDS_MAX &&
             !l->cancelled && !l->no_passphrase);
    return rc;
}

static const struct {
    int method;
    const char *name;
} methods[] = {
    {SSH_AUTH_METHOD_PUBLICKEY, "publickey"},
    {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
    {SSH_AUTH_METHOD_PASSWORD, "password"},
};

static int by(struct login *l, int method)
{
    switch (method) {
    case SSH_AUTH_METHOD_PUBLICKEY:
        return by_key(l);
    case SSH_AUTH_METHOD_INTERACTIVE:
        return by_prompts(l);
    default:
        return by_password(l);
    }
}

static bool refused(struct login *l, int offered, struct err *e)
{
    struct buf list = {0};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (offered & methods[i].method)
            buf_printf(&list, "%s%s", list.len ? ", " : "", methods[i].name);
    if (l->denied > 0 && !l->cancelled) {
        err_set(e, ERR_PASSWORD, "%.180s took none of the words that were typed", l->host->host);
        err_detail(e, "It takes: %s. %d were tried, and it is not tried any more by itself.",
                   buf_text(&list), l->denied);
        buf_clear(&list);
        return err_hint(e, "/ssh retry asks again; many wrong words may lock the account there.");
    }
    err_set(e, l->cancelled ? ERR_CANCELLED : ERR_PASSWORD,
            "%.180s lets nobody in with what we have", l->host->host);
    err_detail(e, "It takes: %s. %s", list.len ? buf_text(&list) : "nothing that is known",
               ssh_get_error(l->session));
    err_hint(e, "Check --ssh-user and --ssh-key, or load the key into the agent with ssh-add.");
    buf_clear(&list);
    return false;
}

/* The connection went while it was being set up. Unless the host has had enough of wrong words or keys, it is worth another try: its
 * patience with who thinks about a password is short. */
static bool lost(struct login *l, int offered, struct err *e)
{
    const char *why = ssh_get_error(l->session);

    if (l->denied > 0 || l->cancelled)
        return refused(l, offered, e);
    if (strstr(why, "Too many authentication failures")) {
        (void)refused(l, offered, e);
        return err_hint(e, "The agent offers more keys than it lets one try: name the right one in "
                           "~/.ssh/config (IdentityFile), or take some out with ssh-add -d.");
    }
    err_set(e, ERR_LOST, "%.180s closed the connection during the log-in", l->host->host);
    return err_detail(e, "%s.", why);
}

static bool authenticate(struct login *l, struct err *e)
{
    int rc = ssh_userauth_none(l->session, NULL), offered = 0;

    for (int factors = 0; factors < 3 && rc != SSH_AUTH_SUCCESS; factors++) {
        bool partial = false;
        offered = ssh_userauth_list(l->session, NULL);
        for (size_t i = 0; i < ARRAY_LEN(methods) && !partial && !l->cancelled; i++) {
            if (!(offered & methods[i].method))
                continue;
            rc = by(l, methods[i].method);
            if (rc == SSH_AUTH_SUCCESS)
                return true;
            partial = rc == SSH_AUTH_PARTIAL; /* it wants another one besides */
            if (partial)
                l->denied = 0;
            if (rc == SSH_AUTH_ERROR && !ssh_is_connected(l->session))
                return lost(l, offered, e);
        }
        if (!partial)
            break;
    }
    return rc == SSH_AUTH_SUCCESS || refused(l, offered, e);
}

/* ------------------------------------------------------------------------------------------------- */

ssh_session ssh_auth_login(struct ssh_host *h, struct buf *banner, struct err *e)
{
    struct login l = {.host = h, .session = ssh_new()};
    char *said;
    bool done;

    if (!l.session)
        die("libssh is out of memory");
    done = set_options(&l, e) && connect_host(&l, e) && check_host_key(&l, e) &&
           authenticate(&l, e);
    said = done ? ssh_get_issue_banner(l.session) : NULL;
    if (said)
        buf_append(banner, said, strnlen(said, 4000));
    ssh_string_free_char(said);
    if (done) {
        ssh_set_callbacks(l.session, NULL);
        return l.session;
    }
    ssh_disconnect(l.session);
    ssh_free(l.session);
    return NULL;
}
