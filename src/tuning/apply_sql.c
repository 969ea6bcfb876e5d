/* The statements of a switch, and what their rows mean: which entries stand in postgresql.auto.conf, what runs, what
 * others have left half done, and from that which entries the switch has to change. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/os.h"
#include "pgd/tuning/others.h"

#define SETTING_COLUMNS                                                       \
    "s.name, s.setting, s.unit, s.vartype, s.context, s.min_val, s.max_val, " \
    "s.enumvals::text AS enumvals, s.boot_val, s.source, s.sourcefile, s.pending_restart"

/* Every entry of every file beside what runs; settings without an entry have NULL in the f columns, entries that are no
 * setting in the others. */
const char apply_sql_config[] =
    "SELECT f.sourcefile AS file, f.sourceline AS line, f.name AS file_name, f.setting AS "
    "file_value, "
    "f.applied, f.error, " SETTING_COLUMNS " FROM pg_catalog.pg_file_settings f"
    " FULL JOIN pg_catalog.pg_settings s ON lower(s.name) = lower(f.name)"
    " ORDER BY f.seqno NULLS LAST, s.name";

const char apply_sql_hba[] =
    "SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'hba_file') AS file,"
    " line_number AS line, error FROM pg_catalog.pg_hba_file_rules WHERE error IS NOT NULL"
    " ORDER BY line_number LIMIT 1";

static const char preflight[] =
    "SELECT (SELECT count(*) FROM pg_catalog.pg_prepared_xacts) AS prepared,"
    " (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)"
    "         AND pg_catalog.current_setting('archive_mode') <> 'off'"
    "    FROM pg_catalog.pg_stat_archiver) AS archiver_fails,"
    " (SELECT count(*) FROM pg_catalog.pg_stat_replication) AS replicas,"
    " (SELECT count(*) FROM pg_catalog.pg_stat_activity"
    "   WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()) AS "
    "sessions, b.* FROM (";

/* The look at base backups is the discovery's. */
void apply_sql_preflight(int version, struct buf *out)
{
    const char *backup = version < 130000   ? "sql/backup_12.sql"
                         : version < 150000 ? "sql/backup_13.sql"
                                            : "sql/backup_15.sql";
    buf_printf(out, "%s\n%s\n) AS b", preflight, apply_asset(backup));
}

void apply_sql_verify(const struct entry *items, int n, struct buf *out)
{
    buf_puts(out, "SELECT " SETTING_COLUMNS ", pg_catalog.current_setting(s.name) AS shown,"
                  " current_user AS role, pg_catalog.current_database() AS db"
                  " FROM pg_catalog.pg_settings s WHERE lower(s.name) IN (");
    for (int i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        char name[SETTING_NAME_MAX];
        text_copy_raw(name, sizeof name, items[i].name);
        for (char *p = name; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p - 'A' + 'a');
        quote_literal(out, name);
    }
    buf_putc(out, ')');
}

static const char *cell(const struct rows *r, int row, const char *name)
{
    const char *text = rows_text(r, row, name);
    return text ? text : "";
}

#define RAW(dst, row, name) text_copy_raw(dst, sizeof(dst), cell(r, row, name))

void apply_read_entry(const struct rows *r, const char *name, struct entry *out)
{
    memset(out, 0, sizeof *out);
    text_copy_raw(out->name, sizeof out->name, name);
    for (int i = 0; i < r->nrows; i++) {
        if (!ledger_file(cell(r, i, "file")) || !text_eq_nocase(cell(r, i, "file_name"), name))
            continue;
        out->present = true;
        RAW(out->value, i, "file_value");
    }
}

static void read_setting(const struct rows *r, int i, struct setting *s)
{
    memset(s, 0, sizeof *s);
    RAW(s->name, i, "name");
    RAW(s->value, i, "setting");
    RAW(s->shown, i, "shown");
    RAW(s->unit, i, "unit");
    RAW(s->context, i, "context");
    RAW(s->vartype, i, "vartype");
    RAW(s->min, i, "min_val");
    RAW(s->max, i, "max_val");
    RAW(s->enumvals, i, "enumvals");
    RAW(s->boot, i, "boot_val");
    RAW(s->source, i, "source");
    RAW(s->sourcefile, i, "sourcefile");
    s->pending_restart = rows_bool(r, i, "pending_restart", false);
}

bool apply_read_setting(const struct rows *r, const char *name, struct setting *out)
{
    for (int i = 0; i < r->nrows; i++) {
        if (!text_eq_nocase(cell(r, i, "name"), name))
            continue;
        read_setting(r, i, out);
        return true;
    }
    return false;
}

bool apply_value_same(const struct setting *s, const char *text)
{
    char shown[SETTING_VALUE_MAX];
    double want, unit, have;
    if (text_eq_nocase(text, s->value) || (s->shown[0] && text_eq_nocase(text, s->shown)))
        return true;
    if (!guard_value(s, text, &want, shown, sizeof shown, NULL))
        return false;
    if (text_eq_nocase(shown, s->value) || (s->shown[0] && text_eq_nocase(shown, s->shown)))
        return true;
    struct setting copy = *s;
    struct settings one = {.n = 1, .items = &copy};
    have = settings_number(&one, s->name);
    if (isnan(have) || isnan(want))
        return false;
    /* -1 is worked out when the server starts; its value then comes from no file. */
    if (want < 0 && strcmp(s->name, "wal_buffers") == 0)
        return strcmp(s->source, "default") == 0 || strcmp(s->source, "override") == 0;
    snprintf(copy.value, sizeof copy.value, "1");
    unit = settings_number(&one, s->name);
    double slack = strcmp(s->vartype, "integer") == 0 ? 0.5 * unit : 1e-9 * fabs(want);
    return fabs(want - have) <= slack;
}

static bool hidden_by_session(const char *source)
{
    static const char *const files[] = {"default", "configuration file", "environment variable",
                                        "command line", "override"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (strcmp(source, files[i]) == 0)
            return false;
    return true;
}

/* What an entry's absence leaves: the last entry of the other files, else the compiled-in value. */
static const char *without_ours(const struct rows *r, const struct setting *s)
{
    const char *text = s->boot;
    for (int i = 0; i < r->nrows; i++)
        if (text_eq_nocase(cell(r, i, "file_name"), s->name) && !ledger_file(cell(r, i, "file")))
            text = cell(r, i, "file_value");
    return text;
}

bool apply_in_force(const struct rows *r, const struct setting *s, const struct entry *e)
{
    /* In a session with a value of its own the server's cannot be seen. */
    if (hidden_by_session(s->source))
        return !s->pending_restart;
    return apply_value_same(s, e->present ? e->value : without_ours(r, s));
}

static bool in_ledger(const struct ledger *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (text_eq_nocase(l->rows[i].original.name, name))
            return true;
    return false;
}

bool apply_is_ours(const struct apply *a, const char *name)
{
    for (int i = 0; i < a->goal.n; i++)
        if (text_eq_nocase(a->goal.entries[i].name, name))
            return true;
    return in_ledger(a->env.ledger, name);
}

/* pg_file_settings calls a changed restart-class value an error, with the same words as a bad one. */
static bool waits_for_restart(const struct rows *r, int i)
{
    struct setting s;
    if (strcmp(cell(r, i, "context"), "postmaster") != 0)
        return false;
    read_setting(r, i, &s);
    return s.pending_restart ||
           guard_value(&s, cell(r, i, "file_value"), NULL, s.shown, sizeof s.shown, NULL);
}

static bool foreign(struct err *e, const struct rows *r, int i)
{
    char file[200], why[160];
    text_copy(file, sizeof file, cell(r, i, "file"));
    text_copy(why, sizeof why, cell(r, i, "error"));
    err_set(e, ERR_BUSY, "%s line %s: %s", file, cell(r, i, "line"), why);
    err_detail(e, "Somebody else's edit is unfinished: a reload would do nothing, and the server "
                  "might not start again.");
    return err_hint(e, "Mend that line, then try again.");
}

/* A setting that was taken out of a file and needs a restart: the server lists that as an error of no file and no name. */
static bool taken_out(const struct rows *r, int i)
{
    return !cell(r, i, "file")[0] && !cell(r, i, "file_name")[0];
}

bool apply_read_errors(const struct rows *r, const struct apply *a, struct err *e)
{
    for (int i = 0; i < r->nrows; i++) {
        const char *name = cell(r, i, "file_name");
        if (!rows_text(r, i, "error") || taken_out(r, i))
            continue;
        if (name[0] && ledger_file(cell(r, i, "file")) && apply_is_ours(a, name))
            continue;
        if (name[0] && waits_for_restart(r, i))
            continue;
        return foreign(e, r, i);
    }
    return true;
}

const char *others_sql(void)
{
    return apply_sql_config;
}

const char *others_hba_sql(void)
{
    return apply_sql_hba;
}

bool others_errors(const struct rows *r, const struct ledger *ours, struct err *e)
{
    for (int i = 0; i < r->nrows; i++) {
        const char *name = cell(r, i, "file_name");
        bool mine = name[0] && ledger_file(cell(r, i, "file")) && in_ledger(ours, name);
        if (rows_text(r, i, "error") && !taken_out(r, i) && !mine &&
            !(name[0] && waits_for_restart(r, i)))
            return foreign(e, r, i);
    }
    return true;
}

bool others_hba_errors(const struct rows *r, struct err *e)
{
    if (r->nrows == 0)
        return true;
    const char *file = cell(r, 0, "file");
    err_set(e, ERR_BUSY, "%.150s line %.12s: %.80s", *file ? file : "pg_hba.conf",
            cell(r, 0, "line"), cell(r, 0, "error"));
    err_detail(e, "A bad line there keeps the server from starting.");
    return err_hint(e, "Mend that line, then try again.");
}

/* Would this row of a file change what runs? A changed restart-class value is called an error there. */
static bool pending(const struct rows *r, int i, struct setting *s)
{
    read_setting(r, i, s);
    bool plain = strcmp(s->source, "default") == 0 || strcmp(s->source, "configuration file") == 0;
    bool restarts = strcmp(s->context, "postmaster") == 0;
    bool would = rows_bool(r, i, "applied", false) || (restarts && rows_text(r, i, "error"));
    return plain && would && strcmp(s->context, "internal") != 0 &&
           !apply_value_same(s, cell(r, i, "file_value"));
}

void others_pending(const struct rows *r, const struct ledger *ours, char *dst, size_t size)
{
    struct setting s;
    size_t used = 0;
    int found = 0;

    dst[0] = '\0';
    for (int i = 0; i < r->nrows; i++) {
        const char *name = cell(r, i, "name");
        if (!name[0] || !rows_text(r, i, "file_name") || in_ledger(ours, name) ||
            !pending(r, i, &s) || ++found > 4)
            continue;
        const char *when = strcmp(s.context, "postmaster") == 0 ? "a restart" : "a reload";
        used += (size_t)snprintf(
            dst + used, size - used, "%s%.60s %.40s to %.40s (at %s)",
            found > 1 ? ", " : "Others have changed in the files, and it is not in force yet: ",
            name, s.value, cell(r, i, "file_value"), when);
        if (used >= size)
            return;
    }
    if (found > 4)
        snprintf(dst + used, size - used, " and %d more", found - 4);
}

static void add_other(char *dst, size_t size, int *found, const char *name, const char *from,
                      const char *to)
{
    size_t used = strlen(dst);
    if ((*found)++ < 3)
        snprintf(dst + used, size - used, "%s%.60s %.40s to %.40s",
                 used ? ", " : "also makes effective what others have changed: ", name, from, to);
    else if (*found == 4)
        snprintf(dst + used, size - used, " and more");
}

void apply_read_others(const struct rows *r, const struct apply *a, char *dst, size_t size)
{
    int found = 0;
    dst[0] = '\0';
    for (int i = 0; i < r->nrows; i++) {
        struct setting s;
        const char *name = cell(r, i, "name");
        if (!name[0] || apply_is_ours(a, name))
            continue;
        read_setting(r, i, &s);
        bool restarts = strcmp(s.context, "postmaster") == 0;
        if ((restarts && !a->restart) || strcmp(s.context, "internal") == 0)
            continue;
        bool plain = strcmp(s.source, "default") == 0 ||
                     strcmp(s.source, "configuration file") == 0;
        bool would = rows_bool(r, i, "applied", false) || (restarts && rows_text(r, i, "error"));
        if (plain && would && !apply_value_same(&s, cell(r, i, "file_value")))
            add_other(dst, size, &found, name, s.value, cell(r, i, "file_value"));
        else if (strcmp(s.source, "configuration file") == 0 && !rows_text(r, i, "file_name"))
            add_other(dst, size, &found, name, s.value, "its default");
    }
}

/* -- the plan ------------------------------------------------------------------------------------- */

/* Does the file hold what we have put there, as far as the journal knows? */
static bool as_we_left_it(const struct ledger_row *row, const struct entry *file)
{
    return entry_same(file, &row->current) || (row->unsure && entry_same(file, &row->pending));
}

static void add_item(struct apply *a, const struct entry *file, const struct entry *want)
{
    a->before[a->n] = *file;
    a->to[a->n] = *want;
    a->n++;
}

static bool plan_one(struct apply *a, const struct rows *r, const char *name, struct err *e)
{
    struct ledger_row *row = ledger_find(a->env.ledger, name);
    struct entry want = ledger_goal(a->env.ledger, &a->goal, name), file;
    struct setting s;
    apply_read_entry(r, name, &file);
    bool wanted = arm_find(&a->goal, name) != NULL;
    if (row && !as_we_left_it(row, &file)) {
        if (!wanted && ledger_row_clean(row))
            return true; /* nothing of ours is there, and nothing shall be */
        err_set(e, ERR_BUSY, "%s was changed by somebody else", name);
        err_detail(e, "postgresql.auto.conf has %.100s, not %.100s.",
                   file.present ? file.value : "no entry",
                   row->current.present ? row->current.value : "none");
        return err_hint(e,
                        "It was left alone. Decide which value is right, set it, and start again.");
    }
    bool known = apply_read_setting(r, name, &s);
    if (!known && want.present)
        return err_set(e, ERR_REFUSED, "%s is not a setting of this server", name);
    bool differs = !entry_same(&file, &want);
    bool runs = !known || apply_in_force(r, &s, &want);
    /* What runs may lag behind the file, after a kill between ALTER SYSTEM and the reload: that counts, too. An absent
     * entry's value is only worked out here, so it alone is no reason. */
    if (!differs && !(row && row->unsure) && (runs || !want.present))
        return true;
    if (a->n == LEDGER_MAX)
        return err_set(e, ERR_REFUSED, "more than %d settings in one switch", (int)LEDGER_MAX);
    if (known && strcmp(s.context, "postmaster") == 0 && !runs)
        a->restart = true;
    if (want.present && !knob_find(name) && !(row && entry_same(&want, &row->original)))
        a->unlisted = true;
    add_item(a, &file, &want);
    return true;
}

bool apply_plan(struct apply *a, const struct rows *r, struct err *e)
{
    a->n = 0;
    a->restart = a->unlisted = false;
    if (!apply_read_errors(r, a, e))
        return false;
    for (int i = 0; i < a->goal.n; i++)
        if (!os_is(a->goal.entries[i].name) && !plan_one(a, r, a->goal.entries[i].name, e))
            return false;
    for (int i = 0; i < a->env.ledger->n; i++) {
        const char *name = a->env.ledger->rows[i].original.name;
        if (!os_is(name) && !arm_find(&a->goal, name) && !plan_one(a, r, name, e))
            return false;
    }
    apply_read_others(r, a, a->others, sizeof a->others);
    return true;
}

/* What is neither as before nor as we have sent it was set by somebody else: it stays, and is no part of the switch any
 * more. */
static void leave_alone(struct apply *a, int i, const struct entry *file)
{
    size_t used = strlen(a->others), after = (size_t)(a->n - i - 1);
    snprintf(a->others + used, sizeof a->others - used,
             "%sleft %.60s alone: somebody else has set it to %.60s", used ? "; " : "", file->name,
             file->present ? file->value : "no entry");
    memmove(&a->before[i], &a->before[i + 1], after * sizeof a->before[0]);
    memmove(&a->to[i], &a->to[i + 1], after * sizeof a->to[0]);
    a->n--;
    a->sent--;
}

void apply_plan_undo(struct apply *a, const struct rows *r)
{
    struct entry file;
    a->undo_n = 0;
    a->restart = false;
    for (int i = a->sent - 1; i >= 0; i--) {
        apply_read_entry(r, a->before[i].name, &file);
        if (!entry_same(&file, &a->before[i]) && !entry_same(&file, &a->to[i]))
            leave_alone(a, i, &file);
    }
    for (int i = 0; i < a->sent; i++) {
        struct setting s;
        const struct entry *want = &a->before[i];
        apply_read_entry(r, want->name, &file);
        if (!entry_same(&file, want))
            a->undo_to[a->undo_n++] = *want;
        if (apply_read_setting(r, want->name, &s) && strcmp(s.context, "postmaster") == 0 &&
            !apply_in_force(r, &s, want))
            a->restart = true;
    }
}

/* With standbys these five may not rise here first: a standby with less pauses replay and does not start again. */
static bool starves_standby(const char *name)
{
    static const char *const five[] = {"max_connections", "max_worker_processes", "max_wal_senders",
                                       "max_prepared_transactions", "max_locks_per_transaction"};
    for (size_t i = 0; i < ARRAY_LEN(five); i++)
        if (strcmp(five[i], name) == 0)
            return true;
    return false;
}

bool apply_read_preflight(const struct apply *a, const struct rows *r, struct err *e)
{
    int64_t prepared = rows_int64(r, 0, "prepared", 0);
    int64_t replicas = rows_int64(r, 0, "replicas", 0);
    if (rows_bool(r, 0, "base_backup", false)) {
        err_set(e, ERR_BUSY, "a base backup is running");
        return err_hint(e, "A restart would break it off: try again when it is done.");
    }
    if (rows_text(r, 0, "backup_session")) {
        err_set(e, ERR_BUSY, "a base backup seems to be running: %.200s",
                rows_text(r, 0, "backup_session"));
        return err_hint(e, "Its session has started one and not ended it, as far as can be told "
                           "from its last statement. Try again when it is done.");
    }
    if (prepared > 0) {
        err_set(e, ERR_BUSY, "%lld prepared transactions are waiting", (long long)prepared);
        return err_hint(e, "Commit or roll them back (pg_prepared_xacts), then try again.");
    }
    if (rows_bool(r, 0, "archiver_fails", false)) {
        err_set(e, ERR_BUSY, "the archiver is failing and holds back WAL");
        return err_hint(e,
                        "A restart waits for it: mend archive_command first (pg_stat_archiver).");
    }
    for (int i = 0; replicas > 0 && i < a->n; i++) {
        const struct setting *s = settings_find(&a->env.facts->settings, a->to[i].name);
        double want = 0;
        char shown[SETTING_VALUE_MAX];
        if (!s || !a->to[i].present || !starves_standby(s->name) ||
            !guard_value(s, a->to[i].value, &want, shown, sizeof shown, NULL) ||
            want <= settings_number(&a->env.facts->settings, s->name))
            continue;
        err_set(e, ERR_REFUSED, "%s may not rise here before it has risen on the standbys",
                s->name);
        return err_hint(e, "Raise it on each standby first; one with less would not start again.");
    }
    return true;
}
