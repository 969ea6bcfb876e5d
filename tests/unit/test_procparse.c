/* The files of /proc as figures and rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/procparse.h"

#define near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static const char before[] =
    "==> /proc/stat\n"
    "cpu  1000 50 300 8000 100 7 3 20 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 1 2 3\nprocs_running 4\n"
    "procs_blocked 0\n\n"
    "==> /proc/meminfo\nMemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   8000000 kB\n\n"
    "==> /proc/diskstats\n"
    " 254       0 vda 100 5 2048 50 200 7 4096 150 0 120 200 0 0 0 0 0 0\n"
    " 254       1 vda1 90 5 1024 40 100 7 2048 100 0 100 100 0 0 0 0 0 0\n"
    "   7       0 loop0 9 9 9 9 9 9 9 9 9 9 9\n"
    " 253       0 dm-0 9 9 9 9 9 9 9 9 9 9 9\n"
    " 259       0 nvme0n1 10 0 80 5 10 0 80 5 0 30 10\n"
    " 259       1 nvme0n1p1 9 9 9 9 9 9 9 9 9 9 9\n\n"
    "==> /proc/vmstat\nnr_free_pages 1\npswpin 10\npswpout 20\npgfault 1\n\n"
    "==> /proc/loadavg\n9.00 1.00 0.50 9/412 4711\n\n"
    "==> /proc/net/dev\n"
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
    "    lo: 99999 1 0 0 0 0 0 0 99999 1 0 0 0 0 0 0\n"
    "  eth0:1000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n\n"
    "==> /proc/pressure/cpu\nsome avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n\n"
    "==> /proc/pressure/io\nsome avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=3\n\n";

static void parse(const char *text, const char *device, struct host_sample *s)
{
    assert_true(procparse(text, strlen(text), device, s));
}

static void figures(void **state)
{
    (void)state;
    struct host_sample s = {.at_us = 42};
    parse(before, "", &s);
    assert_int_equal(s.at_us, 42);
    near(s.cpu_user, 1050);
    near(s.cpu_sys, 310);
    near(s.cpu_idle, 8000);
    near(s.cpu_iowait, 100);
    near(s.cpu_steal, 20);
    near(s.run_queue, 3);
    near(s.mem_available, 8000000.0 * 1024);
    near(s.swap_in, 10);
    near(s.swap_out, 20);
    /* Whole disks: vda and nvme0n1. */
    near(s.reads, 110);
    near(s.writes, 210);
    near(s.read_bytes, (2048 + 80) * 512.0);
    near(s.write_bytes, (4096 + 80) * 512.0);
    near(s.busy_ms, 150);
    near(s.net_bytes, 1500);
    near(s.psi_cpu, 1000000);
    near(s.psi_io, 5);
    assert_true(isnan(s.psi_mem));
    parse(before, "vda1", &s);
    near(s.reads, 90);
    near(s.write_bytes, 2048 * 512.0);
    parse(before, "sdx", &s);
    assert_true(isnan(s.reads));
}

static void rates(void **state)
{
    (void)state;
    struct host_sample a = {0}, b = {0};
    struct host_rates r;
    parse(before, "vda", &a);
    b = a;
    b.at_us = a.at_us + 2000000;
    b.cpu_user += 100;
    b.cpu_sys += 50;
    b.cpu_idle += 40;
    b.cpu_iowait += 10;
    b.reads += 10;
    b.writes += 30;
    b.read_ms += 20;
    b.write_ms += 60;
    b.read_bytes += 1048576;
    b.busy_ms += 500;
    b.psi_cpu += 1000000;
    b.net_bytes += 4096;
    b.swap_out += 8;
    procparse_rates(&a, &b, &r);
    near(r.cpu_user, 0.5);
    near(r.cpu_sys, 0.25);
    near(r.cpu_idle, 0.2);
    near(r.cpu_iowait, 0.05);
    near(r.cpu_steal, 0);
    near(r.disk_await_ms, 2);
    near(r.disk_read, 524288);
    near(r.disk_write, 0);
    near(r.disk_util, 0.25);
    near(r.psi_cpu, 0.5);
    assert_true(isnan(r.psi_mem));
    near(r.net, 2048);
    near(r.swap_out, 4);
    /* An idle disk has no waiting time; a counter that went backwards is unknown. */
    b = a;
    b.at_us = a.at_us + 1000000;
    b.net_bytes = 0;
    b.cpu_iowait -= 5;
    b.cpu_idle += 100;
    procparse_rates(&a, &b, &r);
    near(r.disk_await_ms, 0);
    assert_true(isnan(r.net));
    near(r.cpu_idle, 1);
    near(r.cpu_iowait, 0);
    /* No time between them, and no first one. */
    b.at_us = a.at_us;
    procparse_rates(&a, &b, &r);
    assert_true(isnan(r.cpu_idle) && isnan(r.disk_util) && isnan(r.disk_await_ms));
    procparse_rates(NULL, &b, &r);
    assert_true(isnan(r.cpu_idle) && isnan(r.net) && isnan(r.psi_cpu));
}

static void what_is_missing(void **state)
{
    (void)state;
    struct host_sample s;
    assert_false(procparse("", 0, "", &s));
    assert_true(isnan(s.cpu_user));
    assert_false(procparse("==> /etc/passwd\nroot\n", 21, "", &s));
    static const char some[] = "garbage\n==> /proc/loadavg\n0.1 0.1 0.1 6/9 1\n==> /proc/stat";
    parse(some, "", &s);
    near(s.run_queue, 5);
    assert_true(isnan(s.cpu_user) && isnan(s.mem_available));
    parse("==> /proc/stat\ncpu  x y\nprocs_running\n==> /proc/meminfo\nMemAvailable:\n", "", &s);
    assert_true(isnan(s.cpu_user) && isnan(s.run_queue) && isnan(s.mem_available));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(rates),
        cmocka_unit_test(what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
