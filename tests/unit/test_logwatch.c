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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(our_own_end_is_no_alarm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
