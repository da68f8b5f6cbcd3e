/* hash.h -- hashing by library: xxHash for tables, SHA-256 (nettle) wherever somebody may want a collision.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_HASH_H
#define AS_BASE_HASH_H
#include "base/err.h"
#include "base/str.h"

#include <nettle/sha2.h>
#include <stdint.h>

uint64_t as_hash64(as_str s, uint64_t seed); /* XXH3; the same on every machine */

typedef struct as_sha256 {
    struct sha256_ctx ctx;
} as_sha256;
typedef struct as_digest {
    uint8_t bytes[32];
} as_digest;
void as_sha256_init(as_sha256 *h);
void as_sha256_add(as_sha256 *h, as_str s);
/* Adds the length, then the bytes: fields hashed this way cannot run into each other. Absent != empty. */
void as_sha256_field(as_sha256 *h, as_str s);
void as_sha256_u64(as_sha256 *h, uint64_t v);
as_digest as_sha256_end(as_sha256 *h);
as_digest as_sha256_of(as_str s);
int as_sha256_file(const char *path, as_digest *out, as_err *err);
void as_digest_hex(as_digest d, char out[65]);
#endif
