/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_HMAC_H
#define VPND_CRYPTO_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define HMAC_SIZE_MAX 64

/** A keyed HMAC that can be computed again and again. One thread at a time. */
struct hmac;

/**
 * hmac_new - keyed context
 * @digest: OpenSSL digest name, "SHA256";  @key: copied
 * Return: NULL when the digest is unknown, has no fixed size, or the library refuses it.
 */
struct hmac *hmac_new(const char *digest, const void *key, size_t key_len);

/** hmac_free - wipe and release; NULL is fine. */
void hmac_free(struct hmac *h);

/** hmac_size - bytes of the result. */
size_t hmac_size(const struct hmac *h);

/**
 * hmac_compute - HMAC over the concatenation of @n parts
 * @out: hmac_size() bytes; may be part of no input
 * Return: 0 or ERR_CRYPTO.
 */
int hmac_compute(struct hmac *h, const struct span *parts, size_t n, uint8_t *out);

/** hmac_verify - hmac_compute() and a comparison with @expected in constant time. */
bool hmac_verify(struct hmac *h, const struct span *parts, size_t n, const uint8_t *expected);

/** hmac_once - HMAC under a key that is used only here; @out has hmac size bytes. Return: the size, or ERR_CRYPTO.
 *  Any thread. */
int hmac_once(const char *digest, const void *key, size_t key_len, const struct span *parts, size_t n,
              uint8_t out[HMAC_SIZE_MAX]);

#endif
