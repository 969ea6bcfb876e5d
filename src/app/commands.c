/* commands.c - see commands.h. */
#include "pgd/app/commands.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/advised.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/finder.h"
#include "pgd/app/flow.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/health.h"
#include "pgd/app/hosts.h"
#include "pgd/app/keep.h"
#include "pgd/app/offers.h"
#include "pgd/app/record.h"
#include "pgd/app/replay.h"
#include "pgd/app/sessions.h"
#include "pgd/app/sqllog.h"
#include "pgd/app/talk.h"
#include "pgd/app/views.h"
#include "pgd/base/text.h"
#include "pgd/tuning/grants.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/palette.h"
#include "pgd/workspace/export.h"

#define NAME(id, text) [KC_##id] = (text),
const char *const commands_actions[KC_COUNT] = {KEY_COMMANDS(NAME)};
#undef NAME

typedef void (*command_fn)(struct model *m, const char *args, struct effects *fx);

/* One command as a page. */
static void help_of(struct model *m, const struct command_row *row)
{
    struct buf *out = &m->page.text;

    buf_clear(out);
    snprintf(m->page.title, sizeof m->page.title, "/%s", row->name);
    buf_printf(out, "/%s %s\n%s\n", row->name, row->args, row->help);
    for (const char *a = row->alias; *a;) {
        size_t n = strcspn(a, " ");
        buf_printf(out, "%s /%.*s", a == row->alias ? "also" : ",", (int)n, a);
        a += n + (a[n] == ' ');
    }
    if (row->takes == TAKES_EXPORT) {
        buf_puts(out, "\n# Kinds\nworkspace: all of them\n");
        for (int i = 0; export_kind_at(i); i++)
            buf_printf(out, "%s: %s, %s\n", export_kind_at(i)->name, export_kind_at(i)->file,
                       export_kind_at(i)->help);
    } else if (row->takes == TAKES_LEVEL) {
        buf_puts(out, "\n# Levels\n");
        for (int i = PRIVACY_STRICT; i <= PRIVACY_FULL; i++)
            buf_printf(out, "%s: %s\n", privacy_name((enum privacy)i),
                       dialog_privacy((enum privacy)i));
    }
    dialogs_open(m, DIALOG_PAGE);
}

static void do_readonly(struct model *m, const char *args, struct effects *fx)
{
    bool rests = m->flow == FLOW_WATCH || m->flow == FLOW_SIGHT || m->flow == FLOW_PAUSED ||
                 m->flow == FLOW_SUMMARY || m->flow == FLOW_ERROR;

    (void)args;
    (void)fx;
    if (m->opt.ends) {
        m->opt.ends = false;
        model_say(m, CHAT_GOOD,
                  "read-only from here on: no session can be cancelled or ended any more");
    } else if (m->opt.readonly) {
        model_say(m, CHAT_EVENT, "it is read-only already");
    } else if (!rests || flow_end_busy(m)) { /* what is under way must be able to be undone */
        model_say(m, CHAT_WARN,
                  "a session is under way: pause or end it first, so that nothing half-done stays");
    } else {
        m->opt.readonly = true;
        model_say(m, CHAT_GOOD,
                  "read-only from here on: nothing on the server can be changed or measured by "
                  "this program any more. There is no way back but to start it again.");
    }
}

static void do_sql_log(struct model *m, const char *args, struct effects *fx)
{
    int64_t n = 50;

    (void)fx;
    if (*args && (!text_int64(args, &n) || n < 1)) {
        model_say(m, CHAT_WARN, "how many statements? /sql-log 20");
        return;
    }
    buf_clear(&m->page.text);
    snprintf(m->page.title, sizeof m->page.title, "Statements that were sent");
    sqllog_page(m, n < SQL_LOG_MAX ? (int)n : SQL_LOG_MAX, &m->page.text);
    dialogs_open(m, DIALOG_PAGE);
}

static void do_theme(struct model *m, const char *args, struct effects *fx)
{
    const struct theme *theme = theme_find(args);

    if (theme) {
        text_copy(m->screen.theme, sizeof m->screen.theme, theme->name);
        keep_choice(m, "theme", theme->name, fx);
        m->dirty = true;
        return;
    }
    if (*args)
        model_say(m, CHAT_WARN, "there is no theme named %s", args);
    finder_open_themes(m);
}

/* A choice that is on or off, here and in HOME/config. */
static void switch_choice(struct model *m, const char *name, bool *choice, const char *args,
                          struct effects *fx)
{
    bool on = strcmp(args, "on") == 0, off = strcmp(args, "off") == 0;

    if (on || off) {
        *choice = on;
        keep_choice(m, name, args, fx);
        m->dirty = true;
    } else if (*args) {
        model_say(m, CHAT_WARN, "/%s on, or /%s off", name, name);
        return;
    }
    model_say(m, CHAT_EVENT, "%s: %s", name, *choice ? "on" : "off");
}

static void do_mouse(struct model *m, const char *args, struct effects *fx)
{
    switch_choice(m, "mouse", &m->screen.choices.mouse, args, fx);
}

static void do_plain(struct model *m, const char *args, struct effects *fx)
{
    switch_choice(m, "plain", &m->screen.choices.plain, args, fx);
}

static void do_motion(struct model *m, const char *args, struct effects *fx)
{
    switch_choice(m, "reduced-motion", &m->screen.choices.reduced_motion, args, fx);
}

static void do_title(struct model *m, const char *args, struct effects *fx)
{
    switch_choice(m, "title", &m->screen.choices.title, args, fx);
}

static void do_help(struct model *m, const char *args, struct effects *fx)
{
    const struct command_row *row = commands_row(*args == '/' ? args + 1 : args);

    (void)fx;
    if (row)
        help_of(m, row);
    else if (*args)
        model_say(m, CHAT_WARN, "there is no command /%s: /help lists them", args + (*args == '/'));
    else
        dialogs_open(m, DIALOG_HELP);
}

static void do_sessions(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    (void)fx;
    sessions_open(m);
}

static void do_switch(struct model *m, const char *args, struct effects *fx)
{
    sessions_switch(m, args, fx);
}

static void do_status(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    (void)fx;
    dialogs_open(m, DIALOG_STATUS);
}

static void do_pause(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    if (model_run_active(m))
        flow_stop(m, false, 0, fx);
    else
        model_say(m, CHAT_WARN, "there is no session to pause");
}

static void do_resume(struct model *m, const char *args, struct effects *fx)
{
    int row = *args ? sessions_find(m, args) : -1;

    if (!*args || row >= 0)
        flow_resume(m, *args ? m->workspace.sessions[row].name : "", fx);
}

static void do_export(struct model *m, const char *args, struct effects *fx)
{
    bool known = !*args || strcmp(args, "workspace") == 0;

    for (int i = 0; export_kind_at(i); i++)
        known |= strcmp(args, export_kind_at(i)->name) == 0;
    if (known)
        flow_export(m, args, fx);
    else
        model_say(m, CHAT_WARN, "no export is named %s: /help export lists them", args);
}

static void do_handover(struct model *m, const char *args, struct effects *fx)
{
    flow_handover(m, strcmp(args, "go") == 0, fx);
}

static void do_persist(struct model *m, const char *args, struct effects *fx)
{
    flow_persist(m, args, fx);
}

static void do_close(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    flow_close(m, fx);
}

static void do_quit(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    flow_stop(m, true, 0, fx);
}

static void do_tune(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    dialogs_reopen(m, fx);
}

static void do_grants(struct model *m, const char *args, struct effects *fx)
{
    struct buf script = {0};

    (void)args;
    (void)fx;
    if (!m->server_known)
        model_say(m, CHAT_WARN, "discovery has not finished yet");
    else if (grants_script(&m->server, m->way.platform[0] != '\0', &script))
        model_say(m, CHAT_AI, "What the role lacks here, to be run as a superuser:\n%s",
                  buf_text(&script));
    else
        model_say(m, CHAT_AI, "The role has every right that a session needs.");
    buf_clear(&script);
}

static void do_undo(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    flow_undo_round(m, fx);
}

static void do_durability(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    flow_trade(m, fx);
}

static void do_knee(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    flow_knee(m, fx);
}

static void do_find(struct model *m, const char *args, struct effects *fx)
{
    (void)fx;
    talk_find(m, args);
}

static void do_model(struct model *m, const char *args, struct effects *fx)
{
    if (*args) {
        advise_use(m, args, fx);
    } else if (m->partner.kind == PARTNER_BUILTIN) {
        model_say(m, CHAT_AI,
                  "The builtin advisor advises. /model gemini or /model openai names a "
                  "provider whose key is in the environment.");
    } else {
        advise_models(m, fx);
        dialogs_open(m, DIALOG_MODEL);
    }
}

static void do_cost(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    (void)fx;
    dialogs_open(m, DIALOG_COST);
}

static void do_privacy(struct model *m, const char *args, struct effects *fx)
{
    enum privacy before = m->partner.privacy;

    if (strncmp(args, "show", 4) == 0 && (!args[4] || args[4] == ' ')) {
        talk_preview(m, OP_QUESTION, args[4] ? args + 5 : "");
        dialogs_open(m, DIALOG_PREVIEW);
        return;
    }
    for (int i = PRIVACY_STRICT; i <= PRIVACY_FULL; i++)
        if (strcmp(args, privacy_name((enum privacy)i)) == 0)
            m->partner.privacy = (enum privacy)i;
    if (m->partner.privacy < before) /* what was made at the old level is not sent again */
        advise_cancel_all(m, fx);
    if (*args && strcmp(args, privacy_name(m->partner.privacy)) != 0)
        model_say(m, CHAT_WARN,
                  "/privacy strict, redacted or full; /privacy show [a question] "
                  "shows the request that it would make");
    if (m->partner.kind == PARTNER_BUILTIN)
        model_say(m, CHAT_EVENT, "the builtin advisor answers: nothing leaves this machine");
    model_say(m, CHAT_EVENT, "privacy: %s", dialog_privacy(m->partner.privacy));
    m->dirty = true;
}

static void do_explain(struct model *m, const char *args, struct effects *fx)
{
    if (*args)
        talk_ask(m, OP_PARAMETER, args, fx);
    else
        model_say(m, CHAT_WARN, "name a setting: /explain work_mem");
}

static void do_compare(struct model *m, const char *args, struct effects *fx)
{
    if (strchr(args, ' '))
        talk_ask(m, OP_COMPARE, args, fx);
    else
        model_say(m, CHAT_WARN, "name two sessions of this workspace: /compare A B");
}

static void do_hardware(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    talk_ask(m, OP_HARDWARE, "", fx);
}

static void do_ssh(struct model *m, const char *args, struct effects *fx)
{
    bool wanted = hosts_wanted(m, SSH_SERVER) || hosts_wanted(m, SSH_BENCH);
    bool retry = strcmp(args, "retry") == 0;

    if (!wanted) {
        model_say(m, CHAT_WARN, "no host was named: start with --ssh-host HOST");
    } else if (!*args) {
        hosts_show(m);
    } else if (retry || strcmp(args, "close") == 0) {
        for (int i = 0; i < SSH_CONN_COUNT; i++)
            if (retry)
                hosts_retry(m, (enum ssh_conn)i, fx);
            else
                hosts_close(m, (enum ssh_conn)i, fx);
        if (!retry)
            model_say(m, CHAT_EVENT, "the links by ssh are closed; /ssh retry opens them again");
    } else {
        model_say(m, CHAT_WARN,
                  "/ssh shows the links; /ssh retry tries again, /ssh close ends "
                  "them");
    }
}

static void do_record(struct model *m, const char *args, struct effects *fx)
{
    if (strcmp(args, "stop") == 0)
        record_stop(m, fx);
    else
        record_start(m, args, fx);
}

static void do_replay(struct model *m, const char *args, struct effects *fx)
{
    replay_open(m, args, fx);
}

static void do_health(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    health_begin(m, fx);
}

static void do_advice(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    (void)fx;
    advised_open(m);
}

static void do_view(struct model *m, const char *args, struct effects *fx)
{
    views_command(m, args, fx);
}

/* name, function, other names, arguments, help, what the arguments may be */
#define COMMANDS(X)                                                                               \
    X("help", do_help, "h ?", "[command]", "Keys and commands; or one command in detail.",        \
      TAKES_COMMAND)                                                                              \
    X("status", do_status, "s", "", "Where server, session and program stand.", TAKES_NOTHING)    \
    X("sessions", do_sessions, "ls", "",                                                          \
      "The workspace's sessions: Enter opens a record, r goes on with one.", TAKES_NOTHING)       \
    X("tune", do_tune, "t", "", "Start a tuning session, or go on with the open question.",       \
      TAKES_NOTHING)                                                                              \
    X("pause", do_pause, "", "",                                                                  \
      "Stop what runs, undo the step under way, keep the session for later.", TAKES_NOTHING)      \
    X("resume", do_resume, "", "[session]", "Go on with a paused session; alone: the newest.",    \
      TAKES_PAUSED)                                                                               \
    X("switch", do_switch, "", "[session]",                                                       \
      "Go on with another session; one that runs is paused first, when you say yes.",             \
      TAKES_PAUSED)                                                                               \
    X("export", do_export, "", "[kind]",                                                          \
      "Write what all archived sessions have proven; a kind: that file alone.", TAKES_EXPORT)     \
    X("close", do_close, "", "",                                                                  \
      "No further round: confirm and keep what improved, archive the session.", TAKES_NOTHING)    \
    X("quit", do_quit, "q", "", "Leave; a running session is paused first.", TAKES_NOTHING)       \
    X("grants", do_grants, "", "", "The rights that the role lacks, as a script of GRANTs.",      \
      TAKES_NOTHING)                                                                              \
    X("handover", do_handover, "", "[go]",                                                        \
      "Move the session's settings to a managed file; go does it.", TAKES_WORDS)                  \
    X("undo", do_undo, "u", "",                                                                   \
      "Take back what the round kept whose verdict waits for an answer.", TAKES_NOTHING)          \
    X("knee", do_knee, "", "",                                                                    \
      "Sweep the clients at the session's end: how many the server can use.", TAKES_NOTHING)      \
    X("durability", do_durability, "", "",                                                        \
      "Measure what durability trades would gain, and lose; none is kept.", TAKES_NOTHING)        \
    X("find", do_find, "", "[text]", "Find text in what was said; alone: the next older place.",  \
      TAKES_TEXT)                                                                                 \
    X("model", do_model, "", "[name]",                                                            \
      "Who advises: the provider's models, or a name, gemini, openai, builtin.", TAKES_MODEL)     \
    X("cost", do_cost, "", "", "What was asked of a model, its tokens, its price and its time.",  \
      TAKES_NOTHING)                                                                              \
    X("privacy", do_privacy, "", "[level|show]",                                                  \
      "What a model may be told: strict, redacted or full; show: the next request.", TAKES_LEVEL) \
    X("explain", do_explain, "", "setting",                                                       \
      "What a setting does, and what it means on this server.", TAKES_SETTING)                    \
    X("compare", do_compare, "", "A B", "Two sessions of this workspace beside each other.",      \
      TAKES_SESSION)                                                                              \
    X("hardware", do_hardware, "", "", "What other hardware could do for this workload.",         \
      TAKES_NOTHING)                                                                              \
    X("record", do_record, "", "[stop|name]",                                                     \
      "Write down what the dashboard shows, for /replay; stop: no longer.", TAKES_WORDS)          \
    X("replay", do_replay, "", "[session]",                                                       \
      "Play a session, or a file of /record, in the same panes; alone: the newest.",              \
      TAKES_SESSION)                                                                              \
    X("ssh", do_ssh, "", "[retry|close]",                                                         \
      "How the links to other machines stand; try again, or close.", TAKES_WORDS)                 \
    X("health", do_health, "", "",                                                                \
      "Look at what needs care: tables, indexes, vacuum, settings, host.", TAKES_NOTHING)         \
    X("advice", do_advice, "", "",                                                                \
      "What settings cannot mend: indexes, statistics, tables; each with its undo.",              \
      TAKES_NOTHING)                                                                              \
    X("view", do_view, "v", "[name]",                                                             \
      "A live view in place of the panes: activity, tables, log ...; alone: all.", TAKES_VIEW)    \
    X("persist", do_persist, "", "[go|undo]",                                                     \
      "Let the host's next start set the operating system so, too.", TAKES_WORDS)                 \
    X("readonly", do_readonly, "", "",                                                            \
      "From here on nothing on the server may be changed; there is no way back.", TAKES_NOTHING)  \
    X("sql-log", do_sql_log, "", "[count]",                                                       \
      "The last statements that this program sent to the server.", TAKES_TEXT)                    \
    X("theme", do_theme, "", "[name]",                                                            \
      "Colours, each shown as the cursor comes to it; kept for later runs.", TAKES_THEME)         \
    X("mouse", do_mouse, "", "[on|off]",                                                          \
      "The wheel scrolls the pane under it, a click goes there; off: the terminal's own.",        \
      TAKES_WORDS)                                                                                \
    X("plain", do_plain, "", "[on|off]",                                                          \
      "For screen readers: one column, no lines, figures in place of graphs.", TAKES_WORDS)       \
    X("reduced-motion", do_motion, "", "[on|off]",                                                \
      "Clocks and counters step every 5 seconds, unless data has come.", TAKES_WORDS)             \
    X("title", do_title, "", "[on|off]", "The window's title says what the prompt says.",         \
      TAKES_WORDS)

#define ROW(name, function, alias, args, help, takes) {name, alias, args, help, takes},
#define FUNCTION(name, function, alias, args, help, takes) function,

static const struct command_row rows[] = {COMMANDS(ROW)};
static const command_fn functions[] = {COMMANDS(FUNCTION)};

const struct command_row *commands_table(int *n)
{
    *n = (int)ARRAY_LEN(rows);
    return rows;
}

static bool is_alias(const char *list, const char *word, size_t len)
{
    while (*list) {
        size_t n = strcspn(list, " ");
        if (n == len && strncmp(list, word, n) == 0)
            return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

const struct command_row *commands_row(const char *line)
{
    size_t n = strcspn(line, " ");

    for (size_t i = 0; i < ARRAY_LEN(rows) && n > 0; i++)
        if ((strlen(rows[i].name) == n && strncmp(rows[i].name, line, n) == 0) ||
            is_alias(rows[i].alias, line, n))
            return &rows[i];
    return NULL;
}

/* How many edits turn a into b, for "did you mean"; words of a command's length only. */
static int distance(const char *a, const char *b)
{
    int row[32];
    int nb = (int)strlen(b);

    if (nb > 30 || strlen(a) > 30)
        return 99;
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (up + 1 < best)
                best = up + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = up;
            row[j] = best;
        }
    }
    return row[nb];
}

/* The command that was meant, as near as can be told: one whose letters were left out, else the one with the fewest edits. */
static const struct command_row *nearest(const char *word)
{
    const struct command_row *best = &rows[0];
    int edits = distance(word, best->name);

    for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
        int d = distance(word, rows[i].name);
        if (d < edits) {
            best = &rows[i];
            edits = d;
        }
    }
    for (size_t i = 0; edits > 2 && i < ARRAY_LEN(rows); i++)
        if (strlen(word) > 1 && offers_fuzzy(word, rows[i].name))
            return &rows[i];
    return best;
}

void commands_run(struct model *m, const char *line, struct effects *fx)
{
    size_t n = strcspn(line, " ");
    const char *args = line + n + strspn(line + n, " ");
    const struct command_row *row = commands_row(line);
    char word[32];

    if (row) {
        functions[row - rows](m, args, fx);
        return;
    }
    snprintf(word, sizeof word, "%.*s", (int)n, line);
    model_say(m, CHAT_WARN, "unknown command /%s: did you mean /%s?", word, nearest(word)->name);
}
