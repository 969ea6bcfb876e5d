/*
 * Names that become folders, lines of password files, messages of libpq: database, host, port and strategy from the input.
 * A folder's name is of its alphabet, fits, hides nothing and leads nowhere; an error has its sentences, clean.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/update.h"
#include "pgd/base/text.h"
#include "pgd/io/pg_error.h"
#include "pgd/workspace/store.h"

static void check_name(const char *name, size_t size)
{
    REQUIRE(*name && *name != '.' && strlen(name) < size);
    REQUIRE(
        !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%")]);
}

static void check_clean(const char *text)
{
    for (size_t i = 0, n = strlen(text); i < n;) {
        uint32_t rune;
        i += text_decode(text + i, n - i, &rune);
        REQUIRE(rune == '\n' || text_rune_safe(rune));
    }
}

static bool taken(void *arg, const char *name)
{
    int *n = arg;

    check_name(name, 128);
    return (*n)-- > 0;
}

static void check_error(const struct err *e)
{
    REQUIRE(e->code != ERR_NONE && e->msg[0]);
    check_clean(e->msg);
    check_clean(e->detail);
    check_clean(e->hint);
}

/* The folders of the start screen, and what is typed there. */
static void start_screen(const char *list, const char *typed)
{
    struct model *m = xcalloc(1, sizeof *m);
    struct effects fx = {0};
    struct event ev = {.kind = EV_START};
    struct buf line = {0};

    model_init(m);
    app_update(m, &ev, &fx);
    REQUIRE(fx.n > 0 && fx.items[fx.n - 1].kind == FX_FILE); /* the list of folders is asked for */
    ev = (struct event){
        .kind = EV_FILE, .req = fx.items[fx.n - 1].req, .text = xstrdup(list), .len = strlen(list)};
    app_update(m, &ev, &fx);
    event_clear(&ev);
    REQUIRE(m->start.recent.n >= 0 && m->start.recent.n <= RECENT_MAX);
    ev = (struct event){.kind = EV_KEY, .u.key = {.rune = *typed & 1 ? '1' : 'n'}};
    app_update(m, &ev, &fx);
    ev = (struct event){.kind = EV_PASTE, .text = xstrdup(typed), .len = strlen(typed)};
    app_update(m, &ev, &fx);
    event_clear(&ev);
    ev = (struct event){.kind = EV_KEY, .u.key = {.name = KEYN_ENTER}};
    app_update(m, &ev, &fx);
    REQUIRE(m->opt.connect.n <= CONNINFO_MAX);
    for (size_t i = 0; i < fx.n; i++)
        effect_text(&fx.items[i], &line);
    buf_clear(&line);
    effects_clear(&fx);
    model_clear(m);
    free(m);
}

/* The lines of the demo's script. */
static void demo_lines(const char *text)
{
    struct model *m = xcalloc(1, sizeof *m);
    struct effects fx = {0};
    struct event ev = {.kind = EV_START};

    model_init(m);
    m->opt.demo = true;
    app_update(m, &ev, &fx);
    ev = (struct event){.kind = EV_CHILD_LINE, .req = {OWNER_DEMO, m->demo.generation, 1}};
    ev.text = xstrdup(text);
    app_update(m, &ev, &fx);
    ev.kind = EV_CHILD_EXIT;
    app_update(m, &ev, &fx);
    event_clear(&ev);
    check_clean(m->demo.note);
    effects_clear(&fx);
    model_clear(m);
    free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[160], session[128];
    struct err e = {0};
    int before = 3;

    if (size > 2048)
        return 0;
    char *text = xmalloc(size + 4), *part[4];
    memcpy(text, data, size);
    memset(text + size, 0, 4);
    part[0] = text;
    for (int i = 1; i < 4; i++)
        part[i] = part[i - 1] + strlen(part[i - 1]) +
                  (part[i - 1] + strlen(part[i - 1]) < text + size);
    store_workspace_name(part[0], part[1], part[2], name, sizeof name);
    check_name(name, sizeof name);
    store_session_name(part[3], 1700000000000000, taken, &before, session, sizeof session);
    check_name(session, sizeof session);
    pg_error_connect(&e, part[0], part[1], part[2], size & 1, size & 2);
    check_error(&e);
    pg_error_lost(&e, part[1], part[2], part[0]);
    check_error(&e);
    start_screen(part[0], part[1]);
    demo_lines(part[0]);
    free(text);
    return 0;
}
