/* flow_persist.c - keeping a finished session's settings of the operating system over the machine's next start, on the DBA's wish
 * alone (/persist): what would be written is said first, `/persist go` writes it, `/persist undo` takes it out again.
 *
 * Each is a switch of apply, with its own journal entries: the lines of our files are entries of the arm, "boot:NAME". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

/* PERSIST_READ: the host is asked which lines of ours it has, then comes fl.persist_then. */
enum { PERSIST_NONE, PERSIST_TELL, PERSIST_GO, PERSIST_UNDO, PERSIST_READ };

static bool ours(const struct ledger_row *row)
{
    return os_is(row->original.name) && row->current.present &&
           !entry_same(&row->original, &row->current);
}

/* What is in force, and the lines for it beside those that stand there; or no line at all. */
static int arm_of(const struct session *s, bool lines, struct arm *out)
{
    int n = 0;

    memset(out, 0, sizeof *out);
    text_copy(out->label, sizeof out->label, lines ? "persist" : "persist undo");
    for (int i = 0; i < s->ledger.n; i++) {
        const struct entry *e = &s->ledger.rows[i].current;
        if (os_is_boot(e->name))
            arm_set(out, e->name, lines && e->present, e->value);
    }
    for (int i = 0; i < s->ledger.n; i++) {
        const struct ledger_row *row = &s->ledger.rows[i];
        const struct entry *e = &row->current;
        char name[SETTING_NAME_MAX + 8];
        if (entry_same(&row->original, e) || os_is_boot(e->name))
            continue;
        arm_set(out, e->name, e->present, e->value);
        if (!lines || !ours(row))
            continue;
        snprintf(name, sizeof name, OS_BOOT_PREFIX "%s", e->name + strlen(OS_PREFIX));
        n += arm_set(out, name, true, e->value);
    }
    return n;
}

int flow_persist_open(const struct model *m)
{
    const struct ledger *l = &m->session.ledger;
    int n = 0;

    for (int i = 0; i < l->n; i++)
        n += ours(&l->rows[i]) && !os_is_boot(l->rows[i].original.name);
    return n;
}

static int kept(const struct model *m)
{
    const struct ledger *l = &m->session.ledger;
    int n = 0;

    for (int i = 0; i < l->n; i++)
        n += os_is_boot(l->rows[i].current.name) && l->rows[i].current.present;
    return n;
}

static void tell(struct model *m)
{
    struct arm *arm = xcalloc(1, sizeof *arm);
    struct buf line = {0};

    arm_of(&m->session, true, arm);
    for (int i = 0; i < arm->n; i++) {
        if (!os_is_boot(arm->entries[i].name))
            continue;
        line.len = 0;
        os_command(&arm->entries[i], &line);
        os_name_unit(&m->server.id, &line);
        model_say(m, CHAT_AI, "%s", buf_text(&line));
    }
    model_say(m, CHAT_AI,
              "/persist go writes these lines on the server's host, so that its next start sets "
              "them; /persist undo takes them out again.");
    if (kept(m) > 0)
        model_say(m, CHAT_AI, "%d line%s of ours stand%s there already", kept(m),
                  kept(m) == 1 ? "" : "s", kept(m) == 1 ? "s" : "");
    buf_clear(&line);
    free(arm);
}

static void begin(struct model *m, int step, struct effects *fx)
{
    struct arm *arm = xcalloc(1, sizeof *arm);

    arm_of(&m->session, step == PERSIST_GO, arm);
    if (m->session.journal_no < m->fl.journal_high)
        m->session.journal_no = m->fl.journal_high;
    m->fl.persist = step;
    flow_switch_only(m, arm, fx);
    m->dirty = true;
    free(arm);
}

static void carry_out(struct model *m, int what, struct effects *fx)
{
    if (what == PERSIST_UNDO && kept(m) == 0)
        model_say(m, CHAT_GOOD, "no file of ours sets anything when the server's host starts");
    else if (what != PERSIST_UNDO && flow_persist_open(m) == 0)
        model_say(
            m, CHAT_WARN, "session %s has left the operating system as it was%s", m->session.name,
            kept(m) > 0 ? "; lines of ours stand there, and /persist undo takes them out" : "");
    else if (what == PERSIST_TELL)
        tell(m);
    else
        begin(m, what, fx);
}

/* ---- what the host has ---- */

/* The lines that our files may have there. */
struct line_names {
    int n;
    char text[LEDGER_MAX][SETTING_NAME_MAX];
};

static void name_lines(const struct host_facts *h, struct line_names *names)
{
    memset(names, 0, sizeof *names);
    for (int i = 0; os_at(i) && names->n < LEDGER_MAX; i++)
        if (!strchr(os_at(i)->name, '*'))
            snprintf(names->text[names->n++], SETTING_NAME_MAX, OS_BOOT_PREFIX "%.50s",
                     os_at(i)->name);
    for (int i = 0; i < h->nos_facts && names->n < LEDGER_MAX; i++) {
        char *name = names->text[names->n];
        snprintf(name, SETTING_NAME_MAX, OS_BOOT_PREFIX "%.50s", h->os_facts[i].name);
        const struct os_row *row = os_find(name);
        names->n += row && strchr(row->name, '*');
    }
}

/* Earlier sessions have written to the same files, and their undo may have taken lines out: what stands there counts. */
static void take_lines(struct model *m, const char *text)
{
    struct line_names *names = xcalloc(1, sizeof *names);
    struct ledger *l = &m->session.ledger;

    name_lines(&m->server.host, names);
    for (int i = 0; i < names->n; i++) {
        struct entry now, none = {0};
        if (!os_answer(text, names->text[i], &now) || !os_entry_ok(&now))
            continue;
        text_copy_raw(none.name, sizeof none.name, now.name);
        if (now.present && !ledger_touch(l, &none))
            continue;
        struct ledger_row *row = ledger_find(l, now.name);
        if (row && !row->unsure)
            row->current = now;
    }
    free(names);
}

/* The session is at hand. */
static void look(struct model *m, int what, struct effects *fx)
{
    struct line_names *names = xcalloc(1, sizeof *names);
    const char *list[LEDGER_MAX];

    if (!m->server.id.reached) {
        free(names);
        model_say(m, CHAT_WARN, "/persist: the server's host cannot be reached");
        return;
    }
    name_lines(&m->server.host, names);
    for (int i = 0; i < names->n; i++)
        list[i] = names->text[i];
    m->fl.persist = PERSIST_READ;
    m->fl.persist_then = what;
    os_ask(&m->server.id, list, names->n, flow_req(m), fx);
    m->dirty = true;
    free(names);
}

bool flow_persist_event(struct model *m, const struct event *ev, struct effects *fx)
{
    int what = m->fl.persist_then;
    struct err e = ev->err;

    if (m->fl.persist != PERSIST_READ || !flow_waits(m, ev))
        return false;
    if (ev->kind != EV_CHILD_EXIT)
        return true;
    m->fl.persist = m->fl.persist_then = PERSIST_NONE;
    m->dirty = true;
    if (e.code == ERR_NONE && (ev->u.child.status != 0 || !ev->text || strstr(ev->text, "state=")))
        err_set(&e, ERR_CHILD, "the server's host does not say which lines of ours it has");
    if (e.code != ERR_NONE) {
        model_say(m, CHAT_BAD, "/persist: %s", e.msg);
    } else {
        take_lines(m, ev->text);
        carry_out(m, what, fx);
    }
    if (m->fl.quit_after && m->fl.persist == PERSIST_NONE)
        flow_quit(m, m->fl.exit_code, fx);
    return true;
}

void flow_persist_read(struct model *m, const struct err *e, struct effects *fx)
{
    int what = m->fl.persist_then;

    m->fl.persist_then = PERSIST_NONE;
    if (e->code != ERR_NONE)
        model_say(m, CHAT_BAD, "/persist: %s", e->msg);
    else
        look(m, what, fx);
}

void flow_persist(struct model *m, const char *args, struct effects *fx)
{
    int what = strcmp(args, "go") == 0     ? PERSIST_GO
               : strcmp(args, "undo") == 0 ? PERSIST_UNDO
                                           : PERSIST_TELL;

    if (m->opt.readonly || m->opt.headless || !m->workspace.open || m->workspace.readonly ||
        model_run_active(m) || flow_end_busy(m) || flow_handover_busy(m) ||
        (m->flow != FLOW_SUMMARY && m->flow != FLOW_WATCH)) {
        model_say(m, CHAT_WARN, "/persist is possible when a session has ended");
        return;
    }
    if (m->session.state == SESSION_ARCHIVED) {
        look(m, what, fx);
        return;
    }
    m->fl.persist_then = what;
    if (flow_handover_archived(m, fx))
        return;
    m->fl.persist_then = PERSIST_NONE;
    model_say(m, CHAT_WARN, "no session of this workspace has settings to keep");
}

bool flow_persist_busy(const struct model *m)
{
    return m->fl.persist != PERSIST_NONE;
}

bool flow_persist_pump(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;
    int step = m->fl.persist;

    if (step == PERSIST_NONE || step == PERSIST_READ || !apply_finished(a))
        return false;
    m->fl.persist = PERSIST_NONE;
    m->fl.journal_high = m->session.journal_no;
    m->dirty = true;
    if (a->state == APPLY_STUCK)
        (void)dialogs_come(m, DIALOG_STUCK);
    if (a->state != APPLY_DONE)
        model_say(m, CHAT_BAD, "/persist: %s", a->err.msg);
    else if (step == PERSIST_GO)
        model_say(m, CHAT_GOOD,
                  "%d setting%s of the operating system will be set when the server's "
                  "host starts; /persist undo takes that back",
                  kept(m), kept(m) == 1 ? "" : "s");
    else
        model_say(m, CHAT_GOOD, "nothing of ours is set any more when the server's host starts");
    if (m->fl.quit_after)
        flow_quit(m, m->fl.exit_code, fx);
    return true;
}
