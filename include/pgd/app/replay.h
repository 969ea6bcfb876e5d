/* replay.h - a recording on the screen: `pg_diagnose replay`, `/replay`. What is shown is a model of its own (workspace/playback.h); the
 * program's goes on behind it. */
#pragma once

#include "pgd/workspace/playback.h"

/* The verb: what opt.replay_what names is looked for, read, and played, or without a screen printed. */
void replay_start(struct model *m, struct effects *fx);
/* what: a session's name, WORKSPACE/SESSION or an absolute path; "" = the newest session here. */
void replay_open(struct model *m, const char *what, struct effects *fx);
/* Back to what runs; of the verb, the program ends. */
void replay_close(struct model *m, struct effects *fx);
/* Answers of OWNER_UI from UI_REPLAY on, the timer's included. */
void replay_answer(struct model *m, struct event *ev, struct effects *fx);
/* Keys, while a recording is shown. False: none is. */
bool replay_key(struct model *m, struct key k, struct effects *fx);
/* What is to be painted: the recording's model, or m. */
const struct model *replay_shown(struct model *m);

/* ---- its parts ---- */
/* replay_load.c: finds and reads. The end is replay_loaded() or replay_failed(). */
void replay_load(struct model *m, const char *what, struct effects *fx);
void replay_load_answer(struct model *m, struct event *ev, struct effects *fx);
void replay_loaded(struct model *m, struct recording *r, struct effects *fx);
void replay_failed(struct model *m, const struct err *e, struct effects *fx);
/* replay_print.c: the events as lines, a summary last; the program ends. */
void replay_print(struct model *m, const struct recording *r, struct effects *fx);
