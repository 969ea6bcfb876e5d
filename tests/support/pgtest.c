/* pgtest.h over tests/support/pg.sh. */
#include "pgtest.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char output[65536];

static const char *script(void)
{
    static char path[4096];
    const char *source = getenv("PGD_SOURCE_DIR");
    if (source == NULL)
        fail_msg("PGD_SOURCE_DIR is not set");
    snprintf(path, sizeof path, "%s/tests/support/pg.sh", source);
    return path;
}

/* Runs argv and keeps its standard output; returns its exit code, or 128 + the signal. */
static int run(const char *const *argv)
{
    int fds[2];
    if (pipe(fds) != 0)
        fail_msg("pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        fail_msg("fork: %s", strerror(errno));
    if (pid == 0) {
        char owner[32];
        snprintf(owner, sizeof owner, "%d", (int)getppid());
        setenv("PGTEST_OWNER", owner, 1);
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(fds[1]);
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fds[0], output + n, sizeof output - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fds[0]);
    output[n] = '\0';
    while (n > 0 && output[n - 1] == '\n')
        output[--n] = '\0';
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int pg(const char *verb, const char *a, const char *b, const char *c)
{
    const char *argv[] = {"sh", script(), verb, a, b, b != NULL ? c : NULL, NULL};
    return run(argv);
}

static void must(int code, const char *what)
{
    if (code != 0)
        fail_msg("pg.sh %s ended with %d: %s", what, code, output);
}

const char *pgtest_bindir(const char *version)
{
    return pg("bin", version, NULL, NULL) == 0 ? output : NULL;
}

const char *pgtest_any_bindir(void)
{
    static const char *const versions[] = {"18", "17", "16", "15", "14", "13", "12"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        static char psql[512];
        const char *dir = pgtest_bindir(versions[i]);
        if (dir == NULL)
            continue;
        snprintf(psql, sizeof psql, "%s/psql", dir);
        if (access(psql, X_OK) == 0)
            return dir;
    }
    puts("skipped: no PostgreSQL with psql is installed");
    exit(77);
}

static void value_of(const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    for (const char *p = output; p != NULL; p = strchr(p, '\n')) {
        p += *p == '\n';
        if (strncmp(p, name, length) == 0 && p[length] == '=') {
            snprintf(out, size, "%.*s", (int)strcspn(p + length + 1, "\n"), p + length + 1);
            return;
        }
    }
    fail_msg("pg.sh start did not print %s", name);
}

struct pgtest *pgtest_start(const char *bindir, const char *conf)
{
    char path[] = "/tmp/pgd-conf.XXXXXX";
    char bin[256];
    snprintf(bin, sizeof bin, "%s",
             bindir); /* it may stand in the buffer that is about to be used */
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    fputs(conf != NULL ? conf : "", f);
    fputc('\n', f);
    fclose(f);
    int code = pg("start", bin, path, NULL);
    unlink(path);
    must(code, "start");
    struct pgtest *pgt = calloc(1, sizeof *pgt);
    assert_non_null(pgt);
    value_of("dir", pgt->dir, sizeof pgt->dir);
    value_of("host", pgt->host, sizeof pgt->host);
    value_of("port", pgt->port, sizeof pgt->port);
    value_of("data", pgt->data, sizeof pgt->data);
    value_of("user", pgt->user, sizeof pgt->user);
    value_of("osuser", pgt->osuser, sizeof pgt->osuser);
    value_of("bin", pgt->bindir, sizeof pgt->bindir);
    return pgt;
}

void pgtest_destroy(struct pgtest *pgt)
{
    if (pgt == NULL)
        return;
    pg("destroy", pgt->dir, NULL, NULL);
    free(pgt);
}

void pgtest_stop(struct pgtest *pgt, const char *mode)
{
    must(pg("stop", pgt->dir, mode, NULL), "stop");
}

void pgtest_up(struct pgtest *pgt)
{
    must(pg("up", pgt->dir, NULL, NULL), "up");
}

void pgtest_restart(struct pgtest *pgt)
{
    must(pg("restart", pgt->dir, NULL, NULL), "restart");
}

pid_t pgtest_pid(struct pgtest *pgt)
{
    must(pg("pid", pgt->dir, NULL, NULL), "pid");
    return (pid_t)strtol(output, NULL, 10);
}

bool pgtest_is_running(struct pgtest *pgt)
{
    if (pg("pid", pgt->dir, NULL, NULL) != 0)
        return false;
    pid_t pid = (pid_t)strtol(output, NULL, 10);
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

const char *pgtest_psql(struct pgtest *pgt, const char *dbname, const char *sql)
{
    must(pg("psql", pgt->dir, dbname, sql), "psql");
    return output;
}

const char *pgtest_sh(const char *format, ...)
{
    static char text[16384];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    const char *argv[] = {"sh", "-c", text, NULL};
    int code = run(argv);
    if (code != 0)
        fail_msg("sh ended with %d: %s\n%s", code, text, output);
    return output;
}
