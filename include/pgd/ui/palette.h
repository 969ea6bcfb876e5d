/* palette.h - themes: how each role of text looks on a terminal of a given ability.
 *
 * A look has three forms: attributes alone (no colour wanted or none there), 8 colours and 256. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/ui/canvas.h"

#define LOOK_BOLD 1U
#define LOOK_DIM 2U
#define LOOK_REVERSE 4U
#define LOOK_UNDERLINE 8U

struct look {
    uint8_t mono;    /* attributes on a terminal without colours */
    uint8_t attr;    /* attributes beside a colour */
    int8_t fg8, bg8; /* 0..7, -1 = the terminal's own */
    int16_t fg, bg;  /* 0..255, -1 = the terminal's own */
};

struct theme {
    const char *name;
    const struct look *looks; /* STYLE_COUNT of them */
    bool colours;             /* false: attributes alone, whatever the terminal can do */
};

const struct theme *theme_find(const char *name); /* NULL if there is none of that name */
const struct theme *theme_at(int i);              /* in the order of the list; NULL past its end */
