/* SPDX-License-Identifier: MIT */
#include "config/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#define BLOCK_SIZE 4096

struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(max_align_t) unsigned char data[];
};

struct config_arena {
    struct block *blocks;
    size_t bytes;
};

struct config_arena *arena_new(void)
{
    return mem_zalloc(sizeof(struct config_arena));
}

void arena_free(struct config_arena *arena)
{
    if (!arena) {
        return;
    }
    for (struct block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        secret_wipe(b->data, b->used);
        free(b);
    }
    free(arena);
}

void *arena_alloc(struct config_arena *arena, size_t n)
{
    size_t align = _Alignof(max_align_t);
    n = (n + align - 1) / align * align;
    struct block *b = arena->blocks;
    if (!b || b->size - b->used < n) {
        size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
        b = mem_zalloc(sizeof(struct block) + size);
        b->size = size;
        b->next = arena->blocks;
        arena->blocks = b;
        arena->bytes += size;
    }
    void *at = b->data + b->used;
    b->used += n;
    return at;
}

size_t arena_bytes(const struct config_arena *arena)
{
    return arena->bytes;
}

char *arena_strndup(struct config_arena *arena, const char *text, size_t n)
{
    char *copy = arena_alloc(arena, n + 1);
    if (n) {
        memcpy(copy, text, n);
    }
    return copy;
}

char *arena_strdup(struct config_arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct config_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    BUG_ON(n < 0);
    char *copy = arena_strndup(arena, text, (size_t)n);
    secret_wipe(text, (size_t)n);
    free(text);
    return copy;
}

void *arena_grow(struct config_arena *arena, const void *items, size_t count, size_t *cap, size_t element)
{
    size_t wanted = count < 4 ? 4 : count * 2;
    void *grown = arena_alloc(arena, wanted * element);
    if (count) {
        memcpy(grown, items, count * element);
    }
    *cap = wanted;
    return grown;
}
