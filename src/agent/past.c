/* What the rounds so far say of a value: whether it is decided, and by what. A round that screened alternatives tells of each
 * of them; one without tells of all its changes together. */
#include "pgd/agent/past.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/search.h"
#include "pgd/base/text.h"

static bool rejected(const struct sense *s, const struct setting_change *c)
{
    for (int i = 0; i < s->e->nrejected; i++)
        if (strcmp(s->e->rejected[i].name, c->name) == 0 &&
            rules_same_value(s, c->name, s->e->rejected[i].value, c->value))
            return true;
    return false;
}

static bool is_line(const struct sense *s, const struct setting_change *line,
                    const struct setting_change *c)
{
    return !line->reset && strcmp(line->name, c->name) == 0 &&
           rules_same_value(s, c->name, line->value, c->value);
}

static bool in_set(const struct round_history *r, int line, int set)
{
    return r->changes[line].sets == 0 || (r->changes[line].sets >> set & 1);
}

static int lines_of(const struct round_history *r, int set)
{
    int n = 0;
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++)
        n += in_set(r, i, set);
    return n;
}

/* A round's history has the lines that were accepted, and no others. */
enum set_fate past_set_fate(const struct round_history *r, int set)
{
    const struct race_result *res = &r->sets[set];

    if (res->runs > 0 || isfinite(res->ratio) || res->out)
        return SET_SCREENED;
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++)
        if (r->changes[i].sets >> set & 1)
            return SET_LEFT;
    return SET_TURNED_DOWN;
}

int past_sets_of(const struct round_history *r, enum set_fate fate)
{
    int n = 0;

    for (int set = 0; set < r->nsets && set < SETS_MAX; set++)
        n += past_set_fate(r, set) == fate;
    return n;
}

/* Where nothing says which lines the candidate had, and nothing was screened, it had them all. */
bool past_measured(const struct round_history *r, int line)
{
    return r->measured ? r->measured >> line & 1 : r->nsets <= 1;
}

/* The alternative of a line that says most of its fate: the one that went furthest; -1 = it is in none. */
static int set_of_line(const struct round_history *r, int line)
{
    int best = -1;

    for (int set = 0; set < r->nsets && set < SETS_MAX; set++) {
        if (!in_set(r, line, set))
            continue;
        if (best < 0 ||
            (isfinite(r->sets[set].ratio) && !(r->sets[set].ratio <= r->sets[best].ratio)))
            best = set;
    }
    return best;
}

bool past_not_tried(const struct round_history *r, int line, bool by_hand, char *why, size_t size)
{
    int set = set_of_line(r, line);
    const struct race_result *res = set < 0 ? NULL : &r->sets[set];
    const char *what;
    char effect[24];

    if (past_measured(r, line)) {
        if (r->failed || r->verdict.kind != VERDICT_NONE)
            return false;
        text_copy_raw(why, size, "no time left for its runs");
        return true;
    }
    if (!res) { /* nothing was screened: the first alternative was compared alone */
        text_copy_raw(why, size,
                      by_hand ? "in another alternative than the first, and none is screened where "
                                "you make the switches"
                              : "no time left to screen the alternatives: the first was compared "
                                "alone");
        return true;
    }
    if (!isfinite(res->ratio)) {
        text_copy_raw(why, size,
                      res->out || res->runs > 0 ? "its short runs in the screening failed"
                                                : "no time left to screen it");
        return true;
    }
    what = !res->gained && res->out ? "lost in screening"
           : !res->gained           ? "no gain in screening"
                                    : "gained in screening, but does not go with what gained more";
    text_percent(effect, sizeof effect, res->ratio);
    snprintf(why, size, "%s (%s in %d short run%s)", what, effect, res->runs,
             res->runs == 1 ? "" : "s");
    return true;
}

static int lines_measured(const struct round_history *r)
{
    int n = 0;
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++)
        n += past_measured(r, i);
    return n;
}

/* Of one line of a round with alternatives. */
static enum past screened_past(const struct round_history *r, int line)
{
    enum past past = PAST_NEW;
    for (int set = 0; set < r->nsets && set < SETS_MAX; set++) {
        const struct race_result *res = &r->sets[set];
        if (!in_set(r, line, set) || !isfinite(res->ratio))
            continue;
        if (res->gained)
            continue; /* what became of it is said by the round */
        if (lines_of(r, set) == 1)
            return PAST_DONE;
        past = PAST_SUSPECT;
    }
    return past;
}

static enum past round_past(const struct round_history *r, int line)
{
    bool measured = past_measured(r, line);
    if (measured && r->kept)
        return PAST_DONE;
    if (r->failed)
        return lines_measured(r) == 1 ? PAST_DONE : PAST_SUSPECT;
    if (r->nsets > 1) {
        enum past past = screened_past(r, line);
        bool tried = measured && isfinite(r->verdict.ratio);
        if (past == PAST_DONE || !tried)
            return past;
    }
    if (!measured)
        return PAST_NEW;
    return lines_measured(r) == 1 ? PAST_DONE : PAST_SUSPECT;
}

/* A later round that was kept changed something that this setting interacts with. */
static bool interaction_since(const struct pool *p, int round, const char *name)
{
    const struct known_setting *known = knowledge_find(p->known, name);
    const struct evidence *e = p->s->e;
    for (int i = round + 1; known && i < e->nhistory; i++)
        for (int j = 0; e->history[i].kept && j < e->history[i].n; j++)
            for (int k = 0; past_measured(&e->history[i], j) && k < known->interacts.n; k++)
                if (strcmp(known->interacts.items[k], e->history[i].changes[j].name) == 0)
                    return true;
    return false;
}

enum past past_of(const struct pool *p, const struct setting_change *c)
{
    const struct sense *s = p->s;
    enum past past = PAST_NEW;
    int decided = -1;
    if (rejected(s, c))
        return PAST_DONE;
    for (int i = 0; i < s->e->nhistory; i++) {
        const struct round_history *r = &s->e->history[i];
        for (int line = 0; line < r->n && line < CHANGES_MAX; line++) {
            enum past one = is_line(s, &r->changes[line], c) ? round_past(r, line) : PAST_NEW;
            if (one == PAST_DONE)
                decided = i;
            if (one == PAST_SUSPECT && past == PAST_NEW)
                past = PAST_SUSPECT;
        }
    }
    if (decided < 0)
        return past;
    bool kept = s->e->history[decided].kept;
    return !kept && interaction_since(p, decided, c->name) ? PAST_AGAIN : PAST_DONE;
}

bool past_earned(const struct sense *s, const char *name, double *ratio, int *lines)
{
    for (int i = s->e->nhistory - 1; i >= 0; i--) {
        const struct round_history *r = &s->e->history[i];
        for (int line = 0; r->kept && line < r->n && line < CHANGES_MAX; line++)
            if (past_measured(r, line) && strcmp(r->changes[line].name, name) == 0) {
                *ratio = r->verdict.ratio;
                *lines = lines_measured(r);
                return true;
            }
    }
    return false;
}

bool past_began(const struct sense *s)
{
    for (int i = 0; i < s->e->nhistory; i++)
        for (int j = 0; j < s->e->history[i].n && j < CHANGES_MAX; j++)
            if (strcmp(s->e->history[i].changes[j].rule, "inherited") != 0)
                return true;
    return false;
}

int past_misses(const struct sense *s)
{
    int n = 0;
    for (int i = s->e->nhistory - 1; i >= 0 && !s->e->history[i].kept; i--)
        n++;
    return n;
}
