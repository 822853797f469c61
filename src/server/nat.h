/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_NAT_H
#define VPND_SERVER_NAT_H

/* The way from the VPN to the world: `nat-masquerade`, and a look at the host when clients are told to send everything
 * here. Loop thread. */
struct server;

/** nat_start - forward and masquerade the VPN's networks if configured; otherwise one warning when redirect-gateway is
 *  pushed and this host does not forward or translate. Return: 0 or negative (logged): the server must not start. */
int nat_start(struct server *server);

/** nat_stop - take everything back. Harmless when nothing was set. */
void nat_stop(struct server *server);

#endif
