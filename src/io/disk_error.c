/* disk_error.c - what a failed call on a file means to the one who has to mend it. */
#include "pgd/io/disk_error.h"

#include <errno.h>
#include <string.h>

void disk_error(struct err *e, const char *doing, const char *path, int why)
{
    char text[128];
    err_set(e, ERR_FILE, "cannot %s %s: %s", doing, path, strerror_r(why, text, sizeof(text)));
    switch (why) {
    case ENOSPC:
    case EDQUOT:
        e->code = ERR_FULL;
        err_hint(e, "Free some space on the file system that holds %s.", path);
        break;
    case EROFS:
        err_hint(
            e,
            "The file system that holds %s is read-only; PG_DIAGNOSE_HOME can name another folder.",
            path);
        break;
    case EACCES:
    case EPERM:
        err_hint(e, "Check the owner and the permissions of %s and of the folders above it.", path);
        break;
    case ELOOP:
        err_hint(e,
                 "%s is a symbolic link, which is not written through: what is saved would take "
                 "the link's "
                 "place, and it may lead to another user's file. Put the file itself there.",
                 path);
        break;
    case ENOENT:
    case ENOTDIR:
        err_hint(e, "%s, or a folder of its path, does not exist.", path);
        break;
    case EMFILE:
    case ENFILE:
        err_hint(e, "Too many files are open; raise the limit (ulimit -n).");
        break;
    case EIO:
        err_hint(e, "The disk reports an error; look at the kernel's log.");
        break;
    default:
        break;
    }
}
