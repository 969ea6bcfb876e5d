/* What was sent, kept; see audit.h. */
#include "pgd/agent/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgd/agent/packet_parts.h"
#include "pgd/base/secret.h"
#include "pgd/protocol/json_records.h"

/* ---- what was sent at FULL ---- */

/* Data as one JSON value; what is none, as prose. */
static void mask_data(struct mask *mask, const char *text, size_t len, struct buf *out)
{
    json_t *j = js_parse(text, len, NULL);

    if (j) {
        packet_masked(mask, j, out);
        json_decref(j);
        return;
    }
    char *plain = xstrndup(text, len);
    mask_prose(mask, plain, out);
    free(plain);
}

/* A text of the request: within its fences there are data, around them our own words. Without a fence it is a repair, whose words are
 * partly the model's. */
static json_t *masked_text(struct mask *mask, const char *s)
{
    struct buf out = {0};
    const char *open;
    bool fenced = false;

    while ((open = strstr(s, "\n<data id="))) {
        const char *data = strchr(open + 1, '\n');
        const char *end = data ? strstr(data, "\n</data id=") : NULL;
        if (!end)
            break;
        buf_append(&out, s, (size_t)(data + 1 - s));
        mask_data(mask, data + 1, (size_t)(end - data) - 1, &out);
        fenced = true;
        s = end;
    }
    if (fenced)
        buf_puts(&out, s);
    else
        mask_data(mask, s, strlen(s), &out);
    json_t *j = js_text(buf_text(&out));
    buf_clear(&out);
    return j;
}

/* The texts of a turn, whatever the dialect: "content", "text" in "parts". */
static void mask_turn(struct mask *mask, json_t *j)
{
    const char *key;
    json_t *v;
    size_t i;

    json_object_foreach(j, key, v)
    {
        bool text = strcmp(key, "content") == 0 || strcmp(key, "text") == 0;
        if (json_is_string(v) && text)
            json_object_set_new(j, key, masked_text(mask, json_string_value(v)));
        else
            mask_turn(mask, v);
    }
    json_array_foreach(j, i, v) mask_turn(mask, v);
}

/* The system text is our own and stays. */
static void mask_turns(struct mask *mask, json_t *turns)
{
    size_t i;
    json_t *turn;

    json_array_foreach(turns, i, turn)
    {
        const char *role = json_string_value(json_object_get(turn, "role"));
        if (!role || (strcmp(role, "system") != 0 && strcmp(role, "developer") != 0))
            mask_turn(mask, turn);
    }
}

static void mask_body(struct mask *known, json_t *body)
{
    struct mask *mask = known ? known : mask_new(PRIVACY_REDACTED);
    enum privacy level = mask_level(mask);

    mask_set_level(mask, PRIVACY_REDACTED);
    mask_turns(mask, json_object_get(body, "contents"));
    mask_turns(mask, json_object_get(body, "messages"));
    mask_set_level(mask, level);
    if (!known)
        mask_free(mask);
}

void audit_line(const struct audit_note *n, struct buf *out)
{
    char at[40];
    struct tm tm;
    time_t s = (time_t)(n->wall_us / 1000000);
    gmtime_r(&s, &tm);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_t *o = json_object();
    json_object_set_new(o, "at", js_text(at));
    json_object_set_new(o, "op", js_text(op_row(n->op)->name));
    json_object_set_new(o, "model", js_text(n->model));
    json_object_set_new(o, "url", js_text(n->url));
    json_object_set_new(o, "privacy", js_text(privacy_name(n->level)));
    json_object_set_new(o, "bytes", json_integer((json_int_t)n->len));
    json_t *body = js_parse(n->body, n->len, NULL);
    if (!body) {
        char *text = xstrndup(n->body, n->len);
        body = js_text(text);
        free(text);
    }
    if (n->level == PRIVACY_FULL)
        mask_body(n->mask, body);
    json_object_set_new(o, "request", body);
    char *line = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (line) {
        secret_redact(line);
        buf_puts(out, line);
        buf_putc(out, '\n');
    }
    free(line);
}
