/* The link to the server's host as the DBA sees it: an unknown key, a passphrase, a changed key, a link that is lost and comes back, a way
 * through other hosts that must not touch the terminal, and a run without a screen. */
#include "live.h"

static char folder[64], port[16], home[96], script[512];

/* ---- the host ---- */

static void start_host(void)
{
    pgtest_sh("%s start %s >%s/port.txt && rm -rf %s && mkdir -m 0700 -p %s/.ssh && "
              "cp %s/client/id_* %s/.ssh/",
              script, folder, folder, home, home, folder, home);
    snprintf(port, sizeof port, "%s", pgtest_sh("cat %s/port.txt", folder));
}

static int begin(void **state)
{
    (void)state;
    live_begin("");
    snprintf(folder, sizeof folder, "/tmp/pgd-ssh-%d", (int)getpid());
    snprintf(home, sizeof home, "%s/home", folder);
    snprintf(script, sizeof script, "%s/tests/support/sshd.sh", getenv("PGD_SOURCE_DIR"));
    pgtest_sh("rm -rf %s && mkdir -p %s", folder, folder);
    start_host();
    return 0;
}

static int end(void **state)
{
    (void)state;
    pgtest_sh("pkill -P $(cat %s/sshd.pid) || true; %s stop %s; rm -rf %s", folder, script, folder,
              folder);
    live_end();
    return 0;
}

static struct screen *open_linked(const char *host, int rows, int cols)
{
    char home_var[128];
    const char *args[] = {"--ssh-host", host, "--ssh-port", port, "--readonly", NULL};
    const char *env[] = {home_var, "SSH_AUTH_SOCK", NULL};
    snprintf(home_var, sizeof home_var, "HOME=%s", home);
    return live_open("postgres", args, env, rows, cols);
}

static void config(const char *text)
{
    pgtest_sh("cat >%s/.ssh/config <<'E'\n%s\nE", home, text);
}

/* Its key is known, and only this key of ours is there. */
static void known_with(const char *key)
{
    pgtest_sh("rm -f %s/.ssh/*; cp %s/client/%s* %s/.ssh/; "
              "ssh-keyscan -p %s 127.0.0.1 2>/dev/null >%s/.ssh/known_hosts",
              home, folder, key, home, port, home);
}

/* ---- tests ---- */

static void an_unknown_key_is_never_taken_by_itself(void **state)
{
    char print[128];
    (void)state;
    snprintf(print, sizeof print, "%s",
             pgtest_sh("ssh-keygen -lf %s/host_key.pub | cut -d' ' -f2", folder));
    struct screen *s = open_linked("127.0.0.1", 24, 80);
    screen_expect(s, "Unknown host", LIVE_MS);
    screen_expect(s, print, LIVE_MS);
    screen_expect(s, "ssh_host_ed25519_key.pub", LIVE_MS);
    screen_expect(s, "ssh asks", LIVE_MS);
    screen_key(s, "<Enter><Space>Y");
    screen_pump(s, 300);
    screen_expect(s, print, LIVE_MS);
    screen_key(s, "n");
    screen_expect(s, "ssh refused: /ssh", LIVE_MS);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS); /* the server is looked at all the same */
    screen_key(s, "/ssh<Enter>");
    screen_expect(s, "was not accepted", LIVE_MS);
    screen_expect(s, "ssh-keyscan -p", LIVE_MS);
    screen_key(s, "r");
    screen_expect(s, "letter by letter", LIVE_MS);
    screen_key(s, "y");
    screen_expect(s, "ssh \xe2\x97\x8f", LIVE_MS);
    screen_key(s, "s");
    screen_expect_regex(s, "ssh link +127.0.0.1 port [0-9]+: up .* answers in [0-9.]+ ms", LIVE_MS);
    screen_key(s, "<Esc>");
    live_quit(s);
    pgtest_sh("grep -q ']:%s ssh-ed25519' %s/.ssh/known_hosts", port, home);
}

static void a_passphrase_is_asked_and_shown_nowhere(void **state)
{
    (void)state;
    known_with("id_locked");
    pgtest_sh("mv %s/.ssh/id_locked %s/.ssh/id_ed25519; mv %s/.ssh/id_locked.pub "
              "%s/.ssh/id_ed25519.pub",
              home, home, home, home);
    struct screen *s = open_linked("127.0.0.1", 36, 120);
    screen_expect(s, "Passphrase of ", LIVE_MS);
    screen_expect(s, ".ssh/id_ed25519, for 127.0.0.1", LIVE_MS);
    screen_key(s, "wrong<Enter>");
    screen_expect(s, "not taken: once more", LIVE_MS);
    screen_key(s, ":words of<PasteBegin> mine<PasteEnd><BS><BS>ne");
    screen_expect(s, " ************** ", LIVE_MS);
    screen_key(s, "<C-u>words of mine<Enter>");
    screen_expect_regex(s, "ssh [^ ]+ [0-9.]+ ms", LIVE_MS);
    assert_false(screen_wrote(s, "words of"));
    live_quit(s);
    pgtest_sh("! grep -r 'words of' %s", live_home);
}

static void a_changed_key_is_refused_with_its_line(void **state)
{
    (void)state;
    known_with("id_ed25519");
    pgtest_sh(
        "ssh-keygen -q -t ed25519 -N '' -f %s/other && printf '# hosts\\n[127.0.0.1]:%s %%s\\n' "
        "\"$(cut -d' ' -f1,2 %s/other.pub)\" >%s/.ssh/known_hosts",
        home, port, home, home);
    struct screen *s = open_linked("127.0.0.1", 24, 80);
    screen_expect(s, "has changed", LIVE_MS);
    screen_expect_regex(s, "known_hosts, line", LIVE_MS);
    screen_expect(s, "ssh-keygen -R", LIVE_MS);
    screen_expect(s, "builtin says", LIVE_MS);
    screen_key(s, "y<Enter>");
    screen_expect(s, "ssh refused: /ssh", LIVE_MS);
    pgtest_sh("ssh-keygen -q -R '[127.0.0.1]:%s' -f %s/.ssh/known_hosts >/dev/null 2>&1", port,
              home);
    screen_key(s, "/ssh retry<Enter>");
    screen_expect(s, "Unknown host", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "ssh refused: /ssh", LIVE_MS);
    live_quit(s);
}

static void a_lost_link_comes_back(void **state)
{
    (void)state;
    known_with("id_ed25519");
    struct screen *s = open_linked("127.0.0.1", 36, 120);
    screen_expect_regex(s, "ssh [^ ]+ [0-9.]+ ms", LIVE_MS);
    pgtest_sh("pid=$(cat %s/sshd.pid); kids=$(pgrep -P $pid); kill $pid; while kill -0 $pid; do "
              "sleep 0.05; "
              "done 2>/dev/null; kill -KILL $kids",
              folder);
    screen_expect_regex(s, "ssh lost, next try in [0-9]+ s", LIVE_MS);
    screen_expect(s, "trying again", LIVE_MS);
    screen_key(s, "/ssh<Enter>");
    screen_expect_regex(s, "lost, next try in [0-9]+ s", LIVE_MS);
    screen_expect(s, "Connection refused", LIVE_MS);
    screen_key(s, "<Esc>");
    pgtest_sh("/usr/sbin/sshd -f %s/sshd_config -E %s/sshd.log", folder, folder);
    screen_key(s, "/ssh retry<Enter>");
    screen_expect_regex(s, "ssh [^ ]+ [0-9.]+ ms", LIVE_MS);
    live_quit(s);
}

/* What leads to the host is run by libssh: it has no terminal that it could write to or ask on. */
static void a_way_there_leaves_the_terminal_alone(void **state)
{
    (void)state;
    known_with("id_ed25519");
    pgtest_sh(
        "printf '#!/bin/sh\\necho ON-YOUR-SCREEN >/dev/tty\\necho came >>%s/way.log\\nexit 1\\n' "
        ">%s/way.sh; chmod 0755 %s/way.sh",
        home, home, home);
    char text[700];
    snprintf(text, sizeof text,
             "Host way\n  HostName 127.0.0.1\n  ProxyCommand %s/way.sh\nHost jumped\n  HostName "
             "127.0.0.1\n  ProxyJump 127.0.0.1:%s\nHost 127.0.0.1\n  UserKnownHostsFile %s/none\n"
             "  IdentityFile %s/.ssh/id_ed25519",
             home, port, home, home);
    config(text);
    struct screen *s = open_linked("way", 36, 120);
    screen_expect_regex(s, "ssh not there, next try in [0-9]+ s", LIVE_MS);
    screen_expect(s, "BatchMode=yes way true", LIVE_MS);
    pgtest_sh("grep -q came %s/way.log", home);
    assert_false(screen_wrote(s, "ON-YOUR-SCREEN"));
    live_quit(s);
    s = open_linked("jumped", 36, 120); /* its key is not known: ssh would ask */
    screen_expect_regex(s, "ssh not there, next try in [0-9]+ s", LIVE_MS);
    assert_false(screen_wrote(s, "authenticity"));
    live_quit(s);
}

static void without_a_screen_nobody_is_asked(void **state)
{
    (void)state;
    known_with("id_ed25519");
    pgtest_sh("rm %s/.ssh/known_hosts", home);
    const char *out = pgtest_sh(
        "HOME=%s PG_DIAGNOSE_HOME=%s \"$PGD_PROGRAM\" tune -H %s -p %s -U %s -d postgres "
        "--ssh-host 127.0.0.1:%s --json 2>%s/err </dev/null; echo exit $?",
        home, live_home, live_pg->host, live_pg->port, live_pg->user, port, home);
    assert_non_null(strstr(out, "\"event\":\"ssh\""));
    assert_non_null(strstr(out, "\"state\":\"refused\""));
    assert_non_null(strstr(out, "SHA256:"));
    assert_non_null(strstr(out, "ssh-keyscan -p "));
    assert_non_null(strstr(out, "exit 3"));
    pgtest_sh("! test -e %s/.ssh/known_hosts", home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(an_unknown_key_is_never_taken_by_itself),
        LIVE_TEST(a_passphrase_is_asked_and_shown_nowhere),
        LIVE_TEST(a_changed_key_is_refused_with_its_line),
        LIVE_TEST(a_lost_link_comes_back),
        LIVE_TEST(a_way_there_leaves_the_terminal_alone),
        LIVE_TEST(without_a_screen_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
