/* flow_parts.h - what the files of the flow share with each other; nobody else includes it. */
#pragma once

#include "pgd/app/flow.h"
#include "pgd/protocol/summary.h"

/* flow.c */
struct req flow_req(struct model *m); /* a new request; the flow waits for its answer */
struct req flow_store_req(void);      /* fire and forget: only errors are looked at */
void flow_enter(struct model *m, enum flow_state s);
void flow_fail(struct model *m, const struct err *e, const char *what, struct effects *fx);
void flow_emit(struct model *m, struct line *l, struct effects *fx); /* a JSON line; takes l */
bool flow_waits(const struct model *m, const struct event *ev);
void flow_fresh(
    struct model *m); /* no session: the record and all that was decided in it are emptied */
void flow_keep_identity(
    struct model *m); /* after a refresh: the pinned server stays the pinned one */

/* flow_open.c: connect to First Sight */
void flow_open_discovered(struct model *m, struct effects *fx);
void flow_open_event(struct model *m, const struct event *ev, struct effects *fx);
void flow_leave_paused(struct model *m, struct effects *fx); /* then the next one, or First Sight */
void flow_recover_decided(struct model *m, bool resume, struct effects *fx);
/* A session of which only the journal could be read is undone: its row says so, and the start goes on. */
void flow_undone(struct model *m, struct effects *fx);
void flow_sight(struct model *m, struct effects *fx);

/* flow_down.c: the server does not answer at the start */
void flow_down_look(struct model *m, const struct event *ev, struct effects *fx);
bool flow_down_busy(const struct model *m);
void flow_down_event(struct model *m, const struct event *ev, struct effects *fx);

/* flow_plan.c: strategy and plan */
void flow_strategy_ask(struct model *m, struct effects *fx);
void flow_strategy_picked(struct model *m, int index, struct effects *fx);
void flow_plan_go(struct model *m, struct effects *fx);
bool flow_restart_possible(const struct model *m);
enum restart_way flow_restart_way(const struct model *m);

/* flow_prepare.c: session folder, scripts, benchmark database, EXPLAIN */
void flow_prepare_begin(struct model *m, struct effects *fx);
void flow_explain(struct model *m,
                  struct effects *fx); /* again, under the best arm; then flow_rounds() */
bool flow_prepare_pump(struct model *m, struct effects *fx);
void flow_prepare_event(struct model *m, const struct event *ev, struct effects *fx);

/* flow_machines.c: one switch, one run */
void flow_run(struct model *m, int seconds, bool warmup, struct effects *fx);
/* Holds a switch or a run back while the connection is away (lost: it just went); false = go on. */
bool flow_hold(struct model *m, enum hold_what what, bool lost);
bool flow_release(struct model *m, struct effects *fx);
/* The finished run, with what the server did meanwhile; files, journal and events are on their way. */
void flow_take_run(struct model *m, struct bench_run *run, int arm, struct effects *fx);
double flow_arm_mean(const struct experiment *x, int arm, double (*get)(const struct bench_run *));
double flow_get_tps(const struct bench_run *r);
double flow_get_p95(const struct bench_run *r);
void flow_arm_window(const struct experiment *x, int arm, struct window *w);

/* flow_rounds.c */
void flow_round_message(struct model *m, struct round_msg *msg, struct effects *fx);
void flow_emit_verdict(struct model *m, const char *phase, int round, const struct verdict *v,
                       struct effects *fx);

/* flow_measure.c: baseline, target, rounds, confirmation, settle */
void flow_baseline_begin(struct model *m, struct effects *fx);
void flow_target_ask(struct model *m, struct effects *fx);
void flow_target_decided(struct model *m, struct effects *fx);
void flow_rounds(struct model *m,
                 struct effects *fx); /* the next round, or what comes after the last */
void flow_rounds_next(struct model *m,
                      struct effects *fx); /* EXPLAIN again first when a round was kept */
void flow_confirm_begin(struct model *m, struct effects *fx);
bool flow_measure_pump(struct model *m, struct effects *fx);
void flow_review_done(struct model *m, struct effects *fx);
void flow_round_saved(struct model *m, struct effects *fx);
void flow_settle(struct model *m, const struct arm *arm, struct effects *fx);
void flow_switch(struct model *m, const struct arm *arm, struct effects *fx);

/* flow_end.c: saving, summary, exports */
void flow_save(struct model *m, bool wait, struct effects *fx); /* session.json and index.json */
void flow_save_index(struct model *m, struct effects *fx);
void flow_journal(struct model *m, const char *event, const char *key, const char *value,
                  struct effects *fx);
void flow_finish(struct model *m, struct effects *fx); /* after settle: ARCHIVED or FAILED */
void flow_save_failed(struct model *m, const struct event *ev, struct effects *fx);
bool flow_end_busy(const struct model *m); /* the end of a session is being written */
void flow_paused(struct model *m, struct effects *fx);
void flow_end_stuck(struct model *m, const struct err *e, struct effects *fx);
void flow_summary_line(struct model *m, struct effects *fx);
bool flow_export_finished(const struct model *m);
bool flow_end_pump(struct model *m, struct effects *fx);
void flow_end_event(struct model *m, const struct event *ev, struct effects *fx);
