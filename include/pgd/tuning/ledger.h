/* ledger.h - what stood in postgresql.auto.conf before us, and what we have put there.
 *
 * Undo restores entries, not values: RESET where there was none, the old text where there was one.
 * The ledger is rebuilt from the journal after a crash, so every setting is accounted for. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/protocol/records.h"

enum { LEDGER_MAX = 96 };

/* An entry of postgresql.auto.conf, or its absence; or a setting of the server's host (tuning/os.h). */
struct entry {
    char name[SETTING_NAME_MAX];
    bool present;
    char value[SETTING_VALUE_MAX];
};

/* A configuration: the entries that differ from the start. Names that we touched and that are not
 * listed stand as they were at the start. */
struct arm {
    char label[48]; /* "start", "best", "round 2", "defaults", "pgtune" */
    int n;
    struct entry entries[LEDGER_MAX];
};

struct ledger_row {
    struct entry original; /* before our first touch */
    struct entry current;  /* what the journal says is there now */
    struct entry pending;  /* intended by an unfinished switch */
    bool unsure;           /* an intent without a result: either current or pending */
};

struct ledger {
    int n;
    struct ledger_row rows[LEDGER_MAX];
    bool
        lost; /* more names than rows: some undo is not known here, so it never claims to be clean */
};

struct review;

/* Is this the file that ALTER SYSTEM writes? */
bool ledger_file(const char *path);
struct ledger_row *ledger_find(struct ledger *l, const char *name);
/* Remembers the original entry of a name that is touched for the first time. False when full. */
bool ledger_touch(struct ledger *l, const struct entry *original);
/* What should stand in the file under this arm. */
struct entry ledger_goal(const struct ledger *l, const struct arm *a, const char *name);
bool entry_same(const struct entry *a, const struct entry *b);
void entry_sql(const struct entry *e,
               struct buf *out); /* "ALTER SYSTEM SET … " or "ALTER SYSTEM RESET …"; of the
                                     operating system the command, as a comment of SQL */
struct entry *arm_find(struct arm *a, const char *name);
bool arm_set(struct arm *a, const char *name, bool present, const char *value);
/* Adds the accepted lines; an accepted reset takes our entry out again. */
void arm_apply_review(struct arm *a, const struct review *review);
/* The same with those lines alone that belong to one of the alternatives `sets` (bits) or to all of them. */
void arm_apply_sets(struct arm *a, const struct review *review, unsigned sets);
/* The names in which two arms differ, at most max of them: how many there are. */
int arm_differ(const struct arm *a, const struct arm *b, char (*names)[SETTING_NAME_MAX], int max);
/* `from` with those of the n names as in `to` whose bit in `which` is set. */
void arm_mix(struct arm *out, const struct arm *from, const struct arm *to,
             const char (*names)[SETTING_NAME_MAX], int n, uint32_t which);
bool arm_same(const struct arm *a, const struct arm *b);
/* Journal records of the kinds "intent", "applied", "undone": feeds one parsed record. Used when the
 * journal is replayed. names/values: n parallel arrays. */
void ledger_intent(struct ledger *l, const struct entry *before, const struct entry *to, int n);
void ledger_applied(struct ledger *l); /* pending becomes current */
void ledger_undone(
    struct ledger *l); /* pending is dropped: the entries stand as before the intent */
/* Undo of everything as SQL text, one statement a line. */
void ledger_undo_sql(const struct ledger *l, struct buf *out);
/* Nothing of ours is in force: of this entry, of all of them. */
bool ledger_row_clean(const struct ledger_row *row);
bool ledger_clean(const struct ledger *l);
