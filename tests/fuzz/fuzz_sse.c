/* Server-sent events of unknown bytes. The first byte says how the rest is cut; the events are the same uncut and byte by byte. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool collect(void *arg, const char *data, size_t len)
{
    struct buf *out = arg;
    if (data[len] != '\0' || len > SSE_EVENT_MAX)
        abort();
    buf_append(out, &len, sizeof len);
    buf_append(out, data, len);
    return true;
}

/* Pieces of a length that changes: never 0. */
static void run(const char *s, size_t n, unsigned step, struct buf *out)
{
    struct sse sse = {0};
    unsigned seed = step;
    for (size_t i = 0; i < n;) {
        seed = seed * 1103515245u + 12345u;
        size_t piece = step == 0 ? n : step == 1 ? 1 : 1 + (seed >> 16) % step;
        piece = piece < n - i ? piece : n - i;
        sse_feed(&sse, s + i, piece, collect, out);
        i += piece;
    }
    buf_printf(out, "%d %d", sse.broken, sse_leftover(&sse));
    sse_clear(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *s = (const char *)data + 1;
    struct buf whole = {0}, bytes = {0}, pieces = {0};
    run(s, size - 1, 0, &whole);
    run(s, size - 1, 1, &bytes);
    run(s, size - 1, 2u + data[0], &pieces);
    if (whole.len != bytes.len || memcmp(whole.data, bytes.data, whole.len) != 0 ||
        whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0)
        abort();
    buf_clear(&whole);
    buf_clear(&bytes);
    buf_clear(&pieces);
    return 0;
}
