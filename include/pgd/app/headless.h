/* headless.h - the policy that answers in place of the DBA when there is no screen (docs/contract.md). */
#pragma once

#include "pgd/workspace/model.h"

void headless_decide(struct model *m, struct effects *fx);
/* The interrupted session has settings of the operating system, and the command line lacks the consent to them: no arm of it
 * may be made the one in force but the start. */
bool headless_os_declined(const struct model *m);
/* An error ended the flow: the exit code that fits, then the end. No effect with a screen. */
void headless_error(struct model *m, const struct err *e, struct effects *fx);
void headless_link_down(struct model *m, const struct event *ev, struct effects *fx);
/* A host that the command line wants cannot be reached by ssh: the start ends there (exit 3). No effect with a screen. */
void headless_no_host(struct model *m, const struct err *e, struct effects *fx);
/* Plain text of what is new in the chat: stdout, or stderr when stdout carries JSON. */
void headless_chat(struct model *m, uint64_t *printed, struct effects *fx);
/* The session has ended, is paused or stuck: leave. */
void headless_end(struct model *m, struct effects *fx);
