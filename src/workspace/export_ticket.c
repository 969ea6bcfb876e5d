/* export_ticket.c - one page for those who approve a change: what, why, with which risk, when, in which order, and how it
 * is taken back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/tuning/grants.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/consent.h"
#include "pgd/workspace/export_parts.h"

static void what(const struct final_setting *list, int n, struct buf *out)
{
    buf_puts(out, "## What changes\n\n");
    if (n == 0)
        buf_puts(out, "Nothing.\n");
    else
        buf_puts(out, "| Setting | From | To | Takes effect | Why |\n|---|---|---|---|---|\n");
    for (int i = 0; i < n; i++) {
        const struct final_setting *f = &list[i];
        buf_puts(out, "| ");
        export_code(out, f->entry->name);
        buf_puts(out, " | ");
        export_code(out, *f->from ? f->from : "not recorded");
        buf_puts(out, " | ");
        export_code(out, f->to);
        buf_printf(out, " | %s | ",
                   f->restart              ? "at the next restart"
                   : os_is(f->entry->name) ? "at once, for the whole machine"
                                           : "at once, by reload");
        export_markdown(out, f->change ? f->change->why : "");
        buf_puts(out, " |\n");
    }
}

static void evidence(const struct session *const *sessions, int n, struct buf *out)
{
    buf_puts(out, "\n## Evidence\n\n");
    for (int i = 0; i < n; i++) {
        const struct session *s = sessions[i];
        buf_puts(out, "- ");
        export_markdown(out, s->name);
        buf_puts(out, ": ");
        export_claim(s, out);
        if (s->final.runs_a > 0)
            buf_printf(out, ", %d runs of each configuration in turn", s->final.runs_a);
        if (isfinite(s->final.p95_a) && isfinite(s->final.p95_b))
            buf_printf(out, ", p95 %.1f to %.1f ms", s->final.p95_a, s->final.p95_b);
        buf_puts(out, "\n");
    }
}

/* The statement that shows what is in force. */
static void compare(const struct final_setting *list, int n, struct buf *out)
{
    struct buf sql = {0};
    int names = 0;

    buf_puts(&sql, "SELECT name, setting, pending_restart FROM pg_settings WHERE name IN (");
    for (int i = 0; i < n; i++) {
        if (os_is(list[i].entry->name))
            continue;
        buf_puts(&sql, names++ ? ", " : "");
        quote_literal(&sql, list[i].entry->name);
    }
    buf_puts(&sql, ");");
    if (names)
        export_code(out, buf_text(&sql));
    buf_clear(&sql);
}

static void order(const struct model *m, const struct final_setting *list, int n, bool restart,
                  struct buf *out)
{
    char window[DAYTIME_TEXT_MAX];
    bool measured = false;
    double away = consent_blackout_s(m, &measured), replicas = m->server.runtime.replicas;
    int step = 1;

    buf_puts(out, "\n## Order and price\n\n");
    if (replicas > 0) {
        buf_printf(
            out,
            "%d. Apply to the %.0f standby server%s first where a value rises (max_connections, "
            "max_worker_processes and the like must never be lower there than on the primary); "
            "last where "
            "it falls.\n",
            step, replicas, replicas == 1 ? "" : "s");
        step++;
    }
    buf_printf(
        out,
        "%d. `psql -f exports/apply_tuning.sql`, or `ansible-playbook exports/apply_tuning.yml`.\n",
        step++);
    if (restart) {
        buf_printf(out, "%d. Restart the server", step++);
        if (m->opt.window.given) {
            daytime_text(&m->opt.window, window, sizeof window);
            buf_printf(out, " within %s", window);
        }
        buf_printf(out, ". It is away for about %.0f s (%s) and drops every session.\n",
                   fmax(1, away), measured ? "measured here" : "estimated");
    } else {
        buf_puts(out, "No restart: no session is dropped.\n");
    }
    buf_printf(out, "%d. Compare: ", step);
    compare(list, n, out);
    buf_puts(out, " And the latency of the application for a day.\n");
}

static void back(const struct final_setting *list, int n, bool restart, struct buf *out)
{
    struct buf sql = {0};

    buf_puts(out, "\n## Rollback\n\n`psql -f exports/undo_tuning.sql`, or `ansible-playbook "
                  "exports/apply_tuning.yml -e "
                  "pg_state=absent`:\n\n");
    for (int i = 0; i < n; i++) {
        entry_sql(&list[i].original, &sql);
        buf_puts(&sql, ";\n");
    }
    buf_puts(&sql, restart ? "SELECT pg_reload_conf();\n-- then restart the server\n"
                           : "SELECT pg_reload_conf();\n");
    export_fence(out, "sql", buf_text(&sql));
    buf_clear(&sql);
}

static void rights(const struct model *m, struct buf *out)
{
    struct buf script = {0};

    if (m->server_known && grants_script(&m->server, false, &script)) {
        buf_puts(out, "## Rights that the role lacks\n\n");
        export_fence(out, "sql", buf_text(&script));
    }
    buf_clear(&script);
}

void export_ticket(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out)
{
    struct final_setting *list = xcalloc(LEDGER_MAX, sizeof *list);
    int count = export_final(m, sessions, n, list, LEDGER_MAX);
    bool restart = false;

    for (int i = 0; i < count; i++)
        restart = restart || list[i].restart;
    buf_puts(out, "# Change: PostgreSQL settings of ");
    export_markdown(out, m->workspace.name);
    buf_puts(out, "\n\nPostgreSQL ");
    export_markdown(out, m->server.id.version[0] ? m->server.id.version : "(version not recorded)");
    buf_printf(out, ". %d setting%s, %s.\n\n", count, count == 1 ? "" : "s",
               restart ? "with one restart" : "by reload alone");
    what(list, count, out);
    evidence(sessions, n, out);
    order(m, list, count, restart, out);
    back(list, count, restart, out);
    export_advised(m, sessions, n, out);
    rights(m, out);
    free(list);
}
