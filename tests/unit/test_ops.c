/* From a model's text to a record: what is read out of prose and fences, what is refused and in which words, and that one
 * legitimate change survives whatever nonsense stands beside it. */
#include "builtin_world.h"

#include <jansson.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/assets.h"

static struct op_answer answer;
static struct err err;

static bool reads(enum op op, const struct op_input *in, const char *text)
{
    err_clear(&err);
    bool good = op_read(op, in, text, strlen(text), &answer, &err);
    if (!good) {
        assert_int_equal(err.code, ERR_MODEL);
        assert_true(err.msg[0] != '\0');
    }
    return good;
}

static const char good_change[] =
    "{\"evidence\":\"300 temporary "
    "files\",\"name\":\"random_page_cost\",\"value\":\"1.1\",\"why\":\"x\","
    "\"expect_lo\":1,\"expect_hi\":5,\"risk\":\"low\"}";

/* A proposal of these lines and the good one. */
static char *proposal_with(const char *lines)
{
    struct buf b = {0};
    buf_printf(
        &b, "{\"changes\":[%s%s%s],\"text\":\"A set.\",\"nothing_left\":false,\"confidence\":70}",
        lines, lines[0] ? "," : "", good_change);
    return buf_take(&b);
}

static const struct setting_change *line(const char *name)
{
    const struct proposal *p = &answer.u.proposal;
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->changes[i].name, name) == 0)
            return &p->changes[i];
    return NULL;
}

/* ---- the table, its prompts and schemas ---- */

static const char *const words[] = {"type",     "properties",  "required",        "items",
                                    "enum",     "description", "minimum",         "maximum",
                                    "minItems", "maxItems",    "propertyOrdering"};

static int enums;

static void check_schema(const json_t *s, int objects)
{
    const char *key;
    json_t *one;
    size_t i;
    assert_true(objects <= 3);
    json_object_foreach((json_t *)(size_t)s, key, one)
    {
        bool known = false;
        for (i = 0; i < sizeof words / sizeof words[0]; i++)
            known = known || strcmp(words[i], key) == 0;
        if (!known)
            fail_msg("%s is outside the subset", key);
    }
    assert_true(json_is_string(json_object_get(s, "type")));
    enums += (int)json_array_size(json_object_get(s, "enum"));
    const json_t *members = json_object_get(s, "properties");
    json_array_foreach(json_object_get(s, "required"), i, one)
        assert_non_null(json_object_get(members, json_string_value(one)));
    json_object_foreach((json_t *)(size_t)members, key, one)
        check_schema(one, objects + json_is_object(json_object_get(one, "properties")));
    if (json_object_get(s, "items")) {
        assert_true(json_object_get(s, "maxItems") != NULL);
        check_schema(json_object_get(s, "items"), objects + 1);
    }
}

static void test_rows(void **st)
{
    (void)st;
    json_error_t why;
    for (int op = 0; op < OP_COUNT; op++) {
        const struct op_row *r = op_row((enum op)op);
        const struct asset *prompt = asset_find(r->prompt), *schema = asset_find(r->schema);
        assert_int_equal(r->op, op);
        assert_non_null(prompt);
        assert_non_null(schema);
        assert_true(r->max_tokens >= 8192);
        assert_true(prompt->data[0] != '[');
        json_t *j = json_loadb((const char *)schema->data, schema->size, JSON_REJECT_DUPLICATES,
                               &why);
        assert_non_null(j);
        enums = 0;
        check_schema(j, 1);
        assert_true(enums <= 40);
        const json_t *order = json_object_get(j, "propertyOrdering");
        assert_int_equal(json_array_size(order),
                         json_object_size(json_object_get(j, "properties")));
        assert_string_equal(json_string_value(json_array_get(order, json_array_size(order) - 1)),
                            "confidence");
        json_decref(j);
    }
    assert_string_equal(op_row(OP_QUESTION)->name, "answer_question");
    assert_non_null(asset_find("prompts/system.md"));
}

/* ---- JSON in whatever stands around it ---- */

static void test_found(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct op_input in = {.e = &w->e};
    static const char *const taken[] = {
        "{\"why\":\"w\",\"tps\":500,\"confidence\":80}",
        "\xef\xbb\xbf {\"why\":\"w\",\"tps\":500}",
        "```json\n{\"why\":\"w\",\"tps\":500}\n```\nThat is all.",
        "Here {it} is:\n```\n{\"why\":\"w\",\"tps\":500}\n```",
        "Sure! {\"why\":\"w\",\"tps\":500} I hope } this { helps.",
        "{} {\"a\":1} {\"why\":\"w }\\\" {\",\"tps\":5e2}",
    };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (!reads(OP_TARGET, &in, taken[i]))
            fail_msg("%s: %s", taken[i], err.msg);
        assert_true(answer.u.target.tps == 500);
    }
    static const struct {
        const char *text, *says;
    } refused[] = {
        {"", "empty"},
        {" \n", "empty"},
        {"I think 500.", "no JSON"},
        {"{\"why\":\"w\",\"tps\":500,}", "no valid JSON"},
        {"{\"why\":\"w\",\"tps\":50", "no valid JSON"},
        {"{\"why\":\"w\",\"tps\":NaN}", "no valid JSON"},
        {"{\"why\":\"w\",\"tps\":1e999}", "no valid JSON"},
        {"{\"why\":\"w\",\"tps\":\"500\"}", "schema"},
        {"{\"tps\":500}", "schema"},
        {"{\"why\":\"\",\"tps\":500}", "schema"},
        {"[[[[[[[[{", "no valid JSON"},
        {"{\"a\":[[[[[[[[[[[[[1]]]]]]]]]]]]]}", "deeply"},
        {"{\"why\":\"w\",\"tps\":400}", "target"},
        {"{\"why\":\"w\",\"tps\":-5}", "target"},
        {"{\"why\":\"w\",\"tps\":20001}", "target"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (reads(OP_TARGET, &in, refused[i].text))
            fail_msg("taken: %s", refused[i].text);
        if (!strstr(err.msg, refused[i].says))
            fail_msg("%s: %s", refused[i].text, err.msg);
    }
    assert_true(
        reads(OP_TARGET, &in, "{\"why\":\"w\",\"tps\":450,\"tps\":500,\"confidence\":-30}"));
    assert_true(answer.u.target.tps == 500);
    assert_non_null(strstr(answer.dropped, "twice"));
    assert_non_null(strstr(answer.dropped, "confidence"));
    assert_true(isnan(answer.confidence));
    world_free(w);
}

static void test_long(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct op_input in = {.e = &w->e};
    size_t n = OP_TEXT_MAX + 1;
    char *text = malloc(n + 1);
    memset(text, '{', n);
    text[n] = '\0';
    assert_false(reads(OP_ROUND1, &in, text));
    assert_non_null(strstr(err.msg, "too long"));
    text[OP_TEXT_MAX - 1] = '\0';
    assert_false(reads(OP_ROUND1, &in, text));
    free(text);
    /* A reason without an end is cut, wherever the cut falls; the line counts. */
    n = 5000000;
    text = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = "x\\n\xc3\xa4"[i % 5];
    text[n] = '\0';
    struct buf b = {0};
    buf_printf(&b, "{\"name\":\"jit\",\"value\":\"off\",\"why\":\"%s\"}", text);
    char *all = proposal_with(buf_text(&b));
    assert_true(reads(OP_ROUND1, &in, all));
    assert_string_equal(line("jit")->value, "off");
    assert_non_null(line("random_page_cost"));
    free(all);
    free(text);
    buf_clear(&b);
    world_free(w);
}

/* ---- nonsense beside one legitimate change ---- */

static const struct {
    const char *lines;
    const char *name;  /* the line that is kept for the guard; NULL = none is */
    const char *value; /* as it is kept; NULL = whatever */
    const char *notes; /* told in the summary; NULL = nothing */
    bool refused;      /* by the guard */
} nonsense[] = {
    {"{\"name\":\"shared_buffers\",\"value\":\" he said\"}", "shared_buffers", " he said", NULL,
     true},
    {"{\"name\":\"shared_buffers\",\"value\":\"900GB\"}", "shared_buffers", "900GB", NULL, true},
    {"{\"name\":\"no_such_setting\",\"value\":\"1\"}", "no_such_setting", "1", NULL, true},
    {"{\"name\":\"fsync\",\"value\":false}", "fsync", "off", NULL, true},
    {"{\"name\":\"archive_command\",\"value\":\"rm -rf /\"}", "archive_command", NULL, NULL, true},
    {"{\"name\":\"work_mem\",\"value\":\"sixty-four megabytes\"}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\",\"value\":\"64 parsecs\"}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\",\"value\":[\"64MB\"]}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\",\"value\":{\"x\":1}}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\"}", "work_mem", "", NULL, true},
    {"{\"name\":\"work_mem\",\"value\":null}", "work_mem", "", NULL, true},
    {"{\"name\":\"work_mem\",\"value\":\"64MB\\u0000; DROP\"}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\",\"value\":\"64MB\\u202e\"}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\",\"value\":\"\\u001b[2J64MB\"}", "work_mem", NULL, NULL, true},
    {"{\"name\":\"work_mem\\u200b\",\"value\":\"64MB\"}", "work_mem\uFFFD", NULL, NULL, true},
    {"{\"name\":\"work_mem; DROP TABLE x\",\"value\":\"64MB\"}", "work_mem; DROP TABLE x", NULL,
     NULL, true},
    {"{\"name\":\"work_mem\",\"value\":\"'64MB'\"}", "work_mem", "64MB", NULL, false},
    {"{\"name\":\"work_mem\",\"value\":65536}", "work_mem", "65536", NULL, false},
    {"{\"name\":\"jit\",\"value\":false}", "jit", "off", NULL, false},
    {"{\"name\":\"jit\",\"value\":\"off\",\"expect_lo\":5,\"expect_hi\":-30,\"risk\":\"none\"}",
     "jit", "off", NULL, false},
    {"{\"name\":\"jit\",\"value\":\"off\",\"expect_lo\":\"NaN\",\"expect_hi\":1e300}", "jit", "off",
     NULL, false},
    {"{\"name\":\"jit\",\"value\":\"off\"},{\"name\":\"JIT\",\"value\":\"on\"}", "jit", "off",
     "twice", false},
    {"{\"value\":\"64MB\"}", NULL, NULL, "no setting", false},
    {"{\"name\":42,\"value\":\"64MB\"}", NULL, NULL, "no setting", false},
    {"{\"name\":\"  \",\"value\":\"64MB\"}", NULL, NULL, "no setting", false},
    {"\"work_mem = 64MB\",null,[1],3", NULL, NULL, "4 lines", false},
};

static void guard_all(const struct world *w, struct review *r)
{
    struct guard_policy g = {.restart_possible = true, .peak_active = NAN, .clients = 4};
    memset(r, 0, sizeof *r);
    guard_review(&answer.u.proposal, &w->f, &g, r);
}

static void check_nonsense(const struct world *w, size_t i)
{
    static struct review r;
    bool good = false, bad = false;
    guard_all(w, &r);
    for (int k = 0; k < r.n; k++) {
        const struct review_line *l = &r.lines[k];
        if (strcmp(l->change.name, "random_page_cost") == 0)
            good = l->refusal == REFUSE_NONE;
        else if (l->refusal != REFUSE_NONE && l->reason[0])
            bad = true;
    }
    if (!good || bad != nonsense[i].refused)
        fail_msg("%s: good %d, refused %d", nonsense[i].lines, good, bad);
}

static void test_nonsense(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct op_input in = {.e = &w->e};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        char *text = proposal_with(nonsense[i].lines);
        if (!reads(OP_ROUND1, &in, text))
            fail_msg("%s: %s %s", text, err.msg, err.detail);
        const struct setting_change *c = nonsense[i].name ? line(nonsense[i].name) : NULL;
        if ((c != NULL) != (nonsense[i].name != NULL))
            fail_msg("%s: the line is not as it should be", nonsense[i].lines);
        if (c && nonsense[i].value)
            assert_string_equal(c->value, nonsense[i].value);
        if (c) {
            assert_string_equal(c->rule, "model");
            assert_true(isnan(c->expect_lo) && isnan(c->expect_hi));
        }
        if (nonsense[i].notes)
            assert_non_null(strstr(answer.u.proposal.summary, nonsense[i].notes));
        assert_true(line("random_page_cost")->expect_hi == 5);
        check_nonsense(w, i);
        free(text);
    }
    world_free(w);
}

static void test_many(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct op_input in = {.e = &w->e};
    struct buf b = {0};
    buf_puts(&b, "{\"changes\":[");
    buf_puts(&b, good_change);
    for (int i = 0; i < 400; i++)
        buf_printf(&b, ",{\"name\":\"setting_%d\",\"value\":\"1\"}", i);
    buf_puts(&b, "],\"text\":\"Many.\",\"confidence\":1}");
    assert_true(reads(OP_ROUND1, &in, buf_text(&b)));
    assert_int_equal(answer.u.proposal.n, CHANGES_MAX);
    assert_non_null(line("random_page_cost"));
    assert_non_null(strstr(answer.u.proposal.summary, "369 changes more"));
    buf_clear(&b);
    /* A value that is cut is not the value. */
    buf_puts(&b, "{\"name\":\"work_mem\",\"value\":\"64MB");
    for (int i = 0; i < 300; i++)
        buf_putc(&b, ' ');
    buf_puts(&b, "x\"}");
    char *text = proposal_with(buf_text(&b));
    assert_true(reads(OP_ROUND1, &in, text));
    assert_non_null(strstr(line("work_mem")->value, "\u2026"));
    free(text);
    buf_clear(&b);
    world_free(w);
}

static void test_wishes(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct wishes *wish = calloc(1, sizeof *wish);
    struct op_input in = {.e = &w->e, .wishes = wish};
    snprintf(wish->never[wish->nnever++], sizeof wish->never[0], "work_mem");
    char *text = proposal_with("{\"name\":\"work_mem\",\"value\":\"64MB\"}");
    /* Of a model's the guard refuses it, where the DBA sees it. */
    assert_true(reads(OP_ROUND1, &in, text));
    assert_non_null(line("work_mem"));
    assert_non_null(line("random_page_cost"));
    spilling(&w->base);
    plan(w, 40)->sort_disk_kb = 9000;
    op_builtin(OP_ROUND1, &in, &answer);
    assert_null(line("work_mem"));
    assert_non_null(strstr(answer.u.proposal.summary, "work_mem"));
    wish->nnever = 0;
    op_builtin(OP_ROUND1, &in, &answer);
    assert_non_null(line("work_mem"));
    free(text);
    free(wish);
    world_free(w);
}

/* ---- sense ---- */

static void test_verdicts(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct verdict v = {.kind = VERDICT_REGRESSED,
                        .ratio = 0.9,
                        .ci_lo = 0.85,
                        .ci_hi = 0.95,
                        .floor = 0.02,
                        .runs_a = 3,
                        .runs_b = 3,
                        .tps_a = 400,
                        .tps_b = 360,
                        .p95_a = 20,
                        .p95_b = 22,
                        .detectable = 0.03};
    struct op_input in = {.e = &w->e, .verdict = &v};
#define ANALYSIS(text, verdict)                     \
    "{\"text\":\"" text "\",\"verdict\":\"" verdict \
    "\",\"bottleneck\":\"CPU\",\"changes\":[],\"summary\":\"s\",\"stop\":true,\"confidence\":50}"
    assert_true(reads(OP_ANALYZE, &in, ANALYSIS("Slower: -10 %.", "regressed")));
    assert_true(answer.u.analysis.conclusion.stop);
    assert_true(answer.u.analysis.has_next && answer.u.analysis.next.nothing_left);
    assert_false(reads(OP_ANALYZE, &in, ANALYSIS("Slower: -10 %.", "improved")));
    assert_non_null(strstr(err.msg, "contradicts"));
    assert_false(reads(OP_ANALYZE, &in, ANALYSIS("The change paid and improved it.", "regressed")));
    assert_non_null(strstr(err.msg, "contradicts"));
    assert_true(reads(OP_ANALYZE, &in, ANALYSIS("It is not faster.", "regressed")));
    assert_false(reads(OP_ANALYZE, &in, ANALYSIS("Slower by -17 %.", "regressed")));
    assert_non_null(strstr(err.msg, "not measured"));
    v.kind = VERDICT_INCONCLUSIVE;
    assert_false(reads(OP_ANALYZE, &in, ANALYSIS("It is faster.", "inconclusive")));
    assert_true(reads(OP_ANALYZE, &in, ANALYSIS("Faster, but within the noise.", "inconclusive")));
    in.verdict = NULL;
    assert_true(reads(OP_ANALYZE, &in, ANALYSIS("Another set.", "none")));
    world_free(w);
}

static void test_figures(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct op_input in = {.e = &w->e, .question = "work_mem"};
#define PROSE(figures) "{\"figures\":[" figures "],\"text\":\"One.\\n\\nTwo.\",\"confidence\":50}"
    static const char *const right[] = {
        "16 GB", "16384 MB", "4 MB", "4096 kB", "400 TPS", "99.99 %", "300 MB", "0.3 GB",  "15.18",
        "10 GB", "40 %",     "3.5",  "12 000",  "off",     "30 s",    "128MB",  "100 KB/s"};
    static const char *const wrong[] = {"17 GB", "+23 %", "4711", "901 TPS", "zstd", "3.7"};
    char text[400];
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        snprintf(text, sizeof text, PROSE("{\"name\":\"a\",\"value\":\"%s\"}"), right[i]);
        if (!reads(OP_PARAMETER, &in, text))
            fail_msg("%s: %s", right[i], err.detail);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, PROSE("{\"name\":\"a\",\"value\":\"%s\"}"), wrong[i]);
        if (reads(OP_PARAMETER, &in, text))
            fail_msg("%s was taken", wrong[i]);
    }
    assert_true(reads(
        OP_PARAMETER, &in,
        PROSE("{\"name\":\"a\",\"value\":\"4711 MB\"},{\"name\":\"b\",\"value\":\"16 GB\"}")));
    assert_int_equal(answer.u.prose.nfigures, 1);
    assert_string_equal(answer.u.prose.figures[0].value, "16 GB");
    assert_non_null(strstr(answer.dropped, "4711 MB"));
    assert_string_equal(answer.u.prose.text, "One.\n\nTwo.");
    assert_true(reads(OP_PARAMETER, &in, "No JSON, just {words}.\n"));
    assert_string_equal(answer.u.prose.text, "No JSON, just {words}.");
    assert_false(reads(OP_PARAMETER, &in, "{\"figures\":[], \"text\":\"cut"));
    world_free(w);
}

static void test_wants(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct asked_fact had = {.name = "round 2"};
    struct op_input in = {.e = &w->e, .question = "q", .nfacts = 1, .facts = &had};
    static const char *const good[] = {"setting work_mem", "table public.orders", "statement -123",
                                       "plan 123",         "telemetry 10m",       "round 2"};
    static const char *const bad[] = {"setting",          "setting x;y", "SELECT 1",
                                      "statement abc",    "plan 1 OR 1", "telemetry",
                                      "telemetry 9x",     "round -1",    "table a;drop",
                                      "file /etc/passwd", "round 1234",  ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(op_want_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(op_want_valid(bad[i]));
#define WANTS(list) "{\"wants\":[" list "],\"figures\":[],\"text\":\"\",\"confidence\":1}"
    assert_true(reads(OP_QUESTION, &in, WANTS("\"round 2\",\"plan 5\",\"plan 5\"")));
    assert_int_equal(answer.u.prose.nwants, 1);
    assert_string_equal(answer.u.prose.wants[0], "plan 5");
    assert_false(reads(OP_QUESTION, &in, WANTS("\"SELECT 1\"")));
    in.facts_rounds = 3;
    assert_false(reads(OP_QUESTION, &in, WANTS("\"plan 5\"")));
    world_free(w);
}

static void test_plan(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct sdl plan = {.clients = 7, .restart = RESTART_NEVER, .database = "app"};
    struct op_input in = {.e = &w->e, .plan = &plan, .strategy = "../../etc"};
    assert_true(reads(OP_STRATEGY, &in,
                      "{\"hypothesis\":\"h\",\"success\":\"s\",\"clients\":500,\"threads\":3,"
                      "\"duration_s\":99999,"
                      "\"warmup_s\":4,\"rounds\":5,\"restart\":\"auto\",\"database\":\"x\","
                      "\"scripts\":[\"/etc/passwd\"],"
                      "\"confidence\":50}"));
    assert_int_equal(answer.u.plan.clients, 7);
    assert_int_equal(answer.u.plan.threads, 3);
    assert_int_equal(answer.u.plan.duration_s, 10);
    assert_int_equal(answer.u.plan.warmup_s, 4);
    assert_int_equal(answer.u.plan.restart, RESTART_NEVER);
    assert_int_equal(answer.u.plan.nscripts, 0);
    assert_string_equal(answer.u.plan.database, "app");
    assert_string_equal(answer.u.plan.strategy, "etc");
    assert_non_null(strstr(answer.dropped, "duration_s"));
    assert_true(reads(OP_NEXT_STRATEGIES, &in,
                      "{\"text\":\"t\",\"offers\":[{\"name\":\"A "
                      "b/c\",\"title\":\"t\"},{\"name\":\"Abc\",\"title\":\"t\"},"
                      "{\"name\":\"X\"},7],\"confidence\":50}"));
    assert_int_equal(answer.u.next.n, 1);
    assert_string_equal(answer.u.next.offers[0].name, "Abc");
    world_free(w);
}

static void test_report(void **st)
{
    (void)st;
    struct world *w = world_new();
    struct session_told *s = calloc(2, sizeof *s);
    for (int i = 0; i < 2; i++) {
        snprintf(s[i].name, sizeof s[i].name, "S%d", i + 1);
        s[i].effect = 1.1 + 0.1 * i;
        s[i].ci_lo = 1.05;
        s[i].ci_hi = 1.3;
        s[i].baseline_tps = 400;
        s[i].best_tps = 440 + 40 * i;
        s[i].nchanges = 1 + (i == 0);
        snprintf(s[i].changes[0].name, sizeof s[i].changes[0].name, "work_mem");
        snprintf(s[i].changes[0].value, sizeof s[i].changes[0].value, i ? "32MB" : "64MB");
        s[i].changes[0].earned = 1.2 - 0.1 * i;
    }
    snprintf(s[0].changes[1].name, sizeof s[0].changes[1].name, "jit");
    snprintf(s[0].changes[1].value, sizeof s[0].changes[1].value, "off");
    s[0].changes[1].earned = NAN;
    struct op_input in = {.e = &w->e, .nsessions = 2, .sessions = s};
#define REPORT(list, text) "{\"settings\":[" list "],\"text\":\"" text "\",\"confidence\":50}"
#define ONE(name, value) \
    "{\"name\":\"" name "\",\"why\":\"w\",\"session\":\"S9\",\"value\":\"" value "\"}"
    assert_true(
        reads(OP_CONFLICTS, &in, REPORT(ONE("work_mem", "64MB"), "It reached 480 TPS, +20 %.")));
    assert_int_equal(answer.u.report.n, 2);
    assert_string_equal(answer.u.report.settings[0].session, "S1");
    assert_true(answer.u.report.settings[0].conflict);
    assert_false(answer.u.report.settings[1].conflict);
    assert_false(reads(OP_CONFLICTS, &in, REPORT(ONE("work_mem", "64MB"), "It reached 900 TPS.")));
    assert_false(reads(OP_CONFLICTS, &in, REPORT(ONE("work_mem", "48MB"), "t")));
    assert_false(reads(OP_CONFLICTS, &in, REPORT(ONE("fsync", "off"), "t")));
    assert_false(reads(OP_CONFLICTS, &in, REPORT(ONE("jit", "off"), "t")));
    assert_false(
        reads(OP_CONFLICTS, &in, REPORT(ONE("work_mem", "64MB") "," ONE("work_mem", "32MB"), "t")));
    op_builtin(OP_CONFLICTS, &in, &answer);
    assert_string_equal(answer.u.report.settings[0].value, "64MB");
    assert_non_null(strstr(answer.u.report.settings[0].why, "earned"));
    assert_true(op_row(OP_CONFLICTS)->check(&in, &answer, &err));
    s[0].ci_lo = 0.9;
    op_builtin(OP_CONFLICTS, &in, &answer);
    assert_string_equal(answer.u.report.settings[0].value, "32MB");
    assert_non_null(strstr(answer.u.report.settings[0].why, "Confirmed"));
    assert_non_null(strstr(answer.u.report.text, "set as a whole was not measured"));
    in.nsessions = 1; /* whose set was measured as one */
    op_builtin(OP_CONFLICTS, &in, &answer);
    assert_non_null(strstr(answer.u.report.text, "It measured them together."));
    assert_null(strstr(answer.u.report.text, "not measured: each value"));
    free(s);
    world_free(w);
}

/* ---- while it comes ---- */

static void partial(enum op op, const char *text, const char *expect)
{
    struct buf b = {0};
    op_partial(op, text, strlen(text), &b);
    assert_string_equal(buf_text(&b), expect);
    buf_clear(&b);
}

static void test_partial(void **st)
{
    (void)st;
    partial(OP_QUESTION, "", "");
    partial(OP_QUESTION, "Plain wor", "Plain wor");
    partial(OP_TARGET, "Plain wor", "");
    partial(OP_QUESTION, "{\"figures\":[{\"text\":\"no\"}],\"te", "");
    partial(OP_QUESTION, "{\"figures\":[{\"text\":\"no\"}],\"text\" : \"yes", "yes");
    partial(OP_QUESTION, "```json\n{\"text\":\"a\\nb\\\"c\\\\", "a\nb\"c\\");
    partial(OP_QUESTION, "{\"text\":\"a\\", "a");
    partial(OP_QUESTION, "{\"text\":\"a\\u00", "a");
    partial(OP_QUESTION, "{\"text\":\"a\\u00e4", "a\u00e4");
    partial(OP_QUESTION, "{\"text\":\"\\ud83d", "");
    partial(OP_QUESTION, "{\"text\":\"\\ud83d\\ude0", "");
    partial(OP_QUESTION, "{\"text\":\"\\ud83d\\ude00!", "\U0001F600!");
    partial(OP_QUESTION, "{\"text\":\"\\ud83dx", "\uFFFDx");
    partial(OP_QUESTION, "{\"text\":\"\xe2\x82", "");
    partial(OP_QUESTION, "{\"text\":\"\\u202e\\u001b\",\"x\":\"y\"}", "\uFFFD\uFFFD");
    partial(OP_QUESTION, "{\"x\":\"text\",\"text\":\"t\",", "t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),     cmocka_unit_test(test_found),
        cmocka_unit_test(test_long),     cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_many),     cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_figures),
        cmocka_unit_test(test_wants),    cmocka_unit_test(test_plan),
        cmocka_unit_test(test_report),   cmocka_unit_test(test_partial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
