/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_ROUTES_PLAN_H
#define VPND_NODE_ROUTES_PLAN_H

/*
 * From options and gateways to an ordered list of changes of the routing table; no change is made here. Shared by
 * the routes*.c files only.
 */
#include "base/addr.h"
#include "node/routes.h"
#include "sys/rtnl.h"

enum route_change {
    ROUTE_ADD,
    ROUTE_TAKE_AWAY, /* the old default route, put back at the end */
};

/** One change, in the order in which it is made. */
struct route_entry {
    enum route_change change;
    struct rtnl_route route;
    bool done;
};

/** One `route` or `route-ipv6` line, read as far as it can be. */
struct route_line {
    bool usable;
    char *name;               /* host name still to be looked up, or NULL */
    struct ip_prefix net;
    struct ip_addr gateway;   /* unset: on the device */
    uint32_t ifindex;         /* 0: by gateway */
    uint32_t metric;
    uint32_t table;
};

#define ROUTES_NO_ENTRY SIZE_MAX

struct routes {
    struct rtnl *nl;
    struct journal *journal;

    /* what was asked for */
    bool noexec;
    uint32_t ifindex;
    bool tap;
    unsigned redirect;        /* enum config_redirect_flag */
    uint32_t metric;
    struct ip_addr local6;
    struct ip_addr remote;
    struct ip_addr vpn4;      /* gateway inside the VPN; unset: none known */
    struct ip_addr vpn6;

    /* what the host looks like */
    struct rtnl_gateway net4; /* default gateways; hop.ifindex 0: none */
    struct rtnl_gateway net6;
    struct rtnl_gateway way;  /* to @remote; hop.ifindex 0: none */

    struct route_line *lines;
    size_t line_count;
    struct route_entry *entries;
    size_t entry_count;
    size_t entry_cap;
    size_t host;              /* entry of the host route to @remote, or ROUTES_NO_ENTRY */
    unsigned failed;
    bool installed;
    struct routes_lookup *lookup; /* under way */
};

/** routes_read_lines - fill @lines from the configuration; problems are logged and counted. */
void routes_read_lines(struct routes *routes, const struct config *config);

/** routes_add_addresses - repeat line @index for each further address of its name. */
void routes_add_addresses(struct routes *routes, size_t index, const struct ip_addr *addresses, size_t count);

/** routes_plan - (re)make @entries from lines and redirect flags. */
void routes_plan(struct routes *routes);

/** routes_cancel_lookup - a lookup under way ends without a callback. */
void routes_cancel_lookup(struct routes *routes);

/** routes_on_link - the way to @remote needs no gateway. */
bool routes_on_link(const struct routes *routes);

#endif
