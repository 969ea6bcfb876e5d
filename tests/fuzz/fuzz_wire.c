/* Answers of unknown bytes, in both dialects, as a stream and whole, of good and bad status. The first three bytes say which, and how
 * the rest is cut. What is made of it does not depend on the cut; texts are bounded; a failure has its words, clean and without the
 * key; and the same bytes as a list of models and as a header harm nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/wire.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key[] = "AQ.fuzz-0123456789";
static const int statuses[] = {200, 200, 200, 200, 400, 401, 403, 404, 429, 500, 503, 302, 407, 0};

static void check_words(const char *s)
{
    char clean[1024];
    text_copy(clean, sizeof clean, s);
    if (strcmp(clean, s) != 0 || strstr(s, key))
        abort();
}

static void run(const uint8_t *how, const char *s, size_t n, unsigned step, struct buf *out)
{
    struct wire w;
    struct wire_failure f;
    struct err cut = {.code = ERR_LOST, .msg = "cut"};
    wire_begin(&w, how[0] & 1 ? DIALECT_OPENAI : DIALECT_GEMINI, how[0] & 2);
    wire_head(&w, statuses[how[1] % (sizeof statuses / sizeof statuses[0])], "");
    unsigned seed = step;
    for (size_t i = 0; i < n;) {
        seed = seed * 1103515245u + 12345u;
        size_t piece = step == 0 ? n : step == 1 ? 1 : 1 + (seed >> 16) % step;
        piece = piece < n - i ? piece : n - i;
        wire_data(&w, s + i, piece);
        i += piece;
    }
    bool good = wire_end(&w, how[0] & 4 ? &cut : NULL, how[0] & 8, &f);
    if (good != (f.fault == FAULT_NONE) || good == (f.err.msg[0] != '\0'))
        abort();
    if (w.text.len > WIRE_TEXT_MAX || strlen(buf_text(&w.text)) != w.text.len ||
        (good && w.text.len == 0))
        abort();
    check_words(f.err.msg);
    check_words(f.err.detail);
    check_words(f.err.hint);
    buf_printf(out, "%d %d %d %d|%s|%s|%s|%s|%d %d %d %d|%d %s|", good, f.fault, f.again,
               f.delay_ms, f.err.msg, f.err.detail, f.err.hint, buf_text(&w.text), w.usage.in,
               w.usage.cached, w.usage.thinking, w.usage.out, w.finish, w.model);
    wire_clear(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static secret_id known;
    if (known == 0)
        known = secret_put(key, sizeof key - 1);
    if (size < 3)
        return 0;
    const char *s = (const char *)data + 3;
    size_t n = size - 3;
    struct buf whole = {0}, bytes = {0}, pieces = {0};
    run(data, s, n, 0, &whole);
    run(data, s, n, 1, &bytes);
    run(data, s, n, 2u + data[2], &pieces);
    if (whole.len != bytes.len || memcmp(whole.data, bytes.data, whole.len) != 0 ||
        whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0)
        abort();
    buf_clear(&whole);
    buf_clear(&bytes);
    buf_clear(&pieces);

    static char names[MODELS_MAX][MODEL_NAME_MAX];
    struct err e = {0};
    int found = wire_read_models(data[0] & 1 ? DIALECT_OPENAI : DIALECT_GEMINI, s, n, names,
                                 MODELS_MAX, &e);
    if (found < 0 || found > MODELS_MAX || (found == 0) != (e.code == ERR_MODEL))
        abort();
    char *header = xstrndup(s, n);
    struct wire w;
    wire_begin(&w, DIALECT_GEMINI, true);
    wire_head(&w, 200, header);
    if (w.retry_after_ms < -1)
        abort();
    wire_clear(&w);
    free(header);
    return 0;
}
