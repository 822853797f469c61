/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PORT_SHARE_H
#define VPND_SERVER_PORT_SHARE_H

/*
 * `port-share`: looks at the first bytes of a TCP connection without taking them, keeps what is ours and relays the
 * rest to another server (spec: server behaviour, 9). Strangers' connections are bounded in number. Loop thread.
 */
#include <stddef.h>

#include "base/addr.h"

struct config;
struct loop;
struct port_share;

/** Called when a connection turned out to be ours; ownership of @fd passes. */
typedef void (*port_share_ours_fn)(void *arg, int fd, const union addr *peer);

/** port_share_new - resolve HOST:PORT of the option. Return: 0 and *out, or ERR_CONFIG (logged). */
int port_share_new(struct loop *loop, const struct config *config, struct port_share **out);

/** port_share_free - close every relayed connection; NULL is fine. */
void port_share_free(struct port_share *share);

/** port_share_take - judge the connection @fd of @peer (ownership passes); @ours is called when it is a VPN client. */
void port_share_take(struct port_share *share, int fd, const union addr *peer, port_share_ours_fn ours, void *arg);

/** port_share_forget - nobody is interested in connections of @arg any more (its listener closes). */
void port_share_forget(struct port_share *share, void *arg);

#endif
