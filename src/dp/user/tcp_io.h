/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_TCP_IO_H
#define VPND_DP_USER_TCP_IO_H

/*
 * TCP connections. One worker owns a connection: it reads it and finishes what a write left over. Any worker, and
 * control, may write under the connection's lock. What does not go out at once waits in a bounded queue that loses
 * its oldest packets when they have waited too long, so that the tunnelled TCP sees loss instead of seconds of delay.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/user/packet.h"
#include "dp/user/table.h"

struct conn;
struct peer;
struct user;
struct worker;

/** conn_add - take over a connected socket. Return: 0 and *id, or negative with the fd closed. Control. */
int conn_add(struct user *user, int fd, const void *initial, size_t initial_len, uint32_t *id);

/** conn_del - close after what waits was written, or a second has passed. Under the lock. */
void conn_del(struct user *user, uint32_t id);

/** conn_find - by id, or NULL. Worker, or under the lock. */
struct conn *conn_find(const struct user *user, uint32_t id);

/** conn_hold - one more reference. */
void conn_hold(struct conn *conn);

/** conn_release - one reference less; the last one closes the socket. Any thread. */
void conn_release(struct conn *conn);

/** conn_set_peer - packets of this connection belong to @peer. Under the lock. */
void conn_set_peer(struct conn *conn, struct peer *peer);

/** conn_unset_peer - undo it if it still is @peer's. Under the lock. */
void conn_unset_peer(struct conn *conn, const struct peer *peer);

/** conn_peer - whose connection it is, or NULL. Worker. */
struct peer *conn_peer(const struct conn *conn);

/** conn_id - its handle. */
uint32_t conn_id(const struct conn *conn);

/** conn_send - write records (each with STREAM_HEADER_SIZE writable bytes before it) in one call, queue what is left.
 *  Worker. */
void conn_send(struct worker *w, struct conn *conn, struct packet *packets, unsigned count);

/** conn_send_control - one control packet, never dropped for its age. Return: 0, -EAGAIN (queue full), -EPIPE. Any
 *  thread. */
int conn_send_control(struct user *user, struct conn *conn, const void *data, size_t len);

/** conn_ready - the owner's epoll reported it. Worker. */
void conn_ready(struct worker *w, struct conn *conn, bool input, bool output);

/** conn_tick - once a second on worker 0, in parts: drop what has waited too long, end connections whose grace after
 *  conn_del() is over. */
void conn_tick(struct worker *w, const struct table_part *part);

/** conn_free_all - close every connection; no worker is left. */
void conn_free_all(struct user *user);

#endif
