/*
 * HOME/config: whatever stands in it, the choices are among those there are, each key is bound once and does not take Ctrl-C or Esc,
 * messages are clean and name the line; and a choice that is written leaves the other lines as they are, and is read back.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/commands.h"
#include "pgd/app/config.h"
#include "pgd/app/keys.h"
#include "pgd/base/text.h"
#include "pgd/ui/palette.h"

struct said {
    int n;
};

static void complain(void *arg, const struct err *e)
{
    struct said *s = arg;

    s->n++;
    REQUIRE(strncmp(e->msg, "/home/h/config line ", 20) == 0);
    for (size_t i = 0, n = strlen(e->msg); i < n;) {
        uint32_t rune;
        i += text_decode(e->msg + i, n - i, &rune);
        REQUIRE(text_rune_safe(rune));
    }
}

static void check(const struct choices *c)
{
    REQUIRE(!c->theme[0] || theme_find(c->theme));
    REQUIRE(c->nbound >= 0 && c->nbound <= BOUND_MAX);
    for (int i = 0; i < c->nbound; i++) {
        const struct bound_key *b = &c->bound[i];
        REQUIRE(b->command > KC_NONE && b->command < KC_COUNT && b->line > 0);
        REQUIRE(b->key.name != KEYN_ESC && !(b->key.name == KEYN_CTRL && b->key.rune == 'c'));
        for (int j = 0; j < i; j++)
            REQUIRE(!key_same(b->key, c->bound[j].key) || b->command == c->bound[j].command);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices c, again;
    struct said said = {0};
    struct buf out = {0};

    if (size > 8192)
        return 0;
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    config_parse(text, size, "/home/h/config", keys_tables(), &c, complain, &said);
    REQUIRE(said.n <= 20);
    check(&c);
    config_set(text, size, "theme", "light", &out);
    REQUIRE(out.len <= size + 16);
    config_parse(out.data, out.len, "/home/h/config", keys_tables(), &again, NULL, NULL);
    REQUIRE(strcmp(again.theme, "light") == 0);
    REQUIRE(again.mouse == c.mouse && again.plain == c.plain && again.nbound == c.nbound);
    buf_clear(&out);
    free(text);
    return 0;
}
