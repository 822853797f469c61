/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_DIGEST_H
#define VPND_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_MD5_SIZE 16
#define DIGEST_SHA1_SIZE 20
#define DIGEST_SHA256_SIZE 32
#define DIGEST_TEXT_MAX (64 * 3)

/** digest_md5 - the same for MD5: HTTP Digest authentication only. Return: 0 or ERR_CRYPTO (FIPS builds). */
int digest_md5(const void *data, size_t len, uint8_t out[DIGEST_MD5_SIZE]);

/** digest_format - "aa:bb:..", lower case, colon-separated, as tools print fingerprints; @len at most 64.
 *  Return: @out. */
const char *digest_format(const uint8_t *data, size_t len, char out[DIGEST_TEXT_MAX]);

#endif
