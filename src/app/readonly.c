/* readonly.c - see readonly.h. A read-only transaction still runs ALTER SYSTEM and pg_reload_conf(), so that the server
 * is no help here: the statement's own words decide. */
#include "pgd/app/readonly.h"

#include <string.h>
#include <strings.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/place.h"

/* A statement begins with one of these. */
static const char *const verbs[] = {"select", "show",     "set",     "reset", "begin", "start",
                                    "commit", "rollback", "explain", "with",  "table", "values"};

/* None of these is anywhere in it. */
static const char *const words[] = {
    "alter",  "analyse",  "analyze", "call",     "checkpoint", "cluster", "comment",
    "copy",   "create",   "delete",  "discard",  "do",         "drop",    "execute",
    "grant",  "import",   "insert",  "into",     "listen",     "load",    "lock",
    "merge",  "nextval",  "notify",  "prepare",  "reassign",   "refresh", "reindex",
    "revoke", "security", "setval",  "truncate", "unlisten",   "update",  "vacuum",
};

/* Functions that act, by the beginning of their names. */
static const char *const actions[] = {
    "dblink",
    "lo_",
    "pg_advisory",
    "pg_backup",
    "pg_cancel",
    "pg_copy_",
    "pg_create_",
    "pg_drop_",
    "pg_file_write",
    "pg_file_sync",
    "pg_file_rename",
    "pg_file_unlink",
    "pg_import",
    "pg_log_",
    "pg_logical_",
    "pg_notify",
    "pg_prewarm",
    "pg_promote",
    "pg_reload",
    "pg_replication_slot_",
    "pg_replication_origin_",
    "pg_rotate",
    "pg_start_",
    "pg_stat_reset",
    "pg_stat_statements_reset",
    "pg_stop_",
    "pg_switch",
    "pg_sync_",
    "pg_terminate",
    "pg_try_advisory",
    "pg_wal_replay_",
    "pgstatindex",
};

static bool same_word(const char *s, size_t n, const char *word)
{
    return strlen(word) == n && strncasecmp(s, word, n) == 0;
}

static bool is_verb(const char *s, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (same_word(s, n, verbs[i]))
            return true;
    return false;
}

static bool acts(const char *s, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (same_word(s, n, words[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (n >= strlen(actions[i]) && strncasecmp(s, actions[i], strlen(actions[i])) == 0)
            return true;
    return false;
}

static bool word_byte(char c)
{
    return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* Behind the string, comment or quoted name that begins at p; NULL when none begins there. Where the server might see
 * another end than we do (no end, comments in comments, a backslash before a quote), the text is doubtful. */
static const char *skip(const char *p, bool *doubtful)
{
    if (p[0] == '-' && p[1] == '-')
        return p + strcspn(p, "\n");
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        const char *inner = strstr(p + 2, "/*");
        *doubtful |= !end || (inner && inner < end);
        return end ? end + 2 : p + strlen(p);
    }
    if (p[0] != '\'' && p[0] != '"')
        return NULL;
    char quote = *p++;
    for (const char *name = p; *p; p++) {
        *doubtful |= *p == '\\' && p[1] == quote;
        if (*p == quote && p[1] == quote) {
            p++;
        } else if (*p == quote) {
            *doubtful |= quote == '"' && acts(name, (size_t)(p - name));
            return p + 1;
        }
    }
    *doubtful = true;
    return p;
}

bool readonly_sql(const char *sql)
{
    bool begins = true, doubtful = false, any = false, alias = false;

    for (const char *p = sql; *p && !doubtful;) {
        const char *behind = skip(p, &doubtful);
        if (behind) {
            p = behind;
        } else if (word_byte(*p)) {
            size_t n = 0;
            while (word_byte(p[n]))
                n++;
            if (begins && !is_verb(p, n))
                return false;
            if ((acts(p, n) && !alias) || memchr(p, '$', n))
                return false; /* $tag$ is a string of the server's that is not looked into here */
            alias = same_word(p, n, "as"); /* what follows names a column */
            begins = false;
            any = true;
            p += n;
        } else {
            begins |= *p == ';';
            alias &= *p == ' ' || *p == '\n';
            p++;
        }
    }
    return any && !doubtful;
}

static bool is_script(const char *text, const char *name)
{
    const struct asset *script = asset_find(name);
    return script && text && strcmp(text, (const char *)script->data) == 0;
}

static bool begins_as_owner(char **w)
{
    const struct identity id = {.access = "sudo"};
    const char *want[PLACE_PREFIX];
    int n = place_as_owner(&id, want);

    for (int i = 0; i < n; i++)
        if (!w[i] || (*want[i] && strcmp(w[i], want[i]) != 0)) /* the owner's name is theirs */
            return false;
    return true;
}

/* One of the scripts that look and nothing else, as standard input of a shell or as its argument. */
static bool looks_at_host(const struct effect *e)
{
    static const char *const looking[] = {"remote/loop.sh", "remote/log.sh"};
    char **w = e->u.child.argv;

    if (e->u.child.flags & CHILD_DETACHED)
        return false;
    if (is_script(e->u.child.stdin_text, "remote/host.sh"))
        return true;
    if (w && begins_as_owner(w))
        w += PLACE_PREFIX;
    if (!w || !w[0] || !w[1] || strcmp(w[0], "sh") != 0 || strcmp(w[1], "-c") != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(looking); i++)
        if (is_script(w[2], looking[i]))
            return true;
    return false;
}

/* Planned, not executed: what follows is one statement, for the protocol that statements are sent by takes no second. */
static bool only_plans(const char *sql)
{
    static const char *const begins[] = {"EXPLAIN (COSTS) ", "EXPLAIN (COSTS, GENERIC_PLAN) ",
                                         "PREPARE pg_diagnose_plan AS "};

    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        if (strncmp(sql, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* The steps of discovery/extension.h: what is prepared and run in them is a question by itself. */
static bool steps_read(const char *sql)
{
    static const char *const steps[] = {"DEALLOCATE /* pg_catalog.pg_prepared_statements */ ALL",
                                        "PREPARE pg_diagnose_steps AS ",
                                        "EXECUTE pg_diagnose_steps"};
    struct buf rest = {0};
    bool reads;

    while (*sql) {
        size_t line;
        for (size_t i = 0; i < ARRAY_LEN(steps); i++)
            if (strncmp(sql, steps[i], strlen(steps[i])) == 0)
                sql += strlen(steps[i]);
        line = strcspn(sql, "\n");
        line += sql[line] == '\n';
        buf_append(&rest, sql, line);
        sql += line;
    }
    reads = readonly_sql(buf_text(&rest));
    buf_clear(&rest);
    return reads;
}

bool readonly_allows(const struct effect *e)
{
    if (e->changes_server)
        return false;
    switch (e->kind) {
    case FX_PG_QUERY:
        return e->text && (readonly_sql(e->text) || (e->u.pg.several && steps_read(e->text)) ||
                           (e->u.pg.conn == CONN_PLAN && only_plans(e->text)));
    case FX_PG_CONNECT: /* its text is what the session begins with */
        return !e->text || !*e->text || readonly_sql(e->text);
    case FX_CHILD: /* the demonstration's server is its own; the DBA's editor touches none */
        return e->req.owner == OWNER_DEMO || looks_at_host(e) ||
               (e->req.owner == OWNER_UI && e->u.child.flags == CHILD_TERMINAL);
    default:
        return true;
    }
}

bool readonly_ends(const struct effect *e)
{
    static const char *const begins[] = {
        "SELECT pg_catalog.pg_cancel_backend(a.pid) AS sent FROM ",
        "SELECT pg_catalog.pg_terminate_backend(a.pid) AS sent FROM "};
    bool ends = false;

    if (e->kind != FX_PG_QUERY || e->req.owner != OWNER_VIEWS || e->u.pg.conn != CONN_VIEWS ||
        !e->text)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(begins) && !ends; i++) {
        size_t n = strlen(begins[i]);
        if (strncmp(e->text, begins[i], n) != 0)
            continue;
        struct buf rest = {0};
        buf_printf(&rest, "SELECT true FROM %s", e->text + n);
        ends = readonly_sql(buf_text(&rest)) && !strchr(e->text, ';');
        buf_clear(&rest);
    }
    return ends;
}
