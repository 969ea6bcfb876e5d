/* Building, printing and freeing effects. */
#include "pgd/base/effect.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"

struct effect *effects_add(struct effects *fx, enum effect_kind kind, struct req req)
{
    fx->items = xgrow(fx->items, &fx->cap, fx->n + 1, sizeof *fx->items);
    struct effect *e = &fx->items[fx->n++];
    memset(e, 0, sizeof *e);
    e->kind = kind;
    e->req = req;
    return e;
}

static void set_text(struct effect *e, const char *text)
{
    e->text = xstrdup(text);
    e->len = strlen(text);
}

struct effect *fx_sql(struct effects *fx, struct req req, enum pg_conn conn, const char *sql,
                      int ms)
{
    struct effect *e = effects_add(fx, FX_PG_QUERY, req);
    set_text(e, sql);
    e->ms = ms;
    e->u.pg.conn = conn;
    return e;
}

void fx_several(struct effects *fx)
{
    struct effect *e = fx->n ? &fx->items[fx->n - 1] : NULL;

    if (e && e->kind == FX_PG_QUERY)
        e->u.pg.several = true;
}

static size_t list_len(char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

struct effect *fx_child(struct effects *fx, struct req req, const char *const *argv, unsigned flags)
{
    struct effect *e = effects_add(fx, FX_CHILD, req);
    size_t n = 0;
    while (argv[n])
        n++;
    e->u.child.argv = xcalloc(n + 1, sizeof *e->u.child.argv);
    for (size_t i = 0; i < n; i++)
        e->u.child.argv[i] = xstrdup(argv[i]);
    e->u.child.flags = flags;
    return e;
}

static void list_add(char ***list, char *item)
{
    size_t n = list_len(*list);
    *list = xrealloc(*list, (n + 2) * sizeof **list);
    (*list)[n] = item;
    (*list)[n + 1] = NULL;
}

void fx_child_env(struct effect *e, const char *name, const char *value)
{
    struct buf pair = {0};
    buf_puts(&pair, name);
    if (value)
        buf_printf(&pair, "=%s", value);
    list_add(&e->u.child.env, buf_take(&pair));
}

struct effect *fx_file(struct effects *fx, struct req req, enum file_op op, const char *path)
{
    struct effect *e = effects_add(fx, FX_FILE, req);
    e->u.file.op = op;
    e->u.file.path = xstrdup(path);
    return e;
}

struct effect *fx_http(struct effects *fx, struct req req, const char *url, const char *body,
                       size_t len)
{
    struct effect *e = effects_add(fx, FX_HTTP, req);
    e->u.http.url = xstrdup(url);
    if (body) {
        e->text = xstrndup(body, len);
        e->len = len;
    }
    return e;
}

void fx_http_header(struct effect *e, const char *name, const char *value)
{
    struct buf line = {0};
    buf_printf(&line, "%s: %s", name, value);
    list_add(&e->u.http.headers, buf_take(&line));
}

struct effect *fx_timer(struct effects *fx, struct req req, int ms)
{
    struct effect *e = effects_add(fx, FX_TIMER, req);
    e->ms = ms;
    return e;
}

struct effect *fx_line(struct effects *fx, enum effect_kind kind, const char *text)
{
    struct effect *e = effects_add(fx, kind, (struct req){0});
    set_text(e, text);
    return e;
}

static const char *const conns[CONN_COUNT] = {
    [CONN_CONTROL] = "control", [CONN_TELEMETRY] = "telemetry", [CONN_QUESTIONS] = "questions",
    [CONN_BENCH] = "bench",     [CONN_FACTS] = "facts",         [CONN_VIEWS] = "views",
    [CONN_PLAN] = "plan",
};

static const char *const ops[] = {
    [FILE_SAVE] = "save",           [FILE_APPEND] = "append", [FILE_READ] = "read",
    [FILE_READ_MANY] = "read_many", [FILE_LIST] = "list",     [FILE_MKDIR] = "mkdir",
    [FILE_LOCK] = "lock",           [FILE_REMOVE] = "remove", [FILE_REMOVE_TREE] = "remove_tree",
    [FILE_SPACE] = "space",         [FILE_SWEEP] = "sweep",
};

/* A value of this name is not shown: it is a secret that came in by itself instead of by handle. */
static bool name_is_secret(const char *name, size_t len)
{
    static const char *const parts[] = {"password", "passwd", "secret", "token", "key"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t n = strlen(parts[i]);
        if (len >= n && strncasecmp(name + len - n, parts[i], n) == 0)
            return true;
    }
    return false;
}

static void print_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:=,@%+";
    buf_putc(out, ' ');
    if (*word && word[strspn(word, plain)] == '\0')
        buf_puts(out, word);
    else
        quote_shell(out, word);
}

static void print_pg(const struct effect *e, struct buf *out)
{
    bool known = (size_t)e->u.pg.conn < ARRAY_LEN(conns);
    buf_printf(out, " %s", known ? conns[e->u.pg.conn] : "unknown");
    size_t n = list_len(e->u.pg.keys);
    for (size_t i = 0; e->u.pg.values && i < n && e->u.pg.values[i]; i++) {
        const char *key = e->u.pg.keys[i];
        bool hide = name_is_secret(key, strlen(key)) && strcmp(key, "sslkey") != 0;
        buf_printf(out, " %s=", key);
        quote_conninfo(out, hide ? "***" : e->u.pg.values[i]);
    }
    if (e->u.pg.password)
        buf_puts(out, " password=***");
}

static void print_child(const struct effect *e, struct buf *out)
{
    for (size_t i = 0; e->u.child.env && e->u.child.env[i]; i++) {
        const char *pair = e->u.child.env[i];
        size_t name = strcspn(pair, "=");
        if (name_is_secret(pair, name))
            buf_printf(out, " %.*s=***", (int)name, pair);
        else
            print_word(out, pair);
    }
    for (size_t i = 0; e->u.child.argv && e->u.child.argv[i]; i++)
        print_word(out, e->u.child.argv[i]);
    if (e->u.child.run_as)
        buf_printf(out, " (as %s)", e->u.child.run_as);
    if (e->u.child.cwd)
        buf_printf(out, " (in %s)", e->u.child.cwd);
    if (e->u.child.stdin_text)
        buf_printf(out, " (stdin %zu bytes)", strlen(e->u.child.stdin_text));
    if (e->u.child.flags & CHILD_COLLECT)
        buf_puts(out, " (collect)");
    if (e->u.child.flags & CHILD_DETACHED)
        buf_puts(out, " (detached)");
    if (e->u.child.flags & CHILD_DIES_WITH_US)
        buf_puts(out, " (dies with us)");
    if (e->u.child.flags & CHILD_REMOTE)
        buf_puts(out,
                 e->u.child.ssh == SSH_BENCH ? " (on the bench host)" : " (on the server's host)");
    if (e->u.child.pgpass)
        buf_puts(out, " (pgpass ***)");
}

static void print_file(const struct effect *e, struct buf *out)
{
    bool known = (size_t)e->u.file.op < ARRAY_LEN(ops);
    buf_printf(out, " %s", known ? ops[e->u.file.op] : "unknown");
    print_word(out, e->u.file.path ? e->u.file.path : "");
    if (e->u.file.op == FILE_SAVE || e->u.file.op == FILE_APPEND)
        buf_printf(out, " %zu bytes", e->len);
    if (e->u.file.journal_no)
        buf_printf(out, " journal=%llu", (unsigned long long)e->u.file.journal_no);
    if (e->u.file.max_bytes)
        buf_printf(out, " at most %zu bytes", e->u.file.max_bytes);
    if (e->u.file.digest)
        buf_puts(out, " digest");
    if (e->u.file.digest_arg)
        print_word(out, e->u.file.digest_arg);
}

static void print_http(const struct effect *e, struct buf *out)
{
    print_word(out, e->u.http.url ? e->u.http.url : "");
    for (size_t i = 0; e->u.http.headers && e->u.http.headers[i]; i++) {
        buf_puts(out, " -H");
        print_word(out, e->u.http.headers[i]);
    }
    if (e->u.http.key_header)
        buf_puts(out, " (key ***)");
    if (e->text)
        buf_printf(out, " body %zu bytes", e->len);
}

static void print_ssh(const struct effect *e, struct buf *out)
{
    const char *const words[] = {e->u.ssh.user, e->u.ssh.host, e->u.ssh.port, e->u.ssh.key_file};

    buf_puts(out, e->u.ssh.conn == SSH_BENCH ? " bench" : " server");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i])
            print_word(out, words[i]);
    if (e->u.ssh.yes)
        buf_puts(out, " yes");
    if (e->u.ssh.word)
        buf_puts(out, " (word ***)");
}

static void print_raw(const struct effect *e, struct buf *out)
{
    buf_printf(out, "%s %s/%u/%u", effect_kind_name(e->kind), owner_name(e->req.owner),
               e->req.generation, e->req.id);
    if (e->changes_server)
        buf_puts(out, " changes_server");
    if (e->after_journal)
        buf_printf(out, " after_journal=%llu", (unsigned long long)e->after_journal);
    if (e->ms)
        buf_printf(out, " %d ms", e->ms);
    switch (e->kind) {
    case FX_PG_CONNECT:
    case FX_PG_QUERY:
    case FX_PG_CANCEL:
    case FX_PG_CLOSE:
        print_pg(e, out);
        break;
    case FX_CHILD:
        print_child(e, out);
        break;
    case FX_FILE:
        print_file(e, out);
        return; /* its text is the file's content */
    case FX_SSH_OPEN:
    case FX_SSH_ANSWER:
    case FX_SSH_CLOSE:
        print_ssh(e, out);
        break;
    case FX_CHILD_INPUT:
        buf_printf(out, " %zu bytes", e->len);
        return; /* it may be a password's line */
    case FX_HTTP:
        print_http(e, out);
        return; /* its text is the body */
    case FX_QUIT:
        buf_printf(out, " exit %d", e->exit_code);
        break;
    case FX_NONE:
    case FX_CHILD_KILL:
    case FX_TIMER:
    case FX_TIMER_STOP:
    case FX_HTTP_CANCEL:
    case FX_STDOUT:
    case FX_STDERR:
    case FX_SUSPEND:
    case FX_REDRAW:
    case FX_BELL:
    case FX_COPY:
        break;
    }
    if (e->text)
        buf_printf(out, ": %s", e->text);
}

void effect_text(const struct effect *e, struct buf *out)
{
    struct buf raw = {0};
    print_raw(e, &raw);
    secret_redact(raw.data);
    /* A byte becomes three at the most: U+FFFD. */
    size_t size = raw.len * 3 + 1;
    char *line = xmalloc(size);
    text_copy(line, size, raw.data);
    buf_puts(out, line);
    free(line);
    buf_clear(&raw);
}

/* Which member of the union an effect of this kind has. */
enum payload { PAYLOAD_NONE, PAYLOAD_PG, PAYLOAD_CHILD, PAYLOAD_FILE, PAYLOAD_HTTP, PAYLOAD_SSH };

static enum payload payload_of(enum effect_kind kind)
{
    switch (kind) {
    case FX_PG_CONNECT:
    case FX_PG_QUERY:
    case FX_PG_CANCEL:
    case FX_PG_CLOSE:
        return PAYLOAD_PG;
    case FX_CHILD:
    case FX_CHILD_KILL:
    case FX_CHILD_INPUT:
        return PAYLOAD_CHILD;
    case FX_SSH_OPEN:
    case FX_SSH_ANSWER:
    case FX_SSH_CLOSE:
        return PAYLOAD_SSH;
    case FX_FILE:
        return PAYLOAD_FILE;
    case FX_HTTP:
        return PAYLOAD_HTTP;
    case FX_HTTP_CANCEL:
    case FX_NONE:
    case FX_TIMER:
    case FX_TIMER_STOP:
    case FX_STDOUT:
    case FX_STDERR:
    case FX_SUSPEND:
    case FX_REDRAW:
    case FX_BELL:
    case FX_COPY:
    case FX_QUIT:
        break;
    }
    return PAYLOAD_NONE;
}

static char *copy_text(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

/* n texts, of which some may be NULL, and a NULL behind them. */
static char **copy_list(char *const *list, size_t n)
{
    if (!list)
        return NULL;
    char **copy = xcalloc(n + 1, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = copy_text(list[i]);
    return copy;
}

struct effect effect_copy(const struct effect *e)
{
    struct effect c = *e;
    if (e->text) {
        c.text = xmalloc(e->len + 1);
        memcpy(c.text, e->text, e->len);
        c.text[e->len] = '\0';
    }
    switch (payload_of(e->kind)) {
    case PAYLOAD_PG:
        c.u.pg.keys = copy_list(e->u.pg.keys, list_len(e->u.pg.keys));
        c.u.pg.values = copy_list(e->u.pg.values, list_len(e->u.pg.keys));
        break;
    case PAYLOAD_CHILD:
        c.u.child.argv = copy_list(e->u.child.argv, list_len(e->u.child.argv));
        c.u.child.env = copy_list(e->u.child.env, list_len(e->u.child.env));
        c.u.child.run_as = copy_text(e->u.child.run_as);
        c.u.child.stdin_text = copy_text(e->u.child.stdin_text);
        c.u.child.cwd = copy_text(e->u.child.cwd);
        break;
    case PAYLOAD_FILE:
        c.u.file.path = copy_text(e->u.file.path);
        c.u.file.digest_arg = copy_text(e->u.file.digest_arg);
        break;
    case PAYLOAD_HTTP:
        c.u.http.url = copy_text(e->u.http.url);
        c.u.http.headers = copy_list(e->u.http.headers, list_len(e->u.http.headers));
        c.u.http.key_header = copy_text(e->u.http.key_header);
        break;
    case PAYLOAD_SSH:
        c.u.ssh.host = copy_text(e->u.ssh.host);
        c.u.ssh.user = copy_text(e->u.ssh.user);
        c.u.ssh.port = copy_text(e->u.ssh.port);
        c.u.ssh.key_file = copy_text(e->u.ssh.key_file);
        c.u.ssh.dir = copy_text(e->u.ssh.dir);
        break;
    case PAYLOAD_NONE:
        break;
    }
    return c;
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

/* Values may be fewer than keys where NULL stands for "not set", so their number is that of the
 * keys. */
static void free_pg(struct effect *e)
{
    size_t n = list_len(e->u.pg.keys);
    for (size_t i = 0; e->u.pg.values && i < n; i++)
        free(e->u.pg.values[i]);
    free(e->u.pg.values);
    free_list(e->u.pg.keys);
}

void effect_clear(struct effect *e)
{
    switch (payload_of(e->kind)) {
    case PAYLOAD_PG:
        free_pg(e);
        break;
    case PAYLOAD_CHILD:
        free_list(e->u.child.argv);
        free_list(e->u.child.env);
        free(e->u.child.run_as);
        free(e->u.child.stdin_text);
        free(e->u.child.cwd);
        break;
    case PAYLOAD_FILE:
        free(e->u.file.path);
        free(e->u.file.digest_arg);
        break;
    case PAYLOAD_HTTP:
        free(e->u.http.url);
        free_list(e->u.http.headers);
        free(e->u.http.key_header);
        break;
    case PAYLOAD_SSH:
        free(e->u.ssh.host);
        free(e->u.ssh.user);
        free(e->u.ssh.port);
        free(e->u.ssh.key_file);
        free(e->u.ssh.dir);
        break;
    case PAYLOAD_NONE:
        break;
    }
    free(e->text);
    memset(e, 0, sizeof *e);
}

void effects_clear(struct effects *fx)
{
    for (size_t i = 0; i < fx->n; i++)
        effect_clear(&fx->items[i]);
    free(fx->items);
    *fx = (struct effects){0};
}

static const char *const kinds[] = {
    [FX_NONE] = "none",
    [FX_PG_CONNECT] = "pg_connect",
    [FX_PG_QUERY] = "pg_query",
    [FX_PG_CANCEL] = "pg_cancel",
    [FX_PG_CLOSE] = "pg_close",
    [FX_CHILD] = "child",
    [FX_CHILD_KILL] = "child_kill",
    [FX_FILE] = "file",
    [FX_TIMER] = "timer",
    [FX_TIMER_STOP] = "timer_stop",
    [FX_SSH_OPEN] = "ssh_open",
    [FX_SSH_ANSWER] = "ssh_answer",
    [FX_SSH_CLOSE] = "ssh_close",
    [FX_CHILD_INPUT] = "child_input",
    [FX_HTTP] = "http",
    [FX_HTTP_CANCEL] = "http_cancel",
    [FX_STDOUT] = "stdout",
    [FX_STDERR] = "stderr",
    [FX_SUSPEND] = "suspend",
    [FX_REDRAW] = "redraw",
    [FX_BELL] = "bell",
    [FX_COPY] = "copy",
    [FX_QUIT] = "quit",
};

const char *effect_kind_name(enum effect_kind kind)
{
    return (size_t)kind < ARRAY_LEN(kinds) ? kinds[kind] : "unknown";
}
