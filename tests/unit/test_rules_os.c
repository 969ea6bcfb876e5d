/* The rules about the operating system: each fires on its cause and stays silent without; none is part of a whole configuration;
 * what nobody can accept comes last. */
#include "../support/builtin_world.h"

#include "pgd/agent/search.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

static void add_fact(struct world *w, const char *name, const char *value, const char *choices)
{
    struct os_fact *f = &w->f.host.os_facts[w->f.host.nos_facts++];
    memset(f, 0, sizeof *f);
    text_copy(f->name, sizeof f->name, name);
    text_copy(f->value, sizeof f->value, value);
    text_copy(f->choices, sizeof f->choices, choices);
    f->writable = true;
}

/* A machine whose system wants for nothing, to which the test adds one cause. */
static struct world *machine(const char *name, const char *value, const char *choices)
{
    struct world *w = world_new();
    w->f.id.reached = true;
    w->f.host.mem_available = 12 * GB;
    w->f.host.swap_total = 2 * GB;
    w->f.host.hugepage_bytes = 2 * MB;
    w->f.host.hugepages_total = 0;
    w->f.host.hugepages_used = 0;
    w->e.restart_allowed = w->e.os_open = true;
    add_fact(w, name, value, choices);
    add_fact(w, "vm.dirty_ratio", "40", "");
    add_fact(w, "vm.dirty_background_ratio", "20", "");
    os_settings(&w->f);
    return w;
}

static const struct setting_change *found(const struct candidates *all, const char *name)
{
    for (int i = 0; i < all->n; i++)
        if (strcmp(all->changes[i].name, name) == 0)
            return &all->changes[i];
    return NULL;
}

/* Looks, says what came, and lets the world go. */
static void expect_change(struct world *w, const char *name, const char *value)
{
    struct candidates *all = calloc(1, sizeof *all);
    struct sense s;
    sense_init(&s, &w->e);
    rules_collect(&s, all);
    const struct setting_change *c = found(all, name);
    if (!value && c)
        fail_msg("%s = %s without a cause: %s", name, c->value, c->evidence);
    if (value && !c)
        fail_msg("nothing is said of %s", name);
    if (value) {
        assert_string_equal(c->value, value);
        assert_true(strpbrk(c->evidence, "0123456789") != NULL);
        assert_true(c->why[0] && c->rule[0] && c->expect_hi >= c->expect_lo);
    }
    free(all);
    world_free(w);
}

static void swappiness(void **state)
{
    (void)state;
    struct world *w = machine("vm.swappiness", "60", "");
    w->base.swap_in = w->best.swap_in = 200;
    expect_change(w, "os:vm.swappiness", "1");
    expect_change(machine("vm.swappiness", "60", ""), "os:vm.swappiness", "10");
    expect_change(machine("vm.swappiness", "5", ""), "os:vm.swappiness", NULL);
    w = machine("vm.swappiness", "60", "");
    w->f.host.swap_total = 0; /* there is nothing to swap to */
    expect_change(w, "os:vm.swappiness", NULL);
}

static void writing(struct world *w)
{
    struct window *both[] = {&w->base, &w->best};
    for (int i = 0; i < 2; i++) {
        both[i]->wal_bytes = 30 * 20 * MB;
        both[i]->cpu_iowait = 0.3;
    }
}

static void dirty(void **state)
{
    (void)state;
    struct world *w = machine("vm.dirty_bytes", "0", ""); /* 40 % of 16 GB */
    writing(w);
    expect_change(w, "os:vm.dirty_bytes", "512MB");
    expect_change(machine("vm.dirty_bytes", "0", ""), "os:vm.dirty_bytes", NULL); /* no stalls */
    w = machine("vm.dirty_bytes", "0", "");
    writing(w);
    w->base.cpu_iowait = w->best.cpu_iowait = 0; /* the disk keeps up */
    expect_change(w, "os:vm.dirty_bytes", NULL);
    w = machine("vm.dirty_bytes", "1073741824", "");
    writing(w);
    expect_change(w, "os:vm.dirty_bytes", NULL); /* an amount is set */
    w = machine("vm.dirty_background_bytes", "0", "");
    writing(w);
    expect_change(w, "os:vm.dirty_background_bytes", "64MB");
}

static void pages(void **state)
{
    (void)state;
    expect_change(machine("thp.enabled", "always", "always madvise never"), "os:thp.enabled",
                  "madvise");
    expect_change(machine("thp.enabled", "madvise", "always madvise never"), "os:thp.enabled",
                  NULL);
    expect_change(machine("thp.enabled", "never", "always madvise never"), "os:thp.enabled", NULL);
    expect_change(machine("vm.nr_hugepages", "0", ""), "os:vm.nr_hugepages", NULL); /* 128 MB */
    struct world *w = machine("vm.nr_hugepages", "0", "");
    set(w, "shared_buffers", "524288"); /* 4 GB */
    expect_change(w, "os:vm.nr_hugepages", "2183");
    w = machine("vm.nr_hugepages", "0", "");
    set(w, "shared_buffers", "524288");
    w->f.host.hugepages_used = 1;
    expect_change(w, "os:vm.nr_hugepages", NULL);
    w = machine("vm.nr_hugepages", "0", "");
    set(w, "shared_buffers", "524288");
    w->e.restart_allowed = false; /* the guard would refuse it */
    expect_change(w, "os:vm.nr_hugepages", NULL);
}

static struct world *disk(const char *name, const char *value, const char *choices,
                          const char *kind)
{
    struct world *w = machine(name, value, choices);
    snprintf(w->f.host.data.device, sizeof w->f.host.data.device, "sda1");
    snprintf(w->f.host.data.kind, sizeof w->f.host.data.kind, "%s", kind);
    w->base.cpu_iowait = w->best.cpu_iowait = 0.3;
    return w;
}

static void disks(void **state)
{
    (void)state;
    static const char choices[] = "none mq-deadline bfq";
    expect_change(disk("io.sda.scheduler", "none", choices, "hdd"), "os:io.sda.scheduler",
                  "mq-deadline");
    expect_change(disk("io.sda.scheduler", "bfq", choices, "nvme"), "os:io.sda.scheduler", "none");
    expect_change(disk("io.sda.scheduler", "none", choices, "nvme"), "os:io.sda.scheduler", NULL);
    struct world *w = disk("io.sda.scheduler", "none", choices, "hdd");
    w->base.cpu_iowait = w->best.cpu_iowait = 0; /* nobody waits for it */
    expect_change(w, "os:io.sda.scheduler", NULL);

    w = disk("io.sda.read_ahead_kb", "128", "", "hdd");
    w->base.disk_read_bps = w->best.disk_read_bps = 100 * MB;
    w->plans[0].valid = true;
    w->plans[0].exec_ms = 100;
    w->plans[0].seq_scan_rows = 1e6;
    w->e.plans = w->plans;
    w->e.nplans = 1;
    expect_change(w, "os:io.sda.read_ahead_kb", "4096");
    w = disk("io.sda.read_ahead_kb", "8192", "", "ssd");
    w->base.disk_read_bps = w->best.disk_read_bps = 200 * MB;
    w->base.blks_read = w->best.blks_read = 30000; /* 8 MB/s */
    expect_change(w, "os:io.sda.read_ahead_kb", "128");
    expect_change(disk("io.sda.read_ahead_kb", "8192", "", "ssd"), "os:io.sda.read_ahead_kb", NULL);
}

static void processors(void **state)
{
    (void)state;
    static const char governors[] = "performance powersave";
    expect_change(machine("cpu.governor", "powersave", governors), "os:cpu.governor",
                  "performance");
    expect_change(machine("cpu.governor", "performance", governors), "os:cpu.governor", NULL);
    struct world *w = machine("cpu.governor", "powersave", governors);
    w->base.cpu_idle = w->best.cpu_idle = 0.95;
    expect_change(w, "os:cpu.governor", NULL);
    w = machine("kernel.numa_balancing", "1", "");
    w->base.cpu_sys = w->best.cpu_sys = 0.3;
    expect_change(w, "os:kernel.numa_balancing", "0");
    expect_change(machine("kernel.numa_balancing", "1", ""), "os:kernel.numa_balancing", NULL);
}

/* What the guard would refuse is no idea: another machine, or one that we may not change. */
static void out_of_reach(void **state)
{
    (void)state;
    struct world *w = machine("vm.swappiness", "60", "");
    w->f.id.reached = false;
    expect_change(w, "os:vm.swappiness", NULL);
    w = machine("vm.swappiness", "60", "");
    w->f.host.os_facts[0].writable = false;
    os_settings(&w->f);
    expect_change(w, "os:vm.swappiness", NULL);
}

/* By itself, and never among what the figures speak for as a whole. */
static void alone(void **state)
{
    (void)state;
    struct world *w = machine("thp.enabled", "always", "always madvise never");
    struct proposal *p = calloc(1, sizeof *p);
    w->base.temp_files = 100;
    w->base.temp_bytes = 100 * MB;
    w->best = w->base;
    builtin_round1(&w->e, p);
    int sets = 0;
    for (int i = 0; i < p->n; i++) {
        if (strcmp(p->changes[i].name, "os:thp.enabled") != 0)
            continue;
        for (int s = 0; s < p->nsets; s++)
            sets += (int)(p->changes[i].sets >> s & 1);
        for (int j = 0; j < p->n; j++)
            if (j != i && (p->changes[j].sets & p->changes[i].sets))
                fail_msg("%s goes along with it", p->changes[j].name);
    }
    assert_true(p->n > 0);
    assert_true(sets <= 1);
    free(p);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swappiness), cmocka_unit_test(dirty),      cmocka_unit_test(pages),
        cmocka_unit_test(disks),      cmocka_unit_test(processors), cmocka_unit_test(out_of_reach),
        cmocka_unit_test(alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
