/* cli.h - the command line: verbs, flags, and what libpq's environment adds. */
#pragma once

#include "pgd/base/buf.h"

#include "pgd/workspace/model.h"

enum verb {
    VERB_SCREEN, /* no verb: full screen */
    VERB_DEMO,
    VERB_TUNE,
    VERB_HEALTH,
    VERB_WATCH,
    VERB_WORKSPACES,
    VERB_EXPORT,
    VERB_REPLAY,
    VERB_VERIFY,
    VERB_COMPLETION,
    VERB_HELP,
    VERB_VERSION
};

struct command_line {
    enum verb verb;
    struct options opt;
    char shell[8]; /* of VERB_COMPLETION */
    bool json; /* also set when the rest is wrong: a usage error still ends with a summary line */
};

/* Reads argv. False and *e (USAGE, naming the flag) when it is wrong. */
PGD_MUST_CHECK bool cli_parse(int argc, char **argv, struct command_line *cl, struct err *e);
void cli_usage(struct buf *out); /* appended */
/* The rows of the tables of flags and of verbs, for what is made of them. False, NULL: there is no row i. */
struct cli_flag {
    const char *name; /* without its dashes */
    char letter;      /* 0 = none */
    const char *arg;  /* as the help text names it: "HOST", "safe|none"; NULL = takes none */
    const char *help;
    unsigned verbs; /* a bit for each verb that takes it; 0 = all */
};
bool cli_flag_row(size_t i, struct cli_flag *out);
const char *cli_verb_row(size_t i, enum verb *verb);
/* Splits libpq conninfo text or a URI into *c is left to libpq: it travels as the keyword dbname. */
void cli_connect_set(struct connect_params *c, const char *key, const char *value);
const char *cli_connect_get(const struct connect_params *c, const char *key);
