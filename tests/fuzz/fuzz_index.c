/* index.json, the names of the session folders and a title of any bytes, as the worker reads them: what is taken is bounded, can be
 * written and read again, and agrees with the folders. */
#include <stdlib.h>
#include <string.h>

#include "pgd/workspace/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_folders(struct workspace *w, const char *text, size_t size)
{
    struct buf unknown = {0};
    void *folders = store_folders_digest(text, size, "");
    int before = w->nsessions, gone = store_index_check(w, folders, &unknown);

    if (gone < 0 || w->nsessions + gone != before)
        abort();
    for (const char *p = buf_text(&unknown); *p; p += strcspn(p, "\n") + 1)
        if (*p == '.' || strcspn(p, "/") < strcspn(p, "\n"))
            abort();
    buf_clear(&unknown);
    store_folders_digest_free(folders);
}

static void check_again(struct workspace *w)
{
    struct buf text = {0};
    struct err e = {0};
    int n = w->nsessions;

    session_rows_sort(w);
    store_index_json(w, &text);
    if (!store_index_parse(buf_text(&text), text.len, w, &e) || w->nsessions != n)
        abort();
    buf_clear(&text);
}

static bool same(double a, double b)
{
    return a == b || (a != a && b != b);
}

/* With a blank before it the file is none of ours any more: the reader of JSON has to find the same in it. */
static void check_plain(const struct workspace *w, const char *text, size_t size)
{
    static struct workspace other;
    struct buf blank = {0};
    struct err e = {0};

    buf_puts(&blank, " ");
    buf_append(&blank, text, size);
    if (!store_index_parse(buf_text(&blank), blank.len, &other, &e) ||
        other.nsessions != w->nsessions)
        abort();
    for (int i = 0; i < w->nsessions; i++) {
        const struct session_row *a = &w->sessions[i], *b = &other.sessions[i];
        if (strcmp(a->name, b->name) != 0 || strcmp(a->strategy, b->strategy) != 0 ||
            strcmp(a->title, b->title) != 0 || a->state != b->state || a->rounds != b->rounds ||
            a->interrupted != b->interrupted || a->changed_wall_us != b->changed_wall_us ||
            !same(a->baseline_tps, b->baseline_tps) || !same(a->best_tps, b->best_tps) ||
            !same(a->effect, b->effect) || !same(a->tps_before, b->tps_before) ||
            !same(a->tps_after, b->tps_after) || strcmp(a->reason, b->reason) != 0 ||
            strcmp(a->origin.session, b->origin.session) != 0)
            abort();
    }
    session_rows_clear(&other);
    buf_clear(&blank);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workspace w;
    const char *text = (const char *)data;
    struct err e = {0};

    if (size > 1 << 20)
        return 0;
    void *read = store_index_digest(text, size, "");
    if (store_index_take(&w, read, &e)) {
        check_plain(&w, text, size);
        check_again(&w);
    } else if (e.code == ERR_NONE || w.nsessions) {
        abort();
    }
    store_index_digest_free(read);
    check_folders(&w, text, size);
    struct title_read *t = store_title_digest(text, size, "a title");
    if ((t->text.len == 0) != (t->err.code != ERR_NONE))
        abort();
    store_title_digest_free(t);
    struct row_read *row = store_row_digest(text, size, "S_1");
    store_row_digest_free(row);
    session_rows_clear(&w);
    return 0;
}
