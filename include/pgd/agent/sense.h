/* sense.h - the evidence made ready for rules: rates, sizes, shares and the settings in force.
 *
 * What is not known is NAN, and every comparison with NAN is false, so a rule stays silent where
 * nothing was measured. Shared by the built-in advisor's files; nobody else includes it. */
#pragma once

#include "pgd/agent/advisor.h"
#include "pgd/base/mem.h"

/* Why no setting can help, whatever else the figures say. */
enum sense_block {
    BLOCK_NONE,
    BLOCK_SLEEP,  /* the statements sleep on the server */
    BLOCK_THINK,  /* the sessions sit idle between statements */
    BLOCK_CLIENT, /* pgbench itself is at its limit */
    BLOCK_LOCKS   /* sessions wait for each other's locks */
};

struct sense {
    const struct evidence *e;
    const struct server_facts *f; /* never NULL; all zero when no server is known */
    /* The newest: best arm, else baseline, else recent minutes; all NAN when !w.valid. */
    struct window w;
    bool measured;              /* w covers benchmark runs */
    double ram;                 /* bytes the server may use: the lower of RAM and cgroup limit */
    double cpus, clients, peak; /* peak: sessions active at a time */
    double database;            /* bytes of the database that the workload uses */
    double shared_buffers, work_mem, hash_multiplier; /* in force; bytes, plain */
    double temp_rate, temp_file;                      /* bytes a second; bytes of an average file */
    double read_rate;                                 /* blocks a second into shared_buffers */
    double wal_rate;                                  /* bytes a second */
    double plan_ms; /* of all plans, weighted by how often their script runs */
};

typedef bool (*plan_test_fn)(const struct sense *s, const struct plan_facts *p);

void sense_init(struct sense *s, const struct evidence *e);
enum sense_block sense_blocked(const struct sense *s);

/* Of the setting in force (our entry if there is one, else the server's): bytes, ms or plain; NAN
 * if unknown. */
double sense_number(const struct sense *s, const char *name);
/* As SHOW prints it; "" if unknown. The text lives in dst. */
const char *sense_shown(const struct sense *s, const char *name, char *dst, size_t size);
bool sense_ours(const struct sense *s, const char *name); /* set by this session's best arm */
bool sense_on(const struct sense *s, const char *name, bool otherwise);
/* The number that a proposed text means for this setting, in the same unit; NAN if it is no number.
 */
double sense_value(const struct sense *s, const char *name, const char *text);

/* Share of the samples whose wait begins with prefix; 0 when none, NAN when waits were not sampled.
 */
double sense_wait(const struct sense *s, const char *prefix);
double window_wait(const struct window *w, const char *prefix);
/* How often the plan's script runs, against the others; 1 when not known. */
double sense_weight(const struct sense *s, const struct plan_facts *p);
/* Share of the workload's execution time in plans that pass the test; 0 without plans. */
double sense_time_share(const struct sense *s, plan_test_fn test);
/* The plan with the most weighted time that passes, or NULL. */
const struct plan_facts *sense_plan(const struct sense *s, plan_test_fn test);
/* Bytes that one sort or hash may take, so that all active sessions and their workers fit into 40 %
 * of the memory that the shared cache leaves. */
double sense_memory_budget(const struct sense *s);

/* Formats into a bounded field, cleaned and cut at a character. */
void say(char *dst, size_t size, const char *fmt, ...) PGD_PRINTF(3, 4);
#define SAY(dst, ...) say(dst, sizeof(dst), __VA_ARGS__)
/* "64MB", "512kB", "2GB": as a DBA writes it. */
void memory_value(char *dst, size_t size, double bytes);
double power_above(double x); /* the next power of two, x itself if it is one */
double power_below(double x);
/* Figures for texts, returned by value: "9.8 GB", "4 502", "42 %". */
struct amount {
    char text[40];
};
struct amount size_figure(double bytes);
struct amount count_figure(double value);
struct amount share_figure(double share);
