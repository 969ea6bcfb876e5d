/* The part of a switch that the operating system has: assets/remote/os.sh reads the settings beside postgresql.auto.conf, sets
 * all or none of them after ALTER SYSTEM and before the reload or restart, and reads them back at the end. The undo puts
 * them back first, since it needs no server for that; where ssh is away it goes on with the server and comes back to them. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/discovery/place.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/os.h"

/* What is asked of the script. */
enum { OS_READ, OS_SET, OS_RESTORE, OS_VERIFY };
enum { OS_MS = 30 * 1000 };

static bool goal_names(const struct apply *a)
{
    for (int i = 0; i < a->goal.n; i++)
        if (os_is(a->goal.entries[i].name))
            return true;
    return false;
}

bool apply_os_any(const struct apply *a)
{
    bool any = goal_names(a);
    for (int i = 0; i < a->env.ledger->n; i++) {
        const struct ledger_row *row = &a->env.ledger->rows[i];
        any |= os_is(row->original.name) && !ledger_row_clean(row);
    }
    return any && !apply_is_manual(a);
}

bool apply_os_restarts(const struct apply *a)
{
    for (int i = 0; i < a->os.n; i++) {
        const struct os_row *row = os_find(a->os.to[i].name);
        if (row && row->restart && !os_is_boot(a->os.to[i].name) &&
            !entry_same(&a->os.before[i], &a->os.to[i]))
            return true;
    }
    return false;
}

/* -- the script ---------------------------------------------------------------------------------------- */

struct words {
    const char *list[2 * LEDGER_MAX + 8];
    int n;
    char unit[128], machine[48];
};

static void word(struct words *w, const char *s)
{
    w->list[w->n++] = s;
}

static void name_all(struct words *w, const struct apply *a)
{
    for (int i = 0; i < a->goal.n; i++)
        if (os_is(a->goal.entries[i].name))
            word(w, a->goal.entries[i].name);
    for (int i = 0; i < a->env.ledger->n; i++)
        if (os_is(a->env.ledger->rows[i].original.name))
            word(w, a->env.ledger->rows[i].original.name);
}

/* In the order of the table when they are set, and the other way round when they are put back. */
static void name_values(struct words *w, const struct apply *a, bool back)
{
    for (int i = 0; i < a->os.n; i++) {
        int at = back ? a->os.n - 1 - i : i;
        const struct entry *e = a->undoing ? &a->os.before[at] : &a->os.to[at];
        word(w, e->name);
        word(w, e->present ? e->value : "-");
    }
}

static void begin(struct words *w, const struct identity *id, const char *mode)
{
    os_unit(id, w->unit, sizeof w->unit);
    word(w, "sh");
    word(w, "-s");
    word(w, "--");
    word(w, mode);
    word(w, w->unit);
    if (id->over_ssh && id->machine[0]) {
        snprintf(w->machine, sizeof w->machine, "machine=%s", id->machine);
        word(w, w->machine);
    }
}

static struct effect *script(const struct identity *id, const struct words *w, struct req req,
                             struct effects *fx)
{
    struct effect *e = fx_child(fx, req, w->list, CHILD_COLLECT);
    e->u.child.stdin_text = xstrdup(apply_asset("remote/os.sh"));
    e->u.child.cwd = xstrdup("/");
    place_child(id, e);
    return e;
}

void os_ask(const struct identity *id, const char *const *names, int n, struct req req,
            struct effects *fx)
{
    struct words w = {0};
    begin(&w, id, "read");
    for (int i = 0; i < n && i < LEDGER_MAX; i++)
        word(&w, names[i]);
    script(id, &w, req, fx);
}

static void run(struct apply *a, int step, struct effects *fx)
{
    static const char *const modes[] = {
        [OS_READ] = "read", [OS_SET] = "set", [OS_RESTORE] = "restore", [OS_VERIFY] = "read"};
    const struct identity *id = &a->env.facts->id;
    struct words w = {0};
    begin(&w, id, modes[step]);
    if (step == OS_READ)
        name_all(&w, a);
    else if (step == OS_VERIFY)
        for (int i = 0; i < a->os.n; i++)
            word(&w, a->os.to[i].name);
    else
        name_values(&w, a, step == OS_RESTORE);
    struct req req = apply_req(a);
    struct effect *e = script(id, &w, req, fx);
    if (step == OS_SET || step == OS_RESTORE) {
        e->changes_server = true;
        e->after_journal = a->intent_no;
    }
    a->os.step = step;
    a->waiting = 0;
    a->child = req.id;
    apply_timer(a, OS_MS, fx);
}

/* The end of the script. False: there is none yet, it is run again, or it is being stopped. */
static bool ended(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_TIMER && apply_host_again(a)) {
        run(a, a->os.step, fx);
        return false;
    }
    if (ev->kind == EV_TIMER) {
        effects_add(
            fx, FX_CHILD_KILL,
            (struct req){.owner = OWNER_APPLY, .generation = a->generation, .id = a->child});
        return false;
    }
    if (ev->kind != EV_CHILD_EXIT)
        return false;
    apply_timer_stop(a, fx);
    /* An undo has the server to see to meanwhile. */
    bool later = a->os.step == OS_RESTORE && !a->os.last;
    if (!(later && apply_host_lost(a, ev)) && apply_host_wait(a, ev, fx))
        return false;
    a->child = 0;
    memset(&a->fault, 0, sizeof a->fault);
    if (ev->err.code != ERR_NONE)
        a->fault = ev->err;
    else if (ev->u.child.status != 0 || ev->u.child.signal != 0)
        err_set(&a->fault, ERR_CHILD, "the settings of the operating system were not %s in %d s",
                a->os.step == OS_READ || a->os.step == OS_VERIFY ? "read" : "set", OS_MS / 1000);
    return true;
}

static void value_of(const char *text, const char *name, struct entry *out)
{
    memset(out, 0, sizeof *out);
    text_copy_raw(out->name, sizeof out->name, name);
    apply_report_field(text, name, out->value, sizeof out->value);
    out->present = out->value[0] && strcmp(out->value, "-") != 0;
    if (!out->present)
        out->value[0] = '\0';
}

static bool has_line(const char *text, const char *name)
{
    char value[SETTING_VALUE_MAX];
    apply_report_field(text, name, value, sizeof value);
    return value[0] != '\0';
}

bool os_answer(const char *text, const char *name, struct entry *out)
{
    value_of(text, name, out);
    return has_line(text, name);
}

static void refused(const char *text, struct err *e)
{
    char name[SETTING_NAME_MAX], why[240];
    apply_report_field(text, "name", name, sizeof name);
    apply_report_field(text, "why", why, sizeof why);
    err_set(e, ERR_REFUSED, "%.60s was not set: %.160s",
            name[0] ? name : "a setting of the operating system", why[0] ? why : "no reason given");
}

/* -- the plan ------------------------------------------------------------------------------------------ */

/* A machine that was started anew has what it starts with. */
static bool as_we_left_it(const struct ledger_row *row, const struct entry *now)
{
    return entry_same(now, &row->current) || (row->unsure && entry_same(now, &row->pending)) ||
           (!os_is_boot(now->name) && entry_same(now, &row->original));
}

static bool plan_one(struct apply *a, const char *text, const char *name, struct err *e)
{
    const struct ledger_row *row = ledger_find(a->env.ledger, name);
    struct entry want = ledger_goal(a->env.ledger, &a->goal, name), now;
    const char *key = strchr(name, ':') + 1;
    value_of(text, name, &now);
    if (!has_line(text, name)) {
        err_set(e, ERR_REFUSED, "the server's host has no setting %s", key);
        return err_hint(e, "Nothing was touched.");
    }
    if (row && !as_we_left_it(row, &now)) {
        if (!arm_find(&a->goal, name) && ledger_row_clean(row))
            return true;
        err_set(e, ERR_BUSY, "%s was changed by somebody else", key);
        err_detail(e, "The server's host has %.80s, not %.80s.", now.present ? now.value : "none",
                   row->current.present ? row->current.value : "none");
        return err_hint(e,
                        "It was left alone. Decide which value is right, set it, and start again.");
    }
    if (entry_same(&now, &want) && !(row && row->unsure))
        return true;
    if (a->os.n == APPLY_OS_MAX)
        return err_set(e, ERR_REFUSED,
                       "more than %d settings of the operating system in one "
                       "switch",
                       (int)APPLY_OS_MAX);
    a->os.before[a->os.n] = now;
    a->os.to[a->os.n++] = want;
    return true;
}

/* In the order of the table: what has to stand before something else does. */
static void sort(struct apply *a)
{
    for (int i = 1; i < a->os.n; i++)
        for (int j = i; j > 0 && os_find(a->os.to[j].name) < os_find(a->os.to[j - 1].name); j--) {
            struct entry before = a->os.before[j], to = a->os.to[j];
            a->os.before[j] = a->os.before[j - 1];
            a->os.to[j] = a->os.to[j - 1];
            a->os.before[j - 1] = before;
            a->os.to[j - 1] = to;
        }
}

static bool plan(struct apply *a, const char *text, struct err *e)
{
    a->os.n = 0;
    for (int i = 0; i < a->goal.n; i++)
        if (os_is(a->goal.entries[i].name) && !plan_one(a, text, a->goal.entries[i].name, e))
            return false;
    for (int i = 0; i < a->env.ledger->n; i++) {
        const char *name = a->env.ledger->rows[i].original.name;
        if (os_is(name) && !arm_find(&a->goal, name) && !plan_one(a, text, name, e))
            return false;
    }
    sort(a);
    /* Nothing that can be asked for would tell that the DBA has made the restart. */
    if (apply_os_restarts(a) && a->env.restart_by_dba && !a->restart)
        return err_set(e, ERR_REFUSED,
                       "a setting of the operating system takes a restart of the server, which is "
                       "left to you");
    a->restart |= apply_os_restarts(a);
    return true;
}

/* Their host is out of reach. Where all of them only go back, the server's own settings need not wait for that: those are
 * put back by SQL, and these are left to the DBA, unsure as the journal says. A restart would need the host, too. */
static bool leave_away(struct apply *a)
{
    const struct ledger *l = a->env.ledger;
    if (a->n == 0 || a->restart)
        return false;
    for (int i = 0; i < a->goal.n; i++) {
        const struct ledger_row *row = ledger_find(a->env.ledger, a->goal.entries[i].name);
        if (os_is(a->goal.entries[i].name) &&
            (!row || !entry_same(&row->original, &a->goal.entries[i])))
            return false;
    }
    a->os.n = 0;
    for (int i = 0; i < l->n && a->os.n < APPLY_OS_MAX; i++) {
        const struct ledger_row *row = &l->rows[i];
        if (!os_is(row->original.name) || ledger_row_clean(row))
            continue;
        a->os.before[a->os.n] = row->current;
        a->os.to[a->os.n++] = row->original;
    }
    sort(a);
    a->os.away = true;
    memset(&a->fault, 0, sizeof a->fault);
    return true;
}

bool apply_os_read(struct apply *a, struct effects *fx)
{
    if (!a->env.facts->id.reached && leave_away(a))
        return true;
    if (!a->env.facts->id.reached) {
        err_set(&a->fault, ERR_REFUSED,
                "the server's host cannot be reached, and settings of its "
                "system are part of this");
        err_hint(&a->fault, "Start where it can be: on that host, or with --ssh-host.");
        apply_fail(a, fx);
        return false;
    }
    apply_note(a, "reading the settings of the operating system");
    run(a, OS_READ, fx);
    return false;
}

bool apply_os_read_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (!ended(a, ev, fx))
        return false;
    char state[16];
    apply_report_field(ev->text ? ev->text : "", "state", state, sizeof state);
    if (a->fault.code == ERR_NONE && strcmp(state, "refused") == 0)
        refused(ev->text, &a->fault);
    if (a->fault.code == ERR_NONE && plan(a, ev->text ? ev->text : "", &a->fault))
        return true;
    if (apply_host_lost(a, ev) && leave_away(a))
        return true;
    apply_fail(a, fx);
    return false;
}

bool apply_os_may_send(const struct apply *a, struct err *e)
{
    for (int i = 0; i < a->os.n; i++) {
        const struct ledger_row *row = ledger_find(a->env.ledger, a->os.to[i].name);
        bool restores = row && entry_same(&a->os.to[i], &row->original);
        if (!restores && !os_send(&a->os.to[i], e))
            return false;
    }
    return true;
}

/* -- set, put back, read back ----------------------------------------------------------------------------- */

void apply_os_set(struct apply *a, struct effects *fx)
{
    bool back = true;
    for (int i = 0; i < a->os.n; i++) {
        const struct ledger_row *row = ledger_find(a->env.ledger, a->os.to[i].name);
        back &= row && entry_same(&a->os.to[i], &row->original);
    }
    apply_enter(a, APPLY_OS);
    apply_note(a, "setting %d of the operating system's settings", a->os.n);
    a->os.sent = true;
    a->os.verified = false;
    /* What stood there before us goes back without a look at what it might do. */
    run(a, back ? OS_RESTORE : OS_SET, fx);
}

bool apply_os_undo(struct apply *a, struct effects *fx)
{
    if (!a->os.sent || a->os.undone || (a->os.tried && !a->os.last))
        return false;
    a->os.tried = true;
    a->os.verified = false;
    apply_enter(a, APPLY_OS);
    apply_note(a, "putting the operating system's settings back");
    run(a, OS_RESTORE, fx);
    return true;
}

bool apply_os_verify(struct apply *a, struct effects *fx)
{
    if (a->undoing && a->os.sent && !a->os.undone) {
        apply_verify_close(a, fx);
        a->os.last = true;
        return apply_os_undo(a, fx);
    }
    if (!a->os.sent || a->os.verified)
        return false;
    apply_verify_close(a, fx);
    apply_enter(a, APPLY_OS);
    apply_note(a, "reading the operating system's settings back");
    run(a, OS_VERIFY, fx);
    return true;
}

/* Does the machine have what it should? */
static bool in_force(struct apply *a, const char *text, struct err *e)
{
    for (int i = 0; i < a->os.n; i++) {
        const struct entry *want = a->undoing ? &a->os.before[i] : &a->os.to[i];
        struct entry now;
        value_of(text, want->name, &now);
        if (entry_same(&now, want)) {
            if (now.present)
                os_now(a->env.facts, now.name, now.value);
            continue;
        }
        return err_set(e, ERR_VERIFY, "%s is %.80s, not %.80s", want->name,
                       now.present ? now.value : "not set", want->present ? want->value : "none");
    }
    return true;
}

static void put_back(struct apply *a, const char *state, const char *text, struct effects *fx)
{
    bool done = a->fault.code == ERR_NONE && strcmp(state, "ok") == 0;
    if (a->fault.code == ERR_NONE && !done)
        refused(text, &a->fault);
    if (!done)
        log_line(LOG_WARN, "apply \"%s\": %s", a->goal.label, a->fault.msg);
    a->os.undone = done;
    a->os.unsound = !done && a->os.last;
    if (a->os.unsound)
        apply_stuck(a, fx);
    else if (a->os.last)
        apply_verified(a, fx);
    else
        apply_undo_begin(a, fx);
}

static void not_in_force(struct apply *a, struct effects *fx)
{
    a->os.unsound = a->undoing; /* the server has been put back by then */
    apply_fail(a, fx);
}

void apply_os_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    char state[16];
    const char *text = ev->text ? ev->text : "";
    if (!ended(a, ev, fx))
        return;
    apply_report_field(text, "state", state, sizeof state);
    if (a->os.step == OS_VERIFY) {
        a->os.verified = a->fault.code == ERR_NONE && in_force(a, text, &a->fault);
        if (a->os.verified)
            apply_verified(a, fx);
        else
            not_in_force(a, fx);
        return;
    }
    if (a->undoing) {
        put_back(a, state, text, fx);
        return;
    }
    if (a->fault.code == ERR_NONE && strcmp(state, "ok") == 0) {
        apply_os_done(a, fx);
        return;
    }
    if (a->fault.code == ERR_NONE)
        refused(text, &a->fault);
    apply_fail(a, fx); /* the script has put all back itself; the undo looks whether it has */
}

void apply_os_by_hand(const struct apply *a, struct buf *out)
{
    bool back = a->os.sent && !(a->os.undone && a->os.verified);
    for (int i = a->os.n - 1; (back || a->os.away) && i >= 0; i--) {
        entry_sql(a->os.away ? &a->os.to[i] : &a->os.before[i], out);
        buf_putc(out, '\n');
    }
    os_name_unit(&a->env.facts->id, out);
}
