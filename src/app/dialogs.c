/* dialogs.c - the keys of each dialog, one function a kind. What a dialog decides goes to flow_decide();
 * nothing is changed on the server from here. */
#include "pgd/app/dialogs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/advised.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/dialogs_parts.h"
#include "pgd/app/finder.h"
#include "pgd/app/flow.h"
#include "pgd/app/health.h"
#include "pgd/app/hosts.h"
#include "pgd/app/keys.h"
#include "pgd/app/links.h"
#include "pgd/app/pause_keys.h"
#include "pgd/app/sessions.h"
#include "pgd/app/start.h"
#include "pgd/app/tree_keys.h"
#include "pgd/app/view_text.h"
#include "pgd/app/views.h"
#include "pgd/app/views_end.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/ui/view.h"

void dialogs_open(struct model *m, enum dialog_kind kind)
{
    struct dialog *d = &m->screen.dialog;
    enum dialog_kind under = d->kind == kind ? d->under : d->kind;

    if (d->secret)
        secret_release(d->secret);
    d->secret = 0;
    d->secret_len = 0;
    if (d->kind != kind)
        m->screen.below = *d;
    memset(d, 0, sizeof *d);
    d->kind = kind;
    d->under = under;
    m->dirty = true;
}

void dialogs_close(struct model *m)
{
    struct dialog *d = &m->screen.dialog;
    enum dialog_kind under = d->under;

    if (d->secret)
        secret_release(d->secret);
    memset(d, 0, sizeof *d);
    d->kind = under;
    if (under != DIALOG_NONE && m->screen.below.kind == under) {
        *d = m->screen.below;
        d->editing = false;
    }
    m->screen.below.kind = DIALOG_NONE;
    m->dirty = true;
}

void dialogs_reopen(struct model *m, struct effects *fx)
{
    if (dialogs_come_now(m))
        return;
    if (m->fl.decision == DECIDE_STRATEGY && flow_sight_renew(m, fx))
        return; /* it comes with figures of now */
    if (m->fl.decision != DECIDE_NOTHING)
        m->screen.dialog = (struct dialog){.kind = dialog_of_decision(m->fl.decision)};
    else if (m->flow == FLOW_STUCK)
        m->screen.dialog = (struct dialog){.kind = DIALOG_STUCK};
    else if (m->links[CONN_CONTROL].state == LINK_PASSWORD)
        m->screen.dialog = (struct dialog){.kind = DIALOG_PASSWORD};
    else if (model_run_active(m))
        model_say(m, CHAT_EVENT, "the session is running: there is nothing to decide now");
    else
        flow_tune(m, fx);
}

/* ---- scrolling the text of a dialog ---- */

enum { SCROLL_MOST = 1000000 };

/* Lines that a key scrolls by; 0 = it does not. Where a cursor moves over rows the arrows are its own. */
static int scroll_step(const struct dialog *d, struct key k)
{
    bool letters = d->kind != DIALOG_SUMMARY && d->kind != DIALOG_PAUSE; /* there k keeps */

    switch (d->kind) {
    case DIALOG_MODEL:
    case DIALOG_START:
    case DIALOG_PASSWORD:
    case DIALOG_HOST_WORD:
    case DIALOG_SCRIPTS:
    case DIALOG_SESSIONS:
    case DIALOG_HEALTH:
    case DIALOG_ADVICE:
    case DIALOG_COMMANDS:
    case DIALOG_THEME:
    case DIALOG_VIEWS:
        return 0;
    case DIALOG_STRATEGY:
    case DIALOG_PLAN:
    case DIALOG_REVIEW:
        break;
    default:
        if (k.name == KEYN_UP || (letters && key_is(k, 'k')))
            return -1;
        if (k.name == KEYN_DOWN || (letters && key_is(k, 'j')))
            return 1;
        if (k.name == KEYN_HOME || k.name == KEYN_END)
            return k.name == KEYN_HOME ? -SCROLL_MOST : SCROLL_MOST;
    }
    return k.name == KEYN_PGUP ? -10 : k.name == KEYN_PGDN ? 10 : 0;
}

/* Never beyond the end: the first key back is seen at once. */
static bool scroll_text(struct model *m, struct key k)
{
    struct dialog *d = &m->screen.dialog;
    int by = scroll_step(d, k), was = d->scroll, most;

    if (by == 0 || d->editing)
        return false;
    d->scroll = SCROLL_MOST;
    most = view_dialog_scroll(m, keys_tables());
    was = (was < most ? was : most) + by;
    d->scroll = was < 0 ? 0 : was < most ? was : most;
    return true;
}

/* ---- editing a value inside a dialog ---- */

static struct editor input_editor(struct dialog *d)
{
    return (struct editor){.text = d->input,
                           .size = (int)sizeof d->input,
                           .len = &d->input_len,
                           .at = &d->input_at,
                           .is_area = d->kind == DIALOG_SCRIPTS};
}

void dialogs_edit_begin(struct dialog *d, const char *text)
{
    struct editor ed;

    d->editing = true;
    d->error[0] = 0;
    ed = input_editor(d);
    editor_set(&ed, text);
}

int dialogs_edit_key(struct dialog *d, struct key k)
{
    struct editor ed = input_editor(d);

    switch (editor_key(&ed, k)) {
    case EDITOR_SUBMIT:
        return 1;
    case EDITOR_CANCEL:
        d->editing = false;
        d->error[0] = 0;
        return -1;
    default:
        return 0;
    }
}

bool dialogs_typed_number(struct dialog *d, double lo, double hi, double *out)
{
    if (text_double(d->input, out) && *out >= lo && *out <= hi) {
        d->editing = false;
        d->error[0] = 0;
        return true;
    }
    snprintf(d->error, sizeof d->error, "a number from %g to %g, please", lo, hi);
    return false;
}

/* ---- one function a dialog; false = not its key ---- */

/* Esc over a question of the loop: it stays open, and the key line says so for as long as it does. */
static void put_off(struct model *m)
{
    if (m->fl.decision != DECIDE_NOTHING)
        model_say(m, CHAT_EVENT, "%s waits: t opens it", dialog_subject(m->screen.dialog.kind));
    dialogs_close(m);
}

static void copy_page(struct model *m, struct effects *fx)
{
    struct buf out = {0};

    for (const char *p = buf_text(&m->page.text); *p;) {
        size_t n = strcspn(p, "\n");
        if (strncmp(p, "$ ", 2) == 0)
            buf_printf(&out, "%s%.*s", out.len ? "\n" : "", (int)n - 2, p + 2);
        p += n + (p[n] == '\n');
    }
    if (!out.len)
        buf_puts(&out, buf_text(&m->page.text));
    view_copy(m, buf_text(&out), false, fx);
    buf_clear(&out);
}

static bool key_text_dialog(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    if (d->kind == DIALOG_PAGE && key_is(k, 'y')) {
        copy_page(m, fx);
        return true;
    }
    if (k.name == KEYN_ESC || key_is(k, 'q') || k.name == KEYN_ENTER ||
        (d->kind == DIALOG_HELP && keys_command(m, k) == KC_HELP)) {
        dialogs_close(m);
        return true;
    }
    return !key_is(k, '?');
}

/* '/' begins a search: what is typed filters at once, Enter keeps the filter, Esc takes it away. */
static bool key_help(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    if (d->editing) {
        if (dialogs_edit_key(d, k) == 1)
            d->editing = false;
        else if (!d->editing) /* dropped */
            d->input_len = d->input[0] = 0;
        d->scroll = 0;
        return true;
    }
    if (key_is(k, '/')) {
        dialogs_edit_begin(d, "");
        return true;
    }
    if (k.name == KEYN_ESC && d->input_len > 0) {
        d->input_len = d->input[0] = 0;
        return true;
    }
    return key_text_dialog(m, k, fx);
}

static bool key_strategy(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    int pick = -1;

    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
        flow_decide(m, DECIDE_STRATEGY, -1, fx);
        return true;
    }
    if (k.name == KEYN_ENTER)
        pick = d->cursor;
    if (k.name == KEYN_NONE && k.rune >= '1' && k.rune < '1' + (uint32_t)m->sight.nstrategies)
        pick = (int)(k.rune - '1');
    (void)list_move(&d->cursor, k, m->sight.nstrategies);
    if (pick >= 0)
        flow_decide(m, DECIDE_STRATEGY, pick, fx);
    return pick >= 0 || !key_is(k, '?');
}

static bool key_target(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    char text[32];
    double v;

    if (d->editing) {
        if (dialogs_edit_key(d, k) == 1 && dialogs_typed_number(d, 0.001, 1e9, &v))
            m->session.plan.target_tps = m->session.target.tps = v;
    } else if (k.name == KEYN_ENTER || key_is(k, 'g')) {
        flow_decide(m, DECIDE_TARGET, 1, fx);
    } else if (key_is(k, 'e')) {
        snprintf(text, sizeof text, "%.0f", m->session.target.tps);
        dialogs_edit_begin(d, text);
    } else if (k.name == KEYN_ESC) {
        put_off(m);
    } else {
        return !key_is(k, '?');
    }
    return true;
}

/* What the DBA types himself may be what is his alone to decide. */
static struct guard_policy policy_of(struct model *m)
{
    struct guard_policy g = flow_policy(m);

    g.by_dba = true;
    return g;
}

static void end_review_edit(struct model *m, struct dialog *d)
{
    struct review *r = &m->session.round.review;
    struct review_line *line = &r->lines[r->cursor];
    struct review_line copy = *line;
    struct guard_policy g = policy_of(m);

    text_copy_raw(copy.change.value, sizeof copy.change.value, d->input);
    copy.change.reset = false;
    copy.edited = true;
    guard_line(&copy, &m->server, &g);
    if (copy.refusal != REFUSE_NONE) {
        text_copy(d->error, sizeof d->error, copy.reason);
        return;
    }
    copy.answer = copy.restart ? ANSWER_NONE : ANSWER_ACCEPT;
    *line = copy;
    d->editing = false;
    d->error[0] = 0;
}

static void answer_line(struct model *m, enum answer a)
{
    struct review *r = &m->session.round.review;

    if (r->n == 0 || r->lines[r->cursor].refusal != REFUSE_NONE)
        return;
    r->lines[r->cursor].answer = a;
    if (r->cursor < r->n - 1) {
        r->cursor++;
        m->screen.dialog.scroll = 0;
    }
}

/* The cursor goes to the first line that still waits for its answer. */
static void to_unanswered(struct review *r)
{
    for (int i = 0; i < r->n; i++) {
        if (r->lines[i].answer != ANSWER_NONE || r->lines[i].refusal != REFUSE_NONE)
            continue;
        r->cursor = i;
        return;
    }
}

static bool key_review(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct review *r = &m->session.round.review;
    struct guard_policy g = policy_of(m);

    if (d->editing) {
        if (dialogs_edit_key(d, k) == 1)
            end_review_edit(m, d);
        guard_bill(r, &m->server, &g);
        return true;
    }
    if (k.name == KEYN_ESC) {
        put_off(m);
    } else if (key_is(k, 'a')) {
        answer_line(m, ANSWER_ACCEPT);
    } else if (key_is(k, 'r')) {
        answer_line(m, ANSWER_REJECT);
    } else if (key_is(k, 'A')) {
        review_accept_safe(r, false);
    } else if (key_is(k, 'R')) {
        for (int i = 0; i < r->n; i++)
            r->lines[i].answer = ANSWER_REJECT;
    } else if (key_is(k, 'e') && r->n > 0 && r->lines[r->cursor].refusal == REFUSE_NONE) {
        dialogs_edit_begin(d, r->lines[r->cursor].change.value);
    } else if (key_is(k, 'g')) {
        if (review_complete(r)) {
            flow_decide(m, DECIDE_REVIEW, 1, fx);
        } else {
            text_copy(d->error, sizeof d->error, "every line needs an answer first: a or r");
            to_unanswered(r);
            d->scroll = 0;
        }
        return true;
    } else {
        d->cursor = r->cursor;
        (void)list_move(&d->cursor, k, r->n);
        if (d->cursor != r->cursor)
            d->scroll = 0;
        r->cursor = d->cursor;
        return !key_is(k, '?');
    }
    d->error[0] = 0;
    guard_bill(r, &m->server, &g);
    return true;
}

static bool key_verdict(struct model *m, struct key k, struct effects *fx)
{
    bool ends = key_is(k, 's') || key_is(k, 'S');

    if (ends)
        m->fl.now.stop_and_keep = true;
    if (key_is(k, 'S'))
        m->fl.now.keep_now = true;
    if (key_is(k, 'u'))
        flow_undo_round(m, fx);
    else if (key_is(k, 'v') && m->session.round.veto[0])
        flow_lift_veto(m, fx);
    else if (k.name == KEYN_ENTER || ends)
        flow_decide(m, DECIDE_VERDICT, 1, fx);
    else if (k.name == KEYN_ESC)
        put_off(m);
    else
        return !key_is(k, '?');
    return true;
}

static bool key_summary(struct model *m, struct key k, struct effects *fx)
{
    if (m->fl.decision == DECIDE_KEEP && (key_is(k, 'k') || key_is(k, 'r'))) {
        dialogs_close(m);
        flow_decide(m, DECIDE_KEEP, key_is(k, 'k') ? 1 : 0, fx);
    } else if (m->fl.decision == DECIDE_KEEP) {
        if (k.name == KEYN_ESC)
            put_off(m);
        return !key_is(k, '?');
    } else if (k.name == KEYN_ESC || k.name == KEYN_ENTER) {
        dialogs_close(m);
    } else if (key_is(k, 't') || key_is(k, 'q')) {
        dialogs_close(m);
        if (key_is(k, 't'))
            flow_tune(m, fx);
        else
            flow_stop(m, true, 0, fx);
    } else {
        return !key_is(k, '?');
    }
    return true;
}

static bool key_recover(struct model *m, struct key k, struct effects *fx)
{
    if ((key_is(k, 'r') || k.name == KEYN_ENTER) && !m->fl.now.undo_only)
        flow_decide(m, DECIDE_RECOVER, 1, fx);
    else if (key_is(k, 'u'))
        flow_decide(m, DECIDE_RECOVER, 0, fx);
    else if (k.name == KEYN_ESC)
        put_off(m);
    else
        return !key_is(k, '?');
    return true;
}

static void retype(struct dialog *d, const char *add, size_t n, bool drop_last)
{
    char text[512];
    size_t len = (size_t)d->secret_len;

    text_copy_raw(text, sizeof text, secret_get(d->secret));
    if (drop_last && len > 0)
        len--;
    while (drop_last && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    if (!drop_last && len + n < sizeof text) {
        memcpy(text + len, add, n);
        len += n;
    }
    if (d->secret)
        secret_release(d->secret);
    d->secret = secret_put(text, len);
    d->secret_len = (int)len;
    explicit_bzero(text, sizeof text);
}

static bool key_password(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    char bytes[4];

    if (k.name == KEYN_ESC) {
        dialogs_close(m);
    } else if (k.name == KEYN_ENTER) {
        secret_id typed = d->secret;
        d->secret = 0;
        dialogs_close(m);
        links_password(m, typed, fx);
    } else if (k.name == KEYN_BACKSPACE) {
        retype(d, "", 0, true);
    } else if (k.name == KEYN_NONE) {
        retype(d, bytes, text_encode(k.rune, bytes), false);
    }
    return true;
}

static bool key_quit(struct model *m, struct key k, struct effects *fx)
{
    bool back = key_is(k, 'b') && dialog_can_go_back(m);

    if (key_is(k, 'y') || k.name == KEYN_ENTER || back) {
        dialogs_close(m);
        m->fl.now.pause_back = back;
        flow_stop(m, true, 0, fx);
    } else if (key_is(k, 'n') || k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
    }
    return true;
}

static bool key_manual(struct model *m, struct key k, struct effects *fx)
{
    if (k.name == KEYN_ENTER) {
        flow_decide(m, DECIDE_MANUAL, 1, fx);
    } else if (key_is(k, 'r')) {
        flow_decide(m, DECIDE_MANUAL, 0, fx);
    } else if (k.name == KEYN_ESC) {
        put_off(m);
    } else {
        return !key_is(k, '?');
    }
    return true;
}

/* Whole, or as limits alone. It is kept with the workspace at its next save. */
static void trust_wishes(struct model *m, bool yes)
{
    struct advising *a = &m->advising;

    a->wishes_untrusted = false;
    if (yes) {
        m->wishes = a->found;
        text_copy_raw(a->trusted_hash, sizeof a->trusted_hash, a->wishes_hash);
    }
    model_say(m, CHAT_EVENT,
              yes ? "PGDIAG.md is told to the advisor"
                  : "of PGDIAG.md only the settings count that are not to be touched");
}

/* y or n; anything else scrolls. */
static bool key_notice(struct model *m, struct key k, struct effects *fx)
{
    if (key_is(k, 'y') || key_is(k, 'n') || k.name == KEYN_ESC) {
        bool trust = m->screen.dialog.kind == DIALOG_TRUST;
        dialogs_close(m);
        if (trust)
            trust_wishes(m, key_is(k, 'y'));
        else
            advise_agree(m, key_is(k, 'y'), fx);
        return true;
    }
    if (k.name != KEYN_ENTER && !key_is(k, 'q'))
        (void)key_text_dialog(m, k, fx);
    return true;
}

static bool key_model(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    char name[MODEL_NAME_MAX];

    if (d->editing) {
        if (dialogs_edit_key(d, k) != 1)
            return true;
        text_copy(name, sizeof name, d->input);
    } else if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
        return true;
    } else if (key_is(k, 'e')) {
        dialogs_edit_begin(d, m->partner.endpoint.model);
        return true;
    } else if (k.name == KEYN_ENTER && d->cursor < m->partner.nmodels) {
        text_copy(name, sizeof name, m->partner.models[d->cursor]);
    } else {
        (void)list_move(&d->cursor, k, m->partner.nmodels);
        return !key_is(k, '?');
    }
    if (!name[0]) {
        text_copy(d->error, sizeof d->error, "a name, please");
        return true;
    }
    dialogs_close(m);
    advise_use(m, name, fx);
    return true;
}

typedef bool (*dialog_key_fn)(struct model *m, struct key k, struct effects *fx);

static const dialog_key_fn key_functions[] = {
    [DIALOG_HELP] = key_help,
    [DIALOG_STRATEGY] = key_strategy,
    [DIALOG_PLAN] = dialogs_key_plan,
    [DIALOG_TARGET] = key_target,
    [DIALOG_REVIEW] = key_review,
    [DIALOG_VERDICT] = key_verdict,
    [DIALOG_SUMMARY] = key_summary,
    [DIALOG_RECOVER] = key_recover,
    [DIALOG_PASSWORD] = key_password,
    [DIALOG_STATUS] = key_text_dialog,
    [DIALOG_STUCK] = key_text_dialog,
    [DIALOG_ERROR] = key_text_dialog,
    [DIALOG_QUIT] = key_quit,
    [DIALOG_START] = start_screen_key,
    [DIALOG_SCRIPTS] = dialogs_key_scripts,
    [DIALOG_MANUAL] = key_manual,
    [DIALOG_NOTICE] = key_notice,
    [DIALOG_MODEL] = key_model,
    [DIALOG_PAUSE] = pause_key,
    [DIALOG_COST] = key_text_dialog,
    [DIALOG_ADVICE] = advised_key,
    [DIALOG_HEALTH] = health_key,
    [DIALOG_PREVIEW] = key_text_dialog,
    [DIALOG_TRUST] = key_notice,
    [DIALOG_HOST_KEY] = hosts_key,
    [DIALOG_HOST_WORD] = hosts_key,
    [DIALOG_HOSTS] = hosts_key,
    [DIALOG_SESSIONS] = sessions_key,
    [DIALOG_RENAME] = tree_dialog_key,
    [DIALOG_DELETE] = tree_dialog_key,
    [DIALOG_PAGE] = key_text_dialog,
    [DIALOG_SWITCH] = sessions_key,
    [DIALOG_COMMANDS] = finder_key,
    [DIALOG_THEME] = finder_key,
    [DIALOG_VIEWS] = views_key,
    [DIALOG_SIGNAL] = views_end_key,
    [DIALOG_AGAIN] = pause_again_key,
};

bool dialogs_key(struct model *m, struct key k, struct effects *fx)
{
    size_t kind = (size_t)m->screen.dialog.kind;
    dialog_key_fn fn = kind < ARRAY_LEN(key_functions) ? key_functions[kind] : NULL;

    return fn && (scroll_text(m, k) || fn(m, k, fx));
}

void dialogs_paste(struct model *m, const char *text, size_t len)
{
    struct dialog *d = &m->screen.dialog;
    struct editor ed = input_editor(d);

    if (d->kind == DIALOG_PASSWORD)
        retype(d, text, strcspn(text, "\r\n"), false);
    else if (d->kind == DIALOG_HOST_WORD)
        hosts_paste(m, text, len);
    else if (d->editing)
        (void)editor_insert(&ed, text, len);
}
