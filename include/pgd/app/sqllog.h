/* sqllog.h - the statements that the program sent, for who wants to see them: "/sql-log". */
#pragma once

#include "pgd/workspace/model.h"

/* Takes down what fx sends to the server; the ticks of the telemetry are left out, they would be all that is seen. */
void sqllog_note(struct model *m, const struct effects *fx);
/* The last n of them, the newest first, as a page. Appended. */
void sqllog_page(const struct model *m, int n, struct buf *out);
