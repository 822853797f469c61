/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_MEM_H
#define VPND_BASE_MEM_H

#include <stddef.h>

/**
 * Allocation for control-plane objects. Running out of memory here ends the process with one line: nothing
 * sensible can be done without a few bytes, and no caller has to carry an untested error path. Sizes that a
 * peer can choose must be bounded by the caller.
 */

/** mem_zalloc - @size zeroed bytes, never NULL. Free with free(). */
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));

/** mem_aligned - @size zeroed bytes at a multiple of @alignment (a power of two), never NULL. Free with free(). */
void *mem_aligned(size_t alignment, size_t size) __attribute__((malloc, returns_nonnull));

/** mem_array - zeroed array of @n elements of @size bytes, overflow-checked, never NULL. Free with free(). */
void *mem_array(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/** mem_grow - realloc() to @n elements of @size bytes, overflow-checked, never NULL; new space is not zeroed. */
void *mem_grow(void *old, size_t n, size_t size) __attribute__((returns_nonnull));

/** mem_strdup - copy of @text (NULL gives NULL). Free with free(). */
char *mem_strdup(const char *text);

/** mem_strndup - copy of the first @n bytes of @text plus a NUL. Free with free(). */
char *mem_strndup(const char *text, size_t n) __attribute__((returns_nonnull));

/** mem_printf - freshly allocated formatted string. Free with free(). */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/** BUG_ON - end the process when an invariant of our own (never a peer's doing) is broken. */
#define BUG_ON(condition)                                                                                              \
    do {                                                                                                               \
        if (__builtin_expect(!!(condition), 0)) {                                                                      \
            mem_bug(#condition, __FILE__, __LINE__);                                                                   \
        }                                                                                                              \
    } while (0)

/** mem_bug - print the broken invariant and abort(); use BUG_ON(). */
void mem_bug(const char *what, const char *file, int line) __attribute__((noreturn));

#endif
