/* What is looked at before a restart: base backups, prepared transactions, the archiver, standbys; then a canary boots with
 * the new settings, and postgresql.auto.conf is copied for the way back. What fails here has touched nothing. A setting
 * off the allowlist goes the same way without a restart, since a reload is enough to lock everybody out. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/discovery/place.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/bill.h"

/* Steps of PREFLIGHT, in order; each waits for one answer. */
enum { PRE_SQL, PRE_CANARY, PRE_SAVE };

static void canary(struct apply *a, struct effects *fx)
{
    const struct identity *id = &a->env.facts->id;
    const char *argv[LEDGER_MAX + RESTART_PREFIX + 8] = {NULL};
    struct buf words[LEDGER_MAX + 5] = {{0}};
    double memory = bill_memory(a->env.facts);
    int n = 0;
    buf_printf(&words[n++], "data=%s", id->data_directory);
    buf_printf(&words[n++], "config=%s", id->config_file);
    buf_printf(&words[n++], "bin=%s", id->bindir);
    if (memory > 0)
        buf_printf(&words[n++], "memory=%.0f", memory);
    if (id->over_ssh)
        buf_puts(&words[n++], "watch=1");
    for (int i = 0; i < a->n; i++, n++) {
        const struct entry *e = &a->to[i];
        if (e->present)
            buf_printf(&words[n], "set:%s=%s", e->name, e->value);
        else
            buf_printf(&words[n], "reset:%s", e->name);
    }
    int at = restart_as_owner(id, argv);
    argv[at++] = "sh";
    argv[at++] = id->over_ssh ? "-c" : "-s";
    argv[at++] = id->over_ssh ? apply_asset("restart/canary.sh") : "--";
    if (id->over_ssh)
        argv[at++] = "pg_diagnose-canary";
    for (int i = 0; i < n; i++)
        argv[at++] = buf_text(&words[i]);
    struct req req = apply_req(a);
    a->child = req.id;
    a->step = PRE_CANARY;
    struct effect *e = fx_child(fx, req, argv, CHILD_COLLECT);
    /* Over ssh its input ends with the link. */
    e->u.child.flags |= id->over_ssh ? CHILD_DIES_WITH_US : 0;
    e->u.child.stdin_text = xstrdup(id->over_ssh ? "\n" : apply_asset("restart/canary.sh"));
    e->u.child.run_as = xstrdup(id->owner);
    e->u.child.cwd = xstrdup("/");
    place_child(id, e);
    for (int i = 0; i < n; i++)
        buf_clear(&words[i]);
    apply_note(a, "canary: a scratch cluster boots with the new settings");
    apply_timer(a, APPLY_CANARY_MS, fx);
}

/* A copy is for a rescue of ours, and who restarts by hand starts by hand. */
static bool dba_restarts(const struct apply *a)
{
    return a->restart && a->env.restart_by_dba;
}

static void save(struct apply *a, struct effects *fx)
{
    struct req req = apply_req(a);
    a->step = PRE_SAVE;
    a->child = req.id;
    apply_script(&a->env.facts->id, "save", "", CHILD_COLLECT, req, fx)->changes_server = true;
}

static void preflight_next(struct apply *a, struct effects *fx)
{
    bool script = apply_script_possible(a);
    bool wanted = a->env.canary || a->unlisted;
    if (a->step == PRE_SQL && wanted && !a->env.preflight_disabled && script) {
        canary(a, fx);
    } else if (a->step < PRE_SAVE && script && !dba_restarts(a)) {
        save(a, fx);
    } else {
        apply_journal_begin(a, fx);
    }
}

void apply_preflight_begin(struct apply *a, struct effects *fx)
{
    apply_enter(a, APPLY_PREFLIGHT);
    if (!a->restart) {
        preflight_next(a, fx);
        return;
    }
    if (a->env.restart_refused) { /* the DBA's window is a guard */
        err_set(&a->fault, ERR_REFUSED, "no restart now: %.200s", a->env.restart_refused);
        err_hint(&a->fault, "Try again when it is open, or state another one with --window.");
        apply_fail(a, fx);
        return;
    }
    bool ours = a->env.way != RESTART_WAY_NONE &&
                (!restart_by_script(a->env.way) || apply_script_possible(a));
    if (!ours && !a->env.restart_by_dba) {
        err_set(&a->fault, ERR_REFUSED, "a restart is needed and no way to restart is known");
        err_hint(&a->fault, "Give one with --restart cmd:PATH, or leave these settings out.");
        apply_fail(a, fx);
        return;
    }
    struct buf sql = {0};
    apply_sql_preflight(a->now.version_num, &sql);
    apply_sql(a, buf_text(&sql), APPLY_SQL_MS, fx);
    buf_clear(&sql);
}

/* The last line that the program wrote, cleaned. */
static void last_words(const char *text, char *dst, size_t size)
{
    struct buf copy = {0};
    buf_puts(&copy, text ? text : "");
    while (copy.len > 0 && copy.data[copy.len - 1] == '\n')
        copy.data[--copy.len] = '\0';
    const char *line = copy.len ? strrchr(copy.data, '\n') : NULL;
    text_copy(dst, size, line ? line + 1 : buf_text(&copy));
    buf_clear(&copy);
}

static void canary_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    apply_timer_stop(a, fx);
    if (ev->err.code == ERR_NONE && ev->u.child.status == 0 && ev->u.child.signal == 0) {
        preflight_next(a, fx);
        return;
    }
    last_words(ev->text, a->log_line, sizeof a->log_line);
    if (ev->err.code != ERR_NONE) {
        a->fault = ev->err;
    } else if (ev->u.child.status == 1 && a->log_line[0]) {
        err_set(&a->fault, ERR_REFUSED, "the server would not start with these settings");
        err_detail(&a->fault, "The canary says: %.400s", a->log_line);
        err_hint(&a->fault, "Nothing was touched.");
    } else {
        const char *why = a->log_line[0] ? a->log_line : ev->err.detail;
        err_set(&a->fault, ERR_CHILD, "%.200s", *why ? why : "the canary did not end in time");
    }
    apply_fail(a, fx);
}

static void save_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    char state[32];
    apply_report_field(ev->text ? ev->text : "", "state", state, sizeof state);
    if (ev->err.code == ERR_NONE && strcmp(state, "saved") == 0) {
        a->saved = true;
        preflight_next(a, fx);
        return;
    }
    a->fault = ev->err;
    if (ev->err.code == ERR_NONE) {
        char note[200];
        apply_report_field(ev->text ? ev->text : "", "note", note, sizeof note);
        if (!note[0]) /* it did not come so far: sudo wants a password, say */
            text_copy(note, sizeof note, ev->err.detail);
        err_set(&a->fault, ERR_CHILD, "the copy of postgresql.auto.conf could not be made%s%s",
                note[0] ? ": " : "", note);
    }
    apply_fail(a, fx);
}

void apply_preflight_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_PG_RESULT) {
        if (!apply_answered(a, ev, "prepared", fx))
            return;
        if (!apply_read_preflight(a, ev->rows, &a->fault)) {
            apply_fail(a, fx);
            return;
        }
        preflight_next(a, fx);
    } else if (ev->kind == EV_CHILD_EXIT) {
        a->child = 0;
        if (apply_host_wait(a, ev, fx))
            return;
        if (a->step == PRE_CANARY)
            canary_answered(a, ev, fx);
        else
            save_answered(a, ev, fx);
    } else if (ev->kind == EV_TIMER && apply_host_again(a)) {
        if (a->step == PRE_CANARY)
            canary(a, fx);
        else
            save(a, fx);
    } else if (ev->kind == EV_TIMER) {
        effects_add(
            fx, FX_CHILD_KILL,
            (struct req){.owner = OWNER_APPLY, .generation = a->generation, .id = a->child});
    }
}
