/* Names of keys, as the help and the traces print them. */
#include "pgd/base/key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/text.h"

static const char *const names[] = {
    [KEYN_NONE] = "",
    [KEYN_ESC] = "Esc",
    [KEYN_ENTER] = "Enter",
    [KEYN_TAB] = "Tab",
    [KEYN_BACKTAB] = "Shift-Tab",
    [KEYN_BACKSPACE] = "Backspace",
    [KEYN_DELETE] = "Delete",
    [KEYN_INSERT] = "Insert",
    [KEYN_UP] = "Up",
    [KEYN_DOWN] = "Down",
    [KEYN_LEFT] = "Left",
    [KEYN_RIGHT] = "Right",
    [KEYN_HOME] = "Home",
    [KEYN_END] = "End",
    [KEYN_PGUP] = "PgUp",
    [KEYN_PGDN] = "PgDn",
    [KEYN_F1] = "F1",
    [KEYN_F2] = "F2",
    [KEYN_F3] = "F3",
    [KEYN_F4] = "F4",
    [KEYN_F5] = "F5",
    [KEYN_F6] = "F6",
    [KEYN_F7] = "F7",
    [KEYN_F8] = "F8",
    [KEYN_F9] = "F9",
    [KEYN_F10] = "F10",
    [KEYN_F11] = "F11",
    [KEYN_F12] = "F12",
    [KEYN_CTRL] = "Ctrl-",
    [KEYN_ALT] = "Alt-",
    [KEYN_CLICK] = "Click",
    [KEYN_WHEEL_UP] = "WheelUp",
    [KEYN_WHEEL_DOWN] = "WheelDown",
};

void key_text(struct key k, char *dst, size_t size)
{
    char rune[5] = "";
    if (k.name == KEYN_NONE && k.rune == ' ') {
        text_copy_raw(dst, size, "Space");
        return;
    }
    if (k.name == KEYN_NONE || k.name == KEYN_CTRL || k.name == KEYN_ALT) {
        uint32_t shown = k.rune;
        if (k.name == KEYN_CTRL && shown >= 'a' && shown <= 'z')
            shown -= 'a' - 'A';
        rune[text_encode(text_rune_safe(shown) ? shown : 0xfffd, rune)] = '\0';
    }
    const char *name = (size_t)k.name < sizeof names / sizeof names[0] ? names[k.name] : "";
    snprintf(dst, size, "%s%s", name, rune);
}

bool key_parse(const char *text, struct key *k)
{
    size_t n = strlen(text);
    uint32_t rune = 0;

    *k = (struct key){0};
    if (n > 0 && text_decode(text, n, &rune) == n && text_rune_safe(rune) && rune > ' ') {
        k->rune = rune;
        return true;
    }
    if (strcasecmp(text, "Space") == 0) {
        k->rune = ' ';
        return true;
    }
    if (n == 6 && strncasecmp(text, "Ctrl-", 5) == 0) {
        char c = text[5] >= 'A' && text[5] <= 'Z' ? (char)(text[5] + 'a' - 'A') : text[5];
        *k = (struct key){KEYN_CTRL, (uint32_t)c};
        return c >= 'a' && c <= 'z';
    }
    for (int i = KEYN_ESC; i < KEYN_CTRL; i++) {
        if (strcasecmp(text, names[i]) != 0)
            continue;
        k->name = (enum key_name)i;
        return true;
    }
    return false;
}

bool key_same(struct key a, struct key b)
{
    bool by_rune = a.name == KEYN_NONE || a.name == KEYN_CTRL || a.name == KEYN_ALT;

    return a.name == b.name && (!by_rune || a.rune == b.rune);
}

bool key_is(struct key k, char c)
{
    return k.name == KEYN_NONE && k.rune == (uint32_t)c;
}
