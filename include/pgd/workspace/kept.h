/* kept.h - a proposal under review as it is kept on the disk: the answers of the DBA outlive a pause and a kill, and are offered again
 * when the session goes on. Pure. */
#pragma once

#include "pgd/tuning/guard.h"
#include "pgd/workspace/session.h"

/* The review as it stands, of this server; round and decided stay. */
void kept_take(struct kept_review *k, const struct review *r, const struct identity *server);
/* It was given for this server: an answer is none for another. */
bool kept_here(const struct kept_review *k, const struct identity *server);
/* Something of it is not in k yet. */
bool kept_differs(const struct kept_review *k, const struct review *r);
/* Answers of before for the lines that propose the same again, from the same value, in the same alternatives and at the same price
 * (a restart or not), on the same server; a value of the DBA's passes the guard once more. A line that is
 * refused by now stays refused. Returns how many lines have an answer by it. */
int kept_give(const struct kept_review *k, struct review *r, const struct server_facts *f,
              const struct guard_policy *g);
int kept_answers(const struct kept_review *k); /* lines that have one */
