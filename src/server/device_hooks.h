/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_DEVICE_HOOKS_H
#define VPND_SERVER_DEVICE_HOOKS_H

/* up, route-up, route-pre-down and down of the server's device (spec: server behaviour, 6). Loop thread. */
#include <stdbool.h>

#include "hooks/event.h"

struct server;

/** device_hooks_ask - ask one of the four; @done is called once with @server, maybe at once. */
void device_hooks_ask(struct server *server, enum event_type type, void (*done)(void *server, bool accepted));

/** device_hooks_cancel - whatever is asked is not waited for any longer. */
void device_hooks_cancel(struct server *server);

#endif
