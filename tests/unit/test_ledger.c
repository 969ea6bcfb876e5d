/* Entries before us and ours, arms as differences from the start, and a ledger rebuilt from intents and results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/tuning/guard.h"
#include "pgd/tuning/ledger.h"

static struct ledger ledger;

static int setup(void **state)
{
    (void)state;
    memset(&ledger, 0, sizeof ledger);
    return 0;
}

static struct entry set(const char *name, const char *value)
{
    struct entry e = {.present = value != NULL};
    snprintf(e.name, sizeof e.name, "%s", name);
    snprintf(e.value, sizeof e.value, "%s", value ? value : "");
    return e;
}

static void sql_is(const struct entry *e, const char *want)
{
    struct buf b = {0};
    entry_sql(e, &b);
    assert_string_equal(buf_text(&b), want);
    buf_clear(&b);
}

static void undo_is(const char *want)
{
    struct buf b = {0};
    ledger_undo_sql(&ledger, &b);
    assert_string_equal(buf_text(&b), want);
    buf_clear(&b);
}

static void entries_as_sql(void **state)
{
    (void)state;
    struct entry e = set("work_mem", "64MB");
    sql_is(&e, "ALTER SYSTEM SET work_mem = '64MB'");
    e = set("work_mem", NULL);
    sql_is(&e, "ALTER SYSTEM RESET work_mem");
    e = set("x\"; DROP", "it's");
    sql_is(&e, "ALTER SYSTEM SET \"x\"\"; DROP\" = 'it''s'");
}

static void entries_compare(void **state)
{
    (void)state;
    struct entry a = set("jit", "off");
    struct entry b = set("jit", "off");
    assert_true(entry_same(&a, &b));
    b = set("jit", "on");
    assert_false(entry_same(&a, &b));
    b = set("jit", NULL);
    assert_false(entry_same(&a, &b));
    a = set("jit", NULL);
    snprintf(a.value, sizeof a.value, "left over");
    assert_true(entry_same(&a, &b)); /* an absent entry has no value */
    b = set("fsync", NULL);
    assert_false(entry_same(&a, &b));
}

static void first_touch_is_the_original(void **state)
{
    (void)state;
    struct entry e = set("work_mem", "8MB");
    assert_true(ledger_touch(&ledger, &e));
    e = set("work_mem", "64MB");
    assert_true(ledger_touch(&ledger, &e));
    assert_int_equal(ledger.n, 1);
    assert_string_equal(ledger_find(&ledger, "work_mem")->original.value, "8MB");
    assert_null(ledger_find(&ledger, "jit"));
    assert_true(ledger_clean(&ledger));
}

static void goal_of_an_arm(void **state)
{
    (void)state;
    struct entry e = set("work_mem", "8MB");
    assert_true(ledger_touch(&ledger, &e));
    struct arm arm = {.n = 0};
    assert_true(arm_set(&arm, "jit", true, "off"));
    assert_true(arm_set(&arm, "max_wal_size", false, NULL));
    struct entry goal = ledger_goal(&ledger, &arm, "jit");
    struct entry want = set("jit", "off");
    assert_true(entry_same(&goal, &want));
    goal = ledger_goal(&ledger, &arm, "work_mem"); /* touched, not listed: as at the start */
    want = set("work_mem", "8MB");
    assert_true(entry_same(&goal, &want));
    goal = ledger_goal(&ledger, &arm, "max_wal_size");
    assert_false(goal.present);
    goal = ledger_goal(&ledger, &arm, "seq_page_cost");
    want = set("seq_page_cost", NULL);
    assert_true(entry_same(&goal, &want));
}

static void arms_are_sets(void **state)
{
    (void)state;
    struct arm a = {.label = "a"};
    struct arm b = {.label = "b"};
    assert_true(arm_same(&a, &b));
    assert_true(arm_set(&a, "jit", true, "off"));
    assert_true(arm_set(&a, "work_mem", true, "8MB"));
    assert_true(arm_set(&b, "work_mem", true, "4MB"));
    assert_true(arm_set(&b, "jit", true, "off"));
    assert_false(arm_same(&a, &b));
    assert_true(arm_set(&b, "work_mem", true, "8MB"));
    assert_int_equal(b.n, 2);
    assert_true(arm_same(&a, &b));
    assert_string_equal(arm_find(&a, "work_mem")->value, "8MB");
    assert_null(arm_find(&a, "fsync"));
    char name[16];
    for (int i = 2; i < LEDGER_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        assert_true(arm_set(&a, name, true, "1"));
    }
    assert_false(arm_set(&a, "one_more", true, "1"));
    assert_true(arm_set(&a, "jit", true, "on"));
    char longer[SETTING_VALUE_MAX + 1];
    memset(longer, '1', sizeof longer);
    longer[SETTING_VALUE_MAX] = '\0';
    assert_false(arm_set(&a, "jit", true, longer));
    assert_string_equal(arm_find(&a, "jit")->value, "on");
}

static void arm_takes_the_accepted_lines(void **state)
{
    (void)state;
    static struct review r;
    memset(&r, 0, sizeof r);
    static const struct {
        const char *name, *send;
        enum refusal refusal;
        enum answer answer;
        bool reset;
    } rows[] = {{"work_mem", "64MB", REFUSE_NONE, ANSWER_ACCEPT, false},
                {"jit", "off", REFUSE_NONE, ANSWER_REJECT, false},
                {"fsync", "off", REFUSE_DATA, ANSWER_ACCEPT, false},
                {"seq_page_cost", "2", REFUSE_NONE, ANSWER_NONE, false},
                {"max_wal_size", "", REFUSE_NONE, ANSWER_ACCEPT, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review_line *l = &r.lines[r.n++];
        snprintf(l->change.name, sizeof l->change.name, "%s", rows[i].name);
        snprintf(l->change.value, sizeof l->change.value, "as typed");
        snprintf(l->send, sizeof l->send, "%s", rows[i].send);
        l->refusal = rows[i].refusal;
        l->answer = rows[i].answer;
        l->change.reset = rows[i].reset;
    }
    struct arm a = {.n = 0};
    assert_true(arm_set(&a, "max_wal_size", true, "8GB"));
    assert_true(arm_set(&a, "temp_buffers", true, "16MB"));
    arm_apply_review(&a, &r);
    assert_int_equal(a.n, 2);
    assert_string_equal(arm_find(&a, "work_mem")->value, "64MB");
    assert_non_null(arm_find(&a, "temp_buffers"));
    assert_null(arm_find(&a, "max_wal_size"));
}

static void a_switch_and_its_undo(void **state)
{
    (void)state;
    struct entry before[] = {set("work_mem", NULL), set("max_wal_size", "2GB")};
    struct entry to[] = {set("work_mem", "64MB"), set("max_wal_size", "8GB")};
    ledger_intent(&ledger, before, to, 2);
    assert_false(ledger_clean(&ledger));
    assert_true(ledger_find(&ledger, "work_mem")->unsure);
    /* Between intent and result either may be in force: both are undone. */
    undo_is("ALTER SYSTEM RESET work_mem;\nALTER SYSTEM SET max_wal_size = '2GB';\n");
    ledger_applied(&ledger);
    assert_false(ledger_clean(&ledger));
    assert_false(ledger_find(&ledger, "work_mem")->unsure);
    assert_string_equal(ledger_find(&ledger, "work_mem")->current.value, "64MB");
    undo_is("ALTER SYSTEM RESET work_mem;\nALTER SYSTEM SET max_wal_size = '2GB';\n");
    /* Half of it back. */
    ledger_intent(&ledger, &to[0], &before[0], 1);
    ledger_applied(&ledger);
    undo_is("ALTER SYSTEM SET max_wal_size = '2GB';\n");
    ledger_intent(&ledger, &to[1], &before[1], 1);
    ledger_applied(&ledger);
    assert_true(ledger_clean(&ledger));
    undo_is("");
}

static void an_undone_intent_leaves_no_trace(void **state)
{
    (void)state;
    struct entry none = set("work_mem", NULL);
    struct entry some = set("work_mem", "64MB");
    struct entry more = set("work_mem", "128MB");
    ledger_intent(&ledger, &none, &some, 1);
    ledger_undone(&ledger);
    assert_true(ledger_clean(&ledger));
    ledger_intent(&ledger, &none, &some, 1);
    ledger_applied(&ledger);
    ledger_intent(&ledger, &some, &more, 1);
    ledger_undone(&ledger);
    assert_string_equal(ledger_find(&ledger, "work_mem")->current.value, "64MB");
    assert_false(ledger_find(&ledger, "work_mem")->original.present);
    undo_is("ALTER SYSTEM RESET work_mem;\n");
}

static void a_full_ledger_never_claims_to_be_clean(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < LEDGER_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        struct entry e = set(name, NULL);
        assert_true(ledger_touch(&ledger, &e));
    }
    assert_true(ledger_clean(&ledger));
    struct entry e = set("s3", NULL);
    assert_true(ledger_touch(&ledger, &e));
    e = set("one_more", NULL);
    assert_false(ledger_touch(&ledger, &e));
    assert_false(ledger_clean(&ledger));
    struct entry to = set("another", "1");
    ledger_intent(&ledger, &e, &to, 1);
    assert_int_equal(ledger.n, LEDGER_MAX);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(entries_as_sql),
        CASE(entries_compare),
        CASE(first_touch_is_the_original),
        CASE(goal_of_an_arm),
        CASE(arms_are_sets),
        CASE(arm_takes_the_accepted_lines),
        CASE(a_switch_and_its_undo),
        CASE(an_undone_intent_leaves_no_trace),
        CASE(a_full_ledger_never_claims_to_be_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
