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
