/* Statements and settings among the live views on the real program: rates, plans that are not executed, the clipboard, files, what the
 * program knows of a setting, and what it says where the extension is missing. */
#include "live.h"

static const char *const readonly[] = {"--advisor", "builtin", "--readonly", NULL};
static const char *const no_clipboard[] = {"--advisor", "builtin", "--no-clipboard", NULL};

/* In the text of pg_stat_statements; a line of it begins with a comment, so that a blank in place of a newline would change it. */
static const char kept[] = "SELECT count(*) -- of all\n FROM orders WHERE note = $1";

static void as_app(const char *sql)
{
    pgtest_sh("printf '%%b' \"%s\" | psql -X -q -h '%s' -p %s -U app -d postgres >/dev/null", sql,
              live_pg->host, live_pg->port);
}

static void plant(void)
{
    const char *const lines[] = {
        "CREATE EXTENSION pg_stat_statements",
        "CREATE ROLE app LOGIN",
        "CREATE SCHEMA app AUTHORIZATION app",
        "ALTER ROLE app SET search_path = app",
        "CREATE TABLE app.orders AS SELECT i, 'n' || i AS note FROM generate_series(1, 2000) AS i",
        "ALTER TABLE app.orders OWNER TO app",
        "ANALYZE app.orders",
        "CREATE TABLE app.few AS SELECT 'x'::text AS note FROM generate_series(1, 1000)",
        "ALTER TABLE app.few OWNER TO app",
        "ANALYZE app.few",
        /* what the planner calls on the commonest values, whatever its volatility */
        ("CREATE FUNCTION app.trap(text, text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS "
         "$$BEGIN PERFORM set_config('role', 'none', false); "
         "RAISE LOG 'the trap has %', session_user; RETURN true; END$$"),
        "ALTER FUNCTION app.trap(text, text) OWNER TO app",
        ("CREATE OPERATOR app.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = app.trap, "
         "RESTRICT = eqsel)"),
        "ALTER OPERATOR app.=== (text, text) OWNER TO app",
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        pgtest_psql(live_pg, "postgres", lines[i]);
    for (int i = 0; i < 3; i++)
        as_app("SELECT count(*) -- of all\\n FROM orders WHERE note = 'n7';");
}

static int calls(void)
{
    return atoi(pgtest_psql(live_pg, "postgres",
                            "SELECT calls FROM pg_stat_statements WHERE query LIKE '%of all%'"));
}

static void open_view(struct screen *s, const char *name, const char *title)
{
    screen_key(s, "/");
    screen_key(s, "view ");
    screen_key(s, name);
    screen_key(s, "<Enter>");
    screen_expect(s, title, LIVE_MS);
}

static struct screen *start(const char *const *more, int rows, int cols)
{
    static const char *const in_tmux[] = {"TMUX=/tmp/tmux-0/default,1,0", NULL};
    static const char *const alone[] = {"TMUX", NULL};

    return live_watch(more, more == readonly ? in_tmux : alone, rows, cols);
}

static void find_statement(struct screen *s)
{
    screen_key(s, "8");
    screen_expect(s, "8 Statements", LIVE_MS);
    screen_key(s, "fof all orders<Enter>");
    screen_expect_regex(s, "1 of [0-9]+ rows", LIVE_MS);
}

static void planned(struct screen *s)
{
    int before = calls();

    screen_key(s, "x");
    screen_expect(s, "x again plans it all the same: it may run code of others as a super",
                  LIVE_MS);
    screen_key(s, "x");
    screen_expect(s, "Plan of a statement of app in postgres", LIVE_MS);
    screen_expect(s, "as app, in a read-only session; not executed", LIVE_MS);
    screen_expect(s, "any values of its 1 parameter", LIVE_MS);
    screen_expect(s, "Seq Scan on orders", LIVE_MS);
    screen_expect(s, "Filter: (note = $1)", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Plan of a statement", LIVE_MS);
    assert_int_equal(calls(), before);
}

/* Base64 of the text behind OSC 52, as the terminal gets it. */
static void copied(struct screen *s, const char *text)
{
    char said[80], want[400];

    screen_key(s, "y");
    snprintf(said, sizeof said, "copied %zu bytes", strlen(text));
    screen_expect(s, said, LIVE_MS);
    snprintf(want, sizeof want, "\033]52;c;%s\a",
             pgtest_sh("printf '%%s' '%s' | base64 -w0", text));
    assert_true(screen_wrote(s, want));
}

static void exported(struct screen *s)
{
    screen_key(s, "e");
    screen_expect_regex(s, "1 row in /.*/exports/statements_[0-9]{8}-[0-9]{6}\\.csv and \\.json",
                        LIVE_MS);
    const char *csv = pgtest_sh("cat '%s'/workspaces/*/exports/statements_*.csv", live_home);
    assert_int_equal(strncmp(csv, "calls_per_s,ms_per_s,mean_ms,", 29), 0);
    assert_non_null(strstr(csv, "SELECT count(*) -- of all"));
    assert_string_equal(
        pgtest_sh("stat -c %%a '%s'/workspaces/*/exports/statements_*.json", live_home), "600");
    assert_string_equal(
        pgtest_sh(
            "python3 -c 'import glob, json, sys; d = json.load(open(glob.glob(sys.argv[1])[0])); "
            "print(d[\"view\"], d[\"filter\"], len(d[\"rows\"]), d[\"rows\"][0][\"calls_all\"])' "
            "'%s/workspaces/*/exports/statements_*.json'",
            live_home),
        "statements of all orders 1 3");
}

static void statements(void **state)
{
    (void)state;
    struct screen *s = start(live_builtin, 45, 160);
    find_statement(s);
    screen_expect_regex(s, "[0-9.]+/s +[0-9.]+ ms/s .*SELECT count", LIVE_MS);
    planned(s);
    copied(s, kept);
    exported(s);
    screen_key(s, "<Esc>"); /* the filter */
    screen_key(s, "9");
    screen_expect_regex(s, "9 Tables of database [a-z]", LIVE_MS);
    screen_expect(s, "app.orders", LIVE_MS);
    screen_key(s, "x"); /* is no key here */
    screen_key(s, "forders<Enter>y");
    screen_expect_regex(s, "copied [0-9]+ bytes", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_key(s, "q"); /* back to the panes */
    live_quit(s);
}

/* A session of app's that runs this, and sleeps in it. */
static void app_sleeps(const char *name, const char *sql)
{
    char ask[200];

    pgtest_sh("PGAPPNAME=%s setsid psql -X -h '%s' -p %s -U app -d postgres -c \"%s\" "
              ">/dev/null 2>&1 </dev/null &",
              name, live_pg->host, live_pg->port, sql);
    snprintf(ask, sizeof ask,
             "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND "
             "wait_event = 'PgSleep'",
             name);
    for (int i = 0; i < 200; i++) {
        if (strcmp(pgtest_psql(live_pg, "postgres", ask), "1") == 0)
            return;
        usleep(50000);
    }
    fail_msg("the session %s does not sleep", name);
}

static bool logged(const char *words)
{
    return atoi(pgtest_sh("grep -c '%s' '%s/log' || true", words, live_pg->dir)) > 0;
}

/* An operator of a stranger's is not called with our rights before that was asked; what the server keeps of a text. */
static void text_of_a_session(void **state)
{
    (void)state;
    static const char trap[] = "SELECT pg_sleep(90) FROM app.few WHERE note OPERATOR(app.===) 'x'";
    char longer[1700], said[40];
    struct screen *s = start(live_builtin, 36, 120);

    snprintf(longer, sizeof longer, "SELECT pg_sleep(90) AS padded%*s, 2", 1500, "");
    app_sleeps("trap", trap);
    app_sleeps("longer", longer);
    screen_key(s, "6");
    screen_expect(s, "6 Activity", LIVE_MS);
    screen_key(s, "fapp.few<Enter>");
    screen_expect_regex(s, "1 of [0-9]+ rows", LIVE_MS);
    assert_true(logged("the trap has app")); /* it is called when app plans */
    screen_key(s, "x");
    screen_expect(s, "x again plans it all the same", LIVE_MS);
    assert_false(logged("the trap has postgres"));
    screen_key(s, "y");
    snprintf(said, sizeof said, "copied %zu bytes", strlen(trap));
    screen_expect(s, said, LIVE_MS);
    screen_key(s, "<Esc>fpadded<Enter>");
    screen_expect_regex(s, "1 of [0-9]+ rows", LIVE_MS);
    screen_key(s, "y");
    screen_expect(s, "copied 1023 bytes; the server keeps no more", LIVE_MS);
    screen_key(s, "x");
    screen_expect(s, "the server has kept the beginning", LIVE_MS);
    assert_false(logged("invalid input syntax"));
    pgtest_psql(live_pg, "postgres",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "kept the beginning", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_key(s, "q"); /* back to the panes */
    live_quit(s);
}

/* The same where nothing is changed, and in tmux. */
static void looks_only(void **state)
{
    (void)state;
    struct screen *s = start(readonly, 36, 120); /* looks, too */
    find_statement(s);
    screen_key(s, "x");
    screen_expect(s, "x again plans it all the same", LIVE_MS);
    screen_key(s, "x");
    screen_expect(s, "Seq Scan on orders", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Seq Scan", LIVE_MS);
    screen_key(s, "y"); /* tmux lets it through only wrapped */
    screen_expect_regex(s, "copied [0-9]+ bytes", LIVE_MS);
    assert_true(screen_wrote(s, "\033Ptmux;\033\033]52;c;"));
    screen_key(s, "<Esc>");
    screen_key(s, "q"); /* back to the panes */
    live_quit(s);
}

static void settings(void **state)
{
    (void)state;
    struct screen *s = start(no_clipboard, 24, 80);
    open_view(s, "settings", "Settings");
    screen_key(s, "fsetting:work_mem<Enter>");
    screen_expect_regex(s, "work_mem +7MB", LIVE_MS);
    screen_key(s, "y");
    screen_expect(s, "the clipboard is off", LIVE_MS);
    /* what is known of it needs discovery to have ended */
    for (bool known = false; !known;) {
        screen_key(s, "<Enter>");
        screen_expect(s, "setting: ", LIVE_MS);
        screen_expect(s, "postgresql.conf:", LIVE_MS);
        screen_key(s, "<End>");
        screen_expect(s, "What is known of it", LIVE_MS);
        known = screen_wait(s, "PostgreSQL 15", 500);
        screen_key(s, "<Esc>");
        screen_expect_gone(s, "one row", LIVE_MS);
    }
    open_view(s, "log", "Server log");
    screen_expect(s, "database system is ready", LIVE_MS);
    screen_key(s, "q"); /* back to the panes */
    live_quit(s);
}

static void without_the_extension(void **state)
{
    (void)state;
    pgtest_psql(live_pg, "postgres", "DROP EXTENSION pg_stat_statements");
    struct screen *s = start(live_builtin, 36, 120);
    screen_key(s, "8");
    screen_expect(s, "pg_stat_statements is not in the database postgres", LIVE_MS);
    screen_expect(s, "CREATE EXTENSION", LIVE_MS);
    screen_key(s, "q"); /* back to the panes */
    live_quit(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(statements), LIVE_TEST(text_of_a_session),     LIVE_TEST(looks_only),
        LIVE_TEST(settings),   LIVE_TEST(without_the_extension),
    };
    live_begin("shared_preload_libraries = 'pg_stat_statements'\nwork_mem = '7MB'\n");
    plant();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    live_end();
    return failed;
}
