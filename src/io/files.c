/* files.c - which job for the disk may run when: the loop's side of files.
 *
 * Jobs wait in one list in the order of their asking. The writer and the reader are each in order by
 * themselves, so a job has to wait here only for an earlier one of the other thread that touches the
 * same path - and a write also for the writes before it. What is marked `aside` waits for nothing but its own path. */
#include "pgd/io/files.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgd/base/log.h"
#include "pgd/base/mem.h"
#include "pgd/io/disk.h"
#include "pgd/io/disk_error.h"
#include "pgd/io/disk_own.h"
#include "pgd/io/lane.h"

enum side { SIDE_WRITE, SIDE_READ, SIDE_PRINT, SIDE_ASIDE, SIDE_COUNT };

struct job {
    struct lane_job lane; /* first: lanes know the job by it */
    struct files *files;
    struct job *prev, *next; /* of the files' list */
    enum side side;
    bool sent;        /* a lane has it */
    struct effect fx; /* owned; for printing only text and len */
    int print_fd;
    struct disk_out out;
    void *digest;
};

struct files {
    struct loop *loop;
    struct lane *lanes[SIDE_COUNT];
    struct job *first, *last;
    size_t pending, waiting, of_side[SIDE_COUNT];
    int *locks; /* descriptors held until the end */
    size_t nlocks, caplocks;
};

struct files *files_new(struct loop *l)
{
    struct files *f = xcalloc(1, sizeof(*f));
    f->loop = l;
    for (size_t i = 0; i < SIDE_COUNT; i++)
        f->lanes[i] = lane_new(l);
    return f;
}

size_t files_pending(const struct files *f)
{
    return f->pending;
}

/* -- in the worker ------------------------------------------------------------------------------ */

static void carry_out(struct job *j)
{
    const struct effect *e = &j->fx;
    const char *path = e->u.file.path;
    const char *data = e->text ? e->text : "";
    const enum file_op op = e->u.file.op;
    const bool folder = op == FILE_LIST || op == FILE_MKDIR || op == FILE_SWEEP ||
                        op == FILE_REMOVE_TREE || op == FILE_SPACE;
    if (op != FILE_READ_MANY && !disk_own_way(path, folder, &j->out))
        return;
    switch (op) {
    case FILE_SAVE:
        disk_save(path, data, e->len, &j->out);
        break;
    case FILE_APPEND:
        if (e->u.file.spare)
            disk_append_spare(path, data, e->len, &j->out);
        else
            disk_append(path, data, e->len, &j->out);
        break;
    case FILE_READ:
        disk_read(path, e->u.file.max_bytes, &j->out);
        break;
    case FILE_READ_MANY:
        disk_read_many(path, e->u.file.max_bytes, &j->out);
        break;
    case FILE_LIST:
        disk_list(path, &j->out);
        break;
    case FILE_MKDIR:
        disk_mkdir(path, &j->out);
        break;
    case FILE_LOCK:
        disk_lock(path, data, e->len, &j->out);
        break;
    case FILE_REMOVE:
        disk_remove(path, &j->out);
        break;
    case FILE_SWEEP:
        disk_sweep(path);
        break;
    case FILE_REMOVE_TREE:
        disk_remove_tree(path, &j->out);
        break;
    case FILE_SPACE:
        disk_space(path, &j->out);
        break;
    }
}

static void work_on_file(void *arg)
{
    struct job *j = arg;
    carry_out(j);
    if (!j->fx.u.file.digest || !j->out.text || j->out.err.code != ERR_NONE)
        return;
    j->digest = j->fx.u.file.digest(j->out.text, j->out.len, j->fx.u.file.digest_arg);
    free(j->out.text);
    j->out.text = NULL;
}

static void work_on_print(void *arg)
{
    struct job *j = arg;
    const char *data = j->fx.text;
    size_t left = j->fx.len;
    while (left > 0) {
        const ssize_t n = write(j->print_fd, data, left);
        if (n > 0) {
            data += n;
            left -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = j->print_fd, .events = POLLOUT};
            poll(&p, 1, 1000);
        } else if (n == 0 || errno != EINTR) {
            disk_error(&j->out.err, "write to", j->print_fd == STDERR_FILENO ? "stderr" : "stdout",
                       errno);
            return;
        }
    }
}

static void job_free(void *arg)
{
    struct job *j = arg;
    if (j->digest && j->fx.u.file.digest_free)
        j->fx.u.file.digest_free(j->digest);
    if (j->out.fd >= 0)
        close(j->out.fd);
    free(j->out.text);
    effect_clear(&j->fx);
    free(j);
}

/* -- in the loop's thread ----------------------------------------------------------------------- */

static bool is_live_data(const char *path)
{
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
}

static bool is_inside(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(folder, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool touch(const struct job *a, const struct job *b)
{
    const char *p = a->fx.u.file.path, *q = b->fx.u.file.path;
    if (a->fx.u.file.op == FILE_READ_MANY || b->fx.u.file.op == FILE_READ_MANY)
        return false;
    if (a->fx.u.file.op == FILE_SPACE || b->fx.u.file.op == FILE_SPACE)
        return false;
    return !is_live_data(p) && !is_live_data(q) && (is_inside(p, q) || is_inside(q, p));
}

static bool must_wait(const struct files *f, const struct job *j)
{
    if (j->side == SIDE_PRINT)
        return false;
    if (j->side == SIDE_ASIDE || f->of_side[SIDE_ASIDE] > 0)
        for (const struct job *i = f->first; i != j; i = i->next)
            if (i->side != SIDE_PRINT && i->side != j->side &&
                (i->side == SIDE_ASIDE || j->side == SIDE_ASIDE) && touch(i, j))
                return true;
    if (j->side == SIDE_ASIDE)
        return false;
    const enum side other = j->side == SIDE_WRITE ? SIDE_READ : SIDE_WRITE;
    if (f->of_side[other] == 0 && f->waiting == 0)
        return false;
    for (const struct job *i = f->first; i != j; i = i->next) {
        if (i->side == SIDE_WRITE && j->side == SIDE_WRITE && !i->sent)
            return true;
        if (i->side == other && touch(i, j))
            return true;
    }
    return false;
}

static void send_job(struct files *f, struct job *j)
{
    j->sent = true;
    lane_push(f->lanes[j->side], &j->lane);
}

static void send_waiting(struct files *f)
{
    struct job *next;
    for (struct job *j = f->first; j && f->waiting > 0; j = next) {
        next = j->next;
        if (!j->sent && !must_wait(f, j)) {
            f->waiting--;
            send_job(f, j);
        }
    }
}

static void unlink_job(struct files *f, struct job *j)
{
    if (j->prev)
        j->prev->next = j->next;
    else
        f->first = j->next;
    if (j->next)
        j->next->prev = j->prev;
    else
        f->last = j->prev;
    f->pending--;
    f->of_side[j->side]--;
}

static void keep_lock(struct files *f, int fd)
{
    f->locks = xgrow(f->locks, &f->caplocks, f->nlocks + 1, sizeof(*f->locks));
    f->locks[f->nlocks++] = fd;
}

static void done_with_file(void *arg)
{
    struct job *j = arg;
    struct files *f = j->files;
    struct event ev = {.kind = EV_FILE, .req = j->fx.req, .err = j->out.err};
    ev.text = j->out.text;
    ev.len = ev.text ? j->out.len : 0;
    ev.digest = j->digest;
    ev.digest_free = j->fx.u.file.digest_free;
    ev.u.file.journal_no = j->fx.u.file.journal_no;
    ev.u.file.size = j->out.size;
    ev.u.file.missing = j->out.missing;
    j->out.text = NULL;
    j->digest = NULL;
    if (j->out.fd >= 0)
        keep_lock(f, j->out.fd);
    j->out.fd = -1;
    if (ev.err.code != ERR_NONE && !ev.u.file.missing)
        log_line(LOG_WARN, "%s", ev.err.msg);
    else if (ev.err.detail[0])
        log_line(LOG_WARN, "%s", ev.err.detail);
    loop_post(f->loop, &ev);
    unlink_job(f, j);
    job_free(j);
    send_waiting(f);
}

static void done_with_print(void *arg)
{
    struct job *j = arg;
    if (j->out.err.code != ERR_NONE)
        log_line(LOG_ERROR, "%s", j->out.err.msg);
    unlink_job(j->files, j);
    job_free(j);
}

static struct job *add_job(struct files *f, enum side side, io_fn work, io_fn done)
{
    struct job *j = xcalloc(1, sizeof(*j));
    j->lane = (struct lane_job){.work = work, .done = done, .drop = job_free};
    j->files = f;
    j->side = side;
    disk_out_init(&j->out);
    j->prev = f->last;
    if (f->last)
        f->last->next = j;
    else
        f->first = j;
    f->last = j;
    f->pending++;
    f->of_side[side]++;
    return j;
}

static bool reads(enum file_op op)
{
    return op == FILE_READ || op == FILE_READ_MANY || op == FILE_LIST || op == FILE_SPACE;
}

void files_run(struct files *f, struct effect *e)
{
    const enum side side = e->u.file.aside       ? SIDE_ASIDE
                           : reads(e->u.file.op) ? SIDE_READ
                                                 : SIDE_WRITE;
    struct job *j = add_job(f, side, work_on_file, done_with_file);
    j->fx = *e;
    *e = (struct effect){.kind = FX_NONE};
    if (!j->fx.u.file.path)
        j->fx.u.file.path = xstrdup("");
    if (must_wait(f, j))
        f->waiting++;
    else
        send_job(f, j);
}

void files_print(struct files *f, int fd, const char *line, size_t len)
{
    struct job *j = add_job(f, SIDE_PRINT, work_on_print, done_with_print);
    j->fx.kind = FX_STDOUT;
    j->fx.text = xmalloc(len + 2);
    memcpy(j->fx.text, line, len);
    j->fx.len = len;
    if (len == 0 || line[len - 1] != '\n')
        j->fx.text[j->fx.len++] = '\n';
    j->fx.text[j->fx.len] = '\0';
    j->print_fd = fd;
    send_job(f, j);
}

void files_stop(struct files *f)
{
    struct job *next;
    for (struct job *j = f->first; j; j = next) {
        next = j->next;
        if (j->sent)
            continue;
        f->waiting--;
        unlink_job(f, j);
        job_free(j);
    }
}

void files_close(struct files *f)
{
    for (size_t i = 0; i < SIDE_COUNT; i++)
        lane_close(f->lanes[i]);
    for (size_t i = 0; i < f->nlocks; i++)
        close(f->locks[i]);
    free(f->locks);
    free(f);
}
