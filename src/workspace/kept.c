/* kept.c - see kept.h; and the member "review" of session.json. */
#include "pgd/workspace/kept.h"

#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/store_parts.h"

static const char *const answers[] = {
    [ANSWER_NONE] = "none", [ANSWER_ACCEPT] = "accept", [ANSWER_REJECT] = "reject"};

/* What was proposed for a line, whatever the DBA has made of it: a name may stand in several alternatives. */
static const struct setting_change *proposed_for(const struct review *r,
                                                 const struct review_line *l)
{
    for (int i = 0; l->edited && i < r->proposal.n; i++) {
        const struct setting_change *c = &r->proposal.changes[i];
        if (strcmp(c->name, l->change.name) == 0 && c->sets == l->change.sets)
            return c;
    }
    return &l->change;
}

static void take_line(struct kept_answer *a, const struct review *r, const struct review_line *l)
{
    memset(a, 0, sizeof *a);
    text_copy_raw(a->name, sizeof a->name, l->change.name);
    const struct setting_change *c = proposed_for(r, l);
    text_copy_raw(a->proposed, sizeof a->proposed, c->value);
    text_copy_raw(a->from, sizeof a->from, l->from);
    a->reset = c->reset;
    a->sets = c->sets;
    a->restart = l->restart;
    if (l->edited)
        text_copy_raw(a->value, sizeof a->value, l->change.value);
    a->answer = l->answer;
}

/* A repair is the rules' own and not told apart on the disk: it is made anew, and its answers count. */
static int kept_changes(const struct review *r)
{
    return r->proposal.repair ? 0 : r->proposal.n;
}

bool kept_here(const struct kept_review *k, const struct identity *server)
{
    return strcmp(k->server, server->system_identifier) == 0;
}

void kept_take(struct kept_review *k, const struct review *r, const struct identity *server)
{
    text_copy_raw(k->server, sizeof k->server, server->system_identifier);
    k->proposal = r->proposal;
    k->proposal.n = kept_changes(r);
    k->n = r->n;
    for (int i = 0; i < r->n; i++)
        take_line(&k->lines[i], r, &r->lines[i]);
}

/* What the DBA reads of it; the names and values are in the lines, too. */
static bool texts_differ(const struct proposal *a, const struct proposal *b, int nchanges)
{
    bool differ = strcmp(a->advisor.text, b->advisor.text) != 0 ||
                  strcmp(a->summary, b->summary) != 0 || a->nsets != b->nsets;

    for (int i = 0; !differ && i < a->nsets; i++)
        differ = strcmp(a->set_names[i], b->set_names[i]) != 0;
    for (int i = 0; !differ && i < nchanges; i++) {
        const struct setting_change *x = &a->changes[i], *y = &b->changes[i];
        differ = strcmp(x->name, y->name) != 0 || strcmp(x->value, y->value) != 0 ||
                 strcmp(x->why, y->why) != 0 || strcmp(x->evidence, y->evidence) != 0 ||
                 strcmp(x->rule, y->rule) != 0 || x->reset != y->reset || x->sets != y->sets ||
                 x->risk != y->risk;
    }
    return differ;
}

bool kept_differs(const struct kept_review *k, const struct review *r)
{
    if (k->n != r->n || k->proposal.n != kept_changes(r) ||
        texts_differ(&k->proposal, &r->proposal, k->proposal.n))
        return true;
    for (int i = 0; i < r->n; i++) {
        struct kept_answer now;
        take_line(&now, r, &r->lines[i]);
        if (memcmp(&now, &k->lines[i], sizeof now) != 0)
            return true;
    }
    return false;
}

/* Is it the question that was answered? */
static bool same_question(const struct kept_answer *a, const struct review_line *l)
{
    return strcmp(a->name, l->change.name) == 0 && strcmp(a->proposed, l->change.value) == 0 &&
           strcmp(a->from, l->from) == 0 && a->reset == l->change.reset &&
           a->sets == l->change.sets && a->restart == l->restart;
}

static bool give(const struct kept_answer *a, struct review_line *l, const struct server_facts *f,
                 const struct guard_policy *g)
{
    struct guard_policy by_dba = *g;
    struct review_line copy = *l;

    if (a->value[0]) {
        by_dba.by_dba = true;
        text_copy_raw(copy.change.value, sizeof copy.change.value, a->value);
        copy.change.reset = false;
        copy.edited = true;
        guard_line(&copy, f, &by_dba);
        if (copy.refusal != REFUSE_NONE)
            return false;
        *l = copy;
    }
    if (l->refusal == REFUSE_NONE)
        l->answer = a->answer;
    return l->answer != ANSWER_NONE;
}

int kept_give(const struct kept_review *k, struct review *r, const struct server_facts *f,
              const struct guard_policy *g)
{
    bool used[CHANGES_MAX] = {false};
    int n = 0;

    for (int i = 0; kept_here(k, &f->id) && i < r->n; i++)
        for (int a = 0; a < k->n; a++) {
            struct review_line *l = &r->lines[i];
            if (used[a] || !same_question(&k->lines[a], l))
                continue;
            used[a] = true;
            n += give(&k->lines[a], l, f, g);
            break;
        }
    guard_bill(r, f, g);
    return n;
}

int kept_answers(const struct kept_review *k)
{
    int n = 0;

    for (int i = 0; i < k->n; i++)
        n += k->lines[i].answer != ANSWER_NONE;
    return n;
}

/* ---- on the disk ---- */

json_t *store_kept_json(const struct kept_review *k)
{
    json_t *j, *list;

    if (k->round <= 0)
        return json_null();
    j = json_object();
    list = json_array();
    json_object_set_new(j, "round", json_integer(k->round));
    json_object_set_new(j, "server", js_text(k->server));
    json_object_set_new(j, "decided", json_boolean(k->decided));
    json_object_set_new(j, "proposal",
                        k->proposal.n > 0 ? json_from_proposal(&k->proposal) : json_null());
    for (int i = 0; i < k->n; i++) {
        const struct kept_answer *a = &k->lines[i];
        json_t *line = json_object();
        json_object_set_new(line, "name", js_text(a->name));
        json_object_set_new(line, "proposed", js_text(a->proposed));
        json_object_set_new(line, "from", js_text(a->from));
        json_object_set_new(line, "reset", json_boolean(a->reset));
        json_object_set_new(line, "restart", json_boolean(a->restart));
        json_object_set_new(line, "sets", json_integer(a->sets));
        json_object_set_new(line, "value", a->value[0] ? js_text(a->value) : json_null());
        json_object_set_new(line, "answer", js_text(answers[a->answer]));
        json_array_append_new(list, line);
    }
    json_object_set_new(j, "answers", list);
    return j;
}

static bool read_answer(const json_t *j, struct kept_answer *a)
{
    char word[16];

    if (!js_get_text(j, "name", a->name, sizeof a->name) || !os_or_setting(a->name))
        return false;
    js_get_text(j, "proposed", a->proposed, sizeof a->proposed);
    js_get_text(j, "from", a->from, sizeof a->from);
    js_get_text(j, "value", a->value, sizeof a->value);
    a->reset = js_get_bool(j, "reset", false);
    a->restart = js_get_bool(j, "restart", false);
    a->sets = (unsigned)js_get_int(j, "sets", 0) & ((1u << SETS_MAX) - 1);
    js_get_text(j, "answer", word, sizeof word);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        if (strcmp(word, answers[i]) == 0)
            a->answer = (enum answer)i;
    return true;
}

void store_kept_read(const json_t *up, struct session *s)
{
    const json_t *j = json_object_get(up, "review"), *list = json_object_get(j, "answers"),
                 *proposal = json_object_get(j, "proposal");
    struct kept_review *k = &s->kept;
    struct err ignored = {0};
    int64_t round = js_get_int(j, "round", 0);

    memset(k, 0, sizeof *k);
    if (!json_is_object(j) || round != s->rounds_done + 1 || !json_is_array(list) ||
        json_array_size(list) > CHANGES_MAX)
        return;
    for (; k->n < (int)json_array_size(list); k->n++)
        if (!read_answer(json_array_get(list, (size_t)k->n), &k->lines[k->n])) {
            memset(k, 0, sizeof *k);
            return;
        }
    if (json_is_object(proposal) && !json_to_proposal(proposal, &k->proposal, &ignored))
        memset(&k->proposal, 0, sizeof k->proposal);
    js_get_text(j, "server", k->server, sizeof k->server);
    k->round = (int)round;
    k->decided = js_get_bool(j, "decided", false);
}
