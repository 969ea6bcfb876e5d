/* What stood in postgresql.auto.conf before us and what stands there now; see ledger.h. */
#include "pgd/tuning/ledger.h"

#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/os.h"

static void entry_init(struct entry *e, const char *name, bool present, const char *value)
{
    memset(e, 0, sizeof *e);
    text_copy_raw(e->name, sizeof e->name, name);
    e->present = present;
    if (present)
        text_copy_raw(e->value, sizeof e->value, value);
}

bool ledger_file(const char *path)
{
    static const char tail[] = "postgresql.auto.conf";
    size_t n = strlen(path), m = sizeof tail - 1;
    return n >= m && strcmp(path + n - m, tail) == 0 && (n == m || path[n - m - 1] == '/');
}

struct ledger_row *ledger_find(struct ledger *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->rows[i].original.name, name) == 0)
            return &l->rows[i];
    return NULL;
}

bool ledger_touch(struct ledger *l, const struct entry *original)
{
    if (ledger_find(l, original->name))
        return true;
    if (l->n >= LEDGER_MAX) {
        l->lost = true;
        return false;
    }
    struct ledger_row *row = &l->rows[l->n++];
    memset(row, 0, sizeof *row);
    row->original = *original;
    row->current = *original;
    return true;
}

static const struct entry *arm_entry(const struct arm *a, const char *name)
{
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->entries[i].name, name) == 0)
            return &a->entries[i];
    return NULL;
}

struct entry ledger_goal(const struct ledger *l, const struct arm *a, const char *name)
{
    const struct entry *own = arm_entry(a, name);
    if (own)
        return *own;
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->rows[i].original.name, name) == 0)
            return l->rows[i].original;
    struct entry none;
    entry_init(&none, name, false, "");
    return none;
}

bool entry_same(const struct entry *a, const struct entry *b)
{
    return strcmp(a->name, b->name) == 0 && a->present == b->present &&
           (!a->present || strcmp(a->value, b->value) == 0);
}

void entry_sql(const struct entry *e, struct buf *out)
{
    if (os_is(e->name)) { /* no statement: a comment, so that it may stand among them */
        buf_puts(out, "-- on the server's host, as root: ");
        os_command(e, out);
        return;
    }
    buf_puts(out, e->present ? "ALTER SYSTEM SET " : "ALTER SYSTEM RESET ");
    quote_ident(out, e->name);
    if (e->present) {
        buf_puts(out, " = ");
        quote_literal(out, e->value);
    }
}

struct entry *arm_find(struct arm *a, const char *name)
{
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->entries[i].name, name) == 0)
            return &a->entries[i];
    return NULL;
}

bool arm_set(struct arm *a, const char *name, bool present, const char *value)
{
    if (strlen(name) >= SETTING_NAME_MAX || (present && strlen(value) >= SETTING_VALUE_MAX))
        return false;
    struct entry *e = arm_find(a, name);
    if (!e) {
        if (a->n >= LEDGER_MAX)
            return false;
        e = &a->entries[a->n++];
    }
    entry_init(e, name, present, value);
    return true;
}

static void arm_forget(struct arm *a, const char *name)
{
    struct entry *e = arm_find(a, name);
    if (e)
        *e = a->entries[--a->n];
}

void arm_apply_sets(struct arm *a, const struct review *review, unsigned sets)
{
    for (int i = 0; i < review->n; i++) {
        const struct review_line *line = &review->lines[i];
        if (line->refusal != REFUSE_NONE || line->answer != ANSWER_ACCEPT)
            continue;
        if (line->change.sets && !(review_sets(review, i) & sets))
            continue;
        if (line->change.reset)
            arm_forget(a, line->change.name); /* as it was before us */
        else
            arm_set(a, line->change.name, true, line->send);
    }
}

void arm_apply_review(struct arm *a, const struct review *review)
{
    arm_apply_sets(a, review, ~0u);
}

static bool entry_differs(const struct arm *a, const struct arm *b, const char *name)
{
    const struct entry *x = arm_entry(a, name), *y = arm_entry(b, name);
    return !x != !y || (x && !entry_same(x, y));
}

int arm_differ(const struct arm *a, const struct arm *b, char (*names)[SETTING_NAME_MAX], int max)
{
    int n = 0;
    for (int i = 0; i < a->n + b->n && n < max; i++) {
        const char *name = i < a->n ? a->entries[i].name : b->entries[i - a->n].name;
        if (entry_differs(a, b, name) && !(i >= a->n && arm_entry(a, name)))
            text_copy_raw(names[n++], SETTING_NAME_MAX, name);
    }
    return n;
}

void arm_mix(struct arm *out, const struct arm *from, const struct arm *to,
             const char (*names)[SETTING_NAME_MAX], int n, uint32_t which)
{
    *out = *from;
    for (int i = 0; i < n; i++) {
        const struct entry *e = arm_entry(to, names[i]);
        if (!(which >> i & 1))
            continue;
        if (e)
            arm_set(out, names[i], e->present, e->value);
        else
            arm_forget(out, names[i]);
    }
}

bool arm_same(const struct arm *a, const struct arm *b)
{
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++) {
        const struct entry *other = arm_entry(b, a->entries[i].name);
        if (!other || !entry_same(&a->entries[i], other))
            return false;
    }
    return true;
}

void ledger_intent(struct ledger *l, const struct entry *before, const struct entry *to, int n)
{
    for (int i = 0; i < n; i++) {
        if (!ledger_touch(l, &before[i]))
            continue;
        struct ledger_row *row = ledger_find(l, before[i].name);
        row->current = before[i];
        row->pending = to[i];
        row->unsure = true;
    }
}

void ledger_applied(struct ledger *l)
{
    for (int i = 0; i < l->n; i++) {
        struct ledger_row *row = &l->rows[i];
        if (!row->unsure)
            continue;
        row->current = row->pending;
        row->unsure = false;
        memset(&row->pending, 0, sizeof row->pending);
    }
}

void ledger_undone(struct ledger *l)
{
    for (int i = 0; i < l->n; i++) {
        l->rows[i].unsure = false;
        memset(&l->rows[i].pending, 0, sizeof l->rows[i].pending);
    }
}

bool ledger_row_clean(const struct ledger_row *row)
{
    return !row->unsure && entry_same(&row->original, &row->current);
}

void ledger_undo_sql(const struct ledger *l, struct buf *out)
{
    for (int i = 0; i < l->n; i++) {
        if (ledger_row_clean(&l->rows[i]))
            continue;
        entry_sql(&l->rows[i].original, out);
        buf_puts(out, ";\n");
    }
}

bool ledger_clean(const struct ledger *l)
{
    if (l->lost)
        return false;
    for (int i = 0; i < l->n; i++)
        if (!ledger_row_clean(&l->rows[i]))
            return false;
    return true;
}
