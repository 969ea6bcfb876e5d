/* The machine of a question to a model, driven by any order of what can happen: bytes of an answer, ends of all kinds, timers, ticks, stops,
 * changes of the clock and of what may be told. The real wire, masks and readers take part.
 *
 * Holds at every step: a question has one answer, and only when it is over; nothing is sent while somebody is waited for, and nothing at
 * all once it is over, too dear or not allowed; what was spent never goes back; the waits stay within their bounds; and it ends. */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/agent/ask.h"

static struct server_facts server;
static struct partner p;
static struct ask a;
static struct effects fx;
static struct ask_env env;
static struct evidence evidence = {.server = &server, .baseline_tps = 100, .best_tps = 100};
static struct op_input in = {.e = &evidence, .question = "why?"};
static int64_t begun_us;

static int count(enum effect_kind kind)
{
    int n = 0;
    for (size_t i = 0; i < fx.n; i++)
        n += fx.items[i].kind == kind;
    return n;
}

static void check_spent(const struct spent *s, const struct spent *before)
{
    REQUIRE(s->calls >= before->calls && s->cached_calls >= before->cached_calls);
    REQUIRE(s->in >= before->in && s->out >= before->out && s->thinking >= before->thinking);
    REQUIRE(isfinite(s->usd) && s->usd >= before->usd - 1e-12 && s->seconds >= before->seconds);
    REQUIRE(s->unpriced <= s->calls && s->estimated <= s->calls);
}

/* After a step; calls: how many had been sent before it. */
static void check(bool was_open, const struct spent *before)
{
    int sent = count(FX_HTTP), timers = count(FX_TIMER), stops = count(FX_HTTP_CANCEL);
    bool open = ask_open(&a);

    REQUIRE(sent + timers <= 1 && stops <= 1);
    REQUIRE((a.answer != NULL) == (a.state == ASK_DONE));
    REQUIRE(sent == 0 || a.state == ASK_SENT);
    REQUIRE(timers == 0 || a.state == ASK_WAIT);
    REQUIRE(was_open || sent == 0 || open);
    REQUIRE(a.attempt >= 0 && a.attempt <= ASK_TRIES);
    REQUIRE(a.waited_us >= 0 && a.waited_us <= (int64_t)ASK_WAIT_BUDGET_S * 1000000);
    REQUIRE(a.usage.in >= 0 && a.usage.out >= 0 && a.usd >= 0);
    if (a.state == ASK_WAIT)
        REQUIRE(a.again_at_us - env.now_us <= (int64_t)ASK_WAIT_BUDGET_S * 1000000);
    if (a.state == ASK_DONE)
        REQUIRE(a.answer->op == a.op && (!a.answer->by_rules || a.answer->why_rules[0]));
    REQUIRE(p.breaker.failures >= 0 && p.breaker.pause_s <= BREAKER_PAUSE_MAX_S);
    REQUIRE(p.ncalls >= 0 && p.ncalls <= CALL_NOTES_MAX);
    check_spent(&p.session, before);
    effects_clear(&fx);
}

static void begin(struct input *i)
{
    static const enum op ops[] = {OP_QUESTION, OP_DIAGNOSE, OP_TARGET, OP_HARDWARE};
    uint8_t byte = input_byte(i);
    struct spent before = p.session;
    char why[200];
    bool speaks = partner_speaks(&p, env.now_us, why, sizeof why);

    if (ask_open(&a)) /* whoever asks anew stops what is out */
        ask_cancel(&a, &env, &fx);
    effects_clear(&fx);
    before = p.session;
    speaks = partner_speaks(&p, env.now_us, why, sizeof why);
    a.slot = byte & 4 ? ASK_FLOW : ASK_CHAT;
    begun_us = env.now_us;
    ask_begin(&a, ops[byte & 3], &env, &fx);
    REQUIRE(speaks || (count(FX_HTTP) == 0 && a.state == ASK_DONE));
    REQUIRE(speaks || a.answer->by_rules || p.kind == PARTNER_BUILTIN);
    check(false, &before);
}

static void end(struct input *i, struct event *ev)
{
    static const enum err_code codes[] = {ERR_NONE, ERR_CONNECT, ERR_TIMEOUT, ERR_LOST};
    uint8_t byte = input_byte(i);

    ev->kind = EV_HTTP_END;
    if (codes[byte & 3] != ERR_NONE)
        err_set(&ev->err, codes[byte & 3], "it broke");
    ev->u.http.temporary = byte & 4;
}

static void data(struct input *i, struct event *ev)
{
    ev->kind = EV_HTTP_DATA;
    ev->text = input_word(i);
    ev->len = strlen(ev->text);
}

static void head(struct input *i, struct event *ev)
{
    static const int codes[] = {200, 400, 401, 403, 404, 429, 500, 503};

    ev->kind = EV_HTTP_HEAD;
    ev->u.http.status = codes[input_byte(i) & 7];
    ev->text = xstrdup("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    ev->len = strlen(ev->text);
}

static void step(struct input *i, uint8_t what)
{
    struct event ev = {.at_us = env.now_us,
                       .req = {OWNER_ASK, a.generation * ASK_SLOTS + (uint32_t)a.slot, a.waiting}};
    struct spent before = p.session;
    bool was_open = ask_open(&a);

    if (what & 8) /* a late one, of a request that is over */
        ev.req.id--;
    switch (what & 7) {
    case 0:
        head(i, &ev);
        break;
    case 1:
    case 2:
        data(i, &ev);
        break;
    case 3:
        end(i, &ev);
        break;
    case 4:
        ev.kind = EV_TIMER;
        break;
    default:
        ev.kind = EV_TICK;
        break;
    }
    bool ours = ask_step(&a, &ev, &env, &fx);
    REQUIRE(!ours || was_open);
    REQUIRE(!(what & 8) || ev.kind == EV_TICK || !ours);
    event_clear(&ev);
    check(was_open, &before);
}

static void other(struct input *i, uint8_t what)
{
    struct spent before = p.session;
    bool was_open = ask_open(&a);
    struct buf out = {0};

    switch (what & 7) {
    case 0:
        ask_cancel(&a, &env, &fx);
        REQUIRE(!was_open || (a.cancelled && a.state == ASK_DONE));
        break;
    case 1:
        if (!was_open)
            ask_reset(&a);
        break;
    case 2:
        p.privacy = (enum privacy)(input_byte(i) % 3);
        break;
    case 3:
        env.wall_us += ((int64_t)input_byte(i) - 64) * INT64_C(3600000000); /* also backwards */
        break;
    case 4:
        ask_preview(OP_QUESTION, &env, &out);
        break;
    case 5:
        p.kind = input_byte(i) & 1 ? PARTNER_BUILTIN : PARTNER_GEMINI;
        break;
    case 6:
        if (!was_open)
            partner_anew(&p);
        break;
    default:
        env.wait_s = input_byte(i) % 30;
        break;
    }
    buf_clear(&out);
    check(was_open, &before);
}

/* Whatever is out: without another byte it comes to an end. */
static void comes_to_an_end(void)
{
    for (int n = 0; ask_open(&a); n++) {
        struct event ev = {
            .kind = a.state == ASK_WAIT ? EV_TIMER : EV_HTTP_END,
            .req = {OWNER_ASK, a.generation * ASK_SLOTS + (uint32_t)a.slot, a.waiting}};
        struct spent before = p.session;
        REQUIRE(n < 4 * ASK_TRIES);
        env.now_us += 1000000;
        if (ev.kind == EV_HTTP_END) {
            err_set(&ev.err, ERR_LOST, "gone");
            ev.u.http.temporary = true;
        }
        ev.at_us = env.now_us;
        REQUIRE(ask_step(&a, &ev, &env, &fx));
        check(true, &before);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input i = {bytes, size, 0};
    struct err e = {0};

    struct mask *mask = p.mask; /* thousands of words: one serves all inputs */

    memset(&p, 0, sizeof p);
    memset(&a, 0, sizeof a);
    p.mask = mask;
    REQUIRE(prices_load(&p.prices, NULL, 0, &e));
    p.kind = PARTNER_GEMINI;
    p.told = true;
    p.privacy = PRIVACY_REDACTED;
    p.cap_calls = 12;
    p.cap_usd = 1;
    snprintf(p.endpoint.model, sizeof p.endpoint.model, "gemini-3.8-flash");
    snprintf(p.endpoint.base, sizeof p.endpoint.base, "http://127.0.0.1:9");
    env = (struct ask_env){.partner = &p,
                           .in = &in,
                           .now_us = 1000000,
                           .wall_us = INT64_C(1795000000000000),
                           .random = 1};
    while (!input_ended(&i)) {
        uint8_t what = input_byte(&i);
        env.now_us += (int64_t)(what >> 4) * 500000;
        env.random = env.random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (!ask_open(&a) || (what & 15) == 15)
            begin(&i);
        else if ((what & 15) == 14)
            other(&i, input_byte(&i));
        else
            step(&i, what);
    }
    comes_to_an_end();
    ask_reset(&a);
    packet_clear(&a.packet);
    mask = p.mask;
    p.mask = NULL;
    partner_clear(&p);
    p.mask = mask;
    effects_clear(&fx);
    return 0;
}
