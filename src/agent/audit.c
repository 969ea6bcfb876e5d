/* What was sent, kept; see audit.h. */
#include "pgd/agent/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pgd/base/secret.h"
#include "pgd/protocol/json_records.h"

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
