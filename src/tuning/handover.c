/* What a hand-over writes and compares; see handover.h. */
#include "pgd/tuning/handover.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/discovery/place.h"
#include "pgd/protocol/summary.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/os.h"

void handover_clear(struct handover *h)
{
    buf_clear(&h->text);
    memset(h, 0, sizeof *h);
}

bool handover_begin(struct handover *h, const struct ledger *l)
{
    handover_clear(h);
    for (int i = 0; i < l->n; i++) {
        const struct ledger_row *row = &l->rows[i];
        if (!row->current.present || entry_same(&row->current, &row->original))
            continue;
        if (os_is(row->original.name)) {
            arm_set(&h->system, row->current.name, true, row->current.value);
            continue;
        }
        h->unsure[h->n] = row->unsure;
        h->items[h->n++] = row->current;
    }
    return h->n > 0;
}

const char *handover_sql(void)
{
    return apply_sql_config;
}

static const char *cell(const struct rows *r, int row, const char *name)
{
    const char *text = rows_text(r, row, name);
    return text ? text : "";
}

/* The line of another file that counts for this name; -1 = none. Files come in the order in which they are read. */
static int last_line(const struct rows *r, const char *name)
{
    int found = -1;
    for (int i = 0; i < r->nrows; i++)
        if (text_eq_nocase(cell(r, i, "file_name"), name) && !ledger_file(cell(r, i, "file")))
            found = i;
    return found;
}

static bool other(struct err *e, const char *name, const char *have, const char *want)
{
    err_set(e, ERR_VERIFY, "%s is %.100s, not %.100s", name, have, want);
    return false;
}

bool handover_look(struct handover *h, const struct rows *r, struct err *e)
{
    int kept = 0;
    for (int i = 0; i < r->nrows; i++)
        if (rows_text(r, i, "error") && *cell(r, i, "file") &&
            !rows_bool(r, i, "pending_restart", false)) {
            err_set(e, ERR_BUSY, "%.200s line %.12s: %.160s", cell(r, i, "file"),
                    cell(r, i, "line"), cell(r, i, "error"));
            return err_hint(e, "Mend that line, then try again.");
        }
    for (int i = 0; i < h->n; i++) {
        struct setting s;
        struct entry now;
        apply_read_entry(r, h->items[i].name, &now);
        /* Gone: handed over before, or by a switch that was killed and has to be finished. */
        if (!now.present && !h->unsure[i])
            continue;
        if (!apply_read_setting(r, h->items[i].name, &s))
            return other(e, h->items[i].name, "unknown", h->items[i].value);
        if (now.present && !entry_same(&now, &h->items[i]))
            return other(e, s.name, now.value, h->items[i].value);
        if (s.pending_restart || !apply_value_same(&s, h->items[i].value))
            return other(e, s.name, s.value, h->items[i].value);
        h->items[kept] = h->items[i];
        text_copy_raw(h->values[kept++], sizeof h->values[0], s.value);
    }
    h->n = kept;
    return true;
}

bool handover_stands(const struct handover *h, const struct rows *r, struct err *e)
{
    for (int i = 0; i < h->n; i++) {
        struct setting s;
        int line = last_line(r, h->items[i].name);
        if (line < 0) {
            err_set(e, ERR_VERIFY, "%s stands in no other file", h->items[i].name);
            return false;
        }
        if (rows_text(r, line, "error")) {
            err_set(e, ERR_VERIFY, "%.200s line %.12s: %.160s", cell(r, line, "file"),
                    cell(r, line, "line"), cell(r, line, "error"));
            return false;
        }
        if (h->file[0] && strcmp(cell(r, line, "file"), h->file) != 0) {
            err_set(e, ERR_VERIFY, "%s is set again in %.200s, which is read later",
                    h->items[i].name, cell(r, line, "file"));
            return false;
        }
        if (!apply_read_setting(r, h->items[i].name, &s) ||
            !apply_value_same(&s, cell(r, line, "file_value")))
            return other(e, h->items[i].name, cell(r, line, "file_value"), h->items[i].value);
    }
    return true;
}

bool handover_done(const struct handover *h, const struct rows *r, struct err *e)
{
    for (int i = 0; i < h->n; i++) {
        struct setting s;
        struct entry left;
        apply_read_entry(r, h->items[i].name, &left);
        if (left.present || !apply_read_setting(r, h->items[i].name, &s)) {
            err_set(e, ERR_VERIFY, "%s still stands in postgresql.auto.conf", h->items[i].name);
            return false;
        }
        if (strcmp(s.value, h->values[i]) != 0 || s.pending_restart)
            return other(e, s.name, s.value, h->values[i]);
        if (h->file[0] && s.sourcefile[0] && strcmp(s.sourcefile, h->file) != 0) {
            err_set(e, ERR_VERIFY, "%s comes from %.200s", s.name, s.sourcefile);
            return false;
        }
    }
    return true;
}

/* Is this line about one of ours? NAME = value, NAME value. */
static bool is_ours(const struct handover *h, const char *line)
{
    size_t n;
    line += strspn(line, " \t");
    n = strcspn(line, " \t=\n");
    for (int i = 0; i < h->n; i++)
        if (strlen(h->items[i].name) == n && strncmp(h->items[i].name, line, n) == 0)
            return true;
    return false;
}

static void quoted(struct buf *out, const char *value)
{
    buf_putc(out, '\'');
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_putc(out, *value);
        buf_putc(out, *value);
    }
    buf_putc(out, '\'');
}

void handover_text(const struct handover *h, const char *old, const char *session, struct buf *out)
{
    if (!*old)
        buf_puts(out,
                 "# Settings that pg_diagnose has proven by measurement and handed over. Yours "
                 "to keep or to move.\n");
    for (const char *p = old; *p;) {
        size_t n = strcspn(p, "\n");
        if (!is_ours(h, p))
            buf_printf(out, "%.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    buf_printf(out, "# session %s\n", session);
    for (int i = 0; i < h->n; i++) {
        buf_printf(out, "%s = ", h->items[i].name);
        quoted(out, h->items[i].value);
        buf_putc(out, '\n');
    }
}

void handover_arm(const struct handover *h, bool with, struct arm *out)
{
    *out = h->system;
    snprintf(out->label, sizeof out->label, "%s", with ? "best" : "hand-over");
    for (int i = 0; i < h->n; i++)
        arm_set(out, h->items[i].name, with, h->items[i].value);
}

void handover_record(const struct handover *h, uint64_t no, const char *phase, struct buf *out)
{
    struct buf names = {0};
    struct line *l = line_new("handover");
    for (int i = 0; i < h->n; i++)
        buf_printf(&names, "%s%s", i ? " " : "", h->items[i].name);
    line_int(l, "no", (long long)no);
    line_text(l, "phase", phase);
    line_text(l, "file", h->file[0] ? h->file : NULL);
    line_text(l, "settings", buf_text(&names));
    line_finish(l, out);
    buf_putc(out, '\n');
    buf_clear(&names);
}

struct effect *handover_script(const struct handover *h, const struct identity *id,
                               const char *mode, struct req req, struct effects *fx)
{
    struct buf config = {0}, file = {0}, text = {0};
    const char *argv[RESTART_PREFIX + 9] = {NULL};
    int n = restart_as_owner(id, argv);
    buf_printf(&config, "config=%s", id->config_file);
    buf_printf(&file, "file=%s", h->file);
    buf_printf(&text, "text=%s", buf_text(&h->text));
    argv[n++] = "sh";
    argv[n++] = "-c";
    argv[n++] = apply_asset("restart/managed.sh");
    argv[n++] = "pg_diagnose-managed";
    argv[n++] = mode;
    argv[n++] = buf_text(&config);
    argv[n++] = buf_text(&file);
    if (strcmp(mode, "write") == 0)
        argv[n++] = buf_text(&text);
    struct effect *e = fx_child(fx, req, argv, CHILD_COLLECT);
    e->u.child.run_as = xstrdup(id->owner);
    e->u.child.cwd = xstrdup("/");
    place_child(id, e);
    e->changes_server = strcmp(mode, "where") != 0;
    buf_clear(&config);
    buf_clear(&file);
    buf_clear(&text);
    return e;
}
