/* The shape of a plan, and how two of them differ; see shape.h. The text form of EXPLAIN is read as plan.c does: only the
 * first node and what "->" leads to are nodes, whatever a condition may quote. */
#include "pgd/discovery/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

enum { LINE_BYTES = 512, NODES_MAX = 64, NODE_BYTES = 160, DEPTH_MAX = 99 };

/* ---- reading ---- */

struct reader {
    struct plan_shape *out;
    size_t len;
    size_t indents[DEPTH_MAX]; /* of the nodes above */
    int depth, nodes;
};

static void add_node(struct reader *in, size_t indent, const char *node)
{
    char line[NODE_BYTES + 8];

    while (in->depth > 0 && in->indents[in->depth - 1] >= indent)
        in->depth--;
    int n = snprintf(line, sizeof line, "%d\t%s\n", in->depth, node);
    if (in->depth < DEPTH_MAX)
        in->indents[in->depth++] = indent;
    in->nodes++;
    if (in->out->cut || n < 0 || in->len + (size_t)n >= sizeof in->out->text) {
        in->out->cut = true; /* what follows would look like a neighbour of what stands there */
        return;
    }
    memcpy(in->out->text + in->len, line, (size_t)n + 1);
    in->len += (size_t)n;
}

static void take_line(struct reader *in, const char *line)
{
    size_t indent = strspn(line, " \t");
    const char *at = line + indent;
    bool arrow = strncmp(at, "->  ", 4) == 0;
    const char *cost = strstr(at, "  (cost=");
    char raw[NODE_BYTES], node[NODE_BYTES];

    if (!cost || (in->nodes > 0 && !arrow))
        return;
    at += arrow ? 4 : 0;
    size_t n = cost > at ? (size_t)(cost - at) : 0;
    if (n >= sizeof raw)
        n = sizeof raw - 1;
    memcpy(raw, at, n);
    raw[n] = '\0';
    text_copy(node, sizeof node, raw);
    add_node(in, indent + 1, node);
}

void plan_shape(const char *explained, struct plan_shape *out)
{
    struct reader in = {.out = out};

    memset(out, 0, sizeof *out);
    while (*explained) {
        char line[LINE_BYTES];
        size_t len = strcspn(explained, "\r\n"), use = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, explained, use);
        line[use] = '\0';
        take_line(&in, line);
        explained += len;
        explained += *explained != '\0';
    }
}

/* ---- comparing ---- */

struct node {
    char what[NODE_BYTES]; /* all of it: "Index Scan using orders_day on orders o" */
    char on[NODE_BYTES];   /* "orders o"; "" = no relation */
    bool told;
};

struct nodes {
    int n;
    struct node at[NODES_MAX];
};

static void split(const struct plan_shape *s, struct nodes *out)
{
    const char *p = s->text;

    memset(out, 0, sizeof *out);
    while (*p && out->n < NODES_MAX) {
        size_t len = strcspn(p, "\n"), tab = strcspn(p, "\t\n");
        struct node *node = &out->at[out->n++];
        if (tab < len && len - tab - 1 < sizeof node->what) {
            memcpy(node->what, p + tab + 1, len - tab - 1);
            const char *on = strstr(node->what, " on ");
            /* the index below a bitmap scan is told by the scan's own change or not at all */
            if (on && strncmp(node->what, "Bitmap Index Scan", 17) != 0)
                text_copy_raw(node->on, sizeof node->on, on + 4);
        }
        p += len + (p[len] == '\n');
    }
}

static void say(char *dst, size_t size, const char *from, const char *to)
{
    size_t at = strlen(dst);

    if (at + 1 < size)
        snprintf(dst + at, size - at, "%s%s \xe2\x86\x92 %s", at ? "; " : "", from, to);
}

/* Relations that are read in another way. */
static void say_scans(struct nodes *a, struct nodes *b, char *dst, size_t size)
{
    for (int i = 0; i < a->n; i++) {
        struct node *x = &a->at[i], *found = NULL;
        for (int k = 0; x->on[0] && k < b->n && !found; k++)
            if (!b->at[k].told && strcmp(b->at[k].on, x->on) == 0)
                found = &b->at[k];
        if (!found)
            continue;
        x->told = found->told = true;
        if (strcmp(x->what, found->what) != 0)
            say(dst, size, x->what, found->what);
    }
}

/* What is left on one side only: joins, sorts, aggregates, Gather. */
static void say_rest(struct nodes *a, struct nodes *b, char *dst, size_t size)
{
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < b->n && !a->at[i].told; k++)
            if (!b->at[k].told && strcmp(a->at[i].what, b->at[k].what) == 0)
                a->at[i].told = b->at[k].told = true;
    int i = 0, k = 0;
    for (;;) {
        while (i < a->n && a->at[i].told)
            i++;
        while (k < b->n && b->at[k].told)
            k++;
        if (i == a->n && k == b->n)
            return;
        say(dst, size, i < a->n ? a->at[i].what : "(nothing)",
            k < b->n ? b->at[k].what : "(nothing)");
        i += i < a->n;
        k += k < b->n;
    }
}

static void order_of(const struct nodes *s, char *dst, size_t size)
{
    dst[0] = '\0';
    for (int i = 0; i < s->n; i++) {
        size_t at = strlen(dst);
        if (s->at[i].on[0] && at + 1 < size)
            snprintf(dst + at, size - at, "%s%s", at ? ", " : "", s->at[i].on);
    }
}

/* The same nodes in another order. */
static void say_order(const struct nodes *a, const struct nodes *b, char *dst, size_t size)
{
    char from[240], to[240];

    order_of(a, from, sizeof from);
    order_of(b, to, sizeof to);
    if (strcmp(from, to) == 0)
        text_copy(dst, size, "the same nodes, nested in another way");
    else
        snprintf(dst, size, "order %s \xe2\x86\x92 %s", from, to);
}

/* Ends a text that was cut with what is whole of it, and says that there was more. */
static void drop_half(char *dst, size_t size)
{
    static const char more[] = "; \xe2\x80\xa6";
    char *last = NULL;

    for (char *p = dst; (p = strstr(p, "; ")) && (size_t)(p - dst) + sizeof more <= size; p++)
        last = p;
    if (last)
        memcpy(last, more, sizeof more);
}

bool plan_flip(const struct plan_shape *a, const struct plan_shape *b, char *dst, size_t size)
{
    char text[600] = "";

    dst[0] = '\0';
    if (!a->text[0] || !b->text[0] || strcmp(a->text, b->text) == 0)
        return false;
    struct nodes *was = xmalloc(sizeof *was), *is = xmalloc(sizeof *is);
    split(a, was);
    split(b, is);
    say_scans(was, is, text, sizeof text);
    say_rest(was, is, text, sizeof text);
    if (!text[0])
        say_order(was, is, text, sizeof text);
    free(was);
    free(is);
    text_copy(dst, size, text);
    if (strlen(text) >= size) /* whole changes only */
        drop_half(dst, size);
    return true;
}
