/*
 * The machine of discovery: each statement is answered by a table of the input, by an error, late, or not at all. It asks
 * for one thing at a time, ends when its questions end, and never gives up over anything but identity and a lost link.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/discovery/discover.h"

struct run {
    struct input in;
    struct discover d;
    struct server_facts f;
    struct effects fx;
    uint32_t sql, child, timer; /* numbers of what is under way; 0 = none */
};

static void take_effects(struct run *x)
{
    for (size_t i = 0; i < x->fx.n; i++) {
        const struct effect *e = &x->fx.items[i];
        REQUIRE(!e->changes_server && e->req.owner == OWNER_DISCOVERY);
        if (e->kind == FX_PG_QUERY) {
            REQUIRE(x->sql == 0);
            x->sql = e->req.id;
        } else if (e->kind == FX_CHILD) {
            x->child = e->req.id;
        } else if (e->kind == FX_TIMER) {
            x->timer = e->req.id;
        } else if (e->kind == FX_TIMER_STOP) {
            x->timer = 0;
        }
    }
    effects_clear(&x->fx);
}

static void step(struct run *x, struct event *ev, uint32_t id)
{
    ev->req = (struct req){OWNER_DISCOVERY, x->d.generation, id};
    discover_step(&x->d, &x->f, ev, &x->fx);
    event_clear(ev);
    take_effects(x);
    if (x->d.state == DISCOVER_SQL)
        REQUIRE(x->sql != 0);
    if (x->d.state == DISCOVER_HOST)
        REQUIRE(x->child != 0);
    if (x->d.state == DISCOVER_FAILED)
        REQUIRE(x->d.err.code != ERR_NONE && x->d.err.msg[0]);
}

static void answer_sql(struct run *x, uint8_t b)
{
    struct event ev = {.kind = EV_PG_RESULT};
    uint32_t id = x->sql;
    char *text;

    if (b & 1) {
        err_set(&ev.err,
                b & 2   ? ERR_SQL
                : b & 4 ? ERR_TIMEOUT
                : b & 8 ? ERR_LOST
                        : ERR_CANCELLED,
                "simulated");
    } else if (b & 2) {
        ev.rows = rows_parse("version_num|version|server_port|postmaster_start_us|data_directory\n"
                             "150018|15|5432|1600000000000000|/data\n");
    } else if (!(b & 4)) {
        text = input_word(&x->in);
        ev.rows = rows_parse(text);
        free(text);
    }
    x->sql = 0;
    step(x, &ev, id);
}

static void answer_host(struct run *x, uint8_t b)
{
    struct event ev = {.kind = EV_CHILD_EXIT};
    uint32_t id = x->child;

    if (b & 1) {
        ev.kind = EV_TIMER;
        id = x->timer;
        x->timer = 0;
    } else if (b & 2) {
        err_set(&ev.err, ERR_CHILD, "simulated");
    } else {
        ev.text = input_word(&x->in);
    }
    step(x, &ev, id);
}

/* Of the link by ssh: it is made, comes up, goes, in any order and at any time. */
static void link_changes(struct run *x, uint8_t b)
{
    discover_host(&x->d, &x->f, (enum discover_where)(b & 3), b & 1 ? "" : "simulated", &x->fx);
    take_effects(x);
    REQUIRE(!x->f.id.over_ssh || x->f.host.known);
    if (x->d.state == DISCOVER_HOST)
        REQUIRE(x->child != 0);
}

static void late(struct run *x, uint8_t b)
{
    struct event ev = {.kind = b & 1 ? EV_PG_RESULT : EV_CHILD_EXIT};
    enum discover_state before = x->d.state;

    ev.req = (struct req){OWNER_DISCOVERY, x->d.generation - 1, x->d.waiting};
    ev.rows = rows_parse("version_num\n1\n");
    discover_step(&x->d, &x->f, &ev, &x->fx);
    event_clear(&ev);
    REQUIRE(x->fx.n == 0 && x->d.state == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 8192)
        return 0;
    struct run *x = xcalloc(1, sizeof *x);
    x->in = (struct input){data, size, 0};
    uint8_t options = input_byte(&x->in);
    server_facts_clear(&x->f);
    discover_start(&x->d, &x->f, &x->fx);
    take_effects(x);
    for (int i = 0; i < 200; i++) {
        uint8_t b = input_byte(&x->in);
        if (input_ended(&x->in))
            b = 2; /* all goes well to the end */
        if (b >= 0xf0 && !input_ended(&x->in))
            late(x, b);
        else if (b >= 0xe0 && !input_ended(&x->in))
            link_changes(x, b);
        else if (x->d.state == DISCOVER_UNDECIDED)
            link_changes(x, (uint8_t)(b & 1 ? LOOK_NOWHERE : LOOK_BY_SSH));
        else if (x->d.state == DISCOVER_SQL)
            answer_sql(x, b);
        else if (x->d.state == DISCOVER_HOST)
            answer_host(x, b);
        else if (options-- % 4) {
            x->sql = x->child = x->timer = 0;
            discover_refresh(&x->d, &x->f, &x->fx);
            take_effects(x);
        } else {
            break;
        }
    }
    REQUIRE(x->d.state == DISCOVER_DONE || x->d.state == DISCOVER_FAILED);
    server_facts_clear(&x->f);
    free(x);
    return 0;
}
