/* wire_dialect.h - what sets one dialect apart from the other. Private to agent/wire*.c.
 *
 * A third dialect is a third row: its file, an entry in wire.c and one in enum dialect. */
#pragma once

#include "pgd/agent/wire.h"

enum {
    RETRY_TERMINAL_MS = 300 * 1000
}; /* a server that wants longer is not asked again by itself */

struct wire_dialect {
    const char *name;       /* "gemini" */
    const char *key_header; /* what stands before the key */
    const char *key_env, *base_env, *model_env;
    const char *key_env_else; /* where the key is looked for next; NULL = nowhere */
    /* Appends the address of a question, and of the list of models. */
    void (*url)(const struct endpoint *p, bool stream, struct buf *out);
    void (*models_url)(const struct endpoint *p, struct buf *out);
    /* The caller owns the object. */
    json_t *(*body)(const struct endpoint *p, const struct packet *packet, int max_tokens,
                    bool stream, const struct wire_repair *repair);
    /* Takes one object: a whole answer, or what one event said. Errors are taken before. */
    void (*take)(struct wire *w, const json_t *obj);
    bool
        leftover_cuts; /* an event without its end makes the answer incomplete, even after a finish */
    const char *list; /* the member that holds the list of models */
    /* A model's name, borrowed from the item; NULL when it cannot generate text. */
    const char *(*model)(const json_t *item);
};

extern const struct wire_dialect wire_gemini, wire_openai;
const struct wire_dialect *wire_dialect_of(enum dialect d);

/* ---- for the dialects ---- */

/* The base without slashes at its end. */
void wire_base(const struct endpoint *p, struct buf *out);
/* Appends text of an answer, without NULs, as far as there is room. */
void wire_append(struct wire *w, const char *text, size_t len);
void wire_append_json(struct wire *w, const json_t *string);
void wire_finished(struct wire *w, enum wire_finish finish, const char *reason);
/* A count of tokens; 0 when it is missing or no count. */
int wire_count(const json_t *obj, const char *key);
/* The newest account of tokens counts; one without any says nothing. */
void wire_use(struct wire *w, const struct usage *u);
/* The schema of an answer as an object that the caller owns. NULL when it is none. */
json_t *wire_schema(const char *text);
/* What a repair says to the model. */
void wire_repair_text(const struct wire_repair *r, struct buf *said, struct buf *wrong);
/* JSON of unknown origin: invalid UTF-8 and halves of surrogates become U+FFFD, numbers may be any size. NULL if it is none. */
json_t *wire_json(const char *text, size_t len);

/* ---- failures: wire_fault.c ---- */

/* The object of an error within obj, whatever it is wrapped in: an array, a text that holds JSON. The caller owns it; NULL when obj
 * is no error. */
json_t *wire_fault_error(const json_t *obj);
/* What an answer with an error's status, or an error within a stream, means. */
void wire_fault_said(const struct wire *w, struct wire_failure *f);
/* The others: message, detail and hint for a fault that we found ourselves. */
void wire_fault_own(const struct wire *w, enum wire_fault fault, struct wire_failure *f,
                    const char *detail, ...) PGD_PRINTF(4, 5);
/* A text that is no answer: the page of a proxy (its title is quoted), or broken bytes (their beginning is). */
void wire_fault_page(const struct wire *w, struct wire_failure *f);
bool wire_fault_is_page(const char *text, size_t len);
/* "36s", "45.837906927s", "562ms", "1h2m3s", "7": milliseconds, rounded up; -1 when it is no duration. *end may be NULL. */
int wire_fault_duration(const char *s, const char **end);
/* What the header lines ask us to wait: milliseconds, or -1. A date counts from the answer's own Date, so that a wrong clock of ours
 * does not matter. */
int wire_fault_retry_after(const char *header);
/* Replaces *e's detail by words that somebody else chose: without secrets, cleaned, bounded. */
void wire_fault_quote(struct err *e, const char *lead, const char *words, size_t len);
