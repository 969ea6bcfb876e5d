/* How long the loop thread stands still while a packet is built and an answer read, in a world where every list is full: the bar of a key
 * on its way to the screen is 8 ms, of which a packet may take 4. Prints milliseconds of the thread's own CPU time, as the loop
 * counts its stalls, so that a busy machine changes little; the slowest and the middle of RUNS; a mask that knows the names already,
 * as in the second and every later question of a session. */
#include <time.h>

#include "builtin_world.h"
#include "pgd/agent/ops.h"
#include "pgd/agent/packet.h"
#include "pgd/base/buf.h"
#include "pgd/base/text.h"

enum { RUNS = 40 };

static struct world *w;
static struct wishes wishes;
static struct op_input in;
static struct evidence *e;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static char *words(size_t size)
{
    static const char *const some[] = {"the",
                                       "orders of 'Erika Vogel'",
                                       "db1.shop.example",
                                       "spill",
                                       "10.2.3.4",
                                       "checkpoint_timeout",
                                       "1234567",
                                       "SELECT total FROM orders",
                                       "because",
                                       "table_12",
                                       "erika@shop.example",
                                       "12.5 ms"};
    struct buf b = {0};
    for (size_t i = 0; b.len + 40 < size; i++)
        buf_printf(&b, "%s%s", some[i * 7 % ARRAY_LEN(some)], i % 9 == 8 ? "\n" : " ");
    return buf_take(&b);
}

#define FILL(member, ...) snprintf(member, sizeof(member), __VA_ARGS__)

static void fill_server(struct server_facts *f)
{
    f->ndatabases = DATABASES_MAX;
    for (int i = 0; i < DATABASES_MAX; i++) {
        FILL(f->databases[i].name, "database_of_customer_%d", i);
        f->databases[i].bytes = 1e9;
    }
    f->nrelations = RELATIONS_MAX;
    for (int i = 0; i < RELATIONS_MAX; i++) {
        FILL(f->relations[i].schema, "schema_%d", i % 5);
        FILL(f->relations[i].name, "table_%d", i);
        f->relations[i].kind = 'r';
        f->relations[i].bytes = f->relations[i].tuples = 1e9 - i;
    }
    f->nindexes = f->ntables = USES_MAX;
    for (int i = 0; i < USES_MAX; i++) {
        struct index_facts *x = &f->indexes[i];
        FILL(x->schema, "schema_%d", i % 5);
        FILL(x->table, "table_%d", i);
        FILL(x->name, "index_%d_on_a_table", i);
        FILL(x->definition,
             "CREATE INDEX index_%d_on_a_table ON schema_%d.table_%d USING btree (customer, "
             "lower(name), (total * 2)) WHERE state = 'open' AND total > 1000 AND region IN "
             "('north', 'south', 'east', 'west')",
             i, i % 5, i);
        FILL(f->tables[i].schema, "schema_%d", i % 5);
        FILL(f->tables[i].name, "table_%d", i);
        FILL(f->tables[i].options, "fillfactor=90,autovacuum_vacuum_scale_factor=0.02");
    }
    f->noverrides = OVERRIDES_MAX;
    for (int i = 0; i < OVERRIDES_MAX; i++) {
        FILL(f->overrides[i].name, "work_mem");
        FILL(f->overrides[i].value, "64MB");
        FILL(f->overrides[i].role, "application_role_%d", i);
        FILL(f->overrides[i].database, "database_of_customer_%d", i);
    }
}

static void fill_session(void)
{
    static struct plan_facts plans[PLANS_MAX];
    static struct round_history history[HISTORY_MAX];
    static struct rejected_change rejected[64];
    for (int i = 0; i < PLANS_MAX; i++) {
        plans[i] = w->plans[0];
        plans[i].valid = true;
        FILL(plans[i].script, "script_%d.sql", i % 8);
        FILL(plans[i].query,
             "SELECT sum(total) FROM schema_%d.table_%d WHERE name = 'x' AND id = %d", i % 5, i,
             i * 1000);
        FILL(plans[i].seq_scan_rel, "table_%d", i);
        FILL(plans[i].seq_scan_filter, "((state = 'open'::text) AND (total > %d))", i * 100);
    }
    for (int r = 0; r < HISTORY_MAX; r++) {
        struct round_history *h = &history[r];
        h->number = r + 1;
        h->n = 16;
        for (int i = 0; i < h->n; i++) {
            FILL(h->changes[i].name, "setting_%d", i);
            FILL(h->changes[i].value, "%dMB", i + r);
            FILL(h->changes[i].evidence, "%d temporary files of 'a' on table_%d", i * 10, i);
        }
    }
    for (int i = 0; i < 64; i++) {
        FILL(rejected[i].name, "setting_%d", i);
        FILL(rejected[i].value, "%dMB", i);
    }
    e->plans = plans;
    e->nplans = PLANS_MAX;
    e->history = history;
    e->nhistory = HISTORY_MAX;
    e->rejected = rejected;
    e->nrejected = 64;
}

static void fill_asked(void)
{
    static char scripts[SCRIPTS_MAX][SCRIPT_TOLD_MAX];
    static struct asked_fact facts[FACTS_MAX];
    static struct session_told sessions[SESSIONS_TOLD_MAX];
    char *text = words(sizeof wishes.text);
    text_copy_raw(wishes.text, sizeof wishes.text, text);
    for (wishes.nnever = 0; wishes.nnever < NEVER_MAX; wishes.nnever++)
        FILL(wishes.never[wishes.nnever], "setting_never_%d", wishes.nnever);
    for (wishes.nsaid = 0; wishes.nsaid < 8; wishes.nsaid++)
        text_copy_raw(wishes.said[wishes.nsaid], sizeof wishes.said[0], text);
    w->plan.nscripts = SCRIPTS_MAX;
    for (int i = 0; i < SCRIPTS_MAX; i++)
        text_copy_raw(scripts[i], sizeof scripts[i], text);
    for (int i = 0; i < FACTS_MAX; i++) {
        FILL(facts[i].name, "table schema_1.table_%d", i);
        facts[i].text = words(FACT_TEXT_MAX);
    }
    for (int i = 0; i < SESSIONS_TOLD_MAX; i++) {
        struct session_told *s = &sessions[i];
        FILL(s->name, "Balanced_01022026-%06d", i);
        text_copy_raw(s->hypothesis, sizeof s->hypothesis, text);
        s->nchanges = s->nfailed = 16;
        for (int k = 0; k < 16; k++) {
            FILL(s->changes[k].name, "setting_%d", k);
            FILL(s->changes[k].value, "%dMB", k);
            FILL(s->changes[k].evidence, "%d temporary files of 'a' on table_%d", k * 10, k);
            s->failed[k] = s->changes[k];
        }
    }
    in.wishes = &wishes;
    in.scripts = (const char(*)[SCRIPT_TOLD_MAX])scripts;
    in.nfacts = FACTS_MAX;
    in.facts = facts;
    in.nsessions = SESSIONS_TOLD_MAX;
    in.sessions = sessions;
    in.question = words(ASKED_TEXT_MAX);
    in.on_screen = words(6000);
    in.where = "review of the proposal of round 2";
    free(text);
}

static int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

static void report(const char *what, double *ms)
{
    qsort(ms, RUNS, sizeof *ms, by_value);
    printf("%-28s %6.2f ms, %6.2f ms at the most\n", what, ms[RUNS / 2], ms[RUNS - 1]);
}

static void build(enum op op, struct mask *mask, const char *what)
{
    double ms[RUNS];
    size_t bytes = 0;
    char name[64];
    for (int i = mask ? -1 : 0; i < RUNS; i++) { /* the first with a mask is a first question */
        struct packet p;
        struct mask *fresh = mask ? mask : mask_new(PRIVACY_REDACTED);
        double from = now_ms();
        packet_build(op, &in, &(struct packet_options){.mask = fresh, .nonce = "5eed"}, &p);
        if (i >= 0)
            ms[i] = now_ms() - from;
        bytes = strlen(p.user);
        packet_clear(&p);
        if (!mask)
            mask_free(fresh);
    }
    snprintf(name, sizeof name, "%s, %zu kB", what, bytes / 1024);
    report(name, ms);
}

static void read_answer(size_t size)
{
    double ms[RUNS];
    struct buf b = {0};
    char name[64];
    buf_puts(&b, "{\"text\":\"");
    while (b.len < size)
        buf_puts(&b, "an answer that does not end, ");
    buf_puts(&b, "\",\"figures\":[],\"confidence\":50}");
    for (int i = 0; i < RUNS; i++) {
        struct op_answer *a = xcalloc(1, sizeof *a);
        struct err err = {0};
        double from = now_ms();
        (void)op_read(OP_QUESTION, &in, buf_text(&b), b.len, a, &err);
        ms[i] = now_ms() - from;
        free(a);
    }
    snprintf(name, sizeof name, "an answer of %zu kB", b.len / 1024);
    report(name, ms);
    buf_clear(&b);
}

int main(void)
{
    struct mask *known = mask_new(PRIVACY_REDACTED), *strict = mask_new(PRIVACY_STRICT);
    w = world_new();
    e = &w->e;
    in.e = e;
    build(OP_QUESTION, known, "an ordinary world");
    fill_server(&w->f);
    fill_session();
    fill_asked();
    build(OP_QUESTION, NULL, "the first question");
    build(OP_QUESTION, known, "a later one");
    build(OP_QUESTION, strict, "a later one, strict");
    build(OP_CONFLICTS, known, "a merged report");
    build(OP_ANALYZE, known, "an analysis");
    read_answer(4 * 1024);
    read_answer(64 * 1024);
    read_answer(511 * 1024);
    read_answer(5 * 1024 * 1024);
    return 0;
}
