/* disk_own.c - see disk_own.h. The folders are looked at before each use: somebody who can write there could exchange them
 * afterwards, but the program's home is its user's alone. */
#include "pgd/io/disk_own.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

static char own[1200];

void disk_own_folder(const char *folder)
{
    if (!text_copy_raw(own, sizeof own, folder))
        die("the name of the folder %.60s... is too long", folder);
}

bool disk_own_below(const char *path)
{
    const size_t n = strlen(own);
    return n > 0 && strncmp(path, own, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool refuse(const char *path, const char *part, const char *why, struct disk_out *o)
{
    err_set(&o->err, ERR_FILE, "refused to use %s: %s", part, why);
    if (strcmp(path, part) != 0)
        err_detail(&o->err, "%s lies below it; nothing was read from there or written to it.",
                   path);
    return err_hint(&o->err, "Look at %s and move it out of the way.", part);
}

bool disk_own_way(const char *path, bool whole, struct disk_out *o)
{
    if (!disk_own_below(path))
        return true;
    for (size_t n = strlen(own);; n++) {
        struct stat st;
        if (path[n] != '/' && path[n] != '\0')
            continue;
        if (path[n] == '\0' && !whole)
            return true;
        char *part = xstrndup(path, n);
        const char *why = NULL;
        const bool there = lstat(part, &st) == 0;
        if (there && S_ISLNK(st.st_mode))
            why = "it is a symbolic link";
        else if (there && st.st_uid != geteuid() && st.st_uid != 0)
            why = "it belongs to another user";
        if (why)
            refuse(path, part, why, o);
        free(part);
        if (why)
            return false;
        if (!there || path[n] == '\0')
            return true;
    }
}
