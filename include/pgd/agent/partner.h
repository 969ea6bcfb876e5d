/* partner.h - who is asked, and what it has cost: the state that all questions to models share.
 *
 * Plain data, changed by ask.c and by the commands /model, /privacy and /cost alone. The functions that change it are called by
 * them; each is told the time. */
#pragma once

#include "pgd/agent/prices.h"

enum partner_kind { PARTNER_BUILTIN, PARTNER_GEMINI, PARTNER_OPENAI };
const char *partner_kind_name(enum partner_kind k); /* "builtin", "gemini", "openai" */

/* After three failures in a row nobody is asked for a while, so that a dead model costs the session nothing. */
enum breaker_state {
    /* Calls go out. The third failure in a row → OPEN. */
    BREAKER_CLOSED,
    /* Nothing is sent, the builtin advisor answers, until until_us. → TRYING */
    BREAKER_OPEN,
    /* One call goes out: a whole answer → CLOSED, else → OPEN for twice as long, 10 minutes at most. */
    BREAKER_TRYING
};

struct breaker {
    enum breaker_state state;
    int failures; /* in a row */
    int64_t until_us;
    int pause_s;
    char why[200]; /* of the last failure */
};

struct spent {
    int calls, cached_calls;
    int64_t in, cached, thinking, out; /* tokens */
    double usd;                        /* of calls with a known price */
    int unpriced;                      /* calls without one */
    int estimated;                     /* calls whose tokens nobody has told: they are estimates */
    double seconds;
};

/* One call, as /cost shows it. */
struct call_note {
    enum op op;
    char model[MODEL_NAME_MAX];
    struct usage usage;
    bool usage_known;
    double usd, seconds;
    int64_t wall_us;
    bool estimated; /* usage is what the texts come to: nobody has told */
    bool from_cache, failed;
    char why[120]; /* of a failure, or of a fallback */
};
enum { CALL_NOTES_MAX = 64 };

/* An answer that may serve once more: for an identical request within a day. */
struct cached_answer {
    uint64_t key[4]; /* SHA-256 over model, operation and request without its nonce */
    int64_t wall_us;
    char *text; /* owned: the model's whole text */
    size_t len;
    bool memory_only; /* it is in no file */
};
enum { CACHE_MAX = 64 };

struct partner {
    enum partner_kind kind;   /* whom the DBA wants */
    struct endpoint endpoint; /* of the model; meaningless for BUILTIN */
    enum privacy privacy;
    struct mask *mask; /* owned; NULL before the first need */
    struct prices prices;
    struct breaker breaker;
    struct spent session, workspace; /* workspace: all sessions', this one included */
    double cap_usd;                  /* of a session; 0 = none */
    int cap_calls;
    bool warned_80, capped;
    bool told;      /* the first-use notice was agreed to (headless: by --advisor and the key) */
    bool reached;   /* the address has answered something, be it a refusal */
    bool no_stream; /* answers come in one piece: for proxies that hold streams back */
    int ncalls;
    struct call_note calls[CALL_NOTES_MAX]; /* the newest last */
    struct cached_answer cache[CACHE_MAX];
    int nmodels;
    char models[MODELS_MAX][MODEL_NAME_MAX]; /* of the provider's list */
    bool models_asked;
    struct err models_err;
    char gone[MODEL_NAME_MAX]; /* the model that answered 404: the picker is to be shown */
};

enum {
    BREAKER_FAILURES = 3,
    BREAKER_PAUSE_S = 60,
    BREAKER_PAUSE_MAX_S = 600,
    CAP_CALLS = 400, /* of a session, unless the DBA says otherwise */
};
#define PARTNER_CAP_USD 5.0 /* … likewise */

/* Would a call go out now? False: the builtin advisor answers, and why (bounded) says so for the screen; "" when it was chosen. */
bool partner_speaks(const struct partner *p, int64_t now_us, char *why, size_t size);
/* A cap is reached; why as above. */
bool partner_capped(const struct partner *p, char *why, size_t size);
/* What the next answer is labelled with: the model's name, "builtin". */
void partner_name(const struct partner *p, struct advisor_name *out);
/* Adds b to a. */
void partner_spent_add(struct spent *a, const struct spent *b);
/* Keeps the note of a call and adds it to what was spent; warned_80 and capped are set where a cap is near or reached. */
void partner_note(struct partner *p, const struct call_note *c);
/* A call goes out: the one that an open breaker lets through is known by true. */
bool partner_sends(struct partner *p, int64_t now_us);
/* A whole answer that could be used: the breaker closes. */
void partner_answered(struct partner *p);
/* A question was not answered; why in words. What only the DBA can mend (key, region, model, a day's quota) opens the breaker at
 * once. */
void partner_failed(struct partner *p, enum wire_fault fault, const char *why, int64_t now_us);
/* Nobody is there, and nobody was before: the breaker opens at once. */
void partner_nobody(struct partner *p, const char *why, int64_t now_us);
/* The call that an open breaker had let through was stopped: the next one tries. */
void partner_untried(struct partner *p, int64_t now_us);
/* Another model, key or address: what was held against the old one is forgotten. */
void partner_anew(struct partner *p);
/* Made when it is needed first, at the partner's level. */
struct mask *partner_mask(struct partner *p);
void partner_clear(struct partner *p);
