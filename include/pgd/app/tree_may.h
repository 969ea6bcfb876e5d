/* tree_may.h - what each key of the session tree needs, and the reason where it cannot act: one table. */
#pragma once

#include "pgd/workspace/model.h"

/* The key acts on that node now. False and *why: a sentence without its full stop. */
bool tree_may(const struct model *m, enum tree_act act, struct tree_node n, char *why, size_t size);
/* The act of a letter; TREE_NOTHING = it is none of the tree's. */
enum tree_act tree_act_of(struct key k);
/* The reason where the DBA looks: in the key line for some seconds, and among what was said. */
void tree_refuse(struct model *m, const char *why);
