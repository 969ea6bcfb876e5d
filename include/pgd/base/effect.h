/* effect.h - everything that the program can do to the outside, as plain data.
 *
 * Machines append effects to a list; app/effects hands them to the io modules through ports. An
 * effect can be printed (effect_text), compared, traced and replayed. Secrets are handles.
 *
 * changes_server marks what alters the server or writes to it: refused with --readonly, and held
 * back until the journal entry `after_journal` is on the disk (0 = none needed). */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/event.h"
#include "pgd/base/secret.h"

enum effect_kind {
    FX_NONE,
    FX_PG_CONNECT, /* -> EV_PG_UP | EV_PG_DOWN */
    FX_PG_QUERY,   /* -> EV_PG_RESULT */
    FX_PG_CANCEL,  /* cancels what runs on the connection; its EV_PG_RESULT comes as an error */
    FX_PG_CLOSE,
    FX_CHILD,      /* -> EV_CHILD_UP, EV_CHILD_LINE*, EV_CHILD_EXIT */
    FX_CHILD_KILL, /* TERM to the group, KILL after 2 s; req names the child */
    FX_FILE,       /* -> EV_FILE */
    FX_TIMER,      /* -> EV_TIMER after `ms`; the same req replaces a running one */
    FX_TIMER_STOP,
    FX_SSH_OPEN,    /* -> EV_SSH_ASK*, then EV_SSH_UP | EV_SSH_DOWN */
    FX_SSH_ANSWER,  /* to an EV_SSH_ASK: a word of the DBA's */
    FX_SSH_CLOSE,   /* what runs there is let go; EV_SSH_DOWN follows (ERR_CANCELLED) */
    FX_CHILD_INPUT, /* text: goes to the stdin of the child that req names (CHILD_MORE) */
    FX_HTTP,        /* -> EV_HTTP_HEAD, EV_HTTP_DATA*, EV_HTTP_END */
    FX_HTTP_CANCEL, /* req names the transfer, which ends at once: its EV_HTTP_END is ERR_CANCELLED */
    FX_STDOUT,      /* text: a line for scripts (headless) */
    FX_STDERR,      /* text: a line for people (headless) */
    FX_SUSPEND,     /* Ctrl-Z */
    FX_REDRAW,      /* Ctrl-L: paint everything again */
    FX_BELL,
    FX_COPY, /* text: to the terminal's clipboard, where it takes it (OSC 52) */
    FX_QUIT  /* exit_code: after what is in flight to the disk has landed */
};

enum file_op {
    FILE_SAVE,      /* atomic: temporary file, fsync, rename, fsync of the folder */
    FILE_APPEND,    /* cuts a torn last line, appends data, fsync */
    FILE_READ,      /* at most max_bytes; the digest function, if any, runs in the worker */
    FILE_READ_MANY, /* path holds newline-separated paths; result "==> PATH\n" + content + "\n" each */
    FILE_LIST,      /* names in a folder, newline-separated; a folder's name ends in '/' */
    FILE_MKDIR,     /* with parents, 0700 */
    FILE_LOCK,   /* exclusive lock held until exit; on conflict err BUSY and text = holder's note */
    FILE_REMOVE, /* a file */
    FILE_SPACE,  /* text: "TOTAL FREE", bytes of the file system that the path lies on */
    FILE_SWEEP,  /* a folder: temporary files that a killed program left in it; none is no error */
    FILE_REMOVE_TREE
};

/* Runs in a worker thread: turns the bytes of a file into a value that the event carries. Pure. */
typedef void *(*digest_fn)(const char *data, size_t len, const char *arg);

enum child_flag {
    CHILD_COLLECT = 1, /* stdout is collected (4 MiB at most) into the exit event, no line events */
    CHILD_DETACHED =
        2, /* own session, outlives us, all stdio on /dev/null; exit is still reported */
    CHILD_DIES_WITH_US =
        4, /* killed by the kernel when we die; remote: by its shell when the link ends */
    CHILD_REMOTE = 8, /* on the host of an ssh link; argv[0] is found there */
    CHILD_MORE = 16,  /* stdin stays open for FX_CHILD_INPUT, until the child, we or the link end */
    CHILD_TERMINAL =
        32 /* stdin, stdout and stderr are our terminal, in whose foreground it runs until its exit */
};

struct effect {
    enum effect_kind kind;
    struct req req;
    bool changes_server;
    uint64_t after_journal;
    int exit_code;
    int ms;     /* timer, deadline of a query or a connect; 0 = none */
    char *text; /* SQL text (of a connect: what the session begins with), line, file data; owned */
    size_t len;
    union {
        struct {
            enum pg_conn conn;
            bool several; /* statements, the answer is that of the last with rows: fx_several() */
            char **keys;  /* NULL-terminated keyword and value lists for libpq; owned */
            char **values;
            secret_id password;
        } pg;
        struct {
            char **argv;  /* NULL-terminated; argv[0] is found by PATH; owned */
            char **env;   /* "NAME=value" added to our environment; NULL if none; owned */
            char *run_as; /* user name when we are root and must not be; NULL = as we are; owned */
            char *stdin_text; /* NULL = /dev/null; owned */
            char *cwd;        /* NULL = where we are; owned */
            unsigned flags;
            secret_id
                pgpass; /* "host:port:db:user:password" line, given as an inherited memfd in PGPASSFILE */
            enum ssh_conn ssh; /* CHILD_REMOTE: where */
        } child;
        struct {
            enum ssh_conn conn;
            char *host, *user, *port; /* owned; user, port NULL = as ~/.ssh/config says */
            char *key_file;           /* tried before others; owned; NULL = none */
            char *dir;                /* the DBA's .ssh folder; owned */
            bool yes;                 /* ANSWER to SSH_ASK_HOST_KEY: keep it and go on */
            secret_id word;           /* ANSWER to the other questions; 0 = none is given */
        } ssh;
        struct {
            enum file_op op;
            char *path; /* owned */
            uint64_t journal_no;
            bool
                spare; /* APPEND: no room is kept for what follows; its loss would harm nothing on the server */
            bool
                aside; /* by a thread of its own: no other file waits for it, however slow its disk */
            size_t max_bytes;
            digest_fn digest;
            void (*digest_free)(void *);
            char *digest_arg; /* owned */
        } file;
        /* One request; text and len are its body (none: GET). Certificates are always verified, no redirect is followed,
         * and http:// is for loopback only. ms is the time to connect; there is no limit to the whole. */
        struct {
            char *url;      /* owned; never holds a secret */
            char **headers; /* "Name: value", NULL-terminated; owned */
            char *
                key_header; /* what stands before the key: "x-goog-api-key: "; NULL = no key; owned */
            secret_id key;
            size_t max_bytes; /* of the answer's body: more ends it */
            int stall_s;      /* so long without a byte ends it */
        } http;
    } u;
};

struct effects {
    struct effect *items; /* owned */
    size_t n, cap;
};

/* Appends an effect of the kind, zeroed otherwise; valid until the next append. */
struct effect *effects_add(struct effects *fx, enum effect_kind kind, struct req req);
struct effect *fx_sql(struct effects *fx, struct req req, enum pg_conn conn, const char *sql,
                      int ms);
/* The statement that was added last is several: one message, one transaction. Never for a text that is not ours. */
void fx_several(struct effects *fx);
struct effect *fx_child(struct effects *fx, struct req req, const char *const *argv,
                        unsigned flags);
/* Adds one variable; without a value it is taken out of what the child inherits. */
void fx_child_env(struct effect *e, const char *name, const char *value);
struct effect *fx_file(struct effects *fx, struct req req, enum file_op op, const char *path);
/* A request with a body of len bytes, or a GET when body is NULL. Headers are added by fx_http_header(). */
struct effect *fx_http(struct effects *fx, struct req req, const char *url, const char *body,
                       size_t len);
void fx_http_header(struct effect *e, const char *name, const char *value);
struct effect *fx_timer(struct effects *fx, struct req req, int ms);
struct effect *fx_line(struct effects *fx, enum effect_kind kind, const char *text);
/* One line that shows all but secrets: for traces, tests and the SQL log. */
void effect_text(const struct effect *e, struct buf *out);
/* A copy that shares nothing with e; secrets stay handles. The caller clears it. */
struct effect effect_copy(const struct effect *e);
void effect_clear(struct effect *e);
void effects_clear(struct effects *fx);
const char *effect_kind_name(enum effect_kind kind);
