/* The builtin explanation of a deviation: how far it is from usual, what moved beside it, and what such a series moves by. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

/* What makes a series rise or fall, and where to look. The first row that the name begins with. */
static const struct {
    const char *metric, *up, *down;
} causes[] = {
    {"tps", "more work was offered, or statements became cheaper; compare the active sessions",
     "the clients offered less, or statements wait: look at waits, locks and checkpoints"},
    {"cpu_iowait", "the disk does not keep up: a checkpoint, a large scan or temporary files",
     "less waits for the disk"},
    {"cpu", "more statements at once, or dearer plans; look at the statements view",
     "less to do, or sessions wait for something else than the processor"},
    {"wal", "more is written, or each change writes whole pages after a checkpoint",
     "less is written"},
    {"temp", "a sort or hash does not fit into work_mem; look for it in the statements view",
     "sorts and hashes fit into memory again"},
    {"ckpt", "a checkpoint was asked for: max_wal_size is full, or somebody called CHECKPOINT",
     "checkpoints come by time again"},
    {"hit", "more pages are found in shared_buffers",
     "pages are read that nobody had used: a large scan, a restart, or a cache too small"},
    {"blks", "data is read that is not in the cache: a large scan, or a cold cache",
     "the data is in the cache now"},
    {"tup", "statements read or write more rows: another load, or another plan",
     "statements touch fewer rows"},
    {"disk_read", "data is read that is not in memory: a scan, a backup, or a cold cache",
     "less is read from the disk"},
    {"disk", "a checkpoint, vacuum, a backup, or another program on the machine",
     "less work for the disk"},
    {"waiting", "sessions wait for each other: look for the one that holds the lock",
     "the lock is free again"},
    {"sessions", "clients have connected: a pool has grown, or an application has started",
     "clients have left"},
    {"active", "more sessions at work, or each takes longer", "fewer sessions at work"},
    {"buffers", "sessions write pages themselves: the background writer does not keep up",
     "the background writer keeps up again"},
    {"run", "more is ready to run than there are processors", "the processors keep up"},
    {"mem", "memory was freed", "something takes memory: sessions, or another program"},
    {"swap", "the machine is short of memory", "the machine has memory again"},
    {"psi", "tasks stall for that resource: it is at its limit", "tasks stall less"},
    {"net", "results, connections or a backup take more of the network", "less traffic"},
    {"", "the load has changed, or something else on the machine runs",
     "the load has changed, or something else on the machine has ended"},
};

static const char *cause_of(const struct anomaly *a)
{
    size_t i = 0;
    while (strncmp(a->metric, causes[i].metric, strlen(causes[i].metric)) != 0)
        i++;
    return a->seen > a->usual ? causes[i].up : causes[i].down;
}

/* "3.25 MB", "41 %": the value as the series has it. */
static void value_text(const struct anomaly *a, double v, char *dst, size_t size)
{
    say(dst, size, "%.4g%s%s", v, a->unit[0] ? " " : "", a->unit);
}

static void tell_extent(struct teller *t, const struct anomaly *a)
{
    char usual[48], seen[48];
    value_text(a, a->usual, usual, sizeof usual);
    value_text(a, a->seen, seen, sizeof seen);
    tell(t, "%s %s %s, where %s was usual.", a->label[0] ? a->label : a->metric,
         a->shift             ? "has moved to"
         : a->seen > a->usual ? "rose to"
                              : "fell to",
         seen, usual);
    tell_figure(t, "seen", "%s", seen);
    tell_figure(t, "usual", "%s", usual);
    if (isfinite(a->score)) {
        tell(t, "That is %.1f times its ordinary scatter.", a->score);
        tell_figure(t, "robust score", "%.1f", a->score);
    }
    double secs = (double)(a->until_us - a->from_us) / 1e6;
    if (a->until_us == 0)
        tell(t, "It goes on.");
    else if (secs >= 1)
        tell(t, "It lasted %.0f s.", secs);
}

void op_builtin_anomaly(const struct op_input *in, struct prose *out)
{
    const struct anomaly *a = in->anomaly;
    struct teller t;
    struct sense s;
    teller_init(&t, out);
    sense_init(&s, in->e);
    if (!a) {
        tell(&t, "Nothing stands out: no series has left its own past.");
        tell_server(&t, &s);
        return;
    }
    tell_extent(&t, a);
    if (a->beside[0]) {
        tell_line(&t, "Beside it: %s.", a->beside);
        if (strpbrk(a->beside, "0123456789"))
            tell_figure(&t, "beside it", "%.90s", a->beside);
    } else {
        tell_line(&t, "No other series moved with it.");
    }
    tell_line(&t, "%s: %s.",
              a->shift ? "A change of level as a rule means" : "Such a spike as a rule means",
              cause_of(a));
    tell_line(&t, "On this server:");
    tell_server(&t, &s);
    tell_bottleneck(&t, &s);
}
