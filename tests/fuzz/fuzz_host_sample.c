/* The text of /proc and what the host script prints: any bytes, never a crash, never a figure that the
 * screen could not show. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/discovery/discover.h"
#include "pgd/telemetry/procparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_facts(const char *text)
{
    struct host_facts h;
    struct identity id = {0};
    host_facts_parse(text, &h, &id);
    if (memchr(h.hostname, '\0', sizeof h.hostname) == NULL ||
        memchr(id.bindir, '\0', sizeof id.bindir) == NULL || h.cpus < 0 || h.mem_total < 0 ||
        (id.reached && !h.known))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host_sample a = {0}, b = {0};
    struct host_rates r;
    char *text = xstrndup((const char *)data, size);
    fuzz_facts(text);
    free(text);
    /* The second sample is read from the tail of the first one's text. */
    procparse((const char *)data, size, "", &a);
    procparse((const char *)data + size / 2, size - size / 2, "vda", &b);
    b.at_us = 1000000;
    procparse_rates(&a, &b, &r);
    if (r.cpu_user < 0 || r.cpu_user > 1 || r.disk_util < 0 || r.disk_util > 1 || r.net < 0 ||
        r.disk_await_ms < 0)
        abort();
    return 0;
}
