/* advise_input.h - what an operation is told, from the model: used by app/advise alone. */
#pragma once

#include "pgd/workspace/model.h"

struct advise_input {
    struct op_input in; /* borrows from the model and from what follows */
    struct evidence e;
    struct session_told *sessions; /* owned */
    struct server_facts *facts;    /* as they are now, its settings owned; NULL = the model's */
    struct arm arm;                /* what of ours is in force */
};

/* A session in brief: what it left, what it tried in vain, what each change has earned. */
void advise_tell_session(const struct session *s, struct session_told *t);
void advise_input_fill(struct model *m, enum op op, struct advise_input *x);
void advise_input_clear(struct advise_input *x);
