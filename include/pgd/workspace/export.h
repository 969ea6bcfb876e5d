/* export.h - what a workspace gives away, as text: one table of kinds. A kind is a row and a function.
 *
 * All of them are made of the ARCHIVED sessions alone (FAILED never reaches an export), oldest first: later sessions win. */
#pragma once

#include "pgd/workspace/model.h"

/* Those that the summary of a session names come first, in this order. */
enum export_id { EXPORT_REPORT, EXPORT_CONF, EXPORT_ANSIBLE, EXPORT_NAMED };

struct export_kind {
    const char *name; /* "conf": of the command and of the screen */
    const char *file; /* below exports/ of the workspace */
    const char *help; /* one line */
    void (*write)(const struct model *m, const struct session *const *sessions, int n,
                  struct buf *out);
};

/* NULL: there is no kind i. At most EXPORTS_MAX (workspace/model.h). */
const struct export_kind *export_kind_at(int i);

/* workspace_report.md */
void export_report(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out);
/* postgresql.conf: the tuned settings only, evidence as comments. What a server of m->opt.for_version lacks is commented
 * out. */
void export_conf(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out);
