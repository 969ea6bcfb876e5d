/* dialogs_come.c - see dialogs_come.h. A key that was pressed for a list must never answer a question that came up under it:
 * k moves a row, and keeps a whole session. */
#include "pgd/app/dialogs_come.h"

#include "pgd/app/dialogs.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"

enum {
    STILL_S = 1, /* so long no key has moved about: who reads may be asked */
    ASKED_S = 3, /* so long what comes is taken for the answer to a key that was for the loop */
    NOTE_S = 8   /* a line about it, over a dialog that has a key line of its own */
};

static bool is_of_loop(enum dialog_kind kind)
{
    switch (kind) {
    case DIALOG_STRATEGY:
    case DIALOG_PLAN:
    case DIALOG_TARGET:
    case DIALOG_REVIEW:
    case DIALOG_VERDICT:
    case DIALOG_SUMMARY:
    case DIALOG_RECOVER:
    case DIALOG_PASSWORD:
    case DIALOG_STUCK:
    case DIALOG_ERROR:
    case DIALOG_MANUAL:
    case DIALOG_NOTICE:
    case DIALOG_MODEL:
    case DIALOG_HOST_KEY:
    case DIALOG_HOST_WORD:
    case DIALOG_HOSTS:
    case DIALOG_TRUST:
    case DIALOG_PAUSE:
        return true;
    default:
        return false;
    }
}

static bool within(const struct model *m, int64_t at_us, int s)
{
    return at_us > 0 && m->now_us - at_us < s * 1000000LL;
}

/* Keys go to something else now. */
static bool is_busy(const struct model *m)
{
    const struct screen *s = &m->screen;

    if (m->opt.headless || within(m, s->asked_us, ASKED_S))
        return false;
    return m->live.at || m->tree.filtering || within(m, s->roamed_us, STILL_S);
}

static void announce(struct model *m, const struct dialog *d)
{
    model_say(m, CHAT_WARN, "%s waits: t opens it", dialog_subject(d->kind));
    if (model_dialog(m) == DIALOG_NONE) /* it stands in the key line for as long as it waits */
        return;
    snprintf(m->screen.flash, sizeof m->screen.flash, "%s waits until this is closed",
             dialog_subject(d->kind));
    m->screen.flash_until_us = m->now_us + NOTE_S * 1000000LL;
}

struct dialog *dialogs_come(struct model *m, enum dialog_kind kind)
{
    struct dialog *d = &m->screen.dialog;

    m->dirty = true;
    if (model_dialog(m) != DIALOG_NONE && !is_of_loop(d->kind) && !m->opt.headless &&
        !within(m, m->screen.asked_us, ASKED_S)) {
        m->screen.below = (struct dialog){.kind = kind, .waits = true};
        d->under = kind;
        announce(m, &m->screen.below);
        return &m->screen.below;
    }
    if (d->secret)
        secret_release(d->secret);
    *d = (struct dialog){.kind = kind};
    if (!is_busy(m))
        return d;
    if (kind ==
        DIALOG_STUCK) { /* the worst that can be said is said at once, and a key on its way does not close it */
        d->deaf_until_us = m->now_us + STILL_S * 1000000LL;
        return d;
    }
    d->waits = true;
    announce(m, d);
    return d;
}

bool dialogs_come_deaf(struct model *m, struct key k)
{
    struct dialog *d = &m->screen.dialog;

    if (model_dialog(m) == DIALOG_NONE || m->now_us >= d->deaf_until_us || m->screen.prompt.focus ||
        k.name == KEYN_CTRL)
        return false;
    d->deaf_until_us = m->now_us + STILL_S * 1000000LL;
    return true;
}

/* Keys that only look around: who presses them did not ask for anything. */
static bool moves(const struct model *m, struct key k, enum key_command c)
{
    if (c == KC_TUNE || c == KC_INTERRUPT)
        return false;
    if (m->live.at)
        return true;
    if (c == KC_UNDO || c == KC_QUIT || c == KC_PROMPT || c == KC_PROMPT_SLASH)
        return false;
    if (k.name != KEYN_NONE)
        return k.name != KEYN_ENTER;
    return m->screen.focus != PANE_TREE || key_is(k, 'j') || key_is(k, 'k');
}

/* A key in a dialog: one of the loop's, or one that decides something, and so leads to the next. */
static bool decides(enum dialog_kind shown, struct key k)
{
    return is_of_loop(shown) || shown == DIALOG_SWITCH || shown == DIALOG_QUIT ||
           k.name == KEYN_ENTER;
}

void dialogs_come_key(struct model *m, struct key k, enum key_command c)
{
    struct screen *s = &m->screen;
    enum dialog_kind shown = model_dialog(m);
    bool asks;

    if (s->prompt.focus && k.name != KEYN_ENTER)
        return; /* a line is typed: it keeps its keys, whatever comes up */
    asks = s->prompt.focus || (shown != DIALOG_NONE ? decides(shown, k) : !moves(m, k, c));
    s->asked_us = asks ? m->now_us : 0;
    s->roamed_us = asks ? 0 : m->now_us;
}

bool dialogs_come_now(struct model *m)
{
    struct dialog *d = &m->screen.dialog;

    if (!d->waits || d->kind == DIALOG_NONE)
        return false;
    d->waits = false;
    m->dirty = true;
    return true;
}

void dialogs_come_tick(struct model *m)
{
    if (!is_busy(m))
        (void)dialogs_come_now(m);
}
