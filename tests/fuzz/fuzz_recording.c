/* The files of a recording, of any bytes: what can be read is in the order of its time and can be played to its end and back. The first
 * byte says which kind of file the others are. */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/workspace/playback.h"

static void play(struct recording *r)
{
    struct playback *p = playback_new(r);

    REQUIRE(p->length_us >= 0);
    playback_seek(p, p->length_us);
    REQUIRE(playback_ended(p) && p->next == r->n);
    (void)playback_step(p, -1);
    playback_seek(p, p->length_us / 2);
    REQUIRE(p->shown->replay_note[0]);
    playback_free(p);
}

/* Playing takes a model of its own, and with it most of the time: one of eight sizes is played. */
static void look(struct recording *r, size_t size)
{
    REQUIRE(r->n <= RECORDING_EVENTS && r->nruns <= RECORDING_RUNS);
    for (int i = 1; i < r->n; i++)
        REQUIRE(r->events[i].at_us >= r->events[i - 1].at_us);
    for (int i = 0; i < r->nproblems && i < RECORDING_PROBLEMS; i++)
        REQUIRE(r->problems[i].code != ERR_NONE && r->problems[i].msg[0]);
    if (size % 8 == 0)
        play(r);
    else
        recording_free(r);
}

static struct recording *a_session(void)
{
    struct recording *r = recording_new("fuzz");
    struct session *s = r->session = xcalloc(1, sizeof *s);

    r->of_session = true;
    session_reset(s);
    s->state = SESSION_ARCHIVED;
    s->created_wall_us = 1000000000000000;
    s->baseline_tps = 100;
    s->plan.duration_s = 2;
    s->nhistory = 2;
    s->rounds_done = 2;
    s->history[0].number = 1;
    s->history[1].number = 2;
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    struct recording *r;

    if (size == 0 || size > 100000)
        return 0;
    size--;
    if (data[0] == 'w') {
        look(recording_watch_digest(text, size, "fuzz"), size);
        return 0;
    }
    r = a_session();
    if (data[0] == 'j') {
        recording_journal(r, text, size);
    } else if (data[0] == 't') {
        recording_talk(r, text, size);
    } else if (data[0] == 'p') {
        recording_workspace(r, text, size);
    } else {
        void *files = recorded_files_digest(text, size, NULL);
        recording_files(r, files);
        recorded_files_free(files);
    }
    recording_finish(r);
    look(r, size);
    return 0;
}
