/* The advisor within the flow, with a model at the other end of simulated transfers: real requests, real readers. The plan of a session
 * is what is asked for: any server will do for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/wishes.h"
#include "pgd/app/advise.h"
#include "pgd/app/cli.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/talk.h"
#include "pgd/app/update.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

static struct model *m;
static struct effects fx;
static int64_t now_us;

static int setup(void **state)
{
    struct err e = {0};

    (void)state;
    m = xcalloc(1, sizeof *m);
    model_init(m);
    now_us = 100 * 1000000;
    m->now_us = now_us;
    m->opt.advisor = ADVISOR_GEMINI;
    m->opt.privacy = PRIVACY_REDACTED;
    text_copy(m->opt.env.gemini_base, sizeof m->opt.env.gemini_base, "http://127.0.0.1:9");
    assert_true(advise_setup(m, &e));
    assert_int_equal(m->partner.kind, PARTNER_GEMINI);
    m->partner.told = true;
    m->sight_known = true;
    m->sight.nstrategies = 1;
    text_copy(m->sight.strategies[0].name, sizeof m->sight.strategies[0].name, "Balanced");
    flow_strategy_ask(m, &fx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    effects_clear(&fx);
    model_clear(m);
    free(m);
    return 0;
}

static const struct effect *last(enum effect_kind kind)
{
    for (size_t i = fx.n; i-- > 0;)
        if (fx.items[i].kind == kind)
            return &fx.items[i];
    return NULL;
}

static int count(enum effect_kind kind)
{
    int n = 0;
    for (size_t i = 0; i < fx.n; i++)
        n += fx.items[i].kind == kind;
    return n;
}

static bool said(const char *text)
{
    for (int i = 0; i < m->nchat; i++)
        if (strstr(m->chat[i].text, text))
            return true;
    return false;
}

static void give(enum event_kind kind, struct req req, int status, const char *text)
{
    struct event ev = {.kind = kind, .req = req, .at_us = now_us};

    ev.text = text ? xstrdup(text) : NULL;
    ev.len = text ? strlen(text) : 0;
    ev.u.http.status = status;
    if (kind == EV_HTTP_END && status == 0) {
        err_set(&ev.err, ERR_MODEL, "connection reset");
        ev.u.http.temporary = true;
    }
    app_update(m, &ev, &fx);
    event_clear(&ev);
}

/* One event of the stream; text is the inside of a JSON string. */
static void stream(struct req req, const char *text, bool end)
{
    struct buf b = {0};

    buf_printf(
        &b,
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"%s\"}]},"
        "\"index\":0%s}]}\n\n",
        text, end ? ",\"finishReason\":\"STOP\"" : "");
    give(EV_HTTP_DATA, req, 200, buf_text(&b));
    buf_clear(&b);
}

static void answer(const char *text)
{
    struct req req = last(FX_HTTP)->req;

    give(EV_HTTP_HEAD, req, 200, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    stream(req, text, true);
    give(EV_HTTP_END, req, 200, NULL);
}

static void pick(void)
{
    flow_decide(m, DECIDE_STRATEGY, 0, &fx);
}

#define PLAN \
    "{\\\"hypothesis\\\":\\\"Sorts spill.\\\",\\\"success\\\":\\\"faster\\\",\\\"clients\\\":7}"

static void a_model_answers(void **state)
{
    (void)state;
    pick();
    assert_true(advise_busy(m));
    assert_int_equal(m->flow, FLOW_STRATEGY);
    assert_int_equal(m->fl.decision, DECIDE_NOTHING);
    assert_non_null(strstr(last(FX_HTTP)->text, "[op=generate_strategy]"));
    give(EV_TICK, (struct req){0}, 0, NULL);
    assert_int_equal(m->flow, FLOW_STRATEGY); /* the flow waits */
    answer(PLAN);
    assert_false(advise_busy(m));
    assert_int_equal(m->flow, FLOW_PLAN);
    assert_string_equal(m->session.plan.hypothesis, "Sorts spill.");
    assert_int_equal(m->session.plan.clients, 7);
    assert_int_equal(m->session.plan.rounds, 8); /* what the flags say is not the model's */
}

static void the_endpoint_dies(void **state)
{
    (void)state;
    pick();
    for (int i = 0; i < ASK_TRIES; i++) {
        struct req req = last(FX_HTTP)->req;
        give(EV_HTTP_HEAD, req, 200, "HTTP/1.1 200 OK\r\n\r\n");
        stream(req, "{\\\"hypo", false);
        give(EV_HTTP_END, req, 0, NULL);
        if (i + 1 < ASK_TRIES) {
            assert_int_equal(m->asks[ASK_FLOW].state, ASK_WAIT);
            now_us = m->asks[ASK_FLOW].again_at_us;
            give(EV_TIMER, last(FX_TIMER)->req, 0, NULL);
        }
    }
    assert_int_equal(m->flow, FLOW_PLAN);
    assert_true(m->session.plan.hypothesis[0] != '\0');
    assert_true(said("the builtin advisor takes its place"));
}

static void nonsense_is_repaired(void **state)
{
    (void)state;
    pick();
    answer("{\\\"hypothesis\\\": 7}");
    assert_true(advise_busy(m));
    assert_int_equal(count(FX_HTTP), 2);
    assert_non_null(strstr(last(FX_HTTP)->text, "hypothesis"));
    answer(PLAN);
    assert_string_equal(m->session.plan.hypothesis, "Sorts spill.");
    assert_false(said("takes its place"));
}

static void a_stop_cancels(void **state)
{
    (void)state;
    pick();
    struct req req = last(FX_HTTP)->req;
    stream(req, "{\\\"hypo", false);
    advise_cancel(m, ASK_FLOW, &fx);
    assert_true(req_same(last(FX_HTTP_CANCEL)->req, req));
    assert_int_equal(m->flow, FLOW_PLAN); /* by rules, at once */
    char plan[400];
    text_copy(plan, sizeof plan, m->session.plan.hypothesis);
    stream(req, PLAN, true); /* late bytes */
    give(EV_HTTP_END, req, 200, NULL);
    assert_string_equal(m->session.plan.hypothesis, plan);
    assert_int_equal(m->partner.breaker.failures, 0);
}

static void quitting_does_not_wait(void **state)
{
    (void)state;
    pick();
    flow_stop(m, true, 0, &fx);
    assert_true(m->quitting);
    assert_non_null(last(FX_HTTP_CANCEL));
    assert_false(advise_busy(m));
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    pick();
    for (int i = 0; i <= ADVISE_MOST_S; i++) {
        assert_true(advise_busy(m));
        now_us += 1000000;
        give(EV_TICK, (struct req){0}, 0, NULL);
    }
    assert_false(advise_busy(m));
    assert_int_equal(m->flow, FLOW_PLAN);
    assert_true(said("takes too long"));
}

/* Nor for a question of the DBA's: the queue behind it goes on. */
static void no_question_is_open_for_ever(void **state)
{
    (void)state;
    pick();
    advise_cancel(m, ASK_FLOW, &fx);
    talk_ask(m, OP_QUESTION, "why is it slow?", &fx);
    talk_ask(m, OP_QUESTION, "and now?", &fx);
    assert_int_equal(m->talk.nqueue, 1);
    for (int i = 0; i <= ADVISE_MOST_S; i++) {
        assert_int_equal(m->talk.nqueue, 1);
        now_us += 1000000;
        give(EV_TICK, (struct req){0}, 0, NULL);
    }
    assert_int_equal(m->talk.nqueue, 0);
    assert_true(said("takes too long: nobody waits for it any longer"));
}

static void nothing_is_sent_unasked(void **state)
{
    (void)state;
    m->partner.told = false;
    pick();
    assert_int_equal(count(FX_HTTP), 0);
    assert_int_equal(m->flow, FLOW_PLAN);
}

static void a_preview_is_what_is_sent(void **state)
{
    struct buf out = {0};

    (void)state;
    text_copy(m->advising.picked, sizeof m->advising.picked, "Balanced");
    pick();
    advise_cancel(m, ASK_FLOW, &fx);
    assert_true(advise_preview(m, OP_STRATEGY, &out));
    size_t from = fx.n;
    advise(m, OP_STRATEGY, &fx);
    assert_true(fx.n > from);
    assert_non_null(strstr(buf_text(&out), last(FX_HTTP)->text));
    buf_clear(&out);
}

static const struct effect *file(enum file_op op, const char *path)
{
    for (size_t i = fx.n; i-- > 0;)
        if (fx.items[i].kind == FX_FILE && fx.items[i].u.file.op == op &&
            strcmp(fx.items[i].u.file.path, path) == 0)
            return &fx.items[i];
    return NULL;
}

/* No request leaves without a trace: where the workspace is another program's it is in the home. */
static void a_trace_is_always_kept(void **state)
{
    (void)state;
    text_copy(m->opt.home, sizeof m->opt.home, "/home/of/it");
    text_copy(m->workspace.dir, sizeof m->workspace.dir, "/home/of/it/workspaces/w");
    pick();
    assert_non_null(file(FILE_APPEND, "/home/of/it/workspaces/w/requests.jsonl"));
    advise_cancel(m, ASK_FLOW, &fx);
    m->workspace.readonly = true;
    effects_clear(&fx);
    advise(m, OP_STRATEGY, &fx);
    assert_non_null(last(FX_HTTP));
    assert_non_null(file(FILE_APPEND, "/home/of/it/requests.jsonl"));
    advise_cancel(m, ASK_FLOW, &fx);
    m->workspace.readonly = false;
    m->opt.readonly = true;
    effects_clear(&fx);
    advise(m, OP_STRATEGY, &fx);
    assert_non_null(file(FILE_APPEND, "/home/of/it/requests.jsonl"));
}

/* What was spent and what was answered outlives the program. */
static void a_workspace_remembers(void **state)
{
    static const char before[] =
        "{\"format\":1,\"advisor_spent\":{\"calls\":7,\"usd\":1.5,\"tokens_in\":1000}}";
    struct event read = {.kind = EV_FILE, .req = {OWNER_ASK, ASK_NO_QUESTION, ADVISE_ANSWERS}};

    (void)state;
    text_copy(m->workspace.dir, sizeof m->workspace.dir, "/w");
    advise_opened(m, before, sizeof before - 1, &fx);
    assert_non_null(file(FILE_READ, "/w/answers.jsonl"));
    m->workspace.open = true;
    pick();
    answer(PLAN);
    assert_int_equal(m->partner.session.calls, 1);
    assert_int_equal(m->partner.workspace.calls, 8);
    assert_true(m->partner.workspace.usd > 1.5);
    assert_non_null(strstr(file(FILE_SAVE, "/w/workspace.json")->text, "\"calls\": 8"));
    const struct effect *kept = file(FILE_APPEND, "/w/answers.jsonl");
    char *line = xstrndup(kept->text, kept->len);
    /* the next run */
    teardown(NULL);
    setup(NULL);
    text_copy(m->workspace.dir, sizeof m->workspace.dir, "/w");
    read.text = line;
    read.len = strlen(line);
    read.at_us = now_us;
    app_update(m, &read, &fx);
    event_clear(&read);
    pick();
    assert_int_equal(count(FX_HTTP), 0);
    assert_string_equal(m->session.plan.hypothesis, "Sorts spill.");
    assert_true(said("an earlier answer of"));
    read = (struct event){.kind = EV_FILE,
                          .req = {OWNER_ASK, ASK_NO_QUESTION, ADVISE_ANSWERS},
                          .text = xstrdup("damaged"),
                          .len = 7};
    app_update(m, &read, &fx);
    event_clear(&read);
    assert_true(said("make no sense and are left out"));
    assert_non_null(file(FILE_SAVE, "/w/answers.jsonl"));
}

/* The list of another provider's models is not that of the one that was chosen meanwhile. */
static void a_late_list_is_dropped(void **state)
{
    (void)state;
    m->opt.env.openai_key = m->opt.env.gemini_key;
    text_copy(m->opt.env.openai_base, sizeof m->opt.env.openai_base, "http://127.0.0.1:8/v1");
    advise_models(m, &fx);
    struct req old = last(FX_HTTP)->req;
    give(EV_HTTP_HEAD, old, 200, "HTTP/1.1 200 OK\r\n\r\n");
    advise_use(m, "openai", &fx);
    assert_true(req_same(last(FX_HTTP_CANCEL)->req, old));
    m->partner.told = true;
    advise_models(m, &fx);
    struct req now = last(FX_HTTP)->req;
    assert_false(req_same(old, now));
    give(EV_HTTP_DATA, old, 200, "{\"data\":[{\"id\":\"of-the-old-one\"}]}");
    give(EV_HTTP_END, old, 200, NULL);
    assert_int_equal(m->partner.nmodels, 0);
    assert_true(m->partner.models_asked);
    give(EV_HTTP_HEAD, now, 200, "HTTP/1.1 200 OK\r\n\r\n");
    give(EV_HTTP_DATA, now, 200, "{\"data\":[{\"id\":\"of-the-new-one\"}]}");
    give(EV_HTTP_END, now, 200, NULL);
    assert_int_equal(m->partner.nmodels, 1);
    assert_string_equal(m->partner.models[0], "of-the-new-one");
}

/* ---- what an operation is told ---- */

static void answer_file(const char *path, const struct buf *text)
{
    const struct effect *e = file(FILE_READ, path);
    struct event ev = {.kind = EV_FILE, .req = e->req, .at_us = now_us};

    ev.u.file.missing = !text;
    if (text) {
        ev.text = xstrndup(buf_text(text), text->len);
        ev.len = text->len;
    } else {
        err_set(&ev.err, ERR_FILE, "there is no such file");
    }
    app_update(m, &ev, &fx);
    event_clear(&ev);
}

static void a_session_of_before(const char *name, struct buf *out)
{
    struct session *s = xcalloc(1, sizeof *s);

    session_reset(s);
    s->state = SESSION_ARCHIVED;
    text_copy(s->name, sizeof s->name, name);
    text_copy(s->plan.strategy, sizeof s->plan.strategy, "Balanced");
    s->nfinal = s->nearned = 1;
    text_copy(s->final_values[0].name, sizeof s->final_values[0].name, "work_mem");
    text_copy(s->final_values[0].shown, sizeof s->final_values[0].shown, "77MB");
    text_copy(s->earned[0].name, sizeof s->earned[0].name, "work_mem");
    s->earned[0].tested = true;
    s->earned[0].ratio = s->earned[0].lo = s->earned[0].hi = 1.375;
    store_session_json(s, out);
    session_reset(s);
    free(s);
}

/* What a session has changed, and what that earned, stands in its file: the list knows its figures alone. */
static void a_comparison_rests_on_the_files(void **state)
{
    static const char one[] = "/w/sessions/One_01012026-000000/session.json",
                      two[] = "/w/sessions/Two_01012026-000000/session.json";
    struct buf text = {0};

    (void)state;
    pick();
    advise_cancel(m, ASK_FLOW, &fx);
    effects_clear(&fx);
    text_copy(m->workspace.dir, sizeof m->workspace.dir, "/w");
    for (int i = 0; i < 3; i++)
        session_rows_add(&m->workspace, i);
    text_copy(m->workspace.sessions[0].name, sizeof m->workspace.sessions[0].name,
              "Six_01012026-000000");
    text_copy(m->workspace.sessions[1].name, sizeof m->workspace.sessions[1].name,
              "Two_01012026-000000");
    text_copy(m->workspace.sessions[2].name, sizeof m->workspace.sessions[2].name,
              "One_01012026-000000");
    talk_ask(m, OP_COMPARE, "One_01012026-000000 Two_01012026-000000", &fx);
    assert_int_equal(m->talk.state, TALK_READ);
    assert_int_equal(count(FX_HTTP), 0);
    a_session_of_before("One_01012026-000000", &text);
    answer_file(one, &text);
    assert_int_equal(count(FX_HTTP), 0);
    answer_file(two, NULL);
    assert_true(said("only the list's figures are compared"));
    assert_int_equal(count(FX_HTTP), 1);
    assert_non_null(strstr(last(FX_HTTP)->text, "77MB"));
    assert_non_null(strstr(last(FX_HTTP)->text, "1.375"));
    assert_non_null(strstr(last(FX_HTTP)->text, "Two_01012026-000000"));
    answer_file(one, &text); /* late, or once more: nobody waits for it */
    assert_int_equal(count(FX_HTTP), 1);
    assert_true(talk_stop(m, &fx));
    talk_ask(m, OP_COMPARE, "One_01012026-000000 Two_01012026-000000", &fx);
    assert_true(talk_stop(m, &fx));
    assert_int_equal(m->talk.state, TALK_IDLE);
    answer_file(one, &text);
    assert_int_equal(m->talk.state, TALK_IDLE);
    buf_clear(&text);
}

/* The server that was repaired has another target, which the model sets; the round is saved after that. */
static void a_repaired_server_has_another_target(void **state)
{
    struct op_answer *a = xcalloc(1, sizeof *a);

    (void)state;
    pick();
    advise_cancel(m, ASK_FLOW, &fx);
    effects_clear(&fx);
    m->flow = FLOW_ROUND;
    m->fl.decision = DECIDE_NOTHING;
    text_copy(m->session.dir, sizeof m->session.dir, "/s");
    text_copy(m->session.name, sizeof m->session.name, "s");
    m->session.baseline_tps = m->session.best_tps = 1000;
    m->fl.now.target_again = m->advising.judging = true;
    a->op = OP_ANALYZE;
    flow_round_advised(m, a, &fx);
    free(a);
    assert_non_null(strstr(last(FX_HTTP)->text, "[op=suggest_target]"));
    assert_null(file(FILE_SAVE, "/s/session.json"));
    answer("{\\\"why\\\":\\\"it fits\\\",\\\"tps\\\":1500,\\\"confidence\\\":50}");
    assert_true(m->session.target.tps > 1499 && m->session.target.tps < 1501);
    assert_non_null(file(FILE_SAVE, "/s/session.json"));
    assert_false(m->fl.now.target_again);
    assert_int_equal(m->fl.decision, DECIDE_NOTHING);
}

static void what_is_earned_is_told(void **state)
{
    struct buf out = {0};

    (void)state;
    m->session.nfinal = m->session.nearned = 1;
    text_copy(m->session.final_values[0].name, sizeof m->session.final_values[0].name, "jit");
    text_copy(m->session.earned[0].name, sizeof m->session.earned[0].name, "jit");
    m->session.earned[0].tested = true;
    m->session.earned[0].ratio = 1.125;
    assert_true(advise_preview(m, OP_NEXT_STRATEGIES, &out));
    assert_non_null(strstr(buf_text(&out), "1.125"));
    out.len = 0;
    talk_preview(m, OP_QUESTION, "what helped?");
    assert_non_null(strstr(buf_text(&m->talk.preview), "1.125"));
    buf_clear(&out);
}

static void in_one_piece(void **state)
{
    char *argv[] = {"pg_diagnose", "tune", "-d", "x", "--no-stream", NULL};
    struct command_line *cl = xcalloc(1, sizeof *cl);
    struct err e = {0};

    (void)state;
    assert_true(cli_parse(5, argv, cl, &e));
    m->opt.no_stream = cl->opt.no_stream;
    free(cl);
    assert_true(advise_setup(m, &e));
    m->partner.told = true;
    pick();
    assert_non_null(strstr(last(FX_HTTP)->u.http.url, ":generateContent"));
}

static bool wishes(const char *text, size_t len, struct err *e)
{
    struct event ev = {.kind = EV_FILE, .text = xstrndup(text, len), .len = len};
    bool ok = advise_wishes(m, &ev, e);

    event_clear(&ev);
    return ok;
}

/* Where it is not known what must not be touched nothing is tuned. */
static void what_is_forbidden_is_known_whole(void **state)
{
    struct err e = {0};
    struct buf b = {0};

    (void)state;
    assert_true(wishes("never touch work_mem\nnever touch the replica\n", 44, &e));
    assert_int_equal(m->wishes.nnever, 1);
    assert_true(said("nothing is guarded there: never touch the replica"));
    while (b.len <= WISHES_FILE_MAX)
        buf_puts(&b, "never touch work_mem\n");
    assert_false(wishes(buf_text(&b), WISHES_FILE_MAX + 1, &e));
    assert_int_equal(e.code, ERR_REFUSED);
    assert_string_equal(e.msg, "PGDIAG.md forbids more than can be kept");
    buf_clear(&b);
    struct event unread = {.kind = EV_FILE};
    err_set(&unread.err, ERR_FILE, "permission denied");
    memset(&e, 0, sizeof e);
    assert_false(advise_wishes(m, &unread, &e));
    assert_non_null(strstr(e.detail, "permission denied"));
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_comparison_rests_on_the_files),
        ROW(a_repaired_server_has_another_target),
        ROW(what_is_earned_is_told),
        ROW(in_one_piece),
        ROW(a_model_answers),
        ROW(the_endpoint_dies),
        ROW(nonsense_is_repaired),
        ROW(a_stop_cancels),
        ROW(quitting_does_not_wait),
        ROW(nobody_waits_for_ever),
        ROW(nothing_is_sent_unasked),
        ROW(a_preview_is_what_is_sent),
        ROW(no_question_is_open_for_ever),
        ROW(a_trace_is_always_kept),
        ROW(a_workspace_remembers),
        ROW(a_late_list_is_dropped),
        ROW(what_is_forbidden_is_known_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
