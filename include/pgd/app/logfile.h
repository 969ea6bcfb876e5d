/* logfile.h - pg_diagnose.log in the program's home: appended to by every run, never more than two files of a few MB. */
#pragma once

#include "pgd/base/log.h"

/* Opens it, makes the home if there is none, and becomes the sink of the log. Returns its descriptor, which stays the same
 * until logfile_close(); -1 when it cannot be written: then nothing is. */
int logfile_open(const char *home);
void logfile_close(void);
