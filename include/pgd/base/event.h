/* event.h - everything that can happen to the program, as plain data.
 *
 * The io modules post events to one queue; app_update() is the only consumer. An event answers a
 * request (req tells whose) or comes by itself (keys, ticks, signals). Payloads are owned by the
 * event and freed by event_clear() after the update; who wants to keep one copies or steals it
 * (sets the pointer to NULL).
 *
 * Late answers are dropped by number: a machine compares req with what it waits for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/err.h"
#include "pgd/base/key.h"
#include "pgd/base/rows.h"
#include "pgd/base/secret.h"

/* The machine that asked, and to which the answer is routed. */
enum owner {
    OWNER_NONE,
    OWNER_LINKS,     /* connections: app/links */
    OWNER_DISCOVERY, /* discovery/discover */
    OWNER_TELEMETRY, /* telemetry/collect */
    OWNER_BENCH,     /* runner/bench */
    OWNER_APPLY,     /* tuning/apply */
    OWNER_FLOW,      /* app/flow: the tuning session */
    OWNER_STORE,     /* workspace/store: session files, journal, index */
    OWNER_DEMO,      /* app/demo: the private server */
    OWNER_UI,
    OWNER_ASK,    /* agent/ask: what is asked of a model */
    OWNER_HEALTH, /* agent/health: the health check */
    OWNER_ADVICE, /* app/advised: its files */
    OWNER_CLAIM,  /* app/claim: whether the session may work on this server */
    OWNER_HOSTS,  /* app/hosts: links to other machines by ssh */
    OWNER_PLACE,  /* app/bench_place: where pgbench runs */
    OWNER_TALK,   /* app/talk, app/facts: the conversation */
    OWNER_VIEWS,  /* app/views: the live view that is on the screen */
    OWNER_COUNT
};

struct req {
    enum owner owner;
    uint32_t
        generation; /* of the owner: raised when it starts anew; old answers are then ignored */
    uint32_t id;    /* unique within the generation */
};

bool req_same(struct req a, struct req b);

enum pg_conn {
    CONN_CONTROL,   /* one statement at a time: discovery, ALTER SYSTEM, reload */
    CONN_TELEMETRY, /* the tick's statements */
    CONN_QUESTIONS, /* read-only: EXPLAIN, look-ups for the DBA's questions */
    CONN_BENCH, /* a fresh session in the benchmark's database and role: set-up and verification */
    CONN_FACTS, /* read-only, while the advisor wants facts for a question of the DBA */
    CONN_VIEWS, /* the live view that is on the screen; open while one is */
    CONN_PLAN, /* the plan of a statement of a view, in that statement's database; open until it is there */
    CONN_COUNT
};

/* Hosts that are reached by ssh. */
enum ssh_conn {
    SSH_SERVER, /* of the database */
    SSH_BENCH,  /* where pgbench runs, when that is another one */
    SSH_CONN_COUNT
};

enum ssh_ask {
    SSH_ASK_NOTHING,
    SSH_ASK_HOST_KEY,   /* text: its fingerprint, of a host that is not known yet */
    SSH_ASK_PASSPHRASE, /* text: of which key */
    SSH_ASK_PASSWORD,
    SSH_ASK_PROMPT /* text: what the host asks (keyboard-interactive) */
};

enum event_kind {
    EV_NONE,
    EV_START,     /* the loop runs; at and wall are valid */
    EV_TICK,      /* once a second, on the second of the monotonic clock */
    EV_TIMER,     /* answers FX_TIMER */
    EV_KEY,       /* key */
    EV_PASTE,     /* text, len: bracketed paste, verbatim */
    EV_RESIZE,    /* cols, rows */
    EV_SIGNAL,    /* signo: INT, TERM, HUP, QUIT (suspend and resume are handled by the terminal) */
    EV_TTY_LOST,  /* stdin or the terminal is gone */
    EV_PG_UP,     /* pg: answers FX_PG_CONNECT */
    EV_PG_DOWN,   /* pg.conn, err: a connect failed, or an open connection was lost */
    EV_PG_RESULT, /* rows or err: answers FX_PG_QUERY, exactly once, also when the link is lost */
    EV_PG_NOTICE, /* text: a notice or warning of the server */
    EV_CHILD_UP,  /* child.pid: the program runs */
    EV_CHILD_LINE, /* child.stream, text: one line without its newline, bounded */
    EV_CHILD_EXIT, /* child.status, child.signal, text = collected stdout; or err if it did not start */
    EV_FILE,       /* file: answers FX_FILE */
    EV_SSH_ASK,   /* ssh: a question for the DBA; FX_SSH_ANSWER goes on */
    EV_SSH_UP,    /* ssh: the link stands; text: the host's banner */
    EV_SSH_DELAY, /* ssh.delay_ms: how long that host took to answer; now and then while it is up */
    EV_SSH_DOWN, /* ssh.conn, err: could not be made, or was lost; children there end first (ERR_LOST) */
    EV_HTTP_HEAD, /* http.status: an answer begins; text: its header lines, as they came, bounded */
    EV_HTTP_DATA, /* text, len: the next bytes of the body; they may end anywhere */
    EV_HTTP_END, /* answers FX_HTTP, exactly once; err unless the whole body came, whatever its status */
    EV_STALL /* loop stall: ms of CPU time in stall_ms, name in text */
};

enum child_stream { STREAM_OUT, STREAM_ERR };

struct event {
    enum event_kind kind;
    struct req req;
    int64_t at_us;   /* monotonic clock, microseconds */
    int64_t wall_us; /* epoch, microseconds */
    struct err err;  /* code ERR_NONE when it went well */
    char *text;      /* owned; NULL if none */
    size_t len;
    struct rows *rows; /* owned; EV_PG_RESULT */
    void *digest; /* owned by the event, freed by digest_free: EV_FILE with a digest function */
    void (*digest_free)(void *);
    double stall_ms;
    union {
        struct key key;
        struct {
            int cols, rows;
        } size;
        int signo;
        struct {
            enum pg_conn conn;
            int server_version; /* 150018 */
            int backend_pid;
            bool needs_password; /* EV_PG_DOWN: the server asked for one */
            bool used_password;
            bool tls;
            bool
                pooled; /* EV_PG_UP: a pooler stands before the server; the session was not set up */
            /* EV_PG_UP of CONN_CONTROL: the password that was sent, 0 = none; released with the event. Its text holds
             * what else it took, as NAME=VALUE lines of libpq's environment. */
            secret_id password;
            char host[256]; /* as connected: a host of the list, or the socket directory */
            char hostaddr[64];
            char port[16];
            char user[64];
            char dbname[64];
        } pg;
        struct {
            enum child_stream stream;
            int pid;
            int status;
            int signal;
            double
                cpu_s; /* EXIT: CPU time that it took, with whatever else ended in the same turn of the loop; 0 unknown */
        } child;
        struct {
            uint64_t journal_no; /* FILE_APPEND with a journal number */
            int64_t size;        /* bytes of the file that was read or written */
            bool missing;        /* FILE_READ: there is no such file (err is set too) */
        } file;
        struct {
            enum ssh_conn conn;
            enum ssh_ask ask;
            bool echo; /* what is typed may be shown */
            bool lost; /* DOWN: it had been up */
            double delay_ms;
        } ssh;
        struct {
            int status;     /* 0 before the first header */
            bool temporary; /* END with err: a network's failure, which a second try may mend */
        } http;
    } u;
};

void event_clear(struct event *ev);
const char *event_kind_name(enum event_kind kind);
const char *owner_name(enum owner o);
