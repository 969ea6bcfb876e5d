/* ask.h - one question to the advisor: sent, streamed, tried again, repaired once, and answered by rules when all of it fails.
 *
 * A machine like the others: ask_begin() and ask_step() append effects and never wait. What the operation is about is handed in with
 * each call (ask_env.in), so that nothing of the model is held over a wait.
 *
 * Times: full jitter, so that many programs do not come back at once: a random part of 1 s, 2 s, 4 s … 30 s; what the server asks
 * for counts instead, with up to a fifth on top (A. Brooker, "Exponential backoff and jitter", 2015). A streamed answer of which
 * text has been shown is not asked for again: it stands, marked as broken off. */
#pragma once

#include "pgd/agent/partner.h"
#include "pgd/base/event.h"

enum ask_state {
    /* Nothing is asked. */
    ASK_IDLE,
    /* A request is out, its bytes are coming. A whole answer that reads and checks → DONE. One that does not: once, a request with
     * the validator's words (still SENT); the second time → DONE by rules. A failure that may pass → WAIT; any other → DONE by
     * rules. Cancelled → DONE, the partial text kept. */
    ASK_SENT,
    /* The next try starts at again_at_us (the screen counts down). → SENT */
    ASK_WAIT,
    /* `answer` holds the answer; `failure` says why it is by rules, or that it was cancelled. ask_reset() → IDLE */
    ASK_DONE
};

/* Questions may be open side by side: the loop's own, the DBA's, and what explains itself (errors, anomalies). */
enum ask_slot { ASK_FLOW, ASK_CHAT, ASK_ASIDE, ASK_SLOTS };

enum {
    ASK_TRIES = 5,
    ASK_BACKOFF_MS = 1000,
    ASK_BACKOFF_MAX_MS = 30000,
    ASK_WAIT_BUDGET_S = 120,
    ASK_NOBODY_S =
        5 /* so long the loop looks for an address that has never answered: then it goes on by rules */
};

/* What a request is made with; borrowed for the call alone. */
struct ask_env {
    struct partner *partner;
    const struct op_input *in;
    int64_t now_us, wall_us;
    uint64_t random; /* fresh with each call: jitter, and the fence's nonce */
    int wait_s; /* at most so long in WAIT, where it is less than ASK_WAIT_BUDGET_S; 0 = that */
};

struct ask {
    enum ask_state state;
    enum ask_slot slot;
    uint32_t generation, waiting;
    enum op op;
    int attempt; /* 1 … ASK_TRIES */
    bool repairing, repaired;
    bool stricter;   /* blocked once: asked again with figures alone */
    bool trying;     /* the one call that an open breaker lets through: no second try */
    int max_tokens;  /* of the answer; more after one that was cut */
    uint64_t key[4]; /* of the request, for the cache */
    int64_t begun_us, sent_us, again_at_us, first_byte_us;
    int64_t waited_us; /* spent in WAIT: bounded by ASK_WAIT_BUDGET_S */
    char note[160];    /* for the screen: "attempt 2/5 in 6 s: overloaded" */
    struct wire wire;  /* text so far: op_partial() */
    struct wire_failure failure;
    bool cancelled;
    bool nobody;              /* there was no connection, and never has been one to this address */
    bool kept;                /* the answer may serve once more: it is in the cache under `key` */
    struct buf said;          /* the answer that is being repaired */
    char wrong[400];          /* what is wrong with it */
    struct packet packet;     /* of the request that is out: for the audit and the repair */
    struct op_answer *answer; /* owned; DONE */
    struct usage usage;       /* of all tries */
    double usd;
};

/* Asks. With a builtin partner, an open breaker, a spent cap or an answer in the cache it is DONE at once. */
void ask_begin(struct ask *a, enum op op, const struct ask_env *env, struct effects *fx);
/* Takes events of OWNER_ASK, and EV_TICK for the countdown; false when it is not this question's. */
bool ask_step(struct ask *a, const struct event *ev, const struct ask_env *env, struct effects *fx);
/* Stops what is out: the END that follows is not waited for. What came so far stays in wire.text; the answer is by rules. */
void ask_cancel(struct ask *a, const struct ask_env *env, struct effects *fx);
/* Back to IDLE; the generation moves on, so that late bytes are dropped. */
void ask_reset(struct ask *a);
/* A request or its pause is under way. */
bool ask_open(const struct ask *a);
/* The numbers that no question's request has: for what else is asked of a provider (the list of models). */
enum { ASK_NO_QUESTION = 0 };
/* The request that ask_begin() would send now with the same env, as text for the DBA's eye: address, headers without the key, body
 * byte by byte. False when nothing would be sent; out then says why. */
bool ask_preview(enum op op, const struct ask_env *env, struct buf *out);
