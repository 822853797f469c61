/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_ENV_H
#define VPND_HOOKS_ENV_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The environment of a user's program: an ordered set of NAME=VALUE, exactly what the program gets and nothing
 * inherited (server behaviour spec, 6 and 7). Values come from peers, so both halves are cleaned on the way in.
 */
struct env {
    char **items; /* "NAME=VALUE", NULL-terminated once not empty; pass to execve() */
    size_t count;
    size_t cap;
};

#define ENV_VALUE_MAX 65536 /* longer values are cut */

/**
 * env_set - add or replace @name
 * Characters of @name outside [A-Za-z0-9_] and control characters of @value become '_'. NULL @value is "".
 */
void env_set(struct env *env, const char *name, const char *value);

/** env_setf - env_set() with a formatted value. */
void env_setf(struct env *env, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** env_set_indexed - env_set() of "@stem@index". */
void env_set_indexed(struct env *env, const char *stem, unsigned index, const char *value);

/** env_get - value of @name, or NULL. Valid until the next change. */
const char *env_get(const struct env *env, const char *name);

/** env_unset - remove @name if it is there. */
void env_unset(struct env *env, const char *name);

/** env_unset_prefix - remove every variable whose name starts with @prefix. */
void env_unset_prefix(struct env *env, const char *prefix);

/** env_merge - env_set() everything of @from in @into. */
void env_merge(struct env *into, const struct env *from);

/** env_list - NULL-terminated array for execve(); owned by @env, valid until the next change. */
char **env_list(struct env *env);

/** env_free - wipe (a password may be inside) and release; leaves an empty set. */
void env_free(struct env *env);

#endif
