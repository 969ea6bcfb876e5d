/* What the host script prints, as facts; and what it does to the identity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/discovery/discover.h"

static const char machine[] = "hostname=db1\nkernel=Linux 6.1\nos=Debian GNU/Linux 12 (bookworm)\n"
                              "cpus=8\ncpu_model=Some CPU\nmem_total=16000000000\n"
                              "mem_available=9000000000\nswap_total=0\nhugepages_total=10\n"
                              "hugepages_free=3\nhugepage_bytes=2097152\nthp=madvise\n"
                              "overcommit=2\nswappiness=60\ncommit_limit=8000000000\n"
                              "dirty_ratio=20\ndata_mount=/srv/pg\ndata_device=nvme0n1p2\n"
                              "data_fs=xfs\ndata_kind=nvme\ndata_scheduler=none\n"
                              "data_total=500000000000\ndata_free=100000000000\nwal_fs=ext4\n";

static void parse(const char *head, const char *tail, struct host_facts *h, struct identity *id)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s%s", head, machine, tail);
    host_facts_parse(buf_text(&text), h, id);
    buf_clear(&text);
}

static void a_local_server(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {.data_directory = "/srv/pg/data"};
    parse("match=pidfile\npostmaster_pid=812\nbindir=/usr/lib/postgresql/15/bin\n"
          "supervisor=systemd:postgresql@15-main.service\n",
          "data_readable=1\nowner=postgres\nauto_conf=rw\n", &h, &id);
    assert_true(h.known);
    assert_string_equal(h.hostname, "db1");
    assert_string_equal(h.os, "Debian GNU/Linux 12 (bookworm)");
    assert_int_equal(h.cpus, 8);
    assert_true(h.mem_total == 16e9);
    assert_int_equal(h.hugepages_total, 10);
    assert_int_equal(h.overcommit, 2);
    assert_int_equal(h.swappiness, 60);
    assert_true(h.dirty_ratio == 20);
    assert_true(isnan(h.dirty_bytes));
    assert_true(isnan(h.cgroup_mem_limit));
    assert_string_equal(h.data.kind, "nvme");
    assert_string_equal(h.data.device, "nvme0n1p2");
    assert_true(h.data.free_bytes == 1e11);
    assert_string_equal(h.wal.fs, "ext4");
    assert_true(isnan(h.wal.free_bytes));
    assert_true(id.reached);
    assert_int_equal(id.postmaster_pid, 812);
    assert_string_equal(id.owner, "postgres");
    assert_string_equal(id.bindir, "/usr/lib/postgresql/15/bin");
    assert_string_equal(id.supervisor, "systemd:postgresql@15-main.service");
    assert_true(id.auto_conf_ok);
    assert_string_equal(id.data_directory, "/srv/pg/data");
}

static void a_container_has_less(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {0};
    parse("match=pidfile\n", "cgroup_mem_limit=4294967296\ncgroup_cpus=1.50\n", &h, &id);
    assert_true(h.mem_total == 4294967296.0);
    assert_true(h.mem_available == 4294967296.0);
    assert_true(h.cgroup_mem_limit == 4294967296.0);
    assert_true(h.cgroup_cpus == 1.5);
    /* A limit above the machine is none. */
    parse("match=pidfile\n", "cgroup_mem_limit=99000000000\n", &h, &id);
    assert_true(h.mem_total == 16e9);
    assert_true(isnan(h.cgroup_mem_limit));
}

static void an_unreadable_data_directory(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {.reached = true, .postmaster_pid = 4, .auto_conf_ok = true};
    parse("match=process\npostmaster_pid=812\nsupervisor=patroni\n", "data_readable=0\n", &h, &id);
    assert_true(h.known);
    assert_int_equal(h.cpus, 8);
    assert_false(id.reached);
    assert_false(id.auto_conf_ok);
    assert_int_equal(id.postmaster_pid, 0);
    assert_string_equal(id.supervisor, "patroni");
}

static void the_directory_that_the_server_hides(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {0};
    parse("match=pidfile\ndata_directory=/srv/pg/data\npostmaster_pid=812\n", "data_readable=1\n",
          &h, &id);
    assert_true(id.reached);
    assert_string_equal(id.data_directory, "/srv/pg/data");
    assert_false(id.auto_conf_ok);
}

static void ways_to_its_owner(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {.data_directory = "/srv/pg/data"};
    parse("match=pidfile\npostmaster_pid=812\nsupervisor=systemd:a.service\nmanager=sudo\naccess="
          "sudo\n"
          "sudo_note=no\npg_ctlcluster=1\n",
          "data_readable=1\nleftovers=pg_diagnose.report pg_diagnose.lock \n", &h, &id);
    assert_string_equal(id.access, "sudo");
    assert_string_equal(id.manager, "sudo");
    assert_string_equal(id.sudo_note, "no");
    assert_true(id.pg_ctlcluster);
    assert_string_equal(id.leftovers, "pg_diagnose.report pg_diagnose.lock ");
    /* What is not ours to reach gives no way to its owner. */
    parse("match=process\npostmaster_pid=812\naccess=root\n", "data_readable=0\n", &h, &id);
    assert_string_equal(id.access, "");
    assert_string_equal(id.manager, "");
    assert_false(id.pg_ctlcluster);
}

static void settings_of_the_operating_system(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {0};
    struct buf text = {0};
    parse(
        "match=pidfile\nboot_id=0b0b-1\nclock=1700000000.25\nuser=dba\nroot=sudo\n",
        "os.vm.swappiness=60\nos.thp.enabled=madvise\nos_choices.thp.enabled=always madvise never\n"
        "os.io.sda.read_ahead_kb=128\nos_writable.thp.enabled=1\nos_writable.vm.none=1\n"
        "os.a/b=1\nos.a..b=1\nos.=1\nos.vm.swappiness=61\nos_choices.vm.none=a b\n",
        &h, &id);
    assert_int_equal(h.nos_facts, 3);
    assert_string_equal(host_os(&h, "vm.swappiness")->value, "60");
    assert_false(host_os(&h, "vm.swappiness")->writable);
    assert_string_equal(host_os(&h, "thp.enabled")->value, "madvise");
    assert_string_equal(host_os(&h, "thp.enabled")->choices, "always madvise never");
    assert_true(host_os(&h, "thp.enabled")->writable);
    assert_string_equal(host_os(&h, "io.sda.read_ahead_kb")->value, "128");
    assert_null(host_os(&h, "vm.none"));
    assert_string_equal(h.boot_id, "0b0b-1");
    assert_true(h.clock_s == 1700000000.25);
    assert_string_equal(h.user, "dba");
    assert_string_equal(h.root, "sudo");
    /* More than there is room for. */
    buf_puts(&text, "match=pidfile\n");
    for (int i = 0; i < 3 * OS_FACTS_MAX; i++)
        buf_printf(&text, "os.io.d%d.scheduler=none\n", i);
    host_facts_parse(buf_text(&text), &h, &id);
    assert_int_equal(h.nos_facts, OS_FACTS_MAX);
    buf_clear(&text);
}

static void huge_pages(void **state)
{
    (void)state;
    struct server_facts f = {0};
    struct setting items[] = {
        {.name = "huge_pages", .value = "try"},
        {.name = "shared_memory_size_in_huge_pages", .value = "2150"},
    };
    char text[320], figure[160];
    server_facts_clear(&f);
    f.settings = (struct settings){.n = 2, .items = items};
    assert_false(huge_pages_missed(&f, text, sizeof text, figure, sizeof figure));
    parse("match=pidfile\nhugepages_used=0\n", "", &f.host, &f.id);
    assert_true(huge_pages_missed(&f, text, sizeof text, figure, sizeof figure));
    assert_string_equal(figure, "none used, 10 reserved");
    assert_non_null(strstr(text, "reserved 10 huge pages (3 free); the server needs 2150."));
    parse("match=pidfile\nhugepages_used=1\n", "", &f.host, &f.id);
    assert_false(huge_pages_missed(&f, text, sizeof text, figure, sizeof figure));
    /* Since 17 the server says so itself, wherever it runs. */
    struct setting newer[] = {{.name = "huge_pages", .value = "try"},
                              {.name = "huge_pages_status", .value = "off"}};
    f.settings.items = newer;
    assert_true(huge_pages_missed(&f, text, sizeof text, figure, sizeof figure));
    snprintf(newer[1].value, sizeof newer[1].value, "on");
    parse("match=pidfile\nhugepages_used=0\n", "", &f.host, &f.id);
    assert_false(huge_pages_missed(&f, text, sizeof text, figure, sizeof figure));
    snprintf(newer[0].value, sizeof newer[0].value, "off");
    snprintf(newer[1].value, sizeof newer[1].value, "off");
    assert_false(huge_pages_missed(&f, text, sizeof text, figure, sizeof figure));
}

/* The address leads to a clone: all but the machine agrees. */
static void the_same_server_on_another_machine(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {0};
    parse("match=pidfile\npostmaster_pid=812\nmachine_id=not one\n", "data_readable=1\n", &h, &id);
    assert_string_equal(id.machine, "");
    parse("match=pidfile\npostmaster_pid=812\nmachine_id=0123456789abcdef0123456789abcdef\n",
          "data_readable=1\n", &h, &id);
    assert_string_equal(id.machine, "0123456789abcdef0123456789abcdef");
    assert_true(id.reached);
    parse("match=pidfile\npostmaster_pid=812\n", "data_readable=1\n", &h, &id);
    assert_true(id.reached);
    parse("match=pidfile\npostmaster_pid=812\nmachine_id=1123456789abcdef0123456789abcdef\n",
          "data_readable=1\n", &h, &id);
    assert_false(h.known || id.reached);
    assert_true(h.other);
    assert_non_null(strstr(h.why_not, "its machine-id is 11234"));
    assert_string_equal(id.machine, "0123456789abcdef0123456789abcdef");
}

static void another_machine_tells_nothing(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {.reached = true, .supervisor = "patroni", .owner = "x", .bindir = "/y"};
    parse("match=no\npostmaster_pid=812\n", "data_readable=1\n", &h, &id);
    assert_false(h.known);
    assert_int_equal(h.cpus, 0);
    assert_true(isnan(h.mem_total));
    assert_false(id.reached);
    assert_string_equal(id.supervisor, "");
    assert_string_equal(id.owner, "");
    assert_string_equal(id.bindir, "");
}

static void why_it_is_another_machine(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {.system_identifier = "7300000000000000001"};
    parse("match=no\nwhy=no process 5 of the server runs there\nother=1\n", "", &h, &id);
    assert_true(h.other);
    assert_string_equal(h.why_not, "no process 5 of the server runs there");
    parse("match=no\nwhy=nothing can be seen there\n", "", &h, &id);
    assert_false(h.other);
    assert_string_equal(h.why_not, "nothing can be seen there");
    /* A copy of the data directory on a twin; what cannot be compared is no difference. */
    parse("match=pidfile\npostmaster_pid=812\n",
          "data_readable=1\nsystem_identifier=7300000000000000002\n", &h, &id);
    assert_true(h.other && !h.known && !id.reached);
    assert_non_null(strstr(h.why_not, "7300000000000000002"));
    parse("match=pidfile\npostmaster_pid=812\n",
          "data_readable=1\nsystem_identifier=7300000000000000001\n", &h, &id);
    assert_true(!h.other && h.known && id.reached && !h.why_not[0]);
    id.system_identifier[0] = '\0';
    parse("match=pidfile\npostmaster_pid=812\n",
          "data_readable=1\nsystem_identifier=7300000000000000002\n", &h, &id);
    assert_true(!h.other && h.known && id.reached);
    parse("match=process\nno_proc=1\n", "", &h, &id);
    assert_true(h.known && h.no_proc);
}

static void nonsense_is_dropped(void **state)
{
    (void)state;
    struct host_facts h;
    struct identity id = {0};
    host_facts_parse("match=pidfile\ncpus=many\nmem_total=-5\nswappiness=99999999999999999999\n"
                     "hostname=a\x1b[2Jb\nno equals sign\n=\n===\nunknown=1\ndata_total=1e400\n"
                     "postmaster_pid=-1\ndata_readable=1",
                     &h, &id);
    assert_true(h.known);
    assert_int_equal(h.cpus, 0);
    assert_true(isnan(h.mem_total));
    assert_int_equal(h.swappiness, -1);
    assert_null(strchr(h.hostname, 0x1b));
    assert_true(isnan(h.data.total_bytes));
    assert_false(id.reached);
    host_facts_parse("", &h, &id);
    assert_false(h.known);
    /* Half a path would name something else: what does not fit is left out. */
    struct buf text = {0};
    buf_puts(&text, "match=pidfile\npostmaster_pid=3\ndata_readable=1\nbindir=/");
    for (int i = 0; i < 520; i++)
        buf_putc(&text, 'a');
    host_facts_parse(buf_text(&text), &h, &id);
    assert_true(id.reached);
    assert_string_equal(id.bindir, "");
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_server),
        cmocka_unit_test(a_container_has_less),
        cmocka_unit_test(an_unreadable_data_directory),
        cmocka_unit_test(the_directory_that_the_server_hides),
        cmocka_unit_test(ways_to_its_owner),
        cmocka_unit_test(settings_of_the_operating_system),
        cmocka_unit_test(huge_pages),
        cmocka_unit_test(the_same_server_on_another_machine),
        cmocka_unit_test(another_machine_tells_nothing),
        cmocka_unit_test(why_it_is_another_machine),
        cmocka_unit_test(nonsense_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
