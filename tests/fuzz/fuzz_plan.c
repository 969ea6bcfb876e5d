/* The text of EXPLAIN: it holds whatever a query says. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/discovery/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan_facts p = {.script = "a", .query = "b"};
    char *text = xstrndup((const char *)data, size);
    plan_parse(text, &p);
    free(text);
    if (strcmp(p.script, "a") != 0 || memchr(p.seq_scan_rel, '\0', sizeof p.seq_scan_rel) == NULL ||
        !(p.worst_misestimate >= 1) || !(p.hash_batches >= 1) || p.sort_disk_kb < 0)
        abort();
    return 0;
}
