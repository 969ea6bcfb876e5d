/* lane.h - a thread of our own that does blocking jobs one after the other, in order. Private to io.
 *
 * The thread starts with the first job. A job's work() runs in it and its done() in the loop's thread;
 * when the loop is already gone, drop() frees the job instead. */
#pragma once

#include "pgd/io/loop.h"

struct lane;

struct lane_job {
    struct lane_job *next;
    io_fn work, done, drop; /* each gets the job */
};

struct lane *lane_new(struct loop *l);
void lane_push(struct lane *la, struct lane_job *job);
/* Lets the thread end after its last job; the lane frees itself. */
void lane_close(struct lane *la);
