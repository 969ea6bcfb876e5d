/* pg_error.c - messages of several lines become one sentence, a detail and, for the common cases, the
 * next thing to look at. */
#include "pgd/io/pg_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"

/* The first line without blanks around it and without a full stop. */
static void first_line(char *dst, size_t size, const char *text)
{
    text += strspn(text, " \t\n");
    char *line = xstrndup(text, strcspn(text, "\n"));
    size_t n = strlen(line);
    while (n > 0 && strchr(" \t\r.", line[n - 1]))
        line[--n] = '\0';
    text_copy(dst, size, line);
    free(line);
}

/* All lines in one, if there is more than one. */
static void all_lines(char *dst, size_t size, const char *text)
{
    struct buf b = {0};
    int lines = 0;
    while (*text) {
        text += strspn(text, " \t\r\n");
        const size_t n = strcspn(text, "\n");
        if (n > 0) {
            if (lines++ > 0)
                buf_putc(&b, ' ');
            buf_append(&b, text, n);
        }
        text += n;
    }
    text_copy(dst, size, lines > 1 ? buf_text(&b) : "");
    buf_clear(&b);
}

static void where_is(char *dst, size_t size, const char *host, const char *port)
{
    if (host[0] == '/')
        snprintf(dst, size, "the socket %s/.s.PGSQL.%s", host, port);
    else
        snprintf(dst, size, "%s port %s", host[0] ? host : "the server", port[0] ? port : "5432");
}

/* libpq has no SQLSTATE of a connection that was refused: where one matters, the words stand for it. */
static const struct {
    const char *text;
    const char *hint; /* %s: where */
    const char *sqlstate;
} hints[] = {
    {"Connection refused",
     "Nothing listens on %s: check host, port and that the server runs "
     "(listen_addresses, port).",
     NULL},
    {"could not translate host name", "Check the spelling of the host name in %s.", NULL},
    {"No route to host", "The network has no way to %s.", NULL},
    {"Network is unreachable", "The network has no way to %s.", NULL},
    {"timeout expired", "No answer from %s: a firewall may drop the packets, or the host is down.",
     NULL},
    {"Connection timed out",
     "No answer from %s: a firewall may drop the packets, or the host is down.", NULL},
    {"No such file or directory",
     "There is no such socket; the server does not run, or uses another "
     "socket folder or port.",
     NULL},
    {"no pg_hba.conf entry",
     "The server does not let you in from here: add a line to pg_hba.conf, "
     "or use another role, database or sslmode.",
     NULL},
    {"Peer authentication failed",
     "Give the role of your operating-system user (-U), or connect to "
     "a host (-H) with a password.",
     NULL},
    {"password authentication failed",
     "The password is wrong, or the role has none or does not "
     "exist; .pgpass may hold an old one.",
     NULL},
    {"the database system is starting up", "Wait: the server is starting.", "57P03"},
    {"the database system is shutting down", "Wait: the server is shutting down.", "57P03"},
    {"recovery mode", "Wait: the server recovers from a crash.", "57P03"},
    {"too many connections for role",
     "The role has a limit of its own: close a session of it, or ALTER ROLE … CONNECTION LIMIT.",
     "53300"},
    {"too many connections for database",
     "The database has a limit of its own: close a session in it, or ALTER DATABASE … CONNECTION "
     "LIMIT.",
     "53300"},
    {"too many clients", "All connections are taken; a superuser has some in reserve.", "53300"},
    {"remaining connection slots", "All connections are taken; a superuser has some in reserve.",
     "53300"},
    {"unsupported startup parameter",
     "That is what PgBouncer says to options=-c: connect to the server itself (%s is the "
     "pooler's).",
     NULL},
    {"does not support SSL", "Use sslmode=prefer or disable, or turn ssl on at the server.", NULL},
    {"certificate verify failed", "The server's certificate is not signed by one in sslrootcert.",
     NULL},
    {"definition of service", "Look at the service file (PGSERVICEFILE, ~/.pg_service.conf).",
     NULL},
};

static void hint_for(struct err *e, const char *text, const char *where)
{
    if (strstr(text, "does not exist")) {
        if (strstr(text, "role \""))
            err_hint(e, "Give an existing role with -U; yours is the operating system's user.");
        else
            err_hint(e, "Give an existing database with -d, such as postgres.");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        if (!strstr(text, hints[i].text))
            continue;
        if (hints[i].sqlstate)
            text_copy(e->sqlstate, sizeof(e->sqlstate), hints[i].sqlstate);
        const char *slot = strstr(hints[i].hint, "%s");
        if (!slot)
            err_hint(e, "%s", hints[i].hint);
        else
            err_hint(e, "%.*s%s%s", (int)(slot - hints[i].hint), hints[i].hint, where, slot + 2);
        return;
    }
}

void pg_error_connect(struct err *e, const char *text, const char *host, const char *port,
                      bool needs_password, bool used_password)
{
    char where[320], line[sizeof(e->msg)];
    where_is(where, sizeof(where), host, port);
    first_line(line, sizeof(line), text);
    if (line[0] == '\0')
        text_copy(line, sizeof(line), "cannot connect to the server");
    const bool wrong = used_password && strstr(text, "password authentication failed");
    err_set(e, needs_password || wrong ? ERR_PASSWORD : ERR_CONNECT, "%s", line);
    all_lines(e->detail, sizeof(e->detail), text);
    if (needs_password)
        err_hint(e, "The server asks for a password: type it, or put it into .pgpass.");
    else
        hint_for(e, text, where);
}

void pg_error_lost(struct err *e, const char *host, const char *port, const char *text)
{
    char where[320], line[sizeof(e->msg)];
    where_is(where, sizeof(where), host, port);
    err_set(e, ERR_LOST, "the connection to %s is lost", where);
    all_lines(e->detail, sizeof(e->detail), text);
    if (e->detail[0] == '\0') {
        first_line(line, sizeof(line), text);
        if (line[0])
            err_detail(e, "%s.", line);
    }
}

static const char *field(const PGresult *res, int code)
{
    const char *s = PQresultErrorField(res, code);
    return s ? s : "";
}

/* The server ends the session, or libpq made the message up because there is none any more. */
static bool ends_session(const PGresult *res)
{
    const char *severity = field(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    return strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0 ||
           field(res, PG_DIAG_SQLSTATE)[0] == '\0';
}

void pg_error_result(struct err *e, const PGresult *res)
{
    char line[sizeof(e->msg)];
    const char *state = field(res, PG_DIAG_SQLSTATE);
    const char *primary = field(res, PG_DIAG_MESSAGE_PRIMARY);
    first_line(line, sizeof(line), primary[0] ? primary : PQresultErrorMessage(res));
    err_set(e, ends_session(res) ? ERR_LOST : ERR_SQL, "%s", line);
    text_copy(e->sqlstate, sizeof(e->sqlstate), state);
    text_copy(e->detail, sizeof(e->detail), field(res, PG_DIAG_MESSAGE_DETAIL));
    text_copy(e->hint, sizeof(e->hint), field(res, PG_DIAG_MESSAGE_HINT));
    const char *at = field(res, PG_DIAG_STATEMENT_POSITION);
    if (!e->detail[0] && at[0])
        err_detail(e, "At character %s of the statement.", at);
    if (e->hint[0])
        return;
    if (strcmp(state, "42501") == 0)
        err_hint(e, "The role lacks a privilege; connect as one that has it.");
    else if (strcmp(state, "55P03") == 0)
        err_hint(e, "Somebody else holds the lock; try again later.");
    else if (strcmp(state, "25006") == 0)
        err_hint(e, "The session is read-only, or the server is a standby.");
}
