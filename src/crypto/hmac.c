/* SPDX-License-Identifier: MIT */
#include "crypto/hmac.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"

#define BLOCK_MAX 144 /* SHA3-224 */

/*
 * RFC 2104 over EVP digests. EVP_MAC is not used: it allocates on every restart with the same key, and OpenSSL
 * 3.0.0 to 3.0.2 cannot restart one at all.
 */
struct hmac {
    EVP_MD_CTX *ctx;
    EVP_MD *md;
    size_t size;
    size_t block;
    uint8_t inner_pad[BLOCK_MAX];
    uint8_t outer_pad[BLOCK_MAX];
};

static int digest_parts(struct hmac *h, const uint8_t *pad, const struct span *parts, size_t n, uint8_t *out)
{
    if (EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1 || (pad && EVP_DigestUpdate(h->ctx, pad, h->block) != 1)) {
        return ERR_CRYPTO;
    }
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len && EVP_DigestUpdate(h->ctx, parts[i].data, parts[i].len) != 1) {
            return ERR_CRYPTO;
        }
    }
    return EVP_DigestFinal_ex(h->ctx, out, NULL) == 1 ? 0 : ERR_CRYPTO;
}

static int set_key(struct hmac *h, const void *key, size_t key_len)
{
    uint8_t block[BLOCK_MAX] = {0};
    int err = 0;
    if (key_len > h->block) {
        struct span whole = {key, key_len};
        err = digest_parts(h, NULL, &whole, 1, block);
    } else if (key_len) {
        memcpy(block, key, key_len);
    }
    for (size_t i = 0; i < h->block; i++) {
        h->inner_pad[i] = block[i] ^ 0x36;
        h->outer_pad[i] = block[i] ^ 0x5c;
    }
    secret_wipe(block, sizeof(block));
    return err;
}

struct hmac *hmac_new(const char *digest, const void *key, size_t key_len)
{
    struct hmac *h = mem_zalloc(sizeof(*h));
    h->ctx = EVP_MD_CTX_new();
    h->md = EVP_MD_fetch(NULL, digest, NULL);
    if (!h->ctx || !h->md) {
        hmac_free(h);
        return NULL;
    }
    int size = EVP_MD_get_size(h->md);
    int block = EVP_MD_get_block_size(h->md);
    bool usable = size > 0 && size <= HMAC_SIZE_MAX && block >= size && block <= BLOCK_MAX &&
                  !(EVP_MD_get_flags(h->md) & EVP_MD_FLAG_XOF);
    h->size = usable ? (size_t)size : 0;
    h->block = usable ? (size_t)block : 0;
    if (!usable || set_key(h, key, key_len)) {
        hmac_free(h);
        return NULL;
    }
    return h;
}

void hmac_free(struct hmac *h)
{
    if (!h) {
        return;
    }
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    secret_wipe(h, sizeof(*h));
    free(h);
}

size_t hmac_size(const struct hmac *h)
{
    return h->size;
}

int hmac_compute(struct hmac *h, const struct span *parts, size_t n, uint8_t *out)
{
    uint8_t inner[HMAC_SIZE_MAX];
    int err = digest_parts(h, h->inner_pad, parts, n, inner);
    if (!err) {
        struct span result = {inner, h->size};
        err = digest_parts(h, h->outer_pad, &result, 1, out);
    }
    return err;
}

bool hmac_verify(struct hmac *h, const struct span *parts, size_t n, const uint8_t *expected)
{
    uint8_t computed[HMAC_SIZE_MAX];
    return hmac_compute(h, parts, n, computed) == 0 && secret_equal(computed, expected, h->size);
}

int hmac_once(const char *digest, const void *key, size_t key_len, const struct span *parts, size_t n,
              uint8_t out[HMAC_SIZE_MAX])
{
    struct hmac *h = hmac_new(digest, key, key_len);
    if (!h) {
        return ERR_CRYPTO;
    }
    int err = hmac_compute(h, parts, n, out);
    int size = (int)h->size;
    hmac_free(h);
    return err ? err : size;
}
