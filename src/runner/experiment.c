/* The plan of an experiment. The arms alternate there and back (A B B A A B …), so that a drift
 * of the machine falls on both alike and the configuration is switched only once for two runs.
 * The planner keeps nothing but the runs: what comes next follows from them, so a resumed
 * experiment goes on where it was. */
#include "pgd/runner/experiment.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/runner/bills.h"
#include "pgd/runner/stats.h"

enum {
    CLAIM_RUNS = 3,   /* per arm: nothing is claimed with fewer */
    AA_RUNS = 4,      /* the least that tells the noise */
    CONFIRM_RUNS = 4, /* per arm, when there is time */
    ERRORS_MAX = 3,   /* failed runs in a row */
    RELOAD_WARMUP_S = 2,
    RELOAD_S = 2,  /* a switch by reload with its verification */
    RESTART_S = 8, /* a switch by restart */
    SHORT_MIN_S = 3,
    COLD_MAX = 3, /* runs of a baseline that are left out as cold */
    ENOUGH = 100, /* transactions: a run with fewer says little of its percentiles or its rate */
    LONGEST = 6,  /* times its planned length: so far a run grows for that */
    LONGEST_S = 600,
    END_S = 10,     /* the way to the last state, once all is measured */
    RUN_EXTRA_S = 2 /* CHECKPOINT, connecting, reading the log */
};

static const double claim_min = 0.02; /* no claim of less than 2 % */

/* A run of the baseline was cold when, beside a later one, it was slower by more than this share and so much more of its pages
 * came from elsewhere, or so much more of its time was waiting for a disk. */
static const double cold_slower = 0.05, cold_misses = 0.02, cold_iowait = 0.05;

static int at_least(int n, int least)
{
    return n > least ? n : least;
}

static int at_most(int n, int most)
{
    return n < most ? n : most;
}

int experiment_least_runs(enum experiment_kind kind, const struct sdl *plan)
{
    int least = kind == EXPERIMENT_AA        ? AA_RUNS
                : kind == EXPERIMENT_CONFIRM ? CONFIRM_RUNS
                                             : CLAIM_RUNS;
    return at_most(at_least(plan->min_runs, least), EXPERIMENT_RUNS_MAX / 2);
}

/* Of a machine that nobody has measured: a machine with more noise is no place for small claims. */
static const double unknown_floor = 0.05;

void experiment_init(struct experiment *x, enum experiment_kind kind, const struct sdl *plan,
                     double floor, int arm_in_force)
{
    memset(x, 0, sizeof *x);
    x->kind = kind;
    x->min_runs = experiment_least_runs(kind, plan);
    x->max_runs = at_most(at_least(plan->max_runs, x->min_runs), EXPERIMENT_RUNS_MAX / 2);
    x->duration_s = at_least(plan->duration_s, 1);
    x->warmup_s = at_least(plan->warmup_s, 0);
    x->goal = plan->goal;
    x->rate = plan->rate > 0 ? plan->rate : 0;
    x->base_s = plan->asked_s > 0 ? at_most(plan->asked_s, x->duration_s) : x->duration_s;
    x->longest_s = at_least(at_most(LONGEST * x->base_s, LONGEST_S), x->duration_s);
    x->floor = kind == EXPERIMENT_AA ? 0 : isnan(floor) ? unknown_floor : fmax(floor, 0);
    x->arm = arm_in_force;
    x->restarted = true; /* what ran before is not known: the first warm-up is a whole one */
    x->first = kind != EXPERIMENT_AA && arm_in_force == ARM_B ? ARM_B : ARM_A;
}

/* ---- the runs so far ---- */

static int valid_runs(const struct experiment *x, int arm)
{
    int n = 0;
    for (int i = 0; i < x->n; i++)
        n += x->runs[i].valid && x->runs[i].arm == arm;
    return n;
}

/* One figure of each valid run of an arm. */
typedef double (*figure_fn)(const struct bench_run *r);

static double tps_of(const struct bench_run *r)
{
    return r->tps;
}

static double p95_of(const struct bench_run *r)
{
    return r->p95_ms;
}

static double p99_of(const struct bench_run *r)
{
    return r->p99_ms;
}

static int collect(const struct experiment *x, int arm, figure_fn figure, double *out)
{
    int n = 0;
    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && x->runs[i].arm == arm && isfinite(figure(&x->runs[i])))
            out[n++] = figure(&x->runs[i]);
    return n;
}

static int collect_logs(const struct experiment *x, int arm, double *out)
{
    int n = collect(x, arm, tps_of, out);
    for (int i = 0; i < n; i++)
        out[i] = log(out[i]);
    return n;
}

/* Logarithms of the figure that counts. */
static int collect_goal(const struct experiment *x, int arm, double *out)
{
    int n = 0;
    for (int i = 0; i < x->n; i++) {
        double figure = experiment_figure(&x->runs[i], x->goal);
        if (x->runs[i].valid && x->runs[i].arm == arm && isfinite(figure))
            out[n++] = log(figure);
    }
    return n;
}

/* What was asked for and not done, of all transactions: failed ones, and those skipped as too late. */
static double failed_share(const struct experiment *x, int arm)
{
    double failed = 0;
    double all = 0;
    for (int i = 0; i < x->n; i++) {
        if (!x->runs[i].valid || x->runs[i].arm != arm)
            continue;
        double missed = x->runs[i].failed + x->runs[i].skipped;
        failed += missed;
        all += missed + x->runs[i].transactions;
    }
    return all > 0 ? failed / all : 0;
}

/* The noise of the machine: how far runs of the same configuration lie apart, be it by chance
 * or, as the alternation shows it, by what alternates with them (checkpoints, a neighbour). */
static double noise(const struct experiment *x)
{
    double logs[EXPERIMENT_RUNS_MAX];
    int n = collect_goal(x, ARM_A, logs);
    if (n < 2)
        return NAN; /* one figure says nothing of how far they lie apart */
    double sums[2] = {0, 0};
    for (int i = 0; i < n; i++)
        sums[i % 2] += logs[i];
    double apart = fabs(sums[0] / ((n + 1) / 2) - sums[1] / (n / 2));
    return exp(fmax(stats_sd(logs, n), apart)) - 1;
}

/* ---- the verdict ---- */

static int block_runs(const struct experiment *x)
{
    return at_most(x->min_runs + 1, x->max_runs);
}

static bool too_few(const struct bench_run *r)
{
    return r->transactions > 0 && r->transactions < ENOUGH;
}

static void note(struct verdict *v, const char *text)
{
    size_t have = strlen(v->note);
    snprintf(v->note + have, sizeof v->note - have, "%s%s", have > 0 ? "; " : "", text);
}

/* The level of each look: in blocks the first one is after a whole block. */
static double level(const struct experiment *x)
{
    int first = x->blocks ? block_runs(x) : x->min_runs;
    return looks_level(at_least(first, CLAIM_RUNS), x->max_runs);
}

static void interval(const struct experiment *x, struct looks_interval *i)
{
    double a[EXPERIMENT_RUNS_MAX], b[EXPERIMENT_RUNS_MAX];
    int na = collect_goal(x, ARM_A, a), nb = collect_goal(x, ARM_B, b);
    looks_interval(a, na, b, nb, level(x), &x->prior, i);
}

/* A restart, its other layout in memory, an unlucky hour: with four figures the floor of the baseline may be half of the
 * truth or twice, so what the runs themselves deviate counts as soon as it is known beside the prior. */
static double noise_now(const struct experiment *x, const struct looks_interval *i)
{
    return x->prior.df > 0 && i->df > 0 ? expm1(i->sd) : x->floor;
}

static double smallest_claim(const struct experiment *x, const struct looks_interval *i)
{
    return fmax(claim_min, noise_now(x, i));
}

static enum verdict_kind judge(const struct verdict *v, double smallest)
{
    double need = 1 + smallest;
    if (v->runs_a < CLAIM_RUNS || v->runs_b < CLAIM_RUNS)
        return VERDICT_INCONCLUSIVE;
    if (v->ci_lo > 1 && v->ratio >= need)
        return VERDICT_IMPROVED;
    if (v->ci_hi < 1 && v->ratio <= 1 / need)
        return VERDICT_REGRESSED;
    return VERDICT_INCONCLUSIVE;
}

static void PGD_PRINTF(2, 3) note_fmt(struct verdict *v, const char *fmt, ...)
{
    char text[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    note(v, text);
}

/* Where an arm has one run only, all that can be said is how steady that run was in itself. */
static void note_single(const struct experiment *x, struct verdict *v, int arm, const char *name)
{
    for (int i = 0; i < x->n; i++) {
        const struct bench_run *r = &x->runs[i];
        double mean, lo, hi;
        if (!r->valid || r->arm != arm)
            continue;
        stats_within_run(r->series, r->nseries, 1, &mean, &lo, &hi);
        if (isfinite(hi) && mean > 0)
            note_fmt(v, "the one run of %s: %.0f TPS, %.0f to %.0f within that run alone", name,
                     r->tps, lo, hi);
    }
}

static void note_limits(const struct experiment *x, struct verdict *v)
{
    if (v->runs_a == 1 && v->runs_b >= 1)
        note_single(x, v, ARM_A, "the base");
    if (v->runs_b == 1)
        note_single(x, v, ARM_B, "the candidate");
    if (x->stopped_early)
        note(v, "screened out: clearly slower in its first runs");
    if (x->blocks && v->runs_a > 0 && v->runs_b > 0)
        note(v, x->kind == EXPERIMENT_CONFIRM && x->first == ARM_B
                    ? "measured there and back in blocks, since a person makes each switch"
                    : "measured in two blocks, since a person makes each switch: a drift of the "
                      "machine meanwhile would count as an effect");
    if (v->runs_a < CLAIM_RUNS || v->runs_b < CLAIM_RUNS) {
        if (x->errors >= ERRORS_MAX)
            note(v, "runs failed");
        note(v, "fewer than 3 valid runs an arm");
    } else if (v->kind == VERDICT_INCONCLUSIVE && (v->ci_lo > 1 || v->ci_hi < 1)) {
        note(v, v->ratio < 1 + claim_min && 1 / v->ratio < 1 + claim_min
                    ? "the difference is below 2 %"
                    : "the difference is within this machine's noise");
    }
}

static void note_bills(const struct experiment *x, struct verdict *v)
{
    char text[sizeof v->note];
    bills_text(x, text, sizeof text);
    if (text[0])
        note(v, text);
}

/* A configuration that gives up on transactions, or cannot keep up with the rate that it is offered, has not won. */
static void charge_failures(const struct experiment *x, struct verdict *v)
{
    double a = failed_share(x, ARM_A);
    double b = failed_share(x, ARM_B);
    bool fails = b > 0.01 && b > a;
    bool behind = x->rate > 0 && v->tps_b < 0.97 * x->rate && v->tps_b < 0.97 * v->tps_a;
    if ((fails || behind) && v->kind == VERDICT_IMPROVED)
        v->kind = VERDICT_INCONCLUSIVE;
    if (fails)
        note_fmt(v, "%.1f %% failed transactions", b * 100);
    if (behind)
        note_fmt(v, "falls behind the given rate: %.0f TPS of %.0f", v->tps_b, x->rate);
}

/* How much longer a latency has become, as a ratio - 1: 0 unless it is a tenth or more and more than chance. */
static double longer(const struct experiment *x, figure_fn latency)
{
    double a[EXPERIMENT_RUNS_MAX], b[EXPERIMENT_RUNS_MAX], ratio, lo, hi;
    int na = collect(x, ARM_A, latency, a), nb = collect(x, ARM_B, latency, b);
    stats_ratio(a, na, b, nb, &ratio, &lo, &hi);
    bool clear = ratio > 1 ? ratio > 1.1 && lo > 1 : ratio < 1 / 1.1 && hi < 1;
    return clear ? ratio - 1 : 0;
}

static void note_latency(const struct experiment *x, struct verdict *v, figure_fn latency,
                         const char *name)
{
    double more = longer(x, latency);
    if (v->ratio > 1 && more > 0)
        note_fmt(v, "%s latency %.0f %% worse", name, more * 100);
    else if (v->ratio < 1 && more < 0)
        note_fmt(v, "%s latency %.0f %% better", name, -more * 100);
}

/* A gain in one that costs the other is said, whatever the verdict; which of them counts, the goal has decided. */
static void note_trade(const struct experiment *x, struct verdict *v)
{
    if (x->goal == GOAL_TPS) {
        note_latency(x, v, p95_of, "p95");
        note_latency(x, v, p99_of, "p99");
        return;
    }
    double tps = v->tps_b / v->tps_a;
    if (v->ratio > 1 && tps < 1 / 1.1)
        note_fmt(v, "TPS %.0f %% lower", (1 - tps) * 100);
    else if (v->ratio < 1 && tps > 1.1)
        note_fmt(v, "TPS %.0f %% higher", (tps - 1) * 100);
}

static void note_few(const struct experiment *x, struct verdict *v)
{
    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && too_few(&x->runs[i])) {
            note(v, "runs held fewer than 100 transactions");
            return;
        }
}

static void summarize(const struct experiment *x, struct verdict *v)
{
    double a[EXPERIMENT_RUNS_MAX], b[EXPERIMENT_RUNS_MAX];
    memset(v, 0, sizeof *v);
    v->ratio = v->ci_lo = v->ci_hi = v->detectable = NAN;
    v->floor = x->kind == EXPERIMENT_AA ? noise(x) : x->floor;
    v->p95_a = stats_median(a, collect(x, ARM_A, p95_of, a));
    v->p95_b = stats_median(b, collect(x, ARM_B, p95_of, b));
    v->runs_a = collect_logs(x, ARM_A, a);
    v->runs_b = collect_logs(x, ARM_B, b);
    v->tps_a = exp(stats_mean(a, v->runs_a));
    v->tps_b = exp(stats_mean(b, v->runs_b));
    v->sd_a = stats_sd(a, v->runs_a);
    v->sd_b = stats_sd(b, v->runs_b);
}

void experiment_verdict(const struct experiment *x, struct verdict *v)
{
    double logs[EXPERIMENT_RUNS_MAX];
    struct looks_interval i;
    summarize(x, v);
    if (x->kind == EXPERIMENT_AA) {
        note_few(x, v);
        return;
    }
    v->runs_a = collect_goal(x, ARM_A, logs);
    v->runs_b = collect_goal(x, ARM_B, logs);
    interval(x, &i);
    v->ratio = exp(i.d);
    v->ci_lo = exp(i.d - i.half);
    v->ci_hi = exp(i.d + i.half);
    double smallest = smallest_claim(x, &i);
    v->floor = noise_now(x, &i);
    v->detectable = fmax(expm1(i.detectable), isfinite(i.detectable) ? smallest : NAN);
    v->kind = judge(v, smallest);
    note_limits(x, v);
    note_few(x, v);
    note_bills(x, v);
    charge_failures(x, v);
    note_trade(x, v);
}

struct looks_prior experiment_noise(const struct experiment *x)
{
    struct looks_prior out = {0, 0};
    double squares = 0;
    for (int arm = ARM_A; arm <= ARM_B; arm++) {
        double logs[EXPERIMENT_RUNS_MAX];
        int n = collect_goal(x, arm, logs);
        squares += n > 1 ? stats_squares(logs, n) : 0;
        out.df += n > 1 ? n - 1 : 0;
    }
    double known = x->prior.df > 0 ? x->prior.df : 0;
    squares += known * x->prior.sd * x->prior.sd;
    out.df += known;
    out.sd = out.df > 0 ? sqrt(squares / out.df) : 0;
    return out;
}

/* ---- what comes next ---- */

/* In blocks: the first arm, the other one, and in a confirmation the first arm again for the half that it still lacks, so
 * that a drift of the machine falls on both. What comes beyond is the arm in force at the end. */
static bool other_block(const struct experiment *x, int i)
{
    int block = block_runs(x);
    bool back = x->kind == EXPERIMENT_CONFIRM && x->first == ARM_B;
    int head = back ? (block + 1) / 2 : block;
    return i >= head && (!back || i < head + block);
}

/* The arm of the i-th valid run: first, other, other, first, first, … */
static int arm_at(const struct experiment *x, int i)
{
    bool other = x->blocks ? other_block(x, i) : (i + 1) / 2 % 2 == 1;
    return other ? ARM_A + ARM_B - x->first : x->first;
}

/* Nothing that further runs could still change matters: the claim stands, or no gain that could be claimed is in sight. */
static bool decided(const struct experiment *x)
{
    struct verdict v;
    struct looks_interval i;
    experiment_verdict(x, &v);
    interval(x, &i);
    double best = i.d + looks_in_sight(&i, v.runs_a, v.runs_b);
    return v.kind != VERDICT_INCONCLUSIVE || best < log1p(smallest_claim(x, &i));
}

static bool enough(const struct experiment *x)
{
    int a = valid_runs(x, ARM_A);
    int b = valid_runs(x, ARM_B);
    if (x->n >= EXPERIMENT_RUNS_MAX || x->errors >= ERRORS_MAX || x->stopped_early)
        return true;
    if (x->kind == EXPERIMENT_AA)
        return a >= x->min_runs;
    if (x->blocks) {
        int whole = block_runs(x);
        return a >= whole && b >= whole && (a >= x->max_runs || b >= x->max_runs || decided(x));
    }
    int fewer = a < b ? a : b;
    if (fewer < x->min_runs || a != b) /* a pair that was begun is finished */
        return false;
    return fewer >= x->max_runs || decided(x);
}

double experiment_figure(const struct bench_run *r, enum goal_kind goal)
{
    double ms = goal == GOAL_P95 ? r->p95_ms : goal == GOAL_P99 ? r->p99_ms : r->lat_avg_ms;
    double figure = goal == GOAL_TPS ? r->tps : 1 / ms;
    return figure > 0 && isfinite(figure) ? figure : (double)NAN;
}

int experiment_warmup_s(int warmup_s, bool restarted)
{
    return restarted ? warmup_s : at_most(warmup_s, RELOAD_WARMUP_S);
}

int experiment_warmup_most_s(int warmup_s, bool restarted, double spare_s)
{
    int expected = experiment_warmup_s(warmup_s, restarted);
    double more = restarted ? fmin(expected, fmax(0, spare_s)) : 0;
    return expected + (int)more;
}

int experiment_switch_s(int warmup_s, bool restarts)
{
    return (restarts ? RESTART_S : RELOAD_S) + experiment_warmup_s(warmup_s, restarts);
}

int experiment_extra_s(void)
{
    return RUN_EXTRA_S;
}

/* A third of a run: it shows what is far apart. */
int experiment_short_s(const struct sdl *plan)
{
    return at_least(plan->duration_s / 3, SHORT_MIN_S);
}

/* Of an arm's next run: as long as it needs for enough transactions, by what its runs have shown, and no longer; a slow start
 * must not make the runs of a quick candidate long. */
static int run_seconds(const struct experiment *x, int arm)
{
    double tps = 0;
    for (int i = 0; i < x->n; i++)
        if (x->runs[i].arm == arm && x->runs[i].tps > 0 && x->runs[i].transactions > 0)
            tps = x->runs[i].tps;
    if (x->kind == EXPERIMENT_AA || (arm == ARM_A && !(tps > 0)))
        return x->duration_s;
    if (!(tps > 0))
        return x->base_s;
    double want = ceil(1.2 * ENOUGH / tps);
    return want < x->longest_s ? at_least((int)want, x->base_s) : x->longest_s;
}

/* Of what the experiment needs at the least from here on, a warm-up first. */
static double least_cost(const struct experiment *x, int runs)
{
    int needed = x->kind == EXPERIMENT_AA ? x->min_runs : 2 * x->min_runs;
    int left = at_least(needed - runs, 1);
    double cost = experiment_warmup_s(x->warmup_s, x->restarted) +
                  left * (RUN_EXTRA_S + (run_seconds(x, ARM_A) +
                                         run_seconds(x, x->kind == EXPERIMENT_AA ? ARM_A : ARM_B)) /
                                            2.0);
    if (x->kind != EXPERIMENT_AA)
        cost += (left + 1) / 2 * experiment_switch_s(x->warmup_s, x->switches > 0 && x->restarted);
    return cost;
}

struct experiment_next experiment_next(const struct experiment *x, double seconds_left)
{
    struct experiment_next finished = {EXPERIMENT_FINISHED, x->arm, 0};
    if (enough(x))
        return finished;
    int runs = valid_runs(x, ARM_A) + valid_runs(x, ARM_B);
    int arm = x->kind == EXPERIMENT_AA ? ARM_A : arm_at(x, runs);
    int warmup = experiment_warmup_s(x->warmup_s, x->restarted);
    bool change = x->arm != arm;
    /* A switch costs what the last one did; before the first one, a reload is assumed. */
    int seconds = run_seconds(x, arm);
    double cost = seconds + RUN_EXTRA_S;
    if (change)
        cost += experiment_switch_s(x->warmup_s, x->switches > 0 && x->restarted);
    else if (!x->warm)
        cost += warmup;
    if (cost > seconds_left)
        return finished;
    if (change)
        return (struct experiment_next){EXPERIMENT_SWITCH, arm, 0};
    if (!x->warm && warmup > 0) {
        double spare = seconds_left - least_cost(x, runs);
        warmup = experiment_warmup_most_s(x->warmup_s, x->restarted, spare);
        return (struct experiment_next){EXPERIMENT_WARMUP, arm, warmup};
    }
    return (struct experiment_next){EXPERIMENT_RUN, arm, seconds};
}

void experiment_switched(struct experiment *x, int arm, bool restarted)
{
    x->arm = arm;
    x->switches++;
    x->restarted = restarted;
    x->warm = false;
}

void experiment_warmed(struct experiment *x)
{
    x->warm = true;
}

/* A candidate that is far behind after one or two runs is not worth the rest of them. On a noisy
 * machine "far" is further. */
static bool clearly_worse(const struct experiment *x)
{
    double a[EXPERIMENT_RUNS_MAX];
    double b[EXPERIMENT_RUNS_MAX];
    int na = collect_goal(x, ARM_A, a);
    int nb = collect_goal(x, ARM_B, b);
    if (x->kind != EXPERIMENT_ROUND || na < 1 || nb < 1 || (na + nb > 4 && !x->blocks))
        return false;
    if (x->blocks && nb != 2)
        return false;
    double ratio = exp(stats_mean(b, nb) - stats_mean(a, na));
    double screen = na >= 2 && nb >= 2 ? fmin(0.93, 1 - 2 * x->floor)
                                       : fmin(0.80, 1 - 3 * x->floor);
    return (na == nb || x->blocks) && ratio < screen;
}

/* The arm's next runs take as long as this one would have needed for enough transactions, and a fifth more. False when they
 * are as long as may be: then such runs are all that there is. The run is no failure of the configuration. */
static bool lengthen(struct experiment *x, struct bench_run *r)
{
    double took = r->secs > 0 ? r->secs : x->duration_s;
    if (took >= 0.95 * x->longest_s)
        return false;
    if (x->kind ==
        EXPERIMENT_AA) { /* what the plan becomes, so by what was asked for, not by what it took */
        double want = x->duration_s * 1.2 * ENOUGH / r->transactions;
        if (x->duration_s >= x->longest_s)
            return false;
        x->duration_s = want < x->longest_s ? at_least((int)ceil(want), x->duration_s + 1)
                                            : x->longest_s;
    } else if (run_seconds(x, r->arm) <= (int)took) {
        return false;
    }
    r->valid = false;
    err_set(&r->err, ERR_CHILD, "the run held too few transactions");
    err_detail(&r->err,
               "It held %.0f; at least %d are needed. The next runs of this kind take %d s.",
               r->transactions, ENOUGH, run_seconds(x, r->arm));
    return true;
}

static bool colder(const struct bench_run *r, const struct bench_run *later)
{
    const struct window *a = &r->window, *b = &later->window;
    return r->tps < (1 - cold_slower) * later->tps && a->valid && b->valid &&
           (b->hit_ratio - a->hit_ratio > cold_misses ||
            a->cpu_iowait - b->cpu_iowait > cold_iowait);
}

/* A server that was started a minute ago gets faster while its caches fill: taken for noise, that would hide every gain of the
 * session. The window of agreeing seconds that ends a warm-up does not see it, a disk being steady, too. */
static void leave_out_cold(struct experiment *x, const struct bench_run *newest)
{
    for (struct bench_run *r = x->runs; r < newest && x->cold < COLD_MAX; r++) {
        if (!r->valid || !colder(r, newest))
            continue;
        x->cold++;
        r->valid = false;
        err_set(&r->err, ERR_CHILD, "the caches were still filling");
        err_detail(&r->err, "%.4g TPS with a hit ratio of %.0f %%, then %.4g TPS with %.0f %%.",
                   r->tps, 100 * r->window.hit_ratio, newest->tps, 100 * newest->window.hit_ratio);
    }
}

void experiment_add(struct experiment *x, struct bench_run *run)
{
    if ((run->warmup && run->valid) || x->n >= EXPERIMENT_RUNS_MAX) {
        bench_run_clear(run);
        return;
    }
    struct bench_run *r = &x->runs[x->n++];
    *r = *run;
    memset(run, 0, sizeof *run);
    r->arm = x->arm;
    r->valid = r->valid && r->tps > 0 && isfinite(r->tps);
    if (r->valid && too_few(r) && lengthen(x, r))
        return;
    if (r->valid && x->kind == EXPERIMENT_AA)
        leave_out_cold(x, r);
    if (r->valid || !r->contaminated) /* one that others spoilt says nothing of the configuration */
        x->errors = r->valid ? 0 : x->errors + 1;
    x->stopped_early = x->stopped_early || clearly_worse(x);
}

double experiment_cost(const struct sdl *plan, enum experiment_kind kind, bool restarts)
{
    int runs = experiment_least_runs(kind, plan) * (kind == EXPERIMENT_AA ? 1 : 2);
    int base = plan->asked_s > 0 ? at_most(plan->asked_s, plan->duration_s) : plan->duration_s;
    double each = at_least(plan->duration_s, 1);
    if (kind != EXPERIMENT_AA) /* a quicker candidate is measured as long as was asked for */
        each = (each + at_least(base, 1)) / 2;
    double cost = at_least(plan->warmup_s, 0) + runs * (each + RUN_EXTRA_S);
    if (kind != EXPERIMENT_AA)
        cost += runs / 2 * experiment_switch_s(at_least(plan->warmup_s, 0), restarts);
    return cost;
}

double experiment_round_needs(const struct sdl *plan, bool restarts)
{
    return experiment_cost(plan, EXPERIMENT_ROUND, false) +
           experiment_cost(plan, EXPERIMENT_CONFIRM, restarts) + END_S;
}

double experiment_least_budget(const struct sdl *plan, bool restarts)
{
    return experiment_cost(plan, EXPERIMENT_AA, false) + experiment_round_needs(plan, restarts);
}

void experiment_clear(struct experiment *x)
{
    for (int i = 0; i < x->n; i++)
        bench_run_clear(&x->runs[i]);
    mem_zero(x, sizeof *x);
}
