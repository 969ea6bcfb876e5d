/* disk.c - saving, appending, locking: what must survive a power cut, or must not be fooled by a link.
 *
 * A save is atomic: readers see the old file or the new one. An append cuts what a crash left of the
 * last line, so that a journal stays a sequence of whole lines. */
#include "pgd/io/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/io/disk_error.h"
#include "pgd/io/disk_own.h"

enum { CHUNK = 16 * 1024, RESERVE = 64 * 1024, NOTE_MAX = 1024, LOCK_TRIES = 5 };

void disk_out_init(struct disk_out *o)
{
    *o = (struct disk_out){.size = -1, .fd = -1};
}

/* The folder of a path, owned by the caller. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Test builds only: a disk that takes its time, for every file or for those whose path ends as given. */
static void test_delay(int fd)
{
#ifdef PGD_TEST_BUILD
    const char *delay = getenv("PGD_TEST_FSYNC_DELAY_MS");
    const char *only = getenv("PGD_TEST_FSYNC_DELAY_FILE");
    char link[64], path[4096];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t got = readlink(link, path, sizeof path);
    const size_t len = got > 0 ? (size_t)got : 0, end = only ? strlen(only) : 0;
    if (!delay || end > len || (end && memcmp(path + len - end, only, end) != 0))
        return;
    const long ms = strtol(delay, NULL, 10);
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
#else
    (void)fd;
#endif
}

static int sync_fd(int fd)
{
    test_delay(fd);
    return fsync(fd);
}

/* Makes a new or renamed entry durable. Some file systems cannot sync a folder: that is theirs. */
static bool sync_folder_of(const char *path, struct disk_out *o)
{
    char *folder = folder_of(path);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0;
    if (ok && sync_fd(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        ok = false;
    if (!ok)
        disk_error(&o->err, "sync the folder", folder, errno);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = ENOSPC;
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* A file of our own state: regular, ours, no link. -1 with o->err, or with errno ENOENT and no error. */
static int open_own(const char *path, int flags, const char *doing, struct disk_out *o)
{
    const int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0) {
        if (errno != ENOENT || (flags & O_CREAT))
            disk_error(&o->err, doing, path, errno);
        return -1;
    }
    struct stat st;
    const char *why = NULL;
    if (fstat(fd, &st) != 0)
        why = "it cannot be examined";
    else if (!S_ISREG(st.st_mode))
        why = "it is not a regular file";
    else if (st.st_uid != geteuid())
        why = "it belongs to another user";
    if (!why) {
        o->size = (int64_t)st.st_size;
        return fd;
    }
    close(fd);
    err_set(&o->err, ERR_REFUSED, "refused to %s %s: %s", doing, path, why);
    err_hint(&o->err, "Look at %s and move it out of the way.", path);
    errno = EPERM;
    return -1;
}

/* -- save ------------------------------------------------------------------------------------- */

/* What stands at the path must be ours to replace. */
static bool may_replace(const char *path, struct disk_out *o)
{
    const int fd = open_own(path, O_RDONLY, "replace", o);
    if (fd >= 0)
        close(fd);
    else if (o->err.code != ERR_NONE)
        return false;
    return true;
}

static bool fill_temporary(const char *tmp, const char *data, size_t len, struct disk_out *o)
{
    unlink(tmp); /* of a process that died with our number */
    const int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        disk_error(&o->err, "create", tmp, errno);
        return false;
    }
    bool ok = write_all(fd, data, len) && sync_fd(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        disk_error(&o->err, "write", tmp, why);
        unlink(tmp);
    }
    return ok;
}

bool disk_save(const char *path, const char *data, size_t len, struct disk_out *o)
{
    if (!may_replace(path, o))
        return false;
    char *folder = folder_of(path);
    struct buf tmp = {0};
    buf_printf(&tmp, "%s/.%s.%d.tmp", folder, name_of(path), (int)getpid());
    free(folder);
    bool ok = fill_temporary(buf_text(&tmp), data, len, o);
    if (ok && rename(buf_text(&tmp), path) != 0) {
        disk_error(&o->err, "replace", path, errno);
        unlink(buf_text(&tmp));
        ok = false;
    }
    buf_clear(&tmp);
    if (ok)
        o->size = (int64_t)len;
    return ok && sync_folder_of(path, o);
}

/* -- append ----------------------------------------------------------------------------------- */

/* Where the last whole line ends; -1 on an error. */
static off_t end_of_lines(int fd, off_t size)
{
    char chunk[CHUNK];
    while (size > 0) {
        const size_t want = size < CHUNK ? (size_t)size : CHUNK;
        const ssize_t n = pread(fd, chunk, want, size - (off_t)want);
        if (n != (ssize_t)want)
            return -1;
        const char *nl = memrchr(chunk, '\n', want);
        if (nl)
            return size - (off_t)want + (nl - chunk) + 1;
        size -= (off_t)want;
    }
    return 0;
}

static bool cut_torn_line(int fd, const char *path, struct disk_out *o)
{
    const off_t size = (off_t)o->size;
    char last = '\n';
    if (size == 0 || (pread(fd, &last, 1, size - 1) == 1 && last == '\n'))
        return true;
    const off_t keep = end_of_lines(fd, size);
    if (keep < 0 || ftruncate(fd, keep) != 0) {
        disk_error(&o->err, "repair", path, errno);
        return false;
    }
    err_detail(&o->err, "%lld bytes of an unfinished last line were cut from %s.",
               (long long)(size - keep), path);
    o->size = (int64_t)keep;
    return true;
}

/* Room that is given up when the disk is full, so that what was begun can still be written to its end: a journal that takes
 * no further line would leave a change without its undo. Made with the file, and again once there is room after it was given
 * up; to have none is no error. */
static char *reserve_of(const char *path)
{
    struct buf b = {0};
    buf_printf(&b, "%s.reserve", path);
    return buf_take(&b);
}

static void make_reserve(const char *path)
{
    static const char zeros[CHUNK];
    char *name = reserve_of(path);
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        bool whole = true;
        for (size_t n = 0; n < RESERVE && whole; n += sizeof zeros)
            whole = write_all(fd, zeros, sizeof zeros);
        if (!whole || sync_fd(fd) != 0)
            unlink(name);
        close(fd);
    }
    free(name);
}

static bool give_reserve_up(const char *path)
{
    char *name = reserve_of(path);
    const bool gone = unlink(name) == 0;
    free(name);
    return gone;
}

/* At the end of fd, whole or not at all. */
static bool append_whole(int fd, const char *path, const char *data, size_t len, struct disk_out *o)
{
    if (write_all(fd, data, len) && sync_fd(fd) == 0)
        return true;
    int why = errno;
    bool cut = ftruncate(fd, (off_t)o->size) == 0;
    bool full = why == ENOSPC || why == EDQUOT;
    if (cut && full && give_reserve_up(path) && write_all(fd, data, len) && sync_fd(fd) == 0)
        return true;
    disk_error(&o->err, "append to", path, why);
    if (ftruncate(fd, (off_t)o->size) != 0)
        err_detail(&o->err, "The last line of the file may be incomplete.");
    return false;
}

static bool append(const char *path, const char *data, size_t len, bool reserve, struct disk_out *o)
{
    bool created = false;
    int fd = open_own(path, O_RDWR | O_APPEND, "append to", o);
    if (fd < 0 && o->err.code == ERR_NONE) {
        fd = open_own(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL, "create", o);
        created = fd >= 0;
    }
    if (fd < 0)
        return false;
    bool ok = cut_torn_line(fd, path, o) && append_whole(fd, path, data, len, o);
    close(fd);
    if (ok && reserve)
        make_reserve(path);
    if (ok)
        o->size += (int64_t)len;
    return ok && (!created || sync_folder_of(path, o));
}

bool disk_append(const char *path, const char *data, size_t len, struct disk_out *o)
{
    return append(path, data, len, true, o);
}

bool disk_append_spare(const char *path, const char *data, size_t len, struct disk_out *o)
{
    return append(path, data, len, false, o);
}

/* -- read ------------------------------------------------------------------------------------- */

static bool read_up_to(int fd, size_t max, struct buf *out)
{
    char chunk[CHUNK];
    size_t left = max;
    while (left > 0) {
        const ssize_t n = read(fd, chunk, left < CHUNK ? left : CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        buf_append(out, chunk, (size_t)n);
        left -= (size_t)n;
    }
    return true;
}

/* Opens for reading what is a regular file, through links too; never waits for a pipe's writer. */
static int open_readable(const char *path, struct stat *st)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    const int why = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
    close(fd);
    errno = why;
    return -1;
}

/* Below the folder of our own state only what is ours is read; elsewhere whatever can be. */
static int open_for_reading(const char *path, struct disk_out *o)
{
    struct stat st = {0};
    const bool own = disk_own_below(path);
    const int fd = own ? open_own(path, O_RDONLY, "read", o) : open_readable(path, &st);
    if (fd < 0) {
        o->missing = errno == ENOENT || errno == ENOTDIR;
        if (o->err.code == ERR_NONE)
            disk_error(&o->err, "read", path, errno);
        o->err.code = ERR_FILE; /* a refusal speaks of what a file says, not of what it is */
    } else if (!own) {
        o->size = (int64_t)st.st_size;
    }
    return fd;
}

bool disk_read(const char *path, size_t max, struct disk_out *o)
{
    const int fd = open_for_reading(path, o);
    if (fd < 0)
        return false;
    const int64_t size = o->size;
    struct buf b = {0};
    const bool ok = read_up_to(fd, max > 0 ? max : DISK_READ_MAX, &b);
    if (!ok)
        disk_error(&o->err, "read", path, errno);
    close(fd);
    o->size = size > (int64_t)b.len ? size : (int64_t)b.len;
    o->len = b.len;
    o->text = ok ? (b.data ? buf_take(&b) : xstrdup("")) : NULL;
    buf_clear(&b);
    return ok;
}

static void append_section(struct buf *all, const char *path, const struct buf *one)
{
    buf_printf(all, "==> %s\n", path);
    buf_append(all, buf_text(one), one->len);
    buf_putc(all, '\n');
}

/* One of many: of our own state what is ours alone, elsewhere whatever can be read. */
static int open_one_of(const char *path)
{
    struct stat st = {0};
    struct disk_out out;

    disk_out_init(&out);
    if (!disk_own_below(path))
        return open_readable(path, &st);
    return disk_own_way(path, false, &out) ? open_own(path, O_RDONLY, "read", &out) : -1;
}

bool disk_read_many(const char *paths, size_t max, struct disk_out *o)
{
    struct buf all = {0};
    while (*paths) {
        const size_t n = strcspn(paths, "\n");
        char *path = xstrndup(paths, n);
        const int fd = n > 0 ? open_one_of(path) : -1;
        struct buf one = {0};
        if (fd >= 0 && read_up_to(fd, max > 0 ? max : DISK_READ_MANY_EACH, &one))
            append_section(&all, path, &one);
        if (fd >= 0)
            close(fd);
        buf_clear(&one);
        free(path);
        paths += n + (paths[n] == '\n' ? 1 : 0);
        if (all.len > DISK_READ_MAX)
            break;
    }
    o->len = all.len;
    o->size = (int64_t)all.len;
    o->text = all.data ? buf_take(&all) : xstrdup("");
    return true;
}

/* -- lock ------------------------------------------------------------------------------------- */

/* The file that was locked is still the one at the path: nobody replaced it in between. */
static bool still_there(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

static bool held_by_other(int fd, const char *path, struct disk_out *o)
{
    struct buf note = {0};
    read_up_to(fd, NOTE_MAX, &note);
    err_set(&o->err, ERR_BUSY, "%s is locked by another process", path);
    o->len = note.len;
    o->text = note.data ? buf_take(&note) : xstrdup("");
    close(fd);
    return false;
}

bool disk_lock(const char *path, const char *note, size_t len, struct disk_out *o)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        const int fd = open_own(path, O_RDWR | O_CREAT, "lock", o);
        if (fd < 0)
            return false;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK)
                return held_by_other(fd, path, o);
            disk_error(&o->err, "lock", path, errno);
            close(fd);
            return false;
        }
        if (!still_there(fd, path)) {
            close(fd);
            continue;
        }
        if (ftruncate(fd, 0) != 0 || !write_all(fd, note, len)) {
            disk_error(&o->err, "write", path, errno);
            close(fd);
            return false;
        }
        o->fd = fd;
        o->size = (int64_t)len;
        return true;
    }
    return err_set(&o->err, ERR_BUSY, "%s is replaced all the time", path);
}

/* -- remove a file ----------------------------------------------------------------------------- */

bool disk_remove(const char *path, struct disk_out *o)
{
    if (unlink(path) != 0) {
        o->missing = errno == ENOENT;
        if (!o->missing)
            disk_error(&o->err, "remove", path, errno);
    }
    return o->err.code == ERR_NONE;
}

bool disk_space(const char *path, struct disk_out *o)
{
    struct statvfs fs;
    struct buf text = {0};
    if (statvfs(path, &fs) != 0) {
        disk_error(&o->err, "look at", path, errno);
        return false;
    }
    buf_printf(&text, "%.0f %.0f", (double)fs.f_blocks * (double)fs.f_frsize,
               (double)fs.f_bavail * (double)fs.f_frsize);
    o->len = text.len;
    o->text = buf_take(&text);
    return true;
}
