/* How often the program's verdicts are wrong, and what they miss, on recorded series of real runs.
 *
 *     evidence_power FILE.csv...
 *
 * Prints for each series: A/A pairs called different, with the exact 95 % bounds; the power for +5 % and +10 %; how often
 * the interval held the truth. "as recorded" takes the runs as they were; "at 3 %" scales the deviations of each session's
 * runs to a standard deviation of 3 %, which keeps their drift, their outliers and how they follow each other. */
#include <math.h>
#include <stdbool.h>

#include "recorded.h"

static void print_tally(const char *what, const struct recorded_tally *t, double effect)
{
    double lo, hi;
    int called = effect > 1 ? t->improved : t->improved + t->regressed;
    stats_share(called, t->sessions, &lo, &hi);
    printf("%-34s %5d %6.1f %%   %5.1f .. %4.1f %%  %5d/%-5d %6.1f %% %6.1f %8.1f %% %7.1f %%\n",
           what, t->sessions, 100.0 * called / t->sessions, 100 * lo, 100 * hi, t->improved,
           t->regressed, t->judged ? 100.0 * t->covered / t->judged : 100.0,
           t->mean_runs / t->sessions, t->judged ? 100 * t->detectable / t->judged : 0.0,
           100 * t->sd / t->sessions);
}

static void table(const struct recorded *all, int n, double sd, double effect, enum goal_kind goal,
                  int max_runs, int step)
{
    struct recorded_tally sum = {0};
    char what[64];
    for (int i = 0; i < n; i++) {
        struct recorded_tally t = {0};
        recorded_tally(&t, &all[i], step > 1 ? 1 : 3, step, sd, effect, goal, max_runs);
        snprintf(what, sizeof what, "  %s", all[i].name);
        print_tally(what, &t, effect);
    }
    for (int i = 0; i < n; i++)
        recorded_tally(&sum, &all[i], step > 1 ? 1 : 3, step, sd, effect, goal, max_runs);
    print_tally("  together", &sum, effect);
}

static void report(const char *path)
{
    static const char *const goals[] = {"TPS", "p95", "p99"};
    static const enum goal_kind kinds[] = {GOAL_TPS, GOAL_P95, GOAL_P99};
    int n;
    struct recorded *all = recorded_load(path, &n);
    if (!all || n == 0) {
        printf("%s: no series\n", path);
        free(all);
        return;
    }
    printf("%s\n%-34s %5s %8s %16s %11s %8s %6s %10s %9s\n", path, "", "pairs", "called",
           "exact 95 %", "impr/regr", "covered", "runs", "detectable", "sd of 16");
    for (int g = 0; g < 3; g++) {
        printf("A/A, %s, as recorded, at most 6 runs an arm\n", goals[g]);
        table(all, n, 0, 1, kinds[g], 6, 1);
    }
    printf("A/A, TPS, as recorded, sessions that share no run\n");
    table(all, n, 0, 1, GOAL_TPS, 6, BASELINE_RUNS + 12);
    for (int most = 6; most >= 3; most -= 3) {
        static const double effects[] = {1, 1.05, 1.10};
        for (int e = 0; e < 3; e++) {
            printf("%+.0f %%, TPS, at 3 %%, at most %d runs an arm\n", 100 * (effects[e] - 1),
                   most);
            table(all, n, 0.03, effects[e], GOAL_TPS, most, 1);
        }
    }
    free(all);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        report(argv[i]);
    return argc > 1 ? 0 : 2;
}
