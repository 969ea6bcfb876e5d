#pragma once
/*
 * What the fuzz targets share: the input as a stream of bytes and words, and a check that says what did not hold. The
 * function that libFuzzer calls is declared here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pgd/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Defined by a target: how many bytes of a corpus file are replayed as prefixes, too (tests/support/fuzz_replay.c). */
extern const size_t fuzz_prefix_most;

static inline void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#define REQUIRE(holds)                               \
    do {                                             \
        if (!(holds))                                \
            fuzz_broken(__FILE__, __LINE__, #holds); \
    } while (0)

struct input {
    const uint8_t *data;
    size_t size, at;
};

/* The next byte; 0 at the end. */
static inline uint8_t input_byte(struct input *in)
{
    return in->at < in->size ? in->data[in->at++] : 0;
}

static inline bool input_ended(const struct input *in)
{
    return in->at >= in->size;
}

/* The input up to the next byte of zero, as text of the caller's. */
static inline char *input_word(struct input *in)
{
    size_t n = 0, left = in->size - in->at;

    while (n < left && in->data[in->at + n])
        n++;
    char *text = xstrndup((const char *)in->data + in->at, n);
    in->at += n + (n < left);
    return text;
}
