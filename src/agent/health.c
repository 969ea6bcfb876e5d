/* health.c - see health.h: the machine that goes through the table of health_checks.c. */
#include "pgd/agent/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/health_parts.h"
#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/queries.h"

const char *health_grade_name(enum health_grade g)
{
    static const char *const names[] = {"ok", "note", "warning", "critical", "unknown"};
    return (size_t)g < ARRAY_LEN(names) ? names[g] : "unknown";
}

/* -- findings --------------------------------------------------------------------------------------------- */

static struct health_finding *add(struct health *h, const struct health_check *c,
                                  enum health_grade g)
{
    if (h->n == HEALTH_FOUND_MAX) {
        h->left_out++;
        return NULL;
    }
    struct health_finding *found = &h->found[h->n++];
    memset(found, 0, sizeof *found);
    found->check = c;
    found->grade = g;
    return found;
}

static void unknown(struct health *h, const struct health_check *c, const char *why)
{
    struct health_finding *found = add(h, c, HEALTH_UNKNOWN);

    if (found)
        text_copy(found->said.figure, sizeof found->said.figure, why);
}

static void look(struct health *h, const struct health_check *c, const struct server_facts *f)
{
    struct health_look said = {0};
    enum health_grade g = c->look(f, &said);

    if (g == HEALTH_OK) {
        h->ok++;
        return;
    }
    struct health_finding *found = add(h, c, g);
    if (found)
        found->said = said;
}

static void cell(char *dst, size_t size, const struct rows *r, int row, const char *name)
{
    const char *text = rows_text(r, row, name);

    text_copy(dst, size, text ? text : "");
}

static struct req next_req(struct health *h)
{
    h->state = HEALTH_ASKING;
    return (struct req){OWNER_HEALTH, h->generation, ++h->waiting};
}

static void take_rows(struct health *h, const struct health_check *c, const struct rows *r)
{
    int n = r ? r->nrows : 0;

    if (n == 0)
        h->ok++;
    for (int i = 0; i < n; i++) {
        const char *said = rows_text(r, i, "grade");
        enum health_grade grade = c->grade;
        for (int g = HEALTH_NOTE; said && g <= HEALTH_UNKNOWN; g++)
            if (strcmp(said, health_grade_name((enum health_grade)g)) == 0)
                grade = (enum health_grade)g;
        struct health_finding *found = add(h, c, grade);
        if (!found)
            continue;
        cell(found->said.object, sizeof found->said.object, r, i, "object");
        cell(found->said.figure, sizeof found->said.figure, r, i, "figure");
        cell(found->said.fix, sizeof found->said.fix, r, i, "fix");
    }
}

/* -- the machine ------------------------------------------------------------------------------------------ */

static int badness(enum health_grade g)
{
    static const int of[] = {0, 2, 3, 4, 1};
    return of[g];
}

static bool stands_before(const struct health_finding *a, const struct health_finding *b)
{
    int d = badness(a->grade) - badness(b->grade);

    return d ? d > 0 : a->check < b->check;
}

/* Worst first, then in the order of the table; within a check in that of its answer. */
static void sort(struct health *h)
{
    for (int i = 1; i < h->n; i++) {
        struct health_finding one = h->found[i];
        int at = i;

        for (; at > 0 && stands_before(&one, &h->found[at - 1]); at--)
            h->found[at] = h->found[at - 1];
        h->found[at] = one;
    }
}

/* Why the statement of this check would not see what it asks for; NULL = it does. A refusal would stand in the server's log. */
static const char *lacking(const struct health_check *c, const struct server_facts *f)
{
    switch (c->need) {
    case NEED_SESSIONS:
        return f->rights.read_stats ? NULL : "needs GRANT pg_read_all_stats, or pg_monitor";
    case NEED_HBA:
        return f->rights.hba_rules ? NULL
                                   : "needs GRANT SELECT ON pg_hba_file_rules and EXECUTE ON "
                                     "FUNCTION pg_hba_file_rules()";
    case NEED_FILES:
        return f->rights.file_settings ? NULL
                                       : "needs GRANT SELECT ON pg_file_settings and EXECUTE ON "
                                         "FUNCTION pg_show_all_file_settings()";
    case NEED_PASSWORDS:
        return f->rights.superuser ? NULL : "needs a superuser: pg_authid";
    case NEED_NOTHING:
        break;
    }
    return NULL;
}

static void end(struct health *h, struct effects *fx)
{
    if (!h->pooled) {
        fx_sql(fx, next_req(h), CONN_CONTROL, discover_plans_reset, HEALTH_MS);
        fx_sql(fx, next_req(h), CONN_CONTROL, discover_limits_reset, HEALTH_MS);
    }
    sort(h);
    h->state = HEALTH_DONE;
}

static void ask(struct health *h, const struct health_check *c, struct effects *fx)
{
    const struct asset *sql = asset_find(c->asset);

    if (!sql)
        die("the asset %s is missing", c->asset);
    fx_sql(fx, next_req(h), CONN_CONTROL, (const char *)sql->data, HEALTH_MS);
}

static void next(struct health *h, const struct server_facts *f, struct effects *fx)
{
    const struct health_check *c;

    for (; (c = health_check_at(h->at)); h->at++) {
        const char *why = lacking(c, f);

        h->checks++;
        if (c->look) {
            look(h, c, f);
        } else if (why) {
            unknown(h, c, why);
        } else {
            ask(h, c, fx);
            return;
        }
    }
    end(h, fx);
}

void health_start(struct health *h, const struct server_facts *f, bool pooled, struct effects *fx)
{
    uint32_t generation = h->generation + 1;

    memset(h, 0, sizeof *h);
    h->generation = generation;
    h->pooled = pooled;
    if (pooled) {
        next(h, f, fx);
        return;
    }
    h->at = -2;
    fx_sql(fx, next_req(h), CONN_CONTROL, discover_limits_set, HEALTH_MS);
}

void health_wait(struct health *h)
{
    uint32_t generation = h->generation + 1;

    memset(h, 0, sizeof *h);
    h->generation = generation;
    h->state = HEALTH_READING;
}

void health_fail(struct health *h, const struct err *e)
{
    h->err = *e;
    h->state = HEALTH_FAILED;
}

void health_step(struct health *h, const struct server_facts *f, const struct event *ev,
                 struct effects *fx)
{
    if (h->state != HEALTH_ASKING || ev->kind != EV_PG_RESULT ||
        ev->req.generation != h->generation || ev->req.id != h->waiting)
        return;
    if (ev->err.code == ERR_LOST || ev->err.code == ERR_CANCELLED) {
        health_fail(h, &ev->err);
        return;
    }
    /* What has locked a relation since the statement looked who does is seen by it now. */
    if (h->at >= 0 && strcmp(ev->err.sqlstate, "55P03") == 0 && !h->asked_twice) {
        h->asked_twice = true;
        ask(h, health_check_at(h->at), fx);
        return;
    }
    h->asked_twice = false;
    if (h->at >= 0 && ev->err.code != ERR_NONE)
        unknown(h, health_check_at(h->at), ev->err.msg);
    else if (h->at >= 0)
        take_rows(h, health_check_at(h->at), ev->rows);
    h->at++;
    if (h->at < 0)
        fx_sql(fx, next_req(h), CONN_CONTROL, discover_plans_set, HEALTH_MS);
    else
        next(h, f, fx);
}

/* -- words ------------------------------------------------------------------------------------------------ */

int health_count(const struct health *h, enum health_grade g)
{
    int n = 0;

    for (int i = 0; i < h->n; i++)
        n += h->found[i].grade == g;
    return n;
}

void health_text(const struct health_finding *found, struct buf *out)
{
    const struct health_check *c = found->check;
    const char *fix = found->said.fix[0] ? found->said.fix : c->fix;

    buf_printf(out, "%-9s%s%s%s\n", health_grade_name(found->grade), c->title,
               found->said.object[0] ? ": " : "", found->said.object);
    if (found->said.figure[0])
        buf_printf(out, "         %s\n", found->said.figure);
    if (found->grade == HEALTH_UNKNOWN)
        return;
    buf_printf(out, "         why: %s\n", c->why);
    if (fix)
        buf_printf(out, "         fix: %s\n", fix);
    buf_printf(out, "         see: %s\n", c->source);
}

static void put_count(struct buf *out, int n, const char *one, const char *many)
{
    if (n)
        buf_printf(out, "%s%d %s", out->len ? ", " : "", n, n == 1 ? one : many);
}

void health_summary(const struct health *h, char *dst, size_t size)
{
    struct buf b = {0};
    int not = health_count(h, HEALTH_UNKNOWN);

    put_count(&b, health_count(h, HEALTH_CRITICAL), "critical", "critical");
    put_count(&b, health_count(h, HEALTH_WARN), "warning", "warnings");
    put_count(&b, health_count(h, HEALTH_NOTE), "note", "notes");
    if (!b.len)
        buf_puts(&b, "nothing found");
    buf_printf(&b, "; %d of %d checks found nothing", h->ok, h->checks);
    if (not )
        buf_printf(&b, ", %d %s not possible", not, not == 1 ? "was" : "were");
    text_copy(dst, size, buf_text(&b));
    buf_clear(&b);
}
