/* Life and names of events. */
#include "pgd/base/event.h"

#include <stdlib.h>
#include <string.h>

bool req_same(struct req a, struct req b)
{
    return a.owner == b.owner && a.generation == b.generation && a.id == b.id;
}

void event_clear(struct event *ev)
{
    /* What is pasted may be a password. */
    if (ev->kind == EV_PASTE && ev->text)
        explicit_bzero(ev->text, ev->len);
    if (ev->kind == EV_PG_UP && ev->u.pg.password)
        secret_release(ev->u.pg.password);
    free(ev->text);
    rows_free(ev->rows);
    if (ev->digest && ev->digest_free)
        ev->digest_free(ev->digest);
    memset(ev, 0, sizeof *ev);
}

static const char *const kinds[] = {
    [EV_NONE] = "none",
    [EV_START] = "start",
    [EV_TICK] = "tick",
    [EV_TIMER] = "timer",
    [EV_KEY] = "key",
    [EV_PASTE] = "paste",
    [EV_RESIZE] = "resize",
    [EV_SIGNAL] = "signal",
    [EV_TTY_LOST] = "tty_lost",
    [EV_PG_UP] = "pg_up",
    [EV_PG_DOWN] = "pg_down",
    [EV_PG_RESULT] = "pg_result",
    [EV_PG_NOTICE] = "pg_notice",
    [EV_CHILD_UP] = "child_up",
    [EV_CHILD_LINE] = "child_line",
    [EV_CHILD_EXIT] = "child_exit",
    [EV_FILE] = "file",
    [EV_SSH_ASK] = "ssh_ask",
    [EV_SSH_UP] = "ssh_up",
    [EV_SSH_DELAY] = "ssh_delay",
    [EV_SSH_DOWN] = "ssh_down",
    [EV_HTTP_HEAD] = "http_head",
    [EV_HTTP_DATA] = "http_data",
    [EV_HTTP_END] = "http_end",
    [EV_STALL] = "stall",
};

const char *event_kind_name(enum event_kind kind)
{
    bool known = (size_t)kind < ARRAY_LEN(kinds) && kinds[kind];
    return known ? kinds[kind] : "unknown";
}

static const char *const owners[OWNER_COUNT] = {
    [OWNER_NONE] = "none",
    [OWNER_LINKS] = "links",
    [OWNER_DISCOVERY] = "discovery",
    [OWNER_TELEMETRY] = "telemetry",
    [OWNER_BENCH] = "bench",
    [OWNER_APPLY] = "apply",
    [OWNER_FLOW] = "flow",
    [OWNER_STORE] = "store",
    [OWNER_DEMO] = "demo",
    [OWNER_UI] = "ui",
    [OWNER_ASK] = "ask",
    [OWNER_HEALTH] = "health",
    [OWNER_ADVICE] = "advice",
    [OWNER_CLAIM] = "claim",
    [OWNER_HOSTS] = "hosts",
    [OWNER_PLACE] = "place",
    [OWNER_TALK] = "talk",
    [OWNER_VIEWS] = "views",
};

const char *owner_name(enum owner o)
{
    bool known = (size_t)o < ARRAY_LEN(owners) && owners[o];
    return known ? owners[o] : "unknown";
}
