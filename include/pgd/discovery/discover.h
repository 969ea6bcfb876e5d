/* discover.h - the machine that fills server_facts: one statement or script after the other.
 *
 * Every statement runs with lock_timeout and statement_timeout; a refusal is noted in `missing` and
 * never fatal, save the first (identity). The host is looked at by one script, here or there by ssh. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"

enum discover_state {
    /* Not started. */
    DISCOVER_IDLE,
    /* Statement number `at` of the table was sent on CONN_CONTROL; its result leads to the next. */
    DISCOVER_SQL,
    /* All statements are answered, and nobody knows yet whether there is a way to the host: discover_host() leads to
     * HOST or DONE. */
    DISCOVER_UNDECIDED,
    /* The host script runs, here or by ssh; its exit leads to DONE. The link that comes back meanwhile begins it anew. */
    DISCOVER_HOST,
    /* discover_host() with a link that has come up, or back, leads to HOST once more: only the host is looked at. */
    DISCOVER_DONE,
    /* The identity statement failed, or the link was lost: err says why. */
    DISCOVER_FAILED
};

/* Where the host script is run. */
enum discover_where {
    LOOK_HERE,      /* on this machine, if the server may run on it */
    LOOK_UNDECIDED, /* by ssh, if that link comes up: it is being made */
    LOOK_NOWHERE,   /* by ssh, but the link is down; why_not says why */
    LOOK_BY_SSH
};

struct discover {
    enum discover_state state;
    enum discover_where where;
    char why_not[200]; /* why the link is down */
    bool by_ssh;       /* the script at work, or the last one, ran there */
    int looks;         /* how often a look at the host has ended */
    bool asked_twice;  /* the statement at work met a lock before, and was sent again */
    uint32_t generation, waiting;
    int at;
    bool settings_only; /* refresh of settings and identity */
    bool
        no_sizes; /* the sizes of databases are not wanted: the server counts files for them; set by the owner */
    struct err err;
    bool pooled;      /* nothing may be set in the session: others would get it */
    bool read_stats;  /* our role sees the sessions of others */
    bool may_sudo;    /* the host script may look what sudo gives us; set by the owner */
    bool maybe_local; /* connected by a socket, loopback or our own address */
    const struct own_totals
        *own;        /* borrowed: taken out of the totals whenever they are read; NULL = nothing */
    int64_t wall_us; /* of the event at hand */
    int backend_pid; /* of CONN_CONTROL: the host script recognises the server by it */
    int64_t
        known_start_us; /* the postmaster's start when the host was last looked at; 0 = not yet */
};

void discover_start(struct discover *d, struct server_facts *f, struct effects *fx);
/* Everything once more, of a server that is known: what was known of it stays until the answer is there, but for the totals,
 * which are unknown until then. */
void discover_again(struct discover *d, struct server_facts *f, struct effects *fx);
/* Only identity, rights, settings: after a change or a reconnect. */
void discover_refresh(struct discover *d, struct server_facts *f, struct effects *fx);
/* Says where the host is to be looked at, with why where it cannot be reached by ssh ("" else). Whoever owns the link calls it
 * at every change, and with LOOK_BY_SSH each time that it comes up: the host behind it may have changed. */
void discover_host(struct discover *d, struct server_facts *f, enum discover_where where,
                   const char *why_not, struct effects *fx);
/* Feeds an event of OWNER_DISCOVERY. Events of older generations are ignored. */
void discover_step(struct discover *d, struct server_facts *f, const struct event *ev,
                   struct effects *fx);

/* Reads the text of assets/remote/host.sh ("key=value" lines) into host_facts: pure, bounded. */
void host_facts_parse(const char *text, struct host_facts *h, struct identity *id);
