/* The rights that our role lacks; see grants.h. Rights are finer than superuser or not: since version 15 an ordinary role can
 * be given ALTER SYSTEM for single settings, and then still lacks the reload. */
#include "pgd/tuning/grants.h"

#include "pgd/base/quote.h"
#include "pgd/tuning/knobs.h"

/* One right: a comment with its price, then the statement, which ends with the role. */
static void grant(struct buf *out, const struct server_facts *f, const char *lost, const char *what)
{
    buf_printf(out, "-- without it: %s\nGRANT %s TO ", lost, what);
    quote_ident(out, f->id.role);
    buf_puts(out, ";\n");
}

/* What an advisor may propose, as far as it is denied. */
static int denied_settings(const struct server_facts *f, struct buf *names)
{
    const struct knob *k;
    int n = 0;

    for (int i = 0; (k = knob_at(i)); i++) {
        const struct setting *s = settings_find(&f->settings, k->name);
        if (!s || !s->denied || (k->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY)))
            continue;
        buf_puts(names, n++ ? ", " : "");
        quote_ident(names, s->name);
    }
    return n;
}

static void alter_system(struct buf *out, const struct server_facts *f)
{
    struct buf names = {0}, what = {0};

    if (f->rights.switched_off) {
        buf_puts(
            out,
            "-- ALTER SYSTEM is switched off here (allow_alter_system), no grant changes that: "
            "each change is made by hand\n");
    } else if (f->id.version_num < 150000) {
        if (!f->rights.superuser)
            buf_puts(out, "-- before version 15 superusers alone may run ALTER SYSTEM: each change "
                          "is made by hand\n");
    } else if (denied_settings(f, &names) > 0) {
        buf_printf(&what, "ALTER SYSTEM ON PARAMETER %s", buf_text(&names));
        grant(out, f, "these settings are not proposed, or each change is made by hand",
              buf_text(&what));
    }
    buf_clear(&names);
    buf_clear(&what);
}

bool grants_script(const struct server_facts *f, bool kept, struct buf *out)
{
    const struct rights *r = &f->rights;
    size_t before = out->len;

    if (!kept) {
        alter_system(out, f);
        if (!r->reload)
            grant(out, f, "a change is not made effective by us",
                  "EXECUTE ON FUNCTION pg_catalog.pg_reload_conf()");
        if (!r->file_settings) {
            grant(out, f, "the entries before a change are not known, so it could not be undone",
                  "SELECT ON pg_catalog.pg_file_settings");
            grant(out, f, "the same", "EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings()");
        }
        if (!r->hba_rules) {
            grant(out, f, "a bad line in pg_hba.conf is not seen before a restart",
                  "SELECT ON pg_catalog.pg_hba_file_rules");
            grant(out, f, "the same", "EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules()");
        }
    }
    if (!r->pg_monitor)
        grant(out, f, "sessions, waits and hidden settings of others are not seen", "pg_monitor");
    if (!r->checkpoint && f->id.version_num >= 150000)
        grant(out, f, "a run may begin with the writes of the one before it", "pg_checkpoint");
    return out->len > before;
}
