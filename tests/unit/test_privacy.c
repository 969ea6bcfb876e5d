/* What must not leave: a seeded set of literals, secrets and names, through every kind of text and every operation's packet, at
 * every level. */
#include "builtin_world.h"
#include "pgd/agent/packet.h"
#include "pgd/agent/wishes.h"
#include "pgd/base/text.h"

#define SAY_TEXT(dst, src) text_copy(dst, sizeof(dst), src)

/* Literals and secrets: never at REDACTED or STRICT. The keys at no level. */
#define LITERAL "Kanariensingh"
#define CARD "4929118273645012"
#define NUMBER "918273645"
#define EMAIL "erika.vogel@kanarie.example"
#define HOST "dbprod07.kanarie.example"
#define ADDRESS "10.77.13.201"
#define ROLE "vogelrolle"
#define DATABASE "vogeldb"
#define KEY "AQ.Ab8RNkanarienschluessel"
#define PASSWORD "g3heimerVogel"
/* Identifiers: not at STRICT. */
#define TABLE "kanarien_bestand"
#define COLUMN "federfarbe"
#define INDEX "kanarien_bestand_idx"

static const char *const keys[] = {KEY, PASSWORD};
static const char *const literals[] = {LITERAL, CARD, NUMBER, EMAIL, HOST, ADDRESS, ROLE, DATABASE};
static const char *const names[] = {TABLE, COLUMN, INDEX};

static const char query[] = "SELECT " COLUMN " FROM " TABLE " WHERE a = '" LITERAL
                            "' AND b = " NUMBER " AND c = $q$" CARD "$q$ -- " LITERAL "\n/* " EMAIL
                            " /* x */ */";
static const char log_text[] = "2026-11-23 09:00:00 UTC [7] " ROLE "@" DATABASE " " ADDRESS
                               " ERROR:  duplicate key value violates unique constraint \"" INDEX
                               "\"\n2026-11-23 09:00:00 UTC [7] DETAIL:  Key (" COLUMN ")=(" LITERAL
                               ") already exists.\n"
                               "2026-11-23 09:00:00 UTC [7] STATEMENT:  insert into " TABLE
                               " values ('" LITERAL "',\n\t" NUMBER ")\n"
                               "FATAL:  password authentication failed for user \"" ROLE "\"\n"
                               "connection to server at \"" HOST "\" (" ADDRESS
                               "), port 5432 failed\n"
                               "postgres://" ROLE ":" PASSWORD "@" HOST "/" DATABASE
                               " PGPASSWORD=" PASSWORD "\n";
static const char question[] = "why is " TABLE "." COLUMN " = '" LITERAL "' slow? card " CARD
                               ", ask " EMAIL " at " ADDRESS ", key " KEY
                               ", my password is " PASSWORD;

static void lacks(const char *text, const char *const *list, size_t n, const char *where)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, list[i]))
            fail_msg("%s holds %s: %s", where, list[i], strstr(text, list[i]));
}

static void masked(enum privacy level, char kind, const char *text, struct buf *out)
{
    struct mask *m = mask_new(level);
    mask_know(m, ALIAS_DATABASE, DATABASE);
    mask_know(m, ALIAS_USER, ROLE);
    mask_know(m, ALIAS_TABLE, TABLE);
    if (kind == 's')
        mask_sql(m, text, out);
    else
        mask_prose(m, text, out);
    mask_free(m);
}

static void gives(enum privacy level, char kind, const char *text, const char *want)
{
    struct buf out = {0};
    masked(level, kind, text, &out);
    assert_string_equal(buf_text(&out), want);
    buf_clear(&out);
}

static void test_sql(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"select 'a', E'b\\'c', U&'d', B'01', X'ff', N'x', $$e'f$$, $t$ g $t$",
         "select ?, ?, ?, ?, ?, ?, ?, ?"},
        {"select 1, 1.5e-3, .5, 0xff, $1, t4 from a1", "select ?, ?, ?, ?, $1, t4 from a1"},
        {"select a -- 'x\n, b /* c /* d */ e */ from t", "select a , b from t"},
        {"select 'it''s' || 'unended", "select ? || ?"},
        {"select 'ends\\' , secret, 'x'", "select ?"},
        {"select \"Mixed Case\" from \"o\"\"p\"", "select \"Mixed Case\" from \"o\"\"p\""},
        {"create role bob password 'x'; select bob", "create role user2 password ?; select user2"},
        {"grant select on t to ann, bob", "grant select on t to user2, user3"},
        {"copy t from stdin;\n1\tsecret", "copy t from stdin;"},
        {"select a$b$c, foo$1", "select a$b$c, foo$1"},
        {"select host1 from " TABLE, "select name1 from " TABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        gives(PRIVACY_REDACTED, 's', cases[i][0], cases[i][1]);
    gives(PRIVACY_STRICT, 's', "select 1", "");
    gives(PRIVACY_FULL, 's', "alter role a password 'x' -- c", "alter role a password '***' -- c");
}

static void test_prose(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"don't touch the servers' work_mem = 64MB", "don't touch the servers' work_mem = 64MB"},
        {"at 10.1.2.3 and fe80::1, aa:bb:cc:dd:ee:ff", "at address1 and address2, address3"},
        {"ask a.b@c.org or localhost", "ask email1 or localhost"},
        {"host=db9 user=joe dbname=x9", "host=host1 user=user2 dbname=database2"},
        {"relation \"orders\" is not \"this\"", "relation \"orders\" is not \"?\""},
        {"4111 1111 1111 1111 and 5892 TPS", "? and 5892 TPS"},
        {"at 10:00:00 version 15.3, 1073741824 bytes",
         "at 10:00:00 version 15.3, 1073741824 bytes"},
        {"zero\xe2\x80\x8bwidth pass\xe2\x80\x8bword=abc \x1b[31m", "zerowidth password=*** [31m"},
        {"LINE 1: ...secret', 'b'\n  Filter: (a = 'b'::text)", "  Filter: (a = ?::text)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        gives(PRIVACY_REDACTED, 'p', cases[i][0], cases[i][1]);
    gives(PRIVACY_STRICT, 'p', "why is Xylophon slow with work_mem",
          "why is name1 slow with work_mem");
}

static void test_canaries_of_texts(void **state)
{
    (void)state;
    const char *const texts[] = {log_text, question};
    for (int level = PRIVACY_STRICT; level <= PRIVACY_FULL; level++)
        for (size_t i = 0; i < 3; i++) {
            struct buf out = {0};
            masked((enum privacy)level, i == 2 ? 's' : 'p', i == 2 ? query : texts[i], &out);
            lacks(buf_text(&out), keys, ARRAY_LEN(keys), privacy_name((enum privacy)level));
            if (level != PRIVACY_FULL)
                lacks(buf_text(&out), literals, ARRAY_LEN(literals),
                      privacy_name((enum privacy)level));
            if (level == PRIVACY_STRICT)
                lacks(buf_text(&out), names, ARRAY_LEN(names), "strict");
            buf_clear(&out);
        }
}

static void test_reverse(void **state)
{
    (void)state;
    static const char text[] = "host1 and " HOST ", " ROLE " in " DATABASE " at " ADDRESS
                               ", name1, User1";
    struct mask *m = mask_new(PRIVACY_REDACTED);
    mask_know(m, ALIAS_DATABASE, DATABASE);
    mask_know(m, ALIAS_USER, ROLE);
    struct buf once = {0}, again = {0}, back = {0};
    mask_prose(m, text, &once);
    mask_prose(m, text, &again);
    assert_string_equal(buf_text(&once), buf_text(&again));
    mask_reverse(m, buf_text(&once), &back);
    assert_string_equal(buf_text(&back), text);
    buf_clear(&back);
    mask_reverse(m, "user12 xuser1 user1x user1", &back);
    assert_string_equal(buf_text(&back), "user12 xuser1 user1x " ROLE);
    buf_clear(&once);
    buf_clear(&again);
    buf_clear(&back);
    mask_free(m);
}

/* What is wrong with an answer is said in our words, which the model is to understand: at every level. */
static void test_names(void **state)
{
    static const char ours[] =
        "the answer does not fit its schema. \"changes\" is missing or is not a "
        "list of 48 settings; it was cut off at the limit of 8192 tokens";
    (void)state;
    for (int level = PRIVACY_STRICT; level <= PRIVACY_FULL; level++) {
        struct mask *m = mask_new((enum privacy)level);
        struct buf out = {0};
        mask_know(m, ALIAS_DATABASE, DATABASE);
        mask_know(m, ALIAS_USER, ROLE);
        mask_names(m, ours, &out);
        assert_string_equal(buf_text(&out), ours);
        buf_clear(&out);
        mask_names(m, "\"" ROLE "\" of " DATABASE " at " ADDRESS ", for one, is not there", &out);
        if (level == PRIVACY_FULL)
            assert_non_null(strstr(buf_text(&out), ROLE));
        else
            lacks(buf_text(&out), (const char *const[]){ROLE, DATABASE, ADDRESS}, 3, "names");
        assert_non_null(strstr(buf_text(&out), ", for one, is not there"));
        buf_clear(&out);
        mask_free(m);
    }
}

/* Every text that an operation may carry, planted. */
struct plant {
    struct world *w;
    struct wishes wishes;
    struct asked_fact facts[2];
    struct err err;
    struct anomaly anomaly;
    struct session_told told;
    struct op_input in;
};

static void plant(struct plant *p)
{
    memset(p, 0, sizeof *p);
    p->w = world_new();
    struct server_facts *f = &p->w->f;
    SAY_TEXT(f->host.hostname, HOST);
    SAY_TEXT(f->id.role, ROLE);
    SAY_TEXT(f->id.database, DATABASE);
    SAY_TEXT(f->id.server_addr, ADDRESS);
    f->nrelations = 1;
    SAY_TEXT(f->relations[0].schema, "public");
    SAY_TEXT(f->relations[0].name, TABLE);
    f->nindexes = 1;
    SAY_TEXT(f->indexes[0].schema, "public");
    SAY_TEXT(f->indexes[0].table, TABLE);
    SAY_TEXT(f->indexes[0].name, INDEX);
    SAY_TEXT(f->indexes[0].definition,
             "CREATE INDEX " INDEX " ON " TABLE " (" COLUMN ") WHERE x = '" LITERAL "'");
    f->nmissing = 1;
    SAY_TEXT(f->missing[0], "no look at \"" LITERAL "\" on " HOST);
    p->w->e.nplans = 1;
    p->w->e.plans = p->w->plans;
    p->w->plans[0].valid = true;
    SAY_TEXT(p->w->plans[0].query, "SELECT " COLUMN " FROM " TABLE " WHERE a = '" LITERAL "'");
    SAY_TEXT(p->w->plans[0].seq_scan_rel, TABLE);
    SAY_TEXT(p->w->plans[0].seq_scan_filter, "(" COLUMN " = '" LITERAL "'::text)");
    wishes_init(&p->wishes);
    wishes_say(&p->wishes, question);
    p->facts[0] = (struct asked_fact){.name = "statement 1", .text = NULL};
    static char json[1024], lines[2048];
    snprintf(json, sizeof json,
             "{\"query\":\"select '%s'\",\"table\":\"public.%s\",\"text\":\"it's %s\"}", LITERAL,
             TABLE, EMAIL);
    snprintf(lines, sizeof lines, "%s", log_text);
    p->facts[0].text = json;
    p->facts[1] = (struct asked_fact){.name = "table public." TABLE, .text = lines};
    err_set(&p->err, ERR_SQL, "password authentication failed for user \"%s\"", ROLE);
    err_detail(&p->err, "Key (%s)=(%s) on %s.", COLUMN, LITERAL, HOST);
    SAY_TEXT(p->anomaly.label, "WAL");
    SAY_TEXT(p->anomaly.beside, "sessions of " ROLE " from " ADDRESS);
    SAY_TEXT(p->told.hypothesis, TABLE " is scanned for '" LITERAL "'");
    p->in = (struct op_input){.e = &p->w->e,
                              .wishes = &p->wishes,
                              .question = question,
                              .where = "review",
                              .on_screen = log_text,
                              .nfacts = 2,
                              .facts = p->facts,
                              .what = "bench",
                              .err = &p->err,
                              .log = log_text,
                              .anomaly = &p->anomaly,
                              .nsessions = 1,
                              .sessions = &p->told};
}

static void test_canaries_of_packets(void **state)
{
    (void)state;
    struct plant *p = malloc(sizeof *p);
    plant(p);
    for (int level = PRIVACY_STRICT; level <= PRIVACY_FULL; level++)
        for (int op = 0; op < OP_COUNT; op++) {
            struct mask *m = mask_new((enum privacy)level);
            struct packet out;
            packet_build((enum op)op, &p->in, &(struct packet_options){.mask = m, .nonce = "5eed"},
                         &out);
            lacks(out.user, keys, ARRAY_LEN(keys), op_row((enum op)op)->name);
            if (level != PRIVACY_FULL)
                lacks(out.user, literals, ARRAY_LEN(literals), op_row((enum op)op)->name);
            if (level == PRIVACY_STRICT)
                lacks(out.user, names, ARRAY_LEN(names), op_row((enum op)op)->name);
            else
                assert_non_null(strstr(out.user, TABLE));
            packet_clear(&out);
            mask_free(m);
        }
    world_free(p->w);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql),
        cmocka_unit_test(test_prose),
        cmocka_unit_test(test_canaries_of_texts),
        cmocka_unit_test(test_reverse),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_canaries_of_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
