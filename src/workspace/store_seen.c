/* store_seen.c - under what a session's baseline was measured, as a member of session.json. */
#include <math.h>

#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store_parts.h"

json_t *store_seen_json(const struct session *s)
{
    const struct baseline_seen *b = &s->seen;
    json_t *j;

    if (!b->wall_us && !b->server_start_us)
        return json_null();
    j = json_object();
    json_object_set_new(j, "when_us", json_integer(b->wall_us));
    json_object_set_new(j, "server_start_us", json_integer(b->server_start_us));
    json_object_set_new(j, "version_num", json_integer(b->version_num));
    json_object_set_new(j, "cpus", json_integer(b->cpus));
    json_object_set_new(j, "mem_total", js_num(b->mem_total));
    return j;
}

bool store_seen_read(const json_t *up, struct session *s, struct err *e)
{
    const int64_t times = INT64_C(1) << 53;
    const json_t *j = json_object_get(up, "baseline_seen");
    struct baseline_seen b = {.mem_total = NAN};

    if (!j || json_is_null(j)) /* of an older version of the program */
        return true;
    b.wall_us = js_get_int(j, "when_us", -1);
    b.server_start_us = js_get_int(j, "server_start_us", -1);
    b.version_num = (int)js_get_int(j, "version_num", -1);
    b.cpus = (int)js_get_int(j, "cpus", -1);
    b.mem_total = js_get_num(j, "mem_total", NAN);
    if (b.wall_us < 0 || b.wall_us >= times || b.server_start_us < 0 ||
        b.server_start_us >= times || b.version_num < 0 || b.cpus < 0)
        return err_set(e, ERR_FORMAT, "field \"baseline_seen\" is not what a baseline was seen by");
    s->seen = b;
    return true;
}
