/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_ROUTES_H
#define VPND_NODE_ROUTES_H

/*
 * Routes of the host that lead into the tunnel, and those that keep the tunnel's own packets out of it (client
 * behaviour spec, 5). A plan is made from options and the routing table, installed in order, and taken back in
 * reverse. A route that was there before is never touched, with one exception: redirect-gateway without def1
 * replaces the default route and puts it back.
 *
 * A journal in the runtime directory lists what was installed, so that the next start can clean up after kill -9.
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

/** One `route` or `route-ipv6` line; fields as written, NULL where absent or "default". */
struct route_line {
    bool ipv6;
    const char *network; /* address, host name (IPv4), vpn_gateway, net_gateway, remote_host; ADDR/BITS for IPv6 */
    const char *netmask; /* IPv4 only */
    const char *gateway; /* address, vpn_gateway, net_gateway, remote_host */
    const char *metric;
    uint32_t table;      /* route-table in force at that line; 0 main */
};

/** Flags of redirect-gateway and redirect-private; they accumulate. */
enum route_redirect {
    ROUTE_REDIRECT_ENABLE = 1u << 0,     /* either option was given */
    ROUTE_REDIRECT_GATEWAY = 1u << 1,    /* redirect-gateway: change the default route */
    ROUTE_REDIRECT_LOCAL = 1u << 2,
    ROUTE_REDIRECT_AUTOLOCAL = 1u << 3,
    ROUTE_REDIRECT_DEF1 = 1u << 4,
    ROUTE_REDIRECT_BYPASS_DHCP = 1u << 5,
    ROUTE_REDIRECT_BYPASS_DNS = 1u << 6,
    ROUTE_REDIRECT_BLOCK_LOCAL = 1u << 7,
    ROUTE_REDIRECT_IPV6 = 1u << 8,
    ROUTE_REDIRECT_NOT_IPV4 = 1u << 9,
};

/** routes_redirect_flag - bit for one word ("def1"); 0 when unknown. */
unsigned routes_redirect_flag(const char *word);

/** What routes are made from. All borrowed during routes_new(). */
struct routes_request {
    const struct route_line *lines;
    size_t line_count;
    unsigned redirect;          /* enum route_redirect */
    const char *gateway4;       /* route-gateway; NULL: @peer4 */
    const char *gateway6;       /* route-ipv6-gateway; NULL: @peer6 */
    uint32_t metric;            /* route-metric; RTNL_METRIC_NONE none */
    bool noexec;                /* route-noexec: environment only */

    uint32_t ifindex;           /* of the device */
    bool tap;
    struct ip_addr peer4;       /* far end of the device in net30 and p2p, unset otherwise */
    struct ip_addr local6;      /* unset: no IPv6 inside */
    struct ip_addr peer6;
    struct ip_addr remote;      /* outer address of the server; unset: unknown (then no host route) */
    uint32_t mark;              /* of our sockets: how the way to @remote is looked up */

    const char *journal;        /* file to list installed routes in; NULL: none */
};

/** routes_lines_from_config - the configured `route` and `route-ipv6` lines. Return: number; free *out with free(). */
size_t routes_lines_from_config(const struct config *config, struct route_line **out);

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

/** routes_recover - remove what the journal at @path lists (a start after kill -9). Return: routes removed. */
unsigned routes_recover(const char *path, struct rtnl *nl);

#endif
