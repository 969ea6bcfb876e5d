/* What a workspace gives away as a whole: sessions that disagree, a session that FAILED with the best figures of all, and text
 * from outside in every place where some can stand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "full_session.h"
#include "pgd/app/commands.h"
#include "pgd/app/update.h"
#include "pgd/base/text.h"
#include "pgd/workspace/export_parts.h"
#include "pgd/workspace/store.h"

static struct model *model;
static struct session *one, *two;

static int setup(void **st)
{
    (void)st;
    model = xcalloc(1, sizeof *model);
    model_init(model);
    model->wall_us = INT64_C(1767331110000000);
    model->flow = FLOW_WATCH;
    PUT(model->workspace.name, "postgres_10-0-0-230");
    PUT(model->workspace.dir, "/home/w");
    model->workspace.open = true;
    PUT(model->server.id.version, "15.18 (Debian)");
    one = full_session();
    two = full_session();
    PUT(two->name, "MemoryTuning_02022026-050830");
    arm_set(&two->best, "max_wal_size", true, "32GB");
    for (int i = 0; i < two->nfinal; i++)
        if (strcmp(two->final_values[i].name, "max_wal_size") == 0)
            PUT(two->final_values[i].shown, "32GB");
    return 0;
}

static int teardown(void **st)
{
    (void)st;
    full_session_free(one);
    full_session_free(two);
    model_clear(model);
    free(model);
    return 0;
}

static void merged(const char *session, const char *value, const char *why)
{
    struct merged_report *r = model->advising.merged = xcalloc(1, sizeof *r);

    PUT(r->text, "2 sessions lead to 2 settings.");
    PUT(model->advising.merged_by.text, "builtin");
    r->n = 1;
    PUT(r->settings[0].name, "max_wal_size");
    PUT(r->settings[0].value, "%s", value);
    PUT(r->settings[0].session, "%s", session);
    PUT(r->settings[0].why, "%s", why);
    r->settings[0].conflict = true;
}

static char *text_of(const char *name)
{
    const struct session *list[] = {one, two};
    const struct export_kind *k;
    struct buf b = {0};

    for (int i = 0; (k = export_kind_at(i)); i++)
        if (strcmp(k->name, name) == 0)
            k->write(model, list, 2, &b);
    assert_true(b.len > 0);
    return buf_take(&b);
}

static void has(const char *kind, const char *part, bool there)
{
    char *text = text_of(kind);

    if (!strstr(text, part) == there)
        fail_msg("%s: \"%s\" is %s: %.300s", kind, part, there ? "not in" : "in",
                 there ? text : strstr(text, part));
    free(text);
}

static void the_better_of_two_is_given(void **st)
{
    (void)st;
    has("conf", "max_wal_size = '32GB'", true); /* nobody was asked: the later one */
    merged(one->name, "16GB", "It earned +12.0 %, more than the +1.0 % of 32GB.");
    has("conf", "max_wal_size = '16GB'", true);
    has("conf", "32GB'", false);
    has("conf", "# the sessions disagree: It earned +12.0 %", true);
    has("conf", "# the last one left: 32GB", true);
    has("sql", "ALTER SYSTEM SET max_wal_size = '16GB'", true);
    has("ansible", "32GB", false);
    has("json", "32GB", false);
    has("ticket", "| `max_wal_size` | `2GB` | `16GB` |", true);
    has("report",
        "| `max_wal_size` | `2GB` | `16GB` | WriteOptimize_01022026-050830, round 1: ", true);
    has("report", "The sessions disagree: It earned +12.0 %, more than", true);
    has("report", "The last one left `32GB` on the server", true);
    has("report", "except where the sessions disagree", true);
    has("undo", "ALTER SYSTEM SET max_wal_size = '2GB'", true);
    has("html", "The sessions disagree: It earned +12.0 %", true);
    has("html", "<code>max_wal_size = 16GB</code> (the sessions disagree)", true);
}

static void only_what_was_measured(void **st)
{
    (void)st;
    merged(one->name, "999GB", "because I say so");
    has("conf", "max_wal_size = '32GB'", true);
    has("conf", "999GB", false);
    free(model->advising.merged);
    merged("Nobody_02022026-050830", "16GB", "of no session");
    has("conf", "max_wal_size = '32GB'", true);
}

static void the_page_tells_as_much(void **st)
{
    (void)st;
    merged(one->name, "16GB", "It earned more.");
    model->server.host.known = true;
    model->server.host.cpus = 8;
    model->server.host.mem_total = 32.0 * 1024 * 1024 * 1024;
    PUT(model->server.host.hostname, "db1");
    has("html", "db1: 8 CPUs, 32 GB of memory", true);
    has("html", "<h2>Summary</h2>", true);
    has("html", "<td class=\"n\">4 502</td>", true);
    has("html", "In the words of builtin.", true);
    has("html", "<h3>What did not help</h3>", true);
    has("html", "<li><code>work_mem = 64MB</code>, round 3: -0.3 %", true);
    has("html", "<code>random_page_cost = 1.1</code>: proposed, refused or not accepted", true);
    one->final.kind = VERDICT_NONE;
    has("html", "No confirmation was measured.", true);
}

/* ---- text from outside ---- */

static void text_from_outside(void **st)
{
    static const char bad[] = "<b onx=1>\"|`\n## H";
    static const char *const kinds[] = {"report", "html", "ticket"};
    (void)st;
    merged(one->name, "16GB", bad);
    PUT(model->advising.merged->text, "%s", bad);
    PUT(model->advising.merged_by.text, "%s", bad);
    model->server.host.known = true;
    PUT(model->server.host.hostname, "%s", bad);
    PUT(model->server.host.cpu_model, "%s", bad);
    PUT(model->server.host.data.kind, "<b onx>");
    PUT(model->workspace.name, "%s", bad);
    PUT(model->server.id.version, "%s", bad);
    struct session *s = one;
    for (int i = 0; i < 2; i++, s = two) {
        PUT(s->plan.strategy, "%s", bad);
        PUT(s->plan.hypothesis, "%s", bad);
        PUT(s->plan.success, "%s", bad);
        PUT(s->plan.workload, "%s", bad);
        PUT(s->plan.database, "%s", bad);
        PUT(s->sight.headline, "%s", bad);
        PUT(s->sight.findings[0].area, "%s", bad);
        PUT(s->sight.findings[0].figure, "%s", bad);
        PUT(s->end_reason, "%s", bad);
        PUT(s->final.note, "%s", bad);
        PUT(s->rejected[0].name, "%s", bad);
        PUT(s->rejected[0].value, "%s", bad);
        PUT(s->earned[0].name, "%s", bad);
        PUT(s->first[0].shown, "%s", bad);
        PUT(s->final_values[0].shown, "%s", bad);
        for (int k = 0; k < s->nhistory; k++) {
            PUT(s->said[k].bottleneck, "%s", bad);
            PUT(s->said[k].text, "%s", bad);
            PUT(s->history[k].verdict.note, "%s", bad);
            PUT(s->history[k].window.waits[0].event, "%s", bad);
            for (int c = 0; c < s->history[k].n; c++) {
                PUT(s->history[k].changes[c].why, "%s", bad);
                PUT(s->history[k].changes[c].evidence, "%s", bad);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        has(kinds[i], "<b onx", false);
        has(kinds[i], "\n## H", false);
        has(kinds[i], "&lt;b onx", true);
    }
}

/* ---- what must not be in any of them ---- */

static const struct effect *file_effect(const struct effects *fx, enum file_op op)
{
    for (size_t i = 0; i < fx->n; i++)
        if (fx->items[i].kind == FX_FILE && fx->items[i].u.file.op == op)
            return &fx->items[i];
    return NULL;
}

static void row_of(const struct session *s, enum session_state state)
{
    struct session_row *r = session_rows_add(&model->workspace, model->workspace.nsessions);

    PUT(r->name, "%s", s->name);
    PUT(r->strategy, "%s", s->plan.strategy);
    r->state = state;
}

/* Gives the program what it reads, until it has written everything. Returns all that was written, one after the other. */
static char *all_exports(struct effects *fx)
{
    struct buf written = {0};

    for (int i = 0; i < 100 && model->flow == FLOW_SUMMARY; i++) {
        const struct effect *save = file_effect(fx, FILE_SAVE), *e = file_effect(fx, FILE_READ);
        struct event ev = {.kind = EV_FILE, .at_us = 1000 + i, .wall_us = 1767331110000000};
        struct buf text = {0};
        if (save)
            buf_puts(&written, save->text);
        e = save ? save : e;
        if (!e)
            break;
        ev.req = e->req;
        for (int k = 0; k < 2 && !save; k++) {
            const struct session *s = k ? two : one;
            if (strstr(e->u.file.path, s->name) && strstr(e->u.file.path, "session.json"))
                store_session_json(s, &text);
        }
        if (!save && !text.len)
            ev.u.file.missing = true;
        ev.len = text.len;
        ev.text = text.len ? buf_take(&text) : NULL;
        effects_clear(fx);
        app_update(model, &ev, fx);
        event_clear(&ev);
    }
    return buf_take(&written);
}

static void failed_never_leaks(void **st)
{
    (void)st;
    struct effects fx = {0};

    one->state = SESSION_ARCHIVED;
    two->state = SESSION_FAILED;
    two->final.ratio = 9.99; /* better than anything */
    for (int stale = 0; stale < 2;
         stale++) { /* an index that says otherwise than the session's file */
        model->workspace.nsessions = 0;
        row_of(two, stale ? SESSION_ARCHIVED : SESSION_FAILED);
        row_of(one, SESSION_ARCHIVED);
        effects_clear(&fx);
        commands_run(model, "export workspace", &fx);
        assert_int_equal(model->flow, FLOW_SUMMARY);
        char *all = all_exports(&fx);
        assert_non_null(strstr(all, "max_wal_size = '16GB'"));
        assert_non_null(strstr(all, one->name));
        assert_null(strstr(all, two->name));
        assert_null(strstr(all, "32GB'"));
        assert_null(strstr(all, "899"));
        assert_non_null(strstr(all, "<!DOCTYPE html>"));
        free(all);
        model->flow = FLOW_WATCH;
    }
    effects_clear(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_better_of_two_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_was_measured, setup, teardown),
        cmocka_unit_test_setup_teardown(the_page_tells_as_much, setup, teardown),
        cmocka_unit_test_setup_teardown(text_from_outside, setup, teardown),
        cmocka_unit_test_setup_teardown(failed_never_leaks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
