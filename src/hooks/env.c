/* SPDX-License-Identifier: MIT */
#include "hooks/env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

static bool name_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static char *make_item(const char *name, const char *value)
{
    size_t name_len = strlen(name);
    size_t value_len = strnlen(value, ENV_VALUE_MAX);
    char *item = mem_zalloc(name_len + value_len + 2);
    for (size_t i = 0; i < name_len; i++) {
        item[i] = name_character(name[i]) ? name[i] : '_';
    }
    item[name_len] = '=';
    for (size_t i = 0; i < value_len; i++) {
        unsigned char c = (unsigned char)value[i];
        item[name_len + 1 + i] = c < 0x20 || c == 0x7f ? '_' : value[i];
    }
    return item;
}

static size_t item_name_len(const char *item)
{
    return strcspn(item, "=");
}

static bool same_name(const char *item, const char *other, size_t len)
{
    return item_name_len(item) == len && memcmp(item, other, len) == 0;
}

static void wipe_item(char *item)
{
    secret_wipe(item, strlen(item));
    free(item);
}

static void put(struct env *env, char *item)
{
    size_t len = item_name_len(item);
    for (size_t i = 0; i < env->count; i++) {
        if (same_name(env->items[i], item, len)) {
            wipe_item(env->items[i]);
            env->items[i] = item;
            return;
        }
    }
    if (env->count + 2 > env->cap) {
        env->cap = env->cap ? env->cap * 2 : 32;
        env->items = mem_grow(env->items, env->cap, sizeof(*env->items));
    }
    env->items[env->count++] = item;
    env->items[env->count] = NULL;
}

void env_set(struct env *env, const char *name, const char *value)
{
    put(env, make_item(name, value ? value : ""));
}

void env_setf(struct env *env, const char *name, const char *format, ...)
{
    char *value = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&value, format, args);
    va_end(args);
    BUG_ON(n < 0);
    env_set(env, name, value);
    wipe_item(value);
}

void env_set_indexed(struct env *env, const char *stem, unsigned index, const char *value)
{
    char *name = mem_printf("%s%u", stem, index);
    env_set(env, name, value);
    free(name);
}

const char *env_get(const struct env *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->count; i++) {
        if (same_name(env->items[i], name, len)) {
            return env->items[i] + len + 1;
        }
    }
    return NULL;
}

static void remove_at(struct env *env, size_t at)
{
    wipe_item(env->items[at]);
    memmove(&env->items[at], &env->items[at + 1], (env->count - at) * sizeof(*env->items));
    env->count--;
}

void env_unset(struct env *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->count; i++) {
        if (same_name(env->items[i], name, len)) {
            remove_at(env, i);
            return;
        }
    }
}

void env_unset_prefix(struct env *env, const char *prefix)
{
    size_t len = strlen(prefix);
    for (size_t i = env->count; i-- > 0;) {
        if (strncmp(env->items[i], prefix, len) == 0) {
            remove_at(env, i);
        }
    }
}

void env_merge(struct env *into, const struct env *from)
{
    for (size_t i = 0; i < from->count; i++) {
        put(into, mem_strdup(from->items[i]));
    }
}

char **env_list(struct env *env)
{
    if (!env->items) {
        env->cap = 1;
        env->items = mem_array(1, sizeof(*env->items));
    }
    return env->items;
}

void env_free(struct env *env)
{
    for (size_t i = 0; i < env->count; i++) {
        wipe_item(env->items[i]);
    }
    free(env->items);
    *env = (struct env){0};
}
