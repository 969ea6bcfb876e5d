/* A sequential screening by random subsets. The classical way, one change out at a time against the whole, needs for ten
 * changes at a deviation of 3 % some 38 runs each to show that nothing is lost beyond 2 %; here every run tells of all of
 * them at once, and what one change hides of another (a gain and a loss in one group) is told apart. */
#include "pgd/runner/ablation.h"

#include <math.h>
#include <string.h>

#include "pgd/runner/stats.h"

enum {
    CANDIDATES = 96, /* sets that are looked at before the most telling one is run */
    ROW_MAX = 3,     /* runs of one set on end: what the machine does meanwhile they all share */
    CHECK_RUNS = 3,  /* of what stays, and of everything */
    ERRORS_MAX = 3
};

/* Short runs deviate more than those of the A/A baseline, whose deviation counts like that of this many runs. */
static const double short_factor = 1.3, prior_df = 3, least_sd = 0.005, unknown_sd = 0.02;
static const double effect_sd = 0.15; /* what a change does, more or less */
/* What a change must earn to stay: the deviation of a run, within bounds. */
static const double least_margin = 0.02, most_margin = 0.05;
/* Confidence, one-sided, with a look after every run: that a change does harm, that it earns, that it earns too little. */
static const double sure_harm = 0.98, sure_earn = 0.995, sure_idle = 0.85;
/* And in the check, that what went is missed: to keep a change that earns nothing costs less than to lose one that does. */
static const double sure_missed = 0.80;

static double margin(const struct regress *g)
{
    return fmin(most_margin, fmax(least_margin, g->sd));
}

static uint32_t bit(int i)
{
    return (uint32_t)1 << i;
}

static int count(uint32_t set)
{
    return __builtin_popcount(set);
}

void ablation_init(struct ablation *a, int n, const double *expected, const struct sdl *plan,
                   double floor, uint32_t in_force)
{
    memset(a, 0, sizeof *a);
    a->n = n < 0 ? 0 : n > CHANGES_MAX ? CHANGES_MAX : n;
    a->full = a->n >= 32 ? UINT32_MAX : bit(a->n) - 1;
    a->kept = a->full;
    a->in_force = in_force & a->full;
    a->known = true;
    a->duration_s = experiment_short_s(plan);
    a->warmup_s = plan->warmup_s > 0 ? plan->warmup_s : 0;
    a->floor = floor > 0 ? floor : 0;
    a->goal = plan->goal;
    a->restarted = true; /* what ran before is not known: the first warm-up is a whole one */
    for (int i = 0; i < a->n; i++) {
        a->expected[i] = expected ? expected[i] : NAN;
        a->shares[i] = (struct ablation_share){false, true, NAN, NAN, NAN};
    }
}

/* ---- what the runs say ---- */

static double prior_sd(const struct ablation *a)
{
    return a->floor > 0 ? fmax(least_sd, log1p(a->floor) * short_factor) : unknown_sd;
}

static void fit(const struct ablation *a, struct regress *g)
{
    regress_fit(g, a->runs, a->n_runs, a->n, prior_sd(a), prior_df, effect_sd);
}

static int least_runs(const struct ablation *a)
{
    return a->n + 4;
}

static uint32_t idle(const struct ablation *a)
{
    return a->full & ~a->kept & ~a->harmful;
}

static uint32_t open_changes(const struct ablation *a)
{
    return a->kept & ~a->earning;
}

/* Beyond doubt of its sum: five changes that earn a little less than the margin each are missed together. */
static bool too_much(const struct regress *g, uint32_t set)
{
    double se, sum = regress_sum(g, set, &se);
    return sum - se > margin(g);
}

static void decide(struct ablation *a, const struct regress *g)
{
    double harm = stats_t(sure_harm, g->df), earn = stats_t(sure_earn, g->df);
    double little = stats_t(sure_idle, g->df);
    for (int i = 0; i < a->n; i++) {
        double se, effect = regress_effect(g, i, &se);
        if (!(a->kept & bit(i)))
            continue;
        a->earning &= ~bit(i); /* shown anew each time: what more is known of may open it again */
        if (effect + harm * se < 0) {
            a->harmful |= bit(i);
            a->kept &= ~bit(i);
        } else if (effect - earn * se > margin(g) / 2) {
            a->earning |= bit(i);
        } else if (effect + little * se < margin(g) && !too_much(g, idle(a) | bit(i))) {
            a->kept &= ~bit(i);
        }
    }
}

static void tell_shares(struct ablation *a, const struct regress *g)
{
    for (int i = 0; i < a->n; i++) {
        double se, effect = regress_effect(g, i, &se);
        double half = stats_t975(g->df) * se;
        a->shares[i] = (struct ablation_share){a->n_runs >= least_runs(a), (a->kept & bit(i)) != 0,
                                               exp(effect), exp(effect - half), exp(effect + half)};
    }
}

/* ---- the check at the end ---- */

static uint32_t check_set(const struct ablation *a, int i)
{
    return (i + 1) / 2 % 2 == 0 ? a->kept : a->kept | idle(a);
}

/* Whether what went is missed, by the runs of the check alone. Their deviation is their own, pooled with what was known before:
 * that of the fit holds all that a sum of effects cannot say (either of two would do), and would hide a loss. */
static bool missed(const struct ablation *a)
{
    double mean[2] = {0, 0}, squares = 0;
    int n[2] = {0, 0};
    for (int i = a->check_from; i < a->n_runs; i++) {
        int everything = a->runs[i].set != a->kept;
        double off = a->runs[i].log - mean[everything];
        mean[everything] += off / ++n[everything];
        squares += off * (a->runs[i].log - mean[everything]);
    }
    double df = prior_df + n[0] + n[1] - 2;
    double sd = sqrt((prior_df * prior_sd(a) * prior_sd(a) + squares) / df);
    double bound = fmin(most_margin, fmax(least_margin, sd)) +
                   stats_t(sure_missed, df) * sd * sqrt(1.0 / n[0] + 1.0 / n[1]);
    return mean[1] - mean[0] > bound;
}

/* What went each time for too little may be missed in sum, or because either of two would have done: then it comes back, the
 * most telling first, or all of it. */
static void judge_check(struct ablation *a)
{
    struct regress g;
    fit(a, &g);
    a->checked = true;
    if (missed(a))
        a->kept |= idle(a);
    while (idle(a) && too_much(&g, idle(a))) {
        int most = -1;
        for (int i = 0; i < a->n; i++)
            if ((idle(a) & bit(i)) &&
                (most < 0 || regress_effect(&g, i, NULL) > regress_effect(&g, most, NULL)))
                most = i;
        a->kept |= bit(most);
    }
    tell_shares(a, &g);
}

/* ---- what comes next ---- */

static bool refused(const struct ablation *a, uint32_t set)
{
    for (int i = 0; i < a->nfailed; i++)
        if (a->failed[i] == set)
            return true;
    return false;
}

static double run_cost(const struct ablation *a, uint32_t set)
{
    double cost = a->duration_s + experiment_extra_s();
    if (!a->known || set != a->in_force)
        cost += experiment_switch_s(a->warmup_s, ((set ^ a->in_force) & a->restarts) != 0);
    else if (!a->warm)
        cost += experiment_warmup_s(a->warmup_s, a->restarted);
    return cost;
}

/* Of the whole check, from the set in force: a switch for two runs, there and back. */
static double check_cost(const struct ablation *a)
{
    bool restarts = (a->restarts & ~a->earning) != 0;
    return 2 * CHECK_RUNS * (a->duration_s + experiment_extra_s()) +
           (CHECK_RUNS + 1) * experiment_switch_s(a->warmup_s, restarts);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* A set that leaves some of the open changes out: of those of which little is expected every second one, of others every
 * third, and never more than half of them, so that each is judged in the company in which it is to serve. */
static uint32_t candidate(const struct ablation *a, uint64_t *state)
{
    uint32_t open = open_changes(a), set = a->kept;
    int most = (count(open) + 1) / 2;
    for (int i = 0; i < a->n; i++) {
        bool hoped = a->expected[i] >= 2;
        if (!(open & bit(i)))
            continue;
        if (next_random(state) % 6 < (hoped ? 2u : 3u) && count(a->kept & ~set) < most)
            set &= ~bit(i);
    }
    return set;
}

static int in_a_row(const struct ablation *a)
{
    int n = 0;
    while (n < a->n_runs && a->runs[a->n_runs - 1 - n].set == a->in_force)
        n++;
    return n;
}

/* The set that tells most for its seconds. */
static uint32_t most_telling(const struct ablation *a)
{
    struct regress g;
    uint64_t state = 7919u * (uint64_t)(a->n_runs + 1);
    uint32_t best = a->kept;
    double most = -1;
    bool enough = in_a_row(a) >= ROW_MAX;
    fit(a, &g);
    for (int i = 0; i < CANDIDATES; i++) {
        uint32_t set = i == 0 ? a->kept : candidate(a, &state);
        if (refused(a, set) || (enough && set == a->in_force))
            continue;
        double worth = log1p(regress_novelty(&g, set)) / run_cost(a, set);
        if (worth <= most)
            continue;
        most = worth;
        best = set;
    }
    return best;
}

static bool searching(const struct ablation *a)
{
    return a->check_from == 0 && open_changes(a) != 0 &&
           a->n_runs < ABLATION_TRIALS_MAX - 2 * CHECK_RUNS;
}

/* The set of the next run; false when there is none. */
static bool next_set(struct ablation *a, double seconds_left, uint32_t *set)
{
    if (searching(a)) {
        if (a->wished_at != a->n_runs + 1) {
            a->wish = a->n_runs == 0 ? a->in_force : most_telling(a);
            a->wished_at = a->n_runs + 1;
        }
        *set = a->wish;
        if (run_cost(a, *set) + check_cost(a) <= seconds_left)
            return true;
    }
    if (idle(a) == 0)
        return false;
    if (a->check_from == 0 && check_cost(a) > seconds_left)
        return false;
    if (a->check_from == 0)
        a->check_from = a->n_runs;
    *set = check_set(a, a->n_runs - a->check_from);
    return !refused(a, *set) && run_cost(a, *set) <= seconds_left;
}

struct ablation_next ablation_next(struct ablation *a, double seconds_left)
{
    uint32_t set = 0;
    bool over = a->n < 2 || a->checked || a->errors >= ERRORS_MAX ||
                a->nfailed >= ABLATION_FAILED_MAX;
    if (over || !next_set(a, seconds_left, &set))
        return (struct ablation_next){EXPERIMENT_FINISHED, ablation_kept(a), 0};
    if (!a->known || a->in_force != set)
        return (struct ablation_next){EXPERIMENT_SWITCH, set, 0};
    int warmup = experiment_warmup_s(a->warmup_s, a->restarted);
    if (!a->warm && warmup > 0) {
        double spare = seconds_left - run_cost(a, set) - (a->check_from ? 0 : check_cost(a));
        warmup = experiment_warmup_most_s(a->warmup_s, a->restarted, spare);
        return (struct ablation_next){EXPERIMENT_WARMUP, set, warmup};
    }
    return (struct ablation_next){EXPERIMENT_RUN, set, a->duration_s};
}

void ablation_switched(struct ablation *a, uint32_t set, bool restarted)
{
    uint32_t changed = set ^ a->in_force;
    if (restarted && a->known && !(changed & a->restarts) && count(changed) == 1)
        a->restarts |= changed; /* nobody had told */
    a->in_force = set & a->full;
    a->known = true;
    a->restarted = restarted;
    a->warm = false;
    a->switches++;
}

void ablation_failed(struct ablation *a, uint32_t set)
{
    a->wished_at = 0;
    if (a->nfailed < ABLATION_FAILED_MAX)
        a->failed[a->nfailed++] = set;
}

void ablation_warmed(struct ablation *a)
{
    a->warm = true;
}

void ablation_add(struct ablation *a, const struct bench_run *run)
{
    struct regress g;
    double figure = experiment_figure(run, a->goal);
    if (!run->valid || !(figure > 0) || a->n_runs >= ABLATION_TRIALS_MAX) {
        a->errors += !run->contaminated; /* one that others spoilt says nothing of the set */
        return;
    }
    if (run->warmup)
        return;
    a->errors = 0;
    a->runs[a->n_runs++] = (struct regress_run){a->in_force, log(figure)};
    if (a->check_from > 0) {
        if (a->n_runs >= a->check_from + 2 * CHECK_RUNS)
            judge_check(a);
        return;
    }
    if (a->n_runs < least_runs(a))
        return;
    fit(a, &g);
    decide(a, &g);
    tell_shares(a, &g);
}

uint32_t ablation_kept(const struct ablation *a)
{
    return refused(a, a->kept) ? a->full : a->kept;
}

double ablation_cost(const struct sdl *plan, int n, bool restarts)
{
    struct ablation a;
    ablation_init(&a, n, NULL, plan, 0, 0);
    a.restarts = restarts ? bit(0) : 0;
    return 2.0 * least_runs(&a) * run_cost(&a, a.full & ~bit(1)) + check_cost(&a);
}
