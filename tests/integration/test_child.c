/* Children: their lines, their end, the rights they run with, and that they do not outlive us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/base/buf.h"
#include "pgd/io/environ.h"

static struct req req(uint32_t id)
{
    return (struct req){OWNER_BENCH, 1, id};
}

static struct effect *sh(struct effects *fx, uint32_t id, const char *script, unsigned flags)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return fx_child(fx, req(id), argv, flags);
}

static void nap(int ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

/* Gone, or a zombie that nobody has reaped yet. */
static bool is_gone(int pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    const int n = fscanf(f, "%*d (%*[^)]) %c", &state);
    fclose(f);
    return n != 1 || state == 'Z' || state == 'X';
}

static bool gone_within(int pid, int ms)
{
    for (; ms > 0 && !is_gone(pid); ms -= 20)
        nap(20);
    return is_gone(pid);
}

static void quit_after_exits(struct iotest *t, const struct event *ev, int exits)
{
    if (ev->kind == EV_CHILD_EXIT && ++t->step == exits)
        iotest_quit(t, 0);
}

/* -- lines ------------------------------------------------------------------------------------ */

static void lines_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        sh(&fx, 1, "echo one; printf 'two\\r\\nlast'; echo err >&2; exit 3", 0);
        sh(&fx, 2, "head -c 20000 /dev/zero | tr '\\0' x; echo; echo after", 0);
        struct effect *e = sh(&fx, 3, "echo $GREETING; pwd; cat", CHILD_COLLECT);
        fx_child_env(e, "GREETING", "hello there");
        e->u.child.cwd = xstrdup("/usr");
        e->u.child.stdin_text = xstrdup("from stdin\n");
        sh(&fx, 4, "echo why >&2; echo x; exit 1", CHILD_COLLECT);
        sh(&fx, 5, "seq 1 200000", 0);
    }
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 5);
}

static void assert_exit(struct iotest *t, uint32_t id, int status)
{
    assert_int_equal(iotest_count(t, EV_CHILD_EXIT, id), 1);
    const struct event *ev = iotest_find(t, EV_CHILD_EXIT, id, 0);
    assert_int_equal(ev->err.code, ERR_NONE);
    assert_int_equal(ev->u.child.status, status);
    assert_int_equal(ev->u.child.signal, 0);
}

static void lines_come_whole(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, lines_script, 60);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    assert_exit(&t, 1, 3);
    assert_int_equal(iotest_count(&t, EV_CHILD_UP, 1), 1);
    assert_int_equal(iotest_count(&t, EV_CHILD_LINE, 1), 4);
    const char *const want[] = {"one", "two", "last"};
    int outs = 0;
    for (int i = 0; i < 4; i++) {
        const struct event *ev = iotest_find(&t, EV_CHILD_LINE, 1, i);
        if (ev->u.child.stream == STREAM_ERR)
            assert_string_equal(ev->text, "err");
        else
            assert_string_equal(ev->text, want[outs++]);
    }
    assert_int_equal(outs, 3);
    /* a line that is too long is cut, the next one is whole */
    assert_int_equal(iotest_count(&t, EV_CHILD_LINE, 2), 2);
    assert_int_equal(iotest_find(&t, EV_CHILD_LINE, 2, 0)->len, 8192);
    assert_string_equal(iotest_find(&t, EV_CHILD_LINE, 2, 1)->text, "after");
    assert_exit(&t, 3, 0);
    assert_string_equal(iotest_find(&t, EV_CHILD_EXIT, 3, 0)->text,
                        "hello there\n/usr\nfrom stdin\n");
    assert_exit(&t, 4, 1);
    assert_string_equal(iotest_find(&t, EV_CHILD_EXIT, 4, 0)->text, "x\n");
    assert_string_equal(iotest_find(&t, EV_CHILD_EXIT, 4, 0)->err.detail, "why");
    assert_int_equal(iotest_count(&t, EV_CHILD_LINE, 4), 0);
    double cpu = 0; /* who ends in the same turn is told with the first of them */
    for (uint32_t id = 1; id <= 5; id++)
        cpu += iotest_find(&t, EV_CHILD_EXIT, id, 0)->u.child.cpu_s;
    assert_true(cpu > 0.001 && cpu < 60);
    iotest_clear(&t);
}

/* -- input that comes later --------------------------------------------------------------------- */

static void more_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        sh(&fx, 1, "while read -r l; do echo got $l; [ $l = d ] && exit 7; done", CHILD_MORE);
        sh(&fx, 2, "read -r l || echo none", 0); /* it has no input at all */
        struct effect *e = sh(&fx, 3, "while read -r l; do echo $l; [ $l = b ] && exit; done",
                              CHILD_MORE);
        e->u.child.stdin_text = xstrdup("a\n");
        /* nobody reads this one's */
        sh(&fx, 4, "exec sleep 600", CHILD_MORE);
    }
    const char *more = ev->kind == EV_CHILD_UP                                   ? "a\n"
                       : ev->kind == EV_CHILD_LINE && !strcmp(ev->text, "got a") ? "b\nc\n"
                       : ev->kind == EV_CHILD_LINE && !strcmp(ev->text, "got c") ? "d\n"
                       : ev->kind == EV_CHILD_LINE && !strcmp(ev->text, "a")     ? "b\n"
                                                                                 : NULL;
    if (more && ev->req.id != 2 && !(ev->kind == EV_CHILD_UP && ev->req.id == 3)) {
        for (int i = 0; i < (ev->req.id == 4 ? 200000 : 1); i++) {
            struct effect *e = effects_add(&fx, FX_CHILD_INPUT, ev->req);
            e->text = xstrdup(more);
            e->len = strlen(more);
        }
    }
    if (ev->kind == EV_CHILD_EXIT && ev->req.id == 1)
        effects_add(&fx, FX_CHILD_KILL, req(4));
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 4);
}

static void input_may_come_later(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, more_script, 60);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    assert_exit(&t, 1, 7);
    assert_int_equal(iotest_count(&t, EV_CHILD_LINE, 1), 4);
    assert_string_equal(iotest_find(&t, EV_CHILD_LINE, 1, 3)->text, "got d");
    assert_string_equal(iotest_find(&t, EV_CHILD_LINE, 2, 0)->text, "none");
    assert_exit(&t, 3, 0);
    assert_int_equal(iotest_count(&t, EV_CHILD_LINE, 3), 2);
    iotest_clear(&t);
}

/* -- keys in the environment ---------------------------------------------------------------------- */

static void keys_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        sh(&fx, 1,
           "env | grep -e API -e LOOKS; tr '\\0' '\\n' </proc/$PPID/environ | grep -c seen-",
           CHILD_COLLECT);
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 1);
}

static const char *const key_names[] = {"GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY",
                                        "SOME_OTHER_API_KEY"};

/* A child gets none, whether or not they were taken out of our own environment. */
static void keys_reach_no_child(void **state)
{
    struct iotest t;
    (void)state;
    setenv("LOOKS_LIKE_API_KEY_FILE", "stays", 1);
    for (size_t i = 0; i < ARRAY_LEN(key_names); i++)
        setenv(key_names[i], "seen-by-nobody", 1);
    iotest_loop(&t, keys_script, 60);
    assert_string_equal(iotest_find(&t, EV_CHILD_EXIT, 1, 0)->text,
                        "LOOKS_LIKE_API_KEY_FILE=stays\n0\n");
    iotest_clear(&t);
    environ_wipe_keys();
    for (size_t i = 0; i < ARRAY_LEN(key_names); i++)
        assert_null(getenv(key_names[i]));
    unsetenv("LOOKS_LIKE_API_KEY_FILE");
}

/* The environment that we were started with stands in our memory, and /proc shows it. */
static void keys_are_wiped_where_they_stand(void **state)
{
    (void)state;
    const int pid = fork();
    if (pid == 0) {
        setenv("GEMINI_API_KEY", "seen-at-the-start", 1);
        setenv("OTHER", "stays", 1);
        setenv("PGD_TEST_WIPE", "1", 1);
        execl("/proc/self/exe", "test_child", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int count_in_environ(const char *part)
{
    char text[65536];
    int found = 0;
    FILE *f = fopen("/proc/self/environ", "r");
    const size_t n = f ? fread(text, 1, sizeof(text), f) : 0;
    for (const char *p = text; (p = memmem(p, n - (size_t)(p - text), part, strlen(part))); p++)
        found++;
    if (f)
        fclose(f);
    return found;
}

/* In the process that was started with a key: 0 when it was there and is gone. */
static int wipe_our_own(void)
{
    static const char *const names[] = {"NONE_API_KEY", "GEMINI_API_KEY", NULL};
    secret_id key = 0;
    struct err e = {0};
    char word[8];
    if (count_in_environ("seen-at-the-start") != 1)
        return 1;
    if (!environ_key(names, &key, &e) || strcmp(secret_get(key), "seen-at-the-start") != 0)
        return 2;
    environ_wipe_keys();
    if (count_in_environ("seen-at") != 0 || getenv("GEMINI_API_KEY"))
        return 3;
    if (!environ_word("OTHER", word, sizeof(word), &e) || strcmp(word, "stays") != 0)
        return 4;
    return environ_word("OTHER", word, 5, &e) || e.code != ERR_USAGE ? 5 : 0; /* not cut */
}

/* Counts only: a flood must neither lose a line nor fill the queue. */
static void flood_script(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START) {
        struct effects fx = {0};
        sh(&fx, 1, "seq 1 200000", 0);
        iotest_run(t, &fx);
    }
    if (ev->kind == EV_CHILD_LINE) {
        char want[16];
        snprintf(want, sizeof(want), "%d", ++t->step);
        if (strcmp(want, ev->text) != 0)
            iotest_quit(t, 1);
        event_clear(ev);
    }
    if (ev->kind == EV_CHILD_EXIT)
        iotest_quit(t, 0);
}

static void forget(void *arg, struct event *ev)
{
    struct iotest *t = arg;
    flood_script(t, ev);
}

static void a_flood_is_held_back(void **state)
{
    struct iotest t = {0};
    (void)state;
    t.io = io_new(forget, NULL, &t);
    const int rc = io_loop(t.io);
    const struct io_stats stats = *io_stats(t.io);
    io_free(t.io);
    assert_int_equal(rc, 0);
    assert_int_equal(t.step, 200000);
    assert_true(stats.backlog_max < 600);
    assert_int_equal(stats.leaked, 0);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void failure_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        const char *const none[] = {"no-such-program", NULL};
        fx_child(&fx, req(1), none, 0);
        const char *const path[] = {"/no/such/program", NULL};
        fx_child(&fx, req(2), path, CHILD_DIES_WITH_US);
        sh(&fx, 3, "true", 0)->u.child.cwd = xstrdup("/no/such/folder");
        sh(&fx, 4, "true", 0)->u.child.run_as = xstrdup("no-such-user");
    }
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 4);
}

static void what_cannot_start_says_why(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, failure_script, 20);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    const char *const words[] = {"no-such-program", "/no/such/program", "sh", "no-such-user"};
    for (uint32_t id = 1; id <= (geteuid() == 0 ? 4 : 3); id++) {
        const struct event *ev = iotest_find(&t, EV_CHILD_EXIT, id, 0);
        assert_int_equal(ev->err.code, ERR_CHILD);
        assert_non_null(strstr(ev->err.msg, words[id - 1]));
        assert_int_equal(iotest_count(&t, EV_CHILD_UP, id), 0);
    }
    assert_non_null(strstr(iotest_find(&t, EV_CHILD_EXIT, 1, 0)->err.hint, "Install"));
    assert_non_null(strstr(iotest_find(&t, EV_CHILD_EXIT, 3, 0)->err.hint, "/no/such/folder"));
    iotest_clear(&t);
}

static void kill_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        sh(&fx, 1, "sleep 100 & echo $!; wait", 0);
        sh(&fx, 2, "trap '' TERM; echo deaf; while :; do sleep 0.1; done", 0);
    }
    if (ev->kind == EV_CHILD_LINE)
        effects_add(&fx, FX_CHILD_KILL, ev->req);
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 2);
}

static void a_kill_reaches_the_group(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, kill_script, 30);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    assert_int_equal(iotest_find(&t, EV_CHILD_EXIT, 1, 0)->u.child.signal, SIGTERM);
    assert_int_equal(iotest_find(&t, EV_CHILD_EXIT, 2, 0)->u.child.signal, SIGKILL);
    assert_true(gone_within(atoi(iotest_find(&t, EV_CHILD_LINE, 1, 0)->text), 2000));
    const int64_t us = iotest_find(&t, EV_CHILD_EXIT, 2, 0)->at_us -
                       iotest_find(&t, EV_CHILD_LINE, 2, 0)->at_us;
    assert_in_range(us, 1900000, 6000000);
    iotest_clear(&t);
}

/* A server that was started without -l keeps the pipe: the exit is reported all the same. */
static void grandchild_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        sh(&fx, 1, "setsid sleep 30 & echo $!", 0);
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 1);
}

static void an_open_pipe_does_not_hide_the_exit(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, grandchild_script, 20);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    assert_exit(&t, 1, 0);
    kill(atoi(iotest_find(&t, EV_CHILD_LINE, 1, 0)->text), SIGKILL);
    iotest_clear(&t);
}

/* -- at our own end ------------------------------------------------------------------------------ */

static void shutdown_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        struct effect *e = sh(&fx, 1, "sleep 100", 0);
        e->u.child.stdin_text = xstrdup("never read\n");
        sh(&fx, 2, "sleep 100", CHILD_DETACHED);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_CHILD_UP && ++t->step == 2)
        iotest_quit(t, 0);
}

static void only_detached_children_survive(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, shutdown_script, 20);
    assert_int_equal(t.leaked, 0);
    const int tied = iotest_find(&t, EV_CHILD_UP, 1, 0)->u.child.pid;
    const int detached = iotest_find(&t, EV_CHILD_UP, 2, 0)->u.child.pid;
    assert_true(gone_within(tied, 100));
    assert_false(is_gone(detached));
    assert_int_equal(getsid(detached), detached);
    kill(detached, SIGKILL);
    waitpid(detached, NULL, 0);
    iotest_clear(&t);
}

static int report_pid_to;

static void crash_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        const char *const argv[] = {"sleep", "100", NULL};
        struct effect *e = fx_child(&fx, req(1), argv, CHILD_DIES_WITH_US);
        if (geteuid() == 0)
            e->u.child.run_as = xstrdup("nobody");
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_TICK && t->n > 1) { /* setpriv has had its time */
        const int pid = ev->kind == EV_TICK ? t->seen[1].u.child.pid : 0;
        if (write(report_pid_to, &pid, sizeof(pid)) != sizeof(pid))
            _exit(1);
        raise(SIGKILL);
    }
}

static void a_child_dies_with_us(void **state)
{
    int ends[2], pid = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    const pid_t us = fork();
    if (us == 0) {
        struct iotest t;
        report_pid_to = ends[1];
        iotest_loop(&t, crash_script, 20);
        _exit(1);
    }
    assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
    waitpid(us, NULL, 0);
    assert_true(pid > 0);
    assert_true(gone_within(pid, 2000));
    close(ends[0]);
    close(ends[1]);
}

/* -- rights ---------------------------------------------------------------------------------------- */

static void rights_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        static const char show[] = "id -un; id -Gn; echo $HOME $USER; stat -L -c '%a %F %U' "
                                   "$PGPASSFILE; cat $PGPASSFILE; ls -l /proc/self/fd | grep -cE "
                                   "'anon_inode|memfd:pgpass'";
        struct effect *e = sh(&fx, 1, show, CHILD_COLLECT | CHILD_DIES_WITH_US);
        e->u.child.run_as = xstrdup("postgres");
        e->u.child.pgpass = secret_put("localhost:5432:*:me:pa:ss", 25);
    }
    iotest_run(t, &fx);
    quit_after_exits(t, ev, 1);
}

static void rights_are_dropped_and_the_password_arrives(void **state)
{
    struct iotest t;
    struct buf want = {0};
    (void)state;
    const struct passwd *pw = getpwnam("postgres");
    if (geteuid() != 0 || !pw)
        skip();
    iotest_loop(&t, rights_script, 20);
    secret_wipe_all();
    assert_exit(&t, 1, 0);
    const struct event *ev = iotest_find(&t, EV_CHILD_EXIT, 1, 0);
    assert_int_equal(strncmp(ev->text, "postgres\n", 9), 0);
    assert_non_null(strstr(ev->text, "ssl-cert")); /* a supplementary group, on Debian */
    buf_printf(&want, "%s postgres\n600 regular file postgres\nlocalhost:5432:*:me:pa:ss\n1\n",
               pw->pw_dir);
    const size_t n = strlen(buf_text(&want));
    assert_true(ev->len > n);
    assert_string_equal(ev->text + ev->len - n, buf_text(&want));
    assert_int_equal(t.leaked, 0);
    buf_clear(&want);
    iotest_clear(&t);
}

int main(void)
{
    if (getenv("PGD_TEST_WIPE"))
        return wipe_our_own();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_reach_no_child),
        cmocka_unit_test(keys_are_wiped_where_they_stand),
        cmocka_unit_test(lines_come_whole),
        cmocka_unit_test(input_may_come_later),
        cmocka_unit_test(a_flood_is_held_back),
        cmocka_unit_test(what_cannot_start_says_why),
        cmocka_unit_test(a_kill_reaches_the_group),
        cmocka_unit_test(an_open_pipe_does_not_hide_the_exit),
        cmocka_unit_test(only_detached_children_survive),
        cmocka_unit_test(a_child_dies_with_us),
        cmocka_unit_test(rights_are_dropped_and_the_password_arrives),
    };
    /* Orphans of the tests come to us and are reaped by nobody: they show as zombies, never as alive. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
