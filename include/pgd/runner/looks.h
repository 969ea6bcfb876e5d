/* looks.h - the interval of a difference that is looked at again and again while it is measured.
 *
 * Who looks after every pair of runs and stops when he likes what he sees is wrong far more often than one time in twenty.
 * So each look is paid for: at all of them the same, stricter level (Pocock), so that the whole of the looks errs in 5 %. */
#pragma once

/* The two-sided level of each look, when the first is at `first` runs an arm (3 or more) and the last at `last` at the most,
 * for 5 % over all of them. */
double looks_level(int first, int last);

/* What is known beforehand of how far runs lie apart; df 0 = nothing. */
struct looks_prior {
    double sd; /* of the logarithm of a run's figure */
    double df; /* degrees of freedom that it rests on */
};

struct looks_interval {
    double d,
        half; /* difference of the means of the logarithms, and half of the interval's width; NAN = unknown */
    double sd, df; /* of a run, pooled; what it rests on */
    double
        detectable; /* logarithm of the effect that so many runs show in 4 cases of 5; NAN = unknown */
};

/* a, b: logarithms of the runs. Half and detectable are known from two runs an arm on, or with a prior from one. */
void looks_interval(const double *a, int na, const double *b, int nb, double level,
                    const struct looks_prior *prior, struct looks_interval *out);
/* How much larger than what was seen the effect may still be: with 90 % confidence, one-sided, at a single look. */
double looks_in_sight(const struct looks_interval *i, int na, int nb);
