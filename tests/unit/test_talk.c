/* The conversation: answers by the builtin advisor, the queue, facts by name, the transcript, and that no answer touches a
 * dialog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/facts.h"
#include "pgd/app/keys.h"
#include "pgd/app/talk.h"
#include "pgd/base/text.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/transcript.h"

static struct model *world(void)
{
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    model_init(m);
    m->screen.cols = 160;
    m->screen.rows = 45;
    m->now_us = 500000000;
    m->wall_us = 1700000000000000;
    return m;
}

static void world_free(struct model *m, struct effects *fx)
{
    effects_clear(fx);
    model_clear(m);
    free(m);
}

static int chat_with(const struct model *m, const char *part)
{
    int n = 0;
    for (int i = 0; i < m->nchat; i++)
        n += strstr(m->chat[i].text, part) != NULL;
    return n;
}

static void type(struct model *m, const char *text, struct effects *fx)
{
    for (; *text; text++)
        keys_key(m, (struct key){KEYN_NONE, (uint32_t)*text}, fx);
}

static void a_line_is_a_question(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    keys_submit(m, "why is it slow?", &fx);
    assert_int_equal(m->talk.state, TALK_IDLE);
    assert_int_equal(chat_with(m, "why is it slow?"), 1);
    assert_int_equal(chat_with(m, "[builtin"), 1);
    world_free(m, &fx);
}

static bool on_screen(struct model *m, const char *part)
{
    struct buf text = {0};
    struct canvas *c = canvas_new(m->screen.rows, m->screen.cols);
    struct view_cursor cursor = {0};
    view_paint(c, m, keys_tables(), &cursor);
    canvas_text(c, &text);
    bool found = strstr(buf_text(&text), part) != NULL;
    canvas_free(c);
    buf_clear(&text);
    return found;
}

static void press(struct model *m, enum key_name name, struct effects *fx)
{
    keys_key(m, (struct key){name, 0}, fx);
}

/* What would be the builtin advisor's answer, line by line: "line 1" … "line n". */
static void answer(struct model *m, const char *question, int lines, struct effects *fx)
{
    struct ask *a = &m->asks[ASK_CHAT];
    struct buf text = {0};
    for (int i = 1; i <= lines; i++)
        buf_printf(&text, "line %d.\n", i);
    a->state = ASK_DONE;
    a->op = OP_QUESTION;
    a->answer = xcalloc(1, sizeof *a->answer);
    text_copy_raw(a->answer->u.prose.text, sizeof a->answer->u.prose.text, buf_text(&text));
    m->talk.state = TALK_ASKED;
    model_tell(m, CHAT_USER, question);
    talk_answered(m, fx);
    buf_clear(&text);
}

/* At any size an answer that comes as a whole is read from its question on, and no line is lost to what counts those below; what a
 * key is answered with afterwards is at the end again. */
static void an_answer_opens_at_its_begin(void **state)
{
    (void)state;
    static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct model *m = world();
        struct effects fx = {0};
        m->screen.cols = sizes[i][0];
        m->screen.rows = sizes[i][1];
        m->screen.focus = PANE_BENCH;
        for (int k = 0; k < 40; k++)
            model_say(m, CHAT_EVENT, "earlier %d", k);
        answer(m, "a long one?", 60, &fx);
        assert_int_equal(m->screen.focus, PANE_AI); /* whose keys scroll it */
        assert_true(on_screen(m, "> a long one?") && on_screen(m, "line 1."));
        assert_false(on_screen(m, "earlier 39") || on_screen(m, "line 60."));
        assert_true(on_screen(m, "lines below: PgDn, End"));
        int seen = 0;
        for (int n = 1; n <= 60; n++) { /* page by page every line comes by */
            char part[16];
            snprintf(part, sizeof part, "line %d.", n);
            for (int pages = 0; !on_screen(m, part) && pages < 2; pages++)
                press(m, KEYN_PGDN, &fx);
            seen += on_screen(m, part);
        }
        assert_int_equal(seen, 60);
        answer(m, "a short one?", 3, &fx);
        press(m, KEYN_END, &fx);
        assert_true(on_screen(m, "> a short one?") && on_screen(m, "line 3."));
        answer(m, "another long one?", 60, &fx);
        assert_true(on_screen(m, "> another long one?"));
        type(m, ":/nosuch", &fx);
        press(m, KEYN_ENTER, &fx);
        assert_true(on_screen(m, "unknown command /nosuch"));
        world_free(m, &fx);
    }
}

/* A question is answered by the rules at once: where the pane is not on the screen it comes there; a live view stays, and says so. */
static void an_answer_comes_to_the_screen(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    m->screen.cols = 80;
    m->screen.rows = 24;
    m->screen.focus = PANE_BENCH;
    type(m, ":why is it slow?", &fx);
    press(m, KEYN_ENTER, &fx);
    assert_int_equal(m->screen.focus, PANE_AI);
    assert_true(on_screen(m, "> why is it slow?"));
    m->live.at = tableview_find("activity");
    type(m, ":why is it slow?", &fx);
    press(m, KEYN_ENTER, &fx);
    assert_true(on_screen(m, "the answer stands in the AI pane"));
    world_free(m, &fx);
}

/* Below a dialog, too; the first PgDn moves it. */
static void a_panel_opens_at_its_begin(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    m->screen.dialog.kind = DIALOG_SUMMARY;
    m->talk.panel = m->talk.now.aside = true;
    answer(m, "a long one?", 40, &fx);
    assert_true(on_screen(m, "line 1."));
    assert_false(on_screen(m, "line 40."));
    press(m, KEYN_PGDN, &fx);
    assert_false(on_screen(m, "line 1."));
    assert_true(on_screen(m, "line 10."));
    world_free(m, &fx);
}

/* ':' leads to the prompt, whose letters answer nothing; the answer stands below the dialog, which stays. */
static void a_dialog_stays_while_it_is_asked_about(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    m->session.round.number = 2;
    m->session.round.review.n = 1;
    text_copy(m->session.round.review.lines[0].change.name, SETTING_NAME_MAX, "work_mem");
    m->screen.dialog.kind = DIALOG_REVIEW;
    m->fl.decision = DECIDE_REVIEW;
    type(m, ":a safe gain Ag?", &fx);
    assert_true(m->screen.prompt.focus);
    keys_key(m, (struct key){KEYN_ENTER, 0}, &fx);
    assert_int_equal(m->screen.dialog.kind, DIALOG_REVIEW);
    assert_int_equal(m->session.round.review.lines[0].answer, ANSWER_NONE);
    assert_int_equal(chat_with(m, "a safe gain Ag?"), 1);
    assert_true(m->talk.panel && m->talk.answer.len > 0);
    keys_key(m, (struct key){KEYN_ESC, 0}, &fx); /* the panel first */
    assert_false(m->talk.panel);
    assert_int_equal(m->screen.dialog.kind, DIALOG_REVIEW);
    world_free(m, &fx);
}

static void five_wait_and_no_more(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    m->talk.state = TALK_GATHER; /* one is under way */
    for (int i = 0; i < TALK_QUEUE_MAX + 1; i++)
        talk_ask(m, OP_QUESTION, "and this?", &fx);
    assert_int_equal(m->talk.nqueue, TALK_QUEUE_MAX);
    assert_int_equal(chat_with(m, "questions wait already"), 1);
    assert_true(talk_stop(m, &fx)); /* the others follow, answered by rules at once */
    assert_int_equal(m->talk.nqueue, 0);
    assert_int_equal(m->talk.state, TALK_IDLE);
    assert_int_equal(chat_with(m, "[interrupted]"), 1);
    assert_int_equal(chat_with(m, "[builtin"), TALK_QUEUE_MAX);
    world_free(m, &fx);
}

static void want(struct model *m, const char *a, const char *b, const char *c)
{
    const char *const names[] = {a, b, c};
    m->talk.state = TALK_GATHER;
    m->talk.n = 3;
    for (int i = 0; i < 3; i++)
        text_copy(m->talk.wants[i], FACT_NAME_MAX, names[i]);
}

static void facts_without_a_server(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    for (int i = 0; i < 90; i++)
        series_add(&m->collect.series[METRIC_TPS], 100 + i % 2);
    want(m, "telemetry 1m", "shell rm -rf /", "setting work_mem");
    assert_true(facts_begin(m, &fx));
    assert_int_equal(m->talk.nfacts, 3);
    assert_false(m->talk.facts[0].missing);
    assert_non_null(strstr(m->talk.facts[0].text, "tps: mean 100.5/s, least 100, most 101"));
    assert_true(m->talk.facts[1].missing && m->talk.facts[2].missing);
    world_free(m, &fx);
}

static const char *last_sql(const struct effects *fx)
{
    for (size_t i = fx->n; i > 0; i--)
        if (fx->items[i - 1].kind == FX_PG_QUERY)
            return fx->items[i - 1].text;
    return "";
}

/* Names are literals; the session is read-only before the first of them. */
static void names_never_become_sql(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    struct event ev = {.kind = EV_PG_UP};
    m->links[CONN_CONTROL].state = LINK_UP;
    want(m, "table x'; DROP TABLE y; --", "statement 1; SELECT 2", "setting no_such");
    assert_false(facts_begin(m, &fx));
    assert_int_equal(m->links[CONN_FACTS].state, LINK_CONNECTING);
    m->links[CONN_FACTS].state = LINK_UP;
    assert_false(facts_event(m, &ev, &fx));
    assert_non_null(strstr(last_sql(&fx), "'default_transaction_read_only', 'on'"));
    ev = (struct event){.kind = EV_PG_RESULT,
                        .req = {OWNER_TALK, m->talk.generation, m->talk.waiting}};
    assert_false(facts_event(m, &ev, &fx));
    assert_non_null(strstr(last_sql(&fx), "c.relname = 'x''; DROP TABLE y; --'"));
    ev.req.id = m->talk.waiting;
    assert_true(facts_event(m, &ev, &fx)); /* no row, a number that is none, no such setting */
    for (int i = 0; i < 3; i++)
        assert_true(m->talk.facts[i].missing);
    assert_int_equal(m->links[CONN_FACTS].state, LINK_OFF);
    world_free(m, &fx);
}

static void late_facts_end(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    m->links[CONN_CONTROL].state = LINK_UP;
    want(m, "table a", "table b", "table c");
    assert_false(facts_begin(m, &fx));
    m->now_us += 5000000;
    assert_false(facts_tick(m, &fx));
    m->now_us += 10000000;
    assert_true(facts_tick(m, &fx));
    assert_int_equal(m->talk.nfacts, 3);
    world_free(m, &fx);
}

static void heard(void *arg, const struct transcript_line *l)
{
    buf_printf(arg, "%s|%s|%d;", l->who, l->text, l->interrupted);
}

static void the_transcript_comes_back_without_secrets(void **state)
{
    (void)state;
    struct buf out = {0}, back = {0}, report = {0};
    transcript_put(&(struct transcript_line){.who = "dba",
                                             .text = "use postgres://u:geheim77@h/db?",
                                             .where = "verdict",
                                             .op = "answer_question"},
                   &out);
    buf_puts(&out, "{ damaged\n");
    transcript_put(
        &(struct transcript_line){
            .who = "m", .text = "a\nb", .where = "", .op = "", .interrupted = true},
        &out);
    assert_null(strstr(buf_text(&out), "geheim77"));
    assert_int_equal(transcript_read(out.data, out.len, heard, &back), 2);
    assert_non_null(strstr(buf_text(&back), "m|a\nb|1;"));
    transcript_report("Balanced_01022026-050830", out.data, out.len, &report);
    assert_non_null(strstr(buf_text(&report), "## Conversation in Balanced"));
    buf_clear(&out);
    buf_clear(&back);
    buf_clear(&report);
}

/* Of a long answer the end alone is drawn. What begins it stays where it is while more comes, at the begin of a line or word. */
static void the_end_of_a_long_answer_is_enough(void **state)
{
    (void)state;
    enum { MOST = 800 };
    static const char *const words[] = {"a line of it\n", "w\xc3\xb6rter ", "\xe2\x82\xac"};
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        struct model *m = world();
        struct effects fx = {0};
        struct ask *a = &m->asks[ASK_CHAT];
        int moved = 0, frames = 0;
        size_t from = 0;
        a->op = OP_QUESTION;
        a->state = ASK_SENT;
        while (a->wire.text.len < 10 * MOST) {
            struct buf all = {0}, end = {0};
            buf_puts(&a->wire.text, words[w]);
            pane_live(m, 0, &all);
            pane_live(m, MOST, &end);
            assert_int_equal(all.len, a->wire.text.len);
            assert_true(end.len <= all.len && (end.len == all.len || end.len >= MOST * 3 / 4));
            assert_true(end.len <= MOST * 5 / 4 + 16);
            assert_memory_equal(buf_text(&all) + all.len - end.len, buf_text(&end), end.len);
            assert_int_not_equal((unsigned char)buf_text(&end)[0] & 0xc0, 0x80);
            if (all.len > end.len && w < 2)
                assert_non_null(strchr(" \n", buf_text(&all)[all.len - end.len - 1]));
            moved += all.len - end.len != from;
            from = all.len - end.len;
            frames++;
            buf_clear(&all);
            buf_clear(&end);
        }
        assert_in_range(moved, 30, 40); /* every two hundred bytes */
        assert_true(frames > 10 * moved);
        world_free(m, &fx);
    }
}

static void seconds_later(struct model *m, int seconds, struct effects *fx)
{
    m->now_us += seconds * 1000000LL;
    talk_pump(m, fx);
}

/* An answer stays at its begin while it is read, and what comes meanwhile is told; with the first news after that the pane is at its
 * end again. */
static void news_bring_the_pane_to_its_end(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    m->screen.focus = PANE_BENCH;
    seconds_later(m, 1, &fx);
    answer(m, "a long one?", 60, &fx);
    seconds_later(m, 1, &fx);
    assert_true(on_screen(m, "> a long one?") && on_screen(m, "lines below: PgDn, End"));
    model_say(m, CHAT_EVENT, "run 1 of 4");
    model_say(m, CHAT_EVENT, "run 2 of 4");
    seconds_later(m, 1, &fx);
    assert_true(on_screen(m, "> a long one?") && on_screen(m, "2 new below: End"));
    m->screen.focus = PANE_BENCH;
    assert_true(on_screen(m, "2 new below: 4, End"));
    seconds_later(m, 200, &fx);
    assert_true(on_screen(m, "run 2 of 4"));
    assert_false(on_screen(m, "new below"));
    answer(m, "another long one?", 60, &fx); /* nothing new: it stays for good */
    seconds_later(m, 1000, &fx);
    assert_true(on_screen(m, "> another long one?"));
    model_say(m, CHAT_EVENT, "run 3 of 4");
    seconds_later(m, 1, &fx);
    assert_true(on_screen(m, "run 3 of 4"));
    world_free(m, &fx);
}

/* Who has scrolled himself is never moved: he is told how much came below, also once old lines are dropped. */
static void a_reader_who_scrolled_stays(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    for (int i = 0; i < CHAT_MAX - 20; i++)
        model_say(m, CHAT_EVENT, "earlier %d.", i);
    m->screen.focus = PANE_AI;
    seconds_later(m, 1, &fx);
    press(m, KEYN_PGUP, &fx);
    seconds_later(m, 1, &fx);
    assert_true(on_screen(m, "earlier 360.") && !on_screen(m, "new below"));
    for (int i = 0; i < 60; i++) {
        model_say(m, CHAT_EVENT, "run %d", i);
        seconds_later(m, 60, &fx);
        assert_true(on_screen(m, "earlier 360."));
    }
    assert_true(on_screen(m, "60 new below: End"));
    for (int i = 0; i < 4; i++) /* what he comes by is no news any longer */
        press(m, KEYN_PGDN, &fx);
    seconds_later(m, 1, &fx);
    assert_true(on_screen(m, " new below: End") && !on_screen(m, "60 new below"));
    press(m, KEYN_END, &fx);
    seconds_later(m, 1, &fx);
    assert_true(on_screen(m, "run 59") && !on_screen(m, "below"));
    world_free(m, &fx);
}

static void find_goes_upwards(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    model_say(m, CHAT_AI, "the checkpoint was forced");
    for (int i = 0; i < 100; i++)
        model_say(m, CHAT_AI, "line %d", i);
    talk_find(m, "CHECKPOINT");
    assert_int_equal(m->talk.found, 0);
    assert_true(m->screen.scroll[PANE_AI] > 60);
    world_free(m, &fx);
}

/* Every dialog where something is decided, or told that may be asked about, is asked from by one key; none closes or answers. */
static void each_dialog_is_asked_from(void **state)
{
    (void)state;
    static const struct {
        enum dialog_kind kind;
        enum decision decision;
    } each[] = {
        {DIALOG_STRATEGY, DECIDE_STRATEGY}, {DIALOG_PLAN, DECIDE_PLAN},
        {DIALOG_TARGET, DECIDE_TARGET},     {DIALOG_REVIEW, DECIDE_REVIEW},
        {DIALOG_VERDICT, DECIDE_VERDICT},   {DIALOG_MANUAL, DECIDE_MANUAL},
        {DIALOG_RECOVER, DECIDE_RECOVER},   {DIALOG_SUMMARY, DECIDE_KEEP},
        {DIALOG_ERROR, DECIDE_NOTHING},     {DIALOG_STUCK, DECIDE_NOTHING},
        {DIALOG_STATUS, DECIDE_NOTHING},
    };
    for (size_t i = 0; i < ARRAY_LEN(each); i++) {
        struct model *m = world();
        struct effects fx = {0};
        m->screen.dialog.kind = each[i].kind;
        m->fl.decision = each[i].decision;
        type(m, ":yug", &fx); /* letters that would answer */
        keys_key(m, (struct key){KEYN_ENTER, 0}, &fx);
        assert_int_equal(chat_with(m, "yug"), 1);
        assert_int_equal(chat_with(m, "[builtin"), 1);
        assert_int_equal(m->screen.dialog.kind, each[i].kind);
        assert_int_equal(m->fl.decision, each[i].decision);
        assert_true(m->talk.panel);
        type(m, "w", &fx); /* and what would be sent is looked at */
        assert_int_equal(m->screen.dialog.kind, DIALOG_PREVIEW);
        keys_key(m, (struct key){KEYN_ESC, 0}, &fx);
        assert_int_equal(m->screen.dialog.kind, each[i].kind);
        keys_key(m, (struct key){KEYN_ESC, 0}, &fx); /* the answer first, the dialog then */
        assert_false(m->talk.panel);
        assert_int_equal(m->screen.dialog.kind, each[i].kind);
        world_free(m, &fx);
    }
}

/* Enter in the telemetry pane explains the newest; ':' is the prompt there, too. */
static void an_anomaly_is_explained(void **state)
{
    (void)state;
    struct model *m = world();
    struct effects fx = {0};
    struct anomaly *a = &m->anomalies.items[0];
    m->screen.focus = PANE_TELEMETRY;
    keys_key(m, (struct key){KEYN_ENTER, 0}, &fx);
    assert_true(m->screen.prompt.focus); /* there is nothing to be explained */
    m->screen.prompt.focus = false;
    m->anomalies.n = 1;
    text_copy(a->metric, sizeof a->metric, "wal_bytes");
    text_copy(a->label, sizeof a->label, "WAL");
    text_copy(a->unit, sizeof a->unit, "MB/s");
    text_copy(a->beside, sizeof a->beside, "waits WALSync 61 %");
    a->usual = 3;
    a->seen = 41;
    a->score = 12;
    a->from_us = m->now_us - 5000000;
    type(m, ":", &fx);
    assert_true(m->screen.prompt.focus);
    m->screen.prompt.focus = false;
    keys_key(m, (struct key){KEYN_ENTER, 0}, &fx);
    assert_false(m->screen.prompt.focus);
    assert_int_equal(chat_with(m, "What happened with WAL"), 1);
    assert_int_equal(chat_with(m, "[builtin]"), 1);
    assert_true(chat_with(m, "41") == 2); /* question and answer */
    assert_int_equal(chat_with(m, "Beside it: waits WALSync 61 %"), 1);
    world_free(m, &fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_question),
        cmocka_unit_test(an_answer_opens_at_its_begin),
        cmocka_unit_test(an_answer_comes_to_the_screen),
        cmocka_unit_test(a_panel_opens_at_its_begin),
        cmocka_unit_test(a_dialog_stays_while_it_is_asked_about),
        cmocka_unit_test(five_wait_and_no_more),
        cmocka_unit_test(facts_without_a_server),
        cmocka_unit_test(names_never_become_sql),
        cmocka_unit_test(late_facts_end),
        cmocka_unit_test(the_transcript_comes_back_without_secrets),
        cmocka_unit_test(the_end_of_a_long_answer_is_enough),
        cmocka_unit_test(find_goes_upwards),
        cmocka_unit_test(news_bring_the_pane_to_its_end),
        cmocka_unit_test(a_reader_who_scrolled_stays),
        cmocka_unit_test(each_dialog_is_asked_from),
        cmocka_unit_test(an_anomaly_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
