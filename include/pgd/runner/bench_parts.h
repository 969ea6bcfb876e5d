/* bench_parts.h - what the files of the bench machine share with each other; nobody else includes it. */
#pragma once

#include "pgd/runner/bench.h"

/* bench_statements.c: snapshots of pg_stat_statements around a run, one question at a time on the control connection. */

/* Asks what has to be known before the run: false when there is nothing more to ask. The answer goes to
 * bench_statements_before(), then it is asked again. */
bool bench_statements_ask(struct bench *b, struct req req, struct effects *fx);
void bench_statements_before(struct bench *b, const struct event *ev);
/* After the run: the same again. */
bool bench_statements_ask_after(struct bench *b, struct req req, struct effects *fx);
void bench_statements_after(struct bench *b, const struct event *ev);
void bench_statements_forget(struct bench *b);

/* bench_far.c: pgbench on another machine. */

/* The environment that leads pgbench to the target. */
void bench_env(struct effect *e, const struct bench_target *t);
/* words: pgbench's own argv, NULL at its end; paths are of the folder that it runs in. */
void bench_far_start(struct bench *b, char *const *words, struct req req, struct effects *fx);
/* A line of stdout; true = it is not pgbench's. b->far.over: pgbench has ended. */
bool bench_far_line(struct bench *b, const char *line);
/* The end of pgbench as the event that a local one sends; ev: at which it was told. */
void bench_far_event(const struct bench *b, const struct event *ev, struct event *out);
/* Asks for the log, as text for bench_digest_log(). */
void bench_far_fetch(struct bench *b, struct req req, struct effects *fx);
/* The folder there is of no use any more. */
void bench_far_let_go(struct bench *b, struct effects *fx);

/* bench.c */
struct req bench_ask(struct bench *b);
void bench_finish(struct bench *b); /* run.err says whether it is DONE or FAILED */

/* bench_log.c */
void bench_log_begin(struct bench *b,
                     struct effects *fx); /* after the run; ends with bench_finish() */
void bench_log_step(struct bench *b, const struct event *ev, struct effects *fx);
void bench_log_forget(struct bench *b);
