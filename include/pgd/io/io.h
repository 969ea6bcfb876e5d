/* io.h - everything that touches the outside world, behind one event queue.
 *
 * Callbacks of libuv only post events. The queue is drained before the loop sleeps and after it woke
 * up; every event goes to on_event, and after a drain that handled something on_idle is called (the
 * place to decide about painting). Effects go in through io_run() and are answered by events.
 *
 * All functions belong to the loop's thread, except io_post_from_thread() and the two clocks. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pgd/base/effect.h"
#include "pgd/base/event.h"

struct io;

typedef void (*io_event_fn)(void *arg, struct event *ev);
typedef void (*io_idle_fn)(void *arg);
typedef void (*io_fn)(void *arg);

/* Loop stalls: CPU time of the loop's thread for one callback or one event. */
enum { IO_STALL_BUCKETS = 7, IO_STALL_MS = 8 };

struct io_stats {
    uint64_t bucket[IO_STALL_BUCKETS]; /* below 1, 2, 4, 8, 16, 32 ms, and above */
    double longest_ms;
    const char *longest_name; /* static text: a callback or an event kind; NULL before the first */
    uint64_t stalls;          /* longer than IO_STALL_MS */
    uint64_t events[EV_STALL + 1];
    size_t backlog_max;
    int leaked; /* handles that nobody closed, counted at the end of io_loop() */
};

/* Cheap: starts no thread and connects to nothing. INT, TERM, HUP and QUIT have handlers from here on,
 * SIGPIPE is ignored. */
struct io *io_new(io_event_fn on_event, io_idle_fn on_idle, void *arg);
/* Names the folder of the program's own state: below it no file operation goes through a link or to what belongs to
 * another user. Before the first effect. */
void io_own_folder(const char *folder);
/* After io_loop(), or without ever having run it. */
void io_free(struct io *io);

/* Queues an event: takes the contents of *ev and stamps at_us and wall_us. */
void io_post(struct io *io, struct event *ev);
void io_post_from_thread(struct io *io, struct event *ev);

/* Carries one effect out; takes its contents, *e is cleared. FX_SUSPEND and FX_BELL belong to the
 * terminal and are not known here. */
void io_run(struct io *io, struct effect *e);

/* Runs until FX_QUIT, then for at most 5 s more: lets work for the disk land, ends the children that
 * are not detached, closes the connections. No event is delivered after FX_QUIT. Returns its exit code. */
int io_loop(struct io *io);

/* Calls readable whenever fd can be read. When the other side hangs up, EV_TTY_LOST is posted and the
 * watch ends. The descriptor becomes non-blocking. */
void io_watch_fd(struct io *io, int fd, io_fn readable, void *arg);
void io_unwatch_fd(struct io *io, int fd);

/* Calls fn once after ms; while one is waiting, the sooner of the two counts. */
void io_frame(struct io *io, int ms, io_fn fn, void *arg);

/* A signal that is not an event: WINCH, TSTP, CONT. */
void io_on_signal(struct io *io, int signo, io_fn fn, void *arg);

int64_t io_now_us(void);
/* Threads of ours that still work: a look-up that hangs, a link that is being closed. */
int io_threads_alive(void);
int64_t io_wall_us(void);

/* Borrowed; valid until io_free(). */
const struct io_stats *io_stats(struct io *io);
