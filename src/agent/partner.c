/* partner.c - see partner.h. */
#include "pgd/agent/partner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

const char *partner_kind_name(enum partner_kind k)
{
    static const char *const names[] = {"builtin", "gemini", "openai"};

    return names[k];
}

static bool over(double spent, double cap, double share)
{
    return cap > 0 && spent >= cap * share;
}

bool partner_capped(const struct partner *p, char *why, size_t size)
{
    if (over(p->session.calls, p->cap_calls, 1)) {
        snprintf(why, size, "the session's cap of %d calls is reached", p->cap_calls);
        return true;
    }
    if (over(p->session.usd, p->cap_usd, 1)) {
        snprintf(why, size, "the session's cap of %.2f USD is reached", p->cap_usd);
        return true;
    }
    return false;
}

bool partner_speaks(const struct partner *p, int64_t now_us, char *why, size_t size)
{
    struct err e = {0};
    char text[200];

    why[0] = '\0';
    if (p->kind == PARTNER_BUILTIN)
        return false;
    if (!p->told) {
        snprintf(why, size, "nothing is sent before you have agreed to it");
    } else if (!endpoint_check(&p->endpoint, &e)) {
        text_copy(why, size, e.msg);
    } else if (p->gone[0] && strcmp(p->gone, p->endpoint.model) == 0) {
        snprintf(why, size, "%s is gone: choose another with /model", p->gone);
    } else if (partner_capped(p, text, sizeof text)) {
        text_copy(why, size, text);
    } else if (p->breaker.state == BREAKER_TRYING) {
        snprintf(why, size, "one call tries whether %s answers again", p->endpoint.model);
    } else if (p->breaker.state == BREAKER_OPEN && now_us < p->breaker.until_us) {
        snprintf(why, size, "not asked for %lld s more: %s",
                 (long long)((p->breaker.until_us - now_us + 999999) / 1000000), p->breaker.why);
    } else {
        return true;
    }
    return false;
}

void partner_name(const struct partner *p, struct advisor_name *out)
{
    text_copy(out->text, sizeof out->text,
              p->kind == PARTNER_BUILTIN ? "builtin" : p->endpoint.model);
}

static void add(struct spent *s, const struct call_note *c)
{
    s->seconds += c->seconds;
    if (c->from_cache) {
        s->cached_calls++;
        return;
    }
    s->calls++;
    s->in += c->usage.in;
    s->cached += c->usage.cached;
    s->thinking += c->usage.thinking;
    s->out += c->usage.out;
    if (isfinite(c->usd))
        s->usd += c->usd;
    else
        s->unpriced++;
    s->estimated += c->estimated;
}

void partner_spent_add(struct spent *a, const struct spent *b)
{
    a->calls += b->calls;
    a->cached_calls += b->cached_calls;
    a->in += b->in;
    a->cached += b->cached;
    a->thinking += b->thinking;
    a->out += b->out;
    a->usd += b->usd;
    a->unpriced += b->unpriced;
    a->estimated += b->estimated;
    a->seconds += b->seconds;
}

void partner_note(struct partner *p, const struct call_note *c)
{
    char why[120];

    if (p->ncalls == CALL_NOTES_MAX)
        memmove(p->calls, p->calls + 1, (size_t)--p->ncalls * sizeof p->calls[0]);
    p->calls[p->ncalls++] = *c;
    add(&p->session, c);
    add(&p->workspace, c);
    p->warned_80 = p->warned_80 || over(p->session.calls, p->cap_calls, 0.8) ||
                   over(p->session.usd, p->cap_usd, 0.8);
    p->capped = partner_capped(p, why, sizeof why);
}

bool partner_sends(struct partner *p, int64_t now_us)
{
    struct breaker *b = &p->breaker;

    if (b->state != BREAKER_OPEN || now_us < b->until_us)
        return false;
    b->state = BREAKER_TRYING;
    return true;
}

void partner_answered(struct partner *p)
{
    memset(&p->breaker, 0, sizeof p->breaker);
}

static void open_for(struct breaker *b, int pause_s, int64_t now_us)
{
    b->state = BREAKER_OPEN;
    b->pause_s = pause_s < BREAKER_PAUSE_MAX_S ? pause_s : BREAKER_PAUSE_MAX_S;
    b->until_us = now_us + (int64_t)b->pause_s * 1000000;
}

void partner_failed(struct partner *p, enum wire_fault fault, const char *why, int64_t now_us)
{
    struct breaker *b = &p->breaker;
    bool lasting = fault == FAULT_KEY || fault == FAULT_REGION || fault == FAULT_QUOTA_DAY;

    text_copy(b->why, sizeof b->why, why);
    b->failures++;
    if (fault == FAULT_MODEL) { /* the picker is shown; nothing is asked of this one before */
        text_copy_raw(p->gone, sizeof p->gone, p->endpoint.model);
        b->state = BREAKER_CLOSED;
    } else if (lasting) {
        open_for(b, BREAKER_PAUSE_MAX_S, now_us);
    } else if (b->state == BREAKER_TRYING) {
        open_for(b, b->pause_s * 2, now_us);
    } else if (b->state == BREAKER_CLOSED && b->failures >= BREAKER_FAILURES) {
        open_for(b, BREAKER_PAUSE_S, now_us);
    }
}

void partner_nobody(struct partner *p, const char *why, int64_t now_us)
{
    struct breaker *b = &p->breaker;

    text_copy(b->why, sizeof b->why, why);
    b->failures++;
    open_for(b, b->state == BREAKER_TRYING ? b->pause_s * 2 : BREAKER_PAUSE_S, now_us);
}

void partner_untried(struct partner *p, int64_t now_us)
{
    if (p->breaker.state != BREAKER_TRYING)
        return;
    p->breaker.state = BREAKER_OPEN;
    p->breaker.until_us = now_us;
}

void partner_anew(struct partner *p)
{
    memset(&p->breaker, 0, sizeof p->breaker);
    p->gone[0] = '\0';
    p->reached = false;
}

struct mask *partner_mask(struct partner *p)
{
    if (!p->mask)
        p->mask = mask_new(p->privacy);
    mask_set_level(p->mask, p->privacy);
    return p->mask;
}

void partner_clear(struct partner *p)
{
    if (p->mask)
        mask_free(p->mask);
    p->mask = NULL;
    for (int i = 0; i < CACHE_MAX; i++) {
        free(p->cache[i].text);
        p->cache[i].text = NULL;
    }
}
