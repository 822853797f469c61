/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_ADDRESSES_H
#define VPND_SERVER_ADDRESSES_H

/*
 * Tunnel addresses: the server's own, and those of each client from pool and `ifconfig-push` (spec: server
 * behaviour, 2). Loop thread.
 */
#include "server/pool.h"

struct config;
struct instance;
struct server;
struct static_ifconfig;

/** addresses_own - fill server->own from the configuration. */
void addresses_own(struct server *server);

/** addresses_have_netmask - whether a tunnel address goes with a netmask (tap, topology subnet), not with a far end. */
bool addresses_have_netmask(const struct config *config);

/** addresses_make_pool - the pool of the configuration, logging its bounds; server->pool stays NULL without one.
 *  Return: 0, or ERR_CONFIG (logged). */
int addresses_make_pool(struct server *server);

/** addresses_choose_dynamic - take a pool slot for the client; none left is logged, the client goes on without. */
void addresses_choose_dynamic(struct instance *instance);

/** addresses_choose_static - take over ifconfig-push (@found: its addresses; NULL: there is none) and
 *  ifconfig-ipv6-push of the client's options, giving the pool slot back where it is not needed. May be called after
 *  each source of options. */
void addresses_choose_static(struct instance *instance, const struct static_ifconfig *found);

/** addresses_report_none - one line when the client got no IPv4 address from anywhere. */
void addresses_report_none(const struct instance *instance);

/** What a PUSH_UPDATE says about a client's addresses; a local address that is unset is taken away. */
struct addresses_change {
    bool v4;
    bool v6;
    struct ip_addr local4;
    struct ip_addr remote4; /* second argument of ifconfig: far end or netmask */
    struct ip_addr local6;
    unsigned bits6;
    struct ip_addr remote6;
};

/**
 * addresses_change - other addresses for a connected client: what lies in the pool is reserved, the routes follow
 * The slot that it came with stays its own, so that nobody else gets half of it.
 * Return: false after one log line: an address belongs to the server or to another client; nothing has changed.
 */
bool addresses_change(struct instance *instance, const struct addresses_change *change);

/** addresses_release - give the pool slot back when the client goes. */
void addresses_release(struct instance *instance);

#endif
