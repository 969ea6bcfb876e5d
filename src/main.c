/* main.c - the entry: reads the command line and hands over to the program in app/. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "pgd/app/app.h"
#include "pgd/app/completion.h"
#include "pgd/io/versions.h"
#include "pgd/protocol/json_records.h"
#include "pgd/ui/term.h"

/* A closed stdin, stdout or stderr would give its number to the next file or socket that is opened. */
static void open_closed_standards(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= 0 && fd <= 2)
        fd = open("/dev/null", O_RDWR);
    if (fd > 2)
        close(fd);
}

int main(int argc, char **argv)
{
    struct command_line cl;
    struct err e = {0};
    struct buf text = {0};

    open_closed_standards();
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    if (!cli_parse(argc, argv, &cl, &e))
        return app_usage_error(&cl, &e);
    switch (cl.verb) {
    case VERB_HELP:
        cli_usage(&text);
        fputs(buf_text(&text), stdout);
        buf_clear(&text);
        return 0;
    case VERB_VERSION:
        buf_printf(&text, "jansson %s, %s", js_library(), term_library());
        versions_print(PGD_VERSION, buf_text(&text));
        buf_clear(&text);
        return 0;
    case VERB_COMPLETION:
        if (completion_write(cl.shell, &text)) {
            fputs(buf_text(&text), stdout);
            buf_clear(&text);
            return 0;
        }
        err_set(&e, ERR_USAGE, "there is no completion for the shell \"%s\"", cl.shell);
        err_hint(&e, "It is written for bash, zsh and fish.");
        return app_usage_error(&cl, &e);
    default:
        return app_run(&cl);
    }
}
