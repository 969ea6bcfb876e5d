/* flow_left.c - what is written down while a session is at work, so that the next start knows where it was: the step that begins, into
 * the journal, and the DBA's answers to a proposal, into session.json. */
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/workspace/kept.h"
#include "pgd/workspace/left.h"
#include "pgd/workspace/store.h"

#include <string.h>

enum { ANSWERS_EACH_S = 1 };

static bool is_written(const struct left_step *a, const struct left_step *now)
{
    if (a->phase != now->phase || a->round != now->round)
        return false;
    return now->doing == LEFT_RESTS || memcmp(a, now, sizeof *a) == 0;
}

static void write_step(struct model *m, struct effects *fx)
{
    struct buf path = {0}, text = {0};
    struct left_step now;
    struct effect *e;

    left_of(m, &now);
    if (now.phase == LEFT_UNKNOWN || is_written(&m->fl.now.written, &now))
        return;
    m->fl.now.written = now;
    buf_printf(&path, "%s/journal.jsonl", m->session.dir);
    store_journal_step(&now, &text);
    e = fx_file(fx, flow_store_req(), FILE_APPEND, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}

static void keep_answers(struct model *m)
{
    struct session *s = &m->session;

    if (m->opt.headless || m->fl.decision != DECIDE_REVIEW ||
        (s->kept.round == s->round.number && !kept_differs(&s->kept, &s->round.review)))
        return;
    kept_take(&s->kept, &s->round.review, &m->pinned);
    s->kept.round = s->round.number;
    s->kept.decided = false;
    m->fl.now.kept_waits = true;
}

static int find_rejected(const struct session *s, const char *name, const char *value)
{
    for (int i = 0; i < s->nrejected; i++)
        if (strcmp(s->rejected[i].name, name) == 0 && strcmp(s->rejected[i].value, value) == 0)
            return i;
    return -1;
}

/* A review that is gone through a second time may turn its answers round. */
static void remember_rejected(struct session *s)
{
    for (int i = 0; i < s->round.review.n; i++) {
        const struct review_line *l = &s->round.review.lines[i];
        bool accepted = l->answer == ANSWER_ACCEPT && l->refusal == REFUSE_NONE;
        int at = find_rejected(s, l->change.name, l->change.value);
        if (accepted && at >= 0)
            s->rejected[at] = s->rejected[--s->nrejected];
        if (accepted || at >= 0 || s->nrejected == (int)ARRAY_LEN(s->rejected))
            continue;
        struct rejected_change *r = &s->rejected[s->nrejected++];
        text_copy_raw(r->name, sizeof r->name, l->change.name);
        text_copy_raw(r->value, sizeof r->value, l->change.value);
    }
}

bool flow_left_answered(const struct model *m)
{
    return m->session.kept.round == m->session.round.number && !m->opt.headless;
}

bool flow_left_offers(struct model *m, struct proposal *p)
{
    const struct kept_review *k = &m->session.kept;

    if (!flow_left_answered(m) || k->proposal.n == 0)
        return false;
    *p = k->proposal;
    model_say(m, CHAT_EVENT, "round %d: its proposal is offered again, with your %d answers",
              k->round, kept_answers(k));
    return true;
}

void flow_left_decided(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    remember_rejected(s);
    if (m->opt.headless)
        return;
    kept_take(&s->kept, &s->round.review, &m->pinned);
    s->kept.round = s->round.number;
    s->kept.decided = true;
    m->fl.now.kept_waits = false;
    flow_save_session(m, fx);
}

void flow_left_judged(struct model *m)
{
    memset(&m->session.kept, 0, sizeof m->session.kept);
    m->fl.now.kept_waits = false;
}

void flow_left_pump(struct model *m, struct effects *fx)
{
    struct flow_now *now = &m->fl.now;

    if (m->session.state != SESSION_ACTIVE || !model_run_active(m) || now->undo_only)
        return;
    write_step(m, fx);
    keep_answers(m);
    if (!now->kept_waits || m->now_us - now->kept_us < ANSWERS_EACH_S * 1000000LL)
        return;
    now->kept_waits = false;
    now->kept_us = m->now_us;
    flow_save_session(m, fx);
}
