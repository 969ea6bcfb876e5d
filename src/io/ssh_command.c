/* ssh_command.c - see ssh_command.h. */
#include "pgd/io/ssh_command.h"

#include <string.h>

#include "pgd/base/quote.h"

const char *ssh_command_request(void)
{
    return "exec sh -c 'IFS= read -r l && eval \"$(printf %b \"$l\")\"'";
}

/* One variable: NAME=VALUE, or a NAME that is taken away. */
static void put_variable(struct buf *out, const char *pair)
{
    size_t name = strcspn(pair, "=");

    if (pair[name] == '\0') {
        buf_printf(out, "unset %s\n", pair);
        return;
    }
    buf_printf(out, "%.*s=", (int)name, pair);
    quote_shell(out, pair + name + 1);
    buf_printf(out, "; export %.*s\n", (int)name, pair);
}

/* The command as a function that becomes it; as another user by whatever changes it without a password. sudo drops the
 * environment: it is told once more. */
static void put_command(struct buf *out, const struct effect *e)
{
    struct buf words = {0};

    for (size_t i = 0; e->u.child.argv && e->u.child.argv[i]; i++) {
        buf_putc(&words, ' ');
        quote_shell(&words, e->u.child.argv[i]);
    }
    if (!e->u.child.run_as) {
        buf_printf(out, "c() { exec%s; }\n", buf_text(&words));
    } else {
        struct buf user = {0}, env = {0};
        quote_shell(&user, e->u.child.run_as);
        for (size_t i = 0; e->u.child.env && e->u.child.env[i]; i++)
            if (strchr(e->u.child.env[i], '=')) {
                buf_putc(&env, ' ');
                quote_shell(&env, e->u.child.env[i]);
            }
        buf_printf(out, "c() { if [ \"$(id -un)\" = %s ]; then exec%s\n", buf_text(&user),
                   buf_text(&words));
        buf_printf(out,
                   "elif [ \"$(id -u)\" -ne 0 ]; then exec sudo -n -u %s -- env%s%s\n"
                   "elif command -v setpriv >/dev/null 2>&1; then "
                   "exec setpriv --reuid %s --regid \"$(id -g %s)\" --init-groups --%s\n"
                   "else exec su -s /bin/sh %s -c 'exec \"$0\" \"$@\"' --%s; fi; }\n",
                   buf_text(&user), buf_text(&env), buf_text(&words), buf_text(&user),
                   buf_text(&user), buf_text(&words), buf_text(&user), buf_text(&words));
        buf_clear(&user);
        buf_clear(&env);
    }
    buf_clear(&words);
}

static void put_ending(struct buf *out, unsigned flags, bool has_input)
{
    if (flags & CHILD_DETACHED) /* its end is told as long as the link lives */
        buf_puts(out, "trap '' HUP\n(c) </dev/null >/dev/null 2>&1 &\nwait $!\nexit $?\n");
    else if ((flags & CHILD_DIES_WITH_US) && !has_input)
        buf_puts(out, "exec 3<&0\n(c) </dev/null 3<&- & p=$!\n"
                      "(cat <&3 >/dev/null; kill -TERM -- \"$p\") 2>/dev/null & w=$!\n"
                      "wait \"$p\"; s=$?\nkill \"$w\" 2>/dev/null\nexit \"$s\"\n");
    else
        buf_puts(out, "c\nexit $?\n");
}

/* As printf %b reads it: one line. */
static void put_encoded(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '\\')
            buf_puts(out, "\\\\");
        else if (*s == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '\n');
}

void ssh_command_script(const struct effect *e, const char *mark, struct buf *out)
{
    struct buf script = {0};

    for (size_t i = 0; e->u.child.env && e->u.child.env[i]; i++)
        put_variable(&script, e->u.child.env[i]);
    if (e->u.child.pgpass) { /* the program takes it from there and forgets it */
        buf_puts(&script, "PGD_PGPASS=");
        quote_shell(&script, secret_get(e->u.child.pgpass));
        buf_puts(&script, "; export PGD_PGPASS\n");
    }
    if (e->u.child.cwd) {
        buf_puts(&script, "cd ");
        quote_shell(&script, e->u.child.cwd);
        buf_puts(&script, " || exit 126\n");
    }
    put_command(&script, e);
    buf_printf(&script, "printf '\\n%%s\\n' %s\n", mark);
    put_ending(&script, e->u.child.flags, e->u.child.stdin_text != NULL);
    put_encoded(out, buf_text(&script));
    if (e->u.child.stdin_text)
        buf_puts(out, e->u.child.stdin_text);
    if (script.data)
        explicit_bzero(script.data, script.len);
    buf_clear(&script);
}
