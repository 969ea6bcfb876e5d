/* cli.h - the command line: verbs, flags, and what libpq's environment adds. */
#pragma once

#include "pgd/base/buf.h"

#include "pgd/workspace/model.h"

enum verb {
    VERB_SCREEN, /* no verb: full screen */
    VERB_DEMO,
    VERB_TUNE,
    VERB_WORKSPACES,
    VERB_EXPORT,
    VERB_HELP,
    VERB_VERSION
};

struct command_line {
    enum verb verb;
    struct options opt;
    bool json; /* also set when the rest is wrong: a usage error still ends with a summary line */
};

/* Reads argv. False and *e (USAGE, naming the flag) when it is wrong. */
PGD_MUST_CHECK bool cli_parse(int argc, char **argv, struct command_line *cl, struct err *e);
void cli_usage(struct buf *out); /* appended */
/* Splits libpq conninfo text or a URI into *c is left to libpq: it travels as the keyword dbname. */
void cli_connect_set(struct connect_params *c, const char *key, const char *value);
const char *cli_connect_get(const struct connect_params *c, const char *key);
