/* drift.h - what has changed under a workspace since it was used last: the server, its machine, and the settings that its
 * ARCHIVED sessions had proved. One line each, for people. */
#pragma once

#include "pgd/workspace/model.h"

/* What workspace.json said against what answers now: version, CPUs, memory. What is not known on either side is no change. */
void drift_machine(struct workspace *w, const struct server_facts *before,
                   const struct server_facts *now);

/* The value of a setting that an ARCHIVED session has left, the newest that names it. */
struct proved {
    char name[SETTING_NAME_MAX], shown[SETTING_VALUE_MAX], session[128];
};
struct proved_list {
    int n;
    struct proved rows[LEDGER_MAX];
};
/* A digest for FILE_READ_MANY over files session.json, the newest first; arg is not looked at. What cannot be read, or is of
 * a session that did not end as ARCHIVED, is passed over. Returns a struct proved_list, for free(). */
void *drift_digest(const char *data, size_t len, const char *arg);
/* Adds a line for each proved value that is not what runs. `ours`: the ledger of a session that is open, whose own changes
 * are no drift; NULL = there is none. */
void drift_settings(struct workspace *w, const struct proved_list *p, const struct settings *now,
                    const struct ledger *ours);
