/* Masking of any bytes: bounded, no literal or secret survives behind a text that is whole, aliases come back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/privacy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mask *m, const char *text, size_t in, const char *canary)
{
    if (strlen(text) > 64 + 24 * in)
        abort();
    if (canary && strstr(text, canary))
        abort();
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\n')
            abort();
    struct buf back = {0};
    mask_reverse(m, text, &back);
    if (back.len > 256 * (strlen(text) + 1))
        abort();
    buf_clear(&back);
}

/* Making one reads thousands of words, so that one serves many inputs; anew before its aliases run out. */
static struct mask *shared(enum privacy level)
{
    static struct mask *m;
    static int used;

    if (m && ++used < 64) {
        mask_set_level(m, level);
        return m;
    }
    mask_free(m);
    used = 0;
    m = mask_new(level);
    mask_know(m, ALIAS_USER, "vogelrolle");
    mask_know(m, ALIAS_HOST, "my host");
    return m;
}

/* A name gets an alias, and the alias comes back as the name, whatever stands in it. */
static void round_trip(struct mask *m, const char *name)
{
    struct buf alias = {0}, back = {0}, plain = {0};

    mask_ident(m, ALIAS_USER, name, &alias);
    mask_reverse(m, buf_text(&alias), &back);
    for (const char *c = buf_text(&back); *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\n')
            abort();
    mask_ident(m, ALIAS_USER, buf_text(&back), &plain);
    /* The name that came back is the one that the alias stands for. */
    if (strcmp(buf_text(&alias), "user0") != 0 && strcmp(buf_text(&plain), buf_text(&alias)) != 0)
        abort(); /* user0: no name, or no room */
    buf_clear(&alias);
    buf_clear(&back);
    buf_clear(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 16384)
        return 0;
    enum privacy level = (enum privacy)(data[0] % 3);
    struct mask *m = shared(level);
    struct buf text = {0}, out = {0}, again = {0}, back = {0};
    buf_append(&text, data + 1, size - 1);
    size_t in = strlen(buf_text(&text));
    mask_prose(m, buf_text(&text), &out);
    check(m, buf_text(&out), in, NULL);
    buf_clear(&out);
    mask_sql(m, buf_text(&text), &out);
    check(m, buf_text(&out), in, NULL);
    buf_clear(&out);
    mask_ident(m, ALIAS_TABLE, buf_text(&text), &out);
    check(m, buf_text(&out), in, NULL);
    buf_clear(&out);
    if (level != PRIVACY_FULL)
        round_trip(m, buf_text(&text));
    /* A line of its own behind any prose: the name that is known is masked there. */
    text.len = in;
    buf_puts(&text, "\n2026-11-23 09:00:00 LOG:  seen vogelrolle and AIzaSyKanarienschluessel\n");
    mask_prose(m, buf_text(&text), &out);
    const char *last = NULL; /* the input may hold the words, too */
    for (const char *p = buf_text(&out); (p = strstr(p, "LOG: seen ")); p++)
        last = p;
    if (last && level != PRIVACY_FULL && strstr(last, "vogelrolle"))
        abort();
    if (strstr(buf_text(&out), "AIzaSyKanarienschluessel"))
        abort();
    buf_clear(&out);
    /* Words that look like aliases come back as they were. */
    mask_prose(m, "host1 user2 table3 name4 host9", &again);
    mask_reverse(m, buf_text(&again), &back);
    if (level != PRIVACY_FULL && strcmp(buf_text(&back), "host1 user2 table3 name4 host9") != 0)
        abort();
    buf_clear(&text);
    buf_clear(&again);
    buf_clear(&back);
    return 0;
}
