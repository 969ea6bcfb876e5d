/*
 * `workspaces` and `export` over folders that may hold anything: each listing and each file that is asked for is the next
 * piece of the input, or an error. Both come to an end, write below exports/ alone, and read nothing outside of the home.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/verbs.h"

struct run {
    struct input in;
    struct model *m;
    struct effects fx;
    bool quit;
};

static void check_path(const struct effect *e)
{
    static const char home[] = "/home/of/it/workspaces";
    const char *path = e->u.file.path;

    REQUIRE(strncmp(path, home, sizeof home - 1) == 0 && !strstr(path, "/../") &&
            !strchr(path, '\n'));
    if (e->u.file.op == FILE_SAVE)
        REQUIRE(strstr(path, "/exports/") != NULL);
    else
        REQUIRE(e->u.file.op == FILE_READ || e->u.file.op == FILE_LIST);
}

/* A folder's listing has no slash within a name, and neither "." nor "..". */
static void tidy(char *list)
{
    for (char *p = list; *p; p++) {
        bool first = p == list || p[-1] == '\n';
        if ((*p == '/' && p[1] && p[1] != '\n') || (*p == '.' && first))
            *p = '_';
    }
}

/* Answers the one request that is under way. */
static void answer(struct run *x, enum verb v)
{
    struct event ev = {.kind = EV_FILE};
    struct buf line = {0};
    bool listed = false;

    for (size_t i = 0; i < x->fx.n; i++) {
        const struct effect *e = &x->fx.items[i];
        effect_text(e, &line);
        if (e->kind == FX_QUIT)
            x->quit = true;
        if (e->kind != FX_FILE)
            continue;
        check_path(e);
        ev.req = e->req;
        listed = e->u.file.op == FILE_LIST;
    }
    buf_clear(&line);
    effects_clear(&x->fx);
    if (x->quit)
        return;
    REQUIRE(ev.req.owner != OWNER_NONE);
    ev.text = input_word(&x->in);
    ev.len = strlen(ev.text);
    if (listed)
        tidy(ev.text);
    if (ev.text[0] == '\1')
        err_set(&ev.err, ERR_FILE, "simulated");
    verbs_event(x->m, v, &ev, &x->fx);
    event_clear(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event start = {.kind = EV_START};

    if (size < 1 || size > 32768)
        return 0;
    struct run x = {.in = {data, size, 1}, .m = xcalloc(1, sizeof *x.m)};
    enum verb v = data[0] & 1 ? VERB_EXPORT : VERB_WORKSPACES;
    model_init(x.m);
    x.m->opt.json = data[0] & 2;
    snprintf(x.m->opt.home, sizeof x.m->opt.home, "/home/of/it");
    snprintf(x.m->opt.workspace, sizeof x.m->opt.workspace, "shop_local");
    verbs_event(x.m, v, &start, &x.fx);
    for (int i = 0; i < 40000 && !x.quit; i++)
        answer(&x, v);
    REQUIRE(x.quit);
    effects_clear(&x.fx);
    model_clear(x.m);
    free(x.m);
    return 0;
}
