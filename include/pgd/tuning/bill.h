/* bill.h - what a configuration may cost in memory: the worst case, which is shown, and the figure at measured
 * concurrency, which gates. */
#pragma once

#include "pgd/tuning/guard.h"

/* The settings that the bill is made of; memory in bytes. */
struct bill_terms {
    double shared_buffers, wal_buffers;
    double work_mem, hash_mem_multiplier, temp_buffers;
    double maintenance_work_mem, autovacuum_work_mem, autovacuum_max_workers;
    double max_connections, parallel_per_gather, parallel_workers;
};

/* As the server runs now; what is unknown counts as PostgreSQL's default. */
void bill_terms_read(struct bill_terms *t, const struct server_facts *f);
/* Puts one line's new value in; lines that are no part of the bill change nothing. */
void bill_terms_line(struct bill_terms *t, const struct review_line *line,
                     const struct server_facts *f);
double bill_worst(const struct bill_terms *t);
double bill_measured(const struct bill_terms *t, const struct guard_policy *g);
/* The lower of RAM and cgroup limit in bytes; NAN when the host is not known. */
double bill_memory(const struct server_facts *f);
/* What the measured figure may reach: 90 % of the memory, and less where the kernel does not overcommit. now is the
 * measured figure of today. NAN when unknown. */
double bill_room(const struct server_facts *f, double now);
/* The concurrency that the measured figure counts with, at least 1. */
double bill_peak(const struct guard_policy *g);
/* The same with these settings: never more than may connect. bill_measured() is the bill of so many at work. */
double bill_sessions(const struct bill_terms *t, const struct guard_policy *g);
