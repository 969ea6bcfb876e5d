/* playback.h - plays a recording: a place in its time, a speed, and a model of its own that is fed with what was recorded up to there.
 *
 * Pure. The model that is shown is never the program's: nothing in it is connected to anything, views read it like any other. */
#pragma once

#include "pgd/workspace/recording.h"

enum {
    PLAYBACK_GAP_US = 2000000,  /* a longer silence is played as this long */
    PLAYBACK_SEEK_US = 10000000 /* what an arrow skips */
};

struct playback {
    struct recording *recording; /* owned */
    struct model *shown;         /* owned */
    int64_t *play_us;            /* of each event, from the beginning; owned */
    int64_t length_us;
    int64_t at_us; /* the place, 0 … length_us */
    int next;      /* the first event that lies behind it */
    bool paused;
    double speed;
    int64_t clock_us; /* when it was advanced last; 0 = not yet */
    int64_t gap_us;   /* of the last sample that was fed, to tell gaps */
};

/* What is being looked for and read, before there is a playback (app/replay_load.c). */
enum replay_step {
    REPLAY_SESSION, /* session.json of `dir`. Missing → FILE for a path, WORKSPACES for a bare name; else an error */
    REPLAY_FILE,       /* `dir` as a file of `watch --record`. → the end */
    REPLAY_WORKSPACES, /* the folders of workspaces. → SESSIONS */
    REPLAY_SESSIONS, /* the sessions of one of them, one after the other. One found → SESSION; else an error */
    REPLAY_JOURNAL,   /* → TALK */
    REPLAY_TALK,      /* conversation.jsonl. → PLACE */
    REPLAY_PLACE,     /* workspace.json. → BENCH */
    REPLAY_BENCH,     /* names of bench/. → TELEMETRY */
    REPLAY_TELEMETRY, /* names of telemetry/. → RUNS */
    REPLAY_RUNS       /* the files of runs, some at a time. → the end */
};
enum { REPLAY_FOUND_MAX = 8 };
struct replay_load {
    enum replay_step step;
    char what[1024];     /* as it was asked for */
    char workspace[160]; /* folder names; "" = not known yet */
    char name[128];
    char dir[1200];   /* of the session, or the file */
    bool bare;        /* a name alone: it may be in any workspace */
    bool path;        /* it was given as a path */
    bool here;        /* … and this workspace was looked at first */
    struct buf names; /* workspaces that are still to be looked at; then paths of the runs' files */
    int nfound, npart; /* that have the name; whose name has it as a part */
    char found[REPLAY_FOUND_MAX][300], part[REPLAY_FOUND_MAX][300];
    struct recording *recording; /* owned */
};
void replay_load_free(struct replay_load *l);

/* Takes the recording. The place is its beginning. */
struct playback *playback_new(struct recording *r);
void playback_free(struct playback *p);
/* This speed, within 0.25 … 100; with `by` the one so many steps faster. */
double playback_speed(double speed, int by);
/* Goes on to now_us (monotonic); nothing when it is paused. True: something is new. */
bool playback_advance(struct playback *p, int64_t now_us);
/* To a place, 0 … length_us; what lies outside is its end. */
void playback_seek(struct playback *p, int64_t to_us);
/* To the next (by > 0) or previous event of a kind. False: there is none. */
bool playback_jump(struct playback *p, enum recorded_kind kind, int by);
/* To the next or previous event that shows: a second, a verdict, a word. */
bool playback_step(struct playback *p, int by);
bool playback_ended(const struct playback *p);
/* "REPLAY > 4x  2026-01-02 05:08:30  run 3 of 24  41 %", a mark in place of > when it is paused. */
void playback_note(const struct playback *p, char *dst, size_t size);
