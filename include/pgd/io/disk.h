/* disk.h - what is done to files, as plain blocking functions: they run in the worker threads of
 * files.c. Private to io.
 *
 * The program's own state (save, append, lock) is written to regular files that we own and that are no
 * links; anything else is refused. Reading is free outside of the folder of that state (disk_own.h): /proc and the DBA's
 * scripts belong to others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/err.h"

struct disk_out {
    struct err err; /* ERR_NONE and a detail: it went well, and there is something to know */
    char *text;     /* owned; NULL if none */
    size_t len;
    int64_t size; /* bytes of the file; -1 unknown */
    bool missing;
    int fd; /* disk_lock(): owned by the caller; -1 otherwise */
};

enum { DISK_READ_MAX = 16 * 1024 * 1024, DISK_READ_MANY_EACH = 64 * 1024, DISK_LIST_MAX = 200000 };

void disk_out_init(struct disk_out *o);
/* All return false with o->err filled. */
bool disk_save(const char *path, const char *data, size_t len, struct disk_out *o);
bool disk_append(const char *path, const char *data, size_t len, struct disk_out *o);
/* The same without room that is kept beside the file for a full disk. */
bool disk_append_spare(const char *path, const char *data, size_t len, struct disk_out *o);
/* At most max bytes (0 = DISK_READ_MAX); o->size is that of the whole file where the system tells. */
bool disk_read(const char *path, size_t max, struct disk_out *o);
/* Newline-separated paths, max bytes of each (0 = DISK_READ_MANY_EACH); unreadable ones are left out. */
bool disk_read_many(const char *paths, size_t max, struct disk_out *o);
bool disk_list(const char *path, struct disk_out *o);
bool disk_mkdir(const char *path, struct disk_out *o);
/* ERR_BUSY and o->text = what the holder wrote, when somebody else has it. */
bool disk_lock(const char *path, const char *note, size_t len, struct disk_out *o);
/* "TOTAL FREE": bytes of the file system, and those of them that an ordinary user may still write. */
bool disk_space(const char *path, struct disk_out *o);
/* A file or folder that is not there is no error: o->missing is set. */
bool disk_remove(const char *path, struct disk_out *o);
bool disk_remove_tree(const char *path, struct disk_out *o);
/* Removes from a folder what disk_save() leaves there when the program dies in it: .NAME.PID.tmp, ours, no link. Only for
 * a folder that nobody else writes to. What cannot be removed stays. */
void disk_sweep(const char *path);
