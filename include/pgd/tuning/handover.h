/* handover.h - what a hand-over needs to know: ALTER SYSTEM wins over every other file for ever and says so to nobody, so the
 * settings of a session go to a file that is managed, and our entries are taken out again. Pure: rows and text in, text out.
 *
 * The entries are taken out by a switch like another, journalled and undone by apply; see app/flow_handover.c. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"
#include "pgd/tuning/ledger.h"

struct handover {
    int n;
    struct entry items[LEDGER_MAX]; /* ours, as they stand in postgresql.auto.conf */
    bool unsure[LEDGER_MAX];        /* a switch that touched it has no result */
    struct arm
        system; /* settings of the operating system that stand: no file of the server's has them, so they stay */
    char values[LEDGER_MAX][SETTING_VALUE_MAX]; /* what runs, in the unit of pg_settings */
    char file[600];                             /* the managed file; "" = one of the DBA's own */
    char why_not[240];                          /* why we cannot write one */
    struct buf text;                            /* what it shall hold; owned */
    bool there;                                 /* the values stand in other files already */
};

void handover_clear(struct handover *h);
/* The entries that the session has left in force. False: there are none. */
bool handover_begin(struct handover *h, const struct ledger *l);
/* The statement whose rows handover_look() and handover_check() read. */
const char *handover_sql(void);
/* Remembers what runs. False and *e when a value is not the one that we have set, or somebody's line is broken. */
bool handover_look(struct handover *h, const struct rows *r, struct err *e);
/* Would the other files alone give the same values? The last line of each name outside postgresql.auto.conf decides.
 * False and *e naming what would differ. */
bool handover_stands(const struct handover *h, const struct rows *r, struct err *e);
/* Our entries are gone: does the server run with the same values, out of another file, with no restart pending? */
bool handover_done(const struct handover *h, const struct rows *r, struct err *e);
/* The text of the managed file: lines of `old` for other settings stay as they are. */
void handover_text(const struct handover *h, const char *old, const char *session, struct buf *out);
/* The arm without our entries, and the one with them. */
void handover_arm(const struct handover *h, bool with, struct arm *out);
/* A record of the journal; phase: "begin", "done", "undone". */
void handover_record(const struct handover *h, uint64_t no, const char *phase, struct buf *out);
/* Runs assets/restart/managed.sh. */
struct effect *handover_script(const struct handover *h, const struct identity *id,
                               const char *mode, struct req req, struct effects *fx);
