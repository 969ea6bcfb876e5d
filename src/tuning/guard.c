/* From a proposal to review lines. The checks of one line stand in the order of check_line(): identity of the setting
 * first, then who may change it, then the value, then what the value would do to this server. */
#include "pgd/tuning/guard.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/buf.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/tuning/bill.h"
#include "pgd/tuning/ledger.h"
#include "pgd/tuning/os.h"
#include "pgd/tuning/price.h"

#define MB 1048576.0
#define GB 1073741824.0

/* What a line is checked against. */
struct check {
    struct review_line *line;
    const struct setting *s; /* NULL: this server has none of that name */
    const struct knob *k;    /* NULL: not on the allowlist */
    const struct server_facts *f;
    const struct guard_policy *g;
    bool repair;        /* the value takes an inherited danger away */
    double was, number; /* in the unit of settings_number(); NAN when not numeric */
};

bool review_refuse(struct review_line *line, enum refusal why, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line->refusal = why;
    line->answer = ANSWER_NONE;
    vsnprintf(line->reason, sizeof line->reason, fmt, ap);
    va_end(ap);
    return false;
}

static const char *plural(double n)
{
    return n == 1 ? "" : "s";
}

bool guard_never(const char (*never)[SETTING_NAME_MAX], int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(never[i]);
        bool all = len > 1 && never[i][len - 1] == '*';
        if (all ? strncasecmp(never[i], name, len - 1) == 0 : text_eq_nocase(never[i], name))
            return true;
    }
    return false;
}

static bool check_name(struct check *c)
{
    const char *name = c->line->change.name;
    /* Before everything else, and for what the DBA types, too: who wrote the file takes the line out. */
    if (guard_never(c->g->never, c->g->nnever, name))
        return review_refuse(c->line, REFUSE_WISH, "PGDIAG.md: never touch %s", name);
    enum refusal danger = danger_find(name);
    /* synchronous_commit = on is weaker than remote_apply: there it repairs nothing. */
    bool weaker = c->s && strcmp(c->s->value, "remote_apply") == 0;
    c->repair = danger != REFUSE_NONE && !c->line->change.reset && !weaker && text_is_ident(name) &&
                danger_repaired(name, c->line->to);
    if (danger == REFUSE_DURABILITY && c->k && c->g->allow_durability)
        danger = REFUSE_NONE;
    if (danger != REFUSE_NONE && danger != REFUSE_UNKNOWN && !c->repair)
        return review_refuse(c->line, danger, "%s %s", name, refusal_name(danger));
    if (!text_is_ident(name) || danger == REFUSE_UNKNOWN || (!c->k && !c->repair))
        return review_refuse(c->line, REFUSE_UNKNOWN, "%s %s", name, refusal_name(REFUSE_UNKNOWN));
    if (!c->s)
        return review_refuse(c->line, REFUSE_UNKNOWN, "this server has no setting %s", name);
    if (c->k && c->k->min_version > c->f->id.version_num)
        return review_refuse(c->line, REFUSE_UNKNOWN, "%s exists from version %d on", name,
                             c->k->min_version / 10000);
    return true;
}

static bool check_rights(struct check *c)
{
    const char *name = c->line->change.name;
    if (c->k && (c->k->flags & KNOB_DBA_ONLY) && !c->g->by_dba)
        return review_refuse(c->line, REFUSE_DBA_ONLY,
                             "%s is the DBA's own decision: no advisor changes it", name);
    if (strcmp(c->s->context, "internal") == 0)
        return review_refuse(c->line, REFUSE_CONTEXT, "%s is fixed in this build of the server",
                             name);
    if (strstr(c->s->context, "backend"))
        return review_refuse(c->line, REFUSE_CONTEXT, "%s is fixed when a session begins", name);
    if (settings_denied(c->f, c->s)) {
        struct buf role = {0};
        quote_ident(&role, c->f->id.role);
        review_refuse(c->line, REFUSE_RIGHT,
                      "the role may not set %s: GRANT ALTER SYSTEM ON PARAMETER %s TO %.80s", name,
                      name, buf_text(&role));
        buf_clear(&role);
        return false;
    }
    if (c->f->id.standby)
        return review_refuse(c->line, REFUSE_STANDBY,
                             "this server is a standby: %s is changed on the primary first", name);
    return true;
}

/* "4048GB" where MB was meant: far beyond the limit, and within it as megabytes. */
static bool off_by_a_unit(const struct check *c, double limit, char *meant, size_t size)
{
    const char *gb = strstr(c->line->to, "GB");
    if (!gb || !(c->number > 16 * limit) || !(c->number / 1024 <= limit))
        return false;
    snprintf(meant, size, "; did you mean %.*sMB?", (int)(gb - c->line->to), c->line->to);
    return true;
}

/* Typed value and policy limits. `to` and `number` are known when the value could be read. */
static bool check_value(struct check *c, const struct err *e)
{
    struct review_line *line = c->line;
    if (line->change.reset) {
        if (!ledger_file(c->s->sourcefile) && *c->s->sourcefile)
            return review_refuse(line, REFUSE_NO_CHANGE,
                                 "%s has no entry in postgresql.auto.conf to take out",
                                 line->change.name);
        return true;
    }
    if (e->code != ERR_NONE)
        return review_refuse(line, REFUSE_VALUE, "%s%s%s", e->msg, *e->hint ? ". " : "", e->hint);
    if (strcmp(line->to, line->from) == 0 && !c->s->pending_restart)
        return review_refuse(line, REFUSE_NO_CHANGE, "%s is %s already", line->change.name,
                             line->to);
    if (strcmp(c->s->name, "huge_pages") == 0 && strcmp(line->to, "on") == 0)
        return review_refuse(
            line, REFUSE_VALUE,
            "huge_pages = on keeps the server from starting when too few are reserved: use try");
    if (strcmp(c->s->name, "track_io_timing") == 0 && strcmp(line->to, "off") == 0 && !c->g->by_dba)
        return review_refuse(line, REFUSE_BENCHMARK, "%s = off %s", c->s->name,
                             refusal_name(REFUSE_BENCHMARK));
    /* The limits are for advisors; those of a setting that no advisor changes are for the DBA. */
    bool free = c->g->by_dba && c->k && !(c->k->flags & KNOB_DBA_ONLY);
    if (!c->k || free || isnan(c->number) || (c->number < 0 && (c->k->flags & KNOB_MINUS_ONE)))
        return true;
    if (c->number < c->k->floor || c->number > c->k->ceiling)
        return review_refuse(
            line, REFUSE_VALUE, "%s = %s is %s than is sensible; a DBA may set it by hand",
            line->change.name, line->to, c->number < c->k->floor ? "less" : "more");
    return true;
}

static bool override_applies(const struct override *o, const struct check *c)
{
    return strcmp(o->name, c->s->name) == 0 && (!*o->role || strcmp(o->role, c->f->id.role) == 0) &&
           (!*o->database ||
            strcmp(o->database, c->g->database ? c->g->database : c->f->id.database) == 0);
}

void override_reset_sql(const struct override *o, struct buf *out)
{
    buf_puts(out, *o->role || !*o->database ? "ALTER ROLE " : "ALTER DATABASE ");
    if (*o->role || *o->database)
        quote_ident(out, *o->role ? o->role : o->database);
    else
        buf_puts(out, "ALL");
    if (*o->role && *o->database) {
        buf_puts(out, " IN DATABASE ");
        quote_ident(out, o->database);
    }
    buf_puts(out, " RESET ");
    quote_ident(out, o->name);
}

static bool check_overrides(struct check *c)
{
    const char *source = c->s->source;
    if (strcmp(source, "command line") == 0 || strcmp(source, "environment variable") == 0)
        return review_refuse(c->line, REFUSE_OVERRIDDEN,
                             "%s = %s comes from the server's %s, which wins", c->s->name,
                             c->line->from, source);
    for (int i = 0; i < c->f->noverrides; i++) {
        const struct override *o = &c->f->overrides[i];
        if (!override_applies(o, c))
            continue;
        struct buf sql = {0};
        override_reset_sql(o, &sql);
        if (*o->role && *o->database)
            review_refuse(c->line, REFUSE_OVERRIDDEN,
                          "role %.40s in database %.40s has %.40s of its own: %s", o->role,
                          o->database, o->value, buf_text(&sql));
        else
            review_refuse(c->line, REFUSE_OVERRIDDEN, "%s%.60s has %.60s of its own: %s",
                          *o->role       ? "role "
                          : *o->database ? "database "
                                         : "every role",
                          *o->role ? o->role : o->database, o->value, buf_text(&sql));
        buf_clear(&sql);
        return false;
    }
    if (strcmp(source, "database") == 0 || strcmp(source, "user") == 0 ||
        strcmp(source, "database user") == 0)
        return review_refuse(c->line, REFUSE_OVERRIDDEN, "%s has a value of its own for this %s",
                             c->s->name, source);
    return true;
}

static bool check_restart(struct check *c)
{
    static const char *const replayed[] = {"max_connections", "max_worker_processes",
                                           "max_wal_senders", "max_prepared_transactions",
                                           "max_locks_per_transaction"};
    const char *name = c->s->name;
    bool raises = c->number > c->was;
    for (size_t i = 0; i < ARRAY_LEN(replayed); i++)
        if (strcmp(name, replayed[i]) == 0 && raises && c->f->runtime.replicas > 0)
            return review_refuse(
                c->line, REFUSE_STANDBY,
                "raising %s pauses the replay of %.0f standby%s: raise it there first", name,
                c->f->runtime.replicas, plural(c->f->runtime.replicas));
    if (strcmp(name, "max_connections") == 0 && c->number < c->was)
        return review_refuse(c->line, REFUSE_LOCKOUT, "fewer connections %s",
                             refusal_name(REFUSE_LOCKOUT));
    if (c->line->restart && !c->g->restart_possible)
        return review_refuse(c->line, REFUSE_RESTART, "%s takes effect at a restart, and %s", name,
                             c->g->restart_refused ? c->g->restart_refused
                                                   : "no way to restart is allowed");
    return true;
}

/* Where the memory is not known nothing can be billed: modest limits stand in for it. */
static bool check_unknown_memory(struct check *c)
{
    static const struct {
        const char *name;
        double most;
    } modest[] = {{"shared_buffers", 1 * GB},
                  {"work_mem", 64 * MB},
                  {"maintenance_work_mem", 1 * GB},
                  {"autovacuum_work_mem", 1 * GB},
                  {"temp_buffers", 64 * MB}};
    char most[32];
    for (size_t i = 0; i < ARRAY_LEN(modest); i++) {
        if (strcmp(c->s->name, modest[i].name) != 0 || !(c->number > modest[i].most) ||
            !(c->number > c->was) || c->g->by_dba)
            continue;
        text_bytes(most, sizeof most, modest[i].most);
        return review_refuse(c->line, REFUSE_MEMORY,
                             "this machine's memory is not known: at most %s without a look at it",
                             most);
    }
    return true;
}

static bool refuse_bill(struct review_line *line, double measured, double memory, double peak)
{
    char need[32];
    char have[32];
    text_bytes(need, sizeof need, measured);
    text_bytes(have, sizeof have, memory);
    return review_refuse(line, REFUSE_MEMORY,
                         "with %.0f session%s at work up to %s of %s would be in use", peak,
                         plural(peak), need, have);
}

static bool check_memory(struct check *c)
{
    double memory = bill_memory(c->f);
    if (isnan(memory))
        return check_unknown_memory(c);
    char meant[SETTING_VALUE_MAX + 32] = "";
    char have[32];
    text_bytes(have, sizeof have, memory);
    bool shared = strcmp(c->s->name, "shared_buffers") == 0;
    if (shared && c->number > 0.6 * memory && c->number > c->was) {
        off_by_a_unit(c, 0.6 * memory, meant, sizeof meant);
        return review_refuse(c->line, REFUSE_MEMORY, "%s is more than 60 %% of the machine's %s%s",
                             c->line->to, have, meant);
    }
    if (strcmp(c->s->name, "effective_cache_size") == 0 && c->number > memory) {
        off_by_a_unit(c, memory, meant, sizeof meant);
        return review_refuse(c->line, REFUSE_VALUE, "%s is more than the machine's %s%s",
                             c->line->to, have, meant);
    }
    struct bill_terms terms;
    bill_terms_read(&terms, c->f);
    double now = bill_measured(&terms, c->g);
    bill_terms_line(&terms, c->line, c->f);
    double then = bill_measured(&terms, c->g);
    if (then <= now || then <= bill_room(c->f, now))
        return true;
    refuse_bill(c->line, then, memory, bill_peak(c->g));
    if (off_by_a_unit(c, 0.25 * memory, meant, sizeof meant)) {
        size_t n = strlen(c->line->reason);
        snprintf(c->line->reason + n, sizeof c->line->reason - n, "%s", meant);
    }
    return false;
}

static bool check_disk(struct check *c)
{
    bool wal_size = strcmp(c->s->name, "max_wal_size") == 0 ||
                    strcmp(c->s->name, "min_wal_size") == 0;
    if (!wal_size || !(c->number > c->was))
        return true;
    const struct disk_facts *disk = c->f->host.wal.total_bytes > 0 ? &c->f->host.wal
                                                                   : &c->f->host.data;
    char have[32];
    char meant[SETTING_VALUE_MAX + 32] = "";
    if (!c->f->host.known || !(disk->total_bytes > 0) || isnan(disk->free_bytes)) {
        if (c->number <= 4 * GB || c->g->by_dba)
            return true;
        return review_refuse(c->line, REFUSE_DISK,
                             "the disk of the WAL is not known: at most 4GB without a look at it");
    }
    if (c->number <= 0.5 * disk->free_bytes)
        return true;
    text_bytes(have, sizeof have, disk->free_bytes);
    off_by_a_unit(c, 0.5 * disk->free_bytes, meant, sizeof meant);
    return review_refuse(c->line, REFUSE_DISK,
                         "%s is more than half of the %s that are free for WAL%s", c->line->to,
                         have, meant);
}

static void line_sql(struct review_line *line, const struct setting *s)
{
    struct entry e = {.present = !line->change.reset};
    struct buf text = {0};
    text_copy_raw(e.name, sizeof e.name, line->change.name);
    text_copy_raw(e.value, sizeof e.value, line->send);
    entry_sql(&e, &text);
    buf_putc(&text, ';');
    text_copy(line->sql, sizeof line->sql, buf_text(&text));
    buf_clear(&text);
    e.present = s && ledger_file(s->sourcefile);
    text_copy_raw(e.value, sizeof e.value, line->from);
    entry_sql(&e, &text);
    buf_putc(&text, ';');
    text_copy(line->undo, sizeof line->undo, buf_text(&text));
    buf_clear(&text);
}

/* from, to, send, restart and the numbers, as far as they can be told. */
static void read_values(struct check *c, struct err *e)
{
    struct review_line *line = c->line;
    char canonical[SETTING_VALUE_MAX] = "";
    if (!c->s) {
        text_copy(line->to, sizeof line->to, line->change.reset ? "" : line->change.value);
        text_copy(line->send, sizeof line->send, line->to);
        return;
    }
    if (!guard_value(c->s, c->s->value, &c->was, canonical, sizeof canonical, NULL))
        canonical[0] = '\0';
    text_copy(line->from, sizeof line->from, *c->s->shown || !*canonical ? c->s->shown : canonical);
    line->restart = strcmp(c->s->context, "postmaster") == 0;
    if (line->change.reset)
        text_copy_raw(line->to, sizeof line->to, "as before us");
    else if (guard_value(c->s, line->change.value, &c->number, line->to, sizeof line->to, e))
        text_copy_raw(line->send, sizeof line->send, line->to);
    else
        text_copy(line->to, sizeof line->to, line->change.value);
    if (*canonical && strcmp(canonical, line->to) == 0)
        text_copy_raw(line->from, sizeof line->from, canonical);
}

static bool check_line(struct check *c, const struct err *e)
{
    if (c->g->disabled) {
        if (!*c->line->send)
            text_copy_raw(c->line->send, sizeof c->line->send, c->line->to);
        return true;
    }
    return check_name(c) && check_rights(c) && check_value(c, e) && check_overrides(c) &&
           check_restart(c) && check_memory(c) && check_disk(c);
}

void guard_line(struct review_line *line, const struct server_facts *f,
                const struct guard_policy *g)
{
    struct review_line old = *line;
    memset(line, 0, sizeof *line);
    line->change = old.change;
    line->edited = old.edited;
    if (os_is(line->change.name)) {
        os_guard_line(line, f, g);
        return;
    }
    struct check c = {.line = line,
                      .s = settings_find(&f->settings, line->change.name),
                      .k = knob_find(line->change.name),
                      .f = f,
                      .g = g,
                      .was = NAN,
                      .number = NAN};
    struct err e;
    err_clear(&e);
    read_values(&c, &e);
    check_line(&c, &e);
    if (c.s)
        price_line(line, c.s, f, g);
    /* A statement that is never sent is not shown either: it might hold anything. */
    if (line->refusal == REFUSE_NONE)
        line_sql(line, c.s);
}

/* ---- alternatives ---- */

int review_nsets(const struct review *r)
{
    int n = r->proposal.nsets;
    return n < 1 ? 1 : n > SETS_MAX ? SETS_MAX : n;
}

unsigned review_sets(const struct review *r, int i)
{
    unsigned all = (1u << review_nsets(r)) - 1;
    unsigned sets = r->lines[i].change.sets & all;
    return sets ? sets : all;
}

bool review_set_rejected(const struct review *r, int set)
{
    bool any = false;

    for (int i = 0; i < r->n; i++) {
        if (!(r->lines[i].change.sets >> set & 1))
            continue;
        if (r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_ACCEPT)
            return false;
        any = any || r->lines[i].refusal == REFUSE_NONE;
    }
    return any;
}

/* Two lines of one setting contradict each other where an alternative holds both. */
static bool stands_above(const struct review *r, int i)
{
    for (int j = 0; j < i; j++)
        if ((review_sets(r, j) & review_sets(r, i)) &&
            text_eq_nocase(r->lines[j].change.name, r->lines[i].change.name))
            return true;
    return false;
}

/* Where a line stands: what belongs to all first, then by the first alternative, durability trades last. */
static unsigned place_of(const struct review *r, int i)
{
    unsigned all = (1u << review_nsets(r)) - 1, sets = review_sets(r, i);
    if (review_is_trade(&r->lines[i]))
        return SETS_MAX * (all + 1) + 1;
    unsigned first = 0;
    while (!(sets >> first & 1))
        first++;
    return sets == all ? 0 : first * (all + 1) + sets;
}

static void group_lines(struct review *r)
{
    for (int i = 1; i < r->n; i++)
        for (int j = i; j > 0 && place_of(r, j) < place_of(r, j - 1); j--) {
            struct review_line line = r->lines[j];
            r->lines[j] = r->lines[j - 1];
            r->lines[j - 1] = line;
        }
}

void guard_review(const struct proposal *p, const struct server_facts *f,
                  const struct guard_policy *g, struct review *r)
{
    r->proposal = *p;
    r->proposal.nsets = p->nsets < 0 ? 0 : p->nsets > SETS_MAX ? SETS_MAX : p->nsets;
    r->n = p->n < 0 ? 0 : p->n > CHANGES_MAX ? CHANGES_MAX : p->n;
    r->cursor = 0;
    r->done = false;
    memset(r->lines, 0, sizeof r->lines);
    for (int i = 0; i < r->n; i++) {
        struct review_line *line = &r->lines[i];
        line->change = p->changes[i];
        guard_line(line, f, g);
        if (!g->disabled && stands_above(r, i)) {
            review_refuse(line, REFUSE_DUPLICATE, "%s stands above already", line->change.name);
            line->sql[0] = line->undo[0] = '\0';
        }
    }
    group_lines(r);
    guard_bill(r, f, g);
}

/* ---- the bill ---- */

bool review_billable(const struct review_line *line, bool accepted)
{
    if (line->refusal != REFUSE_NONE && !line->by_bill)
        return false;
    return accepted ? line->answer == ANSWER_ACCEPT : line->answer == ANSWER_NONE;
}

/* What one alternative is billed with. */
struct billing {
    struct review *r;
    const struct server_facts *f;
    const struct guard_policy *g;
    double room;
    unsigned set; /* its bit */
    bool *misfit; /* of each line: it did not fit into this one or one before */
};

/* Adds to *t the lines of one kind in their order. A line that lowers the figure counts only when it is accepted:
 * nobody may rely on what may not come. */
static void bill_lines(const struct billing *b, struct bill_terms *t, bool accepted, bool raising)
{
    for (int i = 0; i < b->r->n; i++) {
        struct review_line *line = &b->r->lines[i];
        struct bill_terms then = *t;
        if (b->misfit[i] || !review_billable(line, accepted) || !(review_sets(b->r, i) & b->set))
            continue;
        bill_terms_line(&then, line, b->f);
        double change = bill_measured(&then, b->g) - bill_measured(t, b->g);
        if ((change > 0) != raising)
            continue;
        if (change > 0 && bill_measured(&then, b->g) > b->room && !b->g->disabled) {
            refuse_bill(line, bill_measured(&then, b->g), bill_memory(b->f), bill_peak(b->g));
            line->by_bill = b->misfit[i] = true;
            continue;
        }
        if (accepted || raising)
            *t = then;
    }
}

/* With every line of the alternative that fits in force. */
static double bill_of_all(const struct billing *b, const struct bill_terms *now)
{
    struct bill_terms then = *now;
    for (int i = 0; i < b->r->n; i++) {
        struct review_line *line = &b->r->lines[i];
        bool comes = review_billable(line, true) || review_billable(line, false);
        if (comes && !b->misfit[i] && (review_sets(b->r, i) & b->set))
            bill_terms_line(&then, line, b->f);
    }
    return bill_measured(&then, b->g);
}

static void bill_set(const struct billing *b, const struct bill_terms *now)
{
    struct memory_bill *bill = &b->r->bill;
    struct bill_terms then = *now;
    bill_lines(b, &then, true, false);
    bill_lines(b, &then, true, true);
    if (!(bill->new_measured > bill_measured(&then, b->g))) {
        bill->new_measured = bill_measured(&then, b->g);
        bill->peak = bill_sessions(&then, b->g);
    }
    bill->new_worst = fmax(bill->new_worst, bill_worst(&then));
    bill_lines(b, &then, false, false);
    bill_lines(b, &then, false, true);
    bill->most = fmax(bill->most, bill_measured(&then, b->g));
    bill->all = fmax(bill->all, bill_of_all(b, now));
}

void guard_bill(struct review *r, const struct server_facts *f, const struct guard_policy *g)
{
    struct bill_terms now;
    bool misfit[CHANGES_MAX] = {false};
    bill_terms_read(&now, f);
    double measured = bill_measured(&now, g);
    double memory = bill_memory(f);
    r->bill = (struct memory_bill){.ram = memory,
                                   .now_worst = bill_worst(&now),
                                   .now_measured = measured,
                                   .known = !isnan(memory)};
    struct billing b = {.r = r, .f = f, .g = g, .misfit = misfit};
    b.room = isnan(memory) ? INFINITY : bill_room(f, measured);
    for (int s = 0; s < review_nsets(r); s++) {
        b.set = 1u << s;
        bill_set(&b, &now);
    }
    if (!g->disabled)
        os_guard_bill(r, f, misfit);
    for (int i = 0; i < r->n; i++) {
        struct review_line *line = &r->lines[i];
        if (misfit[i] || !line->by_bill || !review_billable(line, line->answer == ANSWER_ACCEPT))
            continue;
        line->by_bill = false;
        line->refusal = REFUSE_NONE;
        line->reason[0] = '\0';
    }
}

uint64_t guard_joins(const struct review *r, const struct server_facts *f,
                     const struct guard_policy *g)
{
    struct bill_terms now;
    bill_terms_read(&now, f);
    double measured = bill_measured(&now, g);
    double room = isnan(bill_memory(f)) ? INFINITY : bill_room(f, measured);
    uint64_t joins = 0;
    for (unsigned m = 0; m < 1u << SETS_MAX; m++) {
        struct bill_terms then = now;
        for (int i = 0; i < r->n; i++)
            if (r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_ACCEPT &&
                (review_sets(r, i) & m))
                bill_terms_line(&then, &r->lines[i], f);
        double need = bill_measured(&then, g);
        if (g->disabled || ((need <= room || need <= measured) && os_guard_joins(r, m, f)))
            joins |= UINT64_C(1) << m;
    }
    return joins;
}

bool review_is_trade(const struct review_line *line)
{
    const struct knob *k = knob_find(line->change.name);
    if (line->refusal != REFUSE_NONE)
        return line->refusal == REFUSE_DURABILITY;
    return k && (k->flags & KNOB_DURABILITY) && !danger_repaired(k->name, line->to);
}

void review_accept_safe(struct review *r, bool restarts)
{
    for (int i = 0; i < r->n; i++) {
        struct review_line *line = &r->lines[i];
        if (line->refusal == REFUSE_NONE && line->answer == ANSWER_NONE &&
            (restarts || !line->restart) && !review_is_trade(line) && !review_is_os(line))
            line->answer = ANSWER_ACCEPT;
    }
}

bool review_is_os(const struct review_line *line)
{
    return os_is(line->change.name);
}

void review_accept_os(struct review *r, bool restarts)
{
    for (int i = 0; i < r->n; i++) {
        struct review_line *line = &r->lines[i];
        if (line->refusal == REFUSE_NONE && line->answer == ANSWER_NONE &&
            (restarts || !line->restart) && review_is_os(line))
            line->answer = ANSWER_ACCEPT;
    }
}

int review_accepted(const struct review *r)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        n += r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_ACCEPT;
    return n;
}

bool review_complete(const struct review *r)
{
    for (int i = 0; i < r->n; i++)
        if (r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_NONE)
            return false;
    return true;
}

bool review_restarts(const struct review *r)
{
    for (int i = 0; i < r->n; i++)
        if (r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_ACCEPT &&
            r->lines[i].restart)
            return true;
    return false;
}
