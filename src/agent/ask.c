/* ask.c - see ask.h. */
#include "pgd/agent/ask.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/ask_cache.h"
#include "pgd/base/text.h"

enum {
    SAID_MAX = 24 * 1024,    /* of an unusable answer that is sent back to be repaired */
    MAX_TOKENS_MOST = 32768, /* after an answer was cut */
    NONCE_DIGITS = 16,
    BYTES_OF_TOKEN = 3 /* of English and JSON: what Gemini's own command line reckons with */
};

static struct req req_of(const struct ask *a)
{
    return (struct req){OWNER_ASK, a->generation * ASK_SLOTS + (uint32_t)a->slot, a->waiting};
}

/* ---- how it ends ---- */

static void set_advisor(struct op_answer *r, const struct advisor_name *n)
{
    r->advisor = *n;
    switch (r->op) {
    case OP_FIRST_SIGHT:
        r->u.sight.advisor = *n;
        break;
    case OP_TARGET:
        r->u.target.advisor = *n;
        break;
    case OP_ROUND1:
        r->u.proposal.advisor = *n;
        break;
    case OP_ANALYZE:
        r->u.analysis.conclusion.advisor = r->u.analysis.next.advisor = *n;
        break;
    case OP_NEXT_STRATEGIES:
        r->u.next.advisor = *n;
        break;
    case OP_DIAGNOSE:
        r->u.diagnosis.advisor = *n;
        break;
    default:
        break;
    }
}

/* why = "": the builtin advisor was chosen. */
static void by_rules(struct ask *a, const struct ask_env *env, const char *why)
{
    static const struct advisor_name builtin = {"builtin"};

    a->answer = xcalloc(1, sizeof *a->answer);
    op_builtin(a->op, env->in, a->answer);
    a->answer->op = a->op;
    set_advisor(a->answer, &builtin);
    a->answer->by_rules = env->partner->kind != PARTNER_BUILTIN;
    text_copy(a->answer->why_rules, sizeof a->answer->why_rules, why);
    a->state = ASK_DONE;
    a->note[0] = '\0';
}

/* Tokens of what went out and came, where nobody has told: rather too few bytes for one than too many. */
static void estimate(const struct ask *a, struct usage *u)
{
    const struct packet *p = &a->packet;
    size_t sent = (p->system ? strlen(p->system) : 0) + (p->user ? strlen(p->user) : 0) +
                  (p->schema ? strlen(p->schema) : 0) + (a->repairing ? a->said.len : 0);

    *u = (struct usage){.in = (int)(sent / BYTES_OF_TOKEN),
                        .out = (int)(a->wire.text.len / BYTES_OF_TOKEN)};
}

/* What the call cost. Where it does not say so, an answer, a part of one, and a call that was stopped cost what their texts come to: the
 * provider counts them, too. What was refused or not reached costs nothing. */
static void account(struct ask *a, const struct ask_env *env, bool failed, const char *why)
{
    struct partner *p = env->partner;
    const struct wire *w = &a->wire;
    bool taken = !failed || w->text.len > 0 || w->status / 100 == 2 || a->cancelled;
    const char *model = w->model[0] ? w->model : p->endpoint.model;
    struct call_note c = {
        .op = a->op,
        .usage = w->usage,
        .usage_known = w->usage_known,
        .usd = NAN,
        .seconds = (double)(env->now_us - a->sent_us) / 1e6,
        .wall_us = env->wall_us,
        .failed = failed,
    };
    const struct model_price *price = prices_find(&p->prices, model, env->wall_us);

    text_copy(c.model, sizeof c.model, model);
    text_copy(c.why, sizeof c.why, why);
    if (!price)
        price = prices_find(&p->prices, p->endpoint.model, env->wall_us);
    if (!w->usage_known && taken) {
        estimate(a, &c.usage);
        c.usage_known = c.estimated = true;
        snprintf(c.why, sizeof c.why, "%.80s%stokens are an estimate", why, why[0] ? "; " : "");
    }
    if (!c.usage_known)
        c.usd = 0;
    else if (price)
        c.usd = prices_cost(price, &c.usage);
    partner_note(p, &c);
    a->usage.in += w->usage.in; /* as told: estimates are only in the price */
    a->usage.cached += w->usage.cached;
    a->usage.thinking += w->usage.thinking;
    a->usage.out += w->usage.out;
    if (isfinite(c.usd))
        a->usd += c.usd;
}

/* ---- reading an answer ---- */

static json_t *original(const struct mask *mask, const json_t *text)
{
    struct buf out = {0};

    mask_reverse(mask, json_string_value(text), &out);
    json_t *j = json_stringn(buf_text(&out), out.len);
    buf_clear(&out);
    return j ? j : json_string(""); /* no UTF-8 */
}

static void put_back(const struct mask *mask, json_t *j)
{
    const char *key;
    json_t *v;
    size_t i;

    json_object_foreach(j, key, v)
    {
        if (json_is_string(v))
            json_object_set_new(j, key, original(mask, v));
        else
            put_back(mask, v);
    }
    json_array_foreach(j, i, v)
    {
        if (json_is_string(v))
            json_array_set_new(j, i, original(mask, v));
        else
            put_back(mask, v);
    }
}

/* The model's words with the names that the aliases stand for. Within JSON each string is treated by itself, for a name may hold
 * quotes. */
static void unmask(const struct mask *mask, const char *text, size_t len, struct buf *out)
{
    const char *open = memchr(text, '{', len), *close = open ? memrchr(text, '}', len) : NULL;
    json_t *j = close > open
                    ? json_loadb(open, (size_t)(close - open) + 1, JSON_REJECT_DUPLICATES, NULL)
                    : NULL;
    char *dump;

    if (!j) {
        mask_reverse(mask, text, out);
        return;
    }
    put_back(mask, j);
    dump = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
    buf_puts(out, dump ? dump : "{}");
    free(dump);
    json_decref(j);
}

/* Takes a whole text; false and *e when it cannot be used. */
static bool take(struct ask *a, const struct ask_env *env, const char *text, size_t len,
                 struct err *e)
{
    struct op_answer *r = xcalloc(1, sizeof *r);
    struct advisor_name name;
    struct buf plain = {0}, shorter = {0};

    if (len > OP_TEXT_MAX && op_shorten(text, len, &shorter)) {
        text = buf_text(&shorter);
        len = shorter.len;
    }
    if (len <= OP_TEXT_MAX)
        unmask(partner_mask(env->partner), text, len, &plain);
    else
        buf_append(&plain, text, len); /* it is refused */
    buf_clear(&shorter);
    bool ok = op_read(a->op, env->in, buf_text(&plain), plain.len, r, e);
    buf_clear(&plain);
    if (!ok) {
        free(r);
        return false;
    }
    r->op = a->op;
    partner_name(env->partner, &name);
    set_advisor(r, &name);
    a->answer = r;
    a->state = ASK_DONE;
    a->note[0] = '\0';
    return true;
}

/* ---- sending ---- */

static void build(struct ask *a, const struct ask_env *env)
{
    struct mask *mask = partner_mask(env->partner);
    char nonce[NONCE_DIGITS + 1];

    snprintf(nonce, sizeof nonce, "%016" PRIx64, env->random);
    if (a->stricter)
        mask_set_level(mask, PRIVACY_STRICT);
    packet_clear(&a->packet);
    packet_build(a->op, env->in, &(struct packet_options){.mask = mask, .nonce = nonce},
                 &a->packet);
    mask_set_level(mask, env->partner->privacy);
    ask_cache_key(env->partner, a->op, &a->packet, nonce, a->key);
}

static void tell(struct ask *a, const struct ask_env *env)
{
    const char *model = env->partner->endpoint.model;
    double s = (double)(env->now_us - a->begun_us) / 1e6;

    if (a->state == ASK_WAIT)
        snprintf(a->note, sizeof a->note, "attempt %d/%d in %lld s: %.100s", a->attempt + 1,
                 ASK_TRIES,
                 (long long)(env->now_us >= a->again_at_us
                                 ? 0
                                 : (a->again_at_us - env->now_us + 999999) / 1000000),
                 a->failure.err.msg);
    else if (a->state == ASK_SENT && a->wire.text.len > 0)
        snprintf(a->note, sizeof a->note, "%.60s answers: %.1f kB, %.0f s", model,
                 (double)a->wire.text.len / 1024, s);
    else if (a->state == ASK_SENT)
        snprintf(a->note, sizeof a->note, "%.60s %s, %.0f s", model,
                 a->wire.thinks ? "thinks"
                 : a->repairing ? "is asked to repair its answer"
                                : "is asked",
                 s);
    else
        a->note[0] = '\0';
}

static void send(struct ask *a, const struct ask_env *env, struct effects *fx)
{
    struct partner *p = env->partner;
    struct wire_repair repair = {buf_text(&a->said), a->wrong};

    a->waiting++;
    if (!a->repairing ||
        a->state == ASK_WAIT) /* a repair is no try of its own, sending it again is */
        a->attempt++;
    a->state = ASK_SENT;
    a->sent_us = env->now_us;
    a->first_byte_us = 0;
    wire_clear(&a->wire);
    wire_begin(&a->wire, p->endpoint.dialect, !p->no_stream);
    struct effect *e = wire_request(fx, req_of(a), &p->endpoint, &a->packet, a->max_tokens,
                                    !p->no_stream, a->repairing ? &repair : NULL);
    if (!p->reached && a->slot == ASK_FLOW && e->ms > ASK_NOBODY_S * 1000)
        e->ms = ASK_NOBODY_S * 1000;
    tell(a, env);
}

/* ---- when it fails ---- */

/* No further try: rules, and the breaker learns of it. */
static void give_up(struct ask *a, const struct ask_env *env, enum wire_fault fault,
                    const char *why)
{
    if (a->nobody)
        partner_nobody(env->partner, why, env->now_us);
    else
        partner_failed(env->partner, fault, why, env->now_us);
    by_rules(a, env, why);
}

/* Milliseconds until the next try; -1 = there is none. */
static int pause_ms(const struct ask *a, const struct ask_env *env)
{
    const struct wire_failure *f = &a->failure;
    /* the DBA has read the beginning: another one would confuse. The loop's questions are only counted on the screen */
    bool shown = a->slot != ASK_FLOW && op_row(a->op)->streams && !env->partner->no_stream &&
                 a->wire.text.len > 0;
    int budget_s = env->wait_s > 0 && env->wait_s < ASK_WAIT_BUDGET_S ? env->wait_s
                                                                      : ASK_WAIT_BUDGET_S;
    double part = (double)(env->random >> 11) / 9007199254740992.0; /* 0 <= part < 1 */
    double ms;

    if (!f->again || a->attempt >= ASK_TRIES || a->trying || shown)
        return -1;
    if (f->delay_ms >= 0) {
        ms = f->delay_ms * (1 + part / 5);
    } else {
        ms = ASK_BACKOFF_MS * ldexp(1, a->attempt - 1);
        ms = part * fmin(ms, ASK_BACKOFF_MAX_MS);
    }
    if ((double)a->waited_us / 1000 + ms > budget_s * 1000.0)
        return -1;
    if (a->nobody && a->slot == ASK_FLOW &&
        (double)(env->now_us - a->begun_us) / 1000 + ms > ASK_NOBODY_S * 1000.0)
        return -1; /* the screen waits for it */
    return (int)ms;
}

/* The answer cannot be used; wrong says why, in words for the model. Once it is asked to mend it. */
static void unusable(struct ask *a, const struct ask_env *env, enum wire_fault fault,
                     const char *wrong, struct effects *fx)
{
    char capped[120];
    struct buf masked = {0};

    if (a->repaired || a->trying || partner_capped(env->partner, capped, sizeof capped)) {
        char why[200];
        snprintf(why, sizeof why, "its answer could not be used: %.150s", wrong);
        give_up(a, env, fault, why);
        return;
    }
    a->repaired = a->repairing = true;
    buf_clear(&a->said);
    buf_append(&a->said, buf_text(&a->wire.text),
               a->wire.text.len < SAID_MAX ? a->wire.text.len : SAID_MAX);
    mask_names(partner_mask(env->partner), wrong, &masked); /* it may quote the answer */
    text_copy(a->wrong, sizeof a->wrong, buf_text(&masked));
    buf_clear(&masked);
    send(a, env, fx);
}

static void failed(struct ask *a, const struct ask_env *env, struct effects *fx)
{
    const struct wire_failure *f = &a->failure;
    char capped[120], wrong[120];

    if (partner_capped(env->partner, capped, sizeof capped)) {
        give_up(a, env, f->fault, capped);
        return;
    }
    if (f->fault == FAULT_BLOCKED && !a->stricter && !a->trying &&
        env->partner->privacy != PRIVACY_STRICT) {
        a->stricter = true; /* a literal or a name may have looked like a person's */
        a->repairing = false;
        build(a, env);
        send(a, env, fx);
        return;
    }
    if (f->no_schema && !env->partner->endpoint.no_schema) {
        env->partner->endpoint.no_schema = true;
        send(a, env, fx);
        return;
    }
    if (f->fault == FAULT_LENGTH) {
        snprintf(wrong, sizeof wrong,
                 "it was cut off at the limit of %d tokens: give a shorter answer", a->max_tokens);
        a->max_tokens = a->max_tokens * 2 < MAX_TOKENS_MOST ? a->max_tokens * 2 : MAX_TOKENS_MOST;
        unusable(a, env, f->fault, wrong, fx);
        return;
    }
    int ms = pause_ms(a, env);
    if (ms < 0) {
        give_up(a, env, f->fault, f->err.msg);
        return;
    }
    a->waiting++;
    a->state = ASK_WAIT;
    a->waited_us += (int64_t)ms * 1000;
    a->again_at_us = env->now_us + (int64_t)ms * 1000;
    fx_timer(fx, req_of(a), ms);
    tell(a, env);
}

/* The transfer is over. */
static void ended(struct ask *a, const struct event *ev, const struct ask_env *env,
                  struct effects *fx)
{
    struct wire_failure f = {0};
    struct err e = {0};
    char wrong[400];

    a->waiting++;
    a->nobody = !env->partner->reached && a->wire.status == 0 &&
                (ev->err.code == ERR_CONNECT || ev->err.code == ERR_TIMEOUT);
    bool whole = wire_end(&a->wire, &ev->err, ev->u.http.temporary, &f);
    account(a, env, !whole, whole ? "" : f.err.msg);
    if (!whole) {
        a->failure = f;
        failed(a, env, fx);
        return;
    }
    memset(&a->failure, 0, sizeof a->failure);
    if (take(a, env, buf_text(&a->wire.text), a->wire.text.len, &e)) {
        partner_answered(env->partner);
        if (!a->stricter) /* the key is of the request that was sent in its place */
            a->kept = ask_cache_put(env->partner, a->key, env->wall_us, buf_text(&a->wire.text),
                                    a->wire.text.len);
        return;
    }
    snprintf(wrong, sizeof wrong, "%s%s%.140s", e.msg, e.detail[0] ? ". " : "", e.detail);
    unusable(a, env, FAULT_ANSWER, wrong, fx);
}

/* ---- from outside ---- */

static bool from_cache(struct ask *a, const struct ask_env *env)
{
    const struct cached_answer *c = ask_cache_find(env->partner, a->key, env->wall_us);
    struct call_note note = {.op = a->op, .wall_us = env->wall_us, .from_cache = true};
    struct err e = {0};

    if (!c || !take(a, env, c->text, c->len, &e))
        return false;
    a->answer->cached = true;
    text_copy(note.model, sizeof note.model, env->partner->endpoint.model);
    partner_note(env->partner, &note);
    return true;
}

void ask_begin(struct ask *a, enum op op, const struct ask_env *env, struct effects *fx)
{
    char why[200];

    ask_reset(a);
    a->op = op;
    a->begun_us = env->now_us;
    a->max_tokens = op_row(op)->max_tokens;
    if (!partner_speaks(env->partner, env->now_us, why, sizeof why)) {
        by_rules(a, env, why);
        return;
    }
    build(a, env);
    if (from_cache(a, env))
        return;
    a->trying = partner_sends(env->partner, env->now_us);
    send(a, env, fx);
}

static bool tick(struct ask *a, const struct ask_env *env, struct effects *fx)
{
    if (a->state == ASK_WAIT && env->now_us >= a->again_at_us + 1000000) {
        send(a, env, fx); /* its timer did not come */
        return true;
    }
    tell(a, env);
    return ask_open(a);
}

bool ask_step(struct ask *a, const struct event *ev, const struct ask_env *env, struct effects *fx)
{
    if (ev->kind == EV_TICK)
        return tick(a, env, fx);
    if (!ask_open(a) || !req_same(ev->req, req_of(a)))
        return false;
    if (a->state == ASK_WAIT) {
        if (ev->kind == EV_TIMER)
            send(a, env, fx);
        return true;
    }
    switch (ev->kind) {
    case EV_HTTP_HEAD:
        env->partner->reached = true;
        wire_head(&a->wire, ev->u.http.status, ev->text ? ev->text : "");
        break;
    case EV_HTTP_DATA:
        if (!a->first_byte_us)
            a->first_byte_us = env->now_us;
        wire_data(&a->wire, ev->text ? ev->text : "", ev->text ? ev->len : 0);
        break;
    case EV_HTTP_END:
        ended(a, ev, env, fx);
        break;
    default:
        break;
    }
    tell(a, env);
    return true;
}

void ask_cancel(struct ask *a, const struct ask_env *env, struct effects *fx)
{
    if (!ask_open(a))
        return;
    a->cancelled = true;
    if (a->state == ASK_SENT) {
        effects_add(fx, FX_HTTP_CANCEL, req_of(a));
        account(a, env, true, "stopped");
    } else {
        effects_add(fx, FX_TIMER_STOP, req_of(a));
    }
    a->waiting++;
    memset(&a->failure, 0, sizeof a->failure);
    a->failure.fault = FAULT_CANCELLED;
    a->failure.delay_ms = -1;
    err_set(&a->failure.err, ERR_CANCELLED, "stopped");
    if (a->trying)
        partner_untried(env->partner, env->now_us);
    by_rules(a, env, "it was stopped");
}

void ask_reset(struct ask *a)
{
    struct ask fresh = {
        .slot = a->slot, .generation = a->generation + 1, .waiting = a->waiting + 1};

    wire_clear(&a->wire);
    buf_clear(&a->said);
    packet_clear(&a->packet);
    free(a->answer);
    *a = fresh;
}

bool ask_open(const struct ask *a)
{
    return a->state == ASK_SENT || a->state == ASK_WAIT;
}

bool ask_preview(enum op op, const struct ask_env *env, struct buf *out)
{
    struct partner *p = env->partner;
    struct ask a = {.op = op};
    struct effects fx = {0};
    char why[200];

    if (!partner_speaks(p, env->now_us, why, sizeof why)) {
        buf_puts(out, why[0] ? why : "the builtin advisor answers: nothing is sent");
        return false;
    }
    build(&a, env);
    const struct effect *e = wire_request(&fx, req_of(&a), &p->endpoint, &a.packet,
                                          op_row(op)->max_tokens, !p->no_stream, NULL);
    buf_printf(out, "POST %s\n", e->u.http.url);
    for (int i = 0; e->u.http.headers && e->u.http.headers[i]; i++)
        buf_printf(out, "%s\n", e->u.http.headers[i]);
    if (e->u.http.key_header && e->u.http.key)
        buf_printf(out, "%s(your key)\n", e->u.http.key_header);
    buf_putc(out, '\n');
    buf_append(out, e->text, e->len);
    if (a.packet.left_out[0])
        buf_printf(out, "\n\nleft out: %s", a.packet.left_out);
    effects_clear(&fx);
    packet_clear(&a.packet);
    return true;
}
