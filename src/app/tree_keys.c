/* tree_keys.c - see tree_keys.h. Letters that mean something else outside of the tree do not stand here. */
#include "pgd/app/tree_keys.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/tree_acts.h"
#include "pgd/app/tree_may.h"
#include "pgd/base/text.h"
#include "pgd/ui/editor.h"

/* ---- the filter ---- */

static void filter_key(struct model *m, struct key k)
{
    struct tree *t = &m->tree;
    char text[TREE_FILTER_MAX + 8];
    size_t len = strlen(t->filter);

    text_copy_raw(text, sizeof text, t->filter);
    if (k.name == KEYN_ESC) {
        t->filtering = false;
        text[0] = '\0';
    } else if (k.name == KEYN_ENTER || k.name == KEYN_DOWN || k.name == KEYN_UP) {
        t->filtering = false;
    } else if (k.name == KEYN_BACKSPACE && len > 0) {
        do {
            len--;
        } while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80);
        text[len] = '\0';
    } else if (k.name == KEYN_NONE && len + 4 < TREE_FILTER_MAX) {
        text[len + text_encode(k.rune, text + len)] = '\0';
    }
    if (strcmp(text, t->filter) != 0) {
        tree_set_filter(m, text);
        tree_move_to(m, t->filter[0] && t->nshown > 0 ? 1 : 0);
    }
    m->dirty = true;
}

/* ---- moving ---- */

static void fold(struct model *m, struct tree_node n)
{
    struct tree_record live;

    if (n.session == TREE_WORKSPACE)
        return;
    if (n.part != TREE_SESSION || tree_open_of(m, n.session, &live))
        tree_close(m, n.session);
    else
        tree_move_to(m, 0);
}

static void enter(struct model *m, struct tree_node n, struct effects *fx)
{
    struct tree_record live;

    if (n.part == TREE_SESSION && !tree_open_of(m, n.session, &live))
        tree_acts_open(m, n.session, fx);
    else if (n.part != TREE_NOTE && n.part != TREE_UNDERWAY)
        tree_acts_begin(m, TREE_SHOW, n.session, n.part, fx);
}

static bool act_key(struct model *m, struct key k, struct tree_node n, struct effects *fx)
{
    enum tree_act act = tree_act_of(k);

    if (act == TREE_COMPARE)
        tree_acts_mark(m, n.session, fx);
    else if (act == TREE_CLOSE)
        tree_acts_close(m, n.session, fx);
    else if (act != TREE_NOTHING)
        tree_acts_begin(m, act, n.session, n.part, fx);
    return act != TREE_NOTHING;
}

bool tree_key(struct model *m, struct key k, struct effects *fx)
{
    struct tree *t = &m->tree;
    struct tree_node n = tree_node_at(m, m->screen.tree_cursor);

    if (t->filtering && k.name != KEYN_CTRL && k.name != KEYN_TAB && k.name != KEYN_BACKTAB) {
        filter_key(m, k);
        return true;
    }
    if (key_is(k, 'f')) {
        t->filtering = true;
    } else if (k.name == KEYN_ESC && t->filter[0]) {
        tree_set_filter(m, "");
    } else if (k.name == KEYN_LEFT) {
        fold(m, n);
    } else if (k.name == KEYN_RIGHT) {
        tree_acts_open(m, n.session, fx);
    } else if (k.name == KEYN_ENTER && n.session != TREE_WORKSPACE) {
        enter(m, n, fx);
    } else {
        return act_key(m, k, n, fx);
    }
    m->dirty = true;
    return true;
}

/* ---- the dialogs ---- */

static struct editor input_of(struct dialog *d)
{
    return (struct editor){
        .text = d->input, .size = (int)sizeof d->input, .len = &d->input_len, .at = &d->input_at};
}

static void leave(struct model *m)
{
    tree_task_clear(&m->tree.task);
    dialogs_close(m);
}

static void submitted(struct model *m, struct dialog *d, struct effects *fx)
{
    const struct tree_task *t = &m->tree.task;

    if (d->kind == DIALOG_RENAME) {
        if (tree_acts_rename(m, d->input, d->error, sizeof d->error, fx))
            dialogs_close(m);
    } else if (strcmp(d->input, t->session) == 0) {
        dialogs_close(m);
        tree_acts_delete(m, fx);
    } else {
        snprintf(d->error, sizeof d->error, "that is not its name: nothing is deleted");
    }
}

bool tree_dialog_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct editor ed = input_of(d);

    switch (editor_key(&ed, k)) {
    case EDITOR_SUBMIT:
        submitted(m, d, fx);
        break;
    case EDITOR_CANCEL:
        leave(m);
        break;
    default:
        d->error[0] = '\0';
        break;
    }
    m->dirty = true;
    return true;
}
