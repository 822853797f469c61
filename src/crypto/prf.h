/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_PRF_H
#define VPND_CRYPTO_PRF_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/**
 * prf_tls1 - the TLS 1.0 PRF (RFC 2246, 5; control channel spec, 7.4.2)
 * @secret: any length
 * @seed, @n: parts that are concatenated; the label is simply the first of them, without NUL
 * Return: 0 and @len bytes in @out, or ERR_CRYPTO (MD5 is not available, for instance in FIPS mode). Any thread.
 */
int prf_tls1(const void *secret, size_t secret_len, const struct span *seed, size_t n, uint8_t *out, size_t len);

#endif
