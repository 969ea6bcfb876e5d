/* Reads the text of EXPLAIN (ANALYZE, BUFFERS) line by line. The text form is stable in what is looked
 * for here from PostgreSQL 12 to 18; a line that is not understood is passed over. */
#include "pgd/discovery/plan.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

enum { LINE_MAX_BYTES = 1024 };

/* What later lines belong to. */
struct reader {
    struct plan_facts *p;
    int nodes;
    bool after_nodes; /* the lines behind the tree: planning, JIT, triggers */
    bool in_jit;
    bool top_buffers; /* the top node's buffers were read: they hold those of all nodes */
    bool in_seq_scan;
    char rel[64];
    char filter[sizeof((struct plan_facts *)0)->seq_scan_filter];
    double seq_rows, seq_loops;
    size_t limit_indent; /* of the innermost LIMIT above the line; 0 = none */
};

/* The number behind `label`, NAN if it is not there. strtod() is given digits alone, so neither the
 * locale nor "inf" matters. */
static double number_after(const char *line, const char *label)
{
    const char *at = strstr(line, label);
    if (!at)
        return NAN;
    at += strlen(label);
    size_t len = strspn(at, "0123456789.");
    char digits[40];
    double value;
    if (len == 0 || len >= sizeof digits)
        return NAN;
    memcpy(digits, at, len);
    digits[len] = '\0';
    return text_double(digits, &value) ? value : NAN;
}

static void raise_to(double *field, double value)
{
    if (value > *field)
        *field = value;
}

static double or_zero(double value)
{
    return isnan(value) ? 0 : value;
}

/* "Parallel Seq Scan on public.orders o  (cost=…": the relation behind `label`, its alias cut. */
static void scanned_relation(const char *line, const char *label, char *dst, size_t size)
{
    const char *at = strstr(line, label);
    char name[LINE_MAX_BYTES];
    size_t n = 0;
    bool quoted = false;
    if (!at) {
        dst[0] = '\0';
        return;
    }
    for (at += strlen(label); *at && (quoted || *at != ' '); at++) {
        if (*at == '"')
            quoted = !quoted;
        name[n++] = *at;
    }
    name[n] = '\0';
    text_copy(dst, size, name);
}

static void take_estimate(struct reader *in, double planned, double actual)
{
    /* A node below a LIMIT is stopped early: fewer rows than planned are no misestimate there. */
    double seen = fmax(actual, 1), expected = fmax(planned, 1);
    if (seen > expected)
        raise_to(&in->p->worst_misestimate, seen / expected);
    else if (in->limit_indent == 0)
        raise_to(&in->p->worst_misestimate, expected / seen);
}

/* What kind of node it is, by the words before its cost: a condition may quote anything. */
static void count_kinds(struct reader *in, const char *line)
{
    struct plan_facts *p = in->p;
    char kind[LINE_MAX_BYTES];
    size_t len = (size_t)(strstr(line, "(cost=") - line);
    memcpy(kind, line, len);
    kind[len] = '\0';
    bool index = strstr(kind, "Index Scan ") || strstr(kind, "Index Only Scan ");
    p->index_scans += index;
    p->nested_loops += strstr(kind, "Nested Loop") != NULL;
    p->sorts += strstr(kind, "Sort ") != NULL;
    p->hashes += strstr(kind, "Hash Join") || strstr(kind, "HashAggregate") ||
                 strstr(kind, "Hash ");
    /* A bitmap's rows are fetched by its heap scan. */
    bool fetches = (index && !strstr(kind, "Bitmap")) || strstr(kind, "Bitmap Heap Scan ");
    double rows = in->seq_rows * in->seq_loops;
    if (!fetches || !(rows > p->index_rows))
        return;
    p->index_rows = rows;
    scanned_relation(kind, strstr(kind, " using ") ? " on " : "Scan on ", p->index_rel,
                     sizeof p->index_rel);
}

/* "->  Hash Join  (cost=1.00..2.00 rows=3 width=4) (actual time=0.1..0.2 rows=5 loops=1)" */
static void take_node(struct reader *in, const char *line, size_t indent)
{
    struct plan_facts *p = in->p;
    const char *actual = strstr(line, "(actual ");
    double planned = number_after(strstr(line, "(cost="), " rows=");

    if (in->nodes++ == 0) {
        const char *cost = strstr(line, "(cost=");
        const char *dots = strstr(cost, "..");
        p->total_cost = dots ? or_zero(number_after(dots, "..")) : 0;
        p->valid = true;
    }
    in->in_seq_scan = strstr(line, "Seq Scan on ") != NULL;
    in->filter[0] = '\0';
    in->seq_rows = actual ? or_zero(number_after(actual, " rows=")) : 0;
    in->seq_loops = actual ? or_zero(number_after(actual, " loops=")) : 0;
    if (in->in_seq_scan) {
        scanned_relation(line, "Seq Scan on ", in->rel, sizeof in->rel);
        p->seq_scans++;
        if (!p->seq_scan_rel[0])
            text_copy_raw(p->seq_scan_rel, sizeof p->seq_scan_rel, in->rel);
        if (strcmp(p->seq_scan_rel, in->rel) == 0)
            raise_to(&p->seq_scan_rows, in->seq_rows * in->seq_loops);
    }
    count_kinds(in, line);
    if (indent < in->limit_indent)
        in->limit_indent = 0;
    if (actual && in->seq_loops > 0 && !isnan(planned))
        take_estimate(in, planned, in->seq_rows);
    if (strncmp(line, "Limit ", 6) == 0 || strncmp(line, "->  Limit ", 10) == 0)
        in->limit_indent = indent + 1;
}

static void take_removed(struct reader *in, const char *line)
{
    struct plan_facts *p = in->p;
    double removed = number_after(line, "Rows Removed by Filter: ") * in->seq_loops;
    if (!in->in_seq_scan || isnan(removed) || removed <= p->seq_scan_rows_removed)
        return;
    p->seq_scan_rows_removed = removed;
    p->seq_scan_rows = in->seq_rows * in->seq_loops;
    text_copy_raw(p->seq_scan_rel, sizeof p->seq_scan_rel, in->rel);
    text_copy_raw(p->seq_scan_filter, sizeof p->seq_scan_filter, in->filter);
}

static void take_buffers(struct reader *in, const char *line)
{
    struct plan_facts *p = in->p;
    if (in->top_buffers || in->after_nodes || in->nodes != 1)
        return;
    in->top_buffers = true;
    const char *shared = strstr(line, "shared ");
    const char *temp = strstr(line, "temp ");
    if (shared) {
        char part[LINE_MAX_BYTES];
        size_t len = strcspn(shared, ",");
        memcpy(part, shared, len);
        part[len] = '\0';
        p->shared_hit = or_zero(number_after(part, "hit="));
        p->shared_read = or_zero(number_after(part, " read="));
    }
    if (temp) {
        p->temp_read = or_zero(number_after(temp, " read="));
        p->temp_written = or_zero(number_after(temp, " written="));
    }
}

/* Sorts, hashes and aggregates: what they kept in memory and what went to disk. */
static void take_memory(struct plan_facts *p, const char *line)
{
    if (strstr(line, "Sort Method") || strstr(line, "Sort Methods") ||
        strncmp(line, "Worker ", 7) == 0) {
        raise_to(&p->sort_disk_kb, or_zero(number_after(line, " Disk: ")));
        raise_to(&p->sort_mem_kb, or_zero(number_after(line, " Memory: ")));
    }
    if (strstr(line, "Batches: ")) {
        raise_to(&p->hash_batches, or_zero(number_after(line, "Batches: ")));
        raise_to(&p->hash_mem_kb, or_zero(number_after(line, "Memory Usage: ")));
        raise_to(&p->hash_disk_kb, or_zero(number_after(line, "Disk Usage: ")));
    }
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* The lines behind the tree. Returns false when the line is none of them. */
static bool take_tail(struct reader *in, const char *line)
{
    struct plan_facts *p = in->p;
    if (starts(line, "Planning Time: ")) {
        p->plan_ms = number_after(line, "Planning Time: ");
    } else if (starts(line, "Execution Time: ")) {
        p->exec_ms = number_after(line, "Execution Time: ");
    } else if (starts(line, "JIT:")) {
        p->jit = true;
        in->in_jit = true;
    } else if (in->in_jit && starts(line, "Timing: ")) {
        p->jit_ms = or_zero(number_after(line, "Total "));
        in->in_jit = false;
    } else if (!starts(line, "Planning:")) {
        return false;
    }
    in->after_nodes = true;
    return true;
}

static void take_line(struct reader *in, const char *line)
{
    size_t indent = strspn(line, " \t");
    line += indent;
    if (take_tail(in, line))
        return;
    /* A condition may quote anything: only the first node and what "->" leads to are nodes. */
    bool node = in->nodes == 0 || starts(line, "->  ");
    if (node && !in->after_nodes && strstr(line, "(cost=")) {
        take_node(in, line, indent);
        return;
    }
    if (in->nodes == 0)
        return;
    if (starts(line, "Workers Planned: "))
        raise_to(&in->p->workers_planned, or_zero(number_after(line, "Workers Planned: ")));
    else if (starts(line, "Workers Launched: "))
        raise_to(&in->p->workers_launched, or_zero(number_after(line, "Workers Launched: ")));
    else if (starts(line, "Filter: ")) {
        if (!text_copy(in->filter, sizeof in->filter, line + strlen("Filter: ")))
            in->filter[0] = '\0';
    } else if (starts(line, "Rows Removed by Filter: "))
        take_removed(in, line);
    else if (starts(line, "Buffers: "))
        take_buffers(in, line);
    else
        take_memory(in->p, line);
}

void plan_parse(const char *text, struct plan_facts *p)
{
    struct plan_facts fresh = {.hash_batches = 1, .worst_misestimate = 1};
    struct reader in = {.p = p};

    text_copy_raw(fresh.script, sizeof fresh.script, p->script);
    text_copy_raw(fresh.query, sizeof fresh.query, p->query);
    *p = fresh;
    while (*text) {
        char line[LINE_MAX_BYTES];
        size_t len = strcspn(text, "\r\n");
        size_t use = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, text, use);
        line[use] = '\0';
        take_line(&in, line);
        text += len;
        if (*text)
            text++;
    }
}

/* Behind blanks, brackets and comments. */
static const char *first_word(const char *sql)
{
    for (;;) {
        sql += strspn(sql, " \t\r\n(");
        if (sql[0] == '-' && sql[1] == '-') {
            sql += strcspn(sql, "\n");
        } else if (sql[0] == '/' && sql[1] == '*') {
            const char *end = strstr(sql + 2, "*/");
            if (!end)
                return "";
            sql = end + 2;
        } else {
            return sql;
        }
    }
}

bool plan_possible(const char *sql)
{
    static const char *const verbs[] = {"select", "insert", "update", "delete",
                                        "with",   "values", "merge",  "table"};
    char word[16];
    size_t n;

    sql = first_word(sql);
    n = strspn(sql, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    snprintf(word, sizeof word, "%.*s", (int)(n < 15 ? n : 15), sql);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (text_eq_nocase(word, verbs[i]))
            return true;
    return false;
}
