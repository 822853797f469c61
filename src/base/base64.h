/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_BASE64_H
#define VPND_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1) /* text of so many bytes, with its NUL */

/** base64_write - RFC 4648 text with padding and NUL into @out. Return: its length, or ERR_LIMIT. */
int base64_write(const void *data, size_t len, char *out, size_t cap);

/** base64_encode - RFC 4648 text of @len bytes, with padding and NUL. Free with free(); wipe it if it is secret. */
char *base64_encode(const void *data, size_t len);

/**
 * base64_decode - strict decoder (white space is skipped; padding required)
 * @out: room for @cap bytes
 * Return: bytes written, ERR_FORMAT, or ERR_LIMIT when @cap is too small.
 */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap);

#endif
