/* commands.c - see commands.h. */
#include "pgd/app/commands.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow.h"
#include "pgd/app/health.h"
#include "pgd/app/hosts.h"
#include "pgd/app/talk.h"
#include "pgd/base/text.h"
#include "pgd/tuning/grants.h"
#include "pgd/ui/dialog.h"

typedef void (*command_fn)(struct model *m, const char *args, struct effects *fx);

static void do_help(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    (void)fx;
    dialogs_open(m, DIALOG_HELP);
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
    flow_resume(m, args, fx);
}

static void do_export(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    flow_export(m, fx);
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

static void do_health(struct model *m, const char *args, struct effects *fx)
{
    (void)args;
    health_begin(m, fx);
}

static const struct command_row rows[] = {
    {"help", "h ?", "", "Keys and commands.", 0},
    {"status", "s", "", "Where server, session and program stand.", 1},
    {"tune", "t", "", "Start a tuning session, or go on with the open question.", 2},
    {"pause", "", "", "Stop what runs, undo the step under way, keep the session for later.", 3},
    {"resume", "", "[session]", "Go on with a paused session.", 4},
    {"export", "", "", "Write the report and the configuration of all archived sessions.", 5},
    {"close", "", "", "No further round: confirm and keep what improved, archive the session.", 6},
    {"quit", "q", "", "Leave; a running session is paused first.", 7},
    {"grants", "", "", "The rights that the role lacks, as a script of GRANTs.", 8},
    {"handover", "", "[go]", "Move the session's settings to a managed file; go does it.", 9},
    {"undo", "u", "", "Take back what the round kept whose verdict waits for an answer.", 10},
    {"knee", "", "", "Sweep the clients at the session's end: how many the server can use.", 11},
    {"find", "", "[text]", "Find text in what was said; alone: the next older place.", 12},
    {"model", "", "[name]",
     "Who advises: the provider's models, or a name, gemini, openai, builtin.", 13},
    {"cost", "", "", "What was asked of a model, its tokens, its price and its time.", 14},
    {"privacy", "", "[level|show]",
     "What a model may be told: strict, redacted or full; show: the next request.", 15},
    {"explain", "", "setting", "What a setting does, and what it means on this server.", 16},
    {"compare", "", "A B", "Two sessions of this workspace beside each other.", 17},
    {"hardware", "", "", "What other hardware could do for this workload.", 18},
    {"ssh", "", "[retry|close]", "How the links to other machines stand; try again, or close.", 19},
    {"health", "", "", "Look at what needs care: tables, indexes, vacuum, settings, host.", 21},
    {"persist", "", "[go|undo]", "Let the host's next start set the operating system so, too.", 20},
};

static const command_fn functions[] = {
    do_help,    do_status,   do_tune,     do_pause, do_resume,  do_export, do_close, do_quit,
    do_grants,  do_handover, do_undo,     do_knee,  do_find,    do_model,  do_cost,  do_privacy,
    do_explain, do_compare,  do_hardware, do_ssh,   do_persist, do_health};

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

void commands_run(struct model *m, const char *line, struct effects *fx)
{
    size_t n = strcspn(line, " ");
    const char *args = line + n + strspn(line + n, " ");
    char word[32];
    int nearest = 0;

    snprintf(word, sizeof word, "%.*s", (int)n, line);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, word) == 0 || (n > 0 && is_alias(rows[i].alias, line, n))) {
            functions[rows[i].command](m, args, fx);
            return;
        }
        if (distance(word, rows[i].name) < distance(word, rows[nearest].name))
            nearest = (int)i;
    }
    model_say(m, CHAT_WARN, "unknown command /%s: did you mean /%s?", word, rows[nearest].name);
}

int commands_complete(const void *arg, const char *text, char out[][64], int max)
{
    const struct model *m = arg;
    int n = 0;

    if (*text != '/')
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(rows) && n < max; i++)
        if (strncmp(rows[i].name, text + 1, strlen(text + 1)) == 0)
            snprintf(out[n++], 64, "/%s%s", rows[i].name, rows[i].args[0] ? " " : "");
    if (strncmp(text, "/resume ", 8) == 0)
        for (int i = 0; i < m->workspace.nsessions && n < max; i++)
            if (m->workspace.sessions[i].state == SESSION_PAUSED &&
                strncmp(m->workspace.sessions[i].name, text + 8, strlen(text + 8)) == 0)
                snprintf(out[n++], 64, "/resume %.54s", m->workspace.sessions[i].name);
    return n;
}
