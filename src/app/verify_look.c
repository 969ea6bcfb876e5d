/* verify_look.c - what is compared with what: a proven value with what runs, and the server with the one that it was proven on. Pure. */
#include "pgd/app/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/workspace/drift.h"

/* Where the value that runs comes from, as far as the role may see it. */
static void find_file(const struct setting *s, const struct rows *lines, const char *name,
                      struct verify_setting *out)
{
    if (s && s->sourcefile[0])
        text_copy(out->file, sizeof out->file, s->sourcefile);
    for (int i = 0; lines && i < lines->nrows; i++) {
        const char *row = rows_text(lines, i, "name"), *file = rows_text(lines, i, "sourcefile");
        const char *line = rows_text(lines, i, "sourceline");
        if (row && strcmp(row, name) == 0 && file && *file)
            snprintf(out->file, sizeof out->file, "%.255s:%.12s", file, line ? line : "?");
    }
}

/* A role or a database has a value of its own, and the workload would have that. The narrower one wins. */
static void find_override(const struct server_facts *f, const char *role, const char *database,
                          struct verify_setting *out)
{
    int best = 0;

    for (int i = 0; i < f->noverrides; i++) {
        const struct override *o = &f->overrides[i];
        bool of_role = !o->role[0] || strcmp(o->role, role) == 0;
        bool of_database = !o->database[0] || strcmp(o->database, database) == 0;
        int rank = 1 + (o->role[0] ? 2 : 0) + (o->database[0] ? 1 : 0);
        if (strcmp(o->name, out->name) != 0 || !of_role || !of_database || rank <= best)
            continue;
        best = rank;
        text_copy(out->by_value, sizeof out->by_value, o->value);
        snprintf(out->by, sizeof out->by, "%s%s%s%s%s", o->role[0] ? "role " : "", o->role,
                 o->role[0] && o->database[0] ? ", " : "", o->database[0] ? "database " : "",
                 o->database);
    }
}

void verify_setting(const struct server_facts *f, const struct rows *lines, const char *name,
                    const char *proven, const char *role, const char *database,
                    struct verify_setting *out)
{
    const struct setting *s = settings_find(&f->settings, name);

    memset(out, 0, sizeof *out);
    text_copy(out->name, sizeof out->name, name);
    text_copy(out->proven, sizeof out->proven, proven);
    if (s)
        text_copy(out->now, sizeof out->now, s->shown);
    find_file(s, lines, name, out);
    find_override(f, role, database, out);
    if (out->by[0] && strcmp(out->by_value, proven) == 0)
        out->by[0] = '\0'; /* it says the same */
    out->state = !s                              ? "unknown"
                 : out->by[0]                    ? "overridden"
                 : s->pending_restart            ? "pending restart"
                 : strcmp(s->shown, proven) == 0 ? "in force"
                                                 : "differs";
}

int verify_server(const struct identity *then, const struct server_facts *before,
                  const struct server_facts *now, struct buf *out)
{
    struct workspace *w = xcalloc(1, sizeof *w);
    int n = 0;

    if (then->system_identifier[0] && now->id.system_identifier[0] &&
        strcmp(then->system_identifier, now->id.system_identifier) != 0) {
        buf_printf(out, "it is another server: system identifier %s, it was %s\n",
                   now->id.system_identifier, then->system_identifier);
        n++;
    }
    if (then->standby != now->id.standby && then->version_num > 0) {
        buf_printf(out, "it is %s now\n", now->id.standby ? "a standby" : "no standby any more");
        n++;
    }
    drift_machine(w, before, now);
    for (int i = 0; i < w->nchanged; i++)
        buf_printf(out, "%s\n", w->changed[i]);
    n += w->nchanged;
    free(w);
    return n;
}
