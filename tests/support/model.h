#pragma once
/*
 * A model beside the program on a screen: tests/support/model_server.py as a child that dies with the test. What it answers depends
 * on words in the question; aimock answers the rest. Without its packages the test program ends as skipped (77).
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "live.h"

struct model_server {
    pid_t pid;
    int in;        /* its standard input */
    char url[128]; /* as the program is told it */
    char log[160]; /* a file: its address, then a line for each request */
    char dialect[16];
    char vars[2][160];
    const char *env[12]; /* for live_open() */
};

static inline void model_child(const struct model_server *s, int in)
{
    char path[600];
    snprintf(path, sizeof path, "%s/tests/support/model_server.py", getenv("PGD_SOURCE_DIR"));
    int log = open(s->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, 0);
    dup2(log, 1);
    execlp("python3", "python3", path, s->dialect, (char *)NULL);
    _exit(127);
}

/* The environment that leads the program there, and nowhere else; a key where the dialect wants one. */
static inline void model_env(struct model_server *s)
{
    static const char *const without[] = {"GOOGLE_GEMINI_BASE_URL",
                                          "GEMINI_MODEL",
                                          "OPENAI_BASE_URL",
                                          "OPENAI_MODEL",
                                          "http_proxy",
                                          "all_proxy",
                                          NULL};
    bool gemini = strcmp(s->dialect, "gemini") == 0;
    int n = 0;
    for (; without[n]; n++)
        s->env[n] = without[n];
    snprintf(s->vars[0], sizeof s->vars[0], "%s=%s",
             gemini ? "GOOGLE_GEMINI_BASE_URL" : "OPENAI_BASE_URL", s->url);
    snprintf(s->vars[1], sizeof s->vars[1], "%s",
             gemini ? "GEMINI_API_KEY=test-key" : "OPENAI_MODEL=gemini-3.8-flash");
    s->env[n++] = s->vars[0];
    s->env[n++] = s->vars[1];
    s->env[n] = NULL;
}

static inline void model_start(struct model_server *s, const char *dialect)
{
    static int number;
    int pipes[2], status;

    memset(s, 0, sizeof *s);
    snprintf(s->dialect, sizeof s->dialect, "%s", dialect);
    snprintf(s->log, sizeof s->log, "/tmp/pgd-model-%d-%d.log", (int)getpid(), number++);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    s->in = pipes[1];
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        model_child(s, pipes[0]);
    close(pipes[0]);
    for (int i = 0; i < 600 && !s->url[0]; i++) {
        FILE *f = fopen(s->log, "r");
        char line[128] = "";
        if (f && fgets(line, sizeof line, f) && strchr(line, '\n'))
            snprintf(s->url, sizeof s->url, "%.*s", (int)strcspn(line, "\n"), line);
        if (f)
            fclose(f);
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            unlink(s->log);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
                exit(77);
            fail_msg("the model does not start");
        }
        usleep(50000);
    }
    assert_true(s->url[0]);
    model_env(s);
}

/* Its lines that begin so: requests of an operation, or all with "". */
static inline int model_requests(const struct model_server *s, const char *op)
{
    FILE *f = fopen(s->log, "r");
    char line[256];
    int n = -1; /* the address */
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += n < 0 || strncmp(line, op, strlen(op)) == 0;
    fclose(f);
    return n;
}

/* Gone from one moment to the next: connections are refused from here on. */
static inline void model_die(struct model_server *s)
{
    assert_int_equal(write(s->in, "die\n", 4), 4);
    for (int i = 0; i < 200 && model_requests(s, "dead") == 0; i++)
        usleep(20000);
    assert_int_equal(model_requests(s, "dead"), 1);
}

/* Ends it; every request was as the real ones want it. */
static inline void model_stop(struct model_server *s)
{
    int status = 0;
    if (s->pid <= 0)
        return;
    close(s->in);
    waitpid(s->pid, &status, 0);
    unlink(s->log);
    s->pid = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
