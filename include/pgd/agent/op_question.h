/* op_question.h - what the files of the builtin answer to a question share; nobody else includes it.
 *
 * op_builtin_question.c has the table (recognised words, function) and what is asked of the server; op_builtin_program.c what is asked of
 * the program and of the session: how to undo, what comes next, what a restart would take; op_builtin_enough.c what wants yes or no. Every figure of an answer is the evidence's. */
#pragma once

#include "pgd/agent/op_parts.h"

struct asked {
    const struct op_input *in;
    const struct sense *s;
    struct teller *t;
};

/* "work_mem = 4MB." with its figure; nothing where the server does not tell. */
void asked_setting(const struct asked *q, const char *name);
/* The changes that the figures speak for, at most `most` of those that `of` takes (NULL: any); how many were told. */
int asked_candidates(const struct asked *q, bool (*of)(const char *name), int most);

/* Questions for yes or no (op_builtin_enough.c), in small letters: of a setting by its name; of the memory, the disk, the connections …
 * False: it is none, or of nothing that is judged there; nothing was told then. */
bool asked_enough_setting(const struct asked *q, const char *question, const char *name);
bool asked_enough_topic(const struct asked *q, const char *question);

void asked_undo(const struct asked *q);
void asked_export(const struct asked *q);
void asked_duration(const struct asked *q);
void asked_restart(const struct asked *q);
void asked_safety(const struct asked *q);
void asked_changes(const struct asked *q);
void asked_happens(const struct asked *q);
void asked_verdict(const struct asked *q);
void asked_target(const struct asked *q);
void asked_workload(const struct asked *q);
void asked_model(const struct asked *q);
void asked_pause(const struct asked *q);
void asked_files(const struct asked *q);
void asked_keys(const struct asked *q);
