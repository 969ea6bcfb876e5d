/* knowledge.h - what is known of each setting that may be proposed: assets/knowledge/settings.json, read and checked.
 *
 * It is data: the search takes its ladders, interactions and expectations from here, and whoever explains a setting tells the
 * same. All texts belong to the struct. */
#pragma once

#include "pgd/base/err.h"
#include "pgd/base/mem.h"
#include "pgd/tuning/knobs.h"

enum { KNOWN_MAX = 80, KNOWN_LIST_MAX = 12 };

enum known_unit { KNOWN_MEMORY, KNOWN_TIME, KNOWN_NUMBER, KNOWN_SWITCH, KNOWN_CHOICE };

/* What a load spends its time with, as far as settings differ by it. */
enum load_kind {
    LOAD_CPU,   /* reads answered from memory: plans, compilation, parallelism */
    LOAD_READ,  /* reads that wait for data files */
    LOAD_WRITE, /* WAL, checkpoints, writing pages */
    LOAD_SPILL, /* temporary files */
    LOAD_KINDS
};
const char *load_name(enum load_kind k); /* "cpu", "read", "write", "spill" */

struct known_list {
    int n;
    char items[KNOWN_LIST_MAX][96];
};

struct known_setting {
    char name[64];
    char meaning[320];
    enum known_unit unit;
    bool restart;       /* the cost of a change; else a reload */
    char otherwise[24]; /* PostgreSQL's default, as of 15, as initdb leaves it */
    int since;          /* first version_num; 0 = all */
    char versions[96];
    struct known_list interacts; /* names of other settings */
    struct known_list speaks_for,
        speaks_against; /* evidence for another (larger, on) value, in words */
    struct known_list
        ladder; /* sensible values, in rising order: "64MB", "ram/4", "database*1.2" */
    struct known_list explore; /* worth a measurement without evidence, the likeliest first */
    double
        worth[LOAD_KINDS]; /* percent that another value may earn there, by experience; 0 = none */
    char source[64];       /* chapter of PostgreSQL's manual */
};

struct knowledge {
    int n;
    struct known_setting items[KNOWN_MAX];
};

/* Reads a text of the form of assets/knowledge/settings.json into *k (heap, released with free()); NULL and *e when it is
 * not valid: a wrong type, an unknown key or unit, an interaction with a setting that has no entry, a name outside the
 * allowlist. */
struct knowledge *knowledge_parse(const char *text, size_t len, struct err *e);
/* The program's own; never NULL (an embedded text that does not parse ends the program). */
struct knowledge *knowledge_load(void);
const struct known_setting *knowledge_find(const struct knowledge *k, const char *name);

/* What relative values are reckoned by: bytes; NAN where it is not known. */
struct known_scale {
    double ram, database, cpus;
};
/* The value that a text of ladder or explore means here, as it would be proposed: "ram/4" of 16 GB is "4GB". False when it is
 * relative to something unknown. */
bool known_value(const struct known_setting *s, const char *text, const struct known_scale *scale,
                 char *dst, size_t size);
