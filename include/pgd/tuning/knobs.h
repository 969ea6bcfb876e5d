/* knobs.h - the settings table: what the program may propose, and what it refuses and why.
 *
 * Two tables, kept apart on purpose: the allowlist (knob_find) is what advisors may use; the denylist
 * (danger_find) gives a refusal its typed reason and is consulted a second time, independently, just
 * before a statement is sent. A name in neither is unknown and refused too. */
#pragma once

#include <stdbool.h>

enum knob_group {
    KNOB_MEMORY,
    KNOB_WAL,
    KNOB_BGWRITER,
    KNOB_PLANNER,
    KNOB_PARALLEL,
    KNOB_JIT,
    KNOB_AUTOVACUUM,
    KNOB_IO,
    KNOB_OBSERVE
};

enum knob_flag {
    KNOB_DBA_ONLY = 1,    /* never proposed by an advisor: max_connections */
    KNOB_DURABILITY = 2,  /* a durability trade: shown apart with its price, never headless */
    KNOB_PER_SESSION = 4, /* multiplied by sessions or plan nodes in the memory bill */
    KNOB_MINUS_ONE =
        8 /* -1 has a meaning of its own ("auto", "never") and is within the policy limits */
};

struct knob {
    const char *name;
    enum knob_group group;
    unsigned flags;
    int min_version;     /* 0 = all supported */
    const char *meaning; /* one sentence for the DBA */
    double floor,
        ceiling; /* policy limits in the unit of settings_number() (bytes, ms, plain); NAN = none */
};

const struct knob *knob_find(const char *name);
const struct knob *knob_at(int i); /* NULL behind the last */

enum refusal {
    REFUSE_NONE,
    REFUSE_COMMAND,     /* runs a shell command as the server's user */
    REFUSE_CODE,        /* loads code */
    REFUSE_DATA,        /* can lose or corrupt data */
    REFUSE_DURABILITY,  /* may lose the last commits: only on the DBA's explicit wish */
    REFUSE_LOCKOUT,     /* can lock the DBA out, or is identity or network */
    REFUSE_FILES,       /* moves files */
    REFUSE_REPLICATION, /* recovery or replication topology */
    REFUSE_FLOOD,       /* floods the log or leaks data into it */
    REFUSE_BENCHMARK,   /* makes measurements invalid */
    REFUSE_DEVELOPER,   /* a developer option */
    REFUSE_UNKNOWN,     /* not a setting of this server, or not on the list */
    REFUSE_WISH,        /* PGDIAG.md says so */
    REFUSE_DBA_ONLY,    /* the DBA's own decision */
    REFUSE_VALUE,       /* type, unit, range or enum */
    REFUSE_RIGHT,       /* our role may set others, but not this one */
    REFUSE_CONTEXT,     /* cannot be changed in this way (internal, backend) */
    REFUSE_MEMORY,      /* more memory than the machine or its cgroup has */
    REFUSE_DISK,        /* more WAL than the disk can hold */
    REFUSE_RESTART,     /* needs a restart and there is no way to restart */
    REFUSE_STANDBY,     /* would break a replica, or the server is one */
    REFUSE_OVERRIDDEN,  /* a role, database or command-line value hides it */
    REFUSE_NO_CHANGE,   /* it has this value already */
    REFUSE_DUPLICATE,   /* the same setting twice in one proposal */
    REFUSE_COUNT
};
const char *refusal_name(enum refusal r); /* "runs a shell command" … */

/* The category of a dangerous name (also prefixes such as ssl_* and recovery_target*), REFUSE_NONE if it is not listed. */
enum refusal danger_find(const char *name);
/* Whether setting this name to this value (as SHOW prints it) repairs a danger: fsync = on. Always allowed; the
 * list refuses only the way into the danger. */
bool danger_repaired(const char *name, const char *value);
