/* What a hostile or broken model says (tests/support/llm/hostile.json), from the bytes of its answer to the review: nothing
 * that it tries passes, and the legitimate change beside it does. In both dialects, as the first proposal and as the next. */
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pg15.h"
#include "pgd/agent/ask.h"
#include "pgd/base/buf.h"
#include "pgd/base/text.h"

enum { CASES_LEAST = 60, MANY = 400, HUGE_BYTES = 5 * 1024 * 1024, LONG_BYTES = 10000 };

static struct server_facts facts;
static json_t *root;

static int setup(void **state)
{
    (void)state;
    char path[512];
    const char *source = getenv("PGD_SOURCE_DIR");
    json_error_t e;
    snprintf(path, sizeof path, "%s/tests/support/llm/hostile.json", source ? source : ".");
    root = json_load_file(path, 0, &e);
    if (!root)
        fail_msg("%s: %s", path, e.text);
    pg15_facts(&facts);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_facts_clear(&facts);
    json_decref(root);
    return 0;
}

static const char *text_at(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "";
}

/* ---- the text of an answer ------------------------------------------------------------------ */

static void put_change(struct buf *out, const char *name, const char *value)
{
    json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:f,s:f,s:s}", "evidence", "300 temporary files",
                          "name", name, "value", value, "why", "The measured cause.", "expect_lo",
                          2.0, "expect_hi", 20.0, "risk", "low");
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
    buf_puts(out, text);
    free(text);
    json_decref(j);
}

static void put_good(struct buf *out)
{
    const json_t *good = json_object_get(root, "good");
    put_change(out, json_string_value(json_array_get(good, 0)),
               json_string_value(json_array_get(good, 1)));
}

static void put_many(struct buf *out)
{
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "setting_%d", i);
        if (i > 0)
            buf_puts(out, ",");
        put_change(out, name, "on");
    }
}

static void put_letters(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i += 8)
        buf_append(out, "abcdefg ", 8);
}

static void fill_in(const char *template, struct buf *out)
{
    static const char *const names[] = {"@GOOD@", "@MANY@", "@HUGE@", "@LONG@", "@KEY@"};
    for (const char *s = template; *s;) {
        size_t i = 0;
        while (i < ARRAY_LEN(names) && strncmp(s, names[i], strlen(names[i])) != 0)
            i++;
        if (i == ARRAY_LEN(names)) {
            buf_append(out, s++, 1);
            continue;
        }
        s += strlen(names[i]);
        if (i == 0)
            put_good(out);
        else if (i == 1)
            put_many(out);
        else if (i == 4)
            buf_puts(out, "hunter2");
        else
            put_letters(out, i == 2 ? HUGE_BYTES : LONG_BYTES);
    }
}

/* As the operation's schema wants it: the two differ in a few words about the changes alone. */
static void put_answer(const json_t *c, enum op op, bool repaired, struct buf *out)
{
    const char *raw = text_at(c, "answer");
    if (*raw && !repaired && op == OP_ROUND1) {
        fill_in(raw, out);
        return;
    }
    buf_puts(out, op == OP_ANALYZE
                      ? "{\"verdict\":\"none\",\"bottleneck\":\"sorts\",\"stop\":false,"
                        "\"summary\":\"More.\",\"changes\":["
                      : "{\"nothing_left\":false,\"changes\":[");
    const json_t *changes = json_object_get(c, "changes");
    for (size_t i = 0; !repaired && i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        put_change(out, json_string_value(json_array_get(change, 0)),
                   json_string_value(json_array_get(change, 1)));
        buf_puts(out, ",");
    }
    put_good(out);
    buf_puts(out, "],\"text\":\"More memory for sorts.\",\"confidence\":60}");
}

/* ---- the model ------------------------------------------------------------------------------ */

struct talk {
    struct partner partner;
    struct ask ask;
    struct evidence evidence;
    struct op_input in;
    struct ask_env env;
};

static void talk_init(struct talk *t, enum dialect d)
{
    memset(t, 0, sizeof *t);
    t->partner.kind = d == DIALECT_GEMINI ? PARTNER_GEMINI : PARTNER_OPENAI;
    t->partner.endpoint.dialect = d;
    snprintf(t->partner.endpoint.model, sizeof t->partner.endpoint.model, "gemini-3.8-flash");
    snprintf(t->partner.endpoint.base, sizeof t->partner.endpoint.base, "http://127.0.0.1:1%s",
             d == DIALECT_GEMINI ? "" : "/v1");
    t->partner.privacy = PRIVACY_REDACTED;
    t->partner.told = true;
    t->evidence = (struct evidence){.server = &facts,
                                    .baseline_tps = 400,
                                    .best_tps = 400,
                                    .baseline_p95_ms = 20,
                                    .floor = 0.02,
                                    .client_cpu = 0.1,
                                    .seconds_left = 600};
    t->in = (struct op_input){.e = &t->evidence};
    t->env = (struct ask_env){
        .partner = &t->partner, .in = &t->in, .now_us = 1000000, .wall_us = 1795000000000000};
}

static void talk_clear(struct talk *t)
{
    ask_reset(&t->ask);
    partner_clear(&t->partner);
}

/* A whole answer to the request that is out, as a stream of two events. */
static void say(struct talk *t, const char *text, size_t len, struct effects *fx)
{
    const struct req req = fx->items[fx->n - 1].req;
    const bool gemini = t->partner.endpoint.dialect == DIALECT_GEMINI;
    json_t *j = gemini ? json_pack("{s:[{s:{s:s,s:[{s:s%}]},s:s,s:i}],s:{s:i,s:i,s:i}}",
                                   "candidates", "content", "role", "model", "parts", "text", text,
                                   len, "finishReason", "STOP", "index", 0, "usageMetadata",
                                   "promptTokenCount", 900, "candidatesTokenCount", 80,
                                   "totalTokenCount", 980)
                       : json_pack("{s:s,s:[{s:i,s:{s:s%},s:s}]}", "object",
                                   "chat.completion.chunk", "choices", "index", 0, "delta",
                                   "content", text, len, "finish_reason", "stop");
    struct buf body = {0};
    char *event = json_dumps(j, JSON_COMPACT);
    assert_non_null(event);
    buf_printf(&body, "data: ");
    buf_puts(&body, event);
    buf_puts(&body, gemini ? "\n\n" : "\n\ndata: [DONE]\n\n");
    free(event);
    json_decref(j);

    struct event head = {.kind = EV_HTTP_HEAD, .req = req};
    head.u.http.status = 200;
    head.text = xstrdup("content-type: text/event-stream\r\n");
    head.len = strlen(head.text);
    ask_step(&t->ask, &head, &t->env, fx);
    event_clear(&head);
    for (size_t at = 0; at < body.len; at += 16384) {
        struct event data = {.kind = EV_HTTP_DATA, .req = req};
        data.len = body.len - at < 16384 ? body.len - at : 16384;
        data.text = xmalloc(data.len + 1);
        memcpy(data.text, buf_text(&body) + at, data.len);
        data.text[data.len] = '\0';
        ask_step(&t->ask, &data, &t->env, fx);
        event_clear(&data);
    }
    struct event end = {.kind = EV_HTTP_END, .req = req};
    ask_step(&t->ask, &end, &t->env, fx);
    event_clear(&end);
    buf_clear(&body);
}

/* ---- what comes of it ----------------------------------------------------------------------- */

/* All of them are told before the test fails. */
static int faults;

PGD_PRINTF(1, 2) static void wrong(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    faults++;
}

/* The name as a careless reader would take it: without what is not printable ASCII, quotes and blanks, in small letters. */
static bool same_name(const char *a, const char *b)
{
    char out[2][SETTING_NAME_MAX];
    for (int i = 0; i < 2; i++) {
        size_t n = 0;
        for (const char *s = i ? b : a; *s && n < sizeof out[i] - 1; s++)
            if (isalnum((unsigned char)*s) || *s == '_' || *s == '.')
                out[i][n++] = (char)tolower((unsigned char)*s);
        out[i][n] = '\0';
    }
    return strcmp(out[0], out[1]) == 0;
}

/* Did the line that the case tries pass? What passed of an allowed setting is within what it may be: the guard's own tests
 * say so; here it must not be the value that was tried. */
static bool passed(const json_t *c, const struct review_line *line)
{
    char tries[SETTING_NAME_MAX];
    const char *name = text_at(c, "tries"), *value = strchr(name, '=');
    size_t len = value ? (size_t)(value - name) : strlen(name);
    if (line->refusal != REFUSE_NONE)
        return false;
    snprintf(tries, sizeof tries, "%.*s", (int)(len < sizeof tries ? len : sizeof tries - 1), name);
    if (!same_name(line->change.name, tries))
        return false;
    return !value || strcmp(line->to, value + 1) == 0;
}

static void judge(const json_t *c, const struct op_answer *a, const char *where)
{
    const char *good = json_string_value(json_array_get(json_object_get(root, "good"), 0));
    const struct guard_policy policy = {
        .restart_possible = true, .peak_active = NAN, .clients = 8, .temp_bytes_per_s = NAN};
    const struct proposal *p = a->op == OP_ANALYZE ? &a->u.analysis.next : &a->u.proposal;
    struct review r = {0};
    bool found = false;

    if (a->by_rules)
        wrong("%s, %s: answered by rules: %s", text_at(c, "name"), where, a->why_rules);
    guard_review(p, &facts, &policy, &r);
    review_accept_safe(&r, true);
    for (int i = 0; i < r.n; i++) {
        const struct review_line *line = &r.lines[i];
        if (passed(c, line))
            wrong("%s, %s: %s = %s passed", text_at(c, "name"), where, line->change.name, line->to);
        for (const char *s = line->reason; *s; s++)
            if ((unsigned char)*s < ' ' || *s == 0x7f)
                wrong("%s, %s: a control character in \"%s\"", text_at(c, "name"), where,
                      line->reason);
        found |= line->answer == ANSWER_ACCEPT && strcmp(line->change.name, good) == 0;
    }
    if (!found)
        wrong("%s, %s: %s is not among the accepted", text_at(c, "name"), where, good);
}

static int one(const json_t *c, enum op op, enum dialect d)
{
    char where[64];
    struct talk t;
    struct effects fx = {0};
    struct buf text = {0};
    int repaired = 0;

    snprintf(where, sizeof where, "%s, %s", op_row(op)->name,
             d == DIALECT_GEMINI ? "gemini" : "openai");
    talk_init(&t, d);
    ask_begin(&t.ask, op, &t.env, &fx);
    assert_int_equal(t.ask.state, ASK_SENT);
    put_answer(c, op, false, &text);
    say(&t, buf_text(&text), text.len, &fx);
    if (t.ask.state == ASK_SENT) { /* it is asked to mend it, and does */
        repaired = 1;
        if (op == OP_ROUND1 && !json_is_true(json_object_get(c, "again")))
            wrong("%s, %s: to be repaired: %s", text_at(c, "name"), where, t.ask.wrong);
        buf_clear(&text);
        put_answer(c, op, true, &text);
        say(&t, buf_text(&text), text.len, &fx);
    }
    assert_int_equal(t.ask.state, ASK_DONE);
    judge(c, t.ask.answer, where);
    buf_clear(&text);
    effects_clear(&fx);
    talk_clear(&t);
    return repaired;
}

static void test_hostile(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "cases");
    size_t i, n = json_array_size(cases);
    const json_t *c;
    int repaired = 0, answers = 0;

    assert_true(n >= CASES_LEAST);
    json_array_foreach(cases, i, c)
    {
        for (int d = 0; d < DIALECT_COUNT; d++)
            repaired += one(c, OP_ROUND1, (enum dialect)d), answers++;
        if (json_object_get(c, "changes"))
            one(c, OP_ANALYZE, DIALECT_GEMINI), answers++;
    }
    assert_int_equal(faults, 0);
    printf("hostile: %zu cases, %d answers: nothing that they try passed, every legitimate change "
           "did (%d after a repair)\n",
           n, answers, repaired);
}

/* The second check, right before sending, by itself: the names alone are refused whatever a review has let pass. */
static void test_send(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "cases"), *c;
    size_t i;
    int refused = 0;

    json_array_foreach(cases, i, c)
    {
        const json_t *change = json_array_get(json_object_get(c, "changes"), 0);
        const char *name = json_string_value(json_array_get(change, 0));
        struct err e = {0};
        if (!name || (knob_find(name) && !danger_find(name)))
            continue; /* a value that only the review can judge */
        if (danger_find(name) == REFUSE_DURABILITY || (knob_find(name) && knob_find(name)->flags))
            continue; /* the DBA's own: a wish of his may send it */
        if (guard_send(name, json_string_value(json_array_get(change, 1)), &e))
            fail_msg("%s = %s is sent", name, json_string_value(json_array_get(change, 1)));
        refused++;
    }
    assert_true(refused >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile), cmocka_unit_test(test_send)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
