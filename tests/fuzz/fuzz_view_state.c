/*
 * HOME/views: whatever stands in it, each view sorts by a column that it has and may be sorted by, its filter is clean text; and what is
 * written of that reads back as the same.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/view_state.h"
#include "pgd/base/text.h"

static void check(const struct tableview *v, const struct tableview_state *s)
{
    REQUIRE(s->sort >= 0 && s->sort <= tableview_columns(v));
    REQUIRE(s->sort == 0 || !v->columns[s->sort - 1].unsorted);
    REQUIRE(strnlen(s->filter, sizeof s->filter) < sizeof s->filter);
    for (size_t i = 0, n = strlen(s->filter); i < n;) {
        uint32_t rune;
        i += text_decode(s->filter + i, n - i, &rune);
        REQUIRE(text_rune_safe(rune));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tableview_state of[TABLEVIEW_MAX], again[TABLEVIEW_MAX];
    struct buf out = {0};

    if (size > 16384)
        return 0;
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    view_state_parse(text, size, of);
    view_state_text(of, &out);
    view_state_parse(buf_text(&out), out.len, again);
    for (int i = 0; i < tableview_count; i++) {
        check(&tableview_list[i], &of[i]);
        REQUIRE(again[i].sort == of[i].sort && again[i].reverse == of[i].reverse &&
                again[i].loud == of[i].loud);
        REQUIRE(!again[i].filter[0] || strcmp(again[i].filter, of[i].filter) == 0);
    }
    buf_clear(&out);
    free(text);
    return 0;
}
