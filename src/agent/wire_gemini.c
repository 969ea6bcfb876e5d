/* The dialect of Gemini: generateContent and streamGenerateContent of its REST interface, version v1beta.
 *
 * Everything that the program needs is one question and one answer in JSON, so nothing here keeps a conversation on the server's
 * side or lets the model call functions. */
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/wire_dialect.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

enum {
    TOKENS_MIN = 8192, /* thoughts count toward the limit: with less the text may stay empty */
    THOUGHTS_25 = 1024 /* tokens; within what each model of 2.5 takes */
};

/* ---- requests ---- */

static bool ends_with(const struct buf *b, const char *tail)
{
    size_t n = strlen(tail);
    return b->len >= n && memcmp(b->data + b->len - n, tail, n) == 0;
}

static void versioned_base(const struct endpoint *p, struct buf *out)
{
    wire_base(p, out);
    static const char *const versions[] = {"/v1beta", "/v1alpha", "/v1"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (ends_with(out, versions[i]))
            return;
    buf_puts(out, "/v1beta");
}

static void escape(const char *s, struct buf *out)
{
    for (; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                     (*s >= '0' && *s <= '9') || strchr("-._~", *s);
        if (plain)
            buf_putc(out, *s);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
    }
}

/* The list gives names with their collection before them; people may copy them as they stand. */
static const char *bare(const char *model)
{
    static const char collection[] = "models/";
    bool named = strncmp(model, collection, sizeof collection - 1) == 0;
    return named ? model + sizeof collection - 1 : model;
}

static void url(const struct endpoint *p, bool stream, struct buf *out)
{
    static const char tuned[] = "tunedModels/";
    const char *model = bare(p->model);
    versioned_base(p, out);
    if (strncmp(model, tuned, sizeof tuned - 1) == 0) {
        buf_printf(out, "/%s", tuned);
        model += sizeof tuned - 1;
    } else {
        buf_puts(out, "/models/");
    }
    escape(model, out);
    buf_puts(out, stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
}

static void models_url(const struct endpoint *p, struct buf *out)
{
    versioned_base(p, out);
    buf_puts(out, "/models?pageSize=1000");
}

static json_t *content(const char *role, const char *text)
{
    json_t *c = json_object();
    if (role)
        json_object_set_new(c, "role", json_string(role));
    json_object_set_new(c, "parts", json_pack("[{s:o}]", "text", js_text(text)));
    return c;
}

/* How much a model may think, in the words of its family: a level since 3, where thinking cannot be turned off and the lowest level
 * is an error with some models; a number of tokens in 2.5; nothing before and for models of other families. NULL = not said. */
static json_t *thinking(const char *model)
{
    static const char family[] = "gemini-";
    if (strncmp(model, family, sizeof family - 1) != 0)
        return NULL;
    const char *version = model + sizeof family - 1;
    size_t n = strlen(version);
    bool alias = n > 6 && strcmp(version + n - 6, "latest") == 0;
    long major = strtol(version, NULL, 10);
    if (major >= 3 || alias)
        return json_pack("{s:s}", "thinkingLevel", "LOW");
    if (strncmp(version, "2.5", 3) == 0)
        return json_pack("{s:i}", "thinkingBudget", THOUGHTS_25);
    return NULL;
}

static json_t *config(const struct endpoint *p, const struct packet *packet, int max_tokens)
{
    json_t *c = json_object();
    json_t *think = thinking(bare(p->model));
    int tokens = think && max_tokens < TOKENS_MIN ? TOKENS_MIN : max_tokens;
    json_object_set_new(c, "maxOutputTokens", json_integer(tokens));
    json_t *schema = packet->schema ? wire_schema(packet->schema) : NULL;
    if (packet->schema)
        json_object_set_new(c, "responseMimeType", json_string("application/json"));
    if (schema && !p->no_schema)
        json_object_set(c, "responseJsonSchema", schema);
    json_decref(schema);
    if (think)
        json_object_set_new(c, "thinkingConfig", think);
    return c;
}

static json_t *body(const struct endpoint *p, const struct packet *packet, int max_tokens,
                    bool stream, const struct wire_repair *repair)
{
    (void)stream; /* is told by the address */
    json_t *j = json_object();
    json_object_set_new(j, "systemInstruction", content(NULL, packet->system));
    json_object_set_new(j, "generationConfig", config(p, packet, max_tokens));
    json_t *contents = json_array();
    json_array_append_new(contents, content("user", packet->user));
    if (repair) {
        struct buf said = {0}, wrong = {0};
        /* it is a request of the same operation, and begins as each of them does */
        buf_printf(&wrong, "%.*s\n", (int)strcspn(packet->user, "\n"), packet->user);
        wire_repair_text(repair, &said, &wrong);
        json_array_append_new(contents, content("model", buf_text(&said)));
        json_array_append_new(contents, content("user", buf_text(&wrong)));
        buf_clear(&said);
        buf_clear(&wrong);
    }
    json_object_set_new(j, "contents", contents);
    return j;
}

/* ---- answers ---- */

static enum wire_finish finish_of(const char *reason)
{
    static const struct {
        const char *reason;
        enum wire_finish finish;
    } rows[] = {
        {"STOP", WIRE_STOP},
        {"MAX_TOKENS", WIRE_LENGTH},
        {"CONTINUATION", WIRE_LENGTH},
        {"SAFETY", WIRE_BLOCKED},
        {"RECITATION", WIRE_BLOCKED},
        {"BLOCKLIST", WIRE_BLOCKED},
        {"PROHIBITED_CONTENT", WIRE_BLOCKED},
        {"SPII", WIRE_BLOCKED},
        {"FINISH_REASON_UNSPECIFIED", WIRE_OPEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].reason, reason) == 0)
            return rows[i].finish;
    return WIRE_OTHER;
}

static void take_usage(struct wire *w, const json_t *u)
{
    struct usage now = {.cached = wire_count(u, "cachedContentTokenCount"),
                        .thinking = wire_count(u, "thoughtsTokenCount"),
                        .out = wire_count(u, "candidatesTokenCount")};
    /* The count of the prompt has the cached tokens in it, and not those of results of tools. */
    now.in = wire_count(u, "promptTokenCount") + wire_count(u, "toolUsePromptTokenCount");
    int total = wire_count(u, "totalTokenCount");
    if (now.out == 0 && total > now.in + now.thinking)
        now.out = total - now.in - now.thinking;
    wire_use(w, &now);
}

static void take_candidate(struct wire *w, const json_t *candidate)
{
    size_t i;
    const json_t *part;
    json_array_foreach(json_object_get(json_object_get(candidate, "content"), "parts"), i, part)
    {
        if (!json_is_true(json_object_get(part, "thought")))
            wire_append_json(w, json_object_get(part, "text"));
        else if (w->text.len == 0)
            w->thinks = true;
    }
    const char *reason = json_string_value(json_object_get(candidate, "finishReason"));
    if (reason && *reason && finish_of(reason) != WIRE_OPEN)
        wire_finished(w, finish_of(reason), reason);
}

static void take(struct wire *w, const json_t *j)
{
    size_t i;
    const json_t *candidate;
    json_array_foreach(json_object_get(j, "candidates"), i, candidate)
    {
        if (wire_count(candidate, "index") == 0) {
            take_candidate(w, candidate);
            break;
        }
    }
    const json_t *feedback = json_object_get(j, "promptFeedback");
    const char *blocked = json_string_value(json_object_get(feedback, "blockReason"));
    if (blocked && *blocked && strcmp(blocked, "BLOCK_REASON_UNSPECIFIED") != 0)
        wire_finished(w, WIRE_BLOCKED, blocked);
    take_usage(w, json_object_get(j, "usageMetadata"));
    js_get_text(j, "modelVersion", w->model, sizeof w->model);
}

static const char *model(const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    size_t i;
    const json_t *method;
    json_array_foreach(json_object_get(item, "supportedGenerationMethods"), i, method)
    {
        const char *m = json_string_value(method);
        if (name && m && strcmp(m, "generateContent") == 0)
            return bare(name);
    }
    return NULL;
}

const struct wire_dialect wire_gemini = {
    .name = "gemini",
    .key_header = "x-goog-api-key: ",
    .key_env = "GEMINI_API_KEY",
    .key_env_else = "GOOGLE_API_KEY",
    .base_env = "GOOGLE_GEMINI_BASE_URL",
    .model_env = "GEMINI_MODEL",
    .url = url,
    .models_url = models_url,
    .body = body,
    .take = take,
    .leftover_cuts = true,
    .list = "models",
    .model = model,
};
