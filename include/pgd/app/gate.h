/* gate.h - the last look at an effect before it is carried out.
 *
 * Three rules hold here and nowhere else, whatever a machine asked for: with --readonly nothing that changes
 * the server passes, what waits for a journal entry is held until that entry is on the disk, and `replay` neither
 * talks to anybody nor writes a file. */
#pragma once

#include "pgd/base/effect.h"

struct gate {
    bool readonly;
    bool ends;      /* … but for what readonly_ends() lets through */
    bool offline;   /* a recording is played: nothing goes out, and nothing is written */
    uint64_t saved; /* the newest journal number that is on the disk */
    struct effects held;
};

typedef void (*gate_run_fn)(void *arg, struct effect *e);  /* carries out; takes the contents */
typedef void (*gate_post_fn)(void *arg, struct event *ev); /* answers a refused effect */

/* Passes, holds or refuses each effect of fx in order; fx is empty afterwards. */
void gate_run(struct gate *g, struct effects *fx, gate_run_fn run, gate_post_fn post, void *arg);
/* Looks at every event before the update does: a saved journal entry releases what waited for it, a
 * failed one refuses it. */
void gate_event(struct gate *g, const struct event *ev, gate_run_fn run, gate_post_fn post,
                void *arg);
/* From here on nothing that changes the server passes, also of what is held; there is no way back. */
void gate_shut(struct gate *g);
void gate_clear(struct gate *g);
