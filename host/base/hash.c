/* hash.c -- xxHash and SHA-256, both by library.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

uint64_t as_hash64(as_str s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.data ? s.data : "", s.len, seed);
}

void as_sha256_init(as_sha256 *h)
{
    sha256_init(&h->ctx);
}

void as_sha256_add(as_sha256 *h, as_str s)
{
    if (s.len)
        sha256_update(&h->ctx, s.len, (const uint8_t *)s.data);
}

void as_sha256_u64(as_sha256 *h, uint64_t v)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    sha256_update(&h->ctx, sizeof bytes, bytes);
}

void as_sha256_field(as_sha256 *h, as_str s)
{
    as_sha256_u64(h, s.data ? s.len : UINT64_MAX); /* no text is that long: absent */
    as_sha256_add(h, s);
}

as_digest as_sha256_end(as_sha256 *h)
{
    as_digest d;
    sha256_digest(&h->ctx, sizeof d.bytes, d.bytes);
    return d;
}

as_digest as_sha256_of(as_str s)
{
    as_sha256 h;
    as_sha256_init(&h);
    as_sha256_add(&h, s);
    return as_sha256_end(&h);
}

int as_sha256_file(const char *path, as_digest *out, as_err *err)
{
    char block[64 * 1024];
    as_sha256 h;
    AS_CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return as_fail_errno(err, "%s", path);
    as_sha256_init(&h);
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return as_fail_errno(err, "%s", path);
        if (n == 0)
            break;
        as_sha256_add(&h, (as_str){ block, (size_t)n });
    }
    *out = as_sha256_end(&h);
    return 0;
}

void as_digest_hex(as_digest d, char out[65])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof d.bytes; i++) {
        out[2 * i] = hex[d.bytes[i] >> 4];
        out[2 * i + 1] = hex[d.bytes[i] & 15];
    }
    out[64] = 0;
}
