/* Files: what is saved is whole, a journal is a sequence of whole lines, a lock has one holder, and
 * nothing is done through links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/base/buf.h"
#include "pgd/io/disk.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
    return path[i];
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_holds(const char *path, const char *text)
{
    struct disk_out o;
    disk_out_init(&o);
    assert_true(disk_read(path, 0, &o));
    assert_string_equal(o.text, text);
    assert_int_equal(o.size, strlen(text));
    free(o.text);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/pgd-files-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct disk_out o;
    (void)state;
    disk_out_init(&o);
    return disk_remove_tree(dir, &o) && access(dir, F_OK) != 0 ? 0 : -1;
}

static void a_save_replaces_the_file(void **state)
{
    struct disk_out o;
    struct stat st;
    (void)state;
    const char *path = in_dir("session.json");
    disk_out_init(&o);
    assert_true(disk_save(path, "one", 3, &o));
    assert_true(disk_save(path, "second", 6, &o));
    assert_int_equal(o.size, 6);
    assert_holds(path, "second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    disk_out_init(&o);
    assert_true(disk_list(dir, &o));
    assert_string_equal(o.text, "session.json\n"); /* no temporary file is left */
    free(o.text);
}

/* A reader that opens the file all the time sees the old or the new contents, never a part. */
static void a_save_is_atomic(void **state)
{
    (void)state;
    char *a = xcalloc(1, 200001), *b = xcalloc(1, 200001);
    memset(a, 'a', 200000);
    memset(b, 'b', 200000);
    const char *path = in_dir("big");
    struct disk_out o;
    disk_out_init(&o);
    assert_true(disk_save(path, a, 200000, &o));
    const pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 60; i++) {
            struct disk_out w;
            disk_out_init(&w);
            disk_save(path, i % 2 ? a : b, 200000, &w);
        }
        _exit(0);
    }
    int status = 0, reads = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        disk_out_init(&o);
        assert_true(disk_read(path, 0, &o));
        assert_int_equal(o.len, 200000);
        assert_int_equal(o.text[0], o.text[199999]);
        free(o.text);
        reads++;
    }
    assert_true(reads > 0);
    free(a);
    free(b);
}

static void an_append_cuts_a_torn_line(void **state)
{
    struct disk_out o;
    (void)state;
    const char *path = in_dir("journal.jsonl");
    disk_out_init(&o);
    assert_true(disk_append(path, "{1}\n", 4, &o));
    assert_string_equal(o.err.detail, "");
    put(path, "{1}\n{2}\n{3, tor");
    disk_out_init(&o);
    assert_true(disk_append(path, "{3}\n", 4, &o));
    assert_int_equal(o.err.code, ERR_NONE);
    assert_non_null(strstr(o.err.detail, "7 bytes"));
    assert_int_equal(o.size, 12);
    assert_holds(path, "{1}\n{2}\n{3}\n");
}

/* Longer than one read of the search for the last newline, and a file that is one torn line. */
static void a_long_torn_line_is_cut(void **state)
{
    struct disk_out o;
    struct buf b = {0};
    (void)state;
    const char *path = in_dir("journal.jsonl");
    buf_puts(&b, "{1}\n");
    for (int i = 0; i < 70000; i++)
        buf_putc(&b, 'x');
    put(path, buf_text(&b));
    disk_out_init(&o);
    assert_true(disk_append(path, "{2}\n", 4, &o));
    assert_holds(path, "{1}\n{2}\n");
    put(path, buf_text(&b) + 4);
    assert_true(disk_append(path, "{2}\n", 4, &o));
    assert_holds(path, "{2}\n");
    buf_clear(&b);
}

static void links_and_foreign_files_are_refused(void **state)
{
    struct disk_out o;
    (void)state;
    put(in_dir("target"), "precious\n");
    assert_int_equal(symlink(in_dir("target"), in_dir("link")), 0);
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    const char *const names[] = {"link", "fifo"};
    for (int i = 0; i < 2; i++) {
        disk_out_init(&o);
        assert_false(disk_append(in_dir(names[i]), "x\n", 2, &o));
        assert_true(o.err.code == ERR_FILE || o.err.code == ERR_REFUSED);
        disk_out_init(&o);
        assert_false(disk_save(in_dir(names[i]), "x\n", 2, &o));
        disk_out_init(&o);
        assert_false(disk_lock(in_dir(names[i]), "x\n", 2, &o));
    }
    assert_holds(in_dir("target"), "precious\n");
    disk_out_init(&o);
    assert_false(disk_read(in_dir("fifo"), 0, &o)); /* does not wait for a writer */
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(in_dir("target"), 65534, 65534), 0);
    disk_out_init(&o);
    assert_false(disk_append(in_dir("target"), "x\n", 2, &o));
    assert_int_equal(o.err.code, ERR_REFUSED);
    assert_non_null(strstr(o.err.msg, "another user"));
}

static void reading_is_bounded(void **state)
{
    struct disk_out o;
    (void)state;
    put(in_dir("f"), "0123456789");
    disk_out_init(&o);
    assert_true(disk_read(in_dir("f"), 4, &o));
    assert_string_equal(o.text, "0123");
    assert_int_equal(o.size, 10);
    free(o.text);
    disk_out_init(&o);
    assert_true(disk_read("/proc/self/stat", 0, &o));
    assert_true(o.len > 20);
    free(o.text);
    disk_out_init(&o);
    assert_false(disk_read(in_dir("none"), 0, &o));
    assert_true(o.missing);
    assert_non_null(strstr(o.err.hint, "none"));
    disk_out_init(&o);
    assert_false(disk_read(dir, 0, &o));
    assert_false(o.missing);
}

static void many_files_come_as_one(void **state)
{
    struct disk_out o;
    char paths[1024], want[1024];
    (void)state;
    put(in_dir("a"), "one\n");
    put(in_dir("b"), "");
    snprintf(paths, sizeof(paths), "%s\n%s\n%s\n", in_dir("a"), in_dir("none"), in_dir("b"));
    snprintf(want, sizeof(want), "==> %s\none\n\n==> %s\n\n", in_dir("a"), in_dir("b"));
    disk_out_init(&o);
    assert_true(disk_read_many(paths, 0, &o));
    assert_string_equal(o.text, want);
    free(o.text);
}

static void folders_are_made_listed_and_removed(void **state)
{
    struct disk_out o;
    struct stat st;
    (void)state;
    const char *deep = in_dir("x/y/z/");
    disk_out_init(&o);
    assert_true(disk_mkdir(deep, &o));
    assert_true(disk_mkdir(deep, &o)); /* again: no error */
    assert_int_equal(stat(in_dir("x/y"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    put(in_dir("x/file"), "");
    put(in_dir("outside"), "stays");
    assert_int_equal(symlink(dir, in_dir("x/y/up")), 0);
    disk_out_init(&o);
    assert_true(disk_list(in_dir("x"), &o));
    assert_string_equal(o.text, "file\ny/\n");
    free(o.text);
    disk_out_init(&o);
    assert_false(disk_mkdir(in_dir("outside/sub"), &o));
    disk_out_init(&o);
    assert_true(disk_remove_tree(in_dir("x"), &o));
    assert_false(o.missing);
    assert_int_equal(access(in_dir("x"), F_OK), -1);
    assert_holds(in_dir("outside"), "stays");
    assert_true(disk_remove_tree(in_dir("x"), &o));
    assert_true(o.missing);
    const char *const refused[] = {"/", "/tmp", "/tmp/", "relative/path", "/tmp/a/../..", ""};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        disk_out_init(&o);
        assert_false(disk_remove_tree(refused[i], &o));
        assert_int_equal(o.err.code, ERR_REFUSED);
    }
}

static void a_lock_has_one_holder(void **state)
{
    struct disk_out o;
    int ready[2], status;
    char c;
    (void)state;
    const char *path = in_dir("lock");
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        struct disk_out w;
        prctl(PR_SET_PDEATHSIG,
              SIGKILL); /* else it would hold ctest's pipe when a check here fails */
        disk_out_init(&w);
        if (!disk_lock(path, "process 7\n", 10, &w) || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    disk_out_init(&o);
    assert_false(disk_lock(path, "me\n", 3, &o));
    assert_int_equal(o.err.code, ERR_BUSY);
    assert_string_equal(o.text, "process 7\n");
    free(o.text);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    disk_out_init(&o);
    assert_true(disk_lock(path, "me\n", 3, &o));
    assert_true(o.fd >= 0);
    assert_holds(path, "me\n");
    close(o.fd);
    close(ready[0]);
    close(ready[1]);
}

/* Root is stopped by no permission: as another user, in a process of its own. */
static void a_read_only_folder_gives_a_hint(void **state)
{
    int status;
    (void)state;
    assert_int_equal(chmod(dir, 0555), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        struct disk_out o;
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(1);
        disk_out_init(&o);
        const bool refused = !disk_save(in_dir("f"), "x", 1, &o) && o.err.code == ERR_FILE &&
                             strstr(o.err.msg, "f") && strstr(o.err.hint, "permissions") &&
                             strstr(o.err.hint, dir);
        _exit(refused ? 0 : 2);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(status, 0);
}

/* A limit of the process stands for a full disk: what does not fit leaves no part of a line. */
static void a_line_that_does_not_fit_leaves_nothing(void **state)
{
    int status;
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit limit = {8, 8};
        struct disk_out o;
        disk_out_init(&o);
        signal(SIGXFSZ, SIG_IGN);
        if (!disk_append(in_dir("j"), "{1}\n", 4, &o) || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        _exit(!disk_append(in_dir("j"), "{2, long}\n", 10, &o) && o.err.code == ERR_FILE ? 0 : 2);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_holds(in_dir("j"), "{1}\n");
}

/* -- through the loop ----------------------------------------------------------------------------- */

static struct req req(uint32_t id)
{
    return (struct req){OWNER_STORE, 1, id};
}

static void ask(struct effects *fx, uint32_t id, enum file_op op, const char *path,
                const char *text)
{
    struct effect *e = fx_file(fx, req(id), op, path);
    if (!text)
        return;
    e->text = xstrdup(text);
    e->len = strlen(text);
}

static void *count_lines(const char *data, size_t len, const char *arg)
{
    int *n = xcalloc(1, sizeof(*n));
    for (size_t i = 0; i < len; i++)
        *n += data[i] == arg[0];
    return n;
}

static void order_script(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START) {
        struct effects fx = {0};
        ask(&fx, 1, FILE_MKDIR, in_dir("w/s"), NULL);
        ask(&fx, 2, FILE_SAVE, in_dir("w/s/a"), "old");
        ask(&fx, 3, FILE_READ, in_dir("w/s/a"), NULL);
        ask(&fx, 4, FILE_SAVE, in_dir("w/s/a"), "new");
        ask(&fx, 5, FILE_READ, in_dir("w/s/a"), NULL);
        ask(&fx, 6, FILE_APPEND, in_dir("w/s/j"), "1\n");
        fx.items[fx.n - 1].u.file.journal_no = 42;
        ask(&fx, 7, FILE_APPEND, in_dir("w/s/j"), "2\n");
        ask(&fx, 8, FILE_LIST, in_dir("w/s"), NULL);
        struct effect *e = fx_file(&fx, req(9), FILE_READ, in_dir("w/s/j"));
        e->u.file.digest = count_lines;
        e->u.file.digest_free = free;
        e->u.file.digest_arg = xstrdup("\n");
        ask(&fx, 10, FILE_LOCK, in_dir("w/lock"), "me");
        ask(&fx, 11, FILE_LOCK, in_dir("w/lock"), "me too");
        ask(&fx, 12, FILE_REMOVE_TREE, in_dir("w"), NULL);
        iotest_run(t, &fx);
    }
    if (ev->kind == EV_FILE && ++t->step == 12)
        iotest_quit(t, 7);
}

static void files_keep_their_order(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, order_script, 20);
    assert_false(t.timed_out);
    assert_int_equal(t.exit_code, 7);
    assert_int_equal(t.leaked, 0);
    for (uint32_t id = 1; id <= 12; id++) {
        assert_int_equal(iotest_count(&t, EV_FILE, id), 1);
        assert_int_equal(iotest_find(&t, EV_FILE, id, 0)->err.code, id == 11 ? ERR_BUSY : ERR_NONE);
    }
    assert_string_equal(iotest_find(&t, EV_FILE, 3, 0)->text, "old");
    assert_string_equal(iotest_find(&t, EV_FILE, 5, 0)->text, "new");
    assert_int_equal(iotest_find(&t, EV_FILE, 6, 0)->u.file.journal_no, 42);
    assert_string_equal(iotest_find(&t, EV_FILE, 8, 0)->text, "a\nj\nj.reserve\n");
    const struct event *digest = iotest_find(&t, EV_FILE, 9, 0);
    assert_null(digest->text);
    assert_int_equal(*(int *)digest->digest, 2);
    assert_string_equal(iotest_find(&t, EV_FILE, 11, 0)->text, "me");
    assert_int_equal(access(in_dir("w"), F_OK), -1);
    assert_true(iotest_find(&t, EV_FILE, 3, 0)->at_us > 0);
    iotest_clear(&t);
}

static void quit_script(struct iotest *t, struct event *ev)
{
    if (ev->kind != EV_START)
        return;
    struct effects fx = {0};
    for (uint32_t i = 0; i < 50; i++)
        ask(&fx, i + 1, FILE_APPEND, in_dir("j"), "line\n");
    ask(&fx, 51, FILE_READ, in_dir("j"), NULL);
    ask(&fx, 52, FILE_SAVE, in_dir("j.copy"), "end");
    iotest_run(t, &fx);
    iotest_quit(t, 3);
}

static void what_was_asked_before_the_end_is_on_the_disk(void **state)
{
    struct iotest t;
    struct stat st;
    (void)state;
    iotest_loop(&t, quit_script, 20);
    assert_int_equal(t.exit_code, 3);
    assert_int_equal(t.leaked, 0);
    assert_int_equal(iotest_count(&t, EV_FILE, 0), 0); /* nothing is delivered after the end */
    assert_int_equal(stat(in_dir("j"), &st), 0);
    assert_int_equal(st.st_size, 250);
    assert_holds(in_dir("j.copy"), "end");
    iotest_clear(&t);
}

static void timer_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        fx_timer(&fx, req(1), 60);
        fx_timer(&fx, req(2), 5000);
        fx_timer(&fx, req(2), 20); /* replaces it */
        fx_timer(&fx, req(3), 30);
        effects_add(&fx, FX_TIMER_STOP, req(3));
        fx_timer(&fx, req(4), 60000);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_TIMER && ev->req.id == 1)
        iotest_quit(t, 0);
}

static void timers_fire_once(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, timer_script, 5);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    assert_int_equal(iotest_count(&t, EV_TIMER, 1), 1);
    assert_int_equal(iotest_count(&t, EV_TIMER, 2), 1);
    assert_int_equal(iotest_count(&t, EV_TIMER, 3), 0);
    const int64_t start = iotest_find(&t, EV_START, 0, 0)->at_us;
    assert_true(iotest_find(&t, EV_TIMER, 2, 0)->at_us - start >= 19000);
    iotest_clear(&t);
}

static void signal_script(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        raise(SIGTERM);
    if (ev->kind == EV_SIGNAL)
        iotest_quit(t, 0);
}

static void signals_are_events(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, signal_script, 5);
    assert_false(t.timed_out);
    assert_int_equal(iotest_find(&t, EV_SIGNAL, 0, 0)->u.signo, SIGTERM);
    assert_int_equal(t.leaked, 0);
    iotest_clear(&t);
}

static void stall_script(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START) {
        struct effects fx = {0};
        fx_timer(&fx, req(1), 1);
        iotest_run(t, &fx);
    }
    if (ev->kind != EV_TIMER)
        return;
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    while ((b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec < 20000000);
    iotest_quit(t, 0);
}

static void a_stall_is_seen_by_name(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, stall_script, 5);
    assert_true(t.stats.stalls >= 1);
    assert_true(t.stats.longest_ms >= 20);
    assert_string_equal(t.stats.longest_name, "timer");
    assert_true(t.stats.bucket[5] + t.stats.bucket[6] >= 1);
    iotest_clear(&t);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_save_replaces_the_file),
        T(a_save_is_atomic),
        T(an_append_cuts_a_torn_line),
        T(a_long_torn_line_is_cut),
        T(links_and_foreign_files_are_refused),
        T(reading_is_bounded),
        T(many_files_come_as_one),
        T(folders_are_made_listed_and_removed),
        T(a_lock_has_one_holder),
        T(a_read_only_folder_gives_a_hint),
        T(a_line_that_does_not_fit_leaves_nothing),
        T(files_keep_their_order),
        T(what_was_asked_before_the_end_is_on_the_disk),
        T(timers_fire_once),
        T(signals_are_events),
        T(a_stall_is_seen_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
