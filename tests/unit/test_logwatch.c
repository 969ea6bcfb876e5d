/* Lines of the server's log as the DBA is told of them: what the program does itself is no alarm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgd/app/logwatch.h"
#include "pgd/base/text.h"

static void tell(struct model *m, int pid, const char *text)
{
    struct logtail *t = &m->collect.log;

    t->told[0] = (struct logtail_told){
        .kind = LOGLINE_FATAL, .severity = LOG_SEVERITY_FATAL, .at_us = 1, .pid = pid};
    text_copy(t->told[0].text, sizeof t->told[0].text, text);
    t->ntold = 1;
    logwatch_pump(m);
}

static void our_own_end_is_no_alarm(void **state)
{
    struct model *m = calloc(1, sizeof *m);

    (void)state;
    model_init(m);
    m->own_pids[3] = 4711;
    tell(m, 4711, "connection to client lost");
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_EVENT);
    assert_non_null(
        strstr(m->chat[m->nchat - 1].text, "(a connection of pg_diagnose, closed by it)"));
    tell(m, 4712, "connection to client lost"); /* somebody else's */
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_WARN);
    tell(m, 0, "connection to client lost"); /* the line does not say whose */
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_WARN);
    tell(m, 4711, "terminating connection due to administrator command");
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_WARN);
    model_clear(m);
    free(m);
}

static void sample(struct model *m, const char *bench_pids)
{
    struct event ev = {.kind = EV_PG_RESULT};
    struct effects fx = {0};
    char rows[200];

    m->now_us += 1000000;
    logwatch_sample(m, true, &fx);
    for (size_t i = 0; i < fx.n; i++)
        if (fx.items[i].kind == FX_PG_QUERY)
            ev.req = fx.items[i].req;
    snprintf(rows, sizeof rows, "server_s|xact_commit|bench_pids\n%.3f|5|%s\n",
             (double)m->now_us / 1e6, bench_pids);
    ev.rows = rows_parse(rows);
    ev.at_us = m->now_us;
    (void)collect_step(&m->collect, &ev);
    event_clear(&ev);
    effects_clear(&fx);
}

/* A run that is cut leaves its backends to write this; their pids are known from the samples, and for a minute. */
static void a_cut_run_is_no_alarm(void **state)
{
    struct model *m = calloc(1, sizeof *m);

    (void)state;
    model_init(m);
    sample(m, "811 812 -7 9x");
    sample(m, "812");
    sample(m, "\\N");
    tell(m, 811, "connection to client lost");
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_EVENT);
    tell(m, 812, "connection to client lost");
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_EVENT);
    tell(m, 813, "connection to client lost");
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_WARN);
    m->now_us += 70 * 1000000LL;
    sample(m, "\\N");
    tell(m, 812, "connection to client lost"); /* somebody else's by now */
    assert_int_equal(m->chat[m->nchat - 1].kind, CHAT_WARN);
    model_clear(m);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(our_own_end_is_no_alarm),
                                       cmocka_unit_test(a_cut_run_is_no_alarm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
