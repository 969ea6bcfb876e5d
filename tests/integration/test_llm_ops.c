/* All fourteen operations over HTTP, for a constructed server, in both dialects, as a stream and in one piece: asked of aimock
 * through a proxy that holds each request against the provider's contract. Prints who answered; an answer by rules is a failure. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin_world.h"
#include "iotest.h"
#include "pgd/agent/ask.h"

enum { WAYS = 4, CALLS = OP_COUNT * WAYS, NEWEST_SESSIONS = 2 };

/* ---- the provider --------------------------------------------------------------------------- */

static FILE *to_provider, *from_provider;
static pid_t provider_pid;
static char address[DIALECT_COUNT][128];
static char absent[256];

static void provider_start(void)
{
    char path[512];
    int in[2], out[2];
    const char *source = getenv("PGD_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/support/llmtest.py", source ? source : ".");
    if (pipe(in) || pipe(out))
        abort();
    provider_pid = fork();
    if (provider_pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("python3", "python3", path, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_provider = fdopen(in[1], "w");
    from_provider = fdopen(out[0], "r");
    char line[512];
    while (fgets(line, sizeof line, from_provider) && strcmp(line, "ready\n") != 0) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "gemini ", 7) == 0)
            snprintf(address[DIALECT_GEMINI], sizeof address[0], "%s", line + 7);
        else if (strncmp(line, "openai ", 7) == 0)
            snprintf(address[DIALECT_OPENAI], sizeof address[0], "%s", line + 7);
        else if (strncmp(line, "absent ", 7) == 0)
            snprintf(absent, sizeof absent, "%s", line + 7);
    }
}

static json_t *provider_log(void)
{
    fprintf(to_provider, "log\n");
    fflush(to_provider);
    json_t *j = json_loadf(from_provider, JSON_DISABLE_EOF_CHECK, NULL);
    return j;
}

static void provider_stop(void)
{
    fclose(to_provider);
    fclose(from_provider);
    waitpid(provider_pid, NULL, 0);
}

/* ---- what is asked -------------------------------------------------------------------------- */

static struct world *world;
static struct session_told sessions[NEWEST_SESSIONS];
static struct anomaly anomaly;
static struct strategy_offer offer;
static struct err failure;

static void world_fill(void)
{
    world = world_new();
    spilling(&world->base);
    snprintf(offer.name, sizeof offer.name, "MemoryTuning");
    snprintf(offer.title, sizeof offer.title, "Memory for sorts");
    snprintf(anomaly.metric, sizeof anomaly.metric, "tps");
    snprintf(anomaly.label, sizeof anomaly.label, "TPS");
    anomaly.usual = 400;
    anomaly.seen = 90;
    anomaly.score = 12;
    err_set(&failure, ERR_LOST, "the server closed the connection");
    for (int i = 0; i < NEWEST_SESSIONS; i++) {
        struct session_told *s = &sessions[i];
        snprintf(s->name, sizeof s->name, "2026-11-2%d-Memory", i);
        snprintf(s->strategy, sizeof s->strategy, "MemoryTuning");
        s->baseline_tps = 400;
        s->best_tps = 400;
        s->effect = s->ci_lo = s->ci_hi = NAN;
    }
}

static struct op_input input_of(enum op op)
{
    struct op_input in = {.e = &world->e};
    switch (op) {
    case OP_STRATEGY:
        in.strategy = offer.name;
        in.offer = &offer;
        break;
    case OP_CONFLICTS:
    case OP_COMPARE:
        in.nsessions = NEWEST_SESSIONS;
        in.sessions = sessions;
        in.question = "MemoryTuning PlannerCosts";
        break;
    case OP_RESTORE:
        in.nsessions = 1;
        in.sessions = sessions;
        in.paused_in = "REVIEW";
        break;
    case OP_DIAGNOSE:
        in.what = "bench";
        in.err = &failure;
        in.log = "FATAL:  terminating connection due to administrator command";
        break;
    case OP_QUESTION:
        in.question = "why is this slow?";
        in.where = "review of round 1";
        break;
    case OP_PARAMETER:
        in.question = "work_mem";
        break;
    case OP_ANOMALY:
        in.anomaly = &anomaly;
        break;
    default:
        break;
    }
    return in;
}

/* ---- one call after the other --------------------------------------------------------------- */

struct got {
    char advisor[64];
    bool done, by_rules, repaired;
    char why[200];
    int pieces;
};

static struct got got[CALLS];
static struct partner partner;
static struct ask ask;
static int at;

static void set_way(int way)
{
    const enum dialect d = (enum dialect)(way / 2);
    partner_clear(&partner);
    memset(&partner, 0, sizeof partner);
    partner.kind = d == DIALECT_GEMINI ? PARTNER_GEMINI : PARTNER_OPENAI;
    partner.privacy = PRIVACY_REDACTED;
    partner.told = true;
    partner.no_stream = way % 2;
    partner.endpoint.dialect = d;
    partner.endpoint.key = secret_put("test-key", 8);
    snprintf(partner.endpoint.model, sizeof partner.endpoint.model, "gemini-3.8-flash");
    snprintf(partner.endpoint.base, sizeof partner.endpoint.base, "%s", address[d]);
    prices_load(&partner.prices, NULL, 0, NULL);
}

static void step(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    struct op_input in = input_of((enum op)(at % OP_COUNT));
    struct ask_env env = {.partner = &partner,
                          .in = &in,
                          .now_us = ev->at_us,
                          .wall_us = ev->wall_us,
                          .random = UINT64_C(0x5eed5eed5eed5eed) + (uint64_t)at};
    if (ev->kind == EV_START) {
        set_way(0);
        ask_begin(&ask, OP_FIRST_SIGHT, &env, &fx);
    } else {
        got[at].pieces += ev->kind == EV_HTTP_DATA;
        ask_step(&ask, ev, &env, &fx);
    }
    while (ask.state == ASK_DONE && at < CALLS) {
        snprintf(got[at].advisor, sizeof got[at].advisor, "%s", ask.answer->advisor.text);
        snprintf(got[at].why, sizeof got[at].why, "%s", ask.answer->why_rules);
        got[at].done = true;
        got[at].by_rules = ask.answer->by_rules;
        got[at].repaired = ask.repaired;
        if (++at == CALLS)
            break;
        if (at % OP_COUNT == 0)
            set_way(at / OP_COUNT);
        in = input_of((enum op)(at % OP_COUNT));
        ask_begin(&ask, (enum op)(at % OP_COUNT), &env, &fx);
    }
    iotest_run(t, &fx);
    if (at == CALLS)
        iotest_quit(t, 0);
}

static void print_list(const json_t *log)
{
    static const char *const ways[WAYS] = {"gemini, streamed", "gemini, whole", "openai, streamed",
                                           "openai, whole"};
    int models = 0, rules = 0;
    for (int op = 0; op < OP_COUNT; op++) {
        printf("%-22s", op_row((enum op)op)->name);
        for (int way = 0; way < WAYS; way++) {
            const struct got *g = &got[way * OP_COUNT + op];
            printf("  %s: %s", ways[way], !g->done ? "NONE" : g->by_rules ? "RULES" : "model");
            if (g->by_rules || g->repaired)
                printf(" (%s%s)", g->repaired ? "after a repair " : "", g->why);
            models += g->done && !g->by_rules;
            rules += g->by_rules;
        }
        printf("\n");
    }
    printf("%d answers of the model, %d by rules; %zu requests, %d operations in %d ways\n", models,
           rules, json_array_size(log), OP_COUNT, WAYS);
}

static void test_ops(void **state)
{
    (void)state;
    struct iotest t;
    size_t i;
    json_t *one;
    bool wrong = false;

    world_fill();
    iotest_loop(&t, step, 15);
    json_t *log = provider_log();
    print_list(log);
    json_array_foreach(log, i, one)
    {
        const json_t *errors = json_object_get(one, "errors");
        if (json_array_size(errors) > 0) {
            printf("refused: %s: %s\n", json_string_value(json_object_get(one, "op")),
                   json_string_value(json_array_get(errors, 0)));
            wrong = true;
        }
    }
    if (t.timed_out)
        printf("no answer to %s, attempt %d: %s %s\n", op_row(ask.op)->name, ask.attempt, ask.note,
               ask.failure.err.msg);
    assert_false(t.timed_out);
    assert_int_equal(at, CALLS);
    assert_false(wrong);
    assert_int_equal(json_array_size(log), CALLS);
    for (int n = 0; n < CALLS; n++) {
        assert_false(got[n].by_rules);
        assert_false(got[n].repaired);
    }
    json_decref(log);
    iotest_clear(&t);
    ask_reset(&ask);
    partner_clear(&partner);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ops)};
    signal(SIGPIPE, SIG_IGN);
    provider_start();
    if (!address[DIALECT_OPENAI][0]) {
        printf("skipped: %s\n", absent[0] ? absent : "the provider does not start");
        provider_stop();
        return absent[0] ? 77 : 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    provider_stop();
    return failed;
}
