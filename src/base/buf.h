/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_BUF_H
#define VPND_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * A growable byte buffer with a ceiling, for control-plane text and streams. @data[@len] is always NUL once
 * anything was appended, so text can be used as a string. Zero-initialise with BUF_INIT; free with buf_free().
 */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* appends that would pass this many bytes fail as a whole */
};

#define BUF_INIT(limit) ((struct buf){.max = (limit)})

/** buf_append - add @n bytes. Return: 0 or ERR_LIMIT with nothing changed. */
int buf_append(struct buf *b, const void *data, size_t n);

/** buf_printf - add formatted text. Return: 0 or ERR_LIMIT with nothing changed. */
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** buf_consume - drop the first @n bytes (at most all of them). */
void buf_consume(struct buf *b, size_t n);

/** buf_str - contents as a string; "" when empty. Valid until the next change. */
const char *buf_str(const struct buf *b);

/** buf_reset - forget the contents, keep the memory. */
void buf_reset(struct buf *b);

/** buf_free - release; when @wipe the memory is overwritten first (passwords, keys). */
void buf_free(struct buf *b, bool wipe);

#endif
