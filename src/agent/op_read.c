/* A model's answer as a record. Strict about types, bounded and cleaned in every text; what has no meaning is dropped and said.
 *
 * Lines of a proposal are the exception: one that names a setting is kept however wrong its value is, so that the DBA sees on the
 * screen what was tried and why the guard refuses it. A value that is cut or of another type is made one that the guard refuses. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/knobs.h"

/* Beyond this a prediction is no prediction. */
static const double expect_most = 1000;

void op_note(struct op_answer *a, const char *fmt, ...)
{
    char one[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(one, sizeof one, fmt, ap);
    va_end(ap);
    size_t len = strlen(a->dropped);
    if (len + strlen(one) + 2 < sizeof a->dropped)
        say(a->dropped + len, sizeof a->dropped - len, "%s%s", len ? " " : "", one);
}

/* ---- texts ---- */

/* A string may hold NUL, which would hide what stands behind it: it becomes a character that nothing takes. */
static char *whole(const char *s, size_t len)
{
    struct buf b = {0};
    for (size_t i = 0; i < len; i++)
        if (s[i])
            buf_putc(&b, s[i]);
        else
            buf_puts(&b, "\uFFFD");
    return b.data ? buf_take(&b) : xstrdup("");
}

/* Cleaned and bounded; false when it was cut. */
static bool take_string(const json_t *v, char *dst, size_t size)
{
    char *s = whole(json_string_value(v), json_string_length(v));
    bool fits = text_copy(dst, size, s);
    free(s);
    return fits;
}

/* The same for a text of several lines. */
static bool take_lines(const char *s, size_t len, char *dst, size_t size)
{
    char *all = whole(s, len);
    size_t at = 0;
    bool fits = true;
    int breaks = 2; /* none at the beginning, no more than two in a row */
    for (char *line = all; line && fits;) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        fits = text_copy(dst + at, size - at, line);
        size_t n = strlen(dst + at);
        while (n > 0 && dst[at + n - 1] == ' ')
            n--;
        at += n;
        breaks = n ? 0 : breaks;
        if (next && breaks < 2 && at + 1 < size) {
            dst[at++] = '\n';
            breaks++;
        }
        dst[at] = '\0';
        line = next;
    }
    while (at > 0 && (dst[at - 1] == '\n' || dst[at - 1] == ' '))
        dst[--at] = '\0';
    free(all);
    return fits;
}

static bool wrong(struct err *e, const char *key, const char *wanted)
{
    err_set(e, ERR_MODEL, "the answer does not fit its schema");
    return err_detail(e, "\"%s\" is missing or is not %s.", key, wanted);
}

/* The member of that name, or of the other one that models give it. */
static const json_t *member(const json_t *j, const char *key, const char *other)
{
    const json_t *v = json_object_get(j, key);
    return v || !other ? v : json_object_get(j, other);
}

static bool need_text(const json_t *j, const char *key, const char *other, char *dst, size_t size,
                      struct err *e)
{
    const json_t *v = member(j, key, other);
    if (!json_is_string(v))
        return wrong(e, key, "a string");
    take_string(v, dst, size);
    if (dst[strspn(dst, " ")] == '\0')
        return wrong(e, key, "a string with words in it");
    return true;
}

static void may_text(const json_t *j, const char *key, char *dst, size_t size)
{
    const json_t *v = json_object_get(j, key);
    dst[0] = '\0';
    if (json_is_string(v))
        take_string(v, dst, size);
}

static bool need_list(const json_t *j, const char *key, const json_t **list, struct err *e)
{
    *list = json_object_get(j, key);
    return json_is_array(*list) || wrong(e, key, "a list");
}

/* NAN when it is no number or lies outside. */
static double may_number(const json_t *j, const char *key, double lo, double hi)
{
    const json_t *v = json_object_get(j, key);
    double x = json_is_number(v) ? json_number_value(v) : NAN;
    return x >= lo && x <= hi ? x : NAN;
}

/* Given in percent; a model that answers 0.8 means the same. */
static void take_confidence(const json_t *j, struct op_answer *a)
{
    const json_t *v = json_object_get(j, "confidence");
    double x = may_number(j, "confidence", 0, 100);
    a->confidence = x > 0 && x < 1 ? x : x / 100;
    if (v && isnan(x))
        op_note(a, "Its confidence is no percentage and is passed over.");
}

/* ---- proposals ---- */

/* A quoted value means what stands between the quotes. */
static void unquote(char *s)
{
    size_t n = strlen(s);
    if (n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n - 1] == s[0]) {
        memmove(s, s + 1, n - 2);
        s[n - 2] = '\0';
    }
}

/* What was cut might be taken for a value that it is not. */
static void spoil(char *s, size_t size)
{
    size_t n = strlen(s);
    if (n + 4 > size)
        n = size - 4;
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    memcpy(s + n, "\u2026", 4);
}

static void take_value(const json_t *v, char *dst, size_t size)
{
    dst[0] = '\0';
    if (json_is_string(v)) {
        if (!take_string(v, dst, size))
            spoil(dst, size);
        unquote(dst);
    } else if (json_is_number(v)) {
        snprintf(dst, size, "%.15g", json_number_value(v));
    } else if (json_is_boolean(v)) {
        snprintf(dst, size, "%s", json_is_true(v) ? "on" : "off");
    } else if (v && !json_is_null(v)) {
        snprintf(dst, size, "(%s)\u2026", json_is_array(v) ? "a list" : "an object");
    }
}

static void take_expectation(const json_t *j, struct setting_change *c)
{
    c->expect_lo = may_number(j, "expect_lo", -expect_most, expect_most);
    c->expect_hi = may_number(j, "expect_hi", -expect_most, expect_most);
    if (!(c->expect_lo <= c->expect_hi))
        c->expect_lo = c->expect_hi = NAN;
}

static enum risk risk_of(const char *word)
{
    return strcmp(word, "low") == 0    ? RISK_LOW
           : strcmp(word, "high") == 0 ? RISK_HIGH
                                       : RISK_MEDIUM;
}

/* False: there is no name to show. */
static bool take_change(const json_t *j, struct setting_change *c)
{
    char risk[16];
    const json_t *name = json_object_get(j, "name");
    memset(c, 0, sizeof *c);
    if (!json_is_string(name))
        return false;
    if (!take_string(name, c->name, sizeof c->name))
        spoil(c->name, sizeof c->name);
    if (c->name[strspn(c->name, " ")] == '\0')
        return false;
    c->reset = json_is_true(json_object_get(j, "reset"));
    take_value(json_object_get(j, "value"), c->value, sizeof c->value);
    may_text(j, "why", c->why, sizeof c->why);
    may_text(j, "evidence", c->evidence, sizeof c->evidence);
    may_text(j, "risk", risk, sizeof risk);
    c->risk = risk_of(risk);
    take_expectation(j, c);
    text_copy(c->rule, sizeof c->rule, "model");
    return true;
}

static bool named(const struct proposal *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (text_eq_nocase(p->changes[i].name, name))
            return true;
    return false;
}

/* What came of the lines besides changes. */
struct leftovers {
    int nameless, twice, more;
    char again[SETTING_NAME_MAX];
};

static void say_leftovers(const struct leftovers *l, struct op_answer *a)
{
    if (l->more)
        op_note(a, "It had %d changes more than the %d that a round can hold; they are left out.",
                l->more, CHANGES_MAX);
    if (l->twice)
        op_note(a, "%s stood in it %s; the first line counts.", l->again,
                l->twice > 1 ? "and others more than once" : "twice");
    if (l->nameless)
        op_note(a, "%d line%s of it name%s no setting.", l->nameless, l->nameless == 1 ? "" : "s",
                l->nameless == 1 ? "s" : "");
}

/* Where the next line goes; NULL: nowhere. Of more lines than there is room for, those count that name a setting which may be
 * proposed: the last of the others gives way, so that a flood of nonsense hides nothing. */
static struct setting_change *place(struct proposal *p, const char *name)
{
    if (p->n < CHANGES_MAX)
        return &p->changes[p->n++];
    for (int i = p->n - 1; knob_find(name) && i >= 0; i--)
        if (!knob_find(p->changes[i].name))
            return &p->changes[i];
    return NULL;
}

static bool take_changes(const json_t *j, struct proposal *p, struct op_answer *a, struct err *e)
{
    const json_t *list;
    struct leftovers l = {0};
    struct setting_change c;
    if (!need_list(j, "changes", &list, e))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!take_change(json_array_get(list, i), &c)) {
            l.nameless++;
        } else if (named(p, c.name)) {
            if (l.twice++ == 0)
                text_copy(l.again, sizeof l.again, c.name);
        } else {
            l.more += p->n == CHANGES_MAX;
            struct setting_change *to = place(p, c.name);
            if (to)
                *to = c;
        }
    }
    if (p->n == 0 && l.nameless > 0)
        return wrong(e, "name", "a setting's name in any line of \"changes\"");
    say_leftovers(&l, a);
    p->nothing_left = p->n == 0;
    return true;
}

/* What was not taken is told where the DBA reads the proposal. */
static void summarize(struct proposal *p, const struct op_answer *a)
{
    size_t len = strlen(p->summary);
    if (a->dropped[0] && len < sizeof p->summary)
        say(p->summary + len, sizeof p->summary - len, "%s%s", len ? " " : "", a->dropped);
}

bool op_read_proposal(const json_t *j, struct op_answer *a, struct err *e)
{
    struct proposal *p = &a->u.proposal;
    if (!take_changes(j, p, a, e) ||
        !need_text(j, "text", "summary", p->summary, sizeof p->summary, e))
        return false;
    take_confidence(j, a);
    summarize(p, a);
    return true;
}

bool op_read_analysis(const json_t *j, struct op_answer *a, struct err *e)
{
    struct conclusion *c = &a->u.analysis.conclusion;
    struct proposal *p = &a->u.analysis.next;
    const json_t *stop = json_object_get(j, "stop");
    char verdict[24];
    if (!need_text(j, "text", NULL, c->text, sizeof c->text, e) || !take_changes(j, p, a, e))
        return false;
    may_text(j, "bottleneck", c->bottleneck, sizeof c->bottleneck);
    may_text(j, "summary", p->summary, sizeof p->summary);
    may_text(j, "verdict", verdict, sizeof verdict);
    if (stop && !json_is_boolean(stop))
        return wrong(e, "stop", "true or false");
    /* The word goes to the check, which knows the verdict. */
    a->u.analysis.said = strcmp(verdict, "improved") == 0       ? VERDICT_IMPROVED
                         : strcmp(verdict, "regressed") == 0    ? VERDICT_REGRESSED
                         : strcmp(verdict, "inconclusive") == 0 ? VERDICT_INCONCLUSIVE
                                                                : VERDICT_NONE;
    c->stop = json_is_true(stop) && p->n == 0;
    a->u.analysis.has_next = true;
    take_confidence(j, a);
    summarize(p, a);
    return true;
}

/* ---- strategies ---- */

static bool take_offer(const json_t *j, struct strategy_offer *o, struct err *e)
{
    char name[96];
    memset(o, 0, sizeof *o);
    if (!need_text(j, "name", NULL, name, sizeof name, e) ||
        !need_text(j, "title", NULL, o->title, sizeof o->title, e))
        return false;
    builtin_folder_name(o->name, sizeof o->name, name);
    may_text(j, "why", o->why, sizeof o->why);
    may_text(j, "expects", o->expects, sizeof o->expects);
    return true;
}

/* Offers of different names, the first max of them; how many. What is no offer is passed over. */
static int take_offers(const json_t *list, struct strategy_offer *out, int max, struct op_answer *a)
{
    int n = 0, dropped = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct strategy_offer o;
        struct err e;
        bool good = n < max && take_offer(json_array_get(list, i), &o, &e);
        for (int k = 0; good && k < n; k++)
            good = !text_eq_nocase(out[k].name, o.name);
        if (good)
            out[n++] = o;
        else
            dropped++;
    }
    if (dropped)
        op_note(a, "%d strateg%s of it %s left out: no name, one that was there, or too many.",
                dropped, dropped == 1 ? "y" : "ies", dropped == 1 ? "was" : "were");
    return n;
}

bool op_read_next(const json_t *j, struct op_answer *a, struct err *e)
{
    struct next_strategies *n = &a->u.next;
    const json_t *list;
    if (!need_text(j, "text", NULL, n->text, sizeof n->text, e) ||
        !need_list(j, "offers", &list, e))
        return false;
    n->n = take_offers(list, n->offers, (int)ARRAY_LEN(n->offers), a);
    take_confidence(j, a);
    return true;
}

static bool take_finding(const json_t *j, struct finding *f)
{
    struct err e;
    double severity = may_number(j, "severity", 0, 3);
    memset(f, 0, sizeof *f);
    may_text(j, "area", f->area, sizeof f->area);
    may_text(j, "figure", f->figure, sizeof f->figure);
    f->severity = isnan(severity) ? 1 : (int)severity;
    return need_text(j, "text", NULL, f->text, sizeof f->text, &e);
}

bool op_read_sight(const json_t *j, struct op_answer *a, struct err *e)
{
    struct first_sight *s = &a->u.sight;
    const json_t *findings, *strategies;
    int dropped = 0;
    if (!need_list(j, "findings", &findings, e) || !need_list(j, "strategies", &strategies, e) ||
        !need_text(j, "headline", NULL, s->headline, sizeof s->headline, e) ||
        !need_text(j, "text", "summary", s->summary, sizeof s->summary, e))
        return false;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        struct finding f;
        if (s->nfindings < (int)ARRAY_LEN(s->findings) &&
            take_finding(json_array_get(findings, i), &f))
            s->findings[s->nfindings++] = f;
        else
            dropped++;
    }
    if (dropped)
        op_note(a, "%d of its findings say nothing or are too many, and are left out.", dropped);
    s->nstrategies = take_offers(strategies, s->strategies, (int)ARRAY_LEN(s->strategies), a);
    if (s->nstrategies == 0)
        return wrong(e, "strategies",
                     "a list with one strategy at least, each with name and title");
    take_confidence(j, a);
    return true;
}

/* Scripts, database, restarts, budget and goal are the DBA's: a model has no word for them. */
bool op_read_plan(const json_t *j, struct op_answer *a, struct err *e)
{
    const struct {
        const char *key;
        int *field;
        double lo, hi;
    } fields[] = {
        {"clients", &a->u.plan.clients, 1, 1000},       {"threads", &a->u.plan.threads, 1, 64},
        {"duration_s", &a->u.plan.duration_s, 2, 3600}, {"warmup_s", &a->u.plan.warmup_s, 1, 600},
        {"rounds", &a->u.plan.rounds, 1, 20},
    };
    if (!need_text(j, "hypothesis", NULL, a->u.plan.hypothesis, sizeof a->u.plan.hypothesis, e))
        return false;
    may_text(j, "success", a->u.plan.success, sizeof a->u.plan.success);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        double x = may_number(j, fields[i].key, fields[i].lo, fields[i].hi);
        *fields[i].field = isnan(x) ? 0 : (int)x;
        if (isnan(x) && json_object_get(j, fields[i].key))
            op_note(a, "Its %s is outside %.0f to %.0f.", fields[i].key, fields[i].lo,
                    fields[i].hi);
    }
    take_confidence(j, a);
    return true;
}

bool op_read_target(const json_t *j, struct op_answer *a, struct err *e)
{
    struct target *t = &a->u.target;
    const json_t *tps = json_object_get(j, "tps");
    if (!need_text(j, "why", NULL, t->why, sizeof t->why, e))
        return false;
    if (!json_is_number(tps))
        return wrong(e, "tps", "a number");
    t->tps = json_number_value(tps);
    take_confidence(j, a);
    return true;
}

/* ---- words ---- */

bool op_read_report(const json_t *j, struct op_answer *a, struct err *e)
{
    struct merged_report *r = &a->u.report;
    const json_t *list, *text = json_object_get(j, "text");
    if (!need_list(j, "settings", &list, e))
        return false;
    if (!json_is_string(text))
        return wrong(e, "text", "a string");
    take_lines(json_string_value(text), json_string_length(text), r->text, sizeof r->text);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (r->n == CONFLICTS_MAX)
            return wrong(e, "settings", "a list of 48 settings at most, each once");
        struct merged_setting *s = &r->settings[r->n++];
        if (!need_text(one, "name", NULL, s->name, sizeof s->name, e) ||
            !need_text(one, "session", NULL, s->session, sizeof s->session, e))
            return false;
        take_value(json_object_get(one, "value"), s->value, sizeof s->value);
        may_text(one, "why", s->why, sizeof s->why);
    }
    take_confidence(j, a);
    return true;
}

bool op_read_diagnosis(const json_t *j, struct op_answer *a, struct err *e)
{
    struct diagnosis *d = &a->u.diagnosis;
    if (!need_text(j, "text", "explanation", d->explanation, sizeof d->explanation, e) ||
        !need_text(j, "fix", NULL, d->fix, sizeof d->fix, e))
        return false;
    take_confidence(j, a);
    return true;
}

static void take_figures(const json_t *list, struct prose *p)
{
    for (size_t i = 0; i < json_array_size(list) && p->nfigures < FIGURES_MAX; i++) {
        const json_t *one = json_array_get(list, i);
        struct figure *f = &p->figures[p->nfigures];
        may_text(one, "name", f->name, sizeof f->name);
        take_value(json_object_get(one, "value"), f->value, sizeof f->value);
        p->nfigures += f->value[0] != '\0';
    }
}

bool op_read_prose(const json_t *j, struct op_answer *a, struct err *e)
{
    struct prose *p = &a->u.prose;
    const json_t *text = json_object_get(j, "text"), *wants = json_object_get(j, "wants");
    if (!json_is_string(text))
        return wrong(e, "text", "a string");
    if (!take_lines(json_string_value(text), json_string_length(text), p->text, sizeof p->text))
        op_note(a, "It was longer than %d bytes; the rest is cut.", PROSE_MAX - 1);
    take_figures(json_object_get(j, "figures"), p);
    for (size_t i = 0; a->op == OP_QUESTION && i < json_array_size(wants); i++) {
        const json_t *one = json_array_get(wants, i);
        if (json_is_string(one) && p->nwants < (int)ARRAY_LEN(p->wants) &&
            take_string(one, p->wants[p->nwants], sizeof p->wants[0]))
            p->nwants++;
    }
    if (p->text[0] == '\0' && p->nwants == 0)
        return wrong(e, "text", "a string with words in it");
    take_confidence(j, a);
    return true;
}

bool op_read_plain(const char *text, size_t len, struct op_answer *a, struct err *e)
{
    struct prose *p = &a->u.prose;
    if (!take_lines(text, len, p->text, sizeof p->text))
        op_note(a, "It was longer than %d bytes; the rest is cut.", PROSE_MAX - 1);
    return p->text[0] != '\0' || wrong(e, "text", "a string with words in it");
}
