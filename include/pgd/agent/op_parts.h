/* op_parts.h - what the files of the operations share with each other; nobody else includes it.
 *
 * Readers take a parsed answer apart, checks hold it against the evidence, op_facts.c is that evidence as text, fact_index.c its numbers, and
 * each builtin answer that rules do not already give has a file of its own. */
#pragma once

#include "pgd/agent/ops.h"
#include "pgd/agent/sense.h"
#include "pgd/base/buf.h"

/* op_read.c: of each kind of answer. False and *e in words that a model can mend its answer by. */
bool op_read_sight(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_plan(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_target(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_proposal(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_analysis(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_next(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_report(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_diagnosis(const json_t *j, struct op_answer *a, struct err *e);
bool op_read_prose(const json_t *j, struct op_answer *a, struct err *e);
/* Text without any JSON, as the answer of an operation with prose. */
bool op_read_plain(const char *text, size_t len, struct op_answer *a, struct err *e);
/* Adds a sentence to what was dropped of the answer. */
void op_note(struct op_answer *a, const char *fmt, ...) PGD_PRINTF(2, 3);

/* op_check.c: see check of struct op_row. */
bool op_check_sight(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_plan(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_target(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_proposal(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_analysis(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_next(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_report(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_diagnosis(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_prose(const struct op_input *in, struct op_answer *a, struct err *e);
bool op_check_question(const struct op_input *in, struct op_answer *a, struct err *e);
/* Takes the lines out of the builtin advisor's proposal that the DBA never wants touched, and says so in the summary; a model's are
 * left to the guard. */
void op_keep_wishes(const struct wishes *w, struct proposal *p);
/* A fact that can be asked for: "setting NAME", "table NAME", "statement ID", "plan ID", "telemetry DURATION", "round N". */
bool op_want_valid(const char *want);

/* op_facts.c: the evidence of an input, one fact a line, with each number as it was measured and as people write it. */
void op_facts(const struct op_input *in, struct buf *out);
/* fact_index.c: the same, made ready to look figures up in. */
struct fact_index {
    struct buf text;
    double *
        numbers; /* rising; sizes in bytes, times in ms, shares as 0..1, and each as it stands, too */
    size_t n;
};
void fact_index_init(struct fact_index *x, const struct op_input *in);
void fact_index_clear(struct fact_index *x);
/* Is every number of this text one of the evidence's, as far as it is written out? A text without a number: do its words occur
 * there? missing: the first number that does not (may be NULL). */
bool fact_holds(const struct fact_index *x, const char *text, char *missing, size_t size);
/* Does each claim of a running text hold? CLAIMS_EFFECTS: what carries a sign and a percent. CLAIMS_ALL: whatever looks measured,
 * with a sign, a unit, a decimal point or three digits; small counts are passed over. */
enum fact_claims { CLAIMS_EFFECTS, CLAIMS_ALL };
bool fact_claims_hold(const struct fact_index *x, const char *text, enum fact_claims which,
                      char *missing, size_t size);

/* Builtin answers that are composed: text and figures, each figure as it stands in the evidence. */
struct teller {
    struct prose *out;
    size_t len;
};
void teller_init(struct teller *t, struct prose *out);
/* A sentence, with a blank before it where it needs one; teller_line() begins a line. */
void tell(struct teller *t, const char *fmt, ...) PGD_PRINTF(2, 3);
void tell_line(struct teller *t, const char *fmt, ...) PGD_PRINTF(2, 3);
void tell_figure(struct teller *t, const char *name, const char *fmt, ...) PGD_PRINTF(3, 4);
/* "PostgreSQL 15.18, 2 CPUs, 16 GB" with its figures. */
void tell_server(struct teller *t, const struct sense *s);
/* Where the time goes, with its figure; nothing where it is not known. */
void tell_bottleneck(struct teller *t, const struct sense *s);
/* "round 2: work_mem = 64MB, +17.2 % (+11.0 to +23.9 %), kept" */
void tell_round(struct teller *t, const struct round_history *r);

void op_builtin_restore(const struct op_input *in, struct prose *out);
void op_builtin_question(const struct op_input *in, struct prose *out);
void op_builtin_parameter(const struct op_input *in, struct prose *out);
void op_builtin_anomaly(const struct op_input *in, struct prose *out);
void op_builtin_compare(const struct op_input *in, struct prose *out);
void op_builtin_hardware(const struct op_input *in, struct prose *out);
/* One setting that some session has changed, over all sessions. */
void op_merge(const struct op_input *in, const char *name, struct merged_setting *out);
void op_builtin_conflicts(const struct op_input *in, struct merged_report *out);
