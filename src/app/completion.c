/* completion.c - what a shell needs to complete our command line, made of the tables of app/cli.
 *
 * A shell is a row: its name and the function that writes its script. */
#include "pgd/app/completion.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"

/* What a flag's value may be, told from how the help text names it: "safe|none" are words, FILE and PATH are files. */
enum value_kind { VALUE_NONE, VALUE_WORDS, VALUE_FILE, VALUE_OTHER };

static enum value_kind value_of(const struct cli_flag *f)
{
    if (!f->arg)
        return VALUE_NONE;
    if (strncmp(f->arg, "FILE", 4) == 0 || strcmp(f->arg, "PATH") == 0)
        return VALUE_FILE;
    return strchr(f->arg, '|') ? VALUE_WORDS : VALUE_OTHER;
}

/* The words of "auto|never|cmd:PATH", with blanks between; of cmd:PATH its beginning. */
static void put_words(const struct cli_flag *f, struct buf *out)
{
    for (const char *at = f->arg; *at;) {
        size_t n = strcspn(at, "|"), whole = n;

        while (n > 0 && at[n - 1] >= 'A' && at[n - 1] <= 'Z')
            n--;
        buf_printf(out, "%s%.*s", at == f->arg ? "" : " ", (int)n, at);
        at += whole + (at[whole] == '|');
    }
}

static bool takes(const struct cli_flag *f, enum verb v)
{
    return !f->verbs || (f->verbs >> v & 1);
}

/* -- bash ------------------------------------------------------------------------------------------------ */

static void bash_flags(enum verb v, struct buf *out)
{
    struct cli_flag f;

    for (size_t i = 0; cli_flag_row(i, &f); i++)
        if (takes(&f, v))
            buf_printf(out, " --%s", f.name);
}

static void bash_values(struct buf *out)
{
    struct cli_flag f;

    for (size_t i = 0; cli_flag_row(i, &f); i++) {
        enum value_kind kind = value_of(&f);

        if (kind == VALUE_NONE)
            continue;
        buf_printf(out, "    --%s", f.name);
        if (f.letter)
            buf_printf(out, "|-%c", f.letter);
        if (kind == VALUE_WORDS) {
            buf_puts(out, ") COMPREPLY=($(compgen -W \"");
            put_words(&f, out);
            buf_puts(out, "\" -- \"$cur\")); return ;;\n");
        } else {
            buf_printf(out, ") %sreturn ;;\n",
                       kind == VALUE_FILE ? "COMPREPLY=($(compgen -f -- \"$cur\")); " : "");
        }
    }
}

static void bash(struct buf *out)
{
    enum verb v;
    const char *name;

    buf_puts(out, "# bash completion for pg_diagnose\n"
                  "_pg_diagnose() {\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= "
                  "word flags\n"
                  "    COMPREPLY=()\n"
                  "    case $prev in\n");
    bash_values(out);
    buf_puts(out, "    esac\n"
                  "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                  "        case $word in\n"
                  "        -*) ;;\n"
                  "        *) verb=$word; break ;;\n"
                  "        esac\n"
                  "    done\n"
                  "    case $verb in\n");
    for (size_t i = 0; (name = cli_verb_row(i, &v)); i++) {
        buf_printf(out, "    %s) flags=\"", name);
        bash_flags(v, out);
        buf_puts(out, "\" ;;\n");
    }
    buf_puts(out, "    *) flags=\"");
    bash_flags(VERB_SCREEN, out);
    buf_puts(out, "\" ;;\n"
                  "    esac\n"
                  "    case $verb,$cur in\n"
                  "    *,-*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
                  "    completion,*) COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$cur\")) ;;\n"
                  "    export,*) COMPREPLY=($(compgen -W \"$(pg_diagnose workspaces 2>/dev/null | "
                  "awk '{print $1}')\" -- \"$cur\")) ;;\n"
                  "    ,*) COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; (name = cli_verb_row(i, &v)); i++)
        buf_printf(out, "%s%s", i ? " " : "", name);
    buf_puts(out, "\" -- \"$cur\")) ;;\n"
                  "    esac\n"
                  "}\n"
                  "complete -F _pg_diagnose pg_diagnose\n");
}

/* -- zsh ------------------------------------------------------------------------------------------------- */

/* Within single quotes, where brackets, colons and backslashes mean something to _arguments. */
static void zsh_text(const char *s, struct buf *out)
{
    for (; *s; s++) {
        if (*s == '\'')
            buf_puts(out, "'\\''");
        else
            buf_printf(out, "%s%c", strchr("[]:\\", *s) ? "\\" : "", *s);
    }
}

static void zsh_value(const struct cli_flag *f, struct buf *out)
{
    switch (value_of(f)) {
    case VALUE_NONE:
        break;
    case VALUE_FILE:
        buf_puts(out, ":file:_files");
        break;
    case VALUE_WORDS:
        buf_printf(out, ":%s:(", f->name);
        struct buf words = {0};
        put_words(f, &words);
        zsh_text(buf_text(&words), out);
        buf_clear(&words);
        buf_puts(out, ")");
        break;
    case VALUE_OTHER:
        buf_puts(out, ":");
        zsh_text(f->arg, out);
        buf_puts(out, ":");
        break;
    }
}

static void zsh_flag(const struct cli_flag *f, struct buf *out)
{
    for (int letter = 0; letter <= (f->letter != 0); letter++) {
        buf_puts(out, "        '");
        if (letter)
            buf_printf(out, "-%c%s", f->letter, f->arg ? "+" : "");
        else
            buf_printf(out, "--%s%s", f->name, f->arg ? "=" : "");
        buf_puts(out, "[");
        zsh_text(f->help, out);
        buf_puts(out, "]");
        zsh_value(f, out);
        buf_puts(out, "'\n");
    }
}

static void zsh_case(const char *name, enum verb v, struct buf *out)
{
    struct cli_flag f;

    buf_printf(out, "    %s) flags=(\n", name);
    for (size_t i = 0; cli_flag_row(i, &f); i++)
        if (takes(&f, v))
            zsh_flag(&f, out);
    buf_puts(out, "    ) ;;\n");
}

static void zsh(struct buf *out)
{
    enum verb v;
    const char *name;

    buf_puts(out, "#compdef pg_diagnose\n"
                  "_pg_diagnose() {\n"
                  "    local -a flags\n"
                  "    case ${${(M)words[2,CURRENT-1]:#[a-z]*}[1]} in\n");
    for (size_t i = 0; (name = cli_verb_row(i, &v)); i++)
        zsh_case(name, v, out);
    zsh_case("*", VERB_SCREEN, out);
    buf_puts(out, "    esac\n"
                  "    _arguments $flags '1::command:(");
    for (size_t i = 0; (name = cli_verb_row(i, &v)); i++)
        buf_printf(out, "%s%s", i ? " " : "", name);
    buf_puts(out, ")' '*::'\n"
                  "}\n"
                  "_pg_diagnose \"$@\"\n");
}

/* -- fish ------------------------------------------------------------------------------------------------ */

static void fish_text(const char *s, struct buf *out)
{
    buf_puts(out, "'");
    for (; *s; s++)
        buf_printf(out, "%s%c", *s == '\'' || *s == '\\' ? "\\" : "", *s);
    buf_puts(out, "'");
}

/* "__fish_seen_subcommand_from tune demo", or, for what the full screen takes too, not after any of the others. */
static void fish_condition(const struct cli_flag *f, struct buf *out)
{
    enum verb v;
    const char *name;
    bool screen = takes(f, VERB_SCREEN), all = true;
    struct buf verbs = {0};

    for (size_t i = 0; (name = cli_verb_row(i, &v)); i++) {
        all = all && takes(f, v);
        if (takes(f, v) != screen)
            buf_printf(&verbs, " %s", name);
    }
    if (!(all && screen) && verbs.len)
        buf_printf(out, " -n '%s__fish_seen_subcommand_from%s'", screen ? "not " : "",
                   buf_text(&verbs));
    buf_clear(&verbs);
}

static void fish(struct buf *out)
{
    struct cli_flag f;
    enum verb v;
    const char *name;

    buf_puts(out, "# fish completion for pg_diagnose\n"
                  "complete -c pg_diagnose -f\n");
    for (size_t i = 0; (name = cli_verb_row(i, &v)); i++)
        buf_printf(out, "complete -c pg_diagnose -n __fish_use_subcommand -a %s\n", name);
    buf_puts(out, "complete -c pg_diagnose -n '__fish_seen_subcommand_from completion' -a "
                  "'bash zsh fish'\n");
    for (size_t i = 0; cli_flag_row(i, &f); i++) {
        buf_puts(out, "complete -c pg_diagnose");
        fish_condition(&f, out);
        buf_printf(out, " -l %s", f.name);
        if (f.letter)
            buf_printf(out, " -s %c", f.letter);
        if (value_of(&f) != VALUE_NONE)
            buf_puts(out, value_of(&f) == VALUE_FILE ? " -r -F" : " -x");
        if (value_of(&f) == VALUE_WORDS) {
            buf_puts(out, " -a '");
            put_words(&f, out);
            buf_puts(out, "'");
        }
        buf_puts(out, " -d ");
        fish_text(f.help, out);
        buf_puts(out, "\n");
    }
}

/* -- the table ------------------------------------------------------------------------------------------- */

static const struct shell_row {
    const char *name;
    void (*write)(struct buf *out);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

bool completion_write(const char *shell, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(shells); i++)
        if (strcmp(shell, shells[i].name) == 0) {
            shells[i].write(out);
            return true;
        }
    return false;
}
