/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_UDP_REFUSAL_H
#define VPND_CLIENT_UDP_REFUSAL_H

/*
 * Does the server's host say that nothing listens on its UDP port? The data plane's socket is not connected and hears
 * no such thing; one of our own asks, with empty datagrams, when the server has been silent for a moment. Loop thread only.
 */
#include "base/addr.h"
#include "node/loop.h"
#include "sys/sock.h"

struct udp_refusal;

/**
 * udp_refusal_watch - ask a few times, from a moment later on, about the port of @remote
 * @options: of the socket, so that it takes the way that the connection takes
 * @refused: called at most once, in a later turn
 * Return: handle, or NULL where it cannot be asked.
 */
struct udp_refusal *udp_refusal_watch(struct loop *loop, const union addr *remote, const struct sock_options *options,
                                      void (*refused)(void *arg), void *arg);

/** udp_refusal_free - also from within @refused. NULL is fine. */
void udp_refusal_free(struct udp_refusal *refusal);

#endif
