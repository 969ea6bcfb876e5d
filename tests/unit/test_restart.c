/* Which way to restart fits which server, and what is said where none does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pgd/tuning/restart.h"

/* A server of this machine that nobody looks after. */
static const struct identity plain = {
    .reached = true,
    .data_directory = "/srv/pg/data",
    .config_file = "/srv/pg/data/postgresql.conf",
    .bindir = "/usr/lib/postgresql/15/bin",
    .owner = "postgres",
    .access = "root",
    .pg_ctlcluster = true,
};

static struct restart_choice by(struct identity id)
{
    struct restart_choice c;
    restart_choose(&id, RESTART_AUTO, "", &c);
    assert_true((c.way == RESTART_WAY_NONE) == (c.text[0] == '\0'));
    assert_true((c.way == RESTART_WAY_NONE) == (c.why_not[0] != '\0'));
    return c;
}

static struct identity looked_after(const char *supervisor, const char *manager, const char *note)
{
    struct identity id = plain;
    snprintf(id.supervisor, sizeof id.supervisor, "%s", supervisor);
    snprintf(id.manager, sizeof id.manager, "%s", manager);
    snprintf(id.sudo_note, sizeof id.sudo_note, "%s", note);
    return id;
}

static struct identity configured(const char *file)
{
    struct identity id = plain;
    snprintf(id.config_file, sizeof id.config_file, "%s", file);
    return id;
}

static void nobody_looks_after_it(void **state)
{
    (void)state;
    struct identity id = plain;
    assert_int_equal(by(id).way, RESTART_WAY_PG_CTL);
    assert_string_equal(by(id).text, "pg_ctl restart, as postgres");
    snprintf(id.access, sizeof id.access, "%s", "sudo");
    assert_string_equal(by(id).text, "pg_ctl restart, as postgres (sudo)");
    id.reached = false;
    assert_non_null(strstr(by(id).why_not, "does not run on this machine"));
    snprintf(id.sudo_note, sizeof id.sudo_note, "%s", "sudo wants a password");
    assert_string_equal(by(id).why_not,
                        "the data directory belongs to somebody else, and sudo wants a password");
}

static void a_unit(void **state)
{
    (void)state;
    const char *unit = "systemd:postgresql@15-main.service";
    assert_int_equal(by(looked_after(unit, "root", "")).way, RESTART_WAY_SYSTEMCTL);
    assert_string_equal(by(looked_after(unit, "root", "")).text,
                        "systemctl restart postgresql@15-main");
    assert_string_equal(by(looked_after(unit, "sudo", "")).text,
                        "systemctl restart postgresql@15-main (sudo)");
    assert_string_equal(by(looked_after(unit, "", "there is no sudo")).why_not,
                        "systemctl restart postgresql@15-main needs root, and there is no sudo");
    struct identity far = looked_after(unit, "root", "");
    far.reached = false; /* nothing could be put back */
    assert_int_equal(by(far).way, RESTART_WAY_NONE);
}

static void a_supervisor(void **state)
{
    (void)state;
    static const char *const all[] = {"patroni",
                                      "repmgr",
                                      "pacemaker",
                                      "cloudnativepg",
                                      "container",
                                      "stolon",
                                      "service:agent.service",
                                      "systemd-user:pg.service",
                                      "supervisord"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(by(looked_after(all[i], "root", "")).way, RESTART_WAY_NONE);
    assert_string_equal(by(looked_after("patroni", "root", "")).why_not,
                        "patroni looks after it, and must do that itself");
    assert_string_equal(by(looked_after("service:agent.service", "root", "")).why_not,
                        "the service agent.service looks after it");
    /* … also where its files would be ours. */
    struct identity id = looked_after("patroni", "root", "");
    snprintf(id.config_file, sizeof id.config_file, "%s",
             "/etc/postgresql/15/main/postgresql.conf");
    assert_int_equal(by(id).way, RESTART_WAY_NONE);
}

static void debians_layout(void **state)
{
    (void)state;
    struct identity id = configured("/etc/postgresql/15/main/postgresql.conf");
    assert_int_equal(by(id).way, RESTART_WAY_PG_CTLCLUSTER);
    assert_string_equal(by(id).text, "pg_ctlcluster 15 main restart");
    snprintf(id.access, sizeof id.access, "%s", "sudo");
    assert_string_equal(by(id).text, "pg_ctlcluster 15 main restart (sudo)");
    id.pg_ctlcluster = false;
    assert_int_equal(by(id).way, RESTART_WAY_PG_CTL);
    static const char *const others[] = {
        "/etc/postgresql/postgresql.conf",        "/etc/postgresql/15/postgresql.conf",
        "/etc/postgresql/15/a/b/postgresql.conf", "/etc/postgresql/x/main/postgresql.conf",
        "/etc/postgresql/15/a b/postgresql.conf", "/etc/postgresql/15/main/other.conf",
        "/etc/postgresql/15//postgresql.conf",    "",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(by(configured(others[i])).way, RESTART_WAY_PG_CTL);
}

/* By ssh to a machine that ends what a user has started with his session: only a service outlives us. */
static void ends_with_our_session(void **state)
{
    (void)state;
    struct identity id = configured("/etc/postgresql/15/main/postgresql.conf");
    id.logout_kills = true;
    assert_int_equal(by(id).way, RESTART_WAY_PG_CTLCLUSTER);
    id.over_ssh = true;
    assert_int_equal(by(id).way, RESTART_WAY_NONE);
    assert_non_null(strstr(by(id).why_not, "(KillUserProcesses)"));
    snprintf(id.supervisor, sizeof id.supervisor, "systemd:postgresql@15-main.service");
    snprintf(id.manager, sizeof id.manager, "root");
    assert_int_equal(by(id).way, RESTART_WAY_SYSTEMCTL);
}

static void what_the_dba_says(void **state)
{
    (void)state;
    struct restart_choice c;
    struct identity id = looked_after("patroni", "", "");
    restart_choose(&id, RESTART_COMMAND, "/usr/local/sbin/restart it", &c);
    assert_int_equal(c.way, RESTART_WAY_COMMAND);
    assert_string_equal(c.text, "/usr/local/sbin/restart it");
    restart_choose(&plain, RESTART_NEVER, "", &c);
    assert_int_equal(c.way, RESTART_WAY_NONE);
    assert_string_equal(c.why_not, "");
    restart_choose(&plain, RESTART_MANUAL, "", &c);
    assert_int_equal(c.way, RESTART_WAY_NONE);
}

/* Who runs the script, and with what rights. */
static void the_script(void **state)
{
    (void)state;
    struct effects fx = {0};
    struct req req = {.owner = OWNER_APPLY, .generation = 1, .id = 7};
    struct identity id = looked_after("systemd:pg.service", "sudo", "");
    struct effect *e;
    e = restart_script(&plain, RESTART_WAY_PG_CTL, "restart", "1.1.0", CHILD_DETACHED, req, &fx);
    assert_string_equal(e->u.child.argv[0], "sh");
    assert_string_equal(e->u.child.argv[1], "-c");
    assert_string_equal(e->u.child.argv[3], "pg_diagnose-restart");
    assert_string_equal(e->u.child.run_as, "postgres");
    snprintf(id.access, sizeof id.access, "%s", "sudo");
    e = restart_script(&id, RESTART_WAY_SYSTEMCTL, "restart", "1.1.0", CHILD_DETACHED, req, &fx);
    assert_string_equal(e->u.child.argv[3], "pg_diagnose-service");
    assert_string_equal(e->u.child.argv[4], "unit=pg.service");
    assert_string_equal(e->u.child.argv[5], "manager=sudo");
    assert_string_equal(e->u.child.argv[6], "access=sudo");
    assert_null(e->u.child.run_as); /* who calls the manager is we */
    e = restart_script(&id, RESTART_WAY_SYSTEMCTL, "save", "", CHILD_COLLECT, req, &fx);
    assert_string_equal(e->u.child.argv[0], "sudo");
    assert_string_equal(e->u.child.argv[3], "postgres");
    assert_string_equal(e->u.child.argv[5], "sh");
    assert_non_null(e->u.child.stdin_text);
    effects_clear(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_looks_after_it),
        cmocka_unit_test(a_unit),
        cmocka_unit_test(a_supervisor),
        cmocka_unit_test(debians_layout),
        cmocka_unit_test(ends_with_our_session),
        cmocka_unit_test(what_the_dba_says),
        cmocka_unit_test(the_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
