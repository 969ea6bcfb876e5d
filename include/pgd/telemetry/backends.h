/* backends.h - the processes of a server, one by one: CPU, memory, and what they read and write where that may be seen. Pure.
 *
 * A look is the text of /proc/PID/stat of the postmaster's children; /proc/PID/io (for its owner alone) and /proc/PID/cmdline are read
 * of the busiest of the look before, so that what is read does not grow with the number of sessions. Memory is what /proc counts as
 * resident: shared memory that a process has touched is in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/buf.h"

enum { BACKENDS_MAX = 256, BACKENDS_TOP = 6, BACKENDS_READ = 128 };

struct backend {
    int pid;
    double cpu; /* processors, 0..; NAN = not known yet */
    double rss_bytes;
    double read_bps, written_bps; /* of the disk; NAN = may not be seen, or not known yet */
    char title[96];               /* "postgres: checkpointer"; "" = not known yet */
};

struct backend_counts {
    int pid;
    double ticks, started, rss_pages; /* clock ticks of CPU time; since boot */
    double read, written;             /* bytes; NAN */
    double cpu, read_bps,
        written_bps; /* since the look before, as in struct backend; NAN = not known */
    char title[96];
};

struct backends {
    int64_t at_us; /* of the newest look; 0 = none */
    int n;
    struct backend_counts of[BACKENDS_MAX];
    double page_bytes; /* 0 = not known: 4 kB */
    int nchildren;
    int children[BACKENDS_READ]; /* on this machine: of the postmaster */
    int ntop;
    struct backend top[BACKENDS_TOP]; /* busiest first */
};

/* Forgets all but the size of a page. */
void backends_clear(struct backends *b);
/* Reads a look taken at at_us; top is what happened since the one before. postmaster: whose children count. */
void backends_read(struct backends *b, const char *text, size_t len, int postmaster, int64_t at_us);
/* What to read for the next look on this machine, as FILE_READ_MANY takes it: one path a line, each after a newline. The children are
 * those of the look before. */
void backends_paths(const struct backends *b, int postmaster, struct buf *paths);
