/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void) __attribute__((noreturn));

static void out_of_memory(void)
{
    fputs("vpnd: out of memory\n", stderr);
    abort();
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        out_of_memory();
    }
    return p;
}

void *mem_aligned(size_t alignment, size_t size)
{
    void *p = aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
    if (!p) {
        out_of_memory();
    }
    return memset(p, 0, size);
}

void *mem_array(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) {
        out_of_memory();
    }
    return p;
}

void *mem_grow(void *old, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size) {
        out_of_memory();
    }
    size_t bytes = n * size;
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p) {
        out_of_memory();
    }
    return p;
}

char *mem_strdup(const char *text)
{
    return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_strndup(const char *text, size_t n)
{
    char *copy = mem_zalloc(n + 1);
    memcpy(copy, text, n);
    return copy;
}

char *mem_printf(const char *format, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&out, format, args);
    va_end(args);
    if (n < 0 || !out) {
        out_of_memory();
    }
    return out;
}

void mem_bug(const char *what, const char *file, int line)
{
    fprintf(stderr, "vpnd: broken invariant (%s) at %s:%d: please report this\n", what, file, line);
    abort();
}
