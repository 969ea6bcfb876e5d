/* The builtin answer on hardware: what limits the server now, resource by resource, and what would be wasted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/bottleneck.h"
#include "pgd/agent/op_parts.h"
#include "pgd/agent/rules.h"
#include "pgd/base/text.h"

static void tell_cpu(struct teller *t, const struct sense *s)
{
    if (!isfinite(s->w.cpu_idle)) {
        tell_line(t, "CPU: its use could not be seen.");
        return;
    }
    tell_line(t, "CPU: %s idle on %.4g CPUs, %.1f sessions at work; %s.",
              share_figure(s->w.cpu_idle).text, s->cpus, s->w.active_avg,
              cpu_saturated(s) ? "faster or more processors would be used"
                               : "more of them would stand idle");
    tell_figure(t, "idle CPU", "%s", share_figure(s->w.cpu_idle).text);
    if (s->w.cpu_steal > 0.05)
        tell(t, "%s of it is taken by other machines of the host.",
             share_figure(s->w.cpu_steal).text);
}

static void tell_memory(struct teller *t, const struct sense *s)
{
    if (!isfinite(s->ram)) {
        tell_line(t, "Memory: its size is not known.");
        return;
    }
    tell_line(t, "Memory: %s for a database of %s.", size_figure(s->ram).text,
              isfinite(s->database) ? size_figure(s->database).text : "unknown size");
    if (isfinite(s->database))
        tell_figure(t, "database", "%s", size_figure(s->database).text);
    if (s->w.swap_in > 10)
        tell(t, "The machine swaps: more memory, or smaller memory settings.");
    else if (s->database > s->ram && sense_wait(s, "IO:DataFileRead") > 0.3)
        tell(t,
             "The database does not fit and sessions wait for reads: more memory would be used.");
    else if (s->database < 0.7 * s->ram)
        tell(t, "The database fits: more memory would not be used.");
}

static void tell_storage(struct teller *t, const struct sense *s)
{
    double reads = sense_wait(s, "IO:DataFileRead");
    double wal = sense_wait(s, "IO:WALSync") + sense_wait(s, "IO:WALWrite") +
                 sense_wait(s, "LWLock:WALWrite");
    const struct disk_facts *d = &s->f->host.data;
    if (s->f->host.known && d->kind[0])
        tell_line(t, "Storage: %s, %s free.", d->kind, size_figure(d->free_bytes).text);
    else
        tell_line(t, "Storage: its kind could not be seen.");
    if (isfinite(reads) && isfinite(wal)) {
        tell(t, "%s of the samples wait for data files, %s for the WAL.", share_figure(reads).text,
             share_figure(wal).text);
        tell_figure(t, "waits for data files", "%s", share_figure(reads).text);
        tell_figure(t, "waits for the WAL", "%s", share_figure(wal).text);
        tell(t, "%s.",
             wal > 0.4     ? "A disk with a shorter sync, for the WAL alone, would help most"
             : reads > 0.3 ? "Faster reads, or memory that holds the data, would help"
                           : "A faster disk would hardly be noticed");
    }
    if (isfinite(s->w.disk_await_ms) && isfinite(s->w.disk_util)) {
        tell(t, "A request takes %.1f ms, the disk is busy for %s of the time.", s->w.disk_await_ms,
             share_figure(s->w.disk_util).text);
        tell_figure(t, "disk request", "%.1f ms", s->w.disk_await_ms);
    }
}

static void tell_verdict(struct teller *t, const struct sense *s)
{
    struct bottleneck b;
    struct candidates all;
    bottleneck_find(s, &b);
    rules_collect(s, &all);
    const char *what = b.remedy == REMEDY_HARDWARE   ? "hardware is what would help"
                       : b.remedy == REMEDY_SETTINGS ? "settings come first"
                       : b.remedy == REMEDY_WORKLOAD ? "neither hardware nor settings would help"
                                                     : "nothing speaks for other hardware";
    tell(t, "The workload is %s (%s): %s%s%s.", b.kind, b.figure, what,
         b.helps[0] ? ", namely " : "", b.helps);
    tell_figure(t, b.kind, "%s", b.figure);
    if (all.n > 0)
        tell(t, "Settings still have room: %s = %s (%s).", all.changes[0].name,
             all.changes[0].value, all.changes[0].evidence);
}

void op_builtin_hardware(const struct op_input *in, struct prose *out)
{
    struct teller t;
    struct sense s;
    teller_init(&t, out);
    sense_init(&s, in->e);
    tell_server(&t, &s);
    if (!s.w.valid) {
        tell(&t, "Without a measurement nothing can be said of its limits: a baseline shows them.");
    } else {
        tell_verdict(&t, &s);
        tell_cpu(&t, &s);
    }
    tell_memory(&t, &s);
    tell_storage(&t, &s);
}
