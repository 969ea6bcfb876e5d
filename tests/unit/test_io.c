/* The front of io: descriptors, frames, lines for scripts, events from threads, and an end that is
 * bounded even when the disk is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/io/ssh_host.h"

static int ends[2];
static char got[64];
static size_t got_len;
static int frames, resizes;
static int64_t frame_at;

static struct req req(uint32_t id)
{
    return (struct req){OWNER_UI, 1, id};
}

/* -- a descriptor that hangs up ------------------------------------------------------------------ */

static void on_readable(void *arg)
{
    (void)arg;
    const ssize_t n = read(ends[0], got + got_len, sizeof(got) - 1 - got_len);
    if (n > 0)
        got_len += (size_t)n;
}

static void watch_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        io_watch_fd(t->io, ends[0], on_readable, t);
        if (write(ends[1], "keys", 4) == 4)
            fx_timer(&fx, req(1), 50);
    }
    if (ev->kind == EV_TIMER)
        close(ends[1]);
    iotest_run(t, &fx);
    if (ev->kind == EV_TTY_LOST)
        iotest_quit(t, 0);
}

static void a_terminal_that_goes_away_is_told(void **state)
{
    struct iotest t;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    iotest_loop(&t, watch_script, 5);
    assert_false(t.timed_out);
    assert_int_equal(t.leaked, 0);
    assert_string_equal(got, "keys");
    assert_int_equal(iotest_count(&t, EV_TTY_LOST, 0), 1);
    close(ends[0]);
    iotest_clear(&t);
}

/* -- frames and signals of the terminal ------------------------------------------------------------ */

static void on_frame(void *arg)
{
    (void)arg;
    frames++;
    frame_at = io_now_us();
}

static void on_winch(void *arg)
{
    (void)arg;
    resizes++;
}

static void frame_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        io_frame(t->io, 150, on_frame, t);
        io_frame(t->io, 20, on_frame, t);
        io_frame(t->io, 300, on_frame, t); /* the sooner counts */
        io_on_signal(t->io, SIGWINCH, on_winch, t);
        raise(SIGWINCH);
        fx_timer(&fx, req(1), 400);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_TIMER)
        iotest_quit(t, 0);
}

static void the_sooner_frame_counts(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, frame_script, 5);
    assert_int_equal(frames, 1);
    assert_in_range(frame_at - t.seen[0].at_us, 19000, 140000);
    assert_int_equal(resizes, 1);
    assert_int_equal(iotest_count(&t, EV_SIGNAL, 0), 0);
    assert_int_equal(t.leaked, 0);
    iotest_clear(&t);
}

/* -- threads ---------------------------------------------------------------------------------------- */

enum { POSTS = 500 };

static void *post_many(void *arg)
{
    for (uint32_t i = 1; i <= POSTS; i++) {
        struct event ev = {.kind = EV_PG_NOTICE, .req = req(i), .text = xstrdup("from a thread")};
        io_post_from_thread(arg, &ev);
    }
    return NULL;
}

static pthread_t posters[2];

static void thread_script(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        for (int i = 0; i < 2; i++)
            pthread_create(&posters[i], NULL, post_many, t->io);
    if (ev->kind == EV_PG_NOTICE && ++t->step == 2 * POSTS)
        iotest_quit(t, 0);
}

static void threads_may_post(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, thread_script, 20);
    for (int i = 0; i < 2; i++)
        pthread_join(posters[i], NULL);
    assert_false(t.timed_out);
    assert_int_equal(iotest_count(&t, EV_PG_NOTICE, 0), 2 * POSTS);
    assert_int_equal(t.stats.events[EV_PG_NOTICE], 2 * POSTS);
    iotest_clear(&t);
}

/* An event that causes the next one at once must not keep timers and descriptors waiting. */
static void endless_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        fx_timer(&fx, req(7), 50);
    if (ev->kind == EV_START || ev->kind == EV_RESIZE) {
        struct event next = {.kind = EV_RESIZE};
        io_post(t->io, &next);
    }
    iotest_run(t, &fx);
    if (ev->kind == EV_TIMER)
        iotest_quit(t, 0);
}

static void a_busy_queue_does_not_starve_the_loop(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, endless_script, 5);
    assert_false(t.timed_out);
    assert_int_equal(iotest_count(&t, EV_TIMER, 7), 1);
    iotest_clear(&t);
}

/* -- lines for scripts --------------------------------------------------------------------------------- */

static void print_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind != EV_START)
        return;
    fx_line(&fx, FX_STDOUT, "{\"event\":\"one\"}");
    fx_line(&fx, FX_STDERR, "for people");
    fx_line(&fx, FX_STDOUT, "two\n");
    iotest_run(t, &fx);
    iotest_quit(t, 0);
}

static void lines_are_printed_before_the_end(void **state)
{
    int out[2], status;
    char text[128] = "";
    size_t n = 0;
    ssize_t k;
    (void)state;
    assert_int_equal(pipe(out), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        struct iotest t;
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        iotest_loop(&t, print_script, 5);
        _exit(t.leaked);
    }
    close(out[1]);
    while ((k = read(out[0], text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)k;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_string_equal(text, "{\"event\":\"one\"}\nfor people\ntwo\n");
    close(out[0]);
}

/* Nobody reads: the end must come all the same. */
static void clogged_script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind != EV_START)
        return;
    char *big = xmalloc(300001);
    memset(big, 'x', 300000);
    big[300000] = '\0';
    fx_line(&fx, FX_STDOUT, big);
    free(big);
    iotest_run(t, &fx);
    iotest_quit(t, 4);
}

static void a_reader_that_sleeps_does_not_stop_the_end(void **state)
{
    int out[2], status;
    (void)state;
    assert_int_equal(pipe(out), 0);
    const int64_t start = io_now_us();
    const pid_t pid = fork();
    if (pid == 0) {
        struct iotest t;
        dup2(out[1], 1);
        iotest_loop(&t, clogged_script, 20);
        _exit(t.exit_code);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4);
    assert_in_range(io_now_us() - start, 4500000, 9000000);
    close(out[0]);
    close(out[1]);
}

static void beginning_costs_little(void **state)
{
    (void)state;
    const int64_t start = io_now_us();
    for (int i = 0; i < 20; i++)
        io_free(io_new(iotest_on_event, NULL, NULL));
    assert_in_range((io_now_us() - start) / 20, 0, 20000);
}

/* -- a lost ssh link ----------------------------------------------------------------------------- */

static int listener(struct sockaddr_in *at)
{
    socklen_t size = sizeof *at;
    const int fd = socket(AF_INET, SOCK_STREAM, 0), room = 4096;

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)at, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &size), 0);
    return fd;
}

/* The other side reads again after the link was given up: what had not got there by then does not come any more. */
static void what_was_not_delivered_dies(void **state)
{
    static char words[1 << 20];
    struct sockaddr_in at;
    const int door = listener(&at), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    size_t sent = 0, came = 0;
    ssize_t n;

    (void)state;
    (void)connect(fd, (struct sockaddr *)&at, sizeof at);
    const int other = accept(door, NULL, NULL);
    assert_true(other >= 0);
    usleep(10000);
    while ((n = send(fd, words, sizeof words, MSG_NOSIGNAL)) > 0)
        sent += (size_t)n;
    assert_true(sent > 0);
    ssh_thread_cut(fd);
    close(fd);
    while ((n = read(other, words, sizeof words)) > 0)
        came += (size_t)n;
    assert_true(n < 0 && errno == ECONNRESET);
    assert_true(came < sent);
    ssh_thread_cut(-1);
    close(other);
    close(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_that_goes_away_is_told),
        cmocka_unit_test(the_sooner_frame_counts),
        cmocka_unit_test(threads_may_post),
        cmocka_unit_test(a_busy_queue_does_not_starve_the_loop),
        cmocka_unit_test(lines_are_printed_before_the_end),
        cmocka_unit_test(a_reader_that_sleeps_does_not_stop_the_end),
        cmocka_unit_test(beginning_costs_little),
        cmocka_unit_test(what_was_not_delivered_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
