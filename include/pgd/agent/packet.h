/* packet.h - the context packet: everything that a model is told, built from typed state for each call, never from chat history.
 *
 * The system text and the static part (schemas of answers, rules, what does not change in a session) come first and are the same
 * byte by byte in every call of a session, so that a provider's cache can serve them; volatile figures come last. Text of the database
 * travels JSON-encoded within a fence whose name is random, as data. */
#pragma once

#include "pgd/agent/ops.h"
#include "pgd/agent/privacy.h"

enum { PACKET_BUDGET = 96 * 1024 }; /* bytes of one request's texts */

struct packet_options {
    struct mask *mask; /* what is masked, and its aliases */
    const char *nonce; /* hexadecimal digits: the fence's name */
    size_t budget;     /* bytes; 0 = PACKET_BUDGET */
};

struct packet {
    char *system;       /* owned: role, rules, safety; the same for all calls */
    char *user;         /* owned: begins with the line [op=NAME] */
    const char *schema; /* JSON schema of the answer, borrowed */
    char left_out[240]; /* what the budget had no room for; "" = nothing */
};

void packet_build(enum op op, const struct op_input *in, const struct packet_options *o,
                  struct packet *out);
void packet_clear(struct packet *p);
