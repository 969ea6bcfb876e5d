/* choices.h - how the DBA wants the screen and the keys: what HOME/config says, and the flags that say the same. */
#pragma once

#include <stdbool.h>

#include "pgd/base/key.h"

enum { BOUND_MAX = 64 };

/* A key that was given to an action: it takes the place of the action's own letter. */
struct bound_key {
    int command; /* of app/keys.c */
    struct key key;
    int line; /* of HOME/config */
};

struct choices {
    char theme[16]; /* "" = dark */
    bool mouse;     /* the program gets wheel and clicks; off: the terminal's own selection works */
    bool reduced_motion; /* clocks and counters step once in MOTION_S, unless data has come */
    bool plain;          /* for screen readers: one column, no lines, figures instead of graphs */
    bool title;          /* the window's title follows the prompt */
    bool no_clipboard;   /* nothing is copied (OSC 52) */
    int nbound;
    struct bound_key bound[BOUND_MAX];
};

enum { MOTION_S = 5 };

/* A choice that is to be written to HOME/config once its text has been read again. */
enum { CHOICES_PENDING = 4 };
struct choice_change {
    char name[24], value[24];
};
