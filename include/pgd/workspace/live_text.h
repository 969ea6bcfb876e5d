/* live_text.h - where the exact text of a statement of a live view stands, and its plan (app/view_text.c, app/view_plan.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/base/buf.h"

enum live_text_step {
    TEXT_REST, /* nothing is awaited */
    TEXT_EXACT, /* the text as the server has it, over CONN_VIEWS. → REST: copied; or LINK, for a plan */
    TEXT_LINK,   /* CONN_PLAN is being opened in the statement's database. → LIMITS */
    TEXT_LIMITS, /* its session is made read-only and gets its time limits. → WHOSE */
    TEXT_WHOSE, /* whose statement it is, and which search path its role has. Another role's, or one that locks → REST, asked */
    TEXT_ROLE, /* the session works as the statement's role, where ours is a member of it. → PREPARE or PLAN */
    TEXT_PREPARE, /* before PostgreSQL 16 a statement with parameters has a plan when it was prepared. → PLAN */
    TEXT_PLAN /* EXPLAIN is out. → REST with a page */
};

struct live_text {
    enum live_text_step step;
    bool plan;                    /* a plan is wanted, else a copy */
    uint32_t generation, waiting; /* of the answer */
    struct buf text;              /* owned; as the screen had it, then as the server has it */
    char key[160];                /* of its row */
    char database[64], role[64];
    bool cut;   /* the server has no more of it, and it is not whole */
    bool older; /* the session does something else by now: the text is the screen's */
    char unread
        [160]; /* why the server did not give the text, which is the screen's then; "" = it did */
    struct buf
        told; /* owned; row, role, database and text of which it was said what planning may do; "" = of none */
    char as_role[64]; /* it is planned as that role; "" = as ours */
    char path[512];   /* the search path of its role; "" = ours */
    int parameters;   /* the highest number; 0 = it has none */
};

/* The files of an export of a view (app/view_export.c). */
struct live_export {
    uint32_t generation, sent; /* requests of it */
    int rows, saved;           /* rows; files that have landed */
    char path[1100];           /* without .csv and .json */
};
