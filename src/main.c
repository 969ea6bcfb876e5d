/* main.c - the entry: reads the command line and hands over to the program in app/. */
#include <locale.h>
#include <stdio.h>

#include "pgd/app/app.h"
#include "pgd/io/versions.h"

int main(int argc, char **argv)
{
    struct command_line cl;
    struct err e = {0};

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    if (!cli_parse(argc, argv, &cl, &e))
        return app_usage_error(&cl, &e);
    switch (cl.verb) {
    case VERB_HELP:
        fputs(cli_usage(), stdout);
        return 0;
    case VERB_VERSION:
        versions_print(PGD_VERSION);
        return 0;
    default:
        return app_run(&cl);
    }
}
