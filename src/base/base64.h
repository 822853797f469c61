/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_BASE64_H
#define VPND_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/** base64_encode - RFC 4648 text of @len bytes, with padding and NUL. Free with free(); wipe it if it is secret. */
char *base64_encode(const void *data, size_t len);

/**
 * base64_decode - strict decoder (white space is skipped; padding required)
 * @out: room for @cap bytes
 * Return: bytes written, ERR_FORMAT, or ERR_LIMIT when @cap is too small.
 */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap);

#endif
