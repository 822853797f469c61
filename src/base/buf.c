/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"

/* Growing copies instead of realloc(), so that a wiped buffer leaves no stale copy of a secret behind. */
static void grow_to(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 128;
    while (cap < need) {
        cap *= 2;
    }
    uint8_t *fresh = mem_zalloc(cap);
    if (b->data) {
        memcpy(fresh, b->data, b->len);
        secret_wipe(b->data, b->cap);
        free(b->data);
    }
    b->data = fresh;
    b->cap = cap;
}

int buf_append(struct buf *b, const void *data, size_t n)
{
    if (n > b->max || b->len > b->max - n) {
        return ERR_LIMIT;
    }
    if (b->len + n + 1 > b->cap) {
        grow_to(b, b->len + n + 1);
    }
    if (n) {
        memcpy(b->data + b->len, data, n);
    }
    b->len += n;
    b->data[b->len] = 0;
    return 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0 || !text) {
        return ERR_LIMIT;
    }
    int err = buf_append(b, text, (size_t)n);
    secret_wipe(text, (size_t)n);
    free(text);
    return err;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        buf_reset(b);
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = 0;
}

const char *buf_str(const struct buf *b)
{
    return b->data ? (const char *)b->data : "";
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data) {
        b->data[0] = 0;
    }
}

void buf_free(struct buf *b, bool wipe)
{
    if (b->data && wipe) {
        secret_wipe(b->data, b->cap);
    }
    free(b->data);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}
