/* view_detail.c - see view_detail.h. A setting is explained as /explain does without a model: by rules, from what was measured. */
#include "pgd/app/view_detail.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/agent/ops.h"

static void explain_setting(const struct model *m, const char *name, struct buf *out)
{
    struct op_answer *a = xcalloc(1, sizeof *a);
    struct evidence e;
    struct op_input in = {.e = &e, .question = name};

    model_evidence(m, &e);
    op_builtin(OP_PARAMETER, &in, a);
    buf_printf(out, "\n# What is known of it\n%s\n", a->u.prose.text);
    free(a);
}

void view_detail_more(const struct model *m, int row, struct buf *out)
{
    const struct live *l = &m->live;

    if (strcmp(l->at->name, "settings") != 0)
        return;
    if (!m->server_known)
        buf_puts(out, "\n# What is known of it\nThe server is still being looked at.\n");
    else
        explain_setting(m, tableview_text(&l->now, row, tableview_column_of(l->at, "name")), out);
}
