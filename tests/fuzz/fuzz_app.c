/*
 * The whole program without its io: app_update() beside a simulated server, disk and programs. The first bytes choose the
 * command line, the others what happens: how far things go well, which answer is an error, when a connection is lost, what
 * is typed, when the process is killed and started again. After every event the invariants of the design are looked at;
 * at the end of the input everything goes well, and the program has to come to an end by itself or when it is told to:
 * mostly the latter, since a session to its end takes longer than all that an input has done before.
 */
#include "../support/sim.h"
#include "pgd/app/cli.h"
#include "pgd/app/headless.h"
#include "pgd/app/keys.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"
#include "pgd/ui/view.h"
#include <signal.h>

enum { STEPS_MAX = 1500, DRAIN_MAX = 12000, TUNES_MAX = 2, IDLE_S = 600 };

const size_t fuzz_prefix_most = 0;

struct run {
    struct input in;
    struct model *m;
    struct sim *s;
    struct options opt;
    uint64_t printed;
    enum apply_state seen;
    int64_t alive_at; /* when something was last under way */
    int tunes;        /* sessions that may still be begun by themselves */
    bool quit_seen;
};

/* ---- what holds ---------------------------------------------------------------------------------- */

static bool entry_stands(const struct sim *s, const struct entry *e)
{
    int i = sim_setting(e->name);
    struct sim_entry want = {.present = e->present};
    snprintf(want.value, sizeof want.value, "%s", e->present ? e->value : "");
    return i >= 0 && sim_same(&s->file[i], &want);
}

/* A switch has ended: what it says is what stands in the file. */
static void check_switch(const struct run *r)
{
    const struct apply *a = &r->m->apply;

    if (a->state == APPLY_DONE)
        for (int i = 0; i < a->n; i++)
            REQUIRE(entry_stands(r->s, &a->to[i]));
    if (a->state == APPLY_ROLLED_BACK)
        for (int i = 0; i < a->sent; i++)
            REQUIRE(entry_stands(r->s, &a->before[i]));
    if (a->state == APPLY_FAILED)
        for (int i = 0; i < a->n; i++)
            REQUIRE(entry_stands(r->s, &a->before[i]));
    if (a->state == APPLY_STUCK)
        REQUIRE(strstr(a->stuck_sql, "ALTER SYSTEM ") != NULL);
    if (a->state != APPLY_DONE && a->state != APPLY_ASKED)
        REQUIRE(a->err.msg[0]);
}

/* The ledger and the file agree, and every name is accounted for. */
static void check_ledger(const struct run *r)
{
    const struct ledger *l = &r->m->session.ledger;

    for (int i = 0; i < l->n; i++)
        if (!l->rows[i].unsure)
            REQUIRE(entry_stands(r->s, &l->rows[i].current));
}

static bool session_needs(const struct run *r, const struct sim_pending *p)
{
    enum owner o = p->e.req.owner;
    bool telemetry = o == OWNER_LINKS && p->e.kind == FX_PG_CONNECT &&
                     p->e.u.pg.conn == CONN_TELEMETRY;

    (void)r;
    return o != OWNER_TELEMETRY && o != OWNER_STORE && o != OWNER_UI && !telemetry;
}

/* Who works waits for something that will come: an answer, a timer, a decision, or a few figures of the telemetry. */
static bool waits_for_something(const struct run *r)
{
    const struct model *m = r->m;
    bool works = model_run_active(m) || m->flow == FLOW_DISCOVER || m->flow == FLOW_WORKSPACE ||
                 m->flow == FLOW_RECOVER;

    if (!works || m->quitting || m->fl.decision != DECIDE_NOTHING ||
        m->fl.now.hold.what != HOLD_NOTHING)
        return true;
    for (int i = 0; i < CONN_COUNT; i++)
        if (m->links[i].state == LINK_PASSWORD)
            return true;
    for (int i = 0; i < r->s->n; i++)
        if (session_needs(r, &r->s->list[i]))
            return true;
    return false;
}

static void check_alive(struct run *r)
{
    if (waits_for_something(r))
        r->alive_at = r->s->now;
    REQUIRE(r->s->now - r->alive_at < IDLE_S * SIM_SECOND);
}

static void check_bounds(const struct run *r)
{
    const struct model *m = r->m;

    REQUIRE(m->nchat <= CHAT_MAX && m->session.ledger.n <= LEDGER_MAX);
    REQUIRE(m->session.nhistory <= HISTORY_MAX && m->workspace.nsessions <= SESSION_ROWS_MAX);
    REQUIRE(m->session.confirm.n <= EXPERIMENT_RUNS_MAX &&
            m->session.baseline.n <= EXPERIMENT_RUNS_MAX &&
            m->session.round.experiment.n <= EXPERIMENT_RUNS_MAX);
    REQUIRE(m->screen.dialog.input_len < (int)sizeof m->screen.dialog.input &&
            m->screen.prompt.len < PROMPT_MAX);
    if (m->flow == FLOW_STUCK)
        REQUIRE(m->fl.err.msg[0]);
}

static void deliver(void *arg, struct event *ev, struct effects *fx)
{
    struct run *r = arg;
    struct model *m = r->m;
    uint32_t generation = m->apply.generation;

    app_update(m, ev, fx);
    if (m->opt.headless)
        headless_chat(m, &r->printed, fx);
    bool ended = apply_finished(&m->apply);
    if (ended && (r->seen != m->apply.state || generation != m->apply.generation))
        check_switch(r);
    r->seen = m->apply.state;
    check_bounds(r);
}

/* ---- what the DBA does ------------------------------------------------------------------------------ */

static void press(struct run *r, enum key_name name, uint32_t rune)
{
    struct event ev = {.kind = EV_KEY, .u.key = {.name = name, .rune = rune}};
    sim_deliver(r->s, &ev);
}

static void press_char(struct run *r, char c)
{
    press(r, KEYN_NONE, (uint32_t)(unsigned char)c);
}

static void type(struct run *r, const char *text)
{
    for (; *text; text++)
        press_char(r, *text);
}

/* Goes to a line without an answer and gives one. */
static void review(struct run *r)
{
    const struct review *v = &r->m->session.round.review;
    int at = 0;

    if (review_complete(v)) {
        press_char(r, 'g');
        return;
    }
    while (v->lines[at].refusal != REFUSE_NONE || v->lines[at].answer != ANSWER_NONE)
        at++;
    press_char(r, at > v->cursor ? 'j' : at < v->cursor ? 'k' : r->s->counter % 7 == 0 ? 'r' : 'a');
}

/* What the program must not do itself is done by the DBA, or not. */
static void by_hand(struct run *r)
{
    const struct apply *a = &r->m->apply;
    const struct entry *want = a->undoing ? a->before : a->to;
    int n = a->undoing ? a->sent : a->n;

    if (r->s->counter++ % 5 == 0) {
        press_char(r, 'r');
        return;
    }
    for (int i = 0; i < n; i++)
        sim_set(r->s, want[i].name, want[i].present, want[i].value);
    if (a->restart)
        sim_restart(r->s, SIM_R_SILENT, "");
    else
        sim_load(r->s, false);
    press(r, KEYN_ENTER, 0);
    sim_next(r->s, true);
}

/* Brings the open question on the screen and answers it. */
static void decide(struct run *r)
{
    static const enum dialog_kind kinds[] = {
        [DECIDE_STRATEGY] = DIALOG_STRATEGY, [DECIDE_PLAN] = DIALOG_PLAN,
        [DECIDE_TARGET] = DIALOG_TARGET,     [DECIDE_REVIEW] = DIALOG_REVIEW,
        [DECIDE_RECOVER] = DIALOG_RECOVER,   [DECIDE_KEEP] = DIALOG_SUMMARY,
        [DECIDE_VERDICT] = DIALOG_VERDICT,   [DECIDE_MANUAL] = DIALOG_MANUAL};
    struct model *m = r->m;
    enum decision d = m->fl.decision;
    struct dialog *dialog = &m->screen.dialog;

    if (m->screen.prompt.focus) {
        press(r, KEYN_ESC, 0);
    } else if (dialog->kind != kinds[d]) {
        press(r, dialog->kind == DIALOG_NONE ? KEYN_NONE : KEYN_ESC,
              dialog->kind == DIALOG_NONE ? 't' : 0);
    } else if (dialog->editing) {
        press(r, KEYN_ESC, 0);
    } else if (d == DECIDE_PLAN) {
        press_char(r, 'g');
    } else if (d == DECIDE_REVIEW) {
        review(r);
    } else if (d == DECIDE_KEEP) {
        press_char(r, 'k');
    } else if (d == DECIDE_MANUAL) {
        by_hand(r);
    } else {
        press(r, KEYN_ENTER, 0);
    }
}

/* Something goes on: an answer comes, or the DBA decides, or begins. */
static void go_on(struct run *r)
{
    struct model *m = r->m;
    bool rest = m->flow == FLOW_WATCH || m->flow == FLOW_SUMMARY;

    if (r->s->quit || r->s->events % 64 == 63 || m->opt.headless) {
        sim_next(r->s, true);
    } else if (m->screen.dialog.kind == DIALOG_PASSWORD) {
        type(r, "x");
        press(r, KEYN_ENTER, 0);
    } else if (m->fl.decision != DECIDE_NOTHING) {
        decide(r);
    } else if (rest && r->tunes > 0 && m->screen.dialog.kind == DIALOG_NONE &&
               !m->screen.prompt.focus) {
        r->tunes--;
        press_char(r, 't');
    } else if (rest && (m->screen.dialog.kind != DIALOG_NONE || m->screen.prompt.focus)) {
        press(r, KEYN_ESC, 0);
        sim_next(r->s, true);
    } else {
        sim_next(r->s, true);
    }
}

/* ---- the process --------------------------------------------------------------------------------------- */

static void start(struct run *r)
{
    struct event ev = {.kind = EV_START};

    r->m = xcalloc(1, sizeof *r->m);
    model_init(r->m);
    r->m->opt = r->opt;
    r->m->opt.connect.password = secret_put(SIM_PASSWORD, strlen(SIM_PASSWORD));
    r->printed = 0;
    r->alive_at = r->s->now;
    r->seen = APPLY_IDLE;
    r->s->gate.readonly = r->opt.readonly;
    sim_deliver(r->s, &ev);
}

static void stop(struct run *r)
{
    model_clear(r->m);
    free(r->m);
    secret_wipe_all();
}

static void restart(struct run *r, int written)
{
    sim_kill(r->s, written);
    stop(r);
    start(r);
}

/* What was told to the world at the end. */
static void check_quit(struct run *r)
{
    const struct model *m = r->m;
    const struct sim *s = r->s;

    REQUIRE(m->quitting);
    if (m->opt.headless && m->opt.json)
        REQUIRE(strncmp(s->last_line, "{\"event\":\"summary\"", 18) == 0);
    REQUIRE(s->exit_code >= 0 && s->exit_code <= 5);
    /* A change that was begun here is finished or undone, or the operator was told. */
    if (s->intent_open && !s->disk_lied)
        REQUIRE(s->exit_code == 5 || m->flow == FLOW_STUCK);
    if (!s->disk_lied)
        check_ledger(r);
}

static void look(struct run *r, int rows, int cols)
{
    struct canvas *c = canvas_new(rows, cols);
    struct view_cursor cursor = {0};

    view_paint(c, r->m, keys_tables(), &cursor);
    REQUIRE(!cursor.visible ||
            (cursor.y >= 0 && cursor.y < rows && cursor.x >= 0 && cursor.x < cols));
    canvas_free(c);
}

/* ---- one word of the input ------------------------------------------------------------------------- */

static void late(struct run *r, uint8_t which)
{
    struct event settle = {.kind = EV_NONE}; /* what is due by the time alone happens first */
    sim_deliver(r->s, &settle);
    if (r->s->quit)
        return;
    static const enum event_kind kinds[] = {EV_PG_RESULT, EV_CHILD_EXIT, EV_FILE, EV_TIMER,
                                            EV_CHILD_LINE};
    const struct model *m = r->m;
    const struct req reqs[] = {
        {OWNER_DISCOVERY, m->discover.generation - 1, m->discover.waiting},
        {OWNER_TELEMETRY, m->collect.generation - 1, m->collect.waiting_pg},
        {OWNER_BENCH, m->bench.generation - 1, m->bench.waiting},
        {OWNER_APPLY, m->apply.generation - 1, m->apply.waiting},
        {OWNER_CLAIM, m->claim.generation - 1, m->claim.waiting},
        {OWNER_FLOW, m->fl.generation, m->fl.waiting - 1},
        {OWNER_LINKS, m->links[which % CONN_COUNT].generation - 1,
         (uint32_t)(which % CONN_COUNT) + 1},
    };
    struct event ev = {.kind = kinds[which % 5], .req = reqs[which / 5 % ARRAY_LEN(reqs)]};
    enum flow_state flow = m->flow;
    enum apply_state apply = m->apply.state;
    enum bench_state bench = m->bench.state;
    enum discover_state discover = m->discover.state;
    int sent = r->s->sent, step = m->fl.step;

    if (ev.req.owner == OWNER_LINKS) {
        ev.kind = which & 64 ? EV_PG_UP : EV_PG_DOWN;
        ev.u.pg.conn = (enum pg_conn)(which % CONN_COUNT);
    }
    ev.rows = ev.kind == EV_PG_RESULT ? sim_text("version_num\n1\n") : NULL;
    sim_deliver(r->s, &ev);
    REQUIRE(flow == m->flow && apply == m->apply.state && bench == m->bench.state &&
            discover == m->discover.state && step == m->fl.step);
    REQUIRE(sent == r->s->sent);
}

static void server_word(struct run *r, uint8_t b)
{
    static const double gains[] = {1.2, 1.0, 0.8, 1.05, 3, 0.2};
    struct sim *s = r->s;

    switch (b & 7) {
    case 0:
        s->up = !s->up;
        if (!s->up)
            sim_drop_all(s);
        else
            s->start_us += SIM_SECOND, sim_load(s, true);
        break;
    case 1: /* a crash, and up again at once */
        sim_drop_all(s);
        s->start_us += SIM_SECOND;
        sim_load(s, true);
        break;
    case 2:
        s->reload_lag = input_byte(&r->in) % 4;
        break;
    case 3:
        s->restart_outcome = input_byte(&r->in) % SIM_R_COUNT;
        break;
    case 4:
        s->gain = gains[input_byte(&r->in) % ARRAY_LEN(gains)];
        break;
    case 5:
        s->override = input_byte(&r->in) % (SIM_SETTINGS + 1) - 1;
        break;
    case 6:
        late(r, input_byte(&r->in));
        break;
    default:
        s->standby = !s->standby;
        break;
    }
}

static void terminal_word(struct run *r, uint8_t b)
{
    static const char *const lines[] = {"resume", "export", "close", "pause", "tune",
                                        "quit",   "status", "help",  "x",     "resume Nobody_1"};
    struct event ev = {.kind = EV_NONE};

    switch (b & 15) {
    case 0:
        ev.kind = EV_SIGNAL;
        ev.u.signo = SIGTERM;
        break;
    case 1:
        ev.kind = EV_PASTE;
        ev.len = input_byte(&r->in) % 40;
        ev.text = xcalloc(1, ev.len + 1);
        for (size_t i = 0; i < ev.len; i++)
            ev.text[i] = (char)input_byte(&r->in);
        break;
    case 2:
        ev.kind = EV_RESIZE;
        ev.u.size.rows = input_byte(&r->in) % 60 + 1;
        ev.u.size.cols = input_byte(&r->in) + 1;
        break;
    case 3:
        ev.kind = EV_TTY_LOST;
        break;
    case 4:
        ev.kind = EV_PG_NOTICE;
        ev.text = xstrdup("a notice");
        break;
    case 5:
    case 6:
        press_char(r, '/');
        type(r, lines[input_byte(&r->in) % ARRAY_LEN(lines)]);
        press(r, KEYN_ENTER, 0);
        return;
    case 7:
    case 8:
        look(r, input_byte(&r->in) % 50 + 1, input_byte(&r->in) % 200 + 1);
        return;
    case 9:
        restart(r, input_byte(&r->in) % 6 - 1);
        return;
    case 10:
        r->s->now += input_byte(&r->in) * SIM_SECOND;
        return;
    default:
        press(r, (enum key_name)(b & 3 ? KEYN_NONE : input_byte(&r->in) % (KEYN_CTRL + 1)),
              (uint32_t) "aAcdegGjkqrRsStTuz?12345 /:ynx+-"[input_byte(&r->in) & 31]);
        return;
    }
    sim_deliver(r->s, &ev);
}

static void word(struct run *r)
{
    uint8_t b = input_byte(&r->in);

    if (b < 0x80) {
        for (int i = 0; i <= b && !r->s->quit; i++) {
            go_on(r);
            check_alive(r);
        }
    } else if (b < 0xb0) {
        int n = r->s->n;
        enum sim_fault fault = (enum sim_fault)(input_byte(&r->in) % (SIM_ODD + 1));
        if (n > 0)
            sim_step(r->s, (b & 15) % n, fault);
    } else if (b < 0xb8) {
        if (b & 4)
            sim_drop_all(r->s);
        else
            sim_drop(r->s, (enum pg_conn)(b & 3));
    } else if (b < 0xc8) {
        server_word(r, b);
    } else {
        terminal_word(r, b);
    }
}

/* ---- a whole life ------------------------------------------------------------------------------------ */

static void options_of(struct run *r)
{
    struct options *o = &r->opt;
    struct sim *s = r->s;
    uint8_t a = input_byte(&r->in), b = input_byte(&r->in), c = input_byte(&r->in);
    static const enum restart_policy restarts[] = {RESTART_AUTO, RESTART_NEVER, RESTART_COMMAND,
                                                   RESTART_ASK};
    static const int versions[] = {150018, 120022, 180000, 140009};

    o->headless = a & 1;
    o->json = a & 2;
    o->accept = !o->headless ? ACCEPT_ASK : a & 4 ? ACCEPT_NONE : ACCEPT_SAFE;
    o->restart = restarts[a >> 3 & 3];
    snprintf(o->restart_command, sizeof o->restart_command, "%s",
             o->restart == RESTART_COMMAND ? "/bin/restart" : "");
    o->readonly = (a & 0xe0) == 0xe0;
    o->rounds = (b & 15) == 15 ? 4 : (b & 1) + 1;
    o->duration_s = 1;
    o->budget_given = true;
    o->budget_s = b & 16 ? 30 : 1800;
    o->target_tps = b & 32 ? 1100 : 0;
    o->bench_db = !(b & 64);
    o->has_target = true;
    o->pid = 4711;
    snprintf(o->home, sizeof o->home, "/home/of/it");
    cli_connect_set(&o->connect, "host", "/sock");
    cli_connect_set(&o->connect, "dbname", "shop");
    s->reached = !(c & 1);
    s->superuser = !(c & 2);
    s->version = versions[c >> 2 & 3];
    s->may_alter = !(c & 64);
    if (c & 16)
        sim_given(s, "work_mem", "8MB");
    if (c & 32)
        sim_given(s, "shared_buffers", "256MB");
    r->tunes = TUNES_MAX;
}

/* Nothing fails any more. The end comes by itself, or by a signal. */
static void drain(struct run *r, bool by_signal)
{
    struct sim *s = r->s;

    s->restart_outcome = SIM_R_UP;
    s->override = -1;
    s->reload_lag = 0;
    s->standby = false;
    if (!s->up) {
        s->up = true;
        s->start_us += SIM_SECOND;
        sim_load(s, true);
    }
    for (int i = 0; i < DRAIN_MAX && !s->quit && !by_signal; i++) {
        const struct model *m = r->m;
        bool rest = m->flow == FLOW_PAUSED || m->flow == FLOW_STUCK || m->flow == FLOW_ERROR ||
                    (m->flow == FLOW_WATCH && r->tunes == 0) || m->flow == FLOW_DISCOVER ||
                    (m->flow == FLOW_SUMMARY && r->tunes == 0);
        if (rest && !m->opt.headless && i > 400)
            break;
        go_on(r);
        check_alive(r);
    }
    if (s->quit)
        return;
    REQUIRE(!r->m->opt.headless || by_signal);
    struct event ev = {.kind = EV_SIGNAL, .u.signo = SIGTERM};
    sim_deliver(s, &ev);
    for (int i = 0; i < DRAIN_MAX && !s->quit; i++) {
        sim_next(s, true);
        check_alive(r);
    }
    REQUIRE(s->quit);
}

static void quiet(enum log_level level, const char *line)
{
    (void)level;
    (void)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run *r = xcalloc(1, sizeof *r);

    if (size < 4 || size > 2000) {
        free(r);
        return 0;
    }
    log_sink(quiet);
    r->in = (struct input){data, size, 0};
    r->s = sim_new(deliver, r);
    r->s->trace = getenv("SIM_TRACE") != NULL;
    options_of(r);
    bool by_signal = input_byte(&r->in) % 8 != 0;
    start(r);
    while (!input_ended(&r->in) && !r->s->quit && r->s->events < STEPS_MAX)
        word(r);
    drain(r, by_signal);
    check_quit(r);
    stop(r);
    sim_free(r->s);
    free(r);
    return 0;
}
