/* Links to a real sshd: host keys, keys with a passphrase, programs there with input, output, noise and end, and a link that is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/base/buf.h"
#include "pgd/base/text.h"

static char folder[64], port[16], ssh_dir[96], script[512];

/* -- the other machine ---------------------------------------------------------------------------- */

static bool sh(const char *fmt, ...) PGD_PRINTF(1, 2);
static bool sh(const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    return system(line) == 0;
}

static void read_port(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/port", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(port, sizeof port, f));
    fclose(f);
    port[strcspn(port, "\n")] = '\0';
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/pgd-ssh.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(ssh_dir, sizeof ssh_dir, "%s/client", folder);
    snprintf(script, sizeof script, "%s/tests/support/sshd.sh", getenv("PGD_SOURCE_DIR"));
    if (!sh("%s start %s >%s/port", script, folder, folder))
        return -1;
    read_port();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sh("%s stop %s", script, folder);
    return sh("rm -rf %s", folder) ? 0 : -1;
}

/* -- effects -------------------------------------------------------------------------------------- */

static const struct req link_req = {OWNER_UI, 1, 100};

static void open_link(struct iotest *t, const char *key)
{
    struct effects fx = {0};
    char path[160];
    struct effect *e = effects_add(&fx, FX_SSH_OPEN, link_req);
    e->u.ssh.host = xstrdup("127.0.0.1");
    e->u.ssh.port = xstrdup(port);
    e->u.ssh.dir = xstrdup(ssh_dir);
    snprintf(path, sizeof path, "%s/%s", ssh_dir, key);
    e->u.ssh.key_file = xstrdup(path);
    iotest_run(t, &fx);
}

static void answer(struct iotest *t, bool yes, const char *word)
{
    struct effects fx = {0};
    struct effect *e = effects_add(&fx, FX_SSH_ANSWER, link_req);
    e->u.ssh.yes = yes;
    e->u.ssh.word = word ? secret_put(word, strlen(word)) : 0;
    iotest_run(t, &fx);
}

static void remote(struct iotest *t, uint32_t id, const char *command, const char *input,
                   unsigned flags)
{
    struct effects fx = {0};
    const char *argv[] = {"sh", "-c", command, NULL};
    struct effect *e = fx_child(&fx, (struct req){OWNER_UI, 1, id}, argv, flags | CHILD_REMOTE);
    fx_child_env(e, "PGD_WORD", "it's \\n \"$here\" 100%");
    if (input)
        e->u.child.stdin_text = xstrdup(input);
    iotest_run(t, &fx);
}

static void say(struct iotest *t, uint32_t id, const char *text)
{
    struct effects fx = {0};
    struct effect *e = effects_add(&fx, FX_CHILD_INPUT, (struct req){OWNER_UI, 1, id});
    e->text = xstrdup(text);
    e->len = strlen(text);
    iotest_run(t, &fx);
}

static void end(struct iotest *t, uint32_t id)
{
    struct effects fx = {0};
    effects_add(&fx, FX_CHILD_KILL, (struct req){OWNER_UI, 1, id});
    iotest_run(t, &fx);
}

static void quit_when_down(struct iotest *t, const struct event *ev)
{
    if (ev->kind == EV_SSH_DOWN)
        iotest_quit(t, 0);
}

/* -- tests ---------------------------------------------------------------------------------------- */

/* The host is not known: asked, refused, nothing kept; asked again and kept; then known. */
static void refuse_key(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        open_link(t, "id_ed25519");
    else if (ev->kind == EV_SSH_ASK)
        answer(t, false, NULL);
    quit_when_down(t, ev);
}

static void an_unknown_host_is_asked_about(void **state)
{
    struct iotest t;
    char path[128];
    (void)state;
    iotest_loop(&t, refuse_key, 30);
    assert_false(t.timed_out);
    const struct event *asked = iotest_find(&t, EV_SSH_ASK, 0, 0);
    assert_non_null(asked);
    assert_int_equal(asked->u.ssh.ask, SSH_ASK_HOST_KEY);
    assert_non_null(strstr(asked->text, "SHA256:"));
    assert_int_equal(iotest_find(&t, EV_SSH_DOWN, 0, 0)->err.code, ERR_REFUSED);
    snprintf(path, sizeof path, "%s/known_hosts", ssh_dir);
    assert_int_not_equal(access(path, F_OK), 0);
    iotest_clear(&t);
}

/* Everything that a program over there can do. */
static void work(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        open_link(t, "id_ed25519");
    if (ev->kind == EV_SSH_ASK)
        answer(t, true, NULL);
    if (ev->kind == EV_SSH_UP) {
        remote(t, 1, "echo one; echo err >&2; printf '%s\\n' \"$PGD_WORD\"; printf last; exit 3",
               NULL, 0);
        remote(t, 2, "cat; pwd >/dev/null", "from stdin\nand more\n", CHILD_COLLECT);
        remote(t, 3, "while IFS= read -r tick; do echo \"got $tick\"; done; echo over", NULL,
               CHILD_MORE);
        remote(t, 4, "sleep 60 & echo $!; wait", NULL, CHILD_DIES_WITH_US);
        remote(t, 5, "head -c 300000 /dev/zero | tr '\\0' x", NULL, CHILD_COLLECT);
        remote(t, 6, "exit 0", NULL, 0);
        remote(t, 7, "no-such-program-here", NULL, CHILD_COLLECT);
    }
    if (ev->kind == EV_CHILD_UP && ev->req.id == 3) {
        say(t, 3, "first\n");
        say(t, 3, "second\n");
    }
    if (ev->kind == EV_CHILD_LINE && ev->req.id == 3 && strcmp(ev->text, "got second") == 0)
        end(t, 3);
    if (ev->kind == EV_CHILD_LINE && ev->req.id == 4)
        end(t, 4);
    if (ev->kind == EV_CHILD_EXIT && ++t->step == 7) {
        struct effects fx = {0};
        effects_add(&fx, FX_SSH_CLOSE, link_req);
        iotest_run(t, &fx);
    }
    quit_when_down(t, ev);
}

static void check_lines(struct iotest *t)
{
    static const char *const want[] = {"one", "it's \\n \"$here\" 100%", "last"};
    int outs = 0;
    for (int i = 0; i < 4; i++) {
        const struct event *ev = iotest_find(t, EV_CHILD_LINE, 1, i);
        assert_non_null(ev);
        if (ev->u.child.stream == STREAM_ERR)
            assert_string_equal(ev->text, "err");
        else
            assert_string_equal(ev->text, want[outs++]);
    }
    assert_int_equal(outs, 3);
    assert_int_equal(iotest_find(t, EV_CHILD_EXIT, 1, 0)->u.child.status, 3);
}

static void programs_run_there(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, work, 60);
    assert_false(t.timed_out);
    assert_int_equal(iotest_count(&t, EV_SSH_UP, 0), 1);
    check_lines(&t);
    assert_string_equal(iotest_find(&t, EV_CHILD_EXIT, 2, 0)->text, "from stdin\nand more\n");
    assert_string_equal(iotest_find(&t, EV_CHILD_LINE, 3, 0)->text, "got first");
    assert_int_equal(iotest_count(&t, EV_CHILD_EXIT, 3), 1);
    const struct event *killed = iotest_find(&t, EV_CHILD_EXIT, 4, 0);
    assert_true(killed->u.child.status != 0 || killed->u.child.signal != 0);
    const struct event *much = iotest_find(&t, EV_CHILD_EXIT, 5, 0);
    assert_int_equal(much->len, 300000);
    assert_int_equal(strspn(much->text, "x"), 300000);
    assert_int_equal(iotest_find(&t, EV_CHILD_EXIT, 6, 0)->u.child.status, 0);
    const struct event *missing = iotest_find(&t, EV_CHILD_EXIT, 7, 0);
    assert_int_equal(missing->u.child.status, 127);
    assert_non_null(strstr(missing->err.detail, "not found"));
    assert_int_equal(iotest_find(&t, EV_SSH_DOWN, 0, 0)->err.code, ERR_CANCELLED);
    assert_true(t.longest_gap_us < 500000);
    iotest_clear(&t);
}

/* The host is known now; the key has a passphrase: wrong once, then right. */
static void unlock(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        open_link(t, "id_locked");
    if (ev->kind == EV_SSH_ASK)
        answer(t, false, t->step++ == 0 ? "wrong words" : "words of mine");
    if (ev->kind == EV_SSH_UP)
        remote(t, 1, "sleep 30", NULL, CHILD_DIES_WITH_US);
    if (ev->kind == EV_CHILD_UP && !sh("pkill -KILL -P $(cat %s/sshd.pid)", folder))
        iotest_quit(t, 2);
    quit_when_down(t, ev);
}

static void a_key_is_unlocked_and_a_cut_link_told(void **state)
{
    struct iotest t;
    (void)state;
    assert_true(sh("mv %s/id_ed25519 %s/id_away", ssh_dir, ssh_dir)); /* it would let us in */
    iotest_loop(&t, unlock, 60);
    sh("mv %s/id_away %s/id_ed25519", ssh_dir, ssh_dir);
    assert_false(t.timed_out);
    assert_int_equal(t.exit_code, 0);
    if (iotest_count(&t, EV_SSH_UP, 0) == 0)
        print_message("%s: %s\n", iotest_find(&t, EV_SSH_DOWN, 0, 0)->err.msg,
                      iotest_find(&t, EV_SSH_DOWN, 0, 0)->err.detail);
    assert_true(iotest_count(&t, EV_SSH_ASK, 0) >= 1);
    assert_int_equal(iotest_find(&t, EV_SSH_ASK, 0, 0)->u.ssh.ask, SSH_ASK_PASSPHRASE);
    assert_int_equal(iotest_count(&t, EV_SSH_UP, 0), 1);
    assert_int_equal(iotest_find(&t, EV_CHILD_EXIT, 1, 0)->err.code, ERR_LOST);
    const struct event *down = iotest_find(&t, EV_SSH_DOWN, 0, 0);
    assert_int_equal(down->err.code, ERR_LOST);
    assert_true(down->u.ssh.lost);
    iotest_clear(&t);
}

static void just_open(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START)
        open_link(t, "id_ed25519");
    if (ev->kind == EV_SSH_ASK || ev->kind == EV_SSH_UP)
        iotest_quit(t, 3);
    quit_when_down(t, ev);
}

static void a_changed_host_is_refused(void **state)
{
    struct iotest t;
    char old[16];
    (void)state;
    memcpy(old, port, sizeof old);
    assert_true(sh("%s stop %s; rm %s/host_key", script, folder, folder));
    assert_true(sh("%s start %s >%s/port", script, folder, folder));
    read_port();
    assert_true(sh("sed -i 's/]:%s /]:%s /' %s/known_hosts", old, port, ssh_dir));
    iotest_loop(&t, just_open, 30);
    assert_int_equal(t.exit_code, 0);
    const struct event *down = iotest_find(&t, EV_SSH_DOWN, 0, 0);
    assert_int_equal(down->err.code, ERR_REFUSED);
    assert_non_null(strstr(down->err.detail, "known_hosts, line 1"));
    assert_non_null(strstr(down->err.hint, "ssh-keygen -R"));
    iotest_clear(&t);
}

static void nobody_answers(struct iotest *t, struct event *ev)
{
    if (ev->kind == EV_START) {
        memcpy(port, "1", 2);
        open_link(t, "id_ed25519");
    }
    if (ev->kind == EV_SSH_DOWN) /* no thread is there any more that could answer */
        remote(t, 2, "true", NULL, CHILD_COLLECT);
    if (ev->kind == EV_CHILD_EXIT)
        iotest_quit(t, 0);
}

static void a_refused_connection_is_told(void **state)
{
    struct iotest t;
    (void)state;
    iotest_loop(&t, nobody_answers, 30);
    assert_false(t.timed_out);
    const struct event *down = iotest_find(&t, EV_SSH_DOWN, 0, 0);
    assert_int_equal(down->err.code, ERR_CONNECT);
    assert_non_null(strstr(down->err.msg, "127.0.0.1"));
    assert_false(down->u.ssh.lost);
    assert_int_equal(iotest_find(&t, EV_CHILD_EXIT, 2, 0)->err.code, ERR_LOST);
    iotest_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_host_is_asked_about),
        cmocka_unit_test(programs_run_there),
        cmocka_unit_test(a_key_is_unlocked_and_a_cut_link_told),
        cmocka_unit_test(a_changed_host_is_refused),
        cmocka_unit_test(a_refused_connection_is_told),
    };
    unsetenv("SSH_AUTH_SOCK");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
