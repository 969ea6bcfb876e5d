/* What a proposed setting of the operating system is checked against, and the words of its review line; see guard.h. The
 * script that writes it has limits of its own and looks at the machine once more. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/os.h"

/* Huge pages: of the memory at the most, and how much of what is available now they may take until the server has moved. */
#define HUGE_SHARE 0.6
#define HUGE_NOW 0.9
/* The commit limit must leave this much beside what is promised already. */
#define COMMIT_ROOM 1.25

/* May we change anything on that machine at all? */
static bool check_reach(struct review_line *line, const struct os_row *row, const struct setting *s,
                        const struct server_facts *f, const struct guard_policy *g)
{
    const char *name = line->change.name;
    char unit[128];
    if (guard_never(g->never, g->nnever, name))
        return review_refuse(line, REFUSE_WISH, "PGDIAG.md: never touch %s", name);
    if (!row || os_is_boot(name))
        return review_refuse(line, REFUSE_UNKNOWN, "%s %s", name, refusal_name(REFUSE_UNKNOWN));
    if (!f->id.reached || !f->host.known)
        return review_refuse(
            line, REFUSE_RIGHT,
            "the host that we reach is not known to be the server's: its system is left "
            "alone");
    if (g->os_refused)
        return review_refuse(line, REFUSE_RIGHT, "%s", g->os_refused);
    if (!s)
        return review_refuse(line, REFUSE_UNKNOWN, "the server's host has no setting %s",
                             name + strlen(OS_PREFIX));
    os_unit(&f->id, unit, sizeof unit);
    if (row->kind == OS_LIMIT && (!unit[0] || !f->id.manager[0]))
        return review_refuse(
            line, REFUSE_RIGHT,
            "limits are those of a service, and no service of ours starts this server");
    if (row->kind != OS_LIMIT && s->denied)
        return review_refuse(line, REFUSE_RIGHT,
                             "%s takes root on the server's host, or sudo without a "
                             "password; in a container it may be closed",
                             name);
    return true;
}

static bool check_huge_pages(struct review_line *line, const struct server_facts *f, double pages)
{
    const struct host_facts *h = &f->host;
    const struct setting *use = settings_find(&f->settings, "huge_pages");
    char need[32], have[32];
    double now = fmax((double)h->hugepages_total, 0), bytes = pages * h->hugepage_bytes;
    if (use && strcmp(use->value, "off") == 0)
        return review_refuse(line, REFUSE_VALUE,
                             "huge_pages is off: the server would not use them");
    if (!(h->hugepage_bytes > 0) || !(h->mem_total > 0))
        return review_refuse(line, REFUSE_MEMORY,
                             "the size of huge pages or the memory is not known");
    text_bytes(need, sizeof need, bytes);
    text_bytes(have, sizeof have, h->mem_total);
    if (pages < now && h->hugepages_used != 0)
        return review_refuse(line, REFUSE_MEMORY,
                             "huge pages are in use: fewer than the %.0f there are "
                             "could keep the server from starting",
                             now);
    if (bytes > HUGE_SHARE * h->mem_total)
        return review_refuse(line, REFUSE_MEMORY, "%s in huge pages is more than %.0f %% of the %s",
                             need, 100 * HUGE_SHARE, have);
    text_bytes(have, sizeof have, h->mem_available);
    if ((pages - now) * h->hugepage_bytes > HUGE_NOW * h->mem_available)
        return review_refuse(line, REFUSE_MEMORY,
                             "%s in huge pages is too much beside %s that are "
                             "available now",
                             need, have);
    return true;
}

/* What decides how much memory the kernel promises to programs. */
struct commit {
    bool on; /* vm.overcommit_memory is 2: there is a limit */
    double ratio, pages;
};

static double fact_or(const struct host_facts *h, const char *name, double other)
{
    const struct os_fact *fact = host_os(h, name);
    double value;
    return fact && text_double(fact->value, &value) ? value : other;
}

static struct commit commit_now(const struct host_facts *h)
{
    return (struct commit){
        .on = fact_or(h, "vm.overcommit_memory", h->overcommit) == 2,
        .ratio = fact_or(h, "vm.overcommit_ratio", NAN),
        .pages = fact_or(h, "vm.nr_hugepages", fmax((double)h->hugepages_total, 0))};
}

static struct commit commit_with(struct commit c, const struct review_line *line)
{
    double value;
    if (line->change.reset || !text_double(line->send, &value))
        return c;
    if (strcmp(line->change.name, OS_PREFIX "vm.overcommit_memory") == 0)
        c.on = value == 2;
    if (strcmp(line->change.name, OS_PREFIX "vm.overcommit_ratio") == 0)
        c.ratio = value;
    if (strcmp(line->change.name, OS_PREFIX "vm.nr_hugepages") == 0)
        c.pages = value;
    return c;
}

/* Bytes, by the kernel's own sum (Documentation/mm/overcommit-accounting). Its ratio reads 0 where an amount stands in its
 * place, from which huge pages are not taken; CommitLimit of /proc/meminfo is worked out whatever the mode is. */
static double commit_limit(const struct host_facts *h, const struct commit *c)
{
    if (!(c->ratio > 0))
        return h->commit_limit;
    double huge = c->pages > 0 ? c->pages * h->hugepage_bytes : 0;
    return (h->mem_total - huge) * c->ratio / 100 + h->swap_total;
}

/* Below that limit no program of the machine starts, those of the undo among them. */
static bool check_commit(struct review_line *line, const struct host_facts *h,
                         const struct commit *was, const struct commit *then)
{
    char limit_text[32], promised[32];
    double limit = commit_limit(h, then);
    bool tighter = then->on && (!was->on || !(limit >= commit_limit(h, was)));
    if (!tighter || limit > COMMIT_ROOM * h->committed)
        return true;
    text_bytes(limit_text, sizeof limit_text, limit);
    text_bytes(promised, sizeof promised, h->committed);
    return review_refuse(line, REFUSE_MEMORY,
                         "the limit would be %s, with %s promised already: programs would fail",
                         limit_text, promised);
}

/* Of the lines of one kind: *c with them, and what does not fit beside the ones before is refused. One that gives room
 * counts when it is accepted, since nobody may rely on what may not come. */
static void commit_lines(struct review *r, unsigned set, bool accepted, bool tightening,
                         const struct host_facts *h, struct commit *c, bool *misfit)
{
    for (int i = 0; i < r->n; i++) {
        struct review_line *line = &r->lines[i];
        if (misfit[i] || !review_is_os(line) || !review_billable(line, accepted) ||
            !(review_sets(r, i) & set))
            continue;
        struct commit then = commit_with(*c, line);
        bool tighter = then.on && (!c->on || commit_limit(h, &then) < commit_limit(h, c));
        if (tighter != tightening || (!accepted && !tighter))
            continue;
        if (tightening && !check_commit(line, h, c, &then))
            line->by_bill = misfit[i] = true;
        else
            *c = then;
    }
}

void os_guard_bill(struct review *r, const struct server_facts *f, bool *misfit)
{
    for (int s = 0; s < review_nsets(r); s++) {
        struct commit c = commit_now(&f->host);
        commit_lines(r, 1u << s, true, false, &f->host, &c, misfit);
        commit_lines(r, 1u << s, true, true, &f->host, &c, misfit);
        commit_lines(r, 1u << s, false, true, &f->host, &c, misfit);
    }
}

bool os_guard_joins(const struct review *r, unsigned sets, const struct server_facts *f)
{
    struct commit was = commit_now(&f->host), then = was;
    struct review_line line = {0};
    for (int i = 0; i < r->n; i++)
        if (r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_ACCEPT &&
            review_is_os(&r->lines[i]) && (review_sets(r, i) & sets))
            then = commit_with(then, &r->lines[i]);
    return check_commit(&line, &f->host, &was, &then);
}

static bool check_value(struct review_line *line, const struct os_row *row,
                        const struct server_facts *f, const struct guard_policy *g, double number)
{
    char word[64];
    const char *name = line->change.name;
    snprintf(word, sizeof word, " %.40s ", line->to);
    if (strcmp(line->from, line->to) == 0)
        return review_refuse(line, REFUSE_NO_CHANGE, "%s is %s already", name, line->to);
    if (row->kind == OS_CHOICE && !strstr(row->words, word))
        return review_refuse(line, REFUSE_VALUE, "%s = %s is not one of%s", name, line->to,
                             row->words);
    bool fixed = row->kind == OS_CHOICE || strchr(line->to, '%');
    if (strchr(line->to, '%') || (!fixed && isnan(number) && row->kind != OS_LIMIT))
        return review_refuse(line, REFUSE_VALUE, "%s takes an amount, not %s", name, line->to);
    if (number < row->floor || number > row->ceiling)
        return review_refuse(line, REFUSE_VALUE, "%s = %s is %s than is sensible", name, line->to,
                             number < row->floor ? "less" : "more");
    const struct os_fact *fact = host_os(&f->host, name + strlen(OS_PREFIX));
    if (fact && fact->choices[0]) {
        char all[sizeof fact->choices + 2];
        snprintf(all, sizeof all, " %s ", fact->choices);
        if (!strstr(all, word))
            return review_refuse(line, REFUSE_VALUE, "this machine knows%s, not %s", all, line->to);
    }
    if (strcmp(row->name, "vm.nr_hugepages") == 0 && !check_huge_pages(line, f, number))
        return false;
    struct commit was = commit_now(&f->host), then = commit_with(was, line);
    if (!check_commit(line, &f->host, &was, &then))
        return false;
    if (row->restart && !g->restart_possible)
        return review_refuse(
            line, REFUSE_RESTART, "%s reaches the server at a restart, and %s", name,
            g->restart_refused ? g->restart_refused : "no way to restart is allowed");
    return true;
}

static void line_commands(struct review_line *line, const struct os_row *row,
                          const struct server_facts *f)
{
    struct entry e = {.present = true};
    struct buf text = {0};
    text_copy_raw(e.name, sizeof e.name, line->change.name);
    text_copy_raw(e.value, sizeof e.value, line->change.reset ? line->from : line->send);
    os_command(&e, &text);
    os_name_unit(&f->id, &text);
    text_copy(line->sql, sizeof line->sql, buf_text(&text));
    text.len = 0;
    e.present = row->kind != OS_LIMIT;
    text_copy_raw(e.value, sizeof e.value, line->from);
    os_command(&e, &text);
    os_name_unit(&f->id, &text);
    text_copy(line->undo, sizeof line->undo, buf_text(&text));
    buf_clear(&text);
}

void os_guard_line(struct review_line *line, const struct server_facts *f,
                   const struct guard_policy *g)
{
    const struct os_row *row = os_find(line->change.name);
    const struct setting *s = settings_find(&f->settings, line->change.name);
    struct err e = {0};
    double number = NAN;
    if (s)
        text_copy_raw(line->from, sizeof line->from, s->shown);
    text_copy(line->to, sizeof line->to, line->change.reset ? "as before us" : line->change.value);
    line->restart = row && row->restart;
    line->takes = line->restart ? TAKES_RESTART : TAKES_NOW;
    if (line->change.risk < RISK_MEDIUM)
        line->change.risk = RISK_MEDIUM;
    if (row) {
        snprintf(line->reach, sizeof line->reach,
                 "the whole machine %.100s and all that runs there", f->host.hostname);
        snprintf(line->price, sizeof line->price, "%s", row->danger);
    }
    if (!check_reach(line, row, s, f, g))
        return;
    if (!line->change.reset) {
        if (!os_value(row, line->change.value, &number, line->to, sizeof line->to, &e)) {
            review_refuse(line, REFUSE_VALUE, "%s", e.msg);
            return;
        }
        text_copy_raw(line->send, sizeof line->send, line->to);
        if (!check_value(line, row, f, g, number))
            return;
    }
    line_commands(line, row, f);
}
