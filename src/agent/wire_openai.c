/* The dialect of OpenAI's chat completions, as Ollama, vLLM, llama.cpp and gateways speak it too. What only one of them does is not
 * asked for, and what only some of them say is not needed. */
#include <string.h>
#include <strings.h>

#include "pgd/agent/wire_dialect.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

/* ---- requests ---- */

/* An address without a path gets the usual one; a path that somebody gave is right. */
static void versioned_base(const struct endpoint *p, struct buf *out)
{
    static const char whole[] = "/chat/completions";
    wire_base(p, out);
    size_t n = sizeof whole - 1;
    if (out->len > n && memcmp(out->data + out->len - n, whole, n) == 0)
        out->data[out->len -= n] = '\0';
    const char *host = strstr(buf_text(out), "://");
    if (host && !strchr(host + 3, '/'))
        buf_puts(out, "/v1");
}

static void url(const struct endpoint *p, bool stream, struct buf *out)
{
    (void)stream; /* is told by the body */
    versioned_base(p, out);
    buf_puts(out, "/chat/completions");
}

static void models_url(const struct endpoint *p, struct buf *out)
{
    versioned_base(p, out);
    buf_puts(out, "/models");
}

static void add_message(json_t *list, const char *role, const char *text)
{
    json_array_append_new(list, json_pack("{s:s,s:o}", "role", role, "content", js_text(text)));
}

static json_t *messages(const struct packet *packet, const struct wire_repair *repair)
{
    json_t *list = json_array();
    add_message(list, "system", packet->system);
    add_message(list, "user", packet->user);
    if (repair) {
        struct buf said = {0}, wrong = {0};
        /* it is a request of the same operation, and begins as each of them does */
        buf_printf(&wrong, "%.*s\n", (int)strcspn(packet->user, "\n"), packet->user);
        wire_repair_text(repair, &said, &wrong);
        add_message(list, "assistant", buf_text(&said));
        add_message(list, "user", buf_text(&wrong));
        buf_clear(&said);
        buf_clear(&wrong);
    }
    return list;
}

/* Not strict: OpenAI's strict mode wants a narrower schema than ours, and some builds of llama.cpp refuse the word. */
static json_t *format(const struct endpoint *p, const struct packet *packet)
{
    json_t *schema = packet->schema && !p->no_schema ? wire_schema(packet->schema) : NULL;
    if (!schema)
        return NULL;
    return json_pack("{s:s,s:{s:s,s:b,s:o}}", "type", "json_schema", "json_schema", "name",
                     "answer", "strict", 0, "schema", schema);
}

/* OpenAI's own models since o1 refuse max_tokens; the other servers know nothing else. */
static const char *limit_name(const struct endpoint *p)
{
    const char *host = strstr(p->base, "://");
    static const char own[] = "api.openai.com";
    size_t n = sizeof own - 1;
    bool theirs = host && strncasecmp(host + 3, own, n) == 0 && strchr("/:", host[3 + n]);
    return theirs ? "max_completion_tokens" : "max_tokens";
}

static json_t *body(const struct endpoint *p, const struct packet *packet, int max_tokens,
                    bool stream, const struct wire_repair *repair)
{
    json_t *j = json_object();
    json_object_set_new(j, "model", js_text(p->model));
    json_object_set_new(j, limit_name(p), json_integer(max_tokens));
    json_object_set_new(j, "stream", json_boolean(stream));
    if (stream)
        json_object_set_new(j, "stream_options", json_pack("{s:b}", "include_usage", 1));
    json_t *wanted = format(p, packet);
    if (wanted)
        json_object_set_new(j, "response_format", wanted);
    json_object_set_new(j, "messages", messages(packet, repair));
    return j;
}

/* ---- answers ---- */

static enum wire_finish finish_of(const char *reason)
{
    static const struct {
        const char *reason;
        enum wire_finish finish;
    } rows[] = {
        {"stop", WIRE_STOP},
        {"eos", WIRE_STOP},
        {"eos_token", WIRE_STOP},
        {"stop_sequence", WIRE_STOP},
        {"end_turn", WIRE_STOP},
        {"length", WIRE_LENGTH},
        {"max_tokens", WIRE_LENGTH},
        {"model_length", WIRE_LENGTH},
        {"content_filter", WIRE_BLOCKED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].reason, reason) == 0)
            return rows[i].finish;
    return WIRE_OTHER;
}

static void take_usage(struct wire *w, const json_t *u)
{
    struct usage now = {.in = wire_count(u, "prompt_tokens")};
    int out = wire_count(u, "completion_tokens");
    int total = wire_count(u, "total_tokens");
    if (out == 0 && total > now.in)
        out = total - now.in;
    const json_t *in = json_object_get(u, "prompt_tokens_details");
    const json_t *details = json_object_get(u, "completion_tokens_details");
    now.cached = wire_count(in, "cached_tokens");
    now.thinking = wire_count(details, "reasoning_tokens");
    if (now.thinking > out)
        now.thinking = out;
    now.out = out - now.thinking;
    wire_use(w, &now);
}

/* Models that think aloud begin their text with <think> … </think> where the server does not take it out. Nothing of it is kept. */
static void say(struct wire *w, const char *text, size_t len)
{
    static const char open[] = "<think>", close[] = "</think>";
    const size_t opened = sizeof open - 1, closed = sizeof close - 1;
    if (w->led) {
        wire_append(w, text, len);
        return;
    }
    size_t before = w->lead.len;
    if (len > WIRE_TEXT_MAX - before) {
        w->too_much = true;
        return;
    }
    buf_append(&w->lead, text, len);
    const char *s = w->lead.data, *end = s + w->lead.len;
    while (s < end && strchr(" \t\r\n", *s))
        s++;
    size_t have = (size_t)(end - s);
    if (memcmp(s, open, have < opened ? have : opened) == 0) {
        if (have < opened)
            return;
        w->thinks = true;
        size_t from = before > closed ? before - closed : 0;
        const char *stop = memmem(w->lead.data + from, w->lead.len - from, close, closed);
        if (!stop)
            return;
        for (s = stop + closed; s < end && strchr(" \t\r\n", *s); s++)
            ;
    }
    w->led = true;
    w->thinks = false;
    wire_append(w, s, (size_t)(end - s));
    buf_clear(&w->lead);
}

static void say_json(struct wire *w, const json_t *string)
{
    if (json_is_string(string) && !w->too_much)
        say(w, json_string_value(string), json_string_length(string));
}

/* A delta of a stream or a whole message. Its content is a text, or a list of parts with texts. */
static void take_message(struct wire *w, const json_t *m)
{
    const json_t *text = json_object_get(m, "content");
    say_json(w, text);
    size_t i;
    const json_t *part;
    json_array_foreach(text, i, part)
    {
        const char *type = json_string_value(json_object_get(part, "type"));
        if (type && strcmp(type, "text") == 0)
            say_json(w, json_object_get(part, "text"));
    }
    static const char *const thoughts[] = {"reasoning_content", "reasoning"};
    for (size_t k = 0; k < ARRAY_LEN(thoughts); k++)
        if (json_string_length(json_object_get(m, thoughts[k])) > 0 && w->text.len == 0)
            w->thinks = true;
    if (json_string_length(json_object_get(m, "refusal")) > 0)
        wire_finished(w, WIRE_BLOCKED, "refusal");
}

static void take(struct wire *w, const json_t *j)
{
    size_t i;
    const json_t *choice;
    json_array_foreach(json_object_get(j, "choices"), i, choice)
    {
        if (wire_count(choice, "index") != 0)
            continue;
        const json_t *delta = json_object_get(choice, "delta");
        take_message(w, json_is_object(delta) ? delta : json_object_get(choice, "message"));
        const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
        if (reason && *reason && w->finish != WIRE_BLOCKED)
            wire_finished(w, finish_of(reason), reason);
        break;
    }
    take_usage(w, json_object_get(j, "usage"));
    if (!w->model[0])
        js_get_text(j, "model", w->model, sizeof w->model);
}

/* The list does not tell what a model is for; names of those that make no text do. */
static const char *model(const json_t *item)
{
    static const char *const others[] = {"embed",      "whisper",    "tts",      "dall-e",
                                         "moderation", "transcribe", "realtime", "audio",
                                         "image",      "rerank",     "sora"};
    const char *id = json_string_value(json_object_get(item, "id"));
    for (size_t i = 0; id && i < ARRAY_LEN(others); i++)
        if (strcasestr(id, others[i]))
            return NULL;
    return id;
}

const struct wire_dialect wire_openai = {
    .name = "openai",
    .key_header = "Authorization: Bearer ",
    .key_env = "OPENAI_API_KEY",
    .base_env = "OPENAI_BASE_URL",
    .model_env = "OPENAI_MODEL",
    .url = url,
    .models_url = models_url,
    .body = body,
    .take = take,
    .list = "data",
    .model = model,
};
