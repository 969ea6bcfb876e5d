/*
 * The command line: words between bytes of zero. What is refused is refused with a reason; what is taken is within its
 * bounds, and no word becomes a path above the program's home.
 */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/app/cli.h"

static void check(const struct options *o)
{
    REQUIRE(o->clients >= 0 && o->clients <= 10000);
    REQUIRE(o->duration_s >= 0 && o->duration_s <= 86400);
    REQUIRE(o->rounds >= 0 && o->rounds <= 20);
    REQUIRE(!o->budget_given || (o->budget_s >= 6 && o->budget_s <= 600000));
    REQUIRE(o->target_tps >= 0 && o->target_tps <= 1e9);
    REQUIRE(o->nscripts >= 0 && o->nscripts <= SCRIPTS_MAX);
    REQUIRE(o->connect.n >= 0 && o->connect.n <= CONNINFO_MAX);
    for (int i = 0; i < o->nscripts; i++)
        REQUIRE(o->scripts[i].path[0] && o->scripts[i].weight >= 0);
    REQUIRE(!strchr(o->workspace, '/') && o->workspace[0] != '.');
    REQUIRE(o->restart != RESTART_COMMAND || o->restart_command[0] == '/');
    REQUIRE(o->home[0] == '/' || !o->home[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[40] = {"pg_diagnose"};
    int argc = 1;
    struct err e = {0};

    if (size > 4096)
        return 0;
    setenv("PG_DIAGNOSE_HOME", "/home/of/it", 1);
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t at = 0; at < size && argc < 39; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    struct command_line *cl = xcalloc(1, sizeof *cl);
    if (cli_parse(argc, argv, cl, &e))
        check(&cl->opt);
    else
        REQUIRE(e.code != ERR_NONE && e.msg[0]);
    free(cl);
    free(text);
    return 0;
}
