/* keys.h - keys, slash commands and dialogs: what the DBA does becomes a call of the flow. */
#pragma once

#include "pgd/ui/view.h"

const struct view_tables *keys_tables(void);
void keys_key(struct model *m, struct key k, struct effects *fx);
void keys_paste(struct model *m, const char *text, size_t len, struct effects *fx);
void keys_signal(struct model *m, int signo, struct effects *fx);
/* No server was named: recent workspaces, n for new, d for the demo. */
void keys_start_screen(struct model *m, struct effects *fx);
void keys_demo_ready(struct model *m, struct effects *fx);
void keys_answer(struct model *m, const struct event *ev, struct effects *fx);
/* Runs a slash command ("/status") or a question typed at the prompt. */
void keys_submit(struct model *m, const char *line, struct effects *fx);
