/* consent.h - what going on with a plan means for the server, in figures: measured where they can be, and said where
 * they are not. Worked out anew from the model whenever it is shown, so an edited field of the plan is in it. */
#pragma once

#include "pgd/workspace/model.h"

struct consent {
    int arms; /* configurations measured at the most: the server as it is, and of each round … */
    int arms_round; /* … its alternatives and the candidate */
    int runs_least, runs_most;
    bool restarts_allowed; /* by the plan */
    int restarts_most;     /* at the most, if every round had a change that needs one */
    int asks_most; /* changes or restarts that are the DBA's to make, at the most; 0 = none is */
    double blackout_s;      /* of one restart */
    bool blackout_measured; /* at an earlier restart in this workspace; else estimated */
    double sessions;        /* that a restart drops: those connected now; NAN unknown */
    double minutes_baseline, minutes_round, minutes_confirm, minutes_most;
    double
        minutes_least; /* budget that holds the baseline and one round with its confirmation, and before them make_s */
    double
        make_s; /* that making the benchmark database takes, or making it anew, estimated; 0 = it is there */
    bool written_measured; /* the four figures below are of the baseline; else not known yet, NAN */
    double written_bps, written_bytes; /* a second of load; in all runs at the most */
    double wal_bps, wal_bytes;
    double replicas;     /* standbys that get the WAL; NAN unknown */
    bool archiving;      /* … and an archive */
    bool database_new;   /* the benchmark database is still to be made */
    bool database_renew; /* … is our own: it may be vacuumed or loaded anew between comparisons */
    double database_bytes;            /* of the workload's database; NAN unknown */
    double data_free, wal_free;       /* bytes; NAN unknown */
    double others_active, others_tps; /* work of others now; NAN not measured yet */
};

void consent_fill(const struct model *m, struct consent *c);
/* Seconds that making the benchmark database takes, by the size of its tables, also where it has grown so that it is
 * loaded anew first; 0 where none is to be made. */
double consent_make_s(const struct model *m);
/* Seconds that a restart takes the server away, measured or estimated. */
double consent_blackout_s(const struct model *m, bool *measured);
