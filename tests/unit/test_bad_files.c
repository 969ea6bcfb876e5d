/*
 * The files of a workspace as a damaged disk gives them back: cut at every byte, with bits turned over, nested without end,
 * with numbers that are too large. Each is read as what it was or refused in three sentences that name the file; nothing
 * of a refused one is used, and the journal never loses a setting without saying so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "full_session.h"
#include "pgd/workspace/store.h"

static struct workspace workspace;
static struct session session;
static struct journal_state state;

/* Reads one file; false and *e when it was refused. */
typedef bool (*read_fn)(const char *text, size_t len, struct err *e);

static bool read_session(const char *text, size_t len, struct err *e)
{
    bool ok = store_session_parse(text, len, &session, e);

    if (!ok)
        assert_true(session.name[0] == '\0' && session.ledger.n == 0 && session.nhistory == 0);
    session_reset(&session);
    return ok;
}

static bool read_index(const char *text, size_t len, struct err *e)
{
    bool ok = store_index_parse(text, len, &workspace, e);

    if (!ok)
        assert_int_equal(workspace.nsessions, 0);
    return ok;
}

static bool read_workspace(const char *text, size_t len, struct err *e)
{
    struct identity id;

    return store_workspace_parse(text, len, &id, e);
}

static bool read_journal(const char *text, size_t len, struct err *e)
{
    return store_journal_replay(text, len, &state, e);
}

static struct file {
    const char *name;
    read_fn read;
    struct buf text;
} files[4];

static const char journal[] =
    "{\"event\":\"intent\",\"no\":1,\"arm\":\"round 1\",\"restart\":false,\"items\":["
    "{\"name\":\"work_mem\",\"before\":{\"present\":false,\"value\":null},"
    "\"to\":{\"present\":true,\"value\":\"16MB\"}}],\"undo\":[],\"at\":null}\n"
    "{\"event\":\"applied\",\"no\":2,\"intent\":1,\"restarted\":false}\n"
    "{\"event\":\"bench\",\"run\":1,\"arm\":\"round 1\",\"valid\":true,\"tps\":1000}\n"
    "{\"event\":\"intent\",\"no\":3,\"arm\":\"round 2\",\"restart\":true,\"items\":["
    "{\"name\":\"work_mem\",\"before\":{\"present\":true,\"value\":\"16MB\"},"
    "\"to\":{\"present\":true,\"value\":\"64MB\"}},"
    "{\"name\":\"shared_buffers\",\"before\":{\"present\":true,\"value\":\"1GB\"},"
    "\"to\":{\"present\":true,\"value\":\"6GB\"}}],\"undo\":[],\"at\":null}\n"
    "{\"event\":\"undone\",\"no\":4,\"intent\":3,\"reason\":\"x\"}\n";

static int write_files(void **st)
{
    struct session *s = full_session();
    struct model *m = xcalloc(1, sizeof *m);

    (void)st;
    model_init(m);
    snprintf(m->server.id.system_identifier, sizeof m->server.id.system_identifier, "42");
    m->server.id.version_num = 150018;
    for (int i = 0; i < 2; i++)
        store_session_row(s, session_rows_add(&workspace, i));
    files[0] = (struct file){"session.json", read_session, {0}};
    store_session_json(s, &files[0].text);
    files[1] = (struct file){"index.json", read_index, {0}};
    store_index_json(&workspace, &files[1].text);
    files[2] = (struct file){"workspace.json", read_workspace, {0}};
    store_workspace_json(m, &files[2].text);
    files[3] = (struct file){"journal.jsonl", read_journal, {0}};
    buf_puts(&files[3].text, journal);
    model_clear(m);
    free(m);
    full_session_free(s);
    return 0;
}

static int drop_files(void **st)
{
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        buf_clear(&files[i].text);
    return 0;
}

static void refused_well(const struct file *f, const struct err *e, size_t at)
{
    if ((e->code != ERR_FORMAT && e->code != ERR_REFUSED) || !e->msg[0])
        fail_msg("%s at %zu: %d %s", f->name, at, (int)e->code, e->msg);
    if (f->read != read_index && (!e->detail[0] || !e->hint[0]))
        fail_msg("%s at %zu: \"%s\" is not three sentences", f->name, at, e->msg);
    if (!strstr(e->msg, f->name) && !strstr(e->detail, f->name) && !strstr(e->msg, "field"))
        fail_msg("%s at %zu: not named in \"%s\" \"%s\"", f->name, at, e->msg, e->detail);
}

static bool read_copy(const struct file *f, const char *text, size_t len, size_t at)
{
    struct err e = {0};
    char *copy = xmalloc(len ? len : 1); /* of exactly its size: a read beyond it is seen */

    memcpy(copy, text, len);
    bool ok = f->read(copy, len, &e);
    free(copy);
    if (!ok)
        refused_well(f, &e, at);
    return ok;
}

static void whole_files_are_read(void **st)
{
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_true(read_copy(&files[i], files[i].text.data, files[i].text.len, 0));
}

/* The three that are saved whole are refused wherever they end early; only the newline at the end may go. */
static void a_file_cut_anywhere_is_refused(void **st)
{
    (void)st;
    for (size_t i = 0; i < 3; i++)
        for (size_t n = 0; n + 1 < files[i].text.len; n++)
            if (read_copy(&files[i], files[i].text.data, n, n))
                fail_msg("%s of %zu bytes is taken for whole", files[i].name, n);
}

/* A journal cut anywhere is one whose last line was never written. */
static void a_journal_cut_anywhere_says_what_its_lines_say(void **st)
{
    (void)st;
    for (size_t n = 0; n <= sizeof journal - 1; n++) {
        struct journal_state cut;
        size_t lines = n;
        while (lines > 0 && journal[lines - 1] != '\n')
            lines--;
        assert_true(read_copy(&files[3], journal, n, n));
        cut = state;
        assert_true(read_copy(&files[3], journal, lines, n));
        assert_memory_equal(&cut, &state, sizeof cut);
    }
}

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

/* Bits turned over: it is read or refused, and what is read can be written and read again. */
static void turned_bits_are_read_or_refused(void **st)
{
    (void)st;
    random_state = 20261123;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *text = xstrndup(files[i].text.data, files[i].text.len);
        for (int k = 0; k < 3000; k++) {
            uint32_t at[3];
            int n = (int)draw(3) + 1;
            for (int j = 0; j < n; j++) {
                at[j] = draw((uint32_t)files[i].text.len);
                text[at[j]] = (char)(text[at[j]] ^ (1 << draw(8)));
            }
            (void)read_copy(&files[i], text, files[i].text.len, at[0]);
            for (int j = 0; j < n; j++)
                text[at[j]] = files[i].text.data[at[j]];
        }
        free(text);
    }
}

/* One bit in the words that carry the meaning does not make an unfinished switch disappear unseen. */
static void an_index_whose_list_has_another_name_is_refused(void **st)
{
    static const char other[] = "{\"format\": 1, \"sfssions\": []}\n";

    (void)st;
    assert_false(read_copy(&files[1], other, sizeof other - 1, 0));
}

static void deep_nesting_is_refused(void **st)
{
    enum { DEEP = 200000 };
    char *text = xmalloc(DEEP + 32);

    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        memset(text, i % 2 ? '[' : '{', DEEP);
        text[DEEP] = '\n';
        assert_false(read_copy(&files[i], text, DEEP + 1, i));
        int n = snprintf(text, 32, "{\"format\":1,\"sessions\":");
        memset(text + n, '[', DEEP);
        text[DEEP + n] = '\n';
        assert_false(read_copy(&files[i], text, (size_t)(DEEP + n + 1), i));
    }
    free(text);
}

static void huge_numbers_are_refused(void **st)
{
    static const char *const numbers[] = {
        "1e999", "-1e999", "123456789012345678901234567890", "-9223372036854775809", "1e308",
        "-1",    "0.5"};
    static const char *const fields[] = {"\"rounds_done\"", "\"journal_no\"", "\"misses\""};

    (void)st;
    for (size_t f = 0; f < ARRAY_LEN(fields); f++)
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
            const char *text = buf_text(&files[0].text), *at = strstr(text, fields[f]);
            struct buf b = {0};
            assert_non_null(at);
            at += strlen(fields[f]) + strspn(at + strlen(fields[f]), ": ");
            buf_append(&b, text, (size_t)(at - text));
            buf_puts(&b, numbers[i]);
            buf_puts(&b, at + strcspn(at, ",\n"));
            if (read_copy(&files[0], b.data, b.len, i))
                fail_msg("%s %s is taken", fields[f], numbers[i]);
            buf_clear(&b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_are_read),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_journal_cut_anywhere_says_what_its_lines_say),
        cmocka_unit_test(turned_bits_are_read_or_refused),
        cmocka_unit_test(an_index_whose_list_has_another_name_is_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(huge_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, write_files, drop_files);
}
