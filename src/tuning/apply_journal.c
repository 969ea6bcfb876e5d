/* The lines that a switch writes to the journal; docs/journal.md describes them. */
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/protocol/summary.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/os.h"

static void append(struct apply *a, struct line *l, uint64_t no, struct effects *fx)
{
    struct buf text = {0};
    struct req req = apply_req(a);
    line_finish(l, &text);
    buf_putc(&text, '\n');
    a->waiting = req.id;
    struct effect *e = fx_file(fx, req, FILE_APPEND, a->env.journal_path);
    e->u.file.journal_no = no;
    e->len = text.len;
    e->text = buf_take(&text);
}

static void json_entry(struct buf *out, const struct entry *e)
{
    struct buf text = {0};
    struct line *l = line_new("");
    line_bool(l, "present", e->present);
    line_text(l, "value", e->present ? e->value : NULL);
    line_finish(l, &text);
    /* The builder's own first member goes. */
    buf_printf(out, "{%s", strchr(buf_text(&text), ',') + 1);
    buf_clear(&text);
}

static void json_string(struct buf *out, const char *s)
{
    struct buf text = {0};
    struct line *l = line_new(s);
    line_finish(l, &text);
    buf_append(out, text.data + strlen("{\"event\":"), text.len - strlen("{\"event\":}"));
    buf_clear(&text);
}

void apply_journal_intent(struct apply *a, struct effects *fx)
{
    struct buf items = {0}, undo = {0}, sql = {0};
    char at[40];
    a->intent_no = ++*a->env.journal_no;
    for (int i = 0; i < a->n + a->os.n; i++) {
        const struct entry *before = i < a->n ? &a->before[i] : &a->os.before[i - a->n];
        const struct entry *to = i < a->n ? &a->to[i] : &a->os.to[i - a->n];
        buf_puts(&items, i ? ",{\"name\":" : "{\"name\":");
        json_string(&items, to->name);
        buf_puts(&items, ",\"before\":");
        json_entry(&items, before);
        buf_puts(&items, ",\"to\":");
        json_entry(&items, to);
        buf_putc(&items, '}');
        sql.len = 0;
        entry_sql(before, &sql);
        if (os_is(before->name))
            os_name_unit(&a->env.facts->id, &sql);
        buf_puts(&undo, i ? "," : "");
        json_string(&undo, buf_text(&sql));
    }
    buf_putc(&items, ']');
    buf_putc(&undo, ']');
    struct line *l = line_new("intent");
    line_int(l, "no", (long long)a->intent_no);
    line_text(l, "arm", a->goal.label);
    line_bool(l, "restart", a->restart);
    bool restart = a->restart && a->env.restart_by_dba;
    line_text(l, "by_hand", apply_is_manual(a) ? "change" : restart ? "restart" : NULL);
    struct buf list = {0};
    buf_printf(&list, "[%s", buf_text(&items));
    line_raw(l, "items", buf_text(&list));
    buf_clear(&list);
    buf_printf(&list, "[%s", buf_text(&undo));
    line_raw(l, "undo", buf_text(&list));
    clock_iso(a->wall_us, at, sizeof at);
    line_text(l, "at", a->wall_us ? at : NULL);
    append(a, l, a->intent_no, fx);
    buf_clear(&list);
    buf_clear(&items);
    buf_clear(&undo);
    buf_clear(&sql);
}

void apply_journal_result(struct apply *a, struct effects *fx)
{
    const char *kind = a->final == APPLY_DONE    ? "applied"
                       : a->final == APPLY_STUCK ? "stuck"
                                                 : "undone";
    uint64_t no = ++*a->env.journal_no;
    struct line *l = line_new(kind);
    line_int(l, "no", (long long)no);
    line_int(l, "intent", (long long)a->intent_no);
    if (a->final == APPLY_DONE)
        line_bool(l, "restarted", a->restarted);
    else
        line_text(l, "reason", a->err.msg);
    append(a, l, no, fx);
}
