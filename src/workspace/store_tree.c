/* store_tree.c - what the session tree needs of session.json: where a session came from, its title, and both read in the
 * worker; see store.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store_parts.h"

static void put(json_t *j, const char *key, json_t *value)
{
    json_object_set_new(j, key, value);
}

/* ---- where a session came from ---- */

void store_node_text(int node, char *dst, size_t size)
{
    if (node == NODE_START || node == NODE_FINAL)
        text_copy_raw(dst, size, node == NODE_START ? "start" : "final");
    else
        snprintf(dst, size, "R%d", node);
}

static bool node_read(const char *text, int *node)
{
    int64_t n;

    if (text && (strcmp(text, "start") == 0 || strcmp(text, "final") == 0)) {
        *node = *text == 's' ? NODE_START : NODE_FINAL;
        return true;
    }
    if (!text || *text != 'R' || !text_int64(text + 1, &n) || n < 1 || n > HISTORY_MAX)
        return false;
    *node = (int)n;
    return true;
}

json_t *store_origin_json(const struct origin *o)
{
    json_t *j;
    char node[16];

    if (!o->session[0])
        return json_null();
    j = json_object();
    store_node_text(o->node, node, sizeof node);
    put(j, "session", js_text(o->session));
    put(j, "node", js_text(node));
    put(j, "reverts", json_boolean(o->reverts));
    return j;
}

bool store_origin_read(const json_t *up, struct origin *o)
{
    const json_t *j = json_object_get(up, "origin");

    memset(o, 0, sizeof *o);
    if (!j || json_is_null(j))
        return true;
    o->reverts = js_get_bool(j, "reverts", false);
    return js_get_text(j, "session", o->session, sizeof o->session) &&
           store_safe_name(o->session) &&
           node_read(json_string_value(json_object_get(j, "node")), &o->node);
}

/* ---- in the worker ---- */

void *store_session_digest(const char *text, size_t len, const char *arg)
{
    struct session_read *r = xcalloc(1, sizeof *r);
    struct session *s = xcalloc(1, sizeof *s);

    text_copy_raw(r->name, sizeof r->name, arg);
    if (store_session_parse(text, len, s, &r->err)) {
        text_copy_raw(s->name, sizeof s->name, arg);
        r->session = s;
    } else {
        free(s);
    }
    return r;
}

void store_session_digest_free(void *read)
{
    struct session_read *r = read;

    if (r && r->session) {
        session_reset(r->session);
        free(r->session);
    }
    free(r);
}

void *store_title_digest(const char *text, size_t len, const char *arg)
{
    struct title_read *r = xcalloc(1, sizeof *r);
    json_t *j = store_open(text, len, "session.json", &r->err);

    if (j) {
        put(j, "title", *arg ? js_text(arg) : json_null());
        store_dump(j, &r->text);
    }
    return r;
}

void store_title_digest_free(void *read)
{
    struct title_read *r = read;

    if (r)
        buf_clear(&r->text);
    free(r);
}
