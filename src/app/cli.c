/* cli.c - the command line as one table of flags. A flag is a row; a verb is a row.
 *
 * Only what is given is set: what is left open, the advisor or the defaults of docs/contract.md fill. */
#include "pgd/app/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgd/app/cli_host.h"
#include "pgd/base/text.h"

enum flag_id {
    F_HOST,
    F_PORT,
    F_USER,
    F_DBNAME,
    F_SSH_HOST,
    F_SSH_USER,
    F_SSH_PORT,
    F_SSH_KEY,
    F_STRATEGY,
    F_SCRIPT,
    F_WORKLOAD,
    F_CLIENTS,
    F_DURATION,
    F_ROUNDS,
    F_BUDGET,
    F_TARGET,
    F_GOAL,
    F_RATE,
    F_COMPARE,
    F_KNEE,
    F_MEASURE_DURABILITY,
    F_RESTART,
    F_WINDOW,
    F_ADVISOR,
    F_MODEL,
    F_PRIVACY,
    F_MAX_USD,
    F_MAX_CALLS,
    F_NO_STREAM,
    F_ACCEPT,
    F_ACCEPT_OS,
    F_FOR,
    F_GRAPH,
    F_JSON,
    F_BENCH_DB,
    F_BENCH_HOST,
    F_OBSERVE,
    F_READONLY,
    F_NO_COLOR,
    F_PLAIN,
    F_MOTION,
    F_NO_CLIPBOARD,
    F_TUNED,
    F_SPEED,
    F_RECORD,
    F_MEASURE,
    F_HELP,
    F_VERSION
};

struct flag {
    enum flag_id id;
    const char *longname; /* without the dashes; NULL if only short */
    char shortname;
    const char *arg; /* NULL: takes none */
    const char *help;
    unsigned verbs; /* bits of the verbs that take it; 0 = all */
};

/* The help text is made of these rows, under a heading for each of their kinds. */
enum flag_kind { KIND_CONNECTION, KIND_TUNING, KIND_SCREEN, KIND_OTHER, KIND_COUNT };

#define IN(v) (1u << (v))
#define LOOKING \
    (IN(VERB_SCREEN) | IN(VERB_TUNE) | IN(VERB_HEALTH) | IN(VERB_WATCH) | IN(VERB_VERIFY))
#define TUNING (IN(VERB_SCREEN) | IN(VERB_TUNE) | IN(VERB_DEMO))

static const struct flag flags[] = {
    {F_HOST, "host", 'H', "HOST", "server host, socket directory or host list", 0},
    {F_PORT, "port", 'p', "PORT", "server port", 0},
    {F_USER, "username", 'U', "USER", "role", 0},
    {F_DBNAME, "dbname", 'd', "DBNAME", "database, conninfo text or URI", 0},
    {F_SSH_HOST, "ssh-host", 0, "[USER@]HOST[:PORT]", "the server's host, to be reached by ssh",
     LOOKING},
    {F_SSH_USER, "ssh-user", 0, "USER", "who logs in there (default: as ~/.ssh/config says)",
     LOOKING},
    {F_SSH_PORT, "ssh-port", 0, "PORT", "where its sshd listens (default: likewise, else 22)",
     LOOKING},
    {F_SSH_KEY, "ssh-key", 0, "FILE", "a private key, besides the agent's and the usual ones",
     LOOKING},
    {F_STRATEGY, "strategy", 0, "NAME", "strategy instead of the advisor's first offer", TUNING},
    {F_SCRIPT, "script", 0, "FILE[@WEIGHT]", "pgbench script of your own; may be repeated", TUNING},
    {F_WORKLOAD, "workload", 0, "statements|shop|oltp|reports",
     "what pgbench runs: the server's own top statements, or a built-in one", TUNING},
    {F_CLIENTS, "clients", 0, "N", "pgbench clients (default: twice the CPUs)", TUNING},
    {F_DURATION, "duration", 0, "SECONDS",
     "length of one measured run (default 10); watch: how long", TUNING | IN(VERB_WATCH)},
    {F_ROUNDS, "rounds", 0, "N", "tuning rounds at the most (default 8)", TUNING},
    {F_BUDGET, "budget", 0, "MINUTES", "minutes of the whole session (default 12)",
     TUNING | IN(VERB_VERIFY)},
    {F_TARGET, "target-tps", 0, "TPS", "the goal (default: the verdict improved)", TUNING},
    {F_GOAL, "goal", 0, "tps|p95|p99", "what is to improve; a latency needs --rate", TUNING},
    {F_RATE, "rate", 0, "TPS", "offer so many transactions a second (default: as many as go)",
     TUNING},
    {F_COMPARE, "compare", 0, NULL,
     "measure PostgreSQL's defaults and pgtune's answer beside the best", TUNING},
    {F_KNEE, "knee", 0, NULL, "sweep the clients at the end: where throughput ends to grow",
     TUNING},
    {F_MEASURE_DURABILITY, "measure-durability", 0, NULL,
     "measure at the end what durability trades would gain; none is kept", TUNING},
    {F_RESTART, "restart", 0, "auto|never|cmd:PATH|manual", "how the server may be restarted",
     TUNING | IN(VERB_VERIFY)},
    {F_WINDOW, "window", 0, "HH:MM-HH:MM", "restarts only between these local times", TUNING},
    {F_ADVISOR, "advisor", 0, "auto|builtin|gemini|openai", "who proposes", TUNING},
    {F_MODEL, "model", 0, "NAME", "the model to ask instead of the provider's default", TUNING},
    {F_PRIVACY, "privacy", 0, "strict|redacted|full", "what a model may be told (default redacted)",
     TUNING},
    {F_MAX_USD, "max-usd", 0, "USD", "what a session's questions to a model may cost (default 5)",
     TUNING},
    {F_MAX_CALLS, "max-calls", 0, "N", "requests to a model in a session at the most (default 400)",
     TUNING},
    {F_NO_STREAM, "no-stream", 0, NULL, "take a model's answers in one piece, not as they come",
     TUNING},
    {F_ACCEPT, "accept", 0, "safe|none",
     "headless consent; safe = every change that passes the guard", IN(VERB_TUNE) | IN(VERB_DEMO)},
    {F_ACCEPT_OS, "accept-os", 0, NULL, "headless consent to changes of the operating system too",
     IN(VERB_TUNE)},
    {F_FOR, "for", 0, "VERSION",
     "export: a configuration for that major version, without what it lacks", IN(VERB_EXPORT)},
    {F_GRAPH, "graph", 0, "braille|block|ascii", "how graphs are drawn", 0},
    {F_JSON, "json", 0, NULL, "one JSON object a line on stdout", 0},
    {F_BENCH_DB, "bench-db", 0, NULL, "consent to the database pg_diagnose_bench", TUNING},
    {F_OBSERVE, "observe", 0, NULL, "measure the server's own traffic instead of a benchmark",
     IN(VERB_SCREEN) | IN(VERB_TUNE)},
    {F_BENCH_HOST, "bench-host", 0, "[USER@]HOST[:PORT]",
     "where pgbench runs, to be reached by ssh", IN(VERB_SCREEN) | IN(VERB_TUNE)},
    {F_READONLY, "readonly", 0, NULL, "look only: nothing is changed, no benchmark runs", 0},
    {F_NO_COLOR, "no-color", 0, NULL, "bold and reverse only", 0},
    {F_PLAIN, "plain", 0, NULL, "for screen readers: one column, figures in place of graphs", 0},
    {F_MOTION, "reduced-motion", 0, NULL, "clocks and counters step every 5 seconds", 0},
    {F_NO_CLIPBOARD, "no-clipboard", 0, NULL, "never send text to the terminal's clipboard", 0},
    {F_TUNED, "tuned", 0, NULL, "demo: start from good settings", IN(VERB_DEMO)},
    {F_SPEED, "speed", 0, "N", "replay: so many times as fast, 0.25 to 100 (default 1)",
     IN(VERB_REPLAY)},
    {F_RECORD, "record", 0, "FILE|DIR", "watch: write down what it shows, for replay",
     IN(VERB_WATCH)},
    {F_MEASURE, "measure", 0, NULL,
     "verify: run the recorded workload with and without the settings", IN(VERB_VERIFY)},
    {F_HELP, "help", 'h', NULL, "this text", 0},
    {F_VERSION, "version", 'V', NULL, "versions of the program and its libraries", 0},
};

static const struct {
    const char *name;
    enum verb verb;
} verbs[] = {
    {"demo", VERB_DEMO},
    {"tune", VERB_TUNE},
    {"health", VERB_HEALTH},
    {"watch", VERB_WATCH},
    {"workspaces", VERB_WORKSPACES},
    {"export", VERB_EXPORT},
    {"replay", VERB_REPLAY},
    {"verify", VERB_VERIFY},
    {"completion", VERB_COMPLETION},
};

bool cli_flag_row(size_t i, struct cli_flag *out)
{
    if (i >= ARRAY_LEN(flags))
        return false;
    *out = (struct cli_flag){flags[i].longname, flags[i].shortname, flags[i].arg, flags[i].help,
                             flags[i].verbs};
    return true;
}

const char *cli_verb_row(size_t i, enum verb *verb)
{
    if (i >= ARRAY_LEN(verbs))
        return NULL;
    *verb = verbs[i].verb;
    return verbs[i].name;
}

static enum flag_kind kind_of(const struct flag *f)
{
    if (f->id <= F_SSH_KEY)
        return KIND_CONNECTION;
    if (f->id == F_GRAPH || f->id == F_NO_COLOR || f->id == F_PLAIN || f->id == F_MOTION ||
        f->id == F_NO_CLIPBOARD)
        return KIND_SCREEN;
    return f->verbs || f->id == F_READONLY ? KIND_TUNING : KIND_OTHER;
}

/* "  -H, --host HOST          server host": what is too long for its column stands alone. */
static void usage_row(const struct flag *f, struct buf *out)
{
    enum { COLUMN = 34 };
    char left[80];
    snprintf(left, sizeof left, "  %s%s--%s%s%s",
             f->shortname ? (char[]){'-', f->shortname, 0} : "", f->shortname ? ", " : "",
             f->longname, f->arg ? " " : "", f->arg ? f->arg : "");
    buf_puts(out, left);
    if (strlen(left) >= COLUMN)
        buf_puts(out, "\n");
    buf_printf(out, "%*s%s\n", strlen(left) >= COLUMN ? COLUMN : COLUMN - (int)strlen(left), "",
               f->help);
}

void cli_usage(struct buf *out)
{
    static const char *const headings[KIND_COUNT] = {
        "Connection (also what libpq knows: PG* variables, service files, .pgpass):", "Tuning:",
        "Screen (NO_COLOR is honoured):", "Other:"};
    buf_puts(
        out,
        "pg_diagnose - an AI partner for PostgreSQL DBAs\n"
        "\n"
        "Usage:\n"
        "  pg_diagnose [-H HOST] [-p PORT] [-U USER] [-d DBNAME] [CONNINFO|URI]   full screen\n"
        "  pg_diagnose demo [--tuned]      a private PostgreSQL, a real workload, the built-in "
        "advisor\n"
        "  pg_diagnose tune ... [--json] [--accept safe|none]   the same loop with no screen\n"
        "  pg_diagnose health ... [--json]                      look at what needs care, change "
        "nothing\n"
        "  pg_diagnose watch ... [--json]                       the dashboard without tuning; "
        "lines "
        "for scripts\n"
        "  pg_diagnose workspaces [--json]                      list what was tuned\n"
        "  pg_diagnose export WORKSPACE                         write its exports again\n"
        "  pg_diagnose verify WORKSPACE [--measure]             are the settings still what was "
        "proven\n"
        "  pg_diagnose replay SESSION|FILE [--speed N]          play what was recorded in the same "
        "panes\n"
        "  pg_diagnose completion bash|zsh|fish                 a script for that shell\n");
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        buf_printf(out, "\n%s\n", headings[kind]);
        for (size_t i = 0; i < ARRAY_LEN(flags); i++)
            if ((int)kind_of(&flags[i]) == kind)
                usage_row(&flags[i], out);
    }
    buf_puts(out,
             "\nExit: 0 done, 1 goal not reached, 2 usage, 3 cannot connect, 4 a change failed and "
             "was rolled\nback, 5 the operator must act. PG_DIAGNOSE_HOME replaces "
             "~/.pg_diagnose.\n");
}

void cli_connect_set(struct connect_params *c, const char *key, const char *value)
{
    int i = 0;

    while (i < c->n && strcmp(c->keys[i], key) != 0)
        i++;
    if (i == CONNINFO_MAX)
        return;
    text_copy_raw(c->keys[i], sizeof c->keys[i], key);
    text_copy_raw(c->values[i], sizeof c->values[i], value);
    if (i == c->n)
        c->n++;
}

const char *cli_connect_get(const struct connect_params *c, const char *key)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->keys[i], key) == 0)
            return c->values[i];
    return NULL;
}

static bool number_in(const char *flag, const char *text, double lo, double hi, double *out,
                      struct err *e)
{
    if (!text_double(text, out) || *out < lo || *out > hi) {
        err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --%s", text, flag);
        return err_detail(e, "It takes a number from %g to %g.", lo, hi);
    }
    return true;
}

static bool int_in(const char *flag, const char *text, int lo, int hi, int *out, struct err *e)
{
    int64_t v;

    if (!text_int64(text, &v) || v < lo || v > hi) {
        err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --%s", text, flag);
        return err_detail(e, "It takes a whole number from %d to %d.", lo, hi);
    }
    *out = (int)v;
    return true;
}

/* Absolute, so that a session resumed from another folder means the same file. False: it is too long. */
static bool absolute(const char *name, size_t len, char *dst, size_t size)
{
    struct buf path = {0};
    char here[1024];
    bool fits;

    if (len > 0 && name[0] != '/' && getcwd(here, sizeof here))
        buf_printf(&path, "%s/", here);
    buf_append(&path, name, len);
    fits = len > 0 && path.len < size;
    if (fits)
        text_copy_raw(dst, size, buf_text(&path));
    buf_clear(&path);
    return fits;
}

static bool add_script(struct options *o, const char *text, struct err *e)
{
    struct script *s = &o->scripts[o->nscripts];
    const char *at = strrchr(text, '@');
    size_t len = strlen(text);

    if (o->nscripts == SCRIPTS_MAX)
        return err_set(e, ERR_USAGE, "more than %d scripts", SCRIPTS_MAX);
    memset(s, 0, sizeof *s);
    s->weight = 1;
    if (at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1)) {
        if (!int_in("script", at + 1, 0, 1000000, &s->weight, e))
            return false;
        len = (size_t)(at - text);
    }
    if (!absolute(text, len, s->path, sizeof s->path))
        return err_set(e, ERR_USAGE, "invalid file name in --script \"%.60s\"", text);
    const char *base = strrchr(s->path, '/');
    text_copy(s->name, sizeof s->name, base ? base + 1 : s->path);
    o->nscripts++;
    return true;
}

static bool set_restart(struct options *o, const char *v, struct err *e)
{
    if (strcmp(v, "auto") == 0) {
        o->restart = RESTART_AUTO;
    } else if (strcmp(v, "never") == 0) {
        o->restart = RESTART_NEVER;
    } else if (strcmp(v, "manual") == 0) {
        o->restart = RESTART_MANUAL;
    } else if (strncmp(v, "cmd:", 4) == 0 && v[4] == '/') {
        if (access(v + 4, X_OK) != 0) {
            err_set(e, ERR_USAGE, "%.200s of --restart cannot be run: %s", v + 4, strerror(errno));
            return err_hint(e, "It is the path of a program, without arguments; put those into a "
                               "script.");
        }
        o->restart = RESTART_COMMAND;
        if (!text_copy_raw(o->restart_command, sizeof o->restart_command, v + 4))
            return err_set(e, ERR_USAGE, "the command of --restart is longer than %d bytes",
                           (int)sizeof o->restart_command - 1);
    } else {
        err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --restart", v);
        return err_hint(e, "Use auto, never, manual or cmd:/path/to/program.");
    }
    return true;
}

/* One of a list of words: its index into *out. */
static bool one_of(const char *flag, const char *v, const char *const *words, int n, int *out,
                   struct err *e)
{
    struct buf list = {0};

    for (int i = 0; i < n; i++) {
        if (strcmp(v, words[i]) == 0) {
            *out = i;
            buf_clear(&list);
            return true;
        }
        buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
    }
    err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --%s", v, flag);
    err_hint(e, "Use one of: %s.", buf_text(&list));
    buf_clear(&list);
    return false;
}

static bool set_dbname(struct options *o, const char *v)
{
    cli_connect_set(&o->connect, "dbname", v);
    o->has_target = true;
    return true;
}

static bool set_target_flag(struct options *o, const struct flag *f, const char *v)
{
    static const char *const keys[] = {"host", "port", "user"};

    cli_connect_set(&o->connect, keys[f->id - F_HOST], v);
    if (f->id == F_HOST)
        o->has_target = true;
    return true;
}

static bool set_ssh_flag(struct options *o, const struct flag *f, const char *v, struct err *e)
{
    struct cli_host h; /* taken apart when all flags are known */
    int port;

    errno = ENAMETOOLONG; /* unless the key file is looked at */
    switch (f->id) {
    case F_SSH_HOST:
        return cli_host_parse("ssh-host", v, &h, e) &&
               text_copy_raw(o->ssh_host, sizeof o->ssh_host, v);
    case F_BENCH_HOST:
        return cli_host_parse("bench-host", v, &h, e) &&
               text_copy_raw(o->bench_host, sizeof o->bench_host, v);
    case F_SSH_USER:
        return cli_host_user("ssh-user", v, o->ssh_user, sizeof o->ssh_user, e);
    case F_SSH_PORT:
        return int_in("ssh-port", v, 1, 65535, &port, e) &&
               text_copy_raw(o->ssh_port, sizeof o->ssh_port, v);
    default:
        break;
    }
    if (absolute(v, strlen(v), o->ssh_key, sizeof o->ssh_key) && access(o->ssh_key, R_OK) == 0)
        return true;
    err_set(e, ERR_USAGE, "%.150s of --ssh-key cannot be read", v);
    err_detail(e, "%s.", strerror(errno));
    return err_hint(e, "It is the file of a private key; its passphrase is asked for.");
}

/* A folder ends in '/': the file in it gets a name of its own. */
static bool set_record(struct options *o, const char *v, struct err *e)
{
    struct stat st;
    size_t n;

    if (!absolute(v, strlen(v), o->record_to, sizeof o->record_to - 2))
        return err_set(e, ERR_USAGE, "invalid file name in --record \"%.60s\"", v);
    n = strlen(o->record_to);
    if (stat(o->record_to, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (o->record_to[n - 1] != '/')
            text_copy_raw(o->record_to + n, 2, "/");
    } else if (o->record_to[n - 1] == '/' || stat(o->record_to, &st) == 0) {
        err_set(e, ERR_USAGE, "%.150s of --record is %s", v,
                o->record_to[n - 1] == '/' ? "no folder" : "there already");
        return err_hint(e, "Name a file that is to be made, or a folder.");
    }
    return true;
}

static bool set_flag(struct command_line *cl, const struct flag *f, const char *v, struct err *e)
{
    static const char *const advisors[] = {"auto", "builtin", "gemini", "openai"};
    static const char *const privacies[] = {"strict", "redacted", "full"};
    static const char *const goals[] = {"tps", "p95", "p99"};
    static const char *const accepts[] = {"ask", "safe", "none"};
    static const char *const workloads[] = {"statements", "shop", "oltp", "reports"};
    static const char *const graphs[] = {"auto", "braille", "block", "ascii"};
    struct options *o = &cl->opt;
    double number;
    int i = 0;

    switch (f->id) {
    case F_HOST:
    case F_PORT:
    case F_USER:
        return set_target_flag(o, f, v);
    case F_DBNAME:
        return set_dbname(o, v);
    case F_SSH_HOST:
    case F_SSH_USER:
    case F_SSH_PORT:
    case F_SSH_KEY:
    case F_BENCH_HOST:
        return set_ssh_flag(o, f, v, e);
    case F_STRATEGY:
        if (!text_copy(o->strategy, sizeof o->strategy, v) ||
            v[strspn(v, "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ||
            !*v) {
            err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --strategy", v);
            return err_hint(e, "A strategy's name has letters, digits, - and _ only.");
        }
        return true;
    case F_SCRIPT:
        return add_script(o, v, e);
    case F_WORKLOAD:
        if (!one_of("workload", v, workloads, ARRAY_LEN(workloads), &i, e))
            return false;
        return text_copy_raw(o->workload, sizeof o->workload, v);
    case F_CLIENTS:
        return int_in("clients", v, 1, 10000, &o->clients, e);
    case F_DURATION:
        return int_in("duration", v, 1, 86400, &o->duration_s, e);
    case F_ROUNDS:
        return int_in("rounds", v, 1, 20, &o->rounds, e);
    case F_BUDGET:
        if (!number_in("budget", v, 0.1, 10000, &number, e))
            return false;
        o->budget_s = (int)(number * 60);
        o->budget_given = true;
        return true;
    case F_TARGET:
        return number_in("target-tps", v, 0.001, 1e9, &o->target_tps, e);
    case F_GOAL:
        if (!one_of("goal", v, goals, ARRAY_LEN(goals), &i, e))
            return false;
        o->goal = (enum goal_kind)i;
        return true;
    case F_RATE:
        return number_in("rate", v, 0.1, 1e7, &o->rate, e);
    case F_RESTART:
        return set_restart(o, v, e);
    case F_WINDOW:
        return daytime_parse(v, &o->window, e);
    case F_ADVISOR:
        if (!one_of("advisor", v, advisors, ARRAY_LEN(advisors), &i, e))
            return false;
        o->advisor = (enum advisor_kind)i;
        return o->advisor_given = true;
    case F_MODEL:
        if (v[strcspn(v, " \t\r\n\"\\?#")] || !text_copy(o->model, sizeof o->model, v))
            return err_set(e, ERR_USAGE, "invalid value \"%.60s\" for --model", v);
        return true;
    case F_PRIVACY:
        if (!one_of("privacy", v, privacies, ARRAY_LEN(privacies), &i, e))
            return false;
        o->privacy = (enum privacy)i;
        return true;
    case F_MAX_USD:
        return number_in("max-usd", v, 0.01, 100000, &o->max_usd, e);
    case F_MAX_CALLS:
        return int_in("max-calls", v, 1, 100000, &o->max_calls, e);
    case F_NO_STREAM:
        return o->no_stream = true;
    case F_ACCEPT:
        if (!one_of("accept", v, accepts + 1, 2, &i, e))
            return false;
        o->accept = (enum accept_policy)(i + 1);
        return true;
    case F_ACCEPT_OS:
        return o->accept_os = true;
    case F_FOR:
        return int_in("for", v, 12, 18, &o->for_version, e);
    case F_GRAPH:
        if (!one_of("graph", v, graphs + 1, 3, &i, e))
            return false;
        o->graph = (enum graph_kind)(i + 1);
        return true;
    case F_JSON:
        return o->json = cl->json = true;
    case F_COMPARE:
        return o->compare = true;
    case F_KNEE:
        return o->knee = true;
    case F_MEASURE_DURABILITY:
        return o->measure_durability = true;
    case F_BENCH_DB:
        return o->bench_db = true;
    case F_OBSERVE:
        return o->observe = true;
    case F_READONLY:
        return o->readonly = true;
    case F_NO_COLOR:
        return o->no_color = true;
    case F_SPEED:
        return number_in("speed", v, 0.25, 100, &o->replay_speed, e);
    case F_MEASURE:
        return o->measure = true;
    case F_RECORD:
        return set_record(o, v, e);
    case F_PLAIN:
        return o->plain = true;
    case F_MOTION:
        return o->reduced_motion = true;
    case F_NO_CLIPBOARD:
        return o->no_clipboard = true;
    case F_TUNED:
        return o->demo_tuned = true;
    case F_HELP:
        cl->verb = VERB_HELP;
        return true;
    case F_VERSION:
        cl->verb = VERB_VERSION;
        return true;
    }
    return false;
}

/* The flag that arg names; *value is what follows a '=' or the letter, NULL if nothing does. */
static const struct flag *find_flag(const char *arg, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const struct flag *f = &flags[i];

        if (arg[1] == '-') {
            size_t n = strlen(f->longname);
            if (strncmp(arg + 2, f->longname, n) == 0 && (arg[2 + n] == 0 || arg[2 + n] == '=')) {
                if (arg[2 + n])
                    *value = arg + 3 + n;
                return f;
            }
        } else if (f->shortname && arg[1] == f->shortname) {
            if (arg[2])
                *value = arg + 2;
            return f;
        }
    }
    return NULL;
}

static bool take_flag(int argc, char **argv, int *i, struct command_line *cl, struct err *e)
{
    const char *value;
    const char *arg = argv[*i];
    const struct flag *f = find_flag(arg, &value);

    if (!f) {
        err_set(e, ERR_USAGE, "unknown flag \"%.60s\"", arg);
        return err_hint(e, "Try pg_diagnose --help.");
    }
    if (f->verbs && cl->verb != VERB_HELP && cl->verb != VERB_VERSION &&
        !(f->verbs & IN(cl->verb))) {
        err_set(e, ERR_USAGE, "flag \"%.60s\" does not belong to this command", arg);
        return err_hint(e, "Try pg_diagnose --help.");
    }
    if (!f->arg && value)
        return err_set(e, ERR_USAGE, "flag \"%.60s\" takes no value", arg);
    if (f->arg && !value) {
        if (*i + 1 >= argc) {
            err_set(e, ERR_USAGE, "flag \"%.60s\" needs a value", arg);
            return err_hint(e, "It takes %s.", f->arg);
        }
        value = argv[++*i];
    }
    if (f->arg && !*value)
        return err_set(e, ERR_USAGE, "flag \"%.60s\" has an empty value", arg);
    return set_flag(cl, f, value, e);
}

/* A name, WORKSPACE/SESSION, or the path of a file or folder that is there: that becomes absolute. */
static bool take_recording(const char *word, struct options *o, struct err *e)
{
    bool path = access(word, F_OK) == 0 || word[0] == '/' || word[0] == '.';

    if (!*word || (path && !absolute(word, strlen(word), o->replay_what, sizeof o->replay_what)) ||
        (!path && !text_copy_raw(o->replay_what, sizeof o->replay_what, word)))
        return err_set(e, ERR_USAGE, "invalid name of a recording \"%.60s\"", word);
    return true;
}

static bool take_word(const char *word, bool first, struct command_line *cl, struct err *e)
{
    for (size_t i = 0; first && i < ARRAY_LEN(verbs); i++)
        if (strcmp(word, verbs[i].name) == 0) {
            cl->verb = verbs[i].verb;
            return true;
        }
    if ((cl->verb == VERB_EXPORT || cl->verb == VERB_VERIFY) && !cl->opt.workspace[0]) {
        if (!text_copy(cl->opt.workspace, sizeof cl->opt.workspace, word) || strchr(word, '/') ||
            word[0] == '.') {
            err_set(e, ERR_USAGE, "\"%.60s\" is not the name of a workspace", word);
            return err_hint(e, "pg_diagnose workspaces lists them.");
        }
        return true;
    }
    if (cl->verb == VERB_REPLAY && !cl->opt.replay_what[0])
        return take_recording(word, &cl->opt, e);
    if (cl->verb == VERB_COMPLETION && !cl->shell[0]) {
        text_copy_raw(cl->shell, sizeof cl->shell, word);
        return true;
    }
    if (strncmp(word, "postgres://", 11) == 0 || strncmp(word, "postgresql://", 13) == 0 ||
        strchr(word, '=')) {
        if (strlen(word) >= sizeof cl->opt.connect.values[0])
            return err_set(e, ERR_USAGE, "the connection string is too long");
        cli_connect_set(&cl->opt.connect, "dbname", word);
        return cl->opt.has_target = true;
    }
    err_set(e, ERR_USAGE, "unknown command \"%.60s\"", word);
    if (cl->verb == VERB_HELP)
        return err_hint(e, "-h is the help here, and not psql's -h: a host is given by -H %.60s.",
                        word);
    return err_hint(e, "Commands are demo, tune, health, watch, workspaces, export, replay, verify "
                       "and completion; a database is given by -d.");
}

/* The traffic is what it is: nothing of a benchmark can be asked of it. */
static bool only_observed(struct options *o, struct err *e)
{
    const char *other = o->nscripts             ? "script"
                        : o->workload[0]        ? "workload"
                        : o->bench_db           ? "bench-db"
                        : o->clients            ? "clients"
                        : o->rate > 0           ? "rate"
                        : o->goal               ? "goal"
                        : o->target_tps > 0     ? "target-tps"
                        : o->compare            ? "compare"
                        : o->knee               ? "knee"
                        : o->measure_durability ? "measure-durability"
                                                : NULL;
    if (!o->observe)
        return true;
    o->goal = GOAL_RUNTIME;
    if (!other)
        return true;
    err_set(e, ERR_USAGE, "--observe and --%s exclude each other", other);
    return err_hint(e, "The server's own traffic is measured as it is; its goal is the average "
                       "time of its statements.");
}

static bool one_workload(const struct options *o, struct err *e)
{
    if (!o->nscripts || !o->workload[0])
        return true;
    err_set(e, ERR_USAGE, "--workload and --script exclude each other");
    return err_hint(e, "Scripts of your own are the workload.");
}

/* A host alone says nothing of the database: the screen lists what is known of that server. */
static void finish_target(struct command_line *cl)
{
    struct options *o = &cl->opt;
    const char *user = getenv("PGUSER"), *port = getenv("PGPORT"), *host = getenv("PGHOST");

    if (!user || !*user)
        user = getenv("USER");
    text_copy(o->libpq_user, sizeof o->libpq_user, user ? user : "");
    text_copy(o->libpq_port, sizeof o->libpq_port, port && *port ? port : "5432");
    text_copy(o->libpq_host, sizeof o->libpq_host, host && *host ? host : "");
    if (getenv("PGHOST") || getenv("PGSERVICE") || getenv("PGDATABASE"))
        o->has_target = true;
    o->server_only = cl->verb == VERB_SCREEN && !o->host_from_ssh &&
                     cli_connect_get(&o->connect, "host") &&
                     !cli_connect_get(&o->connect, "dbname") && !getenv("PGSERVICE") &&
                     !getenv("PGDATABASE");
    if (o->server_only)
        o->has_target = false;
}

static bool finish(struct command_line *cl, struct err *e)
{
    struct options *o = &cl->opt;
    const char *home = getenv("PG_DIAGNOSE_HOME");
    const char *user_home = getenv("HOME");

    if (home && *home) {
        text_copy_raw(o->home, sizeof o->home, home);
    } else {
        struct buf b = {0};
        buf_printf(&b, "%s/.pg_diagnose", user_home && *user_home ? user_home : "/tmp");
        text_copy_raw(o->home, sizeof o->home, buf_text(&b));
        buf_clear(&b);
    }
    const char *plain = getenv("PG_DIAGNOSE_PLAIN"), *still = getenv("PG_DIAGNOSE_REDUCED_MOTION");
    o->plain |= plain && *plain;
    o->reduced_motion |= still && *still;
    if (!one_workload(o, e))
        return false;
    if (!only_observed(o, e))
        return false;
    if (!o->observe && o->goal != GOAL_TPS && !(o->rate > 0)) {
        err_set(e, ERR_USAGE, "--goal %s needs --rate", o->goal == GOAL_P95 ? "p95" : "p99");
        err_detail(e,
                   "Without a rate every client sends its next transaction as soon as it can: the "
                   "latency is then throughput in other words.");
        return err_hint(e, "Give the transactions a second of your application, or about 60 %% of "
                           "what this server can do.");
    }
    if (o->home[0] != '/')
        return err_set(e, ERR_USAGE, "PG_DIAGNOSE_HOME is not an absolute path");
    if (!cli_host_finish(o, user_home,
                         getenv("PGHOST") || getenv("PGHOSTADDR") || getenv("PGSERVICE"), e))
        return false;
    finish_target(cl);
    if ((cl->verb == VERB_EXPORT || cl->verb == VERB_VERIFY) && !o->workspace[0]) {
        err_set(e, ERR_USAGE, "%s needs the name of a workspace",
                cl->verb == VERB_VERIFY ? "verify" : "export");
        return err_hint(e, "pg_diagnose workspaces lists them.");
    }
    if (cl->verb == VERB_REPLAY && !o->replay_what[0]) {
        err_set(e, ERR_USAGE, "replay needs the name of a session or of a recording");
        return err_hint(
            e, "Name a session, WORKSPACE/SESSION, its folder, or a file of watch --record.");
    }
    o->replay = cl->verb == VERB_REPLAY;
    o->verify = cl->verb == VERB_VERIFY;
    o->demo = cl->verb == VERB_DEMO;
    bool was_watch = cl->verb == VERB_WATCH; /* the dashboard, and no tuning */
    o->health = cl->verb == VERB_HEALTH;
    o->watch = cl->verb == VERB_WATCH && (cl->json || !isatty(0) || !isatty(1));
    if (cl->verb == VERB_WATCH && !o->watch)
        cl->verb = VERB_SCREEN;
    bool lines = o->replay && (cl->json || !isatty(0) || !isatty(1));
    if (o->replay && !lines)
        cl->verb = VERB_SCREEN;
    o->has_target = o->has_target || was_watch || o->replay;
    o->ends = was_watch && !o->readonly; /* as far as the DBA confirms each by its pid */
    o->readonly = o->readonly || o->health || was_watch || o->replay || (o->verify && !o->measure);
    o->headless = cl->verb == VERB_TUNE || o->health || o->watch || lines || o->verify;
    return true;
}

bool cli_parse(int argc, char **argv, struct command_line *cl, struct err *e)
{
    bool first = true, only_words = false;

    memset(cl, 0, sizeof *cl);
    cl->opt.privacy = PRIVACY_REDACTED;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            cl->json = true;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];

        if (!only_words && strcmp(arg, "--") == 0) {
            only_words = true;
        } else if (!only_words && arg[0] == '-' && arg[1]) {
            if (!take_flag(argc, argv, &i, cl, e))
                return false;
        } else {
            if (!take_word(arg, first, cl, e))
                return false;
            first = false;
        }
    }
    return cl->verb == VERB_HELP || cl->verb == VERB_VERSION || finish(cl, e);
}
