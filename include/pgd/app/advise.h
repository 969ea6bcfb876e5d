/* advise.h - the advisor as the program asks it: the loop's operations, the DBA's questions, what explains itself.
 *
 * advise() fills the operation's input from the model, asks, and calls the operation's row (advise.c) with the answer: at once when
 * it is the builtin advisor's, else when it has come. While the loop's own question is out the flow waits (advise_busy()), and a
 * stop cancels it. The time that it takes is the session's: it ends with its budget. No question takes longer than ADVISE_MOST_S. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/workspace/model.h"

enum {
    ADVISE_MOST_S = 300, /* of any question, its tries and pauses included */
    ADVISE_LEAVE_S = 30  /* of the one that the program's end waits for */
};

void advise(struct model *m, enum op op, struct effects *fx);
void advise_event(struct model *m, const struct event *ev, struct effects *fx);
/* Once a second: countdowns, and the end of the time that a question has. */
void advise_tick(struct model *m, struct effects *fx);
/* The loop's own question is out. */
bool advise_busy(const struct model *m);
/* Stops the question of the slot; the loop's is then answered by rules, the DBA's keeps what came. */
void advise_cancel(struct model *m, enum ask_slot slot, struct effects *fx);
/* Stops all of them: whom they are asked of, or what may leave, is about to change. */
void advise_cancel_all(struct model *m, struct effects *fx);
/* The request that the operation would send now, for the DBA's eye; false: none would, and out says why. */
bool advise_preview(struct model *m, enum op op, struct buf *out);
/* advise_trouble.c: what failed explains itself. */
/* what: "connecting", "the baseline", "the change of round 2" …; the log's lines are those of the newest switch. The rules' words are
 * said and stand in advising.diagnosis. Once what has failed is reported, advise_explain() follows. */
void advise_failed(struct model *m, const char *what, const struct err *e);
/* Asks a model about it: its words take the place of the rules', also in the dialog that reports it, and are said. Each failure is one
 * event "diagnosis", with the words that it ends with. */
void advise_explain(struct model *m, struct effects *fx);
void advise_diagnosed(struct model *m, const struct op_answer *a, struct effects *fx);
/* A model is being asked about it. */
bool advise_explaining(const struct model *m);
/* Ends the program, once the failure is explained: after ADVISE_LEAVE_S at the latest. */
void advise_leave(struct model *m, int exit_code, struct effects *fx);

/* advise_start.c: who is asked, and what the DBA has said about it. */
/* From the command line and the environment, before the loop. False: --advisor names one that cannot be asked, *e says why; the
 * builtin advisor is in its place. */
bool advise_setup(struct model *m, struct err *e);
/* The files of the program's home: own prices, and whom an earlier run was allowed to talk to. */
void advise_start(struct model *m, struct effects *fx);
/* The server is known: its names are masked from now on. */
void advise_know(struct model *m);
/* Answers to what is no question: files, the list of models. */
void advise_other(struct model *m, const struct event *ev, struct effects *fx);
/* PGDIAG.md of the workspace was read. What the DBA has trusted before counts whole; of anything else only the settings count that
 * are not to be touched, until DIALOG_TRUST is answered. */
/* False: what it forbids is not known or cannot be kept whole, so nothing may be tuned; *e says why. */
bool advise_wishes(struct model *m, const struct event *ev, struct err *e);
/* Whether anything may be sent has not been answered yet: the first sight waits for that. */
bool advise_undecided(const struct model *m);
/* Shows the first-use notice, and PGDIAG.md for trust, once no other dialog is open. */
void advise_notice(struct model *m);
/* The first-use notice is answered. */
void advise_agree(struct model *m, bool yes, struct effects *fx);
/* Asks the provider for its models. */
void advise_models(struct model *m, struct effects *fx);
/* Another model of the provider; "builtin", "gemini" and "openai" change whom the DBA wants. */
void advise_use(struct model *m, const char *name, struct effects *fx);

/* advise_keep.c: what is kept of it in files. */
enum { ADVISE_ANSWERS = 10 }; /* the request that reads answers.jsonl */
/* Writes down, redacted, each request among the effects from `from` on: requests.jsonl of the session, or of the workspace; of the
 * program's home where the workspace is not ours to write to. */
void advise_audit(struct model *m, const struct ask *a, size_t from, struct effects *fx);
/* A question is over: what was spent, and the answer if it may serve once more. */
void advise_keep(struct model *m, const struct ask *a, struct effects *fx);
/* The workspace is read; text: its workspace.json, "" = new. What was spent here before counts, earlier answers are read. */
void advise_opened(struct model *m, const char *text, size_t len, struct effects *fx);
void advise_answers_known(struct model *m, const struct event *ev, struct effects *fx);
