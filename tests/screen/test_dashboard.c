/* The live dashboard of a real server: every pane at every size that is promised, keys, prompt, help, and what happens when
 * the server goes away. */
#include <signal.h>
#include <sys/wait.h>

#include "live.h"

static struct screen *open_dashboard(int rows, int cols)
{
    struct screen *s = live_open("postgres", NULL, NULL, rows, cols);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    screen_expect_regex(s, "[0-9]+ xact/s", LIVE_MS);
    return s;
}

static void expect_tree(struct screen *s)
{
    char name[64];
    snprintf(name, sizeof name, "postgres_local_%s", live_pg->port);
    screen_expect(s, "1 Sessions", LIVE_MS);
    screen_expect(s, name, LIVE_MS);
}

static void expect_bench(struct screen *s)
{
    screen_expect(s, "2 Benchmark", LIVE_MS);
    screen_expect_regex(s, "[0-9]+ sessions +[0-9]+ active +[0-9]+ idle in transaction", LIVE_MS);
    screen_expect_regex(s, "xact/s +[0-9k.]+ \u2524", LIVE_MS);
}

static void expect_telemetry(struct screen *s)
{
    screen_expect(s, "3 Telemetry", LIVE_MS);
    screen_expect_regex(s, "cpu +us .*[0-9]+ %", LIVE_MS);
    screen_expect_regex(s, "load +xacts .*[0-9]+/s", LIVE_MS);
    screen_expect_regex(s, "wal .*MB/s", LIVE_MS);
    screen_expect_regex(s, "memory free .*(MB|GB)", LIVE_MS);
}

static void expect_ai(struct screen *s)
{
    screen_expect(s, "4 AI", LIVE_MS);
    screen_expect(s, "connected to PostgreSQL", LIVE_MS);
    screen_expect(s, "Press t to start", LIVE_MS);
}

static void expect_rounds(struct screen *s)
{
    screen_expect(s, "5 Rounds", LIVE_MS);
    screen_expect(s, "No rounds yet", LIVE_MS);
}

/* Nothing but the status line may touch the first row, and prompt and keys have the last two. */
static void expect_edges(struct screen *s, int rows)
{
    screen_expect_regex(s, "^ postgres@local \u2502 ", LIVE_MS);
    assert_non_null(strstr(screen_row(s, 0), " xact/s"));
    screen_expect_regex(s, "^\\[postgres@local.* xact/s\\] >", LIVE_MS);
    assert_non_null(strstr(screen_row(s, rows - 2), "] >"));
    assert_non_null(strstr(screen_row(s, rows - 1), "Tab pane"));
}

static void every_pane_at_160x45(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(45, 160);
    screen_key(s, "3");
    expect_tree(s);
    expect_bench(s);
    expect_telemetry(s);
    expect_ai(s);
    expect_rounds(s);
    expect_edges(s, 45);
    live_quit(s);
}

static void every_pane_at_120x36(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    expect_tree(s);
    expect_bench(s);
    expect_telemetry(s);
    expect_ai(s);
    expect_rounds(s);
    expect_edges(s, 36);
    live_quit(s);
}

static void every_pane_at_80x24(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(24, 80);
    expect_edges(s, 24);
    screen_key(s, "1");
    expect_tree(s);
    screen_key(s, "<Tab>");
    expect_bench(s);
    screen_key(s, "<Tab>");
    expect_telemetry(s);
    screen_key(s, "<Tab>");
    expect_ai(s);
    screen_key(s, "<Tab>");
    expect_rounds(s);
    screen_key(s, "<Tab>");
    expect_tree(s);
    screen_key(s, "<BTab>");
    expect_rounds(s);
    expect_edges(s, 24);
    live_quit(s);
}

/* The figures come from the server: work on it moves them. */
static void figures_follow_the_server(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    screen_expect_regex(s, "\u2502 0 sessions \u2502", LIVE_MS);
    pgtest_sh("(for i in 1 2 3; do psql -X -q -h '%s' -p %s -U postgres -d postgres -c 'SELECT "
              "pg_sleep(4)' >/dev/null 2>&1 & done) >/dev/null 2>&1",
              live_pg->host, live_pg->port);
    screen_expect_regex(s, "\u2502 3 sessions \u2502", LIVE_MS);
    screen_expect_regex(s, "3 sessions  3 active", LIVE_MS);
    screen_expect_regex(s, "\u2502 0 sessions \u2502", LIVE_MS);
    for (int i = 0; i < 5; i++) {
        pgtest_sh("for i in $(seq 2500); do echo 'SELECT 1;'; done | psql -X -q -h '%s' -p %s -U "
                  "postgres -d postgres >/dev/null",
                  live_pg->host, live_pg->port);
        if (screen_wait_regex(s, "\u2502 [0-9]{3,6} xact/s", 1500))
            break;
    }
    live_quit(s);
}

static void small_terminals_live_on(void **state)
{
    (void)state;
    static const struct {
        int rows, cols;
        bool panes;
    } sizes[] = {{10, 40, true}, {9, 39, false}, {5, 20, false}};
    struct screen *s = open_dashboard(24, 80);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        screen_resize(s, sizes[i].rows, sizes[i].cols);
        if (sizes[i].panes)
            screen_expect(s, "2 Benchmark", LIVE_MS);
        else
            screen_expect_gone(s, "2 Benchmark", LIVE_MS);
        screen_expect(s, "postgres@local", LIVE_MS);
        screen_expect_regex(s, "^(\\[.*\\] )?>", LIVE_MS);
    }
    screen_resize(s, 3, 10);
    screen_expect(s, "enlarge", LIVE_MS);
    screen_expect_gone(s, "postgres", LIVE_MS);
    screen_key(s, "12345 z z?<Esc>");
    screen_pump(s, 1500);
    screen_resize(s, 4, 200);
    screen_expect(s, "enlarge", LIVE_MS);
    screen_resize(s, 1, 1);
    screen_pump(s, 500);
    screen_resize(s, 45, 160);
    expect_tree(s);
    expect_edges(s, 45);
    live_quit(s);
}

static void the_smallest_terminal_starts(void **state)
{
    (void)state;
    struct screen *s = live_open("postgres", NULL, NULL, 3, 10);
    screen_expect(s, "enlarge", LIVE_MS);
    screen_pump(s, 1000);
    screen_resize(s, 24, 80);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    live_quit(s);
}

static void a_storm_of_sizes_ends_well(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    for (int i = 0; i < 150; i++) {
        screen_resize(s, 2 + i * 7 % 60, 5 + i * 13 % 220);
        if (i % 10 == 0)
            screen_pump(s, 20);
    }
    screen_resize(s, 45, 160);
    expect_tree(s);
    expect_telemetry(s);
    expect_rounds(s);
    expect_edges(s, 45);
    live_quit(s);
}

/* Every row of the key table and every command stands in the overlay. */
static void help_lists_what_the_keys_do(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Keyboard help",
        "Tab           Next pane; Shift-Tab goes back.",
        "1-5           Tree, benchmark, telemetry, AI, rounds.",
        "t             Start a tuning session",
        "Space         Hold the picture still",
        "z             The focused pane fills the screen.",
        "s             Status of server, session and program.",
        "Ctrl-C        In a run: stop it",
        "/             A slash command; Tab completes.",
        "?             This help.",
        "F1            This help.",
        "Ctrl-L        Paint the whole screen again.",
        "Ctrl-Z        Suspend",
        "q             Back, or leave",
        "a             Accept the line.",
        "g             Go on: every line must have an answer.",
        "u             Undo what this round kept.",
        "/help",
        "/status",
        "/pause",
        "/resume",
        "/export",
        "/close",
        "/quit",
    };
    static const char *const keys[] = {"?", "<F1>"};
    struct screen *s = open_dashboard(160, 120);
    for (size_t k = 0; k < 2; k++) {
        screen_key(s, keys[k]);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            screen_expect(s, rows[i], LIVE_MS);
        screen_key(s, "<Esc>");
        screen_expect_gone(s, "Keyboard help", LIVE_MS);
    }
    screen_resize(s, 24, 80);
    screen_key(s, "/help<Enter>");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_expect_gone(s, "/quit", LIVE_MS);
    screen_key(s, "<PgDn><PgDn><PgDn><PgDn><PgDn><PgDn>");
    screen_expect_gone(s, "Next pane", LIVE_MS);
    screen_key(s, "//quit<Enter>");
    screen_expect_regex(s, "/quit +Leave", LIVE_MS);
    screen_key(s, "?");
    screen_expect_gone(s, "Keyboard help", LIVE_MS);
    live_quit(s);
}

static void digits_zoom_and_freeze(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    expect_telemetry(s);
    screen_key(s, "4z");
    screen_expect(s, "4 AI (zoom)", LIVE_MS);
    screen_expect_gone(s, "3 Telemetry", LIVE_MS);
    screen_key(s, "3");
    screen_expect(s, "3 Telemetry (zoom)", LIVE_MS);
    screen_key(s, "q"); /* back, not out */
    screen_expect(s, "1 Sessions", LIVE_MS);
    screen_key(s, " ");
    screen_expect(s, "FROZEN", LIVE_MS);
    screen_pump(s, 300);
    char *before = strdup(screen_text(s));
    screen_pump(s, 2500);
    char *after = strdup(screen_text(s));
    char *graph = strstr(before, "xact/s "), *later = strstr(after, "xact/s ");
    assert_non_null(graph);
    assert_non_null(later);
    /* the body of the benchmark pane stands still; the status line may count on */
    char *from = strchr(before, '\n'), *to = strchr(after, '\n');
    assert_memory_equal(from, to, 600);
    free(before);
    free(after);
    screen_key(s, " ");
    screen_expect_gone(s, "FROZEN", LIVE_MS);
    live_quit(s);
}

static void the_ai_pane_scrolls(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(24, 80);
    screen_key(s, "4");
    screen_expect(s, "Press t to start", LIVE_MS);
    for (int i = 0; i < 14; i++)
        screen_key(s, "/nosuch<Enter>");
    screen_expect(s, "unknown command /nosuch", LIVE_MS);
    screen_expect_gone(s, "connected to PostgreSQL", LIVE_MS);
    screen_key(s, "<PgUp><PgUp><PgUp>");
    screen_expect(s, "connected to PostgreSQL", LIVE_MS);
    screen_expect(s, "lines below", LIVE_MS);
    screen_key(s, "G");
    screen_expect_gone(s, "lines below", LIVE_MS);
    screen_key(s, "kkkkkkkkkkkkkkkkkkkkkk");
    screen_expect(s, "lines below", LIVE_MS);
    screen_key(s, "<End>");
    screen_expect_gone(s, "lines below", LIVE_MS);
    live_quit(s);
}

static void the_prompt_takes_commands(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    int row, col;
    bool visible;
    screen_cursor(s, &row, &col, &visible);
    assert_false(visible);
    screen_key(s, "<Enter>q1?z"); /* letters, not keys */
    screen_expect_regex(s, "> q1\\?z$", LIVE_MS);
    screen_pump(s, 200); /* the frame's end, where the cursor goes */
    screen_cursor(s, &row, &col, &visible);
    assert_true(visible);
    assert_int_equal(row, 34);
    screen_key(s, "<Esc>"); /* one layer: the text */
    screen_expect_gone(s, "q1?z", LIVE_MS);
    screen_key(s, "/sta");
    screen_expect(s, "/status", LIVE_MS); /* offered */
    screen_key(s, "<Tab><Enter>");
    screen_expect(s, "control link", LIVE_MS);
    screen_expect(s, "longest stall", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "control link", LIVE_MS);
    screen_key(s, "/stauts<Enter>");
    screen_expect(s, "unknown command /stauts", LIVE_MS);
    screen_key(s, "/pause<Enter>");
    screen_expect(s, "there is no session to pause", LIVE_MS);
    screen_key(s, ":<Up>"); /* history */
    screen_expect_regex(s, "> /pause$", LIVE_MS);
    screen_key(s, "<Up>");
    screen_expect_regex(s, "> /stauts$", LIVE_MS);
    screen_key(s, "<Down>");
    screen_expect_regex(s, "> /pause$", LIVE_MS);
    screen_key(s, "<C-c>"); /* clears the line, does not leave */
    screen_expect_gone(s, "> /pause", LIVE_MS);
    screen_key(s, "<PasteBegin>/st\033[31matus\r\nq<PasteEnd>");
    screen_expect_regex(s, "> /st", LIVE_MS);
    screen_pump(s, 300);
    screen_expect_gone(s, "control link", LIVE_MS); /* not submitted by the newline */
    screen_key(s, "<Esc><Esc>/quit<Enter>");
    screen_expect_exit(s, 0, LIVE_MS);
    assert_false(screen_is_alternate(s));
    live_close(s);
}

static void escape_closes_one_layer(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Keyboard help", LIVE_MS);
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Esc><Esc>"); /* at rest it leaves nothing */
    screen_pump(s, 500);
    expect_tree(s);
    live_quit(s);
}

static void ctrl_c_at_rest_leaves(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(24, 80);
    screen_key(s, "<C-c>");
    screen_expect_exit(s, 0, LIVE_MS);
    assert_false(screen_is_alternate(s));
    live_close(s);
}

static void signals_give_the_terminal_back(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct screen *s = open_dashboard(24, 80);
        int row, col;
        bool visible = false;
        kill(screen_pid(s), signals[i]);
        screen_expect_exit(s, 0, LIVE_MS);
        assert_false(screen_is_alternate(s));
        assert_true((screen_termios(s).c_lflag & (ICANON | ECHO)) == (ICANON | ECHO));
        screen_cursor(s, &row, &col, &visible);
        assert_true(visible);
        live_close(s);
    }
}

/* No escape byte, colour or wide cell where the terminal cannot show it. */
static void plain_terminals_get_plain_bytes(void **state)
{
    (void)state;
    static const char *const c_locale[] = {"LC_ALL=C", NULL};
    static const char *const vt100[] = {"TERM=vt100", "LC_ALL=C", NULL};
    static const char *const *const kinds[] = {c_locale, vt100};
    for (size_t k = 0; k < 2; k++) {
        struct screen *s = live_open("postgres", NULL, kinds[k], 36, 120);
        screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
        screen_expect_regex(s, "[0-9]+ xact/s", LIVE_MS);
        screen_key(s, "?");
        screen_expect(s, "Keyboard help", LIVE_MS);
        screen_key(s, "<Esc>s");
        screen_expect(s, "control link", LIVE_MS);
        screen_key(s, "<Esc>t");
        screen_expect(s, "pick a strategy", LIVE_MS);
        screen_pump(s, 500);
        size_t n = 0;
        const char *raw = screen_raw(s, &n);
        for (size_t i = 0; i < n; i++)
            assert_true((unsigned char)raw[i] <= 126);
        live_close(s);
    }
}

static bool wrote_braille(struct screen *s)
{
    size_t n = 0;
    const char *raw = screen_raw(s, &n);
    for (size_t i = 0; i + 2 < n; i++)
        if ((unsigned char)raw[i] == 0xe2 && (unsigned char)raw[i + 1] >= 0xa0 &&
            (unsigned char)raw[i + 1] <= 0xa3 && raw[i + 2] != (char)0x80)
            return true;
    return false;
}

static void graphs_take_the_form_that_is_asked_for(void **state)
{
    (void)state;
    static const char *const forms[] = {"braille", "block", "ascii"};
    for (size_t i = 0; i < 3; i++) {
        const char *args[] = {"--graph", forms[i], "--no-color", NULL};
        struct screen *s = live_open("postgres", args, NULL, 36, 120);
        screen_expect_regex(s, "[0-9]+ xact/s", LIVE_MS);
        pgtest_psql(live_pg, "postgres", "SELECT count(*) FROM generate_series(1, 200000)");
        screen_pump(s, 2500);
        assert_int_equal(wrote_braille(s), i == 0);
        assert_false(screen_wrote(s, "\033[31m"));
        assert_false(screen_wrote(s, "\033[38;5;"));
        live_quit(s);
    }
}

static void numbers_have_a_dot_in_every_locale(void **state)
{
    (void)state;
    bool german = strstr(pgtest_sh("locale -a"), "de_DE.utf8") != NULL;
    const char *env[] = {german ? "LC_ALL=de_DE.UTF-8" : "LC_NUMERIC=C", NULL};
    struct screen *s = live_open("postgres", NULL, env, 36, 120);
    screen_expect_regex(s, "wal .*[0-9]\\.[0-9] MB/s", LIVE_MS);
    screen_expect_regex(s, "memory free .*[0-9.]+ [GM]B", LIVE_MS);
    live_quit(s);
}

static void a_lost_server_is_counted_down_and_found_again(void **state)
{
    (void)state;
    struct screen *s = open_dashboard(36, 120);
    pgtest_stop(live_pg, "immediate");
    screen_expect(s, "connection lost", LIVE_MS);
    screen_expect_regex(s, "connection lost, next try in [0-9]\\.[0-9] s", LIVE_MS);
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", 3000);
    screen_key(s, "<Esc>4");
    screen_expect(s, "4 AI", 3000);
    screen_key(s, "/status<Enter>");
    screen_expect_regex(s, "control link +(trying again|connecting)", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_pump(s, 3000);
    pgtest_up(live_pg);
    screen_expect_gone(s, "connection lost", LIVE_MS);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    screen_key(s, "s");
    screen_expect_regex(s, "control link +up", LIVE_MS);
    screen_key(s, "<Esc>");
    live_quit(s);
}

static void a_server_that_comes_later_is_found(void **state)
{
    (void)state;
    pgtest_stop(live_pg, "fast");
    struct screen *s = live_open("postgres", NULL, NULL, 24, 80);
    screen_expect_regex(s, "no connection, next try in", LIVE_MS);
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", 3000);
    screen_key(s, "<Esc>");
    pgtest_up(live_pg);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    screen_expect_regex(s, "PG 1[0-9]", LIVE_MS);
    live_quit(s);
}

static int begin(void **state)
{
    (void)state;
    live_begin("autovacuum = off");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(every_pane_at_160x45),
        LIVE_TEST(every_pane_at_120x36),
        LIVE_TEST(every_pane_at_80x24),
        LIVE_TEST(figures_follow_the_server),
        LIVE_TEST(small_terminals_live_on),
        LIVE_TEST(the_smallest_terminal_starts),
        LIVE_TEST(a_storm_of_sizes_ends_well),
        LIVE_TEST(help_lists_what_the_keys_do),
        LIVE_TEST(digits_zoom_and_freeze),
        LIVE_TEST(the_ai_pane_scrolls),
        LIVE_TEST(the_prompt_takes_commands),
        LIVE_TEST(escape_closes_one_layer),
        LIVE_TEST(ctrl_c_at_rest_leaves),
        LIVE_TEST(signals_give_the_terminal_back),
        LIVE_TEST(plain_terminals_get_plain_bytes),
        LIVE_TEST(graphs_take_the_form_that_is_asked_for),
        LIVE_TEST(numbers_have_a_dot_in_every_locale),
        LIVE_TEST(a_lost_server_is_counted_down_and_found_again),
        LIVE_TEST(a_server_that_comes_later_is_found),
    };
    return cmocka_run_group_tests(tests, begin, live_group_end);
}
