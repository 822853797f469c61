/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_SHUTDOWN_H
#define VPND_SERVER_SHUTDOWN_H

/*
 * The end: tell clients (explicit-exit-notify), close them, undo routes and device, run the last hooks (spec:
 * server behaviour, 3 and 6). Loop thread.
 */
struct loop_signal_info;
struct server;
struct shutdown;

/** shutdown_begin - SIGTERM or SIGINT; a second one hurries. loop_stop() follows. */
void shutdown_begin(struct server *server, const struct loop_signal_info *info);

/** shutdown_drop_clients - SIGUSR1: every client has to connect anew. */
void shutdown_drop_clients(struct server *server);

/** shutdown_free - NULL is fine. */
void shutdown_free(struct shutdown *shutdown);

#endif
