/* views.c - see views.h. */
#include "pgd/app/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/links.h"
#include "pgd/app/view_detail.h"
#include "pgd/app/view_export.h"
#include "pgd/app/view_state.h"
#include "pgd/app/view_text.h"
#include "pgd/app/views_end.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane_view.h"

enum {
    SPARE_MS =
        1000, /* ours above the server's: for the way there and back, and where nothing can be set in the session */
    REFUSED_S = 10, /* each refusal is a line in the server's log: it is not asked again at once */
    LATE_MOST_S = 16
};

static struct tableview_state *state_of(struct model *m)
{
    return &m->live.of[tableview_index(m->live.at)];
}

static void arrange(struct model *m)
{
    if (m->live.at)
        tableview_arrange(m->live.at, &m->live.now, state_of(m), &m->live.order);
    m->dirty = true;
}

/* ---- asking ---- */

static int limit_ms(const struct model *m)
{
    return m->live.at->limit_ms ? m->live.at->limit_ms : TABLEVIEW_MS;
}

static void send(struct model *m, enum live_step step, const char *sql, struct effects *fx)
{
    struct live *l = &m->live;

    l->step = step;
    l->asked_us = m->now_us;
    fx_sql(fx, (struct req){OWNER_VIEWS, l->generation, ++l->waiting}, CONN_VIEWS, sql,
           limit_ms(m) + SPARE_MS);
    m->collect.sent++; /* its transaction is not the server's load */
}

/* What is asked stays out of the way: it waits for no lock and is cut off. */
static void send_limits(struct model *m, struct effects *fx)
{
    char sql[240];

    snprintf(sql, sizeof sql,
             "SELECT pg_catalog.set_config('statement_timeout', '%dms', false),"
             " pg_catalog.set_config('lock_timeout', '100ms', false),"
             " pg_catalog.set_config('jit', 'off', false)",
             limit_ms(m));
    send(m, LIVE_LIMITS, sql, fx);
}

static void send_schema(struct model *m, struct effects *fx)
{
    struct buf sql = {0};

    extension_schema_sql(m->live.at->extension, m->links[CONN_VIEWS].pooled, &sql);
    send(m, LIVE_SCHEMA, buf_text(&sql), fx);
    buf_clear(&sql);
}

static void refuse(struct model *m, const char *why, const char *hint)
{
    struct live *l = &m->live;

    err_set(&l->err, ERR_REFUSED, "%s", why);
    err_hint(&l->err, "%s", hint);
    l->step = LIVE_REST;
    l->again_us = m->now_us + REFUSED_S * 1000000LL;
}

/* A view of an extension's functions asks them in steps, so that nobody can put others in their place. */
static void send_question(struct model *m, const struct buf *question, struct effects *fx)
{
    struct live *l = &m->live;
    struct buf steps = {0};

    if (!l->at->extension || m->links[CONN_VIEWS].pooled) {
        send(m, LIVE_ROWS, buf_text(question), fx);
        return;
    }
    extension_call_sql(l->schema, false, buf_text(question), &steps);
    send(m, LIVE_ROWS, buf_text(&steps), fx);
    fx_several(fx);
    buf_clear(&steps);
}

static void send_rows(struct model *m, struct effects *fx)
{
    struct live *l = &m->live;
    struct buf sql = {0};
    int version = m->links[CONN_VIEWS].server_version;
    const char *asset = tableview_asset(l->at, version);

    if (!asset)
        refuse(m, "this version of PostgreSQL does not tell it", l->at->lacks ? l->at->lacks : "");
    else if (tableview_sql(asset, version, l->schema, &sql))
        send_question(m, &sql, fx);
    buf_clear(&sql);
}

/* The next thing that the view needs of its connection. */
static void ask(struct model *m, struct effects *fx)
{
    struct live *l = &m->live;

    if (!l->limited && !m->links[CONN_VIEWS].pooled)
        send_limits(m, fx);
    else if (l->at->extension && !l->schema[0])
        send_schema(m, fx);
    else
        send_rows(m, fx);
}

/* Nothing is asked of a view that is not shown, stands still, or cannot be seen for a dialog that fills the screen. */
static bool is_asked(const struct model *m)
{
    return m->live.at && m->live.at->form != TABLEVIEW_SHARES && !m->screen.frozen && !m->quitting;
}

static void take_rows(struct model *m, const struct rows *r, int64_t at_us, struct effects *fx);

/* A view of what the program has in memory: the server is not asked. */
static void make(struct model *m, struct effects *fx)
{
    char why[240] = "";
    struct rows *r = m->live.at->make(&m->collect, why);

    if (r)
        take_rows(m, r, m->now_us, fx);
    else
        refuse(m, why, m->live.at->lacks ? m->live.at->lacks : "");
    rows_free(r);
}

void views_tick(struct model *m, struct effects *fx)
{
    struct live *l = &m->live;
    const struct link *link = &m->links[CONN_VIEWS];

    view_state_tick(m, fx);
    if (l->at)
        m->dirty = true; /* its figures have grown older */
    if (!is_asked(m))
        return;
    if (l->at->make) {
        make(m, fx);
        return;
    }
    if (link->state == LINK_OFF && m->links[CONN_CONTROL].state == LINK_UP) {
        l->limited = false;
        l->schema[0] = '\0';
        links_open(m, CONN_VIEWS, m->links[CONN_CONTROL].dbname, fx);
    } else if (link->state == LINK_UP && l->step != LIVE_REST) {
        l->missed += m->now_us - l->asked_us >= 1000000;
    } else if (link->state == LINK_UP && m->now_us >= l->again_us) {
        ask(m, fx);
    }
}

/* ---- answers ---- */

/* Each late answer is a line in the server's log and work for nothing: it is asked ever less often. */
static void late(struct model *m)
{
    struct live *l = &m->live;
    int wait = 2;

    l->missed++;
    for (int i = 0; i < l->misses && wait < LATE_MOST_S; i++)
        wait *= 2;
    l->misses++;
    l->again_us = m->now_us + wait * 1000000LL;
    err_set(&l->err, ERR_TIMEOUT, "no answer within %d ms; asked again in %d s", limit_ms(m), wait);
}

static void failed(struct model *m, const struct event *ev)
{
    struct live *l = &m->live;

    if (ev->err.code == ERR_TIMEOUT || strcmp(ev->err.sqlstate, "57014") == 0) {
        late(m);
        return;
    }
    l->err = ev->err;
    l->schema[0] = '\0'; /* it may have got another name */
    if (l->at->lacks && !l->err.hint[0])
        err_hint(&l->err, "%s", l->at->lacks);
    l->again_us = m->now_us + REFUSED_S * 1000000LL;
}

static void take_rows(struct model *m, const struct rows *r, int64_t at_us, struct effects *fx)
{
    struct live *l = &m->live;
    struct tableview_rows next = {0};

    if (!tableview_read(l->at, r, at_us, &l->now, &next)) {
        refuse(m, "the answer has other columns than the view", "");
        return;
    }
    tableview_clear(&l->before);
    l->before = l->now;
    l->now = next;
    l->misses = 0;
    err_clear(&l->err);
    l->again_us = l->at->every_s > 1 ? l->asked_us + l->at->every_s * 1000000LL - 500000 : 0;
    if (l->at->fill)
        l->at->fill(l->at, &m->collect, &l->now);
    views_end_look(m, fx);
    arrange(m);
}

static void take_schema(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live *l = &m->live;
    const char *schema = ev->rows ? rows_text(ev->rows, 0, "schema") : NULL;
    char why[200];

    if (schema) {
        text_copy_raw(l->schema, sizeof l->schema, schema);
        ask(m, fx);
        return;
    }
    snprintf(why, sizeof why, "the extension %s is not in the database %s%s", l->at->extension,
             m->links[CONN_VIEWS].dbname,
             m->links[CONN_VIEWS].pooled ? ", or its schema is of another role than ours or a "
                                           "superuser, which is not asked through a pooler"
                                         : "");
    refuse(m, why, l->at->lacks ? l->at->lacks : "");
}

static void answered(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live *l = &m->live;
    enum live_step step = l->step;

    if (ev->req.generation != l->generation || ev->req.id != l->waiting || step == LIVE_REST)
        return;
    l->step = LIVE_REST;
    m->dirty = true;
    if (!l->at)
        return;
    if (ev->err.code != ERR_NONE) {
        failed(m, ev);
    } else if (step == LIVE_LIMITS) {
        l->limited = true;
        ask(m, fx);
    } else if (step == LIVE_SCHEMA) {
        take_schema(m, ev, fx);
    } else {
        take_rows(m, ev->rows, ev->at_us, fx);
    }
}

void views_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live *l = &m->live;

    if (view_text_event(m, ev, fx) || views_end_event(m, ev))
        return;
    if (ev->kind == EV_FILE) {
        view_export_event(m, ev);
        return;
    }
    if (ev->kind == EV_PG_RESULT) {
        answered(m, ev, fx);
        return;
    }
    if (ev->kind != EV_PG_UP && ev->kind != EV_PG_DOWN)
        return;
    l->generation++;
    l->step = LIVE_REST;
    l->limited = false;
    l->schema[0] = '\0';
    l->again_us = 0;
    if (ev->kind == EV_PG_UP && is_asked(m) && !l->at->make)
        ask(m, fx);
}

/* ---- opening and closing ---- */

/* What takes long is not waited for: the next view uses the same session. */
static void cancel_slow(struct model *m, struct effects *fx)
{
    struct live *l = &m->live;

    if (!l->at || l->step == LIVE_REST || limit_ms(m) == TABLEVIEW_MS)
        return;
    effects_add(fx, FX_PG_CANCEL, (struct req){OWNER_VIEWS, l->generation, l->waiting})->u.pg.conn =
        CONN_VIEWS;
}

void views_open(struct model *m, const struct tableview *v, struct effects *fx)
{
    struct live *l = &m->live;

    if (v == l->at || !v) {
        if (!v)
            views_close(m, fx);
        return;
    }
    view_text_drop(m, fx);
    cancel_slow(m, fx);
    l->at = v;
    l->generation++; /* what comes now was asked for another view */
    l->step = LIVE_REST;
    l->typing = false;
    l->missed = l->misses = 0;
    l->again_us = 0;
    l->schema[0] = '\0';
    l->limited = false; /* each has its own */
    l->order.n = 0;
    tableview_clear(&l->now);
    tableview_clear(&l->before);
    err_clear(&l->err);
    m->screen.frozen = false; /* there is nothing yet that could stand still */
    arrange(m);
    views_tick(m, fx);
}

void views_close(struct model *m, struct effects *fx)
{
    struct live *l = &m->live;

    view_text_drop(m, fx);
    l->at = NULL;
    l->typing = false;
    l->generation++;
    l->step = LIVE_REST;
    m->screen.frozen = false;
    tableview_clear(&l->now);
    tableview_clear(&l->before);
    links_close(m, CONN_VIEWS, fx);
    m->dirty = true;
}

void views_command(struct model *m, const char *args, struct effects *fx)
{
    const struct tableview *v = *args ? tableview_find(args) : NULL;

    if (v)
        views_open(m, v, fx);
    else if (strcmp(args, "off") == 0)
        views_close(m, fx);
    else
        dialogs_open(m, DIALOG_VIEWS);
    if (*args && !v && strcmp(args, "off") != 0)
        model_say(m, CHAT_WARN, "there is no view named %s: /view lists them", args);
}

/* ---- keys ---- */

/* Who holds what this row waits for, as far as the sample has them. */
static void say_blockers(struct model *m, int row)
{
    static const char *const columns[] = {"usename", "application_name", "state", "query"};
    const struct live *l = &m->live;
    const char *by = tableview_text(&l->now, row, tableview_column_of(l->at, "blockers"));
    int pid = tableview_column_of(l->at, "pid");

    for (; *by; by += strcspn(by, ", "), by += strspn(by, ", ")) {
        int other = 0;
        while (other < l->now.n && tableview_at(&l->now, other, pid)->raw != strtod(by, NULL))
            other++;
        if (other == l->now.n)
            continue;
        buf_printf(&m->page.text, "\n# Blocked by pid %.*s\n", (int)strcspn(by, ", "), by);
        for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
            int col = tableview_column_of(l->at, columns[i]);
            const char *text = tableview_text(&l->now, other, col);
            if (col >= 0 && *text)
                buf_printf(&m->page.text, "%s: %s\n", l->at->columns[col].header, text);
        }
    }
}

/* All that is known of the row, as a page. */
static void open_detail(struct model *m)
{
    struct live *l = &m->live;
    int row = tableview_cursor(&l->order, state_of(m));
    char shown[TABLEVIEW_TEXT + 1];

    if (row < 0)
        return;
    buf_clear(&m->page.text);
    snprintf(m->page.title, sizeof m->page.title, "%s: one row", l->at->title);
    for (int c = 0; c < tableview_columns(l->at); c++) {
        const struct tableview_column *k = &l->at->columns[c];
        tableview_show(l->at, &l->now, row, c, shown, sizeof shown);
        if (shown[0] && k->width == 0)
            buf_printf(&m->page.text, "\n# %s\n%s\n", k->header, shown);
        else if (shown[0])
            buf_printf(&m->page.text, "%s: %s\n", k->header, shown);
    }
    say_blockers(m, row);
    view_detail_more(m, row, &m->page.text);
    dialogs_open(m, DIALOG_PAGE);
}

static void scroll_columns(struct model *m, int by)
{
    struct tableview_state *s = state_of(m);
    int most = m->live.at->form == TABLEVIEW_SHARES
                   ? 3
                   : tableview_columns(m->live.at) - 2; /* doublings */

    s->left += by;
    if (s->left > most)
        s->left = most;
    if (s->left < 0)
        s->left = 0;
}

/* What is typed is on top; then the filter that stands; then the view itself. */
static void step_back(struct model *m, struct effects *fx)
{
    struct tableview_state *s = state_of(m);

    if (s->filter[0]) {
        s->filter[0] = '\0';
        arrange(m);
    } else {
        views_close(m, fx);
    }
}

static void next_view(struct model *m, int way, struct effects *fx)
{
    int at = (tableview_index(m->live.at) + way + tableview_count) % tableview_count;

    views_open(m, &tableview_list[at], fx);
}

static void move(struct model *m, int by)
{
    tableview_move(&m->live.now, &m->live.order, by, state_of(m));
}

static bool open_by(struct model *m, enum key_command c, struct effects *fx)
{
    static const char keys[] = {'6', '7', '8', '9'};
    const struct tableview *v;

    if (c == KC_VIEWS || c < KC_VIEW_6 || c > KC_VIEW_9) {
        if (c == KC_VIEWS)
            dialogs_open(m, DIALOG_VIEWS);
        return c == KC_VIEWS;
    }
    v = tableview_by_key((uint32_t)keys[c - KC_VIEW_6]);
    if (v)
        views_open(m, v, fx);
    else
        dialogs_open(m, DIALOG_VIEWS);
    return true;
}

static bool order_by(struct model *m, enum key_command c)
{
    struct tableview_state *s = state_of(m);

    switch (c) {
    case KC_VIEW_SORT:
    case KC_VIEW_SORT_RIGHT:
        tableview_sort_next(m->live.at, 1, s);
        break;
    case KC_VIEW_SORT_LEFT:
        tableview_sort_next(m->live.at, -1, s);
        break;
    case KC_VIEW_SHARE:
    case KC_VIEW_REVERSE:
        s->reverse = !s->reverse;
        break;
    case KC_VIEW_QUIET:
        s->loud = !s->loud;
        break;
    case KC_VIEW_FILTER:
        m->live.typing = true;
        break;
    default:
        return false;
    }
    arrange(m);
    return true;
}

bool views_action(struct model *m, enum key_command c, struct effects *fx)
{
    if (open_by(m, c, fx))
        return true;
    if (!m->live.at)
        return false;
    if (order_by(m, c))
        return true;
    switch (c) {
    case KC_UP:
    case KC_DOWN:
        move(m, c == KC_UP ? -1 : 1);
        return true;
    case KC_PAGE_UP:
    case KC_PAGE_DOWN:
        move(m, c == KC_PAGE_UP ? -pane_view_rows(m) : pane_view_rows(m));
        return true;
    case KC_TOP:
    case KC_BOTTOM:
        move(m, c == KC_TOP ? -TABLEVIEW_ROWS : TABLEVIEW_ROWS);
        return true;
    case KC_VIEW_LEFT:
    case KC_VIEW_RIGHT:
        scroll_columns(m, c == KC_VIEW_LEFT ? -1 : 1);
        return true;
    case KC_NEXT_PANE:
    case KC_PREV_PANE:
        next_view(m, c == KC_NEXT_PANE ? 1 : -1, fx);
        return true;
    case KC_VIEW_DETAIL:
        open_detail(m);
        return true;
    case KC_VIEW_CANCEL:
    case KC_VIEW_TERMINATE:
        views_end_ask(m, c == KC_VIEW_TERMINATE);
        return true;
    case KC_VIEW_EXPORT:
        view_export_begin(m, fx);
        return true;
    case KC_VIEW_COPY:
        view_text_copy(m, fx);
        return true;
    case KC_VIEW_PLAN:
        view_text_plan(m, fx);
        return true;
    case KC_VIEW_BACK:
        step_back(m, fx);
        return true;
    case KC_QUIT:
        views_close(m, fx);
        return true;
    case KC_ZOOM: /* it has the whole body already */
        return true;
    case KC_PANE_1:
    case KC_PANE_2:
    case KC_PANE_3:
    case KC_PANE_4:
    case KC_PANE_5:
        views_close(m, fx);
        return false;
    default:
        return false;
    }
}

bool views_typing(struct model *m, struct key k)
{
    struct tableview_state *s;
    size_t len;

    if (!m->live.at || !m->live.typing || (k.name == KEYN_CTRL && k.rune != 'u'))
        return false;
    s = state_of(m);
    len = strlen(s->filter);
    if (k.name == KEYN_ENTER) {
        m->live.typing = false;
    } else if (k.name == KEYN_ESC) {
        m->live.typing = false;
        s->filter[0] = '\0';
    } else if (k.name == KEYN_CTRL && k.rune == 'u') {
        s->filter[0] = '\0';
    } else if (k.name == KEYN_BACKSPACE && len > 0) {
        while (len > 0 && (s->filter[len - 1] & 0xc0) == 0x80)
            len--;
        s->filter[len > 0 ? len - 1 : 0] = '\0';
    } else if (k.name == KEYN_NONE && text_rune_safe(k.rune)) {
        char bytes[5] = "";
        size_t used = text_encode(k.rune, bytes);
        if (len + used < sizeof s->filter)
            memcpy(s->filter + len, bytes, used + 1);
    } else if (k.name == KEYN_UP || k.name == KEYN_DOWN) {
        move(m, k.name == KEYN_UP ? -1 : 1);
    }
    arrange(m);
    return true;
}

void views_paste(struct model *m, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        struct key k = {KEYN_NONE, 0};
        i += text_decode(text + i, len - i, &k.rune);
        if (k.rune == '\n' || k.rune == '\t')
            k.rune = ' ';
        if (!views_typing(m, k))
            return;
    }
}

bool views_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    const struct tableview *v = NULL;

    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
        return true;
    }
    if (list_move(&d->cursor, k, tableview_count))
        return true;
    if (k.name == KEYN_ENTER)
        v = &tableview_list[d->cursor];
    else if (k.name == KEYN_NONE)
        v = tableview_by_key(k.rune);
    if (v) {
        dialogs_close(m);
        views_open(m, v, fx);
    }
    return true;
}
