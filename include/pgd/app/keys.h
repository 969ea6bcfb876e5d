/* keys.h - keys, slash commands and dialogs: what the DBA does becomes a call of the flow. */
#pragma once

#include "pgd/app/commands.h"
#include "pgd/ui/view.h"

const struct view_tables *keys_tables(void);
/* The action of a key in the panes, with the keys that the DBA has given; KC_NONE = none. */
enum key_command keys_command(const struct model *m, struct key k);
/* Does an action of commands_actions. */
void keys_run(struct model *m, int command, struct effects *fx);
void keys_key(struct model *m, struct key k, struct effects *fx);
/* What the screen does by itself as time passes. */
void keys_tick(struct model *m, struct effects *fx);
void keys_paste(struct model *m, const char *text, size_t len, struct effects *fx);
void keys_signal(struct model *m, int signo, struct effects *fx);
/* No server was named: recent workspaces, n for new, d for the demo. */
void keys_start_screen(struct model *m, struct effects *fx);
void keys_demo_ready(struct model *m, struct effects *fx);
void keys_answer(struct model *m, struct event *ev, struct effects *fx);
/* Runs a slash command ("/status") or a question typed at the prompt. */
void keys_submit(struct model *m, const char *line, struct effects *fx);
