/* The files behind the start screen, of any bytes: a row for each folder whatever they say, figures within their bounds, words that
 * a terminal may show; and the way to the server that workspace.json keeps: known keywords only, no password among them. A
 * connection string ends where it ends. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/base/text.h"
#include "pgd/workspace/drift.h"
#include "pgd/workspace/recent.h"
#include "pgd/workspace/store.h"

static void clean(const char *s)
{
    for (size_t i = 0, n = strlen(s); i < n;) {
        uint32_t rune;
        i += text_decode(s + i, n - i, &rune);
        REQUIRE(text_rune_safe(rune));
    }
}

static void check_row(const struct recent *r)
{
    char text[400];

    REQUIRE(r->nsessions >= r->paused + r->failed && r->nshown <= RECENT_SESSIONS);
    REQUIRE(r->used_us >= 0 && (isnan(r->best) || r->best > 0));
    REQUIRE(r->known || r->damage[0]);
    recent_title(r, text, sizeof text);
    clean(text);
    recent_note(r, text, sizeof text);
    clean(text);
    recent_sessions(r, text, sizeof text);
    clean(text);
    recent_when(text, sizeof text, r->used_us, 1794000000000000);
    clean(text);
    for (const char *p = r->holder; *p; p++)
        REQUIRE(*p >= '0' && *p <= '9');
}

static void check_way(const char *data, size_t size)
{
    struct workspace_way *w = xcalloc(1, sizeof *w);
    struct err e = {0};

    if (store_workspace_way(data, size, w, &e)) {
        REQUIRE(w->connect.n <= CONNINFO_MAX && !w->connect.password && !w->connect.database[0]);
        for (int i = 0; i < w->connect.n; i++)
            REQUIRE(strcmp(w->connect.keys[i], "password") != 0 && w->connect.values[i][0]);
    } else {
        REQUIRE(e.code != ERR_NONE);
    }
    free(w);
}

static void check_drift(const char *data, size_t size)
{
    struct workspace *w = xcalloc(1, sizeof *w);
    struct setting jit = {.name = "jit", .shown = "on"};
    struct settings now = {1, &jit};
    struct proved_list *p = drift_digest(data, size, NULL);

    REQUIRE(p->n >= 0 && p->n <= LEDGER_MAX);
    drift_settings(w, p, &now, NULL);
    REQUIRE(w->nchanged <= 1);
    for (int i = 0; i < w->nchanged; i++)
        clean(w->changed[i]);
    free(p);
    free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recent_list all = {0}, *l = recent_digest((const char *)data, size, "a\nshop_db1\nb");
    struct buf text = {0};

    REQUIRE(l->n == 3);
    recent_add(&all, l);
    recent_list_free(l);
    REQUIRE(all.n == 3 && all.rows[0].used_us >= all.rows[2].used_us);
    for (int i = 0; i < all.n; i++)
        check_row(&all.rows[i]);
    free(all.rows);
    check_drift((const char *)data, size);
    check_way((const char *)data, size);
    buf_append(&text, (const char *)data, size);
    (void)recent_names_database(buf_text(&text));
    buf_clear(&text);
    return 0;
}
