/* audit.h - a sent request as one line of the session's requests.jsonl, for whoever asks later what has left. */
#pragma once

#include "pgd/agent/ops.h"
#include "pgd/agent/privacy.h"

struct audit_note {
    int64_t wall_us;
    enum op op;
    const char *model, *url; /* url: without a key, as it was asked */
    enum privacy level;      /* that it was sent at */
    struct mask
        *mask; /* that it was made with; NULL = none: literals are masked, but no known names */
    const char *body; /* as it was sent; the key is a header and is in no body */
    size_t len;
};

/* Appends one line of JSON with its newline: at, op, model, url, privacy, bytes, request. Known secrets are blotted out again, and of
 * a request that was sent at FULL the data are kept as they would have left at REDACTED. */
void audit_line(const struct audit_note *n, struct buf *out);
