/* completion.h - scripts by which bash, zsh and fish complete our command line. */
#pragma once

#include "pgd/app/cli.h"

/* Appends the script of "bash", "zsh" or "fish"; false for another word. */
bool completion_write(const char *shell, struct buf *out);
