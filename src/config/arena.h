/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_ARENA_H
#define VPND_CONFIG_ARENA_H

/*
 * Memory that is released as a whole: a configuration owns one arena, a clone or a client another, so that
 * copies share what did not change and nothing is freed piece by piece. Control thread only.
 */
#include <stddef.h>

struct config_arena;

/** arena_new - an empty arena. */
struct config_arena *arena_new(void);

/** arena_free - wipe and release everything that was allocated from it; NULL is fine. */
void arena_free(struct config_arena *arena);

/** arena_alloc - @n zeroed bytes, aligned for any type, never NULL. */
void *arena_alloc(struct config_arena *arena, size_t n);

/** arena_bytes - memory that it holds. */
size_t arena_bytes(const struct config_arena *arena);

/** arena_strdup - copy of @text; NULL gives NULL. */
char *arena_strdup(struct config_arena *arena, const char *text);

/** arena_strndup - copy of the first @n bytes of @text plus a NUL. */
char *arena_strndup(struct config_arena *arena, const char *text, size_t n);

/** arena_printf - formatted string. */
char *arena_printf(struct config_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** arena_grow - an array twice as large with the old contents; *cap is updated. The old array stays as it is. */
void *arena_grow(struct config_arena *arena, const void *items, size_t count, size_t *cap, size_t element);

/** CONFIG_APPEND - add a zeroed element to a CONFIG_LIST and evaluate to its address. */
#define CONFIG_APPEND(arena, list)                                                                                     \
    ((list)->count == (list)->cap                                                                                      \
         ? (void)((list)->items = arena_grow((arena), (list)->items, (list)->count, &(list)->cap,                      \
                                             sizeof((list)->items[0])))                                                \
         : (void)0,                                                                                                    \
     &(list)->items[(list)->count++])

#endif
