/* How this server is configured, and what a change looks like in the form of its platform; see way.h. */
#include "pgd/tuning/way.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"

const char *way_change_name(enum way_change c)
{
    return c == WAY_MANUAL ? "manual" : "alter_system";
}

const char *way_form_name(enum way_form f)
{
    static const char *const names[] = {
        [FORM_SQL] = "sql",         [FORM_FILE] = "file",     [FORM_PATRONI] = "patroni",
        [FORM_RDS] = "rds",         [FORM_AURORA] = "aurora", [FORM_CLOUDSQL] = "cloudsql",
        [FORM_ALLOYDB] = "alloydb", [FORM_AZURE] = "azure",   [FORM_CNPG] = "cloudnativepg",
    };
    return (size_t)f < ARRAY_LEN(names) ? names[f] : "sql";
}

/* -- recognition ---------------------------------------------------------------------------------------- */

static bool has_settings(const struct server_facts *f, const char *prefix)
{
    for (int i = 0; i < f->settings.n; i++)
        if (strncmp(f->settings.items[i].name, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

static bool setting_holds(const struct server_facts *f, const char *name, const char *text)
{
    const struct setting *s = settings_find(&f->settings, name);
    return s && strstr(s->value, text);
}

static bool supervised_by(const struct server_facts *f, const char *name)
{
    return strncmp(f->id.supervisor, name, strlen(name)) == 0;
}

static bool is_aurora(const struct server_facts *f)
{
    return has_settings(f, "aurora");
}

static bool is_rds(const struct server_facts *f)
{
    return has_settings(f, "rds.");
}

static bool is_alloydb(const struct server_facts *f)
{
    return has_settings(f, "alloydb.");
}

static bool is_cloudsql(const struct server_facts *f)
{
    return has_settings(f, "cloudsql.");
}

static bool is_azure(const struct server_facts *f)
{
    return has_settings(f, "azure.");
}

static bool is_cnpg(const struct server_facts *f)
{
    return supervised_by(f, "cloudnativepg") || has_settings(f, "cnpg.") ||
           setting_holds(f, "unix_socket_directories", "/controller/run") ||
           setting_holds(f, "archive_command", "/controller/manager");
}

/* Patroni starts the server with these on the command line, always all of them; that can be seen from anywhere and by
 * every role. */
static bool is_patroni(const struct server_facts *f)
{
    static const char *const given[] = {"cluster_name",
                                        "hot_standby",
                                        "max_connections",
                                        "max_wal_senders",
                                        "max_worker_processes",
                                        "max_prepared_transactions",
                                        "wal_level",
                                        "wal_log_hints",
                                        "max_locks_per_transaction",
                                        "max_replication_slots",
                                        "track_commit_timestamp"};
    if (supervised_by(f, "patroni"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        const struct setting *s = settings_find(&f->settings, given[i]);
        if (!s || strcmp(s->source, "command line") != 0)
            return false;
    }
    return true;
}

/* Those that keep the configuration themselves. The first that fits counts. */
static const struct {
    bool (*is)(const struct server_facts *f);
    enum way_form form;
    const char *name;
    const char *keeper;
} platforms[] = {
    {is_aurora, FORM_AURORA, "Amazon Aurora", "the DB cluster parameter group"},
    {is_rds, FORM_RDS, "Amazon RDS", "the DB parameter group"},
    {is_alloydb, FORM_ALLOYDB, "AlloyDB", "the instance's database flags"},
    {is_cloudsql, FORM_CLOUDSQL, "Google Cloud SQL", "the instance's database flags"},
    {is_azure, FORM_AZURE, "Azure Database", "the server parameters"},
    {is_cnpg, FORM_CNPG, "CloudNativePG", "the Cluster resource"},
    {is_patroni, FORM_PATRONI, "Patroni", "the cluster's dynamic configuration"},
};

static void manual(struct way *w, const char *why)
{
    w->change = WAY_MANUAL;
    text_copy(w->why, sizeof w->why, why);
}

void way_decide(const struct server_facts *f, struct way *w)
{
    char why[240];
    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
        if (!platforms[i].is(f))
            continue;
        w->form = platforms[i].form;
        text_copy(w->platform, sizeof w->platform, platforms[i].name);
        snprintf(why, sizeof why, "%s keeps the configuration in %s.", platforms[i].name,
                 platforms[i].keeper);
        manual(w, why);
        return;
    }
    if (!settings_bool(&f->settings, "allow_alter_system", true)) {
        w->form = FORM_FILE;
        manual(w, "ALTER SYSTEM is switched off here (allow_alter_system).");
    } else if (!f->rights.alter_system) {
        snprintf(why, sizeof why, "The role %.64s may not run ALTER SYSTEM.", f->id.role);
        manual(w, why);
    } else if (!f->rights.reload) {
        snprintf(why, sizeof why, "The role %.64s may not call pg_reload_conf().", f->id.role);
        manual(w, why);
    } else if (!f->rights.file_settings) {
        snprintf(why, sizeof why,
                 "The role %.64s may not read pg_file_settings, so an undo could not be exact.",
                 f->id.role);
        manual(w, why);
    }
}

/* -- forms ------------------------------------------------------------------------------------------------ */

void way_plain_number(const struct setting *s, const char *value, char *dst, size_t size)
{
    double want = NAN, unit = NAN;
    char shown[SETTING_VALUE_MAX];
    text_copy_raw(dst, size, value);
    if (!s || !s->unit[0] || !guard_value(s, value, &want, shown, sizeof shown, NULL))
        return;
    struct setting one = *s;
    struct settings all = {.n = 1, .items = &one};
    text_copy_raw(one.value, sizeof one.value, "1");
    unit = settings_number(&all, one.name);
    if (want >= 0 && unit > 0)
        snprintf(dst, size, "%.0f", want / unit);
}

static bool needs_restart(const struct way_item *item)
{
    return item->setting && strcmp(item->setting->context, "postmaster") == 0;
}

/* Shell words and YAML scalars in one pair of quotes; a quote inside cannot occur in what is tuned, and goes. */
static void quoted(struct buf *out, char mark, const char *text)
{
    buf_putc(out, mark);
    for (const char *p = text; *p; p++)
        if (*p != mark && *p != '\\')
            buf_putc(out, *p);
    buf_putc(out, mark);
}

static void say_sql(const struct way_item *items, int n, bool restart, struct buf *out)
{
    buf_puts(out, "-- as a superuser, in psql\n");
    for (int i = 0; i < n; i++) {
        entry_sql(items[i].to, out);
        buf_puts(out, ";\n");
    }
    buf_puts(out, "SELECT pg_reload_conf();\n");
    if (restart)
        buf_puts(out, "-- then restart the server\n");
}

static void say_file(const struct way_item *items, int n, bool restart, struct buf *out)
{
    buf_puts(out, "# in the file that your configuration is made from\n");
    for (int i = 0; i < n; i++) {
        if (!items[i].to->present) {
            buf_printf(out, "# take out: %s\n", items[i].to->name);
            continue;
        }
        buf_printf(out, "%s = ", items[i].to->name);
        quote_conf(out, items[i].to->value);
        buf_putc(out, '\n');
    }
    buf_puts(out, restart ? "# then restart the server\n"
                          : "-- then, as a superuser, in psql\nSELECT pg_reload_conf();\n");
}

static void say_patroni(const struct server_facts *f, const struct way_item *items, int n,
                        bool restart, struct buf *out)
{
    const char *cluster = f->id.cluster_name[0] ? f->id.cluster_name : "CLUSTER";
    buf_puts(out, "# with patronictl\npatronictl edit-config");
    for (int i = 0; i < n; i++) {
        struct buf word = {0};
        buf_printf(&word, "%s=%s", items[i].to->name,
                   items[i].to->present ? items[i].to->value : "null");
        buf_puts(out, " \\\n  -p ");
        quoted(out, '\'', buf_text(&word));
        buf_clear(&word);
    }
    buf_printf(out, " \\\n  --force %s\n", cluster);
    if (restart)
        buf_printf(out, "patronictl restart --pending --force %s\n", cluster);
    buf_puts(out, "# or with the REST API: PATCH /config");
    buf_puts(out, "\n{\"postgresql\": {\"parameters\": {");
    for (int i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "");
        quoted(out, '"', items[i].to->name);
        buf_puts(out, ": ");
        if (items[i].to->present)
            quoted(out, '"', items[i].to->value);
        else
            buf_puts(out, "null");
    }
    buf_puts(out, "}}}\n");
    if (restart)
        buf_puts(out, "# then POST /restart to each member that is pending_restart\n");
}

static void say_rds(bool aurora, const struct way_item *items, int n, bool restart, struct buf *out)
{
    const char *group = aurora ? "db-cluster-parameter-group" : "db-parameter-group";
    for (int set = 1; set >= 0; set--) {
        int shown = 0;
        for (int i = 0; i < n; i++) {
            char value[SETTING_VALUE_MAX];
            if (items[i].to->present != (set == 1))
                continue;
            if (shown++ == 0)
                buf_printf(out, "aws rds %s-%s --%s-name GROUP --parameters",
                           set ? "modify" : "reset", group, group);
            way_plain_number(items[i].setting, items[i].to->value, value, sizeof value);
            struct buf word = {0};
            buf_printf(&word, "ParameterName=%s", items[i].to->name);
            if (set)
                buf_printf(&word, ",ParameterValue=%s", value);
            buf_printf(&word, ",ApplyMethod=%s",
                       needs_restart(&items[i]) ? "pending-reboot" : "immediate");
            buf_puts(out, " \\\n  ");
            quoted(out, '"', buf_text(&word));
            buf_clear(&word);
        }
        if (shown)
            buf_putc(out, '\n');
    }
    if (restart)
        buf_puts(out, "aws rds reboot-db-instance --db-instance-identifier INSTANCE\n");
}

static void say_google(bool alloydb, const struct way_item *items, int n, struct buf *out)
{
    buf_puts(out, "# this option replaces all flags: name the ones that are set already, too\n");
    buf_puts(out, alloydb ? "gcloud alloydb instances update INSTANCE --cluster=CLUSTER "
                            "--region=REGION --database-flags="
                          : "gcloud sql instances patch INSTANCE --database-flags=");
    int shown = 0;
    for (int i = 0; i < n; i++) {
        char value[SETTING_VALUE_MAX];
        if (!items[i].to->present)
            continue;
        way_plain_number(items[i].setting, items[i].to->value, value, sizeof value);
        buf_printf(out, "%s%s=%s", shown++ ? "," : "", items[i].to->name, value);
    }
    buf_putc(out, '\n');
    for (int i = 0; i < n; i++)
        if (!items[i].to->present)
            buf_printf(out, "# leave out: %s\n", items[i].to->name);
}

static void say_azure(const struct way_item *items, int n, bool restart, struct buf *out)
{
    static const char where[] = "--resource-group GROUP --server-name SERVER";
    for (int i = 0; i < n; i++) {
        char value[SETTING_VALUE_MAX];
        way_plain_number(items[i].setting, items[i].to->value, value, sizeof value);
        buf_printf(out, "az postgres flexible-server parameter set %s --name %s", where,
                   items[i].to->name);
        if (items[i].to->present) {
            buf_puts(out, " --value ");
            quoted(out, '\'', value);
        }
        buf_putc(out, '\n');
    }
    if (restart)
        buf_puts(out, "az postgres flexible-server restart --resource-group GROUP --name SERVER\n");
}

static void say_cnpg(const struct way_item *items, int n, bool restart, struct buf *out)
{
    buf_puts(out, "# kubectl edit cluster NAME\nspec:\n  postgresql:\n    parameters:\n");
    for (int i = 0; i < n; i++) {
        if (!items[i].to->present) {
            buf_printf(out, "      # take out: %s\n", items[i].to->name);
            continue;
        }
        buf_printf(out, "      %s: ", items[i].to->name);
        quoted(out, '"', items[i].to->value);
        buf_putc(out, '\n');
    }
    if (restart)
        buf_puts(out, "# the operator restarts the instances by itself\n");
}

/* The changes are there, only the restart is missing. */
static void say_restart(const struct way_item *items, int n, struct buf *out)
{
    buf_puts(out, "-- ALTER SYSTEM was sent; these wait for a restart:\n");
    for (int i = 0; i < n; i++) {
        if (!needs_restart(&items[i]))
            continue;
        buf_puts(out, "--   ");
        entry_sql(items[i].to, out);
        buf_puts(out, ";\n");
    }
    buf_puts(out, "-- restart the server in your own way (systemctl, pg_ctlcluster, pg_ctl …)\n");
}

void way_text(const struct way *w, const struct server_facts *f, const struct way_item *items,
              int n, bool restart, bool sent, struct buf *out)
{
    if (sent) {
        say_restart(items, n, out);
        return;
    }
    switch (w->form) {
    case FORM_SQL:
        say_sql(items, n, restart, out);
        return;
    case FORM_FILE:
        say_file(items, n, restart, out);
        return;
    case FORM_PATRONI:
        say_patroni(f, items, n, restart, out);
        return;
    case FORM_RDS:
    case FORM_AURORA:
        say_rds(w->form == FORM_AURORA, items, n, restart, out);
        return;
    case FORM_CLOUDSQL:
    case FORM_ALLOYDB:
        say_google(w->form == FORM_ALLOYDB, items, n, out);
        return;
    case FORM_AZURE:
        say_azure(items, n, restart, out);
        return;
    case FORM_CNPG:
        say_cnpg(items, n, restart, out);
        return;
    }
}
