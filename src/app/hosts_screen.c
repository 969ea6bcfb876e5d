/* hosts_screen.c - what the links by ssh ask of the DBA, and how they stand: their dialogs and keys. See hosts.h. */
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/hosts.h"
#include "pgd/base/text.h"

enum { WORD_MAX = 512 };

static bool is_question(enum dialog_kind kind)
{
    return kind == DIALOG_HOST_KEY || kind == DIALOG_HOST_WORD;
}

static struct host_link *shown(struct model *m)
{
    int i = m->screen.dialog.cursor;
    return &m->hosts[i >= 0 && i < SSH_CONN_COUNT ? i : 0];
}

static enum dialog_kind dialog_of(const struct host_link *h)
{
    if (h->state != HOST_ASKING)
        return DIALOG_NONE;
    return h->ask == SSH_ASK_HOST_KEY ? DIALOG_HOST_KEY : DIALOG_HOST_WORD;
}

static void open_dialog(struct model *m, enum dialog_kind kind, int conn)
{
    const struct host_link *h = &m->hosts[conn];
    struct dialog *d;

    if (model_dialog(m) == DIALOG_NONE)
        (void)dialogs_come(m, kind);
    else
        dialogs_open(m, kind);
    d = &m->screen.dialog;
    d->cursor = conn;
    if (kind != DIALOG_HOSTS || h->err.code == ERR_NONE)
        return;
    d->err = h->err;
    d->diagnosis = strcmp(m->advising.trouble_err.msg, h->err.msg) == 0 ? m->advising.diagnosis
                                                                        : h->diagnosis;
}

void hosts_dialogs(struct model *m, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    (void)fx;
    if (m->opt.headless || m->quitting)
        return;
    if (is_question(d->kind) && d->kind != dialog_of(shown(m)))
        dialogs_close(m);
    for (int i = 0; i < SSH_CONN_COUNT && !is_question(d->kind); i++) {
        struct host_link *h = &m->hosts[i];
        if (h->state == HOST_ASKING && (d->kind == DIALOG_NONE || h->word_len > 0))
            open_dialog(m, dialog_of(h), i);
    }
    for (int i = 0; i < SSH_CONN_COUNT && d->kind == DIALOG_NONE; i++)
        if (m->hosts[i].trouble) {
            m->hosts[i].trouble = false;
            open_dialog(m, DIALOG_HOSTS, i);
        }
}

void hosts_show(struct model *m)
{
    int at = 0;

    for (int i = SSH_CONN_COUNT - 1; i >= 0; i--)
        if (m->hosts[i].err.code != ERR_NONE)
            at = i;
    open_dialog(m, DIALOG_HOSTS, at);
}

/* ---- typing a word ---- */

static void retype(struct host_link *h, const char *add, size_t n)
{
    char text[WORD_MAX];
    size_t len = (size_t)h->word_len;

    text_copy_raw(text, sizeof text, secret_get(h->word));
    if (!add) { /* the last character goes */
        do {
            len -= len > 0;
        } while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80);
    } else if (len + n < sizeof text) {
        memcpy(text + len, add, n);
        len += n;
    }
    hosts_forget_word(h);
    h->word = secret_put(text, len);
    h->word_len = (int)len;
    explicit_bzero(text, sizeof text);
}

void hosts_paste(struct model *m, const char *text, size_t len)
{
    size_t line = strcspn(text, "\r\n");

    retype(shown(m), text, line < len ? line : len);
}

static void key_word(struct model *m, struct key k, struct effects *fx)
{
    struct host_link *h = shown(m);
    enum ssh_conn conn = (enum ssh_conn)(h - m->hosts);
    char bytes[4];

    if (k.name == KEYN_ESC) {
        hosts_forget_word(h);
        hosts_answer(m, conn, false, 0, fx);
    } else if (k.name == KEYN_ENTER) {
        secret_id typed = h->word ? h->word : secret_put("", 0); /* an answer may be empty */
        h->word = 0;
        h->word_len = 0;
        hosts_answer(m, conn, true, typed, fx);
    } else if (k.name == KEYN_BACKSPACE) {
        retype(h, NULL, 0);
    } else if (k.name == KEYN_CTRL && k.rune == 'u') {
        hosts_forget_word(h);
    } else if (k.name == KEYN_NONE) {
        retype(h, bytes, text_encode(k.rune, bytes));
    }
}

/* ---- keys ---- */

bool hosts_key(struct model *m, struct key k, struct effects *fx)
{
    struct host_link *h = shown(m);
    enum ssh_conn conn = (enum ssh_conn)(h - m->hosts);

    switch (m->screen.dialog.kind) {
    case DIALOG_HOST_WORD:
        key_word(m, k, fx);
        return true;
    case DIALOG_HOST_KEY: /* nothing is preset: Enter is no answer */
        if (key_is(k, 'y') || key_is(k, 'n') || k.name == KEYN_ESC)
            hosts_answer(m, conn, key_is(k, 'y'), 0, fx);
        return true;
    default:
        break;
    }
    if (key_is(k, 'r')) {
        for (int i = 0; i < SSH_CONN_COUNT; i++)
            hosts_retry(m, (enum ssh_conn)i, fx);
        dialogs_close(m);
    } else if (k.name == KEYN_ESC || k.name == KEYN_ENTER || key_is(k, 'q')) {
        dialogs_close(m);
    } else {
        return !key_is(k, '?');
    }
    return true;
}
