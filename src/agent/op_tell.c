/* Builtin answers are composed of sentences with figures in them; the figures stand apart as well, so that the screen can show what
 * an answer rests on. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/bottleneck.h"
#include "pgd/agent/op_parts.h"
#include "pgd/agent/search.h"
#include "pgd/base/text.h"

void teller_init(struct teller *t, struct prose *out)
{
    memset(out, 0, sizeof *out);
    t->out = out;
    t->len = 0;
}

/* What has no room is left out whole. */
static void PGD_PRINTF(3, 0) add(struct teller *t, const char *between, const char *fmt, va_list ap)
{
    char one[1200];
    char clean[1200];
    vsnprintf(one, sizeof one, fmt, ap);
    text_copy(clean, sizeof clean, one);
    size_t n = strlen(clean);
    if (t->len == 0)
        between = "";
    if (n == 0 || t->len + n + 2 > sizeof t->out->text)
        return;
    snprintf(t->out->text + t->len, sizeof t->out->text - t->len, "%s%s", between, clean);
    t->len += strlen(between) + n;
}

void tell(struct teller *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(t, t->len > 0 && t->out->text[t->len - 1] == '\n' ? "" : " ", fmt, ap);
    va_end(ap);
}

void tell_line(struct teller *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(t, "\n", fmt, ap);
    va_end(ap);
}

void tell_figure(struct teller *t, const char *name, const char *fmt, ...)
{
    struct prose *p = t->out;
    char value[sizeof p->figures[0].value];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    if (p->nfigures == FIGURES_MAX)
        return;
    for (int i = 0; i < p->nfigures; i++)
        if (strcmp(p->figures[i].name, name) == 0)
            return;
    SAY(p->figures[p->nfigures].name, "%s", name);
    SAY(p->figures[p->nfigures].value, "%s", value);
    p->nfigures++;
}

void tell_server(struct teller *t, const struct sense *s)
{
    char host[96] = "a host that cannot be seen";
    if (isfinite(s->ram) && isfinite(s->cpus)) {
        SAY(host, "%.4g CPUs, %s of memory", s->cpus, size_figure(s->ram).text);
        tell_figure(t, "CPUs", "%.4g", s->cpus);
        tell_figure(t, "memory", "%s", size_figure(s->ram).text);
    }
    tell(t, "PostgreSQL %s, %s.", s->f->id.version[0] ? s->f->id.version : "of unknown version",
         host);
    if (s->f->id.version[0])
        tell_figure(t, "version", "%.60s", s->f->id.version);
}

void tell_bottleneck(struct teller *t, const struct sense *s)
{
    struct bottleneck b;
    bottleneck_find(s, &b);
    if (b.remedy == REMEDY_UNKNOWN && !s->w.valid)
        return;
    tell(t, "Where the time goes: %s, %s%s%s.", b.kind, b.figure,
         b.helps[0] ? "; what helps: " : "", b.helps);
    tell_figure(t, b.kind, "%s", b.figure);
}

static void name_changes(const struct round_history *r, char *dst, size_t size)
{
    int n = 0;
    dst[0] = '\0';
    for (int i = 0; i < r->n; i++) {
        size_t len = strlen(dst);
        if (!past_measured(r, i))
            continue;
        if (n++ == 4) {
            say(dst + len, size - len, " and more");
            break;
        }
        say(dst + len, size - len, "%s%s %s", len ? ", " : "", r->changes[i].name,
            r->changes[i].reset ? "as before" : r->changes[i].value);
    }
}

void tell_round(struct teller *t, const struct round_history *r)
{
    char what[300], effect[24], lo[24], hi[24], name[32];
    name_changes(r, what, sizeof what);
    if (r->failed || !isfinite(r->verdict.ratio)) {
        tell_line(t, "Round %d: %s: %s.", r->number, what[0] ? what : "nothing was measured",
                  r->failed ? "could not be applied" : "no verdict");
        return;
    }
    text_percent(effect, sizeof effect, r->verdict.ratio);
    text_percent(lo, sizeof lo, r->verdict.ci_lo);
    text_percent(hi, sizeof hi, r->verdict.ci_hi);
    tell_line(t, "Round %d: %s: %s (95 %% interval %s to %s), %s, %s.", r->number, what, effect, lo,
              hi, verdict_name(r->verdict.kind), r->kept ? "kept" : "not kept");
    SAY(name, "round %d", r->number);
    tell_figure(t, name, "%s", effect);
}
