/* procparse.h - the text of /proc as figures. Pure, and cheap: it runs once a second for ever. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counters since boot, NAN where a file or a line is missing. */
struct host_sample {
    int64_t at_us; /* when it was taken, by our monotonic clock */
    double cpu_user, cpu_sys, cpu_idle, cpu_iowait, cpu_steal; /* ticks, of all CPUs */
    double uptime_s;          /* the host's own clock, where it was asked for */
    double oom_kills;         /* processes that the kernel has killed for want of memory */
    double run_queue;         /* processes that run or could, without the reader itself */
    double mem_available;     /* bytes, a gauge */
    double swap_in, swap_out; /* pages */
    double reads, writes, read_bytes, write_bytes, read_ms, write_ms, busy_ms;
    double psi_cpu, psi_io, psi_mem; /* microseconds in which some task was held up */
    double net_bytes;                /* received and sent, without the loopback */
};

/* The files that are read, newline-separated, as FILE_READ_MANY takes them. */
extern const char procparse_paths[];

/* text is what FILE_READ_MANY or head(1) gives (span_section()).
 * device: the block device whose figures count, by its name in /proc/diskstats; "" = all disks.
 * False when none of the files was understood. at_us is left alone. */
bool procparse(const char *text, size_t len, const char *device, struct host_sample *s);
/* What happened between two samples. NAN where it cannot be told, also when a counter went backwards
 * (a disk that was taken out, a container that moved). */
struct host_rates {
    double cpu_user, cpu_sys, cpu_iowait, cpu_idle, cpu_steal; /* shares of all CPUs, 0..1 */
    double swap_in, swap_out;                                  /* pages a second */
    double disk_read, disk_write, net;                         /* bytes a second */
    double disk_await_ms;
    double disk_util, psi_cpu, psi_io, psi_mem; /* shares of the time, 0..1 */
};

/* a may be NULL: all is unknown. */
void procparse_rates(const struct host_sample *a, const struct host_sample *b,
                     struct host_rates *out);
