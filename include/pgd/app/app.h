/* app.h - the program put together: model, gate, io and, with a screen, the terminal. */
#pragma once

#include "pgd/app/cli.h"

/* Runs what the command line asks for; returns the exit code. */
int app_run(const struct command_line *cl);
/* A usage error on stderr; with --json a summary line on stdout too. Returns 2. */
int app_usage_error(const struct command_line *cl, const struct err *e);
