/* A question in steps, see steps.h. One statement is not enough: a condition beside what is asked is evaluated when that has
 * been planned, and planning may run what was put in its place. PREPARE resolves names and plans nothing. */
#include "pgd/discovery/steps.h"

#include "pgd/base/quote.h"

#define PREPARED "pg_diagnose_steps"
/* The text says whose it is where the server counts it, as our other questions do. */
#define FORGET "DEALLOCATE /* pg_catalog.pg_prepared_statements */ ALL"

/* A constant of the parser, not of the plan: it is read whenever names are resolved, and never else. */
#define FUSE "'{NULL}'::pg_catalog.int4[] IS NOT NULL"

void steps_sql(const char *set, const char *select, const char *check, const char *refusal,
               struct buf *out)
{
    /* what an earlier message has left behind that was cut off */
    buf_puts(out, FORGET ";\n"
                         "SELECT pg_catalog.set_config('array_nulls', 'on', true)");
    buf_printf(out, "%s%s", *set ? ", " : "", set);
    buf_puts(out, ";\nPREPARE " PREPARED " AS SELECT * FROM (\n");
    buf_puts(out, select);
    buf_puts(out, "\n) AS question WHERE " FUSE ";\nSELECT CASE WHEN ");
    buf_puts(out, check);
    buf_puts(out,
             " THEN pg_catalog.set_config('array_nulls', 'off', true) ELSE pg_catalog.concat(");
    quote_literal(out, refusal);
    buf_puts(out, ")::pg_catalog.int4::pg_catalog.text END;\n"
                  "EXECUTE " PREPARED ";\n" FORGET);
}
