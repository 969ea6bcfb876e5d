/* dialog_host.c - the links by ssh: an unknown host's key, the words that let us in, and how they stand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"

static enum ssh_conn conn_of(const struct model *m)
{
    int i = m->screen.dialog.cursor;
    return i > 0 && i < SSH_CONN_COUNT ? (enum ssh_conn)i : SSH_SERVER;
}

void dialog_host_name(const struct model *m, enum ssh_conn conn, char *dst, size_t size)
{
    const struct options *o = &m->opt;
    const char *user = conn == SSH_BENCH && o->bench_user[0] ? o->bench_user : o->ssh_user;
    const char *port = conn == SSH_BENCH ? o->bench_port : o->ssh_port;
    snprintf(dst, size, "%s%s%s%s%s", user, user[0] ? "@" : "", m->hosts[conn].host,
             port[0] ? " port " : "", port);
}

/* ---- an unknown key ---- */

/* "ssh-ed25519" is in ssh_host_ed25519_key.pub of the host. */
static const char *file_of(const char *type)
{
    return strstr(type, "ed25519") ? "ed25519" : strstr(type, "ecdsa") ? "ecdsa" : "rsa";
}

static void say_key(struct dialog_text *text, const struct model *m)
{
    const struct host_link *h = &m->hosts[conn_of(m)];
    const char *print = strchr(h->question, ' ');
    char type[64], who[360];
    snprintf(type, sizeof type, "%.*s", (int)strcspn(h->question, " "), h->question);
    dialog_host_name(m, conn_of(m), who, sizeof who);
    dialog_say(text, STYLE_NORMAL, "%s shows a key that known_hosts does not have.", who);
    dialog_gap(text);
    dialog_pair(text, "kind", STYLE_VALUE, "%s", type);
    dialog_pair(text, "fingerprint", STYLE_HEADING, "%s", print ? print + 1 : h->question);
    dialog_gap(text);
    dialog_say(text, STYLE_NORMAL,
               "Compare it, letter by letter, with what the host's administrator has given you, or "
               "with what this prints on the host's own console:");
    dialog_say(text, STYLE_CODE, "ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub", file_of(type));
    dialog_gap(text);
    dialog_say(text, STYLE_WARN,
               "A key that somebody else shows lets him read and change everything that is done "
               "there. y keeps the key in known_hosts; n leaves the host alone, and the server is "
               "tuned without it.");
}

void dialog_host_key(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 84, "Unknown host", m, t, say_key, cursor);
}

/* ---- a word ---- */

static void question_text(const struct model *m, const char **title, char *dst, size_t size)
{
    const struct host_link *h = &m->hosts[conn_of(m)];
    char who[360];
    dialog_host_name(m, conn_of(m), who, sizeof who);
    switch (h->ask) {
    case SSH_ASK_PASSPHRASE:
        *title = "Passphrase";
        snprintf(dst, size, "%s, for %s:", h->question[0] ? h->question : "Passphrase of the key",
                 who);
        break;
    case SSH_ASK_PROMPT:
        *title = "The host asks";
        snprintf(dst, size, "%s asks: %s", who, h->question);
        break;
    default:
        *title = "Password";
        snprintf(dst, size, "Password of %s:", who);
    }
}

void dialog_host_word(struct canvas *c, struct rect screen, const struct model *m,
                      const struct view_tables *t, struct view_cursor *cursor)
{
    enum { WIDTH = 76, QUESTION_LINES = 6 };
    const struct host_link *h = &m->hosts[conn_of(m)];
    char text[1500];
    const char *title = "";
    question_text(m, &title, text, sizeof text);
    int lines = wrap_count(text, (WIDTH < screen.w ? WIDTH : screen.w) - 4);
    if (lines > QUESTION_LINES)
        lines = QUESTION_LINES;
    struct rect in = dialog_open(c, screen, WIDTH, lines + 5, title, m, t);
    wrap_draw(c, (struct rect){in.y, in.x, lines, in.w}, STYLE_NORMAL, text, 0);
    struct rect field = {in.y + lines, in.x, 1, in.w};
    canvas_fill(c, field, STYLE_SELECTED);
    int shown = h->word_len < in.w - 1 ? h->word_len : in.w - 1;
    if (h->echo)
        shown = canvas_put_cut(c, field.y, field.x, in.w - 1, STYLE_SELECTED, secret_get(h->word));
    for (int i = 0; i < shown && !h->echo; i++)
        canvas_rune(c, field.y, field.x + i, STYLE_SELECTED, '*');
    *cursor = (struct view_cursor){.visible = true, .y = field.y, .x = field.x + shown};
    canvas_put_cut(c, field.y + 1, in.x, in.w, h->again ? STYLE_WARN : STYLE_DIM,
                   h->again  ? "That was not taken: once more."
                   : h->echo ? "It is sent to the host and kept nowhere."
                             : "It is kept in memory until it is sent, and nowhere else.");
}

/* ---- how they stand ---- */

static void state_text(const struct model *m, const struct host_link *h, char *dst, size_t size)
{
    char since[32];
    double wait = (double)(h->retry_at_us - m->now_us) / 1e6;
    text_age(since, sizeof since, (double)(m->now_us - h->since_us) / 1e6);
    switch (h->state) {
    case HOST_OFF:
        snprintf(dst, size, "closed");
        break;
    case HOST_CONNECTING:
        snprintf(dst, size, "connecting for %s", since);
        break;
    case HOST_ASKING:
        snprintf(dst, size, "waits for your answer");
        break;
    case HOST_UP:
        if (isfinite(h->delay_ms))
            snprintf(dst, size, "up for %s, answers in %.*f ms", since, h->delay_ms < 10,
                     h->delay_ms);
        else
            snprintf(dst, size, "up for %s", since);
        break;
    case HOST_WAITING:
        snprintf(dst, size, "%s, next try in %.0f s", h->was_up ? "lost" : "not to be had",
                 wait > 0 ? ceil(wait) : 0);
        break;
    case HOST_REFUSED:
        snprintf(dst, size, "given up");
        break;
    }
}

void dialog_say_hosts(struct dialog_text *text, const struct model *m)
{
    char who[360], state[120];
    for (int i = 0; i < SSH_CONN_COUNT; i++) {
        const struct host_link *h = &m->hosts[i];
        if (h->host[0] == '\0')
            continue;
        dialog_host_name(m, (enum ssh_conn)i, who, sizeof who);
        state_text(m, h, state, sizeof state);
        dialog_pair(text, i == SSH_SERVER ? "ssh link" : "bench link",
                    h->state == HOST_UP ? STYLE_GOOD : STYLE_WARN, "%s: %s%s%s", who, state,
                    h->err.code ? ": " : "", h->err.code ? h->err.msg : "");
    }
}

static void say_host(struct dialog_text *text, const struct model *m, enum ssh_conn conn)
{
    const struct host_link *h = &m->hosts[conn];
    const struct dialog *d = &m->screen.dialog;
    char who[360], state[120];
    unsigned style = h->state == HOST_UP        ? STYLE_GOOD
                     : h->state == HOST_REFUSED ? STYLE_BAD
                                                : STYLE_WARN;
    dialog_host_name(m, conn, who, sizeof who);
    state_text(m, h, state, sizeof state);
    dialog_pair(text, conn == SSH_SERVER ? "the server's host" : "where pgbench runs", STYLE_VALUE,
                "%s", who);
    dialog_pair(text, "", style, "%s", state);
    if (h->err.code == ERR_NONE)
        return;
    dialog_gap(text);
    dialog_say(text, STYLE_BAD, "%s", h->err.msg);
    if (h->err.detail[0])
        dialog_say(text, STYLE_NORMAL, "%s", h->err.detail);
    if (h->err.hint[0])
        dialog_say(text, STYLE_WARN, "%s", h->err.hint);
    if (conn_of(m) != conn || strcmp(d->err.msg, h->err.msg) != 0 || !d->diagnosis.explanation[0])
        return;
    dialog_gap(text);
    dialog_say(text, STYLE_LABEL,
               "%s says:", d->diagnosis.advisor.text[0] ? d->diagnosis.advisor.text : "builtin");
    dialog_say(text, STYLE_AI, "%s", d->diagnosis.explanation);
    dialog_say(text, STYLE_VALUE, "%s", d->diagnosis.fix);
}

bool dialog_hosts_can_retry(const struct model *m)
{
    for (int i = 0; i < SSH_CONN_COUNT; i++)
        if (m->hosts[i].host[0] && m->hosts[i].state != HOST_UP)
            return true;
    return false;
}

static void say_hosts(struct dialog_text *text, const struct model *m)
{
    bool any = false;
    for (int i = 0; i < SSH_CONN_COUNT; i++) {
        if (m->hosts[i].host[0] == '\0')
            continue;
        if (any)
            dialog_gap(text);
        say_host(text, m, (enum ssh_conn)i);
        any = true;
    }
}

void dialog_hosts(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 92, "Links by ssh", m, t, say_hosts, cursor);
}
