/* The built-in workloads: assets/workloads/NAME.json into the plan. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store.h"

bool store_workload(const char *name, struct sdl *plan, struct err *e)
{
    struct buf path = {0};
    const struct asset *a;
    json_t *j, *item;
    size_t i;

    buf_printf(&path, "workloads/%s.json", name);
    a = asset_find(buf_text(&path));
    buf_clear(&path);
    if (!a)
        return err_set(e, ERR_INTERNAL, "there is no built-in workload \"%s\"", name);
    j = js_parse((const char *)a->data, a->size, e);
    if (!j)
        return false;
    plan->nscripts = 0;
    plan->builtin_db = true;
    text_copy(plan->workload, sizeof plan->workload, name);
    json_array_foreach(json_object_get(j, "scripts"), i, item)
    {
        struct script *s = &plan->scripts[plan->nscripts];
        char file[200];
        if (plan->nscripts == SCRIPTS_MAX || !js_get_text(item, "file", file, sizeof file))
            continue;
        memset(s, 0, sizeof *s);
        snprintf(s->path, sizeof s->path, "asset:%s", file);
        const char *base = strrchr(file, '/');
        text_copy(s->name, sizeof s->name, base ? base + 1 : file);
        s->weight = (int)js_get_int(item, "weight", 1);
        plan->nscripts++;
    }
    json_decref(j);
    return plan->nscripts > 0 || err_set(e, ERR_INTERNAL, "workload \"%s\" has no scripts", name);
}
