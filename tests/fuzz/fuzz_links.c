/*
 * The four connections: opened, lost, refused, asked for a password, closed, in any order, with answers of attempts that
 * are long over. A wanted connection is up, under way, about to be tried again, or waits for a password; never nothing.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/links.h"
#include "pgd/base/secret.h"

struct run {
    struct model *m;
    struct effects fx;
    bool timer[CONN_COUNT];
    int connecting[CONN_COUNT];
};

static void take_effects(struct run *x)
{
    struct buf line = {0};

    for (size_t i = 0; i < x->fx.n; i++) {
        const struct effect *e = &x->fx.items[i];
        enum pg_conn conn = (enum pg_conn)(e->req.id - 1);
        effect_text(e, &line);
        REQUIRE(!strstr(buf_text(&line), "s3cret") && e->req.owner == OWNER_LINKS);
        if (e->kind == FX_PG_CONNECT) {
            REQUIRE(e->u.pg.conn == conn && e->req.generation == x->m->links[conn].generation);
            x->connecting[conn] = 1;
            x->timer[conn] = false;
        }
        if (e->kind == FX_TIMER) {
            REQUIRE(e->ms > 0 && e->ms <= 1000);
            x->timer[conn] = true;
        }
        if (e->kind == FX_PG_CLOSE)
            x->connecting[e->u.pg.conn] = 0;
    }
    buf_clear(&line);
    effects_clear(&x->fx);
    for (int c = 0; c < CONN_COUNT; c++) {
        const struct link *l = &x->m->links[c];
        REQUIRE(l->state != LINK_CONNECTING || x->connecting[c]);
        REQUIRE(l->state != LINK_WAITING || (x->timer[c] && l->retry_at_us > 0));
    }
}

static void give(struct run *x, uint8_t how, enum pg_conn conn, bool late)
{
    struct event ev = {.kind = how & 1 ? EV_PG_UP : EV_PG_DOWN};
    enum link_state before = x->m->links[conn].state;
    uint32_t old = late ? 1 : 0;

    ev.req = (struct req){OWNER_LINKS, x->m->links[conn].generation - old, (uint32_t)conn + 1};
    ev.u.pg.conn = conn;
    ev.u.pg.needs_password = how & 2;
    ev.u.pg.password = how & 4 ? secret_put("s3cret", 6) : 0;
    snprintf(ev.u.pg.host, sizeof ev.u.pg.host, "s");
    if (ev.kind == EV_PG_DOWN)
        err_set(&ev.err, ERR_CONNECT, "simulated");
    bool taken = links_event(x->m, &ev, &x->fx);
    REQUIRE(taken == !late);
    REQUIRE(!late || (x->m->links[conn].state == before && x->fx.n == 0));
    event_clear(&ev);
}

static void word(struct run *x, uint8_t b, uint8_t how)
{
    enum pg_conn conn = (enum pg_conn)(how & 3);
    const struct link *l = &x->m->links[conn];
    struct event timer = {.kind = EV_TIMER};

    x->m->now_us += 1000 + (how >> 4) * 100000LL;
    switch (b % 8) {
    case 0:
        links_open(x->m, conn, how & 4 ? "shop" : NULL, &x->fx);
        break;
    case 1:
        links_close(x->m, conn, &x->fx);
        break;
    case 2:
    case 3:
        if (l->state == LINK_CONNECTING || l->state == LINK_UP)
            give(x, l->state == LINK_UP ? (uint8_t)(how >> 2 & ~1) : how >> 2, conn, false);
        break;
    case 4:
        give(x, how >> 2, conn, true);
        break;
    case 5:
        timer.req = (struct req){OWNER_LINKS, l->generation - (how >> 7), how & 7};
        if (how & 8)
            timer.req.id = (uint32_t)conn + 1;
        if (l->state == LINK_WAITING && timer.req.id == (uint32_t)conn + 1 && !(how >> 7))
            x->timer[conn] = false;
        links_timer(x->m, &timer, &x->fx);
        if (timer.req.id != (uint32_t)conn + 1 && timer.req.id > 0 && timer.req.id <= CONN_COUNT)
            break;
        break;
    case 6:
        links_password(x->m, secret_put("s3cret2", 7), &x->fx);
        break;
    default:
        x->m->now_us += 1000000;
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 600)
        return 0;
    struct run x = {.m = xcalloc(1, sizeof *x.m)};
    x.m->now_us = 5000000;
    for (size_t i = 0; i + 1 < size; i += 2) {
        word(&x, data[i], data[i + 1]);
        take_effects(&x);
    }
    for (int i = 0; i < CONN_COUNT; i++)
        secret_release(x.m->links[i].password);
    secret_wipe_all();
    free(x.m);
    return 0;
}
