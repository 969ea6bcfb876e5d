/* The files of a live view: CSV that a spreadsheet reads as it is meant, JSON that has every text as it is, a row for the clipboard; and the
 * cells that are made here: shares of differences, what is left, the lines of the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/telemetry/tableview_figures.h"
#include "pgd/workspace/export_view.h"

static const struct tableview sample = {
    .name = "sample",
    .title = "Sample",
    .key_columns = {"name"},
    .sort = "name",
    .columns = {{"name", "name", TV_TEXT, 10, 0, false, false},
                {"calls", "calls", TV_INT, 10, 0, true, false},
                {"size", "size", TV_BYTES, 10, 0, false, false},
                {"mean", "mean", TV_MS, 10, 0, false, false},
                {"valid", "valid", TV_BOOL, 5, 0, false, false},
                {"query", "query", TV_TEXT, 0, 0, false, false}},
};

struct fixture {
    struct tableview_rows before, now;
    struct tableview_state s;
    struct tableview_order o;
    struct buf out;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    tableview_clear(&f->before);
    tableview_clear(&f->now);
    buf_clear(&f->out);
    free(f);
    return 0;
}

static void take(struct fixture *f, const struct tableview *v, const char *first, const char *then)
{
    struct rows *r = rows_parse(first);

    assert_true(tableview_read(v, r, 1000000, NULL, &f->before));
    rows_free(r);
    r = rows_parse(then);
    assert_true(tableview_read(v, r, 3000000, &f->before, &f->now));
    rows_free(r);
    tableview_arrange(v, &f->now, &f->s, &f->o);
}

#define HEAD "name|calls|size|mean|valid|query\n"

static void test_csv(void **state)
{
    struct fixture *f = *state;

    take(f, &sample, HEAD "a|10|1|1|t|x\n",
         HEAD "a|15|1048576|0.1|t|SELECT \"x\", 1\n=1+1|3|\\N|-2.5|f|@SUM(A1)\n"
              "-b|1|7|1|\\N|plain\n+c|1|123456789012345|1|f|\\N\n");
    export_view_csv(&sample, &f->now, &f->o, &f->out);
    assert_string_equal(buf_text(&f->out), "name,calls_per_s,size,mean,valid,query\r\n"
                                           "\"'+c\",,123456789012345,1,false,\r\n"
                                           "\"'-b\",,7,1,,plain\r\n"
                                           "\"'=1+1\",,,-2.5,false,\"'@SUM(A1)\"\r\n"
                                           "a,2.5,1048576,0.1,true,\"SELECT \"\"x\"\", 1\"\r\n");
}

static void test_csv_has_what_is_shown(void **state)
{
    struct fixture *f = *state;

    text_copy(f->s.filter, sizeof f->s.filter, "keep");
    f->s.sort = 3;
    take(f, &sample, HEAD, HEAD "a|1|1|1|t|keep\nb|1|3|1|t|other\nc|1|2|1|t|keep\n");
    export_view_csv(&sample, &f->now, &f->o, &f->out);
    assert_string_equal(buf_text(&f->out), "name,calls_per_s,size,mean,valid,query\r\n"
                                           "c,,2,1,true,keep\r\na,,1,1,true,keep\r\n");
}

/* What stands for a password leaves in neither file. */
static void test_no_password_is_exported(void **state)
{
    struct fixture *f = *state;
    const struct export_view_head head = {
        .server = "", .database = "", .filter = "", .sorted_by = ""};

    take(f, &sample, HEAD,
         HEAD "a|1|1|1|t|ALTER ROLE app PASSWORD 'sesame'\nb|1|1|1|t|host=h password=sesame x=y\n");
    export_view_csv(&sample, &f->now, &f->o, &f->out);
    assert_non_null(strstr(buf_text(&f->out), "PASSWORD '******'\r\n"));
    assert_non_null(strstr(buf_text(&f->out), "password=****** x=y\r\n"));
    export_view_json(&sample, &f->now, &f->o, &head, &f->out);
    assert_non_null(strstr(buf_text(&f->out), "\"ALTER ROLE app PASSWORD '******'\""));
    assert_null(strstr(buf_text(&f->out), "sesame"));
    assert_non_null(strstr(tableview_text(&f->now, 0, 5), "sesame")); /* the view has its own */
}

static void test_json(void **state)
{
    struct fixture *f = *state;
    const struct export_view_head head = {.server = "postgres@h\"1",
                                          .database = "shop",
                                          .taken_us = INT64_C(1767330510000000),
                                          .filter = "",
                                          .sorted_by = "name",
                                          .down = true};
    json_error_t e;

    take(f, &sample, HEAD "a|10|1|1|t|x\n",
         HEAD "a|15|1048576|0.1|t|SELECT \"x\", 1\n=1+1|3|\\N|-2.5|f|\\N\n");
    export_view_json(&sample, &f->now, &f->o, &head, &f->out);
    json_t *j = json_loadb(f->out.data, f->out.len, JSON_REJECT_DUPLICATES, &e);
    assert_non_null(j);
    assert_string_equal(json_string_value(json_object_get(j, "view")), "sample");
    assert_string_equal(json_string_value(json_object_get(j, "server")), "postgres@h\"1");
    assert_int_equal(strncmp(json_string_value(json_object_get(j, "taken_at")), "2026-01-02T", 11),
                     0);
    assert_true(json_is_true(json_object_get(j, "descending")));
    const json_t *columns = json_object_get(j, "columns"), *rows = json_object_get(j, "rows");
    assert_int_equal(json_array_size(columns), 6);
    assert_string_equal(json_string_value(json_object_get(json_array_get(columns, 1), "name")),
                        "calls_per_s");
    assert_string_equal(json_string_value(json_object_get(json_array_get(columns, 2), "unit")),
                        "bytes");
    assert_int_equal(json_array_size(rows), 2);
    const json_t *first = json_array_get(rows, 0), *second = json_array_get(rows, 1);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "=1+1");
    assert_true(json_is_null(json_object_get(first, "size")));
    assert_true(json_is_null(json_object_get(first, "query")));
    assert_true(json_number_value(json_object_get(first, "mean")) < -2.4);
    assert_true(json_is_false(json_object_get(first, "valid")));
    assert_int_equal(json_integer_value(json_object_get(second, "size")), 1048576);
    assert_true(json_number_value(json_object_get(second, "calls_per_s")) > 2.49);
    assert_string_equal(json_string_value(json_object_get(second, "query")), "SELECT \"x\", 1");
    json_decref(j);
}

static void test_nothing_is_still_a_file(void **state)
{
    struct fixture *f = *state;
    const struct export_view_head head = {
        .server = "", .database = "", .filter = "x", .sorted_by = ""};
    json_error_t e;

    take(f, &sample, HEAD, HEAD);
    export_view_csv(&sample, &f->now, &f->o, &f->out);
    assert_string_equal(buf_text(&f->out), "name,calls_per_s,size,mean,valid,query\r\n");
    buf_clear(&f->out);
    export_view_json(&sample, &f->now, &f->o, &head, &f->out);
    json_t *j = json_loadb(f->out.data, f->out.len, 0, &e);
    assert_non_null(j);
    assert_int_equal(json_array_size(json_object_get(j, "rows")), 0);
    json_decref(j);
}

static void test_a_row(void **state)
{
    struct fixture *f = *state;

    take(f, &sample, HEAD "a|10|1|1|t|x\n", HEAD "a|20|1048576|0.25|t|q\n");
    export_view_row(&sample, &f->now, 0, &f->out);
    assert_string_equal(buf_text(&f->out), "a\t5.0/s\t1 MB\t0.25 ms\tyes\tq");
}

/* ---- cells that are made here ---- */

static double cell(const struct fixture *f, const struct tableview *v, const char *name)
{
    return tableview_at(&f->now, 0, tableview_column_of(v, name))->value;
}

static void test_ratios_are_of_the_differences(void **state)
{
    struct fixture *f = *state;
    const struct tableview *v = tableview_find("statements");
    const char *head = "queryid|userid|dbid|calls|rows|hit_bytes|read_bytes\n";
    char first[200], then[200];

    snprintf(first, sizeof first, "%s1|2|3|100|1|0|800\n", head);
    snprintf(then, sizeof then, "%s1|2|3|104|21|300|900\n", head);
    take(f, v, first, then);
    v->fill(v, NULL, &f->now);
    assert_true(fabs(cell(f, v, "rows_per_call") - 5) < 1e-9);
    assert_true(fabs(cell(f, v, "hit") - 75) < 1e-9);
    take(f, v, then, then); /* nothing happened: there is no share */
    v->fill(v, NULL, &f->now);
    assert_true(isnan(cell(f, v, "rows_per_call")) && isnan(cell(f, v, "hit")));
}

static void test_what_is_left(void **state)
{
    struct fixture *f = *state;
    const struct tableview *v = tableview_find("progress");
    const char *head = "pid|backend_start|done|speed|whole\n";
    char first[200], then[200];

    snprintf(first, sizeof first, "%s1|x|100|100|1000\n", head);
    snprintf(then, sizeof then, "%s1|x|300|300|1000\n", head);
    take(f, v, first, then);
    v->fill(v, NULL, &f->now);
    assert_true(fabs(cell(f, v, "left_s") - 7) < 1e-9);
    take(f, v, then, then);
    v->fill(v, NULL, &f->now);
    assert_true(isnan(cell(f, v, "left_s")));
}

/* Lines as the script on the host sends them, more than are kept. */
static void test_the_log(void **state)
{
    struct collect *c = calloc(1, sizeof *c);
    struct effects fx = {0};
    struct event ev = {.kind = EV_CHILD_LINE, .at_us = 1, .wall_us = INT64_C(1767330510000000)};
    char why[240] = "", text[200];

    (void)state;
    logtail_init(&c->log);
    assert_null(tableview_make_log(c, why));
    assert_non_null(strstr(why, "cannot be looked at"));
    c->log_on = true;
    assert_null(tableview_make_log(c, why));
    assert_non_null(strstr(why, "not been found"));
    c->log.state = LOGTAIL_RUNNING;
    ev.text = strdup("#source stderr /var/log/pg.log");
    logtail_event(&c->log, &ev);
    free(ev.text);
    for (int i = 1; i <= LOGTAIL_SEEN + 5; i++) {
        snprintf(text, sizeof text, "|2026-01-02 05:08:30.000 UTC [7] %s:  line %d",
                 i % 2 ? "LOG" : "ERROR", i);
        ev.text = strdup(text);
        logtail_event(&c->log, &ev);
        free(ev.text);
    }
    struct rows *r = tableview_make_log(c, why);
    assert_non_null(r);
    assert_int_equal(r->nrows, LOGTAIL_SEEN);
    assert_string_equal(rows_text(r, 0, "message"), "line 205");
    assert_string_equal(rows_text(r, 0, "severity"), "LOG");
    assert_string_equal(rows_text(r, 1, "severity"), "ERROR");
    assert_string_equal(rows_text(r, LOGTAIL_SEEN - 1, "message"), "line 6");
    rows_free(r);
    effects_clear(&fx);
    free(c);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_csv),
        CASE(test_csv_has_what_is_shown),
        CASE(test_no_password_is_exported),
        CASE(test_json),
        CASE(test_nothing_is_still_a_file),
        CASE(test_a_row),
        CASE(test_ratios_are_of_the_differences),
        CASE(test_what_is_left),
        CASE(test_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
