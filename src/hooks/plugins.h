/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGINS_H
#define VPND_HOOKS_PLUGINS_H

/*
 * Plugins: shared objects of others, each in a process of its own (plugin_supervisor.h), listening to the same events
 * as scripts do. One listener a plugin, in the order of the configuration.
 */
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "hooks/event.h"

struct config;
struct plugins;

/**
 * plugins_start - open all plugins of @config; before any thread, key or password of the daemon exists
 * Return: 0 and *out (NULL when there are none), or ERR_CONFIG (one line logged).
 */
int plugins_start(const struct config *config, struct plugins **out);

/** plugins_listen - begin to listen on @bus, before scripts do, with the standard streams of now. @config, @bus and @loop must outlive it. NULL @plugins
 *  is fine here and below. */
void plugins_listen(struct plugins *plugins, uv_loop_t *loop, struct event_bus *bus, const struct config *config);

/** plugins_settle - the daemon gives its privileges up: so do they. */
void plugins_settle(struct plugins *plugins);

/** plugins_set_config - after a reload; a changed list of plugins is only named in the log. */
void plugins_set_config(struct plugins *plugins, const struct config *config);

/** plugins_want - whether some plugin has a say in events of this type. */
bool plugins_want(const struct plugins *plugins, enum event_type type);

/** plugins_running - calls that have not ended; a process that exits waits for them. */
size_t plugins_running(const struct plugins *plugins);

/** plugins_end - stop listening, let them close and end their processes; before the loop is closed. @failed: the
 *  daemon ends because of an error. */
void plugins_end(struct plugins *plugins, bool failed);

#endif
