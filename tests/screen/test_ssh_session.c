/* A whole tuning session over ssh, by keys alone, against a server on a second host (tests/support/second_host.sh): its key is
 * accepted, a setting that needs a restart and one of its operating system are answered line by line, and what the summary says
 * is what that host is left with. */
#include "live.h"
#include "second_host.h"

enum { RUN_MS = 60000 };

static struct second_host host;
static char script[128];

/* A statement whose time hangs on the setting alone, so that the verdict is the same on a machine that does much else. */
static const char takes[] =
    "CREATE FUNCTION takes() RETURNS void LANGUAGE sql AS $$ SELECT pg_sleep(CASE WHEN "
    "pg_size_bytes(current_setting('work_mem')) < 1048576 THEN 0.012 ELSE 0.005 END) $$";

static struct screen *open_far(void)
{
    char home[200], ours[128], key[220];
    const char *argv[] = {"-H",         host.address,  "-p",         host.port,    "-U",
                          "postgres",   "-d",          "postgres",   "--script",   script,
                          "--duration", "1",           "--clients",  "2",          "--budget",
                          "4",          "--rounds",    "1",          "--ssh-host", host.address,
                          "--ssh-port", host.ssh_port, "--ssh-user", "dba",        "--ssh-key",
                          key,          NULL};
    const char *env[] = {
        home,
        ours,
        "SSH_AUTH_SOCK",
        "PGD_TEST_FORCE_CHANGE=work_mem=64MB;shared_buffers=160MB;os:vm.swappiness=11",
        "PGD_TEST_ONLY_FORCED=1",
        NULL};
    snprintf(home, sizeof home, "HOME=%s", host.home);
    snprintf(ours, sizeof ours, "PG_DIAGNOSE_HOME=%s", live_home);
    snprintf(key, sizeof key, "%s/.ssh/id_ed25519", host.home);
    live_screen = screen_open(&(struct screen_options){
        .program = getenv("PGD_TEST_PROGRAM"), .argv = argv, .env = env, .rows = 45, .cols = 160});
    return live_screen;
}

static void the_key_is_accepted(struct screen *s)
{
    char print[128];
    snprintf(print, sizeof print, "%s",
             second_host_exec(
                 &host, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d\" \" -f2"));
    screen_expect(s, "Unknown host", LIVE_MS);
    screen_expect(s, print, LIVE_MS);
    screen_key(s, "y");
    screen_expect_gone(s, "Unknown host", LIVE_MS);
    screen_expect_regex(s, "ssh \xe2\x97\x8f [0-9.]+ ms", LIVE_MS);
}

static void to_the_proposal(struct screen *s)
{
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_expect_regex(s, "restarts .*over ssh", LIVE_MS);
    screen_key(s, "g");
    screen_expect(s, "suggested", RUN_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Round 1 proposal: 3 changes, 1 restart", RUN_MS);
}

/* What restarts the server or reaches its machine has no answer until it is given one, and A gives none. */
static void each_line_is_answered(struct screen *s)
{
    screen_expect_regex(s, "\\[\\?\\] work_mem +256kB [^ ]+ 64MB +reload", LIVE_MS);
    screen_expect_regex(s, "\\[\\?\\] shared_buffers +128MB [^ ]+ 160MB +RESTART", LIVE_MS);
    screen_expect_regex(s, "\\[\\?\\] os:vm.swappiness +4[05] [^ ]+ 11 +HOST", LIVE_MS);
    screen_key(s, "A");
    screen_expect(s, "2 lines without an answer", LIVE_MS);
    screen_expect_regex(s, "\\[\\?\\] shared_buffers", LIVE_MS);
    screen_expect_regex(s, "\\[\\?\\] os:vm.swappiness", LIVE_MS);
    screen_key(s, "g");
    screen_pump(s, 300);
    screen_expect(s, "Round 1 proposal", LIVE_MS);
    screen_key(s, "<Home>");
    screen_key(s, "aaa");
    screen_expect(s, "3 accepted: ready to go", LIVE_MS);
    screen_key(s, "g");
}

/* Of everything that the session changes, in force and in its files; and whatever of the program is left there. */
static const char *state(void)
{
    static char text[600];
    snprintf(text, sizeof text, "%s\n",
             second_host_psql(&host, "SELECT current_setting('work_mem'), "
                                     "current_setting('shared_buffers')"));
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s",
             second_host_exec(&host, "cat /proc/sys/vm/swappiness; grep -v ^# "
                                     "/srv/pg/data/postgresql.auto.conf | sort; "
                                     "cd /srv/pg/data && ls -d /etc/sysctl.d/* /tmp/* "
                                     "pg_diagnose.* 2>/dev/null; ps -e -o args= | grep -c "
                                     "[p]gd_; true"));
    return text;
}

static void the_summary_is_true(struct screen *s)
{
    screen_expect(s, "MemoryTuning: ARCHIVED", RUN_MS);
    screen_expect(s, "improved: +", LIVE_MS);
    screen_expect(s, "settings in force now", LIVE_MS);
    screen_expect_regex(s, "work_mem +256kB [^ ]+ 64MB", LIVE_MS);
    screen_expect_regex(s, "shared_buffers +128MB [^ ]+ 160MB", LIVE_MS);
    screen_expect_regex(s, "os:vm.swappiness +4[05] [^ ]+ 11", LIVE_MS);
    screen_expect(s, "last until its next start", LIVE_MS);
    screen_expect_regex(s, "ssh \xe2\x97\x8f [0-9.]+ ms", LIVE_MS);
    screen_key(s, "<Esc>q");
    screen_expect_exit(s, 0, LIVE_MS);
    assert_string_equal(state(), "64MB|160MB\n11\nshared_buffers = '160MB'\nwork_mem = '64MB'\n0");
    pgtest_sh("grep -q '\"state\": *\"ARCHIVED\"' %s/workspaces/*/sessions/*/session.json",
              live_home);
    pgtest_sh("grep -q '^\\[%s\\]:%s ssh-ed25519 ' %s/.ssh/known_hosts", host.address,
              host.ssh_port, host.home);
}

static void from_the_key_to_the_summary(void **unused)
{
    char started[64];
    (void)unused;
    snprintf(started, sizeof started, "%s",
             second_host_psql(&host, "SELECT pg_postmaster_start_time()"));
    struct screen *s = open_far();
    the_key_is_accepted(s);
    to_the_proposal(s);
    each_line_is_answered(s);
    screen_expect(s, "Round 1: improved", RUN_MS);
    screen_expect_regex(s, "ssh \xe2\x97\x8f [0-9.]+ ms", LIVE_MS);
    screen_key(s, "<Enter>");
    the_summary_is_true(s);
    assert_string_not_equal(started, second_host_psql(&host, "SELECT pg_postmaster_start_time()"));
}

static int begin(void **unused)
{
    (void)unused;
    live_make_home();
    second_host_start(&host, "work_mem = 256kB\nmax_parallel_workers_per_gather = 0");
    pgtest_sh("rm %s/.ssh/known_hosts", host.home);
    second_host_psql(&host, takes);
    snprintf(script, sizeof script, "%s/takes.sql", host.work);
    pgtest_sh("echo 'SELECT takes();' >%s", script);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    second_host_stop(&host);
    pgtest_sh("rm -rf '%s'", live_home);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {LIVE_TEST(from_the_key_to_the_summary)};
    return cmocka_run_group_tests(tests, begin, end);
}
