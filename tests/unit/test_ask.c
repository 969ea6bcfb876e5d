/* The ask machine by itself: a wire, an operation and a mask of a few lines take the places of the real ones, so that each rule of
 * ask.h and partner.h is seen alone. That the parts fit together is the business of tests/flow/test_advise.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/ask.h"
#include "pgd/agent/ask_cache.h"
#include "pgd/base/text.h"

/* ---- the parts that the machine rests on ---- */

static int built, reads;
static enum privacy built_at;
static char said_wrong[400], said[64];
static bool asked_stream;

struct mask {
    enum privacy level;
};

struct mask *mask_new(enum privacy level)
{
    struct mask *m = xcalloc(1, sizeof *m);
    m->level = level;
    return m;
}

void mask_free(struct mask *m)
{
    free(m);
}

void mask_set_level(struct mask *m, enum privacy level)
{
    m->level = level;
}

void mask_names(struct mask *m, const char *text, struct buf *out)
{
    (void)m;
    buf_puts(out, text);
}

/* The alias host1 stands for a name with a quote in it. */
void mask_reverse(const struct mask *m, const char *text, struct buf *out)
{
    const char *at = strstr(text, "host1");

    (void)m;
    if (!at) {
        buf_puts(out, text);
        return;
    }
    buf_append(out, text, (size_t)(at - text));
    buf_printf(out, "db\"prod%s", at + 5);
}

void packet_build(enum op op, const struct op_input *in, const struct packet_options *o,
                  struct packet *out)
{
    struct buf b = {0};

    built++;
    built_at = o->mask->level;
    out->system = xstrdup("system");
    buf_printf(&b, "[op=%s] <data %s> %s </data %s>", op_row(op)->name, o->nonce,
               in->question ? in->question : "", o->nonce);
    out->user = buf_take(&b);
    out->schema = "{}";
}

void packet_clear(struct packet *p)
{
    free(p->system);
    free(p->user);
    memset(p, 0, sizeof *p);
}

bool endpoint_check(const struct endpoint *p, struct err *e)
{
    return p->base[0] ? true : err_set(e, ERR_MODEL, "no address");
}

struct effect *wire_request(struct effects *fx, struct req req, const struct endpoint *p,
                            const struct packet *packet, int max_tokens, bool stream,
                            const struct wire_repair *repair)
{
    struct effect *e = effects_add(fx, FX_HTTP, req);

    (void)max_tokens;
    asked_stream = stream;
    text_copy(said, sizeof said, repair ? repair->said : "");
    text_copy(said_wrong, sizeof said_wrong, repair ? repair->wrong : "");
    e->ms = 10000;
    e->u.http.url = xstrdup(p->base);
    e->text = xstrdup(packet->user);
    e->len = strlen(e->text);
    return e;
}

void wire_begin(struct wire *w, enum dialect d, bool stream)
{
    memset(w, 0, sizeof *w);
    w->dialect = d;
    w->stream = stream;
}

void wire_head(struct wire *w, int status, const char *header)
{
    (void)header;
    w->status = status;
}

void wire_data(struct wire *w, const char *data, size_t len)
{
    buf_append(&w->text, data, len);
}

static struct wire_failure next_failure; /* what the next bad end is */

bool wire_end(struct wire *w, const struct err *err, bool temporary, struct wire_failure *f)
{
    (void)temporary;
    if (err->code == ERR_NONE && w->status == 200) {
        w->usage = (struct usage){.in = 100, .cached = 10, .thinking = 5, .out = 20};
        w->usage_known = true;
        return true;
    }
    *f = next_failure;
    return false;
}

void wire_clear(struct wire *w)
{
    buf_clear(&w->raw);
    buf_clear(&w->text);
    buf_clear(&w->error);
    memset(w, 0, sizeof *w);
}

static const struct model_price price = {.id = "m", .in = 1, .out = 2, .cached = 0.1};

const struct model_price *prices_find(const struct prices *p, const char *model, int64_t wall_us)
{
    (void)p;
    (void)wall_us;
    return strcmp(model, "m") == 0 ? &price : NULL;
}

double prices_cost(const struct model_price *p, const struct usage *u)
{
    return (p->in * u->in + p->out * u->out) / 1e3; /* dear, so that caps are reached soon */
}

const struct op_row *op_row(enum op op)
{
    static const struct op_row rows[] = {
        {.op = OP_ROUND1, .name = "get_round1_config", .max_tokens = 8192},
        {.op = OP_QUESTION, .name = "answer_question", .max_tokens = 8192, .streams = true},
    };
    return &rows[op == OP_QUESTION];
}

bool op_read(enum op op, const struct op_input *in, const char *text, size_t len,
             struct op_answer *a, struct err *e)
{
    json_t *j = json_loadb(text, len, 0, NULL);
    const char *t = json_string_value(json_object_get(j, "text"));

    (void)op;
    (void)in;
    reads++;
    if (t)
        text_copy(a->u.proposal.summary, sizeof a->u.proposal.summary, t);
    json_decref(j);
    if (t)
        return true;
    err_set(e, ERR_MODEL, "no field \"text\"");
    return err_detail(e, "It is required.");
}

void op_builtin(enum op op, const struct op_input *in, struct op_answer *a)
{
    (void)in;
    a->op = op;
    text_copy(a->u.proposal.summary, sizeof a->u.proposal.summary, "by rules");
}

/* ---- a world of one question ---- */

struct world {
    struct partner p;
    struct ask a;
    struct op_input in;
    struct effects fx;
    int64_t now_us, wall_us;
    uint64_t random;
    int wait_s;
};

static struct ask_env env_of(struct world *w)
{
    return (struct ask_env){.partner = &w->p,
                            .in = &w->in,
                            .now_us = w->now_us,
                            .wall_us = w->wall_us,
                            .random = w->random,
                            .wait_s = w->wait_s};
}

static int begin_world(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);

    w->p.kind = PARTNER_GEMINI;
    w->p.told = true;
    w->p.privacy = PRIVACY_REDACTED;
    text_copy(w->p.endpoint.model, sizeof w->p.endpoint.model, "m");
    text_copy(w->p.endpoint.base, sizeof w->p.endpoint.base, "http://127.0.0.1:1");
    w->a.slot = ASK_CHAT;
    w->in.question = "why?";
    w->now_us = 50 * 1000000;
    w->wall_us = 1700000000000000;
    w->random = UINT64_C(1) << 63; /* the middle: half of each pause */
    next_failure = (struct wire_failure){.fault = FAULT_SERVER, .again = true, .delay_ms = -1};
    text_copy(next_failure.err.msg, sizeof next_failure.err.msg, "overloaded");
    built = reads = 0;
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;

    ask_reset(&w->a);
    partner_clear(&w->p);
    effects_clear(&w->fx);
    free(w);
    return 0;
}

static void begin(struct world *w, enum op op)
{
    struct ask_env env = env_of(w);
    ask_begin(&w->a, op, &env, &w->fx);
}

static const struct effect *last(const struct world *w, enum effect_kind kind)
{
    for (size_t i = w->fx.n; i-- > 0;)
        if (w->fx.items[i].kind == kind)
            return &w->fx.items[i];
    return NULL;
}

static int count(const struct world *w, enum effect_kind kind)
{
    int n = 0;
    for (size_t i = 0; i < w->fx.n; i++)
        n += w->fx.items[i].kind == kind;
    return n;
}

static bool step(struct world *w, enum event_kind kind, struct req req, int status,
                 const char *text)
{
    struct ask_env env = env_of(w);
    struct event ev = {.kind = kind, .req = req, .at_us = w->now_us};

    ev.text = text ? xstrdup(text) : NULL;
    ev.len = text ? strlen(text) : 0;
    ev.u.http.status = status;
    if (kind == EV_HTTP_END && status == 0)
        err_set(&ev.err, ERR_MODEL, "connection reset");
    bool mine = ask_step(&w->a, &ev, &env, &w->fx);
    event_clear(&ev);
    return mine;
}

/* The whole of an answer to the request that went out last. */
static void answer(struct world *w, int status, const char *text)
{
    struct req req = last(w, FX_HTTP)->req;

    if (status)
        assert_true(step(w, EV_HTTP_HEAD, req, status, ""));
    if (text)
        assert_true(step(w, EV_HTTP_DATA, req, status, text));
    w->now_us += 2000000;
    assert_true(step(w, EV_HTTP_END, req, status, NULL));
}

static void test_answer(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_SENT);
    assert_int_equal(last(w, FX_HTTP)->req.owner, OWNER_ASK);
    answer(w, 200, "sure: {\"text\":\"on host1\"} there");
    assert_int_equal(w->a.state, ASK_DONE);
    assert_false(w->a.answer->by_rules);
    assert_string_equal(w->a.answer->advisor.text, "m");
    assert_string_equal(w->a.answer->u.proposal.advisor.text, "m");
    assert_string_equal(w->a.answer->u.proposal.summary, "on db\"prod");
    assert_int_equal(w->p.session.calls, 1);
    assert_int_equal(w->p.session.in, 100);
    assert_int_equal(w->p.session.out, 20);
    assert_true(fabs(w->p.session.usd - 0.14) < 1e-9);
    assert_true(fabs(w->p.session.seconds - 2) < 1e-9);
    assert_int_equal(w->p.workspace.calls, 1);
}

static void test_builtin_at_once(void **state)
{
    struct world *w = *state;

    w->p.kind = PARTNER_BUILTIN;
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_false(w->a.answer->by_rules); /* it was chosen */
    assert_string_equal(w->a.answer->u.proposal.advisor.text, "builtin");
    w->p.kind = PARTNER_GEMINI;
    w->p.told = false;
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.answer->by_rules);
    assert_non_null(strstr(w->a.answer->why_rules, "agreed"));
    w->p.told = true;
    w->p.endpoint.base[0] = '\0';
    begin(w, OP_ROUND1);
    assert_string_equal(w->a.answer->why_rules, "no address");
    assert_int_equal(count(w, FX_HTTP), 0);
    assert_int_equal(built, 0);
}

static void test_late_bytes(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    struct req old = last(w, FX_HTTP)->req;
    begin(w, OP_ROUND1);
    struct req now = last(w, FX_HTTP)->req;
    assert_false(req_same(old, now));
    assert_false(step(w, EV_HTTP_DATA, old, 200, "{\"text\":\"old\"}"));
    assert_false(step(w, EV_HTTP_END, old, 200, NULL));
    assert_int_equal(w->a.state, ASK_SENT);
    answer(w, 200, "{\"text\":\"new\"}");
    assert_string_equal(w->a.answer->u.proposal.summary, "new");
    assert_false(step(w, EV_HTTP_DATA, now, 200, "more"));
    /* another slot's request has another number */
    struct ask other = {.slot = ASK_FLOW, .generation = w->a.generation, .waiting = w->a.waiting};
    struct ask_env env = env_of(w);
    ask_begin(&other, OP_ROUND1,
              &(struct ask_env){
                  .partner = env.partner, .in = env.in, .now_us = 1, .wall_us = 1, .random = 7},
              &w->fx);
    assert_int_not_equal(last(w, FX_HTTP)->req.generation % ASK_SLOTS, now.generation % ASK_SLOTS);
    ask_reset(&other);
}

static void fire(struct world *w)
{
    w->now_us = w->a.again_at_us;
    assert_true(step(w, EV_TIMER, last(w, FX_TIMER)->req, 0, NULL));
}

static void test_backoff(void **state)
{
    static const int pauses[] = {500, 1000, 2000, 4000};
    struct world *w = *state;

    begin(w, OP_ROUND1);
    for (int i = 0; i < 4; i++) {
        answer(w, 503, NULL);
        assert_int_equal(w->a.state, ASK_WAIT);
        assert_int_equal(last(w, FX_TIMER)->ms, pauses[i]);
        fire(w);
        assert_int_equal(w->a.state, ASK_SENT);
        assert_int_equal(w->a.attempt, i + 2);
    }
    answer(w, 503, NULL);
    assert_int_equal(w->a.state, ASK_DONE); /* five tries, no sixth */
    assert_true(w->a.answer->by_rules);
    assert_string_equal(w->a.answer->why_rules, "overloaded");
    assert_int_equal(w->p.session.calls, 5);
    assert_int_equal(w->p.breaker.failures, 1);
    assert_true(w->p.session.usd == 0);
}

static void test_server_says_when(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    next_failure.delay_ms = 36000;
    answer(w, 429, NULL);
    assert_int_equal(last(w, FX_TIMER)->ms, 39600); /* and a tenth: half of the fifth */
    assert_string_equal(w->a.note, "attempt 2/5 in 40 s: overloaded");
    w->now_us += 30 * 1000000;
    assert_true(step(w, EV_TICK, (struct req){0}, 0, NULL));
    assert_string_equal(w->a.note, "attempt 2/5 in 10 s: overloaded");
    /* a timer that never comes does not hang the question */
    w->now_us += 12 * 1000000;
    step(w, EV_TICK, (struct req){0}, 0, NULL);
    assert_int_equal(w->a.state, ASK_SENT);
    /* 39.6 s more fit into two minutes, and once more; then no more */
    answer(w, 429, NULL);
    fire(w);
    answer(w, 429, NULL);
    assert_int_equal(w->a.state, ASK_WAIT);
    fire(w);
    answer(w, 429, NULL);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_int_equal(w->a.attempt, 4);
}

static void test_short_of_time(void **state)
{
    struct world *w = *state;

    w->wait_s = 10;
    begin(w, OP_ROUND1);
    next_failure.delay_ms = 9500;
    answer(w, 429, NULL);
    assert_int_equal(w->a.state, ASK_DONE);
}

static void test_terminal(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    next_failure = (struct wire_failure){.fault = FAULT_KEY, .delay_ms = -1};
    text_copy(next_failure.err.msg, sizeof next_failure.err.msg, "the key was refused");
    answer(w, 401, NULL);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_int_equal(w->p.session.calls, 1);
    begin(w, OP_ROUND1); /* nobody sends data to who refuses the key */
    assert_int_equal(count(w, FX_HTTP), 1);
    assert_non_null(strstr(w->a.answer->why_rules, "the key was refused"));
    partner_anew(&w->p);
    next_failure.fault = FAULT_MODEL;
    begin(w, OP_ROUND1);
    answer(w, 404, NULL);
    assert_string_equal(w->p.gone, "m");
    begin(w, OP_ROUND1);
    assert_int_equal(count(w, FX_HTTP), 2);
    assert_non_null(strstr(w->a.answer->why_rules, "/model"));
    text_copy(w->p.endpoint.model, sizeof w->p.endpoint.model, "n");
    begin(w, OP_ROUND1);
    assert_int_equal(count(w, FX_HTTP), 3);
}

static void test_repair(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    answer(w, 200, "{\"txt\":1}");
    assert_int_equal(w->a.state, ASK_SENT);
    assert_string_equal(said, "{\"txt\":1}");
    assert_string_equal(said_wrong, "no field \"text\". It is required.");
    assert_int_equal(w->a.attempt, 1);
    answer(w, 200, "{\"text\":\"mended\"}");
    assert_string_equal(w->a.answer->u.proposal.summary, "mended");
    assert_int_equal(w->p.breaker.failures, 0);
    begin(w, OP_QUESTION);
    answer(w, 200, "{}");
    answer(w, 200, "{}"); /* once, not twice */
    assert_int_equal(w->a.state, ASK_DONE);
    assert_non_null(strstr(w->a.answer->why_rules, "no field"));
    assert_int_equal(count(w, FX_HTTP), 4);
    assert_int_equal(w->p.breaker.failures, 1);
    /* a repair that fails on the way is sent again as what it is */
    begin(w, OP_QUESTION);
    answer(w, 200, "[]");
    answer(w, 503, NULL);
    fire(w);
    assert_string_equal(said, "[]");
    answer(w, 200, "{\"text\":\"late\"}");
    assert_false(w->a.answer->by_rules);
}

/* The endpoint dies while it mends its answer: that is tried again as often as anything else. */
static void test_repair_dies(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    answer(w, 200, "{}");
    for (int i = 1; i < ASK_TRIES; i++) {
        answer(w, 503, NULL);
        assert_int_equal(w->a.state, ASK_WAIT);
        fire(w);
    }
    answer(w, 503, NULL);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.answer->by_rules);
    assert_int_equal(count(w, FX_HTTP), 1 + ASK_TRIES);
}

static void test_cut_off(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    next_failure = (struct wire_failure){.fault = FAULT_LENGTH, .delay_ms = -1};
    answer(w, 500, "{\"text\":\"half");
    assert_int_equal(w->a.state, ASK_SENT);
    assert_non_null(strstr(said_wrong, "8192"));
    assert_int_equal(w->a.max_tokens, 16384);
    answer(w, 200, "{\"text\":\"whole\"}");
    assert_string_equal(w->a.answer->u.proposal.summary, "whole");
}

static void test_mid_stream(void **state)
{
    struct world *w = *state;

    next_failure.fault = FAULT_TRUNCATED;
    begin(w, OP_QUESTION); /* its text was shown: it is kept, and not asked for again */
    assert_true(asked_stream);
    answer(w, 0, "Your cache");
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.answer->by_rules);
    assert_int_equal(w->a.failure.fault, FAULT_TRUNCATED);
    assert_string_equal(buf_text(&w->a.wire.text), "Your cache");
    begin(w, OP_ROUND1); /* nobody has seen it */
    answer(w, 0, "{\"te");
    assert_int_equal(w->a.state, ASK_WAIT);
    begin(w, OP_QUESTION); /* broken off before its first text */
    answer(w, 0, NULL);
    assert_int_equal(w->a.state, ASK_WAIT);
}

static void test_blocked(void **state)
{
    struct world *w = *state;

    next_failure = (struct wire_failure){.fault = FAULT_BLOCKED, .delay_ms = -1};
    text_copy(next_failure.err.msg, sizeof next_failure.err.msg, "blocked: SPII");
    begin(w, OP_ROUND1);
    assert_int_equal(built_at, PRIVACY_REDACTED);
    answer(w, 500, NULL);
    assert_int_equal(w->a.state, ASK_SENT);
    assert_int_equal(built_at, PRIVACY_STRICT);
    answer(w, 500, NULL);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_string_equal(w->a.answer->why_rules, "blocked: SPII");
    begin(w, OP_ROUND1); /* the level of the partner is what it was */
    assert_int_equal(built_at, PRIVACY_REDACTED);
    w->p.privacy = PRIVACY_STRICT;
    begin(w, OP_ROUND1);
    answer(w, 500, NULL);
    assert_int_equal(w->a.state, ASK_DONE);
}

static void test_breaker(void **state)
{
    struct world *w = *state;
    char why[200];

    next_failure.again = false;
    for (int i = 0; i < 3; i++) {
        begin(w, OP_ROUND1);
        assert_int_equal(w->a.state, ASK_SENT);
        answer(w, 500, NULL);
    }
    assert_int_equal(w->p.breaker.state, BREAKER_OPEN);
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_string_equal(w->a.answer->why_rules, "not asked for 60 s more: overloaded");
    static const int pauses[] = {120, 240, 480, 600, 600};
    for (int i = 0; i < 5; i++) {
        w->now_us = w->p.breaker.until_us;
        begin(w, OP_ROUND1);
        assert_int_equal(w->p.breaker.state, BREAKER_TRYING);
        assert_false(partner_speaks(&w->p, w->now_us, why, sizeof why)); /* one call */
        next_failure.again = true; /* … and no second try of it */
        answer(w, 503, NULL);
        assert_int_equal(w->p.breaker.state, BREAKER_OPEN);
        assert_int_equal(w->p.breaker.pause_s, pauses[i]);
    }
    w->now_us = w->p.breaker.until_us;
    begin(w, OP_ROUND1);
    struct ask_env env = env_of(w);
    ask_cancel(&w->a, &env, &w->fx);
    assert_int_equal(w->p.breaker.state, BREAKER_OPEN);
    begin(w, OP_ROUND1); /* a call that was stopped has shown nothing */
    assert_int_equal(w->p.breaker.state, BREAKER_TRYING);
    answer(w, 200, "{\"text\":\"back\"}");
    assert_int_equal(w->p.breaker.state, BREAKER_CLOSED);
    assert_int_equal(w->p.breaker.failures, 0);
}

static void test_success_between(void **state)
{
    struct world *w = *state;

    next_failure.again = false;
    for (int i = 0; i < 8; i++) {
        char text[40];
        w->in.question = i % 2 ? "a" : "b";
        snprintf(text, sizeof text, "{\"text\":\"%d\"}", i);
        w->wall_us += INT64_C(2) * 86400 * 1000000; /* no answer of the cache */
        begin(w, OP_ROUND1);
        answer(w, i % 3 == 2 ? 200 : 500, i % 3 == 2 ? text : NULL);
    }
    assert_int_equal(w->p.breaker.state, BREAKER_CLOSED);
}

static void test_caps(void **state)
{
    struct world *w = *state;

    w->p.cap_calls = 5;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(w->p.warned_80, i >= 4);
        w->wall_us += INT64_C(2) * 86400 * 1000000;
        begin(w, OP_ROUND1);
        answer(w, 200, "{\"text\":\"x\"}");
    }
    assert_true(w->p.capped);
    w->wall_us += INT64_C(2) * 86400 * 1000000;
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_non_null(strstr(w->a.answer->why_rules, "cap of 5 calls"));
    w->p.cap_calls = 0;
    w->p.cap_usd = 0.71; /* 0.70 are spent */
    w->p.capped = w->p.warned_80 = false;
    begin(w, OP_ROUND1);
    answer(w, 200, "{}"); /* what mends it would be above the cap */
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.answer->by_rules);
    assert_true(w->p.capped && w->p.warned_80);
    w->p.cap_usd = 0;
    text_copy(w->p.endpoint.model, sizeof w->p.endpoint.model, "unknown");
    begin(w, OP_ROUND1);
    answer(w, 200, "{\"text\":\"x\"}");
    assert_int_equal(w->p.session.unpriced, 1);
}

static void test_cache(void **state)
{
    struct world *w = *state;

    begin(w, OP_ROUND1);
    answer(w, 200, "{\"text\":\"once\"}");
    assert_false(w->a.answer->cached);
    w->random = 12345; /* another nonce is the same request */
    w->wall_us += INT64_C(23) * 3600 * 1000000;
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.answer->cached);
    assert_string_equal(w->a.answer->u.proposal.summary, "once");
    assert_string_equal(w->a.answer->advisor.text, "m");
    assert_int_equal(w->p.session.cached_calls, 1);
    assert_int_equal(w->p.session.calls, 1);
    w->in.question = "other";
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_SENT);
    answer(w, 200, "{}");
    answer(w, 200, "{}"); /* unusable: not kept */
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_SENT);
    w->in.question = "why?";
    begin(w, OP_QUESTION); /* another operation */
    assert_int_equal(w->a.state, ASK_SENT);
    w->wall_us += INT64_C(2) * 3600 * 1000000; /* a day is over */
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_SENT);
    w->wall_us -= INT64_C(72) * 3600 * 1000000; /* the clock went back behind it */
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_SENT);
}

/* A later run of the program reads what an earlier one has kept, for a day; what is no line of it is passed over. */
static void test_cache_in_a_file(void **state)
{
    struct world *w = *state;
    struct buf file = {0};
    int old;

    begin(w, OP_ROUND1);
    answer(w, 200, "{\"text\":\"on host1\"}");
    assert_true(w->a.kept);
    ask_cache_line(&w->p, w->a.key, &file);
    assert_non_null(strstr(buf_text(&file), "host1")); /* as the model said it: with the alias */
    assert_null(strstr(buf_text(&file), "prod"));
    partner_clear(&w->p);
    buf_puts(&file, "no line\n{\"key\":\"12\",\"at_us\":1,\"text\":\"x\"}\n");
    assert_int_equal(ask_cache_read(&w->p, buf_text(&file), file.len, w->wall_us, &old), 2);
    assert_int_equal(old, 0);
    w->random = 999;
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.answer->cached);
    assert_string_equal(w->a.answer->u.proposal.summary, "on db\"prod");
    partner_clear(&w->p);
    w->wall_us += INT64_C(25) * 3600 * 1000000;
    assert_int_equal(ask_cache_read(&w->p, buf_text(&file), file.len, w->wall_us, &old), 2);
    assert_int_equal(old, 1);
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_SENT);
    file.len = 0;
    ask_cache_file(&w->p, w->wall_us, &file);
    assert_int_equal(file.len, 0);
    buf_clear(&file);
}

static void test_what_is_in_no_file(void **state)
{
    struct world *w = *state;
    struct buf file = {0};

    w->p.privacy = PRIVACY_FULL;
    begin(w, OP_ROUND1);
    answer(w, 200, "{\"text\":\"a literal\"}");
    assert_false(w->a.kept);
    w->p.privacy = PRIVACY_REDACTED;
    w->in.question = "2";
    begin(w, OP_ROUND1);
    answer(w, 200, "{\"text\":\"host=a password=hunter22\"}");
    assert_false(w->a.kept);
    ask_cache_file(&w->p, w->wall_us, &file);
    assert_int_equal(file.len, 0);
    w->in.question = "why?"; /* in memory they serve */
    w->p.privacy = PRIVACY_FULL;
    begin(w, OP_ROUND1);
    assert_true(w->a.answer->cached);
    buf_clear(&file);
}

/* Who stops a call has paid for what was sent. */
static void test_a_stopped_call_costs(void **state)
{
    struct world *w = *state;
    struct ask_env env = env_of(w);

    begin(w, OP_QUESTION);
    ask_cancel(&w->a, &env, &w->fx);
    const struct call_note *c = &w->p.calls[w->p.ncalls - 1];
    assert_true(c->estimated && c->failed && c->usd > 0);
    assert_true(c->usage.in > 5 && c->usage.out == 0);
    assert_int_equal(w->p.session.unpriced, 0);
    assert_int_equal(w->p.session.estimated, 1);
    assert_string_equal(c->why, "stopped; tokens are an estimate");
    begin(w, OP_QUESTION); /* refused: nothing */
    double before = w->p.session.usd;
    next_failure.again = false;
    answer(w, 400, NULL);
    assert_true(w->p.session.usd == before);
    begin(w, OP_QUESTION); /* a part of an answer was produced */
    answer(w, 0, "half of an answer");
    c = &w->p.calls[w->p.ncalls - 1];
    assert_true(c->estimated && c->usage.out == 5 && w->p.session.usd > before);
}

static void unreached(struct world *w, enum err_code code)
{
    struct ask_env env = env_of(w);
    struct event ev = {.kind = EV_HTTP_END, .req = last(w, FX_HTTP)->req, .at_us = w->now_us};

    err_set(&ev.err, code, "connection refused");
    ask_step(&w->a, &ev, &env, &w->fx);
}

/* An address at which nobody has ever answered costs the loop five seconds, once; not the session half a minute. */
static void test_nobody_is_there(void **state)
{
    struct world *w = *state;

    w->a.slot = ASK_FLOW;
    next_failure.fault = FAULT_NETWORK;
    begin(w, OP_ROUND1);
    assert_true(last(w, FX_HTTP)->ms == ASK_NOBODY_S * 1000);
    int64_t from = w->now_us;
    unreached(w, ERR_CONNECT);
    assert_int_equal(w->a.state, ASK_WAIT); /* with its countdown */
    assert_non_null(strstr(w->a.note, "attempt 2/5 in 1 s"));
    for (int i = 0; w->a.state == ASK_WAIT; i++) {
        assert_true(i < ASK_TRIES);
        w->now_us = w->a.again_at_us;
        fire(w);
        unreached(w, ERR_CONNECT);
    }
    assert_true(w->now_us - from <= ASK_NOBODY_S * 1000000);
    assert_true(w->a.answer->by_rules);
    assert_int_equal(w->p.breaker.state, BREAKER_OPEN);
    int sent = count(w, FX_HTTP);
    begin(w, OP_ROUND1);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_int_equal(count(w, FX_HTTP), sent);
    w->now_us = w->p.breaker.until_us; /* it is tried again later, once, and then less often */
    begin(w, OP_ROUND1);
    unreached(w, ERR_TIMEOUT);
    assert_int_equal(w->a.state, ASK_DONE);
    assert_int_equal(w->p.breaker.pause_s, 2 * BREAKER_PAUSE_S);
}

/* One that has answered before is waited for as ever; so is what the DBA has asked. */
static void test_somebody_was_there(void **state)
{
    struct world *w = *state;

    next_failure.fault = FAULT_NETWORK;
    begin(w, OP_ROUND1); /* the slot is the conversation's */
    assert_true(last(w, FX_HTTP)->ms > ASK_NOBODY_S * 1000);
    for (int i = 1; i < ASK_TRIES; i++) {
        unreached(w, ERR_CONNECT);
        assert_int_equal(w->a.state, ASK_WAIT);
        w->now_us = w->a.again_at_us;
        fire(w);
    }
    unreached(w, ERR_CONNECT);
    assert_int_equal(w->a.state, ASK_DONE);
    partner_anew(&w->p);
    w->a.slot = ASK_FLOW;
    begin(w, OP_ROUND1);
    answer(w, 200, "{\"text\":\"x\"}");
    w->in.question = "other";
    begin(w, OP_ROUND1);
    assert_true(last(w, FX_HTTP)->ms > ASK_NOBODY_S * 1000);
    for (int i = 1; i < ASK_TRIES; i++) {
        unreached(w, ERR_CONNECT);
        assert_int_equal(w->a.state, ASK_WAIT);
        w->now_us = w->a.again_at_us;
        fire(w);
    }
    unreached(w, ERR_CONNECT);
    assert_int_equal(w->p.breaker.state, BREAKER_CLOSED);
    assert_int_equal(w->p.breaker.failures, 1);
}

static void test_cache_is_bounded(void **state)
{
    struct world *w = *state;
    uint64_t key[4] = {0};

    for (uint64_t i = 0; i < CACHE_MAX + 10; i++) {
        key[0] = i;
        ask_cache_put(&w->p, key, (int64_t)i, "x", 1);
        ask_cache_put(&w->p, key, (int64_t)i, "yy", 2);
    }
    key[0] = 9; /* the oldest have gone */
    assert_null(ask_cache_find(&w->p, key, 100));
    key[0] = 10;
    assert_int_equal(ask_cache_find(&w->p, key, 100)->len, 2);
    key[0] = CACHE_MAX + 9;
    assert_string_equal(ask_cache_find(&w->p, key, 100)->text, "yy");
}

static void test_cancel(void **state)
{
    struct world *w = *state;
    struct ask_env env = env_of(w);

    ask_cancel(&w->a, &env, &w->fx); /* nothing is asked */
    assert_int_equal(w->fx.n, 0);
    begin(w, OP_QUESTION);
    struct req req = last(w, FX_HTTP)->req;
    step(w, EV_HTTP_HEAD, req, 200, "");
    step(w, EV_HTTP_DATA, req, 200, "Your ca");
    ask_cancel(&w->a, &env, &w->fx);
    assert_true(req_same(last(w, FX_HTTP_CANCEL)->req, req));
    assert_int_equal(w->a.state, ASK_DONE);
    assert_true(w->a.cancelled);
    assert_int_equal(w->a.failure.fault, FAULT_CANCELLED);
    assert_string_equal(buf_text(&w->a.wire.text), "Your ca");
    assert_non_null(w->a.answer);
    assert_false(step(w, EV_HTTP_END, req, 0, NULL));
    assert_int_equal(w->p.breaker.failures, 0);
    begin(w, OP_ROUND1);
    answer(w, 503, NULL);
    ask_cancel(&w->a, &env, &w->fx);
    assert_true(req_same(last(w, FX_TIMER_STOP)->req, last(w, FX_TIMER)->req));
    assert_false(step(w, EV_TIMER, last(w, FX_TIMER)->req, 0, NULL));
    assert_int_equal(w->a.state, ASK_DONE);
}

static void test_preview(void **state)
{
    struct world *w = *state;
    struct ask_env env = env_of(w);
    struct buf out = {0};

    assert_true(ask_preview(OP_ROUND1, &env, &out));
    begin(w, OP_ROUND1);
    assert_non_null(strstr(buf_text(&out), last(w, FX_HTTP)->text)); /* byte by byte */
    assert_non_null(strstr(buf_text(&out), "POST http://127.0.0.1:1"));
    buf_clear(&out);
    w->p.kind = PARTNER_BUILTIN;
    assert_false(ask_preview(OP_ROUND1, &env, &out));
    assert_non_null(strstr(buf_text(&out), "nothing is sent"));
    buf_clear(&out);
}

static void test_no_stream(void **state)
{
    struct world *w = *state;

    w->p.no_stream = true;
    begin(w, OP_QUESTION);
    assert_false(asked_stream);
    next_failure.fault = FAULT_NETWORK; /* a part of a whole was never shown */
    answer(w, 0, "{\"te");
    assert_int_equal(w->a.state, ASK_WAIT);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_answer),
        ROW(test_builtin_at_once),
        ROW(test_late_bytes),
        ROW(test_backoff),
        ROW(test_server_says_when),
        ROW(test_short_of_time),
        ROW(test_terminal),
        ROW(test_repair),
        ROW(test_repair_dies),
        ROW(test_cut_off),
        ROW(test_mid_stream),
        ROW(test_blocked),
        ROW(test_breaker),
        ROW(test_nobody_is_there),
        ROW(test_somebody_was_there),
        ROW(test_cache_in_a_file),
        ROW(test_what_is_in_no_file),
        ROW(test_a_stopped_call_costs),
        ROW(test_success_between),
        ROW(test_caps),
        ROW(test_cache),
        ROW(test_cache_is_bounded),
        ROW(test_cancel),
        ROW(test_preview),
        ROW(test_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
