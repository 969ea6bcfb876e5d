/* lane.c - one worker thread with a queue. Not libuv's pool: order matters for a journal, and a host
 * that hangs in a name look-up must not hold back a write. */
#include "pgd/io/lane.h"

#include <stdlib.h>

#include "pgd/base/mem.h"

struct lane {
    struct inbox *inbox; /* held */
    uv_mutex_t lock;
    uv_cond_t more;
    struct lane_job *first, *last;
    bool started;
    bool closing;
};

struct lane *lane_new(struct loop *l)
{
    struct lane *la = xcalloc(1, sizeof(*la));
    la->inbox = inbox_hold(l->inbox);
    uv_mutex_init(&la->lock);
    uv_cond_init(&la->more);
    return la;
}

static void lane_free(struct lane *la)
{
    uv_mutex_destroy(&la->lock);
    uv_cond_destroy(&la->more);
    inbox_drop(la->inbox);
    free(la);
}

/* The next job, waiting for one; NULL when the lane closes. */
static struct lane_job *next_job(struct lane *la)
{
    uv_mutex_lock(&la->lock);
    while (!la->first && !la->closing)
        uv_cond_wait(&la->more, &la->lock);
    struct lane_job *job = la->first;
    if (job) {
        la->first = job->next;
        if (!la->first)
            la->last = NULL;
        job->next = NULL;
    }
    uv_mutex_unlock(&la->lock);
    return job;
}

static void lane_main(void *arg)
{
    struct lane *la = arg;
    struct lane_job *job;
    while ((job = next_job(la))) {
        job->work(job);
        if (!inbox_call(la->inbox, job->done, job))
            job->drop(job);
    }
    lane_free(la);
}

void lane_push(struct lane *la, struct lane_job *job)
{
    uv_mutex_lock(&la->lock);
    job->next = NULL;
    if (la->last)
        la->last->next = job;
    else
        la->first = job;
    la->last = job;
    const bool start = !la->started;
    la->started = true;
    uv_cond_signal(&la->more);
    uv_mutex_unlock(&la->lock);
    if (start && !loop_thread(lane_main, la))
        die("cannot start the thread that writes files");
}

void lane_close(struct lane *la)
{
    uv_mutex_lock(&la->lock);
    la->closing = true;
    const bool started = la->started;
    uv_cond_signal(&la->more);
    uv_mutex_unlock(&la->lock);
    if (!started)
        lane_free(la);
}
