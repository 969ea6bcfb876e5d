/* Errors in plain language: what a failure means and what to do, by SQLSTATE or by the words of the
 * message and the log.
 *
 * The first row that fits answers, so that the precise ones stand before the general. */
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"
#include "pgd/base/buf.h"

struct cause {
    const char *sqlstate; /* exact, or its class of two letters; NULL = by words alone */
    const char *words;    /* any of these, lower case, separated by '|'; NULL = by SQLSTATE alone */
    const char *what;     /* "bench", "apply", "restart", "connect", "ssh"; NULL = any */
    const char *explanation, *fix;
};

/* clang-format off */
static const struct cause causes[] = {
    {NULL, "has changed", "ssh",
     "The host shows another key than the one that is known, so nothing was sent to it. Either it was set up anew, or it is not that host.",
     "Ask who runs it. Only if the new fingerprint is right, remove the old line with ssh-keygen -R and try again."},
    {NULL, "was not accepted|is not known", "ssh",
     "The host's key is not in known_hosts, and nobody has said that it is the right one.",
     "Connect once with ssh and compare the fingerprint, or answer y when the dialog shows it."},
    {NULL, "lets nobody in|took none of the words", "ssh",
     "The host can be reached, and nothing that was offered lets this user in.",
     "Check --ssh-user and --ssh-key, load the key into the agent (ssh-add), and see that its public part is in authorized_keys there."},
    {NULL, "goes through", "ssh",
     "The way to the host leads through another command, and that did not get through.",
     "Run ssh with that host once by hand: the jump host may not be known, or may ask for something that nobody can answer there."},
    {NULL, "connection refused", "ssh",
     "The host is there and nothing listens on that port: sshd does not run, or has another port.",
     "Check --ssh-port and, on the host, that sshd runs."},
    {NULL, "failed to resolve hostname|name or service not known", "ssh",
     "The host's name is known neither to this machine nor to ~/.ssh/config.",
     "Check the spelling of --ssh-host, or give its address."},
    {NULL, "connection reset|broken pipe|disconnected|closed the connection", "ssh",
     "The host took the connection and ended it: sshd or something before it does not want us now.",
     "Look at the log of sshd there (MaxStartups, AllowUsers, fail2ban), and try ssh -v."},
    {NULL, "no route|unreachable|timed out|timeout|is silent", "ssh",
     "Nothing comes back from the host: it is down or frozen, or something on the way drops the packets.",
     "Check that the host answers and that no firewall is in between; it is tried again by itself."},
    {"53100", "no space left on device|disk full|enospc", NULL,
     "A disk is full: the server, or this program, could not write any more.",
     "Free space on the data or WAL disk (df -h), then run the step again; max_wal_size and temporary files are what grows under load."},
    {NULL, "could not map anonymous shared memory|could not create shared memory|cannot allocate memory", NULL,
     "The server asked the system for more shared memory than it can have, so it did not start.",
     "Take a smaller shared_buffers, or reserve the huge pages it needs; the last good configuration is put back."},
    {"53200", "out of memory|could not fork", NULL,
     "A session or the system ran out of memory while the statement ran.",
     "Lower work_mem or the number of clients, and look at the memory bill of the review."},
    {NULL, "too many connections for role|too many connections for database", NULL,
     "The role or the database has a limit of connections of its own, and it is reached.",
     "Close sessions of it, or raise the limit: ALTER ROLE or ALTER DATABASE … CONNECTION LIMIT."},
    {"53300", "too many clients|remaining connection slots|too many connections", NULL,
     "The server has no free connection: max_connections is reached.",
     "Run with fewer --clients, close idle sessions, or put a pooler in between."},
    {"28P01", "password authentication failed|no password supplied|fe_sendauth", NULL,
     "The server wants a password and did not get the right one.",
     "Check user and password; ~/.pgpass, PGPASSWORD or the dialog can give it."},
    {"28000", "no pg_hba.conf entry|peer authentication failed|ident authentication failed", NULL,
     "The server's pg_hba.conf does not let this user in from here.",
     "Add a line for this user, database and address to pg_hba.conf and reload, or connect as another user."},
    {"3D000", "database .* does not exist|database \"", NULL,
     "There is no database of that name on this server.",
     "Give an existing one with -d, or create it."},
    {NULL, "connection refused", NULL,
     "Nothing listens at that address and port: the server is down, or it is the wrong port.",
     "Check host and port, whether the server runs (pg_ctl status, systemctl), and listen_addresses."},
    {NULL, "could not translate host name|name or service not known", NULL,
     "The host's name is not known to this machine.",
     "Check the spelling of the host, or give its address."},
    {NULL, "no such file or directory\" exists|is the server running locally|connection to server on socket", "connect",
     "There is no server behind that socket.",
     "Check the socket's directory (-H) and the port, and whether the server runs."},
    {"57P03", "the database system is starting up|the database system is shutting down|in recovery mode", NULL,
     "The server is starting, stopping or recovering and takes no sessions yet.",
     "Wait until it is up; recovery after a crash can take minutes, and its log tells how far it is."},
    {NULL, "\\shell|\\setshell", NULL,
     "The script runs a shell command, which is refused.",
     "Take the \\shell or \\setshell line out of the script."},
    {NULL, "pgbench: no such|pgbench: not found|pgbench is missing|pgbench: command not found|no pgbench", NULL,
     "pgbench was not found on this machine, so no workload can be run.",
     "Install it (Debian: postgresql-contrib or postgresql-NN, Red Hat: postgresql-contrib) or put it on the PATH."},
    {"42601", "syntax error", NULL,
     "A statement of the script is not valid SQL, so every client stopped at it.",
     "Mend the statement that the message points at; try it in psql first."},
    {"42P01", "relation .* does not exist|relation \"", NULL,
     "The script names a table that the database does not have.",
     "Check that it is the right database (-d) and that the tables are there, with their schema."},
    {"42703", "column \"", NULL,
     "The script names a column that the table does not have.",
     "Compare the statement with the table's definition."},
    {"42501", "permission denied for|must be superuser|must be owner", NULL,
     "The role may not do this.",
     "Grant what is missing (the discovery lists the statements), or connect as a role that may."},
    {NULL, "permission denied|operation not permitted|read-only file system", NULL,
     "The operating system refused access to a file or a program.",
     "Check owner and mode of the path in the message; the server's own files belong to its user."},
    {"40001", "could not serialize access", NULL,
     "Transactions collided and were rolled back, as their isolation level demands.",
     "Run with retries (pgbench --max-tries), or with fewer clients on the same rows."},
    {"40P01", "deadlock detected", NULL,
     "Transactions waited for each other in a circle and one was ended.",
     "Let the script touch rows always in the same order."},
    {"23505", "duplicate key value", NULL,
     "A statement of the script inserts a key that is already there.",
     "Let the script draw keys from a sequence, or use ON CONFLICT."},
    {"57014", "statement timeout|canceling statement", NULL,
     "A statement ran into its time limit or was cancelled.",
     "Raise statement_timeout for the benchmark's role, or give the run more time."},
    {"55P03", "lock timeout|could not obtain lock", NULL,
     "A lock was not free in time: somebody else holds it.",
     "Look for the session that holds it (the locks view), and try again when it is done."},
    {"25006", "read-only transaction", NULL,
     "The server or the session is read-only, so nothing can be written: a standby, or default_transaction_read_only.",
     "Connect to the primary, or use a workload that only reads."},
    {"55006", "being accessed by other users|is being used", NULL,
     "The object is in use by other sessions.",
     "Wait for them to finish, or end them."},
    {"22023", "invalid value for parameter|is outside the valid range|requires a numeric value", NULL,
     "The server does not take this value for the setting.",
     "Propose a value within the range that pg_settings shows; nothing was changed."},
    {NULL, "unrecognized configuration parameter|contains errors|syntax error in file", NULL,
     "A configuration file of the server holds an error, so a reload has no effect and a restart would fail.",
     "Look at pg_file_settings for the line, mend it, and try again."},
    {NULL, "could not access file|could not load library", NULL,
     "The server could not load a library that its configuration names.",
     "Install the library, or take it out of shared_preload_libraries."},
    {NULL, "huge pages", NULL,
     "The server wants huge pages and the system has not reserved enough.",
     "Set huge_pages to try, or raise vm.nr_hugepages."},
    {NULL, "lock file \"postmaster.pid\"|another postmaster|address already in use", NULL,
     "Another server runs in this data directory or on this port.",
     "Find it (pg_ctl status, ss -ltnp) before starting another."},
    {NULL, "terminating connection|server closed the connection|connection reset|broken pipe", NULL,
     "The connection was cut: the server was restarted or crashed, or somebody ended the session.",
     "Look at the end of the server's log for the reason; what was applied is undone or resumed at the next start."},
    {NULL, "ssl|certificate|tls", "connect",
     "The encrypted connection could not be set up.",
     "Check sslmode, the certificate's name and the root certificate."},
    {NULL, "timed out|timeout|deadline", NULL,
     "There was no answer in time: the network, the host or the server does not respond.",
     "Check that the host can be reached and that no firewall drops the packets, then try again."},
};

/* When nothing fits: by what was being done. */
static const struct cause general[] = {
    {NULL, NULL, "bench", "The benchmark run failed, so there is nothing to compare.",
     "Run the script once by hand with pgbench -n -f FILE -t 1 against the same database to see the error alone."},
    {NULL, NULL, "apply", "The change could not be applied, and what had been done of it was taken back.",
     "Reject the line, or edit its value, and go on with the rest."},
    {NULL, NULL, "restart", "The server did not come up with the new settings; the last good ones were put back.",
     "Read the server's log around the attempt; the setting named there is the one to take smaller or leave out."},
    {NULL, NULL, "connect", "No connection to the server came about.",
     "Check host, port, user and database, and try the same with psql."},
    {NULL, NULL, "ssh", "The host could not be worked on over ssh.",
     "Try ssh to the same host and user by hand: its key must be known, and one of yours be let in."},
    {NULL, NULL, NULL, "The step failed for a reason that the built-in rules do not know.",
     "Read the message and the log; the state before the step is kept."},
};
/* clang-format on */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Does the text hold this word (of n bytes)? ".*" stands for anything on the same line. */
static bool holds(const char *text, const char *word, size_t n)
{
    for (; *text; text++) {
        size_t i = 0, t = 0;
        while (i < n && text[t] && lower(text[t]) == word[i]) {
            i++;
            t++;
        }
        if (i == n)
            return true;
        if (i > 0 && n - i > 2 && strncmp(word + i, ".*", 2) == 0) {
            char line[512];
            size_t len = strcspn(text + t, "\n");
            len = len < sizeof line ? len : sizeof line - 1;
            memcpy(line, text + t, len);
            line[len] = '\0';
            if (holds(line, word + i + 2, n - i - 2))
                return true;
        }
    }
    return false;
}

static bool any_word(const char *text, const char *words)
{
    while (words && *words) {
        size_t n = strcspn(words, "|");
        if (holds(text, words, n))
            return true;
        words += n + (words[n] == '|');
    }
    return false;
}

/* Who reports it says what was being done in words of his own ("the restart of round 2"). */
static const char *kind_of(const char *what)
{
    static const char *const words[][2] = {
        {"connect", "connect"}, {"restart", "restart"}, {"run", "bench"},
        {"bench", "bench"},     {"baseline", "bench"},  {"change", "apply"},
        {"apply", "apply"},     {"switching", "apply"}, {"putting", "apply"},
        {"bringing", "apply"},  {"hand-over", "apply"}};
    static const char *const ssh[] = {"ssh", "link to"};

    for (size_t i = 0; i < ARRAY_LEN(ssh); i++)
        if (strstr(what, ssh[i]))
            return "ssh";
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(what, words[i][0]))
            return words[i][1];
    return what;
}

static bool about(const struct cause *c, const char *what)
{
    return !c->what || strcmp(c->what, what) == 0;
}

static const struct cause *find(const char *what, const char *sqlstate, const char *text)
{
    for (size_t i = 0; sqlstate[0] && i < ARRAY_LEN(causes); i++)
        if (causes[i].sqlstate && strcmp(causes[i].sqlstate, sqlstate) == 0)
            return &causes[i];
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (about(&causes[i], what) && any_word(text, causes[i].words))
            return &causes[i];
    for (size_t i = 0; i < ARRAY_LEN(general); i++)
        if (about(&general[i], what))
            return &general[i];
    return &general[ARRAY_LEN(general) - 1];
}

void builtin_diagnose(const struct evidence *e, const char *what, const struct err *err,
                      const char *log, struct diagnosis *out)
{
    static const struct err nothing;
    struct buf text = {0};
    (void)e;
    memset(out, 0, sizeof *out);
    SAY(out->advisor.text, "builtin");
    if (!err)
        err = &nothing;
    const char *kind = what ? kind_of(what) : "";
    const bool link = strcmp(kind, "ssh") ==
                      0; /* there others refuse, and the server's log says nothing */
    if (err->code == ERR_REFUSED && !link) {
        SAY(out->explanation, "Nothing has failed: the program does not do this. %s.", err->msg);
        SAY(out->fix, "%s", err->hint);
        return;
    }
    buf_printf(&text, "%s\n%s\n%s", err->msg, err->detail, log && !link ? log : "");
    const struct cause *c = find(kind, err->sqlstate, buf_text(&text));
    SAY(out->explanation, "%s%s%s%s", c->explanation, err->msg[0] ? " The message was: " : "",
        err->msg, err->msg[0] ? "." : "");
    SAY(out->fix, "%s", c->fix);
    buf_clear(&text);
}
