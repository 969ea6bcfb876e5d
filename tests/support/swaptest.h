/* swaptest.h - a database whose owner, app, turns against a superuser who looks: he puts functions of his own in the place of
 * what is looked at, as fast as he can. For one test each; cmocka.h and libpq-fe.h come first. */
#pragma once

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pgtest.h"

static struct pgtest *pg;
static int version;

/* ---- the server ---- */

static PGconn *dial(const char *role)
{
    const char *keys[] = {"host", "port", "user", "dbname", NULL};
    const char *values[] = {pg->host, pg->port, role, "app", NULL};
    PGconn *c = PQconnectdbParams(keys, values, 0);

    if (PQstatus(c) != CONNECTION_OK)
        fail_msg("%s: %s", role, PQerrorMessage(c));
    return c;
}

static bool run(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;

    PQclear(r);
    return ok;
}

static void must(PGconn *c, const char *sql)
{
    if (!run(c, sql))
        fail_msg("%s: %s", sql, PQerrorMessage(c));
}

/* The first figure of an answer; -1 when it was refused. */
static long figure(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    long n = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) > 0
                 ? strtol(PQgetvalue(r, 0, 0), NULL, 10)
                 : -1;

    PQclear(r);
    return n;
}

/* A trace outlives the statement that left it, even if that is rolled back: it is drawn from a sequence, which only the
 * superuser's hand would move. Nothing else is needed to show that code of another's has run as him. */
static void plant_trace(PGconn *c)
{
    must(c, "CREATE SCHEMA app");
    must(c, "CREATE SEQUENCE app.trace");
    must(c, "CREATE FUNCTION app.evil() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF "
            "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN "
            "PERFORM pg_catalog.nextval('app.trace'); END IF; RETURN 1; END$$");
}

static void unharmed(PGconn *c, const char *when, const char *impostor)
{
    if (figure(c, "SELECT CASE WHEN is_called THEN 1 ELSE 0 END FROM app.trace") != 0)
        fail_msg("%s: the superuser has run an impostor: %s", when, impostor);
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A process that flips until attack_end(), with rests of up to rest_us. */
static pid_t attack(void (*flip)(PGconn *c), long rest_us)
{
    pid_t me = getpid(), child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != me)
        _exit(0);
    PGconn *c = dial("app");
    run(c, "SET synchronous_commit = off");
    for (;;) {
        struct timespec rest = {.tv_nsec = random() % (rest_us * 1000)};
        flip(c);
        nanosleep(&rest, NULL);
    }
}

static void attack_end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Until the attacker's session is gone. */
static void wait_alone(PGconn *owner)
{
    while (figure(owner,
                  "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = 'app' AND "
                  "pid <> pg_backend_pid()") > 0)
        usleep(1000);
}
