/* drift.c - see drift.h. */
#include "pgd/workspace/drift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/recent.h"
#include "pgd/workspace/store_parts.h"

static void add(struct workspace *w, const char *fmt, ...) PGD_PRINTF(2, 3);
static void add(struct workspace *w, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;

    if (w->nchanged == CHANGED_MAX)
        return;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    text_copy(w->changed[w->nchanged++], sizeof w->changed[0], buf_text(&b));
    buf_clear(&b);
}

/* ---- server and machine ---- */

void drift_machine(struct workspace *w, const struct server_facts *before,
                   const struct server_facts *now)
{
    const struct host_facts *h = &before->host, *g = &now->host;
    char was[24], is[24];

    if (before->id.version_num > 0 && now->id.version_num > 0 &&
        before->id.version_num != now->id.version_num)
        add(w, "PostgreSQL was %s last time and is %s: what was measured then may not hold",
            before->id.version, now->id.version);
    if (!h->known || !g->known)
        return;
    if (h->cpus > 0 && g->cpus > 0 && h->cpus != g->cpus)
        add(w, "the machine had %d CPU%s last time and has %d", h->cpus, h->cpus == 1 ? "" : "s",
            g->cpus);
    /* a kernel takes its share, which differs a little from start to start */
    if (h->mem_total > 0 && g->mem_total > 0 &&
        fabs(h->mem_total - g->mem_total) > 0.02 * h->mem_total) {
        text_bytes(was, sizeof was, h->mem_total);
        text_bytes(is, sizeof is, g->mem_total);
        add(w, "the machine had %s of memory last time and has %s", was, is);
    }
}

/* ---- settings ---- */

static bool is_in(const struct proved_list *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->rows[i].name, name) == 0)
            return true;
    return false;
}

static void take_session(struct proved_list *p, const struct recent_file *f)
{
    struct err ignored = {0};
    json_t *j = store_open(f->text, f->len, "session.json", &ignored), *value;
    const char *state = json_string_value(json_object_get(j, "state")), *name;
    json_t *after = json_object_get(j, "after");

    if (state && strcmp(state, session_state_name(SESSION_ARCHIVED)) == 0 && json_is_object(after))
        json_object_foreach(after, name, value)
        {
            struct proved *row = &p->rows[p->n];
            if (p->n == (int)ARRAY_LEN(p->rows))
                break;
            if (!json_is_string(value) || is_in(p, name) ||
                !text_copy(row->name, sizeof row->name, name))
                continue;
            if (text_copy(row->shown, sizeof row->shown, json_string_value(value))) {
                text_copy(row->session, sizeof row->session, f->name);
                p->n++;
            }
        }
    json_decref(j);
}

void *drift_digest(const char *data, size_t len, const char *arg)
{
    struct proved_list *p = xcalloc(1, sizeof *p);
    const char *end = data + len;
    struct recent_file f;

    (void)arg;
    while (recent_next_file(&data, end, &f))
        take_session(p, &f);
    return p;
}

static bool changed_by(const struct ledger *ours, const char *name)
{
    for (int i = 0; ours && i < ours->n; i++)
        if (strcmp(ours->rows[i].current.name, name) == 0)
            return true;
    return false;
}

void drift_settings(struct workspace *w, const struct proved_list *p, const struct settings *now,
                    const struct ledger *ours)
{
    for (int i = 0; i < p->n; i++) {
        const struct proved *r = &p->rows[i];
        const struct setting *s = settings_find(now, r->name);
        if (!s || strcmp(s->shown, r->shown) == 0 || changed_by(ours, r->name))
            continue;
        if (w->nchanged == CHANGED_MAX - 1 && i < p->n - 1) {
            add(w, "and more settings are not what the sessions have left");
            return;
        }
        add(w, "%s is %s, and %s had left %s", r->name, s->shown, r->session, r->shown);
    }
}
