/* flow.h - the tuning session from connect to export, as one state machine over the model.
 *
 * The states and what each waits for are specified at enum flow_state (workspace/model.h). Answers come
 * as events of OWNER_FLOW; the other machines (discovery, apply, bench) are looked at by flow_pump(),
 * which runs after every event until nothing moves any more. Decisions come from the screen or, without
 * one, from the policy of app/headless. */
#pragma once

#include "pgd/workspace/model.h"

void flow_begin(struct model *m, struct effects *fx);
void flow_event(struct model *m, const struct event *ev, struct effects *fx);
void flow_link(struct model *m, const struct event *ev, struct effects *fx);
/* Answers of OWNER_BENCH. */
void flow_bench_event(struct model *m, const struct event *ev, struct effects *fx);
void flow_pump(struct model *m, struct effects *fx);
/* The DBA asks for a tuning session (Enter, t): one that is paused is offered first. */
void flow_tune(struct model *m, struct effects *fx);
/* The offers are shown again: where First Sight is old it is made anew first. False: it is not. */
bool flow_sight_renew(struct model *m, struct effects *fx);
void flow_tune_anew(struct model *m, struct effects *fx); /* a new one, whatever is paused */
/* Answers the open decision: an index, or 1 yes / 0 no / -1 back. */
void flow_decide(struct model *m, enum decision d, int value, struct effects *fx);
/* Stops what runs: the half-applied step is undone, the session is PAUSED; then the program ends if quit. */
void flow_stop(struct model *m, bool quit, int exit_code, struct effects *fx);
/* A file could not be written for want of room: a session under way is paused. */
void flow_disk_full(struct model *m, struct effects *fx);
/* Ends the program: saves, closes, prints the summary when headless. */
void flow_quit(struct model *m, int exit_code, struct effects *fx);
/* Goes on with a paused session of the workspace; "" = the newest. */
void flow_resume(struct model *m, const char *name, struct effects *fx);
/* What every change is judged by, whoever proposes it: the restart, the measured load, what PGDIAG.md forbids. Nobody makes a policy
 * of his own; who needs another one changes a member of this. */
struct guard_policy flow_policy(struct model *m);
bool flow_can_restart(
    const struct model *m); /* a way to restart is known and allowed by the plan */
/* Why no change that needs a restart can be proposed now, because of the window; NULL = it can, or no way is known. The
 * words stay until the next call. */
const char *flow_restart_why_not(struct model *m);
/* Takes back what the round whose verdict is open has kept: at once, then the session goes on from the state before it. */
void flow_undo_round(struct model *m, struct effects *fx);
/* Keeps the candidate of the round whose verdict is open, though a veto has held it back. */
void flow_lift_veto(struct model *m, struct effects *fx);
/* No further round: confirm and keep what improved. */
void flow_close(struct model *m, struct effects *fx);
/* The first connect failed for good (headless). */
void flow_connect_failed(struct model *m, const struct err *e, struct effects *fx);
/* In the plan: a workload is made of the server's own statements; the plan is shown again when it is there. */
void flow_statements_begin(struct model *m, struct effects *fx);
/* … or not: the plan is what it was before. */
void flow_statements_drop(struct model *m, struct effects *fx);
/* kind: a name of workspace/export.h; NULL, or none of those = all. */
void flow_export(struct model *m, const char *kind, struct effects *fx);
/* The sweep of clients: at the end of the session that runs, or now, of the one that has ended. */
void flow_knee(struct model *m, struct effects *fx);
/* The durability trades are measured at the end of the session that runs. */
void flow_trade(struct model *m, struct effects *fx);
/* Says what a hand-over of the newest archived session would do; with go it is done. */
void flow_handover(struct model *m, bool go, struct effects *fx);
/* args: "go", "undo", or "": it is said what would be written. */
void flow_persist(struct model *m, const char *args, struct effects *fx);
/* Something is new about the ssh link to the server's host. */
void flow_down_host(struct model *m, struct effects *fx);
