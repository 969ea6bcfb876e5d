/* bottleneck.h - where a workload's time goes, by what was measured, and what could help there. */
#pragma once

#include "pgd/agent/sense.h"

/* What can help: a class of settings, something outside the settings, or hardware. */
enum remedy { REMEDY_SETTINGS, REMEDY_WORKLOAD, REMEDY_HARDWARE, REMEDY_UNKNOWN };

struct bottleneck {
    char kind[24];    /* "commit-bound", "CPU-bound" … */
    char figure[120]; /* the evidence */
    char helps[96];   /* what can help */
    enum remedy remedy;
};

void bottleneck_find(const struct sense *s, struct bottleneck *out);
/* "commit-bound: 71 % of the samples wait for …; faster storage, or more work per commit" */
void bottleneck_text(const struct sense *s, char *dst, size_t size);
