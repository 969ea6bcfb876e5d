/* A recording in the program: keys move it and nothing else, a session behind it is not touched, the gate lets nothing out; and what
 * /record does when its file is there, or its disk is full. */
#include "pgd/app/commands.h"
#include "pgd/app/gate.h"
#include "pgd/app/record.h"
#include "pgd/app/replay.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/secret.h"
#include "world.h"

static const char lines[] =
    "{\"event\":\"recording\",\"format\":1,\"at_us\":1000000000000000}\n"
    "{\"event\":\"sample\",\"at_us\":1000000001000000,\"tps\":5,\"waits\":[]}\n"
    "{\"event\":\"sample\",\"at_us\":1000000002000000,\"tps\":6,\"waits\":[]}\n"
    "{\"event\":\"sample\",\"at_us\":1000000003000000,\"tps\":7,\"waits\":[]}\n";

static int setup(void **state)
{
    struct world *w = world_new();

    w->m->now_us = 1000;
    w->m->wall_us = INT64_C(1700000000000000);
    *state = w;
    return 0;
}

static void play(struct world *w)
{
    replay_loaded(w->m, recording_watch_digest(lines, sizeof lines - 1, "/w/night.jsonl"), &w->fx);
    assert_non_null(w->m->playback);
    effects_clear(&w->fx);
}

static void keys_move_it_and_nothing_else(void **state)
{
    struct world *w = *state;
    struct model *m = w->m;

    play(w);
    m->flow = FLOW_ROUND; /* a session goes on behind it */
    world_type(w, "tuTCs6wk123\x01");
    world_type(w, ":/tune\n:/quit now\n");
    for (size_t i = 0; i < w->fx.n; i++)
        assert_int_equal(w->fx.items[i].kind, FX_TIMER);
    assert_int_equal(m->flow, FLOW_ROUND);
    assert_int_equal(m->screen.dialog.kind, DIALOG_NONE);
    assert_ptr_equal(replay_shown(m), m->playback->shown);
    world_type(w, " ");
    assert_true(m->playback->paused);
    world_type(w, ".");
    assert_int_equal(m->playback->at_us, 1000000);
    world_type(w, "++");
    assert_true(m->playback->speed == 4);
    keys_key(m, (struct key){KEYN_END, 0}, &w->fx);
    assert_true(playback_ended(m->playback));
    assert_true(m->playback->paused);
    world_type(w, "q");
    assert_null(m->playback);
    assert_ptr_equal(replay_shown(m), m);
    assert_false(m->quitting);
}

static void a_question_behind_it_is_told(void **state)
{
    struct world *w = *state;

    play(w);
    w->m->screen.dialog.kind = DIALOG_VERDICT;
    assert_non_null(strstr(replay_shown(w->m)->replay_note, "a question waits"));
    world_type(w, "q");
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_VERDICT);
}

static int ran, posted;
static void run(void *arg, struct effect *e)
{
    (void)arg;
    ran++;
    effect_clear(e);
}
static void post(void *arg, struct event *ev)
{
    (void)arg;
    assert_int_equal(ev->err.code, ERR_REFUSED);
    posted++;
}

static void the_gate_lets_nothing_out(void **state)
{
    struct world *w = *state;
    struct gate g = {.offline = true};
    const struct req req = {OWNER_FLOW, 1, 1};
    static const char *const argv[] = {"true", NULL};

    ran = posted = 0;
    fx_sql(&w->fx, req, CONN_CONTROL, "SELECT 1", 0);
    effects_add(&w->fx, FX_PG_CONNECT, req);
    effects_add(&w->fx, FX_SSH_OPEN, req);
    effects_add(&w->fx, FX_HTTP, req);
    fx_child(&w->fx, req, argv, 0);
    fx_file(&w->fx, req, FILE_SAVE, "/x");
    fx_file(&w->fx, req, FILE_APPEND, "/x");
    fx_file(&w->fx, req, FILE_LOCK, "/x");
    fx_file(&w->fx, req, FILE_REMOVE, "/x");
    gate_run(&g, &w->fx, run, post, NULL);
    assert_int_equal(ran, 0);
    assert_int_equal(posted, 7);
    fx_file(&w->fx, req, FILE_READ, "/x");
    fx_timer(&w->fx, req, 5);
    fx_line(&w->fx, FX_STDOUT, "x");
    gate_run(&g, &w->fx, run, post, NULL);
    assert_int_equal(ran, 3);
    gate_clear(&g);
}

/* ---- /record ---- */

static void answer(struct world *w, enum ui_file id, enum err_code code, bool missing)
{
    struct event ev = {.kind = EV_FILE,
                       .req = {OWNER_UI, w->m->recorder.generation, (uint32_t)id},
                       .at_us = w->m->now_us};

    if (code != ERR_NONE)
        err_set(&ev.err, code, "no room left on the disk for /w/night.jsonl");
    ev.u.file.missing = missing;
    keys_answer(w->m, &ev, &w->fx);
}

static void begin(struct world *w)
{
    record_start(w->m, "/w/night.jsonl", &w->fx);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_READ);
    answer(w, UI_RECORD_LOOK, ERR_FILE, true);
    effects_clear(&w->fx);
    assert_true(w->m->recorder.begun);
}

static void nothing_is_written_over(void **state)
{
    struct world *w = *state;

    record_start(w->m, "/w/night.jsonl", &w->fx);
    answer(w, UI_RECORD_LOOK, ERR_NONE, false);
    assert_false(w->m->recorder.on);
    assert_true(world_said(w, "it is there already"));
    record_start(w->m, "a/b", &w->fx);
    assert_false(w->m->recorder.on);
}

static void it_is_written_aside_and_now_and_then(void **state)
{
    struct world *w = *state;

    begin(w);
    record_tick(w->m, &w->fx);
    assert_int_equal(w->fx.n, 0);
    w->m->now_us += (int64_t)RECORD_EVERY_S * 1000000;
    record_tick(w->m, &w->fx);
    assert_int_equal(w->fx.n, 1);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_APPEND);
    assert_true(w->fx.items[0].u.file.aside);
    w->m->now_us += (int64_t)RECORD_EVERY_S * 1000000;
    model_say(w->m, CHAT_EVENT, "hello");
    record_tick(w->m, &w->fx); /* the one before is still on its way */
    assert_int_equal(w->fx.n, 1);
    answer(w, UI_RECORD_WRITTEN, ERR_NONE, false);
    record_tick(w->m, &w->fx);
    assert_int_equal(w->fx.n, 2);
    assert_non_null(strstr(w->fx.items[1].text, "hello"));
}

static void no_secret_is_written(void **state)
{
    struct world *w = *state;
    secret_id id = secret_put("opensesame", 10);

    begin(w);
    model_say(w->m, CHAT_USER,
              "is it opensesame, or password=hunter22 with sk-abcdefghij0123456789?");
    record_stop(w->m, &w->fx);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_APPEND);
    assert_non_null(strstr(w->fx.items[0].text, "is it "));
    assert_null(strstr(w->fx.items[0].text, "opensesame"));
    secret_release(id);
}

/* The part is full: the next one is looked for. */
static void fill_part(struct world *w)
{
    effects_clear(&w->fx);
    w->m->recorder.bytes = RECORD_PART_MAX;
    answer(w, UI_RECORD_WRITTEN, ERR_NONE, false);
    assert_int_equal(w->fx.n, 1);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_READ);
}

static void an_older_part_is_not_written_to(void **state)
{
    struct world *w = *state;

    begin(w);
    fill_part(w);
    assert_string_equal(w->fx.items[0].u.file.path, "/w/night.jsonl.2");
    answer(w, UI_RECORD_WRITTEN, ERR_NONE, false); /* it is asked once */
    assert_int_equal(w->fx.n, 1);
    effects_clear(&w->fx);
    model_say(w->m, CHAT_EVENT, "the last words");
    record_tick(w->m, &w->fx);
    answer(w, UI_RECORD_LOOK, ERR_NONE, false);
    assert_false(w->m->recorder.on);
    assert_true(world_said(w, "night.jsonl.2 is there already"));
    assert_int_equal(w->fx.n, 1); /* what had come goes where it may */
    assert_string_equal(w->fx.items[0].u.file.path, "/w/night.jsonl");
    assert_non_null(strstr(w->fx.items[0].text, "the last words"));
}

static void a_full_disk_ends_it_and_a_full_part_does_not(void **state)
{
    struct world *w = *state;

    begin(w);
    for (int i = 0; i < RECORD_PARTS; i++) {
        fill_part(w);
        effects_clear(&w->fx);
        answer(w, UI_RECORD_LOOK, ERR_FILE, true);
    }
    assert_int_equal(w->m->recorder.part, RECORD_PARTS + 1);
    assert_int_equal(w->fx.n, 1);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_REMOVE);
    assert_string_equal(w->fx.items[0].u.file.path, "/w/night.jsonl");
    assert_int_equal(strncmp(buf_text(&w->m->recorder.lines), "{\"event\":\"recording\"", 20), 0);
    answer(w, UI_RECORD_WRITTEN, ERR_FULL, false);
    assert_false(w->m->recorder.on);
    assert_true(world_said(w, "the recording to /w/night.jsonl ends"));
    assert_int_equal(w->m->flow, FLOW_WATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_move_it_and_nothing_else, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_question_behind_it_is_told, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_gate_lets_nothing_out, setup, world_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_written_over, setup, world_teardown),
        cmocka_unit_test_setup_teardown(it_is_written_aside_and_now_and_then, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(no_secret_is_written, setup, world_teardown),
        cmocka_unit_test_setup_teardown(an_older_part_is_not_written_to, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_ends_it_and_a_full_part_does_not, setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
