/* Secrets never come out: not by redaction, not through the log, not by a stale handle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "pgd/base/log.h"
#include "pgd/base/secret.h"

static void handles(void **state)
{
    (void)state;
    assert_string_equal(secret_get(0), "");
    assert_string_equal(secret_get(12345), "");
    secret_id a = secret_put("alpha-secret", 12);
    secret_id b = secret_put("beta-secret-tail", 11);
    assert_true(a > 0 && b > 0 && a != b);
    assert_string_equal(secret_get(a), "alpha-secret");
    assert_string_equal(secret_get(b), "beta-secret");
    secret_release(a);
    assert_string_equal(secret_get(a), "");
    assert_string_equal(secret_get(b), "beta-secret");
    secret_id c = secret_put("gamma", 5);
    assert_true(c != a);
    secret_release(a);
    assert_string_equal(secret_get(c), "gamma");
    secret_wipe_all();
    assert_string_equal(secret_get(b), "");
    assert_string_equal(secret_get(c), "");
    secret_wipe_all();
}

static void expect(const char *text, const char *redacted)
{
    char copy[512];
    snprintf(copy, sizeof copy, "%s", text);
    secret_redact(copy);
    assert_string_equal(copy, redacted);
}

static void redacts_known(void **state)
{
    (void)state;
    secret_put("hunter2", 7);
    secret_put("hunter2-longer", 14);
    secret_put("x", 1);
    expect("pw hunter2, hunter2hunter2!", "pw *******, **************!");
    expect("a hunter2-longer b", "a ************** b");
    expect("xyz", "xyz");
    expect("", "");
    secret_put("aba", 3);
    expect("zababaz", "z*****z");
    secret_wipe_all();
    expect("pw hunter2", "pw hunter2");
}

static void redacts_what_looks_like_one(void **state)
{
    (void)state;
    expect("host=h password=abc user=u", "host=h password=*** user=u");
    expect("PASSWORD = 'it\\'s a' x", "PASSWORD = '*******' x");
    expect("sslpassword='a b'", "sslpassword='***'");
    expect("password='a", "password='*");
    expect("password=a\\ b c", "password=**** c");
    expect("PGPASSWORD=abc pgbench", "PGPASSWORD=*** pgbench");
    expect("{\"password\": \"abc\", \"n\": 1}", "{\"password\": \"***\", \"n\": 1}");
    expect("ALTER ROLE a PASSWORD 'it''s' LOGIN", "ALTER ROLE a PASSWORD '*****' LOGIN");
    expect("postgresql://u:pw@h:5432/d?x=1", "postgresql://u:**@h:5432/d?x=1");
    expect("postgresql://u:p@w@h/d", "postgresql://u:***@h/d");
    expect("postgresql://h/d?password=abc&host=x", "postgresql://h/d?password=***&host=x");
    expect("http://u:a@b and http://v:c@d", "http://u:*@b and http://v:*@d");
}

static void leaves_the_rest(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "password authentication failed for user \"x\"",
        "password_encryption=scram-sha-256",
        "password: wrong",
        "postgresql://u@h:5432/d",
        "postgresql://h:5432/d?x=a@b",
        "password",
        "password=",
        "://",
        "a://:@",
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        expect(plain[i], plain[i]);
}

static char sunk[LOG_LINE_MAX];
static enum log_level sunk_level;

static void sink(enum log_level level, const char *line)
{
    sunk_level = level;
    snprintf(sunk, sizeof sunk, "%s", line);
}

static void log_is_clean_redacted_bounded(void **state)
{
    (void)state;
    char line[LOG_LINE_MAX];
    assert_false(log_recent(0, NULL, line, sizeof line));
    log_sink(sink);
    secret_put("tab\tsecret", 10);
    log_line(LOG_WARN, "a\x1b[1m %s\nb", "tab\tsecret");
    assert_string_equal(sunk, "a\xef\xbf\xbd[1m ********** b");
    assert_int_equal(sunk_level, LOG_WARN);
    char big[3000];
    memset(big, 'y', sizeof big);
    big[sizeof big - 1] = '\0';
    /* The secret straddles the cut. */
    memcpy(big + 1018, "tab\tsecret", 10);
    log_line(LOG_ERROR, "%s", big);
    assert_int_equal(strlen(sunk), LOG_LINE_MAX - 1);
    assert_string_equal(sunk + 1016, "yy*****");
    enum log_level level;
    assert_true(log_recent(1, &level, line, sizeof line));
    assert_int_equal(level, LOG_WARN);
    assert_string_equal(line, "a\xef\xbf\xbd[1m ********** b");
    secret_wipe_all();
    log_sink(NULL);
    log_line(LOG_INFO, "not sunk");
    assert_int_equal(sunk_level, LOG_ERROR);
    assert_true(log_recent(0, &level, line, 4));
    assert_string_equal(line, "not");
}

static void log_keeps_the_last(void **state)
{
    (void)state;
    for (int i = 0; i < LOG_RECENT_MAX + 50; i++)
        log_line(LOG_INFO, "line %d", i);
    char line[32];
    char expected[32];
    for (int i = 0; i < LOG_RECENT_MAX; i++) {
        assert_true(log_recent((size_t)i, NULL, line, sizeof line));
        snprintf(expected, sizeof expected, "line %d", LOG_RECENT_MAX + 49 - i);
        assert_string_equal(line, expected);
    }
    assert_false(log_recent(LOG_RECENT_MAX, NULL, line, sizeof line));
}

static void *worker(void *arg)
{
    for (int i = 0; i < 500; i++) {
        secret_id id = secret_put("worker-secret", 13);
        log_line(LOG_INFO, "worker %s worker-secret %d", (const char *)arg, i);
        secret_release(id);
    }
    return NULL;
}

static void threads_may_log(void **state)
{
    (void)state;
    pthread_t threads[4];
    char names[4][2] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, names[i]), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    char line[64];
    for (size_t i = 0; i < LOG_RECENT_MAX; i++) {
        assert_true(log_recent(i, NULL, line, sizeof line));
        assert_null(strstr(line, "worker-secret"));
        assert_non_null(strstr(line, "************* "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles),
        cmocka_unit_test(redacts_known),
        cmocka_unit_test(redacts_what_looks_like_one),
        cmocka_unit_test(leaves_the_rest),
        cmocka_unit_test(log_is_clean_redacted_bounded),
        cmocka_unit_test(log_keeps_the_last),
        cmocka_unit_test(threads_may_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
