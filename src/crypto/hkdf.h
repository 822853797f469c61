/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_HKDF_H
#define VPND_CRYPTO_HKDF_H

#include <stddef.h>
#include <stdint.h>

#define HKDF_SECRET_SIZE 32

/** hkdf_expand_sha256 - HKDF-Expand (RFC 5869, 2.3), @len at most 255 * 32. Return: 0 or ERR_CRYPTO. Any thread. */
int hkdf_expand_sha256(const void *prk, size_t prk_len, const void *info, size_t info_len, uint8_t *out, size_t len);

/**
 * hkdf_label - "ovpn " label expansion with an empty context (control channel spec, 7.4.3)
 * @label: without the prefix, "data_key"; at most 32 bytes
 * Return: 0 or ERR_CRYPTO. Any thread.
 */
int hkdf_label(const uint8_t secret[HKDF_SECRET_SIZE], const char *label, uint8_t *out, size_t len);

#endif
