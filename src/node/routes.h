/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_ROUTES_H
#define VPND_NODE_ROUTES_H

/*
 * Routes of the host that lead into the tunnel, and those that keep the tunnel's own packets out of it (client
 * behaviour spec, 5). A plan is made from options and the routing table, installed in order, and taken back in
 * reverse. A route that was there before is never touched, with one exception: redirect-gateway without def1
 * replaces the default route and puts it back.
 *
 * A journal lists what was installed, so that the next start can clean up after kill -9.
 * Thread: the loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "node/loop.h"
#include "sys/rtnl.h"

struct config;
struct env; /* hooks/env.h */
struct journal;

/** What routes are made from. All borrowed during routes_new(). */
struct routes_request {
    const struct config *config; /* with pushed options applied: route, route_ipv6, route_gateway, route_metric,
                                    redirect_gateway, route_noexec, route_ipv6_gateway */
    uint32_t ifindex;            /* of the device; 0 with `dev null` */
    bool tap;
    struct ip_addr peer4;        /* far end of the device in net30 and p2p, unset otherwise */
    struct ip_addr local6;       /* unset: no IPv6 inside */
    struct ip_addr peer6;
    struct ip_addr remote;       /* outer address of the server; unset: unknown (then no host route) */
    struct journal *journal;     /* where installed routes are listed (node/journal.h); NULL: nowhere */
};

struct routes;

/**
 * routes_new - look gateways up and resolve everything but host names
 * Lines that cannot be used are logged and skipped (routes_failed()).
 * Return: 0 and *out, or -errno (netlink).
 */
int routes_new(const struct routes_request *request, struct rtnl *nl, struct routes **out);

/**
 * routes_resolve - look up the host names in `route` lines, then call @done on the loop thread
 * At once when there are none. routes_free() cancels it. A name that does not resolve is logged and skipped.
 */
void routes_resolve(struct routes *routes, struct loop *loop, void (*done)(void *arg), void *arg);

/** routes_install - add them in order. Return: number of routes that could not be set (EEXIST does not count). */
unsigned routes_install(struct routes *routes);

/** routes_remove - take back what routes_install() did, in reverse. */
void routes_remove(struct routes *routes);

/** routes_failed - lines or routes that failed so far, the redirect included: CONNECTED,ROUTE_ERROR. */
unsigned routes_failed(const struct routes *routes);

/** routes_installed - routes_install() was called and not taken back. */
bool routes_installed(const struct routes *routes);

/** routes_refresh - the host's routes changed: point the host route to the server at the new gateway.
 *  Return: 1 changed, 0 nothing to do, or -errno (no way to the server at the moment). */
int routes_refresh(struct routes *routes);

/** routes_export - route_vpn_gateway, route_net_gateway, route_network_N, redirect_gateway, ... for scripts. */
void routes_export(const struct routes *routes, struct env *env);

/** routes_free - cancel, remove if installed, release. NULL is fine. */
void routes_free(struct routes *routes);

/** routes_recover - take back what @journal lists from a run that was killed. Return: number of routes changed. */
unsigned routes_recover(struct journal *journal, struct rtnl *nl);

#endif
