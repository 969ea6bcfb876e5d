/* sha256.h - the digest of FIPS 180-4, for keys of what is kept by its contents.
 *
 * Here because no library of ours offers one: libcurl, libpq and libssh keep theirs to themselves, and a whole TLS library for one
 * function would be one more to follow. Nothing secret rests on it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t h[8];
    uint64_t len; /* bytes so far */
    unsigned char block[64];
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* The digest as four numbers, the first byte of it highest; s is spent. */
void sha256_end(struct sha256 *s, uint64_t out[4]);
/* … of one text, as 64 hexadecimal digits. */
void sha256_text(const void *data, size_t len, char out[65]);
