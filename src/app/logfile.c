/* logfile.c - see logfile.h. When the file has grown too large it becomes pg_diagnose.log.1, in place of an older one, and a
 * new one takes over its descriptor, so that whoever holds it (the terminal's stderr) need not know. Any thread may log. */
#include "pgd/app/logfile.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgd/base/buf.h"

enum { LOG_BYTES_MAX = 4 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf path, older; /* owned */
static int log_fd = -1;

static int open_file(void)
{
    return open(buf_text(&path), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Another run may have moved it already: then only our descriptor is of the old one. */
static void rotate(void)
{
    struct stat own, there;

    if (fstat(log_fd, &own) != 0 || own.st_size < LOG_BYTES_MAX)
        return;
    if (lstat(buf_text(&path), &there) == 0 && there.st_ino == own.st_ino &&
        there.st_dev == own.st_dev && rename(buf_text(&path), buf_text(&older)) != 0)
        return;
    int fd = open_file();
    if (fd < 0)
        return;
    (void)dup3(fd, log_fd, O_CLOEXEC);
    close(fd);
}

static void sink(enum log_level level, const char *line)
{
    static const char *const names[] = {"info", "warning", "error"};

    pthread_mutex_lock(&lock);
    if (log_fd >= 0) {
        rotate();
        (void)dprintf(log_fd, "%s: %s\n", names[level], line);
    }
    pthread_mutex_unlock(&lock);
}

int logfile_open(const char *home)
{
    (void)mkdir(home, 0700);
    buf_clear(&path);
    buf_clear(&older);
    buf_printf(&path, "%s/pg_diagnose.log", home);
    buf_printf(&older, "%s.1", buf_text(&path));
    pthread_mutex_lock(&lock);
    log_fd = open_file();
    pthread_mutex_unlock(&lock);
    log_sink(sink);
    return log_fd;
}

void logfile_close(void)
{
    pthread_mutex_lock(&lock);
    if (log_fd >= 0)
        close(log_fd);
    log_fd = -1;
    pthread_mutex_unlock(&lock);
    buf_clear(&path);
    buf_clear(&older);
}
