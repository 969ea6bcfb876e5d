/* Successive elimination: passes over the arms, there and back, each visit one short run. After every pass the arms are
 * compared; what is clearly behind gets no further visit. The order of a pass is turned each time, so that a drift that is
 * straight in time falls on all arms alike after two passes, and the arm at the turn needs no switch. */
#include "pgd/runner/race.h"

#include <math.h>
#include <string.h>

#include "pgd/runner/stats.h"

enum {
    MIN_VISITS = 2,
    MAX_VISITS = 4,
    RESTART_VISITS = 2, /* of an arm that needs a restart, unless it leads */
    ARM_FAILS = 2,
    ERRORS_MAX = 3
};

/* Short runs deviate more than those of the A/A baseline, whose deviation counts like that of this many runs. */
static const double short_factor = 1.3, prior_df = 3, least_sd = 0.005, unknown_sd = 0.02;
static const double worth_trying = 0.03; /* where it is not certain */
static const double worth = 0.01;        /* a gain below this is not worth an experiment */
static const double in_sight =
    0.03; /* an arm that cannot be better than this needs no further visit */
static const double hopeless = 0.75; /* after one visit */

void race_init(struct race *r, int narms, const struct sdl *plan, double floor, int arm_in_force)
{
    memset(r, 0, sizeof *r);
    r->n = narms < 1 ? 1 : narms > RACE_ARMS_MAX ? RACE_ARMS_MAX : narms;
    r->duration_s = experiment_short_s(plan);
    r->warmup_s = plan->warmup_s > 0 ? plan->warmup_s : 0;
    r->min_visits = MIN_VISITS;
    r->max_visits = MAX_VISITS;
    r->goal = plan->goal;
    r->floor = floor > 0 ? floor : 0;
    r->arm = arm_in_force;
    r->restarted = true; /* what ran before is not known: the first warm-up is a whole one */
}

/* ---- what the visits say ---- */

static int both(const struct race *r, int i, int j)
{
    int a = r->arms[i].n, b = r->arms[j].n;
    return a < b ? a : b;
}

/* The mean difference of the visits that both arms have had. */
static double ahead(const struct race *r, int i, int j)
{
    int k = both(r, i, j);
    return stats_mean(r->arms[i].logs, k) - stats_mean(r->arms[j].logs, k);
}

/* What is left of the arms' visits when each arm's mean and each pass's mean are taken out: a few sweeps do it, the arms
 * having had almost the same passes. */
static double residual(const struct race *r, int *df)
{
    double left[RACE_ARMS_MAX][RACE_VISITS_MAX];
    int cells = 0, arms = 0, passes = 0;
    memset(left, 0, sizeof left);
    for (int i = 0; i < r->n; i++) {
        memcpy(left[i], r->arms[i].logs, sizeof left[i]);
        cells += r->arms[i].n;
        arms += r->arms[i].n > 0;
        passes = r->arms[i].n > passes ? r->arms[i].n : passes;
    }
    for (int sweep = 0; sweep < 8; sweep++) {
        for (int i = 0; i < r->n; i++) {
            double mean = r->arms[i].n > 0 ? stats_mean(left[i], r->arms[i].n) : 0;
            for (int k = 0; k < r->arms[i].n; k++)
                left[i][k] -= mean;
        }
        for (int k = 0; k < passes; k++) {
            double sum = 0;
            int n = 0;
            for (int i = 0; i < r->n; i++)
                if (k < r->arms[i].n) {
                    sum += left[i][k];
                    n++;
                }
            for (int i = 0; i < r->n; i++)
                if (k < r->arms[i].n)
                    left[i][k] -= sum / n;
        }
    }
    double squares = 0;
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->arms[i].n; k++)
            squares += left[i][k] * left[i][k];
    *df = cells - arms - (passes - 1);
    return squares;
}

static double deviation(const struct race *r, double *df)
{
    int own = 0;
    double squares = residual(r, &own);
    double prior = r->floor > 0 ? fmax(least_sd, log1p(r->floor) * short_factor) : unknown_sd;
    own = own > 0 ? own : 0;
    *df = prior_df + own;
    return sqrt((prior_df * prior * prior + (own > 0 ? squares : 0)) / *df);
}

struct judgement {
    double d, se, df;
};

static bool compare(const struct race *r, int i, int j, struct judgement *out)
{
    int k = both(r, i, j);
    if (k < 1)
        return false;
    double sd = deviation(r, &out->df);
    out->d = ahead(r, i, j);
    out->se = sd * sqrt(2.0 / k);
    return true;
}

void race_result(const struct race *r, int arm, struct race_result *out)
{
    struct judgement j;
    *out = (struct race_result){NAN, NAN, NAN, 0, true, false};
    if (arm < 0 || arm >= r->n)
        return;
    out->runs = r->arms[arm].n;
    out->out = r->arms[arm].out;
    if (!compare(r, arm, 0, &j))
        return;
    double half = stats_t975(j.df) * j.se;
    out->ratio = exp(j.d);
    out->lo = exp(j.d - half);
    out->hi = exp(j.d + half);
    out->gained = arm > 0 && !out->out && j.d - stats_t(0.90, j.df) * j.se > 0 &&
                  out->ratio >= 1 + worth;
}

/* Nobody gained beyond doubt: on a restless machine short runs may hide much, and an experiment of full runs is what can
 * tell. It is worth one where the odds are six to one that there is something. */
static int promising(const struct race *r)
{
    int best = 0;
    double most = log1p(worth_trying);
    for (int i = 1; i < r->n; i++) {
        struct judgement j;
        if (r->arms[i].out || r->arms[i].n < r->min_visits || !compare(r, i, 0, &j) || j.d < most ||
            j.d - stats_t(0.85, j.df) * j.se <= 0)
            continue;
        best = i;
        most = j.d;
    }
    return best;
}

int race_winner(const struct race *r)
{
    int best = 0;
    double most = 1;
    for (int i = 1; i < r->n; i++) {
        struct race_result res;
        race_result(r, i, &res);
        if (!res.gained || res.ratio <= most)
            continue;
        best = i;
        most = res.ratio;
    }
    return best > 0 ? best : promising(r);
}

static int leader(const struct race *r)
{
    int best = 0;
    for (int i = 1; i < r->n; i++)
        if (!r->arms[i].out && r->arms[i].n > 0 && ahead(r, i, best) > 0)
            best = i;
    return best;
}

/* After a pass. Arm 0 is what the others are compared with: it stays as long as one of them does. */
static void eliminate(struct race *r)
{
    struct judgement j;
    int first = leader(r);
    if (r->keep_all)
        return;
    for (int i = 1; i < r->n; i++) {
        struct race_arm *a = &r->arms[i];
        if (a->out || a->done || !compare(r, i, 0, &j))
            continue;
        bool early = a->n < r->min_visits;
        double bar = stats_t(0.95, j.df) * j.se;
        if (early) {
            a->out = j.d < fmin(log(hopeless), -2 * bar);
            continue;
        }
        a->out = j.d < -bar;
        a->done = j.d + bar < log1p(in_sight) ||
                  (a->restart && i != first && a->n >= RESTART_VISITS);
        if (i != first && first > 0 && compare(r, i, first, &j))
            a->done = a->done || j.d < -bar;
    }
}

/* ---- what comes next ---- */

static bool contender(const struct race *r, int i)
{
    return !r->arms[i].out && !r->arms[i].done;
}

/* Between two passes: everybody who is still in has been shown to be ahead of arm 0. */
static bool decided(const struct race *r)
{
    for (int i = 1; i < r->n; i++) {
        struct judgement j;
        if (!contender(r, i))
            continue;
        if (r->keep_all || r->visit < r->min_visits || !compare(r, i, 0, &j) ||
            j.d - stats_t975(j.df) * j.se < log1p(worth))
            return false;
    }
    return true;
}

/* Place in the order: arms that need a restart last. */
static int arm_at(const struct race *r, int place)
{
    for (int dear = 0; dear < 2; dear++)
        for (int i = 0; i < r->n; i++)
            if ((i > 0 && r->arms[i].restart) == dear && place-- == 0)
                return i;
    return 0;
}

/* The next arm of this pass, -1 when it is over. */
static int next_arm(const struct race *r)
{
    for (int k = 0; k < r->n; k++) {
        int i = arm_at(r, r->visit % 2 == 0 ? k : r->n - 1 - k);
        if ((i == 0 || contender(r, i)) && r->arms[i].passes <= r->visit)
            return i;
    }
    return -1;
}

static double visit_cost(const struct race *r, int from, int to)
{
    double cost = r->duration_s + experiment_extra_s();
    bool restarts = (from > 0 && r->arms[from].restart) || (to > 0 && r->arms[to].restart);
    if (from != to)
        cost += experiment_switch_s(r->warmup_s, restarts);
    else if (!r->warm)
        cost += experiment_warmup_s(r->warmup_s, r->restarted);
    return cost;
}

/* Of this pass, from here to its end. */
static double pass_cost(const struct race *r)
{
    double cost = 0;
    int from = r->arm;
    for (int k = 0; k < r->n; k++) {
        int i = arm_at(r, r->visit % 2 == 0 ? k : r->n - 1 - k);
        if ((i > 0 && !contender(r, i)) || r->arms[i].passes > r->visit)
            continue;
        cost += visit_cost(r, from, i);
        from = i;
    }
    return cost;
}

/* At the most, of the passes that must follow this one. */
static double passes_cost(const struct race *r)
{
    double cost = 0;
    for (int i = 0; i < r->n; i++)
        cost += r->duration_s + experiment_extra_s() +
                (r->arms[i].restart ? 2 : 1) * experiment_switch_s(r->warmup_s, r->arms[i].restart);
    return cost * (r->min_visits - 1 > r->visit ? r->min_visits - 1 - r->visit : 0);
}

static bool pass_begun(const struct race *r)
{
    for (int i = 0; i < r->n; i++)
        if (r->arms[i].passes > r->visit)
            return true;
    return false;
}

struct experiment_next race_next(const struct race *r, double seconds_left)
{
    struct experiment_next finished = {EXPERIMENT_FINISHED, r->arm, 0};
    int most = r->max_visits < RACE_VISITS_MAX ? r->max_visits : RACE_VISITS_MAX;
    int arm = next_arm(r);
    bool begun = pass_begun(r);
    if (r->visit >= most || r->errors >= ERRORS_MAX || arm < 0 || (!begun && decided(r)))
        return finished;
    double cost = begun ? visit_cost(r, r->arm, arm) : pass_cost(r);
    if (cost > seconds_left)
        return finished;
    if (r->arm != arm)
        return (struct experiment_next){EXPERIMENT_SWITCH, arm, 0};
    int warmup = experiment_warmup_s(r->warmup_s, r->restarted);
    if (!r->warm && warmup > 0) {
        double spare = seconds_left - pass_cost(r) - passes_cost(r);
        warmup = experiment_warmup_most_s(r->warmup_s, r->restarted, spare);
        return (struct experiment_next){EXPERIMENT_WARMUP, arm, warmup};
    }
    return (struct experiment_next){EXPERIMENT_RUN, arm, r->duration_s};
}

void race_switched(struct race *r, int arm, bool restarted)
{
    if (arm < 0 || arm >= r->n)
        return;
    /* whose restart it was: of the arm that is left or of the one that is entered */
    bool known = (r->arm > 0 && r->arms[r->arm].restart) || r->arms[arm].restart;
    if (restarted && !known && r->arm >= 0)
        r->arms[arm > 0 ? arm : r->arm].restart = true;
    r->arm = arm;
    r->restarted = restarted;
    r->warm = false;
    r->switches++;
}

/* A pass is over when nobody is left in it; an arm that just went out may have been the last. */
static void end_pass(struct race *r)
{
    if (next_arm(r) >= 0)
        return;
    r->visit++;
    eliminate(r);
}

void race_failed(struct race *r, int arm)
{
    if (arm <= 0 || arm >= r->n) {
        r->errors = ERRORS_MAX; /* the one to beat cannot be measured */
        return;
    }
    r->arms[arm].out = true;
    end_pass(r);
}

void race_warmed(struct race *r)
{
    r->warm = true;
}

void race_add(struct race *r, const struct bench_run *run)
{
    if (r->arm < 0 || r->arm >= r->n)
        return;
    struct race_arm *a = &r->arms[r->arm];
    double figure = experiment_figure(run, r->goal);
    if (run->valid && figure > 0 && a->n < RACE_VISITS_MAX) {
        if (run->warmup)
            return;
        a->logs[a->n++] = log(figure);
        a->passes = r->visit + 1;
        r->errors = 0;
    } else if (!run->contaminated) { /* one that others spoilt says nothing of the configuration */
        r->errors++;
        a->failed++;
        a->out = a->out || (r->arm > 0 && a->failed >= ARM_FAILS);
    }
    end_pass(r);
}

double race_cost(const struct sdl *plan, int narms, bool restarts)
{
    struct race r;
    race_init(&r, narms, plan, 0, 0);
    r.arms[r.n - 1].restart = restarts && r.n > 1;
    double cost = pass_cost(&r);
    r.visit = 1;
    r.warm = true;
    r.arm = arm_at(&r, r.n - 1);
    return cost + pass_cost(&r);
}
