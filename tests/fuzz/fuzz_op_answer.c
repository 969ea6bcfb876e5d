/* A model's text of unknown origin, as the answer of each operation: the first byte chooses it. What is taken is clean, bounded and
 * within what the record allows; what is not has words for it. What was shown while it came is clean, too. */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

static struct server_facts server;
static struct setting settings[] = {
    {.name = "jit", .value = "on", .shown = "on", .vartype = "bool", .context = "user"},
    {.name = "work_mem", .value = "4096", .shown = "4MB", .unit = "kB", .vartype = "integer"},
};

static void check_clean(const char *s, bool lines)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        uint32_t rune;
        i += text_decode(s + i, n - i, &rune);
        REQUIRE(text_rune_safe(rune) || (lines && rune == '\n'));
    }
}

static void check_proposal(const struct proposal *p)
{
    REQUIRE(p->n >= 0 && p->n <= CHANGES_MAX);
    check_clean(p->summary, false);
    for (int i = 0; i < p->n; i++) {
        const struct setting_change *c = &p->changes[i];
        REQUIRE(c->name[0] && strcmp(c->rule, "model") == 0 && c->sets == 0);
        REQUIRE(isnan(c->expect_lo) == isnan(c->expect_hi) && !(c->expect_lo > c->expect_hi));
        check_clean(c->name, false);
        check_clean(c->value, false);
        check_clean(c->why, false);
        check_clean(c->evidence, false);
    }
}

static void check_prose(const struct prose *p)
{
    REQUIRE(p->nfigures >= 0 && p->nfigures <= FIGURES_MAX && p->nwants >= 0 && p->nwants <= 3);
    REQUIRE(p->text[0] || p->nwants > 0);
    check_clean(p->text, true);
    for (int i = 0; i < p->nfigures; i++)
        check_clean(p->figures[i].value, false);
    for (int i = 0; i < p->nwants; i++)
        REQUIRE(op_want_valid(p->wants[i]));
}

static void check_answer(const struct op_answer *a, const struct op_input *in)
{
    check_clean(a->dropped, false);
    REQUIRE(isnan(a->confidence) || (a->confidence >= 0 && a->confidence <= 1));
    switch (a->op) {
    case OP_ROUND1:
        check_proposal(&a->u.proposal);
        break;
    case OP_ANALYZE:
        check_proposal(&a->u.analysis.next);
        check_clean(a->u.analysis.conclusion.text, false);
        break;
    case OP_TARGET:
        REQUIRE(a->u.target.tps > in->e->baseline_tps && a->u.target.tps <= 20000);
        break;
    case OP_STRATEGY:
        REQUIRE(a->u.plan.clients >= 1 && a->u.plan.clients <= 1000 && a->u.plan.nscripts == 0);
        break;
    case OP_FIRST_SIGHT:
        REQUIRE(a->u.sight.nfindings <= 16 && a->u.sight.nstrategies >= 1);
        check_clean(a->u.sight.summary, false);
        break;
    case OP_NEXT_STRATEGIES:
        REQUIRE(a->u.next.n >= 0 && a->u.next.n <= 4);
        break;
    case OP_CONFLICTS:
        REQUIRE(a->u.report.n == 1 && strcmp(a->u.report.settings[0].name, "jit") == 0);
        check_clean(a->u.report.text, true);
        break;
    case OP_DIAGNOSE:
        check_clean(a->u.diagnosis.explanation, false);
        break;
    default:
        check_prose(&a->u.prose);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct op_answer a;
    static struct session_told told = {
        .name = "S1", .nchanges = 1, .changes = {{"jit", "off", "", 1.1}}};
    struct verdict v = {.kind = VERDICT_IMPROVED, .ratio = 1.1, .ci_lo = 1.05, .ci_hi = 1.2};
    struct evidence e = {.server = &server, .baseline_tps = 400, .best_tps = 440, .floor = 0.02};
    struct op_input in = {.e = &e, .nsessions = 1, .sessions = &told, .question = "jit"};
    struct buf shown = {0};
    struct err err = {0};
    if (size < 1)
        return 0;
    server.settings.items = settings;
    server.settings.n = (int)ARRAY_LEN(settings);
    enum op op = (enum op)(data[0] % OP_COUNT);
    in.verdict = data[0] & 0x80 ? &v : NULL;
    char *text = xmalloc(size);
    memcpy(text, data + 1, size - 1);
    if (op_read(op, &in, text, size - 1, &a, &err))
        check_answer(&a, &in);
    else
        REQUIRE(err.code == ERR_MODEL && err.msg[0]);
    op_partial(op, text, size - 1, &shown);
    for (size_t i = 0; i < shown.len;) {
        uint32_t rune;
        i += text_decode(shown.data + i, shown.len - i, &rune);
        REQUIRE(text_rune_safe(rune) || rune == '\n' || rune == '\t');
    }
    buf_clear(&shown);
    free(text);
    return 0;
}
