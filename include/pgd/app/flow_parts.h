/* flow_parts.h - what the files of the flow share with each other; nobody else includes it. */
#pragma once

#include "pgd/app/flow.h"
#include "pgd/protocol/summary.h"

/* flow.c */
struct req flow_req(struct model *m); /* a new request; the flow waits for its answer */
struct req flow_store_req(void);      /* fire and forget: only errors are looked at */
void flow_enter(struct model *m, enum flow_state s);
void flow_question_closed(struct model *m); /* the budget runs again */
void flow_fail(struct model *m, const struct err *e, const char *what, struct effects *fx);
/* Opens the dialog of an error, with what advise_failed() has found out about it; title "" = its usual one. */
void flow_show_error(struct model *m, const struct err *e, const char *title);
/* Opens the dialog of a decision; below that of an error which the DBA has not closed yet. */
void flow_show_decision(struct model *m, enum dialog_kind kind);
void flow_emit(struct model *m, struct line *l, struct effects *fx); /* a JSON line; takes l */
bool flow_waits(const struct model *m, const struct event *ev);
void flow_fresh(
    struct model *m); /* no session: the record and all that was decided in it are emptied */
void flow_keep_identity(
    struct model *m); /* after a refresh: the pinned server stays the pinned one */

/* What the advisor has answered (advise.c calls the operation's own). */
void flow_sight_known(struct model *m, const struct op_answer *a, struct effects *fx);
void flow_plan_known(struct model *m, const struct op_answer *a, struct effects *fx);
void flow_target_known(struct model *m, const struct op_answer *a, struct effects *fx);
void flow_round_advised(struct model *m, const struct op_answer *a, struct effects *fx);
void flow_next_known(struct model *m, const struct op_answer *a, struct effects *fx);
void flow_report_known(struct model *m, const struct op_answer *a, struct effects *fx);
void flow_restored(struct model *m, const struct op_answer *a, struct effects *fx);

/* flow_open.c: connect to First Sight */
/* The name and the folder of the workspace, from what the control link is connected to. */
void flow_name_workspace(struct model *m);
void flow_open_discovered(struct model *m, struct effects *fx);
void flow_open_event(struct model *m, const struct event *ev, struct effects *fx);
void flow_leave_paused(struct model *m, struct effects *fx); /* then the next one, or First Sight */
/* The budget's end, so many seconds from now; never too soon for what was gained to be confirmed. */
void flow_budget_again(struct model *m, double left_s);
void flow_recover_decided(struct model *m, bool resume, struct effects *fx);
/* A session of which only the journal could be read is undone: its row says so, and the start goes on. */
void flow_undone(struct model *m, struct effects *fx);
void flow_sight(struct model *m, struct effects *fx);
bool flow_sight_old(const struct model *m); /* of more than a minute ago */
/* The same for a session after another in this program: settings and totals are asked for anew first. */
void flow_sight_again(struct model *m, struct effects *fx);
/* Goes on when they are there, or could not be had; true = it has. */
bool flow_sight_pump(struct model *m, struct effects *fx);

/* flow_persist.c: settings of the operating system are kept over the machine's next start */
bool flow_persist_busy(const struct model *m);
bool flow_persist_pump(struct model *m, struct effects *fx);
bool flow_persist_event(struct model *m, const struct event *ev, struct effects *fx); /* taken? */
int flow_persist_open(const struct model *m); /* how many the session has left in force */
/* The archived session that was asked for is at hand, with its ledger; or it cannot be had. */
void flow_persist_read(struct model *m, const struct err *e, struct effects *fx);

/* flow_handover.c: the settings of a finished session go to a managed file */
bool flow_handover_busy(const struct model *m);
/* Reads the newest archived session of the workspace, for fl.persist_then. False: there is none. */
bool flow_handover_archived(struct model *m, struct effects *fx);
bool flow_handover_event(struct model *m, const struct event *ev, struct effects *fx);
bool flow_handover_pump(struct model *m, struct effects *fx);

/* flow_found.c: files of an interrupted restart that no session knows of; false = there are none */
bool flow_found_begin(struct model *m, struct effects *fx);
bool flow_found_event(struct model *m, const struct event *ev, struct effects *fx);

/* flow_down.c: the server does not answer at the start */
void flow_down_look(struct model *m, const struct event *ev, struct effects *fx);
bool flow_down_busy(const struct model *m);
void flow_down_event(struct model *m, const struct event *ev, struct effects *fx);

/* flow_prepare.c: what leads pgbench to the workload's database, from this machine; from bench_place's other one */
void flow_bench_target(const struct model *m, struct bench_target *t);
void flow_bench_target_there(const struct model *m, struct bench_target *t);

/* flow_observe.c. Before each answer that a run gets: what a window cannot know by itself. */
void flow_observe_feed(struct model *m);

/* flow_plan.c: strategy and plan */
void flow_strategy_ask(struct model *m, struct effects *fx);
void flow_strategy_picked(struct model *m, int index, struct effects *fx);
void flow_plan_go(struct model *m, struct effects *fx);
bool flow_restart_possible(const struct model *m);
enum restart_way flow_restart_way(const struct model *m);
/* Why the server may not be restarted at this moment, in words that stay until the next call; NULL = it may. */
const char *flow_restart_refused(struct model *m);
/* Holds a switch that restarts the server back until the maintenance window opens; false = go on. */
bool flow_window_hold(struct model *m, const struct arm *arm);
bool flow_window_pump(struct model *m, struct effects *fx);
/* Seconds of the window that may be used for runs, where a switch of what is measured restarts the server; else many. */
double flow_window_left_s(struct model *m);
/* The figures of workspace/consent.h as an event; when: "plan", "baseline", "restart". */
void flow_consent_emit(struct model *m, const char *when, struct effects *fx);
/* Once more where a restart is proposed for the first time. */
void flow_consent_again(struct model *m, struct effects *fx);

/* flow_statements.c: a workload from the server's statements */
void flow_statements_event(struct model *m, const struct event *ev, struct effects *fx);

/* flow_watch.c: the watchdog, and the work of others */
enum watch_gate { WATCH_GATE_WAIT, WATCH_GATE_OPEN, WATCH_GATE_SHUT };
void flow_watch_begin(struct model *m); /* a session begins or goes on */
bool flow_watch_pump(struct model *m, struct effects *fx);
/* Marks a finished run that the work of others has spoilt; it is made again while the budget lasts. */
void flow_watch_run(struct model *m, struct bench_run *run);
/* Whether the first run may begin: asked again with every event while it says WAIT. */
enum watch_gate flow_watch_gate(struct model *m, struct err *e);

/* flow_manual.c: what the DBA does by hand */
void flow_way_known(
    struct model *m); /* after discovery: how this server is configured, and said so */
void flow_way_pin(struct model *m); /* a session stays with the way that it began with */
bool flow_restart_by_dba(const struct model *m); /* a restart is asked for and waited for */
void flow_manual_env(struct model *m, struct apply_env *env);
/* The runs of an arm stand together, because a person makes the switch. */
bool flow_blocks_round(const struct model *m);
bool flow_blocks_confirm(const struct model *m);
bool flow_manual_pump(struct model *m, struct effects *fx);
void flow_manual_decided(struct model *m, bool made, struct effects *fx);
/* The program or the session is to end while the DBA is waited for: true = the question stays, for the next start. */
bool flow_manual_stop(struct model *m, bool leave, struct effects *fx);
void flow_manual_over(struct model *m); /* a switch has ended: nothing is pending */
void flow_manual_asked(struct model *m, struct effects *fx); /* a switch has ended as ASKED */
/* What has to be done to undo the session as a whole, in the form in which its changes are made. */
void flow_undo_text(const struct model *m, struct buf *out);
/* Resume: the switch that was asked for comes first; false = there is none. */
bool flow_manual_take_up(struct model *m, struct effects *fx);
bool flow_manual_taken(struct model *m, struct effects *fx); /* … and has ended */
bool flow_manual_go_on(struct model *m,
                       struct effects *fx); /* … and everything is prepared again */

/* flow_prepare.c: session folder, scripts, benchmark database, EXPLAIN */
void flow_prepare_begin(struct model *m, struct effects *fx);
void flow_explain(struct model *m,
                  struct effects *fx); /* again, under the best arm; then flow_rounds() */
bool flow_prepare_pump(struct model *m, struct effects *fx);
void flow_prepare_event(struct model *m, const struct event *ev, struct effects *fx);

/* The benchmark database again, over CONN_BENCH, which is up in it; then EXPLAIN and flow_rounds(). */
void flow_prepare_renew(struct model *m, struct effects *fx);

/* flow_rounds.c: flow_rounds() when the look of flow_bloat.c is over. */
void flow_rounds_looked(struct model *m, struct effects *fx);

/* flow_bloat.c: what the runs have done to the workload's database. Before the next round, or where there is none before the
 * confirmation: true = it is looked at, and mended where that is ours to do; then flow_rounds() is called again. */
bool flow_bloat_begin(struct model *m, bool no_round, struct effects *fx);
bool flow_bloat_event(struct model *m, const struct event *ev, struct effects *fx); /* taken? */
/* The mark of our own database (workload, loaded_bytes, db_bytes, not_ours: the first thing in it that is not ours); our tables are
 * dropped and the mark "loading" is made; it is whole. */
#define BLOAT_MARK_SQL                                                                          \
    "CREATE TABLE public.pg_diagnose_meta AS SELECT 'loading'::text AS workload, NULL::float8 " \
    "AS loaded_bytes"
extern const char flow_bloat_mark_sql[], flow_bloat_drop_sql[], flow_bloat_loaded_sql[];
/* Of a session without a baseline, with that mark: true = it is to be loaded anew. */
bool flow_bloat_marked(struct model *m, const struct rows *r, struct effects *fx);
/* A statement of the loading has failed; dropping: the first one. */
enum bloat_failed {
    BLOAT_FAILED_HARD, /* no remedy was under way, or there is no baseline yet: the session cannot go on */
    BLOAT_FAILED_SOFT,  /* before the baseline, the old tables stand: it goes on with them */
    BLOAT_FAILED_TAKEN, /* the flow has gone on, or ends with the best state */
};
enum bloat_failed flow_bloat_load_failed(struct model *m, const struct err *e, bool dropping,
                                         struct effects *fx);
void flow_bloat_load_begins(struct model *m);
/* It is loaded: true = in the middle of a session. */
bool flow_bloat_loaded(struct model *m, struct effects *fx);
/* What was done before the comparison of that number (1 + rounds before it) is part of its verdict's note. */
void flow_bloat_note(const struct model *m, int number, struct verdict *v);

/* flow_observe.c: the server's own traffic in place of a benchmark */
void flow_observe_plan(struct model *m, struct sdl *p);
void flow_observe_probe(struct model *m, struct effects *fx); /* the flow waits for its answer */
bool flow_observe_probed(struct model *m, const struct event *ev, struct err *e);
/* What the window that begins now is told. */
void flow_observe_order(struct model *m, int seconds, bool warmup);
void flow_observe_ran(struct model *m, const struct bench_run *run, const char *arm,
                      struct effects *fx);

/* flow_machines.c: one switch, one run */
void flow_run(struct model *m, int seconds, bool warmup, struct effects *fx);
/* A switch outside of a session's course: who asked looks at m->apply itself. */
void flow_switch_only(struct model *m, const struct arm *arm, struct effects *fx);
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
void flow_rounds_event(struct model *m, const struct event *ev, struct effects *fx);
/* After a repair: the target of the server as it is now. */
void flow_target_again(struct model *m, const struct target *t, struct effects *fx);
void flow_round_message(struct model *m, struct round_msg *msg, struct effects *fx);

/* flow_verdict.c */
void flow_emit_verdict(struct model *m, const char *phase, int round, const struct verdict *v,
                       struct effects *fx);
/* What short runs have shown of an alternative (phase "screening") or of a change (phase "ablation"): event only. */
void flow_emit_part(struct model *m, const char *phase, int round, const char *set,
                    const char *change, bool kept, const struct race_result *r, struct effects *fx);
/* What the screening of the round under way has shown, or why there was none: once a round. */
void flow_tell_screening(struct model *m, struct effects *fx);

/* flow_flips.c: who pays for a gain, and plans that flipped */
/* Before a run of a round: true = the plans of the arm in force are asked for first, and the run follows by itself. */
bool flow_flips_begin(struct model *m, struct effects *fx);
bool flow_flips_event(struct model *m, const struct event *ev, struct effects *fx);
/* With this run, which the round has not taken yet: why the candidate is not to be kept; NULL = nothing speaks against it. */
const char *flow_statements_veto(struct model *m, const struct bench_run *run);
/* After a verdict: what it is made of, as chat lines and an event. */
void flow_statements_tell(struct model *m, const char *phase, int round, struct effects *fx);

/* flow_flips_observed.c: of observed traffic. The question for its statements; false = they cannot be told apart, or none is known. */
bool flow_flips_observed_sql(const struct model *m, struct buf *out);
/* Its answer: those that may be planned. NULL: none. */
void flow_flips_observed_read(const struct rows *r, struct flip_sources *s);
void flow_flips_observed_name(const struct flip_sources *s, int i, char *dst, size_t size);
void flow_flips_observed_say(struct model *m);

/* flow_compare.c: the best state beside the defaults and pgtune; false: nothing is compared, the session goes on */
bool flow_compare_begin(struct model *m, struct effects *fx);
void flow_compare_missed(struct model *m,
                         struct effects *fx); /* it was wanted: why it is not there */
void flow_compare_switched(struct model *m, bool restarted);
void flow_compare_failed(struct model *m, const struct err *e, struct effects *fx);
void flow_compare_ran(struct model *m, const struct bench_run *run);
const char *flow_compare_label(const struct model *m);
bool flow_compare_drive(struct model *m, struct effects *fx);

/* flow_trade.c: durability trades, where they were asked for; false: there are none, the session goes on */
bool flow_trade_begin(struct model *m, struct effects *fx);
void flow_trade_missed(struct model *m); /* they were wanted: why they are not there */
void flow_trade_switched(struct model *m, bool restarted, struct effects *fx);
void flow_trade_failed(struct model *m, const struct err *e, struct effects *fx);
void flow_trade_ran(struct model *m, struct bench_run *run); /* may take the run */
const char *flow_trade_label(const struct model *m);
bool flow_trade_drive(struct model *m, struct effects *fx);

/* flow_knee.c: the sweep of clients; false: there is none, the session goes on to its summary */
bool flow_knee_begin(struct model *m, struct effects *fx);
void flow_knee_plan(const struct model *m, struct sdl *plan);
void flow_knee_ran(struct model *m, const struct bench_run *run);
bool flow_knee_drive(struct model *m, struct effects *fx);

/* flow_measure.c: baseline, target, rounds, confirmation, settle */
void flow_baseline_begin(struct model *m, struct effects *fx);
void flow_target_ask(struct model *m, struct effects *fx);
void flow_target_decided(struct model *m, struct effects *fx);
void flow_rounds(struct model *m,
                 struct effects *fx); /* the next round, or what comes after the last */
void flow_rounds_next(struct model *m,
                      struct effects *fx); /* EXPLAIN again first when a round was kept */
void flow_confirm_begin(struct model *m, struct effects *fx);
/* A session goes on whose confirmation was made before: what comes after that. False: it has none. */
bool flow_confirmed_before(struct model *m, struct effects *fx);
double flow_confirm_cost(const struct model *m); /* seconds */
double
flow_ablate_reserve(const struct model *m); /* seconds that the rounds leave for the ablation */
/* now.confirm_s and .ablate_s: what the DBA is told before he decides whether the session ends here. */
void flow_end_costs(struct model *m);
/* What is claimed is known: the DBA decides where the target is missed, else the best state is settled on. */
void flow_claimed(struct model *m, struct effects *fx);
double flow_seconds_left(struct model *m);
bool flow_measure_pump(struct model *m, struct effects *fx);
void flow_review_done(struct model *m, struct effects *fx);
void flow_round_saved(struct model *m, struct effects *fx);
void flow_round_undone(struct model *m, struct effects *fx); /* the switch has ended */
void flow_back_to_start(struct model *m, struct effects *fx);
/* Once it is claimed: to the best state where the confirmation says so, else back to the start. */
void flow_settle_claimed(struct model *m, struct effects *fx);
void flow_settle(struct model *m, const struct arm *arm, struct effects *fx);
void flow_switch(struct model *m, const struct arm *arm, struct effects *fx);
/* A switch outside a round could not be made; the configuration is the one from before it. */
void flow_switch_failed(struct model *m, struct effects *fx);

/* flow_ablate.c: what each change of the confirmed state earns */
bool flow_ablate_begin(struct model *m, struct effects *fx); /* false = none is due */
bool flow_ablate_drive(struct model *m, struct effects *fx);
void flow_ablate_switched(struct model *m, bool restarted);
/* The switch failed, and the set that was in force still is. Where no other switch would fare better the ablation ends. */
void flow_ablate_failed(struct model *m, const struct err *e, struct effects *fx);
void flow_ablate_ran(struct model *m, const struct bench_run *run);
/* The smaller set has its confirmation; NULL = it could not be had. */
void flow_ablate_confirmed(struct model *m, const struct verdict *v, struct effects *fx);

/* flow_left.c: where the session is, for the next start */
void flow_left_pump(struct model *m, struct effects *fx);
/* The DBA has said go to the review: what he turned down is remembered. */
void flow_left_decided(struct model *m, struct effects *fx);
bool flow_left_answered(const struct model *m); /* answers of before are of the round under way */
/* The proposal that the DBA was looking at before; false = there is none. */
bool flow_left_offers(struct model *m, struct proposal *p);
void flow_left_judged(struct model *m); /* nobody needs the answers of that round any more */

/* flow_pause.c */
/* Why the baseline says nothing any more; false = it counts. */
bool flow_baseline_stale(const struct model *m, char *why, size_t size);
/* The session is stopped and undone as far as it has to be: is there something to ask first? True: flow_paused() comes later. */
bool flow_pause_asks(struct model *m, struct effects *fx);
void flow_pause_decided(struct model *m, bool keep, struct effects *fx);
/* The session ends with what was won: confirmed first, or at once as it stands. */
void flow_pause_ended(struct model *m, bool confirm, struct effects *fx);
void flow_baseline_seen(struct model *m); /* it is measured: under what, is kept with it */
void flow_server_restarted(struct model *m, struct effects *fx); /* by a switch of the session */
/* Resume: a baseline that does not count any more is dropped, and said. */
void flow_baseline_check(struct model *m);

/* flow_end.c: saving, summary, exports */
void flow_save(struct model *m, bool wait, struct effects *fx); /* session.json and index.json */
void flow_save_session(struct model *m, struct effects *fx);    /* session.json alone */
void flow_save_index(struct model *m, struct effects *fx);
void flow_save_workspace(struct model *m, struct effects *fx); /* workspace.json alone */
void flow_journal(struct model *m, const char *event, const char *key, const char *value,
                  struct effects *fx);
void flow_finish(struct model *m, struct effects *fx);   /* after settle: ARCHIVED or FAILED */
void flow_finished(struct model *m, struct effects *fx); /* … and the sweep: summary and exports */
void flow_save_failed(struct model *m, const struct event *ev, struct effects *fx);
bool flow_end_busy(const struct model *m); /* the end of a session is being written */
void flow_paused(struct model *m, struct effects *fx);
void flow_end_stuck(struct model *m, const struct err *e, struct effects *fx);
void flow_summary_line(struct model *m, struct effects *fx);
bool flow_export_finished(const struct model *m);
/* Why the open workspace has nothing to export, which states its sessions have, and what would change that. */
void flow_export_nothing(const struct model *m, struct err *e);
bool flow_end_pump(struct model *m, struct effects *fx);
void flow_end_event(struct model *m, const struct event *ev, struct effects *fx);
