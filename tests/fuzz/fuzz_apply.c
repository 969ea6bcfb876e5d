/*
 * The switch of a configuration by itself, beside a simulated server: each pair of bytes chooses the next goal or what
 * goes wrong. Whatever happens, a switch ends, and what it says of its end is what stands in the file.
 */
#include "../support/sim.h"
#include "pgd/app/gate.h"
#include "pgd/tuning/apply.h"

enum { STEPS_MAX = 3000, ENDS_MAX = 6000 };

struct run {
    struct sim *s;
    struct apply a;
    struct server_facts facts;
    struct ledger ledger;
    uint64_t journal_no;
    struct effect connect;
    struct apply_env env;
    uint32_t link_generation;
    bool linked; /* CONTROL is wanted */
};

static void link_wanted(struct run *r, struct effects *fx)
{
    struct req req = {OWNER_LINKS, ++r->link_generation, 1};

    effects_add(fx, FX_PG_CONNECT, req)->u.pg.conn = CONN_CONTROL;
}

static void deliver(void *arg, struct event *ev, struct effects *fx)
{
    struct run *r = arg;
    bool link = ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN;

    if (link && ev->u.pg.conn == CONN_CONTROL) {
        if (ev->req.generation != r->link_generation)
            return;
        if (ev->kind == EV_PG_DOWN)
            link_wanted(r, fx);
    } else if (ev->req.owner != OWNER_APPLY) {
        return;
    }
    apply_step(&r->a, ev, fx);
}

static bool stands(const struct sim *s, const struct entry *e)
{
    int i = sim_setting(e->name);
    struct sim_entry want = {.present = e->present};

    snprintf(want.value, sizeof want.value, "%s", e->present ? e->value : "");
    return i >= 0 && sim_same(&s->file[i], &want);
}

static void check_end(const struct run *r)
{
    const struct apply *a = &r->a;
    const struct entry *e = a->state == APPLY_DONE ? a->to : a->before;
    int n = a->state == APPLY_ROLLED_BACK ? a->sent : a->n;

    if (a->state == APPLY_STUCK)
        REQUIRE(strstr(a->stuck_sql, "ALTER SYSTEM ") != NULL && a->err.msg[0]);
    for (int i = 0; i < n && a->state != APPLY_STUCK; i++)
        REQUIRE(stands(r->s, &e[i]));
    for (int i = 0; i < r->ledger.n && a->state != APPLY_STUCK; i++) {
        const struct ledger_row *row = &r->ledger.rows[i];
        REQUIRE(stands(r->s, &row->current) || (row->unsure && stands(r->s, &row->pending)));
    }
}

static void begin(struct run *r, uint8_t which)
{
    static const char *const values[][2] = {
        {"work_mem", "64MB"},
        {"random_page_cost", "1.1"},
        {"shared_buffers", "1GB"},
        {"max_wal_size", "4GB"},
        {"jit", "off"},
        {"synchronous_commit", "local"},
        {"wal_compression", "on"},
        {"fsync", "off"},
    };
    struct arm goal = {.label = "fuzz"};
    struct effects fx = {0};

    for (int i = 0; i < 8; i++)
        if (which >> i & 1)
            arm_set(&goal, values[i][0], true, values[i][1]);
    apply_start(&r->a, &r->env, &goal, r->s->now, &fx);
    for (size_t i = 0; i < fx.n; i++)
        sim_check_effect(r->s, &fx.items[i]);
    gate_run(&r->s->gate, &fx, sim_carry_out, sim_refused, r->s);
}

static void prepare(struct run *r, uint8_t options)
{
    static const enum restart_way ways[] = {RESTART_WAY_PG_CTL, RESTART_WAY_COMMAND,
                                            RESTART_WAY_NONE, RESTART_WAY_PG_CTL};
    struct identity *id = &r->facts.id;
    struct rows *rows = sim_setting_rows(r->s, false);

    server_facts_clear(&r->facts);
    snprintf(id->system_identifier, sizeof id->system_identifier, "7000000000000000042");
    snprintf(id->data_directory, sizeof id->data_directory, "/data");
    snprintf(id->config_file, sizeof id->config_file, "/data/postgresql.conf");
    snprintf(id->bindir, sizeof id->bindir, "/bin15");
    snprintf(id->owner, sizeof id->owner, "postgres");
    snprintf(id->database, sizeof id->database, "shop");
    snprintf(id->role, sizeof id->role, "dba");
    id->server_port = 5432;
    id->version_num = 150018;
    id->reached = !(options & 4);
    rows_free(rows);
    r->connect = (struct effect){.kind = FX_PG_CONNECT, .ms = 5000};
    r->connect.u.pg.keys = xcalloc(1, sizeof(char *));
    r->connect.u.pg.values = xcalloc(1, sizeof(char *));
    r->env = (struct apply_env){.facts = &r->facts,
                                .ledger = &r->ledger,
                                .journal_path = "/w/journal.jsonl",
                                .journal_no = &r->journal_no,
                                .work_dir = "/w",
                                .way = ways[options & 3],
                                .restart_command = "/bin/restart",
                                .canary = options & 8,
                                .preflight_disabled = options & 16,
                                .verify_ms = 1000,
                                .connect = options & 32 ? NULL : &r->connect};
    if (options & 64)
        sim_given(r->s, "work_mem", "8MB");
}

static void word(struct run *r, uint8_t what, uint8_t how)
{
    struct sim *s = r->s;

    if (what < 0x60) {
        for (int i = 0; i <= what % 24 && s->n > 0; i++)
            sim_next(s, false);
    } else if (what < 0xc0) {
        if (s->n > 0)
            sim_step(s, what % s->n, (enum sim_fault)(how % (SIM_ODD + 1)));
    } else if (what < 0xc8) {
        sim_drop(s, (enum pg_conn)(how % CONN_COUNT));
    } else if (what < 0xd0) {
        s->up = !s->up;
        if (s->up)
            s->start_us += SIM_SECOND, sim_load(s, true);
        else
            sim_drop_all(s);
    } else if (what < 0xe0) {
        s->restart_outcome = how % SIM_R_COUNT;
    } else if (what < 0xe8) {
        s->reload_lag = how % 4;
    } else if (what < 0xf0) {
        s->override = how % (SIM_SETTINGS + 1) - 1;
    } else {
        struct event late = {.kind = how & 1 ? EV_PG_RESULT : EV_FILE,
                             .req = {OWNER_APPLY, r->a.generation - 1, r->a.waiting}};
        enum apply_state state = r->a.state;
        int sent = s->sent;
        sim_deliver(s, &late);
        REQUIRE(state == r->a.state && sent == s->sent);
    }
}

static void end(struct run *r)
{
    apply_clear(&r->a);
    effect_clear(&r->connect);
    server_facts_clear(&r->facts);
    sim_free(r->s);
    free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 600)
        return 0;
    struct run *r = xcalloc(1, sizeof *r);
    struct effects fx = {0};
    r->s = sim_new(deliver, r);
    r->s->trace = getenv("SIM_TRACE") != NULL;
    prepare(r, data[0]);
    link_wanted(r, &fx);
    gate_run(&r->s->gate, &fx, sim_carry_out, sim_refused, r->s);
    sim_next(r->s, false);
    begin(r, data[1]);
    for (size_t at = 2; at + 1 < size && r->s->events < STEPS_MAX; at += 2) {
        if (apply_finished(&r->a)) {
            check_end(r);
            if (r->a.state == APPLY_STUCK)
                break;
            begin(r, data[at + 1]);
        } else {
            word(r, data[at], data[at + 1]);
        }
    }
    r->s->restart_outcome = SIM_R_UP;
    if (!r->s->up) {
        r->s->up = true;
        r->s->start_us += SIM_SECOND;
        sim_load(r->s, true);
    }
    for (int i = 0; i < ENDS_MAX && !apply_finished(&r->a); i++) {
        REQUIRE(r->s->n > 0);
        sim_next(r->s, false);
    }
    REQUIRE(apply_finished(&r->a));
    check_end(r);
    end(r);
    return 0;
}
