/* pause_keys.c - see pause_keys.h. */
#include "pgd/app/pause_keys.h"

#include "pgd/app/dialogs.h"
#include "pgd/app/flow.h"
#include "pgd/base/text.h"
#include "pgd/workspace/session_rows.h"

bool pause_key(struct model *m, struct key k, struct effects *fx)
{
    if (key_is(k, 'k') || k.name == KEYN_ENTER)
        flow_decide(m, DECIDE_PAUSE, PAUSE_KEEP, fx);
    else if (key_is(k, 'b'))
        flow_decide(m, DECIDE_PAUSE, PAUSE_BACK, fx);
    else if (key_is(k, 's') || key_is(k, 'S'))
        flow_decide(m, DECIDE_PAUSE, key_is(k, 's') ? PAUSE_CONFIRM : PAUSE_END, fx);
    else
        return !key_is(k, '?');
    return true;
}

bool pause_again_key(struct model *m, struct key k, struct effects *fx)
{
    char name[128];

    if (key_is(k, 'r') || k.name == KEYN_ENTER) {
        text_copy_raw(name, sizeof name, session_rows_open(m));
        dialogs_close(m);
        flow_resume(m, name, fx);
    } else if (key_is(k, 'n')) {
        dialogs_close(m);
        flow_tune_anew(m, fx);
    } else if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
    } else {
        return !key_is(k, '?');
    }
    return true;
}
