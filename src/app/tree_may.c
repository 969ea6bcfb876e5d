/* tree_may.c - see tree_may.h. Whoever adds a key adds a row here, and in keys.c for the key line and the help. */
#include "pgd/app/tree_may.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/flow.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

enum { WHY_S = 8 };

enum need {
    NEED_SESSION = 1, /* the cursor is on a session or a part of it, and that has a folder */
    NEED_STATE = 2,   /* … on a state which the server has been left in */
    NEED_WRITE = 4,   /* the workspace is ours to write */
    NEED_REST = 8,    /* a session of its own is begun: nothing else is under way */
    NEED_OPEN = 16,   /* the session has not ended */
    NEED_LEFT = 32    /* … is not the one at work, nor one that has to be looked after first */
};

static const struct {
    char letter;
    enum tree_act act;
    const char *what; /* "b: " and this, where it cannot be done */
    unsigned needs;
} letters[] = {
    {'c', TREE_COMPARE, "comparing", NEED_SESSION},
    {'b', TREE_BRANCH, "a branch", NEED_SESSION | NEED_STATE | NEED_WRITE | NEED_REST},
    {'v', TREE_REVERT, "going back", NEED_SESSION | NEED_STATE | NEED_WRITE | NEED_REST},
    {'r', TREE_RENAME, "a title", NEED_SESSION | NEED_WRITE},
    {'a', TREE_CLOSE, "archiving", NEED_SESSION | NEED_WRITE | NEED_OPEN},
    {'D', TREE_DELETE, "deleting", NEED_SESSION | NEED_WRITE | NEED_LEFT},
};

enum tree_act tree_act_of(struct key k)
{
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (key_is(k, letters[i].letter))
            return letters[i].act;
    return TREE_NOTHING;
}

/* ---- the conditions ---- */

static bool has_session(const struct model *m, struct tree_node n, char *why, size_t size)
{
    (void)m;
    if (n.session >= 0)
        return true;
    snprintf(why, size, "%s",
             n.session == TREE_LIVE ? "this session has no folder yet"
                                    : "the cursor is on the workspace: go to a session first");
    return false;
}

static bool has_state(const struct model *m, struct tree_node n, char *why, size_t size)
{
    (void)m;
    if (n.part != TREE_NOTE && n.part != TREE_UNDERWAY)
        return true;
    snprintf(why, size, "this is no state which the server has been left in");
    return false;
}

static bool is_writable(const struct model *m, struct tree_node n, char *why, size_t size)
{
    (void)n;
    if (!m->opt.readonly && !m->workspace.readonly && m->workspace.open)
        return true;
    if (m->opt.readonly)
        snprintf(why, size, "--readonly: nothing is changed here");
    else if (m->workspace.readonly)
        snprintf(why, size, "this workspace is only looked at: %s", m->workspace.holder);
    else
        snprintf(why, size, "the workspace is not open yet");
    return false;
}

static bool is_at_rest(const struct model *m, struct tree_node n, char *why, size_t size)
{
    bool rests = m->flow == FLOW_WATCH || m->flow == FLOW_SIGHT || m->flow == FLOW_PAUSED ||
                 m->flow == FLOW_SUMMARY || m->flow == FLOW_ERROR;

    (void)n;
    if (flow_end_busy(m))
        snprintf(why, size, "the end of the session before it is still being written");
    else if (!rests || model_run_active(m))
        snprintf(why, size,
                 m->fl.decision == DECIDE_RECOVER
                     ? "it begins a session of its own: answer for the interrupted one first (t)"
                     : "it begins a session of its own: pause (Ctrl-C) or end what is under way "
                       "first");
    else if (!m->sight_known)
        snprintf(why, size, "this server has not been looked at yet: t does that first");
    else
        return true;
    return false;
}

static bool is_open(const struct model *m, struct tree_node n, char *why, size_t size)
{
    const struct session_row *r = &m->workspace.sessions[n.session];

    if (tree_is_live(m, n.session) && model_run_active(m))
        return true;
    if (r->state == SESSION_ARCHIVED || r->state == SESSION_FAILED)
        snprintf(why, size,
                 "%.100s has ended (%s) and stays so; b on one of its states goes on from there in "
                 "a new session",
                 r->name, session_state_name(r->state));
    else if (model_run_active(m))
        snprintf(why, size, "another session is under way: pause (Ctrl-C) or end it first");
    else
        return true;
    return false;
}

static bool is_left(const struct model *m, struct tree_node n, char *why, size_t size)
{
    const struct session_row *r = &m->workspace.sessions[n.session];
    bool live = tree_is_live(m, n.session);

    if (r->state != SESSION_ACTIVE && !(live && (model_run_active(m) || flow_end_busy(m))))
        return true;
    snprintf(why, size, "%.100s is %s: it is not deleted", r->name,
             live ? "the session at hand" : "interrupted, and has to be resumed or undone first");
    return false;
}

static const struct {
    enum need need;
    bool (*holds)(const struct model *m, struct tree_node n, char *why, size_t size);
} conditions[] = {
    {NEED_SESSION, has_session}, {NEED_WRITE, is_writable}, {NEED_STATE, has_state},
    {NEED_REST, is_at_rest},     {NEED_OPEN, is_open},      {NEED_LEFT, is_left},
};

bool tree_may(const struct model *m, enum tree_act act, struct tree_node n, char *why, size_t size)
{
    char reason[240] = "";
    size_t row = 0;

    while (row < ARRAY_LEN(letters) && letters[row].act != act)
        row++;
    for (size_t i = 0; row < ARRAY_LEN(letters) && i < ARRAY_LEN(conditions); i++) {
        if (!(letters[row].needs & conditions[i].need) ||
            conditions[i].holds(m, n, reason, sizeof reason))
            continue;
        snprintf(why, size, "%c, %s: %s", letters[row].letter, letters[row].what, reason);
        return false;
    }
    return true;
}

void tree_refuse(struct model *m, const char *why)
{
    model_say(m, CHAT_WARN, "%s", why);
    text_copy(m->screen.flash, sizeof m->screen.flash, why);
    m->screen.flash_until_us = m->now_us + WHY_S * INT64_C(1000000);
}
