/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_LISTENER_H
#define VPND_SERVER_LISTENER_H

/*
 * Where the server listens: one UDP or TCP socket (a group of them, with several workers) for each `local` line,
 * or one for all (spec: server behaviour, 1.5). Loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;

/** listeners_open - resolve, bind and hand everything over; each line that fails is logged. Return: 0 or negative. */
int listeners_open(struct server *server);

/** listeners_ipv6 - family of the UDP listener that the data plane knows by @id. */
bool listeners_ipv6(const struct server *server, uint32_t id);

/** listeners_ports - port numbers of all, at most @max. Return: how many. */
size_t listeners_ports(const struct server *server, uint16_t *out, size_t max);

/** listeners_close - close all. */
void listeners_close(struct server *server);

#endif
