/* restart.h - the ways to restart a server, as rows of one table: which of them fits this server, whether we may take it,
 * how it is called on the screen, and what the restart script is told. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"
#include "pgd/protocol/records.h"

enum restart_way {
    RESTART_WAY_NONE,
    /* `pg_ctl stop` and `start` as the owner of the data directory: a server of this machine that nobody looks after. */
    RESTART_WAY_PG_CTL,
    /* A program of the DBA, --restart cmd:PATH. It gets no arguments. */
    RESTART_WAY_COMMAND,
    /* `systemctl restart UNIT`, UNIT being the service whose main process the postmaster is. */
    RESTART_WAY_SYSTEMCTL,
    /* Debian's `pg_ctlcluster VERSION NAME`: the configuration lies in /etc/postgresql/VERSION/NAME. */
    RESTART_WAY_PG_CTLCLUSTER
};

struct restart_choice {
    enum restart_way way;
    char text[200]; /* "systemctl restart postgresql@15-main (sudo)"; "" without a way */
    char why_not
        [240]; /* without a way: the reason, as the end of a sentence; "" when none was asked for */
};

/* The way for this policy; command is the DBA's program (RESTART_COMMAND). Never one behind a supervisor's back. */
void restart_choose(const struct identity *id, enum restart_policy policy, const char *command,
                    struct restart_choice *out);
/* The script can be run as the owner of the data directory: a copy of postgresql.auto.conf can be made and put back. */
bool restart_script_possible(const struct identity *id);
/* The command line that does it ("start" or "restart"), for a DBA at that host. */
void restart_by_hand(const struct identity *id, const char *verb, struct buf *out);
/* A way that is carried out by assets/restart/restart.sh. */
bool restart_by_script(enum restart_way way);
/* Runs assets/restart/restart.sh on the server's host with this mode and way, as the owner of the data directory; token is
 * repeated in its report. The effect that was appended, valid until the next one. */
struct effect *restart_script(const struct identity *id, enum restart_way way, const char *mode,
                              const char *token, unsigned flags, struct req req,
                              struct effects *fx);
/* For a server that runs and lets nobody in after a switch that was killed: the copy of postgresql.auto.conf is put back and
 * the server told to read it, or with a way restarted with it. names: of the settings of that switch, in lower case, with
 * a space between two; where others have changed anything else in that file nothing is done. Answered by EV_CHILD_EXIT to
 * req; text: "state=restored|starting|down|refused" and "note=…" lines. */
void restart_unlock(const struct identity *id, enum restart_way way, const char *names,
                    struct req req, struct effects *fx);
/* argv with what it takes to run it as the owner of the data directory, where that is sudo; first has room for
 * RESTART_PREFIX words, the words that are used are counted in the result. */
enum { RESTART_PREFIX = 5 };
int restart_as_owner(const struct identity *id, const char **first);
