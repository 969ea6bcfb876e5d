/* Does an answer make sense for this server? What cannot be used is an error in words that a model can mend it by; what has one
 * meaning only is mended here; what rests on nothing is dropped and said. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

/* A target beyond this is a slip of the pen. */
static const double target_most = 50;

/* ---- proposals ---- */

static bool is_never(const struct wishes *w, const char *name)
{
    return w && guard_never(w->never, w->nnever, name);
}

/* Alternatives that have no line of their own any more are none; the rest moves up. */
static void close_sets(struct proposal *p)
{
    unsigned bit[SETS_MAX] = {0};
    int n = 0;
    for (int set = 0; set < p->nsets && set < SETS_MAX; set++) {
        bool used = false;
        for (int i = 0; i < p->n; i++)
            used = used || (p->changes[i].sets >> set & 1);
        if (!used)
            continue;
        if (n != set)
            memcpy(p->set_names[n], p->set_names[set], sizeof p->set_names[n]);
        bit[set] = 1u << n++;
    }
    for (int i = 0; i < p->n; i++) {
        unsigned old = p->changes[i].sets;
        p->changes[i].sets = 0;
        for (int set = 0; n > 1 && set < SETS_MAX; set++)
            if (old >> set & 1)
                p->changes[i].sets |= bit[set];
    }
    p->nsets = n > 1 ? n : 0;
}

void op_keep_wishes(const struct wishes *w, struct proposal *p)
{
    char names[200] = "";
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        if (!is_never(w, p->changes[i].name)) {
            p->changes[n++] = p->changes[i];
            continue;
        }
        size_t len = strlen(names);
        if (!strstr(names, p->changes[i].name))
            say(names + len, sizeof names - len, "%s%s", len ? ", " : "", p->changes[i].name);
    }
    if (n == p->n)
        return;
    p->n = n;
    p->nothing_left = n == 0;
    if (p->nsets > 0)
        close_sets(p);
    size_t len = strlen(p->summary);
    say(p->summary + len, sizeof p->summary - len, "%sLeft out, never to be touched: %s.",
        len ? " " : "", names);
}

/* Each line is the guard's business, which has its reason for the screen. */
bool op_check_proposal(const struct op_input *in, struct op_answer *a, struct err *e)
{
    (void)in;
    (void)a;
    (void)e;
    return true;
}

/* ---- conclusions ---- */

/* How often the words of the list stand in the text up to its first full stop, those behind a "not" left out. */
static int count_words(const char *text, const char *const *words)
{
    static const char *const negations[] = {"no",    "not",     "never", "nothing", "without",
                                            "n't",   "neither", "nor",   "hardly",  "if",
                                            "could", "would",   "may",   "might"};
    char word[24];
    int n = 0, since = 9;
    size_t len = 0;
    for (const char *c = text; n < 100; c++) {
        char x = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        if ((x >= 'a' && x <= 'z') || x == '\'') {
            if (len + 1 < sizeof word)
                word[len++] = x;
            continue;
        }
        word[len] = '\0';
        if (len > 0) {
            since++;
            for (size_t i = 0; i < ARRAY_LEN(negations); i++)
                if (strcmp(word, negations[i]) == 0 ||
                    (len > 3 && strcmp(word + len - 3, "n't") == 0))
                    since = 0;
            for (size_t i = 0; words[i]; i++)
                n += strcmp(word, words[i]) == 0 && since > 4;
        }
        len = 0;
        if (!*c || (*c == '.' && (c[1] == ' ' || c[1] == '\0')))
            return n;
    }
    return n;
}

/* The first sentence of a conclusion says what the round was: it may not be the opposite of what was measured. */
static bool opposes(const char *text, enum verdict_kind kind)
{
    static const char *const gain[] = {"improved", "improvement", "improves", "faster", "paid",
                                       "gained",   "gain",        "win",      "won",    NULL};
    static const char *const loss[] = {"regressed", "regression", "regresses", "slower", "worse",
                                       "worsened",  "lost",       "loss",      NULL};
    static const char *const none[] = {"inconclusive", "undecided", "unclear", "noise",   "within",
                                       "difference",   "no",        "not",     "neither", NULL};
    int up = count_words(text, gain), down = count_words(text, loss);
    if (kind == VERDICT_IMPROVED)
        return down > 0 && up == 0;
    if (kind == VERDICT_REGRESSED)
        return up > 0 && down == 0;
    return up + down > 0 && count_words(text, none) == 0;
}

static const char *kind_name(enum verdict_kind k)
{
    return k == VERDICT_NONE ? "none" : verdict_name(k);
}

bool op_check_analysis(const struct op_input *in, struct op_answer *a, struct err *e)
{
    const struct conclusion *c = &a->u.analysis.conclusion;
    enum verdict_kind measured = in->verdict ? in->verdict->kind : VERDICT_NONE;
    struct fact_index facts;
    char missing[64];
    if (a->u.analysis.said != VERDICT_NONE && a->u.analysis.said != measured) {
        err_set(e, ERR_MODEL, "the answer contradicts what was measured");
        return err_detail(e, "The verdict is \"%s\", not \"%s\".", kind_name(measured),
                          kind_name(a->u.analysis.said));
    }
    if (measured != VERDICT_NONE && opposes(c->text, measured)) {
        err_set(e, ERR_MODEL, "the answer contradicts what was measured");
        return err_detail(e,
                          "The verdict is \"%s\"; the first sentence of \"text\" says otherwise.",
                          kind_name(measured));
    }
    fact_index_init(&facts, in);
    bool good = !in->verdict ||
                fact_claims_hold(&facts, c->text, CLAIMS_EFFECTS, missing, sizeof missing);
    fact_index_clear(&facts);
    if (!good) {
        err_set(e, ERR_MODEL, "the answer claims an effect that was not measured");
        return err_detail(e, "%s in \"text\" is none of the measured figures.", missing);
    }
    return true;
}

bool op_check_target(const struct op_input *in, struct op_answer *a, struct err *e)
{
    double base = in->e ? in->e->baseline_tps : NAN, tps = a->u.target.tps;
    if (!(base > 0)) {
        err_set(e, ERR_MODEL, "there is no baseline to measure a target by");
        return false;
    }
    if (isfinite(tps) && tps > base && tps <= target_most * base)
        return true;
    err_set(e, ERR_MODEL, "the target cannot be one");
    return err_detail(e,
                      "It is to lie above the baseline of %.1f TPS, and not beyond %.0f times it; "
                      "%.6g was given.",
                      base, target_most, tps);
}

/* ---- strategies ---- */

/* What the flags or the DBA have set stays; of the rest the model's word counts, where it has one, else the rules'. */
bool op_check_plan(const struct op_input *in, struct op_answer *a, struct err *e)
{
    static const struct sdl nothing;
    struct sdl said = a->u.plan, *out = &a->u.plan;
    (void)e;
    *out = in->plan ? *in->plan : nothing;
    if (!out->hypothesis[0])
        text_copy(out->hypothesis, sizeof out->hypothesis, said.hypothesis);
    if (!out->success[0])
        text_copy(out->success, sizeof out->success, said.success);
    out->clients = out->clients > 0 ? out->clients : said.clients;
    out->threads = out->threads > 0 ? out->threads : said.threads;
    out->duration_s = out->duration_s > 0 ? out->duration_s : said.duration_s;
    out->warmup_s = out->warmup_s > 0 ? out->warmup_s : said.warmup_s;
    out->rounds = out->rounds > 0 ? out->rounds : said.rounds;
    static const struct evidence unknown;
    builtin_strategy(in->e ? in->e : &unknown, in->strategy ? in->strategy : "", out);
    if (out->threads > out->clients)
        out->threads = out->clients;
    return true;
}

bool op_check_next(const struct op_input *in, struct op_answer *a, struct err *e)
{
    (void)in;
    (void)a;
    (void)e;
    return true;
}

bool op_check_diagnosis(const struct op_input *in, struct op_answer *a, struct err *e)
{
    (void)in;
    (void)a;
    (void)e;
    return true;
}

/* Findings stand on figures of this server. */
bool op_check_sight(const struct op_input *in, struct op_answer *a, struct err *e)
{
    struct first_sight *s = &a->u.sight;
    struct fact_index facts;
    char missing[64] = "";
    int n = 0;
    fact_index_init(&facts, in);
    for (int i = 0; i < s->nfindings; i++)
        if (fact_holds(&facts, s->findings[i].figure, missing, sizeof missing))
            s->findings[n++] = s->findings[i];
    fact_index_clear(&facts);
    int dropped = s->nfindings - n;
    s->nfindings = n;
    if (dropped > 0 && n == 0) {
        err_set(e, ERR_MODEL, "the findings rest on figures that are not in the data");
        return err_detail(e, "%s, for one, is none of this server's figures.", missing);
    }
    if (dropped > 0)
        op_note(a, "%d of its findings %s left out: %s is no figure of this server.", dropped,
                dropped == 1 ? "is" : "are", missing);
    return true;
}

/* ---- the merged report ---- */

/* Of the sessions, the newest that left the setting with this value and, when given, is called so. */
static const struct session_told *session_with(const struct op_input *in, const char *name,
                                               const char *value, const char *session)
{
    for (int i = in->nsessions - 1; i >= 0; i--) {
        const struct session_told *t = &in->sessions[i];
        for (int k = 0; k < t->nchanges; k++)
            if (strcmp(t->changes[k].name, name) == 0 &&
                (!value || strcmp(t->changes[k].value, value) == 0) &&
                (!session || strcmp(t->name, session) == 0))
                return t;
    }
    return NULL;
}

static bool contested(const struct op_input *in, const char *name)
{
    const char *value = NULL;
    for (int i = 0; i < in->nsessions; i++)
        for (int k = 0; k < in->sessions[i].nchanges; k++) {
            const struct told_change *c = &in->sessions[i].changes[k];
            if (strcmp(c->name, name) != 0)
                continue;
            if (value && strcmp(value, c->value) != 0)
                return true;
            value = c->value;
        }
    return false;
}

static bool bad_report(struct err *e, const char *which, const char *what, const char *more)
{
    err_set(e, ERR_MODEL, "the report is not what the sessions found");
    return err_detail(e, "%s %s%s%s.", which, what, more[0] ? " " : "", more);
}

/* Nothing that a session has changed is left out. Where all agree there is one value only, and it is put in. */
static bool check_covered(const struct op_input *in, struct merged_report *r, struct err *e)
{
    for (int i = 0; i < in->nsessions; i++)
        for (int k = 0; k < in->sessions[i].nchanges; k++) {
            const char *name = in->sessions[i].changes[k].name;
            bool there = false;
            for (int n = 0; n < r->n && !there; n++)
                there = strcmp(r->settings[n].name, name) == 0;
            if (there || r->n == CONFLICTS_MAX)
                continue;
            if (contested(in, name))
                return bad_report(e, name, "is missing, and the sessions disagree on it", "");
            op_merge(in, name, &r->settings[r->n++]);
        }
    return true;
}

static bool check_merged(const struct op_input *in, struct merged_report *r, struct err *e)
{
    for (int i = 0; i < r->n; i++) {
        struct merged_setting *s = &r->settings[i];
        for (int k = 0; k < i; k++)
            if (strcmp(r->settings[k].name, s->name) == 0)
                return bad_report(e, s->name, "stands in it twice", "");
        if (!session_with(in, s->name, NULL, NULL))
            return bad_report(e, s->name, "was changed by none of the sessions", "");
        if (!session_with(in, s->name, s->value, NULL))
            return bad_report(e, s->name, "was left by no session with the value", s->value);
        const struct session_told *t = session_with(in, s->name, s->value, s->session);
        if (!t)
            t = session_with(in, s->name, s->value, NULL);
        text_copy(s->session, sizeof s->session, t->name);
        s->conflict = contested(in, s->name);
    }
    return check_covered(in, r, e);
}

bool op_check_report(const struct op_input *in, struct op_answer *a, struct err *e)
{
    struct merged_report *r = &a->u.report;
    struct fact_index facts;
    char missing[64] = "";
    if (!check_merged(in, r, e))
        return false;
    fact_index_init(&facts, in);
    bool good = fact_claims_hold(&facts, r->text, CLAIMS_ALL, missing, sizeof missing);
    for (int i = 0; good && i < r->n; i++)
        good = fact_claims_hold(&facts, r->settings[i].why, CLAIMS_ALL, missing, sizeof missing);
    fact_index_clear(&facts);
    return good || bad_report(e, missing, "is no figure of the sessions", "");
}

/* ---- prose ---- */

/* Keeps the figures that the evidence has. False: it had some, and none was left. */
static bool keep_figures(const struct op_input *in, struct op_answer *a, struct err *e)
{
    struct prose *p = &a->u.prose;
    struct fact_index facts;
    char missing[64] = "";
    int n = 0, all = p->nfigures;
    if (all == 0)
        return true;
    fact_index_init(&facts, in);
    for (int i = 0; i < all; i++)
        if (fact_holds(&facts, p->figures[i].value, missing, sizeof missing))
            p->figures[n++] = p->figures[i];
    fact_index_clear(&facts);
    p->nfigures = n;
    if (n == 0) {
        err_set(e, ERR_MODEL, "the answer rests on figures that are not in the data");
        return err_detail(e, "%s, for one, is not there; quote figures as the data has them.",
                          missing);
    }
    if (n < all)
        op_note(a, "%d of its figures %s left out: %s is not in the evidence.", all - n,
                all - n == 1 ? "is" : "are", missing);
    return true;
}

bool op_check_prose(const struct op_input *in, struct op_answer *a, struct err *e)
{
    return keep_figures(in, a, e);
}

static bool digits(const char *s, size_t most)
{
    size_t n = strspn(s, "0123456789");
    return n > 0 && n <= most && s[n] == '\0';
}

static bool is_duration(const char *s)
{
    size_t n = strspn(s, "0123456789");
    const char *unit = s + n + (s[n] == ' ');
    return n > 0 && n <= 6 &&
           (strcmp(unit, "s") == 0 || strcmp(unit, "m") == 0 || strcmp(unit, "min") == 0 ||
            strcmp(unit, "h") == 0);
}

bool op_want_valid(const char *want)
{
    const char *rest = strchr(want, ' ');
    size_t n = rest ? (size_t)(rest - want) : 0;
    if (!rest || rest[1] == '\0' || rest[1] == ' ' || strstr(want, "\uFFFD"))
        return false;
    rest++;
    if (n == 7 && memcmp(want, "setting", n) == 0)
        return text_is_ident(rest);
    if (n == 5 && memcmp(want, "table", n) == 0)
        return strpbrk(rest, ";'\\") == NULL;
    if ((n == 9 && memcmp(want, "statement", n) == 0) || (n == 4 && memcmp(want, "plan", n) == 0))
        return digits(rest + (*rest == '-'), 19);
    if (n == 9 && memcmp(want, "telemetry", n) == 0)
        return is_duration(rest);
    return n == 5 && memcmp(want, "round", n) == 0 && digits(rest, 3);
}

/* Wants of the list that were not gathered yet, each once. */
static int keep_wants(const struct op_input *in, struct prose *p)
{
    int n = 0, all = p->nwants;
    for (int i = 0; i < all; i++) {
        bool good = op_want_valid(p->wants[i]) && in->facts_rounds < 3;
        for (int k = 0; k < in->nfacts && good; k++)
            good = strcmp(in->facts[k].name, p->wants[i]) != 0;
        for (int k = 0; k < n && good; k++)
            good = strcmp(p->wants[k], p->wants[i]) != 0;
        if (good && n != i)
            memmove(p->wants[n], p->wants[i], sizeof p->wants[n]);
        n += good;
    }
    p->nwants = n;
    return all - n;
}

bool op_check_question(const struct op_input *in, struct op_answer *a, struct err *e)
{
    struct prose *p = &a->u.prose;
    int dropped = keep_wants(in, p);
    if (p->text[0] == '\0' && p->nwants == 0) {
        err_set(e, ERR_MODEL, "there is no answer in \"text\"");
        return err_detail(e, "Facts that were asked for are in the data already, or are none of: "
                             "setting NAME, table NAME, statement ID, plan ID, telemetry DURATION, "
                             "round N. Answer with what is there.");
    }
    if (dropped > 0)
        op_note(a, "%d fact%s that it asked for cannot be gathered.", dropped,
                dropped == 1 ? "" : "s");
    return keep_figures(in, a, e);
}
