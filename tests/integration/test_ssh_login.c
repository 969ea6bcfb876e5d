/* The ways into a host, against real sshds: what ~/.ssh/config says, an agent, words that are asked for, ways through other hosts, login
 * shells that are not sh, and a host that freezes. Needs root for users of its own; without it those parts are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/base/buf.h"
#include "pgd/base/text.h"

enum { STALL_S = 15 };

static char folder[64], dir[80], script[512], me[64];
static char user[32]; /* with a password; "" = none could be made */

/* -- the other machines --------------------------------------------------------------------------- */

static bool sh(const char *fmt, ...) PGD_PRINTF(1, 2);
static bool sh(const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    return system(line) == 0;
}

static void write_file(const char *name, const char *fmt, ...) PGD_PRINTF(2, 3);
static void write_file(const char *name, const char *fmt, ...)
{
    char path[160];
    va_list ap;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fclose(f);
}

/* An sshd of that name below the folder, whose clients are let in by the one key of ours; its port. */
static const char *start(const char *name, const char *options)
{
    static char ports[8][8];
    static int n;
    char path[160], *port = ports[n++ % 8];
    assert_true(sh("mkdir -p %s/%s/client && cp %s/id_ed25519 %s/id_ed25519.pub %s/%s/client/",
                   folder, name, dir, dir, folder, name));
    assert_true(sh("%s start %s/%s %s >%s/%s/port && chmod 0755 %s/%s && chmod 0644 "
                   "%s/%s/authorized_keys",
                   script, folder, name, options, folder, name, folder, name, folder, name));
    snprintf(path, sizeof path, "%s/%s/port", folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(port, 8, f));
    fclose(f);
    port[strcspn(port, "\n")] = '\0';
    return port;
}

static void stop(const char *name)
{
    sh("%s stop %s/%s", script, folder, name);
}

static void make_user(void)
{
    if (geteuid() != 0)
        return;
    snprintf(user, sizeof user, "pgdssh%d", (int)getpid());
    assert_true(
        sh("mkdir %s/home && for i in 1 2 3 4 5; do useradd -M -d %s/home -s /bin/bash %s && "
           "break; sleep 0.5; done && echo '%s:open sesame' | chpasswd && chown %s %s/home",
           folder, folder, user, user, user, folder));
    write_file("home/.bashrc", "echo noise; echo more noise >&2\n");
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/pgd-login.XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(dir, sizeof dir, "%s/ssh", folder);
    snprintf(script, sizeof script, "%s/tests/support/sshd.sh", getenv("PGD_SOURCE_DIR"));
    snprintf(me, sizeof me, "%s", getpwuid(geteuid())->pw_name);
    assert_true(
        sh("mkdir -m 0700 %s && ssh-keygen -q -t ed25519 -N '' -f %s/id_ed25519", dir, dir));
    make_user();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sh("for d in %s/*/sshd.pid; do kill $(cat $d); done 2>/dev/null", folder);
    sh("[ ! -f %s/agent.env ] || { . %s/agent.env; kill $SSH_AGENT_PID; } >/dev/null 2>&1", folder,
       folder);
    if (user[0])
        sh("for i in 1 2 3 4 5; do userdel %s 2>/dev/null && break; sleep 0.5; done", user);
    return sh("rm -rf %s", folder) ? 0 : -1;
}

/* -- one link ------------------------------------------------------------------------------------- */

/* What a case wants, and what came of it. */
static struct {
    const char *host, *user, *port;
    const char *words
        [8]; /* answers, in their order; NULL ends the log-in. A host key is answered with yes */
    const char *command; /* run once the link stands; NULL = the link's end */
    int answered;
} want;

static const struct req link_req = {OWNER_UI, 1, 100};

static void open_link(struct iotest *t)
{
    struct effects fx = {0};
    struct effect *e = effects_add(&fx, FX_SSH_OPEN, link_req);
    e->u.ssh.host = xstrdup(want.host);
    e->u.ssh.user = want.user ? xstrdup(want.user) : NULL;
    e->u.ssh.port = want.port ? xstrdup(want.port) : NULL;
    e->u.ssh.dir = xstrdup(dir);
    iotest_run(t, &fx);
}

static void close_link(struct iotest *t)
{
    struct effects fx = {0};
    effects_add(&fx, FX_SSH_CLOSE, link_req);
    iotest_run(t, &fx);
}

static void answer(struct iotest *t, enum ssh_ask ask)
{
    struct effects fx = {0};
    struct effect *e = effects_add(&fx, FX_SSH_ANSWER, link_req);
    const char *word = ask == SSH_ASK_HOST_KEY ? NULL : want.words[want.answered++];
    e->u.ssh.yes = ask == SSH_ASK_HOST_KEY;
    e->u.ssh.word = word ? secret_put(word, strlen(word)) : 0;
    iotest_run(t, &fx);
}

static void run_command(struct iotest *t)
{
    struct effects fx = {0};
    const char *argv[] = {"sh", "-c", want.command, NULL};
    fx_child(&fx, (struct req){OWNER_UI, 1, 1}, argv, CHILD_REMOTE | CHILD_COLLECT);
    iotest_run(t, &fx);
}

static void on_event(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        open_link(t);
    else if (ev->kind == EV_SSH_ASK)
        answer(t, ev->u.ssh.ask);
    else if (ev->kind == EV_SSH_UP && want.command)
        run_command(t);
    else if (ev->kind == EV_SSH_UP || (ev->kind == EV_CHILD_EXIT && ev->err.code != ERR_LOST))
        close_link(t);
    else if (ev->kind == EV_SSH_DOWN)
        iotest_quit(t, 0);
}

/* The end of the link that `want` describes: how it came to it. */
static const struct event *play(struct iotest *t)
{
    want.answered = 0;
    iotest_loop(t, on_event, 30);
    assert_false(t->timed_out);
    assert_true(t->longest_gap_us < 500000);
    const struct event *down = iotest_find(t, EV_SSH_DOWN, 0, 0);
    assert_non_null(down);
    if (getenv("PGD_SHOW"))
        print_message("%s\n  %s\n  %s\n", down->err.msg, down->err.detail, down->err.hint);
    return down;
}

static void expect_up(int asked)
{
    struct iotest t;
    const struct event *down = play(&t);
    if (iotest_count(&t, EV_SSH_UP, 0) != 1)
        fail_msg("%s: %s", down->err.msg, down->err.detail);
    assert_int_equal(iotest_count(&t, EV_SSH_ASK, 0), asked);
    iotest_clear(&t);
}

/* -- ~/.ssh/config -------------------------------------------------------------------------------- */

static void the_configuration_is_kept(void **state)
{
    const char *port = start("box", "");
    char known[160];
    struct stat st;
    (void)state;
    assert_true(sh("mv %s/id_ed25519 %s/elsewhere", dir, dir));
    write_file("ssh/config",
               "Host box\n  HostName 127.0.0.1\n  Port %s\n  User %s\n  IdentityFile %s/elsewhere\n"
               "  UserKnownHostsFile %s/known_elsewhere\n  StrictHostKeyChecking accept-new\n",
               port, me, dir, dir);
    memset(&want, 0, sizeof want);
    want.host = "box";
    expect_up(0);
    snprintf(known, sizeof known, "%s/known_elsewhere", dir);
    assert_int_equal(stat(known, &st), 0);
    snprintf(known, sizeof known, "%s/known_hosts", dir);
    assert_int_not_equal(stat(known, &st), 0);
    assert_true(sh("mv %s/elsewhere %s/id_ed25519", dir, dir));
    want.user = me; /* what the command line says goes before it */
    want.port = port;
    write_file("ssh/config",
               "Host box\n  HostName 127.0.0.1\n  Port 1\n  User nobody-of-that-name\n");
    expect_up(1); /* its key is asked about */
}

static void strict_means_no_question(void **state)
{
    struct iotest t;
    (void)state;
    write_file("ssh/config",
               "Host strict\n  HostName 127.0.0.1\n  UserKnownHostsFile %s/none\n"
               "  StrictHostKeyChecking yes\n",
               dir);
    want.host = "strict";
    const struct event *down = play(&t);
    assert_int_equal(down->err.code, ERR_REFUSED);
    assert_int_equal(iotest_count(&t, EV_SSH_ASK, 0), 0);
    assert_non_null(strstr(down->err.detail, "SHA256:"));
    assert_non_null(strstr(down->err.hint, "ssh-keyscan -p "));
    iotest_clear(&t);
}

static void an_agent_lets_us_in(void **state)
{
    (void)state;
    assert_true(sh("ssh-agent -a %s/agent >%s/agent.env && SSH_AUTH_SOCK=%s/agent ssh-add -q "
                   "%s/id_ed25519 && mkdir %s/away && mv %s/id_* %s/away/",
                   folder, folder, folder, dir, dir, dir, dir));
    char path[160];
    snprintf(path, sizeof path, "%s/agent", folder);
    setenv("SSH_AUTH_SOCK", path, 1);
    write_file("ssh/config", "Host *\n  HostName 127.0.0.1\n  StrictHostKeyChecking accept-new\n");
    want.host = "agent";
    expect_up(0);
    unsetenv("SSH_AUTH_SOCK");
    sh(". %s/agent.env >/dev/null; kill $SSH_AGENT_PID; mv %s/away/* %s/", folder, dir, dir);
}

/* Who gives no passphrase is not asked for it again. */
static void a_locked_key_may_be_left_aside(void **state)
{
    struct iotest t;
    (void)state;
    write_file("ssh/config",
               "Host *\n  HostName 127.0.0.1\n  StrictHostKeyChecking accept-new\n"
               "  IdentityFile %s/box/client/id_locked\n",
               folder);
    assert_true(sh("mv %s/id_* %s/away/", dir, dir));
    want.host = "locked";
    want.words[0] = NULL;
    const struct event *down = play(&t);
    assert_int_equal(down->err.code, ERR_PASSWORD);
    assert_int_equal(iotest_count(&t, EV_SSH_ASK, 0), 1);
    assert_non_null(strstr(iotest_find(&t, EV_SSH_ASK, 0, 0)->text, "box/client/id_locked"));
    iotest_clear(&t);
    memcpy(want.words, ((const char *[]){"wrong", "words of mine"}), 2 * sizeof want.words[0]);
    expect_up(2);
    assert_true(sh("mv %s/away/* %s/", dir, dir));
}

/* -- through other hosts -------------------------------------------------------------------------- */

static void a_command_leads_there(void **state)
{
    (void)state;
    write_file("through.py",
               "import os, select, socket, sys\n"
               "open('%s/through.log', 'w').write(' '.join(sys.argv[1:]))\n"
               "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
               "while True:\n"
               "    for f in select.select([0, s], [], [])[0]:\n"
               "        d = os.read(0, 65536) if f == 0 else s.recv(65536)\n"
               "        if not d: sys.exit(0)\n"
               "        s.sendall(d) if f == 0 else os.write(1, d)\n",
               folder);
    write_file("ssh/config",
               "Host box\n  HostName 127.0.0.1\n  ProxyCommand python3 %s/through.py "
               "%%h %%p\n",
               folder);
    want.host = "box";
    expect_up(0);
    assert_true(sh("test \"$(cat %s/through.log)\" = '127.0.0.1 %s'", folder, want.port));
}

/* Two hosts in turn, each of which leads to the next alone. */
static void jump_hosts_lead_there(void **state)
{
    struct iotest t;
    char options[80];
    const char *second, *first;
    (void)state;
    snprintf(options, sizeof options, "PermitOpen=127.0.0.1:%s", want.port);
    second = start("second", options);
    snprintf(options, sizeof options, "PermitOpen=127.0.0.1:%s", second);
    first = start("first", options);
    write_file("ssh/config",
               "Host box\n  HostName 127.0.0.1\n  ProxyJump %s@first:%s,second\n"
               "Host near\n  HostName 127.0.0.1\n  Port %s\n  ProxyJump first\n"
               "Host first\n  HostName 127.0.0.1\n  Port %s\n"
               "Host second\n  HostName 127.0.0.1\n  Port %s\n"
               "Host *\n  User %s\n  IdentityFile %s/id_ed25519\n"
               "  UserKnownHostsFile %s/known_jumps\n  StrictHostKeyChecking accept-new\n",
               me, first, second, first, second, me, dir, dir);
    expect_up(0);
    const char *port = want.port;
    want.host = "near";
    want.port = NULL;
    expect_up(0);
    stop("first");
    const struct event *down = play(&t);
    assert_int_equal(down->err.code, ERR_CONNECT);
    assert_non_null(strstr(down->err.detail, "BatchMode=yes"));
    assert_non_null(strstr(down->err.hint, "ssh -o BatchMode=yes near true"));
    iotest_clear(&t);
    want.port = port;
}

/* -- words ---------------------------------------------------------------------------------------- */

static void need_user(void)
{
    if (!user[0]) {
        print_message("no user with a password can be made without root\n");
        skip();
    }
    write_file("ssh/config",
               "Host *\n  HostName 127.0.0.1\n  StrictHostKeyChecking accept-new\n"
               "  IdentityFile %s/none\n",
               dir);
    want.user = user;
}

static void a_wrong_password_is_asked_thrice(void **state)
{
    struct iotest t;
    (void)state;
    need_user();
    want.host = "password";
    want.port = start("words", "PasswordAuthentication=yes KbdInteractiveAuthentication=no "
                               "PubkeyAuthentication=no");
    memcpy(want.words, ((const char *[]){"a", "b", "c", "open sesame"}), 4 * sizeof want.words[0]);
    const struct event *down = play(&t);
    assert_int_equal(down->err.code, ERR_PASSWORD);
    assert_int_equal(iotest_count(&t, EV_SSH_ASK, 0), 3);
    assert_non_null(strstr(down->err.detail, "password"));
    assert_true(down->err.hint[0]);
    iotest_clear(&t);
    memcpy(want.words, ((const char *[]){"", "open sesame"}), 2 * sizeof want.words[0]);
    expect_up(2);
}

static void too_late(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_SSH_ASK) { /* thinks for longer than the host has patience */
        fx_timer(&fx, (struct req){OWNER_UI, 2, 1}, 2600);
        iotest_run(t, &fx);
    } else if (ev->kind == EV_TIMER) {
        answer(t, SSH_ASK_PASSWORD);
    } else {
        on_event(t, ev);
    }
}

/* It is worth another try: nothing was wrong. */
static void an_answer_may_come_too_late(void **state)
{
    struct iotest t;
    (void)state;
    need_user();
    want.host = "late";
    want.port = start("late",
                      "PasswordAuthentication=yes PubkeyAuthentication=no LoginGraceTime=2");
    want.words[0] = "open sesame";
    want.answered = 0;
    iotest_loop(&t, too_late, 30);
    assert_int_equal(iotest_count(&t, EV_SSH_UP, 0), 0);
    assert_int_equal(iotest_find(&t, EV_SSH_DOWN, 0, 0)->err.code, ERR_LOST);
    iotest_clear(&t);
}

static void a_host_asks_in_its_own_words(void **state)
{
    struct iotest t;
    (void)state;
    need_user();
    want.host = "prompts";
    want.port = start("prompts", "UsePAM=yes KbdInteractiveAuthentication=yes "
                                 "PasswordAuthentication=yes PubkeyAuthentication=no");
    want.words[0] = "open sesame";
    const struct event *down = play(&t);
    if (iotest_count(&t, EV_SSH_UP, 0) != 1)
        fail_msg("%s: %s", down->err.msg, down->err.detail);
    const struct event *asked = iotest_find(&t, EV_SSH_ASK, 0, 0);
    assert_int_equal(asked->u.ssh.ask, SSH_ASK_PROMPT);
    assert_non_null(strstr(asked->text, "assword"));
    assert_false(asked->u.ssh.echo);
    iotest_clear(&t);
    memcpy(want.words, ((const char *[]){"a", "b", "c", "d", "e", "f"}), 6 * sizeof want.words[0]);
    down = play(&t); /* the words that are tried count for all ways together */
    assert_int_equal(down->err.code, ERR_PASSWORD);
    assert_int_equal(iotest_count(&t, EV_SSH_ASK, 0), 3);
    iotest_clear(&t);
}

/* -- login shells --------------------------------------------------------------------------------- */

static void any_login_shell_will_do(void **state)
{
    static const char *const shells[] = {"/bin/bash", "/usr/bin/tcsh", "/usr/bin/fish"};
    struct iotest t;
    (void)state;
    need_user();
    want.host = "shells";
    want.port = start("shells", "PermitUserEnvironment=no");
    write_file("ssh/config", "Host *\n  HostName 127.0.0.1\n  StrictHostKeyChecking accept-new\n");
    want.command = "printf '%s|' \"it's\" '\\n' '$x'; echo \"$0\"";
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (access(shells[i], X_OK) != 0)
            continue;
        assert_true(sh("for i in 1 2 3 4 5; do usermod -s %s %s && break; sleep 0.5; done",
                       shells[i], user));
        (void)play(&t);
        const struct event *ended = iotest_find(&t, EV_CHILD_EXIT, 1, 0);
        if (!ended || ended->err.code || !ended->text)
            fail_msg("%s: %s %s", shells[i], ended ? ended->err.msg : "",
                     ended ? ended->err.detail : "");
        assert_string_equal(ended->text, "it's|\\n|$x|sh\n");
        iotest_clear(&t);
    }
    assert_true(sh("usermod -s /usr/sbin/nologin %s", user));
    (void)play(&t);
    const struct event *ended = iotest_find(&t, EV_CHILD_EXIT, 1, 0);
    assert_int_equal(ended->err.code, ERR_CHILD);
    assert_non_null(strstr(ended->err.detail, "not available"));
    iotest_clear(&t);
    want.command = NULL;
}

/* -- a host that freezes -------------------------------------------------------------------------- */

static int64_t frozen_us;

static void freeze(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        open_link(t);
    if (ev->kind == EV_SSH_UP)
        run_command(t);
    if (ev->kind == EV_CHILD_UP) {
        sh("pkill -STOP -P $(cat %s/frozen/sshd.pid)", folder);
        frozen_us = ev->at_us;
    }
    if (ev->kind == EV_SSH_DOWN)
        iotest_quit(t, ev->err.code == ERR_LOST && frozen_us > 0 ? 0 : 1);
}

/* In a process of its own, beside the other cases: nothing but time passes. */
static pid_t begin_freeze(void)
{
    struct iotest t;
    want.host = "127.0.0.1";
    want.port = start("frozen", "");
    want.command = "exec sleep 60";
    write_file("ssh/config",
               "StrictHostKeyChecking accept-new\nUserKnownHostsFile %s/known_frozen\n", folder);
    pid_t pid = fork();
    if (pid != 0) {
        usleep(300000); /* it has read its configuration */
        return pid;
    }
    iotest_loop(&t, freeze, 40);
    const struct event *down = iotest_find(&t, EV_SSH_DOWN, 0, 0);
    const struct event *child = iotest_find(&t, EV_CHILD_EXIT, 1, 0);
    double s = down ? (double)(down->at_us - frozen_us) / 1e6 : 0;
    bool good = t.exit_code == 0 && !t.timed_out && child && child->err.code == ERR_LOST &&
                s >= STALL_S - 1 && s < STALL_S + 8 && t.longest_gap_us < 500000;
    if (!good)
        print_message("the frozen host: %s after %.1f s\n", down ? down->err.msg : "no end", s);
    _exit(good ? 0 : 1);
}

static pid_t freezer;

static void a_host_freezes(void **state)
{
    (void)state;
    freezer = begin_freeze();
    assert_true(freezer > 0);
    memset(&want, 0, sizeof want);
}

static void a_frozen_host_is_lost(void **state)
{
    int status = -1;
    (void)state;
    assert_int_equal(waitpid(freezer, &status, 0), freezer);
    sh("pkill -CONT -P $(cat %s/frozen/sshd.pid)", folder);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_freezes),
        cmocka_unit_test(the_configuration_is_kept),
        cmocka_unit_test(strict_means_no_question),
        cmocka_unit_test(an_agent_lets_us_in),
        cmocka_unit_test(a_locked_key_may_be_left_aside),
        cmocka_unit_test(a_command_leads_there),
        cmocka_unit_test(jump_hosts_lead_there),
        cmocka_unit_test(a_wrong_password_is_asked_thrice),
        cmocka_unit_test(an_answer_may_come_too_late),
        cmocka_unit_test(a_host_asks_in_its_own_words),
        cmocka_unit_test(any_login_shell_will_do),
        cmocka_unit_test(a_frozen_host_is_lost),
    };
    unsetenv("SSH_AUTH_SOCK");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
