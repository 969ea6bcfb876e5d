/* kill_at.c - see kill_at.h. A boundary is an effect, known by its contents, and a moment in its life. */
#include "pgd/app/kill_at.h"

#ifdef PGD_TEST_BUILD

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"

enum moment {
    BEFORE,  /* about to be carried out */
    SENT,    /* handed to io: the statement is on its way, the file is being written */
    STARTED, /* the program runs */
    ANSWERED /* the answer is there and nobody has looked at it */
};

static bool begins(const char *text, const char *with)
{
    return text && strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t n = text ? strlen(text) : 0, m = strlen(with);

    return n >= m && strcmp(text + n - m, with) == 0;
}

static bool appends(const struct effect *e, const char *record)
{
    return e->kind == FX_FILE && e->u.file.op == FILE_APPEND && begins(e->text, record);
}

static bool is_intent(const struct effect *e)
{
    return appends(e, "{\"event\":\"intent\"");
}

static bool is_result(const struct effect *e)
{
    return appends(e, "{\"event\":\"applied\"") || appends(e, "{\"event\":\"undone\"");
}

static bool is_alter(const struct effect *e)
{
    return e->kind == FX_PG_QUERY && begins(e->text, "ALTER SYSTEM");
}

static bool is_reload(const struct effect *e)
{
    return e->kind == FX_PG_QUERY && begins(e->text, "SELECT pg_catalog.pg_reload_conf()");
}

static bool is_restart(const struct effect *e)
{
    return e->kind == FX_CHILD && e->req.owner == OWNER_APPLY &&
           (e->u.child.flags & CHILD_DETACHED);
}

/* A script with these words is run: here it is read from the input, over ssh it is a word of the command. */
static bool runs_script(const struct effect *e, const char *words)
{
    if (e->u.child.stdin_text && strstr(e->u.child.stdin_text, words))
        return true;
    for (char *const *argv = e->u.child.argv; argv && *argv; argv++)
        if (strstr(*argv, words))
            return true;
    return false;
}

/* The start found a server that a killed restart had left down. */
static bool is_rescue(const struct effect *e)
{
    return e->kind == FX_CHILD && e->req.owner == OWNER_FLOW &&
           runs_script(e, "Stop, restore, start");
}

static bool is_canary(const struct effect *e)
{
    return e->kind == FX_CHILD && e->req.owner == OWNER_APPLY &&
           runs_script(e, "Boots a scratch cluster");
}

static bool is_verify(const struct effect *e)
{
    return e->kind == FX_PG_QUERY && e->req.owner == OWNER_APPLY && e->u.pg.conn == CONN_BENCH;
}

static bool is_pgbench(const struct effect *e)
{
    return e->kind == FX_CHILD && e->req.owner == OWNER_BENCH &&
           ends(e->u.child.argv[0], "pgbench");
}

static bool is_verdict(const struct effect *e)
{
    return e->kind == FX_STDOUT && begins(e->text, "{\"event\":\"verdict\"");
}

static bool is_save(const struct effect *e)
{
    return e->kind == FX_FILE && e->u.file.op == FILE_SAVE && ends(e->u.file.path, "/session.json");
}

/* What a resume does first once the server is as it should be. */
static bool is_settled(const struct effect *e)
{
    return e->kind == FX_FILE && e->u.file.op == FILE_MKDIR && ends(e->u.file.path, "/bench");
}

static bool is_handover(const struct effect *e)
{
    return appends(e, "{\"event\":\"handover\"");
}

static bool is_managed(const struct effect *e)
{
    char *const *argv = e->kind == FX_CHILD ? e->u.child.argv : NULL;

    for (; argv && *argv; argv++)
        if (begins(*argv, "text=")) /* of managed.sh, in its mode write alone */
            return true;
    return false;
}

static const struct boundary {
    const char *name;
    bool (*is)(const struct effect *e);
    enum moment moment;
} boundaries[] = {
    {"journal", is_intent, ANSWERED},     /* the intent is on the disk, nothing has been sent */
    {"alter", is_alter, SENT},            /* done or not, nobody knows */
    {"reply", is_alter, ANSWERED},        /* done, not yet in force */
    {"reload", is_reload, SENT},          /* in force, or soon */
    {"restart", is_restart, SENT},        /* the script is at work */
    {"rescue", is_rescue, STARTED},       /* the script that looks after the server is at work */
    {"canary", is_canary, STARTED},       /* a scratch cluster is being booted */
    {"verify", is_verify, ANSWERED},      /* in force and seen, not yet written down */
    {"result", is_result, ANSWERED},      /* written down */
    {"bench-start", is_pgbench, STARTED}, /* pgbench runs */
    {"bench-end", is_pgbench, ANSWERED},  /* its figures are not yet taken */
    {"verdict", is_verdict, SENT},        /* told, not yet saved */
    {"save", is_save, SENT},              /* session.json is being written */
    {"saved", is_save, ANSWERED},         /* the checkpoint is on the disk */
    {"settled", is_settled, BEFORE},      /* the recovery is over */
    {"handover", is_handover, ANSWERED},  /* written down: begun, or over */
    {"managed", is_managed, ANSWERED},    /* the managed file is there, and our entries, too */
};

/* The step of the list that is waited for. */
static struct {
    const char *list;         /* what follows it; NULL = the variable was not looked at */
    const struct boundary *b; /* NULL = nothing is waited for any more */
    long left;                /* meetings until the signal */
    int signal;
    struct req waits; /* for the answer to this request */
    bool sent;        /* the effect at hand is the one */
} watch;

static const struct boundary *boundary_named(const char *name, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(boundaries); i++)
        if (strlen(boundaries[i].name) == n && strncmp(boundaries[i].name, name, n) == 0)
            return &boundaries[i];
    die("PGD_TEST_KILL_AT: there is no boundary named \"%s\"", name);
}

static void next_step(void)
{
    const char *step = watch.list;
    size_t n = strcspn(step, ",");

    watch.b = NULL;
    watch.waits = (struct req){0};
    if (n == 0)
        return;
    watch.b = boundary_named(step, strcspn(step, ":=,"));
    watch.left = step[strcspn(step, ":=,")] == ':' ? strtol(strchr(step, ':') + 1, NULL, 10) : 1;
    watch.signal = memmem(step, n, "=stop", 5) ? SIGSTOP : SIGKILL;
    watch.list = step + n + (step[n] == ',');
}

static void met(void)
{
    if (--watch.left > 0)
        return;
    int number = watch.signal;
    next_step();
    raise(number);
}

void kill_at_effect(const struct effect *e)
{
    if (!watch.list) {
        const char *list = getenv("PGD_TEST_KILL_AT");
        watch.list = list ? list : "";
        next_step();
    }
    watch.sent = false;
    if (!watch.b || !watch.b->is(e))
        return;
    if (watch.b->moment == BEFORE)
        met();
    else if (watch.b->moment == SENT)
        watch.sent = true;
    else if (e->req.id != 0) /* an answer that nobody waits for cannot be told from others */
        watch.waits = e->req;
}

void kill_at_sent(void)
{
    if (watch.sent) {
        watch.sent = false;
        met();
    }
}

void kill_at_event(const struct event *ev)
{
    enum moment at = ev->kind == EV_CHILD_UP ? STARTED : ANSWERED;

    if (!watch.b || watch.b->moment != at || watch.waits.id == 0 || ev->kind == EV_CHILD_LINE ||
        !req_same(watch.waits, ev->req))
        return;
    watch.waits = (struct req){0};
    met();
}

#else

void kill_at_effect(const struct effect *e)
{
    (void)e;
}

void kill_at_sent(void)
{
}

void kill_at_event(const struct event *ev)
{
    (void)ev;
}

#endif
