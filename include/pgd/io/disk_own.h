/* disk_own.h - whose a path is: below the folder of the program's own state nothing is a link, and nothing belongs to
 * another user. Private to io. */
#pragma once

#include "pgd/io/disk.h"

/* Names that folder; its parents are the DBA's business. Once, before the first worker thread. */
void disk_own_folder(const char *folder);
bool disk_own_below(const char *path);
/* Looks at the folders of a path below it, and at the path itself when `whole`. False with o->err when one of them is a
 * link or of another user. What is not there is left to whoever wants it. */
bool disk_own_way(const char *path, bool whole, struct disk_out *o);
