/* session.json, index.json and workspace.json of unknown origin. What is accepted can be written and read
 * again, is then the same text, and gives a report and a fragment. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/workspace/advice_notes.h"
#include "pgd/workspace/export.h"
#include "pgd/workspace/lessons.h"
#include "pgd/workspace/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* REFUSED: of a newer format. */
static void check_error(const struct err *e)
{
    if ((e->code != ERR_FORMAT && e->code != ERR_REFUSED) || e->msg[0] == '\0' ||
        e->hint[0] == '\0')
        abort();
}

/* Every line of the fragment is empty, a comment, or one setting in quotes. */
static void check_conf(const char *p)
{
    while (*p) {
        size_t len = strcspn(p, "\n");
        if (len > 0 && *p != '#' && !(p[len - 1] == '\'' && memchr(p, '=', len)))
            abort();
        p += len + (p[len] == '\n');
    }
}

static void session(const char *text, size_t size, struct session *s)
{
    static struct model m;
    const struct session *list[] = {s, s};
    struct buf one = {0}, two = {0};
    struct err e = {0};

    if (!store_session_parse(text, size, s, &e)) {
        check_error(&e);
        return;
    }
    store_session_json(s, &one);
    if (!store_session_parse(one.data, one.len, s, &e))
        abort();
    store_session_json(s, &two);
    if (strcmp(buf_text(&one), buf_text(&two)) != 0)
        abort();
    two.len = 0;
    export_report(&m, list, 2, &two);
    two.len = 0;
    export_conf(&m, list, 2, &two);
    check_conf(buf_text(&two));
    session_reset(s);
    buf_clear(&one);
    buf_clear(&two);
}

/* What is read is bounded, is nothing that no advisor may change, and is the same when it is written and read again. */
static void lessons(const char *text, size_t size)
{
    static struct workspace one, two;
    struct buf said = {0};
    json_t *j, *k;

    store_workspace_lessons(text, size, &one);
    for (int i = 0; i < one.nlessons; i++)
        for (int n = 0; n < one.lessons[i].n; n++)
            if (one.lessons[i].n > LESSONS_MAX || !knob_find(one.lessons[i].items[n].name) ||
                knob_find(one.lessons[i].items[n].name)->flags & KNOB_DURABILITY)
                abort();
    j = lessons_of_workspace(&one);
    lessons_read(j, &two);
    k = lessons_of_workspace(&two);
    if (one.nlessons > LESSON_BOOKS_MAX || !json_equal(j, k))
        abort();
    lessons_text(one.nlessons > 0 ? &one.lessons[0] : NULL, &said);
    buf_clear(&said);
    json_decref(j);
    json_decref(k);
}

/* Bounded, each statement once with a mark, and the same when it is written and read again. */
static void advice(const char *text, size_t size)
{
    static struct workspace one, two;
    json_t *j, *k;

    (void)store_workspace_advice(text, size, &(struct identity){0}, &one);
    if (one.nadvice < 0 || one.nadvice > ADVICE_NOTES_MAX)
        abort();
    for (int i = 0; i < one.nadvice; i++) {
        if (!one.advice[i].statement[0] || one.advice[i].mark == ADVICE_OPEN)
            abort();
        for (int n = 0; n < i; n++)
            if (strcmp(one.advice[i].statement, one.advice[n].statement) == 0)
                abort();
    }
    j = advice_notes_json(&one);
    advice_notes_read(j, &two);
    k = advice_notes_json(&two);
    if (!json_equal(j, k))
        abort();
    json_decref(j);
    json_decref(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session s;
    static struct workspace w;
    static struct server_facts f;
    struct identity id;
    struct err e = {0};
    const char *text = (const char *)data;

    session(text, size, &s);
    if (!store_index_parse(text, size, &w, &e) && (e.code == ERR_NONE || w.nsessions != 0))
        abort();
    if (!store_workspace_parse(text, size, &id, &e))
        check_error(&e);
    if (!store_workspace_facts(text, size, &f, &e))
        check_error(&e);
    server_facts_clear(&f);
    lessons(text, size);
    advice(text, size);
    return 0;
}
