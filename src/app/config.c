/* config.c - see config.h. A choice is a row of `choices` and a function that takes its value. */
#include "pgd/app/config.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/commands.h"
#include "pgd/base/text.h"
#include "pgd/ui/palette.h"

enum { LINE_MOST = 200, COMPLAINTS_MOST = 20 };

struct reader {
    const char *path;
    const struct view_tables *t;
    struct choices *out;
    config_complain_fn complain;
    void *arg;
    int line, complaints;
};

/* msg, detail and hint of a line; "" = none. */
static void refuse(struct reader *r, int line, const char *msg, const char *detail,
                   const char *hint)
{
    struct err e = {0};

    if (r->complaints++ >= COMPLAINTS_MOST || !r->complain)
        return;
    err_set(&e, ERR_FORMAT, "%.150s line %d: %s", r->path, line, msg);
    if (*detail)
        err_detail(&e, "%s", detail);
    if (*hint)
        err_hint(&e, "%s", hint);
    r->complain(r->arg, &e);
}

/* ---- choices ---- */

static bool take_theme(struct choices *c, const char *value)
{
    const struct theme *theme = theme_find(value);

    return theme && text_copy(c->theme, sizeof c->theme, theme->name);
}

static bool on_off(bool *out, const char *value)
{
    *out = strcmp(value, "on") == 0;
    return *out || strcmp(value, "off") == 0;
}

static bool take_mouse(struct choices *c, const char *value)
{
    return on_off(&c->mouse, value);
}

static bool take_motion(struct choices *c, const char *value)
{
    return on_off(&c->reduced_motion, value);
}

static bool take_plain(struct choices *c, const char *value)
{
    return on_off(&c->plain, value);
}

static bool take_title(struct choices *c, const char *value)
{
    return on_off(&c->title, value);
}

static bool take_clipboard(struct choices *c, const char *value)
{
    bool on = false, known = on_off(&on, value);

    c->no_clipboard = known && !on;
    return known;
}

static const struct choice {
    const char *name;
    bool (*take)(struct choices *c, const char *value);
    const char *values;
} choices[] = {
    {"theme", take_theme, "It takes dark, light, high-contrast, mono or terminal."},
    {"mouse", take_mouse, "It takes on or off."},
    {"reduced-motion", take_motion, "It takes on or off."},
    {"plain", take_plain, "It takes on or off."},
    {"title", take_title, "It takes on or off."},
    {"clipboard", take_clipboard, "It takes on or off."},
};

static void take_choice(struct reader *r, const char *name, const char *value)
{
    char msg[120];

    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        if (strcmp(name, choices[i].name) != 0)
            continue;
        struct choices trial = *r->out;
        if (choices[i].take(&trial, value)) {
            *r->out = trial;
            return;
        }
        snprintf(msg, sizeof msg, "invalid value \"%.40s\" for %.20s", value, name);
        refuse(r, r->line, msg, choices[i].values, "The line is left out; correct it.");
        return;
    }
    snprintf(msg, sizeof msg, "there is no choice named \"%.40s\"", name);
    refuse(r, r->line, msg, "A line is NAME = VALUE, or key ACTION KEY, or a comment after #.",
           "The names are theme, mouse, reduced-motion, plain, title and clipboard.");
}

/* ---- keys ---- */

static int action_of(const struct reader *r, const char *name)
{
    for (int i = 1; r->t->actions && i < KC_COUNT; i++)
        if (strcmp(name, r->t->actions[i]) == 0)
            return i;
    return KC_NONE;
}

static void take_key(struct reader *r, const char *action, const char *name)
{
    struct choices *c = r->out;
    int command = action_of(r, action);
    struct key k;
    char msg[120];

    if (command == KC_NONE) {
        snprintf(msg, sizeof msg, "there is no action named \"%.40s\"", action);
        refuse(r, r->line, msg, "", "Ctrl-P lists the actions; the guide has them, too.");
    } else if (!key_parse(name, &k)) {
        snprintf(msg, sizeof msg, "there is no key named \"%.40s\"", name);
        refuse(r, r->line, msg,
               "A key is one character, Ctrl-A to Ctrl-Z, F1 to F12, Space, Tab, Enter, PgUp or "
               "another name of the help.",
               "The action keeps the key that it has.");
    } else if (k.name == KEYN_ESC || key_same(k, (struct key){KEYN_CTRL, 'c'})) {
        snprintf(msg, sizeof msg, "%s cannot be given to %.40s",
                 k.name == KEYN_ESC ? "Esc" : "Ctrl-C", action);
        refuse(r, r->line, msg, "Ctrl-C always stops, and Esc always leads back.",
               "Take another key.");
    } else if (c->nbound == BOUND_MAX) {
        refuse(r, r->line, "too many keys", "", "64 lines of keys are read.");
    } else {
        c->bound[c->nbound++] = (struct bound_key){command, k, r->line};
    }
}

/* The action that has the i-th key already, by an earlier line or by itself; KC_NONE = it is free. */
static int has_it(const struct reader *r, int i)
{
    const struct bound_key *b = &r->out->bound[i];

    for (int j = 0; j < i; j++)
        if (r->out->bound[j].command != b->command && key_same(r->out->bound[j].key, b->key))
            return r->out->bound[j].command;
    for (int j = 0; j < r->t->nkeys; j++) {
        const struct key_row *row = &r->t->keys[j];
        if (row->command != KC_NONE && row->command != b->command && key_same(row->key, b->key) &&
            view_key_stands(r->out, row))
            return row->command;
    }
    return KC_NONE;
}

/* A line that goes gives its action's own key back, which another line may have taken: so until nothing changes. */
static void drop_clashes(struct reader *r)
{
    struct choices *c = r->out;

    for (int i = 0; i < c->nbound; i++) {
        int other = has_it(r, i);
        char msg[160], hint[160], key[32];
        if (other == KC_NONE)
            continue;
        key_text(c->bound[i].key, key, sizeof key);
        snprintf(msg, sizeof msg, "%s cannot be given to %s: %s has it", key,
                 r->t->actions[c->bound[i].command], r->t->actions[other]);
        snprintf(hint, sizeof hint, "Take another key, or give %s one, too.", r->t->actions[other]);
        refuse(r, c->bound[i].line, msg, "One key does one thing.", hint);
        memmove(&c->bound[i], &c->bound[i + 1], (size_t)(c->nbound - i - 1) * sizeof c->bound[0]);
        c->nbound--;
        i = -1;
    }
}

/* ---- lines ---- */

static void cut_blanks(char *text)
{
    size_t n = strlen(text), from = strspn(text, " \t");

    while (n > from && strchr(" \t\r", text[n - 1]))
        n--;
    memmove(text, text + from, n - from);
    text[n - from] = '\0';
}

static void take_line(struct reader *r, char *line)
{
    char action[64], key[64], rest[2];

    cut_blanks(line);
    if (!*line || *line == '#')
        return;
    char *equals = strchr(line, '=');
    if (strncmp(line, "key", 3) == 0 && (line[3] == ' ' || line[3] == '\t')) {
        if (sscanf(line + 3, "%63s %63s %1s", action, key, rest) == 2)
            take_key(r, action, key);
        else
            refuse(r, r->line, "a line of a key is: key ACTION KEY", "",
                   "For instance: key zoom F11");
    } else if (equals) {
        *equals = '\0';
        cut_blanks(line);
        cut_blanks(equals + 1);
        take_choice(r, line, equals + 1);
    } else {
        refuse(r, r->line, "this is no choice and no key",
               "A line is NAME = VALUE, or key ACTION KEY, or a comment after #.",
               "The line is left out; correct it.");
    }
}

void config_parse(const char *text, size_t len, const char *path, const struct view_tables *t,
                  struct choices *out, config_complain_fn complain, void *arg)
{
    struct reader r = {.path = path, .t = t, .out = out, .complain = complain, .arg = arg};
    char line[LINE_MOST + 1], clean[LINE_MOST + 1];

    *out = (struct choices){0};
    for (size_t at = 0; at < len;) {
        const char *stop = memchr(text + at, '\n', len - at);
        size_t n = stop ? (size_t)(stop - text) - at : len - at;
        r.line++;
        if (n > LINE_MOST || memchr(text + at, '\0', n)) {
            refuse(&r, r.line, "the line is too long, or no text", "",
                   "The line is left out; correct it.");
        } else {
            memcpy(line, text + at, n);
            line[n] = '\0';
            for (char *c = line; *c; c++)
                if (*c == '\t' || *c == '\r')
                    *c = ' ';
            text_copy(clean, sizeof clean, line);
            take_line(&r, clean);
        }
        at += n + 1;
    }
    drop_clashes(&r);
}

static bool says(const char *line, size_t n, const char *name)
{
    size_t from = 0, len = strlen(name);

    while (from < n && (line[from] == ' ' || line[from] == '\t'))
        from++;
    if (n - from < len || memcmp(line + from, name, len) != 0)
        return false;
    for (from += len; from < n && (line[from] == ' ' || line[from] == '\t'); from++)
        ;
    return from < n && line[from] == '=';
}

void config_set(const char *text, size_t len, const char *name, const char *value, struct buf *out)
{
    size_t from = len, to = len; /* the line that is replaced */

    for (size_t at = 0; at < len;) {
        const char *stop = memchr(text + at, '\n', len - at);
        size_t end = stop ? (size_t)(stop - text) + 1 : len;
        if (says(text + at, end - at, name)) {
            from = at;
            to = end;
        }
        at = end;
    }
    buf_append(out, text, from);
    if (from > 0 && text[from - 1] != '\n')
        buf_putc(out, '\n');
    buf_printf(out, "%s = %s\n", name, value);
    buf_append(out, text + to, len - to);
}
