/* ask.h - one question to the advisor: sent, streamed, tried again, repaired once, and answered by rules when all of it fails.
 *
 * A machine like the others: ask_begin() and ask_step() append effects and never wait. The owner keeps what op_input points to
 * reachable through `input`, which is called anew whenever it is needed, so that nothing of the model is held over a wait. */
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

enum { ASK_TRIES = 5, ASK_BACKOFF_MS = 1000, ASK_BACKOFF_MAX_MS = 30000, ASK_WAIT_BUDGET_S = 120 };

typedef void (*ask_input_fn)(void *arg, struct op_input *in);

/* What a request is made with; borrowed for the call alone. */
struct ask_env {
    struct partner *partner;
    const struct op_input *in;
    int64_t now_us, wall_us;
    uint64_t random; /* fresh with each call: jitter, and the fence's nonce */
};

struct ask {
    enum ask_state state;
    enum ask_slot slot;
    uint32_t generation, waiting;
    enum op op;
    int attempt; /* 1 … ASK_TRIES */
    bool repairing, repaired;
    int64_t begun_us, sent_us, again_at_us, first_byte_us;
    int64_t waited_us; /* spent in WAIT: bounded by ASK_WAIT_BUDGET_S */
    char note[160];    /* for the screen: "attempt 2/5 in 6 s: overloaded" */
    struct wire wire;  /* text so far: op_partial() */
    struct wire_failure failure;
    bool cancelled;
    struct buf said;          /* the answer that is being repaired */
    char wrong[400];          /* what is wrong with it */
    struct packet packet;     /* of the request that is out: for the audit and the repair */
    struct op_answer *answer; /* owned; DONE */
    struct usage usage;       /* of all tries */
    double usd;
};

/* Asks. With a builtin partner, an open breaker, a spent cap or an answer in the cache it is DONE at once. */
void ask_begin(struct ask *a, enum op op, const struct ask_env *env, struct effects *fx);
/* Takes events of OWNER_ASK; false when it is not this question's. */
bool ask_step(struct ask *a, const struct event *ev, const struct ask_env *env, struct effects *fx);
/* Stops what is out: the END that follows is not waited for. What came so far stays in wire.text. */
void ask_cancel(struct ask *a, const struct ask_env *env, struct effects *fx);
/* Back to IDLE; the generation moves on, so that late bytes are dropped. */
void ask_reset(struct ask *a);
/* The request that ask_begin() would send now, as text for the DBA's eye: address, headers without the key, body. False when
 * nothing would be sent; out then says why. */
bool ask_preview(enum op op, const struct ask_env *env, struct buf *out);
