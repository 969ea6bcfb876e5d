/* record.h - what the dashboard shows is written down: `watch --record`, `/record`. JSON lines that replay plays. */
#pragma once

#include "pgd/workspace/model.h"

enum {
    RECORD_PART_MAX = 15 * 1000 * 1000, /* bytes; then the recording goes on in another file */
    RECORD_PARTS = 4,             /* so many are kept; older ones of this recording are removed */
    RECORD_EVERY_S = 5,           /* what has come is written this often */
    RECORD_HELD_MAX = 1000 * 1000 /* bytes that wait for a slow disk at the most */
};

/* what: "" = a name of its own in the workspace's folder, a name there, an absolute path, or an absolute folder with its '/'. */
void record_start(struct model *m, const char *what, struct effects *fx);
void record_stop(struct model *m, struct effects *fx);
/* Once a second: takes what is new. */
void record_tick(struct model *m, struct effects *fx);
/* What was taken goes to the disk: the program ends. */
void record_flush(struct model *m, struct effects *fx);
/* Answers of OWNER_UI from UI_RECORD_LOOK to UI_RECORD_REMOVED. */
void record_answer(struct model *m, const struct event *ev, struct effects *fx);
