/* replay.c - see replay.h. Keys of a recording move its place, its speed and what of it is in front; nothing else works there, so
 * that nothing on a server can be meant. While it plays a timer drives it; when it rests nothing does. */
#include "pgd/app/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow.h"
#include "pgd/app/keys.h"
#include "pgd/app/offers.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/ui/prompt.h"
#include "pgd/ui/view.h"

enum { FRAME_MS = 50, HELD_STEP_US = 60000000 };

static void arm(struct effects *fx)
{
    fx_timer(fx, (struct req){OWNER_UI, 1, UI_REPLAY_TIMER}, FRAME_MS);
}

/* ---- beginning and end ---- */

void replay_start(struct model *m, struct effects *fx)
{
    replay_load(m, m->opt.replay_what, fx);
}

void replay_open(struct model *m, const char *what, struct effects *fx)
{
    const struct workspace *w = &m->workspace;

    if (!*what && w->nsessions == 0) {
        model_say(m, CHAT_WARN, "no session here yet: /replay NAME plays one, or a recording");
        return;
    }
    replay_load(m, *what ? what : w->sessions[0].name, fx);
}

void replay_close(struct model *m, struct effects *fx)
{
    playback_free(m->playback);
    m->playback = NULL;
    effects_add(fx, FX_TIMER_STOP, (struct req){OWNER_UI, 1, UI_REPLAY_TIMER});
    m->dirty = m->dirty_key = true;
    if (m->opt.replay)
        flow_quit(m, 0, fx);
}

void replay_failed(struct model *m, const struct err *e, struct effects *fx)
{
    if (m->opt.replay && m->opt.headless) {
        struct recording *none = recording_new(m->opt.replay_what);
        recording_problem(none, "", e);
        replay_print(m, none, fx);
        recording_free(none);
        return;
    }
    if (m->opt.replay) {
        m->fl.err = *e; /* said when the screen is gone */
        flow_quit(m, e->code == ERR_USAGE ? 2 : 1, fx);
        return;
    }
    model_say(m, CHAT_WARN, "%s", e->msg);
    if (e->detail[0])
        model_say(m, CHAT_WARN, "%s", e->detail);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
}

void replay_loaded(struct model *m, struct recording *r, struct effects *fx)
{
    struct playback *p;

    if (m->opt.replay && m->opt.headless) {
        replay_print(m, r, fx);
        recording_free(r);
        return;
    }
    playback_free(m->playback);
    p = m->playback = playback_new(r);
    if (m->opt.replay && m->opt.replay_speed > 0)
        p->speed = playback_speed(m->opt.replay_speed, 0);
    m->screen.dialog.kind = DIALOG_NONE;
    m->screen.prompt.focus = false;
    m->dirty = m->dirty_key = true;
    arm(fx);
}

void replay_answer(struct model *m, struct event *ev, struct effects *fx)
{
    struct playback *p = m->playback;

    if (ev->req.id != UI_REPLAY_TIMER) {
        replay_load_answer(m, ev, fx);
        return;
    }
    if (!p)
        return;
    if (playback_advance(p, ev->at_us))
        m->dirty = true;
    if (!p->paused && !playback_ended(p))
        arm(fx);
}

const struct model *replay_shown(struct model *m)
{
    struct playback *p = m->playback;
    struct screen *s;
    size_t n;

    if (!p)
        return m;
    s = &p->shown->screen;
    s->cols = m->screen.cols;
    s->rows = m->screen.rows;
    s->ascii = m->screen.ascii;
    s->graph = m->screen.graph;
    s->choices = m->screen.choices;
    playback_note(p, p->shown->replay_note, sizeof p->shown->replay_note);
    n = strlen(p->shown->replay_note);
    if (m->screen.dialog.kind != DIALOG_NONE) /* of what goes on behind it */
        snprintf(p->shown->replay_note + n, sizeof p->shown->replay_note - n,
                 "  a question waits: q");
    return p->shown;
}

/* ---- keys ---- */

static void go_on(struct model *m, bool paused, struct effects *fx)
{
    struct playback *p = m->playback;

    p->paused = paused;
    p->clock_us = m->now_us;
    if (!paused)
        arm(fx);
}

static void toggle(struct model *m, struct effects *fx)
{
    struct playback *p = m->playback;

    if (playback_ended(p))
        playback_seek(p, 0);
    go_on(m, !p->paused, fx);
}

/* Places of their own are looked at: who goes there wants to see them stand. */
static void rest(struct model *m)
{
    m->playback->paused = true;
}

static void seek(struct model *m, int64_t by_us, struct effects *fx)
{
    struct playback *p = m->playback;
    bool rested = p->paused || playback_ended(p);

    playback_seek(p, p->at_us + by_us);
    if (rested)
        rest(m);
    else
        go_on(m, false, fx);
}

/* Letters and arrows of a recording; false: it is none of them. */
static bool moves(struct model *m, struct key k, struct effects *fx)
{
    struct playback *p = m->playback;
    int sign = k.name == KEYN_LEFT ? -1 : 1;

    if (k.name == KEYN_LEFT || k.name == KEYN_RIGHT) {
        seek(m, sign * (int64_t)(k.rune ? HELD_STEP_US : PLAYBACK_SEEK_US), fx);
        return true;
    }
    if (k.name == KEYN_HOME || k.name == KEYN_END) {
        playback_seek(p, k.name == KEYN_HOME ? 0 : p->length_us);
        rest(m);
        return true;
    }
    if (k.name != KEYN_NONE)
        return false;
    switch (k.rune) {
    case ' ':
        toggle(m, fx);
        return true;
    case '+':
    case '=':
    case '-':
        p->speed = playback_speed(p->speed, k.rune == '-' ? -1 : 1);
        p->clock_us = m->now_us;
        return true;
    case 'n':
    case 'p':
        (void)playback_jump(p, p->recording->of_session ? RECORDED_RUN : RECORDED_SAID,
                            k.rune == 'n' ? 1 : -1);
        rest(m);
        return true;
    case ']':
    case '[':
        (void)playback_jump(p, p->recording->of_session ? RECORDED_VERDICT : RECORDED_GAP,
                            k.rune == ']' ? 1 : -1);
        rest(m);
        return true;
    case '.':
    case ',':
        (void)playback_step(p, k.rune == '.' ? 1 : -1);
        rest(m);
        return true;
    default:
        return false;
    }
}

static bool looks(enum key_command c)
{
    return (c >= KC_NEXT_PANE && c <= KC_PANE_5) || c == KC_ZOOM || c == KC_HELP || c == KC_UP ||
           c == KC_DOWN || c == KC_PAGE_UP || c == KC_PAGE_DOWN || c == KC_TOP || c == KC_BOTTOM;
}

/* What the shown model's keys would have done outside is done without. */
static void look(struct model *m, struct key k, bool dialog)
{
    struct model *shown = m->playback->shown;
    struct effects none = {0};

    if (dialog && k.name != KEYN_CTRL)
        keys_key(shown, k, &none);
    else if (!dialog && looks(keys_command(shown, k)))
        keys_run(shown, (int)keys_command(shown, k), &none);
    effects_clear(&none);
}

static void submit(struct model *m, const char *line, struct effects *fx)
{
    struct model *shown = m->playback->shown;
    double speed;

    if (strcmp(line, "/replay stop") == 0 || strcmp(line, "/close") == 0) {
        replay_close(m, fx);
    } else if (strcmp(line, "/quit") == 0 || strcmp(line, "/q") == 0) {
        replay_close(m, fx);
        if (!m->quitting)
            flow_stop(m, true, 0, fx);
    } else if (strncmp(line, "/replay ", 8) == 0 && text_double(line + 8, &speed) && speed > 0) {
        m->playback->speed = playback_speed(speed, 0);
    } else if (strncmp(line, "/replay ", 8) == 0) {
        replay_open(m, line + 8, fx);
    } else if (strcmp(line, "/help") == 0 || strcmp(line, "/h") == 0 || strcmp(line, "/?") == 0) {
        shown->screen.dialog = (struct dialog){.kind = DIALOG_HELP};
    } else {
        model_say(shown, CHAT_WARN,
                  "a recording is played: /replay SPEED, /replay SESSION, /replay stop; the rest "
                  "works behind q");
    }
}

static void prompt_line(struct model *m, struct key k, struct effects *fx)
{
    struct prompt *p = &m->playback->shown->screen.prompt;
    char line[PROMPT_MAX];

    switch (prompt_key(p, k, offers_complete, m)) {
    case PROMPT_SUBMIT:
        text_copy_raw(line, sizeof line, p->text);
        prompt_take(p);
        p->focus = false;
        submit(m, line, fx);
        break;
    case PROMPT_CANCEL:
        p->focus = false;
        break;
    case PROMPT_IGNORED:
    case PROMPT_HANDLED:
        break;
    }
}

static void leave(struct model *m, struct effects *fx)
{
    struct model *shown = m->playback->shown;

    if (view_zoomed(shown))
        shown->screen.zoom = false;
    else
        replay_close(m, fx);
}

bool replay_key(struct model *m, struct key k, struct effects *fx)
{
    struct playback *p = m->playback;
    enum key_command c = keys_command(m, k);

    if (!p)
        return false;
    m->dirty = m->dirty_key = true;
    if (c == KC_REDRAW || c == KC_SUSPEND) {
        keys_run(m, (int)c, fx);
    } else if (k.name == KEYN_CTRL && k.rune == 'c') {
        replay_close(m, fx);
    } else if (p->shown->screen.prompt.focus) {
        prompt_line(m, k, fx);
    } else if (p->shown->screen.dialog.kind != DIALOG_NONE) {
        look(m, k, true);
    } else if (k.name == KEYN_NONE && (k.rune == '/' || k.rune == ':')) {
        p->shown->screen.prompt.focus = true;
        prompt_set(&p->shown->screen.prompt, "/");
    } else if (k.name == KEYN_ESC || c == KC_QUIT) {
        leave(m, fx);
    } else if (!moves(m, k, fx)) {
        look(m, k, false);
    }
    return true;
}
