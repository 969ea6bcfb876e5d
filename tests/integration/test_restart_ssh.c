/* Switches of a server on a second host (tests/support/second_host.sh), over a real sshd: each way to restart it with each sort
 * of ssh user, there and with a value that the server does not start with; and the link that fails between any two steps.
 *
 * An argument is a pattern of the names of tests; "all" runs those, too, that take long (tests/soak). */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applytest.h"

static char folder[200], relay_port[16];
static FILE *relay_in;
static pid_t relay;
static struct pgtest there;

/* -- the second host --------------------------------------------------------------------------- */

#define HOST "\"$PGD_SOURCE_DIR/tests/support/second_host.sh\""

static const char *of_host(const char *name)
{
    return pgtest_sh("sed -n 's/^%s=//p' '%s/told'", name, folder);
}

/* The relay hears one word at a time, and has obeyed when it says so. */
static void link_is(const char *word)
{
    const char *seen = pgtest_sh("wc -l <'%s/relay'", folder);
    char before[32];
    text_copy_raw(before, sizeof before, seen);
    fprintf(relay_in, "%s\n", word);
    fflush(relay_in);
    pgtest_sh("for i in $(seq 500); do [ \"$(wc -l <'%s/relay')\" -le %s ] || exit 0; sleep 0.01; "
              "done; exit 1",
              folder, before);
}

static void start_relay(void)
{
    char command[700];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(command, sizeof command,
             "exec python3 \"$PGD_SOURCE_DIR/tests/support/relay.py\" %s 2222 >'%s/relay'",
             there.host, folder);
    relay = fork();
    if (relay == 0) {
        dup2(ends[0], 0);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    relay_in = fdopen(ends[1], "w");
    text_copy_raw(relay_port, sizeof relay_port,
                  pgtest_sh("for i in $(seq 500); do [ -s '%s/relay' ] && break; sleep 0.01; done; "
                            "head -n 1 '%s/relay'",
                            folder, folder));
}

/* layout: of second_host.sh; more: other options of it. */
static void start_host(const char *layout, const char *more)
{
    text_copy_raw(folder, sizeof folder, pgtest_sh("mktemp -d /tmp/pgd-second.XXXXXX"));
    const char *code = pgtest_sh(
        "chmod 755 %s; printf '%%s\\n' 'shared_buffers = 32MB' 'huge_pages = off' >%s/conf; "
        "SECOND_HOST_OWNER=%d " HOST " start %s/host layout=%s conf=%s/conf %s >%s/told 2>&1 "
        "</dev/null; echo $?",
        folder, folder, (int)getpid(), folder, layout, folder, more, folder);
    if (strcmp(code, "0") != 0) {
        print_message("%s\n", pgtest_sh("cat '%s/told'", folder));
        assert_string_equal(code, "77");
        exit(77);
    }
    memset(&there, 0, sizeof there);
    text_copy_raw(there.host, sizeof there.host, of_host("address"));
    text_copy_raw(there.port, sizeof there.port, of_host("pgport"));
    text_copy_raw(there.user, sizeof there.user, "postgres");
    text_copy_raw(there.osuser, sizeof there.osuser, "postgres");
    text_copy_raw(there.bindir, sizeof there.bindir, of_host("bin"));
    snprintf(there.dir, sizeof there.dir, "%s/server", folder);
    snprintf(there.data, sizeof there.data, "%s/host/disk/%s", folder,
             strcmp(layout, "debian") == 0 ? "var_lib_postgresql/15/main" : "srv/pg/data");
    pgtest_sh("mkdir '%s'; printf '%%s\\n' 'host=%s' 'port=%s' >'%s/info'", there.dir, there.host,
              there.port, there.dir);
    start_relay();
}

static int stop_host(void **state)
{
    (void)state;
    if (relay_in)
        fclose(relay_in);
    relay_in = NULL;
    if (relay > 0)
        waitpid(relay, NULL, 0);
    relay = 0;
    pgtest_sh(HOST " stop '%s/host'; rm -rf '%s'", folder, folder);
    return 0;
}

static const char *on_host(const char *command)
{
    return pgtest_sh(HOST " exec '%s/host' sh -c '%s'", folder, command);
}

/* -- the world ------------------------------------------------------------------------------------ */

/* What discovery finds out about that host for this ssh user; access as in struct identity. */
static void as(const char *user, const char *access)
{
    text_copy_raw(w->ssh.user, sizeof w->ssh.user, user);
    text_copy_raw(w->facts.id.access, sizeof w->facts.id.access, access);
}

static int set_up(void **state)
{
    struct pgtest *pg = calloc(1, sizeof *pg);
    (void)state;
    *pg = there;
    link_is("resume");
    world_of(pg);
    struct identity *id = &w->facts.id;
    id->over_ssh = true;
    text_copy_raw(id->server_addr, sizeof id->server_addr, there.host);
    id->pg_ctlcluster = true;
    text_copy_raw(id->machine, sizeof id->machine, on_host("cat /etc/machine-id"));
    assert_int_equal(strlen(id->machine), 32);
    text_copy_raw(w->ssh.host, sizeof w->ssh.host, "127.0.0.1");
    text_copy_raw(w->ssh.port, sizeof w->ssh.port, relay_port);
    snprintf(w->ssh.dir, sizeof w->ssh.dir, "%.200s/host/home/.ssh", folder);
    snprintf(w->ssh.key, sizeof w->ssh.key, "%.250s/id_ed25519", w->ssh.dir);
    pgtest_sh("k=$(cut -d' ' -f1,2 '%s/host/disk/etc/ssh/ssh_host_ed25519_key.pub'); "
              "echo \"[127.0.0.1]:%s $k\" >>'%s/known_hosts'",
              folder, relay_port, w->ssh.dir);
    as("dba", "sudo");
    w->canary = true;
    w->link_ms = 20000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    /* of the world the server stays */
    pgtest_sh("cp '%s/info' '%s/info'", w->pg->dir, folder);
    world_end();
    pgtest_sh("mkdir -p '%s'; cp '%s/info' '%s/info'", there.dir, folder, there.dir);
    return 0;
}

static struct restart_choice choose(void)
{
    struct restart_choice by;
    restart_choose(&w->facts.id, RESTART_AUTO, "", &by);
    print_message("    restart: %s%s\n", by.text, by.why_not);
    w->way = by.way;
    return by;
}

/* Nothing of ours is left there: no file, no process, nothing that another user owns. */
static void is_clean(void)
{
    assert_string_equal(leftovers(), "");
    assert_string_equal(pgtest_sh("ls '%s/host/disk/tmp' | grep -v '^x-' || true", folder), "");
    assert_string_equal(pgtest_sh("find '%s' ! -user postgres", w->pg->data), "");
}

/* Another one than there is now, so that a restart is needed. */
static const char *another_value(void)
{
    static char value[16];
    static int n;
    snprintf(value, sizeof value, "%dMB", 40 + n++ % 4 * 8);
    if (strcmp(value, show("shared_buffers")) == 0)
        snprintf(value, sizeof value, "%dMB", 40 + n++ % 4 * 8);
    return value;
}

/* line: of postgresql.auto.conf. */
static void must_be(const char *value, const char *line)
{
    assert_string_equal(show("shared_buffers"), value);
    assert_string_equal(auto_conf(), line);
    is_clean();
}

static const char *line_of(const char *value)
{
    static char line[64];
    snprintf(line, sizeof line, "shared_buffers = '%s'", value);
    return line;
}

/* The canary sees it beforehand, and without it the server is rescued. */
static void there_and_not_there(bool canary)
{
    w->canary = canary;
    const char *value = another_value();
    struct arm good = arm_of("round 1", "shared_buffers", value),
               never = arm_of("round 2", "shared_buffers", "4TB");
    assert_int_equal(switch_to(&good), APPLY_DONE);
    assert_true(w->apply->restarted);
    if (canary) {
        assert_int_equal(switch_to(&never), APPLY_FAILED);
        assert_non_null(strstr(w->apply->log_line, "shared memory"));
    }
    w->preflight_disabled = true;
    assert_int_equal(switch_to(&never), APPLY_ROLLED_BACK);
    assert_true(w->apply->restored);
    assert_true(w->apply->restart_s < 30);
    assert_non_null(strstr(w->apply->log_line, "could not map anonymous shared memory"));
    must_be(value, line_of(value));
}

static void test_root(void **state)
{
    (void)state;
    as("root", "root");
    assert_string_equal(choose().text, "pg_ctl restart, as postgres over ssh");
    there_and_not_there(false);
}

static void test_owner(void **state)
{
    (void)state;
    as("postgres", "owner");
    choose();
    there_and_not_there(false);
}

static void test_sudo_to_the_owner(void **state)
{
    (void)state;
    as("pgonly", "sudo");
    assert_string_equal(choose().text, "pg_ctl restart, as postgres (sudo) over ssh");
    there_and_not_there(true);
}

static void test_debian_cluster(void **state)
{
    (void)state;
    assert_string_equal(choose().text, "pg_ctlcluster 15 main restart (sudo) over ssh");
    there_and_not_there(true);
    as("postgres", "owner");
    assert_string_equal(choose().text, "pg_ctlcluster 15 main restart over ssh");
    there_and_not_there(false);
}

/* systemctl is recorded, since no test machine has systemd: a program of that name, first on the PATH there. */
static void test_systemd_unit(void **state)
{
    struct identity *id = &w->facts.id;
    (void)state;
    on_host(
        "mkdir -p /tmp/x-bin && cat >/tmp/x-bin/systemctl <<\"TXT\" && chmod 755 "
        "/tmp/x-bin/systemctl && mount --bind /tmp/x-bin /usr/local/bin\n"
        "#!/bin/sh\n"
        "echo \"$(id -un) $*\" >>/tmp/x-calls\n"
        "[ \"$1\" = restart ] && [ ! -e /tmp/x-refuses ] || exit 1\n"
        "cd /\n"
        "ctl=$(ls /usr/lib/postgresql/*/bin/pg_ctl | tail -n 1)\n"
        "pg() { setpriv --reuid postgres --regid postgres --init-groups \"$ctl\" -D /srv/pg/data "
        "\"$@\" </dev/null >/dev/null 2>&1; }\n"
        "pg -w -m fast stop\n"
        "pg -w -l /srv/pg/log start\n"
        "TXT");
    text_copy_raw(id->supervisor, sizeof id->supervisor, "systemd:postgresql@15-main.service");
    text_copy_raw(id->manager, sizeof id->manager, "sudo");
    assert_string_equal(choose().text, "systemctl restart postgresql@15-main (sudo) over ssh");
    there_and_not_there(false);
    as("root", "root");
    text_copy_raw(id->manager, sizeof id->manager, "root");
    assert_string_equal(choose().text, "systemctl restart postgresql@15-main over ssh");
    there_and_not_there(false);
    /* There, not there and back, for each of the two: never anything but restart. */
    assert_string_equal(on_host("sort /tmp/x-calls | uniq -c | sed \"s/^ *//\""),
                        "6 root restart postgresql@15-main.service");
    on_host("touch /tmp/x-refuses");
    struct arm more = arm_of("round 3", "shared_buffers", another_value());
    w->preflight_disabled = false;
    assert_int_equal(switch_to(&more), APPLY_ROLLED_BACK);
    on_host("umount /usr/local/bin");
    assert_non_null(strstr(w->apply->err.msg, "systemctl did not restart"));
    is_clean();
}

/* -- the link fails ------------------------------------------------------------------------------- */

/* When: an effect that holds both words is about to be carried out, or so many milliseconds after it was. */
static struct {
    const char *word, *other;
    int after_ms; /* -1: before */
    int away_ms;  /* 0: it does not come back by itself */
    bool done;
} fault = {.word = "", .other = ""};

static bool is_it(const struct effect *e)
{
    bool word = false, other = !*fault.other;
    if (e->kind == FX_PG_QUERY)
        return strncmp(e->text, fault.word, strlen(fault.word)) == 0;
    for (size_t i = 0; e->kind == FX_CHILD && e->u.child.argv[i]; i++) {
        word |= strcmp(e->u.child.argv[i], fault.word) == 0;
        other |= strcmp(e->u.child.argv[i], fault.other) == 0;
    }
    return word && other;
}

/* Our part of it goes on, and the relay hears the words when it is time. */
static void link_later(int cut_ms, int resume_ms)
{
    pid_t first = fork();
    if (first == 0) {
        if (fork() != 0)
            _exit(0);
        usleep((useconds_t)cut_ms * 1000);
        if (write(fileno(relay_in), "cut\n", 4) == 4)
            usleep((useconds_t)resume_ms * 1000);
        _exit(write(fileno(relay_in), "resume\n", 7) == 7 ? 0 : 1);
    }
    waitpid(first, NULL, 0);
}

static void fail_before(const struct effect *e)
{
    if (fault.done || fault.after_ms >= 0 || !is_it(e))
        return;
    fault.done = true;
    link_is("cut");
    usleep(50000); /* it is known here */
    if (fault.away_ms > 0)
        link_later(0, fault.away_ms);
}

static void fail_after(const struct effect *e)
{
    if (fault.done || fault.after_ms < 0 || !is_it(e))
        return;
    fault.done = true;
    link_later(fault.after_ms, fault.away_ms);
}

static int starts_logged(void)
{
    return atoi(pgtest_sh("grep -c 'starting PostgreSQL' '%s/host/disk/srv/pg/log'", folder));
}

/* The switch comes to the same end as if the link had held, and the server was started so often and not more. */
static void fails(const char *word, const char *other, int after_ms, bool starts)
{
    char before[32], line[64];
    text_copy_raw(before, sizeof before, show("shared_buffers"));
    text_copy_raw(line, sizeof line, auto_conf());
    const char *value = starts ? another_value() : "4TB";
    struct arm arm = arm_of(word, "shared_buffers", value);
    int logged = starts_logged();

    fault.word = word;
    fault.other = other;
    fault.after_ms = after_ms;
    fault.away_ms = 1500;
    fault.done = false;
    w->before = fail_before;
    w->after = fail_after;
    w->preflight_disabled = !starts;
    assert_int_equal(switch_to(&arm), starts ? APPLY_DONE : APPLY_ROLLED_BACK);
    assert_true(fault.done);
    assert_non_null(strstr(w->notes, "waiting for ssh to the server's host"));
    assert_int_equal(starts_logged() - logged, 1);
    if (!starts)
        assert_non_null(strstr(w->apply->log_line, "could not map anonymous shared memory"));
    must_be(starts ? value : before, starts ? line_of(value) : line);
}

static void test_cut_link(void **state)
{
    (void)state;
    choose();
    w->canary = false;
    fails("restart", "", 250, false);
    fails("restart", "", -1, true);
}

/* Between any two steps of a switch. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    choose();
    fails("pg_diagnose-canary", "", -1, true);
    fails("pg_diagnose-canary", "", 400, true);
    fails("save", "", -1, true);
    fails("save", "", 20, true);
    fails("ALTER SYSTEM", "", -1, true);
    fails("restart", "", 0, true);
    fails("restart", "", 60, true);
    fails("restart", "", 250, true);
    fails("look", "", -1, true);
    fails("restart", "", -1, false);
    fails("restart", "", 60, false);
    fails("restart", "", 600, false);
    fails("look", "", 10, false);
    fails("clean", "", -1, true);
    fails("clean", "", 10, true);
}

/* -- bad hosts --------------------------------------------------------------------------------------- */

/* It stays away: before anything was touched that is all, and what was sent is taken back without it. */
static void test_gone(void **state)
{
    (void)state;
    const char *value = another_value();
    struct arm arm = arm_of("round 1", "shared_buffers", value);
    char before[32], line[64];
    text_copy_raw(before, sizeof before, show("shared_buffers"));
    text_copy_raw(line, sizeof line, auto_conf());
    choose();
    w->host_ms = 3000;
    w->link_ms = 4000;
    w->before = fail_before;
    fault.after_ms = -1;
    fault.away_ms = 0;
    fault.word = "save";
    fault.done = false;
    assert_int_equal(switch_to(&arm), APPLY_FAILED);
    assert_string_equal(auto_conf(), line);
    link_is("resume");

    fault.word = "restart";
    fault.done = false;
    assert_int_equal(switch_to(&arm), APPLY_ROLLED_BACK);
    assert_string_equal(auto_conf(), line);
    assert_string_equal(show("shared_buffers"), before);
    link_is("resume");
}

/* The power fails in the middle of a restart, and comes back. */
static void power_fails(const struct effect *e)
{
    if (fault.done || !is_it(e))
        return;
    fault.done = true;
    pgtest_sh("(sleep 0.3; " HOST " off '%s/host'; sleep 1; " HOST " on '%s/host') </dev/null "
              ">/dev/null 2>&1 &",
              folder, folder);
}

static void test_reboot(void **state)
{
    (void)state;
    const char *value = another_value();
    struct arm arm = arm_of("round 1", "shared_buffers", value);
    choose();
    fault.word = "restart";
    fault.done = false;
    w->after = power_fails;
    assert_int_equal(switch_to(&arm), APPLY_DONE);
    must_be(value, line_of(value));
}

/* All that works on the restart is killed, the server with it. */
static void all_die(const struct effect *e)
{
    if (fault.done || !is_it(e))
        return;
    fault.done = true;
    pgtest_sh("(sleep 0.2; " HOST " exec '%s/host' sh -c 'pkill -KILL -f [p]g_diagnose-restart; "
              "pkill -KILL -u postgres') </dev/null >/dev/null 2>&1 &",
              folder);
}

static void test_killed_there(void **state)
{
    (void)state;
    char before[32], line[64];
    text_copy_raw(before, sizeof before, show("shared_buffers"));
    text_copy_raw(line, sizeof line, auto_conf());
    struct arm arm = arm_of("round 1", "shared_buffers", another_value());
    choose();
    w->link_ms = 3000;
    fault.word = "restart";
    fault.done = false;
    w->after = all_die;
    assert_int_equal(switch_to(&arm), APPLY_ROLLED_BACK);
    assert_true(w->apply->restored);
    must_be(before, line);
}

/* sshd and all that it has started stand still for longer than an answer is waited for; nobody is told. */
static void freeze(const struct effect *e)
{
    if (fault.done || !is_it(e))
        return;
    fault.done = true;
    pgtest_sh("(sleep 0.2; " HOST " exec '%s/host' pkill -STOP sshd; sleep 20; " HOST
              " exec '%s/host' pkill -CONT sshd) </dev/null >/dev/null 2>&1 &",
              folder, folder);
}

static void test_frozen(void **state)
{
    (void)state;
    const char *value = another_value();
    struct arm arm = arm_of("round 1", "shared_buffers", value);
    choose();
    fault.word = "restart";
    fault.done = false;
    w->after = freeze;
    assert_int_equal(switch_to(&arm), APPLY_DONE);
    assert_true(w->apply->now_us - w->apply->started_at_us > 15000000);
    must_be(value, line_of(value));
}

static void test_sudo_asks(void **state)
{
    (void)state;
    struct arm arm = arm_of("round 1", "shared_buffers", another_value());
    choose();
    as("asks", "sudo");
    assert_int_equal(switch_to(&arm), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "password is required"));
    w->canary = false;
    assert_int_equal(switch_to(&arm), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "password is required"));
    is_clean();
}

/* The name of the host leads to another machine by now, with a server of its own at the same place. */
static void test_another_machine(void **state)
{
    (void)state;
    const char *said = pgtest_sh(
        HOST
        " as '%s/host' postgres sh -c \"$(cat \"$PGD_SOURCE_DIR/assets/restart/restart.sh\")\" "
        "pg_diagnose-restart save data=/srv/pg/data bin=%s system=42 || true",
        folder, w->pg->bindir);
    assert_non_null(strstr(said, "state=refused\n"));
    assert_non_null(strstr(said, "/srv/pg/data is another server's"));
    said = pgtest_sh(
        HOST
        " as '%s/host' postgres sh -c \"$(cat \"$PGD_SOURCE_DIR/assets/restart/restart.sh\")\" "
        "pg_diagnose-restart save data=/srv/pg/data bin=%s "
        "machine=0123456789abcdef0123456789abcdef || true",
        folder, w->pg->bindir);
    assert_non_null(strstr(said, "state=refused\nnote=this is another machine"));
    is_clean();
    said = pgtest_sh(
        "r='%s/made-up'; mkdir -p $r/etc $r/proc/sys/vm; echo 60 >$r/proc/sys/vm/swappiness; "
        "echo %s >$r/etc/machine-id; for id in 0123456789abcdef0123456789abcdef %s; do "
        "PGD_HOST_ROOT=$r sh -s -- set '' machine=$id os:vm.swappiness 10 "
        "<\"$PGD_SOURCE_DIR/assets/remote/os.sh\"; cat $r/proc/sys/vm/swappiness; done",
        folder, w->facts.id.machine, w->facts.id.machine);
    assert_non_null(strstr(said, "state=refused\nwhy=this is another machine"));
    assert_non_null(strstr(said, "looked at\n60\nstate=ok\nos:vm.swappiness=10\n10"));
}

/* No room for the canary, and on a disk of that host none for the copy: nothing was touched. */
static void test_full_disk(void **state)
{
    (void)state;
    struct arm arm = arm_of("round 1", "shared_buffers", another_value());
    choose();
    on_host(
        "mount -t tmpfs -o size=4k,mode=1777 full /tmp; head -c 4096 /dev/zero >/tmp/x-fill; true");
    enum apply_state end = switch_to(&arm);
    on_host("umount /tmp");
    assert_int_equal(end, APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "the canary could not be made"));
    assert_non_null(strstr(w->apply->err.msg, "full?"));

    w->canary = false;
    on_host("cat /dev/zero >/srv/pg/data/fill 2>/dev/null; true");
    end = switch_to(&arm);
    on_host("rm /srv/pg/data/fill");
    assert_int_equal(end, APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "could not be made: the disk of the data directory"));
    assert_string_equal(on_host("grep -v \"^#\" /srv/pg/data/postgresql.auto.conf; "
                                "ls /srv/pg/data | grep pg_diagnose || true"),
                        "");
}

/* A restart that is ordered again by somebody who could not see whether it was made is made once. */
static void test_ordered_twice(void **state)
{
    (void)state;
    char started[2][64], before[64];
    text_copy_raw(before, sizeof before, sql("SELECT pg_postmaster_start_time()"));
    for (int i = 0; i < 2; i++) {
        pgtest_sh(HOST " as '%s/host' postgres sh -c "
                       "\"$(cat \"$PGD_SOURCE_DIR/assets/restart/restart.sh\")\" "
                       "pg_diagnose-restart restart data=/srv/pg/data bin=%s id=7.1.1 wait=60",
                  folder, w->pg->bindir);
        text_copy_raw(started[i], sizeof started[i], sql("SELECT pg_postmaster_start_time()"));
    }
    assert_string_not_equal(started[0], before);
    assert_string_equal(started[1], started[0]);
    pgtest_sh(
        "cd '%s' && rm -f pg_diagnose.report pg_diagnose.opts pg_diagnose.env pg_diagnose.mark",
        w->pg->data);
    is_clean();
}

/* A hand-over's file, written again by somebody who could not see whether it had been, or with another text: what was there before
 * comes back. */
static void test_written_twice(void **state)
{
    (void)state;
    const char *seen = pgtest_sh(
        "mkdir '%s/conf.d' && cd '%s/conf.d' && echo \"include_dir = 'conf.d'\" >../x.conf\n"
        "m() { sh \"$PGD_SOURCE_DIR/assets/restart/managed.sh\" \"$@\" config=\"$PWD/../x.conf\" "
        ">/dev/null; }\n"
        "f=zz-pg_diagnose.conf; echo old >$f\n"
        "m write text=one; m write text=two; cat $f; m restore; cat $f\n"
        "m write text=new; m write text=new; cat $f; m restore; m restore; cat $f\n"
        "rm $f; m write text=new; m write text=new; m restore; m restore; ls -A",
        folder, folder);
    assert_string_equal(seen, "twoold\nnewold");
}

#define ON_HOST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static int ctl_host(void **state)
{
    (void)state;
    start_host("ctl", "");
    return 0;
}

static int small_host(void **state)
{
    (void)state;
    start_host("ctl", "data=200M");
    return 0;
}

static int debian_host(void **state)
{
    (void)state;
    start_host("debian", "");
    return 0;
}

int main(int argc, char **argv)
{
    bool all = argc > 1 && strcmp(argv[1], "all") == 0;
    if (argc > 1 && !all)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest few[] = {
        ON_HOST(test_sudo_to_the_owner),
        ON_HOST(test_cut_link),
    };
    const struct CMUnitTest ctl[] = {
        ON_HOST(test_root),          ON_HOST(test_owner),         ON_HOST(test_sudo_to_the_owner),
        ON_HOST(test_cut_anywhere),  ON_HOST(test_gone),          ON_HOST(test_reboot),
        ON_HOST(test_killed_there),  ON_HOST(test_sudo_asks),     ON_HOST(test_another_machine),
        ON_HOST(test_ordered_twice), ON_HOST(test_written_twice), ON_HOST(test_frozen),
        ON_HOST(test_systemd_unit),
    };
    const struct CMUnitTest small[] = {
        ON_HOST(test_full_disk),
    };
    const struct CMUnitTest debian[] = {
        ON_HOST(test_debian_cluster),
    };
    unsetenv("SSH_AUTH_SOCK");
    if (argc < 2)
        return cmocka_run_group_tests(few, ctl_host, stop_host);
    return cmocka_run_group_tests(ctl, ctl_host, stop_host) +
           cmocka_run_group_tests(small, small_host, stop_host) +
           cmocka_run_group_tests(debian, debian_host, stop_host);
}
