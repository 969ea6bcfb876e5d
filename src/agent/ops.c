/* The table of operations, and the way from a model's text to a record: find the JSON in it, read it, check it. */
#include "pgd/agent/ops.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

/* Brackets within each other that an answer may have, and objects that are tried when prose stands around it. */
enum { DEPTH_MAX = 12, TRIES_MAX = 8 };

/* ---- builtin ---- */

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static void sight_by_rules(const struct op_input *in, struct op_answer *a)
{
    builtin_first_sight(in->e, &a->u.sight);
}

static void plan_by_rules(const struct op_input *in, struct op_answer *a)
{
    if (in->plan)
        a->u.plan = *in->plan;
    builtin_strategy(in->e, or_empty(in->strategy), &a->u.plan);
}

static void target_by_rules(const struct op_input *in, struct op_answer *a)
{
    builtin_target(in->e, &a->u.target);
}

static void round1_by_rules(const struct op_input *in, struct op_answer *a)
{
    builtin_round1(in->e, &a->u.proposal);
    op_keep_wishes(in->wishes, &a->u.proposal);
}

static void analysis_by_rules(const struct op_input *in, struct op_answer *a)
{
    SAY(a->u.analysis.conclusion.advisor.text, "builtin");
    if (in->verdict) {
        builtin_analyze(in->e, in->verdict, &a->u.analysis.conclusion);
        a->u.analysis.said = in->verdict->kind;
    }
    a->u.analysis.has_next = true;
    builtin_next_round(in->e, &a->u.analysis.next);
    op_keep_wishes(in->wishes, &a->u.analysis.next);
}

static void next_by_rules(const struct op_input *in, struct op_answer *a)
{
    builtin_next_strategies(in->e, &a->u.next);
}

static void conflicts_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_conflicts(in, &a->u.report);
}

static void restore_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_restore(in, &a->u.prose);
}

static void diagnosis_by_rules(const struct op_input *in, struct op_answer *a)
{
    builtin_diagnose(in->e, or_empty(in->what), in->err, in->log, &a->u.diagnosis);
}

static void question_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_question(in, &a->u.prose);
}

static void parameter_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_parameter(in, &a->u.prose);
}

static void anomaly_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_anomaly(in, &a->u.prose);
}

static void compare_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_compare(in, &a->u.prose);
}

static void hardware_by_rules(const struct op_input *in, struct op_answer *a)
{
    op_builtin_hardware(in, &a->u.prose);
}

/* ---- the table ---- */

/* Tokens include the thinking, which cannot be turned off: below some 8000 an answer may end before it begins. */
#define ROW(op, name, tokens, streams, read, check, builtin)                                     \
    {                                                                                            \
        op, name, "prompts/" name ".md", "schemas/answer-" name ".schema.json", tokens, streams, \
            read, check, builtin                                                                 \
    }

static const struct op_row rows[OP_COUNT] = {
    ROW(OP_FIRST_SIGHT, "first_sight_analysis", 12288, true, op_read_sight, op_check_sight,
        sight_by_rules),
    ROW(OP_STRATEGY, "generate_strategy", 8192, false, op_read_plan, op_check_plan, plan_by_rules),
    ROW(OP_TARGET, "suggest_target", 8192, false, op_read_target, op_check_target, target_by_rules),
    ROW(OP_ROUND1, "get_round1_config", 12288, true, op_read_proposal, op_check_proposal,
        round1_by_rules),
    ROW(OP_ANALYZE, "analyze_results", 12288, true, op_read_analysis, op_check_analysis,
        analysis_by_rules),
    ROW(OP_NEXT_STRATEGIES, "get_next_strategies", 8192, true, op_read_next, op_check_next,
        next_by_rules),
    ROW(OP_CONFLICTS, "resolve_conflicts", 16384, true, op_read_report, op_check_report,
        conflicts_by_rules),
    ROW(OP_RESTORE, "restore_context", 8192, true, op_read_prose, op_check_prose, restore_by_rules),
    ROW(OP_DIAGNOSE, "diagnose_error", 8192, true, op_read_diagnosis, op_check_diagnosis,
        diagnosis_by_rules),
    ROW(OP_QUESTION, "answer_question", 12288, true, op_read_prose, op_check_question,
        question_by_rules),
    ROW(OP_PARAMETER, "explain_parameter", 8192, true, op_read_prose, op_check_prose,
        parameter_by_rules),
    ROW(OP_ANOMALY, "explain_anomaly", 8192, true, op_read_prose, op_check_prose, anomaly_by_rules),
    ROW(OP_COMPARE, "compare_strategies", 8192, true, op_read_prose, op_check_prose,
        compare_by_rules),
    ROW(OP_HARDWARE, "recommend_hardware", 8192, true, op_read_prose, op_check_prose,
        hardware_by_rules),
};

const struct op_row *op_row(enum op op)
{
    if ((unsigned)op >= OP_COUNT)
        die("there is no operation %d", (int)op);
    return &rows[op];
}

static void open_answer(enum op op, struct op_answer *a)
{
    memset(a, 0, sizeof *a);
    a->op = op;
    a->confidence = NAN;
}

void op_builtin(enum op op, const struct op_input *in, struct op_answer *a)
{
    static const struct evidence nothing = {.baseline_tps = NAN,
                                            .best_tps = NAN,
                                            .baseline_p95_ms = NAN,
                                            .floor = NAN,
                                            .client_cpu = NAN};
    struct op_input known = *in;
    open_answer(op, a);
    SAY(a->advisor.text, "builtin");
    if (!known.e)
        known.e = &nothing;
    op_row(op)->builtin(&known, a);
}

/* ---- from text to JSON ---- */

/* Where the object that begins at `at` ends, behind its bracket; len when it does not. depth: the deepest. */
static size_t object_end(const char *text, size_t len, size_t at, int *depth)
{
    int level = 0;
    bool quoted = false;
    *depth = 0;
    for (; at < len; at++) {
        char c = text[at];
        if (quoted) {
            if (c == '\\')
                at++;
            else if (c == '"')
                quoted = false;
            continue;
        }
        if (c == '"')
            quoted = true;
        else if ((c == '{' || c == '[') && ++level > *depth)
            *depth = level;
        else if ((c == '}' || c == ']') && --level <= 0)
            return at + 1;
    }
    return len;
}

static bool no_json(const json_error_t *why, struct err *e)
{
    char clean[JSON_ERROR_TEXT_LENGTH];
    text_copy(clean, sizeof clean, why->text);
    err_set(e, ERR_MODEL, "the answer is no valid JSON");
    if (json_error_code(why) == json_error_premature_end_of_input)
        return err_detail(e, "It ends before the object does (line %d).", why->line);
    return err_detail(e, "Line %d, column %d of the object: %s.", why->line, why->column, clean);
}

/* The object of `len` bytes. A name that stands twice in it counts as it stood last. */
static json_t *parse(const char *text, size_t len, int depth, struct op_answer *a, struct err *e)
{
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    json_error_t why;
    if (depth > DEPTH_MAX) {
        err_set(e, ERR_MODEL, "the answer is nested too deeply");
        err_detail(e, "It has %d levels of brackets; the schema has 3.", depth);
        return NULL;
    }
    json_t *j = json_loadb(text, len, flags | JSON_REJECT_DUPLICATES, &why);
    if (!j && json_error_code(&why) == json_error_duplicate_key) {
        j = json_loadb(text, len, flags, &why);
        if (j)
            op_note(a, "A name stands twice in one of its objects; the last one counts.");
    }
    if (!j)
        no_json(&why, e);
    return j;
}

static size_t skip_blank(const char *text, size_t len, size_t at)
{
    while (at < len && (strchr(" \t\r\n", text[at]) != NULL) && text[at])
        at++;
    return at;
}

/* The first opening bracket from `at` on; that of a fenced block goes before prose. len when there is none. */
static size_t first_object(const char *text, size_t len, size_t at, bool *plain)
{
    size_t from = skip_blank(text, len, at);
    if (len - from >= 3 && memcmp(text + from, "\xef\xbb\xbf", 3) == 0)
        from = skip_blank(text, len, from + 3);
    *plain = from < len && text[from] != '{';
    for (size_t i = at; i + 3 < len; i++) {
        if (memcmp(text + i, "```", 3) != 0)
            continue;
        size_t open = i + 3;
        while (open < len && text[open] >= 'A' && text[open] <= 'z')
            open++;
        open = skip_blank(text, len, open);
        if (open < len && text[open] == '{') {
            *plain = false;
            return open;
        }
    }
    const char *brace = memchr(text + at, '{', len - at);
    return brace ? (size_t)(brace - text) : len;
}

/* Each object of the text in turn, until one reads as this operation's answer. The first one's error is told. */
static bool read_objects(enum op op, const char *text, size_t len, struct op_answer *a, bool *plain,
                         struct err *e)
{
    struct err one;
    bool found = false;
    size_t at = first_object(text, len, 0, plain);
    for (int tries = 0; at < len && tries < TRIES_MAX; tries++) {
        int depth;
        size_t end = object_end(text, len, at, &depth);
        err_clear(&one);
        open_answer(op, a);
        json_t *j = parse(text + at, end - at, depth, a, &one);
        bool good = j && op_row(op)->read(j, a, &one);
        json_decref(j);
        if (good)
            return true;
        if (!found)
            *e = one;
        found = true;
        const char *next = memchr(text + end, '{', len - end);
        at = next ? (size_t)(next - text) : len;
    }
    open_answer(op, a);
    if (!found) {
        err_set(e, ERR_MODEL, "there is no JSON in the answer");
        err_detail(e, "One object that fits the schema was asked for.");
    }
    return false;
}

static bool has_prose(enum op op)
{
    return op_row(op)->read == op_read_prose;
}

static bool read_long(enum op op, const struct op_input *in, const char *text, size_t len,
                      struct op_answer *a, struct err *e)
{
    struct buf shorter = {0};
    bool ok = op_shorten(text, len, &shorter);

    if (ok) {
        ok = op_read(op, in, buf_text(&shorter), shorter.len, a, e);
    } else {
        err_set(e, ERR_MODEL, "the answer is too long");
        err_detail(e, "It has %zu bytes; %d are read.", len, OP_TEXT_MAX);
    }
    buf_clear(&shorter);
    return ok;
}

bool op_read(enum op op, const struct op_input *in, const char *text, size_t len,
             struct op_answer *a, struct err *e)
{
    struct err quiet;
    bool plain = true;
    if (!e)
        e = &quiet;
    err_clear(e);
    open_answer(op, a);
    if (len > OP_TEXT_MAX)
        return read_long(op, in, text, len, a, e);
    if (len == 0 || skip_blank(text, len, 0) == len) {
        err_set(e, ERR_MODEL, "the answer is empty");
        return err_detail(e, "One object that fits the schema was asked for.");
    }
    if (!read_objects(op, text, len, a, &plain, e)) {
        if (!has_prose(op) || !plain)
            return false;
        err_clear(e);
        if (!op_read_plain(text, len, a, e))
            return false;
    }
    return op_row(op)->check(in, a, e);
}
