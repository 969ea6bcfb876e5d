/* wire.h - two dialects of the same thing: a request to a model as JSON over HTTP, and its answer, whole or as a stream.
 *
 * A dialect is a row: how a request is made, how an answer's bytes become text, usage and an end. Which model, which address and
 * which key are in struct endpoint. Nothing here waits, retries or decides: that is ask.h. */
#pragma once

#include <jansson.h>

#include "pgd/agent/packet.h"
#include "pgd/agent/sse.h"
#include "pgd/base/effect.h"

enum dialect { DIALECT_GEMINI, DIALECT_OPENAI, DIALECT_COUNT };

enum { MODEL_NAME_MAX = 96, WIRE_TEXT_MAX = 8 * 1024 * 1024, MODELS_MAX = 64 };

/* base is written as people write it: with or without a slash at its end; of gemini with or without the version ("/v1beta"), of
 * openai with or without "/v1" when there is no other path, or with "/chat/completions" behind it. */
struct endpoint {
    enum dialect dialect;
    char model[MODEL_NAME_MAX]; /* "gemini-3.8-flash" */
    char base[512]; /* "https://generativelanguage.googleapis.com", "http://127.0.0.1:11434/v1" */
    secret_id key;  /* 0 = none: loopback only */
    bool
        no_schema; /* it does not take a schema (wire_failure.no_schema): JSON is asked for in words alone */
};

/* A model may be asked at this address with this key: https, or http to loopback; a key, or loopback; no user, query, blank or
 * control character in the address; no line break or blank in the key. An empty model passes: the list may be asked without. The
 * error names the variable to set. */
bool endpoint_check(const struct endpoint *p, struct err *e);
/* The address is this machine itself: localhost, 127.0.0.0/8 or [::1]. */
bool endpoint_loopback(const struct endpoint *p);

/* One earlier message of a repair: what the model said, and what is wrong with it. */
struct wire_repair {
    const char *said;
    const char *wrong;
};

/* The request as an effect FX_HTTP (url, headers, body, key); max_tokens bounds the answer, thoughts included. repair may be NULL.
 * No temperature and the like is ever sent: models of today refuse or ignore it. */
struct effect *wire_request(struct effects *fx, struct req req, const struct endpoint *p,
                            const struct packet *packet, int max_tokens, bool stream,
                            const struct wire_repair *repair);
/* The list of models: a GET. */
struct effect *wire_models(struct effects *fx, struct req req, const struct endpoint *p);

struct usage {
    int in; /* tokens of the request, cached ones included */
    int cached;
    int thinking;
    int out; /* of the answer, thinking excluded */
};

enum wire_finish {
    WIRE_OPEN,    /* not ended */
    WIRE_STOP,    /* a whole answer */
    WIRE_LENGTH,  /* cut at the limit of tokens */
    WIRE_BLOCKED, /* refused: safety, SPII, blocklist; `reason` */
    WIRE_OTHER    /* ended otherwise; `reason` */
};

/* Why a call did not give a whole answer, and what follows from it. */
enum wire_fault {
    FAULT_NONE,
    FAULT_REQUEST,   /* 400: our own mistake, or something that it does not take */
    FAULT_KEY,       /* 400 API_KEY_INVALID, 401, 403 */
    FAULT_REGION,    /* 400 FAILED_PRECONDITION: region or billing */
    FAULT_MODEL,     /* 404: the model is gone */
    FAULT_QUOTA_DAY, /* 429 by the day, or a limit of 0: not again today */
    FAULT_RATE,      /* 429 by the minute: again after delay_ms */
    FAULT_SERVER,    /* 408, 500, 502, 503, 504 */
    FAULT_NETWORK,   /* no answer, or it broke off */
    FAULT_TRUNCATED, /* a stream that ended without its end */
    FAULT_ANSWER,    /* what came is no answer of this dialect: HTML of a proxy, broken JSON */
    FAULT_BLOCKED,
    FAULT_LENGTH,
    FAULT_CANCELLED
};

struct wire_failure {
    enum wire_fault fault;
    bool again;     /* a further try may help */
    int delay_ms;   /* that the server asks for; -1 = none said */
    bool no_schema; /* it refused the schema, not the question: ask again with endpoint.no_schema */
    struct err err; /* detail: the server's own words, cleaned, without secrets */
};

/* What the bytes of a body are, told from the first of them. */
enum wire_body {
    /* Blanks or nothing so far. The first other byte decides: { [ " < of a whole text → WHOLE, any other → EVENTS. */
    BODY_UNKNOWN,
    /* JSON, or a page of somebody between: kept until the end. */
    BODY_WHOLE,
    /* Server-sent events; raw keeps the beginning, to be quoted when there is no event in it. */
    BODY_EVENTS
};

/* Takes an answer's bytes and keeps what they say. Bounded by WIRE_TEXT_MAX. */
struct wire {
    enum dialect dialect;
    bool stream;
    int status;
    int retry_after_ms; /* of the header; -1 = none */
    enum wire_body body;
    struct sse sse;
    struct buf raw;
    struct buf lead; /* openai: the text's beginning while it may be or is a <think> block */
    bool led;        /* openai: the beginning is over */
    struct buf text; /* the answer's text so far: thoughts are not in it */
    enum wire_finish finish;
    char reason[64];
    char model[MODEL_NAME_MAX]; /* as the answer names it; "" = not said */
    struct usage usage;
    bool usage_known;
    bool broken;      /* an event could not be read */
    bool too_much;    /* the text was cut at WIRE_TEXT_MAX, or an event at SSE_EVENT_MAX */
    bool failed;      /* an error came within the stream */
    struct buf error; /* its JSON, or an error's body */
    bool thinks;      /* thoughts are coming, no text yet */
    int events;       /* pieces that were read */
    bool done;        /* openai: [DONE] came */
};

void wire_begin(struct wire *w, enum dialect d, bool stream);
void wire_head(struct wire *w, int status, const char *header);
void wire_data(struct wire *w, const char *data, size_t len);
/* The transfer has ended (err of EV_HTTP_END; temporary as there). True: a whole answer stands in text. False with *f. */
bool wire_end(struct wire *w, const struct err *err, bool temporary, struct wire_failure *f);
void wire_clear(struct wire *w);
/* The models of an answer to wire_models(), those that can generate text, the newest first as far as can be told; how many. 0 with
 * *e when there are none or the text is no such answer. Only its first page is read: it has room for 1000. */
int wire_read_models(enum dialect d, const char *text, size_t len, char out[][MODEL_NAME_MAX],
                     int max, struct err *e);
