/* What is said to be on the disk was synced before: the file before it takes its name, the folder after it. The calls of
 * the C library that matter are taken over here and written down in their order. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "pgd/base/mem.h"
#include "pgd/io/disk.h"

static char dir[64];
static char calls[4096]; /* one line a call */

static void PGD_PRINTF(1, 2) record(const char *fmt, ...)
{
    size_t have = strlen(calls);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(calls + have, sizeof calls - have, fmt, ap);
    va_end(ap);
}

/* Instead of the C library's: the real call, and a line about what it was for. */
int fsync(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *name = strncmp(path, dir, strlen(dir)) == 0 ? path + strlen(dir) : path;
    struct stat st = {0};
    fstat(fd, &st);
    record("sync %s %lld\n",
           S_ISDIR(st.st_mode)    ? "folder"
           : strstr(name, ".tmp") ? "new"
                                  : name,
           S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size);
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    record("rename to %s\n", to + strlen(dir));
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/pgd-durable.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct disk_out o;
    (void)state;
    disk_out_init(&o);
    return disk_remove_tree(dir, &o) ? 0 : -1;
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void a_save_is_synced_before_it_takes_the_name(void **state)
{
    struct disk_out o;
    (void)state;
    disk_out_init(&o);
    calls[0] = '\0';
    assert_true(disk_save(in_dir("session.json"), "whole", 5, &o));
    assert_string_equal(calls, "sync new 5\nrename to /session.json\nsync folder 0\n");
}

static void an_append_is_synced_with_its_line(void **state)
{
    struct disk_out o;
    (void)state;
    disk_out_init(&o);
    calls[0] = '\0';
    assert_true(disk_append(in_dir("journal.jsonl"), "{1}\n", 4, &o));
    assert_string_equal(
        calls, "sync /journal.jsonl 4\nsync /journal.jsonl.reserve 65536\nsync folder 0\n");
    disk_out_init(&o);
    calls[0] = '\0';
    assert_true(disk_append(in_dir("journal.jsonl"), "{22}\n", 5, &o));
    assert_string_equal(calls, "sync /journal.jsonl 9\n");
}

static void room_that_was_given_up_is_taken_again(void **state)
{
    struct disk_out o;
    (void)state;
    disk_out_init(&o);
    assert_true(disk_append(in_dir("journal.jsonl"), "{1}\n", 4, &o));
    assert_int_equal(unlink(in_dir("journal.jsonl.reserve")), 0);
    calls[0] = '\0';
    assert_true(disk_append(in_dir("journal.jsonl"), "{2}\n", 4, &o));
    assert_non_null(strstr(calls, "sync /journal.jsonl.reserve 65536\n"));
}

static void a_folder_is_synced_into_its_parent(void **state)
{
    struct disk_out o;
    (void)state;
    disk_out_init(&o);
    calls[0] = '\0';
    assert_true(disk_mkdir(in_dir("sessions"), &o));
    assert_string_equal(calls, "sync folder 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_is_synced_before_it_takes_the_name),
        cmocka_unit_test(an_append_is_synced_with_its_line),
        cmocka_unit_test(room_that_was_given_up_is_taken_again),
        cmocka_unit_test(a_folder_is_synced_into_its_parent),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
