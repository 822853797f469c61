/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_MODULE_H
#define VPND_HOOKS_PLUGIN_MODULE_H

/*
 * One loaded plugin, called through whichever version of the interface it exports. Used only in the plugin's own
 * process: what it does wrong hurts nobody else.
 */
#include <stdint.h>

#include "hooks/plugin_abi.h"

struct plugin_module;

/** One call. */
struct plugin_module_call {
    enum plugin_type type;
    const char **argv;
    const char **envp;
    void *client;                      /* from plugin_module_client_new() */
    unsigned depth;                    /* TLS_VERIFY */
    void *certificate;                 /* X509 or NULL, TLS_VERIFY */
    struct plugin_string_list *answer; /* receives a list for plugin_module_answer_free(), or NULL */
};

/**
 * plugin_module_load - dlopen() and look at what it exports
 * Return: NULL with *error (free with free()), or the module, not opened yet.
 */
struct plugin_module *plugin_module_load(const char *path, char **error);

/** plugin_module_init_point - when it wants to be opened: enum plugin_init_point. */
int plugin_module_init_point(const struct plugin_module *module);

/** plugin_module_open - let it initialise itself. Return: 0 with *mask, or -1 with *error. */
int plugin_module_open(struct plugin_module *module, const char **argv, const char **envp,
                       struct plugin_callbacks *callbacks, unsigned *mask, char **error);

/** plugin_module_run - Return: enum plugin_status, or what else the plugin says. */
int plugin_module_run(struct plugin_module *module, struct plugin_module_call *call);

/** plugin_module_answer_free - release what a call gave; NULL is fine. */
void plugin_module_answer_free(struct plugin_string_list *list);

/** plugin_module_client_new - its data for a client; NULL when it keeps none. */
void *plugin_module_client_new(struct plugin_module *module);

/** plugin_module_client_free - that client is gone. */
void plugin_module_client_free(struct plugin_module *module, void *client);

/** plugin_module_close - its last call; @failed: the daemon ends because of an error. */
void plugin_module_close(struct plugin_module *module, int failed);

#endif
