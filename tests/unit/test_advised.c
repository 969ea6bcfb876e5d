/* The page of /advice: at each size, a line accepted and rejected, its SQL in full, the files; and nothing that goes to the server. */
#include <time.h>

#include "pgd/app/advised.h"
#include "pgd/app/dialogs.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/workspace/advice_notes.h"
#include "pgd/workspace/store.h"
#include "world.h"

/* Tables of which a quarter is dead, one advice each. */
static void tables(struct model *m, int n)
{
    for (int i = 0; i < n; i++) {
        struct table_facts *t = &m->server.tables[m->server.ntables++];
        snprintf(t->schema, sizeof t->schema, "public");
        snprintf(t->name, sizeof t->name, "Table %d", i + 1);
        t->live = 300000;
        t->dead = 100000;
    }
}

static int setup(void **state)
{
    struct world *w = world_new();

    w->m->flow = FLOW_WATCH;
    w->m->server_known = true;
    w->m->workspace.open = true;
    text_copy(w->m->workspace.dir, sizeof w->m->workspace.dir, "/home/w");
    text_copy(w->m->server.id.database, sizeof w->m->server.id.database, "shop\nDROP");
    tables(w->m, 20);
    advised_open(w->m);
    *state = w;
    return 0;
}

/* Whatever is pressed, nothing goes to the server. */
static void key(struct world *w, enum key_name name, char c)
{
    world_key(w, name, c);
    assert_null(world_sent(w, FX_PG_QUERY));
}

static void at_each_size(void **state)
{
    struct world *w = *state;
    static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}};

    assert_int_equal(w->m->advised.n, 20);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        w->m->screen.cols = sizes[i][0];
        w->m->screen.rows = sizes[i][1];
        assert_true(world_shows(w, "20 statements beside the settings. None is run from here."));
        assert_true(world_shows(w, "[ ] autovacuum         public.\"Table 1\""));
        assert_true(world_shows(w, "100 000 of 400 000 rows are dead"));
        assert_true(world_shows(w, "a accept"));
    }
    w->m->screen.rows = 24;
    key(w, KEYN_NONE, 'G'); /* the last one comes into sight */
    assert_true(world_shows(w, "public.\"Table 20\""));
}

static void accepted_and_rejected(void **state)
{
    struct world *w = *state;
    struct advised *a = &w->m->advised;

    key(w, KEYN_NONE, 'a');
    assert_int_equal(a->items[0].mark, ADVICE_ACCEPTED);
    assert_true(world_shows(w, "[a] autovacuum"));
    key(w, KEYN_NONE, 'j');
    key(w, KEYN_NONE, 'r');
    assert_int_equal(a->items[1].mark, ADVICE_REJECTED);
    assert_true(world_shows(w, "[r] autovacuum"));
    key(w, KEYN_NONE, 'r'); /* once more takes it back */
    assert_int_equal(a->items[1].mark, ADVICE_OPEN);
    key(w, KEYN_ESC, 0);
    advised_open(w->m); /* what was said stays */
    assert_int_equal(a->items[0].mark, ADVICE_ACCEPTED);
}

static void in_full(void **state)
{
    struct world *w = *state;

    key(w, KEYN_ENTER, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_true(world_shows(
        w, "ALTER TABLE public.\"Table 1\" SET (autovacuum_vacuum_scale_factor = 0.02);"));
    assert_true(
        world_shows(w, "ALTER TABLE public.\"Table 1\" RESET (autovacuum_vacuum_scale_factor);"));
    assert_true(world_shows(w, "SHARE UPDATE EXCLUSIVE"));
}

static const struct effect *file_named(const struct world *w, const char *end)
{
    for (size_t i = 0; i < w->fx.n; i++) {
        const char *path = w->fx.items[i].u.file.path;
        if (w->fx.items[i].kind == FX_FILE && w->fx.items[i].u.file.op == FILE_SAVE &&
            strlen(path) >= strlen(end) && strcmp(path + strlen(path) - strlen(end), end) == 0)
            return &w->fx.items[i];
    }
    return NULL;
}

/* What the disk answers to the newest look; text NULL: it is not there. */
static void answer(struct world *w, const char *path, const char *text, enum err_code err)
{
    const struct effect *asked = world_sent(w, FX_FILE);
    struct event ev = {.kind = EV_FILE, .text = text ? xstrdup(text) : NULL};

    assert_non_null(asked);
    assert_string_equal(asked->u.file.path, path);
    assert_null(file_named(w, ".sql"));
    ev.req = asked->req;
    ev.len = text ? strlen(text) : 0;
    ev.err.code = text ? ERR_NONE : ERR_FILE;
    ev.u.file.missing = !text && err == ERR_NONE;
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
    free(ev.text);
}

/* e, and what stands in the folder; NULL: nothing of that name. */
static void export(struct world *w, const char *list, const char *sql, const char *undo)
{
    key(w, KEYN_NONE, 'e');
    answer(w, "/home/w/exports", list, ERR_NONE);
    answer(w, "/home/w/exports/advice.sql", sql, ERR_NONE);
    answer(w, "/home/w/exports/undo_advice.sql", undo, ERR_NONE);
}

/* So many writes have landed. */
static void landed(struct world *w, uint32_t n)
{
    for (uint32_t id = 1; id <= n; id++) {
        struct event ev = {.kind = EV_FILE,
                           .req = {OWNER_ADVICE, w->m->advised_files.generation, id}};
        app_update(w->m, &ev, &w->fx);
    }
}

static char *copy_of(const struct world *w, const char *end)
{
    const struct effect *e = file_named(w, end);

    assert_non_null(e);
    return xstrdup(e->text);
}

/* What was accepted before stays somewhere, with its undo, whatever is accepted now. */
static void the_old_files_are_kept(void **state)
{
    struct world *w = *state;

    key(w, KEYN_NONE, 'a');
    export(w, NULL, NULL, NULL);
    char *sql = copy_of(w, "/advice.sql"), *undo = copy_of(w, "/undo_advice.sql");
    landed(w, 3);
    key(w, KEYN_NONE, 'j');
    key(w, KEYN_NONE, 'a');
    export(w, "advice.sql\nundo_advice.sql\nreport.md\n", sql,
           undo); /* one more: nothing is lost */
    assert_null(file_named(w, "-1.sql"));
    landed(w, 3);
    assert_true(world_shows(w, "written: 1 more than before; advice.sql"));
    key(w, KEYN_NONE, 'k');
    key(w, KEYN_NONE, 'a'); /* taken back */
    export(w, "advice.sql\nadvice-2.sql\nundo_advice-7.sql\nadvice-x.sql\n", sql, undo);
    assert_string_equal(file_named(w, "/home/w/exports/advice-8.sql")->text, sql);
    assert_string_equal(file_named(w, "/home/w/exports/undo_advice-8.sql")->text, undo);
    assert_non_null(file_named(w, "/exports/advice.sql"));
    landed(w, 5);
    assert_true(world_shows(w, "1 more, 1 no longer in it: as it was it is kept as advice-8.sql"));
    key(w, KEYN_NONE, 'k');
    key(w, KEYN_NONE, 'a'); /* the same statement again, whose undo would be another now */
    export(w, "advice.sql\n", sql, "ALTER TABLE t SET (fillfactor = 70);\n");
    assert_non_null(file_named(w, "/undo_advice-1.sql"));
    landed(w, 5);
    /* what cannot be read is not written over */
    key(w, KEYN_NONE, 'e');
    answer(w, "/home/w/exports", "advice.sql\n", ERR_NONE);
    answer(w, "/home/w/exports/advice.sql", NULL, ERR_FILE);
    assert_null(world_sent(w, FX_FILE));
    assert_true(world_said(w, "the advice was not exported"));
    free(sql);
    free(undo);
}

/* What stands in an old file takes its length and no more; a larger one is not touched. */
static void a_great_old_file_holds_nobody_up(void **state)
{
    struct world *w = *state;
    enum { MOST = 128 << 10 };
    char *old = xcalloc(1, MOST + 1);

    key(w, KEYN_NONE, 'a');
    for (int i = 0; i + 1 < MOST - 1; i += 2)
        memcpy(old + i, "x\n", 2);
    clock_t begin = clock();
    export(w, "advice.sql\n", old, old);
    double ms = 1e3 * (double)(clock() - begin) / CLOCKS_PER_SEC;
    print_message("two old files of 128 KB: %.1f ms\n", ms);
    assert_true(ms < 40);
    assert_string_equal(file_named(w, "/exports/advice-1.sql")->text, old);
    landed(w, 5);
    memset(old, 'x', MOST);
    key(w, KEYN_NONE, 'e');
    answer(w, "/home/w/exports", "advice.sql\n", ERR_NONE);
    answer(w, "/home/w/exports/advice.sql", old, ERR_NONE);
    assert_null(world_sent(w, FX_FILE));
    assert_true(world_said(w, "larger than any of ours"));
    free(old);
}

/* Each mark is on the disk at once, and the next start has it again. */
static void marks_outlive_the_program(void **state)
{
    struct world *w = *state, *next = world_new();
    struct identity id;
    struct err e = {0};

    text_copy(w->m->workspace.name, sizeof w->m->workspace.name, "shop_local");
    key(w, KEYN_NONE, 'a');
    key(w, KEYN_NONE, 'j');
    key(w, KEYN_NONE, 'r');
    key(w, KEYN_NONE, 'j');
    key(w, KEYN_NONE, 'a');
    key(w, KEYN_NONE, 'a'); /* and taken back */
    const struct effect *file = world_sent(w, FX_FILE);
    assert_int_equal(file->u.file.op, FILE_SAVE);
    assert_string_equal(file->u.file.path, "/home/w/workspace.json");
    assert_true(store_workspace_parse(file->text, file->len, &id, &e));
    assert_int_equal(
        store_workspace_advice(file->text, file->len, &w->m->server.id, &next->m->workspace), 0);
    assert_int_equal(next->m->workspace.nadvice, 2);
    /* another server, or one that may be another, is not answered for */
    struct workspace *other = xcalloc(1, sizeof *other);
    struct identity now = w->m->server.id;
    text_copy_raw(now.system_identifier, sizeof now.system_identifier, "43");
    assert_int_equal(store_workspace_advice(file->text, file->len, &now, other), 2);
    assert_int_equal(other->nadvice, 0);
    now = w->m->server.id;
    now.server_port++;
    assert_int_equal(store_workspace_advice(file->text, file->len, &now, other), 2);
    assert_int_equal(other->nadvice, 0);
    free(other);
    next->m->server_known = true;
    tables(next->m, 3);
    advised_open(next->m);
    assert_int_equal(next->m->advised.items[0].mark, ADVICE_ACCEPTED);
    assert_int_equal(next->m->advised.items[1].mark, ADVICE_REJECTED);
    assert_int_equal(next->m->advised.items[2].mark, ADVICE_OPEN);
    w->m->workspace.readonly = true; /* another program has it: said for this run alone */
    key(w, KEYN_NONE, 'a');
    assert_null(world_sent(w, FX_FILE));
    void *done = next;
    (void)world_teardown(&done);
}

/* There is room for so many; the oldest goes first, and what is damaged is left out. */
static void notes_are_bounded(void **state)
{
    static struct workspace w;
    char statement[640];

    (void)state;
    for (int i = 0; i < ADVICE_NOTES_MAX + 3; i++) {
        snprintf(statement, sizeof statement, "DROP INDEX i%d", i);
        advice_notes_put(&w, statement, ADVICE_ACCEPTED, 1000 + i);
    }
    assert_int_equal(w.nadvice, ADVICE_NOTES_MAX);
    assert_string_equal(w.advice[0].statement, "DROP INDEX i3");
    json_t *list = advice_notes_json(&w);
    json_array_append_new(list, json_string("x"));
    json_array_insert_new(list, 0, json_pack("{s:s, s:s}", "statement", "a", "mark", "open"));
    advice_notes_read(list, &w);
    assert_int_equal(w.nadvice, ADVICE_NOTES_MAX);
    assert_string_equal(w.advice[0].statement, "DROP INDEX i3");
    json_decref(list);
    advice_notes_put(&w, "DROP INDEX i3", ADVICE_OPEN, 5000);
    assert_int_equal(w.nadvice, ADVICE_NOTES_MAX - 1);
    advice_notes_read(NULL, &w);
    assert_int_equal(w.nadvice, 0);
}

static void files(void **state)
{
    struct world *w = *state;

    key(w, KEYN_NONE, 'e');
    assert_null(file_named(w, "/advice.sql"));
    assert_true(world_shows(w, "nothing is accepted yet"));
    key(w, KEYN_NONE, 'a');
    export(w, NULL, NULL, NULL);
    const struct effect *sql = file_named(w, "/home/w/exports/advice.sql");
    const struct effect *undo = file_named(w, "/home/w/exports/undo_advice.sql");
    assert_true(sql && undo);
    assert_non_null(
        strstr(sql->text,
               "\nALTER TABLE public.\"Table 1\" SET (autovacuum_vacuum_scale_factor = 0.02);"));
    assert_non_null(strstr(sql->text, "\n-- ALTER TABLE public.\"Table 2\" SET"));
    assert_null(strstr(sql->text, "\nDROP"));
    assert_non_null(strstr(
        undo->text, "\nALTER TABLE public.\"Table 1\" RESET (autovacuum_vacuum_scale_factor);"));
    landed(w, 3);
    assert_true(world_shows(w, "written: advice.sql and undo_advice.sql in /home/w/exports"));
}

/* Its answer to the look at what stands in exports/advice.sql when a session ends. */
static void kept(struct world *w, const char *text, bool missing)
{
    struct event ev = {.kind = EV_FILE, .text = text ? xstrdup(text) : NULL};
    const struct effect *asked = NULL;

    effects_clear(&w->fx);
    w->m->session.state = SESSION_ARCHIVED;
    advised_end(w->m, &w->fx);
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == FX_FILE && w->fx.items[i].u.file.op == FILE_READ)
            asked = &w->fx.items[i];
    assert_non_null(asked);
    assert_string_equal(asked->u.file.path, "/home/w/exports/advice.sql");
    assert_null(file_named(w, "/undo_advice.sql"));
    ev.req = asked->req;
    ev.u.file.missing = missing;
    if (!text)
        ev.err.code = ERR_FILE;
    app_update(w->m, &ev, &w->fx);
    free(ev.text);
}

/* The undo of what the DBA may have run since is written over by `e` alone. */
static void end_keeps_what_is_accepted(void **state)
{
    struct world *w = *state;

    kept(w, "-- pg_diagnose has run none of it. 1 accepted, 2 open (comments), 0 rejected", false);
    assert_null(file_named(w, "/undo_advice.sql"));
    kept(w, NULL, false); /* it is there and cannot be read */
    assert_null(file_named(w, "/undo_advice.sql"));
    kept(w, "-- pg_diagnose has run none of it. 0 accepted, 2 open (comments), 0 rejected", false);
    assert_non_null(file_named(w, "/undo_advice.sql"));
    kept(w, NULL, true);
    assert_non_null(file_named(w, "/undo_advice.sql"));
}

/* With --readonly it is a list to read: nobody accepts or rejects, and no file is written. */
static void read_only(void **state)
{
    struct world *w = *state;

    w->m->opt.readonly = true;
    assert_true(world_shows(w, "Enter SQL  y copy  Esc close"));
    key(w, KEYN_NONE, 'a');
    assert_int_equal(w->m->advised.items[0].mark, ADVICE_OPEN);
    key(w, KEYN_NONE, 'r');
    assert_int_equal(w->m->advised.items[0].mark, ADVICE_OPEN);
    w->m->advised.items[0].mark = ADVICE_ACCEPTED; /* said before /readonly */
    key(w, KEYN_NONE, 'e');
    assert_null(file_named(w, "/advice.sql"));
    assert_false(world_shows(w, "nothing is accepted yet"));
    key(w, KEYN_ENTER, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
}

static void nothing_found(void **state)
{
    struct world *w = *state;

    key(w, KEYN_ESC, 0);
    w->m->server.ntables = 0;
    key(w, KEYN_NONE, 'I');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_ADVICE);
    assert_true(world_shows(w, "Nothing was found that settings cannot mend."));
    key(w, KEYN_NONE, 'a');
    key(w, KEYN_ENTER, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_ADVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_each_size, setup, world_teardown),
        cmocka_unit_test_setup_teardown(accepted_and_rejected, setup, world_teardown),
        cmocka_unit_test_setup_teardown(in_full, setup, world_teardown),
        cmocka_unit_test_setup_teardown(files, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_old_files_are_kept, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_great_old_file_holds_nobody_up, setup, world_teardown),
        cmocka_unit_test_setup_teardown(marks_outlive_the_program, setup, world_teardown),
        cmocka_unit_test(notes_are_bounded),
        cmocka_unit_test_setup_teardown(end_keeps_what_is_accepted, setup, world_teardown),
        cmocka_unit_test_setup_teardown(read_only, setup, world_teardown),
        cmocka_unit_test_setup_teardown(nothing_found, setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
