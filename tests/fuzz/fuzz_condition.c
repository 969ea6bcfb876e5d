/* The filter of a scan and the text of a statement, from which columns of an index are read: both hold whatever a query says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/condition.h"
#include "pgd/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct condition *c)
{
    condition_sort(c);
    if (c->n < 1 || c->n > CONDITION_MAX)
        abort();
    for (int i = 0; i < c->n; i++)
        if (!c->columns[i].name[0] ||
            !memchr(c->columns[i].name, '\0', sizeof c->columns[i].name) ||
            (i > 0 && c->columns[i].equal && !c->columns[i - 1].equal))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    struct condition c;

    if (condition_of_filter(text, &c))
        judge(&c);
    if (condition_of_statement(text, &c)) {
        if (!c.table[0])
            abort();
        judge(&c);
    }
    free(text);
    return 0;
}
