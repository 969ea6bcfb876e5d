/* export.h - what a workspace gives away: the report and the configuration fragment, as text. */
#pragma once

#include "pgd/workspace/model.h"

/* workspace_report.md over all ARCHIVED sessions (FAILED never reaches an export). */
void export_report(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out);
/* postgresql.conf: the tuned settings only, evidence as comments, later sessions win. */
void export_conf(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out);
