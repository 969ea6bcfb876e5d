#pragma once
/*
 * A private PostgreSQL server for a test in C: a thin layer over pg.sh, which has the rules (users, ports, clean-up). The
 * server dies with the test program. Functions fail the test through cmocka when they cannot do what they say.
 */
#include <stdbool.h>
#include <sys/types.h>

struct pgtest {
    char dir[256];  /* everything of this server, readable by all; removed at the end */
    char host[256]; /* the folder of its socket; it listens on 127.0.0.1 as well */
    char port[16];
    char data[256];   /* its data directory */
    char user[64];    /* the superuser, no password */
    char osuser[64];  /* whom the server runs as */
    char bindir[256]; /* its programs */
};

/* The folder with the programs of a major version such as "15" or "18"; NULL when it is not here. Valid until the next
 * call. */
const char *pgtest_bindir(const char *version);

/* The folder of the newest version from Debian's own packages, with psql and pgbench in it. Skips the program (exit 77) when
 * there is none. */
const char *pgtest_any_bindir(void);

/* A stock cluster with these lines added to postgresql.conf ("" or NULL: none), started. */
struct pgtest *pgtest_start(const char *bindir, const char *conf);

/* Stops the server and removes all that is its own. NULL is allowed. */
void pgtest_destroy(struct pgtest *pg);

void pgtest_stop(struct pgtest *pg, const char *mode); /* "fast", "immediate" or "smart" */
void pgtest_up(struct pgtest *pg);
void pgtest_restart(struct pgtest *pg);
bool pgtest_is_running(struct pgtest *pg);
pid_t pgtest_pid(struct pgtest *pg); /* the postmaster */

/* The rows of a statement: columns parted by |, rows by newlines, the last newline cut. Valid until the next call. */
const char *pgtest_psql(struct pgtest *pg, const char *dbname, const char *sql);

/* Runs sh with that script, its output without the last newline, at most 64 KiB; fails the test when it does not end with
 * 0. Valid until the next call. */
const char *pgtest_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
