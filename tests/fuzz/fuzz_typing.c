/*
 * What the DBA types: bytes of a terminal become keys, and these edit the prompt with its history and completion, and an
 * area of several lines. The text stays valid, ended, within its bound, and the cursor at a character.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/commands.h"
#include "pgd/app/offers.h"
#include "pgd/base/text.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/keys.h"
#include "pgd/ui/prompt.h"
#include "pgd/workspace/session_rows.h"

static struct model *model;

static void check_text(const char *text, int len, int at, int size, bool newlines)
{
    REQUIRE(len >= 0 && len < size && at >= 0 && at <= len && (int)strlen(text) == len);
    bool seen = at == len;
    for (int i = 0; i < len;) {
        uint32_t rune;
        seen = seen || i == at;
        size_t used = text_decode(text + i, (size_t)(len - i), &rune);
        REQUIRE((newlines && rune == '\n') || text_rune_safe(rune));
        i += (int)used;
    }
    REQUIRE(seen);
}

static void key_to_prompt(struct prompt *p, struct key k)
{
    if (prompt_key(p, k, offers_complete, model) == PROMPT_SUBMIT)
        prompt_take(p);
    check_text(p->text, p->len, p->at, PROMPT_MAX, true);
    REQUIRE(p->nhistory >= 0 && p->nhistory <= HISTORY_LINES);
    REQUIRE(p->history_at >= -1 && p->history_at < HISTORY_LINES);
    REQUIRE(p->ncompletion >= 0 && p->ncompletion <= 8 && p->completion_at < 8);
}

static void draw(const struct editor *ed, int width)
{
    struct canvas *c = canvas_new(5, 40);
    int y = 0, x = 0;

    editor_draw(ed, c, 1, 2, width, STYLE_USER, &x);
    editor_draw_area(ed, c, (struct rect){0, 1, 4, width}, STYLE_USER, &y, &x);
    canvas_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct prompt p;
    static char area[64];
    int len = 0, at = 0;
    struct editor ed = {area, sizeof area, &len, &at, true};
    struct keys k = {0};
    struct key key = {0};
    struct buf paste = {0};

    if (size > 4096)
        return 0;
    if (!model)
        model = xcalloc(1, sizeof *model);
    if (model->workspace.nsessions == 0)
        session_rows_add(&model->workspace, 0);
    model->workspace.sessions[0].state = SESSION_PAUSED;
    snprintf(model->workspace.sessions[0].name, sizeof model->workspace.sessions[0].name, "Ab_1");
    memset(&p, 0, sizeof p);
    p.history_at = -1;
    memset(area, 0, sizeof area);
    for (size_t i = 0; i < size;) {
        i += keys_feed(&k, data + i, size - i);
        for (enum keys_got got; (got = keys_next(&k, i == size, &key, &paste)) != KEYS_NOTHING;) {
            if (got == KEYS_KEY) {
                key_to_prompt(&p, key);
                (void)editor_key(&ed, key);
            } else {
                prompt_paste(&p, buf_text(&paste), paste.len);
                (void)editor_insert(&ed, buf_text(&paste), paste.len);
                paste.len = 0;
            }
            check_text(p.text, p.len, p.at, PROMPT_MAX, true);
            check_text(area, len, at, sizeof area, true);
        }
    }
    draw(&ed, (int)(size % 38) + 1);
    for (int i = 0; i < p.nhistory; i++)
        free(p.history[i]);
    keys_clear(&k);
    buf_clear(&paste);
    return 0;
}
