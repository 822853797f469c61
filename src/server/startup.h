/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_STARTUP_H
#define VPND_SERVER_STARTUP_H

/*
 * From a configuration to "Initialization Sequence Completed": first what can be done at once, then the steps
 * that ask hooks (up, route-up) on the running loop.
 */
struct server;

/** startup_prepare - loop, keys, data plane, device, pool. Errors are logged. Return: 0 or negative. */
int startup_prepare(struct server *server);

/** startup_begin - hooks, routes, listeners, privileges; raises SIGTERM with exit status 1 on failure. Loop thread. */
void startup_begin(struct server *server);

#endif
