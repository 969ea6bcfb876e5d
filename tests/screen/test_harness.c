/* The screen harness itself: what it shows, sends and notices, tried on a shell. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "screen.h"

static struct screen *run_sh(const char *script, int rows, int cols)
{
    const char *argv[] = {"-c", script, NULL};
    const char *env[] = {"GREETING=hello", NULL};
    return screen_open(&(struct screen_options){
        .program = "sh", .argv = argv, .env = env, .rows = rows, .cols = cols});
}

static void test_text_and_attributes(void **state)
{
    (void)state;
    struct screen *s = run_sh("printf '%s \\033[1;31mred\\033[0m \\033[7mrev\\033[0m '; "
                              "printf '\\303\\251 \\350\\241\\250 end\\n' x; echo $GREETING; cat",
                              10, 40);
    int row, col;
    screen_expect(s, "hello", 5000);
    assert_true(screen_find(s, "red", &row, &col));
    assert_true(screen_cell(s, row, col).bold);
    assert_int_equal(screen_cell(s, row, col).fg & 0xf, 1);
    assert_false(screen_cell(s, row, col).fg_default);
    assert_true(screen_find(s, "rev", &row, &col));
    assert_true(screen_cell(s, row, col).reverse);
    assert_false(screen_cell(s, row, col).bold);
    assert_true(screen_find(s, "\350\241\250", &row, &col));
    assert_int_equal(screen_cell(s, row, col).width, 2);
    assert_int_equal(screen_cell(s, row, col + 1).width, 0);
    int after;
    assert_true(screen_find(s, "end", &row, &after));
    assert_int_equal(after, col + 3);
    assert_false(screen_wait(s, "not there", 100));
    screen_close(s);
}

static void test_keys_and_resize(void **state)
{
    (void)state;
    struct screen *s = run_sh("stty -echo; echo ready; read -r line; echo \"got [$line]\"; "
                              "trap 'stty size; exit 7' WINCH; while :; do sleep 0.05; done",
                              12, 50);
    screen_expect(s, "ready", 5000);
    screen_key(s, "a<lt>b<Enter>");
    screen_expect(s, "got [a<b]", 5000);
    screen_pump(s, 200);
    screen_resize(s, 20, 77);
    screen_expect_regex(s, "^20 77$", 5000);
    screen_expect_exit(s, 7, 5000);
    screen_close(s);
}

static void test_control_key_and_signal(void **state)
{
    (void)state;
    struct screen *s = run_sh("echo ready; exec sleep 60", 12, 50);
    screen_expect(s, "ready", 5000);
    assert_int_equal(screen_wait_exit(s, 100), -1);
    screen_key(s, "<C-c>");
    int status = screen_wait_exit(s, 5000);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    screen_close(s);
}

static void test_alternate_and_raw(void **state)
{
    (void)state;
    struct screen *s = run_sh("printf '\\033]2;a title\\007\\033[?1049h\\033[?25lfull'; read -r x; "
                              "printf '\\033[?1049l\\033[?25hback'; exit 3",
                              12, 50);
    int row, col;
    bool visible;
    size_t length;
    screen_expect(s, "full", 5000);
    assert_true(screen_is_alternate(s));
    screen_cursor(s, &row, &col, &visible);
    assert_false(visible);
    assert_string_equal(screen_title(s), "a title");
    screen_key(s, "<Enter>");
    screen_expect_exit(s, 3, 5000);
    assert_false(screen_is_alternate(s));
    assert_non_null(strstr(screen_raw(s, &length), "\033[?1049l"));
    screen_close(s);
}

static void test_environment_is_clean(void **state)
{
    (void)state;
    struct screen *s = run_sh("env | grep -cE '^(PGHOST|NO_COLOR)='; echo term=$TERM.", 12, 50);
    screen_expect(s, "term=xterm-256color.", 5000);
    assert_string_equal(screen_row(s, 0), "0");
    screen_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_attributes),    cmocka_unit_test(test_keys_and_resize),
        cmocka_unit_test(test_control_key_and_signal), cmocka_unit_test(test_alternate_and_raw),
        cmocka_unit_test(test_environment_is_clean),
    };
    setenv("PGHOST", "nowhere", 1);
    setenv("NO_COLOR", "1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
