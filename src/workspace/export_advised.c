/* export_advised.c - what settings cannot mend, as a section of its own of the report, its page and the change ticket. */
#include <math.h>

#include "pgd/agent/sense.h"
#include "pgd/workspace/export_parts.h"

/* With the marks of now where the connection is there, else as the newest session has left it; NULL = there is none. */
static const struct advised *newest(const struct model *m, const struct session *const *sessions,
                                    int n)
{
    if (m->advised.known && m->advised.n > 0)
        return &m->advised;
    for (int i = n - 1; i >= 0; i--)
        if (sessions[i]->advised.known)
            return sessions[i]->advised.n > 0 ? &sessions[i]->advised : NULL;
    return NULL;
}

static void put_line(const char *label, const char *text, struct buf *out)
{
    if (!*text)
        return;
    buf_printf(out, "- %s: ", label);
    export_markdown(out, text);
    buf_putc(out, '\n');
}

static void sql(const struct advice *a, bool undo, struct buf *out)
{
    buf_printf(out, "%s;\n", undo ? a->undo : a->statement);
    if (a->follow[0])
        buf_printf(out, "%s;\n", a->follow);
}

static void one(const struct advice *a, struct buf *out)
{
    struct buf text = {0};
    char takes[80] = "";

    buf_printf(out, "### %s: ", advice_kind_name(a->kind));
    export_markdown(out, a->object);
    buf_printf(out, " (%s)\n\n", advice_mark_name(a->mark));
    put_line("Why", a->why, out);
    put_line("Evidence", a->evidence, out);
    put_line("Source", a->source, out);
    put_line("Tested", a->tested, out);
    put_line("Expected", a->prediction, out);
    put_line("Locks", a->lock, out);
    if (isfinite(a->seconds))
        SAY(takes, "about %.0f s, estimated%s", a->seconds,
            a->alone ? "; not in a transaction" : "");
    put_line("Takes", takes, out);
    put_line("Price", a->price, out);
    buf_putc(out, '\n');
    sql(a, false, &text);
    buf_puts(&text, "-- undo:\n");
    sql(a, true, &text);
    export_fence(out, "sql", buf_text(&text));
    buf_clear(&text);
}

static const char intro[] =
    "Statements of their own, apart from the settings; pg_diagnose has run none of them, and no "
    "measurement above is of them.";

void export_advised(const struct model *m, const struct session *const *sessions, int n,
                    struct buf *out)
{
    const struct advised *a = newest(m, sessions, n);

    if (!a)
        return;
    buf_printf(out, "## What settings cannot mend\n\n%s\n\n", intro);
    for (int i = 0; i < a->n; i++)
        if (a->items[i].mark != ADVICE_REJECTED)
            one(&a->items[i], out);
}

void export_advised_html(const struct model *m, const struct session *const *sessions, int n,
                         void (*put)(struct buf *out, const char *text), struct buf *out)
{
    const struct advised *a = newest(m, sessions, n);

    if (!a)
        return;
    buf_printf(out,
               "<h2>What settings cannot mend</h2>\n<p>%s</p>\n<table><tr><th>Kind</th>"
               "<th>Statement and undo</th><th>Evidence</th><th>Expected</th></tr>\n",
               intro);
    for (int i = 0; i < a->n; i++) {
        const struct advice *x = &a->items[i];
        if (x->mark == ADVICE_REJECTED)
            continue;
        buf_printf(out, "<tr><td>%s (%s)</td><td><code>", advice_kind_name(x->kind),
                   advice_mark_name(x->mark));
        put(out, x->statement);
        buf_puts(out, "</code><br>undo: <code>");
        put(out, x->undo);
        buf_puts(out, "</code></td><td>");
        put(out, x->evidence);
        buf_puts(out, "</td><td>");
        put(out, x->prediction);
        buf_puts(out, "</td></tr>\n");
    }
    buf_puts(out, "</table>\n");
}
