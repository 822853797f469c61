/* SPDX-License-Identifier: MIT */
#include "server/held_config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "server/server.h"

struct held_config {
    struct config *config;
    const struct server_source *source;
    struct held_config *keys_of; /* NULL: its own */
    unsigned references;
};

struct held_config *held_config_new(struct config *config, const struct server_source *source)
{
    struct held_config *held = mem_zalloc(sizeof(*held));
    *held = (struct held_config){.config = config, .source = source, .references = 1};
    return held;
}

void held_config_lean(struct held_config *held, struct held_config *other)
{
    held->keys_of = held_config_ref(other->keys_of ? other->keys_of : other);
}

struct held_config *held_config_ref(struct held_config *held)
{
    held->references++;
    return held;
}

void held_config_unref(struct held_config *held)
{
    if (held && --held->references == 0) {
        if (held->source) {
            held->source->release(held->source->arg, held->config);
        }
        held_config_unref(held->keys_of);
        free(held);
    }
}

const struct config *held_config_get(const struct held_config *held)
{
    return held->config;
}
