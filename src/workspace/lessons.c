/* lessons.c - see lessons.h. The newest finding about a value stands for it; of a setting's values that earned, the newest. */
#include "pgd/workspace/lessons.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/advisor.h"
#include "pgd/base/sha256.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/beside.h"

enum { TOLD_MAX = 6 };

/* What the kernel reports as the whole memory differs by some MB from start to start. */
static const double memory_step = 256.0 * 1048576;

void lessons_key(const struct model *m, char key[LESSONS_KEY_MAX])
{
    const struct sdl *p = &m->session.plan;
    const struct host_facts *h = &m->server.host;
    struct buf all = {0};

    buf_printf(&all, "1 %d %d %.0f\n", m->server.id.version_num / 10000, h->known ? h->cpus : 0,
               h->known && isfinite(h->mem_total) ? rint(h->mem_total / memory_step) : 0);
    buf_printf(&all, "%s %s %d %d %.3f %s %d\n", p->workload, p->database, p->builtin_db,
               p->clients, p->rate, p->protocol, (int)p->goal);
    for (int i = 0; i < p->nscripts && i < SCRIPTS_MAX; i++)
        buf_printf(&all, "%d %zu\n%s\n", p->scripts[i].weight, strlen(m->fl.script_text[i]),
                   m->fl.script_text[i]);
    sha256_text(buf_text(&all), all.len, key);
    buf_clear(&all);
}

static int place_of(const struct workspace *w, const char *key)
{
    for (int i = 0; i < w->nlessons; i++)
        if (strcmp(w->lessons[i].key, key) == 0)
            return i;
    return -1;
}

const struct lessons *lessons_find(const struct workspace *w, const char *key)
{
    int i = place_of(w, key);

    return i < 0 || w->lessons[i].n == 0 ? NULL : &w->lessons[i];
}

/* ---- learning ---- */

/* The fresh one is what counts: an older finding of the same value, or another value of the setting that earned, is stale. */
static void add(struct lessons *l, const struct remembered *r)
{
    for (int i = 0; i < l->n; i++) {
        const struct remembered *old = &l->items[i];
        if (strcmp(old->name, r->name) == 0 &&
            (strcmp(old->value, r->value) == 0 || (old->earned && r->earned)))
            return;
    }
    if (l->n < LESSONS_MAX)
        l->items[l->n++] = *r;
}

/* What the ablation and the state that is left say of it is surer than the round. False: it is not worth keeping. */
static bool judge(const struct session *s, struct remembered *r)
{
    const struct entry *left = arm_find((struct arm *)(uintptr_t)&s->best, r->name);

    for (int i = 0; i < s->nearned; i++) {
        const struct earned *e = &s->earned[i];
        if (strcmp(e->name, r->name) != 0 || strcmp(e->value, r->value) != 0)
            continue;
        if (e->tested && isfinite(e->ratio))
            r->ratio = e->ratio;
        if (e->idle || e->taken_out) {
            r->earned = false;
            return true;
        }
    }
    if (!r->earned)
        return true;
    /* kept at once, or with its confirmation declined: nothing is claimed of it then, and nothing remembered */
    return s->state == SESSION_ARCHIVED && s->final.kind == VERDICT_IMPROVED && left &&
           left->present && strcmp(left->value, r->value) == 0;
}

void lessons_learn(struct model *m)
{
    struct remembered found[2 * LESSONS_MAX];
    struct workspace *w = &m->workspace;
    struct lessons fresh = {.wall_us = m->wall_us};
    struct evidence e;

    model_evidence(m, &e);
    int n = builtin_remember(&e, found, (int)ARRAY_LEN(found));
    lessons_key(m, fresh.key);
    text_copy_raw(fresh.workload, sizeof fresh.workload, m->session.plan.workload);
    for (int i = 0; i < n; i++)
        if (knob_find(found[i].name) && judge(&m->session, &found[i]))
            add(&fresh, &found[i]);
    int at = place_of(w, fresh.key);
    if (fresh.n == 0)
        return;
    for (int i = 0; at >= 0 && i < w->lessons[at].n; i++)
        add(&fresh, &w->lessons[at].items[i]);
    if (at < 0 && w->nlessons < LESSON_BOOKS_MAX)
        at = w->nlessons++;
    if (at < 0) { /* the oldest makes room */
        at = 0;
        for (int i = 1; i < w->nlessons; i++)
            if (w->lessons[i].wall_us < w->lessons[at].wall_us)
                at = i;
    }
    w->lessons[at] = fresh;
}

/* ---- telling ---- */

void lessons_text(const struct lessons *l, struct buf *out)
{
    int told = 0;

    for (int i = 0; l && i < l->n; i++) {
        const struct remembered *r = &l->items[i];
        if (told++ == TOLD_MAX) {
            buf_printf(out, ", and %d more", l->n - TOLD_MAX);
            return;
        }
        buf_printf(out, "%s%s = %s %s%+.1f %%%s",
                   i ? ", " : "last time, under this workload: ", r->name, r->value,
                   r->earned ? "earned " : "brought nothing (", (r->ratio - 1) * 100,
                   r->earned ? "" : ")");
    }
}

static json_t *items_json(const struct lessons *l)
{
    json_t *list = json_array();

    for (int i = 0; l && i < l->n; i++) {
        const struct remembered *r = &l->items[i];
        json_t *j = json_object();
        json_object_set_new(j, "name", js_text(r->name));
        json_object_set_new(j, "value", js_text(r->value));
        json_object_set_new(j, "rule", js_text(r->rule));
        json_object_set_new(j, "earned", json_boolean(r->earned));
        json_object_set_new(j, "effect", js_num(round(r->ratio * 1e4) / 1e4));
        json_array_append_new(list, j);
    }
    return list;
}

void lessons_json(const struct lessons *l, struct buf *out)
{
    json_t *list = items_json(l);
    char *text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(10));

    buf_puts(out, text ? text : "[]");
    free(text);
    json_decref(list);
}

json_t *lessons_of_workspace(const struct workspace *w)
{
    json_t *all = json_array();

    for (int i = 0; i < w->nlessons; i++) {
        const struct lessons *l = &w->lessons[i];
        json_t *j = json_object();
        json_object_set_new(j, "circumstances", js_text(l->key));
        json_object_set_new(j, "workload", js_text(l->workload));
        json_object_set_new(j, "when_us", json_integer(l->wall_us));
        json_object_set_new(j, "found", items_json(l));
        json_array_append_new(all, j);
    }
    return all;
}

/* ---- reading ---- */

/* Names that an advisor may propose, values that could be one, effects that a run can have. */
static bool read_item(const json_t *j, struct remembered *r)
{
    memset(r, 0, sizeof *r);
    r->earned = js_get_bool(j, "earned", false);
    r->ratio = js_get_num(j, "effect", NAN);
    if (!js_get_text(j, "name", r->name, sizeof r->name) ||
        !js_get_text(j, "value", r->value, sizeof r->value) || !r->value[0])
        return false;
    js_get_text(j, "rule", r->rule, sizeof r->rule);
    const struct knob *k = knob_find(r->name);
    return k && !(k->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY)) && r->ratio > 0.01 &&
           r->ratio < 100;
}

static bool is_key(const char *s)
{
    return strlen(s) == LESSONS_KEY_MAX - 1 && strspn(s, "0123456789abcdef") == LESSONS_KEY_MAX - 1;
}

void lessons_read(const json_t *list, struct workspace *w)
{
    struct remembered r;
    size_t i, k;
    json_t *j, *one;

    w->nlessons = 0;
    json_array_foreach(list, i, j)
    {
        if (w->nlessons == LESSON_BOOKS_MAX)
            return;
        struct lessons *l = &w->lessons[w->nlessons];
        memset(l, 0, sizeof *l);
        js_get_text(j, "circumstances", l->key, sizeof l->key);
        js_get_text(j, "workload", l->workload, sizeof l->workload);
        l->wall_us = js_get_int(j, "when_us", 0);
        json_array_foreach(json_object_get(j, "found"), k,
                           one) if (l->n < LESSONS_MAX && read_item(one, &r)) add(l, &r);
        if (l->n > 0 && is_key(l->key) && place_of(w, l->key) < 0)
            w->nlessons++;
    }
}
