/* advise.h - the advisor as the program asks it: the loop's operations, the DBA's questions, what explains itself.
 *
 * advise() fills the operation's input from the model, asks, and calls the operation's row (advise.c) with the answer: at once when
 * it is the builtin advisor's, else when it has come. While the loop's own question is out the flow waits (advise_busy()), and a
 * stop cancels it. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/workspace/model.h"

void advise(struct model *m, enum op op, struct effects *fx);
void advise_event(struct model *m, const struct event *ev, struct effects *fx);
/* The loop's own question is out. */
bool advise_busy(const struct model *m);
/* Stops the question of the slot; the loop's is then answered by rules, the DBA's keeps what came. */
void advise_cancel(struct model *m, enum ask_slot slot, struct effects *fx);
/* The request that the operation would send now, for the DBA's eye; false: none would, and out says why. */
bool advise_preview(struct model *m, enum op op, struct buf *out);
/* The DBA's answers in DIALOG_NOTICE, DIALOG_TRUST and DIALOG_MODEL (a name of the list, or typed). */
void advise_agree(struct model *m, bool yes, struct effects *fx);
void advise_trust(struct model *m, bool yes, struct effects *fx);
void advise_model(struct model *m, const char *name, struct effects *fx);
