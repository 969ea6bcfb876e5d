/* discover.h - the machine that fills server_facts: one statement or script after the other.
 *
 * Every statement runs with lock_timeout and statement_timeout; a refusal is noted in `missing` and
 * never fatal, save the first (identity). */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"

enum discover_state {
    /* Not started. */
    DISCOVER_IDLE,
    /* Statement number `at` of the table was sent on CONN_CONTROL; its result leads to the next. */
    DISCOVER_SQL,
    /* The host script runs (only when the server is local); its exit leads to DONE. */
    DISCOVER_HOST,
    DISCOVER_DONE,
    /* The identity statement failed, or the link was lost: err says why. */
    DISCOVER_FAILED
};

struct discover {
    enum discover_state state;
    uint32_t generation, waiting;
    int at;
    bool settings_only; /* refresh of settings and identity */
    struct err err;
    bool pooled;            /* nothing may be set in the session: others would get it */
    bool read_stats;        /* our role sees the sessions of others */
    bool may_sudo;          /* the host script may look what sudo gives us; set by the owner */
    bool maybe_local;       /* connected by a socket, loopback or our own address */
    int backend_pid;        /* of CONN_CONTROL: the host script recognises the server by it */
    int64_t known_start_us; /* the postmaster's start when the host was last looked at */
};

void discover_start(struct discover *d, struct server_facts *f, struct effects *fx);
/* Only identity, rights, settings: after a change or a reconnect. */
void discover_refresh(struct discover *d, struct server_facts *f, struct effects *fx);
/* Feeds an event of OWNER_DISCOVERY. Events of older generations are ignored. */
void discover_step(struct discover *d, struct server_facts *f, const struct event *ev,
                   struct effects *fx);

/* Reads the text of assets/remote/host.sh ("key=value" lines) into host_facts: pure, bounded. */
void host_facts_parse(const char *text, struct host_facts *h, struct identity *id);
