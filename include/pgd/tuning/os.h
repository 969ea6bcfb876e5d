/* os.h - the settings of the operating system that may be tuned: one table of them, what they may become, and how a change
 * reads as a command.
 *
 * An entry of an arm is one of them by its name: "os:vm.swappiness" is what is in force on the server's host now,
 * "boot:vm.swappiness" the line of our own file that sets it when that host starts (absent: no such line). So rounds,
 * ledger, journal and undo treat them as they do settings of the server. assets/remote/os.sh reads and writes them and
 * has a list of its own: a name that is not in both is never written. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/effect.h"
#include "pgd/base/err.h"
#include "pgd/discovery/facts.h"
#include "pgd/tuning/ledger.h"

enum os_kind {
    OS_NUMBER,
    OS_BYTES, /* takes units; "20%" stands for the ratio that it excludes, and is only ever restored */
    OS_CHOICE,
    OS_LIMIT /* of the server's unit: a number or "infinity", in a drop-in of our own; absent without one */
};

struct os_row {
    const char *name; /* without "os:"; a "*" stands for the name of a device */
    enum os_kind kind;
    double floor, ceiling; /* of what may be proposed; NAN = none */
    const char *words;     /* of a choice: those that may be proposed, with blanks around each */
    bool restart;          /* reaches the server when it is started again */
    const char *unit;      /* for people: "kB", "pages"; "" = none */
    const char *meaning;   /* one sentence for the DBA */
    const char *danger;    /* what may go wrong, as the end of "price: " */
};

#define OS_PREFIX "os:"
#define OS_BOOT_PREFIX "boot:"

/* Is the entry of this name one of the operating system, in force or for its start? */
bool os_is(const char *name);
bool os_is_boot(const char *name);
/* The row of a name with its prefix; NULL: not one that this program changes. */
const struct os_row *os_find(const char *name);
const struct os_row *os_at(int i); /* NULL behind the last */
/* The name of an entry, of the server's settings or of these. */
bool os_or_setting(const char *name);
/* Can this entry, read from a file, be one: its name, and of these the value, too? */
bool os_entry_ok(const struct entry *e);
/* The text as the script takes and gives it ("512MB" is 536870912), and its number, NAN for a word. False and *e when it is
 * no value of that row; its limits for proposals are not looked at. */
PGD_MUST_CHECK bool os_value(const struct os_row *row, const char *text, double *number, char *dst,
                             size_t size, struct err *e);
/* The second, independent look, right before sending, at what we introduce. */
PGD_MUST_CHECK bool os_send(const struct entry *e, struct err *err);
/* What is run on the host for this entry, as a line for a shell there; of what is no command, a comment. */
void os_command(const struct entry *e, struct buf *out);
/* The name of the server's systemd unit on its host; "" when none looks after it. */
void os_unit(const struct identity *id, char *dst, size_t size);
/* In commands: the name of that unit in the place of the word UNIT; without one they stay. */
void os_name_unit(const struct identity *id, struct buf *commands);
/* Asks the server's host what these settings are, by names with their prefixes, 96 at most: EV_CHILD_EXIT to req, for
 * os_answer(). Outside of a switch; nothing is changed. apply_os.c */
void os_ask(const struct identity *id, const char *const *names, int n, struct req req,
            struct effects *fx);
/* The entry of that name in the answer. False: that machine does not have it. */
bool os_answer(const char *text, const char *name, struct entry *out);
/* Puts what discovery found on the host among the server's settings, by the names "os:…", so that whoever looks up a setting
 * finds these, too. To be called after each reading of either. */
void os_settings(struct server_facts *f);
/* After a switch: that is its value now. */
void os_now(struct server_facts *f, const char *name, const char *value);
