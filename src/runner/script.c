/* What a pgbench script holds. A small scanner knows comments, quotes and backslash commands
 * well enough to find statements; the search for what is refused does not rely on it more than
 * it must, because a difference to pgbench's own scanner would be a way around. */
#include "pgd/runner/script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/text.h"
#include "pgd/runner/script_expr.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static bool word_is(const char *s, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

/* ---- scanning ---- */

/* The end of a quoted piece that starts at i, or the end of the text. */
static size_t skip_quoted(const char *s, size_t len, size_t i, bool backslashes)
{
    char q = s[i++];
    while (i < len) {
        if (backslashes && s[i] == '\\' && i + 1 < len)
            i += 2;
        else if (s[i] == q && i + 1 < len && s[i + 1] == q)
            i += 2;
        else if (s[i] == q)
            return i + 1;
        else
            i++;
    }
    return len;
}

/* The end of $tag$ … $tag$ that starts at i; i itself when it is none. */
static size_t skip_dollar(const char *s, size_t len, size_t i)
{
    size_t tag = i + 1;
    while (tag < len && is_word(s[tag]) && s[tag] != '$')
        tag++;
    if (tag >= len || s[tag] != '$' || (tag > i + 1 && s[i + 1] >= '0' && s[i + 1] <= '9'))
        return i;
    size_t size = tag + 1 - i;
    const char *end = memmem(s + tag + 1, len - tag - 1, s + i, size);
    return end ? (size_t)(end - s) + size : len;
}

static size_t skip_comment(const char *s, size_t len, size_t i)
{
    if (s[i] == '-') {
        while (i < len && s[i] != '\n')
            i++;
        return i;
    }
    int depth = 0;
    while (i < len) {
        if (s[i] == '/' && i + 1 < len && s[i + 1] == '*') {
            depth++;
            i += 2;
        } else if (s[i] == '*' && i + 1 < len && s[i + 1] == '/') {
            i += 2;
            if (--depth == 0)
                return i;
        } else {
            i++;
        }
    }
    return len;
}

static bool at_comment(const char *s, size_t len, size_t i)
{
    return i + 1 < len && ((s[i] == '-' && s[i + 1] == '-') || (s[i] == '/' && s[i + 1] == '*'));
}

/* The end of the quoted piece at i, or i when none starts there. */
static size_t skip_literal(const char *s, size_t len, size_t i)
{
    if (s[i] == '\'')
        return skip_quoted(s, len, i,
                           i > 0 && (s[i - 1] == 'E' || s[i - 1] == 'e') &&
                               (i < 2 || !is_word(s[i - 2])));
    if (s[i] == '"')
        return skip_quoted(s, len, i, false);
    if (s[i] == '$' && (i == 0 || !is_word(s[i - 1])))
        return skip_dollar(s, len, i);
    return i;
}

/* A backslash command goes to the end of its line; a backslash before the line's end continues
 * it. */
static size_t skip_command(const char *s, size_t len, size_t i)
{
    while (i < len && s[i] != '\n') {
        if (s[i] == '\\' && i + 1 < len && s[i + 1] == '\n')
            i += 2;
        else if (s[i] == '\\' && i + 2 < len && s[i + 1] == '\r' && s[i + 2] == '\n')
            i += 3;
        else
            i++;
    }
    return i;
}

/* A copy with its comments turned into blanks, so that places and lines stay what they are. */
static char *without_comments(const char *s, size_t len)
{
    char *copy = xstrndup(s, len);
    size_t i = 0;
    while (i < len) {
        size_t end = skip_literal(s, len, i);
        if (end == i && at_comment(s, len, i)) {
            end = skip_comment(s, len, i);
            for (size_t k = i; k < end; k++)
                if (copy[k] != '\n')
                    copy[k] = ' ';
        }
        i = end > i ? end : i + 1;
    }
    return copy;
}

struct piece {
    const char *s;
    size_t len;
    bool command; /* a backslash command; s points behind the backslash */
};

/* The next statement or backslash command at or after *at; false at the end. */
static bool next_piece(const char *s, size_t len, size_t *at, struct piece *p)
{
    size_t i = *at;
    while (i < len && (is_space(s[i]) || s[i] == ';'))
        i++;
    if (i >= len)
        return false;
    size_t start = i;
    if (s[i] == '\\') {
        i = skip_command(s, len, i + 1);
        *p = (struct piece){s + start + 1, i - start - 1, true};
        *at = i;
        return true;
    }
    while (i < len && s[i] != ';' && s[i] != '\\') {
        size_t end = skip_literal(s, len, i);
        i = end > i ? end : i + 1;
    }
    size_t stop = i;
    while (stop > start && is_space(s[stop - 1]))
        stop--;
    *p = (struct piece){s + start, stop - start, false};
    *at = i;
    return true;
}

/* The next word of a piece from *at on, quoted or not. */
static bool next_word(const char *s, size_t len, size_t *at, const char **word, size_t *n)
{
    size_t i = *at;
    while (i < len && !is_word(s[i]))
        i++;
    *word = s + i;
    while (i < len && is_word(s[i]))
        i++;
    *n = (size_t)(s + i - *word);
    *at = i;
    return *n > 0;
}

static bool first_word_is(const struct piece *p, const char *want)
{
    const char *w;
    size_t n;
    size_t at = 0;
    return next_word(p->s, p->len, &at, &w, &n) && word_is(w, n, want);
}

/* ---- what is refused ---- */

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n';
    return line;
}

static bool refuse(struct err *e, const char *name, int line, const char *what, const char *why)
{
    char shown[128];
    text_copy(shown, sizeof shown, name);
    err_set(e, ERR_REFUSED, "script %s, line %d: %s is refused", shown, line, what);
    err_detail(e, "%s", why);
    return err_hint(
        e, "Take it out of the script; a workload needs plain SQL and \\set, \\if and \\sleep.");
}

/* Any backslash counts, also in the middle of a line or in quotes: pgbench takes a command
 * wherever its scanner says so. Blanks and line continuations may stand between the backslash
 * and the word, and within it. */
static bool check_commands(const char *name, const char *text, size_t len, struct err *e)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\\')
            continue;
        char word[16] = "";
        size_t n = 0;
        for (size_t k = i + 1; k < len && n + 1 < sizeof word; k++) {
            size_t next = k + 1 < len && text[k + 1] == '\r' ? k + 2 : k + 1;
            if (text[k] == '\\' && next < len && text[next] == '\n')
                k = next;
            else if (is_space(text[k]) && (n > 0 || text[k] == '\n'))
                break;
            else if (!is_space(text[k]))
                word[n++] = text[k];
        }
        word[n] = '\0';
        if (strncasecmp(word, "shell", 5) == 0 || strncasecmp(word, "setshell", 8) == 0)
            return refuse(e, name, line_of(text, text + i),
                          strncasecmp(word, "shell", 5) == 0 ? "\\shell" : "\\setshell",
                          "It runs a command on the machine of the benchmark.");
    }
    return true;
}

/* Functions by the start of their name, refused where they are called. */
static const struct {
    const char *start;
    const char *why;
} bad_functions[] = {
    {"pg_read_file", "It reads files of the server."},
    {"pg_read_binary_file", "It reads files of the server."},
    {"pg_ls_", "It lists folders of the server."},
    {"pg_stat_file", "It looks at files of the server."},
    {"pg_file_", "It writes files of the server."},
    {"pg_execute", "It runs programs on the server."},
    {"pg_logdir_ls", "It lists folders of the server."},
    {"lo_import", "It reads files of the server."},
    {"lo_export", "It writes files of the server."},
    {"dblink", "It connects to other servers."},
    {"pg_reload_conf", "It would change the configuration under the measurement."},
    {"pg_rotate_logfile", "It acts on the whole server."},
    {"pg_terminate_backend", "It ends the sessions of others."},
    {"pg_cancel_backend", "It cancels the statements of others."},
    {"pg_promote", "It changes the role of the server."},
    {"pg_switch_wal", "It acts on the whole server."},
    {"pg_stat_reset", "It erases the statistics that the measurement relies on."},
};

/* Statements by their first words. */
static const struct {
    const char *first, *second;
    const char *why;
} bad_statements[] = {
    {"alter", "system", "It would change the configuration under the measurement."},
    {"load", NULL, "It loads code into the server."},
    {"create", "extension", "It loads code into the server."},
    {"create", "language", "It loads code into the server."},
    {"create", "subscription", "It connects to other servers."},
    {"create", "server", "It connects to other servers."},
    {"drop", "database", "It destroys data outside of the workload."},
    {"create", "database", "It acts on the whole server."},
};

static bool called(const char *s, size_t len, size_t at)
{
    if (at < len && s[at] == '"')
        at++;
    while (at < len && is_space(s[at]))
        at++;
    return at < len && s[at] == '(';
}

static bool check_words(const char *name, const char *text, const struct piece *p, struct err *e)
{
    bool copy = false;
    bool copy_way = false; /* the word before was TO or FROM */
    const char *w;
    size_t n;
    size_t at = 0;
    while (next_word(p->s, p->len, &at, &w, &n)) {
        if (copy && copy_way && word_is(w, n, "program"))
            return refuse(e, name, line_of(text, w), "COPY … PROGRAM",
                          "It runs a command on the server.");
        copy = copy || word_is(w, n, "copy");
        copy_way = word_is(w, n, "to") || word_is(w, n, "from");
        for (size_t i = 0; i < ARRAY_LEN(bad_functions); i++) {
            size_t start = strlen(bad_functions[i].start);
            if (n >= start && strncasecmp(w, bad_functions[i].start, start) == 0 &&
                called(p->s, p->len, at)) {
                char what[80];
                size_t keep = n < sizeof what - 3 ? n : sizeof what - 3;
                memcpy(what, w, keep);
                memcpy(what + keep, "()", 3);
                return refuse(e, name, line_of(text, w), what, bad_functions[i].why);
            }
        }
    }
    return true;
}

static bool check_statement(const char *name, const char *text, const struct piece *p,
                            struct err *e)
{
    const char *w[2] = {"", ""};
    size_t n[2] = {0, 0};
    size_t at = 0;
    if (next_word(p->s, p->len, &at, &w[0], &n[0]))
        next_word(p->s, p->len, &at, &w[1], &n[1]);
    for (size_t i = 0; i < ARRAY_LEN(bad_statements); i++) {
        if (!word_is(w[0], n[0], bad_statements[i].first) ||
            (bad_statements[i].second && !word_is(w[1], n[1], bad_statements[i].second)))
            continue;
        struct buf what = {0};
        for (const char *c = bad_statements[i].first; *c; c++)
            buf_putc(&what, (char)(*c - 'a' + 'A'));
        if (bad_statements[i].second)
            buf_putc(&what, ' ');
        for (const char *c = bad_statements[i].second; c && *c; c++)
            buf_putc(&what, (char)(*c - 'a' + 'A'));
        refuse(e, name, line_of(text, p->s), buf_text(&what), bad_statements[i].why);
        buf_clear(&what);
        return false;
    }
    return check_words(name, text, p, e);
}

bool script_check(const char *name, const char *text, size_t len, struct err *e)
{
    char shown[128];
    text_copy(shown, sizeof shown, name);
    if (len > SCRIPT_BYTES_MAX) {
        err_set(e, ERR_REFUSED, "script %s is too long", shown);
        return err_detail(e, "It has %zu bytes; %d are the limit.", len, SCRIPT_BYTES_MAX);
    }
    const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
    if (nul) {
        err_set(e, ERR_REFUSED, "script %s, line %d: a NUL byte", shown, line_of(text, nul));
        return err_detail(e, "A script is a text file.");
    }
    if (!check_commands(name, text, len, e))
        return false;
    char *copy = without_comments(text, len);
    struct piece p;
    size_t at = 0;
    int statements = 0;
    bool ok = true;
    while (ok && next_piece(copy, len, &at, &p)) {
        if (p.command)
            continue;
        statements++;
        ok = check_statement(name, copy, &p, e);
    }
    free(copy);
    if (ok && statements == 0) {
        err_set(e, ERR_REFUSED, "script %s has no statement", shown);
        return err_hint(e, "A workload needs at least one SQL statement.");
    }
    return ok;
}

/* ---- reading and writing ---- */

static bool has_writing_word(const struct piece *p)
{
    const char *w;
    size_t n;
    size_t at = 0;
    bool after_for = false; /* FOR UPDATE, FOR NO KEY UPDATE */
    while (next_word(p->s, p->len, &at, &w, &n)) {
        if (word_is(w, n, "insert") || word_is(w, n, "delete") || word_is(w, n, "merge") ||
            (word_is(w, n, "update") && !after_for))
            return true;
        after_for = word_is(w, n, "for") ||
                    (after_for && (word_is(w, n, "no") || word_is(w, n, "key")));
    }
    return false;
}

static bool statement_writes(const struct piece *p)
{
    static const char *const reading[] = {
        "values",  "table",      "show",  "begin",     "start",    "commit",  "end",   "rollback",
        "abort",   "set",        "reset", "savepoint", "release",  "fetch",   "move",  "close",
        "execute", "deallocate", "lock",  "listen",    "unlisten", "discard", "notify"};
    static const char *const by_words[] = {"select", "with", "explain", "prepare", "declare"};
    for (size_t i = 0; i < ARRAY_LEN(by_words); i++)
        if (first_word_is(p, by_words[i]))
            return !first_word_is(p, "select") && has_writing_word(p);
    for (size_t i = 0; i < ARRAY_LEN(reading); i++)
        if (first_word_is(p, reading[i]))
            return false;
    return true;
}

bool script_writes(const char *text)
{
    size_t len = strlen(text);
    char *copy = without_comments(text, len);
    struct piece p;
    size_t at = 0;
    bool writes = false;
    while (!writes && next_piece(copy, len, &at, &p))
        writes = !p.command && statement_writes(&p);
    free(copy);
    return writes;
}

/* \set NAME EXPRESSION, continuations taken out. */
static void run_set(struct script_vars *vars, const struct piece *p)
{
    struct buf line = {0};
    for (size_t i = 0; i < p->len; i++) {
        size_t next = i + 1 < p->len && p->s[i + 1] == '\r' ? i + 2 : i + 1;
        if (p->s[i] == '\\' && next < p->len && p->s[next] == '\n')
            i = next;
        else
            buf_putc(&line, p->s[i]);
    }
    const char *s = buf_text(&line);
    s += strspn(s, " \t\r\f\v");
    size_t n = strcspn(s, " \t\r\f\v");
    if (word_is(s, n, "set")) {
        s += n;
        s += strspn(s, " \t\r\f\v");
        n = strcspn(s, " \t\r\f\v");
        if (n > 0)
            script_vars_set(vars, s, n, s + n);
    }
    buf_clear(&line);
}

/* Writes the statement with its variables replaced, as pgbench does it: everywhere, also in
 * quotes; there, what is not known is no variable but text. */
static bool expand(const struct piece *p, const struct script_vars *vars, struct buf *out)
{
    size_t quoted = 0; /* end of the quoted piece that we are in */
    for (size_t i = 0; i < p->len;) {
        if (i >= quoted) {
            size_t end = skip_literal(p->s, p->len, i);
            quoted = end > i ? end : quoted;
        }
        if (p->s[i] != ':') {
            buf_putc(out, p->s[i++]);
            continue;
        }
        size_t n = 0;
        while (i + 1 + n < p->len && is_word(p->s[i + 1 + n]) && p->s[i + 1 + n] != '$')
            n++;
        bool digit = n > 0 && p->s[i + 1] >= '0' && p->s[i + 1] <= '9';
        if (n > 0 && script_vars_put(vars, p->s + i + 1, n, out)) {
            i += 1 + n;
        } else if (n > 0 && !digit && i >= quoted) {
            return false;
        } else {
            do /* a cast, a slice, a time of day */
                buf_putc(out, p->s[i++]);
            while (i < p->len && p->s[i] == ':');
        }
    }
    return true;
}

bool script_select(const char *text, int n, double scale, struct buf *out)
{
    size_t len = strlen(text);
    char *copy = without_comments(text, len);
    struct script_vars *vars = script_vars_new(scale);
    struct piece p;
    size_t at = 0;
    bool found = false;
    while (!found && next_piece(copy, len, &at, &p)) {
        struct buf statement = {0};
        if (p.command)
            run_set(vars, &p);
        else if ((first_word_is(&p, "select") ||
                  (first_word_is(&p, "with") && !has_writing_word(&p))) &&
                 expand(&p, vars, &statement))
            found = n-- == 0;
        if (found)
            buf_append(out, statement.data, statement.len);
        buf_clear(&statement);
    }
    script_vars_free(vars);
    free(copy);
    return found;
}

void script_file(const struct sdl *plan, int i, char *dst, size_t size)
{
    const char *path = plan->scripts[i].path;
    const char *slash = strrchr(path, '/'), *colon = strrchr(path, ':');
    struct buf name = {0};

    buf_printf(&name, "%d-%s", i + 1, slash ? slash + 1 : colon ? colon + 1 : path);
    text_copy_raw(dst, size, buf_text(&name));
    buf_clear(&name);
}
