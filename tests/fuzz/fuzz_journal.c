/* A journal of unknown origin: replayed or refused with the line's number, and what it leaves can always be
 * undone by statements that are one line each. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/workspace/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct journal_state s;
    struct err e = {0};
    struct buf sql = {0};

    if (!store_journal_replay((const char *)data, size, &s, &e)) {
        if (e.code != ERR_FORMAT || strncmp(e.msg, "line ", 5) != 0 || !e.hint[0])
            abort();
        return 0;
    }
    if (s.ledger.n > LEDGER_MAX || s.applied + s.undone + s.intents < 0)
        abort();
    if (s.unfinished && s.intents == 0)
        abort();
    ledger_undo_sql(&s.ledger, &sql);
    if (!s.ledger.lost && (sql.len == 0) != ledger_clean(&s.ledger))
        abort();
    buf_clear(&sql);
    return 0;
}
