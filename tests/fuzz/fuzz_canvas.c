/* Whatever is drawn, in whatever order, the grid holds only printable characters and whole wide ones. The same bytes are
 * read as terminal input: a key is always printable or named. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/canvas.h"
#include "pgd/ui/keys.h"
#include "pgd/ui/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cells(const struct canvas *c)
{
    for (int y = 0; y < c->rows; y++) {
        for (int x = 0; x < c->cols; x++) {
            const struct cell *cell = canvas_at(c, y, x);
            if (!text_rune_safe(cell->rune) || (cell->mark && !text_rune_safe(cell->mark)))
                abort();
            const struct cell *right = canvas_at(c, y, x + 1);
            if (cell->width == 2 && (!right || right->width != 0))
                abort();
            if (cell->width == 0 && (x == 0 || canvas_at(c, y, x - 1)->width != 2))
                abort();
        }
    }
}

static void draw(struct canvas *c, const uint8_t op[6], const char *text)
{
    int y = op[1] % 24 - 4, x = op[2] % 100 - 10, w = op[3] % 90 - 1;
    struct rect r = {y, x, op[4] % 30, op[5] % 100};
    struct rect former = canvas_clip(c, op[0] & 16 ? r : canvas_area(c));
    switch (op[0] % 9) {
    case 0:
        canvas_put(c, y, x, w, op[4] % STYLE_COUNT, text);
        break;
    case 1:
        canvas_put_cut(c, y, x, w, STYLE_AI, text);
        break;
    case 2:
        canvas_put_right(c, y, x, w, STYLE_AI, text);
        break;
    case 3:
        canvas_box(c, r, STYLE_BORDER, text, STYLE_TITLE);
        break;
    case 4:
        wrap_draw(c, r, STYLE_USER, text, op[3] % 4);
        break;
    case 5:
        list_dialog(c, canvas_area(c), r.w, r.h, text, text);
        break;
    case 6:
        canvas_rune(c, y, x, STYLE_GOOD, (uint32_t)op[3] << 13 | (uint32_t)op[4] << 8 | op[5]);
        break;
    case 7:
        canvas_fill(c, r, STYLE_DIM);
        break;
    default:
        canvas_hline(c, y, x, w, STYLE_BORDER);
        canvas_vline(c, y, x, r.h, STYLE_BORDER);
    }
    canvas_unclip(c, former);
}

static void read_keys(const uint8_t *data, size_t size)
{
    struct keys k = {0};
    struct key key = {0};
    struct buf paste = {0};
    for (size_t at = 0; at < size;) {
        at += keys_feed(&k, data + at, size - at);
        for (enum keys_got got; (got = keys_next(&k, at == size, &key, &paste)) != KEYS_NOTHING;)
            if (got == KEYS_KEY && key.name == KEYN_NONE && !text_rune_safe(key.rune))
                abort();
    }
    if (keys_waiting(&k))
        abort();
    keys_clear(&k);
    buf_clear(&paste);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct canvas *c = canvas_new(16, 80);
    read_keys(data, size);
    while (size >= 7) {
        char text[64] = "";
        size_t n = data[6] % 60 < size - 7 ? data[6] % 60 : size - 7;
        memcpy(text, data + 7, n);
        draw(c, data, text);
        data += 7 + n;
        size -= 7 + n;
    }
    check_cells(c);
    c->ascii = true;
    struct buf out = {0};
    canvas_text(c, &out);
    for (size_t i = 0; i < out.len; i++)
        if (((unsigned char)out.data[i] < 0x20 && out.data[i] != '\n') ||
            (unsigned char)out.data[i] > 0x7e)
            abort();
    buf_clear(&out);
    canvas_free(c);
    return 0;
}
