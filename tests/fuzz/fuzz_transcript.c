/* conversation.jsonl of any bytes: lines that make sense are told, the others passed over; what is told and written again is read as it
 * was, and as a part of the report it has no character that a terminal obeys. */
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/base/text.h"
#include "pgd/workspace/transcript.h"

struct told {
    int n;
    struct buf lines; /* the same, written again */
};

static void said(void *arg, const struct transcript_line *l)
{
    struct told *t = arg;

    REQUIRE(l->who[0] && l->text[0] && l->where && l->op);
    t->n++;
    transcript_put(l, &t->lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told once = {0}, twice = {0};
    struct buf report = {0};
    int n = transcript_read((const char *)data, size, said, &once);

    REQUIRE(n == once.n && n >= 0);
    /* Secrets are struck out when a line is written: the second reading has none left, and is the last that differs. */
    REQUIRE(transcript_read(buf_text(&once.lines), once.lines.len, said, &twice) == n);
    REQUIRE(once.lines.len == twice.lines.len &&
            memcmp(buf_text(&once.lines), buf_text(&twice.lines), once.lines.len) == 0);
    transcript_report("Balanced_01012026-000000", (const char *)data, size, &report);
    REQUIRE((report.len > 0) == (n > 0));
    for (size_t i = 0; i < report.len;) {
        uint32_t rune;
        i += text_decode(buf_text(&report) + i, report.len - i, &rune);
        REQUIRE(rune == '\n' || text_rune_safe(rune));
    }
    buf_clear(&report);
    buf_clear(&once.lines);
    buf_clear(&twice.lines);
    return 0;
}
