/* Statements of pg_stat_statements and values of tables on their way into a pgbench script. Whatever they hold, the script has
 * one statement, no command but \set, and no variable that a \set line does not set. The input is a statement up to a byte of
 * zero, then for each parameter a byte for its type and values of a line each. */
#include <ctype.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/runner/derivation.h"
#include "pgd/runner/derive.h"
#include "pgd/runner/script.h"

const size_t fuzz_prefix_most = 200;

static void give(struct derive_param *p, struct input *in)
{
    static const char *const types[] = {
        "integer", "text", "uuid", "text[]", "interval", "integer[]", "timestamp with time zone",
        "jsonb"};
    uint8_t kind = input_byte(in);
    char *word = input_word(in);

    snprintf(p->type, sizeof p->type, "%s", types[kind & 7]);
    snprintf(p->column_type, sizeof p->column_type, "%s", types[(kind >> 3) & 7]);
    if (kind & 64)
        p->null_frac = 0.4;
    if (kind & 128) {
        p->span = true;
        p->lo = 1;
        p->hi = 90;
    }
    p->values = xcalloc(64, sizeof *p->values);
    p->extra = kind & 64 ? xcalloc(64, sizeof *p->extra) : NULL;
    for (char *at = word; *at && p->nvalues < 64;) {
        size_t n = strcspn(at, "\n");
        p->values[p->nvalues] = xstrndup(at, n);
        if (p->extra)
            p->extra[p->nvalues] = xstrndup(at, n / 2);
        p->nvalues++;
        at += n + (at[n] == '\n');
    }
    free(word);
}

/* Every variable is one that a \set line sets, or stands behind a colon that pgbench passes over. */
static void check_variables(const char *script)
{
    for (const char *p = script; (p = strchr(p, ':')) != NULL;) {
        char set[80] = "\\set ";
        size_t n = 0;
        if (p[1] == ':') {
            p += strspn(p, ":");
            continue;
        }
        p++;
        while (n + 8 < sizeof set && (isalnum((unsigned char)p[n]) || p[n] == '_' || (p[n] & 0x80)))
            n++;
        if (n == 0 || isdigit((unsigned char)*p))
            continue;
        memcpy(set + 5, p, n);
        set[5 + n] = ' ';
        set[6 + n] = '\0';
        REQUIRE(strstr(script, set) != NULL);
    }
}

static void check_script(const char *script, size_t len)
{
    struct buf statement = {0};
    struct err e = {0};

    REQUIRE(len <= DERIVE_SCRIPT_MAX);
    for (const char *line = script; *line;) {
        size_t n = strcspn(line, "\n");
        if (line[0] == '\\')
            REQUIRE(strncmp(line, "\\set ", 5) == 0);
        line += n + (line[n] == '\n');
    }
    check_variables(script);
    (void)!script_check("fuzz.sql", script, len, &e);
    REQUIRE(!script_select(script, 1, 1, &statement));
    buf_clear(&statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size, 0};
    char *text = input_word(&in);
    struct derived d;

    bool may_lock = derive_may_lock(text);

    REQUIRE(may_lock || strncasecmp(text, "update ", 7) != 0);
    if (!derive_read(text, &d)) {
        REQUIRE(d.why[0] != '\0');
    } else {
        struct buf q = {0};
        REQUIRE(d.nparams <= DERIVE_PARAMS_MAX && d.ntables <= DERIVE_TABLES_MAX);
        for (int i = 0; i < d.nparams; i++) {
            REQUIRE(d.params[i].table < d.ntables && d.params[i].partner < d.nparams);
            give(&d.params[i], &in);
        }
        for (int i = 0; i < d.ntables; i++) {
            d.tables[i].known = true;
            d.tables[i].kind = 'r';
            d.tables[i].relation[0] = 'x';
        }
        (void)derive_ask_tables(&d, &q);
        for (int at = 0; derive_ask_values(&d, &at, &q); at++)
            derive_values(&d, at, NULL);
        derive_prepare(&d, true, &q);
        buf_clear(&q);
        for (int level = 0; level < DERIVE_LEVELS; level++) {
            if (derive_script(&d, "-- title\n", 1, level, &q))
                check_script(buf_text(&q), q.len);
            buf_clear(&q);
        }
    }
    derived_clear(&d);
    free(text);
    return 0;
}
