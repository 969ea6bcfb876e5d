/* Questions to an extension's functions, by names that nobody else can turn to functions of his own.
 *
 * One statement is not enough. A condition beside the call is evaluated when the call has been planned, and planning may
 * run the impostor: a function in the language SQL that returns a row is put in its place, and what is immutable in it
 * is called at once, whatever WITH ORDINALITY or OFFSET 0 say; so are the defaults of arguments. PREPARE resolves names
 * and plans nothing.
 *
 * Why step 2 cannot have met an impostor when step 3 passes: the schema's row has had one version from the snapshot of
 * step 1 to that of step 3, so the name has meant this schema all the while. Names are resolved by a cache, which may be
 * older; but it never goes back, and step 1 has resolved the name by it, to a function that is the extension's own.
 * Nothing in step 1 resolves it once more afterwards. */
#include "pgd/discovery/extension.h"

#include "pgd/base/quote.h"
#include "pgd/discovery/steps.h"

#define SEEN "'pg_diagnose.seen'"

void extension_schema_sql(const char *extension, bool pooled, struct buf *out)
{
    buf_puts(out, "SELECT n.nspname AS schema FROM pg_catalog.pg_extension AS e JOIN "
                  "pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = ");
    quote_literal(out, extension);
    if (pooled)
        buf_puts(out,
                 " AND EXISTS (SELECT 1 FROM pg_catalog.pg_roles AS r JOIN pg_catalog.pg_database "
                 "AS d ON d.datname = pg_catalog.current_database() WHERE r.oid = CASE "
                 "pg_catalog.pg_get_userbyid(n.nspowner) WHEN 'pg_database_owner' THEN d.datdba "
                 "ELSE n.nspowner END AND (r.rolsuper OR r.rolname = current_user))");
}

/* 'schema.name(args)'::regprocedure */
static void function(const char *schema, const char *signature, struct buf *out)
{
    struct buf name = {0};

    quote_ident(&name, schema);
    buf_printf(&name, ".%s", signature);
    quote_literal(out, buf_text(&name));
    buf_puts(out, "::pg_catalog.regprocedure");
    buf_clear(&name);
}

/* The versions of the rows that give the names their meaning; NULL where one is not as it should be. */
static void versions(const struct extension_use *use, struct buf *out)
{
    buf_puts(
        out,
        "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', n.oid, n.xmin, n.ctid, p.oid, "
        "p.xmin, p.ctid), ';' ORDER BY p.oid) FROM pg_catalog.pg_proc AS p "
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace "
        "JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang AND l.lanname = 'c' "
        "JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner "
        "AND (r.rolsuper OR r.rolname = current_user) "
        "JOIN pg_catalog.pg_depend AS d ON d.objid = p.oid AND d.deptype = 'e' "
        "AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass "
        "AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass "
        "JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid "
        "AND e.extname = ");
    quote_literal(out, use->extension);
    buf_puts(out, " WHERE n.nspname = ");
    quote_literal(out, use->schema);
    buf_puts(out, " AND p.oid IN (");
    for (int i = 0; i < use->n; i++) {
        buf_puts(out, i ? ", " : "");
        function(use->schema, use->functions[i], out);
    }
    buf_printf(out, ") HAVING pg_catalog.count(*) = %d)", use->n);
}

void extension_use_sql(const struct extension_use *use, const char *select, struct buf *out)
{
    struct buf set = {0}, check = {0}, refusal = {0};

    buf_puts(&set, "pg_catalog.set_config(" SEEN ", ");
    versions(use, &set);
    buf_puts(&set, ", true)");
    buf_puts(&check, "pg_catalog.current_setting(" SEEN ") = ");
    versions(use, &check);
    buf_printf(&refusal, "the schema of %s changes, or its functions are not the extension's",
               use->extension);
    steps_sql(buf_text(&set), select, buf_text(&check), buf_text(&refusal), out);
    buf_clear(&set);
    buf_clear(&check);
    buf_clear(&refusal);
}

void extension_call_sql(const char *schema, bool info, const char *select, struct buf *out)
{
    struct extension_use use = {
        .extension = "pg_stat_statements",
        .schema = schema,
        .functions = {"pg_stat_statements(boolean)", "pg_stat_statements_info()"},
        .n = info ? 2 : 1};

    extension_use_sql(&use, select, out);
}
