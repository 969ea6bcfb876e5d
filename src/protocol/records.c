/* The few words that the records are called by, in JSON and on the screen. */
#include "pgd/protocol/records.h"

const char *goal_name(enum goal_kind g)
{
    static const char *const names[] = {"tps", "p95", "p99", "runtime"};
    return (unsigned)g < sizeof names / sizeof names[0] ? names[g] : "";
}

const char *verdict_name(enum verdict_kind v)
{
    switch (v) {
    case VERDICT_IMPROVED:
        return "improved";
    case VERDICT_REGRESSED:
        return "regressed";
    case VERDICT_INCONCLUSIVE:
        return "inconclusive";
    case VERDICT_NONE:
        break;
    }
    return "";
}
