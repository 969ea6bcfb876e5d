#pragma once
/*
 * The second host of second_host.sh (its network, processes, memory and kernel settings are its own; PostgreSQL and sshd run
 * there) for a test in C. It dies with the test program. Functions fail the test through cmocka when they cannot do what they say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgtest.h"

struct second_host {
    char work[96], script[400]; /* its folder; second_host.sh */
    char address[64], port[16], ssh_port[16];
    char home[160]; /* of whoever calls it: .ssh with a key that is let in, and known_hosts */
    char bin[256];  /* PostgreSQL's programs, the same on both */
};

static inline void second_host_value(const struct second_host *h, const char *name, char *dst,
                                     size_t size)
{
    snprintf(dst, size, "%s", pgtest_sh("sed -n 's/^%s=//p' %s/info.txt", name, h->work));
}

/* conf: lines for postgresql.conf. Where no such host can be had the program ends with 77 and the reason. */
static inline void second_host_start(struct second_host *h, const char *conf)
{
    memset(h, 0, sizeof *h);
    snprintf(h->work, sizeof h->work, "/tmp/pgd-second-%d", (int)getpid());
    snprintf(h->script, sizeof h->script, "%s/tests/support/second_host.sh",
             getenv("PGD_SOURCE_DIR"));
    pgtest_sh("rm -rf %s && mkdir -m 0755 %s", h->work, h->work);
    const char *code = pgtest_sh(
        "cat >%s/conf <<'E'\n%s\nE\n"
        "SECOND_HOST_OWNER=%d %s start %s/host conf=%s/conf >%s/info.txt 2>%s/why.txt; "
        "echo $?",
        h->work, conf, (int)getpid(), h->script, h->work, h->work, h->work, h->work);
    if (strcmp(code, "77") == 0) {
        printf("skipped: %s\n", pgtest_sh("cat %s/why.txt; rm -rf %s", h->work, h->work));
        exit(77);
    }
    if (strcmp(code, "0") != 0) {
        fprintf(stderr, "no second host: %s\n", pgtest_sh("cat %s/why.txt", h->work));
        exit(1);
    }
    second_host_value(h, "address", h->address, sizeof h->address);
    second_host_value(h, "pgport", h->port, sizeof h->port);
    second_host_value(h, "port", h->ssh_port, sizeof h->ssh_port);
    second_host_value(h, "home", h->home, sizeof h->home);
    second_host_value(h, "bin", h->bin, sizeof h->bin);
}

static inline void second_host_stop(struct second_host *h)
{
    pgtest_sh("%s stop %s/host; rm -rf %s", h->script, h->work, h->work);
}

/* What a command prints there, as root. Valid until the next call. */
static inline const char *second_host_exec(const struct second_host *h, const char *command)
{
    return pgtest_sh("%s exec %s/host sh -c '%s'", h->script, h->work, command);
}

static inline const char *second_host_psql(const struct second_host *h, const char *sql)
{
    return pgtest_sh(
        "%s/psql -XqAt -v ON_ERROR_STOP=1 -h %s -p %s -U postgres postgres <<'E'\n%s\nE", h->bin,
        h->address, h->port, sql);
}
