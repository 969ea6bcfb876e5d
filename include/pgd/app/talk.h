/* talk.h - the conversation: lines of the DBA go to the advisor one after the other, also while a run is under way, and
 * what it answers is said in the AI pane and kept in the transcript.
 *
 * Questions use the slot ASK_CHAT and nothing else; no answer closes or answers a dialog. Who asks: keys.c (the prompt, and
 * ':' in every dialog), commands.c (an explanation of a setting, a comparison, hardware). */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/base/event.h"
#include "pgd/workspace/model.h"

/* Asks, or queues behind what is under way. text: the question of OP_QUESTION, the setting of OP_PARAMETER, two sessions' names of
 * OP_COMPARE, "" for OP_HARDWARE. The dialog that is open, and its text, go with it. */
void talk_ask(struct model *m, enum op op, const char *text, struct effects *fx);
/* Puts into talk.preview what a model would be sent now, were this asked; text as for talk_ask(), and without meaning for the
 * operations of the loop. */
void talk_preview(struct model *m, enum op op, const char *text);
/* Explains the newest anomaly; false = there is none. */
bool talk_anomaly(struct model *m, struct effects *fx);

/* For advise(), with the operations that the conversation asks (OP_QUESTION, OP_PARAMETER, OP_ANOMALY, OP_COMPARE,
 * OP_HARDWARE): question, where, on_screen, facts, facts_rounds, anomaly. The rest is advise()'s. */
void talk_input(const struct model *m, struct op_input *in);
/* The row of these operations in advise.c: asks[ASK_CHAT] is DONE, with its answer, or cancelled with what came. The slot is reset
 * here; a further question may be out when this returns. */
void talk_answered(struct model *m, struct effects *fx);

/* Stops the question under way (Esc): what came is kept and marked. False = there was none. */
bool talk_stop(struct model *m, struct effects *fx);
/* Answers of OWNER_TALK, and of CONN_FACTS. */
void talk_event(struct model *m, const struct event *ev, struct effects *fx);
/* After every event: the transcript, the queue, the reader's place. */
void talk_pump(struct model *m, struct effects *fx);
/* Once a second: what may not last for ever. */
void talk_tick(struct model *m, struct effects *fx);
/* Scrolls the AI pane to the next older line that holds text ("" = as before). */
void talk_find(struct model *m, const char *text);
