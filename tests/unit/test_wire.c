/* Both dialects without a network: requests as they leave, answers from recorded bytes cut at every place, and every failure that a
 * server, a proxy or a broken line can make of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pgd/agent/wire.h"
#include "pgd/base/secret.h"

#define KEY "AQ.Ab8RN6-canary_0123456789"

/* ---- requests ---- */

static const struct packet packet = {
    .system = (char *)"You advise.",
    .user = (char *)"[op=first_sight_analysis]\nfigures: \"1\" \xe2\x82\xac",
    .schema = "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},"
              "\"a\":{\"type\":\"number\"}},\"required\":[\"b\"]}",
};

static struct endpoint endpoint(enum dialect d, const char *base, const char *model)
{
    struct endpoint p = {.dialect = d};
    snprintf(p.base, sizeof p.base, "%s", base);
    snprintf(p.model, sizeof p.model, "%s", model);
    return p;
}

static char *body_of(const struct endpoint *p, int tokens, bool stream,
                     const struct wire_repair *repair)
{
    struct effects fx = {0};
    struct effect *e = wire_request(&fx, (struct req){0}, p, &packet, tokens, stream, repair);
    char *text = xstrndup(e->text, e->len);
    effects_clear(&fx);
    return text;
}

static void assert_body(const struct endpoint *p, int tokens, bool stream, const char *body)
{
    char *text = body_of(p, tokens, stream, NULL);
    assert_string_equal(text, body);
    free(text);
}

static void test_gemini_request(void **state)
{
    (void)state;
    struct endpoint p = endpoint(DIALECT_GEMINI, "https://g.example/", "gemini-3.8-flash");
    p.key = secret_put(KEY, strlen(KEY));
    struct effects fx = {0};
    struct effect *e = wire_request(&fx, (struct req){.id = 7}, &p, &packet, 16384, true, NULL);
    assert_int_equal(e->kind, FX_HTTP);
    assert_int_equal(e->req.id, 7);
    assert_string_equal(
        e->u.http.url,
        "https://g.example/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    assert_string_equal(e->u.http.key_header, "x-goog-api-key: ");
    assert_int_equal(e->u.http.key, p.key);
    assert_string_equal(e->u.http.headers[0], "Content-Type: application/json");
    assert_null(strstr(e->text, KEY));
    assert_true(e->ms > 0 && e->u.http.max_bytes > 0 && e->u.http.stall_s >= 60);
    effects_clear(&fx);
    assert_body(&p, 16384, true,
                "{\"systemInstruction\":{\"parts\":[{\"text\":\"You advise.\"}]},"
                "\"generationConfig\":{\"maxOutputTokens\":16384,\"responseMimeType\":"
                "\"application/json\",\"responseJsonSchema\":{\"type\":\"object\",\"properties\":{"
                "\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"number\"}},\"required\":[\"b\"]},"
                "\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}},\"contents\":[{\"role\":\"user\","
                "\"parts\":[{\"text\":\"[op=first_sight_analysis]\\nfigures: \\\"1\\\" "
                "\xe2\x82\xac\"}]}]}");
    secret_release(p.key);
}

static void test_openai_request(void **state)
{
    (void)state;
    struct endpoint p = endpoint(DIALECT_OPENAI, "http://127.0.0.1:11434", "qwen3:8b");
    struct effects fx = {0};
    struct effect *e = wire_request(&fx, (struct req){0}, &p, &packet, 4096, true, NULL);
    assert_string_equal(e->u.http.url, "http://127.0.0.1:11434/v1/chat/completions");
    assert_null(e->u.http.key_header);
    effects_clear(&fx);
    const char *rest =
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\","
        "\"strict\":false,\"schema\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":"
        "\"string\"},\"a\":{\"type\":\"number\"}},\"required\":[\"b\"]}}},";
    const char *messages = "\"messages\":[{\"role\":\"system\",\"content\":\"You advise.\"},"
                           "{\"role\":\"user\",\"content\":\"[op=first_sight_analysis]\\nfigures: "
                           "\\\"1\\\" \xe2\x82\xac\"}]}";
    struct buf want = {0};
    buf_printf(&want,
               "{\"model\":\"qwen3:8b\",\"max_tokens\":4096,\"stream\":true,\"stream_options\":{"
               "\"include_usage\":true},%s%s",
               rest, messages);
    assert_body(&p, 4096, true, buf_text(&want));
    buf_clear(&want);
    buf_printf(&want, "{\"model\":\"qwen3:8b\",\"max_tokens\":4096,\"stream\":false,%s%s", rest,
               messages);
    assert_body(&p, 4096, false, buf_text(&want));
    buf_clear(&want);
    p.no_schema = true;
    buf_printf(&want, "{\"model\":\"qwen3:8b\",\"max_tokens\":4096,\"stream\":false,%s", messages);
    assert_body(&p, 4096, false, buf_text(&want));
    buf_clear(&want);
    struct endpoint own = endpoint(DIALECT_OPENAI, "https://api.openai.com/v1", "m");
    char *text = body_of(&own, 100, false, NULL);
    assert_non_null(strstr(text, "\"max_completion_tokens\":100"));
    assert_null(strstr(text, "\"max_tokens\""));
    free(text);
}

static void test_never_sampling(void **state)
{
    (void)state;
    static const char *const words[] = {"temperature", "topP", "topK", "top_p", "seed", "penalty"};
    for (int d = 0; d < DIALECT_COUNT; d++) {
        struct endpoint p = endpoint((enum dialect)d, "https://h", "gemini-3.8-flash");
        char *text = body_of(&p, 9000, true, NULL);
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            assert_null(strstr(text, words[i]));
        free(text);
    }
}

static void test_thinking(void **state)
{
    (void)state;
    static const struct {
        const char *model, *config;
        bool raised;
    } rows[] = {
        {"gemini-3.8-flash", "\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}", true},
        {"models/gemini-4-argon", "\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}", true},
        {"gemini-flash-latest", "\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}", true},
        {"gemini-2.5-pro", "\"thinkingConfig\":{\"thinkingBudget\":1024}", true},
        {"gemini-2.0-flash", NULL, false},
        {"gemma-4", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint p = endpoint(DIALECT_GEMINI, "https://h", rows[i].model);
        char *text = body_of(&p, 100, true, NULL);
        assert_null(strstr(text, "MINIMAL"));
        if (rows[i].config)
            assert_non_null(strstr(text, rows[i].config));
        else
            assert_null(strstr(text, "thinking"));
        assert_int_equal(strstr(text, "\"maxOutputTokens\":8192") != NULL, rows[i].raised);
        free(text);
    }
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        enum dialect d;
        const char *base, *model, *url, *list;
    } rows[] = {
        {DIALECT_GEMINI, "https://h/v1beta", "m", "https://h/v1beta/models/m:generateContent",
         "https://h/v1beta/models?pageSize=1000"},
        {DIALECT_GEMINI, "https://h/v1///", "models/m", "https://h/v1/models/m:generateContent",
         "https://h/v1/models?pageSize=1000"},
        {DIALECT_GEMINI, "https://h/proxy/", "tunedModels/x",
         "https://h/proxy/v1beta/tunedModels/x:generateContent",
         "https://h/proxy/v1beta/models?pageSize=1000"},
        {DIALECT_GEMINI, "https://h", "../a?b#c d",
         "https://h/v1beta/models/..%2Fa%3Fb%23c%20d:generateContent",
         "https://h/v1beta/models?pageSize=1000"},
        {DIALECT_OPENAI, "https://h", "m", "https://h/v1/chat/completions", "https://h/v1/models"},
        {DIALECT_OPENAI, "https://h/", "m", "https://h/v1/chat/completions", "https://h/v1/models"},
        {DIALECT_OPENAI, "https://h/v1/", "m", "https://h/v1/chat/completions",
         "https://h/v1/models"},
        {DIALECT_OPENAI, "https://h/v1beta/openai", "m", "https://h/v1beta/openai/chat/completions",
         "https://h/v1beta/openai/models"},
        {DIALECT_OPENAI, "https://h/v1/chat/completions", "m", "https://h/v1/chat/completions",
         "https://h/v1/models"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint p = endpoint(rows[i].d, rows[i].base, rows[i].model);
        struct effects fx = {0};
        assert_string_equal(
            wire_request(&fx, (struct req){0}, &p, &packet, 1, false, NULL)->u.http.url,
            rows[i].url);
        struct effect *list = wire_models(&fx, (struct req){0}, &p);
        assert_string_equal(list->u.http.url, rows[i].list);
        assert_null(list->text);
        effects_clear(&fx);
    }
}

static void test_repair(void **state)
{
    (void)state;
    struct wire_repair r = {.said = "{\"a\":", .wrong = "a is missing"};
    struct endpoint p = endpoint(DIALECT_GEMINI, "https://h", "m");
    char *text = body_of(&p, 9000, true, &r);
    const char *model = strstr(text, "{\"role\":\"model\",\"parts\":[{\"text\":\"{\\\"a\\\":\"}]}");
    assert_non_null(model);
    const char *user = strstr(model, "{\"role\":\"user\",\"parts\":[{\"text\":\"");
    assert_non_null(user);
    assert_non_null(strstr(user, "Your answer cannot be used: a is missing\\nAnswer again with "
                                 "JSON of the schema only.\"}]}"));
    free(text);
    p.dialect = DIALECT_OPENAI;
    r.said = "";
    text = body_of(&p, 9000, true, &r);
    assert_non_null(strstr(text, "{\"role\":\"assistant\",\"content\":\"(nothing)\"}"));
    free(text);
}

static void test_endpoint_check(void **state)
{
    (void)state;
    static const struct {
        enum dialect d;
        const char *base, *key, *says; /* says NULL: it passes */
    } rows[] = {
        {DIALECT_GEMINI, "https://generativelanguage.googleapis.com", KEY, NULL},
        {DIALECT_GEMINI, "https://h", NULL, "GEMINI_API_KEY"},
        {DIALECT_OPENAI, "https://h:8443/v1", NULL, "OPENAI_API_KEY"},
        {DIALECT_OPENAI, "http://localhost:11434/v1", NULL, NULL},
        {DIALECT_OPENAI, "HTTP://LocalHost/v1", NULL, NULL},
        {DIALECT_OPENAI, "http://127.8.9.10:1", KEY, NULL},
        {DIALECT_OPENAI, "http://[::1]:8080", NULL, NULL},
        {DIALECT_OPENAI, "http://10.0.0.5:8000/v1", KEY, "OPENAI_BASE_URL"},
        {DIALECT_OPENAI, "http://127.0.0.1.evil.example", KEY, "OPENAI_BASE_URL"},
        {DIALECT_OPENAI, "http://localhost.evil.example", KEY, "OPENAI_BASE_URL"},
        {DIALECT_OPENAI, "http://127.0.0.1@evil.example/", KEY, "OPENAI_BASE_URL"},
        {DIALECT_OPENAI, "http://127.1", KEY, "OPENAI_BASE_URL"},
        {DIALECT_GEMINI, "https://user:hidden@h/", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://h/?key=hidden", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://h/#x", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://h\nx", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://h h", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://h:99999", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "ftp://h", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "h", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "", KEY, "GOOGLE_GEMINI_BASE_URL"},
        {DIALECT_GEMINI, "https://h", "with\nnewline", "GEMINI_API_KEY"},
        {DIALECT_GEMINI, "https://h", "with\rreturn", "GEMINI_API_KEY"},
        {DIALECT_OPENAI, "https://h", "with blank", "OPENAI_API_KEY"},
        {DIALECT_OPENAI, "https://h", "k\xc3\xa9y", "OPENAI_API_KEY"},
        {DIALECT_OPENAI, "https://h", "", "OPENAI_API_KEY"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint p = endpoint(rows[i].d, rows[i].base, "m");
        if (rows[i].key)
            p.key = secret_put(rows[i].key, strlen(rows[i].key));
        struct err e = {0};
        bool ok = endpoint_check(&p, &e);
        if (ok != (rows[i].says == NULL))
            fail_msg("%s: %s", rows[i].base, e.msg);
        if (!ok) {
            assert_non_null(strstr(e.hint, rows[i].says));
            assert_null(strstr(e.msg, "hidden"));
            assert_null(strstr(e.detail, "hidden"));
        }
        secret_release(p.key);
    }
}

/* ---- answers ---- */

struct outcome {
    bool ok;
    struct wire_failure f;
    char *text;
    struct usage usage;
    bool usage_known;
    char model[MODEL_NAME_MAX];
};

struct reply {
    const char *name;
    enum dialect dialect;
    bool stream;
    int status;
    const char *header, *body;
    enum wire_fault fault;
    const char *text; /* NULL = not looked at */
    bool again;
    int delay_ms; /* 0 = -1 is expected */
    const char *says, *hint;
};

static struct outcome run(const struct reply *a, size_t cut, size_t piece, const struct err *err)
{
    struct outcome o;
    struct wire w;
    size_t len = strlen(a->body);
    wire_begin(&w, a->dialect, a->stream);
    wire_head(&w, a->status, a->header ? a->header : "HTTP/1.1 200 OK\r\n");
    wire_data(&w, a->body, cut);
    for (size_t i = cut; i < len; i += piece)
        wire_data(&w, a->body + i, len - i < piece ? len - i : piece);
    o.ok = wire_end(&w, err, true, &o.f);
    o.usage = w.usage;
    o.usage_known = w.usage_known;
    memcpy(o.model, w.model, sizeof o.model);
    o.text = buf_take(&w.text);
    wire_clear(&w);
    return o;
}

static void check(const struct reply *a, const struct outcome *o)
{
    if (o->f.fault != a->fault || o->ok != (a->fault == FAULT_NONE))
        fail_msg("%s: fault %d, not %d: %s / %s", a->name, (int)o->f.fault, (int)a->fault,
                 o->f.err.msg, o->f.err.detail);
    if (a->text && strcmp(a->text, o->text) != 0)
        fail_msg("%s: \"%s\"", a->name, o->text);
    if (!o->ok) {
        if (o->f.again != a->again || o->f.delay_ms != (a->delay_ms ? a->delay_ms : -1))
            fail_msg("%s: again %d, %d ms", a->name, o->f.again, o->f.delay_ms);
        assert_true(o->f.err.msg[0] && o->f.err.hint[0]);
        assert_int_equal(o->f.err.code, ERR_MODEL);
    }
    if (a->says && !strstr(o->f.err.detail, a->says) && !strstr(o->f.err.msg, a->says))
        fail_msg("%s: %s / %s", a->name, o->f.err.msg, o->f.err.detail);
    if (a->hint && !strstr(o->f.err.hint, a->hint))
        fail_msg("%s: hint %s", a->name, o->f.err.hint);
}

static void run_all(const struct reply *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(rows[i].body);
        for (size_t cut = 0; cut <= len; cut++) {
            struct outcome o = run(&rows[i], cut, len + 1, NULL);
            check(&rows[i], &o);
            free(o.text);
        }
        struct outcome bytes = run(&rows[i], 0, 1, NULL);
        check(&rows[i], &bytes);
        free(bytes.text);
    }
}

#define G(text, more) \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}" more "}]}"
#define STOP ",\"finishReason\":\"STOP\""
#define C(text, finish)                                                                         \
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":" finish \
    "}]}"

static void test_answers(void **state)
{
    (void)state;
    static const struct reply rows[] = {
        {.name = "gemini stream",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
         "\"{\\\"summary\\\":\\\"\xe2\x82\xac \"}]},\"index\":0}]}\n\n"
         "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
         "\"\\\"}\"}]},\"index\":0,\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
         "\"promptTokenCount\":412,\"candidatesTokenCount\":87,\"totalTokenCount\":499}}\n\n",
         FAULT_NONE,
         "{\"summary\":\"\xe2\x82\xac \"}",
         .says = NULL},
        {.name = "CRLF, and STOP on every chunk",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", STOP) "\r\n\r\ndata: " G("b", STOP) "\r\n\r\n",
         FAULT_NONE,
         "ab"},
        {.name = "CR",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", STOP) "\r\r",
         FAULT_NONE,
         "a"},
        {.name = "a last event without content",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", "") "\n\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n",
         FAULT_NONE,
         "a"},
        {.name = "thoughts and several parts",
         DIALECT_GEMINI,
         false,
         200,
         NULL,
         "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"no\",\"thought\":true},{\"text\":"
         "\"a\"},{\"inlineData\":{}},{\"text\":\"b\"}]}" STOP "}]}",
         FAULT_NONE,
         "ab"},
        {.name = "array form",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "[" G("a", "") ",\r\n" G("b", STOP) "\n]",
         FAULT_NONE,
         "ab"},
        {.name = "array without an end",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "[" G("a", "") "]",
         FAULT_TRUNCATED,
         "a",
         true},
        {.name = "array that is cut",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "[" G("a", "") ",",
         FAULT_ANSWER,
         "",
         true},
        {.name = "one object for a stream",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "\xef\xbb\xbf\r\n" G("a", STOP),
         FAULT_NONE,
         "a"},
        {.name = "a stream for one object",
         DIALECT_GEMINI,
         false,
         200,
         NULL,
         "data: " G("a", STOP) "\n\n",
         FAULT_NONE,
         "a"},
        {.name = "no finish",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", "") "\n\n",
         FAULT_TRUNCATED,
         "a",
         true},
        {.name = "leftover after the finish",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", STOP) "\n\ndata: {\"cand",
         FAULT_TRUNCATED,
         "a",
         true},
        {.name = "a last event without its end",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", STOP) "\n",
         FAULT_TRUNCATED,
         "",
         true},
        {.name = "nothing", DIALECT_GEMINI, true, 200, NULL, "", FAULT_TRUNCATED, "", true},
        {.name = "MAX_TOKENS",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", ",\"finishReason\":\"MAX_TOKENS\"") "\n\n",
         FAULT_LENGTH,
         "a",
         false,
         .says = "MAX_TOKENS"},
        {.name = "CONTINUATION",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", ",\"finishReason\":\"CONTINUATION\"") "\n\n",
         FAULT_LENGTH,
         "a",
         false},
        {.name = "SAFETY",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: {\"candidates\":[{\"finishReason\":\"SAFETY\"}]}\n\n",
         FAULT_BLOCKED,
         "",
         false,
         .says = "SAFETY",
         .hint = "/privacy"},
        {.name = "SPII",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: {\"candidates\":[{\"finishReason\":\"SPII\"}]}\n\n",
         FAULT_BLOCKED,
         "",
         false,
         .says = "SPII"},
        {.name = "blocked prompt",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: {\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}}\n\n",
         FAULT_BLOCKED,
         "",
         false,
         .says = "PROHIBITED_CONTENT"},
        {.name = "a finish of tomorrow",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", ",\"finishReason\":\"SINGULARITY\"") "\n\n",
         FAULT_ANSWER,
         "a",
         false,
         .says = "SINGULARITY"},
        {.name = "malformed, says the model",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: {\"candidates\":[{\"finishReason\":\"MALFORMED_RESPONSE\"}]}\n\n",
         FAULT_ANSWER,
         "",
         true},
        {.name = "empty text",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: {\"candidates\":[{\"content\":{}" STOP "}]}\n\n",
         FAULT_ANSWER,
         "",
         true,
         .says = "empty"},
        {.name = "error in the stream",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", "") "\n\ndata: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\","
                             "\"message\":\"The model is overloaded.\"}}\n\n",
         FAULT_SERVER,
         "a",
         true,
         .says = "overloaded"},
        {.name = "error as a body of 200",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"Slow. Please "
         "retry in 562.5ms.\"}}",
         FAULT_RATE,
         "",
         true,
         563},
        {.name = "malformed 200",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "{malformed json: <<<chaos>>>",
         FAULT_ANSWER,
         "",
         true,
         .says = "chaos"},
        {.name = "broken event",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a", "") "\n\ndata: {x}\n\n",
         FAULT_ANSWER,
         "a",
         true},
        {.name = "portal",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "\n<!DOCTYPE html><html><title>Log in to Hotel\x1b[2J</title>",
         FAULT_ANSWER,
         "",
         false,
         .says = "Log in to Hotel",
         .hint = "proxy"},
        {.name = "plain words",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "upstream connect error",
         FAULT_ANSWER,
         "",
         true,
         .says = "upstream connect error"},
        {.name = "half a pair",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a\\ud83d", "") "\n\ndata: " G("\\ud83d\\ude00\xff\\\\u0041", STOP) "\n\n",
         FAULT_NONE,
         "a\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd\\u0041"},
        {.name = "NUL in a text",
         DIALECT_GEMINI,
         true,
         200,
         NULL,
         "data: " G("a\\u0000b", STOP) "\n\n",
         FAULT_NONE,
         "ab"},
        {.name = "openai stream",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         ": OK\n\ndata: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
         "\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"error\":null}\n\ndata: " C(
             "{}", "null") "\n\ndata: " C("",
                                          "\"stop\"") "\n\ndata: {\"choices\":[],\"usage\":{"
                                                      "\"prompt_tokens\":5}}\n\ndata: [DONE]\n\n",
         FAULT_NONE,
         "{}"},
        {.name = "openai without DONE",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("a", "\"stop\"") "\n\n",
         FAULT_NONE,
         "a"},
        {.name = "openai without finish",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("a", "null") "\n\n",
         FAULT_TRUNCATED,
         "a",
         true},
        {.name = "openai length",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("a", "\"length\"") "\n\ndata: [DONE]\n\n",
         FAULT_LENGTH,
         "a",
         false},
        {.name = "openai filter",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("", "\"content_filter\"") "\n\ndata: [DONE]\n\n",
         FAULT_BLOCKED,
         "",
         false},
        {.name = "openai refusal",
         DIALECT_OPENAI,
         false,
         200,
         NULL,
         "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"},\"finish_reason\":"
         "\"stop\"}]}",
         FAULT_BLOCKED,
         "",
         false},
        {.name = "openai tool call",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("", "\"tool_calls\"") "\n\n",
         FAULT_ANSWER,
         "",
         false},
        {.name = "openai whole",
         DIALECT_OPENAI,
         false,
         200,
         NULL,
         "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},"
         "\"finish_reason\":\"stop\"}]}",
         FAULT_NONE,
         "a"},
        {.name = "openai thinks aloud",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("\\n<th", "null") "\n\ndata: " C("ink>{x}</thi", "null") "\n\ndata: " C(
             "nk>\\n{}", "\"stop\"") "\n\n",
         FAULT_NONE,
         "{}"},
        {.name = "openai looks like a thought",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "data: " C("<th", "null") "\n\ndata: " C("e", "\"stop\"") "\n\n",
         FAULT_NONE,
         "<the"},
        {.name = "openai error in the stream",
         DIALECT_OPENAI,
         true,
         200,
         NULL,
         "event: error\ndata: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n",
         FAULT_SERVER,
         "",
         true,
         .says = "boom"},
    };
    run_all(rows, ARRAY_LEN(rows));
}

#define E(code, status, message, details)                                                          \
    "{\"error\":{\"code\":" #code ",\"status\":\"" status "\",\"message\":\"" message "\"" details \
    "}}"
#define QUOTA(id)                       \
    "{\"@type\":\"type.googleapis.com/" \
    "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"" id "\"}]}"
#define RETRY(delay) \
    "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"" delay "\"}"

static void test_faults(void **state)
{
    (void)state;
    static const struct reply rows[] = {
        {.name = "our mistake",
         DIALECT_GEMINI,
         true,
         400,
         NULL,
         E(400, "INVALID_ARGUMENT", "Unknown name \\\"foo\\\"", ""),
         FAULT_REQUEST,
         "",
         false,
         .says = "Unknown name"},
        {.name = "bad key",
         DIALECT_GEMINI,
         true,
         400,
         NULL,
         E(400, "INVALID_ARGUMENT", "API key not valid.",
           ",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]"),
         FAULT_KEY,
         "",
         false,
         .hint = "GEMINI_API_KEY"},
        {.name = "region",
         DIALECT_GEMINI,
         true,
         400,
         NULL,
         E(400, "FAILED_PRECONDITION", "User location is not supported", ""),
         FAULT_REGION,
         "",
         false},
        {.name = "unauthenticated",
         DIALECT_GEMINI,
         true,
         401,
         NULL,
         E(401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED", ""),
         FAULT_KEY,
         "",
         false},
        {.name = "leaked",
         DIALECT_GEMINI,
         true,
         403,
         NULL,
         E(403, "PERMISSION_DENIED", "leaked", ""),
         FAULT_KEY,
         "",
         false,
         .says = "leaked"},
        {.name = "gone",
         DIALECT_GEMINI,
         true,
         404,
         NULL,
         E(404, "NOT_FOUND", "models/x is not found", ""),
         FAULT_MODEL,
         "",
         false,
         .hint = "/model"},
        {.name = "timeout", DIALECT_GEMINI, true, 408, NULL, "", FAULT_SERVER, "", true},
        {.name = "internal",
         DIALECT_GEMINI,
         true,
         500,
         NULL,
         E(500, "INTERNAL", "x", ""),
         FAULT_SERVER,
         "",
         true},
        {.name = "bad gateway",
         DIALECT_GEMINI,
         true,
         502,
         NULL,
         "<html><title>502 Bad Gateway</title></html>",
         FAULT_SERVER,
         "",
         true,
         .says = "502 Bad Gateway"},
        {.name = "overloaded",
         DIALECT_GEMINI,
         true,
         503,
         NULL,
         E(503, "UNAVAILABLE", "overloaded", ""),
         FAULT_SERVER,
         "",
         true},
        {.name = "deadline",
         DIALECT_GEMINI,
         true,
         504,
         NULL,
         E(504, "DEADLINE_EXCEEDED", "x", ""),
         FAULT_SERVER,
         "",
         true},
        {.name = "minute, RetryInfo",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "Please retry in 1s.",
           ",\"details\":[" QUOTA("GenerateRequestsPerMinute") "," RETRY("45.837906927s") "]"),
         FAULT_RATE,
         "",
         true,
         45838},
        {.name = "minute, the header wins",
         DIALECT_GEMINI,
         true,
         429,
         "HTTP/1.1 429 x\r\nRetry-After: 3\r\n\r\n",
         E(429, "RESOURCE_EXHAUSTED", "x", ",\"details\":[" RETRY("36s") "]"),
         FAULT_RATE,
         "",
         true,
         3000},
        {.name = "minute, words",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "Please retry in 36.429760048s.", ""),
         FAULT_RATE,
         "",
         true,
         36430},
        {.name = "minute, nothing said",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "x", ""),
         FAULT_RATE,
         "",
         true},
        {.name = "day",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota",
           ",\"details\":[" QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier") "," RETRY(
               "36s") "]"),
         FAULT_QUOTA_DAY,
         "",
         false,
         36000,
         .hint = "/model"},
        {.name = "limit 0",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "* Quota exceeded, limit: 0\\nPlease retry in 5s.", ""),
         FAULT_QUOTA_DAY,
         "",
         false,
         5000,
         .hint = "billing"},
        {.name = "limit 0.5 is none",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "limit: 0.5", ""),
         FAULT_RATE,
         "",
         true},
        {.name = "too long a wait",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "x", ",\"details\":[" RETRY("301s") "]"),
         FAULT_RATE,
         "",
         false,
         301000,
         .hint = "6 minutes"},
        {.name = "five minutes",
         DIALECT_GEMINI,
         true,
         429,
         NULL,
         E(429, "RESOURCE_EXHAUSTED", "x", ",\"details\":[" RETRY("300s") "]"),
         FAULT_RATE,
         "",
         true,
         300000},
        {.name = "in an array",
         DIALECT_GEMINI,
         true,
         503,
         NULL,
         "[" E(503, "UNAVAILABLE", "busy", "") "]",
         FAULT_SERVER,
         "",
         true,
         .says = "busy"},
        {.name = "in a text",
         DIALECT_GEMINI,
         true,
         400,
         NULL,
         "{\"error\":{\"code\":400,\"message\":\"{\\\"error\\\":{\\\"code\\\":400,\\\"status\\\":"
         "\\\"FAILED_PRECONDITION\\\",\\\"message\\\":\\\"inner\\\"}}\"}}",
         FAULT_REGION,
         "",
         false,
         .says = "inner"},
        {.name = "the key comes back",
         DIALECT_GEMINI,
         true,
         400,
         NULL,
         E(400, "INVALID_ARGUMENT", "bad key " KEY " given", ""),
         FAULT_REQUEST,
         "",
         false,
         .says = "bad key ****"},
        {.name = "control characters",
         DIALECT_GEMINI,
         true,
         400,
         NULL,
         E(400, "INVALID_ARGUMENT", "a\\u001b[2Jb\\u202ec", ""),
         FAULT_REQUEST,
         "",
         false,
         .says = "a\xef\xbf\xbd[2Jb\xef\xbf\xbd"
                 "c"},
        {.name = "proxy wants a login",
         DIALECT_GEMINI,
         true,
         407,
         NULL,
         "",
         FAULT_ANSWER,
         "",
         false,
         .hint = "proxy"},
        {.name = "proxy forbids",
         DIALECT_GEMINI,
         true,
         403,
         NULL,
         "<html><title>Blocked</title>",
         FAULT_ANSWER,
         "",
         false,
         .says = "Blocked",
         .hint = "proxy"},
        {.name = "redirect",
         DIALECT_GEMINI,
         true,
         302,
         NULL,
         "<a href=x>",
         FAULT_ANSWER,
         "",
         false,
         .says = "302",
         .hint = "GOOGLE_GEMINI_BASE_URL"},
        {.name = "openai key",
         DIALECT_OPENAI,
         true,
         401,
         NULL,
         "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"code\":"
         "\"invalid_api_key\"}}",
         FAULT_KEY,
         "",
         false,
         .hint = "OPENAI_API_KEY"},
        {.name = "openai spent",
         DIALECT_OPENAI,
         true,
         429,
         NULL,
         "{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\",\"code\":"
         "\"insufficient_quota\"}}",
         FAULT_QUOTA_DAY,
         "",
         false,
         .hint = "billing"},
        {.name = "openai rate",
         DIALECT_OPENAI,
         true,
         429,
         NULL,
         "{\"error\":{\"message\":\"Please try again in 1m2s.\",\"type\":\"requests\"}}",
         FAULT_RATE,
         "",
         true,
         62000},
        {.name = "ollama",
         DIALECT_OPENAI,
         true,
         404,
         NULL,
         "{\"error\":\"model 'x' not found\"}",
         FAULT_MODEL,
         "",
         false,
         .says = "model 'x' not found"},
        {.name = "vllm",
         DIALECT_OPENAI,
         true,
         404,
         NULL,
         "{\"object\":\"error\",\"message\":\"The model `x` does not exist.\",\"code\":404}",
         FAULT_MODEL,
         "",
         false,
         .says = "does not exist"},
        {.name = "fastapi",
         DIALECT_OPENAI,
         true,
         404,
         NULL,
         "{\"detail\":\"Not Found\"}",
         FAULT_MODEL,
         "",
         false,
         .says = "Not Found",
         .hint = "OPENAI_BASE_URL"},
        {.name = "payment", DIALECT_OPENAI, true, 402, NULL, "", FAULT_REGION, "", false},
        {.name = "too long",
         DIALECT_OPENAI,
         true,
         400,
         NULL,
         "{\"error\":{\"message\":\"x\",\"code\":\"context_length_exceeded\"}}",
         FAULT_REQUEST,
         "",
         false,
         .hint = "context"},
        {.name = "no schemas here",
         DIALECT_OPENAI,
         true,
         400,
         NULL,
         "{\"error\":{\"message\":\"This response_format type is unavailable now\"}}",
         FAULT_REQUEST,
         "",
         true},
    };
    secret_id key = secret_put(KEY, strlen(KEY));
    run_all(rows, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome o = run(&rows[i], 0, 4096, NULL);
        assert_null(strstr(o.f.err.detail, KEY));
        assert_int_equal(o.f.no_schema, strcmp(rows[i].name, "no schemas here") == 0);
        free(o.text);
    }
    secret_release(key);
}

static void test_network(void **state)
{
    (void)state;
    struct reply a = {.dialect = DIALECT_GEMINI,
                      .stream = true,
                      .status = 200,
                      .name = "network",
                      .body = "data: " G("a", STOP) "\n\n"};
    struct err e = {.code = ERR_LOST, .msg = "the connection broke off", .hint = "Again."};
    /* STOP stands on every chunk of some models: a line that broke is not an end. */
    struct outcome o = run(&a, 0, 4096, &e);
    assert_false(o.ok);
    assert_int_equal(o.f.fault, FAULT_NETWORK);
    assert_true(o.f.again);
    assert_string_equal(o.f.err.msg, "the connection broke off");
    assert_string_equal(o.text, "a");
    free(o.text);
    e.code = ERR_CANCELLED;
    o = run(&a, 0, 4096, &e);
    assert_int_equal(o.f.fault, FAULT_CANCELLED);
    assert_int_equal(o.f.err.code, ERR_CANCELLED);
    assert_false(o.f.again);
    free(o.text);
    /* The status was seen before the line broke: it is what counts. */
    e.code = ERR_LOST;
    a.status = 503;
    a.body = "{\"err";
    o = run(&a, 0, 4096, &e);
    assert_int_equal(o.f.fault, FAULT_SERVER);
    free(o.text);
    a = (struct reply){.dialect = DIALECT_OPENAI,
                       .stream = true,
                       .status = 200,
                       .body = "data: " C("a", "\"stop\"") "\n\ndata: [DONE]\n\n"};
    o = run(&a, 0, 4096, &e);
    assert_true(o.ok);
    free(o.text);
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int ms;
    } rows[] = {
        {"", -1},
        {"retry-after:7\r\n", 7000},
        {"RETRY-AFTER:  0.5 \r\n", 500},
        {"Retry-After: -5\r\n", -1},
        {"Retry-After: soon\r\n", -1},
        {"retry-after-ms: 1500\r\nRetry-After: 9\r\n", 1500},
        {"Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nRetry-After: Sun, 22 Nov 2026 10:01:30 GMT\r\n",
         90000},
        {"Date: Thu, 31 Dec 2026 23:59:59 GMT\nRetry-After: Fri, 01 Jan 2027 00:00:01 GMT\n", 2000},
        {"Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nRetry-After: Sun, 22 Nov 2026 09:00:00 GMT\r\n",
         0},
        {"Retry-After: Sun, 22 Nov 2026 10:01:30 GMT\r\n", -1},
        {"Retry-After: 99999999999999999999\r\n", 1000000000},
        {"X-Retry-After: 3\r\n", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wire w;
        wire_begin(&w, DIALECT_GEMINI, true);
        wire_head(&w, 429, rows[i].header);
        assert_int_equal(w.retry_after_ms, rows[i].ms);
        wire_clear(&w);
    }
}

static void test_usage(void **state)
{
    (void)state;
    static const struct {
        enum dialect d;
        const char *body;
        bool known;
        struct usage u;
    } rows[] = {
        {DIALECT_GEMINI,
         "{\"candidates\":[],\"modelVersion\":\"mm\",\"usageMetadata\":{\"promptTokenCount\":12,"
         "\"toolUsePromptTokenCount\":3,\"candidatesTokenCount\":7,\"thoughtsTokenCount\":31,"
         "\"cachedContentTokenCount\":8,\"totalTokenCount\":53}}",
         true,
         {.in = 15, .cached = 8, .thinking = 31, .out = 7}},
        {DIALECT_GEMINI,
         "{\"modelVersion\":\"mm\",\"usageMetadata\":{\"promptTokenCount\":12,"
         "\"thoughtsTokenCount\""
         ":31,\"totalTokenCount\":50}}",
         true,
         {.in = 12, .thinking = 31, .out = 7}},
        {DIALECT_GEMINI,
         "{\"modelVersion\":\"mm\",\"usageMetadata\":{\"promptTokenCount\":0}}",
         false,
         {0}},
        {DIALECT_GEMINI,
         "{\"modelVersion\":\"mm\",\"usageMetadata\":{\"promptTokenCount\":\"7\","
         "\"candidatesTokenCount\":-5,\"totalTokenCount\":1e300}}",
         false,
         {0}},
        {DIALECT_OPENAI,
         "{\"model\":\"mm\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":"
         "50,\"total_tokens\":150,\"prompt_tokens_details\":{\"cached_tokens\":64},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":30}}}",
         true,
         {.in = 100, .cached = 64, .thinking = 30, .out = 20}},
        {DIALECT_OPENAI,
         "{\"model\":\"mm\",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
         "\"prompt_tokens_details\":{\"cached_tokens\":99},\"completion_tokens_details\":null}}",
         true,
         {.in = 10, .cached = 10, .out = 5}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply a = {.dialect = rows[i].d, .status = 200, .body = rows[i].body};
        struct outcome o = run(&a, 0, 4096, NULL);
        assert_int_equal(o.usage_known, rows[i].known);
        assert_memory_equal(&o.usage, &rows[i].u, sizeof o.usage);
        assert_string_equal(o.model, "mm");
        free(o.text);
    }
}

static void test_too_much(void **state)
{
    (void)state;
    char *text = xmalloc(WIRE_TEXT_MAX / 8 + 1);
    memset(text, 'x', WIRE_TEXT_MAX / 8);
    text[WIRE_TEXT_MAX / 8] = '\0';
    struct buf body = {0};
    for (int i = 0; i < 9; i++)
        buf_printf(&body,
                   "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]}%s}]}\n\n",
                   text, i == 8 ? STOP : "");
    struct reply a = {.dialect = DIALECT_GEMINI,
                      .stream = true,
                      .status = 200,
                      .body = buf_text(&body),
                      .name = "5 MB"};
    struct outcome o = run(&a, 0, 16384, NULL);
    assert_int_equal(o.f.fault, FAULT_ANSWER);
    assert_false(o.f.again);
    assert_non_null(strstr(o.f.err.detail, "longer"));
    assert_int_equal(strlen(o.text), WIRE_TEXT_MAX);
    free(o.text);
    buf_clear(&body);
    free(text);
}

static void test_models(void **state)
{
    (void)state;
    static char names[MODELS_MAX][MODEL_NAME_MAX];
    struct err e = {0};
    const char *g =
        "{\"models\":[{\"name\":\"models/gemini-3.5-flash\","
        "\"supportedGenerationMethods\":[\"generateContent\",\"countTokens\"]},"
        "{\"name\":\"models/embedding-2\",\"supportedGenerationMethods\":[\"embedContent\"]},"
        "{\"name\":\"models/bad\\u001bname\",\"supportedGenerationMethods\":"
        "[\"generateContent\"]},7,"
        "{\"name\":\"models/gemini-3.8-flash\",\"supportedGenerationMethods\":"
        "[\"generateContent\"]}],\"nextPageToken\":\"x\"}";
    assert_int_equal(wire_read_models(DIALECT_GEMINI, g, strlen(g), names, MODELS_MAX, &e), 2);
    assert_string_equal(names[0], "gemini-3.8-flash");
    assert_string_equal(names[1], "gemini-3.5-flash");
    assert_int_equal(wire_read_models(DIALECT_GEMINI, g, strlen(g), names, 1, &e), 1);
    const char *o = "{\"data\":[{\"id\":\"old\",\"created\":1},{\"id\":\"new\",\"created\":9},"
                    "{\"id\":\"text-embedding-3\",\"created\":5},{\"id\":\"new\",\"created\":8}]}";
    assert_int_equal(wire_read_models(DIALECT_OPENAI, o, strlen(o), names, MODELS_MAX, &e), 2);
    assert_string_equal(names[0], "new");
    assert_string_equal(names[1], "old");
    assert_int_equal(e.code, ERR_NONE);
    static const char *const bad[] = {
        "", "<html>", "[]", "{\"data\":{}}", "{\"data\":[]}", "{\"error\":{\"message\":\"no\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e = (struct err){0};
        assert_int_equal(
            wire_read_models(DIALECT_OPENAI, bad[i], strlen(bad[i]), names, MODELS_MAX, &e), 0);
        assert_int_equal(e.code, ERR_MODEL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemini_request), cmocka_unit_test(test_openai_request),
        cmocka_unit_test(test_never_sampling), cmocka_unit_test(test_thinking),
        cmocka_unit_test(test_urls),           cmocka_unit_test(test_repair),
        cmocka_unit_test(test_endpoint_check), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_faults),         cmocka_unit_test(test_network),
        cmocka_unit_test(test_retry_after),    cmocka_unit_test(test_usage),
        cmocka_unit_test(test_too_much),       cmocka_unit_test(test_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
