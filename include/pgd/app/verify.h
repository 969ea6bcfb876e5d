/* verify.h - `pg_diagnose verify WORKSPACE`: is the server still what the ARCHIVED sessions of a workspace have proven, and with
 * --measure, do the settings still earn it? Without a screen; what it finds decides the exit code. */
#pragma once

#include "pgd/workspace/model.h"

/* Reads the workspace; then the connection is made, and discovery goes its way. */
void verify_start(struct model *m, struct effects *fx);
/* Answers of OWNER_UI from UI_VERIFY on. */
void verify_answer(struct model *m, struct event *ev, struct effects *fx);
/* Discovery is done. True: it is looked at now, and whoever calls has nothing more to do. */
bool verify_discovered(struct model *m, struct effects *fx);
/* --measure: the one proposal of that session, what stood there before the workspace's sessions. */
void verify_propose(struct model *m, struct proposal *p);
/* --measure: why nothing of it is kept; NULL without. */
const char *verify_veto(const struct model *m);
/* The session of --measure has ended: the last line, and the end of the program. False: there is none. */
bool verify_ended(struct model *m, struct effects *fx);

/* ---- verify_look.c ---- */
struct verify_setting {
    char name[SETTING_NAME_MAX];
    char proven[SETTING_VALUE_MAX],
        now[SETTING_VALUE_MAX]; /* as SHOW prints them; now "" = not known */
    char file[300]; /* "FILE:LINE", where what runs comes from; "" = no file, or not visible */
    char by[200];   /* "role app, database shop"; "" = nobody overrides it */
    char by_value[128];
    const char *state; /* "in force", "differs", "pending restart", "overridden", "unknown" */
};
/* lines: name, sourcefile, sourceline of pg_settings; NULL = could not be asked. role, database: of the workload. */
void verify_setting(const struct server_facts *f, const struct rows *lines, const char *name,
                    const char *proven, const char *role, const char *database,
                    struct verify_setting *out);
/* What is not as it was of server and machine, a line each, appended; how many. */
int verify_server(const struct identity *then, const struct server_facts *before,
                  const struct server_facts *now, struct buf *out);
