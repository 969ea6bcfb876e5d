/* knee.h - how many clients the server can use: a sweep of short runs, 1, 2, 4 …, and what it shows.
 *
 * Beyond some number of clients throughput does not grow any more and every further one only waits: that is the knee. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { KNEE_MAX = 16 };

struct knee_point {
    int clients;
    double tps, p95_ms, p99_ms; /* NAN unknown */
    bool valid;
};

struct knee {
    int n;
    struct knee_point points[KNEE_MAX]; /* by rising clients */
    int limit;                          /* no more clients than this */
    double noise;                       /* of a short run of this machine, as a ratio - 1 */
    int failed;                         /* runs in a row */
};

/* cpus: of the server's machine, 0 unknown. room: connections that are free for the sweep. floor: noise of a run of the
 * plan's length, as a ratio - 1; short runs deviate more. */
void knee_init(struct knee *k, int cpus, int room, double floor);
/* The clients of the next run; 0 = the sweep is over: the limit is reached, or throughput has fallen twice, or once by far. */
int knee_next(const struct knee *k);
void knee_add(struct knee *k, const struct knee_point *p);

struct knee_result {
    bool known; /* three valid runs at least */
    int peak;   /* index of the highest throughput */
    int at;     /* index of the knee: the fewest clients within the noise of the peak */
    int breaks; /* index from which on p99 grows faster than the clients do; -1 = nowhere seen */
    int pool;   /* proposed size of a connection pool */
    int max_connections; /* proposed, with the pool and what others need */
    bool open;           /* throughput still grew at the end: the knee lies beyond */
};
/* others: connections that are not the workload's (sessions of others now, reserved ones). */
void knee_result(const struct knee *k, int others, struct knee_result *r);
/* The proposal in a sentence or two. max_connections: in force now. */
void knee_text(const struct knee *k, const struct knee_result *r, int max_connections, char *dst,
               size_t size);
