/* disk_error.h - errno as a message with a hint that names the path. Private to io. */
#pragma once

#include "pgd/base/err.h"

/* "cannot DOING PATH: reason". Thread-safe. */
void disk_error(struct err *e, const char *doing, const char *path, int why);
