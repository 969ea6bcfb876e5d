/* Records from JSON of unknown origin. What is accepted can be written and read again, and is
 * then the same text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/protocol/json_records.h"
#include "pgd/protocol/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct err *e)
{
    if (e->code != ERR_FORMAT || e->msg[0] == '\0')
        abort();
}

#define ROUND_TRIP(record, j)                       \
    do {                                            \
        static struct record one, two;              \
        struct err e = {0};                         \
        if (!json_to_##record(j, &one, &e)) {       \
            check_error(&e);                        \
            break;                                  \
        }                                           \
        json_t *written = json_from_##record(&one); \
        if (!json_to_##record(written, &two, &e))   \
            abort();                                \
        json_t *again = json_from_##record(&two);   \
        if (!json_equal(written, again))            \
            abort();                                \
        json_decref(written);                       \
        json_decref(again);                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err why = {0};
    json_t *j = js_parse((const char *)data, size, &why);
    if (j) {
        ROUND_TRIP(sdl, j);
        ROUND_TRIP(proposal, j);
        ROUND_TRIP(first_sight, j);
        ROUND_TRIP(verdict, j);
        ROUND_TRIP(target, j);
        ROUND_TRIP(conclusion, j);
        json_decref(j);
    } else {
        check_error(&why);
    }

    char *text = xstrndup((const char *)data, size);
    struct buf out = {0};
    struct line *l = line_new("fuzz");
    line_text(l, "text", text);
    line_finish(l, &out);
    j = js_parse(out.data, out.len, &why);
    if (!json_is_string(json_object_get(j, "text")) || memchr(out.data, '\n', out.len))
        abort();
    json_decref(j);
    buf_clear(&out);
    free(text);
    return 0;
}
