/* The links by ssh as a machine: back-off, what ends them for good, questions and their keys, the policy without a screen; and hosts as
 * the command line names them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/cli.h"
#include "pgd/app/cli_host.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/hosts.h"
#include "pgd/app/keys.h"
#include "pgd/app/update.h"
#include "pgd/base/text.h"
#include "pgd/ui/view.h"

enum { SECOND = 1000000 };

struct world {
    struct model *m;
    struct effects fx; /* of the last event */
    int64_t at;
};

static struct world begin(bool headless)
{
    struct world w = {.m = xcalloc(1, sizeof *w.m), .at = 50 * SECOND};
    model_init(w.m);
    w.m->screen.rows = 36;
    w.m->screen.cols = 120;
    w.m->opt.has_target = true;
    w.m->opt.headless = headless;
    w.m->opt.json = headless;
    text_copy(w.m->opt.ssh_host, sizeof w.m->opt.ssh_host, "db1");
    text_copy(w.m->opt.ssh_dir, sizeof w.m->opt.ssh_dir, "/home/of/it/.ssh");
    return w;
}

static void end(struct world *w)
{
    effects_clear(&w->fx);
    model_clear(w->m);
    free(w->m);
}

static void play(struct world *w, struct event ev)
{
    effects_clear(&w->fx);
    ev.at_us = w->at;
    ev.wall_us = 1700000000LL * SECOND + w->at;
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static struct event of_link(struct world *w, enum event_kind kind)
{
    struct event ev = {.kind = kind};
    ev.req = (struct req){OWNER_HOSTS, w->m->hosts[SSH_SERVER].generation, SSH_SERVER + 1};
    return ev;
}

static void up(struct world *w)
{
    play(w, of_link(w, EV_SSH_UP));
}

static void down(struct world *w, enum err_code code, const char *msg)
{
    struct event ev = of_link(w, EV_SSH_DOWN);
    err_set(&ev.err, code, "%s", msg);
    play(w, ev);
}

static void asks(struct world *w, enum ssh_ask what, const char *text, bool echo)
{
    struct event ev = of_link(w, EV_SSH_ASK);
    ev.text = xstrdup(text);
    ev.u.ssh.ask = what;
    ev.u.ssh.echo = echo;
    play(w, ev);
}

static void key(struct world *w, enum key_name name, uint32_t rune)
{
    struct event ev = {.kind = EV_KEY};
    ev.u.key = (struct key){name, rune};
    play(w, ev);
}

static void type(struct world *w, const char *text)
{
    for (; *text; text++)
        key(w, KEYN_NONE, (uint32_t)(unsigned char)*text);
}

/* The effect of that kind which the last event has had, NULL if none. */
static const struct effect *effect_of(const struct world *w, enum effect_kind kind)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == kind)
            return &w->fx.items[i];
    return NULL;
}

static int wait_ms(const struct world *w)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == FX_TIMER && w->fx.items[i].req.owner == OWNER_HOSTS)
            return w->fx.items[i].ms;
    return -1;
}

static bool said(const struct model *m, const char *part)
{
    for (int i = 0; i < m->nchat; i++)
        if (strstr(m->chat[i].text, part))
            return true;
    return false;
}

static bool painted(struct world *w, const char *part)
{
    struct canvas *c = canvas_new(w->m->screen.rows, w->m->screen.cols);
    struct view_cursor cursor = {0};
    struct buf text = {0};
    view_paint(c, w->m, keys_tables(), &cursor);
    canvas_text(c, &text);
    bool found = strstr(buf_text(&text), part) != NULL;
    if (getenv("PGD_SHOW"))
        printf("%s\n", buf_text(&text));
    buf_clear(&text);
    canvas_free(c);
    return found;
}

static struct world begun(bool headless)
{
    struct world w = begin(headless);
    play(&w, (struct event){.kind = EV_START});
    return w;
}

/* ---- the link ---- */

static void the_start_opens_the_link(void **state)
{
    (void)state;
    struct world w = begun(false);
    const struct effect *e = effect_of(&w, FX_SSH_OPEN);
    assert_non_null(e);
    assert_string_equal(e->u.ssh.host, "db1");
    assert_string_equal(e->u.ssh.dir, "/home/of/it/.ssh");
    assert_null(e->u.ssh.user);
    assert_true(hosts_undecided(w.m, SSH_SERVER));
    assert_true(painted(&w, "ssh connecting"));
    up(&w);
    assert_true(hosts_up(w.m, SSH_SERVER));
    assert_false(hosts_undecided(w.m, SSH_SERVER));
    assert_true(said(w.m, "linked to db1 by ssh"));
    end(&w);
}

static void a_loss_is_tried_again_with_back_off(void **state)
{
    static const int want[] = {0, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    (void)state;
    struct world w = begun(false);
    up(&w);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        down(&w, ERR_LOST, "the link to db1 is silent");
        assert_int_equal(wait_ms(&w), want[i]);
        assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_WAITING);
        w.at += want[i] * 1000LL;
        struct event ev = of_link(&w, EV_TIMER);
        uint32_t before = w.m->hosts[SSH_SERVER].generation;
        play(&w, ev);
        assert_non_null(effect_of(&w, FX_SSH_OPEN));
        assert_int_equal(w.m->hosts[SSH_SERVER].generation, before + 1);
    }
    assert_true(painted(&w, "ssh lost, trying"));
    down(&w, ERR_LOST, "the link to db1 is silent");
    w.at += 10 * SECOND;
    play(&w, (struct event){.kind = EV_TICK});
    assert_true(painted(&w, "ssh lost, next try in 20 s"));
    up(&w); /* of the generation that it is in: a late answer of an older one is dropped */
    w.m->hosts[SSH_SERVER].generation += 5;
    struct event old = of_link(&w, EV_SSH_DOWN);
    old.req.generation--;
    play(&w, old);
    assert_true(hosts_up(w.m, SSH_SERVER));
    end(&w);
}

static void a_refusal_is_final_and_explained(void **state)
{
    (void)state;
    struct world w = begun(false);
    struct event ev = of_link(&w, EV_SSH_DOWN);
    err_set(&ev.err, ERR_REFUSED, "the key of host db1 has changed");
    err_detail(&ev.err, "Another one is known (/home/of/it/.ssh/known_hosts, line 7).");
    err_hint(&ev.err, "Ask who runs the host; ssh-keygen -R 'db1'");
    play(&w, ev);
    assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_REFUSED);
    assert_int_equal(wait_ms(&w), -1);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HOSTS);
    assert_true(painted(&w, "known_hosts, line 7"));
    assert_true(painted(&w, "ssh-keygen -R 'db1'"));
    assert_true(painted(&w, "shows another key")); /* the rules' words */
    assert_true(painted(&w, "ssh refused: /ssh"));
    type(&w, "r");
    assert_non_null(effect_of(&w, FX_SSH_OPEN));
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_NONE);
    up(&w);
    keys_submit(w.m, "/ssh close", &w.fx);
    assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_OFF);
    assert_non_null(effect_of(&w, FX_SSH_CLOSE));
    keys_submit(w.m, "/ssh retry", &w.fx);
    assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_CONNECTING);
    end(&w);
}

static void the_delay_is_smoothed(void **state)
{
    (void)state;
    struct world w = begun(false);
    up(&w);
    assert_true(isnan(w.m->hosts[SSH_SERVER].delay_ms));
    struct event ev = of_link(&w, EV_SSH_DELAY);
    ev.u.ssh.delay_ms = 10;
    play(&w, ev);
    ev.u.ssh.delay_ms = 20;
    play(&w, ev);
    assert_true(fabs(w.m->hosts[SSH_SERVER].delay_ms - 14) < 0.01);
    assert_true(painted(&w, "ssh \xe2\x97\x8f 14 ms"));
    end(&w);
}

/* A link may fail before the server is known: what a model is told of it names nobody. */
static void names_are_masked_before_anything_is_known(void **state)
{
    struct buf out = {0};
    (void)state;
    struct world w = begin(false);
    w.m->partner.kind = PARTNER_GEMINI;
    w.m->partner.privacy = PRIVACY_REDACTED;
    text_copy(w.m->opt.ssh_host, sizeof w.m->opt.ssh_host, "ordersbox");
    text_copy(w.m->opt.ssh_user, sizeof w.m->opt.ssh_user, "karlheinz");
    play(&w, (struct event){.kind = EV_START});
    down(&w, ERR_CONNECT, "cannot connect to ordersbox by ssh");
    mask_prose(partner_mask(&w.m->partner), "cannot connect to ordersbox as karlheinz", &out);
    assert_null(strstr(buf_text(&out), "ordersbox"));
    assert_null(strstr(buf_text(&out), "karlheinz"));
    buf_clear(&out);
    end(&w);
}

/* ---- questions ---- */

static void a_key_is_kept_by_y_alone(void **state)
{
    (void)state;
    struct world w = begun(false);
    asks(&w, SSH_ASK_HOST_KEY, "ssh-ed25519 SHA256:abcdef", true);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HOST_KEY);
    assert_true(hosts_undecided(w.m, SSH_SERVER));
    assert_true(painted(&w, "SHA256:abcdef"));
    assert_true(painted(&w, "ssh_host_ed25519_key.pub"));
    key(&w, KEYN_ENTER, 0);
    type(&w, " Yq?");
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HELP);
    key(&w, KEYN_ESC, 0);
    assert_null(effect_of(&w, FX_SSH_ANSWER));
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HOST_KEY);
    type(&w, "y");
    const struct effect *e = effect_of(&w, FX_SSH_ANSWER);
    assert_non_null(e);
    assert_true(e->u.ssh.yes);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_NONE);
    assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_CONNECTING);
    end(&w);
}

static void no_is_no_and_no_news(void **state)
{
    (void)state;
    struct world w = begun(false);
    asks(&w, SSH_ASK_HOST_KEY, "ssh-ed25519 SHA256:abcdef", true);
    key(&w, KEYN_ESC, 0);
    assert_false(effect_of(&w, FX_SSH_ANSWER)->u.ssh.yes);
    down(&w, ERR_REFUSED, "the key of host db1 was not accepted");
    assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_REFUSED);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_NONE);
    end(&w);
}

static void a_password_is_stars_and_a_secret(void **state)
{
    (void)state;
    struct world w = begun(false);
    asks(&w, SSH_ASK_PASSWORD, "db1", false);
    type(&w, "sesam\xc3");
    key(&w, KEYN_BACKSPACE, 0);
    struct event paste = {.kind = EV_PASTE, .text = xstrdup("e!\nx"), .len = 4};
    play(&w, paste);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HOST_WORD);
    assert_true(painted(&w, "*******"));
    assert_false(painted(&w, "sesam"));
    key(&w, KEYN_ENTER, 0);
    const struct effect *e = effect_of(&w, FX_SSH_ANSWER);
    assert_string_equal(secret_get(e->u.ssh.word), "sesame!");
    assert_int_equal(w.m->hosts[SSH_SERVER].word, 0);
    asks(&w, SSH_ASK_PASSWORD, "db1", false); /* the same again: it was wrong */
    assert_true(painted(&w, "not taken: once more"));
    type(&w, "x");
    secret_id typed = w.m->hosts[SSH_SERVER].word;
    key(&w, KEYN_ESC, 0);
    assert_int_equal(effect_of(&w, FX_SSH_ANSWER)->u.ssh.word, 0);
    assert_string_equal(secret_get(typed), "");
    end(&w);
}

static void what_a_host_asks_may_be_seen(void **state)
{
    (void)state;
    struct world w = begun(false);
    asks(&w, SSH_ASK_PROMPT, "Code of your token\x1b[2J:", true);
    type(&w, "123");
    assert_true(painted(&w, "Code of your token"));
    assert_true(painted(&w, "123"));
    key(&w, KEYN_CTRL, 'u');
    assert_false(painted(&w, "123"));
    end(&w);
}

/* No letter of a password answers a dialog that comes up meanwhile; the dialog is there afterwards. */
static void typing_goes_on_over_what_comes_up(void **state)
{
    (void)state;
    struct world w = begun(false);
    asks(&w, SSH_ASK_PASSWORD, "db1", false);
    type(&w, "se");
    w.m->screen.dialog = (struct dialog){.kind = DIALOG_VERDICT};
    play(&w, (struct event){.kind = EV_TICK});
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HOST_WORD);
    type(&w, "su");
    key(&w, KEYN_ENTER, 0);
    assert_string_equal(secret_get(effect_of(&w, FX_SSH_ANSWER)->u.ssh.word), "sesu");
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_VERDICT);
    assert_false(w.m->fl.now.stop_and_keep);
    asks(&w, SSH_ASK_HOST_KEY, "ssh-ed25519 SHA256:abcdef", true); /* waits until it is closed */
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_VERDICT);
    key(&w, KEYN_ESC, 0);
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_HOST_KEY);
    down(&w, ERR_LOST, "db1 closed the connection"); /* and goes with the host */
    assert_int_equal(w.m->screen.dialog.kind, DIALOG_NONE);
    end(&w);
}

/* ---- without a screen ---- */

static void nobody_is_asked_without_a_screen(void **state)
{
    (void)state;
    struct world w = begun(true);
    asks(&w, SSH_ASK_HOST_KEY, "ssh-ed25519 SHA256:abcdef", true);
    const struct effect *e = effect_of(&w, FX_SSH_ANSWER);
    assert_non_null(e);
    assert_false(e->u.ssh.yes);
    assert_int_equal(e->u.ssh.word, 0);
    down(&w, ERR_REFUSED, "the key of host db1 was not accepted");
    e = effect_of(&w, FX_QUIT);
    assert_non_null(e);
    assert_int_equal(e->exit_code, 3);
    e = effect_of(&w, FX_STDOUT);
    assert_non_null(e);
    assert_non_null(strstr(e->text, "\"event\":\"ssh\""));
    assert_non_null(strstr(e->text, "\"state\":\"refused\""));
    end(&w);
}

static void a_later_loss_ends_no_headless_run(void **state)
{
    (void)state;
    struct world w = begun(true);
    up(&w);
    down(&w, ERR_LOST, "the link to db1 is silent");
    assert_null(effect_of(&w, FX_QUIT));
    assert_int_equal(w.m->hosts[SSH_SERVER].state, HOST_WAITING);
    end(&w);
}

/* ---- names ---- */

static void hosts_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host, *user, *port;
    } good[] = {
        {"db1", "db1", "", ""},
        {"dba@db1", "db1", "dba", ""},
        {"db1:2222", "db1", "", "2222"},
        {"me@corp.example@db-1.example:22", "db-1.example", "me@corp.example", "22"},
        {"10.0.0.7", "10.0.0.7", "", ""},
        {"::1", "::1", "", ""},
        {"fe80::1%eth0", "fe80::1%eth0", "", ""},
        {"[::1]", "::1", "", ""},
        {"u@[fe80::1%eth0]:65535", "fe80::1%eth0", "u", "65535"},
    };
    static const char *const bad[] = {
        "",           "-oProxyCommand=id",
        "a;b",        "$(id)",
        "`id`",       "a b",
        "a|b",        "a&b",
        "a\nb",       "db1:0",
        "db1:65536",  "db1:",
        "db1:22x",    "@db1",
        "-u@db1",     "a@",
        "[::1",       "[::1]x",
        "[]:22",      "u;x@db1",
        "a%b",        "[a;b]:1",
        "h\xc3\xa4l", "a'b",
        "a\"b",       "~",
        "../etc",     "*",
        "db1:+22",    "db1: 22",
    };
    struct cli_host h;
    struct err e;
    char name[400];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(cli_host_parse("ssh-host", good[i].text, &h, &e));
        assert_string_equal(h.host, good[i].host);
        assert_string_equal(h.user, good[i].user);
        assert_string_equal(h.port, good[i].port);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        memset(&e, 0, sizeof e);
        if (cli_host_parse("ssh-host", bad[i], &h, &e))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.msg, "--ssh-host"));
        assert_true(e.detail[0] && e.hint[0]);
    }
    memset(name, 'a', sizeof name);
    name[300] = '\0';
    assert_false(cli_host_parse("ssh-host", name, &h, &e));
}

static bool parse(struct command_line *cl, struct err *e, const char *const *words)
{
    char *argv[16] = {(char *)"pg_diagnose"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)words[argc - 1];
    memset(e, 0, sizeof *e);
    return cli_parse(argc, argv, cl, e);
}

#define PARSE(cl, e, ...) parse(cl, e, (const char *const[]){__VA_ARGS__, NULL})

static void flags_say_where(void **state)
{
    struct command_line *cl = xcalloc(1, sizeof *cl);
    struct err e;
    (void)state;
    unsetenv("PGHOST");
    unsetenv("PGHOSTADDR");
    unsetenv("PGSERVICE");
    setenv("HOME", "/home/of/it", 1);
    assert_true(PARSE(cl, &e, "tune", "--ssh-host", "dba@db1:2222", "-d", "shop"));
    assert_string_equal(cl->opt.ssh_host, "db1");
    assert_string_equal(cl->opt.ssh_user, "dba");
    assert_string_equal(cl->opt.ssh_port, "2222");
    assert_string_equal(cl->opt.ssh_dir, "/home/of/it/.ssh");
    assert_true(cl->opt.host_from_ssh);
    assert_string_equal(cli_connect_get(&cl->opt.connect, "host"), "db1");
    setenv("PGHOST", "10.0.0.8", 1);
    assert_true(PARSE(cl, &e, "tune", "--ssh-host", "db1"));
    assert_false(cl->opt.host_from_ssh);
    assert_null(cli_connect_get(&cl->opt.connect, "host"));
    unsetenv("PGHOST");
    assert_true(PARSE(cl, &e, "tune", "--ssh-host", "db1", "-H", "10.0.0.7"));
    assert_false(cl->opt.host_from_ssh);
    assert_string_equal(cli_connect_get(&cl->opt.connect, "host"), "10.0.0.7");
    assert_true(PARSE(cl, &e, "tune", "--ssh-host", "db1", "postgres://10.0.0.7/shop"));
    assert_false(cl->opt.host_from_ssh);
    assert_true(PARSE(cl, &e, "tune", "--bench-host", "b@box:2", "--ssh-user", "a", "-H", "x"));
    assert_string_equal(cl->opt.bench_host, "box");
    assert_string_equal(cl->opt.bench_user, "b");
    assert_string_equal(cl->opt.bench_port, "2");
    assert_true(PARSE(cl, &e, "tune", "--accept-os"));
    assert_true(cl->opt.accept_os);
    assert_false(PARSE(cl, &e, "tune", "--ssh-user", "a"));
    assert_non_null(strstr(e.msg, "needs --ssh-host"));
    assert_false(PARSE(cl, &e, "tune", "--ssh-host", "a@db1", "--ssh-user", "b"));
    assert_false(PARSE(cl, &e, "tune", "--ssh-host", "db1:1", "--ssh-port", "2"));
    assert_false(PARSE(cl, &e, "tune", "--ssh-host", "db1", "--ssh-port", "0"));
    assert_false(PARSE(cl, &e, "tune", "--ssh-host", "db1", "--ssh-user", "-x"));
    assert_false(PARSE(cl, &e, "tune", "--ssh-host", "db1", "--ssh-key", "/no/such/file"));
    assert_non_null(strstr(e.detail, "No such file"));
    assert_false(PARSE(cl, &e, "workspaces", "--ssh-host", "db1"));
    assert_false(PARSE(cl, &e, "demo", "--ssh-host", "db1"));
    free(cl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_opens_the_link),
        cmocka_unit_test(a_loss_is_tried_again_with_back_off),
        cmocka_unit_test(a_refusal_is_final_and_explained),
        cmocka_unit_test(the_delay_is_smoothed),
        cmocka_unit_test(names_are_masked_before_anything_is_known),
        cmocka_unit_test(a_key_is_kept_by_y_alone),
        cmocka_unit_test(no_is_no_and_no_news),
        cmocka_unit_test(a_password_is_stars_and_a_secret),
        cmocka_unit_test(what_a_host_asks_may_be_seen),
        cmocka_unit_test(typing_goes_on_over_what_comes_up),
        cmocka_unit_test(nobody_is_asked_without_a_screen),
        cmocka_unit_test(a_later_loss_ends_no_headless_run),
        cmocka_unit_test(hosts_are_taken_apart),
        cmocka_unit_test(flags_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
