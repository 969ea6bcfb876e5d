/* disk_tree.c - folders: listing, making with parents, removing with contents. Never through a link:
 * a removal that follows one would leave our home. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/io/disk.h"
#include "pgd/io/disk_error.h"

enum { DEPTH_MAX = 64, PASSES_MAX = 8 };

/* -- list ------------------------------------------------------------------------------------- */

struct names {
    char **items;
    size_t n, cap;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_folder(int fd, const struct dirent *d)
{
    struct stat st;
    if (d->d_type != DT_UNKNOWN)
        return d->d_type == DT_DIR;
    return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void collect_names(DIR *dir, struct names *list)
{
    const struct dirent *d;
    while (list->n < DISK_LIST_MAX && (d = readdir(dir))) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 || strchr(d->d_name, '\n'))
            continue;
        struct buf name = {0};
        buf_puts(&name, d->d_name);
        if (is_folder(dirfd(dir), d))
            buf_putc(&name, '/');
        list->items = xgrow(list->items, &list->cap, list->n + 1, sizeof(*list->items));
        list->items[list->n++] = buf_take(&name);
    }
}

bool disk_list(const char *path, struct disk_out *o)
{
    DIR *dir = opendir(path);
    if (!dir) {
        o->missing = errno == ENOENT;
        disk_error(&o->err, "list", path, errno);
        return false;
    }
    struct names list = {0};
    collect_names(dir, &list);
    closedir(dir);
    if (list.n > 0)
        qsort(list.items, list.n, sizeof(*list.items), by_name);
    struct buf text = {0};
    for (size_t i = 0; i < list.n; i++) {
        buf_puts(&text, list.items[i]);
        buf_putc(&text, '\n');
        free(list.items[i]);
    }
    free(list.items);
    o->len = text.len;
    o->size = (int64_t)list.n;
    o->text = text.data ? buf_take(&text) : xstrdup("");
    return true;
}

/* -- make ------------------------------------------------------------------------------------- */

/* Makes one folder and makes its entry durable. */
static bool make_one(const char *path, struct disk_out *o)
{
    if (mkdir(path, 0700) != 0) {
        if (errno == EEXIST)
            return true;
        disk_error(&o->err, "create the folder", path, errno);
        return false;
    }
    char *parent = xstrdup(path);
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent ? 1 : 0] = '\0';
    const int fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(parent);
    return true;
}

bool disk_mkdir(const char *path, struct disk_out *o)
{
    char *part = xstrdup(path);
    size_t len = strlen(part);
    while (len > 1 && part[len - 1] == '/')
        part[--len] = '\0';
    bool ok = true;
    for (size_t i = 1; ok && i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        const char held = part[i];
        part[i] = '\0';
        struct stat st;
        if (stat(part, &st) != 0)
            ok = make_one(part, o);
        part[i] = held;
    }
    struct stat st;
    if (ok && (stat(part, &st) != 0 || !S_ISDIR(st.st_mode))) {
        disk_error(&o->err, "create the folder", path, ENOTDIR);
        ok = false;
    }
    free(part);
    return ok;
}

/* -- remove ----------------------------------------------------------------------------------- */

static bool remove_entry(int at, const char *name, int depth, struct disk_out *o);

/* Removes what a folder holds. Reading goes on while entries go away, which may skip some: repeat. */
static bool empty_folder(int fd, int depth, struct disk_out *o)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return false;
    }
    bool ok = true, more = true;
    for (int pass = 0; ok && more && pass < PASSES_MAX; pass++) {
        const struct dirent *d;
        more = false;
        rewinddir(dir);
        while (ok && (d = readdir(dir))) {
            if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                continue;
            more = true;
            ok = remove_entry(dirfd(dir), d->d_name, depth + 1, o);
        }
    }
    closedir(dir);
    return ok;
}

static bool remove_entry(int at, const char *name, int depth, struct disk_out *o)
{
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return true;
        disk_error(&o->err, "remove", name, errno);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
            return true;
        disk_error(&o->err, "remove", name, errno);
        return false;
    }
    if (depth > DEPTH_MAX)
        return err_set(&o->err, ERR_FILE, "cannot remove %s: too many nested folders", name);
    const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || !empty_folder(fd, depth, o)) {
        if (o->err.code == ERR_NONE)
            disk_error(&o->err, "open", name, errno);
        return false;
    }
    if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    disk_error(&o->err, "remove", name, errno);
    return false;
}

/* An absolute path of at least two folders, with no way up: "/home/me" may go, "/" and "/home" not. */
static bool may_remove(const char *path)
{
    int parts = 0;
    if (path[0] != '/' || strstr(path, "/../") || strstr(path, "/./"))
        return false;
    for (const char *p = path; *p; p++)
        if (p[0] == '/' && p[1] != '/' && p[1] != '\0')
            parts++;
    const char *last = strrchr(path, '/') + 1;
    return parts >= 2 && strcmp(last, "..") != 0 && strcmp(last, ".") != 0;
}

bool disk_remove_tree(const char *path, struct disk_out *o)
{
    struct stat st;
    if (!may_remove(path))
        return err_set(&o->err, ERR_REFUSED, "refused to remove the folder %s", path);
    if (lstat(path, &st) != 0) {
        o->missing = errno == ENOENT;
        if (!o->missing)
            disk_error(&o->err, "remove", path, errno);
        return o->missing;
    }
    if (st.st_uid != geteuid() && geteuid() != 0)
        return err_set(&o->err, ERR_REFUSED, "refused to remove %s: it belongs to another user",
                       path);
    return remove_entry(AT_FDCWD, path, 0, o);
}

/* -- sweep ------------------------------------------------------------------------------------ */

/* .NAME.PID.tmp */
static bool is_temporary(const char *name)
{
    static const char tail[] = ".tmp";
    size_t n = strlen(name), m = sizeof tail - 1;

    if (name[0] != '.' || n <= m || strcmp(name + n - m, tail) != 0)
        return false;
    size_t at = n - m;
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
        at--;
    return at < n - m && at > 2 && name[at - 1] == '.';
}

void disk_sweep(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *d;
    struct stat st;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((d = readdir(dir)))
        if (is_temporary(d->d_name) && fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_uid == geteuid())
            (void)unlinkat(fd, d->d_name, 0);
    closedir(dir);
}
