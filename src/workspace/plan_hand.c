/* plan_hand.c - see plan_hand.h. */
#include "pgd/workspace/plan_hand.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"

const char *plan_row_label(int field)
{
    static const char *const labels[PLAN_FIELDS + 1] = {
        [PLAN_WORKLOAD] = "workload", [PLAN_CLIENTS] = "clients", [PLAN_DURATION] = "one run",
        [PLAN_ROUNDS] = "rounds",     [PLAN_BUDGET] = "budget",   [PLAN_TARGET] = "target",
        [PLAN_GOAL] = "goal",         [PLAN_RATE] = "rate",       [PLAN_RESTART] = "restarts",
        [PLAN_PROTOCOL] = "protocol", [PLAN_WINDOW] = "window",   [PLAN_TRAFFIC] = "others",
        [PLAN_COMPARE] = "compare",   [PLAN_FIELDS] = "scripts",
    };

    return field >= 0 && field <= PLAN_FIELDS ? labels[field] : "";
}

static bool same_scripts(const struct sdl *a, const struct sdl *b)
{
    bool same = a->nscripts == b->nscripts;

    for (int i = 0; same && i < a->nscripts; i++)
        same = strcmp(a->scripts[i].name, b->scripts[i].name) == 0;
    return same;
}

static bool same_weights(const struct sdl *a, const struct sdl *b)
{
    bool same = true;

    for (int i = 0; same && i < a->nscripts; i++)
        same = a->scripts[i].weight == b->scripts[i].weight &&
               strcmp(a->scripts[i].path, b->scripts[i].path) == 0;
    return same;
}

static bool same_window(const struct daytime_window *a, const struct daytime_window *b)
{
    char one[DAYTIME_TEXT_MAX], two[DAYTIME_TEXT_MAX];

    daytime_text(a, one, sizeof one);
    daytime_text(b, two, sizeof two);
    return strcmp(one, two) == 0;
}

static bool same_number(double a, double b)
{
    return !(a < b) && !(a > b);
}

unsigned plan_hand_edited(const struct sdl *a, const struct sdl *b)
{
    bool workload = strcmp(a->workload, b->workload) != 0 || !same_scripts(a, b);
    const bool differs[PLAN_FIELDS + 1] = {
        [PLAN_WORKLOAD] = workload,
        [PLAN_CLIENTS] = a->clients != b->clients,
        [PLAN_DURATION] = a->duration_s != b->duration_s,
        [PLAN_ROUNDS] = a->rounds != b->rounds,
        [PLAN_BUDGET] = a->budget_s != b->budget_s,
        [PLAN_TARGET] = !same_number(a->target_tps, b->target_tps),
        [PLAN_GOAL] = a->goal != b->goal,
        [PLAN_RATE] = !same_number(a->rate, b->rate),
        [PLAN_RESTART] = a->restart != b->restart,
        [PLAN_PROTOCOL] = strcmp(a->protocol, b->protocol) != 0,
        [PLAN_WINDOW] = !same_window(&a->window, &b->window),
        [PLAN_TRAFFIC] = a->traffic != b->traffic,
        [PLAN_COMPARE] = a->arm_defaults != b->arm_defaults,
        [PLAN_FIELDS] = !workload && !same_weights(a, b),
    };
    unsigned rows = 0;

    if (!a->strategy[0]) /* nothing was offered */
        return 0;
    for (int i = 0; i <= PLAN_FIELDS; i++)
        rows |= differs[i] ? 1U << i : 0;
    return rows;
}

void plan_hand_words(unsigned rows, char *dst, size_t size)
{
    size_t len = 0;

    dst[0] = '\0';
    for (int i = 0; i <= PLAN_FIELDS; i++)
        if (rows & 1U << i) {
            snprintf(dst + len, size - len, "%s%s", len ? ", " : "", plan_row_label(i));
            len = strlen(dst);
        }
}

static void copy_workload(const struct sdl *from, struct sdl *to)
{
    text_copy_raw(to->workload, sizeof to->workload, from->workload);
    text_copy_raw(to->database, sizeof to->database, from->database);
    to->builtin_db = from->builtin_db;
    to->nscripts = from->nscripts;
    memcpy(to->scripts, from->scripts, sizeof to->scripts);
}

void plan_hand_copy(unsigned rows, const struct sdl *from, struct sdl *to)
{
    if (rows & 1U << PLAN_WORKLOAD)
        copy_workload(from, to);
    else if (rows & 1U << PLAN_FIELDS && same_scripts(from, to))
        memcpy(to->scripts, from->scripts, sizeof to->scripts);
    if (rows & 1U << PLAN_CLIENTS) {
        to->clients = from->clients;
        to->threads = from->threads;
    }
    if (rows & 1U << PLAN_DURATION)
        to->duration_s = from->duration_s;
    if (rows & 1U << PLAN_ROUNDS)
        to->rounds = from->rounds;
    if (rows & 1U << PLAN_BUDGET)
        to->budget_s = from->budget_s;
    if (rows & 1U << PLAN_TARGET)
        to->target_tps = from->target_tps;
    if (rows & 1U << PLAN_GOAL)
        to->goal = from->goal;
    if (rows & 1U << PLAN_RATE)
        to->rate = from->rate;
    if (rows & 1U << PLAN_RESTART)
        to->restart = from->restart;
    if (rows & 1U << PLAN_PROTOCOL)
        text_copy_raw(to->protocol, sizeof to->protocol, from->protocol);
    if (rows & 1U << PLAN_WINDOW)
        to->window = from->window;
    if (rows & 1U << PLAN_TRAFFIC)
        to->traffic = from->traffic;
    if (rows & 1U << PLAN_COMPARE) {
        to->arm_defaults = from->arm_defaults;
        to->arm_pgtune = from->arm_pgtune;
    }
}
