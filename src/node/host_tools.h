/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_HOST_TOOLS_H
#define VPND_NODE_HOST_TOOLS_H

/*
 * Stand-alone commands about the host: they do one thing, print it and end (client behaviour spec, 1.5 and 4).
 * Thread: the main thread.
 */
#include <stdbool.h>

struct config;

/** host_tools_persist - `--mktun` (@on) and `--rmtun`: make or remove a lasting tunnel device. Return: exit status. */
int host_tools_persist(const struct config *config, bool on);

/** host_tools_show_gateway - `--show-gateway [TARGET]`: default gateways of both families, or the way to an address.
 *  Return: exit status. */
int host_tools_show_gateway(const char *target);

#endif
