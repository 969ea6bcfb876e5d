/* The files of /proc as figures. */
#include "pgd/telemetry/procparse.h"

#include <math.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/span.h"

const char procparse_paths[] = "/proc/stat\n/proc/meminfo\n/proc/diskstats\n/proc/vmstat\n"
                               "/proc/loadavg\n/proc/net/dev\n/proc/pressure/cpu\n"
                               "/proc/pressure/io\n/proc/pressure/memory";

static double or_zero(double value)
{
    return isnan(value) ? 0 : value;
}

static void add(double *sum, double value)
{
    *sum = or_zero(*sum) + or_zero(value);
}

/* Who reads the file runs, too. */
static double without_reader(double running)
{
    return running == 0 ? 0 : running - 1;
}

static void read_stat(struct span file, struct host_sample *s)
{
    while (!span_at_end(&file)) {
        struct span line = span_line(&file);
        struct span name = span_word(&line);
        if (span_is(name, "cpu")) {
            double user = span_number(&line), nice = span_number(&line);
            double sys = span_number(&line);
            s->cpu_idle = span_number(&line);
            s->cpu_iowait = or_zero(span_number(&line));
            double irq = span_number(&line), softirq = span_number(&line);
            s->cpu_steal = or_zero(span_number(&line));
            s->cpu_user = user + nice;
            s->cpu_sys = sys + or_zero(irq) + or_zero(softirq);
        } else if (span_is(name, "procs_running")) {
            s->run_queue = without_reader(span_number(&line));
        }
    }
}

static void read_meminfo(struct span file, struct host_sample *s)
{
    while (!span_at_end(&file) && isnan(s->mem_available)) {
        struct span line = span_line(&file);
        if (span_is(span_word(&line), "MemAvailable:"))
            s->mem_available = span_number(&line) * 1024;
    }
}

static void read_vmstat(struct span file, struct host_sample *s)
{
    while (!span_at_end(&file)) {
        struct span line = span_line(&file);
        struct span name = span_word(&line);
        if (span_is(name, "pswpin"))
            s->swap_in = span_number(&line);
        else if (span_is(name, "pswpout"))
            s->swap_out = span_number(&line);
        else if (span_is(name, "oom_kill"))
            s->oom_kills = span_number(&line);
    }
}

/* "2.10 1.00 0.50 3/412 4711": stands in where /proc/stat does not tell what runs. */
static void read_loadavg(struct span file, struct host_sample *s)
{
    struct span line = span_line(&file);
    for (int i = 0; i < 3; i++)
        span_word(&line);
    double running = span_number(&line);
    if (isnan(s->run_queue))
        s->run_queue = without_reader(running);
}

static bool digit_before(struct span word, const char *at)
{
    return at > word.at && at[-1] >= '0' && at[-1] <= '9';
}

/* A disk as a whole: no partition, and nothing that lies on other devices and would count twice. */
static bool whole_disk(struct span name)
{
    static const char *const others[] = {"loop", "ram", "dm-", "md", "zram", "sr", "fd", "nbd"};
    size_t len = (size_t)(name.end - name.at);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        size_t n = strlen(others[i]);
        if (len >= n && memcmp(name.at, others[i], n) == 0)
            return false;
    }
    const char *tail = name.end;
    while (digit_before(name, tail))
        tail--;
    if (tail == name.end)
        return true; /* sda, vdb */
    if (tail > name.at && tail[-1] == 'p' && digit_before(name, tail - 1))
        return false; /* nvme0n1p2, mmcblk0p1 */
    /* A digit is part of the name of these disks, of others it is the partition. */
    return (len > 4 && memcmp(name.at, "nvme", 4) == 0) ||
           (len > 6 && memcmp(name.at, "mmcblk", 6) == 0);
}

static void read_diskstats(struct span file, const char *device, struct host_sample *s)
{
    while (!span_at_end(&file)) {
        struct span line = span_line(&file);
        span_word(&line);
        span_word(&line);
        struct span name = span_word(&line);
        if (span_at_end(&name) || (device[0] ? !span_is(name, device) : !whole_disk(name)))
            continue;
        double v[10];
        for (size_t i = 0; i < ARRAY_LEN(v); i++)
            v[i] = span_number(&line);
        if (isnan(v[9]))
            continue;
        add(&s->reads, v[0]);
        add(&s->read_bytes, v[2] * 512);
        add(&s->read_ms, v[3]);
        add(&s->writes, v[4]);
        add(&s->write_bytes, v[6] * 512);
        add(&s->write_ms, v[7]);
        add(&s->busy_ms, v[9]);
    }
}

static void read_net(struct span file, struct host_sample *s)
{
    while (!span_at_end(&file)) {
        struct span line = span_line(&file);
        span_skip_blanks(&line);
        const char *colon = memchr(line.at, ':', (size_t)(line.end - line.at));
        if (!colon)
            continue;
        struct span name = {line.at, colon};
        line.at = colon + 1;
        double received = span_number(&line);
        for (int i = 0; i < 7; i++)
            span_number(&line);
        double sent = span_number(&line);
        if (!span_is(name, "lo") && !isnan(received) && !isnan(sent))
            add(&s->net_bytes, received + sent);
    }
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345" */
static double read_pressure(struct span file)
{
    while (!span_at_end(&file)) {
        struct span line = span_line(&file);
        if (!span_is(span_word(&line), "some"))
            continue;
        while (!span_at_end(&line)) {
            struct span word = span_word(&line);
            if (word.end - word.at > 6 && memcmp(word.at, "total=", 6) == 0) {
                word.at += 6;
                return span_number(&word);
            }
        }
    }
    return NAN;
}

static void forget(struct host_sample *s)
{
    int64_t at_us = s->at_us;
    *s = (struct host_sample){
        .at_us = at_us,
        .cpu_user = NAN,
        .cpu_sys = NAN,
        .cpu_idle = NAN,
        .cpu_iowait = NAN,
        .cpu_steal = NAN,
        .uptime_s = NAN,
        .oom_kills = NAN,
        .run_queue = NAN,
        .mem_available = NAN,
        .swap_in = NAN,
        .swap_out = NAN,
        .reads = NAN,
        .writes = NAN,
        .read_bytes = NAN,
        .write_bytes = NAN,
        .read_ms = NAN,
        .write_ms = NAN,
        .busy_ms = NAN,
        .psi_cpu = NAN,
        .psi_io = NAN,
        .psi_mem = NAN,
        .net_bytes = NAN,
    };
}

/* "49512.34 98000.10": seconds since boot, to the hundredth. */
static void read_uptime(struct span file, struct host_sample *s)
{
    double whole = span_number(&file);
    if (file.end - file.at < 3 || *file.at != '.')
        return;
    file.at++;
    const char *digits = file.at;
    double part = span_number(&file);
    for (const char *p = digits; p < file.at; p++)
        part /= 10;
    s->uptime_s = whole + part;
}

static bool read_file(struct span path, struct span file, const char *device, struct host_sample *s)
{
    if (span_is(path, "/proc/stat"))
        read_stat(file, s);
    else if (span_is(path, "/proc/meminfo"))
        read_meminfo(file, s);
    else if (span_is(path, "/proc/diskstats"))
        read_diskstats(file, device, s);
    else if (span_is(path, "/proc/vmstat"))
        read_vmstat(file, s);
    else if (span_is(path, "/proc/loadavg"))
        read_loadavg(file, s);
    else if (span_is(path, "/proc/net/dev"))
        read_net(file, s);
    else if (span_is(path, "/proc/pressure/cpu"))
        s->psi_cpu = read_pressure(file);
    else if (span_is(path, "/proc/pressure/io"))
        s->psi_io = read_pressure(file);
    else if (span_is(path, "/proc/pressure/memory"))
        s->psi_mem = read_pressure(file);
    else if (span_is(path, "/proc/uptime"))
        read_uptime(file, s);
    else
        return false;
    return true;
}

bool procparse(const char *text, size_t len, const char *device, struct host_sample *s)
{
    struct span all = {text, text + len}, path, file;
    bool any = false;

    forget(s);
    while (span_section(&all, &path, &file))
        any = read_file(path, file, device, s) || any;
    return any;
}

static double grown(double before, double after)
{
    double by = after - before;
    return by >= 0 ? by : NAN;
}

static double share(double part, double whole)
{
    double s = part / whole;
    return s > 1 ? 1 : s;
}

void procparse_rates(const struct host_sample *a, const struct host_sample *b,
                     struct host_rates *out)
{
    static const struct host_sample none;
    double secs = a ? (double)(b->at_us - a->at_us) / 1e6 : 0;
    if (a && !isnan(b->uptime_s -
                    a->uptime_s)) /* the time by the host's own clock; less: it was booted again */
        secs = b->uptime_s - a->uptime_s;
    if (!(secs > 0)) {
        a = &none;
        secs = NAN;
    }
    double user = grown(a->cpu_user, b->cpu_user), sys = grown(a->cpu_sys, b->cpu_sys);
    double idle = grown(a->cpu_idle, b->cpu_idle);
    /* The kernel takes back what it counted as iowait and steal at times. */
    double iowait = or_zero(grown(a->cpu_iowait, b->cpu_iowait));
    double steal = or_zero(grown(a->cpu_steal, b->cpu_steal));
    double ticks = user + sys + idle + iowait + steal;
    ticks = ticks > 0 && secs > 0 ? ticks : NAN;
    double requests = grown(a->reads, b->reads) + grown(a->writes, b->writes);
    double waited = grown(a->read_ms, b->read_ms) + grown(a->write_ms, b->write_ms);

    *out = (struct host_rates){
        .cpu_user = user / ticks,
        .cpu_sys = sys / ticks,
        .cpu_iowait = iowait / ticks,
        .cpu_idle = idle / ticks,
        .cpu_steal = steal / ticks,
        .swap_in = grown(a->swap_in, b->swap_in) / secs,
        .swap_out = grown(a->swap_out, b->swap_out) / secs,
        .disk_read = grown(a->read_bytes, b->read_bytes) / secs,
        .disk_write = grown(a->write_bytes, b->write_bytes) / secs,
        .net = grown(a->net_bytes, b->net_bytes) / secs,
        .disk_await_ms = isnan(secs)     ? NAN
                         : requests == 0 ? 0
                                         : waited / requests,
        .disk_util = share(grown(a->busy_ms, b->busy_ms) / 1000, secs),
        .psi_cpu = share(grown(a->psi_cpu, b->psi_cpu) / 1e6, secs),
        .psi_io = share(grown(a->psi_io, b->psi_io) / 1e6, secs),
        .psi_mem = share(grown(a->psi_mem, b->psi_mem) / 1e6, secs),
    };
}
