/* SPDX-License-Identifier: MIT */
#include "crypto/prf.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hmac.h"

/*
 * P_hash of RFC 2246, xored into @out. OpenSSL's own TLS1-PRF limits the seed to 1024 bytes in some versions and
 * fails in others when a secret is short; two keyed HMACs have no such rules.
 */
static int p_hash_xor(const char *digest, const void *secret, size_t secret_len, const struct span *seed, size_t n,
                      uint8_t *out, size_t len)
{
    struct hmac *h = hmac_new(digest, secret, secret_len);
    if (!h) {
        return ERR_CRYPTO;
    }
    struct span *parts = mem_array(n + 1, sizeof(*parts));
    if (n) {
        memcpy(parts + 1, seed, n * sizeof(*parts));
    }
    uint8_t a[HMAC_SIZE_MAX];
    uint8_t block[HMAC_SIZE_MAX];
    size_t size = hmac_size(h);
    int err = hmac_compute(h, parts + 1, n, a);
    for (size_t at = 0; !err && at < len; at += size) {
        parts[0] = (struct span){a, size};
        err = hmac_compute(h, parts, n + 1, block);
        for (size_t i = 0; !err && i < size && at + i < len; i++) {
            out[at + i] ^= block[i];
        }
        if (!err) {
            err = hmac_compute(h, parts, 1, block);
            memcpy(a, block, size);
        }
    }
    secret_wipe(a, sizeof(a));
    secret_wipe(block, sizeof(block));
    free(parts);
    hmac_free(h);
    return err;
}

int prf_tls1(const void *secret, size_t secret_len, const struct span *seed, size_t n, uint8_t *out, size_t len)
{
    const uint8_t *s = secret;
    size_t half = (secret_len + 1) / 2;
    memset(out, 0, len);
    int err = p_hash_xor("MD5", s, half, seed, n, out, len);
    if (!err) {
        err = p_hash_xor("SHA1", s + (secret_len - half), half, seed, n, out, len);
    }
    if (err) {
        secret_wipe(out, len);
    }
    return err;
}
