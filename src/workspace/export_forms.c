/* export_forms.c - the settings that are left, in the forms of those who do not keep them in files: SQL, JSON, Patroni,
 * CloudNativePG, Amazon RDS, containers. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/tuning/way.h"
#include "pgd/workspace/export_parts.h"

/* The settings of all sessions, in a list that lives as long as this. */
struct left {
    struct final_setting *list; /* owned */
    int n;
};

static struct left left_of(const struct model *m, const struct session *const *sessions, int n)
{
    struct left l = {.list = xcalloc(LEDGER_MAX, sizeof *l.list)};
    l.n = export_settings(m, sessions, n, l.list, LEDGER_MAX);
    return l;
}

static bool any_restart(const struct left *l)
{
    for (int i = 0; i < l->n; i++)
        if (l->list[i].restart)
            return true;
    return false;
}

/* -- SQL -------------------------------------------------------------------------------------------------- */

static void put_sql(const struct model *m, const struct session *const *sessions, int n, bool undo,
                    struct buf *out)
{
    struct left l = left_of(m, sessions, n);

    export_head(m, n, l.n, "--", out);
    export_comment(out, "--", "",
                   undo ? "This puts back what stood in postgresql.auto.conf before the first "
                          "session. As a superuser, in psql."
                        : "The tuned server has these already; for another one of its size. As a "
                          "superuser, in psql.");
    buf_puts(out, "\\set ON_ERROR_STOP on\n");
    for (int i = 0; i < l.n; i++) {
        const struct final_setting *f = &l.list[i];
        export_comment(out, "--", "was: ", undo ? "" : f->from);
        entry_sql(undo ? &f->original : f->entry, out);
        buf_printf(out, ";%s\n", f->restart ? " -- needs a restart" : "");
    }
    buf_puts(out, "SELECT pg_reload_conf();\n");
    if (any_restart(&l))
        buf_puts(out, "-- then restart the server; until then these wait:\n"
                      "SELECT name, setting FROM pg_settings WHERE pending_restart;\n");
    for (int i = 0; i < n && !undo; i++)
        trade_comment(sessions[i]->beside.trades, sessions[i]->beside.ntrades, "--", out);
    free(l.list);
}

void export_sql(const struct model *m, const struct session *const *sessions, int n,
                struct buf *out)
{
    put_sql(m, sessions, n, false, out);
}

void export_undo(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out)
{
    put_sql(m, sessions, n, true, out);
}

/* -- JSON ------------------------------------------------------------------------------------------------- */

static json_t *setting_object(const struct final_setting *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", js_text(f->entry->name));
    json_object_set_new(o, "value", js_text(f->entry->value));
    json_object_set_new(o, "from", js_text(f->from));
    json_object_set_new(o, "to", js_text(f->to));
    json_object_set_new(o, "undo", f->original.present ? js_text(f->original.value) : json_null());
    json_object_set_new(o, "restart", json_boolean(f->restart));
    json_object_set_new(o, "session", js_text(f->by->name));
    json_object_set_new(o, "why", js_text(f->change ? f->change->why : ""));
    json_object_set_new(o, "evidence", js_text(f->change ? f->change->evidence : ""));
    json_object_set_new(o, "round", f->round ? json_integer(f->round->number) : json_null());
    json_object_set_new(o, "measured",
                        f->round ? json_from_verdict(&f->round->verdict) : json_null());
    return o;
}

static void put_json(json_t *taken, struct buf *out)
{
    char *text = json_dumps(taken, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

    buf_puts(out, text ? text : "null");
    buf_putc(out, '\n');
    free(text);
    json_decref(taken);
}

void export_json(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out)
{
    struct left l = left_of(m, sessions, n);
    json_t *all = json_object(), *list = json_array(), *by = json_array();
    char when[40];

    clock_iso(m->wall_us, when, sizeof when);
    json_object_set_new(all, "format", json_integer(1));
    json_object_set_new(all, "workspace", js_text(m->workspace.name));
    json_object_set_new(all, "server_version", js_text(m->server.id.version));
    json_object_set_new(all, "written", js_text(when));
    for (int i = 0; i < l.n; i++)
        json_array_append_new(list, setting_object(&l.list[i]));
    json_object_set_new(all, "settings", list);
    for (int i = 0; i < n; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "confirmed", json_from_verdict(&sessions[i]->final));
        json_object_set_new(o, "name", js_text(sessions[i]->name));
        json_object_set_new(o, "strategy", js_text(sessions[i]->plan.strategy));
        json_object_set_new(o, "rounds", json_integer(sessions[i]->rounds_done));
        json_object_set_new(
            o, "durability",
            trade_list_json(sessions[i]->beside.trades, sessions[i]->beside.ntrades));
        json_array_append_new(by, o);
    }
    json_object_set_new(all, "sessions", by);
    put_json(all, out);
    free(l.list);
}

/* -- YAML ------------------------------------------------------------------------------------------------- */

/* A double-quoted scalar: JSON's strings are YAML's. */
void export_yaml(struct buf *out, const char *text)
{
    json_t *s = js_text(text);
    char *quoted = json_dumps(s, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    buf_puts(out, quoted ? quoted : "\"\"");
    free(quoted);
    json_decref(s);
}

static void put_yaml(const struct left *l, int indent, struct buf *out)
{
    if (l->n == 0)
        buf_printf(out, "%*s{}\n", indent, "");
    for (int i = 0; i < l->n; i++) {
        const struct final_setting *f = &l->list[i];
        buf_printf(out, "%*s%s: ", indent, "", f->entry->name);
        export_yaml(out, f->entry->value);
        buf_printf(out, "%s\n", f->restart ? "  # needs a restart" : "");
    }
}

void export_patroni(const struct model *m, const struct session *const *sessions, int n,
                    struct buf *out)
{
    struct left l = left_of(m, sessions, n);

    export_head(m, n, l.n, "#", out);
    buf_puts(out, "# patronictl edit-config --apply patroni.yml CLUSTER\n");
    if (any_restart(&l))
        buf_puts(out, "# patronictl restart --pending CLUSTER\n");
    buf_puts(out, "postgresql:\n  parameters:\n");
    put_yaml(&l, 4, out);
    free(l.list);
}

void export_cnpg(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out)
{
    struct left l = left_of(m, sessions, n);

    export_head(m, n, l.n, "#", out);
    buf_puts(out, "# kubectl patch cluster NAME --type merge --patch-file cloudnativepg.yaml\n");
    if (any_restart(&l))
        buf_puts(out, "# The operator restarts the instances by itself.\n");
    buf_puts(out, "spec:\n  postgresql:\n    parameters:\n");
    put_yaml(&l, 6, out);
    free(l.list);
}

/* -- containers ------------------------------------------------------------------------------------------- */

void export_docker(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out)
{
    struct left l = left_of(m, sessions, n);

    export_head(m, n, l.n, "#", out);
    buf_puts(out, "# docker run … postgres ARGUMENTS. They win over every file, and over ALTER "
                  "SYSTEM.\n");
    for (int i = 0; i < l.n; i++) {
        struct buf word = {0};
        buf_printf(&word, "%s=%s", l.list[i].entry->name, l.list[i].entry->value);
        buf_puts(out, "-c ");
        quote_shell(out, buf_text(&word));
        buf_puts(out, i + 1 < l.n ? " \\\n" : "\n");
        buf_clear(&word);
    }
    free(l.list);
}

/* -- Amazon RDS ------------------------------------------------------------------------------------------- */

/* pg_settings.unit, for a workspace without a connection. */
static const struct {
    const char *name, *unit;
} units[] = {
    {"shared_buffers", "8kB"},
    {"effective_cache_size", "8kB"},
    {"temp_buffers", "8kB"},
    {"wal_buffers", "8kB"},
    {"checkpoint_flush_after", "8kB"},
    {"bgwriter_flush_after", "8kB"},
    {"backend_flush_after", "8kB"},
    {"wal_writer_flush_after", "8kB"},
    {"io_combine_limit", "8kB"},
    {"work_mem", "kB"},
    {"maintenance_work_mem", "kB"},
    {"autovacuum_work_mem", "kB"},
    {"log_temp_files", "kB"},
    {"max_wal_size", "MB"},
    {"min_wal_size", "MB"},
    {"checkpoint_timeout", "s"},
    {"autovacuum_naptime", "s"},
    {"wal_writer_delay", "ms"},
    {"bgwriter_delay", "ms"},
    {"autovacuum_vacuum_cost_delay", "ms"},
};

static void plain_value(const struct model *m, const struct entry *e, char *dst, size_t size)
{
    const struct setting *known = settings_find(&m->server.settings, e->name);
    struct setting one = {.vartype = "integer", .min = "-1", .max = "2147483647"};

    text_copy_raw(one.name, sizeof one.name, e->name);
    for (size_t i = 0; !known && i < ARRAY_LEN(units); i++)
        if (strcmp(units[i].name, e->name) == 0) {
            text_copy_raw(one.unit, sizeof one.unit, units[i].unit);
            known = &one;
        }
    way_plain_number(known, e->value, dst, size);
}

void export_rds(const struct model *m, const struct session *const *sessions, int n,
                struct buf *out)
{
    struct left l = left_of(m, sessions, n);
    json_t *list = json_array();

    for (int i = 0; i < l.n; i++) {
        json_t *o = json_object();
        char value[SETTING_VALUE_MAX];
        plain_value(m, l.list[i].entry, value, sizeof value);
        json_object_set_new(o, "ParameterName", js_text(l.list[i].entry->name));
        json_object_set_new(o, "ParameterValue", js_text(value));
        json_object_set_new(o, "ApplyMethod",
                            js_text(l.list[i].restart ? "pending-reboot" : "immediate"));
        json_array_append_new(list, o);
    }
    put_json(list, out);
    free(l.list);
}
